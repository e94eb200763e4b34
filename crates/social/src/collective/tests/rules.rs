//! The rules: constitutions, what carries, resting, delegates, free decisions, splitting and ending, waiting.

use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::collective::{
    Body, COMMITTEE, Choice, Collective, Constitution, Fault, MAX_MEMBERS, Operation, POWER_ADMIT,
    POWER_POST, Posting, Refusal, Role, Rule, Share, Stage, Subject, Taken, Template, Verdict,
};

#[test]
fn every_template_can_be_taken_by_any_number_of_founders() {
    for template in Template::ALL {
        for founders in 1..=16 {
            let constitution = template.constitution(founders, "Komitee");
            assert_eq!(constitution.faults(founders), [], "{template:?} {founders}");
            assert_eq!(constitution.faults(MAX_MEMBERS), [], "{template:?}");
        }
    }
}

#[test]
fn a_constitution_that_could_never_decide_anything_is_refused_and_says_why() {
    let good = assembly(5);
    let faulty = |change: fn(&mut Constitution)| {
        let mut constitution = good.clone();
        change(&mut constitution);
        constitution.faults(5)
    };
    assert_eq!(faulty(|_| ()), []);
    type Case = (fn(&mut Constitution), Rule, Fault);
    let all: [Case; 12] = [
        (
            |c| c.vouches = Share::count(6),
            Rule::Vouches,
            Fault::NeverReached,
        ),
        (
            |c| c.vouches = Share::count(0),
            Rule::Vouches,
            Fault::Nobody,
        ),
        (
            |c| c.admission = Some(Share::count(6)),
            Rule::Admission,
            Fault::NeverReached,
        ),
        (
            |c| c.amendment = Share::more_than(1, 1, 0),
            Rule::Amendment,
            Fault::MoreThanAll,
        ),
        (
            |c| c.amendment = Share::at_least(3, 2, 0),
            Rule::Amendment,
            Fault::MoreThanAll,
        ),
        (
            |c| c.removal = Share::count(500),
            Rule::Removal,
            Fault::NeverReached,
        ),
        (
            |c| c.quorum = Share::count(501),
            Rule::Quorum,
            Fault::MoreThanMembers,
        ),
        (
            |c| c.majority = Share::at_least(1, 2, 0),
            Rule::Majority,
            Fault::TwoWinners,
        ),
        (|c| c.period_days = 0, Rule::Period, Fault::Days),
        (|c| c.resting_days = 99_999, Rule::Resting, Fault::Days),
        (
            |c| c.posting = Posting::Delegates,
            Rule::Posting,
            Fault::NobodyPosts,
        ),
        (
            |c| {
                let role = |number| Role {
                    number,
                    name: "x".to_owned(),
                    powers: 0,
                };
                c.roles = vec![role(1), role(1)];
            },
            Rule::Roles,
            Fault::Roles,
        ),
    ];
    for (change, rule, fault) in all {
        assert_eq!(faulty(change), [(rule, fault)]);
    }
    // Neither by a Genesis nor by an amendment.
    let mut bad = good.clone();
    bad.vouches = Share::count(6);
    let mut pen = Pen::of(1);
    let genesis = Body::Genesis {
        name: "x".to_owned(),
        constitution: Box::new(bad.clone()),
        founders: vec![pen.certificate.clone()],
    };
    let genesis = pen.write(None, Vec::new(), START, genesis);
    let refusal = Refusal::BadConstitution(Rule::Vouches, Fault::NeverReached);
    assert_eq!(Collective::found(genesis).unwrap_err(), refusal);
    let (mut group, mut pens) = Replica::found(good, 5);
    let amend = propose(Subject::Amend {
        constitution: Box::new(bad),
    });
    assert_eq!(
        group.tries(pens.get_mut(&1).unwrap(), amend),
        Taken::Refused(refusal)
    );
}

#[test]
fn shares_are_counted_without_rounding_anybody_away() {
    let half = Share::more_than(1, 2, 0);
    assert_eq!([1, 2, 3, 4, 5].map(|n| half.needed(n)), [1, 2, 2, 3, 3]);
    let thirds = Share::at_least(2, 3, 2);
    assert_eq!(
        [1, 2, 3, 4, 6, 7].map(|n| thirds.needed(n)),
        [2, 2, 2, 3, 4, 5]
    );
    assert_eq!(Share::count(3).needed(500), 3);
    assert_eq!(
        Share::at_least(1, 4, 0).needed(0),
        1,
        "nobody is never enough"
    );
}

