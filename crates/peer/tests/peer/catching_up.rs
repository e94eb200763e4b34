//! Mail of a long time, in whatever order a node has it: a node that lost what it held got it back from browsers, in the order of
//! hashes, and a ratchet remembers no more than 40 keys of skipped messages.

use komrade_store::memory::Cut;
use komrade_view::*;

use crate::world::{HOUR, MINUTE, PASSPHRASE, World, plan_cut};

const ANA: usize = 0;
const BO: usize = 1;
const CLEO: usize = 2;

/// Ana wrote so many messages in one go to Bo's relay, and is away. It was wiped, and got them back from Cleo. Gives Bo's name
/// for Ana, and what she wrote.
fn returned(seed: u64, count: usize) -> (World, ComradeId, Vec<String>) {
    let mut world = World::new(seed, 3);
    for relay in [0, 1] {
        world.add_relay(relay);
    }
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 1);
    world.settle_at(CLEO, "Cleo", 1);
    let (bo, ana) = world.meet(ANA, BO);
    world.pass(HOUR);
    world.stop(BO);
    let texts: Vec<String> = (0..count).map(|n| format!("message {n}")).collect();
    for text in &texts {
        world.send(ANA, bo, text);
    }
    world.pass(MINUTE);
    let mine = world.page(ANA, bo);
    assert!(mine.iter().all(|it| matches!(it.tick, Tick::Accepted(_))));
    world.stop(ANA);
    world.wipe_relay(1);
    world.pass(HOUR);
    (world, ana, texts)
}

/// All that is shown, page by page.
fn texts(world: &mut World, comrade: ComradeId) -> Vec<String> {
    let (mut texts, mut before) = (Vec::new(), None);
    loop {
        let limit = 100;
        let page = Command::OpenPage {
            comrade,
            before,
            limit,
        };
        let Ok(Answer::Page(page)) = world.ask(BO, page) else {
            panic!("no page");
        };
        let Some(first) = page.messages.first() else {
            return texts;
        };
        before = Some(first.ordinal);
        let page = page.messages.into_iter().map(|message| message.text);
        texts.splice(0..0, page);
    }
}

#[test]
fn what_a_node_has_in_the_order_of_hashes_is_opened_in_that_in_which_it_was_written() {
    let (mut world, ana, written) = returned(1020, 120);
    world.restart(BO);
    world.pass(MINUTE);
    assert_eq!(texts(&mut world, ana), written);
    assert_eq!(world.comrade(BO, ana).gap, None);
}

#[test]
fn more_first_contacts_than_are_opened_in_a_minute_hold_up_nothing_for_ever() {
    let mut world = World::new(1023, 4);
    for relay in [0, 1] {
        world.add_relay(relay);
    }
    for (at, (name, relay)) in [("Ana", 0), ("Bo", 1), ("Cleo", 1), ("Dara", 0)]
        .into_iter()
        .enumerate()
    {
        world.settle_at(at, name, relay);
    }
    let (bo, ana) = world.meet(ANA, BO);
    let invite = world.make_invite(BO);
    world.pass(HOUR);
    world.stop(BO);
    // Until the first answer each message of Dara is a first contact.
    let asked = world.accept(3, &invite);
    let written: Vec<String> = (0..150).map(|n| format!("from Ana, {n}")).collect();
    for text in &written {
        world.send(ANA, bo, text);
        world.send(3, asked, &format!("may I? {text}"));
    }
    world.pass(HOUR);
    for (at, comrade) in [(ANA, bo), (3, asked)] {
        let mine = world.page(at, comrade);
        let taken = |it: &MessageView| matches!(it.tick, Tick::Accepted(_));
        assert!(
            mine.iter().all(taken),
            "{at}: {:?}",
            mine.iter().map(|it| it.tick).collect::<Vec<_>>()
        );
    }
    world.stop(ANA);
    world.wipe_relay(1);
    world.pass(HOUR);
    world.restart(BO);
    world.pass(HOUR);
    assert_eq!(texts(&mut world, ana), written);
    let relays = &world.peers[BO].route.as_ref().unwrap().relays;
    assert!(
        relays
            .iter()
            .all(|it| matches!(it.node, NodeStage::Ready(_))),
        "{relays:?}"
    );
}

#[test]
fn what_a_node_gives_when_it_is_compared_is_opened_in_the_order_in_which_it_was_written() {
    let (mut world, ana, written) = returned(1021, 120);
    world.without_log.insert(1);
    world.restart(BO);
    world.pass(5 * MINUTE);
    assert_eq!(texts(&mut world, ana), written);
    assert_eq!(world.comrade(BO, ana).gap, None);
}

/// Bo comes back, and dies once. Gives how many commits he made.
fn play(without_log: bool, cut: Option<(u64, Cut)>) -> u64 {
    let (mut world, ana, written) = returned(1022, 60);
    world.without_log = without_log.then_some(1).into_iter().collect();
    let before = world.peers[BO].store.commits();
    if let Some((commits, side)) = cut {
        plan_cut(&world, BO, commits, side);
    }
    let end = world.now + 10 * MINUTE;
    while world.now < end {
        if !world.is_running(BO) {
            world.start(BO);
        }
        if world.peers[BO].vault != Some(VaultState::Open) {
            let passphrase = Secret::new(PASSPHRASE);
            world.try_ask(BO, Command::Unlock { passphrase });
        } else if !world.step_within(end - world.now) {
            break;
        }
    }
    assert_eq!(texts(&mut world, ana), written, "{without_log} {cut:?}");
    world.peers[BO].store.commits() - before
}

#[test]
fn whoever_dies_at_any_commit_while_catching_up_loses_and_doubles_nothing() {
    for without_log in [false, true] {
        let commits = play(without_log, None);
        assert!(commits > 3, "only {commits} commits");
        for side in [Cut::Before, Cut::After] {
            for n in 0..commits {
                play(without_log, Some((n, side)));
            }
        }
    }
}
