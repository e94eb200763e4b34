//! What is signed late and dated early, held back, or said by a device that claims to be young.

use std::collections::BTreeMap;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::collective::{
    Body, Checkpoint, Collective, MAX_OPEN_PROPOSALS, MAX_PARALLEL, Operation, Pin, Refusal, Share,
    Stage, Subject, Taken, Verdict,
};

fn question(n: usize) -> Body {
    propose(Subject::Decide {
        question: format!("{n}?"),
        options: vec!["yes".to_owned(), "no".to_owned()],
    })
}

/// What 2 says beside each other, so much that no more of it is heard; the last one builds on nothing but the first operation.
fn lies(group: &Replica, pen: &Pen, count: usize) -> Vec<Operation> {
    let (space, heads) = (Some(group.collective.space()), group.collective.heads());
    let lie = |n: usize| {
        let time = group.time + n as u64;
        pen.copy().write(space, heads.clone(), time, question(n))
    };
    (0..count).map(lie).collect()
}

#[test]
fn a_lie_is_held_and_what_honest_members_build_on_it_arrived_first() {
    let (mut half, mut pens) = Replica::found(assembly(4), 4);
    let mut other = half.twin();
    let lies = lies(&half, &pens[&2], MAX_PARALLEL + 1);
    for lie in &lies[..MAX_PARALLEL] {
        assert_eq!(half.take(lie).taken, Taken::New);
    }
    // The other half hears one more, and what 2 builds on it; 3 builds on that.
    let held = lies[MAX_PARALLEL].clone();
    other.take(&held);
    let mut pen = Pen::of(2).after(&held);
    other.does(&mut pen, propose(admit(9)));
    let more = other.log.last().unwrap().clone();
    other.does(pens.get_mut(&3).unwrap(), propose(admit(8)));
    let honest = other.log.last().unwrap().clone();
    let orders = [
        [&honest, &more, &held],
        [&honest, &held, &more],
        [&more, &honest, &held],
        [&more, &held, &honest],
        [&held, &honest, &more],
        [&held, &more, &honest],
    ];
    for (place, order) in orders.iter().enumerate() {
        let mut replica = half.twin();
        order.iter().for_each(|operation| {
            replica.take(operation);
        });
        let waits = replica.collective.waiting();
        let is_in = replica.collective.operation(honest.id()).is_some();
        assert!(is_in && waits == 0, "order {place}: {waits} wait");
    }
}

#[test]
fn what_an_honest_member_says_names_a_lie_that_is_held() {
    let (mut half, mut pens) = Replica::found(assembly(4), 4);
    let mut other = half.twin();
    let lies = lies(&half, &pens[&2], MAX_PARALLEL + 1);
    for lie in &lies {
        half.take(lie);
    }
    let held = lies[MAX_PARALLEL].clone();
    other.take(&held);
    let post = other.draft(pens.get_mut(&3).unwrap(), text("hello"));
    // Whoever is no member, or the liar, moves nothing.
    for mut pen in [Pen::of(77), Pen::of(2).after(&held)] {
        let post = other.draft(&mut pen, text("hello"));
        half.collective.verdict(&post);
        assert!(half.collective.place_wanted().new.is_empty());
    }
    assert_eq!(
        half.collective.verdict(&post),
        Verdict::Waiting(vec![held.id()])
    );
    // With the next operation, or at once.
    let outcome = half.collective.place_wanted();
    assert_eq!((outcome.taken, outcome.new), (Taken::New, vec![held.id()]));
    assert_eq!(half.collective.verdict(&post), Verdict::Valid);
    assert_eq!(half.collective.waiting(), 0);
    // Also where keys ask, and by itself with the next operation that arrives.
    let mut again = Replica::of(&other.log[..1]);
    lies.iter().for_each(|lie| {
        again.take(lie);
    });
    assert!(again.collective.devices_at(&[held.id()]).is_err());
    let next = half.draft(pens.get_mut(&4).unwrap(), propose(admit(9)));
    assert!(again.take(&next).new.contains(&held.id()));
    assert_eq!(again.collective.devices_at(&[held.id()]).unwrap().len(), 4);
}

