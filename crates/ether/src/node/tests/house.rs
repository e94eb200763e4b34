#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, KEY, TOKEN, World, settings};
use crate::{
    Account, Bucket, Class, DAY_MILLIS, Draw, MAX_BITS, MemoryError, Node, Outcome, Party,
    Settings, ShelfTable, Size, Token,
};

fn fill(world: &mut World, bucket: Bucket, envelopes: usize) {
    for _ in 0..envelopes {
        let envelope = world.envelope(bucket, Class::ordinary(Size::K2), 8);
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    }
}

fn wanted(world: &World) -> u8 {
    world.node.bits_wanted(&world.shelf, world.now).unwrap()
}

#[test]
fn a_sweep_takes_everything_that_ended_and_nothing_else() {
    let mut world = World::new();
    for days in [1, 2, 3] {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K2), days);
        world.member_puts(ANA, &envelope);
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K2), days);
        world.stranger_puts(&envelope);
    }
    for left in [4, 2, 0] {
        world.pass_days(1);
        world.sweep();
        assert_eq!(world.bytes(), left * 2_048);
        for table in [ShelfTable::Envelopes, ShelfTable::Log] {
            assert_eq!(world.shelf.len(table) as u64, left);
        }
    }
    world.pass_days(1);
    world.sweep();
    for table in ShelfTable::ALL {
        let records = usize::from(table == ShelfTable::About) * 3;
        assert_eq!(world.shelf.len(table), records, "{table:?}");
    }
}

#[test]
fn a_clock_that_jumps_ahead_sweeps_nothing_until_it_stood() {
    const HOUR: u64 = 60 * 60 * 1_000;
    let mut world = World::new();
    fill(&mut world, Bucket::WHOLE, 1);
    world.sweep();
    let right = world.now;
    // However often it is asked, and however far it jumps again.
    for days in [10, 40, 4_000] {
        world.now = right + days * DAY_MILLIS;
        for _ in 0..5 {
            world.now += HOUR;
            world.sweep();
            assert_eq!(world.bytes(), 2_048);
        }
    }
    // A clock that was set right again, and wrong anew, has not stood.
    world.now = right + HOUR;
    world.sweep();
    world.now = right + 4_000 * DAY_MILLIS + 7 * HOUR;
    world.sweep();
    assert_eq!(world.bytes(), 2_048);
    world.now += 6 * HOUR - 1;
    world.sweep();
    assert_eq!(world.bytes(), 2_048);
    world.now += 1;
    world.sweep();
    assert_eq!(world.bytes(), 0);
}

#[test]
fn two_days_ahead_are_no_jump() {
    let mut world = World::new();
    let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K2), 2);
    assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    world.sweep();
    world.now += 2 * DAY_MILLIS;
    world.sweep();
    assert_eq!(world.bytes(), 0);
}

#[test]
fn a_sweep_goes_in_steps() {
    let mut world = World::new();
    fill(&mut world, Bucket::WHOLE, 10);
    world.pass_days(8);
    let mut steps = 0;
    while world.node.sweep(&mut world.shelf, world.now, 4).unwrap() {
        steps += 1;
        assert!(steps < 50);
    }
    assert!(steps > 4);
    assert_eq!(world.shelf.len(ShelfTable::Days), 0);
}

/// A world in which a bucket is large with more than twenty small envelopes on a day.
fn halving() -> World {
    World::with(Settings {
        capacity: 2_000 * 2_048,
        halving_bytes: 20 * 2_048,
        ..settings()
    })
}

/// So many members each hold something.
fn crowd(world: &mut World, members: u8) {
    for member in 0..members {
        let envelope = world.small();
        let account = Account([member; 32]);
        assert_eq!(world.member_puts(account, &envelope), Outcome::Accepted);
    }
}

fn set_bits(world: &mut World, bits: u8) {
    let (shelf, now) = (&mut world.shelf, world.now);
    world.node.set_bits(shelf, now, bits).unwrap();
}

