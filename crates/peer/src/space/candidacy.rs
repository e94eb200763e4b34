//! How somebody comes in.
//!
//! 1. A member offers a comrade to propose them; the comrade says yes or no. (Two words of their
//!    conversation; nobody else hears of it.)
//! 2. The member's device proposes them and vouches; others vouch, or vote.
//! 3. When the certificate is complete, the proposer (or, a day later, any other voucher who is their
//!    comrade) sends a [`Welcome`]: all control operations, names, homes and leaf keys.
//! 4. The candidate's device computes the members from that, sees itself admitted, signs its acceptance,
//!    name and homes, and gives them to who welcomed it and to who offered. If the rules are others than they were told, the
//!    person is asked again first.
//! 5. That one passes them on, draws a seed at once, and gives it to the newcomer through the pair, who has no
//!    key yet by which the others' envelopes are known: it goes on doing so until the newcomer is heard.
//! 6. If something became final meanwhile that the acceptance did not know of, it does not hold. The newcomer is welcomed
//!    anew, sees that, and enters once more: with all that they said of who belongs and nobody else has.
//!
//! All but the words of the persons themselves is done at drawn times (`duties`).

use std::collections::BTreeMap;

use komrade_crypto::{group::LeafRecord, identity::PersonId};
use komrade_social::{
    self as social,
    collective::{Body, Operation, Subject},
};
use komrade_store::Table;
use komrade_view::{Answer, CollectiveId, ComradeId, Millis, Refusal};

use super::{
    Gathering, Offer, PartRecord, Place, Space, SpaceRecord,
    frame::{MAX_ENTRY_OPERATIONS, Welcome, Word},
    places,
};
use crate::{home, limits, open::Open, records, step::Step};

impl Open {
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

    // --- words -----------------------------------------------------------------------------------

    /// Says something to one comrade. What is too long for a word is not said: all but an offer is cut into words that fit.
    pub(super) fn space_tell(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        space: &[u8; 32],
        word: &Word,
    ) {
        let content = word.encode(space);
        self.write_operation(step, comrade, social::Body::Collective { content }, None);
    }

    fn find_by_hash(&self, hash: &[u8; 32]) -> Option<CollectiveId> {
        let mut all = self.spaces.iter();
        all.find(|(_, it)| *it.record.space == *hash)
            .map(|(id, _)| *id)
    }

    /// A comrade said something about a collective. Nothing leaves because of it.
    pub(crate) fn space_heard(&mut self, step: &mut Step, comrade: ComradeId, content: &[u8]) {
        if !super::ON {
            return;
        }
        let is_met = |id: &ComradeId| self.comrades.get(id).is_some_and(|it| it.record.is_met());
        let Ok(Some((hash, word))) = Word::decode(content) else {
            return;
        };
        if !is_met(&comrade) {
            return;
        }
        step.show.collectives = true;
        let found = self.find_by_hash(&hash);
        match (word, found) {
            (
                Word::Offer {
                    name,
                    rules,
                    members,
                },
                found,
            ) => self.space_offered(step, comrade, &hash, name, rules, members, found),
            (Word::Answer(yes), Some(id)) => self.space_answered(step, comrade, id, yes),
            (
                Word::Welcome {
                    made_at,
                    number,
                    of,
                    part,
                },
                Some(id),
            ) => self.space_welcome_part(step, comrade, id, (made_at, of), (number, part)),
            (Word::Enter { operations, leaf }, Some(id)) => {
                self.space_entering(step, comrade, id, operations, leaf);
            }
            (Word::Keys(load), Some(id)) => {
                if self.may_bring_in(id, comrade) {
                    self.space_load(step, id, &load);
                }
            }
            (Word::NotAdmitted, Some(id)) => {
                if let Some(space) = self.spaces.get_mut(&id)
                    && matches!(space.record.place, Place::Candidate { by, .. } if by == comrade)
                {
                    space.record.place = Place::NotAdmitted(step.now);
                    space.note_changed(step.now);
                    step.touched.spaces.insert(id);
                }
            }
            (_, None) => {}
        }
    }

    /// Whether this comrade may give keys: who offered, who welcomed, and any member.
    fn may_bring_in(&self, id: CollectiveId, comrade: ComradeId) -> bool {
        let person = self.comrades.get(&comrade).and_then(|it| it.record.who);
        let Some(space) = self.spaces.get(&id) else {
            return false;
        };
        let record = &space.record;
        let is_member = person.is_some_and(|who| space.society.is_member(&who.person));
        is_member || [record.offered_by, record.welcomed_by].contains(&Some(comrade))
    }

