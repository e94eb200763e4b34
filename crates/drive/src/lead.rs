//! The lease: who writes.

use komrade_store::{Batch, Lease, LeaseOutcome, Store, StoreError};
use komrade_view::Millis;

/// What a look at the lease brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Looked {
    /// As before.
    Same,
    /// It is ours now, and was not before.
    Leading,
    /// Another one leads and renewed at that time.
    Elsewhere(Millis),
    /// The store failed.
    Failed(StoreError),
}

/// The lease of this run.
#[derive(Debug)]
pub(crate) struct Lead {
    owner: [u8; 16],
    lease: Option<Lease>,
    /// What was last told: renewed there at this time.
    elsewhere: Option<Millis>,
}

impl Lead {
    pub(crate) fn new(owner: [u8; 16]) -> Self {
        Self {
            owner,
            lease: None,
            elsewhere: None,
        }
    }

    /// Takes or renews the lease; `force` takes it from whoever holds it.
    pub(crate) async fn look<S: Store>(&mut self, store: &S, now: Millis, force: bool) -> Looked {
        match store.lease(self.owner, now, force).await {
            Ok(LeaseOutcome::Held(lease)) => {
                let before = self.lease.replace(lease);
                self.elsewhere = None;
                // Another fence: somebody led in between, and what is in memory is no longer what is stored.
                if before == Some(lease) {
                    Looked::Same
                } else {
                    Looked::Leading
                }
            }
            Ok(LeaseOutcome::HeldElsewhere { renewed_at }) => self.lost(renewed_at),
            Err(StoreError::LeaseLost) => self.lost(now),
            Err(error) => Looked::Failed(error),
        }
    }

    fn lost(&mut self, renewed_at: Millis) -> Looked {
        self.lease = None;
        let told = self.elsewhere.replace(renewed_at);
        if told == Some(renewed_at) {
            Looked::Same
        } else {
            Looked::Elsewhere(renewed_at)
        }
    }

    /// Makes a batch durable.
    pub(crate) async fn commit<S: Store>(
        &mut self,
        store: &S,
        batch: &Batch,
    ) -> Result<(), StoreError> {
        let lease = self.lease.ok_or(StoreError::LeaseLost)?;
        let done = store.commit(lease, batch).await;
        if done == Err(StoreError::LeaseLost) {
            self.lease = None;
        }
        done
    }

    /// Gives the lease back.
    pub(crate) async fn release<S: Store>(&mut self, store: &S) {
        if let Some(lease) = self.lease.take() {
            // If it cannot be given back it runs out by itself.
            let _ = store.release(lease).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::executor::block_on;
    use komrade_store::{LEASE_MILLIS, memory::MemoryStore};

    use super::*;

    #[test]
    fn the_lead_is_taken_lost_told_once_and_found_again() {
        block_on(async {
            let store = MemoryStore::default();
            let (mut here, mut there) = (Lead::new([1; 16]), Lead::new([2; 16]));
            assert_eq!(here.look(&store, 1_000, false).await, Looked::Leading);
            assert_eq!(here.look(&store, 3_000, false).await, Looked::Same);
            assert_eq!(
                there.look(&store, 4_000, false).await,
                Looked::Elsewhere(3_000)
            );
            assert_eq!(there.look(&store, 4_500, false).await, Looked::Same);
            assert_eq!(
                there.commit(&store, &Batch::default()).await,
                Err(StoreError::LeaseLost)
            );

            assert_eq!(there.look(&store, 5_000, true).await, Looked::Leading);
            assert_eq!(
                here.commit(&store, &Batch::default()).await,
                Err(StoreError::LeaseLost)
            );
            assert_eq!(
                here.look(&store, 6_000, false).await,
                Looked::Elsewhere(5_000)
            );
            assert_eq!(there.commit(&store, &Batch::default()).await, Ok(()));

            let later = 5_000 + LEASE_MILLIS + 1;
            assert_eq!(
                here.look(&store, later, false).await,
                Looked::Leading,
                "run out"
            );
            here.release(&store).await;
            assert_eq!(
                there.look(&store, later + 1, false).await,
                Looked::Leading,
                "given back"
            );

            // Frozen meanwhile, and never told that another one led.
            assert_eq!(here.look(&store, later + 2, true).await, Looked::Leading);
            here.release(&store).await;
            assert_eq!(there.look(&store, later + 3, false).await, Looked::Leading);
            assert_eq!(there.look(&store, later + 4, false).await, Looked::Same);
        });
    }
}
