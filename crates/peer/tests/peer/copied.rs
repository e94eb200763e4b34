//! Devices that were set back to an old copy of what they keep, and copies that run beside their
//! original: both give out numbers a second time, and neither may lose a word for that.

use komrade_ether::Frame;
use komrade_store::{Record, Table};
use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{DAY, HOUR, MINUTE, World};

/// Ana at one relay, Bo at another; gives what each calls the other.
fn met(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    (0..2).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    (world, bo, ana)
}

/// The same, and Bo's device was set back: Ana has so many of his words that it knows nothing of.
fn set_back(seed: u64, forgotten: usize) -> (World, ComradeId, ComradeId) {
    let (mut world, bo, ana) = met(seed);
    world.send(1, ana, "before");
    world.send(0, bo, "yes?");
    world.pass(HOUR);
    let old = world.peers[1].store.records();
    for n in 0..forgotten {
        world.send(1, ana, &format!("forgotten {n}"));
    }
    world.pass(HOUR);
    world.set_back(1, old);
    (world, bo, ana)
}

/// A device is set back, and its relay has no mail of before any more, which would tell.
fn lose(world: &mut World, at: usize, old: Vec<(Table, Record)>) {
    world.stop(at);
    world.wipe_relay(at);
    world.set_back(at, old);
}

/// Bo's device runs a second time, as number 2, on a copy of what it keeps.
fn cloned(seed: u64) -> (World, ComradeId, ComradeId) {
    let (mut world, bo, ana) = met(seed);
    world.send(1, ana, "before");
    world.send(0, bo, "yes?");
    world.pass(HOUR);
    run_copy(&mut world);
    (world, bo, ana)
}

fn run_copy(world: &mut World) {
    let copy: Vec<(Table, Record)> = world.peers[1].store.records();
    let clone = world.add_peer();
    assert_eq!(clone, 2);
    world.set_back(clone, copy);
}

/// What Ana was shown of Bo's words.
fn shown(world: &World, bo: ComradeId) -> Vec<String> {
    let told = world.peers[0].messages.iter();
    told.filter(|(from, message)| *from == bo && !message.mine)
        .map(|(_, message)| message.text.clone())
        .collect()
}

/// Ana is shown nothing twice, and whatever Bo's device says is delivered.
fn is_honest(world: &mut World, at: usize, bo: ComradeId, ana: ComradeId) {
    let shown = shown(world, bo);
    for (n, text) in shown.iter().enumerate() {
        assert!(!shown[..n].contains(text), "{text} is shown twice");
    }
    let page = world.page(at, ana);
    for message in page.iter().filter(|message| message.mine) {
        let is_delivered = matches!(message.tick, Tick::Delivered(_));
        let text = &message.text;
        assert!(
            !is_delivered || shown.contains(text),
            "{text} is said to be delivered"
        );
    }
}

/// All that Bo's device keeps of its own was shown to Ana, and it knows.
fn is_all_there(world: &mut World, bo: ComradeId, ana: ComradeId) {
    let shown = shown(world, bo);
    let page = world.page(1, ana);
    for message in page.iter().filter(|message| message.mine) {
        let text = &message.text;
        assert!(shown.contains(text), "{text} is not among {shown:?}");
        assert!(matches!(message.tick, Tick::Delivered(_)), "{message:?}");
    }
}

#[test]
fn what_is_written_from_an_old_copy_arrives_and_is_not_said_to_be_delivered_before() {
    for (n, written) in [1, 5, 8].into_iter().enumerate() {
        let (mut world, bo, ana) = set_back(800 + n as u64, 5);
        for n in 0..written {
            world.send(1, ana, &format!("again {n}"));
        }
        for _ in 0..3 * 24 {
            world.pass(HOUR);
            is_honest(&mut world, 1, bo, ana);
        }
        is_all_there(&mut world, bo, ana);
        assert!(world.comrade(0, bo).is_copied);
        assert_eq!(world.comrade(0, bo).gap, None);
        // It uses no number any more that was used before.
        world.send(1, ana, "and on");
        world.pass(HOUR);
        is_all_there(&mut world, bo, ana);
    }
}

#[test]
fn whoever_was_set_back_by_more_than_anybody_remembers_is_heard() {
    let (mut world, bo, ana) = set_back(803, 150);
    for n in 0..3 {
        world.send(1, ana, &format!("again {n}"));
    }
    for _ in 0..3 * 24 {
        world.pass(HOUR);
        is_honest(&mut world, 1, bo, ana);
    }
    is_all_there(&mut world, bo, ana);
}

