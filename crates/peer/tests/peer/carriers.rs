//! The three ways of an envelope: the cache of a relay that both use, forwarding to the comrade's relay, a link of the two devices.

use komrade_ether::{EnvelopeId, Frame, ShelfTable};
use komrade_view::*;

use crate::seeking::listen;
use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

const ANA: usize = 0;
const BO: usize = 1;

/// What was put to nodes: what both use the relay for, and what is to be passed on.
fn puts(world: &World) -> (Vec<EnvelopeId>, Vec<EnvelopeId>) {
    let frames = world.frames_to_nodes.iter();
    let deposits = frames.clone().filter_map(|frame| match frame {
        Frame::Deposit { envelope, .. } => Some(envelope.id()),
        _ => None,
    });
    let forwards = frames.filter_map(|frame| match frame {
        Frame::Forward { envelope, .. } => Some(envelope.id()),
        _ => None,
    });
    (deposits.collect(), forwards.collect())
}

fn holds(world: &World, relay: usize, ids: &[EnvelopeId]) -> bool {
    use komrade_ether::ShelfRead;
    let shelf = &world.relays[&relay].shelf;
    let has = |id: &EnvelopeId| shelf.get(ShelfTable::Envelopes, &id.0).unwrap().is_some();
    ids.iter().any(has)
}

#[test]
fn two_members_of_one_relay_are_not_linked_before_one_of_them_moves() {
    let mut world = World::new(3100, 2);
    (0..2).for_each(|relay| world.add_relay(relay));
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 0);
    let (bo, ana) = world.meet(ANA, BO);
    for (at, comrade) in [(ANA, bo), (BO, ana)] {
        let live = Command::SetLive {
            comrade,
            live: true,
        };
        assert_eq!(world.ask(at, live), Ok(Answer::Done));
    }
    world.pass(HOUR);
    for _ in 0..3 {
        world.send(ANA, bo, "from Ana");
        world.send(BO, ana, "from Bo");
        world.pass(MINUTE);
    }
    // Nor while something waits.
    world.silent.insert(0);
    world.send(ANA, bo, "not answered");
    world.pass(10 * MINUTE);
    world.silent.clear();
    world.pass(HOUR);
    assert_eq!(world.texts(BO, ana).len(), 7);
    assert_eq!(world.hints.len(), 0, "nobody was dialled");
    assert_eq!((world.links(ANA), world.links(BO)), (0, 0));
    world.join(BO, 1);
    world.pass(2 * DAY);
    let dials = world.hints.len();
    assert_eq!((world.links(ANA), world.links(BO)), (0, 0));
    world.send(ANA, bo, "from device to device");
    world.pass(SECOND);
    assert_eq!(world.hints.len(), dials + 1);
    assert!(world.links(ANA) == 1 && world.links(BO) == 1);
    assert_eq!(
        world.texts(BO, ana).last().unwrap(),
        "from device to device"
    );
}

#[test]
fn what_comes_by_three_carriers_is_shown_once() {
    let mut world = World::new(3101, 2);
    (0..4).for_each(|relay| world.add_relay(relay));
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 0);
    let (bo, ana) = world.meet(ANA, BO);
    world.add_way(BO, 1);
    world.pass(2 * DAY);
    world.stop(BO);
    world.frames_to_nodes.clear();
    // The cache of the relay that both use has it …
    world.send(ANA, bo, "once");
    world.pass(SECOND);
    let (deposits, forwards) = puts(&world);
    assert_eq!((deposits.len(), forwards.len()), (1, 0));
    assert!(holds(&world, 0, &deposits));
    // … and is not reached; her next relay forwards it to the other one that he uses …
    world.burn_relay(0);
    world.join(ANA, 2);
    world.pass(3 * HOUR);
    let (_, forwards) = puts(&world);
    assert!(holds(&world, 1, &forwards));
    // … which is not reached either when he comes back: a link of the two devices brings it.
    world.burn_relay(1);
    world.peers[BO].online = false;
    world.restart(BO);
    assert!(world.texts(BO, ana).is_empty());
    let frames = listen(&mut world);
    world.peers[BO].online = true;
    world.join(BO, 3);
    world.until(|world| world.comrade(BO, ana).unread > 0);
    let is_put =
        |(from, frame): &(usize, Frame)| *from == ANA && matches!(frame, Frame::Put { .. });
    assert!(frames.borrow().iter().any(is_put));
    assert_eq!(world.texts(BO, ana), ["once"]);
    // Both relays are there again, with what they had for him.
    world.revive_relay(0);
    world.revive_relay(1);
    world.pass(SECOND);
    for relay in [0, 1] {
        let node = world.relay_view(BO, relay).node;
        assert!(matches!(node, NodeStage::Ready(_)), "{node:?}");
    }
    world.pass(2 * HOUR);
    assert_eq!(world.texts(BO, ana), ["once"]);
    assert_eq!(world.comrade(BO, ana).unread, 1);
    let mine = world.page(ANA, bo);
    assert!(mine.len() == 1 && matches!(mine[0].tick, Tick::Delivered(_)));
}
