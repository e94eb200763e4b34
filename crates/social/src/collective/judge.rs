//! Whether an operation may be made at its heads: a pure function of what lies before it, so that what is refused once is
//! refused for ever and by everybody, and need not be kept.

use komrade_crypto::identity::PersonId;
use thiserror::Error;

use super::{
    bits::Bits,
    body::{Body, Checkpoint, Choice},
    constitution::{Fault, MAX_MEMBERS, Rule},
    graph::{Graph, Node},
    operation::Operation,
    proposal::{
        Frame, MAX_BALLOTS, MAX_CHECKPOINTS, MAX_OPEN_PROPOSALS, MAX_RATION, MAX_RATION_BYTES,
        MILLIS_PER_DAY, Needs, Proposal, RATION_DAYS, has,
    },
    subject::Subject,
    view::{Member, View},
};
use crate::{DeviceId, OperationId};

/// The most devices of one member.
pub const MAX_DEVICES: usize = 8;

/// Why an operation can never count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Of another collective, or a second Genesis.
    #[error("not of this collective")]
    OtherSpace,
    /// The author is no member at its heads.
    #[error("not a member")]
    NotMember,
    /// The device is none of the author's.
    #[error("not a device of theirs")]
    NotTheirDevice,
    /// The author rests: they return first.
    #[error("resting")]
    Resting,
    /// The collective has ended.
    #[error("dissolved")]
    Dissolved,
    /// Its time is before what its device said earlier, or long before what its author or the proposal said.
    #[error("a clock that runs backwards")]
    ClockBackwards,
    /// What it names is no proposal, or not one of this sort.
    #[error("no such proposal")]
    NoSuchProposal,
    /// The author is not in the electorate.
    #[error("not entitled")]
    NotEntitled,
    /// The time for it is over.
    #[error("too late")]
    TooLate,
    /// It was done already.
    #[error("done already")]
    Done,
    /// The author has too many open proposals, or used up the ration.
    #[error("too many")]
    TooMany,
    /// Not enough vouches or ballots before it.
    #[error("not enough")]
    NotEnough,
    /// The rules that it was to change have changed, or the membership that it was about has ended.
    #[error("overtaken")]
    Overtaken,
    /// About somebody or something that is not there, or is already.
    #[error("no sense")]
    Senseless,
    /// Rules that could not be taken: the first fault.
    #[error("a constitution with a fault")]
    BadConstitution(Rule, Fault),
    /// A checkpoint that does not follow from what it names.
    #[error("a checkpoint that does not hold")]
    BadCheckpoint,
    /// A kind of operation that does not belong here.
    #[error("not a control operation")]
    NotControl,
}

/// What is known of an operation that may be made.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) admission: usize,
    pub(super) about: Option<usize>,
    pub(super) proposal: Option<Box<Proposal>>,
    pub(super) certificate: Vec<usize>,
    /// A checkpoint's source, closure and state, if it is a new one; its group otherwise.
    pub(super) checkpoint: Option<(Option<usize>, Bits, View)>,
    pub(super) group: Option<usize>,
}

/// Somebody who does something at some heads.
pub(super) struct Act<'a> {
    pub(super) person: PersonId,
    pub(super) device: DeviceId,
    pub(super) time: u64,
    /// That, or the latest before it if that is later.
    pub(super) latest: u64,
    /// How long the operation is; 0 as long as it is not made.
    pub(super) bytes: usize,
    pub(super) body: &'a Body,
    pub(super) past: &'a Bits,
    /// The checkpoints that are final there.
    pub(super) finals: &'a Bits,
    pub(super) view: &'a View,
}

impl<'a> Act<'a> {
    pub(super) fn of(
        operation: &'a Operation,
        latest: u64,
        past: &'a Bits,
        finals: &'a Bits,
        view: &'a View,
    ) -> Self {
        let fields = operation.fields();
        Self {
            person: fields.person,
            device: fields.device,
            time: fields.time,
            latest,
            bytes: operation.as_bytes().len(),
            body: &fields.body,
            past,
            finals,
            view,
        }
    }

    /// Whether it is somebody's device, or was revoked.
    fn device_is_used(&self) -> bool {
        let lost = !self.view.removals.of_device(self.device).is_empty();
        lost || self.view.owners.contains_key(&self.device)
    }

    fn member(&self) -> Result<&'a Member, Refusal> {
        let member = self.view.members.get(&self.person);
        member.map(AsRef::as_ref).ok_or(Refusal::NotMember)
    }
}

