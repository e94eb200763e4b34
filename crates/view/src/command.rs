//! What a person can ask for, and what comes of it.

use serde::{Deserialize, Serialize};

use crate::{
    CircleCommand, CircleDetail, CircleId, CollectiveCommand, CollectiveDetail, CollectiveId,
    ComradeId, ConstitutionFault, ConstitutionView, IntroductionId, InviteId, InvitePreview,
    MessageView, PageView, PostView, PostsView, ProposalId, Secret,
};

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 64;
/// The shortest new passphrase, in characters.
pub const MIN_PASSPHRASE_CHARS: usize = 12;
/// The longest message, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 20_000;

/// The most bytes of others' envelopes that a device keeps.
pub const MAX_REPLICA_BYTES: u64 = 10_000_000_000;

/// The largest limit of bytes for a day.
pub const MAX_DATA_LIMIT: u64 = 10_000_000_000;

/// What a person can ask for. Each is answered by exactly one `FromEngine::Done`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Draw an identity and a suggested passphrase; nothing is stored yet. Answer: [`Answer::Keys`].
    CutKeys {
        /// What others will see; 1 to 64 characters.
        name: String,
    },
    /// Close the vault around the keys just cut. Answer: [`Answer::Done`], and the vault opens.
    SealVault {
        /// At least 12 characters.
        passphrase: Secret,
    },
    /// Open the vault. Answer: [`Answer::Done`].
    Unlock {
        /// What the vault was sealed with.
        passphrase: Secret,
    },
    /// Forget all keys in memory until the passphrase is given again. Answer: [`Answer::Done`].
    Lock,
    /// Seal the vault with another passphrase. Answer: [`Answer::Done`].
    ChangePassphrase {
        /// What it is sealed with now.
        old: Secret,
        /// What it shall be sealed with; at least 12 characters.
        new: Secret,
    },
    /// Take the lead over from another tab of the same vault. Answer: [`Answer::Done`].
    TakeLead,
    /// Use this relay from now on in the place of the first one, which is left. Answer: [`Answer::Done`]; whether it answers shows in the route.
    UseRelay {
        /// The relay's address (`https://…`, `http://127.0.0.1:…`) or its join link with the secret
        /// after `#`.
        link: Secret,
    },
    /// Connect to a relay to see whether it is reached and admits; nothing else is done with it. The one
    /// tried before is let go. One that is being left is used again instead. Answer: [`Answer::Done`]; what it says shows in
    /// the route.
    TryRelay {
        /// As in [`Command::UseRelay`].
        link: Secret,
    },
    /// Use the relay that is tried, behind the others. Answer: [`Answer::Done`].
    AddRelay {
        /// Its number in the route.
        relay: u32,
    },
    /// Let what is put leave through this relay, as long as it is reached. Answer: [`Answer::Done`].
    MakeFirst {
        /// Its number in the route.
        relay: u32,
    },
    /// Leave a relay: comrades are told of the others, and it is read until they know. One that is tried,
    /// or being left, is let go at once. Answer: [`Answer::Done`].
    LeaveRelay {
        /// Its number in the route.
        relay: u32,
    },
    /// Try to reach every relay at once rather than when the next attempt is due. Answer: [`Answer::Done`].
    Reconnect,
    /// Ask two comrades whether they would meet each other; each is told the other's name and the words, and nothing
    /// else unless both say yes. Answer: [`Answer::Done`].
    Introduce {
        /// Whom: two different ones that were met.
        pair: [ComradeId; 2],
        /// Why, at most [`MAX_REASON_CHARS`](crate::MAX_REASON_CHARS) characters.
        words: String,
    },
    /// Say yes or no to an introduction; the other hears of a yes alone, and only if they say yes, too. Answer:
    /// [`Answer::Done`].
    AnswerIntroduction {
        /// Who introduces.
        by: ComradeId,
        /// Which one.
        introduction: IntroductionId,
        /// Yes.
        accept: bool,
    },
    /// Forget an introduction, here: nothing more comes of it. Answer: [`Answer::Done`].
    EndIntroduction {
        /// Who introduces; `None`: the person themself.
        by: Option<ComradeId>,
        /// Which one.
        introduction: IntroductionId,
    },
    /// Make an invite. Answer: [`Answer::Invite`].
    MakeInvite {
        /// Let whoever opens it use this person's relay.
        with_relay: bool,
        /// Days until it expires, 1 to 21.
        days: u8,
    },
    /// Make an invite useless. Answer: [`Answer::Done`].
    RevokeInvite {
        /// Which one.
        invite: InviteId,
    },
    /// Look at an invite without using it. Answer: [`Answer::Preview`].
    ReadInvite {
        /// The link, or the text of a QR code.
        link: Secret,
    },
    /// Accept an invite: a comrade in state *asked* appears. Answer: [`Answer::Comrade`].
    AcceptInvite {
        /// The link, or the text of a QR code.
        link: Secret,
    },
    /// Confirm a comrade who answered an invite. Answer: [`Answer::Done`].
    Confirm {
        /// Who.
        comrade: ComradeId,
    },
    /// Refuse a comrade who answered an invite; they are not told. Answer: [`Answer::Done`].
    Decline {
        /// Who.
        comrade: ComradeId,
    },
    /// Note that the verification codes were compared. Answer: [`Answer::Done`].
    MarkVerified {
        /// Who.
        comrade: ComradeId,
        /// Or take the mark back.
        verified: bool,
    },
    /// Read a part of a conversation. Answer: [`Answer::Page`].
    OpenPage {
        /// Whose conversation.
        comrade: ComradeId,
        /// Only what is older than this ordinal; `None` for the newest.
        before: Option<u64>,
        /// How many at most, 1 to 100.
        limit: u16,
    },
    /// Send a message; it is kept on this device before anything else happens. Answer:
    /// [`Answer::Sent`].
    SendMessage {
        /// To whom.
        comrade: ComradeId,
        /// 1 to 20,000 bytes of UTF-8.
        text: String,
    },
    /// Everything up to this ordinal has been seen by the person. Answer: [`Answer::Done`].
    MarkRead {
        /// Whose conversation.
        comrade: ComradeId,
        /// The newest ordinal seen.
        up_to: u64,
    },
    /// When acknowledgements may leave. Answer: [`Answer::Done`].
    SetAckPace(AckPace),
    /// Take another name; every comrade is told. Answer: [`Answer::Done`].
    SetName {
        /// What others will see; 1 to 64 characters.
        name: String,
    },
    /// Forget a comrade and the whole conversation, here; they are not told, and what they send from
    /// now on is not taken. Answer: [`Answer::Done`].
    RemoveComrade {
        /// Who.
        comrade: ComradeId,
    },
    /// Delete every message of a conversation, here; the comrade stays, and what waits to be sent is
    /// still sent. Answer: [`Answer::Done`].
    DeleteConversation {
        /// Whose conversation.
        comrade: ComradeId,
    },
    /// Link the two devices directly while both are there, faster but visible to both relays.
    /// Answer: [`Answer::Done`].
    SetLive {
        /// Whose.
        comrade: ComradeId,
        /// Or no longer.
        live: bool,
    },
    /// How many bytes of others' envelopes are kept here, at most [`MAX_REPLICA_BYTES`]; 0: none.
    /// Answer: [`Answer::Done`].
    SetReplicaLimit(u64),
    /// Bytes a day from which on larger envelopes wait for the next one, at most [`MAX_DATA_LIMIT`]; 0:
    /// no limit. Answer: [`Answer::Done`].
    SetDataLimit(u64),
    /// Make this vault leave for another address: from the answer on nothing opens it here any more,
    /// and the file it travels in can be made. Also of a vault that has left, to make the file again.
    /// Answer: [`Answer::Done`].
    Move {
        /// What the vault is sealed with; it opens the file, too.
        passphrase: Secret,
    },
    /// The next part of that file, the first after each [`Command::Move`]. Answer: [`Answer::Part`].
    NextPart,
    /// The file was saved: erase what is left here. Answer: [`Answer::Done`].
    EraseMoved,
    /// Open such a file where there is no vault. Answer: [`Answer::Want`].
    Bring {
        /// What the vault is sealed with.
        passphrase: Secret,
        /// How long the file is, in bytes.
        size: u64,
    },
    /// The bytes of the file that [`Answer::Want`] asked for. Answer: [`Answer::Want`], or once all of
    /// it is kept here [`Answer::Done`], and the vault is open.
    BringBytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Something about collectives; answers as said there.
    Collective(CollectiveCommand),
    /// Something about circles; answers as said there.
    Circle(CircleCommand),
}

