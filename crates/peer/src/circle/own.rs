//! One's own circles: who reads them, what is said, and how it comes to each reader.

use komrade_crypto::day_of;
use komrade_social::{
    Body as Said, DeviceId, OperationId, Range,
    circle::{Body, Comment, Fields, MAX_BYTES, MAX_COMMENTS, MAX_OPERATIONS, Operation},
};
use komrade_view::{CircleId, ComradeId, Millis};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use super::{
    Circle,
    frame::{Load, Word},
    half,
};
use crate::{limits, open::Open, step::Step};

/// What the owner's device knows of somebody who reads.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Reader {
    pub(super) comrade: ComradeId,
    /// When they were added; a farewell from before counts no more.
    pub(super) since: Millis,
    /// Nothing up to this number is for them.
    pub(super) floor: u64,
    /// Up to where they were told, and up to where there is nothing else for them.
    told: u64,
    scanned: u64,
    /// From one number to another of the conversation, and up to where they were told with these.
    sent: Vec<(u64, u64, u64)>,
    /// Up to where their device is known to have it all.
    had: u64,
    /// They were told anything at all.
    is_told: bool,
    /// They stopped reading.
    pub(super) left: bool,
    rewound_at: Millis,
    /// How often in a row.
    rewound: u8,
}

impl Reader {
    pub(super) fn new(comrade: ComradeId, since: Millis, floor: u64) -> Self {
        Self {
            comrade,
            since,
            floor,
            told: floor,
            scanned: floor,
            sent: Vec::new(),
            had: floor,
            is_told: false,
            left: false,
            rewound_at: 0,
            rewound: 0,
        }
    }

    /// Up to where they have it all, when their device acknowledged so much of the conversation.
    pub(super) fn had(&self, covers: impl Fn(Range) -> bool) -> u64 {
        let had = self.acknowledged(&covers);
        had.last().map_or(self.had, |(.., to)| self.had.max(*to))
    }

    fn acknowledged(&self, covers: impl Fn(Range) -> bool) -> &[(u64, u64, u64)] {
        let all = |it: &&(u64, u64, u64)| {
            let (first, last, _) = **it;
            covers(Range { first, last })
        };
        let many = self.sent.iter().take_while(all).count();
        self.sent.split_at_checked(many).map_or(&[], |(had, _)| had)
    }

    /// The clock was ahead.
    pub(super) fn bring_down(&mut self, now: Millis) {
        self.rewound_at = self.rewound_at.min(now);
    }

    /// Whether all is told again now: each pause is twice the one before, and forgotten after a month without a question.
    fn may_rewind(&mut self, now: Millis) -> bool {
        if now >= self.rewound_at.saturating_add(limits::MESSAGE_LIFE) {
            self.rewound = 0;
        } else {
            let pause = limits::CIRCLE_REWIND << self.rewound.min(limits::MOST_ASKED);
            if now < self.rewound_at.saturating_add(pause) {
                return false;
            }
            self.rewound = self.rewound.saturating_add(1);
        }
        self.rewound_at = now;
        true
    }

    pub(super) fn note_sent(&mut self, number: u64, to: u64, covers: impl Fn(Range) -> bool) {
        self.had = self.had(&covers);
        let known = self.acknowledged(&covers).len();
        self.sent.drain(..known);
        let is_full = self.sent.len() >= limits::MAX_CIRCLE_SENT;
        match self.sent.last_mut().filter(|_| is_full) {
            // They have it when they have all of these.
            Some(last) => *last = (last.0, number, to),
            None => self.sent.push((number, number, to)),
        }
        self.told = to;
        self.scanned = to;
        self.is_told = true;
    }

    /// All from there on is told again, whatever they had of it.
    fn rewind(&mut self, from: u64) {
        let before = from.saturating_sub(1).max(self.floor);
        self.told = self.told.min(before);
        self.scanned = self.scanned.min(before);
        self.had = self.had.min(before);
        self.sent.clear();
    }
}

