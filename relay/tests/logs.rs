//! What the relay logs while members join, meet, misbehave and leave: a fixed set of lines, none of which
//! tells one member from another.
//!
//! Every target of this project is listened to at the highest level. A new line in the code must be added
//! here, by somebody who has looked at what it holds.

#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use futures::{AsyncReadExt, AsyncWriteExt};
use komrade_i2p::DestinationKeys;
use komrade_i2p::net::{PrivateNetwork, PrivateOptions};
use komrade_relay::LOG_TARGETS;
use komrade_relay::config::Router;
use komrade_wire::control::{FromMember, FromRelay, Hosting, Stage};
use komrade_wire::header::{Header, Opened};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use zeroize::Zeroizing;

#[path = "relay/client.rs"]
mod client;
#[path = "relay/member.rs"]
mod member;
#[path = "relay/proxy.rs"]
mod proxy;

use client::{Client, TestRelay};
use komrade_ether::{Home, NodeKey, Outcome, Pass};
use member::{forward, small};
use proxy::Proxy;

/// Lines that this scenario always causes. Counts are written as N.
const ALWAYS: &[&str] = &[
    "DEBUG komrade_i2p::net::sam::session: session ended",
    "DEBUG komrade_relay::connection: a browser is dismissed refusal=JoinSecret",
    "DEBUG komrade_relay::connection: a browser is dismissed refusal=Protocol",
    "DEBUG komrade_relay::connection: a browser is dismissed refusal=Replaced",
    "DEBUG komrade_relay::connection: a browser is dismissed refusal=ShuttingDown",
    "DEBUG komrade_relay::connection: a connection ended reason=closed by the other side",
    "DEBUG komrade_relay::connection: somebody showed a wrong join secret",
    "DEBUG komrade_relay::dialing: a dial came to nothing outcome=Away",
    "DEBUG komrade_relay::dialing: a dial came to nothing outcome=Unreachable",
    "DEBUG komrade_relay::dialing: a stream had a malformed header",
    "DEBUG komrade_relay::hosting: a hosted destination went down",
    "DEBUG komrade_relay::hosting: an incoming stream was not handed over status=Away",
    "DEBUG komrade_relay::network: a dial is tried again error=the address cannot be reached attempt=N",
    "DEBUG komrade_relay::node::link: a link to the node ended ended=Protocol",
    "DEBUG komrade_relay::node::link: no link to the node error=link version 71 is not spoken here",
    "INFO komrade_relay::hosting: a destination was refused: as many are hosted as this relay takes",
    "INFO komrade_relay::pool: a destination for dials went down",
    "INFO komrade_relay::start: I2P: ready routers=N",
];

/// Lines that depend on what happens first.
const SOMETIMES: &[&str] = &[
    "WARN komrade_i2p::net::supervisor: the router of others is of no use end=Died",
    "INFO komrade_i2p::net::supervisor: the router's stage changed stage=Building { routers: N }",
    "INFO komrade_i2p::net::supervisor: the router's stage changed stage=Failed { retry_in: N }",
    "INFO komrade_i2p::net::supervisor: the router's stage changed stage=Ready { routers: N }",
    "INFO komrade_i2p::net::supervisor: the router's stage changed stage=Starting",
    "INFO komrade_relay::start: I2P: starting",
    "INFO komrade_relay::start: I2P: building tunnels routers=N",
    "WARN komrade_relay::start: I2P: the router does not answer retry_in=N",
    "DEBUG komrade_relay::connection: a connection ended reason=closed here",
    "DEBUG komrade_i2p::net::sam: session not created error=the bridge is gone attempt=N",
    "DEBUG komrade_i2p::net::sam: session not created error=the destination is hosted already attempt=N",
    "DEBUG komrade_i2p::net::sam::session: stream not accepted error=no bridge yet",
    "DEBUG komrade_i2p::net::sam::session: stream not accepted error=the bridge is gone",
    "DEBUG komrade_relay::connection: a connection ended reason=the connection failed: other error",
    "DEBUG komrade_relay::dialing: a dial came to nothing outcome=NotReady",
    "DEBUG komrade_relay::dialing: a dial came to nothing outcome=TimedOut",
    "DEBUG komrade_relay::dialing: a dialled stream ended ended=Broken",
    "DEBUG komrade_relay::dialing: a dialled stream ended ended=Closed",
    "DEBUG komrade_relay::dialing: a stream had no header in time",
    "DEBUG komrade_relay::hosting: a destination could not be hosted error=the bridge is gone",
    "DEBUG komrade_relay::hosting: an incoming stream did not greet",
    "DEBUG komrade_relay::hosting: an incoming stream ended ended=Broken",
    "DEBUG komrade_relay::hosting: an incoming stream ended ended=Closed",
    "DEBUG komrade_relay::http: a connection ended early",
    "DEBUG komrade_relay::network: a dial is tried again error=the bridge is gone attempt=N",
    "DEBUG komrade_relay::network: a dial is tried again error=the session has ended attempt=N",
    "DEBUG komrade_relay::node::door: the node's destination could not be hosted error=the bridge is gone",
    "INFO komrade_relay::node::door: the node's destination is up",
    "INFO komrade_relay::node::door: the node's destination went down",
    "DEBUG komrade_relay::node::forward: the turn of another relay ended is_served=false",
    "DEBUG komrade_relay::node::link: a link to the node ended ended=Broken",
    "DEBUG komrade_relay::node::link: a link to the node ended ended=Closed",
    "DEBUG komrade_relay::node::reach: another relay was not reached error=the address cannot be reached attempt=N",
    "DEBUG komrade_relay::node::reach: another relay was not reached error=the bridge is gone attempt=N",
    "DEBUG komrade_relay::node::reach: another relay was not reached error=the session has ended attempt=N",
    "DEBUG komrade_relay::pool: a destination for dials is replaced",
    "DEBUG komrade_relay::pool: no destination for dials error=the bridge is gone",
];

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Every target of this project, at the highest level.
    fn listen() -> Self {
        let lines = Self::default();
        let ours =
            Targets::new().with_targets(LOG_TARGETS.map(|target| (target, LevelFilter::TRACE)));
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone());
        tracing_subscriber::registry()
            .with(layer.with_filter(ours))
            .init();
        lines
    }

    /// Each different line, with counts written as N.
    fn different(&self) -> BTreeSet<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| without_counts(line.trim()))
            .collect()
    }
}

