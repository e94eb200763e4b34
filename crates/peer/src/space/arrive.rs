//! What arrives for a collective: recognised by its hint, opened, checked, kept.
//!
//! One envelope may hold slices of a seed, control messages and content ([`Load`]). What does not open
//! because a seed is missing waits; so do operations that build on others that are not here. Both are
//! bounded, and whatever is missing is asked for (`duties`).

use komrade_crypto::group::{Commit, LeafRecord, Pack};
use komrade_ether::{Day, Envelope, Header, Outcome, unpad};
use komrade_social::{
    OperationId,
    collective::{Body, Operation},
};
use komrade_store::Table;
use komrade_view::CollectiveId;
use zeroize::Zeroizing;

use super::{
    OperationRecord, Waiting,
    account::Placed,
    frame::{Bundle, Load},
    keys::NoContent,
    places,
    supply::Question,
};
use crate::{limits, open::Open, records, step::Step};
use komrade_crypto::day_of;

impl Open {
    // --- envelopes -------------------------------------------------------------------------------

    /// Whose envelope it is among the collectives, by its hint, and the seed.
    pub(crate) fn find_space(&self, header: &Header) -> Option<(CollectiveId, Commit)> {
        if !super::ON {
            return None;
        }
        self.spaces.iter().find_map(|(id, space)| {
            let commit = space.keys.find(&header.nonce, &header.hint)?;
            Some((*id, commit))
        })
    }

    /// Nobody here recognises it yet.
    pub(crate) fn note_stranger(&mut self, envelope: &Envelope) {
        let is_small = envelope.as_bytes().len() <= limits::STRANGER_BYTES;
        if self.spaces.is_empty() || !is_small {
            return;
        }
        let strangers = &mut self.spaces.strangers;
        strangers.push_back(envelope.clone());
        if strangers.len() > limits::MAX_STRANGERS {
            strangers.pop_front();
        }
    }

    /// Looks once more at what nobody recognised: there is a new seed.
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

    /// An envelope for a collective came: answers what came of it.
    pub(crate) fn space_put_here(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        commit: &Commit,
        envelope: &Envelope,
    ) -> Outcome {
        if !super::ON {
            return Outcome::NotForMe;
        }
        let header = envelope.header();
        let space = self.spaces.get(&id);
        let Some(seed) = space.and_then(|space| space.keys.get(commit)) else {
            return Outcome::NotForMe;
        };
        let outer = seed.lasting().outer();
        let opened = outer.open(&header.nonce, &header.encode(), envelope.ciphertext());
        let load = opened.ok().and_then(|content| {
            let content = unpad(&content).ok()?;
            Load::decode(content).ok()
        });
        let Some(load) = load else {
            return Outcome::Malformed;
        };
        if !step.has_room() {
            // One load may bring many operations: the rest is for the next step.
            self.space_wait(step, id, envelope, None, &load);
            return Outcome::Accepted;
        }
        if let Some(missing) = self.space_load(step, id, &load)
            && !load.is_answer
        {
            self.space_wait(step, id, envelope, Some(missing), &load);
        }
        Outcome::Accepted
    }

