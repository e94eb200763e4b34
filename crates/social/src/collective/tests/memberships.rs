//! Expelled, admitted again, split off: what decides about one membership decides nothing about another.

use std::collections::BTreeMap;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::{
    OperationId,
    collective::{Body, Operation, Refusal, Stage, Subject, Taken, Verdict},
};

fn split(persons: &[u8]) -> Subject {
    let mut persons: Vec<_> = persons.iter().map(|person| who(*person)).collect();
    persons.sort_unstable();
    Subject::Split { persons }
}

fn rest(person: u8) -> Subject {
    Subject::Rest {
        person: who(person),
    }
}

/// Proposes it and lets these vote for it; nobody enacts it.
fn decide(
    group: &mut Replica,
    pens: &mut BTreeMap<u8, Pen>,
    subject: Subject,
    voters: &[u8],
) -> OperationId {
    let proposal = group.propose(pens.get_mut(&voters[0]).unwrap(), subject);
    for voter in voters {
        group.vote(pens.get_mut(voter).unwrap(), proposal, true);
    }
    proposal
}

/// Proposes a person, whom two let in on a device of theirs.
fn admit_on(
    group: &mut Replica,
    pens: &mut BTreeMap<u8, Pen>,
    by: [u8; 2],
    pen: &mut Pen,
    person: u8,
) -> OperationId {
    let proposal = group.propose(pens.get_mut(&by[0]).unwrap(), admit(person));
    for voucher in by {
        group.does(pens.get_mut(&voucher).unwrap(), vouch(proposal));
    }
    let body = accept(proposal, pen);
    group.does(pen, body)
}

/// The same picture, in each of these orders.
fn agree_in_orders(orders: &[Vec<Operation>]) -> Picture {
    let first = Replica::of(&orders[0]).picture(&[]);
    for (place, order) in orders.iter().enumerate() {
        let mut replica = Replica::of(order);
        assert!(replica.picture(&[]).is(&first), "order {place}");
    }
    first
}

#[test]
fn a_split_throws_out_everybody_whom_it_names() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let proposal = decide(&mut group, &mut pens, split(&[1, 2, 3, 4]), &[5]);
    let enact = Body::Enact { proposal };
    let refused = group.tries(pens.get_mut(&5).unwrap(), enact);
    assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
    let standing = group.standing(proposal);
    assert_eq!(
        (standing.electorate.len(), standing.ballots_missing),
        (5, 4)
    );

    // Nor do most send away a few who say nothing: whoever is named goes by their own ballot.
    let proposal = decide(&mut group, &mut pens, split(&[3, 4]), &[1, 2, 5]);
    let enact = Body::Enact { proposal };
    for leaving in [3, 4] {
        let refused = group.tries(pens.get_mut(&1).unwrap(), enact.clone());
        assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
        assert_ne!(group.standing(proposal).ballots_missing, 0);
        group.vote(pens.get_mut(&leaving).unwrap(), proposal, true);
    }
    assert_eq!(group.standing(proposal).stage, Stage::Ready);
    group.does(pens.get_mut(&1).unwrap(), enact);
    assert_eq!(group.names(), [1, 2, 5]);
    agree(&group.log, &[], 21);
}

#[test]
fn whoever_is_named_in_a_split_does_not_decide_it_alone() {
    let (mut group, mut pens) = Replica::found(assembly(6), 6);
    let proposal = decide(&mut group, &mut pens, split(&[1, 2]), &[1, 2, 3]);
    let enact = Body::Enact { proposal };
    let refused = group.tries(pens.get_mut(&1).unwrap(), enact);
    assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
    // Whoever rests cannot say that they go, and is not named.
    group.carry(&mut pens, rest(6), &[1, 2, 3]);
    let refused = group.tries(pens.get_mut(&1).unwrap(), propose(split(&[6])));
    assert_eq!(refused, Taken::Refused(Refusal::Senseless));
}

#[test]
fn a_rest_beside_a_readmission_has_one_effect_in_any_order() {
    let (mut left, mut pens) = Replica::found(assembly(5), 5);
    let rests = decide(&mut left, &mut pens, rest(5), &[1, 2, 3]);
    let removes = decide(&mut left, &mut pens, remove(5), &[1, 2, 3]);
    let mut right = left.twin();
    left.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal: rests });
    let rested = left.log.last().unwrap().clone();
    let common = right.log.clone();
    right.does(pens.get_mut(&2).unwrap(), Body::Enact { proposal: removes });
    let removed = right.log.last().unwrap().clone();
    let mut pen = Pen::device(5, 1);
    admit_on(&mut right, &mut pens, [2, 3], &mut pen, 5);
    let after = right.log[common.len() + 1..].to_vec();

    let order = |parts: &[&[Operation]]| [common.as_slice(), &parts.concat()].concat();
    let (rested, removed) = ([rested], [removed]);
    let orders = [
        order(&[&removed, &after, &rested]),
        order(&[&removed, &rested, &after]),
        order(&[&rested, &removed, &after]),
    ];
    let picture = agree_in_orders(&orders);
    let member = picture.members.iter().find(|one| one.person == who(5));
    // The vote was about the member who was expelled.
    assert!(!member.unwrap().resting);
    agree(&orders[0], &[], 22);
}

