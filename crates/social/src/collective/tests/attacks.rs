//! What members, expelled members and strangers may try.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::collective::{Body, Constitution, Refusal, Share, Stage, Subject, Taken, Verdict};

#[test]
fn an_expelled_member_back_dates_a_vouch() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let candidate = admit(9);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), candidate);
    group.does(pens.get_mut(&1).unwrap(), vouch(proposal));
    let mut before = group.twin();

    group.carry(&mut pens, remove(5), &[1, 2, 3]);
    assert!(!group.has(5));

    // 5 claims not to have seen it, and lets the candidate in by the old state.
    before.does(pens.get_mut(&5).unwrap(), vouch(proposal));
    let mut pen = Pen::of(9);
    let accepted = accept(proposal, &pen);
    before.does(&mut pen, accepted);
    assert!(before.has(9), "who knows no better must believe it");

    group.learn(&before);
    assert!(!group.has(9) && !group.has(5));
    assert_eq!(group.standing(proposal).vouches, [who(1)]);
    assert_eq!(group.standing(proposal).stage, Stage::Undone);
    // What the one who came in that way says is void.
    let post = before.draft(&mut pen, text("hello"));
    assert_eq!(before.collective.verdict(&post), Verdict::Valid);
    assert_eq!(group.collective.verdict(&post), Verdict::Void);
    agree(&group.log, &[post], 1);
}

#[test]
fn two_members_expel_each_other() {
    let (left, mut pens) = Replica::found(assembly(6), 6);
    let mut left = left;
    let mut right = left.twin();
    let (one, _) = left.carry(&mut pens, remove(2), &[1, 3, 4]);
    let (other, _) = right.carry(&mut pens, remove(1), &[2, 5, 6]);

    left.learn(&right);
    assert_eq!(left.names(), [3, 4, 5, 6], "both stand");
    let rift = &left.collective.rifts()[0];
    let mut proposals = [one, other];
    proposals.sort_unstable();
    assert_eq!(rift.proposals, proposals);
    let side = rift.proposals.iter().position(|id| *id == one).unwrap();
    let mut expected = [who(1), who(3), who(4)];
    expected.sort_unstable();
    assert_eq!(rift.sides[side], expected);
    agree(&left.log, &[], 2);
}

#[test]
fn a_vouch_reused_for_another_candidate() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let wanted = group.propose(pens.get_mut(&1).unwrap(), admit(8));
    let unwanted = group.propose(pens.get_mut(&4).unwrap(), admit(9));
    group.does(pens.get_mut(&1).unwrap(), vouch(wanted));
    group.does(pens.get_mut(&2).unwrap(), vouch(wanted));
    group.does(pens.get_mut(&4).unwrap(), vouch(unwanted));
    let mut stranger = Pen::of(9);
    for proposal in [wanted, unwanted] {
        let body = accept(proposal, &stranger);
        assert!(matches!(
            group.tries(&mut stranger, body),
            Taken::Refused(_)
        ));
    }
    // Nor with a certificate for whom they vouched for, on a device of another.
    let body = Body::Accept {
        proposal: wanted,
        certificate: Pen::of(8).certificate,
    };
    assert_eq!(
        group.tries(&mut stranger, body),
        Taken::Refused(Refusal::NotTheirDevice)
    );
    assert!(!group.has(9));
}

#[test]
fn a_certificate_is_used_twice() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    group.admit(&mut pens, 8, &[1, 2]);
    let admission = group.collective.member(who(8)).unwrap().admission;
    let proposal = match group.collective.operation(admission).unwrap().body() {
        Body::Accept { proposal, .. } => *proposal,
        _ => panic!("not an Accept"),
    };
    group.carry(&mut pens, remove(8), &[1, 2, 3]);
    let mut pen = pens.remove(&8).unwrap();
    let again = accept(proposal, &pen);
    assert_eq!(
        group.tries(&mut pen, again.clone()),
        Taken::Refused(Refusal::Done)
    );
    // Nor by not having seen the first time.
    let (space, heads) = (group.collective.space(), vec![proposal]);
    let old = pen.copy().write(Some(space), heads, group.time + 1, again);
    assert_eq!(group.take(&old).taken, Taken::Refused(Refusal::NotEnough));
    assert!(!group.has(8));
    // A new proposal lets them in again.
    group.admit(&mut pens, 8, &[1, 3]);
    assert!(group.has(8));
    agree(&group.log, &[], 4);
}

