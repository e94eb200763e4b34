//! The **light traffic model**: what a day costs each peer, by the size of the network.
//!
//! Ten thousand engines are too many for one machine, so that peers are a model here, and only here: an account, a home, comrades,
//! a link, and counts of what they send and hear. Nodes, their links and their queues are the shipped ones (`komrade-ether`), on
//! shelves in memory: every put, forward and push of the model goes through them, byte by byte.
//!
//! # Traffic
//!
//! Everybody has [`COMRADES`] comrades, half of them at the same relay and half at others, and puts [`ENVELOPES`] envelopes of
//! 2 KiB in a day to them by chance: 20 messages and as many acknowledgements, none of which rides on another. Nobody is away.
//! [`LISTENERS`] peers, spread over all, listen and stand for the others: who is in one bucket hears the same.
//!
//! # Two shapes
//!
//! A network grows by relays of [`MEMBERS`] ([`Shape::Relays`]), or all of it sits at one ([`Shape::OneRelay`]). There buckets are
//! halved until the node itself ([`Node::bits_wanted`]) wants no further bit; that the real one takes a month for each bit is left
//! out.

use std::collections::BTreeMap;

use komrade_ether::{
    Account, Bucket, Class, DAY_MILLIS, Day, Draw, Envelope, Frame, Header, Home, MemoryShelf,
    Node, NodeKey, NodeLink, Outcome, Party, Pass, Settings, Size, Token,
};

use crate::{dice::Dice, world::START};

/// Members of a relay where the network grows by relays.
pub const MEMBERS: usize = 50;
/// Comrades of each peer.
pub const COMRADES: usize = 20;
/// Envelopes that each peer puts in a day.
pub const ENVELOPES: u64 = 40;
/// So many peers listen.
pub const LISTENERS: usize = 50;
/// So often in a day members look for what came.
const LOOKS: u64 = 8;
/// Bytes that a node gives at once.
const BUDGET: usize = 256 * 1024;
/// The part by which a figure may differ between networks by chance: what a hundred peers draw is that uneven.
const TOLERANCE: f64 = 0.1;

/// How a network grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// By relays.
    Relays,
    /// At one relay, whose buckets are halved.
    OneRelay,
    /// At one relay that never halves a bucket: what [`growth`] has to find.
    OneBucket,
}

/// What a day costs one peer, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// How the network grows.
    pub shape: Shape,
    /// Peers in it.
    pub peers: usize,
    /// Bits of its buckets.
    pub bits: u8,
    /// Bytes of frames to the own relay.
    pub sent: f64,
    /// Bytes of frames from the own relay.
    pub received: f64,
    /// Bytes of frames that relays exchange.
    pub between: f64,
    /// Operations on nodes' shelves: reads of one key or of a range, and writes.
    pub operations: f64,
    /// Hints that the device compares: one for each comrade and envelope.
    pub hints: f64,
}

struct Relay {
    node: Node,
    shelf: MemoryShelf,
    home: Home,
    token: Token,
}

struct Peer {
    relay: usize,
    link: NodeLink,
    bucket: Bucket,
    comrades: Vec<usize>,
}

struct Network {
    relays: Vec<Relay>,
    peers: Vec<Peer>,
    by_key: BTreeMap<[u8; 32], usize>,
    dice: Dice,
    now: u64,
    /// Bytes and operations of all peers, and what those who listen hear.
    sent: u64,
    between: u64,
    operations: u64,
    heard: Heard,
}

/// What all who listen heard.
#[derive(Default)]
struct Heard {
    bytes: u64,
    operations: u64,
    hints: u64,
}

/// Lives through a day of a network of so many peers, at least [`MEMBERS`].
pub fn day(shape: Shape, peers: usize) -> Cost {
    let traffic = peers as u64 * ENVELOPES * Size::K2.bytes() as u64;
    let settings = |bits| Settings {
        bits,
        capacity: 100_000_000_000,
        ..Settings::default()
    };
    let most = settings(0).halving_bytes;
    let mut bits = 0;
    while shape == Shape::OneRelay && traffic >> bits > most {
        bits += 1;
    }
    loop {
        let mut network = Network::new(shape, peers, settings(bits));
        network.live();
        let (relay, now) = (&network.relays[0], network.now);
        let wanted = relay.node.bits_wanted(&relay.shelf, now).unwrap();
        // What is put into buckets is uneven.
        if shape != Shape::OneRelay || wanted == bits {
            return network.cost(shape, bits);
        }
        bits = wanted;
    }
}

