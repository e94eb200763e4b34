//! Introductions: two comrades of one person meet if both say yes, and otherwise nobody learns more than that they were asked.

use std::collections::BTreeSet;

use komrade_crypto::audit;
use komrade_store::memory::Cut;
use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{DAY, HOUR, MINUTE, PASSPHRASE, World, plan_cut};

/// Ana has met Bo and Cleo, who do not know each other; each is at a relay of their own. Gives whom Ana calls Bo and Cleo, and
/// whom they call Ana.
fn three(seed: u64) -> (World, [ComradeId; 2], [ComradeId; 2]) {
    let mut world = World::new(seed, 3);
    for (at, name) in ["Ana", "Bo", "Cleo"].iter().enumerate() {
        world.add_relay(at);
        world.settle_at(at, name, at);
    }
    let (bo, ana_of_bo) = world.meet(0, 1);
    let (cleo, ana_of_cleo) = world.meet(0, 2);
    world.pass(HOUR);
    (world, [bo, cleo], [ana_of_bo, ana_of_cleo])
}

fn introduce(world: &mut World, pair: [ComradeId; 2]) -> IntroductionId {
    let words = "Both of you print".into();
    let done = world.ask(0, Command::Introduce { pair, words });
    assert_eq!(done, Ok(Answer::Done));
    let [made] = world.peers[0].introductions.as_slice() else {
        panic!("not one introduction");
    };
    made.id
}

fn answer(world: &mut World, at: usize, by: ComradeId, accept: bool) {
    let introduction = world.peers[at].introductions[0].id;
    let command = Command::AnswerIntroduction {
        by,
        introduction,
        accept,
    };
    assert_eq!(world.ask(at, command), Ok(Answer::Done));
}

fn is_asked(world: &World, at: usize) -> bool {
    let mut all = world.peers[at].introductions.iter();
    all.any(|it| matches!(it.what, Introduction::Asked { .. }))
}

fn said(world: &World) -> [Option<bool>; 2] {
    match &world.peers[0].introductions[0].what {
        Introduction::Own { pair, passed_on } => {
            let said = [pair[0].1, pair[1].1];
            // Nothing of one goes to the other before both said yes.
            assert!(!passed_on || said == [Some(true); 2], "{said:?}");
            said
        }
        _ => panic!("not one's own"),
    }
}

/// The comrade that came of it.
fn met(world: &World, at: usize) -> Option<ComradeId> {
    let mut all = world.peers[at].introductions.iter();
    let met = all.find_map(|it| match it.what {
        Introduction::Met { comrade, .. } => Some(comrade),
        _ => None,
    })?;
    let mut comrades = world.peers[at].comrades.iter();
    let state = comrades.find(|it| it.id == met)?.state;
    (state == ComradeState::Met).then_some(met)
}

#[test]
fn two_who_both_say_yes_meet_and_can_write() {
    let (mut world, pair, ana) = three(960);
    introduce(&mut world, pair);
    world.until(|world| is_asked(world, 1) && is_asked(world, 2));
    let shown = &world.peers[1].introductions[0];
    let (by, name) = (ana[0], "Cleo".to_owned());
    assert!(shown.what == Introduction::Asked { by, name });
    assert_eq!(shown.words, "Both of you print");
    answer(&mut world, 1, ana[0], true);
    assert!(world.peers[1].invites[0].for_introduction);
    // One yes alone leads nowhere, for however long, and is kept.
    world.pass(3 * DAY);
    (0..3).for_each(|at| world.restart(at));
    assert_eq!(said(&world), [Some(true), None]);
    assert_eq!(world.peers[1].comrades.len(), 1);
    assert_eq!(world.peers[2].comrades.len(), 1);
    answer(&mut world, 2, ana[1], true);
    world.until(|world| met(world, 1).is_some() && met(world, 2).is_some());
    let (cleo_of_bo, bo_of_cleo) = (met(&world, 1).unwrap(), met(&world, 2).unwrap());
    assert_eq!(world.comrade(1, cleo_of_bo).name, "Cleo");
    assert_eq!(world.comrade(2, bo_of_cleo).name, "Bo");
    assert_eq!(
        world.comrade(1, cleo_of_bo).code,
        world.comrade(2, bo_of_cleo).code
    );
    assert!(!world.comrade(1, cleo_of_bo).verified);
    // Without the one who brought them together.
    world.stop(0);
    world.send(1, cleo_of_bo, "hello Cleo");
    world.send(2, bo_of_cleo, "hello Bo");
    world.pass(HOUR);
    assert!(world.texts(2, bo_of_cleo).contains(&"hello Cleo".into()));
    assert!(world.texts(1, cleo_of_bo).contains(&"hello Bo".into()));
    // Of the two invites that were made one was used, and the other is gone.
    let open = world.peers[1].invites.len() + world.peers[2].invites.len();
    assert_eq!(open, 1);
}

