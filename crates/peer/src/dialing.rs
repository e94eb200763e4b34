//! When links are made, admitted and closed.
//!
//! A link is wanted when something waits for a comrade. One that is there is used until it was
//! silent for [`limits::LINK_IDLE`]. Both sides may dial at once: then there are two, and each
//! sends on the one that came up last.

use komrade_crypto::{day_of, invite, link::LinkKey};
use komrade_view::{ComradeId, DialStage, DialView, Millis};
use zeroize::Zeroizing;

use crate::{
    Address, DialProgress, Effect, LinkHint, LinkId, RelayId,
    comrade::Comrade,
    home::{self, NodeHome},
    limits,
    links::{Link, Party},
    open::Open,
    step::Step,
    writing::Tags,
};

impl Open {
    /// Dials whoever is due, as far as the way is up and there is room.
    pub(crate) fn dial_due(&mut self, step: &mut Step) {
        self.fetch_bundles(step);
        let (today, tags) = (day_of(step.now), self.rescue_tags());
        let ready = self.ready_relay();
        let wanting: Vec<(ComradeId, Target)> = self
            .comrades
            .iter()
            .filter(|(_, comrade)| comrade.held_until() <= step.now)
            .filter_map(|(id, comrade)| Some((*id, self.target(comrade, today, &tags)?)))
            .filter(|(id, _)| !self.is_linked(*id))
            .collect();
        for (id, target) in wanting {
            let under_way = self
                .links
                .iter()
                .filter(|(_, link)| link.dialled && !link.up)
                .count();
            let Some(comrade) = self.comrades.get_mut(&id) else {
                continue;
            };
            let Some(relay) = ready else {
                if comrade.dialer.show(DialStage::WaitingForRelay, step.now) {
                    step.show.route = true;
                }
                continue;
            };
            let room = under_way < limits::MAX_DIALS && self.links.len() < limits::MAX_LINKS;
            if comrade.dialer.not_before() > step.now || !room {
                continue;
            }
            let link = step.numbers.link();
            let (party, effect) = match target {
                Target::Peer(address) => {
                    let Some(key) = link_key(comrade) else {
                        continue;
                    };
                    let effect = Effect::Dial {
                        relay,
                        link,
                        address,
                        hint: key.hint(&address, step.rng),
                        psk: key.psk(&address),
                    };
                    (Party::Comrade(id), effect)
                }
                Target::Node(address, key) => {
                    let address = Some(address);
                    let effect = Effect::OpenNode {
                        relay,
                        link,
                        address,
                        key,
                    };
                    (Party::Foreign(id), effect)
                }
            };
            comrade.dialer.show(DialStage::Dialing, step.now);
            step.show.route = true;
            let state = Link::new(party, relay, true, step.now);
            self.links.insert(link, state);
            step.effect(effect);
        }
    }

    /// Whether there is a link to this comrade, or one is being made.
    fn is_linked(&self, id: ComradeId) -> bool {
        let parties = [Party::Comrade(id), Party::Foreign(id)];
        parties
            .iter()
            .any(|party| self.links.of(*party).next().is_some())
    }

    /// What is to be dialled for a comrade, if anything is.
    fn target(&self, comrade: &Comrade, today: u32, tags: &Tags) -> Option<Target> {
        if let Some(invite) = comrade.wants_bundle(today)
            && let invite::Home::Node { address, key } = invite.home
        {
            let mut own = self.own.nodes();
            let is_own = own.any(|(_, own)| own.address == address && own.key == key);
            // The link to one's own node serves for that.
            return (!is_own).then_some(Target::Node(address, key));
        }
        if self.is_neighbour(comrade) {
            // A dial through I2P back to one's own relay would tell it what the cache does not.
            return None;
        }
        let rescue = self.needs_rescue(comrade, tags) || comrade.is_out_of_reach();
        let addresses = comrade.wants_link(today, rescue);
        let turn = usize::try_from(comrade.dialer.failures()).unwrap_or(0);
        let address = addresses.get(turn.checked_rem(addresses.len())?)?;
        Some(Target::Peer(*address))
    }

