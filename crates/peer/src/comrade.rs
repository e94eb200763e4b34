//! A comrade in memory: what is shown of them, what the pair shares, and what waits for them.

use std::collections::BTreeMap;

use komrade_crypto::{
    first_contact::Party,
    identity::{PersonId, pair_code},
    invite::{self, Invite},
};
use komrade_view::{ComradeId, ComradeState, ComradeView, Gap, InviteId, Millis, PutRefusal};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Address, LinkId,
    home::{self, Home},
    limits,
    links::Dialer,
    own::SecretBytes,
    pair::Pair,
    records::{self, Damaged, Entry, Last, Message},
};

/// Who a comrade is, as far as that is known: before their bundle was fetched it is not.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    pub(crate) person: PersonId,
    #[serde(with = "serde_bytes")]
    pub(crate) device: [u8; 32],
}

komrade_crypto::redacted!(Who);

impl Who {
    pub(crate) fn party(&self) -> Party {
        Party {
            person: self.person,
            device: self.device,
        }
    }
}

/// A node at which both of two devices had a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Common {
    /// See [`home::NodeHome::tag`].
    pub(crate) tag: u64,
    /// When the copies that both have of it were compared last.
    pub(crate) compared_at: Option<Millis>,
}

/// What is stored of a comrade, beside what the pair shares.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ComradeRecord {
    pub(crate) name: String,
    pub(crate) who: Option<Who>,
    pub(crate) state: ComradeState,
    pub(crate) verified: bool,
    pub(crate) homes: Vec<Home>,
    /// Their home of before is gone: what was handed on up to then and never acknowledged is to be sent
    /// again.
    #[serde(default)]
    pub(crate) lost_at: Option<Millis>,
    /// Which of their homes that were, see [`home::NodeHome::tag`].
    #[serde(default)]
    pub(crate) lost_homes: Vec<u64>,
    /// The lifeboat of theirs before the one in [`ComradeRecord::homes`].
    #[serde(default)]
    former_lifeboat: Option<Home>,
    /// Nodes at which both devices had a home, and had told the other, the newest last.
    #[serde(default)]
    pub(crate) common: Vec<Common>,
    /// They have had a home at a node: their own destination is for live links only.
    #[serde(default)]
    pub(crate) has_node: bool,
    /// Both may see when the other is there: links are made to their own destination.
    #[serde(default)]
    pub(crate) live: bool,
    /// The invite of theirs that was accepted here, until they answer.
    accepted: Option<SecretBytes>,
    /// How to know that invite again.
    pub(crate) locator: Option<[u8; 16]>,
    /// The invite made here that they answered.
    pub(crate) answered: Option<InviteId>,
    /// They answered one that is given to many then, and were not known before.
    #[serde(default)]
    pub(crate) asks_since: Option<Millis>,
    pub(crate) next_ordinal: u64,
    pub(crate) next_entry: u64,
    pub(crate) read_up_to: u64,
    /// Ordinals of messages not seen by the person; at most [`MAX_UNREAD`], the newest ones.
    unread: Vec<u64>,
    pub(crate) last: Option<Last>,
    pub(crate) active_at: Millis,
    /// Bytes of messages of theirs since the conversation was deleted last.
    #[serde(default)]
    pub(crate) kept_bytes: u64,
    /// Messages up to this ordinal were deleted by the person …
    #[serde(default)]
    pub(crate) deleted_up_to: u64,
    /// … and are gone from the store up to this one.
    #[serde(default)]
    pub(crate) gone_up_to: u64,
    /// The person removed them: what is left of them goes page by page.
    #[serde(default)]
    pub(crate) removed: bool,
    /// Which name of one's own they were told, as a count of changes.
    #[serde(default)]
    pub(crate) name_told: u64,
}

/// So many unread messages are told apart; a person does not count further.
pub(crate) const MAX_UNREAD: usize = 999;

