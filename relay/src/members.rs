//! The members' sessions.
//!
//! A member is known by the SHA-256 of its account, a random bearer key that is tied to nothing. Its session
//! begins when it connects and ends when it disconnects, or, if a destination is hosted for it, some time
//! later: the time is drawn, so that nobody who watches the destination learns when a tab was closed.
//! While a session lasts, whoever shows the account takes it over, and whoever held it is dismissed.
//!
//! Bounds: as many sessions as sockets and hosted destinations together. Nothing of it is on disk; what the node keeps by account
//! has bounds of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use komrade_ether::Account;
use komrade_wire::control::{Hosting, Refusal};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio_util::sync::DropGuard;

use crate::browser::Browser;

/// What is kept of the key that a member shows.
pub(crate) fn account(key: &[u8; 32]) -> Account {
    Account(Sha256::digest(key).into())
}

/// All sessions.
#[derive(Default)]
pub(crate) struct Members(Mutex<HashMap<Account, Arc<Member>>>);

/// One session.
pub(crate) struct Member {
    state: Mutex<State>,
    hosting: watch::Sender<Hosting>,
}

#[derive(Default)]
struct State {
    /// Counts those who came, so that a late farewell does not end another's visit.
    visit: u64,
    seat: Option<Seat>,
    hosted: Option<Hosted>,
}

/// A connected browser.
struct Seat {
    browser: Browser,
    dismiss: oneshot::Sender<Refusal>,
}

/// A destination that is hosted for a session. Dropping it ends that.
pub(crate) struct Hosted {
    /// SHA-256 of the private blob, to know it again.
    pub(crate) blob: [u8; 32],
    /// One of the destinations that this relay hosts.
    pub(crate) slot: OwnedSemaphorePermit,
    /// Ends the task that hosts.
    pub(crate) _stop: DropGuard,
}

/// What a browser gets when it takes its seat.
pub(crate) struct Visit {
    pub(crate) member: Arc<Member>,
    /// The session was there before.
    pub(crate) resumed: bool,
    /// Says so when another browser takes the seat.
    pub(crate) dismissed: oneshot::Receiver<Refusal>,
    pub(crate) account: Account,
    number: u64,
}

impl Members {
    /// Gives a browser the seat of its account.
    pub(crate) fn enter(&self, account: Account, browser: Browser) -> Visit {
        let mut sessions = lock(&self.0);
        let resumed = sessions.contains_key(&account);
        let member = Arc::clone(sessions.entry(account).or_default());
        let (dismiss, dismissed) = oneshot::channel();
        let mut state = lock(&member.state);
        state.visit += 1;
        let number = state.visit;
        if let Some(before) = state.seat.replace(Seat { browser, dismiss }) {
            // Whoever is gone already needs no word.
            let _ = before.dismiss.send(Refusal::Replaced);
        }
        drop(state);
        Visit {
            member,
            resumed,
            dismissed,
            account,
            number,
        }
    }

    /// Empties the seat, unless another has taken it. `true` if the session stays, for [`Self::expire`].
    pub(crate) fn leave(&self, visit: &Visit) -> bool {
        let mut sessions = lock(&self.0);
        let mut state = lock(&visit.member.state);
        if state.visit != visit.number {
            return false;
        }
        state.seat = None;
        if state.hosted.is_some() {
            return true;
        }
        sessions.remove(&visit.account);
        false
    }

    /// Ends the session, unless somebody came since.
    pub(crate) fn expire(&self, visit: &Visit) {
        let mut sessions = lock(&self.0);
        let mut state = lock(&visit.member.state);
        if state.visit == visit.number {
            state.hosted = None;
            sessions.remove(&visit.account);
        }
    }

    /// Sessions, with and without a browser.
    pub(crate) fn count(&self) -> usize {
        lock(&self.0).len()
    }
}

impl Visit {
    /// Notes what is hosted now, unless another browser has taken the seat: then it ends.
    pub(crate) fn set_hosted(&self, hosted: Hosted) {
        let mut state = lock(&self.member.state);
        if state.visit == self.number {
            state.hosted = Some(hosted);
        }
    }
}

impl Default for Member {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            hosting: watch::Sender::new(Hosting::Off),
        }
    }
}

impl Member {
    /// The browser, if one is connected.
    pub(crate) fn browser(&self) -> Option<Browser> {
        lock(&self.state)
            .seat
            .as_ref()
            .map(|seat| seat.browser.clone())
    }

    /// The stage of the destination, now and whenever it changes.
    pub(crate) fn hosting(&self) -> watch::Receiver<Hosting> {
        self.hosting.subscribe()
    }

    /// Tells the stage of the destination.
    pub(crate) fn tell(&self, stage: Hosting) {
        self.hosting
            .send_if_modified(|told| std::mem::replace(told, stage) != stage);
    }

    /// Whether this blob is hosted.
    pub(crate) fn hosts(&self, blob: &[u8; 32]) -> bool {
        lock(&self.state)
            .hosted
            .as_ref()
            .is_some_and(|hosted| hosted.blob == *blob)
    }

    /// Ends hosting and gives the slot back, for another destination of the same member.
    pub(crate) fn end_hosting(&self) -> Option<OwnedSemaphorePermit> {
        lock(&self.state).hosted.take().map(|hosted| hosted.slot)
    }
}

/// Nothing that is done under these locks can panic halfway, so the state behind a poisoned one is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
