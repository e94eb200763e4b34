//! The account of a collective's operations: which have a place, which wait, what is missing, and what they
//! say of persons and devices.

use komrade_crypto::group::Commit;
use komrade_social::{
    DeviceId, OperationId,
    collective::{Body, Operation, Taken, Verdict},
};
use komrade_view::Millis;

use super::{
    Known, OperationRecord, Space, ToldSeed,
    outbox::{MAX_TARGETS, Target},
};
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
            device: operation.fields().device.0,
            is_control: operation.body().is_control(),
            is_placed: false,
        };
        let id = operation.id();
        self.wanted.remove(&id);
        let mut placed = Vec::new();
        let mut gone = Vec::new();
        let mut is_void = false;
        let waits = if operation.body().is_control() {
            let Some(outcome) = self.society.insert(operation.clone()) else {
                return Placed::Refused;
            };
            gone = outcome.gone;
            placed = outcome.new;
            match outcome.taken {
                Taken::New => false,
                Taken::Waiting => true,
                Taken::Refused(_) => return self.refuse(id),
                _ => return Placed::Refused,
            }
        } else {
            match self.society.verdict(&operation) {
                Verdict::Valid => {
                    placed.push(id);
                    false
                }
                Verdict::Waiting(_) if self.pending.len() < limits::MAX_PENDING => true,
                Verdict::Waiting(_) => return Placed::Refused,
                // Kept, for it may count yet; shown by nobody.
                Verdict::Void if self.void.len() < limits::MAX_VOID => {
                    is_void = true;
                    true
                }
                Verdict::Void | Verdict::Refused(_) => return self.refuse(id),
            }
        };
        self.content_bytes = self.content_bytes.saturating_add(known.bytes.len());
        self.known.insert(id, known);
        self.note_links(&operation, now);
        if is_void {
            self.void.insert(id);
        } else if waits && !operation.body().is_control() {
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
    pub(super) fn settle(&mut self, id: &OperationId, is_new: bool, kept: &mut Vec<Operation>) {
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
                Verdict::Void if self.void.len() < limits::MAX_VOID => {
                    self.void.insert(operation.id());
                }
                _ => {
                    self.forget(&operation.id());
                    self.refuse(operation.id());
                }
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
                self.retarget(&device, &before, &after);
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

    /// A device has another home: what was for the one before, and may lie there unread, goes to the new one. It still goes to the
    /// one before if somebody else is there.
    fn retarget(&mut self, device: &[u8; 32], before: &NodeHome, after: &NodeHome) {
        let is_at =
            |home: &NodeHome, at: &NodeHome| home.place() == at.place() && home.bucket == at.bucket;
        let others = self.devices.iter().filter(|(other, _)| *other != device);
        let mut homes = others.filter_map(|(_, state)| home::node_of(&state.homes));
        let is_shared = homes.any(|home| is_at(home, before));
        for (number, entry) in &mut self.outbox {
            let has_room = (entry.targets.len() as u64) < MAX_TARGETS;
            let is_there = entry.targets.iter().any(|it| is_at(&it.home, after));
            let mut at_before = entry.targets.iter_mut();
            let Some(target) = at_before.find(|it| is_at(&it.home, before)) else {
                continue;
            };
            if !is_shared || is_at(before, after) || !has_room {
                // Perhaps with another token only.
                *target = Target::quiet(*after);
            } else if !is_there {
                entry.targets.push(Target::quiet(*after));
            }
            self.retargeted.insert(*number);
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
            .filter(|id| !self.known.contains_key(id) && !self.refused.contains(id))
            .collect();
        for id in named {
            if self.wanted.len() < limits::MAX_WANTED_OPERATIONS {
                self.wanted.entry(id).or_insert(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use komrade_crypto::{first_contact::Party, identity::PersonId};

    use super::*;
    use crate::{
        home::Home,
        space::{
            Place, SpaceRecord,
            outbox::{Entry, What},
        },
    };

    fn home(number: u8) -> NodeHome {
        NodeHome {
            address: [number; 32],
            key: [number; 32],
            bucket: 1,
            token: [number; 16],
        }
    }

    #[test]
    fn who_moves_takes_no_mail_of_those_who_stay() {
        let own = Party {
            person: PersonId([1; 32]),
            device: [1; 32],
        };
        let record = SpaceRecord::new([9; 32], "Tenants".into(), Place::Member, 1);
        let mut space = Space::new(record, own);
        for device in [2, 3] {
            let state = space.devices.entry([device; 32]).or_default();
            state.homes = vec![Home::Node(home(5))];
        }
        let mut entry = Entry::new(What::Word, 1);
        entry.targets = vec![Target::new(home(5))];
        space.outbox.insert(1, entry);
        let targets = |space: &Space| {
            let targets = space.outbox[&1].targets.iter();
            let is_quiet = |it: &Target| it.hold_until().is_none();
            targets
                .map(|it| (it.home.address[0], is_quiet(it)))
                .collect::<Vec<_>>()
        };
        let mut moves = |device: u8, to: u8| {
            let state = space.devices.get_mut(&[device; 32]).unwrap();
            state.homes = vec![Home::Node(home(to))];
            space.retarget(&[device; 32], &home(5), &home(to));
            targets(&space)
        };
        assert_eq!(moves(2, 6), [(5, false), (6, true)]);
        assert_eq!(moves(3, 7), [(7, true), (6, true)]);
    }
}
