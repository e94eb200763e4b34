//! Several relays: the first carries what is put, the others stand by, and one of them may burn.

use komrade_ether::{EnvelopeId, Frame, ShelfRead, ShelfTable};
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, SECOND, World, relay_link, relay_link_with};

/// Ana at relays 0 and 2, Bo at this relay, met and told long ago.
pub fn two_and(seed: u64, bo_at: usize) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    (0..3).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", bo_at);
    let (bo, ana) = world.meet(0, 1);
    world.add_way(0, 2);
    world.pass(2 * DAY);
    (world, bo, ana)
}

/// Bytes that a relay keeps to be put elsewhere.
pub fn forwards(world: &World, relay: usize) -> u64 {
    let relay = &world.relays[&relay];
    relay.node.usage(&relay.shelf).unwrap().forward_bytes
}

fn envelopes(world: &World, relay: usize) -> usize {
    world.relays[&relay].shelf.len(ShelfTable::Envelopes)
}

#[test]
fn when_the_first_relay_burns_all_goes_on_through_the_second() {
    let (mut world, bo, ana) = two_and(700, 1);
    world.burn_relay(0);
    world.send(0, bo, "from Ana");
    world.send(1, ana, "from Bo");
    // A short gap shows the second relay nothing of what the first one carries.
    world.pass(MINUTE);
    assert!(world.texts(1, ana).iter().all(|text| text != "from Ana"));
    assert_eq!(world.page(0, bo)[0].tick, Tick::Kept);
    world.pass(2 * MINUTE);
    assert!(world.texts(1, ana).iter().any(|text| text == "from Ana"));
    // Bo's relay brings it to a home that burnt, until Ana tells of her other home first.
    world.pass(HOUR);
    let (mut at_ana, mut at_bo) = (world.texts(0, bo), world.texts(1, ana));
    at_ana.sort();
    at_bo.sort();
    assert_eq!(at_ana, ["from Ana", "from Bo"]);
    assert_eq!(at_bo, at_ana);
    world.send(1, ana, "at once");
    world.pass(MINUTE);
    assert_eq!(world.texts(0, bo).last().unwrap(), "at once");
    // Nobody had to be looked for.
    assert_eq!(world.peers[0].route.as_ref().unwrap().rescuing, 0);
    assert_eq!((world.links(0), world.links(1)), (0, 0));
    assert!(world.relay_view(0, 0).rests);
}

#[test]
fn a_home_at_a_relay_of_ones_own_is_taken_first() {
    let (mut world, bo, ana) = two_and(701, 2);
    world.burn_relay(0);
    world.send(0, bo, "from Ana");
    world.send(1, ana, "from Bo");
    world.pass(SECOND);
    assert_eq!(world.texts(1, ana).len(), 2);
    assert_eq!(world.texts(0, bo).len(), 2);
}

#[test]
fn what_a_relay_was_to_bring_when_it_burnt_leaves_through_another_after_an_hour() {
    let (mut world, bo, ana) = two_and(702, 1);
    world.relays.get_mut(&1).unwrap().alive = false;
    for n in 0..5 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.pass(MINUTE);
    assert!(forwards(&world, 0) > 0);
    world.burn_relay(0);
    world.relays.get_mut(&1).unwrap().alive = true;
    world.pass(3 * HOUR);
    let texts: Vec<String> = (0..5).map(|n| format!("message {n}")).collect();
    assert_eq!(world.texts(1, ana), texts);
    let mine = world.page(0, bo);
    assert!(mine.iter().all(|it| matches!(it.tick, Tick::Delivered(_))));
}

#[test]
fn a_loss_at_a_relay_that_was_given_nothing_costs_nothing() {
    let (mut world, bo, ana) = two_and(703, 1);
    world.relays.get_mut(&1).unwrap().alive = false;
    for n in 0..5 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.pass(MINUTE);
    let before = forwards(&world, 0);
    world.wipe_relay(2);
    world.pass(30 * MINUTE);
    // Mail may have been lost: a report leaves, and nothing is made anew.
    assert!(forwards(&world, 0) <= before + 2 * 2_048);
    world.relays.get_mut(&1).unwrap().alive = true;
    world.pass(2 * HOUR);
    assert_eq!(world.texts(1, ana).len(), 5);
}

