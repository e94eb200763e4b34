//! The **keys of a large collective**: how many seeds its devices draw in weeks in which all of them renew their leaf keys, and what
//! a change of members costs.
//!
//! Five hundred engines are too many for one machine (each keeps a copy of everybody's mail), so that devices are a model here, and
//! only here: a session now and then, and what they heard. Who belongs is computed by the shipped governance
//! (`komrade_social::collective`), from signed operations. Seeds, slices, packs and leaf keys are the shipped ones
//! (`komrade_crypto::group`), and so are the rules that say when a seed is drawn, after which wait, and which is used
//! (`komrade_crypto::group::rules`): the model asks them where the engine does. That the engine itself keeps to them is shown at the
//! size of the other worlds.
//!
//! # What happens
//!
//! Everybody looks in three times in a day, for two hours, and says something in a third of these sessions. Half a minute later, or up to ten, what
//! their device does by itself is due: a leaf key that is a week old is renewed. In the first two weeks nobody comes or goes. In each
//! week after that some come in, each by a vouch, and as many are removed, each by the ballots of more than half of all.
//!
//! An admission brings a seed with it: the device that passes the newcomer on draws it at once. After a removal everybody who is there waits up
//! to a minute, and whoever is first spares the others their own, as far as it reaches them in time.

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::{
    day_of,
    group::{
        CONTROL_OVERHEAD_BYTES, Commit, LEAF_RECORD_BYTES, LeafRecord, LeafRing, Member,
        MemberRoot, PACK_OVERHEAD_BYTES, Pack, SLICE_BYTES, Seed, Slice, Space,
        rules::{self, Candidate, Reseed},
        slices_in,
    },
    identity::{DeviceCertificate, DeviceKey, PersonId, RecoveryWords},
};
use komrade_ether::{Class, Size};
use komrade_social::{
    DeviceId, Head, MAX_HEADS, OperationId,
    collective::{
        Body, Choice, Collective, Fields, MAX_FOUNDERS, Operation, Subject, Taken, Template,
    },
};
use komrade_view::Millis;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::{
    dice::Dice,
    settings::{DAY, HOUR, MINUTE, SECOND},
    world::START,
};

/// The most members, so that those who come in have room.
pub const MOST: usize = komrade_social::collective::MAX_MEMBERS - MOVING_WEEKS * CHANGES;
/// Weeks without any change of members.
pub const CALM_WEEKS: usize = 2;
/// Weeks with some.
pub const MOVING_WEEKS: usize = 2;
/// Of each sort in such a week.
pub const CHANGES: usize = 3;
/// Seeds that age alone calls for in a week, and those that cross on the way.
pub const MOST_CALM: usize = 4;
/// Members at one relay, as in the light model of traffic.
const AT_A_RELAY: usize = 50;
/// How long one looks in, and how long not, on average.
const SESSION: Millis = 2 * HOUR;
const PAUSE: Millis = 6 * HOUR;
/// The way of an envelope: to one's own relay, over I2P, to the other device.
const REACH: (Millis, Millis) = (SECOND, 8 * SECOND);
/// What the engine writes around control message and pack, in bytes.
const LOAD_BYTES: usize = 32;

/// What came of a week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Week {
    /// Members at its end.
    pub members: usize,
    /// Admissions and removals.
    pub admitted: usize,
    /// See there.
    pub removed: usize,
    /// Leaf keys that were renewed.
    pub leaves: usize,
    /// Seeds that were drawn: with an admission, after a removal, for their age.
    pub seeds: (usize, usize, usize),
    /// Bytes of padded envelopes that carried seeds.
    pub seed_bytes: u64,
    /// The same of leaf keys.
    pub leaf_bytes: u64,
    /// The same of operations of who belongs, each for all homes.
    pub operation_bytes: u64,
}

/// A person with a device.
struct Device {
    person: PersonId,
    key: DeviceKey,
    certificate: DeviceCertificate,
    sequence: u64,
    previous: Option<OperationId>,
    leaves: LeafRing,
    record: Option<LeafRecord>,
    is_member: bool,
    is_there: bool,
    /// Which members it knows of, by how often they changed.
    version: usize,
    is_shrunk: bool,
    seeds: Vec<Candidate>,
    reseed_at: Option<Millis>,
    /// So much of what was sent was heard.
    heard: usize,
}

