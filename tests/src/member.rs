//! A member's end of the WebSocket, without an engine: what benchmarks speak to a real relay with.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use futures::{
    AsyncReadExt, AsyncWriteExt, SinkExt, StreamExt,
    io::{ReadHalf, WriteHalf},
};
use komrade_ether::{Frame, NodeKey};
use komrade_wire::{
    control::{FromMember, FromRelay, MAX_CONTROL_BYTES, VERSION},
    frame::{self, FrameReader},
    header::{Header, MAX_HEADER_BYTES, Opened},
    link::{self, Initiator, LinkReader, LinkWriter},
    mux::{Config, Incoming, Mux, MuxStream, Side, mux},
    websocket::{ByteStream, MAX_MESSAGE_BYTES},
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::{LOCAL, Relay};

/// What a relay says of its node, as far as a link to it needs that.
#[derive(Debug, Clone, Copy)]
pub struct NodeAbout {
    /// Its public key.
    pub key: NodeKey,
    /// Tells it from the one before a wipe.
    pub incarnation: u64,
}

/// A member that is connected; the connection ends with this.
pub struct Member {
    mux: Mux,
    _incoming: Incoming,
    control: WriteHalf<MuxStream>,
    pongs: mpsc::Receiver<u64>,
    node: NodeAbout,
    carried: Arc<AtomicU64>,
}

impl Member {
    /// Joins `relay` with the account of this number.
    ///
    /// # Errors
    /// If the relay is not reached or refuses.
    pub async fn join(relay: &Relay, account: u8) -> Result<Self> {
        let secret = relay.join_link().rsplit('/').next();
        let secret = secret.context("no join secret")?;
        let secret = data_encoding::BASE64URL_NOPAD.decode(secret.as_bytes())?;
        let secret = <[u8; 16]>::try_from(secret).ok();
        let secret = secret.context("the join secret has 16 bytes")?;
        let url = format!("ws://{}/ws", relay.listen());
        // Without waiting for acknowledgements, as browsers do.
        let (socket, _) = tokio_tungstenite::connect_async_with_config(url, None, true).await?;
        let carried = Arc::new(AtomicU64::new(0));
        let count = |bytes: usize, carried: &AtomicU64| {
            carried.fetch_add(bytes as u64, Ordering::Relaxed);
        };
        let (out, back) = (Arc::clone(&carried), Arc::clone(&carried));
        let messages = socket
            .with(move |bytes: Vec<u8>| {
                count(bytes.len(), &out);
                std::future::ready(Ok(Message::binary(bytes)))
            })
            .sink_map_err(|error: tungstenite::Error| io::Error::other(error))
            .map(move |message| {
                let bytes = message.map_err(io::Error::other)?.into_data().to_vec();
                count(bytes.len(), &back);
                Ok(bytes)
            });
        let bytes = ByteStream::new(messages, MAX_MESSAGE_BYTES);
        let (mux, incoming, driver) = mux(bytes, Side::Member, Config::default());
        tokio::spawn(driver);
        let (reader, mut control) = mux.open().await?.split();
        let hello = FromMember::Hello {
            version: VERSION,
            join_secret: secret.into(),
            account: [account; 32].into(),
        };
        frame::write(&mut control, &hello.encode(), MAX_CONTROL_BYTES).await?;
        let mut reader = FrameReader::new(reader, MAX_CONTROL_BYTES);
        let node = tokio::time::timeout(LOCAL, introduced(&mut reader)).await??;
        let (to, pongs) = mpsc::channel(1);
        // What the relay says has to be read, or it stops.
        tokio::spawn(async move {
            while let Ok(Some(bytes)) = reader.next().await {
                if let Ok(Some(FromRelay::Pong(number))) = FromRelay::decode(&bytes)
                    && to.send(number).await.is_err()
                {
                    return;
                }
            }
        });
        Ok(Self {
            mux,
            _incoming: incoming,
            control,
            pongs,
            node,
            carried,
        })
    }

    /// What the relay said of its node.
    pub fn node(&self) -> NodeAbout {
        self.node
    }

    /// Bytes that went over the WebSocket so far, both ways, without its own framing.
    pub fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    /// How long a round trip to the relay takes.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn ping(&mut self) -> Result<Duration> {
        let started = Instant::now();
        let ping = FromMember::Ping(1).encode();
        frame::write(&mut self.control, &ping, MAX_CONTROL_BYTES).await?;
        self.pongs.recv().await.context("the relay is gone")?;
        Ok(started.elapsed())
    }

    /// A stream with this header, and what the relay says to it.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn open(&self, header: Header) -> Result<(MuxStream, Opened)> {
        let mut stream = self.mux.open().await?;
        frame::write(&mut stream, &header.encode(), MAX_HEADER_BYTES).await?;
        stream.flush().await?;
        let answer = frame::read(&mut stream, MAX_HEADER_BYTES).await?;
        let opened = Opened::decode(&answer.context("no answer to a header")?)?;
        Ok((stream, opened))
    }

    /// A link to the relay's node.
    ///
    /// # Errors
    /// If the relay refuses, or the handshake fails.
    pub async fn link(&self) -> Result<NodeLink> {
        let (stream, opened) = self.open(Header::Node).await?;
        ensure!(opened == Opened::Connected, "{opened:?} instead of a link");
        // Nothing here is a secret.
        let mut chance = ChaCha20Rng::seed_from_u64(self.carried());
        let start = Initiator::node(&self.node.key.0, &mut chance)?;
        let (reader, writer) = link::dial(stream, start, tokio::time::sleep(LOCAL)).await?;
        Ok(NodeLink { reader, writer })
    }
}

/// Waits for what the relay says of its node, after the welcome.
async fn introduced(control: &mut FrameReader<ReadHalf<MuxStream>>) -> Result<NodeAbout> {
    loop {
        let bytes = control.next().await?.context("no welcome")?;
        match FromRelay::decode(&bytes)? {
            Some(FromRelay::Node {
                key, incarnation, ..
            }) => {
                let key = NodeKey(key);
                return Ok(NodeAbout { key, incarnation });
            }
            Some(FromRelay::Refused(refusal)) => bail!("the relay refused: {refusal:?}"),
            _ => {}
        }
    }
}

/// A link to a relay's node.
pub struct NodeLink {
    reader: LinkReader<ReadHalf<MuxStream>>,
    writer: LinkWriter<WriteHalf<MuxStream>>,
}

impl NodeLink {
    /// Says these, one after another.
    ///
    /// # Errors
    /// If the link has ended.
    pub async fn say(&mut self, frames: &[Frame]) -> Result<()> {
        Ok(self
            .writer
            .send_all(frames.iter().map(Frame::encode))
            .await?)
    }

    /// The next frame.
    ///
    /// # Errors
    /// If the link has ended, or nothing comes within [`LOCAL`].
    pub async fn hear(&mut self) -> Result<Frame> {
        let bytes = tokio::time::timeout(LOCAL, self.reader.next()).await??;
        Ok(Frame::decode(&bytes.context("the node closed")?)?)
    }
}
