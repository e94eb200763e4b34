//! A member's link to its relay's node, and envelopes to put there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::io::{ReadHalf, WriteHalf};
use futures::{AsyncRead, AsyncWrite};
use komrade_ether::{
    Bucket, Class, Day, Envelope, EnvelopeId, Frame, Header as EnvelopeHeader, Home, NodeKey,
    Outcome, Pass, Size, Token, Work, work,
};
use komrade_wire::control::FromRelay;
use komrade_wire::header::{Header, Opened};
use komrade_wire::link::{self, Initiator, LinkReader, LinkWriter};
use komrade_wire::mux::MuxStream;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use tokio::time::{sleep, timeout};

use crate::client::{Client, PATIENCE};

/// What a relay says of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    pub home: Home,
    pub token: Token,
    pub bits: u8,
    pub incarnation: u64,
}

/// A link to a node.
pub struct NodeLink<S = MuxStream> {
    reader: LinkReader<ReadHalf<S>>,
    writer: LinkWriter<WriteHalf<S>>,
}

impl Client {
    /// What the relay says of its node.
    pub async fn introduced(&mut self) -> About {
        self.hears(|message| match message {
            FromRelay::Node {
                address,
                key,
                token,
                bits,
                incarnation,
            } => Some(About {
                home: Home {
                    address,
                    node: NodeKey(key),
                },
                token: Token(token),
                bits,
                incarnation,
            }),
            _ => None,
        })
        .await
    }

    /// A link to the relay's own node.
    pub async fn link(&self, node: &About) -> NodeLink {
        let (stream, opened) = self.open(Header::Node).await;
        assert_eq!(opened, Opened::Connected);
        NodeLink::dial(stream, &node.home.node).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> NodeLink<S> {
    pub async fn dial(stream: S, node: &NodeKey) -> Self {
        let start = Initiator::node(&node.0, &mut chance()).unwrap();
        let (reader, writer) = link::dial(stream, start, sleep(PATIENCE)).await.unwrap();
        Self { reader, writer }
    }

    pub async fn say(&mut self, frame: Frame) {
        self.say_bytes(&frame.encode()).await;
    }

    pub async fn say_bytes(&mut self, bytes: &[u8]) {
        self.writer.send(bytes).await.unwrap();
    }

    /// Says something to a node that may be gone: `None` if it is.
    pub async fn try_say(&mut self, frame: &Frame) -> Option<()> {
        self.writer.send(&frame.encode()).await.ok()
    }

    /// The next frame; `None` when the node has closed.
    pub async fn heard(&mut self) -> Option<Frame> {
        let next = timeout(PATIENCE, self.reader.next()).await;
        let bytes = next.expect("no word").ok()??;
        Some(Frame::decode(&bytes).unwrap())
    }

    pub async fn hear(&mut self) -> Frame {
        self.heard().await.expect("the node closed")
    }

    /// Says something about an envelope and waits for what comes of it.
    pub async fn ask(&mut self, frame: Frame, id: EnvelopeId) -> Outcome {
        self.say(frame).await;
        self.outcome(id).await
    }

    /// What comes of an envelope; whatever else comes is skipped.
    pub async fn outcome(&mut self, id: EnvelopeId) -> Outcome {
        loop {
            match self.hear().await {
                Frame::Ack { id: of, outcome } if of == id => return outcome,
                Frame::Ack { .. } => panic!("an answer to something else"),
                _ => {}
            }
        }
    }

    pub async fn deposit(&mut self, pass: Pass, envelope: &Envelope) -> Outcome {
        self.ask(deposit(pass, envelope), envelope.id()).await
    }

    /// Subscribes to everything; gives what the node says of its log.
    pub async fn subscribe(&mut self, incarnation: u64, after: u64) -> Frame {
        let bucket = Bucket::WHOLE;
        self.say(Frame::Subscribe {
            bucket,
            incarnation,
            after,
        })
        .await;
        self.hear().await
    }

    /// What arrives until everything was sent, and where the cursor may go.
    pub async fn catch_up(&mut self) -> (Vec<EnvelopeId>, u64) {
        let mut arrived = Vec::new();
        loop {
            match self.hear().await {
                Frame::Arrived { envelope, .. } => arrived.push(envelope.id()),
                Frame::CaughtUp { until } => return (arrived, until),
                other => panic!("{other:?} while catching up"),
            }
        }
    }

    /// The next arrival.
    pub async fn arrival(&mut self) -> Envelope {
        match self.hear().await {
            Frame::Arrived { envelope, .. } => envelope,
            other => panic!("{other:?} instead of an arrival"),
        }
    }
}

pub fn deposit(pass: Pass, envelope: &Envelope) -> Frame {
    let envelope = envelope.clone();
    Frame::Deposit { pass, envelope }
}

pub fn forward(home: Home, pass: Pass, envelope: &Envelope) -> Frame {
    let envelope = envelope.clone();
    Frame::Forward {
        home,
        pass,
        envelope,
    }
}

pub fn with_token(token: Token) -> Pass {
    Pass {
        token: Some(token),
        work: None,
    }
}

/// Enough work for this node.
pub fn with_work(envelope: &Envelope, node: &NodeKey, bits: u8) -> Pass {
    let (id, day) = (envelope.id(), today());
    let nonce = work::search(&id, node, day, bits, 0, u32::MAX).unwrap();
    Pass {
        token: None,
        work: Some(Work { day, nonce }),
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are hosts")]
pub fn today() -> Day {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Day::of(u64::try_from(since.as_millis()).unwrap())
}

pub fn chance() -> ChaCha20Rng {
    static SEED: AtomicU64 = AtomicU64::new(0);
    // Different in every process too, so that one that is started again makes nothing a second time.
    let process = u64::from(std::process::id()) << 32;
    ChaCha20Rng::seed_from_u64(process + SEED.fetch_add(1, Ordering::Relaxed))
}

/// An envelope like no other.
pub fn envelope(class: Class) -> Envelope {
    envelope_of(class, today().plus(8))
}

pub fn envelope_of(class: Class, expiry: Day) -> Envelope {
    let mut chance = chance();
    let (mut nonce, mut hint) = ([0; 12], [0; 8]);
    chance.fill_bytes(&mut nonce);
    chance.fill_bytes(&mut hint);
    let header = EnvelopeHeader {
        class,
        bucket: 0,
        expiry,
        nonce,
        hint,
    };
    let mut ciphertext = vec![0; class.ciphertext_bytes()];
    chance.fill_bytes(&mut ciphertext);
    Envelope::new(header, &ciphertext).unwrap()
}

pub fn small() -> Envelope {
    envelope(Class::ordinary(Size::K2))
}
