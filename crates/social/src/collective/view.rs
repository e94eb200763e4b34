//! Who belongs, and under which rules: a pure function of a set of control operations.
//!
//! [`Graph::resolve`] takes the newest final checkpoint of the set as given and folds what builds on it:
//!
//! 1. *Removals* first, since they make other things void, and other removals by that. Which of them stand is found by
//!    approaching from both sides (the alternating fixpoint of logic programs with negation, Van Gelder 1989): assume that all
//!    stand, see which must stand nevertheless; assume those only, see which may; and so on until nothing changes. Where that
//!    leaves a doubt, because two removals deny each other's electors, both stand.
//! 2. Then every other effect: first who belongs and with which devices, in any order that puts causes first, then what was
//!    decided about them.
//! 3. Then the constitution: amendments apply to the version that they were proposed to. Of two to one version the one
//!    with more ballots in favour that count in its certificate applies, then the lower hash; the other is overtaken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use komrade_crypto::{
    identity::{DeviceCertificate, PersonId},
    labels,
};

use super::{
    bits::Bits,
    body::Body,
    constitution::{Constitution, POWER_ADMIT},
    graph::{Graph, Node},
    operation::hash,
    proposal::{Frame, MILLIS_PER_DAY, has},
    subject::Subject,
    template::Template,
};
use crate::{DeviceId, OperationId, cbor::Writer};

/// A member, as a view has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) admission: usize,
    pub(super) admitted: OperationId,
    /// Every admission that stands: two halves may have admitted them without knowing of each other.
    pub(super) admissions: BTreeSet<usize>,
    pub(super) devices: BTreeSet<DeviceId>,
    /// The votes that let them rest, which no return has seen, and their times.
    rests: BTreeMap<usize, u64>,
    roles: Vec<(u8, usize)>,
    recalls: Vec<(u8, usize)>,
}

impl Member {
    pub(super) fn is_resting(&self) -> bool {
        !self.rests.is_empty()
    }

    /// The votes that let them rest.
    pub(super) fn rests(&self) -> impl Iterator<Item = usize> {
        self.rests.keys().copied()
    }

    /// Whether they count in a vote that begins at a time: whoever was put to rest counts for another such period, to return.
    fn counts_at(&self, time: u64, period: u64) -> bool {
        let mut rests = self.rests.values();
        rests.all(|since| time < since.saturating_add(period))
    }

    pub(super) fn has_role(&self, role: u8) -> bool {
        self.roles.iter().any(|(number, _)| *number == role)
    }

    /// The roles, rising.
    pub(super) fn roles(&self) -> BTreeSet<u8> {
        self.roles.iter().map(|(role, _)| *role).collect()
    }

    pub(super) fn has_power(&self, constitution: &Constitution, power: u64) -> bool {
        let mut roles = self.roles.iter();
        roles.any(|(role, _)| {
            let role = constitution.role(*role);
            role.is_some_and(|role| role.powers & power != 0)
        })
    }
}

/// What takes persons and devices away, by whom it takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removals {
    persons: BTreeMap<PersonId, Vec<usize>>,
    devices: BTreeMap<DeviceId, Vec<usize>>,
}

impl Removals {
    pub(super) fn of_person(&self, person: PersonId) -> &[usize] {
        self.persons.get(&person).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_device(&self, device: DeviceId) -> &[usize] {
        self.devices.get(&device).map_or(&[], Vec::as_slice)
    }

    /// What both hold.
    fn common(mut self, other: &Self) -> Self {
        let both = |removals: &mut Vec<usize>, others: &[usize]| {
            removals.retain(|removal| others.contains(removal));
            !removals.is_empty()
        };
        self.persons
            .retain(|person, removals| both(removals, other.of_person(*person)));
        self.devices
            .retain(|device, removals| both(removals, other.of_device(*device)));
        self
    }

    fn all(&self) -> impl Iterator<Item = usize> {
        let persons = self.persons.values().flatten();
        persons.chain(self.devices.values().flatten()).copied()
    }
}

/// The state of a collective at a set of operations.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    /// The final checkpoint that it builds on.
    pub(super) base: Option<usize>,
    pub(super) members: BTreeMap<PersonId, Arc<Member>>,
    /// Whose each device is. One that two persons claim, neither knowing of the other, is the lower one's.
    pub(super) owners: BTreeMap<DeviceId, PersonId>,
    pub(super) constitution: Arc<Constitution>,
    /// The node that set the constitution.
    pub(super) version: usize,
    /// The effects that hold.
    pub(super) holds: Bits,
    pub(super) removals: Removals,
    pub(super) dissolved: bool,
    /// The amendments that were ever in force.
    pub(super) amended: Bits,
}

