//! A relay burns, and what somebody who writes no more had put there is held by a comrade's browser alone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use komrade_ether::{EnvelopeId, Frame};
use komrade_store::memory::Cut;
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, PASSPHRASE, SECOND, World, plan_cut};

pub const ANA: usize = 0;
pub const BO: usize = 1;
pub const CLEO: usize = 2;

/// Frames that went from device to device, each with its sender.
pub type Frames = Rc<RefCell<Vec<(usize, Frame)>>>;

/// Ana and Bo at relay 0, Cleo at relay 1; all have met Bo. Gives Bo's name for Ana and for Cleo, and
/// Cleo's for him.
pub fn members(seed: u64) -> (World, [ComradeId; 3]) {
    let mut world = World::new(seed, 3);
    world.add_relay(0);
    world.add_relay(1);
    for (at, name, relay) in [(ANA, "Ana", 0), (BO, "Bo", 0), (CLEO, "Cleo", 1)] {
        world.settle_at(at, name, relay);
    }
    let (_, ana) = world.meet(ANA, BO);
    let (bo, cleo) = world.meet(CLEO, BO);
    world.pass(2 * HOUR);
    (world, [ana, cleo, bo])
}

/// So many messages from Cleo lie at relay 0, where Bo did not read them, when it burns. Her tab is
/// closed.
pub fn burnt(seed: u64, count: usize) -> (World, [ComradeId; 3], Vec<String>) {
    let (mut world, names) = members(seed);
    world.stop(BO);
    let texts: Vec<String> = (0..count).map(|n| format!("message {n}")).collect();
    for text in &texts {
        world.send(CLEO, names[2], text);
    }
    world.pass(MINUTE);
    let mine = world.page(CLEO, names[2]);
    assert!(mine.iter().all(|it| matches!(it.tick, Tick::Accepted(_))));
    world.stop(CLEO);
    world.burn_relay(0);
    (world, names, texts)
}

/// Ana and Bo use other relays from now on.
pub fn move_on(world: &mut World) {
    for (at, relay) in [(ANA, 2), (BO, 3)] {
        world.add_relay(relay);
        if !world.is_running(at) {
            world.peers[at].online = false;
            world.restart(at);
        }
        world.peers[at].online = true;
        world.join(at, relay);
    }
}

/// Notes what devices say to each other.
pub fn listen(world: &mut World) -> Frames {
    let frames = Frames::default();
    let heard = frames.clone();
    world.meddle = Some(Box::new(move |from, frame| {
        heard
            .borrow_mut()
            .push((from, Frame::decode(&frame).unwrap()));
        vec![frame]
    }));
    frames
}

pub fn replicas(frames: &Frames) -> Vec<(usize, EnvelopeId)> {
    let frames = frames.borrow();
    let replica = |(from, frame): &(usize, Frame)| match frame {
        Frame::Replica { envelope } => Some((*from, envelope.id())),
        _ => None,
    };
    frames.iter().filter_map(replica).collect()
}

pub fn seeks(frames: &Frames) -> usize {
    let frames = frames.borrow();
    let is = |frame: &Frame| matches!(frame, Frame::Seek { .. } | Frame::Reconcile { .. });
    frames.iter().filter(|(_, frame)| is(frame)).count()
}

