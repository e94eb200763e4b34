//! Homes at relays' nodes: nobody has to be there at the same time.

use komrade_ether::{ShelfTable, Token};
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

/// Ana at relay 0, Bo at relay 1, met.
fn two_relays(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    world.add_relay(0);
    world.add_relay(1);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    let (bo, ana) = world.meet(0, 1);
    (world, bo, ana)
}

#[test]
fn two_people_at_two_relays_meet_and_write() {
    let (mut world, bo, ana) = two_relays(500);
    for n in 0..5 {
        world.send(0, bo, &format!("from Ana {n}"));
        world.send(1, ana, &format!("from Bo {n}"));
    }
    world.pass(HOUR);
    let expected: Vec<String> = (0..5)
        .flat_map(|n| [format!("from Ana {n}"), format!("from Bo {n}")])
        .collect();
    assert_eq!(world.texts(0, bo), expected);
    assert_eq!(world.texts(1, ana), expected);
    let mine = world.page(0, bo);
    assert!(
        mine.iter()
            .filter(|it| it.mine)
            .all(|it| matches!(it.tick, Tick::Delivered(_)))
    );
    // Nobody dialled anybody.
    assert_eq!((world.links(0), world.links(1)), (0, 0));
}

#[test]
fn two_members_of_one_relay_meet_and_write_through_its_cache() {
    let mut world = World::new(501, 2);
    world.add_relay(0);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 0);
    let (bo, ana) = world.meet(0, 1);
    world.send(0, bo, "one");
    world.send(1, ana, "two");
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["one", "two"]);
    assert_eq!(world.texts(1, ana), ["one", "two"]);
    assert!(
        world.relays[&0]
            .node
            .next_due(&world.relays[&0].shelf)
            .unwrap()
            .is_none()
    );
}

#[test]
fn what_is_written_is_read_although_nobody_is_there_at_the_same_time() {
    let (mut world, bo, ana) = two_relays(502);
    world.stop(1);
    for n in 0..30 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.pass(MINUTE);
    assert!(
        world
            .page(0, bo)
            .iter()
            .all(|it| matches!(it.tick, Tick::Accepted(_)))
    );
    world.stop(0);
    world.pass(3 * DAY);
    world.restart(1);
    world.pass(MINUTE);
    let texts: Vec<String> = (0..30).map(|n| format!("message {n}")).collect();
    assert_eq!(world.texts(1, ana), texts);
    world.send(1, ana, "all read");
    world.pass(HOUR);
    world.stop(1);
    world.restart(0);
    world.pass(MINUTE);
    assert_eq!(world.page(0, bo).last().unwrap().text, "all read");
    assert!(
        world
            .page(0, bo)
            .iter()
            .filter(|it| it.mine)
            .all(|it| matches!(it.tick, Tick::Delivered(_)))
    );
}

#[test]
fn an_invite_is_accepted_while_whoever_made_it_is_away() {
    for same_relay in [false, true] {
        let mut world = World::new(503, 2);
        world.add_relay(0);
        world.add_relay(1);
        world.settle_at(0, "Ana", 0);
        world.settle_at(1, "Bo", usize::from(!same_relay));
        let link = world.make_invite(0);
        assert!(world.peers[0].invites[0].placed);
        world.stop(0);
        let ana = world.accept(1, &link);
        world.send(1, ana, "hello Ana");
        world.pass(DAY);
        assert_eq!(world.comrade(1, ana).name, "Ana");
        world.stop(1);
        world.restart(0);
        world.pass(MINUTE);
        let bo = world.only(0).id;
        assert_eq!(world.only(0).state, ComradeState::Asking);
        assert_eq!(world.texts(0, bo), ["hello Ana"]);
        world.confirm(0, bo);
        world.pass(HOUR);
        world.stop(0);
        world.restart(1);
        world.pass(MINUTE);
        assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
    }
}

#[test]
fn a_relay_that_lost_everything_gets_it_back_from_its_members() {
    let mut world = World::new(504, 3);
    world.add_relay(0);
    world.add_relay(1);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    world.settle_at(2, "Cleo", 1);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.stop(1);
    for n in 0..5 {
        world.send(0, bo, &format!("message {n}"));
    }
    // Days on which nothing expires.
    world.pass(3 * DAY);
    world.stop(0);
    // Cleo holds what is for Bo, and cannot read it.
    world.wipe_relay(1);
    world.pass(HOUR);
    world.restart(1);
    world.pass(HOUR);
    let texts: Vec<String> = (0..5).map(|n| format!("message {n}")).collect();
    assert_eq!(world.texts(1, ana), texts);
}

