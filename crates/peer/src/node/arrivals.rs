//! What arrives from the node, one's own mail among it.
//!
//! Mail of a long time is gathered until all is here, and opened in the order in which it was written: a node that lost
//! what it held has it in any order, and a ratchet remembers few keys of skipped messages. What comes later is opened as it comes.
//!
//! Mail of the log counts as read when it is opened: after a crash it comes again. What a comparison brings
//! ([`super::comparing`]) is kept when it is opened, and the comparison ends after that.

use std::collections::{BTreeMap, VecDeque};

use komrade_ether::{Envelope, EnvelopeId, Frame, Outcome};
use komrade_view::{ComradeId, RefusedBy};

use super::send;
use crate::{
    LinkId, RelayId, home::NodeHome, inbox::Source, limits, open::Open, queue::put_refusal,
    records::Entry, step::Step,
};

/// Mail that is opened in one step: with what is kept of each, of all comrades, far below the bound
/// of a batch. What is said in collectives and circles is unfolded as far as there is room.
const MAIL: usize = 100;

/// One's own mail at a node that is not opened yet: at most [`limits::COPIED_MAIL_BYTES`] and what comes while as much is
/// being opened.
#[derive(Default)]
pub(crate) struct Mail {
    /// Until all has come.
    gathered: Vec<Piece>,
    bytes: usize,
    /// In the order in which it is to be opened.
    opening: VecDeque<Piece>,
    /// All of the log up to this number has come.
    until: Option<u64>,
}

/// An envelope, with its number in the log; `None`: a comparison brought it.
struct Piece(Option<u64>, Envelope);

impl Mail {
    fn add(&mut self, piece: Piece) {
        self.bytes = self.bytes.saturating_add(piece.1.as_bytes().len());
        self.gathered.push(piece);
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.gathered.iter().chain(&self.opening)
    }

    /// The first number in the log that waits to be opened.
    pub(super) fn first(&self) -> Option<u64> {
        self.pieces().filter_map(|Piece(number, _)| *number).min()
    }

    /// Whether a comparison brought something that waits to be opened.
    pub(super) fn has_found(&self) -> bool {
        self.pieces().any(|Piece(number, _)| number.is_none())
    }
}

impl Open {
    /// An envelope of the bucket: for this device, or for somebody else.
    pub(super) fn arrived(
        &mut self,
        step: &mut Step,
        relay: RelayId,
        number: u64,
        envelope: Envelope,
    ) {
        let is_mine = self.is_recognised(Source::Node(relay), &envelope);
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        if number <= way.seen_up_to {
            return;
        }
        way.seen_up_to = number;
        if is_mine && !way.opened.contains(&number) {
            way.mail.add(Piece(Some(number), envelope.clone()));
            if way.caught_up || way.mail.bytes >= limits::COPIED_MAIL_BYTES {
                self.sort_mail(relay);
            }
        } else if !is_mine {
            self.note_stranger(&envelope);
        }
        self.keep_replica(step, relay, envelope);
    }

    /// Mail that a comparison brought: opened when all has come.
    pub(super) fn note_found(&mut self, relay: RelayId, envelope: Envelope) {
        if let Some(way) = self.ways.get_mut(&relay) {
            way.mail.add(Piece(None, envelope));
            if way.mail.bytes >= limits::COPIED_MAIL_BYTES {
                self.sort_mail(relay);
            }
        }
    }

    /// Another subscription begins: its end is the one that counts.
    pub(super) fn end_mail(&mut self, relay: RelayId) {
        self.sort_mail(relay);
        if let Some(way) = self.ways.get_mut(&relay) {
            way.mail.until = None;
        }
    }

