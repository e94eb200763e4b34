//! Invites made here: each opens one door until it expires or is taken back.
//!
//! An invite has a bundle of its own, with an Olm prekey that dies with it, sealed once under a key
//! that grows from the secret in the link. Whoever holds the link can dial, fetch the bundle and
//! answer with an intro.

use komrade_crypto::{
    bundle::Bundle,
    day_of,
    first_contact::IntroKey,
    invite::{self, Invite, InviteSecret},
    link::LinkKey,
};
use komrade_ether::{Class, Envelope, Header, Locator, expiry, pad};
use komrade_view::{Answer, InviteId, InvitePreview, InviteView, Millis, Refusal, Secret};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use zeroize::Zeroizing;

use crate::{
    Address, LinkId,
    home::{self, Home},
    limits,
    links::Party,
    open::Open,
    pair::Rank,
    records::{self, Damaged},
    relay_link,
    step::Step,
};

/// No invite of any version has a shorter text: a secret, a hash and an address.
const MIN_TEXT_BYTES: usize = 100;

/// A live invite.
pub(crate) struct Invitation {
    record: InviteRecord,
    pub(crate) link: LinkKey,
    pub(crate) intro: IntroKey,
}

#[derive(Clone, Serialize, Deserialize)]
struct InviteRecord {
    secret: InviteSecret,
    made_at: Millis,
    last_day: u32,
    with_relay: bool,
    /// The week of the X-Wing prekey in its bundle.
    week: u32,
    /// The Olm prekey in its bundle.
    prekey: ByteArray<32>,
    /// The bundle, sealed.
    envelope: ByteBuf,
    answered: bool,
    /// First contacts that were declined.
    declined: Vec<ByteArray<32>>,
    /// The node that has, or shall have, the bundle; `None`: it is fetched here.
    #[serde(default)]
    node: Option<ByteArray<32>>,
    /// That node has it.
    #[serde(default)]
    placed: bool,
    /// The nodes of all homes that the bundle names: whoever answers takes one at a relay of their own first.
    #[serde(default)]
    named: Vec<ByteArray<32>>,
}

impl From<InviteRecord> for Invitation {
    fn from(record: InviteRecord) -> Self {
        Self {
            link: record.secret.link(),
            intro: record.secret.intro(),
            record,
        }
    }
}

impl Invitation {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        records::encode(&self.record)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        records::decode::<InviteRecord>(bytes).map(Self::from)
    }

    pub(crate) fn week(&self) -> u32 {
        self.record.week
    }

    /// Notes an answer. Says whether it was the first.
    pub(crate) fn note_answered(&mut self) -> bool {
        !std::mem::replace(&mut self.record.answered, true)
    }

    pub(crate) fn note_declined(&mut self, rank: Rank) {
        self.record.declined.push(ByteArray::new(rank));
        if self.record.declined.len() > limits::MAX_ENDED_CONTACTS {
            self.record.declined.remove(0);
        }
    }

    pub(crate) fn has_declined(&self, rank: &Rank) -> bool {
        self.record
            .declined
            .iter()
            .any(|declined| **declined == *rank)
    }

    /// The bundle and its name, if this node is to keep it and has not got it.
    pub(crate) fn to_place(&self, node: &Address) -> Option<(Locator, Envelope)> {
        if !self.is_placed_at(node) || self.record.placed {
            return None;
        }
        let envelope = Envelope::decode(self.record.envelope.to_vec()).ok()?;
        Some((self.record.secret.locator(), envelope))
    }

    /// Whether this node is to keep its bundle.
    pub(crate) fn is_placed_at(&self, node: &Address) -> bool {
        self.record.node.as_deref() == Some(node)
    }

    /// Whether nobody has answered it, and an answer may come to this node.
    pub(crate) fn is_open_at(&self, node: &Address) -> bool {
        let is_named = self.record.named.iter().any(|named| **named == *node);
        (is_named || self.is_placed_at(node)) && !self.record.answered
    }

    /// Whether its bundle is fetched from this device itself.
    pub(crate) fn is_fetched_here(&self) -> bool {
        self.record.node.is_none()
    }

    /// Notes whether the node has the bundle. Says whether that is news.
    pub(crate) fn set_placed(&mut self, placed: bool) -> bool {
        std::mem::replace(&mut self.record.placed, placed) != placed
    }

    /// The first moment at which it no longer works.
    fn expires_at(&self) -> Millis {
        u64::from(self.record.last_day)
            .saturating_add(1)
            .saturating_mul(limits::DAY)
    }

    /// `nodes`: those of the relays in use.
    fn view(&self, id: InviteId, nodes: &[Address]) -> InviteView {
        InviteView {
            id,
            made_at: self.record.made_at,
            expires_at: self.expires_at(),
            with_relay: self.record.with_relay,
            answered: self.record.answered,
            placed: self.record.node.is_none() || self.record.placed,
            elsewhere: match self.record.node.as_deref() {
                Some(node) => !nodes.contains(node),
                None => !nodes.is_empty(),
            },
        }
    }
}

