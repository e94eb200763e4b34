//! Where things are put for members who have several homes.

use komrade_crypto::invite::JoinSecret;
use komrade_ether::{EnvelopeId, Outcome};

use super::*;
use crate::{
    NodeInfo,
    links::Flight,
    relay_link::RelayLink,
    space::outbox::{party, piece},
};

/// The owner of the vault says something. Where it is put, and its number.
fn says(bench: &mut Bench, what: &str) -> (Vec<u8>, u64) {
    let id = bench.id;
    bench
        .step(|open, step| open.space_say(step, id, text(what)))
        .unwrap();
    let (number, entry) = bench.space().outbox.last_key_value().unwrap();
    let homes = entry.targets.iter().map(|it| it.home.address[0]);
    let mut homes: Vec<u8> = homes.collect();
    homes.sort_unstable();
    (homes, *number)
}

/// What waits to be put, of an entry.
fn waits(bench: &Bench, number: u64) -> Vec<(u8, bool)> {
    let targets = bench.space().outbox[&number].targets.iter();
    let waiting = targets.filter(|it| it.accepted_at.is_none());
    let waiting = waiting.map(|it| (it.home.address[0], it.hold_until().is_none()));
    let mut waiting: Vec<(u8, bool)> = waiting.collect();
    waiting.sort_unstable();
    waiting
}

/// One's own node says this of what was put to one of the homes.
fn lands(bench: &mut Bench, number: u64, home: u8, outcome: Outcome) -> EnvelopeId {
    let id = bench.id;
    bench.step(|open, step| {
        let space = open.spaces.get_mut(&id).unwrap();
        let mut targets = space.outbox[&number].targets.iter();
        let at = targets.position(|it| it.home.address[0] == home).unwrap();
        let (envelope, ..) = space.envelope(number, at, step).unwrap();
        let flight = Flight {
            comrade: party(id),
            number: piece(number, at),
            envelope: envelope.id(),
            sent_at: step.now,
            leg: None,
        };
        open.space_landed(step, &flight, outcome);
        envelope.id()
    })
}

#[test]
fn who_is_refused_at_the_first_home_is_reached_at_the_next_and_nobody_twice() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let homes: [&[u8]; 3] = [&[5, 6], &[5, 7], &[7, 5]];
    for (pen, homes) in pens.iter_mut().zip(homes) {
        let said = pen.says(&bench, houses_at(homes));
        bench.hear(&under, &[said]);
    }
    let (put, first) = says(&mut bench, "first");
    assert_eq!(put, [5, 7]);
    lands(&mut bench, first, 5, Outcome::NotAllowed);
    // It leaves with the next duties, and goes to 7 anyhow.
    assert_eq!(waits(&bench, first), [(6, true), (7, false)]);
    let (put, second) = says(&mut bench, "second");
    assert_eq!(put, [6, 7]);
    // Whoever has no other home is tried again there.
    let only = pens[0].says_at(&bench, bench.now + 1, houses_at(&[6]));
    bench.hear(&under, &[only]);
    lands(&mut bench, second, 6, Outcome::NotAllowed);
    assert_eq!(waits(&bench, second), [(6, true), (7, false)]);
    // What passes is no reason to look elsewhere.
    let (_, third) = says(&mut bench, "third");
    lands(&mut bench, third, 7, Outcome::Full);
    lands(&mut bench, third, 6, Outcome::WrongToken);
    assert_eq!(waits(&bench, third), [(6, false), (7, false)]);
    bench.pass(limits::SHUNNED_FOR);
    assert!(bench.space().shunned.is_empty());
    let (put, _) = says(&mut bench, "fourth");
    assert_eq!(put, [5, 6, 7]);
}

#[test]
fn of_homes_that_refuse_the_oldest_is_forgotten() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let said = pens[0].says(&bench, houses_at(&[5, 6]));
    bench.hear(&under, &[said]);
    let until = bench.now + limits::SHUNNED_FOR;
    for n in 1..=limits::MAX_SHUNNED {
        let mut address = [0xff; 32];
        address[..8].copy_from_slice(&(usize::MAX - n).to_be_bytes());
        let ago = u64::try_from(n).unwrap();
        let spot = (address, [0; 32], 0);
        bench.space_mut().shunned.insert(spot, until - ago);
    }
    let (_, number) = says(&mut bench, "hello");
    lands(&mut bench, number, 5, Outcome::NotAllowed);
    assert_eq!(bench.space().shunned.len(), limits::MAX_SHUNNED);
    let (put, _) = says(&mut bench, "again");
    assert_eq!(put, [6]);
}

#[test]
fn a_forward_that_came_to_nothing_goes_to_the_next_home() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let said = pens[0].says(&bench, houses_at(&[5, 6]));
    bench.hear(&under, &[said]);
    let (_, number) = says(&mut bench, "hello");
    let envelope = lands(&mut bench, number, 5, Outcome::Accepted);
    assert_eq!(waits(&bench, number), []);
    bench.step(|open, step| open.space_returned(step, 1, &envelope, Outcome::Unreachable));
    assert_eq!(waits(&bench, number), [(6, true)]);
}

