//! Leaving for another address, and arriving from one.
//!
//! Leaving: passphrase → stretch → *one* commit that puts the mark in the place of the header, while
//! every key in memory is forgotten but that of the file → parts, asked for one by one → the person
//! has the file → everything is erased. From that commit on no engine opens the vault here; until
//! the erasing, the passphrase makes the file again; and nothing is erased before a commit says that
//! the last part was handed out. So at any moment there is one copy that can be
//! used, or one file in the making, and never two copies.
//!
//! Arriving: beginning of the file → stretch → part by part into the store, where without a header it
//! is no vault yet → all tables are read as when a vault opens → *one* commit with the header. If a
//! file was opened twice all the same, no two copies encrypt with the same message key: none goes on
//! in a session from before.

use komrade_crypto::vault::{Header, MasterKey, Moved};
use komrade_store::{Change, Record, Table};
use komrade_view::{Answer, Command, Refusal, Secret};

use super::{ChangeProgress, Changing, Engine, Fallback, Phase, Task};
use crate::{
    keys,
    moving::{Arriving, Begun, Bringing, Brought, Making},
    step::Step,
    vault::Loading,
};

impl Engine {
    // --- leaving -------------------------------------------------------------------------------

    /// The person wants to leave: the passphrase is checked first, for nothing else opens the file.
    pub(super) fn leave(
        &mut self,
        step: &mut Step,
        id: u32,
        passphrase: &Secret,
    ) -> Result<(), Refusal> {
        let (header, has_file) = match &self.phase {
            Phase::Open(header, _) => (header.clone(), false),
            Phase::Moved(mark, _) => (mark.header.clone(), mark.has_file),
            _ => return Err(Refusal::Locked),
        };
        if self.changing.is_some() {
            return Err(Refusal::Busy);
        }
        let job = header.recipe().job(passphrase.expose());
        let job = job.map_err(|_| Refusal::WrongPassphrase)?;
        if matches!(self.phase, Phase::Open(..)) {
            self.changing = Some(Changing {
                stretch: step.stretch(job),
                command: id,
                progress: ChangeProgress::Leave,
            });
            return Ok(());
        }
        self.forget(step, Refusal::Locked);
        self.stretch(step, id, job, Task::Remake(Moved { header, has_file }));
        Ok(())
    }

    /// The passphrase is the right one: nothing opens the vault here from this commit on.
    pub(super) fn left(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        command: u32,
        header: Header,
        master: &MasterKey,
    ) {
        // What was changed in this step is nothing; what was before is in the store, and goes along.
        changes.clear();
        self.forget(step, Refusal::Moved);
        let mark = Moved {
            header,
            has_file: false,
        };
        changes.push(put_header(mark.encode()));
        // If the commit fails only the store can tell whether it happened.
        self.unsure = Some((self.commits.1 + 1, Fallback::Look));
        let making = Making::new(&mark.header, master, step.rng);
        self.phase = Phase::Moved(mark, Some(making));
        self.show_vault(step);
        step.done(command, Ok(Answer::Done));
    }

    pub(super) fn command_moved(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        let Phase::Moved(mark, making) = &mut self.phase else {
            return Some(Err(Refusal::Moved));
        };
        match command {
            Command::Move { passphrase } => self.leave(step, id, &passphrase).err().map(Err),
            Command::NextPart => {
                let Some(making) = making else {
                    return Some(Err(Refusal::Locked));
                };
                if making.asked.is_some() {
                    return Some(Err(Refusal::Busy));
                }
                let Some(query) = making.query() else {
                    return Some(Err(Refusal::OutOfBounds));
                };
                making.asked = Some((step.read(query), id));
                None
            }
            Command::EraseMoved => {
                if !mark.has_file || making.as_ref().is_some_and(|making| !making.is_done()) {
                    return Some(Err(Refusal::NoFileYet));
                }
                changes.push(Change::Clear);
                self.forget(step, Refusal::NoVault);
                self.unsure = Some((self.commits.1 + 1, Fallback::Look));
                self.phase = Phase::Absent(None);
                self.show_vault(step);
                Some(Ok(Answer::Done))
            }
            Command::Lock => {
                self.forget(step, Refusal::Locked);
                self.show_vault(step);
                Some(Ok(Answer::Done))
            }
            _ => Some(Err(Refusal::Moved)),
        }
    }

