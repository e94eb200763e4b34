//! A vault that moves to another address in one file: there is always one copy, and never two.

use std::collections::BTreeSet;

use komrade_crypto::{audit, vault::PRELUDE_BYTES};
use komrade_peer::limits;
use komrade_store::{StoreError, Table, memory::Cut};
use komrade_view::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{MINUTE, PASSPHRASE, World, plan_cut};

/// Where Ana is, where Bo is, and where Ana wants to be.
const OLD: usize = 0;
const BO: usize = 1;
const NEW: usize = 2;

fn move_with(passphrase: &str) -> Command {
    Command::Move {
        passphrase: Secret::new(passphrase),
    }
}

/// Ana and Bo, met, with a word from each.
fn two_comrades(seed: u64) -> (World, ComradeId, ComradeId) {
    let mut world = World::new(seed, 3);
    world.settle_in(OLD, "Ana");
    world.settle_in(BO, "Bo");
    let (bo, ana) = world.meet(OLD, BO);
    world.send(OLD, bo, "one");
    world.send(BO, ana, "two");
    world.pass(MINUTE);
    (world, bo, ana)
}

/// What the screens do: the whole file, or `None` if the engine died.
fn file(world: &mut World, at: usize) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    loop {
        match world.try_ask(at, Command::NextPart)? {
            Ok(Answer::Part { bytes, is_last }) => {
                assert!((1..=1_100_000).contains(&bytes.len()));
                file.extend(bytes);
                if is_last {
                    return Some(file);
                }
            }
            other => panic!("no part: {other:?}"),
        }
    }
}

fn moved(world: &mut World) -> Vec<u8> {
    assert_eq!(world.ask(OLD, move_with(PASSPHRASE)), Ok(Answer::Done));
    file(world, OLD).unwrap()
}

fn bring(world: &mut World, file: &[u8], passphrase: &str) -> Option<Result<Answer, Refusal>> {
    let begin = Command::Bring {
        passphrase: Secret::new(passphrase),
        size: file.len() as u64,
    };
    let mut answer = world.try_ask(NEW, begin)?;
    while let Ok(Answer::Want { from, bytes }) = answer {
        assert!(bytes <= 1_100_000);
        let wanted = &file[from as usize..][..bytes as usize];
        answer = world.try_ask(NEW, Command::BringBytes(wanted.to_vec()))?;
    }
    Some(answer)
}

fn brought(world: &mut World, file: &[u8]) -> Result<Answer, Refusal> {
    bring(world, file, PASSPHRASE).unwrap()
}

/// Where parts begin, and where the last one ends.
fn begins(file: &[u8]) -> Vec<usize> {
    let mut begins = vec![PRELUDE_BYTES];
    while let Some(at) = begins.last().copied().filter(|at| *at < file.len()) {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        begins.push(at + 4 + length as usize);
    }
    assert_eq!(begins.last(), Some(&file.len()));
    begins
}

/// The conversation goes on, from the new place.
fn goes_on(world: &mut World, bo: ComradeId, ana: ComradeId) {
    world.send(BO, ana, "three");
    world.send(NEW, bo, "four");
    world.until(|world| world.only(NEW).waiting + world.only(BO).waiting == 0);
    world.pass(30 * MINUTE);
    let all = ["one", "two", "three", "four"];
    assert_eq!(world.texts(NEW, bo), all);
    assert_eq!(world.texts(BO, ana), all);
    let mine = world.page(NEW, bo);
    assert!(
        mine.iter()
            .all(|it| !it.mine || matches!(it.tick, Tick::Delivered(_)))
    );
    assert_eq!((world.only(NEW).gap, world.only(BO).gap), (None, None));
}

