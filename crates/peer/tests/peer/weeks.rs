//! What time brings: acknowledgements, keys that change each week, things that expire.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use komrade_crypto::audit;
use komrade_crypto::vault::generation_of;
use komrade_ether::Frame;
use komrade_store::Table;
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

const WEEK: u64 = 7 * DAY;

fn met(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    (world, bo, ana)
}

fn is_delivered(message: &MessageView) -> bool {
    matches!(message.tick, Tick::Delivered(_))
}

#[test]
fn acknowledgements_leave_at_the_chosen_pace() {
    for (pace, soon, expected) in [
        (AckPace::Quick, 2 * MINUTE, true),
        (AckPace::Never, 30 * DAY - HOUR, false),
    ] {
        let (mut world, bo, ana) = met(300);
        world.pass(HOUR);
        assert_eq!(world.ask(1, Command::SetAckPace(pace)), Ok(Answer::Done));
        world.send(0, bo, "hello");
        world.pass(soon);
        assert_eq!(is_delivered(&world.page(0, bo)[0]), expected, "{pace:?}");
        // An answer carries the acknowledgement.
        world.send(1, ana, "hello yourself");
        assert!(is_delivered(&world.page(0, bo)[0]), "{pace:?}");
    }
    let (mut world, bo, _) = met(301);
    world.pass(HOUR);
    world.send(0, bo, "calmly");
    world.pass(SECOND);
    assert!(!is_delivered(&world.page(0, bo)[0]));
    world.pass(HOUR);
    assert!(is_delivered(&world.page(0, bo)[0]));
}

#[test]
fn an_acknowledgement_that_nobody_took_is_made_again() {
    let (mut world, bo, _) = met(309);
    world.pass(2 * HOUR);
    world.send(0, bo, "hello");
    world.disconnect(0);
    // Bo's acknowledgement waits for Ana, and is too old to be worth much before she is back.
    world.pass(6 * DAY);
    assert!(!is_delivered(&world.page(0, bo)[0]));
    world.connect(0);
    world.pass(2 * HOUR);
    assert!(is_delivered(&world.page(0, bo)[0]));
}

#[test]
fn acknowledgements_are_not_acknowledged() {
    let (mut world, bo, _) = met(302);
    world.pass(2 * DAY);
    world.send(0, bo, "hello");
    world.pass(2 * HOUR);
    let frames = |world: &World| world.peers[0].frames_sent + world.peers[1].frames_sent;
    let before = frames(&world);
    world.pass(20 * HOUR);
    assert_eq!(frames(&world), before);
}

/// Which keys the envelopes of each peer were sealed with, in order, as numbers.
fn keys_of_envelopes(nonces: &[(usize, [u8; 12])]) -> [Vec<[u8; 32]>; 2] {
    let seals: BTreeMap<[u8; 12], [u8; 32]> = audit::take()
        .into_iter()
        .map(|(key, nonce)| (nonce, key))
        .collect();
    let mut keys = [Vec::new(), Vec::new()];
    for (from, nonce) in nonces {
        if let Some(key) = seals.get(nonce)
            && keys[*from].last() != Some(key)
        {
            keys[*from].push(*key);
        }
    }
    keys
}

#[test]
fn outer_keys_change_each_week_in_each_direction_and_never_without_an_answer() {
    audit::take();
    let (mut world, bo, ana) = met(303);
    let nonces = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&nonces);
    world.meddle = Some(Box::new(move |from, frame| {
        if frame[1] == 1 && frame[3] & 0x80 == 0 {
            seen.borrow_mut()
                .push((from, frame[10..22].try_into().unwrap()));
        }
        vec![frame]
    }));
    for week in 0..5 {
        for day in 0..7 {
            world.send(0, bo, &format!("{week}.{day} from Ana"));
            world.pass(DAY / 2);
            world.send(1, ana, &format!("{week}.{day} from Bo"));
            world.pass(DAY / 2);
        }
        if week == 2 {
            world.restart(0);
            world.restart(1);
        }
    }
    for keys in keys_of_envelopes(&nonces.borrow()) {
        assert!(
            (4..=6).contains(&keys.len()),
            "{} keys in five weeks",
            keys.len()
        );
        let mut distinct = keys.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len(), "a key came back");
    }
    assert_eq!(world.page(0, bo).len(), 70);
    assert_eq!(world.page(1, ana).len(), 70);

    // Bo says nothing any more: Ana stays with the key that Bo is known to have.
    world.pass(DAY);
    assert_eq!(
        world.ask(1, Command::SetAckPace(AckPace::Never)),
        Ok(Answer::Done)
    );
    nonces.borrow_mut().clear();
    audit::take();
    for n in 0..40 {
        world.send(0, bo, &format!("alone {n}"));
        world.pass(DAY);
    }
    let [ana_keys, _] = keys_of_envelopes(&nonces.borrow());
    assert_eq!(ana_keys.len(), 1);
    // And when Bo speaks again, both understand each other.
    world.send(1, ana, "back");
    world.pass(3 * DAY);
    world.send(0, bo, "welcome back");
    world.pass(3 * DAY);
    world.send(1, ana, "thanks");
    assert_eq!(world.texts(0, bo).last().unwrap(), "thanks");
    assert_eq!(
        world.texts(1, ana).iter().rev().nth(1).unwrap(),
        "welcome back"
    );
}

