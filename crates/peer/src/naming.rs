//! A name of one's own that changes: every comrade is told, some per step.

use komrade_crypto::bundle;
use komrade_social::Body;
use komrade_view::{Answer, Refusal};

use crate::{limits, open::Open, step::Step};

impl Open {
    /// Takes another name.
    pub(crate) fn set_name(&mut self, step: &mut Step, name: String) -> Result<Answer, Refusal> {
        if !bundle::is_name(&name) {
            return Err(Refusal::BadName);
        }
        if name == self.own.name {
            return Ok(Answer::Done);
        }
        self.own.name = name;
        self.own.name_number = self.own.name_number.saturating_add(1);
        self.device.renew(&self.own, step.now, step.rng);
        step.touched.own = true;
        step.show.profile = true;
        self.gather_renamed();
        self.tell_name(step);
        Ok(Answer::Done)
    }

    /// Who is to be told of the name in use: whoever was met or asked. Who asks is told once
    /// confirmed.
    pub(crate) fn gather_renamed(&mut self) {
        let number = self.own.name_number;
        let untold = self.comrades.iter().filter(|(_, comrade)| {
            let record = &comrade.record;
            !record.is_undecided() && !record.removed && record.name_told < number
        });
        self.renamed = untold.map(|(id, _)| *id).collect();
    }

    /// Tells some of those who have not been told.
    pub(crate) fn tell_name(&mut self, step: &mut Step) {
        let (name, number) = (self.own.name.clone(), self.own.name_number);
        for _ in 0..limits::ACKS_PER_STEP {
            if self.renamed.is_empty() || !step.has_room() {
                return;
            }
            let Some(id) = self.renamed.pop_first() else {
                return;
            };
            let Some(comrade) = self.comrades.get_mut(&id) else {
                continue;
            };
            comrade.record.name_told = number;
            step.touched.comrades.insert(id);
            let name = name.clone();
            self.write_operation(step, id, Body::Profile { name }, None);
        }
        step.again |= !self.renamed.is_empty();
    }
}
