//! A relay that carries much halves its buckets: a peer draws one half of its own and tells its comrades, and what is put to the
//! old number meanwhile arrives.

use komrade_ether::{Bucket, Frame};
use komrade_view::*;

use crate::world::{HOUR, MINUTE, World};

const ANA: usize = 0;
const BO: usize = 1;

/// The relay has buckets of so many bits from now on, and tells its members when they connect.
fn halve(world: &mut World, number: usize, bits: u8) {
    let (now, relay) = (world.now, world.relays.get_mut(&number).unwrap());
    relay.node.set_bits(&mut relay.shelf, now, bits).unwrap();
    relay.shelf.commit();
}

/// To which number the newest envelope for Bo was forwarded.
fn put_to(world: &World) -> Bucket {
    let there = world.relays[&BO].address;
    let frames = world.frames_to_nodes.iter().rev();
    let newest = frames.filter_map(|frame| match frame {
        Frame::Forward { home, envelope, .. } => {
            Some((home.address, envelope.header().in_bucket()))
        }
        _ => None,
    });
    let mut newest = newest.filter(|(address, _)| *address == there);
    newest.next().expect("something was forwarded").1
}

/// What was subscribed to last.
fn subscribed(world: &World) -> Bucket {
    let newest = world
        .frames_to_nodes
        .iter()
        .rev()
        .find_map(|frame| match frame {
            Frame::Subscribe { bucket, .. } => Some(*bucket),
            _ => None,
        });
    newest.expect("a subscription")
}

#[test]
fn a_half_is_drawn_and_told_and_mail_to_either_number_arrives() {
    for seed in 3000..3006 {
        let mut world = World::new(seed, 2);
        for (at, name) in [(ANA, "Ana"), (BO, "Bo")] {
            world.add_relay(at);
            world.settle_at(at, name, at);
        }
        let (bo, ana) = world.meet(ANA, BO);
        world.pass(2 * HOUR);
        let mut before = Bucket::WHOLE;
        for bits in [1, 2] {
            halve(&mut world, BO, bits);
            // No word of Bo's comes to Ana's relay.
            world.parted.insert((BO, ANA));
            world.frames_to_nodes.clear();
            world.disconnect(BO);
            world.connect(BO);
            world.pass(MINUTE);
            let half = subscribed(&world);
            assert_eq!(half.bits(), bits);
            assert_eq!(
                half.within(before.bits()),
                before,
                "it is a half of the old one"
            );
            let old = format!("to the old number of {bits}");
            world.send(ANA, bo, &old);
            world.pass(MINUTE);
            assert_eq!(put_to(&world), before);
            assert_eq!(*world.texts(BO, ana).last().unwrap(), old);
            world.parted.clear();
            world.pass(3 * HOUR);
            let new = format!("to the new number of {bits}");
            world.send(ANA, bo, &new);
            world.pass(MINUTE);
            assert_eq!(put_to(&world), half, "she was told");
            assert_eq!(*world.texts(BO, ana).last().unwrap(), new);
            before = half;
        }
        world.pass(HOUR);
        assert_eq!(world.texts(BO, ana).len(), 4);
        let mine = world.page(ANA, bo);
        assert!(mine.iter().all(|it| matches!(it.tick, Tick::Delivered(_))));
    }
}
