//! Persons with pens, and replicas that they write to.

use std::{collections::BTreeMap, sync::OnceLock};

use komrade_crypto::identity::{DeviceCertificate, DeviceKey, PersonId, RecoveryWords, RootKey};

use crate::{
    DeviceId, Head, OperationId,
    collective::{
        Body, Choice, Collective, Constitution, DoubleSigning, Fields, Finality, Member, Operation,
        Outcome, Standing, Subject, Taken, Template, Verdict, bits::Bits,
    },
};

pub(super) const DAY: u64 = 24 * 60 * 60 * 1_000;
pub(super) const START: u64 = 20_000 * DAY;

/// A device of a person, and where its chain stands.
pub(super) struct Pen {
    pub(super) person: PersonId,
    pub(super) key: DeviceKey,
    pub(super) certificate: DeviceCertificate,
    sequence: u64,
    previous: Option<OperationId>,
}

pub(super) fn root(person: u8) -> RootKey {
    RecoveryWords::from_bytes([person; 32]).root()
}

/// Remembered, since every one is a multiplication on the curve.
pub(super) fn who(person: u8) -> PersonId {
    static PERSONS: OnceLock<Vec<PersonId>> = OnceLock::new();
    PERSONS.get_or_init(|| (0..=255).map(|one| root(one).person()).collect())[usize::from(person)]
}

impl Pen {
    /// The first device of a person.
    pub(super) fn of(person: u8) -> Self {
        Self::device(person, 0)
    }

    pub(super) fn device(person: u8, device: u8) -> Self {
        let root = root(person);
        let mut seed = [person; 32];
        seed[0] = device;
        let key = DeviceKey::from_bytes(&seed);
        Self {
            person: root.person(),
            certificate: root.certify(&key.public(), 20_000),
            key,
            sequence: 0,
            previous: None,
        }
    }

    /// A person beyond the numbered ones.
    pub(super) fn named(name: [u8; 3]) -> Self {
        let mut seed = [0; 32];
        seed[..3].copy_from_slice(&name);
        let root = RecoveryWords::from_bytes(seed).root();
        let key = DeviceKey::from_bytes(&seed);
        Self {
            person: root.person(),
            certificate: root.certify(&key.public(), 20_000),
            key,
            sequence: 0,
            previous: None,
        }
    }

    pub(super) fn id(&self) -> DeviceId {
        DeviceId(self.key.public())
    }

    /// A copy that goes on from here by itself.
    pub(super) fn copy(&self) -> Self {
        Self {
            person: self.person,
            key: self.key.clone(),
            certificate: self.certificate.clone(),
            sequence: self.sequence,
            previous: self.previous,
        }
    }

    /// Goes on after this.
    pub(super) fn after(mut self, last: &Operation) -> Self {
        self.sequence = last.fields().sequence;
        self.previous = Some(last.id());
        self
    }

    pub(super) fn head(&self) -> Head {
        Head {
            device: self.id(),
            sequence: self.sequence,
            id: self.previous.unwrap(),
        }
    }

    pub(super) fn write(
        &mut self,
        space: Option<OperationId>,
        context: Vec<OperationId>,
        time: u64,
        body: Body,
    ) -> Operation {
        self.write_seen(space, context, time, body, Vec::new())
    }

    pub(super) fn write_seen(
        &mut self,
        space: Option<OperationId>,
        context: Vec<OperationId>,
        time: u64,
        body: Body,
        seen: Vec<Head>,
    ) -> Operation {
        self.sequence += 1;
        let fields = Fields {
            space,
            person: self.person,
            device: self.id(),
            sequence: self.sequence,
            previous: self.previous,
            seen,
            context,
            time,
            expiry_day: if body.is_control() { u32::MAX } else { 30_000 },
            body,
        };
        let operation = Operation::sign(fields, &self.key).unwrap();
        self.previous = Some(operation.id());
        operation
    }
}

/// One replica, and all that it took.
pub(super) struct Replica {
    pub(super) collective: Collective,
    pub(super) log: Vec<Operation>,
    pub(super) time: u64,
}

pub(super) fn assembly(founders: usize) -> Constitution {
    Template::OpenAssembly.constitution(founders, "")
}

impl Replica {
    /// The persons numbered from 1 found a collective.
    pub(super) fn found(constitution: Constitution, founders: u8) -> (Self, BTreeMap<u8, Pen>) {
        let mut pens: BTreeMap<_, _> = (1..=founders).map(|n| (n, Pen::of(n))).collect();
        let certificates = pens.values().map(|pen| pen.certificate.clone()).collect();
        let body = Body::Genesis {
            name: "Haus 12".to_owned(),
            constitution: Box::new(constitution),
            founders: certificates,
        };
        let genesis = pens
            .get_mut(&1)
            .unwrap()
            .write(None, Vec::new(), START, body);
        (Self::of(&[genesis]), pens)
    }

