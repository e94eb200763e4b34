//! A collective when things cross: what becomes final while somebody comes in, whoever goes while others go, clocks that are
//! wrong, and words of comrades who may not say them.

use komrade_ether::{Draw, MemoryShelf, Node, NodeKey, Settings, Token};
use komrade_store::{Record, Table};
use komrade_view::*;

use crate::{
    collective::{
        Collectives, NAMES, carry, collective, people, people_at, rules, want_two_vouches,
    },
    world::{DAY, HOUR, MINUTE, World},
};

/// Somebody comes in, by an offer of Ana's.
fn come_in(world: &mut World, comrade: ComradeId, at: usize) {
    world.candidate(0, comrade, at);
    world.until(|world| world.collective(at).standing == Standing::Member);
    world.pass(2 * HOUR);
}

/// How many records of operations, or of seeds, a peer keeps.
fn operations(world: &World, at: usize) -> usize {
    let records = world.peers[at].store.records().into_iter();
    records
        .filter(|(table, _)| *table == Table::Operations)
        .count()
}

fn seeds(world: &World, at: usize) -> usize {
    let records = world.peers[at].store.records().into_iter();
    let is_seed = |key: &[u8]| key.first() == Some(&1);
    records
        .filter(|(table, record)| *table == Table::Spaces && is_seed(&record.key))
        .count()
}

