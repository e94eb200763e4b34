//! The control stream: the first stream of a connection, opened by the browser.
//!
//! Flow:
//! 1. browser: [`FromMember::Hello`]
//! 2. relay: [`FromRelay::Welcome`] or [`FromRelay::Refused`] (and the connection ends)
//! 3. relay: [`FromRelay::Router`] whenever the router's stage changes, at once after the welcome too
//! 4. browser: [`FromMember::Host`]; relay: [`FromRelay::Hosting`] whenever that changes
//! 5. both: [`FromMember::Ping`] / [`FromRelay::Pong`]
//!
//! Every message is one length-prefixed frame (see [`crate::frame`]) of CBOR with numbered fields; unknown fields and unknown
//! kinds of messages from a newer relay are skipped, so that version 1 can grow.

/// The version spoken here, in both hellos.
pub const VERSION: u16 = 1;
/// The largest control message, in bytes: the 679-byte blob of a destination and slack.
pub const MAX_CONTROL_BYTES: usize = 4 * 1024;

/// What a browser says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromMember {
    /// First of all.
    Hello {
        /// [`VERSION`].
        version: u16,
        /// The relay's join secret.
        join_secret: [u8; 16],
        /// The member's account at this relay: a random bearer key; the relay keeps its hash only.
        account: [u8; 32],
    },
    /// Host this destination until told otherwise; a second one replaces the first.
    Host {
        /// 679 bytes, see `komrade_i2p::Destination`.
        blob: Vec<u8>,
    },
    /// Stop hosting at once, without the grace time.
    Unhost,
    /// Answer with a [`FromRelay::Pong`] that repeats this.
    Ping(u64),
}

/// What a relay says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromRelay {
    /// The member is admitted.
    Welcome {
        /// [`VERSION`].
        version: u16,
        /// What this relay allows.
        limits: Limits,
        /// A session of this account was still there and is resumed.
        resumed: bool,
    },
    /// The member is not admitted, or is dismissed; the connection ends.
    Refused(Refusal),
    /// The router's stage.
    Router(Stage),
    /// The stage of the member's destination.
    Hosting(Hosting),
    /// See [`FromMember::Ping`].
    Pong(u64),
}

/// What a relay allows one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Streams open at once, both directions together.
    pub streams: u16,
    /// Bytes of one WebSocket message.
    pub websocket_message: u32,
    /// Bytes in flight over all streams of the connection.
    pub in_flight: u32,
    /// Seconds until the first control message and each stream header must be complete.
    pub handshake_seconds: u16,
    /// Seconds after which a silent connection is closed.
    pub idle_seconds: u16,
    /// Seconds after which a silent stream is closed.
    pub stream_idle_seconds: u16,
}

/// Why a member is refused or dismissed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Refusal {
    /// The join secret is wrong.
    JoinSecret = 1,
    /// The version is not spoken here.
    Version = 2,
    /// As many connections as the relay takes.
    Full = 3,
    /// The account connected anew from elsewhere.
    Replaced = 4,
    /// Something that is no valid message.
    Protocol = 5,
    /// The relay is shutting down.
    ShuttingDown = 6,
    /// Nothing was heard for the idle time.
    Idle = 7,
}

/// The stage of the relay's router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Starting.
    Starting,
    /// Fetching a first list of routers.
    Reseeding {
        /// From 1.
        attempt: u32,
    },
    /// No routers known and none to be had.
    NoRouters {
        /// Seconds until the next attempt.
        retry_in: u32,
    },
    /// Building first tunnels.
    Building {
        /// Known routers.
        routers: u32,
    },
    /// Working.
    Ready {
        /// Known routers; 0 if not known.
        routers: u32,
    },
    /// Down, being restarted or reached again.
    Failed {
        /// Seconds until the next attempt.
        retry_in: u32,
    },
}

/// The stage of a member's destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hosting {
    /// Not hosted.
    Off,
    /// Waits for the router.
    Waiting,
    /// The session is being created.
    Building {
        /// From 1.
        attempt: u32,
    },
    /// Up: streams are accepted.
    Up,
    /// As many destinations as this relay hosts.
    Full,
    /// The blob is no destination that routers accept.
    BadDestination,
    /// Failed.
    Failed {
        /// Seconds until the next attempt.
        retry_in: u32,
    },
}