#[test]
fn it_says_who_has_vouched_and_who_is_still_enough() {
    let mut constitution = assembly(5);
    constitution.vouches = Share::count(3);
    let (mut group, mut pens) = Replica::found(constitution, 5);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), admit(9));
    for voucher in [1, 2] {
        group.does(pens.get_mut(&voucher).unwrap(), vouch(proposal));
    }
    let standing = group.standing(proposal);
    assert_eq!(
        (standing.vouches.len(), standing.vouches_needed),
        (2, Some(3))
    );
    assert_eq!((standing.vouches_missing, standing.stage), (1, Stage::Open));
    let mut silent = [who(3), who(4), who(5)];
    silent.sort_unstable();
    assert_eq!(standing.silent, silent);
    let mut pen = Pen::of(9);
    let body = accept(proposal, &pen);
    assert_eq!(
        group.tries(&mut pen, body.clone()),
        Taken::Refused(Refusal::NotEnough)
    );
    group.does(pens.get_mut(&3).unwrap(), vouch(proposal));
    assert_eq!(group.standing(proposal).stage, Stage::Ready);
    let accepted = group.does(&mut pen, body);
    assert_eq!(group.standing(proposal).stage, Stage::Done(accepted));
    let member = group.collective.member(who(9)).unwrap();
    assert_eq!((member.admission, member.vouched_by.len()), (accepted, 3));
    // A vouch that comes later is not part of what decided.
    let late = group.tries(pens.get_mut(&4).unwrap(), vouch(proposal));
    assert_eq!(late, Taken::New);
    assert_eq!(group.standing(proposal).vouches.len(), 3);
}

#[test]
fn whom_a_removal_is_about_has_no_vote_and_the_numbers_stay() {
    let (mut group, mut pens) = Replica::found(assembly(6), 6);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(6));
    let refused = group.tries(pens.get_mut(&6).unwrap(), ballot(proposal, false));
    assert_eq!(refused, Taken::Refused(Refusal::NotEntitled));
    group.vote(pens.get_mut(&5).unwrap(), proposal, false);
    for voter in [1, 2, 3] {
        group.vote(pens.get_mut(&voter).unwrap(), proposal, true);
    }
    let by = group.does(pens.get_mut(&2).unwrap(), Body::Enact { proposal });
    group.vote(pens.get_mut(&4).unwrap(), proposal, true);
    let standing = group.standing(proposal);
    assert_eq!(standing.stage, Stage::Done(by));
    assert_eq!(
        (
            standing.yes.len(),
            standing.no.len(),
            standing.ballots_needed
        ),
        (3, 1, Some(3))
    );
    assert_eq!(standing.electorate.len(), 5);
    let own = propose(remove(1));
    assert_eq!(
        group.tries(pens.get_mut(&1).unwrap(), own),
        Taken::Refused(Refusal::Senseless)
    );
}

#[test]
fn members_who_rest_do_not_count_and_return_by_themselves() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let rest = |person| Subject::Rest {
        person: who(person),
    };
    group.carry(&mut pens, rest(5), &[1, 2, 3]);
    assert_eq!((group.collective.active(), group.names().len()), (4, 5));
    let refused = group.tries(pens.get_mut(&5).unwrap(), propose(remove(1)));
    assert_eq!(refused, Taken::Refused(Refusal::Resting));
    // They are counted for as long as a vote lasts, so that they can still return.
    let proposal = group.propose(pens.get_mut(&2).unwrap(), remove(4));
    assert_eq!(group.standing(proposal).electorate.len(), 4);
    group.time += 14 * DAY;
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(4));
    assert_eq!(group.standing(proposal).electorate.len(), 3);
    let post = group.draft(pens.get_mut(&5).unwrap(), text("I read along"));
    assert_eq!(group.collective.verdict(&post), Verdict::Valid);
    group.does(pens.get_mut(&5).unwrap(), Body::Return);
    assert_eq!(group.collective.active(), 5);
    let again = group.tries(pens.get_mut(&5).unwrap(), Body::Return);
    assert_eq!(again, Taken::Refused(Refusal::Done));
    // The open proposal keeps its electorate.
    assert_eq!(group.standing(proposal).electorate.len(), 3);
    agree(&group.log, &[post], 1);
}

