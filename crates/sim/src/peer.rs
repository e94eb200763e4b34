//! A peer: the shipped engine on a store in memory, with its clock, its relay and its deaths.
//!
//! Effects are carried out strictly in order. A *fuse* counts them: when it has burnt down, the device dies right
//! before an effect, or right after the commit that it was; so a death may fall on every boundary between a commit and
//! what follows it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use komrade_crypto::{audit, vault::Params};
use komrade_i2p::DestinationKeys;
use komrade_peer::{
    Address, Config, DialProgress, Effect, Engine, Input, LinkId, RelayId, RelayOrder, WorkJob,
};
use komrade_store::{
    Batch, Change, Lease, LeaseOutcome, Record, Store, Table, memory::MemoryStore,
};
use komrade_view::{
    Answer, CollectiveView, Command, ComradeId, ComradeView, Event as Told, FromEngine, HostStage,
    LinkState, MessageView, Millis, Refusal, RelayView, RouterStage, Secret, ToEngine, VaultState,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    SCALE,
    check::SEED,
    dice::Dice,
    relay::MOST_WORK_BITS,
    settings::{MINUTE, SECOND, Sabotage},
    stream::{End, Thing},
    world::{Event, World},
};

/// What an engine may take in memory: several times what the heaviest takes here, and less than a phone spares for a tab.
const MAX_ENGINE_BYTES: usize = 8 * 1024 * 1024;
/// What seals every vault here.
pub(crate) const PASSPHRASE: &str = "six words that nobody will guess";

/// Everything that a device keeps.
pub(crate) type Copy = Vec<(Table, Record)>;

pub(crate) struct Peer {
    engine: Option<Engine>,
    /// Grows with each start: what was meant for an earlier life is not delivered.
    pub life: u64,
    pub store: MemoryStore,
    lease: Option<Lease>,
    rng: ChaCha20Rng,
    /// How far its clock is wrong.
    pub skew: i64,
    /// Effects until it dies.
    pub fuse: Option<u32>,
    /// Its copies share its keys; only one of them is the person's.
    pub is_clone: bool,
    pub person: usize,

    /// The ways through the relays in use.
    pub ways: BTreeMap<RelayId, Way>,
    /// It reaches no relay until then.
    pub cut_until: Millis,
    pub links: BTreeMap<LinkId, u64>,
    next_incoming: u64,

    tick: Option<Millis>,
    inbox: VecDeque<Input>,
    next_command: u32,
    done: BTreeMap<u32, Result<Answer, Refusal>>,

    pub vault: Option<VaultState>,
    pub comrades: Vec<ComradeView>,
    pub collectives: Vec<CollectiveView>,
    pub person_id: Option<String>,
    /// What is said of its relays.
    pub relays: Vec<RelayView>,
    /// The records of seeds that it was seen to keep.
    seeds: BTreeSet<Vec<u8>>,
    /// Texts of others told to the screens in this life, by where they stand.
    pub told: BTreeMap<(ComradeId, u64), String>,
}

/// A device at a relay.
pub(crate) struct Way {
    /// The number of the relay, and the account there.
    pub relay: usize,
    pub account: [u8; 32],
    pub connected: bool,
    /// What is hosted there.
    address: Option<Address>,
}

/// A store in memory never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waited"),
    }
}

/// The origin of the relay of this number.
fn origin(relay: usize) -> String {
    format!("https://relay-{relay}.example")
}

/// The number of the relay of this origin, or of what begins with it.
pub(crate) fn number_of(origin: &str) -> Option<usize> {
    let rest = origin.strip_prefix("https://relay-")?;
    rest.split('.').next()?.parse().ok()
}

/// The join link of the relay of this number.
pub(crate) fn join_link(relay: usize) -> Secret {
    let secret = komrade_crypto::invite::JoinSecret::from_bytes([relay as u8; 16]);
    let link = komrade_crypto::invite::join_link(&origin(relay), &secret).unwrap();
    Secret::new(link.as_str())
}

