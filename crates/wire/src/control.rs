//! The control stream: the first stream of a connection, opened by the browser.
//!
//! Flow:
//! 1. browser: [`FromMember::Hello`]
//! 2. relay: [`FromRelay::Welcome`] or [`FromRelay::Refused`] (and the connection ends)
//! 3. relay: [`FromRelay::Node`], right after the welcome and whenever it changes, whether or not its router is ready
//! 4. relay: [`FromRelay::Router`] whenever the router's stage changes, at once after that too
//! 5. browser: [`FromMember::Host`]; relay: [`FromRelay::Hosting`] whenever that changes
//! 6. both: [`FromMember::Ping`] / [`FromRelay::Pong`]
//!
//! Every message is one length-prefixed frame (see [`crate::frame`]) of CBOR with numbered fields; unknown fields and unknown
//! kinds of messages from a newer relay are skipped, so that version 1 can grow.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    DecodeError,
    fields::{Fields, KIND},
};

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
        join_secret: Zeroizing<[u8; 16]>,
        /// The member's account at this relay: a random bearer key; the relay keeps its hash only.
        account: Zeroizing<[u8; 32]>,
    },
    /// Host this destination until told otherwise; a second one replaces the first.
    Host {
        /// 679 bytes, see `komrade_i2p::Destination`.
        blob: Zeroizing<Vec<u8>>,
    },
    /// Stop hosting at once, without the grace time.
    Unhost,
    /// Answer with a [`FromRelay::Pong`] that repeats this.
    Ping(u64),
}

/// What a relay says.
#[derive(Clone, PartialEq, Eq)]
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
    /// The relay's own node: what a home record at this relay says of it, and whether it still holds what it held.
    Node {
        /// SHA-256 of its I2P destination.
        address: [u8; 32],
        /// Its X25519 public key, for links to it.
        key: [u8; 32],
        /// The put token of this month, with which strangers put to homes here.
        token: [u8; 16],
        /// How many bits its buckets have.
        bits: u8,
        /// Another one than before: it has lost what it held, and cursors into it mean nothing any more.
        incarnation: u64,
    },
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
    /// A reason that this version does not know.
    Other = 255,
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

/// The largest blob a destination may have, in bytes.
const MAX_BLOB_BYTES: usize = 1024;

impl FromMember {
    /// The bytes of the message, to be framed.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Hello {
                version,
                join_secret,
                account,
            } => Fields::new(1)
                .number(1, *version)
                .bytes(2, join_secret.as_slice())
                .bytes(3, account.as_slice()),
            Self::Host { blob } => Fields::new(2).bytes(1, blob),
            Self::Unhost => Fields::new(3),
            Self::Ping(number) => Fields::new(4).number(1, *number),
        }
        .encode()
    }

    /// Reads a message; `None` if it is of a kind that only newer versions know, to be skipped.
    ///
    /// # Errors
    /// See [`DecodeError`]; never [`DecodeError::Unknown`].
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let fields = Fields::decode(bytes, MAX_CONTROL_BYTES)?;
        Ok(Some(match fields.get_number::<u64>(KIND)? {
            1 => Self::Hello {
                version: fields.get_number(1)?,
                join_secret: Zeroizing::new(fields.get_array(2)?),
                account: Zeroizing::new(fields.get_array(3)?),
            },
            2 => {
                let blob = fields.get_bytes(1)?;
                if blob.len() > MAX_BLOB_BYTES {
                    return Err(DecodeError::Invalid(1));
                }
                Self::Host {
                    blob: Zeroizing::new(blob.to_vec()),
                }
            }
            3 => Self::Unhost,
            4 => Self::Ping(fields.get_number(1)?),
            _ => return Ok(None),
        }))
    }
}

impl fmt::Debug for FromMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello { version, .. } => {
                write!(
                    f,
                    "Hello {{ version: {version}, join_secret: [redacted], account: [redacted] }}"
                )
            }
            Self::Host { .. } => f.write_str("Host { blob: [redacted] }"),
            Self::Unhost => f.write_str("Unhost"),
            Self::Ping(number) => f.debug_tuple("Ping").field(number).finish(),
        }
    }
}

impl FromRelay {
    /// The bytes of the message, to be framed.
    pub fn encode(&self) -> Vec<u8> {
        let fields = match self {
            Self::Welcome {
                version,
                limits,
                resumed,
            } => Fields::new(1)
                .number(1, *version)
                .nested(2, limits.fields())
                .number(3, u64::from(*resumed)),
            Self::Refused(refusal) => Fields::new(2).number(1, *refusal as u8),
            Self::Router(stage) => stage.fields(Fields::new(3)),
            Self::Hosting(hosting) => hosting.fields(Fields::new(4)),
            Self::Pong(number) => Fields::new(5).number(1, *number),
            Self::Node {
                address,
                key,
                token,
                bits,
                incarnation,
            } => Fields::new(6)
                .bytes(1, address)
                .bytes(2, key)
                .bytes(3, token)
                .number(4, *bits)
                .number(5, *incarnation),
        };
        fields.encode().to_vec()
    }

