//! What newcomers are given of what was said before they came.

use komrade_crypto::group::{LeafRing, archive};
use komrade_view::ComradeId;

use super::*;
use crate::space::bringing_in::Escort;

/// Somebody came in and has the keys in use: this device brings them in.
fn brings_in(bench: &mut Bench, number: u8, pen: &Pen) -> (ComradeId, LeafRing, Commit) {
    let comrade = welcome::comrade(bench, number, pen);
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut ring = LeafRing::new();
    ring.renew(20_000, 0, &mut rng).unwrap();
    let leaf = ring.record(&bench.space().group(), &pen.key).unwrap();
    let (id, now) = (bench.id, bench.now);
    bench.step(|open, step| open.space_take_leaf(step, id, leaf));
    let root = bench.space().root().unwrap();
    let chosen = bench.space().keys.choose(&root, 20_000).unwrap();
    bench.space_mut().record.escorts.push(Escort {
        comrade,
        person: pen.person,
        welcomed_at: now,
        has_failed: false,
        words: None,
        told_up_to: 0,
        accepted: None,
        entered: Some((pen.id().into(), pen.sequence)),
        seed: Some(chosen),
        has_history: false,
    });
    (comrade, ring, chosen)
}

/// Ana says this, under one seed.
fn says(bench: &mut Bench, pen: &mut Pen, under: Commit, what: &str) -> Operation {
    let said = pen.says(bench, text(what));
    let (id, taken) = (bench.id, said.clone());
    assert!(bench.step(|open, step| open.space_take(step, id, taken, Some(under))));
    said
}

#[test]
fn what_was_said_under_two_seeds_in_turns_is_given_in_steps_that_fit() {
    let mut pens = three();
    let mut bench = Bench::found_sharing(&mut pens, true);
    let seeds = [bench.newest(), bench.reseed()];
    for n in 0..limits::MAX_HISTORY {
        says(&mut bench, &mut pens[1], seeds[n % 2], &n.to_string());
    }
    bench.reseed();
    let newcomers = [(1, &pens[0]), (2, &pens[1])];
    let newcomers = newcomers.map(|(number, pen)| brings_in(&mut bench, number, pen).0);
    let id = bench.id;
    for _ in newcomers {
        bench.step(|open, step| open.space_give_history(step, id));
        bench.rest();
    }
    let escorts = &bench.space().record.escorts;
    assert!(escorts.iter().all(|it| it.has_history));
    for comrade in newcomers {
        let words = bench.open.comrades[&comrade].outbox.len();
        assert!((2..40).contains(&words), "{words}");
    }
    // Once, and after a restart, too.
    let before = bench.count(Table::Outbox);
    bench.step(|open, step| open.space_give_history(step, id));
    assert_eq!(bench.count(Table::Outbox), before);
}

#[test]
fn what_was_said_while_the_rules_did_not_share_it_is_not_given() {
    let mut pens = three();
    let mut bench = Bench::found_sharing(&mut pens, false);
    let before = bench.newest();
    says(&mut bench, &mut pens[1], before, "among us");
    let mut rules = bench.space().society.constitution().unwrap().clone();
    rules.history = true;
    let constitution = Box::new(rules);
    let amendment = pens[1].says(&bench, propose(Subject::Amend { constitution }));
    bench.hear(&before, std::slice::from_ref(&amendment));
    for pen in &mut pens {
        let vote = pen.says(&bench, ballot(amendment.id()));
        bench.hear(&before, &[vote]);
    }
    let proposal = amendment.id();
    let enacted = pens[1].says(&bench, Body::Enact { proposal });
    bench.hear(&before, &[enacted]);
    assert!(bench.space().shares_history());
    let shared = bench.reseed();
    says(&mut bench, &mut pens[1], shared, "for all who come");
    bench.reseed();
    let (_, ring, chosen) = brings_in(&mut bench, 1, &pens[0]);
    let device = pens[0].id();
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let loads = bench.space_mut().history_for(&device, &chosen, &mut rng);
    let group = bench.space().group();
    let archives = loads.iter().filter_map(|load| load.archive.as_ref());
    let given = archives.flat_map(|sealed| {
        let mut keys = ring.keys();
        keys.find_map(|key| archive::open(&group, key, sealed).ok())
            .unwrap()
    });
    let given: Vec<Commit> = given.map(|past| past.seed.commit()).collect();
    assert_eq!(given, [shared]);
    // The seed of before with its operation would have been one more, and what was said under it another.
    assert_eq!(loads.len(), 2);
}