#[test]
fn a_proposer_undoes_what_was_decided_by_proposals_beside_it() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let before = group.twin();
    // 2 proposes, and keeps copies of the device as it was.
    let copy = pens[&2].copy();
    let proposal = loop {
        let mut pen = copy.copy();
        let operation = group.draft(&mut pen, propose(remove(5)));
        if operation.id().0[0] > 0x30 {
            group.take(&operation);
            pens.insert(2, pen);
            break operation.id();
        }
    };
    for voter in [1, 3, 4] {
        group.vote(pens.get_mut(&voter).unwrap(), proposal, true);
    }
    let decided = group.twin();
    group.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    assert!(!group.has(5));
    let (space, heads) = (before.collective.space(), before.collective.heads());
    let beside = (0..).map(|n| {
        let mut pen = copy.copy();
        pen.write(Some(space), heads.clone(), START + 1, question(n))
    });
    let ahead = beside.filter(|operation| operation.id() < proposal);
    let ahead: Vec<_> = ahead.take(MAX_OPEN_PROPOSALS).collect();
    for mut replica in [group, decided] {
        for operation in &ahead {
            assert_eq!(replica.take(operation).taken, Taken::New);
        }
        let stage = replica.standing(proposal).stage;
        let enact = Body::Enact { proposal };
        if stage == Stage::Ready {
            replica.does(pens.get_mut(&1).unwrap(), enact);
        }
        assert!(!replica.has(5), "{stage:?}");
        agree(&replica.log, &[], 31);
    }
}

#[test]
fn nobody_answers_one_of_too_many_proposals() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let mut lies = lies(&group, &pens[&2], MAX_PARALLEL);
    lies.sort_unstable_by_key(Operation::id);
    lies.iter().for_each(|lie| {
        group.take(lie);
    });
    let choice = crate::collective::Choice::Option(0);
    for (place, lie) in lies.iter().enumerate() {
        let proposal = lie.id();
        let body = Body::Ballot { proposal, choice };
        let open = place < MAX_OPEN_PROPOSALS;
        assert_eq!(group.standing(proposal).stage.is_open(), open);
        let refused = Taken::Refused(Refusal::TooMany);
        let expected = if open { Taken::New } else { refused };
        assert_eq!(group.tries(pens.get_mut(&1).unwrap(), body), expected);
    }
}

/// The next checkpoint, signed by these: it becomes final.
fn fix(group: &mut Replica, pens: &mut BTreeMap<u8, Pen>, by: &[u8]) -> Checkpoint {
    let person = who(by[0]);
    let checkpoint = group.collective.next_checkpoint(person, u64::MAX).unwrap();
    for signer in by {
        let body = Body::Checkpoint(checkpoint.clone());
        group.does(pens.get_mut(signer).unwrap(), body);
    }
    assert_eq!(group.collective.finality().newest, Some(checkpoint.id()));
    checkpoint
}

/// 1 founds, admits five, and is expelled after a final checkpoint, which a second one follows. Also a copy of the founder's
/// device as it was at first.
fn expelled_founder() -> (Replica, BTreeMap<u8, Pen>, [Checkpoint; 2], Pen) {
    let mut constitution = assembly(1);
    constitution.vouches = Share::count(1);
    let (mut group, mut pens) = Replica::found(constitution, 1);
    let copy = pens[&1].copy();
    for newcomer in 2..=6 {
        group.admit(&mut pens, newcomer, &[1]);
    }
    let first = fix(&mut group, &mut pens, &[1, 2, 3, 4, 5]);
    group.carry(&mut pens, remove(1), &[2, 3, 4, 5]);
    let second = fix(&mut group, &mut pens, &[2, 3, 4, 5]);
    (group, pens, [first, second], copy)
}

