//! A link of the node: the handshake, then frames of the ether until one side ends it.
//!
//! - Frames that came in are given to the desk while the link's window has room for them and for what they may be answered with;
//!   then reading stops, and with it, end to end, whoever writes.
//! - Answers are sent as they come, pushes as far as the other side reads: what was asked for last is sent before more is asked for.

use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use komrade_ether::{Frame, MAX_ENVELOPE_BYTES, MAX_RECONCILE_BYTES, Party};
use komrade_wire::link::{self, Accepting, Halves, LinkError, LinkReader, LinkWriter, Preamble};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::Node;
use super::desk::{Answer, LinkName, Request};
use crate::pump::Heard;
use crate::random;

/// What every frame takes of the window at least: so many may be in flight, however small they are.
const LEAST_COST: usize = 512;
/// What goes around an envelope in a frame, at most.
const AROUND: usize = 128;

/// For the last words of a link.
const GOODBYE: Duration = Duration::from_secs(3);

/// What a link may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkLimits {
    /// Until the handshake is complete.
    pub(crate) handshake: Duration,
    /// Until a link is closed on which nothing was asked that has an answer. `None`: it lasts as long as the connection that
    /// carries it.
    pub(crate) idle: Option<Duration>,
    /// Until a link is closed, whatever is said on it. `None`: the same.
    pub(crate) longest: Option<Duration>,
    /// Until the other side has read something that was sent.
    pub(crate) stall: Duration,
    /// Bytes of requests and their answers in flight.
    pub(crate) window: usize,
}

/// How a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Closed,
    Broken,
    Protocol,
    Idle,
    Long,
    Stalled,
    LetGo,
}

/// Serves a link to its end.
pub(crate) async fn serve<S>(node: Arc<Node>, stream: S, party: Party, limits: LinkLimits)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let halves = match greet(&node, stream, limits).await {
        Ok(halves) => halves,
        Err(error) => return debug!(%error, "no link to the node"),
    };
    let Ok(name) = node.desk.open_link(party).await else {
        return;
    };
    let ended = carry(&node, halves, &name, limits).await;
    debug!(?ended, "a link to the node ended");
}

/// Answers the handshake as the node.
async fn greet<S>(node: &Node, stream: S, limits: LinkLimits) -> Result<Halves<S>, LinkError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut chance = random::source().map_err(|_| LinkError::Setup)?;
    let accepting: Accepting<S> = link::accept(stream, sleep(limits.handshake)).await?;
    if accepting.preamble() != Preamble::Node {
        return Err(LinkError::Pattern(0));
    }
    let private = node.keys.private();
    accepting
        .node(private, &mut chance, sleep(limits.handshake))
        .await
}

/// Carries frames both ways until one side ends it.
async fn carry<S>(
    node: &Node,
    (reader, mut writer): Halves<S>,
    name: &LinkName,
    limits: LinkLimits,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let heard = Heard::now();
    // As many answers as there can be places in the window, so that there is always room for one.
    let (answers, answered) = mpsc::channel(limits.window / LEAST_COST + 1);
    let silence = async {
        match limits.idle {
            Some(idle) => heard.silent_for(idle).await,
            None => std::future::pending().await,
        }
    };
    let over = async {
        match limits.longest {
            Some(longest) => sleep(longest).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        ended = read(node, reader, name, limits.window, answers) => ended,
        ended = write(node, &mut writer, name, limits.stall, answered, &heard) => ended,
        () = silence => Ended::Idle,
        () = over => Ended::Long,
    };
    if matches!(
        ended,
        Ended::Closed | Ended::Idle | Ended::Long | Ended::LetGo
    ) {
        // So that what was said last arrives. However it ends, it ends.
        let _ = timeout(GOODBYE, writer.close()).await;
    }
    ended
}

async fn read<R: AsyncRead + Unpin>(
    node: &Node,
    mut reader: LinkReader<R>,
    link: &LinkName,
    window: usize,
    answers: mpsc::Sender<Answer>,
) -> Ended {
    let room = Arc::new(Semaphore::new(window));
    loop {
        let bytes = match reader.next().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ended::Closed,
            Err(LinkError::Io(_) | LinkError::Truncated) => return Ended::Broken,
            Err(_) => return Ended::Protocol,
        };
        let decoded = Frame::decode(&bytes);
        let cost = match &decoded {
            Ok(frame) => cost(&bytes, frame, window),
            Err(_) => LEAST_COST,
        };
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        let Ok(place) = Arc::clone(&room).acquire_many_owned(cost).await else {
            return Ended::LetGo;
        };
        let sent = match decoded {
            Ok(Frame::Unknown(_)) => continue,
            Ok(frame) => {
                let answers = answers.clone();
                let request = Request {
                    frame,
                    place,
                    answers,
                };
                node.desk.request(link, request).await.is_ok()
            }
            // Nothing has to be asked: it cannot be kept, whoever sent it.
            Err(error) => match error.answer() {
                Some(frame) => answers.send(Answer::new(frame, place)).await.is_ok(),
                None => return Ended::Protocol,
            },
        };
        if !sent {
            return Ended::LetGo;
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    node: &Node,
    writer: &mut LinkWriter<W>,
    link: &LinkName,
    stall: Duration,
    mut answered: mpsc::Receiver<Answer>,
    heard: &Heard,
) -> Ended {
    let mut send = async |frames: &[Frame]| {
        let sending = writer.send_all(frames.iter().map(Frame::encode));
        match timeout(stall, sending).await {
            Ok(Ok(())) => {
                heard.mark();
                Ok(())
            }
            Ok(Err(_)) => Err(Ended::Broken),
            Err(_) => Err(Ended::Stalled),
        }
    };
    let mut pushed = node.desk.push(link).await;
    loop {
        let frames = tokio::select! {
            biased;
            Some(answer) = answered.recv() => {
                if let Err(ended) = send(std::slice::from_ref(&answer.frame)).await {
                    return ended;
                }
                continue;
            }
            frames = &mut pushed => frames,
        };
        // What was answered before goes before.
        while let Ok(answer) = answered.try_recv() {
            if let Err(ended) = send(std::slice::from_ref(&answer.frame)).await {
                return ended;
            }
        }
        let Ok(frames) = frames else {
            return Ended::LetGo;
        };
        if let Err(ended) = send(&frames).await {
            return ended;
        }
        pushed = node.desk.push(link).await;
    }
}

/// What a frame takes of the window: itself and what it may be answered with, at most all of it.
fn cost(bytes: &[u8], frame: &Frame, window: usize) -> usize {
    let answer = match frame {
        Frame::Fetch { .. } => MAX_ENVELOPE_BYTES + AROUND,
        Frame::Reconcile { .. } => MAX_RECONCILE_BYTES + AROUND,
        // So that the next waits until enough of what is wanted was sent.
        Frame::Want { .. } => window,
        _ => AROUND,
    };
    (bytes.len() + answer).clamp(LEAST_COST, window)
}

#[cfg(test)]
mod tests;
