//! Frames, WebSocket messages and multiplexed streams, over pipes in memory.
//!
//! Native, since the pipes are tokio's; `tab.rs` holds that the same runs in a browser.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "streams/socket.rs"]
mod socket;

use std::{io, time::Duration};

use futures::{AsyncReadExt, AsyncWriteExt, future::join_all};
use komrade_wire::{
    frame::{self, FrameError, FrameReader},
    greeting::{self, GreetingError, Status},
    mux::{CloseReason, Config, Driver, Incoming, Mux, MuxError, STREAM_WINDOW, Side, mux},
    websocket::ByteStream,
};
use proptest::prelude::*;
use tokio::{io::DuplexStream, task::JoinHandle, time::timeout};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::socket::sockets;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

type Pipe = Compat<DuplexStream>;

fn pipe(room: usize) -> (Pipe, Pipe) {
    let (near, far) = tokio::io::duplex(room);
    (near.compat(), far.compat())
}

struct End {
    mux: Mux,
    incoming: Incoming,
    driver: JoinHandle<CloseReason>,
}

fn end(io: Pipe, side: Side, config: Config) -> End {
    let (mux, incoming, driver): (_, _, Driver<Pipe>) = mux(io, side, config);
    End {
        mux,
        incoming,
        driver: tokio::spawn(driver),
    }
}

fn ends(config: Config) -> (End, End) {
    let (near, far) = pipe(4_096);
    (
        end(near, Side::Member, config),
        end(far, Side::Relay, config),
    )
}

fn streams(streams: usize) -> Config {
    Config {
        streams,
        ..Config::default()
    }
}

// --- frames -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn frames_are_read_no_further_than_their_end() {
    let (mut near, mut far) = pipe(1_000);
    frame::write(&mut near, b"header", 64).await.unwrap();
    near.write_all(b"what follows").await.unwrap();
    near.close().await.unwrap();
    assert_eq!(
        frame::read(&mut far, 64).await,
        Ok(Some(b"header".to_vec()))
    );
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"what follows");
}

#[tokio::test]
async fn bad_frames_have_distinct_errors() {
    let read = async |bytes: &[u8]| frame::read(&mut &bytes[..], 8).await;
    assert_eq!(read(&[]).await, Ok(None));
    assert_eq!(read(&[0, 0, 0, 0]).await, Ok(Some(vec![])));
    assert_eq!(read(&[0, 0]).await, Err(FrameError::Truncated));
    assert_eq!(read(&[0, 0, 0, 2, 1]).await, Err(FrameError::Truncated));
    assert_eq!(
        read(&[0, 0, 0, 9]).await,
        Err(FrameError::TooLong {
            length: 9,
            maximum: 8
        })
    );
    let huge = FrameError::TooLong {
        length: u32::MAX as usize,
        maximum: 8,
    };
    assert_eq!(read(&[255; 4]).await, Err(huge));
    let written = frame::write(&mut Vec::new(), &[0; 9], 8).await;
    assert_eq!(
        written,
        Err(FrameError::TooLong {
            length: 9,
            maximum: 8
        })
    );
}

proptest! {
    #[test]
    fn any_frames_arrive_whatever_pieces_they_come_in(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..10),
        piece in 1_usize..50,
    ) {
        let bytes: Vec<u8> =
            frames.iter().flat_map(|payload| frame::encode(payload, 300).unwrap().to_vec()).collect();
        let mut decoder = frame::Decoder::new(300);
        let mut arrived = Vec::new();
        for mut piece in bytes.chunks(piece) {
            while !piece.is_empty() {
                let (taken, frame) = decoder.push(piece).unwrap();
                arrived.extend(frame);
                piece = &piece[taken..];
            }
        }
        prop_assert!(decoder.between_frames());
        prop_assert_eq!(arrived, frames);
    }
}

