//! The account of a collective's operations: which have a place, which wait, what is missing, and what they
//! say of persons and devices.

use std::collections::BTreeSet;

use komrade_crypto::{
    day_of,
    group::{Commit, rules},
    identity::PersonId,
};
use komrade_social::{
    DeviceId, OperationId,
    collective::{Body, CheckpointId, Operation, Outcome, Pin, Taken, Verdict},
};
use komrade_view::Millis;

use super::{
    DeviceState, Known, OperationRecord, Space, ToldSeed, Unplaced, Wanted,
    outbox::{MAX_TARGETS, Target},
    quota::Quota,
    society::Society,
    spot,
};
use crate::{
    home::{self, NodeHome},
    limits,
    own::Own,
    records::Damaged,
};

/// How an operation came.
#[derive(Clone, Copy)]
pub(crate) struct Came {
    pub(crate) arrival: u64,
    /// Content: under which seed.
    pub(crate) commit: Option<Commit>,
    /// On which day; 0: not noted.
    pub(crate) day: u32,
    /// When, or 0 if it stood in the vault.
    pub(crate) at: Millis,
}

/// What came of an operation.
#[derive(Default)]
pub(crate) struct Placed {
    /// It is kept: it has a place, or builds on what is not here. Otherwise it can never count, or there is no room.
    pub(crate) is_kept: bool,
    /// What has its place now: the operation itself, and what waited for it.
    pub(crate) placed: Vec<Operation>,
    /// What was decided before counts no more.
    pub(crate) has_gone: bool,
}

impl Space {
    /// Keeps an operation of one's own vault until all are here.
    pub(super) fn load_operation(
        &mut self,
        arrival: u64,
        record: OperationRecord,
    ) -> Result<(), Damaged> {
        Operation::decode_stored(&record.bytes).map_err(|_| Damaged)?;
        self.unread.insert(arrival, record);
        Ok(())
    }

    /// All that the vault holds is here: gives each its place, by what is pinned, which is read off all of them first. What the
    /// vault lacks of that fixes nothing.
    pub(super) fn replay(&mut self) {
        let pinned = self.record.pinned.map(|it| CheckpointId(*it));
        let pin = pinned.and_then(|pinned| {
            let all = self.unread.values();
            let all = all.filter_map(|it| Operation::decode_stored(&it.bytes).ok());
            Pin::of(pinned, &all.collect::<Vec<_>>())
        });
        self.replay_with(pin);
    }

    /// Gives everything that is here its place anew, with something else pinned.
    pub(super) fn judge_anew(&mut self, pin: Option<Pin>) {
        self.society = Society::default();
        for (_, known) in std::mem::take(&mut self.known) {
            self.unread.insert(known.arrival, known.record());
        }
        self.unplaced.clear();
        self.pending.clear();
        self.void.clear();
        self.refused.clear();
        self.wanted.clear();
        self.standing.clear();
        self.told_seeds.clear();
        self.quota = Quota::default();
        self.cleared = 0;
        self.people.clear();
        for device in self.devices.values_mut() {
            let leaf = device.leaf.take();
            *device = DeviceState {
                leaf,
                ..DeviceState::default()
            };
        }
        self.replay_with(pin);
    }

    fn replay_with(&mut self, pin: Option<Pin>) {
        self.society.expect(pin);
        for (arrival, record) in std::mem::take(&mut self.unread) {
            if let Ok(operation) = Operation::decode_stored(&record.bytes) {
                self.replay_one(arrival, &record, operation);
            }
        }
    }

    /// Takes an operation of one's own vault in.
    fn replay_one(&mut self, arrival: u64, record: &OperationRecord, operation: Operation) {
        let id = operation.id();
        if self.known.contains_key(&id) {
            self.gone.push(arrival);
            return;
        }
        let came = Came {
            arrival,
            commit: record.commit,
            day: record.day,
            at: 0,
        };
        let is_control = operation.body().is_control();
        let placed = self.place(operation.clone(), came);
        if !placed.is_kept && self.society.get().is_some() {
            if is_control {
                // It was judged to be good once. That others' operations build on it may be what keeps a collective together.
                let known = self.known_of(&operation, came);
                self.known.entry(id).or_insert(known);
            } else if record.ordinal.is_none() {
                // What can never count goes; what is shown goes in its time.
                self.gone.push(arrival);
            }
        }
        if let Some(known) = self.known.get_mut(&id) {
            known.ordinal = record.ordinal;
        }
    }

