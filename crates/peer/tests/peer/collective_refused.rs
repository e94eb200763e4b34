//! The route says what posts of a collective wait for, and what was refused of them by whom and why.

use komrade_ether::{Frame, Outcome};
use komrade_view::*;

use crate::{
    collective::{Collectives, collective, collective_at, gather, people_at, rules},
    refused::{REFUSALS, last_put},
    world::{HOUR, MINUTE, SECOND, SETTLED, World},
};

const ANA: usize = 0;
const BO: usize = 1;

fn queue(world: &World) -> Option<CollectiveQueueView> {
    queue_of(world, ANA)
}

fn queue_of(world: &World, at: usize) -> Option<CollectiveQueueView> {
    let route = world.peers[at].route.as_ref().unwrap();
    assert!(
        route.collective_queues.len() <= 1,
        "one collective, one queue"
    );
    let queue = route.collective_queues.first().copied();
    let messages: u32 = route.queues.iter().map(|it| it.waiting).sum();
    let posts = queue.map_or(0, |it| it.waiting);
    assert_eq!(route.waiting, messages + posts, "the sum of what waits");
    queue
}

fn tick(world: &mut World) -> PostTick {
    world.posts(ANA).last().unwrap().tick
}

/// It waits for the next try, or for the work that was asked for, and says what was answered. The screens read it again.
fn shows(world: &mut World, by: RefusedBy, why: PutRefusalCode) {
    let queue = queue(world).expect("a queue");
    assert_eq!((queue.waiting, queue.homes), (1, (1, 1)), "{why:?}");
    assert_eq!(queue.refused, Some(PutRefusal { by, why }));
    let is_named = matches!(
        queue.reason,
        QueueReason::Patience(_) | QueueReason::Work | QueueReason::Turn
    );
    assert!(is_named, "{why:?}: {:?}", queue.reason);
    assert_eq!(tick(world), PostTick::Kept, "{why:?}");
}

/// The next try is taken, and Bo, who is back, reads it.
fn is_taken(world: &mut World, text: &str) {
    world.until(|world| queue(world).is_none());
    let taken = PostTick::Accepted { homes: 1, of: 1 };
    assert_eq!(tick(world), taken, "{text}");
    arrives(world, text);
}

/// Bo is back and reads it.
fn arrives(world: &mut World, text: &str) {
    world.restart(BO);
    world.until(|world| {
        let last = world.collective(BO).last.as_ref();
        last.is_some_and(|post| post.text == text)
    });
}

#[test]
fn a_refusal_of_ones_own_relay_shows_until_the_post_is_taken() {
    let (mut world, _) = collective_at(2010, &[0, 0]);
    for (outcome, why) in REFUSALS {
        world.pass(HOUR);
        world.stop(BO);
        world.silent.insert(0);
        let text = format!("{why:?}");
        world.post(ANA, &text);
        // Nothing is left of the one before.
        let fresh = queue(&world).unwrap();
        assert_eq!((fresh.reason, fresh.refused), (QueueReason::Turn, None));
        let id = last_put(&world);
        world.say(0, ANA, &Frame::Ack { id, outcome });
        shows(&mut world, RefusedBy::OwnRelay, why);
        world.silent.clear();
        is_taken(&mut world, &text);
    }
    assert_eq!(world.said(BO), REFUSALS.map(|(_, why)| format!("{why:?}")));
}

#[test]
fn a_refusal_of_a_members_relay_shows_until_the_post_is_taken() {
    let (mut world, _) = collective(2011, 2);
    for (outcome, why) in REFUSALS {
        world.pass(HOUR);
        world.stop(BO);
        world.relays.get_mut(&1).unwrap().alive = false;
        let text = format!("{why:?}");
        world.post(ANA, &text);
        world.pass(SECOND);
        assert_eq!(queue(&world), None, "{why:?}");
        let before = world.collective(ANA).version;
        // What is put again is not answered, so that it is seen.
        world.silent.insert(0);
        let id = last_put(&world);
        world.say(0, ANA, &Frame::Returned { id, outcome });
        assert_ne!(world.collective(ANA).version, before, "{why:?}");
        shows(&mut world, RefusedBy::TheirRelay, why);
        world.silent.clear();
        world.relays.get_mut(&1).unwrap().alive = true;
        is_taken(&mut world, &text);
    }
    assert_eq!(world.said(BO), REFUSALS.map(|(_, why)| format!("{why:?}")));
}

