//! Prekey bundles.

use komrade_crypto::{
    DecodeError,
    bundle::{self, Bundle, Content, MAX_BUNDLE_BYTES, is_name},
    kem::{KemPublic, PUBLIC_BYTES},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::Person;

#[test]
fn a_bundle_is_read_as_it_was_signed() {
    let bundle = Person::new(1).bundle();
    let read = Bundle::decode(bundle.as_bytes()).unwrap();
    assert_eq!(read, bundle);
    assert_eq!(read.hash(), bundle::hash(bundle.as_bytes()));
    assert!(read.is_valid_on(20_021) && !read.is_valid_on(20_022));
}

#[test]
fn no_bit_of_a_bundle_can_be_changed() {
    let bytes = Person::new(1).bundle().as_bytes().to_vec();
    // Every bit of every third byte: each costs two signatures.
    for place in (0..bytes.len()).step_by(3) {
        let mut wrong = bytes.clone();
        wrong[place] ^= 1 << (place % 8);
        assert!(Bundle::decode(&wrong).is_err(), "byte {place}");
    }
    for length in (0..bytes.len()).step_by(7) {
        assert!(Bundle::decode(&bytes[..length]).is_err(), "length {length}");
    }
    assert!(Bundle::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn the_largest_bundle_is_as_long_as_stated_and_nothing_is_longer() {
    let ana = Person::new(1);
    let largest = Content {
        name: "\u{1f3f4}".repeat(64),
        homes: vec![vec![0; 128]; 8],
        ..ana.content(ana.account.identity())
    };
    let bundle = Bundle::sign(largest.clone(), &ana.device).unwrap();
    assert_eq!(bundle.as_bytes().len(), MAX_BUNDLE_BYTES);
    assert!(Bundle::decode(bundle.as_bytes()).is_ok());
    for content in [
        Content {
            name: "x".repeat(65),
            ..largest.clone()
        },
        Content {
            name: String::new(),
            ..largest.clone()
        },
        Content {
            homes: vec![vec![]; 9],
            ..largest.clone()
        },
        Content {
            homes: vec![vec![0; 513]; 2],
            ..largest.clone()
        },
    ] {
        assert_eq!(
            Bundle::sign(content, &ana.device),
            Err(DecodeError::OutOfBounds)
        );
    }
}

#[test]
fn only_the_certified_device_signs() {
    let (ana, bo) = (Person::new(1), Person::new(2));
    let content = ana.content(ana.account.identity());
    assert_eq!(Bundle::sign(content, &bo.device), Err(DecodeError::BadKey));
}

#[test]
fn a_signature_of_another_device_is_refused() {
    let (mut ana, mut bo) = (Person::new(1), Person::new(2));
    let mut bytes = ana.bundle().as_bytes().to_vec();
    let other = bo.bundle().as_bytes().to_vec();
    let (end, other_end) = (bytes.len() - 64, other.len() - 64);
    bytes[end..].copy_from_slice(&other[other_end..]);
    assert_eq!(Bundle::decode(&bytes), Err(DecodeError::BadSignature));
}

#[test]
fn keys_that_give_no_secret_are_refused_though_signed() {
    let ana = Person::new(1);
    let content = ana.content(ana.account.identity());
    for content in [
        Content {
            olm_identity: [0; 32],
            ..content.clone()
        },
        Content {
            olm_prekey: [0; 32],
            ..content
        },
    ] {
        assert_eq!(Bundle::sign(content, &ana.device), Err(DecodeError::BadKey));
    }
    let mut kem: [u8; PUBLIC_BYTES] = *ana.kem.public().as_bytes();
    kem[PUBLIC_BYTES - 32..].fill(0);
    assert_eq!(KemPublic::from_bytes(&kem), Err(DecodeError::BadKey));
    let mut kem: [u8; PUBLIC_BYTES] = *ana.kem.public().as_bytes();
    kem[..3].fill(0xff);
    assert_eq!(KemPublic::from_bytes(&kem), Err(DecodeError::BadKey));
}

#[test]
fn a_name_cannot_rearrange_what_stands_beside_it() {
    for good in ["Ana", "Ана Петрова", "أنا", "👩‍🌾 farm", &"x".repeat(64)] {
        assert!(is_name(good), "{good}");
    }
    for bad in [
        "",
        "   ",
        "a\nb",
        "a\u{202e}b",
        "a\u{2066}b",
        "\u{7}",
        &"x".repeat(65),
    ] {
        assert!(!is_name(bad), "{bad:?}");
    }
}
