//! Group keys as members use them: leaves, roots, seeds, archives.

use komrade_crypto::{
    DecodeError, SealError,
    group::{
        CONTENT_OVERHEAD_BYTES, CONTROL_OVERHEAD_BYTES, Commit, ContentError, LEAF_DAYS,
        LEAF_RECORD_BYTES, LeafRecord, LeafRing, MAX_DEVICES, MAX_LEAVES, MAX_MISSING_HEADS,
        MAX_MISSING_SEEDS, MAX_PACK_BYTES, MAX_SLICES, Mark, Member, MemberRoot, MembersError,
        Missing, Pack, Receiving, SLICE_BYTES, Seed, Slice, SliceError, SliceKey, Space,
        WrongMembers, archive,
        rules::{self, Candidate, Reseed},
        slices_in,
    },
    identity::{DeviceKey, PersonId},
    kem::{KEEP_DAYS, KemSecret, PrekeyRing},
};
use rand_chacha::ChaCha20Rng;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::rng;

pub(crate) const SPACE: Space = Space {
    kind: komrade_crypto::group::Kind::Collective,
    id: [77; 32],
};

/// A member with one device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) member: Member,
    pub(crate) key: DeviceKey,
    pub(crate) leaves: LeafRing,
}

impl Device {
    pub(crate) fn new(number: u8, rng: &mut ChaCha20Rng) -> Self {
        let key = DeviceKey::draw(rng);
        let mut leaves = LeafRing::new();
        leaves.renew(20_000, 0, rng).unwrap();
        let member = Member {
            person: PersonId([number; 32]),
            admission: [number.wrapping_add(100); 32],
            device: key.public(),
        };
        Self {
            member,
            key,
            leaves,
        }
    }

    pub(crate) fn id(&self) -> &[u8; 32] {
        &self.member.device
    }

    pub(crate) fn record(&self) -> LeafRecord {
        self.leaves.record(&SPACE, &self.key).unwrap()
    }

    /// What a device does with a pack and the members that it computes itself.
    pub(crate) fn take(&self, pack: &[u8], ours: &MemberRoot) -> Result<Seed, SliceError> {
        let mut seed = Pack::decode(pack)
            .unwrap()
            .open(&SPACE, self.leaves.keys())?;
        seed.accept(ours).unwrap();
        Ok(seed)
    }
}

pub(crate) fn devices(count: u8, rng: &mut ChaCha20Rng) -> Vec<Device> {
    (0..count).map(|number| Device::new(number, rng)).collect()
}

pub(crate) fn root<'a>(devices: impl IntoIterator<Item = &'a Device>) -> MemberRoot {
    let members = devices.into_iter().map(|device| device.member);
    MemberRoot::of(&SPACE, members).unwrap()
}

/// A new seed for these devices, and the packs of its slices.
pub(crate) fn rekey(devices: &[&Device], rng: &mut ChaCha20Rng) -> (Seed, Vec<Vec<u8>>) {
    let seed = Seed::draw(SPACE, root(devices.iter().copied()), rng);
    let slices: Vec<_> = devices
        .iter()
        .map(|device| seed.slice(device.record().key(), rng).unwrap())
        .collect();
    let packs = slices.chunks(slices_in(MAX_PACK_BYTES));
    let packs = packs.map(|slices| seed.pack(slices).unwrap()).collect();
    (seed, packs)
}

/// Opens and keeps.
pub(crate) fn hear(receiving: &mut Receiving, sealed: &[u8]) -> Result<Vec<u8>, ContentError> {
    let opened = receiving.open(sealed)?;
    *receiving = opened.next;
    Ok(opened.plaintext.to_vec())
}

// --- leaves -------------------------------------------------------------------------------------

