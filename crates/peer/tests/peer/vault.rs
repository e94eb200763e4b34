//! The vault: made, opened, closed, changed, damaged.

use komrade_store::{Batch, Change, Store, StoreError, Table};
use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{PASSPHRASE, World, now};

fn unlock(passphrase: &str) -> Command {
    Command::Unlock {
        passphrase: Secret::new(passphrase),
    }
}

#[test]
fn a_vault_is_made_step_by_step_and_every_wrong_step_has_its_refusal() {
    let mut world = World::new(40, 1);
    assert_eq!(world.peers[0].vault, Some(VaultState::Absent));
    assert_eq!(world.ask(0, unlock(PASSPHRASE)), Err(Refusal::NoVault));
    let seal = |text: &str| Command::SealVault {
        passphrase: Secret::new(text),
    };
    assert_eq!(world.ask(0, seal(PASSPHRASE)), Err(Refusal::NoKeysCut));
    for name in ["", " ", &"x".repeat(65), "a\u{202e}b", "a\nb"] {
        let cut = Command::CutKeys { name: name.into() };
        assert_eq!(world.ask(0, cut), Err(Refusal::BadName));
    }
    let Ok(Answer::Keys { words, passphrase }) =
        world.ask(0, Command::CutKeys { name: "Ana".into() })
    else {
        panic!("no keys");
    };
    assert_eq!(words.expose().split(' ').count(), 24);
    assert_eq!(passphrase.expose().split(' ').count(), 6);
    assert_eq!(
        world.ask(0, seal("elevenchars")),
        Err(Refusal::PassphraseTooShort)
    );
    assert_eq!(
        world.ask(
            0,
            Command::SealVault {
                passphrase: passphrase.clone()
            }
        ),
        Ok(Answer::Done)
    );
    assert_eq!(world.peers[0].vault, Some(VaultState::Open));
    assert_eq!(world.peers[0].profile.as_ref().unwrap().name, "Ana");
    let cut = Command::CutKeys { name: "Ana".into() };
    assert_eq!(world.ask(0, cut), Err(Refusal::VaultExists));
    assert_eq!(world.ask(0, Command::Lock), Ok(Answer::Done));
    assert_eq!(world.peers[0].vault, Some(VaultState::Locked));
    assert_eq!(
        world.ask(0, Command::SetAckPace(AckPace::Quick)),
        Err(Refusal::Locked)
    );
    assert_eq!(
        world.ask(0, Command::Unlock { passphrase }),
        Ok(Answer::Done)
    );
    let words = komrade_crypto::identity::RecoveryWords::from_text(words.expose()).unwrap();
    let person = words.root().person().to_string();
    assert_eq!(world.peers[0].profile.as_ref().unwrap().person, person);
}

#[test]
fn the_passphrase_can_be_changed_and_the_old_one_is_worthless_then() {
    let mut world = World::new(41, 1);
    world.settle_in(0, "Ana");
    let change = |old: &str, new: &str| Command::ChangePassphrase {
        old: Secret::new(old),
        new: Secret::new(new),
    };
    let new = "quite another passphrase";
    assert_eq!(
        world.ask(0, change("wrong passphrase", new)),
        Err(Refusal::WrongPassphrase)
    );
    assert_eq!(
        world.ask(0, change(PASSPHRASE, "short")),
        Err(Refusal::PassphraseTooShort)
    );
    assert_eq!(world.ask(0, change(PASSPHRASE, new)), Ok(Answer::Done));
    world.start(0);
    assert_eq!(
        world.ask(0, unlock(PASSPHRASE)),
        Err(Refusal::WrongPassphrase)
    );
    assert_eq!(world.ask(0, unlock(new)), Ok(Answer::Done));
    // A change that the store refused is none.
    world.peers[0].store.refuse(0, StoreError::Full);
    assert_eq!(
        world.ask(0, change(new, PASSPHRASE)),
        Err(Refusal::StorageFull)
    );
    assert_eq!(
        world.ask(0, unlock(PASSPHRASE)),
        Err(Refusal::WrongPassphrase)
    );
    assert_eq!(world.ask(0, unlock(new)), Ok(Answer::Done));
}

#[test]
fn a_vault_that_could_not_be_written_can_be_sealed_again() {
    let mut world = World::new(42, 1);
    assert!(
        world
            .ask(0, Command::CutKeys { name: "Ana".into() })
            .is_ok()
    );
    world.peers[0].store.refuse(0, StoreError::Full);
    let seal = Command::SealVault {
        passphrase: Secret::new(PASSPHRASE),
    };
    assert_eq!(world.ask(0, seal.clone()), Err(Refusal::StorageFull));
    assert_eq!(world.peers[0].vault, Some(VaultState::Absent));
    assert_eq!(world.ask(0, seal), Ok(Answer::Done));
    world.restart(0);
}

