//! What a person does with their relays: tries one, adds it, makes it the first, leaves it.
//!
//! Leaving: comrades are told of the other homes, and the relay is read on until everybody has heard, or
//! for [`limits::LEAVE_GRACE`]. One that is not reached may be lost, or only not reached yet: it is tried
//! as long, and, if no other home is known to comrades, they are looked for at their lifeboats. To *change*
//! to another relay is to add it, make it the first, and leave the one that was.

use komrade_view::{Answer, LinkState, NodeStage, Refusal, RelayStanding, RelayView, RouterStage};

use crate::{
    RelayId, comrade::Comrade, home::NodeHome, limits, open::Open, own::Relay,
    relay_link::RelayLink, step::Step, way::Way,
};

impl Open {
    /// Uses another relay from now on in the place of the first, and tells everybody where one is found.
    pub(crate) fn use_relay(
        &mut self,
        step: &mut Step,
        link: RelayLink,
    ) -> Result<Answer, Refusal> {
        let former = self.own.standing().next().map(|relay| relay.id);
        let used = self.own.use_relay(link, true, step.now, step.rng);
        let id = used.ok_or(Refusal::BadRelayLink)?;
        self.open_way(step, id);
        for comrade in self.comrades.values_mut() {
            // The node there has seen nothing arrive.
            comrade.quiet_until = 0;
        }
        if let Some(former) = former.filter(|former| *former != id) {
            self.leave(step, former);
        }
        self.homes_changed(step);
        Ok(Answer::Done)
    }

    /// Connects to a relay to see what it says; nothing is put there and nobody is told. One that is in use is connected anew if its link brings
    /// another join secret. One that is being left is in use again, behind all others: its home was read all the time.
    pub(crate) fn try_relay(
        &mut self,
        step: &mut Step,
        link: RelayLink,
    ) -> Result<Answer, Refusal> {
        if let Some(known) = self.own.used_at(&link.origin) {
            let is_left = self.own.relay(known).is_some_and(|it| it.leaving.is_some());
            if is_left && self.own.standing().count() >= limits::MAX_USED {
                return Err(Refusal::TooManyRelays);
            }
            let secret = link.join_secret;
            let is_other = secret.is_some_and(|secret| self.own.renew_secret(known, secret));
            if !is_left && !is_other {
                return Err(Refusal::RelayInUse);
            }
            step.touched.own = true;
            if is_left {
                self.stand_last(step, link.origin)?;
            }
            if is_other {
                self.open_way(step, known);
            }
            return Ok(Answer::Done);
        }
        self.end_trial(step);
        let tried = self.own.try_relay(link, step.rng);
        let id = tried.ok_or(Refusal::BadRelayLink)?;
        self.open_way(step, id);
        Ok(Answer::Done)
    }

    fn end_trial(&mut self, step: &mut Step) {
        if let Some(id) = self.own.trial().map(|relay| relay.id) {
            self.close_way(step, id);
        }
    }

    /// Uses the relay that was tried, behind all others.
    pub(crate) fn add_relay(&mut self, step: &mut Step, id: RelayId) -> Result<Answer, Refusal> {
        let tried = self.own.trial().filter(|relay| relay.id == id);
        let origin = tried.ok_or(Refusal::Unknown)?.origin.clone();
        if self.own.standing().count() >= limits::MAX_USED {
            return Err(Refusal::TooManyRelays);
        }
        self.stand_last(step, origin)?;
        Ok(Answer::Done)
    }

    /// Uses a relay that is connected, behind all others.
    fn stand_last(&mut self, step: &mut Step, origin: String) -> Result<(), Refusal> {
        let link = RelayLink {
            origin,
            join_secret: None,
        };
        let id = self.own.use_relay(link, false, step.now, step.rng);
        let id = id.ok_or(Refusal::Unknown)?;
        self.homes_changed(step);
        let told = self.ways.get(&id).filter(|way| way.is_told);
        if let Some(info) = told.map(|way| way.info) {
            self.node_told(step, id, info);
        }
        Ok(())
    }

    /// What is put leaves through this relay from now on.
    pub(crate) fn make_first(&mut self, step: &mut Step, id: RelayId) -> Result<Answer, Refusal> {
        if !self.own.standing().any(|relay| relay.id == id) {
            return Err(Refusal::Unknown);
        }
        if self.own.make_first(id) {
            self.homes_changed(step);
            self.order_host(step);
            self.pump_all(step);
        }
        Ok(Answer::Done)
    }

    /// No longer uses a relay.
    pub(crate) fn leave_relay(&mut self, step: &mut Step, id: RelayId) -> Result<Answer, Refusal> {
        self.own.relay(id).ok_or(Refusal::Unknown)?;
        if !self.own.standing().any(|relay| relay.id == id) {
            // Nobody was told of it, or it is being left.
            self.close_way(step, id);
            return Ok(Answer::Done);
        }
        if self.own.standing().count() == 1 {
            return Err(Refusal::NoRelay);
        }
        self.leave(step, id);
        self.homes_changed(step);
        self.order_host(step);
        self.pump_all(step);
        Ok(Answer::Done)
    }

