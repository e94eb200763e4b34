//! Frames that are lost, doubled, reordered, foreign or damaged; stores that fail; another tab that
//! leads.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use komrade_ether::{EnvelopeId, Frame, Outcome};
use komrade_peer::{Input, LinkId};
use komrade_store::{Record, StoreError, Table};
use komrade_view::*;

use crate::world::{DAY, HOUR, PASSPHRASE, SECOND, World};

fn met(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    (world, bo, ana)
}

/// Collects every frame of one peer, and loses it if asked to.
fn tap(world: &mut World, of: usize, lose: bool) -> Rc<RefCell<Vec<Vec<u8>>>> {
    let frames = Rc::new(RefCell::new(Vec::new()));
    let taken = Rc::clone(&frames);
    world.meddle = Some(Box::new(move |from, frame| {
        if from != of {
            return vec![frame];
        }
        taken.borrow_mut().push(frame.clone());
        if lose { Vec::new() } else { vec![frame] }
    }));
    frames
}

#[test]
fn reordered_and_doubled_frames_lose_and_double_nothing() {
    for seed in 0..5_u64 {
        let (mut world, bo, ana) = met(200 + seed);
        world.disconnect(1);
        let texts: Vec<String> = (0..40).map(|n| format!("{n:02}")).collect();
        for text in &texts {
            world.send(0, bo, text);
        }
        let mut held: Vec<Vec<u8>> = Vec::new();
        let mut state = seed + 1;
        world.meddle = Some(Box::new(move |_, frame| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695);
            let dice = (state >> 33) % 5;
            let mut out = match dice {
                0 => vec![frame.clone(), frame],
                1 => {
                    held.push(frame);
                    Vec::new()
                }
                _ => vec![frame],
            };
            if dice == 2 {
                out.append(&mut held);
            }
            out
        }));
        world.connect(1);
        world.pass(DAY);
        world.meddle = None;
        world.until(|world| world.comrade(0, bo).waiting == 0);
        world.pass(DAY);
        let mut arrived = world.texts(1, ana);
        arrived.sort();
        assert_eq!(arrived, texts, "seed {seed}");
        assert_eq!(world.comrade(1, ana).gap, None);
    }
}

#[test]
fn a_gap_is_noticed_asked_for_and_closed() {
    let (mut world, bo, ana) = met(210);
    world.pass(HOUR);
    world.send(0, bo, "one");
    // The second is lost, but Ana is told that it was taken.
    let frames = tap(&mut world, 0, true);
    world.send(0, bo, "two");
    let lost = frames.borrow().last().unwrap().clone();
    let Ok(Frame::Put { envelope }) = Frame::decode(&lost) else {
        panic!("no put")
    };
    let ack = Frame::Ack {
        id: envelope.id(),
        outcome: Outcome::Accepted,
    }
    .encode();
    let link = world.link_ids(0)[0];
    world.meddle = None;
    world.push(0, Input::Frame { link, frame: ack });
    world.drain();
    assert!(matches!(world.page(0, bo)[1].tick, Tick::Accepted(_)));
    world.send(0, bo, "three");
    assert_eq!(world.texts(1, ana), ["one", "three"]);
    assert_eq!(
        world.comrade(1, ana).gap,
        Some(Gap {
            count: 1,
            asked_at: None
        })
    );
    world.restart(1);
    assert_eq!(world.comrade(1, ana).gap.unwrap().count, 1);
    world.until(|world| world.comrade(1, ana).gap.is_none());
    assert_eq!(world.texts(1, ana), ["one", "three", "two"]);
    world.until(|world| {
        world
            .comrade(0, bo)
            .last
            .as_ref()
            .is_some_and(|m| matches!(m.tick, Tick::Delivered(_)))
    });
    world.pass(DAY);
    assert!(
        world
            .page(0, bo)
            .iter()
            .all(|message| matches!(message.tick, Tick::Delivered(_)))
    );
}