#[test]
fn a_constitution_swapped_during_a_vote() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let expel = group.propose(pens.get_mut(&1).unwrap(), remove(5));
    group.vote(pens.get_mut(&1).unwrap(), expel, true);
    group.vote(pens.get_mut(&2).unwrap(), expel, true);
    // Two of four are not more than half; the two change the rule, with a third who is asked for that only.
    let easy = Constitution {
        removal: Share::at_least(1, 4, 1),
        ..assembly(5)
    };
    let amend = Subject::Amend {
        constitution: Box::new(easy.clone()),
    };
    group.carry(&mut pens, amend, &[1, 2, 3]);
    assert_eq!(group.collective.constitution(), &easy);
    let enact = Body::Enact { proposal: expel };
    let refused = group.tries(pens.get_mut(&1).unwrap(), enact);
    assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
    assert_eq!(group.standing(expel).ballots_needed, Some(3));
    // What is proposed under the new rule is decided by it.
    group.carry(&mut pens, remove(5), &[1]);
    assert!(!group.has(5));
    agree(&group.log, &[], 5);
}

#[test]
fn a_partition_of_two_weeks_with_changes_on_both_sides() {
    let (mut left, mut pens) = Replica::found(assembly(6), 6);
    let mut right = left.twin();
    // Two vouch on either side; the rules change on one side by four of six, and a member goes on the other by four of five.
    left.admit(&mut pens, 7, &[1, 2]);
    let strict = Constitution {
        vouches: Share::count(3),
        ..assembly(6)
    };
    let amend = Subject::Amend {
        constitution: Box::new(strict.clone()),
    };
    left.carry(&mut pens, amend, &[1, 2, 3, 6]);
    right.time += 14 * DAY;
    right.admit(&mut pens, 8, &[4, 5]);
    let post = right.draft(pens.get_mut(&8).unwrap(), text("on the other side"));

    let (before, also) = (left.names(), right.names());
    left.learn(&right);
    right.learn(&left);
    assert_eq!(before, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(also, [1, 2, 3, 4, 5, 6, 8]);
    assert_eq!(left.names(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(left.collective.constitution(), &strict);
    assert_eq!(
        left.picture(std::slice::from_ref(&post)),
        right.picture(std::slice::from_ref(&post))
    );
    assert_eq!(left.collective.verdict(&post), Verdict::Valid);
    // From now on the stricter rule holds for everybody.
    let proposal = right.propose(pens.get_mut(&4).unwrap(), admit(9));
    assert_eq!(right.standing(proposal).vouches_needed, Some(3));
    agree(&left.log, &[post], 6);
}

#[test]
fn an_early_member_forges_a_removal_dated_to_a_tiny_old_electorate() {
    // Three founders, of whom 1 and 2 are false; later there are many.
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let old = group.twin();
    let copies = (pens[&1].copy(), pens[&2].copy());
    for newcomer in 10..20 {
        group.admit(&mut pens, newcomer, &[3, 2]);
    }
    // From copies of their devices as they were, they remove 3 by two of two.
    let mut forged = old.twin();
    let mut false_pens = [(1, copies.0), (2, copies.1)].into();
    forged.carry(&mut false_pens, remove(3), &[1, 2]);
    assert!(!forged.has(3));

    // 2 has vouched since: its device says two things beside each other, and its ballot does not count.
    let honest = group.names();
    group.learn(&forged);
    assert_eq!(group.names(), honest);
    assert!(
        group
            .collective
            .forked()
            .iter()
            .any(|pair| pair.person == who(2))
    );
    agree(&group.log, &[], 7);
}

#[test]
fn sleeping_founders_forge_a_removal_dated_before_a_final_checkpoint() {
    // 1 and 2 have said nothing since: no device contradicts them. What is final does.
    let mut constitution = assembly(3);
    constitution.vouches = Share::count(1);
    let (mut group, mut pens) = Replica::found(constitution, 3);
    let old = group.twin();
    for newcomer in 10..20 {
        group.admit(&mut pens, newcomer, &[3]);
    }
    let copies = [(1, pens[&1].copy()), (2, pens[&2].copy())];
    // Ten of thirteen sign, with more than half of the founders.
    let checkpoint = group.collective.next_checkpoint(who(3), u64::MAX).unwrap();
    for signer in [3, 10, 11, 12, 13, 14, 15, 16, 17, 1] {
        group.does(
            pens.get_mut(&signer).unwrap(),
            Body::Checkpoint(checkpoint.clone()),
        );
    }
    assert_eq!(group.collective.finality().newest, Some(checkpoint.id()));

    let mut forged = old.twin();
    let mut false_pens = copies.into();
    let (proposal, enact) = forged.carry(&mut false_pens, remove(3), &[1, 2]);
    group.learn(&forged);
    assert!(group.has(3) && group.names().len() == 13);
    assert_eq!(group.standing(proposal).stage, Stage::Crossed);
    assert_eq!(group.collective.stands(enact), Some(false));
    // Nor does it help to put the old vote into force today.
    let again = Body::Enact { proposal };
    let refused = group.tries(pens.get_mut(&2).unwrap(), again);
    assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
    agree(&group.log, &[], 8);
}

#[test]
fn an_old_proposal_that_slipped_into_a_checkpoint_needs_the_members_there() {
    let mut constitution = assembly(3);
    constitution.vouches = Share::count(1);
    let (mut group, mut pens) = Replica::found(constitution, 3);
    // The proposal knows three members, and lies quietly in everybody's past.
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(3));
    for newcomer in 10..20 {
        group.admit(&mut pens, newcomer, &[3]);
    }
    let checkpoint = group.collective.next_checkpoint(who(3), u64::MAX).unwrap();
    for signer in [3, 10, 11, 12, 13, 14, 15, 16, 17, 1] {
        group.does(
            pens.get_mut(&signer).unwrap(),
            Body::Checkpoint(checkpoint.clone()),
        );
    }
    group.vote(pens.get_mut(&1).unwrap(), proposal, true);
    group.vote(pens.get_mut(&2).unwrap(), proposal, true);
    let enact = Body::Enact { proposal };
    let refused = group.tries(pens.get_mut(&1).unwrap(), enact);
    assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
    // More than half of twelve: two are there, and only three could ever vote.
    let standing = group.standing(proposal);
    assert_eq!(
        (standing.ballots_needed, standing.ballots_missing),
        (Some(2), 5)
    );
}

#[test]
fn expelled_members_make_members_of_their_own_who_expel_everybody() {
    let (mut group, mut pens) = Replica::found(assembly(6), 6);
    let mut before = group.twin();
    group.carry(&mut pens, remove(5), &[1, 2, 3, 4]);
    group.carry(&mut pens, remove(6), &[1, 2, 3, 4]);

    // 5 and 6 go on as if nothing had been: ten new members by their vouches, who remove the others one by one.
    for sybil in 20..30 {
        before.admit(&mut pens, sybil, &[5, 6]);
    }
    for (honest, voters) in [(1, 20..29), (2, 20..29), (3, 20..29), (4, 20..29)] {
        let voters: Vec<_> = voters.collect();
        before.carry(&mut pens, remove(honest), &voters);
    }
    assert!(
        !before.has(1) && before.has(25),
        "by themselves they are many"
    );

    group.learn(&before);
    assert_eq!(group.names(), [1, 2, 3, 4]);
    agree(&group.log, &[], 9);
}

#[test]
fn removals_that_deny_each_others_electors_both_stand() {
    // 3 and 4 each bring members whom the other side needs to carry its removal.
    let mut constitution = assembly(4);
    constitution.vouches = Share::count(1);
    let (mut left, mut pens) = Replica::found(constitution, 4);
    let mut right = left.twin();
    left.admit(&mut pens, 10, &[3]);
    left.admit(&mut pens, 11, &[3]);
    left.carry(&mut pens, remove(4), &[10, 11, 1]);
    right.admit(&mut pens, 12, &[4]);
    right.admit(&mut pens, 13, &[4]);
    right.carry(&mut pens, remove(3), &[12, 13, 2]);
    left.learn(&right);
    // Neither is certain: both go, and whom they brought with them.
    assert_eq!(left.names(), [1, 2]);
    agree(&left.log, &[], 10);
}

#[test]
fn equivocation_to_two_halves() {
    let (mut left, mut pens) = Replica::found(assembly(5), 5);
    let proposal = left.propose(pens.get_mut(&1).unwrap(), remove(5));
    left.vote(pens.get_mut(&1).unwrap(), proposal, true);
    left.vote(pens.get_mut(&2).unwrap(), proposal, true);
    let mut right = left.twin();
    // 3 tells one half yes and the other no.
    let mut copy = pens[&3].copy();
    let yes = left.vote(pens.get_mut(&3).unwrap(), proposal, true);
    let no = right.vote(&mut copy, proposal, false);
    let enact = left.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    assert!(!left.has(5) && right.has(5));

    left.learn(&right);
    right.learn(&left);
    // Neither counts: two are not more than half of four.
    assert!(left.has(5) && right.has(5));
    assert_eq!(left.collective.stands(enact), Some(false));
    for id in [yes, no] {
        assert_eq!(left.collective.stands(id), Some(false));
    }
    assert_eq!(left.standing(proposal).stage, Stage::Undone);
    let shown = left.collective.forked();
    assert_eq!(
        (shown[0].person, shown[0].one.min(shown[0].other)),
        (who(3), yes.min(no))
    );
    // A fourth ballot decides it after all.
    left.vote(pens.get_mut(&4).unwrap(), proposal, true);
    left.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    assert!(!left.has(5));
    agree(&left.log, &[], 11);
}

#[test]
fn a_member_with_two_devices_votes_twice() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let mut second = Pen::device(1, 7);
    let certificate = second.certificate.clone();
    group.does(&mut second, Body::Device { certificate });
    let proposal = group.propose(pens.get_mut(&2).unwrap(), remove(4));
    let mut other = group.twin();
    group.vote(pens.get_mut(&1).unwrap(), proposal, true);
    let refused = group.tries(&mut second, ballot(proposal, true));
    assert_eq!(refused, Taken::Refused(Refusal::Done));
    // Each device without having seen the other's: one ballot, that of the lower hash.
    let twice = other.vote(&mut second, proposal, true);
    group.learn(&other);
    assert_eq!(group.standing(proposal).yes, [who(1)]);
    let enact = Body::Enact { proposal };
    let refused = group.tries(pens.get_mut(&2).unwrap(), enact);
    assert_eq!(refused, Taken::Refused(Refusal::NotEnough));
    assert!(
        group.collective.forked().is_empty(),
        "two devices may speak at once"
    );
    assert_eq!(group.collective.stands(twice), Some(true));
    agree(&group.log, &[], 12);
}

#[test]
fn a_stranger_forges_membership() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let mut stranger = Pen::of(9);
    // Speaks without being one.
    let body = propose(remove(1));
    assert_eq!(
        group.tries(&mut stranger, body),
        Taken::Refused(Refusal::NotMember)
    );
    // Says to be somebody else.
    let mut false_pen = Pen::of(9);
    false_pen.person = who(1);
    let body = propose(remove(2));
    assert_eq!(
        group.tries(&mut false_pen, body),
        Taken::Refused(Refusal::NotTheirDevice)
    );
    // Brings a device certificate of their own root for a member.
    let certificate = false_pen.certificate.clone();
    let body = Body::Device { certificate };
    assert_eq!(
        group.tries(&mut false_pen, body),
        Taken::Refused(Refusal::NotTheirDevice)
    );
    // Changes a byte of what a member signed.
    let operation = group.draft(pens.get_mut(&1).unwrap(), Body::Leave);
    for place in [0, 70, operation.as_bytes().len() - 1] {
        let mut bytes = operation.as_bytes().to_vec();
        bytes[place] ^= 1;
        assert!(crate::collective::Operation::decode(&bytes).is_err());
    }
    // Brings it to another collective.
    let (mut other, _) = Replica::found(assembly(2), 2);
    assert_eq!(
        other.take(&operation).taken,
        Taken::Refused(Refusal::OtherSpace)
    );
    assert_eq!(group.take(&operation).taken, Taken::New);
}

