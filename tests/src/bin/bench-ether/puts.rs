//! Puts: how many a relay takes in a second, acknowledged and durable.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use komrade_ether::{Envelope, EnvelopeId, Frame, Outcome, Pass};
use komrade_tests::NodeLink;

use crate::{median, stand::Stand};

/// Envelopes of one round.
const ROUND: usize = 10_000;
/// Puts of one member that wait for an answer: what fits into a link's window of 256 KiB.
const IN_FLIGHT: usize = 112;
/// So many are said at once.
const AT_ONCE: usize = 28;

/// Fills the relay up to so many envelopes, in rounds, each beside the same envelopes in a bare database.
pub async fn compare(stand: &mut Stand, up_to: usize) -> Result<()> {
    let (mut relayed, mut raw) = (Vec::new(), Vec::new());
    while stand.held.len() < up_to {
        let round = round(stand, up_to)?;
        relayed.push(put(stand, &round).await?);
        raw.push(stand.raw.put(&round)?);
    }
    println!(
        "puts of 2 KiB, median of {} rounds of {ROUND}; {} members, each with {IN_FLIGHT} in flight",
        relayed.len(),
        stand.writers.len()
    );
    let rate = |times| ROUND as f64 / median(times).as_secs_f64();
    let (relayed, raw) = (rate(relayed), rate(raw));
    println!("  {relayed:>9.0} /s  through the relay, durable and acknowledged (1,000 wanted)");
    println!("  {raw:>9.0} /s  into bare redb, by id alone, 256 to a commit");
    println!("  {:>9.2}     times bare redb", relayed / raw);
    Ok(())
}

/// The same without comparing.
pub async fn fill(stand: &mut Stand, up_to: usize) -> Result<()> {
    let mut took = Duration::ZERO;
    let before = stand.held.len();
    while stand.held.len() < up_to {
        let round = round(stand, up_to)?;
        took += put(stand, &round).await?;
    }
    let count = stand.held.len() - before;
    println!("{count} more puts");
    println!(
        "  {:>9.0} /s  through the relay",
        count as f64 / took.as_secs_f64()
    );
    Ok(())
}

fn round(stand: &mut Stand, up_to: usize) -> Result<Vec<(EnvelopeId, Envelope)>> {
    let count = ROUND.min(up_to - stand.held.len());
    let envelopes = stand.envelopes(count)?.into_iter();
    Ok(envelopes.map(|it| (it.id(), it)).collect())
}

/// All writers put their part at the same time. How long until the last is acknowledged.
async fn put(stand: &mut Stand, round: &[(EnvelopeId, Envelope)]) -> Result<Duration> {
    let part = round.len().div_ceil(stand.writers.len());
    let started = Instant::now();
    let writers = stand.writers.iter_mut().map(|(_, link)| link);
    try_join_all(
        writers
            .zip(round.chunks(part))
            .map(|(link, part)| put_all(link, part)),
    )
    .await?;
    let took = started.elapsed();
    let items = round.iter().map(|(id, it)| (it.header().expiry, *id));
    stand.held.extend(items);
    Ok(took)
}

async fn put_all(link: &mut NodeLink, envelopes: &[(EnvelopeId, Envelope)]) -> Result<()> {
    let mut groups = envelopes.chunks(AT_ONCE);
    let (mut said, mut answered) = (0, 0);
    while answered < envelopes.len() {
        while said - answered + AT_ONCE <= IN_FLIGHT
            && let Some(group) = groups.next()
        {
            let frames: Vec<_> = group.iter().map(|(_, it)| deposit(it)).collect();
            link.say(&frames).await?;
            said += group.len();
        }
        accepted(link).await?;
        answered += 1;
    }
    Ok(())
}

/// What a member says to put this.
pub fn deposit(envelope: &Envelope) -> Frame {
    Frame::Deposit {
        pass: Pass::default(),
        envelope: envelope.clone(),
    }
}

/// Waits for an answer, which has to be *accepted*.
pub async fn accepted(link: &mut NodeLink) -> Result<()> {
    loop {
        if let Frame::Ack { outcome, .. } = link.hear().await? {
            ensure!(outcome == Outcome::Accepted, "{outcome:?}");
            return Ok(());
        }
    }
}
