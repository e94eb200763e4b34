//! Joining, and the limits of a connection.

use futures::{AsyncReadExt, AsyncWriteExt, SinkExt, StreamExt};
use komrade_relay::join::JoinFile;
use komrade_wire::control::{
    FromMember, FromRelay, Hosting, MAX_CONTROL_BYTES, Refusal, Stage, VERSION,
};
use komrade_wire::header::{Header, Opened};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use zeroize::Zeroizing;

use crate::client::{Client, PATIENCE, TestRelay};

const SOMEBODY: Header = Header::Dial { address: [9; 32] };

#[tokio::test]
async fn a_member_is_welcomed_with_the_limits_and_the_stages() {
    let relay = TestRelay::start(|config| {
        config.limits.streams = 7;
        config.limits.idle_seconds = 99;
    })
    .await;
    let mut client = Client::connect(relay.address()).await;
    client.hello(relay.secret, 1).await;
    let (limits, resumed) = client.welcomed().await;
    assert_eq!(
        (
            limits.streams,
            limits.idle_seconds,
            limits.handshake_seconds
        ),
        (7, 99, 20)
    );
    assert_eq!(limits.in_flight, 7 * 256 * 1024);
    assert!(!resumed);
    assert!(matches!(client.heard().await, Some(FromRelay::Node { .. })));
    assert!(matches!(client.heard().await, Some(FromRelay::Router(_))));
    assert_eq!(client.heard().await, Some(FromRelay::Hosting(Hosting::Off)));
    client.say(FromMember::Ping(77)).await;
    client
        .hears(|message| (message == FromRelay::Pong(77)).then_some(()))
        .await;
}

#[tokio::test]
async fn a_router_that_does_not_answer_is_told_of() {
    let relay = TestRelay::start(|_| {}).await;
    let mut client = relay.join(1).await;
    let failed = |message| matches!(message, FromRelay::Router(Stage::Failed { .. })).then_some(());
    client.hears(failed).await;
    let (_, opened) = client.open(SOMEBODY).await;
    assert_eq!(opened, Opened::NotReady);
}

#[tokio::test]
async fn a_wrong_join_secret_is_refused() {
    let relay = TestRelay::start(|_| {}).await;
    let mut client = Client::connect(relay.address()).await;
    client.hello([0; 16], 1).await;
    assert_eq!(client.refused().await, Refusal::JoinSecret);
}

#[tokio::test]
async fn a_rotated_join_secret_holds_at_once() {
    let relay = TestRelay::start(|_| {}).await;
    let member = relay.join(1).await;
    JoinFile::in_folder(relay.folder.path()).rotate().unwrap();
    let mut client = Client::connect(relay.address()).await;
    client.hello(relay.secret, 1).await;
    assert_eq!(client.refused().await, Refusal::JoinSecret);
    // Who is in stays in.
    assert_eq!(member.open(Header::Node).await.1, Opened::Connected);
}

#[tokio::test]
async fn after_many_wrong_secrets_only_the_right_one_is_answered() {
    let relay = TestRelay::start(|config| config.limits.wrong_joins = 2).await;
    let mut answered = 0;
    for _ in 0..4 {
        let mut client = Client::connect(relay.address()).await;
        client.hello([0; 16], 1).await;
        answered += usize::from(client.heard().await.is_some());
        client.ended().await;
    }
    assert_eq!(answered, 2);
    relay.join(1).await;
}

#[tokio::test]
async fn another_version_is_refused() {
    let relay = TestRelay::start(|_| {}).await;
    let mut client = Client::connect(relay.address()).await;
    let hello = FromMember::Hello {
        version: VERSION + 1,
        join_secret: Zeroizing::new(relay.secret),
        account: Zeroizing::new([1; 32]),
    };
    client.say(hello).await;
    assert_eq!(client.refused().await, Refusal::Version);
}

#[tokio::test]
async fn malformed_control_messages_are_refused() {
    let relay = TestRelay::start(|_| {}).await;
    // Before the hello: no CBOR, another message, and one that claims to be too long.
    let mut client = Client::connect(relay.address()).await;
    client.say_bytes(b"no CBOR").await;
    assert_eq!(client.refused().await, Refusal::Protocol);
    let mut client = Client::connect(relay.address()).await;
    client.say(FromMember::Unhost).await;
    assert_eq!(client.refused().await, Refusal::Protocol);
    let mut client = Client::connect(relay.address()).await;
    let length = u32::try_from(MAX_CONTROL_BYTES + 1).unwrap();
    client
        .writer
        .write_all(&length.to_be_bytes())
        .await
        .unwrap();
    client.writer.flush().await.unwrap();
    assert_eq!(client.refused().await, Refusal::Protocol);
    // After it: no CBOR, and another hello.
    let mut client = relay.join(1).await;
    client.say_bytes(b"no CBOR").await;
    assert_eq!(client.refused().await, Refusal::Protocol);
    let mut client = relay.join(1).await;
    client.hello(relay.secret, 1).await;
    assert_eq!(client.refused().await, Refusal::Protocol);
}

#[tokio::test]
async fn a_newcomer_who_says_nothing_is_closed_at_the_deadline() {
    let relay = TestRelay::start(|config| config.limits.handshake_seconds = 1).await;
    // yamux tells of a stream with its first byte: this one opens none as far as the relay knows.
    let client = Client::connect(relay.address()).await;
    client.ended().await;
    let mut client = Client::connect(relay.address()).await;
    client.writer.write_all(&[0, 0]).await.unwrap();
    client.writer.flush().await.unwrap();
    assert_eq!(client.refused().await, Refusal::Idle);
}

