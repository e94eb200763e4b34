//! What engines take in memory, weighed as they end: one world at a time, in a process of its own.

use std::alloc::System;

use komrade_sim::{IS_SEEDED, Settings, run, weigh_with};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

#[test]
fn no_engine_takes_more_memory_than_a_phone_has_to_spare() {
    let before = allocated();
    let ballast = vec![1u8; 1 << 20];
    assert!(allocated() >= before + ballast.len(), "nothing is weighed");
    drop(ballast);
    weigh_with(allocated);
    // A small one, the first of 50 people, and one with a collective; fewer where nothing is built to be quick.
    let rows = [
        Settings::of_seed(1),
        Settings::of_seed(49),
        Settings::collective(2),
    ];
    let rows = if IS_SEEDED { &rows[..] } else { &rows[..1] };
    for settings in rows {
        let report = run(*settings);
        let (count, heaviest) = report.weighed;
        println!(
            "{} peers: {count} engines, up to {heaviest} bytes",
            settings.peers
        );
        assert!(report.failures.is_empty(), "{:#?}", report.failures);
        assert!(
            count >= settings.peers as u64,
            "{count} engines were weighed"
        );
        assert!(heaviest > 100_000, "an engine of {heaviest} bytes");
    }
}
