//! Wrong clocks, relays that lie, comrades who mean ill.

use komrade_view::*;

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
