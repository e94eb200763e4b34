//! Comrades' devices make good what a node took with it: somebody who writes no more put an envelope
//! there, and only another member's browser has a copy of it.
//!
//! Flow, on a link of two comrades' devices that is up:
//! 1. Whoever's node lost what it held says [`Frame::Seek`] ([`Open::say_lost`]), once for each such node.
//! 2. Who was dialled and is asked says the same; who dialled leads a comparison of what both have of that
//!    node ([`super::comparing`]), one at a time for each device.
//! 3. What a device lacks, and asked for, is sent a few at a time, and answered alike whomever it is for:
//!    who sends it learns nothing of that, and keeps its copy, so an answer promises nothing.
//! 4. What is for this device is opened when all has come, in the order in which it was written: then only
//!    is it kept, and after a crash it is brought again.
//!
//! Only nodes are compared at which both had a home and told the other of it: neither learns where the
//! other was a member. What comes has a share of the room ([`Open::keep_copy`]) and of the day's bytes.

use std::collections::{BTreeSet, VecDeque};

use komrade_ether::{Bucket, Day, Frame};
use komrade_view::{ComradeId, Millis};

use super::{
    comparing::{Comparing, Shared, Side, With},
    copies::Mail,
    send,
};
use crate::{
    LinkId, limits,
    links::Party,
    open::{Open, Purpose},
    own::LostNode,
    step::Step,
};

/// Comparing with comrades' devices.
#[derive(Default)]
pub(crate) struct Seeking {
    pub(super) comparing: Option<Comparing>,
    /// Whose turn comes next: one for each link and node.
    waiting: VecDeque<Sought>,
    /// Mail that came, until all has.
    pub(super) mail: Vec<Mail>,
    /// Mail that is being opened, in order.
    pub(super) opening: VecDeque<Mail>,
    /// Bytes of both.
    pub(super) mail_bytes: usize,
    /// There was no room for some of it.
    pub(super) is_cut: bool,
    /// Comparisons that ended well, of which mail is still to be opened.
    pub(super) ended: Vec<(ComradeId, u64)>,
    /// Not before then: more first contacts than are opened in a minute.
    pub(super) hold_until: Millis,
}

/// What a comrade's device asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    tag: u64,
    bucket: Bucket,
    is_lost: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sought {
    link: LinkId,
    comrade: ComradeId,
    asked: Asked,
}

/// What was said on a link.
#[derive(Debug, Default)]
pub(crate) struct LinkSeeking {
    /// Of which nodes this side spoke.
    said: BTreeSet<u64>,
    /// What the other side said last.
    named: Option<Asked>,
    /// Comparisons that were begun.
    begun: u32,
}

impl Open {
    /// Goes on with what is due: mail that came, what is to be said, whose turn it is.
    pub(crate) fn go_on_seeking(&mut self, step: &mut Step) {
        self.mind_seeking(step);
        self.open_copies(step);
        self.say_lost(step);
        self.begin_next(step);
    }

    /// When [`Open::go_on_seeking`] has something to do.
    pub(crate) fn next_seeking(&self) -> Option<Millis> {
        let seeking = &self.node.seeking;
        let comparing = seeking.comparing.as_ref().map(Comparing::ends_at);
        let mail = (!seeking.opening.is_empty()).then_some(seeking.hold_until);
        [comparing, mail].into_iter().flatten().min()
    }

    /// The clock was ahead.
    pub(crate) fn bring_seeking_down(&mut self, now: Millis) {
        let seeking = &mut self.node.seeking;
        let latest = now.saturating_add(limits::MINUTE);
        seeking.hold_until = seeking.hold_until.min(latest);
        if let Some(comparing) = &mut seeking.comparing {
            comparing.begun_at = comparing.begun_at.min(now);
            comparing.moved_at = comparing.moved_at.min(now);
        }
        for comrade in self.comrades.values_mut() {
            for common in &mut comrade.record.common {
                common.compared_at = common.compared_at.map(|at| at.min(now));
            }
        }
    }

