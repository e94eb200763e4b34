//! A small deterministic world: shipped engines, memory stores, a virtual clock, streams as pairs
//! of queues.
//!
//! What it does not have is the network: a dial reaches whoever registered the address with a relay
//! and is running, and succeeds if both ends name the same key. Frames arrive in order unless a
//! test meddles with them.

mod network;
mod relay;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use komrade_crypto::vault::Params;
use komrade_peer::{Address, Config, Effect, Engine, Input, LinkHint, LinkId, RelayId};
use komrade_store::memory::{Cut, MemoryStore};
use komrade_store::{Batch, Change, Lease, LeaseOutcome, Record, Store, Table};
use komrade_view::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zeroize::Zeroizing;

pub const PASSPHRASE: &str = "six words that nobody will guess";
pub const START: Millis = 1_800_000_000_000;
pub const SECOND: Millis = 1_000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;
/// When what was told of homes was said again twice, and neither that nor new keys are due for three days.
pub const SETTLED: Millis = 3 * DAY + 12 * HOUR;

/// What may happen to a frame on its way.
pub type Meddle = Box<dyn FnMut(usize, Vec<u8>) -> Vec<Vec<u8>>>;

/// Frames, each with the link that it comes on.
pub type Frames = Vec<(LinkId, Vec<u8>)>;

pub struct World {
    pub now: Millis,
    pub peers: Vec<Peer>,
    seed: u64,
    queue: VecDeque<(usize, u64, Input)>,
    stretched: BTreeMap<Vec<u8>, Zeroizing<[u8; 32]>>,
    next_command: u32,
    /// Sees every frame with its sender; gives what arrives.
    pub meddle: Option<Meddle>,
    /// Relays that have a node, by number; others only carry streams.
    pub relays: BTreeMap<usize, relay::Relay>,
    /// Answers of nodes to this peer that are still on their way.
    pub held: Option<(usize, Frames)>,
    /// Of each pair the first relay does not reach the second.
    pub parted: BTreeSet<(usize, usize)>,
    /// These relays do not answer what is put.
    pub silent: BTreeSet<usize>,
    /// These relays have lost their log: they give only what they are asked for.
    pub without_log: BTreeSet<usize>,
    /// What nodes were told.
    pub frames_to_nodes: Vec<komrade_ether::Frame>,
    /// Every effect of every engine but contents, in order.
    pub transcript: Vec<String>,
    /// What announced each dial, in order.
    pub hints: Vec<LinkHint>,
}

pub struct Peer {
    engine: Option<Engine>,
    /// Grows with every restart: inputs of an earlier life are not delivered.
    life: u64,
    pub store: MemoryStore,
    lease: Option<Lease>,
    rng: ChaCha20Rng,
    ends: BTreeMap<LinkId, End>,
    next_incoming: u64,
    /// Through which relays it is to be connected.
    ways: BTreeMap<RelayId, Way>,
    /// It reaches its relays.
    pub online: bool,
    /// How far its clock is wrong.
    pub skew: i64,
    /// Its relay leads every dial back to itself.
    pub reflected: bool,
    /// What the screens know.
    pub vault: Option<VaultState>,
    pub comrades: Vec<ComradeView>,
    pub invites: Vec<InviteView>,
    pub collectives: Vec<CollectiveView>,
    pub introductions: Vec<IntroductionView>,
    pub circles: Vec<CircleView>,
    pub profile: Option<ProfileView>,
    pub route: Option<RouteView>,
    pub messages: Vec<(ComradeId, MessageView)>,
    pub route_events: usize,
    pub orders: Vec<String>,
    pub frames_sent: usize,
    done: BTreeMap<u32, Result<Answer, Refusal>>,
}

/// A peer at a relay.
#[derive(Default)]
struct Way {
    /// The number of the relay, if it has one.
    relay: Option<usize>,
    account: [u8; 32],
    join_secret: [u8; 16],
    /// What is hosted for it.
    address: Option<Address>,
    /// It reaches the relay.
    connected: bool,
}

struct End {
    /// Through which relay this side has it.
    way: RelayId,
    peer: usize,
    link: LinkId,
    up: bool,
    /// Of a dial: the key that the other side must prove.
    psk: Option<Zeroizing<[u8; 32]>>,
}

