//! A collective: a space that nobody owns, that admits by vouching, decides by vote and changes its own rules.
//!
//! Its state is a pure function of the *set* of its control operations: any order, any duplication, any replica, the same members,
//! rules and proposals. The one other input is a final checkpoint of which one knows otherwise (module `pin`). Nothing here reads a
//! clock, draws randomness or keeps a key.
//!
//! # Flow
//!
//! - Own: take a [`Body`], ask [`Collective::may`], fill [`Fields`] (context: [`Collective::heads`]), [`Operation::sign`], insert.
//! - Others': [`Operation::decode`] checks the signature; [`Collective::insert`] takes control operations in any order and says what
//!   to keep; [`Collective::missing`] what to ask for. What is said (texts, names, seeds) is kept elsewhere and judged by
//!   [`Collective::verdict`].
//! - Kept: all that is in, and what is [pinned](Collective::pin), from which [`Collective::found_with`] begins the next time.
//! - Asked: [`Collective::members`], [`Collective::constitution`], [`Collective::standing`] of a proposal, [`Collective::finality`].
//! - By itself, a device enacts what is [`Stage::Ready`], signs [`Collective::next_checkpoint`] a day after a change, and says
//!   anew what [`Collective::to_repeat`] names.
//!
//! # Rules
//!
//! **Two sorts.** *Control* operations name the newest control operations that their author had seen (the context), and these
//! links alone are the causal past. *Content* names them too, but nothing depends on content: it can expire, and a newcomer who
//! may not read it still computes the same members as everybody.
//!
//! **At its heads.** An operation is judged by the state that its own past gives. The author must be a member there, on a device that
//! their root certified. What is refused is refused for ever and by everybody, so it is not kept, and neither is what builds
//! on it.
//!
//! **Proposals** fix their electorate and their rules when they are made: the members at their heads who do not rest, without whom
//! they are about, and the constitution in force there. Rules cannot be swapped during a vote. Whoever joins later does not vote.
//! Whoever was put to rest still counts for as long as a vote lasts, so that a simple majority cannot put to rest whoever
//! stands in its way. A split needs the ballot of everybody whom it names.
//!
//! **Ballots.** One of each person counts, whatever the number of their devices: a second that has seen the first is refused, of
//! two that had not seen each other the lower hash counts. Everything but a free decision needs a share of the *electorate*,
//! so that enough is enough: no later ballot, and no ballot that was held back, can undo it. Ballots are signed and named; their
//! form has room for a proof instead.
//!
//! **Certificates.** A candidate's *Accept*, or any member's *Enact*, has the vouches and ballots in its past that make it valid. That
//! is the certificate; there is no leader and no count by anybody. One certificate decides once, and about one membership: what was
//! decided about somebody who was expelled since says nothing about whom they are admitted as later (module `memberships`).
//!
//! **Time.** A ballot says when it was cast, and counts if that is within the period of the proposal. Nobody's clock enters the
//! state; the `now` of [`Collective::standing`] only tells open from lapsed. A device cannot date anything before what it said
//! earlier, nor a person on any device, but for a day: to vote in the past they must have been silent since, or say two things
//! beside each other. A free decision is what its ballots say, whenever they arrive; it is decided early when no ballot to come
//! could change it.
//!
//! **Removals** beat what they had not seen. What the removed person did beside the removal is void: vouches, ballots, proposals,
//! an admission; and by that whoever came in only by it. What they did that the removal had seen stands. What two members do to
//! *remove each other* stands on both sides, and [`Collective::rifts`] offers a split. Leaving is the same by oneself, and a root's
//! revocation, told by the same person on another device, the same for one device. How that is computed without going round in
//! circles stands in the module `view`.
//!
//! **Checkpoints** fix the past (module `finality`). What is neither in the past of a final one nor builds on it is void, and its author
//! says it anew. A proposal in its past must also be carried by the members *at the checkpoint*: an electorate of the old days decides
//! nothing alone.
//!
//! # Who lies about the past
//!
//! Without a server nothing stops a device from claiming not to have seen what it saw. Three founders may forge, years later, a
//! vote among the three. All systems of this sort meet that:
//!
//! - Matrix orders by time and power at each fork (state resolution 2, MSC1442) and lets servers *softly* refuse what looks
//!   back-dated, so that replicas differ; later versions were needed since old state could come back.
//! - p2panda-auth's *strong removal* filters what the removed did beside the removal and lets mutual removals stand, as here; it
//!   leaves the forged old majority to the application.
//! - Keyhive makes delegation and revocation causal; a revocation that arrives late rewrites what followed, alike everywhere.
//! - Chains with changing validators name it the long-range attack and answer with finality, and with clients that start
//!   from a recent final state.
//!
//! Here, three things in order:
//!
//! 1. *A device that has spoken cannot be young again.* A ballot beside which its device said something else counts for nothing, and
//!    the pair is proof. Nor does one of a new device, if its person had said something that neither the ballot nor the addition of
//!    the device knows of. Members' devices speak by themselves at least once after every change, to sign the checkpoint. So an old
//!    electorate can only be forged by persons who said nothing since.
//! 2. *Admissions fall with the removal of who gave them*, so that whoever was expelled cannot bring in a majority beside it.
//! 3. *Finality.* Behind it none of this is possible any more, and a past of their own that old members make final later is ruled out
//!    by what was pinned. Until the first checkpoint after a change is final, about a day, a group
//!    that was a majority of the electorate at the last final one, and silent ever since, could still undo what followed; and a
//!    voter may withdraw a ballot by lying, which shows.
//!
//! # Bounds
//!
//! | what | bound | reclaimed by |
//! |---|---|---|
//! | control operations | [`MAX_CONTROL`], 16 MB with their pasts | a new collective |
//! | what one device says beside each other | [`MAX_PARALLEL`]; the rest waits until somebody else builds on it | as what waits |
//! | operations that wait | [`MAX_WAITING`], [`MAX_WAITING_BYTES`] | what they wait for, the next ones |
//! | members, devices of each | [`MAX_MEMBERS`], [`MAX_DEVICES`] | removals, revocations |
//! | open proposals of a member | [`MAX_OPEN_PROPOSALS`]; beside each other as many, by hash | their end |
//! | what a member does, of each sort | [`MAX_RATION`], [`MAX_CHECKPOINTS`], [`MAX_BALLOTS`] in [`RATION_DAYS`] days | time, by their dates or those of what they build on |
//! | bytes of that | [`MAX_RATION_BYTES`] in the same days; each operation 8 KiB beside its context, with rules, a split or a frontier 24 KiB | likewise |
//! | states at older heads | 16 | the latest asked for |
//!
//! From the members on these bounds belong to the state: a flood has the same effect everywhere. Those before bound what a
//! replica keeps; two that keep the same have the same state.
//!
//! Left out on purpose: leaf keys (records outside the graph, with the keys), anonymous ballots, any way to undo what is
//! final, and forgetting control operations behind a checkpoint: a newcomer verifies the whole history.

