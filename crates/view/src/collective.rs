//! Collectives as the screens show them: who is in, what is being decided, what was said.
//!
//! Summaries come by event; everything else of a collective is read when its screen is open, and
//! again whenever the summary's `version` changed.

use serde::{Deserialize, Serialize};

use crate::{ComradeId, Gap, Millis};

/// The longest reason, question or option, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// The most options of a decision.
pub const MAX_OPTIONS: usize = 12;

/// A collective in this vault: random, local, never sent to anyone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollectiveId(pub [u8; 16]);

/// A proposal: the hash of the operation that made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProposalId(pub [u8; 32]);

/// A post: the hash of the operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PostId(pub [u8; 32]);

/// A person in a collective: the hash of their root key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PersonKey(pub [u8; 32]);

/// Where this person stands in a collective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// They opened a link by which one asks to be proposed; nothing was sent yet.
    Linked {
        /// Who made the link.
        by: ComradeId,
    },
    /// They asked to be proposed; whoever made the link has not said yes.
    Asked {
        /// Whom.
        by: ComradeId,
        /// When.
        since: Millis,
    },
    /// A comrade offers to propose them; they have not answered.
    Invited {
        /// Who offers it.
        by: ComradeId,
    },
    /// They said yes; the members have not decided.
    Candidate {
        /// Who proposes them.
        by: ComradeId,
        /// When they said yes.
        since: Millis,
    },
    /// A member.
    Member,
    /// A member who reads and does not count until they return.
    Resting,
    /// They left.
    Left(Millis),
    /// The members removed them; what was read stays.
    Removed(Millis),
    /// The members turned the candidacy down, or its time was over.
    NotAdmitted(Millis),
    /// The collective was dissolved by a vote.
    Dissolved(Millis),
}

/// A collective as a row in a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectiveView {
    /// Local id.
    pub id: CollectiveId,
    /// Its name, 1 to 64 characters.
    pub name: String,
    /// Where this person stands.
    pub standing: Standing,
    /// How many members it has, resting ones included.
    pub members: u32,
    /// The newest post, shortened to 120 characters.
    pub last: Option<PostView>,
    /// Posts that the person has not seen.
    pub unread: u32,
    /// Of those, posts that mention the person.
    pub mentions: u32,
    /// Proposals that wait for this person's vouch or vote.
    pub asked: u32,
    /// Who asks this person to be proposed.
    pub requests: u32,
    /// Of a candidacy of one's own: how far it was when that was last told.
    pub candidacy: Option<Candidacy>,
    /// Operations of this device that no home has taken yet.
    pub waiting: u32,
    /// Operations known to exist and not here.
    pub gap: Option<Gap>,
    /// Something a person must know before going on.
    pub alarm: Option<Alarm>,
    /// When the newest thing happened.
    pub active_at: Millis,
    /// Changes whenever anything that [`CollectiveDetail`] shows has changed.
    pub version: u64,
}

/// How far one's own candidacy has come, as whoever proposes tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidacy {
    /// Vouches that came, and how many are needed; `None`: none are.
    pub vouches: Option<(u32, u32)>,
    /// Ballots for it, and how many are needed; `None`: none are.
    pub yes: Option<(u32, u32)>,
    /// Until when the members decide, by the clock of whoever told.
    pub until: Millis,
    /// When that was told.
    pub told_at: Millis,
}

/// Somebody who asks to be proposed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    /// Who: one's comrade, or to be confirmed with a yes.
    pub comrade: ComradeId,
    /// What they say; may be empty.
    pub words: String,
    /// When it came.
    pub at: Millis,
}

