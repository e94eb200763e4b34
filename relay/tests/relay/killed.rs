//! The real binary, killed at any moment: nothing that was acknowledged is lost.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use komrade_ether::{Class, EnvelopeId, Frame, Outcome, Pass, Size};
use tokio::sync::Notify;

use crate::client::Client;
use crate::member::{NodeLink, deposit, envelope};

const ROUNDS: usize = 6;
const MEMBERS: u8 = 3;

/// The binary, killed when this is dropped.
struct Binary {
    process: Child,
    address: SocketAddr,
    secret: [u8; 16],
}

impl Binary {
    fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_komrade-relay"))
            .args(["--print-json", "--listen", "127.0.0.1:0", "--router", "sam"])
            .args(["127.0.0.1:9", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let origin = said["origin"].as_str().unwrap();
        let secret = data_encoding::BASE64URL_NOPAD
            .decode(said["join"].as_str().unwrap().as_bytes())
            .unwrap();
        Self {
            address: origin.trim_start_matches("http://").parse().unwrap(),
            secret: secret.try_into().unwrap(),
            process,
        }
    }

    async fn join(&self, account: u8) -> Client {
        let mut client = Client::connect(self.address).await;
        client.hello(self.secret, account).await;
        client.welcomed().await;
        client
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // SIGKILL: it is told nothing and cleans nothing up.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Puts until the relay is gone, as many at once as a window takes. Gives what was acknowledged.
async fn put_until_killed(
    mut link: NodeLink,
    acknowledged: Arc<AtomicUsize>,
    heard: Arc<Notify>,
) -> Vec<EnvelopeId> {
    let mut held = Vec::new();
    loop {
        for size in [Size::K2, Size::K64, Size::K4, Size::K16] {
            let frame = deposit(Pass::default(), &envelope(Class::ordinary(size)));
            if link.try_say(&frame).await.is_none() {
                return held;
            }
        }
        for _ in 0..4 {
            match link.heard().await {
                Some(Frame::Ack { id, outcome }) => {
                    assert_eq!(outcome, Outcome::Accepted);
                    held.push(id);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    heard.notify_one();
                }
                Some(other) => panic!("{other:?}"),
                None => return held,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_put_is_lost_when_the_relay_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = BTreeSet::new();
    let mut about = None;
    for round in 0..ROUNDS {
        let relay = Binary::start(folder.path());
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let heard = Arc::new(Notify::new());
        // All are linked before the first puts: else the relay may be gone before the last has come.
        let mut members = Vec::new();
        for account in 1..=MEMBERS {
            let mut client = relay.join(account).await;
            let node = client.introduced().await;
            let link = client.link(&node).await;
            members.push((client, link));
        }
        let mut putting = Vec::new();
        for (client, link) in members {
            let put = put_until_killed(link, Arc::clone(&acknowledged), Arc::clone(&heard));
            putting.push(tokio::spawn(async move {
                let _connected = client;
                put.await
            }));
        }
        // Each round somewhere else within the work.
        while acknowledged.load(Ordering::Relaxed) < 10 + 7 * round {
            heard.notified().await;
        }
        drop(relay);
        for task in putting {
            held.extend(task.await.unwrap());
        }

        let relay = Binary::start(folder.path());
        let mut client = relay.join(9).await;
        let node = client.introduced().await;
        assert_eq!(
            *about.get_or_insert(node),
            node,
            "another node after round {round}"
        );
        let mut link = client.link(&node).await;
        link.subscribe(0, 0).await;
        let (found, _) = link.catch_up().await;
        let found = BTreeSet::from_iter(found);
        let lost = held.difference(&found).count();
        assert_eq!(lost, 0, "{lost} of {} lost in round {round}", held.len());
    }
    assert!(held.len() > 10 * ROUNDS);
}
