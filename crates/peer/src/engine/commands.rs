//! Commands, by what is open.

use komrade_store::Change;
use komrade_view::{Answer, Command, Refusal, Secret};

use super::{ChangeProgress, Changing, Engine, Phase, Task};
use crate::step::Step;
use crate::vault::Cut;
use crate::{Effect, invites, vault};

impl Engine {
    pub(super) fn command(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        match command {
            Command::TakeLead => {
                // Who leads already would only lose what is open.
                if !self.leads() {
                    step.effect(Effect::TakeLead);
                }
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
            Phase::Absent(_) | Phase::Bringing(_) | Phase::Arriving(_) => {
                self.command_absent(step, changes, id, command)
            }
            Phase::Moved(..) => self.command_moved(step, changes, id, command),
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

    pub(super) fn command_absent(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
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
            Command::Bring { passphrase, size } => Some(Ok(self.bring(passphrase, size))),
            Command::BringBytes(bytes) => self.bring_bytes(step, changes, id, &bytes),
            Command::Lock if !matches!(self.phase, Phase::Absent(_)) => {
                self.stop_bringing(step, changes);
                Some(Ok(Answer::Done))
            }
            _ => Some(Err(Refusal::NoVault)),
        }
    }

    pub(super) fn seal_vault(
        &mut self,
        step: &mut Step,
        id: u32,
        passphrase: &Secret,
    ) -> Result<(), Refusal> {
        let Phase::Absent(cut @ Some(_)) = &mut self.phase else {
            return Err(Refusal::NoKeysCut);
        };
        vault::check_new(passphrase)?;
        let recipe = vault::recipe(self.config.stretch, step.rng).ok_or(Refusal::OutOfBounds)?;
        let job = recipe
            .job(passphrase.expose())
            .map_err(|_| Refusal::OutOfBounds)?;
        let cut = cut.take().ok_or(Refusal::NoKeysCut)?;
        self.stretch(step, id, job, Task::Seal(cut, recipe));
        Ok(())
    }

    pub(super) fn command_locked(
        &mut self,
        step: &mut Step,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        match command {
            Command::Unlock { passphrase } => self.unlock(step, id, &passphrase).err().map(Err),
            Command::Lock => Some(Ok(Answer::Done)),
            Command::CutKeys { .. } | Command::SealVault { .. } | Command::Bring { .. } => {
                Some(Err(Refusal::VaultExists))
            }
            _ => Some(Err(Refusal::Locked)),
        }
    }

    pub(super) fn unlock(
        &mut self,
        step: &mut Step,
        id: u32,
        passphrase: &Secret,
    ) -> Result<(), Refusal> {
        let (Phase::Locked(header) | Phase::Failed(Some(header))) = &self.phase else {
            return Err(Refusal::NoVault);
        };
        let header = header.clone();
        let job = header.recipe().job(passphrase.expose());
        let job = job.map_err(|_| Refusal::WrongPassphrase)?;
        self.stretch(step, id, job, Task::Unlock(header));
        Ok(())
    }

    pub(super) fn command_open(
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
            Command::CutKeys { .. } | Command::SealVault { .. } | Command::Bring { .. } => {
                Some(Err(Refusal::VaultExists))
            }
            Command::Move { passphrase } => self.leave(step, id, &passphrase).err().map(Err),
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
                self.changing = Some(Changing {
                    stretch: step.stretch(job),
                    command: id,
                    progress: ChangeProgress::Old { new },
                });
                None
            }
            command => {
                let sets_limit = matches!(command, Command::SetDataLimit(_));
                let answer = open.command(step, id, command);
                if sets_limit {
                    self.mind_limit(step);
                }
                answer
            }
        }
    }
}