impl World {
    /// A device for a person.
    pub(crate) fn add_peer(&mut self, person: usize) -> usize {
        self.peers.push(Peer {
            engine: None,
            life: 0,
            store: MemoryStore::new(),
            lease: None,
            rng: ChaCha20Rng::seed_from_u64(0),
            skew: 0,
            fuse: None,
            is_clone: false,
            person,
            ways: BTreeMap::new(),
            cut_until: 0,
            links: BTreeMap::new(),
            next_incoming: 1,
            tick: None,
            inbox: VecDeque::new(),
            next_command: 1,
            done: BTreeMap::new(),
            vault: None,
            comrades: Vec::new(),
            collectives: Vec::new(),
            person_id: None,
            relays: Vec::new(),
            seeds: BTreeSet::new(),
            told: BTreeMap::new(),
        });
        self.peers.len() - 1
    }

    /// Starts an engine on what the device keeps.
    pub(crate) fn start_peer(&mut self, at: usize) {
        self.stop_peer(at);
        self.note(format_args!("peer {at} starts"));
        let same = self.settings.sabotage == Some(Sabotage::SameNonces);
        let now_there = self.now;
        let peer = &mut self.peers[at];
        peer.life += 1;
        let stream = if same { 1 } else { peer.life };
        peer.rng = ChaCha20Rng::from_seed(
            Dice::new(self.settings.seed, 1_000 * (at as u64 + 1) + stream).bytes(),
        );
        peer.store = peer.store.reopen().unwrap();
        let owner = [at as u8; 16];
        let Ok(LeaseOutcome::Held(lease)) = now(peer.store.lease(owner, now_there, true)) else {
            panic!("the lease is free");
        };
        peer.lease = Some(lease);
        peer.engine = Some(Engine::new(Config {
            stretch: Params::FLOOR,
            ..Config::default()
        }));
        self.give(at, Input::Leading);
    }

    /// The tab is closed, or the power goes.
    pub(crate) fn stop_peer(&mut self, at: usize) {
        if self.peers[at].engine.is_none() {
            return;
        }
        self.note(format_args!("peer {at} stops"));
        let engine = self.peers[at].engine.take();
        self.weigh(at, engine);
        let peer = &mut self.peers[at];
        peer.life += 1;
        peer.inbox.clear();
        peer.done.clear();
        peer.tick = None;
        peer.fuse = None;
        peer.vault = None;
        peer.comrades.clear();
        peer.collectives.clear();
        peer.told.clear();
        peer.relays.clear();
        peer.ways.clear();
        for (_, stream) in std::mem::take(&mut self.peers[at].links) {
            self.break_stream(stream);
        }
    }

    /// What an engine took in memory goes with it.
    fn weigh(&mut self, at: usize, engine: Option<Engine>) {
        let Some(scale) = SCALE.get() else { return };
        let before = scale();
        drop(engine);
        let weight = before.saturating_sub(scale());
        let (count, heaviest) = self.weighed;
        self.weighed = (count + 1, heaviest.max(weight));
        if weight > MAX_ENGINE_BYTES {
            self.fail(format_args!("the engine of peer {at} took {weight} bytes"));
        }
    }

    pub(crate) fn is_running(&self, at: usize) -> bool {
        self.peers[at].engine.is_some()
    }

    pub(crate) fn is_open(&self, at: usize) -> bool {
        self.is_running(at) && self.peers[at].vault == Some(VaultState::Open)
    }

    /// Sets the device's clock.
    pub(crate) fn set_clock(&mut self, at: usize) {
        let skew = self.draw_skew();
        self.peers[at].skew = skew;
    }

    /// Puts a copy in the place of what the device keeps.
    pub(crate) fn put_back(&mut self, at: usize, copy: &Copy) {
        self.stop_peer(at);
        let store = MemoryStore::new();
        let Ok(LeaseOutcome::Held(lease)) = now(store.lease([0; 16], self.now, true)) else {
            panic!("the lease is free");
        };
        for records in copy.chunks(500) {
            let put = |(table, record): &(Table, Record)| Change::Put(*table, record.clone());
            let changes = records.iter().map(put).collect();
            now(store.commit(lease, &Batch { changes })).unwrap();
        }
        self.peers[at].store = store;
    }

    // --- commands ------------------------------------------------------------------------------

    /// Asks; `None` if the peer died before it answered, or has not answered yet.
    pub(crate) fn ask(&mut self, at: usize, command: Command) -> Option<Result<Answer, Refusal>> {
        if !self.is_running(at) {
            return None;
        }
        let id = self.peers[at].next_command;
        self.peers[at].next_command += 1;
        self.give(at, Input::Command(ToEngine { id, command }));
        self.peers[at].done.remove(&id)
    }