/// The memory store never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waited"),
    }
}

impl World {
    pub fn new(seed: u64, peers: usize) -> Self {
        let mut world = Self {
            now: START,
            peers: Vec::new(),
            seed,
            queue: VecDeque::new(),
            stretched: BTreeMap::new(),
            next_command: 1,
            meddle: None,
            relays: BTreeMap::new(),
            held: None,
            parted: BTreeSet::new(),
            silent: BTreeSet::new(),
            without_log: BTreeSet::new(),
            frames_to_nodes: Vec::new(),
            transcript: Vec::new(),
            hints: Vec::new(),
        };
        for _ in 0..peers {
            world.add_peer();
        }
        world
    }

    pub fn add_peer(&mut self) -> usize {
        let at = self.peers.len();
        self.peers.push(Peer {
            engine: None,
            life: 0,
            store: MemoryStore::new(),
            lease: None,
            rng: ChaCha20Rng::seed_from_u64(0),
            ends: BTreeMap::new(),
            next_incoming: 1,
            ways: BTreeMap::new(),
            online: true,
            skew: 0,
            reflected: false,
            vault: None,
            comrades: Vec::new(),
            invites: Vec::new(),
            collectives: Vec::new(),
            introductions: Vec::new(),
            circles: Vec::new(),
            profile: None,
            route: None,
            messages: Vec::new(),
            route_events: 0,
            orders: Vec::new(),
            frames_sent: 0,
            done: BTreeMap::new(),
        });
        self.start(at);
        at
    }

    // --- lives ---------------------------------------------------------------------------------

    /// Starts an engine on the peer's store, with a random stream of its own.
    pub fn start(&mut self, at: usize) {
        self.stop(at);
        let life = self.peers[at].life + 1;
        let seed = self.seed.wrapping_mul(1_000_003) + 1_000 * at as u64 + life;
        let peer = &mut self.peers[at];
        peer.store = peer.store.reopen().unwrap();
        let owner = [at as u8; 16];
        let LeaseOutcome::Held(lease) = now(peer.store.lease(owner, self.now, true)).unwrap()
        else {
            panic!("the lease is free");
        };
        peer.lease = Some(lease);
        peer.life = life;
        peer.rng = ChaCha20Rng::seed_from_u64(seed);
        peer.engine = Some(Engine::new(Config {
            stretch: Params::FLOOR,
            ..Config::default()
        }));
        self.push(at, Input::Leading);
        self.drain();
    }

    /// The tab is closed, or the power goes.
    pub fn stop(&mut self, at: usize) {
        self.peers[at].engine = None;
        self.peers[at].ways.clear();
        self.peers[at].comrades.clear();
        self.peers[at].invites.clear();
        self.peers[at].collectives.clear();
        self.peers[at].introductions.clear();
        self.peers[at].circles.clear();
        let links: Vec<LinkId> = self.peers[at].ends.keys().copied().collect();
        for link in links {
            self.hang_up(at, link);
        }
        self.lose_nodes(at, None);
    }

    /// The tab freezes: it loses its lease, but not what it has in memory.
    pub fn freeze(&mut self, at: usize) -> Engine {
        let engine = self.peers[at].engine.take().expect("a running peer");
        self.stop(at);
        engine
    }

    /// A frozen tab thaws when nobody leads any more, and renews its lease: under another fence.
    pub fn thaw(&mut self, at: usize, engine: Engine) {
        self.start(at);
        self.peers[at].engine = Some(engine);
        self.push(at, Input::Leading);
        self.drain();
    }

    pub fn is_running(&self, at: usize) -> bool {
        self.peers[at].engine.is_some()
    }

    /// Starts anew and unlocks.
    pub fn restart(&mut self, at: usize) {
        self.start(at);
        let passphrase = Secret::new(PASSPHRASE);
        assert_eq!(
            self.ask(at, Command::Unlock { passphrase }),
            Ok(Answer::Done)
        );
    }

