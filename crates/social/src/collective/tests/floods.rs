//! What a member may say how often.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::collective::{
    MAX_CONTROL, MAX_OPEN_PROPOSALS, MAX_PARALLEL, MAX_RATION, Refusal, Stage, Subject, Taken,
};

#[test]
fn a_flood_of_proposals() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let pen = pens.get_mut(&1).unwrap();
    let decide = |n: usize| {
        propose(Subject::Decide {
            question: format!("{n}?"),
            options: vec!["yes".to_owned(), "no".to_owned()],
        })
    };
    for n in 0..MAX_OPEN_PROPOSALS {
        group.does(pen, decide(n));
    }
    assert_eq!(
        group.tries(pen, decide(99)),
        Taken::Refused(Refusal::TooMany)
    );
    // When their time is over there is room again, until the ration is used up.
    let mut taken = MAX_OPEN_PROPOSALS;
    for round in 0..5 {
        group.time += 5 * DAY / 2;
        for n in 0..MAX_OPEN_PROPOSALS {
            let body = decide(100 * round + n);
            if group.tries(pen, body.clone()) == Taken::New {
                taken += 1;
                // The copy that tried is the one that goes on.
                *pen = Pen::of(1).after(group.log.last().unwrap());
            }
        }
    }
    assert!(
        (MAX_OPEN_PROPOSALS + 1..=MAX_RATION).contains(&taken),
        "{taken}"
    );
}

#[test]
fn a_flood_of_vouches() {
    let (mut group, mut pens) = Replica::found(assembly(9), 9);
    let mut refused = 0;
    // More candidates than one member may vouch for in a month, proposed by others.
    for n in 0..u8::try_from(MAX_RATION).unwrap() + 3 {
        let by = pens.get_mut(&(2 + n % 8)).unwrap();
        let proposal = group.propose(by, admit(100 + n));
        let pen = pens.get_mut(&1).unwrap();
        match group.tries(pen, vouch(proposal)) {
            Taken::New => *pen = Pen::of(1).after(group.log.last().unwrap()),
            taken => {
                assert_eq!(taken, Taken::Refused(Refusal::TooMany));
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 3);
}

#[test]
fn a_flood_of_proposals_that_do_not_know_of_each_other() {
    let (mut group, pens) = Replica::found(assembly(3), 3);
    let (space, heads) = (group.collective.space(), group.collective.heads());
    let mut ids = Vec::new();
    for n in 0..MAX_PARALLEL {
        // From the same point of the same chain.
        let mut pen = pens[&2].copy();
        let subject = Subject::Decide {
            question: format!("{n}?"),
            options: vec!["yes".to_owned(), "no".to_owned()],
        };
        let operation = pen.write(Some(space), heads.clone(), group.time + 1, propose(subject));
        assert_eq!(group.take(&operation).taken, Taken::New);
        ids.push(operation.id());
    }
    ids.sort_unstable();
    let open = |id: &_| group.standing(*id).stage != Stage::Void;
    let counted: Vec<_> = ids.iter().copied().filter(open).collect();
    assert_eq!(counted, ids[..MAX_OPEN_PROPOSALS]);
    assert_eq!(group.collective.forked().len(), 1, "and it shows");
    agree(&group.log, &[], 3);
}

#[test]
fn a_flood_of_ballots_that_do_not_know_of_each_other_is_heard_only_as_far_as_somebody_builds_on_it()
{
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(5));
    let mut other = group.twin();
    let (space, heads) = (Some(group.collective.space()), group.collective.heads());
    let lies: Vec<_> = (0..60)
        .map(|n| {
            let mut pen = pens[&2].copy();
            pen.write(
                space,
                heads.clone(),
                group.time + n,
                ballot(proposal, n % 2 == 0),
            )
        })
        .collect();
    let taken: Vec<_> = lies.iter().map(|lie| group.take(lie).taken).collect();
    let heard = taken.iter().filter(|taken| **taken == Taken::New).count();
    assert_eq!(
        (heard, group.collective.waiting()),
        (MAX_PARALLEL, 60 - MAX_PARALLEL)
    );
    assert!(group.collective.missing().is_empty());
    // Elsewhere another of them was heard first, and an honest member has voted since.
    let last = lies.last().unwrap();
    assert_eq!(other.take(last).taken, Taken::New);
    other.vote(pens.get_mut(&3).unwrap(), proposal, true);
    let vote = other.log.last().unwrap().clone();
    let outcome = group.take(&vote);
    assert_eq!(
        (outcome.taken, outcome.new),
        (Taken::New, vec![last.id(), vote.id()])
    );
    // None of the lies counts.
    assert_eq!(group.standing(proposal).yes, [who(3)]);
    assert!(group.standing(proposal).no.is_empty());
    // What the liar builds on a lie that nobody heard is not heard either.
    let mut pen = pens[&2].copy();
    let lie = lies[40].id();
    let more = pen.write(space, vec![lie], group.time + 99, propose(remove(1)));
    assert_eq!(group.take(&more).taken, Taken::Waiting);
    const { assert!(MAX_CONTROL > 500 * MAX_PARALLEL) };
}
