//! The links to the nodes of one's own relays: what is put there leaves through one of them, and what
//! arrives in one's buckets comes in through all.
//!
//! Flow: a relay tells of its node ([`Open::node_told`]) → [`Open::keep_nodes`] opens a link →
//! subscribe at the cursor → *log*, then what arrived since (`arrivals`), then *caught up*; live
//! arrivals go on. Envelopes of others in the same bucket are kept as replicas (`replicas`); when the
//! node has lost what it held, both sides compare and return what the other lacks (`comparing`). When it
//! is gone, the comrades' devices do that among themselves (`seeking`).
//!
//! The cursor is written together with everything up to it: after a crash some envelopes come again,
//! and are known again.

mod arrivals;
mod comparing;
mod copies;
mod passes;
mod replicas;
mod saver;
mod seeking;

pub(crate) use passes::refused_bits;

use std::collections::BTreeMap;

use komrade_ether::{Day, Frame, Locator, Outcome};
use komrade_store::Table;
use komrade_view::{ComradeId, DialStage, InviteId, Millis};
use serde::{Deserialize, Serialize};

use crate::{
    Address, Effect, LinkId, NodeInfo, RelayId,
    comrade::Comrade,
    home::{self, NodeHome},
    invites::Invitation,
    keys, limits,
    links::{Link, Party},
    open::Open,
    own::Relay,
    records,
    step::Step,
    way::Way,
};
pub(crate) use arrivals::Mail;
pub(crate) use comparing::Comparing;
use passes::WorkState;
pub(crate) use saver::{Saver, Subscribed};
pub(crate) use seeking::{LinkSeeking, Seeking};

/// How far the log of a node was read, and what is kept of it. Stored for each node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogRecord {
    /// Which incarnation of the node; 0: none.
    incarnation: u64,
    /// Everything up to this number was taken.
    after: u64,
    /// When it was noticed that the node lost what it held: what it took up to then and nobody ever
    /// acknowledged is to be sent again.
    #[serde(default)]
    pub(crate) lost_at: Option<Millis>,
    /// The node lost what it held: the replicas are to be compared with it.
    compare: bool,
    /// The larger ones were only taken up to this number, to save data; the smaller ones up to
    /// `after`.
    #[serde(default)]
    pub(crate) larger_after: Option<u64>,
    /// When this incarnation was met.
    #[serde(default)]
    met_at: Option<Millis>,
}

/// How much is kept of others' envelopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicaCount {
    pub(crate) envelopes: u64,
    pub(crate) bytes: u64,
    /// Of those bytes, what comrades' devices brought.
    #[serde(default)]
    pub(crate) copied: u64,
}

/// What is kept of nodes, beside their ways.
#[derive(Default)]
pub(crate) struct NodeState {
    /// Of each node that was used: at most [`limits::MAX_RELAYS`].
    pub(crate) logs: BTreeMap<Address, LogRecord>,
    pub(crate) replicas: ReplicaCount,
    works: BTreeMap<(ComradeId, u64), WorkState>,
    pub(crate) saver: Saver,
    /// The day on which all replicas were walked over last.
    walked_on: Option<Day>,
    /// How large they were when the store had no room.
    full_bytes: Option<u64>,
    /// When a loss was made good last.
    pub(crate) resupplied_at: Option<Millis>,
    pub(crate) seeking: Seeking,
}

impl NodeState {
    /// The vault has just opened; whether the store had no room.
    pub(crate) fn note_full(&mut self, is_full: bool) {
        self.full_bytes = is_full.then_some(self.replicas.bytes);
    }

    /// What was handed on before one of these moments, to which node, is to be sent again.
    pub(crate) fn losses(&self) -> impl Iterator<Item = (u64, Millis)> {
        let lost =
            |(address, log): (&Address, &LogRecord)| Some((home::tag_of(address), log.lost_at?));
        self.logs.iter().filter_map(lost)
    }
}