/// Everybody of these says something, and all the others read it.
fn talk(world: &mut World, peers: &[usize]) {
    for at in peers {
        world.post(*at, &format!("{} is here", NAMES[*at]));
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    for at in peers {
        let said = world.said(*at);
        for other in peers {
            let text = format!("{} is here", NAMES[*other]);
            assert_eq!(
                said.iter().filter(|it| **it == text).count(),
                1,
                "{at}: {said:?}"
            );
        }
    }
}

fn standing(world: &World, at: usize) -> Standing {
    world.collective(at).standing
}

#[test]
fn devices_of_whom_nobody_says_anything_fall_silent() {
    let (mut world, _) = collective(975, 3);
    talk(&mut world, &[0, 1, 2]);
    let (before, old) = (operations(&world, 0), seeds(&world, 0));
    world.pass(30 * DAY);
    let (after, drawn) = (operations(&world, 0), seeds(&world, 0));
    // Each speaks up twice because it hears nothing and twice because nobody answers, and a seed is drawn as often as one has to be.
    assert!(
        after <= before + 12 + drawn - old,
        "{before}, {after}, {drawn}, {old}"
    );
    world.pass(20 * DAY);
    let (now, all) = (operations(&world, 0), seeds(&world, 0));
    assert!(now <= after + all - drawn, "{after}, {now}, {drawn}, {all}");
    world.post(0, "after all");
    world.pass(2 * HOUR);
    assert!((0..3).all(|at| world.said(at).contains(&"after all".into())));
}

// --- coming in -----------------------------------------------------------------------------------

#[test]
fn who_enters_without_knowing_what_became_final_meanwhile_is_welcomed_anew() {
    let (mut world, met) = people(940, 4);
    world.found(0, rules(1));
    come_in(&mut world, met[0], 1);
    // Cleo says yes and is away while Dara comes in and that becomes final.
    world.candidate(0, met[1], 2);
    world.pass(MINUTE);
    world.stop(2);
    come_in(&mut world, met[2], 3);
    world.pass(DAY + 12 * HOUR);
    assert!(world.detail(0).final_at.is_some());
    // The welcome that waited for her is the old one.
    world.restart(2);
    world.pass(DAY);
    world.agree(&[0, 1, 2, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    assert_eq!(standing(&world, 2), Standing::Member);
    talk(&mut world, &[0, 1, 2, 3]);
}

/// Ana brings Dara in, and both are away while the others do without them what makes that void: they bring in Fay, and `also` is
/// done before that is final. Either they know that Dara is to come in, and she is in, or they do not, and she has no keys yet.
fn comes_in_vain(seed: u64, is_known: bool, also: impl FnOnce(&mut World)) -> World {
    let (mut world, met) = people(seed, 6);
    world.found(0, rules(1));
    for at in [1, 2, 4] {
        come_in(&mut world, met[at - 1], at);
    }
    let fay = world.meet(1, 5).0;
    // Ana must sign the first checkpoint; those that follow are signed without her.
    world.pass(2 * DAY);
    assert!(world.detail(0).final_at.is_some());
    if is_known {
        world.candidate(0, met[2], 3);
        world.until(|world| {
            let mut others = [1, 2, 4].iter();
            others.all(|at| world.collective(*at).asked > 0)
        });
    }
    // They are away when she does.
    for at in [1, 2, 4] {
        world.stop(at);
    }
    if !is_known {
        world.candidate(0, met[2], 3);
    }
    world.until(|world| standing(world, 3) == Standing::Member);
    if is_known {
        world.pass(2 * HOUR);
        talk(&mut world, &[0, 3]);
    }
    world.stop(0);
    world.stop(3);
    for at in [1, 2, 4] {
        world.wipe_relay(at);
        world.restart(at);
    }
    world.candidate(1, fay, 5);
    world.until(|world| standing(world, 5) == Standing::Member);
    also(&mut world);
    world.pass(2 * DAY);
    assert!(world.detail(1).final_at.is_some());
    world.agree(&[1, 2, 4, 5], &["Ana", "Bo", "Cleo", "Emil", "Fay"]);
    world.restart(0);
    world.restart(3);
    world.pass(2 * DAY);
    world
}

#[test]
fn a_member_whose_admission_something_final_made_void_enters_anew() {
    let mut world = comes_in_vain(947, true, |_| {});
    let all = ["Ana", "Bo", "Cleo", "Dara", "Emil", "Fay"];
    world.agree(&[0, 1, 2, 3, 4, 5], &all);
    assert_eq!(standing(&world, 3), Standing::Member);
    world.post(3, "in again");
    world.pass(HOUR);
    for at in 0..6 {
        assert!(world.said(at).contains(&"in again".to_owned()), "{at}");
    }
}

#[test]
fn whoever_came_in_by_somebody_who_rests_since_is_told_that_it_came_to_nothing() {
    let mut world = comes_in_vain(948, false, |world| {
        let ana = world.person(1, "Ana");
        carry(world, &[1, 2, 4], Matter::Rest(ana));
    });
    let all = ["Ana", "Bo", "Cleo", "Emil", "Fay"];
    world.agree(&[0, 1, 2, 4, 5], &all);
    assert!(matches!(standing(&world, 3), Standing::NotAdmitted(_)));
    // Another may offer it.
    let dara = world.meet(1, 3).0;
    world.candidate(1, dara, 3);
    world.pass(DAY);
    assert_eq!(standing(&world, 3), Standing::Member);
    talk(&mut world, &[0, 1, 2, 3, 4, 5]);
}

#[test]
fn whoever_welcomes_somebody_brings_them_in_while_who_offered_is_away() {
    let (mut world, met) = people(941, 3);
    world.found(0, rules(1));
    come_in(&mut world, met[0], 1);
    want_two_vouches(&mut world, &[0, 1]);
    world.meet(1, 2);
    world.pass(HOUR);
    world.candidate(0, met[1], 2);
    world.until(|world| world.collective(1).asked == 1);
    world.stop(0);
    world.vouch(1);
    world.pass(2 * DAY);
    world.agree(&[1, 2], &["Ana", "Bo", "Cleo"]);
    talk(&mut world, &[1, 2]);
    world.restart(0);
    world.pass(DAY);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    world.post(0, "welcome");
    world.pass(HOUR);
    for at in 0..3 {
        assert_eq!(world.said(at).len(), 3, "{at}");
        assert_eq!(world.collective(at).gap, None, "{at}");
    }
}

#[test]
fn whoever_comes_back_is_given_keys() {
    let (mut world, met) = collective(942, 3);
    world.post(1, "goodbye");
    world.order(1, CollectiveCommand::Leave(world.collective(1).id));
    world.pass(2 * DAY);
    world.agree(&[0, 2], &["Ana", "Cleo"]);
    come_in(&mut world, met[0], 1);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    talk(&mut world, &[0, 1, 2]);
}

#[test]
fn whoever_forgot_all_that_they_said_comes_back_all_the_same() {
    let (mut world, met) = collective(953, 3);
    let decide = Matter::Decide {
        question: "Friday?".into(),
        options: vec!["Yes".into(), "No".into()],
    };
    world.propose(1, decide);
    world.post(1, "goodbye");
    let id = world.collective(1).id;
    // The others know a leaf key of theirs under a number that is not the first.
    world.order(1, CollectiveCommand::Rekey(id));
    world.pass(HOUR);
    world.order(1, CollectiveCommand::Leave(id));
    world.pass(2 * DAY);
    world.agree(&[0, 2], &["Ana", "Cleo"]);
    world.order(1, CollectiveCommand::Forget(id));
    world.pass(HOUR);
    come_in(&mut world, met[0], 1);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    talk(&mut world, &[0, 1, 2]);
}

#[test]
fn a_newcomer_of_whom_much_was_decided_meanwhile_is_told_all_of_it() {
    let (mut world, met) = people(943, 3);
    world.found(0, rules(1));
    come_in(&mut world, met[0], 1);
    world.candidate(0, met[1], 2);
    // Cleo is away as soon as she has the welcome, and enters by it.
    let records = operations(&world, 2);
    world.until(|world| operations(world, 2) > records);
    world.disconnect(2);
    for round in 0..8 {
        let (question, options) = ("Again?".repeat(40), vec!["Yes".into(), "No".into()]);
        world.propose(round % 2, Matter::Decide { question, options });
        world.pass(MINUTE);
        for at in 0..2 {
            world.vote(at, Choice::Option(0));
            world.pass(MINUTE);
        }
    }
    world.pass(2 * HOUR);
    world.connect(2);
    world.pass(12 * HOUR);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    talk(&mut world, &[0, 1, 2]);
    assert_eq!(
        world.detail(2).proposals.len(),
        world.detail(0).proposals.len()
    );
}

#[test]
fn who_sees_other_rules_than_they_were_told_is_asked_again() {
    let (mut world, met) = people(944, 3);
    world.found(0, rules(1));
    come_in(&mut world, met[0], 1);
    let (collective, comrade) = (world.collective(0).id, met[1]);
    let offer = CollectiveCommand::Offer {
        collective,
        comrade,
    };
    world.order(0, offer);
    world.pass(HOUR);
    assert_eq!(world.detail(2).constitution, rules(1));
    let mut strict = rules(1);
    strict.days = 5;
    world.propose(0, Matter::Amend(Box::new(strict.clone())));
    world.pass(MINUTE);
    for at in 0..2 {
        world.vote(at, Choice::Yes);
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    let yes = CollectiveCommand::AnswerOffer {
        collective: world.collective(2).id,
        accept: true,
    };
    world.order(2, yes.clone());
    world.until(|world| matches!(standing(world, 2), Standing::Invited { .. }));
    assert_eq!(world.detail(2).constitution, strict);
    world.order(2, yes);
    world.until(|world| standing(world, 2) == Standing::Member);
    world.pass(2 * HOUR);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    talk(&mut world, &[0, 1, 2]);
}

#[test]
fn an_offer_stands_for_whoever_made_it() {
    let (mut world, met) = people(945, 3);
    world.found(0, rules(1));
    come_in(&mut world, met[0], 1);
    let (cleo, ana_at_cleo) = (world.meet(1, 2).0, world.peers[2].comrades[0].id);
    world.pass(HOUR);
    for (at, comrade) in [(0, met[1]), (1, cleo)] {
        let collective = world.collective(at).id;
        let offer = CollectiveCommand::Offer {
            collective,
            comrade,
        };
        world.order(at, offer);
        world.pass(MINUTE);
    }
    let Standing::Invited { by } = standing(&world, 2) else {
        panic!("not invited");
    };
    assert_eq!(world.comrade(2, by).name, "Ana");
    assert!(
        world.peers[2]
            .comrades
            .iter()
            .any(|it| it.id == ana_at_cleo)
    );
    let yes = CollectiveCommand::AnswerOffer {
        collective: world.collective(2).id,
        accept: true,
    };
    world.order(2, yes);
    world.until(|world| standing(world, 2) == Standing::Member);
}

#[test]
fn whoever_left_and_declines_to_come_back_keeps_what_they_read() {
    let (mut world, met) = collective(946, 3);
    world.post(0, "to be kept");
    world.pass(HOUR);
    world.order(1, CollectiveCommand::Leave(world.collective(1).id));
    world.pass(HOUR);
    let offer = CollectiveCommand::Offer {
        collective: world.collective(0).id,
        comrade: met[0],
    };
    world.order(0, offer);
    world.pass(MINUTE);
    assert!(matches!(standing(&world, 1), Standing::Invited { .. }));
    let no = CollectiveCommand::AnswerOffer {
        collective: world.collective(1).id,
        accept: false,
    };
    world.order(1, no);
    world.pass(HOUR);
    assert!(matches!(standing(&world, 1), Standing::Left(_)));
    assert_eq!(world.said(1), ["to be kept"]);
}

// --- going ---------------------------------------------------------------------------------------

#[test]
fn a_removal_that_is_undone_is_undone_for_who_was_removed_too() {
    let (mut world, _) = collective(950, 4);
    let dara = world.person(0, "Dara");
    world.propose(0, Matter::Remove(dara));
    world.pass(MINUTE);
    world.vote(0, Choice::Yes);
    world.pass(MINUTE);
    let before = world.peers[1].store.records();
    world.vote(1, Choice::Yes);
    world.pass(HOUR);
    assert!(matches!(standing(&world, 3), Standing::Removed(_)));
    // A copy of Bo's device says something beside its ballot: neither counts any more.
    world.peers[1].online = false;
    world.set_back(1, before);
    let (question, options) = ("Lunch?".into(), vec!["Yes".into(), "No".into()]);
    world.propose(1, Matter::Decide { question, options });
    world.peers[1].online = true;
    world.restart(1);
    world.pass(6 * HOUR);
    world.agree(&[0, 2, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    assert_eq!(standing(&world, 3), Standing::Member);
    talk(&mut world, &[0, 2, 3]);
}

#[test]
fn two_who_leave_in_one_minute_are_both_gone() {
    let (mut world, _) = collective(951, 4);
    for at in [1, 2] {
        world.order(at, CollectiveCommand::Leave(world.collective(at).id));
    }
    world.pass(DAY);
    world.agree(&[0, 3], &["Ana", "Dara"]);
    talk(&mut world, &[0, 3]);
}

#[test]
fn who_leaves_before_hearing_what_is_final_is_gone_all_the_same() {
    let (mut world, met) = people(952, 5);
    world.found(0, rules(1));
    for at in 1..4 {
        come_in(&mut world, met[at - 1], at);
    }
    world.stop(3);
    come_in(&mut world, met[3], 4);
    world.pass(3 * DAY);
    assert!(world.detail(0).final_at.is_some());
    world.peers[3].online = false;
    world.restart(3);
    world.order(3, CollectiveCommand::Leave(world.collective(3).id));
    world.peers[3].online = true;
    world.restart(3);
    world.pass(DAY);
    world.agree(&[0, 1, 2, 4], &["Ana", "Bo", "Cleo", "Emil"]);
    assert!(matches!(standing(&world, 3), Standing::Left(_)));
}

#[test]
fn what_somebody_said_beside_their_removal_is_shown_by_nobody_and_asked_for_by_nobody() {
    let (mut world, _) = collective(953, 4);
    let dara = world.person(0, "Dara");
    world.propose(0, Matter::Remove(dara));
    world.pass(MINUTE);
    world.vote(0, Choice::Yes);
    world.pass(MINUTE);
    world.stop(0);
    // Cleo's ballot decides, and leaves later than what Dara says.
    world.disconnect(2);
    world.vote(2, Choice::Yes);
    world.post(3, "unheard");
    world.pass(MINUTE);
    assert_eq!(world.said(1), ["unheard"]);
    world.connect(2);
    world.pass(2 * HOUR);
    world.restart(0);
    world.pass(2 * HOUR);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    for at in 0..3 {
        world.post(at, &format!("from {at}"));
        world.pass(MINUTE);
    }
    world.pass(2 * DAY);
    for at in 0..3 {
        assert_eq!(world.said(at), ["from 0", "from 1", "from 2"], "{at}");
        assert_eq!(world.collective(at).gap, None, "{at}");
    }
    world.restart(1);
    assert_eq!(world.said(1), ["from 0", "from 1", "from 2"]);
    assert_eq!(world.collective(1).gap, None);
}

#[test]
fn who_was_removed_reads_no_later_decision_by_a_seed_that_was_drawn_apart() {
    // Dara is at Cleo's relay, and gets everything that is put there.
    let (mut world, met) = people_at(954, &[0, 1, 2, 2, 3]);
    world.found(0, rules(1));
    for at in 1..4 {
        come_in(&mut world, met[at - 1], at);
    }
    // Bo is away while Dara is removed, and changes the keys for Dara as well.
    world.peers[1].online = false;
    world.disconnect(1);
    let dara = world.person(0, "Dara");
    world.propose(0, Matter::Remove(dara));
    world.pass(MINUTE);
    for at in [0, 2] {
        world.vote(at, Choice::Yes);
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    world.order(1, CollectiveCommand::Rekey(world.collective(1).id));
    world.peers[1].online = true;
    world.connect(1);
    world.pass(3 * HOUR);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    let before = operations(&world, 3);
    come_in(&mut world, met[3], 4);
    world.pass(HOUR);
    world.agree(&[0, 1, 2, 4], &["Ana", "Bo", "Cleo", "Emil"]);
    talk(&mut world, &[0, 1, 2, 4]);
    assert_eq!(operations(&world, 3), before);
}

// --- clocks and keys -----------------------------------------------------------------------------

#[test]
fn a_seed_from_a_clock_that_is_ahead_is_used_no_longer_than_another() {
    let (mut world, _) = collective(960, 3);
    // All that was decided is final: nothing more is signed by the clock that is ahead, which would wait for its day.
    world.pass(3 * DAY);
    let ahead = 20 * DAY;
    world.peers[1].skew = i64::try_from(ahead).unwrap();
    // Until it is believed.
    world.pass(2 * HOUR);
    world.order(1, CollectiveCommand::Rekey(world.collective(1).id));
    world.peers[1].skew = 0;
    world.pass(9 * DAY);
    world.post(0, "the week is over");
    world.pass(HOUR);
    let before: Vec<usize> = (0..3).map(|at| seeds(&world, at)).collect();
    for n in 0..6 {
        world.post(n % 3, &format!("word {n}"));
        world.pass(HOUR);
    }
    for at in 0..3 {
        assert_eq!(world.said(at).len(), 7, "{at}");
        assert!(
            seeds(&world, at) <= before[at],
            "{at}: more seeds than {before:?}"
        );
        let since = world.detail(at).keys_since.unwrap();
        assert!(since <= world.now && since + 8 * DAY > world.now, "{at}");
    }
}

#[test]
fn a_clock_that_is_doubted_makes_nobody_speak_by_themself() {
    let (mut world, _) = collective(961, 3);
    let before = operations(&world, 1);
    world.peers[1].skew = i64::try_from(365 * DAY).unwrap();
    world.pass(50 * MINUTE);
    assert_eq!(operations(&world, 1), before);
    world.peers[1].skew = 0;
    world.pass(HOUR);
    let (question, options) = ("Lunch?".into(), vec!["Yes".into(), "No".into()]);
    world.propose(0, Matter::Decide { question, options });
    world.pass(MINUTE);
    world.vote(1, Choice::Option(0));
    world.pass(HOUR);
    assert_eq!(world.detail(2).proposals[0].ballots.len(), 1);
}

#[test]
fn whoever_was_away_while_another_changed_the_keys_draws_none_when_they_are_back() {
    let (mut world, _) = collective(962, 4);
    let dara = world.person(0, "Dara");
    world.propose(0, Matter::Remove(dara));
    world.pass(MINUTE);
    world.vote(0, Choice::Yes);
    world.pass(MINUTE);
    world.vote(1, Choice::Yes);
    // Cleo's device hears that Dara went, and is closed before its time to draw a seed has come.
    let before = seeds(&world, 2);
    world.until(|world| world.collective(2).members == 3);
    world.stop(2);
    world.pass(HOUR);
    let drawn = seeds(&world, 0);
    assert!(drawn > before);
    world.restart(2);
    world.pass(HOUR);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    talk(&mut world, &[0, 1, 2]);
    assert_eq!(seeds(&world, 0), drawn, "one seed more");
}

/// Everybody reads what is said under keys that were drawn after a profile was restored.
fn reads_again(world: &mut World, at: usize, old: Vec<(Table, Record)>) {
    world.set_back(at, old);
    world.pass(HOUR);
    world.order(0, CollectiveCommand::Rekey(world.collective(0).id));
    world.pass(HOUR);
    world.post(0, "under new keys");
    world.pass(3 * DAY);
    for at in 0..3 {
        assert_eq!(world.said(at), ["under new keys"], "{at}");
        assert_eq!(world.collective(at).gap, None, "{at}");
    }
}

#[test]
fn a_restored_profile_that_knows_an_older_leaf_key_than_the_others_draws_another() {
    let (mut world, _) = collective(963, 3);
    world.pass(DAY);
    let old = world.peers[1].store.records();
    world.order(1, CollectiveCommand::Rekey(world.collective(1).id));
    world.pass(DAY);
    reads_again(&mut world, 1, old);
}

#[test]
fn a_restored_profile_that_draws_a_leaf_key_under_a_number_of_before_draws_another() {
    // Of two with one number others keep that with the higher bytes, whichever that is.
    for seed in 0..4 {
        let (mut world, _) = collective(2_963 + seed, 3);
        world.pass(6 * DAY);
        let old = world.peers[1].store.records();
        world.pass(2 * DAY);
        reads_again(&mut world, 1, old);
    }
}

// --- on the way ----------------------------------------------------------------------------------

#[test]
fn a_forward_that_came_to_nothing_is_known_after_a_restart() {
    let (mut world, _) = collective(970, 2);
    world.stop(1);
    world.burn_relay(1);
    world.post(0, "not lost");
    world.pass(MINUTE);
    world.stop(0);
    // Bo's relay is there again, with another token.
    let mut shelf = MemoryShelf::new();
    let draw = Draw {
        incarnation: 9_999,
        token: Token([77; 16]),
    };
    let settings = Settings {
        work_bits: 8,
        ..Settings::default()
    };
    let node = Node::open(&mut shelf, NodeKey([101; 32]), settings, world.now, draw).unwrap();
    shelf.commit();
    let relay = world.relays.get_mut(&1).unwrap();
    (relay.node, relay.shelf) = (node, shelf);
    world.revive_relay(1);
    world.pass(6 * HOUR);
    world.restart(0);
    world.pass(12 * HOUR);
    // It lies there already when Bo opens, who has told nobody of the new token.
    world.restart(1);
    assert_eq!(world.said(1), ["not lost"]);
}
