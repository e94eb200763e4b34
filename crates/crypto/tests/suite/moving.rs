//! A vault that moves: the mark it leaves, the file it travels in.

use komrade_crypto::{
    DecodeError, OpenError,
    vault::{
        Header, MasterKey, Moved, PART_OVERHEAD_BYTES, PRELUDE_BYTES, Params, Prelude,
        PreludeError, Recipe,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::rng;

fn master() -> MasterKey {
    MasterKey::draw(&mut rng(2))
}

fn header() -> Header {
    let recipe = Recipe::draw(Params::FLOOR, &mut rng(1)).unwrap();
    Header::new(recipe, &[1; 32], &master(), &mut rng(3)).unwrap()
}

fn prelude() -> Prelude {
    Prelude::new(header(), &mut rng(4))
}

#[test]
fn the_mark_is_no_header_and_a_header_no_mark() {
    let moved = Moved {
        header: header(),
        has_file: false,
    };
    assert_eq!(Moved::decode(&moved.encode()), Some(Ok(moved.clone())));
    assert!(matches!(
        Header::decode(&moved.encode()),
        Err(DecodeError::NewerVersion { .. })
    ));
    assert_eq!(Moved::decode(&header().encode()), None);
    assert_eq!(Moved::decode(&[]), None);
    assert_eq!(
        Moved::decode(&moved.encode()[..9]),
        Some(Err(DecodeError::Truncated))
    );
}

#[test]
fn whatever_is_wrong_with_the_beginning_of_a_file_has_its_own_name() {
    let whole = prelude().encode();
    assert_eq!(whole.len(), PRELUDE_BYTES);
    assert_eq!(Prelude::decode(&whole), Ok(prelude()));
    for length in 0..whole.len() {
        let expected = if length < 8 {
            PreludeError::Foreign
        } else {
            PreludeError::CutShort
        };
        assert_eq!(Prelude::decode(&whole[..length]), Err(expected));
    }
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 2;
        let expected = match at {
            0..8 => PreludeError::Foreign,
            8 | 9 => PreludeError::Newer,
            _ => PreludeError::Damaged,
        };
        assert_eq!(Prelude::decode(&damaged), Err(expected), "byte {at}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_eq!(Prelude::decode(&longer), Err(PreludeError::Damaged));
}

#[test]
fn a_part_opens_in_its_own_place_of_its_own_file_only() {
    let key = prelude().key(&master());
    let sealed = key.seal(3, false, b"records").unwrap();
    assert_eq!(sealed.len(), b"records".len() + PART_OVERHEAD_BYTES);
    assert_eq!(key.open(3, false, &sealed).unwrap().as_slice(), b"records");
    assert_eq!(key.open(2, false, &sealed), Err(OpenError));
    assert_eq!(key.open(3, true, &sealed), Err(OpenError));
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 1;
        assert_eq!(key.open(3, false, &damaged), Err(OpenError));
    }
    // The same vault, made into a file once more.
    let again = Prelude::new(header(), &mut rng(5)).key(&master());
    assert_ne!(again.seal(3, false, b"records").unwrap(), sealed);
    let other = prelude().key(&MasterKey::draw(&mut rng(6)));
    assert_eq!(other.open(3, false, &sealed), Err(OpenError));
}
