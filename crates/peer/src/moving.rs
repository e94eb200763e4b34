//! A vault that travels: what leaves here as the parts of one file, and how such a file is taken in.
//!
//! The file is a prelude, then parts, each with its length before it (`komrade_crypto::vault`). A
//! part holds records of one table as they stand in the store: number of the table (1), then of each
//! record the length of its key (1), the length of its value (4), key and value. Everything goes,
//! ratchets included, but for the replicas of others' envelopes, which are many and can be had again.
//!
//! Leaving ([`Making`]): a page of the store → a part → the screens, which put the file together.
//! Arriving ([`Bringing`]): the engine says which bytes of the file it wants next, opens them, and
//! gives the records to be kept.

use komrade_crypto::vault::{
    FileKey, Header, MasterKey, PART_OVERHEAD_BYTES, PRELUDE_BYTES, Prelude, PreludeError,
};
use komrade_store::{MAX_BATCH_CHANGES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Query, Record, Table};
use komrade_view::{Answer, Refusal, Secret};
use rand_core::CryptoRng;

use crate::{keys, limits, records::Damaged, upkeep::SEALED};

/// The length of a part stands before it.
const LENGTH_BYTES: usize = 4;
/// The longest sealed part.
const MAX_SEALED: usize = limits::PART_BYTES + PART_OVERHEAD_BYTES;
/// Length of a key and of a value.
const RECORD_BYTES: usize = 1 + 4;

const _: () = assert!(limits::PART_BYTES > 1 + RECORD_BYTES + MAX_KEY_BYTES + MAX_VALUE_BYTES);
/// With one change before them they are a batch.
const _: () = assert!(limits::PART_RECORDS < MAX_BATCH_CHANGES);

// --- leaving ------------------------------------------------------------------------------------

/// A file being made.
pub(crate) struct Making {
    key: FileKey,
    /// Until it was handed out.
    prelude: Option<Vec<u8>>,
    /// Of the next part.
    number: u32,
    /// Index into [`SEALED`], and the last key of it that was taken.
    table: usize,
    above: Option<Vec<u8>>,
    /// The read under way, and the command that waits for it.
    pub(crate) asked: Option<(u64, u32)>,
}

impl Making {
    /// From the beginning, under a key that no file had before.
    pub(crate) fn new(header: &Header, master: &MasterKey, rng: &mut dyn CryptoRng) -> Self {
        let prelude = Prelude::new(header.clone(), rng);
        Self {
            key: prelude.key(master),
            prelude: Some(prelude.encode()),
            number: 0,
            table: 0,
            above: None,
            asked: None,
        }
    }

    /// Every part was handed out.
    pub(crate) fn is_done(&self) -> bool {
        self.table == SEALED.len()
    }

    /// What the next part is made of; `None` if there is none.
    pub(crate) fn query(&self) -> Option<Query> {
        let table = *SEALED.get(self.table)?;
        Some(Query {
            table,
            prefix: Vec::new(),
            above: self.above.clone(),
            below: (table == Table::Waiting).then(|| vec![keys::REPLICA_INDEX]),
            descending: false,
            limit: limits::PART_RECORDS,
        })
    }

    /// The next part, of what was read.
    pub(crate) fn part(&mut self, records: &[Record]) -> Result<Answer, Refusal> {
        let table = *SEALED.get(self.table).ok_or(Refusal::OutOfBounds)?;
        let mut room = limits::PART_BYTES - 1;
        let fits = |record: &&Record| {
            let bytes = RECORD_BYTES + record.key.len() + record.value.len();
            room.checked_sub(bytes).map(|left| room = left).is_some()
        };
        let taken = records.iter().take_while(fits).count();
        let taken = records.get(..taken).unwrap_or_default();
        // How many replicas there are says nothing where they are not.
        let stays = |record: &Record| table == Table::Own && record.key == keys::REPLICAS;
        let part = write_part(table, taken.iter().filter(|record| !stays(record)));
        let part = part.ok_or(Refusal::OutOfBounds)?;
        self.above = taken.last().map(|record| record.key.clone());
        if taken.len() == records.len() && records.len() < limits::PART_RECORDS {
            self.table += 1;
            self.above = None;
        }
        let is_last = self.is_done();
        let sealed = self.key.seal(self.number, is_last, &part);
        let sealed = sealed.map_err(|_| Refusal::OutOfBounds)?;
        self.number = self.number.checked_add(1).ok_or(Refusal::OutOfBounds)?;
        let mut bytes = self.prelude.take().unwrap_or_default();
        let length = u32::try_from(sealed.len()).map_err(|_| Refusal::OutOfBounds)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&sealed);
        Ok(Answer::Part { bytes, is_last })
    }
}

/// A part; `None` if a record is out of the store's bounds.
pub(crate) fn write_part<'a>(
    table: Table,
    records: impl IntoIterator<Item = &'a Record>,
) -> Option<Vec<u8>> {
    let mut part = vec![table as u8];
    for Record { key, value } in records {
        part.push(u8::try_from(key.len()).ok()?);
        part.extend_from_slice(&u32::try_from(value.len()).ok()?.to_be_bytes());
        part.extend_from_slice(key);
        part.extend_from_slice(value);
    }
    Some(part)
}

