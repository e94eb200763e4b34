//! Words, ids, certificates.

use komrade_crypto::{
    DecodeError,
    identity::{DeviceCertificate, DeviceKey, PersonId, RecoveryWords, Revocation, pair_code},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{Person, rng};

#[test]
fn words_lead_back_to_the_same_person() {
    let words = RecoveryWords::draw(&mut rng(1));
    let again = RecoveryWords::from_text(&words.to_text()).unwrap();
    assert_eq!(again.root().person(), words.root().person());
    assert_ne!(
        RecoveryWords::draw(&mut rng(2)).root().person(),
        words.root().person()
    );
}

#[test]
fn a_person_id_survives_its_text_and_one_wrong_letter_is_noticed() {
    let id = Person::new(1).party().person;
    let text = id.to_string();
    assert!(text.starts_with("komrade1"));
    assert_eq!(PersonId::from_text(&text), Ok(id));
    assert_eq!(PersonId::from_text(&text.to_uppercase()), Ok(id));
    for (place, letter) in text.char_indices().skip("komrade1".len()) {
        let other = if letter == 'q' { "p" } else { "q" };
        let mut wrong = text.clone();
        wrong.replace_range(place..=place, other);
        assert!(PersonId::from_text(&wrong).is_err(), "{wrong}");
    }
    assert!(PersonId::from_text("bc1p4w46h2at4w46h2at4w46h2at4w46h2at5kreae").is_err());
}

#[test]
fn a_pair_code_is_the_same_on_both_sides_and_another_for_others() {
    let [ana, bo, cy] = [1, 2, 3].map(|seed| Person::new(seed).party().person);
    assert_eq!(pair_code(&ana, &bo), pair_code(&bo, &ana));
    assert_ne!(pair_code(&ana, &bo), pair_code(&ana, &cy));
    assert_eq!(pair_code(&ana, &bo).len(), 19);
    assert_eq!(
        pair_code(&ana, &bo)
            .split(' ')
            .map(str::len)
            .collect::<Vec<_>>(),
        [4; 4]
    );
    assert_eq!(
        ana.short_code()
            .split(' ')
            .map(str::len)
            .collect::<Vec<_>>(),
        [4; 4]
    );
}

#[test]
fn a_certificate_names_person_device_and_day() {
    let ana = Person::new(1);
    let made = ana.words.root().certify(&ana.device.public(), 20_000);
    let read = DeviceCertificate::decode(&made.encode()).unwrap();
    assert_eq!(read, made);
    assert_eq!(read.person(), ana.party().person);
    assert_eq!(*read.device(), ana.device.public());
    assert_eq!(read.created_day(), 20_000);
}

#[test]
fn no_bit_of_a_certificate_can_be_changed() {
    let ana = Person::new(1);
    let bytes = ana
        .words
        .root()
        .certify(&ana.device.public(), 20_000)
        .encode();
    for bit in 0..bytes.len() * 8 {
        let mut wrong = bytes;
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(DeviceCertificate::decode(&wrong).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert_eq!(
            DeviceCertificate::decode(&bytes[..length]),
            Err(DecodeError::Truncated)
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        DeviceCertificate::decode(&longer),
        Err(DecodeError::TrailingBytes)
    );
}

#[test]
fn newer_versions_and_other_suites_are_told_apart() {
    let ana = Person::new(1);
    let bytes = ana
        .words
        .root()
        .certify(&ana.device.public(), 20_000)
        .encode();
    let mut newer = bytes;
    newer[0] = 2;
    let expected = DecodeError::NewerVersion {
        found: 2,
        expected: 1,
    };
    assert_eq!(DeviceCertificate::decode(&newer), Err(expected));
    let mut suite = bytes;
    suite[1] = 9;
    assert_eq!(
        DeviceCertificate::decode(&suite),
        Err(DecodeError::UnknownSuite { found: 9 })
    );
}

#[test]
fn a_revocation_is_no_certificate_and_covers_only_its_device() {
    let ana = Person::new(1);
    let root = ana.words.root();
    let certificate = root.certify(&ana.device.public(), 20_000);
    let revocation = root.revoke(&ana.device.public(), 20_000);
    assert_eq!(
        DeviceCertificate::decode(&revocation.encode()),
        Err(DecodeError::BadSignature)
    );
    assert_eq!(
        Revocation::decode(&certificate.encode()),
        Err(DecodeError::BadSignature)
    );
    assert_eq!(
        Revocation::decode(&revocation.encode()).as_ref(),
        Ok(&revocation)
    );
    assert!(revocation.covers(&certificate));
    let other = root.certify(&DeviceKey::draw(&mut rng(9)).public(), 20_000);
    assert!(!revocation.covers(&other));
}

#[test]
fn a_root_or_device_key_of_small_order_is_refused() {
    // The neutral element as root: R = neutral, s = 0 satisfies the plain equation for any message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut forged = Person::new(1).words.root().certify(&[3; 32], 1).encode();
    forged[2..34].copy_from_slice(&neutral);
    forged[70..102].copy_from_slice(&neutral);
    forged[102..].fill(0);
    assert_eq!(DeviceCertificate::decode(&forged), Err(DecodeError::BadKey));
    let weak = Person::new(1).words.root().certify(&neutral, 1).encode();
    assert_eq!(DeviceCertificate::decode(&weak), Err(DecodeError::BadKey));
}
