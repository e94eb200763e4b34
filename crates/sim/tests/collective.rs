//! Worlds with one collective, in which members come, go, vote and change the rules; and the keys of a large one.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use komrade_sim::{IS_SEEDED, Report, Sabotage, Settings, members, run};

/// How many, unless `KOMRADE_SIM_COLLECTIVES` says so. Without a build that is made to be quick there are none.
const SEEDS: u64 = if IS_SEEDED { 8 } else { 0 };

#[test]
fn every_seed_with_a_collective_ends_well() {
    let asked = std::env::var("KOMRADE_SIM_COLLECTIVES").ok();
    let seeds = asked.map_or(SEEDS, |asked| asked.parse().unwrap());
    let next = AtomicU64::new(0);
    let reports = Mutex::new(Vec::<Report>::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return;
            }
            let report = run(Settings::collective(seed));
            reports.lock().unwrap().push(report);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let reports = reports.into_inner().unwrap();
    let failed = reports.iter().filter(|it| !it.failures.is_empty());
    for report in failed.clone() {
        let seed = report.settings.seed;
        println!(
            "{}\nseed {seed} with a collective: {:#?}",
            report.last.join("\n"),
            report.failures
        );
    }
    let failed: Vec<u64> = failed.map(|it| it.settings.seed).collect();
    assert!(failed.is_empty(), "seeds {failed:?} with a collective");
    if reports.is_empty() {
        return;
    }
    // Nothing of what is held to was held to for want of it.
    let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
    let count = reports.len();
    let tallies: Vec<_> = reports.iter().map(|it| it.tally).collect();
    assert!(sum(|it| it.tally.members) >= 3 * count, "{tallies:?}");
    assert!(sum(|it| it.tally.admitted) >= 3 * count, "{tallies:?}");
    assert!(sum(|it| it.tally.decided) > 0, "{tallies:?}");
    assert!(sum(|it| it.tally.posts) > 50 * count, "{tallies:?}");
    assert!(sum(|it| it.tally.shown) > 150 * count, "{tallies:?}");
}

/// Says what a world with a collective is found to do wrong.
fn found(sabotage: Sabotage, says: &str) {
    if !IS_SEEDED {
        // `cargo xtask test` has one that is made to be quick.
        return;
    }
    let settings = Settings {
        days: 5,
        sabotage: Some(sabotage),
        ..Settings::collective(0)
    };
    let failures = run(settings).failures;
    let is_found = failures.iter().any(|failure| failure.contains(says));
    assert!(is_found, "{sabotage:?} was not found; heard: {failures:#?}");
}

#[test]
fn a_member_for_whom_nobody_vouched_is_found() {
    found(Sabotage::SecretVouches, "who never vouched for them");
}

#[test]
fn a_post_read_by_somebody_without_whom_it_was_sent_is_found() {
    found(Sabotage::SecretMembers, "sent without them");
}

#[test]
fn members_who_see_two_states_are_found() {
    found(Sabotage::OtherState, "differently");
}

#[test]
fn a_post_shown_twice_is_found() {
    found(Sabotage::Doubled, "is shown it 2 times");
}

#[test]
fn a_post_that_is_not_shown_is_found() {
    found(Sabotage::DeafDevices, "is shown it 0 times");
}

#[test]
fn one_seed_with_a_collective_gives_one_transcript() {
    if !IS_SEEDED {
        // `cargo xtask test` has one that is made to be quick.
        return;
    }
    let settings = Settings {
        days: 4,
        ..Settings::collective(3)
    };
    let [one, other] = [run(settings), run(settings)];
    assert_eq!(one, other);
    assert!(one.tally.posts > 10, "{:?}", one.tally);
}

#[test]
fn weekly_leaf_keys_make_no_storm_of_seeds() {
    let size = if IS_SEEDED { 100 } else { 40 };
    let asked = std::env::var("KOMRADE_SIM_MEMBERS").ok();
    let size = asked.map_or(size, |asked| asked.parse().unwrap());
    let weeks = members::weeks(size, true);
    assert_eq!(members::storms(&weeks), Vec::<String>::new(), "{weeks:?}");
    for week in &weeks {
        // Everybody has renewed theirs, some of them on both ends of the week.
        assert!(week.leaves * 10 > week.members * 8, "{week:?}");
    }
    let moving = &weeks[members::CALM_WEEKS..];
    assert!(moving.iter().all(|it| it.admitted > 0 && it.removed > 0));
    // What is too much is found: everybody who is there draws one at once.
    let storms = members::storms(&members::weeks(size.min(40), false));
    assert!(!storms.is_empty(), "nobody waited, and there was no storm");
}
