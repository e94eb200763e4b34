//! Group keys against those who should not read, and those who should not have written.

use hpke::{
    Deserializable, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing,
    setup_sender_with_rng,
};
use komrade_crypto::{
    group::{
        Commit, ContentError, Mark, MemberRoot, PACK_OVERHEAD_BYTES, Pack, SLICE_BYTES, Seed,
        SliceError, Space,
    },
    kem::KemPublic,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    group::{Device, SPACE, devices, hear, rekey, root},
    rng,
};

/// What the first device makes of a pack.
fn opened(device: &Device, pack: &[u8]) -> Result<Seed, SliceError> {
    Pack::decode(pack)
        .unwrap()
        .open(&SPACE, device.leaves.keys())
}

#[test]
fn a_removed_member_reads_no_content_no_control_and_knows_no_envelope() {
    let rng = &mut rng(1);
    let all = devices(4, rng);
    let before = rekey(&all.iter().collect::<Vec<_>>(), rng);
    let removed = &all[3];
    let old = removed.take(&before.1[0], &root(&all)).unwrap();
    let (new, packs) = rekey(&all[..3].iter().collect::<Vec<_>>(), rng);
    assert_eq!(opened(removed, &packs[0]), Err(SliceError::NotForMe));

    let content = new.sending(all[0].id()).unwrap().seal(b"text", rng);
    let content = content.unwrap();
    let control = new.lasting().seal_control(b"vote", rng).unwrap();
    let nonce = [5; 12];
    let hint = new.lasting().detection().hint(&nonce);
    let envelope = new.lasting().outer().seal(&nonce, &hint, &content).unwrap();

    // The same with the old seed would work: the check can fail.
    let mine = old.lasting();
    let planted = before.0.lasting();
    assert!(
        mine.detection()
            .matches(&nonce, &planted.detection().hint(&nonce))
    );
    let vote = planted.seal_control(b"vote", rng).unwrap();
    assert!(mine.open_control(&vote).is_ok());
    let text = before.0.sending(all[0].id()).unwrap().seal(b"text", rng);
    let mut from = old.receiving(all[0].id()).unwrap();
    assert!(hear(&mut from, &text.unwrap()).is_ok());

    assert!(!mine.detection().matches(&nonce, &hint));
    assert!(mine.outer().open(&nonce, &hint, &envelope).is_err());
    assert!(mine.open_control(&control).is_err());
    assert_eq!(hear(&mut from, &content), Err(ContentError::Foreign));
    assert_eq!(old.reopen(&content), Err(ContentError::Foreign));
    // Nor if it writes its own seed's name on what it sees.
    let mut renamed = content.clone();
    renamed[2..34].copy_from_slice(&old.commit().0);
    assert_eq!(hear(&mut from, &renamed), Err(ContentError::KeyGone));
    assert_eq!(old.reopen(&renamed), Err(ContentError::DoesNotOpen));
    let mut renamed = control;
    renamed[2..34].copy_from_slice(&old.commit().0);
    assert!(mine.open_control(&renamed).is_err());
}

#[test]
fn a_slice_moved_to_another_seed_opens_for_nobody() {
    let rng = &mut rng(1);
    let all = devices(2, rng);
    let covered: Vec<_> = all.iter().collect();
    let (_, one) = rekey(&covered, rng);
    let (_, other) = rekey(&covered, rng);
    // All slices of one under the head of the other.
    let head = &other[0][..PACK_OVERHEAD_BYTES];
    let swapped = [head, &one[0][PACK_OVERHEAD_BYTES..]].concat();
    for device in &all {
        assert_eq!(opened(device, &swapped), Err(SliceError::Damaged));
    }
    // The same seed, said to be for other members, or in another space.
    let mut renamed = one[0].clone();
    renamed[34..66].copy_from_slice(&root(&all[..1]).0);
    assert_eq!(opened(&all[0], &renamed), Err(SliceError::Damaged));
    for space in [Space::circle(SPACE.id), Space::collective([78; 32])] {
        let pack = Pack::decode(&one[0]).unwrap();
        let seed = pack.open(&space, all[0].leaves.keys());
        assert_eq!(seed, Err(SliceError::Damaged));
    }
}

