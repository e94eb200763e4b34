//! Proposals: who decides, what it takes, and which ballots and vouches count.

use std::{collections::BTreeMap, sync::Arc};

use komrade_crypto::identity::PersonId;

use super::{
    bits::Bits,
    body::{Body, Choice},
    constitution::{Constitution, Share},
    graph::Graph,
    subject::Subject,
    view::{Removals, View},
};
use crate::OperationId;

/// The most proposals of one member whose time is not over.
pub const MAX_OPEN_PROPOSALS: usize = 5;
/// The most proposals, and the most vouches, of one member in [`RATION_DAYS`]; also the most devices, added and revoked together,
/// and the most operations of kinds that only newer versions know.
pub const MAX_RATION: usize = 30;
/// The most checkpoints of one member in [`RATION_DAYS`].
pub const MAX_CHECKPOINTS: usize = 60;
/// The most ballots of one member in [`RATION_DAYS`], and with them whatever puts a decision into force: ten a day.
pub const MAX_BALLOTS: usize = 300;
/// The most bytes of control operations of one member in [`RATION_DAYS`]: beyond any use of the other rations.
pub const MAX_RATION_BYTES: usize = 1_024 * 1_024;
/// The period of these rations, in days.
pub const RATION_DAYS: u64 = 30;

pub(super) const MILLIS_PER_DAY: u64 = 24 * 60 * 60 * 1_000;

/// What is fixed when something is proposed: the members and the rules at its heads.
#[derive(Debug)]
pub(super) struct Proposal {
    /// Who may decide, rising.
    pub(super) electorate: Vec<PersonId>,
    /// Those of them whose vouch alone admits.
    pub(super) admitting: Vec<PersonId>,
    /// The rules, and the node that set them.
    pub(super) constitution: Arc<Constitution>,
    pub(super) version: usize,
    /// Until when ballots and vouches count, in milliseconds since the epoch.
    pub(super) closes: u64,
    /// Vouches, ballots, Accepts and Enacts.
    pub(super) answers: Vec<usize>,
}

/// What it takes to decide something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) vouches: Option<Share>,
    pub(super) ballots: Option<Share>,
    /// A fixed number may be more than there are: of two members none expels the other.
    removes: bool,
}

impl Needs {
    pub(super) fn of(subject: &Subject, constitution: &Constitution) -> Self {
        let (vouches, ballots) = match subject {
            Subject::Admit { .. } => (Some(constitution.vouches), constitution.admission),
            Subject::Remove { .. } => (None, Some(constitution.removal)),
            Subject::Amend { .. } | Subject::Split { .. } | Subject::Dissolve => {
                (None, Some(constitution.amendment))
            }
            Subject::Rest { .. } | Subject::Empower { .. } | Subject::Recall { .. } => {
                (None, Some(constitution.ordinary))
            }
            Subject::Decide { .. } | Subject::Unknown { .. } => (None, None),
        };
        let removes = matches!(subject, Subject::Remove { .. });
        Self {
            vouches,
            ballots,
            removes,
        }
    }

    /// How many of so many a share asks for: all, if a fixed number has become more than that. Otherwise a collective that has
    /// become small could neither admit anybody nor change its rules.
    pub(super) fn needed(self, share: Share, total: usize) -> usize {
        let needed = share.needed(total);
        match self.removes {
            true => needed,
            false => needed.min(total.max(1)),
        }
    }
}

/// Whoever may decide on something: at a proposal's heads, or at a final checkpoint.
#[derive(Debug)]
pub(super) struct Electorate<'a> {
    pub(super) persons: &'a [PersonId],
    pub(super) admitting: &'a [PersonId],
}

/// Persons who said yes in one way or the other, rising, no one twice.
#[derive(Debug, Default)]
pub(super) struct Support {
    pub(super) vouches: Vec<PersonId>,
    pub(super) ballots: Vec<PersonId>,
}

impl Support {
    /// Whether it is enough in an electorate.
    fn carries(&self, needs: Needs, electorate: &Electorate<'_>) -> bool {
        let decides = needs.vouches.is_some() || needs.ballots.is_some();
        decides && self.missing(needs, electorate) == (0, 0)
    }