#[test]
fn delegates_are_empowered_by_vote_and_recalled_by_vote() {
    let mut constitution = Template::TenantsUnion.constitution(5, "Komitee");
    constitution.posting = Posting::Delegates;
    constitution.roles[0].powers = POWER_ADMIT | POWER_POST;
    let (mut group, mut pens) = Replica::found(constitution, 5);
    let (role, person) = (COMMITTEE, who(2));
    let post = |group: &mut Replica, pens: &mut std::collections::BTreeMap<u8, Pen>| {
        let post = group.draft(pens.get_mut(&2).unwrap(), text("notice"));
        group.collective.verdict(&post)
    };
    assert_eq!(
        post(&mut group, &mut pens),
        Verdict::Refused(Refusal::NotEntitled)
    );
    group.carry(&mut pens, Subject::Empower { role, person }, &[1, 3, 4]);
    assert_eq!(group.collective.member(person).unwrap().roles, [role]);
    assert_eq!(post(&mut group, &mut pens), Verdict::Valid);
    // One vouch of theirs admits.
    group.admit(&mut pens, 9, &[2]);
    let twice = propose(Subject::Empower { role, person });
    assert_eq!(
        group.tries(pens.get_mut(&1).unwrap(), twice),
        Taken::Refused(Refusal::Senseless)
    );
    let mut other = group.twin();
    group.carry(&mut pens, Subject::Recall { role, person }, &[1, 3, 4, 5]);
    assert!(group.collective.member(person).unwrap().roles.is_empty());
    assert_eq!(
        post(&mut group, &mut pens),
        Verdict::Refused(Refusal::NotEntitled)
    );
    // What a recall had not seen does not outlive it.
    let unheard = other.tries(pens.get_mut(&2).unwrap(), propose(remove(9)));
    assert_eq!(unheard, Taken::New);
    group.learn(&other);
    assert!(group.collective.member(person).unwrap().roles.is_empty());
    agree(&group.log, &[], 2);
}

#[test]
fn a_free_decision_ends_early_only_when_nothing_can_change_it() {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let options = ["Friday", "Monday", "never"].map(str::to_owned).to_vec();
    let decide = Subject::Decide {
        question: "Strike?".to_owned(),
        options,
    };
    let proposal = group.propose(pens.get_mut(&1).unwrap(), decide);
    let cast = |group: &mut Replica, pen: &mut Pen, choice| {
        group.does(pen, Body::Ballot { proposal, choice })
    };
    cast(&mut group, pens.get_mut(&1).unwrap(), Choice::Option(0));
    cast(&mut group, pens.get_mut(&2).unwrap(), Choice::Option(0));
    let no_option = Body::Ballot {
        proposal,
        choice: Choice::Option(3),
    };
    let refused = group.tries(pens.get_mut(&3).unwrap(), no_option);
    assert_eq!(refused, Taken::Refused(Refusal::NoSuchProposal));
    assert_eq!(group.standing(proposal).stage, Stage::Open);
    // When its time is over, two of two have it.
    let closes = group.standing(proposal).closes;
    let later = group.collective.standing(proposal, closes + 1).unwrap();
    assert_eq!(later.stage, Stage::Decided(0));
    cast(&mut group, pens.get_mut(&3).unwrap(), Choice::Abstain);
    cast(&mut group, pens.get_mut(&4).unwrap(), Choice::Option(0));
    assert_eq!(group.standing(proposal).stage, Stage::Decided(0));
    let enact = group.tries(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    assert_eq!(enact, Taken::Refused(Refusal::NoSuchProposal));
    agree(&group.log, &[], 3);
}

#[test]
fn a_free_decision_without_a_quorum_decides_nothing() {
    let mut constitution = assembly(5);
    constitution.quorum = Share::at_least(3, 5, 0);
    let (mut group, mut pens) = Replica::found(constitution, 5);
    let options = ["yes", "no"].map(str::to_owned).to_vec();
    let question = "?".to_owned();
    let proposal = group.propose(
        pens.get_mut(&1).unwrap(),
        Subject::Decide { question, options },
    );
    for voter in [1, 2] {
        let choice = Choice::Option(0);
        group.does(
            pens.get_mut(&voter).unwrap(),
            Body::Ballot { proposal, choice },
        );
    }
    let after = |group: &Replica| group.collective.standing(proposal, u64::MAX).unwrap().stage;
    assert_eq!(after(&group), Stage::Undecided);
    let choice = Choice::Option(1);
    group.does(pens.get_mut(&3).unwrap(), Body::Ballot { proposal, choice });
    assert_eq!(after(&group), Stage::Decided(0));
}

#[test]
fn concurrent_amendments_of_one_version_do_not_undo_each_other() {
    let (mut left, mut pens) = Replica::found(assembly(5), 5);
    let amend = |days| {
        let mut constitution = assembly(5);
        constitution.expiry_days = days;
        Subject::Amend {
            constitution: Box::new(constitution),
        }
    };
    let few = left.propose(pens.get_mut(&1).unwrap(), amend(10));
    let many = left.propose(pens.get_mut(&2).unwrap(), amend(20));
    for voter in 1..=5 {
        if voter < 4 {
            left.vote(pens.get_mut(&voter).unwrap(), few, true);
        }
        left.vote(pens.get_mut(&voter).unwrap(), many, true);
    }
    let mut right = left.twin();
    left.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal: few });
    right.does(pens.get_mut(&2).unwrap(), Body::Enact { proposal: many });
    assert_eq!(left.collective.constitution().expiry_days, 10);
    assert_eq!(left.standing(many).stage, Stage::Overtaken);
    left.learn(&right);
    assert_eq!(
        left.collective.constitution().expiry_days,
        20,
        "more ballots"
    );
    assert!(matches!(left.standing(many).stage, Stage::Done(_)));
    assert_eq!(left.standing(few).stage, Stage::Overtaken);
    agree(&left.log, &[], 4);
}

