//! Last words that are lost, keys that somebody lacks who says nothing more, and who went and does not know it.

use komrade_crypto::group::{LeafRing, Pack};

use super::*;
use crate::space::outbox::What;

/// Members at homes of their own, who have leaf keys.
pub(super) fn housed() -> (Bench, [Pen; 3], [LeafRing; 3]) {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let (under, group) = (bench.newest(), bench.space().group());
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut rings = [LeafRing::new(), LeafRing::new(), LeafRing::new()];
    for (at, (pen, ring)) in (10..).zip(pens.iter_mut().zip(&mut rings)) {
        ring.renew(20_000, 0, &mut rng).unwrap();
        let leaf = ring.record(&group, &pen.key).unwrap();
        let said = pen.says(&bench, houses(at));
        let told = Bundle {
            leaves: vec![leaf.encode()],
            ..bundle(&[said])
        };
        bench.arrive(&under, &[told]);
    }
    (bench, pens, rings)
}

pub(super) fn says(bench: &mut Bench, what: Body) -> Operation {
    let id = bench.id;
    bench.now += limits::MINUTE;
    bench.step(|open, step| open.space_speak(step, id, what).unwrap())
}

/// Words that wait to leave, each with the seed that it is hinted under and the homes that it is for.
pub(super) fn words(bench: &Bench) -> Vec<(Commit, Load, Vec<u8>)> {
    let entries = bench.space().outbox.values();
    let words = entries.filter(|entry| entry.what == What::Word);
    words
        .map(|entry| {
            let homes = entry.targets.iter().map(|it| it.home.address[0]);
            let load = Load::decode(&entry.body).unwrap();
            (entry.commit.unwrap(), load, homes.collect())
        })
        .collect()
}

/// What this device says by itself now: the operations, and under which seed.
pub(super) fn reminds(bench: &mut Bench) -> Option<(Commit, Vec<Operation>)> {
    let (id, before) = (bench.id, words(bench).len());
    bench.step(|open, step| {
        open.space_remind(step, id);
        open.space_leave_once_more(step, id);
    });
    let (under, load, homes) = words(bench).into_iter().nth(before)?;
    assert_eq!(homes.len(), bench.space().homes().len());
    let seed = bench.space().keys.get(&under).unwrap();
    let opened = seed.lasting().open_control(&load.control.unwrap()).unwrap();
    let said = Bundle::decode(&opened).unwrap().operations;
    let said = said.iter().map(|it| Operation::decode(it).unwrap());
    Some((under, said.collect()))
}

#[test]
fn whoever_gets_no_answer_speaks_up_twice_and_no_more() {
    let (mut bench, mut pens, _) = housed();
    let under = bench.newest();
    assert!(reminds(&mut bench).is_none());
    let post = says(&mut bench, text("is anybody there?"));
    bench.now += DAY - HOUR;
    assert!(reminds(&mut bench).is_none());
    bench.now += HOUR;
    let (seed, said) = reminds(&mut bench).unwrap();
    assert_eq!(seed, under);
    // It names what went before it, and shows nothing.
    assert_eq!(said[0].fields().previous, Some(post.id()));
    assert!(matches!(said[0].body(), Body::Profile { .. }));
    bench.now += DAY;
    assert!(reminds(&mut bench).is_none());
    bench.now += 2 * DAY;
    assert!(reminds(&mut bench).is_some());
    bench.now += 30 * DAY;
    assert!(reminds(&mut bench).is_none());
    // Whoever is answered has no reason to.
    let under = bench.reseed();
    let own = says(&mut bench, text("anybody now?"));
    let mut answer = pens[0].fields(&bench, bench.space().society.heads(), text("yes"));
    answer.seen.push(Head {
        device: own.fields().device,
        sequence: own.fields().sequence,
        id: own.id(),
    });
    let answer = pens[0].sign(answer);
    bench.now += 2 * DAY;
    bench.hear(&under, &[answer]);
    assert!(reminds(&mut bench).is_none());
}

#[test]
fn whoever_speaks_up_does_so_under_keys_that_others_have_and_nobody_who_went() {
    let (mut bench, mut pens, _) = housed();
    let before = bench.newest();
    // One that may have been lost with whatever held it.
    let alone = bench.reseed();
    says(&mut bench, text("do you have them?"));
    bench.now += DAY;
    assert_eq!(reminds(&mut bench).unwrap().0, before);
    let good = pens[1].says(&bench, text("I have them"));
    bench.hear(&alone, &[good]);
    says(&mut bench, text("so do I"));
    bench.now += DAY;
    assert_eq!(reminds(&mut bench).unwrap().0, alone);
    expel(&mut bench, &mut pens);
    bench.now += 4 * DAY;
    // None is for those who are left.
    assert!(reminds(&mut bench).is_none());
    let after = bench.reseed();
    says(&mut bench, text("and these?"));
    bench.now += DAY;
    assert_eq!(reminds(&mut bench).unwrap().0, after);
}

