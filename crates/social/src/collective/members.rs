//! Who belongs, and what is final: answers for the engine and the screens.

use std::collections::BTreeSet;

use komrade_crypto::identity::PersonId;

use super::{
    Collective,
    body::{Body, Checkpoint, CheckpointId},
    constitution::Constitution,
    finality::DoubleSigning,
    graph::Node,
    operation::Operation,
    proposal::Frame,
    subject::Subject,
};
use crate::{DeviceId, OperationId};

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// The operation that admitted them: the Genesis, or their Accept.
    pub admission: OperationId,
    /// When that was, in milliseconds since the epoch.
    pub since: u64,
    /// Who vouched for them, or voted for their admission; rising. Nobody for founders.
    pub vouched_by: Vec<PersonId>,
    /// Their devices, rising.
    pub devices: Vec<DeviceId>,
    /// They read and do not count, until they return.
    pub resting: bool,
    /// The numbers of their roles, rising.
    pub roles: Vec<u8>,
}

/// A device of a member, as the group's keys need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberDevice {
    /// Whose.
    pub person: PersonId,
    /// The operation that admitted them.
    pub admission: OperationId,
    /// The device.
    pub device: DeviceId,
}

/// What is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finality {
    /// The newest final checkpoint; `None`: nothing yet.
    pub newest: Option<CheckpointId>,
    /// Final checkpoints contradict each other: stop, and say so. The newest is then the last that all of them contain.
    pub contradicts: bool,
    /// How many of how many have signed the checkpoint that comes next, if somebody has.
    pub progress: Option<(usize, usize)>,
    /// The time of the oldest change of membership that is not final, in milliseconds since the epoch.
    pub oldest_unfixed: Option<u64>,
}

/// Two removals that did not know of each other, each decided with somebody whom the other one removes. Both stand; the
/// two sides may want to go on as two collectives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rift {
    /// The proposals.
    pub proposals: [OperationId; 2],
    /// Who supported each.
    pub sides: [Vec<PersonId>; 2],
}

impl Collective {
    /// The collective: the id of its Genesis.
    pub fn space(&self) -> OperationId {
        let genesis = self.graph.node(0).map(|node| node.id());
        genesis.unwrap_or(OperationId([0; 32]))
    }

    /// What it was called when it was founded.
    pub fn name(&self) -> &str {
        match self.graph.node(0).map(|node| node.operation.body()) {
            Some(Body::Genesis { name, .. }) => name,
            _ => "",
        }
    }

    /// The rules in force.
    pub fn constitution(&self) -> &Constitution {
        &self.current.constitution
    }

    /// The operation with the rules in force: the Genesis, or the proposal that amended them.
    pub fn rules_operation(&self) -> Option<&Operation> {
        let node = self.graph.node(self.current.version)?;
        Some(&node.operation)
    }

    /// Whether it has ended.
    pub fn is_dissolved(&self) -> bool {
        self.current.dissolved
    }

    /// The hash of who belongs, with which devices, under which rules.
    pub fn state(&self) -> [u8; 32] {
        self.graph.digest(&self.current)
    }

    /// The members, by rising person.
    pub fn members(&self) -> Vec<Member> {
        let persons = self.current.members.keys();
        persons.filter_map(|person| self.member(*person)).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.current.members.len()
    }

    /// Whether somebody is one of them.
    pub fn is_member(&self, person: &PersonId) -> bool {
        self.current.members.contains_key(person)
    }

    /// All their devices, by rising person.
    pub fn devices(&self) -> impl Iterator<Item = MemberDevice> {
        self.current.members.iter().flat_map(|(person, member)| {
            let devices = member.devices.iter();
            devices.map(|device| MemberDevice {
                person: *person,
                admission: member.admitted,
                device: *device,
            })
        })
    }

    /// One member.
    pub fn member(&self, person: PersonId) -> Option<Member> {
        let member = self.current.members.get(&person)?;
        let node = self.graph.node(member.admission)?;
        let frame = Frame::of(&self.graph.all, &self.current);
        let support = self.graph.support(&node.certificate, frame);
        let vouched: BTreeSet<_> = support.vouches.into_iter().chain(support.ballots).collect();
        Some(Member {
            person,
            admission: member.admitted,
            since: node.time(),
            vouched_by: vouched.into_iter().collect(),
            devices: member.devices.iter().copied().collect(),
            resting: member.is_resting(),
            roles: member.roles().into_iter().collect(),
        })
    }