impl Open {
    pub(crate) fn make_invite(
        &mut self,
        step: &mut Step,
        with_relay: bool,
        days: u8,
    ) -> Result<Answer, Refusal> {
        if !(1..=limits::MAX_INVITE_DAYS).contains(&days) {
            return Err(Refusal::OutOfBounds);
        }
        if self.invites.len() >= limits::MAX_INVITES {
            return Err(Refusal::TooManyInvites);
        }
        // Who opens it comes to the relay that has the bundle.
        let host = self.own.host().ok_or(Refusal::NoRelay)?;
        let home = match &host.home {
            Some(node) => invite::Home::Node {
                address: node.address,
                key: node.key,
            },
            None => invite::Home::Peer(host.destination_address().ok_or(Refusal::NoRelay)?),
        };
        let origin = host.origin.clone();
        let last_day = day_of(step.now).saturating_add(days.into());
        let bundle = self
            .device
            .bundle_until(&self.own, last_day)
            .map_err(|_| Refusal::TooManyInvites)?;
        let made = self.open_invite(step, &bundle, &origin, home, with_relay, days);
        if made.is_err() {
            // Nobody will ever ask for it.
            self.device.forget(&bundle.content().olm_prekey);
        }
        made
    }

    /// Seals the bundle under a new secret and keeps the invite.
    fn open_invite(
        &mut self,
        step: &mut Step,
        bundle: &Bundle,
        origin: &str,
        home: invite::Home,
        with_relay: bool,
        days: u8,
    ) -> Result<Answer, Refusal> {
        let last_day = day_of(step.now).saturating_add(days.into());
        let secret = InviteSecret::draw(step.rng);
        let invite = Invite {
            secret: secret.clone(),
            bundle_hash: bundle.hash(),
            home,
            last_day: u16::try_from(last_day).map_err(|_| Refusal::OutOfBounds)?,
            join: with_relay.then(|| self.own.join_secret()).flatten(),
        };
        let link = invite.to_link(origin).map_err(|_| Refusal::BadRelayLink)?;
        let life = Millis::from(days) * limits::DAY;
        let envelope = seal_bundle(step, &secret, bundle.as_bytes(), life);
        let envelope = envelope.ok_or(Refusal::OutOfBounds)?;
        let content = bundle.content();
        let homes = content.homes.iter();
        let homes = homes.filter_map(|home| Home::decode(home).ok().flatten());
        let homes: Vec<Home> = homes.collect();
        let record = InviteRecord {
            secret,
            made_at: step.now,
            last_day,
            with_relay,
            week: content.week,
            prekey: ByteArray::new(content.olm_prekey),
            envelope: ByteBuf::from(envelope.into_bytes()),
            answered: false,
            declined: Vec::new(),
            node: match home {
                invite::Home::Node { address, .. } => Some(ByteArray::new(address)),
                invite::Home::Peer(_) => None,
            },
            placed: false,
            named: home::nodes_of(&homes)
                .map(|home| ByteArray::new(home.address))
                .collect(),
        };
        let id = InviteId(step.draw());
        self.invites.insert(id, record.into());
        step.touched.invites.insert(id);
        step.touched.own = true;
        step.show.invites = true;
        self.place_bundles(step);
        Ok(Answer::Invite {
            invite: id,
            link: Secret::new(link.as_str()),
        })
    }

