//! The keys of one collective on this device: leaves of one's own, seeds, and what grows from them.
//!
//! Kept are leaves, seeds, and the ratchet of this device under each; it is written before anything
//! that was sealed with it leaves. The ratchets of other devices are wound from the seed whenever something comes, and some of their
//! places are at hand in memory: as long as a seed is kept, writing them would cost and protect nothing.
//!
//! Bounds: [`limits::MAX_SEEDS`] for a space, of which [`limits::MAX_UNSURE_SEEDS`] may not be accepted;
//! `komrade_crypto::group::rules` says when each goes.

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::{
    day_of,
    group::{
        self, Commit, LastingKeys, LeafRing, MAX_REOPEN, MemberRoot, Pack, Rewinding, Seed,
        Sending, SliceError, Space,
        archive::{self, Past},
        rules::{self, Candidate, Phase, Reseed},
    },
    identity::PersonId,
    outer::DetectionKey,
};
use komrade_social::OperationId;
use komrade_view::Millis;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use crate::{
    limits,
    own::SecretBytes,
    records::{self, Damaged},
};

/// A seed drawn later than this was drawn by a clock that is ahead: it counts as drawn now.
pub(crate) fn latest(now: Millis) -> Millis {
    now.saturating_add(limits::CLOCKS_APART)
}

/// A seed, as far as it is kept.
pub(crate) struct SeedState {
    lasting: LastingKeys,
    detection: DetectionKey,
    /// While content may come under it.
    pub(crate) seed: Option<Seed>,
    /// The day from which its age counts.
    pub(crate) since: u32,
    /// Of its operation; 0 until that is known.
    pub(crate) height: u64,
    /// The operation that tells of it: the one of those with the right members that came with it, or first.
    told: Option<OperationId>,
    /// Who drew it, once that is known.
    by: Option<PersonId>,
    sending: Option<Sending>,
    /// Of members' devices.
    reading: BTreeMap<[u8; 32], Rewinding>,
}

#[derive(Serialize, Deserialize)]
struct SeedRecord {
    lasting: SecretBytes,
    seed: Option<SecretBytes>,
    since: u32,
    height: u64,
    by: Option<PersonId>,
    sending: Option<SecretBytes>,
    #[serde(default)]
    told: Option<ByteArray<32>>,
}

/// Why content gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoContent {
    /// The seed is not here, or not accepted: it may come.
    Later(Commit),
    /// It will never open.
    Never,
}

/// What opened. Any member could have made it: the signature inside says whether the device did.
pub(crate) struct Content {
    pub(crate) plaintext: Zeroizing<Vec<u8>>,
    pub(crate) commit: Commit,
    pub(crate) device: [u8; 32],
}

/// See the module.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) leaves: LeafRing,
    seeds: BTreeMap<Commit, SeedState>,
    /// Those that had to make room: their records are to go.
    evicted: Vec<Commit>,
}

impl SeedState {
    fn new(seed: Seed, since: u32) -> Self {
        let lasting = seed.lasting();
        Self {
            detection: lasting.detection(),
            lasting,
            seed: Some(seed),
            since,
            height: 0,
            told: None,
            by: None,
            sending: None,
            reading: BTreeMap::new(),
        }
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.seed.as_ref().is_some_and(Seed::is_accepted)
    }

    fn is_unsure(&self) -> bool {
        self.seed.is_some() && !self.is_accepted()
    }

    /// The hash of those it is for, while it is kept.
    pub(crate) fn root(&self) -> Option<MemberRoot> {
        self.seed.as_ref().map(Seed::root)
    }

    pub(crate) fn lasting(&self) -> &LastingKeys {
        &self.lasting
    }

