//! What somebody lacks, or says to lack.

use super::*;
use komrade_view::{AckPace, CollectiveCommand};

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
fn whoever_asks_for_what_nobody_has_is_answered_all_the_same() {
    let (mut bench, pens, post) = asked();
    let under = bench.newest();
    for number in 0..2 * limits::MAX_ANSWERS_EACH {
        let nowhere = invented(u16::try_from(number).unwrap());
        let heard = question(&bench, &pens[2], &pens[2], nowhere, bench.now);
        bench.arrive(&under, &[heard]);
        bench.now += limits::MINUTE;
        answer_now(&mut bench);
    }
    assert!(answers(&bench).is_empty());
    let heard = question(&bench, &pens[2], &pens[2], post.id(), bench.now);
    bench.arrive(&under, &[heard]);
    answer(&mut bench);
    assert_eq!(answers(&bench), [[12; 32]]);
}

/// The turn of this device has come for all that it was asked.
fn answer_now(bench: &mut Bench) {
    let (id, long_ago) = (bench.id, bench.now - limits::QUESTION_LIFE / 2);
    for question in &mut bench.space_mut().questions {
        question.since = long_ago;
    }
    bench.step(|open, step| open.space_answer(step, id));
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
    let (id, pack) = (bench.id, pack_for(&mut bench, &pens[2]));
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
}

#[test]
fn what_whoever_asks_cannot_read_is_not_supplied() {
    for history in [false, true] {
        let mut pens = three();
        let mut bench = Bench::found_sharing(&mut pens, history);
        let before = bench.newest();
        let post = pens[1].says(&bench, text("before they came"));
        bench.hear(&before, std::slice::from_ref(&post));
        let newest = bench.reseed();
        let stranger = Pen::of(90).id();
        let missing = [Missing::new([], [post.id().0]), Missing::new([before], [])];
        for missing in missing {
            let loads = supplies(&mut bench, &missing, &stranger, newest);
            // Nobody is given a seed that was not for them; by the rules they may have what was said under it all the same.
            assert!(loads.iter().all(|load| load.pack.is_none()));
            let has_said = !missing.heads().is_empty();
            assert_eq!(loads.len(), usize::from(history && has_said));
        }
    }
}

#[test]
fn what_others_supplied_of_a_question_is_not_supplied_again() {
    let (mut bench, mut pens, post) = asked();
    let under = bench.newest();
    let other = pens[0].says(&bench, text("another"));
    bench.hear(&under, std::slice::from_ref(&other));
    let missing = Missing::new([under], [post.id().0, other.id().0]);
    let asked = Asked::sign(&bench.space().id().0, missing, bench.now, &pens[2].key);
    let heard = Bundle {
        asked: Some(asked),
        ..Bundle::default()
    };
    bench.arrive(&under, &[heard]);
    let (id, pack) = (bench.id, pack_for(&mut bench, &pens[2]));
    let supplied = bundle(std::slice::from_ref(&post));
    let answer = Load {
        pack,
        is_answer: true,
        ..bench.control(&under, &supplied)
    };
    bench.step(|open, step| open.space_load(step, id, &answer));
    let [question] = bench.space().questions.as_slice() else {
        panic!("it is not answered as a whole")
    };
    assert_eq!(question.missing, Missing::new([], [other.id().0]));
    let answer = Load {
        is_answer: true,
        ..bench.control(&under, &bundle(&[other]))
    };
    bench.step(|open, step| open.space_load(step, id, &answer));
    assert!(bench.space().questions.is_empty());
}

/// The newest seed, sealed to this device.
fn pack_for(bench: &mut Bench, pen: &Pen) -> Option<Vec<u8>> {
    let (id, under) = (bench.id, bench.newest());
    let group = bench.space().group();
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut ring = komrade_crypto::group::LeafRing::new();
    ring.renew(20_000, 0, &mut rng).unwrap();
    let leaf = ring.record(&group, &pen.key).unwrap();
    bench.step(|open, step| open.space_take_leaf(step, id, leaf));
    bench.space_mut().pack_for(&under, &pen.id(), &mut rng)
}

