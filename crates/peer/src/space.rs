//! Collectives: what lies between their governance (`komrade_social::collective`), their keys
//! (`komrade_crypto::group`) and the screens.
//!
//! Flow of an operation: [`Open::space_say`] signs it and keeps it → it is sealed as content, or as
//! control if it concerns who belongs → one envelope for each home of the members (`outbox`) → the
//! others' devices recognise it by its hint, open it, check its signature and its author's place among
//! the members, keep it and show it (`arrive`, `account`). What comes before what it needs waits.
//!
//! Flow of an admission (`candidacy`, `requests`, `bringing_in`): offer and answer in the conversation of two comrades → proposal,
//! vouches → a voucher welcomes the candidate with the history of control operations → the candidate
//! computes the same, enters by an operation of their own → a new seed (`seeds`).
//!
//! Nothing leaves because something arrived. What follows from mail is done at times that are drawn
//! like those of acknowledgements ([`Open::space_duties`], `duties`), or with the person's next word. A new seed leaves
//! after a random wait of its own.
//!
//! What was said before goes to a newcomer if the rules share it (`history`).
//!
//! Whatever is lost is noticed by what follows, asked for and supplied (`supply`); so that something follows, whoever hears nothing speaks
//! up (`reminding`).
//!
//! Parts: formats (`frame`), records (`places`), keys (`keys`), what is shown (`views`, `queue`, `rules`), what the
//! person asks (`commands`).
//!
//! Left out on purpose: ballots that are secret.

mod account;
mod arrive;
mod bringing_in;
mod candidacy;
mod commands;
mod duties;
pub(crate) mod frame;
mod history;
mod keys;
mod membership;
mod newcomer;
mod outbox;
pub(crate) mod places;
mod proposals;
mod queue;
mod quota;
mod reminding;
mod requests;
mod rules;
mod say;
mod seeds;
mod society;
mod supply;
#[cfg(all(test, feature = "collectives"))]
mod tests;
mod views;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use komrade_crypto::{
    first_contact::Party,
    group::{self, Commit, LeafRecord, LeafRing, Member, MemberRoot, Space as GroupSpace},
    identity::PersonId,
};
use komrade_ether::Envelope;
use komrade_social::{OperationId, collective::Operation};
use komrade_store::{Record, Table};
use komrade_view::{CollectiveId, ComradeId, Millis};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use self::{
    bringing_in::{Escort, Offer, Welcoming},
    frame::{Load, Progress},
    history::Telling,
    keys::Keys,
    newcomer::{Gathering, Reading},
    outbox::Entry,
    reminding::Silence,
    requests::Request,
    society::Society,
};
use crate::{
    home::{self, Home, NodeHome},
    limits,
    open::Open,
    own::SecretBytes,
    records::{self, Damaged},
    step::Step,
};

/// Whether this build carries collectives: feature `collectives`. Every way into the modules here ends at once if it does not, so that
/// the compiler leaves all of them out.
pub(crate) const ON: bool = cfg!(feature = "collectives");

/// What is to be sealed: the parts of a load, in clear.
pub(crate) type Draft = Load;

/// Where this person stands, as far as the operations do not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// A comrade offers to propose them.
    Invited {
        by: ComradeId,
    },
    /// They said yes.
    Candidate {
        by: ComradeId,
        since: Millis,
    },
    /// They opened a link and have not asked yet.
    Linked {
        by: ComradeId,
    },
    /// They asked to be proposed.
    Asked {
        by: ComradeId,
        since: Millis,
    },
    /// A member, or about to be one: the operations say whether resting.
    Member,
    Left(Millis),
    Removed(Millis),
    NotAdmitted(Millis),
    Dissolved(Millis),
}

impl Place {
    /// It is over, and may be forgotten.
    fn is_over(self) -> bool {
        self != Self::Member && self.coming_by().is_none()
    }

    /// Of whoever is coming in: who proposes them, or was asked to.
    fn coming_by(self) -> Option<ComradeId> {
        match self {
            Self::Candidate { by, .. } | Self::Asked { by, .. } => Some(by),
            _ => None,
        }
    }
}

