//! The data folder: the join secret, the node's keys and its cache, and, below `router`, the embedded router's keys.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "komrade-relay";

/// The folder when none is named: in the user's data folder, as the XDG base directory specification has
/// it.
pub fn default_folder() -> Option<PathBuf> {
    let set = |key| {
        std::env::var_os(key)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))?;
    Some(base.join(NAME))
}

/// Makes the folder if it is missing, closes it to everybody else and tries to write there.
///
/// # Errors
/// Whatever the file system says.
pub fn prepare(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let probe = folder.join("writable");
    fs::write(&probe, [])?;
    fs::remove_file(probe)
}

/// Writes one line into a file that only its owner can read: all of it or, if that fails, nothing. What stood there before is
/// replaced.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn write_private(path: &Path, line: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(line.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    sync_folder(path)
}

/// Only after this does a file's new name survive a power failure.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
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

    #[cfg(unix)]
    #[test]
    fn the_folder_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        prepare(&folder).unwrap();
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_its_place_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let taken = parent.path().join("taken");
        fs::write(&taken, "here").unwrap();
        assert!(prepare(&taken).is_err());
    }
}