impl View {
    /// Before the Genesis: nobody.
    fn empty() -> Self {
        Self {
            base: None,
            members: BTreeMap::new(),
            owners: BTreeMap::new(),
            constitution: Arc::new(Template::AffinityGroup.constitution(1, "")),
            version: 0,
            holds: Bits::default(),
            removals: Removals::default(),
            dissolved: false,
            amended: Bits::default(),
        }
    }

    /// Adds a device to a member, unless it was revoked or is another's.
    fn give(&mut self, person: PersonId, device: DeviceId) {
        if !self.removals.of_device(device).is_empty() {
            return;
        }
        if let Some(owner) = self.owners.get(&device).filter(|owner| **owner != person) {
            if *owner < person {
                return;
            }
            if let Some(owner) = self.members.get_mut(owner) {
                Arc::make_mut(owner).devices.remove(&device);
            }
        }
        if let Some(member) = self.members.get_mut(&person) {
            Arc::make_mut(member).devices.insert(device);
            self.owners.insert(device, person);
        }
    }

    /// The members who count, without some; rising.
    pub(super) fn electorate(&self, without: &[PersonId]) -> Vec<PersonId> {
        self.members
            .iter()
            .filter(|(person, member)| !member.is_resting() && !without.contains(person))
            .map(|(person, _)| *person)
            .collect()
    }

    /// Those who decide on what is proposed at a time.
    ///
    /// Whoever was put to rest counts for as long as a vote lasts, and can return: otherwise half of the members could let one after
    /// the other rest, and then decide what takes more of them.
    pub(super) fn electorate_at(&self, time: u64, without: &[PersonId]) -> Vec<PersonId> {
        let period = u64::from(self.constitution.period_days) * MILLIS_PER_DAY;
        self.members
            .iter()
            .filter(|(person, member)| member.counts_at(time, period) && !without.contains(person))
            .map(|(person, _)| *person)
            .collect()
    }

    /// Those of them whose vouch alone admits.
    pub(super) fn admitting(&self, electorate: &[PersonId]) -> Vec<PersonId> {
        self.members
            .iter()
            .filter(|(person, member)| {
                has(electorate, person) && member.has_power(&self.constitution, POWER_ADMIT)
            })
            .map(|(person, _)| *person)
            .collect()
    }
}

impl Graph {
    /// The state at a set, and how many effects were looked at.
    pub(super) fn resolve(&self, set: &Bits, base: Option<usize>) -> (View, usize) {
        let group = self.group(base);
        let mut view = group.map_or_else(View::empty, |group| View::clone(&group.view));
        view.base = base;
        let beyond: Vec<usize> = set
            .common(&self.mask)
            .iter()
            .filter(|index| {
                let effect = self.node(*index).is_some_and(|node| node.is_effect());
                let known = group.is_some_and(|group| group.closure.has(*index));
                effect && !known && self.is_within(*index, base)
            })
            .collect();
        let passes = self.settle_removals(set, &mut view, &beyond);
        let start = &view.holds;
        let mut holds = self.pass(set, base, start, &view.removals, &beyond);
        view.removals.all().for_each(|removal| holds.set(removal));
        view.holds = holds;
        self.apply_removals(&mut view);
        // First who belongs, then what was decided about them: what lies beside an admission may have arrived before it.
        for decided in [false, true] {
            for &effect in &beyond {
                if view.holds.has(effect) && self.is_about_members(effect) == decided {
                    self.apply(&mut view, effect);
                }
            }
        }
        self.amend(&mut view, set, &beyond);
        (view, beyond.len() * (passes + 1))
    }

    /// Which removals stand. Says how often everything was looked at.
    fn settle_removals(&self, set: &Bits, view: &mut View, beyond: &[usize]) -> usize {
        let frozen = std::mem::take(&mut view.removals);
        let collect = |holds: &dyn Fn(usize) -> bool| {
            let mut removals = frozen.clone();
            for &effect in beyond.iter().filter(|effect| holds(**effect)) {
                self.add_removal(&mut removals, effect);
            }
            removals
        };
        let mut possible = collect(&|_| true);
        let mut passes = 0;
        // With every round fewer are possible: it ends by itself, and the bound only says so.
        while possible != frozen && passes <= 2 * beyond.len() {
            let holds = self.pass(set, view.base, &view.holds, &possible, beyond);
            let certain = collect(&|effect| holds.has(effect));
            let holds = self.pass(set, view.base, &view.holds, &certain, beyond);
            // A removal can also add support, since of a person's two ballots the other may count then: without this it might
            // go round in circles.
            let next = collect(&|effect| holds.has(effect)).common(&possible);
            passes += 2;
            if next == possible {
                break;
            }
            possible = next;
        }
        view.removals = possible;
        passes
    }