/// A post as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostRecord {
    pub(crate) id: ByteArray<32>,
    pub(crate) by: PersonId,
    pub(crate) name: String,
    /// One's own: its number.
    pub(crate) mine: Option<u64>,
    pub(crate) text: String,
    pub(crate) reply_to: Option<(ByteArray<32>, String)>,
    pub(crate) mentions_me: bool,
    pub(crate) written_at: Millis,
    pub(crate) kept_at: Millis,
}

/// What is stored of a collective, beside its parts.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SpaceRecord {
    /// Its id: that of its first operation.
    pub(crate) space: ByteArray<32>,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// What an offer told: the operation with the rules, and how many members there were. Only the first operation of all proves
    /// itself; until the history is here, the rest is what a comrade says.
    pub(crate) offered: Option<(serde_bytes::ByteBuf, u64)>,
    /// Where the person stood before they were offered to come back.
    pub(crate) place_before: Option<Place>,
    /// That of the founding, or of the admission of this person.
    pub(crate) since: Millis,
    next_arrival: u64,
    pub(crate) next_ordinal: u64,
    next_entry: u64,
    pub(crate) read_up_to: u64,
    /// Ordinals of posts not seen by the person; the newest ones.
    pub(crate) unread: Vec<u64>,
    /// Those of them that mention the person.
    pub(crate) mentions: Vec<u64>,
    pub(crate) last: Option<(u64, PostRecord)>,
    pub(crate) active_at: Millis,
    pub(crate) version: u64,
    leaves: SecretBytes,
    /// When this device said something last, by its own operation.
    pub(crate) spoke_at: Millis,
    /// Of one's own operations: the newest number and its id.
    pub(crate) sequence: u64,
    pub(crate) previous: Option<ByteArray<32>>,
    /// What was said before one came in: nothing up to these numbers is missing.
    pub(crate) floors: Vec<(ByteArray<32>, u64)>,
    /// Up to which of one's own operations each device has seen them.
    pub(crate) seen: Vec<(ByteArray<32>, u64)>,
    pub(crate) offers: Vec<Offer>,
    pub(crate) escorts: Vec<Escort>,
    /// When a new seed is drawn.
    pub(crate) reseed_at: Option<Millis>,
    /// Somebody went since the newest seed was drawn.
    pub(crate) is_shrunk: bool,
    /// By this the homes are known that the members were told of.
    pub(crate) homes_told: Option<ByteArray<32>>,
    /// Which name they were told, as a count of changes.
    pub(crate) name_told: u64,
    /// When something missing was asked for last, and how often.
    pub(crate) asked_at: Option<Millis>,
    pub(crate) asked: u8,
    /// Welcomes whose parts are being gathered, or were: one of whoever offered, one of another.
    pub(crate) welcomes: Vec<Gathering>,
    /// Whose offer was taken, and whose welcome.
    pub(crate) offered_by: Option<ComradeId>,
    pub(crate) welcomed_by: Option<ComradeId>,
    /// Who asks this person to be proposed.
    #[serde(default)]
    pub(crate) requests: Vec<Request>,
    /// Candidates who took it back.
    #[serde(default)]
    pub(crate) withdrawn: Vec<PersonId>,
    /// Of a candidacy of one's own: how far it was when that was told, and when.
    #[serde(default)]
    pub(crate) progress: Option<(Progress, Millis)>,
    /// A device said two things at once.
    pub(crate) is_copied: bool,
    /// The person forgot it: what is left goes record by record.
    pub(crate) is_forgotten: bool,
    /// Posts up to this one are gone.
    pub(crate) gone_up_to: u64,
    /// The newest final checkpoint that this device has seen, or was told of with the welcome.
    #[serde(default)]
    pub(crate) pinned: Option<ByteArray<32>>,
    /// Since when nobody has answered to what this device said, and the number of the last of that.
    #[serde(default)]
    pub(crate) unanswered: Option<(Silence, u64)>,
    /// Since when nothing came under the keys in use.
    #[serde(default)]
    pub(crate) unheard: Option<Silence>,
}

/// An operation as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct OperationRecord {
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Vec<u8>,
    /// Content: the seed that it came under. Whoever lacks it gets it under that one again.
    pub(crate) commit: Option<Commit>,
    /// The post that it shows.
    pub(crate) ordinal: Option<u64>,
    /// The day on which it came; 0: not noted.
    #[serde(default)]
    pub(crate) day: u32,
}

