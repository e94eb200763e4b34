//! What reading promises.

use super::{Fixture, contents, keys, open, open_held, put};
use crate::{Batch, Lease, MAX_KEY_BYTES, MAX_READ_RECORDS, Query, Store, StoreError, Table};

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

/// No keys.
const NOTHING: [Vec<u8>; 0] = [];

/// Writes [`ORDERED`] in another order.
async fn write_ordered(store: &impl Store, lease: Lease) {
    let mut batch = Batch::default();
    for position in [7, 2, 9, 0, 4, 8, 1, 6, 3, 5] {
        batch.put(Table::Messages, ORDERED[position], vec![position as u8]);
    }
    store
        .commit(lease, &batch)
        .await
        .expect("the lease is held");
}

fn messages() -> Query {
    Query::all(Table::Messages)
}

pub async fn a_new_store_is_empty<F: Fixture>(fixture: &F) {
    assert_eq!(contents(&open(fixture).await).await, []);
}

pub async fn records_come_in_the_order_of_their_keys<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    write_ordered(&store, lease).await;
    let records = store.read(&messages()).await.expect("the query is good");
    let keys: Vec<_> = records.iter().map(|record| record.key.as_slice()).collect();
    assert_eq!(keys, ORDERED);
    let values: Vec<_> = records
        .iter()
        .map(|record| record.value.as_slice())
        .collect();
    assert_eq!(values, [[0], [1], [2], [3], [4], [5], [6], [7], [8], [9]]);
}

pub async fn records_come_newest_first_if_asked<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    write_ordered(&store, lease).await;
    let mut records = store.read(&messages()).await.expect("the query is good");
    let query = Query {
        descending: true,
        ..messages()
    };
    let backwards = store.read(&query).await.expect("the query is good");
    records.reverse();
    assert_eq!(records.len(), ORDERED.len());
    assert_eq!(backwards, records);
}

pub async fn a_limit_is_kept_in_both_directions<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    write_ordered(&store, lease).await;
    for limit in [1, 2, 9, 10, 11] {
        let count = limit.min(ORDERED.len());
        let query = Query {
            limit,
            ..messages()
        };
        assert_eq!(keys(&store, &query).await, &ORDERED[..count]);
        let query = Query {
            descending: true,
            ..query
        };
        let last: Vec<_> = ORDERED.iter().rev().take(count).copied().collect();
        assert_eq!(keys(&store, &query).await, last);
    }
    // A page in the middle, as a person scrolls up.
    let query = Query {
        below: Some(vec![128]),
        limit: 3,
        descending: true,
        ..messages()
    };
    assert_eq!(keys(&store, &query).await, [&[127, 255][..], &[1, 0], &[1]]);
}

pub async fn a_prefix_selects_exactly_its_keys<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    write_ordered(&store, lease).await;
    let with = |prefix: &[u8]| Query {
        prefix: prefix.to_vec(),
        ..messages()
    };
    assert_eq!(keys(&store, &with(&[0])).await, &ORDERED[..3]);
    assert_eq!(keys(&store, &with(&[1])).await, &ORDERED[3..5]);
    assert_eq!(keys(&store, &with(&[255])).await, &ORDERED[7..]);
    assert_eq!(keys(&store, &with(&[255, 255])).await, &ORDERED[9..]);
    assert_eq!(keys(&store, &with(&[2])).await, NOTHING);
    let query = Query {
        descending: true,
        ..with(&[0])
    };
    assert_eq!(keys(&store, &query).await, [&[0, 255][..], &[0, 0], &[0]]);
}

pub async fn below_and_above_are_strict<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    write_ordered(&store, lease).await;
    let below = Query {
        below: Some(vec![1]),
        ..messages()
    };
    assert_eq!(keys(&store, &below).await, &ORDERED[..3]);
    let above = Query {
        above: Some(vec![128]),
        ..messages()
    };
    assert_eq!(keys(&store, &above).await, &ORDERED[7..]);
    let both = Query {
        below: Some(vec![255]),
        above: Some(vec![0]),
        ..messages()
    };
    assert_eq!(keys(&store, &both).await, &ORDERED[1..7]);
    let all_three = Query {
        prefix: vec![0],
        above: Some(vec![0]),
        ..both
    };
    assert_eq!(keys(&store, &all_three).await, &ORDERED[1..3]);
    let between = Query {
        above: Some(vec![1, 1]),
        below: Some(vec![127]),
        ..messages()
    };
    assert_eq!(keys(&store, &between).await, NOTHING);
}

pub async fn bounds_that_contradict_each_other_select_nothing<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    write_ordered(&store, lease).await;
    for descending in [false, true] {
        let all = Query {
            descending,
            ..messages()
        };
        let crossed = Query {
            above: Some(vec![128]),
            below: Some(vec![1]),
            ..all.clone()
        };
        let same = Query {
            above: Some(vec![1]),
            below: Some(vec![1]),
            ..all.clone()
        };
        let outside = Query {
            prefix: vec![1],
            above: Some(vec![2]),
            ..all.clone()
        };
        let nothing_below = Query {
            below: Some(Vec::new()),
            ..all
        };
        for query in [crossed, same, outside, nothing_below] {
            assert_eq!(keys(&store, &query).await, NOTHING, "{query:?}");
        }
    }
}

pub async fn tables_are_separate<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let batch = put(&Table::ALL.map(|table| (table, &b"key"[..], table.name().as_bytes())));
    store
        .commit(lease, &batch)
        .await
        .expect("the lease is held");
    for table in Table::ALL {
        let records = store
            .read(&Query::all(table))
            .await
            .expect("the query is good");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].value, table.name().as_bytes());
    }
}

pub async fn queries_out_of_bounds_are_refused<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let long = vec![0; MAX_KEY_BYTES + 1];
    for query in [
        Query {
            limit: 0,
            ..messages()
        },
        Query {
            limit: MAX_READ_RECORDS + 1,
            ..messages()
        },
        Query {
            prefix: long.clone(),
            ..messages()
        },
        Query {
            below: Some(long.clone()),
            ..messages()
        },
        Query {
            above: Some(long),
            ..messages()
        },
    ] {
        assert_eq!(store.read(&query).await, Err(StoreError::OutOfBounds));
    }
}