mod bits;
pub(crate) mod body;
pub(crate) mod constitution;
mod content;
mod finality;
mod graph;
mod insert;
mod judge;
mod members;
mod memberships;
pub(crate) mod operation;
mod pin;
mod proposal;
mod standing;
mod subject;
mod template;
mod view;
mod waiting;

use std::sync::Arc;

use self::{bits::Bits, graph::Graph, view::View, waiting::Waiting};
pub use self::{
    body::{
        Body, Checkpoint, CheckpointId, Choice, FIRST_CONTENT, MAX_FOUNDERS, MAX_FRONTIER,
        MAX_MENTIONS, MAX_REASON_BYTES,
    },
    constitution::{
        Constitution, Fault, MAX_DAYS, MAX_MEMBERS, MAX_ROLES, POWER_ADMIT, POWER_POST, Posting,
        Role, Rule, Share,
    },
    content::Verdict,
    finality::DoubleSigning,
    insert::{MAX_CONTROL, MAX_MISSING, MAX_PARALLEL, Outcome, Taken},
    judge::{MAX_DEVICES, Refusal},
    members::{Finality, Member, MemberDevice, Rift},
    operation::{Fields, MAX_CONTEXT, MAX_OPERATION_BYTES, Operation},
    pin::Pin,
    proposal::{
        MAX_BALLOTS, MAX_CHECKPOINTS, MAX_OPEN_PROPOSALS, MAX_RATION, MAX_RATION_BYTES, RATION_DAYS,
    },
    standing::{Stage, Standing},
    subject::{MAX_OPTION_BYTES, MAX_OPTIONS, MAX_QUESTION_BYTES, Subject},
    template::{COMMITTEE, Template},
    waiting::{MAX_WAITING, MAX_WAITING_BYTES, MAX_WAITING_EACH},
};

/// A collective, as far as its operations have arrived: its state is a pure function of their set.
#[derive(Debug)]
pub struct Collective {
    graph: Graph,
    waiting: Waiting,
    /// The state of everything that is here.
    current: Arc<View>,
    /// Other states that were asked for lately, by the operations that decide them; the latest last.
    cache: Vec<(Bits, Option<usize>, Arc<View>)>,
    work: Work,
}

/// What was done so far, counted: tests hold the evaluation to what an operation changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// States that were computed from a checkpoint on, not from the state before.
    pub resolved: u64,
    /// Changes of membership that were looked at for it.
    pub effects: u64,
}

/// The rules that an operation founds a collective with, or proposes.
pub fn rules_of(body: &Body) -> Option<&Constitution> {
    match body {
        Body::Genesis { constitution, .. }
        | Body::Propose {
            subject: Subject::Amend { constitution },
            ..
        } => Some(constitution),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
