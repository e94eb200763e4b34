//! First contact: invites good and bad, confirmation, refusal, two who ask each other at once.

use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{DAY, HOUR, World, relay_link};

fn two() -> World {
    let mut world = World::new(20, 2);
    world.settle_in(0, "Ana");
    world.settle_in(1, "Bo");
    world
}

fn accept(world: &mut World, at: usize, link: &str) -> Result<Answer, Refusal> {
    world.ask(
        at,
        Command::AcceptInvite {
            link: Secret::new(link),
        },
    )
}

#[test]
fn invites_that_cannot_be_used_are_refused_each_with_its_reason() {
    let mut world = two();
    let link = world.make_invite(0);
    for garbage in [
        "",
        "hello",
        "https://example.org/",
        "https://relay-0.example/#i/AQ",
        "#i/!!",
    ] {
        assert_eq!(
            accept(&mut world, 1, garbage),
            Err(Refusal::BadInvite),
            "{garbage}"
        );
    }
    let mut damaged = link.expose().to_owned();
    let last = damaged.pop().unwrap();
    damaged.push(if last == 'A' { 'B' } else { 'A' });
    assert_eq!(accept(&mut world, 1, &damaged), Err(Refusal::BadInvite));
    let newer = link.expose().replace("#i/A", "#i/B");
    assert_eq!(accept(&mut world, 1, &newer), Err(Refusal::NewerInvite));
    assert_eq!(
        accept(&mut world, 0, link.expose()),
        Err(Refusal::OwnInvite)
    );
    world.accept(1, &link);
    assert_eq!(
        accept(&mut world, 1, link.expose()),
        Err(Refusal::InviteUsed)
    );
    let late = world.make_invite(0);
    let preview = world.ask(1, Command::ReadInvite { link: late.clone() });
    let Ok(Answer::Preview(InvitePreview {
        expires_at,
        relay: None,
        for_collective: false,
    })) = preview
    else {
        panic!("no preview: {preview:?}");
    };
    world.now = expires_at;
    assert_eq!(
        accept(&mut world, 1, late.expose()),
        Err(Refusal::InviteExpired)
    );
    let preview = world.ask(1, Command::ReadInvite { link: late });
    assert_eq!(preview, Err(Refusal::InviteExpired));
}

#[test]
fn there_are_fifty_invites_at_most_and_they_end() {
    let mut world = two();
    let make = |days| Command::MakeInvite {
        with_relay: true,
        days,
    };
    assert_eq!(world.ask(0, make(0)), Err(Refusal::OutOfBounds));
    assert_eq!(world.ask(0, make(22)), Err(Refusal::OutOfBounds));
    for _ in 0..50 {
        assert!(world.ask(0, make(21)).is_ok());
    }
    assert_eq!(world.ask(0, make(1)), Err(Refusal::TooManyInvites));
    let invite = world.peers[0].invites[7].id;
    assert_eq!(
        world.ask(0, Command::RevokeInvite { invite }),
        Ok(Answer::Done)
    );
    assert_eq!(
        world.ask(0, Command::RevokeInvite { invite }),
        Err(Refusal::Unknown)
    );
    assert_eq!(world.peers[0].invites.len(), 49);
    world.restart(0);
    assert_eq!(world.peers[0].invites.len(), 49);
    world.pass(23 * DAY);
    assert_eq!(world.peers[0].invites.len(), 0);
    assert!(world.ask(0, make(1)).is_ok());
}

#[test]
fn an_invite_needs_a_relay_and_fits_a_qr_code() {
    let mut world = World::new(21, 1);
    assert!(
        world
            .ask(0, Command::CutKeys { name: "Ana".into() })
            .is_ok()
    );
    let passphrase = Secret::new(crate::world::PASSPHRASE);
    assert!(world.ask(0, Command::SealVault { passphrase }).is_ok());
    let make = Command::MakeInvite {
        with_relay: true,
        days: 21,
    };
    assert_eq!(world.ask(0, make.clone()), Err(Refusal::NoRelay));
    assert!(
        world
            .ask(
                0,
                Command::UseRelay {
                    link: relay_link(0)
                }
            )
            .is_ok()
    );
    let Ok(Answer::Invite { link, .. }) = world.ask(0, make) else {
        panic!("no invite")
    };
    assert!(link.expose().len() <= 200);
    assert!(link.expose().starts_with("https://relay-0.example/#i/"));
}

