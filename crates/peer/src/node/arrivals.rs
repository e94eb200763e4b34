//! What arrives from the node, one's own mail among it.

use komrade_ether::{Envelope, EnvelopeId, Frame, Outcome};
use komrade_view::ComradeId;

use super::send;
use crate::{
    LinkId, RelayId, home::NodeHome, inbox::Source, limits, open::Open, records::Entry, step::Step,
};

/// Mail that is opened in one step: with what is kept of each, of all comrades, far below the bound
/// of a batch.
const MAIL: usize = 100;

impl Open {
    /// An envelope of the bucket: for this device, or for somebody else.
    pub(super) fn arrived(
        &mut self,
        step: &mut Step,
        link: LinkId,
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
        if is_mine {
            way.mail.push((number, envelope.clone()));
            if way.caught_up || way.mail.len() >= MAIL {
                self.open_mail(step, link, relay);
            }
        } else {
            self.note_stranger(&envelope);
        }
        // The link may have been closed, and everything that was not written comes again.
        if self.links.get(link).is_some() {
            self.keep_replica(step, relay, envelope);
        }
    }

    /// Opens one's own mail, in one step, so that it is shown in the order in which it was written
    /// whatever the order in which it came.
    fn open_mail(&mut self, step: &mut Step, link: LinkId, relay: RelayId) {
        let way = self.ways.get_mut(&relay);
        let mail = way.map(|way| std::mem::take(&mut way.mail));
        for (number, envelope) in mail.unwrap_or_default() {
            let outcome = self.put_here(step, link, &envelope);
            let hold = if self.is_store_full(step.now) {
                // The node keeps it until there is room.
                limits::HOUR
            } else if outcome == Outcome::Busy && envelope.header().class.intro {
                // More first contacts than are opened in a minute.
                limits::MINUTE
            } else {
                continue;
            };
            // It goes on from here after that.
            if let Some(way) = self.ways.get_mut(&relay) {
                way.seen_up_to = number.saturating_sub(1);
            }
            self.flush(step, relay);
            self.close(step, link);
            let next = (step.now / hold).saturating_add(1).saturating_mul(hold);
            if let Some(way) = self.ways.get_mut(&relay) {
                way.dialer.hold_until(next);
            }
            return;
        }
    }

    /// Everything up to this number was sent.
    pub(super) fn caught_up(&mut self, step: &mut Step, link: LinkId, relay: RelayId, until: u64) {
        self.open_mail(step, link, relay);
        if self.links.get(link).is_none() {
            return;
        }
        let compares = self.log(relay).compare;
        if let Some(way) = self.ways.get_mut(&relay) {
            way.seen_up_to = way.seen_up_to.max(until);
            way.caught_up = true;
            way.is_recovering &= compares;
            way.stage_since = Some(step.now);
            way.dialer.reset();
        }
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
            if !outcome.is_held() {
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
        let asks_again = self.note_refused_pass(comrade, home, outcome);
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

    /// The entry that this envelope was made for last.
    fn find_sealed(&self, id: &EnvelopeId) -> Option<(ComradeId, u64)> {
        let is = |entry: &Entry| entry.sealed.is_some_and(|sealed| sealed.id() == *id);
        self.comrades.iter().find_map(|(comrade, state)| {
            let (number, _) = state.outbox.iter().find(|(_, entry)| is(entry))?;
            Some((*comrade, *number))
        })
    }
}
