//! What nobody misses of their own accord: it was lost with what a node held, or lies where nobody looks any more.

use komrade_ether::{Envelope, Frame, Outcome, Party, Pass};
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, SETTLED, World};

/// Ana at relay 0, Bo at relay 1.
fn strangers(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    for (at, name) in [(0, "Ana"), (1, "Bo")] {
        world.add_relay(at);
        world.settle_at(at, name, at);
    }
    world
}

#[test]
fn what_a_home_lost_is_sent_again_although_its_sender_writes_no_more() {
    let mut world = strangers(600);
    let (bo, ana) = world.meet(0, 1);
    // Nothing else is said to Bo in the next three days.
    world.pass(SETTLED);
    world.stop(1);
    world.send(0, bo, "yesterday");
    world.pass(DAY);
    world.send(0, bo, "a minute ago");
    world.pass(MINUTE);
    // Nobody else at Bo's relay holds a copy.
    world.wipe_relay(1);
    world.restart(1);
    world.pass(HOUR / 2);
    assert_eq!(world.texts(1, ana), ["yesterday"]);
    world.pass(3 * HOUR);
    assert_eq!(world.texts(1, ana), ["yesterday", "a minute ago"]);
}

#[test]
fn an_answer_to_an_invite_that_was_lost_is_repeated() {
    let mut world = strangers(601);
    let link = world.make_invite(0);
    world.stop(0);
    let ana = world.accept(1, &link);
    world.pass(HOUR);
    world.wipe_relay(0);
    world.restart(0);
    world.pass(2 * DAY);
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.pass(MINUTE);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
}

#[test]
fn a_confirmation_that_was_lost_is_repeated() {
    let mut world = strangers(602);
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    world.send(1, ana, "hello Ana");
    world.until(|world| !world.peers[0].comrades.is_empty());
    world.stop(1);
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.send(0, bo, "hello Bo");
    world.pass(MINUTE);
    world.wipe_relay(1);
    world.restart(1);
    world.pass(5 * HOUR);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
    assert_eq!(world.texts(1, ana), ["hello Ana", "hello Bo"]);
    assert_eq!(world.texts(0, bo), ["hello Ana", "hello Bo"]);
}

#[test]
fn two_who_changed_their_relays_at_once_find_each_other() {
    let mut world = strangers(603);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.add_relay(2);
    world.add_relay(3);
    // Each tells the other's old home, which is there again when nobody reads there any more.
    for old in [0, 1] {
        world.relays.get_mut(&old).unwrap().alive = false;
    }
    world.join(0, 2);
    world.join(1, 3);
    for old in [0, 1] {
        world.relays.get_mut(&old).unwrap().alive = true;
    }
    world.send(0, bo, "are you there?");
    world.pass(3 * DAY);
    assert_eq!(world.texts(1, ana), ["are you there?"]);
    world.send(1, ana, "here");
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["are you there?", "here"]);
    assert_eq!((world.links(0), world.links(1)), (0, 0));
    for at in [0, 1] {
        assert_eq!(world.peers[at].route.as_ref().unwrap().rescuing, 0);
    }
}

#[test]
fn whoever_is_told_of_a_new_relay_is_not_looked_for() {
    let mut world = strangers(604);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.add_relay(2);
    world.join(0, 2);
    for _ in 0..3 * 24 {
        world.pass(HOUR);
        assert_eq!(world.peers[0].route.as_ref().unwrap().rescuing, 0);
    }
    world.send(1, ana, "found");
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["found"]);
}

#[test]
fn whoever_is_confirmed_after_both_relays_burnt_is_met() {
    let mut world = strangers(605);
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    world.send(1, ana, "hello Ana");
    world.until(|world| !world.peers[0].comrades.is_empty());
    world.pass(MINUTE);
    world.stop(1);
    for (old, new) in [(0, 2), (1, 3)] {
        world.burn_relay(old);
        world.add_relay(new);
    }
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.peers[0].online = true;
    world.join(0, 2);
    world.pass(DAY);
    world.peers[1].online = false;
    world.restart(1);
    world.peers[1].online = true;
    world.join(1, 3);
    world.pass(HOUR);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
    world.send(0, bo, "hello Bo");
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["hello Ana", "hello Bo"]);
}

#[test]
fn a_new_home_of_which_the_news_was_lost_is_told_again() {
    let mut world = strangers(606);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.add_relay(2);
    world.stop(1);
    world.join(0, 2);
    // By then it lies at Bo's relay.
    world.pass(HOUR);
    world.wipe_relay(1);
    world.restart(1);
    // It goes to a home where Ana is no longer.
    world.send(1, ana, "where are you?");
    world.pass(2 * DAY);
    assert_eq!(world.texts(0, bo), ["where are you?"]);
}

#[test]
fn a_node_that_says_all_the_time_that_it_lost_everything_uses_up_no_message() {
    let mut world = strangers(607);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.relays.get_mut(&1).unwrap().alive = false;
    world.send(0, bo, "through it all");
    for _ in 0..15 {
        world.pass(MINUTE);
        world.wipe_relay(0);
    }
    world.relays.get_mut(&1).unwrap().alive = true;
    world.pass(3 * HOUR);
    assert_eq!(world.texts(1, ana), ["through it all"]);
}

