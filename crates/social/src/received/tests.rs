#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::HashSet;

use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{Body, Fields};

fn operation(sequence: u64, previous: Option<OperationId>, time: u64, text: &str) -> Operation {
    let body = Body::Text {
        text: text.to_owned(),
    };
    let fields = Fields {
        sequence,
        previous,
        seen: Vec::new(),
        time,
        expiry_day: 9,
        body,
    };
    Operation::new(fields).unwrap()
}

/// `count` operations that follow on `before`, or start a chain.
fn chain(before: Option<&Operation>, count: usize, text: &str) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    for _ in 0..count {
        let last = all.last().or(before);
        let sequence = last.map_or(1, |last| last.fields().sequence + 1);
        // Sent one second apart.
        all.push(operation(
            sequence,
            last.map(Operation::id),
            1_000 * sequence,
            text,
        ));
    }
    all
}

fn insert_all<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Received {
    let mut received = Received::default();
    for operation in operations {
        received.insert(operation);
    }
    received
}

fn range(first: u64, last: u64) -> Range {
    Range { first, last }
}

#[test]
fn in_order_everything_is_new_once() {
    let chain = chain(None, 5, "a");
    let mut received = Received::default();
    assert_eq!(received.heads().next(), None);
    for operation in &chain {
        assert_eq!(received.insert(operation), Inserted::New);
        assert_eq!(received.insert(operation), Inserted::Duplicate);
        assert_eq!(received.heads().collect::<Vec<_>>(), [operation.id()]);
    }
    assert_eq!(received.up_to(), 5);
    assert_eq!(received.missing_count(), 0);
    assert!(!received.is_copied());
    let newest = chain.iter().rev().take(NAMED);
    let expected = Acknowledgement {
        up_to: 5,
        named_from: 2,
        tags: newest.map(|operation| operation.id().into()).collect(),
        ..Acknowledgement::default()
    };
    assert_eq!(received.acknowledgement(), expected);
    let nothing = Received::default().acknowledgement();
    assert_eq!(nothing, Acknowledgement::default());
}

#[test]
fn while_a_copy_was_seen_among_them_all_comparable_operations_are_named() {
    let count = WINDOW as usize;
    let chain = chain(None, 3 * count, "a");
    let other = self::chain(Some(&chain[19]), 1, "b").remove(0);
    let mut received = insert_all(&chain[..30]);
    let has = |received: &Received, one: &Operation| {
        let acknowledgement = received.acknowledgement();
        let sequence = one.fields().sequence;
        acknowledgement
            .names(sequence)
            .then(|| acknowledgement.has(one.id().into()))
    };
    assert_eq!(has(&received, &other), None, "few are named");
    assert_eq!(received.insert(&other), Inserted::Fork);
    assert_eq!(received.acknowledgement().copied_up_to, 21);
    for one in chain[..30].iter().chain([&other]) {
        assert_eq!(has(&received, one), Some(true));
    }
    let third = self::chain(Some(&chain[19]), 1, "c").remove(0);
    assert_eq!(has(&received, &third), Some(false));
    assert_eq!(received.acknowledgement().tags.len(), 31);

    // Once the number is settled, few are named again.
    for operation in &chain[30..] {
        received.insert(operation);
    }
    let acknowledgement = received.acknowledgement();
    assert_eq!(acknowledgement.tags.len(), NAMED);
    assert!(acknowledgement.copied_up_to >= 21);

    // A fork of a settled number is named, and all that is comparable.
    let now = chain.last().unwrap().fields().time + 1;
    let late = operation(11, Some(chain[9].id()), now, "b");
    assert_eq!(received.insert(&late), Inserted::Fork);
    let acknowledgement = received.acknowledgement();
    assert!(acknowledgement.has(late.id().into()));
    assert_eq!(acknowledgement.tags.len(), 1 + count);
    assert_eq!(acknowledgement.copied_up_to, received.up_to());
}

