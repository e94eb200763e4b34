//! The engine: one input at a time in, effects in order out.

use std::collections::VecDeque;

use komrade_crypto::{
    DecodeError,
    vault::{Header, MasterKey, Params, Recipe, Slot},
};
use komrade_store::{Batch, Change, Record, StoreError, Table};
use komrade_view::{
    Answer, Command, Event, FromEngine, LinkState, Millis, Refusal, RouteView, Secret, ToEngine,
    VaultState,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    Effect, Input, invites, keys,
    open::Open,
    route::Route,
    step::{Numbers, Step},
    vault::{self, Cut, Loaded, Loading},
};

/// What a driver may decide.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How much work Argon2id does for a new vault, within the bounds that `komrade-crypto` sets.
    pub stretch: Params,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stretch: Params::DEFAULT,
        }
    }
}

/// A peer: all of it but the world.
///
/// The one rule: after [`Engine::handle`], take effects with [`Engine::poll_effect`] one at a time and carry each out before
/// taking the next; when there is none, ask [`Engine::poll_timeout`] when [`Input::Tick`] is due. Inputs may be handed in
/// at any time, also while an effect is being carried out. After [`Input::StoreFailed`] what was not taken is gone.
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
    /// Commits handed out, and commits made.
    commits: (u64, u64),
    now: Millis,
    again: bool,
}

/// What stands in the store until a commit that changes the door itself is durable.
enum Fallback {
    /// Nothing: the vault was being made.
    Cut(Cut),
    /// The header with the old passphrase.
    Header(Header),
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
    },
    Open(Header, Box<Open>),
    /// The store refused. The header, if there is one, opens the vault again.
    Failed(Option<Header>),
}