impl Network {
    fn new(shape: Shape, peers: usize, settings: Settings) -> Self {
        let mut dice = Dice::new(peers as u64, 1);
        let members = match shape {
            Shape::Relays => MEMBERS,
            Shape::OneRelay | Shape::OneBucket => peers,
        };
        let relays: Vec<Relay> = (0..peers.div_ceil(members))
            .map(|_| Relay::new(settings.clone(), &mut dice))
            .collect();
        let by_key = relays.iter().enumerate();
        let by_key = by_key.map(|(at, relay)| (relay.home.node.0, at)).collect();
        let peers = (0..peers)
            .map(|at| Peer::new(at, members, peers, settings.bits, &mut dice))
            .collect();
        Self {
            relays,
            peers,
            by_key,
            dice,
            now: START,
            sent: 0,
            between: 0,
            operations: 0,
            heard: Heard::default(),
        }
    }

    fn live(&mut self) {
        let listeners = listeners(self.peers.len());
        for at in listeners.clone() {
            let bucket = self.peers[at].bucket;
            let (incarnation, after) = (0, 0);
            let answer = self.say(
                at,
                Frame::Subscribe {
                    bucket,
                    incarnation,
                    after,
                },
            );
            assert!(matches!(answer, Some(Frame::Log { .. })), "{answer:?}");
        }
        for number in 0..ENVELOPES {
            self.now += DAY_MILLIS / ENVELOPES / 2;
            for at in 0..self.peers.len() {
                self.write(at);
                self.bring(self.peers[at].relay);
            }
            if (number + 1) % (ENVELOPES / LOOKS) == 0 {
                listeners.clone().for_each(|at| self.listen(at));
            }
            self.relays
                .iter_mut()
                .for_each(|relay| relay.shelf.commit());
        }
    }

    /// A member says something to its relay's node.
    fn say(&mut self, at: usize, frame: Frame) -> Option<Frame> {
        let peer = &mut self.peers[at];
        let relay = &mut self.relays[peer.relay];
        self.sent += frame.encode().len() as u64;
        let before = relay.shelf.operations();
        let answer = peer
            .link
            .handle(&relay.node, &mut relay.shelf, self.now, frame);
        self.operations += relay.shelf.operations() - before;
        answer.unwrap()
    }

    /// A peer writes to one of its comrades.
    fn write(&mut self, at: usize) {
        let comrades = &self.peers[at].comrades;
        let to = comrades[self.dice.index(comrades.len())];
        let (from, to) = (self.peers[at].relay, &self.peers[to]);
        let home = &self.relays[to.relay];
        let class = Class::ordinary(Size::K2);
        let header = Header {
            class,
            bucket: to.bucket.code(),
            expiry: Day::of(self.now).plus(8),
            nonce: self.dice.bytes(),
            hint: self.dice.bytes(),
        };
        let envelope = Envelope::new(header, &vec![0; class.ciphertext_bytes()]).unwrap();
        let frame = if to.relay == from {
            let pass = Pass::default();
            Frame::Deposit { pass, envelope }
        } else {
            let pass = Pass {
                token: Some(home.token),
                work: None,
            };
            let home = home.home;
            Frame::Forward {
                home,
                pass,
                envelope,
            }
        };
        accepted(self.say(at, frame));
    }

    /// A relay brings to others what its members left for them, at once: where more waits for one home, it costs less.
    fn bring(&mut self, at: usize) {
        let before = self.relays[at].shelf.operations();
        let now = self.now;
        while let Some(home) = {
            let Relay { node, shelf, .. } = &mut self.relays[at];
            node.due_home(shelf, now).unwrap()
        } {
            let other = self.by_key[&home.node.0];
            let mut link = NodeLink::new(Party::Stranger);
            let mut after = 0;
            loop {
                let Relay { node, shelf, .. } = &self.relays[at];
                let waiting = node
                    .waiting_for(shelf, now, &home, after, BUDGET as u64)
                    .unwrap();
                let Some(last) = waiting.last() else {
                    break;
                };
                after = last.number;
                for it in waiting {
                    let (pass, envelope) = (it.pass, it.envelope);
                    let frame = Frame::Deposit { pass, envelope };
                    self.between += frame.encode().len() as u64;
                    let there = &mut self.relays[other];
                    let operations = there.shelf.operations();
                    let answer = link.handle(&there.node, &mut there.shelf, now, frame);
                    self.operations += there.shelf.operations() - operations;
                    let answer = answer.unwrap();
                    let bytes = answer.as_ref().map_or(0, |answer| answer.encode().len());
                    self.between += bytes as u64;
                    let outcome = accepted(answer);
                    let Relay { node, shelf, .. } = &mut self.relays[at];
                    node.forwarded(shelf, now, it.number, outcome).unwrap();
                }
            }
            let Relay { node, shelf, .. } = &mut self.relays[at];
            node.home_done(shelf, now, &home, true, self.dice.any())
                .unwrap();
        }
        self.operations += self.relays[at].shelf.operations() - before;
    }

