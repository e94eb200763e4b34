//! The outbox: what was written is kept until the comrade has it.
//!
//! An entry holds an operation and the envelope last made of it, both in the store; memory holds
//! only how far it is. The same bytes are sent until a home has accepted them. An entry is sealed
//! anew only if the comrade reports the operation missing, the envelope expired, or whoever
//! received it cannot open it; ten times at most. After that, or when it expires, the person is
//! told that it was not delivered, and the comrade is told not to wait for it.
//!
//! Flow: [`Open::enqueue`] → [`Open::send_now`], or [`Open::pump`] whenever a link is up and has room
//! → [`Open::seal_entry`] → [`Open::landed`] → [`Open::settle`] once acknowledged.
//!
//! What carries an envelope is a link to the comrade's device if there is one, else the link to
//! one's own node, which keeps it or forwards it to the comrade's home.

use std::collections::BTreeMap;

use komrade_ether::{Envelope, EnvelopeId, Frame, Outcome};
use komrade_store::{Query, Record, Table};
use komrade_view::{CollectiveId, ComradeId, ComradeState, Millis, RefusedBy};
use zeroize::Zeroizing;

use crate::{
    Address, Effect, LinkId,
    comrade::Comrade,
    home, keys, limits,
    links::{Flight, Link, Party},
    open::{Open, Purpose},
    pair::Reported,
    queue::put_refusal,
    records::{self, Content, Entry, Sealed, TickRecord},
    step::Step,
    way::{Leg, Way},
};

/// Entries that are dropped or expire in one step: with their records and ticks they stay far below
/// the bound of a batch.
const PER_STEP: usize = 100;

impl Open {
    /// Keeps an entry, and its operation if it has one. Answers its number.
    pub(crate) fn enqueue(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        content: Content,
        operation: Option<&[u8]>,
    ) -> Option<u64> {
        let comrade = self.comrades.get_mut(&id)?;
        let number = comrade.record.next_entry;
        comrade.record.next_entry = number.saturating_add(1);
        comrade.outbox.insert(number, Entry::new(content, step.now));
        if let Some(operation) = operation {
            let operation = Zeroizing::new(operation.to_vec());
            step.write(Table::Outbox, keys::operation(id, number), operation);
        }
        step.touched.comrades.insert(id);
        step.touched.entries.insert((id, number));
        Some(number)
    }

    /// Makes an envelope for an entry. `None` if there are no keys for it yet, or it was given up.
    pub(crate) fn seal_entry(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        number: u64,
        operation: Option<Zeroizing<Vec<u8>>>,
        bucket: Option<u16>,
    ) -> Option<Envelope> {
        let entry = self.comrades.get(&id)?.outbox.get(&number)?;
        let is_control = entry.content == Content::Control;
        if entry.seals >= limits::MAX_SEALS || (operation.is_none() && !is_control) {
            self.give_up(step, id, number);
            return None;
        }
        // Whatever it carries, or the header would tell.
        let life = limits::MESSAGE_LIFE;
        let envelope = self.seal(step, id, operation, is_control, life, bucket)?;
        let comrade = self.comrades.get_mut(&id)?;
        if !is_control {
            // It tells them what is newest, and is kept until they have it.
            comrade.pair.reported_in = None;
        }
        let entry = comrade.outbox.get_mut(&number)?;
        entry.seals = entry.seals.saturating_add(1);
        entry.sealed = Some(Sealed::new(envelope.id(), envelope.header()));
        let bytes = Zeroizing::new(envelope.as_bytes().to_vec());
        step.write(Table::Outbox, keys::envelope(id, number), bytes);
        step.touched.entries.insert((id, number));
        Some(envelope)
    }