#[test]
fn what_lies_before_something_that_cannot_be_read_is_supplied_once() {
    let mut pens = three();
    let mut bench = Bench::found_sharing(&mut pens, false);
    let before = bench.newest();
    let decided = pens[1].says(&bench, decide("?".into()));
    let post = pens[1].says(&bench, text("before they came"));
    bench.hear(&before, &[decided, post.clone()]);
    let newest = bench.reseed();
    let (stranger, other) = (Pen::of(90).id(), Pen::of(91).id());
    let missing = Missing::new([], [post.id().0]);
    // What was decided is for everybody.
    for (who, loads) in [(stranger, 1), (stranger, 0), (other, 1), (other, 0)] {
        let supplied = supplies(&mut bench, &missing, &who, newest);
        assert_eq!(supplied.len(), loads);
    }
    // Of too many one is forgotten, and said again at most.
    for number in 0..2 * limits::MAX_KEPT_FROM {
        let mut device = [0; 32];
        device[..8].copy_from_slice(&number.to_be_bytes());
        supplies(&mut bench, &missing, &device, newest);
    }
    assert_eq!(bench.space().kept_from.len(), limits::MAX_KEPT_FROM);
}

/// What a device is given that asks under some keys.
fn supplies(
    bench: &mut Bench,
    missing: &Missing,
    device: &[u8; 32],
    asked_under: Commit,
) -> Vec<Load> {
    let id = bench.id;
    bench.step(|open, step| {
        let space = open.spaces.get_mut(&id).unwrap();
        space.supplies(missing, device, asked_under, Vec::new(), step)
    })
}

/// How many minutes pass before this device asks, twelve times.
fn pauses(bench: &mut Bench) -> Vec<Millis> {
    let id = bench.id;
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let asked = bench.space().record.asked;
        let begun = bench.now;
        while bench.space().record.asked == asked {
            bench.now += limits::MINUTE;
            bench.step(|open, step| open.space_ask(step, id));
            assert!(bench.now < begun + DAY, "it asks no more");
        }
        pauses.push((bench.now - begun) / limits::MINUTE);
    }
    pauses
}

/// Somebody says something that builds on what nobody has.
fn names_something_lost(bench: &mut Bench, pen: &mut Pen) {
    pen.says(bench, text("lost"));
    let post = pen.says(bench, text("after it"));
    let under = bench.newest();
    bench.hear(&under, &[post]);
}

#[test]
fn what_nobody_gives_is_asked_for_at_last_as_seldom_at_the_quick_pace_as_at_the_calm_one() {
    let mut last = Vec::new();
    for pace in [AckPace::Quick, AckPace::Calm] {
        let (mut bench, mut pens, _) = asked();
        bench.open.own.ack_pace = pace;
        names_something_lost(&mut bench, &mut pens[1]);
        let waits = pauses(&mut bench);
        assert!(waits.is_sorted());
        last.push(waits.last().copied());
        // What is missing since then is asked for without delay.
        names_something_lost(&mut bench, &mut pens[2]);
        let next = pauses(&mut bench)[0];
        assert!(
            next <= bench.open.patience(limits::ASK_PACE) / limits::MINUTE + 1,
            "{next}"
        );
    }
    let longest = limits::ASK_PACE << limits::MOST_ASKED;
    assert_eq!(last, [Some(longest / limits::MINUTE); 2]);
}

/// The others decide that the owner of the vault goes.
fn expels_the_owner(bench: &mut Bench, pens: &mut [Pen; 3]) {
    let under = bench.newest();
    let person = bench.space().own.person;
    let proposed = pens[0].says(bench, propose(Subject::Remove { person }));
    let proposal = proposed.id();
    bench.hear(&under, &[proposed]);
    for pen in &mut *pens {
        let vote = pen.says(bench, ballot(proposal));
        bench.hear(&under, &[vote]);
    }
    let enact = pens[0].says(bench, Body::Enact { proposal });
    bench.hear(&under, &[enact]);
    assert!(matches!(bench.space().record.place, Place::Removed(_)));
}

#[test]
fn nobody_is_kept_asking_by_names_of_what_there_is_not() {
    let (mut bench, mut pens, _) = asked();
    let under = bench.newest();
    let id = bench.id;
    let mut asked = Vec::new();
    for _ in 0..8 {
        // One in each hour of two days.
        for _ in 0..48 {
            pens[1].says(&bench, text("lost"));
            let post = pens[1].says(&bench, text("after it"));
            bench.hear(&under, &[post]);
            bench.now += HOUR;
            bench.step(|open, step| open.space_ask(step, id));
        }
        asked.push(bench.space().record.asked);
    }
    let most = limits::MOST_ASKED_AT_ONCE;
    assert!(asked[0] >= most && asked[0] < most + 8, "{asked:?}");
    // Three times a day at most.
    assert!(asked[7] <= asked[0] + 7 * 6, "{asked:?}");
}