/// Whether a Genesis can begin a collective.
pub(super) fn judge_genesis(operation: &Operation) -> Result<(), Refusal> {
    let fields = operation.fields();
    let Body::Genesis {
        constitution,
        founders,
        ..
    } = &fields.body
    else {
        return Err(Refusal::OtherSpace);
    };
    let mut persons: Vec<_> = founders.iter().map(|founder| founder.person()).collect();
    persons.sort_unstable();
    persons.dedup();
    let own = founders
        .iter()
        .any(|one| one.person() == fields.person && *one.device() == fields.device.0);
    if !own {
        return Err(Refusal::NotTheirDevice);
    }
    let mut devices: Vec<_> = founders.iter().map(|founder| founder.device()).collect();
    devices.sort_unstable();
    if devices.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(Refusal::Senseless);
    }
    sound(constitution.faults(persons.len()))
}

fn sound(faults: Vec<(Rule, Fault)>) -> Result<(), Refusal> {
    match faults.first() {
        None => Ok(()),
        Some((rule, fault)) => Err(Refusal::BadConstitution(*rule, *fault)),
    }
}

impl Graph {
    pub(super) fn judge(&self, act: &Act<'_>) -> Result<Judged, Refusal> {
        // That it has ended becomes final, too.
        if act.view.dissolved && !matches!(act.body, Body::Checkpoint(_)) {
            return Err(Refusal::Dissolved);
        }
        self.check_clock(act)?;
        self.check_ration(act)?;
        if let Body::Accept {
            proposal,
            certificate,
        } = act.body
        {
            let own = (certificate.person(), DeviceId(*certificate.device()));
            if own != (act.person, act.device) {
                return Err(Refusal::NotTheirDevice);
            }
            return self.judge_accept(act, *proposal);
        }
        let member = act.member()?;
        let mut judged = Judged {
            admission: member.admission,
            ..Judged::default()
        };
        if let Body::Device { certificate } = act.body {
            let device = DeviceId(*certificate.device());
            return match () {
                // It signs for itself: a root can certify any key, also another's.
                () if certificate.person() != act.person || device != act.device => {
                    Err(Refusal::NotTheirDevice)
                }
                () if act.device_is_used() => Err(Refusal::Done),
                () if member.devices.len() >= MAX_DEVICES => Err(Refusal::TooMany),
                () => Ok(judged),
            };
        }
        if !member.devices.contains(&act.device) {
            return Err(Refusal::NotTheirDevice);
        }
        let acts = matches!(
            act.body,
            Body::Propose { .. } | Body::Vouch { .. } | Body::Ballot { .. } | Body::Checkpoint(_)
        );
        if acts && member.is_resting() {
            return Err(Refusal::Resting);
        }
        match act.body {
            Body::Propose { subject, .. } => {
                judged.proposal = Some(Box::new(self.judge_proposal(act, subject)?));
            }
            Body::Vouch { proposal, .. } => {
                judged.about = Some(self.judge_answer(act, *proposal, None)?);
            }
            Body::Ballot { proposal, choice } => {
                judged.about = Some(self.judge_answer(act, *proposal, Some(*choice))?);
            }
            Body::Enact { proposal } => {
                let (about, certificate) = self.judge_enact(act, *proposal)?;
                (judged.about, judged.certificate) = (Some(about), certificate);
            }
            Body::Checkpoint(checkpoint) => self.judge_checkpoint(act, checkpoint, &mut judged)?,
            Body::Return if !member.is_resting() => return Err(Refusal::Done),
            // By themselves, on a new device: whoever else could carry it says to know little, and what the device did falls.
            Body::Revoke { revocation } if revocation.person() != act.person => {
                return Err(Refusal::NotTheirDevice);
            }
            Body::Revoke { revocation } => {
                let device = DeviceId(*revocation.device());
                let owner = act.view.members.get(&revocation.person());
                if !owner.is_some_and(|owner| owner.devices.contains(&device)) {
                    return Err(Refusal::Senseless);
                }
            }
            Body::Genesis { .. } => return Err(Refusal::OtherSpace),
            _ => {}
        }
        Ok(judged)
    }

