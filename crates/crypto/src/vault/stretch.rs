//! Passphrases, and Argon2id over them.
//!
//! Whoever runs a [`StretchJob`] brings Unicode's NFKD along: every host has it, and its tables would
//! be a tenth of all that a browser loads for the engine.

use core::fmt;

use argon2::{Algorithm, Argon2, Version};
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::VERSION;
use crate::{
    DecodeError,
    codec::{Reader, put_prefixed},
    wordlist::draw_words,
};

/// The fewest characters of a passphrase of one's own.
pub const MIN_PASSPHRASE_CHARS: usize = 12;
/// The most bytes of a passphrase.
pub const MAX_PASSPHRASE_BYTES: usize = 1_024;
/// How many words a generated passphrase has: 66 bits, and Argon2id in front of them.
pub const PASSPHRASE_WORDS: usize = 6;

const SALT_BYTES: usize = 16;
pub(super) const RECIPE_BYTES: usize = SALT_BYTES + 3 * 4;

// ------------------------------------------------------------------------------------------

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

/// Whether a new passphrase will do. White space that does not matter does not count.
pub fn check_passphrase(passphrase: &str) -> Result<(), PassphraseError> {
    if single_spaced(passphrase).chars().count() < MIN_PASSPHRASE_CHARS {
        return Err(PassphraseError::TooShort);
    }
    bounded(passphrase).map(drop)
}

/// The words of a passphrase, one space between each two: how widely they were printed, and what a
/// keyboard or a clipboard put before and behind them, does not matter.
fn single_spaced(passphrase: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(passphrase.len()));
    for word in passphrase.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

fn bounded(passphrase: &str) -> Result<&str, PassphraseError> {
    if passphrase.len() > MAX_PASSPHRASE_BYTES {
        Err(PassphraseError::TooLong)
    } else {
        Ok(passphrase)
    }
}

// -------------------------------------------------------------------------------------------

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
    /// The most that is accepted when read: a damaged header must not eat all memory or run for an
    /// hour.
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
            passphrase: Zeroizing::new(bounded(passphrase)?.to_owned()),
        })
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
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

    pub(super) fn write(&self, out: &mut Vec<u8>) {
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

/// Unicode's compatibility decomposition (NFKD), which gives the same text whatever keyboard it was
/// typed on. Unicode promises that its result never changes for a character that exists.
pub type Nfkd = fn(&str) -> Zeroizing<String>;

/// A passphrase on its way to Argon2id, as it was typed. Serialised only to be handed to the worker that runs it.
/// Layout: version, salt (16), memory, passes, lanes (4 each), passphrase (length 2, UTF-8).
#[derive(Clone, PartialEq, Eq)]
pub struct StretchJob {
    recipe: Recipe,
    passphrase: Zeroizing<String>,
}

impl StretchJob {
    /// Takes seconds and as much memory as the params say.
    pub fn run(&self, nfkd: Nfkd) -> Result<Zeroizing<[u8; 32]>, StretchError> {
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
                // In this order: some wide spaces decompose into a plain one.
                single_spaced(&nfkd(&self.passphrase)).as_bytes(),
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

impl ZeroizeOnDrop for StretchJob {}

impl fmt::Debug for StretchJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
