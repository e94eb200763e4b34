//! The promises of [`Store`], as tests for any implementation.
//!
//! An implementation writes a [`Fixture`] and lets [`store_suite!`](crate::store_suite) name every test. Each test gets a
//! fixture of its own, with nothing in it; they panic if a promise is broken.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(missing_docs, reason = "the name of each test is its promise")]

mod lease;
mod read;
mod write;

use std::future::Future;

pub use self::{lease::*, read::*, write::*};
use crate::{Batch, Lease, LeaseOutcome, Query, Record, Store, StoreError, Table};

/// A medium that can be opened again and again.
pub trait Fixture {
    /// What is tested.
    type Store: Store;

    /// Opens it: each time a connection of its own to the same data, as another tab or a restart has it.
    fn open(&self) -> impl Future<Output = Result<Self::Store, StoreError>>;

    /// Makes the medium look as if this version had written it.
    fn set_schema(&self, schema: u32) -> impl Future<Output = ()>;
}

/// Calls the given macro with the name of each test of the suite.
#[macro_export]
macro_rules! store_suite {
    ($test:ident) => {
        $test!(a_new_store_is_empty);
        $test!(records_come_in_the_order_of_their_keys);
        $test!(records_come_newest_first_if_asked);
        $test!(a_limit_is_kept_in_both_directions);
        $test!(a_prefix_selects_exactly_its_keys);
        $test!(below_and_above_are_strict);
        $test!(bounds_that_contradict_each_other_select_nothing);
        $test!(tables_are_separate);
        $test!(queries_out_of_bounds_are_refused);
        $test!(a_record_is_replaced_and_removed);
        $test!(the_last_change_of_a_key_wins);
        $test!(clear_empties_every_table_and_what_follows_applies);
        $test!(the_largest_record_and_the_largest_batch_fit);
        $test!(batches_out_of_bounds_are_refused_whole);
        $test!(a_commit_is_there_after_reopening);
        $test!(other_connections_see_a_commit_at_once);
        $test!(a_newer_layout_is_refused);
        $test!(nothing_is_written_without_the_lease);
        $test!(the_lease_is_renewed_by_its_owner);
        $test!(the_lease_is_refused_while_another_renews_it);
        $test!(a_lease_that_is_not_renewed_can_be_taken);
        $test!(force_takes_the_lease_at_once);
        $test!(whoever_lost_the_lease_writes_nothing);
        $test!(a_lease_given_back_is_free_and_no_longer_good);
        $test!(giving_back_a_lost_lease_changes_nothing);
        $test!(the_lease_and_its_fence_survive_reopening);
        $test!(clear_leaves_the_lease);
    };
}

/// Some moment.
const NOW: u64 = 1_795_392_000_000;
const ANA: [u8; 16] = [0xa; 16];
const BO: [u8; 16] = [0xb; 16];

async fn open<F: Fixture>(fixture: &F) -> F::Store {
    fixture.open().await.expect("the store opens")
}

/// A new store and the right to write to it.
async fn open_held<F: Fixture>(fixture: &F) -> (F::Store, Lease) {
    let store = open(fixture).await;
    let lease = take(&store, ANA).await;
    (store, lease)
}

async fn take(store: &impl Store, owner: [u8; 16]) -> Lease {
    match store
        .lease(owner, NOW, false)
        .await
        .expect("the lease is free")
    {
        LeaseOutcome::Held(lease) => lease,
        LeaseOutcome::HeldElsewhere { .. } => panic!("the lease is held elsewhere"),
    }
}

fn put(records: &[(Table, &[u8], &[u8])]) -> Batch {
    let mut batch = Batch::default();
    for (table, key, value) in records {
        batch.put(*table, *key, *value);
    }
    batch
}

async fn keys(store: &impl Store, query: &Query) -> Vec<Vec<u8>> {
    let records = store.read(query).await.expect("the query is good");
    records.into_iter().map(|record| record.key).collect()
}

/// Everything in the store, by table.
async fn contents(store: &impl Store) -> Vec<(Table, Vec<Record>)> {
    let mut contents = Vec::new();
    for table in Table::ALL {
        let records = store
            .read(&Query::all(table))
            .await
            .expect("the query is good");
        if !records.is_empty() {
            contents.push((table, records));
        }
    }
    contents
}
