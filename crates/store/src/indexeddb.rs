//! The store in a browser: IndexedDB (<https://www.w3.org/TR/IndexedDB/>).
//!
//! Layout: one object store per table and one for the lease; keys are `Uint8Array`s (which IndexedDB orders as
//! bytes), values too. The version of the database is [`SCHEMA`].
//!
//! A commit:
//! 1. open one read-write transaction over the tables it touches and the lease, with durability *strict*;
//! 2. read the lease in it; whoever lost it gets the transaction aborted;
//! 3. issue all writes at once, none awaited: the transaction commits by itself when its last request is done;
//! 4. wait for *complete*, which after a strict transaction means that the operating system has it on disk.
//!
//! Since every write transaction covers the lease, the browser runs them one after the other, also those of other
//! tabs. Within a transaction nothing but its own requests is awaited: anything else would let it
//! end early.
//!
//! Built on `idb`, the crate beneath `rexie`: rexie itself cannot open a strict transaction. Futures are to be
//! polled to their end: dropping one in between leaves open whether it took effect.

mod layout;
mod strict;

use std::{cell::Cell, fmt, rc::Rc};

use idb::{Database, DatabaseEvent as _, Factory, KeyRange, ObjectStore, Query as KeyQuery};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbDatabase;

use self::strict::{Access, Transaction};
use crate::{
    Batch, Change, Lease, LeaseOutcome, Query, Record, SCHEMA, Store, StoreError, Table,
    bounds::Keys, lease::Kept,
};

/// The object store with the one record of the lease.
const LEASE_STORE: &str = "lease";
const LEASE_KEY: &[u8] = &[0];

/// A connection to a database of the page's origin. Closed when dropped.
pub struct IndexedDbStore {
    /// Holds the handlers of the connection's events.
    database: Database,
    /// The same, for what `idb` does not offer.
    connection: IdbDatabase,
    /// Another tab asked for a newer layout, or for deletion, and this connection made way.
    made_way: Rc<Cell<bool>>,
}

impl IndexedDbStore {
    /// Opens the database of this name, creating or migrating it as needed.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] if a newer version wrote it; [`StoreError::Failed`] if the browser gives no access.
    pub async fn open(name: &str) -> Result<Self, StoreError> {
        let factory = Factory::new().map_err(failed)?;
        let mut request = factory.open(name, Some(SCHEMA)).map_err(failed)?;
        let migration = Rc::new(Cell::new(Ok(())));
        let outcome = Rc::clone(&migration);
        request.on_upgrade_needed(move |event| outcome.set(layout::migrate(&event)));
        let opened = request.await;
        migration.replace(Ok(()))?;
        let connection: IdbDatabase = match opened {
            Ok(database) => database.into(),
            Err(error) if error_name(&error).as_deref() == Some("VersionError") => {
                let found = layout::found(&factory, name).await?;
                return Err(StoreError::NewerSchema {
                    found,
                    expected: SCHEMA,
                });
            }
            Err(error) => return Err(failed(error)),
        };

        let mut database = Database::from(connection.clone());
        let made_way = Rc::new(Cell::new(false));
        let making_way = Rc::clone(&made_way);
        database.on_version_change(move |event| {
            making_way.set(true);
            if let Ok(database) = event.database() {
                database.close();
            }
        });
        Ok(Self {
            database,
            connection,
            made_way,
        })
    }

    /// Deletes the database and everything in it. Open connections of this version make way.
    pub async fn delete(name: &str) -> Result<(), StoreError> {
        let factory = Factory::new().map_err(failed)?;
        factory.delete(name).map_err(failed)?.await.map_err(failed)
    }

    fn transaction(&self, tables: &[&str], access: Access) -> Result<Transaction, StoreError> {
        let opened = Transaction::open(&self.connection, tables, access);
        // A connection that made way refuses everything; the reason is that somebody else leads.
        opened.map_err(|error| {
            if self.made_way.get() {
                StoreError::LeaseLost
            } else {
                error
            }
        })
    }
}

