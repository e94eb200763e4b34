//! What a message that is kept here waits for, worked out from the route alone: the relay and its
//! node. The relay's I2P router matters only for what goes on to other relays.

use komrade_view::{
    CollectiveQueueView, DialStage, HostStage, LinkState, Millis, NodeStage, PutRefusal,
    QueueReason, QueueView, RefusalCode, RouteView, RouterStage,
};

use crate::thread::Talk;

/// The route as told, and since when each part of it stands as it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// As the engine told it.
    pub view: RouteView,
    /// When it was told: countdowns in seconds count from here.
    pub told_at: Millis,
    /// Since when the relay's node is in its stage.
    pub node_since: Millis,
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
        let node_since = since(
            |a, b| core::mem::discriminant(&a.node) == core::mem::discriminant(&b.node),
            |before| before.node_since,
        );
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
            node_since,
            router_since,
            hosting_since,
        }
    }

    /// What everything that is written waits for: the relay and its node.
    pub fn wait(&self) -> Option<Wait> {
        let at = |for_what, since| Some(Wait { for_what, since });
        match self.view.link {
            LinkState::NoRelay => return at(For::Relay, None),
            LinkState::Connecting(since) => return at(For::Connection, Some(since)),
            LinkState::Waiting { .. } => return at(For::RelayToAnswer, None),
            LinkState::Refused(code) => return at(For::Refused(code), None),
            LinkState::Up { .. } => {}
        }
        match self.view.node {
            NodeStage::Unknown | NodeStage::Opening => at(For::Node, Some(self.node_since)),
            // What is written is taken while older things are still being fetched.
            NodeStage::CatchingUp(_) | NodeStage::Ready(_) => None,
        }
    }

    /// What waits that goes on to other relays.
    pub fn router_wait(&self) -> Option<Wait> {
        let for_what = match self.view.router {
            RouterStage::Ready { .. } => return None,
            RouterStage::Unknown | RouterStage::Starting => For::Router,
            RouterStage::Reseeding { .. } => For::Reseed,
            RouterStage::NoRouters { .. } => For::Routers,
            RouterStage::BuildingTunnels { .. } => For::Tunnels,
            RouterStage::Failed { .. } => For::RouterToAnswer,
        };
        Some(Wait {
            for_what,
            since: Some(self.router_since),
        })
    }

    /// The first thing on the way that is not as it shall be.
    pub fn any_wait(&self) -> Option<Wait> {
        self.wait()
            .or_else(|| self.router_wait())
            .or_else(|| self.hosting_wait())
    }

    /// What direct links to this device wait for.
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

    /// What stands in the way of what was written there, if anything of it waits and is among what is shown.
    pub fn obstacle(&self, talk: Talk) -> Option<Obstacle> {
        match talk {
            Talk::Comrade(id) => {
                let mut queues = self.view.queues.iter();
                let queue = queues.find(|it| it.comrade == id && it.waiting > 0);
                queue.map(Obstacle::from)
            }
            Talk::Collective(id) => {
                let mut queues = self.view.collective_queues.iter();
                queues.find(|it| it.collective == id).map(Obstacle::from)
            }
        }
    }

    /// What something that was written there waits for. Before a comrade is `met`, their relay has to be asked
    /// for their keys; otherwise only one's own relay matters, whatever is dialled beside.
    pub fn wait_for(&self, talk: Talk, met: bool) -> Wait {
        if let Some(wait) = self.wait() {
            return wait;
        }
        let at = |for_what, since| Wait { for_what, since };
        let comrade = match talk {
            Talk::Comrade(id) if !met => id,
            _ => {
                let for_what = match self.obstacle(talk).map(|it| (it.reason, it.is_post)) {
                    Some((QueueReason::Patience(_), _)) => For::Patience,
                    Some((QueueReason::Work, _)) => For::Work,
                    Some((QueueReason::Quiet(_), _)) => For::Quiet,
                    Some((QueueReason::Keys, true)) => For::FreshKeys,
                    _ => For::Storing,
                };
                return at(for_what, None);
            }
        };
        let dial = self.view.dials.iter().find(|dial| dial.comrade == comrade);
        let Some(dial) = dial else {
            return at(For::Turn, None);
        };
        let for_what = match dial.stage {
            DialStage::WaitingForRelay => {
                return self
                    .router_wait()
                    .unwrap_or(at(For::Router, Some(dial.since)));
            }
            DialStage::Dialing => For::Tunnel,
            DialStage::Greeting => For::Greeting,
            DialStage::Up => For::Keys,
            DialStage::Away => For::TheirApp,
            DialStage::Unreachable => For::NextTry,
        };
        at(for_what, Some(dial.since))
    }
}

