//! A collective splits: some go on by themselves, if each of them says so and the rules are met.

use komrade_view::*;

use crate::{
    collective::{Collectives, collective},
    world::{DAY, HOUR, MINUTE},
};

#[test]
fn a_split_needs_the_yes_of_everybody_who_goes_and_the_rest_go_on() {
    let (mut world, met) = collective(970, 4);
    let leaving = ["Dara", "Cleo"].map(|name| world.person(0, name));
    let split = world.propose(0, Matter::Split(leaving.to_vec()));
    world.pass(MINUTE);
    // Three of four are more than half, but Dara has not said so.
    for at in 0..3 {
        world.vote(at, Choice::Yes);
        world.pass(MINUTE);
    }
    world.pass(2 * HOUR);
    let open = world.open_proposal(3);
    assert_eq!(open.id, split);
    assert!(matches!(&open.matter, Matter::Split(who) if who.len() == 2));
    assert!(open.may_vote);
    assert_eq!(open.missing, [leaving[0]]);
    world.agree(&[0, 1, 2, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    world.vote(3, Choice::Yes);
    world.pass(DAY);
    world.agree(&[0, 1], &["Ana", "Bo"]);
    for at in 2..4 {
        let standing = world.collective(at).standing;
        assert!(matches!(standing, Standing::Removed(_)), "{at}");
        let proposals = world.detail(at).proposals;
        let outcome = proposals.iter().find(|it| it.id == split).unwrap().outcome;
        assert!(matches!(outcome, Some((Outcome::Passed, _))), "{at}");
    }
    // Who stays goes on, and who went reads no more of it.
    world.post(0, "among two");
    world.pass(HOUR);
    assert_eq!(world.said(1), ["among two"]);
    for at in 2..4 {
        assert!(world.said(at).is_empty(), "{at}");
    }
    // Of one who goes against their will there is no split.
    let bo = world.person(0, "Bo");
    world.propose(0, Matter::Split(vec![bo]));
    world.pass(MINUTE);
    world.vote(0, Choice::Yes);
    world.pass(MINUTE);
    world.vote(1, Choice::No);
    world.pass(DAY);
    world.agree(&[0, 1], &["Ana", "Bo"]);
    assert_eq!(met.len(), 3);
}

#[test]
fn whoever_was_just_put_to_rest_is_waited_for_and_returns_to_decide() {
    let (mut world, _) = collective(972, 4);
    let [bo, dara] = ["Bo", "Dara"].map(|name| world.person(0, name));
    world.propose(0, Matter::Rest(dara));
    world.pass(MINUTE);
    for at in 0..2 {
        world.vote(at, Choice::Yes);
        world.pass(MINUTE);
    }
    world.pass(2 * HOUR);
    assert_eq!(world.collective(3).standing, Standing::Resting);
    let split = world.propose(0, Matter::Split(vec![bo]));
    world.pass(MINUTE);
    for at in 0..2 {
        world.vote(at, Choice::Yes);
        world.pass(MINUTE);
    }
    world.pass(DAY);
    // More than half of three, and not of four.
    world.agree(&[0, 1, 2, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    let open = world.open_proposal(0);
    assert_eq!((open.id, open.needs.electorate), (split, 4));
    assert_eq!(open.needs.yes, Some((2, 3)));
    assert!(open.missing.contains(&dara));
    let asked = world.open_proposal(3);
    assert_eq!(asked.missing.first(), Some(&dara));
    assert!(!asked.may_vote);
    assert_eq!(world.collective(3).asked, 1);
    let back = CollectiveCommand::Return(world.collective(3).id);
    world.order(3, back);
    assert!(world.open_proposal(3).may_vote);
    world.vote(3, Choice::Yes);
    world.pass(DAY);
    world.agree(&[0, 2, 3], &["Ana", "Cleo", "Dara"]);
    let standing = world.collective(1).standing;
    assert!(matches!(standing, Standing::Removed(_)));
}

#[test]
fn nobody_splits_everybody_off_or_somebody_who_is_no_member() {
    let (mut world, _) = collective(971, 2);
    let all = ["Ana", "Bo"].map(|name| world.person(0, name));
    for who in [all.to_vec(), Vec::new(), vec![PersonKey([9; 32])]] {
        let propose = CollectiveCommand::Propose {
            collective: world.collective(0).id,
            matter: Matter::Split(who),
            reason: String::new(),
        };
        let proposed = world.ask(0, Command::Collective(propose));
        assert_eq!(proposed, Err(Refusal::Over));
    }
}
