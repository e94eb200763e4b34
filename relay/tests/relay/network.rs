//! Streams between two relays through real I2P routers.
//!
//! All tests share one private network; it needs some seconds until its first tunnels stand.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use komrade_i2p::DestinationKeys;
use komrade_i2p::net::{PrivateNetwork, PrivateOptions, Sam, SessionKeys, SessionOptions};
use komrade_relay::config::{Config, Router};
use komrade_wire::control::{FromMember, FromRelay, Hosting, Refusal, Stage};
use komrade_wire::frame;
use komrade_wire::header::{Header, MAX_HEADER_BYTES, Opened};
use komrade_wire::mux::MuxStream;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use crate::client::{Client, PATIENCE, TestRelay};
use crate::proxy::Proxy;

struct Shared {
    network: PrivateNetwork,
    folder: tempfile::TempDir,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        // On a thread of its own, since whichever test comes first has a runtime already.
        let start = || {
            let folder = tempfile::tempdir().unwrap();
            let options = PrivateOptions::new(folder.path());
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let network = runtime.block_on(PrivateNetwork::start(options)).unwrap();
            Shared { network, folder }
        };
        std::thread::spawn(start).join().unwrap()
    })
}

pub fn bridge(number: usize) -> SocketAddr {
    shared().network.sam_addresses()[number]
}

/// A relay at the bridge of one of the network's routers.
pub async fn relay_at(bridge: SocketAddr, change: impl FnOnce(&mut Config)) -> TestRelay {
    TestRelay::start(|config| {
        config.router = Router::Sam {
            address: bridge.to_string(),
        };
        change(config);
    })
    .await
}

/// Keys of a member; each test has numbers of its own.
fn keys(number: u8) -> DestinationKeys {
    DestinationKeys::generate(&mut ChaCha20Rng::from_seed([number; 32]))
}

fn dial(keys: &DestinationKeys) -> Header {
    Header::Dial {
        address: *keys.address().as_bytes(),
    }
}

async fn host(client: &mut Client, keys: &DestinationKeys) {
    client
        .say(FromMember::Host {
            blob: Zeroizing::new(keys.as_bytes().to_vec()),
        })
        .await;
}

async fn hosting(client: &mut Client, wanted: Hosting) {
    client
        .hears(|message| (message == FromRelay::Hosting(wanted)).then_some(()))
        .await;
}

async fn host_until_up(client: &mut Client, keys: &DestinationKeys) {
    host(client, keys).await;
    hosting(client, Hosting::Up).await;
}

/// Dials until the answer is this one: a network that has just begun is not always reachable.
async fn dial_until(client: &Client, keys: &DestinationKeys, wanted: Opened) -> MuxStream {
    let started = Instant::now();
    loop {
        let (stream, opened) = client.open(dial(keys)).await;
        if opened == wanted {
            return stream;
        }
        let passes = matches!(
            opened,
            Opened::NotReady | Opened::Unreachable | Opened::TimedOut
        );
        assert!(
            passes && started.elapsed() < PATIENCE,
            "{opened:?} instead of {wanted:?}"
        );
        sleep(Duration::from_millis(200)).await;
    }
}

/// The stream that came in, behind its header.
async fn incoming(client: &mut Client) -> MuxStream {
    let next = timeout(PATIENCE, client.incoming.next());
    let mut stream = next.await.expect("nobody came").expect("the relay closed");
    let header = frame::read(&mut stream, MAX_HEADER_BYTES)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(Header::decode(&header).unwrap(), Header::Incoming);
    stream
}

/// Sends so many bytes from one to the other and sees them arrive.
async fn carry(from: &mut MuxStream, to: &mut MuxStream, count: usize) {
    let sent: Vec<u8> = (0..count).map(|at| (at * 7 + at / 251) as u8).collect();
    let mut arrived = vec![0; count];
    let write = async {
        from.write_all(&sent).await.unwrap();
        from.flush().await.unwrap();
    };
    let read = async {
        timeout(PATIENCE, to.read_exact(&mut arrived))
            .await
            .unwrap()
            .unwrap()
    };
    tokio::join!(write, read);
    assert!(sent == arrived, "other bytes arrived than were sent");
}