#[test]
fn an_envelope_put_twice_changes_nothing_and_one_for_others_is_refused() {
    let (mut world, bo, ana) = met(211);
    let cy = world.add_peer();
    world.settle_in(cy, "Cy");
    world.meet(cy, 1);
    let frames = tap(&mut world, 0, false);
    world.send(0, bo, "once");
    let put = frames
        .borrow()
        .iter()
        .find(|frame| frame[1] == 1)
        .unwrap()
        .clone();
    let id = EnvelopeId::of(&put[2..]);
    for (to, outcome) in [(1, Outcome::AlreadyHave), (cy, Outcome::NotForMe)] {
        let answers = tap(&mut world, to, false);
        let commits = world.peers[to].store.commits();
        let link = world.link_ids(to)[0];
        world.push(
            to,
            Input::Frame {
                link,
                frame: put.clone(),
            },
        );
        world.drain();
        let answer = answers.borrow().last().map(|frame| Frame::decode(frame));
        assert_eq!(answer, Some(Ok(Frame::Ack { id, outcome })));
        assert_eq!(world.peers[to].store.commits(), commits);
    }
    assert_eq!(world.texts(1, ana), ["once"]);
}

/// Somebody who cannot open what Ana puts, so many times.
fn misunderstand(world: &mut World, times: usize) {
    let mut changed = BTreeMap::new();
    world.meddle = Some(Box::new(move |from, mut frame| {
        if from == 0 && frame[1] == 1 && changed.len() < times {
            let id = EnvelopeId::of(&frame[2..]);
            *frame.last_mut().unwrap() ^= 1;
            changed.insert(EnvelopeId::of(&frame[2..]), id);
        } else if let Ok(Frame::Ack { id, outcome }) = Frame::decode(&frame)
            && let Some(id) = changed.get(&id)
        {
            frame = Frame::Ack { id: *id, outcome }.encode();
        }
        vec![frame]
    }));
}

#[test]
fn an_envelope_that_does_not_open_is_refused_and_made_anew() {
    let (mut world, bo, ana) = met(212);
    misunderstand(&mut world, 3);
    world.send(0, bo, "stubborn");
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.texts(1, ana), ["stubborn"]);
}

#[test]
fn an_operation_is_sealed_ten_times_at_most() {
    let (mut world, bo, ana) = met(213);
    misunderstand(&mut world, usize::MAX);
    world.send(0, bo, "hopeless");
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.page(0, bo)[0].tick, Tick::Expired);
    world.meddle = None;
    world.send(0, bo, "fine");
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.texts(1, ana), ["fine"]);
    assert_eq!(world.comrade(1, ana).gap, None);
    assert_eq!(world.comrade(1, ana).lost, 1);
    assert_eq!(world.comrade(0, bo).lost, 0);
}

#[test]
fn a_link_that_died_without_a_word_is_left_once_a_newer_one_is_up() {
    let (mut world, bo, ana) = met(222);
    world.pass(SECOND);
    world.lose_links_silently(1);
    world.send(0, bo, "into a dead link");
    assert!(world.texts(1, ana).is_empty());
    world.send(1, ana, "from a new one");
    world.pass(15 * SECOND);
    assert_eq!(world.texts(1, ana), ["from a new one", "into a dead link"]);
    // Nothing is put into the dead one when both are there.
    world.lose_links_silently(1);
    world.send(1, ana, "again from a new one");
    world.send(0, bo, "at once");
    assert_eq!(world.texts(1, ana).last().unwrap(), "at once");
}

