//! What this device and one of a comrade's share: operations counted in both directions, sessions,
//! outer keys.
//!
//! One record, rewritten with every message. Bounds: [`limits::MAX_SESSIONS`],
//! [`limits::MAX_CONTACTS`], [`limits::MAX_SEEN`], [`limits::MAX_BASE_KEYS`]; outer keys as
//! [`Pair::settle_keys`] says.

mod outer;
mod record;

pub(crate) use outer::Chain;

use std::collections::VecDeque;

use komrade_crypto::{
    bundle::Bundle,
    first_contact::{ContactSecret, Party, ReunionKey},
    link::LinkKey,
    outer::{DetectionKey, OuterKey},
    pairwise::{Message, PairwiseError, Session, SessionId},
};
use komrade_ether::EnvelopeId;
use komrade_social::{Acknowledgement, OperationId, Received, Tag};
use komrade_view::Millis;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{limits, own::SecretBytes, packet::Report};

/// The name of a first contact on both sides.
pub(crate) type Rank = [u8; 32];

/// What grew from one first contact.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) rank: Rank,
    /// Made here, rather than there.
    pub(crate) initiated: bool,
    /// Made here, and nothing has come back yet: kept to repeat the intro.
    pub(crate) secret: Option<ContactSecret>,
    /// The other side has the intro, so that links can be made with the reunion key.
    pub(crate) known: bool,
    pub(crate) reunion: ReunionKey,
}

impl Contact {
    pub(crate) fn new(
        secret: &ContactSecret,
        own: &Party,
        theirs: &Party,
        initiated: bool,
    ) -> Self {
        Self {
            rank: secret.rank(),
            initiated,
            secret: initiated.then(|| secret.clone()),
            known: !initiated,
            reunion: secret.reunion(&own.person, &theirs.person),
        }
    }
}

/// An outer key and its place in the chain that began with a first contact; number 0 is the first.
#[derive(Clone, Serialize, Deserialize)]
struct KeyRecord {
    rank: Rank,
    number: u64,
    key: OuterKey,
    since: Millis,
}

/// The next key of one's own direction, until the other side has it.
#[derive(Clone, Serialize, Deserialize)]
struct OfferRecord {
    next: KeyRecord,
    week: u32,
    #[serde(with = "serde_bytes")]
    encapsulation: Vec<u8>,
}

/// A key with its detection key at hand.
struct Outer {
    record: KeyRecord,
    detection: DetectionKey,
}

impl From<KeyRecord> for Outer {
    fn from(record: KeyRecord) -> Self {
        let detection = record.key.detection();
        Self { record, detection }
    }
}

/// An envelope without an operation that one's own relay took: nothing else is kept of it.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Reported {
    #[serde(with = "serde_bytes")]
    id: [u8; 32],
    /// The home it is for, see [`crate::home::NodeHome::tag`].
    pub(crate) home: u64,
}

impl Reported {
    pub(crate) fn new(id: EnvelopeId, home: u64) -> Self {
        Self { id: id.0, home }
    }

    pub(crate) fn is(&self, id: &EnvelopeId) -> bool {
        self.id == id.0
    }
}

/// Under which key an envelope was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) rank: Rank,
    pub(crate) number: u64,
}

/// An Olm session.
struct SessionState {
    session: Session,
    rank: Rank,
    /// The number of moves of the vault when it was made, see [`crate::own::Own::moves`].
    moves: u64,
    /// When it was made or heard last, as a count.
    order: u64,
    /// Messages since something was heard in it.
    unanswered: u32,
}

#[derive(Serialize, Deserialize)]
struct SessionRecord {
    session: SecretBytes,
    rank: Rank,
    #[serde(default)]
    moves: u64,
    order: u64,
    unanswered: u32,
}

