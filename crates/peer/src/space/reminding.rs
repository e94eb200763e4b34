//! Speaking up by oneself after a silence.
//!
//! What is lost is noticed by what follows it: each operation names those before it. But nothing follows a last word, and whoever lacks
//! the keys in use takes all that comes under them for strangers' mail. So a device to whose last word nobody answered, or that
//! heard nothing under the keys that it would use, says its name once more, under keys that others are known to have: those see what they
//! lack by it, and what it lacks itself ([`Space::note_under`]).
//!
//! Whoever left says so once more in the same way: they hear no answer.
//!
//! Bounds: twice for each silence, [`limits::REMIND_AFTER`] and [`limits::REMIND_AGAIN`] after it began, and some hours one after the
//! other if all heard nothing. What others' devices say by themselves puts it off, and does not begin another silence.

use komrade_crypto::{
    day_of,
    group::{Commit, LeafRecord, rules},
};
use komrade_social::{OperationId, collective::Body};
use komrade_view::{CollectiveId, Millis};
use serde::{Deserialize, Serialize};

use super::{
    Place, Space, SpaceRecord,
    frame::{Bundle, Load},
    supply::first_within,
};
use crate::{limits, open::Open, step::Step};

/// Something that a device waits to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Silence {
    since: Millis,
    /// How often the device spoke up because of it.
    reminded: u8,
}

impl Silence {
    fn begins(since: Millis) -> Self {
        Self { since, reminded: 0 }
    }

    fn is_due(self, now: Millis) -> bool {
        let wait = match self.reminded {
            0 => limits::REMIND_AFTER,
            1 => limits::REMIND_AGAIN,
            _ => return false,
        };
        now >= self.since.saturating_add(wait)
    }

    /// It was due, and the device speaks up.
    fn remind(&mut self, now: Millis) {
        if self.is_due(now) {
            self.reminded = self.reminded.saturating_add(1);
        }
    }
}

impl SpaceRecord {
    /// This device said something.
    pub(super) fn silence_begins(&mut self, now: Millis) {
        let before = self.unanswered.map(|(silence, _)| silence);
        let silence = before.filter(|it| it.reminded == 0);
        let silence = silence.unwrap_or(Silence::begins(now));
        self.unanswered = Some((silence, self.sequence));
    }

    /// Somebody has seen what this device said up to this number.
    pub(super) fn silence_answered(&mut self, sequence: u64) {
        self.unanswered = self.unanswered.filter(|(_, last)| sequence < *last);
    }

    /// Something came under the keys in use.
    pub(super) fn silence_heard(&mut self, now: Millis) {
        self.unheard = Some(Silence::begins(now));
    }

    /// The same of what a device says by itself, when it speaks up, asks or draws a seed: whoever else would speak up waits once more, and
    /// not more often than before. Otherwise two devices whose persons say nothing would wake each other for ever.
    pub(super) fn silence_put_off(&mut self, now: Millis) {
        let silence = self.unheard.get_or_insert(Silence::begins(now));
        silence.since = now;
    }

    /// `turn`: how long this device waits for others who heard nothing either.
    fn is_silent(&self, now: Millis, turn: Millis) -> bool {
        let unanswered = self.unanswered.map(|(silence, _)| silence);
        let is_unheard = |silence: Silence| silence.is_due(now.saturating_sub(turn));
        unanswered.is_some_and(|silence| silence.is_due(now))
            || self.unheard.is_some_and(is_unheard)
    }

    fn silence_reminded(&mut self, now: Millis) {
        let unanswered = self.unanswered.iter_mut().map(|(silence, _)| silence);
        for silence in unanswered.chain(&mut self.unheard) {
            silence.remind(now);
        }
    }

    /// The clock was ahead.
    pub(super) fn silence_bring_down(&mut self, now: Millis) {
        let unanswered = self.unanswered.iter_mut().map(|(silence, _)| silence);
        for silence in unanswered.chain(&mut self.unheard) {
            silence.since = silence.since.min(now);
        }
    }
}