    /// Puts an older copy of everything in the place of what is kept.
    pub fn set_back(&mut self, at: usize, records: Vec<(Table, Record)>) {
        self.stop(at);
        let put = |(table, record)| Change::Put(table, record);
        let changes = [Change::Clear]
            .into_iter()
            .chain(records.into_iter().map(put))
            .collect();
        let lease = self.peers[at].lease.expect("a lease");
        now(self.peers[at].store.commit(lease, &Batch { changes })).unwrap();
        self.restart(at);
    }

    /// Cuts keys, seals the vault and joins a relay of the peer's own.
    pub fn settle_in(&mut self, at: usize, name: &str) {
        self.cut_keys(at, name);
        self.join(at, at);
    }

    fn cut_keys(&mut self, at: usize, name: &str) {
        let keys = self.ask(at, Command::CutKeys { name: name.into() });
        assert!(matches!(keys, Ok(Answer::Keys { .. })));
        let passphrase = Secret::new(PASSPHRASE);
        assert_eq!(
            self.ask(at, Command::SealVault { passphrase }),
            Ok(Answer::Done)
        );
    }

    // --- commands ------------------------------------------------------------------------------

    /// Asks and waits; panics if the peer dies meanwhile.
    pub fn ask(&mut self, at: usize, command: Command) -> Result<Answer, Refusal> {
        self.try_ask(at, command).expect("the peer died")
    }

    /// `None`: the peer died before it answered.
    pub fn try_ask(&mut self, at: usize, command: Command) -> Option<Result<Answer, Refusal>> {
        let id = self.next_command;
        self.next_command += 1;
        self.push(at, Input::Command(ToEngine { id, command }));
        self.drain();
        let answer = self.peers[at].done.remove(&id);
        assert!(
            answer.is_some() || !self.is_running(at),
            "a command was not answered"
        );
        answer
    }

    /// What came of a command that a test pushed itself.
    pub fn answer(&mut self, at: usize, id: u32) -> Option<Result<Answer, Refusal>> {
        self.peers[at].done.remove(&id)
    }

    pub fn make_invite(&mut self, at: usize) -> Secret {
        match self.ask(
            at,
            Command::MakeInvite {
                with_relay: false,
                days: 7,
            },
        ) {
            Ok(Answer::Invite { link, .. }) => link,
            other => panic!("no invite: {other:?}"),
        }
    }

