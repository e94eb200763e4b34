//! Reading a clock face: days, hours and spans out of milliseconds.
//!
//! Pure arithmetic on numbers that come in; the two functions that ask the browser stand at the
//! end. Dates follow the proleptic Gregorian calendar, after Howard Hinnant's `civil_from_days`.
//! Words for days and months are the catalogue's.

use komrade_view::Millis;

const MINUTE: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// A moment as a wall clock shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    /// Days since 1 January 1970, in local time.
    pub day: i64,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

impl Wall {
    /// `at`, `east` minutes ahead of UTC.
    pub fn new(at: Millis, east: i32) -> Self {
        let minutes = i64::try_from(at).unwrap_or(i64::MAX) / MINUTE;
        let minutes = minutes.saturating_add(i64::from(east));
        let of_day = minutes.rem_euclid(DAY_MINUTES);
        Self {
            day: minutes.div_euclid(DAY_MINUTES),
            hour: u8::try_from(of_day / 60).unwrap_or_default(),
            minute: u8::try_from(of_day % 60).unwrap_or_default(),
        }
    }
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 (Monday) to 6 (Sunday).
    pub weekday: u8,
}

impl Date {
    /// The date `day` days after 1 January 1970.
    pub fn new(day: i64) -> Self {
        let shifted = day + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: u8::try_from(month).unwrap_or_default(),
            day: u8::try_from(of_year - (153 * from_march + 2) / 5 + 1).unwrap_or_default(),
            weekday: u8::try_from((day + 3).rem_euclid(7)).unwrap_or_default(),
        }
    }
}

/// Whole seconds from `since` to `now`; 0 if the clock went back.
pub fn seconds_between(since: Millis, now: Millis) -> u64 {
    now.saturating_sub(since) / 1_000
}

/// The time now, by the device's clock.
pub fn now() -> Millis {
    #[cfg(target_arch = "wasm32")]
    {
        js_sys::Date::now() as Millis
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        0
    }
}

/// `at` on the device's own wall clock, summer time included.
pub fn wall(at: Millis) -> Wall {
    #[cfg(target_arch = "wasm32")]
    {
        let west = js_sys::Date::new(&(at as f64).into()).get_timezone_offset();
        Wall::new(at, -(west as i32))
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        Wall::new(at, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_match_the_calendar() {
        let date = |day| {
            let Date {
                year,
                month,
                day,
                weekday,
            } = Date::new(day);
            (year, month, day, weekday)
        };
        assert_eq!(date(0), (1970, 1, 1, 3)); // A Thursday.
        assert_eq!(date(11_016), (2000, 2, 29, 1));
        assert_eq!(date(11_017), (2000, 3, 1, 2));
        assert_eq!(date(20_780), (2026, 11, 23, 0));
        assert_eq!(date(-1), (1969, 12, 31, 2));
    }

    #[test]
    fn the_wall_clock_follows_the_offset_across_midnight() {
        let almost_midnight = 20_780 * 86_400_000 + 86_399_999;
        assert_eq!(
            Wall::new(almost_midnight, 0),
            Wall {
                day: 20_780,
                hour: 23,
                minute: 59
            }
        );
        assert_eq!(
            Wall::new(almost_midnight, 60),
            Wall {
                day: 20_781,
                hour: 0,
                minute: 59
            }
        );
        assert_eq!(
            Wall::new(30 * 60_000, -60),
            Wall {
                day: -1,
                hour: 23,
                minute: 30
            }
        );
    }

    #[test]
    fn a_clock_that_went_back_shows_no_time_passed() {
        assert_eq!(seconds_between(5_000, 1_000), 0);
        assert_eq!(seconds_between(1_000, 23_999), 22);
    }
}
