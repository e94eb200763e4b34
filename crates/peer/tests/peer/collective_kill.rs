//! A collective under kill: at every commit of the story of one of two members the power goes, right before
//! it or right after it.
//!
//! Whoever was killed starts anew, looks whether it is there, and asks again if it is not. In the end
//! nothing is lost, nothing is doubled, and no key was used twice with one nonce.

use std::collections::BTreeSet;

use komrade_crypto::audit;
use komrade_store::memory::Cut;
use komrade_view::*;

use crate::{
    collective::{Collectives, rules},
    world::{DAY, HOUR, MINUTE, PASSPHRASE, World, plan_cut},
};

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

fn ask(world: &mut World, at: usize, command: CollectiveCommand) -> Option<Answer> {
    alive(world, at);
    world.try_ask(at, Command::Collective(command))?.ok()
}

fn until(world: &mut World, done: impl Fn(&World) -> bool) {
    for _ in 0..20_000 {
        for at in 0..2 {
            alive(world, at);
        }
        if done(world) {
            return;
        }
        world.step_within(7 * DAY);
    }
    panic!("it did not come about");
}

fn pass(world: &mut World, time: Millis) {
    let end = world.now + time;
    until(world, |world| world.now >= end);
}

fn have_collective(world: &mut World) {
    while world.peers[0].collectives.is_empty() {
        let found = CollectiveCommand::Found {
            name: "Two".into(),
            constitution: Box::new(rules(1)),
        };
        ask(world, 0, found);
        alive(world, 0);
    }
}

fn have_said(world: &mut World, at: usize, text: &str) {
    loop {
        alive(world, at);
        let collective = world.collective(at).id;
        let page = CollectiveCommand::Posts {
            collective,
            before: None,
            limit: 100,
        };
        let Some(Answer::Posts(page)) = ask(world, at, page) else {
            continue;
        };
        if page.posts.iter().any(|post| post.text == text) {
            return;
        }
        let post = CollectiveCommand::Post {
            collective,
            text: text.into(),
            reply_to: None,
            mentions: Vec::new(),
        };
        ask(world, at, post);
    }
}

/// The whole story. Gives how many commits each made.
fn play(cut: Option<(usize, u64, Cut)>) -> [u64; 2] {
    audit::take();
    let mut world = World::new(920, 2);
    for (at, name) in ["Ana", "Bo"].iter().enumerate() {
        world.add_relay(at);
        world.settle_at(at, name, at);
    }
    let (bo, _) = world.meet(0, 1);
    world.pass(HOUR);
    let before = [0, 1].map(|at| world.peers[at].store.commits());
    if let Some((at, commits, side)) = cut {
        plan_cut(&world, at, commits, side);
    }
    have_collective(&mut world);
    have_said(&mut world, 0, "alone");
    while world.peers[1].collectives.is_empty() {
        let collective = world.collective(0).id;
        let comrade = bo;
        let offer = CollectiveCommand::Offer {
            collective,
            comrade,
        };
        ask(&mut world, 0, offer);
        pass(&mut world, HOUR);
    }
    while matches!(world.collective(1).standing, Standing::Invited { .. }) {
        let collective = world.collective(1).id;
        let accept = true;
        ask(
            &mut world,
            1,
            CollectiveCommand::AnswerOffer { collective, accept },
        );
        alive(&mut world, 1);
    }
    until(&mut world, |world| {
        let standing = |at: usize| world.peers[at].collectives.first().map(|it| it.standing);
        [0, 1]
            .iter()
            .all(|at| standing(*at) == Some(Standing::Member))
            && world.collective(0).members == 2
    });
    for text in ["one", "two"] {
        for at in 0..2 {
            have_said(&mut world, at, &format!("{text} of {at}"));
        }
        pass(&mut world, 3 * MINUTE);
    }
    pass(&mut world, 8 * DAY);
    have_said(&mut world, 1, "after a week");
    pass(&mut world, 2 * DAY);
    check(&mut world, cut);
    [0, 1].map(|at| world.peers[at].store.commits() - before[at])
}

fn check(world: &mut World, cut: Option<(usize, u64, Cut)>) {
    for at in 0..2 {
        alive(world, at);
    }
    let mut expected = vec![
        "one of 0",
        "one of 1",
        "two of 0",
        "two of 1",
        "after a week",
    ];
    for at in [1, 0] {
        if at == 0 {
            expected.push("alone");
        }
        expected.sort_unstable();
        let mut said = world.said(at);
        said.sort_unstable();
        assert_eq!(said, expected, "peer {at}, {cut:?}");
        assert_eq!(world.collective(at).gap, None, "peer {at}, {cut:?}");
        assert_eq!(world.collective(at).alarm, None, "peer {at}, {cut:?}");
        assert_eq!(world.members(at), ["Ana", "Bo"], "peer {at}, {cut:?}");
        assert_eq!(world.collective(at).waiting, 0, "peer {at}, {cut:?}");
    }
    let seals = audit::take();
    let distinct: BTreeSet<_> = seals.iter().collect();
    assert_eq!(
        distinct.len(),
        seals.len(),
        "a key was used twice with one nonce: {cut:?}"
    );
}

fn every_cut(at: usize, side: Cut) {
    let commits = play(None)[at];
    assert!(commits > 20, "only {commits} commits");
    for n in 0..commits {
        play(Some((at, n, side)));
    }
}

#[test]
fn the_founder_dies_before_any_commit() {
    every_cut(0, Cut::Before);
}

#[test]
fn the_founder_dies_after_any_commit() {
    every_cut(0, Cut::After);
}

#[test]
fn the_newcomer_dies_before_any_commit() {
    every_cut(1, Cut::Before);
}

#[test]
fn the_newcomer_dies_after_any_commit() {
    every_cut(1, Cut::After);
}