#[test]
fn a_revoked_invite_leads_nowhere() {
    let mut world = two();
    let link = world.make_invite(0);
    let invite = world.peers[0].invites[0].id;
    assert!(world.ask(0, Command::RevokeInvite { invite }).is_ok());
    let ana = world.accept(1, &link);
    world.pass(6 * HOUR);
    assert!(world.peers[0].comrades.is_empty());
    assert_eq!(world.comrade(1, ana).state, ComradeState::Asked);
    assert_eq!(world.comrade(1, ana).person, "");
    // Whoever asked in vain may take it back.
    assert_eq!(
        world.ask(1, Command::Decline { comrade: ana }),
        Ok(Answer::Done)
    );
    assert!(world.peers[1].comrades.is_empty());
}

#[test]
fn who_has_no_relay_uses_that_of_the_invite() {
    let mut world = World::new(22, 2);
    world.settle_in(0, "Ana");
    assert!(world.ask(1, Command::CutKeys { name: "Bo".into() }).is_ok());
    let passphrase = Secret::new(crate::world::PASSPHRASE);
    assert!(world.ask(1, Command::SealVault { passphrase }).is_ok());
    let make = Command::MakeInvite {
        with_relay: true,
        days: 7,
    };
    let Ok(Answer::Invite { link, .. }) = world.ask(0, make) else {
        panic!("no invite")
    };
    let Ok(Answer::Preview(preview)) = world.ask(1, Command::ReadInvite { link: link.clone() })
    else {
        panic!("no preview");
    };
    assert_eq!(preview.relay.as_deref(), Some("https://relay-0.example"));
    let ana = world.accept(1, &link);
    assert_eq!(world.peers[1].orders, ["https://relay-0.example"]);
    world.until(|world| !world.peers[0].comrades.is_empty());
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.until(|world| world.comrade(1, ana).state == ComradeState::Met);
}

#[test]
fn a_second_answer_to_an_invite_is_a_warning() {
    let mut world = World::new(23, 3);
    for (at, name) in ["Ana", "Bo", "Cy"].into_iter().enumerate() {
        world.settle_in(at, name);
    }
    let link = world.make_invite(0);
    let (at_bo, at_cy) = (world.accept(1, &link), world.accept(2, &link));
    world.until(|world| world.peers[0].comrades.len() == 2);
    let find = |world: &World, name: &str| {
        let mut comrades = world.peers[0].comrades.iter();
        comrades
            .find(|comrade| comrade.name == name)
            .map(|comrade| (comrade.id, comrade.state))
    };
    let (bo, state) = find(&world, "Bo").unwrap();
    assert_eq!(state, ComradeState::Asking);
    let (cy, state) = find(&world, "Cy").unwrap();
    assert_eq!(state, ComradeState::AskingAgain);
    assert!(world.peers[0].invites[0].answered);
    // Both can still be confirmed, with care.
    for comrade in [cy, bo] {
        world.confirm(0, comrade);
    }
    world.until(|world| {
        world.comrade(1, at_bo).state == ComradeState::Met
            && world.comrade(2, at_cy).state == ComradeState::Met
    });
    world.send(0, cy, "for Cy");
    world.send(0, bo, "for Bo");
    assert_eq!(world.texts(1, at_bo), ["for Bo"]);
    assert_eq!(world.texts(2, at_cy), ["for Cy"]);
}