    /// Which effects hold if these removals stand. What an effect needs lies before it.
    fn pass(
        &self,
        set: &Bits,
        base: Option<usize>,
        start: &Bits,
        removals: &Removals,
        beyond: &[usize],
    ) -> Bits {
        let mut holds = start.clone();
        for &effect in beyond {
            let frame = Frame {
                set,
                base,
                holds: &holds,
                removals,
            };
            if self.holds(effect, frame) {
                holds.set(effect);
            }
        }
        holds
    }

    /// Whether an effect holds, given what holds before it.
    pub(super) fn holds(&self, effect: usize, frame: Frame<'_>) -> bool {
        let Some(node) = self.node(effect) else {
            return false;
        };
        let certified = || {
            node.about.is_some_and(|proposal| {
                let support = self.support(&node.certificate, frame);
                self.counts(proposal, frame) && self.is_enough(proposal, &support, frame.base)
            })
        };
        match node.operation.body() {
            Body::Genesis { .. } => true,
            Body::Accept { .. } => {
                let removals = frame.removals.of_person(node.person());
                let is_stale = |proposal| self.is_stale(proposal, &node.past, removals);
                certified() && !node.about.is_some_and(is_stale)
            }
            Body::Enact { .. } => self.counts(effect, frame) && certified(),
            _ => self.counts(effect, frame),
        }
    }

    fn add_removal(&self, removals: &mut Removals, effect: usize) {
        let Some(node) = self.node(effect) else {
            return;
        };
        let persons = match (node.operation.body(), self.subject(effect)) {
            (Body::Leave, _) => vec![node.person()],
            (
                Body::Enact { .. },
                Some(subject @ (Subject::Remove { .. } | Subject::Split { .. })),
            ) => subject.persons().to_vec(),
            (Body::Revoke { revocation }, _) => {
                let device = DeviceId(*revocation.device());
                removals.devices.entry(device).or_default().push(effect);
                return;
            }
            _ => return,
        };
        for person in persons {
            removals.persons.entry(person).or_default().push(effect);
        }
    }

    /// Whether an admission was undone by a removal that it had not seen.
    fn is_removed(&self, person: PersonId, admission: usize, removals: &Removals) -> bool {
        let removals = removals.of_person(person);
        let mut all = removals.iter();
        all.any(|removal| self.ends(*removal, admission, removals))
    }

    /// Whether an effect changes something about those who are members.
    fn is_about_members(&self, effect: usize) -> bool {
        let body = self.node(effect).map(|node| node.operation.body());
        matches!(body, Some(Body::Enact { .. } | Body::Return))
    }

    fn apply_removals(&self, view: &mut View) {
        let removals = &view.removals;
        view.members
            .retain(|person, member| !self.is_removed(*person, member.admission, removals));
        for member in view.members.values_mut() {
            let lost = |device: &DeviceId| !removals.of_device(*device).is_empty();
            if member.devices.iter().any(lost) {
                Arc::make_mut(member).devices.retain(|device| !lost(device));
            }
        }
        let members = &view.members;
        view.owners.retain(|device, person| {
            let owner = members.get(person);
            owner.is_some_and(|owner| owner.devices.contains(device))
        });
    }

    /// Adds an effect that holds.
    pub(super) fn apply(&self, view: &mut View, effect: usize) {
        let Some(node) = self.node(effect) else {
            return;
        };
        match node.operation.body() {
            Body::Genesis {
                constitution,
                founders,
                ..
            } => {
                view.constitution = Arc::new((**constitution).clone());
                view.version = effect;
                founders
                    .iter()
                    .for_each(|one| self.admit(view, effect, one));
            }
            Body::Accept { certificate, .. } => self.admit(view, effect, certificate),
            Body::Device { certificate }
                if !self.is_removed(node.person(), node.admission, &view.removals) =>
            {
                view.give(node.person(), DeviceId(*certificate.device()));
            }
            Body::Return => {
                if let Some(member) = view.members.get_mut(&node.person()) {
                    let rests = &mut Arc::make_mut(member).rests;
                    rests.retain(|rest, _| !node.past.has(*rest));
                }
            }
            Body::Enact { .. } => self.apply_enact(view, effect),
            _ => {}
        }
    }