impl Store for IndexedDbStore {
    /// Not strict: losing power ends every tab, so what is lost of a lease then is of no use to anybody. That
    /// spares a phone's memory one flush every two seconds.
    async fn lease(
        &self,
        owner: [u8; 16],
        now: u64,
        force: bool,
    ) -> Result<LeaseOutcome, StoreError> {
        let transaction = self.transaction(&[LEASE_STORE], Access::Write)?;
        let lease = transaction.store(LEASE_STORE)?;
        let (kept, outcome) = Kept::take(kept_lease(&lease).await?, owner, now, force);
        if let Some(kept) = kept {
            put(&lease, LEASE_KEY, &kept.encode())?;
        }
        transaction.done().await?;
        Ok(outcome)
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let transaction = self.transaction(&[LEASE_STORE], Access::Write)?;
        let store = transaction.store(LEASE_STORE)?;
        if let Some(kept) = Kept::release(kept_lease(&store).await?, lease) {
            put(&store, LEASE_KEY, &kept.encode())?;
        }
        transaction.done().await
    }

    async fn commit(&self, lease: Lease, batch: &Batch) -> Result<(), StoreError> {
        batch.check()?;
        let mut names: Vec<_> = tables_of(batch).iter().map(|table| table.name()).collect();
        names.push(LEASE_STORE);
        let transaction = self.transaction(&names, Access::WriteStrictly)?;
        let kept = kept_lease(&transaction.store(LEASE_STORE)?).await?;
        if !kept.is_some_and(|kept| kept.allows(lease)) {
            transaction.abort().await;
            return Err(StoreError::LeaseLost);
        }
        if let Err(error) = apply(&transaction, batch) {
            transaction.abort().await;
            return Err(error);
        }
        transaction.done().await
    }

    async fn read(&self, query: &Query) -> Result<Vec<Record>, StoreError> {
        query.check()?;
        let Some(keys) = query.keys() else {
            return Ok(Vec::new());
        };
        let transaction = self.transaction(&[query.table.name()], Access::Read)?;
        let store = transaction.store(query.table.name())?;
        if query.descending {
            read_backwards(&store, keys, query.limit).await
        } else {
            read(&store, range(&keys)?, query.limit).await
        }
    }
}

/// The tables that a batch touches: the fewer, the less a reader has to wait.
fn tables_of(batch: &Batch) -> Vec<Table> {
    let touched = |table: &Table| {
        batch.changes.iter().any(|change| match change {
            Change::Put(other, _) | Change::Delete(other, _) => other == table,
            Change::Clear => true,
        })
    };
    Table::ALL.into_iter().filter(touched).collect()
}

/// Issues every change. Their requests are not awaited: if one fails, the whole transaction does.
fn apply(transaction: &Transaction, batch: &Batch) -> Result<(), StoreError> {
    for change in &batch.changes {
        match change {
            Change::Put(table, Record { key, value }) => {
                put(&transaction.store(table.name())?, key, value)?;
            }
            Change::Delete(table, key) => {
                let key = KeyQuery::Key(bytes(key));
                transaction
                    .store(table.name())?
                    .delete(key)
                    .map_err(failed)?;
            }
            Change::Clear => {
                for table in Table::ALL {
                    transaction.store(table.name())?.clear().map_err(failed)?;
                }
            }
        }
    }
    Ok(())
}

fn put(store: &ObjectStore, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    store
        .put(&bytes(value), Some(&bytes(key)))
        .map(drop)
        .map_err(failed)
}

async fn kept_lease(store: &ObjectStore) -> Result<Option<Kept>, StoreError> {
    let request = store.get(KeyQuery::Key(bytes(LEASE_KEY))).map_err(failed)?;
    let Some(value) = request.await.map_err(failed)? else {
        return Ok(None);
    };
    let damaged = || StoreError::Failed("the lease is damaged".to_owned());
    Kept::decode(&from_js(&value)).map(Some).ok_or_else(damaged)
}

