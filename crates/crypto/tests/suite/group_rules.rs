//! When seeds are drawn and used, and who answers.

use komrade_crypto::group::{
    Commit, MemberRoot,
    rules::{self, Candidate, Phase, Reseed},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::rng;

#[test]
fn a_seed_ages() {
    for (age, expected) in [
        (0, Phase::Fresh),
        (6, Phase::Fresh),
        (7, Phase::Aging),
        (14, Phase::Aging),
        (15, Phase::Reading),
        (46, Phase::Reading),
        (47, Phase::Lasting),
        (60, Phase::Lasting),
        (61, Phase::Gone),
        (60_000, Phase::Gone),
    ] {
        assert_eq!(rules::phase(100, 100 + age), expected, "{age} days");
    }
    assert_eq!(
        rules::phase(100, 0),
        Phase::Fresh,
        "a clock that was set back"
    );
}

#[test]
fn only_other_members_or_age_ask_for_a_seed() {
    let (ours, others) = (MemberRoot([1; 32]), MemberRoot([2; 32]));
    let seed = |commit, root, since, height| Candidate {
        commit: Commit([commit; 32]),
        root,
        since,
        height,
    };
    let reseed = |seeds: &[Candidate], today| rules::reseed(seeds, &ours, today);
    assert_eq!(reseed(&[], 100), Reseed::Forced);
    assert_eq!(reseed(&[seed(1, others, 100, 9)], 100), Reseed::Forced);
    let old = seed(2, ours, 100, 1);
    assert_eq!(reseed(&[old], 106), Reseed::No);
    assert_eq!(reseed(&[old], 107), Reseed::Invited);
    assert_eq!(reseed(&[old], 114), Reseed::Invited);
    assert_eq!(reseed(&[old], 115), Reseed::Forced);
    // The later one is used, although its hash is higher; of concurrent ones the lower hash.
    let all = [seed(9, ours, 107, 2), old, seed(8, ours, 107, 2)];
    assert_eq!(reseed(&all, 107), Reseed::No);
    let chosen = |today| rules::choose(&all, &ours, today).map(|seed| seed.commit.0[0]);
    assert_eq!(
        (chosen(107), chosen(121), chosen(122)),
        (Some(8), Some(8), None)
    );
}

#[test]
fn waits_are_even_and_within_their_bounds() {
    let rng = &mut rng(1);
    for (urgent, longest) in [
        (true, rules::MAX_URGENT_WAIT_MILLIS),
        (false, rules::MAX_WAIT_MILLIS),
    ] {
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let wait = rules::wait_millis(urgent, rng);
            assert!(wait <= longest);
            let tenth = u64::from(wait) * 10 / (u64::from(longest) + 1);
            tenths[usize::try_from(tenth).unwrap()] += 1;
        }
        assert!(
            tenths.iter().all(|count| (850..1_150).contains(count)),
            "{tenths:?}"
        );
    }
}

#[test]
fn one_member_answers_first_and_another_for_each_question() {
    let members: Vec<[u8; 32]> = (0..20).map(|number| [number; 32]).collect();
    let order = |question: [u8; 32]| {
        let turn = |mine: &[u8; 32]| {
            let others = members.iter().filter(|device| *device != mine);
            rules::turn(&question, mine, others)
        };
        members.iter().map(turn).collect::<Vec<_>>()
    };
    let first: std::collections::BTreeSet<_> = (0..20)
        .map(|question| {
            let turns = order([question; 32]);
            let mut sorted = turns.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..20), "everybody has a place");
            turns.iter().position(|turn| *turn == 0)
        })
        .collect();
    assert!(first.len() > 8, "not always the same");
}