    pub fn accept(&mut self, at: usize, link: &Secret) -> ComradeId {
        match self.ask(at, Command::AcceptInvite { link: link.clone() }) {
            Ok(Answer::Comrade(id)) => id,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// The person says yes to somebody who asks.
    pub fn confirm(&mut self, at: usize, comrade: ComradeId) {
        let confirm = Command::Confirm { comrade };
        assert_eq!(self.ask(at, confirm), Ok(Answer::Done));
    }

    pub fn send(&mut self, at: usize, comrade: ComradeId, text: &str) -> MessageView {
        match self.ask(
            at,
            Command::SendMessage {
                comrade,
                text: text.into(),
            },
        ) {
            Ok(Answer::Sent(message)) => message,
            other => panic!("not sent: {other:?}"),
        }
    }

    /// The newest messages, oldest first.
    pub fn page(&mut self, at: usize, comrade: ComradeId) -> Vec<MessageView> {
        match self.ask(
            at,
            Command::OpenPage {
                comrade,
                before: None,
                limit: 100,
            },
        ) {
            Ok(Answer::Page(page)) => page.messages,
            other => panic!("no page: {other:?}"),
        }
    }

    pub fn texts(&mut self, at: usize, comrade: ComradeId) -> Vec<String> {
        self.page(at, comrade)
            .into_iter()
            .map(|message| message.text)
            .collect()
    }

    /// The only comrade of a peer.
    pub fn only(&self, at: usize) -> &ComradeView {
        let [comrade] = self.peers[at].comrades.as_slice() else {
            panic!("{} comrades", self.peers[at].comrades.len());
        };
        comrade
    }

    /// Ana invites, Bo accepts, Ana confirms, both have met. Gives each one's name for the other.
    pub fn meet(&mut self, ana: usize, bo: usize) -> (ComradeId, ComradeId) {
        let known: BTreeSet<ComradeId> = self.peers[ana].comrades.iter().map(|c| c.id).collect();
        let link = self.make_invite(ana);
        let at_bo = self.accept(bo, &link);
        let asking = |world: &Self| {
            let comrades = world.peers[ana].comrades.iter();
            comrades
                .map(|c| (c.id, c.state))
                .find(|(id, _)| !known.contains(id))
        };
        self.until(|world| asking(world).is_some());
        let (at_ana, state) = asking(self).unwrap();
        assert_eq!(state, ComradeState::Asking);
        assert_eq!(
            self.ask(ana, Command::Confirm { comrade: at_ana }),
            Ok(Answer::Done)
        );
        self.until(|world| world.comrade(bo, at_bo).state == ComradeState::Met);
        (at_ana, at_bo)
    }

    pub fn comrade(&self, at: usize, id: ComradeId) -> &ComradeView {
        self.peers[at]
            .comrades
            .iter()
            .find(|comrade| comrade.id == id)
            .expect("a comrade")
    }

    // --- time ----------------------------------------------------------------------------------

    /// Lets time pass, from one due moment to the next, until the condition holds; a week at most.
    pub fn until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now + 7 * DAY;
        self.drain();
        while !done(self) {
            assert!(self.step(end), "it did not come about within a week");
        }
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Millis) {
        let end = self.now + time;
        self.drain();
        while self.step(end) {}
        self.now = end;
    }

    /// To the next due moment, if it comes within so much time.
    pub fn step_within(&mut self, time: Millis) -> bool {
        self.step(self.now + time)
    }

    /// To the next due moment, if it is not after `end`.
    fn step(&mut self, end: Millis) -> bool {
        let due = |peer: &Peer| {
            let due = peer.engine.as_ref().and_then(Engine::poll_timeout)?;
            Some(due.saturating_add_signed(-peer.skew))
        };
        let peers = self.peers.iter().enumerate();
        let peers = peers.filter_map(|(at, peer)| Some((due(peer)?, Some(at))));
        let relays = self.relays_due().map(|due| (due, None));
        let next = peers.chain(relays).min();
        let Some((time, at)) = next.filter(|(time, _)| *time <= end) else {
            return false;
        };
        self.now = self.now.max(time);
        if let Some(at) = at {
            self.push(at, Input::Tick);
        }
        self.drain();
        true
    }

    // --- inputs and effects --------------------------------------------------------------------

    pub fn push(&mut self, at: usize, input: Input) {
        let life = self.peers[at].life;
        self.queue.push_back((at, life, input));
    }

    pub fn drain(&mut self) {
        let mut steps = 0;
        loop {
            let Some((at, life, input)) = self.queue.pop_front() else {
                if self.run_relays() {
                    continue;
                }
                return;
            };
            steps += 1;
            assert!(steps < 200_000, "the world does not come to rest");
            let peer = &mut self.peers[at];
            let Some(engine) = peer.engine.as_mut().filter(|_| peer.life == life) else {
                continue;
            };
            let now = self.now.saturating_add_signed(peer.skew);
            engine.handle(now, &mut peer.rng, input);
            while let Some(effect) = self.peers[at].engine.as_mut().and_then(Engine::poll_effect) {
                self.transcript.push(describe(at, &effect));
                self.carry_out(at, effect);
            }
        }
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        let peer = &mut self.peers[at];
        match effect {
            Effect::Commit(batch) => {
                let lease = peer.lease.expect("a lease");
                match now(peer.store.commit(lease, &batch)) {
                    Ok(()) => {}
                    Err(_) if peer.store.is_cut() => self.stop(at),
                    Err(error) => {
                        let input = Input::StoreFailed(error);
                        let engine = peer.engine.as_mut().expect("an engine");
                        let now = self.now.saturating_add_signed(peer.skew);
                        engine.handle(now, &mut peer.rng, input);
                    }
                }
            }
            Effect::Read { read, query } => {
                let records = now(peer.store.read(&query)).unwrap();
                self.push(at, Input::Records { read, records });
            }
            Effect::Stretch { stretch, job } => {
                let bytes = job.to_bytes().to_vec();
                let key = self
                    .stretched
                    .entry(bytes)
                    .or_insert_with(|| job.run(|typed| Zeroizing::new(typed.to_owned())).unwrap())
                    .clone();
                self.push(
                    at,
                    Input::Stretched {
                        stretch,
                        key: Some(key),
                    },
                );
            }
            Effect::TakeLead => self.push(at, Input::Leading),
            Effect::UseRelay { relay, order } => self.use_relay(at, relay, order),
            Effect::Reconnect => {}
            Effect::Host { relay, destination } => self.host(at, relay, destination),
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
                let nonce = job.search(0, u32::MAX).expect("work");
                self.push(at, Input::Worked { work, nonce });
            }
            Effect::Send { link, frame } => {
                peer.frames_sent += 1;
                if self.tell_node(at, link, &frame) {
                    return;
                }
                let Some((to, other)) = self.other_end(at, link) else {
                    return;
                };
                let frames = match &mut self.meddle {
                    Some(meddle) => meddle(at, frame),
                    None => vec![frame],
                };
                for frame in frames {
                    self.push(to, Input::Frame { link: other, frame });
                }
            }
            Effect::Close(link) => {
                self.close_node(at, link);
                self.hang_up(at, link);
            }
            Effect::Tell(told) => self.told(at, told),
            _ => panic!("an effect that this world does not know"),
        }
    }