/// The records of a part, and their table.
pub(crate) fn read_part(part: &[u8]) -> Result<(Table, Vec<Record>), Damaged> {
    let (number, mut rest) = part.split_first().ok_or(Damaged)?;
    let table = SEALED.into_iter().find(|table| *table as u8 == *number);
    let table = table.ok_or(Damaged)?;
    let mut records = Vec::new();
    while let Some((key_length, after)) = rest.split_first() {
        let (value_length, after) = after.split_first_chunk().ok_or(Damaged)?;
        let key_length = usize::from(*key_length);
        let value_length =
            usize::try_from(u32::from_be_bytes(*value_length)).map_err(|_| Damaged)?;
        let fits = (1..=MAX_KEY_BYTES).contains(&key_length) && value_length <= MAX_VALUE_BYTES;
        if !fits || records.len() >= limits::PART_RECORDS {
            return Err(Damaged);
        }
        let (key, after) = after.split_at_checked(key_length).ok_or(Damaged)?;
        let (value, after) = after.split_at_checked(value_length).ok_or(Damaged)?;
        let (key, value) = (key.to_vec(), value.to_vec());
        records.push(Record { key, value });
        rest = after;
    }
    Ok((table, records))
}

// --- arriving -----------------------------------------------------------------------------------

/// A file of which nothing was read but its size.
pub(crate) struct Bringing {
    passphrase: Secret,
    size: u64,
}

/// A file whose passphrase is being stretched.
pub(crate) struct Begun {
    prelude: Prelude,
    size: u64,
    length: u32,
}

/// A file that opens, on its way in.
pub(crate) struct Arriving {
    pub(crate) header: Header,
    pub(crate) master: MasterKey,
    key: FileKey,
    size: u64,
    /// Of the next part: its number, where it begins, how long it is.
    number: u32,
    from: u64,
    length: u32,
}

/// What a part brought.
pub(crate) struct Brought {
    pub(crate) table: Table,
    pub(crate) records: Vec<Record>,
    /// Nothing was kept before it.
    pub(crate) is_first: bool,
    /// Nothing comes after it.
    pub(crate) is_last: bool,
}

impl Bringing {
    pub(crate) fn new(passphrase: Secret, size: u64) -> Self {
        Self { passphrase, size }
    }

    /// The beginning of the file, and the length of its first part.
    pub(crate) fn wants(&self) -> Answer {
        want(0, PRELUDE_BYTES + LENGTH_BYTES, self.size)
    }

    /// The beginning was read: what is to be stretched.
    pub(crate) fn begin(
        self,
        bytes: &[u8],
    ) -> Result<(Begun, komrade_crypto::vault::StretchJob), Refusal> {
        let (prelude, rest) = bytes
            .split_at_checked(PRELUDE_BYTES)
            .unwrap_or((bytes, &[]));
        let prelude = Prelude::decode(prelude).map_err(|error| match error {
            PreludeError::Foreign => Refusal::ForeignFile,
            PreludeError::Newer => Refusal::NewerFile,
            PreludeError::CutShort => Refusal::FileCutShort,
            _ => Refusal::FileDamaged,
        })?;
        let length = length(rest, PRELUDE_BYTES as u64, self.size)?;
        let job = prelude.header().recipe().job(self.passphrase.expose());
        let job = job.map_err(|_| Refusal::WrongPassphrase)?;
        let size = self.size;
        Ok((
            Begun {
                prelude,
                size,
                length,
            },
            job,
        ))
    }
}

impl Begun {
    /// The passphrase was stretched.
    pub(crate) fn open(self, stretched: &[u8; 32]) -> Result<Arriving, Refusal> {
        let header = self.prelude.header().clone();
        let opened = header.unwrap(stretched);
        let (_, master) = opened.map_err(|_| Refusal::WrongPassphrase)?;
        Ok(Arriving {
            key: self.prelude.key(&master),
            header,
            master,
            size: self.size,
            number: 0,
            from: (PRELUDE_BYTES + LENGTH_BYTES) as u64,
            length: self.length,
        })
    }
}

impl Arriving {
    /// The next part, and the length of the one behind it.
    pub(crate) fn wants(&self) -> Answer {
        want(self.from, self.length as usize + LENGTH_BYTES, self.size)
    }

    /// Whether something of the file is kept already.
    pub(crate) fn has_begun(&self) -> bool {
        self.number > 0
    }

    /// What was wanted.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Brought, Refusal> {
        let end = self.from + u64::from(self.length);
        let part = bytes.split_at_checked(self.length as usize);
        let (sealed, rest) = part.ok_or(Refusal::FileCutShort)?;
        let is_last = end == self.size;
        let opened = self.key.open(self.number, is_last, sealed);
        let part = opened.map_err(|_| {
            // Cut off exactly between two parts?
            let goes_on = is_last && self.key.open(self.number, false, sealed).is_ok();
            if goes_on {
                Refusal::FileCutShort
            } else {
                Refusal::FileDamaged
            }
        })?;
        let (table, records) = read_part(&part).map_err(|Damaged| Refusal::FileDamaged)?;
        if !is_last {
            self.length = length(rest, end, self.size)?;
            self.from = end + LENGTH_BYTES as u64;
        }
        let is_first = self.number == 0;
        self.number = self.number.checked_add(1).ok_or(Refusal::FileDamaged)?;
        Ok(Brought {
            table,
            records,
            is_first,
            is_last,
        })
    }
}

fn want(from: u64, bytes: usize, size: u64) -> Answer {
    let left = size.saturating_sub(from);
    let bytes = u32::try_from(left.min(bytes as u64)).unwrap_or(u32::MAX);
    Answer::Want { from, bytes }
}

/// The length that stands at this place of the file, of a part that is all there.
fn length(bytes: &[u8], at: u64, size: u64) -> Result<u32, Refusal> {
    let (length, _) = bytes.split_first_chunk().ok_or(Refusal::FileCutShort)?;
    let length = u32::from_be_bytes(*length);
    if length as usize > MAX_SEALED {
        return Err(Refusal::FileDamaged);
    }
    if at + LENGTH_BYTES as u64 + u64::from(length) > size {
        return Err(Refusal::FileCutShort);
    }
    Ok(length)
}