    /// Whoever was admitted twice, in two halves that did not know of each other, is one member with the devices of both.
    fn admit(&self, view: &mut View, admission: usize, certificate: &DeviceCertificate) {
        let person = certificate.person();
        let Some(node) = self
            .node(admission)
            .filter(|_| !self.is_removed(person, admission, &view.removals))
        else {
            return;
        };
        let member = view.members.entry(person).or_insert_with(|| {
            Arc::new(Member {
                admission,
                admitted: node.id(),
                admissions: BTreeSet::new(),
                devices: BTreeSet::new(),
                rests: BTreeMap::new(),
                roles: Vec::new(),
                recalls: Vec::new(),
            })
        });
        let member = Arc::make_mut(member);
        member.admissions.insert(admission);
        if node.id() < member.admitted {
            (member.admission, member.admitted) = (admission, node.id());
        }
        view.give(person, DeviceId(*certificate.device()));
    }

    fn apply_enact(&self, view: &mut View, effect: usize) {
        let (role, person) = match self.subject(effect) {
            Some(Subject::Dissolve) => {
                view.dissolved = true;
                return;
            }
            Some(Subject::Rest { person }) => (None, person),
            Some(Subject::Empower { role, person }) => (Some((*role, true)), person),
            Some(Subject::Recall { role, person }) => (Some((*role, false)), person),
            _ => return,
        };
        let member = view.members.get_mut(person);
        // A new admission begins anew.
        let node = self.node(effect);
        let about = node.and_then(|it| it.about);
        // The date of one of them alone could be false.
        let certificate = node.into_iter().flat_map(|it| &it.certificate);
        let voted = certificate.filter_map(|answer| self.node(*answer));
        let time = voted.chain(node).map(Node::time).max().unwrap_or(0);
        let known =
            |member: &&mut Arc<Member>| about.is_some_and(|proposal| self.knows(proposal, member));
        let Some(member) = member.filter(known) else {
            return;
        };
        let member = Arc::make_mut(member);
        let before = |other: usize| self.before(other, effect);
        match role {
            None => {
                member.rests.insert(effect, time);
            }
            Some((role, true)) => {
                let mut recalls = member.recalls.iter();
                if recalls.all(|(other, recall)| *other != role || before(*recall)) {
                    member.roles.push((role, effect));
                }
            }
            Some((role, false)) => {
                member.roles.retain(|(other, _)| *other != role);
                member.recalls.push((role, effect));
            }
        }
    }

    fn amend(&self, view: &mut View, set: &Bits, beyond: &[usize]) {
        let amends = |effect: usize| {
            let node = self.node(effect)?;
            let (_, fixed) = self.needs(node.about?)?;
            match self.subject(effect)? {
                Subject::Amend { constitution } => Some((node, fixed, constitution)),
                _ => None,
            }
        };
        loop {
            let next = beyond
                .iter()
                .filter(|effect| view.holds.has(**effect))
                .filter_map(|effect| amends(*effect))
                .filter(|(_, fixed, _)| fixed.version == view.version)
                .filter_map(|(node, _, constitution)| {
                    let proposal = node.about?;
                    let id = self.node(proposal)?.id();
                    let support = self.support(&node.certificate, Frame::of(set, view));
                    let rank = (support.ballots.len(), std::cmp::Reverse(id));
                    Some((rank, proposal, constitution))
                })
                .max_by_key(|(rank, ..)| *rank);
            let Some((_, proposal, constitution)) = next else {
                return;
            };
            view.constitution = Arc::new((**constitution).clone());
            view.version = proposal;
            view.amended.set(proposal);
        }
    }

    /// The hash of who belongs, with which devices, under which rules: the same at every replica.
    pub(super) fn digest(&self, view: &View) -> [u8; 32] {
        let mut writer = Writer::default();
        writer.array(3);
        let version = self.node(view.version).map(|node| node.id());
        writer.bytes(&version.map_or([0; 32], |id| id.0));
        writer.number(view.dissolved.into());
        writer.map(view.members.len());
        for (person, member) in &view.members {
            writer.bytes(&person.0);
            writer.array(4);
            writer.bytes(&member.admitted.0);
            writer.number(member.is_resting().into());
            writer.array(member.devices.len());
            let devices = member.devices.iter();
            devices.for_each(|device| writer.bytes(&device.0));
            let roles = member.roles();
            writer.array(roles.len());
            roles.iter().for_each(|role| writer.number((*role).into()));
        }
        hash(labels::COLLECTIVE_STATE, &[&writer.into_vec()])
    }
}
