#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::{ByteArray, ByteBuf};

use super::*;

/// Everything of serde's model that a record may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    truth: bool,
    small: (u8, u16, u32),
    number: u64,
    signed: (i8, i64),
    text: String,
    letter: char,
    bytes: ByteBuf,
    fixed: ByteArray<4>,
    array: [u8; 32],
    none: Option<u64>,
    some: Option<Box<Variants>>,
    variants: Vec<Variants>,
    wrapped: Wrapped,
    map: BTreeMap<u64, String>,
    unit: (),
    #[serde(default)]
    later: u8,
    either: Either,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(u32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Variants {
    Plain,
    One(u64),
    Two(u8, String),
    Named { first: bool, second: Option<u8> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Texts(Vec<String>),
}

fn variants() -> impl Strategy<Value = Variants> {
    prop_oneof![
        Just(Variants::Plain),
        numbers().prop_map(Variants::One),
        (any::<u8>(), ".{0,5}").prop_map(|(one, two)| Variants::Two(one, two)),
        (any::<bool>(), any::<Option<u8>>())
            .prop_map(|(first, second)| Variants::Named { first, second }),
    ]
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 0xfff0..0x1_0010_u64, 0xffff_fff0..=u64::MAX]
}

prop_compose! {
    fn records()(
        small in any::<(u8, u16, u32)>(),
        signed in any::<(i8, i64)>(),
        number in numbers(),
        text in ".{0,40}",
        letter in any::<char>(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        array in any::<[u8; 32]>(),
        some in prop::option::of(variants()),
        variants in prop::collection::vec(variants(), 0..30),
        map in prop::collection::btree_map(numbers(), ".{0,3}", 0..4),
    ) -> Record {
        Record {
            truth: small.0 > 100,
            small,
            number,
            signed,
            either: if letter.is_ascii() { Either::Number(number) } else { Either::Texts(vec![text.clone()]) },
            text,
            letter,
            fixed: ByteArray::new([7; 4]),
            bytes: ByteBuf::from(bytes),
            array,
            none: None,
            some: some.map(Box::new),
            variants,
            wrapped: Wrapped(small.2),
            map,
            unit: (),
            later: small.0,
        }
    }
}

fn theirs<T: DeserializeOwned>(mut bytes: &[u8]) -> Option<T> {
    let value = ciborium::from_reader(&mut bytes).ok()?;
    bytes.is_empty().then_some(value)
}

fn in_their_form(record: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(record, &mut bytes).unwrap();
    bytes
}

/// What they read, as we keep it.
fn as_ours(value: ciborium::Value) -> Value {
    use ciborium::Value as Theirs;
    match value {
        Theirs::Integer(number) => u64::try_from(number).map_or(Value::Other, Value::Number),
        Theirs::Bytes(bytes) => Value::Bytes(bytes),
        Theirs::Text(text) => Value::Text(text),
        Theirs::Array(items) => Value::Array(items.into_iter().map(as_ours).collect()),
        Theirs::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (as_ours(key), as_ours(value)))
                .collect(),
        ),
        _ => Value::Other,
    }
}

proptest! {
    #[test]
    fn records_have_the_bytes_of_the_usual_library(record in records()) {
        let bytes = to_bytes(&record).unwrap();
        prop_assert_eq!(&*bytes, &in_their_form(&record));
        prop_assert_eq!(theirs::<Record>(&bytes), Some(record.clone()));
        prop_assert_eq!(from_bytes::<Record>(&bytes), Ok(record));
    }

    #[test]
    fn a_changed_record_is_an_error_or_another_record(
        record in records(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = to_bytes(&record).unwrap();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert_eq!(from_bytes::<Record>(&bytes), Err(Error));
        } else {
            bytes.insert(at, byte);
            if let Ok(read) = from_bytes::<Record>(&bytes) {
                prop_assert_eq!(theirs::<Record>(&bytes), Some(read));
            }
        }
    }

    #[test]
    fn any_bytes_get_the_verdict_of_the_usual_library(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&[
            0x00, 0x1a, 0x20, 0x3b, 0x41, 0x5f, 0x61, 0x7f, 0x81, 0x9f, 0xa1, 0xbf, 0xf4, 0xf6, 0xf9, 0xfb, 0xff,
        ][..])], 0..24),
    ) {
        prop_assert_eq!(Value::read(&bytes, MAX_DEPTH).ok(), theirs(&bytes).map(as_ours));
    }

    #[test]
    fn values_come_back(record in records()) {
        let bytes = in_their_form(&record);
        let value = Value::read(&bytes, MAX_DEPTH).unwrap();
        prop_assert_eq!(&value, &as_ours(theirs(&bytes).unwrap()));
        let mut writer = Writer::default();
        writer.value(&value);
        prop_assert_eq!(Value::read(&writer.finish(), MAX_DEPTH), Ok(value));
    }
}

