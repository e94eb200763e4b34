//! A relay: the shipped node on a shelf in memory, with group commits, forwards, crashes and wipes.
//!
//! What a frame asks is done in an open transaction; the answers wait for its commit. A crash takes back what was not
//! committed, and nobody has heard of it.

use std::collections::BTreeMap;

use komrade_ether::{
    Account, DAY_MILLIS, Day, Draw, EnvelopeId, Frame, Home, MemoryShelf, Node, NodeKey, NodeLink,
    Outcome, Party, Settings, Token,
};
use komrade_peer::{Address, NodeInfo, RelayId};
use komrade_view::Millis;

use crate::{
    settings::{MINUTE, Sabotage},
    stream::{End, Thing},
    world::{Event, World},
};

/// Bytes that a node sends at once on one link.
const BUDGET: usize = 256 * 1024;
/// Records that are swept in one transaction.
const SWEPT: usize = 256;
/// Bits of work that nodes ask here: enough to be asked, done, refused and done again.
const WORK_BITS: u8 = 6;
/// The most that they ask, which is for the largest envelope: so much is done, whatever devices think is usual.
pub(crate) const MOST_WORK_BITS: u8 = WORK_BITS + 5;
/// Bytes of forwards in flight.
const FLIGHT: u64 = 512 * 1024;
/// What nodes may hold here.
pub(crate) const CAPACITY: u64 = 400_000_000;

pub(crate) struct Relay {
    pub node: Node,
    pub shelf: MemoryShelf,
    pub address: Address,
    /// The machine runs.
    pub alive: bool,
    /// Grows with each start.
    pub life: u64,
    /// Gone for good.
    pub burnt: bool,
    pub links: BTreeMap<u64, NodeLink>,
    calls: BTreeMap<u64, Call>,
    /// Answers that wait for the commit.
    answers: Vec<(u64, Frame, Option<Promise>)>,
    committing: bool,
    due: Option<Millis>,
    /// What was acknowledged to members in this incarnation, with its expiry.
    pub promised: BTreeMap<EnvelopeId, Day>,
}

/// An envelope that was acknowledged to a member, and when it expires.
type Promise = (EnvelopeId, Day);

/// Forwards on their way to one home.
struct Call {
    home: Home,
    flight: BTreeMap<EnvelopeId, u64>,
    newest: u64,
    again: bool,
}

fn settings(world: &World) -> Settings {
    let factor = match world.settings.sabotage {
        Some(Sabotage::LargeNodes) => 4,
        _ => 1,
    };
    Settings {
        capacity: world.capacity * factor,
        work_bits: WORK_BITS,
        ..Settings::default()
    }
}

impl World {
    /// One more relay. Gives its number.
    pub(crate) fn add_relay(&mut self) -> usize {
        let at = self.relays.len();
        let (key, address) = (NodeKey(self.dice.bytes()), self.dice.bytes());
        let mut shelf = MemoryShelf::new();
        let draw = self.draw();
        let settings = settings(self);
        let Ok(node) = Node::open(&mut shelf, key, settings, self.now, draw) else {
            panic!("a new shelf does not fail");
        };
        shelf.commit();
        self.relays.push(Relay {
            node,
            shelf,
            address,
            alive: true,
            life: 1,
            burnt: false,
            links: BTreeMap::new(),
            calls: BTreeMap::new(),
            answers: Vec::new(),
            committing: false,
            due: None,
            promised: BTreeMap::new(),
        });
        self.at(self.now + DAY_MILLIS / 24, Event::House { relay: at });
        at
    }

    fn draw(&mut self) -> Draw {
        Draw {
            incarnation: self.dice.any(),
            token: Token(self.dice.bytes()),
        }
    }

    /// What a relay tells its members of its node.
    pub(crate) fn node_info(&self, at: usize) -> NodeInfo {
        let relay = &self.relays[at];
        let about = relay.node.about(&relay.shelf).unwrap();
        NodeInfo {
            address: relay.address,
            key: relay.node.key().0,
            token: about.token.0,
            bits: about.bits,
            incarnation: about.incarnation,
        }
    }

    /// The machine stops; what was not committed never was.
    pub(crate) fn crash_relay(&mut self, at: usize) {
        self.note(format_args!("relay {at} stops"));
        let relay = &mut self.relays[at];
        relay.alive = false;
        relay.life += 1;
        relay.shelf.rollback();
        relay.links.clear();
        relay.calls.clear();
        relay.answers.clear();
        relay.committing = false;
        relay.due = None;
        let is = |end: &End| match *end {
            End::Node { at: it, .. } | End::Caller { at: it, .. } => it == at,
            End::Peer { .. } => false,
        };
        for stream in self.streams_of(is) {
            self.break_stream(stream);
        }
        for (peer, way) in self.members(at) {
            self.lose_relay(peer, way);
        }
    }