    /// How many members count.
    pub fn active(&self) -> usize {
        self.current.electorate(&[]).len()
    }

    /// Whether the rules at some heads give newcomers what was said before; `None` while these are not all here.
    pub fn shared_history_at(&mut self, heads: &[OperationId]) -> Option<bool> {
        let heads = self.graph.find(heads).ok()?;
        let past = self.graph.closure(&heads);
        let (_, base) = self.graph.finals_at(&heads, &past);
        Some(self.view_at(&past, base).constitution.history)
    }

    /// All devices of all members at some heads, rising: what a seed's member root is computed over. `Err`: these
    /// operations are missing.
    pub fn devices_at(
        &mut self,
        heads: &[OperationId],
    ) -> Result<Vec<MemberDevice>, Vec<OperationId>> {
        let heads = match self.graph.find(heads) {
            Ok(heads) => heads,
            Err(missing) => {
                self.waiting.want(&missing, None);
                return Err(missing);
            }
        };
        let past = self.graph.closure(&heads);
        let (_, base) = self.graph.finals_at(&heads, &past);
        let view = self.view_at(&past, base);
        let members = view.members.iter();
        let devices = members.flat_map(|(person, member)| {
            member.devices.iter().map(|device| MemberDevice {
                person: *person,
                admission: member.admitted,
                device: *device,
            })
        });
        Ok(devices.collect())
    }

    /// A control operation that is in.
    pub fn operation(&self, id: OperationId) -> Option<&Operation> {
        let index = self.graph.index.get(&id)?;
        self.graph.node(*index).map(|node| &node.operation)
    }

    /// All control operations, causes before what follows: what a newcomer needs to compute the members.
    pub fn history(&self) -> impl Iterator<Item = &Operation> {
        self.graph.nodes.iter().map(|node| &node.operation)
    }

    /// The control operations that the author of this one had not seen, this one left out. None if it is not in.
    pub fn unseen_by(&self, id: OperationId) -> impl Iterator<Item = &Operation> {
        let index = self.graph.index.get(&id).copied();
        let node = index.and_then(|index| self.graph.node(index));
        let unseen = node.map(|node| {
            let all = self.graph.nodes.iter().enumerate();
            all.filter(move |(other, _)| Some(*other) != index && !node.past.has(*other))
        });
        unseen
            .into_iter()
            .flatten()
            .map(|(_, node)| &node.operation)
    }

    /// What lies before some control operations, they with it, and neither before others nor is one of these: causes before what
    /// follows.
    pub fn between(
        &self,
        known: &[OperationId],
        until: &[OperationId],
    ) -> impl Iterator<Item = &Operation> {
        let past = |ids: &[OperationId]| {
            let here = ids.iter().filter_map(|id| self.graph.index.get(id));
            let here: Vec<usize> = here.copied().collect();
            self.graph.closure(&here)
        };
        let (known, until) = (past(known), past(until));
        let nodes = self.graph.nodes.iter().enumerate();
        let between = nodes.filter(move |(index, _)| until.has(*index) && !known.has(*index));
        between.map(|(_, node)| &node.operation)
    }

    /// Of a device that is no member's, and was not revoked: what ended the membership of its person, the first of it; or if nothing did and
    /// their admission does not hold, the signatures by which that became final that it did not know of. Nothing if the device was no
    /// member's then.
    pub fn ended_by(&mut self, device: DeviceId) -> Vec<OperationId> {
        let revoked = self.current.removals.of_device(device);
        if self.current.owners.contains_key(&device) || !revoked.is_empty() {
            return Vec::new();
        }
        let graph = &self.graph;
        let said = graph.devices.get(&device).and_then(|all| all.first());
        let Some(person) = said.and_then(|first| graph.node(*first)).map(Node::person) else {
            return Vec::new();
        };
        let is_theirs = |collective: &mut Self, heads: &[OperationId]| {
            let then = collective.devices_at(heads).unwrap_or_default();
            then.iter().any(|it| it.device == device)
        };
        let ended = self.removed_by(person);
        if ended.is_empty() {
            let accepted = self.accepted_on(device);
            let may_know = accepted.is_some_and(|accept| is_theirs(self, &[accept]));
            return match may_know {
                true => self.newest_signatures(),
                false => Vec::new(),
            };
        }
        let mut known = Vec::new();
        for id in ended {
            let operation = self.operation(id);
            let context = operation.map(|it| it.fields().context.clone());
            if context.is_some_and(|context| is_theirs(self, &context)) {
                known.push(id);
            }
        }
        known
    }

