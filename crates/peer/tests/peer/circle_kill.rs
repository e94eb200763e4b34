//! A circle under kill: at every commit of the story of its owner or its reader the power goes, right before it or right after it.
//!
//! Whoever was killed starts anew, looks whether it is there, and asks again if it is not. In the end nothing is lost, nothing is
//! doubled, and no key was used twice with one nonce.

use std::collections::BTreeSet;

use komrade_crypto::audit;
use komrade_store::memory::Cut;
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, PASSPHRASE, World, plan_cut};

/// Whoever died lives again, with an open vault.
fn alive(world: &mut World, at: usize) {
    loop {
        if !world.is_running(at) {
            world.start(at);
        }
        if world.is_running(at) && world.peers[at].vault == Some(VaultState::Open) {
            return;
        }
        let passphrase = Secret::new(PASSPHRASE);
        world.try_ask(at, Command::Unlock { passphrase });
    }
}

fn ask(world: &mut World, at: usize, command: CircleCommand) -> Option<Answer> {
    alive(world, at);
    let answer = world.try_ask(at, Command::Circle(command))?.ok();
    alive(world, at);
    answer
}

fn pass(world: &mut World, time: Millis) {
    let end = world.now + time;
    while world.now < end {
        for at in 0..2 {
            alive(world, at);
        }
        if !world.step_within(end - world.now) {
            world.now = end;
        }
    }
    for at in 0..2 {
        alive(world, at);
    }
}

fn posts(world: &mut World, at: usize, circle: CircleId) -> Vec<CirclePost> {
    loop {
        let read = CircleCommand::Read { circle, limit: 100 };
        if let Some(Answer::CircleDetail(detail)) = ask(world, at, read) {
            return detail.posts;
        }
    }
}

fn own(world: &mut World) -> CircleId {
    alive(world, 0);
    world.peers[0].circles[0].id
}

fn theirs(world: &mut World) -> CircleId {
    loop {
        alive(world, 1);
        let mut circles = world.peers[1].circles.iter();
        if let Some(it) = circles.find(|it| it.owner.is_some()) {
            return it.id;
        }
        pass(world, MINUTE);
    }
}

fn have_told(world: &mut World, text: &str) {
    let circle = own(world);
    while !posts(world, 0, circle).iter().any(|it| it.text == text) {
        let text = text.into();
        ask(world, 0, CircleCommand::Post { circle, text });
    }
}

/// Says something to the oldest post.
fn have_said(world: &mut World, at: usize, circle: CircleId, text: &str) {
    loop {
        let Some(post) = posts(world, at, circle).pop() else {
            pass(world, MINUTE);
            continue;
        };
        if post.comments.iter().any(|it| it.text == text) {
            return;
        }
        let (on, text) = (post.id, text.into());
        ask(world, at, CircleCommand::Comment { circle, on, text });
    }
}

/// The whole story. Gives how many commits each made.
fn play(cut: Option<(usize, u64, Cut)>) -> [u64; 2] {
    audit::take();
    let mut world = World::new(930, 2);
    for (at, name) in ["Ana", "Bo"].iter().enumerate() {
        world.add_relay(at);
        world.settle_at(at, name, at);
    }
    world.meet(0, 1);
    world.pass(HOUR);
    let before = [0, 1].map(|at| world.peers[at].store.commits());
    if let Some((at, commits, side)) = cut {
        plan_cut(&world, at, commits, side);
    }
    have_told(&mut world, "one");
    let at_bo = theirs(&mut world);
    have_said(&mut world, 1, at_bo, "from Bo");
    have_told(&mut world, "two");
    pass(&mut world, HOUR);
    let at_ana = own(&mut world);
    have_said(&mut world, 0, at_ana, "from Ana");
    have_told(&mut world, "a mistake");
    while let Some(mistake) = posts(&mut world, 0, at_ana)
        .iter()
        .find(|it| it.text == "a mistake")
    {
        let of = mistake.id;
        ask(
            &mut world,
            0,
            CircleCommand::TakeBack { circle: at_ana, of },
        );
    }
    pass(&mut world, 8 * DAY);
    have_told(&mut world, "after a week");
    pass(&mut world, 2 * DAY);
    for (at, circle) in [(0, at_ana), (1, at_bo)] {
        let all = posts(&mut world, at, circle);
        let texts: Vec<&str> = all.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["after a week", "two", "one"], "peer {at}, {cut:?}");
        let said = all.last().unwrap().comments.iter();
        let said: Vec<(&str, bool)> = said.map(|it| (it.text.as_str(), it.waiting)).collect();
        assert_eq!(
            said,
            [("from Bo", false), ("from Ana", false)],
            "peer {at}, {cut:?}"
        );
        let row = world.peers[at].circles.iter().find(|it| it.id == circle);
        let row = row.expect("a row");
        assert_eq!(
            (row.missing, row.is_copied),
            (0, false),
            "peer {at}, {cut:?}"
        );
    }
    let had = posts(&mut world, 0, at_ana);
    assert!(had.iter().all(|it| (it.had, it.of) == (1, 1)), "{cut:?}");
    let seals = audit::take();
    let distinct: BTreeSet<_> = seals.iter().collect();
    assert_eq!(
        distinct.len(),
        seals.len(),
        "a key was used twice with one nonce: {cut:?}"
    );
    [0, 1].map(|at| world.peers[at].store.commits() - before[at])
}

fn every_cut(at: usize, side: Cut) {
    let commits = play(None)[at];
    assert!(commits > 20, "only {commits} commits");
    for n in 0..commits {
        play(Some((at, n, side)));
    }
}

#[test]
fn the_owner_dies_before_any_commit() {
    every_cut(0, Cut::Before);
}

#[test]
fn the_owner_dies_after_any_commit() {
    every_cut(0, Cut::After);
}

#[test]
fn the_reader_dies_before_any_commit() {
    every_cut(1, Cut::Before);
}

#[test]
fn the_reader_dies_after_any_commit() {
    every_cut(1, Cut::After);
}