impl Open {
    /// A relay told of its node, or that it has none.
    pub(crate) fn node_told(&mut self, step: &mut Step, relay: RelayId, info: Option<NodeInfo>) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        step.show.route = true;
        (way.is_told, way.info) = (true, info);
        let used = self.own.in_use().find(|it| it.id == relay);
        let Some(used) = used else {
            // It is only tried.
            return;
        };
        if used.leaving.is_some() {
            let here = info.map(|info| (info.address, info.key));
            if used.home.map(|home| (home.address, home.key)) == here {
                self.keep_node(step, relay);
            } else {
                // What was to be read there is gone.
                self.close_way(step, relay);
            }
            return;
        }
        let is_new = self.own.note_told(relay);
        let Some(info) = info else {
            if is_new {
                self.homes_changed(step);
            }
            self.order_host(step);
            return;
        };
        // A relay that tells of another node all the time must not make this device tell everybody.
        let next = way.changed_at.map(|at| at.saturating_add(limits::HOUR));
        let before = self.own.node_at(relay).copied();
        let may_change = before.is_none() || next.is_none_or(|at| at <= step.now);
        if may_change && self.own.note_node(relay, &info, step.rng) {
            way.changed_at = Some(step.now);
            let now = self.own.node_at(relay).map(NodeHome::place);
            if before.is_some_and(|before| now != Some(before.place())) {
                // Under the same address of the relay there is another node: what was on its way to the old one
                // is lost, and so is what comrades put there.
                self.home_lost(step, relay, before);
                self.follow_node(step);
            }
            self.homes_changed(step);
        }
        step.show.invites = true;
        self.order_host(step);
        self.keep_node(step, relay);
    }

    /// Opens the links to the nodes in use where there is none.
    pub(crate) fn keep_nodes(&mut self, step: &mut Step) {
        let relays: Vec<RelayId> = self.own.in_use().map(|relay| relay.id).collect();
        for relay in relays {
            self.keep_node(step, relay);
        }
    }

    fn keep_node(&mut self, step: &mut Step, relay: RelayId) {
        let Some(way) = self.ways.get(&relay) else {
            return;
        };
        if way.flush_at.is_some_and(|at| at <= step.now) {
            self.flush(step, relay);
        }
        self.hurry_comparing(step, relay);
        let Some(way) = self.ways.get(&relay) else {
            return;
        };
        let Some(info) = way.info else { return };
        let here = self.own.node_at(relay).map(|home| (home.address, home.key));
        if here != Some((info.address, info.key)) {
            // Its log would be taken for that of the node before: it is written into the home first.
            return;
        }
        let is_linked = self.links.of(Party::Node(relay)).next().is_some();
        if !way.is_up() || is_linked || way.dialer.not_before() > step.now {
            return;
        }
        let link = step.numbers.link();
        let state = Link::new(Party::Node(relay), relay, true, step.now);
        self.links.insert(link, state);
        step.effect(Effect::OpenNode {
            relay,
            link,
            address: None,
            key: info.key,
        });
    }

    /// When [`Open::keep_nodes`] has something to do.
    pub(crate) fn next_node(&self) -> Option<Millis> {
        let due = self.own.in_use().filter_map(|relay| {
            let way = self.ways.get(&relay.id)?;
            let is_linked = self.links.of(Party::Node(relay.id)).next().is_some();
            let opens = way.info.is_some() && way.is_up() && !is_linked;
            let open = opens.then(|| way.dialer.not_before());
            let compared = way.comparing.as_ref().and_then(Comparing::goes_on_at);
            [open, way.flush_at, compared].into_iter().flatten().min()
        });
        due.min()
    }

    /// The link is up.
    pub(crate) fn node_up(&mut self, step: &mut Step, link: LinkId, relay: RelayId) {
        if self.own.node_at(relay).is_none() {
            return;
        }
        self.note_linked(relay, step.now);
        step.touched.own |= self.own.note_met(relay);
        self.subscribe(step, link, relay);
        for locator in self.own.take_unplaced(relay) {
            step.effect(send(link, &Frame::Unplace { locator }));
            step.touched.own = true;
        }
        self.place_bundles(step);
        self.fetch_bundles(step);
        self.pump_all(step);
        self.space_pump_all(step);
        step.show.route = true;
    }

    /// The link is gone, or did not come up.
    pub(crate) fn node_down(&mut self, step: &mut Step, relay: RelayId) {
        if let Some(way) = self.ways.get_mut(&relay) {
            way.down(step.now);
            let stage = DialStage::Unreachable;
            way.dialer.failed(stage, step.now, step.rng);
        }
        step.show.route = true;
    }

    /// A frame of the node.
    pub(crate) fn node_frame(
        &mut self,
        step: &mut Step,
        link: LinkId,
        relay: RelayId,
        frame: Frame,
    ) {
        match frame {
            Frame::Ack { id, outcome } => {
                let way = self.ways.get_mut(&relay);
                match way.and_then(|way| way.placing.remove(&id)) {
                    Some(invite) => self.placed(step, invite, outcome),
                    None if self.returned_replica(step, link, &id, outcome) => {}
                    None => self.landed(step, link, id, outcome),
                }
            }
            Frame::Fetched { locator, envelope } => self.fetched(step, link, &locator, envelope),
            Frame::Log {
                incarnation,
                after,
                until,
            } => self.log_begins(step, relay, incarnation, after, until),
            Frame::Arrived { number, envelope } => {
                self.arrived(step, relay, number, envelope);
            }
            Frame::CaughtUp { until } => self.caught_up(relay, until),
            Frame::Reconcile { message, .. } => self.compared(step, link, &message),
            Frame::Replica { envelope } => self.replica_came(step, link, relay, envelope),
            Frame::Returned { id, outcome } => self.returned(step, link, relay, id, outcome),
            Frame::Unreached { home } => self.home_unreached(step, relay, &home),
            _ => {}
        }
    }

    // --- the log -------------------------------------------------------------------------------

    /// How far the log of a relay's node was read.
    pub(crate) fn log(&self, relay: RelayId) -> LogRecord {
        let address = self.own.node_at(relay).map(|home| home.address);
        address
            .and_then(|address| self.node.logs.get(&address))
            .copied()
            .unwrap_or_default()
    }

    /// Keeps how far the log was read.
    pub(super) fn set_log(&mut self, step: &mut Step, relay: RelayId, log: LogRecord) {
        if let Some(address) = self.own.node_at(relay).map(|home| home.address) {
            self.write_log(step, address, log);
        }
    }

    fn write_log(&mut self, step: &mut Step, address: Address, log: LogRecord) {
        self.node.logs.insert(address, log);
        step.write(Table::Own, keys::log(&address), records::encode(&log));
        if self.node.logs.len() > limits::MAX_RELAYS {
            let is_used = |other: &Address| self.own.nodes().any(|(_, it)| it.address == *other);
            let others = self.node.logs.iter();
            let others = others.filter(|(other, _)| **other != address && !is_used(other));
            // What is lost is to be sent again first.
            let other = others.min_by_key(|(_, log)| log.lost_at);
            if let Some(other) = other.map(|(other, _)| *other) {
                self.node.logs.remove(&other);
                step.delete(Table::Own, keys::log(&other));
            }
        }
    }

    fn log_begins(
        &mut self,
        step: &mut Step,
        relay: RelayId,
        incarnation: u64,
        after: u64,
        until: u64,
    ) {
        let is_awaited = self.ways.get(&relay);
        if !is_awaited.is_some_and(|way| way.subscribed.is_awaiting()) {
            // Nobody asked.
            return;
        }
        // What came before is of the subscription before. With a new link there is nothing, and how far the one before had seen
        // counts no more: it may have ended before all of that was opened.
        let way = self.ways.get(&relay);
        if way.is_some_and(|way| way.caught_up || way.mail.first().is_some()) {
            self.end_mail(relay);
            self.flush(step, relay);
        }
        let mut log = self.log(relay);
        let is_other = log.incarnation != incarnation;
        // A first visit has nothing to miss.
        let is_loss = is_other && log.incarnation != 0;
        if let Some(way) = self.ways.get_mut(&relay) {
            way.seen_up_to = after;
            if is_other {
                way.is_recovering = is_loss;
                way.opened.clear();
            }
        }
        if is_other {
            log.lost_at = log.lost_at.max(is_loss.then_some(step.now));
            if is_loss {
                self.own.note_mail_lost(step.now);
                if let Some(home) = self.own.node_at(relay).copied() {
                    self.space_resend(step, home.tag());
                    self.own.note_node_lost(&home, step.now);
                }
                step.touched.own = true;
            }
            log.compare = self.node.replicas.envelopes > 0;
            log.incarnation = incarnation;
            log.met_at = Some(step.now);
            log.after = after;
            log.larger_after = None;
            self.forget_placed(step, relay);
            self.place_bundles(step);
        }
        log.after = log.after.min(until);
        if let Some(way) = self.ways.get_mut(&relay) {
            way.subscribed.begins(&mut log, after);
        }
        self.set_log(step, relay, log);
        self.gather_resupply(step.now);
        self.resupply_all(step);
    }

    /// A relay was not reached for so long that what was handed to its node is taken for lost.
    pub(crate) fn presume_lost(&mut self, step: &mut Step, address: Option<Address>) {
        // Reports are kept by nobody once they were handed on.
        self.own.note_mail_lost(step.now);
        step.touched.own = true;
        let Some(address) = address else { return };
        self.space_resend(step, home::tag_of(&address));
        let mut homes = self.own.nodes().map(|(_, home)| *home);
        let home = homes.find(|home| home.address == address);
        drop(homes);
        // One that is left and down is taken for lost already.
        let known = self.own.lost_nodes(step.now);
        let known: Vec<u64> = known.map(|lost| lost.tag).collect();
        if let Some(home) = home.filter(|home| !known.contains(&home.tag())) {
            self.own.note_node_lost(&home, step.now);
        }
        let mut log = self.node.logs.get(&address).copied().unwrap_or_default();
        log.lost_at = Some(step.now);
        self.write_log(step, address, log);
        self.gather_resupply(step.now);
        step.again = true;
    }

    /// When what nodes have lost is sent again.
    pub(crate) fn next_resupply(&self) -> Option<Millis> {
        let pace = |at: Millis| at.saturating_add(limits::LOSS_PACE);
        let lost_at = self.node.losses().map(|(_, at)| at).min()?;
        Some(self.node.resupplied_at.map_or(lost_at, pace))
    }

    /// All that was handed to nodes before they lost what they held is sent again.
    pub(crate) fn note_resupplied(&mut self, step: &mut Step) {
        let done = self.node.resupplied_at;
        let logs = self.node.logs.iter();
        let over = logs.filter(|(_, log)| log.lost_at.is_some() && done >= log.lost_at);
        let over: Vec<(Address, LogRecord)> = over.map(|(address, log)| (*address, *log)).collect();
        for (address, mut log) in over {
            log.lost_at = None;
            self.write_log(step, address, log);
        }
    }

    // --- invites -------------------------------------------------------------------------------

    /// Brings the bundles of invites to the nodes that have not got them.
    pub(crate) fn place_bundles(&mut self, step: &mut Step) {
        for (relay, home) in self.own.nodes() {
            let (Some(link), Some(way)) = (self.links.node(relay), self.ways.get_mut(&relay))
            else {
                continue;
            };
            for (id, invitation) in &self.invites {
                let Some((locator, envelope)) = invitation.to_place(&home.address) else {
                    continue;
                };
                if way.placing.values().any(|placing| placing == id) {
                    continue;
                }
                way.placing.insert(envelope.id(), *id);
                step.effect(send(link, &Frame::Place { locator, envelope }));
            }
        }
    }

    /// The node answered.
    fn placed(&mut self, step: &mut Step, id: InviteId, outcome: Outcome) {
        let Some(invitation) = self.invites.get_mut(&id) else {
            return;
        };
        // What is refused is tried again with the next link.
        if outcome.is_held() {
            invitation.set_placed(true);
            step.touched.invites.insert(id);
            step.show.invites = true;
        }
    }

    /// A node lost what it held.
    fn forget_placed(&mut self, step: &mut Step, relay: RelayId) {
        let Some(node) = self.own.node_at(relay).map(|home| home.address) else {
            return;
        };
        for (id, invitation) in &mut self.invites {
            if invitation.is_placed_at(&node) && invitation.set_placed(false) {
                step.touched.invites.insert(*id);
                step.show.invites = true;
            }
        }
    }

    /// An invite ended: nobody is to fetch its bundle any more.
    pub(crate) fn unplace(&mut self, step: &mut Step, node: &Address, locator: Locator) {
        let here = self.own.nodes().find(|(_, home)| home.address == *node);
        let Some((relay, _)) = here else {
            // A relay that is not in use is told nothing of it; there it ends with its expiry.
            return;
        };
        match self.links.node(relay) {
            Some(link) => step.effect(send(link, &Frame::Unplace { locator })),
            None => {
                self.own.note_unplaced(node, &locator);
                step.touched.own = true;
            }
        }
    }

    // --- what is hosted ------------------------------------------------------------------------

    /// Has relays host what others shall reach: one the destination for live links, one that is up the
    /// lifeboat while comrades are looked for.
    pub(crate) fn order_host(&mut self, step: &mut Step) {
        // Whoever knows no node of theirs or of this device has no other way.
        let needs = |comrade: &Comrade| {
            comrade.record.is_met() && (comrade.record.live || !comrade.record.has_node)
        };
        let live = self.own.node().is_none()
            || self.comrades.values().any(needs)
            || self.invites.values().any(Invitation::is_fetched_here);
        let host = self.own.host().map(|relay| relay.id);
        let live = host.filter(|_| live);
        let is_rescue = self.own.rescue_until.is_some() && self.own.node().is_some();
        // One relay only, or two would know by its key that they have the same member.
        let is_kept = |relay: &&Relay| relay.has_lifeboat && !relay.rests;
        let holds = self.own.standing().find(is_kept).map(|relay| relay.id);
        let holds = holds.or_else(|| self.up_relay());
        let rescue = is_rescue.then(|| holds.or(host)).flatten();
        for relay in self.own.in_use() {
            let (keys, address) = if rescue == Some(relay.id) {
                self.own.hosted_lifeboat().unzip()
            } else if live == Some(relay.id) {
                (Some(relay.destination()), relay.destination_address())
            } else {
                (None, None)
            };
            let Some(way) = self.ways.get_mut(&relay.id) else {
                continue;
            };
            if way.hosted != address {
                way.hosted = address;
                let (relay, destination) = (relay.id, keys);
                step.effect(Effect::Host { relay, destination });
            }
        }
        if let Some(relay) = rescue.filter(|relay| self.ways.get(relay).is_some_and(Way::is_up))
            && let Some(relay) = self.own.relay_mut(relay)
        {
            step.touched.own |= !std::mem::replace(&mut relay.has_lifeboat, true);
        }
    }
}

/// A frame for a link.
pub(crate) fn send(link: LinkId, frame: &Frame) -> Effect {
    Effect::Send {
        link,
        frame: frame.encode(),
    }
}