#[test]
fn a_member_claims_the_device_of_another() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    // A root certifies any key; the key must agree.
    let certificate = root(1).certify(&pens[&2].key.public(), 20_000);
    let refused = group.tries(pens.get_mut(&1).unwrap(), Body::Device { certificate });
    assert_eq!(refused, Taken::Refused(Refusal::NotTheirDevice));
    // Two persons who are one human, with one device between them.
    let shared = |person: u8| {
        let mut pen = Pen::device(30, 0);
        pen.person = who(person);
        pen.certificate = root(person).certify(&pen.key.public(), 20_000);
        pen
    };
    let mut other = group.twin();
    for (replica, person, by) in [(&mut group, 20, [1, 2]), (&mut other, 21, [3, 4])] {
        let proposal = replica.propose(pens.get_mut(&by[0]).unwrap(), admit(person));
        for voucher in by {
            replica.does(pens.get_mut(&voucher).unwrap(), vouch(proposal));
        }
        let mut pen = shared(person);
        let body = accept(proposal, &pen);
        replica.does(&mut pen, body);
    }
    group.learn(&other);
    let heads = group.collective.heads();
    let devices = group.collective.devices_at(&heads).unwrap();
    let shared = devices.iter().filter(|one| one.device == shared(20).id());
    let owners: Vec<_> = shared.map(|one| one.person).collect();
    assert_eq!(owners, [who(20).min(who(21))], "it is one person's");
    assert_eq!(group.names().len(), 6);
    agree(&group.log, &[], 14);
}

