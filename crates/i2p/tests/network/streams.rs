//! Two peers of different routers, and the bytes between them.

use std::time::Duration;

use komrade_i2p::{
    Address,
    net::{AcceptError, ConnectError, SessionKeys},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::common::{Log, OPTIONS, PATIENCE, bridge, connect, echo, exchange, keys, session};

/// Streams open at a time.
const STREAMS: u8 = 5;

fn bytes(from: u8) -> Vec<u8> {
    (0..64 * 1024u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ from)
        .collect()
}

#[tokio::test]
async fn two_peers_exchange_64_kib_both_ways_on_several_streams_at_a_time() {
    let log = Log::start();
    // The keys of the known answer in keys.rs. The routers answer NAMING LOOKUP NAME=ME with the same address, or there
    // would be no session.
    let (ana, bo) = (keys(1), keys(2));
    let (from, to) = tokio::join!(async { session(&bridge(0), &ana).await }, async {
        session(&bridge(1), &bo).await
    },);
    assert_eq!(
        from.address().to_string(),
        "tm5ubscj6rid3dmumqvvauj47zytc5xcr56j3h4t2vyx4jvhjmba.b32.i2p"
    );
    assert_eq!(to.address(), bo.address());

    let calling = async {
        let calls = (0..STREAMS).map(|number| {
            let (from, to) = (&from, to.address());
            async move {
                let mut stream = connect(from, to).await;
                stream.write_all(&[number]).await.unwrap();
                both_ways(stream, number, number + 100).await;
            }
        });
        futures::future::join_all(calls).await;
    };
    let answering = async {
        let mut seen = Vec::new();
        let mut answers = tokio::task::JoinSet::new();
        for _ in 0..STREAMS {
            let (mut stream, caller) = to.accept().await.unwrap();
            assert_eq!(caller, from.address());
            let number = stream.read_u8().await.unwrap();
            seen.push(number);
            answers.spawn(both_ways(stream, number + 100, number));
        }
        answers.join_all().await;
        seen.sort_unstable();
        assert_eq!(seen, (0..STREAMS).collect::<Vec<_>>());
    };
    timeout(PATIENCE, async { tokio::join!(calling, answering) })
        .await
        .expect("all bytes in time");

    let addresses = [from.address().to_string(), to.address().to_string()];
    drop((from, to));
    timeout(PATIENCE, async {
        while !log.text().contains("session ended") {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("without a log nothing is shown");
    let text = log.text();
    for secret in [
        addresses[0].clone(),
        addresses[1].clone(),
        ana.to_base64()[..40].to_owned(),
        ana.to_base64()[860..].to_owned(),
        "127.0.0.1".to_owned(),
    ] {
        assert!(!text.contains(&secret), "an address or a key was logged");
    }
}

/// Writes and reads 64 KiB at once, then shuts down and sees the other side do so.
async fn both_ways(stream: komrade_i2p::net::SamStream, mine: u8, theirs: u8) {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let read = async {
        let mut read = vec![0; 64 * 1024];
        reading.read_exact(&mut read).await.unwrap();
        assert!(read == bytes(theirs), "the bytes of the other side");
    };
    let write = async {
        writing.write_all(&bytes(mine)).await.unwrap();
        writing.flush().await.unwrap();
    };
    tokio::join!(read, write);
    writing.shutdown().await.unwrap();
    assert_eq!(
        reading.read(&mut [0]).await.unwrap_or(0),
        0,
        "the end of the stream"
    );
}

#[tokio::test]
async fn what_was_written_before_a_shutdown_arrives_whole() {
    let (from, to) = tokio::join!(async { session(&bridge(0), &keys(3)).await }, async {
        session(&bridge(2), &keys(4)).await
    },);
    let writing = async {
        let mut stream = connect(&from, to.address()).await;
        stream.write_all(&bytes(7)).await.unwrap();
        stream.shutdown().await.unwrap();
        // Held until the other side has everything: dropping it is not what is tested.
        stream
    };
    let reading = async {
        let (mut stream, _) = to.accept().await.unwrap();
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        assert!(read == bytes(7), "{} bytes arrived", read.len());
    };
    timeout(PATIENCE, async { tokio::join!(writing, reading) })
        .await
        .expect("the end in time");
}

#[tokio::test]
async fn failures_of_a_dial_are_told_apart() {
    let keys = keys(5);
    let session = session(&bridge(0), &keys).await;
    let nobody = Address::from_bytes([42; 32]);
    assert_eq!(
        session.connect(nobody).await.unwrap_err(),
        ConnectError::Unreachable
    );
    // One's own address: the router does not dial itself.
    assert_eq!(
        session.connect(session.address()).await.unwrap_err(),
        ConnectError::Unreachable
    );
    assert!(!session.is_closed());

    // A second session of the same destination is refused, on whatever connection.
    let second = bridge(0)
        .session(SessionKeys::Private(&keys), OPTIONS)
        .await;
    assert_eq!(second.unwrap_err(), komrade_i2p::net::SessionError::InUse);
}

#[tokio::test]
async fn a_destination_is_hosted_again_at_once_and_reached_by_new_callers_only() {
    let keys = keys(6);
    let caller = || async {
        let options = OPTIONS.connecting();
        bridge(0)
            .session(SessionKeys::Transient, options)
            .await
            .unwrap()
    };
    let earlier = caller().await;
    let hosted = session(&bridge(2), &keys).await;
    tokio::select! {
        () = exchange(&earlier, keys.address()) => {}
        () = echo(&hosted) => panic!("the session ended"),
    }
    drop(hosted);

    let hosted = session(&bridge(2), &keys).await;
    let calls = async {
        // emissary 0.4: see `ConnectError::Stale`. If this fails because it connects, the relay can do with less.
        assert_eq!(
            earlier.connect(keys.address()).await.unwrap_err(),
            ConnectError::Stale
        );
        exchange(&caller().await, keys.address()).await;
    };
    tokio::select! {
        () = calls => {}
        () = echo(&hosted) => panic!("the session ended"),
    }
}

#[tokio::test]
async fn a_session_that_only_connects_accepts_nothing() {
    let sam = bridge(1);
    let session = sam
        .session(SessionKeys::Transient, OPTIONS.connecting())
        .await
        .unwrap();
    assert_eq!(
        session.accept().await.unwrap_err(),
        AcceptError::SessionGone
    );
    assert!(
        timeout(Duration::from_millis(50), session.closed())
            .await
            .is_err(),
        "it lives"
    );
}