#[test]
fn who_is_declined_is_not_told_and_stays_away() {
    let mut world = two();
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    world.send(1, ana, "please");
    world.until(|world| !world.peers[0].comrades.is_empty());
    let bo = world.only(0).id;
    let send = Command::SendMessage {
        comrade: bo,
        text: "who are you?".into(),
    };
    assert_eq!(world.ask(0, send), Err(Refusal::NotConfirmed));
    assert_eq!(
        world.ask(0, Command::Decline { comrade: bo }),
        Ok(Answer::Done)
    );
    assert_eq!(
        world.ask(0, Command::Decline { comrade: bo }),
        Err(Refusal::Unknown)
    );
    world.restart(0);
    world.send(1, ana, "please!");
    world.pass(DAY);
    assert!(world.peers[0].comrades.is_empty());
    assert_eq!(world.comrade(1, ana).state, ComradeState::Asked);
    let records = world.peers[0].store.records();
    let tables = [
        komrade_store::Table::Comrades,
        komrade_store::Table::Sessions,
    ];
    assert!(!records.iter().any(|(table, _)| tables.contains(table)));
    assert!(
        !records
            .iter()
            .any(|(table, _)| *table == komrade_store::Table::Messages)
    );
}

#[test]
fn what_the_asking_side_writes_comes_with_the_request_and_is_acknowledged_after_it() {
    let mut world = two();
    let link = world.make_invite(0);
    world.stop(0);
    let ana = world.accept(1, &link);
    let first = world.send(1, ana, "hello from before");
    world.restart(1);
    world.pass(HOUR);
    world.restart(0);
    world.until(|world| !world.peers[0].comrades.is_empty());
    world.send(1, ana, "and once more");
    let bo = world.only(0).id;
    world.until(|world| world.comrade(1, ana).waiting == 0);
    world.pass(DAY);
    assert!(matches!(world.page(1, ana)[0].tick, Tick::Accepted(_)));
    assert_eq!(world.texts(0, bo), ["hello from before", "and once more"]);
    world.confirm(0, bo);
    world.until(|world| world.comrade(1, ana).state == ComradeState::Met);
    world.pass(DAY);
    let page = world.page(1, ana);
    assert_eq!(page[0].ordinal, first.ordinal);
    assert!(
        page.iter()
            .all(|message| matches!(message.tick, Tick::Delivered(_)))
    );
}

#[test]
fn somebody_not_confirmed_cannot_flood() {
    let mut world = two();
    let link = world.make_invite(0);
    let ana = world.accept(1, &link);
    for _ in 0..3 {
        for n in 0..45 {
            let text = format!("{n}");
            let _ = world.ask(1, Command::SendMessage { comrade: ana, text });
        }
        world.pass(HOUR);
    }
    assert!(world.page(0, world.only(0).id).len() <= 100);
    let bo = world.only(0).id;
    assert_eq!(
        world.ask(0, Command::Decline { comrade: bo }),
        Ok(Answer::Done)
    );
}

