#![allow(clippy::unwrap_used)]

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use super::*;
use crate::{Store as _, StoreError, indexeddb::IndexedDbStore};

wasm_bindgen_test_configure!(run_in_browser);

const TABLES: [&str; 1] = ["own"];

#[wasm_bindgen_test]
async fn the_browser_grants_the_durability_asked_for() {
    let store = IndexedDbStore::open("durability").await.unwrap();
    for (access, expected) in [
        (Access::WriteStrictly, "strict"),
        (Access::Write, "relaxed"),
    ] {
        let transaction = Transaction::open(&store.connection, &TABLES, access).unwrap();
        let granted = Reflect::get(&transaction.raw, &"durability".into()).unwrap();
        assert_eq!(granted.as_string().as_deref(), Some(expected));
        transaction.done().await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn an_aborted_transaction_leaves_nothing() {
    let store = IndexedDbStore::open("aborted").await.unwrap();
    let transaction = Transaction::open(&store.connection, &TABLES, Access::WriteStrictly).unwrap();
    let own = transaction.store("own").unwrap();
    own.put(&JsValue::from(1), Some(&JsValue::from(1))).unwrap();
    transaction.abort().await;
    let query = crate::Query::all(crate::Table::Own);
    assert_eq!(store.read(&query).await, Ok(Vec::new()));
}

#[wasm_bindgen_test]
async fn a_failed_request_fails_the_whole_with_its_reason() {
    let store = IndexedDbStore::open("failed").await.unwrap();
    let transaction = Transaction::open(&store.connection, &TABLES, Access::WriteStrictly).unwrap();
    let own = transaction.store("own").unwrap();
    own.add(&JsValue::from(1), Some(&JsValue::from(1))).unwrap();
    own.add(&JsValue::from(2), Some(&JsValue::from(1))).unwrap();
    let failed = StoreError::Failed("ConstraintError".to_owned());
    assert_eq!(transaction.done().await, Err(failed));
    let query = crate::Query::all(crate::Table::Own);
    assert_eq!(store.read(&query).await, Ok(Vec::new()));
}

#[wasm_bindgen_test]
fn no_room_is_told_from_other_failures() {
    assert_eq!(refusal("QuotaExceededError"), StoreError::Full);
    assert_eq!(
        refusal("DataError"),
        StoreError::Failed("DataError".to_owned())
    );
    let thrown = DomException::new_with_message_and_name("text", "QuotaExceededError").unwrap();
    assert_eq!(refusal(&name_of(&thrown)), StoreError::Full);
    assert_eq!(name_of(&JsValue::NULL), "unknown error");
}
