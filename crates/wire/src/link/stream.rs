//! Links over streams.

use std::future::Future;

use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt,
    io::{ReadHalf, WriteHalf},
    pin_mut, select_biased,
};
use rand_core::CryptoRng;

use super::{
    HANDSHAKE_BYTES, Initiator, LinkError, Opener, Preamble, Responder, Sealer, Transport,
};

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// The two halves of a link over one stream.
pub type Halves<S> = (LinkReader<ReadHalf<S>>, LinkWriter<WriteHalf<S>>);

/// Runs the dialler's side of a handshake: `start` is what [`Initiator::comrade`] or [`Initiator::node`] gave.
/// `deadline` ends when the caller will wait no longer.
///
/// # Errors
/// See [`LinkError`].
pub async fn dial<S>(
    mut stream: S,
    start: (Initiator, Vec<u8>),
    deadline: impl Future<Output = ()>,
) -> Result<Halves<S>, LinkError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (initiator, bytes) = start;
    let transport = within(deadline, async {
        send(&mut stream, &bytes).await?;
        let mut message = [0; HANDSHAKE_BYTES];
        stream.read_exact(&mut message).await?;
        let (transport, confirmation) = initiator.finish(&message)?;
        send(&mut stream, &confirmation).await?;
        Ok(transport)
    })
    .await?;
    Ok(halves(stream, transport))
}

/// Waits for the preamble and first message of a dialler. The caller then finds the key and goes on with
/// [`Accepting::comrade`] or [`Accepting::node`].
///
/// # Errors
/// See [`LinkError`].
pub async fn accept<S>(
    mut stream: S,
    deadline: impl Future<Output = ()>,
) -> Result<Accepting<S>, LinkError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (preamble, message) = within(deadline, async {
        let mut start = [0; 2];
        stream.read_exact(&mut start).await?;
        let mut preamble = start.to_vec();
        preamble.resize(start.len() + Preamble::rest_bytes(start)?, 0);
        let (_, rest) = preamble.split_at_mut(start.len());
        stream.read_exact(rest).await?;
        let mut message = [0; HANDSHAKE_BYTES];
        stream.read_exact(&mut message).await?;
        Ok((Preamble::decode(&preamble)?, message))
    })
    .await?;
    Ok(Accepting {
        stream,
        preamble,
        message,
    })
}

/// A stream on which a dialler has announced itself.
#[derive(Debug)]
pub struct Accepting<S> {
    stream: S,
    preamble: Preamble,
    message: [u8; HANDSHAKE_BYTES],
}

impl<S: AsyncRead + AsyncWrite + Unpin> Accepting<S> {
    /// What the dialler announced.
    pub fn preamble(&self) -> Preamble {
        self.preamble
    }

    /// Goes on under the key that the hint means.
    ///
    /// # Errors
    /// See [`LinkError`]; [`LinkError::Pattern`] if no comrade was announced.
    pub async fn comrade<R: CryptoRng + ?Sized>(
        self,
        key: &[u8; 32],
        rng: &mut R,
        deadline: impl Future<Output = ()>,
    ) -> Result<Halves<S>, LinkError> {
        match self.preamble {
            Preamble::Comrade(hint) => {
                let answer = Responder::comrade(hint, key, &self.message, rng)?;
                self.go_on(answer, deadline).await
            }
            Preamble::Node => Err(LinkError::Pattern(0)),
        }
    }

    /// Goes on as the node of a relay.
    ///
    /// # Errors
    /// See [`LinkError`]; [`LinkError::Pattern`] if something else was announced.
    pub async fn node<R: CryptoRng + ?Sized>(
        self,
        private: &[u8; 32],
        rng: &mut R,
        deadline: impl Future<Output = ()>,
    ) -> Result<Halves<S>, LinkError> {
        match self.preamble {
            Preamble::Node => {
                let answer = Responder::node(private, &self.message, rng)?;
                self.go_on(answer, deadline).await
            }
            Preamble::Comrade(_) => Err(LinkError::Pattern(0)),
        }
    }

    async fn go_on(
        mut self,
        answer: (Responder, [u8; HANDSHAKE_BYTES]),
        deadline: impl Future<Output = ()>,
    ) -> Result<Halves<S>, LinkError> {
        let (responder, reply) = answer;
        let stream = &mut self.stream;
        let transport = within(deadline, async {
            send(stream, &reply).await?;
            let mut confirmation = [0; Responder::CONFIRMATION_BYTES];
            stream
                .read_exact(&mut confirmation)
                .await
                .map_err(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => LinkError::Unconfirmed,
                    _ => error.into(),
                })?;
            responder.confirm(&confirmation)
        })
        .await?;
        Ok(halves(self.stream, transport))
    }
}

/// Reads frames off a link.
#[derive(Debug)]
pub struct LinkReader<R> {
    stream: R,
    opener: Opener,
    chunk: Vec<u8>,
    read: usize,
    taken: usize,
}

impl<R: AsyncRead + Unpin> LinkReader<R> {
    /// The next frame; `None` when the stream ended between two. May be dropped and called again without loss.
    ///
    /// # Errors
    /// See [`LinkError`]; the link is then of no further use.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        loop {
            let waiting = self.chunk.get(self.taken..self.read).unwrap_or_default();
            let (taken, frame) = self.opener.push(waiting)?;
            self.taken += taken;
            if frame.is_some() {
                return Ok(frame);
            }
            if self.taken < self.read {
                continue;
            }
            let read = self.stream.read(&mut self.chunk).await?;
            if read == 0 {
                let clean = self.opener.between_frames();
                return if clean {
                    Ok(None)
                } else {
                    Err(LinkError::Truncated)
                };
            }
            (self.read, self.taken) = (read, 0);
        }
    }
}

/// Writes frames to a link.
#[derive(Debug)]
pub struct LinkWriter<W> {
    stream: W,
    sealer: Sealer,
}

impl<W: AsyncWrite + Unpin> LinkWriter<W> {
    /// Seals and sends a frame, and flushes. Must be awaited to its end, else the link is of no further use.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn send(&mut self, frame: &[u8]) -> Result<(), LinkError> {
        let sealed = self.sealer.seal(frame)?;
        send(&mut self.stream, &sealed).await
    }

    /// Seals and sends several frames in one go, and flushes once. Must be awaited to its end, as [`LinkWriter::send`].
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn send_all<F: AsRef<[u8]>>(
        &mut self,
        frames: impl IntoIterator<Item = F>,
    ) -> Result<(), LinkError> {
        for frame in frames {
            let sealed = self.sealer.seal(frame.as_ref())?;
            self.stream.write_all(&sealed).await?;
        }
        Ok(self.stream.flush().await?)
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// [`LinkError::Io`].
    pub async fn close(&mut self) -> Result<(), LinkError> {
        Ok(self.stream.close().await?)
    }
}

pub(super) fn halves<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    transport: Transport,
) -> Halves<S> {
    let (reading, writing) = stream.split();
    let Transport { sealer, opener } = transport;
    let reader = LinkReader {
        stream: reading,
        opener,
        chunk: vec![0; CHUNK],
        read: 0,
        taken: 0,
    };
    (
        reader,
        LinkWriter {
            stream: writing,
            sealer,
        },
    )
}

async fn send<W: AsyncWrite + Unpin>(stream: &mut W, bytes: &[u8]) -> Result<(), LinkError> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

async fn within<T>(
    deadline: impl Future<Output = ()>,
    work: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    let (work, deadline) = (work.fuse(), deadline.fuse());
    pin_mut!(work, deadline);
    select_biased! {
        result = work => result,
        () = deadline => Err(LinkError::Deadline),
    }
}
