//! The link to the node of one's own relay: what is put there leaves through it, and what arrives in
//! one's bucket comes in through it.
//!
//! Flow: the relay tells of its node ([`Open::node_told`]) → [`Open::keep_node`] opens a link →
//! subscribe at the cursor → *log*, then what arrived since (`arrivals`), then *caught up*; live
//! arrivals go on. Envelopes of others in the same bucket are kept as replicas (`replicas`); when the
//! node has lost what it held, both sides compare and return what the other lacks.
//!
//! The cursor is written together with everything up to it: after a crash some envelopes come again,
//! and are known again.

mod arrivals;
mod passes;
mod replicas;
mod saver;

use std::collections::BTreeMap;

use komrade_ether::{Day, Envelope, EnvelopeId, Frame, Locator, Outcome};
use komrade_store::Table;
use komrade_view::{ComradeId, DialStage, InviteId, Millis, NodeStage};
use serde::{Deserialize, Serialize};

use crate::{
    Address, Effect, LinkId, NodeInfo,
    comrade::Comrade,
    home::NodeHome,
    invites::Invitation,
    keys, limits,
    links::{Dialer, Link, Party},
    open::Open,
    records,
    step::Step,
};
use passes::WorkState;
use replicas::Comparing;
pub(crate) use saver::Saver;

/// How far the log of a node was read, and what is kept of it. Stored for each node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogRecord {
    /// Which incarnation of the node; 0: none.
    incarnation: u64,
    /// Everything up to this number was taken.
    after: u64,
    /// When it was noticed that the node, or the relay before it, lost what it held: what was handed
    /// on up to then and never acknowledged is to be sent again.
    #[serde(default)]
    pub(crate) lost_at: Option<Millis>,
    /// The node lost what it held: the replicas are to be compared with it.
    compare: bool,
    /// The larger ones were only taken up to this number, to save data; the smaller ones up to
    /// `after`.
    #[serde(default)]
    pub(crate) larger_after: Option<u64>,
}

/// How much is kept of others' envelopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicaCount {
    pub(crate) envelopes: u64,
    pub(crate) bytes: u64,
}

/// The relay's node as this device sees it.
#[derive(Default)]
pub(crate) struct NodeState {
    info: Option<NodeInfo>,
    dialer: Dialer,
    /// Of each node that was used: at most [`limits::MAX_RELAYS`].
    pub(crate) logs: BTreeMap<Address, LogRecord>,
    pub(crate) replicas: ReplicaCount,
    caught_up: bool,
    /// Mail of a long time comes again, of which much was read: what does not open is not waited for.
    is_recovering: bool,
    /// When the homes of one's own changed last.
    changed_at: Option<Millis>,
    /// When the link came up, or, once all is here, when that was.
    stage_since: Option<Millis>,
    /// Arrived, and not written yet; the cursor goes to this number with them.
    fresh: Vec<Envelope>,
    fresh_bytes: usize,
    seen_up_to: u64,
    /// One's own among what arrived, with its number, until catching up is complete.
    mail: Vec<(u64, Envelope)>,
    /// When they are written at the latest.
    flush_at: Option<Millis>,
    works: BTreeMap<(ComradeId, u64), WorkState>,
    /// Bundles of invites on their way to the node.
    placing: BTreeMap<EnvelopeId, InviteId>,
    comparing: Option<Comparing>,
    pub(crate) saver: Saver,
    /// The day on which all replicas were walked over last.
    walked_on: Option<Day>,
    /// How large they were when the store had no room.
    full_bytes: Option<u64>,
    /// What is hosted at the relay in use, by its address.
    hosting: Option<Address>,
    /// When a loss was made good last.
    pub(crate) resupplied_at: Option<Millis>,
}

impl NodeState {
    /// There is no relay any more, or another one.
    pub(crate) fn reset(&mut self) {
        self.info = None;
        self.hosting = None;
        self.dialer.reset();
        self.down();
    }

    /// The link is gone. What was not written comes again.
    fn down(&mut self) {
        self.caught_up = false;
        self.is_recovering = false;
        self.stage_since = None;
        self.fresh.clear();
        self.fresh_bytes = 0;
        self.mail.clear();
        self.flush_at = None;
        self.placing.clear();
        self.comparing = None;
        self.saver.down();
    }

    /// The relay's connection is gone, and the link with it: not its fault.
    pub(crate) fn lost(&mut self) {
        self.down();
        self.dialer.reset();
    }

