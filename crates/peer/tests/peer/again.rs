//! First contacts that are broken off half-way: an invite that ends too soon, a request taken back
//! and made again.

use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{DAY, HOUR, World};

fn two(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    world
}

/// Bo has answered an invite of Ana's, who has not confirmed.
fn asked(seed: u64) -> (World, Secret, ComradeId) {
    let mut world = two(seed);
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    world.until(|world| !world.peers[0].comrades.is_empty());
    (world, link, ana)
}

fn all_delivered(world: &mut World, at: usize, comrade: ComradeId) -> bool {
    let page = world.page(at, comrade);
    let mine = page.iter().filter(|message| message.mine);
    mine.map(|message| message.tick)
        .all(|tick| matches!(tick, Tick::Delivered(_)))
}

#[test]
fn an_invite_that_ends_before_the_answer_costs_no_message() {
    for (seed, revoke) in [(230, true), (231, false)] {
        let (mut world, _, ana) = asked(seed);
        if revoke {
            let invite = world.peers[0].invites[0].id;
            let over = world.ask(0, Command::RevokeInvite { invite });
            assert_eq!(over, Ok(Answer::Done));
        } else {
            world.pass(8 * DAY + HOUR);
            assert!(world.peers[0].invites.is_empty());
        }
        world.send(1, ana, "while she thinks about it");
        world.pass(5 * DAY);
        let bo = world.only(0).id;
        world.confirm(0, bo);
        world.send(1, ana, "hello");
        world.pass(DAY);
        assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
        assert_eq!(world.texts(0, bo), ["while she thinks about it", "hello"]);
        assert!(all_delivered(&mut world, 1, ana));
        assert_eq!(world.comrade(0, bo).gap, None);
    }
}

#[test]
fn who_takes_a_request_back_and_makes_it_again_is_met() {
    // Which first contact has the lower name is chance: with as many, both come about.
    for seed in 240..252 {
        let (mut world, link, ana) = asked(seed);
        world.send(1, ana, "let me in");
        world.pass(HOUR);
        let back = world.ask(1, Command::Decline { comrade: ana });
        assert_eq!(back, Ok(Answer::Done));
        let ana = world.accept(1, &link);
        world.send(1, ana, "let me in, please");
        world.pass(HOUR);
        let bo = world.only(0).id;
        world.confirm(0, bo);
        world.send(0, bo, "welcome");
        world.pass(2 * DAY);
        assert_eq!(world.comrade(1, ana).state, ComradeState::Met, "{seed}");
        assert_eq!(world.texts(1, ana), ["let me in, please", "welcome"]);
        let at_ana = ["let me in", "let me in, please", "welcome"];
        assert_eq!(world.texts(0, bo), at_ana);
        assert!(all_delivered(&mut world, 0, bo));
        assert!(all_delivered(&mut world, 1, ana));
        assert_eq!(world.comrade(0, bo).gap, None);
        assert_eq!(world.comrade(1, ana).gap, None);
    }
}

#[test]
fn what_both_halves_of_a_copied_device_send_with_their_request_is_shown_once() {
    for seed in 260..264 {
        let mut world = two(seed);
        let link = world.make_invite(0);
        world.disconnect(1);
        let ana = world.accept(1, &link);
        world.send(1, ana, "hello");
        let copy = world.peers[1].store.records();
        world.connect(1);
        world.until(|world| !world.peers[0].comrades.is_empty());
        world.pass(HOUR);
        world.set_back(1, copy);
        world.connect(1);
        world.pass(HOUR);
        let bo = world.only(0).id;
        assert_eq!(world.texts(0, bo), ["hello"], "{seed}");
        world.confirm(0, bo);
        world.pass(DAY);
        let ana = world.only(1).id;
        world.send(1, ana, "and again");
        world.pass(DAY);
        assert_eq!(world.texts(0, bo), ["hello", "and again"], "{seed}");
    }
}