#[test]
fn what_a_burnt_relay_held_is_got_from_a_comrade() {
    // More than a ratchet remembers of skipped messages, and sent in the order of their hashes.
    let (mut world, [ana, cleo, _], texts) = burnt(800, 60);
    let frames = listen(&mut world);
    move_on(&mut world);
    world.pass(HOUR);
    assert_eq!(world.texts(BO, cleo), texts);
    assert_eq!(world.comrade(BO, cleo).gap, None);
    let replicas = replicas(&frames);
    let distinct: BTreeSet<_> = replicas.iter().collect();
    assert!(replicas.len() >= 60 && distinct.len() == replicas.len());
    // It is compared once, not with each link of the two devices.
    let bo = world.only(ANA).id;
    for (at, comrade) in [(ANA, bo), (BO, ana)] {
        let live = Command::SetLive {
            comrade,
            live: true,
        };
        assert_eq!(world.ask(at, live), Ok(Answer::Done));
    }
    world.pass(3 * HOUR);
    assert_eq!(world.links(ANA), 0);
    let said = seeks(&frames);
    world.restart(BO);
    // Bo still hosts his lifeboat, for Cleo; Ana is reached where she is.
    world.send(BO, ana, "with a link of the two devices");
    world.pass(SECOND);
    assert!(world.links(BO) > 0);
    world.pass(DAY);
    assert_eq!(seeks(&frames), said);
    assert_eq!(world.texts(BO, cleo), texts);
}

#[test]
fn nothing_is_doubled_when_the_author_sends_it_again() {
    let (mut world, [_, cleo, bo], texts) = burnt(801, 5);
    move_on(&mut world);
    world.pass(HOUR);
    assert_eq!(world.texts(BO, cleo), texts);
    // She is told of Bo's new home, and sends what she had handed to the old one.
    world.restart(CLEO);
    world.pass(DAY);
    assert_eq!(world.texts(BO, cleo), texts);
    let mine = world.page(CLEO, bo);
    assert!(mine.iter().all(|it| matches!(it.tick, Tick::Delivered(_))));
    world.send(CLEO, bo, "here again");
    world.pass(HOUR);
    assert_eq!(world.texts(BO, cleo).last().unwrap(), "here again");
}

#[test]
fn each_gets_what_only_the_other_has() {
    let (mut world, [_, cleo, bo]) = members(802);
    let (ana, cleo_at_ana) = world.meet(CLEO, ANA);
    world.pass(HOUR);
    // Cleo hears of no loss, and sends nothing again.
    let never = Command::SetAckPace(AckPace::Never);
    assert_eq!(world.ask(BO, never), Ok(Answer::Done));
    world.stop(BO);
    world.send(CLEO, bo, "to Bo");
    world.pass(MINUTE);
    world.stop(ANA);
    world.wipe_relay(0);
    world.restart(BO);
    world.pass(MINUTE);
    world.send(CLEO, ana, "to Ana");
    world.pass(MINUTE);
    world.stop(CLEO);
    world.stop(BO);
    world.burn_relay(0);
    let frames = listen(&mut world);
    move_on(&mut world);
    world.pass(HOUR);
    assert_eq!(world.texts(BO, cleo), ["to Bo"]);
    assert_eq!(world.texts(ANA, cleo_at_ana), ["to Ana"]);
    let from: BTreeSet<usize> = replicas(&frames).iter().map(|(from, _)| *from).collect();
    assert_eq!(from.len(), 2);
}

#[test]
fn an_answer_to_an_invite_comes_through_a_comrade() {
    let (mut world, _) = members(803);
    let dao = world.add_peer();
    world.settle_at(dao, "Dao", 1);
    let link = world.make_invite(BO);
    world.pass(MINUTE);
    world.stop(BO);
    let at_dao = world.accept(dao, &link);
    world.send(dao, at_dao, "hello Bo");
    world.pass(HOUR);
    world.stop(dao);
    world.burn_relay(0);
    move_on(&mut world);
    world.pass(HOUR);
    let asking = world.peers[BO].comrades.iter();
    let asking = asking.clone().find(|it| it.state == ComradeState::Asking);
    let asking = asking.expect("a request").id;
    assert_eq!(world.texts(BO, asking), ["hello Bo"]);
}