impl Space {
    /// The newest seed of present members that somebody else is known to have: they drew it, or said something under it.
    fn newest_shared(&mut self) -> Option<Commit> {
        let own = self.own.device;
        let theirs = self.known.values().filter(|it| it.device != own);
        let theirs = theirs.filter_map(|it| it.commit).collect();
        self.newest_of(&theirs).or_else(|| self.newest_within())
    }
}

impl Open {
    /// Speaks up after a silence.
    pub(super) fn space_remind(&mut self, step: &mut Step, id: CollectiveId) {
        let (now, name) = (step.now, self.own.name.clone());
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        let devices: Vec<[u8; 32]> = {
            let devices = space.society.devices().into_iter();
            devices.map(|member| member.device).collect()
        };
        if devices.len() < 2 {
            return;
        }
        if space.record.unheard.is_none() {
            space.record.silence_heard(now);
            step.touched.spaces.insert(id);
        }
        let body = Body::Profile { name };
        let may_say = space.society.may(&space.own, &body, now).is_ok();
        let others = devices.iter().filter(|it| **it != space.own.device);
        let turn = rules::turn(&space.record.space, &space.own.device, others) as u64;
        let turn = turn % limits::REMINDING * limits::REMIND_PACE;
        if !space.record.is_silent(now, turn) || !may_say {
            return;
        }
        // Without keys for the members of now, new ones are on their way, and whatever follows from them.
        let root = space.root();
        let chosen = root.and_then(|root| space.keys.choose(&root, day_of(now)));
        let Some(under) = chosen.and_then(|_| space.newest_shared()) else {
            return;
        };
        space.record.silence_reminded(now);
        let unanswered = space.record.unanswered;
        let Ok(operation) = self.space_sign(step, id, body) else {
            return;
        };
        if let Some(space) = self.spaces.get_mut(&id) {
            // It is no word that waits for an answer itself.
            space.record.unanswered = unanswered;
        }
        let bytes = operation.as_bytes().to_vec();
        self.space_take(step, id, operation, None);
        self.space_enqueue_under(step, id, under, vec![bytes]);
    }

    /// Says once more that this person left, with all that their device said before it: it hears no answer.
    pub(super) fn space_leave_once_more(&mut self, step: &mut Step, id: CollectiveId) {
        let now = step.now;
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let is_due = matches!(space.record.place, Place::Left(_)) && space.record.is_silent(now, 0);
        let last = space.record.previous.filter(|_| is_due);
        let under = space.newest_at_all();
        let (Some(last), Some(under)) = (last, under) else {
            return;
        };
        space.record.silence_reminded(now);
        step.touched.spaces.insert(id);
        let said = space.chain(OperationId(*last), limits::SUPPLY_CHAIN);
        let said = said.into_iter().filter(|(_, known)| known.is_control);
        let said = said.map(|(_, known)| known.bytes.clone());
        // The last word of all is among them, whatever lies before it.
        let mut said = first_within(limits::SUPPLY_BYTES, said);
        said.reverse();
        self.space_enqueue_under(step, id, under, said);
    }

    /// A control message to all members under a seed, with one's own leaf key: whoever answers needs it.
    fn space_enqueue_under(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        under: Commit,
        operations: Vec<Vec<u8>>,
    ) {
        let Some(space) = self.spaces.get(&id) else {
            return;
        };
        let own = space.devices.get(&space.own.device);
        let leaf = own.and_then(|it| it.leaf.as_ref()).map(LeafRecord::encode);
        let bundle = Bundle {
            operations,
            leaves: leaf.into_iter().collect(),
            ..Bundle::default()
        };
        let Some(seed) = space.keys.get(&under) else {
            return;
        };
        let Ok(control) = seed.lasting().seal_control(&bundle.encode(), step.rng) else {
            return;
        };
        let load = Load {
            control: Some(control),
            ..Load::default()
        };
        let homes = space.homes();
        self.space_enqueue_load(step, id, under, &load, homes);
    }
}