/// What is known of an operation that is kept.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) bytes: Vec<u8>,
    pub(crate) person: PersonId,
    pub(crate) arrival: u64,
    pub(crate) commit: Option<Commit>,
    pub(crate) ordinal: Option<u64>,
    /// The day on which it came; 0: not noted.
    pub(crate) day: u32,
    /// The day after which it is not kept.
    pub(crate) expiry_day: u32,
    /// Whose it is.
    pub(crate) device: [u8; 32],
    /// It concerns who belongs.
    pub(crate) is_control: bool,
    /// It was said by a person, who may say so much.
    pub(crate) is_said: bool,
    /// It has a place; otherwise it waits for what it builds on.
    pub(crate) is_placed: bool,
}

impl Known {
    pub(crate) fn record(&self) -> OperationRecord {
        OperationRecord {
            bytes: self.bytes.clone(),
            commit: self.commit,
            ordinal: self.ordinal,
            day: self.day,
        }
    }
}

/// Operations by time.
pub(crate) type Newest = BTreeSet<(Millis, OperationId)>;

/// A control operation that waits for those before it.
pub(crate) struct Unplaced {
    pub(crate) person: PersonId,
    pub(crate) device: [u8; 32],
}

/// An operation that is missing.
pub(crate) struct Wanted {
    /// 0: since before the vault was opened.
    pub(crate) since: Millis,
    /// Whose operation names it.
    pub(crate) by: PersonId,
    /// It may have been said before this person came in, to others.
    pub(crate) may_be_before: bool,
}

/// A person who is or was a member.
#[derive(Clone, Default)]
pub(crate) struct Person {
    pub(crate) name: String,
    /// Of the operation that says so.
    named: (Millis, [u8; 32]),
    pub(crate) heard_at: Option<Millis>,
}

/// A device of a member.
#[derive(Clone, Default)]
pub(crate) struct DeviceState {
    pub(crate) homes: Vec<Home>,
    told: (Millis, [u8; 32]),
    pub(crate) leaf: Option<LeafRecord>,
    /// Its newest operation.
    pub(crate) head: Option<(u64, OperationId)>,
    pub(crate) heard_at: Millis,
}

impl Known {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        records::encode(&self.record())
    }
}

impl Person {
    /// The operation that says the name.
    fn latest(&self) -> Option<OperationId> {
        (self.named.0 > 0).then_some(OperationId(self.named.1))
    }
}

impl DeviceState {
    /// The operation that says where it is found.
    fn latest(&self) -> Option<OperationId> {
        (self.told.0 > 0).then_some(OperationId(self.told.1))
    }
}

/// What an operation says of a seed.
pub(crate) struct ToldSeed {
    pub(crate) context: Vec<OperationId>,
    pub(crate) root: [u8; 32],
    pub(crate) time: Millis,
    pub(crate) by: PersonId,
}

/// A load that does not open yet.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) expiry: u32,
    /// The seed that is missing.
    pub(crate) commit: Option<Commit>,
    /// That under which it came.
    #[serde(default)]
    pub(crate) under: Option<Commit>,
    /// Not before then: it holds something of a later day.
    #[serde(default)]
    pub(crate) until: Millis,
    #[serde(with = "serde_bytes")]
    pub(crate) load: Vec<u8>,
}

/// A part of a welcome.
#[derive(Serialize, Deserialize)]
struct PartRecord {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    /// When the welcome was made; 0: not noted.
    #[serde(default)]
    made_at: Millis,
}

