//! A comrade has several homes, and not all of them are reached: whoever writes takes the next one by themselves, and looks for
//! the comrade's lifeboat when none is left.

use std::collections::BTreeMap;

use komrade_ether::{EnvelopeId, Frame, Outcome, ShelfTable};
use komrade_store::memory::Cut;
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, PASSPHRASE, SECOND, SETTLED, World, plan_cut};

const ANA: usize = 0;
const BO: usize = 1;

/// Ana at relay 0, Bo at relays 1 and 2, in this order; told long ago. Gives Ana's name for Bo, and his for her.
fn bo_at_two(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    (0..3).for_each(|relay| world.add_relay(relay));
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 1);
    let (bo, ana) = world.meet(ANA, BO);
    world.add_way(BO, 2);
    world.pass(SETTLED);
    world.frames_to_nodes.clear();
    (world, bo, ana)
}

/// What was forwarded, by the relay of the home, in order.
fn forwards(world: &World) -> Vec<(usize, EnvelopeId)> {
    let number = |home: &komrade_ether::Home| {
        let mut relays = world.relays.iter();
        let found = relays.find(|(_, relay)| relay.address == home.address);
        *found.expect("a relay").0
    };
    let frames = world.frames_to_nodes.iter();
    let forwarded = frames.filter_map(|frame| match frame {
        Frame::Forward { home, envelope, .. } => Some((number(home), envelope.id())),
        _ => None,
    });
    forwarded.collect()
}

fn homes(world: &World) -> Vec<usize> {
    forwards(world).into_iter().map(|(home, _)| home).collect()
}

fn envelopes(world: &World, relay: usize) -> usize {
    world.relays[&relay].shelf.len(ShelfTable::Envelopes)
}

fn queue(world: &World) -> Option<QueueView> {
    let route = world.peers[ANA].route.as_ref().unwrap();
    route.queues.first().cloned()
}

fn is_accepted(message: &MessageView) -> bool {
    matches!(message.tick, Tick::Accepted(_))
}

#[test]
fn what_waits_for_a_home_that_is_not_reached_goes_to_the_next_one_too() {
    let (mut world, bo, ana) = bo_at_two(1000);
    world.stop(BO);
    world.burn_relay(1);
    let texts: Vec<String> = (0..3).map(|n| format!("message {n}")).collect();
    for text in &texts {
        world.send(ANA, bo, text);
    }
    world.pass(25 * MINUTE);
    // A short absence shows nobody else anything.
    assert_eq!(homes(&world), [1; 3]);
    assert_eq!(queue(&world).unwrap().home, Some((1, 2)));
    world.pass(HOUR);
    assert_eq!(homes(&world), [1, 1, 1, 2, 2, 2]);
    assert!(world.page(ANA, bo).iter().all(is_accepted));
    let queue = queue(&world).unwrap();
    assert_eq!(
        (queue.home, queue.reason),
        (Some((2, 2)), QueueReason::HandedOn)
    );
    // What is written now takes it at once, and nothing goes back and forth.
    world.send(ANA, bo, "later");
    world.pass(SECOND);
    assert_eq!(homes(&world), [1, 1, 1, 2, 2, 2, 2]);
    world.pass(DAY);
    assert_eq!(homes(&world).len(), 7);
    // The first one is back, with what was on its way there.
    world.revive_relay(1);
    world.pass(2 * HOUR);
    assert!(envelopes(&world, 1) > 0);
    world.restart(BO);
    world.pass(HOUR);
    let texts = [texts.as_slice(), &["later".to_owned()]].concat();
    assert_eq!(world.texts(BO, ana), texts);
    let mine = world.page(ANA, bo);
    assert!(mine.iter().all(|it| matches!(it.tick, Tick::Delivered(_))));
    assert_eq!(world.links(ANA), 0);
}

#[test]
fn an_acknowledgement_that_waits_for_a_home_that_is_not_reached_is_said_to_the_next_one() {
    let (mut world, bo, ana) = bo_at_two(1001);
    let quick = Command::SetAckPace(AckPace::Quick);
    assert_eq!(world.ask(ANA, quick), Ok(Answer::Done));
    world.send(BO, ana, "hello");
    world.drain();
    world.stop(BO);
    world.burn_relay(1);
    world.pass(SECOND);
    assert_eq!(world.texts(ANA, bo), ["hello"]);
    world.frames_to_nodes.clear();
    let before = envelopes(&world, 2);
    world.pass(20 * MINUTE);
    assert_eq!((homes(&world), envelopes(&world, 2)), (vec![1], before));
    world.pass(HOUR);
    assert_eq!(
        (homes(&world), envelopes(&world, 2)),
        (vec![1, 2], before + 1)
    );
    // One relay said so once, and one word was said again.
    world.pass(DAY);
    assert_eq!(homes(&world), [1, 2]);
    world.restart(BO);
    world.pass(MINUTE);
    let mine = world.page(BO, ana);
    assert!(matches!(mine[0].tick, Tick::Delivered(_)));
}

