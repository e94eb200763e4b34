//! Relays with nodes: the shipped node on a shelf in memory; I2P between relays is a call.

use std::collections::BTreeMap;

use komrade_ether::{
    Account, Draw, Frame, Home, MemoryShelf, Node, NodeKey, NodeLink, Party, Settings, Token,
};
use komrade_peer::{Address, DialProgress, Input, LinkId, NodeInfo, RelayId};
use komrade_view::*;

use super::{World, relay_link};

/// Bytes that a node sends at once.
const BUDGET: usize = 256 * 1024;

pub struct Relay {
    pub node: Node,
    pub shelf: MemoryShelf,
    pub address: Address,
    /// The machine is there.
    pub alive: bool,
    /// By peer and link; and through which relay of the peer's own.
    links: BTreeMap<(usize, LinkId), (NodeLink, RelayId)>,
}

impl World {
    /// A relay with a node, under this number.
    pub fn add_relay(&mut self, number: usize) {
        self.add_relay_with(number, 8);
    }

    /// A relay that asks for so much work.
    pub fn add_relay_with(&mut self, number: usize, work_bits: u8) {
        let relay = self.fresh_relay(number, 1, work_bits);
        self.relays.insert(number, relay);
    }

    fn fresh_relay(&self, number: usize, incarnation: u64, work_bits: u8) -> Relay {
        let mut shelf = MemoryShelf::new();
        let draw = Draw {
            incarnation: 1_000 * incarnation + number as u64 + 1,
            token: Token([number as u8 + 1; 16]),
        };
        let settings = Settings {
            work_bits,
            ..Settings::default()
        };
        let key = NodeKey([number as u8 + 100; 32]);
        let node = Node::open(&mut shelf, key, settings, self.now, draw).unwrap();
        shelf.commit();
        Relay {
            node,
            shelf,
            address: [number as u8 + 200; 32],
            alive: true,
            links: BTreeMap::new(),
        }
    }

    /// The relay loses what it held, but not its keys.
    pub fn wipe_relay(&mut self, number: usize) {
        let members = self.members(number);
        self.lose_members(&members);
        // Another incarnation each time.
        let relay = self.fresh_relay(number, self.now, 8);
        self.relays.insert(number, relay);
        self.take_members(&members);
    }

    /// The relay loses all that it kept, its keys too, and starts again where it was.
    pub fn rebuild_relay(&mut self, number: usize) {
        let members = self.members(number);
        self.lose_members(&members);
        let (mut shelf, key) = (MemoryShelf::new(), NodeKey([number as u8 + 150; 32]));
        let draw = Draw {
            incarnation: 5_000 + number as u64,
            token: Token([number as u8 + 90; 16]),
        };
        let relay = self.relays.get_mut(&number).unwrap();
        let settings = relay.node.settings().clone();
        relay.node = Node::open(&mut shelf, key, settings, self.now, draw).unwrap();
        shelf.commit();
        relay.shelf = shelf;
        relay.address = [number as u8 + 170; 32];
        relay.alive = true;
        self.take_members(&members);
    }

    /// The relay burns.
    pub fn burn_relay(&mut self, number: usize) {
        let members = self.members(number);
        self.lose_members(&members);
        self.relays.get_mut(&number).unwrap().alive = false;
    }

    fn members(&self, number: usize) -> Vec<(usize, RelayId)> {
        let peers = self.peers.iter().enumerate();
        let ways = peers.flat_map(|(at, peer)| peer.ways.iter().map(move |way| (at, way)));
        let members = ways.filter(|(_, (_, way))| way.relay == Some(number));
        members.map(|(at, (way, _))| (at, *way)).collect()
    }

    fn lose_members(&mut self, members: &[(usize, RelayId)]) {
        for (at, way) in members {
            self.disconnect_way(*at, *way);
            self.drain();
        }
    }

    fn take_members(&mut self, members: &[(usize, RelayId)]) {
        for (at, way) in members {
            if self.peers[*at].ways.contains_key(way) {
                self.connect_way(*at, *way);
                self.drain();
            }
        }
    }