#[tokio::test]
async fn a_reader_that_is_interrupted_loses_nothing() {
    let (mut near, far) = pipe(1_000);
    let mut reader = FrameReader::new(far, 64);
    for byte in frame::encode(b"slowly", 64).unwrap().iter() {
        assert!(timeout(Duration::ZERO, reader.next()).await.is_err());
        near.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(reader.next().await, Ok(Some(b"slowly".to_vec())));
}

// --- greetings --------------------------------------------------------------------------------------------

#[tokio::test]
async fn relays_greet_each_other() {
    let (mut near, mut far) = pipe(100);
    let there = async {
        greeting::wait(&mut far).await.unwrap();
        greeting::reply(&mut far, Status::Away).await.unwrap();
    };
    let (status, ()) = futures::join!(greeting::greet(&mut near), there);
    assert_eq!(status, Ok(Status::Away));

    let (mut near, mut far) = pipe(100);
    far.write_all(b"HTTP/1.1 400").await.unwrap();
    assert_eq!(
        greeting::greet(&mut near).await,
        Err(GreetingError::Foreign)
    );
    let (mut near, far) = pipe(100);
    drop(far);
    assert!(matches!(
        greeting::greet(&mut near).await,
        Err(GreetingError::Io(_))
    ));
}

// --- WebSocket messages -----------------------------------------------------------------------------------

#[tokio::test]
async fn bytes_travel_in_messages_of_bounded_size() {
    let [mut left, mut right] = sockets(100);
    let sent: Vec<u8> = (0..10_000_u32).map(|i| i as u8).collect();
    let writing = async {
        for piece in sent.chunks(333) {
            left.write_all(piece).await.unwrap();
            left.flush().await.unwrap();
        }
        left.close().await.unwrap();
    };
    let mut arrived = Vec::new();
    let (read, ()) = futures::join!(right.read_to_end(&mut arrived), writing);
    read.unwrap();
    assert_eq!(arrived, sent);
}

#[tokio::test]
async fn messages_out_of_bounds_are_an_error() {
    for message in [vec![], vec![0; 101]] {
        let stream = futures::stream::iter([Ok(message)]);
        let mut stream = ByteStream::new(stream, 100);
        let error = stream.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

#[tokio::test]
async fn the_multiplexer_runs_over_messages() {
    let [left, right] = sockets(100);
    let (near, _, left) = mux(left, Side::Member, Config::default());
    let (_far, mut incoming, right) = mux(right, Side::Relay, Config::default());
    let talk = async {
        let mut stream = near.open().await.unwrap();
        stream.write_all(&[7; 5_000]).await.unwrap();
        stream.close().await.unwrap();
        let mut arrived = Vec::new();
        incoming
            .next()
            .await
            .unwrap()
            .read_to_end(&mut arrived)
            .await
            .unwrap();
        assert_eq!(arrived, [7; 5_000]);
        near.close().await;
    };
    let (left, right, ()) = timeout(LONG, async { futures::join!(left, right, talk) })
        .await
        .unwrap();
    assert_eq!((left, right), (CloseReason::Here, CloseReason::There));
}

// --- the multiplexer --------------------------------------------------------------------------------------

#[tokio::test]
async fn streams_flow_both_ways_at_once_and_half_close() {
    let (near, mut far) = ends(Config::default());
    let echo = tokio::spawn(async move {
        let mut echoes = Vec::new();
        for _ in 0..8 {
            let mut stream = far.incoming.next().await.unwrap();
            echoes.push(tokio::spawn(async move {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.unwrap();
                assert!(!stream.is_reset());
                stream.write_all(&all).await.unwrap();
                stream.close().await.unwrap();
            }));
        }
        for echo in echoes {
            echo.await.unwrap();
        }
        far
    });
    let talks = (0..8_u8).map(async |number| {
        let mut stream = near.mux.open().await.unwrap();
        stream.write_all(&vec![number; 100_000]).await.unwrap();
        stream.close().await.unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, vec![number; 100_000]);
    });
    timeout(LONG, join_all(talks)).await.unwrap();
    let far = timeout(LONG, echo).await.unwrap().unwrap();
    near.mux.close().await;
    assert_eq!(
        timeout(LONG, near.driver).await.unwrap().unwrap(),
        CloseReason::Here
    );
    assert_eq!(
        timeout(LONG, far.driver).await.unwrap().unwrap(),
        CloseReason::There
    );
}

#[tokio::test]
async fn a_stream_that_is_not_read_holds_up_its_writer_and_nobody_else() {
    let (near, mut far) = ends(Config::default());
    let mut stuck = near.mux.open().await.unwrap();
    let writer = tokio::spawn(async move {
        let mut written = 0;
        while let Ok(Ok(count)) =
            timeout(Duration::from_millis(500), stuck.write(&[1; 16_384])).await
        {
            written += count;
        }
        (written, stuck)
    });
    let unread = timeout(LONG, far.incoming.next()).await.unwrap().unwrap();

    let mut other = near.mux.open().await.unwrap();
    let writing = async {
        other.write_all(&[2; 600_000]).await.unwrap();
        other.close().await.unwrap();
    };
    let mut arrived = Vec::new();
    // Opened second, accepted second.
    let reading = async {
        let mut stream = far.incoming.next().await.unwrap();
        stream.read_to_end(&mut arrived).await.unwrap();
    };
    timeout(LONG, async { futures::join!(reading, writing) })
        .await
        .unwrap();
    assert_eq!(arrived.len(), 600_000);

    let (written, _stuck) = timeout(LONG, writer).await.unwrap().unwrap();
    // The window, and what waits on the way.
    assert!(
        (STREAM_WINDOW..=STREAM_WINDOW + 12 * 16_384).contains(&written),
        "{written}"
    );
    drop(unread);
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_the_connection_lives_on() {
    let (near, mut far) = ends(streams(4));
    for _ in 0..50 {
        let mut open = Vec::new();
        for _ in 0..4 {
            let mut stream = near.mux.open().await.unwrap();
            stream.write_all(b"x").await.unwrap();
            open.push((
                stream,
                timeout(LONG, far.incoming.next()).await.unwrap().unwrap(),
            ));
        }
        assert_eq!(near.mux.open().await.map(|_| ()), Err(MuxError::TooMany));
        drop(open);
        // The places come free as soon as the ends of the streams are sent.
        let free = async {
            while near.mux.open().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, free).await.unwrap();
    }
    assert!(!near.driver.is_finished() && !far.driver.is_finished());
}

#[tokio::test]
async fn streams_opened_and_dropped_in_any_number_do_not_end_the_connection() {
    // The other side takes nothing, so that the ends of dropped streams cannot be sent.
    let (near, far) = pipe(64);
    let near = end(near, Side::Member, streams(4));
    let mut refused = 0;
    for _ in 0..100 {
        match near.mux.open().await {
            Ok(mut stream) => drop(stream.write_all(b"x").await),
            Err(error) => {
                assert_eq!(error, MuxError::TooMany);
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert!(!near.driver.is_finished());
    drop(far);
}

#[tokio::test]
async fn too_many_streams_from_the_other_side_are_reset() {
    let (near, far) = pipe(4_096);
    let near = end(near, Side::Member, streams(6));
    let mut far = end(far, Side::Relay, streams(4));
    let mut opened = Vec::new();
    for _ in 0..6 {
        let mut stream = near.mux.open().await.unwrap();
        stream.write_all(b"x").await.unwrap();
        opened.push(stream);
    }
    let mut accepted = Vec::new();
    for _ in 0..4 {
        accepted.push(timeout(LONG, far.incoming.next()).await.unwrap().unwrap());
    }
    for stream in &mut opened[4..] {
        let read = timeout(LONG, stream.read(&mut [0; 1]))
            .await
            .unwrap()
            .unwrap();
        assert!(read == 0 && stream.is_reset());
    }
    accepted[0].write_all(b"y").await.unwrap();
    assert_eq!(
        timeout(LONG, opened[0].read(&mut [0; 1]))
            .await
            .unwrap()
            .unwrap(),
        1
    );
    assert!(!opened[0].is_reset());
}

#[tokio::test]
async fn every_stream_ends_with_the_connection_however_it_ends() {
    for in_good_order in [true, false] {
        let (near, mut far) = ends(Config::default());
        let mut here = near.mux.open().await.unwrap();
        here.write_all(b"x").await.unwrap();
        let mut there = timeout(LONG, far.incoming.next()).await.unwrap().unwrap();
        there.read_exact(&mut [0; 1]).await.unwrap();
        let reading_here = tokio::spawn(async move {
            let read = here.read(&mut [0; 1]).await;
            (read.unwrap_or(0), here.is_reset())
        });
        let reading_there = tokio::spawn(async move {
            let read = there.read(&mut [0; 1]).await;
            (read.unwrap_or(0), there.is_reset())
        });
        if in_good_order {
            near.mux.close().await;
            assert_eq!(
                timeout(LONG, near.driver).await.unwrap().unwrap(),
                CloseReason::Here
            );
        } else {
            near.driver.abort();
        }
        assert_eq!(
            timeout(LONG, far.driver).await.unwrap().unwrap(),
            CloseReason::There
        );
        assert_eq!(
            timeout(LONG, reading_here).await.unwrap().unwrap(),
            (0, true)
        );
        assert_eq!(
            timeout(LONG, reading_there).await.unwrap().unwrap(),
            (0, true)
        );
        assert!(timeout(LONG, far.incoming.next()).await.unwrap().is_none());
        assert_eq!(near.mux.open().await.map(|_| ()), Err(MuxError::Closed));
    }
}

#[tokio::test]
async fn nonsense_ends_the_connection_with_a_reason() {
    let (near, mut far) = pipe(4_096);
    let near = end(near, Side::Relay, Config::default());
    far.write_all(&[0xff; 64]).await.unwrap();
    assert_eq!(
        timeout(LONG, near.driver).await.unwrap().unwrap(),
        CloseReason::Protocol
    );
}
