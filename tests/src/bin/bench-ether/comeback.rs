//! Coming back after a week: by cursor, and by reconciliation where cursors do not help.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use komrade_ether::{
    Bucket, Day, EnvelopeId, Frame, MAX_RECONCILE_BYTES, MAX_WANT_IDS, Reconciler,
};
use komrade_tests::Member;
use negentropy::{Id, Negentropy, NegentropyStorageVector};

use crate::{millis, stand::Stand};

/// One of so many is missing.
const PART: usize = 100;
/// Budget for what is carried beside the envelopes, in bytes.
const BESIDE: f64 = 50_000.0;

/// Both ways to come back, and plain `negentropy` beside the second.
pub async fn compare(stand: &Stand) -> Result<()> {
    by_cursor(stand).await?;
    let newest = stand.held.len() - stand.held.len() / PART;
    let newest = stand.held.iter().skip(newest).map(|(_, id)| *id).collect();
    plain(stand, &newest, MAX_RECONCILE_BYTES as u64)?
        .print("the same by plain negentropy in memory, 128 KiB a message");
    let missing: BTreeSet<_> = scattered(stand);
    let ours = by_reconciliation(stand, &missing).await?;
    let limited = plain(stand, &missing, MAX_RECONCILE_BYTES as u64)?;
    let whole = plain(stand, &missing, 0)?;
    println!(
        "back with {} of {} missing, scattered, by reconciliation",
        missing.len(),
        stand.held.len()
    );
    ours.print("with the relay, 128 KiB a message");
    limited.print("plain negentropy in memory, 128 KiB a message");
    whole.print("plain negentropy in memory, messages of any size");
    let ratio = |ours: f64, theirs: f64| ours / theirs;
    println!(
        "  {:>6.2} times the round trips, {:.2} times the bytes, {:.1} times the time of plain negentropy with such messages",
        ratio(f64::from(ours.steps), f64::from(limited.steps)),
        ratio(ours.bytes as f64, limited.bytes as f64),
        ours.took.as_secs_f64() / limited.took.as_secs_f64(),
    );
    Ok(())
}

/// What a comparison took.
struct Compared {
    /// Messages of the leading side that were answered.
    steps: u32,
    /// Bytes of messages, both ways.
    bytes: u64,
    took: Duration,
}

impl Compared {
    fn print(&self, how: &str) {
        println!(
            "  {:>6} round trips {:>9.1} KB {:>9.0} ms  {how}",
            self.steps,
            self.bytes as f64 / 1e3,
            millis(self.took)
        );
    }
}

async fn by_cursor(stand: &Stand) -> Result<()> {
    let member = Member::join(&stand.relay, 102).await?;
    let mut link = member.link().await?;
    let missing = stand.held.len() / PART;
    let (before, started) = (member.carried(), Instant::now());
    let subscribe = Frame::Subscribe {
        bucket: Bucket::WHOLE,
        incarnation: member.node().incarnation,
        after: (stand.held.len() - missing) as u64,
    };
    // Nothing else is said until all is here.
    let asked = [subscribe];
    link.say(&asked).await?;
    let (mut envelopes, mut payload, mut first) = (0, 0, None);
    loop {
        match link.hear().await? {
            Frame::Log { .. } => {}
            Frame::Arrived { envelope, .. } => {
                first.get_or_insert_with(|| started.elapsed());
                envelopes += 1;
                payload += envelope.as_bytes().len() as u64;
            }
            Frame::CaughtUp { .. } => break,
            other => bail!("{other:?} while catching up"),
        }
    }
    let took = started.elapsed();
    ensure!(envelopes == missing, "{envelopes} of {missing} came");
    let beside = (member.carried() - before - payload) as f64;
    println!(
        "back with the newest {missing} of {} missing, by cursor",
        stand.held.len()
    );
    println!(
        "  {:>6} round trip before the first of them (budget 1), after {:.1} ms; all of them after {:.0} ms",
        asked.len(),
        millis(first.context("nothing came")?),
        millis(took)
    );
    println!(
        "  {:>6.1} KB beside {:.0} KB of envelopes, everything on the WebSocket counted (budget {:.0} KB)",
        beside / 1e3,
        payload as f64 / 1e3,
        BESIDE / 1e3
    );
    println!(
        "  {:>6.3} of the envelopes' bytes, {:.1} bytes for each",
        beside / payload as f64,
        beside / missing as f64
    );
    Ok(())
}

