//! What a member may say how often.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::{
    OperationError, OperationId,
    collective::{
        Body, Fields, MAX_BALLOTS, MAX_CONTROL, MAX_OPEN_PROPOSALS, MAX_PARALLEL, MAX_RATION,
        MAX_RATION_BYTES, Operation, Refusal, Stage, Subject, Taken,
    },
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

/// The same operation with a field of so many bytes that only a newer version knows.
fn padded(pen: &Pen, operation: &Operation, bytes: u16) -> Result<Operation, OperationError> {
    let mut signed = operation.as_bytes()[64..].to_vec();
    signed[0] += 1;
    signed.extend([0x18, 99, 0x59]);
    signed.extend(bytes.to_be_bytes());
    signed.resize(signed.len() + usize::from(bytes), 7);
    let mut all = pen.key.sign_operation(&signed).to_vec();
    all.extend(signed);
    Operation::decode(&all)
}

/// A liar withdraws each of their ballots by saying another beside it, and votes again, as long as they are heard; each ballot is of
/// so many bytes more.
fn withdrawn_ballots(padding: u16) -> (usize, usize) {
    let (mut group, mut pens) = Replica::found(assembly(5), 5);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(5));
    let space = Some(group.collective.space());
    let pen = pens.get_mut(&2).unwrap();
    let mut context = vec![proposal];
    let (mut heard, mut bytes) = (0, 0);
    for round in 0..u64::try_from(MAX_BALLOTS).unwrap() {
        let mut beside = Vec::new();
        for yes in [true, false] {
            let time = group.time + round;
            let mut copy = pen.copy();
            let mut said = copy.write(space, context.clone(), time, ballot(proposal, yes));
            if padding > 0 {
                said = padded(&copy, &said, padding).unwrap();
            }
            match group.take(&said).taken {
                Taken::New => {
                    heard += 1;
                    bytes += said.as_bytes().len();
                }
                taken => assert_eq!(taken, Taken::Refused(Refusal::TooMany)),
            }
            beside.push(said);
        }
        *pen = pen.copy().after(&beside[0]);
        context = beside.iter().map(Operation::id).collect();
        if !context
            .iter()
            .all(|id| group.collective.operation(*id).is_some())
        {
            break;
        }
    }
    (heard, bytes)
}

#[test]
fn a_flood_of_ballots_that_were_withdrawn() {
    let (heard, _) = withdrawn_ballots(0);
    // Of the last two beside each other neither knows of the other.
    assert!((MAX_BALLOTS..=MAX_BALLOTS + 1).contains(&heard), "{heard}");
}

#[test]
fn a_flood_of_bytes() {
    let (_, bytes) = withdrawn_ballots(7_000);
    let most = MAX_RATION_BYTES + 8_192;
    assert!(
        (MAX_RATION_BYTES - 8_192..=most).contains(&bytes),
        "{bytes}"
    );
}

#[test]
fn a_flood_of_devices_added_and_revoked() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let mut said = 0;
    for n in 1..=40 {
        let mut second = Pen::device(1, n);
        let certificate = second.certificate.clone();
        let added = group.tries(&mut second, Body::Device { certificate });
        if added == Taken::Refused(Refusal::TooMany) {
            break;
        }
        assert_eq!(added, Taken::New);
        said += 1;
        let revocation = root(1).revoke(&second.key.public(), 20_001);
        let pen = pens.get_mut(&1).unwrap();
        group.does(pen, Body::Revoke { revocation });
        said += 1;
    }
    assert_eq!(said, MAX_RATION);
    // Whoever leaves is heard all the same, and so is everybody else.
    group.does(pens.get_mut(&2).unwrap(), propose(remove(3)));
    group.does(pens.get_mut(&1).unwrap(), Body::Leave);
    agree(&group.log, &[], 2);
}

