//! Invites made here: each opens one door until it expires or is taken back.
//!
//! An invite has a bundle of its own, with an Olm prekey that dies with it, sealed once under a key
//! that grows from the secret in the link. Whoever holds the link can dial, fetch the bundle and
//! answer with an intro.
//!
//! An invite for a collective says so by a flag, and not for which: that stands beside the bundle, under the same seal
//! ([`SealedOffer`]), and here. Several may answer one, for it is given to many.

use komrade_crypto::{
    bundle::{self, Bundle},
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
    fields::{Reader, Unreadable, Writer},
    home::{self, Home},
    limits,
    links::Party,
    open::Open,
    pair::Rank,
    records::{self, Damaged},
    relay_link, space,
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
    /// The id of the collective that it is for.
    #[serde(default)]
    collective: Option<ByteArray<32>>,
}

/// What an invite for a collective seals: 1 the version, 2 the bundle, 3 the offer ([`space::frame::Word::Offer`]).
#[derive(PartialEq, Eq)]
pub(crate) struct SealedOffer {
    pub(crate) bundle: Vec<u8>,
    pub(crate) offer: Vec<u8>,
}

komrade_crypto::redacted!(SealedOffer);

/// The version made here.
const SEALED_OFFER: u64 = 1;

impl SealedOffer {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Writer::default()
            .uint(1, SEALED_OFFER)
            .bytes(2, &self.bundle)
            .bytes(3, &self.offer)
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        if reader.uint(1)? == 0 {
            return Err(Unreadable);
        }
        Ok(Self {
            bundle: reader.bytes(2)?,
            offer: reader.bytes(3)?,
        })
    }
}

/// What an invite is to be.
pub(crate) struct Wanted {
    pub(crate) with_relay: bool,
    pub(crate) days: u8,
    /// Of an invite for a collective: its id, and the offer.
    pub(crate) offer: Option<([u8; 32], Vec<u8>)>,
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

    /// Whether it is for this collective.
    pub(crate) fn is_for(&self, space: &[u8; 32]) -> bool {
        self.record.collective.as_deref() == Some(space)
    }

    /// Whether it is for a collective: then it is given to many.
    pub(crate) fn is_for_many(&self) -> bool {
        self.record.collective.is_some()
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
            collective: None,
            for_introduction: false,
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
        wanted: &Wanted,
    ) -> Result<Answer, Refusal> {
        let (id, invite, origin) = self.draw_invite(step, wanted)?;
        let Ok(link) = invite.to_link(&origin) else {
            let _ = self.end_invite(step, id);
            return Err(Refusal::BadRelayLink);
        };
        Ok(Answer::Invite {
            invite: id,
            link: Secret::new(link.as_str()),
        })
    }

    /// Makes an invite, and says at which origin whoever opens it finds the app.
    pub(crate) fn draw_invite(
        &mut self,
        step: &mut Step,
        wanted: &Wanted,
    ) -> Result<(InviteId, Invite, String), Refusal> {
        let days = wanted.days;
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
        let made = self.open_invite(step, &bundle, home, wanted);
        if made.is_err() {
            // Nobody will ever ask for it.
            self.device.forget(&bundle.content().olm_prekey);
        }
        made.map(|(id, invite)| (id, invite, origin))
    }

    /// Seals the bundle under a new secret and keeps the invite.
    fn open_invite(
        &mut self,
        step: &mut Step,
        bundle: &Bundle,
        home: invite::Home,
        wanted: &Wanted,
    ) -> Result<(InviteId, Invite), Refusal> {
        let (with_relay, days) = (wanted.with_relay, wanted.days);
        let last_day = day_of(step.now).saturating_add(days.into());
        let offer = wanted.offer.as_ref();
        let sealed = match offer {
            None => bundle.as_bytes().to_vec(),
            Some((_, offer)) => {
                let (bundle, offer) = (bundle.as_bytes().to_vec(), offer.clone());
                SealedOffer { bundle, offer }.encode().to_vec()
            }
        };
        let secret = InviteSecret::draw(step.rng);
        let invite = Invite {
            secret: secret.clone(),
            bundle_hash: bundle::hash(&sealed),
            home,
            last_day: u16::try_from(last_day).map_err(|_| Refusal::OutOfBounds)?,
            join: with_relay.then(|| self.own.join_secret()).flatten(),
            for_collective: offer.is_some(),
        };
        let life = Millis::from(days) * limits::DAY;
        let envelope = seal_bundle(step, &secret, &sealed, life);
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
            collective: offer.map(|(space, _)| ByteArray::new(*space)),
        };
        let id = InviteId(step.draw());
        self.invites.insert(id, record.into());
        step.touched.invites.insert(id);
        step.touched.own = true;
        step.show.invites = true;
        self.place_bundles(step);
        Ok((id, invite))
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

    /// Ends the invites for a collective that this person does not belong to any more.
    pub(crate) fn end_invites_for(&mut self, step: &mut Step, space: &[u8; 32]) {
        let theirs = self.invites.iter().filter(|(_, it)| it.is_for(space));
        let theirs: Vec<InviteId> = theirs.map(|(id, _)| *id).collect();
        for id in theirs {
            let _ = self.end_invite(step, id);
        }
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
            .map(|(id, invite)| {
                let space = invite.record.collective.as_deref();
                let collective = space.and_then(|it| self.find_by_hash(it));
                InviteView {
                    collective,
                    for_introduction: self.introductions.has_invite(*id),
                    ..invite.view(*id, &nodes)
                }
            })
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
        for_collective: invite.for_collective,
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
    // Without collectives nothing could be done with it.
    if invite.for_collective && !space::ON {
        return Err(Refusal::NewerInvite);
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_an_invite_for_a_collective_seals_is_frozen() {
        let sealed = SealedOffer {
            bundle: vec![1],
            offer: vec![2, 3],
        };
        let bytes = sealed.encode();
        assert_eq!(**bytes, [0xa3, 1, 1, 2, 0x41, 1, 3, 0x42, 2, 3]);
        assert_eq!(SealedOffer::decode(&bytes), Ok(sealed));
        let newer = Writer::default().uint(1, 2).bytes(2, b"").bytes(3, b"");
        assert!(SealedOffer::decode(&newer.uint(9, 1).finish()).is_ok());
        let damaged = Writer::default().uint(1, 0).bytes(2, b"").bytes(3, b"");
        assert!(SealedOffer::decode(&damaged.finish()).is_err());
        let lacking = Writer::default().uint(1, 1).bytes(2, b"");
        assert!(SealedOffer::decode(&lacking.finish()).is_err());
    }
}
