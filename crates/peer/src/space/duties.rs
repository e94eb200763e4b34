//! What a member's device does by itself, at times that are drawn like those of acknowledgements and know
//! nothing of what arrived.
//!
//! Whatever follows from mail waits here: proposals of those who said yes, welcomes, decisions that are put
//! into force, checkpoints, what waited for keys, questions and answers, news of one's own name, homes and
//! leaf keys. Where any member could do it, they take turns.

use komrade_crypto::{
    day_of,
    group::{LeafRecord, rules},
};
use komrade_social::{
    OperationId,
    collective::{Body, Subject},
};
use komrade_store::Table;
use komrade_view::{CollectiveId, Millis};

use super::{Place, Space, places};
use crate::{home, limits, open::Open, step::Step};

impl Open {
    /// The vault has just opened.
    pub(crate) fn spaces_opened(&mut self, step: &mut Step) {
        if !super::ON {
            return;
        }
        for (id, space) in self.spaces.iter_mut() {
            space.replay();
            space.note_opened(step.now);
            space.members_before = space.member_devices();
            // Of a version that pinned nothing.
            if space.note_pin() {
                step.touched.spaces.insert(*id);
            }
        }
        let ids: Vec<CollectiveId> = self.spaces.keys().copied().collect();
        for id in ids {
            self.space_settle_seeds(step, id);
            self.space_mind_keys(step, id);
            // What was taken in before its author went.
            let gone = self.spaces.get(&id).map(Space::gone_devices);
            self.space_judge_again(step, id, &gone.unwrap_or_default());
        }
        step.show.collectives = true;
    }

    /// Members who use a relay of one's own are found at the node that it has now.
    fn space_follow_nodes(&mut self, step: &mut Step) {
        if !self.own.has_former_nodes() {
            return;
        }
        for (id, space) in self.spaces.iter_mut() {
            let moved = space.follow_nodes(&self.own);
            step.show.route |= !moved.is_empty();
            let moved = moved.into_iter().map(|number| (*id, number));
            step.touched.space_entries.extend(moved);
        }
    }

    /// What time brings to collectives.
    pub(crate) fn space_upkeep(&mut self, step: &mut Step) {
        if !super::ON {
            return;
        }
        self.space_go_on_forgetting(step);
        self.space_follow_nodes(step);
        self.space_go_on(step);
        self.space_reseed_due(step);
        self.space_duties(step);
        if !self.clock.is_doubted() {
            self.space_end_by_time(step);
        }
        self.space_pump_all(step);
    }

    /// Goes on with what did not fit in one step: loads, welcomes.
    fn space_go_on(&mut self, step: &mut Step) {
        let ids: Vec<CollectiveId> = self.spaces.keys().copied().collect();
        for id in ids {
            let Some(space) = self.spaces.get(&id) else {
                continue;
            };
            let mut waiting = space.waiting.values();
            let waits = waiting.any(|it| it.is_due(step.now)) || self.space_has_renewed(id);
            let is_all_here = space.whole_welcome().is_some();
            if let Some(space) = self.spaces.get_mut(&id) {
                space.delete_gone(step, id);
            }
            if waits {
                self.space_retry(step, id);
            }
            if is_all_here {
                self.space_evaluate(step, id);
            }
            self.space_go_on_sending_seed(step, id);
            self.space_go_on_welcoming(step, id);
            self.space_go_on_telling(step, id);
        }
    }

    /// When [`Open::space_upkeep`] has something to do.
    pub(crate) fn next_space(&self, now: Millis) -> Option<Millis> {
        if !super::ON {
            return None;
        }
        let entries = self.spaces.values().flat_map(|it| it.outbox.values());
        let holds = entries.clone().flat_map(|entry| {
            let sealed = entry.commit.is_some();
            let targets = entry.targets.iter().filter(move |_| sealed);
            targets.filter_map(|target| target.hold_until())
        });
        let holds = holds.filter(|at| *at > now).min();
        let ends = entries.map(|entry| entry.ends_at());
        let ends = ends.min().filter(|_| !self.clock.is_doubted());
        // Not drawn yet: the first collective has just come.
        let undrawn = !self.spaces.is_empty() && self.spaces.duty_at.is_none();
        let duty = self.spaces.duty_at.or(undrawn.then_some(now));
        let reseed = self.next_reseed().filter(|_| self.may_reseed(now));
        [duty, reseed, holds, ends].into_iter().flatten().min()
    }

