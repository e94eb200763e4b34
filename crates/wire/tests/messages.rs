//! The bytes of every message, frozen, and what becomes of bytes that are none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use data_encoding::HEXLOWER;
use komrade_wire::{
    DecodeError,
    control::{FromMember, FromRelay, Hosting, Limits, MAX_CONTROL_BYTES, Refusal, Stage, VERSION},
    greeting::{self, GreetingError, Status},
    header::{Header, MAX_HEADER_BYTES, Opened},
};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use zeroize::Zeroizing;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

fn hello() -> FromMember {
    FromMember::Hello {
        version: VERSION,
        join_secret: Zeroizing::new([0xaa; 16]),
        account: Zeroizing::new([0xbb; 32]),
    }
}

fn limits() -> Limits {
    Limits {
        streams: 32,
        websocket_message: 65_536,
        in_flight: 16_777_216,
        handshake_seconds: 20,
        idle_seconds: 90,
        stream_idle_seconds: 600,
    }
}

fn node() -> FromRelay {
    FromRelay::Node {
        address: [0xee; 32],
        key: [0xff; 32],
        token: [0xab; 16],
        bits: 3,
        incarnation: 0x0102_0304_0506_0708,
    }
}

#[test]
fn what_a_member_says_is_frozen() {
    let (secret, account) = ("aa".repeat(16), "bb".repeat(32));
    let frozen = [
        (hello(), format!("a4000101010250{secret}035820{account}")),
        (
            FromMember::Host {
                blob: Zeroizing::new(vec![0xcc; 3]),
            },
            "a200020143cccccc".into(),
        ),
        (FromMember::Unhost, "a10003".into()),
        (FromMember::Ping(258), "a2000401190102".into()),
    ];
    for (message, bytes) in frozen {
        assert_eq!(hex(&message.encode()), bytes);
        assert_eq!(FromMember::decode(&message.encode()), Ok(Some(message)));
    }
}

#[test]
fn what_a_relay_says_is_frozen() {
    let limits_bytes = "a70000011820021a00010000031a0100000004140518 5a06190258".replace(' ', "");
    let router = FromRelay::Router;
    let hosting = FromRelay::Hosting;
    let frozen = [
        (
            FromRelay::Welcome {
                version: VERSION,
                limits: limits(),
                resumed: true,
            },
            format!("a40001010102{limits_bytes}0301"),
        ),
        (FromRelay::Refused(Refusal::JoinSecret), "a200020101".into()),
        (FromRelay::Refused(Refusal::Version), "a200020102".into()),
        (FromRelay::Refused(Refusal::Full), "a200020103".into()),
        (FromRelay::Refused(Refusal::Replaced), "a200020104".into()),
        (FromRelay::Refused(Refusal::Protocol), "a200020105".into()),
        (
            FromRelay::Refused(Refusal::ShuttingDown),
            "a200020106".into(),
        ),
        (FromRelay::Refused(Refusal::Idle), "a200020107".into()),
        (router(Stage::Starting), "a200030101".into()),
        (
            router(Stage::Reseeding { attempt: 1 }),
            "a3000301020201".into(),
        ),
        (
            router(Stage::NoRouters { retry_in: 2 }),
            "a3000301030202".into(),
        ),
        (
            router(Stage::Building { routers: 3 }),
            "a3000301040203".into(),
        ),
        (router(Stage::Ready { routers: 4 }), "a3000301050204".into()),
        (
            router(Stage::Failed { retry_in: 5 }),
            "a3000301060205".into(),
        ),
        (hosting(Hosting::Off), "a200040101".into()),
        (hosting(Hosting::Waiting), "a200040102".into()),
        (
            hosting(Hosting::Building { attempt: 6 }),
            "a3000401030206".into(),
        ),
        (hosting(Hosting::Up), "a200040104".into()),
        (hosting(Hosting::Full), "a200040105".into()),
        (hosting(Hosting::BadDestination), "a200040106".into()),
        (
            hosting(Hosting::Failed { retry_in: 7 }),
            "a3000401070207".into(),
        ),
        (FromRelay::Pong(258), "a2000501190102".into()),
        (
            node(),
            format!(
                "a60006015820{}025820{}0350{}0403051b0102030405060708",
                "ee".repeat(32),
                "ff".repeat(32),
                "ab".repeat(16)
            ),
        ),
    ];
    for (message, bytes) in frozen {
        assert_eq!(hex(&message.encode()), bytes, "{message:?}");
        assert_eq!(FromRelay::decode(&message.encode()), Ok(Some(message)));
    }
}

