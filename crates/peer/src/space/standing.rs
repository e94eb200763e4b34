//! Where this person stands: computed from the operations that are here, except for what the person alone decides, which is
//! leaving, and for how they come in.

use komrade_view::{CollectiveId, Millis};

use super::{Place, Space};
use crate::{open::Open, step::Step};

impl Space {
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
            Place::Removed(_) | Place::Dissolved(_) | Place::Candidate { .. }
                if is_member && !has_ended =>
            {
                Place::Member
            }
            _ => place,
        }
    }
}

impl Open {
    /// Looks where this person stands now. Not in the middle of a welcome: the history of somebody who comes back goes through
    /// all that they were before.
    pub(super) fn space_stand(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if space.whole_welcome().is_some() {
            return;
        }
        let place = space.place_now(step.now);
        if place != space.record.place {
            space.record.place = place;
            space.note_changed(step.now);
            step.touched.spaces.insert(id);
            step.show.collectives = true;
        }
    }
}
