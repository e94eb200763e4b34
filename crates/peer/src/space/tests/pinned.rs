//! What is final, what some say beside that, and what was held until somebody built on it.

use komrade_social::collective::{Checkpoint, CheckpointId, MAX_PARALLEL};
use komrade_view::{Alarm, Event, Outcome};

use super::*;
use crate::space::{frame::Welcome, outbox::What};

/// Says something and makes it final: all of these sign that, who are at least two thirds.
fn past(bench: &Bench, pens: &mut [Pen], on: OperationId, question: &str) -> Vec<Operation> {
    let said = pens[0].builds_on(bench, vec![on], decide(question.into()));
    let collective = bench.space().society.get().unwrap();
    let checkpoint = Checkpoint {
        source: None,
        frontier: vec![said.id()],
        state: collective.state(),
    };
    let mut past = vec![said];
    for pen in pens {
        let tip = past.last().unwrap().id();
        past.push(pen.builds_on(bench, vec![tip], Body::Checkpoint(checkpoint.clone())));
    }
    past
}

fn fixed_by(past: &[Operation]) -> CheckpointId {
    match past.last().unwrap().body() {
        Body::Checkpoint(checkpoint) => checkpoint.id(),
        _ => panic!("no checkpoint"),
    }
}

fn newest_final(bench: &Bench) -> (Option<CheckpointId>, bool) {
    let finality = bench.space().society.get().unwrap().finality();
    (finality.newest, finality.contradicts)
}

fn alarm(bench: &Bench) -> Option<Alarm> {
    match bench.open.collectives_event(bench.now) {
        Event::Collectives(all) => all[0].alarm,
        _ => None,
    }
}

#[test]
fn what_was_final_once_stays_so_whatever_is_made_final_later() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let genesis = bench.space().id();
    let honest = past(&bench, &mut pens, genesis, "honest");
    let forged = past(&bench, &mut pens, genesis, "forged");
    let first = (Some(fixed_by(&honest)), false);
    bench.hear(&under, &honest);
    assert_eq!(newest_final(&bench), first);
    bench.hear(&under, &forged);
    assert_eq!(newest_final(&bench), first);
    // The vault knows it, too, whatever else it holds.
    bench.restart();
    assert_eq!(newest_final(&bench), first);
    // One of a version that pinned nothing pins when it opens.
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    bench.hear(&under, &honest);
    bench.space_mut().record.pinned = None;
    let id = bench.id;
    bench.step(|_, step| step.touched.spaces.insert(id));
    bench.restart();
    assert!(bench.space().record.pinned.is_some());
    bench.restart();
    bench.hear(&under, &forged);
    assert_eq!(newest_final(&bench), first);
}

#[test]
fn while_two_final_states_exclude_each_other_nothing_is_carried_out() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let (id, person) = (bench.id, pens[0].person);
    let removal = decide_to_remove(&mut bench, &mut pens);
    // And somebody is to come in whom the owner of the vault vouched for and has met.
    let newcomer = Pen::of(50);
    welcome::comrade(&mut bench, 1, &newcomer);
    let admit = Subject::Admit {
        person: newcomer.person,
        name: "Fay".into(),
    };
    let proposed = pens[1].says(&bench, propose(admit));
    let (proposal, reason) = (proposed.id(), String::new());
    let vouch = Body::Vouch { proposal, reason };
    bench.hear(&under, &[proposed]);
    let vouched = pens[2].says(&bench, vouch.clone());
    bench.hear(&under, &[vouched]);
    let vouched = bench.step(|open, step| open.space_say(step, id, vouch));
    assert!(vouched.is_ok());
    // Both become final at once, with what came last.
    let common = pens[1].says(&bench, decide("common".into()));
    let pasts = [
        past(&bench, &mut pens, common.id(), "one"),
        past(&bench, &mut pens, common.id(), "other"),
    ];
    bench.hear(&under, &pasts.concat());
    assert_eq!(newest_final(&bench), (None, false));
    assert_eq!(alarm(&bench), None);
    bench.hear(&under, &[common]);
    assert_eq!(newest_final(&bench), (None, true));
    assert_eq!(alarm(&bench), Some(Alarm::Contradicts));
    assert_eq!(bench.space().record.pinned, None);
    let ready = bench.space().society.ready(bench.now);
    assert!(
        [removal, proposal]
            .iter()
            .all(|id| ready.iter().any(|it| it.id == *id))
    );
    bench.step(|open, step| open.space_enact(step, id, true));
    for _ in 0..5 {
        bench.pass(DAY);
    }
    assert!(bench.space().society.is_member(&person));
    assert!(
        bench.space().record.escorts.is_empty(),
        "nobody is welcomed"
    );
    let own = bench.space().own.device;
    let mut history = bench.space().society.get().unwrap().history();
    let carries_out = |it: &Operation| {
        let is_own = it.fields().device.0 == own;
        is_own && matches!(it.body(), Body::Enact { .. } | Body::Checkpoint(_))
    };
    assert!(!history.any(carries_out));
    drop(history);
    bench.restart();
    assert_eq!(alarm(&bench), Some(Alarm::Contradicts));
    // What the person has to say is said all the same.
    let said = bench.step(|open, step| open.space_say(step, id, text("which of the two?")));
    assert!(bench.knows(&said.unwrap()));
}

