//! Talking to the engine, which runs in a Web Worker of its own.
//!
//! Flow:
//! 1. [`Bridge::start`] checks the worker's script against its hash, starts it and waits to hear that it
//!    is ready and of this very build.
//! 2. [`Bridge::send`] numbers a [`Command`], sends it as a transferred buffer and resolves with the
//!    answer of that number. What is sent earlier waits until the worker is ready.
//! 3. Events go to the closure given at the start, in order.
//! 4. A heartbeat notices a worker that never answers. A worker that panicked or fell silent is ended
//!    at once: its memory, keys included, is gone, so the vault is locked whatever state it was in. The
//!    screens say so and call [`Bridge::restart`] when the person asks.
//!
//! Control messages (ready, alive, panicked …) are short strings, commands and events are buffers:
//! `web/worker` holds the other half and the same words.
//!
//! The software that is loaded at the next start is no matter of the worker: see [`release`].

mod link;
pub mod release;

use std::rc::Rc;

use komrade_view::{Answer, Command, Event, Refusal};
use leptos::prelude::*;

use self::link::Link;
pub use self::link::{MAX_PENDING, SILENT_AFTER_SECONDS};

/// The build that page and worker must share: the hash of the sources, given by `cargo xtask`.
pub const BUILD: &str = match option_env!("KOMRADE_BUILD") {
    Some(build) => build,
    None => "unstamped",
};

/// How the worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerState {
    /// Being loaded. What is sent now waits.
    Starting,
    /// At work.
    Ready,
    /// It met a state it must not go on from, at this place of the source, and was ended.
    Panicked {
        /// File and line; nothing else.
        at: String,
    },
    /// It did not answer for [`SILENT_AFTER_SECONDS`] and was ended.
    Silent,
    /// The browser did not start it: its script or its code is missing, damaged or of another build.
    Refused,
}

impl WorkerState {
    /// Whether the worker was ended: the vault is locked, and only [`Bridge::restart`] helps.
    pub fn ended(&self) -> bool {
        !matches!(self, Self::Starting | Self::Ready)
    }
}

/// Why a command brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The engine refused it, and says why.
    Refused(Refusal),
    /// The worker ended first. Whether the command was carried out shows after a restart.
    WorkerEnded,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The page's end of the worker. Copies are the same bridge.
#[derive(Clone, Copy)]
pub struct Bridge {
    link: StoredValue<Rc<Link>, LocalStorage>,
    state: RwSignal<WorkerState>,
}

impl Bridge {
    /// Starts the worker. Call once, under the root owner. `on_event` gets every event from the first
    /// on; after a restart they begin anew.
    pub fn start(on_event: impl Fn(Event) + 'static) -> Self {
        let state = RwSignal::new(WorkerState::Starting);
        let link = Link::new(Box::new(on_event), state);
        link.start();
        Self {
            link: StoredValue::new_local(link),
            state,
        }
    }

    /// How the worker is.
    pub fn state(self) -> ReadSignal<WorkerState> {
        self.state.read_only()
    }

    /// Asks the engine for something. At most [`MAX_PENDING`] commands wait at once; more are
    /// refused as [`Refusal::Busy`].
    pub async fn send(self, command: Command) -> Result<Answer, Failure> {
        let Some(link) = self.link.try_with_value(Rc::clone) else {
            return Err(Failure::WorkerEnded);
        };
        link.send(command).await
    }

    /// Ends the worker if it still runs and starts a new one.
    pub fn restart(self) {
        let _ = self.link.try_with_value(|link| {
            link.stop(WorkerState::Starting);
            link.start();
        });
    }
}