    /// Ends an invite. Whoever is on a link with its key is let go.
    pub(crate) fn end_invite(&mut self, step: &mut Step, id: InviteId) -> Result<Answer, Refusal> {
        let invitation = self.invites.remove(&id).ok_or(Refusal::Unknown)?;
        self.device.forget(&invitation.record.prekey);
        if let Some(node) = invitation.record.node {
            self.unplace(step, &node, invitation.record.secret.locator());
        }
        step.touched.invites.insert(id);
        step.touched.own = true;
        step.show.invites = true;
        let links: Vec<LinkId> = self
            .links
            .of(Party::Invite(id))
            .map(|(link, _)| link)
            .collect();
        for link in links {
            self.close(step, link);
        }
        Ok(Answer::Done)
    }

    pub(crate) fn expire_invites(&mut self, step: &mut Step) {
        let over = |(_, invitation): &(&InviteId, &Invitation)| invitation.expires_at() <= step.now;
        let over: Vec<InviteId> = self
            .invites
            .iter()
            .filter(over)
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            let _ = self.end_invite(step, id);
        }
    }

    pub(crate) fn next_invite_expiry(&self) -> Option<Millis> {
        self.invites.values().map(Invitation::expires_at).min()
    }

    /// All invites, the newest first.
    pub(crate) fn invite_views(&self) -> Vec<InviteView> {
        let nodes: Vec<Address> = self.own.nodes().map(|(_, home)| home.address).collect();
        let mut views: Vec<_> = self
            .invites
            .iter()
            .map(|(id, invite)| invite.view(*id, &nodes))
            .collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.made_at), view.id));
        views
    }

    /// The bundle that is asked for by name, if this link was opened with the key of its invite.
    pub(crate) fn bundle_for(
        &self,
        link: LinkId,
        locator: &Locator,
        now: Millis,
    ) -> Option<Envelope> {
        let Party::Invite(id) = self.links.get(link)?.party else {
            return None;
        };
        let invitation = self.invites.get(&id)?;
        let matches = invitation.record.secret.locator() == *locator;
        if !matches || invitation.expires_at() <= now {
            return None;
        }
        Envelope::decode(invitation.record.envelope.to_vec()).ok()
    }

    /// Whether an invite was made here.
    pub(crate) fn is_own_invite(&self, invite: &Invite) -> bool {
        let mut invitations = self.invites.values();
        let at_own_destination = match &invite.home {
            invite::Home::Peer(address) => self.own.is_own_destination(address),
            invite::Home::Node { .. } => false,
        };
        invitations.any(|own| own.record.secret == invite.secret) || at_own_destination
    }
}

/// What an invite says of itself.
pub(crate) fn preview(text: &str, now: Millis) -> Result<InvitePreview, Refusal> {
    let (origin, invite) = read(text, now)?;
    Ok(InvitePreview {
        expires_at: u64::from(invite.last_day)
            .saturating_add(1)
            .saturating_mul(limits::DAY),
        relay: origin.filter(|_| invite.join.is_some()),
    })
}

/// Reads an invite that has not expired.
pub(crate) fn read(text: &str, now: Millis) -> Result<(Option<String>, Invite), Refusal> {
    use komrade_crypto::invite::InviteError;
    let (origin, invite) = Invite::from_text(text).map_err(|error| match error {
        // A word that happens to decode is no invite of the future: none will be this short.
        InviteError::NewerVersion if text.len() >= MIN_TEXT_BYTES => Refusal::NewerInvite,
        _ => Refusal::BadInvite,
    })?;
    if day_of(now) > u32::from(invite.last_day) {
        return Err(Refusal::InviteExpired);
    }
    Ok((origin.as_deref().and_then(relay_link::checked), invite))
}

fn seal_bundle(
    step: &mut Step,
    secret: &InviteSecret,
    bundle: &[u8],
    life: Millis,
) -> Option<Envelope> {
    let key = secret.bundle_key();
    let nonce = step.draw();
    let header = Header {
        class: Class::smallest_for(bundle.len(), false)?,
        bucket: 0,
        expiry: expiry(step.now, life),
        nonce,
        hint: key.detection().hint(&nonce),
    };
    let content = pad(bundle, header.class.padded_bytes()).ok()?;
    let sealed = key.seal(&nonce, &header.encode(), &content).ok()?;
    Envelope::new(header, &sealed).ok()
}
