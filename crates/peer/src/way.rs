//! The ways to the network: one through each relay in use.
//!
//! A way is up or down by itself, has a link to its relay's node of its own, and reads the log of that
//! node. What is put leaves through the first one, in the person's order, whose node is linked; one
//! that is down is waited for during [`limits::RELAY_PATIENCE`], so that a short gap shows no other
//! relay what would have gone through this one. ([`Open::leg`])
//!
//! A home that a relay does not reach for long is passed by for [`limits::UNREACHED_LIFE`], if there is another, and what
//! waits there goes to the next one, too. ([`Open::move_on`])
//!
//! One whose node is linked and does not answer what is put is silent: that counts as being down, but that if there is
//! no other it is asked with one put at a time, ever later.
//!
//! One that stays down *rests* after [`limits::REST_AFTER`], if another one is up: comrades are told of
//! it last. After [`limits::PRESUMED_LOST`], what was handed to its node and is not acknowledged goes out
//! through another. ([`Open::mind_ways`])

use komrade_ether::{Envelope, EnvelopeId};
use komrade_view::{HostStage, InviteId, LinkState, Millis, NodeStage, RouterStage};

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Address, Effect, LinkId, NodeInfo, RelayId,
    comrade::Comrade,
    home::{self, NodeHome},
    limits,
    links::{Dialer, Party},
    node::{Comparing, Mail, Subscribed},
    open::Open,
    own::Relay,
    records::Entry,
    step::Step,
};
use komrade_view::ComradeId;

/// Entries moved in one step: with their records and ticks they stay far below the bound of a batch.
const MOVED: usize = 100;
/// Homes that a relay does not reach, and of which it is remembered: as many as it lets something wait for.
const MAX_UNREACHED: usize = 64;

/// A way as it stands now. Nothing of it is stored but its log.
pub(crate) struct Way {
    pub(crate) link: LinkState,
    pub(crate) router: RouterStage,
    pub(crate) hosting: HostStage,
    /// Since when its node is not linked.
    pub(crate) down_since: Option<Millis>,
    /// Since when its node, on one connection, answered nothing that was put.
    silent_since: Option<Millis>,
    /// It was waited for long enough since then.
    given_up: bool,
    /// What was handed to its node was taken for lost since then.
    presumed: bool,
    /// The relay has told of its node, or that it has none.
    pub(crate) is_told: bool,
    pub(crate) info: Option<NodeInfo>,
    pub(crate) dialer: Dialer,
    pub(crate) caught_up: bool,
    /// Mail of a long time comes again, of which much was read: what does not open is not waited for.
    pub(crate) is_recovering: bool,
    /// When the home there changed last.
    pub(crate) changed_at: Option<Millis>,
    /// When the link to its node came up, or, once all is here, when that was.
    pub(crate) stage_since: Option<Millis>,
    /// Arrived, and not written yet; the cursor goes to this number with them.
    pub(crate) fresh: Vec<Envelope>,
    pub(crate) fresh_bytes: usize,
    pub(crate) seen_up_to: u64,
    /// What there is of one's own mail, see `node::arrivals`.
    pub(crate) mail: Mail,
    /// Numbers behind the cursor whose mail was opened before some of what came earlier; at most [`limits::MAX_OPENED`]. It comes
    /// again with the next link, and is not opened twice: else first contacts, of which few are opened in a minute, could keep
    /// the cursor where it is for ever.
    pub(crate) opened: BTreeSet<u64>,
    /// When they are written at the latest.
    pub(crate) flush_at: Option<Millis>,
    /// Bundles of invites on their way to the node.
    pub(crate) placing: BTreeMap<EnvelopeId, InviteId>,
    pub(crate) comparing: Option<Comparing>,
    pub(crate) subscribed: Subscribed,
    /// Comrades' homes that the relay said it does not reach, by tag, and when.
    unreached: BTreeMap<u64, Millis>,
    /// What is hosted there, by its address.
    pub(crate) hosted: Option<Address>,
}

/// How a put leaves: through which relay's node, to which home.
#[derive(Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) link: LinkId,
    /// One's own home at the node that takes it.
    pub(crate) via: NodeHome,
    pub(crate) home: NodeHome,
}

