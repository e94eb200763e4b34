//! A shelf in memory, for tests and the simulator.

use std::{cell::Cell, collections::BTreeMap, ops::Bound};

use thiserror::Error;

use crate::shelf::{Damaged, Entry, Shelf, ShelfRead, ShelfTable};

/// Why a shelf in memory fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// It was told to: see [`MemoryShelf::fail_after`].
    #[error("the shelf was told to fail")]
    Told,
    /// See [`Damaged`].
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// Ordered tables in memory. What was written since the last [`MemoryShelf::commit`] can be taken back.
///
/// Memory grows with what is held: this is no shelf for a relay.
#[derive(Debug, Clone, Default)]
pub struct MemoryShelf {
    tables: BTreeMap<ShelfTable, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// What stood there before each change since the last commit, oldest first.
    before: Vec<(ShelfTable, Vec<u8>, Option<Vec<u8>>)>,
    /// How many operations still succeed; `None`: all.
    left: Cell<Option<u64>>,
    operations: Cell<u64>,
}

impl MemoryShelf {
    /// One with nothing on it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes everything written so far durable, as a commit to a disk does.
    pub fn commit(&mut self) {
        self.before.clear();
    }

    /// Takes back everything since the last commit, as a crash or an aborted transaction does, and fails no more.
    pub fn rollback(&mut self) {
        while let Some((table, key, before)) = self.before.pop() {
            let table = self.tables.entry(table).or_default();
            match before {
                Some(value) => table.insert(key, value),
                None => table.remove(&key),
            };
        }
        self.left.set(None);
    }

    /// Everything as it stands, for a later comparison or to go back to.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        self.clone()
    }

    /// Lets so many operations more succeed; all later ones fail, until [`MemoryShelf::rollback`].
    pub fn fail_after(&self, operations: u64) {
        self.left.set(Some(operations));
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// How many entries a table has.
    pub fn len(&self, table: ShelfTable) -> usize {
        self.tables.get(&table).map_or(0, BTreeMap::len)
    }

    /// Whether nothing is on it.
    pub fn is_empty(&self) -> bool {
        self.tables.values().all(BTreeMap::is_empty)
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        let entries = self.tables.values().flatten();
        entries.map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Whether both hold the same, whatever was committed.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        ShelfTable::ALL.into_iter().all(|table| {
            let entries = |shelf: &Self| shelf.tables.get(&table).cloned().unwrap_or_default();
            entries(self) == entries(other)
        })
    }

    fn operate(&self) -> Result<(), MemoryError> {
        match self.left.get() {
            Some(0) => return Err(MemoryError::Told),
            Some(left) => self.left.set(Some(left - 1)),
            None => {}
        }
        self.operations.set(self.operations.get() + 1);
        Ok(())
    }

    fn change(&mut self, table: ShelfTable, key: &[u8], value: Option<&[u8]>) {
        let entries = self.tables.entry(table).or_default();
        let before = match value {
            Some(value) => entries.insert(key.to_vec(), value.to_vec()),
            None => entries.remove(key),
        };
        self.before.push((table, key.to_vec(), before));
    }
}

impl ShelfRead for MemoryShelf {
    type Error = MemoryError;

    fn get(&self, table: ShelfTable, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError> {
        self.operate()?;
        Ok(self
            .tables
            .get(&table)
            .and_then(|entries| entries.get(key))
            .cloned())
    }

    fn range(
        &self,
        table: ShelfTable,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Entry>, MemoryError> {
        self.operate()?;
        if to.is_some_and(|to| to <= from) {
            return Ok(Vec::new());
        }
        let bounds = (
            Bound::Included(from),
            to.map_or(Bound::Unbounded, Bound::Excluded),
        );
        Ok(self
            .tables
            .get(&table)
            .into_iter()
            .flat_map(|entries| entries.range::<[u8], _>(bounds))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }
}

impl Shelf for MemoryShelf {
    fn put(&mut self, table: ShelfTable, key: &[u8], value: &[u8]) -> Result<(), MemoryError> {
        self.operate()?;
        self.change(table, key, Some(value));
        Ok(())
    }

    fn delete(&mut self, table: ShelfTable, key: &[u8]) -> Result<(), MemoryError> {
        self.operate()?;
        self.change(table, key, None);
        Ok(())
    }
}
