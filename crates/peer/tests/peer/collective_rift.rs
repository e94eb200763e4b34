//! A collective that falls apart: halves that remove each other while they do not hear of one another, and a device that is two
//! and signs for both.

use komrade_view::*;

use crate::{
    collective::{Collectives, carry, collective, gather, people, rules},
    world::{DAY, HOUR, MINUTE, World},
};

/// So many members remove one: both halves can.
fn remove_by(least: u16) -> ConstitutionView {
    ConstitutionView {
        removal: Share::number(least),
        ..rules(1)
    }
}

/// The relays of these reach those of the others no more, and the other way round.
fn part(world: &mut World, ones: &[usize], others: &[usize]) {
    for one in ones {
        let both = |other| [(*one, other), (other, *one)];
        world.parted.extend(others.iter().copied().flat_map(both));
    }
}

/// Each of these says something, they all read it, and these others nothing of it.
fn talk_among(world: &mut World, ones: &[usize], others: &[usize]) {
    for at in ones {
        world.post(*at, &format!("{at} among {ones:?}"));
        world.pass(MINUTE);
    }
    world.pass(DAY);
    for word in ones {
        let word = format!("{word} among {ones:?}");
        let mut read = |at: &usize| world.said(*at).contains(&word);
        assert!(ones.iter().all(&mut read), "{word}");
        assert!(!others.iter().any(&mut read), "{word}");
    }
}

fn come_in(world: &mut World, by: usize, comrade: ComradeId, at: usize) {
    world.candidate(by, comrade, at);
    world.until(|world| world.collective(at).standing == Standing::Member);
    world.pass(2 * HOUR);
}

/// Forgets the collective that is over, and founds another with these comrades, who forget it, too.
fn found_anew(world: &mut World, by: usize, others: &[(ComradeId, usize)]) {
    for at in others.iter().map(|(_, at)| *at).chain([by]) {
        let over = world.collective(at).id;
        world.order(at, CollectiveCommand::Forget(over));
    }
    world.pass(HOUR);
    world.found(by, rules(1));
    for (comrade, at) in others {
        come_in(world, by, *comrade, *at);
    }
}

/// Who stands against whom, as somebody is shown it.
fn sides(world: &mut World, at: usize) -> Option<Vec<Vec<String>>> {
    let detail = world.detail(at);
    let all: Vec<_> = detail.members.iter().chain(&detail.former).collect();
    let name = |person: &PersonKey| {
        let found = all.iter().find(|it| it.person == *person);
        found.expect("somebody known").name.clone()
    };
    let names = |side: &Vec<PersonKey>| {
        let mut names: Vec<String> = side.iter().map(name).collect();
        names.sort();
        names
    };
    let mut sides: Vec<_> = detail.sides?.iter().map(names).collect();
    sides.sort();
    Some(sides)
}

fn alarm(world: &World, at: usize) -> Option<Alarm> {
    world.collective(at).alarm
}

