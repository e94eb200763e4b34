//! Feeds every decoder random changes of valid input.
//!
//! Each crate lists its decoders and valid examples itself (feature `fuzz`); this one holds the committed corpus
//! (`corpus/NAME/`), the changes and the counting. A decoder fails by panicking: it may refuse anything. The generator is
//! seeded, so a failure is found again by its number.
//!
//! Left out on purpose: coverage guidance, which needs an unstable compiler. `FUZZ` tables are plain functions, so that a
//! coverage-guided fuzzer can drive them as they are.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The longest input made, in bytes: past the largest envelope.
const MAX_INPUT_BYTES: usize = 70 * 1024;
/// How many changes one input gets at most.
const MAX_CHANGES: u32 = 8;

/// A decoder and valid examples for it.
pub struct Target {
    /// Its name, unique over all crates.
    pub name: &'static str,
    run: fn(&[u8]),
    examples: Vec<Vec<u8>>,
}

/// All decoders of all crates.
pub fn targets() -> Vec<Target> {
    type Listed = (
        &'static [(&'static str, fn(&[u8]))],
        fn(&str) -> Vec<Vec<u8>>,
    );
    let crates: [Listed; 6] = [
        (komrade_crypto::fuzz::FUZZ, komrade_crypto::fuzz::seeds),
        (komrade_ether::FUZZ, komrade_ether::seeds),
        (komrade_i2p::FUZZ, komrade_i2p::seeds),
        (komrade_peer::FUZZ, komrade_peer::seeds),
        (komrade_social::FUZZ, komrade_social::seeds),
        (komrade_wire::fuzz::FUZZ, komrade_wire::fuzz::seeds),
    ];
    let mut all: Vec<_> = crates
        .into_iter()
        .flat_map(|(list, seeds)| {
            list.iter().map(move |&(name, run)| Target {
                name,
                run,
                examples: seeds(name),
            })
        })
        .collect();
    all.push(Target {
        name: "view-to-engine",
        run: view_to_engine,
        examples: Vec::new(),
    });
    all.push(Target {
        name: "view-from-engine",
        run: view_from_engine,
        examples: Vec::new(),
    });
    all
}

fn view_to_engine(bytes: &[u8]) {
    let _ = komrade_view::decode::<komrade_view::ToEngine>(bytes);
}

fn view_from_engine(bytes: &[u8]) {
    let _ = komrade_view::decode::<komrade_view::FromEngine>(bytes);
}

impl Target {
    /// Where its committed corpus stands.
    pub fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(self.name)
    }

    /// The committed corpus: files in the order of their names.
    ///
    /// # Errors
    /// If the folder is missing or empty: a decoder without a corpus would only be fed noise.
    pub fn corpus(&self) -> Result<Vec<Vec<u8>>> {
        let folder = self.folder();
        let mut files: Vec<_> = fs::read_dir(&folder)
            .with_context(|| {
                format!(
                    "no corpus: run `cargo run -p komrade-fuzz -- {} --write`",
                    self.name
                )
            })?
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .map(|entry| entry.path())
            .collect();
        files.sort();
        if files.is_empty() {
            bail!("{} is empty", folder.display());
        }
        files.into_iter().map(|file| Ok(fs::read(file)?)).collect()
    }

    /// Writes the crate's own valid examples into the corpus.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(&self) -> Result<()> {
        let folder = self.folder();
        fs::create_dir_all(&folder)?;
        let fallback = vec![vec![0; 8]];
        let examples = if self.examples.is_empty() {
            &fallback
        } else {
            &self.examples
        };
        for (number, example) in examples.iter().enumerate() {
            fs::write(folder.join(format!("{number:03}")), example)?;
        }
        Ok(())
    }

    /// Feeds the corpus itself and then `inputs` changed ones.
    ///
    /// # Errors
    /// If the decoder panicked; the error names the number of the input and its first bytes.
    pub fn feed(&self, corpus: &[Vec<u8>], seed: u64, inputs: u64) -> Result<()> {
        for (number, input) in corpus.iter().enumerate() {
            self.one(input)
                .with_context(|| format!("corpus file {number}"))?;
        }
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        for number in 0..inputs {
            let input = changed(corpus, &mut chance);
            self.one(&input)
                .with_context(|| format!("seed {seed}, input {number}"))?;
        }
        Ok(())
    }

    fn one(&self, input: &[u8]) -> Result<()> {
        if catch_unwind(AssertUnwindSafe(|| (self.run)(input))).is_err() {
            let head: String = input
                .iter()
                .take(64)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            bail!(
                "{} panicked on {} bytes beginning {head}",
                self.name,
                input.len()
            );
        }
        Ok(())
    }
}

/// One input: a member of the corpus after a few random changes.
fn changed(corpus: &[Vec<u8>], chance: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = pick(corpus, chance).cloned().unwrap_or_default();
    for _ in 0..=below(chance, MAX_CHANGES) {
        let at = below(chance, u32::try_from(input.len()).unwrap_or(u32::MAX)) as usize;
        match below(chance, 8) {
            0 => input.truncate(at),
            1 => input.insert(at.min(input.len()), byte(chance)),
            2 if at < input.len() => drop(input.remove(at)),
            3 => {
                let other = pick(corpus, chance).cloned().unwrap_or_default();
                let from = below(chance, u32::try_from(other.len()).unwrap_or(u32::MAX)) as usize;
                input.truncate(at);
                input.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            4 => {
                // Lengths stand at the front of most formats, and large ones are what an attacker would try.
                let value: u8 =
                    [0xff, 0x7f, 0x80, 0x00, 0x9b, 0xbb, 0x5b, 0xfb][below(chance, 8) as usize];
                if let Some(place) = input.get_mut(at) {
                    *place = value;
                }
            }
            5 => input.extend(std::iter::repeat_n(
                byte(chance),
                below(chance, 4096) as usize,
            )),
            _ => {
                if let Some(place) = input.get_mut(at) {
                    *place ^= 1 << below(chance, 8);
                }
            }
        }
        input.truncate(MAX_INPUT_BYTES);
    }
    input
}

fn pick<'a>(corpus: &'a [Vec<u8>], chance: &mut ChaCha8Rng) -> Option<&'a Vec<u8>> {
    corpus.get(below(chance, u32::try_from(corpus.len()).unwrap_or(u32::MAX)) as usize)
}

fn byte(chance: &mut ChaCha8Rng) -> u8 {
    chance.next_u32().to_le_bytes()[0]
}

/// Below `bound`; 0 if that is 0.
fn below(chance: &mut ChaCha8Rng, bound: u32) -> u32 {
    chance.next_u32().checked_rem(bound).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_decoder_is_noticed() {
        let target = Target {
            name: "canary",
            run: |bytes| assert!(bytes.first() != Some(&7), "canary"),
            examples: Vec::new(),
        };
        assert!(target.feed(&[vec![1, 2, 3]], 1, 0).is_ok());
        assert!(target.feed(&[vec![7]], 1, 0).is_err());
        assert!(
            target.feed(&[vec![6, 2, 3]], 1, 5_000).is_err(),
            "no change ever made a 7 of a 6"
        );
    }
}