    /// Whether a comrade has a home at a relay of one's own. While comrades are looked for, one that is not
    /// reached is none: both may have lost it.
    pub(crate) fn is_neighbour(&self, comrade: &Comrade) -> bool {
        let is_looking = self.own.rescue_until.is_some();
        let is_read = |id| {
            self.ways
                .get(&id)
                .is_some_and(|way| way.down_since.is_none())
        };
        let own = |home: &NodeHome| {
            let mut nodes = self.own.nodes();
            nodes.any(|(id, own)| own.place() == home.place() && (!is_looking || is_read(id)))
        };
        home::nodes_of(&comrade.record.homes).any(own)
    }

    /// The soonest moment at which [`Open::dial_due`] would do something.
    pub(crate) fn next_dial(&self, now: Millis) -> Option<Millis> {
        let (today, tags) = (day_of(now), self.rescue_tags());
        let wanting = self.comrades.iter().filter(|(id, comrade)| {
            let wants = comrade.wants_bundle(today).is_some();
            (wants || self.target(comrade, today, &tags).is_some()) && !self.is_linked(**id)
        });
        wanting
            .map(|(_, comrade)| {
                let not_before = comrade.dialer.not_before();
                not_before.max(comrade.held_until())
            })
            .min()
    }

    /// A dial went on or ended.
    pub(crate) fn dialed(&mut self, step: &mut Step, link: LinkId, progress: DialProgress) {
        let Some(party) = self.links.get(link).map(|link| link.party) else {
            return;
        };
        step.show.route = true;
        let id = match party {
            Party::Comrade(id) | Party::Foreign(id) => id,
            Party::Node(_) | Party::Invite(_) => {
                match progress {
                    DialProgress::Greeting => {}
                    DialProgress::Up => self.link_up(step, link),
                    _ => {
                        self.links.remove(link);
                        if let Party::Node(relay) = party {
                            self.node_down(step, relay);
                        }
                    }
                }
                return;
            }
        };
        let failed = match progress {
            DialProgress::Greeting => {
                if let Some(comrade) = self.comrades.get_mut(&id) {
                    comrade.dialer.show(DialStage::Greeting, step.now);
                }
                return;
            }
            DialProgress::Up => return self.link_up(step, link),
            DialProgress::Away => DialStage::Away,
            DialProgress::Unreachable | DialProgress::Refused => DialStage::Unreachable,
        };
        self.links.remove(link);
        self.dial_failed(step, id, failed);
    }

    /// A dial came to nothing.
    fn dial_failed(&mut self, step: &mut Step, id: ComradeId, stage: DialStage) {
        let tags = self.rescue_tags();
        let is_looked_for = |it: &Comrade| self.needs_rescue(it, &tags);
        let is_looked_for = self.comrades.get(&id).is_some_and(is_looked_for);
        if let Some(comrade) = self.comrades.get_mut(&id) {
            comrade.dialer.failed(stage, step.now, step.rng);
            if !is_looked_for && comrade.is_out_of_reach() {
                let next = step.now.saturating_add(limits::LIFEBOAT_PACE);
                comrade.dialer.hold_until(next);
            }
        }
    }

    /// Somebody dialled: go on if the hint means a key of ours, called here.
    pub(crate) fn incoming(
        &mut self,
        step: &mut Step,
        link: LinkId,
        relay: RelayId,
        hint: &LinkHint,
    ) {
        // Only what is hosted there, or relays could learn by a call that they have a member in common.
        let called = self.ways.get(&relay).and_then(|way| way.hosted);
        let found = called
            .into_iter()
            .find_map(|called| self.caller(&called, hint));
        let Some((party, psk)) = found else {
            step.effect(Effect::Close(link));
            return;
        };
        // Until its handshake is done a link proves nothing: a hint can be repeated by whoever saw it.
        // So those that are not up make room for one another only.
        let pending = |(_, link): &(LinkId, &Link)| !link.up && !link.dialled;
        let mut others = self.links.of(party).filter(pending).map(|(link, _)| link);
        let oldest = others.next();
        if others.count() + 1 >= most(party)
            && let Some(oldest) = oldest
        {
            self.close(step, oldest);
        }
        if self.links.len() >= limits::MAX_LINKS {
            step.effect(Effect::Close(link));
            return;
        }
        let state = Link::new(party, relay, false, step.now);
        self.links.insert(link, state);
        step.effect(Effect::Admit { link, psk });
    }