/// A collective in memory.
pub(crate) struct Space {
    pub(crate) record: SpaceRecord,
    pub(crate) society: Society,
    pub(crate) keys: Keys,
    pub(crate) people: BTreeMap<PersonId, Person>,
    pub(crate) devices: BTreeMap<[u8; 32], DeviceState>,
    pub(crate) known: BTreeMap<OperationId, Known>,
    /// Operations that others name and that are not here.
    pub(crate) wanted: BTreeMap<OperationId, Wanted>,
    /// What was said by somebody who was not, or is no more, a member at the time; it may count again.
    pub(crate) void: BTreeSet<OperationId>,
    /// What can never count, so that it is not asked for.
    pub(crate) refused: BTreeSet<OperationId>,
    /// What was said and waits for control operations.
    pub(crate) pending: Vec<Operation>,
    /// Control operations that wait for those before them.
    pub(crate) unplaced: BTreeMap<OperationId, Unplaced>,
    /// Of each device the newest names, homes and seeds, by kind.
    pub(crate) standing: BTreeMap<([u8; 32], u64), Newest>,
    pub(crate) outbox: BTreeMap<u64, Entry>,
    pub(crate) waiting: BTreeMap<[u8; 32], Waiting>,
    pub(crate) parts: BTreeMap<u64, Vec<u8>>,
    /// Where parts stand of welcomes that are over, to be deleted.
    pub(crate) spent: BTreeSet<u64>,
    /// A welcome that is being taken in.
    pub(crate) reading: Option<Reading>,
    /// Operations of the vault, by arrival, until all are here and what is pinned is known.
    pub(crate) unread: BTreeMap<u64, OperationRecord>,
    pub(crate) questions: Vec<supply::Question>,
    /// What was asked for last: operations and seeds.
    pub(crate) asked_for: BTreeSet<[u8; 32]>,
    /// Devices that asked for what they may not have, and what that is.
    pub(crate) kept_from: BTreeSet<([u8; 32], [u8; 32])>,
    /// A welcome that is being said.
    pub(crate) welcoming: Option<Welcoming>,
    /// What a newcomer is being given of before.
    pub(crate) telling: Option<Telling>,
    /// Packs of a new seed that had no room in the step, each with the seed that it is hinted under: one of each home,
    /// [`limits::MAX_PACKS`] of them.
    pub(crate) packs: VecDeque<(Commit, NodeHome, Load)>,
    /// Questions whose turn came.
    pub(crate) answered: VecDeque<supply::Answered>,
    /// When each proposal was first seen to be decided, to take turns.
    pub(crate) decided: BTreeMap<OperationId, Millis>,
    /// The seeds that operations tell of, by commitment and operation.
    pub(crate) told_seeds: BTreeMap<([u8; 32], OperationId), ToldSeed>,
    /// Homes that refused, and until when they are not the first to be tried.
    pub(crate) shunned: BTreeMap<Spot, Millis>,
    /// Entries of the outbox whose homes changed in this step.
    pub(crate) retargeted: BTreeSet<u64>,
    /// Arrivals of operations that are forgotten, to be deleted.
    pub(crate) gone: Vec<u64>,
    /// What is kept of what persons said.
    pub(crate) quota: quota::Quota,
    /// The day on which leaf keys of whoever is no member went last.
    pub(crate) pruned: u32,
    /// The day on which all operations had gone whose time was over.
    pub(crate) cleared: u32,
    /// The devices of all members when that was looked at last.
    pub(crate) members_before: BTreeSet<[u8; 32]>,
    /// The beginnings of what was said, for answers to it.
    pub(crate) beginnings: BTreeMap<OperationId, String>,
    /// Posts that are not shown yet: those that came in this step, and what had no room in the one before.
    pub(crate) fresh: Vec<Operation>,
    /// This device.
    pub(crate) own: Party,
}

/// A home, told apart by address, key and bucket.
pub(crate) type Spot = ([u8; 32], [u8; 32], u16);

fn spot(home: &NodeHome) -> Spot {
    (home.address, home.key, home.bucket)
}

/// All collectives, and what concerns all of them.
#[derive(Default)]
pub(crate) struct Spaces {
    all: BTreeMap<CollectiveId, Space>,
    /// When duties are done next.
    pub(crate) duty_at: Option<Millis>,
    /// The newest envelopes that nobody here recognised: a seed that comes late may tell whose they
    /// are.
    strangers: VecDeque<Envelope>,
    /// Where something came that may let loads open, see `waiting`.
    renewed: BTreeSet<CollectiveId>,
    /// There is a new seed: strangers are looked at again.
    looks_again: bool,
    /// What waits is being looked at.
    is_following: bool,
    /// Records of collectives that are not there any more, to be deleted.
    orphans: Vec<(Table, Vec<u8>)>,
}

impl std::ops::Deref for Spaces {
    type Target = BTreeMap<CollectiveId, Space>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl std::ops::DerefMut for Spaces {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.all
    }
}

