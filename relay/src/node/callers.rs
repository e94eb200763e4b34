//! Who calls the node, for as long as they call: so that nobody takes all places at its door.
//!
//! Of a caller only a hash of the address is kept, with a key that this process draws, and no longer than the stream lasts.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use komrade_i2p::Address;
use tokio_util::sync::CancellationToken;

/// Callers that have not greeted yet, at once: some seconds each.
const GREETING_AT_ONCE: usize = 16;
/// Streams of one caller that have not greeted yet: one, and those before it whose end was not noticed yet.
const GREETING_EACH: usize = 4;
/// Links of one caller: one for what its members leave, one before it whose end was not noticed yet, and some for members who fetch
/// invites.
const LINKS_EACH: usize = 4;

/// Who calls, and how often.
pub(super) struct Callers {
    hashes: RandomState,
    /// Links at once, of all callers together.
    most_links: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Those that have not greeted, the oldest first.
    greeting: VecDeque<Greeting>,
    /// Links by caller.
    links: HashMap<u64, usize>,
}

struct Greeting {
    number: u64,
    caller: u64,
    dropped: CancellationToken,
}

/// A stream whose caller has not greeted yet. Dropped, it has no place any more.
pub(super) struct Newcomer {
    callers: Arc<Callers>,
    number: u64,
    caller: u64,
    dropped: CancellationToken,
}

/// A link's place. Dropped, it is free.
pub(super) struct LinkPlace {
    callers: Arc<Callers>,
    caller: u64,
}

impl Callers {
    pub(super) fn new(most_links: usize) -> Arc<Self> {
        Arc::new(Self {
            hashes: RandomState::new(),
            most_links,
            state: Mutex::default(),
        })
    }

    /// Somebody calls. When all places are taken, whoever has not greeted for longest loses theirs. `None`: this caller has enough.
    pub(super) fn enter(self: &Arc<Self>, address: Address) -> Option<Newcomer> {
        let caller = self.hashes.hash_one(address);
        let mut state = self.state();
        let count = |state: &State| {
            let own = state.greeting.iter().filter(|one| one.caller == caller);
            own.count()
        };
        if count(&state) >= GREETING_EACH {
            return None;
        }
        if state.greeting.len() >= GREETING_AT_ONCE
            && let Some(oldest) = state.greeting.pop_front()
        {
            oldest.dropped.cancel();
        }
        let (number, dropped) = (state.next, CancellationToken::new());
        state.next += 1;
        state.greeting.push_back(Greeting {
            number,
            caller,
            dropped: dropped.clone(),
        });
        Some(Newcomer {
            callers: Arc::clone(self),
            number,
            caller,
            dropped,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counts are whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newcomer {
    /// Returns once another has this place.
    pub(super) async fn dropped(&self) {
        self.dropped.cancelled().await;
    }

    /// A place for a link, if there is one for this caller.
    pub(super) fn link(&self) -> Option<LinkPlace> {
        let mut state = self.callers.state();
        let all: usize = state.links.values().sum();
        let own = state.links.get(&self.caller).copied().unwrap_or_default();
        if all >= self.callers.most_links || own >= LINKS_EACH {
            return None;
        }
        state.links.insert(self.caller, own + 1);
        Some(LinkPlace {
            callers: Arc::clone(&self.callers),
            caller: self.caller,
        })
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let mut state = self.callers.state();
        state.greeting.retain(|one| one.number != self.number);
    }
}

impl Drop for LinkPlace {
    fn drop(&mut self) {
        let mut state = self.callers.state();
        if let Some(own) = state.links.get_mut(&self.caller) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                state.links.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn address(number: u8) -> Address {
        Address::from_bytes([number; 32])
    }

    #[test]
    fn whoever_is_silent_for_longest_makes_room_and_nobody_takes_all() {
        let callers = Callers::new(64);
        let mut silent: Vec<_> = (0..GREETING_EACH)
            .map(|_| callers.enter(address(0)).unwrap())
            .collect();
        assert!(callers.enter(address(0)).is_none(), "one took all places");
        for number in 1..=u8::try_from(GREETING_AT_ONCE - GREETING_EACH).unwrap() {
            silent.push(callers.enter(address(number)).unwrap());
        }
        let is_dropped = |one: &Newcomer| one.dropped.is_cancelled();
        assert!(!silent.iter().any(is_dropped));
        let late = callers.enter(address(100)).unwrap();
        assert!(is_dropped(&silent[0]) && !silent.iter().skip(1).any(is_dropped));
        assert!(!is_dropped(&late));
        // What has left its place makes none free a second time.
        silent.remove(0);
        assert_eq!(callers.state().greeting.len(), GREETING_AT_ONCE);
        silent.clear();
        drop(late);
        assert!(callers.state().greeting.is_empty());
    }

    #[test]
    fn links_are_bounded_for_each_caller_and_for_all() {
        let callers = Callers::new(LINKS_EACH + 1);
        let one = callers.enter(address(1)).unwrap();
        let mut links: Vec<_> = (0..LINKS_EACH).map(|_| one.link().unwrap()).collect();
        assert!(one.link().is_none(), "one took all links");
        let another = callers.enter(address(2)).unwrap();
        links.push(another.link().unwrap());
        assert!(another.link().is_none());
        links.remove(0);
        assert!(another.link().is_some());
        links.clear();
        assert!(callers.state().links.is_empty(), "a caller is remembered");
    }
}
