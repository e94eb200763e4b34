//! Every signed or sent structure, frozen: never edit an answer, add a version beside it.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::{
    Head, OperationError, OperationId,
    cbor::Writer,
    collective::{
        Body, Checkpoint, CheckpointId, Choice, Collective, Fields, Operation, Subject, Template,
    },
};

/// Lines of a name and bytes in hexadecimal.
const KNOWN: &str = include_str!("known.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(line: &str) -> Vec<u8> {
    let (_, hex) = line.split_once(": ").unwrap();
    let digits: Vec<_> = hex
        .chars()
        .map(|digit| digit.to_digit(16).unwrap())
        .collect();
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

fn bodies() -> Vec<(&'static str, Body)> {
    let id = OperationId([0xaa; 32]);
    let person = who(9);
    let mut persons = vec![who(1), who(2)];
    persons.sort_unstable();
    let union = || Box::new(Template::TenantsUnion.constitution(3, "Komitee"));
    let decide = Subject::Decide {
        question: "Streik?".to_owned(),
        options: vec!["ja".to_owned(), "nein".to_owned()],
    };
    let amend = Subject::Amend {
        constitution: union(),
    };
    let ballot = |choice| Body::Ballot {
        proposal: id,
        choice,
    };
    let certificate = || Pen::of(9).certificate;
    vec![
        (
            "genesis",
            Body::Genesis {
                name: "Haus 12".to_owned(),
                constitution: union(),
                founders: vec![Pen::of(1).certificate, Pen::of(2).certificate],
            },
        ),
        ("propose admit", propose(admit(9))),
        ("propose remove", propose(Subject::Remove { person })),
        ("propose amend", propose(amend)),
        ("propose rest", propose(Subject::Rest { person })),
        (
            "propose empower",
            propose(Subject::Empower { role: 1, person }),
        ),
        (
            "propose recall",
            propose(Subject::Recall { role: 1, person }),
        ),
        ("propose decide", propose(decide)),
        ("propose split", propose(Subject::Split { persons })),
        (
            "propose dissolve",
            Body::Propose {
                subject: Subject::Dissolve,
                reason: "vorbei".to_owned(),
            },
        ),
        (
            "vouch",
            Body::Vouch {
                proposal: id,
                reason: "alte Freundin".to_owned(),
            },
        ),
        ("ballot no", ballot(Choice::No)),
        ("ballot yes", ballot(Choice::Yes)),
        ("ballot abstain", ballot(Choice::Abstain)),
        ("ballot option", ballot(Choice::Option(2))),
        (
            "accept",
            Body::Accept {
                proposal: id,
                certificate: certificate(),
            },
        ),
        ("enact", Body::Enact { proposal: id }),
        ("leave", Body::Leave),
        (
            "checkpoint",
            Body::Checkpoint(Checkpoint {
                source: Some(CheckpointId([5; 32])),
                frontier: vec![OperationId([6; 32]), OperationId([7; 32])],
                state: [8; 32],
            }),
        ),
        (
            "device",
            Body::Device {
                certificate: certificate(),
            },
        ),
        (
            "revoke",
            Body::Revoke {
                revocation: root(9).revoke(&Pen::of(9).key.public(), 20_001),
            },
        ),
        ("return", Body::Return),
        (
            "text",
            Body::Text {
                text: "Treffen um acht".to_owned(),
                reply_to: Some(id),
                mentions: vec![person],
            },
        ),
        (
            "profile",
            Body::Profile {
                name: "Bo".to_owned(),
            },
        ),
        (
            "seed",
            Body::Seed {
                commit: [1; 32],
                member_root: [2; 32],
            },
        ),
        (
            "homes",
            Body::Homes {
                homes: vec![1, 2, 3],
            },
        ),
    ]
}

fn operation(body: Body) -> Operation {
    let pen = Pen::of(1);
    let genesis = matches!(body, Body::Genesis { .. });
    let head = Head {
        device: Pen::of(2).id(),
        sequence: 7,
        id: OperationId([0xbb; 32]),
    };
    let fields = Fields {
        space: (!genesis).then_some(OperationId([0xcc; 32])),
        person: pen.person,
        device: pen.id(),
        sequence: if genesis { 1 } else { 300 },
        previous: (!genesis).then_some(OperationId([0xdd; 32])),
        seen: vec![head],
        context: if genesis {
            Vec::new()
        } else {
            vec![OperationId([0xef; 32]), OperationId([0xee; 32])]
        },
        time: 1_795_392_000_000,
        expiry_day: if body.is_control() { u32::MAX } else { 20_870 },
        body,
    };
    Operation::sign(fields, &pen.key).unwrap()
}

fn structures() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (name, body) in bodies() {
        let operation = operation(body);
        let mut id = operation.id().0.to_vec();
        id.truncate(8);
        all.push((name.to_owned(), operation.as_bytes().to_vec()));
        all.push((format!("{name}, id"), id));
    }
    for template in Template::ALL {
        let mut writer = Writer::default();
        template.constitution(5, "Komitee").write(&mut writer);
        all.push((format!("{template:?}"), writer.into_vec()));
    }
    let genesis = operation(bodies().remove(0).1);
    let collective = Collective::found(genesis).unwrap();
    all.push(("state".to_owned(), collective.state().to_vec()));
    let checkpoint = collective.next_checkpoint(who(1), u64::MAX).unwrap();
    all.push(("checkpoint id".to_owned(), checkpoint.id().0.to_vec()));
    all
}

