//! Links by which somebody asks to be proposed, see `candidacy`.
//!
//! A member makes an invite for a collective: beside their bundle it seals what an offer says. Whoever opens it sees that
//! before anything is sent, asks or does not. Asking is answering the invite, with one word more ([`Word::Ask`]). The member sees
//! who asks, what their code is and what they say, and proposes them or not; from then on it is a candidacy like any other. The link
//! admits nobody and is of no use to whoever has no more than it.
//!
//! Candidates are told how far it is ([`Word::Progress`]), in numbers alone: who vouched they learn when they come in.

use komrade_crypto::day_of;
use komrade_social::{OperationId, collective::Stage};
use komrade_view::{
    Answer, Candidacy, CollectiveId, ComradeId, ComradeState, MAX_REASON_CHARS, Millis, Needs,
    Refusal, RequestView,
};
use serde::{Deserialize, Serialize};

use super::{
    Place, Space,
    bringing_in::Offer,
    frame::{Progress, Word},
};
use crate::{invites::Wanted, limits, open::Open, step::Step};

/// Somebody asks to be proposed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    comrade: ComradeId,
    at: Millis,
    words: String,
}

impl Open {
    // --- whoever makes a link --------------------------------------------------------------------

    /// Makes an invite for a collective.
    pub(super) fn space_link(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        with_relay: bool,
        days: u8,
    ) -> Result<Answer, Refusal> {
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        let offer = space.offer().ok_or(Refusal::NotEntitled)?;
        let hash = *space.record.space;
        let wanted = Wanted {
            with_relay,
            days,
            offer: Some((hash, offer.encode(&hash))),
        };
        self.make_invite(step, &wanted)
    }

    /// The links of a collective end with belonging to it.
    pub(super) fn space_end_links(&mut self, step: &mut Step, id: CollectiveId) {
        let space = self.spaces.get(&id).filter(|it| it.offer().is_none());
        if let Some(hash) = space.map(|it| *it.record.space) {
            self.end_invites_for(step, &hash);
        }
    }

    /// Somebody asks. Whoever has not been met must have answered a link to this collective, or an invite of one's own.
    pub(super) fn space_asked(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        hash: &[u8; 32],
        words: String,
    ) {
        let Some(record) = self.comrades.get(&comrade).map(|it| &it.record) else {
            return;
        };
        let answered = record.answered.and_then(|it| self.invites.get(&it));
        let is_invited = answered.is_some_and(|it| it.is_for(hash) || !it.is_for_many());
        let (Some(who), Some(id)) = (record.who, self.find_by_hash(hash)) else {
            return;
        };
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if !(record.is_met() || is_invited) || space.society.is_member(&who.person) {
            return;
        }
        step.touched.spaces.insert(id);
        step.show.collectives = true;
        space.record.withdrawn.retain(|it| *it != who.person);
        let mut offers = space.record.offers.iter_mut();
        // Both asked: that is a yes.
        if let Some(offer) = offers.find(|it| it.comrade == comrade) {
            offer.yes_at.get_or_insert(step.now);
            return;
        }
        let requests = &mut space.record.requests;
        requests.retain(|it| it.comrade != comrade);
        if requests.len() < limits::MAX_OFFERS {
            requests.push(Request {
                comrade,
                at: step.now,
                words,
            });
        }
        space.note_changed(step.now);
    }

    /// Proposes somebody who asked, or does not.
    pub(super) fn space_answer_request(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        comrade: ComradeId,
        accept: bool,
        reason: String,
    ) -> Result<Answer, Refusal> {
        if reason.chars().count() > MAX_REASON_CHARS {
            return Err(Refusal::OutOfBounds);
        }
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        let mut requests = space.record.requests.iter();
        if !requests.any(|it| it.comrade == comrade) {
            return Err(Refusal::Unknown);
        }
        let record = self.comrades.get(&comrade).map(|it| &it.record);
        let record = record.filter(|it| !it.removed).ok_or(Refusal::Unknown)?;
        let is_asking = record.is_asking();
        if accept {
            if space.offer().is_none() {
                return Err(Refusal::NotEntitled);
            }
            if space.record.offers.len() >= limits::MAX_OFFERS {
                return Err(Refusal::TooManyProposals);
            }
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            return Err(Refusal::Unknown);
        };
        let hash = *space.record.space;
        space.record.requests.retain(|it| it.comrade != comrade);
        if accept {
            space.record.offers.push(Offer {
                comrade,
                at: step.now,
                yes_at: Some(step.now),
                proposal: None,
                reason,
                told: None,
            });
        }
        space.note_changed(step.now);
        step.touched.spaces.insert(id);
        step.show.collectives = true;
        match (accept, is_asking) {
            (false, true) => return self.decline(step, comrade),
            (false, false) => {
                self.speak_up(step, comrade);
                self.space_tell(step, comrade, &hash, &Word::NotAdmitted);
            }
            (true, _) => {
                if is_asking {
                    self.confirm(step, comrade)?;
                }
                self.speak_up(step, comrade);
                self.space_keys_for_word(step, id);
                self.space_follow_word(step, id);
            }
        }
        Ok(Answer::Done)
    }