impl Leg {
    /// The comrade's home is at the very node that takes it.
    pub(crate) fn is_deposit(&self) -> bool {
        self.via.place() == self.home.place()
    }
}

/// Whether something can leave.
enum Gate {
    Up(LinkId, NodeHome),
    /// As far as nothing else can.
    Silent(LinkId, NodeHome),
    /// It is worth waiting for.
    Soon,
    Down,
}

impl Way {
    pub(crate) fn new(now: Millis) -> Self {
        Self {
            link: LinkState::NoRelay,
            router: RouterStage::Unknown,
            hosting: HostStage::Off,
            down_since: Some(now),
            silent_since: None,
            given_up: false,
            presumed: false,
            is_told: false,
            info: None,
            dialer: Dialer::default(),
            caught_up: false,
            is_recovering: false,
            changed_at: None,
            stage_since: None,
            fresh: Vec::new(),
            fresh_bytes: 0,
            seen_up_to: 0,
            opened: BTreeSet::new(),
            mail: Mail::default(),
            flush_at: None,
            placing: BTreeMap::new(),
            comparing: None,
            subscribed: Subscribed::default(),
            unreached: BTreeMap::new(),
            hosted: None,
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

    /// Nothing was put since then that its node answered.
    pub(crate) fn note_silent(&mut self, since: Millis) {
        self.silent_since.get_or_insert(since);
    }

    /// Its node answered, or is another one.
    pub(crate) fn note_answered(&mut self) {
        self.silent_since = None;
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent_since.is_some()
    }

    /// Since when it is of no use for what is put.
    fn lost_since(&self) -> Option<Millis> {
        let since = [self.down_since, self.silent_since];
        since.into_iter().flatten().min()
    }

    /// The link to the node is gone. What was not written comes again.
    pub(crate) fn down(&mut self, now: Millis) {
        self.down_since.get_or_insert(now);
        self.caught_up = false;
        self.is_recovering = false;
        self.stage_since = None;
        self.fresh.clear();
        self.fresh_bytes = 0;
        self.mail = Mail::default();
        self.flush_at = None;
        self.placing.clear();
        self.comparing = None;
        self.subscribed = Subscribed::default();
        self.unreached.clear();
    }

    /// The relay does not reach a home.
    pub(crate) fn note_unreached(&mut self, home: u64, now: Millis) {
        self.unreached.insert(home, now);
        if self.unreached.len() > MAX_UNREACHED {
            let oldest = self.unreached.iter().min_by_key(|(_, at)| **at);
            if let Some(oldest) = oldest.map(|(home, _)| *home) {
                self.unreached.remove(&oldest);
            }
        }
    }

    /// Whether the relay said lately that it does not reach a home.
    fn is_unreached(&self, home: u64, now: Millis) -> bool {
        let at = self.unreached.get(&home);
        at.is_some_and(|at| at.saturating_add(limits::UNREACHED_LIFE) > now)
    }

    /// How far the node is, for the screens.
    pub(crate) fn stage(&self) -> NodeStage {
        match (self.info, self.caught_up, self.stage_since) {
            (None, ..) => NodeStage::Unknown,
            (Some(_), _, None) => NodeStage::Opening,
            (Some(_), false, Some(since)) => NodeStage::CatchingUp(since),
            (Some(_), true, Some(since)) => NodeStage::Ready(since),
        }
    }

    fn bring_down(&mut self, now: Millis) {
        self.dialer.bring_down(now);
        self.down_since = self.down_since.map(|at| at.min(now));
        self.silent_since = self.silent_since.map(|at| at.min(now));
        let flush = now.saturating_add(limits::REPLICA_PACE);
        self.flush_at = self.flush_at.map(|at| at.min(flush));
        for at in self.unreached.values_mut() {
            *at = now.min(*at);
        }
    }
}

impl Open {
    /// Begins to use the way through this relay, or begins anew.
    pub(crate) fn open_way(&mut self, step: &mut Step, relay: RelayId) {
        self.lose_links(step, relay);
        self.ways.insert(relay, Way::new(step.now));
        let order = self.own.relay(relay).and_then(Relay::order);
        step.effect(Effect::UseRelay { relay, order });
        step.show.route = true;
    }

    /// No longer uses it, and tells nobody. What it took and nobody acknowledged leaves through another one: that
    /// it came to nothing, or that the relay burnt, is not learnt any more.
    pub(crate) fn close_way(&mut self, step: &mut Step, relay: RelayId) {
        self.lose_links(step, relay);
        let node = self.own.nodes().find(|(id, _)| *id == relay);
        let node = node.map(|(_, home)| home.address);
        if node.is_some_and(|node| self.has_handed_to(&node)) {
            self.presume_lost(step, node);
        }
        if self.ways.remove(&relay).is_some() {
            step.effect(Effect::UseRelay { relay, order: None });
        }
        self.own.retire(relay);
        if node.is_some() {
            self.offer_elsewhere(step);
        }
        step.touched.own = true;
        step.show.route = true;
        step.show.invites = true;
    }

    /// The connection changed. What the relay said of itself ends with it.
    pub(crate) fn relay_changed(&mut self, step: &mut Step, relay: RelayId, link: LinkState) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        let (was_up, was_ready) = (way.is_up(), way.is_ready());
        way.link = link;
        let is_up = way.is_up();
        if !is_up {
            way.router = RouterStage::Unknown;
            way.hosting = HostStage::Off;
        }
        if was_up && !is_up {
            self.lose_links(step, relay);
        }
        step.show.route = true;
        self.way_changed(step, relay, was_ready);
        if was_up != is_up {
            self.order_host(step);
        }
    }

    pub(crate) fn router_changed(&mut self, step: &mut Step, relay: RelayId, stage: RouterStage) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        let was_ready = way.is_ready();
        way.router = stage;
        step.show.route = true;
        self.way_changed(step, relay, was_ready);
    }

