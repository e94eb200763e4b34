//! What the ether costs: the shipped relay as a process of its own, members' links over its WebSocket, and beside each figure something
//! comparable in the same run.
//!
//! Envelopes are of the smallest class, 2 KiB, and hold chance. Everything runs on one machine: relay, members and what they are compared
//! with share its processors. With `--long`, the same again where a million envelopes are held; that takes some ten minutes and 6 GB of disk.

mod comeback;
mod push;
mod puts;
mod stand;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::stand::Stand;

/// Envelopes held when somebody comes back after a week.
const WEEK: usize = 100_000;
/// Envelopes held in the long run.
const MILLION: usize = 1_000_000;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let long = match arguments.as_slice() {
        [] => false,
        [one] if one == "--long" => true,
        _ => bail!("usage: bench-ether [--long]"),
    };
    let mut stand = Stand::build().await?;
    println!(
        "memory of the relay's process (redb may keep {} MiB of its file)",
        stand::MEMORY_MB
    );
    stand.print_memory();
    puts::compare(&mut stand, WEEK).await?;
    stand.print_memory();
    push::compare(&mut stand).await?;
    comeback::compare(&stand).await?;
    if long {
        puts::fill(&mut stand, MILLION).await?;
        stand.print_memory();
        comeback::compare(&stand).await?;
        stand.print_memory();
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
