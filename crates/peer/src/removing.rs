//! Comrades and conversations that are removed, record by record.
//!
//! What is shown and every key go at once, in one commit. The rest may be more than a batch takes: it
//! goes step by step, and on after a restart.

use komrade_store::Table;
use komrade_view::{Answer, ComradeId, Millis, Refusal};

use crate::{LinkId, keys, limits, links::Party, open::Open, pair::Pair, step::Step};

impl Open {
    /// Refuses whoever asks, or takes back having asked. They are not told.
    pub(crate) fn decline(&mut self, step: &mut Step, id: ComradeId) -> Result<Answer, Refusal> {
        let comrade = self.comrades.get(&id).ok_or(Refusal::Unknown)?;
        if comrade.record.is_met() {
            return Err(Refusal::OutOfBounds);
        }
        self.dismiss(step, id)
    }

    /// Removes a comrade at the person's wish, so that no old intro brings them back.
    pub(crate) fn dismiss(&mut self, step: &mut Step, id: ComradeId) -> Result<Answer, Refusal> {
        let comrade = self.comrades.get(&id).ok_or(Refusal::Unknown)?;
        let invitation = comrade
            .record
            .answered
            .and_then(|invite| Some((invite, self.invites.get_mut(&invite)?)));
        if let Some((invite, invitation)) = invitation {
            for contact in comrade.pair.contacts() {
                invitation.note_declined(contact.rank);
            }
            step.touched.invites.insert(invite);
        }
        self.remove_comrade(step, id);
        Ok(Answer::Done)
    }

    /// Removes a comrade with all that belongs to them.
    pub(crate) fn remove_comrade(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        comrade.record.forget_all(step.now);
        comrade.pair = Pair::default();
        step.touched.comrades.insert(id);
        step.touched.pairs.insert(id);
        step.show.comrades = true;
        step.show.route = true;
        self.moved.remove(&id);
        self.renamed.remove(&id);
        self.resupplying.remove(&id);
        self.deleting.remove(&id);
        let links = self.links.of(Party::Comrade(id));
        let links: Vec<LinkId> = links.map(|(link, _)| link).collect();
        for link in links {
            self.close(step, link);
        }
        self.removing.insert(id);
        self.circles_without(step, id);
        self.order_host(step);
        self.go_on_removing(step);
    }

    /// Deletes the messages of a conversation.
    pub(crate) fn delete_conversation(
        &mut self,
        step: &mut Step,
        id: ComradeId,
    ) -> Result<Answer, Refusal> {
        let comrade = self.comrades.get_mut(&id).ok_or(Refusal::Unknown)?;
        let record = &mut comrade.record;
        record.deleted_up_to = record.next_ordinal.saturating_sub(1);
        record.mark_read(u64::MAX);
        record.last = None;
        record.kept_bytes = 0;
        comrade.is_refused = false;
        step.touched.comrades.insert(id);
        step.show.comrades = true;
        self.deleting.insert(id);
        self.go_on_removing(step);
        Ok(Answer::Done)
    }

    /// What was being removed when the app was closed.
    pub(crate) fn resume_removing(&mut self) {
        for (id, comrade) in &self.comrades {
            if comrade.record.removed {
                self.removing.insert(*id);
            } else if comrade.record.gone_up_to < comrade.record.deleted_up_to {
                self.deleting.insert(*id);
            }
        }
    }

    /// Goes on with what is being removed, as far as there is room.
    pub(crate) fn go_on_removing(&mut self, step: &mut Step) {
        while let Some(id) = self.deleting.first().copied() {
            if !self.delete_some(step, id) {
                return;
            }
            self.deleting.remove(&id);
            self.full_at = None;
        }
        while let Some(id) = self.removing.first().copied() {
            if !self.remove_some(step, id) {
                return;
            }
            self.removing.remove(&id);
            self.full_at = None;
        }
    }

    /// Says whether all of it is gone.
    fn delete_some(&mut self, step: &mut Step, id: ComradeId) -> bool {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return true;
        };
        let record = &mut comrade.record;
        while record.gone_up_to < record.deleted_up_to {
            if !step.has_room() {
                return false;
            }
            record.gone_up_to = record.gone_up_to.saturating_add(1);
            step.delete(Table::Messages, keys::message(id, record.gone_up_to));
            step.delete(Table::Messages, keys::tick(id, record.gone_up_to));
            step.touched.comrades.insert(id);
        }
        true
    }

    /// Says whether all of it is gone.
    fn remove_some(&mut self, step: &mut Step, id: ComradeId) -> bool {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return true;
        };
        step.touched.comrades.insert(id);
        let record = &mut comrade.record;
        record.deleted_up_to = record.next_ordinal.saturating_sub(1);
        if !self.delete_some(step, id) {
            return false;
        }
        while let Some(comrade) = self.comrades.get_mut(&id)
            && let Some((number, _)) = comrade.outbox.pop_first()
        {
            step.touched.entries.insert((id, number));
            step.delete(Table::Outbox, keys::operation(id, number));
            step.delete(Table::Outbox, keys::envelope(id, number));
            if !step.has_room() {
                return false;
            }
        }
        while let Some(((_, envelope), _)) =
            self.waiting.range((id, [0; 32])..=(id, [0xff; 32])).next()
        {
            let envelope = *envelope;
            self.drop_waiting(step, id, &envelope);
            if !step.has_room() {
                return false;
            }
        }
        self.comrades.remove(&id);
        step.touched.pairs.insert(id);
        true
    }

    /// Whether nothing of others is taken because the store had no room lately.
    pub(crate) fn is_store_full(&self, now: Millis) -> bool {
        self.full_at
            .is_some_and(|at| now < at.saturating_add(limits::FULL_HOLD) && at <= now)
    }
}