    /// A page of the vault that leaves.
    pub(super) fn leaving_read(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        read: u64,
        records: &[Record],
    ) {
        let Phase::Moved(mark, Some(making)) = &mut self.phase else {
            return;
        };
        let Some((_, command)) = making.asked.take_if(|(asked, _)| *asked == read) else {
            return;
        };
        step.done(command, making.part(records));
        if !making.is_done() {
            return;
        }
        if !mark.has_file {
            mark.has_file = true;
            changes.push(put_header(mark.encode()));
            self.unsure = Some((self.commits.1 + 1, Fallback::Look));
        }
        self.show_vault(step);
    }

    // --- arriving ------------------------------------------------------------------------------

    pub(super) fn bring(&mut self, passphrase: Secret, size: u64) -> Answer {
        let bringing = Bringing::new(passphrase, size);
        let wants = bringing.wants();
        self.phase = Phase::Bringing(bringing);
        wants
    }

    /// The screens cannot read the file to its end: its key is forgotten, and what was taken of it.
    pub(super) fn stop_bringing(&mut self, step: &mut Step, changes: &mut Vec<Change>) {
        let has_begun = matches!(&self.phase, Phase::Arriving(arriving) if arriving.has_begun());
        changes.extend(has_begun.then_some(Change::Clear));
        self.forget(step, Refusal::NoVault);
    }

    /// Bytes of the file.
    pub(super) fn bring_bytes(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        id: u32,
        bytes: &[u8],
    ) -> Option<Result<Answer, Refusal>> {
        match std::mem::replace(&mut self.phase, Phase::Absent(None)) {
            Phase::Bringing(bringing) => match bringing.begin(bytes) {
                Ok((begun, job)) => {
                    self.stretch(step, id, job, Task::Bring(begun));
                    None
                }
                Err(refusal) => Some(Err(refusal)),
            },
            Phase::Arriving(arriving) => self.arrive(step, changes, id, arriving, bytes),
            phase => {
                self.phase = phase;
                Some(Err(Refusal::NoVault))
            }
        }
    }

    /// The passphrase of the file was stretched.
    pub(super) fn bring_opened(
        &mut self,
        step: &mut Step,
        command: u32,
        begun: Begun,
        stretched: &[u8; 32],
    ) {
        match begun.open(stretched) {
            Ok(arriving) => {
                step.done(command, Ok(arriving.wants()));
                self.phase = Phase::Arriving(Box::new(arriving));
            }
            Err(refusal) => {
                self.phase = Phase::Absent(None);
                step.done(command, Err(refusal));
            }
        }
    }

    fn arrive(
        &mut self,
        step: &mut Step,
        changes: &mut Vec<Change>,
        command: u32,
        mut arriving: Box<Arriving>,
        bytes: &[u8],
    ) -> Option<Result<Answer, Refusal>> {
        let has_begun = arriving.has_begun();
        let brought = match arriving.take(bytes) {
            Ok(brought) => brought,
            Err(refusal) => {
                changes.extend(has_begun.then_some(Change::Clear));
                return Some(Err(refusal));
            }
        };
        let Brought {
            table,
            records,
            is_first,
            is_last,
        } = brought;
        changes.extend(is_first.then_some(Change::Clear));
        changes.extend(records.into_iter().map(|record| Change::Put(table, record)));
        if !is_last {
            let wants = arriving.wants();
            self.phase = Phase::Arriving(arriving);
            return Some(Ok(wants));
        }
        let Arriving { header, master, .. } = *arriving;
        let (mut loading, query) = Loading::begin(master);
        loading.read = step.read(query);
        self.phase = Phase::Loading {
            command,
            header,
            loading,
            is_brought: true,
        };
        None
    }
}

/// Writes what stands in the place of the header.
pub(super) fn put_header(value: Vec<u8>) -> Change {
    let key = keys::HEADER.to_vec();
    Change::Put(Table::Header, Record { key, value })
}
