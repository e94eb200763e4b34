//! What waits to leave for a collective: one load, in one envelope for each home of its members.
//!
//! Flow: [`Open::space_enqueue`] → [`Open::space_seal`] once there are keys → [`Open::space_pump`]
//! whenever one's own node has room → [`Open::space_landed`]. An entry is let go a day after every home
//! has taken it: until then a relay that lost what it held gets it again. After that it is for the
//! members to notice what they lack, and for any of them to supply it.
//!
//! The load stands in the store. The envelope around it is made when it is sent and stays in memory
//! until it is taken, so that the same bytes are sent again; after a restart it is made anew, under
//! another nonce. Which one was made last is stored: a forward may come to nothing days later.

use std::collections::BTreeSet;

use komrade_crypto::group::Commit;
use komrade_ether::{Class, Envelope, EnvelopeId, Header, Outcome, expiry, pad};
use komrade_store::Table;
use komrade_view::{CollectiveId, ComradeId, Millis, PutRefusal, RefusedBy};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use super::{Draft, Space, Spot, frame::Load, places, spot};
use crate::{
    Effect,
    home::{self, NodeHome},
    limits,
    links::Flight,
    open::Open,
    queue::put_refusal,
    records::Sealed,
    step::Step,
};

/// The most homes of one entry: those of all devices that a seed is for.
pub(super) const MAX_TARGETS: u64 = 4_096;

/// What an entry is for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// An operation of one's own, by its number.
    Operation { sequence: u64, id: ByteArray<32> },
    /// Everything else that devices say to each other.
    Word,
}

komrade_crypto::redacted!(What);

/// One home of an entry.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) home: NodeHome,
    /// It, or one's own relay on the way there, has the envelope durably.
    pub(crate) accepted_at: Option<Millis>,
    /// Which node of one's own took it, see [`NodeHome::tag`].
    #[serde(default)]
    via: Option<u64>,
    /// It does not take the token: so much work is due.
    refused: Option<u8>,
    /// Not before then.
    #[serde(default)]
    pub(super) hold_until: Millis,
    /// What was answered last, if that was a refusal.
    #[serde(skip)]
    put_refused: Option<PutRefusal>,
    /// It was added because of something that arrived, and leaves with the next duties.
    #[serde(default)]
    pub(super) is_quiet: bool,
    /// The envelope last made: what it is known by, and itself.
    #[serde(default)]
    sealed: Option<Sealed>,
    #[serde(skip)]
    envelope: Option<Envelope>,
}

/// An entry, without its load.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) what: What,
    pub(crate) made_at: Millis,
    /// The seed under which its envelopes are hinted, once it is sealed.
    pub(crate) commit: Option<Commit>,
    pub(crate) targets: Vec<Target>,
    /// What is to be sealed, or once it is the load.
    #[serde(skip)]
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Entry {
    pub(crate) fn new(what: What, now: Millis) -> Self {
        Self {
            what,
            made_at: now,
            commit: None,
            targets: Vec::new(),
            body: Zeroizing::default(),
        }
    }

    /// It has not been taken everywhere.
    pub(crate) fn is_waiting(&self) -> bool {
        self.commit.is_none() || self.targets.iter().any(|it| it.accepted_at.is_none())
    }

    /// Homes that have not taken it, by their places.
    pub(super) fn waiting_targets(&self) -> impl Iterator<Item = (usize, &Target)> {
        let targets = self.targets.iter().enumerate();
        targets.filter(|(_, it)| it.accepted_at.is_none())
    }

    /// What was answered to what still waits, if that was a refusal.
    pub(super) fn put_refused(&self) -> Option<PutRefusal> {
        self.waiting_targets().find_map(|(_, it)| it.put_refused)
    }

    /// How many homes took it, and how many it is for.
    pub(crate) fn taken(&self) -> (u32, u32) {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let taken = self.targets.iter().filter(|it| it.accepted_at.is_some());
        (count(taken.count()), count(self.targets.len()))
    }

    /// When it is let go.
    pub(crate) fn ends_at(&self) -> Millis {
        let latest = self.made_at.saturating_add(limits::MESSAGE_LIFE);
        if self.is_waiting() {
            return latest;
        }
        let taken = self.targets.iter().filter_map(|it| it.accepted_at).max();
        let taken = taken.unwrap_or(self.made_at);
        latest.min(taken.saturating_add(limits::SPACE_KEPT))
    }

    /// The clock was ahead.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        self.made_at = self.made_at.min(now);
        for target in &mut self.targets {
            target.accepted_at = target.accepted_at.map(|at| at.min(now));
            let hold = now.saturating_add(limits::NOT_THEIRS_HOLD);
            target.hold_until = target.hold_until.min(hold);
        }
    }
}

