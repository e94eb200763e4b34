//! Bridges that misbehave, as real ones were seen to: what the client makes of each.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use komrade_i2p::net::{ConnectError, Sam, SamError, SessionError, SessionKeys, SessionOptions};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::timeout,
};

use crate::common::{PATIENCE, keys};

const HELLO: &str = "HELLO REPLY RESULT=OK VERSION=3.1\n";

/// A bridge; each connection gets the lines of one script, one after each line it says, and then ends.
async fn scripted(
    scripts: &'static [&'static [&'static str]],
) -> (Sam, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sam = Sam::new(&listener.local_addr().unwrap().to_string());
    let (said, hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for script in scripts {
            let (socket, _) = listener.accept().await.unwrap();
            let said = said.clone();
            tokio::spawn(async move {
                let mut socket = BufReader::new(socket);
                for answer in *script {
                    // Not every test listens.
                    let _ = said.send(line(&mut socket).await);
                    if socket.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (sam, hears)
}

async fn line(socket: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    socket.read_line(&mut line).await.unwrap();
    line
}

async fn session(sam: &Sam) -> Result<(), SessionError> {
    sam.session(SessionKeys::Private(&keys(30)), SessionOptions::default())
        .await
        .map(drop)
}

#[tokio::test]
async fn a_bridge_that_is_none_is_told_apart() {
    assert_eq!(
        Sam::new("127.0.0.1:1").hello().await,
        Err(SamError::BridgeGone)
    );
    let (sam, _) = scripted(&[
        &["HTTP/1.1 400 Bad Request\r\n"],
        &["HELLO REPLY RESULT=NOVERSION\n"],
        &[""],
    ])
    .await;
    assert_eq!(sam.hello().await, Err(SamError::Foreign));
    assert_eq!(sam.hello().await, Err(SamError::Foreign));
    assert_eq!(sam.hello().await, Err(SamError::BridgeGone));
}

#[tokio::test]
async fn a_silent_bridge_and_one_without_line_feeds_are_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sam = Sam::new(&listener.local_addr().unwrap().to_string());
    let silent = async {
        let (_held, _) = listener.accept().await.unwrap();
        let (mut endless, _) = listener.accept().await.unwrap();
        while endless.write_all(&[b'A'; 1024]).await.is_ok() {}
    };
    let asking = async {
        assert_eq!(sam.hello().await, Err(SamError::TimedOut));
        assert_eq!(sam.hello().await, Err(SamError::Foreign));
    };
    timeout(Duration::from_secs(30), async {
        tokio::join!(silent, asking)
    })
    .await
    .expect("an end");
}

#[tokio::test]
async fn a_session_is_asked_for_in_the_words_that_bridges_understand() {
    let (sam, mut hears) = scripted(&[&[
        HELLO,
        "SESSION STATUS RESULT=I2P_ERROR MESSAGE=\"no luck\"\n",
    ]])
    .await;
    let options = SessionOptions {
        quantity: 200,
        length: 0,
        accepts: 1,
    };
    let keys = keys(30);
    let refused = sam.session(SessionKeys::Private(&keys), options).await;
    assert_eq!(refused.map(drop), Err(SessionError::Failed));
    assert_eq!(
        hears.recv().await.unwrap(),
        "HELLO VERSION MIN=3.1 MAX=3.1\n"
    );
    let asked = hears.recv().await.unwrap();
    let (id, rest) = asked
        .strip_prefix("SESSION CREATE STYLE=STREAM ID=")
        .unwrap()
        .split_once(' ')
        .unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(
        rest,
        format!(
            "DESTINATION={} SIGNATURE_TYPE=7 i2cp.leaseSetEncType=4 inbound.length=2 outbound.length=2 \
             inbound.quantity=2 outbound.quantity=2\n",
            *keys.to_base64()
        )
    );
}

#[tokio::test]
async fn a_bridge_that_drops_sessions_under_load_is_asked_again() {
    // The first ends without a word, the second without a line feed; the third hosts somebody else.
    let (sam, mut hears) = scripted(&[
        &[HELLO, ""],
        &[HELLO, "SESSION STATUS RESULT=DUPLICATE_DEST"],
        &[
            HELLO,
            "SESSION STATUS RESULT=OK DESTINATION=AAAA\n",
            "NAMING REPLY RESULT=OK NAME=ME VALUE=AAAA\n",
        ],
    ])
    .await;
    assert_eq!(session(&sam).await, Err(SamError::Foreign.into()));
    let mut connections = 0;
    while let Ok(said) = hears.try_recv() {
        connections += usize::from(said.starts_with("HELLO"));
    }
    assert_eq!(connections, 3);
}

#[tokio::test]
async fn a_bridge_that_hosts_another_destination_gets_no_session() {
    let other = Box::leak(
        format!(
            "NAMING REPLY RESULT=OK NAME=ME VALUE={}\n",
            keys(31).destination().to_base64()
        )
        .into_boxed_str(),
    );
    let script: &'static [&'static str] = Box::leak(Box::new([
        HELLO,
        "SESSION STATUS RESULT=OK\n",
        other as &str,
    ]));
    let (sam, _) = scripted(Box::leak(Box::new([script]))).await;
    assert_eq!(session(&sam).await, Err(SessionError::BadKeys));
}

/// A bridge that answers everything well, for as long as it may.
async fn obliging(
    listener: TcpListener,
    creating: Arc<(AtomicUsize, AtomicUsize)>,
    go: Arc<Semaphore>,
) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let (creating, go) = (Arc::clone(&creating), Arc::clone(&go));
        tokio::spawn(async move {
            let mut socket = BufReader::new(socket);
            line(&mut socket).await;
            socket.write_all(HELLO.as_bytes()).await.unwrap();
            let asked = line(&mut socket).await;
            if asked.starts_with("SESSION") {
                let now = creating.0.fetch_add(1, Ordering::SeqCst) + 1;
                creating.1.fetch_max(now, Ordering::SeqCst);
                go.acquire().await.unwrap().forget();
                creating.0.fetch_sub(1, Ordering::SeqCst);
                socket
                    .write_all(b"SESSION STATUS RESULT=CANT_REACH_PEER\n")
                    .await
                    .unwrap();
            }
        });
    }
}

#[tokio::test]
async fn no_more_than_32_sessions_are_created_at_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sam = Sam::new(&listener.local_addr().unwrap().to_string());
    let creating = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let go = Arc::new(Semaphore::new(0));
    tokio::spawn(obliging(listener, Arc::clone(&creating), Arc::clone(&go)));
    let asking: tokio::task::JoinSet<_> = (0..40)
        .map(|_| {
            let sam = sam.clone();
            async move { session(&sam).await }
        })
        .collect();
    timeout(PATIENCE, async {
        while creating.0.load(Ordering::SeqCst) < 32 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("32 sessions under way");
    go.add_permits(40);
    assert_eq!(asking.join_all().await, vec![Err(SessionError::Failed); 40]);
    assert_eq!(creating.1.load(Ordering::SeqCst), 32);
}

/// A bridge with one session, whose streams it answers as told.
async fn with_session(
    streams: &'static [&'static str],
) -> (komrade_i2p::net::Session, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sam = Sam::new(&listener.local_addr().unwrap().to_string());
    let keys = keys(32);
    let me = format!(
        "NAMING REPLY RESULT=OK NAME=ME VALUE={}\n",
        keys.destination().to_base64()
    );
    let (end, mut ends) = mpsc::channel::<()>(1);
    tokio::spawn(async move {
        let (control, _) = listener.accept().await.unwrap();
        let mut control = BufReader::new(control);
        for answer in [HELLO, "SESSION STATUS RESULT=OK\n", &me] {
            line(&mut control).await;
            control.write_all(answer.as_bytes()).await.unwrap();
        }
        for answer in streams {
            let (socket, _) = listener.accept().await.unwrap();
            let mut socket = BufReader::new(socket);
            line(&mut socket).await;
            socket.write_all(HELLO.as_bytes()).await.unwrap();
            line(&mut socket).await;
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
        ends.recv().await;
    });
    let options = SessionOptions {
        accepts: 0,
        ..SessionOptions::default()
    };
    (
        sam.session(SessionKeys::Private(&keys), options)
            .await
            .unwrap(),
        end,
    )
}

#[tokio::test]
async fn every_answer_to_a_dial_has_its_own_meaning() {
    let (session, end) = with_session(&[
        "STREAM STATUS RESULT=OK\nfirst bytes",
        "STREAM STATUS RESULT=CANT_REACH_PEER",
        "STREAM STATUS RESULT=TIMEOUT\n",
        "STREAM STATUS RESULT=INVALID_ID\n",
        "STREAM STATUS RESULT=I2P_ERROR MESSAGE=\"?\"\n",
        "",
    ])
    .await;
    let to = keys(33).address();
    // Bytes that come with the answer belong to the stream.
    let mut read = Vec::new();
    session
        .connect(to)
        .await
        .unwrap()
        .read_to_end(&mut read)
        .await
        .unwrap();
    assert_eq!(read, b"first bytes");
    let to = keys(34).address();
    for error in [
        ConnectError::Unreachable,
        ConnectError::TimedOut,
        ConnectError::SessionGone,
        ConnectError::Failed,
        ConnectError::BridgeGone,
    ] {
        assert_eq!(session.connect(to).await.unwrap_err(), error);
    }

    // The control connection ends: so does the session.
    assert!(!session.is_closed());
    drop(end);
    timeout(PATIENCE, session.closed()).await.expect("closed");
    assert_eq!(
        session.connect(to).await.unwrap_err(),
        ConnectError::SessionGone
    );
}
