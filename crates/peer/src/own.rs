//! What is one's own: the profile, the relays, and the keys of this device.

mod relays;

use komrade_crypto::{
    DecodeError, bundle,
    bundle::Bundle,
    day_of,
    first_contact::Party,
    identity::{DeviceCertificate, DeviceKey, PersonId, RootKey},
    kem::{self, PrekeyRing},
    pairwise::{Account, Message, PairwiseError, Received},
    week_of,
};
use komrade_ether::{Bucket, MAX_BITS};
use komrade_view::{AckPace, Millis};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    Address,
    home::{self, Home, NodeHome},
    limits,
    records::{self, Damaged},
};
pub(crate) use relays::Relay;
use relays::{address_of, draw_destination};

/// Secret bytes of any length in a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SecretBytes(#[serde(with = "serde_bytes")] pub(crate) Vec<u8>);

/// The profile and the relays.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Own {
    pub(crate) name: String,
    pub(crate) ack_pace: AckPace,
    /// A time that was believed, at most [`limits::CLOCK_KEPT`] ago while the app was open.
    #[serde(default)]
    pub(crate) clock: Millis,
    /// How often the name was changed.
    #[serde(default)]
    pub(crate) name_number: u64,
    /// Those in use are the last ones, the first of them the very last.
    relays: Vec<Relay>,
    /// How many are in use.
    #[serde(default = "one")]
    in_use: usize,
    /// One that is tried before it is used.
    #[serde(skip)]
    trial: Option<Relay>,
    /// How many relays were numbered.
    #[serde(skip)]
    numbered: u32,
    /// The destination that is hosted only after every other home was lost; no relay has held it.
    #[serde(default)]
    lifeboat: Option<SecretBytes>,
    /// The one before, which a relay has held, until everybody has heard of the one in use, or this time has come:
    /// whoever loses their homes before that knows no other.
    #[serde(default)]
    former_lifeboat: Option<(SecretBytes, Millis)>,
    /// The relay used before was lost: comrades are looked for at their lifeboats, and the own one
    /// is hosted, until all have been told or this time has come.
    #[serde(default)]
    pub(crate) rescue_until: Option<Millis>,
    /// The person changed to another relay: whoever has not heard of it by then may have changed, too,
    /// and is looked for in the same way.
    #[serde(default)]
    pub(crate) rescue_from: Option<Millis>,
    /// When it was noticed that mail for this device may have been lost with what a node held.
    #[serde(default)]
    pub(crate) mail_lost_at: Millis,
    /// Nodes that lost what they held, or are taken for lost, the newest last.
    #[serde(default)]
    lost_nodes: Vec<LostNode>,
    /// Names of invites that ended while the node that keeps their bundles was not reached, each behind
    /// the address of that node.
    #[serde(default)]
    unplaced_at: Vec<serde_bytes::ByteArray<48>>,
    /// Bytes of others' envelopes that are kept, if the person has said how many.
    #[serde(default)]
    pub(crate) replica_limit: Option<u64>,
    /// Bytes that a day may have, if the person has said how many; 0: no limit.
    #[serde(default)]
    pub(crate) data_limit: Option<u64>,
    /// How often this vault was brought in a file. Copies of one file begin at the same number, and
    /// none goes on in a session from before.
    #[serde(default)]
    pub(crate) moves: u64,
}

/// A node of one's own that lost what it held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LostNode {
    /// See [`home::NodeHome::tag`].
    pub(crate) tag: u64,
    /// The code of the bucket of the home there.
    bucket: u16,
    pub(crate) at: Millis,
}

impl LostNode {
    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::from_code(self.bucket)
    }
}

/// What a record of a version with one relay at a time says.
fn one() -> usize {
    1
}

