//! What the screens and the engine say to each other: commands, views and events.
//!
//! The app links this crate and no cipher, no store and no key, so that the page that draws can never
//! leak what it does not hold. Both ends are built from one tree and shipped together, so the encoding
//! (postcard) needs no versions of its own.
//!
//! Texts a person reads are *not* here: the engine speaks in codes ([`Refusal`], [`RouterStage`] …) and
//! the app's catalogue turns them into sentences.

mod circle;
mod collective;
mod command;
mod message;
mod redacted;
mod route;
mod secret;

pub use circle::{
    CircleCommand, CircleComment, CircleDetail, CircleId, CircleOver, CirclePost, CircleReader,
    CircleView, Commenter, MAX_CIRCLE_POST_BYTES, MAX_COMMENT_BYTES,
};
pub use collective::{
    AdmissionRule, Alarm, BallotRule, Candidacy, Choice, CollectiveCommand, CollectiveDetail,
    CollectiveId, CollectiveView, ConstitutionFault, ConstitutionView, MAX_OPTIONS,
    MAX_REASON_CHARS, Matter, MemberView, Needs, Outcome, PersonKey, PostId, PostTick, PostView,
    Posters, PostsView, ProposalId, ProposalView, RequestView, Share, Standing, Template, Voice,
};
pub use command::{
    AckPace, Answer, Command, MAX_DATA_LIMIT, MAX_NAME_CHARS, MAX_REPLICA_BYTES, MAX_TEXT_BYTES,
    MIN_PASSPHRASE_CHARS, Refusal,
};
pub use message::{
    ComradeId, ComradeState, ComradeView, Gap, Introduction, IntroductionId, IntroductionView,
    InviteId, InvitePreview, InviteView, MessageView, PageView, ProfileView, Tick, VaultState,
};
pub use route::{
    CollectiveQueueView, DialStage, DialView, HostStage, LinkState, NodeStage, PutRefusal,
    PutRefusalCode, QueueReason, QueueView, RefusalCode, RefusedBy, RelayStanding, RelayView,
    ReplicaView, RouteView, RouterStage, SaverView, Traffic, TrafficView,
};
pub use secret::Secret;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, as the device's clock tells them.
pub type Millis = u64;

/// The most bytes an encoded [`ToEngine`] or [`FromEngine`] may have: a page of 50 messages of the
/// largest size, with room to spare.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// From the screens to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToEngine {
    /// Chosen by the screens, repeated in [`FromEngine::Done`].
    pub id: u32,
    /// What the person asked for.
    pub command: Command,
}

/// From the engine to the screens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromEngine {
    /// The command with this id ended.
    Done {
        /// The id in [`ToEngine`].
        id: u32,
        /// What came of it.
        result: Result<Answer, Refusal>,
    },
    /// Something changed that the screens show.
    Event(Event),
}

/// A change that the screens show. Each event carries the whole new state of its part.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The vault: absent, locked, open, led by another tab …
    Vault(VaultState),
    /// The person themself.
    Profile(ProfileView),
    /// All comrades, most recently active first; at most 5,000.
    Comrades(Vec<ComradeView>),
    /// Live invites; at most 50.
    Invites(Vec<InviteView>),
    /// A message is new or changed its tick. `ordinal` says where it belongs.
    Message {
        /// Whose conversation.
        comrade: ComradeId,
        /// The message as it now stands.
        message: MessageView,
    },
    /// Introductions, made and offered, the newest first; at most 48.
    Introductions(Vec<IntroductionView>),
    /// All collectives, most recently active first; at most 100.
    Collectives(Vec<CollectiveView>),
    /// All circles, one's own first, then most recently active first; at most 300.
    Circles(Vec<CircleView>),
    /// The way to the network.
    Route(RouteView),
}

/// The bytes were not a message of this build.
#[derive(Debug, thiserror::Error)]
#[error("a message between the page and its worker was damaged or of another version")]
pub struct DamagedMessage;

/// Encodes `message` for the other side.
///
/// # Errors
/// [`DamagedMessage`] if it would exceed [`MAX_MESSAGE_BYTES`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, DamagedMessage> {
    let bytes = postcard::to_allocvec(message).map_err(|_| DamagedMessage)?;
    if bytes.len() > MAX_MESSAGE_BYTES {
        Err(DamagedMessage)
    } else {
        Ok(bytes)
    }
}

/// Decodes what [`encode`] made.
///
/// # Errors
/// [`DamagedMessage`] if the bytes are no `T` of this build or more than [`MAX_MESSAGE_BYTES`].
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DamagedMessage> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(DamagedMessage);
    }
    postcard::from_bytes(bytes).map_err(|_| DamagedMessage)
}
