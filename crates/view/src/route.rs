//! The way to the network as the screens show it.

use serde::{Deserialize, Serialize};

use crate::{CollectiveId, ComradeId, Millis};

/// The way from this device to the others, stage by stage.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteView {
    /// The address (`https://host`) of the relay through which what is written leaves now, if any is in
    /// use: the first that is reached, or else the first.
    pub relay: Option<String>,
    /// The connection to that relay; its are the three that follow, too.
    pub link: LinkState,
    /// The relay's I2P router, as the relay says.
    pub router: RouterStage,
    /// This device's destination on that router.
    pub hosting: HostStage,
    /// The relay's node: what keeps envelopes for this device while it is away.
    pub node: NodeStage,
    /// All relays: those in use in their order, those that are being left, one that is tried.
    pub relays: Vec<RelayView>,
    /// Envelopes of others that are kept here, so that the relay may burn.
    pub replicas: ReplicaView,
    /// The relay used before was lost: comrades who have not heard of the new one are looked for.
    pub rescuing: u32,
    /// Dials under way or failed lately; at most 50.
    pub dials: Vec<DialView>,
    /// Messages and posts that wait to leave this device.
    pub waiting: u32,
    /// For whom messages wait and why, and what was handed on without an answer; at most 50.
    pub queues: Vec<QueueView>,
    /// In which collectives posts wait and why; at most 50.
    pub collective_queues: Vec<CollectiveQueueView>,
    /// Bytes sent to and received from relays.
    pub traffic: TrafficView,
    /// The limit for them.
    pub saver: SaverView,
}

/// A relay, with the way through it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RelayView {
    /// By this commands name it, until the vault is locked.
    pub id: u32,
    /// Its address (`https://host`).
    pub origin: String,
    /// What it is to this person.
    pub standing: RelayStanding,
    /// It was not reached for long, and comrades are told of the others first.
    pub rests: bool,
    /// The connection, without its round trip.
    pub link: LinkState,
    /// Its I2P router, without a count of others when it works.
    pub router: RouterStage,
    /// The link to its node.
    pub node: NodeStage,
    /// It has told of a node, which keeps envelopes.
    pub has_node: bool,
}

/// What a relay is to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelayStanding {
    /// In use; what is put leaves through the first such that is reached.
    InUse,
    /// Left, and read until all comrades know, or until then.
    Leaving(Millis),
    /// Tried: connected and nothing else.
    Tried,
}

/// The limit of bytes for a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaverView {
    /// In bytes; 0: none.
    pub limit: u64,
    /// Today's bytes have reached it: envelopes above 8 KiB wait for the next day.
    pub is_held: bool,
}

/// Bytes sent and received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// To the relay.
    pub sent: u64,
    /// From the relay.
    pub received: u64,
}

/// What the connection to the relay carried; days are those of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficView {
    /// Today.
    pub today: Traffic,
    /// In the last 30 days, today among them.
    pub month: Traffic,
}

/// What is queued for a comrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// For whom.
    pub comrade: ComradeId,
    /// Messages that wait to leave this device.
    pub waiting: u32,
    /// Messages that somebody has who passes them on, and that the comrade has not acknowledged.
    pub handed: u32,
    /// What the first of them wait for.
    pub reason: QueueReason,
    /// Which of the homes that the comrade has told of they are for, from 1, and how many these are;
    /// `None` while that is not known.
    pub home: Option<(u8, u8)>,
    /// What was answered last to what waits, if that was a refusal.
    pub refused: Option<PutRefusal>,
}

/// What waits of one's own posts in a collective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectiveQueueView {
    /// Where.
    pub collective: CollectiveId,
    /// Posts that are not handed on yet for every relay that the members use.
    pub waiting: u32,
    /// For how many relays they are not, and of how many: those of the post that lacks most. None of none as long as there are
    /// no keys for it.
    pub homes: (u32, u32),
    /// What the first of them waits for.
    pub reason: QueueReason,
    /// What was answered last to what waits, if that was a refusal.
    pub refused: Option<PutRefusal>,
}

/// What queued messages or posts wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueReason {
    /// The comrade has not answered, so that there are no keys for them, or waits to be confirmed. In a collective: there are no
    /// fresh keys for the members as they are now.
    Keys,
    /// It was refused, see [`QueueView::refused`]; tried again then.
    Patience(Millis),
    /// A quiet moment then: something of theirs has just arrived, and the relay must not be able to
    /// tell by what leaves for whom it was.
    Quiet(Millis),
    /// One's own relay is not reached.
    OwnRelay,
    /// Their own device, for no relay keeps envelopes for them.
    TheirDevice,
    /// Work that a relay asks for is being done.
    Work,
    /// Nothing: they are on their way.
    Turn,
    /// The comrade to fetch them: one's own relay keeps them for both.
    KeptByRelay,
    /// One's own relay to reach theirs, and the comrade to fetch them there.
    HandedOn,
    /// The same, but none of theirs was reached for long: they are looked for at their lifeboat, too.
    Unreached,
}

impl QueueReason {
    /// Until when, if that is known.
    pub fn until(self) -> Option<Millis> {
        match self {
            Self::Patience(until) | Self::Quiet(until) => Some(until),
            _ => None,
        }
    }
}

