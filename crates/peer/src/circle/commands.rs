//! What the person asks for about circles.

use komrade_social::{
    Body as Said, OperationId,
    circle::{Body, Comment},
};
use komrade_view::{
    Answer, CircleCommand, CircleId, ComradeId, MAX_CIRCLE_POST_BYTES, MAX_COMMENT_BYTES, PostId,
    Refusal,
};

use super::{Circle, CircleRecord, everybody, frame::Word, local};
use crate::{limits, open::Open, step::Step};

fn check(text: &str, most: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        Err(Refusal::EmptyMessage)
    } else if text.len() > most {
        Err(Refusal::PostTooLong)
    } else {
        Ok(())
    }
}

impl Open {
    /// The circle of all comrades, whether it was written to or not.
    pub(super) fn everybody(&self) -> CircleId {
        let person = self.device.person();
        let nonce = everybody(self.device.certificate().device());
        local(&komrade_social::circle::CircleId::of(&person, &nonce))
    }

    pub(crate) fn circle_command(
        &mut self,
        step: &mut Step,
        command: CircleCommand,
    ) -> Result<Answer, Refusal> {
        match command {
            CircleCommand::Make { name, comrades } => {
                return self.circle_make(step, name, &comrades);
            }
            CircleCommand::Read { circle, limit } => return self.circle_detail(circle, limit),
            CircleCommand::Rename { circle, name } => {
                if !komrade_crypto::bundle::is_name(&name) {
                    return Err(Refusal::BadName);
                }
                let own = self.own_circle(step, circle)?;
                if own.record.is_for_everybody {
                    return Err(Refusal::NotEntitled);
                }
                own.record.name = name;
                own.record.version = own.record.version.saturating_add(1);
            }
            CircleCommand::Add {
                circle,
                comrade,
                older,
            } => self.circle_add(step, circle, comrade, older)?,
            CircleCommand::Remove { circle, comrade } => {
                let own = self.own_circle(step, circle)?;
                if own.record.is_for_everybody {
                    return Err(Refusal::NotEntitled);
                }
                if !own.stop_telling(comrade) {
                    return Err(Refusal::Unknown);
                }
            }
            CircleCommand::End(circle) => {
                let own = self.own_circle(step, circle)?;
                if own.record.is_for_everybody {
                    return Err(Refusal::NotEntitled);
                }
                own.record.is_forgotten = true;
                own.is_loud = true;
                self.circle_tell(step, circle);
                step.again = true;
            }
            CircleCommand::Post { circle, text } => {
                check(&text, MAX_CIRCLE_POST_BYTES)?;
                self.circle_speak(step, circle, Body::Post { text })?;
            }
            CircleCommand::Comment { circle, on, text } => {
                check(&text, MAX_COMMENT_BYTES)?;
                self.circle_comment(step, circle, OperationId(on.0), &text)?;
            }
            CircleCommand::TakeBack { circle, of } => self.circle_take_back(step, circle, of)?,
            CircleCommand::MarkRead(circle) => {
                // One that nobody has written to is not kept.
                if let Some(it) = self.circles.all.get_mut(&circle) {
                    let newest = it.state.operations().next_back();
                    it.record.seen = newest.map_or(0, |it| it.fields().sequence);
                    step.touched.circles.insert(circle);
                }
            }
            CircleCommand::Leave(circle) => self.circle_leave(step, circle)?,
        }
        step.show.circles = true;
        Ok(Answer::Done)
    }

    /// A circle of one's own; that of all comrades is made when it is first used.
    fn own_circle(&mut self, step: &mut Step, id: CircleId) -> Result<&mut Circle, Refusal> {
        if id == self.everybody() && !self.circles.all.contains_key(&id) {
            let device = *self.device.certificate().device();
            self.circle_place(CircleRecord::everybody(&device, step.now));
        }
        let circle = self.circles.all.get_mut(&id).ok_or(Refusal::Unknown)?;
        if circle.record.is_forgotten {
            return Err(Refusal::Unknown);
        }
        if !circle.record.is_own() {
            return Err(Refusal::NotEntitled);
        }
        step.touched.circles.insert(id);
        Ok(circle)
    }

    fn circle_make(
        &mut self,
        step: &mut Step,
        name: String,
        comrades: &[ComradeId],
    ) -> Result<Answer, Refusal> {
        if !komrade_crypto::bundle::is_name(&name) {
            return Err(Refusal::BadName);
        }
        let own = self.circles.all.values().filter(|it| it.record.is_own());
        if own.count() >= limits::MAX_CIRCLES || comrades.len() > limits::MAX_CIRCLE_READERS {
            return Err(Refusal::TooManyCircles);
        }
        for comrade in comrades {
            self.check_reader(*comrade)?;
        }
        let record = CircleRecord::new(step.draw(), None, name, step.now);
        let id = self.circle_place(record).ok_or(Refusal::OutOfBounds)?;
        if let Some(circle) = self.circles.all.get_mut(&id) {
            let since = circle.next_since(step.now);
            for comrade in comrades {
                circle.add(*comrade, false, since);
            }
        }
        step.touched.circles.insert(id);
        step.show.circles = true;
        Ok(Answer::Circle(id))
    }

