//! The intro and what grows from it.

use komrade_crypto::{
    OpenError,
    first_contact::{ContactSecret, OVERHEAD_BYTES, open, seal},
    invite::InviteSecret,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{Person, rng};

const HEADER: &[u8] = b"the header of an envelope";

#[test]
fn an_intro_opens_for_its_recipient_only() {
    let (bo, cy) = (Person::new(2), Person::new(3));
    let sealed = seal(&bo.kem.public(), None, HEADER, b"hello", &mut rng(1)).unwrap();
    assert_eq!(sealed.len(), 5 + OVERHEAD_BYTES);
    assert_eq!(
        open(&bo.kem, None, HEADER, &sealed).unwrap().as_slice(),
        b"hello"
    );
    assert_eq!(open(&cy.kem, None, HEADER, &sealed), Err(OpenError));
    assert_eq!(
        open(&bo.kem, None, b"another header", &sealed),
        Err(OpenError)
    );
}

#[test]
fn an_intro_made_with_an_invite_opens_with_that_invite_only() {
    let bo = Person::new(2);
    let (invite, other) = (
        InviteSecret::draw(&mut rng(5)),
        InviteSecret::draw(&mut rng(6)),
    );
    let (key, wrong) = (invite.intro(), other.intro());
    let sealed = seal(&bo.kem.public(), Some(&key), HEADER, b"hello", &mut rng(1)).unwrap();
    assert_eq!(
        open(&bo.kem, Some(&key), HEADER, &sealed)
            .unwrap()
            .as_slice(),
        b"hello"
    );
    assert_eq!(open(&bo.kem, Some(&wrong), HEADER, &sealed), Err(OpenError));
    assert_eq!(open(&bo.kem, None, HEADER, &sealed), Err(OpenError));

    let (nonce, another) = ([7; 12], [8; 12]);
    assert!(key.is_marked(&nonce, &key.mark(&nonce)));
    assert!(!wrong.is_marked(&nonce, &key.mark(&nonce)));
    assert_ne!(key.mark(&nonce), key.mark(&another));
}

#[test]
fn no_byte_of_an_intro_can_be_changed() {
    let bo = Person::new(2);
    let sealed = seal(&bo.kem.public(), None, HEADER, b"hello", &mut rng(1)).unwrap();
    for place in (0..sealed.len())
        .step_by(41)
        .chain([1_119, 1_120, sealed.len() - 1])
    {
        let mut wrong = sealed.clone();
        wrong[place] ^= 0x10;
        assert_eq!(
            open(&bo.kem, None, HEADER, &wrong),
            Err(OpenError),
            "byte {place}"
        );
    }
    for length in (0..sealed.len()).step_by(97) {
        assert_eq!(
            open(&bo.kem, None, HEADER, &sealed[..length]),
            Err(OpenError)
        );
    }
}

#[test]
fn an_encapsulation_with_a_point_of_small_order_is_refused() {
    let bo = Person::new(2);
    let mut sealed = seal(&bo.kem.public(), None, HEADER, b"hello", &mut rng(1)).unwrap();
    sealed[1_120 - 32..1_120].fill(0);
    assert_eq!(open(&bo.kem, None, HEADER, &sealed), Err(OpenError));
}

#[test]
fn each_repetition_is_fresh() {
    let bo = Person::new(2);
    let rng = &mut rng(1);
    let one = seal(&bo.kem.public(), None, HEADER, b"hello", rng).unwrap();
    let two = seal(&bo.kem.public(), None, HEADER, b"hello", rng).unwrap();
    assert!(one.iter().zip(&two).filter(|(a, b)| a == b).count() < 40);
}

#[test]
fn both_sides_derive_the_same_and_every_key_is_another() {
    let (ana, bo, cy) = (
        Person::new(1).party(),
        Person::new(2).party(),
        Person::new(3).party(),
    );
    let secret = ContactSecret::draw(&mut rng(1));
    assert_eq!(
        secret.reunion(&ana.person, &bo.person),
        secret.reunion(&bo.person, &ana.person)
    );
    assert_ne!(
        secret.reunion(&ana.person, &bo.person),
        secret.reunion(&ana.person, &cy.person)
    );
    assert_ne!(secret.outer(&ana, &bo), secret.outer(&bo, &ana));
    assert_ne!(secret.outer(&ana, &bo), secret.outer(&ana, &cy));
    let tablet = komrade_crypto::first_contact::Party {
        device: [9; 32],
        ..bo
    };
    assert_ne!(secret.outer(&ana, &bo), secret.outer(&ana, &tablet));
    assert_ne!(secret.binding(&ana, &bo), secret.binding(&bo, &ana));
    assert_ne!(
        secret.binding(&ana, &bo),
        ContactSecret::draw(&mut rng(2)).binding(&ana, &bo)
    );
    assert_ne!(secret.rank(), ContactSecret::draw(&mut rng(2)).rank());
}