/// Records in rising order: all keys and all values, in two requests however many there are.
async fn read(
    store: &ObjectStore,
    range: Option<KeyRange>,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let limit = u32::try_from(limit).map_err(|_| StoreError::OutOfBounds)?;
    let query = range.map(KeyQuery::KeyRange);
    let keys = store
        .get_all_keys(query.clone(), Some(limit))
        .map_err(failed)?;
    let values = store.get_all(query, Some(limit)).map_err(failed)?;
    let (keys, values) = futures::join!(keys.into_future(), values.into_future());
    let records = keys
        .map_err(failed)?
        .into_iter()
        .zip(values.map_err(failed)?);
    Ok(records
        .map(|(key, value)| Record {
            key: from_js(&key),
            value: from_js(&value),
        })
        .collect())
}

/// The highest records first. A cursor walks only the keys, and in one jump, to where they begin; the records are
/// then read as above: a page costs four requests instead of one per record.
async fn read_backwards(
    store: &ObjectStore,
    mut keys: Keys,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let query = range(&keys)?.map(KeyQuery::KeyRange);
    let cursor = store
        .open_key_cursor(query, Some(idb::CursorDirection::Prev))
        .map_err(failed)?;
    let Some(mut cursor) = cursor.await.map_err(failed)? else {
        return Ok(Vec::new());
    };
    let others = u32::try_from(limit.saturating_sub(1)).map_err(|_| StoreError::OutOfBounds)?;
    let mut first = Some(cursor.key().map_err(failed)?);
    if others > 0 {
        let advanced = cursor
            .advance(others)
            .map_err(failed)?
            .await
            .map_err(failed)?;
        first = match advanced {
            Some(advanced) => {
                cursor = advanced;
                Some(cursor.key().map_err(failed)?)
            }
            None => None,
        };
    }
    if let Some(first) = first {
        keys.lower = Some((from_js(&first), false));
    }
    let mut records = read(store, range(&keys)?, limit).await?;
    records.reverse();
    Ok(records)
}

/// The range in the browser's terms; `None` for all keys.
fn range(keys: &Keys) -> Result<Option<KeyRange>, StoreError> {
    let range = match (&keys.lower, &keys.upper) {
        (None, None) => return Ok(None),
        (Some((lower, open)), None) => KeyRange::lower_bound(&bytes(lower), Some(*open)),
        (None, Some(upper)) => KeyRange::upper_bound(&bytes(upper), Some(true)),
        (Some((lower, open)), Some(upper)) => {
            KeyRange::bound(&bytes(lower), &bytes(upper), Some(*open), Some(true))
        }
    };
    range.map(Some).map_err(failed)
}

/// Bytes as a key or a value.
fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// A key (which comes back as an `ArrayBuffer`) or a value as bytes.
fn from_js(value: &JsValue) -> Vec<u8> {
    Uint8Array::new(value).to_vec()
}

/// The name of the browser's error, without its text: enough to know it by, and nothing of what was stored.
fn failed(error: idb::Error) -> StoreError {
    let name = error_name(&error);
    strict::refusal(name.as_deref().unwrap_or("unknown error"))
}

/// The name of the exception inside an error, if there is one.
fn error_name(error: &idb::Error) -> Option<String> {
    use idb::Error;
    let value: &JsValue = match error {
        Error::DomException(exception) => exception,
        Error::AddFailed(value)
        | Error::ClearFailed(value)
        | Error::CursorAdvanceFailed(value)
        | Error::DeleteFailed(value)
        | Error::GetAllFailed(value)
        | Error::GetAllKeysFailed(value)
        | Error::GetFailed(value)
        | Error::IndexedDbNotFound(value)
        | Error::IndexedDbOpenFailed(value)
        | Error::KeyRangeCreateFailed(value)
        | Error::ObjectStoreCreateFailed(value)
        | Error::ObjectStoreNotFound(value)
        | Error::OpenKeyCursorFailed(value)
        | Error::UpdateFailed(value) => value,
        _ => return None,
    };
    let exception: &web_sys::DomException = value.dyn_ref()?;
    Some(exception.name())
}

impl Drop for IndexedDbStore {
    fn drop(&mut self) {
        self.database.close();
    }
}

impl fmt::Debug for IndexedDbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedDbStore").finish_non_exhaustive()
    }
}