    /// The clock was ahead: no wait is longer than it can be.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        self.dialer.bring_down(now);
        let flush = now.saturating_add(limits::REPLICA_PACE);
        self.flush_at = self.flush_at.map(|at| at.min(flush));
    }

    /// The vault has just opened; whether the store had no room.
    pub(crate) fn note_full(&mut self, is_full: bool) {
        self.full_bytes = is_full.then_some(self.replicas.bytes);
    }

    /// Try at once.
    pub(crate) fn hurry(&mut self) {
        self.dialer.reset();
    }

    /// Whether everything that the node has for this device is here.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    /// Whether mail comes again of which much was read.
    pub(crate) fn is_recovering(&self) -> bool {
        self.is_recovering
    }

    /// How far it is, for the screens.
    pub(crate) fn stage(&self) -> NodeStage {
        match (self.info, self.caught_up, self.stage_since) {
            (None, ..) => NodeStage::Unknown,
            (Some(_), _, None) => NodeStage::Opening,
            (Some(_), false, Some(since)) => NodeStage::CatchingUp(since),
            (Some(_), true, Some(since)) => NodeStage::Ready(since),
        }
    }

    /// When [`Open::keep_node`] has something to do.
    pub(crate) fn next_due(&self, is_linked: bool) -> Option<Millis> {
        let open = (self.info.is_some() && !is_linked).then(|| self.dialer.not_before());
        [open, self.flush_at].into_iter().flatten().min()
    }
}

impl Open {
    /// The relay told of its node, or that it has none.
    pub(crate) fn node_told(&mut self, step: &mut Step, info: Option<NodeInfo>) {
        let is_new = self.own.note_told();
        let Some(info) = info else {
            if is_new {
                self.device.renew(&self.own, step.now, step.rng);
                step.touched.own = true;
                self.moved = self.untold();
                self.tell_homes(step);
            }
            self.order_host(step);
            return;
        };
        self.node.info = Some(info);
        // A relay that tells of another node all the time must not make this device tell everybody.
        let next = self
            .node
            .changed_at
            .map(|at| at.saturating_add(limits::HOUR));
        let may_change = self.own.node().is_none() || next.is_none_or(|at| at <= step.now);
        let before = self.own.node().map(NodeHome::place);
        if may_change && self.own.note_node(&info, step.rng) {
            self.node.changed_at = Some(step.now);
            let now = self.own.node().map(NodeHome::place);
            if before.is_some_and(|before| now != Some(before)) {
                // Under the same address of the relay there is another node: what was on its way to the old one
                // is lost, and so is what comrades put there.
                self.begin_rescue(step);
            }
            self.device.renew(&self.own, step.now, step.rng);
            step.touched.own = true;
            self.moved = self.untold();
            self.tell_homes(step);
        }
        step.show.route = true;
        step.show.invites = true;
        self.order_host(step);
        self.keep_node(step);
    }

    /// Opens the link to the node if there is none.
    pub(crate) fn keep_node(&mut self, step: &mut Step) {
        if self.node.flush_at.is_some_and(|at| at <= step.now) {
            self.flush(step);
        }
        self.hurry_comparing(step);
        let Some(info) = self.node.info else { return };
        let is_linked = self.links.of(Party::Node).next().is_some();
        if !step.up || is_linked || self.node.dialer.not_before() > step.now {
            return;
        }
        let link = step.numbers.link();
        self.links
            .insert(link, Link::new(Party::Node, true, step.now));
        step.effect(Effect::OpenNode {
            link,
            address: None,
            key: info.key,
        });
    }

    /// The link is up.
    pub(crate) fn node_up(&mut self, step: &mut Step, link: LinkId) {
        if self.own.node().is_none() {
            return;
        }
        self.node.stage_since = Some(step.now);
        self.subscribe(step, link);
        for locator in std::mem::take(&mut self.own.unplaced) {
            let locator = *locator;
            step.effect(send(link, &Frame::Unplace { locator }));
            step.touched.own = true;
        }
        self.place_bundles(step);
        self.fetch_bundles(step);
        self.pump_all(step);
        step.show.route = true;
    }

    /// The link is gone, or did not come up.
    pub(crate) fn node_down(&mut self, step: &mut Step) {
        self.node.down();
        let stage = DialStage::Unreachable;
        self.node.dialer.failed(stage, step.now, step.rng);
        step.show.route = true;
    }

    /// A frame of the node.
    pub(crate) fn node_frame(&mut self, step: &mut Step, link: LinkId, frame: Frame) {
        match frame {
            Frame::Ack { id, outcome } => match self.node.placing.remove(&id) {
                Some(invite) => self.placed(step, invite, outcome),
                None if self.returned_replica(step, link, &id, outcome) => {}
                None => self.landed(step, link, id, outcome),
            },
            Frame::Fetched { locator, envelope } => self.fetched(step, link, &locator, envelope),
            Frame::Log {
                incarnation,
                after,
                until,
            } => self.log_begins(step, incarnation, after, until),
            Frame::Arrived { number, envelope } => self.arrived(step, link, number, envelope),
            Frame::CaughtUp { until } => self.caught_up(step, link, until),
            Frame::Reconcile { message, .. } => self.compared(step, link, &message),
            Frame::Replica { envelope } => self.replica_came(step, link, envelope),
            Frame::Returned { id, outcome } => self.returned(step, link, id, outcome),
            _ => {}
        }
    }

    // --- the log -------------------------------------------------------------------------------

    /// How far the log of the node in use was read.
    pub(crate) fn log(&self) -> LogRecord {
        let address = self.own.node().map(|home| home.address);
        address
            .and_then(|address| self.node.logs.get(&address))
            .copied()
            .unwrap_or_default()
    }

