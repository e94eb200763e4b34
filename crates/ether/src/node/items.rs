//! The envelopes of a bucket in the order of a reconciliation: by day of expiry, then by id.
//!
//! The protocol addresses items by position and compares ranges by sums of ids. The shelf keeps count and sum for each
//! bucket, day and first byte of ids; from these a directory is made (at most 32 days of 256 cells, 500 KB), and only the
//! cell in which a range begins or ends is read, once for ranges that follow each other. So memory does not grow with what is
//! kept, but for a cell, 72 bytes for each envelope of a 256th of a day; and a range of a million costs no more than one of a thousand.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{self, Fields, kind};
use crate::{Bucket, Damaged, Day, EnvelopeId, MAX_DAYS_AHEAD, ShelfRead, ShelfTable};

/// How many records are read at once.
const AT_ONCE: usize = 1_024;

/// Day of expiry and id: the order of items.
pub(crate) type Item = (u64, [u8; 32]);

/// A sum of ids as little-endian numbers, modulo 2 to the power of 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum([u64; 4]);

impl Sum {
    /// The sum of one.
    pub fn of(id: &[u8; 32]) -> Self {
        let mut lanes = [0; 4];
        let (chunks, _) = id.as_chunks();
        for (lane, bytes) in lanes.iter_mut().zip(chunks) {
            *lane = u64::from_le_bytes(*bytes);
        }
        Self(lanes)
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let mut carry = false;
        let mut lanes = self.0;
        for (lane, other) in lanes.iter_mut().zip(other.0) {
            let (sum, first) = lane.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *lane = sum;
            carry = first || second;
        }
        Self(lanes)
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        // The complement, and one.
        let negative = Self(other.0.map(|lane| !lane)).plus(Self([1, 0, 0, 0]));
        self.plus(negative)
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.map(u64::to_le_bytes).concat()
    }
}

/// How many items, and their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub items: u32,
    pub sum: Sum,
}

impl Count {
    pub fn decode(value: &[u8]) -> Result<Self, Damaged> {
        let mut fields = Fields(value);
        Ok(Self {
            items: fields.short()?,
            sum: Sum::of(&fields.array()?),
        })
    }

    pub fn encode(self) -> Vec<u8> {
        [self.items.to_be_bytes().as_slice(), &self.sum.bytes()].concat()
    }
}

/// All items of one day whose ids begin with one byte.
#[derive(Debug, Clone, Copy)]
struct Cell {
    day: Day,
    first: u8,
    /// The position of its first item.
    start: usize,
    count: usize,
    /// The sum of everything before it.
    before: Sum,
}

impl Cell {
    fn end(&self) -> usize {
        self.start + self.count
    }

    fn order(&self) -> (u64, u8) {
        (u64::from(self.day.0), self.first)
    }
}

/// The items of a bucket and of all that overlaps it.
pub(crate) struct Items<'a, S: ShelfRead> {
    shelf: &'a S,
    cells: Vec<Cell>,
    shards: BTreeSet<Bucket>,
    size: usize,
    sum: Sum,
    /// The cell read last.
    read: Option<Read>,
    /// Where a sum ended last, and the sum of everything before: the next range begins there, most often.
    ended: (usize, Sum),
    records_read: usize,
}

/// A cell that was read.
struct Read {
    /// Its place in the directory.
    place: usize,
    cell: Cell,
    items: Vec<Item>,
    /// For each item, the sum of everything before it.
    before: Vec<Sum>,
}

