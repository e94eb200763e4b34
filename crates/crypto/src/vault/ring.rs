//! Record keys by generation, and the records they seal.

use core::fmt;

use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{MasterKey, VERSION};
use crate::{
    DecodeError, OpenError, SUITE, SealError,
    codec::Reader,
    derive::derive,
    labels,
    seal::{self, NONCE_BYTES, TAG_BYTES},
    secret::secret_bytes,
};

/// How long a generation of record keys is the newest, in days.
pub const GENERATION_DAYS: u32 = 7;
/// The most generations at once: over a year of weeks in which rewriting never finished.
pub const MAX_GENERATIONS: usize = 64;
/// What sealing adds to a record, in bytes: version, generation, nonce, tag.
pub const RECORD_OVERHEAD_BYTES: usize = 1 + 4 + NONCE_BYTES + TAG_BYTES;

const GENERATION_BYTES: usize = 4 + 4 + 32;

// -------------------------------------------------------------------------------------

secret_bytes! {
    /// The key of one generation of records.
    RecordKey, 32
}

/// Where a record stands: all of it is bound to the record by its seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The number of the table.
    pub table: u8,
    /// The schema of what is sealed.
    pub schema: u32,
    /// The key under which it is stored.
    pub key: &'a [u8],
}

/// Why a ring cannot begin another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many generations")]
pub struct RingFull;

/// The record keys, by generation. Held in memory while the vault is open.
///
/// Sealed layout: version, suite, nonce (12), then sealed: count (2), each number (4), first day
/// (4), key (32).
#[derive(Clone, PartialEq, Eq)]
pub struct Ring {
    /// Oldest first, numbers rising; never empty.
    generations: Vec<Generation>,
}

#[derive(Clone, PartialEq, Eq)]
struct Generation {
    number: u32,
    first_day: u32,
    key: RecordKey,
}

impl Ring {
    /// A ring with generation 1.
    pub fn new(today: u32, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let first = Generation {
            number: 1,
            first_day: today,
            key: RecordKey::draw(rng),
        };
        Self {
            generations: vec![first],
        }
    }

    /// The generation that new records are sealed with.
    pub fn newest(&self) -> u32 {
        self.generations
            .last()
            .map_or(0, |generation| generation.number)
    }

