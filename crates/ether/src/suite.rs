//! The promises of [`Shelf`], as tests for any implementation.
//!
//! An implementation writes a [`Fixture`] and lets [`shelf_suite!`](crate::shelf_suite) name every test. Each test gets a fixture
//! of its own, with nothing on it; they panic if a promise is broken.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(missing_docs, reason = "the name of each test is its promise")]

mod life;

pub use self::life::*;
use crate::shelf::{
    Entry, MAX_SHELF_KEY_BYTES, MAX_SHELF_VALUE_BYTES, Shelf, ShelfRead, ShelfTable,
};

/// A shelf that can be written in transactions and opened again.
pub trait Fixture {
    /// What is tested, as it is inside a transaction.
    type Shelf<'a>: Shelf
    where
        Self: 'a;

    /// Opens a transaction, does the work in it and ends it so; a commit is durable when this returns.
    fn transaction<T>(&mut self, end: End, work: impl FnOnce(&mut Self::Shelf<'_>) -> T) -> T;

    /// Drops everything in memory and opens the medium again, as a restart does.
    fn reopen(&mut self);
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is there for good.
    Commit,
    /// As if it had never been.
    Abort,
}

/// Calls the given macro with the name of each test of the suite.
#[macro_export]
macro_rules! shelf_suite {
    ($test:ident) => {
        $test!(a_new_shelf_is_empty);
        $test!(entries_come_in_the_order_of_their_keys);
        $test!(a_range_begins_with_its_first_key_and_ends_before_its_last);
        $test!(a_range_without_an_end_goes_to_the_last_key);
        $test!(a_range_that_ends_before_it_begins_is_empty);
        $test!(a_limit_is_kept);
        $test!(an_entry_is_replaced_and_removed);
        $test!(tables_are_separate);
        $test!(a_transaction_sees_what_it_wrote);
        $test!(an_aborted_transaction_leaves_nothing);
        $test!(a_commit_survives_reopening);
        $test!(the_largest_entry_and_an_empty_value_fit);
        $test!(many_changes_fit_one_transaction);
        $test!(a_node_lives_on_it_as_in_memory);
    };
}

/// Keys that a careless order gets wrong, in the right order.
const ORDERED: [&[u8]; 10] = [
    &[0],
    &[0, 0],
    &[0, 255],
    &[1],
    &[1, 0],
    &[127, 255],
    &[128],
    &[255],
    &[255, 0],
    &[255, 255],
];

const TABLE: ShelfTable = ShelfTable::Days;

fn ok<T, E>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|_| panic!("the shelf failed"))
}

fn write(shelf: &mut impl Shelf, key: &[u8], value: &[u8]) {
    ok(shelf.put(TABLE, key, value));
}

fn read(shelf: &impl ShelfRead, key: &[u8]) -> Option<Vec<u8>> {
    ok(shelf.get(TABLE, key))
}

fn keys(shelf: &impl ShelfRead, from: &[u8], to: Option<&[u8]>, limit: usize) -> Vec<Vec<u8>> {
    let entries = ok(shelf.range(TABLE, from, to, limit));
    entries.into_iter().map(|(key, _)| key).collect()
}

/// Everything on a shelf, by table.
fn contents(shelf: &impl ShelfRead) -> Vec<(ShelfTable, Vec<Entry>)> {
    ShelfTable::ALL
        .into_iter()
        .map(|table| (table, ok(shelf.range(table, &[], None, usize::MAX))))
        .filter(|(_, entries)| !entries.is_empty())
        .collect()
}

/// Writes [`ORDERED`] in another order, in two transactions.
fn write_ordered<F: Fixture>(fixture: &mut F) {
    for positions in [[7, 2, 9, 0, 4], [8, 1, 6, 3, 5]] {
        fixture.transaction(End::Commit, |shelf| {
            for position in positions {
                write(shelf, ORDERED[position], &[position as u8]);
            }
        });
    }
}

pub fn a_new_shelf_is_empty<F: Fixture>(fixture: &mut F) {
    fixture.transaction(End::Commit, |shelf| {
        assert_eq!(contents(shelf), []);
        assert_eq!(read(shelf, &[0]), None);
    });
}

pub fn entries_come_in_the_order_of_their_keys<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    fixture.transaction(End::Abort, |shelf| {
        let entries = ok(shelf.range(TABLE, &[], None, 100));
        let expected = ORDERED.iter().zip(0..);
        let expected: Vec<Entry> = expected
            .map(|(key, value)| (key.to_vec(), vec![value]))
            .collect();
        assert_eq!(entries, expected);
    });
}

pub fn a_range_begins_with_its_first_key_and_ends_before_its_last<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    fixture.transaction(End::Abort, |shelf| {
        for from in 0..ORDERED.len() {
            for to in from..ORDERED.len() {
                let found = keys(shelf, ORDERED[from], Some(ORDERED[to]), 100);
                assert_eq!(found, &ORDERED[from..to]);
            }
        }
        // Bounds need not be there.
        assert_eq!(keys(shelf, &[0, 1], Some(&[1, 0, 0]), 100), &ORDERED[2..5]);
    });
}