    /// How many more vouches and ballots are enough in an electorate.
    pub(super) fn missing(&self, needs: Needs, electorate: &Electorate<'_>) -> (usize, usize) {
        let total = electorate.persons.len();
        let missing = |share: Option<Share>, persons: &[PersonId]| {
            let counted = persons
                .iter()
                .filter(|person| has(electorate.persons, person));
            share.map_or(0, |share| {
                let needed = needs.needed(share, total);
                needed.saturating_sub(counted.count())
            })
        };
        let mut vouches = self.vouches.iter();
        let vouches = match vouches.any(|person| has(electorate.admitting, person)) {
            true => 0,
            false => missing(needs.vouches, &self.vouches),
        };
        (vouches, missing(needs.ballots, &self.ballots))
    }
}

pub(super) fn has(rising: &[PersonId], person: &PersonId) -> bool {
    rising.binary_search(person).is_ok()
}

/// A set of operations and what is already known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) set: &'a Bits,
    pub(super) base: Option<usize>,
    pub(super) holds: &'a Bits,
    pub(super) removals: &'a Removals,
}

impl<'a> Frame<'a> {
    pub(super) fn of(set: &'a Bits, view: &'a View) -> Self {
        Self {
            set,
            base: view.base,
            holds: &view.holds,
            removals: &view.removals,
        }
    }
}

impl Graph {
    /// Whether what the author did counts: they were admitted, it does not contradict what is final, it was not undone by a
    /// removal, and it is no ballot beside which its device said something else, or its author did who added the device beside that.
    pub(super) fn counts(&self, index: usize, frame: Frame<'_>) -> bool {
        let Some(node) = self.node(index) else {
            return false;
        };
        let ballot = matches!(node.operation.body(), Body::Ballot { .. });
        let stands = |other: usize| frame.set.has(other) && self.is_within(other, frame.base);
        frame.holds.has(node.admission)
            && self.is_within(index, frame.base)
            && !(ballot && self.forks(index).chain(self.older_self(index)).any(stands))
            && !self.is_undone(index, frame.removals)
    }

    /// Whether it lies before the newest final checkpoint or builds on it.
    pub(super) fn is_within(&self, index: usize, base: Option<usize>) -> bool {
        let Some(closure) = self.group(base).map(|group| &group.closure) else {
            return true;
        };
        closure.has(index) || self.builds_on(index, closure)
    }

    pub(super) fn builds_on(&self, index: usize, closure: &Bits) -> bool {
        self.node(index)
            .is_some_and(|node| node.past.covers(closure))
    }

    /// A person who proposes many things beside each other has so many that are answered, by hash. What was decided on one of the
    /// others stands: otherwise its author could undo that alone, later.
    pub(super) fn is_crowded(&self, index: usize, frame: Frame<'_>) -> bool {
        let Some(node) = self.node(index) else {
            return false;
        };
        let ahead = self.rivals(index).filter(|other| {
            let lower = |other: &super::graph::Node| other.id() < node.id();
            frame.set.has(*other)
                && self.is_within(*other, frame.base)
                && self.node(*other).is_some_and(lower)
        });
        ahead.take(MAX_OPEN_PROPOSALS).count() == MAX_OPEN_PROPOSALS
    }

    /// Whether a removal of its author, or a revocation of its device, had not seen it.
    pub(super) fn is_undone(&self, index: usize, removals: &Removals) -> bool {
        let Some(node) = self.node(index) else {
            return true;
        };
        let unseen = |removal: usize| removal != index && !self.before(index, removal);
        let mut lost = removals.of_device(node.device()).iter().copied();
        if lost.any(unseen) {
            return true;
        }
        let removed = removals.of_person(node.person());
        let ends = |removal: &usize| self.ends(*removal, node.admission, removed);
        !self.is_about_removal(index)
            && removed
                .iter()
                .any(|removal| unseen(*removal) && ends(removal))
    }

    /// What two members do to expel each other stands whichever is seen first; so does what they say on leaving.
    fn is_about_removal(&self, index: usize) -> bool {
        let body = self.node(index).map(|node| node.operation.body());
        match body {
            Some(Body::Leave | Body::Revoke { .. }) => true,
            Some(Body::Propose { .. } | Body::Ballot { .. } | Body::Enact { .. }) => {
                matches!(self.subject(index), Some(Subject::Remove { .. }))
            }
            _ => false,
        }
    }

