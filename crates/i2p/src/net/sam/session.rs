//! A session: a destination that the router hosts.

use std::{collections::VecDeque, convert::Infallible, fmt, sync::PoisonError, time::Duration};

use thiserror::Error;
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    task::JoinSet,
    time::sleep,
};

use super::{
    ACCEPT_LIMIT, CONNECT_LIMIT, LOOKUP_INTERVAL, Sam, SamError, SamStream, connection::Connection,
    stream_accept, stream_connect,
};
use crate::{
    Address,
    net::backoff::Backoff,
    reply::{self, Outcome, Reply, Topic},
};

/// First wait after an ACCEPT that failed; doubled up to [`ACCEPT_RETRY_MOST`].
const ACCEPT_RETRY_FIRST: Duration = Duration::from_millis(100);
/// Longest wait after an ACCEPT that failed.
const ACCEPT_RETRY_MOST: Duration = Duration::from_secs(10);

/// Addresses remembered as reached, 32 bytes each: those that a busy relay dials in the ten minutes that count.
const MAX_REACHED: usize = 512;

/// A destination that the router hosts, until this is dropped or [`closed`](Self::closed).
///
/// Streams end with it, and bytes that the other side has not acknowledged are lost: end streams first. All methods may be called from many tasks at once.
pub struct Session {
    sam: Sam,
    id: String,
    address: Address,
    closed: watch::Receiver<bool>,
    /// Addresses that a stream was opened to, the latest last: at most [`MAX_REACHED`].
    reached: std::sync::Mutex<VecDeque<Address>>,
    /// Streams accepted and not yet taken: at most one for each ACCEPT.
    incoming: Mutex<mpsc::Receiver<(SamStream, Address)>>,
    /// Tells the task that holds the control connection, by being dropped, to end the session.
    _in_use: oneshot::Sender<Infallible>,
    /// The ACCEPTs, which end when this is dropped.
    _accepts: JoinSet<()>,
}

/// Why a stream was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is not published, or nobody answers there.
    #[error("the address cannot be reached")]
    Unreachable,
    /// It cannot be reached *from this session*, which reached it before: dial again from another one, best a new one.
    ///
    /// Once a destination is hosted anew (its relay started again, its member came back), emissary goes on encrypting to the keys
    /// that it had before, for as long as the session dials: measured, more than four minutes of failures beside new sessions
    /// that connect at once.
    #[error("the address cannot be reached from this session any more")]
    Stale,
    /// Neither the other side nor the bridge answered in time.
    #[error("it took too long")]
    TimedOut,
    /// This session has ended: make another.
    #[error("the session has ended")]
    SessionGone,
    /// The bridge refuses connections, or ended this one without an answer.
    #[error("the bridge is gone")]
    BridgeGone,
    /// The router failed, or its bridge does not speak SAM 3.1.
    #[error("the router failed")]
    Failed,
}

/// Why no stream will be accepted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// This session has ended, or was made to connect only.
    #[error("the session has ended")]
    SessionGone,
}

