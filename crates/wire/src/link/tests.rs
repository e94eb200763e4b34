#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

// Their pipes are tokio's.
#[cfg(not(target_arch = "wasm32"))]
mod streams;

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::*;

const HINT: [u8; 20] = [0x11; 20];
const KEY: [u8; 32] = [0x22; 32];

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn started() -> (Initiator, [u8; HANDSHAKE_BYTES], Vec<u8>) {
    let (initiator, bytes) = Initiator::comrade(HINT, &KEY, &mut rng(1)).unwrap();
    (initiator, *bytes.last_chunk().unwrap(), bytes)
}

fn comrades() -> (Transport, Transport) {
    let (initiator, message, _) = started();
    let (responder, reply) = Responder::comrade(HINT, &KEY, &message, &mut rng(2)).unwrap();
    let (here, confirmation) = initiator.finish(&reply).unwrap();
    (
        here,
        responder
            .confirm(&confirmation.try_into().unwrap())
            .unwrap(),
    )
}

/// Everything that comes of `bytes`.
fn open(opener: &mut Opener, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, LinkError> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (taken, frame) = opener.push(bytes)?;
        frames.extend(frame);
        bytes = &bytes[taken..];
    }
    Ok(frames)
}

#[test]
fn comrades_exchange_frames_both_ways() {
    let (mut here, mut there) = comrades();
    for length in [1, 65_518, 65_519, 65_520, MAX_LINK_FRAME] {
        let frame: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let sealed = here.sealer.seal(&frame).unwrap();
        assert_eq!(open(&mut there.opener, &sealed), Ok(vec![frame.clone()]));
        assert!(there.opener.between_frames());
        let sealed = there.sealer.seal(&frame).unwrap();
        assert_eq!(open(&mut here.opener, &sealed), Ok(vec![frame]));
    }
}

#[test]
fn a_relays_node_is_reached_under_its_public_key_only() {
    let private = [0x33; 32];
    let public = PublicKey::from(&StaticSecret::from(private)).to_bytes();
    let (initiator, bytes) = Initiator::node(&public, &mut rng(1)).unwrap();
    assert_eq!(Preamble::decode(&bytes[..2]), Ok(Preamble::Node));
    let message = bytes[2..].try_into().unwrap();
    let (responder, reply) = Responder::node(&private, &message, &mut rng(2)).unwrap();
    let (mut here, confirmation) = initiator.finish(&reply).unwrap();
    let mut there = responder
        .confirm(&confirmation.try_into().unwrap())
        .unwrap();
    let sealed = here.sealer.seal(b"put").unwrap();
    assert_eq!(open(&mut there.opener, &sealed), Ok(vec![b"put".to_vec()]));

    let other = Responder::node(&[0x34; 32], &message, &mut rng(2));
    assert_eq!(other.map(|_| ()), Err(LinkError::WrongKey));
}

/// That our primitives are Noise's: vectors that nobody here wrote.
#[test]
fn the_patterns_give_what_others_give() {
    let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).unwrap();
    let key = |hex: &str| -> [u8; 32] { bytes(hex).try_into().unwrap() };
    for vector in vectors::VECTORS {
        let prologue = bytes(vectors::PROLOGUE);
        let psk = vector.psk.map(key);
        let node = vector.node.map(|keys| keys.map(key));
        let builder = |side: usize| {
            let ephemeral = Zeroizing::new(key(vectors::EPHEMERALS[side]));
            let resolver = Box::new(resolver::Resolver { ephemeral });
            let mut builder = snow::Builder::with_resolver(vector.name.parse().unwrap(), resolver)
                .prologue(&prologue)
                .unwrap();
            if let Some(psk) = &psk {
                builder = builder.psk(0, psk).unwrap();
            }
            builder
        };
        let (mut here, mut there) = (builder(0), builder(1));
        if let Some([private, public]) = &node {
            here = here.remote_public_key(public).unwrap();
            there = there.local_private_key(private).unwrap();
        }
        let mut here = here.build_initiator().unwrap();
        let mut there = there.build_responder().unwrap();
        let mut out = [0; 200];
        for (number, [payload, ciphertext]) in vector.messages[..2].iter().enumerate() {
            let (from, to) = if number == 0 {
                (&mut here, &mut there)
            } else {
                (&mut there, &mut here)
            };
            let length = from.write_message(&bytes(payload), &mut out).unwrap();
            assert_eq!(HEXLOWER.encode(&out[..length]), *ciphertext);
            to.read_message(&bytes(ciphertext), &mut out).unwrap();
        }
        let mut here = here.into_transport_mode().unwrap();
        let mut there = there.into_transport_mode().unwrap();
        for (number, [payload, ciphertext]) in vector.messages[2..].iter().enumerate() {
            let from = if number % 2 == 0 {
                &mut here
            } else {
                &mut there
            };
            let length = from.write_message(&bytes(payload), &mut out).unwrap();
            assert_eq!(HEXLOWER.encode(&out[..length]), *ciphertext);
        }
    }
}