    /// The first removals that ended the last admission of a person, as far as they count.
    fn removed_by(&self, person: PersonId) -> Vec<OperationId> {
        let graph = &self.graph;
        let removals = self.current.removals.of_person(person);
        let admissions = graph.nodes.iter().enumerate().filter(|(index, node)| {
            let admits = match node.body() {
                Body::Genesis { founders, .. } => founders.iter().any(|it| it.person() == person),
                Body::Accept { .. } => node.person() == person,
                _ => false,
            };
            admits && self.current.holds.has(*index)
        });
        let admissions: Vec<usize> = admissions.map(|(index, _)| index).collect();
        let is_last = |one: &&usize| !admissions.iter().any(|other| graph.before(**one, *other));
        let last: Vec<usize> = admissions.iter().filter(is_last).copied().collect();
        let ends = |removal: &&usize| {
            let mut last = last.iter();
            last.any(|admission| graph.ends(**removal, *admission, removals))
        };
        let ended: Vec<usize> = removals.iter().filter(ends).copied().collect();
        let is_first = |one: &&usize| !ended.iter().any(|other| graph.before(*other, **one));
        let first = ended.iter().filter(is_first);
        first
            .filter_map(|index| graph.node(*index).map(Node::id))
            .collect()
    }

    /// The last acceptance of a device.
    fn accepted_on(&self, device: DeviceId) -> Option<OperationId> {
        let said = self.graph.devices.get(&device)?.iter().rev();
        let mut said = said.filter_map(|index| self.graph.node(*index));
        let accept = said.find(|node| matches!(node.body(), Body::Accept { .. }))?;
        Some(accept.id())
    }

    /// The signatures of the newest final checkpoint.
    fn newest_signatures(&self) -> Vec<OperationId> {
        let group = self.graph.group(self.graph.base).into_iter();
        let signed = group.flat_map(|group| group.signers.values().flatten());
        let signed = signed.filter_map(|index| self.graph.node(*index));
        signed.map(Node::id).collect()
    }

    /// Whether a control operation counts by what is known now; `None` if it is not in.
    pub fn stands(&self, id: OperationId) -> Option<bool> {
        let index = *self.graph.index.get(&id)?;
        let frame = Frame::of(&self.graph.all, &self.current);
        let effect = self.graph.node(index)?.is_effect();
        Some(match effect {
            true => self.current.holds.has(index),
            false => self.graph.counts(index, frame),
        })
    }

    /// Whether final checkpoints contradict each other, see [`Finality::contradicts`].
    pub fn contradicts(&self) -> bool {
        self.graph.is_split()
    }

    /// Whether as many as it takes confirmed another past than the pinned one. Nothing of that counts here, but others may have pinned
    /// it.
    pub fn has_other_past(&self) -> bool {
        self.graph.has_other_past()
    }

    /// What is final.
    pub fn finality(&self) -> Finality {
        let graph = &self.graph;
        let next = graph
            .groups
            .iter()
            .filter(|group| group.source == graph.base);
        let progress = next.map(|group| group.progress(&graph.all)).max();
        let unfixed = graph.unfixed(u64::MAX);
        let times = unfixed.iter().filter_map(|index| graph.node(index));
        Finality {
            newest: graph.group(graph.base).map(|group| group.id),
            contradicts: graph.is_split(),
            progress,
            oldest_unfixed: times.map(|node| node.time()).min(),
        }
    }

    /// The checkpoint that this member's device signs by itself, to make final what changed until a time (a day ago). Of a collective
    /// that has ended it is signed at once. `None` while final checkpoints contradict each other.
    pub fn next_checkpoint(&self, person: PersonId, before: u64) -> Option<Checkpoint> {
        let member = self.current.members.get(&person)?;
        let before = if self.current.dissolved {
            u64::MAX
        } else {
            before
        };
        let counts = !member.is_resting();
        counts.then(|| self.graph.next_checkpoint(person, before))?
    }

