//! Every structure of group keys, frozen; see `known.rs` for how.

use komrade_crypto::{
    group::{
        LastingKeys, LeafRecord, LeafRing, Mark, Member, MemberRoot, Missing, Pack, Receiving,
        Seed, Sending, SliceKey, Space, archive, rules,
    },
    identity::{DeviceKey, PersonId, verify_question},
    kem::KemSecret,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{known::Known, rng};

fn counted<const N: usize>(from: u8) -> [u8; N] {
    core::array::from_fn(|place| from.wrapping_add(u8::try_from(place).unwrap_or(0)))
}

#[test]
fn leaves_and_members() {
    let mut known = Known::new("group_leaf", include_str!("../known/group_leaf.txt"));
    let device = DeviceKey::from_bytes(&counted(100));
    let kem = KemSecret::from_bytes(counted(50));
    known.is("mark", Mark::of(&kem.public()).0);
    for (name, space) in [
        ("collective", Space::collective(counted(10))),
        ("circle", Space::circle(counted(10))),
    ] {
        let record = LeafRecord::sign(&space, 3, 20_000, &kem.public(), &device);
        known.is(&format!("record, {name}"), record.encode());
        assert_eq!(LeafRecord::decode(&record.encode()), Ok(record));
        let members = [3, 1, 2].map(|number| Member {
            person: PersonId([number; 32]),
            admission: [number + 10; 32],
            device: [40 - number; 32],
        });
        let root = MemberRoot::of(&space, members).unwrap();
        known.is(&format!("member root, {name}"), root.0);
    }
    let mut ring = LeafRing::new();
    ring.renew(20_000, 0, &mut rng(1)).unwrap();
    ring.renew(20_007, 5, &mut rng(2)).unwrap();
    known.is("ring", ring.to_bytes());
    assert_eq!(LeafRing::from_bytes(&ring.to_bytes()), Ok(ring));
}

#[test]
fn seeds_and_messages() {
    let mut known = Known::new("group_seed", include_str!("../known/group_seed.txt"));
    let device: [u8; 32] = counted(100);
    let key = SliceKey::new(KemSecret::from_bytes(counted(50)));
    let leaf = KemSecret::from_bytes(counted(50)).public();
    for (name, space) in [
        ("collective", Space::collective(counted(10))),
        ("circle", Space::circle(counted(10))),
    ] {
        let mut is = |what: &str, bytes: &[u8]| known.is(&format!("{what}, {name}"), bytes);
        let seed = Seed::draw(space, MemberRoot(counted(20)), &mut rng(1));
        is("seed", &seed.to_bytes());
        is("commit", &seed.commit().0);
        let slice = seed.slice(&leaf, &mut rng(2)).unwrap();
        let pack = seed.pack(&[slice]).unwrap();
        is("pack", &pack);
        let opened = Pack::decode(&pack).unwrap().open(&space, [&key]).unwrap();
        is("seed, not accepted", &opened.to_bytes());

        let lasting = seed.lasting();
        is("lasting", &lasting.to_bytes());
        is("hint", &lasting.detection().hint(&counted(0)));
        let control = lasting.seal_control(b"hello", &mut rng(3)).unwrap();
        is("control", &control);
        let lasting = LastingKeys::from_bytes(&lasting.to_bytes()).unwrap();
        assert_eq!(lasting.open_control(&control).unwrap().as_slice(), b"hello");

        let mut sending = seed.sending(&device).unwrap();
        is("sending", &sending.to_bytes());
        let first = sending.seal(b"hello", &mut rng(4)).unwrap();
        is("content", &first);
        sending.seal(b"", &mut rng(5)).unwrap();
        let third = sending.seal(b"comrade", &mut rng(6)).unwrap();
        is("content, third", &third);
        is("sending, later", &sending.to_bytes());
        assert!(Sending::from_bytes(&sending.to_bytes()).is_ok());
        let receiving = seed.receiving(&device).unwrap();
        let opened = receiving.open(&third).unwrap();
        assert_eq!(opened.plaintext.as_slice(), b"comrade");
        is("receiving", &opened.next.to_bytes());
        let receiving = Receiving::from_bytes(&opened.next.to_bytes()).unwrap();
        let opened = receiving.open(&first).unwrap();
        assert_eq!(opened.plaintext.as_slice(), b"hello");

        let past = [archive::Past {
            seed,
            since: 19_990,
        }];
        let sealed = archive::seal(&space, &past, &leaf, &mut rng(7)).unwrap();
        is("archive", &sealed);
        assert_eq!(archive::open(&space, &key, &sealed).unwrap().len(), 1);
    }
    let asked = Missing::new(
        [komrade_crypto::group::Commit(counted(1))],
        [counted(3), counted(2)],
    );
    known.is("missing", asked.encode());
    let question = DeviceKey::from_bytes(&device).sign_question(&asked.encode());
    known.is("question", question);
    let device = DeviceKey::from_bytes(&device).public();
    assert!(verify_question(&device, &asked.encode(), &question).is_ok());
    assert_eq!(Missing::decode(&asked.encode()), Ok(asked));
    let others = [0, 60, 120, 180].map(counted::<32>);
    let turns = others.map(|mine| {
        let others = others.iter().filter(|other| **other != mine);
        u8::try_from(rules::turn(&counted(9), &mine, others)).unwrap()
    });
    known.is("turns", turns);
}