    /// Whose key a hint means, if they called this address of ours.
    fn caller(&self, called: &Address, hint: &LinkHint) -> Option<(Party, Zeroizing<[u8; 32]>)> {
        let comrade = self.comrades.iter().find_map(|(id, comrade)| {
            let mut keys = comrade.pair.link_keys().iter();
            let key = keys.find(|key| key.matches(called, hint))?;
            Some((Party::Comrade(*id), key.psk(called)))
        });
        comrade.or_else(|| {
            let mut invites = self.invites.iter();
            let (id, invite) = invites.find(|(_, invite)| invite.link.matches(called, hint))?;
            Some((Party::Invite(*id), invite.link.psk(called)))
        })
    }

    /// The handshake of a link is done.
    pub(crate) fn link_up(&mut self, step: &mut Step, link: LinkId) {
        let Some(state) = self.links.get_mut(link) else {
            return;
        };
        state.up = true;
        state.used_at = step.now;
        let (dialled, party) = (state.dialled, state.party);
        let id = match party {
            Party::Node(relay) => return self.node_up(step, link, relay),
            Party::Foreign(id) => return self.fetch(step, link, id),
            Party::Invite(_) => return self.supersede(step, link, party),
            Party::Comrade(id) => id,
        };
        self.supersede(step, link, party);
        if let Some(comrade) = self.comrades.get_mut(&id) {
            // A link made from here must first carry something, or one that comes up and breaks
            // each time would be dialled for ever.
            if !dialled {
                comrade.dialer.reset();
            }
            comrade.dialer.show(DialStage::Up, step.now);
            step.show.route = true;
        }
        self.fetch(step, link, id);
        let tags = self.rescue_tags();
        let comrade = self.comrades.get(&id);
        if comrade.is_some_and(|it| self.needs_rescue(it, &tags) || it.is_out_of_reach()) {
            // Whatever took what was handed on so far may be lost, or may bring it to a home that is: here is a way
            // that is not.
            if let Some(comrade) = self.comrades.get_mut(&id) {
                comrade.linked_at = Some(step.now);
            }
            self.resupplying.insert(id);
            step.again = true;
        }
        self.pump(step, id);
    }

    /// A newer link proved its key: older ones of the party have less patience from now on, and the
    /// oldest makes room.
    fn supersede(&mut self, step: &mut Step, newest: LinkId, party: Party) {
        let older = self.links.of(party).filter(|(_, link)| link.up);
        let older: Vec<LinkId> = older
            .map(|(link, _)| link)
            .filter(|link| *link != newest)
            .collect();
        for link in &older {
            if let Some(link) = self.links.get_mut(*link) {
                link.superseded = true;
            }
        }
        if older.len() >= most(party)
            && let Some(oldest) = older.first()
        {
            self.close(step, *oldest);
        }
    }

    /// A link is gone: what was on its way is sent again on the next one.
    pub(crate) fn link_down(&mut self, step: &mut Step, link: LinkId) {
        let Some(state) = self.links.remove(link) else {
            return;
        };
        self.forget_fetches(link);
        let (Party::Comrade(id) | Party::Foreign(id)) = state.party else {
            if let Party::Node(relay) = state.party {
                self.node_down(step, relay);
            }
            return;
        };
        step.show.route = true;
        let is_in_use = !state.flights.is_empty() || state.fetching.is_some();
        if state.dialled && !state.up || is_in_use {
            // If it broke while in use: not at once again, or a link that always breaks would be
            // dialled for ever.
            self.dial_failed(step, id, DialStage::Unreachable);
        }
        self.pump(step, id);
    }