    pub(super) fn of(log: &[Operation]) -> Self {
        let mut replica = Self {
            collective: Collective::found(log[0].clone()).unwrap(),
            log: vec![log[0].clone()],
            time: log.iter().map(|one| one.fields().time).max().unwrap(),
        };
        for operation in &log[1..] {
            replica.take(operation);
        }
        replica
    }

    /// The same operations, elsewhere.
    pub(super) fn twin(&self) -> Self {
        Self::of(&self.log)
    }

    pub(super) fn take(&mut self, operation: &Operation) -> Outcome {
        let outcome = self.collective.insert(operation.clone());
        if matches!(outcome.taken, Taken::New | Taken::Waiting) {
            self.log.push(operation.clone());
        }
        self.time = self.time.max(operation.fields().time);
        outcome
    }

    /// Takes all that the other has.
    pub(super) fn learn(&mut self, other: &Self) {
        other.log.iter().for_each(|operation| {
            self.take(operation);
        });
    }

    pub(super) fn draft(&mut self, pen: &mut Pen, body: Body) -> Operation {
        self.time += 1_000;
        let space = Some(self.collective.space());
        pen.write(space, self.collective.heads(), self.time, body)
    }

    /// Does something that must be taken.
    pub(super) fn does(&mut self, pen: &mut Pen, body: Body) -> OperationId {
        let operation = self.draft(pen, body);
        assert_eq!(self.take(&operation).taken, Taken::New);
        operation.id()
    }

    pub(super) fn tries(&mut self, pen: &mut Pen, body: Body) -> Taken {
        let mut copy = pen.copy();
        let operation = self.draft(&mut copy, body);
        self.take(&operation).taken
    }

    pub(super) fn propose(&mut self, pen: &mut Pen, subject: Subject) -> OperationId {
        self.does(pen, propose(subject))
    }

    pub(super) fn vote(&mut self, pen: &mut Pen, proposal: OperationId, yes: bool) -> OperationId {
        let choice = if yes { Choice::Yes } else { Choice::No };
        self.does(pen, Body::Ballot { proposal, choice })
    }

    /// Proposes, lets these vote for it and enacts it.
    pub(super) fn carry(
        &mut self,
        pens: &mut BTreeMap<u8, Pen>,
        subject: Subject,
        voters: &[u8],
    ) -> (OperationId, OperationId) {
        let proposal = self.propose(pens.get_mut(&voters[0]).unwrap(), subject);
        for voter in voters {
            self.vote(pens.get_mut(voter).unwrap(), proposal, true);
        }
        let enacting = pens.get_mut(&voters[0]).unwrap();
        let enact = self.does(enacting, Body::Enact { proposal });
        (proposal, enact)
    }

    /// Proposes a candidate, lets these vouch and lets them enter.
    pub(super) fn admit(
        &mut self,
        pens: &mut BTreeMap<u8, Pen>,
        candidate: u8,
        by: &[u8],
    ) -> OperationId {
        let proposal = self.propose(pens.get_mut(&by[0]).unwrap(), admit(candidate));
        for voucher in by {
            self.does(pens.get_mut(voucher).unwrap(), vouch(proposal));
        }
        let mut pen = Pen::of(candidate);
        let accept = accept(proposal, &pen);
        let id = self.does(&mut pen, accept);
        pens.insert(candidate, pen);
        id
    }

    pub(super) fn has(&self, person: u8) -> bool {
        self.collective.member(who(person)).is_some()
    }

    pub(super) fn names(&self) -> Vec<u8> {
        (0..=255)
            .filter(|person| self.collective.member(who(*person)).is_some())
            .collect()
    }

    pub(super) fn standing(&self, proposal: OperationId) -> Standing {
        self.collective.standing(proposal, self.time).unwrap()
    }

    /// That the state is the one that the whole history gives.
    pub(super) fn check_incremental(&self) {
        let graph = &self.collective.graph;
        let mut finals = Bits::default();
        graph.advance(&mut finals, &graph.all);
        assert_eq!(finals, *graph.finals);
        let (view, _) = graph.resolve(&graph.all, graph.base);
        assert_eq!(view, *self.collective.current);
    }

