//! Relays that burn, lose their keys or are not reached from elsewhere: what they took, and what was on its way to them.

use komrade_ether::{Frame, Outcome};
use komrade_view::*;

use crate::{
    several::{forwards, two_and},
    world::{DAY, HOUR, MINUTE, SECOND, World},
};

/// The envelopes that were forwarded, in order.
fn forwarded(world: &World) -> Vec<komrade_ether::EnvelopeId> {
    let frames = world.frames_to_nodes.iter();
    let forwarded = frames.filter_map(|frame| match frame {
        Frame::Forward { envelope, .. } => Some(envelope.id()),
        _ => None,
    });
    forwarded.collect()
}

#[test]
fn a_refusal_counts_only_from_the_relay_that_took_the_envelope() {
    let (mut world, bo, _) = two_and(740, 1);
    world.relays.get_mut(&1).unwrap().alive = false;
    world.send(0, bo, "through the first");
    world.pass(SECOND);
    let is_accepted = |tick| matches!(tick, Tick::Accepted(_));
    assert!(is_accepted(world.page(0, bo)[0].tick));
    let sent = forwarded(&world);
    let (id, outcome) = (*sent.last().unwrap(), Outcome::NotAllowed);
    world.say(2, 0, &Frame::Returned { id, outcome });
    world.pass(HOUR);
    assert!(is_accepted(world.page(0, bo)[0].tick));
    assert_eq!(forwarded(&world), sent);
    world.say(0, 0, &Frame::Returned { id, outcome });
    assert_eq!(world.page(0, bo)[0].tick, Tick::Kept);
    world.pass(HOUR);
    assert_eq!(forwarded(&world).len(), sent.len() + 1);
}

#[test]
fn what_was_on_its_way_to_a_home_that_was_dropped_leaves_for_one_that_lives() {
    let mut world = World::new(741, 2);
    (0..3).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    let (bo, ana) = world.meet(0, 1);
    world.add_way(1, 2);
    world.pass(2 * DAY);
    world.relays.get_mut(&1).unwrap().alive = false;
    world.held = Some((0, Vec::new()));
    world.send(0, bo, "on its way");
    assert!(forwards(&world, 0) > 0);
    let relay = world.relay_view(1, 1).id;
    let leave = Command::LeaveRelay { relay };
    assert_eq!(world.ask(1, leave), Ok(Answer::Done));
    world.pass(SECOND);
    world.let_go();
    world.pass(DAY);
    assert_eq!(world.texts(1, ana), ["on its way"]);
    assert!(matches!(world.page(0, bo)[0].tick, Tick::Delivered(_)));
}

#[test]
fn what_a_relay_took_while_it_was_left_is_not_lost_when_it_burns_unseen() {
    let (mut world, bo, ana) = two_and(742, 1);
    // Only the relay that is being left carries.
    let relay = world.relay_view(0, 0).id;
    let leave = Command::LeaveRelay { relay };
    assert_eq!(world.ask(0, leave), Ok(Answer::Done));
    world.pass(SECOND);
    world.burn_relay(2);
    world.pass(3 * MINUTE);
    // It takes, and brings nothing.
    world.relays.get_mut(&0).unwrap().alive = false;
    world.send(0, bo, "through the old one");
    world.pass(SECOND);
    assert!(forwards(&world, 0) > 0);
    world.revive_relay(2);
    // Bo's word that he knows came by the other one; the old one is closed, and burns.
    world.until(|world| world.ways(0).len() == 1);
    world.burn_relay(0);
    world.pass(DAY);
    assert_eq!(world.texts(1, ana), ["through the old one"]);
}

#[test]
fn whoever_lost_one_of_two_relays_finds_a_comrade_who_lost_the_only_one() {
    let (mut world, bo, ana) = two_and(744, 1);
    // Each tells of another home where the other is no longer.
    world.burn_relay(0);
    world.burn_relay(1);
    world.add_relay(3);
    world.join(1, 3);
    world.send(1, ana, "are you there?");
    world.pass(3 * DAY);
    assert_eq!(world.texts(0, bo), ["are you there?"]);
    world.send(0, bo, "here");
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["are you there?", "here"]);
}

#[test]
fn a_relay_that_loses_its_keys_soon_after_it_was_joined_is_a_home_within_the_hour() {
    let mut world = World::new(745, 2);
    (0..2).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    let (bo, ana) = world.meet(0, 1);
    world.rebuild_relay(1);
    world.send(0, bo, "to the new node");
    world.pass(3 * HOUR);
    assert_eq!(world.texts(1, ana), ["to the new node"]);
}

#[test]
fn a_relay_that_rests_hosts_the_lifeboat_no_longer() {
    let mut world = World::new(749, 2);
    (0..4).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    world.meet(0, 1);
    world.pass(HOUR);
    world.stop(1);
    world.burn_relay(0);
    world.join(0, 2);
    world.add_way(0, 3);
    world.pass(2 * DAY);
    assert!(world.is_hosting(0, 2) && !world.is_hosting(0, 3));
    world.burn_relay(2);
    world.pass(HOUR);
    assert!(world.is_hosting(0, 3) && !world.is_hosting(0, 2));
}

#[test]
fn whoever_was_set_back_is_heard_when_they_tell_of_homes_under_numbers_that_were_used() {
    let mut world = World::new(760, 2);
    (0..5).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    let old = world.peers[1].store.records();
    // Ana learns of homes of which Bo will know nothing.
    for relay in [2, 3] {
        world.add_way(1, relay);
        world.pass(HOUR);
    }
    for relay in [1, 2, 3, 1, 2, 3] {
        let relay = world.relay_view(1, relay).id;
        world.ask(1, Command::MakeFirst { relay }).unwrap();
        world.pass(HOUR);
    }
    world.pass(DAY);
    world.set_back(1, old);
    world.pass(MINUTE);
    (1..4).for_each(|relay| world.burn_relay(relay));
    world.join(1, 4);
    world.pass(4 * DAY);
    world.send(0, bo, "where are you?");
    world.pass(MINUTE);
    assert_eq!(world.texts(1, ana), ["where are you?"]);
    world.send(1, ana, "here");
    world.pass(MINUTE);
    assert_eq!(world.texts(0, bo), ["where are you?", "here"]);
    // She was told: the next one finds him without a search.
    world.pass(3 * DAY);
    assert_eq!(world.peers[1].route.as_ref().unwrap().rescuing, 0);
    let dials = world.hints.len();
    world.send(0, bo, "and now?");
    world.pass(MINUTE);
    assert_eq!(world.texts(1, ana).last().unwrap(), "and now?");
    assert_eq!(world.hints.len(), dials);
}
