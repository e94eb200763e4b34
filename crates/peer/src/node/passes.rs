//! What a put to a node has to bring: the home's token, and work where it is due.

use komrade_ether::{Day, Envelope, Frame, Outcome, Pass, Work, work};
use komrade_view::{CollectiveId, ComradeId};

use crate::{Effect, WorkJob, home::NodeHome, open::Open, step::Step, way::Leg};

/// Work for one entry of an outbox.
pub(super) struct WorkState {
    job: WorkJob,
    progress: Progress,
}

enum Progress {
    /// Under way, with this number.
    Under(u64),
    Done(Work),
}

/// More work than this is neither under way nor kept: more begins when some was used.
const MAX_WORKS: usize = 64;

impl Open {
    /// Whether this entry waits for work.
    pub(crate) fn is_working(&self, id: ComradeId, number: u64) -> bool {
        let work = self.node.works.get(&(id, number));
        work.is_some_and(|work| matches!(work.progress, Progress::Under(_)))
    }

    /// The frame that brings an envelope to the comrade's home. `None`: work is due first, and
    /// begins.
    pub(crate) fn node_put(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        number: u64,
        envelope: &Envelope,
        leg: &Leg,
    ) -> Option<Frame> {
        let comrade = self.comrades.get(&id)?;
        let (home, is_own) = (leg.home, leg.is_deposit());
        let refused = comrade.refused_bits(home.tag());
        self.pass_for(step, id, number, envelope, &home, is_own, refused)
    }

    /// The frame that brings an envelope to a home. `None`: work is due first, and begins. The id is that of
    /// whose outbox it is in, a comrade's or a collective's.
    #[allow(clippy::too_many_arguments, reason = "what an envelope on its way is")]
    pub(crate) fn pass_for(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        number: u64,
        envelope: &Envelope,
        home: &NodeHome,
        is_own: bool,
        refused: Option<u8>,
    ) -> Option<Frame> {
        let class = envelope.header().class;
        let larger = u8::try_from(work::size_bits(class.size)).unwrap_or(u8::MAX);
        let usual = work::WORK_BITS
            .saturating_add(larger)
            .min(work::MAX_WORK_BITS);
        let bits = match refused {
            Some(bits) => bits.max(usual),
            None if class.intro => usual,
            None => 0,
        };
        let work = if bits > 0 {
            let job = WorkJob {
                envelope: envelope.id(),
                node: home.place().node,
                day: Day::of(step.now),
                bits,
            };
            Some(self.work_for(step, id, number, job)?)
        } else {
            None
        };
        let token = (!is_own && refused.is_none()).then(|| home.token());
        let pass = Pass { token, work };
        let envelope = envelope.clone();
        Some(if is_own {
            Frame::Deposit { pass, envelope }
        } else {
            Frame::Forward {
                home: home.place(),
                pass,
                envelope,
            }
        })
    }

    /// The work of an entry, if it is done and still good.
    fn work_for(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        number: u64,
        job: WorkJob,
    ) -> Option<Work> {
        if let Some(known) = self.node.works.get(&(id, number))
            && known.job.envelope == job.envelope
            && known.job.node == job.node
            && known.job.bits >= job.bits
        {
            match known.progress {
                Progress::Under(_) => return None,
                Progress::Done(work) if work.day == job.day => return Some(work),
                Progress::Done(_) => {}
            }
        }
        let works = &mut self.node.works;
        if works.len() >= MAX_WORKS {
            works.retain(|_, work| matches!(work.progress, Progress::Under(_)));
        }
        if works.len() >= MAX_WORKS {
            return None;
        }
        let work = step.numbers.work();
        let progress = Progress::Under(work);
        works.insert((id, number), WorkState { job, progress });
        step.effect(Effect::Work { work, job });
        None
    }

    /// Work ended.
    pub(crate) fn worked(&mut self, step: &mut Step, work: u64, nonce: u64) {
        let found = self
            .node
            .works
            .iter_mut()
            .find(|(_, state)| matches!(state.progress, Progress::Under(it) if it == work));
        let Some(((id, _), state)) = found else {
            return;
        };
        let day = state.job.day;
        state.progress = Progress::Done(Work { day, nonce });
        let id = *id;
        self.pump(step, id);
        self.space_pump(step, CollectiveId(id.0));
    }

    /// An entry was taken or given up: its work is of no more use.
    pub(crate) fn forget_work(&mut self, id: ComradeId, number: u64) {
        self.node.works.remove(&(id, number));
    }

    /// The comrade's home does not take what was shown: work is due from now on, until they tell of
    /// another home or token. Says whether work was shown already, so that the next try has to wait.
    pub(crate) fn note_refused_pass(
        &mut self,
        id: ComradeId,
        home: Option<u64>,
        outcome: Outcome,
    ) -> bool {
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return false;
        };
        let Some(home) = home else { return false };
        let before = comrade.refused_bits(home);
        let Some(bits) = refused_bits(before, outcome) else {
            return false;
        };
        comrade.refused = Some((home, bits));
        before.is_some() || outcome == Outcome::WrongWork
    }
}

/// So much work is due at a home that answered so, given what was due before; `None`: none for that reason.
pub(crate) fn refused_bits(before: Option<u8>, outcome: Outcome) -> Option<u8> {
    let bits = match outcome {
        Outcome::NeedsWork(bits) => bits,
        // It does not say how much; a little more each time.
        Outcome::WrongWork => before.unwrap_or(work::WORK_BITS).saturating_add(1),
        Outcome::WrongToken => work::WORK_BITS,
        _ => return None,
    };
    Some(bits.max(before.unwrap_or(0)).min(work::MAX_WORK_BITS))
}