    /// A member hears what came.
    fn listen(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        let Relay { shelf, .. } = &self.relays[peer.relay];
        let before = shelf.operations();
        loop {
            let push = peer.link.poll_push(shelf, self.now, BUDGET).unwrap();
            for frame in &push.frames {
                self.heard.bytes += frame.encode().len() as u64;
                if matches!(frame, Frame::Arrived { .. }) {
                    self.heard.hints += peer.comrades.len() as u64;
                }
            }
            if push.is_done {
                break;
            }
        }
        self.heard.operations += shelf.operations() - before;
    }

    fn cost(&self, shape: Shape, bits: u8) -> Cost {
        let peers = self.peers.len();
        let listeners = listeners(peers).count();
        let of_all = |sum: u64| sum as f64 / peers as f64;
        let of_listeners = |sum: u64| sum as f64 / listeners as f64;
        Cost {
            shape,
            peers,
            bits,
            sent: of_all(self.sent),
            received: of_listeners(self.heard.bytes),
            between: of_all(self.between),
            operations: of_all(self.operations) + of_listeners(self.heard.operations),
            hints: of_listeners(self.heard.hints),
        }
    }
}

impl Relay {
    fn new(settings: Settings, dice: &mut Dice) -> Self {
        let home = Home {
            address: dice.bytes(),
            node: NodeKey(dice.bytes()),
        };
        let token = Token(dice.bytes());
        let incarnation = dice.any();
        let mut shelf = MemoryShelf::new();
        let draw = Draw { incarnation, token };
        let node = Node::open(&mut shelf, home.node, settings, START, draw).unwrap();
        shelf.commit();
        Self {
            node,
            shelf,
            home,
            token,
        }
    }
}

impl Peer {
    fn new(at: usize, members: usize, all: usize, bits: u8, dice: &mut Dice) -> Self {
        let relay = at / members;
        let near = relay * members..((relay + 1) * members).min(all);
        let far = all - near.len();
        let comrades = (0..COMRADES)
            .map(|number| match number % 2 {
                1 if far > 0 => (near.end + dice.index(far)) % all,
                _ => near.start + dice.index(near.len()),
            })
            .collect();
        let mut account = [0; 32];
        account[..8].copy_from_slice(&(at as u64).to_be_bytes());
        let number = dice.below(1 << bits) as u16;
        Self {
            relay,
            link: NodeLink::new(Party::Member(Account(account))),
            bucket: Bucket::new(number, bits).unwrap(),
            comrades,
        }
    }
}

/// Who of so many peers listens.
fn listeners(peers: usize) -> impl Iterator<Item = usize> + Clone {
    (0..peers.min(LISTENERS)).map(move |number| number * peers / LISTENERS)
}

/// An answer to a put, which has to be that it is kept.
fn accepted(answer: Option<Frame>) -> Outcome {
    match answer {
        Some(Frame::Ack {
            outcome: outcome @ Outcome::Accepted,
            ..
        }) => outcome,
        other => panic!("{other:?} instead of an acknowledgement"),
    }
}

/// What of these costs, smallest network first, grows with the network. Where relays are added, nothing may; at one relay
/// what a peer hears may grow up to what a bucket carries before it is halved, and what follows from that.
pub fn growth(costs: &[Cost]) -> Vec<String> {
    let mut grown = Vec::new();
    let Some((first, rest)) = costs.split_first() else {
        return grown;
    };
    for cost in rest {
        let mut check = |what: &str, is: f64, most: f64| {
            if is > most * (1.0 + TOLERANCE) {
                let Cost { shape, peers, .. } = cost;
                grown.push(format!(
                    "{shape:?}: {what} of {peers} peers is {is:.0} and should be at most {most:.0}"
                ));
            }
        };
        // As if the first network had been so large that its bucket is about to be halved.
        let halving = Settings::default().halving_bytes as f64;
        let heard = match cost.shape {
            Shape::Relays => 1.0,
            Shape::OneRelay | Shape::OneBucket => (halving / first.received).max(1.0),
        };
        check("what is sent", cost.sent, first.sent);
        check("what is received", cost.received, heard * first.received);
        check("what relays exchange", cost.between, first.between);
        check(
            "the number of operations",
            cost.operations,
            heard * first.operations,
        );
        check("the number of hints", cost.hints, heard * first.hints);
    }
    grown
}