    /// Reads a message; `None` if it is of a kind, or tells of a stage, that only newer versions know, to be
    /// skipped. An unknown refusal is [`Refusal::Other`], since the connection ends in any case.
    ///
    /// # Errors
    /// See [`DecodeError`]; never [`DecodeError::Unknown`].
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let fields = Fields::decode(bytes, MAX_CONTROL_BYTES)?;
        Ok(match fields.get_number::<u64>(KIND)? {
            1 => Some(Self::Welcome {
                version: fields.get_number(1)?,
                limits: Limits::from_fields(&fields.get_nested(2)?)
                    .map_err(|_| DecodeError::Invalid(2))?,
                resumed: fields.get_number::<u64>(3)? != 0,
            }),
            2 => Some(Self::Refused(Refusal::from_number(fields.get_number(1)?))),
            3 => Stage::from_fields(&fields)?.map(Self::Router),
            4 => Hosting::from_fields(&fields)?.map(Self::Hosting),
            5 => Some(Self::Pong(fields.get_number(1)?)),
            6 => Some(Self::Node {
                address: fields.get_array(1)?,
                key: fields.get_array(2)?,
                token: fields.get_array(3)?,
                bits: fields.get_number(4)?,
                incarnation: fields.get_number(5)?,
            }),
            _ => None,
        })
    }
}

impl fmt::Debug for FromRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Welcome {
                version,
                limits,
                resumed,
            } => f
                .debug_struct("Welcome")
                .field("version", version)
                .field("limits", limits)
                .field("resumed", resumed)
                .finish(),
            Self::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
            Self::Router(stage) => f.debug_tuple("Router").field(stage).finish(),
            Self::Hosting(hosting) => f.debug_tuple("Hosting").field(hosting).finish(),
            Self::Pong(number) => f.debug_tuple("Pong").field(number).finish(),
            // Which relay it is, and what puts there.
            Self::Node { .. } => f.write_str("Node([redacted])"),
        }
    }
}

impl Limits {
    fn fields(self) -> Fields {
        // Within a message there is no kind; field 0 keeps its number for one to come.
        Fields::new(0)
            .number(1, self.streams)
            .number(2, self.websocket_message)
            .number(3, self.in_flight)
            .number(4, self.handshake_seconds)
            .number(5, self.idle_seconds)
            .number(6, self.stream_idle_seconds)
    }

    fn from_fields(fields: &Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            streams: fields.get_number(1)?,
            websocket_message: fields.get_number(2)?,
            in_flight: fields.get_number(3)?,
            handshake_seconds: fields.get_number(4)?,
            idle_seconds: fields.get_number(5)?,
            stream_idle_seconds: fields.get_number(6)?,
        })
    }
}

impl Refusal {
    fn from_number(number: u64) -> Self {
        match number {
            1 => Self::JoinSecret,
            2 => Self::Version,
            3 => Self::Full,
            4 => Self::Replaced,
            5 => Self::Protocol,
            6 => Self::ShuttingDown,
            7 => Self::Idle,
            _ => Self::Other,
        }
    }
}

impl Stage {
    fn fields(self, fields: Fields) -> Fields {
        match self {
            Self::Starting => fields.number(1, 1_u8),
            Self::Reseeding { attempt } => fields.number(1, 2_u8).number(2, attempt),
            Self::NoRouters { retry_in } => fields.number(1, 3_u8).number(2, retry_in),
            Self::Building { routers } => fields.number(1, 4_u8).number(2, routers),
            Self::Ready { routers } => fields.number(1, 5_u8).number(2, routers),
            Self::Failed { retry_in } => fields.number(1, 6_u8).number(2, retry_in),
        }
    }

    fn from_fields(fields: &Fields) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match fields.get_number::<u64>(1)? {
            1 => Self::Starting,
            2 => Self::Reseeding {
                attempt: fields.get_number(2)?,
            },
            3 => Self::NoRouters {
                retry_in: fields.get_number(2)?,
            },
            4 => Self::Building {
                routers: fields.get_number(2)?,
            },
            5 => Self::Ready {
                routers: fields.get_number(2)?,
            },
            6 => Self::Failed {
                retry_in: fields.get_number(2)?,
            },
            _ => return Ok(None),
        }))
    }
}

impl Hosting {
    fn fields(self, fields: Fields) -> Fields {
        match self {
            Self::Off => fields.number(1, 1_u8),
            Self::Waiting => fields.number(1, 2_u8),
            Self::Building { attempt } => fields.number(1, 3_u8).number(2, attempt),
            Self::Up => fields.number(1, 4_u8),
            Self::Full => fields.number(1, 5_u8),
            Self::BadDestination => fields.number(1, 6_u8),
            Self::Failed { retry_in } => fields.number(1, 7_u8).number(2, retry_in),
        }
    }

    fn from_fields(fields: &Fields) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match fields.get_number::<u64>(1)? {
            1 => Self::Off,
            2 => Self::Waiting,
            3 => Self::Building {
                attempt: fields.get_number(2)?,
            },
            4 => Self::Up,
            5 => Self::Full,
            6 => Self::BadDestination,
            7 => Self::Failed {
                retry_in: fields.get_number(2)?,
            },
            _ => return Ok(None),
        }))
    }
}
