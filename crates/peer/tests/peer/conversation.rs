//! The whole path: keys, invite, acceptance, confirmation, messages, restarts.

use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{DAY, HOUR, MINUTE, PASSPHRASE, SECOND, World};

fn long_text() -> String {
    "Компаньеры, зібралися. 同志们 🌹✊🏽 ".repeat(10_240 / 60 + 1)
}

#[test]
fn two_people_meet_and_exchange_five_messages_each_way() {
    let mut world = World::new(1, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    assert_eq!(
        (
            world.comrade(0, bo).name.as_str(),
            world.comrade(1, ana).name.as_str()
        ),
        ("Bo", "Ana")
    );
    assert_eq!(world.comrade(0, bo).code, world.comrade(1, ana).code);
    assert_eq!(
        world.comrade(0, bo).person,
        world.peers[1].profile.as_ref().unwrap().person
    );

    let texts = [
        "Hola 👋",
        "¿Mañana a las 7?",
        "🌹",
        &long_text(),
        "hasta mañana ✊🏽",
    ];
    assert!(texts[3].len() > 10_000);
    for text in texts {
        world.send(0, bo, text);
        world.send(1, ana, &format!("re: {text}"));
    }
    let expected: Vec<String> = texts
        .iter()
        .flat_map(|text| [text.to_string(), format!("re: {text}")])
        .collect();
    assert_eq!(world.texts(0, bo), expected);
    assert_eq!(world.texts(1, ana), expected);
    assert_eq!(world.comrade(0, bo).unread, 5);
    let newest = world.page(0, bo).last().unwrap().ordinal;
    assert_eq!(
        world.ask(
            0,
            Command::MarkRead {
                comrade: bo,
                up_to: newest
            }
        ),
        Ok(Answer::Done)
    );
    assert_eq!(world.comrade(0, bo).unread, 0);

    // Ticks become true one after another: acknowledgements leave at their own times.
    world.pass(2 * HOUR);
    for (at, comrade) in [(0, bo), (1, ana)] {
        for message in world.page(at, comrade) {
            let delivered = matches!(message.tick, Tick::Delivered(_));
            assert!(if message.mine {
                delivered
            } else {
                message.tick == Tick::Theirs
            });
        }
        assert_eq!(world.comrade(at, comrade).waiting, 0);
        assert_eq!(world.comrade(at, comrade).gap, None);
    }
}

#[test]
fn history_survives_a_restart_and_the_conversation_goes_on() {
    let mut world = World::new(2, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    world.send(0, bo, "one");
    world.send(1, ana, "two");
    world.start(0);
    assert_eq!(world.peers[0].vault, Some(VaultState::Locked));
    let wrong = Command::Unlock {
        passphrase: Secret::new("not the passphrase"),
    };
    assert_eq!(world.ask(0, wrong), Err(Refusal::WrongPassphrase));
    assert_eq!(world.peers[0].vault, Some(VaultState::Locked));
    let right = Command::Unlock {
        passphrase: Secret::new(PASSPHRASE),
    };
    assert_eq!(world.ask(0, right), Ok(Answer::Done));
    world.restart(1);
    assert_eq!(world.texts(0, bo), ["one", "two"]);
    assert_eq!(world.only(0).last.as_ref().unwrap().text, "two");
    world.send(0, bo, "three");
    world.send(1, ana, "four");
    world.until(|world| world.comrade(0, bo).waiting + world.comrade(1, ana).waiting == 0);
    assert_eq!(world.texts(0, bo), ["one", "two", "three", "four"]);
    assert_eq!(world.texts(1, ana), ["one", "two", "three", "four"]);
}

#[test]
fn what_is_written_while_the_other_is_away_arrives_later_in_order() {
    let mut world = World::new(3, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    world.stop(1);
    let texts: Vec<String> = (0..60).map(|n| format!("message {n}")).collect();
    for text in &texts {
        let sent = world.send(0, bo, text);
        assert_eq!(sent.tick, Tick::Kept);
    }
    world.pass(HOUR);
    assert_eq!(world.comrade(0, bo).waiting, 60);
    let route = world.peers[0].route.as_ref().unwrap();
    assert_eq!(
        (route.waiting, route.dials[0].stage),
        (60, DialStage::Unreachable)
    );
    world.restart(0);
    assert_eq!(world.comrade(0, bo).waiting, 60);
    world.restart(1);
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.texts(1, ana), texts);
    assert!(
        world
            .page(0, bo)
            .iter()
            .all(|message| matches!(message.tick, Tick::Accepted(_)))
    );
}

#[test]
fn writing_works_without_a_relay_and_nothing_is_lost() {
    let mut world = World::new(4, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    world.disconnect(0);
    world.send(0, bo, "on the train");
    world.pass(MINUTE);
    let route = world.peers[0].route.as_ref().unwrap();
    assert_eq!(route.dials[0].stage, DialStage::WaitingForRelay);
    world.connect(0);
    world.until(|world| world.comrade(0, bo).waiting == 0);
    assert_eq!(world.texts(1, ana), ["on the train"]);
}

#[test]
fn a_link_that_breaks_in_use_loses_and_doubles_nothing() {
    let mut world = World::new(5, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    let mut expected = Vec::new();
    for round in 0..10 {
        // From some frame on everything is lost: an envelope, or the answer to one.
        let mut count = 0;
        world.meddle = Some(Box::new(move |_, frame| {
            count += 1;
            if count > round {
                Vec::new()
            } else {
                vec![frame]
            }
        }));
        for n in 0..3 {
            let text = format!("{round}.{n}");
            world.send(0, bo, &text);
            expected.push(text);
        }
        world.meddle = None;
        world.break_links(0);
        world.pass(10 * SECOND);
    }
    world.until(|world| world.comrade(0, bo).waiting == 0);
    world.pass(DAY);
    assert_eq!(world.texts(1, ana), expected);
    assert!(
        world
            .page(0, bo)
            .iter()
            .all(|message| matches!(message.tick, Tick::Delivered(_)))
    );
}

#[test]
fn pages_are_cut_where_asked() {
    let mut world = World::new(6, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, _) = world.meet(0, 1);
    for n in 0..25 {
        world.send(0, bo, &format!("{n}"));
    }
    let mut before = None;
    let mut all = Vec::new();
    loop {
        let page = Command::OpenPage {
            comrade: bo,
            before,
            limit: 10,
        };
        let Ok(Answer::Page(page)) = world.ask(0, page) else {
            panic!("no page")
        };
        before = page.messages.first().map(|message| message.ordinal);
        all.splice(0..0, page.messages.into_iter().map(|message| message.text));
        if !page.older {
            break;
        }
    }
    assert_eq!(all, (0..25).map(|n| n.to_string()).collect::<Vec<_>>());
    for (comrade, limit, refusal) in [
        (bo, 0, Refusal::OutOfBounds),
        (bo, 101, Refusal::OutOfBounds),
        (ComradeId([9; 16]), 5, Refusal::Unknown),
    ] {
        let page = Command::OpenPage {
            comrade,
            before: None,
            limit,
        };
        assert_eq!(world.ask(0, page), Err(refusal));
    }
}

#[test]
fn messages_that_cannot_be_are_refused() {
    let mut world = World::new(7, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, _) = world.meet(0, 1);
    let mut send = |comrade, text: String| {
        world
            .ask(0, Command::SendMessage { comrade, text })
            .unwrap_err()
    };
    assert_eq!(send(bo, String::new()), Refusal::EmptyMessage);
    assert_eq!(send(bo, " \n ".into()), Refusal::EmptyMessage);
    assert_eq!(send(bo, "x".repeat(20_001)), Refusal::MessageTooLong);
    assert_eq!(send(ComradeId([9; 16]), "x".into()), Refusal::Unknown);
    world.stop(1);
    for _ in 0..1_000 {
        world.send(0, bo, "x");
    }
    let full = Command::SendMessage {
        comrade: bo,
        text: "x".into(),
    };
    assert_eq!(world.ask(0, full), Err(Refusal::OutboxFull));
}

#[test]
fn idle_links_are_closed_and_made_anew_when_needed() {
    let mut world = World::new(8, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    let (bo, ana) = world.meet(0, 1);
    assert_eq!(
        world.ask(0, Command::SetAckPace(AckPace::Never)),
        Ok(Answer::Done)
    );
    assert_eq!(
        world.ask(1, Command::SetAckPace(AckPace::Never)),
        Ok(Answer::Done)
    );
    assert_eq!(world.links(0), 1);
    world.pass(20 * MINUTE);
    assert_eq!(world.links(0), 0);
    world.send(1, ana, "again");
    assert_eq!(world.links(0), 1);
    assert_eq!(world.texts(0, bo), ["again"]);
}

#[test]
fn the_same_seed_gives_the_same_effects() {
    let run = || {
        let mut world = World::new(9, 2);
        world.settle_in(0, "Ana");
        world.settle_in(1, "Bo");
        let (bo, ana) = world.meet(0, 1);
        world.send(0, bo, "one");
        world.send(1, ana, "two");
        world.pass(2 * DAY);
        world.restart(0);
        world.transcript
    };
    let (one, two) = (run(), run());
    assert!(one.len() > 100);
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
    assert_eq!(one.len(), two.len());
}