    /// The answers to a proposal in a set.
    pub(super) fn answers(&self, proposal: usize, set: &Bits) -> Vec<usize> {
        let node = self.node(proposal);
        let proposal = node.and_then(|node| node.proposal.as_deref());
        let answers = proposal.map_or(&[][..], |proposal| &proposal.answers);
        answers
            .iter()
            .copied()
            .filter(|answer| set.has(*answer))
            .collect()
    }

    /// What counts of a person's answers: one vouch and one ballot, by rising person. A second one that had seen the first was
    /// never taken, so that of two beside each other the lower hash decides.
    pub(super) fn counted(
        &self,
        answers: &[usize],
        frame: Frame<'_>,
    ) -> BTreeMap<(PersonId, bool), usize> {
        let mut counted: BTreeMap<_, (OperationId, usize)> = BTreeMap::new();
        for &answer in answers {
            let Some(node) = self.node(answer).filter(|node| node.is_answer()) else {
                continue;
            };
            let ballot = self.choice(answer).is_some();
            if self.counts(answer, frame) {
                let this = (node.id(), answer);
                let first = counted.entry((node.person(), ballot)).or_insert(this);
                *first = (*first).min(this);
            }
        }
        let counted = counted.into_iter();
        counted.map(|(who, (_, answer))| (who, answer)).collect()
    }

    pub(super) fn choice(&self, answer: usize) -> Option<Choice> {
        match self.node(answer)?.operation.body() {
            Body::Ballot { choice, .. } => Some(*choice),
            _ => None,
        }
    }

    /// Who says yes in a certificate, as far as it counts.
    pub(super) fn support(&self, certificate: &[usize], frame: Frame<'_>) -> Support {
        let mut support = Support::default();
        for ((person, _), answer) in self.counted(certificate, frame) {
            match self.choice(answer) {
                None => support.vouches.push(person),
                Some(Choice::Yes) => support.ballots.push(person),
                Some(_) => {}
            }
        }
        support
    }

    /// Whether a certificate is enough: among the members at the proposal's heads and, if it was made without knowing the
    /// newest final checkpoint, among the members there, too.
    pub(super) fn is_enough(
        &self,
        proposal: usize,
        support: &Support,
        base: Option<usize>,
    ) -> bool {
        let Some((needs, fixed)) = self.needs(proposal) else {
            return false;
        };
        let first = Electorate {
            persons: &fixed.electorate,
            admitting: &fixed.admitting,
        };
        if !support.carries(needs, &first) || self.consents_missing(proposal, support) > 0 {
            return false;
        }
        let second = self.second_electorate(proposal, base);
        second.is_none_or(|(persons, admitting)| {
            let second = Electorate {
                persons: &persons,
                admitting: &admitting,
            };
            support.carries(needs, &second)
        })
    }

    /// How many persons whom a proposal sends away have not said yes themselves.
    pub(super) fn consents_missing(&self, proposal: usize, support: &Support) -> usize {
        let persons = self.subject(proposal).map_or(&[][..], Subject::consenting);
        let silent = |person: &&PersonId| !has(&support.ballots, person);
        persons.iter().filter(silent).count()
    }

    /// Who must carry a proposal, too, that was made without knowing the newest final checkpoint: the members there, and those
    /// whose vouch alone admits.
    pub(super) fn second_electorate(
        &self,
        proposal: usize,
        base: Option<usize>,
    ) -> Option<(Vec<PersonId>, Vec<PersonId>)> {
        let group = self.group(base)?;
        if self.builds_on(proposal, &group.closure) {
            return None;
        }
        let without = self.subject(proposal).map_or(&[][..], Subject::without);
        let time = self.node(proposal).map_or(0, super::graph::Node::time);
        let persons = group.view.electorate_at(time, without);
        let admitting = group.view.admitting(&persons);
        Some((persons, admitting))
    }

    pub(super) fn needs(&self, proposal: usize) -> Option<(Needs, &Proposal)> {
        let node = self.node(proposal)?;
        let fixed = node.proposal.as_deref()?;
        Some((
            Needs::of(self.subject(proposal)?, &fixed.constitution),
            fixed,
        ))
    }
}