#[test]
fn what_is_kept_shows_neither_names_nor_texts_nor_keys() {
    let mut world = World::new(43, 2);
    let name = "Rosa-Canary-Luxemburg";
    world.settle_in(0, name);
    world.settle_in(1, "Bo");
    let (bo, _) = world.meet(0, 1);
    world.stop(1);
    let text = "canary in the coal mine, canary in the text";
    world.send(0, bo, text);
    let address = "relay-0.example";
    let mut looked_at = 0;
    for (table, record) in world.peers[0].store.records() {
        for canary in [name, text, address, "Bo\u{0}"] {
            let found = |bytes: &[u8]| {
                bytes
                    .windows(canary.len())
                    .any(|it| it == canary.as_bytes())
            };
            assert!(!found(&record.key) && !found(&record.value), "{table:?}");
        }
        looked_at += record.key.len() + record.value.len();
    }
    assert!(looked_at > 10_000, "only {looked_at} bytes");
}

#[test]
fn a_damaged_vault_is_said_to_be_so() {
    let lease_of = |world: &World| {
        let outcome = now(world.peers[0].store.lease([0; 16], world.now, true)).unwrap();
        let komrade_store::LeaseOutcome::Held(lease) = outcome else {
            panic!("no lease")
        };
        lease
    };
    for table in [
        Table::Own,
        Table::Comrades,
        Table::Sessions,
        Table::Outbox,
        Table::Invites,
    ] {
        let mut world = World::new(44, 2);
        world.settle_in(0, "Ana");
        world.settle_in(1, "Bo");
        let (bo, _) = world.meet(0, 1);
        world.stop(1);
        world.send(0, bo, "waits");
        world.stop(0);
        let records = world.peers[0].store.records();
        let (_, mut record) = records.into_iter().find(|(it, _)| *it == table).unwrap();
        *record.value.last_mut().unwrap() ^= 1;
        let batch = Batch {
            changes: vec![Change::Put(table, record)],
        };
        now(world.peers[0].store.commit(lease_of(&world), &batch)).unwrap();
        world.start(0);
        assert_eq!(
            world.ask(0, unlock(PASSPHRASE)),
            Err(Refusal::VaultDamaged),
            "{table:?}"
        );
        assert_eq!(world.peers[0].vault, Some(VaultState::Damaged));
        assert_eq!(world.ask(0, unlock(PASSPHRASE)), Err(Refusal::VaultDamaged));
        let cut = Command::CutKeys { name: "Ana".into() };
        assert_eq!(world.ask(0, cut), Err(Refusal::VaultDamaged));
    }
    let mut world = World::new(45, 1);
    world.settle_in(0, "Ana");
    world.stop(0);
    for (byte, at, state) in [(9, 0, VaultState::Newer), (0, 0, VaultState::Damaged)] {
        let records = world.peers[0].store.records();
        let (_, mut record) = records
            .into_iter()
            .find(|(it, _)| *it == Table::Header)
            .unwrap();
        record.value[at] = byte;
        let batch = Batch {
            changes: vec![Change::Put(Table::Header, record)],
        };
        now(world.peers[0].store.commit(lease_of(&world), &batch)).unwrap();
        world.start(0);
        assert_eq!(world.peers[0].vault, Some(state));
        world.stop(0);
    }
}

#[test]
fn commands_while_the_vault_opens_or_closes_are_all_answered() {
    use komrade_peer::Input;
    let mut world = World::new(46, 1);
    world.settle_in(0, "Ana");
    world.start(0);
    // All at once, before anything was carried out.
    for (id, command) in [
        (9_001, unlock(PASSPHRASE)),
        (9_002, unlock(PASSPHRASE)),
        (9_003, Command::Reconnect),
        (9_004, Command::Lock),
        (9_005, Command::SetAckPace(AckPace::Never)),
    ] {
        world.push(0, Input::Command(ToEngine { id, command }));
    }
    world.drain();
    let answers: Vec<_> = (9_001..=9_005)
        .map(|id| world.answer(0, id).unwrap())
        .collect();
    assert_eq!(
        answers,
        [
            Err(Refusal::Locked),
            Err(Refusal::Busy),
            Err(Refusal::Busy),
            Ok(Answer::Done),
            Err(Refusal::Locked)
        ]
    );
    assert_eq!(world.peers[0].vault, Some(VaultState::Locked));
}
