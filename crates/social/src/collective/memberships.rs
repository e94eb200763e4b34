//! Which membership something is about. Whoever was expelled and admitted anew is a member for the second time: what was decided
//! about the first time says nothing about the second.

use super::{
    bits::Bits,
    graph::Graph,
    subject::Subject,
    view::{Member, Removals},
};
use komrade_crypto::identity::PersonId;

impl Graph {
    /// Whether a removal ends the membership that an admission began. It does if that had not seen it, unless the membership that
    /// it is about was ended before by another removal that the admission had seen.
    pub(super) fn ends(&self, removal: usize, admission: usize, removals: &[usize]) -> bool {
        let known = |other| self.before(other, admission);
        !known(removal) && !self.is_spent(removal, known, removals)
    }

    /// Whether another removal, of those that are known, ended what a removal is about. Leaving by oneself ends only what the same
    /// person ends: otherwise it would evade a vote.
    fn is_spent(&self, removal: usize, known: impl Fn(usize) -> bool, removals: &[usize]) -> bool {
        let about = self.node(removal).and_then(|node| node.about);
        removals.iter().any(|other| {
            *other != removal
                && known(*other)
                && !self.before(*other, about.unwrap_or(removal))
                && (about.is_none() || self.is_decided(*other))
        })
    }

    /// Whether a removal was decided by vote.
    fn is_decided(&self, removal: usize) -> bool {
        self.node(removal).is_some_and(|node| node.about.is_some())
    }

    /// Whether an admission was proposed before a membership of the candidate ended, as a past knows: it let them in once.
    pub(super) fn is_stale(&self, proposal: usize, past: &Bits, removals: &[usize]) -> bool {
        let known = |other| self.before(other, proposal);
        removals.iter().any(|removal| {
            past.has(*removal) && !known(*removal) && !self.is_spent(*removal, known, removals)
        })
    }

    /// Whether a proposal is about the membership that a person has: their admission lies before it, or, for a removal, none that
    /// was decided since lies between.
    pub(super) fn is_about(
        &self,
        proposal: usize,
        person: PersonId,
        member: &Member,
        removals: &Removals,
    ) -> bool {
        let removes = matches!(
            self.subject(proposal),
            Some(Subject::Remove { .. } | Subject::Split { .. })
        );
        let ended = |removal: &usize| {
            self.is_decided(*removal)
                && self.before(*removal, member.admission)
                && !self.before(*removal, proposal)
        };
        match removes {
            true => !removals.of_person(person).iter().any(ended),
            false => self.knows(proposal, member),
        }
    }

    /// Whether an admission of a member lies before a proposal.
    pub(super) fn knows(&self, proposal: usize, member: &Member) -> bool {
        let mut admissions = member.admissions.iter();
        admissions.any(|admission| self.before(*admission, proposal))
    }
}