#[test]
fn both_relays_burn_and_nothing_is_lost() {
    let (mut world, bo, ana) = two_relays(505);
    world.send(0, bo, "before");
    // Seconds after they met each has told the other where its lifeboat will be.
    world.pass(2 * SECOND);
    world.stop(1);
    for n in 0..5 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.pass(MINUTE);
    world.stop(0);
    world.burn_relay(0);
    world.burn_relay(1);
    world.add_relay(2);
    world.add_relay(3);
    world.peers[0].online = false;
    world.peers[1].online = false;
    world.restart(0);
    world.restart(1);
    world.peers[0].online = true;
    world.peers[1].online = true;
    world.join(0, 2);
    world.join(1, 3);
    world.pass(HOUR);
    let mut expected = vec!["before".to_owned()];
    expected.extend((0..5).map(|n| format!("message {n}")));
    assert_eq!(world.texts(1, ana), expected);
    world.send(1, ana, "all here");
    world.pass(HOUR);
    assert_eq!(world.page(0, bo).last().unwrap().text, "all here");
    // They have found new homes: no link of the two devices is needed any more.
    world.pass(DAY);
    assert_eq!((world.links(0), world.links(1)), (0, 0));
}

#[test]
fn what_new_nodes_took_for_burnt_homes_is_sent_again() {
    let (mut world, bo, ana) = two_relays(511);
    world.send(0, bo, "before");
    world.send(1, ana, "and an answer");
    world.pass(2 * SECOND);
    world.stop(1);
    for n in 0..5 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.pass(MINUTE);
    world.stop(0);
    for relay in [0, 1] {
        world.burn_relay(relay);
        world.add_relay(relay + 2);
    }
    for (at, relay) in [(0, 2), (1, 3)] {
        world.peers[at].online = false;
        world.restart(at);
        world.join(at, relay);
        world.disconnect(at);
        // The connection takes a moment. Then the node takes what is for a home that burnt, too, and cannot bring it;
        // nobody answers at the other's lifeboat yet.
        world.pass(SECOND);
        world.connect(at);
        world.pass(10 * SECOND);
        world.stop(at);
    }
    world.restart(0);
    world.restart(1);
    world.pass(MINUTE);
    let mut expected = vec!["before".to_owned(), "and an answer".to_owned()];
    expected.extend((0..5).map(|n| format!("message {n}")));
    assert_eq!(world.texts(1, ana), expected);
    world.send(1, ana, "all here");
    world.pass(HOUR);
    assert_eq!(world.page(0, bo).last().unwrap().text, "all here");
}

#[test]
fn members_of_a_relay_that_comes_back_with_other_keys_find_each_other() {
    let mut world = World::new(509, 2);
    world.add_relay(0);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 0);
    let (bo, ana) = world.meet(0, 1);
    world.send(0, bo, "before");
    world.pass(HOUR);
    world.rebuild_relay(0);
    world.send(0, bo, "after");
    world.send(1, ana, "here, too");
    world.pass(DAY);
    let expected = ["before", "after", "here, too"];
    let mut texts = [world.texts(0, bo), world.texts(1, ana)];
    texts.iter_mut().for_each(|texts| texts.sort());
    let mut sorted = expected;
    sorted.sort();
    assert_eq!(texts, [sorted, sorted]);
    assert_eq!((world.links(0), world.links(1)), (0, 0));
}

#[test]
fn a_live_link_is_made_only_when_asked_for_and_shows_nothing_twice() {
    let (mut world, bo, ana) = two_relays(506);
    world.send(0, bo, "through the relays");
    world.pass(MINUTE);
    assert_eq!((world.links(0), world.links(1)), (0, 0));
    for (at, comrade) in [(0, bo), (1, ana)] {
        let command = Command::SetLive {
            comrade,
            live: true,
        };
        assert_eq!(world.ask(at, command), Ok(Answer::Done));
        assert!(world.comrade(at, comrade).live);
    }
    world.pass(MINUTE);
    // The way to the other device is used as soon as the one through the nodes is not there first.
    world.relays.get_mut(&1).unwrap().alive = false;
    world.send(0, bo, "while Bo's relay is not reached by others");
    world.pass(HOUR);
    world.relays.get_mut(&1).unwrap().alive = true;
    world.pass(DAY);
    world.send(1, ana, "all here");
    world.pass(HOUR);
    let expected = [
        "through the relays",
        "while Bo's relay is not reached by others",
        "all here",
    ];
    assert_eq!(world.texts(0, bo), expected);
    assert_eq!(world.texts(1, ana), expected);
}

#[test]
fn what_is_kept_of_others_has_a_limit_and_an_end() {
    let mut world = World::new(507, 3);
    world.add_relay(0);
    for (at, name) in ["Ana", "Bo", "Cleo"].into_iter().enumerate() {
        world.settle_at(at, name, 0);
    }
    let (bo, _) = world.meet(0, 1);
    for n in 0..40 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.pass(HOUR);
    let kept = |world: &World| world.peers[2].route.as_ref().unwrap().replicas;
    let before = kept(&world);
    assert!(before.envelopes >= 40 && before.bytes >= 40 * 2_048);
    let limit = 20 * 2_048;
    assert_eq!(
        world.ask(2, Command::SetReplicaLimit(limit)),
        Ok(Answer::Done)
    );
    world.pass(MINUTE);
    assert!(kept(&world).bytes <= limit && kept(&world).envelopes > 0);
    // Where both are found is said for a month, and that is kept for another one.
    world.pass(66 * DAY);
    world.send(0, bo, "two months later");
    world.pass(HOUR);
    assert!(kept(&world).envelopes <= 8, "{:?}", kept(&world));
}

