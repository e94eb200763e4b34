//! A row of seeds, most of them small worlds.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use komrade_sim::{IS_SEEDED, Report, Settings, run};

/// How many, unless `KOMRADE_SIM_SEEDS` says so: fewer where nothing is built to be quick.
const SEEDS: u64 = if IS_SEEDED { 50 } else { 3 };

#[test]
fn every_seed_ends_well() {
    let asked = std::env::var("KOMRADE_SIM_SEEDS").ok();
    let seeds = asked.map_or(SEEDS, |asked| asked.parse().unwrap());
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::<Report>::new());
    let messages = AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return;
            }
            let report = run(Settings::of_seed(seed));
            messages.fetch_add(report.counts.0 as u64, Ordering::Relaxed);
            if !report.failures.is_empty() {
                failed.lock().unwrap().push(report);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap();
    for report in &failed {
        let seed = report.settings.seed;
        println!(
            "{}\nseed {seed}: {:#?}",
            report.last.join("\n"),
            report.failures
        );
    }
    let seeds_failed: Vec<u64> = failed.iter().map(|it| it.settings.seed).collect();
    assert!(failed.is_empty(), "seeds {seeds_failed:?}");
    assert!(messages.into_inner() > 20 * seeds, "hardly anybody wrote");
}
