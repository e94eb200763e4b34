#![allow(clippy::unwrap_used)]

use komrade_wire::link::Initiator;
use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::*;
use crate::config::Cache;

const SECOND: Duration = Duration::from_secs(1);

/// A stranger's link to a node, which is served meanwhile.
async fn link(limits: LinkLimits) -> (Halves<Compat<DuplexStream>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let node = Arc::new(Node::open(folder.path(), &Cache::default()).unwrap());
    let (near, far) = tokio::io::duplex(64 * 1024);
    let start = Initiator::node(&node.keys.public(), &mut random::source().unwrap()).unwrap();
    tokio::spawn(serve(node, far.compat(), Party::Stranger, limits));
    let halves = link::dial(near.compat(), start, std::future::pending()).await;
    (halves.unwrap(), folder)
}

fn limits() -> LinkLimits {
    LinkLimits {
        handshake: 60 * SECOND,
        idle: None,
        longest: None,
        stall: 60 * SECOND,
        window: 256 * 1024,
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_understands_keeps_no_link() {
    let idle = Some(60 * SECOND);
    let ((mut reader, mut writer), _folder) = link(LinkLimits { idle, ..limits() }).await;
    let began = Instant::now();
    let babble = async {
        loop {
            sleep(20 * SECOND).await;
            // Once the link has ended, nobody hears it.
            let _ = writer.send(&[1, 200, 7]).await;
        }
    };
    tokio::select! {
        ended = reader.next() => assert!(matches!(ended, Ok(None))),
        () = babble => {}
        () = sleep(600 * SECOND) => {}
    }
    assert!(began.elapsed() < 80 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_link_lasts_no_longer_than_it_may() {
    let longest = Some(600 * SECOND);
    let ((mut reader, _writer), _folder) = link(LinkLimits {
        longest,
        ..limits()
    })
    .await;
    let began = Instant::now();
    let ended = timeout(6000 * SECOND, reader.next()).await;
    assert!(matches!(ended, Ok(Ok(None))));
    assert!(began.elapsed() >= 590 * SECOND && began.elapsed() < 610 * SECOND);
}