impl Own {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            ack_pace: AckPace::default(),
            clock: 0,
            name_number: 0,
            relays: Vec::new(),
            in_use: 0,
            trial: None,
            numbered: 0,
            lifeboat: None,
            former_lifeboat: None,
            rescue_until: None,
            rescue_from: None,
            mail_lost_at: 0,
            lost_nodes: Vec::new(),
            unplaced_at: Vec::new(),
            replica_limit: None,
            data_limit: None,
            moves: 0,
        }
    }

    /// Mail may have been lost. Told of again within the hour, it counts from the end of that hour on, so
    /// that a relay that says so all the time makes no more than two reports an hour.
    pub(crate) fn note_mail_lost(&mut self, now: Millis) {
        let next = self.mail_lost_at.saturating_add(limits::LOSS_PACE);
        let latest = now.saturating_add(limits::LOSS_PACE);
        self.mail_lost_at = next.clamp(now, latest);
    }

    /// This node lost what it held: comrades' devices may have copies.
    pub(crate) fn note_node_lost(&mut self, home: &NodeHome, now: Millis) {
        let (tag, bucket, at) = (home.tag(), home.bucket, now);
        self.lost_nodes.retain(|lost| lost.tag != tag);
        self.lost_nodes.push(LostNode { tag, bucket, at });
        if self.lost_nodes.len() > limits::MAX_RELAYS {
            self.lost_nodes.remove(0);
        }
    }

    /// Nodes that lost what they held so lately that some of it has not expired.
    pub(crate) fn lost_nodes(&self, now: Millis) -> impl Iterator<Item = LostNode> {
        let is_over = move |lost: &LostNode| lost.at.saturating_add(limits::LOST_LIFE) <= now;
        let lost = self.lost_nodes.iter().copied();
        lost.filter(move |lost| !is_over(lost))
    }

    /// Whoever was told before this moment what has arrived is to be told again: at once when mail was
    /// lost, for what was put long before, and once more when nothing of it is too new to be missed.
    pub(crate) fn report_since(&self, now: Millis) -> Millis {
        let at = self.mail_lost_at;
        let again = at.saturating_add(limits::MISSED_AFTER);
        let before = at.saturating_sub(limits::LOSS_PACE);
        match at {
            0 => 0,
            _ if again <= now => again,
            _ if at <= now => at,
            _ => before,
        }
    }

    /// How many bytes of others' envelopes are kept.
    pub(crate) fn replica_limit(&self) -> u64 {
        self.replica_limit.unwrap_or(limits::REPLICA_BYTES)
    }

    /// The homes that whoever only holds an invite is told: the lifeboat is for comrades.
    fn open_homes(&self) -> Vec<Home> {
        let mut homes = self.homes(false);
        homes.retain(|home| !matches!(home, Home::Lifeboat(_)));
        homes
    }

    /// The homes that a collective is told of: those at nodes.
    pub(crate) fn node_homes(&self) -> Vec<Home> {
        let mut homes = self.homes(false);
        homes.retain(Home::is_node);
        homes
    }

    /// By this the homes in a bundle are known again.
    pub(crate) fn bundle_tag(&self) -> Option<[u8; 32]> {
        let homes = self.open_homes();
        (!homes.is_empty()).then(|| home::tag(&homes))
    }

    /// By this the homes that somebody was told are known again; `None` while there are none.
    pub(crate) fn homes_tag(&self, live: bool) -> Option<[u8; 32]> {
        let homes = self.homes(live);
        (!homes.is_empty()).then(|| home::tag(&homes))
    }

    pub(crate) fn lifeboat_address(&self) -> Option<Address> {
        address_of(self.lifeboat.as_ref()?)
    }

    /// The lifeboat that all comrades know.
    fn known_lifeboat(&self) -> Option<&SecretBytes> {
        let former = self.former_lifeboat.as_ref();
        former.map(|(former, _)| former).or(self.lifeboat.as_ref())
    }

    /// The keys of the lifeboat that is to be hosted, and its address.
    pub(crate) fn hosted_lifeboat(&self) -> Option<(Zeroizing<Vec<u8>>, Address)> {
        let lifeboat = self.known_lifeboat()?;
        Some((Zeroizing::new(lifeboat.0.clone()), address_of(lifeboat)?))
    }

    /// The search has ended. A relay has held the lifeboat that was hosted: the next one is another.
    pub(crate) fn renew_lifeboat(&mut self, now: Millis, rng: &mut dyn CryptoRng) {
        if self.former_lifeboat.is_none() {
            let until = now.saturating_add(limits::RESCUE_LIFE);
            let used = self.lifeboat.replace(draw_destination(rng));
            self.former_lifeboat = used.map(|used| (used, until));
            self.note_lifeboat_unheld();
        } else {
            self.forget_former_lifeboat();
        }
    }

    /// Until when the lifeboat before the one in use is kept, if it is.
    pub(crate) fn former_lifeboat_until(&self) -> Option<Millis> {
        self.former_lifeboat.as_ref().map(|(_, until)| *until)
    }

    /// Everybody has heard of the one in use, which no relay has held.
    pub(crate) fn forget_former_lifeboat(&mut self) {
        self.former_lifeboat = None;
        self.note_lifeboat_unheld();
    }

    fn note_lifeboat_unheld(&mut self) {
        for relay in &mut self.relays {
            relay.has_lifeboat = false;
        }
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        records::encode(self)
    }
}