impl Circle {
    /// Somebody has still to be told something.
    pub(super) fn is_pending(&self) -> bool {
        let record = &self.record;
        let waits = |it: &Reader| !it.left && it.scanned < record.sequence;
        record
            .readers
            .iter()
            .any(|it| record.is_forgotten || waits(it))
    }

    pub(super) fn reader(&self, comrade: ComradeId) -> Option<&Reader> {
        let mut readers = self.record.readers.iter();
        readers.find(|it| it.comrade == comrade)
    }

    fn reader_mut(&mut self, comrade: ComradeId) -> Option<&mut Reader> {
        let mut readers = self.record.readers.iter_mut();
        readers.find(|it| it.comrade == comrade)
    }

    /// When those are added who are added now. One time for all of them: readers who compare theirs with the time of a post, or with
    /// each other's, shall not learn how many there are.
    pub(super) fn next_since(&mut self, now: Millis) -> Millis {
        let since = now.max(self.record.added_at.saturating_add(1));
        self.record.added_at = since;
        since
    }

    /// What is taken back is not published again while that is remembered.
    pub(super) fn refuse(&mut self, comment: &OperationId) {
        let refused = &mut self.record.refused;
        refused.push_back(ByteArray::new(half(&comment.0)));
        if refused.len() > limits::MAX_CIRCLE_REFUSED {
            refused.pop_front();
        }
    }

    /// Adds a reader, or has one read again who stopped. Says whether there was room.
    pub(super) fn add(&mut self, comrade: ComradeId, older: bool, since: Millis) -> bool {
        let record = &mut self.record;
        record.readers.retain(|it| it.comrade != comrade);
        if record.readers.len() >= limits::MAX_CIRCLE_READERS {
            return false;
        }
        let floor = if older { 0 } else { record.sequence };
        record.readers.push(Reader::new(comrade, since, floor));
        record.version = record.version.saturating_add(1);
        true
    }

    /// Says whether they were a reader.
    pub(super) fn stop_telling(&mut self, comrade: ComradeId) -> bool {
        let readers = &mut self.record.readers;
        let before = readers.len();
        readers.retain(|it| it.comrade != comrade);
        let was = readers.len() < before;
        self.record.version = self.record.version.saturating_add(was.into());
        was
    }

    /// Whether a reader gets this: what is said to something that is not for them, or is not here any more, is not for them either.
    /// That something is taken back is told even if what it was is not known any more: that is an id, and one number more.
    fn is_for(&self, reader: &Reader, operation: &Operation) -> bool {
        let taken_back = match operation.body() {
            Body::Remove { of } => self.state.get(of),
            _ => None,
        };
        let operation = taken_back.unwrap_or(operation);
        let about = match operation.body() {
            Body::Comment { comment } => self.state.get(&comment.on()),
            _ => Some(operation),
        };
        about.is_some_and(|it| it.fields().sequence > reader.floor)
    }

    /// What is next for a reader, as much as fits: exact bytes, and up to which number this is all.
    pub(super) fn next_for(&self, reader: &Reader) -> (Vec<Vec<u8>>, u64) {
        let (mut bundle, mut bytes) = (Vec::new(), 0);
        let mut to = reader.scanned;
        for operation in self.state.operations() {
            let sequence = operation.fields().sequence;
            if sequence <= reader.scanned || !self.is_for(reader, operation) {
                continue;
            }
            bytes += operation.as_bytes().len();
            let is_full =
                bytes > limits::CIRCLE_BUNDLE_BYTES || bundle.len() >= limits::MAX_CIRCLE_BUNDLED;
            if is_full && !bundle.is_empty() {
                return (bundle, to);
            }
            bundle.push(operation.as_bytes().to_vec());
            to = sequence;
        }
        (bundle, self.record.sequence)
    }
}