#[test]
fn a_copy_beside_its_original_costs_neither_a_word() {
    for seed in 804..808 {
        let (mut world, bo, ana) = cloned(seed);
        for n in 0..6 {
            world.send(2, ana, &format!("copy {n}"));
            world.pass(MINUTE);
            world.send(1, ana, &format!("original {n}"));
            world.send(1, ana, &format!("original too {n}"));
            world.pass(HOUR);
            is_honest(&mut world, 1, bo, ana);
            is_honest(&mut world, 2, bo, ana);
        }
        for _ in 0..3 * 24 {
            world.pass(HOUR);
            is_honest(&mut world, 1, bo, ana);
            is_honest(&mut world, 2, bo, ana);
        }
        is_all_there(&mut world, bo, ana);
        let shown = shown(&world, bo);
        for n in 0..6 {
            let text = format!("copy {n}");
            assert!(shown.contains(&text), "{text} is not among {shown:?}");
        }
        assert!(world.comrade(0, bo).is_copied);
    }
}

#[test]
fn what_a_copy_and_its_original_wrote_while_nobody_was_there_arrives() {
    let (mut world, bo, ana) = cloned(808);
    world.disconnect(0);
    for n in 0..4 {
        world.send(1, ana, &format!("original {n}"));
        world.send(2, ana, &format!("copy {n}"));
    }
    world.pass(2 * HOUR);
    world.stop(2);
    world.connect(0);
    for _ in 0..3 * 24 {
        world.pass(HOUR);
        is_honest(&mut world, 1, bo, ana);
    }
    is_all_there(&mut world, bo, ana);
}

#[test]
fn whoever_was_set_back_to_before_a_comrade_changed_relays_finds_them() {
    for (seed, talk, words) in [(820, 0, 0), (821, 3, 1), (822, 2, 200)] {
        let (mut world, bo, ana) = met(seed);
        world.add_relay(2);
        let old = world.peers[1].store.records();
        // With turns of talk neither side has a session any more that the other one knows in the end.
        for n in 0..talk {
            world.send(1, ana, &format!("forgotten {n}"));
            world.pass(HOUR);
            for word in 0..words {
                world.send(0, bo, &format!("answer {n} {word}"));
            }
            world.pass(HOUR);
        }
        world.join(0, 2);
        world.pass(3 * HOUR);
        // Bo is known to know, so the relay of before is read no more.
        let route = world.peers[0].route.clone().unwrap();
        assert_eq!(route.relays.len(), 1);
        world.set_back(1, old);
        world.pass(HOUR);
        world.send(1, ana, "where are you?");
        world.pass(4 * DAY);
        is_honest(&mut world, 1, bo, ana);
        is_all_there(&mut world, bo, ana);
        assert_eq!(world.comrade(1, ana).gap, None);
        // It is said for a month, ever more seldom, and then no more.
        world.pass(40 * DAY);
        world.frames_to_nodes.clear();
        world.pass(60 * DAY);
        let is_put =
            |frame: &&Frame| matches!(frame, Frame::Deposit { .. } | Frame::Forward { .. });
        assert_eq!(world.frames_to_nodes.iter().filter(is_put).count(), 0);
    }
}

#[test]
fn what_is_lost_to_both_is_not_missing_for_good() {
    let (mut world, bo, ana) = met(823);
    world.disconnect(0);
    for n in 0..3 {
        world.send(1, ana, &format!("unacknowledged {n}"));
    }
    world.pass(HOUR);
    let old = world.peers[1].store.records();
    world.connect(0);
    world.pass(HOUR);
    // More than anybody can tell apart later.
    for n in 0..150 {
        world.send(1, ana, &format!("forgotten {n}"));
    }
    world.pass(HOUR);
    lose(&mut world, 1, old);
    world.send(1, ana, "again");
    world.pass(2 * DAY);
    let old = world.peers[0].store.records();
    for n in 0..5 {
        world.send(1, ana, &format!("heard once {n}"));
    }
    world.pass(DAY);
    lose(&mut world, 0, old);
    world.send(1, ana, "and on");
    world.pass(DAY);
    assert!(world.texts(0, bo).contains(&"and on".into()));
    assert_eq!(world.comrade(0, bo).gap, None);
}