#[test]
fn an_invite_works_to_its_last_day_although_prekeys_changed_meanwhile() {
    let mut world = World::new(304, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let make = Command::MakeInvite {
        with_relay: false,
        days: 21,
    };
    let Ok(Answer::Invite { link, .. }) = world.ask(0, make) else {
        panic!("no invite")
    };
    world.pass(20 * DAY);
    world.restart(0);
    let ana = world.accept(1, &link);
    world.send(1, ana, "late but here");
    world.until(|world| !world.peers[0].comrades.is_empty());
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.until(|world| world.comrade(1, ana).state == ComradeState::Met);
    assert_eq!(world.texts(0, bo), ["late but here"]);
}

#[test]
fn record_keys_change_each_week_and_every_record_follows() {
    let (mut world, bo, ana) = met(305);
    for n in 0..120 {
        world.send(0, bo, &format!("{n}"));
    }
    let newest = |world: &World| {
        let records = world.peers[0].store.records();
        let sealed = records
            .iter()
            .filter(|(table, record)| *table != Table::Header && record.key != b"ring");
        let all: Vec<u32> = sealed
            .map(|(_, record)| generation_of(&record.value).unwrap())
            .collect();
        (
            *all.iter().min().unwrap(),
            *all.iter().max().unwrap(),
            all.len(),
        )
    };
    assert!(matches!(newest(&world), (1, 1, 100..)));
    world.pass(8 * DAY);
    assert!(matches!(newest(&world), (2, 2, 100..)));
    world.pass(3 * WEEK);
    let (oldest, newest_one, _) = newest(&world);
    assert_eq!((oldest, newest_one), (5, 5));
    world.restart(0);
    assert_eq!(world.page(0, bo).len(), 100);
    world.send(1, ana, "still here");
    assert_eq!(world.texts(0, bo).last().unwrap(), "still here");
}

#[test]
fn a_walk_over_the_records_that_is_interrupted_goes_on_after_a_restart() {
    let (mut world, bo, _) = met(306);
    for n in 0..300 {
        world.send(0, bo, &format!("{n}"));
    }
    world.pass(6 * DAY);
    let ring_turns = |world: &World| {
        let records = world.peers[0].store.records();
        let sealed = records
            .iter()
            .filter(|(table, record)| *table != Table::Header && record.key != b"ring");
        let mut all: Vec<u32> = sealed
            .map(|(_, record)| generation_of(&record.value).unwrap())
            .collect();
        all.sort();
        all.dedup();
        all
    };
    // Into the middle of the walk, writing all the while.
    while ring_turns(&world).len() < 2 {
        world.pass(MINUTE);
        let before = ring_turns(&world);
        assert!(before.len() < 3);
        if before == [2] {
            break;
        }
        world.send(0, bo, "meanwhile");
        world.pass(300);
    }
    let count = world.peers[0].store.records().len();
    world.restart(0);
    world.pass(HOUR);
    assert_eq!(ring_turns(&world), [2]);
    assert!(world.peers[0].store.records().len() >= count - 50);
    world.restart(0);
    assert_eq!(world.page(0, bo).len(), 100);
}

#[test]
fn what_nobody_takes_for_thirty_days_is_not_delivered() {
    let (mut world, bo, ana) = met(307);
    world.stop(1);
    world.send(0, bo, "into the void");
    world.pass(29 * DAY);
    assert_eq!(world.page(0, bo)[0].tick, Tick::Kept);
    world.pass(2 * DAY);
    assert_eq!(world.page(0, bo)[0].tick, Tick::Expired);
    assert_eq!(
        world.comrade(0, bo).last.as_ref().unwrap().tick,
        Tick::Expired
    );
    assert_eq!(world.comrade(0, bo).waiting, 0);
    world.restart(1);
    world.send(0, bo, "are you there?");
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.texts(1, ana), ["are you there?"]);
}

#[test]
fn what_was_given_up_leaves_no_gap_however_much_it_was() {
    let (mut world, bo, ana) = met(310);
    world.send(0, bo, "before");
    world.pass(HOUR);
    world.stop(1);
    for n in 0..300 {
        world.send(0, bo, &format!("{n}"));
    }
    world.pass(31 * DAY);
    assert_eq!(world.comrade(0, bo).waiting, 0);
    world.restart(1);
    world.send(0, bo, "are you there?");
    world.pass(HOUR);
    assert_eq!(world.texts(1, ana), ["before", "are you there?"]);
    assert_eq!(world.comrade(1, ana).gap, None);
    assert_eq!(world.comrade(1, ana).lost, 300);
    world.restart(1);
    assert_eq!(world.comrade(1, ana).lost, 300);
    assert!(is_delivered(world.page(0, bo).last().unwrap()));
}