    fn leave(&mut self, step: &mut Step, id: RelayId) {
        let is_up = self.ways.get(&id).is_some_and(Way::is_up);
        let home = self.own.node_at(id).copied();
        if is_up {
            self.look_later(step);
        } else {
            self.home_lost(step, id, home);
        }
        let is_refused = self
            .ways
            .get(&id)
            .is_some_and(|way| matches!(way.link, LinkState::Refused(_)));
        if is_refused || home.is_none() {
            return self.close_way(step, id);
        }
        if let Some(relay) = self.own.relay_mut(id) {
            relay.leaving = Some(step.now.saturating_add(limits::LEAVE_GRACE));
        }
        step.touched.own = true;
        let leaving = || self.own.in_use().filter(|relay| relay.leaving.is_some());
        let oldest = leaving().min_by_key(|relay| relay.leaving);
        let oldest = oldest.map(|relay| relay.id);
        if let Some(oldest) = oldest.filter(|_| leaving().count() > limits::MAX_LEAVING) {
            self.close_way(step, oldest);
        }
    }

    /// A home is gone: what was on its way to it is lost, and what was handed to its node. Unless comrades
    /// know another one that is reached, they have to be looked for.
    pub(crate) fn home_lost(&mut self, step: &mut Step, id: RelayId, home: Option<NodeHome>) {
        if let Some(home) = home {
            self.own.note_node_lost(&home, step.now);
            step.touched.own = true;
        }
        let known_since = |relay: &Relay| relay.since.saturating_add(limits::MOVE_PATIENCE);
        let has_other = self.own.standing().any(|relay| {
            let way = self.ways.get(&relay.id).filter(|_| relay.id != id);
            known_since(relay) <= step.now && way.is_some_and(|way| way.down_since.is_none())
        });
        // The node that takes its place may be one that was used before, and has lost nothing.
        self.presume_lost(step, home.map(|home| home.address));
        if has_other {
            self.look_later(step);
        } else {
            self.begin_rescue(step);
        }
    }

    /// Whoever has not heard after a day where one is found is looked for.
    pub(crate) fn look_later(&mut self, step: &mut Step) {
        let from = step.now.saturating_add(limits::MOVE_PATIENCE);
        self.own.rescue_from.get_or_insert(from);
        step.touched.own = true;
    }

    /// Where one is found has changed: everybody is told.
    pub(crate) fn homes_changed(&mut self, step: &mut Step) {
        self.device.renew(&self.own, step.now, step.rng);
        step.touched.own = true;
        step.show.route = true;
        step.show.invites = true;
        self.moved = self.untold();
        self.tell_homes(step);
    }

    /// Whether all comrades are known to have heard where this device is found.
    pub(crate) fn all_know(&self) -> bool {
        let tags = self.tags();
        let is_waited_for = |comrade: &Comrade| {
            let is_met = comrade.record.is_wanted() && comrade.pair.can_seal();
            is_met && !self.has_heard(comrade, &tags)
        };
        self.own.node().is_some()
            && self.moved.is_empty()
            && !self.comrades.values().any(is_waited_for)
    }

    /// Ends the reading of relays that were left, once everybody has heard where one is found now, or
    /// it has taken too long. Called when acknowledgements leave, or the relay could tell by the moment
    /// whose was the last that arrived.
    pub(crate) fn end_leaving(&mut self, step: &mut Step) {
        let is_leaving = self.own.in_use().any(|relay| relay.leaving.is_some());
        if self.clock.is_doubted() || !is_leaving {
            return;
        }
        let all_know = self.all_know();
        let leaving = self.own.in_use().filter_map(|relay| {
            let until = relay.leaving?;
            let node = relay.home.map(|home| home.address);
            let mut invites = self.invites.values();
            let has_invite = node.is_some_and(|node| invites.any(|it| it.is_open_at(&node)));
            (until <= step.now || all_know && !has_invite).then_some(relay.id)
        });
        for id in leaving.collect::<Vec<_>>() {
            self.close_way(step, id);
        }
    }

    /// The relays, for the screens: those in use in their order, then those that are being left, then
    /// the one that is tried.
    pub(crate) fn relay_views(&self) -> Vec<RelayView> {
        let used = self.own.in_use().map(|relay| {
            let standing = match relay.leaving {
                Some(until) => RelayStanding::Leaving(until),
                None => RelayStanding::InUse,
            };
            self.relay_view(relay, standing)
        });
        let tried = self.own.trial();
        let tried = tried.map(|relay| self.relay_view(relay, RelayStanding::Tried));
        used.chain(tried).collect()
    }

    fn relay_view(&self, relay: &Relay, standing: RelayStanding) -> RelayView {
        let way = self.ways.get(&relay.id);
        // Without what changes all the time: that is told of the one that carries.
        let link = way.map_or(LinkState::NoRelay, |way| way.link);
        let link = match link {
            LinkState::Up { since, .. } => LinkState::Up {
                since,
                round_trip: None,
            },
            link => link,
        };
        let router = way.map_or(RouterStage::Unknown, |way| way.router);
        let router = match router {
            RouterStage::Ready { .. } => RouterStage::Ready { routers: 0 },
            router => router,
        };
        RelayView {
            id: relay.id.0,
            origin: relay.origin.clone(),
            standing,
            rests: relay.rests,
            link,
            router,
            node: way.map_or(NodeStage::Unknown, Way::stage),
            has_node: way.is_some_and(|way| way.info.is_some()),
        }
    }
}
