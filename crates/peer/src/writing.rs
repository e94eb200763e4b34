//! What one writes oneself: operations, messages among them, and the packets without one.

use std::collections::BTreeSet;

use komrade_crypto::{day_of, invite::Invite};
use komrade_social::{Body, DeviceId, Fields, Head, MAX_HEADS, Operation, Tag};
use komrade_store::Table;
use komrade_view::{AckPace, Answer, ComradeId, Event, Millis, Refusal};

use crate::{
    comrade::Comrade,
    home, keys, limits,
    open::Open,
    records::{self, Content, Entry, Message},
    step::Step,
};

/// See [`Open::rescue_tags`]: without and with one's own destination; `None` while nobody is looked
/// for.
pub(crate) type Tags = Option<[Option<[u8; 32]>; 2]>;

/// A moment that knows nothing of what arrives: the wait is exponential, at most ten times the mean.
fn draw_time(step: &mut Step, mean: Millis) -> Millis {
    // -ln of a number in (0, 1].
    let uniform = (f64::from(step.rng.next_u32()) + 1.0) / (f64::from(u32::MAX) + 1.0);
    let wait = (-uniform.ln()).min(10.0) * mean as f64;
    step.now.saturating_add(wait as Millis).saturating_add(1)
}

impl Open {
    pub(crate) fn send_message(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        text: String,
    ) -> Result<Answer, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::EmptyMessage);
        }
        if text.len() > limits::MAX_TEXT_BYTES {
            return Err(Refusal::MessageTooLong);
        }
        let comrade = self.comrades.get(&id).ok_or(Refusal::Unknown)?;
        if comrade.record.is_undecided() {
            return Err(Refusal::NotConfirmed);
        }
        if comrade.is_full() || self.outbox_total() >= limits::MAX_OUTBOX_TOTAL {
            return Err(Refusal::OutboxFull);
        }
        self.speak_up(step, id);
        let (message, ordinal) = self
            .write_text(step, id, text, step.now)
            .ok_or(Refusal::OutOfBounds)?;
        self.offer_keys(step, id);
        Ok(Answer::Sent(message.view(ordinal, None)))
    }

    /// Keeps a message of one's own and sends it.
    pub(crate) fn write_text(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        text: String,
        written_at: Millis,
    ) -> Option<(Message, u64)> {
        let message = Message {
            mine: true,
            text: text.clone(),
            written_at,
            kept_at: step.now,
        };
        let ordinal = self.comrades.get_mut(&id)?.record.place(&message, step.now);
        step.write(
            Table::Messages,
            keys::message(id, ordinal),
            records::encode(&message),
        );
        step.show_message(id, message.view(ordinal, None));
        step.show.comrades = true;
        step.show.route = true;
        self.write_operation(step, id, Body::Text { text }, Some((ordinal, written_at)));
        Some((message, ordinal))
    }

    /// Makes an operation, keeps it, and sends it if there are keys and a link. With a message,
    /// `shown` says which and when it was written.
    pub(crate) fn write_operation(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        body: Body,
        shown: Option<(u64, Millis)>,
    ) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &mut comrade.pair;
        let up_to = pair.received.up_to();
        let device = comrade.record.who.map(|who| DeviceId(who.device));
        let heads = pair.received.heads().take(MAX_HEADS);
        let seen = heads.filter_map(|id| {
            Some(Head {
                device: device?,
                sequence: up_to,
                id,
            })
        });
        let expiry = step.now.saturating_add(limits::MESSAGE_LIFE);
        let (sequence, previous) = pair.next_number();
        let fields = Fields {
            sequence,
            previous,
            seen: seen.collect(),
            time: shown.map_or(step.now, |(_, written_at)| written_at),
            expiry_day: day_of(expiry),
            body,
        };
        let Ok(operation) = Operation::new(fields) else {
            return;
        };
        pair.sequence = sequence;
        pair.previous = Some(operation.id());
        step.touched.pairs.insert(id);
        step.touched.comrades.insert(id);
        let ordinal = shown.map(|(ordinal, _)| ordinal);
        let tag = Some(Tag::from(operation.id()).0);
        let bytes = operation.into_bytes();
        let content = Content::Operation {
            sequence,
            ordinal,
            tag,
        };
        if let Some(number) = self.enqueue(step, id, content, Some(&bytes)) {
            self.send_now(step, id, number, Some(bytes));
        }
    }

    // --- acknowledgements and keys on their own ------------------------------------------------

    /// Draws when acknowledgements leave next: times that know nothing of what arrives.
    pub(crate) fn draw_ack_time(&mut self, step: &mut Step) {
        self.ack_at = match self.own.ack_pace {
            AckPace::Calm => Some(draw_time(step, limits::CALM_PACE)),
            AckPace::Quick => Some(draw_time(step, limits::QUICK_PACE)),
            AckPace::Never => None,
        };
    }

    /// When duties in collectives are done next: like acknowledgements, and calmly where those never leave.
    pub(crate) fn draw_duty_time(&self, step: &mut Step) -> Millis {
        let mean = match self.own.ack_pace {
            AckPace::Quick => limits::QUICK_PACE,
            AckPace::Calm | AckPace::Never => limits::CALM_PACE,
        };
        draw_time(step, mean)
    }

    /// How long this device waits for what others may do before it, or for what may be on its way: whoever chose the quick pace would
    /// rather have something said twice than wait for those who are away.
    pub(crate) fn patience(&self, calm: Millis) -> Millis {
        match self.own.ack_pace {
            AckPace::Quick => calm / limits::QUICKER,
            AckPace::Calm | AckPace::Never => calm,
        }
    }

    /// When acknowledgements would leave.
    fn quiet_until(&self, step: &mut Step) -> Millis {
        let drawn = self.ack_at.filter(|at| *at > step.now);
        drawn.unwrap_or_else(|| draw_time(step, limits::CALM_PACE))
    }

    /// Mail of this comrade came through the node, to which all members' mail looks alike. What follows
    /// from it (something missing is sent again, a new key, the own home) leaves when acknowledgements
    /// would, or the relay could tell by the moment for whom the mail was.
    pub(crate) fn keep_quiet(&mut self, step: &mut Step, id: ComradeId) {
        let until = self.quiet_until(step);
        let has_way = self.carrier(id, None, step.now).is_some();
        if let Some(comrade) = self.comrades.get_mut(&id)
            && comrade.quiet_until <= step.now
        {
            // What waits for a way may get one by what arrives.
            comrade.is_all_quiet = !has_way || comrade.hold_until > step.now;
            comrade.quiet_until = until;
        }
    }

    /// The person says something to this comrade: whatever else there is may leave with it.
    pub(crate) fn speak_up(&mut self, step: &mut Step, id: ComradeId) {
        if let Some(comrade) = self.comrades.get_mut(&id)
            && std::mem::take(&mut comrade.quiet_until) > step.now
        {
            self.pump(step, id);
        }
    }

    /// It is time for acknowledgements: to everybody who has one coming.
    pub(crate) fn acknowledge(&mut self, step: &mut Step) {
        if self.ack_at.is_none_or(|at| at > step.now) {
            return;
        }
        self.draw_ack_time(step);
        self.end_rescue(step);
        self.end_leaving(step);
        if self.own.node().is_some() && !self.is_caught_up(step.now) {
            // What has not come yet must not look as if it were missing.
            return;
        }
        let stuck = self.comrades.iter().filter(|(_, comrade)| {
            let pair = &comrade.pair;
            pair.is_stuck && !pair.is_renewed_lately(step.now)
        });
        let stuck: Vec<ComradeId> = stuck
            .map(|(id, _)| *id)
            .take(limits::ACKS_PER_STEP)
            .collect();
        for id in stuck {
            if !step.has_room() {
                return;
            }
            self.begin_anew(step, id);
        }
        let (since, partial) = (self.own.report_since(step.now), self.lacks_larger());
        let due = self.comrades.iter().filter(|(_, comrade)| {
            let (record, pair) = (&comrade.record, &comrade.pair);
            record.is_wanted() && pair.is_report_due(since, partial) && pair.can_seal()
        });
        let due: Vec<ComradeId> = due.map(|(id, _)| *id).take(limits::ACKS_PER_STEP).collect();
        for id in due {
            if !step.has_room() {
                return;
            }
            self.change_outer(step, id);
            self.write_control(step, id);
        }
    }

    /// Beside a message: offers the newest keys to whoever has not got them, once a day at most.
    fn offer_keys(&mut self, step: &mut Step, id: ComradeId) {
        self.change_outer(step, id);
        let Some(comrade) = self.comrades.get(&id) else {
            return;
        };
        let pair = &comrade.pair;
        let news = pair.bundle_told < self.device.bundle_number || pair.outer_offer().is_some();
        let again = pair
            .offered_at
            .is_none_or(|at| step.now >= at.saturating_add(limits::OFFER_AGAIN));
        if news && again && comrade.record.is_met() && !pair.is_unanswered() && pair.can_seal() {
            self.write_control(step, id);
        }
    }

    fn change_outer(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &mut comrade.pair;
        let is_free = !pair.is_unanswered() && !self.clock.is_doubted();
        if is_free && pair.change_outer(step.now, step.rng) {
            pair.offered_at = None;
            step.touched.pairs.insert(id);
        }
    }

    /// A packet without an operation. If one waits already, it is made anew in its place.
    pub(crate) fn write_control(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get(&id) else {
            return;
        };
        let waits = comrade.outbox.iter().find(|(number, entry)| {
            let is_free = entry.seals < limits::MAX_SEALS && !self.links.is_flying(id, **number);
            entry.content == Content::Control && is_free
        });
        let number = match waits.map(|(number, _)| *number) {
            Some(number) => Some(number),
            None => self.enqueue(step, id, Content::Control, None),
        };
        let Some(number) = number else { return };
        let comrade = self.comrades.get_mut(&id);
        let entry = comrade.and_then(|comrade| comrade.outbox.get_mut(&number));
        if entry.is_some_and(|entry| entry.sealed.take().is_some()) {
            step.touched.entries.insert((id, number));
            step.delete(Table::Outbox, keys::envelope(id, number));
        }
        self.send_now(step, id, number, None);
    }

    // --- oneself -------------------------------------------------------------------------------

    /// Who is to be told where one is found now: whoever was met or asked, for both will write. Who
    /// asks is told once confirmed.
    pub(crate) fn untold(&self) -> BTreeSet<ComradeId> {
        let tags = [false, true].map(|live| self.own.homes_tag(live));
        let untold = self.comrades.iter().filter(|(_, comrade)| {
            let [plain, live] = tags;
            let tag = if comrade.record.live { live } else { plain };
            let pair = &comrade.pair;
            !comrade.record.is_undecided() && pair.can_seal() && pair.homes_told != tag
        });
        untold.map(|(id, _)| *id).collect()
    }

    /// Tells some of those who have not been told where one is found now.
    pub(crate) fn tell_homes(&mut self, step: &mut Step) {
        for _ in 0..limits::ACKS_PER_STEP {
            if !step.has_room() {
                return;
            }
            let Some(id) = self.moved.pop_first() else {
                return;
            };
            let Some(comrade) = self.comrades.get_mut(&id) else {
                continue;
            };
            let homes = self.own.homes(comrade.record.live);
            if homes.is_empty() {
                continue;
            }
            comrade.pair.homes_told = Some(home::tag(&homes));
            comrade.pair.homes_told_at = step.now;
            comrade.pair.homes_repeated = 0;
            if comrade.record.note_common(&homes) {
                step.touched.comrades.insert(id);
            }
            comrade.pair.homes_operation = Some(comrade.pair.next_number().0);
            let homes = home::encode_homes(&homes);
            self.write_operation(step, id, Body::Homes { homes }, None);
        }
        step.again |= !self.moved.is_empty();
    }

    /// To whom it is said once more where this device is found although they are known to have heard, or nothing waits for that any
    /// more; each with when.
    pub(crate) fn reassured(&self) -> impl Iterator<Item = (ComradeId, Millis)> {
        // First everybody is told what is new.
        let is_settled = self.own.node().is_some() && self.moved.is_empty();
        let comrades = self.comrades.iter().filter(move |_| is_settled);
        comrades.filter_map(|(id, comrade)| {
            let pair = &comrade.pair;
            let was_told = pair.homes_operation.is_some();
            let is_met = comrade.record.is_met() && pair.can_seal() && !pair.is_unanswered();
            let is_over = pair.homes_repeated >= limits::MOST_SAID;
            let is_due = was_told && is_met && !is_over && comrade.told().is_none();
            let pause = limits::SAY_AGAIN << pair.homes_repeated.min(limits::MOST_SAID);
            is_due.then_some((*id, pair.homes_told_at.saturating_add(pause)))
        })
    }

    /// Says once more where this device is found: whoever was set back to before that writes to where nobody reads, and nothing else
    /// could tell either side.
    pub(crate) fn reassure(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &mut comrade.pair;
        pair.homes_told_at = step.now;
        pair.homes_repeated = pair.homes_repeated.saturating_add(1);
        step.touched.pairs.insert(id);
        // After the last time nothing would mend it.
        let silence = match pair.homes_repeated < limits::MOST_SAID {
            true => limits::SAY_AGAIN,
            false => 0,
        };
        let homes = home::encode_homes(&self.own.homes(comrade.record.live));
        self.renew_silent(step, id, silence);
        self.write_operation(step, id, Body::Homes { homes }, None);
    }

    /// Begins to use the ways through all relays in use.
    pub(crate) fn open_ways(&mut self, step: &mut Step) {
        let relays: Vec<_> = self.own.in_use().map(|relay| relay.id).collect();
        for relay in relays {
            self.open_way(step, relay);
        }
    }

    /// Links the two devices directly while both are there, or no longer: they are told of one's own
    /// destination, and it is hosted.
    pub(crate) fn set_live(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        live: bool,
    ) -> Result<Answer, Refusal> {
        let comrade = self.comrades.get_mut(&id).ok_or(Refusal::Unknown)?;
        if !comrade.record.is_met() {
            return Err(Refusal::NotConfirmed);
        }
        comrade.record.live = live;
        comrade.dialer.reset();
        step.touched.comrades.insert(id);
        step.show.comrades = true;
        step.show.route = true;
        self.speak_up(step, id);
        self.note_met(step, id);
        self.tell_homes(step);
        self.order_host(step);
        Ok(Answer::Done)
    }

    // --- rescue --------------------------------------------------------------------------------

    /// The relay used before is lost, and with it whatever was on its way there and here.
    pub(crate) fn begin_rescue(&mut self, step: &mut Step) {
        self.own.rescue_until = Some(step.now.saturating_add(limits::RESCUE_LIFE));
        self.own.rescue_from = None;
        step.touched.own = true;
    }

    /// Some time after a change to another relay: looks for those who have not acknowledged it.
    pub(crate) fn begin_late_rescue(&mut self, step: &mut Step) {
        let is_due = self.own.rescue_from.is_some_and(|from| from <= step.now);
        // The acknowledgements may lie in what has not come in yet.
        if !is_due || self.clock.is_doubted() || !self.is_caught_up(step.now) {
            return;
        }
        self.own.rescue_from = None;
        step.touched.own = true;
        let tags = self.tags();
        if self
            .comrades
            .values()
            .any(|it| self.needs_rescue(it, &tags))
        {
            self.begin_rescue(step);
            self.order_host(step);
            step.show.route = true;
        }
    }

    /// By this the homes are known that comrades are to be told of while they are looked for.
    pub(crate) fn rescue_tags(&self) -> Tags {
        self.own.rescue_until.and_then(|_| self.tags())
    }

    pub(crate) fn tags(&self) -> Tags {
        Some([false, true].map(|live| self.own.homes_tag(live)))
    }

    /// Whether a comrade has still to be told where this device is found, after its relay was lost.
    pub(crate) fn needs_rescue(&self, comrade: &Comrade, tags: &Tags) -> bool {
        let (record, pair) = (&comrade.record, &comrade.pair);
        // Whoever has not confirmed has told of no lifeboat, and was told of the one here.
        let today = day_of(self.own.clock);
        let is_valid = |invite: Invite| today <= u32::from(invite.last_day);
        let may_meet = match record.is_met() {
            true => home::lifeboat_of(&record.homes).is_some(),
            false => record.is_wanted() && record.accepted().is_some_and(is_valid),
        };
        // Their device may hold it unread: it is said again, but not by looking for them all the time.
        let is_held = comrade.told().is_some_and(|entry| entry.by_device);
        let has_heard = self.has_heard(comrade, tags) || (is_held && self.is_told(comrade, tags));
        tags.is_some() && may_meet && pair.can_seal() && !has_heard
    }

    /// Whether a comrade is known to have heard where this device is found.
    pub(crate) fn has_heard(&self, comrade: &Comrade, tags: &Tags) -> bool {
        let pair = &comrade.pair;
        let has_heard = pair.homes_operation.is_none_or(|sequence| {
            let tag = comrade.told().and_then(Entry::tag);
            pair.has_reached(sequence, tag)
        });
        has_heard && self.is_told(comrade, tags)
    }

    /// Whether what was said last of where this device is found is still so.
    fn is_told(&self, comrade: &Comrade, tags: &Tags) -> bool {
        let Some([plain, live]) = tags else {
            return false;
        };
        comrade.pair.homes_told == if comrade.record.live { *live } else { *plain }
    }

    /// Who is looked for.
    pub(crate) fn rescued(&self) -> impl Iterator<Item = ComradeId> {
        let tags = self.rescue_tags();
        self.comrades
            .iter()
            .filter(move |(_, comrade)| self.needs_rescue(comrade, &tags))
            .map(|(id, _)| *id)
    }

    /// Ends the search once everybody has heard, or it has taken too long: a relay has held the
    /// lifeboat, so the next one is another. Called when acknowledgements leave, or the relay could tell
    /// by the moment whose was the last that arrived.
    pub(crate) fn end_rescue(&mut self, step: &mut Step) {
        let Some(until) = self.own.rescue_until else {
            return self.end_former_lifeboat(step);
        };
        let over = until <= step.now && !self.clock.is_doubted();
        // Without a home there is nothing that they could have been told.
        let settled = self.own.node().is_some() && self.moved.is_empty();
        if over || (settled && self.rescued().next().is_none()) {
            self.own.rescue_until = None;
            self.own.renew_lifeboat(step.now, step.rng);
            self.device.renew(&self.own, step.now, step.rng);
            step.touched.own = true;
            self.moved = self.untold();
            self.order_host(step);
            step.again |= !self.moved.is_empty();
        }
    }

    /// Keeps the lifeboat before the one in use no longer, once everybody has heard of this one.
    fn end_former_lifeboat(&mut self, step: &mut Step) {
        let Some(until) = self.own.former_lifeboat_until() else {
            return;
        };
        if !self.clock.is_doubted() && (until <= step.now || self.all_know()) {
            self.own.forget_former_lifeboat();
            step.touched.own = true;
        }
    }

    pub(crate) fn set_ack_pace(&mut self, step: &mut Step, pace: AckPace) -> Answer {
        self.own.ack_pace = pace;
        // What was drawn at the pace before is drawn anew: the new one holds at once.
        self.draw_ack_time(step);
        if self.spaces.duty_at.is_some() {
            self.spaces.duty_at = Some(self.draw_duty_time(step));
        }
        self.draw_introductions(step);
        self.draw_circles(step);
        let until = self.quiet_until(step);
        let quiet = self.comrades.values_mut();
        for comrade in quiet.filter(|it| it.quiet_until > step.now) {
            comrade.quiet_until = until;
        }
        step.touched.own = true;
        step.show.profile = true;
        Answer::Done
    }

    pub(crate) fn profile_event(&self) -> Event {
        let person = self.device.person();
        Event::Profile(komrade_view::ProfileView {
            name: self.own.name.clone(),
            person: person.to_string(),
            code: person.short_code(),
            ack_pace: self.own.ack_pace,
        })
    }
}
