//! The store in memory keeps the promises of the trait, and fails where it is told to.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use komrade_store::{
    Batch, LeaseOutcome, Query, Store, StoreError, Table,
    memory::{Cut, MemoryStore},
    suite::{self, Fixture},
};

struct Memory(MemoryStore);

impl Fixture for Memory {
    type Store = MemoryStore;

    async fn open(&self) -> Result<MemoryStore, StoreError> {
        self.0.reopen()
    }

    async fn set_schema(&self, schema: u32) {
        self.0.set_schema(schema);
    }
}

/// Memory never keeps anybody waiting.
fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory waits"),
    }
}

macro_rules! test {
    ($name:ident) => {
        #[test]
        fn $name() {
            run(suite::$name(&Memory(MemoryStore::new())));
        }
    };
}

komrade_store::store_suite!(test);

fn letter(number: u8) -> Batch {
    let mut batch = Batch::default();
    batch.put(Table::Outbox, [number], [number]);
    batch
}

fn count(store: &MemoryStore) -> usize {
    run(store.read(&Query::all(Table::Outbox))).unwrap().len()
}

#[test]
fn a_cut_loses_or_keeps_the_batch_and_stops_everything_until_reopened() {
    for (cut, kept) in [(Cut::Before, 2), (Cut::After, 3)] {
        let store = MemoryStore::new();
        let Ok(LeaseOutcome::Held(lease)) = run(store.lease([1; 16], 1, false)) else {
            panic!()
        };
        store.cut(2, cut);
        assert_eq!(run(store.commit(lease, &letter(0))), Ok(()));
        assert_eq!(run(store.commit(lease, &letter(1))), Ok(()));
        assert!(!store.is_cut());
        assert!(matches!(
            run(store.commit(lease, &letter(2))),
            Err(StoreError::Failed(_))
        ));
        assert!(store.is_cut());
        assert!(run(store.commit(lease, &letter(3))).is_err());
        assert!(run(store.read(&Query::all(Table::Outbox))).is_err());
        assert!(run(store.lease([1; 16], 1, true)).is_err());

        let store = store.reopen().unwrap();
        assert_eq!(count(&store), kept);
        assert_eq!(store.commits(), kept as u64);
        assert_eq!(run(store.commit(lease, &letter(9))), Ok(()));
    }
}

#[test]
fn a_refusal_changes_nothing_and_passes() {
    let store = MemoryStore::new();
    let Ok(LeaseOutcome::Held(lease)) = run(store.lease([1; 16], 1, false)) else {
        panic!()
    };
    store.refuse(1, StoreError::Full);
    assert_eq!(run(store.commit(lease, &letter(0))), Ok(()));
    assert_eq!(run(store.commit(lease, &letter(1))), Err(StoreError::Full));
    assert_eq!(count(&store), 1);
    assert_eq!(run(store.commit(lease, &letter(1))), Ok(()));
    assert_eq!(store.records().len(), 2);
    assert_eq!(store.records()[1].1.value, [1]);
}
