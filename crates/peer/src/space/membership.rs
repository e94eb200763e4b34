//! What follows when who belongs may have changed: where this person stands, what of all that was said counts, which keys are due.
//!
//! Where this person stands is computed from the operations that are here, except for what the person alone decides, which is
//! leaving, and for how they come in.

use std::collections::BTreeSet;

use komrade_social::{
    OperationId,
    collective::{Operation, Verdict},
};
use komrade_store::Table;
use komrade_view::{CollectiveId, Millis};

use super::{Place, Space, places};
use crate::{limits, open::Open, step::Step};

/// What came of judging again.
#[derive(Default)]
struct Judged {
    /// What counts now.
    shown: Vec<Operation>,
    /// Posts that do not count any more.
    hidden: Vec<(OperationId, u64)>,
}

impl Space {
    /// The devices of all members.
    pub(super) fn member_devices(&self) -> BTreeSet<[u8; 32]> {
        let devices = self.society.devices().into_iter();
        devices.map(|member| member.device).collect()
    }

    /// Those that said something and are no member's.
    pub(super) fn gone_devices(&self) -> BTreeSet<[u8; 32]> {
        let present = self.member_devices();
        let all = self.devices.keys().copied();
        all.filter(|device| !present.contains(device)).collect()
    }

    /// Where this person stands by what is known now. A removal may be undone by what is final later, and so may an admission.
    fn place_now(&self, now: Millis) -> Place {
        let place = self.record.place;
        let is_member = self.society.is_member(&self.own.person);
        let has_ended = self.society.is_dissolved();
        match place {
            Place::Member if has_ended => Place::Dissolved(now),
            Place::Member if !is_member => match self.record.offered_by {
                // Their acceptance did not know of what is final by now, and the certificate is as good as before.
                Some(by) if self.society.may_accept_again(&self.own, now) => {
                    Place::Candidate { by, since: now }
                }
                _ => Place::Removed(now),
            },
            // Whoever said so did not know better.
            Place::NotAdmitted(_) if self.keys.newest().is_none() => place,
            Place::Removed(_)
            | Place::NotAdmitted(_)
            | Place::Dissolved(_)
            | Place::Candidate { .. }
            | Place::Asked { .. }
                if is_member && !has_ended =>
            {
                Place::Member
            }
            _ => place,
        }
    }

    /// It can never count, as far as is known now: nobody need send it again.
    pub(super) fn refuse(&mut self, id: OperationId) {
        if self.refused.len() >= limits::MAX_REFUSED {
            self.refused.pop_first();
        }
        self.refused.insert(id);
    }

    /// Pins the newest final checkpoint: what members of old make final later counts for nothing here. Whoever is just coming in has
    /// no history yet that they could hold to be right. Says whether it is another than before.
    pub(super) fn note_pin(&mut self) -> bool {
        if self.record.place != Place::Member {
            return false;
        }
        let Some(pinned) = self.society.pin() else {
            return false;
        };
        let before = self.record.pinned.replace(pinned.0.into());
        before.is_none_or(|before| *before != pinned.0)
    }

    /// Judges again what these devices said, now that they came or went, and what is void: what each replica shows must follow
    /// from what is known, not from the order in which it came.
    fn judge_again(&mut self, devices: &BTreeSet<[u8; 32]>) -> Judged {
        let mut judged = Judged::default();
        if !devices.is_empty() {
            self.refused.clear();
        }
        // One's own words stay: nobody else shows them.
        let theirs = self.known.iter().filter(|(id, known)| {
            let is_other = known.device != self.own.device;
            let is_theirs = known.is_placed && is_other && devices.contains(&known.device);
            !known.is_control && (is_theirs || self.void.contains(id))
        });
        let theirs: Vec<(OperationId, bool)> =
            theirs.map(|(id, known)| (*id, known.is_placed)).collect();
        for (id, is_placed) in theirs {
            let operation = self.known.get(&id);
            let operation = operation.map(|it| Operation::decode_stored(&it.bytes));
            let Some(Ok(operation)) = operation else {
                continue;
            };
            let is_valid = self.society.verdict(&operation) == Verdict::Valid;
            if is_valid && !is_placed {
                self.void.remove(&id);
                self.settle(&id, true, &mut judged.shown);
            } else if !is_valid && is_placed && self.void.len() < limits::MAX_VOID {
                self.void.insert(id);
                self.beginnings.remove(&id);
                self.fresh.retain(|it| it.id() != id);
                if let Some(known) = self.known.get_mut(&id) {
                    known.is_placed = false;
                    if let Some(ordinal) = known.ordinal.take() {
                        judged.hidden.push((id, ordinal));
                    }
                }
            }
        }
        judged
    }
}

impl Open {
    /// Who belongs may have changed: by a word, by what became final, by two things that a device said beside each other. Not
    /// looked at in the middle of a welcome: the history of somebody who comes back goes through all that they were before.
    pub(super) fn space_membership(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if space.whole_welcome().is_some() {
            return;
        }
        let now = space.member_devices();
        let before = std::mem::replace(&mut space.members_before, now.clone());
        let changed: BTreeSet<[u8; 32]> = before.symmetric_difference(&now).copied().collect();
        space.record.is_shrunk |= !before.is_subset(&now);
        step.touched.spaces.insert(id);
        self.space_stand(step, id);
        if let Some(space) = self.spaces.get_mut(&id) {
            space.note_pin();
        }
        self.space_judge_again(step, id, &changed);
        // Seeds of others may be for exactly these members.
        self.space_settle_seeds(step, id);
        self.space_mind_keys(step, id);
        if !changed.is_empty() {
            self.space_retry(step, id);
        }
    }

    /// Shows and hides what was said, as it counts now.
    pub(super) fn space_judge_again(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        devices: &BTreeSet<[u8; 32]>,
    ) {
        let space = self.spaces.get_mut(&id);
        let Some(space) = space.filter(|_| !devices.is_empty()) else {
            return;
        };
        let judged = space.judge_again(devices);
        for (operation, ordinal) in judged.hidden {
            space.record.hide(ordinal);
            step.delete(Table::Posts, places::post(id, ordinal));
            if let Some(known) = space.known.get(&operation) {
                let key = places::operation(id, known.arrival);
                step.write(Table::Operations, key, known.encode());
            }
            space.note_changed(step.now);
            step.touched.spaces.insert(id);
            step.show.collectives = true;
        }
        for operation in judged.shown {
            self.space_took(step, id, operation);
        }
    }

    /// Looks where this person stands now.
    pub(super) fn space_stand(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let place = space.place_now(step.now);
        if place != space.record.place {
            space.record.place = place;
            // Whoever is out asks a few times, see `MOST_ASKED_OUTSIDE`.
            space.record.asked = 0;
            space.note_changed(step.now);
            step.touched.spaces.insert(id);
            step.show.collectives = true;
            self.space_end_links(step, id);
        }
    }
}