/// The same share of everything, anywhere in the order in which ids are compared.
fn scattered(stand: &Stand) -> BTreeSet<EnvelopeId> {
    let mut ids: Vec<_> = stand.held.iter().map(|(_, id)| *id).collect();
    ids.sort_unstable_by_key(|EnvelopeId(id)| {
        let mut backwards = *id;
        backwards.reverse();
        backwards
    });
    ids.truncate(stand.held.len() / PART);
    ids.into_iter().collect()
}

fn held_without(stand: &Stand, missing: &BTreeSet<EnvelopeId>) -> Vec<(Day, EnvelopeId)> {
    let held = stand.held.iter().copied();
    held.filter(|(_, id)| !missing.contains(id)).collect()
}

/// With the relay, over its WebSocket; what is missing is asked for and comes meanwhile.
async fn by_reconciliation(stand: &Stand, missing: &BTreeSet<EnvelopeId>) -> Result<Compared> {
    let member = Member::join(&stand.relay, 103).await?;
    let mut link = member.link().await?;
    let held = held_without(stand, missing);
    let started = Instant::now();
    let (mut reconciler, begin) = Reconciler::begin(Bucket::WHOLE, held)?;
    let mut bytes = begin.encode().len() as u64;
    link.say(&[begin]).await?;
    let (mut steps, mut took) = (0, None);
    let mut lacked = BTreeSet::new();
    let (mut came, mut meanwhile) = (0, 0);
    while took.is_none() || came < missing.len() {
        match link.hear().await? {
            Frame::Replica { .. } => came += 1,
            Frame::Reconcile { bucket, message } => {
                steps += 1;
                let learnt = reconciler.handle(&message)?;
                ensure!(learnt.lacked_there.is_empty(), "the relay lacks something");
                bytes += Frame::Reconcile { bucket, message }.encode().len() as u64;
                bytes += learnt.answer.encode().len() as u64;
                let fresh = learnt.lacked_here.into_iter();
                let fresh: Vec<_> = fresh.filter(|id| lacked.insert(*id)).collect();
                let wants = fresh.chunks(MAX_WANT_IDS);
                let mut frames = vec![learnt.answer];
                frames.extend(wants.map(|ids| Frame::Want { ids: ids.to_vec() }));
                if learnt.is_done {
                    took = Some(started.elapsed());
                    meanwhile = came;
                }
                link.say(&frames).await?;
            }
            other => bail!("{other:?} while comparing"),
        }
    }
    ensure!(lacked == *missing, "something else was missing");
    println!(
        "what was missing came within {:.0} ms of the beginning, {meanwhile} of {came} while ranges were still compared",
        millis(started.elapsed())
    );
    let took = took.context("no end")?;
    Ok(Compared { steps, bytes, took })
}

/// The crate on both sides, from lists in memory.
fn plain(stand: &Stand, missing: &BTreeSet<EnvelopeId>, limit: u64) -> Result<Compared> {
    let held = held_without(stand, missing);
    let started = Instant::now();
    let mut here = Negentropy::owned(list(&held)?, limit)?;
    // What the relay has, it has before.
    let building = Instant::now();
    let mut there = Negentropy::owned(list(&stand.held)?, limit)?;
    let building = building.elapsed();
    let mut message = here.initiate()?;
    let (mut steps, mut bytes) = (0, 0);
    let (mut lacked_there, mut lacked_here) = (Vec::<Id>::new(), Vec::new());
    loop {
        let answer = there.reconcile(&message)?;
        steps += 1;
        bytes += (message.len() + answer.len()) as u64;
        match here.reconcile_with_ids(&answer, &mut lacked_there, &mut lacked_here)? {
            Some(next) => message = next,
            None => break,
        }
    }
    let took = started.elapsed() - building;
    let lacked: BTreeSet<_> = lacked_here
        .iter()
        .map(|id| EnvelopeId(id.to_bytes()))
        .collect();
    ensure!(lacked == *missing, "something else was missing");
    Ok(Compared { steps, bytes, took })
}

fn list(items: &[(Day, EnvelopeId)]) -> Result<NegentropyStorageVector> {
    let mut list = NegentropyStorageVector::with_capacity(items.len());
    for (day, id) in items {
        list.insert(u64::from(day.0), Id::from_byte_array(id.0))?;
    }
    list.seal()?;
    Ok(list)
}