#[test]
fn a_thief_votes_from_a_device_that_is_then_revoked() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let proposal = group.propose(pens.get_mut(&2).unwrap(), remove(4));
    group.vote(pens.get_mut(&2).unwrap(), proposal, true);
    group.vote(pens.get_mut(&3).unwrap(), proposal, false);
    let mut thief = group.twin();
    // 1 says the words, adds a device and revokes; the thief votes without having seen it.
    let revocation = root(1).revoke(&pens[&1].key.public(), 20_000);
    let mut fresh = Pen::device(1, 5);
    let certificate = fresh.certificate.clone();
    group.does(&mut fresh, Body::Device { certificate });
    group.does(&mut fresh, Body::Revoke { revocation });
    let stolen = thief.vote(pens.get_mut(&1).unwrap(), proposal, true);
    let said = thief.draft(pens.get_mut(&1).unwrap(), text("it is me"));
    group.learn(&thief);
    assert_eq!(group.collective.stands(stolen), Some(false));
    assert_eq!(group.collective.verdict(&said), Verdict::Void);
    assert_eq!(group.standing(proposal).yes, [who(2)]);
    // The person still has their ballot, and keeps the member's place.
    assert!(group.has(1));
    group.vote(&mut fresh, proposal, false);
    let mut no = [who(1), who(3)];
    no.sort_unstable();
    assert_eq!(group.standing(proposal).no, no);
    // The device never comes back.
    let certificate = pens[&1].certificate.clone();
    let refused = group.tries(pens.get_mut(&1).unwrap(), Body::Device { certificate });
    assert_eq!(refused, Taken::Refused(Refusal::Done));
    agree(&group.log, &[said], 13);
}

