//! The inbox: what arrives is checked, opened, kept, and only then acknowledged.
//!
//! One envelope is one step: the session as it stands after opening, the message, the account of
//! what came and the answer to the put leave together or not at all. What does not open may be
//! waiting for another that comes later; it is kept until it expires.

mod waiting;

use komrade_crypto::pairwise::{Message as OlmMessage, Session};
use komrade_ether::{Day, Envelope, EnvelopeId, ExpiryError, Frame, Outcome, unpad};
use komrade_social::{Body, Inserted, Operation};
use komrade_store::Table;
use komrade_view::{ComradeId, ComradeState, Millis};

use crate::{
    Effect, LinkId, RelayId,
    home::{self, Home, NodeHome},
    keys, limits,
    links::Party,
    open::Open,
    packet::Packet,
    pair::{Found, NotOpened, Rank, Undo},
    records::{self, Message},
    step::Step,
};

/// Where an envelope comes from: that decides whose it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The node of this relay of one's own.
    Node(RelayId),
    /// A comrade who has a copy of what a node held, and must not learn whose it is.
    Copy,
    /// The device of this comrade.
    Device(ComradeId),
    /// Somebody who is not known.
    Stranger,
}

impl Source {
    /// Everybody's lies there.
    pub(crate) fn is_node(self) -> bool {
        matches!(self, Self::Node(_) | Self::Copy)
    }
}

/// A packet of a comrade, and what decides whether it was ever opened.
pub(crate) struct Arrived {
    pub(crate) packet: Packet,
    /// How to take it back, if it was opened in a session that is kept.
    undo: Option<Undo>,
    /// The session to be kept, if it was the first message of one.
    fresh: Option<(Session, Rank)>,
}

impl Open {
    /// Somebody put an envelope here: answers what came of it.
    pub(crate) fn put_here(
        &mut self,
        step: &mut Step,
        link: LinkId,
        envelope: &Envelope,
    ) -> Outcome {
        let source = self.source(link);
        self.take_envelope(step, link, source, envelope)
    }

    /// Where what comes on a link is from.
    pub(crate) fn source(&self, link: LinkId) -> Source {
        match self.links.get(link).map(|link| link.party) {
            Some(Party::Node(relay)) => Source::Node(relay),
            Some(Party::Comrade(id)) => Source::Device(id),
            Some(Party::Invite(_) | Party::Foreign(_)) | None => Source::Stranger,
        }
    }