#[test]
fn nothing_is_sealed_before_it_can_be_sent() {
    let (mut world, bo, ana) = met(227);
    world.pass(HOUR);
    let envelopes = |world: &World| {
        let records = world.peers[0].store.records();
        let is_envelope = |(table, record): &&(Table, Record)| {
            *table == Table::Outbox && record.key[0] == 1 && record.key.ends_with(&[1])
        };
        records.iter().filter(is_envelope).count()
    };
    world.disconnect(1);
    for n in 0..20 {
        world.send(0, bo, &format!("{n}"));
    }
    // Two weeks later other keys are in use.
    world.pass(15 * DAY);
    assert_eq!(envelopes(&world), 0);
    // What was sent and not answered is sent again as it is.
    let frames = tap(&mut world, 0, true);
    world.connect(1);
    world.pass(HOUR);
    assert_eq!(envelopes(&world), 16);
    world.meddle = None;
    let first = frames.borrow()[0].clone();
    let frames = tap(&mut world, 0, false);
    world.pass(HOUR);
    assert!(frames.borrow().contains(&first));
    assert_eq!(envelopes(&world), 0);
    assert_eq!(world.texts(1, ana).len(), 20);
}

#[test]
fn nonsense_ends_the_link_and_nothing_else() {
    let (mut world, bo, ana) = met(214);
    for (n, nonsense) in [vec![], vec![1], vec![9; 50], vec![1, 2, 3], vec![0; 70_000]]
        .into_iter()
        .enumerate()
    {
        world.send(0, bo, &format!("{n}"));
        let link = world.link_ids(1)[0];
        world.push(
            1,
            Input::Frame {
                link,
                frame: nonsense,
            },
        );
        world.drain();
        assert_eq!(world.links(1), 0);
    }
    // Kinds of a newer version, and answers to nothing, are skipped.
    world.send(0, bo, "5");
    let link = world.link_ids(1)[0];
    for frame in [
        vec![1, 77, 1, 2, 3],
        Frame::Ack {
            id: EnvelopeId([3; 32]),
            outcome: Outcome::Accepted,
        }
        .encode(),
        Frame::Fetched {
            locator: [1; 16],
            envelope: None,
        }
        .encode(),
        Frame::Fetch { locator: [1; 16] }.encode(),
    ] {
        world.push(1, Input::Frame { link, frame });
    }
    world.push(
        1,
        Input::Frame {
            link: LinkId(999),
            frame: vec![1, 1],
        },
    );
    world.push(1, Input::LinkDown(LinkId(998)));
    world.push(1, Input::LinkUp(LinkId(997)));
    world.push(
        1,
        Input::Records {
            read: 12_345,
            records: Vec::new(),
        },
    );
    world.push(
        1,
        Input::Stretched {
            stretch: 99,
            key: None,
        },
    );
    world.drain();
    assert_eq!(world.links(1), 1);
    assert_eq!(world.texts(1, ana).len(), 6);
}

#[test]
fn a_hint_that_nobody_knows_is_turned_away() {
    let (mut world, _, _) = met(215);
    let sent = world.peers[0].frames_sent;
    let relay = world.ways(0)[0];
    world.push(
        0,
        Input::Incoming {
            relay,
            link: LinkId(4_001),
            hint: [7; 20],
        },
    );
    world.drain();
    assert!(
        world
            .transcript
            .last()
            .unwrap()
            .contains("Close(LinkId(4001))")
    );
    assert_eq!(world.peers[0].frames_sent, sent);
}

#[test]
fn a_store_without_room_loses_nothing_that_was_promised() {
    let (mut world, bo, ana) = met(216);
    world.send(0, bo, "kept");
    world.peers[0].store.refuse(0, StoreError::Full);
    let send = Command::SendMessage {
        comrade: bo,
        text: "no room".into(),
    };
    assert_eq!(world.ask(0, send), Err(Refusal::StorageFull));
    assert_eq!(world.peers[0].vault, Some(VaultState::StoreFailed));
    let send = Command::SendMessage {
        comrade: bo,
        text: "locked".into(),
    };
    assert_eq!(world.ask(0, send), Err(Refusal::Locked));
    let passphrase = Secret::new(PASSPHRASE);
    assert_eq!(
        world.ask(0, Command::Unlock { passphrase }),
        Ok(Answer::Done)
    );
    world.send(0, bo, "room again");
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.texts(0, bo), ["kept", "room again"]);
    assert_eq!(world.texts(1, ana), ["kept", "room again"]);
}

