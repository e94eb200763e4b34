//! Flat seeds, as the engine sends them: slices packed for one home, each pack with the signed operation that tells of the seed, in
//! padded envelopes sealed under the seed before.

use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use komrade_crypto::{
    group::{
        CONTROL_OVERHEAD_BYTES, Kind, LEAF_RECORD_BYTES, LastingKeys, LeafRecord, LeafRing, Member,
        MemberRoot, PACK_OVERHEAD_BYTES, Pack, Receiving, SLICE_BYTES, Seed, Sending, Slice,
        SliceError, Space, slices_in,
    },
    identity::{DeviceKey, PersonId},
    outer::DetectionKey,
};
use komrade_ether::{Class, Day, Envelope, Header, Size, pad, unpad};
use komrade_social::{
    DeviceId, Head, MAX_HEADS, OperationId,
    collective::{Body, Fields, Operation},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::Group;

const SPACE: Space = Space {
    kind: Kind::Collective,
    id: [7; 32],
};
const TODAY: u32 = 20_000;
/// What the engine writes around control message and pack, in bytes.
const LOAD_BYTES: usize = 32;
/// Members of a home, where they are at several.
const AT_A_HOME: usize = 10;

/// A collective after somebody was removed from it.
pub struct Ours {
    chance: ChaCha20Rng,
    /// Those who remain.
    members: Vec<Member>,
    /// Leaf keys of all but the author.
    records: Vec<LeafRecord>,
    author: Device,
    other: Device,
    before: Before,
    fields: Fields,
    /// The change of keys, as it is sent.
    envelopes: Vec<Vec<u8>>,
    /// Of the signed operation that tells of it, sealed.
    control_bytes: usize,
}

struct Device {
    key: DeviceKey,
    member: Member,
    leaves: LeafRing,
    keys: Option<Keys>,
}

/// What the keys before the change seal and recognise envelopes with.
struct Before {
    lasting: LastingKeys,
    detection: DetectionKey,
}

/// What a device has of the new seed.
struct Keys {
    seed: Seed,
    lasting: LastingKeys,
    detection: DetectionKey,
    sending: Sending,
    /// The author's, at the other one.
    receiving: Option<Receiving>,
}

impl Device {
    fn draw(number: u32, chance: &mut ChaCha20Rng) -> Result<Self> {
        let key = DeviceKey::draw(chance);
        let mut leaves = LeafRing::new();
        leaves.renew(TODAY, 0, chance)?;
        let mut person = [0; 32];
        chance.fill_bytes(&mut person);
        let mut admission = [1; 32];
        admission[..4].copy_from_slice(&number.to_be_bytes());
        let member = Member {
            person: PersonId(person),
            admission,
            device: key.public(),
        };
        Ok(Self {
            key,
            member,
            leaves,
            keys: None,
        })
    }

    fn record(&self) -> Result<LeafRecord> {
        let record = self.leaves.record(&SPACE, &self.key);
        record.context("a device without a leaf key")
    }

    fn keys(&mut self) -> Result<&mut Keys> {
        self.keys.as_mut().context("no keys yet")
    }
}

impl Keys {
    fn of(seed: Seed, device: &Member, author: Option<&Member>) -> Result<Self> {
        let lasting = seed.lasting();
        let keys = Self {
            detection: lasting.detection(),
            sending: seed.sending(&device.device)?,
            receiving: author.map(|it| seed.receiving(&it.device)).transpose()?,
            lasting,
            seed,
        };
        black_box(keys.kept());
        Ok(keys)
    }

    /// What is kept of it, in bytes.
    fn kept(&self) -> usize {
        let receiving = self.receiving.as_ref().map_or(0, |it| it.to_bytes().len());
        let seed = self.seed.to_bytes().len() + self.lasting.to_bytes().len();
        seed + self.sending.to_bytes().len() + receiving
    }
}

impl Ours {
    /// So many members remain.
    pub fn new(size: usize) -> Result<Self> {
        let mut chance = ChaCha20Rng::seed_from_u64(size as u64);
        let mut draw = |number: usize| Device::draw(u32::try_from(number)?, &mut chance);
        let author = draw(0)?;
        let mut others = Vec::with_capacity(size);
        for number in 1..size {
            others.push(draw(number)?);
        }
        let members = [&author].into_iter().chain(&others);
        let members: Vec<Member> = members.map(|device| device.member).collect();
        let records = others.iter().map(Device::record);
        let records = records.collect::<Result<Vec<_>>>()?;
        // In the middle, so that neither the first pack nor the last is its own.
        let other = others.swap_remove(others.len() / 2);
        let seed = Seed::draw(SPACE, MemberRoot([9; 32]), &mut chance);
        let lasting = seed.lasting();
        let mut id = || {
            let mut id = [0; 32];
            chance.fill_bytes(&mut id);
            OperationId(id)
        };
        // As the engine does: the devices heard last, as many as an operation names. And a context that did not settle yet.
        let heads = MAX_HEADS.min(records.len()) as u64;
        let seen = (1..=heads).map(|sequence| Head {
            device: DeviceId(id().0),
            sequence,
            id: id(),
        });
        let fields = Fields {
            seen: seen.collect(),
            space: Some(id()),
            person: author.member.person,
            device: DeviceId(author.member.device),
            sequence: 100,
            previous: Some(id()),
            context: vec![id(), id()],
            time: u64::from(TODAY) * 86_400_000,
            expiry_day: TODAY + 60,
            body: Body::Return,
        };
        Ok(Self {
            before: Before {
                detection: lasting.detection(),
                lasting,
            },
            chance,
            members,
            records,
            author,
            other,
            fields,
            envelopes: Vec::new(),
            control_bytes: 0,
        })
    }

    fn sign(&self, body: Body) -> Result<Operation> {
        let mut fields = Fields {
            body,
            ..self.fields.clone()
        };
        // As the engine does: what travels beside every slice names who belongs, and no more.
        if let Body::Seed { .. } = fields.body {
            fields.seen.clear();
        }
        Ok(Operation::sign(fields, &self.author.key)?)
    }

    fn root(&self) -> Result<MemberRoot> {
        Ok(MemberRoot::of(&SPACE, self.members.iter().copied())?)
    }
}

impl Group for Ours {
    fn name(&self) -> &'static str {
        "komrade"
    }

    fn reset(&mut self) -> Result<()> {
        self.envelopes.clear();
        self.author.keys = None;
        self.other.keys = None;
        Ok(())
    }

    fn rekey(&mut self) -> Result<()> {
        let root = self.root()?;
        let seed = Seed::draw(SPACE, root, &mut self.chance);
        let commit = seed.commit().0;
        let operation = self.sign(Body::Seed {
            commit,
            member_root: root.0,
        })?;
        let keys = Keys::of(seed, &self.author.member, None)?;
        let slices = self.records.iter();
        let slices = slices.map(|record| keys.seed.slice(record.key(), &mut self.chance));
        let slices: Vec<Slice> = slices.collect::<Result<_, _>>()?;
        let first = keys
            .lasting
            .seal_control(operation.as_bytes(), &mut self.chance)?;
        self.control_bytes = first.len();
        let room = Class::ordinary(Size::K64).capacity();
        let room = room.saturating_sub(LOAD_BYTES + first.len());
        for slices in slices.chunks(slices_in(room).max(1)) {
            let control = keys
                .lasting
                .seal_control(operation.as_bytes(), &mut self.chance)?;
            let load = join(&control, &keys.seed.pack(slices)?)?;
            let detection = &self.before.detection;
            let envelope = seal(&self.before.lasting, detection, &load, &mut self.chance)?;
            self.envelopes.push(envelope);
        }
        self.author.keys = Some(keys);
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let mut found = None;
        for envelope in &self.envelopes {
            let load = open(&self.before.lasting, &self.before.detection, envelope)?;
            let (control, pack) = part(&load)?;
            match Pack::decode(pack)?.open(&SPACE, self.other.leaves.keys()) {
                Ok(seed) => found = Some((seed, control.to_vec())),
                Err(SliceError::NotForMe) => (),
                Err(error) => return Err(error.into()),
            }
        }
        let (mut seed, control) = found.context("no slice for the other one")?;
        let operation = seed.lasting().open_control(&control)?;
        let operation = Operation::decode(&operation)?;
        let Body::Seed { commit, .. } = operation.fields().body else {
            anyhow::bail!("another operation");
        };
        ensure!(commit == seed.commit().0, "another seed");
        seed.accept(&self.root()?)?;
        let author = self.author.member;
        self.other.keys = Some(Keys::of(seed, &self.other.member, Some(&author))?);
        Ok(())
    }

    fn encrypt(&mut self, text: &str) -> Result<Vec<u8>> {
        let operation = self.sign(Body::Text {
            text: text.to_owned(),
            reply_to: None,
            mentions: Vec::new(),
        })?;
        let chance = &mut self.chance;
        let keys = self.author.keys()?;
        let content = keys.sending.seal(operation.as_bytes(), chance)?;
        black_box(keys.sending.to_bytes());
        let load = join(&[], &content)?;
        seal(&keys.lasting, &keys.detection, &load, chance)
    }

    fn decrypt(&mut self, sealed: &[u8]) -> Result<Vec<u8>> {
        let author = self.author.member.device;
        let keys = self.other.keys()?;
        let load = open(&keys.lasting, &keys.detection, sealed)?;
        let (_, content) = part(&load)?;
        let receiving = keys.receiving.as_ref().context("nobody to hear")?;
        let opened = receiving.open(content)?;
        let operation = Operation::decode(&opened.plaintext)?;
        ensure!(operation.fields().device.0 == author, "another author");
        black_box(opened.next.to_bytes());
        keys.receiving = Some(opened.next);
        match &operation.fields().body {
            Body::Text { text, .. } => Ok(text.as_bytes().to_vec()),
            _ => anyhow::bail!("another operation"),
        }
    }

    fn state_bytes(&self) -> Result<usize> {
        let keys = self.other.keys.as_ref().context("no keys yet")?;
        let own = keys.kept() + self.other.leaves.to_bytes().len();
        // Of all others: their leaf keys, to be the next who changes the keys, and who they are.
        let others = self.records.len() * LEAF_RECORD_BYTES;
        Ok(own + others + self.members.len() * size_of::<Member>())
    }

    fn sent_bytes(&self) -> Result<Vec<(&'static str, usize)>> {
        let others = self.records.len();
        let loads = self.envelopes.len() * (LOAD_BYTES + self.control_bytes + PACK_OVERHEAD_BYTES);
        let sent: usize = self.envelopes.iter().map(Vec::len).sum();
        let homes_of = |most: usize| -> Result<usize> {
            let whole = padded(most, self.control_bytes)? * (others / most);
            match others % most {
                0 => Ok(whole),
                rest => Ok(whole + padded(rest, self.control_bytes)?),
            }
        };
        let a_pack = others.div_ceil(self.envelopes.len().max(1));
        // What it would be if the operation that tells of a seed acknowledged nothing.
        let mut headless = self.fields.clone();
        headless.seen.clear();
        headless.body = Body::Seed {
            commit: [0; 32],
            member_root: [0; 32],
        };
        let headless = Operation::sign(headless, &self.author.key)?;
        let headless = padded(1, headless.as_bytes().len() + CONTROL_OVERHEAD_BYTES)?;
        Ok(vec![
            ("sent", sent),
            ("sent-unpadded", loads + others * SLICE_BYTES),
            ("sent-homes-of-ten", homes_of(AT_A_HOME)?),
            ("sent-homes-of-one", homes_of(1)?),
            ("sent-homes-of-one-headless", headless * others),
            ("fetched", sent * others),
            (
                "fetched-homes-of-a-pack",
                padded(a_pack, self.control_bytes)? * others,
            ),
            ("fetched-homes-of-one", homes_of(1)?),
        ])
    }
}

