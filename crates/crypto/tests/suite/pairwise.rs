//! Olm sessions.

use komrade_crypto::pairwise::{Account, MAX_KEYS, Message, PairwiseError, Session};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn over_the_wire(message: &Message) -> Message {
    Message::decode(&message.encode()).unwrap()
}

fn reopened(session: &Session) -> Session {
    Session::from_bytes(&session.to_bytes()).unwrap()
}

/// Both ends of a session in which one message went each way.
fn met() -> (Session, Session) {
    let (ana, mut bo) = (Account::new(), Account::new());
    let prekey = bo.fallback_key(1).unwrap();
    let mut to_bo = ana.start(&bo.identity(), &prekey).unwrap();
    let first = over_the_wire(&to_bo.encrypt(b"hello").unwrap());
    let mut to_ana = bo.receive(&ana.identity(), &first).unwrap().session;
    let answer = over_the_wire(&to_ana.encrypt(b"hi").unwrap());
    assert_eq!(to_bo.decrypt(&answer).unwrap().as_slice(), b"hi");
    (to_bo, to_ana)
}

#[test]
fn a_conversation_that_is_kept_and_reopened_at_every_step() {
    let (ana, mut bo) = (Account::new(), Account::new());
    let prekey = bo.fallback_key(1).unwrap();
    let mut bo = Account::from_bytes(&bo.to_bytes()).unwrap();
    let ana = Account::from_bytes(&ana.to_bytes()).unwrap();

    let mut to_bo = ana.start(&bo.identity(), &prekey).unwrap();
    let first = over_the_wire(&to_bo.encrypt(b"one").unwrap());
    let said = first.prekey().unwrap();
    assert_eq!((said.identity, said.prekey), (ana.identity(), prekey));
    assert_eq!((said.base, said.session), (to_bo.base_key(), to_bo.id()));
    let received = bo.receive(&ana.identity(), &first).unwrap();
    assert_eq!(received.plaintext.as_slice(), b"one");
    assert_eq!(received.session.id(), to_bo.id());

    let mut to_ana = reopened(&received.session);
    let mut to_bo = reopened(&to_bo);
    assert!(!to_bo.is_answered());
    let second = over_the_wire(&to_bo.encrypt(b"two").unwrap());
    assert!(
        second.prekey().is_some(),
        "a first message until the first answer"
    );
    assert_eq!(to_ana.decrypt(&second).unwrap().as_slice(), b"two");
    for turn in 0..6 {
        let (from, to) = if turn % 2 == 0 {
            (&mut to_ana, &mut to_bo)
        } else {
            (&mut to_bo, &mut to_ana)
        };
        let message = over_the_wire(&from.encrypt(&[turn; 40]).unwrap());
        assert!(message.prekey().is_none());
        assert_eq!(to.decrypt(&message).unwrap().as_slice(), [turn; 40]);
        to_ana = reopened(&to_ana);
        to_bo = reopened(&to_bo);
    }
}

#[test]
fn messages_open_in_any_order_once() {
    let (mut to_bo, mut to_ana) = met();
    let mut messages: Vec<_> = (0..40).map(|n: u8| to_bo.encrypt(&[n]).unwrap()).collect();
    messages.reverse();
    for (message, n) in messages.iter().zip((0..40).rev()) {
        assert_eq!(to_ana.decrypt(message).unwrap().as_slice(), [n]);
    }
    for message in &messages {
        assert_eq!(to_ana.decrypt(message), Err(PairwiseError::KeyGone));
    }
}

#[test]
fn a_gap_of_two_thousand_is_the_most() {
    let (mut to_bo, mut to_ana) = met();
    for _ in 0..2_100 {
        to_bo.encrypt(b"lost").unwrap();
    }
    let far = to_bo.encrypt(b"far").unwrap();
    assert_eq!(to_ana.decrypt(&far), Err(PairwiseError::TooFarAhead));
}

#[test]
fn a_changed_message_does_not_open_and_changes_nothing() {
    let (mut to_bo, mut to_ana) = met();
    let message = to_bo.encrypt(b"hello").unwrap();
    let bytes = message.encode();
    for place in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[place] ^= 1;
        if let Ok(wrong) = Message::decode(&wrong) {
            assert!(to_ana.decrypt(&wrong).is_err(), "byte {place}");
        }
    }
    assert_eq!(to_ana.decrypt(&message).unwrap().as_slice(), b"hello");
}

#[test]
fn a_one_time_key_serves_once_and_a_fallback_key_again() {
    let (ana, mut bo) = (Account::new(), Account::new());
    let once = bo.one_time_key(100).unwrap();
    let fallback = bo.fallback_key(1).unwrap();
    assert_eq!(bo.fallback_key(1).unwrap(), fallback, "one a week");
    let first = |prekey, bo: &Account| {
        ana.start(&bo.identity(), prekey)
            .unwrap()
            .encrypt(b"hello")
            .unwrap()
    };
    let [one, two] = [first(&once, &bo), first(&once, &bo)];
    assert!(bo.receive(&ana.identity(), &one).is_ok());
    assert!(!bo.forget(&once), "it is gone with its use");
    let second = bo.receive(&ana.identity(), &two);
    assert_eq!(second.unwrap_err(), PairwiseError::UnknownPrekey);
    let mut bo = Account::from_bytes(&bo.to_bytes()).unwrap();
    let replayed = bo.receive(&ana.identity(), &one);
    assert_eq!(replayed.unwrap_err(), PairwiseError::UnknownPrekey);
    for _ in 0..2 {
        let message = first(&fallback, &bo);
        assert!(bo.receive(&ana.identity(), &message).is_ok());
    }
}