/// What a person must know before going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alarm {
    /// A member signed two checkpoints that exclude each other: two halves may be told different things.
    DoubleSigned(PersonKey),
    /// Members removed each other, and of both sides some are still there, or this person is out by it: the two sides may go on as two
    /// collectives.
    MutualRemoval,
    /// No checkpoint was confirmed by two thirds for 30 days.
    NotFinal(Millis),
    /// The keys are older than 14 days, or a member set changed and no new ones came: nothing is sent.
    NoKeys,
    /// Two states were confirmed by two thirds that exclude each other: nothing is carried out any more.
    Contradicts,
    /// As many as it takes confirmed another past than the one that this device goes on with.
    OtherPast,
    /// So much was decided that nobody can be told all of it who would come in.
    TooLong,
}

/// How many of those who count: a part of them, and no fewer than so many. What asks for more than
/// there are is never reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// So many parts …
    pub parts: u16,
    /// … of so many, rounded up: 2 of 3, 75 of 100. 0 of 1: only `least` counts.
    pub of: u16,
    /// More than that part, not just as many.
    pub more: bool,
    /// No fewer than so many.
    pub least: u16,
}

impl Share {
    /// So many.
    pub const fn number(least: u16) -> Self {
        Self {
            parts: 0,
            of: 1,
            more: false,
            least,
        }
    }

    /// So many of a hundred, rounded up, and no fewer than one.
    pub const fn percent(parts: u16) -> Self {
        Self {
            parts,
            of: 100,
            more: false,
            least: 1,
        }
    }
}

/// How a free decision is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BallotRule {
    /// How many of all members that count must take part.
    pub quorum: Share,
    /// How many of the ballots cast for an option the winning one needs; more than half at least.
    pub majority: Share,
    /// How long one may vote, in days; 1 to 60.
    pub days: u8,
}

/// What admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionRule {
    /// So many vouches.
    pub vouches: Share,
    /// So many ballots for it beside them; `None`: no ballot is needed.
    pub ballot: Option<Share>,
}

/// Who may post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Posters {
    /// Every member.
    Members,
    /// Only delegates.
    Delegates,
}

/// The rules of a collective. Every share but a decision's majority is of *all* members that count, so
/// that what was carried is never undone by a ballot that arrives later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConstitutionView {
    /// Who comes in.
    pub admission: AdmissionRule,
    /// How many ballots remove a member; they themself have none.
    pub removal: Share,
    /// How many change these rules, or dissolve the collective.
    pub amendment: Share,
    /// How many set a member resting, or make or recall a delegate.
    pub ordinary: Share,
    /// How long vouches and these ballots count, in days; 1 to 60.
    pub days: u8,
    /// What decides everything else.
    pub decision: BallotRule,
    /// Who may post.
    pub posters: Posters,
    /// Newcomers are given what was said before.
    pub history: bool,
    /// After how many days posts expire; 1 to 365.
    pub expiry_days: u16,
    /// After how many days without a word a member may be set resting; `None`: never.
    pub rest_after_days: Option<u16>,
    /// There are delegates, made and recalled by ballot.
    pub delegates: bool,
    /// The vouch of one delegate is enough to admit.
    pub delegates_admit: bool,
}

impl ConstitutionView {
    /// Plain rules, as tests begin with: so many vouches admit, and more than half of all members decide everything else, within
    /// two weeks, free decisions within one.
    pub const fn by_vouches(vouches: u16) -> Self {
        let half = Share {
            parts: 1,
            of: 2,
            more: true,
            least: 1,
        };
        Self {
            admission: AdmissionRule {
                vouches: Share::number(vouches),
                ballot: None,
            },
            removal: half,
            amendment: half,
            ordinary: half,
            days: 14,
            decision: BallotRule {
                quorum: half,
                majority: half,
                days: 7,
            },
            posters: Posters::Members,
            history: false,
            expiry_days: 60,
            rest_after_days: Some(60),
            delegates: false,
            delegates_admit: false,
        }
    }
}

/// A ready constitution to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Template {
    /// Few, who know each other.
    AffinityGroup,
    /// Many, with votes and quorums.
    TenantsUnion,
    /// Easy to join and to read.
    OpenAssembly,
}