    pub(crate) fn hosting_changed(&mut self, step: &mut Step, relay: RelayId, stage: HostStage) {
        if let Some(way) = self.ways.get_mut(&relay) {
            way.hosting = stage;
            step.show.route = true;
        }
    }

    /// If the way is ready now, whoever was waited for is tried at once.
    fn way_changed(&mut self, step: &mut Step, relay: RelayId, was_ready: bool) {
        let others = self.ways.iter().filter(|(id, _)| **id != relay);
        let was_ready = was_ready || others.into_iter().any(|(_, way)| way.is_ready());
        if !was_ready && self.ready_relay().is_some() {
            self.reset_dialers();
        }
        step.show.route = true;
    }

    /// The relay through which others are dialled: the first one that is ready.
    pub(crate) fn ready_relay(&self) -> Option<RelayId> {
        let is = |id: &RelayId| self.ways.get(id).is_some_and(Way::is_ready);
        self.own.in_use().map(|relay| relay.id).find(is)
    }

    /// The first relay that is connected.
    pub(crate) fn up_relay(&self) -> Option<RelayId> {
        let is = |id: &RelayId| self.ways.get(id).is_some_and(Way::is_up);
        self.own.standing().map(|relay| relay.id).find(is)
    }

    fn gate(&self, relay: &Relay, now: Millis) -> Gate {
        let Some(way) = self.ways.get(&relay.id) else {
            return Gate::Down;
        };
        let is_over = |at: Millis| at.saturating_add(limits::RELAY_PATIENCE) <= now;
        match (self.links.node(relay.id), relay.home) {
            (Some(link), Some(home)) if way.silent_since.is_some_and(is_over) => {
                Gate::Silent(link, home)
            }
            (Some(link), Some(home)) => Gate::Up(link, home),
            _ if matches!(way.link, LinkState::Refused(_)) => Gate::Down,
            _ if relay.leaving.is_some() => Gate::Down,
            _ => match way.lost_since() {
                Some(at) if !is_over(at) => Gate::Soon,
                _ => Gate::Down,
            },
        }
    }

    /// The relay through which what goes to others leaves now, or will.
    pub(crate) fn acting(&self, now: Millis) -> Option<&Relay> {
        let mut standing = self.own.standing();
        let may_carry = |relay: &&Relay| matches!(self.gate(relay, now), Gate::Up(..) | Gate::Soon);
        let acting = standing.find(may_carry);
        acting.or_else(|| self.own.standing().next())
    }

