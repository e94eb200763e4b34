//! How somebody comes in.
//!
//! 1. A member offers a comrade to propose them; the comrade says yes or no. Or somebody opens a member's link and asks, and
//!    the member says yes or no (`requests`). (Two words of their conversation; nobody else hears of it.)
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

use komrade_crypto::identity::PersonId;
use komrade_social::{
    self as social,
    collective::{Body, Operation, Subject},
};
use komrade_view::{Answer, CollectiveId, ComradeId, Refusal};

use super::{Offer, Place, Space, SpaceRecord, frame::Word};
use crate::{limits, open::Open, step::Step};

impl Open {
    // --- words -----------------------------------------------------------------------------------

    /// Says something to one comrade. Says whether it fits: what is too long for a word is not said; all but an offer is cut into words that
    /// fit.
    pub(super) fn space_tell(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        space: &[u8; 32],
        word: &Word,
    ) -> bool {
        let content = word.encode(space);
        let fits = content.len() <= social::MAX_COLLECTIVE_BYTES;
        if fits {
            self.write_operation(step, comrade, social::Body::Collective { content }, None);
        }
        fits
    }

    pub(crate) fn find_by_hash(&self, hash: &[u8; 32]) -> Option<CollectiveId> {
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
        // Said before one has been met, too.
        match word {
            Word::Ask(words) => return self.space_asked(step, comrade, &hash, words),
            Word::Withdraw => return self.space_withdrawn(step, comrade, &hash),
            _ => {}
        }
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
            ) => {
                let place = Place::Invited { by: comrade };
                self.space_offered(step, place, &hash, name, rules, members, found);
            }
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
                    self.space_given(step, id, &load);
                }
            }
            (Word::NotAdmitted, Some(id)) => {
                if let Some(space) = self.spaces.get_mut(&id)
                    && (space.record.place.coming_by() == Some(comrade)
                        || space.came_in_vain(comrade))
                {
                    space.record.place = Place::NotAdmitted(step.now);
                    space.note_changed(step.now);
                    step.touched.spaces.insert(id);
                }
            }
            (Word::Progress(progress), Some(id)) => {
                self.space_progress(step, comrade, id, progress)
            }
            (Word::Ask(_) | Word::Withdraw, _) | (_, None) => {}
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
            Place::Member | Place::Candidate { .. } | Place::Asked { .. } => false,
            Place::Invited { by } | Place::Linked { by } => by == comrade,
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
        let word = space.offer().ok_or(Refusal::NotEntitled)?;
        if space.society.is_member(&who.person) {
            return Err(Refusal::Over);
        }
        // They could not be told who belongs; an alarm says so, too.
        if space.is_too_long() {
            return Err(Refusal::OutOfBounds);
        }
        if space.record.offers.len() >= limits::MAX_OFFERS {
            return Err(Refusal::TooManyProposals);
        }
        let hash = *space.record.space;
        if word.encode(&hash).len() > social::MAX_COLLECTIVE_BYTES {
            return Err(Refusal::OutOfBounds);
        }
        space.record.offers.retain(|offer| offer.comrade != comrade);
        space.record.offers.push(Offer {
            comrade,
            at: step.now,
            yes_at: None,
            proposal: None,
            reason: String::new(),
            told: None,
        });
        space.record.withdrawn.retain(|it| *it != who.person);
        space.note_changed(step.now);
        step.touched.spaces.insert(id);
        step.show.collectives = true;
        self.speak_up(step, comrade);
        self.space_tell(step, comrade, &hash, &word);
        Ok(Answer::Done)
    }

    /// An offer came, in a conversation or by a link. Says whether it is there to be answered.
    #[allow(clippy::too_many_arguments, reason = "the parts of one word")]
    pub(super) fn space_offered(
        &mut self,
        step: &mut Step,
        place: Place,
        hash: &[u8; 32],
        name: String,
        rules: Vec<u8>,
        members: u64,
        found: Option<CollectiveId>,
    ) -> bool {
        let operation = Operation::decode(&rules).ok();
        let operation = operation.filter(|it| it.space().0 == *hash && !names_others(it));
        if operation.is_none_or(|it| social::collective::rules_of(it.body()).is_none()) {
            return false;
        }
        let (Place::Invited { by } | Place::Linked { by }) = place else {
            return false;
        };
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
            return may_offer;
        }
        if !self.has_room_for_offer() {
            return false;
        }
        let id = CollectiveId(step.draw());
        let mut record = SpaceRecord::new(*hash, name, place, step.now);
        record.offered = Some((rules.into(), members));
        self.spaces
            .insert(id, Space::new(record, self.device.party()));
        step.touched.spaces.insert(id);
        true
    }

    /// Whether one more collective may be offered.
    pub(crate) fn has_room_for_offer(&self) -> bool {
        let invited = self.spaces.values().filter(|it| it.record.is_invited());
        invited.count() < limits::MAX_INVITED && self.spaces.len() < limits::MAX_SPACES
    }

    /// Says yes or no to an offer.
    pub(super) fn space_answer_offer(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        accept: bool,
    ) -> Result<Answer, Refusal> {
        let space = self.spaces.get_mut(&id).ok_or(Refusal::Unknown)?;
        let by = match space.record.place {
            Place::Invited { by } => by,
            // Nobody has heard of it.
            Place::Linked { by } if !accept => {
                self.space_not_asked(step, id, by);
                return Ok(Answer::Done);
            }
            _ => return Err(Refusal::Over),
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
        if !accept {
            self.space_stay_out(step, id);
        }
        Ok(Answer::Done)
    }

    /// Of one's own will one does not come in.
    pub(super) fn space_stay_out(&mut self, step: &mut Step, id: CollectiveId) {
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
        step.touched.spaces.insert(id);
        step.show.collectives = true;
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

/// Whether it founds a collective with others than its author: nobody is a member who did not say so themself, and what a founder's
/// device is called everybody knows whom they meet.
pub(super) fn names_others(operation: &Operation) -> bool {
    let fields = operation.fields();
    match &fields.body {
        Body::Genesis { founders, .. } => founders.iter().any(|it| it.person() != fields.person),
        _ => false,
    }
}

/// Whether it is about letting this person in.
pub(super) fn admits(subject: &Subject, whom: &PersonId) -> bool {
    matches!(subject, Subject::Admit { person, .. } if person == whom)
}
