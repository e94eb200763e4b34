//! Circles in which more happens than fits a batch of the store; and what their rows tell.

use komrade_view::*;

use crate::{
    circle::{Circles, operations, people, vault},
    world::{DAY, HOUR, World},
};

/// More than a batch takes.
const MANY: usize = 1_100;

fn write_many(world: &mut World) -> CircleId {
    let circle = world.make(0, &[]);
    for number in 0..MANY {
        world.tell(0, circle, &number.to_string());
    }
    circle
}

#[test]
fn a_day_on_which_more_expires_than_a_batch_takes_closes_no_vault() {
    let (mut world, _) = people(1020, &[0]);
    write_many(&mut world);
    assert_eq!(operations(&vault(&world, 0)).len(), MANY);
    world.stop(0);
    world.pass(92 * DAY);
    world.restart(0);
    world.pass(3 * HOUR);
    assert_eq!(world.peers[0].vault, Some(VaultState::Open));
    assert!(operations(&vault(&world, 0)).is_empty());
    world.restart(0);
    assert_eq!(world.peers[0].vault, Some(VaultState::Open));
}

#[test]
fn whoever_comes_back_to_more_than_a_batch_takes_gets_all_of_it() {
    let (mut world, met) = people(1021, &[0, 1]);
    let circle = write_many(&mut world);
    world.stop(1);
    let (comrade, older) = (met[0], true);
    let add = CircleCommand::Add {
        circle,
        comrade,
        older,
    };
    world.circle(0, add);
    world.pass(HOUR);
    world.restart(1);
    world.pass(HOUR);
    assert_eq!(world.peers[1].vault, Some(VaultState::Open));
    assert_eq!(world.theirs(1).missing, 0);
    assert_eq!(operations(&vault(&world, 1)).len(), MANY);
}

#[test]
fn a_row_is_another_when_a_reader_was_removed() {
    let (mut world, met) = people(1022, &[0, 1, 2]);
    let circle = world.make(0, &met);
    world.tell(0, circle, "to both");
    world.pass(HOUR);
    let row = |world: &World| {
        let rows = &world.peers[0].circles;
        rows.iter().find(|it| it.id == circle).unwrap().version
    };
    let before = row(&world);
    let comrade = met[0];
    world.circle(0, CircleCommand::Remove { circle, comrade });
    assert_ne!(row(&world), before);
    // So it is when they are no comrade any more.
    let before = row(&world);
    let comrade = met[1];
    world.ask(0, Command::RemoveComrade { comrade }).unwrap();
    assert_ne!(row(&world), before);
}
