//! Seeds: when a new one is drawn, how it is sent, and which of others' are accepted.
//!
//! Whoever sees that no seed is for exactly the members that it computes draws one, after a random wait,
//! and stops if another's comes meanwhile. Its slices travel packed for each home, with the signed
//! operation that tells of it under the control key of the new seed itself, in an envelope hinted under the
//! one before. A newcomer has none before; whoever brought them in seals it to them once more and sends it
//! through the pair (`candidacy`).

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::{
    day_of,
    group::{
        Commit, Member, MemberRoot, Missing, Seed, Slice,
        rules::{self, Reseed},
        slices_in,
    },
    identity::PersonId,
};
use komrade_ether::{Class, Size};
use komrade_social::{OperationId, collective::Body};
use komrade_view::{Answer, CollectiveId, Millis, Refusal};

use super::{
    Place, Spot,
    frame::{Asked, Bundle, Load},
    keys::latest,
    spot,
};
use crate::{home::NodeHome, limits, open::Open, step::Step};

/// Seeds whose members are computed to find one for those of now: the newest.
const LOOKED_AT: usize = 8;
/// What a load adds to its parts, at most.
const LOAD_BYTES: usize = 32;

impl Open {
    /// Looks whether a seed is to be drawn, now that members, seeds or the day are others.
    pub(super) fn space_mind_keys(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let Some(root) = space.root().filter(|_| space.is_in()) else {
            space.record.reseed_at = None;
            return;
        };
        let before = space.record.reseed_at;
        match space.keys.reseed(&root, today) {
            Reseed::No => {
                space.record.reseed_at = None;
                space.record.is_shrunk = false;
            }
            // With the next message.
            Reseed::Invited => {}
            // Who just came in has nothing that others would know it by.
            Reseed::Forced if space.keys.newest().is_none() => {}
            Reseed::Forced => {
                let wait = rules::wait_millis(space.record.is_shrunk, step.rng);
                let at = step.now.saturating_add(wait.into());
                let at = before.map_or(at, |before| before.min(at));
                space.record.reseed_at = Some(at);
            }
        }
        if space.record.reseed_at != before {
            step.touched.spaces.insert(id);
        }
    }

    /// The person says something: a seed that it would be good to change is changed soon, and one that is
    /// needed at once.
    pub(super) fn space_keys_for_word(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let Some(root) = space.root().filter(|_| !self.clock.is_doubted()) else {
            return;
        };
        match space.keys.reseed(&root, today) {
            Reseed::Forced if space.keys.newest().is_some() => self.space_reseed(step, id),
            Reseed::Invited if space.record.reseed_at.is_none() => {
                let wait = rules::wait_millis(false, step.rng);
                space.record.reseed_at = Some(step.now.saturating_add(wait.into()));
                step.touched.spaces.insert(id);
            }
            _ => {}
        }
    }

    /// Whether seeds whose time has come are drawn: not by a clock that is doubted, and not before it is known whether another's came
    /// while this device was away.
    pub(super) fn may_reseed(&self, now: Millis) -> bool {
        let is_behind = self.own.node().is_some() && !self.is_caught_up(now);
        !self.clock.is_doubted() && !is_behind
    }

    /// Draws and sends seeds whose time has come.
    pub(super) fn space_reseed_due(&mut self, step: &mut Step) {
        if !self.may_reseed(step.now) {
            return;
        }
        let due = self.spaces.iter().filter(|(_, space)| {
            let at = space.record.reseed_at;
            at.is_some_and(|at| at <= step.now)
        });
        let due: Vec<CollectiveId> = due.map(|(id, _)| *id).collect();
        for id in due {
            if !step.has_room() {
                return;
            }
            self.space_reseed(step, id);
        }
    }

    /// When the next seed is drawn.
    pub(super) fn next_reseed(&self) -> Option<Millis> {
        let spaces = self.spaces.values();
        spaces.filter_map(|space| space.record.reseed_at).min()
    }

    /// Changes the keys now: with a leaf of this moment, so that what is sealed to it opens with nothing that
    /// was taken before.
    pub(super) fn space_rekey(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
    ) -> Result<Answer, Refusal> {
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        if !space.is_in() || space.keys.newest().is_none() {
            return Err(Refusal::NotEntitled);
        }
        self.space_renew_leaf(step, id, false);
        if !self.clock.is_doubted() {
            self.space_reseed(step, id);
        } else if let Some(space) = self.spaces.get_mut(&id) {
            // As soon as the clock is believed.
            space.record.reseed_at = Some(step.now);
            step.touched.spaces.insert(id);
        }
        Ok(Answer::Done)
    }