impl ComradeRecord {
    pub(crate) fn new(state: ComradeState, now: Millis) -> Self {
        Self {
            name: String::new(),
            who: None,
            state,
            verified: false,
            homes: Vec::new(),
            lost_at: None,
            lost_homes: Vec::new(),
            former_lifeboat: None,
            common: Vec::new(),
            has_node: false,
            live: false,
            accepted: None,
            locator: None,
            answered: None,
            asks_since: None,
            next_ordinal: 1,
            next_entry: 1,
            read_up_to: 0,
            unread: Vec::new(),
            last: None,
            active_at: now,
            kept_bytes: 0,
            deleted_up_to: 0,
            gone_up_to: 0,
            removed: false,
            name_told: 0,
        }
    }

    /// Forgets all but what is needed to remove the rest.
    pub(crate) fn forget_all(&mut self, now: Millis) {
        *self = Self {
            removed: true,
            next_ordinal: self.next_ordinal,
            next_entry: self.next_entry,
            gone_up_to: self.gone_up_to,
            ..Self::new(self.state, now)
        };
    }

    /// They are found elsewhere from now on.
    pub(crate) fn set_homes(&mut self, homes: Vec<Home>) {
        let before = home::lifeboat_of(&self.homes);
        if before.is_some() && before != home::lifeboat_of(&homes) {
            self.former_lifeboat = before.map(Home::Lifeboat);
        }
        self.homes = homes;
    }

    /// Whether a message of theirs with such a text may still be kept.
    pub(crate) fn has_room_for(&self, text: &str) -> bool {
        let most = if self.is_met() {
            limits::MAX_KEPT_BYTES
        } else {
            limits::MAX_KEPT_BYTES_UNMET
        };
        self.kept_bytes.saturating_add(text.len() as u64) <= most
    }

    /// Both are told of where the other has a home: remembers where they are members of one node.
    pub(crate) fn note_common(&mut self, own: &[Home]) -> bool {
        let theirs = home::nodes_of(&self.homes).map(home::NodeHome::tag);
        let theirs: Vec<u64> = theirs.collect();
        let both = home::nodes_of(own).map(home::NodeHome::tag);
        let both = both.filter(|tag| theirs.contains(tag));
        let new = both.filter(|tag| self.common(*tag).is_none());
        let compared_at = None;
        let new: Vec<Common> = new.map(|tag| Common { tag, compared_at }).collect();
        let is_new = !new.is_empty();
        self.common.extend(new);
        let surplus = self.common.len().saturating_sub(home::MAX_HOMES);
        self.common.drain(..surplus);
        is_new
    }

    /// The node of this tag, if both had a home there.
    pub(crate) fn common(&self, tag: u64) -> Option<&Common> {
        self.common.iter().find(|common| common.tag == tag)
    }

    pub(crate) fn set_accepted(&mut self, invite: &Invite) {
        self.accepted = Some(SecretBytes(invite.encode().to_vec()));
        self.locator = Some(invite.secret.locator());
    }

    pub(crate) fn accepted(&self) -> Option<Invite> {
        Invite::decode(&self.accepted.as_ref()?.0).ok()
    }

    /// They answered: the invite's secret is not needed any longer.
    pub(crate) fn forget_accepted(&mut self) {
        self.accepted = None;
    }

    /// They ask to be confirmed.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(self.state, ComradeState::Asking | ComradeState::AskingAgain)
    }

    /// Their link to a collective was opened here, and the person has not asked yet.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.state == ComradeState::Looking
    }

    /// Nothing is said to them before the person has said yes.
    pub(crate) fn is_undecided(&self) -> bool {
        self.is_asking() || self.is_looked_at()
    }

    pub(crate) fn is_met(&self) -> bool {
        self.state == ComradeState::Met
    }

    /// The person said yes to them: confirmed them, or accepted their invite. Nothing of theirs is
    /// acknowledged before.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_met() || self.state == ComradeState::Asked
    }

    /// Takes the next place in the conversation for a message.
    pub(crate) fn place(&mut self, message: &Message, now: Millis) -> u64 {
        let ordinal = self.next_ordinal;
        self.next_ordinal = ordinal.saturating_add(1);
        self.last = Some(Last::new(ordinal, message));
        self.active_at = now;
        if !message.mine {
            self.kept_bytes = self.kept_bytes.saturating_add(message.text.len() as u64);
            self.unread.push(ordinal);
            if self.unread.len() > MAX_UNREAD {
                self.unread.remove(0);
            }
        }
        ordinal
    }

    /// The person has seen everything up to here.
    pub(crate) fn mark_read(&mut self, up_to: u64) {
        let newest = self.next_ordinal.saturating_sub(1);
        self.read_up_to = self.read_up_to.max(up_to.min(newest));
        self.unread.retain(|ordinal| *ordinal > self.read_up_to);
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        records::encode(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        records::decode(bytes)
    }
}