impl SpaceRecord {
    pub(crate) fn new(space: [u8; 32], name: String, place: Place, now: Millis) -> Self {
        Self {
            space: space.into(),
            name,
            place,
            offered: None,
            place_before: None,
            since: now,
            next_arrival: 1,
            next_ordinal: 1,
            next_entry: 1,
            read_up_to: 0,
            unread: Vec::new(),
            mentions: Vec::new(),
            last: None,
            active_at: now,
            version: 1,
            leaves: SecretBytes(LeafRing::new().to_bytes().to_vec()),
            spoke_at: 0,
            sequence: 0,
            previous: None,
            floors: Vec::new(),
            seen: Vec::new(),
            offers: Vec::new(),
            escorts: Vec::new(),
            reseed_at: None,
            is_shrunk: false,
            homes_told: None,
            name_told: 0,
            asked_at: None,
            asked: 0,
            welcomes: Vec::new(),
            offered_by: None,
            welcomed_by: None,
            requests: Vec::new(),
            withdrawn: Vec::new(),
            progress: None,
            is_copied: false,
            is_forgotten: false,
            gone_up_to: 0,
            pinned: None,
            unanswered: None,
            unheard: None,
        }
    }

    /// What is left when somebody who was a member before is offered to come back: the chain of what this
    /// device said, and what was read.
    fn anew(&self, place: Place, now: Millis) -> Self {
        Self {
            place,
            place_before: match self.is_invited() {
                true => self.place_before,
                false => Some(self.place),
            },
            welcomes: Vec::new(),
            offered_by: None,
            welcomed_by: None,
            reseed_at: None,
            escorts: Vec::new(),
            offers: Vec::new(),
            requests: Vec::new(),
            progress: None,
            unanswered: None,
            unheard: None,
            active_at: now,
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }

    fn is_invited(&self) -> bool {
        matches!(self.place, Place::Invited { .. } | Place::Linked { .. })
    }

    /// Nothing of this device up to this number is missing.
    pub(crate) fn floor(&self, device: &[u8; 32]) -> u64 {
        let is = |(of, _): &&(ByteArray<32>, u64)| **of == *device;
        self.floors.iter().find(is).map_or(0, |(_, floor)| *floor)
    }

    pub(crate) fn take_arrival(&mut self) -> u64 {
        let arrival = self.next_arrival;
        self.next_arrival = arrival.saturating_add(1);
        arrival
    }

    /// A post is shown no more.
    fn hide(&mut self, ordinal: u64) {
        self.unread.retain(|other| *other != ordinal);
        self.mentions.retain(|other| *other != ordinal);
        self.last = self.last.take().filter(|(last, _)| *last != ordinal);
    }

    /// The person has seen everything up to here.
    pub(crate) fn mark_read(&mut self, up_to: u64) {
        let newest = self.next_ordinal.saturating_sub(1);
        self.read_up_to = self.read_up_to.max(up_to.min(newest));
        let up_to = self.read_up_to;
        self.unread.retain(|ordinal| *ordinal > up_to);
        self.mentions.retain(|ordinal| *ordinal > up_to);
    }
}

impl Space {
    pub(crate) fn new(record: SpaceRecord, own: Party) -> Self {
        Self {
            record,
            own,
            society: Society::default(),
            keys: Keys::default(),
            people: BTreeMap::new(),
            devices: BTreeMap::new(),
            known: BTreeMap::new(),
            wanted: BTreeMap::new(),
            void: BTreeSet::new(),
            refused: BTreeSet::new(),
            pending: Vec::new(),
            unplaced: BTreeMap::new(),
            standing: BTreeMap::new(),
            outbox: BTreeMap::new(),
            waiting: BTreeMap::new(),
            parts: BTreeMap::new(),
            spent: BTreeSet::new(),
            reading: None,
            unread: BTreeMap::new(),
            questions: Vec::new(),
            asked_for: BTreeSet::new(),
            kept_from: BTreeSet::new(),
            welcoming: None,
            telling: None,
            packs: VecDeque::new(),
            answered: VecDeque::new(),
            decided: BTreeMap::new(),
            told_seeds: BTreeMap::new(),
            shunned: BTreeMap::new(),
            retargeted: BTreeSet::new(),
            gone: Vec::new(),
            quota: quota::Quota::default(),
            pruned: 0,
            cleared: 0,
            members_before: BTreeSet::new(),
            beginnings: BTreeMap::new(),
            fresh: Vec::new(),
        }
    }

    /// What the keys are bound to.
    pub(crate) fn group(&self) -> GroupSpace {
        GroupSpace::collective(*self.record.space)
    }

