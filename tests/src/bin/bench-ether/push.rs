//! Pushes: how long until another member of the relay has what one puts.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use komrade_ether::{Bucket, Frame};
use komrade_tests::Member;

use crate::{
    median, millis,
    puts::{accepted, deposit},
    stand::Stand,
};

/// Rounds, each a push, a round trip of the WebSocket and a commit of the bare database.
const ROUNDS: usize = 300;

pub async fn compare(stand: &mut Stand) -> Result<()> {
    let mut reader = Member::join(&stand.relay, 101).await?;
    let mut link = reader.link().await?;
    let subscribe = Frame::Subscribe {
        bucket: Bucket::WHOLE,
        incarnation: reader.node().incarnation,
        // Everything that was held when it said how far it is.
        after: stand.held.len() as u64,
    };
    link.say(&[subscribe]).await?;
    while !matches!(link.hear().await?, Frame::CaughtUp { .. }) {}
    let envelopes = stand.envelopes(ROUNDS)?;
    let (mut pushes, mut pings, mut commits) = (Vec::new(), Vec::new(), Vec::new());
    for envelope in envelopes {
        let id = envelope.id();
        let (_, writer) = stand.writers.first_mut().context("no writer")?;
        let started = Instant::now();
        writer.say(&[deposit(&envelope)]).await?;
        let arrived = link.hear().await?;
        pushes.push(started.elapsed());
        ensure!(
            matches!(&arrived, Frame::Arrived { envelope, .. } if envelope.id() == id),
            "something else arrived"
        );
        accepted(writer).await?;
        stand.held.push((envelope.header().expiry, id));
        pings.push(reader.ping().await?);
        commits.push(stand.raw.put(&[(id, envelope)])?);
    }
    let (push, ping, commit) = (median(pushes), median(pings), median(commits));
    println!("from one member's put to another's push, median of {ROUNDS} interleaved rounds");
    println!("  {:>9.3} ms  put, committed, pushed", millis(push));
    println!("  {:>9.3} ms  a round trip of the WebSocket", millis(ping));
    println!(
        "  {:>9.3} ms  a commit of one envelope in bare redb",
        millis(commit)
    );
    println!(
        "  {:>9.2}     times round trip and commit together",
        push.as_secs_f64() / (ping + commit).as_secs_f64()
    );
    Ok(())
}