impl Open {
    /// Signs an operation and keeps it. It leaves with [`Open::circle_tell`].
    pub(super) fn circle_say(
        &mut self,
        step: &mut Step,
        id: CircleId,
        body: Body,
    ) -> Option<OperationId> {
        self.circle_sync(step, id);
        let record = &self.circles.all.get(&id)?.record;
        // Readers must not learn when a comment arrived here.
        let time = match &body {
            Body::Comment { comment } => comment.time(),
            _ => step.now,
        };
        let fields = Fields {
            sequence: record.sequence.saturating_add(1),
            previous: record.previous.map(|id| OperationId(*id)),
            time,
            expiry_day: day_of(step.now).saturating_add(limits::CIRCLE_DAYS),
            nonce: *record.nonce,
            person: self.device.person(),
            device: DeviceId(*self.device.certificate().device()),
            body,
        };
        let operation = Operation::sign(fields, self.device.key()).ok()?;
        let said = operation.id();
        if !self.circle_keep(step, id, operation) {
            return None;
        }
        let record = &mut self.circles.all.get_mut(&id)?.record;
        record.sequence = record.sequence.saturating_add(1);
        record.previous = Some(said.0.into());
        Some(said)
    }

    /// Whoever is no comrade any more reads nothing; a circle of all comrades has all of them.
    pub(super) fn circle_sync(&mut self, step: &mut Step, id: CircleId) {
        let Some(circle) = self.circles.all.get_mut(&id) else {
            return;
        };
        let is_met = |id: &ComradeId| {
            let comrade = self.comrades.get(id);
            comrade.is_some_and(|it| it.record.is_met() && !it.record.removed)
        };
        let gone = circle.record.readers.iter().map(|it| it.comrade);
        let gone: Vec<ComradeId> = gone.filter(|id| !is_met(id)).collect();
        let mut changed = !gone.is_empty();
        for comrade in gone {
            circle.stop_telling(comrade);
        }
        if circle.record.is_for_everybody && !circle.record.is_forgotten {
            let others = self.comrades.keys().filter(|id| is_met(id));
            let others = others.filter(|id| circle.reader(**id).is_none());
            let others: Vec<ComradeId> = others.copied().collect();
            if !others.is_empty() {
                let since = circle.next_since(step.now);
                for comrade in others {
                    changed |= circle.add(comrade, false, since);
                }
            }
        }
        if changed {
            step.touched.circles.insert(id);
            step.show.circles = true;
        }
    }

    /// Tells every reader what they have not been told, as far as there is room in the step.
    pub(super) fn circle_tell(&mut self, step: &mut Step, id: CircleId) {
        self.circle_sync(step, id);
        let Some(circle) = self.circles.all.get_mut(&id) else {
            return;
        };
        if circle.record.is_forgotten {
            return self.circle_say_end(step, id);
        }
        let sequence = circle.record.sequence;
        let readers = circle.record.readers.iter();
        let pending = readers.filter(|it| !it.left && it.scanned < sequence);
        let pending: Vec<ComradeId> = pending.map(|it| it.comrade).collect();
        for comrade in pending {
            while self.circle_tell_one(step, id, comrade).is_some() {
                if !step.has_room() {
                    return;
                }
            }
        }
        if let Some(circle) = self.circles.all.get_mut(&id) {
            circle.is_loud = false;
        }
    }

    /// Tells one reader the next that fits in one operation of the conversation. `None`: that was all, or there is no room.
    fn circle_tell_one(&mut self, step: &mut Step, id: CircleId, comrade: ComradeId) -> Option<()> {
        let theirs = self.comrades.get(&comrade)?;
        let waiting = theirs.outbox.values().filter(|it| it.is_waiting());
        let is_away = waiting.count() >= limits::MAX_CIRCLE_UNSENT;
        // The rest is for messages. What follows comes in larger bundles, once there is room.
        if is_away || self.outbox_total() >= limits::MAX_OUTBOX_TOTAL / 2 {
            return None;
        }
        let circle = self.circles.all.get_mut(&id)?;
        let reader = circle.reader(comrade)?;
        let (operations, to) = circle.next_for(reader);
        step.touched.circles.insert(id);
        if operations.is_empty() {
            circle.reader_mut(comrade)?.scanned = to;
            return None;
        }
        let load = Load {
            since: reader.since,
            floor: reader.floor,
            after: reader.told,
            to,
            operations,
        };
        let content = Word::Load(load).encode(&circle.record.nonce).to_vec();
        if circle.is_loud {
            self.speak_up(step, comrade);
        }
        let before = self.comrades.get(&comrade)?.pair.sequence;
        self.write_operation(step, comrade, Said::Circle { content }, None);
        let pair = &self.comrades.get(&comrade)?.pair;
        if pair.sequence == before {
            return None;
        }
        let reader = self.circles.all.get_mut(&id)?.reader_mut(comrade)?;
        reader.note_sent(pair.sequence, to, |numbers| {
            pair.acknowledged.covers_all(numbers)
        });
        Some(())
    }

