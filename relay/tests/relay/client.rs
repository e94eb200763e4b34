//! A member's end of the WebSocket, without an engine: what the tests speak to a real relay with.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::ready;
use futures::io::{ReadHalf, WriteHalf};
use futures::{AsyncReadExt, SinkExt, StreamExt};
use komrade_relay::config::{Config, Router};
use komrade_relay::{Running, start};
use komrade_wire::control::{FromMember, FromRelay, MAX_CONTROL_BYTES, Refusal, VERSION};
use komrade_wire::frame::{self, FrameReader};
use komrade_wire::header::{Header, MAX_HEADER_BYTES, Opened};
use komrade_wire::mux::{self, CloseReason, Incoming, Mux, MuxStream, Side};
use komrade_wire::websocket::{ByteStream, MAX_MESSAGE_BYTES};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{self, Message};
use zeroize::Zeroizing;

/// No test waits longer for anything; nothing here takes a tenth of it. Less than the ten minutes after which a turn that nobody ended is given anew.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// A relay with a data folder of its own.
pub struct TestRelay {
    pub running: Running,
    pub secret: [u8; 16],
    pub folder: TempDir,
    config: Config,
}

/// What is left of a relay that was stopped.
pub struct Stopped {
    pub folder: TempDir,
    config: Config,
}

impl Stopped {
    pub async fn start(self) -> TestRelay {
        TestRelay::start_in(self.folder, self.config).await
    }
}

/// A config for tests: any port, and a router that is never there.
pub fn config(folder: &TempDir) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data: Some(folder.path().to_owned()),
        router: Router::Sam {
            address: "127.0.0.1:9".into(),
        },
        ..Config::default()
    }
}

impl TestRelay {
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        change(&mut config);
        Self::start_in(folder, config).await
    }

    async fn start_in(folder: TempDir, config: Config) -> Self {
        let running = start(config.clone()).await.unwrap();
        let text = running.join_secret().unwrap();
        let secret = data_encoding::BASE64URL_NOPAD
            .decode(text.as_bytes())
            .unwrap();
        Self {
            running,
            secret: secret.try_into().unwrap(),
            folder,
            config,
        }
    }

    /// The same relay, stopped and started again.
    pub async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    /// Stops it.
    pub async fn stop(self) -> Stopped {
        self.running.stop().await;
        Stopped {
            folder: self.folder,
            config: self.config,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// Joins as the member with this account.
    pub async fn join(&self, account: u8) -> Client {
        let mut client = Client::connect(self.address()).await;
        client.hello(self.secret, account).await;
        client.welcomed().await;
        client
    }
}

/// A member's end of a connection.
pub struct Client {
    pub mux: Mux,
    pub incoming: Incoming,
    pub reader: FrameReader<ReadHalf<MuxStream>>,
    pub writer: WriteHalf<MuxStream>,
    pub driver: JoinHandle<CloseReason>,
}

impl Client {
    pub async fn connect(relay: SocketAddr) -> Self {
        let url = format!("ws://{relay}/ws");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let messages = socket
            .sink_map_err(io::Error::other)
            .with(|bytes: Vec<u8>| ready(io::Result::Ok(Message::Binary(bytes.into()))))
            .filter_map(|message: Result<Message, tungstenite::Error>| {
                ready(match message {
                    Ok(Message::Binary(bytes)) => Some(Ok(bytes.into())),
                    Ok(_) => None,
                    Err(error) => Some(Err(io::Error::other(error))),
                })
            });
        let bytes = ByteStream::new(messages, MAX_MESSAGE_BYTES);
        // More than any relay allows, so that the relay's limits are what is met.
        let config = mux::Config {
            streams: mux::MAX_STREAMS,
            ..mux::Config::default()
        };
        let (mux, incoming, driver) = mux::mux(bytes, Side::Member, config);
        let driver = tokio::spawn(driver);
        let (reader, writer) = mux.open().await.unwrap().split();
        let reader = FrameReader::new(reader, MAX_CONTROL_BYTES);
        Self {
            mux,
            incoming,
            reader,
            writer,
            driver,
        }
    }

    pub async fn say(&mut self, message: FromMember) {
        self.say_bytes(&message.encode()).await;
    }

    pub async fn say_bytes(&mut self, bytes: &[u8]) {
        frame::write(&mut self.writer, bytes, MAX_CONTROL_BYTES)
            .await
            .unwrap();
    }

    pub async fn hello(&mut self, join_secret: [u8; 16], account: u8) {
        let join_secret = Zeroizing::new(join_secret);
        let account = Zeroizing::new([account; 32]);
        self.say(FromMember::Hello {
            version: VERSION,
            join_secret,
            account,
        })
        .await;
    }

    /// The next message; `None` when the relay has closed.
    pub async fn heard(&mut self) -> Option<FromRelay> {
        let frame = tokio::time::timeout(PATIENCE, self.reader.next())
            .await
            .expect("no word");
        Some(FromRelay::decode(&frame.ok()??).unwrap().unwrap())
    }

    /// Waits for a message of which `wanted` makes something; skips others.
    pub async fn hears<T>(&mut self, wanted: impl Fn(FromRelay) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.heard().await.expect("the relay closed")) {
                return found;
            }
        }
    }

    /// The welcome: limits and whether the session was resumed.
    pub async fn welcomed(&mut self) -> (komrade_wire::control::Limits, bool) {
        match self.heard().await {
            Some(FromRelay::Welcome {
                version: VERSION,
                limits,
                resumed,
            }) => (limits, resumed),
            other => panic!("no welcome but {other:?}"),
        }
    }

    /// The refusal, then the end of the connection.
    pub async fn refused(mut self) -> Refusal {
        let refusal = self
            .hears(|message| match message {
                FromRelay::Refused(refusal) => Some(refusal),
                _ => None,
            })
            .await;
        assert_eq!(self.heard().await, None);
        self.mux.close().await;
        self.ended().await;
        refusal
    }

    /// The end of the connection.
    pub async fn ended(self) {
        tokio::time::timeout(PATIENCE, self.driver)
            .await
            .expect("still connected")
            .unwrap();
    }

    /// Opens a stream with this header and waits for the answer.
    pub async fn open(&self, header: Header) -> (MuxStream, Opened) {
        let mut stream = self.mux.open().await.unwrap();
        frame::write(&mut stream, &header.encode(), MAX_HEADER_BYTES)
            .await
            .unwrap();
        let answer = frame::read(&mut stream, MAX_HEADER_BYTES);
        let answer = tokio::time::timeout(PATIENCE, answer)
            .await
            .expect("no answer");
        let opened = Opened::decode(&answer.unwrap().expect("a reset")).unwrap();
        (stream, opened)
    }
}
