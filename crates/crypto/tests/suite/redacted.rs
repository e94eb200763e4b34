//! Nothing secret in `Debug`, and everything secret erased when dropped.

use komrade_crypto::{
    first_contact::{ContactSecret, IntroKey, ReunionKey},
    group::{LastingKeys, LeafRing, MemberRoot, Pack, Receiving, Seed, Sending, SliceKey, Space},
    identity::{DeviceKey, RecoveryWords, RootKey},
    invite::{Invite, InviteSecret, JoinSecret},
    kem::{KemSecret, PrekeyRing},
    link::LinkKey,
    outer::{DetectionKey, OuterKey},
    vault::{FileKey, MasterKey, Params, Recipe, RecordKey, Ring, StretchJob},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use zeroize::ZeroizeOnDrop;

use crate::{Person, rng};

#[test]
fn debug_shows_nothing_secret() {
    let (ana, mut bo) = (Person::new(1), Person::new(2));
    let prekey = bo.account.fallback_key(1).unwrap();
    let mut session = ana.account.start(&bo.account.identity(), &prekey).unwrap();
    let message = session.encrypt(b"hello").unwrap();
    let received = bo
        .account
        .receive(&ana.account.identity(), &message)
        .unwrap();
    let invite = Invite {
        secret: InviteSecret::draw(&mut rng(1)),
        bundle_hash: [1; 32],
        home: komrade_crypto::invite::Home::Peer([2; 32]),
        last_day: 3,
        join: Some(JoinSecret::draw(&mut rng(2))),
        for_collective: false,
    };
    let outer = OuterKey::draw(&mut rng(3));
    let reunion = ReunionKey::draw(&mut rng(4));
    let recipe = Recipe::draw(Params::FLOOR, &mut rng(5)).unwrap();
    let shown: [&dyn core::fmt::Debug; 21] = [
        &ana.words,
        &ana.words.root(),
        &ana.device,
        &ana.kem,
        &ana.account,
        &session,
        &received,
        &invite,
        &invite.secret,
        &JoinSecret::draw(&mut rng(6)),
        &outer,
        &outer.detection(),
        &reunion,
        &reunion.link(),
        &reunion.intro(),
        &ContactSecret::draw(&mut rng(7)),
        &MasterKey::draw(&mut rng(8)),
        &RecordKey::draw(&mut rng(9)),
        &FileKey::from_bytes([3; 32]),
        &Ring::new(1, &mut rng(10)),
        &recipe.job("correct horse battery").unwrap(),
    ];
    for secret in shown {
        assert_eq!(format!("{secret:?} {secret:#?}"), "[redacted] [redacted]");
    }
    assert_eq!(format!("{message:?}"), "Message { .. }");
    assert_eq!(format!("{:?}", ana.kem.public()), "KemPublic { .. }");
    let mut prekeys = PrekeyRing::new();
    prekeys.rotate(7, &mut rng(11));
    assert_eq!(format!("{prekeys:?}"), "PrekeyRing([(7, [redacted])])");
}

#[test]
fn debug_says_nothing_of_who_somebody_is() {
    let mut ana = Person::new(1);
    let bundle = ana.bundle();
    let revocation = ana.words.root().revoke(&ana.device.public(), 7);
    let certificate = &bundle.content().certificate;
    let party = komrade_crypto::first_contact::Party {
        person: bundle.person(),
        device: *bundle.device(),
    };
    let mut leaves = LeafRing::new();
    let space = Space::collective([1; 32]);
    leaves.renew(20_000, 0, &mut rng(1)).unwrap();
    let leaf = leaves.record(&space, &ana.device).unwrap();
    let shown: [(&str, &dyn core::fmt::Debug); 8] = [
        ("PersonId", &bundle.person()),
        ("DeviceCertificate", certificate),
        ("Revocation", &revocation),
        ("Content", bundle.content()),
        ("Bundle", &bundle),
        ("Party", &party),
        ("Space", &space),
        ("LeafRecord", &leaf),
    ];
    for (name, value) in shown {
        assert_eq!(format!("{value:?}"), format!("{name}([redacted])"));
    }
}

#[test]
fn debug_shows_nothing_secret_of_group_keys() {
    let rng = &mut rng(1);
    let seed = Seed::draw(Space::collective([1; 32]), MemberRoot([2; 32]), rng);
    let receiving = seed.receiving(&[3; 32]).unwrap();
    let mut sending = seed.sending(&[3; 32]).unwrap();
    let sealed = sending.seal(b"text", rng).unwrap();
    let shown: [&dyn core::fmt::Debug; 5] = [
        &seed,
        &seed.lasting(),
        &sending,
        &receiving,
        &receiving.open(&sealed).unwrap(),
    ];
    for secret in shown {
        assert_eq!(format!("{secret:?} {secret:#?}"), "[redacted] [redacted]");
    }
    let mut leaves = LeafRing::new();
    leaves.renew(20_000, 0, rng).unwrap();
    let key = leaves.keys().next().unwrap();
    let mark = format!("{:?}", key.mark());
    assert_eq!(
        format!("{key:?}"),
        format!("SliceKey {{ mark: {mark}, secret: [redacted] }}")
    );
    assert_eq!(
        format!("{leaves:?}"),
        format!("LeafRing([Leaf {{ number: 1, day: 20000, key: {key:?} }}])")
    );
    let public = komrade_crypto::kem::KemSecret::draw(rng).public();
    let slice = seed.slice(&public, rng).unwrap();
    assert_eq!(format!("{slice:?}"), "Slice { .. }");
    let pack = seed.pack(&[slice]).unwrap();
    let pack = Pack::decode(&pack).unwrap();
    assert_eq!(format!("{pack:?}"), "Pack { .. }");
    let past = komrade_crypto::group::archive::Past { seed, since: 1 };
    let past = format!("{past:?}");
    assert_eq!(past, "Past { seed: [redacted], since: 1 }");
}

#[test]
fn secrets_are_erased_when_dropped() {
    fn erased<T: ZeroizeOnDrop>() {}
    erased::<RecoveryWords>();
    erased::<RootKey>();
    erased::<DeviceKey>();
    erased::<KemSecret>();
    erased::<InviteSecret>();
    erased::<JoinSecret>();
    erased::<ContactSecret>();
    erased::<ReunionKey>();
    erased::<IntroKey>();
    erased::<OuterKey>();
    erased::<DetectionKey>();
    erased::<LinkKey>();
    erased::<MasterKey>();
    erased::<FileKey>();
    erased::<RecordKey>();
    erased::<Ring>();
    erased::<StretchJob>();
    erased::<SliceKey>();
    erased::<LeafRing>();
    erased::<Seed>();
    erased::<LastingKeys>();
    erased::<Sending>();
    erased::<Receiving>();
}