#[test]
fn a_leaf_record_is_its_devices_word_and_nobody_elses() {
    let rng = &mut rng(1);
    let device = Device::new(1, rng);
    let record = device.record();
    let bytes = record.encode();
    assert_eq!(bytes.len(), LEAF_RECORD_BYTES);
    assert_eq!(LeafRecord::decode(&bytes).as_ref(), Ok(&record));
    assert_eq!((record.space(), record.device()), (&SPACE, device.id()));
    assert_eq!((record.number(), record.day()), (1, 20_000));
    let key = device.leaves.keys().next().unwrap();
    assert_eq!(Mark::of(record.key()), key.mark());
    for place in (0..LEAF_RECORD_BYTES).step_by(7) {
        let mut wrong = bytes.clone();
        wrong[place] ^= 1;
        assert!(LeafRecord::decode(&wrong).is_err(), "byte {place}");
        assert_eq!(
            LeafRecord::decode(&bytes[..place]),
            Err(DecodeError::Truncated)
        );
    }
    assert_eq!(
        LeafRecord::decode(&[bytes.as_slice(), &[0]].concat()),
        Err(DecodeError::TrailingBytes)
    );
    // Signed by another device, in its own name.
    let forged = Device::new(2, rng)
        .leaves
        .record(&SPACE, &DeviceKey::draw(rng));
    let mut forged = forged.unwrap().encode();
    forged[35..67].copy_from_slice(device.id());
    assert_eq!(LeafRecord::decode(&forged), Err(DecodeError::BadSignature));
}

#[test]
fn a_leaf_key_that_gives_no_secret_is_refused_although_it_is_signed() {
    let rng = &mut rng(1);
    let device = DeviceKey::draw(rng);
    let mut bytes = KemSecret::draw(rng).public().as_bytes().to_vec();
    bytes[1_216 - 32..].fill(0);
    // No sound build signs such a key, so the record is put together by hand.
    let mut body = [&[1, 1, 1][..], &SPACE.id, &device.public(), &[0; 8], &bytes].concat();
    let message = [b"komrade/group/leaf/v1\0", body.as_slice()].concat();
    let seed = *device.to_bytes();
    let signature =
        ed25519_dalek::Signer::sign(&ed25519_dalek::SigningKey::from_bytes(&seed), &message);
    body.extend_from_slice(&signature.to_bytes());
    assert_eq!(LeafRecord::decode(&body), Err(DecodeError::BadKey));
}

#[test]
fn the_highest_leaf_number_counts_in_whatever_order_records_come() {
    let rng = &mut rng(1);
    let mut device = Device::new(1, rng);
    let old = device.record();
    device.leaves.renew(20_007, 0, rng).unwrap();
    let new = device.record();
    assert_eq!(new.number(), 2);
    assert!(new.supersedes(&old) && !old.supersedes(&new));
    assert!(!new.supersedes(&new));
    // A copy of the device wrote another record with the same number: one of them counts.
    let key = KemSecret::draw(rng).public();
    let copy = LeafRecord::sign(&SPACE, 2, 20_007, &key, &device.key);
    assert_ne!(copy.supersedes(&new), new.supersedes(&copy));
    // A restored profile starts behind what it published, and is told so.
    let mut restored = Device::new(1, rng);
    restored.leaves.renew(20_014, new.number(), rng).unwrap();
    assert_eq!(restored.record().number(), 3);
    assert!(!restored.record().supersedes(&old), "another device");
    let elsewhere = device.leaves.record(&Space::circle(SPACE.id), &device.key);
    assert!(!elsewhere.unwrap().supersedes(&old), "another space");
    let last = restored.leaves.renew(20_014, u32::MAX, rng);
    assert_eq!(last, Err(DecodeError::OutOfBounds));
}

#[test]
fn a_thief_with_the_highest_number_does_not_lock_the_device_out() {
    let rng = &mut rng(1);
    let mut device = Device::new(1, rng);
    let key = KemSecret::draw(rng).public();
    let stolen = |number, day| LeafRecord::sign(&SPACE, number, day, &key, &device.key).encode();
    for (number, day) in [
        (u32::MAX, 20_000),
        (u32::MAX, 0),
        (256 * 20_001 + 1, 20_000),
    ] {
        let refused = LeafRecord::decode(&stolen(number, day));
        assert_eq!(refused, Err(DecodeError::OutOfBounds), "{number}");
    }
    // Of a distant day it is read, and not taken.
    let distant = LeafRecord::decode(&stolen(u32::MAX, u32::MAX)).unwrap();
    assert!(!distant.is_timely(20_000));
    let worst = LeafRecord::decode(&stolen(256 * 20_002, 20_001)).unwrap();
    assert!(worst.is_timely(20_000) && !worst.is_timely(19_999));
    // Two days later the device is ahead again.
    let seen = worst.number();
    assert!(device.leaves.renew(20_001, seen, rng).is_err());
    device.leaves.renew(20_002, seen, rng).unwrap();
    let record = device.record();
    assert!(record.supersedes(&worst));
    assert_eq!(LeafRecord::decode(&record.encode()), Ok(record));
}