    /// Seals an entry and sends it at once, if there is a link and nothing stands before it. Else it
    /// is sealed when it can be sent, with the keys and the report of that time.
    pub(crate) fn send_now(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        number: u64,
        operation: Option<Zeroizing<Vec<u8>>>,
    ) {
        let Some(comrade) = self.comrades.get(&id) else {
            return;
        };
        let first = comrade
            .outbox
            .iter()
            .find(|(number, entry)| entry.is_waiting() && !self.links.is_flying(id, **number));
        let is_first = first.is_some_and(|(first, _)| *first == number);
        let free = comrade.reading.is_none() && comrade.hold_until <= step.now;
        let carrier = self
            .carrier(id, Some(number), step.now)
            .filter(|carrier| self.room(carrier.link(), id) > 0)
            .filter(|carrier| !self.is_held_back(carrier, id, number, step.now));
        if is_first
            && free
            && comrade.may_seal()
            && let Some(carrier) = carrier
            && let Some(envelope) = self.seal_entry(step, id, number, operation, carrier.bucket())
        {
            self.put(step, carrier, id, number, envelope);
        }
    }

    /// How envelopes for a comrade leave now, or that of one entry.
    pub(crate) fn carrier(
        &self,
        id: ComradeId,
        number: Option<u64>,
        now: Millis,
    ) -> Option<Carrier> {
        let device = self.links.up(id).map(Carrier::Device);
        device.or_else(|| self.leg(id, number, now).map(Carrier::Node))
    }

    /// Whether an entry would tell the relay by its moment what arrived, see [`Open::keep_quiet`].
    pub(crate) fn is_held_back(
        &self,
        carrier: &Carrier,
        id: ComradeId,
        number: u64,
        now: Millis,
    ) -> bool {
        let Some(comrade) = self.comrades.get(&id) else {
            return false;
        };
        comrade.quiet_until > now
            && matches!(carrier, Carrier::Node(_))
            && (comrade.is_all_quiet || !comrade.outbox.get(&number).is_some_and(Entry::is_news))
    }

    /// How many more envelopes for a comrade may be on their way on a link.
    pub(crate) fn room(&self, link: LinkId, id: ComradeId) -> usize {
        let Some(state) = self.links.get(link) else {
            return 0;
        };
        let own = state.flights.iter().filter(|flight| flight.comrade == id);
        let own = limits::WINDOW.saturating_sub(own.count());
        let way = self.node_of_link(link).and_then(|it| self.ways.get(&it));
        let most = match way.is_some_and(Way::is_silent) {
            // To see whether it answers again.
            true => 1,
            false => limits::NODE_WINDOW,
        };
        own.min(most.saturating_sub(state.flights.len()))
    }

    fn put(
        &mut self,
        step: &mut Step,
        carrier: Carrier,
        id: ComradeId,
        number: u64,
        envelope: Envelope,
    ) -> Put {
        let link = carrier.link();
        if self.room(link, id) == 0 {
            return Put::NoRoom;
        }
        let envelope_id = envelope.id();
        let (frame, leg) = match &carrier {
            Carrier::Node(leg) => match self.node_put(step, id, number, &envelope, leg) {
                Some(frame) => (frame, Some((leg.via.tag(), leg.home.tag()))),
                None => return Put::Waits,
            },
            Carrier::Device(_) => (Frame::Put { envelope }, None),
        };
        let Some(state) = self.links.get_mut(link) else {
            return Put::NoRoom;
        };
        state.flights.push_back(Flight {
            comrade: id,
            number,
            envelope: envelope_id,
            sent_at: step.now,
            leg,
        });
        state.used_at = step.now;
        step.effect(Effect::Send {
            link,
            frame: frame.encode(),
        });
        Put::Sent
    }