    /// All that the vault holds is here. What is missing is so since the day on which it was named; what was to be shown when the
    /// power went is shown now.
    pub(super) fn note_opened(&mut self, now: Millis) {
        for wanted in self.wanted.values_mut() {
            if wanted.since == 0 || wanted.since > now {
                wanted.since = now;
            }
        }
        let unseen = |known: &&Known| known.is_said && known.is_placed && known.ordinal.is_none();
        for known in self.known.values().filter(unseen) {
            if let Ok(operation) = Operation::decode_stored(&known.bytes)
                && matches!(operation.body(), Body::Text { .. })
            {
                self.fresh.push(operation);
            }
        }
    }

    /// Whether it builds on what is not here.
    pub(super) fn lacks_context(&self, operation: &Operation) -> bool {
        let mut context = operation.fields().context.iter();
        context.any(|id| self.society.operation(*id).is_none())
    }

    /// Whether there is a place for an operation to wait for what it builds on. Members have one each; under a seed that nobody has
    /// who went (`None`: a comrade gave it), so have devices whose admission has not come yet.
    pub(super) fn may_wait(&mut self, operation: &Operation, under: Option<Commit>) -> bool {
        let fields = operation.fields();
        let members = self.society.devices();
        let persons: BTreeSet<PersonId> = members.iter().map(|member| member.person).collect();
        let mut devices = members.iter();
        let is_member = fields.device.0 == self.own.device
            || devices.any(|it| it.device == fields.device.0 && it.person == fields.person);
        let is_control = operation.body().is_control();
        let said = self.pending.iter().map(|it| it.fields().person);
        let decided = self.unplaced.values().map(|it| it.person);
        let waits: Vec<PersonId> = match (is_member, is_control) {
            (true, true) => decided.collect(),
            (true, false) => said.collect(),
            (false, _) => said.chain(decided).collect(),
        };
        let (count, most) = if is_member {
            let own = waits.iter().filter(|person| **person == fields.person);
            let most = match is_control {
                true => limits::MAX_UNPLACED_EACH,
                false => limits::MAX_PENDING_EACH,
            };
            (own.count(), most)
        } else if !self.is_in() || under.is_none_or(|commit| self.is_for_members(&commit)) {
            // Who was removed knows less than others of who belongs: what shows them that it does not hold may come of anybody.
            let unknown = waits.iter().filter(|person| !persons.contains(person));
            (unknown.count(), limits::MAX_UNKNOWN)
        } else {
            return false;
        };
        count < most
    }

    /// Whether all whom a seed is for are members now.
    fn is_for_members(&mut self, commit: &Commit) -> bool {
        let Some(told) = self.told_of(commit) else {
            return false;
        };
        let context = told.context.clone();
        let now = self.society.devices();
        let now: BTreeSet<[u8; 32]> = now.iter().map(|it| it.device).collect();
        let then = self.society.devices_at(&context);
        then.is_some_and(|then| then.iter().all(|it| now.contains(&it.device)))
    }

    fn known_of(&self, operation: &Operation, came: Came) -> Known {
        let fields = operation.fields();
        Known {
            bytes: operation.as_bytes().to_vec(),
            person: fields.person,
            arrival: came.arrival,
            commit: came.commit,
            ordinal: None,
            day: came.day,
            expiry_day: self.kept_until(operation, came.day),
            device: fields.device.0,
            is_control: operation.body().is_control(),
            is_said: is_said(operation.body()),
            is_placed: false,
        }
    }