    pub(crate) fn detection(&self) -> &DetectionKey {
        &self.detection
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let secret = |bytes: Zeroizing<Vec<u8>>| SecretBytes(bytes.to_vec());
        records::encode(&SeedRecord {
            lasting: secret(self.lasting.to_bytes()),
            seed: self.seed.as_ref().map(|seed| secret(seed.to_bytes())),
            since: self.since,
            height: self.height,
            by: self.by,
            sending: self.sending.as_ref().map(|it| secret(it.to_bytes())),
            told: self.told.map(|id| id.0.into()),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let record: SeedRecord = records::decode(bytes)?;
        let lasting = LastingKeys::from_bytes(&record.lasting.0).map_err(|_| Damaged)?;
        let seed = record.seed.map(|seed| Seed::from_bytes(&seed.0));
        let sending = record.sending.map(|it| Sending::from_bytes(&it.0));
        Ok(Self {
            detection: lasting.detection(),
            lasting,
            seed: seed.transpose().map_err(|_| Damaged)?,
            since: record.since,
            height: record.height,
            told: record.told.map(|id| OperationId(*id)),
            by: record.by,
            sending: sending.transpose().map_err(|_| Damaged)?,
            reading: BTreeMap::new(),
        })
    }
}

impl Keys {
    /// Takes a record in.
    pub(crate) fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let state = SeedState::decode(bytes)?;
        self.seeds.insert(state.lasting.commit(), state);
        Ok(())
    }

    pub(crate) fn get(&self, commit: &Commit) -> Option<&SeedState> {
        self.seeds.get(commit)
    }

    /// Forgets a seed that nobody was told of.
    pub(crate) fn remove(&mut self, commit: &Commit) {
        self.seeds.remove(commit);
    }

    /// By which operation a seed was settled.
    pub(crate) fn told(&self, commit: &Commit) -> Option<OperationId> {
        self.seeds.get(commit)?.told
    }

    /// Takes a seed out.
    pub(crate) fn pop(&mut self) -> Option<Commit> {
        self.seeds.pop_first().map(|(commit, _)| commit)
    }

    /// Under which seed an envelope is hinted: one AES block for each.
    pub(crate) fn find(&self, nonce: &[u8; 12], hint: &[u8; 8]) -> Option<Commit> {
        let is = |state: &SeedState| state.detection.matches(nonce, hint);
        let found = self.seeds.iter().find(|(_, state)| is(state));
        found.map(|(commit, _)| *commit)
    }

    // --- seeds -----------------------------------------------------------------------------------

    /// Draws a seed for these members, of whom this device is one.
    pub(crate) fn draw(
        &mut self,
        space: Space,
        root: MemberRoot,
        today: u32,
        in_use: &BTreeSet<Commit>,
        rng: &mut dyn CryptoRng,
    ) -> Commit {
        let seed = Seed::draw(space, root, rng);
        let commit = seed.commit();
        self.make_room(in_use);
        self.seeds.insert(commit, SeedState::new(seed, today));
        commit
    }

    /// Takes a seed out of slices that came. Says which, if it is a new one.
    pub(crate) fn take_pack(
        &mut self,
        space: &Space,
        pack: &Pack<'_>,
        today: u32,
        in_use: &BTreeSet<Commit>,
    ) -> Result<Option<Commit>, SliceError> {
        let commit = pack.commit();
        if self.seeds.contains_key(&commit) {
            return Ok(None);
        }
        let seed = pack.open(space, self.leaves.keys())?;
        let unsure = |(_, state): &(&Commit, &SeedState)| state.is_unsure();
        if self.seeds.iter().filter(unsure).count() >= limits::MAX_UNSURE_SEEDS
            && let Some(oldest) = self.seeds.iter().filter(unsure).min_by_key(|it| it.1.since)
        {
            let oldest = *oldest.0;
            self.seeds.remove(&oldest);
            self.evicted.push(oldest);
        }
        self.make_room(in_use);
        self.seeds.insert(commit, SeedState::new(seed, today));
        Ok(Some(commit))
    }

    /// Takes a seed of before, which is not accepted yet. Nothing makes room for it. Says whether it is new.
    pub(crate) fn take_past(&mut self, past: Past, today: u32) -> bool {
        let commit = past.seed.commit();
        let since = past.since.min(today);
        let is_of_use = rules::phase(since, today) < Phase::Lasting
            && !self.seeds.contains_key(&commit)
            && self.seeds.len() < limits::MAX_SEEDS;
        if is_of_use {
            self.seeds.insert(commit, SeedState::new(past.seed, since));
        }
        is_of_use
    }

    /// The newest seeds but this one, as far as others can be given them.
    pub(crate) fn past(&self, but: &Commit) -> Vec<Past> {
        let before = self.newest_first().into_iter().filter(|it| it != but);
        let past = before.filter_map(|commit| {
            let state = self.seeds.get(&commit)?;
            Some(Past {
                seed: state.seed.clone()?,
                since: state.since,
            })
        });
        past.take(archive::MAX_SEEDS).collect()
    }

    /// Seeds that had to make room since this was asked last.
    pub(crate) fn take_evicted(&mut self) -> Vec<Commit> {
        std::mem::take(&mut self.evicted)
    }

    /// Where there are too many, the oldest goes of whoever drew most: nobody alone makes the others' go, and none that is in use
    /// does.
    fn make_room(&mut self, in_use: &BTreeSet<Commit>) {
        if self.seeds.len() < limits::MAX_SEEDS {
            return;
        }
        let mut drawn: BTreeMap<Option<PersonId>, usize> = BTreeMap::new();
        for state in self.seeds.values() {
            *drawn.entry(state.by).or_default() += 1;
        }
        let idle = self.seeds.iter().filter(|(it, _)| !in_use.contains(it));
        let goes = idle.min_by_key(|(_, state)| {
            let by = drawn.get(&state.by).copied();
            (std::cmp::Reverse(by), state.since, state.height)
        });
        if let Some(goes) = goes.map(|(commit, _)| *commit) {
            self.seeds.remove(&goes);
            self.evicted.push(goes);
        }
    }

    /// Who drew a seed.
    pub(crate) fn note_author(&mut self, commit: &Commit, by: PersonId) {
        if let Some(state) = self.seeds.get_mut(commit) {
            state.by = Some(by);
        }
    }

    /// The clock was ahead.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        for state in self.seeds.values_mut() {
            state.since = state.since.min(day_of(now));
            state.height = state.height.min(latest(now));
        }
    }

    /// A seed's operation is good: accepts it if it is for these members. Says whether anything changed.
    pub(crate) fn settle(
        &mut self,
        commit: &Commit,
        ours: &MemberRoot,
        height: u64,
        day: u32,
    ) -> bool {
        let Some(state) = self.seeds.get_mut(commit) else {
            return false;
        };
        let Some(seed) = &mut state.seed else {
            return false;
        };
        let is_known = seed.is_accepted() && state.height == height;
        if is_known || seed.accept(ours).is_err() {
            return false;
        }
        state.height = height;
        state.since = state.since.min(day);
        true
    }

    /// This operation tells of it, and no other does.
    pub(crate) fn note_told(&mut self, commit: &Commit, id: OperationId) {
        if let Some(state) = self.seeds.get_mut(commit) {
            state.told = Some(id);
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let known = self.seeds.iter().filter_map(|(commit, state)| {
            let seed = state.seed.as_ref().filter(|seed| seed.is_accepted())?;
            Some(Candidate {
                commit: *commit,
                root: seed.root(),
                since: state.since,
                height: state.height,
            })
        });
        known.filter(|candidate| candidate.height > 0).collect()
    }

    /// Those under which others can read what this device seals next.
    fn usable(&self) -> Vec<Candidate> {
        let mut usable = self.candidates();
        usable.retain(|candidate| {
            let state = self.seeds.get(&candidate.commit);
            let sending = state.and_then(|it| it.sending.as_ref());
            sending.is_none_or(|it| it.place() <= MAX_REOPEN)
        });
        usable
    }

    /// The seed to send under, if there is one for exactly these members.
    pub(crate) fn choose(&self, ours: &MemberRoot, today: u32) -> Option<Commit> {
        rules::choose(&self.usable(), ours, today).map(|seed| seed.commit)
    }

    /// Whether a seed is to be drawn.
    pub(crate) fn reseed(&self, ours: &MemberRoot, today: u32) -> Reseed {
        rules::reseed(&self.usable(), ours, today)
    }

    /// Seeds that were accepted, whoever their members are.
    pub(crate) fn newest_first(&self) -> Vec<Commit> {
        let mut candidates = self.candidates();
        candidates.sort_unstable_by_key(|seed| (std::cmp::Reverse(seed.height), seed.commit));
        candidates.into_iter().map(|seed| seed.commit).collect()
    }

    /// The newest seed that was accepted, whoever its members are: those who went since may have it.
    pub(crate) fn newest(&self) -> Option<Commit> {
        let candidates = self.candidates();
        let order = |seed: &&Candidate| (seed.height, std::cmp::Reverse(seed.commit));
        candidates.iter().max_by_key(order).map(|seed| seed.commit)
    }

    /// The newest seed that was given and that nothing proves yet: whoever has no other has it in common with who gave it.
    pub(crate) fn newest_unproven(&self) -> Option<Commit> {
        let unproven = self.seeds.iter().filter(|(_, state)| state.is_unsure());
        let newest =
            unproven.max_by_key(|(commit, state)| (state.since, std::cmp::Reverse(**commit)));
        newest.map(|(commit, _)| *commit)
    }

    /// Since when the seed in use is there.
    pub(crate) fn since(&self, ours: &MemberRoot, today: u32) -> Option<u32> {
        let commit = self.choose(ours, today)?;
        self.seeds.get(&commit).map(|state| state.since)
    }

    /// Erases what is too old. Answers whose records changed; a record that is gone has no state.
    pub(crate) fn expire(&mut self, today: u32) -> Vec<Commit> {
        let mut changed = Vec::new();
        for (commit, state) in &mut self.seeds {
            let phase = rules::phase(state.since, today);
            if phase == Phase::Gone {
                changed.push(*commit);
            } else if phase == Phase::Lasting && state.seed.take().is_some() {
                state.sending = None;
                state.reading.clear();
                changed.push(*commit);
            }
        }
        self.seeds
            .retain(|_, state| rules::phase(state.since, today) != Phase::Gone);
        changed
    }

    // --- content ---------------------------------------------------------------------------------

    /// Seals content of this device under a seed. The seed's record is to be written with it.
    pub(crate) fn seal_content(
        &mut self,
        commit: &Commit,
        device: &[u8; 32],
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let state = self.seeds.get_mut(commit)?;
        if state.sending.is_none() {
            state.sending = state.seed.as_ref()?.sending(device).ok();
        }
        state.sending.as_mut()?.seal(plaintext, rng).ok()
    }

    /// Opens content, however often. Of members' devices the way there is kept: a message far from the beginning costs that only
    /// once, and whoever invents devices makes this one keep nothing.
    pub(crate) fn open_content(
        &mut self,
        sealed: &[u8],
        is_member: impl Fn(&[u8; 32]) -> bool,
    ) -> Result<Content, NoContent> {
        let source = group::source(sealed).map_err(|_| NoContent::Never)?;
        let (commit, device) = (source.commit, source.device);
        let Some(state) = self.seeds.get_mut(&commit) else {
            return Err(NoContent::Later(commit));
        };
        let seed = state.seed.as_ref().ok_or(NoContent::Never)?;
        if !seed.is_accepted() {
            return Err(NoContent::Later(commit));
        }
        let kept = match state.reading.get_mut(&device) {
            Some(reading) => Some(reading),
            None if is_member(&device) => {
                let reading = seed.rewinding(&device).map_err(|_| NoContent::Never)?;
                Some(state.reading.entry(device).or_insert(reading))
            }
            None => None,
        };
        let opened = match kept {
            Some(reading) => reading.open(sealed),
            None => seed.reopen(sealed),
        };
        Ok(Content {
            plaintext: opened.map_err(|_| NoContent::Never)?,
            commit,
            device,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn draw(keys: &mut Keys, by: u8, time: Millis, in_use: &BTreeSet<Commit>) -> Commit {
        let mut rng = ChaCha20Rng::seed_from_u64(time);
        let root = MemberRoot([1; 32]);
        let space = Space::collective([9; 32]);
        let commit = keys.draw(space, root, day_of(NOW), in_use, &mut rng);
        assert!(keys.settle(&commit, &root, time, day_of(NOW)));
        keys.note_author(&commit, PersonId([by; 32]));
        commit
    }

    #[test]
    fn who_draws_many_seeds_makes_no_others_go() {
        let mut keys = Keys::default();
        let none = BTreeSet::new();
        let honest: Vec<Commit> = (0..40)
            .map(|at| draw(&mut keys, at % 4, NOW + u64::from(at), &none))
            .collect();
        let first = draw(&mut keys, 9, NOW + 100, &none);
        let in_use = BTreeSet::from([first]);
        for at in 0..2 * limits::MAX_SEEDS as u64 {
            draw(&mut keys, 9, NOW + 1_000 + at, &in_use);
        }
        assert!(keys.get(&first).is_some());
        assert!(honest.iter().all(|commit| keys.get(commit).is_some()));
        assert_eq!(keys.seeds.len(), limits::MAX_SEEDS);
        assert_eq!(keys.take_evicted().len(), limits::MAX_SEEDS + 41);
    }

    #[test]
    fn what_a_member_said_opens_however_often_and_far_and_others_leave_nothing_behind() {
        let (mut ours, mut theirs) = (Keys::default(), Keys::default());
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let commit = draw(&mut ours, 1, NOW, &BTreeSet::new());
        let record = ours.get(&commit).unwrap().encode();
        theirs.load(&record).unwrap();
        let device = [4; 32];
        let mut said: Vec<_> = (0..2_600_u16)
            .map(|n| theirs.seal_content(&commit, &device, &n.to_be_bytes(), &mut rng))
            .map(Option::unwrap)
            .collect();
        let (last, first) = (said.pop().unwrap(), said.swap_remove(0));
        for is_member in [false, true] {
            for sealed in [&last, &first, &last] {
                let content = ours.open_content(sealed, |_| is_member).unwrap();
                assert_eq!((content.commit, content.device), (commit, device));
            }
            let kept = ours.get(&commit).unwrap().reading.len();
            assert_eq!(kept, usize::from(is_member));
        }
        let mut changed = last.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(
            ours.open_content(&changed, |_| true).err(),
            Some(NoContent::Never)
        );
    }

    #[test]
    fn who_says_more_than_can_be_read_under_a_seed_draws_another() {
        let mut keys = Keys::default();
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let (root, today) = (MemberRoot([1; 32]), day_of(NOW));
        let commit = draw(&mut keys, 1, NOW, &BTreeSet::new());
        let mut last = Vec::new();
        for _ in 0..=MAX_REOPEN {
            assert_eq!(keys.choose(&root, today), Some(commit));
            last = keys.seal_content(&commit, &[4; 32], b"", &mut rng).unwrap();
        }
        assert_eq!(keys.choose(&root, today), None);
        assert_eq!(keys.reseed(&root, today), Reseed::Forced);
        let mut others = Keys::default();
        let record = keys.get(&commit).unwrap().encode();
        others.load(&record).unwrap();
        assert!(others.open_content(&last, |_| false).is_ok());
    }

    #[test]
    fn a_clock_that_was_ahead_leaves_no_seed_ahead() {
        let mut keys = Keys::default();
        let none = BTreeSet::new();
        let year = 365 * limits::DAY;
        let ahead = draw(&mut keys, 1, NOW + year, &none);
        keys.bring_down(NOW);
        let later = draw(&mut keys, 2, NOW + limits::HOUR, &none);
        let root = MemberRoot([1; 32]);
        assert_eq!(keys.choose(&root, day_of(NOW)), Some(later));
        assert!(keys.get(&ahead).unwrap().since <= day_of(NOW));
    }
}