#[test]
fn what_is_put_leaves_through_the_first_and_the_person_says_which_that_is() {
    let (mut world, bo, _) = two_and(704, 1);
    world.relays.get_mut(&1).unwrap().alive = false;
    world.send(0, bo, "through the first");
    world.pass(SECOND);
    assert!(forwards(&world, 0) > 0 && forwards(&world, 2) == 0);
    let relay = world.relay_view(0, 2).id;
    assert_eq!(world.ask(0, Command::MakeFirst { relay }), Ok(Answer::Done));
    let route = world.peers[0].route.clone().unwrap();
    assert_eq!(route.relay.as_deref(), Some("https://relay-2.example"));
    assert_eq!(route.relays[0].id, relay);
    world.send(0, bo, "through the other");
    world.pass(SECOND);
    assert!(forwards(&world, 2) > 0);
    // The order outlives the app.
    world.restart(0);
    world.pass(SECOND);
    let route = world.peers[0].route.clone().unwrap();
    let origins: Vec<&str> = route.relays.iter().map(|it| it.origin.as_str()).collect();
    assert_eq!(
        origins,
        ["https://relay-2.example", "https://relay-0.example"]
    );
}

#[test]
fn a_relay_that_is_left_is_read_until_all_comrades_know() {
    let (mut world, bo, ana) = two_and(705, 1);
    let relay = world.relay_view(0, 0).id;
    world.stop(1);
    assert_eq!(
        world.ask(0, Command::LeaveRelay { relay }),
        Ok(Answer::Done)
    );
    let standing = world.relay_view(0, 0).standing;
    assert!(matches!(standing, RelayStanding::Leaving(_)));
    world.pass(2 * DAY);
    // Bo writes before the news is there: it goes to the home that is being left.
    world.peers[1].online = false;
    world.restart(1);
    world.send(1, ana, "to the old home");
    world.connect(1);
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["to the old home"]);
    world.pass(HOUR);
    let route = world.peers[0].route.as_ref().unwrap();
    assert_eq!(route.relays.len(), 1, "Bo knows");
    assert_eq!(world.ways(0).len(), 1);
    world.burn_relay(0);
    world.send(1, ana, "to the new one");
    world.pass(MINUTE);
    assert_eq!(world.texts(0, bo).last().unwrap(), "to the new one");
}

#[test]
fn a_relay_that_is_left_is_not_read_for_ever() {
    let (mut world, _, _) = two_and(706, 1);
    world.stop(1);
    let relay = world.relay_view(0, 0).id;
    let leave = Command::LeaveRelay { relay };
    assert_eq!(world.ask(0, leave.clone()), Ok(Answer::Done));
    world.pass(7 * DAY);
    assert_eq!(world.ways(0).len(), 2);
    world.pass(2 * DAY);
    assert_eq!(world.ways(0).len(), 1);
    assert_eq!(world.ask(0, leave), Err(Refusal::Unknown));
}

#[test]
fn a_relay_is_tried_before_anything_is_put_there_or_anybody_told() {
    let (mut world, _, _) = two_and(707, 1);
    world.add_relay(3);
    let link = relay_link(3);
    let told = world.frames_to_nodes.len();
    assert_eq!(world.ask(0, Command::TryRelay { link }), Ok(Answer::Done));
    world.pass(SECOND);
    let tried = world.relay_view(0, 3);
    assert_eq!(tried.standing, RelayStanding::Tried);
    assert!(matches!(tried.link, LinkState::Up { .. }) && tried.has_node);
    assert_eq!(world.frames_to_nodes.len(), told);
    // One at a time is tried, and one that is in use is none to try.
    let link = relay_link(2);
    assert_eq!(
        world.ask(0, Command::TryRelay { link }),
        Err(Refusal::RelayInUse)
    );
    // Unless its link brings another secret: then it is connected anew, in its place.
    let order = world.ways(0);
    let link = relay_link_with(2, 9);
    assert_eq!(world.ask(0, Command::TryRelay { link }), Ok(Answer::Done));
    assert_eq!(world.ways(0), order);
    assert_eq!(world.secret_of(0, order[1]), [9; 16]);
    let relay = tried.id;
    assert_eq!(
        world.ask(0, Command::LeaveRelay { relay }),
        Ok(Answer::Done)
    );
    assert_eq!(world.ways(0).len(), 2);
    // Nor does a trial outlive the app.
    let link = relay_link(3);
    assert_eq!(world.ask(0, Command::TryRelay { link }), Ok(Answer::Done));
    world.restart(0);
    assert_eq!(world.ways(0).len(), 2);
}