    /// How a put for a comrade leaves now: to a home of theirs at a relay of one's own, if there is
    /// one; else to their first home, through the first relay that is up. Homes at which this entry of the outbox failed
    /// count only if it failed at all. `None`: not now, or they have no home at a node.
    pub(crate) fn leg(&self, id: ComradeId, number: Option<u64>, now: Millis) -> Option<Leg> {
        let comrade = self.comrades.get(&id)?;
        let homes = &comrade.record.homes;
        let entry = number.and_then(|number| comrade.outbox.get(&number));
        let entry = entry.filter(|entry| entry.has_left(homes));
        let has_failed = |home: &NodeHome| entry.is_some_and(|it| it.has_failed_at(home.tag()));
        let homes = home::nodes_of(homes).filter(|home| !has_failed(home));
        self.leg_to(&homes.copied().collect::<Vec<_>>(), now)
    }

    /// How a put leaves now that is for whoever has these homes, in their order; one that the relay in question does not
    /// reach comes last.
    pub(crate) fn leg_to(&self, homes: &[NodeHome], now: Millis) -> Option<Leg> {
        let own = |home: &NodeHome| self.own.nodes().any(|(_, own)| own.place() == home.place());
        for relay in self.own.in_use() {
            let place = relay.home.map(|home| home.place());
            let mut here = homes.iter().filter(|home| Some(home.place()) == place);
            let Some(home) = here.next().copied() else {
                continue;
            };
            match self.gate(relay, now) {
                Gate::Up(link, via) => return Some(Leg { link, via, home }),
                Gate::Soon => return None,
                Gate::Silent(..) | Gate::Down => {}
            }
        }
        let elsewhere = || homes.iter().filter(|home| !own(home));
        let first = *elsewhere().next().or(homes.first())?;
        let mut silent = None;
        for relay in self.own.in_use() {
            match self.gate(relay, now) {
                Gate::Silent(link, via) => {
                    let home = homes.iter().find(|home| home.place() == via.place());
                    let home = home.copied().unwrap_or(first);
                    silent = silent.or(Some(Leg { link, via, home }));
                }
                Gate::Up(link, via) => {
                    let way = self.ways.get(&relay.id);
                    let reaches = |home: &&NodeHome| {
                        way.is_some_and(|way| !way.is_unreached(home.tag(), now))
                    };
                    // One at a relay of one's own that is not reached from here may be reached from there.
                    let mut reached = elsewhere().chain(homes).filter(reaches);
                    let home = reached.next().copied().unwrap_or(first);
                    return Some(Leg { link, via, home });
                }
                Gate::Soon => return None,
                Gate::Down => {}
            }
        }
        silent
    }

    /// A relay did not reach a home for long, and tries on.
    pub(crate) fn home_unreached(
        &mut self,
        step: &mut Step,
        relay: RelayId,
        place: &komrade_ether::Home,
    ) {
        let is_at = |comrade: &Comrade| {
            let mut homes = home::nodes_of(&comrade.record.homes);
            homes.any(|home| home.place() == *place)
        };
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        if !self.comrades.values().any(is_at) {
            return;
        }
        let tag = home::tag_of(&place.address);
        way.note_unreached(tag, step.now);
        // What was told there alone, and nobody misses.
        let told = self.comrades.iter_mut().filter_map(|(id, comrade)| {
            let reported = &mut comrade.pair.reported_in;
            let is_lost = reported.take_if(|it| it.home == tag).is_some();
            is_lost.then_some(*id)
        });
        for id in told.collect::<Vec<_>>() {
            // Told there again it would be lost again, and without end.
            let leg = self.leg(id, None, step.now);
            let is_unreached = |leg: Leg| {
                let way = self.node_of_link(leg.link);
                let way = way.and_then(|relay| self.ways.get(&relay));
                way.is_some_and(|way| way.is_unreached(leg.home.tag(), step.now))
            };
            let leaves = !leg.is_some_and(is_unreached);
            if let Some(comrade) = self.comrades.get_mut(&id).filter(|_| leaves) {
                comrade.pair.report_due = true;
                step.touched.pairs.insert(id);
            }
        }
        self.move_on(step);
    }