#[test]
fn old_leaf_keys_open_slices_for_thirty_days_after_they_were_followed() {
    let rng = &mut rng(1);
    let mut ring = LeafRing::new();
    assert!(ring.is_due(0) && ring.record(&SPACE, &DeviceKey::draw(rng)).is_none());
    ring.renew(100, 0, rng).unwrap();
    let first = ring.keys().next().unwrap().mark();
    assert!(!ring.is_due(100 + LEAF_DAYS - 1) && ring.is_due(100 + LEAF_DAYS));
    assert!(!ring.forget_expired(1_000), "the newest stays");
    ring.renew(107, 0, rng).unwrap();
    let holds = |ring: &LeafRing, mark| ring.keys().any(|key| key.mark() == mark);
    assert!(!ring.forget_expired(107 + KEEP_DAYS) && holds(&ring, first));
    assert!(ring.forget_expired(107 + KEEP_DAYS + 1) && !holds(&ring, first));
    for _ in 0..20 {
        ring.renew(108, 0, rng).unwrap();
    }
    assert_eq!(ring.keys().count(), MAX_LEAVES);
    assert_eq!(LeafRing::from_bytes(&ring.to_bytes()), Ok(ring));
}

// --- members ------------------------------------------------------------------------------------

#[test]
fn a_member_root_means_persons_admissions_and_devices() {
    let rng = &mut rng(1);
    let all = devices(5, rng);
    let ours = root(&all);
    assert_eq!(root(all.iter().rev()), ours, "the order does not matter");
    assert_ne!(root(&all[1..]), ours);
    for change in 0..3 {
        let mut other = all.clone();
        let member = &mut other[2].member;
        match change {
            0 => member.person = PersonId([9; 32]),
            1 => member.admission = [9; 32],
            _ => member.device = [9; 32],
        }
        assert_ne!(root(&other), ours);
    }
    let elsewhere = Space::collective([78; 32]);
    let members = || all.iter().map(|device| device.member);
    assert_ne!(MemberRoot::of(&elsewhere, members()), Ok(ours));
    assert_ne!(
        MemberRoot::of(&Space::circle(SPACE.id), members()),
        Ok(ours)
    );
}

/// Members with no keys behind them.
fn many(count: u32) -> impl Iterator<Item = Member> {
    (0..count).map(|number| Member {
        person: PersonId([1; 32]),
        admission: [2; 32],
        device: core::array::from_fn(|at| number.to_be_bytes().get(at).copied().unwrap_or(0)),
    })
}

#[test]
fn no_device_counts_twice_and_no_set_is_empty_or_endless() {
    let rng = &mut rng(1);
    let all = devices(3, rng);
    let members = || all.iter().map(|device| device.member);
    let mut again = all[1].member;
    let twice = MemberRoot::of(&SPACE, members().chain([again]));
    assert_eq!(twice, Err(MembersError::Duplicate));
    again.person = PersonId([9; 32]);
    again.admission = [9; 32];
    let twice = MemberRoot::of(&SPACE, members().chain([again]));
    assert_eq!(twice, Err(MembersError::Duplicate), "of two persons");
    assert_eq!(MemberRoot::of(&SPACE, []), Err(MembersError::Count(0)));
    assert!(MemberRoot::of(&SPACE, many(u32::try_from(MAX_DEVICES).unwrap())).is_ok());
    assert_eq!(
        MemberRoot::of(&SPACE, many(5_000)),
        Err(MembersError::Count(MAX_DEVICES + 1))
    );
}

#[test]
fn weekly_leaf_changes_of_five_hundred_members_ask_for_no_seed() {
    let rng = &mut rng(1);
    let members: Vec<_> = many(500).collect();
    let ours = MemberRoot::of(&SPACE, members.iter().copied()).unwrap();
    let seed = Seed::draw(SPACE, ours, rng);
    let candidate = Candidate {
        commit: seed.commit(),
        root: ours,
        since: 20_000,
        height: 1,
    };
    let mut rings: Vec<_> = members.iter().map(|_| LeafRing::new()).collect();
    for ring in &mut rings {
        ring.renew(20_000, 0, rng).unwrap();
    }
    for ring in &mut rings {
        ring.renew(20_006, 0, rng).unwrap();
        // What everybody computes after each of the changes.
        let now = MemberRoot::of(&SPACE, members.iter().copied()).unwrap();
        assert_eq!(rules::reseed([&candidate], &now, 20_006), Reseed::No);
    }
    let fewer = MemberRoot::of(&SPACE, members.iter().copied().skip(1)).unwrap();
    assert_eq!(rules::reseed([&candidate], &fewer, 20_006), Reseed::Forced);
}