/// A number for a home: random, within the one before if there was one, so that what is on its way to
/// that still arrives.
fn draw_bucket(before: Option<Bucket>, bits: u8, rng: &mut dyn CryptoRng) -> Bucket {
    let bits = bits.min(MAX_BITS);
    let drawn = u16::try_from(rng.next_u32() & 0xffff).unwrap_or_default();
    let number = drawn & ((1_u16 << bits) - 1);
    let drawn = Bucket::new(number, bits).unwrap_or(Bucket::WHOLE);
    if let Some(before) = before.filter(|before| before.bits() > bits) {
        return before.within(bits);
    }
    match before.filter(|before| before.bits() < bits) {
        Some(before) => {
            let below = bits - before.bits();
            let number = (before.number() << below) | (drawn.number() & ((1_u16 << below) - 1));
            Bucket::new(number, bits).unwrap_or(drawn)
        }
        None => drawn,
    }
}

/// The keys of this device.
pub(crate) struct Device {
    key: DeviceKey,
    certificate: DeviceCertificate,
    account: Account,
    prekeys: PrekeyRing,
    /// What others get to write to this device.
    bundle: Bundle,
    /// Grows with every new bundle.
    pub(crate) bundle_number: u64,
}

#[derive(Serialize, Deserialize)]
struct DeviceRecord {
    key: SecretBytes,
    #[serde(with = "serde_bytes")]
    certificate: Vec<u8>,
    account: SecretBytes,
    prekeys: PrekeyRing,
    #[serde(with = "serde_bytes")]
    bundle: Vec<u8>,
    bundle_number: u64,
}