    /// The relay is there again, as it was.
    pub fn revive_relay(&mut self, number: usize) {
        self.relays.get_mut(&number).unwrap().alive = true;
        let members = self.members(number);
        self.take_members(&members);
    }

    /// Tries this relay and adds it.
    pub fn add_way(&mut self, at: usize, relay: usize) {
        let link = relay_link(relay);
        assert_eq!(self.ask(at, Command::TryRelay { link }), Ok(Answer::Done));
        let tried = self.relay_view(at, relay);
        assert_eq!(tried.standing, RelayStanding::Tried);
        let add = Command::AddRelay { relay: tried.id };
        assert_eq!(self.ask(at, add), Ok(Answer::Done));
    }

    /// What a peer shows of this relay.
    pub fn relay_view(&self, at: usize, relay: usize) -> RelayView {
        let origin = format!("https://relay-{relay}.example");
        let route = self.peers[at].route.as_ref().unwrap();
        let found = route.relays.iter().find(|it| it.origin == origin);
        found.expect("a relay").clone()
    }

    /// Cuts keys and joins the relay of this number.
    pub fn settle_at(&mut self, at: usize, name: &str, relay: usize) {
        self.cut_keys(at, name);
        self.join(at, relay);
    }

    /// Uses this relay from now on.
    pub fn join(&mut self, at: usize, relay: usize) {
        let link = relay_link(relay);
        assert_eq!(self.ask(at, Command::UseRelay { link }), Ok(Answer::Done));
    }

    pub(super) fn node_info(&self, at: usize, way: RelayId) -> Option<NodeInfo> {
        let relay = self.relays.get(&self.peers[at].ways[&way].relay?)?;
        let about = relay.node.about(&relay.shelf).unwrap();
        Some(NodeInfo {
            address: relay.address,
            key: relay.node.key().0,
            token: about.token.0,
            bits: about.bits,
            incarnation: about.incarnation,
        })
    }

    pub(super) fn open_node(
        &mut self,
        at: usize,
        way: RelayId,
        link: LinkId,
        address: Option<Address>,
    ) {
        let peer = &self.peers[at];
        let own = peer.ways.get(&way).filter(|_| peer.online);
        let account = own.map_or([0; 32], |way| way.account);
        let own = own.and_then(|way| way.relay);
        let found = match address {
            None => own,
            Some(address) => {
                let mut relays = self.relays.iter();
                let found = relays.find(|(_, relay)| relay.address == address);
                found.map(|(number, _)| *number).filter(|_| own.is_some())
            }
        };
        let relay = found.and_then(|number| self.relays.get_mut(&number));
        let Some(relay) = relay.filter(|relay| relay.alive) else {
            let progress = DialProgress::Unreachable;
            return self.push(at, Input::Dialed { link, progress });
        };
        let party = match address {
            None => Party::Member(Account(account)),
            Some(_) => Party::Stranger,
        };
        relay.links.insert((at, link), (NodeLink::new(party), way));
        let progress = DialProgress::Up;
        self.push(at, Input::Dialed { link, progress });
    }

    /// A frame for a node; `false`: the link is none to a node.
    pub(super) fn tell_node(&mut self, at: usize, link: LinkId, bytes: &[u8]) -> bool {
        let now = self.now;
        let mut relays = self.relays.iter_mut();
        let found = relays.find(|(_, relay)| relay.links.contains_key(&(at, link)));
        let Some((number, relay)) = found else {
            return false;
        };
        let frame = Frame::decode(bytes).expect("a frame");
        self.frames_to_nodes.push(frame.clone());
        let is_put = matches!(frame, Frame::Deposit { .. } | Frame::Forward { .. });
        if is_put && self.silent.contains(number) {
            return true;
        }
        let (state, _) = relay.links.get_mut(&(at, link)).unwrap();
        let answer = state
            .handle(&relay.node, &mut relay.shelf, now, frame)
            .unwrap();
        relay.shelf.commit();
        if let Some(answer) = answer {
            let frame = answer.encode();
            match &mut self.held {
                Some((held, frames)) if *held == at => frames.push((link, frame)),
                _ => self.push(at, Input::Frame { link, frame }),
            }
        }
        true
    }