#[test]
fn what_is_reported_to_nobody_is_not_reported_without_end() {
    let mut world = World::new(1002, 2);
    (0..3).for_each(|relay| world.add_relay(relay));
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 1);
    let (bo, ana) = world.meet(ANA, BO);
    // Bo's second relay is Ana's, too.
    (0..2).for_each(|at| world.add_way(at, 2));
    let quick = Command::SetAckPace(AckPace::Quick);
    assert_eq!(world.ask(ANA, quick), Ok(Answer::Done));
    world.pass(SETTLED);
    world.send(BO, ana, "hello");
    world.drain();
    assert_eq!(world.texts(ANA, bo), ["hello"]);
    world.stop(BO);
    world.burn_relay(1);
    world.burn_relay(2);
    world.frames_to_nodes.clear();
    world.pass(DAY);
    // To each of them once, for it may be this device alone that does not reach its own; the same for the news that this one rests.
    let mut homes = homes(&world);
    homes.sort_unstable();
    assert_eq!(homes, [1, 1, 2, 2]);
}

/// Bo lost both relays and tells of the next one, but no word of it comes to Ana's; so she has to find him.
fn both_burn(world: &mut World) {
    world.burn_relay(1);
    world.burn_relay(2);
    world.add_relay(3);
    world.parted.insert((3, 0));
}

#[test]
fn when_no_home_is_reached_the_lifeboat_is_tried() {
    let (mut world, bo, ana) = bo_at_two(1002);
    world.stop(BO);
    both_burn(&mut world);
    world.send(ANA, bo, "are you there?");
    let dials = world.hints.len();
    world.pass(25 * MINUTE);
    assert_eq!(world.hints.len(), dials);
    world.pass(3 * HOUR);
    // Each home once, and it is said what is waited for.
    assert_eq!(homes(&world), [1, 2]);
    let queue = queue(&world).unwrap();
    assert_eq!((queue.waiting, queue.handed), (0, 1));
    assert_eq!(
        (queue.home, queue.reason),
        (Some((2, 2)), QueueReason::Unreached)
    );
    world.pass(DAY);
    assert_eq!(homes(&world), [1, 2]);
    // Once an hour, about.
    let dials = world.hints.len() - dials;
    assert!((15..40).contains(&dials), "{dials} dials");
    world.peers[BO].online = false;
    world.restart(BO);
    world.peers[BO].online = true;
    world.join(BO, 3);
    world.pass(2 * HOUR);
    assert_eq!(world.texts(BO, ana), ["are you there?"]);
    assert!(matches!(world.page(ANA, bo)[0].tick, Tick::Delivered(_)));
    // She knows now where he is.
    world.send(ANA, bo, "good");
    world.pass(MINUTE);
    assert_eq!(world.texts(BO, ana), ["are you there?", "good"]);
    world.pass(DAY);
    assert_eq!((world.links(ANA), world.links(BO)), (0, 0));
}

#[test]
fn a_home_that_refuses_for_good_is_followed_by_the_next_and_all_of_them_by_a_pause() {
    let (mut world, bo, ana) = bo_at_two(1003);
    world.stop(BO);
    for relay in [1, 2] {
        world.relays.get_mut(&relay).unwrap().alive = false;
    }
    world.send(ANA, bo, "refused");
    world.pass(SECOND);
    let refuse = |world: &mut World| {
        let (id, outcome) = (forwards(world).last().unwrap().1, Outcome::NotAllowed);
        world.say(0, ANA, &Frame::Returned { id, outcome });
    };
    assert_eq!(homes(&world), [1]);
    refuse(&mut world);
    assert_eq!(homes(&world), [1, 2]);
    assert!(is_accepted(&world.page(ANA, bo)[0]));
    refuse(&mut world);
    // Both did: from the first on again, after a while.
    assert_eq!(homes(&world), [1, 2]);
    assert_eq!(world.page(ANA, bo)[0].tick, Tick::Kept);
    assert!(matches!(
        queue(&world).unwrap().reason,
        QueueReason::Patience(_)
    ));
    world.pass(MINUTE);
    assert_eq!(homes(&world), [1, 2]);
    world.pass(10 * MINUTE);
    assert_eq!(homes(&world), [1, 2, 1]);
    refuse(&mut world);
    assert_eq!(homes(&world), [1, 2, 1, 2]);
    // It is not refused for ever, and a few seals are left.
    for relay in [1, 2] {
        world.relays.get_mut(&relay).unwrap().alive = true;
    }
    world.pass(2 * HOUR);
    world.restart(BO);
    world.pass(HOUR);
    assert_eq!(world.texts(BO, ana), ["refused"]);
}