    /// Tells those who read that nothing more comes, and then forgets the circle.
    fn circle_say_end(&mut self, step: &mut Step, id: CircleId) {
        while step.has_room() {
            let Some(circle) = self.circles.all.get_mut(&id) else {
                return;
            };
            let Some(reader) = circle.record.readers.pop() else {
                step.again = true;
                return;
            };
            step.touched.circles.insert(id);
            if reader.is_told && !reader.left {
                let content = Word::End.encode(&circle.record.nonce).to_vec();
                self.write_operation(step, reader.comrade, Said::Circle { content }, None);
            }
        }
    }

    // --- what readers say --------------------------------------------------------------------------

    /// A reader's comment: published if it is theirs, and theirs to make.
    pub(super) fn circle_commented(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        id: CircleId,
        since: Millis,
        bytes: &[u8],
    ) {
        let (Some(circle), Some(who)) = (
            self.circles.all.get(&id),
            self.comrades.get(&comrade).and_then(|it| it.record.who),
        ) else {
            return;
        };
        // What costs little is asked first, and signatures are checked last.
        let reader = circle.reader(comrade).filter(|it| !it.left);
        let Some(reader) = reader.filter(|it| it.since == since) else {
            return;
        };
        // What readers say must not push out what the owner said, nor leave no room for it.
        let is_below = circle
            .state
            .others()
            .is_below(MAX_OPERATIONS / 2, MAX_BYTES / 2);
        if !is_below || !self.circles.has_room_for_another() {
            return;
        }
        let Ok(comment) = Comment::decode_stored(bytes) else {
            return;
        };
        let is_theirs = comment.person() == who.person && comment.device().0 == who.device;
        let on = circle.state.get(&comment.on());
        let is_for = on.is_some_and(|on| circle.is_for(reader, on));
        if !is_theirs || !is_for || comment.circle() != circle.state.id() {
            return;
        }
        let refused = ByteArray::new(half(&comment.id().0));
        let is_new =
            !circle.state.has_comment(&comment.id()) && !circle.record.refused.contains(&refused);
        let theirs = circle.state.said(&who.person);
        let has_room = || {
            let (all, on_it) = circle.state.comments_on(&comment.on(), &who.person)?;
            let is_below =
                theirs.is_below(limits::MAX_CIRCLE_COMMENTS_OF, limits::MAX_CIRCLE_BYTES_OF);
            Some(is_below && all < MAX_COMMENTS && on_it < limits::MAX_CIRCLE_COMMENTS_EACH)
        };
        if is_new && has_room() == Some(true) && comment.verify().is_ok() {
            let comment = Box::new(comment);
            self.circle_say(step, id, Body::Comment { comment });
        }
    }

    /// A reader stopped reading.
    pub(super) fn circle_left(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        id: CircleId,
        since: Millis,
    ) {
        if let Some(circle) = self.circles.all.get_mut(&id)
            && let Some(reader) = circle.reader_mut(comrade)
            && reader.since == since
        {
            reader.left = true;
            circle.record.touch(step.now);
            step.touched.circles.insert(id);
            step.show.circles = true;
        }
    }

    /// A reader misses something: all from there on is told again, not too often.
    pub(super) fn circle_rewind(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        id: CircleId,
        since: Millis,
        from: u64,
    ) {
        if let Some(circle) = self.circles.all.get_mut(&id)
            && let Some(reader) = circle.reader_mut(comrade)
            && reader.since == since
            && reader.may_rewind(step.now)
        {
            reader.rewind(from);
            step.touched.circles.insert(id);
        }
    }
}
