//! Saving data: within a day's limit everything comes, beyond it only what is small.

use komrade_ether::{Frame, Part};
use komrade_peer::Input;
use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{DAY, HOUR, MINUTE, World};

const LIMIT: u64 = 1_000_000;

/// What the node was asked to send since the last time.
fn subscriptions(world: &mut World) -> Vec<Option<Part>> {
    let part = |frame| match frame {
        Frame::Subscribe { .. } => Some(None),
        Frame::SubscribePart { part, .. } => Some(Some(part)),
        // Nothing is ever fetched by itself: that would tell for whom it is.
        Frame::Want { .. } => panic!("an envelope was asked for"),
        _ => None,
    };
    std::mem::take(&mut world.frames_to_nodes)
        .into_iter()
        .filter_map(part)
        .collect()
}

fn is_held(world: &World, at: usize) -> bool {
    world.peers[at].route.as_ref().unwrap().saver.is_held
}

/// Ana saves data, Bo writes at length; both at one relay.
fn ana_saves(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    world.add_relay(0);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 0);
    let (bo, ana) = world.meet(0, 1);
    world.pass(MINUTE);
    let set = Command::SetDataLimit(LIMIT);
    assert_eq!(world.ask(0, set), Ok(Answer::Done));
    subscriptions(&mut world);
    (world, bo, ana)
}

#[test]
fn beyond_the_limit_only_small_envelopes_come_and_the_next_day_the_rest() {
    let (mut world, bo, ana) = ana_saves(730);
    let long = "long ".repeat(3_000);
    world.send(1, ana, &long);
    world.pass(MINUTE);
    assert_eq!(world.texts(0, bo), [long.as_str()]);
    world.push(0, Input::Bytes(1, LIMIT));
    world.pass(MINUTE);
    assert!(is_held(&world, 0));
    assert_eq!(subscriptions(&mut world), [Some(Part::Smaller)]);
    world.send(1, ana, "short");
    let longer = "longer ".repeat(2_500);
    world.send(1, ana, &longer);
    world.send(1, ana, "shorter");
    world.send(0, bo, "yes");
    world.pass(MINUTE);
    let small = [long.as_str(), "short", "shorter", "yes"];
    assert_eq!(world.texts(0, bo), small);
    // Hours later nobody has sent anything again, and nothing is said to be missing.
    let deposits = |world: &mut World| {
        let frames = std::mem::take(&mut world.frames_to_nodes).into_iter();
        let larger = frames.filter(|frame| match frame {
            Frame::Deposit { envelope, .. } => Part::Larger.holds(envelope.header().class.size),
            _ => false,
        });
        larger.count()
    };
    assert_eq!(deposits(&mut world), 1);
    world.pass(12 * HOUR);
    assert_eq!((deposits(&mut world), world.only(0).gap), (0, None));
    // What is small was acknowledged, and only that.
    let acknowledged = |world: &mut World| {
        let mut mine = world.page(1, ana);
        mine.retain(|it| it.mine && matches!(it.tick, Tick::Delivered(_)));
        mine.into_iter().map(|it| it.text).collect::<Vec<_>>()
    };
    assert_eq!(acknowledged(&mut world), [&long, "short", "shorter"]);
    // Still so after a restart.
    world.restart(0);
    world.push(0, Input::Bytes(0, 1));
    world.pass(MINUTE);
    assert!(is_held(&world, 0));
    assert_eq!(world.texts(0, bo), small);
    subscriptions(&mut world);
    world.pass(DAY);
    assert!(!is_held(&world, 0));
    let asked = subscriptions(&mut world);
    assert_eq!(asked, [Some(Part::Larger), None]);
    let mut texts = world.texts(0, bo);
    texts.sort_by_key(String::len);
    assert_eq!(texts, ["yes", "short", "shorter", &long, &longer]);
    world.send(1, ana, &long);
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo).len(), 6);
    for at in [0, 1] {
        let comrade = [bo, ana][at];
        let mut mine = world.page(at, comrade);
        mine.retain(|message| message.mine);
        assert!(mine.iter().all(|it| matches!(it.tick, Tick::Delivered(_))));
    }
}

#[test]
fn who_saves_data_fetches_what_is_small_first() {
    let (mut world, bo, ana) = ana_saves(731);
    world.stop(0);
    world.send(1, ana, &"long ".repeat(3_000));
    world.send(1, ana, "short");
    world.pass(MINUTE);
    subscriptions(&mut world);
    world.restart(0);
    world.pass(MINUTE);
    let asked = subscriptions(&mut world);
    assert_eq!(asked, [Some(Part::Smaller), Some(Part::Larger), None]);
    assert_eq!(world.texts(0, bo).len(), 2);
    // Whoever does not save asks once.
    assert_eq!(world.ask(0, Command::SetDataLimit(0)), Ok(Answer::Done));
    world.restart(0);
    world.pass(MINUTE);
    assert_eq!(subscriptions(&mut world), [None]);
    let beyond = Command::SetDataLimit(MAX_DATA_LIMIT + 1);
    assert_eq!(world.ask(0, beyond), Err(Refusal::OutOfBounds));
}

#[test]
fn a_higher_limit_lets_what_waits_come_at_once() {
    let (mut world, bo, ana) = ana_saves(732);
    world.push(0, Input::Bytes(0, LIMIT));
    world.pass(MINUTE);
    world.send(1, ana, &"long ".repeat(3_000));
    world.pass(MINUTE);
    assert!(world.texts(0, bo).is_empty());
    let more = Command::SetDataLimit(2 * LIMIT);
    assert_eq!(world.ask(0, more), Ok(Answer::Done));
    world.pass(MINUTE);
    assert!(!is_held(&world, 0));
    assert_eq!(world.texts(0, bo).len(), 1);
}

#[test]
fn what_is_small_is_acknowledged_for_as_long_as_larger_envelopes_wait() {
    let (mut world, bo, ana) = ana_saves(733);
    world.push(0, Input::Bytes(0, LIMIT));
    world.pass(MINUTE);
    let long = "long ".repeat(3_000);
    world.send(1, ana, &long);
    world.send(1, ana, "short");
    world.frames_to_nodes.clear();
    world.pass(6 * HOUR);
    let ticks: Vec<Tick> = world.page(1, ana).iter().map(|it| it.tick).collect();
    assert!(
        matches!(ticks[..], [Tick::Accepted(_), Tick::Delivered(_)]),
        "{ticks:?}"
    );
    let is_larger = |frame: &Frame| matches!(frame, Frame::Deposit { envelope, .. } if Part::Larger.holds(envelope.header().class.size));
    let sent_again = world.frames_to_nodes.iter().filter(|it| is_larger(it));
    assert_eq!(sent_again.count(), 0, "it is only postponed");
    assert_eq!(world.texts(0, bo), ["short"]);
}