/// What the founder signs alone, dated to the first day: something, and a checkpoint of it of a hash below the given one.
fn own_past(group: &Replica, pen: &Pen, below: [u8; 32]) -> Vec<Operation> {
    let alone = Replica::of(&group.log[..1]);
    let space = Some(alone.collective.space());
    for n in 0.. {
        let mut alone = alone.twin();
        let mut pen = pen.copy();
        let first = pen.write(space, alone.collective.heads(), START + 1, question(n));
        alone.take(&first);
        let index = alone.collective.graph.index[&first.id()];
        let checkpoint = alone.collective.graph.checkpoint(None, &[index]);
        if checkpoint.id().0 < below {
            let heads = alone.collective.heads();
            let body = Body::Checkpoint(checkpoint);
            let second = pen.write(space, heads, START + 2, body);
            alone.take(&second);
            assert!(alone.collective.finality().newest.is_some());
            return vec![first, second];
        }
    }
    Vec::new()
}

#[test]
fn an_expelled_founder_makes_a_past_of_their_own_final() {
    let (mut group, _, [_, second], copy) = expelled_founder();
    for operation in own_past(&group, &copy, second.id().0) {
        assert_eq!(group.take(&operation).taken, Taken::New);
    }
    let finality = group.collective.finality();
    assert_eq!((finality.newest, finality.contradicts), (None, true));
    assert_eq!(group.names(), [2, 3, 4, 5, 6], "it voids nothing");
    assert_eq!(group.collective.next_checkpoint(who(2), u64::MAX), None);
    agree(&group.log, &[], 32);
}

#[test]
fn a_pinned_checkpoint_outlives_a_past_that_an_expelled_founder_made_final() {
    let (mut group, mut pens, [first, second], copy) = expelled_founder();
    let honest = group.log.clone();
    for operation in own_past(&group, &copy, second.id().0) {
        group.take(&operation);
    }
    // A newcomer, or one's own vault, knows what was final: any order gives the same.
    let genesis = group.log[0].clone();
    let with = |pinned: &Checkpoint, order: &[Operation]| {
        let genesis = genesis.clone();
        let mut replica = Replica::of(&group.log[..1]);
        let pin = Pin::of(pinned.id(), &group.log);
        assert!(pin.is_some());
        replica.collective = Collective::found_with(genesis, pin).unwrap();
        order.iter().for_each(|operation| {
            replica.take(operation);
        });
        replica
    };
    let mut chance = Chance(33);
    let mut pictures = Vec::new();
    for round in 0..6 {
        let mut order = group.log[1..].to_vec();
        if round > 0 {
            chance.shuffle(&mut order);
        }
        let pinned = if round % 2 == 0 { &second } else { &first };
        let mut replica = with(pinned, &order);
        let finality = replica.collective.finality();
        assert_eq!(finality.newest, Some(second.id()), "round {round}");
        assert!(!finality.contradicts);
        assert_eq!(replica.names(), [2, 3, 4, 5, 6]);
        pictures.push(replica.picture(&[]));
    }
    assert!(pictures.iter().all(|picture| picture.is(&pictures[0])));

    // Whoever pinned it while it was the only one, too; and what follows becomes final there.
    let mut replica = Replica::of(&honest);
    assert_eq!(replica.collective.pin(), Some(second.id()));
    for operation in &group.log {
        replica.take(operation);
    }
    assert_eq!(replica.collective.pin(), Some(second.id()));
    assert!(replica.picture(&[]).is(&pictures[0]));
    replica.admit(&mut pens, 9, &[2]);
    let third = fix(&mut replica, &mut pens, &[2, 3, 4, 5, 9]);
    assert_eq!(replica.collective.pin(), Some(third.id()));
    // Without it the two contradict each other, and the one who was pinned first stays.
    assert_eq!(group.collective.pin(), None);
}

