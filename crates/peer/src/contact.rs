//! First contact: from an invite to a comrade, on both sides.
//!
//! Who accepts: the comrade appears as *asked*; the home in the invite is asked for the bundle (a
//! relay's node, or the inviter's own destination with the invite's key); the bundle is checked; a contact secret and a session are drawn and
//! kept; what was written meanwhile goes out in intro form until something comes back; *confirmed*
//! arrives, and they have met.
//!
//! Who invited: an intro arrives under an invite; everything in it is checked before anything is
//! kept; the comrade appears as *asking*; the person confirms, and *confirmed* goes out, or
//! declines, and later intros of that contact are taken and forgotten.
//!
//! Every step is one commit and can be repeated after a crash: whatever was not kept is fetched or
//! sent again.

mod asking;

use komrade_crypto::{
    bundle::{self, Bundle},
    day_of,
    first_contact::ContactSecret,
    invite,
};
use komrade_ether::{Envelope, Frame, Locator, unpad};
use komrade_social::Body;
use komrade_store::{Query, Record, Table};
use komrade_view::{Answer, ComradeId, ComradeState, DialStage, Refusal};

use crate::{
    Effect, LinkId, RelayId,
    comrade::{Comrade, ComradeRecord, Who},
    home::{self, Home, NodeHome},
    invites::{self, SealedOffer},
    keys, limits,
    links::Party,
    open::{Open, Purpose},
    records::{self, Message},
    relay_link::RelayLink,
    step::Step,
};

impl Open {
    pub(crate) fn accept_invite(&mut self, step: &mut Step, link: &str) -> Result<Answer, Refusal> {
        let (origin, invite) = invites::read(link, step.now)?;
        self.accept_read(step, origin, &invite)
    }

    /// The same with one that was read, and the origin of its link.
    pub(crate) fn accept_read(
        &mut self,
        step: &mut Step,
        origin: Option<String>,
        invite: &invite::Invite,
    ) -> Result<Answer, Refusal> {
        if self.is_own_invite(invite) {
            return Err(Refusal::OwnInvite);
        }
        let locator = invite.secret.locator();
        if self
            .comrades
            .values()
            .any(|comrade| comrade.record.locator == Some(locator))
        {
            return Err(Refusal::InviteUsed);
        }
        if !self.has_room() {
            return Err(Refusal::TooManyComrades);
        }
        if self.own.origin().is_none()
            && let (Some(origin), Some(join)) = (origin, &invite.join)
        {
            self.use_relay(
                step,
                RelayLink {
                    origin,
                    join_secret: Some(join.clone()),
                },
            )?;
        }
        let state = match invite.for_collective {
            true if !self.has_room_for_offer() => return Err(Refusal::OutOfBounds),
            // The person decides once they see for which.
            true => ComradeState::Looking,
            false => ComradeState::Asked,
        };
        let mut record = ComradeRecord::new(state, step.now);
        record.name_told = self.own.name_number;
        record.set_accepted(invite);
        if let invite::Home::Peer(address) = invite.home {
            record.homes = vec![Home::Peer(address)];
        }
        let id = ComradeId(step.draw());
        self.comrades.insert(id, Comrade::new(record));
        step.touched.comrades.insert(id);
        step.touched.pairs.insert(id);
        step.show.comrades = true;
        if state == ComradeState::Asked {
            self.say_name(step, id);
        }
        Ok(Answer::Comrade(id))
    }

    /// There must be something to send even if the person writes nothing.
    pub(crate) fn say_name(&mut self, step: &mut Step, id: ComradeId) {
        let name = self.own.name.clone();
        self.write_operation(step, id, Body::Profile { name }, None);
    }

    /// A link to where the bundle of this comrade is kept is up: ask for it.
    pub(crate) fn fetch(&mut self, step: &mut Step, link: LinkId, id: ComradeId) {
        let Some(comrade) = self
            .comrades
            .get_mut(&id)
            .filter(|comrade| !comrade.pair.can_seal() && comrade.fetching.is_none())
        else {
            return;
        };
        let (Some(locator), Some(state)) = (comrade.record.locator, self.links.get_mut(link))
        else {
            return;
        };
        comrade.fetching = Some(link);
        state.fetching.get_or_insert(step.now);
        step.effect(Effect::Send {
            link,
            frame: Frame::Fetch { locator }.encode(),
        });
    }

    /// Asks one's own nodes for the bundles that they keep for others who were invited from here.
    pub(crate) fn fetch_bundles(&mut self, step: &mut Step) {
        let today = day_of(step.now);
        let here = |(relay, node): (RelayId, &NodeHome)| {
            let link = self.links.node(relay)?;
            let (address, key) = (node.address, node.key);
            Some((link, invite::Home::Node { address, key }))
        };
        let here: Vec<(LinkId, invite::Home)> = self.own.nodes().filter_map(here).collect();
        for (link, here) in here {
            let is_here = |comrade: &Comrade| {
                let due = comrade.dialer.not_before() <= step.now;
                let invite = comrade.wants_bundle(today);
                due && invite.is_some_and(|invite| invite.home == here)
            };
            let due = self.comrades.iter().filter(|(_, it)| is_here(it));
            let due: Vec<ComradeId> = due.map(|(id, _)| *id).collect();
            for id in due {
                self.fetch(step, link, id);
            }
        }
    }

