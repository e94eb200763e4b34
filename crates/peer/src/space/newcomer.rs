//! The newcomer's side of an admission, see `candidacy`: parts of a welcome, what is computed from it, and entering.

use std::collections::BTreeMap;

use komrade_crypto::group::LeafRecord;
use komrade_social::{
    self as social,
    collective::{Body, CheckpointId, Operation, Pin},
};
use komrade_store::Table;
use komrade_view::{CollectiveId, ComradeId, Millis};
use serde::{Deserialize, Serialize};

use super::{
    PartRecord, Place, Space,
    candidacy::{admits, in_words, names_others},
    frame::{MAX_ENTRY_OPERATIONS, Welcome, Word},
    places,
};
use crate::{home, limits, open::Open, records, step::Step};

/// A welcome whose parts are being gathered, or were.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gathering {
    /// Who sends it.
    pub(crate) by: ComradeId,
    /// Where its parts stand: that of whoever offered stands apart from those of others.
    pub(crate) slot: u64,
    /// When it was made, and how many parts it has; none any more once all of it is taken in.
    pub(crate) made_at: Millis,
    pub(crate) of: u64,
    /// When its first part came.
    pub(crate) begun_at: Millis,
}

/// A welcome that is being taken in, as far as there is room in a step. It stands in memory alone: until its parts go it is begun
/// again.
pub(crate) struct Reading {
    /// Which one.
    gathering: Gathering,
    welcome: Welcome,
    /// How many of its operations, and then of its leaf keys, were looked at.
    at: usize,
}

