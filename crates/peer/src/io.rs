//! What goes into the engine and what comes out of it.

use komrade_store::{Batch, Query, Record};
use komrade_view::{FromEngine, HostStage, LinkState, Millis, RouterStage, ToEngine};
use zeroize::Zeroizing;

/// A stream to another node, numbered by whoever drives the engine; never reused within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// A relay in use, numbered by the engine. A number means the same relay from [`Effect::UseRelay`] with
/// an order until the next one without; after that it may come again for another.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayId(pub u32);

/// An I2P address: SHA-256 of a destination.
pub type Address = [u8; 32];

/// The announcement that opens every link: which shared key the dialler means, unreadable to
/// others.
pub type LinkHint = [u8; 20];

/// What happened outside.
#[non_exhaustive]
pub enum Input {
    /// The lease is held and the store is open. First input of all; repeated after
    /// [`Effect::TakeLead`], and whenever the lease is held under another fence than before:
    /// whatever is in memory is then forgotten and the store looked at again.
    Leading,
    /// Another tab leads (renewed at that time): forget every key.
    LedElsewhere(Millis),
    /// A person asked for something.
    Command(ToEngine),
    /// What [`Effect::Read`] found, in key order.
    Records {
        /// The number in the effect.
        read: u64,
        /// What was found.
        records: Vec<Record>,
    },
    /// [`Effect::Stretch`] ended.
    Stretched {
        /// The number in the effect.
        stretch: u64,
        /// 32 bytes; `None` if the device had no memory for it.
        key: Option<Zeroizing<[u8; 32]>>,
    },
    /// The store refused a batch or a read: nothing of it, and nothing after it, was done.
    StoreFailed(komrade_store::StoreError),
    /// The connection to a relay changed.
    Relay(RelayId, LinkState),
    /// A relay told of its router.
    Router(RelayId, RouterStage),
    /// A relay told of what it hosts for us.
    Hosting(RelayId, HostStage),
    /// A relay told of its own node, or that it has none (`None`); once after each connection and
    /// whenever it changes.
    Node(RelayId, Option<NodeInfo>),
    /// [`Effect::Work`] ended.
    Worked {
        /// The number in the effect.
        work: u64,
        /// A nonce that is enough.
        nonce: u64,
    },
    /// Bytes sent and received since the start.
    Bytes(u64, u64),
    /// A link asked for by [`Effect::Dial`] changed.
    Dialed {
        /// Which link.
        link: LinkId,
        /// How far it is.
        progress: DialProgress,
    },
    /// Somebody opened a stream to us and announced a key. Answer with [`Effect::Admit`] or
    /// [`Effect::Close`].
    Incoming {
        /// The new link.
        link: LinkId,
        /// Through which relay.
        relay: RelayId,
        /// Which key they mean.
        hint: LinkHint,
    },
    /// The handshake of an incoming link is complete.
    LinkUp(LinkId),
    /// A frame (`komrade_ether::Frame`) arrived on a link that is up.
    Frame {
        /// Which link.
        link: LinkId,
        /// The encoded frame, at most `komrade_ether::MAX_FRAME_BYTES`.
        frame: Vec<u8>,
    },
    /// The link is gone.
    LinkDown(LinkId),
    /// [`Engine::poll_timeout`](crate::Engine::poll_timeout) is due.
    Tick,
}

/// What a relay says of its own node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NodeInfo {
    /// SHA-256 of its I2P destination.
    pub address: Address,
    /// Its X25519 key, for links.
    pub key: [u8; 32],
    /// With this, strangers may put to homes there.
    pub token: [u8; 16],
    /// How many bits its buckets have.
    pub bits: u8,
    /// Another one than before: it has lost what it held.
    pub incarnation: u64,
}

impl std::fmt::Debug for NodeInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeInfo([redacted])")
    }
}

/// How far a dial has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialProgress {
    /// The other relay was reached; handshake under way.
    Greeting,
    /// Handshake done: frames may be sent.
    Up,
    /// The other relay answers, but the app is closed.
    Away,
    /// Not reached.
    Unreachable,
    /// The other side did not prove the shared key.
    Refused,
}

