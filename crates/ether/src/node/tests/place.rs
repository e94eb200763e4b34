#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, BO, World};
use crate::{Account, Bucket, Class, Envelope, Locator, Outcome, ShelfTable, Size};

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
    for number in 3..192_u32 {
        let envelope = world.small();
        let (account, mut name) = (Account([100 + (number / 3) as u8; 32]), NAME);
        name[..4].copy_from_slice(&number.to_be_bytes());
        assert_eq!(
            place(&mut world, account, &name, &envelope),
            Outcome::Accepted
        );
    }
    assert_eq!(place(&mut world, BO, &NAME, &envelope), Outcome::Full);
}

#[test]
fn an_account_places_no_more_than_its_share_of_bytes() {
    let mut world = World::new();
    let sized = |world: &mut World, name, size| {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(size), 8);
        place(world, ANA, &[name; 16], &envelope)
    };
    // Three of 2 KiB.
    assert_eq!(sized(&mut world, 0, Size::K4), Outcome::Accepted);
    assert_eq!(sized(&mut world, 1, Size::K4), Outcome::OverShare);
    assert_eq!(sized(&mut world, 1, Size::K2), Outcome::Accepted);
    assert_eq!(sized(&mut world, 2, Size::K2), Outcome::OverShare);
    assert_eq!(sized(&mut world, 0, Size::K2), Outcome::Accepted);
    assert_eq!(sized(&mut world, 2, Size::K2), Outcome::Accepted);
}
