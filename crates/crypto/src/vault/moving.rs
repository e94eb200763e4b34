//! A vault on its way to another place: the mark that stays behind, and the seal of the one file
//! that goes.
//!
//! The file is a [`Prelude`] and then parts, each with its length before it; what the parts hold is
//! the caller's. The prelude carries the vault's header, so that the file opens with the vault's own
//! passphrase and nothing else: passphrase → header → [`MasterKey`] → [`FileKey`] → parts.
//!
//! - The key of a file is bound to its whole prelude, and a random id in there makes it another key
//!   each time the file is made.
//! - A part is bound to its number, and to whether it is the last one: parts can be neither left
//!   out, nor put elsewhere, nor cut off at the end.
//! - Eight check bytes tell a prelude that was damaged from a wrong passphrase.

use rand_core::CryptoRng;
use thiserror::Error;

use zeroize::Zeroizing;

use super::{HEADER_BYTES, Header, MasterKey};
use crate::{
    DecodeError, OpenError, SUITE, SealError,
    codec::Reader,
    derive::{derive, hash},
    labels,
    seal::{self, NONCE_BYTES, TAG_BYTES},
    secret::secret_bytes,
};

/// The length of an encoded [`Prelude`], in bytes.
pub const PRELUDE_BYTES: usize = 8 + 1 + 1 + ID_BYTES + HEADER_BYTES + CHECK_BYTES;
/// What sealing adds to a part, in bytes.
pub const PART_OVERHEAD_BYTES: usize = TAG_BYTES;

/// What every such file begins with; the control characters keep editors from taking it for a text.
const MAGIC: [u8; 8] = *b"komrade\x1a";
const VERSION: u8 = 1;
const ID_BYTES: usize = 32;
const CHECK_BYTES: usize = 8;
/// The version in the mark. No header ever has it, so that a build that knows nothing of moving
/// takes the mark for a header of a newer one, and touches nothing.
const MOVED: u8 = 0x80;
/// The same, once the whole file was handed out.
const MOVED_IN_FILE: u8 = 0x81;

// -----------------------------------------------------------------------------------------------

/// What stands in the place of a header once the vault has moved away: nothing opens it any more,
/// but the file can be made again. Layout: 0x80, or 0x81 once there is a file; header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Which passphrases open the vault.
    pub header: Header,
    /// The whole file was handed out, at least once.
    pub has_file: bool,
}

impl Moved {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mark = if self.has_file { MOVED_IN_FILE } else { MOVED };
        [&[mark], self.header.encode().as_slice()].concat()
    }

    /// Reads the bytes; `None` if they are no mark but, perhaps, a [`Header`].
    ///
    /// # Errors
    /// If the header in it is none.
    pub fn decode(bytes: &[u8]) -> Option<Result<Self, DecodeError>> {
        let (mark, header) = bytes.split_first()?;
        let has_file = match *mark {
            MOVED => false,
            MOVED_IN_FILE => true,
            _ => return None,
        };
        Some(Header::decode(header).map(|header| Self { header, has_file }))
    }
}

/// What the file begins with. Layout: magic (8), version, suite, id (32), header
/// ([`HEADER_BYTES`]), check (8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prelude {
    id: [u8; ID_BYTES],
    header: Header,
}

impl Prelude {
    /// Of a new file.
    pub fn new(header: Header, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut id = [0; ID_BYTES];
        rng.fill_bytes(&mut id);
        Self { id, header }
    }

    /// Which passphrases open the vault.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The key of this file's parts.
    pub fn key(&self, master: &MasterKey) -> FileKey {
        FileKey(*derive(
            master.expose(),
            labels::VAULT_MOVE,
            &[&self.encode()],
        ))
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(PRELUDE_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, SUITE]);
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.header.encode());
        let check = check(&out);
        out.extend_from_slice(&check);
        out
    }

    /// Reads the first [`PRELUDE_BYTES`] bytes of a file, or all of them if it is shorter.
    ///
    /// # Errors
    /// See [`PreludeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, PreludeError> {
        let mut reader = Reader::new(bytes);
        if reader.array() != Ok(MAGIC) {
            return Err(PreludeError::Foreign);
        }
        let known = match reader.version_and_suite(VERSION) {
            Err(DecodeError::NewerVersion { .. } | DecodeError::UnknownSuite { .. }) => {
                return Err(PreludeError::Newer);
            }
            known => known,
        };
        known?;
        let id = reader.array()?;
        let header = reader.bytes(HEADER_BYTES)?;
        let sum: [u8; CHECK_BYTES] = reader.array()?;
        reader.finish()?;
        let checked = bytes.get(..PRELUDE_BYTES - CHECK_BYTES);
        if checked.map(check) != Some(sum) {
            return Err(PreludeError::Damaged);
        }
        let header = Header::decode(header)?;
        Ok(Self { id, header })
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let [one, two, three, four, five, six, seven, eight, ..] =
        hash(labels::VAULT_MOVE_CHECK, &[bytes]);
    [one, two, three, four, five, six, seven, eight]
}

/// Why a file is none that a vault travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PreludeError {
    /// Something else altogether.
    #[error("no file of a moved vault")]
    Foreign,
    /// A newer version made it.
    #[error("of a newer version")]
    Newer,
    /// It ends too early.
    #[error("cut short")]
    CutShort,
    /// It was changed.
    #[error("damaged")]
    Damaged,
}

impl From<DecodeError> for PreludeError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Truncated => Self::CutShort,
            _ => Self::Damaged,
        }
    }
}

secret_bytes! {
    /// Seals the parts of one file.
    FileKey, 32
}

impl FileKey {
    /// Seals a part, [`PART_OVERHEAD_BYTES`] longer than what it holds. Each number is used once for
    /// each file.
    ///
    /// # Errors
    /// If it is longer than the cipher allows, some 64 GB.
    pub fn seal(&self, number: u32, is_last: bool, part: &[u8]) -> Result<Vec<u8>, SealError> {
        seal::seal(&self.0, &nonce(number, is_last), &[], part)
    }

    /// Opens a part.
    ///
    /// # Errors
    /// If it is not the part of this number, or was changed.
    pub fn open(
        &self,
        number: u32,
        is_last: bool,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        seal::open(&self.0, &nonce(number, is_last), &[], sealed)
    }
}

fn nonce(number: u32, is_last: bool) -> [u8; NONCE_BYTES] {
    let [a, b, c, d] = number.to_be_bytes();
    [a, b, c, d, is_last.into(), 0, 0, 0, 0, 0, 0, 0]
}