/// Frozen: what these keys and this randomness must always give.
#[test]
fn known_answers() {
    let (initiator, message, bytes) = started();
    let (responder, reply) = Responder::comrade(HINT, &KEY, &message, &mut rng(2)).unwrap();
    let (mut here, confirmation) = initiator.finish(&reply).unwrap();
    let mut there = responder
        .confirm(&confirmation.clone().try_into().unwrap())
        .unwrap();
    let spoken = [
        bytes,
        reply.to_vec(),
        confirmation,
        here.sealer.seal(b"from each according to").unwrap(),
        there.sealer.seal(b"to each according to").unwrap(),
    ];
    let spoken: Vec<_> = spoken.iter().map(|bytes| HEXLOWER.encode(bytes)).collect();
    assert_eq!(spoken, include!("known_answers.in"));
}

#[test]
fn preambles_are_frozen_and_bad_ones_named() {
    let comrade = Preamble::Comrade(HINT).encode();
    assert_eq!(
        HEXLOWER.encode(&comrade),
        format!("0101{}", "11".repeat(20))
    );
    assert_eq!(HEXLOWER.encode(&Preamble::Node.encode()), "0102");
    assert_eq!(Preamble::decode(&comrade), Ok(Preamble::Comrade(HINT)));
    assert_eq!(Preamble::decode(&[2, 1]), Err(LinkError::Version(2)));
    assert_eq!(Preamble::decode(&[1, 9]), Err(LinkError::Pattern(9)));
    assert_eq!(Preamble::decode(&[1]), Err(LinkError::Truncated));
    assert_eq!(Preamble::decode(&comrade[..21]), Err(LinkError::Truncated));
    assert_eq!(
        Preamble::decode(&[comrade, vec![0]].concat()),
        Err(LinkError::Malformed)
    );
    assert_eq!(Preamble::decode(&[1, 2, 0]), Err(LinkError::Malformed));
    // Found by the fuzzer: as long as a comrade's, and a node's all the same.
    let node_with_hint = [&[1, 2][..], &HINT].concat();
    assert_eq!(Preamble::decode(&node_with_hint), Err(LinkError::Malformed));
}

#[test]
fn a_wrong_key_or_hint_is_refused_on_both_sides() {
    let (initiator, message, _) = started();
    let wrong_key = Responder::comrade(HINT, &[0x23; 32], &message, &mut rng(2));
    assert_eq!(wrong_key.map(|_| ()), Err(LinkError::WrongKey));
    let wrong_hint = Responder::comrade([0x12; 20], &KEY, &message, &mut rng(2));
    assert_eq!(
        wrong_hint.map(|_| ()),
        Err(LinkError::WrongKey),
        "the prologue binds the preamble"
    );

    let (_, mut reply) = Responder::comrade(HINT, &KEY, &message, &mut rng(2)).unwrap();
    reply[40] ^= 1;
    assert_eq!(
        initiator.finish(&reply).map(|_| ()),
        Err(LinkError::WrongKey)
    );
}

#[test]
fn public_keys_of_small_order_are_refused() {
    // Zero, one, the two points of order eight, and p - 1, p, p + 1 (RFC 7748, section 6.1, asks for the check; the
    // list is that of "May the Fourth", cr.yp.to/ecdh.html).
    let weak = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for key in weak {
        let key = HEXLOWER.decode(key.as_bytes()).unwrap();
        let (initiator, _, _) = started();
        let mut reply = [0; HANDSHAKE_BYTES];
        reply[..32].copy_from_slice(&key);
        assert_eq!(
            initiator.finish(&reply).map(|_| ()),
            Err(LinkError::WeakKey)
        );
        let node = Initiator::node(&key.try_into().unwrap(), &mut rng(1));
        assert_eq!(node.map(|_| ()), Err(LinkError::WeakKey));
    }
}