    /// Keeps how far the log was read.
    fn set_log(&mut self, step: &mut Step, log: LogRecord) {
        let Some(address) = self.own.node().map(|home| home.address) else {
            return;
        };
        self.node.logs.insert(address, log);
        step.write(Table::Own, keys::log(&address), records::encode(&log));
        if self.node.logs.len() > limits::MAX_RELAYS {
            let other = self.node.logs.keys().find(|other| **other != address);
            if let Some(other) = other.copied() {
                self.node.logs.remove(&other);
                step.delete(Table::Own, keys::log(&other));
            }
        }
    }

    fn log_begins(&mut self, step: &mut Step, incarnation: u64, after: u64, until: u64) {
        if !self.node.saver.is_awaiting() {
            // Nobody asked.
            return;
        }
        // What came before is of the subscription before.
        self.flush(step);
        let mut log = self.log();
        self.node.seen_up_to = after;
        if log.incarnation != incarnation {
            // A first visit has nothing to miss, unless the relay before was lost.
            let is_loss = log.incarnation != 0 || self.own.rescue_until.is_some();
            log.lost_at = log.lost_at.max(is_loss.then_some(step.now));
            self.node.is_recovering = is_loss;
            if is_loss {
                self.own.note_mail_lost(step.now);
                step.touched.own = true;
            }
            log.compare = self.node.replicas.envelopes > 0;
            log.incarnation = incarnation;
            log.after = after;
            log.larger_after = None;
            self.forget_placed(step);
            self.place_bundles(step);
        }
        log.after = log.after.min(until);
        self.node.saver.begins(&mut log, after);
        self.set_log(step, log);
        self.gather_resupply(step.now);
        self.resupply_all(step);
    }

    /// When what the node in use has lost is sent again.
    pub(crate) fn next_resupply(&self) -> Option<Millis> {
        let pace = |at: Millis| at.saturating_add(limits::LOSS_PACE);
        let lost_at = self.log().lost_at?;
        Some(self.node.resupplied_at.map_or(lost_at, pace))
    }

    /// All that was handed to the node before it lost what it held is sent again.
    pub(crate) fn note_resupplied(&mut self, step: &mut Step) {
        let mut log = self.log();
        if self.node.resupplied_at >= log.lost_at && log.lost_at.take().is_some() {
            self.set_log(step, log);
        }
    }

    // --- invites -------------------------------------------------------------------------------

    /// Brings the bundles of invites to the node that it has not got.
    pub(crate) fn place_bundles(&mut self, step: &mut Step) {
        let Some(link) = self.links.node() else {
            return;
        };
        let Some(home) = self.own.node().map(|home| home.address) else {
            return;
        };
        for (id, invitation) in &self.invites {
            let Some((locator, envelope)) = invitation.to_place(&home) else {
                continue;
            };
            if self.node.placing.values().any(|placing| placing == id) {
                continue;
            }
            self.node.placing.insert(envelope.id(), *id);
            step.effect(send(link, &Frame::Place { locator, envelope }));
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

    /// The node lost what it held.
    fn forget_placed(&mut self, step: &mut Step) {
        for (id, invitation) in &mut self.invites {
            if invitation.set_placed(false) {
                step.touched.invites.insert(*id);
                step.show.invites = true;
            }
        }
    }

    /// An invite ended: nobody is to fetch its bundle any more.
    pub(crate) fn unplace(&mut self, step: &mut Step, node: &Address, locator: Locator) {
        let is_here = self.own.node().is_some_and(|home| home.address == *node);
        if !is_here {
            // Another relay is told nothing of it; there it ends with its expiry.
            return;
        }
        match self.links.node() {
            Some(link) => step.effect(send(link, &Frame::Unplace { locator })),
            None => {
                self.own.unplaced.push(locator.into());
                // What is left out ends with its expiry.
                if self.own.unplaced.len() > limits::MAX_INVITES {
                    self.own.unplaced.remove(0);
                }
                step.touched.own = true;
            }
        }
    }

    // --- what is hosted ------------------------------------------------------------------------

    /// Has the relay host what others shall reach: a destination for live links, the lifeboat while
    /// comrades are looked for, or nothing.
    pub(crate) fn order_host(&mut self, step: &mut Step) {
        // Whoever knows no node of theirs or of this device has no other way.
        let needs = |comrade: &Comrade| {
            comrade.record.is_met() && (comrade.record.live || !comrade.record.has_node)
        };
        let live = self.own.node().is_none()
            || self.comrades.values().any(needs)
            || self.invites.values().any(Invitation::is_fetched_here);
        let rescue = self.own.rescue_until.is_some() && self.own.node().is_some();
        let (keys, address) = if rescue {
            (self.own.lifeboat(), self.own.lifeboat_address())
        } else if live {
            (self.own.destination(), self.own.destination_address())
        } else {
            (None, None)
        };
        if self.node.hosting != address {
            self.node.hosting = address;
            step.effect(Effect::Host(keys));
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
