//! Looking, opening, sealing, and losing the keys.

use komrade_crypto::DecodeError;
use komrade_crypto::vault::{Header, Moved};
use komrade_store::{Change, Record, StoreError};
use komrade_view::{Answer, FromEngine, Refusal};
use zeroize::Zeroizing;

use super::moving::put_header;
use super::{ChangeProgress, Changing, Engine, Fallback, Phase, Task};
use crate::Effect;
use crate::moving::Making;
use crate::node::Saver;
use crate::open::Open;
use crate::step::Step;
use crate::vault::{Loaded, Loading};

impl Engine {
    pub(super) fn records(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        read: u64,
        records: Vec<Record>,
    ) {
        match &mut self.phase {
            Phase::Looking(looking) if *looking == read => {
                self.phase = looked(records.first());
                self.show_vault(step);
            }
            Phase::Loading { loading, .. } if loading.read == read => {
                self.load(step, changes, records);
            }
            Phase::Moved(..) => self.leaving_read(step, changes, read, &records),
            Phase::Open(_, open) => open.records(step, read, records),
            _ => {}
        }
    }

    pub(super) fn load(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        records: Vec<Record>,
    ) {
        let Phase::Loading {
            command,
            header,
            loading,
            is_brought,
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
                    is_brought,
                };
            }
            Ok(Loaded::Done(mut open)) => {
                if is_brought {
                    open.own.moves = open.own.moves.saturating_add(1);
                    step.touched.own = true;
                    changes.push(put_header(header.encode()));
                    self.unsure = Some((self.commits.1 + 1, Fallback::Absent(None)));
                }
                self.opened(step, command, header, open);
            }
            Err(_) if is_brought => {
                changes.push(Change::Clear);
                self.phase = Phase::Absent(None);
                self.show_vault(step);
                step.done(command, Err(Refusal::FileDamaged));
            }
            Err(_) => {
                self.phase = Phase::Damaged;
                self.show_vault(step);
                step.done(command, Err(Refusal::VaultDamaged));
            }
        }
    }

    pub(super) fn opened(
        &mut self,
        step: &mut Step,
        command: u32,
        header: Header,
        mut open: Box<Open>,
    ) {
        open.full_at = self.full_at.take();
        open.node.note_full(open.full_at.is_some());
        open.node.saver = Saver::new(self.config.data_limit);
        open.opened(step);
        step.show.profile = true;
        step.show.comrades = true;
        step.show.invites = true;
        step.show.collectives = true;
        step.show.introductions = true;
        step.show.route = true;
        self.phase = Phase::Open(header, open);
        self.show_vault(step);
        self.mind_limit(step);
        step.done(command, Ok(Answer::Done));
    }

    pub(super) fn stretched(
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
                        self.unsure = Some((self.commits.1 + 1, Fallback::Absent(Some(cut))));
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
                        is_brought: false,
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
            (Task::Remake(mark), key) => {
                let master = match key.map(|key| mark.header.unwrap(&key)) {
                    Some(Ok((_, master))) => Ok(master),
                    Some(Err(_)) => Err(Refusal::WrongPassphrase),
                    None => Err(Refusal::NoMemory),
                };
                let making = master.map(|master| Making::new(&mark.header, &master, step.rng));
                step.done(
                    command,
                    making.as_ref().map(|_| Answer::Done).map_err(|it| *it),
                );
                self.phase = Phase::Moved(mark, making.ok());
            }
            (Task::Bring(begun), Some(key)) => self.bring_opened(step, command, begun, &key),
            (Task::Bring(_), None) => {
                self.phase = Phase::Absent(None);
                step.done(command, Err(Refusal::NoMemory));
            }
        }
        self.show_vault(step);
    }

    pub(super) fn change_stretched(
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
            ChangeProgress::Leave => {
                let Ok((_, master)) = header.unwrap(&key) else {
                    return step.done(command, Err(Refusal::WrongPassphrase));
                };
                let header = header.clone();
                self.left(step, changes, command, header, &master);
            }
            ChangeProgress::Old { new } => {
                let Ok((slot, master)) = header.unwrap(&key) else {
                    return step.done(command, Err(Refusal::WrongPassphrase));
                };
                let Ok(job) = header.recipe().job(new.expose()) else {
                    return step.done(command, Err(Refusal::OutOfBounds));
                };
                self.changing = Some(Changing {
                    stretch: step.stretch(job),
                    command,
                    progress: ChangeProgress::New { slot, master },
                });
            }
            ChangeProgress::New { slot, master } => {
                let before = header.clone();
                if header.wrap(slot, &key, &master, step.rng).is_err() {
                    return step.done(command, Err(Refusal::OutOfBounds));
                }
                self.unsure = Some((self.commits.1 + 1, Fallback::Header(before)));
                changes.push(put_header(header.encode()));
                step.done(command, Ok(Answer::Done));
            }
        }
    }

    /// Drops every key. Commands under way are refused with `refusal`; the vault is locked if there
    /// is one.
    pub(super) fn forget(&mut self, step: &mut Step, refusal: Refusal) {
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
                for relay in open.ways.keys().copied() {
                    step.effect(Effect::UseRelay { relay, order: None });
                }
                step.show.route = true;
                Phase::Locked(header)
            }
            Phase::Loading {
                command,
                is_brought: true,
                ..
            }
            | Phase::Stretching {
                command,
                task: Task::Bring(_),
                ..
            } => {
                step.done(command, Err(refusal));
                Phase::Absent(None)
            }
            Phase::Bringing(_) | Phase::Arriving(_) => Phase::Absent(None),
            Phase::Moved(mark, making) => {
                let asked = making.and_then(|making| making.asked);
                if let Some((_, command)) = asked {
                    step.done(command, Err(refusal));
                }
                Phase::Moved(mark, None)
            }
            Phase::Stretching {
                command,
                task: Task::Remake(mark),
                ..
            } => {
                step.done(command, Err(refusal));
                Phase::Moved(mark, None)
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

    pub(super) fn store_failed(&mut self, step: &mut Step, error: StoreError) {
        let refusal = match error {
            StoreError::Full => Refusal::StorageFull,
            StoreError::LeaseLost => Refusal::NotLeading,
            StoreError::NewerSchema { .. } => Refusal::NewerVault,
            _ => Refusal::StorageFailed,
        };
        if error == StoreError::Full {
            self.full_at = Some(step.now);
        }
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
            (_, Some((_, Fallback::Absent(cut))), _) => Phase::Absent(cut),
            (_, Some((_, Fallback::Look)), _) => Phase::Failed(None),
            (_, Some((_, Fallback::Header(header))), _) => Phase::Failed(Some(header)),
            (_, None, Phase::Locked(header) | Phase::Failed(Some(header))) => {
                Phase::Failed(Some(header))
            }
            (_, None, Phase::Absent(cut)) => Phase::Absent(cut),
            (_, None, _) => Phase::Failed(None),
        };
        self.show_vault(step);
    }
}

/// What stands in the place of the header says what there is.
fn looked(record: Option<&Record>) -> Phase {
    let Some(record) = record else {
        return Phase::Absent(None);
    };
    let found = match Moved::decode(&record.value) {
        Some(moved) => moved.map(|mark| Phase::Moved(mark, None)),
        None => Header::decode(&record.value).map(Phase::Locked),
    };
    found.unwrap_or_else(|error| match error {
        DecodeError::NewerVersion { .. } | DecodeError::UnknownSuite { .. } => Phase::Newer,
        _ => Phase::Damaged,
    })
}
