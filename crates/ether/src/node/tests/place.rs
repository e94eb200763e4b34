#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, BO, World};
use crate::{Account, Envelope, Locator, Outcome, ShelfTable};

const NAME: Locator = [7; 16];

fn place(world: &mut World, account: Account, name: &Locator, envelope: &Envelope) -> Outcome {
    let (shelf, now) = (&mut world.shelf, world.now);
    world
        .node
        .place(shelf, now, account, name, envelope)
        .unwrap()
}

fn fetch(world: &World, name: &Locator) -> Option<Envelope> {
    world.node.fetch(&world.shelf, world.now, name).unwrap()
}

#[test]
fn what_is_placed_can_be_fetched_until_it_expires() {
    let mut world = World::new();
    let envelope = world.small();
    assert_eq!(fetch(&world, &NAME), None);
    assert_eq!(place(&mut world, ANA, &NAME, &envelope), Outcome::Accepted);
    assert_eq!(
        place(&mut world, ANA, &NAME, &envelope),
        Outcome::AlreadyHave
    );
    assert_eq!(fetch(&world, &NAME), Some(envelope));
    world.pass_days(8);
    assert_eq!(fetch(&world, &NAME), None);
    world.sweep();
    assert_eq!(world.shelf.len(ShelfTable::Placed), 0);
    assert_eq!(world.shelf.len(ShelfTable::Parties), 0);
    assert_eq!(world.node.usage(&world.shelf).unwrap().placed_bytes, 0);
}

#[test]
fn only_whoever_placed_it_replaces_or_drops_it() {
    let mut world = World::new();
    let [envelope, other] = [world.small(), world.small()];
    assert_eq!(place(&mut world, ANA, &NAME, &envelope), Outcome::Accepted);
    assert_eq!(place(&mut world, BO, &NAME, &other), Outcome::NotAllowed);
    world.node.unplace(&mut world.shelf, BO, &NAME).unwrap();
    assert_eq!(fetch(&world, &NAME), Some(envelope));
    assert_eq!(place(&mut world, ANA, &NAME, &other), Outcome::Accepted);
    assert_eq!(fetch(&world, &NAME), Some(other));
    world.node.unplace(&mut world.shelf, ANA, &NAME).unwrap();
    assert_eq!(fetch(&world, &NAME), None);
    world.node.unplace(&mut world.shelf, ANA, &NAME).unwrap();
    assert_eq!(world.shelf.len(ShelfTable::Days), 0);
    assert_eq!(world.shelf.len(ShelfTable::Parties), 0);
}

#[test]
fn names_are_bounded_for_each_account_and_in_bytes() {
    let mut world = World::new();
    for name in 0..3 {
        let envelope = world.small();
        assert_eq!(
            place(&mut world, ANA, &[name; 16], &envelope),
            Outcome::Accepted
        );
    }
    let envelope = world.small();
    assert_eq!(
        place(&mut world, ANA, &[3; 16], &envelope),
        Outcome::OverShare
    );
    assert_eq!(
        place(&mut world, ANA, &[0; 16], &envelope),
        Outcome::Accepted
    );
    for (name, outcome) in [
        (4, Outcome::Accepted),
        (5, Outcome::Accepted),
        (6, Outcome::Full),
    ] {
        let envelope = world.small();
        assert_eq!(place(&mut world, BO, &[name; 16], &envelope), outcome);
    }
}