/// A collective stands in flights and work where a comrade does: the ids of both are random.
pub(crate) fn party(id: CollectiveId) -> ComradeId {
    ComradeId(id.0)
}

/// What one home of one entry is called in flights and work.
pub(super) fn piece(number: u64, at: usize) -> u64 {
    number.saturating_mul(MAX_TARGETS).saturating_add(at as u64)
}

fn parse_piece(piece: u64) -> (u64, usize) {
    let at = usize::try_from(piece % MAX_TARGETS).unwrap_or(usize::MAX);
    (piece / MAX_TARGETS, at)
}

impl Open {
    /// Keeps something to be sent to all members, and seals and sends it if that can be.
    pub(crate) fn space_enqueue(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        what: What,
        draft: &Draft,
    ) -> Option<u64> {
        let space = self.spaces.get_mut(&id)?;
        let number = space.take_entry_number();
        let mut entry = Entry::new(what, step.now);
        entry.body = draft.encode();
        space.outbox.insert(number, entry);
        step.touched.spaces.insert(id);
        self.space_touch_entry(step, id, number);
        self.space_seal(step, id, number);
        self.space_pump(step, id);
        Some(number)
    }

    /// Writes an entry with its body.
    pub(crate) fn space_touch_entry(&self, step: &mut Step, id: CollectiveId, number: u64) {
        let entry = self.spaces.get(&id).and_then(|it| it.outbox.get(&number));
        if let Some(entry) = entry {
            let body = entry.body.clone();
            step.write(Table::Spaces, places::body(id, number), body);
        }
        step.touched.space_entries.insert((id, number));
        self.space_show_way(step, id, number);
    }

    /// An entry changed: if it is a post, the route tells what it waits for.
    fn space_show_way(&self, step: &mut Step, id: CollectiveId, number: u64) {
        let space = self.spaces.get(&id);
        let entry = space.and_then(|it| Some((it, it.outbox.get(&number)?)));
        step.show.route |= entry.is_some_and(|(space, entry)| space.is_post(entry));
    }