#[test]
fn fallback_keys_of_the_last_weeks_all_serve_until_they_expire() {
    let (ana, mut bo) = (Account::new(), Account::new());
    let keys: Vec<_> = (100..106)
        .map(|week| bo.fallback_key(week).unwrap())
        .collect();
    let mut bo = Account::from_bytes(&bo.to_bytes()).unwrap();
    for key in &keys {
        let message = ana
            .start(&bo.identity(), key)
            .unwrap()
            .encrypt(b"hello")
            .unwrap();
        assert!(bo.receive(&ana.identity(), &message).is_ok());
    }
    assert!(!bo.forget_expired(101 * 7 + 29));
    assert!(
        bo.forget_expired(101 * 7 + 30),
        "week 100 ended thirty days ago"
    );
    let message = ana
        .start(&bo.identity(), &keys[0])
        .unwrap()
        .encrypt(b"hello")
        .unwrap();
    let late = bo.receive(&ana.identity(), &message);
    assert_eq!(late.unwrap_err(), PairwiseError::UnknownPrekey);
    assert!(bo.forget(&keys[1]) && !bo.forget(&keys[1]));
}

#[test]
fn prekeys_are_bounded() {
    let mut account = Account::new();
    for day in 0..u32::try_from(MAX_KEYS).unwrap() {
        account.one_time_key(day).unwrap();
    }
    assert_eq!(account.one_time_key(99), Err(PairwiseError::TooManyKeys));
    let bytes = account.to_bytes();
    assert!(
        bytes.len() <= komrade_crypto::pairwise::MAX_ACCOUNT_BYTES,
        "{}",
        bytes.len()
    );
    assert!(Account::from_bytes(&bytes).is_ok());
}

#[test]
fn a_session_stays_small_with_every_skipped_key_it_can_hold() {
    let (mut to_bo, mut to_ana) = met();
    for _ in 0..6 {
        let mut last = None;
        for _ in 0..50 {
            last = Some(to_bo.encrypt(b"skipped").unwrap());
        }
        to_ana.decrypt(&last.unwrap()).unwrap();
        let answer = to_ana.encrypt(b"turn").unwrap();
        to_bo.decrypt(&answer).unwrap();
    }
    let bytes = to_ana.to_bytes();
    assert!(
        bytes.len() <= komrade_crypto::pairwise::MAX_SESSION_BYTES,
        "{}",
        bytes.len()
    );
    assert!(Session::from_bytes(&bytes).is_ok());
}

#[test]
fn somebody_elses_first_message_is_refused() {
    let (ana, eve, mut bo) = (Account::new(), Account::new(), Account::new());
    let prekey = bo.fallback_key(1).unwrap();
    let message = eve
        .start(&bo.identity(), &prekey)
        .unwrap()
        .encrypt(b"I am Ana")
        .unwrap();
    let received = bo.receive(&ana.identity(), &message);
    assert_eq!(received.unwrap_err(), PairwiseError::WrongIdentity);
}

#[test]
fn a_later_message_opens_no_session() {
    let (_, mut to_ana) = met();
    let later = to_ana.encrypt(b"later").unwrap();
    let received = Account::new().receive(&[9; 32], &later);
    assert_eq!(received.unwrap_err(), PairwiseError::NotAFirstMessage);
}

#[test]
fn olm_version_1_is_refused() {
    use vodozemac::{
        Curve25519PublicKey,
        olm::{Account as OlmAccount, SessionConfig},
    };
    let mut bo = Account::new();
    let prekey = Curve25519PublicKey::from_bytes(bo.fallback_key(1).unwrap());
    let identity = Curve25519PublicKey::from_bytes(bo.identity());
    for (config, expected) in [
        (SessionConfig::version_1(), Err(PairwiseError::OldVersion)),
        (SessionConfig::version_2(), Ok(())),
    ] {
        let old = OlmAccount::new();
        let mut session = old
            .create_outbound_session(config, identity, prekey)
            .unwrap();
        let (kind, body) = session.encrypt(b"hello").unwrap().to_parts();
        let bytes = [&[u8::try_from(kind).unwrap()], body.as_slice()].concat();
        assert_eq!(Message::decode(&bytes).map(drop), expected);
    }
}

#[test]
fn keys_that_give_no_secret_start_no_session() {
    let (ana, bo) = (Account::new(), Account::new());
    let bad = Err(PairwiseError::BadKey);
    assert_eq!(ana.start(&bo.identity(), &[0; 32]).map(drop), bad);
    assert_eq!(ana.start(&[0; 32], &bo.identity()).map(drop), bad);
}

#[test]
fn overlong_messages_are_refused() {
    assert_eq!(
        Message::decode(&vec![0; 64 * 1024 + 1]),
        Err(PairwiseError::Malformed)
    );
    assert_eq!(Message::decode(&[]), Err(PairwiseError::Malformed));
    let (mut to_bo, _) = met();
    assert_eq!(
        to_bo.encrypt(&vec![0; 64 * 1024 + 1]),
        Err(PairwiseError::TooLong)
    );
}
