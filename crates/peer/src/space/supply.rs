//! What is missing: asking for it, and answering others.
//!
//! A device that lacks seeds or operations says so under the newest seed it holds. One member answers: they
//! stand in the order of a hash, and each of the others waits longer. What was content goes again under the
//! seed that it came under, so that nobody reads by asking what was said before they came in; what concerns
//! who belongs goes under the seed in use, so that nobody who went reads it.
//!
//! Asking and answering are done at drawn times (`duties`).

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::{
    day_of,
    group::{
        Commit, Missing,
        rules::{self, Phase},
    },
};
use komrade_ether::EnvelopeId;
use komrade_social::{OperationId, collective::Operation};
use komrade_view::{CollectiveId, Millis};

use super::{
    Draft, Known, Space,
    frame::{Bundle, Load},
    outbox::What,
};
use crate::{limits, open::Open, step::Step};

/// What somebody lacks.
pub(crate) struct Question {
    /// The same for all who hear it.
    pub(crate) id: [u8; 32],
    pub(crate) missing: Missing,
    /// The device that asks, as the message says.
    pub(crate) device: [u8; 32],
    /// Under which seed it asked.
    pub(crate) commit: Commit,
    pub(crate) since: Millis,
}

impl Question {
    pub(crate) fn new(missing: Missing, device: [u8; 32], commit: Commit, now: Millis) -> Self {
        let bytes = [&missing.encode()[..], &device, &commit.0].concat();
        Self {
            id: EnvelopeId::of(&bytes).0,
            missing,
            device,
            commit,
            since: now,
        }
    }
}

impl Space {
    /// What this device lacks.
    fn missing(&self) -> Missing {
        let unknown = |commit: &Commit| {
            let state = self.keys.get(commit);
            state.is_none_or(|it| !it.is_accepted())
        };
        let seeds = self.waiting.values().filter_map(|waiting| waiting.commit);
        let wanted = self.wanted.keys().map(|id| id.0);
        Missing::new(
            seeds.filter(unknown),
            wanted.chain(self.society.missing().into_iter().map(|id| id.0)),
        )
    }

    /// The newest seed that is here is too old to send under: this device was away for long.
    fn is_behind(&self, today: u32) -> bool {
        let newest = self.keys.newest().and_then(|commit| self.keys.get(&commit));
        newest.is_some_and(|state| rules::phase(state.since, today) >= Phase::Reading)
    }

    /// An operation and those of its device before it, as far as they are here.
    fn chain(&self, id: OperationId, most: usize) -> Vec<(OperationId, &Known)> {
        let mut chain = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next.filter(|_| chain.len() < most) {
            let Some(known) = self.known.get(&id).filter(|it| it.is_placed) else {
                break;
            };
            let operation = Operation::decode_stored(&known.bytes).ok();
            next = operation.and_then(|it| it.fields().previous);
            chain.push((id, known));
        }
        chain
    }
}

impl Open {
    /// A control message of this device.
    pub(super) fn space_enqueue_control(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        bundle: &Bundle,
    ) {
        let draft = Draft {
            control: Some(bundle.encode().to_vec()),
            ..Draft::default()
        };
        self.space_enqueue(step, id, What::Word, &draft);
    }

    /// Asks for what is missing, at growing distances.
    pub(super) fn space_ask(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        let missing = space.missing();
        let is_behind = space.is_behind(today);
        if missing.seeds().is_empty() && missing.heads().is_empty() && !is_behind {
            if space.record.asked != 0 {
                space.record.asked = 0;
                step.touched.spaces.insert(id);
            }
            return;
        }
        // What was noticed just now may be on its way.
        let oldest = space.wanted.values().min().copied();
        let is_fresh = oldest.is_some_and(|at| step.now < at.saturating_add(limits::ASK_AFTER));
        let pause = limits::ASK_PACE << space.record.asked.min(limits::MOST_ASKED);
        let lately = space.record.asked_at;
        let lately = lately.is_some_and(|at| step.now < at.saturating_add(pause));
        if is_fresh && missing.seeds().is_empty() || lately {
            return;
        }
        // One that somebody has who went shows them that something is missing, and no more. Without it whoever lacks the keys since
        // could not ask.
        let newest = space.newest_within().or_else(|| space.keys.newest());
        let Some(newest) = newest else {
            return;
        };
        let Some(state) = space.keys.get(&newest) else {
            return;
        };
        let bundle = Bundle {
            missing: Some((missing, space.own.device)),
            ..Bundle::default()
        };
        let Ok(control) = state.lasting().seal_control(&bundle.encode(), step.rng) else {
            return;
        };
        let load = Load {
            control: Some(control),
            ..Load::default()
        };
        space.record.asked_at = Some(step.now);
        space.record.asked = space.record.asked.saturating_add(1);
        let homes = space.homes();
        step.show.collectives = true;
        self.space_enqueue_load(step, id, newest, &load, homes);
    }