/// A refusal of something that was to be kept or passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRefusal {
    /// Who refused.
    pub by: RefusedBy,
    /// Why.
    pub why: PutRefusalCode,
}

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusedBy {
    /// One's own relay.
    OwnRelay,
    /// The comrade's relay, or that of members: one's own brought it there.
    TheirRelay,
    /// The comrade's device.
    TheirDevice,
}

/// Why it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PutRefusalCode {
    /// No room for anybody.
    Full,
    /// Expired, by the clock there.
    Expired,
    /// To be kept longer than anything is, by the clock there.
    TooFar,
    /// Not understood.
    Malformed,
    /// Larger than anything that is taken.
    TooLarge,
    /// Of a version that is not known there.
    Foreign,
    /// For nobody there.
    NotForMe,
    /// Too much at once.
    Busy,
    /// Work is due.
    NeedsWork,
    /// The work was too little, too old, or for something else.
    WrongWork,
    /// The token is good no more.
    WrongToken,
    /// One's share of the room is used up.
    OverShare,
    /// Not from this device.
    NotAllowed,
    /// Too much waits there for other relays.
    QueueFull,
    /// The comrade's relay did not answer until it expired.
    Unreachable,
    /// A code of a newer version.
    Unknown,
}

impl PutRefusalCode {
    /// Every one there is, for tests of the catalogue and of the engine.
    pub const ALL: [Self; 16] = [
        Self::Full,
        Self::Expired,
        Self::TooFar,
        Self::Malformed,
        Self::TooLarge,
        Self::Foreign,
        Self::NotForMe,
        Self::Busy,
        Self::NeedsWork,
        Self::WrongWork,
        Self::WrongToken,
        Self::OverShare,
        Self::NotAllowed,
        Self::QueueFull,
        Self::Unreachable,
        Self::Unknown,
    ];
}

/// The connection between the app and its relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// No relay is set.
    NoRelay,
    /// Being made since then.
    Connecting(Millis),
    /// Up since then, with the last measured round trip in milliseconds.
    Up {
        /// Since when.
        since: Millis,
        /// Round trip in milliseconds, once measured.
        round_trip: Option<u32>,
    },
    /// Down; the next attempt is due then.
    Waiting {
        /// When the next attempt is due.
        retry_at: Millis,
        /// How many attempts failed in a row.
        failures: u32,
    },
    /// The relay refused; it is not asked again before the person does something.
    Refused(RefusalCode),
}

/// Why a relay refused a connection or a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RefusalCode {
    /// The join secret is wrong or was changed.
    JoinSecret,
    /// App and relay speak different versions.
    Version,
    /// The relay has as many connections as it takes.
    Full,
    /// The relay hosts as many destinations as it can.
    HostsFull,
    /// The same member is connected from elsewhere, and that connection took over.
    Replaced,
    /// The app said something the relay did not understand.
    Protocol,
    /// The destination's keys were not accepted.
    BadDestination,
    /// The relay shuts down.
    ShuttingDown,
}

/// The relay's I2P router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouterStage {
    /// Not known, because the relay is not reached.
    Unknown,
    /// Starting.
    Starting,
    /// Fetching a first list of routers.
    Reseeding {
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// No routers are known and none could be fetched: the relay's machine has no internet, or the
    /// reseed hosts do not answer.
    NoRouters {
        /// Seconds until the next attempt.
        retry_in: u32,
    },
    /// Routers are known, tunnels are being built.
    BuildingTunnels {
        /// How many routers are known.
        routers: u32,
    },
    /// Working.
    Ready {
        /// How many routers are known; 0 if the router does not tell.
        routers: u32,
    },
    /// The router or its SAM bridge does not answer and is being restarted or reached again.
    Failed {
        /// Seconds until the next attempt.
        retry_in: u32,
    },
}

/// This device's destination on the relay's router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostStage {
    /// Not asked for.
    Off,
    /// Asked for; waits for the router.
    Waiting,
    /// Tunnels are being built.
    Building {
        /// Since when.
        since: Millis,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// Others can reach this device.
    Up {
        /// Since when.
        since: Millis,
    },
    /// Refused.
    Refused(RefusalCode),
    /// Failed; tried again at that time.
    Failed {
        /// When it is tried again.
        retry_at: Millis,
    },
}

/// The node of the relay in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeStage {
    /// Not known, because the relay is not reached or has not told.
    Unknown,
    /// The link to it is being made.
    Opening,
    /// What came while this device was away is being fetched, since then.
    CatchingUp(Millis),
    /// Everything that it has is here, since then.
    Ready(Millis),
}

/// Envelopes of others that are kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaView {
    /// How many.
    pub envelopes: u64,
    /// How large they are together, in bytes.
    pub bytes: u64,
    /// How large they may be, in bytes.
    pub limit: u64,
}

/// A dial to a comrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialView {
    /// To whom.
    pub comrade: ComradeId,
    /// How far.
    pub stage: DialStage,
    /// Since when.
    pub since: Millis,
}

/// How far a dial has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DialStage {
    /// Waits for the relay or its router.
    WaitingForRelay,
    /// A tunnel to the comrade's relay is being looked for.
    Dialing,
    /// Reached; both sides prove who they are.
    Greeting,
    /// Connected.
    Up,
    /// Their relay answers, but their app is closed.
    Away,
    /// Could not be reached; tried again later.
    Unreachable,
}