    /// Puts what relays were to bring to homes that they do not reach to the comrades' next homes, as much as fits in a
    /// step. Where all have failed it stays where it is: the relays try on, and comrades are looked for at their lifeboats.
    pub(crate) fn move_on(&mut self, step: &mut Step) {
        let vias = self.own.nodes().filter_map(|(id, home)| {
            let way = self.ways.get(&id)?;
            (!way.unreached.is_empty()).then_some((home.tag(), way))
        });
        let vias: Vec<(u64, &Way)> = vias.collect();
        if vias.is_empty() {
            return;
        }
        let failed = |entry: &Entry| {
            let (via, home) = entry.via.zip(entry.home)?;
            let (_, way) = vias.iter().find(|(tag, _)| *tag == via)?;
            let is_with_relay = !entry.is_waiting() && !entry.by_device;
            let is_new = is_with_relay && !entry.has_failed_at(home);
            (is_new && way.is_unreached(home, step.now)).then_some(home)
        };
        let entries = self.comrades.iter().flat_map(|(id, comrade)| {
            let entries = comrade.outbox.iter();
            entries.map(|(number, entry)| (*id, *number, entry))
        });
        let due = entries.filter_map(|(id, number, entry)| Some((id, number, failed(entry)?)));
        let due: Vec<(ComradeId, u64, u64)> = due.take(MOVED).collect();
        step.again |= due.len() == MOVED;
        let mut moved = BTreeSet::new();
        for (id, number, home) in due {
            if !step.has_room() {
                step.again = true;
                break;
            }
            if self.home_failed(step, id, number, home) {
                self.wait_again(step, id, number, true);
                moved.insert(id);
            }
            step.show.route = true;
        }
        for id in moved {
            self.pump(step, id);
        }
    }

    /// A home did not take an entry. Says whether another one may.
    pub(crate) fn home_failed(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        number: u64,
        home: u64,
    ) -> bool {
        let comrade = self.comrades.get_mut(&id);
        let found = comrade.and_then(|it| Some((it.outbox.get_mut(&number)?, &it.record.homes)));
        let Some((entry, homes)) = found else {
            return false;
        };
        entry.note_failed(home);
        step.touched.entries.insert((id, number));
        entry.seals < limits::MOST_MOVED && entry.has_left(homes)
    }

    /// Whether everything that is there for this device is here, as far as its relays are reached: what
    /// has not come yet must not look as if it were missing.
    pub(crate) fn is_caught_up(&self, now: Millis) -> bool {
        let mut any = false;
        for relay in self.own.in_use().filter(|relay| relay.home.is_some()) {
            let Some(way) = self.ways.get(&relay.id) else {
                continue;
            };
            // One that does not come to its end must not keep what came by the others from being told.
            let gone = |at: Millis, span: Millis| at.saturating_add(span) <= now;
            let is_late = match way.down_since {
                Some(at) => gone(at, limits::REST_AFTER),
                None => way.stage_since.is_some_and(|at| gone(at, limits::HOUR)),
            };
            if way.caught_up {
                any = true;
            } else if (way.is_up() || relay.leaving.is_none()) && !is_late {
                return false;
            }
        }
        any
    }

    /// Whether mail comes again of which much was read.
    pub(crate) fn is_recovering(&self, relay: RelayId) -> bool {
        self.ways.get(&relay).is_some_and(|way| way.is_recovering)
    }

    /// Relays that told of another node, or of another token, than what is written into the home there, and when that
    /// may be told to everybody.
    fn renamed_nodes(&self) -> impl Iterator<Item = (RelayId, NodeInfo, Millis)> {
        self.own.standing().filter_map(move |relay| {
            let way = self.ways.get(&relay.id)?;
            let (info, home) = (way.info?, relay.home?);
            let due = way.changed_at?.saturating_add(limits::HOUR);
            home.is_other(&info).then_some((relay.id, info, due))
        })
    }

