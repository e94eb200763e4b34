//! A running peer.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use futures::{SinkExt, StreamExt, channel::mpsc, future::select, pin_mut};
use komrade_store::Store;
use komrade_view::{Answer, Command, FromEngine, Refusal, ToEngine};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

use crate::{Config, Shown, host::Tokio};

/// Why a command brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CommandError {
    /// The engine refused.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The peer ended before it answered: whether the command was carried out is not known.
    #[error("the peer has ended")]
    Ended,
}

/// Why waiting brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Waited {
    /// It did not come about in time.
    #[error("waited for {0:?} in vain")]
    InVain(Duration),
    /// The peer ended before.
    #[error("the peer has ended")]
    Ended,
}

type Answers = Arc<Mutex<HashMap<u32, oneshot::Sender<Result<Answer, Refusal>>>>>;

/// A running peer. Dropping it kills it.
pub struct Peer {
    commands: mpsc::Sender<ToEngine>,
    /// As many as there are callers of [`Peer::command`] that wait.
    answers: Answers,
    shown: watch::Receiver<Shown>,
    next: AtomicU32,
    kill: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Peer {
    /// Starts a peer over a store.
    ///
    /// # Errors
    /// What the system says when it has no room for another thread.
    pub fn start<S>(store: S, config: Config) -> io::Result<Self>
    where
        S: Store + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (screens, helm) = komrade_drive::channel();
        let (show, shown) = watch::channel(Shown::default());
        let (kill, killed) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let answers = Answers::default();
        let waiting = Arc::clone(&answers);
        let work = move || {
            let reading = read(screens.events, &waiting, show);
            let driving = komrade_drive::run(store, Tokio, helm, config);
            runtime.block_on(async {
                let living = async { futures::join!(reading, driving) };
                pin_mut!(living, killed);
                select(living, killed).await;
            });
            // Without waiting for a passphrase that is being stretched.
            runtime.shutdown_background();
            lock(&waiting).clear();
            // Whoever stopped or killed it may have gone.
            let _ = end.send(());
        };
        thread::Builder::new()
            .name("komrade-peer".into())
            .spawn(work)?;
        let commands = screens.commands;
        Ok(Self {
            commands,
            answers,
            shown,
            next: AtomicU32::new(1),
            kill,
            ended,
        })
    }

    /// Asks for something and waits for what comes of it.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn command(&self, command: Command) -> Result<Answer, CommandError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.answers).insert(id, answer);
        let sent = self.commands.clone().send(ToEngine { id, command }).await;
        if sent.is_err() || self.commands.is_closed() {
            lock(&self.answers).remove(&id);
        }
        let result = answered.await.map_err(|_| CommandError::Ended)?;
        result.map_err(CommandError::Refused)
    }

    /// What the screens would show now.
    pub fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// Waits until `found` finds something in what the screens would show.
    ///
    /// # Errors
    /// See [`Waited`].
    pub async fn wait<T>(
        &self,
        within: Duration,
        mut found: impl FnMut(&Shown) -> Option<T>,
    ) -> Result<T, Waited> {
        let mut shown = self.shown.clone();
        let waiting = async {
            loop {
                if let Some(result) = found(&shown.borrow_and_update()) {
                    return Ok(result);
                }
                shown.changed().await.map_err(|_| Waited::Ended)?;
            }
        };
        tokio::time::timeout(within, waiting)
            .await
            .unwrap_or(Err(Waited::InVain(within)))
    }

    /// Leaves the relay and gives the lease back.
    pub async fn stop(self) {
        let Self {
            commands,
            ended,
            kill: _kept,
            ..
        } = self;
        drop(commands);
        // An error is an end, too.
        let _ = ended.await;
    }

    /// Ends without a goodbye, wherever it is; nothing runs any more when this returns.
    pub async fn kill(self) {
        let Self { kill, ended, .. } = self;
        drop(kill);
        let _ = ended.await;
    }
}

/// Reads what the engine tells, until it ends.
async fn read(
    mut events: mpsc::Receiver<FromEngine>,
    answers: &Answers,
    show: watch::Sender<Shown>,
) {
    while let Some(message) = events.next().await {
        match message {
            FromEngine::Done { id, result } => {
                if let Some(answer) = lock(answers).remove(&id) {
                    // Whoever asked may wait no longer.
                    let _ = answer.send(result);
                }
            }
            FromEngine::Event(event) => show.send_modify(|shown| shown.apply(event)),
        }
    }
}

fn lock(
    answers: &Answers,
) -> MutexGuard<'_, HashMap<u32, oneshot::Sender<Result<Answer, Refusal>>>> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}
