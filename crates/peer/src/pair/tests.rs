#![allow(clippy::unwrap_used)]

use komrade_crypto::{identity::PersonId, kem::PrekeyRing, pairwise::Account};
use komrade_social::Range;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::packet::OuterOffer;

const ANA: Party = Party {
    person: PersonId([1; 32]),
    device: [2; 32],
};
const BO: Party = Party {
    person: PersonId([3; 32]),
    device: [4; 32],
};

/// The number of the key under which `to` finds what `from` would send now.
fn number(from: &Pair, to: &Pair) -> Option<u64> {
    let (_, detection) = from.send_key()?;
    to.find(&[9; 12], &detection.hint(&[9; 12]))
        .map(|found| found.number)
}

fn two(rng: &mut ChaCha20Rng) -> (Pair, Pair, ContactSecret) {
    let secret = ContactSecret::draw(rng);
    let (mut ana, mut bo) = (Pair::default(), Pair::default());
    ana.add_contact(&secret, &ANA, &BO, true, 0);
    bo.add_contact(&secret, &BO, &ANA, false, 0);
    (ana, bo, secret)
}

#[test]
fn outer_keys_follow_one_another_and_old_ones_go() {
    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let (mut ana, mut bo, secret) = two(rng);
    let mut prekeys = PrekeyRing::new();
    prekeys.rotate(10, rng);
    let (_, prekey) = prekeys.newest().unwrap();
    for expected in 1..6 {
        let found = Found {
            rank: secret.rank(),
            number: expected - 1,
        };
        assert_eq!(number(&ana, &bo), Some(expected - 1));
        let send = ana.send.as_ref().unwrap();
        let (key, encapsulation) = send.record.key.change(&prekey.public(), rng).unwrap();
        let offer = OuterOffer {
            number: expected,
            week: 10,
            encapsulation: encapsulation.to_vec(),
        };
        let next = KeyRecord {
            rank: secret.rank(),
            number: expected,
            key,
            since: 0,
        };
        let encapsulation = offer.encapsulation.clone();
        ana.offer = Some(OfferRecord {
            next,
            week: 10,
            encapsulation,
        });
        assert!(bo.follow(found, &offer, &prekeys, 0));
        assert!(
            !bo.follow(found, &offer, &prekeys, 0),
            "an offer is followed once"
        );
        // Until Bo is known to have it, the old one is used; then the new one, and the old one
        // still opens.
        assert_eq!(number(&ana, &bo), Some(expected - 1));
        let (chain, newest) = bo.newest_received().unwrap();
        assert_eq!(newest, expected);
        ana.outer_told(chain, expected - 1, 0);
        assert_eq!(number(&ana, &bo), Some(expected - 1));
        ana.outer_told([0xff; 8], expected, 0);
        assert_eq!(
            number(&ana, &bo),
            Some(expected - 1),
            "that is another chain"
        );
        ana.outer_told(chain, expected, 0);
        assert_eq!(number(&ana, &bo), Some(expected));
        bo.settle_keys(Found {
            rank: secret.rank(),
            number: expected,
        });
        assert!(bo.receive_key(found).is_some());
        assert!(bo.receive.len() <= 2);
    }
    for gone in 0..4 {
        let found = Found {
            rank: secret.rank(),
            number: gone,
        };
        assert!(bo.receive_key(found).is_none());
    }
}

#[test]
fn two_contacts_at_once_receive_on_both_and_send_on_the_lower() {
    let rng = &mut ChaCha20Rng::seed_from_u64(2);
    let (mut ana, mut bo, one) = two(rng);
    let other = ContactSecret::draw(rng);
    bo.add_contact(&other, &BO, &ANA, true, 0);
    ana.add_contact(&other, &ANA, &BO, false, 0);
    let lower = one.rank().min(other.rank());
    for (pair, peer) in [(&ana, &bo), (&bo, &ana)] {
        assert_eq!(pair.sending().unwrap().rank, lower);
        let (_, detection) = pair.send_key().unwrap();
        let found = peer.find(&[1; 12], &detection.hint(&[1; 12])).unwrap();
        assert_eq!(found.rank, lower);
    }
    assert_eq!(ana.receive.len(), 2);
}

#[test]
fn a_fifth_session_takes_the_place_of_the_oldest_and_a_worn_one_is_noticed() {
    let rng = &mut ChaCha20Rng::seed_from_u64(3);
    let (mut ana, _, secret) = two(rng);
    let (account, mut other) = (Account::new(), Account::new());
    let prekey = other.fallback_key(10).unwrap();
    let mut ids = Vec::new();
    for _ in 0..6 {
        let session = account.start(&other.identity(), &prekey).unwrap();
        ids.push(session.id());
        ana.add_session(session, secret.rank(), 0);
    }
    let kept: Vec<bool> = ids.iter().map(|id| ana.has_session(id)).collect();
    assert_eq!(kept, [false, false, true, true, true, true]);
    for _ in 0..limits::UNANSWERED {
        assert!(!ana.is_session_worn(0));
        ana.encrypt(b"hello").unwrap();
    }
    assert!(ana.is_session_worn(0));
}

#[test]
fn a_session_from_before_a_move_is_worn_however_lately_it_was_heard() {
    let rng = &mut ChaCha20Rng::seed_from_u64(3);
    let (mut ana, _, secret) = two(rng);
    let (account, mut other) = (Account::new(), Account::new());
    let prekey = other.fallback_key(10).unwrap();
    let add = |ana: &mut Pair, moves| {
        let session = account.start(&other.identity(), &prekey).unwrap();
        ana.add_session(session, secret.rank(), moves);
    };
    add(&mut ana, 0);
    assert!(!ana.is_session_worn(0) && ana.is_session_worn(1));
    add(&mut ana, 1);
    assert!(!ana.is_session_worn(1));
    // Something is heard in the old one.
    ana.sessions[0].order = 100;
    assert!(!ana.is_session_worn(1));
    let mut again = Pair::decode(&ana.encode()).unwrap();
    assert!(!again.is_session_worn(1) && again.is_session_worn(2));
}