impl<'a, S: ShelfRead> Items<'a, S> {
    /// What expires after `today`.
    pub fn read(shelf: &'a S, bucket: Bucket, today: Day) -> Result<Self, S::Error> {
        let mut counts: BTreeMap<(Day, u8), Count> = BTreeMap::new();
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
                    let (count, more) = (
                        counts.entry((day, fields.byte()?)).or_default(),
                        Count::decode(value)?,
                    );
                    count.items = count.items.saturating_add(more.items);
                    count.sum = count.sum.plus(more.sum);
                    Ok(())
                })?;
            }
        }
        let mut items = Self {
            shelf,
            cells: Vec::with_capacity(counts.len()),
            shards,
            size: 0,
            sum: Sum::default(),
            read: None,
            ended: (0, Sum::default()),
            records_read: 0,
        };
        for ((day, first), count) in counts {
            let cell = Cell {
                day,
                first,
                start: items.size,
                count: usize::try_from(count.items).map_err(|_| Damaged)?,
                before: items.sum,
            };
            items.size = cell.end();
            items.sum = items.sum.plus(count.sum);
            items.cells.push(cell);
        }
        Ok(items)
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many records of items were read so far; what a cell holds counts each time it is read, and the reading as one.
    pub fn records_read(&self) -> usize {
        self.records_read
    }

    /// The sum of the items of a range. Ranges one after another read each cell once.
    pub fn sum(&mut self, begin: usize, end: usize) -> Result<Sum, S::Error> {
        let before = match self.ended {
            (ended, sum) if ended == begin => sum,
            _ => self.sum_before(begin)?,
        };
        let sum = self.sum_before(end)?;
        self.ended = (end, sum);
        Ok(sum.minus(before))
    }

    /// The item at a position; `None` if there is none.
    pub fn item(&mut self, position: usize) -> Result<Option<Item>, S::Error> {
        let mut found = None;
        self.each(position, position.saturating_add(1), |_, item| {
            found = Some(*item);
            true
        })?;
        Ok(found)
    }

    /// Calls back with the items of a range, in order, while it is answered *true*.
    pub fn each(
        &mut self,
        begin: usize,
        end: usize,
        mut then: impl FnMut(usize, &Item) -> bool,
    ) -> Result<(), S::Error> {
        let first = self.cells.partition_point(|cell| cell.end() <= begin);
        let last = self.cells.partition_point(|cell| cell.start < end);
        for place in first..last {
            let Some(Read { cell, items, .. }) = self.cell(place)? else {
                break;
            };
            let skipped = begin.saturating_sub(cell.start);
            for (position, item) in (cell.start..).zip(items).skip(skipped) {
                if position >= end || !then(position, item) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The first position in a range whose item is not below this one; the range's end if there is none.
    pub fn lower_bound(
        &mut self,
        first: usize,
        last: usize,
        sought: &Item,
    ) -> Result<usize, S::Error> {
        let (day, [byte, ..]) = sought;
        let place = self
            .cells
            .partition_point(|cell| cell.order() < (*day, *byte));
        let position = match self.cells.get(place) {
            None => self.size,
            Some(cell) if cell.order() > (*day, *byte) => cell.start,
            Some(_) => match self.cell(place)? {
                Some(Read { cell, items, .. }) => {
                    cell.start + items.partition_point(|item| item < sought)
                }
                None => self.size,
            },
        };
        Ok(position.min(last).max(first))
    }

    fn sum_before(&mut self, position: usize) -> Result<Sum, S::Error> {
        let place = self.cells.partition_point(|cell| cell.end() <= position);
        match self.cells.get(place) {
            None => Ok(self.sum),
            Some(cell) if cell.start == position => Ok(cell.before),
            Some(_) => Ok(match self.cell(place)? {
                Some(Read { cell, before, .. }) => {
                    let sum = before.get(position - cell.start);
                    sum.copied().ok_or(Damaged)?
                }
                None => self.sum,
            }),
        }
    }

    /// A cell and its items.
    fn cell(&mut self, place: usize) -> Result<Option<&Read>, S::Error> {
        let Some(cell) = self.cells.get(place).copied() else {
            return Ok(None);
        };
        if self.read.as_ref().is_none_or(|read| read.place != place) {
            self.records_read += cell.count + self.shards.len();
            let items = self.items(&cell)?;
            let mut sum = cell.before;
            let before = items.iter().map(|(_, id)| {
                let before = sum;
                sum = sum.plus(Sum::of(id));
                before
            });
            self.read = Some(Read {
                place,
                cell,
                before: before.collect(),
                items,
            });
        }
        Ok(self.read.as_ref())
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
                let EnvelopeId(id) = fields.id()?;
                items.push((u64::from(day.0), id));
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

/// Calls back with every entry of [`ShelfTable::Days`] in a range.
fn each<S: ShelfRead>(
    shelf: &S,
    mut from: Vec<u8>,
    to: &[u8],
    mut then: impl FnMut(&[u8], &[u8]) -> Result<(), Damaged>,
) -> Result<(), S::Error> {
    loop {
        let entries = shelf.range(ShelfTable::Days, &from, Some(to), AT_ONCE)?;
        for (key, value) in &entries {
            then(key, value)?;
        }
        match entries.last() {
            Some((last, _)) if entries.len() == AT_ONCE => {
                from = [last.as_slice(), &[0]].concat();
            }
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_carry_goes_through_every_lane_and_falls_off_the_end() {
        let one = Sum([1, 0, 0, 0]);
        assert_eq!(Sum([u64::MAX; 4]).plus(one), Sum::default());
        assert_eq!(Sum([u64::MAX, u64::MAX, 7, 0]).plus(one), Sum([0, 0, 8, 0]));
        assert_eq!(Sum::default().minus(one), Sum([u64::MAX; 4]));
    }

    proptest! {
        #[test]
        fn what_is_added_can_be_taken_away(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            let (a, b) = (Sum::of(&a), Sum::of(&b));
            prop_assert_eq!(a.plus(b).minus(b), a);
            prop_assert_eq!(a.plus(b), b.plus(a));
        }
    }
}