#[test]
fn an_expelled_member_walks_back_in_by_a_second_certificate() {
    let (mut left, mut pens) = Replica::found(assembly(5), 5);
    let mut right = left.twin();
    let first = left.propose(pens.get_mut(&1).unwrap(), admit(9));
    let second = right.propose(pens.get_mut(&2).unwrap(), admit(9));
    left.learn(&right);
    for proposal in [first, second] {
        for voucher in [1, 2] {
            left.does(pens.get_mut(&voucher).unwrap(), vouch(proposal));
        }
    }
    let mut pen = Pen::of(9);
    let enters = accept(first, &pen);
    left.does(&mut pen, enters);
    left.carry(&mut pens, remove(9), &[1, 2, 3]);
    let again = accept(second, &pen);
    let refused = left.tries(&mut pen, again);
    assert_eq!(refused, Taken::Refused(Refusal::Overtaken));
    assert!(!left.has(9));
    // Neither does whoever left: they are asked for anew.
    admit_on(&mut left, &mut pens, [1, 3], &mut pen, 9);
    assert!(left.has(9));
    left.does(&mut pen, Body::Leave);
    let again = accept(second, &pen);
    let refused = left.tries(&mut pen, again);
    assert_eq!(refused, Taken::Refused(Refusal::Overtaken));
    agree(&left.log, &[], 23);
}

#[test]
fn what_was_decided_about_an_earlier_membership_is_enacted_after_a_readmission() {
    let (mut group, mut pens) = Replica::found(assembly(6), 6);
    let rests = decide(&mut group, &mut pens, rest(6), &[1, 2, 3]);
    let first = decide(&mut group, &mut pens, remove(6), &[1, 2, 3]);
    let second = decide(&mut group, &mut pens, remove(6), &[1, 2, 4]);
    let mut before = group.twin();
    group.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal: first });
    let mut pen = Pen::device(6, 1);
    admit_on(&mut group, &mut pens, [4, 5], &mut pen, 6);
    for proposal in [rests, second] {
        let refused = group.tries(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
        assert_eq!(refused, Taken::Refused(Refusal::Overtaken));
    }
    // Nor by not having seen that it was done: 5 puts all three into force from the old heads.
    for proposal in [rests, first, second] {
        let pen = pens.get_mut(&5).unwrap();
        before.tries(pen, Body::Enact { proposal });
    }
    group.learn(&before);
    assert!(group.has(6), "expelled once, and admitted since");
    assert!(!group.collective.member(who(6)).unwrap().resting);
    let said = group.draft(&mut pen, text("here again"));
    assert_eq!(group.collective.verdict(&said), Verdict::Valid);
    agree(&group.log, &[said], 24);
}

#[test]
fn a_removal_that_was_decided_still_meets_whoever_left_and_came_back() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let removes = decide(&mut group, &mut pens, remove(5), &[1, 2, 3]);
    group.does(pens.get_mut(&5).unwrap(), Body::Leave);
    let mut pen = Pen::device(5, 1);
    admit_on(&mut group, &mut pens, [3, 4], &mut pen, 5);
    group.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal: removes });
    assert!(!group.has(5), "leaving evades no vote");
    agree(&group.log, &[], 25);
}

#[test]
fn a_revocation_is_carried_again_from_old_heads() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let old = group.collective.heads();
    group.admit(&mut pens, 9, &[1, 2]);
    // 1 loses the device by which it vouched.
    let mut fresh = Pen::device(1, 5);
    let certificate = fresh.certificate.clone();
    group.does(&mut fresh, Body::Device { certificate });
    let revocation = root(1).revoke(&pens[&1].key.public(), 20_000);
    let body = Body::Revoke { revocation };
    group.does(&mut fresh, body.clone());
    assert!(group.has(9), "what it had done before stands");
    // 4 carries the same word, and says to know of nothing.
    let space = Some(group.collective.space());
    let carried = pens[&4].copy().write(space, old, START + 1, body);
    let refused = group.take(&carried).taken;
    assert_eq!(refused, Taken::Refused(Refusal::NotTheirDevice));
    assert!(group.has(9));
    agree(&group.log, &[], 26);
}