#[test]
fn a_ballot_is_dated_back_into_a_vote_that_is_over() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(4));
    let closes = group.standing(proposal).closes;
    group.vote(pens.get_mut(&1).unwrap(), proposal, true);
    group.time = closes + DAY;
    let late = group.tries(pens.get_mut(&2).unwrap(), ballot(proposal, true));
    assert_eq!(late, Taken::Refused(Refusal::TooLate));
    // 2 has spoken since, and cannot be younger than that.
    group.propose(pens.get_mut(&2).unwrap(), admit(9));
    let (space, heads) = (group.collective.space(), group.collective.heads());
    let body = ballot(proposal, true);
    let dated = pens
        .get_mut(&2)
        .unwrap()
        .write(Some(space), heads, closes - 1, body);
    assert_eq!(
        group.take(&dated).taken,
        Taken::Refused(Refusal::ClockBackwards)
    );
    assert_eq!(group.standing(proposal).stage, Stage::Lapsed);
}

#[test]
fn an_expelled_member_goes_on_writing_with_an_old_date() {
    let (mut group, mut pens) = Replica::found(assembly(4), 4);
    let early = group.draft(pens.get_mut(&4).unwrap(), text("seen by all"));
    let seen = pens[&4].head();
    let late = group.draft(pens.get_mut(&4).unwrap(), text("afterwards, dated before"));
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(4));
    for voter in [1, 2] {
        group.vote(pens.get_mut(&voter).unwrap(), proposal, true);
    }
    let (space, heads) = (group.collective.space(), group.collective.heads());
    let (time, body) = (group.time + 1, Body::Enact { proposal });
    let pen = pens.get_mut(&1).unwrap();
    let enact = pen.write_seen(Some(space), heads, time, body, vec![seen]);
    assert_eq!(group.take(&enact).taken, Taken::New);
    assert_eq!(group.collective.verdict(&early), Verdict::Valid);
    assert_eq!(group.collective.verdict(&late), Verdict::Void);
    // With what is known now they may not write at all.
    let post = group.draft(pens.get_mut(&4).unwrap(), text("hello?"));
    assert_eq!(
        group.collective.verdict(&post),
        Verdict::Refused(Refusal::NotMember)
    );
    // An accomplice cannot let them have said more by enacting it once more.
    let again = group.tries(pens.get_mut(&3).unwrap(), Body::Enact { proposal });
    assert!(matches!(again, Taken::Refused(_)));
}
