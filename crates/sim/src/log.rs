//! What happened, in order: a sum over all of it to compare two runs by, and the last lines to read.

use std::{collections::VecDeque, fmt};

use komrade_store::{Batch, Change};
use komrade_view::Millis;
use sha2::{Digest, Sha256};

use crate::{chance::IS_SEEDED, settings};

/// See the module.
pub(crate) struct Log {
    sum: Sha256,
    lines: VecDeque<String>,
    kept: usize,
}

impl Log {
    /// One that keeps so many lines to be read.
    pub fn new(kept: usize) -> Self {
        Self {
            sum: Sha256::new(),
            lines: VecDeque::new(),
            kept,
        }
    }

    /// Something happened.
    pub fn note(&mut self, now: Millis, what: fmt::Arguments<'_>) {
        let line = format!("{} {what}", clock(now));
        self.sum.update(line.as_bytes());
        self.lines.push_back(line);
        if self.lines.len() > self.kept {
            self.lines.pop_front();
        }
    }

    /// Bytes that left or were kept: all of them if everything is drawn from the seed, else how many.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if IS_SEEDED {
            self.sum.update(bytes);
        }
        self.sum.update((bytes.len() as u64).to_be_bytes());
    }

    /// What a commit changed.
    pub fn batch(&mut self, batch: &Batch) {
        for change in &batch.changes {
            match change {
                Change::Put(table, record) => {
                    self.sum.update([1, *table as u8]);
                    self.bytes(&record.key);
                    self.bytes(&record.value);
                }
                Change::Delete(table, key) => {
                    self.sum.update([2, *table as u8]);
                    self.bytes(key);
                }
                Change::Clear => self.sum.update([3]),
            }
        }
    }

    /// The sum over everything.
    pub fn sum(&self) -> [u8; 32] {
        self.sum.clone().finalize().into()
    }

    /// The last lines.
    pub fn last(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

/// A moment as days, hours, minutes, seconds since the world began.
fn clock(now: Millis) -> String {
    let since = now.saturating_sub(crate::world::START);
    let (days, rest) = (since / settings::DAY, since % settings::DAY);
    let (hours, rest) = (rest / settings::HOUR, rest % settings::HOUR);
    let (minutes, rest) = (rest / settings::MINUTE, rest % settings::MINUTE);
    format!(
        "{days:>3}d {hours:02}:{minutes:02}:{:06.3}",
        rest as f64 / 1_000.0
    )
}
