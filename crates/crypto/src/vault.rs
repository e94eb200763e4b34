//! The vault: what a device keeps, sealed.
//!
//! passphrase → Argon2id ([`StretchJob`], in a worker that is thrown away) → opens a slot of the [`Header`] →
//! random [`MasterKey`] → opens the [`Ring`] of record keys → HKDF subkey per table → AES-256-GCM records.
//!
//! - The header always has two slots; the one that is not used holds random bytes, and which one that is was
//!   drawn by lot. Both are opened by the same stretched passphrase, so that one run of Argon2id decides.
//! - A record's table, key, schema and generation are associated data: no record can be put in another's place.
//! - A new generation of record keys begins each week ([`Ring::is_due`]). Once every live record is sealed anew,
//!   the old generation is [retired](Ring::retire): what was deleted before can then be read by nobody who finds
//!   it on the disk. (A browser cannot erase for certain: an old copy of the ring may remain, too.)

use core::fmt;
use std::borrow::Cow;

use argon2::{Algorithm, Argon2, Version};
use bip39::Mnemonic;
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    DecodeError, OpenError, SUITE, SealError,
    codec::{Reader, put_prefixed},
    derive::derive,
    labels,
    seal::{self, NONCE_BYTES, TAG_BYTES},
    secret::secret_bytes,
    wordlist::draw_words,
};

/// The fewest characters of a passphrase of one's own.
pub const MIN_PASSPHRASE_CHARS: usize = 12;
/// The most bytes of a passphrase.
pub const MAX_PASSPHRASE_BYTES: usize = 1_024;
/// How many words a generated passphrase has: 66 bits, and Argon2id in front of them.
pub const PASSPHRASE_WORDS: usize = 6;
/// The length of an encoded [`Header`], in bytes.
pub const HEADER_BYTES: usize = 1 + 1 + RECIPE_BYTES + 2 * SLOT_BYTES;
/// How long a generation of record keys is the newest, in days.
pub const GENERATION_DAYS: u32 = 7;
/// The most generations at once: over a year of weeks in which rewriting never finished.
pub const MAX_GENERATIONS: usize = 64;
/// What sealing adds to a record, in bytes: version, generation, nonce, tag.
pub const RECORD_OVERHEAD_BYTES: usize = 1 + 4 + NONCE_BYTES + TAG_BYTES;

const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const RECIPE_BYTES: usize = SALT_BYTES + 3 * 4;
const SLOT_BYTES: usize = NONCE_BYTES + 32 + TAG_BYTES;
const GENERATION_BYTES: usize = 4 + 4 + 32;

// --- passphrases ------------------------------------------------------------------------------------------

/// Why a text cannot be a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// Fewer than [`MIN_PASSPHRASE_CHARS`] characters.
    #[error("fewer than 12 characters")]
    TooShort,
    /// More than [`MAX_PASSPHRASE_BYTES`] bytes.
    #[error("longer than 1,024 bytes")]
    TooLong,
}

/// Draws six words, separated by single spaces.
pub fn draw_passphrase(rng: &mut (impl CryptoRng + ?Sized)) -> Zeroizing<String> {
    draw_words(PASSPHRASE_WORDS, rng)
}

/// Whether a new passphrase will do.
pub fn check_passphrase(passphrase: &str) -> Result<(), PassphraseError> {
    if passphrase.chars().take(MIN_PASSPHRASE_CHARS).count() < MIN_PASSPHRASE_CHARS {
        return Err(PassphraseError::TooShort);
    }
    normalized(passphrase).map(drop)
}

/// The same bytes for the same text whatever keyboard it was typed on: Unicode NFKD.
fn normalized(passphrase: &str) -> Result<Zeroizing<String>, PassphraseError> {
    if passphrase.len() > MAX_PASSPHRASE_BYTES {
        return Err(PassphraseError::TooLong);
    }
    let mut text = Cow::Borrowed(passphrase);
    Mnemonic::normalize_utf8_cow(&mut text);
    let text = Zeroizing::new(text.into_owned());
    if text.len() > MAX_PASSPHRASE_BYTES {
        Err(PassphraseError::TooLong)
    } else {
        Ok(text)
    }
}