#[test]
fn a_relay_that_says_all_the_time_that_no_home_is_reached_uses_up_no_message() {
    let (mut world, bo, ana) = bo_at_two(1004);
    world.stop(BO);
    for relay in [1, 2] {
        world.relays.get_mut(&relay).unwrap().alive = false;
    }
    world.send(ANA, bo, "through it all");
    world.pass(SECOND);
    for _ in 0..20 {
        for relay in [1, 2, 1] {
            let home = komrade_ether::Home {
                address: world.relays[&relay].address,
                node: world.relays[&relay].node.key(),
            };
            world.say(0, ANA, &Frame::Unreached { home });
        }
        world.pass(10 * MINUTE);
    }
    assert_eq!(homes(&world), [1, 2]);
    for relay in [1, 2] {
        world.revive_relay(relay);
    }
    world.pass(2 * HOUR);
    world.restart(BO);
    world.pass(HOUR);
    assert_eq!(world.texts(BO, ana), ["through it all"]);
}

/// Whoever died lives again, with an open vault.
fn alive(world: &mut World, at: usize) {
    while !world.is_running(at) || world.peers[at].vault != Some(VaultState::Open) {
        if !world.is_running(at) {
            world.start(at);
        }
        let passphrase = Secret::new(PASSPHRASE);
        world.try_ask(at, Command::Unlock { passphrase });
    }
}

fn have_written(world: &mut World, comrade: ComradeId, text: &str) {
    loop {
        alive(world, ANA);
        let (before, limit) = (None, 100);
        let page = Command::OpenPage {
            comrade,
            before,
            limit,
        };
        let Some(Ok(Answer::Page(page))) = world.try_ask(ANA, page) else {
            continue;
        };
        if page.messages.iter().any(|message| message.text == text) {
            return;
        }
        let text = text.into();
        world.try_ask(ANA, Command::SendMessage { comrade, text });
    }
}

fn pass(world: &mut World, time: Millis) {
    let end = world.now + time;
    while world.now < end {
        alive(world, ANA);
        if !world.step_within(end - world.now) {
            return world.pass(end - world.now);
        }
    }
    alive(world, ANA);
}

/// Ana writes to homes that are not reached, one after the other, and to the lifeboat. Gives how many commits she made.
fn play(cut: Option<(u64, Cut)>) -> u64 {
    let (mut world, bo, ana) = bo_at_two(1005);
    world.stop(BO);
    both_burn(&mut world);
    let before = world.peers[ANA].store.commits();
    if let Some((commits, side)) = cut {
        plan_cut(&world, ANA, commits, side);
    }
    let texts = ["one", "two"];
    for text in texts {
        have_written(&mut world, bo, text);
    }
    pass(&mut world, 4 * HOUR);
    let mut tries = BTreeMap::<usize, usize>::new();
    homes(&world)
        .into_iter()
        .for_each(|home| *tries.entry(home).or_default() += 1);
    // Whoever dies asks again with what was on its way; that is all.
    assert!(
        tries.values().all(|tries| (2..=4).contains(tries)),
        "{cut:?}: {tries:?}"
    );
    assert_eq!(tries.len(), 2, "{cut:?}");
    world.peers[BO].online = false;
    world.restart(BO);
    world.peers[BO].online = true;
    world.join(BO, 3);
    pass(&mut world, 3 * HOUR);
    assert_eq!(world.texts(BO, ana), texts, "{cut:?}");
    world.parted.clear();
    pass(&mut world, 3 * HOUR);
    let mine = world.page(ANA, bo);
    assert!(
        mine.iter().all(|it| matches!(it.tick, Tick::Delivered(_))),
        "{cut:?}"
    );
    world.peers[ANA].store.commits() - before
}

#[test]
fn whoever_dies_at_any_commit_while_homes_fail_loses_and_doubles_nothing() {
    let commits = play(None);
    assert!(commits > 8, "only {commits} commits");
    for side in [Cut::Before, Cut::After] {
        for n in 0..commits {
            play(Some((n, side)));
        }
    }
}