impl Open {
    /// A part of a welcome. When all are here, the members are computed.
    pub(super) fn space_welcome_part(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        id: CollectiveId,
        (made_at, of): (Millis, u64),
        (number, part): (u64, Vec<u8>),
    ) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        // One from a day far ahead would keep out all others.
        if made_at > step.now.saturating_add(limits::DAY) || !space.takes_welcomes(comrade) {
            return;
        }
        let slot = u64::from(space.record.offered_by != Some(comrade));
        let begun = space.record.welcomes.iter().find(|it| it.slot == slot);
        let is_begun =
            begun.is_some_and(|it| it.by == comrade && it.made_at == made_at && it.of == of);
        if !is_begun {
            let has_parts = space.parts_of(slot).next().is_some();
            let is_kept = |it: &Gathering| match it.by == comrade {
                true => it.made_at >= made_at,
                // That of one voucher does not end what another has just begun.
                false => has_parts && step.now < it.begun_at.saturating_add(limits::DAY),
            };
            if begun.is_some_and(is_kept) {
                return;
            }
            space.record.welcomes.retain(|it| it.slot != slot);
            space.record.welcomes.push(Gathering {
                by: comrade,
                slot,
                made_at,
                of,
                begun_at: step.now,
            });
            step.touched.spaces.insert(id);
            space.drop_parts(slot);
            space.delete_gone(step, id);
        }
        let at = part_of(slot, number);
        let record = PartRecord {
            bytes: part,
            made_at,
        };
        let key = places::part(id, at);
        step.write(Table::Spaces, key, records::encode(&record));
        space.spent.remove(&at);
        space.parts.insert(at, record.bytes);
        if space.whole_welcome().is_some() {
            self.space_evaluate(step, id);
        }
    }

    /// All of a welcome is here: takes it in, as much as fits in a step. The parts go last.
    pub(super) fn space_evaluate(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let Some(gathered) = space.whole_welcome() else {
            return;
        };
        let reading = space.reading.take();
        let reading = reading.filter(|it| it.gathering == gathered);
        let mut reading = reading.unwrap_or_else(|| space.begin_reading(gathered));
        step.touched.spaces.insert(id);
        let is_done = self.space_read_on(step, id, &mut reading);
        let by = self.comrades.get(&gathered.by).and_then(|it| it.record.who);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if !is_done {
            space.reading = Some(reading);
            return;
        }
        space.end_gathering(gathered.slot);
        space.delete_gone(step, id);
        // What a comrade says who is no member is believed only as far as it is signed.
        let is_member = by.is_some_and(|who| space.society.is_member(&who.person));
        if is_member {
            space.record.welcomed_by = Some(gathered.by);
        } else if space.is_newcomer() {
            space.record.floors.clear();
        }
        space.note_told_pin(&reading, is_member);
        space.go_on_own_chain();
        self.space_membership(step, id);
    }

    /// Takes in what is left of a welcome; whether that was all.
    fn space_read_on(&mut self, step: &mut Step, id: CollectiveId, reading: &mut Reading) -> bool {
        let welcome = &reading.welcome;
        while let Some(bytes) = welcome.operations.get(reading.at) {
            if !step.has_room() {
                return false;
            }
            reading.at += 1;
            let is_known = Operation::decode_stored(bytes).is_ok_and(|operation| {
                let space = self.spaces.get(&id);
                space.is_some_and(|space| space.known.contains_key(&operation.id()))
            });
            if is_known {
                continue;
            }
            let operation = Operation::decode(bytes).ok();
            if let Some(operation) = operation.filter(|it| !names_others(it)) {
                self.space_take(step, id, operation, None);
            }
        }
        let leaves = |at: usize| welcome.leaves.get(at - welcome.operations.len());
        while let Some(bytes) = leaves(reading.at) {
            if !step.has_room() {
                return false;
            }
            reading.at += 1;
            if let Ok(leaf) = LeafRecord::decode(bytes) {
                self.space_take_leaf(step, id, leaf);
            }
        }
        true
    }

    /// A candidate who sees themself admitted enters. Done at drawn times.
    pub(super) fn space_enter(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let Some(by) = space.record.place.coming_by() else {
            return;
        };
        if space.society.contradicts() {
            return;
        }
        let person = space.own.person;
        let admitted = |it: &social::collective::Standing| admits(&it.subject, &person);
        let ready = space.society.ready(step.now).into_iter().find(admitted);
        let homes = self.own.node_homes();
        let Some(proposal) = ready.filter(|_| !homes.is_empty()) else {
            return;
        };
        // They agreed to what they were told: to other rules they agree anew.
        if space.sees_other_rules() {
            return self.space_ask_anew(step, id, by);
        }
        let hash = *space.record.space;
        let welcomed_by = space.record.welcomed_by.filter(|it| *it != by);
        let name = self.own.name.clone();
        let homes_told = home::tag(&homes);
        // While it is no member's, so that it goes with the rest and not to all.
        self.space_renew_leaf(step, id, false);
        let bodies = [
            Body::Accept {
                proposal: proposal.id,
                certificate: self.device.certificate().clone(),
            },
            Body::Profile { name },
            Body::Homes {
                homes: home::encode_homes(&homes),
            },
        ];
        let mut said = Vec::new();
        for body in bodies {
            let Ok(operation) = self.space_sign(step, id, body) else {
                return;
            };
            if !operation.body().is_control() {
                said.push(operation.as_bytes().to_vec());
            }
            self.space_take(step, id, operation, None);
        }
        let name_told = self.own.name_number;
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let operations = space.own_control().chain(said).collect::<Vec<_>>();
        let own = space.devices.get(&space.own.device);
        let leaf = own.and_then(|it| it.leaf.as_ref()).map(LeafRecord::encode);
        let Some(leaf) = leaf else { return };
        space.record.place = Place::Member;
        space.record.since = step.now;
        (space.record.offered, space.record.place_before) = (None, None);
        space.record.progress = None;
        space.record.homes_told = Some(homes_told.into());
        space.record.name_told = name_told;
        space.note_changed(step.now);
        step.show.collectives = true;
        for comrade in [Some(by), welcomed_by].into_iter().flatten() {
            for operations in in_words(operations.clone(), MAX_ENTRY_OPERATIONS) {
                let leaf = leaf.clone();
                self.space_tell(step, comrade, &hash, &Word::Enter { operations, leaf });
            }
        }
    }

    /// The rules are others than those that a candidate was told: they are shown these.
    fn space_ask_anew(&mut self, step: &mut Step, id: CollectiveId, by: ComradeId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let collective = space.society.get();
        let rules = collective.and_then(|it| it.rules_operation());
        let members = collective.map_or(0, |it| it.count() as u64);
        let Some(rules) = rules.map(|it| it.as_bytes().to_vec()) else {
            return;
        };
        space.record.offered = Some((rules.into(), members));
        space.record.place = Place::Invited { by };
        space.note_changed(step.now);
        step.touched.spaces.insert(id);
        step.show.collectives = true;
    }
}