#[test]
fn posts_tell_what_they_wait_for_and_for_how_many_relays() {
    let (mut world, _) = collective(2012, 3);
    world.disconnect(ANA);
    world.post(ANA, "one");
    // It leaves with them, and is no post.
    world.propose(ANA, Matter::Amend(Box::new(rules(2))));
    world.post(ANA, "two");
    world.pass(MINUTE);
    assert_eq!(world.collective(ANA).waiting, 3);
    let waits = queue(&world).unwrap();
    assert_eq!(waits.collective, world.collective(ANA).id);
    assert_eq!((waits.waiting, waits.homes), (2, (2, 2)));
    assert_eq!((waits.reason, waits.refused), (QueueReason::OwnRelay, None));
    world.connect(ANA);
    world.until(|world| queue(world).is_none());
    // One relay has what is for it, the other refused.
    world.pass(HOUR);
    world.post(ANA, "three");
    world.pass(SECOND);
    let (id, outcome) = (last_put(&world), Outcome::Full);
    world.say(0, ANA, &Frame::Returned { id, outcome });
    let waits = queue(&world).unwrap();
    assert_eq!((waits.waiting, waits.homes), (1, (1, 2)));
    assert!(matches!(waits.reason, QueueReason::Patience(_)));
    assert_eq!(tick(&mut world), PostTick::Accepted { homes: 1, of: 2 });
    // What is taken meanwhile says nothing of that.
    world.post(ANA, "four");
    world.pass(MINUTE);
    assert_eq!(queue(&world), Some(waits));
    world.until(|world| queue(world).is_none());
}

#[test]
fn a_post_of_whoever_has_just_come_in_waits_for_keys() {
    let (mut world, met) = people_at(2014, &[0, 1]);
    world.found(ANA, rules(1));
    world.candidate(ANA, met[0], BO);
    world.until(|world| world.collective(BO).standing == Standing::Member);
    world.post(BO, "here I am");
    let waits = queue_of(&world, BO).unwrap();
    assert_eq!((waits.waiting, waits.homes), (1, (0, 0)));
    assert_eq!((waits.reason, waits.refused), (QueueReason::Keys, None));
    world.until(|world| queue_of(world, BO).is_none());
    world.pass(MINUTE);
    assert_eq!(world.said(ANA), ["here I am"]);
}

#[test]
fn what_ones_own_relay_lost_waits_again() {
    let (mut world, _) = collective_at(2013, &[0, 0]);
    world.stop(BO);
    world.silent.insert(0);
    world.post(ANA, "kept");
    let (id, outcome) = (last_put(&world), Outcome::Busy);
    world.say(0, ANA, &Frame::Ack { id, outcome });
    assert!(queue(&world).unwrap().refused.is_some());
    world.silent.clear();
    world.until(|world| queue(world).is_none());
    let before = world.collective(ANA).version;
    world.silent.insert(0);
    world.wipe_relay(0);
    world.pass(SECOND);
    let waits = queue(&world).unwrap();
    assert_eq!((waits.waiting, waits.reason), (1, QueueReason::Turn));
    // It was taken since it was refused.
    assert_eq!(waits.refused, None);
    assert_ne!(world.collective(ANA).version, before);
    assert_eq!(tick(&mut world), PostTick::Kept);
    world.silent.clear();
    world.until(|world| queue(world).is_none());
    arrives(&mut world, "kept");
}

#[test]
fn what_goes_to_a_members_next_relay_waits_quietly_and_says_why() {
    let (mut world, met) = people_at(2015, &[0, 1]);
    world.add_relay(2);
    world.add_way(BO, 2);
    world.pass(SETTLED);
    gather(&mut world, &met, rules(1));
    world.stop(BO);
    world.relays.get_mut(&1).unwrap().alive = false;
    world.post(ANA, "turned away");
    world.pass(SECOND);
    let (id, outcome) = (last_put(&world), Outcome::NotForMe);
    world.say(0, ANA, &Frame::Returned { id, outcome });
    let waits = queue(&world).unwrap();
    let refused = PutRefusal {
        by: RefusedBy::TheirRelay,
        why: PutRefusalCode::NotForMe,
    };
    assert_eq!((waits.waiting, waits.homes), (1, (1, 1)));
    assert_eq!(waits.refused, Some(refused));
    let QueueReason::Quiet(until) = waits.reason else {
        panic!("{:?}", waits.reason);
    };
    assert!(until > world.now);
    world.until(|world| queue(world).is_none());
    assert!(world.now >= until);
    arrives(&mut world, "turned away");
}
