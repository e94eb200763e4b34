//! The engine: one input at a time in, effects in order out.

mod commands;
mod door;
mod moving;

use std::collections::VecDeque;

use komrade_crypto::{
    day_of,
    vault::{Header, MasterKey, Moved, Params, Recipe, Slot, StretchJob},
};
use komrade_store::{Batch, Change, StoreError};
use komrade_view::{
    Event, HostStage, LinkState, Millis, NodeStage, Refusal, ReplicaView, RouteView, RouterStage,
    SaverView, Secret, ToEngine, Traffic, TrafficView, VaultState,
};
use rand_core::CryptoRng;

use crate::{
    Effect, Input,
    moving::{Arriving, Begun, Bringing, Making},
    open::Open,
    route::Route,
    step::{Numbers, Step},
    vault::{self, Cut, Loading},
};

/// What a driver may decide.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How much work Argon2id does for a new vault, within the bounds that `komrade-crypto` sets.
    pub stretch: Params,
    /// Bytes that a day may have before larger envelopes wait for the next one, unless the person says
    /// otherwise; 0: no limit. [`limits::SAVER_BYTES`](crate::limits::SAVER_BYTES) where data is known to
    /// be dear.
    pub data_limit: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stretch: Params::DEFAULT,
            data_limit: 0,
        }
    }
}

/// A peer: all of it but the world.
///
/// The one rule: after [`Engine::handle`], take effects with [`Engine::poll_effect`] one at a time
/// and carry each out before taking the next; when there is none, ask [`Engine::poll_timeout`] when
/// [`Input::Tick`] is due. Inputs may be handed in at any time, also while an effect is being
/// carried out. After [`Input::StoreFailed`] what was not taken is gone.
pub struct Engine {
    config: Config,
    phase: Phase,
    /// A change of passphrase under way, beside the open vault.
    changing: Option<Changing>,
    route: Route,
    numbers: Numbers,
    effects: VecDeque<Effect>,
    /// What to fall back to if the commit of that number fails.
    unsure: Option<(u64, Fallback)>,
    /// When the store had no room: kept across the lock that follows.
    full_at: Option<Millis>,
    /// Commits handed out, and commits made.
    commits: (u64, u64),
    now: Millis,
    again: bool,
}

/// What stands in the store until a commit that changes the door itself is durable.
enum Fallback {
    /// Nothing: the vault was being made, of these keys or of a file.
    Absent(Option<Cut>),
    /// The header with the old passphrase.
    Header(Header),
    /// Only looking can tell.
    Look,
}

enum Phase {
    /// Nothing was heard yet.
    Waiting,
    /// Another tab leads.
    Elsewhere(Millis),
    /// The header is being read.
    Looking(u64),
    Absent(Option<Cut>),
    Newer,
    Damaged,
    Locked(Header),
    /// Argon2id is at work.
    Stretching {
        stretch: u64,
        command: u32,
        since: Millis,
        task: Task,
    },
    Loading {
        command: u32,
        header: Header,
        loading: Loading,
        /// Out of a file: the header is not in the store yet.
        is_brought: bool,
    },
    Open(Header, Box<Open>),
    /// The vault has left for another address. While there is the key for it, the file is being made.
    Moved(Moved, Option<Making>),
    /// A file was chosen.
    Bringing(Bringing),
    /// It opens, and is being taken in.
    Arriving(Box<Arriving>),
    /// The store refused. The header, if there is one, opens the vault again.
    Failed(Option<Header>),
}

enum Task {
    Seal(Cut, Recipe),
    Unlock(Header),
    /// To make the file again.
    Remake(Moved),
    Bring(Begun),
}

struct Changing {
    stretch: u64,
    command: u32,
    progress: ChangeProgress,
}

enum ChangeProgress {
    /// The old passphrase is being checked.
    Old { new: Secret },
    /// The new one is being stretched.
    New { slot: Slot, master: MasterKey },
    /// The passphrase is being checked, to leave for another address.
    Leave,
}

