//! What somebody lacks, or says to lack.

use super::*;
use crate::space::{frame::Asked, outbox::What};

/// The owner of the vault has a member's post that another asks for.
pub(super) fn asked() -> (Bench, [Pen; 3], Operation) {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let mut said: Vec<_> = (0..3)
        .map(|at| pens[at].says(&bench, houses(10 + u8::try_from(at).unwrap())))
        .collect();
    let post = pens[1].says(&bench, text("hello"));
    said.push(post.clone());
    bench.hear(&under, &said);
    (bench, pens, post)
}

/// What a member says under keys of before shows that they lack those of now.
pub(super) fn says_under(bench: &mut Bench, pen: &mut Pen, under: &Commit, word: &str) {
    let late = pen.says(bench, text(word));
    bench.hear(under, &[late]);
}

pub(super) fn question(
    bench: &Bench,
    by: &Pen,
    signed_by: &Pen,
    lacks: OperationId,
    at: Millis,
) -> Bundle {
    let space = bench.space().id().0;
    let missing = Missing::new([], [lacks.0]);
    let mut asked = Asked::sign(&space, missing, at, &signed_by.key);
    asked.device = by.id();
    Bundle {
        asked: Some(asked),
        ..Bundle::default()
    }
}

/// Homes that answers wait to leave for.
fn answers(bench: &Bench) -> Vec<[u8; 32]> {
    let words = bench.space().outbox.values();
    let words = words.filter(|entry| entry.what == What::Word);
    words
        .flat_map(|entry| entry.targets.iter().map(|it| it.home.address))
        .collect()
}

/// The turn of this device has come, whatever it is.
fn answer(bench: &mut Bench) {
    bench.now += 4 * HOUR;
    let id = bench.id;
    bench.step(|open, step| open.space_answer(step, id));
}

#[test]
fn an_answer_goes_to_who_asked_and_once() {
    let (mut bench, pens, post) = asked();
    let under = bench.newest();
    let heard = question(&bench, &pens[2], &pens[2], post.id(), bench.now);
    bench.arrive(&under, std::slice::from_ref(&heard));
    assert_eq!(bench.space().questions.len(), 1);
    answer(&mut bench);
    assert_eq!(answers(&bench), [[12; 32]]);
    // A relay brings it again.
    bench.arrive(&under, &[heard]);
    answer(&mut bench);
    assert_eq!(answers(&bench).len(), 1);
}

#[test]
fn whoever_speaks_under_keys_of_before_is_given_those_in_use() {
    let (mut bench, mut pens, _) = asked();
    let before = bench.newest();
    let now = bench.reseed();
    // What may have left before the new ones came says nothing, nor does what comes under them.
    let early = pens[1].says(&bench, text("on its way"));
    bench.hear(&before, &[early]);
    bench.now += 2 * HOUR;
    let good = pens[2].says(&bench, text("I have them"));
    bench.hear(&now, &[good]);
    assert!(bench.space().questions.is_empty());
    for word in ["where is everybody?", "hello?"] {
        says_under(&mut bench, &mut pens[1], &before, word);
        assert_eq!(bench.space().questions.len(), 1);
    }
    let before_that = answers(&bench).len();
    answer(&mut bench);
    assert_eq!(answers(&bench)[before_that..], [[11; 32]]);
    // Once a day is enough.
    says_under(&mut bench, &mut pens[1], &before, "still nobody");
    assert!(bench.space().questions.is_empty());
    bench.now += DAY;
    says_under(&mut bench, &mut pens[1], &before, "a day later");
    assert_eq!(bench.space().questions.len(), 1);
}

#[test]
fn nobody_asks_in_the_name_of_others() {
    let (mut bench, pens, post) = asked();
    let under = bench.newest();
    let bundles = [
        question(&bench, &pens[2], &pens[0], post.id(), bench.now),
        question(&bench, &Pen::of(90), &Pen::of(90), post.id(), bench.now),
        // Nor after long, nor of a day to come.
        question(&bench, &pens[2], &pens[2], post.id(), bench.now - 4 * DAY),
        question(&bench, &pens[2], &pens[2], post.id(), bench.now + 2 * DAY),
    ];
    bench.arrive(&under, &bundles);
    assert!(bench.space().questions.is_empty());
}