    pub(crate) fn id(&self) -> OperationId {
        OperationId(*self.record.space)
    }

    fn take_entry_number(&mut self) -> u64 {
        let number = self.record.next_entry;
        self.record.next_entry = number.saturating_add(1);
        number
    }

    /// Something that a detail shows has changed.
    pub(crate) fn note_changed(&mut self, now: Millis) {
        self.record.version = self.record.version.saturating_add(1);
        self.record.active_at = now;
    }

    /// This person belongs to it.
    pub(crate) fn is_in(&self) -> bool {
        self.record.place == Place::Member && self.society.is_member(&self.own.person)
    }

    /// The hash of these members; `None` if there are none.
    pub(crate) fn root_of(&self, members: Vec<Member>) -> Option<MemberRoot> {
        MemberRoot::of(&self.group(), members).ok()
    }

    /// That of the members as they are now.
    pub(crate) fn root(&self) -> Option<MemberRoot> {
        self.society.root(&self.group())
    }

    /// Seeds that must not go: the one to send under, and those of what waits to leave.
    pub(crate) fn seeds_in_use(&self, today: u32) -> BTreeSet<Commit> {
        let chosen = self.root().and_then(|root| self.keys.choose(&root, today));
        let waiting = self.outbox.values().filter_map(|entry| entry.commit);
        waiting.chain(chosen).chain(self.keys.newest()).collect()
    }

    /// Every home of the members' devices but this one, each once.
    pub(crate) fn homes(&self) -> Vec<NodeHome> {
        let members = self.society.devices();
        let own = self.own.device;
        let others = members.iter().filter(|member| member.device != own);
        self.homes_of(others.map(|member| member.device))
    }

    /// The homes of some devices, each once.
    pub(crate) fn homes_of(&self, devices: impl Iterator<Item = [u8; 32]>) -> Vec<NodeHome> {
        let mut seen = BTreeSet::new();
        let mut homes = Vec::new();
        for device in devices {
            let state = self.devices.get(&device);
            let home = state.and_then(|state| self.pick(&state.homes));
            if let Some(home) = home
                && seen.insert(spot(home))
            {
                homes.push(*home);
            }
        }
        homes
    }

    /// Which of a device's homes something is put to, for it reads all of them: the first that did not refuse lately, or the first.
    /// Who rests or left a relay names another one first.
    pub(crate) fn pick<'a>(&self, homes: &'a [Home]) -> Option<&'a NodeHome> {
        let mut takes =
            home::nodes_of(homes).filter(|home| !self.shunned.contains_key(&spot(home)));
        takes.next().or_else(|| home::node_of(homes))
    }

    /// Takes out one thing that is stored beside the collective's own record: where its records stand, two at most. Nothing: there is
    /// none left.
    fn pop_records(&mut self, id: CollectiveId) -> Vec<(Table, Vec<u8>)> {
        let key = if let Some(commit) = self.keys.pop() {
            places::seed(id, &commit.0)
        } else if let Some((device, _)) = self.devices.pop_first() {
            places::leaf(id, &device)
        } else if let Some((load, _)) = self.waiting.pop_first() {
            places::waiting(id, &load)
        } else if let Some((number, _)) = self.parts.pop_first() {
            places::part(id, number)
        } else if let Some(number) = self.spent.pop_first() {
            places::part(id, number)
        } else if let Some((number, _)) = self.outbox.pop_first() {
            let keys = [places::entry(id, number), places::body(id, number)];
            return keys.map(|key| (Table::Spaces, key)).into();
        } else if let Some((_, known)) = self.known.pop_first() {
            let key = places::operation(id, known.arrival);
            return vec![(Table::Operations, key)];
        } else if let Some(arrival) = self.gone.pop() {
            return vec![(Table::Operations, places::operation(id, arrival))];
        } else if self.record.gone_up_to.saturating_add(1) < self.record.next_ordinal {
            self.record.gone_up_to = self.record.gone_up_to.saturating_add(1);
            let key = places::post(id, self.record.gone_up_to);
            return vec![(Table::Posts, key)];
        } else {
            return Vec::new();
        };
        vec![(Table::Spaces, key)]
    }

    /// The name of a person here; empty until known.
    pub(crate) fn name_of(&self, person: &PersonId) -> String {
        let person = self.people.get(person);
        person.map(|it| it.name.clone()).unwrap_or_default()
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut record = self.record.clone();
        record.leaves = SecretBytes(self.keys.leaves.to_bytes().to_vec());
        records::encode(&record)
    }
}