/// What is to be done outside, strictly in this order. After [`Effect::Commit`] nothing that
/// follows may be done before the batch is durable; if it fails, nothing that follows may be done
/// at all.
#[non_exhaustive]
pub enum Effect {
    /// Make this durable.
    Commit(Batch),
    /// Read and answer with [`Input::Records`].
    Read {
        /// Repeated in the answer.
        read: u64,
        /// What to read.
        query: Query,
    },
    /// Run Argon2id over a passphrase and answer with [`Input::Stretched`]. Takes seconds and much
    /// memory: in a browser, in a worker that is then thrown away.
    Stretch {
        /// Repeated in the answer.
        stretch: u64,
        /// What to stretch.
        job: komrade_crypto::vault::StretchJob,
    },
    /// Take the lease from the other tab, then answer with [`Input::Leading`].
    TakeLead,
    /// Connect to this relay and stay connected, beside all others; replaces what was ordered under the
    /// same number. Without an order: disconnect.
    UseRelay {
        /// Which one.
        relay: RelayId,
        /// How to reach it.
        order: Option<RelayOrder>,
    },
    /// Try every relay now rather than when its next attempt is due.
    Reconnect,
    /// Open a link; answered by [`Input::Dialed`].
    Dial {
        /// Through which relay.
        relay: RelayId,
        /// The number of the link, chosen by the engine (even; incoming links get odd ones).
        link: LinkId,
        /// Whom to dial.
        address: Address,
        /// Announced to the other side.
        hint: LinkHint,
        /// The key both share.
        psk: Zeroizing<[u8; 32]>,
    },
    /// Open a link to the node of a relay; answered by [`Input::Dialed`].
    OpenNode {
        /// Through which relay.
        relay: RelayId,
        /// The number of the link, chosen by the engine (even).
        link: LinkId,
        /// Its I2P address; `None` for the node of that relay itself.
        address: Option<Address>,
        /// The node's key.
        key: [u8; 32],
    },
    /// Have a destination (679 bytes) hosted from now on, or none. Forgotten with [`Effect::UseRelay`].
    Host {
        /// Where.
        relay: RelayId,
        /// Which one.
        destination: Option<Zeroizing<Vec<u8>>>,
    },
    /// Find a nonce, see `komrade_ether::work::search`; answered by [`Input::Worked`]. Takes up to
    /// some seconds: in slices, beside everything else.
    Work {
        /// Repeated in the answer.
        work: u64,
        /// What to find.
        job: WorkJob,
    },
    /// Go on with an incoming link; answered by [`Input::LinkUp`] or [`Input::LinkDown`].
    Admit {
        /// Which link.
        link: LinkId,
        /// The key its hint announced.
        psk: Zeroizing<[u8; 32]>,
    },
    /// Send a frame on a link that is up.
    Send {
        /// Which link.
        link: LinkId,
        /// The encoded frame.
        frame: Vec<u8>,
    },
    /// Close a link once everything sent on it is out.
    Close(LinkId),
    /// Tell the screens.
    Tell(FromEngine),
}

/// What a driver needs to use a relay.
pub struct RelayOrder {
    /// The relay's origin, `https://host[:port]` or `http://host[:port]`, without a path.
    pub origin: String,
    /// The relay's join secret.
    pub join_secret: Zeroizing<[u8; 16]>,
    /// This member's account at the relay: random, tied to nothing, used at no other relay.
    pub account: Zeroizing<[u8; 32]>,
}

/// Work that a node asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkJob {
    /// For which envelope.
    pub envelope: komrade_ether::EnvelopeId,
    /// For which node.
    pub node: komrade_ether::NodeKey,
    /// On which day.
    pub day: komrade_ether::Day,
    /// How many zero bits.
    pub bits: u8,
}

impl WorkJob {
    /// Tries `tries` nonces from this one on.
    pub fn search(&self, from_nonce: u64, tries: u32) -> Option<u64> {
        let Self {
            envelope,
            node,
            day,
            bits,
        } = self;
        komrade_ether::work::search(envelope, node, *day, *bits, from_nonce, tries)
    }
}

