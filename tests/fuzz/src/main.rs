//! Feeds one decoder for some minutes, lists all, or writes a corpus.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use komrade_fuzz::targets;

/// How many inputs are made between two looks at the clock.
const ROUND: u64 = 10_000;

#[derive(Parser)]
#[command(about = "Feed a decoder random changes of valid input")]
struct Arguments {
    /// Which decoder; `list` shows them, `all` takes each in turn.
    name: String,
    /// For how long, each.
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// Write the valid examples into the corpus instead.
    #[arg(long)]
    write: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let all = targets();
    if arguments.name == "list" {
        for target in &all {
            println!("{}", target.name);
        }
        return Ok(());
    }
    let chosen: Vec<_> = all
        .iter()
        .filter(|target| arguments.name == "all" || target.name == arguments.name)
        .collect();
    chosen
        .first()
        .with_context(|| format!("no decoder `{}`; try `list`", arguments.name))?;
    for target in chosen {
        if arguments.write {
            target.write()?;
            continue;
        }
        let corpus = target.corpus()?;
        let started = Instant::now();
        let mut round = 0;
        while started.elapsed() < Duration::from_secs(arguments.minutes * 60) {
            target.feed(&corpus, round, ROUND)?;
            round += 1;
        }
        println!("{}: {} inputs, no panic", target.name, round * ROUND);
    }
    Ok(())
}