    /// Seals an entry, if there are keys for it now.
    pub(crate) fn space_seal(&mut self, step: &mut Step, id: CollectiveId, number: u64) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let Some(entry) = space.outbox.get(&number).filter(|it| it.commit.is_none()) else {
            return;
        };
        let entry_what = entry.what;
        let Ok(draft) = Draft::decode(&entry.body) else {
            return self.space_drop(step, id, number);
        };
        let Some((commit, load)) = space.seal(&draft, step.now, step.rng) else {
            return;
        };
        let homes = space.homes();
        let known = self.space_note_commit(step, id, entry_what, &draft, commit);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if let Some((operation, commit)) = known
            && let Some(known) = space.known.get_mut(&operation)
        {
            known.commit = Some(commit);
        }
        let Some(entry) = space.outbox.get_mut(&number) else {
            return;
        };
        entry.commit = Some(commit);
        entry.body = load.encode();
        entry.targets = homes.into_iter().map(Target::new).collect();
        step.touched.seeds.insert((id, commit));
        self.space_touch_entry(step, id, number);
    }

    /// Keeps a load that is sealed already, for these homes.
    pub(crate) fn space_enqueue_load(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        commit: Commit,
        load: &Load,
        homes: Vec<NodeHome>,
    ) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let number = space.take_entry_number();
        let mut entry = Entry::new(What::Word, step.now);
        entry.commit = Some(commit);
        entry.body = load.encode();
        entry.targets = homes.into_iter().map(Target::new).collect();
        space.outbox.insert(number, entry);
        step.touched.spaces.insert(id);
        self.space_touch_entry(step, id, number);
    }

    /// Everything that waits for any collective, as far as there is room.
    pub(crate) fn space_pump_all(&mut self, step: &mut Step) {
        if !super::ON {
            return;
        }
        let ids: Vec<CollectiveId> = self.spaces.keys().copied().collect();
        for id in ids {
            self.space_pump(step, id);
        }
    }

    /// It is time for duties: what was kept quiet may leave.
    pub(crate) fn space_speak_up(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        for (number, entry) in &mut space.outbox {
            for target in &mut entry.targets {
                if std::mem::take(&mut target.is_quiet) {
                    step.touched.space_entries.insert((id, *number));
                }
            }
        }
    }

    /// Sends what waits and may leave, as far as there is room.
    pub(crate) fn space_pump(&mut self, step: &mut Step, id: CollectiveId) {
        if !super::ON {
            return;
        }
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let mut wanted = Vec::new();
        for (number, entry) in &space.outbox {
            if entry.commit.is_none() {
                continue;
            }
            for (at, target) in entry.targets.iter().enumerate() {
                let piece = piece(*number, at);
                let may_leave = !target.is_quiet && target.hold_until <= step.now;
                let is_due = target.accepted_at.is_none() && may_leave;
                let party = party(id);
                if is_due && !self.links.is_flying(party, piece) && !self.is_working(party, piece) {
                    wanted.push((*number, at));
                }
            }
        }
        for (number, at) in wanted {
            if !self.space_put(step, id, number, at) {
                break;
            }
        }
    }

    /// Sends one envelope. Says whether there was room.
    fn space_put(&mut self, step: &mut Step, id: CollectiveId, number: u64, at: usize) -> bool {
        let Some(space) = self.spaces.get(&id) else {
            return false;
        };
        let target = space.outbox.get(&number).and_then(|it| it.targets.get(at));
        let Some(home) = target.map(|it| it.home) else {
            return true;
        };
        let Some(leg) = self.leg_to(&[home], step.now) else {
            return true;
        };
        let (link, is_own) = (leg.link, leg.is_deposit());
        let party = party(id);
        if self.room(link, party) == 0 {
            return false;
        }
        let space = self.spaces.get_mut(&id);
        let Some((envelope, home, refused)) = space.and_then(|it| it.envelope(number, at, step))
        else {
            return true;
        };
        // Before it leaves: what comes back of it must be known again.
        step.touched.space_entries.insert((id, number));
        let piece = piece(number, at);
        let frame = self.pass_for(step, party, piece, &envelope, &home, is_own, refused);
        let Some(frame) = frame else { return true };
        let Some(state) = self.links.get_mut(link) else {
            return false;
        };
        state.flights.push_back(Flight {
            comrade: party,
            number: piece,
            envelope: envelope.id(),
            sent_at: step.now,
            leg: Some((leg.via.tag(), home.tag())),
        });
        state.used_at = step.now;
        step.effect(Effect::Send {
            link,
            frame: frame.encode(),
        });
        true
    }

    /// One's own node answered a put.
    pub(crate) fn space_landed(&mut self, step: &mut Step, flight: &Flight, outcome: Outcome) {
        if !super::ON {
            return;
        }
        let id = CollectiveId(flight.comrade.0);
        let (number, at) = parse_piece(flight.number);
        let now = step.now;
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let Some(entry) = space.outbox.get_mut(&number) else {
            return;
        };
        let Some(target) = entry.targets.get_mut(at) else {
            return;
        };
        let made = target.sealed;
        let is_it = made.is_some_and(|sealed| sealed.id() == flight.envelope);
        let is_disputed = matches!(outcome, Outcome::Expired | Outcome::TooFar)
            && made.is_some_and(|sealed| !sealed.is_expired(now));
        if !is_it {
            return;
        }
        target.put_refused = put_refusal(RefusedBy::OwnRelay, outcome);
        if outcome.is_held() {
            target.accepted_at = Some(now);
            target.via = flight.leg.map(|(via, _)| via);
            step.touched.space_entries.insert((id, number));
            step.show.collectives = true;
            self.space_show_tick(step, id);
            self.forget_work(party(id), flight.number);
        } else if outcome.wants_pass() {
            let shown = target.note_refused_pass(outcome);
            let wait = if shown { limits::MINUTE } else { 0 };
            target.hold_until = now.saturating_add(wait);
            self.forget_work(party(id), flight.number);
        } else if outcome.is_passing() || is_disputed {
            target.hold_until = now.saturating_add(limits::MINUTE);
        } else {
            // They will never take these bytes: others may do, or the next home.
            (target.sealed, target.envelope) = (None, None);
            target.hold_until = now.saturating_add(limits::NOT_THEIRS_HOLD);
            space.turn_away(number, at, now);
            step.touched.space_entries.insert((id, number));
            self.forget_work(party(id), flight.number);
        }
        self.space_show_way(step, id, number);
        self.space_pump(step, id);
    }

    /// A forward that this node took came to nothing: tried again later, if it is still here.
    pub(crate) fn space_returned(
        &mut self,
        step: &mut Step,
        node: u64,
        envelope: &EnvelopeId,
        outcome: Outcome,
    ) {
        if !super::ON {
            return;
        }
        for (id, space) in self.spaces.iter_mut() {
            let mut entries = space.outbox.iter_mut();
            let found = entries.find_map(|(number, entry)| {
                let is = |target: &Target| {
                    let is_it = target.sealed.is_some_and(|sealed| sealed.id() == *envelope);
                    is_it && target.went_by(node)
                };
                let at = entry.targets.iter().position(is)?;
                Some((*number, at, entry.targets.get_mut(at)?))
            });
            let Some((number, at, target)) = found else {
                continue;
            };
            target.put_refused = put_refusal(RefusedBy::TheirRelay, outcome);
            target.note_refused_pass(outcome);
            target.accepted_at = None;
            (target.sealed, target.envelope) = (None, None);
            target.hold_until = step.now.saturating_add(limits::HOUR);
            if !outcome.wants_pass() && !outcome.is_passing() {
                space.turn_away(number, at, step.now);
            }
            let id = *id;
            step.touched.space_entries.insert((id, number));
            self.space_show_tick(step, id);
            self.space_show_way(step, id, number);
            return;
        }
    }

    /// What was handed to a node of one's own may be lost with what it held: it is sent again.
    pub(crate) fn space_resend(&mut self, step: &mut Step, node: u64) {
        if !super::ON {
            return;
        }
        let mut all_lost = Vec::new();
        for (id, space) in self.spaces.iter_mut() {
            for (number, entry) in &mut space.outbox {
                let mut lost = false;
                for target in entry.targets.iter_mut().filter(|it| it.went_by(node)) {
                    lost |= target.accepted_at.take().is_some();
                }
                if lost {
                    all_lost.push((*id, *number));
                }
            }
        }
        for (id, number) in all_lost {
            step.touched.space_entries.insert((id, number));
            self.space_show_tick(step, id);
            self.space_show_way(step, id, number);
        }
    }

    /// Whether this node of one's own took something that is still remembered.
    pub(crate) fn space_has_handed_to(&self, node: u64) -> bool {
        let entries = self.spaces.values().flat_map(|it| it.outbox.values());
        let mut targets = entries.flat_map(|entry| &entry.targets);
        super::ON && targets.any(|it| it.accepted_at.is_some() && it.went_by(node))
    }

    /// Lets entries go whose time is over or that can never leave, and the oldest of too many.
    pub(crate) fn space_expire(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let over = |entry: &Entry| entry.ends_at() <= step.now || !space.can_leave(entry);
        let mut going: BTreeSet<u64> = space
            .outbox
            .iter()
            .filter(|(_, entry)| over(entry))
            .map(|(number, _)| *number)
            .collect();
        let excess = space.outbox.len().saturating_sub(limits::MAX_SPACE_OUTBOX);
        let taken = space.outbox.iter().filter(|(_, entry)| !entry.is_waiting());
        going.extend(taken.map(|(number, _)| *number).take(excess));
        for number in going {
            if !step.has_room() {
                return;
            }
            self.space_drop(step, id, number);
        }
    }

    pub(crate) fn space_drop(&mut self, step: &mut Step, id: CollectiveId, number: u64) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if let Some(entry) = space.outbox.remove(&number) {
            step.show.route |= space.is_post(&entry);
            for at in 0..entry.targets.len() {
                self.forget_work(party(id), piece(number, at));
            }
            step.touched.space_entries.insert((id, number));
            step.delete(Table::Spaces, places::body(id, number));
            step.show.collectives = true;
        }
    }
}

