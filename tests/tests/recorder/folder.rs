//! What a relay has on its disk after it ended: every file as it is, and its shelf as whoever seizes the machine could read it.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use komrade_ether::{Envelope, EnvelopeId, ShelfTable};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const SHELF: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("shelf");
/// The ends of long values, each under the key of its beginning.
const TAILS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("tails");
/// The sizes of envelopes, in bytes.
const SIZES: [usize; 5] = [2_048, 4_096, 8_192, 16_384, 65_536];
/// What two envelopes may have in common, in bytes: version 1, class 1, bucket 2, expiry 4.
const COMMON_BYTES: usize = 8;
/// So many equal bytes are no chance.
const RUN_BYTES: usize = 8;

/// The data folder of a relay that has ended.
pub struct Folder {
    /// Every file, and every value of the shelf in one piece.
    pieces: Vec<Vec<u8>>,
    /// What it keeps for its members and passes on, by id.
    pub envelopes: BTreeMap<EnvelopeId, Envelope>,
}

impl Folder {
    /// Reads all of it.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut pieces = Vec::new();
        for file in files(folder)? {
            pieces.push(fs::read(file)?);
        }
        let mut envelopes = BTreeMap::new();
        for (key, value) in shelf(folder)? {
            let table = key.first().copied();
            if table == Some(ShelfTable::Envelopes as u8) {
                let size = value.len();
                ensure!(SIZES.contains(&size), "an envelope of {size} bytes");
                let envelope = Envelope::decode(value.clone())?;
                envelopes.insert(envelope.id(), envelope);
            }
            pieces.push(value);
        }
        Ok(Self { pieces, envelopes })
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// Whether `needle` is readable anywhere.
    pub fn has(&self, needle: &[u8]) -> bool {
        let holds = |piece: &Vec<u8>| piece.windows(needle.len()).any(|window| window == needle);
        self.pieces.iter().any(holds)
    }
}

/// All files below.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

fn open(folder: &Path) -> Result<Database> {
    Ok(Database::open(folder.join("cache.redb"))?)
}

/// Every value of the shelf, with its key. In front of a value a byte says whether its end stands elsewhere.
fn shelf(folder: &Path) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let database = open(folder)?;
    let reading = database.begin_read()?;
    let (shelf, tails) = (reading.open_table(SHELF)?, reading.open_table(TAILS)?);
    let mut values = Vec::new();
    for entry in shelf.iter()? {
        let (key, value) = entry?;
        let (is_cut, head) = value.value().split_first().context("an empty value")?;
        let mut whole = head.to_vec();
        if *is_cut == 1 {
            let tail = tails.get(key.value())?.context("a value without its end")?;
            whole.extend(tail.value());
        }
        values.push((key.value().to_vec(), whole));
    }
    Ok(values)
}

/// Puts something readable on the shelf, in two pieces as a long value is.
pub fn plant(folder: &Path, canary: &[u8]) -> Result<()> {
    let key: &[u8] = &[u8::MAX];
    let (head, tail) = canary.split_at(canary.len() / 2);
    let database = open(folder)?;
    let writing = database.begin_write()?;
    {
        let head = [&[1], head].concat();
        writing.open_table(SHELF)?.insert(key, head.as_slice())?;
        writing.open_table(TAILS)?.insert(key, tail)?;
    }
    Ok(writing.commit()?)
}

/// What two of these have in common beside the beginning of the header, if anything; `all` of one talk.
pub fn common_run(all: &BTreeMap<EnvelopeId, Envelope>) -> Option<[u8; RUN_BYTES]> {
    let mut seen: HashMap<[u8; RUN_BYTES], EnvelopeId> = HashMap::new();
    for (id, envelope) in all {
        let bytes = envelope.as_bytes().get(COMMON_BYTES..).unwrap_or_default();
        for run in bytes.windows(RUN_BYTES) {
            let run: [u8; RUN_BYTES] = run.try_into().unwrap_or_default();
            if *seen.entry(run).or_insert(*id) != *id {
                return Some(run);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use komrade_ether::{Bucket, Class, Day, Header, Size};

    use super::*;

    fn made(number: u8, shared: &[u8]) -> Envelope {
        let class = Class {
            intro: false,
            size: Size::K2,
        };
        let header = Header {
            class,
            bucket: Bucket::WHOLE.code(),
            expiry: Day(21_000),
            nonce: [number; 12],
            hint: [number; 8],
        };
        let mut ciphertext: Vec<u8> = (0..class.ciphertext_bytes())
            .map(|at| {
                (at as u8)
                    .wrapping_mul(number)
                    .wrapping_add((at >> 8) as u8 ^ number)
            })
            .collect();
        ciphertext[500..500 + shared.len()].copy_from_slice(shared);
        Envelope::new(header, &ciphertext).unwrap()
    }

    #[test]
    fn a_run_that_two_have_in_common_is_found() {
        let all = |shared: [&[u8]; 2]| {
            let made = [made(3, shared[0]), made(7, shared[1])];
            made.into_iter().map(|it| (it.id(), it)).collect()
        };
        assert_eq!(common_run(&all([b"12345678", b"1234567"])), None);
        assert_eq!(
            common_run(&all([b"12345678", b"12345678"])),
            Some(*b"12345678")
        );
    }
}