    /// Every generation that can still be read, oldest first.
    pub fn generations(&self) -> impl Iterator<Item = u32> + '_ {
        self.generations.iter().map(|generation| generation.number)
    }

    /// Whether a new generation should begin today.
    pub fn is_due(&self, today: u32) -> bool {
        self.generations
            .last()
            .is_none_or(|generation| today.saturating_sub(generation.first_day) >= GENERATION_DAYS)
    }

    /// Begins a new generation and gives its number. The sealed ring must be kept in the same batch
    /// as the first record that uses it.
    pub fn begin(
        &mut self,
        today: u32,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<u32, RingFull> {
        if self.generations.len() >= MAX_GENERATIONS {
            return Err(RingFull);
        }
        let number = self.newest().checked_add(1).ok_or(RingFull)?;
        self.generations.push(Generation {
            number,
            first_day: today,
            key: RecordKey::draw(rng),
        });
        Ok(number)
    }

    /// Forgets a generation once no live record is sealed with it. The newest stays. Says whether
    /// it was there.
    pub fn retire(&mut self, number: u32) -> bool {
        let (before, newest) = (self.generations.len(), self.newest());
        self.generations
            .retain(|generation| generation.number != number || generation.number == newest);
        self.generations.len() != before
    }

    /// Seals the ring under the master key.
    pub fn seal(
        &self,
        master: &MasterKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SealError> {
        let room = 2 + GENERATION_BYTES * self.generations.len();
        let mut body = Zeroizing::new(Vec::with_capacity(room));
        let count = u16::try_from(self.generations.len()).map_err(|_| SealError::TooLong)?;
        body.extend_from_slice(&count.to_be_bytes());
        for generation in &self.generations {
            body.extend_from_slice(&generation.number.to_be_bytes());
            body.extend_from_slice(&generation.first_day.to_be_bytes());
            body.extend_from_slice(generation.key.expose());
        }
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let key = derive(master.expose(), labels::VAULT_RING, &[]);
        let sealed = seal::seal(&key, &nonce, &[VERSION, SUITE], &body)?;
        Ok([&[VERSION, SUITE], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) sealed.
    pub fn open(master: &MasterKey, sealed: &[u8]) -> Result<Self, VaultError> {
        let mut reader = Reader::new(sealed);
        reader.version_and_suite(VERSION)?;
        let nonce: [u8; NONCE_BYTES] = reader.array()?;
        let rest = sealed
            .get(2 + NONCE_BYTES..)
            .ok_or(DecodeError::Truncated)?;
        let key = derive(master.expose(), labels::VAULT_RING, &[]);
        let body = seal::open(&key, &nonce, &[VERSION, SUITE], rest)?;
        Ok(Self::read(&body)?)
    }

    pub(crate) fn read(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = usize::from(reader.u16()?);
        if !(1..=MAX_GENERATIONS).contains(&count) {
            return Err(DecodeError::OutOfBounds);
        }
        let generations = (0..count)
            .map(|_| {
                let (number, first_day) = (reader.u32()?, reader.u32()?);
                Ok(Generation {
                    number,
                    first_day,
                    key: RecordKey::from_bytes(reader.array()?),
                })
            })
            .collect::<Result<Vec<_>, DecodeError>>()?;
        reader.finish()?;
        if !generations.is_sorted_by(|one, next| one.number < next.number) {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(Self { generations })
    }

    /// Seals a record with the newest generation. Layout: version, generation (4), nonce (12),
    /// ciphertext, tag (16); [`RECORD_OVERHEAD_BYTES`] longer than the plaintext.
    pub fn seal_record(
        &self,
        place: &Place<'_>,
        plaintext: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SealError> {
        let newest = self.generations.last().ok_or(SealError::BadKey)?;
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let associated = place.associated(newest.number);
        let sealed = seal::seal(
            &newest.table_key(place.table),
            &nonce,
            &associated,
            plaintext,
        )?;
        let number = newest.number.to_be_bytes();
        Ok([&[VERSION], number.as_slice(), &nonce, &sealed].concat())
    }

    /// Opens a record that was sealed for this place.
    pub fn open_record(
        &self,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let number = generation_of(sealed)?;
        let generation = self
            .generations
            .iter()
            .find(|generation| generation.number == number)
            .ok_or(VaultError::UnknownGeneration)?;
        let (nonce, rest) = sealed
            .get(1 + 4..)
            .and_then(|rest| rest.split_first_chunk())
            .ok_or(DecodeError::Truncated)?;
        let key = generation.table_key(place.table);
        Ok(seal::open(&key, nonce, &place.associated(number), rest)?)
    }
}

impl ZeroizeOnDrop for Ring {}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Generation {
    fn table_key(&self, table: u8) -> Zeroizing<[u8; 32]> {
        derive(self.key.expose(), labels::VAULT_TABLE, &[&[table]])
    }
}

impl Place<'_> {
    fn associated(&self, generation: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(labels::VAULT_RECORD.len() + 11 + self.key.len());
        out.extend_from_slice(labels::VAULT_RECORD.as_bytes());
        out.extend_from_slice(&[0, VERSION, self.table]);
        out.extend_from_slice(&self.schema.to_be_bytes());
        out.extend_from_slice(&generation.to_be_bytes());
        out.extend_from_slice(self.key);
        out
    }
}

/// Why a sealed ring or record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VaultError {
    /// No sealed ring or record, or a newer version's.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It does not open: damaged, or from another place.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The key of its generation was forgotten.
    #[error("its key was forgotten")]
    UnknownGeneration,
}

/// The generation that a record is sealed with, so that live records of old ones are sealed anew.
pub fn generation_of(sealed: &[u8]) -> Result<u32, DecodeError> {
    let mut reader = Reader::new(sealed);
    reader.version(VERSION)?;
    reader.u32()
}