/// When acknowledgements leave on their own (they always ride on the next message).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AckPace {
    /// At times drawn independently of arrivals, five minutes apart on average.
    #[default]
    Calm,
    /// The same, ten seconds apart on average: who watches the line learns more.
    Quick,
    /// Only with the next message.
    Never,
}

/// What a command gave.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done, and durable where it had to be.
    Done,
    /// Keys were cut.
    Keys {
        /// The 24 recovery words, separated by single spaces.
        words: Secret,
        /// Six words drawn at random that may serve as passphrase, separated by single spaces.
        passphrase: Secret,
    },
    /// An invite was made.
    Invite {
        /// Its id in the list of invites.
        invite: InviteId,
        /// The link; everything secret stands after `#`. Short enough for a QR code (≤ 200 bytes).
        link: Secret,
    },
    /// What an invite says of itself.
    Preview(InvitePreview),
    /// A comrade appeared.
    Comrade(ComradeId),
    /// A part of a conversation.
    Page(PageView),
    /// The message as it is kept.
    Sent(MessageView),
    /// A collective appeared.
    Collective(CollectiveId),
    /// Everything of a collective but its posts.
    CollectiveDetail(Box<CollectiveDetail>),
    /// A part of what was said in a collective.
    Posts(PostsView),
    /// The post as it is kept.
    Posted(PostView),
    /// A proposal was made.
    Proposed(ProposalId),
    /// A ready constitution.
    Constitution(Box<ConstitutionView>),
    /// What is wrong with a constitution; empty: nothing.
    Faults(Vec<ConstitutionFault>),
    /// A circle was made.
    Circle(CircleId),
    /// What is in a circle.
    CircleDetail(Box<CircleDetail>),
    /// A part of the file that a vault leaves in.
    Part {
        /// What follows in the file, 1 to 1,100,000 bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        /// The file ends with them.
        is_last: bool,
    },
    /// Which bytes of a file are to be brought next.
    Want {
        /// Where they begin.
        from: u64,
        /// How many, 1 to 1,100,000.
        bytes: u32,
    },
}