/// What all devices are told.
#[derive(Clone)]
enum News {
    /// The members are others: their number, and whether somebody went.
    Members(usize, bool),
    Seed(Candidate),
}

enum Event {
    Begin(usize),
    End(usize),
    Duty(usize),
    Word(usize),
    Hear(usize, usize),
    Reseed(usize, Millis),
    Admit,
    Remove,
}

struct Model {
    dice: Dice,
    chance: ChaCha20Rng,
    now: Millis,
    queue: BTreeMap<(Millis, u64), Event>,
    next: u64,
    devices: Vec<Device>,
    collective: Collective,
    space: Space,
    /// The members after each change.
    roots: Vec<MemberRoot>,
    sent: Vec<(Millis, News)>,
    heads: Vec<Head>,
    week: Week,
    /// See [`weeks`].
    waits: bool,
}

impl Device {
    fn draw(number: usize, chance: &mut ChaCha20Rng) -> Self {
        let mut words = [0; 32];
        words[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let root = RecoveryWords::from_bytes(words).root();
        let key = DeviceKey::draw(chance);
        Self {
            person: root.person(),
            certificate: root.certify(&key.public(), day_of(START)),
            key,
            sequence: 0,
            previous: None,
            leaves: LeafRing::new(),
            record: None,
            is_member: false,
            is_there: false,
            version: 0,
            is_shrunk: false,
            seeds: Vec::new(),
            reseed_at: None,
            heard: 0,
        }
    }

    fn fields(
        &self,
        collective: Option<&Collective>,
        heads: &[Head],
        time: Millis,
        body: Body,
    ) -> Fields {
        let expiry_day = match body.is_control() {
            true => u32::MAX,
            false => day_of(time) + rules::LASTING_DAYS,
        };
        Fields {
            space: collective.map(Collective::space),
            person: self.person,
            device: DeviceId(self.key.public()),
            sequence: self.sequence + 1,
            previous: self.previous,
            seen: heads.to_vec(),
            context: collective.map(Collective::heads).unwrap_or_default(),
            time,
            expiry_day,
            body,
        }
    }

    fn sign(&mut self, fields: Fields) -> Operation {
        let operation = Operation::sign(fields, &self.key).expect("an operation");
        self.sequence += 1;
        self.previous = Some(operation.id());
        operation
    }
}

/// The padded size of an envelope with so many bytes in it.
fn envelope(bytes: usize) -> u64 {
    let class = Class::smallest_for(LOAD_BYTES + bytes, false);
    class.expect("it fits").size.bytes() as u64
}

impl Model {
    /// So many members, of whom the first few founded it.
    fn new(members: usize, spare: usize, waits: bool) -> Self {
        let mut chance = ChaCha20Rng::seed_from_u64(members as u64);
        let count = members + spare;
        let mut devices: Vec<Device> = (0..count).map(|it| Device::draw(it, &mut chance)).collect();
        let founders = MAX_FOUNDERS.min(members);
        let certificates: Vec<_> = devices[..founders]
            .iter()
            .map(|it| it.certificate.clone())
            .collect();
        let genesis = Body::Genesis {
            name: "Tenants".to_owned(),
            constitution: Box::new(Template::OpenAssembly.constitution(founders, "")),
            founders: certificates,
        };
        let fields = devices[0].fields(None, &[], START, genesis);
        let genesis = devices[0].sign(fields);
        let collective = Collective::found(genesis).expect("a collective");
        let space = Space::collective(collective.space().0);
        let mut model = Self {
            dice: Dice::new(members as u64, 0),
            chance,
            now: START,
            queue: BTreeMap::new(),
            next: 0,
            devices,
            collective,
            space,
            roots: Vec::new(),
            sent: Vec::new(),
            heads: Vec::new(),
            week: Week::default(),
            waits,
        };
        for at in 0..members {
            if at >= founders {
                model.now += MINUTE;
                // Nobody proposes or vouches more than they may.
                model.let_in(at, at - 2 - at % 8);
            }
            model.devices[at].is_member = true;
            model.renew_leaf(at);
        }
        model.roots.push(model.root());
        let first = model.draw_seed(0);
        for at in 0..members {
            // Not all on one day.
            let age = model.dice.below(7) as u32;
            let device = &mut model.devices[at];
            device.leaves = LeafRing::new();
            let day = day_of(model.now).saturating_sub(age);
            device
                .leaves
                .renew(day, 0, &mut model.chance)
                .expect("a leaf");
            device.record = device.leaves.record(&model.space, &device.key);
            device.seeds.push(first);
            let begins = model.dice.below(PAUSE);
            model.at(model.now + begins, Event::Begin(at));
        }
        model.week = Week::default();
        model
    }