    /// Takes an envelope, if it is for this device.
    pub(crate) fn take_envelope(
        &mut self,
        step: &mut Step,
        link: LinkId,
        source: Source,
        envelope: &Envelope,
    ) -> Outcome {
        let header = envelope.header();
        // Whose clock is wrong cannot be told from here: mail from a day far ahead is taken all the
        // same, only not kept for so long if it has to wait.
        // A node gives out nothing that has expired by its own.
        if let Err(error @ ExpiryError::Expired { .. }) = header.check_expiry(Day::of(step.now))
            && !source.is_node()
        {
            return error.into();
        }
        if self.is_store_full(step.now) {
            return Outcome::Full;
        }
        if header.class.intro {
            return self.intro(step, link, source, envelope);
        }
        let Some((id, found)) = self.find_sender(source, envelope) else {
            // What is for members comes through nodes alone.
            let space = self.find_space(header).filter(|_| source.is_node());
            return match space {
                Some((id, commit)) => self.space_put_here(step, id, &commit, envelope),
                None => Outcome::NotForMe,
            };
        };
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return Outcome::NotForMe;
        };
        let envelope_id = envelope.id();
        if comrade.pair.has_seen(&envelope_id) {
            return Outcome::AlreadyHave;
        }
        if source.is_node() {
            self.keep_quiet(step, id);
        }
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return Outcome::NotForMe;
        };
        let key = comrade.pair.receive_key(found);
        let content = key.and_then(|key| {
            key.open(&header.nonce, &header.encode(), envelope.ciphertext())
                .ok()
        });
        let message = content.and_then(|content| {
            unpad(&content)
                .ok()
                .and_then(|message| OlmMessage::decode(message).ok())
        });
        let Some(message) = message else {
            return Outcome::Malformed;
        };
        let before = self.prospect(id);
        match self.open_message(id, found.rank, &message) {
            Ok(arrived) => {
                let outcome = self.take_packet(step, id, Some(found), arrived);
                if outcome.is_held() {
                    self.note_seen(step, id, &envelope_id);
                    self.retry_if_changed(step, id, before);
                }
                outcome
            }
            // Most of it was read before; what was not is asked for by a report.
            Err(_) if matches!(source, Source::Node(it) if self.is_recovering(it)) => {
                Outcome::NotForMe
            }
            Err(NotOpened::Spent) if source == Source::Copy => Outcome::NotForMe,
            // Nothing of long ago is a reason to begin anew.
            Err(NotOpened::Later) if source == Source::Copy => {
                self.keep_waiting(step, id, envelope)
            }
            // Its key is gone, and these bytes were not seen: what is in it may never have been read.
            Err(NotOpened::Spent) => {
                self.begin_anew(step, id);
                Outcome::Malformed
            }
            Err(NotOpened::Later) => {
                let outcome = self.keep_waiting(step, id, envelope);
                self.begin_anew(step, id);
                outcome
            }
        }
    }

    /// Something new of this comrade did not open: one of the two devices was set back to an older
    /// state, and the sessions no longer fit. A new one is opened, once a day at most; what was
    /// lost is asked for in it.
    pub(crate) fn begin_anew(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &mut comrade.pair;
        if !comrade.record.is_met() || pair.is_unanswered() {
            return;
        }
        if pair.is_renewed_lately(step.now) {
            pair.is_stuck = true;
            step.touched.pairs.insert(id);
            return;
        }
        if self.renew_session(step, id) {
            self.write_control(step, id);
        }
    }

    /// Opens another session with a comrade, from what their newest bundle says. Says whether there was one to open it from.
    fn renew_session(&mut self, step: &mut Step, id: ComradeId) -> bool {
        let bundle = self.comrades.get(&id).and_then(|it| it.pair.read_bundle());
        let session = bundle.and_then(|bundle| self.start_session(&bundle));
        let Some((comrade, session)) = self.comrades.get_mut(&id).zip(session) else {
            return false;
        };
        let pair = &mut comrade.pair;
        let Some(rank) = pair.sending().map(|contact| contact.rank) else {
            return false;
        };
        pair.add_session(session, rank, self.own.moves);
        pair.renewed_at = Some(step.now);
        pair.is_stuck = false;
        step.touched.pairs.insert(id);
        true
    }

    /// Whoever was not heard for so long may have been set back, or hold what is said for something of a session that does not fit, and
    /// the one that they opened for that never came. One that nobody has answered is enough: it opens wherever they are.
    pub(crate) fn renew_silent(&mut self, step: &mut Step, id: ComradeId, silence: Millis) {
        let is_due = self.comrades.get(&id).is_some_and(|comrade| {
            let pair = &comrade.pair;
            let is_met = comrade.record.is_met() && !pair.is_unanswered();
            let is_answered = pair.renewed_at.is_none_or(|at| at <= pair.heard_at);
            is_met && is_answered && pair.heard_at.saturating_add(silence) < step.now
        });
        if is_due {
            self.renew_session(step, id);
        }
    }

    fn note_seen(&mut self, step: &mut Step, id: ComradeId, envelope: &EnvelopeId) {
        if let Some(comrade) = self.comrades.get_mut(&id) {
            comrade.pair.note_seen(envelope);
            step.touched.pairs.insert(id);
        }
    }

    /// Whether an envelope may be for this device, by its hint.
    pub(crate) fn is_recognised(&self, source: Source, envelope: &Envelope) -> bool {
        if envelope.header().class.intro {
            self.find_invite(envelope).is_some()
        } else {
            self.find_sender(source, envelope).is_some()
                || (source.is_node() && self.find_space(envelope.header()).is_some())
        }
    }

    /// Whose envelope it is, by its hint: that of the comrade at the other end of the link, most
    /// often.
    pub(crate) fn find_sender(
        &self,
        source: Source,
        envelope: &Envelope,
    ) -> Option<(ComradeId, Found)> {
        let header = envelope.header();
        let found = |id: ComradeId| {
            let pair = &self.comrades.get(&id)?.pair;
            Some((id, pair.find(&header.nonce, &header.hint)?))
        };
        match source {
            Source::Node(_) | Source::Copy => self.comrades.keys().find_map(|id| found(*id)),
            // Nobody learns on a link of theirs whose envelopes others' are.
            Source::Device(id) => found(id),
            Source::Stranger => None,
        }
    }

    /// Opens an Olm message of a comrade in one of the sessions there are, or makes one from it.
    pub(crate) fn open_message(
        &mut self,
        id: ComradeId,
        rank: Rank,
        message: &OlmMessage,
    ) -> Result<Arrived, NotOpened> {
        let comrade = self.comrades.get_mut(&id).ok_or(NotOpened::Spent)?;
        let pair = &mut comrade.pair;
        let known = message
            .prekey()
            .is_none_or(|prekey| pair.has_session(&prekey.session));
        let (plaintext, undo, fresh) = if known {
            let (plaintext, undo) = pair.decrypt(message)?;
            (plaintext, Some(undo), None)
        } else {
            let prekey = message.prekey().ok_or(NotOpened::Later)?;
            if pair.has_base_key(&prekey.base) {
                return Err(NotOpened::Spent);
            }
            let bundle = pair.read_bundle().ok_or(NotOpened::Later)?;
            let received = self
                .device
                .receive(&bundle.content().olm_identity, message)
                .map_err(|_| NotOpened::Later)?;
            (received.plaintext, None, Some((received.session, rank)))
        };
        // What is no packet is acknowledged all the same: it would be none the next time, too.
        let packet = Packet::decode(&plaintext).unwrap_or_default();
        Ok(Arrived {
            packet,
            undo,
            fresh,
        })
    }

    /// Takes a packet into the conversation. Unless it answers that the envelope is held, nothing
    /// was changed.
    pub(crate) fn take_packet(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        found: Option<Found>,
        arrived: Arrived,
    ) -> Outcome {
        let Arrived {
            mut packet,
            undo,
            fresh,
        } = arrived;
        let operation = packet
            .operation
            .take()
            .and_then(|bytes| Operation::decode(&bytes).ok());
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return Outcome::NotForMe;
        };
        let unmet = !comrade.record.is_met();
        let is_asked = comrade.record.state == ComradeState::Asked;
        // What will never come is not waited for.
        let before = packet.lowest.map(|lowest| {
            let before = comrade.pair.received.clone();
            comrade.pair.received.lose_below(lowest);
            before
        });
        let mut kept = None;
        if let Some(operation) = operation {
            // Who was asked and says nothing but yes is heard, however late.
            let says_yes = is_asked && matches!(operation.body(), Body::Confirmed);
            let flooded =
                unmet && !says_yes && operation.fields().sequence > limits::MAX_UNCONFIRMED;
            let has_room = match operation.body() {
                Body::Text { text } => comrade.record.has_room_for(text),
                _ => true,
            };
            step.show.comrades |= !has_room && !comrade.is_refused;
            comrade.is_refused |= !has_room;
            let inserted = if flooded || !has_room {
                Inserted::TooFarAhead
            } else {
                comrade.pair.received.insert(&operation)
            };
            if matches!(inserted, Inserted::TooFarAhead | Inserted::TooManyForks) {
                if let Some(undo) = undo {
                    comrade.pair.undo(undo);
                }
                if let Some(before) = before {
                    comrade.pair.received = before;
                }
                return match has_room {
                    true => Outcome::Busy,
                    false => Outcome::Full,
                };
            }
            // A duplicate is told again: the sender did not know.
            comrade.pair.report_due |= comrade.record.is_wanted();
            kept = inserted.is_kept().then_some(operation);
        }
        // Whoever begins a session anew could not open something.
        let is_fresh = fresh.is_some() && !unmet;
        if let Some((session, rank)) = fresh {
            comrade.pair.add_session(session, rank, self.own.moves);
        }
        if let Some(operation) = kept {
            self.take_operation(step, id, &operation);
        }
        step.touched.pairs.insert(id);
        step.touched.comrades.insert(id);
        step.show.comrades = true;
        if let Some(found) = found {
            self.note_answer(step, id, found, &packet);
        }
        self.note_heard(step, id, &packet, is_fresh);
        Outcome::Accepted
    }

    /// What follows from an envelope under an outer key: they know this contact, and may offer
    /// their next key.
    fn note_answer(&mut self, step: &mut Step, id: ComradeId, found: Found, packet: &Packet) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &mut comrade.pair;
        pair.settle_keys(found);
        if pair.note_answered(&found.rank) && !pair.is_unanswered() {
            comrade.record.forget_accepted();
            self.end_intros(step, id);
        }
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &mut comrade.pair;
        if let Some(offer) = &packet.outer
            && pair.follow(found, offer, self.device.prekeys(), step.now)
        {
            pair.report_due = true;
        }
    }

    /// What a packet says beside its operation. `at_once`: there is a reason to send again what they do not have.
    fn note_heard(&mut self, step: &mut Step, id: ComradeId, packet: &Packet, mut at_once: bool) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &mut comrade.pair;
        if let Some(update) = packet
            .bundle
            .as_ref()
            .filter(|update| update.number > pair.bundle_number)
            && let Ok(bundle) = komrade_crypto::bundle::Bundle::decode(&update.bytes)
            && comrade
                .record
                .who
                .is_some_and(|who| who.person == bundle.person() && who.device == *bundle.device())
        {
            pair.bundle = Some(update.bytes.clone());
            pair.bundle_number = update.number;
            pair.report_due = true;
        }
        let mut is_news = false;
        if let Some(report) = &packet.report {
            if let Some((chain, number)) = report.outer {
                pair.outer_told(chain, number, step.now);
            }
            pair.bundle_told = pair.bundle_told.max(report.bundle);
            pair.heard_at = step.now;
            comrade.reports_refused = 0;
            // An older one may come late; it says nothing new.
            if pair.is_news(report) {
                // A clock that was ahead for a moment must not silence what comes later.
                pair.acknowledged_at = report.made_at.min(step.now);
                let entries = comrade.outbox.values();
                let kept = entries.filter_map(|entry| entry.sequence().zip(entry.tag()));
                at_once |= pair.note_acknowledged(&report.acknowledgement, kept);
                is_news = true;
                self.settle(step, id);
            }
        }
        if is_news || at_once {
            let partial = packet.report.as_ref().is_some_and(|it| it.partial);
            self.resupply(step, id, partial, at_once);
        }
    }

    /// Does what an operation says.
    fn take_operation(&mut self, step: &mut Step, id: ComradeId, operation: &Operation) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let (record, pair) = (&mut comrade.record, &mut comrade.pair);
        let fields = operation.fields();
        match operation.body() {
            // It was shown.
            Body::Text { .. } if pair.came_before(&operation.id()) => {}
            Body::Text { text } => {
                let message = Message {
                    mine: false,
                    text: text.clone(),
                    written_at: fields.time,
                    kept_at: step.now,
                };
                step.texts.push((id, fields.sequence, message));
            }
            Body::Profile { name } if fields.sequence > pair.profile_sequence => {
                pair.profile_sequence = fields.sequence;
                if komrade_crypto::bundle::is_name(name) {
                    record.name = name.clone();
                }
            }
            Body::Homes { homes } if pair.is_newer_home(fields.sequence, fields.time) => {
                pair.homes_sequence = pair.homes_sequence.max(fields.sequence);
                pair.homes_time = fields.time;
                if let Ok(mut homes) = home::decode_homes(homes)
                    && !homes.is_empty()
                {
                    self.own.follow(&mut homes);
                    self.take_homes(step, id, homes);
                }
            }
            Body::Confirmed if record.state == ComradeState::Asked => {
                record.state = ComradeState::Met;
                record.active_at = step.now;
                pair.report_due = true;
                self.note_met(step, id);
            }
            Body::Collective { content } => {
                let content = content.clone();
                self.space_heard(step, id, &content);
            }
            Body::Introduction { content } => {
                let content = content.clone();
                self.introduction_heard(step, id, &content);
            }
            Body::Circle { content } => {
                let content = content.clone();
                self.circle_heard(step, id, &content);
            }
            // Kept in the account and acknowledged; shown by a version that knows it.
            _ => {}
        }
    }

    /// Gives what arrived in this step its place, in the order in which it was written.
    pub(crate) fn place_texts(&mut self, step: &mut Step) {
        let mut texts = std::mem::take(&mut step.texts);
        texts.sort_by_key(|(id, sequence, _)| (*id, *sequence));
        for (id, _, message) in texts {
            let Some(comrade) = self.comrades.get_mut(&id) else {
                continue;
            };
            let ordinal = comrade.record.place(&message, step.now);
            step.touched.comrades.insert(id);
            let value = records::encode(&message);
            step.write(Table::Messages, keys::message(id, ordinal), value);
            step.show_message(id, message.view(ordinal, None));
        }
    }

    /// A relay of one's own has another node: comrades who use it are found there, too.
    pub(crate) fn follow_node(&mut self, step: &mut Step) {
        let moved = self.comrades.iter().filter_map(|(id, comrade)| {
            let mut homes = comrade.record.homes.clone();
            self.own.follow(&mut homes).then_some((*id, homes))
        });
        for (id, homes) in moved.collect::<Vec<_>>() {
            self.take_homes(step, id, homes);
        }
    }

    /// They are found elsewhere from now on. What was handed on to a home that they no longer have
    /// may never reach them, and is sent again.
    fn take_homes(&mut self, step: &mut Step, id: ComradeId, homes: Vec<Home>) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let own = self.own.homes(comrade.record.live);
        let is_told = comrade.pair.homes_told == Some(home::tag(&own));
        if comrade.record.homes == homes {
            if is_told {
                comrade.record.note_common(&own);
                step.touched.comrades.insert(id);
            }
            return;
        }
        let first = |homes: &[Home]| home::node_of(homes).copied();
        let (before, after) = (first(&comrade.record.homes), first(&homes));
        // Gone, or no longer the one that reaches them best.
        let is_left = |home: &&NodeHome| {
            let mut now = home::nodes_of(&homes);
            let is_gone = now.all(|it| it.place() != home.place());
            let was_first = before.is_some_and(|it| it.place() == home.place());
            is_gone || was_first && after.is_some_and(|it| it.place() != home.place())
        };
        let left: Vec<u64> = home::nodes_of(&comrade.record.homes)
            .filter(is_left)
            .map(NodeHome::tag)
            .collect();
        comrade.record.set_homes(homes);
        if is_told {
            comrade.record.note_common(&own);
        }
        comrade.dialer.reset();
        (comrade.refused, comrade.reports_refused) = (None, 0);
        comrade.record.has_node |= after.is_some();
        step.touched.comrades.insert(id);
        if !left.is_empty() {
            comrade.record.lost_at = Some(step.now);
            comrade.record.lost_homes.extend(left);
            comrade.record.lost_homes.sort_unstable();
            comrade.record.lost_homes.dedup();
            // The oldest of them have been dealt with long ago.
            comrade.record.lost_homes.truncate(home::MAX_HOMES);
            self.resupplying.insert(id);
            step.again = true;
        }
    }

    /// A frame arrived on a link that is up. What is no frame ends the link.
    pub(crate) fn frame(&mut self, step: &mut Step, link: LinkId, bytes: &[u8]) {
        let Some(state) = self.links.get_mut(link) else {
            return;
        };
        if !state.up {
            return;
        }
        state.used_at = step.now;
        let party = state.party;
        let decoded = Frame::decode(bytes);
        if let Party::Node(relay) = party {
            match decoded {
                Ok(frame) => self.node_frame(step, link, relay, frame),
                Err(_) => self.close(step, link),
            }
            return;
        }
        let answer = match decoded {
            Ok(Frame::Put { envelope }) => {
                let outcome = self.put_here(step, link, &envelope);
                Some(Frame::Ack {
                    id: envelope.id(),
                    outcome,
                })
            }
            Ok(Frame::Ack { id, outcome }) => {
                if !self.returned_replica(step, link, &id, outcome) {
                    self.landed(step, link, id, outcome);
                }
                None
            }
            Ok(Frame::Fetch { locator }) => {
                let envelope = self.bundle_for(link, &locator, step.now);
                Some(Frame::Fetched { locator, envelope })
            }
            Ok(Frame::Fetched { locator, envelope }) => {
                self.fetched(step, link, &locator, envelope);
                None
            }
            Ok(frame) => {
                if let Party::Comrade(comrade) = party {
                    self.seeking_frame(step, link, comrade, frame);
                }
                None
            }
            Err(komrade_ether::FrameError::Put { id, error }) => Some(Frame::Ack {
                id,
                outcome: error.into(),
            }),
            Err(_) => {
                self.close(step, link);
                None
            }
        };
        if let Some(answer) = answer {
            step.effect(Effect::Send {
                link,
                frame: answer.encode(),
            });
        }
    }
}
