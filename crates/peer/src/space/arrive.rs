//! What arrives for a collective: recognised by its hint, opened, checked, kept.
//!
//! One envelope may hold slices of a seed, control messages and content ([`Load`]). What does not open
//! because a seed is missing waits (`waiting`); so do operations that build on others that are not here. Both are
//! bounded, of each person and of each seed, and whatever is missing is asked for (`duties`).

use komrade_crypto::{
    day_of,
    group::{Commit, LeafRecord, Pack, rules},
};
use komrade_ether::{Envelope, Header, Outcome, unpad};
use komrade_social::{
    OperationId,
    collective::{Body, Operation},
};
use komrade_store::Table;
use komrade_view::{CollectiveId, Millis};
use zeroize::Zeroizing;

use super::{
    OperationRecord, Space,
    account::{Came, Placed, is_said},
    frame::{Bundle, Load},
    keys::NoContent,
    places,
    supply::Question,
    waiting::{Arrived, Later},
};
use crate::{limits, open::Open, records, step::Step};

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
        let later = match step.has_room() {
            true => self.space_load(step, id, &load),
            false => Some(Later::Room),
        };
        if let Some(later) = later {
            let arrived = Arrived {
                envelope: envelope.id().0,
                expiry: header.expiry.0,
                under: Some(*commit),
            };
            self.space_wait(step, id, &arrived, later, &load);
        }
        Outcome::Accepted
    }

    /// Does what a load says. Answers what a part of it waits for.
    pub(super) fn space_load(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        load: &Load,
    ) -> Option<Later> {
        let mut later = None;
        let mut has_new_seed = false;
        let space = self.spaces.get_mut(&id)?;
        if let Some(pack) = load.pack.as_ref().and_then(|it| Pack::decode(it).ok()) {
            let group = space.group();
            let today = day_of(step.now);
            let in_use = space.seeds_in_use(today);
            let taken = space.keys.take_pack(&group, &pack, today, &in_use);
            if load.is_answer && space.keys.get(&pack.commit()).is_some() {
                let commit = pack.commit();
                let is_answered = |it: &mut Question| it.take_supplied(Some(commit), &[]);
                space.questions.retain_mut(|it| !is_answered(it));
            }
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
            later = self.space_control(step, id, control, load.is_answer).err();
        }
        if let Some(content) = &load.content {
            let waits = self.space_content(step, id, content).err();
            later = later.into_iter().chain(waits).min();
        }
        if let Some(archive) = load.archive.as_ref().filter(|_| later.is_none()) {
            self.space_take_past(step, id, archive);
        }
        if has_new_seed {
            self.space_new_seed(step, id);
        }
        // An answer is of no use to whoever cannot open it.
        later.filter(|later| !(load.is_answer && matches!(later, Later::Seed(_))))
    }

    /// A control message.
    fn space_control(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        control: &[u8],
        is_answer: bool,
    ) -> Result<(), Later> {
        let Some(commit) = commit_of(control) else {
            return Ok(());
        };
        let Some(space) = self.spaces.get(&id) else {
            return Ok(());
        };
        let seed = space.keys.get(&commit).ok_or(Later::Seed(commit))?;
        let opened = seed.lasting().open_control(control);
        let Some(bundle) = opened.ok().and_then(|it| Bundle::decode(&it).ok()) else {
            return Ok(());
        };
        self.space_bundle(step, id, commit, bundle, is_answer)
    }

    /// What a control message holds. What does not fit in this step, or is of a later day, waits with the whole of it: what was
    /// taken is known when it comes again.
    fn space_bundle(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        commit: Commit,
        bundle: Bundle,
        is_answer: bool,
    ) -> Result<(), Later> {
        let mut later = None;
        for bytes in &bundle.operations {
            if !step.has_room() {
                return Err(Later::Room);
            }
            let Some(operation) = self.space_worth(step, id, bytes, commit) else {
                continue;
            };
            let space = self.spaces.get(&id);
            match space.and_then(|space| space.is_ahead(&operation, step.now)) {
                Some(day) => later = later.into_iter().chain([Later::At(day)]).min(),
                None => {
                    self.space_take(step, id, operation, Some(commit));
                }
            }
        }
        let leaves = bundle.leaves.iter();
        let space = self.spaces.get(&id);
        let leaves = leaves.filter(|it| space.is_some_and(|space| !space.has_leaf(it)));
        let leaves: Vec<_> = leaves.flat_map(|it| LeafRecord::decode(it)).collect();
        for leaf in &leaves {
            self.space_take_leaf(step, id, leaf.clone());
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            return Ok(());
        };
        if is_answer && !space.questions.is_empty() {
            let supplied = bundle.operations.iter();
            let supplied: Vec<OperationId> =
                supplied.filter_map(|it| Operation::id_of(it)).collect();
            space
                .questions
                .retain_mut(|it| !it.take_supplied(None, &supplied));
        }
        if let Some(asked) = bundle.asked {
            space.hear(asked, commit, step.now);
        }
        space.note_old_leaves(&leaves);
        later.map_or(Ok(()), Err)
    }

    /// A message in the ratchet of a device.
    fn space_content(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        content: &[u8],
    ) -> Result<(), Later> {
        let Some(space) = self.spaces.get_mut(&id) else {
            return Ok(());
        };
        let members = space.society.devices();
        let is_member = |device: &[u8; 32]| members.iter().any(|it| it.device == *device);
        let content = match space.keys.open_content(content, is_member) {
            Ok(content) => content,
            Err(NoContent::Later(commit)) => return Err(Later::Seed(commit)),
            Err(NoContent::Never) => return Ok(()),
        };
        let commit = content.commit;
        let Some(operation) = self.space_worth(step, id, &content.plaintext, commit) else {
            return Ok(());
        };
        if operation.fields().device.0 != content.device {
            return Ok(());
        }
        self.space_take(step, id, operation, Some(commit));
        Ok(())
    }

    // --- operations ------------------------------------------------------------------------------

    /// Reads an operation that came under a seed. What is here already, is over or has no room is not worth a look at its signature:
    /// what comes by two relays, or again, costs little.
    fn space_worth(
        &mut self,
        step: &Step,
        id: CollectiveId,
        bytes: &[u8],
        under: Commit,
    ) -> Option<Operation> {
        let space = self.spaces.get_mut(&id)?;
        if space.known.contains_key(&Operation::id_of(bytes)?) {
            return None;
        }
        let operation = Operation::decode_stored(bytes).ok()?;
        let (today, is_doubted) = (day_of(step.now), self.clock.is_doubted());
        // What is of a later day is looked at again then.
        let is_worth = space.is_ahead(&operation, step.now).is_some()
            || space.may_take(&operation, Some(under), today, is_doubted);
        (is_worth && operation.verify().is_ok()).then_some(operation)
    }

    /// Takes an operation whose signature is good; `under`: the seed under which it came, `None` if a comrade gave it or it is one's
    /// own. Says whether it is here now.
    pub(super) fn space_take(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        operation: Operation,
        under: Option<Commit>,
    ) -> bool {
        let today = day_of(step.now);
        let is_doubted = self.clock.is_doubted();
        let Some(space) = self.spaces.get_mut(&id) else {
            return false;
        };
        if space.known.contains_key(&operation.id()) {
            return true;
        }
        let is_ahead = space.is_ahead(&operation, step.now).is_some();
        if is_ahead || !space.may_take(&operation, under, today, is_doubted) {
            return false;
        }
        let is_control = operation.body().is_control();
        let came = Came {
            arrival: space.record.take_arrival(),
            commit: under.filter(|_| !is_control),
            day: today,
            at: step.now,
        };
        let record = OperationRecord {
            bytes: operation.as_bytes().to_vec(),
            commit: came.commit,
            ordinal: None,
            day: today,
        };
        let Placed {
            is_kept,
            placed,
            has_gone,
        } = space.place(operation.clone(), came);
        if is_kept {
            let key = places::operation(id, came.arrival);
            step.write(Table::Operations, key, records::encode(&record));
        }
        // It may be among these itself.
        space.delete_gone(step, id);
        let retargeted = std::mem::take(&mut space.retargeted);
        step.show.route |= !retargeted.is_empty();
        let entries = retargeted.into_iter().map(|number| (id, number));
        step.touched.space_entries.extend(entries);
        if !is_kept && placed.is_empty() && !has_gone {
            return false;
        }
        step.touched.spaces.insert(id);
        if let Some(under) = under {
            space.note_under(&operation, &under, step.now);
        }
        for placed in placed {
            self.space_took(step, id, placed);
        }
        if has_gone {
            self.space_membership(step, id);
        }
        is_kept
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
        // By one of a day to come whoever had a device's key for an hour would lock it out for good.
        if *leaf.space() != space.group()
            || !leaf.is_timely(day_of(step.now))
            || !space.needs_leaf(&device, day_of(step.now))
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

impl Space {
    /// Whether it belongs here, is not here, is not over, and has room.
    fn may_take(
        &mut self,
        operation: &Operation,
        under: Option<Commit>,
        today: u32,
        is_doubted: bool,
    ) -> bool {
        operation.space() == self.id()
            && !self.known.contains_key(&operation.id())
            && (is_doubted || !self.is_over(operation, today))
            && !self.is_full(operation)
            && (!self.lacks_context(operation) || self.may_wait(operation, under))
    }

    /// Rations are counted by the dates in control operations: when this one may be taken, if that is not yet.
    fn is_ahead(&self, operation: &Operation, now: Millis) -> Option<Millis> {
        let fields = operation.fields();
        let day = fields.time.saturating_sub(limits::CONTROL_AHEAD);
        let is_held = fields.body.is_control() && fields.device.0 != self.own.device;
        (is_held && day > now).then_some(day)
    }

    fn is_over(&self, operation: &Operation, today: u32) -> bool {
        !operation.body().is_control() && self.kept_until(operation, today) < today
    }

    /// Its author has said too much, or all have.
    fn is_full(&self, operation: &Operation) -> bool {
        is_said(operation.body()) && !self.quota.has_room(&operation.fields().person)
    }

    /// Deletes the records of what is forgotten, as far as there is room; the rest is for the next step.
    pub(super) fn delete_gone(&mut self, step: &mut Step, id: CollectiveId) {
        while !self.gone.is_empty() && step.has_room() {
            if let Some(arrival) = self.gone.pop() {
                step.delete(Table::Operations, places::operation(id, arrival));
            }
        }
        while !self.spent.is_empty() && step.has_room() {
            if let Some(part) = self.spent.pop_first() {
                step.delete(Table::Spaces, places::part(id, part));
            }
        }
    }

    /// Whether these bytes are a leaf key that is here: nearly all that come are, and to check one is dear.
    fn has_leaf(&self, bytes: &[u8]) -> bool {
        let device = LeafRecord::claimed_device(bytes);
        let known = device.and_then(|device| self.devices.get(device)?.leaf.as_ref());
        known.is_some_and(|leaf| leaf.encode() == bytes)
    }

    /// A device's leaf key is kept if it is a member's, if it waits to be one, or while somebody who went may not know of that.
    pub(super) fn needs_leaf(&self, device: &[u8; 32], today: u32) -> bool {
        let members = self.society.devices();
        let head = self.devices.get(device).and_then(|it| it.head);
        let heard = head.and_then(|(_, id)| self.known.get(&id));
        *device == self.own.device
            || members.iter().any(|member| member.device == *device)
            || self.unplaced.values().any(|it| it.device == *device)
            || heard.is_some_and(|it| today <= it.day.saturating_add(rules::LASTING_DAYS))
    }
}

/// Under which seed a control message is sealed: version, suite, commitment.
fn commit_of(control: &[u8]) -> Option<Commit> {
    let (_, rest) = control.split_first_chunk::<2>()?;
    rest.first_chunk().map(|commit| Commit(*commit))
}
