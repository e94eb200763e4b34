//! Copies and comrades who mean ill, or have no business with them.

use std::cell::RefCell;
use std::rc::Rc;

use komrade_ether::{
    Bucket, Class, Day, Envelope, Frame, Header, MAX_DAYS_AHEAD, Outcome, Reconciler, Size,
};
use komrade_peer::Input;
use komrade_store::{Record, Table};
use komrade_view::*;

use crate::seeking::{ANA, BO, CLEO, Frames, burnt, listen, members, move_on, replicas, seeks};
use crate::world::{DAY, HOUR, MINUTE, START, World};

fn tag(relay: usize) -> u64 {
    u64::from_be_bytes([relay as u8 + 200; 8])
}

/// An envelope that nobody here can open.
fn made_up(number: u8, days: u32) -> Envelope {
    let class = Class::ordinary(Size::K2);
    let header = Header {
        class,
        bucket: 0,
        expiry: Day::of(START).plus(days),
        nonce: [number; 12],
        hint: [number; 8],
    };
    Envelope::new(header, &vec![number; class.ciphertext_bytes()]).unwrap()
}

fn kept(world: &World, at: usize) -> ReplicaView {
    world.peers[at].route.as_ref().unwrap().replicas
}

/// Whenever Ana sends something to Bo, these go with it; what is asked of her about copies she does not hear.
fn add(world: &mut World, added: Vec<Frame>) -> Frames {
    let frames = Frames::default();
    let heard = frames.clone();
    world.meddle = Some(Box::new(move |from, bytes| {
        let frame = Frame::decode(&bytes).unwrap();
        let is_about = |frame: &Frame| {
            matches!(
                frame,
                Frame::Seek { .. } | Frame::Reconcile { .. } | Frame::Replica { .. }
            )
        };
        if from == BO {
            heard.borrow_mut().push((from, frame.clone()));
        }
        if is_about(&frame) {
            return Vec::new();
        }
        let mut all = vec![bytes];
        if from == ANA && matches!(frame, Frame::Put { .. }) {
            all.extend(added.iter().map(Frame::encode));
        }
        all
    }));
    frames
}

fn acks(frames: &Frames, envelope: &Envelope) -> Vec<Outcome> {
    let id = envelope.id();
    let frames = frames.borrow();
    let ack = |(_, frame): &(usize, Frame)| match frame {
        Frame::Ack { id: it, outcome } if *it == id => Some(*outcome),
        _ => None,
    };
    frames.iter().filter_map(ack).collect()
}

#[test]
fn what_is_brought_unasked_is_neither_kept_nor_opened() {
    let (mut world, [_, cleo, _], _) = burnt(820, 1);
    let envelope = made_up(1, 20);
    let replica = Frame::Replica {
        envelope: envelope.clone(),
    };
    let frames = add(&mut world, vec![replica]);
    move_on(&mut world);
    world.pass(HOUR);
    let acks = acks(&frames, &envelope);
    assert!(!acks.is_empty() && acks.iter().all(|it| *it == Outcome::NotAllowed));
    let records = world.peers[BO].store.records();
    let id = envelope.id().0;
    assert!(records.iter().all(|(_, record)| !record.key.ends_with(&id)));
    assert!(world.texts(BO, cleo).is_empty());
}

#[test]
fn nothing_is_said_of_a_node_that_is_none_in_common() {
    // Bo was a member of relay 0, Ana of relay 1; both burn.
    let mut world = World::new(821, 2);
    for (at, name) in [(ANA, "Ana"), (BO, "Bo")] {
        world.add_relay(at);
        world.settle_at(at, name, 1 - at);
    }
    let (bo, ana) = world.meet(ANA, BO);
    world.send(ANA, bo, "hello");
    world.send(BO, ana, "hello");
    world.pass(HOUR);
    world.burn_relay(0);
    world.burn_relay(1);
    let bucket = Bucket::WHOLE;
    let ask = |relay| Frame::Seek {
        tag: tag(relay),
        bucket,
        is_lost: true,
    };
    let (_, lead) = Reconciler::begin(bucket, []).unwrap();
    let asked = [0, 1, 7]
        .into_iter()
        .flat_map(|relay| [ask(relay), lead.clone()]);
    let frames = add(&mut world, asked.collect());
    move_on(&mut world);
    world.pass(HOUR);
    let heard = frames.borrow().len();
    assert!(heard > 0 && seeks(&frames) == 0);
}

#[test]
fn where_somebody_was_a_member_before_they_met_is_not_told() {
    let mut world = World::new(822, 2);
    (0..4).for_each(|relay| world.add_relay(relay));
    world.settle_at(ANA, "Ana", 0);
    world.settle_at(BO, "Bo", 0);
    world.pass(HOUR);
    // Both leave relay 0, which burns, and then meet.
    for (at, relay) in [(ANA, 1), (BO, 2)] {
        world.burn_relay(0);
        world.peers[at].online = true;
        world.join(at, relay);
    }
    world.pass(HOUR);
    world.meet(ANA, BO);
    world.pass(HOUR);
    let frames = listen(&mut world);
    world.burn_relay(1);
    world.burn_relay(2);
    for (at, relay) in [(ANA, 3), (BO, 4)] {
        world.add_relay(relay);
        world.peers[at].online = true;
        world.join(at, relay);
    }
    world.pass(HOUR);
    assert!(!frames.borrow().is_empty());
    assert_eq!(seeks(&frames), 0);
}