/// Why a constitution cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConstitutionFault {
    /// Admission or amendment asks for more members than there are: nobody could ever come in, or change
    /// the rules.
    NeverReached,
    /// A share of none, or of more than all.
    BadShare,
    /// A majority of half or below, or above all.
    BadMajority,
    /// A voting period or an expiry out of its bounds.
    BadDays,
    /// Only delegates may post, and there are none.
    NobodyPosts,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Who.
    pub person: PersonKey,
    /// The name they gave themselves; empty until known.
    pub name: String,
    /// The verification code of this pair of persons.
    pub code: String,
    /// It is the person themself.
    pub is_self: bool,
    /// The same person among one's comrades.
    pub comrade: Option<ComradeId>,
    /// Who vouched for them, first ones first; founders have nobody.
    pub vouched_by: Vec<PersonKey>,
    /// Since when they are a member.
    pub since: Millis,
    /// They read and do not count.
    pub resting: bool,
    /// Chosen to speak for the others.
    pub delegate: bool,
    /// When their newest leaf key came; `None`: only that of their admission.
    pub rekeyed_at: Option<Millis>,
    /// When something of theirs came last.
    pub heard_at: Option<Millis>,
}

/// What is proposed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Matter {
    /// Take somebody in.
    Admit {
        /// Who.
        person: PersonKey,
        /// The name they gave themselves.
        name: String,
    },
    /// Remove a member.
    Remove(PersonKey),
    /// Set a member resting.
    Rest(PersonKey),
    /// Change the rules.
    Amend(Box<ConstitutionView>),
    /// Make a member a delegate, or no longer.
    Delegate {
        /// Who.
        person: PersonKey,
        /// Or recall them.
        elect: bool,
    },
    /// Decide something freely.
    Decide {
        /// What about, 1 to [`MAX_REASON_CHARS`] characters.
        question: String,
        /// 2 to [`MAX_OPTIONS`], each 1 to [`MAX_REASON_CHARS`] characters.
        options: Vec<String>,
    },
    /// Let some members go, to go on by themselves; each of them must vote for it.
    Split(Vec<PersonKey>),
    /// End the collective.
    Dissolve,
}

/// What one says to a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// For it.
    Yes,
    /// Against it.
    No,
    /// Counts for the quorum alone.
    Abstain,
    /// One of the options of a decision, from 0.
    Option(u8),
}

/// A named vouch or ballot.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// Whose.
    pub person: PersonKey,
    /// What they said; a vouch is a yes.
    pub choice: Choice,
    /// Why, if it is a vouch; may be empty.
    pub reason: String,
    /// When, by their clock.
    pub at: Millis,
}

/// What is still missing to a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Vouches that came, and how many are needed; `None`: none are.
    pub vouches: Option<(u32, u32)>,
    /// Ballots for it, and how many are needed of all who may vote; `None`: none are.
    pub yes: Option<(u32, u32)>,
    /// Of a free decision: who took part, and how many must.
    pub quorum: Option<(u32, u32)>,
    /// Of a free decision: how many of the ballots cast for an option the winning one needs.
    pub majority: Option<Share>,
    /// How many may vouch and vote.
    pub electorate: u32,
    /// Until when one may vote.
    pub until: Option<Millis>,
}

/// How a proposal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is so.
    Passed,
    /// More were against it, or fewer took part than must.
    Failed,
    /// The option with this index won.
    Won(u8),
    /// Two or more options have equally many.
    Tie,
    /// Something else made it void: its proposer was removed before, or the matter is settled.
    Void,
    /// It did not know of what two thirds confirmed meanwhile: it has to be proposed anew.
    Crossed,
}

