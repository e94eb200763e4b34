//! What was said before somebody came in, if the rules give it to them.
//!
//! Whoever brings them in seals the seeds of before to their leaf key ([`archive`]), with the operations that tell of them, and then
//! gives the newest of what was said, each under the seed that it came under: as an answer to whoever lacks it, through the pair. The
//! newcomer computes who belonged then, and accepts a seed only if it was for exactly these; so they know what is still on its way,
//! and can supply it to others as everybody.
//!
//! Whoever wrote while the rules did not share it wrote for those who were there: what the rules say later changes nothing of that. So
//! only seeds are given, and words, that were drawn and said where the rules shared them.
//!
//! Bounds: [`archive::MAX_SEEDS`], [`limits::MAX_HISTORY`], [`limits::HISTORY_BYTES`], once for each newcomer, and one newcomer at a
//! time.

use std::collections::{BTreeSet, VecDeque};

use komrade_crypto::{
    day_of,
    group::{
        Commit, LastingKeys,
        archive::{self, Past},
    },
    identity::PersonId,
};
use komrade_social::collective::Operation;
use komrade_view::{CollectiveId, ComradeId};
use rand_core::CryptoRng;

use super::{
    Known, Space,
    candidacy::in_words,
    frame::{Bundle, Load, Word},
};
use crate::{limits, open::Open, step::Step};

/// What a newcomer is being given, as much in a step as there is room for. It stands in memory alone: that they have it is noted with
/// the last of it, so that whoever loses power before begins anew.
pub(crate) struct Telling {
    comrade: ComradeId,
    person: PersonId,
    loads: VecDeque<Load>,
}

impl Open {
    /// Gives newcomers what was said before, once they have keys: one after the other.
    pub(super) fn space_give_history(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        if !space.shares_history() || space.telling.is_some() {
            return;
        }
        let root = space.root();
        let Some(chosen) = root.and_then(|root| space.keys.choose(&root, today)) else {
            return;
        };
        let mut escorts = space.record.escorts.iter();
        let due = escorts.find_map(|it| {
            let is_due = !it.has_history && it.seed == Some(chosen);
            let (device, _) = it.entered.filter(|_| is_due)?;
            Some((it.person, it.comrade, device))
        });
        let Some((person, comrade, device)) = due else {
            return;
        };
        let loads = space.history_for(&device, &chosen, step.rng);
        space.telling = Some(Telling {
            comrade,
            person,
            loads: loads.into(),
        });
        self.space_go_on_telling(step, id);
    }

    /// Gives as much of what was said before as there is room for.
    pub(super) fn space_go_on_telling(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let telling = space.telling.take();
        let Some(mut telling) = telling.filter(|_| space.is_in()) else {
            return;
        };
        let hash = *space.record.space;
        while step.has_room() {
            let Some(load) = telling.loads.pop_front() else {
                break;
            };
            self.space_tell(step, telling.comrade, &hash, &Word::Keys(load));
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if !telling.loads.is_empty() {
            space.telling = Some(telling);
            return;
        }
        let mut escorts = space.record.escorts.iter_mut();
        if let Some(escort) = escorts.find(|it| it.person == telling.person) {
            escort.has_history = true;
            step.touched.spaces.insert(id);
        }
    }

    /// Seeds of before came: those are kept that were drawn for the members of their time.
    pub(super) fn space_take_past(&mut self, step: &mut Step, id: CollectiveId, sealed: &[u8]) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let group = space.group();
        let opened = {
            let mut leaves = space.keys.leaves.keys();
            leaves.find_map(|leaf| archive::open(&group, leaf, sealed).ok())
        };
        let mut taken: Vec<Commit> = Vec::new();
        for past in opened.unwrap_or_default() {
            let commit = past.seed.commit();
            if space.keys.take_past(past, today) {
                taken.push(commit);
            }
        }
        self.space_settle_seeds(step, id);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        for commit in &taken {
            if space.keys.get(commit).is_some_and(|it| it.is_accepted()) {
                step.touched.seeds.insert((id, *commit));
            } else {
                space.keys.remove(commit);
            }
        }
        if !taken.is_empty() {
            self.space_new_seed(step, id);
        }
    }
}

