#![allow(clippy::unwrap_used)]

use komrade_crypto::vault::Params;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::{
    comrade::ComradeRecord,
    step::Numbers,
    vault::{Cut, recipe},
};

const NOW: Millis = 1_800_000_000_000;
const INVITE: InviteId = InviteId([7; 16]);

fn open(rng: &mut ChaCha20Rng) -> Open {
    let (cut, _) = Cut::draw("Ana".into(), rng).unwrap();
    let recipe = recipe(Params::FLOOR, rng).unwrap();
    cut.seal(recipe, &[7; 32], NOW, rng).unwrap().0
}

fn comrade(open: &mut Open, number: u8, state: ComradeState) -> ComradeId {
    let id = ComradeId([number; 16]);
    let mut record = ComradeRecord::new(state, NOW);
    record.answered = Some(INVITE);
    open.comrades.insert(id, Comrade::new(record));
    id
}

fn asked(by: ComradeId, number: u8, stage: Stage) -> Asked {
    Asked {
        by,
        id: ByteArray::new([number; 16]),
        at: NOW,
        name: "Bo".into(),
        words: String::new(),
        stage,
    }
}

fn step<T>(rng: &mut ChaCha20Rng, run: impl FnOnce(&mut Step) -> T) -> T {
    let mut numbers = Numbers::default();
    run(&mut Step::new(NOW, rng, &mut numbers))
}

#[test]
fn of_two_who_answer_it_is_the_one_without_a_warning_who_was_meant() {
    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let mut open = open(rng);
    let ana = comrade(&mut open, 1, ComradeState::Met);
    comrade(&mut open, 2, ComradeState::AskingAgain);
    let bo = comrade(&mut open, 3, ComradeState::Asking);
    let stage = Stage::Agreed(INVITE, NOW);
    open.comrades.get_mut(&ana).unwrap().record.answered = None;
    open.introductions.asked.push(asked(ana, 1, stage));
    step(rng, |step| open.meet_introduced(step));
    let met = open.introductions.asked.first().unwrap();
    assert!(matches!(met.stage, Stage::Met(it) if it == bo));
}

#[test]
fn offers_that_came_to_a_meeting_make_room() {
    let rng = &mut ChaCha20Rng::seed_from_u64(2);
    let mut open = open(rng);
    let each = limits::MAX_INTRODUCTIONS_EACH as u8;
    let offers = |open: &mut Open, rng: &mut ChaCha20Rng, by: ComradeId, number: u8| {
        let (name, words) = ("Bo".into(), String::new());
        let word = Word::Offer { name, words }.encode(&[number; 16]);
        step(rng, |step| open.introduction_heard(step, by, &word));
        let mut all = open.introductions.asked.iter();
        all.any(|it| it.by == by && *it.id == [number; 16])
    };
    let by = [1, 2, 3, 4].map(|number| comrade(&mut open, number, ComradeState::Met));
    for by in &by[..3] {
        assert!((0..each).all(|number| offers(&mut open, rng, *by, number)));
        assert!(!offers(&mut open, rng, *by, each));
    }
    assert!(!offers(&mut open, rng, by[3], 0));
    // One of the first comrade makes room for another of theirs, and for anybody's.
    open.introductions.asked.first_mut().unwrap().stage = Stage::Met(by[1]);
    assert!(offers(&mut open, rng, by[0], each));
    assert!(!offers(&mut open, rng, by[3], 0));
    open.introductions.asked.first_mut().unwrap().stage = Stage::Met(by[1]);
    assert!(offers(&mut open, rng, by[3], 0));
    assert_eq!(open.introductions.asked.len(), limits::MAX_INTRODUCTIONS);
}
