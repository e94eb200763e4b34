//! Effects in their order, commits before all that follows, the lease.

use komrade_store::{Batch, Change, Query, Record, Store, StoreError, Table};
use komrade_view::{Event, VaultState};

use super::*;

fn batch(key: u8) -> Batch {
    let record = Record {
        key: vec![key],
        value: vec![key],
    };
    Batch {
        changes: vec![Change::Put(Table::Own, record)],
    }
}

fn tell(vault: VaultState) -> Effect {
    Effect::Tell(FromEngine::Event(Event::Vault(vault)))
}

fn all() -> Query {
    let table = Table::Own;
    Query {
        table,
        prefix: vec![],
        below: None,
        above: None,
        descending: false,
        limit: 10,
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_durable_before_what_follows_is_done() {
    here(async {
        let mut rig = Rig::new(&MemoryStore::default());
        rig.leads().await;
        let read = Effect::Read {
            read: 7,
            query: all(),
        };
        rig.has_done([Effect::Commit(batch(1)), tell(VaultState::Open), read])
            .await;
        rig.told.next().await.unwrap();
        assert_eq!(rig.store.read(&all()).await.unwrap().len(), 1);
        let records = rig
            .until(|input| match input {
                Input::Records { read: 7, records } => Some(records.len()),
                _ => None,
            })
            .await;
        assert_eq!(records, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_that_follows_a_failed_commit_is_done() {
    here(async {
        let mut rig = Rig::new(&MemoryStore::default());
        rig.leads().await;
        rig.store.refuse(0, StoreError::Full);
        let (open, second) = (tell(VaultState::Open), Effect::Commit(batch(2)));
        rig.script
            .effects
            .borrow_mut()
            .extend([Effect::Commit(batch(1)), open, second]);
        let command = ToEngine {
            id: 0,
            command: Command::Reconnect,
        };
        rig.commands.send(command).await.unwrap();
        rig.until(|input| matches!(input, Input::StoreFailed(StoreError::Full)).then_some(()))
            .await;
        rig.has_done([tell(VaultState::Locked)]).await;
        let told = timeout(LONG, rig.told.next()).await.unwrap();
        assert_eq!(
            told,
            Some(FromEngine::Event(Event::Vault(VaultState::Locked)))
        );
        assert!(rig.store.read(&all()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_lead_changes_hands_and_back() {
    here(async {
        let store = MemoryStore::default();
        let mut first = Rig::new(&store);
        first.leads().await;
        let mut second = Rig::new(&store);
        let elsewhere = |input: &Input| matches!(input, Input::LedElsewhere(_)).then_some(());
        second.until(elsewhere).await;

        second.has_done([Effect::TakeLead]).await;
        second.leads().await;
        first
            .has_done([Effect::Commit(batch(1)), tell(VaultState::Open)])
            .await;
        first.until(elsewhere).await;
        assert!(store.read(&all()).await.unwrap().is_empty());
        second.has_done([Effect::Commit(batch(2))]).await;
        assert_eq!(store.read(&all()).await.unwrap().len(), 1);

        // Whoever leaves in good order gives the lease back; the one who waits takes it without being asked.
        second.commands.close_channel();
        assert_eq!(
            timeout(LONG, second.running).await.unwrap().unwrap(),
            Ended::Closed
        );
        first.leads().await;
        // Whoever crashes does not, and it runs out.
        first.running.abort();
        let mut third = Rig::new(&store);
        third.until(elsewhere).await;
        third.leads().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn screens_that_do_not_read_are_left() {
    here(async {
        let mut rig = Rig::new(&MemoryStore::default());
        rig.leads().await;
        let many =
            std::iter::repeat_with(|| tell(VaultState::Open)).take(crate::limits::EVENTS + 2);
        rig.script.effects.borrow_mut().extend(many);
        let command = ToEngine {
            id: 0,
            command: Command::Reconnect,
        };
        rig.commands.send(command).await.unwrap();
        assert_eq!(
            timeout(LONG, rig.running).await.unwrap().unwrap(),
            Ended::NotRead
        );
    })
    .await;
}