/// Why an Olm message gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// It was opened before, or is not worth keeping.
    Spent,
    /// It may open later.
    Later,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Pair {
    /// Number of one's own newest operation, and its id.
    pub(crate) sequence: u64,
    pub(crate) previous: Option<OperationId>,
    /// Theirs, as far as they came.
    pub(crate) received: Received,
    /// Which of one's own they have.
    pub(crate) acknowledged: Acknowledgement,
    /// When they said so, by their clock.
    pub(crate) acknowledged_at: Millis,
    /// When a report of theirs came last.
    pub(crate) heard_at: Millis,
    /// Up to here another copy of this device may have given out the numbers of one's own operations, too: that they have
    /// one of these is believed only if they name it. 0: nowhere.
    pub(crate) copied_up_to: u64,
    /// Something of theirs came that they have not been told of.
    pub(crate) report_due: bool,
    /// When they were told last.
    pub(crate) reported_at: Millis,
    /// They were told so while larger envelopes were left out, and send none of those again.
    pub(crate) reported_partial: bool,
    /// What told them so last, if that was without an operation: if it is refused on its way they are to be told again.
    pub(crate) reported_in: Option<Reported>,
    /// When missing operations were asked for last.
    pub(crate) asked_at: Option<Millis>,
    /// Their newest bundle, checked before, and its number (0: that of the first contact). Read
    /// when needed: the signatures of thousands would keep the vault from opening at once.
    pub(crate) bundle: Option<Vec<u8>>,
    pub(crate) bundle_number: u64,
    /// The number of one's own bundle that they have.
    pub(crate) bundle_told: u64,
    /// By this the homes of one's own are known that they were told of last.
    pub(crate) homes_told: Option<[u8; 32]>,
    /// The number of the operation that told them.
    pub(crate) homes_operation: Option<u64>,
    /// When they were told last where this device is found, and how often since it changed.
    pub(crate) homes_told_at: Millis,
    pub(crate) homes_repeated: u8,
    /// When a session was opened because others did not fit any longer.
    pub(crate) renewed_at: Option<Millis>,
    /// Something came soon after that and did not open either: another session is due.
    pub(crate) is_stuck: bool,
    /// When keys were offered last.
    pub(crate) offered_at: Option<Millis>,
    /// The numbers of their operations that set name and homes last.
    pub(crate) profile_sequence: u64,
    pub(crate) homes_sequence: u64,
    /// When they wrote the one that set homes last, by their clock.
    pub(crate) homes_time: Millis,
    contacts: Vec<Contact>,
    links: Vec<LinkKey>,
    sessions: Vec<SessionState>,
    clock: u64,
    send: Option<Outer>,
    offer: Option<OfferRecord>,
    receive: Vec<Outer>,
    base_keys: VecDeque<[u8; 32]>,
    seen: VecDeque<[u8; 16]>,
    /// Operations of theirs that came under first contacts of before, and may come again: of a copied device both
    /// halves may make one.
    former: VecDeque<OperationId>,
}

impl Pair {
    // --- first contacts ------------------------------------------------------------------------

