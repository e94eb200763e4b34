//! The links there are and the patience of dialling.

use std::collections::{BTreeMap, VecDeque};

use komrade_ether::EnvelopeId;
use komrade_view::{ComradeId, DialStage, InviteId, Millis};
use rand_core::CryptoRng;

use crate::{LinkId, RelayId, limits, node::LinkSeeking};

/// Whose key opened a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    /// A comrade's, or that of an invite of theirs which was accepted here.
    Comrade(ComradeId),
    /// That of an invite made here: somebody not known yet.
    Invite(InviteId),
    /// The node of this relay of one's own.
    Node(RelayId),
    /// The node of another relay, which has the bundle of an invite that was accepted here.
    Foreign(ComradeId),
}

/// An envelope that was sent and not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flight {
    /// To whom.
    pub(crate) comrade: ComradeId,
    /// Which entry of the outbox.
    pub(crate) number: u64,
    pub(crate) envelope: EnvelopeId,
    pub(crate) sent_at: Millis,
    /// Through a node: its tag, and that of the home that it is for.
    pub(crate) leg: Option<(u64, u64)>,
}

/// One link.
pub(crate) struct Link {
    pub(crate) party: Party,
    /// The relay whose connection carries it.
    pub(crate) relay: RelayId,
    /// Dialled here, rather than there.
    pub(crate) dialled: bool,
    /// Frames may be sent.
    pub(crate) up: bool,
    /// A newer link to the same party came up after this one.
    pub(crate) superseded: bool,
    pub(crate) opened_at: Millis,
    /// When the last frame went or came.
    pub(crate) used_at: Millis,
    pub(crate) flights: VecDeque<Flight>,
    /// When a bundle was asked for that has not come yet.
    pub(crate) fetching: Option<Millis>,
    /// What was said of comparing copies.
    pub(crate) seeking: LinkSeeking,
}

impl Link {
    pub(crate) fn new(party: Party, relay: RelayId, dialled: bool, now: Millis) -> Self {
        Self {
            party,
            relay,
            dialled,
            up: false,
            superseded: false,
            opened_at: now,
            used_at: now,
            flights: VecDeque::new(),
            fetching: None,
            seeking: LinkSeeking::default(),
        }
    }

    /// When it is to be closed if nothing happens.
    pub(crate) fn deadline(&self) -> Millis {
        if !self.up {
            return self.opened_at.saturating_add(limits::DIAL_TIMEOUT);
        }
        let unanswered = self
            .flights
            .front()
            .map(|flight| flight.sent_at)
            .or(self.fetching);
        let patience = if self.superseded {
            limits::SUPERSEDED_ANSWER
        } else {
            limits::ANSWER_TIMEOUT
        };
        let answer = unanswered.map(|at| at.saturating_add(patience));
        // The link to one's own node stays as long as the connection that carries it.
        let idle = match self.party {
            Party::Node(_) => Millis::MAX,
            _ => self.used_at.saturating_add(limits::LINK_IDLE),
        };
        answer.map_or(idle, |answer| answer.min(idle))
    }
}

/// All links, by number.
#[derive(Default)]
pub(crate) struct Links(BTreeMap<LinkId, Link>);

impl Links {
    pub(crate) fn get(&self, id: LinkId) -> Option<&Link> {
        self.0.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.0.get_mut(&id)
    }

