//! The envelopes of a bucket in the order of a reconciliation: by day of expiry, then by id.
//!
//! The protocol addresses items by position. The shelf keeps a count for each bucket, day and first byte of ids; from
//! these a small directory is made (at most 33 days of 256 cells), and only the cell that is asked for is read. So
//! neither memory nor the time to find a position grows with what is kept, but for a cell, a 256th of a day.

use std::{
    cell::{Cell as Slot, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use negentropy::{Bound, Error, Id, Item, NegentropyStorageBase};

use super::keys::{self, Fields, kind};
use crate::{Bucket, Damaged, Day, MAX_DAYS_AHEAD, ShelfRead, ShelfTable};

/// How many counts are read at once.
const COUNTS_AT_ONCE: usize = 1_024;

/// All items of one day whose ids begin with one byte.
#[derive(Debug, Clone, Copy)]
struct Cell {
    day: Day,
    first: u8,
    /// The position of its first item.
    start: usize,
    count: usize,
}

/// The items of a bucket and of all that overlaps it.
pub(crate) struct Items<'a, S: ShelfRead> {
    shelf: &'a S,
    cells: Vec<Cell>,
    shards: BTreeSet<Bucket>,
    size: usize,
    /// The cell read last, by its place in the directory.
    read: RefCell<Option<(usize, Vec<Item>)>>,
    /// Why the shelf failed: the protocol's errors cannot carry it.
    failure: Slot<Option<S::Error>>,
}

impl<'a, S: ShelfRead> Items<'a, S> {
    /// What expires after `today`.
    pub fn read(shelf: &'a S, bucket: Bucket, today: Day) -> Result<Self, S::Error> {
        let mut counts = BTreeMap::new();
        let mut shards = BTreeSet::new();
        for ahead in 1..=MAX_DAYS_AHEAD {
            let day = today.plus(ahead);
            for codes in bucket.overlapping() {
                let from = keys::day(day, kind::COUNT, &[&codes.start().to_be_bytes()]);
                let to = keys::day(day, kind::COUNT, &[&codes.end().to_be_bytes(), &[0xff; 2]]);
                each(shelf, from, &to, |key, value| {
                    let mut fields = Fields(key);
                    let (day, _, shard) = (fields.day()?, fields.byte()?, fields.bucket()?);
                    shards.insert(shard);
                    *counts.entry((day, fields.byte()?)).or_insert(0) +=
                        usize::try_from(Fields(value).short()?).map_err(|_| Damaged)?;
                    Ok(())
                })?;
            }
        }
        let mut size = 0;
        let place = |((day, first), count)| {
            let start = size;
            size += count;
            Cell {
                day,
                first,
                start,
                count,
            }
        };
        let cells = counts.into_iter().map(place).collect();
        Ok(Self {
            shelf,
            cells,
            shards,
            size,
            read: RefCell::new(None),
            failure: Slot::new(None),
        })
    }

    /// Why the shelf failed, if it did.
    pub fn failure(&self) -> Option<S::Error> {
        self.failure.take()
    }

    /// Calls back with the items of a cell.
    fn with_cell<T>(&self, place: usize, then: impl FnOnce(&[Item]) -> T) -> Result<T, Error> {
        let mut read = self.read.borrow_mut();
        if read.as_ref().is_none_or(|(held, _)| *held != place) {
            let cell = self.cells.get(place).ok_or(Error::BadRange)?;
            let items = self.items(cell).map_err(|error| {
                self.failure.set(Some(error));
                Error::BadRange
            })?;
            *read = Some((place, items));
        }
        let (_, items) = read.as_ref().ok_or(Error::BadRange)?;
        Ok(then(items))
    }

    fn items(&self, cell: &Cell) -> Result<Vec<Item>, S::Error> {
        let mut items = Vec::with_capacity(cell.count);
        for shard in &self.shards {
            let start = [keys::bucket(*shard).as_slice(), &[cell.first]].concat();
            let from = keys::day(cell.day, kind::ITEM, &[&start]);
            let to = keys::day(cell.day, kind::ITEM, &[&start, &[0xff; 32]]);
            each(self.shelf, from, &to, |key, _| {
                let mut fields = Fields(key);
                let (day, _, _) = (fields.day()?, fields.byte()?, fields.bucket()?);
                items.push(item(day, fields.array()?));
                Ok(())
            })?;
        }
        if items.len() != cell.count {
            return Err(Damaged.into());
        }
        items.sort_unstable();
        Ok(items)
    }
}

impl<S: ShelfRead> NegentropyStorageBase for Items<'_, S> {
    fn size(&self) -> Result<usize, Error> {
        Ok(self.size)
    }

    fn get_item(&self, position: usize) -> Result<Option<Item>, Error> {
        let mut found = None;
        if position < self.size {
            self.iterate(position, position + 1, &mut |item, _| {
                found = Some(item);
                Ok(false)
            })?;
        }
        Ok(found)
    }

    fn iterate(
        &self,
        begin: usize,
        end: usize,
        callback: &mut dyn FnMut(Item, usize) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if begin > end || end > self.size {
            return Err(Error::BadRange);
        }
        let first = self
            .cells
            .partition_point(|cell| cell.start + cell.count <= begin);
        for (place, cell) in self.cells.iter().enumerate().skip(first) {
            if cell.start >= end {
                break;
            }
            let goes_on = self.with_cell(place, |items| {
                let positions = cell.start..;
                for (position, item) in positions.zip(items) {
                    if position >= end {
                        return Ok(false);
                    }
                    if position >= begin && !callback(*item, position)? {
                        return Ok(false);
                    }
                }
                Ok::<_, Error>(true)
            })??;
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    fn find_lower_bound(&self, first: usize, last: usize, value: &Bound) -> usize {
        let [byte, ..] = value.item.id.to_bytes();
        let sought = (value.item.timestamp, byte);
        let place = self
            .cells
            .partition_point(|cell| (u64::from(cell.day.0), cell.first) < sought);
        let position = match self.cells.get(place) {
            None => self.size,
            Some(cell) if (u64::from(cell.day.0), cell.first) > sought => cell.start,
            // A failure is remembered, and everything that follows it is thrown away.
            Some(cell) => self
                .with_cell(place, |items| {
                    cell.start + items.partition_point(|item| *item < value.item)
                })
                .unwrap_or(last),
        };
        position.clamp(first, last.max(first))
    }
}

/// An item as both sides order it.
pub(crate) fn item(expiry: Day, id: [u8; 32]) -> Item {
    Item::with_timestamp_and_id(u64::from(expiry.0), Id::from_byte_array(id))
}

/// Calls back with every entry of [`ShelfTable::Days`] in a range.
fn each<S: ShelfRead>(
    shelf: &S,
    mut from: Vec<u8>,
    to: &[u8],
    mut then: impl FnMut(&[u8], &[u8]) -> Result<(), Damaged>,
) -> Result<(), S::Error> {
    loop {
        let entries = shelf.range(ShelfTable::Days, &from, Some(to), COUNTS_AT_ONCE)?;
        for (key, value) in &entries {
            then(key, value)?;
        }
        match entries.last() {
            Some((last, _)) if entries.len() == COUNTS_AT_ONCE => {
                from = [last.as_slice(), &[0]].concat();
            }
            _ => return Ok(()),
        }
    }
}
