//! What the rules of a collective ask for takes its time, and changes hands: vouches that come after weeks, delegates.

use komrade_view::*;

use crate::{
    collective::{Collectives, amend, carry, gather, people, rules},
    world::{DAY, HOUR, MINUTE, World},
};

#[test]
fn a_vouch_that_comes_after_weeks_away_admits_and_the_newcomer_reads_what_follows() {
    // Vouches count for a month.
    let month = |vouches| ConstitutionView {
        days: 30,
        ..rules(vouches)
    };
    let (mut world, met) = people(1_040, 4);
    gather(&mut world, &met[..2], month(1));
    amend(&mut world, &[0, 1, 2], &month(2));
    world.candidate(0, met[2], 3);
    world.until(|world| world.collective(3).candidacy.is_some());
    let told = world.collective(3).candidacy.unwrap();
    assert_eq!(told.vouches, Some((1, 2)));
    // Whoever would vouch and whoever waits for it are away for two weeks; the others go on, and so do their keys.
    world.stop(1);
    world.stop(3);
    world.pass(DAY);
    world.post(0, "before Dara came");
    world.pass(8 * DAY);
    world.post(2, "still before");
    world.pass(6 * DAY);
    // Those who stayed are started anew, too.
    world.restart(0);
    world.restart(2);
    world.restart(3);
    world.pass(DAY);
    let standing = world.collective(3).standing;
    assert!(
        matches!(standing, Standing::Candidate { .. }),
        "{standing:?}"
    );
    world.restart(1);
    world.pass(HOUR);
    let proposal = world.open_proposal(1);
    assert_eq!(proposal.needs.vouches, Some((1, 2)));
    assert!(proposal.may_vouch);
    world.vouch(1);
    world.until(|world| world.collective(3).standing == Standing::Member);
    world.pass(3 * HOUR);
    world.agree(&[0, 1, 2, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    for at in 0..4 {
        world.post(at, &format!("from {at}"));
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    for at in 0..4 {
        let said = world.said(at);
        let before = if at == 3 { 0 } else { 2 };
        assert_eq!(said.len(), before + 4, "{at}: {said:?}");
        assert_eq!(
            said[before..],
            ["from 0", "from 1", "from 2", "from 3"],
            "{at}"
        );
        assert_eq!(world.collective(at).gap, None, "{at}");
        assert_eq!(world.collective(at).alarm, None, "{at}");
    }
    let dara = world.person(2, "Dara");
    let members = world.detail(2).members;
    let member = members.iter().find(|it| it.person == dara).unwrap();
    assert_eq!(member.vouched_by.len(), 2);
}

/// Only delegates write, and the vouch of one of them is enough.
fn by_delegates(vouches: u16) -> ConstitutionView {
    ConstitutionView {
        posters: Posters::Delegates,
        delegates: true,
        delegates_admit: true,
        ..rules(vouches)
    }
}

/// What comes of a post.
fn tries_to_post(world: &mut World, at: usize) -> Result<Answer, Refusal> {
    let post = CollectiveCommand::Post {
        collective: world.collective(at).id,
        text: "not for me to say".into(),
        reply_to: None,
        mentions: Vec::new(),
    };
    world.ask(at, Command::Collective(post))
}

#[test]
fn a_delegate_is_elected_does_what_only_delegates_may_and_is_recalled() {
    let (mut world, met) = people(1_041, 5);
    gather(&mut world, &met[..2], by_delegates(1));
    amend(&mut world, &[0, 1, 2], &by_delegates(2));
    let at_bo = [3, 4].map(|at| world.meet(1, at).0);
    world.pass(HOUR);
    let bo = world.person(0, "Bo");
    let delegates = |world: &mut World, at| {
        let members = world.detail(at).members.into_iter();
        let delegates = members.filter(|member| member.delegate);
        delegates.map(|member| member.name).collect::<Vec<_>>()
    };
    for at in 0..3 {
        assert!(!world.detail(at).may_post);
        assert_eq!(tries_to_post(&mut world, at), Err(Refusal::NotEntitled));
        assert!(delegates(&mut world, at).is_empty());
    }

    let elect = |elect| Matter::Delegate { person: bo, elect };
    carry(&mut world, &[0, 2], elect(true));
    for at in 0..3 {
        assert_eq!(delegates(&mut world, at), ["Bo"], "{at}");
        assert_eq!(world.detail(at).may_post, at == 1, "{at}");
    }
    world.post(1, "from the delegate");
    assert_eq!(tries_to_post(&mut world, 2), Err(Refusal::NotEntitled));
    // Dara comes in by Bo's vouch alone.
    world.candidate(1, at_bo[0], 3);
    world.until(|world| world.collective(3).standing == Standing::Member);
    world.pass(2 * HOUR);
    world.agree(&[0, 1, 2, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    world.post(1, "welcome");
    world.pass(HOUR);
    for at in [0, 2] {
        assert_eq!(world.said(at), ["from the delegate", "welcome"], "{at}");
    }
    assert_eq!(world.said(3), ["welcome"]);

    // While the others recall him, Bo hears of nothing and says what they do not read.
    carry(&mut world, &[0, 2, 3], elect(false));
    for at in 0..4 {
        assert!(delegates(&mut world, at).is_empty(), "{at}");
        assert!(!world.detail(at).may_post, "{at}");
        assert_eq!(
            tries_to_post(&mut world, at),
            Err(Refusal::NotEntitled),
            "{at}"
        );
    }
    // Of him as of any other member's two vouches are needed now.
    world.candidate(1, at_bo[1], 4);
    world.pass(DAY);
    let standing = world.collective(4).standing;
    assert!(
        matches!(standing, Standing::Candidate { .. }),
        "{standing:?}"
    );
    assert_eq!(world.open_proposal(2).needs.vouches, Some((1, 2)));
    world.vouch(2);
    world.until(|world| world.collective(4).standing == Standing::Member);
    world.pass(2 * HOUR);
    world.agree(&[0, 1, 2, 3, 4], &["Ana", "Bo", "Cleo", "Dara", "Emil"]);
    for at in 0..3 {
        assert_eq!(world.said(at), ["from the delegate", "welcome"], "{at}");
        assert_eq!(world.collective(at).gap, None, "{at}");
    }
    world.restart(1);
    assert_eq!(tries_to_post(&mut world, 1), Err(Refusal::NotEntitled));
}