impl Space {
    /// Whether the rules give newcomers what was said before.
    pub(super) fn shares_history(&self) -> bool {
        let rules = self.society.constitution();
        rules.is_some_and(|rules| rules.history)
    }

    /// What a newcomer with this device is given of before, in an order in which each can be opened.
    pub(super) fn history_for(
        &mut self,
        device: &[u8; 32],
        chosen: &Commit,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Load> {
        let mut told = Vec::new();
        let mut past = Vec::new();
        for it in self.keys.past(chosen) {
            let operation = self.seed_operations(&it.seed.commit()).pop();
            if let Some(operation) = operation.filter(|bytes| self.was_for_all(bytes)) {
                told.push(operation);
                past.push(it);
            }
        }
        let seeds: BTreeSet<Commit> = past.iter().map(|it| it.seed.commit()).collect();
        let said = self.said_under(&seeds);
        let leaf = self.devices.get(device).and_then(|it| it.leaf.as_ref());
        let (Some(leaf), Some(now)) = (leaf, self.keys.get(chosen)) else {
            return Vec::new();
        };
        let mut past = past.into_iter();
        let mut loads = Vec::new();
        let mut control = |lasting: &LastingKeys, operations| {
            let bundle = Bundle {
                operations,
                ..Bundle::default()
            };
            lasting.seal_control(&bundle.encode(), rng).ok()
        };
        for operations in in_words(told, limits::MAX_BUNDLED / 2) {
            let some: Vec<Past> = past.by_ref().take(operations.len()).collect();
            let control = control(now.lasting(), operations);
            loads.push((control, Some(some)));
        }
        for (commit, said) in said {
            let Some(state) = self.keys.get(&commit) else {
                continue;
            };
            for operations in in_words(said, limits::MAX_BUNDLED) {
                loads.push((control(state.lasting(), operations), None));
            }
        }
        let group = self.group();
        let load = |(control, seeds): (Option<Vec<u8>>, Option<Vec<Past>>)| {
            let archive = seeds.map(|seeds| archive::seal(&group, &seeds, leaf.key(), rng));
            Load {
                control,
                archive: archive.and_then(Result::ok),
                ..Load::default()
            }
        };
        loads.into_iter().map(load).collect()
    }

    /// Whether the rules gave newcomers what was said before where this operation was made.
    fn was_for_all(&mut self, bytes: &[u8]) -> bool {
        let operation = Operation::decode_stored(bytes);
        operation.is_ok_and(|it| self.society.shared_history_at(&it.fields().context))
    }

    /// The newest of what was said under these seeds while the rules shared it, and all of one seed together: the seed of the
    /// oldest first.
    fn said_under(&mut self, seeds: &BTreeSet<Commit>) -> Vec<(Commit, Vec<Vec<u8>>)> {
        let said = self.known.values().filter(|it| it.is_said && it.is_placed);
        let said = said.filter_map(|it| Some((it.commit.filter(|it| seeds.contains(it))?, it)));
        let mut said: Vec<_> = said.collect();
        said.sort_by_key(|(_, known)| std::cmp::Reverse(known.arrival));
        let mut room = limits::HISTORY_BYTES;
        let fits = |(_, known): &(Commit, &Known)| {
            let left = room.checked_sub(known.bytes.len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let newest = said.into_iter().take(limits::MAX_HISTORY);
        let newest = newest.take_while(fits);
        let newest: Vec<_> = newest
            .map(|(it, known)| (it, known.bytes.clone()))
            .collect();
        let mut given: Vec<(Commit, Vec<Vec<u8>>)> = Vec::new();
        for (commit, bytes) in newest.into_iter().rev() {
            if !self.was_for_all(&bytes) {
                continue;
            }
            match given.iter_mut().find(|(other, _)| *other == commit) {
                Some((_, operations)) => operations.push(bytes),
                None => given.push((commit, vec![bytes])),
            }
        }
        given
    }
}
