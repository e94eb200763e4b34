//! How many decide: by rests, beside each other, when few are left, and behind what is final.

use std::collections::BTreeMap;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::collective::{
    Body, Checkpoint, Constitution, Operation, Refusal, Share, Stage, Subject, Taken, Template,
};

fn rest(person: u8) -> Subject {
    Subject::Rest {
        person: who(person),
    }
}

fn amend(constitution: Constitution) -> Subject {
    Subject::Amend {
        constitution: Box::new(constitution),
    }
}

/// What comes next, signed by these, whether that is enough or not.
fn sign(group: &mut Replica, pens: &mut BTreeMap<u8, Pen>, by: &[u8]) -> Checkpoint {
    let person = who(by[0]);
    let checkpoint = group.collective.next_checkpoint(person, u64::MAX).unwrap();
    for signer in by {
        let body = Body::Checkpoint(checkpoint.clone());
        group.does(pens.get_mut(signer).unwrap(), body);
    }
    checkpoint
}

#[test]
fn a_simple_majority_puts_to_rest_whoever_stands_in_the_way() {
    // Three of four decide on removals and rules, more than half on rests.
    let rules = Template::AffinityGroup.constitution(6, "");
    let (mut group, mut pens) = Replica::found(rules.clone(), 6);
    for person in [6, 5, 4] {
        group.carry(&mut pens, rest(person), &[1, 2, 3]);
    }
    assert_eq!(group.collective.active(), 3);
    let easy = Constitution {
        vouches: Share::count(1),
        ..rules
    };
    for (subject, needed) in [(remove(4), 4), (amend(easy.clone()), 5), (admit(9), 5)] {
        let proposal = group.propose(pens.get_mut(&1).unwrap(), subject.clone());
        assert_eq!(group.standing(proposal).ballots_needed, Some(needed));
        for voter in [1, 2, 3] {
            group.vote(pens.get_mut(&voter).unwrap(), proposal, true);
        }
        assert_eq!(group.standing(proposal).stage, Stage::Open);
    }
    // Whoever hears of it returns, and votes.
    let proposal = group.propose(pens.get_mut(&1).unwrap(), amend(easy.clone()));
    group.does(pens.get_mut(&6).unwrap(), Body::Return);
    group.vote(pens.get_mut(&6).unwrap(), proposal, false);
    // Whoever says nothing for as long as a vote lasts is no longer counted.
    group.time += 15 * DAY;
    let proposal = group.propose(pens.get_mut(&2).unwrap(), amend(easy));
    assert_eq!(group.standing(proposal).electorate.len(), 4);
    agree(&group.log, &[], 41);
}

#[test]
fn a_founder_who_leaves_on_the_first_day_makes_nothing_final_impossible() {
    let mut constitution = assembly(1);
    constitution.vouches = Share::count(1);
    let (mut group, mut pens) = Replica::found(constitution, 1);
    for newcomer in [2, 3, 4] {
        group.admit(&mut pens, newcomer, &[1]);
    }
    group.does(pens.get_mut(&1).unwrap(), Body::Leave);
    let checkpoint = sign(&mut group, &mut pens, &[2, 3, 4]);
    let newest = group.collective.finality().newest;
    assert_eq!(newest, Some(checkpoint.id()));
    agree(&group.log, &[], 42);
}

#[test]
fn whoever_most_founders_removed_or_put_to_rest_is_not_waited_for() {
    let removed: [fn(u8) -> Subject; 2] = [remove, rest];
    for removed in removed {
        let (mut group, mut pens) = Replica::found(assembly(5), 5);
        for person in [5, 4] {
            group.carry(&mut pens, removed(person), &[1, 2, 3]);
        }
        for newcomer in [10, 11, 12] {
            group.admit(&mut pens, newcomer, &[1, 3]);
        }
        let checkpoint = sign(&mut group, &mut pens, &[1, 10, 11, 12]);
        let progress = group.collective.finality().progress;
        assert_eq!(progress, Some((4, 6)));
        // Two of the three founders who are left, and five of six.
        let body = Body::Checkpoint(checkpoint.clone());
        group.does(pens.get_mut(&2).unwrap(), body);
        let newest = group.collective.finality().newest;
        assert_eq!(newest, Some(checkpoint.id()));
        agree(&group.log, &[], 43);
    }
}

#[test]
fn two_founders_with_new_members_do_not_remove_the_other_three_from_what_was() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    for newcomer in 10..20 {
        group.admit(&mut pens, newcomer, &[1, 2]);
    }
    let all: Vec<u8> = (10..20).chain([1, 2]).collect();
    for person in [3, 4, 5] {
        let voters: Vec<u8> = [1, 2].into_iter().chain(10..20).collect();
        group.carry(&mut pens, remove(person), &voters);
    }
    sign(&mut group, &mut pens, &all);
    let finality = group.collective.finality();
    assert_eq!((finality.newest, finality.progress), (None, Some((12, 12))));
}

