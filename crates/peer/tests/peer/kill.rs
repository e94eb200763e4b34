//! The engine under kill: at every commit of a whole story the power goes, right before it or right
//! after it.
//!
//! Whoever was killed starts anew from the store, with other random numbers, and does what a person
//! does: looks whether it is there, and asks again if it is not. In the end nothing is lost,
//! nothing is doubled, no key was used twice with one nonce, and no message key for two messages.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::audit;
use komrade_store::memory::Cut;
use komrade_view::*;

use crate::world::{DAY, MINUTE, PASSPHRASE, World, plan_cut, relay_link};

const TEXTS: [[&str; 3]; 2] = [["a1 🌹", "a2", "a3"], ["b1", "b2 ✊🏽", "b3"]];
const NAMES: [&str; 2] = ["Ana", "Bo"];

/// A ratchet key, and the place in its chain.
type Key = ([u8; 32], u64);

thread_local! {
    /// Which message each message key of a ratchet encrypted, of those that left.
    static HEARD: RefCell<BTreeMap<Key, [u8; 32]>> = RefCell::default();
}

/// Whether a message key encrypted two messages: the first had left before it was kept that the key
/// was used.
fn a_ratchet_was_rolled_back() -> bool {
    HEARD.with_borrow_mut(|known| {
        let mut again = |(key, message)| -> bool {
            let before = known.insert(key, message);
            before.is_some_and(|before| before != message)
        };
        let heard = audit::take_heard().into_iter();
        heard.filter(|heard| again(*heard)).count() > 0
    })
}

fn hear_anew() {
    audit::take_heard();
    HEARD.take();
}

/// Whoever died lives again, with an open vault if there is one.
fn alive(world: &mut World, at: usize) {
    assert!(!a_ratchet_was_rolled_back());
    loop {
        if !world.is_running(at) {
            world.start(at);
        }
        match world.peers[at].vault {
            Some(VaultState::Open | VaultState::Absent) if world.is_running(at) => return,
            _ => {
                let passphrase = Secret::new(PASSPHRASE);
                world.try_ask(at, Command::Unlock { passphrase });
            }
        }
    }
}

fn ask(world: &mut World, at: usize, command: Command) -> Option<Result<Answer, Refusal>> {
    alive(world, at);
    world.try_ask(at, command)
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

fn have_vault(world: &mut World, at: usize) {
    loop {
        alive(world, at);
        if world.peers[at].vault == Some(VaultState::Open) {
            if world.peers[at]
                .route
                .as_ref()
                .is_some_and(|route| route.relay.is_some())
            {
                return;
            }
            ask(
                world,
                at,
                Command::UseRelay {
                    link: relay_link(at),
                },
            );
        } else if let Some(Ok(_)) = ask(
            world,
            at,
            Command::CutKeys {
                name: NAMES[at].into(),
            },
        ) {
            ask(
                world,
                at,
                Command::SealVault {
                    passphrase: Secret::new(PASSPHRASE),
                },
            );
        }
    }
}

fn have_invite(world: &mut World) -> Secret {
    loop {
        let make = Command::MakeInvite {
            with_relay: false,
            days: 7,
        };
        if let Some(Ok(Answer::Invite { link, .. })) = ask(world, 0, make) {
            return link;
        }
    }
}

fn have_accepted(world: &mut World, link: &Secret) {
    while world.peers[1].comrades.is_empty() {
        ask(world, 1, Command::AcceptInvite { link: link.clone() });
        alive(world, 1);
    }
}

fn have_written(world: &mut World, at: usize, text: &str) {
    loop {
        alive(world, at);
        let comrade = world.only(at).id;
        let page = Command::OpenPage {
            comrade,
            before: None,
            limit: 100,
        };
        let Some(Ok(Answer::Page(page))) = ask(world, at, page) else {
            continue;
        };
        if page
            .messages
            .iter()
            .any(|message| message.mine && message.text == text)
        {
            return;
        }
        ask(
            world,
            at,
            Command::SendMessage {
                comrade,
                text: text.into(),
            },
        );
    }
}

/// How the two reach each other.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// From device to device.
    Direct,
    /// Through the nodes of their relays.
    Nodes,
}