#[test]
fn a_conversation_goes_on_after_the_move() {
    let (mut world, bo, ana) = two_comrades(700);
    let profile = world.peers[OLD].profile.clone();
    assert_eq!(
        world.ask(OLD, move_with("a wrong passphrase")),
        Err(Refusal::WrongPassphrase)
    );
    assert_eq!(world.peers[OLD].vault, Some(VaultState::Open));
    assert_eq!(
        world.ask(OLD, Command::NextPart),
        Err(Refusal::VaultExists),
        "no file while it can be used"
    );
    let file = moved(&mut world);
    assert_eq!(
        world.peers[OLD].vault,
        Some(VaultState::Moved {
            is_ready: true,
            can_erase: true
        })
    );
    assert_eq!(world.ask(OLD, Command::NextPart), Err(Refusal::OutOfBounds));
    assert_eq!(world.ask(OLD, Command::EraseMoved), Ok(Answer::Done));
    assert_eq!(world.peers[OLD].vault, Some(VaultState::Absent));
    assert!(world.peers[OLD].store.records().is_empty());
    world.stop(OLD);
    assert_eq!(brought(&mut world, &file), Ok(Answer::Done));
    assert_eq!(world.peers[NEW].vault, Some(VaultState::Open));
    assert_eq!(world.peers[NEW].profile, profile);
    goes_on(&mut world, bo, ana);
    // It is a vault like any other.
    world.restart(NEW);
    assert_eq!(
        world.texts(NEW, bo).last().map(String::as_str),
        Some("four")
    );
}

#[test]
fn what_has_moved_is_not_opened_again_but_the_file_is_made_again() {
    let (mut world, bo, ana) = two_comrades(701);
    let first = moved(&mut world);
    let unlock = || Command::Unlock {
        passphrase: Secret::new(PASSPHRASE),
    };
    let cut = || Command::CutKeys { name: "Ana".into() };
    for command in [unlock(), cut(), Command::SetAckPace(AckPace::Quick)] {
        assert_eq!(world.ask(OLD, command), Err(Refusal::Moved));
    }
    world.start(OLD);
    let moved = |is_ready| {
        Some(VaultState::Moved {
            is_ready,
            can_erase: true,
        })
    };
    assert_eq!(world.peers[OLD].vault, moved(false));
    for command in [unlock(), cut()] {
        assert_eq!(world.ask(OLD, command), Err(Refusal::Moved));
    }
    assert_eq!(world.ask(OLD, Command::NextPart), Err(Refusal::Locked));
    assert_eq!(
        world.ask(OLD, move_with("a wrong passphrase")),
        Err(Refusal::WrongPassphrase)
    );
    assert_eq!(world.peers[OLD].vault, moved(false));
    assert_eq!(world.ask(OLD, move_with(PASSPHRASE)), Ok(Answer::Done));
    let again = file(&mut world, OLD).unwrap();
    assert_eq!(again.len(), first.len());
    assert_ne!(again, first, "sealed under a key of its own");
    assert_eq!(brought(&mut world, &again), Ok(Answer::Done));
    goes_on(&mut world, bo, ana);
}

#[test]
fn nothing_is_erased_before_the_whole_file_was_handed_out() {
    let (mut world, ..) = two_comrades(707);
    let cannot = |world: &mut World, is_ready| {
        let expected = VaultState::Moved {
            is_ready,
            can_erase: false,
        };
        assert_eq!(world.peers[OLD].vault, Some(expected));
        let refused = world.ask(OLD, Command::EraseMoved);
        assert_eq!(refused, Err(Refusal::NoFileYet));
    };
    assert_eq!(world.ask(OLD, move_with(PASSPHRASE)), Ok(Answer::Done));
    cannot(&mut world, true);
    world.start(OLD);
    cannot(&mut world, false);
    assert_eq!(world.ask(OLD, move_with(PASSPHRASE)), Ok(Answer::Done));
    assert!(world.ask(OLD, Command::NextPart).is_ok());
    cannot(&mut world, true);
    file(&mut world, OLD).unwrap();
    // Still so after a restart; but not while another file is being made.
    world.start(OLD);
    assert_eq!(world.ask(OLD, move_with(PASSPHRASE)), Ok(Answer::Done));
    cannot(&mut world, true);
    assert_eq!(world.ask(OLD, Command::Lock), Ok(Answer::Done));
    assert_eq!(world.ask(OLD, Command::EraseMoved), Ok(Answer::Done));
}

