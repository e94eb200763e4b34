//! Answers, and what devices say by themselves: no more than fits, and no more than others can be made to say.

use komrade_ether::Class;

use super::{
    questions::{asked, question, says_under},
    silence::{answer, housed, reminds, says, unfolds, words},
    *,
};

/// As long as a proposal may be.
fn long(number: usize) -> Body {
    let option = |at: usize| format!("{number} {at} {}", "x".repeat(180));
    propose(Subject::Decide {
        question: "?".repeat(1_000),
        options: (0..16).map(option).collect(),
    })
}

fn bytes(operations: &[Vec<u8>]) -> usize {
    operations.iter().map(Vec::len).sum()
}

#[test]
fn whoever_went_is_told_no_more_than_fits_however_much_they_ask_for() {
    let (mut bench, mut pens, rings) = housed();
    let under = bench.newest();
    let mut decided = Vec::new();
    for pen in &mut pens {
        for number in 0..4 {
            let said = pen.says(&bench, long(number));
            bench.hear(&under, std::slice::from_ref(&said));
            assert!(bench.knows(&said));
            decided.push(said);
        }
    }
    let all: Vec<Vec<u8>> = decided.iter().map(|it| it.as_bytes().to_vec()).collect();
    assert!(bytes(&all) > limits::SUPPLY_BYTES);
    expel(&mut bench, &mut pens);
    let missing = Missing::new([], decided.iter().map(|it| it.id().0));
    let now = bench.now;
    let asked = super::super::frame::Asked::sign(&bench.space().id().0, missing, now, &pens[0].key);
    let heard = Bundle {
        asked: Some(asked),
        ..Bundle::default()
    };
    bench.arrive(&under, &[heard]);
    let told = answer(&mut bench);
    assert_eq!(told.len(), 1);
    let operations = unfolds(&bench, &told[0].1, &rings[0]);
    assert!(bytes(&operations) <= limits::SUPPLY_BYTES);
    // By what they went is among them, and some of what they asked for.
    let heads = bench.space().society.heads();
    let ids = operations
        .iter()
        .map(|it| Operation::decode(it).unwrap().id());
    let ids: Vec<OperationId> = ids.collect();
    assert!(heads.iter().all(|id| ids.contains(id)));
    assert!(decided.iter().any(|it| ids.contains(&it.id())));
}

#[test]
fn whoever_left_says_so_with_no_more_than_fits() {
    let (mut bench, _pens, _) = housed();
    for number in 0..12 {
        if number % 4 == 0 {
            bench.now += 10 * DAY;
        }
        says(&mut bench, long(number));
    }
    let leave = says(&mut bench, Body::Leave);
    let now = bench.now;
    bench.space_mut().record.place = Place::Left(now);
    bench.now += DAY;
    let (_, said) = reminds(&mut bench).unwrap();
    let all: Vec<Vec<u8>> = said.iter().map(|it| it.as_bytes().to_vec()).collect();
    assert!(bytes(&all) <= limits::SUPPLY_BYTES);
    assert_eq!(said.last().map(Operation::id), Some(leave.id()));
    assert!(said.len() > 4);
}

#[test]
fn what_can_never_leave_makes_room_for_answers() {
    let (mut bench, _, _) = housed();
    let (id, under) = (bench.id, bench.newest());
    let large = Load {
        control: Some(vec![0; 70_000]),
        ..Load::default()
    };
    assert!(Class::smallest_for(large.encode().len(), false).is_none());
    bench.step(|open, step| {
        let homes = open.spaces[&id].homes();
        open.space_enqueue_load(step, id, under, &large, homes.clone());
        // Of a seed that had to go before this was its turn.
        for _ in 0..=limits::MAX_WORDS {
            let gone = Commit([7; 32]);
            open.space_enqueue_load(step, id, gone, &Load::default(), homes.clone());
        }
        open.space_enqueue_load(step, id, under, &Load::default(), homes);
    });
    bench.rest();
    assert_eq!(words(&bench).len(), 1);
    bench.restart();
    assert_eq!(words(&bench).len(), 1);
}

#[test]
fn nobody_gets_more_answers_by_the_dates_of_what_they_say() {
    let (mut bench, mut pens, post) = asked();
    let (id, before) = (bench.id, bench.newest());
    bench.reseed();
    bench.now += 2 * HOUR;
    let ahead = pens[1].says_at(&bench, bench.now + 2 * DAY, text("of a day to come"));
    bench.hear(&before, &[ahead]);
    assert!(bench.space().questions.is_empty());
    // What one says under old keys counts as a question, and so it counts among those.
    let newest = bench.newest();
    for n in 0..limits::MAX_ANSWERS_EACH as u64 {
        let heard = question(&bench, &pens[1], &pens[1], post.id(), bench.now + n);
        bench.arrive(&newest, &[heard]);
        let since = bench.now - 4 * HOUR;
        let questions = &mut bench.space_mut().questions;
        questions.iter_mut().for_each(|it| it.since = since);
        bench.step(|open, step| open.space_answer(step, id));
        let outbox = &mut bench.space_mut().outbox;
        outbox.clear();
    }
    says_under(&mut bench, &mut pens[1], &before, "hello?");
    assert!(bench.space().questions.is_empty());
    bench.now += DAY;
    says_under(&mut bench, &mut pens[1], &before, "a day later");
    assert_eq!(bench.space().questions.len(), 1);
}

#[test]
fn whoever_went_gets_no_more_farewells_by_dates_of_days_to_come() {
    let (mut bench, mut pens, _) = housed();
    let under = bench.newest();
    let knows = bench.space().society.heads();
    expel(&mut bench, &mut pens);
    bench.reseed();
    bench.now += 2 * HOUR;
    let mut fields = pens[0].fields(&bench, knows, text("of a day to come"));
    fields.time = bench.now + 2 * DAY;
    let ahead = pens[0].sign(fields);
    let told = |bench: &Bench| {
        let words = words(bench).into_iter();
        words.filter(|(_, _, homes)| homes.contains(&10)).count()
    };
    bench.hear(&under, &[ahead]);
    answer(&mut bench);
    assert_eq!(told(&bench), 0);
}

#[test]
fn devices_that_speak_up_do_not_wake_each_other() {
    let (mut bench, mut pens, _) = housed();
    let hears = |bench: &mut Bench, pen: &mut Pen, body: Body| {
        let (under, said) = (bench.newest(), pen.says(bench, body));
        bench.hear(&under, &[said]);
    };
    // With every duty, too.
    let named = |bench: &Bench| {
        let own = bench.space().own.device;
        let known = bench.space().known.values().filter(|it| it.device == own);
        let said = known.map(|it| Operation::decode_stored(&it.bytes).unwrap());
        said.filter(|it| matches!(it.body(), Body::Profile { .. }))
            .count()
    };
    hears(&mut bench, &mut pens[0], text("the last word"));
    let mut early = 0;
    for round in 0..30 {
        bench.now += 5 * DAY;
        reminds(&mut bench);
        let name = "Ana".into();
        hears(&mut bench, &mut pens[1], Body::Profile { name });
        early = if round < 5 { named(&bench) } else { early };
    }
    // One's own name, and twice because nobody said anything.
    assert!((2..=3).contains(&early), "{early}");
    assert_eq!(named(&bench), early);
    hears(&mut bench, &mut pens[0], text("another"));
    bench.now += DAY + limits::REMINDING * limits::REMIND_PACE;
    assert!(reminds(&mut bench).is_some());
}