/// A proposal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalView {
    /// Which.
    pub id: ProposalId,
    /// What is proposed.
    pub matter: Matter,
    /// By whom.
    pub by: PersonKey,
    /// Why; may be empty.
    pub reason: String,
    /// When, by their clock.
    pub at: Millis,
    /// What came, first ones first: vouches.
    pub vouches: Vec<Voice>,
    /// Ballots.
    pub ballots: Vec<Voice>,
    /// What it takes by the constitution in force when it was made.
    pub needs: Needs,
    /// Members who may still vouch or vote and have not, this person first, then those one knows; at most 20. Among them are those who
    /// were put to rest lately: they return first.
    pub missing: Vec<PersonKey>,
    /// What this person may do now.
    pub may_vouch: bool,
    /// What this person may do now.
    pub may_vote: bool,
    /// How it ended, and when.
    pub outcome: Option<(Outcome, Millis)>,
}

/// Everything of a collective but its posts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectiveDetail {
    /// Which.
    pub id: CollectiveId,
    /// As in [`CollectiveView`].
    pub version: u64,
    /// The rules in force.
    pub constitution: ConstitutionView,
    /// Those in force were made or changed then.
    pub constitution_since: Millis,
    /// Members, by name.
    pub members: Vec<MemberView>,
    /// Former members whose names are still shown beside what they said.
    pub former: Vec<MemberView>,
    /// Who asks this person to be proposed, first ones first; at most 32.
    pub requests: Vec<RequestView>,
    /// Open proposals first, then ended ones, newest first; at most 100.
    pub proposals: Vec<ProposalView>,
    /// When the keys in use were made.
    pub keys_since: Option<Millis>,
    /// When a checkpoint was last confirmed by more than two thirds.
    pub final_at: Option<Millis>,
    /// Under [`Alarm::MutualRemoval`]: who stood on either side.
    pub sides: Option<[Vec<PersonKey>; 2]>,
    /// This person may post.
    pub may_post: bool,
    /// This person may propose, and make links by which one asks to be proposed.
    pub may_propose: bool,
}

/// A post.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostView {
    /// Which.
    pub id: PostId,
    /// Its place on this device; grows by arrival.
    pub ordinal: u64,
    /// Who wrote it.
    pub by: PersonKey,
    /// Their name when it came; empty if not known.
    pub name: String,
    /// The person themself did.
    pub mine: bool,
    /// What it says.
    pub text: String,
    /// What it answers, and the beginning of that.
    pub reply_to: Option<(PostId, String)>,
    /// It mentions the person.
    pub mentions_me: bool,
    /// When it was written, by the author's clock.
    pub written_at: Millis,
    /// When it came to be kept here.
    pub kept_at: Millis,
    /// How far one's own has come.
    pub tick: PostTick,
}

/// How far a post of one's own has come. Each says only what is known to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostTick {
    /// Somebody else's.
    Theirs,
    /// Kept on this device.
    Kept,
    /// The relay has it for so many of so many homes.
    Accepted {
        /// Homes that took it.
        homes: u32,
        /// Homes that it is for.
        of: u32,
    },
    /// So many other members have seen it, as far as what they wrote since tells.
    Seen(u32),
}

/// A part of what was said, oldest first.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostsView {
    /// In which collective.
    pub collective: CollectiveId,
    /// At most as many as were asked for.
    pub posts: Vec<PostView>,
    /// There is something older.
    pub older: bool,
    /// The newest ordinal that the person has seen.
    pub read_up_to: u64,
}