    /// A device that has spoken cannot date anything before that: to be young again it would have to say two things beside each
    /// other, which shows. Nor can a person on a new device, but for a day by which the clocks of their devices may differ. What makes
    /// a thief's device harmless is taken at any time, and what such a device had said binds nobody: it may have dated that ahead.
    fn check_clock(&self, act: &Act<'_>) -> Result<(), Refusal> {
        let own = self.devices.get(&act.device).into_iter().flatten();
        let earlier = own.filter(|node| act.past.has(**node));
        let latest = earlier
            .filter_map(|node| self.node(*node))
            .map(|node| node.time());
        if latest.max().is_some_and(|latest| act.time < latest) {
            return Err(Refusal::ClockBackwards);
        }
        let lost = |node: &Node| !act.view.removals.of_device(node.device()).is_empty();
        let own = self.acts.get(&act.person).into_iter().flatten();
        let said = own
            .filter(|node| act.past.has(**node))
            .filter_map(|node| self.node(*node))
            .filter(|node| !lost(node))
            .map(Node::time);
        let rescues = matches!(
            act.body,
            Body::Device { .. } | Body::Revoke { .. } | Body::Leave
        );
        let time = act.time.saturating_add(MILLIS_PER_DAY);
        if !rescues && said.max().is_some_and(|latest| time < latest) {
            return Err(Refusal::ClockBackwards);
        }
        Ok(())
    }

    /// Whether its author may say more of this sort now. What is counted with more care (proposals, vouches, checkpoints) is judged
    /// where it belongs. Whoever leaves, or is told that a device is lost, is heard however much was said.
    fn check_ration(&self, act: &Act<'_>) -> Result<(), Refusal> {
        let (most, sort): (_, fn(&Node) -> bool) = match act.body {
            Body::Unknown { .. } => (MAX_RATION, |node| {
                matches!(node.body(), Body::Unknown { .. })
            }),
            Body::Device { .. } | Body::Revoke { .. } => (MAX_RATION, |node| {
                matches!(node.body(), Body::Device { .. } | Body::Revoke { .. })
            }),
            Body::Ballot { .. } | Body::Enact { .. } | Body::Accept { .. } | Body::Return => {
                (MAX_BALLOTS, |node| {
                    let body = node.body();
                    matches!(
                        body,
                        Body::Ballot { .. }
                            | Body::Enact { .. }
                            | Body::Accept { .. }
                            | Body::Return
                    )
                })
            }
            _ => (usize::MAX, |_| false),
        };
        if self.acts_of(act, sort).count() >= most {
            return Err(Refusal::TooMany);
        }
        let is_last = matches!(act.body, Body::Leave | Body::Revoke { .. });
        let lengths = self.acts_of(act, |_| true);
        let before: usize = lengths.map(|node| node.operation.as_bytes().len()).sum();
        if !is_last && before.saturating_add(act.bytes) > MAX_RATION_BYTES {
            return Err(Refusal::TooMany);
        }
        Ok(())
    }

    fn judge_proposal(&self, act: &Act<'_>, subject: &Subject) -> Result<Proposal, Refusal> {
        let (members, rules) = (&act.view.members, &act.view.constitution);
        let member = |person: &PersonId| members.get(person).map(AsRef::as_ref);
        let sensible = match subject {
            Subject::Admit { person, .. } => member(person).is_none(),
            Subject::Remove { person } => member(person).is_some() && *person != act.person,
            Subject::Rest { person } => member(person).is_some_and(|one| !one.is_resting()),
            Subject::Empower { role, person } => {
                let new = |one: &Member| !one.has_role(*role);
                rules.role(*role).is_some() && member(person).is_some_and(new)
            }
            Subject::Recall { role, person } => {
                member(person).is_some_and(|one| one.has_role(*role))
            }
            Subject::Split { persons } => {
                // Whoever rests cannot say that they go.
                let counts = |one: &Member| !one.is_resting();
                let all = persons
                    .iter()
                    .all(|person| member(person).is_some_and(counts));
                all && !persons.is_empty() && persons.len() < members.len()
            }
            Subject::Amend { constitution } => {
                sound(constitution.faults(act.view.electorate(&[]).len()))?;
                **constitution != **rules
            }
            Subject::Decide { .. } | Subject::Dissolve | Subject::Unknown { .. } => true,
        };
        if !sensible {
            return Err(Refusal::Senseless);
        }
        let proposals: Vec<_> = self
            .acts_of(act, |node| node.proposal.is_some())
            .filter_map(|node| node.proposal.as_deref())
            .collect();
        // Only effects are ever among what holds.
        let done = |one: &Proposal| one.answers.iter().any(|answer| act.view.holds.has(*answer));
        let open = |one: &&&Proposal| one.closes >= act.time && !done(one);
        let open = proposals.iter().filter(open).count();
        if open >= MAX_OPEN_PROPOSALS || proposals.len() >= MAX_RATION {
            return Err(Refusal::TooMany);
        }
        let electorate = act.view.electorate_at(act.time, subject.without());
        let days = match subject {
            Subject::Decide { .. } => rules.decision_days,
            _ => rules.period_days,
        };
        Ok(Proposal {
            admitting: act.view.admitting(&electorate),
            electorate,
            constitution: rules.clone(),
            version: act.view.version,
            closes: act.time.saturating_add(u64::from(days) * MILLIS_PER_DAY),
            answers: Vec::new(),
        })
    }