    /// Keeps a load that does not open yet. The one that expires first makes room.
    fn space_wait(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        envelope: &Envelope,
        commit: Option<Commit>,
        load: &Load,
    ) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let envelope_id = envelope.id().0;
        let expiry = envelope.header().expiry.0;
        let latest = Day::of(step.now).plus(komrade_ether::MAX_DAYS_AHEAD).0;
        let waiting = Waiting {
            expiry: expiry.min(latest),
            commit,
            load: load.encode().to_vec(),
        };
        step.write(
            Table::Spaces,
            places::waiting(id, &envelope_id),
            records::encode(&waiting),
        );
        space.waiting.insert(envelope_id, waiting);
        if space.waiting.len() > limits::MAX_WAITING_LOADS {
            let first = space.waiting.iter().min_by_key(|(_, it)| it.expiry);
            if let Some(first) = first.map(|(first, _)| *first) {
                space.waiting.remove(&first);
                step.delete(Table::Spaces, places::waiting(id, &first));
            }
        }
    }

    /// Tries again what waits, once a seed or an operation came.
    pub(super) fn space_retry(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let ready: Vec<[u8; 32]> = space
            .waiting
            .iter()
            .filter(|(_, waiting)| {
                let commit = waiting.commit.as_ref();
                commit.is_none_or(|commit| space.keys.get(commit).is_some())
            })
            .map(|(envelope, _)| *envelope)
            .collect();
        for envelope in ready {
            if !step.has_room() {
                return;
            }
            let Some(space) = self.spaces.get_mut(&id) else {
                return;
            };
            let Some(mut waiting) = space.waiting.remove(&envelope) else {
                continue;
            };
            let key = places::waiting(id, &envelope);
            let missing = match Load::decode(&waiting.load) {
                Ok(load) => self.space_load(step, id, &load),
                Err(_) => None,
            };
            match missing {
                None => step.delete(Table::Spaces, key),
                Some(commit) => {
                    waiting.commit = Some(commit);
                    if let Some(space) = self.spaces.get_mut(&id) {
                        space.waiting.insert(envelope, waiting);
                    }
                }
            }
        }
    }

    /// Does what a load says. Answers the seed without which a part of it does not open.
    pub(super) fn space_load(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        load: &Load,
    ) -> Option<Commit> {
        let mut missing = None;
        let mut has_new_seed = false;
        let space = self.spaces.get_mut(&id)?;
        if let Some(pack) = load.pack.as_ref().and_then(|it| Pack::decode(it).ok()) {
            let group = space.group();
            let today = day_of(step.now);
            let in_use = space.seeds_in_use(today);
            let taken = space.keys.take_pack(&group, &pack, today, &in_use);
            let evicted = space.keys.take_evicted();
            step.touched
                .seeds
                .extend(evicted.into_iter().map(|it| (id, it)));
            if let Ok(Some(commit)) = taken {
                step.touched.seeds.insert((id, commit));
                has_new_seed = true;
                // Its operation may be here already.
                self.space_settle_seeds(step, id);
            }
        }
        if let Some(control) = &load.control {
            missing = self.space_control(step, id, control, load.is_answer).err();
        }
        if let Some(content) = &load.content {
            let waits = self.space_content(step, id, content).err();
            missing = missing.or(waits);
        }
        if has_new_seed {
            self.space_retry(step, id);
            self.space_look_again(step);
        }
        missing
    }

    /// A control message.
    fn space_control(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        control: &[u8],
        is_answer: bool,
    ) -> Result<(), Commit> {
        let Some(commit) = commit_of(control) else {
            return Ok(());
        };
        let Some(space) = self.spaces.get(&id) else {
            return Ok(());
        };
        let seed = space.keys.get(&commit).ok_or(commit)?;
        let opened = seed.lasting().open_control(control);
        let Some(bundle) = opened.ok().and_then(|it| Bundle::decode(&it).ok()) else {
            return Ok(());
        };
        self.space_bundle(step, id, commit, bundle, is_answer);
        Ok(())
    }

    /// What a control message holds.
    fn space_bundle(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        commit: Commit,
        bundle: Bundle,
        is_answer: bool,
    ) {
        for bytes in &bundle.operations {
            if let Ok(operation) = Operation::decode(bytes) {
                self.space_take(step, id, operation, Some(commit));
            }
        }
        for bytes in &bundle.leaves {
            if let Ok(leaf) = LeafRecord::decode(bytes) {
                self.space_take_leaf(step, id, leaf);
            }
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if is_answer {
            space.questions.retain(|question| {
                let answered = |asked: &[u8; 32]| space.known.contains_key(&OperationId(*asked));
                let mut asked = question.missing.heads().iter();
                let answers = |operation: &Vec<u8>| {
                    Operation::decode_stored(operation)
                        .is_ok_and(|it| question.missing.heads().contains(&it.id().0))
                };
                !(bundle.operations.iter().any(answers) && asked.all(answered))
            });
        }
        if let Some((missing, device)) = bundle.missing
            && device != space.own.device
            && space.questions.len() < limits::MAX_QUESTIONS
        {
            let question = Question::new(missing, device, commit, step.now);
            if !space.questions.iter().any(|it| it.id == question.id) {
                space.questions.push(question);
            }
        }
    }

    /// A message in the ratchet of a device.
    fn space_content(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        content: &[u8],
    ) -> Result<(), Commit> {
        let Some(space) = self.spaces.get(&id) else {
            return Ok(());
        };
        let content = match space.keys.open_content(content) {
            Ok(content) => content,
            Err(NoContent::Later(commit)) => return Err(commit),
            Err(NoContent::Never) => return Ok(()),
        };
        let Ok(operation) = Operation::decode(&content.plaintext) else {
            return Ok(());
        };
        if operation.fields().device.0 != content.device {
            return Ok(());
        }
        let commit = content.commit;
        if let Some(space) = self.spaces.get_mut(&id) {
            space.keys.keep(content);
        }
        self.space_take(step, id, operation, Some(commit));
        Ok(())
    }

    // --- operations ------------------------------------------------------------------------------

    /// Takes an operation whose signature is good. Says whether it is here now.
    pub(super) fn space_take(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        operation: Operation,
        commit: Option<Commit>,
    ) -> bool {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id) else {
            return false;
        };
        if operation.space() != space.id() {
            return false;
        }
        if space.known.contains_key(&operation.id()) {
            return true;
        }
        let is_control = operation.body().is_control();
        let is_dated = !is_control && !self.clock.is_doubted();
        let is_over = is_dated && operation.fields().expiry_day < today;
        let is_full = space.known.len() >= limits::MAX_OPERATIONS
            || space.content_bytes >= limits::MAX_OPERATION_BYTES;
        if is_over || (is_full && !is_control) {
            return false;
        }
        let commit = commit.filter(|_| !is_control);
        let bytes = operation.as_bytes().to_vec();
        let arrival = space.record.take_arrival();
        let placed = space.place(operation, arrival, commit, step.now);
        for arrival in std::mem::take(&mut space.gone) {
            step.delete(Table::Operations, places::operation(id, arrival));
        }
        let retargeted = std::mem::take(&mut space.retargeted).into_iter();
        let entries = retargeted.map(|number| (id, number));
        step.touched.space_entries.extend(entries);
        let placed = match placed {
            Placed::Refused => return false,
            Placed::Waits => Vec::new(),
            Placed::Kept(placed) => placed,
        };
        let record = OperationRecord {
            bytes,
            commit,
            ordinal: None,
        };
        let key = places::operation(id, arrival);
        step.write(Table::Operations, key, records::encode(&record));
        step.touched.spaces.insert(id);
        for operation in placed {
            self.space_took(step, id, operation);
        }
        true
    }

    /// What follows from an operation that has its place now.
    pub(super) fn space_took(&mut self, step: &mut Step, id: CollectiveId, operation: Operation) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        step.show.collectives = true;
        match operation.body() {
            Body::Text { .. } => {
                space.fresh.push(operation);
                return;
            }
            Body::Seed { .. } => {
                self.space_settle_seeds(step, id);
                self.space_retry(step, id);
                return;
            }
            _ => {}
        }
        space.note_changed(step.now);
        if operation.body().is_control() {
            self.space_membership(step, id);
        }
    }

    /// A device's leaf key.
    pub(super) fn space_take_leaf(&mut self, step: &mut Step, id: CollectiveId, leaf: LeafRecord) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let device = *leaf.device();
        // Of whoever may be about to come in, too: what belongs to nobody goes with time.
        let is_known = space.devices.contains_key(&device);
        if *leaf.space() != space.group()
            || (!is_known && space.devices.len() >= limits::MAX_DEVICES_KNOWN)
        {
            return;
        }
        let state = space.devices.entry(device).or_default();
        let is_newer = state.leaf.as_ref().is_none_or(|old| leaf.supersedes(old));
        if !is_newer {
            return;
        }
        let bytes = Zeroizing::new(leaf.encode());
        state.leaf = Some(leaf);
        step.write(Table::Spaces, places::leaf(id, &device), bytes);
    }
}

/// Under which seed a control message is sealed: version, suite, commitment.
fn commit_of(control: &[u8]) -> Option<Commit> {
    let (_, rest) = control.split_first_chunk::<2>()?;
    rest.first_chunk().map(|commit| Commit(*commit))
}