#[test]
fn the_bytes_of_each_structure_are_frozen() {
    let mut known = KNOWN.lines();
    for (name, bytes) in structures() {
        let line = format!("{name}: {}", hex(&bytes));
        assert_eq!(Some(line.as_str()), known.next());
    }
    assert_eq!(known.next(), None);
}

#[test]
fn each_is_read_again_as_it_was_written() {
    for (name, body) in bodies() {
        let written = operation(body);
        let read = Operation::decode(written.as_bytes()).unwrap();
        assert_eq!(read, written, "{name}");
        assert_eq!(
            Operation::decode_stored(written.as_bytes()).unwrap(),
            written
        );
    }
}

#[test]
fn unknown_kinds_and_fields_survive() {
    let line = KNOWN
        .lines()
        .find(|line| line.starts_with("leave: "))
        .unwrap();
    let (_, signed) = bytes_of(line)
        .split_first_chunk::<64>()
        .map(|(s, r)| (*s, r.to_vec()))
        .unwrap();
    let key = Pen::of(1).key;
    // One more field at the end, which only a newer version knows.
    let mut newer = signed.clone();
    newer[0] += 1;
    newer.extend([0x18, 99, 0x41, 7]);
    let mut bytes = key.sign_operation(&newer).to_vec();
    bytes.extend(&newer);
    let read = Operation::decode(&bytes).unwrap();
    assert_eq!(
        (read.body(), read.as_bytes()),
        (&Body::Leave, bytes.as_slice())
    );
    // Another kind: 7 stands after the 6 that is its field.
    let place = newer
        .windows(3)
        .position(|three| three == [6, 7, 7])
        .unwrap();
    for kind in [20_u8, 23] {
        newer[place + 1] = kind;
        let mut bytes = key.sign_operation(&newer).to_vec();
        bytes.extend(&newer);
        let read = Operation::decode(&bytes).unwrap();
        assert_eq!(read.body(), &Body::Unknown { kind: kind.into() });
        assert!(read.body().is_control());
    }
    // They are read, not made.
    let made = Operation::sign(
        Fields {
            body: Body::Unknown { kind: 20 },
            ..operation(Body::Leave).fields().clone()
        },
        &key,
    );
    assert_eq!(made, Err(OperationError::UnknownKind(20)));
}

#[test]
fn a_constitution_of_a_newer_version_is_amended_without_loss() {
    let mut constitution = assembly(3);
    constitution.newer = vec![(40, komrade_cbor::Value::Number(7))];
    let (group, _) = Replica::found(constitution.clone(), 3);
    let bytes = group.log[0].as_bytes().to_vec();
    let collective = Collective::found(Operation::decode(&bytes).unwrap()).unwrap();
    assert_eq!(collective.constitution(), &constitution);
}
