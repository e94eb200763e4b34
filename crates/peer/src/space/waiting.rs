//! Loads that cannot be taken yet: a seed is missing, there was no room in the step, or they hold something of a later day.
//!
//! Whatever may let some of them open marks its collective ([`Open::space_retry`]), and one loop looks at all that are marked until
//! nothing changes any more: what one load brings may open the next, however many there are.

use komrade_crypto::group::Commit;
use komrade_ether::{Day, EnvelopeId};
use komrade_store::Table;
use komrade_view::{CollectiveId, Millis};
use std::collections::BTreeMap;

use super::{Space, Waiting, frame::Load, keys::Keys, places};
use crate::{limits, open::Open, records, step::Step};

/// What a load waits for; of several parts what comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Later {
    /// The next step.
    Room,
    /// A moment.
    At(Millis),
    /// A seed.
    Seed(Commit),
}

/// How a load came.
pub(crate) struct Arrived {
    pub(crate) envelope: [u8; 32],
    /// The day on which its envelope expires.
    pub(crate) expiry: u32,
    /// The seed under which it came; `None`: a comrade gave it.
    pub(crate) under: Option<Commit>,
}

impl Waiting {
    /// Notes what it waits for.
    fn wait_for(&mut self, later: Later) {
        (self.commit, self.until) = match later {
            Later::Room => (None, 0),
            Later::At(until) => (None, until),
            Later::Seed(commit) => (Some(commit), 0),
        };
    }

    fn is_ready(&self, keys: &Keys, now: Millis) -> bool {
        let has_seed = |commit| keys.get(commit).is_some();
        self.until <= now && self.commit.as_ref().is_none_or(has_seed)
    }

    /// Only time had to pass.
    pub(super) fn is_due(&self, now: Millis) -> bool {
        self.commit.is_none() && self.until <= now
    }
}

impl Open {
    /// Keeps a load for later. Of too many one goes that came under the seed under which most came, the one that expires first:
    /// whoever holds an old seed crowds out nobody but those who hold no other.
    pub(super) fn space_wait(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        arrived: &Arrived,
        later: Later,
        load: &Load,
    ) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let latest = Day::of(step.now).plus(komrade_ether::MAX_DAYS_AHEAD).0;
        let mut waiting = Waiting {
            expiry: arrived.expiry.min(latest),
            commit: None,
            under: arrived.under,
            until: 0,
            load: load.encode().to_vec(),
        };
        waiting.wait_for(later);
        let key = places::waiting(id, &arrived.envelope);
        step.write(Table::Spaces, key, records::encode(&waiting));
        space.waiting.insert(arrived.envelope, waiting);
        if space.waiting.len() > limits::MAX_WAITING_LOADS
            && let Some(going) = space.crowding()
        {
            space.waiting.remove(&going);
            step.delete(Table::Spaces, places::waiting(id, &going));
        }
    }

    /// A load that a comrade gave: taken, or kept for later.
    pub(super) fn space_given(&mut self, step: &mut Step, id: CollectiveId, load: &Load) {
        if let Some(later) = self.space_load(step, id, load) {
            let arrived = Arrived {
                envelope: EnvelopeId::of(&load.encode()).0,
                expiry: u32::MAX,
                under: None,
            };
            self.space_wait(step, id, &arrived, later, load);
        }
    }

    /// Something came that may let loads open.
    pub(super) fn space_retry(&mut self, step: &mut Step, id: CollectiveId) {
        self.spaces.renewed.insert(id);
        self.space_follow(step);
    }

    /// The same, and it is a seed: it may tell whose envelopes are that nobody recognised.
    pub(super) fn space_new_seed(&mut self, step: &mut Step, id: CollectiveId) {
        self.spaces.looks_again = true;
        self.space_retry(step, id);
    }

    /// Whether something is left to be looked at.
    pub(super) fn space_has_renewed(&self, id: CollectiveId) -> bool {
        self.spaces.looks_again || self.spaces.renewed.contains(&id)
    }

    fn space_follow(&mut self, step: &mut Step) {
        if std::mem::replace(&mut self.spaces.is_following, true) {
            return;
        }
        loop {
            let is_left = self.spaces.looks_again || !self.spaces.renewed.is_empty();
            if !is_left || !step.has_room() {
                break;
            }
            if let Some(id) = self.spaces.renewed.pop_first() {
                self.space_look_at(step, id);
            } else if std::mem::take(&mut self.spaces.looks_again) {
                self.space_look_again(step);
            }
        }
        self.spaces.is_following = false;
    }

    /// Looks once more at what nobody recognised.
    fn space_look_again(&mut self, step: &mut Step) {
        for envelope in std::mem::take(&mut self.spaces.strangers) {
            match self.find_space(envelope.header()) {
                Some((id, commit)) => {
                    self.space_put_here(step, id, &commit, &envelope);
                }
                None => self.spaces.strangers.push_back(envelope),
            }
        }
    }

    /// Looks once more at all that may open now.
    fn space_look_at(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let ready = space.waiting.iter();
        let ready: Vec<[u8; 32]> = ready
            .filter(|(_, waiting)| waiting.is_ready(&space.keys, step.now))
            .map(|(envelope, _)| *envelope)
            .collect();
        for envelope in ready {
            if !step.has_room() {
                self.spaces.renewed.insert(id);
                return;
            }
            let Some(space) = self.spaces.get_mut(&id) else {
                return;
            };
            let Some(mut waiting) = space.waiting.remove(&envelope) else {
                continue;
            };
            let later = match Load::decode(&waiting.load) {
                Ok(load) => self.space_load(step, id, &load),
                Err(_) => None,
            };
            match later {
                None => step.delete(Table::Spaces, places::waiting(id, &envelope)),
                Some(later) => {
                    waiting.wait_for(later);
                    if let Some(space) = self.spaces.get_mut(&id) {
                        space.waiting.insert(envelope, waiting);
                    }
                }
            }
        }
    }
}

impl Space {
    /// Which load has to make room.
    fn crowding(&self) -> Option<[u8; 32]> {
        let mut crowds: BTreeMap<Option<Commit>, usize> = BTreeMap::new();
        for waiting in self.waiting.values() {
            *crowds.entry(waiting.under).or_default() += 1;
        }
        let (crowd, _) = crowds.into_iter().max_by_key(|(_, count)| *count)?;
        let all = self.waiting.iter().filter(|(_, it)| it.under == crowd);
        let first = all.min_by_key(|(_, waiting)| waiting.expiry);
        first.map(|(envelope, _)| *envelope)
    }
}
