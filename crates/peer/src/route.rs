//! What the driver says of bytes, and when the screens hear of the way to the network.

use komrade_view::Millis;

use crate::{limits, traffic::Counter};

/// What is told of the way to the network. Outlives the vault's being locked.
pub(crate) struct Route {
    pub(crate) traffic: Counter,
    /// When the screens were told last.
    told_at: Millis,
    /// Bytes changed since, and nothing else: told at [`limits::ROUTE_PACE`].
    stale: bool,
}

impl Route {
    pub(crate) fn new() -> Self {
        Self {
            traffic: Counter::default(),
            told_at: 0,
            stale: false,
        }
    }

    pub(crate) fn set_bytes(&mut self, sent: u64, received: u64) {
        self.stale |= self.traffic.note(sent, received);
    }

    /// The clock was ahead.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        self.told_at = self.told_at.min(now);
        self.traffic.bring_down(now);
    }

    /// When the screens are due to hear of bytes.
    pub(crate) fn due(&self) -> Option<Millis> {
        self.stale
            .then(|| self.told_at.saturating_add(limits::ROUTE_PACE))
    }

    /// The screens are told now.
    pub(crate) fn told(&mut self, now: Millis) {
        self.told_at = now;
        self.stale = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_alone_are_told_once_per_second() {
        let mut route = Route::new();
        assert_eq!(route.due(), None);
        route.set_bytes(0, 0);
        assert_eq!(route.due(), None);
        route.told(10_000);
        route.set_bytes(1, 0);
        route.set_bytes(1, 7);
        assert_eq!(route.due(), Some(11_000));
        route.told(11_000);
        assert_eq!(route.due(), None);
    }
}