#[test]
fn no_more_than_three_are_used_and_the_last_is_not_left() {
    let mut world = World::new(708, 1);
    (0..4).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    let relay = world.relay_view(0, 0).id;
    let leave = Command::LeaveRelay { relay };
    assert_eq!(world.ask(0, leave), Err(Refusal::NoRelay));
    world.add_way(0, 1);
    world.add_way(0, 2);
    let link = relay_link(3);
    assert_eq!(world.ask(0, Command::TryRelay { link }), Ok(Answer::Done));
    let relay = world.relay_view(0, 3).id;
    assert_eq!(
        world.ask(0, Command::AddRelay { relay }),
        Err(Refusal::TooManyRelays)
    );
    // Nothing by which two relays could tell that the same person uses both.
    let accounts = world.accounts(0);
    let different: std::collections::BTreeSet<_> = accounts.iter().collect();
    assert_eq!((accounts.len(), different.len()), (4, 4));
}

#[test]
fn what_is_kept_for_one_relay_is_not_shown_to_another() {
    let (mut world, bo, _) = two_and(709, 0);
    for n in 0..5 {
        world.send(0, bo, &format!("message {n}"));
    }
    world.pass(HOUR);
    let before = envelopes(&world, 0);
    assert!(before >= 5);
    world.wipe_relay(2);
    world.pass(HOUR);
    assert_eq!(envelopes(&world, 2), 0);
    // What came from a relay is returned to it.
    let returned = |world: &World| {
        let frames = world.frames_to_nodes.iter();
        frames
            .filter(|it| matches!(it, Frame::Replica { .. }))
            .count()
    };
    assert_eq!(returned(&world), 0);
    world.wipe_relay(0);
    world.pass(HOUR);
    assert!(returned(&world) >= before);
    assert!(envelopes(&world, 0) >= before);
}

#[test]
fn a_relay_that_comes_and_goes_costs_no_message() {
    let (mut world, bo, ana) = two_and(710, 1);
    world.relays.get_mut(&1).unwrap().alive = false;
    world.send(0, bo, "through it all");
    world.pass(SECOND);
    for _ in 0..12 {
        world.burn_relay(0);
        world.pass(90 * MINUTE);
        world.revive_relay(0);
        world.pass(30 * MINUTE);
    }
    world.relays.get_mut(&1).unwrap().alive = true;
    world.pass(3 * HOUR);
    assert_eq!(world.texts(1, ana), ["through it all"]);
    assert!(matches!(world.page(0, bo)[0].tick, Tick::Delivered(_)));
}

#[test]
fn both_relays_of_a_person_burn_and_a_third_takes_their_place() {
    let (mut world, bo, ana) = two_and(711, 1);
    world.stop(1);
    world.send(0, bo, "before");
    world.pass(MINUTE);
    for relay in [0, 1, 2] {
        world.burn_relay(relay);
    }
    for relay in [3, 4] {
        world.add_relay(relay);
    }
    world.join(0, 3);
    let relay = world.relay_view(0, 2).id;
    assert_eq!(
        world.ask(0, Command::LeaveRelay { relay }),
        Ok(Answer::Done)
    );
    world.pass(DAY);
    world.restart(1);
    world.join(1, 4);
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["before"]);
    world.send(1, ana, "here");
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["before", "here"]);
}

#[test]
fn an_invite_made_at_the_first_relay_works_while_it_is_left() {
    let mut world = World::new(712, 2);
    (0..3).for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    world.add_way(0, 2);
    let link = world.make_invite(0);
    let relay = world.relay_view(0, 0).id;
    assert_eq!(
        world.ask(0, Command::LeaveRelay { relay }),
        Ok(Answer::Done)
    );
    world.pass(DAY);
    let ana = world.accept(1, &link);
    world.pass(HOUR);
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.pass(HOUR);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
    world.send(1, ana, "hello");
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["hello"]);
}