    /// Requests of whoever is gone are forgotten; nobody is proposed by somebody who does not belong to it any more.
    pub(super) fn space_end_requests(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let (hash, can_propose) = (*space.record.space, space.offer().is_some());
        let (comrades, society) = (&self.comrades, &space.society);
        let old = step.now.saturating_sub(limits::OFFER_DAYS);
        let (mut told, mut strangers) = (Vec::new(), Vec::new());
        let before = space.record.requests.len();
        space.record.requests.retain(|request| {
            let record = comrades.get(&request.comrade).map(|it| &it.record);
            let Some(record) = record.filter(|it| !it.removed) else {
                return false;
            };
            let is_member = record.who.is_some_and(|it| society.is_member(&it.person));
            let is_over = request.at <= old || (record.is_met() && !can_propose);
            if is_over && record.is_met() {
                told.push(request.comrade);
            } else if is_over && record.is_asking() && record.asks_since.is_some() {
                strangers.push(request.comrade);
            }
            !is_member && !is_over
        });
        if space.record.requests.len() != before {
            space.note_changed(step.now);
            step.touched.spaces.insert(id);
            step.show.collectives = true;
        }
        for comrade in told {
            self.space_tell(step, comrade, &hash, &Word::NotAdmitted);
        }
        // Whoever was not met is told nothing.
        for comrade in strangers {
            if !self.space_has_request(comrade) {
                let _ = self.decline(step, comrade);
            }
        }
    }

    /// Whether somebody asks this person to be proposed to any collective.
    pub(crate) fn space_has_request(&self, comrade: ComradeId) -> bool {
        let all = self.spaces.values();
        let mut all = all.flat_map(|it| &it.record.requests);
        all.any(|it| it.comrade == comrade)
    }

    /// Tells candidates how far it is, if that changed.
    pub(super) fn space_tell_progress(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let hash = *space.record.space;
        let news = space.record.offers.iter().filter_map(|offer| {
            let proposal = OperationId(*offer.proposal?);
            let standing = space.society.standing(proposal, step.now)?;
            let is_open = standing.stage.is_open() || standing.stage == Stage::Ready;
            let progress = Progress::of(&space.needs(&standing));
            (is_open && offer.told != Some(progress)).then_some((offer.comrade, progress))
        });
        let news: Vec<(ComradeId, Progress)> = news.collect();
        for (comrade, progress) in news {
            let space = self.spaces.get_mut(&id);
            for offer in space.into_iter().flat_map(|it| &mut it.record.offers) {
                if offer.comrade == comrade {
                    offer.told = Some(progress);
                }
            }
            step.touched.spaces.insert(id);
            self.space_tell(step, comrade, &hash, &Word::Progress(progress));
        }
    }

    /// A candidate takes it back.
    pub(super) fn space_withdrawn(&mut self, step: &mut Step, comrade: ComradeId, hash: &[u8; 32]) {
        let who = self.comrades.get(&comrade).and_then(|it| it.record.who);
        let (Some(who), Some(id)) = (who, self.find_by_hash(hash)) else {
            return;
        };
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let record = &mut space.record;
        let before = record.requests.len() + record.offers.len();
        record.requests.retain(|it| it.comrade != comrade);
        record.offers.retain(|it| it.comrade != comrade);
        let is_welcomed = record.escorts.iter().any(|it| it.person == who.person);
        if record.requests.len() + record.offers.len() == before && !is_welcomed {
            return;
        }
        // What was proposed stays so: they are not welcomed, nor what was begun of that carried on.
        space.welcoming = space.welcoming.take().filter(|it| it.person != who.person);
        let record = &mut space.record;
        record.withdrawn.retain(|it| *it != who.person);
        if record.withdrawn.len() >= limits::MAX_OFFERS {
            record.withdrawn.remove(0);
        }
        record.withdrawn.push(who.person);
        space.note_changed(step.now);
        step.touched.spaces.insert(id);
        step.show.collectives = true;
    }

    // --- whoever opens one -----------------------------------------------------------------------

    /// A link was opened, and this is what it offers. Says whether it is there to be answered.
    pub(crate) fn space_linked(&mut self, step: &mut Step, by: ComradeId, offer: &[u8]) -> bool {
        if !super::ON {
            return false;
        }
        let Ok(Some((hash, word))) = Word::decode(offer) else {
            return false;
        };
        let Word::Offer {
            name,
            rules,
            members,
        } = word
        else {
            return false;
        };
        step.show.collectives = true;
        let (place, found) = (Place::Linked { by }, self.find_by_hash(&hash));
        self.space_offered(step, place, &hash, name, rules, members, found)
    }