/// The end of a stream, however it ends.
async fn end(stream: &mut MuxStream) {
    assert_eq!(
        timeout(PATIENCE, stream.read(&mut [0]))
            .await
            .unwrap()
            .unwrap_or(0),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_members_of_two_relays_exchange_bytes() {
    let (ana, bo) = (keys(1), keys(2));
    // One with a router of its own in the network, one at the bridge of another's.
    let embedded = TestRelay::start(|config| {
        config.router = Router::Private {
            folder: shared().folder.path().to_owned(),
            net_id: 99,
        };
    })
    .await;
    let sam = relay_at(bridge(0), |_| {}).await;
    let mut ana_browser = embedded.join(1).await;
    let mut bo_browser = sam.join(2).await;
    tokio::join!(
        host_until_up(&mut ana_browser, &ana),
        host_until_up(&mut bo_browser, &bo)
    );

    let mut to_bo = dial_until(&ana_browser, &bo, Opened::Connected).await;
    let mut from_ana = incoming(&mut bo_browser).await;
    let mut to_ana = dial_until(&bo_browser, &ana, Opened::Connected).await;
    let mut from_bo = incoming(&mut ana_browser).await;
    carry(&mut to_bo, &mut from_ana, 64 * 1024).await;
    carry(&mut from_ana, &mut to_bo, 64 * 1024).await;
    tokio::join!(
        carry(&mut to_bo, &mut from_ana, 10_000),
        carry(&mut to_ana, &mut from_bo, 10_000),
    );

    // Whatever was written before a close arrives, and then the end.
    to_bo.write_all(b"last words").await.unwrap();
    to_bo.close().await.unwrap();
    let mut last_words = String::new();
    timeout(PATIENCE, from_ana.read_to_string(&mut last_words))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last_words, "last words");
    // The other stream goes on; breaking it off ends it for the other, too.
    carry(&mut from_bo, &mut to_ana, 1000).await;
    drop(from_bo);
    end(&mut to_ana).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_flow_at_once_and_one_that_nobody_reads_stops_no_other() {
    let relay = relay_at(bridge(0), |_| {}).await;
    let bo = keys(3);
    let ana_browser = relay.join(1).await;
    let mut bo_browser = relay.join(2).await;
    host_until_up(&mut bo_browser, &bo).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let there = dial_until(&ana_browser, &bo, Opened::Connected).await;
        streams.push((there, incoming(&mut bo_browser).await));
    }
    let (mut unread, _silent) = streams.pop().unwrap();
    let stuck = tokio::spawn(async move { unread.write_all(&vec![1; 8 << 20]).await });
    let carried = streams
        .iter_mut()
        .map(|(there, here)| carry(there, here, 16 * 1024));
    futures::future::join_all(carried).await;
    assert!(!stuck.is_finished(), "8 MiB were taken that nobody reads");
    stuck.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_left_is_away_and_comes_back_to_the_same_destination() {
    let relay = relay_at(bridge(1), |config| config.limits.grace_seconds = [600, 600]).await;
    let bo = keys(4);
    let ana_browser = relay.join(1).await;
    let mut bo_browser = relay.join(2).await;
    host_until_up(&mut bo_browser, &bo).await;
    drop(dial_until(&ana_browser, &bo, Opened::Connected).await);

    let driver = bo_browser.driver;
    bo_browser.mux.close().await;
    timeout(PATIENCE, driver).await.unwrap().unwrap();
    // The relay may learn of it a moment later.
    until_away(&ana_browser, &bo).await;

    let mut bo_browser = Client::connect(relay.address()).await;
    bo_browser.hello(relay.secret, 2).await;
    assert!(bo_browser.welcomed().await.1, "not resumed");
    let mut stages = Vec::new();
    host(&mut bo_browser, &bo).await;
    bo_browser.say(FromMember::Ping(1)).await;
    loop {
        match bo_browser.heard().await.unwrap() {
            FromRelay::Hosting(stage) => stages.push(stage),
            FromRelay::Pong(1) => break,
            _ => {}
        }
    }
    assert_eq!(stages, [Hosting::Up], "it was not simply still up");
    let mut there = dial_until(&ana_browser, &bo, Opened::Connected).await;
    carry(&mut there, &mut incoming(&mut bo_browser).await, 1000).await;
}

/// Dials until the member is away. Before, its browser may still seem to be there.
async fn until_away(client: &Client, keys: &DestinationKeys) {
    let started = Instant::now();
    while client.open(dial(keys)).await.1 != Opened::Away {
        assert!(started.elapsed() < PATIENCE, "never away");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_with_its_grace_time() {
    let relay = relay_at(bridge(1), |config| {
        config.limits.grace_seconds = [0, 0];
        config.limits.hosted = 1;
    })
    .await;
    let mut bo_browser = relay.join(2).await;
    host_until_up(&mut bo_browser, &keys(5)).await;
    bo_browser.mux.close().await;
    bo_browser.ended().await;
    // Its place is free again.
    let mut other = relay.join(3).await;
    let started = Instant::now();
    loop {
        host(&mut other, &keys(6)).await;
        let settled = |message| match message {
            FromRelay::Hosting(Hosting::Full) => Some(false),
            FromRelay::Hosting(Hosting::Up) => Some(true),
            _ => None,
        };
        if other.hears(settled).await {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "never free");
        other.say(FromMember::Unhost).await;
    }
    let mut back = Client::connect(relay.address()).await;
    back.hello(relay.secret, 2).await;
    assert!(!back.welcomed().await.1, "resumed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_destinations_as_allowed_are_hosted() {
    let relay = relay_at(bridge(2), |config| config.limits.hosted = 1).await;
    let mut first = relay.join(1).await;
    let mut second = relay.join(2).await;
    host_until_up(&mut first, &keys(7)).await;
    host(&mut second, &keys(8)).await;
    hosting(&mut second, Hosting::Full).await;
    // Another destination of the same member takes the place of its first.
    host_until_up(&mut first, &keys(9)).await;
    // Given up at once, it is free for others at once.
    first.say(FromMember::Unhost).await;
    hosting(&mut first, Hosting::Off).await;
    host_until_up(&mut second, &keys(8)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_browser_of_the_same_account_takes_over() {
    let relay = relay_at(bridge(0), |_| {}).await;
    let bo = keys(10);
    let ana_browser = relay.join(1).await;
    let mut before = relay.join(2).await;
    host_until_up(&mut before, &bo).await;
    let mut after = relay.join(2).await;
    assert_eq!(before.refused().await, Refusal::Replaced);
    hosting(&mut after, Hosting::Up).await;
    let mut there = dial_until(&ana_browser, &bo, Opened::Connected).await;
    carry(&mut there, &mut incoming(&mut after).await, 1000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_with_all_streams_taken_is_told_of_to_both_sides() {
    let one = |config: &mut Config| config.limits.streams = 1;
    let (caller, callee) = (
        relay_at(bridge(0), one).await,
        relay_at(bridge(1), one).await,
    );
    let bo = keys(11);
    let ana_browser = caller.join(1).await;
    let mut bo_browser = callee.join(2).await;
    host_until_up(&mut bo_browser, &bo).await;
    let _first = dial_until(&ana_browser, &bo, Opened::Connected).await;
    // Ana's own relay has no place for a second one, nor has Bo's for one of somebody else.
    assert_eq!(ana_browser.open(dial(&keys(12))).await.1, Opened::TooMany);
    let else_browser = caller.join(3).await;
    drop(dial_until(&else_browser, &bo, Opened::TooMany).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_is_hosted_anew_is_reached_again() {
    let relay = relay_at(bridge(0), |_| {}).await;
    let callee = relay_at(bridge(2), |_| {}).await;
    let bo = keys(18);
    let ana_browser = relay.join(1).await;
    let mut bo_browser = callee.join(2).await;
    // More often than the pool has destinations.
    for _ in 0..4 {
        host_until_up(&mut bo_browser, &bo).await;
        let mut there = dial_until(&ana_browser, &bo, Opened::Connected).await;
        carry(&mut there, &mut incoming(&mut bo_browser).await, 1000).await;
        bo_browser.say(FromMember::Unhost).await;
        hosting(&mut bo_browser, Hosting::Off).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_nobody_hosts_is_unreachable() {
    let relay = relay_at(bridge(1), |_| {}).await;
    let mut browser = relay.join(1).await;
    let ready = |message| matches!(message, FromRelay::Router(Stage::Ready { .. })).then_some(());
    browser.hears(ready).await;
    drop(dial_until(&browser, &keys(17), Opened::Unreachable).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_no_relay_is_told_apart_from_one_that_does_not_answer() {
    let relay = relay_at(bridge(0), |config| config.limits.dial_seconds = 20).await;
    let browser = relay.join(1).await;
    let options = SessionOptions {
        length: 2,
        ..SessionOptions::default()
    };
    let keys = keys(13);
    let stranger = Sam::new(&bridge(1).to_string());
    let stranger = stranger
        .session(SessionKeys::Private(&keys), options)
        .await
        .unwrap();
    let foreign = async {
        loop {
            let (mut stream, _) = stranger.accept().await.unwrap();
            use tokio::io::AsyncWriteExt;
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            stream.shutdown().await.unwrap();
        }
    };
    tokio::select! {
        _ = dial_until(&browser, &keys, Opened::Foreign) => {}
        () = foreign => {}
    }
    // Nobody answers the greeting now.
    let (_, opened) = browser.open(dial(&keys)).await;
    assert_eq!(opened, Opened::TimedOut);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_stream_is_closed() {
    let relay = relay_at(bridge(2), |config| config.limits.stream_idle_seconds = 1).await;
    let bo = keys(14);
    let mut browser = relay.join(1).await;
    host_until_up(&mut browser, &bo).await;
    let mut there = dial_until(&browser, &bo, Opened::Connected).await;
    let mut here = incoming(&mut browser).await;
    end(&mut there).await;
    end(&mut here).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_dies_and_comes_back_is_used_again() {
    let mut proxy = Proxy::start(bridge(2)).await;
    let relay = relay_at(proxy.address(), |_| {}).await;
    let bo = keys(15);
    let ana_browser = relay.join(1).await;
    let mut bo_browser = relay.join(2).await;
    host_until_up(&mut bo_browser, &bo).await;
    let mut there = dial_until(&ana_browser, &bo, Opened::Connected).await;
    let mut here = incoming(&mut bo_browser).await;
    carry(&mut there, &mut here, 1000).await;

    proxy.kill().await;
    end(&mut there).await;
    end(&mut here).await;
    // The browser is told of both, the router and its own destination.
    let down =
        |message| matches!(message, FromRelay::Hosting(Hosting::Failed { .. })).then_some(());
    bo_browser.hears(down).await;

    proxy.revive().await;
    hosting(&mut bo_browser, Hosting::Up).await;
    let mut there = dial_until(&ana_browser, &bo, Opened::Connected).await;
    let mut here = incoming(&mut bo_browser).await;
    carry(&mut there, &mut here, 1000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_is_not_there_yet_is_waited_for() {
    let mut proxy = Proxy::start(bridge(0)).await;
    proxy.kill().await;
    let relay = relay_at(proxy.address(), |_| {}).await;
    let mut browser = relay.join(1).await;
    let failed = |message| matches!(message, FromRelay::Router(Stage::Failed { .. })).then_some(());
    browser.hears(failed).await;
    host(&mut browser, &keys(16)).await;
    hosting(&mut browser, Hosting::Waiting).await;
    proxy.revive().await;
    hosting(&mut browser, Hosting::Up).await;
}
