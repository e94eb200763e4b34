//! What a tab does with its one WebSocket, natively and in a worker of a browser: many streams over a multiplexer over
//! messages, and on each a Noise link.
#![allow(clippy::unwrap_used)]

#[path = "streams/socket.rs"]
mod socket;

use std::future::pending;

use futures::{
    future::{join, join_all},
    join,
};
use komrade_wire::{
    link::{Initiator, accept, dial},
    mux::{CloseReason, Config, Side, mux},
    websocket::MAX_MESSAGE_BYTES,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::socket::sockets;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

const HINT: [u8; 20] = [0x11; 20];
const KEY: [u8; 32] = [0x22; 32];
const LINKS: u8 = 8;

/// Says something that takes many messages, and hears it again.
async fn talk(near: &komrade_wire::mux::Mux, number: u8) {
    let stream = near.open().await.unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(number.into());
    let start = Initiator::comrade(HINT, &KEY, &mut rng).unwrap();
    let (mut reader, mut writer) = dial(stream, start, pending()).await.unwrap();
    let said = vec![number; 100_000];
    let (sent, heard) = join(writer.send(&said), reader.next()).await;
    sent.unwrap();
    assert_eq!(heard, Ok(Some(said)));
    writer.close().await.unwrap();
    assert_eq!(reader.next().await, Ok(None));
}

/// Says everything again.
async fn echo(stream: komrade_wire::mux::MuxStream, number: u8) {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(number) << 32);
    let accepting = accept(stream, pending()).await.unwrap();
    let (mut reader, mut writer) = accepting.comrade(&KEY, &mut rng, pending()).await.unwrap();
    while let Some(frame) = reader.next().await.unwrap() {
        writer.send(&frame).await.unwrap();
    }
    writer.close().await.unwrap();
}

#[test]
async fn many_links_talk_at_once_over_one_socket() {
    let [near, far] = sockets(MAX_MESSAGE_BYTES);
    let (near, _incoming, near_driver) = mux(near, Side::Member, Config::default());
    let (far, mut incoming, far_driver) = mux(far, Side::Relay, Config::default());
    let talks = async {
        join_all((0..LINKS).map(|number| talk(&near, number))).await;
        near.close().await;
    };
    let echoes = async {
        let mut streams = Vec::new();
        for number in 0..LINKS {
            streams.push(echo(incoming.next().await.unwrap(), number));
        }
        join_all(streams).await;
    };
    let (near_end, far_end, (), ()) = join!(near_driver, far_driver, talks, echoes);
    assert_eq!((near_end, far_end), (CloseReason::Here, CloseReason::There));
    drop(far);
}