    /// Opens the vault, or cuts keys and seals one. Says whether it is open.
    pub(crate) fn open_vault(&mut self, at: usize) -> bool {
        let passphrase = || Secret::new(PASSPHRASE);
        match self.peers[at].vault {
            Some(VaultState::Open) => {}
            Some(VaultState::Absent) => {
                let name = format!("person {}", self.peers[at].person);
                self.ask(at, Command::CutKeys { name });
                self.ask(
                    at,
                    Command::SealVault {
                        passphrase: passphrase(),
                    },
                );
            }
            _ => {
                self.ask(
                    at,
                    Command::Unlock {
                        passphrase: passphrase(),
                    },
                );
            }
        }
        self.is_open(at)
    }

    // --- inputs and effects --------------------------------------------------------------------

    /// Gives an input to a running engine, and carries out what comes of it.
    pub(crate) fn give(&mut self, at: usize, input: Input) {
        if self.peers[at].engine.is_none() {
            return;
        }
        self.peers[at].inbox.push_back(input);
        if self.busy == Some(at) {
            return;
        }
        let before = self.busy.replace(at);
        let mut steps = 0;
        while let Some(input) = self.peers[at].inbox.pop_front() {
            steps += 1;
            assert!(steps < 100_000, "peer {at} does not come to rest");
            self.one_step(at, input);
        }
        self.busy = before;
        self.plan_tick(at);
    }

    fn one_step(&mut self, at: usize, input: Input) {
        let world_now = self.now;
        let peer = &mut self.peers[at];
        let Some(engine) = peer.engine.as_mut() else {
            return;
        };
        let life = peer.life;
        let clock = world_now.saturating_add_signed(peer.skew);
        engine.handle(clock, &mut peer.rng, input);
        self.ledger.sealed(audit::take());
        self.ledger.heard(audit::take_heard());
        while self.peers[at].life == life {
            let Some(effect) = self.peers[at].engine.as_mut().and_then(Engine::poll_effect) else {
                break;
            };
            let peer = &mut self.peers[at];
            let dies = match peer.fuse.as_mut() {
                Some(0) => true,
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            };
            if dies {
                let Effect::Commit(batch) = effect else {
                    self.note(format_args!("peer {at} dies before {effect:?}"));
                    return self.die(at);
                };
                let kept = self.dice.chance(500);
                self.note(format_args!("peer {at} dies at a commit, kept: {kept}"));
                if kept {
                    self.keep(at, &batch).expect("a batch that is taken");
                }
                return self.die(at);
            }
            self.carry_out(at, effect);
        }
    }

    fn die(&mut self, at: usize) {
        self.stop_peer(at);
        self.person_died(at);
    }

    fn keep(&mut self, at: usize, batch: &Batch) -> Result<(), komrade_store::StoreError> {
        let lease = self.peers[at].lease.expect("a lease");
        for change in &batch.changes {
            if let Change::Put(Table::Spaces, Record { key, .. }) = change
                && key.first() == Some(&SEED)
                && self.peers[at].seeds.insert(key.clone())
            {
                let seed = &key[key.len() - 32..];
                self.note(format_args!("peer {at} keeps seed {:02x?}", &seed[..2]));
            }
        }
        now(self.peers[at].store.commit(lease, batch))
    }

    fn plan_tick(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        let due = peer.engine.as_ref().and_then(Engine::poll_timeout);
        let Some(due) = due else { return };
        let due = due.saturating_add_signed(-peer.skew).max(self.now);
        if peer.tick.is_none_or(|planned| due < planned) {
            peer.tick = Some(due);
            let life = peer.life;
            self.at(due, Event::Tick { at, life, due });
        }
    }