#[test]
fn headers_and_answers_are_frozen() {
    let headers = [
        (
            Header::Dial {
                address: [0xdd; 32],
            },
            format!("a20001015820{}", "dd".repeat(32)),
        ),
        (Header::Incoming, "a10002".into()),
        (Header::Node, "a10003".into()),
    ];
    for (header, bytes) in headers {
        assert_eq!(hex(&header.encode()), bytes);
        assert_eq!(Header::decode(&header.encode()), Ok(header));
    }
    let answers = [
        Opened::Connected,
        Opened::Away,
        Opened::Unreachable,
        Opened::NotReady,
        Opened::TooMany,
        Opened::TimedOut,
        Opened::Foreign,
        Opened::Unsupported,
    ];
    for (number, opened) in answers.into_iter().enumerate() {
        assert_eq!(opened.encode(), [0xa1, 0x00, number as u8]);
        assert_eq!(Opened::decode(&opened.encode()), Ok(opened));
    }
}

#[test]
fn greetings_are_frozen() {
    assert_eq!(hex(&greeting::greeting()), "6b6d726401");
    for (number, status) in [
        Status::Connected,
        Status::Away,
        Status::TooMany,
        Status::Version,
    ]
    .into_iter()
    .enumerate()
    {
        let answer = greeting::answer(status);
        assert_eq!(hex(&answer), format!("6b6d7264010{number}"));
        assert_eq!(greeting::check_answer(answer), Ok(status));
    }
    assert_eq!(greeting::check_greeting(*b"kmrd\x01"), Ok(()));
    assert_eq!(
        greeting::check_greeting(*b"kmrd\x02"),
        Err(GreetingError::Version(2))
    );
    assert_eq!(
        greeting::check_greeting(*b"GET /"),
        Err(GreetingError::Foreign)
    );
    assert_eq!(
        greeting::check_answer(*b"kmrd\x01\x09"),
        Err(GreetingError::Status(9))
    );
    assert_eq!(
        greeting::check_answer(*b"HTTP/1"),
        Err(GreetingError::Foreign)
    );
    assert_eq!(GreetingError::Foreign.opened(), Opened::Foreign);
    assert_eq!(Status::Away.opened(), Opened::Away);
}

#[test]
fn what_newer_versions_add_is_skipped() {
    // A ping with one more field, a kind and a stage that nobody knows yet.
    assert_eq!(
        FromMember::decode(&[0xa3, 0x00, 0x04, 0x01, 0x07, 0x18, 0x63, 0xf5]),
        Ok(Some(FromMember::Ping(7)))
    );
    assert_eq!(FromMember::decode(&[0xa1, 0x00, 0x18, 0x63]), Ok(None));
    assert_eq!(FromRelay::decode(&[0xa1, 0x00, 0x18, 0x63]), Ok(None));
    assert_eq!(
        FromRelay::decode(&[0xa2, 0x00, 0x03, 0x01, 0x18, 0x63]),
        Ok(None)
    );
    assert_eq!(
        FromRelay::decode(&[0xa2, 0x00, 0x04, 0x01, 0x18, 0x63]),
        Ok(None)
    );
    // The connection ends whatever the reason is.
    let refused = FromRelay::decode(&[0xa2, 0x00, 0x02, 0x01, 0x18, 0x63]);
    assert_eq!(refused, Ok(Some(FromRelay::Refused(Refusal::Other))));
    // These ask for an answer or are one, so they cannot be skipped.
    assert_eq!(
        Header::decode(&[0xa1, 0x00, 0x18, 0x63]),
        Err(DecodeError::Unknown(99))
    );
    assert_eq!(
        Opened::decode(&[0xa1, 0x00, 0x18, 0x63]),
        Err(DecodeError::Unknown(99))
    );
}

