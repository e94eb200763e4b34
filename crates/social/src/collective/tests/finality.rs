//! What can no longer be undone, and what that does to whoever was away.

use std::collections::BTreeMap;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::collective::{Body, Checkpoint, Refusal, Share, Stage, Taken};

fn sign(replica: &mut Replica, pens: &mut BTreeMap<u8, Pen>, checkpoint: &Checkpoint, by: &[u8]) {
    for signer in by {
        let body = Body::Checkpoint(checkpoint.clone());
        replica.does(pens.get_mut(signer).unwrap(), body);
    }
}

#[test]
fn more_than_two_thirds_of_the_members_make_a_checkpoint_final() {
    let (mut group, mut pens) = Replica::found(assembly(6), 6);
    assert_eq!(group.collective.finality().oldest_unfixed, Some(START));
    assert_eq!(
        group.collective.next_checkpoint(who(1), START - 1),
        None,
        "not due"
    );
    let checkpoint = group.collective.next_checkpoint(who(1), START).unwrap();
    sign(&mut group, &mut pens, &checkpoint, &[1, 2, 3, 4]);
    let finality = group.collective.finality();
    assert_eq!((finality.newest, finality.progress), (None, Some((4, 6))));
    assert_eq!(
        group.collective.next_checkpoint(who(1), START),
        None,
        "signed"
    );
    let again = group.tries(
        pens.get_mut(&1).unwrap(),
        Body::Checkpoint(checkpoint.clone()),
    );
    assert_eq!(again, Taken::Refused(Refusal::Done));
    // The others sign the same.
    assert_eq!(
        group.collective.next_checkpoint(who(5), START),
        Some(checkpoint.clone())
    );
    sign(&mut group, &mut pens, &checkpoint, &[5]);
    let finality = group.collective.finality();
    assert_eq!(
        (finality.newest, finality.oldest_unfixed),
        (Some(checkpoint.id()), None)
    );
    assert_eq!(
        group.collective.next_checkpoint(who(6), u64::MAX),
        None,
        "nothing to fix"
    );
    agree(&group.log, &[], 1);
}

#[test]
fn a_checkpoint_with_another_state_or_source_is_refused() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let good = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    let mut bad = [good.clone(), good.clone(), good.clone()];
    bad[0].state[0] ^= 1;
    bad[1].source = Some(good.id());
    bad[2].frontier = vec![crate::OperationId([7; 32])];
    for checkpoint in bad {
        let taken = group.tries(pens.get_mut(&1).unwrap(), Body::Checkpoint(checkpoint));
        assert_eq!(taken, Taken::Refused(Refusal::BadCheckpoint));
    }
    sign(&mut group, &mut pens, &good, &[1, 2, 3]);
    // The next one follows it, and cannot fix less.
    group.admit(&mut pens, 9, &[1, 2]);
    let next = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    assert_eq!(next.source, Some(good.id()));
    let mut less = next.clone();
    less.frontier.clone_from(&good.frontier);
    let taken = group.tries(pens.get_mut(&1).unwrap(), Body::Checkpoint(less));
    assert_eq!(taken, Taken::Refused(Refusal::BadCheckpoint));
    sign(&mut group, &mut pens, &next, &[1, 2, 3]);
    assert_eq!(group.collective.finality().newest, Some(next.id()));
    agree(&group.log, &[], 2);
}