    /// The bundle came, or there is none.
    pub(crate) fn fetched(
        &mut self,
        step: &mut Step,
        link: LinkId,
        locator: &Locator,
        envelope: Option<Envelope>,
    ) {
        let asked = self.comrades.iter_mut().find(|(_, comrade)| {
            comrade.fetching == Some(link) && comrade.record.locator == Some(*locator)
        });
        let Some((id, comrade)) = asked else {
            return;
        };
        let id = *id;
        comrade.fetching = None;
        let has_keys = comrade.pair.can_seal();
        let others = self.comrades.values().any(|it| it.fetching == Some(link));
        if let Some(state) = self.links.get_mut(link).filter(|_| !others) {
            state.fetching = None;
        }
        let party = self.links.get(link).map(|state| state.party);
        if has_keys {
            return;
        }
        let read = envelope.and_then(|envelope| self.read_bundle(step, id, &envelope));
        let Some((bundle, offer)) = read else {
            // Revoked or answered for too long, or a liar at the other end: try later, until it
            // expires.
            if let Some(comrade) = self.comrades.get_mut(&id) {
                comrade
                    .dialer
                    .failed(DialStage::Unreachable, step.now, step.rng);
            }
            if !matches!(party, Some(Party::Node(_))) {
                self.close(step, link);
            }
            return;
        };
        if party == Some(Party::Foreign(id)) {
            self.close(step, link);
        }
        let who = Who {
            person: bundle.person(),
            device: *bundle.device(),
        };
        let known = self.find_comrade(&who);
        if who.person == self.device.person() {
            return self.remove_comrade(step, id);
        }
        let waits = known.is_some_and(|known| self.waits_for_answer(known));
        if waits && offer.is_none() && self.own.node().is_some() && !self.is_caught_up(step.now) {
            // An answer may be on its way: then there is nothing to ask.
            if let Some(comrade) = self.comrades.get_mut(&id) {
                let soon = step.now.saturating_add(limits::MINUTE);
                comrade.dialer.hold_until(soon);
            }
            return;
        }
        match (known, offer) {
            (Some(known), None) => {
                self.ask_by(step, known, id, who, &bundle);
                self.merge(step, id, known);
            }
            (None, None) => {
                self.begin_contact(step, id, who, &bundle);
                self.pump(step, id);
            }
            // Whose link it is has been met.
            (Some(known), Some(offer)) => {
                self.remove_comrade(step, id);
                self.space_linked(step, known, &offer);
            }
            (None, Some(offer)) => {
                self.begin_contact(step, id, who, &bundle);
                if !self.space_linked(step, id, &offer) {
                    self.remove_comrade(step, id);
                }
            }
        }
    }

    /// The bundle in an envelope, if it is the one that the invite means, and what it offers if it is for a collective.
    fn read_bundle(
        &self,
        step: &Step,
        id: ComradeId,
        envelope: &Envelope,
    ) -> Option<(Bundle, Option<Vec<u8>>)> {
        let invite = self.comrades.get(&id)?.record.accepted()?;
        let header = envelope.header();
        let key = invite.secret.bundle_key();
        let content = key
            .open(&header.nonce, &header.encode(), envelope.ciphertext())
            .ok()?;
        let bytes = unpad(&content).ok()?;
        if !invite.is_bundle(&bundle::hash(bytes)) {
            return None;
        }
        let (bundle, offer) = match invite.for_collective {
            false => (Bundle::decode(bytes).ok()?, None),
            true => {
                let sealed = SealedOffer::decode(bytes).ok()?;
                (Bundle::decode(&sealed.bundle).ok()?, Some(sealed.offer))
            }
        };
        let is_valid = bundle.is_valid_on(day_of(step.now));
        is_valid.then_some((bundle, offer))
    }

    fn begin_contact(&mut self, step: &mut Step, id: ComradeId, who: Who, bundle: &Bundle) {
        let Some(session) = self.start_session(bundle) else {
            return;
        };
        let own = self.device.party();
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        let secret = ContactSecret::draw(step.rng);
        let state = comrade.record.state;
        comrade.dialer.reset();
        comrade.record.who = Some(who);
        introduce(&mut comrade.record, bundle);
        comrade.pair.bundle = Some(bundle.as_bytes().to_vec());
        comrade
            .pair
            .add_contact(&secret, &own, &who.party(), true, step.now);
        comrade.pair.homes_told = self.own.bundle_tag();
        comrade
            .pair
            .add_session(session, secret.rank(), self.own.moves);
        step.touched.comrades.insert(id);
        step.touched.pairs.insert(id);
        step.show.comrades = true;
        // The lifeboat is not in the bundle: theirs may be the only way left when they confirm.
        if state == ComradeState::Asked {
            self.note_met(step, id);
        }
    }