#[test]
fn numbers_take_the_shortest_form() {
    let lengths = [
        (0, 1),
        (23, 1),
        (24, 2),
        (0xff, 2),
        (0x100, 3),
        (0xffff, 3),
        (0x1_0000, 5),
        (0xffff_ffff, 5),
        (0x1_0000_0000, 9),
        (u64::MAX, 9),
    ];
    for (number, length) in lengths {
        let mut writer = Writer::default();
        writer.number(number);
        assert_eq!(writer.finish().len(), length, "{number}");
    }
}

#[test]
fn strings_in_parts_are_joined_and_stray_parts_refused() {
    let read = |bytes: &[u8]| Value::read(bytes, MAX_DEPTH);
    assert_eq!(
        read(&[0x5f, 0x41, 1, 0x42, 2, 3, 0xff]),
        Ok(Value::Bytes(vec![1, 2, 3]))
    );
    assert_eq!(
        read(&[0x7f, 0x61, b'a', 0x60, 0xff]),
        Ok(Value::Text("a".to_owned()))
    );
    assert_eq!(
        read(&[0xbf, 1, 0x9f, 2, 0xff, 0xff]),
        Ok(Value::Map(vec![(
            Value::Number(1),
            Value::Array(vec![Value::Number(2)])
        )]))
    );
    // Text among bytes, parts within parts, half a letter, a key without an item, an end without a beginning.
    for bytes in [
        &[0x5f, 0x61, b'a', 0xff][..],
        &[0x5f, 0x5f, 0xff, 0xff],
        &[0x7f, 0x61, 0xc3, 0x61, 0xa9, 0xff],
        &[0xbf, 1, 0xff],
        &[0xff],
        &[0x81, 0xff],
        &[0x1f],
        &[0x1c],
    ] {
        assert_eq!(read(bytes), Err(Error), "{bytes:x?}");
    }
}

#[test]
fn nothing_is_followed_or_reserved_without_end() {
    assert_eq!(Value::read(&[0x81; 20_000], MAX_DEPTH), Err(Error));
    assert_eq!(Value::read(&[0xc1; 20_000], MAX_DEPTH), Err(Error));
    assert_eq!(Value::read(&[0x81, 0x81, 0], 1), Err(Error));
    assert!(Value::read(&[0x81, 0x81, 0], 2).is_ok());
    let endless = [0x9b, 255, 255, 255, 255, 255, 255, 255, 255];
    assert_eq!(Value::read(&endless, MAX_DEPTH), Err(Error));
    assert_eq!(from_bytes::<Vec<u64>>(&endless), Err(Error));
    let mut unknown = vec![0xa1, 0x61, b'x'];
    unknown.extend([0x81; 20_000]);
    assert_eq!(from_bytes::<Wide>(&unknown), Err(Error));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wide {
    #[serde(default)]
    kept: u8,
}

#[test]
fn fields_of_a_newer_version_are_skipped() {
    let bytes = [
        0xa2, 0x61, b'x', 0x82, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0, 0xf7, 0x64, b'k', b'e', b'p', b't', 9,
    ];
    assert_eq!(from_bytes(&bytes), Ok(Wide { kept: 9 }));
    assert_eq!(theirs(&bytes), Some(Wide { kept: 9 }));
}