    /// Draws a seed for the members of now and sends it.
    pub(super) fn space_reseed(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        space.record.reseed_at = None;
        step.touched.spaces.insert(id);
        let Some(root) = space.root().filter(|_| space.is_in()) else {
            return;
        };
        let before = space.keys.newest();
        let group = space.group();
        let in_use = space.seeds_in_use(today);
        let commit = space.keys.draw(group, root, today, &in_use, step.rng);
        let evicted = space.keys.take_evicted();
        step.touched
            .seeds
            .extend(evicted.into_iter().map(|it| (id, it)));
        step.touched.seeds.insert((id, commit));
        let body = Body::Seed {
            commit: commit.0,
            member_root: root.0,
        };
        let Ok(operation) = self.space_sign(step, id, body) else {
            return;
        };
        let bytes = operation.as_bytes().to_vec();
        if !self.space_take(step, id, operation, Some(commit)) {
            // Nobody would take it either.
            if let Some(space) = self.spaces.get_mut(&id) {
                space.keys.remove(&commit);
            }
            return;
        }
        self.space_settle_seeds(step, id);
        if let Some(before) = before {
            self.space_send_seed(step, id, commit, before, bytes);
        }
        self.space_seal_waiting(step, id);
        self.space_pump(step, id);
    }

    /// Sends slices to the homes of all members, each pack with the operation that tells of the seed.
    fn space_send_seed(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        commit: Commit,
        before: Commit,
        operation: Vec<u8>,
    ) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let known_by = space.known_by(before, commit);
        let Some(state) = space.keys.get(&commit) else {
            return;
        };
        let bundle = Bundle {
            operations: vec![operation],
            ..Bundle::default()
        };
        let mut packs: Vec<(Commit, NodeHome, Load)> = Vec::new();
        let mut slices: BTreeMap<(Spot, Commit), (NodeHome, Vec<Slice>)> = BTreeMap::new();
        for member in space.society.devices() {
            if member.device == space.own.device {
                continue;
            }
            let Some(device) = space.devices.get(&member.device) else {
                continue;
            };
            let leaf = device.leaf.as_ref();
            let home = space.pick(&device.homes);
            if let (Some(leaf), Some(home), Some(seed)) = (leaf, home, &state.seed)
                && let Ok(slice) = seed.slice(leaf.key(), step.rng)
            {
                let under = known_by.get(&member.device).copied().unwrap_or(before);
                let entry = slices.entry((spot(home), under));
                entry.or_insert_with(|| (*home, Vec::new())).1.push(slice);
            }
        }
        for ((_, under), (home, slices)) in slices {
            // Each envelope has a message of its own: no two have a part in common.
            let control = |step: &mut Step| {
                let sealed = state.lasting().seal_control(&bundle.encode(), step.rng);
                sealed.ok()
            };
            let Some(first) = control(step) else { return };
            let room = Class::ordinary(Size::K64).capacity();
            let room = room.saturating_sub(first.len().saturating_add(LOAD_BYTES));
            for some in slices.chunks(slices_in(room).max(1)) {
                let (Some(seed), Some(control)) = (&state.seed, control(step)) else {
                    return;
                };
                let load = Load {
                    control: Some(control),
                    pack: seed.pack(some).ok(),
                    ..Load::default()
                };
                packs.push((under, home, load));
            }
        }
        if let Some(space) = self.spaces.get_mut(&id) {
            let room = limits::MAX_PACKS.saturating_sub(space.packs.len());
            space.packs.extend(packs.into_iter().take(room));
        }
        self.space_go_on_sending_seed(step, id);
    }

    /// Keeps as many packs of a new seed to be sent as there is room for. The rest stands in memory alone: whoever lacks keys after a loss
    /// of power asks for them.
    pub(super) fn space_go_on_sending_seed(&mut self, step: &mut Step, id: CollectiveId) {
        while step.has_room() {
            let space = self.spaces.get_mut(&id);
            let Some((before, home, load)) = space.and_then(|it| it.packs.pop_front()) else {
                return;
            };
            self.space_enqueue_load(step, id, before, &load, vec![home]);
        }
    }

    /// Compares seeds that are here with the operations that tell of them.
    pub(super) fn space_settle_seeds(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let mut changed = false;
        // What came under the seed itself first, and of several the one that came first: anybody may claim to have drawn it.
        let rank = |commit: &Commit, id: &OperationId| {
            let known = space.known.get(id);
            known.map(|it| (it.commit != Some(*commit), it.arrival))
        };
        let mut told: Vec<_> = space.told_seeds.iter().collect();
        told.sort_by_key(|((commit, id), _)| (*commit, rank(&Commit(*commit), id)));
        let mut settled: Vec<(Commit, OperationId, MemberRoot, Millis, PersonId)> = Vec::new();
        for ((commit, operation), told) in told {
            let commit = Commit(*commit);
            let is_settled = settled.last().is_some_and(|(last, ..)| *last == commit);
            let state = space.keys.get(&commit);
            if is_settled || state.is_none_or(|it| it.is_accepted() && it.height > 0) {
                continue;
            }
            let Some(members) = space.society.devices_at(&told.context) else {
                continue;
            };
            let Some(ours) = space.root_of(members) else {
                continue;
            };
            let root = state.and_then(|it| it.seed.as_ref()).map(Seed::root);
            if MemberRoot(told.root) != ours || root != Some(ours) {
                continue;
            }
            settled.push((commit, *operation, ours, told.time, told.by));
        }
        let earliest = day_of(step.now).saturating_sub(rules::CONTENT_DAYS);
        for (commit, operation, ours, time, by) in settled {
            let time = time.clamp(1, latest(step.now));
            // Nobody makes a seed go before it could have been used.
            let day = day_of(time).max(earliest);
            if space.keys.settle(&commit, &ours, time, day) {
                space.keys.note_told(&commit, operation);
                space.keys.note_author(&commit, by);
                step.touched.seeds.insert((id, commit));
                changed = true;
            }
        }
        if changed {
            space.note_changed(step.now);
            step.touched.spaces.insert(id);
            step.show.collectives = true;
            // Whoever was told to be turned down is in, if others seal to them.
            if matches!(space.record.place, Place::NotAdmitted(_)) {
                self.space_stand(step, id);
            }
            self.space_mind_keys(step, id);
            self.space_retry(step, id);
        }
    }

    /// Seals what waited for keys. Called at drawn times, and when this device drew the seed itself.
    pub(super) fn space_seal_waiting(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let waiting = space.outbox.iter().filter(|(_, it)| it.commit.is_none());
        let waiting: Vec<u64> = waiting.map(|(number, _)| *number).collect();
        for number in waiting.into_iter().take(limits::MAX_BUNDLED) {
            if !step.has_room() {
                return;
            }
            self.space_seal(step, id, number);
        }
    }

    /// Draws a new leaf key and tells the others. `asks`: they sealed to another one, and what came since is asked for with it.
    pub(super) fn space_renew_leaf(&mut self, step: &mut Step, id: CollectiveId, asks: bool) {
        let today = day_of(step.now);
        let key = self.device.key().clone();
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let state = space.devices.get(&space.own.device);
        let seen = state
            .and_then(|it| it.leaf.as_ref())
            .map_or(0, |it| it.number());
        if space.keys.leaves.renew(today, seen, step.rng).is_err() {
            return;
        }
        let group = space.group();
        let Some(leaf) = space.keys.leaves.record(&group, &key) else {
            return;
        };
        step.touched.spaces.insert(id);
        let asked = || Asked::sign(&space.record.space, Missing::default(), step.now, &key);
        let bundle = Bundle {
            leaves: vec![leaf.encode()],
            asked: asks.then(asked),
            ..Bundle::default()
        };
        let is_in = space.is_in();
        self.space_take_leaf(step, id, leaf);
        if is_in {
            self.space_enqueue_control(step, id, &bundle);
        }
    }
}

