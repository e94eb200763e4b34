//! The decoders, for a fuzzer: each takes any bytes, must not panic, and must give back what it understood.

use std::sync::OnceLock;

use komrade_crypto::identity::{DeviceCertificate, DeviceKey, PersonId, RecoveryWords};

use crate::{
    Acknowledgement, DeviceId, Fields, Head, Operation, OperationId, Range, Received, Tag, circle,
    collective::{self, Body, Choice, Collective, Subject, Template},
};

/// Takes any bytes; panics only if the decoder is wrong.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const FUZZ: &[(&str, Target)] = &[
    ("social-operation", operation),
    ("social-acknowledgement", acknowledgement),
    ("social-received", received),
    ("social-collective-operation", collective_operation),
    ("social-collective-insert", collective_insert),
    ("social-circle-operation", circle_operation),
];

/// Valid input for a target; empty for a name that is none.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    match name {
        "social-operation" => operations()
            .into_iter()
            .map(|one| one.into_bytes().to_vec())
            .collect(),
        "social-acknowledgement" => {
            let beyond = vec![
                Range { first: 5, last: 9 },
                Range {
                    first: 11,
                    last: 11,
                },
            ];
            let full = Acknowledgement {
                up_to: 3,
                wanted: beyond.clone(),
                beyond,
                named_from: 2,
                tags: vec![Tag([7; 8]); 3],
                copied_up_to: 2,
            };
            vec![Acknowledgement::default().encode(), full.encode()]
        }
        "social-received" => {
            let mut all = Received::default();
            let mut seeds = vec![all.encode()];
            for operation in operations().iter().rev() {
                all.insert(operation);
                seeds.push(all.encode());
            }
            seeds
        }
        "social-collective-operation" | "social-collective-insert" => {
            let bytes = |one: &collective::Operation| one.as_bytes().to_vec();
            signed().iter().map(bytes).collect()
        }
        "social-circle-operation" => in_circle()
            .iter()
            .map(|one| one.as_bytes().to_vec())
            .collect(),
        _ => Vec::new(),
    }
}

/// Somebody who writes, for the seeds.
struct Author {
    person: PersonId,
    certificate: DeviceCertificate,
    key: DeviceKey,
}

impl Author {
    fn new(number: u8) -> Self {
        let root = RecoveryWords::from_bytes([number; 32]).root();
        let key = DeviceKey::from_bytes(&[number + 1; 32]);
        Self {
            person: root.person(),
            certificate: root.certify(&key.public(), 20_000),
            key,
        }
    }

    /// Adds an operation that has seen all before it.
    fn writes(&self, all: &mut Vec<collective::Operation>, body: collective::Body) -> OperationId {
        let device = DeviceId(self.key.public());
        let own = |one: &&collective::Operation| one.fields().device == device;
        let before = all.iter().rev().find(own);
        let control = |one: &&collective::Operation| one.body().is_control();
        let last = all
            .iter()
            .rev()
            .find(control)
            .map(collective::Operation::id);
        let fields = collective::Fields {
            space: all.first().map(collective::Operation::id),
            person: self.person,
            device,
            sequence: before.map_or(1, |one| one.fields().sequence + 1),
            previous: before.map(collective::Operation::id),
            seen: Vec::new(),
            context: last.into_iter().collect(),
            time: 1_795_392_000_000 + all.len() as u64,
            expiry_day: if body.is_control() { u32::MAX } else { 20_870 },
            body,
        };
        all.extend(collective::Operation::sign(fields, &self.key));
        all.last()
            .map_or(OperationId([0; 32]), collective::Operation::id)
    }
}