    /// What a way has become by being down, or up, for long.
    pub(crate) fn mind_ways(&mut self, step: &mut Step) {
        let now = step.now;
        let renamed = self.renamed_nodes().filter(|(.., due)| *due <= now);
        let renamed: Vec<_> = renamed.map(|(id, info, _)| (id, info)).collect();
        for (id, info) in renamed {
            self.node_told(step, id, Some(info));
        }
        let is_linked = |way: &Way| way.lost_since().is_none();
        let others = |open: &Self, id: RelayId| {
            let mut standing = open.own.standing().filter(|relay| relay.id != id);
            standing.any(|it| open.ways.get(&it.id).is_some_and(is_linked))
        };
        let ids: Vec<RelayId> = self.own.nodes().map(|(id, _)| id).collect();
        for id in ids {
            let has_other = others(self, id);
            let Some((way, relay)) = self.ways.get_mut(&id).zip(self.own.relay_mut(id)) else {
                continue;
            };
            let since =
                |at: Option<Millis>, span| at.is_some_and(|at| at.saturating_add(span) <= now);
            let lost_since = way.lost_since();
            let rests = match lost_since {
                Some(_) => relay.rests || has_other && since(lost_since, limits::REST_AFTER),
                None => relay.rests && !since(way.stage_since, limits::RISE_AFTER),
            };
            let is_other = std::mem::replace(&mut relay.rests, rests) != rests;
            let address = relay.home.map(|home| home.address);
            let is_lost = has_other && since(lost_since, limits::PRESUMED_LOST);
            let given_up = since(lost_since, limits::RELAY_PATIENCE);
            // Another one may carry from now on.
            step.show.route |= given_up && !std::mem::replace(&mut way.given_up, given_up);
            if is_lost && !std::mem::replace(&mut way.presumed, true) {
                self.presume_lost(step, address);
                // The news that another home comes first now may go to a home that burnt with it.
                self.look_later(step);
            }
            if is_other {
                step.show.route = true;
                self.homes_changed(step);
                // A relay that rests does not host the lifeboat.
                self.order_host(step);
            }
        }
    }

    /// When [`Open::leg`] or [`Open::mind_ways`] may give something else than now.
    pub(crate) fn next_way(&self, now: Millis) -> Option<Millis> {
        let spans = [
            limits::RELAY_PATIENCE,
            limits::REST_AFTER,
            limits::PRESUMED_LOST,
        ];
        let down = self.ways.values();
        let down = down.flat_map(|way| [way.down_since, way.silent_since]);
        let down = down
            .flatten()
            .flat_map(|at| spans.map(|span| at.saturating_add(span)));
        let resting = self.own.standing().filter(|relay| relay.rests);
        let rising = resting.filter_map(|relay| self.ways.get(&relay.id)?.stage_since);
        let rising = rising.map(|at| at.saturating_add(limits::RISE_AFTER));
        let leaving = self.own.in_use().filter_map(|relay| relay.leaving);
        let renamed = self.renamed_nodes().map(|(.., due)| due);
        let all = down.chain(rising).chain(leaving).chain(renamed);
        all.filter(|at| *at > now).min()
    }

    /// The node of this way is linked.
    pub(crate) fn note_linked(&mut self, relay: RelayId, now: Millis) {
        // While none was reached it was this device that was away: that time is not the others' fault.
        let since = self.ways.values().map(|way| way.down_since);
        let since = since.collect::<Option<Vec<Millis>>>();
        if let Some(from) = since.and_then(|since| since.into_iter().max()) {
            let away = now.saturating_sub(from);
            for at in self
                .ways
                .values_mut()
                .filter_map(|way| way.down_since.as_mut())
            {
                *at = at.saturating_add(away);
            }
        }
        if let Some(way) = self.ways.get_mut(&relay) {
            way.down_since = None;
            if !way.is_silent() {
                way.given_up = false;
                way.presumed = false;
            }
            way.stage_since = Some(now);
        }
    }

    /// The clock was ahead.
    pub(crate) fn bring_ways_down(&mut self, now: Millis) {
        self.ways.values_mut().for_each(|way| way.bring_down(now));
    }

    /// The node of the relay that carries a link, if it is one to a node of one's own.
    pub(crate) fn node_of_link(&self, link: LinkId) -> Option<RelayId> {
        match self.links.get(link)?.party {
            Party::Node(relay) => Some(relay),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_homes_that_are_not_reached_the_oldest_is_forgotten() {
        let mut way = Way::new(0);
        let homes = (0..=MAX_UNREACHED as u64).rev();
        for (now, home) in (1..).zip(homes) {
            way.note_unreached(home, now);
        }
        // The highest was told of first.
        assert!(!way.is_unreached(MAX_UNREACHED as u64, 100));
        assert!((0..MAX_UNREACHED as u64).all(|home| way.is_unreached(home, 100)));
    }
}
