//! The node's shelf on disk: one [redb](https://docs.rs/redb) file.
//!
//! - One B-tree holds all of the node's tables, each key with the table's number in front, so that a transaction opens nothing more
//!   than that. A second one holds *tails*: the pages of a B-tree are powers of two, and so are envelopes; whole they would each take
//!   twice their size. So a long value is cut where it fills a page, and the rest stands, many to a page, under the same key.
//! - Every commit waits for the disk. It is written in two phases and with the state of the allocator: a process that is killed at
//!   any moment opens the file at once and finds the last commit whole, whatever strangers have put into it.
//!
//! The file never shrinks: what is freed is used again.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::Path;

use komrade_ether::shelf::{Damaged, Entry, Shelf, ShelfRead, ShelfTable};
use redb::backends::FileBackend;
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, Table,
    TableDefinition, WriteTransaction,
};

use crate::data;

/// The file in the data folder.
pub(crate) const FILE: &str = "cache.redb";

const SHELF: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("shelf");
const TAILS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("tails");

/// In front of a value that stands in one piece.
const WHOLE: u8 = 0;
/// In front of one whose tail stands elsewhere.
const CUT: u8 = 1;
/// Values are cut from this length on; below, several share a page.
const LONG_BYTES: usize = 2048;
/// What a page needs beside the head of a value: its key, and what redb notes of both.
const PAGE_NOTES_BYTES: usize = 96;

/// With which a file of redb begins, once it is ready.
const MAGIC_BYTES: usize = 9;
/// Its first page.
const FIRST_PAGE_BYTES: usize = 4096;
/// Longer than a file that redb has only begun.
const MOST_UNUSED: u64 = 16 * 1024 * 1024;

/// Why the shelf fails. Holds nothing of what stands on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShelfError {
    /// The file system, with what it says.
    #[error("the file system: {0}")]
    Io(io::ErrorKind),
    /// Another process has the file open.
    #[error("another relay uses it")]
    InUse,
    /// The file holds something else, or what it held is damaged.
    #[error("the file is damaged or something else")]
    Damaged,
    /// Something failed before, so it must be opened anew.
    #[error("it must be opened anew")]
    Closed,
    /// A mistake in the code ended a transaction.
    #[error("a mistake in the program; please report it")]
    Interrupted,
}

impl ShelfError {
    /// The disk has no room.
    pub(crate) fn is_full(self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Self::Io(StorageFull | QuotaExceeded | FileTooLarge))
    }
}

impl From<Damaged> for ShelfError {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl From<io::Error> for ShelfError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

impl From<redb::Error> for ShelfError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
                Self::Io(error.kind())
            }
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::PreviousIo | redb::Error::LockPoisoned(_) => Self::Closed,
            _ => Self::Damaged,
        }
    }
}

/// So that `?` reaches from each of redb's errors to ours.
macro_rules! from_redb {
    ($($error:ident),+) => { $(
        impl From<redb::$error> for ShelfError {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )+ };
}
from_redb!(
    CommitError,
    DatabaseError,
    StorageError,
    TableError,
    TransactionError
);

/// The file, opened.
pub(crate) struct Cabinet(Database);

impl Cabinet {
    /// Opens the file in the data folder; makes it if it is missing, readable by its owner only. `memory` is what redb keeps of
    /// it, in bytes.
    ///
    /// It is made under another name, so that a process that is killed meanwhile leaves nothing that can never be opened again.
    pub(crate) fn open(folder: &Path, memory: usize) -> Result<Self, ShelfError> {
        let path = folder.join(FILE);
        if is_begun(&path)? {
            return Self::at(open_private(&path)?, memory);
        }
        let fresh = path.with_extension("new");
        let file = open_private(&fresh)?;
        // Whoever is about to make it, too, holds its lock.
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ShelfError::InUse,
            TryLockError::Error(error) => error.into(),
        })?;
        if is_begun(&path)? {
            return Err(ShelfError::InUse);
        }
        file.set_len(0)?;
        file.unlock()?;
        let cabinet = Self::at(file, memory)?;
        fs::rename(&fresh, &path)?;
        data::sync_folder(&path)?;
        Ok(cabinet)
    }

    fn at(file: File, memory: usize) -> Result<Self, ShelfError> {
        let database = Database::builder()
            .set_cache_size(memory)
            .create_with_backend(FileBackend::new(file)?)?;
        let cabinet = Self(database);
        // So that both tables are there to be read. Once they are, nothing has to be written: there may be no room.
        if cabinet.read().is_err() {
            let writing = cabinet.write()?;
            drop(writing.shelf()?);
            writing.commit()?;
        }
        Ok(cabinet)
    }

    /// Begins a transaction; there is one at a time. Dropped, it is undone.
    pub(crate) fn write(&self) -> Result<Writing, ShelfError> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_quick_repair(true);
        Ok(Writing(transaction))
    }

    /// What was committed last.
    pub(crate) fn read(&self) -> Result<Reading, ShelfError> {
        let transaction: ReadTransaction = self.0.begin_read()?;
        Ok(Reading(Tables {
            shelf: transaction.open_table(SHELF)?,
            tails: transaction.open_table(TAILS)?,
            has_changed: false,
        }))
    }
}