/// A comrade.
pub(crate) struct Comrade {
    pub(crate) record: ComradeRecord,
    pub(crate) pair: Pair,
    pub(crate) outbox: BTreeMap<u64, Entry>,
    pub(crate) dialer: Dialer,
    /// What waits is being read.
    pub(crate) reading: Option<u64>,
    /// Nothing is sent before: the other side asked for patience, or does not understand.
    pub(crate) hold_until: Millis,
    /// What was answered last to what was sent, if that was a refusal.
    pub(crate) put_refused: Option<PutRefusal>,
    /// Mail of theirs came through the node: what follows from it does not leave before.
    pub(crate) quiet_until: Millis,
    /// Nor does what the person wrote before.
    pub(crate) is_all_quiet: bool,
    /// A message of theirs was refused for want of room.
    pub(crate) is_refused: bool,
    /// A home of theirs does not take the token it gave: so much work is due there.
    pub(crate) refused: Option<(u64, u8)>,
    /// How often what the device had to say, beside operations, was refused by a home of theirs since they were heard.
    pub(crate) reports_refused: u8,
    /// When a link to their device came up while they were looked for: whatever took what was handed on
    /// before may be lost.
    pub(crate) linked_at: Option<Millis>,
    /// On which link the bundle of their invite was asked for.
    pub(crate) fetching: Option<LinkId>,
    /// Bytes of copies that went to their device, or came from there, on this day.
    pub(crate) copied: (u32, u64),
}

impl Comrade {
    pub(crate) fn new(record: ComradeRecord) -> Self {
        Self {
            record,
            pair: Pair::default(),
            outbox: BTreeMap::new(),
            dialer: Dialer::default(),
            reading: None,
            hold_until: 0,
            put_refused: None,
            quiet_until: 0,
            is_all_quiet: false,
            is_refused: false,
            refused: None,
            reports_refused: 0,
            linked_at: None,
            fetching: None,
            copied: (0, 0),
        }
    }

    /// Nothing new is begun with them before.
    pub(crate) fn held_until(&self) -> Millis {
        self.hold_until.max(self.quiet_until)
    }

    /// How much work is due at this home although it gave a token.
    pub(crate) fn refused_bits(&self, home: u64) -> Option<u8> {
        let refused = self.refused.filter(|(there, _)| *there == home);
        refused.map(|(_, bits)| bits)
    }

    /// Messages that no home has.
    pub(crate) fn waiting_messages(&self) -> usize {
        self.queued_messages().0
    }

    /// Messages that no home has, and messages that are not acknowledged.
    pub(crate) fn queued_messages(&self) -> (usize, usize) {
        let entries = self.outbox.values();
        let messages = entries.filter(|entry| entry.ordinal().is_some());
        messages.fold((0, 0), |(waiting, handed), entry| {
            match entry.is_waiting() {
                true => (waiting + 1, handed),
                false => (waiting, handed + 1),
            }
        })
    }

    /// What waits to tell them where this device is found, or may have to be said again.
    pub(crate) fn told(&self) -> Option<&Entry> {
        let operation = self.pair.homes_operation?;
        let mut entries = self.outbox.values();
        entries.find(|entry| entry.sequence() == Some(operation))
    }