    /// Who signed two checkpoints that contradict each other.
    pub fn double_signed(&self) -> Vec<DoubleSigning> {
        self.graph.double_signed()
    }

    /// Devices that said two things beside each other: copied, or lying to two halves. One pair of each device.
    pub fn forked(&self) -> Vec<DoubleSigning> {
        self.graph.forked()
    }

    /// What a person's device said that did not know of what is final by now, or of what another device of theirs had said before it
    /// heard of this one, and that it may say anew as it is: vouches, ballots, an Accept, a departure.
    pub fn to_repeat(&self, person: PersonId, device: DeviceId, now: u64) -> Vec<Body> {
        let mut again = self.crossed(person, device);
        again.retain(|body| self.may(person, device, body, now).is_ok());
        again
    }

    /// All of that, also what may not be said now; but for a departure of before they came back.
    pub fn crossed(&self, person: PersonId, device: DeviceId) -> Vec<Body> {
        let graph = &self.graph;
        let theirs = || {
            let nodes = graph.nodes.iter().enumerate();
            nodes.filter(|(_, node)| node.person() == person)
        };
        let came_back_after = |left: usize| {
            let accepts = |body: &Body| matches!(body, Body::Accept { .. });
            let mut accepted = theirs().filter(|(_, node)| accepts(node.operation.body()));
            accepted.any(|(index, _)| graph.before(left, index))
        };
        let own = theirs().filter(|(_, node)| node.device() == device);
        let crossed = own.filter(|(index, node)| match node.is_effect() {
            // Who came back since did not mean to leave anew.
            true if matches!(node.operation.body(), Body::Leave) && came_back_after(*index) => {
                false
            }
            // A later checkpoint may have it in its past: it does not hold all the same.
            true => !self.current.holds.has(*index),
            false => {
                let stands = |other| graph.is_within(other, graph.base);
                let unheard = !stands(*index) || graph.older_self(*index).any(stands);
                node.is_answer() && unheard
            }
        });
        crossed
            .map(|(_, node)| node.operation.body().clone())
            .collect()
    }

    /// Removals that deny each other.
    pub fn rifts(&self) -> Vec<Rift> {
        let graph = &self.graph;
        let frame = Frame::of(&graph.all, &self.current);
        let removals: Vec<_> = graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(index, node)| {
                let enacts = matches!(node.operation.body(), Body::Enact { .. });
                let removes = matches!(graph.subject(*index), Some(Subject::Remove { .. }));
                enacts && removes && self.current.holds.has(*index)
            })
            .filter_map(|(index, node)| {
                let proposal = graph.node(node.about?)?;
                let mut side = graph.support(&node.certificate, frame).ballots;
                side.push(proposal.person());
                side.sort_unstable();
                side.dedup();
                Some((index, proposal.id(), graph.subject(index)?.persons(), side))
            })
            .collect();
        let mut rifts: Vec<Rift> = Vec::new();
        for (place, (one, first, removed, side)) in removals.iter().enumerate() {
            for (other, second, also, against) in removals.iter().skip(place + 1) {
                let beside = !graph.before(*one, *other) && !graph.before(*other, *one);
                let mutual = also.iter().any(|person| side.contains(person))
                    && removed.iter().any(|person| against.contains(person));
                let swapped = second < first;
                let mut rift = Rift {
                    proposals: [*first, *second],
                    sides: [side.clone(), against.clone()],
                };
                if swapped {
                    rift.proposals.reverse();
                    rift.sides.reverse();
                }
                let mut known = rifts.iter_mut();
                if !(beside && mutual) {
                    continue;
                }
                // Enacted twice beside each other: the certificates may differ.
                match known.find(|known| known.proposals == rift.proposals) {
                    Some(known) => {
                        for (side, more) in known.sides.iter_mut().zip(rift.sides) {
                            let all: BTreeSet<_> = side.drain(..).chain(more).collect();
                            side.extend(all);
                        }
                    }
                    None => rifts.push(rift),
                }
            }
        }
        rifts.sort_unstable_by_key(|rift| rift.proposals);
        rifts
    }
}