#[test]
fn a_store_that_fails_while_receiving_acknowledges_nothing() {
    let (mut world, bo, ana) = met(217);
    world.peers[1]
        .store
        .refuse(0, StoreError::Failed("disk".into()));
    world.send(0, bo, "careful");
    assert_eq!(world.comrade(0, bo).waiting, 1);
    assert_eq!(world.peers[1].vault, Some(VaultState::StoreFailed));
    let passphrase = Secret::new(PASSPHRASE);
    assert_eq!(
        world.ask(1, Command::Unlock { passphrase }),
        Ok(Answer::Done)
    );
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.texts(1, ana), ["careful"]);
}

#[test]
fn a_tab_that_does_not_lead_holds_no_keys() {
    let (mut world, bo, _) = met(218);
    let since = world.now;
    world.push(0, Input::LedElsewhere(since));
    world.drain();
    assert_eq!(world.peers[0].vault, Some(VaultState::LedElsewhere(since)));
    assert_eq!(world.links(0), 0);
    let send = Command::SendMessage {
        comrade: bo,
        text: "x".into(),
    };
    assert_eq!(world.ask(0, send), Err(Refusal::NotLeading));
    let passphrase = Secret::new(PASSPHRASE);
    let unlock = Command::Unlock { passphrase };
    assert_eq!(world.ask(0, unlock.clone()), Err(Refusal::NotLeading));
    assert_eq!(world.ask(0, Command::TakeLead), Ok(Answer::Done));
    assert_eq!(world.peers[0].vault, Some(VaultState::Locked));
    assert_eq!(world.ask(0, unlock), Ok(Answer::Done));
    // Who leads already loses nothing by asking again.
    assert_eq!(world.ask(0, Command::TakeLead), Ok(Answer::Done));
    assert_eq!(world.peers[0].vault, Some(VaultState::Open));
    world.peers[0].store.refuse(0, StoreError::LeaseLost);
    let send = Command::SendMessage {
        comrade: bo,
        text: "x".into(),
    };
    assert_eq!(world.ask(0, send), Err(Refusal::NotLeading));
    assert!(matches!(
        world.peers[0].vault,
        Some(VaultState::LedElsewhere(_))
    ));
}

#[test]
fn a_tab_that_thaws_after_another_wrote_looks_at_the_store_again() {
    let (mut world, bo, ana) = met(220);
    world.send(0, bo, "from the first tab");
    world.send(1, ana, "yes?");
    world.pass(HOUR);
    let frozen = world.freeze(0);
    world.restart(0);
    world.send(0, bo, "from the second tab");
    world.send(1, ana, "to the second tab");
    world.pass(HOUR);
    world.thaw(0, frozen);
    assert_eq!(world.peers[0].vault, Some(VaultState::Locked));
    let send = Command::SendMessage {
        comrade: bo,
        text: "from what is no longer so".into(),
    };
    assert_eq!(world.ask(0, send), Err(Refusal::Locked));
    let passphrase = Secret::new(PASSPHRASE);
    let unlock = Command::Unlock { passphrase };
    assert_eq!(world.ask(0, unlock), Ok(Answer::Done));
    world.send(0, bo, "from the first tab again");
    world.pass(HOUR);
    let all = [
        "from the first tab",
        "yes?",
        "from the second tab",
        "to the second tab",
        "from the first tab again",
    ];
    assert_eq!(world.texts(0, bo), all);
    assert_eq!(world.texts(1, ana), all);
    assert_eq!(world.comrade(1, ana).gap, None);
}

