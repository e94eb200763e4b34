//! The destinations from which members dial.
//!
//! Whoever is dialled sees the caller's address. So all members dial from the same few destinations, drawn
//! at random for each dial, that are made anew every few hours, and that nothing is ever accepted on.
//!
//! A router keeps the lease set of an address that it has dialled until that expires, ten minutes after it
//! was published, even if nothing answers there any more. So whoever comes back within that time (a relay
//! that was started again, a tab that was opened again) is out of reach for the destinations that dialled
//! meanwhile. Therefore an address is dialled from a destination that has not failed to reach it; when none
//! is left, and the address was alive lately, the oldest is replaced.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use komrade_i2p::Address;
use komrade_i2p::net::{RouterHandle, Session, SessionKeys};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info};

use crate::backoff::Backoff;
use crate::config::Limits;
use crate::network::ready;
use crate::random;

/// How long a dial waits for a destination to dial from. Tunnels take longer at the start; then the
/// browser is told so and dials again.
const WAIT: Duration = Duration::from_secs(10);

/// Before this age no destination is replaced because it cannot reach an address: comrades who come and go
/// must not keep the router building tunnels.
const LEAST_AGE: Duration = Duration::from_secs(30);

/// How long a lease set is valid: what has been gone for longer is looked up anew by any destination.
const LEASE: Duration = Duration::from_secs(600);

/// Addresses remembered as alive within that time, and as not reached by one destination, 32 bytes each.
/// When there are more, the rest waits for its lease sets to expire.
const MOST_ADDRESSES: usize = 512;

/// First and longest wait between attempts to make a destination.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(120);

type Places = Vec<Option<Arc<Pooled>>>;

/// The destinations from which members dial.
pub(crate) struct Pool {
    places: watch::Sender<Places>,
    /// When addresses were last known to be alive.
    alive: Mutex<HashMap<Address, Instant>>,
}

/// A destination to dial from. Streams end with it, so whoever has one keeps it, even when the pool has let go of it.
pub(crate) struct Pooled {
    pub(crate) session: Session,
    since: Instant,
    /// Addresses that it failed to reach, though others may.
    failed: Mutex<HashSet<Address>>,
    retired: AtomicBool,
    retire: Notify,
}

impl Pool {
    pub(crate) fn new(places: u8) -> Self {
        Self {
            places: watch::Sender::new(vec![None; places.into()]),
            alive: Mutex::default(),
        }
    }

    /// Keeps one place filled, for ever.
    pub(crate) async fn keep(&self, place: usize, router: &RouterHandle, limits: &Limits) {
        let [shortest, longest] = limits
            .pool_minutes
            .map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
        let options = router.session_options().connecting();
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
        loop {
            ready(router).await;
            match router.sam().session(SessionKeys::Transient, options).await {
                Ok(session) => {
                    backoff.reset();
                    let pooled = Arc::new(Pooled::new(session));
                    self.put(place, Some(Arc::clone(&pooled)));
                    // When its time is over it serves until the next one is up.
                    tokio::select! {
                        () = sleep(random::between(shortest, longest)) => continue,
                        () = pooled.retire.notified() => continue,
                        () = pooled.session.closed() => self.put(place, None),
                    }
                    info!("a destination for dials went down");
                }
                Err(error) => debug!(%error, "no destination for dials"),
            }
            sleep(backoff.wait()).await;
        }
    }

    fn put(&self, place: usize, pooled: Option<Arc<Pooled>>) {
        self.places.send_modify(|places| {
            if let Some(kept) = places.get_mut(place) {
                *kept = pooled;
            }
        });
    }

    /// One to dial this address from, drawn anew for each dial.
    pub(crate) async fn draw(&self, to: Address) -> Option<Arc<Pooled>> {
        self.make_room(to);
        let mut places = self.places.subscribe();
        let useful = |pooled: &&Arc<Pooled>| !pooled.has_failed(to);
        let any_useful = |places: &Places| live(places).any(|pooled| useful(&pooled));
        if !self.is_full() {
            // If it takes too long, one that has failed before is still better than none.
            let _ = timeout(WAIT, places.wait_for(any_useful)).await;
        }
        let places = places.borrow();
        let mut choice: Vec<_> = live(&places).filter(useful).collect();
        if choice.is_empty() {
            choice = live(&places).collect();
        }
        choice
            .get(random::below(choice.len()))
            .map(|pooled| Arc::clone(pooled))
    }

    /// None is being made.
    fn is_full(&self) -> bool {
        let places = self.places.borrow();
        live(&places).count() == places.len()
    }

    /// Lets go of the oldest if none can reach an address that should be reachable.
    fn make_room(&self, to: Address) {
        let stuck = self.is_full() && self.was_alive_lately(to);
        let places = self.places.borrow();
        let stuck = stuck && live(&places).all(|pooled| pooled.has_failed(to));
        let oldest = live(&places).min_by_key(|pooled| pooled.since);
        if let Some(oldest) = oldest.filter(|oldest| stuck && oldest.is_replaceable()) {
            debug!("a destination for dials is replaced");
            oldest.retired.store(true, Ordering::Release);
            oldest.retire.notify_one();
        }
    }

    /// Notes that an address is alive, or was until now.
    pub(crate) fn set_alive(&self, address: Address) {
        let mut alive = lock(&self.alive);
        alive.retain(|_, last| last.elapsed() < LEASE);
        if alive.len() < MOST_ADDRESSES {
            alive.insert(address, Instant::now());
        }
    }

    fn was_alive_lately(&self, address: Address) -> bool {
        lock(&self.alive)
            .get(&address)
            .is_some_and(|last| last.elapsed() < LEASE)
    }
}

impl Pooled {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            since: Instant::now(),
            failed: Mutex::default(),
            retired: AtomicBool::new(false),
            retire: Notify::new(),
        }
    }

    /// Another one may take its place: if it were replaced sooner, those who come and go would keep the router building tunnels.
    pub(crate) fn is_replaceable(&self) -> bool {
        self.since.elapsed() >= LEAST_AGE
    }

    /// Notes whether it reached an address.
    pub(crate) fn set_failed(&self, address: Address, has_failed: bool) {
        let mut failed = lock(&self.failed);
        if !has_failed {
            failed.remove(&address);
        } else if failed.len() < MOST_ADDRESSES {
            failed.insert(address);
        }
    }

    /// Whether it failed to reach an address, and did not since.
    pub(crate) fn has_failed(&self, address: Address) -> bool {
        lock(&self.failed).contains(&address)
    }
}

/// Those that can be dialled from.
fn live(places: &Places) -> impl Iterator<Item = &Arc<Pooled>> {
    let gone =
        |pooled: &Pooled| pooled.retired.load(Ordering::Acquire) || pooled.session.is_closed();
    places.iter().flatten().filter(move |pooled| !gone(pooled))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Collections of addresses are whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