#[test]
fn whoever_enters_long_ago_has_no_more_than_one_ration() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let proposal = group.propose(pens.get_mut(&1).unwrap(), admit(8));
    for voucher in [1, 2] {
        group.does(pens.get_mut(&voucher).unwrap(), vouch(proposal));
    }
    let mut pen = Pen::of(8);
    let space = Some(group.collective.space());
    // A period after the other, up to the day on which they come in.
    let mut taken = 0;
    let mut time = START - 4_000 * DAY;
    let accepts = accept(proposal, &pen);
    let heads = group.collective.heads();
    let entered = pen.write(space, heads, time, accepts);
    assert_eq!(group.take(&entered).taken, Taken::New);
    for n in 0..3 * MAX_RATION {
        time += 31 * DAY;
        let body = propose(Subject::Decide {
            question: format!("{n}?"),
            options: vec!["yes".to_owned(), "no".to_owned()],
        });
        let mut copy = pen.copy();
        let said = copy.write(space, group.collective.heads(), time, body);
        if group.take(&said).taken == Taken::New {
            taken += 1;
            pen = copy;
        }
    }
    assert_eq!(taken, MAX_RATION);
    agree(&group.log, &[], 3);
}

#[test]
fn a_flood_of_what_only_a_newer_version_knows() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let pen = pens.get_mut(&1).unwrap();
    let mut taken = 0;
    for _ in 0..MAX_RATION + 5 {
        let leave = group.draft(&mut pen.copy(), Body::Leave);
        let mut signed = leave.as_bytes()[64..].to_vec();
        // The kind stands after the 6 that is its field: no other than a Leave has 7 there.
        let place = signed.windows(3).position(|it| it == [6, 7, 7]).unwrap();
        signed[place + 1] = 20;
        let mut bytes = pen.key.sign_operation(&signed).to_vec();
        bytes.extend(&signed);
        let newer = Operation::decode(&bytes).unwrap();
        match group.take(&newer).taken {
            Taken::New => {
                taken += 1;
                *pen = pen.copy().after(&newer);
            }
            other => assert_eq!(other, Taken::Refused(Refusal::TooMany)),
        }
    }
    assert_eq!(taken, MAX_RATION);
}

#[test]
fn control_that_expires_is_none() {
    let (mut group, pens) = Replica::found(assembly(3), 3);
    let leave = group.draft(&mut pens[&2].copy(), Body::Leave);
    let fields = |expiry_day| Fields {
        expiry_day,
        ..leave.fields().clone()
    };
    let key = &pens[&2].key;
    assert_eq!(
        Operation::sign(fields(20_000), key),
        Err(OperationError::BadField(5))
    );
    assert!(Operation::sign(fields(u32::MAX), key).is_ok());
    // Nor by whoever signs what they like.
    let mut signed = leave.as_bytes()[64..].to_vec();
    let last = [5, 0x1a, 0xff, 0xff, 0xff, 0xff];
    let place = signed.windows(6).position(|it| it == last).unwrap();
    signed[place + 2..place + 6].copy_from_slice(&1_000_000_u32.to_be_bytes());
    let mut bytes = key.sign_operation(&signed).to_vec();
    bytes.extend(signed);
    assert_eq!(Operation::decode(&bytes), Err(OperationError::BadField(5)));
}

#[test]
fn no_operation_is_longer_than_its_kind() {
    let (mut group, pens) = Replica::found(assembly(3), 3);
    let mut pen = pens[&2].copy();
    let seed = Body::Seed {
        commit: [1; 32],
        member_root: [2; 32],
    };
    for (body, longest) in [(Body::Leave, 8_000), (seed, 8_000), (text("hello"), 40_000)] {
        let one = group.draft(&mut pen, body);
        assert!(padded(&pen, &one, longest - 1_000).is_ok());
        let long = padded(&pen, &one, longest + 9_000);
        assert!(matches!(long, Err(OperationError::TooLong(_))), "{longest}");
    }
    // What it names does not count: as many as act at once.
    let context = (0..500_u16).map(|n| {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        OperationId(id)
    });
    let space = Some(group.collective.space());
    let wide = pen.write(space, context.collect(), group.time, Body::Leave);
    assert!(wide.as_bytes().len() > 16_000);
}
