//! What waits for whom and why, for the screens.

use std::cmp::Reverse;

use komrade_ether::Outcome;
use komrade_view::{ComradeId, PutRefusal, PutRefusalCode, QueueReason, QueueView, RefusedBy};

use crate::{comrade::Comrade, home, limits, open::Open, records::Entry, step::Step};

impl Open {
    /// Comrades with messages that wait to leave, or that were handed on and are not acknowledged;
    /// those with the most first.
    pub(crate) fn queue_views(&self, step: &Step) -> Vec<QueueView> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let view = |(id, comrade): (&ComradeId, &Comrade)| {
            let (waiting, handed) = comrade.queued_messages();
            (waiting + handed > 0).then(|| QueueView {
                comrade: *id,
                waiting: count(waiting),
                handed: count(handed),
                reason: if waiting > 0 {
                    self.waits_for(step, *id, comrade)
                } else {
                    self.handed_to(comrade)
                },
                home: self.queued_for(step, *id, comrade, waiting > 0),
                refused: comrade.put_refused.filter(|_| waiting > 0),
            })
        };
        let known = self.comrades.iter().filter(|(_, it)| !it.record.removed);
        let mut views: Vec<QueueView> = known.filter_map(view).collect();
        views.sort_by_key(|view| (Reverse(view.waiting), Reverse(view.handed), view.comrade));
        views.truncate(limits::MAX_QUEUES_SHOWN);
        views
    }

    /// For which of the comrade's homes it is queued: the one that takes it now, or that was handed on
    /// first.
    fn queued_for(
        &self,
        step: &Step,
        id: ComradeId,
        comrade: &Comrade,
        waits: bool,
    ) -> Option<(u8, u8)> {
        let tag = if waits {
            let mut waiting = comrade.outbox.iter().filter(|(_, it)| it.is_waiting());
            let first = waiting.next().map(|(number, _)| *number);
            self.leg(id, first, step.now).map(|leg| leg.home.tag())
        } else {
            let mut entries = comrade.outbox.values();
            entries.find_map(|entry| entry.home.filter(|_| !entry.is_waiting()))
        };
        let homes = || home::nodes_of(&comrade.record.homes);
        let at = homes().position(|home| Some(home.tag()) == tag)?;
        let number = |count: usize| u8::try_from(count).ok();
        number(at + 1).zip(number(homes().count()))
    }

    /// The first thing in the way.
    fn waits_for(&self, step: &Step, id: ComradeId, comrade: &Comrade) -> QueueReason {
        let works =
            |(number, entry): (&u64, &Entry)| entry.is_waiting() && self.is_working(id, *number);
        if !comrade.may_seal() {
            QueueReason::Keys
        } else if comrade.hold_until > step.now {
            QueueReason::Patience(comrade.hold_until)
        } else if let Some(carrier) = self.carrier(id, None, step.now) {
            let waiting = |(number, entry): (&u64, &Entry)| entry.is_waiting().then_some(*number);
            let mut waiting = comrade.outbox.iter().filter_map(waiting);
            if comrade.outbox.iter().any(works) {
                QueueReason::Work
            } else if waiting.all(|number| self.is_held_back(&carrier, id, number, step.now)) {
                QueueReason::Quiet(comrade.quiet_until)
            } else {
                QueueReason::Turn
            }
        } else if home::node_of(&comrade.record.homes).is_some() {
            QueueReason::OwnRelay
        } else {
            QueueReason::TheirDevice
        }
    }

    /// Where what was handed on stays until they have it.
    fn handed_to(&self, comrade: &Comrade) -> QueueReason {
        if self.is_neighbour(comrade) {
            QueueReason::KeptByRelay
        } else if comrade.is_out_of_reach() {
            QueueReason::Unreached
        } else {
            QueueReason::HandedOn
        }
    }
}

/// What is shown of an answer; `None`: it is no refusal.
pub(crate) fn put_refusal(by: RefusedBy, outcome: Outcome) -> Option<PutRefusal> {
    use PutRefusalCode as Code;
    let why = match outcome {
        Outcome::Accepted | Outcome::AlreadyHave => return None,
        Outcome::Full => Code::Full,
        Outcome::Expired => Code::Expired,
        Outcome::TooFar => Code::TooFar,
        Outcome::Malformed => Code::Malformed,
        Outcome::TooLarge => Code::TooLarge,
        Outcome::Foreign => Code::Foreign,
        Outcome::NotForMe => Code::NotForMe,
        Outcome::Busy => Code::Busy,
        Outcome::NeedsWork(_) => Code::NeedsWork,
        Outcome::WrongWork => Code::WrongWork,
        Outcome::WrongToken => Code::WrongToken,
        Outcome::OverShare => Code::OverShare,
        Outcome::NotAllowed => Code::NotAllowed,
        Outcome::QueueFull => Code::QueueFull,
        Outcome::Unreachable => Code::Unreachable,
        _ => Code::Unknown,
    };
    Some(PutRefusal { by, why })
}