    /// Whether an offer of this comrade changes anything here. That of another stands until it is answered; and what was is not
    /// undone by somebody who was no member.
    fn may_offer(&self, id: CollectiveId, comrade: ComradeId) -> bool {
        let person = self.comrades.get(&comrade).and_then(|it| it.record.who);
        let Some(space) = self.spaces.get(&id) else {
            return false;
        };
        let is_member = || person.is_some_and(|who| space.society.is_member(&who.person));
        match space.record.place {
            Place::Member | Place::Candidate { .. } => false,
            Place::Invited { by } => by == comrade,
            Place::NotAdmitted(_) if space.society.get().is_none() => true,
            Place::Left(_) | Place::Removed(_) | Place::NotAdmitted(_) | Place::Dissolved(_) => {
                is_member()
            }
        }
    }

    // --- offers ----------------------------------------------------------------------------------

    /// Offers a comrade to propose them.
    pub(super) fn space_offer(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        comrade: ComradeId,
    ) -> Result<Answer, Refusal> {
        let known = self.comrades.get(&comrade).ok_or(Refusal::Unknown)?;
        let who = known.record.who.filter(|_| known.record.is_met());
        let who = who.ok_or(Refusal::NotConfirmed)?;
        let space = self.spaces.get_mut(&id).ok_or(Refusal::Unknown)?;
        let collective = space.society.get().ok_or(Refusal::NotEntitled)?;
        if !space.record.place.is_member() || collective.member(space.own.person).is_none() {
            return Err(Refusal::NotEntitled);
        }
        if collective.member(who.person).is_some() {
            return Err(Refusal::Over);
        }
        if space.record.offers.len() >= limits::MAX_OFFERS {
            return Err(Refusal::TooManyProposals);
        }
        let members = collective.members().len() as u64;
        let rules = collective.rules_operation().ok_or(Refusal::OutOfBounds)?;
        let rules = rules.as_bytes().to_vec();
        let (hash, name) = (*space.record.space, space.record.name.clone());
        let word = Word::Offer {
            name,
            rules,
            members,
        };
        if word.encode(&hash).len() > social::MAX_COLLECTIVE_BYTES {
            return Err(Refusal::OutOfBounds);
        }
        space.record.offers.retain(|offer| offer.comrade != comrade);
        space.record.offers.push(Offer {
            comrade,
            at: step.now,
            yes_at: None,
            proposal: None,
        });
        space.note_changed(step.now);
        step.touched.spaces.insert(id);
        step.show.collectives = true;
        self.speak_up(step, comrade);
        self.space_tell(step, comrade, &hash, &word);
        Ok(Answer::Done)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one word")]
    fn space_offered(
        &mut self,
        step: &mut Step,
        by: ComradeId,
        hash: &[u8; 32],
        name: String,
        rules: Vec<u8>,
        members: u64,
        found: Option<CollectiveId>,
    ) {
        let operation = Operation::decode(&rules).ok();
        let operation = operation.filter(|it| it.space().0 == *hash);
        if !operation.is_some_and(|it| social::collective::rules_of(it.body()).is_some()) {
            return;
        }
        let place = Place::Invited { by };
        if let Some(id) = found {
            let may_offer = self.may_offer(id, by);
            if let Some(space) = self.spaces.get_mut(&id).filter(|_| may_offer) {
                // Whoever comes back comes anew: what they said before was in another time.
                let record = SpaceRecord {
                    offered: Some((rules.into(), members)),
                    ..space.record.anew(place, step.now)
                };
                space.record = record;
                step.touched.spaces.insert(id);
            }
            return;
        }
        let invited = self.spaces.values().filter(|it| it.record.is_invited());
        if invited.count() >= limits::MAX_INVITED || self.spaces.len() >= limits::MAX_SPACES {
            return;
        }
        let id = CollectiveId(step.draw());
        let mut record = SpaceRecord::new(*hash, name, place, step.now);
        record.offered = Some((rules.into(), members));
        self.spaces
            .insert(id, Space::new(record, self.device.party()));
        step.touched.spaces.insert(id);
    }

    /// Says yes or no to an offer.
    pub(super) fn space_answer_offer(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        accept: bool,
    ) -> Result<Answer, Refusal> {
        let space = self.spaces.get_mut(&id).ok_or(Refusal::Unknown)?;
        let Place::Invited { by } = space.record.place else {
            return Err(Refusal::Over);
        };
        let hash = *space.record.space;
        if accept {
            space.record.offered_by = Some(by);
            space.record.place = Place::Candidate {
                by,
                since: step.now,
            };
            space.note_changed(step.now);
        }
        step.touched.spaces.insert(id);
        step.show.collectives = true;
        self.speak_up(step, by);
        self.space_tell(step, by, &hash, &Word::Answer(accept));
        if accept {
            return Ok(Answer::Done);
        }
        match self.spaces.get_mut(&id) {
            // Whoever was here before keeps what they read.
            Some(space) if space.record.place_before.is_some() => {
                let before = space.record.place_before.take();
                space.record.place = before.unwrap_or(Place::NotAdmitted(step.now));
                space.record.offered = None;
                space.note_changed(step.now);
            }
            _ => self.space_forget(step, id),
        }
        Ok(Answer::Done)
    }

    /// The comrade answered: noted, and proposed at the next drawn time.
    fn space_answered(&mut self, step: &mut Step, comrade: ComradeId, id: CollectiveId, yes: bool) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let offers = &mut space.record.offers;
        if yes {
            let offer = offers.iter_mut().find(|offer| offer.comrade == comrade);
            if let Some(offer) = offer {
                offer.yes_at.get_or_insert(step.now);
            }
        } else {
            offers.retain(|offer| offer.comrade != comrade);
        }
        space.note_changed(step.now);
        step.touched.spaces.insert(id);
    }