#[test]
fn two_who_accept_each_others_invites_at_once_become_one_comrade_each() {
    for seed in 0..6 {
        let mut world = World::new(100 + seed, 2);
        world.settle_in(0, "Ana");
        world.settle_in(1, "Bo");
        let links = [world.make_invite(0), world.make_invite(1)];
        if seed % 3 > 0 {
            // Nobody is reachable while both accept; then both dial at once.
            world.disconnect(0);
            world.disconnect(1);
        }
        for (at, link) in [(0, &links[1]), (1, &links[0])] {
            let command = Command::AcceptInvite { link: link.clone() };
            world.push(
                at,
                komrade_peer::Input::Command(ToEngine { id: 9_000, command }),
            );
        }
        world.drain();
        for (at, text) in [(0, "from Ana, early"), (1, "from Bo, early")] {
            let to = world.peers[at].comrades[0].id;
            world.send(at, to, text);
        }
        if seed % 3 == 2 {
            world.stop(0);
            world.connect(1);
            world.restart(0);
            world.pass(HOUR);
        }
        // Both dial before either hears of the other.
        for at in 0..2 {
            world.peers[at].online = true;
            let way = world.ways(at)[0];
            world.connect_way(at, way);
        }
        world.until(|world| {
            world
                .peers
                .iter()
                .all(|peer| peer.comrades.len() == 1 && peer.comrades[0].state == ComradeState::Met)
        });
        let (bo, ana) = (world.only(0).id, world.only(1).id);
        world.send(0, bo, "from Ana");
        world.send(1, ana, "from Bo");
        world.until(|world| world.only(0).waiting + world.only(1).waiting == 0);
        world.pass(DAY);
        for (at, comrade) in [(0, bo), (1, ana)] {
            let mut texts = world.texts(at, comrade);
            texts.sort();
            assert_eq!(
                texts,
                ["from Ana", "from Ana, early", "from Bo", "from Bo, early"],
                "seed {seed}"
            );
            for message in world
                .page(at, comrade)
                .iter()
                .filter(|message| message.mine)
            {
                assert!(
                    matches!(message.tick, Tick::Delivered(_)),
                    "seed {seed}: {message:?}"
                );
            }
            assert_eq!(world.only(at).gap, None);
        }
    }
}

#[test]
fn accepting_the_invite_of_somebody_who_asks_confirms_them() {
    let mut world = two();
    let from_ana = world.make_invite(0);
    let at_bo = world.accept(1, &from_ana);
    world.send(1, at_bo, "hello");
    world.until(|world| !world.peers[0].comrades.is_empty());
    let from_bo = world.make_invite(1);
    world.disconnect(0);
    let placeholder = world.accept(0, &from_bo);
    world.send(0, placeholder, "written to the other entry");
    world.connect(0);
    world.until(|world| world.peers[0].comrades.len() == 1);
    world.until(|world| world.comrade(1, at_bo).state == ComradeState::Met);
    let bo = world.only(0).id;
    assert_eq!(world.only(0).state, ComradeState::Met);
    world.until(|world| world.only(0).waiting == 0);
    let texts = ["hello", "written to the other entry"];
    assert_eq!(world.texts(0, bo), texts);
    assert_eq!(world.texts(1, at_bo), texts);
    let again = Command::AcceptInvite { link: from_bo };
    assert_eq!(world.ask(0, again), Err(Refusal::InviteUsed));
}

#[test]
fn codes_can_be_marked_as_compared() {
    let mut world = two();
    let (bo, _) = world.meet(0, 1);
    for verified in [true, false, true] {
        let mark = Command::MarkVerified {
            comrade: bo,
            verified,
        };
        assert_eq!(world.ask(0, mark), Ok(Answer::Done));
        assert_eq!(world.comrade(0, bo).verified, verified);
    }
    world.restart(0);
    assert!(world.comrade(0, bo).verified);
}

#[test]
fn who_moves_to_another_relay_is_found_again() {
    let mut world = two();
    let (bo, ana) = world.meet(0, 1);
    let unknown = Command::UseRelay {
        link: Secret::new("https://relay-9.example"),
    };
    assert_eq!(world.ask(0, unknown), Err(Refusal::BadRelayLink));
    assert_eq!(
        world.ask(
            0,
            Command::UseRelay {
                link: relay_link(7)
            }
        ),
        Ok(Answer::Done)
    );
    world.until(|world| world.comrade(0, bo).waiting == 0);
    world.pass(HOUR);
    world.restart(0);
    world.send(1, ana, "found you");
    world.until(|world| world.comrade(1, ana).waiting == 0);
    assert_eq!(world.texts(0, bo), ["found you"]);
    // And back, by the address alone: the secret is known.
    let back = Command::UseRelay {
        link: Secret::new("https://relay-0.example/"),
    };
    assert_eq!(world.ask(0, back), Ok(Answer::Done));
    world.pass(HOUR);
    world.restart(0);
    world.send(1, ana, "and again");
    world.until(|world| world.comrade(1, ana).waiting == 0);
}