#[test]
fn halves_that_remove_each_other_are_told_and_go_on_as_two() {
    let (mut world, met) = people(1_030, 6);
    gather(&mut world, &met, remove_by(3));
    // That all six are in is final.
    world.pass(3 * DAY);
    let (ana_at_bo, at_dara) = (world.only(1).id, [4, 5].map(|at| (world.meet(3, at).0, at)));
    world.pass(HOUR);
    part(&mut world, &[0, 1, 2], &[3, 4, 5]);
    let [ana, dara] = ["Ana", "Dara"].map(|name| world.person(0, name));
    carry(&mut world, &[0, 1, 2], Matter::Remove(dara));
    carry(&mut world, &[3, 4, 5], Matter::Remove(ana));
    world.pass(DAY);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo", "Emil", "Fay"]);
    world.agree(&[3, 4, 5], &["Bo", "Cleo", "Dara", "Emil", "Fay"]);
    assert!((0..6).all(|at| alarm(&world, at).is_none()));
    world.parted.clear();
    world.pass(DAY);
    world.agree(&[1, 2, 4, 5], &["Bo", "Cleo", "Emil", "Fay"]);
    let rift = [["Ana", "Bo", "Cleo"], ["Dara", "Emil", "Fay"]]
        .map(|side| side.map(String::from).to_vec());
    for at in 0..6 {
        let is_removed = matches!(world.collective(at).standing, Standing::Removed(_));
        assert_eq!(is_removed, [0, 3].contains(&at), "{at}");
        // Whoever is out by it is told as well: with whom they go on is for them to say, too.
        assert_eq!(alarm(&world, at), Some(Alarm::MutualRemoval), "{at}");
        assert_eq!(sides(&mut world, at), Some(rift.to_vec()), "{at}");
    }
    talk_among(&mut world, &[1, 2, 4, 5], &[0, 3]);

    // They go on as two.
    let leaving = ["Emil", "Fay"].map(|name| world.person(1, name));
    carry(&mut world, &[1, 2, 4, 5], Matter::Split(leaving.to_vec()));
    world.pass(DAY);
    world.agree(&[1, 2], &["Bo", "Cleo"]);
    for at in [1, 2] {
        assert_eq!(alarm(&world, at), None, "it is settled: {at}");
        assert_eq!(sides(&mut world, at), None, "{at}");
    }
    for at in [4, 5] {
        assert!(
            matches!(world.collective(at).standing, Standing::Removed(_)),
            "{at}"
        );
    }
    talk_among(&mut world, &[1, 2], &[0, 3, 4, 5]);
    come_in(&mut world, 1, ana_at_bo, 0);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    found_anew(&mut world, 3, &at_dara);
    world.agree(&[3, 4, 5], &["Dara", "Emil", "Fay"]);
    talk_among(&mut world, &[0, 1, 2], &[3, 4, 5]);
    talk_among(&mut world, &[3, 4, 5], &[0, 1, 2]);
    for at in 0..6 {
        assert_eq!(alarm(&world, at), None, "{at}");
        assert_eq!(world.collective(at).gap, None, "{at}");
    }
    world.restart(1);
    assert_eq!(alarm(&world, 1), None);
}

#[test]
fn a_device_that_is_two_and_signs_for_two_halves_is_named_to_everybody() {
    let (mut world, _) = collective(1_032, 4);
    let [emil, fay] = [(0, "Emil"), (2, "Fay")].map(|(by, name)| {
        let at = world.add_peer();
        world.add_relay(at);
        world.settle_at(at, name, at);
        world.meet(by, at).0
    });
    // All that they did together is final.
    world.pass(3 * DAY);
    let bo = world.person(0, "Bo");
    let copy = world.peers[1].store.records();
    // Bo is with Ana, and signs that Emil came in.
    part(&mut world, &[0, 1, 4], &[2, 3, 5]);
    come_in(&mut world, 0, emil, 4);
    world.pass(2 * DAY);
    world.agree(&[0, 1, 4], &["Ana", "Bo", "Cleo", "Dara", "Emil"]);
    // The copy is with Cleo, and signs that Fay did.
    world.stop(0);
    world.stop(4);
    world.parted.clear();
    part(&mut world, &[0, 4], &[1, 2, 3, 5]);
    world.stop(1);
    world.wipe_relay(1);
    world.set_back(1, copy);
    come_in(&mut world, 2, fay, 5);
    world.pass(2 * DAY);
    world.agree(&[1, 2, 3, 5], &["Ana", "Bo", "Cleo", "Dara", "Fay"]);
    assert!([1, 2, 3, 5].iter().all(|at| alarm(&world, *at).is_none()));
    world.parted.clear();
    world.restart(0);
    world.restart(4);
    world.pass(3 * DAY);
    for at in [0, 1, 2, 3, 5] {
        assert_eq!(alarm(&world, at), Some(Alarm::DoubleSigned(bo)), "{at}");
    }
    // It is for persons to look into. What two thirds confirmed holds, and what did not know of it has to be proposed anew.
    world.agree(&[0, 1, 2, 3, 5], &["Ana", "Bo", "Cleo", "Dara", "Fay"]);
    talk_among(&mut world, &[0, 2, 3, 5], &[]);
    world.restart(0);
    assert_eq!(alarm(&world, 0), Some(Alarm::DoubleSigned(bo)));
}