    /// Answers those who lack something, when it is this device's turn.
    pub(super) fn space_answer(&mut self, step: &mut Step, id: CollectiveId) {
        let now = step.now;
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        space
            .questions
            .retain(|it| now < it.since.saturating_add(limits::QUESTION_LIFE));
        let members: BTreeSet<[u8; 32]> = {
            let devices = space.society.devices();
            devices.iter().map(|member| member.device).collect()
        };
        let mut due = Vec::new();
        space.questions.retain(|question| {
            let others = members.iter();
            let others = others.filter(|it| **it != space.own.device && **it != question.device);
            let turn = rules::turn(&question.id, &space.own.device, others) as u64;
            let wait = limits::ANSWER_PACE.saturating_mul(turn);
            let is_due = now >= question.since.saturating_add(wait);
            if is_due && members.contains(&question.device) {
                due.push((question.missing.clone(), question.device, question.commit));
            }
            !is_due
        });
        for (missing, device, commit) in due {
            if !step.has_room() {
                return;
            }
            self.space_supply(step, id, &missing, &device, commit);
        }
    }

    /// Sends what a device lacks and this one has.
    fn space_supply(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        missing: &Missing,
        device: &[u8; 32],
        asked_under: Commit,
    ) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let chosen = space
            .root()
            .and_then(|root| space.keys.choose(&root, today));
        let Some(chosen) = chosen else { return };
        let mut seeds: BTreeSet<Commit> = missing.seeds().iter().copied().collect();
        if chosen != asked_under {
            seeds.insert(chosen);
        }
        // By the seed to seal under.
        let mut bundles: BTreeMap<Commit, Vec<Vec<u8>>> = BTreeMap::new();
        let mut supplied = BTreeSet::new();
        let mut bytes = 0;
        for head in missing.heads() {
            for (id, known) in space.chain(OperationId(*head), limits::SUPPLY_CHAIN) {
                let size = known.bytes.len();
                if supplied.len() >= limits::MAX_BUNDLED
                    || bytes + size > limits::SUPPLY_BYTES
                    || !supplied.insert(id)
                {
                    continue;
                }
                bytes += size;
                let under = known.commit.unwrap_or(chosen);
                bundles.entry(under).or_default().push(known.bytes.clone());
            }
        }
        for operations in bundles.values_mut() {
            // Earlier ones first.
            operations.reverse();
        }
        let mut loads = Vec::new();
        for commit in seeds.iter().chain(bundles.keys()).collect::<BTreeSet<_>>() {
            let mut operations = bundles.get(commit).cloned().unwrap_or_default();
            let mut pack = None;
            if seeds.contains(commit) {
                pack = space.pack_for(commit, device, step.rng);
                operations.splice(0..0, space.seed_operations(commit));
            }
            let bundle = Bundle {
                operations,
                ..Bundle::default()
            };
            let Some(state) = space.keys.get(commit) else {
                continue;
            };
            let control = state.lasting().seal_control(&bundle.encode(), step.rng);
            let load = Load {
                control: control.ok(),
                pack,
                is_answer: true,
                ..Load::default()
            };
            loads.push(load);
        }
        let homes = space.homes();
        for load in loads {
            self.space_enqueue_load(step, id, asked_under, &load, homes.clone());
        }
        self.space_pump(step, id);
    }
}

impl Space {
    /// A seed, sealed once more to one device, if it is one that the seed is for.
    pub(super) fn pack_for(
        &mut self,
        commit: &Commit,
        device: &[u8; 32],
        rng: &mut dyn rand_core::CryptoRng,
    ) -> Option<Vec<u8>> {
        let told = self.told_seeds.iter().find(|((of, _), _)| *of == commit.0);
        let members = self.society.devices_at(&told?.1.context)?;
        let seed = self.keys.get(commit)?.seed.as_ref()?;
        let is_for = members.iter().any(|member| member.device == *device);
        let leaf = self.devices.get(device)?.leaf.as_ref().filter(|_| is_for)?;
        let slice = seed.slice(leaf.key(), rng).ok()?;
        seed.pack(&[slice]).ok()
    }

    /// The operations that tell of a seed.
    pub(super) fn seed_operations(&self, commit: &Commit) -> Vec<Vec<u8>> {
        let told = self.told_seeds.keys().filter(|(of, _)| *of == commit.0);
        let known = told.filter_map(|(_, id)| self.known.get(id));
        known.map(|known| known.bytes.clone()).take(2).collect()
    }
}
