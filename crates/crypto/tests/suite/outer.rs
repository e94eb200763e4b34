//! Outer seals, hints, the weekly change, links and the ring of prekeys.

use komrade_crypto::{
    OpenError,
    first_contact::ReunionKey,
    invite::InviteSecret,
    kem::PrekeyRing,
    outer::{OVERHEAD_BYTES, OuterKey},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{Person, rng};

#[test]
fn an_envelope_opens_under_its_key_nonce_and_header_only() {
    let (key, other) = (OuterKey::draw(&mut rng(1)), OuterKey::draw(&mut rng(2)));
    let sealed = key.seal(&[1; 12], b"header", b"text").unwrap();
    assert_eq!(sealed.len(), 4 + OVERHEAD_BYTES);
    assert_eq!(
        key.open(&[1; 12], b"header", &sealed).unwrap().as_slice(),
        b"text"
    );
    assert_eq!(other.open(&[1; 12], b"header", &sealed), Err(OpenError));
    assert_eq!(key.open(&[2; 12], b"header", &sealed), Err(OpenError));
    assert_eq!(key.open(&[1; 12], b"Header", &sealed), Err(OpenError));
    for place in 0..sealed.len() {
        let mut wrong = sealed.clone();
        wrong[place] ^= 1;
        assert_eq!(key.open(&[1; 12], b"header", &wrong), Err(OpenError));
        assert_eq!(
            key.open(&[1; 12], b"header", &sealed[..place]),
            Err(OpenError)
        );
    }
}

#[test]
fn a_hint_is_known_to_its_key_only_and_never_the_same() {
    let (key, other) = (
        OuterKey::draw(&mut rng(1)).detection(),
        OuterKey::draw(&mut rng(2)).detection(),
    );
    let hint = key.hint(&[1; 12]);
    assert!(key.matches(&[1; 12], &hint));
    assert!(!key.matches(&[2; 12], &hint));
    assert!(!other.matches(&[1; 12], &hint));
    assert_ne!(hint, key.hint(&[2; 12]));
}

#[test]
fn both_sides_change_to_the_same_key() {
    let bo = Person::new(2);
    let key = OuterKey::draw(&mut rng(1));
    let (next, encapsulation) = key.change(&bo.kem.public(), &mut rng(3)).unwrap();
    assert_ne!(next, key);
    assert_eq!(key.follow(&bo.kem, &encapsulation), Ok(next.clone()));
    let (again, _) = key.change(&bo.kem.public(), &mut rng(4)).unwrap();
    assert_ne!(again, next, "each change draws anew");
}

#[test]
fn a_change_needs_the_current_key_and_the_prekey() {
    let (bo, cy) = (Person::new(2), Person::new(3));
    let (key, other) = (OuterKey::draw(&mut rng(1)), OuterKey::draw(&mut rng(2)));
    let (next, encapsulation) = key.change(&bo.kem.public(), &mut rng(3)).unwrap();
    assert_ne!(other.follow(&bo.kem, &encapsulation), Ok(next.clone()));
    assert_ne!(key.follow(&cy.kem, &encapsulation), Ok(next));
    let mut small = encapsulation;
    small[1_120 - 32..].fill(0);
    assert_eq!(key.follow(&bo.kem, &small), Err(OpenError));
}

#[test]
fn a_link_hint_means_one_key() {
    let (one, other) = (
        ReunionKey::draw(&mut rng(1)).link(),
        InviteSecret::draw(&mut rng(1)).link(),
    );
    let (ana, bo) = ([1; 32], [2; 32]);
    let hint = one.hint(&bo, &mut rng(2));
    assert!(one.matches(&bo, &hint));
    assert!(!other.matches(&bo, &hint));
    assert!(!one.matches(&ana, &hint), "a call led back to the caller");
    assert_ne!(hint, one.hint(&bo, &mut rng(3)));
    assert_ne!(one.psk(&bo), other.psk(&bo));
    assert_ne!(one.psk(&bo), one.psk(&ana));
    for place in 0..hint.len() {
        let mut wrong = hint;
        wrong[place] ^= 1;
        assert!(!one.matches(&bo, &wrong), "byte {place}");
    }
}

#[test]
fn prekeys_live_for_thirty_days_after_their_week() {
    let rng = &mut rng(1);
    let mut ring = PrekeyRing::new();
    assert!(ring.newest().is_none());
    assert!(ring.rotate(100, rng));
    assert!(!ring.rotate(100, rng), "one a week");
    let first = ring.secret(100).unwrap().clone();
    for week in 101..=105 {
        assert!(ring.rotate(week, rng));
        assert_eq!(ring.newest().unwrap().0, week);
        assert_eq!(ring.secret(100), Some(&first));
    }
    // Week 100 ends before day 707; 30 days later is in week 105, so that week 106 begins without it.
    assert!(ring.rotate(106, rng));
    assert!(ring.secret(100).is_none());
    assert!(ring.secret(101).is_some());
}