#[test]
fn a_past_that_is_ruled_out_takes_nothing_away_when_the_vault_opens() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let (id, under) = (bench.id, bench.newest());
    let genesis = bench.space().id();
    let forged = past(&bench, &mut pens, genesis, "forged");
    // Ana, Bo and the owner let Mallory rest, and that is final.
    let person = pens[0].person;
    let say = |bench: &mut Bench, pen: &mut Pen, body| {
        let said = pen.says(bench, body);
        bench.hear(&under, std::slice::from_ref(&said));
        assert!(bench.space().known[&said.id()].is_placed);
        said.id()
    };
    let own = |bench: &mut Bench, body| {
        let said = bench.step(|open, step| open.space_say(step, id, body));
        assert!(said.is_ok());
    };
    let proposal = say(&mut bench, &mut pens[1], propose(Subject::Rest { person }));
    for pen in &mut pens[1..] {
        say(&mut bench, pen, ballot(proposal));
    }
    own(&mut bench, ballot(proposal));
    say(&mut bench, &mut pens[1], Body::Enact { proposal });
    let fix = |bench: &mut Bench, pens: &mut [Pen]| {
        let collective = bench.space().society.get().unwrap();
        let next = collective
            .next_checkpoint(pens[1].person, u64::MAX)
            .unwrap();
        for pen in &mut pens[1..] {
            say(bench, pen, Body::Checkpoint(next.clone()));
        }
        own(bench, Body::Checkpoint(next.clone()));
        assert_eq!(newest_final(bench), (Some(next.id()), false));
        next.id()
    };
    fix(&mut bench, &mut pens);
    bench.hear(&under, &forged);
    // What is said later has the forged past in its own, and so has what becomes final later. Those who voted signed both, so that
    // without the pin nobody was put to rest, and nobody could return.
    say(&mut bench, &mut pens[0], Body::Return);
    let next = fix(&mut bench, &mut pens);
    let later = say(&mut bench, &mut pens[0], decide("later".into()));
    let kept = bench.count(Table::Operations);
    for _ in 0..2 {
        bench.restart();
        assert_eq!(newest_final(&bench), (Some(next), false));
        assert!(bench.space().known.values().all(|it| it.is_placed));
        assert!(bench.space().society.operation(later).is_some());
        assert_eq!(bench.count(Table::Operations), kept);
    }
    assert_eq!(bench.space().society.pinned(), Some(next));
}

/// The owner of the vault is asked in by the first comrade, and gets this from one.
fn told(from: u8, history: &[Operation], pinned: Option<CheckpointId>) -> Bench {
    told_by(None, from, history, pinned)
}

/// The same from a comrade who is somebody.
fn told_by(
    who: Option<&Pen>,
    from: u8,
    history: &[Operation],
    pinned: Option<CheckpointId>,
) -> Bench {
    let welcome = Welcome {
        operations: history.iter().map(|it| it.as_bytes().to_vec()).collect(),
        pinned: pinned.map(|it| it.0),
        ..Welcome::default()
    };
    let mut bench = Bench::empty();
    if let Some(who) = who {
        welcome::comrade(&mut bench, from, who);
    }
    let mut bench = welcome::welcomed_by(bench, limits::WELCOME_PART_BYTES, from, &welcome);
    bench.rest();
    bench
}

