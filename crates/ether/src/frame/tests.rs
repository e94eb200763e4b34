#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{
    Class, Day, Size, Token, Work,
    bucket::tests::buckets,
    envelope::tests::{example, headers, hex},
    outcome::tests::{KNOWN, outcomes},
    pass::tests::passes,
};

const LOCATOR: Locator = [7; 16];
const ID: EnvelopeId = EnvelopeId([9; 32]);

fn small() -> Envelope {
    example(Class::ordinary(Size::K2))
}

#[test]
fn the_first_frames_are_frozen() {
    let frozen = |frame: Frame, bytes: String| assert_eq!(hex(&frame.encode()), bytes);
    let body = hex(small().as_bytes());
    let (id, locator) = ("09".repeat(32), "07".repeat(16));
    let envelope = small();
    frozen(Frame::Put { envelope }, format!("0101{body}"));
    let outcome = Outcome::Full;
    frozen(Frame::Ack { id: ID, outcome }, format!("0102{id}02"));
    frozen(Frame::Fetch { locator: LOCATOR }, format!("0103{locator}"));
    let fetched = |envelope| Frame::Fetched {
        locator: LOCATOR,
        envelope,
    };
    frozen(fetched(None), format!("0104{locator}"));
    frozen(fetched(Some(small())), format!("0104{locator}{body}"));
}

#[test]
fn the_frames_of_a_node_are_frozen() {
    let frozen = |frame: Frame, bytes: String| assert_eq!(hex(&frame.encode()), bytes);
    let body = hex(small().as_bytes());
    let (id, locator) = ("09".repeat(32), "07".repeat(16));
    let pass = Pass {
        token: Some(Token([5; 16])),
        work: Some(Work {
            day: Day(20_750),
            nonce: 0x0102_0304_0506_0708,
        }),
    };
    let passed = format!("03{}0000510e0102030405060708", "05".repeat(16));
    let envelope = small();
    frozen(
        Frame::Deposit { pass, envelope },
        format!("0105{passed}{body}"),
    );
    let (bucket, incarnation, after) = (Bucket::new(1, 1).unwrap(), 0x1112, 0x2122);
    frozen(
        Frame::Subscribe {
            bucket,
            incarnation,
            after,
        },
        "0106c00000000000000011120000000000002122".into(),
    );
    for (part, byte) in [(Part::Smaller, "00"), (Part::Larger, "01")] {
        frozen(
            Frame::SubscribePart {
                bucket,
                incarnation,
                after,
                part,
            },
            format!("0112c00000000000000011120000000000002122{byte}"),
        );
    }
    let newer = [1, 0x12].iter().chain(&[0; 18]).chain(&[2]).copied();
    let newer: Vec<u8> = newer.collect();
    assert_eq!(Frame::decode(&newer), Ok(Frame::Unknown(0x12)));
    let until = 0x3132;
    frozen(
        Frame::Log {
            incarnation,
            after,
            until,
        },
        "0107000000000000111200000000000021220000000000003132".into(),
    );
    let envelope = small();
    let number = 0x4142;
    frozen(
        Frame::Arrived { number, envelope },
        format!("01080000000000004142{body}"),
    );
    frozen(Frame::CaughtUp { until }, "01090000000000003132".into());
    let message = vec![0x61, 1, 2];
    frozen(
        Frame::Reconcile { bucket, message },
        "010ac000610102".into(),
    );
    let ids = vec![ID, EnvelopeId([8; 32])];
    frozen(Frame::Want { ids }, format!("010b{id}{}", "08".repeat(32)));
    let envelope = small();
    frozen(Frame::Replica { envelope }, format!("010c{body}"));
    let envelope = small();
    let locator_bytes = LOCATOR;
    frozen(
        Frame::Place {
            locator: locator_bytes,
            envelope,
        },
        format!("010d{locator}{body}"),
    );
    frozen(
        Frame::Unplace { locator: LOCATOR },
        format!("010e{locator}"),
    );
    let home = Home {
        address: [3; 32],
        node: NodeKey([4; 32]),
    };
    frozen(
        Frame::Forward {
            home,
            pass: Pass::default(),
            envelope: small(),
        },
        format!("010f{}{}00{body}", "03".repeat(32), "04".repeat(32)),
    );
    let outcome = Outcome::NeedsWork(16);
    frozen(Frame::Returned { id: ID, outcome }, format!("0110{id}0910"));
    frozen(Frame::Noted { id: ID }, format!("0111{id}"));
    for (is_lost, byte) in [(false, "00"), (true, "01")] {
        let seek = Frame::Seek {
            tag: 0x5152,
            bucket,
            is_lost,
        };
        frozen(seek, format!("01130000000000005152c000{byte}"));
    }
    frozen(
        Frame::Unreached { home },
        format!("0114{}{}", "03".repeat(32), "04".repeat(32)),
    );
    let newer = [1, 0x13].iter().chain(&[0; 10]).chain(&[2]).copied();
    let newer: Vec<u8> = newer.collect();
    assert_eq!(Frame::decode(&newer), Ok(Frame::Unknown(0x13)));
}