/// Why a command was not carried out. The app's catalogue has a sentence for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The passphrase does not open the vault.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// A new passphrase has fewer than 12 characters.
    #[error("passphrase too short")]
    PassphraseTooShort,
    /// There is a vault already.
    #[error("a vault exists")]
    VaultExists,
    /// There is no vault.
    #[error("no vault")]
    NoVault,
    /// The vault is locked.
    #[error("locked")]
    Locked,
    /// Keys must be cut first.
    #[error("no keys cut")]
    NoKeysCut,
    /// Another tab leads.
    #[error("another tab leads")]
    NotLeading,
    /// The name is empty or longer than 64 characters.
    #[error("bad name")]
    BadName,
    /// This is no relay address and no join link.
    #[error("not a relay link")]
    BadRelayLink,
    /// No relay is set, or its destination is not up yet, and this needs one.
    #[error("no relay")]
    NoRelay,
    /// This is no invite.
    #[error("not an invite")]
    BadInvite,
    /// The invite was made by a newer Komrade.
    #[error("invite of a newer version")]
    NewerInvite,
    /// The invite has expired.
    #[error("invite expired")]
    InviteExpired,
    /// The invite is one's own.
    #[error("one's own invite")]
    OwnInvite,
    /// The invite was used here already.
    #[error("invite used already")]
    InviteUsed,
    /// There are as many invites as there may be (50).
    #[error("too many invites")]
    TooManyInvites,
    /// There are as many comrades as there may be (5,000).
    #[error("too many comrades")]
    TooManyComrades,
    /// No such comrade or invite.
    #[error("unknown")]
    Unknown,
    /// The comrade is not confirmed, so this is not possible yet.
    #[error("not confirmed")]
    NotConfirmed,
    /// The message is empty.
    #[error("empty message")]
    EmptyMessage,
    /// The message has more than 20,000 bytes.
    #[error("message too long")]
    MessageTooLong,
    /// So many messages wait for this comrade that no more are taken (1,000).
    #[error("outbox full")]
    OutboxFull,
    /// The browser refused to store more; nothing was changed.
    #[error("storage full")]
    StorageFull,
    /// The browser's store failed; nothing was changed.
    #[error("storage failed")]
    StorageFailed,
    /// What is stored cannot be read by this version.
    #[error("stored by a newer version")]
    NewerVault,
    /// What is stored is damaged.
    #[error("vault damaged")]
    VaultDamaged,
    /// A number was out of its stated bounds.
    #[error("out of bounds")]
    OutOfBounds,
    /// The device has not enough memory to stretch a passphrase.
    #[error("not enough memory")]
    NoMemory,
    /// Another command of this kind is still under way.
    #[error("busy")]
    Busy,
    /// The vault has left for another address.
    #[error("the vault has moved")]
    Moved,
    /// The file is none that a vault travels in.
    #[error("not a file of a moved vault")]
    ForeignFile,
    /// A newer version made the file.
    #[error("a file of a newer version")]
    NewerFile,
    /// The file ends too early.
    #[error("the file is cut short")]
    FileCutShort,
    /// The file was changed.
    #[error("the file is damaged")]
    FileDamaged,
    /// Nothing is erased before the whole file was made.
    #[error("no file was made yet")]
    NoFileYet,
    /// As many relays are in use as may be (3).
    #[error("too many relays")]
    TooManyRelays,
    /// The relay is in use already.
    #[error("the relay is in use")]
    RelayInUse,
    /// Only members may do this, and only those who do not rest; or it is not for this member to do.
    #[error("not entitled")]
    NotEntitled,
    /// It was decided, done or over before.
    #[error("over")]
    Over,
    /// So many proposals or vouches of one member are not taken at once.
    #[error("too many proposals")]
    TooManyProposals,
    /// Rules that could not be: ask what is wrong with them.
    #[error("a constitution with a fault")]
    BadConstitution,
    /// As many introductions are under way as may be (24).
    #[error("too many introductions")]
    TooManyIntroductions,
    /// There are as many circles of one's own, or readers of one, as there may be (32, and 500).
    #[error("too many circles")]
    TooManyCircles,
    /// The post has more than 8,000 bytes, or the comment more than 2,000.
    #[error("post too long")]
    PostTooLong,
    /// One's own circles hold as much as they may, all together (16 MiB).
    #[error("circles full")]
    CirclesFull,
}

