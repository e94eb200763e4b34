//! What time it is, for whoever keeps things by the day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the relay is a host: this is where its time comes from"
)]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