impl Device {
    /// Draws the keys of a new device of this person.
    pub(crate) fn draw(
        root: &RootKey,
        own: &Own,
        now: Millis,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, CannotSign> {
        let key = DeviceKey::draw(rng);
        let certificate = root.certify(&key.public(), day_of(now));
        let (mut account, mut prekeys) = (Account::new(), PrekeyRing::new());
        prekeys.rotate(week_of(day_of(now)), rng);
        let prekey = account.fallback_key(week_of(day_of(now)))?;
        let bundle = sign(&key, &certificate, &account, &prekeys, own, prekey, None)?;
        Ok(Self {
            key,
            certificate,
            account,
            prekeys,
            bundle,
            bundle_number: 1,
        })
    }

    pub(crate) fn person(&self) -> PersonId {
        self.certificate.person()
    }

    pub(crate) fn party(&self) -> Party {
        Party {
            person: self.person(),
            device: *self.certificate.device(),
        }
    }

    /// Signs operations and leaf records.
    pub(crate) fn key(&self) -> &DeviceKey {
        &self.key
    }

    pub(crate) fn certificate(&self) -> &DeviceCertificate {
        &self.certificate
    }

    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn prekeys(&self) -> &PrekeyRing {
        &self.prekeys
    }

    /// Draws this week's prekeys if there are none yet, forgets old ones, and signs a new bundle if
    /// anything in it changed. Says whether anything changed.
    pub(crate) fn renew(&mut self, own: &Own, now: Millis, rng: &mut dyn CryptoRng) -> bool {
        let (day, week) = (day_of(now), week_of(day_of(now)));
        // Never back: a clock that was wrong for a moment must not bring an old bundle.
        let week = week.max(self.bundle.content().week);
        let mut changed = self.prekeys.rotate(week, rng);
        changed |= self.account.forget_expired(day);
        let Ok(prekey) = self.account.fallback_key(week) else {
            return changed;
        };
        let signed = sign(
            &self.key,
            &self.certificate,
            &self.account,
            &self.prekeys,
            own,
            prekey,
            None,
        );
        if let Ok(bundle) = signed
            && bundle != self.bundle
        {
            self.bundle = bundle;
            self.bundle_number = self.bundle_number.saturating_add(1);
            changed = true;
        }
        changed
    }

    /// Whether this week has no prekeys yet.
    pub(crate) fn is_stale(&self, now: Millis) -> bool {
        week_of(day_of(now)) > self.bundle.content().week
    }

    /// A bundle with an Olm prekey of its own, kept until the end of a day.
    pub(crate) fn bundle_until(&mut self, own: &Own, last_day: u32) -> Result<Bundle, CannotSign> {
        let prekey = self.account.one_time_key(last_day)?;
        let signed = sign(
            &self.key,
            &self.certificate,
            &self.account,
            &self.prekeys,
            own,
            prekey,
            Some(last_day),
        );
        if signed.is_err() {
            self.account.forget(&prekey);
        }
        signed
    }

    /// Forgets the Olm prekey of such a bundle.
    pub(crate) fn forget(&mut self, prekey: &[u8; 32]) {
        self.account.forget(prekey);
    }

    /// Opens a first message of the device with this Olm identity.
    ///
    /// A copy of the account is used and dropped: the prekey of an invite must stay until the
    /// invite ends, or a second answer to it could not even be shown. Whoever replays the first one
    /// is known by the base key.
    pub(crate) fn receive(
        &self,
        olm_identity: &[u8; 32],
        message: &Message,
    ) -> Result<Received, PairwiseError> {
        let mut copy = Account::from_bytes(&self.account.to_bytes())
            .map_err(|_| PairwiseError::UnknownPrekey)?;
        copy.receive(olm_identity, message)
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        records::encode(&DeviceRecord {
            key: SecretBytes(self.key.to_bytes().to_vec()),
            certificate: self.certificate.encode().to_vec(),
            account: SecretBytes(self.account.to_bytes().to_vec()),
            prekeys: self.prekeys.clone(),
            bundle: self.bundle.as_bytes().to_vec(),
            bundle_number: self.bundle_number,
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let record: DeviceRecord = records::decode(bytes)?;
        let key = record.key.0.as_slice().try_into().map_err(|_| Damaged)?;
        let damaged = |_: DecodeError| Damaged;
        Ok(Self {
            key: DeviceKey::from_bytes(key),
            certificate: DeviceCertificate::decode(&record.certificate).map_err(damaged)?,
            account: Account::from_bytes(&record.account.0).map_err(damaged)?,
            prekeys: record.prekeys,
            bundle: Bundle::decode(&record.bundle).map_err(damaged)?,
            bundle_number: record.bundle_number,
        })
    }
}

/// There are no keys for a bundle, or a field does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotSign;

impl From<PairwiseError> for CannotSign {
    fn from(_: PairwiseError) -> Self {
        Self
    }
}

impl From<DecodeError> for CannotSign {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

fn sign(
    key: &DeviceKey,
    certificate: &DeviceCertificate,
    account: &Account,
    prekeys: &PrekeyRing,
    own: &Own,
    olm_prekey: [u8; 32],
    last_day: Option<u32>,
) -> Result<Bundle, CannotSign> {
    let (week, secret) = prekeys.newest().ok_or(CannotSign)?;
    let kept_until = week
        .saturating_add(1)
        .saturating_mul(7)
        .saturating_add(kem::KEEP_DAYS - 1);
    let content = bundle::Content {
        certificate: certificate.clone(),
        olm_identity: account.identity(),
        olm_prekey,
        kem: secret.public(),
        week,
        valid_until: last_day.unwrap_or(kept_until).min(kept_until),
        name: own.name.clone(),
        homes: own.open_homes().iter().map(Home::encode).collect(),
    };
    Ok(Bundle::sign(content, key)?)
}