    pub(crate) fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    pub(crate) fn contact(&self, rank: &Rank) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.rank == *rank)
    }

    /// The one to send on: the lowest. This decides only between one made here and one made there:
    /// a side that makes another has none of its own from before, see [`Pair::begin_again`].
    pub(crate) fn sending(&self) -> Option<&Contact> {
        self.contacts.iter().min_by_key(|contact| contact.rank)
    }

    /// Whether envelopes still travel as intros.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.sending()
            .is_some_and(|contact| contact.secret.is_some())
    }

    /// Adds a first contact, with the first key of each direction.
    pub(crate) fn add_contact(
        &mut self,
        secret: &ContactSecret,
        own: &Party,
        theirs: &Party,
        initiated: bool,
        now: Millis,
    ) {
        let contact = Contact::new(secret, own, theirs, initiated);
        let key = |key| KeyRecord {
            rank: contact.rank,
            number: 0,
            key,
            since: now,
        };
        self.receive.push(key(secret.outer(theirs, own)).into());
        let send = key(secret.outer(own, theirs));
        self.links.push(contact.reunion.link());
        self.contacts.push(contact);
        if self
            .sending()
            .is_some_and(|lowest| lowest.rank == send.rank)
        {
            self.send = Some(send.into());
            self.offer = None;
        }
    }

    /// They make another first contact. Whoever does so knows nothing of the one they made before,
    /// nor of anything that came of it: all that is forgotten here, too, and their operations are
    /// counted from 1 again. What stays is a contact made here that they have not answered, for it
    /// may still reach them, and the count of one's own operations. Answers which contact went; if
    /// they made none before, nothing changes.
    pub(crate) fn begin_again(&mut self, own: &Party, theirs: &Party, now: Millis) -> Option<Rank> {
        let made_there = |contact: &&Contact| !contact.initiated;
        let replaced = self.contacts.iter().find(made_there)?.rank;
        let mut old = std::mem::take(self);
        old.former.extend(old.received.ids());
        while old.former.len() > limits::MAX_FORMER {
            old.former.pop_front();
        }
        *self = Self {
            sequence: old.sequence,
            previous: old.previous,
            contacts: old.contacts,
            sessions: old.sessions,
            clock: old.clock,
            receive: old.receive,
            base_keys: old.base_keys,
            seen: old.seen,
            former: old.former,
            ..Self::default()
        };
        self.keep_contacts(|contact| contact.secret.is_some());
        let first = self.sending().and_then(|contact| {
            let key = contact.secret.as_ref()?.outer(own, theirs);
            Some(KeyRecord {
                rank: contact.rank,
                number: 0,
                key,
                since: now,
            })
        });
        self.send = first.map(Outer::from);
        Some(replaced)
    }

    /// First contacts made here that they have not answered make room for another one.
    pub(crate) fn give_up_asking(&mut self) {
        self.keep_contacts(|contact| contact.secret.is_none());
    }

    /// Forgets all other first contacts, and what came of them.
    fn keep_contacts(&mut self, is_kept: impl Fn(&Contact) -> bool) {
        self.contacts.retain(is_kept);
        let links = self.contacts.iter().map(|it| it.reunion.link());
        self.links = links.collect();
        let kept = |rank: &Rank| self.contacts.iter().any(|it| it.rank == *rank);
        self.sessions.retain(|state| kept(&state.rank));
        self.receive.retain(|outer| kept(&outer.record.rank));
        self.send.take_if(|outer| !kept(&outer.record.rank));
        self.offer.take_if(|offer| !kept(&offer.next.rank));
    }

    /// A home of theirs has what was sent. Says whether that is news.
    pub(crate) fn note_accepted(&mut self) -> bool {
        let waiting = self.contacts.iter_mut().find(|contact| !contact.known);
        waiting.map(|contact| contact.known = true).is_some()
    }

    /// They answered under this contact: no more intros. Says whether that is news.
    pub(crate) fn note_answered(&mut self, rank: &Rank) -> bool {
        let contact = self
            .contacts
            .iter_mut()
            .find(|contact| contact.rank == *rank);
        let Some(contact) = contact.filter(|contact| contact.secret.is_some()) else {
            return false;
        };
        contact.secret = None;
        contact.known = true;
        true
    }

    /// The keys of live links.
    pub(crate) fn link_keys(&self) -> &[LinkKey] {
        &self.links
    }

    /// The key to dial with: that of the lowest contact they know of.
    pub(crate) fn dial_key(&self) -> Option<&LinkKey> {
        let known = self
            .contacts
            .iter()
            .zip(&self.links)
            .filter(|(contact, _)| contact.known);
        known
            .min_by_key(|(contact, _)| contact.rank)
            .map(|(_, key)| key)
    }

    /// Whether an operation that sets homes, of this number and time, is newer than the last one. A device that was copied, or
    /// set back, uses numbers a second time: there a later time is as good.
    pub(crate) fn is_newer_home(&self, sequence: u64, time: Millis) -> bool {
        let is_later = self.received.is_copied() && time > self.homes_time;
        is_later || sequence > self.homes_sequence
    }

    /// Whether they made a first contact, and told of something later than this, by their clock.
    pub(crate) fn came_later(&self, made_at: Millis) -> bool {
        let is_theirs = self.contacts.iter().any(|contact| !contact.initiated);
        is_theirs && made_at < self.acknowledged_at
    }

    /// Whether it came under a first contact of before.
    pub(crate) fn came_before(&self, operation: &OperationId) -> bool {
        self.former.contains(operation)
    }

    // --- numbers of one's own operations ---------------------------------------------------------

    /// The number of the next operation, and the id of the one before. Nobody else gives out numbers.
    pub(crate) fn next_number(&self) -> (u64, Option<OperationId>) {
        let sequence = self.sequence.saturating_add(1);
        // Set back to before the first one: what came before is known to the comrade alone.
        let unknown = (sequence > 1).then_some(OperationId([0; 32]));
        (sequence, self.previous.or(unknown))
    }

    /// They say what they have of one's own operations, of which `kept` are in the outbox. Says whether this shows that
    /// numbers were used by another copy of this device up to further than was known: then its numbers are
    /// used no more.
    pub(crate) fn note_acknowledged(
        &mut self,
        acknowledgement: &Acknowledgement,
        mut kept: impl Iterator<Item = (u64, Tag)>,
    ) -> bool {
        // Numbers that nobody can have come to would leave none for what is written next.
        let most = self.sequence.saturating_add(limits::MOST_BY_A_COPY);
        let highest = acknowledgement.highest().min(most);
        let is_other =
            |(sequence, tag)| acknowledgement.names(sequence) && !acknowledgement.has(tag);
        let is_behind = highest > self.sequence || kept.any(is_other);
        let copied = match is_behind {
            true => highest,
            false => acknowledgement.copied_up_to.min(most),
        };
        let is_news = copied > self.copied_up_to;
        self.copied_up_to = self.copied_up_to.max(copied);
        self.sequence = self.sequence.max(highest);
        self.acknowledged = acknowledgement.clone();
        is_news
    }

    /// Whether a report is not older than the one that is known: by its time, or, since their clock may have been set back, by
    /// what it says.
    pub(crate) fn is_news(&self, report: &Report) -> bool {
        let (old, new) = (&self.acknowledged, &report.acknowledgement);
        let says_more = new.up_to >= old.up_to && new.highest() >= old.highest();
        report.made_at >= self.acknowledged_at || says_more
    }

    /// Whether they have this operation of one's own. `tag` is `None` for what was written by a version that kept none.
    pub(crate) fn has_reached(&self, sequence: u64, tag: Option<Tag>) -> bool {
        let acknowledged = &self.acknowledged;
        let is_unsure = acknowledged.names(sequence) || sequence <= self.copied_up_to;
        let tag = tag.filter(|_| is_unsure);
        acknowledged.covers(sequence) && tag.is_none_or(|tag| acknowledged.has(tag))
    }

    // --- envelopes seen ------------------------------------------------------------------------

    pub(crate) fn has_seen(&self, id: &EnvelopeId) -> bool {
        self.seen.iter().any(|seen| id.0.starts_with(seen))
    }

    pub(crate) fn note_seen(&mut self, id: &EnvelopeId) {
        if let Some(start) = id.0.first_chunk() {
            self.seen.push_back(*start);
        }
        if self.seen.len() > limits::MAX_SEEN {
            self.seen.pop_front();
        }
    }

    // --- sessions ------------------------------------------------------------------------------

    pub(crate) fn can_seal(&self) -> bool {
        !self.contacts.is_empty() && !self.sessions.is_empty()
    }

    /// Keeps a session. A fifth one takes the place of the one unused for longest.
    pub(crate) fn add_session(&mut self, session: Session, rank: Rank, moves: u64) {
        self.clock = self.clock.saturating_add(1);
        self.base_keys.push_back(session.base_key());
        if self.base_keys.len() > limits::MAX_BASE_KEYS {
            self.base_keys.pop_front();
        }
        self.sessions.push(SessionState {
            session,
            rank,
            moves,
            order: self.clock,
            unanswered: 0,
        });
        if self.sessions.len() > limits::MAX_SESSIONS {
            let oldest = self
                .sessions
                .iter()
                .enumerate()
                .min_by_key(|(_, state)| state.order);
            if let Some(at) = oldest.map(|(at, _)| at) {
                self.sessions.remove(at);
            }
        }
    }

    pub(crate) fn has_base_key(&self, base: &[u8; 32]) -> bool {
        self.base_keys.contains(base)
    }

    /// The base key of the session that was made last.
    pub(crate) fn newest_base_key(&self) -> Option<[u8; 32]> {
        self.base_keys.back().copied()
    }

    pub(crate) fn has_session(&self, id: &SessionId) -> bool {
        self.sessions.iter().any(|state| state.session.id() == *id)
    }

    /// The session to send in: of the contact to send on, and made since the vault was moved, the one
    /// made or heard last.
    fn sending_session(&mut self) -> Option<&mut SessionState> {
        let rank = self.sending()?.rank;
        self.sessions
            .iter_mut()
            .max_by_key(|state| (state.rank == rank, state.moves, state.order))
    }

    /// Whether a new session is due: too many messages without an answer, or the vault was moved since,
    /// and another copy of it could use the same keys.
    pub(crate) fn is_session_worn(&mut self, moves: u64) -> bool {
        self.sending_session()
            .is_some_and(|state| state.unanswered >= limits::UNANSWERED || state.moves < moves)
    }

    pub(crate) fn encrypt(&mut self, plaintext: &[u8]) -> Option<Vec<u8>> {
        let state = self.sending_session()?;
        let message = state.session.encrypt(plaintext).ok()?;
        state.unanswered = state.unanswered.saturating_add(1);
        Some(message.encode())
    }

    /// Decrypts in whichever session can. What was opened can be taken back: see [`Undo`].
    pub(crate) fn decrypt(
        &mut self,
        message: &Message,
    ) -> Result<(Zeroizing<Vec<u8>>, Undo), NotOpened> {
        let named = message.prekey().map(|prekey| prekey.session);
        let mut result = NotOpened::Later;
        for (at, state) in self.sessions.iter_mut().enumerate() {
            if named.is_some_and(|named| named != state.session.id()) {
                continue;
            }
            let before = state.session.to_bytes();
            match state.session.decrypt(message) {
                Ok(plaintext) => {
                    let undo = Undo {
                        at,
                        before,
                        order: state.order,
                        unanswered: state.unanswered,
                    };
                    self.clock = self.clock.saturating_add(1);
                    state.order = self.clock;
                    state.unanswered = 0;
                    return Ok((plaintext, undo));
                }
                Err(PairwiseError::KeyGone) => result = NotOpened::Spent,
                Err(_) => {}
            }
        }
        Err(result)
    }

    /// Takes back what [`Pair::decrypt`] did.
    pub(crate) fn undo(&mut self, undo: Undo) {
        if let Some(state) = self.sessions.get_mut(undo.at)
            && let Ok(session) = Session::from_bytes(&undo.before)
        {
            state.session = session;
            state.order = undo.order;
            state.unanswered = undo.unanswered;
        }
    }

    pub(crate) fn read_bundle(&self) -> Option<Bundle> {
        Bundle::decode(self.bundle.as_deref()?).ok()
    }

    /// Whether a session was opened so lately, because others did not fit, that none is opened again.
    pub(crate) fn is_renewed_lately(&self, now: Millis) -> bool {
        let again = |at: Millis| at.saturating_add(limits::OFFER_AGAIN);
        self.renewed_at.is_some_and(|at| now < again(at))
    }

    // --- reports -------------------------------------------------------------------------------

    /// Whether there is something to tell them, for whom something may be left out to save data: what
    /// was told before this moment, and what was left out then and is missing now, is told again.
    pub(crate) fn is_report_due(&self, since: Millis, partial: bool) -> bool {
        let was_partial = self.reported_partial && !partial;
        let asks = was_partial && self.received.missing_count() > 0;
        self.report_due || self.reported_at < since || asks
    }

    /// What to tell of their direction, and whether something was left out to save data.
    pub(crate) fn report(&self, now: Millis, partial: bool) -> Report {
        Report {
            acknowledgement: self.received.acknowledgement(),
            outer: self.newest_received(),
            bundle: self.bundle_number,
            made_at: now,
            partial,
        }
    }

    /// The report was sealed into an envelope.
    pub(crate) fn note_reported(&mut self, now: Millis, partial: bool) {
        self.report_due = false;
        self.reported_partial = partial;
        self.reported_at = now;
        if self.received.missing_count() > 0 {
            self.asked_at = Some(now);
        }
    }
}

/// How to take back one decryption, before anything of it was kept.
pub(crate) struct Undo {
    at: usize,
    before: Zeroizing<Vec<u8>>,
    order: u64,
    unanswered: u32,
}

#[cfg(test)]
mod tests;