    /// Who uses a relay, and as which of theirs.
    fn members(&self, relay: usize) -> Vec<(usize, RelayId)> {
        let peers = self.peers.iter().enumerate();
        let ways = peers.flat_map(|(at, peer)| peer.ways.iter().map(move |way| (at, way)));
        let members = ways.filter(|(_, (_, way))| way.relay == relay);
        members.map(|(at, (id, _))| (at, *id)).collect()
    }

    /// The machine starts again on what it kept.
    pub(crate) fn start_relay(&mut self, at: usize) {
        if self.relays[at].burnt || self.relays[at].alive {
            return;
        }
        self.note(format_args!("relay {at} starts"));
        let (draw, settings, now) = (self.draw(), settings(self), self.now);
        let relay = &mut self.relays[at];
        let key = relay.node.key();
        relay.node = Node::open(&mut relay.shelf, key, settings, now, draw).unwrap();
        relay.shelf.commit();
        relay.alive = true;
        relay.life += 1;
        self.plan_calls(at);
    }

    /// What it kept is gone; with `keys`, its keys and its address, too.
    pub(crate) fn wipe_relay(&mut self, at: usize, keys: bool) {
        self.crash_relay(at);
        self.note(format_args!("relay {at} is wiped, keys {keys}"));
        let (key, address) = (NodeKey(self.dice.bytes()), self.dice.bytes());
        let (draw, settings, now) = (self.draw(), settings(self), self.now);
        let relay = &mut self.relays[at];
        let key = if keys { key } else { relay.node.key() };
        relay.shelf = MemoryShelf::new();
        relay.promised.clear();
        relay.node = Node::open(&mut relay.shelf, key, settings, now, draw).unwrap();
        relay.shelf.commit();
        if keys {
            relay.address = address;
        }
    }

    // --- links ---------------------------------------------------------------------------------

    /// Somebody's stream reaches the node.
    pub(crate) fn node_reached(&mut self, stream: u64, at: usize, from: End) {
        let party = match from {
            End::Peer { at: peer, way, .. } => match self.peers[peer].ways.get(&way) {
                Some(way) if way.relay == at => Party::Member(Account(way.account)),
                _ => Party::Stranger,
            },
            _ => Party::Stranger,
        };
        self.relays[at].links.insert(stream, NodeLink::new(party));
        self.travel(stream, 0, Thing::Opened);
    }

    /// A frame for the node.
    pub(crate) fn node_frame(&mut self, at: usize, stream: u64, bytes: &[u8]) {
        let now = self.now;
        let relay = &mut self.relays[at];
        let Some(link) = relay.links.get_mut(&stream) else {
            return;
        };
        let Ok(frame) = Frame::decode(bytes) else {
            return self.break_stream(stream);
        };
        let kept = match &frame {
            Frame::Deposit { envelope, .. } | Frame::Put { envelope }
                if link.party() != Party::Stranger =>
            {
                Some((envelope.id(), envelope.header().expiry))
            }
            _ => None,
        };
        let answer = link
            .handle(&relay.node, &mut relay.shelf, now, frame)
            .unwrap();
        if let Some(frame) = answer {
            let accepted = Outcome::Accepted;
            let is_accepted = matches!(frame, Frame::Ack { outcome, .. } if outcome == accepted);
            relay
                .answers
                .push((stream, frame, kept.filter(|_| is_accepted)));
        }
        self.plan_commit(at);
    }

    fn plan_commit(&mut self, at: usize) {
        if !self.relays[at].committing {
            self.relays[at].committing = true;
            let (life, wait) = (self.relays[at].life, self.dice.between(1, 20));
            self.at(self.now + wait, Event::Commit { relay: at, life });
        }
    }

    /// The transaction is durable: the answers leave, and what is new is pushed.
    pub(crate) fn commit_relay(&mut self, at: usize) {
        let forgets = self.settings.sabotage == Some(Sabotage::ForgetfulNodes)
            && self.dice.chance(30)
            && !self.relays[at].links.is_empty();
        let relay = &mut self.relays[at];
        relay.committing = false;
        match forgets {
            true => relay.shelf.rollback(),
            false => relay.shelf.commit(),
        }
        for (stream, frame, promised) in std::mem::take(&mut relay.answers) {
            self.relays[at].promised.extend(promised);
            self.travel(stream, 0, Thing::Frame(frame.encode()));
        }
        self.push(at);
        self.plan_calls(at);
    }

    /// Sends what the links of a node have to send, on what is committed.
    pub(crate) fn push(&mut self, at: usize) {
        let now = self.now;
        let relay = &mut self.relays[at];
        if relay.committing || !relay.alive {
            return;
        }
        let mut frames = Vec::new();
        let mut is_done = true;
        for (stream, link) in &mut relay.links {
            let push = link.poll_push(&relay.shelf, now, BUDGET).unwrap();
            is_done &= push.is_done;
            frames.extend(push.frames.into_iter().map(|frame| (*stream, frame)));
        }
        for (stream, frame) in frames {
            self.travel(stream, 0, Thing::Frame(frame.encode()));
        }
        if !is_done {
            let life = self.relays[at].life;
            self.at(self.now + 50, Event::Push { relay: at, life });
        }
    }