    /// Everything that waits for anybody, as far as there is room.
    pub(crate) fn pump_all(&mut self, step: &mut Step) {
        let waiting = self.comrades.iter().filter(|(_, comrade)| {
            let mut entries = comrade.outbox.values();
            comrade.may_seal() && entries.any(Entry::is_waiting)
        });
        let waiting: Vec<ComradeId> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            self.pump(step, id);
        }
    }

    /// Fetches from the store what there is to send and room for on a link that is up.
    pub(crate) fn pump(&mut self, step: &mut Step, id: ComradeId) {
        let Some(carrier) = self.carrier(id, None, step.now) else {
            return;
        };
        let room = self.room(carrier.link(), id);
        let Some(comrade) = self.comrades.get(&id) else {
            return;
        };
        if comrade.reading.is_some() || comrade.hold_until > step.now || !comrade.may_seal() {
            return;
        }
        let wanted: Vec<u64> = comrade
            .outbox
            .iter()
            .filter(|(number, entry)| {
                let busy = self.links.is_flying(id, **number)
                    || self.is_working(id, **number)
                    || self.is_held_back(&carrier, id, **number, step.now);
                entry.is_waiting() && !busy
            })
            .map(|(number, _)| *number)
            .take(room)
            .collect();
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return;
        };
        let query = Query {
            table: Table::Outbox,
            prefix: keys::bodies(id),
            above: Some(keys::envelope(id, first.saturating_sub(1))),
            below: Some(keys::operation(id, last.saturating_add(1))),
            descending: false,
            limit: 2 * limits::WINDOW,
        };
        let read = step.read(query);
        self.reads.insert(
            read,
            Purpose::Pump {
                comrade: id,
                wanted,
            },
        );
        if let Some(comrade) = self.comrades.get_mut(&id) {
            comrade.reading = Some(read);
        }
    }

    /// The store gave what [`Open::pump`] asked for: seal what is not sealed, send all.
    pub(crate) fn pumped(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        wanted: &[u64],
        records: Vec<Record>,
    ) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        comrade.reading = None;
        // A page that is full may have been cut: what lies beyond is for the next one.
        let full = records.len() >= 2 * limits::WINDOW;
        let mut bodies: BTreeMap<u64, Body> = BTreeMap::new();
        for record in records {
            let Some((number, is_envelope)) = keys::parse_body(&record.key) else {
                continue;
            };
            let Ok(value) = self.unseal(Table::Outbox, &record) else {
                continue;
            };
            let slot = bodies.entry(number).or_default();
            if is_envelope {
                slot.1 = Some(value)
            } else {
                slot.0 = Some(value)
            }
        }
        let end = bodies
            .last_key_value()
            .map(|(number, _)| *number)
            .filter(|_| full);
        let mut waits = false;
        let mut last = None;
        for number in wanted {
            if end.is_some_and(|end| *number >= end) {
                break;
            }
            let Some(carrier) = self.carrier(id, Some(*number), step.now) else {
                return;
            };
            let bucket = carrier.bucket();
            last = Some(carrier.link());
            let entry = self
                .comrades
                .get(&id)
                .and_then(|comrade| comrade.outbox.get(number));
            let Some(entry) = entry.filter(|entry| entry.is_waiting()) else {
                continue;
            };
            if self.links.is_flying(id, *number) {
                continue;
            }
            let Body(operation, envelope) = bodies.remove(number).unwrap_or_default();
            let may_go = |it: &Sealed| it.is_timely(step.now) && carrier.takes(it);
            let current = entry.sealed.filter(may_go);
            let made = current.zip(envelope).and_then(|(sealed, bytes)| {
                let envelope = Envelope::decode(bytes.to_vec()).ok()?;
                (envelope.id() == sealed.id()).then_some(envelope)
            });
            let Some(envelope) =
                made.or_else(|| self.seal_entry(step, id, *number, operation, bucket))
            else {
                continue;
            };
            match self.put(step, carrier, id, *number, envelope) {
                Put::Sent => {}
                Put::Waits => waits = true,
                Put::NoRoom => break,
            }
        }
        // What is left gets a read of its own once something landed, or work is done.
        let idle = last.and_then(|link| self.links.get(link));
        let idle = idle.is_some_and(|link| link.flights.is_empty());
        if idle && !waits && !wanted.is_empty() {
            self.pump(step, id);
        }
    }

    /// The other side answered a put.
    pub(crate) fn landed(
        &mut self,
        step: &mut Step,
        link: LinkId,
        envelope: EnvelopeId,
        outcome: Outcome,
    ) {
        let Some(flight) = self.links.land(link, envelope) else {
            return;
        };
        let relay = self.node_of_link(link);
        if let Some(way) = relay.and_then(|relay| self.ways.get_mut(&relay)) {
            way.note_answered();
        }
        let id = flight.comrade;
        if self.spaces.contains_key(&CollectiveId(id.0)) {
            return self.space_landed(step, &flight, outcome);
        }
        let number = flight.number;
        let is_dropped = self.is_dropped(&flight);
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let Some(entry) = comrade.outbox.get_mut(&number) else {
            return;
        };
        if let Some(sealed) = entry.sealed.filter(|sealed| sealed.id() == envelope) {
            // A clock over there is wrong if it says so of what is good by this one: it may be set
            // right, and no seal is spent on it.
            let is_disputed = matches!(outcome, Outcome::Expired | Outcome::TooFar)
                && !sealed.is_expired(step.now);
            let by = match flight.leg {
                Some(_) => RefusedBy::OwnRelay,
                None => RefusedBy::TheirDevice,
            };
            let refused = put_refusal(by, outcome);
            // While it is waited for something refused, what was taken at the same time says nothing of that.
            if refused.is_some() || comrade.hold_until <= step.now {
                step.show.route |= refused != comrade.put_refused;
                comrade.put_refused = refused;
            }
            if outcome.is_held() && is_dropped {
                // Whoever took it brings it to where nobody reads: another one leaves for a home that lives.
                entry.sealed = None;
                step.touched.entries.insert((id, number));
                step.delete(Table::Outbox, keys::envelope(id, number));
            } else if outcome.is_held() {
                self.accepted(step, &flight);
            } else if outcome.wants_pass() {
                // A device is shown no pass: the same again at once would be refused again, and for ever.
                let home = flight.leg.map(|(_, home)| home);
                let waits = home.is_none() || self.note_refused_pass(id, home, outcome);
                self.forget_work(id, number);
                if let Some(comrade) = self.comrades.get_mut(&id) {
                    let wait = if waits { limits::MINUTE } else { 0 };
                    comrade.hold_until = step.now.saturating_add(wait);
                }
            } else if outcome.is_passing() || is_disputed {
                comrade.hold_until = step.now.saturating_add(limits::MINUTE);
            } else if outcome == Outcome::NotForMe {
                // A new envelope would be none of theirs either.
                comrade.hold_until = step.now.saturating_add(limits::NOT_THEIRS_HOLD);
            } else {
                // They will never take these bytes. A new envelope may do; not at once, or two that
                // do not understand each other would keep each other busy.
                entry.sealed = None;
                let wait = limits::MINUTE << entry.seals.min(limits::MAX_SEALS);
                comrade.hold_until = step.now.saturating_add(wait);
                step.touched.entries.insert((id, number));
                step.delete(Table::Outbox, keys::envelope(id, number));
            }
        }
        self.pump(step, id);
        let is_node = |link: &Link| matches!(link.party, Party::Node(_));
        let is_idle = |link: &Link| is_node(link) && link.flights.is_empty();
        if self.links.get(link).is_some_and(is_idle) {
            // Whoever found no room before.
            self.pump_all(step);
            self.space_pump_all(step);
        }
    }

    /// Whether the comrade told, while it was on its way, that the home it is for is theirs no longer.
    fn is_dropped(&self, flight: &Flight) -> bool {
        let Some((comrade, (_, home))) = self.comrades.get(&flight.comrade).zip(flight.leg) else {
            return false;
        };
        home::nodes_of(&comrade.record.homes).all(|it| it.tag() != home)
    }

    fn accepted(&mut self, step: &mut Step, flight: &Flight) {
        let (id, number) = (flight.comrade, flight.number);
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        comrade.dialer.reset();
        if comrade.pair.note_accepted() {
            step.touched.pairs.insert(id);
        }
        let Some(entry) = comrade.outbox.get_mut(&number) else {
            return;
        };
        entry.accepted_at = Some(step.now);
        entry.by_device = flight.leg.is_none();
        (entry.via, entry.home) = flight.leg.unzip();
        let ordinal = entry.ordinal();
        let kept = entry.sequence().is_some();
        if !kept {
            let sealed = entry.sealed.zip(entry.home);
            comrade.pair.reported_in =
                sealed.map(|(sealed, home)| Reported::new(sealed.id(), home));
            step.touched.pairs.insert(id);
        }
        self.forget_work(id, number);
        step.touched.entries.insert((id, number));
        step.show.comrades |= ordinal.is_some();
        step.show.route |= ordinal.is_some();
        step.delete(Table::Outbox, keys::envelope(id, number));
        if !kept {
            self.drop_entry(step, id, number);
            return;
        }
        if let Some(ordinal) = ordinal {
            self.set_tick(step, id, ordinal, Some(TickRecord::Accepted(step.now)));
        }
        self.forget_oldest(step, id);
        // An acknowledgement may have come before the answer to the put.
        self.settle(step, id);
    }

    /// Lets go of the oldest accepted entry beyond [`limits::MAX_KEPT`].
    fn forget_oldest(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get(&id) else {
            return;
        };
        let mut kept = comrade
            .outbox
            .iter()
            .filter(|(_, entry)| !entry.is_waiting());
        let oldest = kept.next().map(|(number, _)| *number);
        if kept.count() >= limits::MAX_KEPT
            && let Some(oldest) = oldest
        {
            self.drop_entry(step, id, oldest);
        }
    }

    /// Lets go of entries that the comrade has acknowledged.
    pub(crate) fn settle(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get(&id) else {
            return;
        };
        let covered: Vec<(u64, Option<u64>)> = comrade
            .outbox
            .iter()
            .filter(|(_, entry)| {
                let sequence = entry.sequence();
                sequence.is_some_and(|it| comrade.pair.has_reached(it, entry.tag()))
            })
            .map(|(number, entry)| (*number, entry.ordinal()))
            .take(PER_STEP)
            .collect();
        step.again |= covered.len() == PER_STEP;
        for (number, ordinal) in covered {
            if !step.has_room() {
                return;
            }
            if let Some(ordinal) = ordinal {
                self.set_tick(step, id, ordinal, Some(TickRecord::Delivered(step.now)));
            }
            self.drop_entry(step, id, number);
        }
    }

    /// A report came: entries that a home accepted are sealed anew if the comrade asks for them, or
    /// has not got them long after. (A lost operation that nothing follows is missed by nobody
    /// else.) If the report is partial, larger ones are only postponed, and not sent again. `at_once`: not only long after, for
    /// they could not open something, or another copy of this device used numbers of its.
    pub(crate) fn resupply(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        partial: bool,
        at_once: bool,
    ) {
        let now = step.now;
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let pair = &comrade.pair;
        let report = &pair.acknowledged;
        let again = comrade.outbox.iter_mut().filter(|(_, entry)| {
            let long_ago = entry
                .accepted_at
                .is_some_and(|at| now >= at.saturating_add(limits::MISSED_AFTER));
            let missed = entry.sequence().is_some_and(|sequence| {
                let is_due = at_once || long_ago || report.wants(sequence);
                is_due && !pair.has_reached(sequence, entry.tag())
            });
            let is_postponed = partial && entry.sealed.is_some_and(|it| it.is_larger());
            // One that was sealed too often may be on its way all the same.
            missed && !is_postponed && !entry.is_waiting() && entry.may_seal_again()
        });
        for (number, entry) in again.take(PER_STEP) {
            if !step.has_room() {
                break;
            }
            entry.take_back();
            step.touched.entries.insert((id, *number));
        }
        self.pump(step, id);
    }

    /// Whether whoever took an entry may have lost it: the node that took it, a home that the comrade
    /// has left, or everything before a link of the two devices came up.
    fn is_lost(&self, comrade: &Comrade, entry: &Entry) -> bool {
        let up_to = self.node.resupplied_at;
        let by_node = |(via, at): (u64, Millis)| {
            Some(at) <= up_to && entry.was_taken_by(via) && entry.is_handed_on(at)
        };
        let left = comrade.record.lost_at.is_some_and(|at| {
            let homes = &comrade.record.lost_homes;
            let is_left = |home: u64| homes.contains(&home) || homes.is_empty();
            entry.home.is_none_or(is_left) && entry.is_handed_on(at)
        });
        let linked = comrade.linked_at.is_some_and(|at| entry.is_handed_on(at));
        left || linked || self.node.losses().any(by_node)
    }

    /// Whether a node took anything that nobody has acknowledged.
    pub(crate) fn has_handed_to(&self, node: &Address) -> bool {
        let tag = home::tag_of(node);
        let mut entries = self.comrades.values().flat_map(|it| it.outbox.values());
        self.space_has_handed_to(tag)
            || entries
                .any(|entry| !entry.is_waiting() && !entry.by_device && entry.was_taken_by(tag))
    }

    /// Notes for whom something is to be sent again.
    pub(crate) fn gather_resupply(&mut self, now: Millis) {
        if self.next_resupply().is_some_and(|due| due <= now) {
            self.node.resupplied_at = Some(now);
        }
        let has_losses = self.node.losses().next().is_some();
        let lost = self.comrades.iter().filter(|(_, comrade)| {
            let mut entries = comrade.outbox.values();
            let may_be = has_losses || comrade.record.lost_at.or(comrade.linked_at).is_some();
            may_be && entries.any(|entry| self.is_lost(comrade, entry))
        });
        let lost: Vec<ComradeId> = lost.map(|(id, _)| *id).collect();
        self.resupplying.extend(lost);
    }

    /// Seals and sends again what was lost, as much as fits in a step.
    pub(crate) fn resupply_all(&mut self, step: &mut Step) {
        while let Some(id) = self.resupplying.first().copied() {
            if !step.has_room() {
                return;
            }
            let more = self.take_all_back(step, id);
            self.pump(step, id);
            if more {
                step.again = true;
                return;
            }
            self.resupplying.remove(&id);
            if let Some(comrade) = self.comrades.get_mut(&id) {
                comrade.linked_at = None;
                if comrade.record.lost_at.take().is_some() {
                    comrade.record.lost_homes.clear();
                    step.touched.comrades.insert(id);
                }
            }
        }
        self.note_resupplied(step);
    }

    /// Takes back what was handed on for a comrade and is lost, as much as fits in a step. Says whether
    /// there is more.
    fn take_all_back(&mut self, step: &mut Step, id: ComradeId) -> bool {
        let Some(comrade) = self.comrades.get(&id) else {
            return false;
        };
        let entries = comrade.outbox.iter();
        let lost = entries.filter(|(_, entry)| self.is_lost(comrade, entry));
        let lost: Vec<u64> = lost.map(|(number, _)| *number).take(PER_STEP).collect();
        for number in &lost {
            self.take_back(step, id, *number);
        }
        lost.len() == PER_STEP
    }

    /// Takes back one entry that was handed on.
    pub(crate) fn take_back(&mut self, step: &mut Step, id: ComradeId, number: u64) {
        let comrade = self.comrades.get_mut(&id);
        let entry = comrade.and_then(|comrade| comrade.outbox.get_mut(&number));
        let Some(entry) = entry else { return };
        entry.take_back();
        self.wait_again(step, id, number, false);
    }

    /// One entry that was handed on waits again, for a home at which it did not fail; `is_held`: whoever took it has it
    /// still, and goes on trying.
    pub(crate) fn wait_again(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        number: u64,
        is_held: bool,
    ) {
        let comrade = self.comrades.get_mut(&id);
        let entry = comrade.and_then(|comrade| comrade.outbox.get_mut(&number));
        let Some(entry) = entry else { return };
        entry.move_on();
        let ordinal = entry.ordinal();
        step.touched.entries.insert((id, number));
        step.show.comrades = true;
        step.show.route = true;
        self.forget_work(id, number);
        if let Some(ordinal) = ordinal.filter(|_| !is_held) {
            self.set_tick(step, id, ordinal, None);
        }
    }

    /// What is repeated while nothing is heard of it, each with when it is due: the first thing said to
    /// who made an invite, the newest list of homes, and the oldest of what whoever was heard since may have lost: they
    /// would report it if they had it, and it anew if they get it.
    fn repeated(&self) -> impl Iterator<Item = (ComradeId, u64, Millis)> {
        self.comrades.iter().filter_map(|(id, comrade)| {
            let pair = &comrade.pair;
            let is_intro = comrade.record.state == ComradeState::Asked && pair.is_unanswered();
            let homes = pair.homes_operation;
            let is_homes = |entry: &Entry| homes.is_some() && entry.sequence() == homes;
            let may_be_said = |entry: &Entry| entry.seals < limits::MOST_SAID;
            let mut entries = comrade.outbox.iter().filter(|(_, it)| may_be_said(it));
            // An intro opens without a session; of others whoever took them may hold them unread.
            let is_first = |entry: &Entry| is_intro && !entry.by_device;
            let told = entries.clone().find(|(_, it)| is_first(it) || is_homes(it));
            let missed = || entries.find(|(_, entry)| comrade.may_miss(entry));
            let (number, entry) = told.or_else(missed)?;
            let pause = limits::SAY_AGAIN << entry.seals.saturating_sub(1);
            Some((*id, *number, entry.accepted_at?.saturating_add(pause)))
        })
    }

    /// What is said again, to whom and when: an entry of the outbox, or, `None`, where this device is found. All of an hour leaves at
    /// once and in no order that says anything: the moments of before would tell a relay whose acknowledgement came.
    fn said_again(&self) -> impl Iterator<Item = (ComradeId, Option<u64>, Millis)> {
        let repeated = self.repeated();
        let repeated = repeated.map(|(id, number, due)| (id, Some(number), due));
        let reassured = self.reassured().map(|(id, due)| (id, None, due));
        let all = repeated.chain(reassured);
        all.map(|(id, number, due)| {
            let hour = due.checked_next_multiple_of(limits::HOUR);
            (id, number, hour.unwrap_or(due))
        })
    }

    /// When [`Open::say_again`] has something to do.
    pub(crate) fn next_said_again(&self) -> Option<Millis> {
        self.said_again().map(|(.., due)| due).min()
    }

    /// Repeats what only this side can know to be missing, for a node that held it may have lost it: who
    /// made an invite does not know that anybody answered, and who was not told of a new home reports to
    /// the old one.
    pub(crate) fn say_again(&mut self, step: &mut Step) {
        let due = self.said_again().filter(|(.., due)| *due <= step.now);
        let due: BTreeMap<ComradeId, Option<u64>> =
            due.map(|(id, number, _)| (id, number)).collect();
        for (id, number) in due {
            if !step.has_room() {
                step.again = true;
                return;
            }
            match number {
                Some(number) => {
                    self.renew_silent(step, id, limits::SAY_AGAIN);
                    self.take_back(step, id, number);
                    self.pump(step, id);
                }
                None => self.reassure(step, id),
            }
        }
    }

    /// They answered: what still waits in intro form is sealed anew, for their invite may have ended.
    pub(crate) fn end_intros(&mut self, step: &mut Step, id: ComradeId) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let waiting = comrade.outbox.iter_mut().filter(|(number, entry)| {
            let is_sealed = entry.is_waiting() && entry.sealed.is_some();
            is_sealed && !self.links.is_flying(id, **number)
        });
        for (number, entry) in waiting.take(PER_STEP) {
            entry.sealed = None;
            step.touched.entries.insert((id, *number));
        }
        (comrade.hold_until, comrade.put_refused) = (0, None);
    }

    /// Entries whose time is over.
    pub(crate) fn expire_entries(&mut self, step: &mut Step) {
        let now = step.now;
        let over: Vec<(ComradeId, u64)> = self
            .comrades
            .iter()
            .flat_map(|(id, comrade)| comrade.outbox.iter().map(move |entry| (*id, entry)))
            .filter(|(_, (_, entry))| entry.ends_at() <= now)
            .map(|(id, (number, _))| (id, *number))
            .take(PER_STEP)
            .collect();
        step.again |= over.len() == PER_STEP;
        for (id, number) in over {
            if !step.has_room() {
                return;
            }
            self.give_up(step, id, number);
        }
    }

    /// When the next entry expires.
    pub(crate) fn next_expiry(&self) -> Option<Millis> {
        let entries = self
            .comrades
            .values()
            .flat_map(|comrade| comrade.outbox.values());
        entries.map(Entry::ends_at).min()
    }

    /// An entry that is not tried any longer: not delivered, unless a home has it.
    pub(crate) fn give_up(&mut self, step: &mut Step, id: ComradeId, number: u64) {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let Some(entry) = comrade.outbox.get(&number).cloned() else {
            return;
        };
        if comrade.record.is_met() {
            // What it said is still to be said, and that an operation will not come is, too.
            comrade.pair.report_due = true;
            step.touched.pairs.insert(id);
        }
        if entry.is_waiting()
            && let Some(ordinal) = entry.ordinal()
        {
            self.set_tick(step, id, ordinal, Some(TickRecord::Expired));
        }
        self.drop_entry(step, id, number);
    }

    fn drop_entry(&mut self, step: &mut Step, id: ComradeId, number: u64) {
        self.forget_work(id, number);
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        if let Some(entry) = comrade.outbox.remove(&number) {
            step.touched.entries.insert((id, number));
            step.delete(Table::Outbox, keys::operation(id, number));
            step.delete(Table::Outbox, keys::envelope(id, number));
            step.show.comrades |= entry.ordinal().is_some();
            step.show.route |= entry.ordinal().is_some();
        }
    }

    /// Writes how far a message has come; `None`: it is kept here, no more.
    fn set_tick(&mut self, step: &mut Step, id: ComradeId, ordinal: u64, tick: Option<TickRecord>) {
        let comrade = self.comrades.get(&id);
        if comrade.is_none_or(|comrade| ordinal <= comrade.record.deleted_up_to) {
            return;
        }
        let value = tick.as_ref().map(records::encode);
        let key = (Table::Messages, keys::tick(id, ordinal));
        step.writes.insert(key, value);
        step.show_tick(id, ordinal);
        let last = self
            .comrades
            .get_mut(&id)
            .and_then(|comrade| comrade.record.last.as_mut());
        if let Some(last) = last.filter(|last| last.ordinal == ordinal) {
            last.tick = tick;
            step.touched.comrades.insert(id);
            step.show.comrades = true;
        }
    }
}

/// What takes an envelope.
#[derive(Clone, Copy)]
pub(crate) enum Carrier {
    /// The comrade's own device.
    Device(LinkId),
    /// A node of one's own, which keeps it or forwards it.
    Node(Leg),
}

impl Carrier {
    pub(crate) fn link(&self) -> LinkId {
        match self {
            Self::Device(link) => *link,
            Self::Node(leg) => leg.link,
        }
    }

    /// What the header is to name as the bucket, if that matters.
    fn bucket(&self) -> Option<u16> {
        match self {
            Self::Device(_) => None,
            Self::Node(leg) => Some(leg.home.bucket),
        }
    }

    /// Whether an envelope that was made before can go this way.
    fn takes(&self, sealed: &Sealed) -> bool {
        match self {
            Self::Device(_) => true,
            Self::Node(leg) => sealed.is_for(leg.home.bucket),
        }
    }
}

/// What became of an envelope that was to be sent.
enum Put {
    Sent,
    /// There is no room on the link.
    NoRoom,
    /// Work is due first.
    Waits,
}

/// An operation and its envelope, as far as the store has them.
#[derive(Default)]
struct Body(Option<Zeroizing<Vec<u8>>>, Option<Zeroizing<Vec<u8>>>);