// --- stretching -------------------------------------------------------------------------------------------

/// How much work Argon2id does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Params {
    /// What a new vault gets: 64 MiB, 3 passes (RFC 9106, second recommendation, one lane).
    pub const DEFAULT: Self = Self {
        memory: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// For devices without that much memory, and the least that is accepted when read.
    pub const FLOOR: Self = Self {
        memory: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
    /// The most that is accepted when read: a damaged header must not eat all memory or run for an hour.
    pub const CEILING: Self = Self {
        memory: 256 * 1024,
        passes: 16,
        lanes: 4,
    };

    fn is_sane(self) -> bool {
        (Self::FLOOR.memory..=Self::CEILING.memory).contains(&self.memory)
            && (Self::FLOOR.passes..=Self::CEILING.passes).contains(&self.passes)
            && (Self::FLOOR.lanes..=Self::CEILING.lanes).contains(&self.lanes)
    }
}

/// How the passphrases of one vault are stretched. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    salt: [u8; SALT_BYTES],
    params: Params,
}

impl Recipe {
    /// For a new vault; `None` for params outside [`Params::FLOOR`] and [`Params::CEILING`].
    pub fn draw(params: Params, rng: &mut (impl CryptoRng + ?Sized)) -> Option<Self> {
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        params.is_sane().then_some(Self { salt, params })
    }

    /// How much work it is.
    pub fn params(&self) -> Params {
        self.params
    }

    /// The job that stretches a passphrase by it.
    pub fn job(&self, passphrase: &str) -> Result<StretchJob, PassphraseError> {
        Ok(StretchJob {
            recipe: *self,
            passphrase: normalized(passphrase)?,
        })
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let salt = reader.array()?;
        let params = Params {
            memory: reader.u32()?,
            passes: reader.u32()?,
            lanes: reader.u32()?,
        };
        if params.is_sane() {
            Ok(Self { salt, params })
        } else {
            Err(DecodeError::OutOfBounds)
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.params.memory.to_be_bytes());
        out.extend_from_slice(&self.params.passes.to_be_bytes());
        out.extend_from_slice(&self.params.lanes.to_be_bytes());
    }
}

/// There was not enough memory to stretch the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not enough memory")]
pub struct StretchError;

/// A passphrase on its way to Argon2id. Serialised only to be handed to the worker that runs it. Layout:
/// version, salt (16), memory, passes, lanes (4 each), passphrase (length 2, UTF-8).
#[derive(Clone, PartialEq, Eq)]
pub struct StretchJob {
    recipe: Recipe,
    passphrase: Zeroizing<String>,
}

impl StretchJob {
    /// Takes seconds and as much memory as the params say.
    pub fn run(&self) -> Result<Zeroizing<[u8; 32]>, StretchError> {
        let Params {
            memory,
            passes,
            lanes,
        } = self.recipe.params;
        let params =
            argon2::Params::new(memory, passes, lanes, Some(32)).map_err(|_| StretchError)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(
                self.passphrase.as_bytes(),
                &self.recipe.salt,
                key.as_mut_slice(),
            )
            .map_err(|_| StretchError)?;
        Ok(key)
    }

    /// For the worker.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(
            1 + RECIPE_BYTES + 2 + self.passphrase.len(),
        ));
        out.push(VERSION);
        self.recipe.write(&mut out);
        // Always fits: its length was checked when it was made.
        put_prefixed(&mut out, self.passphrase.as_bytes(), MAX_PASSPHRASE_BYTES);
        out
    }

    /// In the worker.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let recipe = Recipe::read(&mut reader)?;
        let passphrase = reader.prefixed(MAX_PASSPHRASE_BYTES)?;
        reader.finish()?;
        let passphrase = core::str::from_utf8(passphrase).map_err(|_| DecodeError::OutOfBounds)?;
        Ok(Self {
            recipe,
            passphrase: Zeroizing::new(passphrase.to_owned()),
        })
    }
}

impl fmt::Debug for StretchJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

// --- header -----------------------------------------------------------------------------------------------

secret_bytes! {
    /// What the passphrase unwraps; seals the ring of record keys and nothing else.
    MasterKey, 32
}