#[test]
fn every_changed_byte_of_a_pack_is_noticed_by_whom_it_concerns() {
    let rng = &mut rng(1);
    let all = devices(2, rng);
    let (seed, packs) = rekey(&all.iter().collect::<Vec<_>>(), rng);
    let pack = &packs[0];
    let (mine, theirs) = (PACK_OVERHEAD_BYTES, PACK_OVERHEAD_BYTES + SLICE_BYTES);
    for place in (0..mine).chain((mine..theirs).step_by(31)) {
        let mut wrong = pack.clone();
        wrong[place] ^= 1;
        let Ok(read) = Pack::decode(&wrong) else {
            continue;
        };
        let expected = match place {
            _ if (mine..mine + 8).contains(&place) => SliceError::NotForMe,
            _ => SliceError::Damaged,
        };
        let mine = read.open(&SPACE, all[0].leaves.keys());
        assert_eq!(mine, Err(expected), "byte {place}");
    }
    // A damaged slice beside keeps nobody from its own.
    let mut wrong = pack.clone();
    wrong[theirs + 100] ^= 1;
    assert_eq!(opened(&all[1], &wrong), Err(SliceError::Damaged));
    assert_eq!(opened(&all[0], &wrong).unwrap().commit(), seed.commit());
    // Nor does a broken one with the same mark before it.
    let twice = seed.pack(&[seed.slice(all[0].record().key(), rng).unwrap()]);
    let mut twice = twice.unwrap();
    twice.extend_from_within(PACK_OVERHEAD_BYTES..);
    twice[PACK_OVERHEAD_BYTES - 1] = 2;
    twice[PACK_OVERHEAD_BYTES + 100] ^= 1;
    assert_eq!(opened(&all[0], &twice).unwrap().commit(), seed.commit());
}

#[test]
fn a_pack_is_whole_or_nothing() {
    let rng = &mut rng(1);
    let all = devices(2, rng);
    let (_, packs) = rekey(&all.iter().collect::<Vec<_>>(), rng);
    let pack = &packs[0];
    for length in [0, 1, 2, 66, 67, 68, 67 + SLICE_BYTES, pack.len() - 1] {
        assert!(Pack::decode(&pack[..length]).is_err(), "{length} bytes");
    }
    assert!(Pack::decode(&[pack.as_slice(), &[0]].concat()).is_err());
    for count in [0, 1, 3, 55, 56, 255] {
        let mut wrong = pack.clone();
        wrong[PACK_OVERHEAD_BYTES - 1] = count;
        assert!(Pack::decode(&wrong).is_err(), "{count} slices");
    }
}

/// A slice as an author makes it who knows the format and means ill.
fn crafted(to: &KemPublic, commit: &Commit, root: &MemberRoot, inside: &[u8]) -> Vec<u8> {
    let mark = Mark::of(to);
    let info = [
        b"komrade/group/slice/v1\0\x01".as_slice(),
        &[1],
        &SPACE.id,
        &commit.0,
        &root.0,
    ]
    .concat();
    let public = Deserializable::from_bytes(to.as_bytes()).unwrap();
    let (encapped, mut context) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        &public,
        &info,
        &mut rng(9),
    )
    .unwrap();
    let sealed = context.seal(inside, &mark.0).unwrap();
    let head = [&[1, 1][..], &commit.0, &root.0, &[1]].concat();
    [head, mark.0.to_vec(), encapped.to_bytes().to_vec(), sealed].concat()
}

#[test]
fn an_author_who_gives_each_member_another_seed_is_found_out() {
    let rng = &mut rng(1);
    let all = devices(2, rng);
    let seed = Seed::draw(SPACE, root(&all), rng);
    let leaf = all[0].record();
    let secret = seed.to_bytes()[67..99].to_vec();
    let honest = crafted(leaf.key(), &seed.commit(), &seed.root(), &secret);
    assert_eq!(opened(&all[0], &honest).unwrap().commit(), seed.commit());
    let other = crafted(leaf.key(), &seed.commit(), &seed.root(), &[7; 32]);
    assert_eq!(opened(&all[0], &other), Err(SliceError::WrongCommitment));
    // The same bytes for other members are another seed: the commitment says so, too.
    let fewer = root(&all[..1]);
    let reused = crafted(leaf.key(), &seed.commit(), &fewer, &secret);
    assert_eq!(opened(&all[0], &reused), Err(SliceError::WrongCommitment));
}

#[test]
fn the_same_bytes_for_other_members_or_spaces_give_other_keys() {
    let rng = &mut rng(1);
    let all = devices(2, rng);
    let seed = Seed::draw(SPACE, root(&all), rng);
    let bytes = seed.to_bytes();
    let changed = |place: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[place] = value;
        Seed::from_bytes(&bytes).unwrap()
    };
    let kind = changed(2, 2);
    let space = changed(3, 78);
    let members = changed(40, 0);
    for other in [kind, space, members] {
        assert_ne!(other.commit(), seed.commit());
        assert_ne!(other.lasting().outer(), seed.lasting().outer());
        let sealed = seed.sending(all[0].id()).unwrap().seal(b"text", rng);
        let mut sealed = sealed.unwrap();
        sealed[2..34].copy_from_slice(&other.commit().0);
        assert_eq!(other.reopen(&sealed), Err(ContentError::DoesNotOpen));
    }
}