#[test]
fn members_leave_split_and_end_it() {
    let (mut group, mut pens) = Replica::found(assembly(7), 7);
    group.does(pens.get_mut(&7).unwrap(), Body::Leave);
    assert!(!group.has(7));
    let mut persons = vec![who(5), who(6)];
    persons.sort_unstable();
    let split = Subject::Split { persons };
    group.carry(&mut pens, split, &[1, 2, 5, 6]);
    assert_eq!(group.names(), [1, 2, 3, 4]);
    group.carry(&mut pens, Subject::Dissolve, &[1, 2, 3]);
    assert!(group.collective.is_dissolved());
    let late = group.tries(pens.get_mut(&1).unwrap(), propose(remove(2)));
    assert_eq!(late, Taken::Refused(Refusal::Dissolved));
    let post = group.draft(pens.get_mut(&1).unwrap(), text("the end"));
    assert_eq!(
        group.collective.verdict(&post),
        Verdict::Refused(Refusal::Dissolved)
    );
    agree(&group.log, &[post], 5);
}

#[test]
fn nothing_about_persons_is_in_debug() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let operation = group.draft(pens.get_mut(&1).unwrap(), text("secret"));
    assert_eq!(
        format!("{operation:?}"),
        "Operation { body: Body(kind 64, [redacted]), .. }"
    );
    let proposal = Subject::Dissolve;
    assert_eq!(format!("{proposal:?}"), "Subject(kind 9, [redacted])");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_share_is_within_reach_if_it_is_without_fault(
        parts in 0_u16..12, of in 1_u16..12, more: bool, least in 0_u16..9, total in 9_usize..500,
    ) {
        let share = Share { parts, of, more, least };
        let mut constitution = assembly(total);
        constitution.vouches = share;
        let faults = constitution.faults(total);
        let reachable = share.needed(total) <= total && parts + least > 0;
        prop_assert_eq!(faults.is_empty(), reachable && parts <= of);
    }

    #[test]
    fn any_change_of_a_signed_operation_is_noticed(place in 0_usize..400, bit in 0_u8..8) {
        let (mut group, mut pens) = Replica::found(assembly(2), 2);
        let operation = group.draft(pens.get_mut(&1).unwrap(), propose(remove(2)));
        let mut bytes = operation.as_bytes().to_vec();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        prop_assert!(Operation::decode(&bytes).is_err());
    }
}