    /// What was held back arrives.
    pub fn let_go(&mut self) {
        let (at, frames) = self.held.take().unwrap_or_default();
        for (link, frame) in frames {
            self.push(at, Input::Frame { link, frame });
        }
        self.drain();
    }

    /// The node of a relay says something to a peer.
    pub fn say(&mut self, relay: usize, at: usize, frame: &Frame) {
        let mut links = self.relays[&relay].links.keys();
        let link = links.find(|(peer, _)| *peer == at).expect("a link").1;
        let frame = frame.encode();
        self.push(at, Input::Frame { link, frame });
        self.drain();
    }

    pub(super) fn close_node(&mut self, at: usize, link: LinkId) {
        for relay in self.relays.values_mut() {
            relay.links.remove(&(at, link));
        }
    }

    /// The links of a peer to nodes are gone: those of one way, or all.
    pub(super) fn lose_nodes(&mut self, at: usize, way: Option<RelayId>) {
        for relay in self.relays.values_mut() {
            let is_kept = |peer: usize, it: RelayId| peer != at || way.is_some_and(|way| way != it);
            relay.links.retain(|(peer, _), (_, it)| is_kept(*peer, *it));
        }
    }

    /// Nodes send what they have, and call other nodes. Says whether anything happened.
    pub(super) fn run_relays(&mut self) -> bool {
        let mut frames = Vec::new();
        for (number, relay) in &mut self.relays {
            let has_log = !self.without_log.contains(number);
            for ((at, link), (state, _)) in &mut relay.links {
                let push = state.poll_push(&relay.shelf, self.now, BUDGET).unwrap();
                for frame in push.frames {
                    if has_log || !matches!(frame, Frame::Arrived { .. }) {
                        frames.push((*at, *link, frame.encode()));
                    }
                }
            }
        }
        let mut any = !frames.is_empty();
        for (at, link, frame) in frames {
            self.push(at, Input::Frame { link, frame });
        }
        let now = self.now;
        for relay in self.relays.values_mut() {
            while relay.node.sweep(&mut relay.shelf, now, 100).unwrap() {}
            relay.shelf.commit();
        }
        let numbers: Vec<usize> = self.relays.keys().copied().collect();
        for number in numbers {
            any |= self.forward(number);
        }
        any
    }

    fn forward(&mut self, number: usize) -> bool {
        let now = self.now;
        let relay = self.relays.get_mut(&number).unwrap();
        if !relay.alive {
            return false;
        }
        let Some(home) = relay.node.due_home(&mut relay.shelf, now).unwrap() else {
            return false;
        };
        let waiting = relay
            .node
            .waiting_for(&relay.shelf, now, &home, 0, u64::MAX)
            .unwrap();
        let reached = self.reachable(&home);
        let reached = reached.filter(|to| !self.parted.contains(&(number, *to)));
        for entry in &waiting {
            let Some(target) = reached.and_then(|it| self.relays.get_mut(&it)) else {
                break;
            };
            let (node, shelf) = (&target.node, &mut target.shelf);
            let outcome = node
                .put(shelf, now, Party::Stranger, &entry.pass, &entry.envelope)
                .unwrap();
            target.shelf.commit();
            let relay = self.relays.get_mut(&number).unwrap();
            relay
                .node
                .forwarded(&mut relay.shelf, now, entry.number, outcome)
                .unwrap();
        }
        let relay = self.relays.get_mut(&number).unwrap();
        relay
            .node
            .home_done(&mut relay.shelf, now, &home, reached.is_some(), 7)
            .unwrap();
        relay.shelf.commit();
        true
    }

    fn reachable(&self, home: &Home) -> Option<usize> {
        let is = |relay: &Relay| {
            relay.alive && relay.address == home.address && relay.node.key() == home.node
        };
        let found = self.relays.iter().find(|(_, relay)| is(relay));
        found.map(|(number, _)| *number)
    }

    /// When a relay has something to do next.
    pub(super) fn relays_due(&self) -> Option<Millis> {
        let alive = self.relays.values().filter(|relay| relay.alive);
        alive
            .filter_map(|relay| relay.node.next_due(&relay.shelf).unwrap())
            .min()
    }
}