/// `attempt=3` as `attempt=N`, `routers: 6` as `routers: N`.
fn without_counts(line: &str) -> String {
    const COUNTS: [&str; 3] = ["attempt", "retry_in", "routers"];
    let mut counts_next = false;
    let words = line.split(' ').map(|word| {
        let counted = std::mem::replace(
            &mut counts_next,
            word.strip_suffix(':')
                .is_some_and(|field| COUNTS.contains(&field)),
        );
        let (field, count) = word.split_once('=').unwrap_or(("", word));
        if !counted && !COUNTS.contains(&field) {
            return word.to_owned();
        }
        assert!(
            count.parse::<u32>().is_ok_and(|count| count < 1000),
            "{line}"
        );
        word.replace(count, "N")
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_what_happens_and_never_to_whom() {
    let lines = Lines::listen();
    let played = tokio::spawn(scenario()).await;
    let told = lines.different();
    played.unwrap_or_else(|error| panic!("{error}\n{told:#?}"));
    for line in &told {
        let known = ALWAYS.contains(&line.as_str()) || SOMETIMES.contains(&line.as_str());
        assert!(known, "a line that nobody has looked at: {line}");
    }
    for line in ALWAYS {
        assert!(told.contains(*line), "not told: {line}\namong {told:#?}");
    }
}

fn keys(number: u8) -> DestinationKeys {
    DestinationKeys::generate(&mut ChaCha20Rng::from_seed([number; 32]))
}

async fn host(client: &mut Client, keys: &DestinationKeys, wanted: Hosting) {
    client
        .say(FromMember::Host {
            blob: Zeroizing::new(keys.as_bytes().to_vec()),
        })
        .await;
    client
        .hears(|message| (message == FromRelay::Hosting(wanted)).then_some(()))
        .await;
}

async fn dial_until(client: &Client, keys: &DestinationKeys, wanted: Opened) {
    while client
        .open(Header::Dial {
            address: *keys.address().as_bytes(),
        })
        .await
        .1
        != wanted
    {}
}

/// Leaves something at the node, for here and for elsewhere, and says what no node understands.
async fn leave_and_misbehave(member: &mut Client) {
    let node = member.introduced().await;
    let mut link = member.link(&node).await;
    let (here, elsewhere) = (small(), small());
    let taken = link.deposit(Pass::default(), &here).await;
    assert_eq!(taken, Outcome::Accepted);
    let home = Home {
        address: *keys(4).address().as_bytes(),
        node: NodeKey([9; 32]),
    };
    let frame = forward(home, Pass::default(), &elsewhere);
    assert_eq!(link.ask(frame, elsewhere.id()).await, Outcome::Accepted);
    link.say_bytes(b"no frame").await;
    assert_eq!(link.heard().await, None);
    // Nor is this a handshake.
    let (mut stream, _) = member.open(Header::Node).await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
}

async fn scenario() {
    let folder = tempfile::tempdir().unwrap();
    let network = PrivateNetwork::start(PrivateOptions::new(folder.path()))
        .await
        .unwrap();
    let mut proxy = Proxy::start(network.sam_addresses()[0]).await;
    let relay = TestRelay::start(|config| {
        config.router = Router::Sam {
            address: proxy.address().to_string(),
        };
        config.limits.hosted = 1;
    })
    .await;

    // Strangers.
    let mut stranger = Client::connect(relay.address()).await;
    stranger.hello([0; 16], 1).await;
    stranger.refused().await;
    let mut stranger = Client::connect(relay.address()).await;
    stranger.say_bytes(b"no CBOR").await;
    stranger.refused().await;

    // Two members, one of whom is hosted and called.
    let (mut ana, mut bo) = (relay.join(1).await, relay.join(2).await);
    host(&mut bo, &keys(1), Hosting::Up).await;
    let mut third = relay.join(3).await;
    host(&mut third, &keys(2), Hosting::Full).await;
    dial_until(&ana, &keys(1), Opened::Connected).await;
    dial_until(&ana, &keys(3), Opened::Unreachable).await;
    leave_and_misbehave(&mut ana).await;
    let mut stream = ana.mux.open().await.unwrap();
    stream.write_all(b"\0\0\0\x03xyz").await.unwrap();
    stream.flush().await.unwrap();

    // The same member from elsewhere, who then leaves.
    let again = relay.join(2).await;
    bo.refused().await;
    again.mux.close().await;
    again.ended().await;
    dial_until(&ana, &keys(1), Opened::Away).await;

    // The bridge dies.
    proxy.kill().await;
    let failed = |message| matches!(message, FromRelay::Router(Stage::Failed { .. })).then_some(());
    third.hears(failed).await;
    tokio::join!(third.refused(), relay.running.stop());
}
