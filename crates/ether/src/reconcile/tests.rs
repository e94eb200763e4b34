#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

type Item = (Day, EnvelopeId);

fn item(name: u16) -> Item {
    let bytes = name.to_be_bytes();
    (Day(20_000 + u32::from(name % 5)), EnvelopeId::of(&bytes))
}

fn items(names: impl IntoIterator<Item = u16>) -> BTreeSet<Item> {
    names.into_iter().map(item).collect()
}

fn ids<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeSet<EnvelopeId> {
    items.into_iter().map(|(_, id)| *id).collect()
}

/// Lets two peers compare what they hold. Gives what each lacks as the leading one learns it, and the round trips.
fn compare(
    here: &BTreeSet<Item>,
    there: &BTreeSet<Item>,
) -> (BTreeSet<EnvelopeId>, BTreeSet<EnvelopeId>, u32) {
    let (mut reconciler, mut frame) =
        Reconciler::begin(Bucket::WHOLE, here.iter().copied()).unwrap();
    let mut responder = Responder::begin(there.iter().copied()).unwrap();
    let (mut lacked_here, mut lacked_there) = (BTreeSet::new(), BTreeSet::new());
    for round_trips in 1.. {
        let Frame::Reconcile { message, .. } = frame else {
            panic!("no message");
        };
        let answer = responder.handle(&message).unwrap();
        assert!(answer.len() <= MAX_RECONCILE_BYTES);
        let learnt = reconciler.handle(&answer).unwrap();
        let note = |all: &mut BTreeSet<_>, ids: Vec<EnvelopeId>| {
            assert!(ids.into_iter().all(|id| all.insert(id)), "said twice");
        };
        note(&mut lacked_here, learnt.lacked_here);
        note(&mut lacked_there, learnt.lacked_there);
        if learnt.is_done {
            return (lacked_here, lacked_there, round_trips);
        }
        frame = learnt.answer;
    }
    panic!("no end");
}

#[test]
fn two_peers_find_the_few_in_which_they_differ() {
    let here = items((0..10_000).filter(|name| name % 1_000 != 1));
    let there = items((0..10_000).filter(|name| name % 1_000 != 2));
    let (lacked_here, lacked_there, round_trips) = compare(&here, &there);
    assert_eq!(lacked_here, ids(there.difference(&here)));
    assert_eq!(lacked_there, ids(here.difference(&there)));
    assert!(round_trips <= 5, "{round_trips}");
}

#[test]
fn a_peer_with_nothing_learns_of_more_than_one_message_holds() {
    let there = items(0..10_000);
    let (lacked_here, lacked_there, round_trips) = compare(&BTreeSet::new(), &there);
    assert_eq!((lacked_here, lacked_there), (ids(&there), BTreeSet::new()));
    assert!(round_trips > 1);
}

#[test]
fn a_leader_that_never_ends_is_left() {
    let mut responder = Responder::begin([item(1)]).unwrap();
    // A fingerprint of the whole that is never ours.
    let message = [&[0x61, 0, 0, 1], [9; 16].as_slice()].concat();
    let steps = (0..=MAX_STEPS).take_while(|_| responder.handle(&message).is_ok());
    assert_eq!(steps.count() as u32, MAX_STEPS);
    let error = Responder::begin([]).unwrap().handle(&[7]);
    assert_eq!(error, Err(ReconcileError::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_two_sets_converge(
        both in prop::collection::btree_set(any::<u16>(), 0..300),
        only_here in prop::collection::btree_set(any::<u16>(), 0..100),
        only_there in prop::collection::btree_set(any::<u16>(), 0..100),
    ) {
        let here = items(both.union(&only_here).copied());
        let there = items(both.union(&only_there).copied());
        let (lacked_here, lacked_there, _) = compare(&here, &there);
        prop_assert_eq!(lacked_here, ids(there.difference(&here)));
        prop_assert_eq!(lacked_there, ids(here.difference(&there)));
    }

    #[test]
    fn arbitrary_messages_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut responder = Responder::begin(items(0..100)).unwrap();
        let message = [&[0x61], bytes.as_slice()].concat();
        let _ = responder.handle(&message);
    }
}