// --- seeds --------------------------------------------------------------------------------------

#[test]
fn a_member_decrypts_if_and_only_if_it_is_covered() {
    let rng = &mut rng(1);
    let all = devices(6, rng);
    let (covered, others) = all.split_at(4);
    let ours = root(covered);
    let (seed, packs) = rekey(&covered.iter().collect::<Vec<_>>(), rng);
    assert_eq!(packs.len(), 1);
    let sealed = seed
        .sending(covered[0].id())
        .unwrap()
        .seal(b"meet at six", rng)
        .unwrap();
    assert_eq!(sealed.len(), 11 + CONTENT_OVERHEAD_BYTES);
    for device in covered {
        let mut theirs = Pack::decode(&packs[0])
            .unwrap()
            .open(&SPACE, device.leaves.keys())
            .unwrap();
        assert!(!theirs.is_accepted());
        assert_eq!(theirs.accept(&ours), Ok(()));
        assert_eq!(theirs, seed);
        let mut receiving = theirs.receiving(covered[0].id()).unwrap();
        assert_eq!(hear(&mut receiving, &sealed).unwrap(), b"meet at six");
    }
    for device in others {
        assert_eq!(device.take(&packs[0], &ours), Err(SliceError::NotForMe));
        // What such a device could make up itself.
        let guess = Seed::draw(SPACE, ours, rng);
        assert_eq!(guess.reopen(&sealed), Err(ContentError::Foreign));
    }
}

#[test]
fn a_slice_sealed_to_an_older_leaf_opens_while_that_is_kept() {
    let rng = &mut rng(1);
    let mut device = Device::new(1, rng);
    let ours = root([&device]);
    let (_, packs) = rekey(&[&device], rng);
    device.leaves.renew(20_007, 0, rng).unwrap();
    assert!(device.take(&packs[0], &ours).is_ok());
    device.leaves.renew(20_014, 0, rng).unwrap();
    device.leaves.forget_expired(20_007 + KEEP_DAYS + 1);
    assert_eq!(device.take(&packs[0], &ours), Err(SliceError::NotForMe));
}

#[test]
fn five_concurrent_seeds_are_all_readable_and_all_choose_the_same() {
    let rng = &mut rng(1);
    let all = devices(5, rng);
    let ours = root(&all);
    let covered: Vec<_> = all.iter().collect();
    let mut candidates = Vec::new();
    for author in &all {
        let (seed, packs) = rekey(&covered, rng);
        let sealed = seed.sending(author.id()).unwrap().seal(b"mine", rng);
        for reader in &all {
            let theirs = reader.take(&packs[0], &ours).unwrap();
            let mut receiving = theirs.receiving(author.id()).unwrap();
            assert_eq!(
                hear(&mut receiving, sealed.as_ref().unwrap()).unwrap(),
                b"mine"
            );
        }
        candidates.push(Candidate {
            commit: seed.commit(),
            root: ours,
            since: 20_000,
            height: 1,
        });
    }
    let lowest = candidates.iter().map(|seed| seed.commit).min();
    for _ in 0..5 {
        candidates.rotate_left(1);
        let chosen = rules::choose(&candidates, &ours, 20_000).unwrap();
        assert_eq!(Some(chosen.commit), lowest);
    }
}

#[test]
fn a_seed_for_other_members_is_refused_and_says_why_but_its_control_key_works() {
    let rng = &mut rng(1);
    let all = devices(3, rng);
    let covered: Vec<_> = all.iter().collect();
    let (seed, packs) = rekey(&covered, rng);
    let (theirs, ours) = (root(&all), root(&all[..2]));
    let pack = Pack::decode(&packs[0]).unwrap();
    assert_eq!((pack.commit(), pack.root()), (seed.commit(), theirs));
    let mut opened = pack.open(&SPACE, all[0].leaves.keys()).unwrap();
    assert_eq!(opened.accept(&ours), Err(WrongMembers { theirs, ours }));
    assert!(!opened.is_accepted());
    let sealed = seed
        .sending(all[1].id())
        .unwrap()
        .seal(b"text", rng)
        .unwrap();
    let refused = Some(ContentError::NotAccepted);
    assert_eq!(opened.sending(all[0].id()).err(), refused);
    assert_eq!(opened.receiving(all[1].id()).err(), refused);
    assert_eq!(opened.reopen(&sealed).err(), refused);
    // Nor after it was kept and read again.
    let opened = Seed::from_bytes(&opened.to_bytes()).unwrap();
    assert_eq!(opened.reopen(&sealed).err(), refused);
    let control = seed.lasting().seal_control(b"vouch", rng).unwrap();
    assert_eq!(control.len(), 5 + CONTROL_OVERHEAD_BYTES);
    let said = opened.lasting().open_control(&control).unwrap();
    assert_eq!(said.as_slice(), b"vouch");
}