    /// Whether somebody was asked and has not answered, or their link was looked at.
    fn waits_for_answer(&self, id: ComradeId) -> bool {
        self.comrades.get(&id).is_some_and(|it| {
            let is_asked = it.record.state == ComradeState::Asked || it.record.is_looked_at();
            is_asked && it.pair.is_unanswered()
        })
    }

    /// Somebody who was asked and has not answered, or whose link was looked at, is asked by the invite that was accepted last instead:
    /// it may be meant for this person alone, and the one before may have ended.
    fn ask_by(
        &mut self,
        step: &mut Step,
        known: ComradeId,
        newer: ComradeId,
        who: Who,
        bundle: &Bundle,
    ) {
        let invite = self.comrades.get(&newer);
        let invite = invite.and_then(|it| it.record.accepted());
        // Nothing is given up for a bundle with which nothing can be begun.
        if !self.waits_for_answer(known) || self.start_session(bundle).is_none() {
            return;
        }
        let Some((comrade, invite)) = self.comrades.get_mut(&known).zip(invite) else {
            return;
        };
        let was_looked_at = comrade.record.is_looked_at();
        comrade.record.state = ComradeState::Asked;
        comrade.record.set_accepted(&invite);
        comrade.pair.give_up_asking();
        (comrade.hold_until, comrade.put_refused) = (0, None);
        for entry in comrade.outbox.values_mut() {
            // It is said as often as if it were new.
            entry.seals = 0;
        }
        let numbers: Vec<u64> = comrade.outbox.keys().copied().collect();
        self.begin_contact(step, known, who, bundle);
        for number in numbers {
            self.take_back(step, known, number);
        }
        if was_looked_at {
            self.say_name(step, known);
        }
    }

    fn find_comrade(&self, who: &Who) -> Option<ComradeId> {
        let is = |(_, comrade): &(&ComradeId, &Comrade)| comrade.record.who == Some(*who);
        self.comrades.iter().find(is).map(|(id, _)| *id)
    }

    /// Whoever was asked is a comrade already: they asked, too, or were met otherwise. What was
    /// written to the new one is moved to the one there is. Nothing is written before all of it can
    /// be.
    fn merge(&mut self, step: &mut Step, from: ComradeId, into: ComradeId) {
        let query = Query {
            table: Table::Messages,
            prefix: from.0.to_vec(),
            above: None,
            below: None,
            descending: false,
            limit: 4 * limits::MAX_OUTBOX_UNMET,
        };
        let read = step.read(query);
        self.reads.insert(read, Purpose::Merge { from, into });
    }

    /// The messages to be moved.
    pub(crate) fn merged(
        &mut self,
        step: &mut Step,
        from: ComradeId,
        into: ComradeId,
        records: Vec<Record>,
    ) {
        let there = |id| self.comrades.get(id).filter(|it| !it.record.removed);
        let (Some(old), Some(_)) = (there(&from), there(&into)) else {
            return;
        };
        let locator = old.record.locator;
        let messages: Vec<Message> = records
            .iter()
            .filter(|record| keys::parse_message(&record.key).is_some_and(|(_, tick)| !tick))
            .filter_map(|record| self.unseal(Table::Messages, record).ok())
            .filter_map(|value| records::decode(&value).ok())
            .collect();
        self.remove_comrade(step, from);
        // Accepting their invite says as much as confirming them; but a warning is for the person
        // to judge, and who made an invite says nothing of who gave it to them.
        let is_plain = self
            .comrades
            .get(&into)
            .is_some_and(|comrade| comrade.record.state == ComradeState::Asking);
        if is_plain {
            let _ = self.confirm(step, into);
        }
        if let Some(comrade) = self.comrades.get_mut(&into) {
            comrade.record.locator = locator;
            step.touched.comrades.insert(into);
        }
        for message in messages {
            self.write_text(step, into, message.text, message.written_at);
        }
        self.pump(step, into);
    }
}

/// Takes name and homes from a bundle.
fn introduce(record: &mut ComradeRecord, bundle: &Bundle) {
    record.name = bundle.content().name.clone();
    take_homes(record, bundle);
}

/// Takes the homes from a bundle, if it has any.
fn take_homes(record: &mut ComradeRecord, bundle: &Bundle) {
    let homes: Vec<Home> = bundle
        .content()
        .homes
        .iter()
        .filter_map(|home| Home::decode(home).ok().flatten())
        .collect();
    if !homes.is_empty() {
        record.has_node |= home::node_of(&homes).is_some();
        record.homes = homes;
    }
}