#[test]
fn who_waits_in_vain_is_told_although_nothing_more_is_written() {
    let (mut world, bo, ana) = met(311);
    world.pass(HOUR);
    world.stop(1);
    world.send(0, bo, "never to come");
    world.pass(31 * DAY);
    world.restart(1);
    world.pass(DAY);
    assert_eq!(world.comrade(1, ana).lost, 1);
}

#[test]
fn a_clock_that_is_far_ahead_for_a_moment_ends_nothing() {
    let (mut world, bo, ana) = met(312);
    world.make_invite(0);
    world.pass(HOUR);
    world.stop(1);
    world.send(0, bo, "patience");
    for restarted in [false, true] {
        world.peers[0].skew = 400 * DAY as i64;
        if restarted {
            world.restart(0);
        }
        world.pass(30 * MINUTE);
        world.peers[0].skew = 0;
        world.pass(MINUTE);
        assert_eq!(world.page(0, bo)[0].tick, Tick::Kept);
        assert_eq!(world.peers[0].invites.len(), 2);
    }
    world.restart(1);
    // Nothing that was to come waits for the wrong day.
    world.pass(30 * MINUTE);
    assert_eq!(world.texts(1, ana), ["patience"]);
    world.pass(2 * HOUR);
    assert!(is_delivered(&world.page(0, bo)[0]));
    // A time that holds is believed.
    world.stop(1);
    world.send(0, bo, "in vain");
    world.peers[0].skew = 400 * DAY as i64;
    world.pass(HOUR + 2 * MINUTE);
    assert_eq!(world.page(0, bo)[1].tick, Tick::Expired);
    assert!(world.peers[0].invites.is_empty());
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let (mut world, bo, ana) = met(313);
    world.pass(2 * DAY);
    for at in 0..2 {
        world.peers[at].skew = -(400 * DAY as i64);
    }
    world.send(0, bo, "under a wrong clock");
    world.pass(HOUR);
    // Both clocks are ahead of what comes after: as if they had been set back by a year.
    for at in 0..2 {
        world.peers[at].skew = -(800 * DAY as i64);
    }
    world.send(0, bo, "after it was set back");
    world.send(1, ana, "yes");
    world.pass(3 * HOUR);
    assert_eq!(world.texts(1, ana).len(), 3);
    assert!(is_delivered(&world.page(0, bo)[0]));
    assert!(is_delivered(&world.page(0, bo)[1]));
    assert_eq!(world.links(0), 0, "links end as ever");
}

#[test]
fn a_header_does_not_tell_an_acknowledgement_from_a_message() {
    let (mut world, bo, _) = met(314);
    world.pass(HOUR);
    let lives = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&lives);
    world.meddle = Some(Box::new(move |from, frame| {
        if let Ok(Frame::Put { envelope }) = Frame::decode(&frame) {
            seen.borrow_mut().push((from, envelope.header().expiry));
        }
        vec![frame]
    }));
    world.send(0, bo, "hello");
    world.pass(HOUR);
    let lives = lives.borrow();
    assert!(lives.iter().any(|(from, _)| *from == 0) && lives.iter().any(|(from, _)| *from == 1));
    assert!(lives.iter().all(|(_, expiry)| *expiry == lives[0].1));
}

#[test]
fn after_a_thousand_messages_without_an_answer_a_new_session_carries_on() {
    let (mut world, bo, ana) = met(308);
    world.pass(HOUR);
    assert_eq!(
        world.ask(1, Command::SetAckPace(AckPace::Never)),
        Ok(Answer::Done)
    );
    for n in 0..1_010 {
        world.send(0, bo, &format!("{n}"));
    }
    assert_eq!(world.texts(1, ana).last().unwrap(), "1009");
    assert_eq!(world.comrade(1, ana).gap, None);
    world.restart(1);
    world.send(1, ana, "stop it");
    world.send(0, bo, "sorry");
    assert_eq!(world.texts(1, ana).last().unwrap(), "sorry");
    assert_eq!(world.texts(0, bo).last().unwrap(), "sorry");
    world.pass(DAY);
    // Bo said something after all of them but the last.
    let mine: Vec<_> = world
        .page(0, bo)
        .into_iter()
        .filter(|message| message.mine)
        .collect();
    assert!(mine.iter().rev().skip(1).all(is_delivered));
    assert!(matches!(mine.last().unwrap().tick, Tick::Accepted(_)));
}