    fn check_reader(&self, comrade: ComradeId) -> Result<(), Refusal> {
        let record = &self.comrades.get(&comrade).ok_or(Refusal::Unknown)?.record;
        match (record.removed, record.is_met()) {
            (true, _) => Err(Refusal::Unknown),
            (false, false) => Err(Refusal::NotConfirmed),
            (false, true) => Ok(()),
        }
    }

    fn circle_add(
        &mut self,
        step: &mut Step,
        id: CircleId,
        comrade: ComradeId,
        older: bool,
    ) -> Result<(), Refusal> {
        self.check_reader(comrade)?;
        let now = step.now;
        let own = self.own_circle(step, id)?;
        if own.reader(comrade).is_some_and(|reader| !reader.left) {
            return Err(Refusal::Over);
        }
        let since = own.next_since(now);
        if !own.add(comrade, older, since) {
            return Err(Refusal::TooManyCircles);
        }
        own.is_loud = true;
        self.circle_tell(step, id);
        Ok(())
    }

    /// The person says something in a circle of their own: it leaves at once.
    fn circle_speak(&mut self, step: &mut Step, id: CircleId, body: Body) -> Result<(), Refusal> {
        self.own_circle(step, id)?;
        // What is taken back makes room.
        if !matches!(body, Body::Remove { .. }) && !self.circles.has_room() {
            return Err(Refusal::CirclesFull);
        }
        self.circle_say(step, id, body)
            .ok_or(Refusal::OutOfBounds)?;
        if let Some(circle) = self.circles.all.get_mut(&id) {
            circle.is_loud = true;
        }
        self.circle_tell(step, id);
        Ok(())
    }

    fn circle_comment(
        &mut self,
        step: &mut Step,
        id: CircleId,
        on: OperationId,
        text: &str,
    ) -> Result<(), Refusal> {
        let circle = self.circles.all.get(&id).ok_or(Refusal::Unknown)?;
        if circle.record.over().is_some() || circle.record.is_forgotten {
            return Err(Refusal::Over);
        }
        let person = self.device.person();
        circle
            .state
            .comments_on(&on, &person)
            .ok_or(Refusal::Unknown)?;
        let (certificate, key) = (self.device.certificate(), self.device.key());
        let place = (circle.state.id(), on);
        let comment = Comment::sign(place, step.now, &self.own.name, text, certificate, key);
        let comment = comment.map_err(|_| Refusal::OutOfBounds)?;
        let (owner, since) = (circle.record.owner, circle.record.since);
        let Some(owner) = owner else {
            let comment = Box::new(comment);
            return self.circle_speak(step, id, Body::Comment { comment });
        };
        let theirs = self.comrades.get(&owner).ok_or(Refusal::Unknown)?;
        let is_full = circle.record.waiting.len() >= limits::MAX_CIRCLE_WAITING;
        let is_busy = theirs.is_full();
        if is_full || is_busy || self.outbox_total() >= limits::MAX_OUTBOX_TOTAL {
            return Err(Refusal::OutboxFull);
        }
        let bytes = comment.as_bytes().to_vec();
        let word = Word::Comment {
            since,
            comment: bytes.clone(),
        };
        let content = word.encode(&circle.record.nonce).to_vec();
        if let Some(circle) = self.circles.all.get_mut(&id) {
            let waiting = (step.now, serde_bytes::ByteBuf::from(bytes));
            circle.record.waiting.push(waiting);
            circle.record.touch(step.now);
            step.touched.circles.insert(id);
        }
        self.speak_up(step, owner);
        self.write_operation(step, owner, Said::Circle { content }, None);
        Ok(())
    }

    fn circle_take_back(
        &mut self,
        step: &mut Step,
        id: CircleId,
        of: PostId,
    ) -> Result<(), Refusal> {
        let of = OperationId(of.0);
        let own = self.own_circle(step, id)?;
        let operation = own.state.get(&of).ok_or(Refusal::Unknown)?;
        let said = match operation.body() {
            Body::Post { .. } => None,
            Body::Comment { comment } => Some(comment.id()),
            _ => return Err(Refusal::Unknown),
        };
        if let Some(said) = said {
            own.refuse(&said);
        }
        self.circle_speak(step, id, Body::Remove { of })
    }

    fn circle_leave(&mut self, step: &mut Step, id: CircleId) -> Result<(), Refusal> {
        let circle = self.circles.all.get_mut(&id).ok_or(Refusal::Unknown)?;
        let record = &mut circle.record;
        let owner = record.owner.ok_or(Refusal::NotEntitled)?;
        if record.left.is_some() {
            return Err(Refusal::Over);
        }
        step.touched.circles.insert(id);
        if record.ended.is_some() {
            record.is_forgotten = true;
            step.again = true;
            return Ok(());
        }
        record.left = Some(step.now);
        record.waiting.clear();
        record.touch(step.now);
        let since = record.since;
        let content = Word::Farewell { since }.encode(&record.nonce).to_vec();
        self.speak_up(step, owner);
        self.write_operation(step, owner, Said::Circle { content }, None);
        step.again = true;
        Ok(())
    }
}