/// Neither keys nor addresses nor contents.
impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Leading => f.write_str("Leading"),
            Self::LedElsewhere(since) => f.debug_tuple("LedElsewhere").field(since).finish(),
            Self::Command(command) => f.debug_tuple("Command").field(command).finish(),
            Self::Records { read, records } => f
                .debug_tuple("Records")
                .field(read)
                .field(&records.len())
                .finish(),
            Self::Stretched { stretch, .. } => f.debug_tuple("Stretched").field(stretch).finish(),
            Self::StoreFailed(error) => f.debug_tuple("StoreFailed").field(error).finish(),
            Self::Relay(relay, state) => f.debug_tuple("Relay").field(relay).field(state).finish(),
            Self::Router(relay, stage) => {
                f.debug_tuple("Router").field(relay).field(stage).finish()
            }
            Self::Hosting(relay, stage) => {
                f.debug_tuple("Hosting").field(relay).field(stage).finish()
            }
            Self::Node(relay, node) => f
                .debug_tuple("Node")
                .field(relay)
                .field(&node.is_some())
                .finish(),
            Self::Worked { work, .. } => f.debug_tuple("Worked").field(work).finish(),
            Self::Bytes(sent, received) => {
                f.debug_tuple("Bytes").field(sent).field(received).finish()
            }
            Self::Dialed { link, progress } => {
                f.debug_tuple("Dialed").field(link).field(progress).finish()
            }
            Self::Incoming { link, .. } => f.debug_tuple("Incoming").field(link).finish(),
            Self::LinkUp(link) => f.debug_tuple("LinkUp").field(link).finish(),
            Self::Frame { link, frame } => f
                .debug_tuple("Frame")
                .field(link)
                .field(&frame.len())
                .finish(),
            Self::LinkDown(link) => f.debug_tuple("LinkDown").field(link).finish(),
            Self::Tick => f.write_str("Tick"),
        }
    }
}

/// Neither keys nor addresses nor contents.
impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Commit(batch) => f.debug_tuple("Commit").field(&batch.changes.len()).finish(),
            Self::Read { read, .. } => f.debug_tuple("Read").field(read).finish(),
            Self::Stretch { stretch, .. } => f.debug_tuple("Stretch").field(stretch).finish(),
            Self::TakeLead => f.write_str("TakeLead"),
            Self::UseRelay { relay, order } => {
                f.debug_tuple("UseRelay").field(relay).field(order).finish()
            }
            Self::Reconnect => f.write_str("Reconnect"),
            Self::Dial { link, .. } => f.debug_tuple("Dial").field(link).finish(),
            Self::OpenNode { link, .. } => f.debug_tuple("OpenNode").field(link).finish(),
            Self::Host { relay, destination } => f
                .debug_tuple("Host")
                .field(relay)
                .field(&destination.is_some())
                .finish(),
            Self::Work { work, .. } => f.debug_tuple("Work").field(work).finish(),
            Self::Admit { link, .. } => f.debug_tuple("Admit").field(link).finish(),
            Self::Send { link, frame } => f
                .debug_tuple("Send")
                .field(link)
                .field(&frame.len())
                .finish(),
            Self::Close(link) => f.debug_tuple("Close").field(link).finish(),
            Self::Tell(told) => f.debug_tuple("Tell").field(told).finish(),
        }
    }
}

impl std::fmt::Debug for RelayOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RelayOrder([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_prints_neither_address_nor_key() {
        let dial = Effect::Dial {
            relay: RelayId(1),
            link: LinkId(2),
            address: [171; 32],
            hint: [172; 20],
            psk: Zeroizing::new([173; 32]),
        };
        assert_eq!(format!("{dial:?}"), "Dial(LinkId(2))");
    }

    #[test]
    fn an_input_prints_neither_key_nor_frame() {
        let key = Some(Zeroizing::new([173; 32]));
        let stretched = Input::Stretched { stretch: 1, key };
        assert_eq!(format!("{stretched:?}"), "Stretched(1)");
        let frame = vec![171; 9];
        let link = LinkId(2);
        let arrived = Input::Frame { link, frame };
        assert_eq!(format!("{arrived:?}"), "Frame(LinkId(2), 9)");
        let incoming = Input::Incoming {
            link,
            relay: RelayId(1),
            hint: [172; 20],
        };
        assert_eq!(format!("{incoming:?}"), "Incoming(LinkId(2))");
    }
}