#[test]
fn bad_messages_have_distinct_errors() {
    use DecodeError::{Invalid, Missing, NotCbor, NotFields, TooLong};
    let member = |bytes: &[u8]| FromMember::decode(bytes).unwrap_err();
    assert_eq!(member(&[]), NotCbor);
    assert_eq!(member(&[0xa2, 0x00, 0x04, 0x01]), NotCbor);
    assert_eq!(member(&[0x01]), NotFields);
    assert_eq!(member(&[0xa0]), Missing(0));
    assert_eq!(member(&[0xa1, 0x00, 0x04]), Missing(1));
    assert_eq!(
        member(&[0xa2, 0x00, 0x04, 0x01, 0x20]),
        Invalid(1),
        "a negative number"
    );
    assert_eq!(
        member(&[0xa2, 0x00, 0x04, 0x01, 0x40]),
        Invalid(1),
        "bytes for a number"
    );
    assert_eq!(
        member(&[0xa2, 0x00, 0x02, 0x01, 0x00]),
        Invalid(1),
        "a number for bytes"
    );
    let long = FromMember::Host {
        blob: Zeroizing::new(vec![0; 1_025]),
    };
    assert_eq!(member(&long.encode()), Invalid(1));
    let length = MAX_CONTROL_BYTES + 1;
    assert_eq!(
        member(&vec![0; length]),
        TooLong {
            length,
            maximum: MAX_CONTROL_BYTES
        }
    );
    assert_eq!(
        Header::decode(&[0; MAX_HEADER_BYTES + 1]),
        Err(TooLong {
            length: MAX_HEADER_BYTES + 1,
            maximum: MAX_HEADER_BYTES
        })
    );
    let mut short = hello().encode();
    short[6] -= 1;
    short.remove(7);
    assert_eq!(member(&short), Invalid(2), "a join secret of 15 bytes");
    let limits = FromRelay::decode(&[0xa4, 0, 1, 1, 1, 2, 0xa1, 0, 0, 3, 0]);
    assert_eq!(limits, Err(Invalid(2)), "limits without limits");
    let mut short = node().encode();
    short[5] -= 1;
    short.remove(6);
    let short = FromRelay::decode(&short);
    assert_eq!(short, Err(Invalid(1)), "an address of 31 bytes");
}

#[test]
fn nothing_secret_is_printed() {
    assert_eq!(
        format!("{:?}", hello()),
        "Hello { version: 1, join_secret: [redacted], account: [redacted] }"
    );
    let host = FromMember::Host {
        blob: Zeroizing::new(vec![1; 679]),
    };
    assert_eq!(format!("{host:?}"), "Host { blob: [redacted] }");
    assert_eq!(format!("{:?}", node()), "Node([redacted])");
    // What tells nothing of anybody is still shown.
    let refused = FromRelay::Refused(Refusal::Full);
    assert_eq!(format!("{refused:?}"), "Refused(Full)");
}

proptest! {
    #[test]
    fn any_member_message_survives(
        version: u16,
        secret: [u8; 16],
        account: [u8; 32],
        blob in prop::collection::vec(any::<u8>(), 0..1_024),
        ping: u64,
    ) {
        let (join_secret, account) = (Zeroizing::new(secret), Zeroizing::new(account));
        for message in [
            FromMember::Hello { version, join_secret, account },
            FromMember::Host { blob: Zeroizing::new(blob) },
            FromMember::Ping(ping),
        ] {
            prop_assert_eq!(FromMember::decode(&message.encode()), Ok(Some(message)));
        }
    }

    #[test]
    fn any_relay_message_survives(numbers: (u16, u32, u32), seconds: (u16, u16, u16), resumed: bool) {
        let (streams, websocket_message, in_flight) = numbers;
        let (handshake_seconds, idle_seconds, stream_idle_seconds) = seconds;
        let limits = Limits {
            streams, websocket_message, in_flight, handshake_seconds, idle_seconds, stream_idle_seconds,
        };
        for message in [
            FromRelay::Welcome { version: streams, limits, resumed },
            FromRelay::Router(Stage::Building { routers: in_flight }),
            FromRelay::Hosting(Hosting::Failed { retry_in: websocket_message }),
            FromRelay::Pong(u64::from(in_flight) << 20),
        ] {
            prop_assert!(message.encode().len() <= MAX_CONTROL_BYTES);
            prop_assert_eq!(FromRelay::decode(&message.encode()), Ok(Some(message)));
        }
    }

    #[test]
    fn any_node_survives(address: [u8; 32], key: [u8; 32], token: [u8; 16], bits: u8, incarnation: u64) {
        let message = FromRelay::Node { address, key, token, bits, incarnation };
        prop_assert_eq!(FromRelay::decode(&message.encode()), Ok(Some(message)));
    }

    #[test]
    fn any_dial_survives(address: [u8; 32]) {
        let header = Header::Dial { address };
        prop_assert!(header.encode().len() <= MAX_HEADER_BYTES);
        prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = FromMember::decode(&bytes);
        let _ = FromRelay::decode(&bytes);
        let _ = Header::decode(&bytes);
        let _ = Opened::decode(&bytes);
    }
}
