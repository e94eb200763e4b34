//! What is said in a collective: texts, names, seeds. It is kept by whoever shows it; here it is only judged.

use super::{
    Collective,
    bits::Bits,
    body::Body,
    constitution::{POWER_POST, Posting},
    judge::Refusal,
    operation::Operation,
    view::{Member, View},
};
use crate::{DeviceId, OperationId};

/// What to think of something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Show it.
    Valid,
    /// These control operations are missing: judge it again when they are here.
    Waiting(Vec<OperationId>),
    /// Its author may not say it: forget it.
    Refused(Refusal),
    /// Its author was removed, or its device revoked, by somebody who had not seen it; or their admission was undone. Judge
    /// it again when the membership has changed.
    Void,
}

impl Collective {
    /// Whether something that was said counts: its author was a member at its heads, and was not removed by somebody who
    /// had not seen it. The same at every replica that has the same control operations.
    ///
    /// What a member says shows that control operations are wanted which wait because their device says too much at once:
    /// [`place_wanted`](Self::place_wanted) puts them in.
    pub fn verdict(&mut self, operation: &Operation) -> Verdict {
        let fields = operation.fields();
        if operation.space() != self.space() {
            return Verdict::Refused(Refusal::OtherSpace);
        }
        if fields.body.is_control() {
            return Verdict::Refused(Refusal::NotControl);
        }
        let parents = match self.graph.find(&fields.context) {
            Ok(parents) => parents,
            Err(missing) => {
                if self.current.owners.get(&fields.device) == Some(&fields.person) {
                    self.waiting.want(&missing, Some(fields.device));
                }
                return Verdict::Waiting(missing);
            }
        };
        let past = self.graph.closure(&parents);
        let (_, base) = self.graph.finals_at(&parents, &past);
        let view = self.view_at(&past, base);
        let Some(member) = view.members.get(&fields.person) else {
            return Verdict::Refused(Refusal::NotMember);
        };
        if let Err(refusal) = self.may_say(member, fields.device, &fields.body, &view) {
            return Verdict::Refused(refusal);
        }
        if self.current.holds.has(member.admission) && self.is_seen(operation, member, &past) {
            Verdict::Valid
        } else {
            Verdict::Void
        }
    }

    pub(super) fn may_say(
        &self,
        member: &Member,
        device: DeviceId,
        body: &Body,
        view: &View,
    ) -> Result<(), Refusal> {
        let text = matches!(body, Body::Text { .. });
        let delegates = view.constitution.posting == Posting::Delegates;
        if view.dissolved {
            Err(Refusal::Dissolved)
        } else if !member.devices.contains(&device) {
            Err(Refusal::NotTheirDevice)
        } else if text && delegates && !member.has_power(&view.constitution, POWER_POST) {
            Err(Refusal::NotEntitled)
        } else {
            Ok(())
        }
    }

    /// Whether what removed its author or its device since had seen it: the first of those that put it into force say up to
    /// where, and the most generous of them counts, so that nobody alone can silence what others have read.
    fn is_seen(&self, operation: &Operation, member: &Member, past: &Bits) -> bool {
        let graph = &self.graph;
        let fields = operation.fields();
        let covers = |removal: &usize| {
            let by = graph.node(*removal).map(|node| node.operation.fields());
            by.is_some_and(|by| {
                let seen = by.seen.iter().map(|head| (head.device, head.sequence));
                let mut known = seen.chain([(by.device, by.sequence)]);
                known.any(|(device, last)| device == fields.device && fields.sequence <= last)
            })
        };
        let seen = |removals: &[usize], reset: &dyn Fn(usize) -> bool| {
            let unseen = removals
                .iter()
                .filter(|one| !past.has(**one) && !reset(**one));
            let unseen: Vec<_> = unseen.copied().collect();
            let first = |one: &&usize| !unseen.iter().any(|other| graph.before(*other, **one));
            unseen.is_empty() || unseen.iter().filter(first).any(covers)
        };
        let removals = &self.current.removals;
        let removed = removals.of_person(fields.person);
        seen(removed, &|one| !graph.ends(one, member.admission, removed))
            && seen(removals.of_device(fields.device), &|_| false)
    }
}