    /// Asks to be proposed.
    pub(super) fn space_apply(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        words: String,
    ) -> Result<Answer, Refusal> {
        if words.chars().count() > MAX_REASON_CHARS {
            return Err(Refusal::OutOfBounds);
        }
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        let Place::Linked { by } = space.record.place else {
            return Err(Refusal::Over);
        };
        let name_number = self.own.name_number;
        let comrade = self.comrades.get_mut(&by);
        let comrade = comrade.filter(|it| !it.record.removed);
        let comrade = comrade.ok_or(Refusal::Unknown)?;
        // A warning is for the person to judge, and whose link it is says nothing of who they are.
        if comrade.record.state == ComradeState::AskingAgain {
            return Err(Refusal::NotConfirmed);
        }
        let is_asking = comrade.record.is_asking();
        if comrade.record.is_looked_at() {
            let invite = comrade.record.accepted().ok_or(Refusal::Unknown)?;
            if day_of(step.now) > u32::from(invite.last_day) {
                return Err(Refusal::InviteExpired);
            }
            comrade.record.state = ComradeState::Asked;
            comrade.record.active_at = step.now;
            comrade.record.name_told = name_number;
            step.touched.comrades.insert(by);
            step.show.comrades = true;
            self.say_name(step, by);
        } else if is_asking {
            self.confirm(step, by)?;
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            return Err(Refusal::Unknown);
        };
        let since = step.now;
        space.record.place = Place::Asked { by, since };
        space.record.offered_by = Some(by);
        space.note_changed(step.now);
        let hash = *space.record.space;
        step.touched.spaces.insert(id);
        step.show.collectives = true;
        self.speak_up(step, by);
        self.space_tell(step, by, &hash, &Word::Ask(words));
        self.note_met(step, by);
        self.tell_homes(step);
        self.pump(step, by);
        Ok(Answer::Done)
    }

    /// Does not ask: whoever made the link never hears of it.
    pub(super) fn space_not_asked(&mut self, step: &mut Step, id: CollectiveId, by: ComradeId) {
        let comrade = self.comrades.get(&by);
        if comrade.is_some_and(|it| it.record.is_looked_at()) {
            self.remove_comrade(step, by);
        }
        self.space_stay_out(step, id);
    }

    /// Takes back having asked, or a candidacy.
    pub(super) fn space_withdraw(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
    ) -> Result<Answer, Refusal> {
        let space = self.spaces.get(&id);
        let space = space.filter(|it| !it.record.is_forgotten);
        let space = space.ok_or(Refusal::Unknown)?;
        let by = space.record.place.coming_by().ok_or(Refusal::Over)?;
        let hash = *space.record.space;
        let welcomed_by = space.record.welcomed_by.filter(|it| *it != by);
        for comrade in [Some(by), welcomed_by].into_iter().flatten() {
            self.speak_up(step, comrade);
            self.space_tell(step, comrade, &hash, &Word::Withdraw);
        }
        self.space_stay_out(step, id);
        Ok(Answer::Done)
    }

    /// Whoever made the link tells how far it is: from then on the members decide.
    pub(super) fn space_progress(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        id: CollectiveId,
        progress: Progress,
    ) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if space.record.place.coming_by() != Some(comrade) {
            return;
        }
        if let Place::Asked { by, .. } = space.record.place {
            let since = step.now;
            space.record.place = Place::Candidate { by, since };
        }
        space.record.progress = Some((progress, step.now));
        space.note_changed(step.now);
        step.touched.spaces.insert(id);
    }

    /// Who asks, first ones first.
    pub(super) fn request_views(&self, space: &Space) -> Vec<RequestView> {
        let requests = space.record.requests.iter();
        let known = requests.filter(|request| {
            let comrade = self.comrades.get(&request.comrade);
            comrade.is_some_and(|it| !it.record.removed)
        });
        known.map(Request::view).collect()
    }
}

impl Request {
    fn view(&self) -> RequestView {
        RequestView {
            comrade: self.comrade,
            words: self.words.clone(),
            at: self.at,
        }
    }
}

impl Progress {
    fn of(needs: &Needs) -> Self {
        Self {
            vouches: needs.vouches,
            ballots: needs.yes,
            until: needs.until.unwrap_or(0),
        }
    }
}

impl Space {
    /// What this person may say of it to whoever they would propose; `None`: they propose nobody.
    pub(super) fn offer(&self) -> Option<Word> {
        let collective = self.society.get().filter(|_| self.is_in())?;
        let own = collective.member(self.own.person)?;
        if own.resting || collective.is_dissolved() {
            return None;
        }
        Some(Word::Offer {
            name: self.record.name.clone(),
            rules: collective.rules_operation()?.as_bytes().to_vec(),
            members: collective.count() as u64,
        })
    }

    /// How far one's own candidacy is, as far as that was told.
    pub(super) fn candidacy(&self) -> Option<Candidacy> {
        let (progress, told_at) = self.record.progress?;
        self.record.place.coming_by()?;
        Some(Candidacy {
            vouches: progress.vouches,
            yes: progress.ballots,
            until: progress.until,
            told_at,
        })
    }
}