#[test]
fn what_comes_right_before_a_gap_is_named() {
    let own = chain(None, 40, "a");
    // The copy wrote 10 to 12 as well, and what follows them is missing.
    let other = self::chain(Some(&own[8]), 3, "b");
    let mut received = insert_all(&own[..9]);
    for operation in other.iter().chain(&own[13..]) {
        received.insert(operation);
    }
    let acknowledgement = received.acknowledgement();
    let is_other = |operation: &Operation| {
        acknowledgement.names(operation.fields().sequence)
            && !acknowledgement.has(operation.id().into())
    };
    assert_eq!(acknowledgement.copied_up_to, 0, "nobody can know it yet");
    assert_eq!(
        (acknowledgement.up_to, acknowledgement.tags.len()),
        (12, NAMED + 1)
    );
    let others: Vec<u64> = own
        .iter()
        .filter(|it| is_other(it))
        .map(|it| it.fields().sequence)
        .collect();
    assert_eq!(others, [12]);
}

#[test]
fn with_all_bounds_reached_no_more_is_said_to_be_named_than_is() {
    let chain = chain(None, 2 * WINDOW as usize, "a");
    let mut received = insert_all(&chain);
    let now = chain.last().unwrap().fields().time + 1;
    for n in 0..MAX_FORKS as u64 {
        let late = operation(1, None, now + n, "late");
        assert_eq!(received.insert(&late), Inserted::Fork);
    }
    let head = chain.last().unwrap();
    for n in 0..MAX_FORKS {
        let fork = operation(2 * WINDOW, head.fields().previous, now, &format!("{n}"));
        assert_eq!(received.insert(&fork), Inserted::Fork);
    }
    let acknowledgement = received.acknowledgement();
    assert!(acknowledgement.tags.len() <= MAX_TAGS);
    let named: Vec<_> = received
        .entries
        .iter()
        .filter(|(number, _)| acknowledgement.names(**number))
        .collect();
    assert_eq!(named.len(), 1, "what comes last");
    for entry in named.into_iter().flat_map(|(_, entries)| entries) {
        assert!(acknowledgement.has(entry.id.into()));
    }
    assert!(Acknowledgement::decode(&acknowledgement.encode()).is_ok());
}

#[test]
fn gaps_are_named_and_close() {
    let chain = chain(None, 10, "a");
    let mut received = insert_all([0, 1, 4, 5, 8].map(|n| &chain[n]));
    assert_eq!(received.up_to(), 2);
    assert_eq!(received.missing_count(), 4);
    assert_eq!(received.missing(), [range(3, 4), range(7, 8)]);
    let acknowledgement = received.acknowledgement();
    assert_eq!(acknowledgement.beyond, [range(5, 6), range(9, 9)]);
    assert_eq!(acknowledgement.wanted, received.missing());

    assert_eq!(received.insert(&chain[3]), Inserted::OutOfOrder);
    assert_eq!(received.missing_count(), 3);
    assert_eq!(received.insert(&chain[2]), Inserted::New);
    assert_eq!(received.up_to(), 6);
    assert!(!received.is_copied());
}

#[test]
fn two_operations_of_one_number_are_both_kept_in_hash_order() {
    let chain = chain(None, 3, "a");
    let other = self::chain(Some(&chain[1]), 1, "b").remove(0);
    let mut received = insert_all(&chain);
    assert!(!received.is_copied());
    assert_eq!(received.insert(&other), Inserted::Fork);
    assert_eq!(received.insert(&other), Inserted::Duplicate);
    assert_eq!(received.insert(&chain[2]), Inserted::Duplicate);
    assert!(received.is_copied());
    assert_eq!(received.up_to(), 3);
    let mut ids = [chain[2].id(), other.id()];
    ids.sort();
    assert_eq!(received.heads().collect::<Vec<_>>(), ids);
}

#[test]
fn a_link_to_an_operation_that_was_not_the_one_received_shows_a_copy() {
    let mine = chain(None, 2, "a");
    let other = chain(Some(&mine[0]), 2, "b");
    // Number 2 from one copy, number 3 from the other.
    for order in [
        [&mine[0], &mine[1], &other[1]],
        [&other[1], &mine[0], &mine[1]],
    ] {
        let mut received = Received::default();
        assert!(
            order
                .map(|operation| received.insert(operation))
                .into_iter()
                .all(Inserted::is_kept)
        );
        assert_eq!(received.up_to(), 3);
        assert!(received.is_copied());
    }
    assert!(
        !insert_all([&mine[0], &other[1]]).is_copied(),
        "a gap alone shows nothing"
    );
}