#[test]
fn two_members_of_one_relay_that_burns_find_each_other() {
    let mut world = World::new(730, 2);
    world.add_relay(0);
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 0);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.burn_relay(0);
    for (at, new) in [(0, 1), (1, 2)] {
        world.add_relay(new);
        world.peers[at].online = true;
        world.join(at, new);
    }
    world.send(0, bo, "from the new one");
    world.pass(2 * HOUR);
    assert_eq!(world.texts(1, ana), ["from the new one"]);
    world.send(1, ana, "and back");
    world.pass(HOUR);
    assert_eq!(world.texts(0, bo), ["from the new one", "and back"]);
}

#[test]
fn a_night_offline_is_no_relays_fault() {
    let (mut world, bo, ana) = two_and(731, 1);
    world.disconnect(0);
    world.pass(8 * HOUR);
    // The second one is reached first.
    let ways = world.ways(0);
    world.peers[0].online = true;
    world.connect_way(0, ways[1]);
    world.drain();
    world.pass(5 * MINUTE);
    world.connect_way(0, ways[0]);
    world.drain();
    world.pass(10 * MINUTE);
    let resting = world.peers[0].route.as_ref().unwrap().relays.iter();
    assert_eq!(resting.filter(|relay| relay.rests).count(), 0);
    world.send(0, bo, "good morning");
    world.pass(MINUTE);
    assert_eq!(world.texts(1, ana), ["good morning"]);
}

#[test]
fn a_relay_that_an_open_invite_names_behind_the_first_is_read_while_it_is_left() {
    let mut world = World::new(732, 2);
    [0, 2].into_iter().for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 0);
    world.add_way(0, 2);
    let relay = world.relay_view(0, 2).id;
    assert_eq!(world.ask(0, Command::MakeFirst { relay }), Ok(Answer::Done));
    let link = world.make_invite(0);
    let relay = world.relay_view(0, 0).id;
    let leave = Command::LeaveRelay { relay };
    assert_eq!(world.ask(0, leave), Ok(Answer::Done));
    world.pass(DAY);
    // Bo answers to the home at the relay that is his own, too.
    let ana = world.accept(1, &link);
    world.send(1, ana, "hello");
    world.pass(HOUR);
    let bo = world.only(0).id;
    assert_eq!(world.texts(0, bo), ["hello"]);
    // Then it is read no longer.
    world.confirm(0, bo);
    world.pass(DAY);
    assert_eq!(world.ways(0).len(), 1);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
}

/// What was put through a node of one's own.
fn puts(world: &World) -> usize {
    let frames = world.frames_to_nodes.iter();
    let is_put = |frame: &&Frame| matches!(frame, Frame::Deposit { .. } | Frame::Forward { .. });
    frames.filter(is_put).count()
}

#[test]
fn a_relay_that_answers_no_put_rests_while_another_carries() {
    let (mut world, bo, ana) = two_and(733, 1);
    world.silent.insert(0);
    world.send(0, bo, "through the other");
    world.pass(MINUTE);
    assert!(world.texts(1, ana).is_empty());
    world.pass(5 * MINUTE);
    assert_eq!(world.texts(1, ana), ["through the other"]);
    world.send(0, bo, "at once");
    world.pass(SECOND);
    assert_eq!(world.texts(1, ana).len(), 2);
    world.pass(20 * MINUTE);
    assert!(world.relay_view(0, 0).rests && !world.relay_view(0, 2).rests);
    // Bo was told, and its mail is still read.
    world.send(1, ana, "to the home that is told first");
    world.pass(MINUTE);
    assert_eq!(world.texts(0, bo).len(), 3);
    // It is started anew.
    world.silent.clear();
    world.burn_relay(0);
    world.revive_relay(0);
    world.pass(DAY);
    assert!(!world.relay_view(0, 0).rests);
    let before = forwards(&world, 0);
    world.relays.get_mut(&1).unwrap().alive = false;
    world.send(0, bo, "through the first");
    world.pass(SECOND);
    assert!(forwards(&world, 0) > before);
}