#[test]
fn a_newcomer_begins_with_what_was_final_for_who_offered() {
    let mut ana = Pen::of(2);
    let founders = vec![ana.certificate.clone()];
    let genesis = welcome::founds(&mut ana, founders);
    let alone = told(1, std::slice::from_ref(&genesis), None);
    let on = genesis.id();
    let one = past(&alone, std::slice::from_mut(&mut ana), on, "one");
    let other = past(&alone, std::slice::from_mut(&mut ana), on, "other");
    let history = [vec![genesis], one, other.clone()].concat();
    let right = fixed_by(&other);
    assert_eq!(newest_final(&told(1, &history, None)), (None, true));
    let mut bench = told(1, &history, Some(right));
    assert_eq!(newest_final(&bench), (Some(right), false));
    bench.restart();
    assert_eq!(newest_final(&bench), (Some(right), false));
    // Not because somebody else says so, who may have made it up: a member may, or nobody would ever come in while who offered is
    // away.
    let mut voucher = told_by(Some(&ana), 7, &history, Some(right));
    assert_eq!(newest_final(&voucher), (Some(right), false));
    voucher.restart();
    assert_eq!(newest_final(&voucher), (Some(right), false));
    let other_told = told(7, &history, Some(right));
    assert_eq!(newest_final(&other_told), (None, true));
    assert_eq!(other_told.space().record.pinned, None);
    // And nobody waits for one that there is not.
    let invented = told(1, &history, Some(CheckpointId([7; 32])));
    assert_eq!(invented.space().record.pinned, None);
    assert_eq!(invented.space().society.pinned(), None);
}

#[test]
fn what_was_held_has_its_place_once_somebody_says_something_on_it() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let genesis = bench.space().id();
    let [mallory, ana, _] = &mut pens;
    let beside: Vec<_> = (0..=MAX_PARALLEL)
        .map(|n| mallory.builds_on(&bench, vec![genesis], decide(format!("{n}"))))
        .collect();
    bench.hear(&under, &beside);
    let held = beside.last().unwrap().id();
    assert!(bench.space().society.operation(held).is_none());
    let said = ana.builds_on(&bench, vec![held], text("I saw it"));
    bench.hear(&under, std::slice::from_ref(&said));
    assert!(bench.space().society.operation(held).is_some());
    assert!(bench.space().known[&said.id()].is_placed);
    assert!(bench.space().pending.is_empty() && bench.space().unplaced.is_empty());
    assert_eq!(bench.count(Table::Posts), 1);
}

#[test]
fn what_did_not_know_of_what_is_final_is_shown_as_that() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let genesis = bench.space().id();
    let known = past(&bench, &mut pens, genesis, "known");
    let late = pens[1].builds_on(&bench, vec![genesis], decide("late".into()));
    bench.hear(&under, std::slice::from_ref(&late));
    let outcome = |bench: &Bench| {
        let views = bench.space().proposal_views(bench.now, &|_| true);
        let late = views.into_iter().find(|it| it.id.0 == late.id().0);
        late.unwrap().outcome.map(|(outcome, _)| outcome)
    };
    assert_eq!(outcome(&bench), None);
    bench.hear(&under, &known);
    assert_eq!(outcome(&bench), Some(Outcome::Crossed));
}

#[test]
fn that_a_collective_has_ended_is_signed_at_once() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let proposed = pens[0].says(&bench, propose(Subject::Dissolve));
    let proposal = proposed.id();
    bench.hear(&under, &[proposed]);
    for pen in &mut pens {
        let vote = pen.says(&bench, ballot(proposal));
        bench.hear(&under, &[vote]);
    }
    let enacted = pens[0].says(&bench, Body::Enact { proposal });
    bench.hear(&under, &[enacted]);
    assert!(matches!(bench.space().record.place, Place::Dissolved(_)));
    // Nobody waits a day for it: the next times at which devices do something by themselves.
    bench.pass(limits::LONGEST_QUIET);
    bench.pass(limits::LONGEST_QUIET);
    let own = bench.space().own.device;
    let history = bench.space().society.get().unwrap().history();
    let signed: Vec<_> = history
        .filter(|it| matches!(it.body(), Body::Checkpoint(_)) && it.fields().device.0 == own)
        .collect();
    assert_eq!(signed.len(), 1);
    let entries = bench.space().outbox.values();
    let last = entries.last().unwrap();
    assert!(matches!(last.what, What::Operation { .. }) && last.commit.is_some());
}