    /// A planned tick: only the newest plan counts.
    pub(crate) fn tick(&mut self, at: usize, due: Millis) {
        let peer = &mut self.peers[at];
        if peer.tick != Some(due) {
            return;
        }
        peer.tick = None;
        let asked = peer.engine.as_ref().and_then(Engine::poll_timeout);
        let asked = asked.map(|asked| asked.saturating_add_signed(-peer.skew));
        match asked {
            Some(asked) if asked <= self.now => self.give(at, Input::Tick),
            _ => self.plan_tick(at),
        }
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Commit(batch) => {
                self.log.note(
                    self.now,
                    format_args!("peer {at} commits {}", batch.changes.len()),
                );
                self.log.batch(&batch);
                let batch = self.sabotaged(at, batch);
                let Some(batch) = batch else { return };
                if let Err(error) = self.keep(at, &batch) {
                    panic!("a batch of peer {at} was refused: {error}");
                }
            }
            Effect::Read { read, query } => {
                let records = now(self.peers[at].store.read(&query)).unwrap();
                self.peers[at]
                    .inbox
                    .push_back(Input::Records { read, records });
            }
            Effect::Stretch { stretch, job } => {
                // What Argon2id would make of it is as good as anything that only this passphrase gives.
                let key = Some(Zeroizing::new(Sha256::digest(job.to_bytes()).into()));
                self.peers[at]
                    .inbox
                    .push_back(Input::Stretched { stretch, key });
            }
            Effect::TakeLead => self.peers[at].inbox.push_back(Input::Leading),
            Effect::UseRelay { relay, order } => self.use_relay(at, relay, order),
            Effect::Reconnect => {
                for way in self.ways_of(at) {
                    self.try_relay(at, way);
                }
            }
            Effect::Host { relay, destination } => {
                let address = destination.map(|keys| {
                    let keys = DestinationKeys::parse(&keys).expect("keys of a destination");
                    *keys.address().as_bytes()
                });
                if let Some(way) = self.peers[at].ways.get_mut(&relay) {
                    way.address = address;
                }
            }
            Effect::Dial {
                relay,
                link,
                address,
                hint,
                psk,
            } => self.dial(at, (relay, link), address, hint, psk),
            Effect::Admit { link, psk } => self.admit(at, link, &psk),
            Effect::OpenNode {
                relay,
                link,
                address,
                ..
            } => self.open_node(at, relay, link, address),
            Effect::Work { work, job } => {
                let bits = job.bits.min(MOST_WORK_BITS);
                let job = WorkJob { bits, ..job };
                let nonce = job.search(0, u32::MAX).expect("work");
                self.peers[at]
                    .inbox
                    .push_back(Input::Worked { work, nonce });
            }
            Effect::Send { link, frame } => {
                self.log.note(
                    self.now,
                    format_args!("peer {at} sends {} kind {:?}", frame.len(), frame.get(1)),
                );
                self.log.bytes(&frame);
                if let Some(stream) = self.peers[at].links.get(&link).copied() {
                    let to = self.other_side(stream, at, link);
                    self.travel(stream, to, Thing::Frame(frame));
                }
            }
            Effect::Close(link) => {
                if let Some(stream) = self.peers[at].links.remove(&link) {
                    let by = 1 - self.other_side(stream, at, link);
                    self.close_stream(stream, by);
                }
            }
            Effect::Tell(told) => self.told(at, told),
            _ => panic!("an effect that this world does not know"),
        }
    }

    /// What a device does to a batch that is broken on purpose.
    fn sabotaged(&mut self, at: usize, mut batch: Batch) -> Option<Batch> {
        match self.settings.sabotage {
            Some(Sabotage::LostCommits) if self.dice.chance(20) => {
                self.note(format_args!("peer {at} loses a commit"));
                self.at(
                    self.now + SECOND,
                    Event::Kill {
                        at,
                        life: self.peers[at].life,
                    },
                );
                None
            }
            Some(Sabotage::LostReplicas) => {
                let is_replica = |change: &Change| match change {
                    Change::Put(Table::Waiting, record) => {
                        matches!(record.key.first(), Some(2 | 3))
                    }
                    _ => false,
                };
                batch.changes.retain(|change| !is_replica(change));
                Some(batch)
            }
            _ => Some(batch),
        }
    }

    fn told(&mut self, at: usize, told: FromEngine) {
        let peer = &mut self.peers[at];
        match told {
            FromEngine::Done { id, result } => {
                assert!(peer.done.insert(id, result).is_none(), "answered twice");
            }
            FromEngine::Event(Told::Vault(state)) => {
                self.log
                    .note(self.now, format_args!("peer {at} vault {state:?}"));
                peer.vault = Some(state);
            }
            FromEngine::Event(Told::Comrades(comrades)) => {
                for comrade in comrades.iter().filter(|it| !it.person.is_empty()) {
                    self.ledger.knows(peer.person, &comrade.person, self.now);
                }
                peer.comrades = comrades;
            }
            FromEngine::Event(Told::Collectives(all)) => peer.collectives = all,
            FromEngine::Event(Told::Profile(profile)) => peer.person_id = Some(profile.person),
            FromEngine::Event(Told::Route(route)) => peer.relays = route.relays,
            FromEngine::Event(Told::Message { comrade, message }) => {
                self.message_told(at, comrade, message);
            }
            FromEngine::Event(_) => {}
        }
    }

    fn message_told(&mut self, at: usize, comrade: ComradeId, message: MessageView) {
        if message.mine {
            return;
        }
        let (now, person) = (self.now, self.peers[at].person);
        self.note(format_args!("peer {at} shows {}", name(&message.text)));
        let place = (comrade, message.ordinal);
        self.peers[at].told.insert(place, message.text.clone());
        if !self.peers[at].is_clone {
            self.ledger.shown(now, person, &message.text);
        }
        let twice = self.peers[at]
            .told
            .iter()
            .any(|(other, text)| *other != place && *text == message.text);
        if twice {
            self.fail(format_args!(
                "peer {at} shows {} twice",
                name(&message.text)
            ));
        }
    }

    // --- the relay and links -------------------------------------------------------------------

    fn use_relay(&mut self, at: usize, id: RelayId, order: Option<RelayOrder>) {
        self.break_way(at, id);
        self.peers[at].ways.remove(&id);
        let Some(order) = order else {
            return self.peers[at]
                .inbox
                .push_back(Input::Relay(id, LinkState::NoRelay));
        };
        let way = Way {
            relay: number_of(&order.origin).expect("a relay of this world"),
            account: *order.account,
            connected: false,
            address: None,
        };
        self.peers[at].ways.insert(id, way);
        self.peers[at]
            .inbox
            .push_back(Input::Relay(id, LinkState::Connecting(self.now)));
        self.plan_reconnect(at, id, SECOND);
    }

    pub(crate) fn ways_of(&self, at: usize) -> Vec<RelayId> {
        self.peers[at].ways.keys().copied().collect()
    }

    /// All that a way carries breaks.
    fn break_way(&mut self, at: usize, id: RelayId) {
        let is = |end: &End| matches!(*end, End::Peer { at: it, way, .. } if it == at && way == id);
        for stream in self.streams_of(is) {
            self.break_stream(stream);
        }
    }

    fn plan_reconnect(&mut self, at: usize, way: RelayId, wait: Millis) {
        let life = self.peers[at].life;
        self.at(self.now + wait, Event::Reconnect { at, life, way });
    }

    /// The device tries a relay.
    pub(crate) fn try_relay(&mut self, at: usize, id: RelayId) {
        let peer = &self.peers[at];
        let Some(way) = peer.ways.get(&id).filter(|way| !way.connected) else {
            return;
        };
        let relay = way.relay;
        if !self.relays[relay].alive || peer.cut_until > self.now {
            let wait = self.dice.between(5 * SECOND, 2 * MINUTE);
            let clock = self.now.saturating_add_signed(peer.skew);
            let state = LinkState::Waiting {
                retry_at: clock + wait,
                failures: 1,
            };
            self.plan_reconnect(at, id, wait);
            return self.give(at, Input::Relay(id, state));
        }
        self.note(format_args!("peer {at} connects to relay {relay}"));
        if let Some(way) = self.peers[at].ways.get_mut(&id) {
            way.connected = true;
        }
        let since = self.now.saturating_add_signed(self.peers[at].skew);
        let round_trip = None;
        self.give(at, Input::Relay(id, LinkState::Up { since, round_trip }));
        self.tell_of_node(at, id);
        let ready = RouterStage::Ready { routers: 8 };
        self.give(at, Input::Router(id, ready));
        self.give(at, Input::Hosting(id, HostStage::Up { since }));
    }

    pub(crate) fn tell_of_node(&mut self, at: usize, id: RelayId) {
        let way = self.peers[at].ways.get(&id);
        if let Some(relay) = way.filter(|way| way.connected).map(|way| way.relay) {
            let info = self.node_info(relay);
            self.give(at, Input::Node(id, Some(info)));
        }
    }

    /// The connection to a relay is gone, and all links with it.
    pub(crate) fn lose_relay(&mut self, at: usize, id: RelayId) {
        let way = self.peers[at].ways.get_mut(&id);
        let Some(way) = way.filter(|way| way.connected) else {
            return;
        };
        way.connected = false;
        let relay = way.relay;
        self.note(format_args!("peer {at} loses relay {relay}"));
        self.break_way(at, id);
        let wait = self.dice.between(SECOND, 30 * SECOND);
        let retry_at = self.now.saturating_add_signed(self.peers[at].skew) + wait;
        let failures = 1;
        self.plan_reconnect(at, id, wait);
        let state = LinkState::Waiting { retry_at, failures };
        self.give(at, Input::Relay(id, state));
    }

    fn open_node(&mut self, at: usize, id: RelayId, link: LinkId, address: Option<Address>) {
        let way = self.peers[at].ways.get(&id);
        let own = way.filter(|way| way.connected).map(|way| way.relay);
        let found = match address {
            None => own,
            Some(address) => self.relays.iter().position(|it| it.address == address),
        };
        let (Some(_), Some(to)) = (own, found) else {
            let progress = DialProgress::Unreachable;
            return self.peers[at]
                .inbox
                .push_back(Input::Dialed { link, progress });
        };
        let ends = [
            self.end(at, id, link),
            End::Node {
                at: to,
                life: self.relays[to].life,
            },
        ];
        let stream = self.open_stream(ends, None);
        self.peers[at].links.insert(link, stream);
    }

    fn end(&self, at: usize, way: RelayId, link: LinkId) -> End {
        let life = self.peers[at].life;
        End::Peer {
            at,
            life,
            way,
            link,
        }
    }

    /// Which side of a stream is not this one.
    fn other_side(&self, stream: u64, at: usize, link: LinkId) -> usize {
        let life = self.peers[at].life;
        let is_own = |end: End| matches!(end, End::Peer { at: a, life: b, link: c, .. } if (a, b, c) == (at, life, link));
        let stream = self.streams.get(&stream);
        stream.map_or(1, |stream| usize::from(is_own(stream.ends[0])))
    }

    fn dial(
        &mut self,
        at: usize,
        (id, link): (RelayId, LinkId),
        address: Address,
        hint: komrade_peer::LinkHint,
        psk: Zeroizing<[u8; 32]>,
    ) {
        let hosted = |peer: &Peer| {
            let mut ways = peer.ways.iter().filter(|_| peer.engine.is_some());
            let found = ways.find(|(_, way)| way.connected && way.address == Some(address));
            found.map(|(way, _)| *way)
        };
        let mut peers = self.peers.iter().enumerate().filter(|(to, _)| *to != at);
        let found = peers.find_map(|(to, peer)| Some((to, hosted(peer)?)));
        let is_up = self.peers[at]
            .ways
            .get(&id)
            .is_some_and(|way| way.connected);
        let Some((to, there)) = found.filter(|_| is_up) else {
            let progress = DialProgress::Unreachable;
            return self.peers[at]
                .inbox
                .push_back(Input::Dialed { link, progress });
        };
        let incoming = LinkId(self.peers[to].next_incoming);
        self.peers[to].next_incoming += 2;
        let ends = [self.end(at, id, link), self.end(to, there, incoming)];
        let stream = self.open_stream(ends, Some(psk));
        self.hints.insert(stream, hint);
        self.peers[at].links.insert(link, stream);
    }

    /// A dial reaches a peer.
    pub(crate) fn peer_reached(&mut self, stream: u64, at: usize, relay: RelayId, link: LinkId) {
        let Some(hint) = self.hints.remove(&stream) else {
            return;
        };
        self.peers[at].links.insert(link, stream);
        self.give(at, Input::Incoming { link, relay, hint });
    }

    fn admit(&mut self, at: usize, link: LinkId, psk: &[u8; 32]) {
        let Some(id) = self.peers[at].links.get(&link).copied() else {
            return;
        };
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if stream.psk.as_deref() != Some(psk) {
            return self.break_stream(id);
        }
        stream.up = true;
        self.travel(id, 0, Thing::Opened);
        self.peers[at].inbox.push_back(Input::LinkUp(link));
    }
}

/// A text without what only fills it.
pub(crate) fn name(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}