#[test]
fn a_past_that_is_ruled_out_stops_nothing_of_what_builds_on_it() {
    let mut constitution = assembly(1);
    constitution.vouches = Share::count(1);
    let (mut group, mut pens) = Replica::found(constitution, 1);
    let mut alone = group.twin();
    let mut forger = BTreeMap::from([(1, pens[&1].copy())]);
    for newcomer in 2..=6 {
        group.admit(&mut pens, newcomer, &[1]);
    }
    let first = fix(&mut group, &mut pens, &[1, 2, 3, 4, 5]);
    assert_eq!(group.collective.pin(), Some(first.id()));
    // 1 ends it in a past of their own, and all that is said later has that in its past, too.
    alone.carry(&mut forger, Subject::Dissolve, &[1]);
    fix(&mut alone, &mut forger, &[1]);
    for operation in &alone.log[1..] {
        assert_eq!(group.take(operation).taken, Taken::New);
    }
    group.admit(&mut pens, 7, &[2]);
    let second = fix(&mut group, &mut pens, &[2, 3, 4, 5, 6]);
    assert_eq!(group.collective.pin(), Some(second.id()));
    group.admit(&mut pens, 8, &[2]);
    let picture = group.picture(&[]);
    let mut chance = Chance(37);
    for round in 0..8 {
        let mut order = group.log[1..].to_vec();
        if round > 0 {
            chance.shuffle(&mut order);
        }
        let pin = Pin::of(second.id(), &group.log);
        let mut replica = Replica::of(&group.log[..1]);
        replica.collective = Collective::found_with(group.log[0].clone(), pin).unwrap();
        for operation in &order {
            let taken = replica.take(operation).taken;
            assert!(matches!(taken, Taken::New | Taken::Waiting), "{taken:?}");
        }
        assert_eq!(replica.names(), [1, 2, 3, 4, 5, 6, 7, 8], "round {round}");
        assert!(replica.collective.holds_pin());
        assert!(replica.picture(&[]).is(&picture), "round {round}");
    }
    // What is not there fixes nothing.
    let without = group.log.iter().filter(|it| it.id() != second.frontier[0]);
    assert_eq!(Pin::of(second.id(), without), None);
}

#[test]
fn whoever_pinned_another_past_is_told_of_and_stops_nobody() {
    let mut constitution = assembly(1);
    constitution.vouches = Share::count(1);
    let (mut group, mut pens) = Replica::found(constitution, 1);
    let copy = pens[&1].copy();
    for newcomer in 2..=6 {
        group.admit(&mut pens, newcomer, &[1]);
    }
    group.does(pens.get_mut(&1).unwrap(), Body::Leave);
    let first = fix(&mut group, &mut pens, &[2, 3, 4, 5, 6]);
    assert_eq!(group.collective.pin(), Some(first.id()));
    assert!(!group.collective.has_other_past());
    // Whoever founded it left, signed nothing since, and makes a past of their own final.
    for operation in own_past(&group, &copy, first.id().0) {
        group.take(&operation);
    }
    assert!(group.collective.double_signed().is_empty());
    assert!(group.collective.has_other_past() && !group.collective.contradicts());
    group.admit(&mut pens, 7, &[2]);
    fix(&mut group, &mut pens, &[2, 3, 4, 5, 6]);
    assert!(group.collective.has_other_past() && group.has(7));
}

#[test]
fn members_of_old_make_a_new_device_that_votes_among_the_few_they_were() {
    // As in the attack on a tiny old electorate, but 1 and 2 first add devices that have said nothing yet.
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let mut old = group.twin();
    for newcomer in 10..20 {
        group.admit(&mut pens, newcomer, &[1, 2]);
    }
    let honest = group.names();
    let mut young: BTreeMap<u8, Pen> = [1, 2].map(|one| (one, Pen::device(one, 9))).into();
    for pen in young.values_mut() {
        let certificate = pen.certificate.clone();
        old.does(pen, Body::Device { certificate });
    }
    old.carry(&mut young, remove(3), &[1, 2]);
    assert!(!old.has(3));
    group.learn(&old);
    assert_eq!(group.names(), honest);
    agree(&group.log, &[], 34);
}