#[test]
fn a_vault_of_many_parts_arrives_whole() {
    let (mut world, bo, _) = two_comrades(702);
    world.peers[BO].online = false;
    world.disconnect(BO);
    let text = "x".repeat(20_000);
    for _ in 0..120 {
        world.send(OLD, bo, &text);
    }
    for n in 0..limits::PART_RECORDS {
        world.send(OLD, bo, &format!("message {n}"));
    }
    let before = world.peers[OLD].store.records();
    let file = moved(&mut world);
    assert!(file.len() > 2 * limits::PART_BYTES, "{}", file.len());
    assert_eq!(brought(&mut world, &file), Ok(Answer::Done));
    let after: BTreeSet<_> = world.peers[NEW]
        .store
        .records()
        .into_iter()
        .map(|(table, record)| (table, record.key))
        .collect();
    for (table, record) in before {
        assert!(after.contains(&(table, record.key)), "{table:?}");
    }
}

#[test]
fn copies_of_others_envelopes_stay_behind() {
    let mut world = World::new(703, 3);
    world.add_relay(0);
    world.settle_at(OLD, "Ana", 0);
    world.settle_at(BO, "Bo", 0);
    let (bo, ana) = world.meet(OLD, BO);
    world.send(OLD, bo, "one");
    world.send(BO, ana, "two");
    world.pass(MINUTE);
    let kept = |world: &World, at: usize| {
        let records = world.peers[at].store.records().into_iter();
        records
            .filter(|(table, record)| *table == Table::Waiting && record.key[0] >= 2)
            .count()
    };
    assert!(kept(&world, OLD) > 0);
    let file = moved(&mut world);
    assert_eq!(world.ask(OLD, Command::EraseMoved), Ok(Answer::Done));
    assert_eq!(brought(&mut world, &file), Ok(Answer::Done));
    let route = world.peers[NEW].route.as_ref().unwrap();
    assert_eq!((route.replicas.envelopes, route.replicas.bytes), (0, 0));
    assert_eq!(kept(&world, NEW), 0);
    goes_on(&mut world, bo, ana);
}

#[test]
fn a_file_that_is_not_whole_or_was_changed_leaves_nothing_behind() {
    let (mut world, ..) = two_comrades(704);
    let file = moved(&mut world);
    let refused = |world: &mut World, file: &[u8]| {
        let refusal = brought(world, file).unwrap_err();
        assert_eq!(world.peers[NEW].vault, Some(VaultState::Absent));
        assert!(world.peers[NEW].store.records().is_empty());
        refusal
    };
    let begins = begins(&file);
    let around = begins.iter().flat_map(|at| at.saturating_sub(2)..at + 6);
    let some = (0..file.len()).step_by(97);
    let places: BTreeSet<usize> = (0..PRELUDE_BYTES).chain(around).chain(some).collect();
    for at in places.into_iter().filter(|at| *at < file.len()) {
        let expected = if at < 8 {
            Refusal::ForeignFile
        } else {
            Refusal::FileCutShort
        };
        assert_eq!(refused(&mut world, &file[..at]), expected, "{at} bytes");
        let mut changed = file.clone();
        changed[at] ^= 4;
        let refusal = refused(&mut world, &changed);
        let expected = match at {
            0..8 => Refusal::ForeignFile,
            8 | 9 => Refusal::NewerFile,
            // A length that was changed may reach past the end.
            _ if refusal == Refusal::FileCutShort
                && begins.iter().any(|begin| (*begin..begin + 4).contains(&at)) =>
            {
                Refusal::FileCutShort
            }
            _ => Refusal::FileDamaged,
        };
        assert_eq!(refusal, expected, "byte {at}");
    }
    let longer = [file.as_slice(), &[0]].concat();
    assert_eq!(refused(&mut world, &longer), Refusal::FileDamaged);
    let wrong = bring(&mut world, &file, "a wrong passphrase");
    assert_eq!(wrong, Some(Err(Refusal::WrongPassphrase)));
    // Parts of two files of one vault do not mix.
    assert_eq!(world.ask(OLD, move_with(PASSPHRASE)), Ok(Answer::Done));
    let again = self::file(&mut world, OLD).unwrap();
    let mixed = [&file[..begins[1]], &again[begins[1]..]].concat();
    assert_eq!(refused(&mut world, &mixed), Refusal::FileDamaged);
    assert_eq!(brought(&mut world, &file), Ok(Answer::Done));
    for at in [OLD, NEW] {
        let begin = Command::Bring {
            passphrase: Secret::new(PASSPHRASE),
            size: 1,
        };
        let expected = [Refusal::Moved, Refusal::VaultExists][at / NEW];
        assert_eq!(world.ask(at, begin), Err(expected));
    }
}