impl Refusal {
    /// Every refusal there is, for tests of the catalogue.
    pub const ALL: [Self; 45] = [
        Self::WrongPassphrase,
        Self::PassphraseTooShort,
        Self::VaultExists,
        Self::NoVault,
        Self::Locked,
        Self::NoKeysCut,
        Self::NotLeading,
        Self::BadName,
        Self::BadRelayLink,
        Self::NoRelay,
        Self::BadInvite,
        Self::NewerInvite,
        Self::InviteExpired,
        Self::OwnInvite,
        Self::InviteUsed,
        Self::TooManyInvites,
        Self::TooManyComrades,
        Self::Unknown,
        Self::NotConfirmed,
        Self::EmptyMessage,
        Self::MessageTooLong,
        Self::OutboxFull,
        Self::StorageFull,
        Self::StorageFailed,
        Self::NewerVault,
        Self::VaultDamaged,
        Self::OutOfBounds,
        Self::NoMemory,
        Self::Busy,
        Self::Moved,
        Self::ForeignFile,
        Self::NewerFile,
        Self::FileCutShort,
        Self::FileDamaged,
        Self::NoFileYet,
        Self::TooManyRelays,
        Self::RelayInUse,
        Self::NotEntitled,
        Self::Over,
        Self::TooManyProposals,
        Self::BadConstitution,
        Self::TooManyIntroductions,
        Self::TooManyCircles,
        Self::PostTooLong,
        Self::CirclesFull,
    ];
}