#[test]
fn bytes_tell_the_screens_once_a_second() {
    let (mut world, _, _) = met(219);
    world.pass(5_000);
    let before = world.peers[0].route_events;
    for n in 0..1_000 {
        world.push(0, Input::Bytes(n, 2 * n));
    }
    world.pass(3_000);
    assert!(world.peers[0].route_events <= before + 2);
    let expected = Traffic {
        sent: 999,
        received: 1_998,
    };
    assert_eq!(
        world.peers[0].route.as_ref().unwrap().traffic.today,
        expected
    );
}

#[test]
fn a_device_that_was_set_back_finds_its_way() {
    for set_back in [0, 1] {
        let (mut world, bo, ana) = met(220 + set_back as u64);
        for n in 0..3 {
            world.send(0, bo, &format!("a{n}"));
            world.send(1, ana, &format!("b{n}"));
        }
        world.pass(HOUR);
        let old = world.peers[set_back].store.records();
        for n in 3..6 {
            world.send(0, bo, &format!("a{n}"));
            world.send(1, ana, &format!("b{n}"));
        }
        world.pass(HOUR);
        world.set_back(set_back, old);
        world.send(0, bo, "a from now on");
        world.send(1, ana, "b from now on");
        for n in 0..10 {
            world.pass(DAY);
            world.send(0, bo, &format!("a later {n}"));
            world.send(1, ana, &format!("b later {n}"));
        }
        world.pass(DAY);
        for (at, comrade, theirs) in [(0, bo, 'b'), (1, ana, 'a')] {
            let texts = world.texts(at, comrade);
            let mut expected: Vec<String> =
                (0..10).map(|n| format!("{theirs} later {n}")).collect();
            // What a device writes before it hears that it was set back bears numbers it used
            // before.
            if at == set_back {
                expected.push(format!("{theirs} from now on"));
            }
            for text in expected {
                let count = texts.iter().filter(|it| **it == text).count();
                assert_eq!(count, 1, "{text} at {at}, set back {set_back}: {texts:?}");
            }
        }
        let copied = [
            world.comrade(0, bo).is_copied,
            world.comrade(1, ana).is_copied,
        ];
        assert!(copied[1 - set_back] && !copied[set_back], "{copied:?}");
        world.pass(40 * DAY);
        let waiting = |(table, _): &(Table, _)| *table == Table::Waiting;
        assert!(
            !world
                .peers
                .iter()
                .any(|peer| peer.store.records().iter().any(waiting))
        );
    }
}

#[test]
fn many_who_acknowledge_at_once_fit_in_one_batch_each_step() {
    let mut world = World::new(223, 5);
    let names = ["Ana", "Bo", "Cy", "Di", "Eli"];
    for (at, name) in names.into_iter().enumerate() {
        world.settle_in(at, name);
    }
    let comrades: Vec<_> = (1..5).map(|at| (at, world.meet(0, at))).collect();
    world.pass(HOUR);
    for (at, (theirs, _)) in &comrades {
        let never = Command::SetAckPace(AckPace::Never);
        assert_eq!(world.ask(*at, never), Ok(Answer::Done));
        for n in 0..195 {
            world.send(0, *theirs, &format!("{n}"));
        }
    }
    // One report lets a hundred go at once, and leaves the rest of each for the same next step.
    for (at, (_, ana)) in &comrades {
        world.send(*at, *ana, "got it all");
    }
    world.pass(HOUR);
    assert_eq!(world.peers[0].vault, Some(VaultState::Open));
    for (_, (theirs, _)) in &comrades {
        let page = world.page(0, *theirs);
        let mine = page.iter().filter(|message| message.mine);
        assert!(
            mine.map(|message| message.tick)
                .all(|tick| matches!(tick, Tick::Delivered(_)))
        );
    }
}

/// Bo's device was set back and does not understand Ana, who cannot hear that.
fn set_back_and_silent(seed: u64) -> (World, ComradeId, ComradeId) {
    let (mut world, bo, ana) = met(seed);
    world.pass(HOUR);
    let old = world.peers[1].store.records();
    world.send(1, ana, "forgotten");
    world.send(0, bo, "forgotten, too");
    world.pass(HOUR);
    world.send(1, ana, "forgotten, three");
    world.pass(HOUR);
    world.set_back(1, old);
    world.meddle = Some(Box::new(|from, frame| match Frame::decode(&frame) {
        Ok(Frame::Put { .. }) if from == 1 => Vec::new(),
        _ => vec![frame],
    }));
    (world, bo, ana)
}

