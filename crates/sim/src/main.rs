//! `cargo xtask sim`: runs a row of seeds, on all processors, and prints what went wrong with its seed.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use komrade_sim::{
    IS_SEEDED, Report, Settings, members, run,
    scale::{COMRADES, ENVELOPES, MEMBERS, Shape, day, growth},
};

const USAGE: &str = "usage: komrade-sim [--seeds N] [--from SEED] [--peers P] [--relays R] [--days D] [--lines N] [--burns] [--copies] [--collective] [--apart]\n       komrade-sim --scale\n       komrade-sim --members N";

struct Row {
    seeds: u64,
    from: u64,
    peers: Option<usize>,
    relays: Option<usize>,
    days: Option<u64>,
    lines: Option<usize>,
    burns: bool,
    copies: bool,
    collective: bool,
    apart: bool,
}

/// What is asked for; else the argument that says nothing here.
fn parse() -> Result<Row, String> {
    let mut row = Row {
        seeds: 50,
        from: 0,
        peers: None,
        relays: None,
        days: None,
        lines: None,
        burns: false,
        copies: false,
        collective: false,
        apart: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let flag = match name.as_str() {
            "--burns" => Some(&mut row.burns),
            "--copies" => Some(&mut row.copies),
            "--collective" => Some(&mut row.collective),
            "--apart" => Some(&mut row.apart),
            _ => None,
        };
        if let Some(flag) = flag {
            *flag = true;
            continue;
        }
        let value = arguments.next();
        let number = value.as_ref().and_then(|it| it.parse::<u64>().ok());
        let count = number.and_then(|it| usize::try_from(it).ok());
        let known = match name.as_str() {
            "--seeds" => number.map(|it| row.seeds = it),
            "--from" => number.map(|it| row.from = it),
            "--days" => number.map(|it| row.days = Some(it)),
            "--peers" => count.map(|it| row.peers = Some(it)),
            "--relays" => count.map(|it| row.relays = Some(it)),
            "--lines" => count.map(|it| row.lines = Some(it)),
            _ => return Err(format!("`{name}` is not known here")),
        };
        let given = value.unwrap_or_default();
        known.ok_or_else(|| format!("{name} needs a number, not `{given}`"))?;
    }
    Ok(row)
}

fn print(report: &Report) {
    let Settings {
        seed,
        peers,
        relays,
        days,
        ..
    } = report.settings;
    for line in &report.last {
        println!("    {line}");
    }
    let kind = match report.settings.collective {
        true => " with a collective",
        false => "",
    };
    println!("seed {seed}{kind} FAILED ({peers} peers, {relays} relays, {days} days):");
    for failure in &report.failures {
        println!("  {failure}");
    }
}

/// Networks that the light traffic model lives through.
const NETWORKS: [usize; 3] = [100, 1_000, 10_000];

/// What a peer costs in networks of growing size, by the light traffic model.
fn scale() -> ExitCode {
    println!(
        "Light traffic model: peers are counts, nodes and their links the shipped ones. A day in which everybody puts {ENVELOPES} \
         envelopes of 2 KiB to {COMRADES} comrades, half of them at the same relay. For each peer:"
    );
    let mut grown = Vec::new();
    for (shape, about) in [
        (Shape::Relays, format!("relays of {MEMBERS}")),
        (Shape::OneRelay, "one relay, buckets halved".to_owned()),
    ] {
        println!(
            "{about}\n     peers  bits   KB sent  KB received  KB between relays  shelf operations  hints compared"
        );
        let costs = NETWORKS.map(|peers| {
            let cost = day(shape, peers);
            println!(
                "{:>10} {:>5} {:>9.1} {:>12.1} {:>18.1} {:>17.0} {:>15.0}",
                cost.peers,
                cost.bits,
                cost.sent / 1e3,
                cost.received / 1e3,
                cost.between / 1e3,
                cost.operations,
                cost.hints
            );
            cost
        });
        grown.extend(growth(&costs));
    }
    if grown.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("It grows with the network:\n  {}", grown.join("\n  "));
    ExitCode::FAILURE
}

/// What the keys of a large collective cost, week by week.
fn keys(count: usize) -> ExitCode {
    println!(
        "Keys of a collective of {count}: devices are a model, governance, keys and rules the shipped ones. Everybody renews their \
         leaf key weekly; in the last weeks some come and some are removed. In a week:"
    );
    println!(
        "members  in out  leaf keys  KB of them  seeds: in, out, by age  KB of them  KB of operations"
    );
    let weeks = members::weeks(count, true);
    for week in &weeks {
        let (admitting, removing, aging) = week.seeds;
        println!(
            "{:>7} {:>3} {:>3} {:>10} {:>11} {:>11} {:>4} {:>6} {:>11} {:>17}",
            week.members,
            week.admitted,
            week.removed,
            week.leaves,
            week.leaf_bytes / 1_000,
            admitting,
            removing,
            aging,
            week.seed_bytes / 1_000,
            week.operation_bytes / 1_000,
        );
    }
    let storms = members::storms(&weeks);
    if storms.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("A storm:\n  {}", storms.join("\n  "));
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    if std::env::args().skip(1).eq(["--scale"]) {
        return scale();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, members] = arguments.as_slice()
        && flag == "--members"
    {
        return match members.parse() {
            Ok(members) if (20..=members::MOST).contains(&members) => keys(members),
            _ => {
                println!("{USAGE}");
                ExitCode::FAILURE
            }
        };
    }
    let row = match parse() {
        Ok(row) => row,
        Err(wrong) => {
            println!("{wrong}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    if !IS_SEEDED {
        println!("this build does not draw everything from the seed: `cargo xtask sim` makes one");
    }
    let next = AtomicU64::new(row.from);
    let end = row.from.saturating_add(row.seeds);
    let sums = Mutex::new((0_u64, 0_u64, 0_usize, 0_usize, 0_usize, Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let mut settings = match row.collective {
                true => Settings::collective(seed),
                false => Settings::of_seed(seed),
            };
            settings.peers = row.peers.unwrap_or(settings.peers).max(2);
            settings.relays = row.relays.unwrap_or(settings.relays).max(1);
            settings.days = row.days.unwrap_or(settings.days);
            settings.lines = row.lines.unwrap_or(settings.lines);
            settings.burns |= row.burns;
            settings.copies |= row.copies;
            settings.apart |= row.apart;
            let report = run(settings);
            let Ok(mut sums) = sums.lock() else { return };
            sums.0 += 1;
            sums.1 += report.steps;
            sums.2 += report.counts.0;
            sums.3 += report.counts.1;
            sums.4 += report.counts.2;
            if report.settings.collective {
                println!("seed {seed}: {:?}", report.tally);
            }
            if !report.failures.is_empty() {
                print(&report);
                sums.5.push(seed);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let Ok(sums) = sums.into_inner() else {
        return ExitCode::FAILURE;
    };
    let (worlds, steps, messages, seals, keys, mut failed) = sums;
    println!(
        "{worlds} worlds, {steps} steps, {messages} messages, {seals} seals, {keys} message keys"
    );
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    failed.sort_unstable();
    println!("{} seeds failed: {failed:?}", failed.len());
    ExitCode::FAILURE
}
