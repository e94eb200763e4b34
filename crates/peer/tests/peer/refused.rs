//! What waits because it was refused says by whom and why.

use komrade_ether::{EnvelopeId, Frame, Outcome};
use komrade_view::{PutRefusal, PutRefusalCode as Code, QueueReason, QueueView, RefusedBy, Tick};

use crate::world::{HOUR, SECOND, World};

const ANA: usize = 0;
const BO: usize = 1;

/// Every answer that is a refusal, with what is shown of it.
pub const REFUSALS: [(Outcome, Code); 16] = [
    (Outcome::Full, Code::Full),
    (Outcome::Expired, Code::Expired),
    (Outcome::TooFar, Code::TooFar),
    (Outcome::Malformed, Code::Malformed),
    (Outcome::TooLarge, Code::TooLarge),
    (Outcome::Foreign, Code::Foreign),
    (Outcome::NotForMe, Code::NotForMe),
    (Outcome::Busy, Code::Busy),
    (Outcome::NeedsWork(9), Code::NeedsWork),
    (Outcome::WrongWork, Code::WrongWork),
    (Outcome::WrongToken, Code::WrongToken),
    (Outcome::OverShare, Code::OverShare),
    (Outcome::NotAllowed, Code::NotAllowed),
    (Outcome::QueueFull, Code::QueueFull),
    (Outcome::Unreachable, Code::Unreachable),
    (Outcome::Unknown(99), Code::Unknown),
];

fn queue(world: &World) -> Option<QueueView> {
    let route = world.peers[ANA].route.as_ref().unwrap();
    assert!(route.queues.len() <= 1, "one comrade, one queue");
    route.queues.first().copied()
}

pub fn last_put(world: &World) -> EnvelopeId {
    let put = world
        .frames_to_nodes
        .iter()
        .rev()
        .find_map(|frame| match frame {
            Frame::Deposit { envelope, .. } | Frame::Forward { envelope, .. } => {
                Some(envelope.id())
            }
            _ => None,
        });
    put.expect("a put")
}

/// It waits for the next try, or for the work that was asked for, and says what was answered.
fn shows(world: &World, by: RefusedBy, why: Code) {
    let queue = queue(world).expect("a queue");
    assert_eq!(queue.waiting, 1, "{why:?}");
    assert_eq!(queue.refused, Some(PutRefusal { by, why }));
    let is_named = matches!(
        queue.reason,
        QueueReason::Patience(_) | QueueReason::Work | QueueReason::Turn
    );
    assert!(is_named, "{why:?}: {:?}", queue.reason);
}

#[test]
fn every_code_is_in_the_table_once() {
    assert_eq!(REFUSALS.map(|(_, code)| code), Code::ALL);
}

#[test]
fn a_refusal_of_ones_own_relay_shows_until_something_is_taken() {
    let mut world = World::new(2000, 2);
    world.add_relay(0);
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 0);
    let (bo, ana) = world.meet(ANA, BO);
    for (outcome, why) in REFUSALS {
        world.pass(HOUR);
        world.stop(BO);
        world.silent.insert(0);
        let text = format!("{why:?}");
        world.send(ANA, bo, &text);
        world.drain();
        // Nothing is left of the one before.
        assert_eq!(queue(&world).unwrap().refused, None, "{why:?}");
        let id = last_put(&world);
        world.say(0, ANA, &Frame::Ack { id, outcome });
        shows(&world, RefusedBy::OwnRelay, why);
        world.silent.clear();
        world.until(|world| queue(world).is_some_and(|queue| queue.waiting == 0));
        let taken = queue(&world).unwrap();
        assert_eq!(
            (taken.reason, taken.refused),
            (QueueReason::KeptByRelay, None)
        );
        let tick = world.page(ANA, bo).last().unwrap().tick;
        assert!(matches!(tick, Tick::Accepted(_)));
        world.restart(BO);
        world.until(|world| queue(world).is_none());
        assert_eq!(*world.texts(BO, ana).last().unwrap(), text);
    }
    assert_eq!(world.texts(BO, ana).len(), REFUSALS.len());
}

#[test]
fn a_refusal_of_their_relay_shows_until_something_is_taken() {
    let mut world = World::new(2001, 2);
    (0..2).for_each(|relay| world.add_relay(relay));
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 1);
    let (bo, ana) = world.meet(ANA, BO);
    for (outcome, why) in REFUSALS {
        world.pass(HOUR);
        world.stop(BO);
        world.relays.get_mut(&1).unwrap().alive = false;
        let text = format!("{why:?}");
        world.send(ANA, bo, &text);
        world.pass(SECOND);
        let handed = queue(&world).unwrap();
        assert_eq!(
            (handed.reason, handed.refused),
            (QueueReason::HandedOn, None)
        );
        // What is put again is not answered, so that it is seen.
        world.silent.insert(0);
        let id = last_put(&world);
        world.say(0, ANA, &Frame::Returned { id, outcome });
        shows(&world, RefusedBy::TheirRelay, why);
        world.silent.clear();
        world.relays.get_mut(&1).unwrap().alive = true;
        world.until(|world| queue(world).is_some_and(|queue| queue.waiting == 0));
        assert_eq!(queue(&world).unwrap().refused, None);
        world.restart(BO);
        world.until(|world| queue(world).is_none());
        assert_eq!(*world.texts(BO, ana).last().unwrap(), text);
    }
    assert_eq!(world.texts(BO, ana).len(), REFUSALS.len());
}

#[test]
fn a_refusal_of_their_device_shows_until_something_is_taken() {
    let mut world = World::new(2002, 2);
    world.settle_in(ANA, "Ana");
    world.settle_in(BO, "Bo");
    let (bo, ana) = world.meet(ANA, BO);
    for (outcome, why) in REFUSALS {
        world.pass(HOUR);
        world.meddle = Some(Box::new(move |from, frame| {
            match (from, Frame::decode(&frame)) {
                (BO, Ok(Frame::Ack { id, .. })) => vec![Frame::Ack { id, outcome }.encode()],
                // Bo must not tell that he has it.
                (BO, Ok(Frame::Put { .. })) => vec![],
                _ => vec![frame],
            }
        }));
        world.send(ANA, bo, &format!("{why:?}"));
        world.drain();
        shows(&world, RefusedBy::TheirDevice, why);
        world.meddle = None;
        world.until(|world| queue(world).is_none());
    }
    assert_eq!(world.texts(BO, ana).len(), REFUSALS.len());
}

#[test]
fn what_is_put_a_second_time_is_no_refusal() {
    let mut world = World::new(2003, 2);
    world.add_relay(0);
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 0);
    let (bo, _) = world.meet(ANA, BO);
    world.pass(HOUR);
    world.stop(BO);
    world.silent.insert(0);
    world.send(ANA, bo, "replayed");
    world.drain();
    let (id, outcome) = (last_put(&world), Outcome::AlreadyHave);
    world.say(0, ANA, &Frame::Ack { id, outcome });
    let replayed = queue(&world).unwrap();
    assert_eq!(
        (replayed.waiting, replayed.reason),
        (0, QueueReason::KeptByRelay)
    );
    assert!(matches!(world.page(ANA, bo)[0].tick, Tick::Accepted(_)));
    world.send(ANA, bo, "not answered");
    world.drain();
    let next = queue(&world).unwrap();
    assert_eq!((next.waiting, next.refused), (1, None));
}
