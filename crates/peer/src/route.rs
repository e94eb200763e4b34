//! The way to the network: what the driver says of relay, router, destination and bytes, in one
//! place.

use komrade_view::{HostStage, LinkState, Millis, RouterStage};

use crate::{limits, traffic::Counter};

/// What is known of the way to the network. Outlives the vault's being locked.
pub(crate) struct Route {
    pub(crate) link: LinkState,
    pub(crate) router: RouterStage,
    pub(crate) hosting: HostStage,
    pub(crate) traffic: Counter,
    /// When the screens were told last.
    told_at: Millis,
    /// Bytes changed since, and nothing else: told at [`limits::ROUTE_PACE`].
    stale: bool,
}

impl Route {
    pub(crate) fn new() -> Self {
        Self {
            link: LinkState::NoRelay,
            router: RouterStage::Unknown,
            hosting: HostStage::Off,
            traffic: Counter::default(),
            told_at: 0,
            stale: false,
        }
    }

    /// Whether the relay is connected.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.link, LinkState::Up { .. })
    }

    /// Whether a dial has a chance.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_up() && matches!(self.router, RouterStage::Ready { .. })
    }

    /// The connection changed. What the relay said of itself ends with it.
    pub(crate) fn set_link(&mut self, link: LinkState) {
        if !matches!(link, LinkState::Up { .. }) {
            self.router = RouterStage::Unknown;
            self.hosting = HostStage::Off;
        }
        self.link = link;
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

    #[test]
    fn what_a_relay_said_ends_with_its_connection() {
        let mut route = Route::new();
        route.set_link(LinkState::Up {
            since: 1,
            round_trip: None,
        });
        route.router = RouterStage::Ready { routers: 3 };
        route.hosting = HostStage::Up { since: 2 };
        assert!(route.is_ready());
        route.set_link(LinkState::Waiting {
            retry_at: 9,
            failures: 1,
        });
        assert!(!route.is_ready());
        assert_eq!(
            (route.router, route.hosting),
            (RouterStage::Unknown, HostStage::Off)
        );
    }
}