#[test]
fn what_comrades_bring_has_a_share_of_the_room() {
    let (mut world, [_, cleo, _]) = members(823);
    // What Ana has of others, and Bo has not.
    let dao = world.add_peer();
    world.settle_at(dao, "Dao", 0);
    let (to_dao, _) = world.meet(CLEO, dao);
    world.pass(HOUR);
    let limit = 120_000;
    let set = Command::SetReplicaLimit(limit);
    assert_eq!(world.ask(BO, set), Ok(Answer::Done));
    world.pass(MINUTE);
    let before = kept(&world, BO);
    world.stop(BO);
    let bo = world.peers[CLEO].comrades.iter();
    let bo = bo.clone().find(|it| it.name == "Bo").unwrap().id;
    for n in 0..60 {
        world.send(CLEO, to_dao, &format!("to Dao {n}"));
    }
    world.send(CLEO, bo, "to Bo");
    world.pass(MINUTE);
    world.stop(CLEO);
    world.stop(dao);
    world.burn_relay(0);
    let frames = listen(&mut world);
    move_on(&mut world);
    world.pass(HOUR);
    assert!(replicas(&frames).len() > 60);
    assert_eq!(world.texts(BO, cleo), ["to Bo"]);
    let after = kept(&world, BO);
    assert!(after.bytes <= limit);
    // Of what was there before no more went than that share; what the new relay brings is little.
    let brought = after.envelopes - before.envelopes;
    let range = 10..=limit / 4 / 2_048 + 8;
    assert!(range.contains(&brought), "{before:?} {after:?}");
    // And it is not brought again and again.
    let said = replicas(&frames).len();
    world.restart(BO);
    world.pass(2 * DAY);
    assert_eq!(replicas(&frames).len(), said);
}

#[test]
fn whoever_keeps_no_copies_or_saves_data_compares_none() {
    for saves in [false, true] {
        let (mut world, [_, cleo, _], _) = burnt(824, 3);
        let frames = listen(&mut world);
        world.peers[BO].online = false;
        world.restart(BO);
        let set = match saves {
            true => Command::SetDataLimit(1_000_000),
            false => Command::SetReplicaLimit(0),
        };
        assert_eq!(world.ask(BO, set), Ok(Answer::Done));
        if saves {
            world.push(BO, Input::Bytes(0, 1_000_000));
            world.drain();
        }
        move_on(&mut world);
        world.pass(HOUR);
        assert!(!frames.borrow().is_empty());
        assert!(world.texts(BO, cleo).is_empty());
        // Ana asks; Bo says nothing.
        assert!(replicas(&frames).is_empty());
        if saves {
            let answered = frames.borrow().iter().any(|(from, frame)| {
                *from == BO && matches!(frame, Frame::Seek { .. } | Frame::Reconcile { .. })
            });
            assert!(!answered);
        }
    }
}

#[test]
fn copies_of_any_kind_change_nothing_that_is_here() {
    // While Bo has asked, Ana answers with what has expired, what expires too late, what he has, and
    // one thing a hundred times.
    let (mut world, [_, cleo, _], texts) = burnt(825, 2);
    let (expired, late) = (made_up(1, 0), made_up(2, MAX_DAYS_AHEAD + 3));
    let twice = made_up(3, 20);
    let acked = Rc::new(RefCell::new(Vec::new()));
    let heard = acked.clone();
    let sent = [expired.clone(), late.clone()];
    let sent = sent.into_iter().chain((0..100).map(|_| twice.clone()));
    let mut sent: Vec<Vec<u8>> = sent
        .map(|envelope| Frame::Replica { envelope }.encode())
        .collect();
    world.meddle = Some(Box::new(move |from, bytes| {
        let frame = Frame::decode(&bytes).unwrap();
        if let (BO, Frame::Ack { id, outcome }) = (from, &frame) {
            heard.borrow_mut().push((*id, *outcome));
        }
        let mut all = vec![bytes];
        if from == ANA && matches!(frame, Frame::Replica { .. }) {
            all.append(&mut sent);
        }
        all
    }));
    move_on(&mut world);
    world.pass(HOUR);
    assert_eq!(world.texts(BO, cleo), texts);
    let acked = acked.borrow();
    let outcomes = |envelope: &Envelope| -> Vec<Outcome> {
        let of = acked.iter().filter(|(id, _)| *id == envelope.id());
        of.map(|(_, outcome)| *outcome).collect()
    };
    assert_eq!(outcomes(&expired), [Outcome::Expired]);
    assert_eq!(outcomes(&late), [Outcome::TooFar]);
    assert_eq!(outcomes(&twice), vec![Outcome::Accepted; 100]);
    // One thing a hundred times is one.
    let records = world.peers[BO].store.records();
    let is_index = |(table, record): &&(Table, Record)| {
        *table == Table::Waiting && record.key.first() == Some(&2)
    };
    let indexed = records.iter().filter(is_index).count();
    assert_eq!(kept(&world, BO).envelopes, indexed as u64);
}
