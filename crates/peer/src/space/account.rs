//! The account of a collective's operations: which have a place, which wait, what is missing, and what they
//! say of persons and devices.

use komrade_crypto::group::Commit;
use komrade_social::{
    DeviceId, OperationId,
    collective::{Body, Operation, Taken, Verdict},
};
use komrade_view::Millis;

use super::{Known, OperationRecord, Space, ToldSeed, outbox::Target};
use crate::{
    home::{self, NodeHome},
    limits,
    records::Damaged,
};

/// What came of an operation.
pub(crate) enum Placed {
    /// It has a place, and with it some that waited for it.
    Kept(Vec<Operation>),
    /// It builds on what is not here.
    Waits,
    /// It can never count, or there is no room.
    Refused,
}

impl Space {
    /// Takes an operation of one's own vault in.
    pub(super) fn replay(&mut self, arrival: u64, record: &OperationRecord) -> Result<(), Damaged> {
        let operation = Operation::decode_stored(&record.bytes).map_err(|_| Damaged)?;
        let id = operation.id();
        // What is refused now was taken before: it is only not shown.
        self.place(operation, arrival, record.commit, 0);
        if let Some(known) = self.known.get_mut(&id) {
            known.ordinal = record.ordinal;
        }
        Ok(())
    }

    /// Gives an operation its place, if what it builds on is here.
    pub(super) fn place(
        &mut self,
        operation: Operation,
        arrival: u64,
        commit: Option<Commit>,
        now: Millis,
    ) -> Placed {
        let known = Known {
            bytes: operation.as_bytes().to_vec(),
            arrival,
            commit,
            ordinal: None,
            expiry_day: operation.fields().expiry_day,
            is_control: operation.body().is_control(),
            is_placed: false,
        };
        let id = operation.id();
        self.wanted.remove(&id);
        let mut placed = Vec::new();
        let mut gone = Vec::new();
        let waits = if operation.body().is_control() {
            let Some(outcome) = self.society.insert(operation.clone()) else {
                return Placed::Refused;
            };
            gone = outcome.gone;
            placed = outcome.new;
            match outcome.taken {
                Taken::New => false,
                Taken::Waiting => true,
                _ => return Placed::Refused,
            }
        } else {
            match self.society.verdict(&operation) {
                Verdict::Valid => {
                    placed.push(id);
                    false
                }
                Verdict::Waiting(_) if self.pending.len() < limits::MAX_PENDING => true,
                _ => return Placed::Refused,
            }
        };
        self.content_bytes = self.content_bytes.saturating_add(known.bytes.len());
        self.known.insert(id, known);
        self.note_links(&operation, now);
        if waits && !operation.body().is_control() {
            self.pending.push(operation);
        }
        for id in gone {
            self.forget(&id);
        }
        let mut kept = Vec::new();
        for id in placed {
            self.settle(&id, now > 0, &mut kept);
        }
        if !kept.is_empty() {
            self.place_pending(now > 0, &mut kept);
        }
        match kept.is_empty() {
            true => Placed::Waits,
            false => Placed::Kept(kept),
        }
    }

    /// An operation has its place.
    fn settle(&mut self, id: &OperationId, is_new: bool, kept: &mut Vec<Operation>) {
        let Some(known) = self.known.get_mut(id) else {
            return;
        };
        known.is_placed = true;
        if let Ok(operation) = Operation::decode_stored(&known.bytes) {
            self.take_account(&operation, is_new);
            kept.push(operation);
        }
    }

    /// Looks again at what was said and waits for control operations.
    fn place_pending(&mut self, is_new: bool, kept: &mut Vec<Operation>) {
        for operation in std::mem::take(&mut self.pending) {
            match self.society.verdict(&operation) {
                Verdict::Waiting(_) => self.pending.push(operation),
                Verdict::Valid => self.settle(&operation.id(), is_new, kept),
                _ => self.forget(&operation.id()),
            }
        }
    }

