use std::collections::{BTreeMap, BTreeSet};

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, World, settings};
use crate::{
    Bucket, Class, Day, Envelope, EnvelopeId, Frame, MAX_RECONCILE_BYTES, NodeLink, Outcome, Party,
    Reconciler, Settings, ShelfRead, ShelfTable, Size,
    node::{Items, keys::kind, put::Item},
    reconcile::answer,
};

fn roomy() -> World {
    World::with(Settings {
        capacity: 10_000_000_000,
        ..settings()
    })
}

struct Compared {
    lacked_here: BTreeSet<EnvelopeId>,
    lacked_there: BTreeSet<EnvelopeId>,
    round_trips: usize,
    bytes: usize,
}

/// What the node holds of a bucket, as a list in memory: the library answers from it what the node should.
fn list(world: &World, bucket: Bucket) -> NegentropyStorageVector {
    let from = Day::of(world.now).plus(1).0.to_be_bytes();
    let entries = world.shelf.range(ShelfTable::Days, &from, None, usize::MAX);
    let mut list = NegentropyStorageVector::new();
    for (key, value) in entries.unwrap() {
        if key[4] == kind::ITEM {
            let item = Item::decode(&key, &value).unwrap();
            if item.shard.overlaps(bucket) {
                let id = Id::from_byte_array(item.id.0);
                list.insert(u64::from(item.expiry.0), id).unwrap();
            }
        }
    }
    list.seal().unwrap();
    list
}

/// What the library answers from a list.
fn expected(list: &NegentropyStorageVector, message: &[u8], limit: usize) -> Vec<u8> {
    let library = Negentropy::borrowed(list, limit as u64);
    library.unwrap().reconcile(message).unwrap()
}

/// Lets a peer that holds these compare them with the node.
fn compare(world: &mut World, bucket: Bucket, held: &[&Envelope]) -> Compared {
    let mut link = NodeLink::new(Party::Member(ANA));
    let items = held
        .iter()
        .map(|envelope| (envelope.header().expiry, envelope.id()));
    let list = list(world, bucket);
    let (mut reconciler, mut frame) = Reconciler::begin(bucket, items).unwrap();
    let mut compared = Compared {
        lacked_here: BTreeSet::new(),
        lacked_there: BTreeSet::new(),
        round_trips: 0,
        bytes: 0,
    };
    loop {
        compared.bytes += frame.encode().len();
        let expected = match &frame {
            Frame::Reconcile { message, .. } => expected(&list, message, MAX_RECONCILE_BYTES),
            other => panic!("{other:?}"),
        };
        let Some(Frame::Reconcile { message, .. }) = world.say(&mut link, frame) else {
            panic!("no answer");
        };
        assert!(message == expected, "another answer than the library's");
        assert!(message.len() <= MAX_RECONCILE_BYTES);
        compared.bytes += message.len();
        compared.round_trips += 1;
        let learnt = reconciler.handle(&message).unwrap();
        for (ids, all) in [
            (&learnt.lacked_here, &mut compared.lacked_here),
            (&learnt.lacked_there, &mut compared.lacked_there),
        ] {
            assert!(ids.is_sorted());
            assert!(ids.iter().all(|id| all.insert(*id)), "said twice");
        }
        if learnt.is_done {
            assert_eq!(world.say(&mut link, learnt.answer), None);
            return compared;
        }
        frame = learnt.answer;
    }
}

fn kept(world: &mut World, bucket: Bucket, count: usize) -> Vec<Envelope> {
    (0..count)
        .map(|number| {
            let days = 2 + (number % 3) as u32 * 10;
            let envelope = world.envelope(bucket, Class::ordinary(Size::K2), days);
            assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
            envelope
        })
        .collect()
}

fn ids<'a>(envelopes: impl IntoIterator<Item = &'a Envelope>) -> BTreeSet<EnvelopeId> {
    envelopes.into_iter().map(Envelope::id).collect()
}

#[test]
fn each_side_learns_what_it_lacks() {
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 2_000);
    let here: Vec<Envelope> = (0..30).map(|_| world.small()).collect();
    let held: Vec<&Envelope> = there.iter().skip(40).chain(&here).collect();
    let compared = compare(&mut world, Bucket::WHOLE, &held);
    assert_eq!(compared.lacked_here, ids(&there[..40]));
    assert_eq!(compared.lacked_there, ids(&here));
    assert!(compared.round_trips <= 4, "{}", compared.round_trips);
    assert!(compared.bytes < 60_000, "{}", compared.bytes);
}