/// What a person can ask of collectives.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CollectiveCommand {
    /// Found one, alone at first. Answer: `Answer::Collective`.
    Found {
        /// 1 to 64 characters.
        name: String,
        /// The rules to begin with.
        constitution: Box<ConstitutionView>,
    },
    /// A ready constitution. Answer: `Answer::Constitution`.
    Template(Template),
    /// Whether a constitution could be. Answer: `Answer::Faults`.
    Check {
        /// Which.
        constitution: Box<ConstitutionView>,
        /// For whom; `None`: for one that is about to be founded by one person.
        collective: Option<CollectiveId>,
    },
    /// Everything but the posts. Answer: `Answer::CollectiveDetail`.
    Read(CollectiveId),
    /// A part of what was said. Answer: `Answer::Posts`.
    Posts {
        /// In which.
        collective: CollectiveId,
        /// Only what is older than this ordinal; `None` for the newest.
        before: Option<u64>,
        /// How many at most, 1 to 100.
        limit: u16,
    },
    /// Say something; kept on this device before anything else happens. Answer: `Answer::Posted`.
    Post {
        /// In which.
        collective: CollectiveId,
        /// 1 to 20,000 bytes of UTF-8.
        text: String,
        /// What it answers.
        reply_to: Option<PostId>,
        /// Whom it mentions; at most 20.
        mentions: Vec<PersonKey>,
    },
    /// Everything up to this ordinal has been seen by the person. Answer: `Answer::Done`.
    MarkRead {
        /// In which.
        collective: CollectiveId,
        /// The newest ordinal seen.
        up_to: u64,
    },
    /// Offer a comrade to propose them. Answer: `Answer::Done`.
    Offer {
        /// For which.
        collective: CollectiveId,
        /// To whom; they must have met.
        comrade: ComradeId,
    },
    /// Say yes or no to such an offer. Answer: `Answer::Done`.
    AnswerOffer {
        /// For which.
        collective: CollectiveId,
        /// Yes.
        accept: bool,
    },
    /// Make an invite by which whoever opens it may ask this person to propose them; it admits nobody. Answer:
    /// `Answer::Invite`.
    Link {
        /// To which.
        collective: CollectiveId,
        /// Let whoever opens it use this person's relay.
        with_relay: bool,
        /// Days until it expires, 1 to 21.
        days: u8,
    },
    /// Ask whoever made a link that was opened to be proposed. Answer: `Answer::Done`. Not to ask:
    /// [`CollectiveCommand::AnswerOffer`] with a no.
    Ask {
        /// For which.
        collective: CollectiveId,
        /// What to say with it, at most [`MAX_REASON_CHARS`] characters.
        words: String,
    },
    /// Propose somebody who asked, and meet them, or do not. Answer: `Answer::Done`.
    AnswerRequest {
        /// For which.
        collective: CollectiveId,
        /// Whom.
        comrade: ComradeId,
        /// Yes.
        accept: bool,
        /// Why one vouches for them, at most [`MAX_REASON_CHARS`] characters.
        reason: String,
    },
    /// Take back having asked, or a candidacy. Answer: `Answer::Done`.
    Withdraw(CollectiveId),
    /// Propose something (an admission follows from [`CollectiveCommand::Offer`] and a yes).
    /// Answer: `Answer::Proposed`.
    Propose {
        /// In which.
        collective: CollectiveId,
        /// What; not [`Matter::Admit`].
        matter: Matter,
        /// Why, at most [`MAX_REASON_CHARS`] characters.
        reason: String,
    },
    /// Vouch for a candidate. Answer: `Answer::Done`.
    Vouch {
        /// In which.
        collective: CollectiveId,
        /// Whose admission.
        proposal: ProposalId,
        /// Why, at most [`MAX_REASON_CHARS`] characters.
        reason: String,
    },
    /// Vote; the first vote counts. Answer: `Answer::Done`.
    Vote {
        /// In which.
        collective: CollectiveId,
        /// On what.
        proposal: ProposalId,
        /// How.
        choice: Choice,
    },
    /// Return from resting. Answer: `Answer::Done`.
    Return(CollectiveId),
    /// Leave; the others are told. Answer: `Answer::Done`.
    Leave(CollectiveId),
    /// Change the keys now rather than within a week. Answer: `Answer::Done`.
    Rekey(CollectiveId),
    /// Forget a collective that one is no longer a member of, here. Answer: `Answer::Done`.
    Forget(CollectiveId),
}