/// The whole story. Gives how many commits each made.
fn play(seed: u64, way: Way, cut: Option<(usize, u64, Cut)>) -> [u64; 2] {
    hear_anew();
    let mut world = World::new(seed, 2);
    if let Way::Nodes = way {
        world.add_relay(0);
        world.add_relay(1);
    }
    if let Some((at, commits, side)) = cut {
        plan_cut(&world, at, commits, side);
    }
    for at in 0..2 {
        have_vault(&mut world, at);
    }
    let link = have_invite(&mut world);
    have_accepted(&mut world, &link);
    // One message travels with the request.
    have_written(&mut world, 1, TEXTS[1][0]);
    until(&mut world, |world| !world.peers[0].comrades.is_empty());
    while world.only(0).state != ComradeState::Met {
        let comrade = world.only(0).id;
        ask(&mut world, 0, Command::Confirm { comrade });
        alive(&mut world, 0);
    }
    until(&mut world, |world| world.only(1).state == ComradeState::Met);
    for (from_ana, from_bo) in TEXTS[0].into_iter().zip(TEXTS[1]) {
        have_written(&mut world, 0, from_ana);
        have_written(&mut world, 1, from_bo);
        let end = world.now + 3 * MINUTE;
        until(&mut world, |world| world.now >= end);
    }
    until(&mut world, |world| {
        world.only(0).waiting + world.only(1).waiting == 0
    });
    let end = world.now + 8 * DAY;
    until(&mut world, |world| world.now >= end);
    have_written(&mut world, 0, "after a week");
    let end = world.now + DAY;
    until(&mut world, |world| world.now >= end);
    check(&mut world, cut);
    [0, 1].map(|at| world.peers[at].store.commits())
}

fn check(world: &mut World, cut: Option<(usize, u64, Cut)>) {
    assert!(HEARD.with_borrow(|heard| heard.len() > 10));
    for at in 0..2 {
        alive(world, at);
    }
    for at in 0..2 {
        let comrade = world.only(at).id;
        let page = world.page(at, comrade);
        for (author, texts) in TEXTS.iter().enumerate() {
            let mut expected: Vec<&str> = texts.to_vec();
            if author == 0 {
                expected.push("after a week");
            }
            let mine = author == at;
            let found: Vec<&str> = page
                .iter()
                .filter(|message| message.mine == mine)
                .map(|message| message.text.as_str())
                .collect();
            assert_eq!(found, expected, "peer {at}, author {author}, {cut:?}");
        }
        for message in page.iter().filter(|message| message.mine) {
            assert!(
                matches!(message.tick, Tick::Delivered(_)),
                "peer {at}, {cut:?}: {message:?}"
            );
        }
        assert_eq!(world.only(at).gap, None, "{cut:?}");
        assert_eq!(world.only(at).name, NAMES[1 - at]);
    }
    let seals = audit::take();
    let distinct: BTreeSet<_> = seals.iter().collect();
    assert!(seals.len() > 100);
    assert_eq!(
        distinct.len(),
        seals.len(),
        "a key was used twice with one nonce: {cut:?}"
    );
}

fn every_cut(way: Way, at: usize, side: Cut) {
    audit::take();
    let commits = play(7, way, None)[at];
    assert!(commits > 20, "only {commits} commits");
    for n in 0..commits {
        play(7, way, Some((at, n, side)));
    }
}

#[test]
fn a_ratchet_that_is_rolled_back_is_seen() {
    hear_anew();
    let mut world = World::new(8, 2);
    world.settle_in(0, NAMES[0]);
    world.settle_in(1, NAMES[1]);
    let (bo, _) = world.meet(0, 1);
    let old = world.peers[0].store.records();
    world.send(0, bo, "one thing");
    assert!(!a_ratchet_was_rolled_back());
    world.set_back(0, old);
    world.send(0, bo, "another");
    assert!(a_ratchet_was_rolled_back());
}

#[test]
fn the_inviter_dies_before_any_commit() {
    every_cut(Way::Direct, 0, Cut::Before);
}

#[test]
fn the_inviter_dies_after_any_commit() {
    every_cut(Way::Direct, 0, Cut::After);
}

#[test]
fn the_invited_dies_before_any_commit() {
    every_cut(Way::Direct, 1, Cut::Before);
}

#[test]
fn the_invited_dies_after_any_commit() {
    every_cut(Way::Direct, 1, Cut::After);
}

#[test]
fn through_nodes_the_inviter_dies_before_any_commit() {
    every_cut(Way::Nodes, 0, Cut::Before);
}

#[test]
fn through_nodes_the_inviter_dies_after_any_commit() {
    every_cut(Way::Nodes, 0, Cut::After);
}

#[test]
fn through_nodes_the_invited_dies_before_any_commit() {
    every_cut(Way::Nodes, 1, Cut::Before);
}

#[test]
fn through_nodes_the_invited_dies_after_any_commit() {
    every_cut(Way::Nodes, 1, Cut::After);
}
