//! What became of a proposal, and what a person may do: answers for the screens.

use std::fmt;

use komrade_crypto::identity::PersonId;

use super::{
    Collective,
    body::{Body, Choice},
    constitution::Share,
    judge::{Act, Refusal},
    proposal::{Electorate, Frame, Needs, Support},
    subject::Subject,
};
use crate::{DeviceId, OperationId};

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Ballots or vouches are collected.
    Open,
    /// Enough of them: any member's device may enact it, a candidate may accept.
    Ready,
    /// In force, by this operation.
    Done(OperationId),
    /// It was put into force, and something that was not known then undid that.
    Undone,
    /// An amendment to rules that have changed since: to be proposed anew.
    Overtaken,
    /// Its time was over before it was decided.
    Lapsed,
    /// Its author's membership, or the proposal, was undone; or it is one of too many that its author made beside each other.
    Void,
    /// It did not know of what is final by now: to be proposed anew.
    Crossed,
    /// A free decision: this option won.
    Decided(u8),
    /// A free decision whose time is over without a winner.
    Undecided,
}

impl Stage {
    /// Vouches or ballots still count.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Ready)
    }

    /// It came to nothing.
    pub fn has_failed(self) -> bool {
        matches!(
            self,
            Self::Undone | Self::Overtaken | Self::Lapsed | Self::Void
        )
    }
}

/// A proposal, who said what, and the rule that decides.
#[derive(Clone, PartialEq, Eq)]
pub struct Standing {
    /// The proposal.
    pub id: OperationId,
    /// Who proposed it.
    pub author: PersonId,
    /// What.
    pub subject: Subject,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since the epoch.
    pub time: u64,
    /// Until when ballots and vouches count.
    pub closes: u64,
    /// Where it stands.
    pub stage: Stage,
    /// Who decides, rising.
    pub electorate: Vec<PersonId>,
    /// Who vouched, as far as it counts; rising, as all that follow. For one that is done: those of its certificate.
    pub vouches: Vec<PersonId>,
    /// Who voted for it; likewise.
    pub yes: Vec<PersonId>,
    /// Who voted against it.
    pub no: Vec<PersonId>,
    /// Who abstained.
    pub abstained: Vec<PersonId>,
    /// For a free decision: who chose each option.
    pub options: Vec<Vec<PersonId>>,
    /// How many vouches the rule asks for.
    pub vouches_needed: Option<usize>,
    /// How many ballots in favour the rule asks for; for a free decision, how many must take part.
    pub ballots_needed: Option<usize>,
    /// For a free decision: the share of its ballots that the winning option needs.
    pub majority: Option<Share>,
    /// How many more vouches are enough.
    pub vouches_missing: usize,
    /// How many more ballots are enough.
    pub ballots_missing: usize,
    /// Who has not vouched or voted yet and may.
    pub silent: Vec<PersonId>,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("subject", &self.subject)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Collective {
    /// Where a proposal stands. The time only says whether it is still open: what counts follows from the operations.
    pub fn standing(&self, id: OperationId, now: u64) -> Option<Standing> {
        let graph = &self.graph;
        let index = *graph.index.get(&id)?;
        let (needs, fixed) = graph.needs(index)?;
        let node = graph.node(index)?;
        let Body::Propose { subject, reason } = node.operation.body() else {
            return None;
        };
        let frame = Frame::of(&graph.all, &self.current);
        let total = fixed.electorate.len();
        let needed = |share: Option<Share>| share.map(|one| needs.needed(one, total));
        let mut standing = Standing {
            id,
            author: node.person(),
            subject: subject.clone(),
            reason: reason.clone(),
            time: node.time(),
            closes: fixed.closes,
            stage: Stage::Open,
            electorate: fixed.electorate.clone(),
            vouches: Vec::new(),
            yes: Vec::new(),
            no: Vec::new(),
            abstained: Vec::new(),
            options: Vec::new(),
            vouches_needed: needed(needs.vouches),
            ballots_needed: needed(needs.ballots),
            majority: None,
            vouches_missing: 0,
            ballots_missing: 0,
            silent: Vec::new(),
        };
        if let Subject::Decide { options, .. } = subject {
            standing.options = vec![Vec::new(); options.len()];
            standing.ballots_needed = needed(Some(fixed.constitution.quorum));
            standing.majority = Some(fixed.constitution.majority);
        }
        let spoken = self.collect(index, frame, &mut standing);
        let silent = |person: &&PersonId| !spoken.contains(person);
        standing.silent = fixed.electorate.iter().filter(silent).copied().collect();
        let support = Support {
            vouches: standing.vouches.clone(),
            ballots: standing.yes.clone(),
        };
        self.count_missing(index, needs, &support, &mut standing);
        standing.stage = if !graph.is_within(index, frame.base) {
            Stage::Crossed
        } else if !graph.counts(index, frame) {
            Stage::Void
        } else {
            let stage = match subject {
                Subject::Decide { .. } => self.decision(index, &standing, now),
                _ => self.stage(index, &support, now),
            };
            match stage {
                Stage::Open | Stage::Lapsed | Stage::Undecided
                    if graph.is_crowded(index, frame) =>
                {
                    Stage::Void
                }
                stage => stage,
            }
        };
        if let Stage::Done(by) = standing.stage {
            self.take_certificate(by, frame, &mut standing);
        }
        Some(standing)
    }

    /// All proposals, in the order in which they arrived.
    pub fn proposals(&self) -> impl Iterator<Item = OperationId> {
        let proposals = self.graph.nodes.iter();
        proposals
            .filter(|node| node.proposal.is_some())
            .map(|node| node.id())
    }

    /// Whether the person may do this now, on this device, having seen everything here. For an Accept the device need be no
    /// member's.
    pub fn may(
        &self,
        person: PersonId,
        device: DeviceId,
        body: &Body,
        time: u64,
    ) -> Result<(), Refusal> {
        if !body.is_control() {
            let member = self.current.members.get(&person);
            let member = member.ok_or(Refusal::NotMember)?;
            return self.may_say(member, device, body, &self.current);
        }
        let tips: Vec<usize> = self.graph.tips.iter().copied().collect();
        let act = Act {
            person,
            device,
            time,
            latest: self.graph.latest(&tips).max(time),
            bytes: 0,
            body,
            past: &self.graph.all,
            finals: &self.graph.finals,
            view: &self.current,
        };
        self.graph.judge(&act).map(drop)
    }

    /// Who said what, as far as it counts. Says who said anything.
    fn collect(&self, index: usize, frame: Frame<'_>, to: &mut Standing) -> Vec<PersonId> {
        let graph = &self.graph;
        let mut spoken = Vec::new();
        for ((person, ballot), answer) in graph.counted(&graph.answers(index, frame.set), frame) {
            // Where both are asked for, who has vouched may still vote.
            if ballot || to.ballots_needed.is_none() {
                spoken.push(person);
            }
            match graph.choice(answer) {
                None => to.vouches.push(person),
                Some(Choice::Yes) => to.yes.push(person),
                Some(Choice::No) => to.no.push(person),
                Some(Choice::Abstain) => to.abstained.push(person),
                Some(Choice::Option(place)) => {
                    if let Some(option) = to.options.get_mut(usize::from(place)) {
                        option.push(person);
                    }
                }
            }
        }
        spoken
    }

    /// In the electorate of the proposal and, where that is asked for, in that of the newest final checkpoint.
    fn count_missing(&self, index: usize, needs: Needs, support: &Support, to: &mut Standing) {
        let graph = &self.graph;
        let mut count = |electorate: &Electorate<'_>| {
            let (vouches, ballots) = support.missing(needs, electorate);
            to.vouches_missing = to.vouches_missing.max(vouches);
            to.ballots_missing = to.ballots_missing.max(ballots);
        };
        let Some((_, fixed)) = graph.needs(index) else {
            return;
        };
        let consents = graph.consents_missing(index, support);
        count(&Electorate {
            persons: &fixed.electorate,
            admitting: &fixed.admitting,
        });
        if let Some((persons, admitting)) = graph.second_electorate(index, self.current.base) {
            count(&Electorate {
                persons: &persons,
                admitting: &admitting,
            });
        }
        to.ballots_missing = to.ballots_missing.max(consents);
    }