impl Open {
    /// Takes a record of a collective into memory. Said of all that the vault reads when it opens.
    pub(crate) fn load_space(&mut self, table: Table, record: &Record) -> Result<(), Damaged> {
        if !ON {
            return Ok(());
        }
        let value = self.unseal(table, record)?;
        if table == Table::Operations {
            let (id, arrival) = places::parse_numbered(&record.key).ok_or(Damaged)?;
            let Some(space) = self.spaces.get_mut(&id) else {
                self.spaces.orphans.push((table, record.key.clone()));
                return Ok(());
            };
            return space.load_operation(arrival, records::decode(&value)?);
        }
        let (sort, id, rest) = places::parse(&record.key).ok_or(Damaged)?;
        if sort == places::RECORD {
            let record: SpaceRecord = records::decode(&value)?;
            let leaves = LeafRing::from_bytes(&record.leaves.0).map_err(|_| Damaged)?;
            let mut space = Space::new(record, self.device.party());
            space.keys.leaves = leaves;
            self.spaces.insert(id, space);
            return Ok(());
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            self.spaces.orphans.push((table, record.key.clone()));
            return Ok(());
        };
        let number = || Ok(u64::from_be_bytes(rest.try_into().map_err(|_| Damaged)?));
        let hash = || rest.try_into().map_err(|_| Damaged);
        match sort {
            places::SEED => space.keys.load(&value)?,
            places::LEAF => {
                let leaf = LeafRecord::decode(&value).map_err(|_| Damaged)?;
                space.devices.entry(hash()?).or_default().leaf = Some(leaf);
            }
            places::ENTRY => {
                space.outbox.insert(number()?, records::decode(&value)?);
            }
            places::BODY => {
                if let Some(entry) = space.outbox.get_mut(&number()?) {
                    entry.body = value;
                }
            }
            places::WAITING => {
                space.waiting.insert(hash()?, records::decode(&value)?);
            }
            places::PART => {
                space.load_part(number()?, records::decode(&value)?);
            }
            // Of a newer version.
            _ => {}
        }
        Ok(())
    }

    /// What a step touched of collectives.
    pub(crate) fn write_spaces(&mut self, step: &mut Step) {
        if !ON {
            return;
        }
        for id in std::mem::take(&mut step.touched.spaces) {
            let value = self.spaces.get(&id).map(Space::encode);
            step.writes
                .insert((Table::Spaces, places::record(id)), value);
        }
        for (id, commit) in std::mem::take(&mut step.touched.seeds) {
            let state = self.spaces.get(&id).and_then(|it| it.keys.get(&commit));
            let key = (Table::Spaces, places::seed(id, &commit.0));
            step.writes.insert(key, state.map(keys::SeedState::encode));
        }
        for (id, number) in std::mem::take(&mut step.touched.space_entries) {
            let entry = self.spaces.get(&id).and_then(|it| it.outbox.get(&number));
            let key = (Table::Spaces, places::entry(id, number));
            step.writes.insert(key, entry.map(records::encode));
        }
    }

    /// The clock was ahead: no wait is longer than it can be.
    pub(crate) fn bring_down_spaces(&mut self, now: Millis) {
        if !ON {
            return;
        }
        let latest = now.saturating_add(limits::LONGEST_QUIET);
        self.spaces.duty_at = self.spaces.duty_at.map(|at| at.min(latest));
        for space in self.spaces.values_mut() {
            for entry in space.outbox.values_mut() {
                entry.bring_down(now);
            }
            space.keys.bring_down(now);
            let wait = now.saturating_add(u64::from(group::rules::MAX_WAIT_MILLIS));
            space.record.reseed_at = space.record.reseed_at.map(|at| at.min(wait));
            space.record.asked_at = space.record.asked_at.map(|at| at.min(now));
            space.record.silence_bring_down(now);
            let wanted = space.wanted.values_mut().map(|wanted| &mut wanted.since);
            for since in space.decided.values_mut().chain(wanted) {
                *since = (*since).min(now);
            }
        }
    }
}