    fn told(&mut self, at: usize, told: FromEngine) {
        let peer = &mut self.peers[at];
        match told {
            FromEngine::Done { id, result } => {
                assert!(peer.done.insert(id, result).is_none(), "answered twice");
            }
            FromEngine::Event(Event::Vault(state)) => peer.vault = Some(state),
            FromEngine::Event(Event::Comrades(comrades)) => peer.comrades = comrades,
            FromEngine::Event(Event::Invites(invites)) => peer.invites = invites,
            FromEngine::Event(Event::Collectives(all)) => peer.collectives = all,
            FromEngine::Event(Event::Introductions(all)) => peer.introductions = all,
            FromEngine::Event(Event::Circles(all)) => peer.circles = all,
            FromEngine::Event(Event::Profile(profile)) => peer.profile = Some(profile),
            FromEngine::Event(Event::Message { comrade, message }) => {
                peer.messages.push((comrade, message));
            }
            FromEngine::Event(Event::Route(route)) => {
                peer.route = Some(route);
                peer.route_events += 1;
            }
        }
    }
}

/// A join link of a relay that nobody else uses.
pub fn relay_link(at: usize) -> Secret {
    relay_link_with(at, at as u8)
}

/// The same with another join secret.
pub fn relay_link_with(at: usize, secret: u8) -> Secret {
    let secret = komrade_crypto::invite::JoinSecret::from_bytes([secret; 16]);
    let link = komrade_crypto::invite::join_link(&format!("https://relay-{at}.example"), &secret);
    Secret::new(link.unwrap().as_str())
}

/// Plans a cut of the power in so many commits.
pub fn plan_cut(world: &World, at: usize, commits: u64, cut: Cut) {
    world.peers[at].store.cut(commits, cut);
}

/// An effect without what is drawn by vodozemac.
fn describe(at: usize, effect: &Effect) -> String {
    match effect {
        Effect::Commit(batch) => {
            let change = |change: &komrade_store::Change| match change {
                komrade_store::Change::Put(table, record) => {
                    format!("+{}:{:x?}", table.name(), record.key)
                }
                komrade_store::Change::Delete(table, key) => format!("-{}:{key:x?}", table.name()),
                komrade_store::Change::Clear => "clear".to_owned(),
            };
            let changes: Vec<String> = batch.changes.iter().map(change).collect();
            format!("{at} commit {}", changes.join(" "))
        }
        Effect::Read { read, query } => format!("{at} read {read} {query:x?}"),
        Effect::Dial {
            link,
            address,
            hint,
            ..
        } => {
            format!("{at} dial {link:?} {address:x?} {hint:x?}")
        }
        Effect::Send { link, frame } => format!("{at} send {link:?} {} bytes", frame.len()),
        Effect::Tell(FromEngine::Event(event)) => format!("{at} {event:?}"),
        Effect::Tell(FromEngine::Done { id, result: Ok(_) }) => format!("{at} done {id}"),
        other => format!("{at} {other:?}"),
    }
}