    /// What the author did in the last days, as far as it lies before. The days are those of what each builds on: whoever comes in
    /// could otherwise date that long ago, and what follows one period after the other.
    fn acts_of<'a>(
        &'a self,
        act: &'a Act<'_>,
        sort: fn(&Node) -> bool,
    ) -> impl Iterator<Item = &'a Node> {
        let since = act.latest.saturating_sub(RATION_DAYS * MILLIS_PER_DAY);
        let acts = self.acts.get(&act.person).into_iter().flatten();
        let before = acts.filter(|index| act.past.has(**index));
        before
            .filter_map(|index| self.node(*index))
            .filter(move |node| node.latest > since && sort(node))
    }

    /// The proposal that it names, if it lies before.
    fn proposal(
        &self,
        act: &Act<'_>,
        id: OperationId,
    ) -> Result<(usize, &Subject, &Proposal), Refusal> {
        let index = self.index.get(&id).copied();
        let index = index.filter(|index| act.past.has(*index));
        let found = index.and_then(|index| {
            let fixed = self.node(index)?.proposal.as_deref()?;
            Some((index, self.subject(index)?, fixed))
        });
        found.ok_or(Refusal::NoSuchProposal)
    }

    /// A vouch, or a ballot.
    fn judge_answer(
        &self,
        act: &Act<'_>,
        id: OperationId,
        choice: Option<Choice>,
    ) -> Result<usize, Refusal> {
        let (index, subject, fixed) = self.proposal(act, id)?;
        let needs = Needs::of(subject, &fixed.constitution);
        let fits = match (choice, subject) {
            // What a newer version's members say of it has its place: others build on it.
            (_, Subject::Unknown { .. }) => true,
            (None, _) => needs.vouches.is_some(),
            (Some(Choice::Abstain), Subject::Decide { .. }) => true,
            (Some(Choice::Option(place)), Subject::Decide { options, .. }) => {
                usize::from(place) < options.len()
            }
            (Some(Choice::Option(_)), _) | (_, Subject::Decide { .. }) => false,
            _ => needs.ballots.is_some(),
        };
        if !fits {
            return Err(Refusal::NoSuchProposal);
        }
        if !has(&fixed.electorate, &act.person) {
            return Err(Refusal::NotEntitled);
        }
        if act.time > fixed.closes {
            return Err(Refusal::TooLate);
        }
        let proposed = self.node(index).map_or(0, Node::time);
        if act.time.saturating_add(MILLIS_PER_DAY) < proposed {
            return Err(Refusal::ClockBackwards);
        }
        let frame = Frame::of(act.past, act.view);
        if self.is_crowded(index, frame) {
            return Err(Refusal::TooMany);
        }
        let mut own = self.answers(index, act.past);
        own.retain(|answer| {
            self.node(*answer)
                .is_some_and(|node| node.person() == act.person)
        });
        let counted = self.counted(&own, frame);
        if counted.contains_key(&(act.person, choice.is_some())) {
            return Err(Refusal::Done);
        }
        let is_vouch = |node: &Node| matches!(node.body(), Body::Vouch { .. });
        if choice.is_none() && self.acts_of(act, is_vouch).count() >= MAX_RATION {
            return Err(Refusal::TooMany);
        }
        Ok(index)
    }

    fn judge_accept(&self, act: &Act<'_>, id: OperationId) -> Result<Judged, Refusal> {
        let (about, subject, _) = self.proposal(act, id)?;
        if !matches!(subject, Subject::Admit { person, .. } if *person == act.person) {
            return Err(Refusal::NoSuchProposal);
        }
        if act.view.members.contains_key(&act.person) {
            return Err(Refusal::Done);
        }
        if act.device_is_used() {
            return Err(Refusal::NotTheirDevice);
        }
        if act.view.members.len() >= MAX_MEMBERS {
            return Err(Refusal::TooMany);
        }
        let certificate = self.judge_certificate(act, about)?;
        let removals = act.view.removals.of_person(act.person);
        if self.is_stale(about, act.past, removals) {
            return Err(Refusal::Overtaken);
        }
        Ok(Judged {
            // Its own place, which is the next.
            admission: self.nodes.len(),
            about: Some(about),
            certificate,
            ..Judged::default()
        })
    }

    fn judge_enact(&self, act: &Act<'_>, id: OperationId) -> Result<(usize, Vec<usize>), Refusal> {
        let (about, subject, fixed) = self.proposal(act, id)?;
        let sensible = match subject {
            Subject::Admit { .. } | Subject::Decide { .. } => {
                return Err(Refusal::NoSuchProposal);
            }
            // It does nothing here, and nobody does it twice.
            Subject::Unknown { .. } => {
                let mut answers = self.answers(about, act.past).into_iter();
                let own = |answer| {
                    let node = self.node(answer);
                    node.is_some_and(|node| node.is_effect() && node.person() == act.person)
                };
                return match answers.any(own) {
                    true => Err(Refusal::Done),
                    false => Ok((about, Vec::new())),
                };
            }
            Subject::Amend { .. } if fixed.version != act.view.version => {
                return Err(Refusal::Overtaken);
            }
            Subject::Split { persons } => {
                persons.iter().any(|one| act.view.members.contains_key(one))
            }
            Subject::Amend { .. } | Subject::Dissolve => true,
            other => {
                let mut persons = other.persons().iter();
                persons.all(|person| act.view.members.contains_key(person))
            }
        };
        if !sensible {
            return Err(Refusal::Senseless);
        }
        let mut persons = subject.persons().iter();
        let is_over = |person: &PersonId| {
            let member = act.view.members.get(person);
            let is_about = |one| self.is_about(about, *person, one, &act.view.removals);
            member.is_some_and(|member| !is_about(member))
        };
        if persons.any(is_over) {
            return Err(Refusal::Overtaken);
        }
        let certificate = self.judge_certificate(act, about)?;
        Ok((about, certificate))
    }

    /// One certificate decides once.
    fn judge_certificate(&self, act: &Act<'_>, about: usize) -> Result<Vec<usize>, Refusal> {
        let certificate = self.answers(about, act.past);
        let frame = Frame::of(act.past, act.view);
        // Only effects are ever among what holds.
        if certificate.iter().any(|answer| act.view.holds.has(*answer)) {
            return Err(Refusal::Done);
        }
        let support = self.support(&certificate, frame);
        if !self.counts(about, frame) || !self.is_enough(about, &support, frame.base) {
            return Err(Refusal::NotEnough);
        }
        Ok(certificate)
    }

    fn judge_checkpoint(
        &self,
        act: &Act<'_>,
        checkpoint: &Checkpoint,
        judged: &mut Judged,
    ) -> Result<(), Refusal> {
        let bad = Refusal::BadCheckpoint;
        if self.acts_of(act, |node| node.group.is_some()).count() >= MAX_CHECKPOINTS {
            return Err(Refusal::TooMany);
        }
        let source = match checkpoint.source {
            None => None,
            Some(id) => {
                let source = self.group_of(id).filter(|group| act.finals.has(*group));
                Some(source.ok_or(bad)?)
            }
        };
        let frontier = self.find(&checkpoint.frontier).map_err(|_| bad)?;
        let antichain = |index: &usize| !frontier.iter().any(|one| self.before(*index, *one));
        let mut known = frontier.iter();
        if !known.all(|index| act.past.has(*index) && antichain(index)) {
            return Err(bad);
        }
        if let Some(known) = self.group_of(checkpoint.id()) {
            let group = self.group(Some(known)).ok_or(bad)?;
            judged.group = Some(known);
            let signed = group.signers.get(&act.person).into_iter().flatten();
            return match () {
                () if self.digest(&group.view) != checkpoint.state => Err(bad),
                () if signed.copied().any(|node| act.past.has(node)) => Err(Refusal::Done),
                () => Ok(()),
            };
        }
        let closure = self.closure(&frontier);
        if let Some(source) = self.group(source)
            && (!closure.covers(&source.closure) || closure == source.closure)
        {
            return Err(bad);
        }
        let (view, _) = self.resolve(&closure, source);
        if self.digest(&view) != checkpoint.state {
            return Err(bad);
        }
        judged.checkpoint = Some((source, closure, view));
        Ok(())
    }
}