#[test]
fn what_is_too_far_ahead_is_not_taken() {
    let chain = chain(None, MAX_AHEAD as usize + 2, "a");
    let mut received = Received::default();
    assert_eq!(
        received.insert(&chain[MAX_AHEAD as usize]),
        Inserted::TooFarAhead
    );
    assert_eq!(received, Received::default());
    assert_eq!(
        received.insert(&chain[MAX_AHEAD as usize - 1]),
        Inserted::OutOfOrder
    );
    assert_eq!(received.insert(&chain[0]), Inserted::New);
    assert_eq!(
        received.insert(&chain[MAX_AHEAD as usize]),
        Inserted::OutOfOrder
    );
}

#[test]
fn forks_are_bounded_and_never_stop_the_chain() {
    let chain = chain(None, 3, "a");
    let mut received = insert_all(&chain[..1]);
    for n in 0..MAX_FORKS {
        let fork = operation(1, None, 1, &format!("fork {n}"));
        assert_eq!(received.insert(&fork), Inserted::Fork);
    }
    let fork = operation(1, None, 1, "one more");
    assert_eq!(received.insert(&fork), Inserted::TooManyForks);
    assert_eq!(received.insert(&chain[1]), Inserted::New);
    assert_eq!(received.insert(&chain[2]), Inserted::New);
}

#[test]
fn settled_numbers_are_duplicates_unless_written_later() {
    let old = WINDOW as usize;
    let chain = chain(None, 3 * old, "a");
    let mut received = insert_all(&chain);
    assert_eq!(received.entries.len(), old);
    for operation in &chain {
        assert_eq!(received.insert(operation), Inserted::Duplicate);
    }
    assert!(!received.is_copied());

    // Restored from a copy made after number 10, and writing now; its messages arrive in the wrong order.
    let now = chain.last().unwrap().fields().time + 1;
    let first = operation(11, Some(chain[9].id()), now, "b");
    let second = operation(12, Some(first.id()), now + 1, "b");
    assert_eq!(received.insert(&second), Inserted::Fork);
    assert_eq!(received.insert(&first), Inserted::Fork);
    assert!(received.is_copied());
    assert_eq!(received.insert(&first), Inserted::Duplicate);
    assert_eq!(received.insert(&second), Inserted::Duplicate);
    assert_eq!(received.up_to(), 3 * WINDOW);
}

#[test]
fn a_copy_once_seen_is_not_forgotten_when_it_is_settled() {
    let mine = chain(None, 2, "a");
    let other = chain(Some(&mine[0]), WINDOW as usize * 3, "b");
    let forked = mine.iter().chain(&other);
    let link_broken = mine.iter().chain(&other[1..]);
    for (operations, count) in [(forked.collect::<Vec<_>>(), 1), (link_broken.collect(), 0)] {
        let mut received = Received::default();
        let mut seen = false;
        for operation in operations {
            received.insert(operation);
            assert!(received.is_copied() || !seen);
            seen |= received.is_copied();
        }
        assert!(seen, "with {count} forks");
        assert_eq!(received.up_to(), 3 * WINDOW + 1);
    }
}

#[test]
fn the_end_of_numbers_does_not_overflow() {
    let mut received = Received {
        up_to: u64::MAX - 1,
        ..Received::default()
    };
    let last = operation(u64::MAX, Some(OperationId([0; 32])), 1, "a");
    assert_eq!(received.insert(&last), Inserted::New);
    assert_eq!(received.up_to(), u64::MAX);
    assert_eq!(received.insert(&last), Inserted::Duplicate);
    assert_eq!(received.missing_count(), 0);
}