/// A small collective: its Genesis, and one operation of most kinds that may follow.
fn signed() -> &'static [collective::Operation] {
    static SIGNED: OnceLock<Vec<collective::Operation>> = OnceLock::new();
    SIGNED.get_or_init(|| {
        let (one, other) = (Author::new(1), Author::new(3));
        let constitution = Box::new(Template::TenantsUnion.constitution(1, "Komitee"));
        let mut changed = constitution.clone();
        changed.expiry_days += 1;
        let reason = || "so".to_owned();
        let propose = |subject| Body::Propose {
            subject,
            reason: reason(),
        };
        let mut all = Vec::new();
        let genesis = Body::Genesis {
            name: "Haus 12".to_owned(),
            constitution,
            founders: vec![one.certificate.clone()],
        };
        one.writes(&mut all, genesis);
        let person = other.person;
        let name = "Bo".to_owned();
        let proposal = one.writes(&mut all, propose(Subject::Admit { person, name }));
        let reason = reason();
        one.writes(&mut all, Body::Vouch { proposal, reason });
        let certificate = other.certificate.clone();
        let accept = Body::Accept {
            proposal,
            certificate,
        };
        other.writes(&mut all, accept);
        let amend = Subject::Amend {
            constitution: changed,
        };
        let proposal = one.writes(&mut all, propose(amend));
        let choice = Choice::Yes;
        one.writes(&mut all, Body::Ballot { proposal, choice });
        other.writes(&mut all, Body::Ballot { proposal, choice });
        one.writes(&mut all, Body::Enact { proposal });
        let decide = Subject::Decide {
            question: "?".to_owned(),
            options: vec!["a".to_owned(), "b".to_owned()],
        };
        one.writes(&mut all, propose(decide));
        let checkpoint = computed(&all).and_then(|all| all.next_checkpoint(one.person, u64::MAX));
        if let Some(checkpoint) = checkpoint {
            one.writes(&mut all, Body::Checkpoint(checkpoint));
        }
        let text = Body::Text {
            text: "hello".to_owned(),
            reply_to: Some(proposal),
            mentions: vec![person],
        };
        one.writes(&mut all, text);
        let homes = vec![1, 2, 3];
        one.writes(&mut all, Body::Homes { homes });
        other.writes(&mut all, Body::Leave);
        all
    })
}

/// A post in a circle, a comment on it, and the comment taken back.
fn in_circle() -> Vec<circle::Operation> {
    let (owner, other) = (Author::new(1), Author::new(3));
    let nonce = [7; 16];
    let id = circle::CircleId::of(&owner.person, &nonce);
    let mut all: Vec<circle::Operation> = Vec::new();
    let mut write = |body| {
        let fields = circle::Fields {
            sequence: all.len() as u64 + 1,
            previous: all.last().map(circle::Operation::id),
            time: 1_795_392_000_000,
            expiry_day: 20_870,
            nonce,
            person: owner.person,
            device: DeviceId(owner.key.public()),
            body,
        };
        all.extend(circle::Operation::sign(fields, &owner.key));
        all.last()
            .map_or(OperationId([0; 32]), circle::Operation::id)
    };
    let text = "hello".to_owned();
    let on = write(circle::Body::Post { text });
    let (certificate, key) = (&other.certificate, &other.key);
    let said = circle::Comment::sign((id, on), 1_795_392_000_001, "Bo", "yes", certificate, key);
    if let Ok(comment) = said {
        let comment = Box::new(comment);
        let of = write(circle::Body::Comment { comment });
        write(circle::Body::Remove { of });
    }
    all
}

/// Whatever an owner says, unsigned: the state stays one that can be asked.
fn circle_operation(bytes: &[u8]) {
    let stored = circle::Operation::decode_stored(bytes);
    if let Ok(operation) = circle::Operation::decode(bytes) {
        assert_eq!(stored.as_ref(), Ok(&operation));
    }
    let Ok(operation) = stored else {
        return;
    };
    assert_eq!(operation.as_bytes(), bytes);
    let devices = [operation.fields().device];
    let mut circle = circle::Circle::new(operation.circle(), devices);
    for one in in_circle().into_iter().chain([operation]) {
        let _ = circle.insert(one);
    }
    circle.posts();
    circle.expire(20_871, 99);
    assert!(!circle.is_copied() || circle.operations().count() > 1);
}

fn computed(all: &[collective::Operation]) -> Option<Collective> {
    let (first, rest) = all.split_first()?;
    let mut collective = Collective::found(first.clone()).ok()?;
    for operation in rest {
        collective.insert(operation.clone());
    }
    Some(collective)
}

fn collective_operation(bytes: &[u8]) {
    let stored = collective::Operation::decode_stored(bytes);
    if let Ok(operation) = &stored {
        assert_eq!(operation.as_bytes(), bytes);
    }
    if let Ok(operation) = collective::Operation::decode(bytes) {
        assert_eq!(stored, Ok(operation));
    }
}