#[test]
fn no_field_of_a_message_can_be_changed() {
    let rng = &mut rng(1);
    let all = devices(2, rng);
    let (seed, _) = rekey(&all.iter().collect::<Vec<_>>(), rng);
    let mut sending = seed.sending(all[0].id()).unwrap();
    let sealed = sending.seal(b"meet at six", rng).unwrap();
    let receiving = seed.receiving(all[0].id()).unwrap();
    let control = seed.lasting().seal_control(b"meet at six", rng).unwrap();
    for place in 0..sealed.len() {
        let mut wrong = sealed.clone();
        wrong[place] ^= 1;
        assert!(receiving.open(&wrong).is_err(), "byte {place}");
        assert!(seed.reopen(&wrong).is_err(), "byte {place}");
        assert!(receiving.open(&sealed[..place]).is_err());
        assert!(seed.lasting().open_control(&wrong).is_err());
    }
    for place in 0..control.len() {
        let mut wrong = control.clone();
        wrong[place] ^= 1;
        assert!(seed.lasting().open_control(&wrong).is_err(), "byte {place}");
        assert!(seed.lasting().open_control(&control[..place]).is_err());
        assert!(receiving.open(&control).is_err());
    }
    // Said to come from another device.
    let mut wrong = sealed.clone();
    wrong[34..66].copy_from_slice(all[1].id());
    let other = seed.receiving(all[1].id()).unwrap();
    assert_eq!(other.open(&wrong).err(), Some(ContentError::DoesNotOpen));
    assert_eq!(receiving.open(&wrong).err(), Some(ContentError::Foreign));
}

#[test]
fn a_member_that_writes_in_anothers_ratchet_uses_up_nothing() {
    let rng = &mut rng(1);
    let all = devices(2, rng);
    let (seed, _) = rekey(&all.iter().collect::<Vec<_>>(), rng);
    // Every member has the seed, and with it everybody's ratchet.
    let forged = seed.sending(all[0].id()).unwrap().seal(b"forged", rng);
    let mut receiving = seed.receiving(all[0].id()).unwrap();
    let opened = receiving.open(&forged.unwrap()).unwrap();
    assert_eq!(opened.plaintext.as_slice(), b"forged");
    drop(opened); // No signature of that device inside.
    let honest = seed.sending(all[0].id()).unwrap().seal(b"honest", rng);
    assert_eq!(hear(&mut receiving, &honest.unwrap()).unwrap(), b"honest");
}

/// Needs the record of seals.
#[cfg(feature = "audit")]
mod nonces {
    use std::collections::BTreeSet;

    use komrade_crypto::{
        audit,
        group::{LastingKeys, Sending},
    };
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// What a profile keeps.
    struct Profile {
        sending: Sending,
        lasting: LastingKeys,
    }

    impl Profile {
        fn copy(&self) -> Self {
            Self {
                sending: Sending::from_bytes(&self.sending.to_bytes()).unwrap(),
                lasting: LastingKeys::from_bytes(&self.lasting.to_bytes()).unwrap(),
            }
        }

        /// Writes on, with chance that begins at `seed`.
        fn write(&mut self, seed: u64) {
            let rng = &mut rng(seed);
            for number in 0..20u8 {
                self.sending.seal(&[number], rng).unwrap();
                self.lasting.seal_control(&[number], rng).unwrap();
            }
        }
    }

    /// Whether a pair of key and nonce was used twice since the last look.
    fn repeated(expected: usize) -> bool {
        let seals = audit::take();
        assert_eq!(seals.len(), expected, "not everything was seen");
        seals.iter().collect::<BTreeSet<_>>().len() < seals.len()
    }

    fn profile() -> Profile {
        let rng = &mut rng(1);
        let device = Device::new(1, rng);
        let (seed, _) = rekey(&[&device], rng);
        audit::take();
        Profile {
            sending: seed.sending(device.id()).unwrap(),
            lasting: seed.lasting(),
        }
    }

    #[test]
    fn a_restored_profile_uses_no_nonce_again() {
        let mut profile = profile();
        profile.write(2);
        let backup = profile.copy();
        profile.write(3);
        let mut restored = backup.copy();
        restored.write(4);
        let mut again = backup.copy();
        again.write(5);
        assert!(!repeated(160));
    }

    #[test]
    fn a_profile_that_runs_on_two_machines_uses_no_nonce_twice() {
        let mut one = profile();
        let mut other = one.copy();
        one.write(2);
        other.write(3);
        assert!(!repeated(80));
    }

    /// The canary: the same chance on both machines, so the same salts at the same places.
    #[test]
    fn a_nonce_used_twice_would_be_seen() {
        let mut one = profile();
        let mut other = one.copy();
        one.write(2);
        other.write(2);
        assert!(repeated(80));
    }
}