    fn at(&mut self, time: Millis, event: Event) {
        self.queue.insert((time, self.next), event);
        self.next += 1;
    }

    // --- who belongs ---------------------------------------------------------------------------

    fn root(&self) -> MemberRoot {
        let members = self.collective.members().into_iter().flat_map(|member| {
            let devices = member.devices.into_iter();
            devices.map(move |device| Member {
                person: member.person,
                admission: member.admission.0,
                device: device.0,
            })
        });
        MemberRoot::of(&self.space, members).expect("members")
    }

    fn homes(&self) -> u64 {
        let members = self.devices.iter().filter(|it| it.is_member);
        members.count().div_ceil(AT_A_RELAY) as u64
    }

    /// Somebody says something that concerns who belongs.
    fn say(&mut self, at: usize, body: Body) -> OperationId {
        self.now += 10;
        let fields = self.devices[at].fields(Some(&self.collective), &self.heads, self.now, body);
        let operation = self.devices[at].sign(fields);
        let (id, sequence) = (operation.id(), operation.fields().sequence);
        let bytes = operation.as_bytes().len() + CONTROL_OVERHEAD_BYTES;
        self.week.operation_bytes += self.homes() * envelope(bytes);
        let outcome = self.collective.insert(operation);
        assert_eq!(outcome.taken, Taken::New);
        self.heads.push(Head {
            device: DeviceId(self.devices[at].key.public()),
            sequence,
            id,
        });
        let device = DeviceId(self.devices[at].key.public());
        let last = self.heads.len() - 1;
        let mut place = 0;
        self.heads.retain(|head| {
            place += 1;
            head.device != device || place - 1 == last
        });
        if self.heads.len() > MAX_HEADS {
            self.heads.remove(0);
        }
        id
    }

    fn let_in(&mut self, at: usize, by: usize) {
        let subject = Subject::Admit {
            person: self.devices[at].person,
            name: format!("person {at}"),
        };
        let reason = String::new();
        let proposal = self.say(by, Body::Propose { subject, reason });
        // As many vouches as the rules ask for.
        let mut vouchers = self.members();
        let first = vouchers.iter().position(|it| *it == by);
        vouchers.rotate_left(first.unwrap_or_default());
        for voucher in vouchers {
            let standing = self.collective.standing(proposal, self.now);
            if standing.expect("a proposal").vouches_missing == 0 {
                break;
            }
            let reason = String::new();
            self.say(voucher, Body::Vouch { proposal, reason });
        }
        let certificate = self.devices[at].certificate.clone();
        self.say(
            at,
            Body::Accept {
                proposal,
                certificate,
            },
        );
        self.devices[at].is_member = true;
        self.renew_leaf(at);
    }

    fn members_changed(&mut self, is_shrunk: bool) {
        self.roots.push(self.root());
        self.tell(News::Members(self.roots.len() - 1, is_shrunk));
    }

    fn admit(&mut self) {
        let Some(at) = (0..self.devices.len()).find(|it| self.devices[*it].sequence == 0) else {
            return;
        };
        let by = self.somebody_there();
        self.let_in(at, by);
        self.week.admitted += 1;
        self.members_changed(false);
        let version = self.roots.len() - 1;
        self.devices[by].version = version;
        self.devices[by].reseed_at = None;
        let seed = self.draw_seed(by);
        self.week.seeds.0 += 1;
        let device = &mut self.devices[at];
        (device.version, device.heard) = (version, self.sent.len());
        device.seeds.push(seed);
        self.tell(News::Seed(seed));
        self.at(self.now + HOUR, Event::Begin(at));
    }

