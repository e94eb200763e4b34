//! What the node is known by: its key, which links to it prove, and its I2P destination.
//!
//! Both are made once and kept in the data folder, because homes name them. Whoever loses them loses no message that a browser
//! still has: members get new homes and tell their comrades.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use komrade_i2p::DestinationKeys;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::{data, random};

const KEY_FILE: &str = "node-key";
const DESTINATION_FILE: &str = "node-destination";

/// The node's keys, erased on drop.
pub(crate) struct NodeKeys {
    private: Zeroizing<[u8; 32]>,
    public: [u8; 32],
    destination: DestinationKeys,
}

impl NodeKeys {
    /// Reads them from the data folder; draws and writes what is not there.
    ///
    /// # Errors
    /// Which file, and what the file system says of it; `InvalidData` if it holds something else.
    pub(crate) fn read_or_create(folder: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let path = folder.join(KEY_FILE);
        let private = key(&path).map_err(|error| (path, error))?;
        let path = folder.join(DESTINATION_FILE);
        let destination = destination(&path).map_err(|error| (path, error))?;
        let public = PublicKey::from(&StaticSecret::from(*private)).to_bytes();
        Ok(Self {
            private,
            public,
            destination,
        })
    }

    /// With which the node answers handshakes.
    pub(crate) fn private(&self) -> &[u8; 32] {
        &self.private
    }

    /// What handshakes towards it expect.
    pub(crate) fn public(&self) -> [u8; 32] {
        self.public
    }

    /// Where it is reached over I2P.
    pub(crate) fn destination(&self) -> &DestinationKeys {
        &self.destination
    }
}

impl fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKeys([redacted])")
    }
}

fn key(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    if let Some(text) = read(path)? {
        let bytes = BASE64URL_NOPAD.decode(text.trim().as_bytes());
        let bytes = bytes.ok().map(Zeroizing::new);
        let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        return key.map(Zeroizing::new).ok_or_else(invalid);
    }
    let mut key = Zeroizing::new([0; 32]);
    random::fill(key.as_mut_slice())?;
    let text = Zeroizing::new(BASE64URL_NOPAD.encode(key.as_slice()));
    data::write_private(path, &text)?;
    Ok(key)
}

fn destination(path: &Path) -> io::Result<DestinationKeys> {
    if let Some(text) = read(path)? {
        return DestinationKeys::from_base64(text.trim()).map_err(|_| invalid());
    }
    let keys = DestinationKeys::generate(&mut random::source()?);
    data::write_private(path, &keys.to_base64())?;
    Ok(keys)
}

fn read(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn invalid() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it holds no such key")
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
    fn keys_are_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let made = NodeKeys::read_or_create(folder.path()).unwrap();
        let read = NodeKeys::read_or_create(folder.path()).unwrap();
        assert_eq!(made.public(), read.public());
        assert_eq!(made.private(), read.private());
        assert_eq!(made.destination().address(), read.destination().address());
        let other = tempfile::tempdir().unwrap();
        let other = NodeKeys::read_or_create(other.path()).unwrap();
        assert_ne!(made.public(), other.public());
        assert_ne!(made.destination().address(), other.destination().address());
        #[cfg(unix)]
        for file in [KEY_FILE, DESTINATION_FILE] {
            use std::os::unix::fs::PermissionsExt;
            let mode = folder.path().join(file).metadata().unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_file_that_holds_something_else_is_named_and_kept() {
        for file in [KEY_FILE, DESTINATION_FILE] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(file);
            std::fs::write(&path, "no key").unwrap();
            let (named, error) = NodeKeys::read_or_create(folder.path()).unwrap_err();
            assert_eq!(
                (named, error.kind()),
                (path.clone(), ErrorKind::InvalidData)
            );
            assert_eq!(std::fs::read_to_string(path).unwrap(), "no key");
        }
    }

    #[test]
    fn keys_do_not_show_in_a_debug_print() {
        let folder = tempfile::tempdir().unwrap();
        let keys = NodeKeys::read_or_create(folder.path()).unwrap();
        assert_eq!(format!("{keys:?}"), "NodeKeys([redacted])");
    }
}
