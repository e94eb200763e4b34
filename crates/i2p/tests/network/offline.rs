//! The first start of an embedded router without internet.

use std::process::Command;

use komrade_i2p::net::{Mode, Router, RouterStage};

use crate::common::stage;

/// A proxy that refuses everything: this test must reach nobody, wherever it runs.
const PROXY: (&str, &str) = ("HTTPS_PROXY", "http://127.0.0.1:1");
const NAME: &str = "offline::a_router_without_internet_says_so_and_tries_again";

#[test]
fn a_router_without_internet_says_so_and_tries_again() {
    if std::env::var(PROXY.0).ok().as_deref() != Some(PROXY.1) {
        // The reseeder takes its proxy from the environment, which a process cannot safely change for itself.
        let test = std::env::current_exe().unwrap();
        let again = Command::new(test)
            .args(["--exact", NAME])
            .env(PROXY.0, PROXY.1)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stdout);
        assert!(
            again.status.success() && said.contains("1 passed"),
            "{said}"
        );
        return;
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let router = Router::start(Mode::Embedded { public: None }, folder.path()).unwrap();
            stage(&router, |stage| {
                *stage == RouterStage::Reseeding { attempt: 1 }
            })
            .await;
            let waits = stage(&router, |stage| {
                matches!(stage, RouterStage::NoRouters { .. })
            })
            .await;
            assert!(
                matches!(waits, RouterStage::NoRouters { retry_in: 5..=10 }),
                "{waits:?}"
            );
            assert_eq!(router.sam_address(), None);
            // The next attempt at once, as somebody who got online may ask.
            router.restart();
            stage(&router, |stage| {
                *stage == RouterStage::Reseeding { attempt: 2 }
            })
            .await;
        });
}
