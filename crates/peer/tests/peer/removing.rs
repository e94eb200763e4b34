//! Comrades and conversations that are removed, names that change, room that runs out.

use komrade_store::{StoreError, Table};
use komrade_view::*;

use crate::world::*;

fn met(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    (world, bo, ana)
}

fn count(world: &World, at: usize, tables: &[Table]) -> usize {
    let records = world.peers[at].store.records();
    records
        .iter()
        .filter(|(table, _)| tables.contains(table))
        .count()
}

const OF_COMRADES: [Table; 5] = [
    Table::Comrades,
    Table::Sessions,
    Table::Messages,
    Table::Outbox,
    Table::Waiting,
];

#[test]
fn a_comrade_is_removed_with_everything_even_across_a_restart() {
    let (mut world, bo, ana) = met(400);
    world.pass(HOUR);
    for n in 0..500 {
        world.send(0, bo, &format!("{n}"));
        world.send(1, ana, &format!("re: {n}"));
    }
    world.pass(HOUR);
    world.disconnect(0);
    for n in 0..300 {
        world.send(0, bo, &format!("waits {n}"));
    }
    let remove = Command::RemoveComrade { comrade: bo };
    assert_eq!(world.ask(0, remove.clone()), Ok(Answer::Done));
    assert!(world.peers[0].comrades.is_empty());
    assert!(count(&world, 0, &OF_COMRADES) > 1_000, "not all at once");
    let page = Command::OpenPage {
        comrade: bo,
        before: None,
        limit: 10,
    };
    assert_eq!(world.ask(0, page), Err(Refusal::Unknown));
    assert_eq!(world.ask(0, remove.clone()), Err(Refusal::Unknown));
    world.restart(0);
    assert!(world.peers[0].comrades.is_empty());
    world.connect(0);
    world.pass(HOUR);
    assert_eq!(count(&world, 0, &OF_COMRADES), 0);
    assert_eq!(world.ask(0, remove), Err(Refusal::Unknown));
    // What they send from now on is not taken, and costs them nothing.
    world.send(1, ana, "where are you?");
    world.pass(DAY);
    assert!(world.peers[0].comrades.is_empty());
    assert_eq!(world.page(1, ana).last().unwrap().tick, Tick::Kept);
    // Once both have done so they may meet again.
    let remove = Command::RemoveComrade { comrade: ana };
    assert_eq!(world.ask(1, remove), Ok(Answer::Done));
    let (bo, ana) = world.meet(0, 1);
    world.send(0, bo, "hello again");
    assert_eq!(world.texts(1, ana), ["hello again"]);
}

#[test]
fn a_conversation_is_deleted_and_goes_on() {
    let (mut world, bo, ana) = met(401);
    world.pass(HOUR);
    for n in 0..400 {
        world.send(0, bo, &format!("{n}"));
    }
    world.disconnect(1);
    world.send(0, bo, "still to be sent");
    let delete = Command::DeleteConversation { comrade: bo };
    assert_eq!(world.ask(0, delete), Ok(Answer::Done));
    assert!(world.texts(0, bo).is_empty());
    assert!(world.comrade(0, bo).last.is_none());
    assert!(count(&world, 0, &[Table::Messages]) > 0, "not all at once");
    world.restart(0);
    world.pass(HOUR);
    assert_eq!(count(&world, 0, &[Table::Messages]), 0);
    world.connect(1);
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana).last().unwrap(), "still to be sent");
    assert_eq!(count(&world, 0, &[Table::Messages]), 0, "no loose tick");
    world.send(1, ana, "news");
    world.send(0, bo, "more");
    assert_eq!(world.texts(0, bo), ["news", "more"]);
}

#[test]
fn a_new_name_reaches_every_comrade() {
    let mut world = World::new(402, 4);
    for (at, name) in ["Ana", "Bo", "Cy", "Di"].into_iter().enumerate() {
        world.settle_in(at, name);
    }
    world.meet(0, 1);
    world.meet(0, 2);
    let set = |name: &str| Command::SetName { name: name.into() };
    assert_eq!(world.ask(0, set("")), Err(Refusal::BadName));
    assert_eq!(world.ask(0, set("Anna")), Ok(Answer::Done));
    assert_eq!(world.peers[0].profile.as_ref().unwrap().name, "Anna");
    world.pass(HOUR);
    world.meet(0, 3);
    world.pass(HOUR);
    for at in 1..4 {
        assert_eq!(world.only(at).name, "Anna");
    }
    world.restart(0);
    assert_eq!(world.peers[0].profile.as_ref().unwrap().name, "Anna");
    let frames = world.peers[0].frames_sent;
    world.pass(HOUR);
    assert_eq!(world.peers[0].frames_sent, frames, "told once");
}

#[test]
fn who_has_not_been_met_cannot_make_one_keep_much() {
    let mut world = World::new(403, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    world.until(|world| !world.peers[0].comrades.is_empty());
    let text = "x".repeat(20_000);
    for _ in 0..40 {
        world.send(1, ana, &text);
    }
    world.pass(HOUR);
    let bo = world.only(0).id;
    assert_eq!(world.page(0, bo).len(), 26);
    assert!(world.comrade(0, bo).is_full);
    world.confirm(0, bo);
    world.pass(HOUR);
    assert_eq!(world.page(0, bo).len(), 40);
}

#[test]
fn a_store_without_room_is_not_filled_from_outside_again_and_again() {
    let (mut world, bo, ana) = met(404);
    world.pass(HOUR);
    world.send(1, ana, "before");
    world.peers[0].store.refuse(0, StoreError::Full);
    world.send(1, ana, "no room");
    assert_eq!(world.peers[0].vault, Some(VaultState::StoreFailed));
    let passphrase = Secret::new(PASSPHRASE);
    let unlock = Command::Unlock { passphrase };
    assert_eq!(world.ask(0, unlock), Ok(Answer::Done));
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["before"]);
    assert_eq!(world.page(1, ana)[1].tick, Tick::Kept);
    // Whoever makes room gets what waits.
    let delete = Command::DeleteConversation { comrade: bo };
    assert_eq!(world.ask(0, delete), Ok(Answer::Done));
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["no room"]);
}