    fn stage(&self, index: usize, support: &Support, now: u64) -> Stage {
        let graph = &self.graph;
        let Some((_, fixed)) = graph.needs(index) else {
            return Stage::Void;
        };
        let mut effects = fixed
            .answers
            .iter()
            .filter(|answer| graph.node(**answer).is_some_and(|node| node.is_effect()))
            .filter(|answer| graph.is_within(**answer, self.current.base));
        let amends = matches!(graph.subject(index), Some(Subject::Amend { .. }));
        let is_unknown = matches!(graph.subject(index), Some(Subject::Unknown { .. }));
        let in_force = !amends || self.current.amended.has(index);
        let done = effects
            .clone()
            .filter(|effect| self.current.holds.has(**effect));
        let by = done
            .filter_map(|effect| graph.node(*effect))
            .map(|node| node.id());
        let by = by.min();
        match by {
            Some(by) if in_force => Stage::Done(by),
            Some(_) => Stage::Overtaken,
            None if !is_unknown && effects.next().is_some() => Stage::Undone,
            None if amends && fixed.version != self.current.version => Stage::Overtaken,
            None if graph.is_enough(index, support, self.current.base) => Stage::Ready,
            None if now > fixed.closes => Stage::Lapsed,
            None => Stage::Open,
        }
    }

    /// A free decision is decided before its time only when no ballot still to come could change it.
    fn decision(&self, index: usize, standing: &Standing, now: u64) -> Stage {
        let Some((_, fixed)) = self.graph.needs(index) else {
            return Stage::Void;
        };
        let over = now > fixed.closes;
        let chosen: usize = standing.options.iter().map(Vec::len).sum();
        let cast = chosen + standing.abstained.len();
        let total = fixed.electorate.len();
        let quorum = cast >= fixed.constitution.quorum.needed(total);
        let against = chosen + if over { 0 } else { total.saturating_sub(cast) };
        let needed = fixed.constitution.majority.needed(against);
        let mut options = standing.options.iter();
        let winner = options.position(|persons| quorum && persons.len() >= needed);
        match winner.and_then(|place| u8::try_from(place).ok()) {
            Some(place) => Stage::Decided(place),
            None if over => Stage::Undecided,
            None => Stage::Open,
        }
    }

    /// What decided it is what its certificate holds, whatever was said later.
    fn take_certificate(&self, by: OperationId, frame: Frame<'_>, to: &mut Standing) {
        let index = self.graph.index.get(&by);
        if let Some(node) = index.and_then(|index| self.graph.node(*index)) {
            let support = self.graph.support(&node.certificate, frame);
            (to.vouches, to.yes) = (support.vouches, support.ballots);
            (to.vouches_missing, to.ballots_missing) = (0, 0);
            to.silent.clear();
        }
    }
}