    fn space_duties(&mut self, step: &mut Step) {
        if self.spaces.is_empty() {
            self.spaces.duty_at = None;
            return;
        }
        if self.spaces.duty_at.is_some_and(|at| at > step.now) {
            return;
        }
        let is_first = self.spaces.duty_at.is_none();
        self.spaces.duty_at = Some(self.draw_duty_time(step));
        // What a wrong clock makes a device say cannot be taken back: its later words would be too late.
        if self.clock.is_doubted() {
            return;
        }
        // What has not come yet must not look as if it were missing.
        if is_first || (self.own.node().is_some() && !self.is_caught_up(step.now)) {
            return;
        }
        let ids: Vec<CollectiveId> = self.spaces.keys().copied().collect();
        for id in ids {
            if !step.has_room() {
                return;
            }
            self.space_duty(step, id);
        }
    }

    fn space_duty(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        match space.record.place {
            Place::Candidate { .. } | Place::Asked { .. } => self.space_enter(step, id),
            Place::Member => {
                self.space_admissions(step, id);
                self.space_enact(step, id, false);
                self.space_sign_checkpoint(step, id);
                self.space_repeat(step, id);
                self.space_tell_self(step, id);
                self.space_mind_keys(step, id);
                self.space_answer(step, id);
                self.space_ask(step, id);
                self.space_remind(step, id);
            }
            Place::Left(_) => {
                self.space_leave_again(step, id);
                self.space_leave_once_more(step, id);
                self.space_answer(step, id);
                self.space_ask_outside(step, id);
            }
            Place::Removed(_) => self.space_ask_outside(step, id),
            // That it has ended becomes final at once, and whoever lacks it is told.
            Place::Dissolved(_) => {
                self.space_sign_checkpoint(step, id);
                self.space_answer(step, id);
            }
            _ => {}
        }
        self.space_end_requests(step, id);
        self.space_seal_waiting(step, id);
        self.space_speak_up(step, id);
        self.space_pump(step, id);
    }

    /// Puts into force what was decided: at once if the person's own word decided it, else in turns.
    pub(super) fn space_enact(&mut self, step: &mut Step, id: CollectiveId, at_once: bool) {
        let now = step.now;
        let enact_pace = self.patience(limits::ENACT_PACE);
        let may = |space: &&mut Space| space.is_in() && !space.society.contradicts();
        let Some(space) = self.spaces.get_mut(&id).filter(may) else {
            return;
        };
        let devices: Vec<[u8; 32]> = {
            let devices = space.society.devices().into_iter();
            devices.map(|member| member.device).collect()
        };
        let ready = space.society.ready(now);
        space
            .decided
            .retain(|proposal, _| ready.iter().any(|it| it.id == *proposal));
        let mut due = Vec::new();
        for standing in ready {
            let since = *space.decided.entry(standing.id).or_insert(now);
            let is_admission = matches!(standing.subject, Subject::Admit { .. });
            let others = devices.iter().filter(|it| **it != space.own.device);
            let turn = rules::turn(&standing.id.0, &space.own.device, others) as u64;
            let wait = enact_pace.saturating_mul(turn);
            let is_due = at_once || now >= since.saturating_add(wait);
            if is_due && !is_admission && due.len() < limits::ENACTED_AT_ONCE {
                due.push(standing.id);
            }
        }
        for proposal in due {
            let _ = self.space_say(step, id, Body::Enact { proposal });
        }
    }

    fn space_sign_checkpoint(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let before = step.now.saturating_sub(limits::DAY);
        let next = space.society.next_checkpoint(&space.own, before);
        if let Some(checkpoint) = next {
            let _ = self.space_speak(step, id, Body::Checkpoint(checkpoint));
        }
    }