#[test]
fn whoever_hears_nothing_under_the_keys_in_use_speaks_up() {
    let (mut bench, mut pens, _) = housed();
    let under = bench.newest();
    bench.now += 4 * DAY;
    reminds(&mut bench);
    reminds(&mut bench);
    let heard = pens[1].says(&bench, text("hello"));
    bench.hear(&under, &[heard]);
    bench.now += DAY - HOUR;
    assert!(reminds(&mut bench).is_none());
    // Others may be first.
    bench.now += limits::REMINDING * limits::REMIND_PACE;
    assert!(reminds(&mut bench).is_some());
}

/// The turn of this device has come, whatever it is: what it answers.
pub(super) fn answer(bench: &mut Bench) -> Vec<(Commit, Load, Vec<u8>)> {
    let (id, before) = (bench.id, words(bench).len());
    bench.now += 4 * HOUR;
    bench.step(|open, step| open.space_answer(step, id));
    words(bench).split_off(before)
}

/// What a load holds that is sealed to one device.
pub(super) fn unfolds(bench: &Bench, load: &Load, ring: &LeafRing) -> Vec<Vec<u8>> {
    let pack = Pack::decode(load.pack.as_ref().unwrap()).unwrap();
    let seed = pack.open(&bench.space().group(), ring.keys()).unwrap();
    assert!(bench.space().keys.get(&seed.commit()).is_none());
    let control = load.control.as_ref().unwrap();
    let opened = seed.lasting().open_control(control).unwrap();
    Bundle::decode(&opened).unwrap().operations
}

#[test]
fn whoever_went_and_does_not_know_it_is_told_and_nobody_else_reads_that() {
    let (mut bench, mut pens, rings) = housed();
    let under = bench.newest();
    let knows = bench.space().society.heads();
    expel(&mut bench, &mut pens);
    let after = bench.space().society.heads();
    bench.reseed();
    bench.now += 2 * HOUR;
    // Nor anything of what was decided since.
    let later = pens[1].says(&bench, decide("without Mallory?".into()));
    bench.hear(&bench.newest(), std::slice::from_ref(&later));
    let word = pens[0].builds_on(&bench, knows.clone(), text("hello?"));
    bench.hear(&under, &[word]);
    let told = answer(&mut bench);
    assert_eq!(told.len(), 1);
    let (seed, load, homes) = &told[0];
    assert_eq!((*seed, homes), (under, &vec![10]));
    let operations = unfolds(&bench, load, &rings[0]);
    let ids: Vec<OperationId> = operations
        .iter()
        .map(|it| Operation::decode(it).unwrap().id())
        .collect();
    assert!(after.iter().all(|id| ids.contains(id)));
    assert!(!ids.contains(&later.id()) && ids.iter().all(|id| !knows.contains(id)));
    let pack = Pack::decode(load.pack.as_ref().unwrap()).unwrap();
    let group = bench.space().group();
    assert!(
        rings[1..]
            .iter()
            .all(|it| pack.open(&group, it.keys()).is_err())
    );
    // Once a day, and not whoever knows it.
    let word = pens[0].builds_on(&bench, knows, text("hello!"));
    bench.hear(&under, &[word]);
    assert!(answer(&mut bench).is_empty());
    bench.now += DAY;
    let word = pens[0].builds_on(&bench, after, text("so I went"));
    bench.hear(&under, &[word]);
    assert!(answer(&mut bench).is_empty());
}

#[test]
fn whoever_left_says_so_once_more_and_gives_their_own_words_only() {
    let (mut bench, mut pens, rings) = housed();
    let under = bench.newest();
    let theirs = pens[1].says(&bench, decide("Friday?".into()));
    bench.hear(&under, std::slice::from_ref(&theirs));
    let own = says(&mut bench, decide("Saturday?".into()));
    let id = bench.id;
    let leave = says(&mut bench, Body::Leave);
    bench.step(|open, step| {
        let now = step.now;
        open.spaces.get_mut(&id).unwrap().record.place = Place::Left(now);
    });
    assert!(reminds(&mut bench).is_none());
    bench.now += DAY;
    let (seed, said) = reminds(&mut bench).unwrap();
    let said: Vec<OperationId> = said.iter().map(Operation::id).collect();
    assert_eq!((seed, said), (under, vec![own.id(), leave.id()]));
    let missing = Missing::new([], [own.id().0, theirs.id().0]);
    let now = bench.now;
    let asked = super::super::frame::Asked::sign(&bench.space().id().0, missing, now, &pens[2].key);
    let heard = Bundle {
        asked: Some(asked),
        ..Bundle::default()
    };
    bench.arrive(&under, &[heard]);
    let given = answer(&mut bench);
    assert_eq!(given.len(), 1);
    let control = given[0].1.control.as_ref().unwrap();
    let lasting = bench.space().keys.get(&under).unwrap().lasting();
    let given = Bundle::decode(&lasting.open_control(control).unwrap()).unwrap();
    assert!(given.operations.contains(&own.as_bytes().to_vec()));
    assert!(!given.operations.contains(&theirs.as_bytes().to_vec()));
    drop(rings);
}

#[test]
fn a_post_that_comes_by_two_ways_has_one_place() {
    let (mut bench, mut pens, _) = housed();
    let under = bench.newest();
    let post = pens[1].says(&bench, text("hello"));
    bench.hear(&under, std::slice::from_ref(&post));
    bench.space_mut().fresh.push(post);
    bench.step(|_, _| ());
    assert_eq!(bench.count(Table::Posts), 1);
}