pub fn a_range_without_an_end_goes_to_the_last_key<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    fixture.transaction(End::Abort, |shelf| {
        assert_eq!(keys(shelf, &[255], None, 100), &ORDERED[7..]);
        assert!(keys(shelf, &[255, 255, 0], None, 100).is_empty());
    });
}

pub fn a_range_that_ends_before_it_begins_is_empty<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    fixture.transaction(End::Abort, |shelf| {
        for (from, to) in [([1], [0]), ([1], [1]), ([255], [0])] {
            assert!(keys(shelf, &from, Some(&to), 100).is_empty());
        }
        assert!(keys(shelf, &[], Some(&[]), 100).is_empty());
    });
}

pub fn a_limit_is_kept<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    fixture.transaction(End::Abort, |shelf| {
        for limit in 0..=ORDERED.len() {
            assert_eq!(keys(shelf, &[], None, limit), &ORDERED[..limit]);
        }
        assert_eq!(keys(shelf, &[1], Some(&[255]), 2), &ORDERED[3..5]);
    });
}

pub fn an_entry_is_replaced_and_removed<F: Fixture>(fixture: &mut F) {
    fixture.transaction(End::Commit, |shelf| write(shelf, &[1], b"one"));
    fixture.transaction(End::Commit, |shelf| write(shelf, &[1], b"other"));
    fixture.transaction(End::Commit, |shelf| {
        assert_eq!(read(shelf, &[1]).as_deref(), Some(b"other".as_slice()));
        ok(shelf.delete(TABLE, &[1]));
        // What is not there can be removed too.
        ok(shelf.delete(TABLE, &[2]));
    });
    fixture.transaction(End::Abort, |shelf| assert_eq!(contents(shelf), []));
}

pub fn tables_are_separate<F: Fixture>(fixture: &mut F) {
    fixture.transaction(End::Commit, |shelf| {
        for table in ShelfTable::ALL {
            ok(shelf.put(table, &[1], table.name().as_bytes()));
        }
        ok(shelf.delete(ShelfTable::Log, &[1]));
    });
    fixture.transaction(End::Abort, |shelf| {
        for table in ShelfTable::ALL {
            let expected = (table != ShelfTable::Log).then(|| table.name().as_bytes().to_vec());
            assert_eq!(ok(shelf.get(table, &[1])), expected);
        }
    });
}

pub fn a_transaction_sees_what_it_wrote<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    fixture.transaction(End::Abort, |shelf| {
        write(shelf, &[1, 0], b"new");
        write(shelf, &[1, 1], b"newer");
        ok(shelf.delete(TABLE, &[1]));
        assert_eq!(read(shelf, &[1, 0]).as_deref(), Some(b"new".as_slice()));
        assert_eq!(read(shelf, &[1]), None);
        assert_eq!(keys(shelf, &[1], None, 2), [&[1, 0], &[1, 1]]);
    });
}

pub fn an_aborted_transaction_leaves_nothing<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    let before = fixture.transaction(End::Abort, |shelf| contents(shelf));
    fixture.transaction(End::Abort, |shelf| {
        write(shelf, &[1], b"other");
        write(shelf, &[9], b"new");
        ok(shelf.delete(TABLE, &[0]));
        ok(shelf.put(ShelfTable::Log, &[1], &[1]));
    });
    let after = fixture.transaction(End::Commit, |shelf| contents(shelf));
    assert_eq!(after, before);
    fixture.reopen();
    assert_eq!(
        fixture.transaction(End::Abort, |shelf| contents(shelf)),
        before
    );
}

pub fn a_commit_survives_reopening<F: Fixture>(fixture: &mut F) {
    write_ordered(fixture);
    let before = fixture.transaction(End::Abort, |shelf| contents(shelf));
    fixture.reopen();
    let after = fixture.transaction(End::Abort, |shelf| contents(shelf));
    assert_eq!(after, before);
    assert_eq!(before.len(), 1);
}

pub fn the_largest_entry_and_an_empty_value_fit<F: Fixture>(fixture: &mut F) {
    let key = vec![0xab; MAX_SHELF_KEY_BYTES];
    let value = vec![0xcd; MAX_SHELF_VALUE_BYTES];
    fixture.transaction(End::Commit, |shelf| {
        write(shelf, &key, &value);
        write(shelf, &[1], &[]);
    });
    fixture.reopen();
    fixture.transaction(End::Abort, |shelf| {
        assert!(read(shelf, &key) == Some(value));
        assert_eq!(read(shelf, &[1]), Some(Vec::new()));
        assert_eq!(keys(shelf, &[], None, 9), [vec![1], key]);
    });
}

pub fn many_changes_fit_one_transaction<F: Fixture>(fixture: &mut F) {
    let key = |number: u32| number.wrapping_mul(0x9e37_79b1).to_be_bytes();
    fixture.transaction(End::Commit, |shelf| {
        for number in 0..10_000 {
            write(shelf, &key(number), &number.to_be_bytes());
        }
        for number in 0..5_000 {
            ok(shelf.delete(TABLE, &key(number)));
        }
    });
    fixture.reopen();
    fixture.transaction(End::Abort, |shelf| {
        let found = keys(shelf, &[], None, usize::MAX);
        let mut expected: Vec<Vec<u8>> =
            (5_000..10_000).map(|number| key(number).to_vec()).collect();
        expected.sort();
        assert!(found == expected);
    });
}