/// Whether the file was ever used: a new one is all zeros, but for its first page, and says only then what it is.
fn is_begun(path: &Path) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let length = file.metadata()?.len();
    if length > MOST_UNUSED {
        return Ok(true);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let is_magic = |place: usize| place < MAGIC_BYTES;
    let is_used = |place: usize| is_magic(place) || place >= FIRST_PAGE_BYTES;
    let mut bytes = bytes.iter().enumerate();
    Ok(bytes.any(|(place, byte)| *byte != 0 && is_used(place)))
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A transaction.
pub(crate) struct Writing(WriteTransaction);

impl Writing {
    /// The shelf within the transaction.
    pub(crate) fn shelf(&self) -> Result<WritingShelf<'_>, ShelfError> {
        Ok(Tables {
            shelf: self.0.open_table(SHELF)?,
            tails: self.0.open_table(TAILS)?,
            has_changed: false,
        })
    }

    /// Returns once everything is on the disk.
    pub(crate) fn commit(self) -> Result<(), ShelfError> {
        Ok(self.0.commit()?)
    }
}

/// Both tables of a transaction.
pub(crate) struct Tables<T> {
    shelf: T,
    tails: T,
    has_changed: bool,
}

/// A shelf in a transaction.
pub(crate) type WritingShelf<'t> = Tables<Table<'t, &'static [u8], &'static [u8]>>;

/// A shelf as it was committed last.
pub(crate) struct Reading(Tables<ReadOnlyTable<&'static [u8], &'static [u8]>>);

impl<T: ReadableTable<&'static [u8], &'static [u8]>> Tables<T> {
    /// The value whose first part stands under this key.
    fn whole(&self, key: &[u8], head: &[u8]) -> Result<Vec<u8>, ShelfError> {
        let (mark, head) = head.split_first().ok_or(ShelfError::Damaged)?;
        if *mark == WHOLE {
            return Ok(head.to_vec());
        }
        let tail = self.tails.get(key)?.ok_or(ShelfError::Damaged)?;
        Ok([head, tail.value()].concat())
    }
}

impl<T: ReadableTable<&'static [u8], &'static [u8]>> ShelfRead for Tables<T> {
    type Error = ShelfError;

    fn get(&self, table: ShelfTable, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        let key = full_key(table, key);
        let head = self.shelf.get(key.as_slice())?;
        head.map(|head| self.whole(&key, head.value())).transpose()
    }

    fn range(
        &self,
        table: ShelfTable,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Entry>, ShelfError> {
        let from = full_key(table, from);
        let to = to.map_or_else(|| vec![table as u8 + 1], |to| full_key(table, to));
        if to <= from {
            return Ok(Vec::new());
        }
        let entries = self.shelf.range(from.as_slice()..to.as_slice())?;
        let entries = entries.take(limit).map(|entry| {
            let (key, head) = entry?;
            let value = self.whole(key.value(), head.value())?;
            let key = key.value().get(1..).unwrap_or_default().to_vec();
            Ok((key, value))
        });
        entries.collect()
    }
}

impl WritingShelf<'_> {
    /// Something was written, so that a commit has something to do.
    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl Shelf for WritingShelf<'_> {
    fn put(&mut self, table: ShelfTable, key: &[u8], value: &[u8]) -> Result<(), ShelfError> {
        self.has_changed = true;
        let key = full_key(table, key);
        let (head, tail) = cut(value);
        let mark = if tail.is_empty() { WHOLE } else { CUT };
        let head = [&[mark], head].concat();
        let before = self.shelf.insert(key.as_slice(), head.as_slice())?;
        let was_cut = before.is_some_and(|before| before.value().first() == Some(&CUT));
        if mark == CUT {
            self.tails.insert(key.as_slice(), tail)?;
        } else if was_cut {
            self.tails.remove(key.as_slice())?;
        }
        Ok(())
    }

    fn delete(&mut self, table: ShelfTable, key: &[u8]) -> Result<(), ShelfError> {
        self.has_changed = true;
        let key = full_key(table, key);
        let before = self.shelf.remove(key.as_slice())?;
        let was_cut = before.is_some_and(|before| before.value().first() == Some(&CUT));
        if was_cut {
            self.tails.remove(key.as_slice())?;
        }
        Ok(())
    }
}

impl ShelfRead for Reading {
    type Error = ShelfError;

    fn get(&self, table: ShelfTable, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.0.get(table, key)
    }

    fn range(
        &self,
        table: ShelfTable,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Entry>, ShelfError> {
        self.0.range(table, from, to, limit)
    }
}

fn full_key(table: ShelfTable, key: &[u8]) -> Vec<u8> {
    [&[table as u8], key].concat()
}

/// What of a value stands in a page of its own, and the rest.
fn cut(value: &[u8]) -> (&[u8], &[u8]) {
    if value.len() < LONG_BYTES {
        return (value, &[]);
    }
    let page = 1 << value.len().ilog2();
    value.split_at(value.len().min(page - PAGE_NOTES_BYTES))
}

#[cfg(test)]
mod tests;
