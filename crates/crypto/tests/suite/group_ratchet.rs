//! Ratchets and kept states of group keys.

use komrade_crypto::{
    DecodeError,
    group::{
        ContentError, LastingKeys, LeafRing, MAX_GAP, MAX_MESSAGE_BYTES, MAX_RECEIVING_BYTES,
        MAX_REOPEN, MAX_SKIPPED, Receiving, SENDING_BYTES, Seed, Sending, source,
    },
};
use rand_chacha::ChaCha20Rng;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    group::{Device, SPACE, hear, root},
    rng,
};

fn pair(rng: &mut ChaCha20Rng) -> (Seed, Sending, Receiving) {
    let device = Device::new(1, rng);
    let seed = Seed::draw(SPACE, root([&device]), rng);
    let sending = seed.sending(device.id()).unwrap();
    let receiving = seed.receiving(device.id()).unwrap();
    (seed, sending, receiving)
}

#[test]
fn messages_open_once_in_any_order_and_across_restarts() {
    let rng = &mut rng(1);
    let (_, mut sending, mut receiving) = pair(rng);
    let sealed: Vec<_> = (0..6u8)
        .map(|number| {
            let sealed = sending.seal(&[number], rng).unwrap();
            sending = Sending::from_bytes(&sending.to_bytes()).unwrap();
            sealed
        })
        .collect();
    assert_eq!(sending.to_bytes().len(), SENDING_BYTES);
    for number in [0u8, 4, 2, 3, 5, 1] {
        let text = &sealed[usize::from(number)];
        assert_eq!(source(text).unwrap().place, u32::from(number));
        assert_eq!(hear(&mut receiving, text).unwrap(), [number]);
        receiving = Receiving::from_bytes(&receiving.to_bytes()).unwrap();
        assert_eq!(hear(&mut receiving, text), Err(ContentError::KeyGone));
    }
}

#[test]
fn a_message_at_a_place_that_is_taken_still_opens_from_the_seed() {
    let rng = &mut rng(1);
    let (seed, mut sending, mut receiving) = pair(rng);
    sending.seal(b"0", rng).unwrap();
    let mut copy = sending.clone();
    let (one, other) = (sending.seal(b"one", rng), copy.seal(b"other", rng));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(source(&one), source(&other));
    assert_eq!(hear(&mut receiving, &one).unwrap(), b"one");
    assert_eq!(hear(&mut receiving, &other), Err(ContentError::KeyGone));
    assert_eq!(seed.reopen(&other).unwrap().as_slice(), b"other");
    assert_eq!(seed.reopen(&one).unwrap().as_slice(), b"one");
}

#[test]
fn skipped_places_are_bounded_and_the_newest_are_kept() {
    let rng = &mut rng(1);
    let (seed, mut sending, mut receiving) = pair(rng);
    let far = usize::try_from(MAX_GAP).unwrap();
    let sealed: Vec<_> = (0..far + 3)
        .map(|_| sending.seal(b"", rng).unwrap())
        .collect();
    assert_eq!(
        hear(&mut receiving, &sealed[far + 1]),
        Err(ContentError::TooFarAhead)
    );
    assert!(hear(&mut receiving, &sealed[far]).is_ok());
    assert_eq!(receiving.to_bytes().len(), MAX_RECEIVING_BYTES);
    assert_eq!(
        hear(&mut receiving, &sealed[far - MAX_SKIPPED - 1]),
        Err(ContentError::KeyGone)
    );
    assert!(hear(&mut receiving, &sealed[far - MAX_SKIPPED]).is_ok());
    assert!(hear(&mut receiving, &sealed[far + 2]).is_ok());
    assert_eq!(receiving.to_bytes().len(), MAX_RECEIVING_BYTES);
    assert!(hear(&mut receiving, &sealed[far - 1]).is_ok());
    assert!(seed.reopen(&sealed[3]).is_ok());
}

#[test]
fn a_ratchet_that_is_read_from_the_seed_is_wound_once() {
    let rng = &mut rng(1);
    let (seed, mut sending, _) = pair(rng);
    let device = source(&sending.clone().seal(b"", rng).unwrap())
        .unwrap()
        .device;
    let mut rewinding = seed.rewinding(&device).unwrap();
    let sealed: Vec<_> = (0..600)
        .map(|place: u32| sending.seal(&place.to_be_bytes(), rng).unwrap())
        .collect();
    for place in [599, 0, 255, 256, 257, 511, 512, 599] {
        let opened = rewinding.open(&sealed[place]).unwrap();
        assert_eq!(opened, seed.reopen(&sealed[place]).unwrap(), "{place}");
        assert_eq!(rewinding.kept(), 3, "the first one wound so far");
    }
    // What lies about its place winds it once, and no further.
    let mut lie = sealed[0].clone();
    for place in [MAX_REOPEN, MAX_REOPEN - 1, MAX_REOPEN] {
        lie[66..70].copy_from_slice(&place.to_be_bytes());
        assert_eq!(rewinding.open(&lie), Err(ContentError::DoesNotOpen));
        assert_eq!(rewinding.kept(), 40);
    }
    lie[66..70].copy_from_slice(&(MAX_REOPEN + 1).to_be_bytes());
    assert_eq!(rewinding.open(&lie), Err(ContentError::TooFarAhead));
    let mut other = seed.rewinding(&[9; 32]).unwrap();
    assert_eq!(other.open(&sealed[0]), Err(ContentError::Foreign));
}

