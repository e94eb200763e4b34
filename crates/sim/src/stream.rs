//! Streams: two queues with a latency each, in order, until they break.
//!
//! What was sent into a broken stream and had not arrived is lost; each side learns of the break at its own time. The
//! network doubles and reorders by this: what was not answered is sent again in another stream.

use komrade_ether::Frame;
use komrade_peer::{Input, LinkId, RelayId};
use komrade_view::Millis;
use zeroize::Zeroizing;

use crate::{
    settings::{DAY, SECOND, Sabotage},
    world::{Event, START, World},
};

/// One side of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A peer, in this life, through this relay of its own, under this number.
    Peer {
        at: usize,
        life: u64,
        way: RelayId,
        link: LinkId,
    },
    /// The node of a relay, in this life.
    Node { at: usize, life: u64 },
    /// A relay that brings forwards to another, in this life.
    Caller { at: usize, life: u64 },
}

/// A stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub ends: [End; 2],
    /// Handshake done.
    pub up: bool,
    /// The shortest way and what may come on top.
    pub latency: (Millis, Millis),
    /// When the last thing sent to each side arrives.
    pub last: [Millis; 2],
    /// The key that the other side must prove, of a dial between peers.
    pub psk: Option<Zeroizing<[u8; 32]>>,
}

/// What travels.
#[derive(Debug)]
pub(crate) enum Thing {
    /// The stream reaches its other side.
    Open,
    /// The other side is there.
    Opened,
    /// An encoded frame.
    Frame(Vec<u8>),
}

impl World {
    /// A stream from its first end to its second, under way.
    pub(crate) fn open_stream(&mut self, ends: [End; 2], psk: Option<Zeroizing<[u8; 32]>>) -> u64 {
        let id = self.next_stream;
        self.next_stream += 1;
        // Within a relay's reach, or over I2P.
        let near = match ends {
            [End::Peer { at, way, .. }, End::Node { at: relay, .. }] => {
                let way = self.peers[at].ways.get(&way);
                way.is_some_and(|way| way.relay == relay)
            }
            _ => false,
        };
        let latency = match near {
            true => (20, 200),
            false => (400, 3 * SECOND),
        };
        let stream = Stream {
            ends,
            up: false,
            latency,
            last: [0; 2],
            psk,
        };
        self.streams.insert(id, stream);
        self.travel(id, 1, Thing::Open);
        id
    }

    /// Sends something to one side of a stream. Now and then the stream breaks instead.
    pub(crate) fn travel(&mut self, id: u64, to: usize, thing: Thing) {
        if !self.quiet && self.dice.below(1_500) == 0 {
            return self.break_stream(id);
        }
        let (stall, jitter) = (self.dice.chance(3), self.dice.any());
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let (least, more) = stream.latency;
        let mut arrives = self.now + least + jitter % (more + 1);
        if stall {
            arrives += 10 * more;
        }
        arrives = arrives.max(stream.last[to]);
        stream.last[to] = arrives;
        self.at(
            arrives,
            Event::Arrive {
                stream: id,
                to,
                thing,
            },
        );
    }

    /// The stream is gone: each side learns on its own.
    pub(crate) fn break_stream(&mut self, id: u64) {
        let Some(stream) = self.streams.remove(&id) else {
            return;
        };
        for end in stream.ends {
            let wait = self.dice.around(5 * SECOND);
            self.at(
                self.now + wait,
                Event::Learn {
                    stream: id,
                    end,
                    up: stream.up,
                },
            );
        }
    }

    /// One side closes a stream; the other learns after the way.
    pub(crate) fn close_stream(&mut self, id: u64, by: usize) {
        let Some(stream) = self.streams.remove(&id) else {
            return;
        };
        let end = stream.ends[1 - by];
        let arrives = (self.now + stream.latency.0).max(stream.last[1 - by]);
        self.at(
            arrives,
            Event::Learn {
                stream: id,
                end,
                up: stream.up,
            },
        );
    }

    /// Which side of its streams' other peers this is.
    pub(crate) fn streams_of(&self, is: impl Fn(&End) -> bool) -> Vec<u64> {
        let streams = self.streams.iter();
        let found = streams.filter(|(_, stream)| stream.ends.iter().any(&is));
        found.map(|(id, _)| *id).collect()
    }

    /// Whether a thing can go between these two now.
    fn is_passable(&self, ends: &[End; 2]) -> bool {
        let place = |end: &End| match *end {
            End::Peer { at, life, way, .. } => {
                let peer = &self.peers[at];
                let way = peer.ways.get(&way).filter(|_| peer.life == life)?;
                way.connected.then_some(way.relay)
            }
            End::Node { at, life } | End::Caller { at, life } => {
                (self.relays[at].life == life && self.relays[at].alive).then_some(at)
            }
        };
        match (place(&ends[0]), place(&ends[1])) {
            (Some(a), Some(b)) => !self.is_parted(a, b),
            _ => false,
        }
    }

    /// Something arrives at a side of a stream.
    pub(crate) fn arrive(&mut self, id: u64, to: usize, thing: Thing) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        let ends = stream.ends;
        if !self.is_passable(&ends) {
            return self.break_stream(id);
        }
        match (thing, ends[to]) {
            (Thing::Open, End::Node { at, .. }) => self.node_reached(id, at, ends[0]),
            (Thing::Open, End::Peer { at, way, link, .. }) => {
                self.peer_reached(id, at, way, link);
            }
            (Thing::Opened, End::Peer { at, link, .. }) => {
                self.streams.entry(id).and_modify(|stream| stream.up = true);
                let progress = komrade_peer::DialProgress::Up;
                self.give(at, Input::Dialed { link, progress });
            }
            (Thing::Opened, End::Caller { at, .. }) => {
                self.streams.entry(id).and_modify(|stream| stream.up = true);
                self.go_on_calling(at, id);
            }
            (Thing::Frame(frame), End::Peer { at, .. }) if self.is_deaf(at, &frame) => {}
            (Thing::Frame(frame), End::Peer { at, link, .. }) => {
                self.give(at, Input::Frame { link, frame });
            }
            (Thing::Frame(frame), End::Node { at, .. }) => self.node_frame(at, id, &frame),
            (Thing::Frame(frame), End::Caller { at, .. }) => self.caller_frame(at, id, &frame),
            (Thing::Open, End::Caller { .. }) | (Thing::Opened, End::Node { .. }) => {}
        }
    }

    fn is_deaf(&self, at: usize, frame: &[u8]) -> bool {
        self.settings.sabotage == Some(Sabotage::DeafDevices)
            && at % 2 == 1
            && self.now > START + DAY
            && matches!(Frame::decode(frame), Ok(Frame::Arrived { .. }))
    }

    /// A side learns that its stream is gone.
    pub(crate) fn learn(&mut self, id: u64, end: End, up: bool) {
        match end {
            End::Peer { at, life, link, .. } => {
                let peer = &mut self.peers[at];
                if peer.life != life || peer.links.remove(&link).is_none() {
                    return;
                }
                // Even numbers were dialled from here.
                let progress = komrade_peer::DialProgress::Unreachable;
                let input = match up || link.0 % 2 == 1 {
                    true => Input::LinkDown(link),
                    false => Input::Dialed { link, progress },
                };
                self.give(at, input);
            }
            End::Node { at, .. } => {
                self.relays[at].links.remove(&id);
            }
            End::Caller { at, life } => {
                if self.relays[at].life == life {
                    self.call_ended(at, id, false);
                }
            }
        }
    }
}