    /// Gives an operation its place, if what it builds on is here.
    pub(super) fn place(&mut self, operation: Operation, came: Came) -> Placed {
        let (id, fields) = (operation.id(), operation.fields());
        let known = self.known_of(&operation, came);
        let unplaced = Unplaced {
            person: fields.person,
            device: fields.device.0,
        };
        let is_new = came.at > 0;
        self.wanted.remove(&id);
        let is_control = operation.body().is_control();
        let (is_kept, mut outcome) = if is_control {
            let Some(outcome) = self.society.insert(operation.clone()) else {
                return Placed::default();
            };
            if let Taken::Refused(_) = outcome.taken {
                self.refuse(id);
            }
            let is_kept = matches!(outcome.taken, Taken::New | Taken::Waiting);
            if outcome.taken == Taken::Waiting {
                self.unplaced.insert(id, unplaced);
            }
            (is_kept, outcome)
        } else {
            let mut outcome = Outcome::default();
            let is_kept = match self.society.verdict(&operation) {
                Verdict::Valid => {
                    outcome.new.push(id);
                    true
                }
                Verdict::Waiting(_) if self.pending.len() < limits::MAX_PENDING => {
                    self.pending.push(operation.clone());
                    // Some of what it builds on may be held until somebody does.
                    outcome = self.society.place_wanted();
                    true
                }
                Verdict::Waiting(_) => false,
                // Kept, for it may count yet; shown by nobody.
                Verdict::Void if self.void.len() < limits::MAX_VOID => self.void.insert(id),
                Verdict::Void | Verdict::Refused(_) => {
                    self.refuse(id);
                    false
                }
            };
            (is_kept, outcome)
        };
        if is_kept {
            self.quota.add(&known);
            self.known.insert(id, known);
            self.note_links(&operation, came);
        }
        let has_gone = !outcome.gone.is_empty();
        let placed = self.follow(&mut outcome, is_new);
        Placed {
            is_kept,
            placed,
            has_gone,
        }
    }

    /// Does what follows from an outcome, whatever the operation was that it is of: what is gone is forgotten, what is in has its place,
    /// and with it what waited for that. Answers what has its place now.
    pub(super) fn follow(&mut self, outcome: &mut Outcome, is_new: bool) -> Vec<Operation> {
        let mut placed = Vec::new();
        loop {
            for id in std::mem::take(&mut outcome.gone) {
                self.forget(&id);
            }
            let before = placed.len();
            for id in std::mem::take(&mut outcome.new) {
                self.settle(&id, is_new, &mut placed);
            }
            if placed.len() == before {
                return placed;
            }
            self.place_pending(is_new, &mut placed);
            // What was said may build on what was held until somebody does.
            *outcome = self.society.place_wanted();
        }
    }