fn waiting(world: &World, at: usize) -> usize {
    let records = world.peers[at].store.records();
    let is_waiting = |(table, _): &&(Table, _)| *table == Table::Waiting;
    records.iter().filter(is_waiting).count()
}

#[test]
fn envelopes_that_do_not_open_are_bounded_per_comrade_and_everything_arrives_in_the_end() {
    let (mut world, bo, ana) = set_back_and_silent(224);
    let texts: Vec<String> = (0..130).map(|n| format!("{n:03}")).collect();
    for text in &texts {
        world.send(0, bo, text);
    }
    // An index and a body each.
    assert_eq!(waiting(&world, 1), 200);
    assert_eq!(world.comrade(0, bo).waiting, 0);
    world.meddle = None;
    for n in 0..5 {
        world.pass(DAY);
        world.send(1, ana, &format!("{n}"));
    }
    world.pass(DAY);
    let shown = world.peers[1].messages.iter();
    let mut arrived: Vec<String> = shown.map(|(_, message)| message.text.clone()).collect();
    arrived.retain(|text| text.len() == 3);
    arrived.sort();
    assert_eq!(arrived, texts);
    assert_eq!(world.comrade(1, ana).gap, None);
}

#[test]
fn envelopes_that_do_not_open_are_not_tried_again_with_every_other() {
    let (mut world, bo, ana) = set_back_and_silent(225);
    for n in 0..20 {
        world.send(0, bo, &format!("{n}"));
    }
    assert_eq!(waiting(&world, 1), 40);
    world.meddle = None;
    world.pass(2 * DAY);
    world.send(1, ana, "hello");
    world.pass(DAY);
    let is_try = |line: &&String| line.starts_with("1 read") && line.contains("Waiting");
    let tries = |world: &World| world.transcript.iter().filter(is_try).count();
    let before = tries(&world);
    assert!(before > 0);
    for n in 0..20 {
        world.send(0, bo, &format!("later {n}"));
    }
    assert_eq!(world.texts(1, ana).last().unwrap(), "later 19");
    assert!(waiting(&world, 1) > 0, "some never open");
    assert_eq!(tries(&world), before);
}

#[test]
fn what_can_no_longer_be_opened_is_not_said_to_be_held() {
    let (mut world, bo, ana) = met(226);
    world.pass(HOUR);
    let frames = tap(&mut world, 0, true);
    // More than an Olm chain remembers keys for; Ana is told that all were taken.
    for n in 0..45 {
        let before = frames.borrow().len();
        world.send(0, bo, &format!("{n}"));
        for put in frames.borrow().iter().skip(before) {
            let id = EnvelopeId::of(&put[2..]);
            let outcome = Outcome::Accepted;
            let frame = Frame::Ack { id, outcome }.encode();
            let link = world.link_ids(0)[0];
            world.push(0, Input::Frame { link, frame });
        }
        world.drain();
    }
    world.meddle = None;
    world.send(0, bo, "after them");
    assert_eq!(world.texts(1, ana), ["after them"]);
    let answers = tap(&mut world, 1, false);
    let (first, link) = (frames.borrow()[0].clone(), world.link_ids(1)[0]);
    let id = EnvelopeId::of(&first[2..]);
    world.push(1, Input::Frame { link, frame: first });
    world.drain();
    let outcome = Outcome::Malformed;
    let answer = Frame::Ack { id, outcome }.encode();
    assert!(answers.borrow().contains(&answer));
    world.meddle = None;
    world.pass(DAY);
    assert_eq!(world.texts(1, ana).len(), 46);
}