impl Target {
    pub(crate) fn new(home: NodeHome) -> Self {
        Self {
            home,
            accepted_at: None,
            via: None,
            refused: None,
            hold_until: 0,
            put_refused: None,
            is_quiet: false,
            sealed: None,
            envelope: None,
        }
    }

    /// One that leaves at a time that knows nothing of what arrived.
    pub(crate) fn quiet(home: NodeHome) -> Self {
        Self {
            is_quiet: true,
            ..Self::new(home)
        }
    }

    /// This node of one's own took it, as far as is known.
    fn went_by(&self, node: u64) -> bool {
        self.via.is_none_or(|via| via == node)
    }

    pub(crate) fn hold_until(&self) -> Option<Millis> {
        let waits = self.accepted_at.is_none() && !self.is_quiet;
        waits.then_some(self.hold_until)
    }

    /// The home does not take what was shown. Says whether work was shown already.
    fn note_refused_pass(&mut self, outcome: Outcome) -> bool {
        let before = self.refused;
        let Some(bits) = crate::node::refused_bits(before, outcome) else {
            return false;
        };
        self.refused = Some(bits);
        before.is_some() || outcome == Outcome::WrongWork
    }
}

impl Space {
    /// A home does not take what is put there: whoever else is found elsewhere gets it there, with the next duties, unless it goes there
    /// anyhow. It is tried again as long as somebody has no other.
    fn turn_away(&mut self, number: u64, at: usize, now: Millis) {
        let Some(entry) = self.outbox.get(&number) else {
            return;
        };
        let Some(refused) = entry.targets.get(at).map(|it| spot(&it.home)) else {
            return;
        };
        let mut there: BTreeSet<Spot> = entry.targets.iter().map(|it| spot(&it.home)).collect();
        let until = now.saturating_add(limits::SHUNNED_FOR);
        if self.shunned.insert(refused, until).is_none() && self.shunned.len() > limits::MAX_SHUNNED
        {
            let oldest = self.shunned.iter().min_by_key(|(_, until)| **until);
            if let Some(oldest) = oldest.map(|(spot, _)| *spot) {
                self.shunned.remove(&oldest);
            }
        }
        let (mut next, mut is_needed) = (Vec::new(), false);
        for member in self.society.devices() {
            let state = self.devices.get(&member.device);
            let homes = state.map_or(&[][..], |state| &state.homes);
            let is_theirs = home::nodes_of(homes).any(|home| spot(home) == refused);
            let other = self
                .pick(homes)
                .filter(|_| is_theirs && member.device != self.own.device);
            match other {
                Some(other) if spot(other) == refused => is_needed = true,
                Some(other) if there.insert(spot(other)) => next.push(Target::quiet(*other)),
                _ => {}
            }
        }
        let Some(entry) = self.outbox.get_mut(&number) else {
            return;
        };
        if !is_needed && let Some(target) = entry.targets.get_mut(at) {
            match next.pop() {
                Some(other) => {
                    let put_refused = target.put_refused;
                    *target = Target {
                        put_refused,
                        ..other
                    };
                }
                // They get it where it goes anyhow.
                None => target.accepted_at = Some(now),
            }
        }
        let room = usize::try_from(MAX_TARGETS).unwrap_or(usize::MAX);
        let room = room.saturating_sub(entry.targets.len());
        entry.targets.extend(next.into_iter().take(room));
    }