    /// Whether copies of what this node held may be compared with that comrade's device now.
    fn may_compare(&self, id: ComradeId, tag: u64, now: Millis) -> bool {
        let record = self.comrades.get(&id).map(|comrade| &comrade.record);
        let shares = record.is_some_and(|it| it.is_met() && it.common(tag).is_some());
        let takes = self.own.replica_limit() > 0 && !self.is_store_full(now);
        shares && takes && !self.node.saver.is_held()
    }

    /// Whether so many bytes may still be sent to, or taken from, this comrade today.
    pub(super) fn may_exchange(&mut self, id: ComradeId, bytes: usize, now: Millis) -> bool {
        let today = Day::of(now).0;
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return false;
        };
        let (day, so_far) = comrade.copied;
        let so_far = if day == today { so_far } else { 0 };
        let sum = so_far.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let may = sum <= limits::COPIED_BYTES;
        if may {
            comrade.copied = (today, sum);
        }
        may
    }

    fn lost_node(&self, tag: u64, now: Millis) -> Option<LostNode> {
        self.own.lost_nodes(now).find(|lost| lost.tag == tag)
    }

    // --- what is said ------------------------------------------------------------------------------

    /// Asks comrades whose devices are linked for what nodes of one's own have lost.
    fn say_lost(&mut self, step: &mut Step) {
        let now = step.now;
        let lost: Vec<LostNode> = self.own.lost_nodes(now).collect();
        if lost.is_empty() {
            return;
        }
        let linked = self.links.iter().filter(|(_, link)| link.up);
        let linked = linked.filter_map(|(id, link)| match link.party {
            Party::Comrade(comrade) => Some((id, comrade, &link.seeking.said)),
            _ => None,
        });
        let is_due = |comrade: ComradeId, lost: &LostNode| {
            let since = lost.at.max(now.saturating_sub(limits::SEEK_AGAIN));
            let record = self.comrades.get(&comrade).map(|it| &it.record);
            let common = record.and_then(|record| record.common(lost.tag));
            let is_done = common.is_some_and(|it| it.compared_at >= Some(since));
            !is_done && self.may_compare(comrade, lost.tag, now)
        };
        let mut due = Vec::new();
        for (link, comrade, said) in linked {
            let new = lost.iter().filter(|lost| !said.contains(&lost.tag));
            due.extend(
                new.filter(|lost| is_due(comrade, lost))
                    .map(|lost| (link, *lost)),
            );
        }
        for (link, lost) in due {
            self.say_seek(step, link, lost.tag, lost.bucket(), true);
        }
    }

    pub(super) fn say_seek(
        &mut self,
        step: &mut Step,
        link: LinkId,
        tag: u64,
        bucket: Bucket,
        is_lost: bool,
    ) {
        if let Some(state) = self.links.get_mut(link) {
            state.seeking.said.insert(tag);
            let seek = Frame::Seek {
                tag,
                bucket,
                is_lost,
            };
            step.effect(send(link, &seek));
        }
    }

    /// A frame about copies, on a link to a comrade's device.
    pub(crate) fn seeking_frame(
        &mut self,
        step: &mut Step,
        link: LinkId,
        comrade: ComradeId,
        frame: Frame,
    ) {
        match frame {
            Frame::Seek {
                tag,
                bucket,
                is_lost,
            } => {
                let asked = Asked {
                    tag,
                    bucket,
                    is_lost,
                };
                let sought = Sought {
                    link,
                    comrade,
                    asked,
                };
                self.was_asked(step, sought);
            }
            Frame::Reconcile { message, bucket } => {
                self.device_said(step, link, comrade, bucket, message);
            }
            Frame::Want { ids } => {
                if let Some(comparing) = self.comparing(link)
                    && !comparing.leads()
                    && matches!(comparing.with, With::Device(shared) if shared.gives)
                {
                    comparing.moved_at = step.now;
                    comparing.offer(ids);
                    self.go_on_comparing(step, link);
                }
            }
            Frame::Replica { envelope } => {
                let id = envelope.id();
                let outcome = self.take_copy(step, link, comrade, envelope);
                step.effect(send(link, &Frame::Ack { id, outcome }));
                self.go_on_comparing(step, link);
            }
            _ => {}
        }
    }

    /// They ask for a comparison, or say what the next one is about. Of a node that is none in common
    /// nothing is said.
    fn was_asked(&mut self, step: &mut Step, sought: Sought) {
        let Sought {
            link,
            comrade,
            asked,
        } = sought;
        let is_lost_here = self.lost_node(asked.tag, step.now).is_some();
        let has_any = self.node.replicas.envelopes > 0;
        let may = self.may_compare(comrade, asked.tag, step.now) && (has_any || is_lost_here);
        let Some(state) = self.links.get_mut(link) else {
            return;
        };
        state.seeking.named = Some(asked);
        let is_answered = !state.dialled && state.seeking.said.contains(&asked.tag);
        if may && !is_answered {
            self.queue_up(sought);
        }
    }

    fn queue_up(&mut self, sought: Sought) {
        let is_same = |it: &Sought| it.link == sought.link && it.asked.tag == sought.asked.tag;
        let waiting = &mut self.node.seeking.waiting;
        if !waiting.iter().any(is_same) {
            waiting.push_back(sought);
        }
    }

    /// Begins the next comparison, or lets the other side begin it.
    fn begin_next(&mut self, step: &mut Step) {
        while self.node.seeking.comparing.is_none() {
            let Some(sought) = self.node.seeking.waiting.pop_front() else {
                return;
            };
            let Sought {
                link,
                comrade,
                asked,
            } = sought;
            let state = self.links.get(link);
            let Some(dialled) = state.filter(|it| it.up).map(|it| it.dialled) else {
                continue;
            };
            if !self.may_compare(comrade, asked.tag, step.now) {
                continue;
            }
            let mine = self.lost_node(asked.tag, step.now);
            let bucket = match (mine, asked.is_lost) {
                (Some(mine), true) => narrower(mine.bucket(), asked.bucket),
                (Some(mine), false) => Some(mine.bucket()),
                (None, _) => Some(asked.bucket),
            };
            let Some(bucket) = bucket.filter(|_| mine.is_some() || asked.is_lost) else {
                continue;
            };
            if !dialled {
                self.say_seek(step, link, asked.tag, bucket, mine.is_some());
                continue;
            }
            let shared = Shared {
                comrade,
                tag: asked.tag,
                bucket,
                takes: mine.is_some(),
                gives: asked.is_lost,
            };
            self.begin_with(step, link, shared, Side::Leads(None));
        }
    }

    fn begin_with(&mut self, step: &mut Step, link: LinkId, shared: Shared, side: Side) {
        let Some(state) = self.links.get_mut(link) else {
            return;
        };
        let is_read = |it: &Purpose| matches!(it, Purpose::Compare { link: read } if *read == link);
        // A page of the one before would be taken for one of this.
        let is_reading = self.reads.values().any(is_read);
        if state.seeking.begun >= limits::MAX_COMPARED || is_reading {
            return;
        }
        state.seeking.begun += 1;
        self.node.seeking.is_cut = false;
        let with = With::Device(shared);
        self.node.seeking.comparing = Some(Comparing::new(link, with, side, step.now));
        self.read_index(step, link, None);
    }

    /// They lead, or answer. An empty message ends it: all was said, or they cannot go on.
    fn device_said(
        &mut self,
        step: &mut Step,
        link: LinkId,
        comrade: ComradeId,
        bucket: Bucket,
        message: Vec<u8>,
    ) {
        if let Some(comparing) = self.comparing(link) {
            if message.is_empty() {
                let is_well = !comparing.leads();
                return self.let_go(is_well);
            }
            return self.compared(step, link, &message);
        }
        let Some(state) = self.links.get(link).filter(|it| !it.dialled) else {
            return;
        };
        let named = state.seeking.named;
        let named = named.filter(|it| self.may_compare(comrade, it.tag, step.now));
        let Some(asked) = named.filter(|_| !message.is_empty()) else {
            return;
        };
        if let Some(under_way) = &self.node.seeking.comparing {
            let with = under_way.with;
            let is_same = matches!(with, With::Device(it) if it.comrade == comrade);
            // Each dialled the other, and leads on a link of its own: one of the two gives in.
            if is_same && under_way.leads() && self.gives_in(comrade) {
                self.let_go(false);
            } else {
                let message = Vec::new();
                step.effect(send(link, &Frame::Reconcile { bucket, message }));
                if !matches!(with, With::Device(it) if is_same && it.tag == asked.tag) {
                    self.queue_up(Sought {
                        link,
                        comrade,
                        asked,
                    });
                }
                return;
            }
        }
        let shared = Shared {
            comrade,
            tag: asked.tag,
            bucket,
            takes: self.lost_node(asked.tag, step.now).is_some(),
            gives: asked.is_lost,
        };
        self.begin_with(step, link, shared, Side::Answers(None, message));
    }

    /// Which of two devices that do the same at once lets the other do it.
    fn gives_in(&self, id: ComradeId) -> bool {
        let who = self.comrades.get(&id).and_then(|it| it.record.who);
        who.is_some_and(|who| *self.device.certificate().device() > who.device)
    }

    // --- the end -----------------------------------------------------------------------------------

    /// What cannot go on ends: the link is gone, nothing comes, others wait, or no more is to be carried.
    fn mind_seeking(&mut self, step: &mut Step) {
        let now = step.now;
        let Some(comparing) = &self.node.seeking.comparing else {
            return;
        };
        let (link, is_late) = (comparing.link, comparing.ends_at() <= now);
        let With::Device(shared) = comparing.with else {
            return;
        };
        let asked = Asked {
            tag: shared.tag,
            bucket: shared.bucket,
            is_lost: shared.gives,
        };
        if self.links.get(link).is_none() {
            return self.let_go(false);
        }
        if !self.may_compare(shared.comrade, shared.tag, now) || is_late {
            let is_long = comparing.has_lasted(now) && comparing.leads();
            self.end_seeking(step, link, false);
            if is_long {
                self.queue_up(Sought {
                    link,
                    comrade: shared.comrade,
                    asked,
                });
            }
        }
    }

    /// Ends a comparison from here. Whoever leads says so if all was said; whoever answers, if it cannot
    /// go on.
    pub(super) fn end_seeking(&mut self, step: &mut Step, link: LinkId, is_well: bool) {
        let Some(comparing) = self.comparing(link) else {
            return;
        };
        if let With::Device(Shared { bucket, .. }) = comparing.with
            && comparing.leads() == is_well
        {
            let message = Vec::new();
            step.effect(send(link, &Frame::Reconcile { bucket, message }));
        }
        self.let_go(is_well);
    }

    fn let_go(&mut self, is_well: bool) {
        let comparing = self.node.seeking.comparing.take();
        self.sort_copies();
        let is_well = is_well && !self.node.seeking.is_cut;
        if let Some(With::Device(shared)) = comparing.map(|it| it.with)
            && is_well
        {
            self.node.seeking.ended.push((shared.comrade, shared.tag));
        }
    }
}

impl Comparing {
    /// When it ends if nothing comes, or for others to have their turn.
    fn ends_at(&self) -> Millis {
        let quiet = self.moved_at.saturating_add(limits::ANSWER_TIMEOUT);
        quiet.min(self.begun_at.saturating_add(limits::COMPARE_LIFE))
    }

    /// Whether it took as long as one may.
    fn has_lasted(&self, now: Millis) -> bool {
        self.begun_at.saturating_add(limits::COMPARE_LIFE) <= now
    }
}

/// The part that two buckets have in common.
fn narrower(one: Bucket, other: Bucket) -> Option<Bucket> {
    if one.holds(other) {
        return Some(other);
    }
    other.holds(one).then_some(one)
}
