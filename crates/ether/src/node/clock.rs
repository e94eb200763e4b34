//! Whether the clock can be believed: a sweep takes away what cannot be had back.
//!
//! The newest day that was seen is kept. A clock that is further ahead than a relay is usually off may have been set wrong,
//! and is believed once it has stood for a while. What it says has expired is not sent meanwhile.

use super::keys::Fields;
use crate::{DAY_MILLIS, Damaged, Day, Shelf, ShelfTable};

const CLOCK: &[u8] = b"clock";
/// Days ahead that are believed at once: a weekend without power.
const BELIEVED_DAYS: u32 = 2;
/// How long a clock must stand that jumped further, in milliseconds: time for whoever set it wrong, or for what sets it right.
const STAND_MILLIS: u64 = 6 * 60 * 60 * 1_000;

/// What was seen of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    /// The newest day that was believed.
    newest: Day,
    /// When a jump was first and last seen that is not believed yet, in milliseconds since the epoch.
    jump: Option<(u64, u64)>,
}

impl Clock {
    fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut fields = Fields(bytes);
        Ok(Self {
            newest: fields.day()?,
            jump: match fields.0 {
                [] => None,
                _ => Some((fields.long()?, fields.long()?)),
            },
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.newest.0.to_be_bytes().to_vec();
        if let Some((first, last)) = self.jump {
            bytes.extend(first.to_be_bytes());
            bytes.extend(last.to_be_bytes());
        }
        bytes
    }

    /// What is known after another look.
    fn seen(self, now: u64) -> Self {
        let today = Day::of(now);
        let believed = Self {
            newest: self.newest.max(today),
            jump: None,
        };
        if today <= self.newest.plus(BELIEVED_DAYS) {
            return believed;
        }
        let most = u64::from(BELIEVED_DAYS) * DAY_MILLIS;
        let first = match self.jump {
            Some((first, last)) if now.checked_sub(last).is_some_and(|since| since <= most) => {
                first
            }
            _ => now,
        };
        if now - first >= STAND_MILLIS {
            return believed;
        }
        Self {
            jump: Some((first, now)),
            ..self
        }
    }
}

/// Looks at the clock. Whether it can be believed.
pub(super) fn is_believed<S: Shelf>(shelf: &mut S, now: u64) -> Result<bool, S::Error> {
    let found = shelf.get(ShelfTable::About, CLOCK)?;
    let known = found.map(|bytes| Clock::decode(&bytes)).transpose()?;
    let first = Clock {
        newest: Day::of(now),
        jump: None,
    };
    let seen = known.unwrap_or(first).seen(now);
    if known != Some(seen) {
        shelf.put(ShelfTable::About, CLOCK, &seen.encode())?;
    }
    Ok(seen.jump.is_none())
}