/// The highest number of each device that its own operations show. What others say of it counts for nothing; and whose highest is not
/// theirs has none: to look for the next would be to check as many signatures as somebody cares to invent.
fn numbers_in(operations: &[Vec<u8>]) -> BTreeMap<[u8; 32], u64> {
    let mut highest: BTreeMap<[u8; 32], Operation> = BTreeMap::new();
    for operation in operations {
        let Ok(operation) = Operation::decode_stored(operation) else {
            continue;
        };
        let fields = operation.fields();
        let known = highest.get(&fields.device.0);
        if known.is_none_or(|known| fields.sequence > known.fields().sequence) {
            highest.insert(fields.device.0, operation);
        }
    }
    highest.retain(|_, operation| operation.verify().is_ok());
    let numbers = highest.into_iter();
    let numbers = numbers.map(|(device, operation)| (device, operation.fields().sequence));
    numbers.collect()
}

/// The first parts of each welcome stand where a version kept them that took no more; those that follow stand behind all of them.
const FIRST_PARTS: u64 = 128;
/// How many follow.
const MORE_PARTS: u64 = limits::MAX_WELCOME_PARTS - FIRST_PARTS;
/// Welcomes that are gathered at once.
const SLOTS: u64 = 2;

/// Where that of whoever offered is gathered.
const OFFERER: u64 = 0;

/// Which welcome a part is of that stands there.
fn slot_of(at: u64) -> u64 {
    match at.checked_sub(SLOTS * FIRST_PARTS) {
        None => at / FIRST_PARTS,
        Some(more) => more / MORE_PARTS,
    }
}

/// Where a part of a welcome stands.
fn part_of(slot: u64, number: u64) -> u64 {
    match number.checked_sub(FIRST_PARTS) {
        None => slot.saturating_mul(FIRST_PARTS).saturating_add(number),
        Some(more) => (SLOTS * FIRST_PARTS)
            .saturating_add(slot.saturating_mul(MORE_PARTS))
            .saturating_add(more),
    }
}

impl Space {
    /// The rules in force are not those that an offer told.
    fn sees_other_rules(&self) -> bool {
        let told = self.record.offered.as_ref();
        let told = told.and_then(|(bytes, _)| Operation::decode_stored(bytes).ok());
        let told = told
            .as_ref()
            .and_then(|it| social::collective::rules_of(it.body()));
        told.is_some_and(|told| Some(told) != self.society.constitution())
    }

    /// Begins with a welcome of which all parts are here.
    fn begin_reading(&mut self, gathering: Gathering) -> Reading {
        let parts = self.parts_of(gathering.slot);
        let bytes: Vec<u8> = parts.flat_map(|(_, part)| part).copied().collect();
        let welcome = Welcome::decode(&bytes).unwrap_or_default();
        if self.is_newcomer() {
            let shown = numbers_in(&welcome.operations);
            let floors = welcome.floors.iter().map(|(device, floor)| {
                let shown = shown.get(device).copied().unwrap_or(0);
                let most = shown.saturating_add(limits::FLOOR_AHEAD);
                ((*device).into(), (*floor).min(most))
            });
            self.record.floors = floors.collect();
        }
        let reading = Reading {
            gathering,
            welcome,
            at: 0,
        };
        // By who offered, whose collective it is that the person said yes to.
        if self.record.offered_by == Some(gathering.by) {
            self.try_told_pin(&reading.welcome);
        }
        reading
    }

    /// Judges by what a welcome says is pinned: for whoever has seen nothing final themself. It is read off the operations, and
    /// kept only if it is final then. Says whether it is judged by that now.
    fn try_told_pin(&mut self, welcome: &Welcome) -> bool {
        let told = welcome.pinned.map(CheckpointId);
        let is_open = self.record.pinned.is_none() && !self.record.place.is_over();
        let Some(told) = told.filter(|_| is_open) else {
            return false;
        };
        if self.society.pinned() == Some(told) {
            return true;
        }
        let known = self.known.values().map(|known| &known.bytes);
        let all = known.chain(&welcome.operations);
        let all = all.filter_map(|bytes| Operation::decode_stored(bytes).ok());
        let all: Vec<Operation> = all.collect();
        let pin = Pin::of(told, &all);
        let is_here = pin.is_some();
        if is_here {
            self.judge_anew(pin);
        }
        is_here
    }

    /// All of a welcome is here. Who offered is believed what is pinned; any member, where two things are final that exclude each other
    /// and who offered says nothing: the newcomer could never come in, since each member has pinned one of the two.
    fn note_told_pin(&mut self, reading: &Reading, is_member: bool) {
        let mut welcomes = self.record.welcomes.iter();
        let is_alone = is_member && !welcomes.any(|it| it.slot == OFFERER && it.of > 0);
        if is_alone && self.society.contradicts() {
            self.try_told_pin(&reading.welcome);
        }
        let pinned = self.society.pinned().map(|it| it.0.into());
        if pinned == self.record.pinned {
            return;
        }
        if self.society.holds_pin() && !self.record.place.is_over() {
            self.record.pinned = pinned;
        } else {
            // There is no such checkpoint, or nobody but a few confirmed it.
            self.judge_anew(None);
        }
    }