#[test]
fn whoever_went_asks_a_few_times_when_others_go_on_to_seal_to_them() {
    for leaves in [false, true] {
        let (mut bench, mut pens, _) = asked();
        names_something_lost(&mut bench, &mut pens[0]);
        for _ in 0..limits::MOST_ASKED_OUTSIDE {
            bench.pass(DAY);
        }
        bench.now += 1;
        if leaves {
            let leave = CollectiveCommand::Leave(bench.id);
            bench.step(|open, step| open.collective_command(step, 1, leave));
            assert!(matches!(bench.space().record.place, Place::Left(_)));
        } else {
            expels_the_owner(&mut bench, &mut pens);
        }
        bench.pass(DAY);
        assert_eq!(bench.space().record.asked, 0);
        // That they went does not hold: somebody knows of more.
        names_something_lost(&mut bench, &mut pens[1]);
        bench.pass(DAY);
        assert!(bench.space().record.asked > 0);
        for _ in 0..2 * limits::MOST_ASKED_OUTSIDE {
            bench.pass(DAY);
        }
        assert_eq!(bench.space().record.asked, limits::MOST_ASKED_OUTSIDE);
    }
}

#[test]
fn what_shows_that_a_removal_does_not_hold_may_come_of_anybody() {
    let (mut bench, mut pens, _) = asked();
    let under = bench.newest();
    // They came in while the owner of the vault was thought to be out.
    let mut newcomer = Pen::of(90);
    let lost = vec![invented(7)];
    let unheard = newcomer.builds_on(&bench, lost.clone(), decide("?".into()));
    bench.hear(&under, std::slice::from_ref(&unheard));
    expels_the_owner(&mut bench, &mut pens);
    let heard = newcomer.builds_on(&bench, lost, decide("and?".into()));
    bench.hear(&under, std::slice::from_ref(&heard));
    assert!(bench.knows(&heard));
    // No more of them than of newcomers whose admission comes later.
    for _ in 0..2 * limits::MAX_UNKNOWN {
        let more = newcomer.builds_on(&bench, vec![invented(7)], decide("!".into()));
        bench.hear(&under, &[more]);
    }
    let waits = bench.space().unplaced.values();
    let theirs = waits.filter(|it| it.person == newcomer.person);
    assert_eq!(theirs.count(), limits::MAX_UNKNOWN);
}

/// The owner of the vault has no other keys than some of which nobody told yet.
fn has_unproven_keys(bench: &mut Bench) -> Commit {
    let (id, mut rng) = (bench.id, ChaCha20Rng::seed_from_u64(9));
    bench.step(|open, step| open.space_renew_leaf(step, id, false));
    let space = bench.space();
    let leaf = space.devices[&space.own.device].leaf.as_ref().unwrap();
    let seed = Seed::draw(space.group(), space.root().unwrap(), &mut rng);
    let slice = seed.slice(leaf.key(), &mut rng).unwrap();
    let load = Load {
        pack: seed.pack(&[slice]).ok(),
        ..Load::default()
    };
    let before = space.keys.newest_first();
    bench.step(|open, step| open.space_load(step, id, &load));
    for commit in before {
        bench.space_mut().keys.remove(&commit);
    }
    assert_eq!(bench.space().keys.newest(), None);
    seed.lasting().commit()
}

#[test]
fn whoever_has_keys_that_nothing_proves_asks_and_goes_by_them() {
    let (mut bench, mut pens, _) = asked();
    let unproven = has_unproven_keys(&mut bench);
    pens[1].says(&bench, text("lost"));
    let post = pens[1].says(&bench, text("after it"));
    bench.hear(&unproven, &[post]);
    bench.pass(HOUR);
    assert_eq!(bench.space().record.asked, 1);
    let id = bench.id;
    // Nothing else is said by them.
    bench
        .step(|open, step| open.space_say(step, id, decide("?".into())))
        .unwrap();
    bench
        .step(|open, step| open.space_say(step, id, Body::Leave))
        .unwrap();
    bench.rest();
    let by = bench.space().outbox.values().map(|entry| entry.commit);
    let by: Vec<Option<Commit>> = by.rev().take(2).collect();
    assert_eq!(by, [Some(unproven), None]);
}