/// What stands in the way of something that is kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obstacle {
    /// What it waits for.
    pub reason: QueueReason,
    /// What was answered last, if that was a refusal.
    pub refused: Option<PutRefusal>,
    /// It is for members of a collective, not for a comrade.
    pub is_post: bool,
}

impl From<&QueueView> for Obstacle {
    fn from(queue: &QueueView) -> Self {
        Self {
            reason: queue.reason,
            refused: queue.refused,
            is_post: false,
        }
    }
}

impl From<&CollectiveQueueView> for Obstacle {
    fn from(queue: &CollectiveQueueView) -> Self {
        Self {
            reason: queue.reason,
            refused: queue.refused,
            is_post: true,
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
    /// The relay's node is not open yet.
    Node,
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
    /// One's own relay stores it.
    Storing,
    /// A tunnel to the relay of whoever made the invite.
    Tunnel,
    /// Both sides prove who they are.
    Greeting,
    /// Connected: it gives the keys of whoever made the invite.
    Keys,
    /// New keys of a collective.
    FreshKeys,
    /// The comrade's app is closed.
    TheirApp,
    /// Not reached; tried again.
    NextTry,
    /// It was refused, and is tried again.
    Patience,
    /// Work that a relay asks for.
    Work,
    /// A moment at which nothing of theirs has just come.
    Quiet,
    /// Nothing stands in the way.
    Turn,
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use komrade_view::{CollectiveId, ComradeId, DialView, PutRefusalCode, RefusedBy, ReplicaView};

    use super::*;

    const BO_ID: ComradeId = ComradeId([1; 16]);
    const BO: Talk = Talk::Comrade(BO_ID);
    const TENANTS: CollectiveId = CollectiveId([1; 16]);

    fn view(link: LinkState, node: NodeStage, router: RouterStage) -> RouteView {
        RouteView {
            relay: None,
            link,
            router,
            hosting: HostStage::Off,
            node,
            relays: vec![],
            replicas: ReplicaView {
                envelopes: 0,
                bytes: 0,
                limit: 0,
            },
            rescuing: 0,
            dials: vec![],
            waiting: 1,
            queues: vec![],
            collective_queues: vec![],
            traffic: komrade_view::TrafficView::default(),
            saver: komrade_view::SaverView::default(),
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
        let view = view(
            LinkState::NoRelay,
            NodeStage::Unknown,
            RouterStage::Starting,
        );
        let mut route = Route::told(None, view, 5);
        assert_eq!(route.wait_for(BO, true).for_what, For::Relay);
        route.view.link = LinkState::Connecting(3);
        assert_eq!(
            route.wait_for(BO, true),
            Wait {
                for_what: For::Connection,
                since: Some(3)
            }
        );
        route.view.link = up();
        assert_eq!(
            route.wait_for(BO, true),
            Wait {
                for_what: For::Node,
                since: Some(5)
            }
        );
    }

    #[test]
    fn a_message_needs_no_router_to_be_kept_by_the_relay() {
        for node in [NodeStage::CatchingUp(2), NodeStage::Ready(3)] {
            let route = Route::told(None, view(up(), node, RouterStage::Starting), 5);
            assert_eq!(route.wait(), None);
            assert_eq!(route.wait_for(BO, true).for_what, For::Storing);
            assert_eq!(
                route.any_wait().map(|wait| wait.for_what),
                Some(For::Router)
            );
        }
    }

    #[test]
    fn only_who_is_not_met_yet_is_waited_for_through_i2p() {
        let mut view = view(up(), NodeStage::Ready(1), RouterStage::Starting);
        view.dials.push(DialView {
            comrade: BO_ID,
            stage: DialStage::WaitingForRelay,
            since: 7,
        });
        let mut route = Route::told(None, view, 5);
        assert_eq!(
            route.wait_for(BO, false),
            Wait {
                for_what: For::Router,
                since: Some(5)
            }
        );
        route.view.router = RouterStage::Ready { routers: 9 };
        route.view.dials[0].stage = DialStage::Dialing;
        assert_eq!(
            route.wait_for(BO, false),
            Wait {
                for_what: For::Tunnel,
                since: Some(7)
            }
        );
        assert_eq!(route.wait_for(BO, true).for_what, For::Storing);
        let other = Talk::Comrade(ComradeId([2; 16]));
        assert_eq!(route.wait_for(other, false).for_what, For::Turn);
    }

    #[test]
    fn what_was_refused_waits_for_the_next_try_and_work_for_its_end() {
        let queue = |reason| QueueView {
            comrade: BO_ID,
            waiting: 1,
            handed: 0,
            reason,
            home: None,
            refused: None,
        };
        for (reason, for_what) in [
            (QueueReason::Patience(9), For::Patience),
            (QueueReason::Work, For::Work),
            (QueueReason::Quiet(9), For::Quiet),
            (QueueReason::Turn, For::Storing),
        ] {
            let mut view = view(up(), NodeStage::Ready(1), RouterStage::Starting);
            view.queues.push(queue(reason));
            let mut route = Route::told(None, view, 5);
            assert_eq!(route.wait_for(BO, true).for_what, for_what);
            assert_eq!(route.obstacle(BO), Some(Obstacle::from(&queue(reason))));
            // What was handed on waits here no longer.
            route.view.queues[0].waiting = 0;
            assert_eq!(route.wait_for(BO, true).for_what, For::Storing);
            assert_eq!(route.obstacle(BO), None);
        }
    }

    #[test]
    fn a_post_waits_for_what_its_collective_waits_for() {
        let talk = Talk::Collective(TENANTS);
        let mut route = Route::told(
            None,
            view(up(), NodeStage::Ready(1), RouterStage::Starting),
            5,
        );
        assert_eq!(route.obstacle(talk), None);
        assert_eq!(route.wait_for(talk, false).for_what, For::Storing);
        let refused = Some(PutRefusal {
            by: RefusedBy::TheirRelay,
            why: PutRefusalCode::Full,
        });
        for (reason, for_what) in [
            (QueueReason::Keys, For::FreshKeys),
            (QueueReason::Patience(9), For::Patience),
            (QueueReason::Work, For::Work),
            (QueueReason::Quiet(9), For::Quiet),
            (QueueReason::Turn, For::Storing),
        ] {
            route.view.collective_queues = vec![CollectiveQueueView {
                collective: TENANTS,
                waiting: 1,
                homes: (1, 2),
                reason,
                refused,
            }];
            let obstacle = Obstacle {
                reason,
                refused,
                is_post: true,
            };
            assert_eq!(route.obstacle(talk), Some(obstacle));
            assert_eq!(route.wait_for(talk, false).for_what, for_what);
        }
        // Neither another collective waits, nor a comrade of the same id.
        let other = Talk::Collective(CollectiveId([2; 16]));
        assert_eq!((route.obstacle(other), route.obstacle(BO)), (None, None));
        route.view.link = LinkState::NoRelay;
        assert_eq!(route.wait_for(talk, true).for_what, For::Relay);
    }

    #[test]
    fn a_stage_keeps_its_beginning_while_its_counters_move() {
        let building = |routers| {
            view(
                up(),
                NodeStage::Opening,
                RouterStage::BuildingTunnels { routers },
            )
        };
        let first = Route::told(None, building(1), 10);
        let second = Route::told(Some(&first), building(50), 20);
        assert_eq!((second.router_since, second.told_at), (10, 20));
        assert_eq!(second.node_since, 10);
        let ready = view(
            up(),
            NodeStage::CatchingUp(30),
            RouterStage::Ready { routers: 50 },
        );
        let third = Route::told(Some(&second), ready, 30);
        assert_eq!((third.router_since, third.node_since), (30, 30));
    }
}