    /// Everything that is said of it, in an order that every replica has.
    pub(super) fn picture(&mut self, posts: &[Operation]) -> Picture {
        self.check_incremental();
        let mut proposals: Vec<_> = self.collective.proposals().collect();
        proposals.sort_unstable();
        let standings = proposals
            .into_iter()
            .map(|id| self.collective.standing(id, u64::MAX).unwrap());
        let standings = standings.collect();
        let mut stands: Vec<_> = self.collective.history().map(Operation::id).collect();
        stands.sort_unstable();
        Picture {
            state: self.collective.state(),
            constitution: self.collective.constitution().clone(),
            members: self.collective.members(),
            standings,
            stands: stands
                .into_iter()
                .map(|id| (id, self.collective.stands(id)))
                .collect(),
            finality: self.collective.finality(),
            double_signed: self.collective.double_signed(),
            forked: self.collective.forked(),
            rifts: self.collective.rifts(),
            heads: self.collective.heads(),
            posts: posts
                .iter()
                .map(|post| self.collective.verdict(post))
                .collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    pub(super) state: [u8; 32],
    constitution: Constitution,
    pub(super) members: Vec<Member>,
    standings: Vec<Standing>,
    stands: Vec<(OperationId, Option<bool>)>,
    finality: Finality,
    double_signed: Vec<DoubleSigning>,
    forked: Vec<DoubleSigning>,
    rifts: Vec<crate::collective::Rift>,
    heads: Vec<OperationId>,
    posts: Vec<Verdict>,
}

impl Picture {
    /// Whether it is the same; says what is not.
    pub(super) fn is(&self, other: &Self) -> bool {
        let parts = [
            ("members", self.members == other.members),
            ("rules", self.constitution == other.constitution),
            ("standings", self.standings == other.standings),
            ("stands", self.stands == other.stands),
            ("finality", self.finality == other.finality),
            ("signed", self.double_signed == other.double_signed),
            ("forked", self.forked == other.forked),
            ("rifts", self.rifts == other.rifts),
            ("heads", self.heads == other.heads),
            ("posts", self.posts == other.posts),
        ];
        for (name, _) in parts.iter().filter(|(_, same)| !same) {
            println!("{name} differ");
        }
        let stands = self.stands.iter().zip(&other.stands);
        for (one, other) in stands.filter(|(one, other)| one != other) {
            println!("{one:?} and {other:?}");
        }
        let ids = |picture: &Self| picture.stands.iter().map(|one| one.0).collect::<Vec<_>>();
        if ids(self) != ids(other) {
            println!("{} and {} are in", self.stands.len(), other.stands.len());
        }
        self == other
    }
}

pub(super) fn propose(subject: Subject) -> Body {
    Body::Propose {
        subject,
        reason: String::new(),
    }
}

pub(super) fn admit(person: u8) -> Subject {
    Subject::Admit {
        person: who(person),
        name: "Bo".to_owned(),
    }
}

pub(super) fn remove(person: u8) -> Subject {
    Subject::Remove {
        person: who(person),
    }
}

pub(super) fn vouch(proposal: OperationId) -> Body {
    Body::Vouch {
        proposal,
        reason: String::new(),
    }
}

pub(super) fn ballot(proposal: OperationId, yes: bool) -> Body {
    let choice = if yes { Choice::Yes } else { Choice::No };
    Body::Ballot { proposal, choice }
}

pub(super) fn accept(proposal: OperationId, pen: &Pen) -> Body {
    Body::Accept {
        proposal,
        certificate: pen.certificate.clone(),
    }
}

pub(super) fn text(text: &str) -> Body {
    Body::Text {
        text: text.to_owned(),
        reply_to: None,
        mentions: Vec::new(),
    }
}

/// A small generator: the same numbers for one seed.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// That a set has one state, whatever the order and however often.
pub(super) fn agree(log: &[Operation], posts: &[Operation], seed: u64) -> Picture {
    let mut first = Replica::of(log);
    let picture = first.picture(posts);
    for round in 0..3 {
        let mut chance = Chance(seed.wrapping_add(round));
        let mut order: Vec<_> = log[1..].to_vec();
        let again = order.len() / 3;
        order.extend(log[1..].iter().take(again).cloned());
        chance.shuffle(&mut order);
        let mut other = Replica::of(&log[..1]);
        order.iter().for_each(|operation| {
            other.take(operation);
        });
        assert!(other.collective.missing().is_empty(), "seed {seed}");
        assert!(
            other.picture(posts).is(&picture),
            "seed {seed}, round {round}"
        );
    }
    picture
}