    // --- forwards ------------------------------------------------------------------------------

    fn plan_calls(&mut self, at: usize) {
        let relay = &mut self.relays[at];
        let due = relay.node.next_due(&relay.shelf).unwrap();
        let Some(due) = due.filter(|due| relay.due.is_none_or(|planned| *due < planned)) else {
            return;
        };
        relay.due = Some(due);
        let life = relay.life;
        self.at(due, Event::Due { relay: at, life });
    }

    /// Homes whose turn it is are called.
    pub(crate) fn call_due(&mut self, at: usize) {
        self.relays[at].due = None;
        let now = self.now;
        loop {
            let relay = &mut self.relays[at];
            let Some(home) = relay.node.due_home(&mut relay.shelf, now).unwrap() else {
                break;
            };
            let found = self.relays.iter().position(|other| {
                other.address == home.address && other.node.key() == home.node && other.alive
            });
            let Some(to) = found.filter(|to| !self.is_parted(at, *to)) else {
                let random = self.dice.any();
                let relay = &mut self.relays[at];
                relay
                    .node
                    .home_done(&mut relay.shelf, now, &home, false, random)
                    .unwrap();
                continue;
            };
            let life = self.relays[at].life;
            let ends = [
                End::Caller { at, life },
                End::Node {
                    at: to,
                    life: self.relays[to].life,
                },
            ];
            let stream = self.open_stream(ends, None);
            let call = Call {
                home,
                flight: BTreeMap::new(),
                newest: 0,
                again: false,
            };
            self.relays[at].calls.insert(stream, call);
        }
        self.plan_commit(at);
    }

    /// Sends the next forwards of a call, or ends it.
    pub(crate) fn go_on_calling(&mut self, at: usize, stream: u64) {
        let now = self.now;
        let relay = &mut self.relays[at];
        let Some(call) = relay.calls.get_mut(&stream) else {
            return;
        };
        let waiting = relay
            .node
            .waiting_for(&relay.shelf, now, &call.home, call.newest, FLIGHT)
            .unwrap();
        if waiting.is_empty() {
            return self.call_ended(at, stream, true);
        }
        let mut frames = Vec::new();
        for entry in waiting {
            call.newest = entry.number;
            call.flight.insert(entry.envelope.id(), entry.number);
            frames.push(Frame::Deposit {
                pass: entry.pass,
                envelope: entry.envelope,
            });
        }
        for frame in frames {
            self.travel(stream, 1, Thing::Frame(frame.encode()));
        }
    }

    /// The other node answers.
    pub(crate) fn caller_frame(&mut self, at: usize, stream: u64, bytes: &[u8]) {
        let now = self.now;
        let relay = &mut self.relays[at];
        let (Ok(Frame::Ack { id, outcome }), Some(call)) =
            (Frame::decode(bytes), relay.calls.get_mut(&stream))
        else {
            return;
        };
        let Some(number) = call.flight.remove(&id) else {
            return;
        };
        call.again |= outcome.is_passing();
        let is_empty = call.flight.is_empty();
        relay
            .node
            .forwarded(&mut relay.shelf, now, number, outcome)
            .unwrap();
        self.plan_commit(at);
        if is_empty {
            self.go_on_calling(at, stream);
        }
    }

    pub(crate) fn call_ended(&mut self, at: usize, stream: u64, reached: bool) {
        let (now, random) = (self.now, self.dice.any());
        let relay = &mut self.relays[at];
        let Some(call) = relay.calls.remove(&stream) else {
            return;
        };
        let is_served = reached && !call.again;
        relay
            .node
            .home_done(&mut relay.shelf, now, &call.home, is_served, random)
            .unwrap();
        self.close_stream(stream, 0);
        self.plan_commit(at);
    }

    /// Every hour: what ended goes, and once a month the token changes.
    pub(crate) fn keep_house(&mut self, at: usize) {
        if self.relays[at].burnt {
            return;
        }
        self.at(self.now + 60 * MINUTE, Event::House { relay: at });
        if !self.relays[at].alive {
            return;
        }
        let (now, fresh) = (self.now, Token(self.dice.bytes()));
        let relay = &mut self.relays[at];
        while relay.node.sweep(&mut relay.shelf, now, SWEPT).unwrap() {}
        if relay
            .node
            .rotate_token(&mut relay.shelf, now, fresh)
            .unwrap()
        {
            for (peer, way) in self.members(at) {
                self.tell_of_node(peer, way);
            }
        }
        self.plan_commit(at);
    }
}