#[test]
fn a_bucket_that_carries_too_much_in_a_day_wants_halving_once() {
    let mut world = halving();
    crowd(&mut world, 16);
    fill(&mut world, Bucket::WHOLE, 4);
    assert_eq!(wanted(&world), 0);
    fill(&mut world, Bucket::WHOLE, 1);
    assert_eq!(wanted(&world), 1);
    world.pass_days(1);
    assert_eq!(wanted(&world), 1, "yesterday still counts");
    set_bits(&mut world, 1);
    assert_eq!(wanted(&world), 1);
    // Homes keep the old number for a while: that calls for no second halving.
    world.pass_days(30);
    world.sweep();
    crowd(&mut world, 32);
    let [low, high] = Bucket::WHOLE.halves().unwrap();
    fill(&mut world, low, 20);
    fill(&mut world, high, 20);
    assert_eq!(wanted(&world), 1);
    fill(&mut world, high, 1);
    assert_eq!(wanted(&world), 2);
    world.pass_days(2);
    assert_eq!(wanted(&world), 1);
}

#[test]
fn buckets_are_halved_once_in_thirty_days_at_most() {
    let mut world = halving();
    crowd(&mut world, 64);
    assert_eq!(wanted(&world), 1);
    set_bits(&mut world, 1);
    let [low, _] = Bucket::WHOLE.halves().unwrap();
    world.pass_days(29);
    world.sweep();
    crowd(&mut world, 64);
    fill(&mut world, low, 21);
    assert_eq!(wanted(&world), 1);
    world.pass_days(1);
    assert_eq!(wanted(&world), 2);
}

#[test]
fn a_bucket_keeps_eight_holders_at_least() {
    let mut world = halving();
    crowd(&mut world, 16);
    fill(&mut world, Bucket::WHOLE, 10);
    assert_eq!(wanted(&world), 1);
    let mut world = halving();
    crowd(&mut world, 15);
    fill(&mut world, Bucket::WHOLE, 10);
    assert_eq!(wanted(&world), 0);
}

#[test]
fn what_work_alone_brought_calls_for_no_halving() {
    let mut world = halving();
    crowd(&mut world, 16);
    for _ in 0..50 {
        let envelope = world.small();
        let pass = world.work(&envelope);
        let outcome = world.put(Party::Stranger, &pass, &envelope);
        assert_eq!(outcome, Outcome::Accepted);
    }
    assert_eq!(wanted(&world), 0);
    for _ in 0..5 {
        let envelope = world.small();
        assert_eq!(world.stranger_puts(&envelope), Outcome::Accepted);
    }
    assert_eq!(wanted(&world), 1);
}

#[test]
fn bits_have_an_end() {
    let mut world = halving();
    set_bits(&mut world, 99);
    world.pass_days(30);
    crowd(&mut world, 64);
    assert_eq!(world.node.about(&world.shelf).unwrap().bits, MAX_BITS);
    let bucket = Bucket::new(3, MAX_BITS).unwrap();
    fill(&mut world, bucket, 21);
    assert_eq!(wanted(&world), MAX_BITS);
}

#[test]
fn a_node_is_begun_once_and_then_opened() {
    let mut world = World::new();
    fill(&mut world, Bucket::WHOLE, 1);
    let about = world.node.about(&world.shelf).unwrap();
    assert_eq!((about.incarnation, about.token), (77, TOKEN));
    let draw = Draw {
        incarnation: 0,
        token: Token([5; 16]),
    };
    let before = world.shelf.snapshot();
    let again = Node::open(&mut world.shelf, KEY, settings(), world.now, draw).unwrap();
    assert_eq!(again.about(&world.shelf).unwrap(), about);
    assert!(world.shelf.holds_the_same(&before));
    let mut wiped = crate::MemoryShelf::new();
    let new = Node::open(&mut wiped, KEY, settings(), world.now, draw).unwrap();
    let about = new.about(&wiped).unwrap();
    assert_eq!((about.incarnation, about.token), (1, draw.token));
}

#[test]
fn an_undone_transaction_leaves_nothing_behind_wherever_it_failed() {
    let mut world = World::new();
    fill(&mut world, Bucket::WHOLE, 2);
    world.shelf.commit();
    let before = world.shelf.snapshot();
    let envelope = world.small();
    let party = Party::Member(ANA);
    let mut failures = 0;
    loop {
        world.shelf.fail_after(failures);
        let (shelf, now) = (&mut world.shelf, world.now);
        match world
            .node
            .put(shelf, now, party, &crate::Pass::default(), &envelope)
        {
            Ok(outcome) => {
                assert_eq!(outcome, Outcome::Accepted);
                break;
            }
            Err(error) => assert_eq!(error, MemoryError::Told),
        }
        world.shelf.rollback();
        assert!(world.shelf.holds_the_same(&before));
        failures += 1;
    }
    assert!(failures > 10, "{failures}");
}
