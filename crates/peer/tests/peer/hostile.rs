//! Wrong clocks, relays that lie, comrades who mean ill.

use std::collections::BTreeSet;

use komrade_ether::{Frame, Outcome};
use komrade_peer::{Input, LinkId};
use komrade_store::Table;
use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::*;

fn two(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    world
}

fn tick(world: &mut World, at: usize, comrade: ComradeId) -> Tick {
    world.page(at, comrade).last().expect("a message").tick
}

#[test]
fn a_wrong_clock_at_the_other_end_costs_no_message() {
    for (seed, skew) in [(1, -(3 * DAY as i64)), (2, 40 * DAY as i64)] {
        let mut world = two(seed);
        let (bo, ana) = world.meet(0, 1);
        world.pass(DAY);
        world.peers[1].skew = skew;
        world.send(0, bo, "what time is it?");
        world.pass(2 * DAY);
        if skew < 0 {
            // What seems to come from a far day is taken all the same.
            assert_eq!(world.texts(1, ana), ["what time is it?"]);
        } else {
            assert_eq!(tick(&mut world, 0, bo), Tick::Kept);
        }
        world.peers[1].skew = 0;
        world.restart(1);
        world.pass(DAY);
        assert_eq!(world.texts(1, ana), ["what time is it?"]);
    }
}

#[test]
fn a_relay_that_leads_dials_back_costs_no_message() {
    let mut world = two(3);
    let (bo, ana) = world.meet(0, 1);
    world.pass(DAY);
    world.stop(1);
    world.send(0, bo, "are you there?");
    world.peers[0].reflected = true;
    for _ in 0..60 {
        world.disconnect(0);
        world.connect(0);
        world.pass(SECOND);
        assert_eq!(world.links(0), 0, "a link to oneself");
    }
    assert_eq!(tick(&mut world, 0, bo), Tick::Kept);
    world.peers[0].reflected = false;
    world.restart(1);
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["are you there?"]);
}

#[test]
fn whoever_takes_nothing_for_theirs_costs_no_message() {
    let mut world = two(4);
    let (bo, ana) = world.meet(0, 1);
    world.pass(DAY);
    let refuse = |from, frame: Vec<u8>| match Frame::decode(&frame) {
        Ok(Frame::Ack { id, .. }) if from == 1 => {
            let outcome = Outcome::NotForMe;
            vec![Frame::Ack { id, outcome }.encode()]
        }
        // Bo must not tell that he has it.
        Ok(Frame::Put { .. }) if from == 1 => vec![],
        _ => vec![frame],
    };
    world.meddle = Some(Box::new(refuse));
    world.send(0, bo, "are you there?");
    for _ in 0..60 {
        world.disconnect(0);
        world.connect(0);
        world.pass(MINUTE);
    }
    world.pass(2 * DAY);
    assert_eq!(tick(&mut world, 0, bo), Tick::Kept);
    world.meddle = None;
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["are you there?"]);
    assert!(matches!(tick(&mut world, 0, bo), Tick::Delivered(_)));
}

