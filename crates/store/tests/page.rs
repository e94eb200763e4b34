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

/// A database as version 1 made it, with a record in it.
async fn version_1(name: &str) {
    use idb::{Database, DatabaseEvent as _, Factory, ObjectStoreParams, TransactionMode};
    use js_sys::Uint8Array;
    let mut request = Factory::new().unwrap().open(name, Some(1)).unwrap();
    request.on_upgrade_needed(|event| {
        let database: Database = event.database().unwrap();
        for name in [
            "header", "own", "comrades", "sessions", "messages", "outbox", "waiting", "invites",
            "lease",
        ] {
            database
                .create_object_store(name, ObjectStoreParams::new())
                .unwrap();
        }
    });
    let database = request.await.unwrap();
    let transaction = database
        .transaction(&["own"], TransactionMode::ReadWrite)
        .unwrap();
    let (key, value) = (Uint8Array::from(&b"key"[..]), Uint8Array::from(&b"old"[..]));
    let store = transaction.object_store("own").unwrap();
    store.put(&value, Some(&key)).unwrap().await.unwrap();
    transaction.commit().unwrap().await.unwrap();
    database.close();
}

#[wasm_bindgen_test]
async fn a_database_of_version_1_gets_the_tables_of_collectives_and_keeps_its_records() {
    version_1("version 1").await;
    let store = fixture::Browser("version 1").open().await.unwrap();
    let records = store.read(&Query::all(Table::Own)).await.unwrap();
    assert_eq!(
        (&records[0].key[..], &records[0].value[..]),
        (&b"key"[..], &b"old"[..])
    );
    let Ok(LeaseOutcome::Held(lease)) = store.lease([1; 16], 1, false).await else {
        panic!()
    };
    let mut batch = Batch::default();
    for table in [Table::Spaces, Table::Operations, Table::Posts] {
        assert_eq!(store.read(&Query::all(table)).await, Ok(Vec::new()));
        batch.put(table, *b"key", *b"new");
    }
    store.commit(lease, &batch).await.unwrap();
    for table in [Table::Spaces, Table::Operations, Table::Posts] {
        assert_eq!(
            store.read(&Query::all(table)).await.unwrap()[0].value,
            *b"new"
        );
    }
}