#[test]
fn a_ratchet_is_not_wound_endlessly() {
    let rng = &mut rng(1);
    let (seed, mut sending, receiving) = pair(rng);
    let mut sealed = sending.seal(b"text", rng).unwrap();
    for (place, reopened, opened) in [
        (
            MAX_REOPEN,
            ContentError::DoesNotOpen,
            ContentError::TooFarAhead,
        ),
        (
            MAX_REOPEN + 1,
            ContentError::TooFarAhead,
            ContentError::TooFarAhead,
        ),
        (
            MAX_GAP,
            ContentError::DoesNotOpen,
            ContentError::DoesNotOpen,
        ),
        (
            u32::MAX - 1,
            ContentError::TooFarAhead,
            ContentError::TooFarAhead,
        ),
    ] {
        sealed[66..70].copy_from_slice(&place.to_be_bytes());
        assert_eq!(seed.reopen(&sealed), Err(reopened));
        assert_eq!(receiving.open(&sealed).err(), Some(opened));
    }
    sealed[66..70].fill(255);
    let malformed = ContentError::Malformed(DecodeError::OutOfBounds);
    assert_eq!(receiving.open(&sealed).err(), Some(malformed));
    // The last place of all is used, and then nothing.
    let mut last = sending.to_bytes();
    last[99..103].copy_from_slice(&(u32::MAX - 1).to_be_bytes());
    let mut last = Sending::from_bytes(&last).unwrap();
    assert!(last.seal(b"", rng).is_ok());
    assert_eq!(last.seal(b"", rng), Err(ContentError::Exhausted));
    let too_long = sending.seal(&vec![0; MAX_MESSAGE_BYTES + 1], rng);
    assert_eq!(too_long, Err(ContentError::TooLong));
    let longest = sending.seal(&vec![0; MAX_MESSAGE_BYTES], rng).unwrap();
    assert!(receiving.open(&longest).is_ok());
    let longer = [longest.as_slice(), &[0]].concat();
    let malformed = ContentError::Malformed(DecodeError::TrailingBytes);
    assert_eq!(receiving.open(&longer).err(), Some(malformed));
}

#[test]
fn states_survive_their_bytes_and_nothing_else_passes_for_one() {
    let rng = &mut rng(1);
    let (seed, mut sending, mut receiving) = pair(rng);
    sending.seal(b"", rng).unwrap();
    let sealed = sending.seal(b"", rng).unwrap();
    hear(&mut receiving, &sealed).unwrap();
    assert_eq!(Seed::from_bytes(&seed.to_bytes()), Ok(seed.clone()));
    let (lasting, bytes) = (seed.lasting(), seed.lasting().to_bytes());
    let again = LastingKeys::from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!((again.commit(), again.space()), (seed.commit(), &SPACE));
    let nonce = [1; 12];
    let hint = lasting.detection().hint(&nonce);
    assert!(again.detection().matches(&nonce, &hint));
    assert_eq!(lasting.outer(), again.outer());
    let states = [
        seed.to_bytes(),
        bytes,
        sending.to_bytes(),
        receiving.to_bytes(),
        Device::new(1, rng).leaves.to_bytes(),
    ];
    let refused = |bytes: &[u8]| {
        Seed::from_bytes(bytes).is_err()
            && LastingKeys::from_bytes(bytes).is_err()
            && Sending::from_bytes(bytes).is_err()
            && Receiving::from_bytes(bytes).is_err()
            && LeafRing::from_bytes(bytes).is_err()
    };
    for state in states {
        assert!(refused(&state[..state.len() - 1]));
        assert!(refused(&[&state[..], &[0]].concat()));
        let mut newer = state.clone();
        newer[0] = 2;
        assert!(refused(&newer));
        newer[..2].copy_from_slice(&[1, 2]);
        assert!(refused(&newer), "another suite");
    }
    let mut unsure = seed.to_bytes();
    *unsure.last_mut().unwrap() = 2;
    assert_eq!(Seed::from_bytes(&unsure), Err(DecodeError::OutOfBounds));
    // Skipped places stand in order, and before the ratchet's own.
    let mut wrong = receiving.to_bytes();
    wrong[137..141].copy_from_slice(&9u32.to_be_bytes());
    assert_eq!(
        Receiving::from_bytes(&wrong).err(),
        Some(DecodeError::OutOfBounds)
    );
}