impl Engine {
    /// An engine that has heard nothing: [`Input::Leading`] comes first.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::Waiting,
            changing: None,
            route: Route::new(),
            numbers: Numbers::default(),
            effects: VecDeque::new(),
            unsure: None,
            full_at: None,
            commits: (0, 0),
            now: 0,
            again: false,
        }
    }

    /// Takes one input. `now` is the device's clock; `rng` must be good enough for keys.
    pub fn handle(&mut self, now: Millis, rng: &mut dyn CryptoRng, input: Input) {
        self.now = now;
        let mut numbers = std::mem::take(&mut self.numbers);
        let mut step = Step::new(now, rng, &mut numbers);
        let mut changes = Vec::new();
        self.input(&mut step, &mut changes, input);
        self.finish(step, changes);
        self.numbers = numbers;
    }

    /// The next thing to do. Take it only when the one before is done.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.effects.pop_front()?;
        // Whoever takes this has done everything before it.
        if self
            .unsure
            .as_ref()
            .is_some_and(|(commit, _)| *commit <= self.commits.0)
        {
            self.unsure = None;
        }
        self.commits.0 += u64::from(matches!(effect, Effect::Commit(_)));
        Some(effect)
    }

    /// When [`Input::Tick`] is due; a time that has passed means at once.
    pub fn poll_timeout(&self) -> Option<Millis> {
        if self.again {
            return Some(self.now);
        }
        let upkeep = match &self.phase {
            Phase::Open(_, open) => {
                let due = open.next_upkeep(self.now);
                [due, self.route.traffic.due()].into_iter().flatten().min()
            }
            _ => None,
        };
        [upkeep, self.route.due()].into_iter().flatten().min()
    }

    // --- inputs --------------------------------------------------------------------------------

    fn input(&mut self, step: &mut Step, changes: &mut Vec<Change>, input: Input) {
        self.route.bring_down(step.now);
        if let Phase::Open(_, open) = &mut self.phase {
            open.note_time(step);
        }
        match input {
            // Also while everything is open: somebody may have led in between, and what is in memory
            // is then no longer what is stored. A ratchet must never go on from there.
            Input::Leading => {
                self.forget(step, Refusal::Locked);
                let read = step.read(vault::header_query());
                self.phase = Phase::Looking(read);
                self.show_vault(step);
            }
            Input::LedElsewhere(since) => {
                self.forget(step, Refusal::NotLeading);
                self.phase = Phase::Elsewhere(since);
                self.show_vault(step);
            }
            Input::Command(ToEngine { id, command }) => {
                if let Some(result) = self.command(step, changes, id, command) {
                    step.done(id, result);
                }
            }
            Input::Records { read, records } => self.records(step, changes, read, records),
            Input::Stretched { stretch, key } => self.stretched(step, changes, stretch, key),
            Input::StoreFailed(error) => self.store_failed(step, error),
            Input::Worked { work, nonce } => {
                if let Phase::Open(_, open) = &mut self.phase {
                    open.worked(step, work, nonce);
                }
            }
            Input::Bytes(sent, received) => {
                self.route.set_bytes(sent, received);
                self.mind_limit(step);
            }
            Input::Tick => {
                self.again = false;
                if let Phase::Open(_, open) = &mut self.phase {
                    open.upkeep(step);
                    if self.route.traffic.due().is_some_and(|due| due <= step.now) {
                        open.note_traffic(step, self.route.traffic.take(step.now));
                    }
                }
                self.mind_limit(step);
            }
            link => self.link_input(step, link),
        }
        if let Phase::Open(_, open) = &mut self.phase {
            open.open_mail(step);
            open.go_on_seeking(step);
            open.place_texts(step);
            open.place_all_posts(step);
            open.keep_nodes(step);
            open.dial_due(step);
        }
    }

    /// What comes through a relay.
    fn link_input(&mut self, step: &mut Step, input: Input) {
        let Phase::Open(_, open) = &mut self.phase else {
            if let Input::Incoming { link, .. } | Input::LinkUp(link) = input {
                step.effect(Effect::Close(link));
            }
            return;
        };
        match input {
            Input::Dialed { link, progress } => open.dialed(step, link, progress),
            Input::Relay(relay, link) => open.relay_changed(step, relay, link),
            Input::Router(relay, stage) => open.router_changed(step, relay, stage),
            Input::Hosting(relay, stage) => open.hosting_changed(step, relay, stage),
            Input::Node(relay, info) => open.node_told(step, relay, info),
            Input::Incoming { link, relay, hint } => open.incoming(step, link, relay, &hint),
            Input::LinkUp(link) => open.link_up(step, link),
            Input::Frame { link, frame } => open.frame(step, link, &frame),
            Input::LinkDown(link) => open.link_down(step, link),
            _ => {}
        }
    }

    /// Has a passphrase stretched, and goes on with the task then.
    fn stretch(&mut self, step: &mut Step, command: u32, job: StretchJob, task: Task) {
        self.phase = Phase::Stretching {
            stretch: step.stretch(job),
            command,
            since: step.now,
            task,
        };
        self.show_vault(step);
    }

    /// Larger envelopes may come, or not, by what was carried today.
    pub(super) fn mind_limit(&mut self, step: &mut Step) {
        if let Phase::Open(_, open) = &mut self.phase {
            let today = day_of(step.now);
            let Traffic { sent, received } =
                open.traffic.view(today, self.route.traffic.fresh()).today;
            open.mind_limit(step, sent.saturating_add(received));
        }
    }

    /// Whether this tab led when it was last told: it has looked, or is looking, at the store.
    fn leads(&self) -> bool {
        matches!(
            self.phase,
            Phase::Looking(_)
                | Phase::Absent(_)
                | Phase::Locked(_)
                | Phase::Stretching { .. }
                | Phase::Loading { .. }
                | Phase::Open(..)
                | Phase::Moved(..)
                | Phase::Bringing(_)
                | Phase::Arriving(_)
        )
    }

    // --- the end of a step ---------------------------------------------------------------------

    fn show_vault(&self, step: &mut Step) {
        step.event(Event::Vault(match &self.phase {
            Phase::Waiting | Phase::Looking(_) => VaultState::Opening,
            Phase::Elsewhere(since) => VaultState::LedElsewhere(*since),
            Phase::Absent(_) | Phase::Bringing(_) | Phase::Arriving(_) => VaultState::Absent,
            Phase::Moved(mark, making) => VaultState::Moved {
                is_ready: making.is_some(),
                can_erase: mark.has_file && making.as_ref().is_none_or(Making::is_done),
            },
            Phase::Newer => VaultState::Newer,
            Phase::Damaged => VaultState::Damaged,
            Phase::Locked(_) => VaultState::Locked,
            Phase::Stretching { since, .. } => VaultState::Stretching(*since),
            // The screens need not know that reading comes after stretching.
            Phase::Loading { .. } => VaultState::Opening,
            Phase::Open(..) => VaultState::Open,
            Phase::Failed(_) => VaultState::StoreFailed,
        }));
    }

    /// One commit, then everything that it justifies.
    fn finish(&mut self, mut step: Step, mut changes: Vec<Change>) {
        if let Phase::Open(_, open) = &mut self.phase {
            match open.changes(&mut step) {
                Ok(sealed) => changes.extend(sealed),
                Err(_) => return self.cannot_seal(step),
            }
            open.show(&mut step);
        }
        let route_due = self.route.due().is_some_and(|due| due <= step.now);
        if step.show.route || route_due {
            self.route.told(step.now);
            let view = self.route_view(&step);
            step.event(Event::Route(view));
        }
        self.again |= step.again;
        if !changes.is_empty() {
            self.commits.1 += 1;
            self.effects.push_back(Effect::Commit(Batch { changes }));
        }
        self.effects.extend(step.into_effects());
    }

    /// A record cannot be sealed: as bad as a store that cannot be written.
    fn cannot_seal(&mut self, step: Step) {
        let Step {
            now, rng, numbers, ..
        } = step;
        let mut step = Step::new(now, rng, numbers);
        self.store_failed(&mut step, StoreError::OutOfBounds);
        self.effects.extend(step.into_effects());
    }

    fn route_view(&self, step: &Step) -> RouteView {
        match &self.phase {
            Phase::Open(_, open) => open.route_view(step, &self.route),
            _ => RouteView {
                relay: None,
                link: LinkState::NoRelay,
                router: RouterStage::Unknown,
                hosting: HostStage::Off,
                relays: Vec::new(),
                node: NodeStage::Unknown,
                replicas: ReplicaView {
                    envelopes: 0,
                    bytes: 0,
                    limit: 0,
                },
                rescuing: 0,
                dials: Vec::new(),
                waiting: 0,
                queues: Vec::new(),
                collective_queues: Vec::new(),
                saver: SaverView::default(),
                traffic: TrafficView::default(),
            },
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine([redacted])")
    }
}