#[test]
fn a_wiped_node_or_an_empty_peer_learns_everything_in_one_round_trip() {
    let mut world = roomy();
    let envelopes: Vec<Envelope> = (0..300).map(|_| world.small()).collect();
    let held: Vec<&Envelope> = envelopes.iter().collect();
    let compared = compare(&mut world, Bucket::WHOLE, &held);
    assert_eq!(
        (compared.lacked_there, compared.round_trips),
        (ids(&envelopes), 1)
    );
    let there = kept(&mut world, Bucket::WHOLE, 300);
    let compared = compare(&mut world, Bucket::WHOLE, &[]);
    assert_eq!(
        (compared.lacked_here, compared.round_trips),
        (ids(&there), 1)
    );
}

#[test]
fn what_does_not_fit_one_message_goes_on_in_the_next() {
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 10_000);
    let compared = compare(&mut world, Bucket::WHOLE, &[]);
    assert_eq!(compared.lacked_here, ids(&there));
    assert!(compared.round_trips > 2);
}

#[test]
fn two_sides_without_anything_in_common_end_too() {
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 10_000);
    let here: Vec<Envelope> = (0..10_000).map(|_| world.small()).collect();
    let held: Vec<&Envelope> = here.iter().collect();
    let compared = compare(&mut world, Bucket::WHOLE, &held);
    assert_eq!(compared.lacked_here, ids(&there));
    assert_eq!(compared.lacked_there, ids(&here));
}

#[test]
fn equal_sides_are_done_in_one_round_trip() {
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 500);
    let held: Vec<&Envelope> = there.iter().collect();
    let compared = compare(&mut world, Bucket::WHOLE, &held);
    assert_eq!(compared.round_trips, 1);
    assert!(compared.lacked_here.is_empty() && compared.lacked_there.is_empty());
    assert!(compared.bytes < 1_000, "{}", compared.bytes);
}

#[test]
fn a_bucket_is_compared_with_all_that_overlaps_it() {
    let mut world = roomy();
    let [low, high] = Bucket::WHOLE.halves().unwrap();
    world.node.set_bits(&mut world.shelf, 1).unwrap();
    let mut there = kept(&mut world, low, 100);
    there.extend(kept(&mut world, Bucket::WHOLE, 100));
    let others = kept(&mut world, high, 100);
    assert_eq!(compare(&mut world, low, &[]).lacked_here, ids(&there));
    let all = ids(there.iter().chain(&others));
    assert_eq!(compare(&mut world, Bucket::WHOLE, &[]).lacked_here, all);
}

#[test]
fn what_expired_is_left_out_before_and_after_the_sweep() {
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 90);
    world.pass_days(2);
    let left: Vec<&Envelope> = there
        .iter()
        .filter(|envelope| envelope.header().expiry > Day::of(world.now))
        .collect();
    assert_eq!(left.len(), 60);
    for _ in 0..2 {
        assert_eq!(
            compare(&mut world, Bucket::WHOLE, &[]).lacked_here,
            ids(left.iter().copied())
        );
        world.sweep();
    }
}

#[test]
fn nonsense_ends_it_on_both_sides() {
    let mut world = roomy();
    kept(&mut world, Bucket::WHOLE, 3);
    let mut link = NodeLink::new(Party::Member(ANA));
    let too_long_an_id = [&[0x61, 1, 33], [0; 34].as_slice()].concat();
    for message in [
        vec![0],
        vec![0x61, 0, 0, 9],
        vec![0x61, 0, 0, 2, 200],
        too_long_an_id,
    ] {
        let bucket = Bucket::WHOLE;
        let frame = Frame::Reconcile { bucket, message };
        let over = Frame::Reconcile {
            bucket,
            message: Vec::new(),
        };
        assert_eq!(world.say(&mut link, frame), Some(over));
    }
    let (mut reconciler, _) = Reconciler::begin(Bucket::WHOLE, []).unwrap();
    assert!(reconciler.handle(&[0]).is_err());
    let (mut reconciler, _) = Reconciler::begin(Bucket::WHOLE, []).unwrap();
    assert!(reconciler.handle(&[]).unwrap().is_done);
}

#[test]
fn a_node_that_never_ends_is_left() {
    let (mut reconciler, _) = Reconciler::begin(Bucket::WHOLE, []).unwrap();
    // A fingerprint of the whole that is never ours.
    let message = [&[0x61, 0, 0, 1], [9; 16].as_slice()].concat();
    let steps = (0..crate::MAX_STEPS + 1).take_while(|_| reconciler.handle(&message).is_ok());
    assert_eq!(steps.count() as u32, crate::MAX_STEPS);
}

