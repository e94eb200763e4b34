//! Group keys on random histories. Native only: the generator reads the clock.

use arbtest::{arbitrary::Unstructured, arbtest};
use komrade_crypto::{
    group::{
        Commit, ContentError, LastingKeys, LeafRecord, LeafRing, MAX_LEAVES_PER_DAY, MAX_SKIPPED,
        Member, MemberRoot, Missing, Pack, Receiving, Seed, Sending, SliceKey, Space, archive,
        source,
    },
    identity::{DeviceKey, PersonId},
    kem::KemSecret,
};

use crate::{
    group::{SPACE, hear},
    rng,
};

type Outcome = arbtest::arbitrary::Result<()>;

fn space(u: &mut Unstructured<'_>) -> arbtest::arbitrary::Result<Space> {
    let id = u.arbitrary()?;
    Ok(match u.arbitrary()? {
        true => Space::collective(id),
        false => Space::circle(id),
    })
}

#[test]
fn structures_survive_their_bytes() {
    let kem = KemSecret::from_bytes([1; 32]);
    let (public, key) = (kem.public(), SliceKey::new(kem));
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let (space, seed) = (space(u)?, u.arbitrary()?);
        let rng = &mut rng(seed);
        let device = DeviceKey::draw(rng);
        let day: u32 = u.arbitrary()?;
        let highest = day.saturating_add(1).saturating_mul(MAX_LEAVES_PER_DAY);
        let number = u.int_in_range(0..=highest)?;
        let record = LeafRecord::sign(&space, number, day, &public, &device);
        assert_eq!(LeafRecord::decode(&record.encode()), Ok(record));
        let seed = Seed::draw(space, MemberRoot(u.arbitrary()?), rng);
        assert_eq!(Seed::from_bytes(&seed.to_bytes()), Ok(seed.clone()));
        let count = u.int_in_range(1..=3)?;
        let slices: Vec<_> = (0..count)
            .map(|_| seed.slice(&public, rng).unwrap())
            .collect();
        let pack = seed.pack(&slices).unwrap();
        let mut opened = Pack::decode(&pack).unwrap().open(&space, [&key]).unwrap();
        opened.accept(&seed.root()).unwrap();
        assert_eq!(opened, seed);
        let text: Vec<u8> = u.arbitrary()?;
        let control = seed.lasting().seal_control(&text, rng).unwrap();
        let lasting = LastingKeys::from_bytes(&opened.lasting().to_bytes()).unwrap();
        assert_eq!(*lasting.open_control(&control).unwrap(), text);
        let asked = Missing::new(
            u.arbitrary::<Vec<[u8; 32]>>()?.into_iter().map(Commit),
            [u.arbitrary()?, u.arbitrary()?],
        );
        assert_eq!(Missing::decode(&asked.encode()), Ok(asked));
        let past = [archive::Past {
            seed,
            since: u.arbitrary()?,
        }];
        let sealed = archive::seal(&space, &past, &public, rng).unwrap();
        let got = archive::open(&space, &key, &sealed).unwrap();
        assert_eq!(
            (got[0].seed.commit(), got[0].since),
            (past[0].seed.commit(), past[0].since)
        );
        Ok(())
    });
}

#[test]
fn a_member_root_is_a_function_of_the_set() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let mut members: Vec<Member> = (0..u.int_in_range(1..=8)?)
            .map(|device: u8| {
                Ok(Member {
                    person: PersonId([u.int_in_range(0..=2)?; 32]),
                    admission: [u.int_in_range(0..=2)?; 32],
                    device: [device; 32],
                })
            })
            .collect::<Result<_, _>>()?;
        let root = MemberRoot::of(&SPACE, members.clone()).unwrap();
        let at = u.choose_index(members.len())?;
        members.swap(0, at);
        assert_eq!(MemberRoot::of(&SPACE, members.clone()), Ok(root));
        members[0].admission[5] ^= 1;
        assert_ne!(MemberRoot::of(&SPACE, members.clone()), Ok(root));
        members[0].admission[5] ^= 1;
        members.push(members[at]);
        assert!(MemberRoot::of(&SPACE, members).is_err());
        Ok(())
    });
}

/// Messages lost, doubled and late, a receiver that restarts, a sender that runs twice: each message
/// opens once, or from the seed, or its key is gone for a reason; none gives another text.
#[test]
fn a_ratchet_in_any_order_loses_and_doubles_nothing() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let rng = &mut rng(u.arbitrary()?);
        let seed = Seed::draw(SPACE, MemberRoot([1; 32]), rng);
        let device = [2; 32];
        let mut senders = [
            seed.sending(&device).unwrap(),
            seed.sending(&device).unwrap(),
        ];
        let mut receiving = seed.receiving(&device).unwrap();
        let mut flying: Vec<(u16, Vec<u8>)> = Vec::new();
        let mut taken = std::collections::BTreeSet::new();
        for number in 0..u.int_in_range(0..=60u16)? {
            let sender = &mut senders[u.choose_index(2)?];
            let sealed = sender.seal(&number.to_be_bytes(), rng).unwrap();
            *sender = Sending::from_bytes(&sender.to_bytes()).unwrap();
            flying.push((number, sealed));
            if u.arbitrary()? {
                let (number, sealed) = flying.swap_remove(u.choose_index(flying.len())?);
                let place = source(&sealed).unwrap().place;
                match hear(&mut receiving, &sealed) {
                    Ok(text) => {
                        assert_eq!(text, number.to_be_bytes());
                        assert!(taken.insert(place), "a place twice");
                    }
                    Err(error) => {
                        assert_eq!(error, ContentError::KeyGone);
                        assert!(taken.contains(&place));
                        assert_eq!(*seed.reopen(&sealed).unwrap(), number.to_be_bytes());
                    }
                }
                receiving = Receiving::from_bytes(&receiving.to_bytes()).unwrap();
            }
        }
        assert!(flying.len() < MAX_SKIPPED);
        for (_, sealed) in flying {
            let place = source(&sealed).unwrap().place;
            let heard = hear(&mut receiving, &sealed);
            assert_eq!(heard.is_ok(), taken.insert(place));
        }
        Ok(())
    });
}

#[test]
fn a_ring_of_leaves_holds_what_may_be_needed() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let rng = &mut rng(u.arbitrary()?);
        let mut ring = LeafRing::new();
        let mut day = 100;
        for _ in 0..u.int_in_range(1..=10)? {
            day += u.int_in_range(0..=20)?;
            if u.arbitrary()? || ring.keys().next().is_none() {
                ring.renew(day, u.int_in_range(0..=9)?, rng).unwrap();
            } else {
                ring.forget_expired(day);
            }
            assert!(
                ring.keys().next().is_some(),
                "the newest is never forgotten"
            );
            ring = LeafRing::from_bytes(&ring.to_bytes()).unwrap();
        }
        Ok(())
    });
}