/// The length of an envelope with so many slices beside a control message.
fn padded(slices: usize, control_bytes: usize) -> Result<usize> {
    let load = LOAD_BYTES + control_bytes + PACK_OVERHEAD_BYTES + slices * SLICE_BYTES;
    let class = Class::smallest_for(load, false).context("no envelope holds so many slices")?;
    Ok(class.size.bytes())
}

/// In place of the engine's frame: a length and two parts.
fn join(control: &[u8], rest: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(control.len())?.to_be_bytes();
    Ok([&length, control, rest].concat())
}

fn part(load: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = load.split_first_chunk().context("too short")?;
    let length = usize::try_from(u32::from_be_bytes(*length))?;
    rest.split_at_checked(length).context("too short")
}

fn seal(
    lasting: &LastingKeys,
    detection: &DetectionKey,
    load: &[u8],
    chance: &mut ChaCha20Rng,
) -> Result<Vec<u8>> {
    let mut nonce = [0; 12];
    chance.fill_bytes(&mut nonce);
    let class = Class::smallest_for(load.len(), false).context("too long for an envelope")?;
    let header = Header {
        class,
        bucket: 0,
        expiry: Day(TODAY + 30),
        nonce,
        hint: detection.hint(&nonce),
    };
    let padded = pad(load, class.padded_bytes())?;
    let sealed = lasting.outer().seal(&nonce, &header.encode(), &padded)?;
    Ok(Envelope::new(header, &sealed)?.into_bytes())
}

fn open(lasting: &LastingKeys, detection: &DetectionKey, envelope: &[u8]) -> Result<Vec<u8>> {
    let envelope = Envelope::decode(envelope.to_vec())?;
    let header = envelope.header();
    ensure!(detection.matches(&header.nonce, &header.hint), "not for us");
    let padded = lasting
        .outer()
        .open(&header.nonce, &header.encode(), envelope.ciphertext())?;
    Ok(unpad(&padded)?.to_vec())
}
