//! The newcomer's side of an admission, see `candidacy`: parts of a welcome, what is computed from it, and entering.

use std::collections::BTreeMap;

use komrade_crypto::group::LeafRecord;
use komrade_social::{
    self as social,
    collective::{Body, CheckpointId, Operation},
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
    /// When it was made, and how many parts it has.
    pub(crate) made_at: Millis,
    pub(crate) of: u64,
    /// When its first part came.
    pub(crate) begun_at: Millis,
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
            space.drop_parts(step, id, slot);
        }
        let at = part_of(slot, number);
        let record = PartRecord { bytes: part };
        let key = places::part(id, at);
        step.write(Table::Spaces, key, records::encode(&record));
        space.parts.insert(at, record.bytes);
        if space.whole_welcome().is_some() {
            self.space_evaluate(step, id);
        }
    }

    /// All of a welcome is here: takes it in, as much as fits in a step. The parts go last: until then it is
    /// begun again.
    pub(super) fn space_evaluate(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let Some(gathered) = space.whole_welcome() else {
            return;
        };
        let parts = space.parts_of(gathered.slot);
        let bytes: Vec<u8> = parts.flat_map(|(_, part)| part).copied().collect();
        let welcome = Welcome::decode(&bytes).unwrap_or_default();
        let shown = numbers_in(&welcome.operations);
        let floors = welcome.floors.iter().map(|(device, floor)| {
            let shown = shown.get(device).copied().unwrap_or(0);
            let most = shown.saturating_add(limits::FLOOR_AHEAD);
            ((*device).into(), (*floor).min(most))
        });
        let is_newcomer = space.is_newcomer();
        if is_newcomer {
            space.record.floors = floors.collect();
        }
        step.touched.spaces.insert(id);
        let is_told_pin = space.note_told_pin(&gathered, welcome.pinned);
        if let Some(pinned) = space.record.pinned.filter(|_| is_told_pin) {
            let mut outcome = space.society.expect(CheckpointId(*pinned));
            space.follow(&mut outcome, true);
        }
        for bytes in &welcome.operations {
            let is_known = Operation::decode_stored(bytes).is_ok_and(|operation| {
                let space = self.spaces.get(&id);
                space.is_some_and(|space| space.known.contains_key(&operation.id()))
            });
            if is_known {
                continue;
            }
            if !step.has_room() {
                return;
            }
            if let Some(operation) = Operation::decode(bytes).ok().filter(|it| !names_others(it)) {
                self.space_take(step, id, operation, None);
            }
        }
        for bytes in &welcome.leaves {
            if !step.has_room() {
                return;
            }
            if let Ok(leaf) = LeafRecord::decode(bytes) {
                self.space_take_leaf(step, id, leaf);
            }
        }
        let by = self.comrades.get(&gathered.by).and_then(|it| it.record.who);
        if let Some(space) = self.spaces.get_mut(&id) {
            space.drop_parts(step, id, gathered.slot);
            // What a comrade says who is no member is believed only as far as it is signed.
            if by.is_some_and(|who| space.society.is_member(&who.person)) {
                space.record.welcomed_by = Some(gathered.by);
            } else if is_newcomer {
                space.record.floors.clear();
            }
            if is_told_pin {
                // All that there was is here.
                space.society.expect_no_more();
                space.record.pinned = space.society.pinned().map(|it| it.0.into());
            }
        }
        self.space_membership(step, id);
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
        self.space_renew_leaf(step, id);
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
        let members = collective.map_or(0, |it| it.members().len() as u64);
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

/// The highest number of each device that these operations show.
fn numbers_in(operations: &[Vec<u8>]) -> BTreeMap<[u8; 32], u64> {
    let mut numbers: BTreeMap<[u8; 32], u64> = BTreeMap::new();
    for operation in operations {
        let Ok(operation) = Operation::decode_stored(operation) else {
            continue;
        };
        let fields = operation.fields();
        let seen = fields.seen.iter().map(|head| (head.device, head.sequence));
        for (device, number) in seen.chain([(fields.device, fields.sequence)]) {
            let known = numbers.entry(device.0).or_default();
            *known = number.max(*known);
        }
    }
    numbers
}

/// The first parts of each welcome stand where a version kept them that took no more; those that follow stand behind all of them.
const FIRST_PARTS: u64 = 128;
/// How many follow.
const MORE_PARTS: u64 = limits::MAX_WELCOME_PARTS - FIRST_PARTS;
/// Welcomes that are gathered at once.
const SLOTS: u64 = 2;

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

    /// Whether a welcome says what is pinned: to whoever has seen nothing final themself, and by who offered, whose collective it is
    /// that they said yes to.
    fn note_told_pin(&mut self, welcome: &Gathering, told: Option<[u8; 32]>) -> bool {
        let record = &mut self.record;
        let known = record.pinned.map(|it| *it);
        let is_told = told.is_some()
            && matches!(record.place, Place::Candidate { .. })
            && record.offered_by == Some(welcome.by)
            && (known.is_none() || known == told);
        if is_told {
            record.pinned = told.map(Into::into);
        }
        is_told
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
            Place::Member => self.keys.newest().is_none(),
            _ => false,
        }
    }

    /// Those who brought somebody in may welcome them anew: what made the admission void may be sealed under keys that they do not
    /// have.
    fn takes_welcomes(&self, comrade: ComradeId) -> bool {
        let record = &self.record;
        let brought_in = [record.offered_by, record.welcomed_by].contains(&Some(comrade));
        self.is_newcomer() || (record.place == Place::Member && brought_in)
    }

    fn parts_of(&self, slot: u64) -> impl Iterator<Item = (&u64, &Vec<u8>)> {
        let range = |first, count| {
            let first = part_of(slot, first);
            self.parts.range(first..first.saturating_add(count))
        };
        range(0, FIRST_PARTS).chain(range(FIRST_PARTS, MORE_PARTS))
    }

    fn drop_parts(&mut self, step: &mut Step, id: CollectiveId, slot: u64) {
        let numbers: Vec<u64> = self.parts_of(slot).map(|(number, _)| *number).collect();
        for number in numbers {
            self.parts.remove(&number);
            step.delete(Table::Spaces, places::part(id, number));
        }
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