#[test]
fn what_the_other_device_took_is_not_sent_again_when_a_node_loses_everything() {
    let mut world = strangers(608);
    let (bo, ana) = world.meet(0, 1);
    let never = Command::SetAckPace(AckPace::Never);
    assert_eq!(world.ask(1, never), Ok(Answer::Done));
    for (at, comrade) in [(0, bo), (1, ana)] {
        let live = Command::SetLive {
            comrade,
            live: true,
        };
        assert_eq!(world.ask(at, live), Ok(Answer::Done));
    }
    world.pass(HOUR);
    // Only the way to the other device is open.
    world.relays.get_mut(&1).unwrap().alive = false;
    for n in 0..10 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.until(|world| world.only(0).waiting == 0);
    world.relays.get_mut(&1).unwrap().alive = true;
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana).len(), 10);
    let sent = world.peers[0].frames_sent;
    for _ in 0..4 {
        world.wipe_relay(0);
        world.pass(2 * HOUR);
    }
    let after = world.peers[0].frames_sent - sent;
    // Twice as many if the ten are sent again each time.
    assert!(after < 50, "{after} frames");
}

#[test]
fn a_search_that_waits_for_the_relay_does_not_keep_the_device_busy() {
    let mut world = strangers(609);
    world.meet(0, 1);
    world.pass(HOUR);
    world.stop(1);
    world.add_relay(2);
    world.join(0, 2);
    world.disconnect(0);
    let end = world.now + 3 * DAY;
    let mut steps = 0;
    while world.now < end && world.step_within(end - world.now) {
        steps += 1;
        assert!(steps < 10_000, "it does not come to rest");
    }
    assert!(steps > 100, "{steps}");
}

#[test]
fn two_whose_relays_burn_before_either_heard_of_the_others_next_lifeboat_find_each_other() {
    let mut world = strangers(610);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    // Both find each other. The lifeboats of that are used up, and of the next ones nobody hears.
    for (at, old, new) in [(0, 0, 2), (1, 1, 3)] {
        world.burn_relay(old);
        world.add_relay(new);
        world.peers[at].online = true;
        world.join(at, new);
    }
    world.until(|world| {
        let mut routes = world.peers.iter().map(|it| it.route.as_ref().unwrap());
        routes.all(|route| route.rescuing == 0)
    });
    for (at, relay) in [(0, 2), (1, 3)] {
        world.relays.get_mut(&relay).unwrap().alive = false;
        world.break_links(at);
    }
    world.pass(3 * HOUR);
    for (at, old, new) in [(0, 2, 4), (1, 3, 5)] {
        world.burn_relay(old);
        world.add_relay(new);
        world.join(at, new);
    }
    world.send(0, bo, "again");
    world.pass(DAY);
    assert_eq!(world.texts(1, ana), ["again"]);
    world.send(1, ana, "and back");
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["again", "and back"]);
}

#[test]
fn what_a_home_lost_without_knowing_is_said_again_once_whoever_reads_was_heard_of() {
    let mut world = strangers(607);
    let (bo, ana) = world.meet(0, 1);
    world.pass(2 * HOUR);
    world.stop(1);
    let before = world.relays[&1].shelf.clone();
    world.send(0, bo, "the last word");
    world.pass(MINUTE);
    assert!(matches!(world.page(0, bo)[0].tick, Tick::Accepted(_)));
    world.relays.get_mut(&1).unwrap().shelf = before;
    world.restart(1);
    // Bo is heard of, and tells nothing of what he does not know of.
    world.send(1, ana, "nothing new?");
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["nothing new?"]);
    world.pass(2 * DAY);
    assert_eq!(world.texts(1, ana), ["nothing new?", "the last word"]);
    assert!(matches!(world.page(0, bo)[0].tick, Tick::Delivered(_)));
}

/// Intros that were put so far, with their passes.
fn intros(world: &World) -> Vec<(Pass, Envelope)> {
    let frames = world.frames_to_nodes.iter();
    let intros = frames.filter_map(|frame| match frame {
        Frame::Forward { pass, envelope, .. } if envelope.header().class.intro => {
            Some((*pass, envelope.clone()))
        }
        _ => None,
    });
    intros.collect()
}

#[test]
fn an_answer_to_a_former_invite_that_comes_late_does_not_take_the_place_of_the_newer_one() {
    let mut world = strangers(604);
    let first = world.make_invite(0);
    let second = world.make_invite(0);
    world.pass(MINUTE);
    world.stop(0);
    let ana = world.accept(1, &first);
    world.send(1, ana, "by the first");
    world.pass(MINUTE);
    let late = intros(&world);
    assert!(!late.is_empty());
    world.wipe_relay(0);
    world.pass(HOUR);
    world.restart(0);
    world.pass(MINUTE);
    world.accept(1, &second);
    world.until(|world| world.peers[1].comrades.len() == 1);
    world.pass(HOUR);
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.pass(HOUR);
    let ana = world.only(1).id;
    assert_eq!(world.only(1).state, ComradeState::Met);
    let (now, relay) = (world.now, world.relays.get_mut(&0).unwrap());
    for (pass, envelope) in late {
        let put = relay
            .node
            .put(&mut relay.shelf, now, Party::Stranger, &pass, &envelope);
        assert_eq!(put.unwrap(), Outcome::Accepted);
    }
    relay.shelf.commit();
    world.pass(HOUR);
    world.send(1, ana, "on and on");
    world.pass(MINUTE);
    world.send(0, bo, "and back");
    world.pass(2 * DAY);
    let said = ["by the first", "on and on", "and back"];
    assert_eq!(world.texts(0, bo), said);
    assert_eq!(world.texts(1, ana), said);
}