#[test]
fn fifty_five_slices_fit_an_envelope_of_64_kib() {
    // What komrade-ether gives: less the header of an envelope, its length and its tag.
    let room = 64 * 1024 - 28 - 4 - 16;
    assert_eq!((SLICE_BYTES, MAX_SLICES), (1_176, 55));
    assert_eq!(slices_in(room), 55);
    assert!(MAX_PACK_BYTES + 512 <= room);
    assert!(
        MAX_PACK_BYTES + SLICE_BYTES > room,
        "not one more would fit"
    );
    assert_eq!(slices_in(usize::MAX), 55);
    assert_eq!(
        (slices_in(2_000), slices_in(1_000), slices_in(0)),
        (1, 0, 0)
    );
    let rng = &mut rng(1);
    let device = Device::new(1, rng);
    let seed = Seed::draw(SPACE, root([&device]), rng);
    let slice = seed.slice(device.record().key(), rng).unwrap();
    let many = |count| seed.pack(&vec![slice.clone(); count]);
    assert_eq!(many(55).map(|pack| pack.len()), Ok(MAX_PACK_BYTES));
    assert_eq!(many(56), Err(SealError::TooLong));
    assert_eq!(many(300), Err(SealError::TooLong));
    assert_eq!(many(0), Err(SealError::TooLong));
}

#[test]
fn five_hundred_members_take_ten_packs() {
    let rng = &mut rng(1);
    let device = Device::new(1, rng);
    let seed = Seed::draw(SPACE, root([&device]), rng);
    let slice = seed.slice(device.record().key(), rng).unwrap();
    let slices = vec![slice; 500];
    let packs: Vec<_> = slices
        .chunks(slices_in(MAX_PACK_BYTES))
        .map(|slices: &[Slice]| seed.pack(slices).unwrap())
        .collect();
    assert_eq!(packs.len(), 10);
}

#[test]
fn whoever_misses_a_seed_gets_it_from_any_member() {
    let rng = &mut rng(1);
    let all = devices(3, rng);
    let covered: Vec<_> = all.iter().collect();
    let (seed, packs) = rekey(&covered, rng);
    let lost = &all[2];
    let asked = Missing::new([seed.commit()], [[3; 32], [1; 32], [3; 32]]);
    let asked = Missing::decode(&asked.encode()).unwrap();
    assert_eq!(asked.heads(), [[1; 32], [3; 32]]);
    // One that only received the seed seals it again.
    let other = all[1].take(&packs[0], &root(&all)).unwrap();
    assert_eq!(asked.seeds(), [other.commit()]);
    let slice = other.slice(lost.record().key(), rng).unwrap();
    let answer = other.pack(&[slice]).unwrap();
    assert_eq!(lost.take(&answer, &root(&all)), Ok(seed));
}

#[test]
fn a_question_is_bounded_and_has_one_encoding() {
    let many = |count: u8| (0..count).map(|number| [number; 32]);
    let asked = Missing::new(many(200).map(Commit), many(200));
    assert_eq!(asked.seeds().len(), MAX_MISSING_SEEDS);
    assert_eq!(asked.heads().len(), MAX_MISSING_HEADS);
    let bytes = asked.encode();
    assert_eq!(Missing::decode(&bytes), Ok(asked));
    let two = Missing::new([], many(2)).encode();
    let mut swapped = two.clone();
    swapped[4..].rotate_left(32);
    assert_eq!(Missing::decode(&swapped), Err(DecodeError::OutOfBounds));
    let mut twice = two.clone();
    twice[4..].fill(1);
    assert_eq!(Missing::decode(&twice), Err(DecodeError::OutOfBounds));
    let mut many = two.clone();
    many[2] = 17;
    assert_eq!(Missing::decode(&many), Err(DecodeError::OutOfBounds));
    let cut = &two[..two.len() - 1];
    assert_eq!(Missing::decode(cut), Err(DecodeError::Truncated));
    assert_eq!(
        Missing::decode(&[two.as_slice(), &[0]].concat()),
        Err(DecodeError::TrailingBytes)
    );
    assert_eq!(
        Missing::decode(&Missing::default().encode()),
        Ok(Missing::default())
    );
}