    /// Bundles that were asked for on this link will not come on it.
    fn forget_fetches(&mut self, link: LinkId) {
        for comrade in self.comrades.values_mut() {
            comrade.fetching = comrade.fetching.filter(|it| *it != link);
        }
    }

    /// Lets go of a link from here.
    pub(crate) fn close(&mut self, step: &mut Step, link: LinkId) {
        if self.links.get(link).is_some() {
            step.effect(Effect::Close(link));
            self.link_down(step, link);
        }
    }

    /// Closes links that were silent, did not come up, or owe an answer.
    pub(crate) fn close_silent(&mut self, step: &mut Step) {
        let over = |(_, link): &(LinkId, &Link)| link.deadline() <= step.now;
        let over: Vec<LinkId> = self
            .links
            .iter()
            .filter(over)
            .map(|(link, _)| link)
            .collect();
        for link in over {
            let state = self.links.get(link).filter(|link| link.up);
            let put = state.and_then(|link| Some((link.party, link.flights.front()?.sent_at)));
            if let Some((Party::Node(relay), since)) = put
                && let Some(way) = self.ways.get_mut(&relay)
            {
                way.note_silent(since);
                step.show.route = true;
            }
            self.close(step, link);
        }
    }

    pub(crate) fn next_silence(&self) -> Option<Millis> {
        self.links.iter().map(|(_, link)| link.deadline()).min()
    }

    /// The connection to a relay is gone, and every link that it carried.
    pub(crate) fn lose_links(&mut self, step: &mut Step, relay: RelayId) {
        let lost = self.links.iter().filter(|(_, link)| link.relay == relay);
        let lost: Vec<LinkId> = lost.map(|(link, _)| link).collect();
        for link in lost {
            self.forget_fetches(link);
            let party = self.links.remove(link).map(|link| link.party);
            if let Some(Party::Node(_)) = party
                && let Some(way) = self.ways.get_mut(&relay)
            {
                // Not the node's fault: no patience is used up.
                way.down(step.now);
                way.note_answered();
                way.dialer.reset();
            }
            if let Some(Party::Comrade(id) | Party::Foreign(id)) = party
                && let Some(comrade) = self.comrades.get_mut(&id)
            {
                // Not their fault: no patience is used up.
                comrade.dialer.reset();
            }
        }
        step.show.route = true;
    }

    /// The way is up again, or the person asks: try everybody at once, but those whose answer was to
    /// wait, or a relay that hangs up all the time could use up every seal.
    pub(crate) fn reset_dialers(&mut self) {
        for comrade in self.comrades.values_mut() {
            comrade.dialer.reset();
        }
        for way in self.ways.values_mut() {
            way.dialer.reset();
        }
    }

    /// Dials under way, links that are up, and what failed while it is still wanted.
    pub(crate) fn dial_views(&self, now: Millis) -> Vec<DialView> {
        let (today, tags) = (day_of(now), self.rescue_tags());
        let shown = self.comrades.iter().filter(|(id, comrade)| {
            let wants = comrade.wants_bundle(today).is_some();
            wants || self.target(comrade, today, &tags).is_some() || self.is_linked(**id)
        });
        let view = |(id, comrade): (&ComradeId, &Comrade)| {
            let (stage, since) = comrade.dialer.stage?;
            Some(DialView {
                comrade: *id,
                stage,
                since,
            })
        };
        shown
            .filter_map(view)
            .take(limits::MAX_DIALS_SHOWN)
            .collect()
    }
}

/// Links that are up with one party.
fn most(party: Party) -> usize {
    match party {
        Party::Invite(_) => limits::MAX_ASKING_PER_INVITE,
        _ => limits::MAX_LINKS_PER_COMRADE,
    }
}

/// The key to dial a comrade's device with: the invite's until they have the intro.
fn link_key(comrade: &Comrade) -> Option<LinkKey> {
    match comrade.pair.dial_key() {
        Some(key) => Some(key.clone()),
        None => Some(comrade.record.accepted()?.secret.link()),
    }
}

/// What is dialled.
enum Target {
    /// A comrade's device.
    Peer(Address),
    /// The node of a relay, with its key.
    Node(Address, [u8; 32]),
}