#[test]
fn a_dissolution_becomes_final_at_once_and_nobody_takes_it_back() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let copy = pens[&3].copy();
    let old = group.twin();
    group.carry(&mut pens, Subject::Dissolve, &[1, 2, 3]);
    assert!(group.collective.is_dissolved());
    let checkpoint = group.collective.next_checkpoint(who(1), 0);
    assert!(checkpoint.is_some());
    let checkpoint = sign(&mut group, &mut pens, &[1, 2, 3]);
    let newest = group.collective.finality().newest;
    assert_eq!(newest, Some(checkpoint.id()));
    assert_eq!(group.collective.next_checkpoint(who(4), u64::MAX), None);
    // 3 says something beside the ballot, which would have taken it back.
    let space = Some(group.collective.space());
    let heads = old.collective.heads();
    let beside = copy
        .copy()
        .write(space, heads, START + 1, propose(admit(9)));
    group.take(&beside);
    assert!(group.collective.is_dissolved());
    let late = group.tries(pens.get_mut(&1).unwrap(), propose(admit(9)));
    assert_eq!(late, Taken::Refused(Refusal::Dissolved));
    agree(&group.log, &[], 44);
}

#[test]
fn of_two_amendments_that_with_more_ballots_in_favour_applies_not_the_louder_one() {
    let (mut left, mut pens) = Replica::found(assembly(7), 7);
    let expiring = |days| {
        amend(Constitution {
            expiry_days: days,
            ..assembly(7)
        })
    };
    let loud = left.propose(pens.get_mut(&1).unwrap(), expiring(10));
    let quiet = left.propose(pens.get_mut(&2).unwrap(), expiring(20));
    for voter in 1..=7 {
        let pen = pens.get_mut(&voter).unwrap();
        left.vote(pen, loud, voter < 5);
        if voter < 6 {
            left.vote(pen, quiet, true);
        }
    }
    let mut right = left.twin();
    left.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal: loud });
    right.does(pens.get_mut(&2).unwrap(), Body::Enact { proposal: quiet });
    left.learn(&right);
    assert_eq!(left.collective.constitution().expiry_days, 20);
    agree(&left.log, &[], 45);
}

#[test]
fn whoever_is_left_alone_admits_and_amends_and_of_two_none_expels_the_other() {
    let (mut group, mut pens) = Replica::found(assembly(2), 2);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(2));
    group.vote(pens.get_mut(&1).unwrap(), proposal, true);
    let refused = group.tries(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
    group.does(pens.get_mut(&2).unwrap(), Body::Leave);
    group.admit(&mut pens, 9, &[1]);
    assert_eq!(group.names(), [1, 9]);
    group.does(pens.get_mut(&9).unwrap(), Body::Leave);
    let mut rules = assembly(1);
    rules.expiry_days = 7;
    group.carry(&mut pens, amend(rules), &[1]);
    assert_eq!(group.collective.constitution().expiry_days, 7);
    agree(&group.log, &[], 46);
}

#[test]
fn a_removal_that_is_enacted_twice_has_one_rift() {
    let mut constitution = assembly(7);
    constitution.removal = Share::count(3);
    let (mut left, mut pens) = Replica::found(constitution, 7);
    let mut right = left.twin();
    let proposal = left.propose(pens.get_mut(&1).unwrap(), remove(2));
    for voter in [1, 3, 4] {
        left.vote(pens.get_mut(&voter).unwrap(), proposal, true);
    }
    let mut also = left.twin();
    left.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    also.vote(pens.get_mut(&7).unwrap(), proposal, true);
    also.does(pens.get_mut(&3).unwrap(), Body::Enact { proposal });
    right.carry(&mut pens, remove(1), &[2, 5, 6]);
    let mut orders = [left.twin(), also.twin()];
    for order in &mut orders {
        for other in [&left, &also, &right] {
            order.learn(other);
        }
        let rifts = order.collective.rifts();
        let sides: Vec<_> = rifts.iter().flat_map(|rift| &rift.sides).collect();
        assert_eq!(sides.len(), 2);
        assert!(
            sides.iter().any(|side| side.len() == 4),
            "7 was for it, too"
        );
    }
    agree(&orders[0].log, &[], 47);
}

#[test]
fn what_a_newer_version_decides_keeps_its_place() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    // Nothing that this version makes: the number of a dissolution becomes another.
    let pen = pens.get_mut(&1).unwrap();
    let known = group.draft(pen, propose(Subject::Dissolve));
    let mut signed = known.as_bytes()[64..].to_vec();
    let content = [1, 9, 2, 0x60];
    let place = signed.windows(4).position(|part| part == content).unwrap();
    signed[place + 1] = 23;
    let mut bytes = pen.key.sign_operation(&signed).to_vec();
    bytes.extend(&signed);
    let newer = Operation::decode(&bytes).unwrap();
    assert!(matches!(
        newer.body(),
        Body::Propose {
            subject: Subject::Unknown { kind: 23 },
            ..
        }
    ));
    assert_eq!(group.take(&newer).taken, Taken::New);
    *pen = Pen::of(1).after(&newer);
    let proposal = newer.id();
    for voter in [1, 2] {
        group.vote(pens.get_mut(&voter).unwrap(), proposal, true);
    }
    let enact = Body::Enact { proposal };
    let by = group.does(pens.get_mut(&1).unwrap(), enact.clone());
    let again = group.tries(pens.get_mut(&1).unwrap(), enact);
    assert_eq!(again, Taken::Refused(Refusal::Done));
    assert_eq!(
        group.collective.stands(by),
        Some(false),
        "nobody knows what"
    );
    assert_eq!(group.standing(proposal).stage, Stage::Open);
    group.carry(&mut pens, remove(3), &[1, 2]);
    assert_eq!(group.names(), [1, 2]);
    agree(&group.log, &[], 48);
}