#[test]
fn a_circle_reaches_each_member_alone_through_its_prekey() {
    let rng = &mut rng(1);
    let circle = Space::circle([5; 32]);
    let owner = DeviceKey::draw(rng).public();
    let mut seed = Seed::draw(circle, MemberRoot([9; 32]), rng);
    assert_eq!(
        seed.root(),
        MemberRoot::CIRCLE,
        "nobody computes its members"
    );
    assert!(seed.accept(&MemberRoot::CIRCLE).is_ok());
    let sealed = seed.sending(&owner).unwrap().seal(b"post", rng).unwrap();
    for _ in 0..3 {
        let mut prekeys = PrekeyRing::new();
        prekeys.rotate(100, rng);
        prekeys.rotate(101, rng);
        let keys: Vec<_> = prekeys.secrets().cloned().map(SliceKey::new).collect();
        let (_, newest) = prekeys.newest().unwrap();
        let slice = seed.slice(&newest.public(), rng).unwrap();
        let pack = seed.pack(&[slice]).unwrap();
        let mut theirs = Pack::decode(&pack).unwrap().open(&circle, &keys).unwrap();
        theirs.accept(&MemberRoot::CIRCLE).unwrap();
        let mut receiving = theirs.receiving(&owner).unwrap();
        assert_eq!(hear(&mut receiving, &sealed).unwrap(), b"post");
    }
}

#[test]
fn an_archive_gives_a_newcomer_what_the_constitution_shares() {
    let rng = &mut rng(1);
    let all = devices(3, rng);
    let (old, _) = rekey(&[&all[0], &all[1]], rng);
    let mut sending = old.sending(all[0].id()).unwrap();
    let before = sending.seal(b"history", rng).unwrap();
    let (new, packs) = rekey(&all.iter().collect::<Vec<_>>(), rng);
    // The newcomer reads nothing from before its admission ...
    let newcomer = &all[2];
    let seed = newcomer.take(&packs[0], &root(&all)).unwrap();
    assert_eq!(seed, new);
    assert_eq!(seed.reopen(&before), Err(ContentError::Foreign));
    assert!(seed.lasting().open_control(&before).is_err());
    // ... unless a voucher seals the seeds of that time to it.
    let elsewhere = Seed::draw(Space::collective([78; 32]), root(&all), rng);
    let past = [&old, &elsewhere].map(|seed| archive::Past {
        seed: seed.clone(),
        since: 19_990,
    });
    let leaf = newcomer.record();
    let bytes = archive::seal(&SPACE, &past, leaf.key(), rng).unwrap();
    let key = newcomer.leaves.keys().next().unwrap();
    let mut got = archive::open(&SPACE, key, &bytes).unwrap();
    assert_eq!(got.len(), 1, "only those of this space");
    assert_eq!(got[0].since, 19_990);
    assert!(!got[0].seed.is_accepted());
    got[0].seed.accept(&root(&all[..2])).unwrap();
    assert_eq!(got[0].seed.reopen(&before).unwrap().as_slice(), b"history");
    // Nobody else opens it, nowhere else, nor if it was changed.
    let other = all[1].leaves.keys().next().unwrap();
    assert!(archive::open(&SPACE, other, &bytes).is_err());
    assert!(archive::open(&Space::circle(SPACE.id), key, &bytes).is_err());
    for place in (0..bytes.len()).step_by(97) {
        let mut wrong = bytes.clone();
        wrong[place] ^= 1;
        assert!(archive::open(&SPACE, key, &wrong).is_err(), "byte {place}");
        assert!(archive::open(&SPACE, key, &bytes[..place]).is_err());
    }
    let many = vec![past[0].clone(); archive::MAX_SEEDS + 1];
    let sealed = archive::seal(&SPACE, &many, leaf.key(), rng);
    assert_eq!(sealed, Err(SealError::TooLong));
    let most = archive::seal(&SPACE, &many[1..], leaf.key(), rng).unwrap();
    assert_eq!(most.len(), archive::MAX_ARCHIVE_BYTES);
    assert_eq!(
        archive::open(&SPACE, key, &most).unwrap().len(),
        archive::MAX_SEEDS
    );
}