    /// Says again what did not know of what is final by now.
    fn space_repeat(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id).filter(|space| space.is_in()) else {
            return;
        };
        let bodies = space.society.to_repeat(&space.own, step.now);
        for body in bodies.into_iter().take(limits::ENACTED_AT_ONCE) {
            let _ = self.space_say(step, id, body);
        }
    }

    /// Says once more that this person left, if what they said did not know of what is final by now.
    fn space_leave_again(&mut self, step: &mut Step, id: CollectiveId) {
        let is_member = |space: &&Space| space.society.is_member(&space.own.person);
        let Some(space) = self.spaces.get(&id).filter(is_member) else {
            return;
        };
        let again = space.society.to_repeat(&space.own, step.now);
        if again.iter().any(|body| matches!(body, Body::Leave)) {
            let _ = self.space_speak(step, id, Body::Leave);
        }
    }

    /// Tells of one's own name, homes and leaf key, if they are others than before.
    pub(super) fn space_tell_self(&mut self, step: &mut Step, id: CollectiveId) {
        let homes = self.own.node_homes();
        let tag = (!homes.is_empty()).then(|| home::tag(&homes));
        let (name, number) = (self.own.name.clone(), self.own.name_number);
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        let is_named = space.record.name_told == number
            && space
                .people
                .get(&space.own.person)
                .is_some_and(|it| !it.name.is_empty());
        let is_housed = tag.is_none() || space.record.homes_told.map(|it| *it) == tag;
        space.record.name_told = number;
        space.record.homes_told = tag.map(Into::into).or(space.record.homes_told);
        let today = day_of(step.now);
        let own = space.devices.get(&space.own.device);
        let in_use = own.and_then(|it| it.leaf.as_ref());
        let is_other = |it: &LeafRecord| space.keys.leaves.is_superseded(it, today);
        let is_other = in_use.is_some_and(is_other);
        let is_stale = space.keys.leaves.is_due(today) || is_other;
        if !is_named {
            let _ = self.space_say(step, id, Body::Profile { name });
        }
        if !is_housed {
            let homes = home::encode_homes(&homes);
            let _ = self.space_say(step, id, Body::Homes { homes });
        }
        if is_stale && !self.clock.is_doubted() {
            self.space_renew_leaf(step, id, is_other);
        }
    }

    /// Erases what is over.
    fn space_end_by_time(&mut self, step: &mut Step) {
        let today = day_of(step.now);
        let ids: Vec<CollectiveId> = self.spaces.keys().copied().collect();
        for id in ids {
            if !step.has_room() {
                return;
            }
            self.space_expire(step, id);
            let Some(space) = self.spaces.get_mut(&id).filter(|_| step.has_room()) else {
                continue;
            };
            for commit in space.keys.expire(today) {
                step.touched.seeds.insert((id, commit));
            }
            let over: Vec<[u8; 32]> = space
                .waiting
                .iter()
                .filter(|(_, waiting)| waiting.expiry <= today)
                .map(|(envelope, _)| *envelope)
                .collect();
            for envelope in over {
                space.waiting.remove(&envelope);
                step.delete(Table::Spaces, places::waiting(id, &envelope));
            }
            space.shunned.retain(|_, until| *until > step.now);
            space.wanted.retain(|_, wanted| {
                let life = match wanted.may_be_before {
                    true => limits::WANTED_AT_ENTRY,
                    false => limits::WANTED_LIFE,
                };
                step.now < wanted.since.saturating_add(life)
            });
            space.prune_leaves(step, id, today);
            let old = space.over(today);
            step.again |= old.len() == limits::MAX_BUNDLED;
            for operation in old {
                if !step.has_room() {
                    return;
                }
                if let Some(ordinal) = space.forget(&operation) {
                    step.delete(Table::Posts, places::post(id, ordinal));
                }
            }
            space.delete_gone(step, id);
        }
    }
}

impl Space {
    /// Operations whose time is over, as many as go in a step: looked for once a day, and among all that is kept. What is decided is never
    /// over: a newcomer computes the members from all of it.
    fn over(&mut self, today: u32) -> Vec<OperationId> {
        if self.cleared == today {
            return Vec::new();
        }
        let known = self.known.iter();
        let old = known.filter(|(_, known)| !known.is_control && known.expiry_day < today);
        let old: Vec<OperationId> = old.map(|(id, _)| *id).take(limits::MAX_BUNDLED).collect();
        if old.is_empty() {
            self.cleared = today;
        }
        old
    }

    /// Once a day leaf keys go of whoever is no member any more, and what is known of devices that never were.
    fn prune_leaves(&mut self, step: &mut Step, id: CollectiveId, today: u32) {
        if self.pruned == today || self.society.get().is_none() {
            return;
        }
        self.pruned = today;
        let devices = self.devices.keys();
        let others: Vec<[u8; 32]> = devices
            .filter(|it| !self.needs_leaf(it, today))
            .copied()
            .collect();
        for device in others {
            if !step.has_room() {
                self.pruned = 0;
                return;
            }
            let Some(state) = self.devices.get_mut(&device) else {
                continue;
            };
            if state.leaf.take().is_some() {
                step.delete(Table::Spaces, places::leaf(id, &device));
            }
            if state.head.is_none() {
                self.devices.remove(&device);
            }
        }
    }
}