    /// Whether an envelope can be made of an entry: the keys that it is sealed under are here, and it is not too large.
    fn can_leave(&self, entry: &Entry) -> bool {
        let is_small = Class::smallest_for(entry.body.len(), false).is_some();
        let sealed = entry.commit.as_ref();
        sealed.is_none_or(|commit| is_small && self.keys.get(commit).is_some())
    }

    /// The envelope for one home of an entry, made if there is none that may still be sent.
    pub(super) fn envelope(
        &mut self,
        number: u64,
        at: usize,
        step: &mut Step,
    ) -> Option<(Envelope, NodeHome, Option<u8>)> {
        let entry = self.outbox.get_mut(&number)?;
        let target = entry.targets.get_mut(at)?;
        let is_good = target.sealed.is_some_and(|it| it.is_timely(step.now));
        if let Some(envelope) = target.envelope.as_ref().filter(|_| is_good) {
            return Some((envelope.clone(), target.home, target.refused));
        }
        let seed = self.keys.get(&entry.commit?)?;
        let nonce = step.draw();
        let header = Header {
            class: Class::smallest_for(entry.body.len(), false)?,
            bucket: target.home.bucket,
            expiry: expiry(step.now, limits::MESSAGE_LIFE),
            nonce,
            hint: seed.detection().hint(&nonce),
        };
        let content = Zeroizing::new(pad(&entry.body, header.class.padded_bytes()).ok()?);
        let outer = seed.lasting().outer();
        let sealed = outer.seal(&nonce, &header.encode(), &content).ok()?;
        let envelope = Envelope::new(header, &sealed).ok()?;
        target.sealed = Some(Sealed::new(envelope.id(), envelope.header()));
        target.envelope = Some(envelope.clone());
        Some((envelope, target.home, target.refused))
    }
}
