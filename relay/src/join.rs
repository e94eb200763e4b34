//! The join secret: who holds it may use the relay.
//!
//! It lives in one file of the data folder, as base64url. The running relay reads that file at every
//! join, so that `komrade-relay join-secret rotate` works without a restart; members who are connected
//! stay until they connect anew. Wrong secrets are counted, not their senders: no address is kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::{data, random};

const FILE: &str = "join-secret";

/// How often a wrong secret may be answered again once the burst is used up. With 128 bits nobody
/// guesses; this bounds the work and the log lines that strangers can cause.
const REFILL: Duration = Duration::from_secs(10);

/// The secret's 16 bytes, erased on drop and redacted in `Debug`.
#[derive(Clone)]
pub struct JoinSecret(Zeroizing<[u8; 16]>);

impl std::fmt::Debug for JoinSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JoinSecret([redacted])")
    }
}

impl JoinSecret {
    fn draw() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; 16]);
        random::fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Base64url without padding, 22 characters: what stands in a join link.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64URL_NOPAD.encode(self.0.as_slice()))
    }

    /// The inverse of [`Self::to_text`].
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(text.trim().as_bytes()).ok()?);
        Some(Self(Zeroizing::new(
            <[u8; 16]>::try_from(bytes.as_slice()).ok()?,
        )))
    }

    /// Compares in constant time.
    pub fn matches(&self, shown: &[u8; 16]) -> bool {
        self.0.as_slice().ct_eq(shown).into()
    }
}

/// The file of the join secret.
#[derive(Debug, Clone)]
pub struct JoinFile(PathBuf);

impl JoinFile {
    /// The one in this data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self(data.join(FILE))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the secret; draws and writes one if there is none. Tells whether it is new.
    ///
    /// # Errors
    /// Whatever the file system says; `InvalidData` if the file holds something else.
    pub fn read_or_create(&self) -> io::Result<(JoinSecret, bool)> {
        match self.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((self.rotate()?, true)),
            other => other.map(|secret| (secret, false)),
        }
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// As [`Self::read_or_create`], and `NotFound`.
    pub fn read(&self) -> io::Result<JoinSecret> {
        let text = Zeroizing::new(fs::read_to_string(&self.0)?);
        JoinSecret::from_text(&text)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it holds no join secret"))
    }

    /// Replaces the secret with a new one: whoever joins from now on needs that.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn rotate(&self) -> io::Result<JoinSecret> {
        let secret = JoinSecret::draw()?;
        data::write_private(&self.0, &secret.to_text())?;
        Ok(secret)
    }
}

/// How many wrong secrets are still answered: a token bucket for all senders together.
#[derive(Debug)]
pub struct WrongJoins {
    burst: u16,
    state: Mutex<(u16, Instant)>,
}

impl WrongJoins {
    /// A full bucket of `burst`.
    pub fn new(burst: u16, now: Instant) -> Self {
        Self {
            burst,
            state: Mutex::new((burst, now)),
        }
    }

    /// Takes one; `false` if none is left, and the sender gets no answer.
    pub fn take(&self, now: Instant) -> bool {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (left, since) = &mut *state;
        let refilled = now.saturating_duration_since(*since).as_secs() / REFILL.as_secs();
        if refilled > 0 {
            *left = u16::try_from(refilled)
                .unwrap_or(u16::MAX)
                .saturating_add(*left)
                .min(self.burst);
            *since += REFILL * u32::try_from(refilled).unwrap_or(u32::MAX);
        }
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = JoinFile::in_folder(folder.path());
        let (first, new) = file.read_or_create().unwrap();
        assert!(new);
        let (second, new) = file.read_or_create().unwrap();
        assert!(!new);
        assert_eq!(first.to_text(), second.to_text());
        assert_eq!(first.to_text().len(), 22);
        assert!(second.matches(&first.0));
    }

    #[test]
    fn rotating_makes_another_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = JoinFile::in_folder(folder.path());
        let old = file.rotate().unwrap();
        let new = file.rotate().unwrap();
        assert!(!new.matches(&old.0));
        assert!(file.read().unwrap().matches(&new.0));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = JoinFile::in_folder(folder.path());
        file.rotate().unwrap();
        assert_eq!(
            fs::metadata(file.path()).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_damaged_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = JoinFile::in_folder(folder.path());
        fs::write(file.path(), "nonsense").unwrap();
        assert_eq!(
            file.read_or_create().unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        assert_eq!(fs::read(file.path()).unwrap(), b"nonsense");
    }

    #[test]
    fn the_debug_form_tells_nothing() {
        assert_eq!(
            format!("{:?}", JoinSecret::draw().unwrap()),
            "JoinSecret([redacted])"
        );
    }

    #[test]
    fn wrong_joins_run_out_and_come_back() {
        let start = Instant::now();
        let bucket = WrongJoins::new(2, start);
        assert!(bucket.take(start) && bucket.take(start) && !bucket.take(start));
        assert!(bucket.take(start + REFILL) && !bucket.take(start + REFILL));
        let much_later = start + REFILL * 1000;
        assert!(bucket.take(much_later) && bucket.take(much_later) && !bucket.take(much_later));
    }
}