    /// The lowest of one's own operations that can still be supplied, beyond those that they said to have: what lies before it is lost to
    /// them if they were set back since. Of those that they have, some may be kept for good, for nobody can say any more whose they are.
    pub(crate) fn lowest(&self) -> u64 {
        let mut kept = self.outbox.values().filter_map(Entry::sequence);
        let has = self.pair.acknowledged.up_to;
        let end = self.pair.sequence.saturating_add(1);
        kept.find(|sequence| *sequence > has).unwrap_or(end)
    }

    /// Whether a report of theirs did not know of an entry that was taken before it came. What is left out to save data is not
    /// missed.
    pub(crate) fn may_miss(&self, entry: &Entry) -> bool {
        let is_larger = entry.sealed.is_some_and(|it| it.is_larger());
        entry.accepted_at.is_some_and(|at| at < self.pair.heard_at) && !is_larger
    }

    /// Whether envelopes are made for them: there are keys, and the person said yes to them.
    pub(crate) fn may_seal(&self) -> bool {
        self.pair.can_seal() && !self.record.is_undecided()
    }

    /// The invite of theirs that was accepted here, while its bundle is still to be fetched.
    pub(crate) fn wants_bundle(&self, today: u32) -> Option<Invite> {
        let valid = |invite: &Invite| today <= u32::from(invite.last_day);
        self.record
            .accepted()
            .filter(|invite| !self.pair.can_seal() && valid(invite))
    }

    /// Something waits for them that none of their homes took, or could be brought to.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        let homes = &self.record.homes;
        let mut entries = self.outbox.values();
        entries.any(|entry| entry.is_out_of_reach(homes))
    }

    /// Where to dial for a link of the two devices, if there is a reason to have one; `rescue`: they
    /// may have lost their homes, and have not heard where this device is found now, or are not found there.
    pub(crate) fn wants_link(&self, today: u32, rescue: bool) -> Vec<Address> {
        if let Some(invite) = self.wants_bundle(today) {
            return match invite.home {
                invite::Home::Peer(address) => vec![address],
                invite::Home::Node { .. } => Vec::new(),
            };
        }
        let homes = &self.record.homes;
        if !self.may_seal() {
            return Vec::new();
        }
        if rescue {
            // They may not know that this device has heard of the one that they drew last.
            let former = self.record.former_lifeboat.as_slice();
            let known = home::lifeboat_of(homes).into_iter();
            return known.chain(home::lifeboat_of(former)).collect();
        }
        let waits = self.outbox.values().any(Entry::is_waiting);
        let direct = self.record.live || !self.record.has_node;
        if waits && direct {
            home::peers_of(homes).collect()
        } else {
            Vec::new()
        }
    }

    pub(crate) fn view(&self, id: ComradeId, own: &PersonId) -> ComradeView {
        let record = &self.record;
        let missing = self.pair.received.missing_count();
        let gap = (missing > 0).then(|| Gap {
            count: u32::try_from(missing).unwrap_or(u32::MAX),
            asked_at: self.pair.asked_at,
        });
        let last = record.last.as_ref();
        ComradeView {
            id,
            name: record.name.clone(),
            person: record
                .who
                .map(|who| who.person.to_string())
                .unwrap_or_default(),
            code: record
                .who
                .map(|who| pair_code(own, &who.person))
                .unwrap_or_default(),
            verified: record.verified,
            live: record.live,
            state: record.state,
            last: last.map(|last| last.message.view(last.ordinal, last.tick)),
            unread: u32::try_from(record.unread.len()).unwrap_or(u32::MAX),
            read_up_to: record.read_up_to,
            waiting: u32::try_from(self.waiting_messages()).unwrap_or(u32::MAX),
            gap,
            lost: u32::try_from(self.pair.received.lost_count()).unwrap_or(u32::MAX),
            is_full: self.is_refused,
            is_copied: self.pair.received.is_copied(),
            active_at: record.active_at,
        }
    }

    /// Whether no more messages are taken.
    pub(crate) fn is_full(&self) -> bool {
        let waiting = self.waiting_messages();
        if self.record.is_met() {
            return waiting >= limits::MAX_OUTBOX;
        }
        waiting >= limits::MAX_OUTBOX_UNMET || self.record.next_ordinal > limits::MAX_MESSAGES_UNMET
    }
}