    // --- the newcomer's side ---------------------------------------------------------------------

    /// A part of a welcome. When all are here, the members are computed.
    fn space_welcome_part(
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
        if made_at > step.now.saturating_add(limits::DAY) || !space.takes_welcomes() {
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
        space.record.floors = floors.collect();
        step.touched.spaces.insert(id);
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
            if let Ok(operation) = Operation::decode(bytes) {
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
            } else {
                space.record.floors.clear();
            }
        }
        self.space_membership(step, id);
    }

    /// A candidate who sees themself admitted enters. Done at drawn times.
    pub(super) fn space_enter(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let Place::Candidate { by, .. } = space.record.place else {
            return;
        };
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

/// Operations, in order, as many together as one word holds.
pub(super) fn in_words(operations: Vec<Vec<u8>>, most: usize) -> Vec<Vec<Vec<u8>>> {
    let mut words: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut room = 0_usize;
    for bytes in operations {
        let fits = words.last().is_some_and(|word| word.len() < most) && bytes.len() <= room;
        if !fits {
            words.push(Vec::new());
            room = limits::WELCOME_PART_BYTES / 2;
        }
        room = room.saturating_sub(bytes.len());
        if let Some(word) = words.last_mut() {
            word.push(bytes);
        }
    }
    words
}

/// Where a part of a welcome stands.
fn part_of(slot: u64, number: u64) -> u64 {
    slot.saturating_mul(limits::MAX_WELCOME_PARTS)
        .saturating_add(number)
}

/// Whether it is about letting this person in.
pub(super) fn admits(subject: &Subject, whom: &PersonId) -> bool {
    matches!(subject, Subject::Admit { person, .. } if person == whom)
}

impl Space {
    /// The rules in force are not those that an offer told.
    fn sees_other_rules(&self) -> bool {
        let told = self.record.offered.as_ref();
        let told = told.and_then(|(bytes, _)| Operation::decode_stored(bytes).ok());
        let told = told.as_ref().and_then(|it| social::collective::rules_of(it.body()));
        told.is_some_and(|told| Some(told) != self.society.constitution())
    }

    /// A welcome that is here as a whole, and not taken in yet.
    pub(super) fn whole_welcome(&self) -> Option<Gathering> {
        let mut all = self.record.welcomes.iter();
        let is_whole = |it: &&Gathering| it.of > 0 && self.parts_of(it.slot).count() as u64 == it.of;
        all.find(is_whole).copied()
    }

    /// Somebody who is coming in, and whoever has no key by which they could ask for what they lack.
    fn takes_welcomes(&self) -> bool {
        match self.record.place {
            Place::Candidate { .. } => true,
            Place::Member => self.keys.newest().is_none(),
            _ => false,
        }
    }

    fn parts_of(&self, slot: u64) -> impl Iterator<Item = (&u64, &Vec<u8>)> {
        self.parts.range(part_of(slot, 0)..part_of(slot + 1, 0))
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