#[test]
fn what_was_said_without_knowing_what_is_final_is_said_anew() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let first = group.propose(pens.get_mut(&1).unwrap(), admit(8));
    group.does(pens.get_mut(&1).unwrap(), vouch(first));
    let mut away = group.twin();
    // Something that those who are away do not hear of, and it becomes final.
    group.propose(pens.get_mut(&2).unwrap(), admit(11));
    let checkpoint = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    sign(&mut group, &mut pens, &checkpoint, &[1, 2, 3, 4]);
    assert!(group.collective.finality().newest.is_some());

    let vouched = away.does(pens.get_mut(&5).unwrap(), vouch(first));
    let proposal = away.propose(pens.get_mut(&5).unwrap(), remove(1));
    group.learn(&away);
    assert_eq!(group.collective.stands(vouched), Some(false));
    assert_eq!(group.standing(proposal).stage, Stage::Crossed);
    assert_eq!(group.standing(first).vouches, [who(1)]);
    let repeat = group
        .collective
        .to_repeat(who(5), pens[&5].id(), group.time + 1);
    assert_eq!(repeat, [vouch(first)]);
    for body in repeat {
        group.does(pens.get_mut(&5).unwrap(), body);
    }
    assert_eq!(group.standing(first).stage, Stage::Ready);
    assert!(
        group
            .collective
            .to_repeat(who(5), pens[&5].id(), group.time + 1)
            .is_empty()
    );
    agree(&group.log, &[], 3);
}

#[test]
fn a_candidate_who_accepted_too_late_accepts_again() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), admit(8));
    for voucher in [1, 2] {
        group.does(pens.get_mut(&voucher).unwrap(), vouch(proposal));
    }
    let mut pen = Pen::of(8);
    let accepts = accept(proposal, &pen);
    let mut away = group.twin();
    // Something that those who are away do not hear of, and it becomes final.
    group.propose(pens.get_mut(&2).unwrap(), admit(11));
    let checkpoint = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    sign(&mut group, &mut pens, &checkpoint, &[1, 2, 3]);
    away.does(&mut pen, accepts.clone());
    group.learn(&away);
    assert!(!group.has(8));
    assert_eq!(group.standing(proposal).stage, Stage::Ready);
    assert_eq!(
        group.collective.to_repeat(who(8), pen.id(), group.time),
        vec![accepts.clone()]
    );
    group.does(&mut pen, accepts);
    assert!(group.has(8));
    agree(&group.log, &[], 4);
}

#[test]
fn who_left_leaves_again_unless_they_came_back() {
    let (mut group, mut pens) = Replica::found(assembly(10), 10);
    let mut away = group.twin();
    // Something that those who are away do not hear of, and it becomes final.
    group.propose(pens.get_mut(&2).unwrap(), admit(11));
    let checkpoint = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    sign(&mut group, &mut pens, &checkpoint, &[1, 2, 3, 4, 5, 6, 7]);
    assert!(group.collective.finality().newest.is_some());
    let repeats = |replica: &Replica, pens: &BTreeMap<u8, Pen>| {
        let device = pens[&10].id();
        let collective = &replica.collective;
        collective.to_repeat(who(10), device, replica.time + 1)
    };
    away.does(pens.get_mut(&10).unwrap(), Body::Leave);
    let mut early = group.twin();
    early.learn(&away);
    assert!(early.has(10));
    assert_eq!(repeats(&early, &pens), [Body::Leave]);
    // What they accepted does not hold either: they are in as they were before.
    let proposal = away.propose(pens.get_mut(&8).unwrap(), admit(10));
    for voucher in [8, 9] {
        away.does(pens.get_mut(&voucher).unwrap(), vouch(proposal));
    }
    let accepts = accept(proposal, &pens[&10]);
    away.does(pens.get_mut(&10).unwrap(), accepts);
    assert!(away.has(10));
    group.learn(&away);
    assert!(group.has(10));
    assert_eq!(repeats(&group, &pens), []);
    agree(&group.log, &[], 5);
}

#[test]
fn a_voter_cannot_take_back_what_is_final() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let mut copy = pens[&3].copy();
    let old = group.twin();
    group.carry(&mut pens, remove(5), &[1, 2, 3]);
    let mut early = group.twin();
    // Before it is final, a device that says something else beside its ballot takes the ballot with it.
    let space = group.collective.space();
    let other = propose(admit(9));
    let beside = copy.write(Some(space), old.collective.heads(), START + 1, other);
    assert_eq!(early.take(&beside).taken, Taken::New);
    assert!(early.has(5));
    // Afterwards it does not.
    let checkpoint = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    sign(&mut group, &mut pens, &checkpoint, &[1, 2, 3]);
    assert_eq!(group.take(&beside).taken, Taken::New);
    assert!(!group.has(5));
    assert!(
        !group.collective.forked().is_empty(),
        "it shows all the same"
    );
    agree(&group.log, &[], 5);
}