    /// It can never count, or had to make room.
    fn forget(&mut self, id: &OperationId) {
        if let Some(known) = self.known.remove(id) {
            self.content_bytes = self.content_bytes.saturating_sub(known.bytes.len());
            self.gone.push(known.arrival);
        }
    }

    /// Takes an operation that has its place into the account of persons and devices.
    fn take_account(&mut self, operation: &Operation, is_new: bool) {
        let fields = operation.fields();
        let (person, device) = (fields.person, fields.device.0);
        let at = (fields.time, operation.id().0);
        let entry = self.people.entry(person).or_default();
        entry.heard_at = entry.heard_at.max(Some(fields.time));
        if let Body::Profile { name } = &fields.body
            && at > entry.named
        {
            entry.named = at;
            entry.name = name.clone();
        }
        let own = DeviceId(self.own.device);
        let mut own_heads = fields.seen.iter().filter(|head| head.device == own);
        if let Some(head) = own_heads.next()
            && device != self.own.device
        {
            self.note_seen(&device, head.sequence);
        }
        let state = self.devices.entry(device).or_default();
        state.heard_at = state.heard_at.max(fields.time);
        let head = (fields.sequence, operation.id());
        match state.head {
            Some((sequence, id)) if sequence == head.0 && id != head.1 => {
                self.record.is_copied |= device != self.own.device;
            }
            Some((sequence, _)) if sequence >= head.0 => {}
            _ => state.head = Some(head),
        }
        if let Body::Homes { homes } = &fields.body
            && at > state.told
            && let Ok(homes) = home::decode_homes(homes)
        {
            state.told = at;
            let before = std::mem::replace(&mut state.homes, homes);
            let after = home::node_of(&state.homes).copied();
            if let (Some(before), Some(after)) = (home::node_of(&before).copied(), after)
                && is_new
            {
                self.retarget(&before, &after);
            }
        }
        if let Body::Seed {
            commit,
            member_root,
        } = &fields.body
        {
            let told = ToldSeed {
                context: fields.context.clone(),
                root: *member_root,
                time: fields.time,
                by: fields.person,
            };
            self.told_seeds.insert((*commit, operation.id()), told);
        }
        if let Body::Text { text, .. } = &fields.body {
            let beginning = text.chars().take(limits::LAST_CHARS).collect();
            self.beginnings.insert(operation.id(), beginning);
        }
    }

    /// A device has another home: what was for the one before, and may lie there unread, goes to the new one.
    fn retarget(&mut self, before: &NodeHome, after: &NodeHome) {
        for (number, entry) in &mut self.outbox {
            for target in &mut entry.targets {
                if target.home.place() == before.place() && target.home.bucket == before.bucket {
                    *target = Target::new(*after);
                    self.retargeted.insert(*number);
                }
            }
        }
    }

    /// Somebody has seen one's own operations up to this number.
    fn note_seen(&mut self, device: &[u8; 32], sequence: u64) {
        let seen = &mut self.record.seen;
        match seen.iter_mut().find(|(of, _)| **of == *device) {
            Some((_, up_to)) => *up_to = sequence.max(*up_to),
            None => seen.push(((*device).into(), sequence)),
        }
    }

    /// Notes what an operation names and is not here.
    fn note_links(&mut self, operation: &Operation, now: Millis) {
        let fields = operation.fields();
        let before = fields.sequence.saturating_sub(1);
        let previous = fields
            .previous
            .filter(|_| before > self.record.floor(&fields.device.0));
        let seen = fields
            .seen
            .iter()
            .filter(|head| head.sequence > self.record.floor(&head.device.0));
        let named: Vec<OperationId> = fields
            .context
            .iter()
            .copied()
            .chain(previous)
            .chain(seen.map(|head| head.id))
            .filter(|id| !self.known.contains_key(id))
            .collect();
        for id in named {
            if self.wanted.len() < limits::MAX_WANTED_OPERATIONS {
                self.wanted.entry(id).or_insert(now);
            }
        }
    }
}
