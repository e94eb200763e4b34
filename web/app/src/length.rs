//! How long a text may be, and how a person is told: in characters, whatever the engine counts.

/// The longest text that the engine takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Longest {
    /// So many characters.
    Chars(usize),
    /// So many bytes of UTF-8.
    Bytes(usize),
}

/// The room that is left for a text, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// More than a tenth of all.
    Enough,
    /// About so many fit, if they are like the ones before.
    Left(usize),
    /// So many at the end are too many.
    Over(usize),
}

/// The room that `text` leaves.
pub fn room(text: &str, longest: Longest) -> Room {
    let (most, length) = match longest {
        Longest::Chars(most) => (most, text.chars().count()),
        Longest::Bytes(most) => (most, text.len()),
    };
    let Some(left) = most.checked_sub(length) else {
        return Room::Over(match longest {
            Longest::Chars(most) => length - most,
            Longest::Bytes(most) => {
                let ends = text.char_indices().map(|(at, it)| at + it.len_utf8());
                ends.filter(|end| *end > most).count()
            }
        });
    };
    match left <= most / 10 {
        false => Room::Enough,
        true => Room::Left(left * text.chars().count() / length.max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_counted_in_characters() {
        for (text, longest, expected) in [
            ("", Longest::Chars(20), Room::Enough),
            ("0123456789", Longest::Chars(20), Room::Enough),
            ("0123456789012345678", Longest::Chars(20), Room::Left(1)),
            ("01234567890123456789", Longest::Chars(20), Room::Left(0)),
            ("012345678901234567890", Longest::Chars(20), Room::Over(1)),
            ("🌹🌹🌹🌹🌹", Longest::Chars(5), Room::Left(0)),
            ("🌹🌹🌹🌹🌹", Longest::Bytes(20), Room::Left(0)),
            ("🌹🌹🌹🌹🌹", Longest::Bytes(19), Room::Over(1)),
            ("🌹🌹🌹🌹🌹", Longest::Bytes(15), Room::Over(2)),
            ("ab🌹", Longest::Bytes(3), Room::Over(1)),
        ] {
            assert_eq!(room(text, longest), expected, "{text} of {longest:?}");
        }
    }

    #[test]
    fn the_room_that_is_left_is_for_more_of_the_same() {
        // Two bytes each: 1,900 of 2,000 are used, so 50 more of them fit.
        let text = "ä".repeat(950);
        assert_eq!(room(&text, Longest::Bytes(2_000)), Room::Left(50));
        let text = "a".repeat(1_900);
        assert_eq!(room(&text, Longest::Bytes(2_000)), Room::Left(100));
    }
}
