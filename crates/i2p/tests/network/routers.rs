//! Routers that join the network from its folder, die and come back.

use std::{fs, os::unix::fs::PermissionsExt};

use komrade_i2p::{
    Address,
    net::{
        Mode, PrivateError, PrivateNetwork, PrivateOptions, Router, RouterStage, Session,
        SessionKeys, StartError,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::common::{
    OPTIONS, PATIENCE, bridge, echo, exchange, folder, is_ready, keys, session, stage,
};

/// Makes emissary 0.4.0's SAM bridge panic, while its router goes on: what must never be written, and here is.
const POISON: &[u8] =
    b"SESSION CREATE STYLE=STREAM ID=poison DESTINATION=TRANSIENT i2cp.leaseSetEncType=3\n";

fn joining() -> Mode {
    Mode::Private {
        net_id: PrivateOptions::NET_ID,
        router_infos: folder().to_owned(),
    }
}

#[tokio::test]
async fn a_router_joins_from_the_folder_and_comes_back_when_its_bridge_dies() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("router");
    let router = Router::start(joining(), &data).unwrap();
    stage(&router, is_ready).await;
    assert_eq!(
        fs::metadata(&data).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let identity = fs::read(data.join("router.info")).unwrap()[..391].to_vec();

    let sam = router.sam();
    let ana = session(&sam, &keys(11)).await;
    let to = ana.address();
    reached(&ana, to).await;

    // The bridge panics: sessions end, and the watchdog starts the router again.
    let before = router.sam_address().unwrap();
    let mut socket = TcpStream::connect(&before).await.unwrap();
    socket
        .write_all(b"HELLO VERSION MIN=3.1 MAX=3.1\n")
        .await
        .unwrap();
    assert!(socket.read(&mut [0; 64]).await.unwrap() > 0);
    socket.write_all(POISON).await.unwrap();
    timeout(PATIENCE, ana.closed())
        .await
        .expect("the session ends with its bridge");
    assert!(ana.is_closed());
    stage(&router, |stage| matches!(stage, RouterStage::Failed { .. })).await;
    stage(&router, is_ready).await;
    assert_ne!(router.sam_address().unwrap(), before);

    // The same client, the same keys, the same router identity.
    let again = session(&sam, &keys(11)).await;
    reached(&again, to).await;
    assert_eq!(fs::read(data.join("router.info")).unwrap()[..391], identity);

    // Ended on purpose.
    router.shutdown().await;
    timeout(PATIENCE, again.closed())
        .await
        .expect("the session ends with its router");
    assert!(sam.hello().await.is_err());
}

/// A destination is reached from another router, by a caller that never was there before.
async fn reached(hosted: &Session, to: Address) {
    let caller = bridge(0)
        .session(SessionKeys::Transient, OPTIONS.connecting())
        .await
        .unwrap();
    tokio::select! {
        () = exchange(&caller, to) => {}
        () = echo(hosted) => panic!("the session ended"),
    }
}

#[tokio::test]
async fn a_router_of_others_is_watched_through_its_bridge() {
    let data = tempfile::tempdir().unwrap();
    let host_port = bridge(2).host_port().unwrap();
    let router = Router::start(Mode::Sam { host_port }, data.path()).unwrap();
    assert_eq!(
        stage(&router, is_ready).await,
        RouterStage::Ready { routers: 0 }
    );
    router.restart();
    stage(&router, |stage| matches!(stage, RouterStage::Failed { .. })).await;
    stage(&router, is_ready).await;

    // And one that is not there.
    let nowhere = Mode::Sam {
        host_port: "127.0.0.1:1".to_owned(),
    };
    let router = Router::start(nowhere, data.path()).unwrap();
    stage(&router, |stage| matches!(stage, RouterStage::Failed { .. })).await;
    assert_eq!(
        fs::read_dir(data.path()).unwrap().count(),
        0,
        "nothing is kept for others' routers"
    );
}

#[tokio::test]
async fn a_router_waits_for_its_network_and_survives_damaged_files() {
    let data = tempfile::tempdir().unwrap();
    let infos = data.path().join("infos");
    let folder = data.path().join("router");
    fs::create_dir_all(&folder).unwrap();
    // What a machine that stopped at the wrong moment leaves behind.
    fs::write(folder.join("static.key"), [1; 5]).unwrap();
    fs::write(folder.join("router.info"), [2; 100]).unwrap();
    let mode = Mode::Private {
        net_id: PrivateOptions::NET_ID,
        router_infos: infos.clone(),
    };
    let router = Router::start(mode, &folder).unwrap();
    stage(&router, |stage| {
        matches!(stage, RouterStage::NoRouters { .. })
    })
    .await;
    assert_eq!(router.sam_address(), None);
    assert_eq!(
        router.sam().hello().await,
        Err(komrade_i2p::net::SamError::NotReady)
    );

    fs::create_dir(&infos).unwrap();
    for entry in fs::read_dir(crate::common::folder()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), infos.join(entry.file_name())).unwrap();
    }
    assert_eq!(
        stage(&router, is_ready).await,
        RouterStage::Ready { routers: 6 }
    );
    assert_eq!(fs::metadata(folder.join("static.key")).unwrap().len(), 32);
}

#[tokio::test]
async fn a_network_that_cannot_be_is_refused() {
    let data = tempfile::tempdir().unwrap();
    for (routers, net_id) in [(3, 99), (33, 99), (6, 2)] {
        let options = PrivateOptions {
            folder: data.path().to_owned(),
            routers,
            net_id,
        };
        assert!(matches!(
            PrivateNetwork::start(options).await,
            Err(PrivateError::OutOfBounds)
        ));
    }
    let mode = Mode::Private {
        net_id: 2,
        router_infos: data.path().to_owned(),
    };
    assert!(matches!(
        Router::start(mode, data.path()),
        Err(StartError::NetworkId)
    ));
}