    /// What was gathered is to be opened, each talk in the order in which it was written.
    pub(super) fn sort_mail(&mut self, relay: RelayId) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        way.mail.bytes = 0;
        let gathered = std::mem::take(&mut way.mail.gathered);
        if gathered.len() < 2 {
            return way.mail.opening.extend(gathered);
        }
        let mut talks = BTreeMap::<_, Vec<(u64, usize)>>::new();
        for (at, Piece(_, envelope)) in gathered.iter().enumerate() {
            if let Some((id, chain, number)) = self.place_of(envelope) {
                talks.entry((id, chain)).or_default().push((number, at));
            }
        }
        // Each talk keeps its places among the others.
        let mut places: Vec<usize> = (0..gathered.len()).collect();
        for talk in talks.into_values() {
            let mut sorted = talk.clone();
            sorted.sort_unstable();
            for ((_, from), (_, to)) in sorted.into_iter().zip(talk) {
                if let Some(place) = places.get_mut(from) {
                    *place = to;
                }
            }
        }
        let mut sorted: Vec<(usize, Piece)> = places.into_iter().zip(gathered).collect();
        sorted.sort_by_key(|(place, _)| *place);
        if let Some(way) = self.ways.get_mut(&relay) {
            let sorted = sorted.into_iter().map(|(_, piece)| piece);
            way.mail.opening.extend(sorted);
        }
    }

    /// Opens mail that all has come of, as much as fits in a step, so that it is shown in the order in which it was written
    /// whatever the order in which it came.
    pub(crate) fn open_mail(&mut self, step: &mut Step) {
        let is_due = |mail: &Mail| !mail.opening.is_empty() || mail.until.is_some();
        let due = self.ways.iter().filter(|(_, way)| is_due(&way.mail));
        let due: Vec<RelayId> = due.map(|(relay, _)| *relay).collect();
        let mut left = MAIL;
        for relay in due {
            if let Some(link) = self.links.node(relay) {
                self.open_mail_of(step, link, relay, &mut left);
            }
        }
    }

    fn open_mail_of(&mut self, step: &mut Step, link: LinkId, relay: RelayId, left: &mut usize) {
        loop {
            let Some(way) = self.ways.get_mut(&relay) else {
                return;
            };
            if *left == 0 && !way.mail.opening.is_empty() {
                step.again = true;
                return;
            }
            let Some(Piece(number, envelope)) = way.mail.opening.pop_front() else {
                break;
            };
            *left = left.saturating_sub(1);
            let outcome = self.put_here(step, link, &envelope);
            let hold = if self.is_store_full(step.now) {
                // The node keeps it until there is room.
                limits::HOUR
            } else if outcome == Outcome::Busy && self.has_opened_all_intros(step.now) {
                // More first contacts than are opened in a minute.
                limits::MINUTE
            } else {
                match (number, self.ways.get_mut(&relay)) {
                    (None, _) => self.keep_replica(step, relay, envelope),
                    (Some(number), Some(way)) if way.opened.len() < limits::MAX_OPENED => {
                        way.opened.insert(number);
                    }
                    _ => {}
                }
                continue;
            };
            // It goes on from here after that.
            if let Some(way) = self.ways.get_mut(&relay) {
                way.mail.opening.push_front(Piece(number, envelope));
            }
            self.flush(step, relay);
            self.close(step, link);
            let next = (step.now / hold).saturating_add(1).saturating_mul(hold);
            if let Some(way) = self.ways.get_mut(&relay) {
                way.dialer.hold_until(next);
            }
            return;
        }
        let way = self.ways.get_mut(&relay);
        if let Some(until) = way.and_then(|way| way.mail.until.take()) {
            self.all_caught_up(step, link, relay, until);
        }
    }

    /// Everything up to this number was sent.
    pub(super) fn caught_up(&mut self, relay: RelayId, until: u64) {
        self.sort_mail(relay);
        if let Some(way) = self.ways.get_mut(&relay) {
            way.mail.until = Some(until);
        }
    }

    /// Everything up to this number was opened.
    fn all_caught_up(&mut self, step: &mut Step, link: LinkId, relay: RelayId, until: u64) {
        let compares = self.log(relay).compare;
        if let Some(way) = self.ways.get_mut(&relay) {
            way.seen_up_to = way.seen_up_to.max(until);
            way.caught_up = true;
            way.is_recovering &= compares;
            way.stage_since = Some(step.now);
            if !way.is_silent() {
                way.dialer.reset();
            }
        }
        // What came meanwhile.
        self.sort_mail(relay);
        self.flush(step, relay);
        step.show.route = true;
        if compares && !self.node.saver.is_held() {
            self.begin_comparing(step, link, relay);
        }
        self.subscribe_further(step, link, relay);
    }

    /// A forward came to nothing. Only the relay that took it can know.
    pub(super) fn returned(
        &mut self,
        step: &mut Step,
        link: LinkId,
        relay: RelayId,
        id: EnvelopeId,
        outcome: Outcome,
    ) {
        step.effect(send(link, &Frame::Noted { id }));
        let Some(node) = self.own.node_at(relay).map(NodeHome::tag) else {
            return;
        };
        let Some((comrade, number)) = self.find_sealed(&id) else {
            if !outcome.is_held() && !self.report_returned(step, &id, outcome) {
                self.space_returned(step, node, &id, outcome);
            }
            return;
        };
        let entry = self
            .comrades
            .get(&comrade)
            .and_then(|state| state.outbox.get(&number));
        let may_be = |entry: &&Entry| !outcome.is_held() && entry.was_taken_by(node);
        let Some(entry) = entry.filter(may_be) else {
            return;
        };
        let sealed = entry.sealed.filter(|sealed| !sealed.is_expired(step.now));
        let is_disputed = sealed.is_some() && matches!(outcome, Outcome::Expired | Outcome::TooFar);
        let (is_over, seals, home) = (entry.expires_at <= step.now, entry.seals, entry.home);
        if let Some(state) = self.comrades.get_mut(&comrade) {
            state.put_refused = put_refusal(RefusedBy::TheirRelay, outcome);
            step.show.route = true;
        }
        let asks_again = self.note_refused_pass(comrade, home, outcome);
        // With other work it may be taken there.
        let is_final = asks_again || !outcome.wants_pass();
        if let Some(home) = home.filter(|_| is_final && !is_over)
            && self.home_failed(step, comrade, number, home)
        {
            self.wait_again(step, comrade, number, false);
            self.pump(step, comrade);
            return;
        }
        // All of them have been tried: from the first on again, after a while.
        self.take_back(step, comrade, number);
        if is_over {
            self.give_up(step, comrade, number);
            return;
        }
        let hold = if is_disputed {
            // Their relay's clock is wrong; it may be set right.
            limits::DAY
        } else if outcome.wants_pass() && !asks_again {
            0
        } else {
            limits::MINUTE << seals.min(limits::MAX_SEALS)
        };
        if let Some(state) = self.comrades.get_mut(&comrade) {
            state.hold_until = step.now.saturating_add(hold);
        }
        self.pump(step, comrade);
    }

    /// What this device had to say, beside operations, came to nothing: it is said again, with work if that is what was missing. Says
    /// whether it was that.
    fn report_returned(&mut self, step: &mut Step, id: &EnvelopeId, outcome: Outcome) -> bool {
        let mut comrades = self.comrades.iter_mut();
        let found = comrades.find_map(|(comrade, state)| {
            let reported = state.pair.reported_in.take_if(|it| it.is(id))?;
            Some((*comrade, state, reported.home))
        });
        let Some((comrade, state, home)) = found else {
            return false;
        };
        // Whoever refuses all of it gets no more until something is to be said anyway.
        state.reports_refused = state.reports_refused.saturating_add(1);
        state.pair.report_due |= state.reports_refused <= limits::MOST_REFUSED;
        state.put_refused = put_refusal(RefusedBy::TheirRelay, outcome);
        step.touched.pairs.insert(comrade);
        step.show.route = true;
        self.note_refused_pass(comrade, Some(home), outcome);
        true
    }

    /// The entry that this envelope was made for last.
    fn find_sealed(&self, id: &EnvelopeId) -> Option<(ComradeId, u64)> {
        let is = |entry: &Entry| entry.sealed.is_some_and(|sealed| sealed.id() == *id);
        self.comrades.iter().find_map(|(comrade, state)| {
            let (number, _) = state.outbox.iter().find(|(_, entry)| is(entry))?;
            Some((*comrade, *number))
        })
    }
}