#[test]
fn whoever_asks_all_the_time_gets_a_ration() {
    let (mut bench, pens, post) = asked();
    let under = bench.newest();
    for n in 0..40 {
        let heard = question(&bench, &pens[0], &pens[0], post.id(), bench.now + n);
        bench.arrive(&under, &[heard]);
        assert!(bench.space().questions.len() <= 1);
        bench.now += limits::MINUTE;
        let now = bench.now;
        let questions = &mut bench.space_mut().questions;
        questions
            .iter_mut()
            .for_each(|it| it.since = now - 4 * HOUR);
        let id = bench.id;
        bench.step(|open, step| open.space_answer(step, id));
    }
    assert_eq!(answers(&bench).len(), limits::MAX_ANSWERS_EACH);
}

#[test]
fn nothing_is_answered_while_much_waits_to_leave() {
    let (mut bench, pens, post) = asked();
    let under = bench.newest();
    let id = bench.id;
    bench.step(|open, step| {
        let homes = open.spaces[&id].homes();
        for _ in 0..=limits::MAX_WORDS {
            open.space_enqueue_load(step, id, under, &Load::default(), homes.clone());
        }
    });
    let before = answers(&bench).len();
    let heard = question(&bench, &pens[2], &pens[2], post.id(), bench.now);
    bench.arrive(&under, &[heard]);
    answer(&mut bench);
    assert_eq!(answers(&bench).len(), before);
    assert_eq!(bench.space().questions.len(), 1);
}

#[test]
fn a_seed_that_was_asked_for_is_an_answer() {
    let (mut bench, pens, _) = asked();
    let under = bench.newest();
    let missing = Missing::new([under], []);
    let asked = Asked::sign(&bench.space().id().0, missing, bench.now, &pens[2].key);
    let heard = Bundle {
        asked: Some(asked),
        ..Bundle::default()
    };
    bench.arrive(&under, &[heard]);
    assert_eq!(bench.space().questions.len(), 1);
    let group = bench.space().group();
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut ring = komrade_crypto::group::LeafRing::new();
    ring.renew(20_000, 0, &mut rng).unwrap();
    let leaf = ring.record(&group, &pens[2].key).unwrap();
    let (id, device) = (bench.id, pens[2].id());
    bench.step(|open, step| open.space_take_leaf(step, id, leaf));
    let pack = bench.space_mut().pack_for(&under, &device, &mut rng);
    let load = Load {
        pack,
        is_answer: true,
        ..Load::default()
    };
    assert!(load.pack.is_some());
    bench.step(|open, step| open.space_load(step, id, &load));
    assert!(bench.space().questions.is_empty());
}

#[test]
fn what_is_supplied_comes_with_the_seed_that_it_was_said_under() {
    let (mut bench, mut pens, _) = asked();
    let group = bench.space().group();
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut ring = komrade_crypto::group::LeafRing::new();
    ring.renew(20_000, 0, &mut rng).unwrap();
    let leaf = ring.record(&group, &pens[2].key).unwrap();
    let (id, device) = (bench.id, pens[2].id());
    bench.step(|open, step| open.space_take_leaf(step, id, leaf));
    // Under a seed between the one that the asker has and the one in use.
    let between = bench.reseed();
    let post = pens[1].says(&bench, text("while you lacked it"));
    bench.hear(&between, std::slice::from_ref(&post));
    let newest = bench.reseed();
    let missing = Missing::new([], [post.id().0]);
    let loads = bench.step(|open, step| {
        let space = open.spaces.get_mut(&id).unwrap();
        space.supplies(&missing, &device, newest, Vec::new(), step)
    });
    // What the author said before it goes along, under the seed that each was said under.
    let mut between_loads = loads.iter().filter_map(|load| {
        let pack = komrade_crypto::group::Pack::decode(load.pack.as_ref()?).unwrap();
        (pack.commit() == between).then(|| (pack.open(&group, ring.keys()).unwrap(), load))
    });
    let (theirs, load) = between_loads.next().unwrap();
    let control = load.control.as_ref().unwrap();
    let opened = theirs.lasting().open_control(control).unwrap();
    let bundle = Bundle::decode(&opened).unwrap();
    assert!(bundle.operations.contains(&post.as_bytes().to_vec()));
    assert!(between_loads.next().is_none());
    // Nobody is given a seed that was not for them.
    let stranger = Pen::of(90).id();
    let loads = bench.step(|open, step| {
        let space = open.spaces.get_mut(&id).unwrap();
        space.supplies(&missing, &stranger, newest, Vec::new(), step)
    });
    assert!(loads.iter().all(|load| load.pack.is_none()) && !loads.is_empty());
}