#[test]
fn a_file_that_is_not_read_to_its_end_leaves_nothing_behind() {
    let (mut world, bo, ana) = two_comrades(709);
    for n in 0..limits::PART_RECORDS {
        world.send(OLD, bo, &format!("message {n}"));
    }
    let file = moved(&mut world);
    let parts = begins(&file).len();
    let mut kept = 0;
    for stop in 0..parts {
        let passphrase = Secret::new(PASSPHRASE);
        let size = file.len() as u64;
        let mut answer = world.ask(NEW, Command::Bring { passphrase, size });
        for _ in 0..stop {
            let Ok(Answer::Want { from, bytes }) = answer else {
                panic!("{answer:?}");
            };
            let wanted = &file[from as usize..][..bytes as usize];
            answer = world.ask(NEW, Command::BringBytes(wanted.to_vec()));
        }
        kept += world.peers[NEW].store.records().len();
        assert_eq!(world.ask(NEW, Command::Lock), Ok(Answer::Done));
        assert!(world.peers[NEW].store.records().is_empty(), "after {stop}");
        let more = Command::BringBytes(vec![0]);
        assert_eq!(world.ask(NEW, more), Err(Refusal::NoVault));
    }
    assert!(
        kept > limits::PART_RECORDS,
        "only {kept} records were there"
    );
    assert_eq!(brought(&mut world, &file), Ok(Answer::Done));
    assert!(world.texts(NEW, bo).len() > 2);
    assert_eq!(world.comrade(BO, ana).state, ComradeState::Met);
}

#[test]
fn commands_that_a_lock_or_another_tab_overtakes_are_all_answered() {
    let (mut world, ..) = two_comrades(705);
    let push = |world: &mut World, at, id, command| {
        world.push(at, komrade_peer::Input::Command(ToEngine { id, command }));
    };
    let file = moved(&mut world);
    assert_eq!(world.ask(OLD, move_with(PASSPHRASE)), Ok(Answer::Done));
    push(&mut world, OLD, 9_001, Command::NextPart);
    push(&mut world, OLD, 9_002, Command::NextPart);
    push(&mut world, OLD, 9_003, Command::Lock);
    push(&mut world, OLD, 9_004, move_with(PASSPHRASE));
    push(&mut world, OLD, 9_005, Command::Lock);
    world.drain();
    let begin = Command::Bring {
        passphrase: Secret::new(PASSPHRASE),
        size: file.len() as u64,
    };
    let Ok(Answer::Want { bytes, .. }) = world.ask(NEW, begin) else {
        panic!("nothing is wanted");
    };
    let bytes = Command::BringBytes(file[..bytes as usize].to_vec());
    push(&mut world, NEW, 9_006, bytes);
    world.push(NEW, komrade_peer::Input::LedElsewhere(1));
    world.drain();
    let answers = [
        (OLD, 9_001, Err(Refusal::Locked)),
        (OLD, 9_002, Err(Refusal::Busy)),
        (OLD, 9_003, Ok(Answer::Done)),
        (OLD, 9_004, Err(Refusal::Locked)),
        (OLD, 9_005, Ok(Answer::Done)),
        (NEW, 9_006, Err(Refusal::NotLeading)),
    ];
    for (at, id, expected) in answers {
        assert_eq!(world.answer(at, id), Some(expected), "{id}");
    }
    assert_eq!(
        world.peers[OLD].vault,
        Some(VaultState::Moved {
            is_ready: false,
            can_erase: true
        })
    );
}