#[test]
fn who_was_asked_and_withholds_the_answer_cannot_flood_and_is_removed() {
    let mut world = two(5);
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    world.until(|world| !world.peers[0].comrades.is_empty());
    let bo = world.only(0).id;
    // Ana's confirmation is swallowed, and she is told that Bo has it; so is whatever she sends next when Bo has said
    // something, for that may be the confirmation again.
    let (mut next, mut swallowed, mut untold) = (true, BTreeSet::new(), Vec::new());
    let swallow = move |from, frame: Vec<u8>| match Frame::decode(&frame) {
        Ok(Frame::Put { envelope }) if from == 0 => {
            if std::mem::take(&mut next) {
                swallowed.insert(envelope.id());
                untold.push(envelope.id());
            }
            match swallowed.contains(&envelope.id()) {
                true => vec![],
                false => vec![frame],
            }
        }
        Ok(Frame::Put { .. }) => {
            next = true;
            vec![frame]
        }
        Ok(Frame::Ack { .. }) if from == 1 => {
            let outcome = Outcome::Accepted;
            let acks = untold.drain(..).map(|id| Frame::Ack { id, outcome });
            let mut frames = vec![frame];
            frames.extend(acks.map(|ack| ack.encode()));
            frames
        }
        _ => vec![frame],
    };
    world.send(1, ana, "hello");
    world.pass(HOUR);
    world.meddle = Some(Box::new(swallow));
    world.confirm(0, bo);
    world.pass(HOUR);
    for n in 0..200 {
        world.send(0, bo, &format!("{n}"));
    }
    for _ in 0..4 {
        for n in 0..45 {
            let text = format!("{n}");
            let _ = world.ask(1, Command::SendMessage { comrade: ana, text });
        }
        world.pass(HOUR);
    }
    let state = world.comrade(1, ana);
    assert_eq!(state.state, ComradeState::Asked);
    assert!((90..=100).contains(&state.unread), "{}", state.unread);
    let messages = |world: &World| {
        let records = world.peers[1].store.records();
        let of = |(table, _): &&(Table, _)| *table == Table::Messages;
        records.iter().filter(of).count()
    };
    assert!(messages(&world) > 150, "{}", messages(&world));
    let decline = Command::Decline { comrade: ana };
    assert_eq!(world.ask(1, decline), Ok(Answer::Done));
    world.pass(MINUTE);
    assert!(world.peers[1].comrades.is_empty());
    assert_eq!(messages(&world), 0);
}

#[test]
fn who_asked_and_moves_to_another_relay_is_answered_there() {
    let mut world = two(6);
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    world.until(|world| !world.peers[0].comrades.is_empty());
    world.pass(HOUR);
    let link = relay_link(7);
    assert!(world.ask(1, Command::UseRelay { link }).is_ok());
    world.pass(HOUR);
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.send(0, bo, "welcome");
    world.pass(HOUR);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
    assert_eq!(world.texts(1, ana), ["welcome"]);
}

#[test]
fn accepting_an_invite_leaves_a_warning_to_the_person() {
    let mut world = World::new(7, 3);
    for (at, name) in ["Ana", "Bo", "Cy"].into_iter().enumerate() {
        world.settle_in(at, name);
    }
    let link = world.make_invite(0);
    world.accept(1, &link);
    world.until(|world| world.peers[0].comrades.len() == 1);
    let at_cy = world.accept(2, &link);
    world.until(|world| world.peers[0].comrades.len() == 2);
    let comrades = world.peers[0].comrades.iter();
    let cy = comrades
        .clone()
        .find(|it| it.state == ComradeState::AskingAgain);
    let cy = cy.expect("a warning").id;
    let link = world.make_invite(2);
    world.disconnect(2);
    let asked = world.accept(0, &link);
    world.send(0, asked, "is it you?");
    world.connect(2);
    world.pass(DAY);
    assert_eq!(world.peers[0].comrades.len(), 2);
    assert_eq!(world.comrade(0, cy).state, ComradeState::AskingAgain);
    assert_eq!(tick(&mut world, 0, cy), Tick::Kept);
    assert_eq!(world.comrade(2, at_cy).state, ComradeState::Asked);
    world.confirm(0, cy);
    world.pass(DAY);
    assert_eq!(world.comrade(2, at_cy).state, ComradeState::Met);
    assert_eq!(world.texts(2, at_cy), ["is it you?"]);
}

#[test]
fn a_repeated_hint_ends_no_link_that_is_up() {
    let mut world = two(8);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    assert_eq!(world.links(0), 0);
    world.send(1, ana, "with a key of the pair");
    let up = world.link_ids(0);
    assert_eq!(up.len(), 1);
    for n in 0..4 {
        for hint in world.hints.clone() {
            let link = LinkId(4_001 + 2 * n);
            let relay = world.ways(0)[0];
            world.push(0, Input::Incoming { link, relay, hint });
            world.drain();
        }
    }
    assert_eq!(world.link_ids(0), up);
    world.send(0, bo, "still here");
    assert_eq!(world.texts(1, ana).last().unwrap(), "still here");
}