#[test]
fn a_shelf_that_fails_is_no_answer() {
    let mut world = roomy();
    kept(&mut world, Bucket::WHOLE, 200);
    let (_, frame) = Reconciler::begin(Bucket::WHOLE, []).unwrap();
    let Frame::Reconcile { bucket, message } = frame else {
        panic!("no message");
    };
    let today = Day::of(world.now);
    world.shelf.commit();
    let before = world.shelf.operations();
    answer(&world.shelf, bucket, today, &message)
        .unwrap()
        .unwrap();
    let operations = world.shelf.operations() - before;
    assert!(operations > 40);
    for failing in 0..operations {
        world.shelf.fail_after(failing);
        assert!(answer(&world.shelf, bucket, today, &message).is_err());
        world.shelf.rollback();
    }
}

#[test]
fn a_message_that_is_full_is_ended_as_the_library_would() {
    /// The least that the library takes.
    const LIMIT: usize = 4_096;
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 3_000);
    // Now many ids, now many fingerprints are too much for one message.
    for step in [2, 10, 100] {
        let mut items = NegentropyStorageVector::new();
        for (number, envelope) in there.iter().enumerate() {
            let id = if number % step == 0 {
                [number as u8; 32]
            } else {
                envelope.id().0
            };
            let day = u64::from(envelope.header().expiry.0);
            items.insert(day, Id::from_byte_array(id)).unwrap();
        }
        items.seal().unwrap();
        let mut leader = Negentropy::borrowed(&items, LIMIT as u64).unwrap();
        let mut message = leader.initiate().unwrap();
        let list = list(&world, Bucket::WHOLE);
        for round_trip in 0.. {
            let today = Day::of(world.now);
            let mut items = Items::read(&world.shelf, Bucket::WHOLE, today).unwrap();
            let answered = answer::answer(&mut items, &message, LIMIT).unwrap();
            assert!(answered == expected(&list, &message, LIMIT));
            assert!(answered.len() <= LIMIT && round_trip < 1_000);
            let (mut have, mut need) = (Vec::new(), Vec::new());
            match leader
                .reconcile_with_ids(&answered, &mut have, &mut need)
                .unwrap()
            {
                Some(next) => message = next,
                None => break,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The node answers from the shelf exactly what the library answers from a sorted list in memory.
    #[test]
    fn the_shelf_answers_as_a_list_would(
        there in prop::collection::btree_map(0..400_u16, 1..4_u32, 0..200),
        here in prop::collection::btree_map(0..400_u16, 1..4_u32, 0..200),
        bits in 0..3_u8,
    ) {
        let mut world = roomy();
        world.node.set_bits(&mut world.shelf, bits).unwrap();
        let mut all = BTreeMap::new();
        let mut envelope = |world: &mut World, name: &u16, days: &u32| {
            all.entry((*name, *days)).or_insert_with(|| {
                let bucket = Bucket::new(name % (1 << bits), bits).unwrap();
                world.envelope(bucket, Class::ordinary(Size::K2), *days)
            }).clone()
        };
        let bucket = if bits == 2 { Bucket::new(1, 1).unwrap() } else { Bucket::WHOLE };
        for (name, days) in &there {
            let envelope = envelope(&mut world, name, days);
            world.member_puts(ANA, &envelope);
        }
        let list = list(&world, bucket);
        let held: Vec<_> = here.iter().map(|(name, days)| {
            let envelope = envelope(&mut world, name, days);
            (envelope.header().expiry, envelope.id())
        }).collect();
        let (mut reconciler, mut frame) = Reconciler::begin(bucket, held).unwrap();
        let today = Day::of(world.now);
        loop {
            let Frame::Reconcile { message, .. } = frame else { panic!("no message") };
            let expected = expected(&list, &message, MAX_RECONCILE_BYTES);
            let answered = answer(&world.shelf, bucket, today, &message).unwrap().unwrap();
            prop_assert_eq!(&answered, &expected);
            let learnt = reconciler.handle(&answered).unwrap();
            if learnt.is_done {
                break;
            }
            frame = learnt.answer;
        }
    }

    #[test]
    fn arbitrary_messages_are_answered_as_the_library_would(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut world = roomy();
        kept(&mut world, Bucket::WHOLE, 40);
        let message = [&[0x61], bytes.as_slice()].concat();
        let answered = answer(&world.shelf, Bucket::WHOLE, Day::of(world.now), &message);
        let list = list(&world, Bucket::WHOLE);
        let library = Negentropy::borrowed(&list, MAX_RECONCILE_BYTES as u64);
        let expected = library.unwrap().reconcile(&message).ok();
        prop_assert_eq!(answered.unwrap(), expected);
        let (mut reconciler, _) = Reconciler::begin(Bucket::WHOLE, [(Day(1), EnvelopeId([1; 32]))]).unwrap();
        let _ = reconciler.handle(&message);
    }
}