#[test]
fn two_checkpoints_that_contradict_each_other_prove_who_signed_both() {
    let mut constitution = assembly(4);
    constitution.vouches = Share::count(1);
    let (mut left, mut pens) = Replica::found(constitution, 4);
    let mut right = left.twin();
    left.admit(&mut pens, 8, &[1]);
    right.admit(&mut pens, 9, &[2]);
    let one = left.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    let other = right.collective.next_checkpoint(who(2), u64::MAX).unwrap();
    // 3 and 4 sign for both halves.
    let copies = [(3, pens[&3].copy()), (4, pens[&4].copy())];
    sign(&mut left, &mut pens, &one, &[1, 3, 4, 8]);
    for (person, copy) in copies {
        pens.insert(person, copy);
    }
    sign(&mut right, &mut pens, &other, &[2, 3, 4, 9]);
    assert!(left.collective.finality().newest == Some(one.id()));
    assert!(right.collective.finality().newest == Some(other.id()));

    left.learn(&right);
    right.learn(&left);
    assert!(left.collective.finality().contradicts, "stop, and say so");
    let mut persons: Vec<_> = left
        .collective
        .double_signed()
        .iter()
        .map(|pair| pair.person)
        .collect();
    persons.sort_unstable();
    let mut expected = [who(3), who(4)];
    expected.sort_unstable();
    assert_eq!(persons, expected);
    assert_eq!(left.picture(&[]), right.picture(&[]));
    agree(&left.log, &[], 6);
}

#[test]
fn whoever_only_learns_more_never_contradicts_themselves() {
    let mut constitution = assembly(4);
    constitution.vouches = Share::count(1);
    let (mut left, mut pens) = Replica::found(constitution, 4);
    let mut right = left.twin();
    left.admit(&mut pens, 8, &[1]);
    right.admit(&mut pens, 9, &[2]);
    let one = left.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    let other = right.collective.next_checkpoint(who(2), u64::MAX).unwrap();
    sign(&mut left, &mut pens, &one, &[1, 3]);
    sign(&mut right, &mut pens, &other, &[2, 4]);
    left.learn(&right);
    // Neither was final. Everybody signs what holds both.
    let both = left.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    sign(&mut left, &mut pens, &both, &[1]);
    for signer in [2, 3, 4, 8] {
        assert_eq!(
            left.collective.next_checkpoint(who(signer), u64::MAX),
            Some(both.clone())
        );
        sign(&mut left, &mut pens, &both, &[signer]);
    }
    let finality = left.collective.finality();
    assert_eq!(
        (finality.newest, finality.contradicts),
        (Some(both.id()), false)
    );
    assert!(left.collective.double_signed().is_empty());
    assert_eq!(left.names(), [1, 2, 3, 4, 8, 9]);
    agree(&left.log, &[], 7);
}

#[test]
fn two_old_members_with_a_hundred_new_ones_make_nothing_final() {
    let mut constitution = assembly(5);
    constitution.vouches = Share::count(2);
    let (mut group, mut pens) = Replica::found(constitution, 5);
    for sybil in 20..40 {
        group.admit(&mut pens, sybil, &[1, 2]);
    }
    let checkpoint = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    let mut signers: Vec<u8> = (20..40).collect();
    signers.extend([1, 2]);
    sign(&mut group, &mut pens, &checkpoint, &signers);
    // 22 of 25 have signed, and two of five founders.
    assert_eq!(group.collective.finality().progress, Some((22, 25)));
    assert_eq!(group.collective.finality().newest, None);
    // Of those before, whoever left of their own will is not asked.
    group.does(pens.get_mut(&5).unwrap(), Body::Leave);
    let next = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    sign(&mut group, &mut pens, &next, &signers);
    assert_eq!(group.collective.finality().newest, None);
    sign(&mut group, &mut pens, &next, &[3]);
    assert_eq!(group.collective.finality().newest, Some(next.id()));
    agree(&group.log, &[], 8);
}