    /// A welcome that is here as a whole, and not taken in yet.
    pub(super) fn whole_welcome(&self) -> Option<Gathering> {
        let mut all = self.record.welcomes.iter();
        let is_whole =
            |it: &&Gathering| it.of > 0 && self.parts_of(it.slot).count() as u64 == it.of;
        all.find(is_whole).copied()
    }

    /// Somebody who is coming in, and whoever has no key by which they could ask for what they lack.
    fn is_newcomer(&self) -> bool {
        match self.record.place {
            Place::Candidate { .. } | Place::Asked { .. } => true,
            Place::Member => {
                self.keys.newest().is_none() || !self.society.is_member(&self.own.person)
            }
            _ => false,
        }
    }

    /// They entered and have no keys yet, and this comrade brought them in: by their word, what they entered with does not hold.
    pub(super) fn came_in_vain(&self, comrade: ComradeId) -> bool {
        let has_entered = self.record.place == Place::Member && self.keys.newest().is_none();
        has_entered && self.was_brought_in_by(comrade)
    }

    fn was_brought_in_by(&self, comrade: ComradeId) -> bool {
        [self.record.offered_by, self.record.welcomed_by].contains(&Some(comrade))
    }

    /// Those who brought somebody in may welcome them anew: what made the admission void may be sealed under keys that they do not
    /// have.
    fn takes_welcomes(&self, comrade: ComradeId) -> bool {
        let is_in = self.record.place == Place::Member;
        self.is_newcomer() || (is_in && self.was_brought_in_by(comrade))
    }

    fn parts_of(&self, slot: u64) -> impl Iterator<Item = (&u64, &Vec<u8>)> {
        let range = |first, count| {
            let first = part_of(slot, first);
            self.parts.range(first..first.saturating_add(count))
        };
        range(0, FIRST_PARTS).chain(range(FIRST_PARTS, MORE_PARTS))
    }

    /// A part that stood in the vault. One of a welcome that is over goes.
    pub(super) fn load_part(&mut self, at: u64, part: PartRecord) {
        let is_of = |it: &Gathering| {
            it.slot == slot_of(at) && it.of > 0 && (part.made_at == 0 || it.made_at == part.made_at)
        };
        if self.record.welcomes.iter().any(is_of) {
            self.parts.insert(at, part.bytes);
        } else {
            self.spent.insert(at);
        }
    }

    /// All of a welcome is taken in: what comes of it once more is nothing new.
    fn end_gathering(&mut self, slot: u64) {
        for it in &mut self.record.welcomes {
            if it.slot == slot {
                it.of = 0;
            }
        }
        self.drop_parts(slot);
    }

    /// Parts of a welcome are of no use any more: they are deleted step by step.
    fn drop_parts(&mut self, slot: u64) {
        let numbers: Vec<u64> = self.parts_of(slot).map(|(number, _)| *number).collect();
        for number in numbers {
            self.parts.remove(&number);
            self.spent.insert(number);
        }
    }

    /// A device that forgot what it said before goes on behind that, as far as others remember: nothing new has a number of before.
    fn go_on_own_chain(&mut self) {
        let own = self.own.device;
        let head = self.devices.get(&own).and_then(|it| it.head);
        let Some((sequence, id)) = head.filter(|(last, _)| *last > self.record.sequence) else {
            return;
        };
        let most = sequence.saturating_add(limits::FLOOR_AHEAD);
        let last = sequence.max(self.record.floor(&own).min(most));
        self.record.sequence = last;
        self.record.previous = Some(id.0.into());
        self.record.floors.retain(|(of, _)| **of != own);
        self.record.floors.push((own.into(), last));
    }

    /// What this device said of who belongs and was not known to whoever welcomed it: all of it, or what follows cannot be
    /// placed.
    fn own_control(&self) -> impl Iterator<Item = Vec<u8>> {
        let own = self.own.device;
        let floor = self.record.floor(&own);
        let history = self.society.get().into_iter().flat_map(|it| it.history());
        let mine = history.filter(move |it| {
            let fields = it.fields();
            fields.device.0 == own && fields.sequence > floor
        });
        mine.map(|it| it.as_bytes().to_vec())
    }
}
