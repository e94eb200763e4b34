//! That one more operation costs what it changes: counted, not timed.

use std::collections::BTreeMap;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::collective::{Body, Choice, Share, Subject};

#[test]
fn what_changes_no_membership_looks_at_no_history() {
    let mut constitution = assembly(3);
    constitution.vouches = Share::count(1);
    let (mut group, mut pens) = Replica::found(constitution, 3);
    let mut voucher = 1;
    for newcomer in 4..120 {
        let before = group.collective.work();
        group.admit(&mut pens, newcomer, &[voucher]);
        voucher = newcomer;
        let work = group.collective.work();
        // A proposal, a vouch, an Accept: one effect, however many there were.
        assert_eq!(work.resolved, before.resolved);
        assert_eq!(work.effects, before.effects + 1);
    }
    let before = group.collective.work();
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(3));
    for voter in (1..120).filter(|voter| *voter != 3) {
        group.vote(pens.get_mut(&voter).unwrap(), proposal, true);
    }
    let post = group.draft(pens.get_mut(&5).unwrap(), text("hello"));
    group.collective.verdict(&post);
    assert_eq!(group.collective.work(), before);
    // A removal may undo anything since the last checkpoint: it looks at every change since, a few times.
    group.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    let work = group.collective.work();
    assert_eq!(work.resolved, before.resolved + 1);
    assert!(work.effects - before.effects <= 118 * 5);

    // Behind a final checkpoint it no longer does.
    let checkpoint = group.collective.next_checkpoint(who(1), u64::MAX).unwrap();
    for signer in (1..120).filter(|signer| *signer != 3) {
        group.does(
            pens.get_mut(&signer).unwrap(),
            Body::Checkpoint(checkpoint.clone()),
        );
    }
    assert!(group.collective.finality().newest.is_some());
    let proposal = group.propose(pens.get_mut(&1).unwrap(), remove(4));
    for voter in (1..120).filter(|voter| ![3, 4].contains(voter)) {
        group.vote(pens.get_mut(&voter).unwrap(), proposal, true);
    }
    let before = group.collective.work();
    group.does(pens.get_mut(&1).unwrap(), Body::Enact { proposal });
    let work = group.collective.work();
    assert!(
        work.effects - before.effects <= 5,
        "{}",
        work.effects - before.effects
    );
    assert!(!group.has(4));
}

/// As large as it may be: signatures are made, and read back unchecked as from the own vault.
#[test]
fn five_hundred_members_and_ten_thousand_operations() {
    let mut constitution = assembly(1);
    constitution.vouches = Share::count(1);
    let (mut group, mut founders) = Replica::found(constitution, 1);
    let mut pens: Vec<Pen> = vec![founders.remove(&1).unwrap()];
    for n in 1..500_u16 {
        let [high, low] = n.to_be_bytes();
        let mut pen = Pen::named([9, high, low]);
        let person = pen.person;
        let voucher = &mut pens[usize::from(n) / 20];
        let name = "Bo".to_owned();
        let proposal = group.propose(voucher, Subject::Admit { person, name });
        group.does(voucher, vouch(proposal));
        let body = accept(proposal, &pen);
        group.does(&mut pen, body);
        pens.push(pen);
    }
    let grown = group.collective.work();
    assert_eq!((group.collective.active(), grown.resolved), (500, 1));
    let mut proposals = BTreeMap::new();
    for round in 0..17 {
        let question = format!("{round}?");
        let options = vec!["yes".to_owned(), "no".to_owned()];
        let decide = Subject::Decide { question, options };
        let proposal = group.propose(&mut pens[round * 7], decide);
        proposals.insert(round, proposal);
        for pen in &mut pens {
            let choice = Choice::Option(0);
            group.does(pen, Body::Ballot { proposal, choice });
        }
    }
    assert!(group.log.len() > 10_000);
    assert_eq!(
        group.collective.work(),
        grown,
        "no ballot looks at who belongs"
    );
    let standing = group.standing(proposals[&3]);
    assert_eq!(standing.options[0].len(), 500);
}