impl Session {
    pub(super) fn run(
        sam: Sam,
        id: String,
        address: Address,
        control: Connection,
        accepts: u8,
    ) -> Self {
        let (closing, closed) = watch::channel(false);
        let (arriving, incoming) = mpsc::channel(usize::from(accepts).max(1));
        let (in_use, dropped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        for _ in 0..accepts {
            tasks.spawn(accept_all(
                sam.clone(),
                id.clone(),
                arriving.clone(),
                closed.clone(),
            ));
        }
        tokio::spawn(async move {
            hold_control(control, address, dropped).await;
            tracing::debug!("session ended");
            closing.send_replace(true);
        });
        Self {
            sam,
            id,
            address,
            closed,
            reached: std::sync::Mutex::default(),
            incoming: Mutex::new(incoming),
            _in_use: in_use,
            _accepts: tasks,
        }
    }

    /// The address that is hosted.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Returns once the session has ended: the bridge or its router is gone, or let go of it.
    pub async fn closed(&self) {
        // An error means that the task that tells is gone, and the control connection with it.
        let _ = self.closed.clone().wait_for(|&closed| closed).await;
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        *self.closed.borrow() || self.closed.has_changed().is_err()
    }

    /// Opens a stream to an address, within 5 + 60 seconds.
    ///
    /// Some bridges (i2pd) say yes before the other side has answered: greet it inside the stream and wait for the answer.
    ///
    /// # Errors
    /// See [`ConnectError`]. An address that is not published yet is `Unreachable` after 3 to 6 seconds.
    pub async fn connect(&self, to: Address) -> Result<SamStream, ConnectError> {
        let connect = async {
            let mut connection = self.sam.open().await?;
            let outcome = connection
                .ask(&stream_connect(&self.id, to), Topic::Stream, CONNECT_LIMIT)
                .await?;
            Ok((connection, outcome))
        };
        let error = match connect.await {
            Ok((connection, Outcome::Ok)) => {
                self.note_reached(to);
                return Ok(connection.into_stream());
            }
            Ok((_, Outcome::InvalidId)) => ConnectError::SessionGone,
            Ok((_, Outcome::CantReachPeer | Outcome::NotFound | Outcome::InvalidKey)) => {
                ConnectError::Unreachable
            }
            Ok((_, Outcome::TimedOut)) | Err(SamError::TimedOut) => ConnectError::TimedOut,
            Ok(_) | Err(SamError::Foreign) => ConnectError::Failed,
            Err(SamError::NotReady | SamError::BridgeGone) => ConnectError::BridgeGone,
        };
        match error {
            _ if self.is_closed() => Err(ConnectError::SessionGone),
            ConnectError::Unreachable | ConnectError::TimedOut if self.has_reached(to) => {
                Err(ConnectError::Stale)
            }
            error => Err(error),
        }
    }

    fn has_reached(&self, address: Address) -> bool {
        self.reached().contains(&address)
    }

    fn note_reached(&self, address: Address) {
        let mut reached = self.reached();
        reached.retain(|&earlier| earlier != address);
        if reached.len() == MAX_REACHED {
            reached.pop_front();
        }
        reached.push_back(address);
    }

    fn reached(&self) -> std::sync::MutexGuard<'_, VecDeque<Address>> {
        // Nothing panics while holding it, and a list of addresses is whole at any time.
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next stream that somebody opened to this address, and their address. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When none will come any more.
    pub async fn accept(&self) -> Result<(SamStream, Address), AcceptError> {
        self.incoming
            .lock()
            .await
            .recv()
            .await
            .ok_or(AcceptError::SessionGone)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// Returns when the session has ended, by itself or because nobody uses it.
async fn hold_control(
    mut control: Connection,
    address: Address,
    dropped: oneshot::Receiver<Infallible>,
) {
    tokio::select! {
        () = watch_control(&mut control, address) => return,
        _ = dropped => {}
    }
    control.quit().await;
}

/// Returns when the bridge has ended the session, or does not answer for it.
async fn watch_control(control: &mut Connection, address: Address) {
    loop {
        tokio::select! {
            // Nobody asked: only the end of the session is news.
            line = control.line() => match line.as_deref().map(|line| Reply::parse(line)) {
                Err(_) | Ok(Ok(Reply { topic: Topic::Session, .. })) => return,
                Ok(_) => {}
            },
            () = sleep(LOOKUP_INTERVAL) => if control.lookup_me().await != Ok(address) {
                return;
            },
        }
    }
}

/// Keeps one ACCEPT waiting at the bridge until the session ends. While nobody takes streams none is announced.
async fn accept_all(
    sam: Sam,
    id: String,
    arriving: mpsc::Sender<(SamStream, Address)>,
    mut closed: watch::Receiver<bool>,
) {
    let mut backoff = Backoff::new(ACCEPT_RETRY_FIRST, ACCEPT_RETRY_MOST);
    let accept = async {
        loop {
            match accept_one(&sam, &id).await {
                Ok(incoming) => {
                    backoff.reset();
                    if arriving.send(incoming).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "stream not accepted");
                    sleep(backoff.wait()).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = closed.wait_for(|&closed| closed) => {}
    }
}

async fn accept_one(sam: &Sam, id: &str) -> Result<(SamStream, Address), SamError> {
    let mut connection = sam.open().await?;
    match connection
        .ask(&stream_accept(id), Topic::Stream, ACCEPT_LIMIT)
        .await?
    {
        Outcome::Ok => {}
        // An older router, or a session just ended: wait.
        _ => return Err(SamError::NotReady),
    }
    let from = reply::caller(&connection.line().await?).map_err(|_| SamError::Foreign)?;
    Ok((connection.into_stream(), from))
}
