//! What waits of one's own posts and why, for the screens.

use std::cmp::Reverse;

use komrade_social::OperationId;
use komrade_view::{CollectiveId, CollectiveQueueView, QueueReason};

use super::{
    Entry, Space,
    outbox::{Target, What, party, piece},
};
use crate::{limits, open::Open, step::Step};

impl Open {
    /// Collectives with posts that are not handed on for every home; those with the most first.
    pub(crate) fn space_queue_views(&self, step: &Step) -> Vec<CollectiveQueueView> {
        let views = self.shown_spaces();
        let views = views.filter_map(|(id, space)| self.space_queue_view(step, id, space));
        let mut views: Vec<CollectiveQueueView> = views.collect();
        views.sort_by_key(|view| (Reverse(view.waiting), view.collective));
        views.truncate(limits::MAX_QUEUES_SHOWN);
        views
    }

    /// Posts of all collectives that are not handed on for every home.
    pub(crate) fn waiting_posts(&self) -> usize {
        let spaces = self.shown_spaces();
        spaces.map(|(_, space)| space.waiting_posts().count()).sum()
    }

    fn shown_spaces(&self) -> impl Iterator<Item = (CollectiveId, &Space)> {
        let shown = self.spaces.iter();
        let shown = shown.filter(|(_, it)| super::ON && !it.record.is_forgotten);
        shown.map(|(id, space)| (*id, space))
    }

    fn space_queue_view(
        &self,
        step: &Step,
        id: CollectiveId,
        space: &Space,
    ) -> Option<CollectiveQueueView> {
        let posts = || space.waiting_posts();
        let (number, first) = posts().next()?;
        let lacking = |(_, entry): (u64, &Entry)| {
            let (taken, of) = entry.taken();
            (of.saturating_sub(taken), of)
        };
        Some(CollectiveQueueView {
            collective: id,
            waiting: u32::try_from(posts().count()).unwrap_or(u32::MAX),
            homes: posts().map(lacking).max()?,
            reason: self.post_waits_for(step, id, number, first),
            refused: posts().find_map(|(_, entry)| entry.put_refused()),
        })
    }

    /// The first thing in the way.
    fn post_waits_for(
        &self,
        step: &Step,
        id: CollectiveId,
        number: u64,
        entry: &Entry,
    ) -> QueueReason {
        if entry.commit.is_none() {
            return QueueReason::Keys;
        }
        let waiting = || entry.waiting_targets();
        let free = || waiting().filter(|(_, it)| it.hold_until <= step.now);
        let leaves = |target: &Target| self.leg_to(&[target.home], step.now).is_some();
        let works = |at| self.is_working(party(id), piece(number, at));
        let quiet_until = self.spaces.duty_at;
        if free().next().is_none() {
            let until = waiting().map(|(_, it)| it.hold_until).min();
            QueueReason::Patience(until.unwrap_or(step.now))
        } else if !free().any(|(_, it)| leaves(it)) {
            QueueReason::OwnRelay
        } else if free().any(|(at, _)| works(at)) {
            QueueReason::Work
        } else if let Some(until) = quiet_until.filter(|_| free().all(|(_, it)| it.is_quiet)) {
            QueueReason::Quiet(until)
        } else {
            QueueReason::Turn
        }
    }
}

impl Space {
    /// Whether it is something that the person said.
    pub(super) fn is_post(&self, entry: &Entry) -> bool {
        let What::Operation { id, .. } = entry.what else {
            return false;
        };
        let known = self.known.get(&OperationId(*id));
        known.is_some_and(|it| it.is_said)
    }

    /// Posts that are not handed on for every home, by their numbers.
    fn waiting_posts(&self) -> impl Iterator<Item = (u64, &Entry)> {
        let entries = self.outbox.iter().map(|(number, entry)| (*number, entry));
        entries.filter(|(_, it)| it.is_waiting() && self.is_post(it))
    }
}
