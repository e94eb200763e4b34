use std::collections::{BTreeMap, BTreeSet};

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, World, settings};
use crate::{
    Bucket, Class, Day, Envelope, EnvelopeId, Frame, MAX_RECONCILE_BYTES, NodeLink, Outcome, Party,
    Reconciler, Settings, ShelfRead, ShelfTable, Size,
    node::{Items, Sum, keys::kind, put::Item},
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
    world.node.set_bits(&mut world.shelf, world.now, 1).unwrap();
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

/// A message that skips to one bound after another.
fn skips(bounds: impl IntoIterator<Item = (u64, u8)>) -> Vec<u8> {
    let mut message = vec![0x61];
    let mut last = 0;
    for (day, first) in bounds {
        let ahead = (day - last + 1) as u32;
        last = day;
        let digits = (0..3).rev().map(|digit| (ahead >> (7 * digit)) as u8);
        message.extend(
            digits
                .zip([0x80, 0x80, 0])
                .map(|(digit, more)| digit & 0x7f | more),
        );
        message.extend([1, first, 0]);
    }
    message
}

#[test]
fn bounds_that_do_not_ascend_are_no_message_and_cost_nothing() {
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 1_000);
    let day = u64::from(there[0].header().expiry.0);
    // From one end of a day to the other and back: each bound asks for another piece of the shelf.
    let message = skips((0..10_000).map(|step| (day, [1, 254][step % 2])));
    assert!(message.len() <= MAX_RECONCILE_BYTES);
    let today = Day::of(world.now);
    let before = world.shelf.operations();
    let answered = answer(&world.shelf, Bucket::WHOLE, today, &message).unwrap();
    let cost = world.shelf.operations() - before;
    assert_eq!(answered, None);
    assert!(cost < 100, "{cost}");
}

#[test]
fn what_would_be_too_much_to_read_for_one_message_is_left_for_the_next() {
    const MOST: usize = 20;
    let mut world = roomy();
    let there = kept(&mut world, Bucket::WHOLE, 3_000);
    let here: Vec<Envelope> = (0..300).map(|_| world.small()).collect();
    let held = there.iter().step_by(3).chain(&here);
    let held = held.map(|envelope| (envelope.header().expiry, envelope.id()));
    let (mut reconciler, mut frame) = Reconciler::begin(Bucket::WHOLE, held).unwrap();
    let (mut lacked_here, mut lacked_there) = (BTreeSet::new(), BTreeSet::new());
    let mut steps = 0;
    while let Frame::Reconcile { message, .. } = frame {
        let today = Day::of(world.now);
        let mut items = Items::read(&world.shelf, Bucket::WHOLE, today).unwrap();
        let answered = answer::answer(&mut items, &message, MAX_RECONCILE_BYTES, MOST).unwrap();
        // One range more: sixteen parts, each of whose ends lies in some cell, or the ids that are named.
        let (read, named) = (items.records_read(), answered.len() / 32);
        assert!(read <= MOST + 600 + 3 * named, "{read} for {named}");
        let learnt = reconciler.handle(&answered).unwrap();
        lacked_here.extend(learnt.lacked_here);
        lacked_there.extend(learnt.lacked_there);
        steps += 1;
        if learnt.is_done {
            break;
        }
        frame = learnt.answer;
    }
    assert!((10..500).contains(&steps), "{steps}");
    let unknown = there.iter().enumerate().filter(|(at, _)| at % 3 != 0);
    assert_eq!(lacked_here, ids(unknown.map(|(_, envelope)| envelope)));
    assert_eq!(lacked_there, ids(&here));
}

#[test]
fn ranges_one_after_another_read_each_cell_once() {
    let mut world = roomy();
    for _ in 0..3_000 {
        let envelope = world.small();
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    }
    let today = Day::of(world.now);
    let mut items = Items::read(&world.shelf, Bucket::WHOLE, today).unwrap();
    let mut all = Vec::new();
    let size = items.size();
    let mut note = |_: usize, item: &(u64, [u8; 32])| {
        all.push(Sum::of(&item.1));
        true
    };
    items.each(0, size, &mut note).unwrap();
    let plain = |begin: usize, end: usize| {
        let sums = all[begin..end].iter();
        sums.fold(Sum::default(), |sum, more| sum.plus(*more))
    };
    let before = items.records_read();
    for begin in (0..size).step_by(7) {
        let end = (begin + 7).min(size);
        // Whoever splits a range looks first for where its parts meet.
        items.item(end).unwrap();
        assert_eq!(items.sum(begin, end).unwrap(), plain(begin, end));
    }
    // Each of the 256 cells counts as one record more than it holds.
    let once = size + 256;
    assert!(
        items.records_read() - before <= once,
        "a cell was read again"
    );
    // Ranges that do not follow each other are summed as well.
    for (begin, end) in [(5, 900), (100, 200), (200, 201), (0, size), (size, size)] {
        assert_eq!(items.sum(begin, end).unwrap(), plain(begin, end));
    }
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
            let answered = answer::answer(&mut items, &message, LIMIT, usize::MAX).unwrap();
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

/// Whether the bounds of these ranges ascend, as far as they can be read.
fn ascends(mut ranges: &[u8]) -> bool {
    let number = |rest: &mut &[u8]| {
        let length = rest.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let (digits, after) = rest.split_at(length.min(rest.len()));
        *rest = after;
        digits
            .iter()
            .fold(0_u64, |number, digit| number << 7 | u64::from(digit & 0x7f))
    };
    let (mut last, mut day) = ((0, Vec::new()), 0_u64);
    while !ranges.is_empty() {
        day = day.saturating_add(number(&mut ranges).checked_sub(1).unwrap_or(u64::MAX));
        let length = number(&mut ranges) as usize;
        let mut id = ranges[..length.min(ranges.len())].to_vec();
        ranges = &ranges[id.len()..];
        id.resize(32, 0);
        if (day, &id) < (last.0, &last.1) {
            return false;
        }
        last = (day, id);
        let bytes = match number(&mut ranges) {
            1 => 16,
            2 => number(&mut ranges) as usize * 32,
            _ => 0,
        };
        ranges = &ranges[bytes.min(ranges.len())..];
    }
    true
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
        world.node.set_bits(&mut world.shelf, world.now, bits).unwrap();
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
        let answered = answered.unwrap();
        // But for bounds that do not ascend, about which the library does not care.
        prop_assert!(answered == expected || answered.is_none() && !ascends(&bytes));
        let (mut reconciler, _) = Reconciler::begin(Bucket::WHOLE, [(Day(1), EnvelopeId([1; 32]))]).unwrap();
        let _ = reconciler.handle(&message);
    }
}