#[test]
fn the_record_comes_back() {
    let rng = &mut ChaCha20Rng::seed_from_u64(4);
    let (mut ana, bo, _) = two(rng);
    ana.note_seen(&EnvelopeId([7; 32]));
    ana.sequence = 9;
    let again = Pair::decode(&ana.encode()).unwrap();
    assert_eq!(again.sequence, 9);
    assert!(again.has_seen(&EnvelopeId([7; 32])) && !again.has_seen(&EnvelopeId([8; 32])));
    assert!(again.is_unanswered());
    assert_eq!(number(&again, &bo), Some(0));
    assert!(Pair::decode(&ana.encode()[1..]).is_err());
}

/// What they say who have these operations, named from a number on.
fn acknowledgement(up_to: u64, named_from: u64, tags: &[u8]) -> Acknowledgement {
    Acknowledgement {
        up_to,
        named_from,
        tags: tags.iter().map(|tag| Tag([*tag; 8])).collect(),
        ..Acknowledgement::default()
    }
}

#[test]
fn an_acknowledgement_by_number_is_believed_until_it_names_another_operation() {
    let mut pair = Pair {
        sequence: 9,
        ..Pair::default()
    };
    let kept = || (5..=9).map(|n| (n, Tag([n as u8; 8])));
    let reached = |pair: &Pair| {
        kept()
            .map(|(n, tag)| pair.has_reached(n, Some(tag)))
            .collect::<Vec<_>>()
    };
    assert!(!pair.note_acknowledged(&acknowledgement(7, 7, &[7]), kept()));
    assert_eq!(reached(&pair), [true, true, true, false, false]);
    assert_eq!(pair.copied_up_to, 0);
    // Number 8 is another one.
    assert!(pair.note_acknowledged(&acknowledgement(8, 7, &[7, 88]), kept()));
    assert_eq!(reached(&pair), [false, false, true, false, false]);
    assert_eq!((pair.copied_up_to, pair.next_number().0), (8, 10));
    // It says so once.
    assert!(!pair.note_acknowledged(&acknowledgement(8, 7, &[7, 88]), kept()));
    let all = acknowledgement(9, 5, &[5, 6, 7, 8, 88, 9]);
    assert!(!pair.note_acknowledged(&all, kept()));
    assert_eq!(reached(&pair), [true; 5]);
    assert!(pair.has_reached(8, None), "a version that kept no tags");
}

#[test]
fn whoever_was_set_back_goes_on_after_the_numbers_that_were_used() {
    let mut pair = Pair::default();
    assert_eq!(pair.next_number(), (1, None));
    assert!(pair.note_acknowledged(&acknowledgement(8, 8, &[8]), std::iter::empty()));
    assert_eq!(pair.next_number(), (9, Some(OperationId([0; 32]))));
    assert!(!pair.has_reached(8, Some(Tag([1; 8]))));
    assert!(!pair.has_reached(3, Some(Tag([1; 8]))), "it is not named");
    let again = Pair::decode(&pair.encode()).unwrap();
    assert_eq!(again.copied_up_to, 8);
    // They say themselves up to where numbers were used twice.
    pair.sequence = 20;
    let told = Acknowledgement {
        copied_up_to: 12,
        ..acknowledgement(20, 20, &[20])
    };
    assert!(pair.note_acknowledged(&told, std::iter::empty()));
    assert_eq!(pair.copied_up_to, 12);
}

#[test]
fn one_number_of_a_copy_right_before_a_gap_is_enough_to_doubt_what_lies_before_it() {
    let mut pair = Pair {
        sequence: 9,
        ..Pair::default()
    };
    let kept = || (1..=9).map(|n| (n, Tag([n as u8; 8])));
    let told = Acknowledgement {
        beyond: vec![Range { first: 6, last: 9 }],
        wanted: vec![Range { first: 5, last: 5 }],
        ..acknowledgement(4, 8, &[8, 9, 44])
    };
    assert!(pair.note_acknowledged(&told, kept()));
    let reached = kept().filter(|(n, tag)| pair.has_reached(*n, Some(*tag)));
    assert_eq!(reached.map(|(n, _)| n).collect::<Vec<_>>(), [8, 9]);
}

#[test]
fn a_comrade_who_speaks_of_numbers_that_nobody_comes_to_leaves_numbers() {
    let mut pair = Pair::default();
    for said in [(u64::MAX, 0), (3, u64::MAX)] {
        let told = Acknowledgement {
            copied_up_to: said.1,
            ..acknowledgement(said.0, said.0, &[8])
        };
        assert!(pair.note_acknowledged(&told, std::iter::empty()));
        assert!(pair.sequence <= limits::MOST_BY_A_COPY);
        assert!(pair.copied_up_to <= 2 * limits::MOST_BY_A_COPY);
    }
}

#[test]
fn only_so_many_envelopes_are_remembered() {
    let mut pair = Pair::default();
    for n in 0..=limits::MAX_SEEN {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        pair.note_seen(&EnvelopeId(id));
    }
    assert_eq!(pair.seen.len(), limits::MAX_SEEN);
    assert!(!pair.has_seen(&EnvelopeId([0; 32])));
}