#[test]
fn a_vote_that_is_over_is_revived_by_a_new_device_with_an_old_date() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(4));
    let closes = group.standing(proposal).closes;
    group.vote(pens.get_mut(&1).unwrap(), proposal, true);
    group.time = closes + 2 * DAY;
    group.propose(pens.get_mut(&2).unwrap(), admit(9));
    // 2 knows that they have spoken since.
    let mut young = Pen::device(2, 9);
    let (space, heads) = (Some(group.collective.space()), group.collective.heads());
    let certificate = young.certificate.clone();
    let added = young.write(space, heads, closes - 2, Body::Device { certificate });
    assert_eq!(group.take(&added).taken, Taken::New);
    let heads = group.collective.heads();
    let dated = young.write(space, heads, closes - 1, ballot(proposal, true));
    let refused = Taken::Refused(Refusal::ClockBackwards);
    assert_eq!(group.take(&dated).taken, refused);
    assert_eq!(group.standing(proposal).stage, Stage::Lapsed);
    // A clock that is a few hours behind is none of that.
    group.time -= DAY / 2;
    let mut behind = Pen::device(2, 8);
    let certificate = behind.certificate.clone();
    group.does(&mut behind, Body::Device { certificate });
    group.does(&mut behind, propose(admit(8)));
}

#[test]
fn a_thief_dates_far_ahead_and_does_not_silence_the_person() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let now = group.time;
    group.time += 10_000 * DAY;
    let ahead = group.propose(pens.get_mut(&1).unwrap(), admit(9));
    group.time = now;
    let mut fresh = Pen::device(1, 9);
    let refused = Taken::Refused(Refusal::ClockBackwards);
    let certificate = fresh.certificate.clone();
    group.does(&mut fresh, Body::Device { certificate });
    assert_eq!(group.tries(&mut fresh, propose(admit(8))), refused);
    let revocation = root(1).revoke(&pens[&1].key.public(), 20_000);
    group.does(&mut fresh, Body::Revoke { revocation });
    group.does(&mut fresh, propose(admit(8)));
    // The others are not bound by it at all; only the thief's proposal is nothing to answer.
    assert_eq!(
        group.tries(pens.get_mut(&2).unwrap(), vouch(ahead)),
        refused
    );
    group.does(pens.get_mut(&2).unwrap(), propose(admit(7)));
    agree(&group.log, &[], 36);
}

#[test]
fn a_ballot_that_did_not_know_of_the_other_device_is_cast_anew() {
    let (mut phone, mut pens) = Replica::found(assembly(4), 4);
    let proposal = phone.propose(pens.get_mut(&2).unwrap(), remove(4));
    let mut laptop = phone.twin();
    let mut pen = Pen::device(1, 9);
    let certificate = pen.certificate.clone();
    laptop.does(&mut pen, Body::Device { certificate });
    let cast = laptop.vote(&mut pen, proposal, true);
    // The phone has not heard of the laptop yet.
    phone.propose(pens.get_mut(&1).unwrap(), admit(9));
    laptop.learn(&phone);
    assert_eq!(laptop.collective.stands(cast), Some(false));
    let again = laptop.collective.to_repeat(who(1), pen.id(), laptop.time);
    assert_eq!(again, [ballot(proposal, true)]);
    for body in again {
        laptop.does(&mut pen, body);
    }
    assert_eq!(laptop.standing(proposal).yes, [who(1)]);
    let repeated = laptop.collective.to_repeat(who(1), pen.id(), laptop.time);
    assert!(repeated.is_empty());
    agree(&laptop.log, &[], 35);
}