#[test]
fn the_only_relay_is_asked_ever_later_while_it_answers_no_put() {
    let mut world = World::new(734, 2);
    [0, 1].into_iter().for_each(|relay| world.add_relay(relay));
    world.settle_at(0, "Ana", 0);
    world.settle_at(1, "Bo", 1);
    let (bo, ana) = world.meet(0, 1);
    world.pass(HOUR);
    world.silent.insert(0);
    let texts: Vec<String> = (0..20).map(|n| format!("message {n}")).collect();
    for text in &texts {
        world.send(0, bo, text);
    }
    world.pass(HOUR);
    let before = puts(&world);
    world.pass(DAY);
    let asked = puts(&world) - before;
    assert!((60..200).contains(&asked), "{asked} puts in a day");
    world.silent.clear();
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), texts);
}

#[test]
fn a_relay_that_is_being_left_is_used_again_when_its_link_is_given_again() {
    let (mut world, bo, ana) = two_and(735, 1);
    world.stop(1);
    let relay = world.relay_view(0, 0).id;
    let leave = Command::LeaveRelay { relay };
    assert_eq!(world.ask(0, leave.clone()), Ok(Answer::Done));
    let link = relay_link(0);
    let again = Command::TryRelay { link };
    assert_eq!(world.ask(0, again.clone()), Ok(Answer::Done));
    let view = world.relay_view(0, 0);
    assert_eq!((view.id, view.standing), (relay, RelayStanding::InUse));
    let first = world.peers[0].route.as_ref().unwrap().relays[0].clone();
    assert_eq!(first.origin, "https://relay-2.example");
    assert_eq!(world.ask(0, again.clone()), Err(Refusal::RelayInUse));
    world.restart(1);
    world.pass(10 * DAY);
    assert_eq!(world.ways(0).len(), 2);
    // Bo knows both.
    world.burn_relay(2);
    world.send(1, ana, "to the one that was to be left");
    world.pass(2 * HOUR);
    assert_eq!(world.texts(0, bo), ["to the one that was to be left"]);
    // But not as a fourth.
    world.revive_relay(2);
    assert_eq!(world.ask(0, leave), Ok(Answer::Done));
    for relay in [3, 4] {
        world.add_relay(relay);
        world.add_way(0, relay);
    }
    assert_eq!(world.ask(0, again), Err(Refusal::TooManyRelays));
}

#[test]
fn copies_go_to_the_relay_that_takes_the_place_of_one_that_was_left() {
    let mut world = World::new(740, 3);
    (0..3).for_each(|relay| world.add_relay(relay));
    for (at, name, relay) in [(0, "Ana", 1), (1, "Bo", 0), (2, "Cleo", 0)] {
        world.settle_at(at, name, relay);
    }
    let (cleo, ana) = world.meet(0, 2);
    world.meet(0, 1);
    world.pass(HOUR);
    world.stop(2);
    world.frames_to_nodes.clear();
    for n in 0..3 {
        world.send(0, cleo, &format!("message {n}"));
    }
    world.pass(SECOND);
    let frames = world.frames_to_nodes.iter();
    let ids = frames.filter_map(|frame| match frame {
        Frame::Forward { envelope, .. } => Some(envelope.id()),
        _ => None,
    });
    let ids: Vec<EnvelopeId> = ids.collect();
    assert_eq!(ids.len(), 3);
    let held = |world: &World, relay: usize| {
        let shelf = &world.relays[&relay].shelf;
        let has = |id: &&EnvelopeId| shelf.get(ShelfTable::Envelopes, &id.0).unwrap().is_some();
        ids.iter().filter(has).count()
    };
    world.pass(MINUTE);
    world.join(1, 2);
    world.pass(SECOND);
    // Two relays in use could tell by them that the same person uses both.
    assert_eq!(
        (world.ways(1).len(), held(&world, 0), held(&world, 2)),
        (2, 3, 0)
    );
    world.until(|world| world.ways(1).len() == 1);
    world.pass(MINUTE);
    assert_eq!(held(&world, 2), 3);
    // Whoever they are for comes to the new relay, too.
    world.burn_relay(0);
    world.peers[2].online = false;
    world.restart(2);
    world.stop(0);
    world.peers[2].online = true;
    world.join(2, 2);
    world.pass(HOUR);
    assert_eq!(world.texts(2, ana).len(), 3);
}