#[test]
fn if_one_declines_the_other_hears_nothing_and_no_address_goes_further() {
    for declines in [1, 2] {
        let agrees = 3 - declines;
        let (mut world, pair, ana) = three(961);
        introduce(&mut world, pair);
        world.until(|world| is_asked(world, 1) && is_asked(world, 2));
        answer(&mut world, agrees, ana[agrees - 1], true);
        world.pass(DAY);
        let before = world.peers[agrees].introductions[0].what.clone();
        let heard = world.peers[agrees].messages.len();
        answer(&mut world, declines, ana[declines - 1], false);
        assert!(world.peers[declines].introductions.is_empty());
        assert!(world.peers[declines].invites.is_empty());
        world.pass(10 * DAY);
        // What the one who agreed sees is what they saw.
        assert!(world.peers[agrees].introductions[0].what == before);
        assert_eq!(world.peers[agrees].messages.len(), heard);
        for at in 1..3 {
            assert_eq!(world.peers[at].comrades.len(), 1, "{at}");
        }
        assert!(!world.peers[agrees].invites[0].answered);
        // Whoever introduced knows who said what.
        let mut expected = [Some(true), Some(true)];
        expected[declines - 1] = Some(false);
        assert_eq!(said(&world), expected);
        // A yes that is taken back ends the invite, and all of it ends by itself.
        let introduction = world.peers[agrees].introductions[0].id;
        let by = Some(ana[agrees - 1]);
        let end = Command::EndIntroduction { by, introduction };
        assert_eq!(world.ask(agrees, end), Ok(Answer::Done));
        assert!(world.peers[agrees].invites.is_empty());
        world.pass(40 * DAY);
        assert!(world.peers[0].introductions.is_empty());
    }
}

#[test]
fn answers_count_once_and_only_those_who_may_are_introduced() {
    let (mut world, pair, ana) = three(962);
    let [bo, cleo] = pair;
    let words = || "w".repeat(MAX_REASON_CHARS + 1);
    let ask = |world: &mut World, pair, words| world.ask(0, Command::Introduce { pair, words });
    assert_eq!(
        ask(&mut world, [bo, bo], String::new()),
        Err(Refusal::OutOfBounds)
    );
    assert_eq!(ask(&mut world, pair, words()), Err(Refusal::OutOfBounds));
    let nobody = ComradeId([0; 16]);
    assert_eq!(
        ask(&mut world, [bo, nobody], String::new()),
        Err(Refusal::Unknown)
    );
    let dara = world.add_peer();
    world.add_relay(dara);
    world.settle_at(dara, "Dara", dara);
    let link = world.make_invite(dara);
    let asked = world.accept(0, &link);
    let half_met = ask(&mut world, [asked, cleo], String::new());
    assert_eq!(half_met, Err(Refusal::NotConfirmed));
    let introduction = introduce(&mut world, pair);
    world.until(|world| is_asked(world, 1));
    answer(&mut world, 1, ana[0], true);
    let again = Command::AnswerIntroduction {
        by: ana[0],
        introduction,
        accept: false,
    };
    assert_eq!(world.ask(1, again.clone()), Err(Refusal::Over));
    // Whoever was not asked cannot answer.
    assert_eq!(world.ask(0, again), Err(Refusal::Unknown));
    world.pass(HOUR);
    assert_eq!(said(&world), [Some(true), None]);
}