    pub(crate) fn insert(&mut self, id: LinkId, link: Link) {
        self.0.insert(id, link);
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link> {
        self.0.remove(&id)
    }

    /// The clock was ahead: what was noted then is of now.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        for link in self.0.values_mut() {
            link.opened_at = link.opened_at.min(now);
            link.used_at = link.used_at.min(now);
            link.fetching = link.fetching.map(|at| at.min(now));
            for flight in &mut link.flights {
                flight.sent_at = flight.sent_at.min(now);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LinkId, &Link)> {
        self.0.iter().map(|(id, link)| (*id, link))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of(&self, party: Party) -> impl Iterator<Item = (LinkId, &Link)> {
        self.iter().filter(move |(_, link)| link.party == party)
    }

    /// The link to send on: the one that came up last, for older ones may have died without a word.
    pub(crate) fn up(&self, comrade: ComradeId) -> Option<LinkId> {
        self.of(Party::Comrade(comrade))
            .filter(|(_, link)| link.up)
            .min_by_key(|(_, link)| link.superseded)
            .map(|(id, _)| id)
    }

    /// The link to the node of a relay of one's own, if it is up.
    pub(crate) fn node(&self, relay: RelayId) -> Option<LinkId> {
        self.of(Party::Node(relay))
            .find(|(_, link)| link.up)
            .map(|(id, _)| id)
    }

    /// Whether this entry of the comrade's outbox is on its way.
    pub(crate) fn is_flying(&self, comrade: ComradeId, number: u64) -> bool {
        let is = |flight: &Flight| flight.comrade == comrade && flight.number == number;
        self.0.values().any(|link| link.flights.iter().any(is))
    }

    /// Takes out the flight of this envelope on this link.
    pub(crate) fn land(&mut self, id: LinkId, envelope: EnvelopeId) -> Option<Flight> {
        let flights = &mut self.get_mut(id)?.flights;
        let at = flights
            .iter()
            .position(|flight| flight.envelope == envelope)?;
        flights.remove(at)
    }
}

/// The patience with one comrade.
#[derive(Default)]
pub(crate) struct Dialer {
    failures: u32,
    /// Not before then.
    not_before: Millis,
    /// What the screens show.
    pub(crate) stage: Option<(DialStage, Millis)>,
}

impl Dialer {
    pub(crate) fn not_before(&self) -> Millis {
        self.not_before
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Shows a stage. Says whether it is another one.
    pub(crate) fn show(&mut self, stage: DialStage, now: Millis) -> bool {
        let changed = self.stage.is_none_or(|(shown, _)| shown != stage);
        if changed {
            self.stage = Some((stage, now));
        }
        changed
    }

    /// It did not work: wait twice as long as before, a quarter more or less, so that two who fail
    /// together do not go on together.
    pub(crate) fn failed(&mut self, stage: DialStage, now: Millis, rng: &mut dyn CryptoRng) {
        let doubled = limits::DIAL_FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        let wait = doubled.min(limits::DIAL_LONGEST_WAIT);
        let jitter = u64::from(rng.next_u32()) % (wait / 2 + 1);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.saturating_add(wait - wait / 4 + jitter);
        self.show(stage, now);
    }

    /// The clock was ahead: no wait is longer than it can be.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        let latest = now.saturating_add(2 * limits::DIAL_LONGEST_WAIT);
        self.not_before = self.not_before.min(latest);
    }

    /// Not before then, whatever failed.
    pub(crate) fn hold_until(&mut self, time: Millis) {
        self.not_before = self.not_before.max(time);
    }

    /// They are there, or the person asks for it: try at once.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        self.not_before = 0;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn the_wait_doubles_up_to_ten_minutes_and_is_reset() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut dialer = Dialer::default();
        for (n, expected) in [5, 10, 20, 40, 80, 160, 320, 600, 600]
            .into_iter()
            .enumerate()
        {
            dialer.failed(DialStage::Unreachable, 0, &mut rng);
            let wait = dialer.not_before();
            let expected = expected * limits::SECOND;
            assert!(
                wait >= expected * 3 / 4 && wait <= expected * 5 / 4,
                "{n}: {wait}"
            );
        }
        dialer.reset();
        assert_eq!(dialer.not_before(), 0);
    }

    #[test]
    fn a_link_is_given_up_when_silent() {
        let mut link = Link::new(Party::Comrade(ComradeId([0; 16])), RelayId(1), true, 100);
        assert_eq!(link.deadline(), 100 + limits::DIAL_TIMEOUT);
        link.up = true;
        assert_eq!(link.deadline(), 100 + limits::LINK_IDLE);
        let flight = Flight {
            comrade: ComradeId([1; 16]),
            number: 1,
            envelope: EnvelopeId([0; 32]),
            sent_at: 150,
            leg: None,
        };
        link.flights.push_back(flight);
        assert_eq!(link.deadline(), 150 + limits::ANSWER_TIMEOUT);
    }
}
