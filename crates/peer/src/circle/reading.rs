//! Circles of comrades: what comes from their owners, and what is said back.

use std::collections::BTreeSet;

use komrade_crypto::day_of;
use komrade_social::{
    Body as Said,
    circle::{Body, Comment, Operation},
};
use komrade_view::{CircleId, ComradeId};

use super::{
    Circle, CircleRecord,
    frame::{Load, Word},
};
use crate::{limits, open::Open, step::Step};

/// Loads that waited and are taken in one step: each has up to 128 signatures to check.
pub(super) const UNFOLDED: usize = 16;

/// A load that came.
pub(super) struct Arrived {
    circle: CircleId,
    owner: ComradeId,
    load: Load,
}

impl Open {
    /// The owner says something in a circle that this person reads: notes how far it goes, and keeps it until there is room.
    pub(super) fn circle_loaded(
        &mut self,
        step: &mut Step,
        owner: ComradeId,
        (id, nonce): (CircleId, [u8; 16]),
        load: Load,
    ) {
        if !self.circles.all.contains_key(&id) {
            if !self.circle_makes_room(step, owner) {
                return;
            }
            let record = CircleRecord::new(nonce, Some(owner), String::new(), step.now);
            self.circle_place(record);
        }
        let Some(circle) = self.circles.all.get_mut(&id) else {
            return;
        };
        let record = &mut circle.record;
        let stays_away = record.left.is_some() && load.since <= record.since;
        if record.owner != Some(owner) || record.is_forgotten || stays_away {
            return;
        }
        if load.since > record.since {
            // Added, or added again.
            *record = CircleRecord {
                since: load.since,
                up_to: load.floor,
                beyond: Vec::new(),
                newest: load.floor,
                ended: None,
                left: None,
                ..record.clone()
            };
        }
        if load.since == record.since {
            record.newest = record.newest.max(load.to);
        }
        step.touched.circles.insert(id);
        step.show.circles = true;
        if self.circles.arrived.len() < limits::MAX_CIRCLE_ARRIVED {
            let circle = id;
            let arrived = Arrived {
                circle,
                owner,
                load,
            };
            self.circles.arrived.push_back(arrived);
        }
        self.circles_unfold(step, 1);
    }

    /// Says whether there is room for one more circle of a comrade. Those that this person left count, too, for they are remembered so
    /// that they do not come again: the one that was left first is forgotten, if that makes room.
    fn circle_makes_room(&mut self, step: &mut Step, owner: ComradeId) -> bool {
        let is_theirs = |it: &Circle| it.record.owner == Some(owner);
        let others = self.circles.all.iter();
        let others = others.filter(|(_, it)| !it.record.is_own() && !it.record.is_forgotten);
        let theirs = others.clone().filter(|(_, it)| is_theirs(it));
        let live = theirs.clone().filter(|(_, it)| it.record.left.is_none());
        if live.count() >= limits::MAX_CIRCLES_OF {
            return false;
        }
        let is_one_full = theirs.count() >= limits::MAX_CIRCLES_KNOWN_OF;
        if !is_one_full && others.clone().count() < limits::MAX_CIRCLES_READ {
            return true;
        }
        let left = others.filter(|(_, it)| !is_one_full || is_theirs(it));
        let left = left.filter_map(|(id, it)| Some((it.record.left?, *id)));
        let Some((_, oldest)) = left.min() else {
            return false;
        };
        if let Some(circle) = self.circles.all.get_mut(&oldest) {
            circle.record.is_forgotten = true;
        }
        step.touched.circles.insert(oldest);
        step.again = true;
        true
    }

    /// Takes what came, as far as there is room in the step: one load writes no more than its operations, and deletes those for which
    /// they are kept.
    pub(super) fn circles_unfold(&mut self, step: &mut Step, most: usize) {
        for _ in 0..most {
            if self.circles.arrived.is_empty() || !step.has_room() {
                return;
            }
            if let Some(arrived) = self.circles.arrived.pop_front() {
                self.circle_unfold(step, &arrived);
            }
        }
        step.again |= !self.circles.arrived.is_empty();
    }

    fn circle_unfold(&mut self, step: &mut Step, arrived: &Arrived) {
        let (id, load) = (arrived.circle, &arrived.load);
        let Some(circle) = self.circles.all.get(&id) else {
            return;
        };
        let record = &circle.record;
        // Meanwhile it may have been left or forgotten, or begun anew.
        let is_over = record.left.is_some() || record.is_forgotten;
        if is_over || record.owner != Some(arrived.owner) {
            return;
        }
        let is_current = load.since == record.since;
        step.touched.circles.insert(id);
        step.show.circles = true;
        let today = day_of(step.now);
        let mut published = BTreeSet::new();
        for bytes in &load.operations {
            let Some(circle) = self.circles.all.get(&id) else {
                return;
            };
            // Signatures are dear, and checked last; of what is here they were.
            let Ok(operation) = Operation::decode_stored(bytes) else {
                continue;
            };
            if circle.state.check_owner(&operation).is_err() {
                continue;
            }
            // Under a clock that is doubted nothing is taken for over; and what ends later than it should is kept, for the owner's clock
            // may be ahead, or this one behind.
            if operation.fields().expiry_day < today && !self.clock.is_doubted() {
                continue;
            }
            let is_known = circle.state.get(&operation.id()).is_some();
            if !is_known && operation.verify().is_err() {
                continue;
            }
            if let Body::Comment { comment } = operation.body() {
                published.insert(comment.id());
            }
            self.circle_keep(step, id, operation);
        }
        let Some(circle) = self.circles.all.get_mut(&id) else {
            return;
        };
        if !published.is_empty() {
            // Once for all of them: a comment is dear to read.
            let still_waits = |bytes: &[u8]| {
                Comment::decode_stored(bytes).is_ok_and(|it| !published.contains(&it.id()))
            };
            circle
                .record
                .waiting
                .retain(|(_, bytes)| still_waits(bytes));
        }
        if is_current {
            let mut numbers = circle.record.numbers();
            numbers.cover(load.after, load.to);
            circle.record.set_numbers(&numbers);
            if circle.record.missing(1).is_empty() {
                circle.record.asked_at = None;
            }
        }
    }

    /// The owner ended it.
    pub(super) fn circle_ended(&mut self, step: &mut Step, id: CircleId) {
        if let Some(circle) = self.circles.all.get_mut(&id)
            && !circle.record.is_own()
        {
            circle.record.ended.get_or_insert(step.now);
            circle.record.waiting.clear();
            circle.record.touch(step.now);
            step.touched.circles.insert(id);
            step.show.circles = true;
        }
    }

    /// Something is missing: asks for it, once the conversation has had time to bring it by itself.
    pub(super) fn circle_ask(&mut self, step: &mut Step, id: CircleId) {
        let Some(circle) = self.circles.all.get_mut(&id) else {
            return;
        };
        let record = &mut circle.record;
        let (Some(owner), Some(from)) = (record.owner, record.missing(1).first().copied()) else {
            return;
        };
        let asked_at = record.asked_at;
        if asked_at.is_some_and(|at| step.now < at.saturating_add(limits::CIRCLE_REWIND)) {
            return;
        }
        record.asked_at = Some(step.now);
        step.touched.circles.insert(id);
        // It was only noticed now.
        if asked_at.is_none() {
            return;
        }
        let since = record.since;
        let content = Word::Gap { since, from }.encode(&record.nonce).to_vec();
        self.write_operation(step, owner, Said::Circle { content }, None);
    }
}