/// Whatever members say, unsigned: the state stays one that can be asked.
fn collective_insert(bytes: &[u8]) {
    let Ok(operation) = collective::Operation::decode_stored(bytes) else {
        return;
    };
    let Some((first, others)) = signed().split_first() else {
        return;
    };
    let Ok(mut collective) = Collective::found(first.clone()) else {
        return;
    };
    let place = usize::from(bytes.first().copied().unwrap_or(0)) % (others.len() + 1);
    let (before, after) = others.split_at(place);
    for operation in before.iter().chain([&operation]).chain(after) {
        collective.insert(operation.clone());
        collective.verdict(operation);
    }
    let proposals: Vec<_> = collective.proposals().collect();
    for id in proposals {
        assert!(collective.standing(id, 0).is_some());
    }
    collective.members();
    collective.next_checkpoint(operation.fields().person, u64::MAX);
    // The same in another order: what each builds on comes after it.
    let Ok(mut backwards) = Collective::found(first.clone()) else {
        return;
    };
    for one in others.iter().chain([&operation]).rev() {
        backwards.insert(one.clone());
    }
    assert_eq!(shown(&backwards), shown(&collective));
    for one in others.iter().chain([&operation]) {
        assert_eq!(backwards.verdict(one), collective.verdict(one));
    }
}

type Shown = (
    [u8; 32],
    Vec<collective::Member>,
    Vec<collective::Standing>,
    collective::Finality,
    Vec<OperationId>,
);

/// What members are shown, and what they build on.
fn shown(collective: &Collective) -> Shown {
    let mut proposals: Vec<OperationId> = collective.proposals().collect();
    proposals.sort_unstable();
    let standings = proposals
        .into_iter()
        .filter_map(|id| collective.standing(id, u64::MAX));
    (
        collective.state(),
        collective.members(),
        standings.collect(),
        collective.finality(),
        collective.heads(),
    )
}

/// A chain of one operation of every kind.
fn operations() -> Vec<Operation> {
    let bodies = [
        crate::Body::Text {
            text: "hello".to_owned(),
        },
        crate::Body::Profile {
            name: "Bo".to_owned(),
        },
        crate::Body::Homes {
            homes: vec![1, 2, 3],
        },
        crate::Body::Confirmed,
        crate::Body::Collective {
            content: vec![4, 5, 6],
        },
        crate::Body::Introduction {
            content: vec![7, 8, 9].into(),
        },
        crate::Body::Circle {
            content: vec![7, 8],
        },
    ];
    let seen = vec![Head {
        device: DeviceId([1; 32]),
        sequence: 2,
        id: OperationId([3; 32]),
    }];
    let mut chain: Vec<Operation> = Vec::new();
    for (sequence, body) in (1..).zip(bodies) {
        let previous = chain.last().map(Operation::id);
        let (seen, time) = (seen.clone(), 1_795_392_000_000);
        let fields = Fields {
            sequence,
            previous,
            seen,
            time,
            expiry_day: 20_870,
            body,
        };
        chain.extend(Operation::new(fields));
    }
    chain
}

fn operation(bytes: &[u8]) {
    if let Ok(operation) = Operation::decode(bytes) {
        assert_eq!(operation.as_bytes(), bytes);
    }
}

fn acknowledgement(bytes: &[u8]) {
    if let Ok(acknowledgement) = Acknowledgement::decode(bytes) {
        assert_eq!(
            Acknowledgement::decode(&acknowledgement.encode()),
            Ok(acknowledgement)
        );
    }
}

fn received(bytes: &[u8]) {
    if let Ok(mut received) = Received::decode(bytes) {
        assert_eq!(Received::decode(&received.encode()).as_ref(), Ok(&received));
        for operation in operations() {
            received.insert(&operation);
        }
        assert_eq!(Received::decode(&received.encode()).as_ref(), Ok(&received));
        assert!(Acknowledgement::decode(&received.acknowledgement().encode()).is_ok());
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_target_takes_its_own_seeds() {
        for (name, target) in FUZZ {
            let seeds = seeds(name);
            assert!(seeds.len() > 1, "no seeds for {name}");
            seeds.iter().for_each(|seed| target(seed));
        }
        assert!(seeds("nothing").is_empty());
    }
}