#[test]
fn every_outcome_travels() {
    for outcome in KNOWN {
        for frame in [
            Frame::Ack { id: ID, outcome },
            Frame::Returned { id: ID, outcome },
        ] {
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
    }
}

#[test]
fn the_largest_frame_is_as_large_as_announced() {
    let frame = Frame::Reconcile {
        bucket: Bucket::WHOLE,
        message: vec![0x61; MAX_RECONCILE_BYTES],
    };
    assert_eq!(frame.encode().len(), MAX_FRAME_BYTES);
    assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    let mut bytes = vec![1; MAX_FRAME_BYTES + 1];
    assert_eq!(
        Frame::decode(&bytes),
        Err(FrameError::TooLong(MAX_FRAME_BYTES + 1))
    );
    bytes.pop();
    assert!(!matches!(
        Frame::decode(&bytes),
        Err(FrameError::TooLong(_))
    ));
}

#[test]
fn the_largest_envelope_fits_every_frame_that_carries_one() {
    let envelope = example(Class::intro(Size::K64));
    let frame = Frame::Forward {
        home: Home {
            address: [3; 32],
            node: NodeKey([4; 32]),
        },
        pass: Pass {
            token: Some(Token([5; 16])),
            work: Some(Work {
                day: Day(1),
                nonce: 1,
            }),
        },
        envelope,
    };
    assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
}

#[test]
fn a_newer_kind_is_skipped_and_a_newer_version_refused() {
    assert_eq!(Frame::decode(&[1, 21]), Ok(Frame::Unknown(21)));
    assert_eq!(Frame::decode(&[1, 0xff, 1, 2, 3]), Ok(Frame::Unknown(0xff)));
    assert_eq!(Frame::decode(&[2, 1]), Err(FrameError::UnknownVersion(2)));
    assert_eq!(Frame::decode(&[0]), Err(FrameError::UnknownVersion(0)));
}

#[test]
fn each_length_is_checked() {
    let short = |length| Err(FrameError::TooShort(length));
    let long = |length| Err(FrameError::TooLong(length));
    assert_eq!(Frame::decode(&[]), short(0));
    assert_eq!(Frame::decode(&[1]), short(1));
    for (kind, length) in [
        (ACK, 35),
        (FETCH, 18),
        (SUBSCRIBE, 20),
        (SUBSCRIBE_PART, 21),
        (LOG, 26),
        (CAUGHT_UP, 10),
        (UNPLACE, 18),
        (RETURNED, 35),
        (NOTED, 34),
        (SEEK, 13),
        (UNREACHED, 66),
    ] {
        let mut bytes = vec![0; length];
        bytes[..2].copy_from_slice(&[1, kind]);
        assert!(Frame::decode(&bytes).is_ok());
        assert_eq!(Frame::decode(&bytes[..length - 1]), short(length - 1));
        bytes.push(0);
        assert_eq!(Frame::decode(&bytes), long(length + 1));
    }
}

#[test]
fn work_that_is_due_is_named_with_its_bits() {
    let bytes = Frame::Ack {
        id: ID,
        outcome: Outcome::NeedsWork(16),
    }
    .encode();
    assert_eq!(Frame::decode(&bytes[..35]), Err(FrameError::TooShort(35)));
}

#[test]
fn wants_are_bounded_and_whole() {
    let want = |ids: usize, stray: usize| {
        let mut bytes = vec![1, WANT];
        bytes.resize(2 + 32 * ids + stray, 6);
        Frame::decode(&bytes)
    };
    assert_eq!(want(0, 0), Err(FrameError::TooShort(2)));
    assert_eq!(want(1, 31), Err(FrameError::TooShort(65)));
    assert!(want(1_000, 0).is_ok());
    assert_eq!(want(1_001, 0), Err(FrameError::TooLong(32_034)));
}

#[test]
fn an_unknown_pass_hides_where_the_envelope_begins() {
    let mut bytes = Frame::Deposit {
        pass: Pass::default(),
        envelope: small(),
    }
    .encode();
    bytes[2] = 4;
    assert_eq!(Frame::decode(&bytes), Err(FrameError::UnknownPass(4)));
    assert_eq!(FrameError::UnknownPass(4).answer(), None);
}

#[test]
fn whatever_is_put_and_not_understood_can_still_be_answered() {
    let envelope = small;
    let pass = Pass::default();
    let home = Home {
        address: [3; 32],
        node: NodeKey([4; 32]),
    };
    let locator = LOCATOR;
    let envelope = |frame: fn(Envelope) -> Frame| frame(envelope());
    let mut frames = vec![
        envelope(|envelope| Frame::Put { envelope }),
        envelope(|envelope| Frame::Replica { envelope }),
    ];
    frames.push(Frame::Deposit {
        pass,
        envelope: small(),
    });
    frames.push(Frame::Place {
        locator,
        envelope: small(),
    });
    frames.push(Frame::Forward {
        home,
        pass,
        envelope: small(),
    });
    for frame in frames {
        let mut bytes = frame.encode();
        let start = bytes.len() - small().as_bytes().len();
        bytes[start] = 9;
        let error = Frame::decode(&bytes).unwrap_err();
        let (id, outcome) = (EnvelopeId::of(&bytes[start..]), Outcome::Foreign);
        assert_eq!(error.answer(), Some(Frame::Ack { id, outcome }));
        let error = Frame::decode(&bytes[..start]).unwrap_err();
        let (id, outcome) = (EnvelopeId::of(&[]), Outcome::Malformed);
        assert_eq!(error.answer(), Some(Frame::Ack { id, outcome }));
        bytes.resize(start + MAX_ENVELOPE_BYTES + 1, 0);
        let error = Frame::decode(&bytes).unwrap_err();
        let (id, outcome) = (EnvelopeId::of(&bytes[start..]), Outcome::TooLarge);
        assert_eq!(error.answer(), Some(Frame::Ack { id, outcome }));
    }
}

#[test]
fn a_subscriber_can_go_on_behind_what_it_does_not_understand() {
    let mut bytes = Frame::Arrived {
        number: 5,
        envelope: small(),
    }
    .encode();
    bytes[10] = 9;
    assert_eq!(
        Frame::decode(&bytes),
        Err(FrameError::Arrived {
            number: 5,
            error: EnvelopeError::UnknownVersion(9)
        })
    );
}

#[test]
fn an_expired_envelope_has_its_own_outcome() {
    let header = *small().header();
    let outcome = |today| header.check_expiry(Day(today)).map_err(Outcome::from);
    assert_eq!(outcome(20_779), Ok(()));
    assert_eq!(outcome(20_780), Err(Outcome::Expired));
    assert_eq!(outcome(20_000), Err(Outcome::TooFar));
}

fn envelopes() -> impl Strategy<Value = Envelope> {
    (headers(), any::<u8>()).prop_map(|(header, fill)| {
        Envelope::new(header, &vec![fill; header.class.ciphertext_bytes()]).unwrap()
    })
}

fn ids() -> impl Strategy<Value = EnvelopeId> {
    any::<[u8; 32]>().prop_map(EnvelopeId)
}

fn homes() -> impl Strategy<Value = Home> {
    any::<([u8; 32], [u8; 32])>().prop_map(|(address, node)| Home {
        address,
        node: NodeKey(node),
    })
}

/// The frames of kinds 1 to 4, and those that are skipped.
fn first_frames() -> impl Strategy<Value = Frame> {
    prop_oneof![
        envelopes().prop_map(|envelope| Frame::Put { envelope }),
        (ids(), outcomes()).prop_map(|(id, outcome)| Frame::Ack { id, outcome }),
        any::<[u8; 16]>().prop_map(|locator| Frame::Fetch { locator }),
        (any::<[u8; 16]>(), prop::option::of(envelopes()))
            .prop_map(|(locator, envelope)| Frame::Fetched { locator, envelope }),
        (UNREACHED + 1..=u8::MAX).prop_map(Frame::Unknown),
    ]
}

fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![
        first_frames(),
        (passes(), envelopes()).prop_map(|(pass, envelope)| Frame::Deposit { pass, envelope }),
        (buckets(), any::<(u64, u64)>()).prop_map(|(bucket, (incarnation, after))| {
            Frame::Subscribe {
                bucket,
                incarnation,
                after,
            }
        }),
        (buckets(), any::<(u64, u64, bool)>()).prop_map(
            |(bucket, (incarnation, after, larger))| {
                Frame::SubscribePart {
                    bucket,
                    incarnation,
                    after,
                    part: if larger { Part::Larger } else { Part::Smaller },
                }
            }
        ),
        any::<(u64, u64, u64)>().prop_map(|(incarnation, after, until)| Frame::Log {
            incarnation,
            after,
            until
        }),
        (any::<u64>(), envelopes())
            .prop_map(|(number, envelope)| Frame::Arrived { number, envelope }),
        any::<u64>().prop_map(|until| Frame::CaughtUp { until }),
        (buckets(), prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(bucket, message)| Frame::Reconcile { bucket, message }),
        prop::collection::vec(ids(), 1..20).prop_map(|ids| Frame::Want { ids }),
        envelopes().prop_map(|envelope| Frame::Replica { envelope }),
        (any::<[u8; 16]>(), envelopes())
            .prop_map(|(locator, envelope)| Frame::Place { locator, envelope }),
        any::<[u8; 16]>().prop_map(|locator| Frame::Unplace { locator }),
        (homes(), passes(), envelopes()).prop_map(|(home, pass, envelope)| Frame::Forward {
            home,
            pass,
            envelope
        }),
        (ids(), outcomes()).prop_map(|(id, outcome)| Frame::Returned { id, outcome }),
        ids().prop_map(|id| Frame::Noted { id }),
        (buckets(), any::<(u64, bool)>()).prop_map(|(bucket, (tag, is_lost))| Frame::Seek {
            tag,
            bucket,
            is_lost
        }),
        homes().prop_map(|home| Frame::Unreached { home }),
    ]
}

proptest! {
    #[test]
    fn frames_round_trip(frame in frames()) {
        prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        kind in 0..22_u8,
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let _ = Frame::decode(&bytes);
        let bytes = [&[FRAME_VERSION, kind], bytes.as_slice()].concat();
        if let Ok(frame) = Frame::decode(&bytes)
            && !matches!(frame, Frame::Unknown(_))
        {
            let again = frame.encode();
            prop_assert_eq!(again.len(), bytes.len());
            prop_assert_eq!(Frame::decode(&again), Ok(frame));
        }
    }
}
