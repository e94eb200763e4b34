//! A store in memory: for tests, and for peers that keep nothing.
//!
//! It can fail on purpose, like a device that loses power ([`MemoryStore::cut`]) or has no room
//! ([`MemoryStore::refuse`]), at any commit and on either side of it.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Batch, Change, Lease, LeaseOutcome, Query, Record, SCHEMA, Store, StoreError, Table,
    lease::Kept,
};

/// A store in memory. Clones share the same data, so that one can be kept while another is "killed".
#[derive(Clone, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
}

struct Data {
    schema: u32,
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
    lease: Option<Kept>,
    /// Commits that took effect.
    commits: u64,
    planned: Option<(u64, Failure)>,
    /// Cut: nothing works until [`MemoryStore::reopen`].
    dead: bool,
}

enum Failure {
    Cut(Cut),
    Refuse(StoreError),
}

/// On which side of a commit the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The batch is lost.
    Before,
    /// The batch is kept, but whoever committed it does not learn so.
    After,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            tables: BTreeMap::new(),
            lease: None,
            commits: 0,
            planned: None,
            dead: false,
        }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the same data again, as after a restart: undoes a cut.
    pub fn reopen(&self) -> Result<Self, StoreError> {
        let mut data = self.lock();
        if data.schema > SCHEMA {
            return Err(StoreError::NewerSchema {
                found: data.schema,
                expected: SCHEMA,
            });
        }
        data.dead = false;
        drop(data);
        Ok(self.clone())
    }

    /// How many commits took effect so far.
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// Lets so many more commits succeed; then the power goes, and every call fails until
    /// [`MemoryStore::reopen`].
    pub fn cut(&self, after_commits: u64, cut: Cut) {
        self.lock().planned = Some((after_commits, Failure::Cut(cut)));
    }

    /// Lets so many more commits succeed; the next one is refused with this error, and later ones succeed again.
    pub fn refuse(&self, after_commits: u64, error: StoreError) {
        self.lock().planned = Some((after_commits, Failure::Refuse(error)));
    }

    /// Whether a planned cut has happened.
    pub fn is_cut(&self) -> bool {
        self.lock().dead
    }

    /// Everything that is kept, in order: what somebody finds who takes the device.
    pub fn records(&self) -> Vec<(Table, Record)> {
        let mut records = Vec::new();
        self.visit(|table, key, value| {
            let (key, value) = (key.to_vec(), value.to_vec());
            records.push((table, Record { key, value }));
        });
        records
    }

    /// Shows everything that is kept, in order: table, key, value.
    pub fn visit(&self, mut look: impl FnMut(Table, &[u8], &[u8])) {
        for (table, records) in &self.lock().tables {
            for (key, value) in records {
                look(*table, key, value);
            }
        }
    }

    /// Pretends that another version wrote the data.
    #[cfg(feature = "testing")]
    pub fn set_schema(&self, schema: u32) {
        self.lock().schema = schema;
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        // Every change under the lock is complete before anything can panic.
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Result<MutexGuard<'_, Data>, StoreError> {
        let data = self.lock();
        if data.dead {
            Err(power_lost())
        } else {
            Ok(data)
        }
    }
}

fn power_lost() -> StoreError {
    StoreError::Failed("the power is gone".to_owned())
}

impl Data {
    fn commit(&mut self, lease: Lease, batch: &Batch) -> Result<(), StoreError> {
        if !self.lease.is_some_and(|kept| kept.allows(lease)) {
            return Err(StoreError::LeaseLost);
        }
        match self.planned.take() {
            None => {}
            Some((0, Failure::Refuse(error))) => return Err(error),
            Some((0, Failure::Cut(cut))) => {
                self.dead = true;
                if cut == Cut::After {
                    self.apply(batch);
                }
                return Err(power_lost());
            }
            Some((commits, failure)) => self.planned = Some((commits - 1, failure)),
        }
        self.apply(batch);
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) {
        self.commits += 1;
        for change in &batch.changes {
            match change {
                Change::Put(table, Record { key, value }) => {
                    self.tables
                        .entry(*table)
                        .or_default()
                        .insert(key.clone(), value.clone());
                }
                Change::Delete(table, key) => {
                    self.tables.entry(*table).or_default().remove(key);
                }
                Change::Clear => self.tables.clear(),
            }
        }
    }

    fn read(&self, query: &Query) -> Vec<Record> {
        let (Some(keys), Some(table)) = (query.keys(), self.tables.get(&query.table)) else {
            return Vec::new();
        };
        let lower = match keys.lower {
            None => Bound::Unbounded,
            Some((key, false)) => Bound::Included(key),
            Some((key, true)) => Bound::Excluded(key),
        };
        let upper = keys.upper.map_or(Bound::Unbounded, Bound::Excluded);
        let range = table.range((lower, upper));
        let record = |(key, value): (&Vec<u8>, &Vec<u8>)| Record {
            key: key.clone(),
            value: value.clone(),
        };
        if query.descending {
            range.rev().take(query.limit).map(record).collect()
        } else {
            range.take(query.limit).map(record).collect()
        }
    }
}

impl Store for MemoryStore {
    async fn lease(
        &self,
        owner: [u8; 16],
        now: u64,
        force: bool,
    ) -> Result<LeaseOutcome, StoreError> {
        let mut data = self.alive()?;
        let (kept, outcome) = Kept::take(data.lease, owner, now, force);
        data.lease = kept;
        Ok(outcome)
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let mut data = self.alive()?;
        if let Some(kept) = Kept::release(data.lease, lease) {
            data.lease = Some(kept);
        }
        Ok(())
    }

    async fn commit(&self, lease: Lease, batch: &Batch) -> Result<(), StoreError> {
        batch.check()?;
        self.alive()?.commit(lease, batch)
    }

    async fn read(&self, query: &Query) -> Result<Vec<Record>, StoreError> {
        query.check()?;
        Ok(self.alive()?.read(query))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