#[test]
fn of_many_introductions_only_so_many_are_kept() {
    let (mut world, pair, _) = three(963);
    for _ in 0..24 {
        let words = String::new();
        assert!(world.ask(0, Command::Introduce { pair, words }).is_ok());
    }
    let words = String::new();
    let more = world.ask(0, Command::Introduce { pair, words });
    assert_eq!(more, Err(Refusal::TooManyIntroductions));
    world.pass(DAY);
    for at in 1..3 {
        assert_eq!(world.peers[at].introductions.len(), 8, "{at}");
    }
}

#[test]
fn two_who_know_each_other_already_stay_who_they_are() {
    let (mut world, pair, ana) = three(964);
    let (cleo, bo) = world.meet(1, 2);
    world.pass(HOUR);
    introduce(&mut world, pair);
    world.until(|world| is_asked(world, 1) && is_asked(world, 2));
    answer(&mut world, 1, ana[0], true);
    answer(&mut world, 2, ana[1], true);
    world.pass(2 * DAY);
    for (at, known) in [(1, cleo), (2, bo)] {
        assert_eq!(world.peers[at].comrades.len(), 2, "{at}");
        assert_eq!(world.comrade(at, known).state, ComradeState::Met, "{at}");
    }
    world.send(1, cleo, "still here");
    world.pass(HOUR);
    assert_eq!(world.texts(2, bo), ["still here"]);
}

// --- the power goes --------------------------------------------------------------------------------

fn alive(world: &mut World) {
    for at in 0..3 {
        while !world.is_running(at) || world.peers[at].vault != Some(VaultState::Open) {
            if !world.is_running(at) {
                world.start(at);
            }
            let passphrase = Secret::new(PASSPHRASE);
            world.try_ask(at, Command::Unlock { passphrase });
        }
    }
}

/// Tries it until it is so.
fn make_it_so(
    world: &mut World,
    at: usize,
    is_so: impl Fn(&World) -> bool,
    command: impl Fn(&World) -> Option<Command>,
) {
    for _ in 0..20_000 {
        alive(world);
        if is_so(world) {
            return;
        }
        if let Some(command) = command(world) {
            world.try_ask(at, command);
        }
        alive(world);
        world.step_within(7 * DAY);
    }
    panic!("it did not come about");
}

fn play(cut: Option<(usize, u64, Cut)>) -> [u64; 3] {
    audit::take();
    let (mut world, pair, ana) = three(965);
    let before = [0, 1, 2].map(|at| world.peers[at].store.commits());
    if let Some((at, commits, side)) = cut {
        plan_cut(&world, at, commits, side);
    }
    make_it_so(
        &mut world,
        0,
        |world| !world.peers[0].introductions.is_empty(),
        |_| {
            let words = String::new();
            Some(Command::Introduce { pair, words })
        },
    );
    for at in 1..3 {
        let by = ana[at - 1];
        make_it_so(&mut world, at, |world| is_asked(world, at), |_| None);
        make_it_so(
            &mut world,
            at,
            |world| !is_asked(world, at),
            |world| {
                Some(Command::AnswerIntroduction {
                    by,
                    introduction: world.peers[at].introductions.first()?.id,
                    accept: true,
                })
            },
        );
    }
    let both = |world: &World| met(world, 1).is_some() && met(world, 2).is_some();
    make_it_so(&mut world, 0, both, |_| None);
    let end = world.now + 3 * MINUTE;
    make_it_so(&mut world, 0, |world| world.now >= end, |_| None);
    for at in 1..3 {
        assert_eq!(world.peers[at].comrades.len(), 2, "{at}, {cut:?}");
    }
    let seals = audit::take();
    let distinct: BTreeSet<_> = seals.iter().collect();
    assert_eq!(
        distinct.len(),
        seals.len(),
        "a key and nonce twice: {cut:?}"
    );
    [0, 1, 2].map(|at| world.peers[at].store.commits() - before[at])
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn an_introduction_survives_the_power_going_at_any_commit() {
    let counts = play(None);
    for (at, count) in counts.into_iter().enumerate() {
        assert!(count > 3, "{count}");
        for commits in 0..count {
            for side in [Cut::Before, Cut::After] {
                play(Some((at, commits, side)));
            }
        }
    }
}
