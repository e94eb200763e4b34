//! Who made the invite: intros, and what the person answers.

use komrade_crypto::bundle::Bundle;
use komrade_crypto::day_of;
use komrade_crypto::first_contact;
use komrade_crypto::first_contact::ContactSecret;
use komrade_crypto::pairwise::Message as OlmMessage;
use komrade_ether::{Envelope, Outcome, unpad};
use komrade_social::Body;
use komrade_view::{Answer, ComradeId, ComradeState, InviteId, Millis, Refusal};

use super::{introduce, take_homes};
use crate::comrade::{Comrade, ComradeRecord, Who};
use crate::inbox::Source;
use crate::invites::Invitation;
use crate::links::Party;
use crate::open::Open;
use crate::packet::{IntroBody, Packet};
use crate::pair::{NotOpened, Rank};
use crate::step::Step;
use crate::{LinkId, limits};

impl Open {
    /// An intro arrived.
    pub(crate) fn intro(
        &mut self,
        step: &mut Step,
        link: LinkId,
        source: Source,
        envelope: &Envelope,
    ) -> Outcome {
        let Some((invite, key_week)) = self.find_invite(envelope) else {
            return Outcome::NotForMe;
        };
        if !self.may_open_intro(step) {
            return Outcome::Busy;
        }
        let Some((body, bundle)) = self.open_intro(invite, key_week, envelope) else {
            return Outcome::Malformed;
        };
        let who = Who {
            person: bundle.person(),
            device: *bundle.device(),
        };
        let rank = body.contact.rank();
        if who.person == self.device.person() || !bundle.is_valid_on(day_of(step.now)) {
            return Outcome::NotForMe;
        }
        if self
            .invites
            .get(&invite)
            .is_some_and(|invitation| invitation.has_declined(&rank))
        {
            // They are not told.
            return Outcome::Accepted;
        }
        let Ok(message) = OlmMessage::decode(&body.message) else {
            return Outcome::Malformed;
        };
        let known = self.find_comrade(&who);
        let has_contact = known
            .and_then(|id| self.comrades.get(&id))
            .is_some_and(|comrade| comrade.pair.contact(&rank).is_some());
        let id = match known {
            Some(id) if has_contact => id,
            known => match self.admit(step, invite, known, who, &bundle, &body.contact, &message) {
                Ok(id) => id,
                Err(outcome) => return outcome,
            },
        };
        if let Some(link) = self
            .links
            .get_mut(link)
            .filter(|link| link.party == Party::Invite(invite))
        {
            link.party = Party::Comrade(id);
        }
        let envelope_id = envelope.id();
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return Outcome::NotForMe;
        };
        if comrade.pair.has_seen(&envelope_id) {
            return Outcome::AlreadyHave;
        }
        if source.is_node() {
            self.keep_quiet(step, id);
        }
        let before = self.prospect(id);
        match self.open_message(id, rank, &message) {
            Ok(arrived) => {
                let outcome = self.take_packet(step, id, None, arrived);
                self.retry_if_changed(step, id, before);
                if outcome.is_held()
                    && let Some(comrade) = self.comrades.get_mut(&id)
                {
                    comrade.pair.note_seen(&envelope_id);
                    // Until they tell of a move in so many words.
                    if comrade.pair.homes_sequence == 0 {
                        take_homes(&mut comrade.record, &bundle);
                    }
                }
                outcome
            }
            Err(NotOpened::Spent | NotOpened::Later) => Outcome::Malformed,
        }
    }

    /// Which invite an intro answers, and the week of its prekey.
    pub(crate) fn find_invite(&self, envelope: &Envelope) -> Option<(InviteId, u32)> {
        let header = envelope.header();
        let hint = header.intro_hint()?;
        let mut candidates = self
            .invites
            .iter()
            .filter(|(_, invite)| invite.week() == hint.week);
        let found =
            candidates.find(|(_, invite)| invite.intro.is_marked(&header.nonce, &hint.random));
        found.map(|(id, _)| (*id, hint.week))
    }

    /// Each one costs a decapsulation.
    pub(super) fn may_open_intro(&mut self, step: &Step) -> bool {
        let minute = step.now / limits::MINUTE;
        if self.intros.0 != minute {
            self.intros = (minute, 0);
        }
        self.intros.1 = self.intros.1.saturating_add(1);
        self.intros.1 <= limits::INTROS_PER_MINUTE
    }

    /// No more are opened in this minute. One may also be refused for what it says: that holds up nothing.
    pub(crate) fn has_opened_all_intros(&self, now: Millis) -> bool {
        self.intros.0 == now / limits::MINUTE && self.intros.1 > limits::INTROS_PER_MINUTE
    }

    pub(super) fn open_intro(
        &self,
        invite: InviteId,
        week: u32,
        envelope: &Envelope,
    ) -> Option<(IntroBody, Bundle)> {
        let secret = self.device.prekeys().secret(week)?;
        let key = &self.invites.get(&invite)?.intro;
        let header = envelope.header().encode();
        let opened = first_contact::open(secret, Some(key), &header, envelope.ciphertext()).ok()?;
        let body = IntroBody::decode(unpad(&opened).ok()?).ok()?;
        let bundle = Bundle::decode(&body.bundle).ok()?;
        Some((body, bundle))
    }

    /// Somebody answers an invite for the first time, or begins anew. Everything is checked before
    /// anything is kept: who wrote the intro must be who holds the session.
    #[expect(clippy::too_many_arguments, reason = "all that an intro says")]
    pub(super) fn admit(
        &mut self,
        step: &mut Step,
        invite: InviteId,
        known: Option<ComradeId>,
        who: Who,
        bundle: &Bundle,
        contact: &ContactSecret,
        message: &OlmMessage,
    ) -> Result<ComradeId, Outcome> {
        let own = self.device.party();
        let received = self
            .device
            .receive(&bundle.content().olm_identity, message)
            .map_err(|_| Outcome::Malformed)?;
        let packet = Packet::decode(&received.plaintext).map_err(|_| Outcome::Malformed)?;
        if packet.binding != Some(contact.binding(&who.party(), &own)) {
            return Err(Outcome::Malformed);
        }
        let is_older = |comrade: &Comrade| {
            let made_at = packet.report.as_ref().map(|report| report.made_at);
            made_at.is_some_and(|at| comrade.pair.came_later(at))
        };
        let pair = known.and_then(|id| self.comrades.get(&id));
        if pair.is_some_and(is_older) {
            // It lay somewhere while they asked anew.
            return Err(Outcome::Accepted);
        }
        let id = match known {
            Some(id) => id,
            None => self.new_asking(step, invite, who, bundle)?,
        };
        let comrade = self.comrades.get_mut(&id).ok_or(Outcome::NotForMe)?;
        let replaced = comrade.pair.begin_again(&own, &who.party(), step.now);
        if comrade.pair.contacts().len() >= limits::MAX_CONTACTS {
            return Err(Outcome::NotForMe);
        }
        let is_stranger = known.is_none() || comrade.record.is_looked_at();
        let invitation = self.invites.get(&invite);
        if invitation.is_some_and(Invitation::is_for_many) {
            if is_stranger {
                comrade.record.asks_since = Some(step.now);
            }
        } else {
            // Meant for them alone: that waits for the person.
            comrade.record.asks_since = None;
        }
        let before = comrade.record.answered.replace(invite);
        comrade
            .pair
            .add_contact(contact, &own, &who.party(), false, step.now);
        comrade.pair.homes_told = self.own.bundle_tag();
        if comrade.pair.bundle_number == 0 {
            comrade.pair.bundle = Some(bundle.as_bytes().to_vec());
        }
        if comrade.record.is_looked_at() {
            // They asked before the person decided whether to.
            comrade.record.state = ComradeState::Asking;
        } else if comrade.record.state == ComradeState::Asked {
            // Both asked: that is as good as two confirmations.
            comrade.record.state = ComradeState::Met;
            comrade.pair.report_due = true;
            self.note_met(step, id);
        }
        step.touched.comrades.insert(id);
        step.touched.pairs.insert(id);
        step.show.comrades = true;
        if let Some(rank) = replaced {
            self.note_replaced(step, id, before, rank);
        }
        Ok(id)
    }

    /// Whoever asked took that back and asked anew: the first contact of before is not to come back
    /// in an old intro, and nothing that was sealed for it is of use.
    fn note_replaced(&mut self, step: &mut Step, id: ComradeId, by: Option<InviteId>, rank: Rank) {
        if let Some((by, invitation)) = by.and_then(|by| Some((by, self.invites.get_mut(&by)?))) {
            invitation.note_declined(rank);
            step.touched.invites.insert(by);
        }
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        for (number, entry) in &mut comrade.outbox {
            if entry.is_waiting() && entry.sealed.take().is_some() {
                step.touched.entries.insert((id, *number));
            }
        }
        (comrade.hold_until, comrade.put_refused) = (0, None);
        comrade.dialer.reset();
        if comrade.record.is_met() {
            comrade.pair.report_due = true;
            self.write_operation(step, id, Body::Confirmed, None);
        }
    }

    pub(super) fn new_asking(
        &mut self,
        step: &mut Step,
        invite: InviteId,
        who: Who,
        bundle: &Bundle,
    ) -> Result<ComradeId, Outcome> {
        let asking = self
            .comrades
            .values()
            .filter(|comrade| comrade.record.is_asking());
        let same = |comrade: &&Comrade| comrade.record.answered == Some(invite);
        let (all, here) = (asking.clone().count(), asking.filter(same).count());
        let full = all >= limits::MAX_ASKING || here >= limits::MAX_ASKING_PER_INVITE;
        if full || !self.has_room() {
            return Err(Outcome::Full);
        }
        let is_known = |comrade: &Comrade| {
            comrade
                .record
                .who
                .is_some_and(|known| known.person == who.person)
        };
        // The same person on another device: it may be a copy, so it is shown as a warning.
        let again = self.comrades.values().any(is_known);
        let invitation = self.invites.get_mut(&invite).ok_or(Outcome::NotForMe)?;
        // One for a collective is given to many: a second answer says nothing.
        let first = invitation.note_answered() || invitation.is_for_many();
        step.touched.invites.insert(invite);
        step.show.invites = true;
        let state = if first && !again {
            ComradeState::Asking
        } else {
            ComradeState::AskingAgain
        };
        let mut record = ComradeRecord::new(state, step.now);
        record.who = Some(who);
        record.answered = Some(invite);
        introduce(&mut record, bundle);
        let id = ComradeId(step.draw());
        self.comrades.insert(id, Comrade::new(record));
        Ok(id)
    }

    /// Whoever answered an invite that is given to many, and to whom nobody has said anything, makes room for others.
    pub(crate) fn expire_asking(&mut self, step: &mut Step) {
        let old = step.now.saturating_sub(limits::OFFER_DAYS);
        let is_over = |comrade: &Comrade| {
            let record = &comrade.record;
            let is_old = record.asks_since.is_some_and(|since| since <= old);
            is_old && record.is_asking() && !record.removed
        };
        // Of those who ask it is the collective's to say when their time is over.
        let over = self.comrades.iter();
        let over = over.filter(|(id, it)| is_over(it) && !self.space_has_request(**id));
        let over: Vec<ComradeId> = over.map(|(id, _)| *id).collect();
        for id in over {
            if !step.has_room() {
                step.again = true;
                return;
            }
            let _ = self.decline(step, id);
        }
    }

    pub(crate) fn confirm(&mut self, step: &mut Step, id: ComradeId) -> Result<Answer, Refusal> {
        let comrade = self.comrades.get_mut(&id).ok_or(Refusal::Unknown)?;
        if comrade.record.is_met() {
            return Ok(Answer::Done);
        }
        if !comrade.record.is_asking() {
            return Err(Refusal::NotConfirmed);
        }
        comrade.record.state = ComradeState::Met;
        comrade.record.active_at = step.now;
        comrade.record.name_told = self.own.name_number;
        comrade.pair.report_due = true;
        comrade.dialer.reset();
        step.touched.comrades.insert(id);
        step.touched.pairs.insert(id);
        step.show.comrades = true;
        self.speak_up(step, id);
        let name = self.own.name.clone();
        self.write_operation(step, id, Body::Confirmed, None);
        self.write_operation(step, id, Body::Profile { name }, None);
        self.note_met(step, id);
        // Now, before anything that arrives keeps it back: a relay may burn a moment later.
        self.tell_homes(step);
        self.pump(step, id);
        Ok(Answer::Done)
    }

    /// Somebody was met or asked: if the homes in use are others than they know, they are to be told, at
    /// once, for the lifeboat is among them.
    pub(crate) fn note_met(&mut self, step: &mut Step, id: ComradeId) {
        if self
            .comrades
            .get(&id)
            .is_some_and(|it| it.pair.homes_told != self.own.homes_tag(it.record.live))
        {
            self.moved.insert(id);
            step.again = true;
        }
    }
}