#[test]
fn a_recorded_first_message_brings_no_link_up() {
    let (initiator, message, _) = started();
    let (_, reply) = Responder::comrade(HINT, &KEY, &message, &mut rng(2)).unwrap();
    let (_, confirmation) = initiator.finish(&reply).unwrap();
    let confirmation: [u8; Responder::CONFIRMATION_BYTES] = confirmation.try_into().unwrap();

    let (again, _) = Responder::comrade(HINT, &KEY, &message, &mut rng(3)).unwrap();
    assert_eq!(
        again.confirm(&confirmation).map(|_| ()),
        Err(LinkError::Unconfirmed)
    );
}

#[test]
fn changed_replayed_reordered_and_impossible_bytes_are_told_apart() {
    let (mut here, _) = comrades();
    let [first, second, third] = [1, 2, 3].map(|n| here.sealer.seal(&[n; 100]).unwrap());
    let after_first = || {
        let (_, mut there) = comrades();
        assert_eq!(open(&mut there.opener, &first), Ok(vec![vec![1; 100]]));
        there.opener
    };
    assert_eq!(open(&mut after_first(), &second), Ok(vec![vec![2; 100]]));
    assert_eq!(open(&mut after_first(), &first), Err(LinkError::Replayed));
    assert_eq!(open(&mut after_first(), &third), Err(LinkError::Reordered));
    for place in 2..second.len() {
        let mut changed = second.clone();
        changed[place] ^= 0x80;
        assert_eq!(open(&mut after_first(), &changed), Err(LinkError::Tampered));
    }
    assert_eq!(
        open(&mut after_first(), &[0, 16]),
        Err(LinkError::Malformed),
        "an empty message"
    );
    let own = comrades().1.sealer.seal(&[1; 100]).unwrap();
    assert_eq!(
        open(&mut after_first(), &own),
        Err(LinkError::Tampered),
        "sent back"
    );
    let mut opener = after_first();
    assert_eq!(open(&mut opener, &second[..second.len() - 1]), Ok(vec![]));
    assert!(!opener.between_frames(), "cut off");
}

#[test]
fn frames_are_bounded_on_both_sides() {
    let (mut here, mut there) = comrades();
    assert_eq!(here.sealer.seal(&[]), Err(LinkError::Malformed));
    assert_eq!(
        here.sealer.seal(&vec![0; MAX_LINK_FRAME + 1]),
        Err(LinkError::TooLong)
    );
    // Whoever goes on and on with one frame is stopped.
    let endless = || std::iter::repeat_with(|| ());
    let stopped = endless().take(5).try_for_each(|()| {
        let more = here.sealer.piece_of_more(&vec![7; 60_000]);
        open(&mut there.opener, &more).map(|frames| assert!(frames.is_empty()))
    });
    assert_eq!(stopped, Err(LinkError::TooLong));
}

#[test]
fn a_link_ends_before_its_keys_are_used_up() {
    let (mut here, mut there) = comrades();
    here.sealer.skip_to(MAX_MESSAGES - 1);
    there.opener.skip_to(MAX_MESSAGES - 1);
    let last = here.sealer.seal(b"last").unwrap();
    assert_eq!(open(&mut there.opener, &last), Ok(vec![b"last".to_vec()]));
    assert_eq!(here.sealer.seal(b"one too many"), Err(LinkError::Exhausted));
    assert_eq!(open(&mut there.opener, &last), Err(LinkError::Exhausted));
}

#[test]
fn nothing_secret_is_printed() {
    let (here, _) = comrades();
    assert_eq!(
        format!("{here:?}"),
        "Transport { sealer: Sealer([redacted]), opener: Opener([redacted]) }"
    );
}

proptest! {
    #[test]
    fn any_frames_arrive_whatever_pieces_they_come_in(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3_000), 0..8),
        piece in 1_usize..5_000,
    ) {
        let (mut here, mut there) = comrades();
        let sealed: Vec<u8> = frames.iter().flat_map(|frame| here.sealer.seal(frame).unwrap()).collect();
        let mut arrived = Vec::new();
        for piece in sealed.chunks(piece) {
            arrived.extend(open(&mut there.opener, piece).unwrap());
        }
        prop_assert_eq!(arrived, frames);
    }
}
