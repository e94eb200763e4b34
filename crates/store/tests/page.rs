//! IndexedDB keeps the promises of the trait in a real browser, in a page.
#![cfg(all(feature = "testing", target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "indexeddb/fixture.rs"]
mod fixture;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use komrade_store::{Batch, LeaseOutcome, Query, Store, StoreError, Table, suite::Fixture};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_tab_makes_way_for_a_newer_version_and_stops() {
    let fixture = fixture::Browser("making way");
    let store = fixture.open().await.unwrap();
    let Ok(LeaseOutcome::Held(lease)) = store.lease([1; 16], 1, false).await else {
        panic!()
    };
    fixture.set_schema(99).await;
    let mut batch = Batch::default();
    batch.put(Table::Own, *b"key", *b"value");
    assert_eq!(
        store.commit(lease, &batch).await,
        Err(StoreError::LeaseLost)
    );
    assert_eq!(
        store.read(&Query::all(Table::Own)).await,
        Err(StoreError::LeaseLost)
    );
    assert_eq!(
        store.lease([1; 16], 2, true).await,
        Err(StoreError::LeaseLost)
    );
}

#[wasm_bindgen_test]
async fn a_deleted_database_is_empty_when_opened_again() {
    let fixture = fixture::Browser("deleted");
    let store = fixture.open().await.unwrap();
    let Ok(LeaseOutcome::Held(lease)) = store.lease([1; 16], 1, false).await else {
        panic!()
    };
    let mut batch = Batch::default();
    batch.put(Table::Own, *b"key", *b"value");
    store.commit(lease, &batch).await.unwrap();
    komrade_store::indexeddb::IndexedDbStore::delete("deleted")
        .await
        .unwrap();

    let store = fixture.open().await.unwrap();
    assert_eq!(store.read(&Query::all(Table::Own)).await, Ok(Vec::new()));
    let Ok(LeaseOutcome::Held(lease)) = store.lease([2; 16], 1, false).await else {
        panic!()
    };
    assert_eq!(lease.fence, 1);
}

#[wasm_bindgen_test]
async fn commits_issued_together_are_both_kept_in_their_order() {
    let store = fixture::Browser("together").open().await.unwrap();
    let Ok(LeaseOutcome::Held(lease)) = store.lease([1; 16], 1, false).await else {
        panic!()
    };
    let batches = [1_u8, 2].map(|value| {
        let mut batch = Batch::default();
        batch.put(Table::Own, *b"last", [value]);
        batch.put(Table::Messages, [value], [value]);
        batch
    });
    let (first, second) = futures::join!(
        store.commit(lease, &batches[0]),
        store.commit(lease, &batches[1])
    );
    assert_eq!((first, second), (Ok(()), Ok(())));
    let last = store.read(&Query::all(Table::Own)).await.unwrap();
    assert_eq!(last[0].value, [2]);
    assert_eq!(
        store
            .read(&Query::all(Table::Messages))
            .await
            .unwrap()
            .len(),
        2
    );
}
