//! What the route says of queues and of bytes.

use komrade_peer::Input;
use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{DAY, HOUR, MINUTE, World};

fn queues(world: &World, at: usize) -> Vec<(u32, u32, QueueReason)> {
    let route = world.peers[at].route.as_ref().unwrap();
    let queues = route.queues.iter();
    queues
        .map(|queue| (queue.waiting, queue.handed, queue.reason))
        .collect()
}

#[test]
fn queues_say_what_waits_and_for_what() {
    let mut world = World::new(720, 3);
    world.add_relay(0);
    world.add_relay(1);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    world.settle_at(2, "Cleo", 0);
    let (bo, _) = world.meet(0, 1);
    let (cleo, _) = world.meet(0, 2);
    world.pass(MINUTE);
    world.stop(1);
    world.stop(2);
    world.disconnect(0);
    world.send(0, bo, "one");
    world.send(0, bo, "two");
    world.send(0, cleo, "three");
    world.pass(MINUTE);
    let own = QueueReason::OwnRelay;
    assert_eq!(queues(&world, 0), [(2, 0, own), (1, 0, own)]);
    world.connect(0);
    world.pass(MINUTE);
    let expected = [
        (0, 2, QueueReason::HandedOn),
        (0, 1, QueueReason::KeptByRelay),
    ];
    assert_eq!(queues(&world, 0), expected);
    world.restart(1);
    world.restart(2);
    world.until(|world| queues(world, 0).is_empty());
    // Whoever made the invite has not answered: their keys are not here yet.
    let link = world.make_invite(1);
    world.stop(1);
    world.disconnect(2);
    let asked = world.accept(2, &link);
    world.send(2, asked, "hello");
    world.pass(MINUTE);
    assert_eq!(queues(&world, 2), [(1, 0, QueueReason::Keys)]);
}

#[test]
fn what_waits_for_a_quiet_moment_says_so() {
    let mut world = World::new(722, 2);
    for (at, name) in [(0, "Ana"), (1, "Bo")] {
        world.add_relay(at);
        world.settle_at(at, name, at);
    }
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.stop(1);
    world.send(0, bo, "yesterday");
    world.pass(DAY);
    world.wipe_relay(1);
    world.restart(1);
    world.until(|world| queues(world, 0).iter().any(|queue| queue.0 == 1));
    let waits = queues(&world, 0);
    let [(1, 0, QueueReason::Quiet(until))] = waits[..] else {
        panic!("{waits:?}");
    };
    assert!((world.now..world.now + HOUR).contains(&until));
    world.until(|world| world.now > until);
    world.pass(MINUTE);
    assert_eq!(world.texts(1, ana), ["yesterday"]);
}

#[test]
fn bytes_are_counted_by_day_and_across_restarts() {
    let mut world = World::new(721, 1);
    world.settle_in(0, "Ana");
    let traffic = |world: &World| {
        let Traffic { sent, received } = world.peers[0].route.as_ref().unwrap().traffic.today;
        let month = world.peers[0].route.as_ref().unwrap().traffic.month;
        [sent, received, month.sent, month.received]
    };
    world.push(0, Input::Bytes(1_000, 5_000));
    world.pass(2 * MINUTE);
    assert_eq!(traffic(&world), [1_000, 5_000, 1_000, 5_000]);
    world.restart(0);
    assert_eq!(traffic(&world), [1_000, 5_000, 1_000, 5_000]);
    // Locked meanwhile: what was not written yet is not lost.
    world.push(0, Input::Bytes(10, 20));
    assert_eq!(world.ask(0, Command::Lock), Ok(Answer::Done));
    let passphrase = Secret::new(crate::world::PASSPHRASE);
    let unlocked = world.ask(0, Command::Unlock { passphrase });
    assert_eq!(unlocked, Ok(Answer::Done));
    world.pass(2 * MINUTE);
    assert_eq!(traffic(&world), [1_010, 5_020, 1_010, 5_020]);
    world.pass(DAY);
    world.push(0, Input::Bytes(11, 22));
    world.pass(2 * MINUTE);
    assert_eq!(traffic(&world), [1, 2, 1_011, 5_022]);
    world.pass(30 * DAY);
    world.push(0, Input::Bytes(14, 22));
    world.pass(2 * MINUTE);
    assert_eq!(traffic(&world), [3, 0, 3, 0]);
}
