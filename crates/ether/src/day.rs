//! Days, and how long an envelope may be kept.
//!
//! An exact expiry would tell envelopes of one sender apart. So there are three lifetimes, and the end is
//! rounded up to a whole day, in UTC.

use thiserror::Error;

/// Milliseconds of a day.
pub const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;
/// The lifetimes an envelope can have, in days.
pub const LIFETIME_DAYS: [u32; 3] = [2, 8, 30];
/// The furthest expiry accepted from others, in days from today: the longest lifetime, one day of rounding
/// up, and one for clocks that disagree.
pub const MAX_DAYS_AHEAD: u32 = 32;

/// A day in UTC, counted from 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub u32);

impl Day {
    /// The day in which this moment (milliseconds since the epoch) lies.
    pub fn of(millis: u64) -> Self {
        Self(u32::try_from(millis / DAY_MILLIS).unwrap_or(u32::MAX))
    }

    /// Its first moment, in milliseconds since the epoch.
    pub fn start(self) -> u64 {
        u64::from(self.0) * DAY_MILLIS
    }

    /// So many days later.
    #[must_use]
    pub fn plus(self, days: u32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

/// Why an envelope is not taken on this day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExpiryError {
    /// Its day has come.
    #[error("expired on day {expiry:?}, today is {today:?}")]
    Expired {
        /// When it expired.
        expiry: Day,
        /// The day of asking.
        today: Day,
    },
    /// It asks to be kept longer than anything is.
    #[error("expires on day {expiry:?}, more than {MAX_DAYS_AHEAD} days after {today:?}")]
    TooFar {
        /// When it would expire.
        expiry: Day,
        /// The day of asking.
        today: Day,
    },
}

/// The day an envelope made `now` expires, so that it lives for at least `wanted` (both in milliseconds): the
/// shortest of [`LIFETIME_DAYS`] that covers it, else the longest, from now and rounded up to a whole day.
pub fn expiry(now: u64, wanted: u64) -> Day {
    let [.., longest] = LIFETIME_DAYS;
    let covers = |days: &u32| wanted <= u64::from(*days) * DAY_MILLIS;
    let days = LIFETIME_DAYS.into_iter().find(covers).unwrap_or(longest);
    let started = u32::from(!now.is_multiple_of(DAY_MILLIS));
    Day::of(now).plus(days + started)
}

/// Whether an envelope that expires at the start of `expiry` may still be kept, `today`.
pub(crate) fn check(expiry: Day, today: Day) -> Result<(), ExpiryError> {
    if expiry <= today {
        return Err(ExpiryError::Expired { expiry, today });
    }
    if expiry > today.plus(MAX_DAYS_AHEAD) {
        return Err(ExpiryError::TooFar { expiry, today });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const TODAY: Day = Day(20_000);

    #[test]
    fn the_shortest_lifetime_that_covers_is_drawn() {
        let now = TODAY.start();
        for (wanted_days, lifetime) in [
            (0, 2),
            (1, 2),
            (2, 2),
            (3, 8),
            (8, 8),
            (9, 30),
            (30, 30),
            (31, 30),
            (90, 30),
        ] {
            assert_eq!(expiry(now, wanted_days * DAY_MILLIS), TODAY.plus(lifetime));
        }
        assert_eq!(expiry(now, 2 * DAY_MILLIS + 1), TODAY.plus(8));
        assert_eq!(expiry(now, u64::MAX), TODAY.plus(30));
    }

    #[test]
    fn a_started_day_is_rounded_up() {
        for late in [1, DAY_MILLIS / 2, DAY_MILLIS - 1] {
            assert_eq!(expiry(TODAY.start() + late, 0), TODAY.plus(3));
        }
        assert_eq!(expiry(TODAY.plus(1).start(), 0), TODAY.plus(3));
    }

    #[test]
    fn whatever_is_drawn_is_accepted_by_a_clock_one_day_off() {
        for wanted in [0, 5 * DAY_MILLIS, u64::MAX] {
            for late in [0, 1, DAY_MILLIS - 1] {
                let drawn = expiry(TODAY.start() + late, wanted);
                for today in [TODAY.0 - 1, TODAY.0, TODAY.0 + 1] {
                    assert_eq!(check(drawn, Day(today)), Ok(()));
                }
            }
        }
    }

    #[test]
    fn expired_and_too_far_are_told_apart_at_the_edges() {
        let expired = |expiry| {
            Err(ExpiryError::Expired {
                expiry,
                today: TODAY,
            })
        };
        assert_eq!(check(Day(0), TODAY), expired(Day(0)));
        assert_eq!(check(TODAY, TODAY), expired(TODAY));
        assert_eq!(check(TODAY.plus(1), TODAY), Ok(()));
        assert_eq!(check(TODAY.plus(32), TODAY), Ok(()));
        let expiry = TODAY.plus(33);
        assert_eq!(
            check(expiry, TODAY),
            Err(ExpiryError::TooFar {
                expiry,
                today: TODAY
            })
        );
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        assert_eq!(Day::of(u64::MAX), Day(u32::MAX));
        assert_eq!(expiry(u64::MAX, u64::MAX), Day(u32::MAX));
        assert!(check(Day(u32::MAX), Day(u32::MAX)).is_err());
    }
}
