//! What was said before somebody came in, if the rules give it to them.
//!
//! Whoever brings them in seals the seeds of before to their leaf key ([`archive`]), with the operations that tell of them, and then
//! gives the newest of what was said, each under the seed that it came under: as an answer to whoever lacks it, through the pair. The
//! newcomer computes who belonged then, and accepts a seed only if it was for exactly these; so they know what is still on its way,
//! and can supply it to others as everybody.
//!
//! Bounds: [`archive::MAX_SEEDS`], [`limits::MAX_HISTORY`], [`limits::HISTORY_BYTES`], once for each newcomer.

use std::collections::BTreeSet;

use komrade_crypto::{
    day_of,
    group::{
        Commit, LastingKeys,
        archive::{self, Past},
    },
};
use komrade_view::CollectiveId;
use rand_core::CryptoRng;

use super::{
    Known, Space,
    candidacy::in_words,
    frame::{Bundle, Load, Word},
};
use crate::{limits, open::Open, step::Step};

impl Open {
    /// Gives newcomers what was said before, once they have keys.
    pub(super) fn space_give_history(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        if !space.shares_history() {
            return;
        }
        let hash = *space.record.space;
        let root = space.root();
        let Some(chosen) = root.and_then(|root| space.keys.choose(&root, today)) else {
            return;
        };
        let due = space.record.escorts.iter();
        let due = due.filter(|it| !it.has_history && it.seed == Some(chosen));
        let due: Vec<_> = due.map(|it| (it.person, it.comrade, it.entered)).collect();
        for (person, comrade, entered) in due {
            let Some((device, _)) = entered else { continue };
            let Some(space) = self.spaces.get_mut(&id).filter(|_| step.has_room()) else {
                return;
            };
            let loads = space.history_for(&device, &chosen, step.rng);
            let mut escorts = space.record.escorts.iter_mut();
            if let Some(escort) = escorts.find(|it| it.person == person) {
                escort.has_history = true;
            }
            step.touched.spaces.insert(id);
            for load in loads {
                self.space_tell(step, comrade, &hash, &Word::Keys(load));
            }
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
    fn history_for(
        &self,
        device: &[u8; 32],
        chosen: &Commit,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Load> {
        let leaf = self.devices.get(device).and_then(|it| it.leaf.as_ref());
        let (Some(leaf), Some(now)) = (leaf, self.keys.get(chosen)) else {
            return Vec::new();
        };
        let told = |past: &Past| self.seed_operations(&past.seed.commit()).pop();
        let past = self.keys.past(chosen).into_iter();
        let past = past.filter_map(|it| Some((told(&it)?, it)));
        let (told, past): (Vec<Vec<u8>>, Vec<Past>) = past.unzip();
        let seeds: BTreeSet<Commit> = past.iter().map(|it| it.seed.commit()).collect();
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
        for (commit, said) in self.said_under(&seeds) {
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

    /// The newest of what was said under these seeds, the oldest first: what follows each other under one seed together.
    fn said_under(&self, seeds: &BTreeSet<Commit>) -> Vec<(Commit, Vec<Vec<u8>>)> {
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
        let newest: Vec<_> = newest.take_while(fits).collect();
        let mut given: Vec<(Commit, Vec<Vec<u8>>)> = Vec::new();
        for (commit, known) in newest.into_iter().rev() {
            match given.last_mut().filter(|(last, _)| *last == commit) {
                Some((_, operations)) => operations.push(known.bytes.clone()),
                None => given.push((commit, vec![known.bytes.clone()])),
            }
        }
        given
    }
}