#[test]
fn the_encoding_is_frozen_and_comes_back() {
    let chain = chain(None, 4, "a");
    let mut received = insert_all([&chain[0], &chain[3]]);
    received.late.insert(OperationId([7; 32]));
    let hex: String = received
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let id = |n: usize| -> String { chain[n].id().0.iter().map(|b| format!("{b:02x}")).collect() };
    let late = "07".repeat(32);
    let (first, fourth, third) = (id(0), id(3), id(2));
    let entries = format!("8283011903e85820{first}8404190fa05820{fourth}5820{third}");
    assert_eq!(
        hex,
        format!("a5010102000300048158 20{late}05{entries}").replace(' ', "")
    );
    assert_eq!(Received::decode(&received.encode()), Ok(received));
}

#[test]
fn the_largest_account_fits_its_bound() {
    let mut received = Received::default();
    let late = (u64::MAX - 600)..;
    let start = u64::MAX - 1_000;
    received.up_to = start;
    received.settled_time = u64::MAX;
    let id = |n: u64, m: u8| {
        let mut id = [m; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        OperationId(id)
    };
    received.late = late.take(MAX_FORKS).map(|n| id(n, 0)).collect();
    let numbers = (start - WINDOW + 1..=start).chain(start + 2..=start + MAX_AHEAD);
    for sequence in numbers {
        let forks = if received.fork_count() < MAX_FORKS {
            2
        } else {
            1
        };
        let entry = |m| Entry {
            id: id(sequence, m),
            time: u64::MAX,
            awaits: Some(id(0, 0)),
        };
        received
            .entries
            .insert(sequence, (0..forks).map(entry).collect());
    }
    assert_eq!(received.fork_count(), MAX_FORKS);
    let length = received.encode().len();
    assert!(
        length <= MAX_RECEIVED_BYTES && length > MAX_RECEIVED_BYTES / 2,
        "{length}"
    );
    assert_eq!(Received::decode(&received.encode()), Ok(received));
}

#[test]
fn each_defect_has_its_own_error() {
    let decode = |bytes: &[u8]| Received::decode(bytes).unwrap_err();
    assert_eq!(
        decode(&vec![0; MAX_RECEIVED_BYTES + 1]),
        ReceivedError::TooLong(57_345)
    );
    assert_eq!(decode(&[0x80]), ReceivedError::Malformed);
    assert_eq!(decode(&[0xa0]), ReceivedError::Missing(1));
    assert_eq!(decode(&[0xa1, 1, 0x80]), ReceivedError::BadField(1));
    // Everything up to 1 is here, but number 1 is not.
    let bytes = [0xa5, 1, 1, 2, 0, 3, 0, 4, 0x80, 5, 0x80];
    assert_eq!(decode(&bytes), ReceivedError::Inconsistent);
}

/// A chain with forks from several places, as copied devices make them; fewer than the bounds.
fn sets() -> impl Strategy<Value = Vec<Operation>> {
    let fork = (any::<prop::sample::Index>(), 1..6_usize);
    (1..60_usize, prop::collection::vec(fork, 0..4)).prop_map(|(length, forks)| {
        let main = chain(None, length, "main");
        let mut all = main.clone();
        for (n, (from, length)) in forks.into_iter().enumerate() {
            let from = &main[from.index(main.len())];
            all.extend(chain(Some(from), length, &format!("fork {n}")));
        }
        all
    })
}

proptest! {
    #[test]
    fn the_account_depends_on_the_set_alone(
        (set, deliveries) in sets().prop_flat_map(|set| {
            let once = Just(set.clone()).prop_shuffle();
            let again = prop::collection::vec(prop::sample::select(set.clone()), 0..30);
            let deliveries = (once, again).prop_flat_map(|(once, again)| {
                Just([once, again].concat()).prop_shuffle()
            });
            (Just(set), deliveries)
        }),
        keep in prop::collection::vec(any::<bool>(), 90),
    ) {
        // Some never arrive.
        let lost: HashSet<_> =
            set.iter().zip(&keep).filter(|(_, keep)| !**keep).map(|(lost, _)| lost.id()).collect();
        let expected: Vec<_> = set.iter().filter(|one| !lost.contains(&one.id())).collect();
        let delivered = deliveries.iter().filter(|one| !lost.contains(&one.id()));

        let mut received = Received::default();
        let mut kept = 0;
        for operation in delivered {
            kept += usize::from(received.insert(operation).is_kept());
            prop_assert!(Received::decode(&received.encode()).as_ref() == Ok(&received));
        }
        prop_assert_eq!(kept, expected.len());
        prop_assert_eq!(&received, &insert_all(expected.iter().copied()));

        let numbers: HashSet<_> = expected.iter().map(|one| one.fields().sequence).collect();
        let highest = numbers.iter().copied().max().unwrap_or_default();
        let missing = (1..=highest).filter(|n| !numbers.contains(n)).count() as u64;
        prop_assert_eq!(received.missing_count(), missing);
        let acknowledgement = received.acknowledgement();
        for number in 1..=highest {
            prop_assert_eq!(acknowledgement.covers(number), numbers.contains(&number));
            prop_assert_eq!(acknowledgement.wants(number), !numbers.contains(&number));
        }
        if expected.len() > numbers.len() {
            prop_assert!(received.is_copied());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Received::decode(&bytes);
    }
}

#[test]
fn what_the_author_can_no_longer_supply_is_lost_and_counted() {
    let chain = chain(None, 600, "a");
    let mut received = insert_all([0, 1, 4].map(|n| &chain[n]));
    assert!(!received.lose_below(3), "nothing is missing there");
    assert!(received.lose_below(4));
    assert_eq!((received.up_to(), received.lost_count()), (3, 1));
    assert_eq!(received.missing(), [range(4, 4)]);
    assert!(received.lose_below(5));
    assert_eq!((received.up_to(), received.lost_count()), (5, 2));
    assert_eq!(received.missing_count(), 0);
    assert!(!received.lose_below(5) && !received.lose_below(0));
    assert_eq!(
        Received::decode(&received.encode()),
        Ok(received.clone()),
        "holes are kept"
    );
    // One of them comes after all.
    assert_eq!(received.insert(&chain[2]), Inserted::New);
    assert_eq!(received.insert(&chain[2]), Inserted::Duplicate);
    assert_eq!(received.lost_count(), 1);
    // Far beyond what is taken ahead of a gap.
    assert_eq!(received.insert(&chain[500]), Inserted::TooFarAhead);
    assert!(received.lose_below(501));
    assert_eq!(received.insert(&chain[500]), Inserted::New);
    assert_eq!((received.up_to(), received.lost_count()), (501, 496));
    assert!(!received.is_copied());
    assert_eq!(Received::decode(&received.encode()), Ok(received.clone()));
    for operation in &chain[501..] {
        assert_eq!(received.insert(operation), Inserted::New);
        assert_eq!(Received::decode(&received.encode()).as_ref(), Ok(&received));
    }
    assert_eq!((received.lost_count(), received.missing_count()), (496, 0));
}

#[test]
fn what_was_before_the_first_operation_is_not_counted_as_lost() {
    let chain = chain(None, 302, "a");
    let mut received = Received::default();
    assert!(received.lose_below(301));
    assert_eq!((received.up_to(), received.lost_count()), (300, 0));
    assert_eq!(received.insert(&chain[300]), Inserted::New);
    assert_eq!(received.insert(&chain[301]), Inserted::New);
    assert_eq!(Received::decode(&received.encode()), Ok(received));
    let mut all = Received::default();
    assert!(all.lose_below(u64::MAX));
    assert_eq!(Received::decode(&all.encode()), Ok(all));
}

#[test]
fn holes_that_cannot_be_are_refused() {
    let chain = chain(None, 3, "a");
    let mut received = insert_all([&chain[0], &chain[2]]);
    received.lose_below(3);
    let good = received.encode();
    let frozen = [6, 1, 7, 0x81, 2];
    assert!(good.ends_with(&frozen), "the bytes are frozen");
    assert!(Received::decode(&good).is_ok());
    for hole in [0, 1, 3, 4] {
        let mut bad = good.clone();
        *bad.last_mut().unwrap() = hole;
        assert_eq!(Received::decode(&bad), Err(ReceivedError::Inconsistent));
    }
}