/// Which of the two slots a passphrase opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Slot {
    fn number(self) -> u8 {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// The one record of a vault that is not sealed. Layout: version, suite, salt (16), memory, passes, lanes (4
/// each), two slots of nonce (12), sealed master key (32), tag (16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    recipe: Recipe,
    slots: [[u8; SLOT_BYTES]; 2],
}

impl Header {
    /// Wraps a master key under a stretched passphrase, in a slot drawn by lot; the other one is random.
    pub fn new(
        recipe: Recipe,
        stretched: &[u8; 32],
        master: &MasterKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, SealError> {
        let mut header = Self {
            recipe,
            slots: [[0; SLOT_BYTES]; 2],
        };
        header
            .slots
            .iter_mut()
            .for_each(|slot| rng.fill_bytes(slot));
        let slot = if rng.next_u32() & 1 == 0 {
            Slot::First
        } else {
            Slot::Second
        };
        header.wrap(slot, stretched, master, rng)?;
        Ok(header)
    }

    /// How to stretch a passphrase for this vault.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The master key and the slot that held it, if this is the right passphrase, stretched.
    pub fn unwrap(&self, stretched: &[u8; 32]) -> Result<(Slot, MasterKey), OpenError> {
        let [first, second] = &self.slots;
        // Both are tried, whatever the first gives: the time does not tell which one is used.
        let first = self.try_slot(Slot::First, first, stretched);
        let second = self.try_slot(Slot::Second, second, stretched);
        first.or(second)
    }

    /// Wraps the master key under another stretched passphrase, in the slot that held it.
    pub fn wrap(
        &mut self,
        slot: Slot,
        stretched: &[u8; 32],
        master: &MasterKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), SealError> {
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let key = derive(stretched, labels::VAULT_SLOT, &[&[slot.number()]]);
        let sealed = seal::seal(&key, &nonce, &self.associated(slot), master.expose())?;
        let [first, second] = &mut self.slots;
        let place = match slot {
            Slot::First => first,
            Slot::Second => second,
        };
        place
            .iter_mut()
            .zip(nonce.into_iter().chain(sealed))
            .for_each(|(to, from)| *to = from);
        Ok(())
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&[VERSION, SUITE]);
        self.recipe.write(&mut out);
        self.slots
            .iter()
            .for_each(|slot| out.extend_from_slice(slot));
        out
    }

    /// Reads the bytes. Params that are too weak or absurd are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let recipe = Recipe::read(&mut reader)?;
        let slots = [reader.array()?, reader.array()?];
        reader.finish()?;
        Ok(Self { recipe, slots })
    }

    fn try_slot(
        &self,
        slot: Slot,
        wrapped: &[u8; SLOT_BYTES],
        stretched: &[u8; 32],
    ) -> Result<(Slot, MasterKey), OpenError> {
        let (nonce, sealed) = wrapped.split_first_chunk().ok_or(OpenError)?;
        let key = derive(stretched, labels::VAULT_SLOT, &[&[slot.number()]]);
        let master = seal::open(&key, nonce, &self.associated(slot), sealed)?;
        let master = master.as_slice().try_into().map_err(|_| OpenError)?;
        Ok((slot, MasterKey::from_bytes(master)))
    }

    fn associated(&self, slot: Slot) -> Vec<u8> {
        let mut out = vec![VERSION, SUITE, slot.number()];
        self.recipe.write(&mut out);
        out
    }
}

// --- ring and records -------------------------------------------------------------------------------------

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
/// Sealed layout: version, suite, nonce (12), then sealed: count (2), each number (4), first day (4), key (32).
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

    /// Begins a new generation and gives its number. The sealed ring must be kept in the same batch as the
    /// first record that uses it.
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

    /// Forgets a generation once no live record is sealed with it. The newest stays. Says whether it was
    /// there.
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

    fn read(body: &[u8]) -> Result<Self, DecodeError> {
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

    /// Seals a record with the newest generation. Layout: version, generation (4), nonce (12), ciphertext, tag
    /// (16); [`RECORD_OVERHEAD_BYTES`] longer than the plaintext.
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
