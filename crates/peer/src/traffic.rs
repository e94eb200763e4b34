//! How many bytes the connection to the relay carried, by day in UTC: who pays for each byte wants to
//! know.
//!
//! The driver counts since its start; what it counted is added to the day in which it is written, once
//! a minute at most. A tab that is closed loses the minute before.

use komrade_view::{Millis, Traffic as Carried, TrafficView};
use serde::{Deserialize, Serialize};

use crate::limits;

/// The days that are remembered, each with the bytes sent and received, newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traffic(Vec<(u32, u64, u64)>);

impl Traffic {
    /// Adds what was carried since the last time.
    pub(crate) fn add(&mut self, day: u32, carried: Carried) {
        let Carried { sent, received } = carried;
        match self.0.last_mut().filter(|(last, ..)| *last == day) {
            Some((_, so_far, in_so_far)) => {
                *so_far = so_far.saturating_add(sent);
                *in_so_far = in_so_far.saturating_add(received);
            }
            None => {
                // A clock that was set back must not leave days that never end.
                self.0.retain(|(other, ..)| *other < day);
                self.0.push((day, sent, received));
            }
        }
        let surplus = self.0.len().saturating_sub(limits::TRAFFIC_DAYS);
        self.0.drain(..surplus);
    }

    /// Today's and the month's, with what was not added yet.
    pub(crate) fn view(&self, today: u32, fresh: Carried) -> TrafficView {
        let since = |first: u32| {
            let days = self
                .0
                .iter()
                .filter(|(day, ..)| *day >= first && *day <= today);
            days.fold(fresh, |sum, (_, sent, received)| Carried {
                sent: sum.sent.saturating_add(*sent),
                received: sum.received.saturating_add(*received),
            })
        };
        TrafficView {
            today: since(today),
            month: since(today.saturating_sub(limits::MONTH_DAYS - 1)),
        }
    }
}

/// What the driver counted and is not written yet. Outlives the vault's being locked.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    counted: Carried,
    written: Carried,
    /// When it was written last.
    written_at: Millis,
}

impl Counter {
    /// So many since the start. Says whether that is more than before.
    pub(crate) fn note(&mut self, sent: u64, received: u64) -> bool {
        let counted = Carried { sent, received };
        std::mem::replace(&mut self.counted, counted) != counted
    }

    /// What is not written yet.
    pub(crate) fn fresh(&self) -> Carried {
        Carried {
            sent: self.counted.sent.saturating_sub(self.written.sent),
            received: self.counted.received.saturating_sub(self.written.received),
        }
    }

    /// The clock was ahead.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        self.written_at = self.written_at.min(now);
    }

    /// When it is due to be written.
    pub(crate) fn due(&self) -> Option<Millis> {
        let due = self.written_at.saturating_add(limits::TRAFFIC_PACE);
        (self.counted != self.written).then_some(due)
    }

    /// Hands it out, to be written.
    pub(crate) fn take(&mut self, now: Millis) -> Carried {
        let fresh = self.fresh();
        self.written = self.counted;
        self.written_at = now;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(sent: u64, received: u64) -> Carried {
        Carried { sent, received }
    }

    #[test]
    fn days_are_added_up_and_old_ones_forgotten() {
        let mut traffic = Traffic::default();
        for day in 100..200 {
            traffic.add(day, carried(1, 10));
            traffic.add(day, carried(2, 20));
        }
        assert_eq!(traffic.0.len(), limits::TRAFFIC_DAYS);
        let view = traffic.view(199, carried(100, 1_000));
        assert_eq!(view.today, carried(103, 1_030));
        let days = u64::from(limits::MONTH_DAYS);
        assert_eq!(view.month, carried(3 * days + 100, 30 * days + 1_000));
        let tomorrow = traffic.view(200, carried(0, 0));
        assert_eq!(tomorrow.today, carried(0, 0));
    }

    #[test]
    fn a_clock_that_was_ahead_leaves_no_day_behind() {
        let mut traffic = Traffic::default();
        traffic.add(10, carried(1, 1));
        traffic.add(5_000, carried(2, 2));
        traffic.add(11, carried(4, 4));
        assert_eq!(traffic.0, [(10, 1, 1), (11, 4, 4)]);
    }

    #[test]
    fn what_was_counted_is_handed_out_once() {
        let mut counter = Counter::default();
        assert!(!counter.note(0, 0));
        assert_eq!(counter.due(), None);
        assert!(counter.note(5, 7));
        assert_eq!(counter.take(1_000), carried(5, 7));
        assert_eq!((counter.fresh(), counter.due()), (carried(0, 0), None));
        counter.note(6, 9);
        assert_eq!(counter.fresh(), carried(1, 2));
        assert_eq!(counter.due(), Some(1_000 + limits::TRAFFIC_PACE));
    }
}
