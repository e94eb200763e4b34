//! What a message that is kept here waits for, worked out from the route alone.

use komrade_view::{
    ComradeId, DialStage, HostStage, LinkState, Millis, RefusalCode, RouteView, RouterStage,
};

/// The route as told, and since when each part of it stands as it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// As the engine told it.
    pub view: RouteView,
    /// When it was told: countdowns in seconds count from here.
    pub told_at: Millis,
    /// Since when the router is in its stage.
    pub router_since: Millis,
    /// Since when the destination is in its stage.
    pub hosting_since: Millis,
}

impl Route {
    /// The next word on the route, told at `now`, after `before`. Counters inside a stage (routers
    /// known, seconds to the next attempt) do not begin it anew.
    pub fn told(before: Option<&Self>, view: RouteView, now: Millis) -> Self {
        let since = |same: fn(&RouteView, &RouteView) -> bool, since: fn(&Self) -> Millis| {
            before
                .filter(|before| same(&before.view, &view))
                .map_or(now, since)
        };
        let router_since = since(
            |a, b| core::mem::discriminant(&a.router) == core::mem::discriminant(&b.router),
            |before| before.router_since,
        );
        let hosting_since = since(
            |a, b| core::mem::discriminant(&a.hosting) == core::mem::discriminant(&b.hosting),
            |before| before.hosting_since,
        );
        Self {
            view,
            told_at: now,
            router_since,
            hosting_since,
        }
    }

    /// What everything waits for, as far as it concerns all comrades.
    pub fn wait(&self) -> Option<Wait> {
        let at = |for_what, since| Some(Wait { for_what, since });
        match self.view.link {
            LinkState::NoRelay => return at(For::Relay, None),
            LinkState::Connecting(since) => return at(For::Connection, Some(since)),
            LinkState::Waiting { .. } => return at(For::RelayToAnswer, None),
            LinkState::Refused(code) => return at(For::Refused(code), None),
            LinkState::Up { .. } => {}
        }
        let router = Some(self.router_since);
        match self.view.router {
            RouterStage::Ready { .. } => None,
            RouterStage::Unknown | RouterStage::Starting => at(For::Router, router),
            RouterStage::Reseeding { .. } => at(For::Reseed, router),
            RouterStage::NoRouters { .. } => at(For::Routers, router),
            RouterStage::BuildingTunnels { .. } => at(For::Tunnels, router),
            RouterStage::Failed { .. } => at(For::RouterToAnswer, router),
        }
    }

    /// What others' messages to this device wait for.
    pub fn hosting_wait(&self) -> Option<Wait> {
        match self.view.hosting {
            HostStage::Waiting => Some(Wait {
                for_what: For::Router,
                since: Some(self.hosting_since),
            }),
            HostStage::Building { since, .. } => Some(Wait {
                for_what: For::OwnTunnels,
                since: Some(since),
            }),
            HostStage::Refused(code) => Some(Wait {
                for_what: For::Refused(code),
                since: None,
            }),
            HostStage::Failed { .. } => Some(Wait {
                for_what: For::OwnTunnelsAgain,
                since: Some(self.hosting_since),
            }),
            HostStage::Off | HostStage::Up { .. } => None,
        }
    }

    /// What a message to `comrade` waits for.
    pub fn wait_for(&self, comrade: ComradeId) -> Wait {
        if let Some(wait) = self.wait() {
            return wait;
        }
        let dial = self.view.dials.iter().find(|dial| dial.comrade == comrade);
        let Some(dial) = dial else {
            return Wait {
                for_what: For::Turn,
                since: None,
            };
        };
        let for_what = match dial.stage {
            DialStage::WaitingForRelay => For::Router,
            DialStage::Dialing => For::Tunnel,
            DialStage::Greeting => For::Greeting,
            DialStage::Up => For::Acceptance,
            DialStage::Away => For::TheirApp,
            DialStage::Unreachable => For::NextTry,
        };
        Wait {
            for_what,
            since: Some(dial.since),
        }
    }
}

/// A wait and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// For what.
    pub for_what: For,
    /// Since when, where that is known and worth telling.
    pub since: Option<Millis>,
}

/// What is waited for. The catalogue has words for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// A relay is to be chosen.
    Relay,
    /// The connection to the relay is being made.
    Connection,
    /// The relay does not answer.
    RelayToAnswer,
    /// The relay refused.
    Refused(RefusalCode),
    /// The relay's router starts.
    Router,
    /// The router fetches a first list.
    Reseed,
    /// The router knows no other.
    Routers,
    /// The router's first tunnels.
    Tunnels,
    /// The router does not answer.
    RouterToAnswer,
    /// Tunnels of this device's own destination.
    OwnTunnels,
    /// The same, after a failure.
    OwnTunnelsAgain,
    /// A tunnel to the comrade.
    Tunnel,
    /// Both sides prove who they are.
    Greeting,
    /// Connected: the comrade's device stores it.
    Acceptance,
    /// The comrade's app is closed.
    TheirApp,
    /// Not reached; tried again.
    NextTry,
    /// Nothing stands in the way.
    Turn,
}

#[cfg(test)]
mod tests {
    use komrade_view::{DialView, NodeStage, ReplicaView};

    use super::*;

    const BO: ComradeId = ComradeId([1; 16]);

    fn view(link: LinkState, router: RouterStage) -> RouteView {
        RouteView {
            relay: None,
            link,
            router,
            hosting: HostStage::Off,
            node: NodeStage::Unknown,
            replicas: ReplicaView {
                envelopes: 0,
                bytes: 0,
                limit: 0,
            },
            rescuing: 0,
            dials: vec![],
            waiting: 1,
            bytes: (0, 0),
        }
    }

    fn up() -> LinkState {
        LinkState::Up {
            since: 0,
            round_trip: None,
        }
    }

    #[test]
    fn the_nearest_obstacle_is_named_first() {
        let mut view = view(LinkState::NoRelay, RouterStage::Unknown);
        view.dials.push(DialView {
            comrade: BO,
            stage: DialStage::Dialing,
            since: 7,
        });
        let mut route = Route::told(None, view, 5);
        assert_eq!(route.wait_for(BO).for_what, For::Relay);
        route.view.link = LinkState::Connecting(3);
        assert_eq!(
            route.wait_for(BO),
            Wait {
                for_what: For::Connection,
                since: Some(3)
            }
        );
        route.view.link = up();
        route.view.router = RouterStage::BuildingTunnels { routers: 9 };
        assert_eq!(
            route.wait_for(BO),
            Wait {
                for_what: For::Tunnels,
                since: Some(5)
            }
        );
        route.view.router = RouterStage::Ready { routers: 9 };
        assert_eq!(
            route.wait_for(BO),
            Wait {
                for_what: For::Tunnel,
                since: Some(7)
            }
        );
        assert_eq!(route.wait_for(ComradeId([2; 16])).for_what, For::Turn);
    }

    #[test]
    fn a_stage_keeps_its_beginning_while_its_counters_move() {
        let building = |routers| view(up(), RouterStage::BuildingTunnels { routers });
        let first = Route::told(None, building(1), 10);
        let second = Route::told(Some(&first), building(50), 20);
        assert_eq!((second.router_since, second.told_at), (10, 20));
        let ready = view(up(), RouterStage::Ready { routers: 50 });
        assert_eq!(Route::told(Some(&second), ready, 30).router_since, 30);
    }
}
