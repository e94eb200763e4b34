//! The relay that is measured, its members, what it holds, and a bare database beside it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use komrade_ether::{Bucket, Class, Day, Envelope, EnvelopeId, Header, Size};
use komrade_tests::{Member, NodeLink, Relay, RelaySettings};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

/// Members that put at the same time; each may hold an eighth of what members may.
const MEMBERS: u8 = 8;
/// What the relay's node may hold: a million envelopes of 2 KiB, in shares.
const CAPACITY_MB: u32 = 2_600;
/// What redb may keep of its file in memory: the relay's default.
pub const MEMORY_MB: u16 = 64;
/// Envelopes to one commit of the bare database: what the relay takes into a group at most.
const GROUP: usize = 256;

const RAW: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("raw");

/// Everything that is needed.
pub struct Stand {
    pub relay: Relay,
    pub writers: Vec<(Member, NodeLink)>,
    /// What was acknowledged, in no order.
    pub held: Vec<(Day, EnvelopeId)>,
    pub chance: ChaCha20Rng,
    pub raw: Raw,
}

impl Stand {
    pub async fn build() -> Result<Self> {
        let config = format!("[cache]\ncapacity_mb = {CAPACITY_MB}\nmemory_mb = {MEMORY_MB}\n");
        let relay = Relay::start_configured(RelaySettings::Alone, &config)?;
        let mut writers = Vec::new();
        for account in 1..=MEMBERS {
            let member = Member::join(&relay, account).await?;
            let link = member.link().await?;
            writers.push((member, link));
        }
        Ok(Self {
            relay,
            writers,
            held: Vec::new(),
            chance: ChaCha20Rng::seed_from_u64(1),
            raw: Raw::create()?,
        })
    }

    /// Envelopes like no others, with the lifetimes that are drawn, in turn.
    pub fn envelopes(&mut self, count: usize) -> Result<Vec<Envelope>> {
        let today = today()?;
        let class = Class::ordinary(Size::K2);
        let one = |days: u32| {
            let (mut nonce, mut hint) = ([0; 12], [0; 8]);
            let mut ciphertext = vec![0; class.ciphertext_bytes()];
            self.chance.fill_bytes(&mut nonce);
            self.chance.fill_bytes(&mut hint);
            self.chance.fill_bytes(&mut ciphertext);
            let header = Header {
                class,
                bucket: Bucket::WHOLE.code(),
                expiry: today.plus(days),
                nonce,
                hint,
            };
            Ok(Envelope::new(header, &ciphertext)?)
        };
        let days = komrade_ether::LIFETIME_DAYS.into_iter().cycle();
        days.take(count).map(one).collect()
    }

    /// Prints what the relay's process takes, and its file.
    pub fn print_memory(&self) {
        let file = fs::metadata(self.relay.data().join("cache.redb"));
        // Its length is no measure: it grows ahead of what is written.
        let disk = file.map_or(0, |file| file.blocks() * 512);
        match resident(&self.relay) {
            Some(bytes) => println!(
                "  {:>9.1} MB  resident, with {} envelopes held ({:.0} MB on the disk)",
                bytes as f64 / 1e6,
                self.held.len(),
                disk as f64 / 1e6,
            ),
            None => println!("  not measured: this system does not tell it in /proc"),
        }
    }
}

/// What a relay's process has in memory, in bytes.
fn resident(relay: &Relay) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", relay.pid()?)).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

pub fn today() -> Result<Day> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Day::of(u64::try_from(since.as_millis())?))
}

/// The database of the relay's cache, bare: each envelope under its id and nothing else.
pub struct Raw {
    database: Database,
    _folder: TempDir,
}

impl Raw {
    fn create() -> Result<Self> {
        let folder = TempDir::new()?;
        Ok(Self {
            database: Database::create(folder.path().join("raw.redb"))?,
            _folder: folder,
        })
    }

    /// Writes these, as many to a commit as the relay takes at most and as durably as there. How long it took.
    pub fn put(&self, envelopes: &[(EnvelopeId, Envelope)]) -> Result<Duration> {
        let started = Instant::now();
        for group in envelopes.chunks(GROUP) {
            let mut writing = self.database.begin_write()?;
            writing.set_quick_repair(true);
            let mut table = writing.open_table(RAW)?;
            for (id, envelope) in group {
                table.insert(id.0.as_slice(), envelope.as_bytes())?;
            }
            drop(table);
            writing.commit().context("the bare database")?;
        }
        Ok(started.elapsed())
    }
}
