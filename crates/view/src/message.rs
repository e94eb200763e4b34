//! People, invites and messages as the screens show them.

use serde::{Deserialize, Serialize};

use crate::{CollectiveId, Millis};

/// A comrade in this vault: random, local, never sent to anyone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComradeId(pub [u8; 16]);

/// An invite in this vault: random, local, never sent to anyone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InviteId(pub [u8; 16]);

/// The state of the vault in this browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VaultState {
    /// Being looked at.
    Opening,
    /// There is none.
    Absent,
    /// There is one, and its keys are not in memory.
    Locked,
    /// Argon2id is at work since this time.
    Stretching(Millis),
    /// Open.
    Open,
    /// It has left for another address: nothing opens it here any more.
    Moved {
        /// The file that it leaves in can be made now; else the passphrase is needed again.
        is_ready: bool,
        /// The whole file was handed out, and none is being made: the rest may be erased.
        can_erase: bool,
    },
    /// Another tab leads since about this time; this one only waits.
    LedElsewhere(Millis),
    /// Written by a newer version; this one must not touch it.
    Newer,
    /// Cannot be read.
    Damaged,
    /// The browser's store refused a write; what was shown before is kept, the vault was locked.
    StoreFailed,
}

/// The person themself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileView {
    /// What others see; 1 to 64 characters.
    pub name: String,
    /// The person id, bech32m (`komrade1…`).
    pub person: String,
    /// The short verification code, groups of four.
    pub code: String,
    /// When acknowledgements leave.
    pub ack_pace: crate::AckPace,
}

/// Where a comrade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComradeState {
    /// A link of theirs to a collective was opened here; nothing was sent to them yet.
    Looking,
    /// Their invite was accepted here; they have not answered yet.
    Asked,
    /// They answered an invite of this person and wait to be confirmed.
    Asking,
    /// They answered an invite that somebody else had answered already: confirm only with care.
    AskingAgain,
    /// Both sides have confirmed.
    Met,
}

/// A comrade as a row in a list and the head of a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComradeView {
    /// Local id.
    pub id: ComradeId,
    /// The name they gave themselves; empty until known.
    pub name: String,
    /// Their person id, bech32m; empty until known.
    pub person: String,
    /// The verification code of the pair: the same on both devices.
    pub code: String,
    /// Codes were compared.
    pub verified: bool,
    /// The two devices are linked directly while both are there.
    pub live: bool,
    /// Where they stand.
    pub state: ComradeState,
    /// The newest message, shortened to 120 characters.
    pub last: Option<MessageView>,
    /// How many arrived messages the person has not seen.
    pub unread: u32,
    /// The newest ordinal that the person has seen.
    pub read_up_to: u64,
    /// How many messages wait in the outbox.
    pub waiting: u32,
    /// Messages known to exist and not here.
    pub gap: Option<Gap>,
    /// Messages, or other things they sent, that their device gave up before they came here: they will
    /// not come any more.
    pub lost: u32,
    /// What they sent takes so much room that no more is taken until the conversation is deleted.
    pub is_full: bool,
    /// Their device was copied, or restored from an old copy: two messages bear one number.
    pub is_copied: bool,
    /// When the newest thing happened.
    pub active_at: Millis,
}

/// Messages that are known to be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// How many.
    pub count: u32,
    /// When they were last asked for.
    pub asked_at: Option<Millis>,
}

/// How far a message of one's own has come. Each says only what is known to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tick {
    /// Somebody else's message.
    Theirs,
    /// Kept on this device, not taken by anyone yet.
    Kept,
    /// A relay has stored the envelope durably: one's own, which passes it on, or the recipient's; or
    /// the recipient's device has.
    Accepted(Millis),
    /// The recipient's device has opened it.
    Delivered(Millis),
    /// It expired before anyone took it.
    Expired,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its place in the conversation on this device; grows by arrival.
    pub ordinal: u64,
    /// Who wrote it.
    pub mine: bool,
    /// What it says.
    pub text: String,
    /// When it was written, by the author's clock.
    pub written_at: Millis,
    /// When it came to be kept here.
    pub kept_at: Millis,
    /// How far it has come.
    pub tick: Tick,
}

/// A part of a conversation, oldest first.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageView {
    /// Whose conversation.
    pub comrade: ComradeId,
    /// At most as many as were asked for.
    pub messages: Vec<MessageView>,
    /// There is something older.
    pub older: bool,
}

/// A live invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// Local id.
    pub id: InviteId,
    /// When it was made.
    pub made_at: Millis,
    /// When it ends.
    pub expires_at: Millis,
    /// Whoever opens it may use this person's relay.
    pub with_relay: bool,
    /// Whoever opens it may ask to be proposed to this one.
    pub collective: Option<CollectiveId>,
    /// It was made for an introduction that was agreed to.
    pub for_introduction: bool,
    /// Somebody answered it.
    pub answered: bool,
    /// The relay has what whoever opens it needs, so that this device may be away.
    pub placed: bool,
    /// It was made at another relay than the one in use: it works only as long as that one does.
    pub elsewhere: bool,
}

/// An introduction: 16 bytes that whoever introduces drew.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IntroductionId(pub [u8; 16]);

/// Two persons are brought together by a comrade of both.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntroductionView {
    /// Which, together with whose it is.
    pub id: IntroductionId,
    /// When it was made, or came.
    pub at: Millis,
    /// What whoever introduces says; may be empty.
    pub words: String,
    /// Whose it is and how far.
    pub what: Introduction,
}

/// Whose an introduction is and how far.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Introduction {
    /// The person introduces two comrades.
    Own {
        /// Whom, and what each said so far.
        pair: [(ComradeId, Option<bool>); 2],
        /// Both said yes, and one has what it takes to meet the other.
        passed_on: bool,
    },
    /// A comrade would introduce somebody; the person has not answered.
    Asked {
        /// Who introduces.
        by: ComradeId,
        /// What they call the other.
        name: String,
    },
    /// The person said yes; nothing was heard of the other.
    Agreed {
        /// Who introduces.
        by: ComradeId,
        /// What they call the other.
        name: String,
        /// Since when.
        since: Millis,
    },
    /// Both said yes.
    Met {
        /// Who introduced.
        by: ComradeId,
        /// What they called the other.
        name: String,
        /// The comrade that came of it.
        comrade: ComradeId,
    },
}

/// What an invite says of itself before it is used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitePreview {
    /// When it ends.
    pub expires_at: Millis,
    /// The relay it lets one use, as an address (`https://host`), if it does.
    pub relay: Option<String>,
    /// It is for a collective, which is told of once the link was opened.
    pub for_collective: bool,
}