    fn remove(&mut self) {
        let members = self.members();
        let goes = members[self.dice.index(members.len())];
        let by = self.somebody_there();
        if by == goes {
            return self.remove();
        }
        let subject = Subject::Remove {
            person: self.devices[goes].person,
        };
        let reason = String::new();
        let proposal = self.say(by, Body::Propose { subject, reason });
        for voter in members.into_iter().filter(|it| *it != goes) {
            let standing = self.collective.standing(proposal, self.now);
            if standing.expect("a proposal").ballots_missing == 0 {
                break;
            }
            let choice = Choice::Yes;
            self.say(voter, Body::Ballot { proposal, choice });
        }
        self.say(by, Body::Enact { proposal });
        self.devices[goes].is_member = false;
        self.devices[goes].is_there = false;
        self.week.removed += 1;
        self.members_changed(true);
        let version = self.roots.len() - 1;
        self.learn_members(by, version, true);
    }

    fn members(&self) -> Vec<usize> {
        let all = 0..self.devices.len();
        all.filter(|it| self.devices[*it].is_member).collect()
    }

    fn somebody_there(&mut self) -> usize {
        let members = self.members();
        let there: Vec<usize> = {
            let members = members.iter().copied();
            members.filter(|it| self.devices[*it].is_there).collect()
        };
        match there.is_empty() {
            true => members[self.dice.index(members.len())],
            false => there[self.dice.index(there.len())],
        }
    }

    // --- keys ----------------------------------------------------------------------------------

    fn renew_leaf(&mut self, at: usize) {
        let today = day_of(self.now);
        let homes = self.homes();
        let device = &mut self.devices[at];
        let seen = device.record.as_ref().map_or(0, LeafRecord::number);
        device
            .leaves
            .renew(today, seen, &mut self.chance)
            .expect("a leaf");
        device.record = device.leaves.record(&self.space, &device.key);
        self.week.leaves += 1;
        self.week.leaf_bytes += homes * envelope(LEAF_RECORD_BYTES + CONTROL_OVERHEAD_BYTES);
    }

    /// Draws a seed for the members that this device knows of, and packs it for every home. Somebody opens it.
    fn draw_seed(&mut self, at: usize) -> Candidate {
        let root = self.roots[self.devices[at].version];
        let seed = Seed::draw(self.space, root, &mut self.chance);
        let body = Body::Seed {
            commit: seed.commit().0,
            member_root: root.0,
        };
        let fields = self.devices[at].fields(Some(&self.collective), &self.heads, self.now, body);
        let told = self.devices[at].sign(fields).as_bytes().len() + CONTROL_OVERHEAD_BYTES;
        let room = Class::ordinary(Size::K64).capacity() - LOAD_BYTES - told;
        let members = self.members();
        let others: Vec<usize> = members.into_iter().filter(|it| *it != at).collect();
        let reader = others[self.dice.index(others.len().max(1)).min(others.len() - 1)];
        let mut is_read = false;
        for home in others.chunks(AT_A_RELAY) {
            for some in home.chunks(slices_in(room)) {
                let slices: Vec<Slice> = some
                    .iter()
                    .map(|it| {
                        let record = self.devices[*it].record.as_ref().expect("a leaf");
                        let slice = seed.slice(record.key(), &mut self.chance);
                        slice.expect("a slice")
                    })
                    .collect();
                let pack = seed.pack(&slices).expect("a pack");
                assert_eq!(pack.len(), PACK_OVERHEAD_BYTES + slices.len() * SLICE_BYTES);
                self.week.seed_bytes += envelope(told + pack.len());
                if some.contains(&reader) {
                    let pack = Pack::decode(&pack).expect("a pack");
                    let opened = pack.open(&self.space, self.devices[reader].leaves.keys());
                    let mut opened = opened.expect("a slice for them");
                    opened.accept(&root).expect("for the same members");
                    is_read = true;
                }
            }
        }
        assert!(is_read, "nobody reads the seed");
        let candidate = Candidate {
            commit: seed.commit(),
            root,
            since: day_of(self.now),
            height: self.now,
        };
        self.take_seed(at, candidate);
        candidate
    }