/// Two monthly changes of its token later a relay takes none that anybody knows.
fn forget_token(world: &mut World, relay: usize) {
    let (now, relay) = (world.now, world.relays.get_mut(&relay).unwrap());
    for n in 1..=2 {
        let (month, token) = (31 * DAY * n, Token([n as u8 + 50; 16]));
        let changed = relay
            .node
            .rotate_token(&mut relay.shelf, now + month, token);
        assert!(changed.unwrap());
    }
    relay.shelf.commit();
}

#[test]
fn a_home_that_changed_its_token_is_reached_with_work() {
    let (mut world, bo, ana) = two_relays(508);
    world.pass(HOUR);
    world.stop(1);
    forget_token(&mut world, 1);
    world.send(0, bo, "with work");
    world.pass(HOUR);
    world.restart(1);
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["with work"]);
}

#[test]
fn an_acknowledgement_that_is_refused_for_its_token_is_said_again_with_work() {
    for restarts in [false, true] {
        let (mut world, bo, ana) = two_relays(515);
        world.pass(HOUR);
        world.send(1, ana, "do you read me?");
        world.drain();
        world.stop(1);
        // It is there, and holds nothing of its own yet.
        world.wipe_relay(1);
        forget_token(&mut world, 1);
        assert_eq!(world.texts(0, bo), ["do you read me?"]);
        if restarts {
            world.pass(20 * MINUTE);
            world.restart(0);
        }
        world.pass(3 * HOUR);
        let relay = &world.relays[&1];
        assert_eq!(relay.shelf.len(ShelfTable::Envelopes), 1);
    }
}

#[test]
fn after_a_loss_everybody_is_supplied_again_and_nobody_for_ever() {
    let mut world = World::new(509, 6);
    world.add_relay(0);
    world.add_relay(1);
    world.settle_at(0, "Ana", 0);
    let mut comrades = Vec::new();
    for (at, name) in ["Bo", "Cleo", "Dao", "Eva", "Finn"].into_iter().enumerate() {
        world.settle_at(at + 1, name, 1);
        comrades.push(world.meet(0, at + 1));
    }
    world.pass(HOUR);
    world.relays.get_mut(&1).unwrap().alive = false;
    for (bo, _) in &comrades {
        for n in 0..4 {
            world.send(0, *bo, &format!("message {n}"));
        }
    }
    world.pass(MINUTE);
    // What Ana's relay was to forward is gone with it.
    world.wipe_relay(0);
    world.relays.get_mut(&1).unwrap().alive = true;
    world.pass(DAY);
    let texts: Vec<String> = (0..4).map(|n| format!("message {n}")).collect();
    for (at, (bo, ana)) in comrades.into_iter().enumerate() {
        assert_eq!(world.texts(at + 1, ana), texts);
        let mine = world.page(0, bo);
        assert!(mine.iter().all(|it| matches!(it.tick, Tick::Delivered(_))));
    }
}

#[test]
fn a_relay_that_asks_for_more_work_gets_it() {
    let mut world = World::new(510, 2);
    world.add_relay_with(0, 18);
    world.add_relay_with(1, 18);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    let (bo, ana) = world.meet(0, 1);
    world.send(0, bo, "hello");
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["hello"]);
}

#[test]
fn what_never_reached_its_home_is_said_not_to_be_delivered() {
    let (mut world, bo, _) = two_relays(511);
    world.pass(HOUR);
    world.burn_relay(1);
    world.send(0, bo, "to a relay that burnt");
    world.pass(MINUTE);
    assert!(matches!(world.page(0, bo)[0].tick, Tick::Accepted(_)));
    world.pass(40 * DAY);
    assert_eq!(world.page(0, bo)[0].tick, Tick::Expired);
}

#[test]
fn nothing_leaves_because_of_what_arrives() {
    let (mut world, bo, ana) = two_relays(512);
    world.pass(HOUR);
    // Bo misses the first, sees it by the second, and says so; Ana is to send it again.
    let sent = |world: &World| world.peers[0].frames_sent;
    world.stop(1);
    world.send(0, bo, "lost");
    world.pass(MINUTE);
    world.wipe_relay(1);
    world.send(0, bo, "kept");
    world.pass(2 * HOUR);
    let before = sent(&world);
    world.restart(1);
    world.pass(0);
    // Until Bo's report is there.
    world.send(1, ana, "I miss one");
    world.pass(0);
    assert_eq!(world.texts(0, bo).last().unwrap(), "I miss one");
    assert_eq!(sent(&world), before, "something left at once");
    world.pass(HOUR);
    assert!(sent(&world) > before);
    assert_eq!(world.texts(1, ana), ["kept", "I miss one", "lost"]);
}