    /// An operation has its place.
    pub(super) fn settle(&mut self, id: &OperationId, is_new: bool, kept: &mut Vec<Operation>) {
        let Some(known) = self.known.get_mut(id) else {
            return;
        };
        known.is_placed = true;
        self.unplaced.remove(id);
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

    /// It can never count, had to make room, or its time is over. What it showed goes with it.
    pub(super) fn forget(&mut self, id: &OperationId) -> Option<u64> {
        let known = self.known.remove(id)?;
        self.quota.take(&known);
        self.gone.push(known.arrival);
        self.unplaced.remove(id);
        self.void.remove(id);
        self.beginnings.remove(id);
        self.told_seeds.retain(|(_, told), _| told != id);
        self.pending.retain(|it| it.id() != *id);
        if !known.is_said && !known.is_control {
            for all in self.standing.values_mut() {
                all.retain(|(_, it)| it != id);
            }
        }
        known.ordinal
    }

    /// Up to which day it is kept: as its author says, but no longer than the rules say of what was said that day. Nobody keeps
    /// anything by a date that is far off.
    pub(super) fn kept_until(&self, operation: &Operation, day: u32) -> u32 {
        let fields = operation.fields();
        let said = match day {
            0 => day_of(fields.time),
            day => day_of(fields.time).min(day),
        };
        let days = match &fields.body {
            Body::Seed { .. } => rules::LASTING_DAYS,
            body if is_said(body) => {
                let rules = self.society.constitution();
                let days = rules.map_or(limits::EXPIRY_DAYS, |rules| rules.expiry_days);
                days.saturating_add(1)
            }
            _ => u32::MAX,
        };
        fields.expiry_day.min(said.saturating_add(days))
    }

    /// Of what a device says of itself the newest is kept, and what of the rest may still be on its way to others.
    fn note_standing(&mut self, operation: &Operation) {
        let most = match operation.body() {
            Body::Seed { .. } => limits::MAX_TOLD_SEEDS,
            Body::Profile { .. } | Body::Homes { .. } => limits::MAX_STANDING,
            _ => return,
        };
        let fields = operation.fields();
        let place = (fields.device.0, fields.body.kind());
        let all = self.standing.entry(place).or_default();
        all.insert((fields.time, operation.id()));
        if all.len() > most
            && let Some((_, oldest)) = all.pop_first()
        {
            self.forget(&oldest);
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
            let before = std::mem::replace(&mut state.homes, homes.clone());
            let before = self.pick(&before).copied();
            if let (Some(before), Some(after)) = (before, self.pick(&homes).copied())
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
        self.note_standing(operation);
    }

    /// A device has another home: what was for the one before, and may lie there unread, goes to the new one. It still goes to the
    /// one before if somebody else is there.
    fn retarget(&mut self, device: &[u8; 32], before: &NodeHome, after: &NodeHome) {
        let is_at = |home: &NodeHome, at: &NodeHome| spot(home) == spot(at);
        let others = self.devices.iter().filter(|(other, _)| *other != device);
        let mut homes = others.filter_map(|(_, state)| self.pick(&state.homes));
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

    /// Devices with a home where the owner of the vault had one before are at the present node of that relay, see [`Own::follow`].
    /// Says which entries of the outbox go there now.
    pub(super) fn follow_nodes(&mut self, own: &Own) -> Vec<u64> {
        let mut any = false;
        for state in self.devices.values_mut() {
            any |= own.follow(&mut state.homes);
        }
        let mut moved = Vec::new();
        // What waits goes to homes that some device has, or had before.
        for (number, entry) in self.outbox.iter_mut().filter(|_| any) {
            for target in &mut entry.targets {
                if let Some(now) = own.present(&target.home) {
                    *target = Target::quiet(now);
                    moved.push(*number);
                }
            }
        }
        moved
    }

    /// Somebody has seen one's own operations up to this number.
    fn note_seen(&mut self, device: &[u8; 32], sequence: u64) {
        self.record.silence_answered(sequence);
        let seen = &mut self.record.seen;
        match seen.iter_mut().find(|(of, _)| **of == *device) {
            Some((_, up_to)) => *up_to = sequence.max(*up_to),
            None => seen.push(((*device).into(), sequence)),
        }
    }

    /// Notes what an operation names and is not here.
    fn note_links(&mut self, operation: &Operation, came: Came) {
        let fields = operation.fields();
        let before = fields.sequence.saturating_sub(1);
        let previous = fields
            .previous
            .map(|id| (fields.device.0, before, id))
            .filter(|_| before > 0);
        let seen = fields.seen.iter();
        let seen = seen.map(|head| (head.device.0, head.sequence, head.id));
        let is_new = |id: &OperationId| !self.known.contains_key(id) && !self.refused.contains(id);
        let context = fields.context.iter().copied().filter(is_new);
        let context: Vec<OperationId> = context.collect();
        let said = previous.into_iter().chain(seen);
        let said = said
            .filter(|(device, sequence, id)| *sequence > self.record.floor(device) && is_new(id));
        let said: Vec<_> = said.collect();
        // Whoever did not know of a newcomer said all that lies before to others.
        let is_newcomer = !self.record.floors.is_empty() && !said.is_empty();
        let is_for_others = is_newcomer && !self.knows_of_me(&fields.context);
        let said = said.into_iter().filter(|_| !is_for_others);
        // What the vault holds was named on the day on which it came.
        let since = match came.at {
            0 => u64::from(came.day).saturating_mul(limits::DAY),
            at => at,
        };
        let by = fields.person;
        let own = self.wanted.values().filter(|wanted| wanted.by == by);
        let room = limits::MAX_WANTED_EACH.saturating_sub(own.count());
        let said = said.map(|(device, _, id)| (id, is_newcomer && self.has_nothing_of(&device)));
        let named = context.into_iter().map(|id| (id, false)).chain(said);
        let named: Vec<(OperationId, bool)> = named.take(room).collect();
        for (id, may_be_before) in named {
            if self.wanted.len() < limits::MAX_WANTED_OPERATIONS {
                let wanted = Wanted {
                    since,
                    by,
                    may_be_before,
                };
                self.wanted.entry(id).or_insert(wanted);
            }
        }
    }

    /// Whether whoever names these operations knew of this person's admission, as far as is known.
    fn knows_of_me(&mut self, context: &[OperationId]) -> bool {
        let members = self.society.devices_at(context);
        members.is_none_or(|all| all.iter().any(|it| it.device == self.own.device))
    }

    /// Whether nothing of a device is here but what it said before this person came in.
    fn has_nothing_of(&self, device: &[u8; 32]) -> bool {
        let head = self.devices.get(device).and_then(|it| it.head);
        head.is_none_or(|(sequence, _)| sequence <= self.record.floor(device))
    }
}

/// Whether a person says it, and may say so much; the rest of what is no control is what devices say so that it arrives at all.
pub(super) fn is_said(body: &Body) -> bool {
    let is_own = matches!(
        body,
        Body::Profile { .. } | Body::Homes { .. } | Body::Seed { .. }
    );
    !body.is_control() && !is_own
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
