//! How numbers, times and spans are written.

use crate::clock::{Date, Wall};

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// After how many seconds a wait tells how long it has taken.
pub const TELL_AFTER_SECONDS: u64 = 3;

/// `08:06`.
pub fn time(wall: Wall) -> String {
    format!("{:02}:{:02}", wall.hour, wall.minute)
}

/// *Today*, *Yesterday*, a weekday within the last week, or a date.
pub fn day(day: i64, today: i64) -> String {
    let date = Date::new(day);
    let weekday = WEEKDAYS
        .get(usize::from(date.weekday))
        .copied()
        .unwrap_or_default();
    match today - day {
        0 => return "Today".to_owned(),
        1 => return "Yesterday".to_owned(),
        2..=6 => return weekday.to_owned(),
        _ => {}
    }
    let month = MONTHS
        .get(usize::from(date.month).saturating_sub(1))
        .copied()
        .unwrap_or_default();
    if date.year == Date::new(today).year {
        format!("{weekday}, {} {month}", date.day)
    } else {
        format!("{} {month} {}", date.day, date.year)
    }
}

/// A day behind *since*: `today`, `Friday, 13 November`.
pub fn since_day(of: i64, today: i64) -> String {
    match today - of {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        _ => day(of, today),
    }
}

/// When it was: `today`, `on Friday, 13 November`.
pub fn on_day(of: i64, today: i64) -> String {
    match today - of {
        0 | 1 => since_day(of, today),
        _ => format!("on {}", day(of, today)),
    }
}

/// A moment in a list: the time today, else the day.
pub fn moment(at: Wall, today: i64) -> String {
    if at.day == today {
        time(at)
    } else {
        day(at.day, today)
    }
}

/// A day and a time.
pub fn day_and_time(at: Wall, today: i64) -> String {
    format!("{}, {}", day(at.day, today), time(at))
}

/// Keeps a number and its unit on one line.
const TIED: char = '\u{a0}';

/// `22 s`, `3 min 05 s`, `2 h 10 min`, `4 days`; its parts stay on one line.
pub fn span(seconds: u64) -> String {
    let n = TIED;
    match seconds {
        0..60 => format!("{seconds}{n}s"),
        60..3_600 => format!("{}{n}min{n}{:02}{n}s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{}{n}h{n}{}{n}min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}{n}days", seconds / 86_400),
    }
}

/// `in 22 s`, or *now* once nothing is left.
pub fn soon(seconds: u64) -> String {
    match seconds {
        0 => "now".to_owned(),
        _ => format!("in {}", span(seconds)),
    }
}

/// ` (22 s)` once a wait has lasted long enough to be told, nothing before.
pub fn waited(seconds: u64) -> String {
    if seconds < TELL_AFTER_SECONDS {
        String::new()
    } else {
        format!(" ({})", span(seconds))
    }
}

/// `12.3 KB`.
pub fn bytes(bytes: u64) -> String {
    const KIB: u64 = 1_024;
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..1_048_576 => format!("{} KB", tenths(KIB)),
        1_048_576..1_073_741_824 => format!("{} MB", tenths(1_048_576)),
        _ => format!("{} GB", tenths(1_073_741_824)),
    }
}

/// `1,234`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long until then, roughly, for things that end.
pub fn remaining(seconds: u64) -> String {
    match seconds {
        0..3_600 => "less than an hour".to_owned(),
        3_600..7_200 => "1 hour".to_owned(),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