    fn take_seed(&mut self, at: usize, seed: Candidate) {
        let today = day_of(self.now);
        let device = &mut self.devices[at];
        let is_known = |it: &Candidate| it.commit == seed.commit;
        if !device.seeds.iter().any(is_known) {
            device.seeds.push(seed);
        }
        let is_kept = |it: &Candidate| rules::phase(it.since, today) <= rules::Phase::Aging;
        device.seeds.retain(is_kept);
    }

    /// As the engine minds its keys, whenever members, seeds or the day are others.
    fn mind_keys(&mut self, at: usize) {
        let (today, now) = (day_of(self.now), self.now);
        let device = &mut self.devices[at];
        let root = self.roots[device.version];
        match rules::reseed(&device.seeds, &root, today) {
            Reseed::No => (device.reseed_at, device.is_shrunk) = (None, false),
            Reseed::Invited => {}
            Reseed::Forced => {
                let wait = match self.waits {
                    true => rules::wait_millis(device.is_shrunk, &mut self.chance),
                    false => 0,
                };
                let then = now + Millis::from(wait);
                let then = device.reseed_at.map_or(then, |before| before.min(then));
                device.reseed_at = Some(then);
            }
        }
        if let Some(then) = self.devices[at].reseed_at {
            self.at(then, Event::Reseed(at, then));
        }
    }

    /// The same with the person's next word.
    fn word(&mut self, at: usize) {
        let (today, now) = (day_of(self.now), self.now);
        let device = &mut self.devices[at];
        let root = self.roots[device.version];
        match rules::reseed(&device.seeds, &root, today) {
            Reseed::Forced => self.reseed(at),
            Reseed::Invited if device.reseed_at.is_none() => {
                let wait = rules::wait_millis(false, &mut self.chance);
                let then = now + Millis::from(wait);
                device.reseed_at = Some(then);
                self.at(then, Event::Reseed(at, then));
            }
            _ => {}
        }
    }

    fn reseed(&mut self, at: usize) {
        let device = &mut self.devices[at];
        device.reseed_at = None;
        let root = self.roots[device.version];
        // What it is for: another member set, or the age of the seed in use.
        match device.seeds.iter().any(|it| it.root == root) {
            true => self.week.seeds.2 += 1,
            false => self.week.seeds.1 += 1,
        }
        let seed = self.draw_seed(at);
        self.mind_keys(at);
        self.tell(News::Seed(seed));
    }

    // --- what is heard -------------------------------------------------------------------------

    fn tell(&mut self, news: News) {
        self.sent.push((self.now, news));
        let number = self.sent.len() - 1;
        for at in self.members() {
            if self.devices[at].is_there {
                let reach = self.dice.between(REACH.0, REACH.1);
                self.at(self.now + reach, Event::Hear(at, number));
            }
        }
    }

    fn hear(&mut self, at: usize, number: usize) {
        match self.sent[number].1.clone() {
            News::Members(version, is_shrunk) => self.learn_members(at, version, is_shrunk),
            News::Seed(seed) => {
                self.take_seed(at, seed);
                self.mind_keys(at);
            }
        }
    }

    fn learn_members(&mut self, at: usize, version: usize, is_shrunk: bool) {
        let device = &mut self.devices[at];
        if version > device.version {
            device.version = version;
            device.is_shrunk |= is_shrunk;
            self.mind_keys(at);
        }
    }

