#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ciborium::Value;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{
    MAX_COLLECTIVE_BYTES, MAX_HOMES_BYTES, MAX_INTRODUCTION_BYTES, MAX_NAME_CHARS, MAX_TEXT_BYTES,
};

fn fields(body: Body) -> Fields {
    Fields {
        sequence: 1,
        previous: None,
        seen: Vec::new(),
        time: 1,
        expiry_day: 2,
        body,
    }
}

fn text(text: &str) -> Body {
    Body::Text {
        text: text.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Encodes numbered fields as another implementation would.
fn foreign(fields: &[(u64, Value)]) -> Vec<u8> {
    let map = fields
        .iter()
        .map(|(key, value)| ((*key).into(), value.clone()))
        .collect();
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Map(map), &mut bytes).unwrap();
    bytes
}

fn content(value: Value) -> Value {
    Value::Map(vec![(1.into(), value)])
}

/// The fields of a good first operation, with one replaced or added.
fn with(key: u64, value: impl Into<Value>) -> Vec<u8> {
    let hello = content(Value::Text("hello".to_owned()));
    let mut all = vec![
        (1, 1.into()),
        (4, 1.into()),
        (5, 2.into()),
        (6, 1.into()),
        (7, hello),
    ];
    all.retain(|(other, _)| *other != key);
    all.push((key, value.into()));
    foreign(&all)
}

#[test]
fn the_bytes_of_each_kind_are_frozen() {
    let full = Fields {
        sequence: 300,
        previous: Some(OperationId([0xaa; 32])),
        seen: vec![Head {
            device: DeviceId([0xdd; 32]),
            sequence: 7,
            id: OperationId([0xbb; 32]),
        }],
        time: 1_795_392_000_000,
        expiry_day: 20_870,
        body: text("hé"),
    };
    let bytes = Operation::new(full).unwrap().into_bytes();
    let expected = format!(
        "a70119012c025820{}0381835820{}075820{}041b000001a205b3d000051951860601{}",
        "aa".repeat(32),
        "dd".repeat(32),
        "bb".repeat(32),
        "07a1016368c3a9",
    );
    assert_eq!(hex(&bytes), expected);

    let body = |body| hex(Operation::new(fields(body)).unwrap().as_bytes());
    assert_eq!(body(text("")), "a60101038004010502060107a10160");
    let name = "Bo".to_owned();
    assert_eq!(
        body(Body::Profile { name }),
        "a60101038004010502060207a10162426f"
    );
    let homes = vec![1, 2, 3];
    assert_eq!(
        body(Body::Homes { homes }),
        "a60101038004010502060307a10143010203"
    );
    assert_eq!(body(Body::Confirmed), "a60101038004010502060407a0");
    let content = vec![1, 2, 3];
    assert_eq!(
        body(Body::Collective { content }),
        "a60101038004010502060507a10143010203"
    );
    let content = vec![1, 2, 3].into();
    assert_eq!(
        body(Body::Introduction { content }),
        "a60101038004010502060707a10143010203"
    );
    let content = vec![1, 2, 3];
    assert_eq!(
        body(Body::Circle { content }),
        "a60101038004010502060607a10143010203"
    );
}

#[test]
fn the_id_is_frozen() {
    let operation = Operation::new(fields(Body::Confirmed)).unwrap();
    // Computed by another program.
    let expected = "3fbfb836b15f629ce8b9b874cda0eb02b3715443175d3ddb50f8b127e92c41f8";
    assert_eq!(hex(&operation.id().0), expected);
    assert_eq!(operation.place(), (1, operation.id()));
}

#[test]
fn what_a_newer_version_adds_survives() {
    let bytes = with(900, Value::Array(vec![Value::Null, Value::Float(1.5)]));
    let operation = Operation::decode(&bytes).unwrap();
    assert_eq!(operation.body(), &text("hello"));
    assert_eq!(operation.as_bytes(), bytes);

    let richer = vec![
        (1.into(), Value::Text("hello".to_owned())),
        (2.into(), Value::Null),
    ];
    let bytes = with(7, Value::Map(richer));
    assert_eq!(Operation::decode(&bytes).unwrap().as_bytes(), bytes);
}

#[test]
fn an_unknown_kind_is_read_past_but_not_made() {
    let bytes = with(6, 77);
    let operation = Operation::decode(&bytes).unwrap();
    assert_eq!(operation.body(), &Body::Unknown { kind: 77 });
    assert_eq!(operation.as_bytes(), bytes);
    let made = Operation::new(operation.fields().clone());
    assert_eq!(made, Err(OperationError::UnknownKind(77)));
}

#[test]
fn an_unknown_kind_needs_no_content() {
    let bytes = foreign(&[(1, 1.into()), (4, 1.into()), (5, 2.into()), (6, 78.into())]);
    assert_eq!(
        Operation::decode(&bytes).unwrap().body(),
        &Body::Unknown { kind: 78 }
    );
}

#[test]
fn limits_hold_when_made_and_when_read() {
    let long = "x".repeat(MAX_TEXT_BYTES);
    assert!(Operation::new(fields(text(&long))).is_ok());
    let long = format!("{long}x");
    let refused = OperationError::TextTooLong(MAX_TEXT_BYTES + 1);
    assert_eq!(Operation::new(fields(text(&long))), Err(refused));
    assert_eq!(
        Operation::decode(&with(7, content(Value::Text(long)))),
        Err(refused)
    );

    let profile = |name: &str| {
        Operation::new(fields(Body::Profile {
            name: name.to_owned(),
        }))
    };
    assert!(profile(&"é".repeat(MAX_NAME_CHARS)).is_ok());
    for bad in ["", "a\nb", "\u{7}", "é".repeat(MAX_NAME_CHARS + 1).as_str()] {
        assert_eq!(profile(bad), Err(OperationError::BadName));
    }

    let homes = |length| {
        Operation::new(fields(Body::Homes {
            homes: vec![0; length],
        }))
    };
    assert!(homes(MAX_HOMES_BYTES).is_ok());
    assert_eq!(
        homes(MAX_HOMES_BYTES + 1),
        Err(OperationError::HomesTooLong(1_025))
    );

    let collective = |length| {
        let content = vec![0; length];
        Operation::new(fields(Body::Collective { content }))
    };
    assert!(collective(MAX_COLLECTIVE_BYTES).is_ok());
    assert_eq!(
        collective(MAX_COLLECTIVE_BYTES + 1),
        Err(OperationError::CollectiveTooLong(20_001))
    );

    let introduction = |length| {
        let content = vec![0; length].into();
        Operation::new(fields(Body::Introduction { content }))
    };
    assert!(introduction(MAX_INTRODUCTION_BYTES).is_ok());
    assert_eq!(
        introduction(MAX_INTRODUCTION_BYTES + 1),
        Err(OperationError::TooLong(4_001))
    );

    let head = Head {
        device: DeviceId([1; 32]),
        sequence: u64::MAX,
        id: OperationId([2; 32]),
    };
    let mut most = fields(text(&"x".repeat(MAX_TEXT_BYTES)));
    most.seen = vec![head; MAX_HEADS];
    assert!(Operation::new(most.clone()).unwrap().as_bytes().len() < MAX_OPERATION_BYTES - 1_024);
    most.seen.push(head);
    assert_eq!(
        Operation::new(most.clone()),
        Err(OperationError::TooManyHeads(17))
    );
    assert_eq!(
        Operation::decode(&most.encode()),
        Err(OperationError::TooManyHeads(17))
    );
}

#[test]
fn number_and_link_go_together() {
    let refused = |sequence, previous: Option<[u8; 32]>| {
        let previous = previous.map(OperationId);
        let made = Operation::new(Fields {
            sequence,
            previous,
            ..fields(Body::Confirmed)
        });
        made == Err(OperationError::BadLink)
    };
    assert!(refused(0, None));
    assert!(refused(1, Some([0; 32])));
    assert!(refused(2, None));
    assert!(!refused(1, None));
    assert!(!refused(2, Some([0; 32])));
}

#[test]
fn each_defect_has_its_own_error() {
    let cases = [
        (
            vec![0; MAX_OPERATION_BYTES + 1],
            OperationError::TooLong(MAX_OPERATION_BYTES + 1),
        ),
        (Vec::new(), OperationError::Malformed),
        (vec![0x80], OperationError::Malformed),
        ([with(900, 1), vec![0]].concat(), OperationError::Malformed),
        (foreign(&[(6, 1.into())]), OperationError::Missing(1)),
        (foreign(&[(1, 1.into())]), OperationError::Missing(6)),
        (with(1, "one"), OperationError::BadField(1)),
        (with(1, -1), OperationError::BadField(1)),
        (
            with(2, Value::Bytes(vec![0; 31])),
            OperationError::BadField(2),
        ),
        (with(3, 1), OperationError::BadField(3)),
        (
            with(3, Value::Array(vec![1.into()])),
            OperationError::BadField(3),
        ),
        (with(5, 1_u64 << 32), OperationError::BadField(5)),
        (with(7, 1), OperationError::BadField(7)),
        (with(7, content(1.into())), OperationError::BadField(1)),
        (with(1, 2), OperationError::BadLink),
    ];
    for (bytes, error) in cases {
        assert_eq!(Operation::decode(&bytes), Err(error));
    }
}

#[test]
fn nothing_anybody_said_is_printed() {
    let operation = Operation::new(fields(text("secret"))).unwrap();
    let printed = format!(
        "{operation:?} {:?} {:?}",
        operation.fields(),
        operation.id()
    );
    assert!(!printed.contains("secret"), "{printed}");
    assert!(printed.starts_with("Operation { body: Body(kind 1, [redacted]), .. }"));
}

fn bodies() -> impl Strategy<Value = Body> {
    prop_oneof![
        ".{0,200}".prop_map(|text| Body::Text { text }),
        "[^\\p{Cc}]{1,64}".prop_map(|name| Body::Profile { name }),
        prop::collection::vec(any::<u8>(), 0..=MAX_HOMES_BYTES)
            .prop_map(|homes| Body::Homes { homes }),
        prop::collection::vec(any::<u8>(), 0..=MAX_COLLECTIVE_BYTES)
            .prop_map(|content| Body::Collective { content }),
        prop::collection::vec(any::<u8>(), 0..=MAX_INTRODUCTION_BYTES).prop_map(|content| {
            Body::Introduction {
                content: content.into(),
            }
        }),
        Just(Body::Confirmed),
    ]
}

prop_compose! {
    fn any_fields()(
        sequence in prop_oneof![Just(1), 2..=u64::MAX],
        previous in any::<[u8; 32]>(),
        seen in prop::collection::vec((any::<[u8; 32]>(), 1..=u64::MAX, any::<[u8; 32]>()), 0..4),
        time in any::<u64>(),
        expiry_day in any::<u32>(),
        body in bodies(),
    ) -> Fields {
        let previous = (sequence > 1).then_some(OperationId(previous));
        let seen = seen.into_iter().map(|(device, sequence, id)| Head {
            device: DeviceId(device),
            sequence,
            id: OperationId(id),
        });
        Fields { sequence, previous, seen: seen.collect(), time, expiry_day, body }
    }
}

proptest! {
    #[test]
    fn operations_round_trip(fields in any_fields()) {
        let operation = Operation::new(fields).unwrap();
        prop_assert_eq!(Operation::decode(operation.as_bytes()), Ok(operation));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Operation::decode(&bytes);
    }

    #[test]
    fn a_changed_byte_is_refused_or_makes_another_operation(
        fields in any_fields(),
        position in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let operation = Operation::new(fields).unwrap();
        let mut bytes = operation.as_bytes().to_vec();
        bytes[position.index(operation.as_bytes().len())] ^= 1 << bit;
        if let Ok(other) = Operation::decode(&bytes) {
            prop_assert_eq!(other.as_bytes(), bytes.as_slice());
            prop_assert_ne!(other.id(), operation.id());
        }
    }
}