#[tokio::test]
async fn newcomers_beyond_the_limit_get_no_websocket() {
    let relay = TestRelay::start(|config| config.limits.newcomers = 1).await;
    let mut first = Client::connect(relay.address()).await;
    let url = format!("ws://{}/ws", relay.address());
    match tokio_tungstenite::connect_async(&url).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    // Once it has joined it is no newcomer.
    first.hello(relay.secret, 1).await;
    first.welcomed().await;
    relay.join(2).await;
}

#[tokio::test]
async fn members_beyond_the_limit_are_told_that_the_relay_is_full() {
    let relay = TestRelay::start(|config| config.limits.sockets = 1).await;
    let first = relay.join(1).await;
    let mut second = Client::connect(relay.address()).await;
    second.hello(relay.secret, 2).await;
    assert_eq!(second.refused().await, Refusal::Full);
    // The same account may come back, even if its old connection took the last place.
    let back = relay.join(1).await;
    assert_eq!(first.refused().await, Refusal::Replaced);
    assert_eq!(back.open(Header::Node).await.1, Opened::Connected);
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let relay = TestRelay::start(|config| config.limits.idle_seconds = 1).await;
    assert_eq!(relay.join(1).await.refused().await, Refusal::Idle);
}

#[tokio::test]
async fn a_text_message_or_one_too_long_ends_the_connection() {
    let relay = TestRelay::start(|config| config.limits.websocket_message = 32 * 1024).await;
    let url = format!("ws://{}/ws", relay.address());
    for message in [
        Message::text("hello"),
        Message::binary(vec![0; 32 * 1024 + 1]),
    ] {
        let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
        socket.send(message).await.unwrap();
        let end = timeout(PATIENCE, async {
            while let Some(Ok(message)) = socket.next().await {
                assert!(!message.is_text());
            }
        });
        end.await.expect("still connected");
    }
}

#[tokio::test]
async fn streams_beyond_the_limit_are_told_so() {
    let relay = TestRelay::start(|config| {
        config.limits.streams = 1;
        config.limits.handshake_seconds = 2;
    })
    .await;
    let client = relay.join(1).await;
    // Five streams that say nothing: one and the four to spare. The sixth is reset.
    let mut silent = Vec::new();
    for _ in 0..5 {
        let mut stream = client.mux.open().await.unwrap();
        stream.write_all(&[0]).await.unwrap();
        stream.flush().await.unwrap();
        silent.push(stream);
    }
    let mut sixth = client.mux.open().await.unwrap();
    let _ = sixth.write_all(&[0]).await;
    let _ = sixth.flush().await;
    assert_eq!(
        timeout(PATIENCE, sixth.read(&mut [0]))
            .await
            .unwrap()
            .unwrap_or(0),
        0
    );
    assert!(sixth.is_reset());
    // At the deadline the others are reset as well, and there is room again.
    for mut stream in silent {
        assert_eq!(
            timeout(PATIENCE, stream.read(&mut [0]))
                .await
                .unwrap()
                .unwrap_or(0),
            0
        );
        assert!(stream.is_reset());
    }
    assert_eq!(client.open(Header::Node).await.1, Opened::Connected);
}

#[tokio::test]
async fn a_stream_with_a_malformed_header_is_reset_and_an_unknown_one_answered() {
    let relay = TestRelay::start(|_| {}).await;
    let client = relay.join(1).await;
    for header in [
        &b"\0\0\0\x03xyz"[..],
        b"\0\0\xff\xff",
        b"\0\0\0\x03\xa1\0\x02",
    ] {
        let mut stream = client.mux.open().await.unwrap();
        stream.write_all(header).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(
            timeout(PATIENCE, stream.read(&mut [0]))
                .await
                .unwrap()
                .unwrap_or(0),
            0
        );
        assert!(stream.is_reset(), "{header:?}");
    }
    let mut stream = client.mux.open().await.unwrap();
    // A map with the kind 99, which nobody knows yet.
    stream.write_all(b"\0\0\0\x04\xa1\0\x18\x63").await.unwrap();
    stream.flush().await.unwrap();
    let answer = komrade_wire::frame::read(&mut stream, 64)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(Opened::decode(&answer).unwrap(), Opened::Unsupported);
}

#[tokio::test]
async fn a_blob_that_is_no_destination_is_told_so() {
    let relay = TestRelay::start(|_| {}).await;
    let mut client = relay.join(1).await;
    client
        .say(FromMember::Host {
            blob: Zeroizing::new(vec![7; 679]),
        })
        .await;
    let bad = FromRelay::Hosting(Hosting::BadDestination);
    client.hears(|message| (message == bad).then_some(())).await;
}

#[tokio::test]
async fn a_relay_that_stops_says_goodbye() {
    let relay = TestRelay::start(|_| {}).await;
    let client = relay.join(1).await;
    let newcomer = Client::connect(relay.address()).await;
    let (refusal, ()) = tokio::join!(client.refused(), relay.running.stop());
    assert_eq!(refusal, Refusal::ShuttingDown);
    newcomer.ended().await;
}