impl super::Space {
    /// The newest seed that was accepted and that nobody has who is no member any more.
    pub(super) fn newest_within(&mut self) -> Option<Commit> {
        self.newest_such(|_| true)
    }

    /// The same if there is one, else any: one that somebody has who went shows them that something is missing, or that somebody
    /// goes, and no more. Without it whoever lacks the keys since could say neither.
    pub(super) fn newest_at_all(&mut self) -> Option<Commit> {
        let keys = &self.keys;
        let known = keys.newest().or_else(|| keys.newest_unproven());
        self.newest_within().or(known)
    }

    /// [`Self::newest_within`], of some.
    pub(super) fn newest_of(&mut self, some: &BTreeSet<Commit>) -> Option<Commit> {
        self.newest_such(|commit| some.contains(commit))
    }

    fn newest_such(&mut self, is_it: impl Fn(&Commit) -> bool) -> Option<Commit> {
        let present = self.member_devices();
        let newest = self.keys.newest_first().into_iter().filter(is_it);
        newest.take(LOOKED_AT).find(|commit| {
            let members = self.members_of(commit);
            members.is_some_and(|all| all.iter().all(|it| present.contains(&it.device)))
        })
    }

    /// By which seed those know what comes who were not among the members of the newest that is in use, by their device: they came back
    /// since, for what removed them does not hold. They do not have the one that is drawn now.
    fn known_by(&mut self, newest: Commit, drawn: Commit) -> BTreeMap<[u8; 32], Commit> {
        let mut known_by = BTreeMap::new();
        let Some(members) = self.members_of(&newest) else {
            return known_by;
        };
        let mut lack = self.member_devices();
        for member in members {
            lack.remove(&member.device);
        }
        let older = self.keys.newest_first().into_iter();
        let older = older.filter(|it| ![newest, drawn].contains(it));
        for commit in older.take(LOOKED_AT) {
            let members = self.members_of(&commit).unwrap_or_default();
            let theirs = members.into_iter().filter(|it| lack.remove(&it.device));
            known_by.extend(theirs.map(|it| (it.device, commit)));
        }
        known_by
    }

    /// Whom a seed is for.
    fn members_of(&mut self, commit: &Commit) -> Option<Vec<Member>> {
        let root = self.keys.get(commit)?.root()?;
        let told = self.told_seeds.iter();
        let told = told.filter(|((of, _), told)| *of == commit.0 && told.root == root.0);
        let contexts: Vec<_> = told.map(|(_, told)| told.context.clone()).collect();
        contexts.iter().find_map(|context| {
            let members = self.society.devices_at(context)?;
            (self.root_of(members.clone()) == Some(root)).then_some(members)
        })
    }
}