#[test]
fn a_comparison_that_is_cut_goes_on_with_the_next_link() {
    let (mut world, [ana, cleo, _], texts) = burnt(804, 30);
    let bo = world.only(ANA).id;
    let frames = Frames::default();
    let cut = Rc::new(RefCell::new(true));
    let (heard, is_cut) = (frames.clone(), cut.clone());
    let (mut puts, mut passed) = (BTreeSet::new(), 0);
    world.meddle = Some(Box::new(move |from, bytes| {
        let frame = Frame::decode(&bytes).unwrap();
        let is_lost = match &frame {
            // What was put is never answered, so that the link ends.
            Frame::Put { envelope } => {
                puts.insert(envelope.id());
                false
            }
            Frame::Ack { id, .. } => puts.contains(id),
            Frame::Replica { .. } => {
                passed += 1;
                passed > 10
            }
            _ => false,
        };
        if is_lost && *is_cut.borrow() {
            return Vec::new();
        }
        heard.borrow_mut().push((from, frame));
        vec![bytes]
    }));
    move_on(&mut world);
    for (at, comrade) in [(ANA, bo), (BO, ana)] {
        let live = Command::SetLive {
            comrade,
            live: true,
        };
        assert_eq!(world.ask(at, live), Ok(Answer::Done));
    }
    world.pass(MINUTE);
    assert_eq!(replicas(&frames).len(), 10);
    // What is for Bo is opened when no more comes.
    assert!(world.texts(BO, cleo).is_empty());
    let first = replicas(&frames);
    for _ in 0..20 {
        if !world.texts(BO, cleo).is_empty() {
            break;
        }
        world.pass(10 * SECOND);
    }
    let some = world.texts(BO, cleo);
    assert!(!some.is_empty() && some.len() <= 10, "{}", some.len());
    *cut.borrow_mut() = false;
    world.pass(HOUR);
    world.send(ANA, bo, "with a link of the two devices");
    world.pass(HOUR);
    let mut all = world.texts(BO, cleo);
    let mut sorted = texts;
    sorted.sort();
    all.sort();
    assert_eq!(all, sorted);
    let again: Vec<_> = replicas(&frames).split_off(10);
    assert!(again.len() >= 20 && again.iter().all(|it| !first.contains(it)));
}

/// The power of one of the two goes at a commit after the relay burnt. Gives how many each made until Bo had all.
fn play(cut: Option<(usize, u64, Cut)>) -> [u64; 2] {
    let (mut world, [_, cleo, _], texts) = burnt(805, 4);
    let before = [ANA, BO].map(|at| world.peers[at].store.commits());
    if let Some((at, commits, side)) = cut {
        plan_cut(&world, at, commits, side);
    }
    for (at, relay) in [(ANA, 2), (BO, 3)] {
        world.add_relay(relay);
        let link = crate::world::relay_link(relay);
        loop {
            if !world.is_running(at) {
                world.start(at);
                let passphrase = Secret::new(PASSPHRASE);
                world.try_ask(at, Command::Unlock { passphrase });
                continue;
            }
            let used = Command::UseRelay { link: link.clone() };
            if world.try_ask(at, used).is_some_and(|it| it.is_ok()) {
                break;
            }
        }
    }
    let mut counted = None;
    let end = world.now + 6 * HOUR;
    loop {
        let has_all = world.is_running(BO) && world.texts(BO, cleo).len() == texts.len();
        if counted.is_none() && has_all {
            counted = Some([ANA, BO].map(|at| world.peers[at].store.commits() - before[at]));
        }
        for at in [ANA, BO] {
            if !world.is_running(at) {
                world.start(at);
                let passphrase = Secret::new(PASSPHRASE);
                world.try_ask(at, Command::Unlock { passphrase });
            }
        }
        if !world.step_within(end - world.now) {
            break;
        }
    }
    assert_eq!(world.texts(BO, cleo), texts, "{cut:?}");
    counted.unwrap()
}

#[test]
fn nothing_is_lost_or_doubled_whenever_the_power_goes() {
    let commits = play(None);
    for at in [ANA, BO] {
        assert!((5..40).contains(&commits[at]), "{commits:?}");
        for n in 0..=commits[at] + 2 {
            for side in [Cut::Before, Cut::After] {
                play(Some((at, n, side)));
            }
        }
    }
}