/// These say where they are, each at a home of their own, and what to seal to.
fn settle(bench: &mut Bench, pens: &mut [Pen]) {
    let under = bench.newest();
    let group = bench.space().group();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    for (number, pen) in (10..).zip(pens) {
        let said = pen.says(bench, houses(number));
        let mut ring = komrade_crypto::group::LeafRing::new();
        ring.renew(20_000, 0, &mut rng).unwrap();
        let told = Bundle {
            leaves: vec![ring.record(&group, &pen.key).unwrap().encode()],
            ..bundle(&[said])
        };
        bench.arrive(&under, &[told]);
    }
}

#[test]
fn new_keys_cost_the_smallest_envelope_for_each_home() {
    let mut pens: Vec<Pen> = (1..=15).map(Pen::of).collect();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    settle(&mut bench, &mut pens);
    // And something that did not settle yet.
    let genesis = bench.space().id();
    for pen in &mut pens[..4] {
        let beside = pen.builds_on(&bench, vec![genesis], decide("?".into()));
        bench.hear(&under, &[beside]);
    }
    let before = bench.space().outbox.len();
    bench.reseed();
    let entries = bench.space().outbox.values().skip(before);
    let most = Class::ordinary(komrade_ether::Size::K2).capacity();
    let sizes: Vec<usize> = entries.map(|entry| entry.body.len()).collect();
    assert_eq!(sizes.len(), pens.len());
    assert!(
        sizes.iter().all(|size| *size <= most),
        "{sizes:?} of {most}"
    );
}

#[test]
fn whoever_is_back_is_given_new_keys_under_those_that_they_have() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    settle(&mut bench, &mut pens);
    let before = bench.newest();
    let mut copy_of_bo = pens[2].copy();
    expel(&mut bench, &mut pens);
    let without = bench.reseed();
    // Bo's ballot counts no more.
    let genesis = bench.space().id();
    let beside = copy_of_bo.builds_on(&bench, vec![genesis], decide("?".into()));
    bench.hear(&without, &[beside]);
    assert!(bench.space().society.is_member(&pens[0].person));
    bench.reseed();
    let entries = bench.space().outbox.values();
    let packs = entries.filter(|entry| {
        let load = Load::decode(&entry.body).unwrap();
        load.pack.is_some() && entry.made_at == bench.now
    });
    let under = packs.map(|entry| (entry.targets[0].home.address[0], entry.commit));
    let under: BTreeMap<u8, Option<Commit>> = under.collect();
    let expected = [(10, Some(before)), (11, Some(without)), (12, Some(without))];
    assert_eq!(under, BTreeMap::from(expected));
}

#[test]
fn new_keys_for_more_homes_than_a_step_holds_leave_in_several() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let homes = 2 * limits::STEP_CHANGES;
    let Home::Node(home) = homes_of(&[5]).remove(0) else {
        panic!("no node");
    };
    let packs = (0..homes).map(|_| (under, home, Load::default()));
    bench.space_mut().packs.extend(packs);
    let id = bench.id;
    bench.step(|open, step| open.space_go_on_sending_seed(step, id));
    assert!(bench.again && !bench.space().packs.is_empty());
    bench.step(|open, step| open.space_reseed(step, id));
    bench.rest();
    assert!(bench.space().packs.is_empty());
    assert!(bench.space().outbox.len() >= homes);
}

#[test]
fn keys_for_which_there_is_no_room_are_left_to_be_asked_for() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    settle(&mut bench, &mut pens);
    let Home::Node(home) = homes_of(&[5]).remove(0) else {
        panic!("no node");
    };
    let waits = |bench: &mut Bench, count| {
        let packs = (0..count).map(|_| (under, home, Load::default()));
        bench.space_mut().packs = packs.collect();
        bench.reseed();
        let packs = bench.space().packs.iter();
        packs.filter(|(.., load)| *load != Load::default()).count()
    };
    assert_eq!(waits(&mut bench, limits::MAX_PACKS - 2), 2);
    assert_eq!(waits(&mut bench, limits::MAX_PACKS), 0);
}

#[test]
fn what_waits_for_a_node_of_before_goes_to_the_present_one() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let said = pens[0].says(&bench, houses_at(&[5]));
    bench.hear(&under, &[said]);
    let node = |number: u8| NodeInfo {
        address: [number; 32],
        key: [number; 32],
        token: [number; 16],
        bits: 0,
        incarnation: 1,
    };
    let link = RelayLink {
        origin: "https://relay.example".into(),
        join_secret: Some(JoinSecret::from_bytes([1; 16])),
    };
    let (own, rng) = (&mut bench.open.own, &mut bench.rng);
    let relay = own.use_relay(link, true, START, rng).unwrap();
    own.note_node(relay, &node(5), rng);
    own.note_met(relay);
    let (put, first) = says(&mut bench, "first");
    assert_eq!(put, [5]);
    let (own, rng) = (&mut bench.open.own, &mut bench.rng);
    own.note_node(relay, &node(6), rng);
    bench.rest();
    assert_eq!(waits(&bench, first), [(6, true)]);
    let (put, _) = says(&mut bench, "second");
    assert_eq!(put, [6]);
}
