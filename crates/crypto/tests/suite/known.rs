//! Frozen answers: lines of `name = hex` in `tests/known/`.
//!
//! A structure that was written once must be read for ever, so an answer changes only together with
//! a version number. With `KOMRADE_RECORD=1` a native run writes the files anew.

use std::collections::BTreeMap;

/// The answers of one file, and what this build gives.
pub(crate) struct Known {
    name: &'static str,
    frozen: BTreeMap<String, Vec<u8>>,
    seen: BTreeMap<String, Vec<u8>>,
}

impl Known {
    /// Reads a file; `name` is its name without extension.
    pub(crate) fn new(name: &'static str, text: &str) -> Self {
        Self {
            name,
            frozen: pairs(text).into_iter().collect(),
            seen: BTreeMap::new(),
        }
    }

    /// This build gives the same bytes.
    #[track_caller]
    pub(crate) fn is(&mut self, what: &str, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.seen.insert(what.to_owned(), bytes.to_vec());
        if !recording() {
            let frozen = self.frozen.get(what).map(|bytes| hex(bytes));
            assert_eq!(frozen, Some(hex(bytes)), "{}: {what}", self.name);
        }
    }

    /// Bytes recorded once, because a library draws randomness into them; `draw` makes them when
    /// recording.
    #[track_caller]
    pub(crate) fn recorded(&mut self, what: &str, draw: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        let bytes = if recording() {
            draw()
        } else {
            self.frozen.get(what).cloned().expect(what)
        };
        self.seen.insert(what.to_owned(), bytes.clone());
        bytes
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if recording() {
            let lines = self
                .seen
                .iter()
                .map(|(name, bytes)| format!("{name} = {}\n", hex(bytes)));
            let path = format!(
                "{}/tests/known/{}.txt",
                env!("CARGO_MANIFEST_DIR"),
                self.name
            );
            std::fs::write(path, lines.collect::<String>()).expect("write the known answers");
        }
        let (frozen, seen) = (self.frozen.keys(), self.seen.keys());
        assert!(
            recording() || frozen.eq(seen),
            "{}: an answer that nobody asks for",
            self.name
        );
    }
}

fn recording() -> bool {
    !cfg!(target_arch = "wasm32") && std::env::var_os("KOMRADE_RECORD").is_some()
}

/// The `name = hex` lines of a text, in order; lines that start with `#` are left out.
pub(crate) fn pairs(text: &str) -> Vec<(String, Vec<u8>)> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (name, value) = line.split_once('=').expect("name = hex");
            (name.trim().to_owned(), unhex(value.trim()))
        })
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER
        .decode(text.as_bytes())
        .expect("hex")
}
