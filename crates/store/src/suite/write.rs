//! What writing promises.

use super::{Fixture, contents, open, open_held, put};
use crate::{
    Batch, Change, MAX_BATCH_BYTES, MAX_BATCH_CHANGES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Query,
    Record, SCHEMA, Store, StoreError, Table,
};

fn record(key: &[u8], value: &[u8]) -> Record {
    Record {
        key: key.to_vec(),
        value: value.to_vec(),
    }
}

pub async fn a_record_is_replaced_and_removed<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let two = put(&[(Table::Own, b"a", b"1"), (Table::Own, b"b", b"2")]);
    store.commit(lease, &two).await.unwrap();
    store
        .commit(lease, &put(&[(Table::Own, b"a", b"")]))
        .await
        .unwrap();
    let expected = vec![record(b"a", b""), record(b"b", b"2")];
    assert_eq!(contents(&store).await, [(Table::Own, expected)]);

    let mut batch = Batch::default();
    batch.delete(Table::Own, *b"a");
    batch.delete(Table::Own, *b"never there");
    batch.delete(Table::Invites, *b"b");
    store.commit(lease, &batch).await.unwrap();
    assert_eq!(
        contents(&store).await,
        [(Table::Own, vec![record(b"b", b"2")])]
    );
}

pub async fn the_last_change_of_a_key_wins<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let mut batch = put(&[(Table::Own, b"a", b"1"), (Table::Own, b"b", b"1")]);
    batch.delete(Table::Own, *b"a");
    batch.put(Table::Own, *b"b", *b"2");
    batch.delete(Table::Own, *b"c");
    batch.put(Table::Own, *b"c", *b"3");
    store.commit(lease, &batch).await.unwrap();
    let expected = vec![record(b"b", b"2"), record(b"c", b"3")];
    assert_eq!(contents(&store).await, [(Table::Own, expected)]);
}

pub async fn clear_empties_every_table_and_what_follows_applies<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let everywhere = put(&Table::ALL.map(|table| (table, &b"old"[..], &b"value"[..])));
    store.commit(lease, &everywhere).await.unwrap();
    assert_eq!(contents(&store).await.len(), Table::ALL.len());

    let mut batch = put(&[(Table::Own, b"before", b"lost")]);
    batch.changes.push(Change::Clear);
    batch.put(Table::Header, *b"new", *b"kept");
    store.commit(lease, &batch).await.unwrap();
    assert_eq!(
        contents(&store).await,
        [(Table::Header, vec![record(b"new", b"kept")])]
    );
}

pub async fn the_largest_record_and_the_largest_batch_fit<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let largest = record(&[255; MAX_KEY_BYTES], &vec![7; MAX_VALUE_BYTES]);
    let batch = Batch {
        changes: vec![Change::Put(Table::Outbox, largest.clone())],
    };
    store.commit(lease, &batch).await.unwrap();
    assert_eq!(contents(&store).await, [(Table::Outbox, vec![largest])]);

    let mut batch = Batch::default();
    for number in 0..MAX_BATCH_CHANGES as u32 {
        batch.put(Table::Messages, number.to_be_bytes(), *b"value");
    }
    store.commit(lease, &batch).await.unwrap();
    let records = store.read(&Query::all(Table::Messages)).await.unwrap();
    let numbers: Vec<_> = records.iter().map(|record| record.key.clone()).collect();
    let expected: Vec<_> = (0..MAX_BATCH_CHANGES as u32)
        .map(|number| number.to_be_bytes().to_vec())
        .collect();
    assert_eq!(numbers, expected);
}

pub async fn batches_out_of_bounds_are_refused_whole<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let change =
        |key: usize, value: usize| Change::Put(Table::Own, record(&vec![0; key], &vec![0; value]));
    let too_many = vec![change(1, 0); MAX_BATCH_CHANGES + 1];
    let too_large = vec![change(1, MAX_VALUE_BYTES); MAX_BATCH_BYTES / MAX_VALUE_BYTES];
    for bad in [
        vec![change(0, 0)],
        vec![change(MAX_KEY_BYTES + 1, 0)],
        vec![change(1, MAX_VALUE_BYTES + 1)],
        vec![Change::Delete(Table::Own, Vec::new())],
        vec![Change::Delete(Table::Own, vec![0; MAX_KEY_BYTES + 1])],
        too_many,
        too_large,
    ] {
        let mut batch = put(&[(Table::Comrades, b"good", b"good")]);
        batch.changes.extend(bad);
        assert_eq!(
            store.commit(lease, &batch).await,
            Err(StoreError::OutOfBounds)
        );
        assert_eq!(contents(&store).await, []);
    }
}

pub async fn a_commit_is_there_after_reopening<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let batch = put(&[
        (Table::Sessions, b"ana", b"ratchet"),
        (Table::Outbox, b"ana", b"letter"),
    ]);
    store.commit(lease, &batch).await.unwrap();
    let before = contents(&store).await;
    drop(store);
    assert_eq!(contents(&open(fixture).await).await, before);
    assert_eq!(before.len(), 2);
}

pub async fn other_connections_see_a_commit_at_once<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let other = open(fixture).await;
    for value in 0..5_u8 {
        store
            .commit(lease, &put(&[(Table::Own, b"a", &[value])]))
            .await
            .unwrap();
        assert_eq!(
            contents(&other).await,
            [(Table::Own, vec![record(b"a", &[value])])]
        );
    }
}

pub async fn a_newer_layout_is_refused<F: Fixture>(fixture: &F) {
    drop(open(fixture).await);
    fixture.set_schema(SCHEMA + 6).await;
    let refused = StoreError::NewerSchema {
        found: SCHEMA + 6,
        expected: SCHEMA,
    };
    assert_eq!(fixture.open().await.err(), Some(refused));
}