enum Task {
    Seal(Cut, Recipe),
    Unlock(Header),
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
            commits: (0, 0),
            now: 0,
            again: false,
        }
    }

    /// Takes one input. `now` is the device's clock; `rng` must be good enough for keys.
    pub fn handle(&mut self, now: Millis, rng: &mut dyn CryptoRng, input: Input) {
        self.now = now;
        let mut numbers = std::mem::take(&mut self.numbers);
        let mut step = Step::new(now, rng, self.route.is_ready(), &mut numbers);
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
            Phase::Open(_, open) => open.next_upkeep(self.now, self.route.is_ready()),
            _ => None,
        };
        [upkeep, self.route.due()].into_iter().flatten().min()
    }

    // --- inputs --------------------------------------------------------------------------------

    fn input(&mut self, step: &mut Step, changes: &mut Vec<Change>, input: Input) {
        match input {
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
            Input::Records { read, records } => self.records(step, read, records),
            Input::Stretched { stretch, key } => self.stretched(step, changes, stretch, key),
            Input::StoreFailed(error) => self.store_failed(step, error),
            Input::Relay(link) => self.relay(step, link),
            Input::Router(stage) => {
                self.route.router = stage;
                step.show.route = true;
                self.way_changed(step);
            }
            Input::Hosting(stage) => {
                self.route.hosting = stage;
                step.show.route = true;
            }
            Input::Bytes(sent, received) => self.route.set_bytes(sent, received),
            Input::Tick => {
                self.again = false;
                if let Phase::Open(_, open) = &mut self.phase {
                    open.upkeep(step);
                }
            }
            link => self.link_input(step, link),
        }
        if let Phase::Open(_, open) = &mut self.phase {
            open.dial_due(step);
        }
    }

    fn link_input(&mut self, step: &mut Step, input: Input) {
        let Phase::Open(_, open) = &mut self.phase else {
            if let Input::Incoming { link, .. } | Input::LinkUp(link) = input {
                step.effect(Effect::Close(link));
            }
            return;
        };
        match input {
            Input::Dialed { link, progress } => open.dialed(step, link, progress),
            Input::Incoming { link, hint } => open.incoming(step, link, &hint),
            Input::LinkUp(link) => open.link_up(step, link),
            Input::Frame { link, frame } => open.frame(step, link, &frame),
            Input::LinkDown(link) => open.link_down(step, link),
            _ => {}
        }
    }

    fn relay(&mut self, step: &mut Step, link: LinkState) {
        let was_up = matches!(self.route.link, LinkState::Up { .. });
        self.route.set_link(link);
        step.show.route = true;
        if was_up
            && !matches!(link, LinkState::Up { .. })
            && let Phase::Open(_, open) = &mut self.phase
        {
            open.lose_links(step);
        }
        self.way_changed(step);
    }

    /// Relay or router changed: if the way is up now, whoever was waited for is tried at once.
    fn way_changed(&mut self, step: &mut Step) {
        let ready = self.route.is_ready();
        if ready
            && !step.ready
            && let Phase::Open(_, open) = &mut self.phase
        {
            open.reset_dialers();
        }
        step.ready = ready;
    }

    // --- commands ------------------------------------------------------------------------------

    fn command(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        match command {
            Command::TakeLead => {
                step.effect(Effect::TakeLead);
                return Some(Ok(Answer::Done));
            }
            Command::ReadInvite { link } => {
                return Some(invites::preview(link.expose(), step.now).map(Answer::Preview));
            }
            _ => {}
        }
        match &self.phase {
            Phase::Waiting | Phase::Looking(_) => Some(Err(Refusal::Busy)),
            Phase::Elsewhere(_) => Some(Err(Refusal::NotLeading)),
            Phase::Newer => Some(Err(Refusal::NewerVault)),
            Phase::Damaged => Some(Err(Refusal::VaultDamaged)),
            // There may be a vault; only looking at the store can tell.
            Phase::Failed(None) => Some(Err(Refusal::StorageFailed)),
            Phase::Absent(_) => self.command_absent(step, id, command),
            Phase::Locked(_) | Phase::Failed(Some(_)) => self.command_locked(step, id, command),
            Phase::Stretching { .. } | Phase::Loading { .. } => match command {
                Command::Lock => {
                    self.forget(step, Refusal::Locked);
                    self.show_vault(step);
                    Some(Ok(Answer::Done))
                }
                _ => Some(Err(Refusal::Busy)),
            },
            Phase::Open(..) => self.command_open(step, changes, id, command),
        }
    }

    fn command_absent(
        &mut self,
        step: &mut Step,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        match command {
            Command::CutKeys { name } => Some(Cut::draw(name, step.rng).map(|(cut, answer)| {
                self.phase = Phase::Absent(Some(cut));
                answer
            })),
            Command::SealVault { passphrase } => {
                self.seal_vault(step, id, &passphrase).err().map(Err)
            }
            _ => Some(Err(Refusal::NoVault)),
        }
    }

    fn seal_vault(&mut self, step: &mut Step, id: u32, passphrase: &Secret) -> Result<(), Refusal> {
        let Phase::Absent(cut @ Some(_)) = &mut self.phase else {
            return Err(Refusal::NoKeysCut);
        };
        vault::check_new(passphrase)?;
        let recipe = vault::recipe(self.config.stretch, step.rng).ok_or(Refusal::OutOfBounds)?;
        let job = recipe
            .job(passphrase.expose())
            .map_err(|_| Refusal::OutOfBounds)?;
        let cut = cut.take().ok_or(Refusal::NoKeysCut)?;
        let stretch = step.numbers.stretch();
        step.effect(Effect::Stretch { stretch, job });
        let task = Task::Seal(cut, recipe);
        self.phase = Phase::Stretching {
            stretch,
            command: id,
            since: step.now,
            task,
        };
        self.show_vault(step);
        Ok(())
    }

    fn command_locked(
        &mut self,
        step: &mut Step,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        match command {
            Command::Unlock { passphrase } => self.unlock(step, id, &passphrase).err().map(Err),
            Command::Lock => Some(Ok(Answer::Done)),
            Command::CutKeys { .. } | Command::SealVault { .. } => Some(Err(Refusal::VaultExists)),
            _ => Some(Err(Refusal::Locked)),
        }
    }

    fn unlock(&mut self, step: &mut Step, id: u32, passphrase: &Secret) -> Result<(), Refusal> {
        let (Phase::Locked(header) | Phase::Failed(Some(header))) = &self.phase else {
            return Err(Refusal::NoVault);
        };
        let header = header.clone();
        let job = header.recipe().job(passphrase.expose());
        let job = job.map_err(|_| Refusal::WrongPassphrase)?;
        let stretch = step.numbers.stretch();
        step.effect(Effect::Stretch { stretch, job });
        let task = Task::Unlock(header);
        self.phase = Phase::Stretching {
            stretch,
            command: id,
            since: step.now,
            task,
        };
        self.show_vault(step);
        Ok(())
    }

    fn command_open(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        let Phase::Open(header, open) = &mut self.phase else {
            return Some(Err(Refusal::Locked));
        };
        match command {
            Command::Lock => {
                // What was changed in this step is nothing; what was before is in the store.
                changes.clear();
                self.forget(step, Refusal::Locked);
                self.show_vault(step);
                Some(Ok(Answer::Done))
            }
            Command::CutKeys { .. } | Command::SealVault { .. } => Some(Err(Refusal::VaultExists)),
            Command::Unlock { .. } => Some(Ok(Answer::Done)),
            Command::ChangePassphrase { old, new } => {
                if self.changing.is_some() {
                    return Some(Err(Refusal::Busy));
                }
                if let Err(refusal) = vault::check_new(&new) {
                    return Some(Err(refusal));
                }
                let Ok(job) = header.recipe().job(old.expose()) else {
                    return Some(Err(Refusal::WrongPassphrase));
                };
                let stretch = step.numbers.stretch();
                step.effect(Effect::Stretch { stretch, job });
                let progress = ChangeProgress::Old { new };
                self.changing = Some(Changing {
                    stretch,
                    command: id,
                    progress,
                });
                None
            }
            command => open.command(step, id, command),
        }
    }

    // --- the door ------------------------------------------------------------------------------

    fn records(&mut self, step: &mut Step, read: u64, records: Vec<Record>) {
        match &mut self.phase {
            Phase::Looking(looking) if *looking == read => {
                self.phase = match records.first().map(|record| Header::decode(&record.value)) {
                    None => Phase::Absent(None),
                    Some(Ok(header)) => Phase::Locked(header),
                    Some(Err(
                        DecodeError::NewerVersion { .. } | DecodeError::UnknownSuite { .. },
                    )) => Phase::Newer,
                    Some(Err(_)) => Phase::Damaged,
                };
                self.show_vault(step);
            }
            Phase::Loading { loading, .. } if loading.read == read => self.load(step, records),
            Phase::Open(_, open) => open.records(step, read, records),
            _ => {}
        }
    }

    fn load(&mut self, step: &mut Step, records: Vec<Record>) {
        let Phase::Loading {
            command,
            header,
            loading,
        } = std::mem::replace(&mut self.phase, Phase::Waiting)
        else {
            return;
        };
        match loading.go_on(records) {
            Ok(Loaded::More(mut loading, query)) => {
                loading.read = step.read(query);
                self.phase = Phase::Loading {
                    command,
                    header,
                    loading,
                };
            }
            Ok(Loaded::Done(open)) => self.opened(step, command, header, open),
            Err(_) => {
                self.phase = Phase::Damaged;
                self.show_vault(step);
                step.done(command, Err(Refusal::VaultDamaged));
            }
        }
    }

    fn opened(&mut self, step: &mut Step, command: u32, header: Header, mut open: Box<Open>) {
        open.opened(step);
        step.show.profile = true;
        step.show.comrades = true;
        step.show.invites = true;
        step.show.route = true;
        self.phase = Phase::Open(header, open);
        self.show_vault(step);
        step.done(command, Ok(Answer::Done));
    }

    fn stretched(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        stretch: u64,
        key: Option<Zeroizing<[u8; 32]>>,
    ) {
        if self
            .changing
            .as_ref()
            .is_some_and(|changing| changing.stretch == stretch)
        {
            return self.change_stretched(step, changes, key);
        }
        if !matches!(&self.phase, Phase::Stretching { stretch: due, .. } if *due == stretch) {
            return;
        }
        let Phase::Stretching { command, task, .. } =
            std::mem::replace(&mut self.phase, Phase::Waiting)
        else {
            return;
        };
        match (task, key) {
            (Task::Seal(cut, recipe), Some(key)) => {
                match cut.seal(recipe, &key, step.now, step.rng) {
                    Some((open, header, batch)) => {
                        changes.extend(batch);
                        self.unsure = Some((self.commits.1 + 1, Fallback::Cut(cut)));
                        self.opened(step, command, header, Box::new(open));
                    }
                    None => {
                        self.phase = Phase::Absent(Some(cut));
                        step.done(command, Err(Refusal::BadName));
                    }
                }
            }
            (Task::Seal(cut, _), None) => {
                self.phase = Phase::Absent(Some(cut));
                step.done(command, Err(Refusal::NoMemory));
            }
            (Task::Unlock(header), Some(key)) => match header.unwrap(&key) {
                Ok((_, master)) => {
                    let (mut loading, query) = Loading::begin(master);
                    loading.read = step.read(query);
                    self.phase = Phase::Loading {
                        command,
                        header,
                        loading,
                    };
                    return;
                }
                Err(_) => {
                    self.phase = Phase::Locked(header);
                    step.done(command, Err(Refusal::WrongPassphrase));
                }
            },
            (Task::Unlock(header), None) => {
                self.phase = Phase::Locked(header);
                step.done(command, Err(Refusal::NoMemory));
            }
        }
        self.show_vault(step);
    }

    fn change_stretched(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        key: Option<Zeroizing<[u8; 32]>>,
    ) {
        let Some(Changing {
            command, progress, ..
        }) = self.changing.take()
        else {
            return;
        };
        let Phase::Open(header, _) = &mut self.phase else {
            return;
        };
        let Some(key) = key else {
            return step.done(command, Err(Refusal::NoMemory));
        };
        match progress {
            ChangeProgress::Old { new } => {
                let Ok((slot, master)) = header.unwrap(&key) else {
                    return step.done(command, Err(Refusal::WrongPassphrase));
                };
                let Ok(job) = header.recipe().job(new.expose()) else {
                    return step.done(command, Err(Refusal::OutOfBounds));
                };
                let stretch = step.numbers.stretch();
                step.effect(Effect::Stretch { stretch, job });
                let progress = ChangeProgress::New { slot, master };
                self.changing = Some(Changing {
                    stretch,
                    command,
                    progress,
                });
            }
            ChangeProgress::New { slot, master } => {
                let before = header.clone();
                if header.wrap(slot, &key, &master, step.rng).is_err() {
                    return step.done(command, Err(Refusal::OutOfBounds));
                }
                self.unsure = Some((self.commits.1 + 1, Fallback::Header(before)));
                let record = Record {
                    key: keys::HEADER.to_vec(),
                    value: header.encode(),
                };
                changes.push(Change::Put(Table::Header, record));
                step.done(command, Ok(Answer::Done));
            }
        }
    }

    // --- losing the keys -----------------------------------------------------------------------

    /// Drops every key. Commands under way are refused with `refusal`; the vault is locked if there is one.
    fn forget(&mut self, step: &mut Step, refusal: Refusal) {
        if let Some(changing) = self.changing.take() {
            step.done(changing.command, Err(refusal));
        }
        self.again = false;
        self.phase = match std::mem::replace(&mut self.phase, Phase::Waiting) {
            Phase::Open(header, open) => {
                open.unanswered().for_each(|id| step.done(id, Err(refusal)));
                open.links
                    .iter()
                    .for_each(|(link, _)| step.effect(Effect::Close(link)));
                step.effect(Effect::UseRelay(None));
                step.show.route = true;
                Phase::Locked(header)
            }
            Phase::Loading {
                command, header, ..
            }
            | Phase::Stretching {
                command,
                task: Task::Unlock(header),
                ..
            } => {
                step.done(command, Err(refusal));
                Phase::Locked(header)
            }
            Phase::Stretching {
                command,
                task: Task::Seal(cut, _),
                ..
            } => {
                step.done(command, Err(refusal));
                Phase::Absent(Some(cut))
            }
            phase => phase,
        };
    }

    fn store_failed(&mut self, step: &mut Step, error: StoreError) {
        let refusal = match error {
            StoreError::Full => Refusal::StorageFull,
            StoreError::LeaseLost => Refusal::NotLeading,
            StoreError::NewerSchema { .. } => Refusal::NewerVault,
            _ => Refusal::StorageFailed,
        };
        // Nothing that was still to be done will be; whoever waits for an answer gets one.
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Tell(FromEngine::Done { id, .. }) => step.done(id, Err(refusal)),
                // Harmless without the store, and others wait for them.
                Effect::Close(_) | Effect::TakeLead => step.effect(effect),
                _ => {}
            }
        }
        self.commits.0 = self.commits.1;
        self.forget(step, refusal);
        let phase = std::mem::replace(&mut self.phase, Phase::Waiting);
        self.phase = match (error, self.unsure.take(), phase) {
            (StoreError::LeaseLost, ..) => Phase::Elsewhere(step.now),
            (StoreError::NewerSchema { .. }, ..) => Phase::Newer,
            (_, Some((_, Fallback::Cut(cut))), _) => Phase::Absent(Some(cut)),
            (_, Some((_, Fallback::Header(header))), _) => Phase::Failed(Some(header)),
            (_, None, Phase::Locked(header) | Phase::Failed(Some(header))) => {
                Phase::Failed(Some(header))
            }
            (_, None, Phase::Absent(cut)) => Phase::Absent(cut),
            (_, None, _) => Phase::Failed(None),
        };
        self.show_vault(step);
    }

    // --- the end of a step ---------------------------------------------------------------------

    fn show_vault(&self, step: &mut Step) {
        step.event(Event::Vault(match &self.phase {
            Phase::Waiting | Phase::Looking(_) => VaultState::Opening,
            Phase::Elsewhere(since) => VaultState::LedElsewhere(*since),
            Phase::Absent(_) => VaultState::Absent,
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
        let mut step = Step::new(now, rng, false, numbers);
        self.store_failed(&mut step, StoreError::OutOfBounds);
        self.effects.extend(step.into_effects());
    }

    fn route_view(&self, step: &Step) -> RouteView {
        match &self.phase {
            Phase::Open(_, open) => open.route_view(step, &self.route),
            _ => RouteView {
                relay: None,
                link: LinkState::NoRelay,
                router: self.route.router,
                hosting: self.route.hosting,
                dials: Vec::new(),
                waiting: 0,
                bytes: self.route.bytes,
            },
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine([redacted])")
    }
}
