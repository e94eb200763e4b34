//! What the lease promises.

use super::{ANA, BO, Fixture, NOW, contents, open, open_held, put, take};
use crate::{Batch, Change, LEASE_MILLIS, Lease, LeaseOutcome, Store, StoreError, Table};

fn batch() -> Batch {
    put(&[(Table::Own, b"key", b"value")])
}

pub async fn nothing_is_written_without_the_lease<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let invented = Lease {
        owner: ANA,
        fence: 0,
    };
    assert_eq!(
        store.commit(invented, &batch()).await,
        Err(StoreError::LeaseLost)
    );
    let lease = take(&store, ANA).await;
    for wrong in [
        Lease { owner: BO, ..lease },
        Lease {
            fence: lease.fence + 1,
            ..lease
        },
        Lease {
            fence: lease.fence - 1,
            ..lease
        },
    ] {
        assert_eq!(
            store.commit(wrong, &batch()).await,
            Err(StoreError::LeaseLost)
        );
    }
    assert_eq!(contents(&store).await, []);
    assert_eq!(store.commit(lease, &batch()).await, Ok(()));
}

pub async fn the_lease_is_renewed_by_its_owner<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    for (later, force) in [(1, false), (LEASE_MILLIS, true), (10 * LEASE_MILLIS, false)] {
        let renewed = store.lease(ANA, NOW + later, force).await;
        assert_eq!(renewed, Ok(LeaseOutcome::Held(lease)));
    }
    let held = LeaseOutcome::HeldElsewhere {
        renewed_at: NOW + 10 * LEASE_MILLIS,
    };
    assert_eq!(
        store.lease(BO, NOW + 11 * LEASE_MILLIS - 1, false).await,
        Ok(held)
    );
    assert_eq!(store.commit(lease, &batch()).await, Ok(()));
}

pub async fn the_lease_is_refused_while_another_renews_it<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let other = open(fixture).await;
    for later in [0, LEASE_MILLIS - 1] {
        let refused = other.lease(BO, NOW + later, false).await;
        assert_eq!(refused, Ok(LeaseOutcome::HeldElsewhere { renewed_at: NOW }));
    }
    assert_eq!(store.commit(lease, &batch()).await, Ok(()));
}

pub async fn a_lease_that_is_not_renewed_can_be_taken<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let other = open(fixture).await;
    let taken = Lease {
        owner: BO,
        fence: lease.fence + 1,
    };
    let outcome = other.lease(BO, NOW + LEASE_MILLIS, false).await;
    assert_eq!(outcome, Ok(LeaseOutcome::Held(taken)));
    assert_eq!(
        store.commit(lease, &batch()).await,
        Err(StoreError::LeaseLost)
    );
    assert_eq!(other.commit(taken, &batch()).await, Ok(()));
}

pub async fn force_takes_the_lease_at_once<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let other = open(fixture).await;
    let taken = Lease {
        owner: BO,
        fence: lease.fence + 1,
    };
    assert_eq!(
        other.lease(BO, NOW, true).await,
        Ok(LeaseOutcome::Held(taken))
    );
    let refused = LeaseOutcome::HeldElsewhere { renewed_at: NOW };
    assert_eq!(store.lease(ANA, NOW + 1, false).await, Ok(refused));
}

pub async fn whoever_lost_the_lease_writes_nothing<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    store.commit(lease, &batch()).await.unwrap();
    let before = contents(&store).await;
    open(fixture).await.lease(BO, NOW, true).await.unwrap();

    let mut writes = put(&[(Table::Own, b"key", b"other"), (Table::Outbox, b"a", b"b")]);
    writes.delete(Table::Own, *b"key");
    for changes in [writes.changes, vec![Change::Clear]] {
        let lost = store.commit(lease, &Batch { changes }).await;
        assert_eq!(lost, Err(StoreError::LeaseLost));
        assert_eq!(contents(&store).await, before);
    }
}

pub async fn a_lease_given_back_is_free_and_no_longer_good<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    assert_eq!(store.release(lease).await, Ok(()));
    assert_eq!(
        store.commit(lease, &batch()).await,
        Err(StoreError::LeaseLost)
    );
    let taken = Lease {
        owner: BO,
        fence: lease.fence + 1,
    };
    assert_eq!(
        store.lease(BO, NOW, false).await,
        Ok(LeaseOutcome::Held(taken))
    );

    // The same owner, too, gets a new number.
    assert_eq!(store.release(taken).await, Ok(()));
    let again = Lease {
        owner: BO,
        fence: lease.fence + 2,
    };
    assert_eq!(
        store.lease(BO, NOW, false).await,
        Ok(LeaseOutcome::Held(again))
    );
    assert_eq!(
        store.commit(taken, &batch()).await,
        Err(StoreError::LeaseLost)
    );
    assert_eq!(store.commit(again, &batch()).await, Ok(()));
}

pub async fn giving_back_a_lost_lease_changes_nothing<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let taken = Lease {
        owner: BO,
        fence: lease.fence + 1,
    };
    assert_eq!(
        store.lease(BO, NOW, true).await,
        Ok(LeaseOutcome::Held(taken))
    );
    assert_eq!(store.release(lease).await, Ok(()));
    assert_eq!(store.commit(taken, &batch()).await, Ok(()));
}

pub async fn the_lease_and_its_fence_survive_reopening<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    drop(store);
    let store = open(fixture).await;
    let refused = LeaseOutcome::HeldElsewhere { renewed_at: NOW };
    assert_eq!(store.lease(BO, NOW + 1, false).await, Ok(refused));
    assert_eq!(store.commit(lease, &batch()).await, Ok(()));
    store.release(lease).await.unwrap();
    drop(store);
    let store = open(fixture).await;
    assert_eq!(take(&store, BO).await.fence, lease.fence + 1);
}

pub async fn clear_leaves_the_lease<F: Fixture>(fixture: &F) {
    let (store, lease) = open_held(fixture).await;
    let clear = Batch {
        changes: vec![Change::Clear],
    };
    assert_eq!(store.commit(lease, &clear).await, Ok(()));
    assert_eq!(store.commit(lease, &batch()).await, Ok(()));
    let refused = LeaseOutcome::HeldElsewhere { renewed_at: NOW };
    assert_eq!(store.lease(BO, NOW, false).await, Ok(refused));
}