    fn happen(&mut self, event: Event) {
        let is_there =
            |model: &Self, at: usize| model.devices[at].is_member && model.devices[at].is_there;
        match event {
            Event::Begin(at) if self.devices[at].is_member => {
                self.devices[at].is_there = true;
                let ends = self.dice.around(SESSION);
                self.at(self.now + ends, Event::End(at));
                for number in self.devices[at].heard..self.sent.len() {
                    let comes = self.sent[number].0 + REACH.1;
                    if comes <= self.now {
                        self.devices[at].heard = number + 1;
                        self.hear(at, number);
                    } else {
                        self.at(comes, Event::Hear(at, number));
                    }
                }
                let duty = self.dice.around(5 * MINUTE);
                self.at(self.now + duty, Event::Duty(at));
                if self.dice.chance(300) {
                    let wait = self.dice.below(ends.max(1));
                    self.at(self.now + wait, Event::Word(at));
                }
            }
            Event::End(at) => {
                self.devices[at].is_there = false;
                let begins = self.dice.around(PAUSE);
                self.at(self.now + begins, Event::Begin(at));
            }
            Event::Duty(at) if is_there(self, at) => {
                if self.devices[at].leaves.is_due(day_of(self.now)) {
                    self.renew_leaf(at);
                }
                self.mind_keys(at);
            }
            Event::Word(at) if is_there(self, at) => self.word(at),
            Event::Hear(at, number) if is_there(self, at) => self.hear(at, number),
            Event::Reseed(at, planned)
                if is_there(self, at) && self.devices[at].reseed_at == Some(planned) =>
            {
                self.reseed(at);
            }
            Event::Admit => self.admit(),
            Event::Remove => self.remove(),
            _ => {}
        }
    }

    fn live(&mut self, changes: usize) -> Week {
        let end = self.now + 7 * DAY;
        for _ in 0..changes {
            let (admits, removes) = (self.dice.below(6 * DAY), self.dice.below(6 * DAY));
            self.at(self.now + admits, Event::Admit);
            self.at(self.now + removes, Event::Remove);
        }
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((time, _), event) = entry.remove_entry();
            self.now = self.now.max(time);
            self.happen(event);
        }
        self.now = self.now.max(end);
        let week = std::mem::take(&mut self.week);
        Week {
            members: self.collective.members().len(),
            ..week
        }
    }

    /// All who know everything use one seed.
    fn chosen(&mut self) -> BTreeSet<Option<Commit>> {
        let today = day_of(self.now);
        for at in self.members() {
            for number in 0..self.sent.len() {
                self.hear(at, number);
            }
        }
        let members = self.members().into_iter();
        let chosen = members.map(|at| {
            let device = &self.devices[at];
            let seed = rules::choose(&device.seeds, &self.roots[device.version], today);
            seed.map(|it| it.commit)
        });
        chosen.collect()
    }
}

/// Lives through weeks of a collective of so many members. A sabotage: nobody `waits` for others before they draw a seed.
pub fn weeks(members: usize, waits: bool) -> Vec<Week> {
    let mut model = Model::new(members, MOVING_WEEKS * CHANGES, waits);
    let calm = (0..CALM_WEEKS).map(|_| 0);
    let moving = (0..MOVING_WEEKS).map(|_| CHANGES);
    let weeks = calm
        .chain(moving)
        .map(|changes| model.live(changes))
        .collect();
    let chosen = model.chosen();
    assert_eq!(
        chosen.len(),
        1,
        "devices that know the same use other seeds"
    );
    weeks
}

/// What is too much: seeds in a week in which nobody came or went, and seeds for each who went.
pub fn storms(weeks: &[Week]) -> Vec<String> {
    let mut storms = Vec::new();
    for (at, week) in weeks.iter().enumerate() {
        let (admitting, removing, aging) = week.seeds;
        let most = week.removed * most_after_a_removal(week.members);
        if aging > MOST_CALM {
            storms.push(format!("week {at}: {aging} seeds for their age"));
        }
        if admitting > week.admitted {
            storms.push(format!(
                "week {at}: {admitting} seeds with {} admissions",
                week.admitted
            ));
        }
        if removing > most {
            storms.push(format!(
                "week {at}: {removing} seeds after {} removals",
                week.removed
            ));
        }
    }
    storms
}

/// How many seeds may cross after somebody went: of those who are there, all whose wait of up to a minute ends before the first
/// one's seed reached them, and twice as many by chance.
fn most_after_a_removal(members: usize) -> usize {
    let there = members as u64 * SESSION / (SESSION + PAUSE);
    let crossing = there * REACH.1 / u64::from(rules::MAX_URGENT_WAIT_MILLIS);
    2 * (1 + crossing as usize)
}