#[test]
fn a_store_that_refuses_the_move_says_so_and_is_looked_at_again() {
    for error in [StoreError::Full, StoreError::Failed("gone".into())] {
        let (mut world, bo, ana) = two_comrades(706);
        world.peers[OLD].store.refuse(0, error.clone());
        assert!(world.ask(OLD, move_with(PASSPHRASE)).is_err());
        assert_eq!(world.peers[OLD].vault, Some(VaultState::StoreFailed));
        assert_eq!(
            world.ask(OLD, Command::NextPart),
            Err(Refusal::StorageFailed)
        );
        // It was not moved, and nothing left.
        world.restart(OLD);
        let file = moved(&mut world);
        // Each part, and last of all the header.
        let mut commits = 0;
        loop {
            world.peers[NEW].store.refuse(commits, error.clone());
            if brought(&mut world, &file).is_ok() {
                break;
            }
            assert_eq!(copy(&world, NEW), Copy::None);
            assert_eq!(world.peers[NEW].vault, Some(VaultState::Absent));
            commits += 1;
        }
        assert!(commits >= 4, "{commits}");
        // It may have been refused as soon as it was open.
        world.peers[NEW].store.refuse(u64::MAX, error);
        world.restart(NEW);
        goes_on(&mut world, bo, ana);
    }
}

// --- under kill ---------------------------------------------------------------------------------

/// What stands where a header would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copy {
    None,
    Usable,
    Moved,
}

fn copy(world: &World, at: usize) -> Copy {
    let mut records = world.peers[at].store.records().into_iter();
    match records.find(|(table, _)| *table == Table::Header) {
        None => Copy::None,
        Some((_, record)) if record.value[0] == 1 => Copy::Usable,
        Some((_, record)) => {
            assert!(matches!(record.value[0], 0x80 | 0x81));
            Copy::Moved
        }
    }
}

/// One copy can be used, or can be had of what there is; and never two can be used.
fn there_is_one(world: &World, file: Option<&[u8]>) {
    let (old, new) = (copy(world, OLD), copy(world, NEW));
    let all = (old, new, file.is_some());
    assert!(
        matches!(
            all,
            (Copy::Usable, Copy::None, false)
                | (Copy::Moved, Copy::None, _)
                | (Copy::None, Copy::None, true)
                | (Copy::None, Copy::Usable, true)
        ),
        "{all:?}"
    );
}

/// The whole move, by a person who goes on whatever happens. Gives the commits of both places.
fn play(cut: Option<(usize, u64, Cut)>) -> [u64; 2] {
    audit::take();
    let (mut world, bo, ana) = two_comrades(710);
    let before = [OLD, NEW].map(|at| world.peers[at].store.commits());
    if let Some((at, commits, side)) = cut {
        plan_cut(&world, at, commits, side);
    }
    let mut saved: Option<Vec<u8>> = None;
    while !world.is_running(NEW) || world.peers[NEW].vault != Some(VaultState::Open) {
        there_is_one(&world, saved.as_deref());
        let at = if copy(&world, OLD) == Copy::None {
            NEW
        } else {
            OLD
        };
        if !world.is_running(at) {
            world.start(at);
            continue;
        }
        match (at, world.peers[at].vault) {
            (_, Some(VaultState::Locked)) => {
                let passphrase = Secret::new(PASSPHRASE);
                world.try_ask(at, Command::Unlock { passphrase });
            }
            (OLD, Some(VaultState::Moved { is_ready: true, .. })) if saved.is_none() => {
                saved = file(&mut world, OLD);
            }
            (OLD, Some(VaultState::Moved { .. })) if saved.is_some() => {
                world.try_ask(OLD, Command::EraseMoved);
            }
            (OLD, _) => {
                world.try_ask(OLD, move_with(PASSPHRASE));
            }
            _ => {
                let file = saved.clone().unwrap();
                bring(&mut world, &file, PASSPHRASE);
            }
        }
    }
    there_is_one(&world, saved.as_deref());
    if let Some((at, _, side)) = cut {
        plan_cut(&world, at, u64::MAX, side);
    }
    let after = [OLD, NEW].map(|at| world.peers[at].store.commits());
    goes_on(&mut world, bo, ana);
    let seals = audit::take();
    let distinct: BTreeSet<_> = seals.iter().collect();
    assert_eq!(distinct.len(), seals.len(), "a key twice with one nonce");
    [after[0] - before[0], after[1] - before[1]]
}

#[test]
fn a_crash_at_any_commit_of_the_move_leaves_one_copy() {
    let [old, new] = play(None);
    assert!(old >= 2 && new >= 4, "{old} {new}");
    for (at, commits) in [(OLD, old), (NEW, new)] {
        for n in 0..commits {
            for side in [Cut::Before, Cut::After] {
                play(Some((at, n, side)));
            }
        }
    }
}
