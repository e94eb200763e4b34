//! Circles: what their owners write to them, between `komrade_social::circle` and the screens.
//!
//! Flow of a post: [`Open::circle_say`] signs it and keeps it, one commit with the person's word → [`Open::circle_tell`] brings it
//! to each reader in an operation of the conversation with them (`own`), as much as fits in a step; how far each reader was told is
//! committed together with that operation, so that a crash loses nothing and doubles nothing → their device opens it, checks its
//! signature, keeps it and shows it (`reading`).
//!
//! Flow of a comment: a reader's device signs it and says it in the conversation with the owner → the owner's device checks whose
//! it is and publishes it in an operation of its own → as above, to everybody.
//!
//! The conversation gives everything a circle needs on its way: order, acknowledgement, what is lost is sent again, keys that
//! change, and encryption to exactly one device. So a circle has no keys of its own, and confidentiality rests on two things: each load is
//! encrypted for one reader, and whoever was removed is not told. A key that readers share would tell them when others come and go.
//! Readers learn of one another only from comments; from numbers they learn how often something was said.
//!
//! Nothing leaves because something arrived: comments are published, and what was missed is asked for and sent again, at times
//! that are drawn like those of acknowledgements, or with the person's next word.
//!
//! Left out on purpose: changing a post, reactions, and taking back one's own comment in somebody else's circle.

mod commands;
pub(crate) mod frame;
mod own;
mod reading;
#[cfg(test)]
mod tests;
mod views;

use std::collections::{BTreeMap, VecDeque};

use komrade_crypto::{day_of, identity::PersonId};
use komrade_social::{
    DeviceId, OperationId,
    circle::{self, Body, Inserted, MAX_CIRCLE_OPERATION_BYTES, Numbers, Operation},
};
use komrade_store::{Record, Table};
use komrade_view::{CircleId, CircleOver, CircleView, ComradeId, Millis};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use self::{frame::Word, own::Reader, reading::Arrived};
use crate::{
    limits,
    open::Open,
    records::{self, Damaged},
    step::Step,
};

/// In the table of spaces, beside those of collectives: 7, circle (16) → what is known of it …
const RECORD: u8 = 7;
/// … and 8, circle, id (32) → one of its operations.
const OPERATION: u8 = 8;
/// Records that are deleted before it is asked again whether there is room in the step.
const AT_ONCE: usize = 100;

/// What is stored of a circle, beside its operations: a map with these names. A field that is added has a default, so that what was
/// stored before stays readable.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CircleRecord {
    pub(crate) nonce: ByteArray<16>,
    /// Whose; `None`: one's own.
    pub(crate) owner: Option<ComradeId>,
    /// What the owner calls it, on this device alone.
    pub(crate) name: String,
    pub(crate) active_at: Millis,
    pub(crate) version: u64,
    /// Up to which number the person has seen it.
    seen: u64,
    /// Why nothing more comes, and since when.
    ended: Option<Millis>,
    left: Option<Millis>,
    /// What is left goes record by record, and then the record.
    is_forgotten: bool,
    /// One's own: it is for all comrades.
    is_for_everybody: bool,
    /// One's own: the newest number and its id.
    sequence: u64,
    previous: Option<ByteArray<32>>,
    readers: Vec<Reader>,
    /// Comments of others that were taken back, by halves of their ids, the newest last: they are not published again.
    refused: VecDeque<ByteArray<16>>,
    /// When somebody was added last: no two times are the same, but those who are added at once share one.
    added_at: Millis,
    /// Another's: since when this person reads it, as the owner says.
    since: Millis,
    /// What came: up to where, and beyond; and the newest number that was heard of.
    up_to: u64,
    beyond: Vec<u64>,
    newest: u64,
    /// When a gap was noticed, or asked about, last.
    asked_at: Option<Millis>,
    /// Comments of one's own that the owner has not published, with when they were made.
    waiting: Vec<(Millis, serde_bytes::ByteBuf)>,
}

/// A circle in memory.
pub(crate) struct Circle {
    pub(crate) record: CircleRecord,
    state: circle::Circle,
    /// The person said something: it leaves at once.
    is_loud: bool,
    /// Nothing is kept of what was taken back.
    is_tidy: bool,
    /// What a row shows of what was said, and of which version.
    summary: Option<views::Summary>,
}

/// All circles, and what concerns all of them.
#[derive(Default)]
pub(crate) struct Circles {
    all: BTreeMap<CircleId, Circle>,
    /// When what follows from mail is done next.
    due_at: Option<Millis>,
    /// Where that goes on, if a step had no room for all of it.
    next: Option<CircleId>,
    /// The day on which what expired went last.
    expired: u32,
    /// What came and waits for room in a step, the oldest first. If it is lost with the memory, it is missing, and asked for.
    arrived: VecDeque<Arrived>,
    /// What the screens know.
    shown: Vec<CircleView>,
    /// Records of circles that are not there any more, to be deleted.
    orphans: Vec<Vec<u8>>,
}

impl Circles {
    /// Bytes of what is kept of circles: of one's own, or of comrades.
    fn bytes(&self, own: bool) -> usize {
        let all = self.all.values().filter(|it| it.record.is_own() == own);
        all.map(|it| it.state.bytes()).sum()
    }

    /// Whether there is room for another word in any of one's own.
    fn has_room(&self) -> bool {
        let room = limits::MAX_CIRCLES_BYTES / 2;
        self.bytes(true).saturating_add(MAX_CIRCLE_OPERATION_BYTES) <= room
    }

    /// The same for what somebody else says there: they may take half of that.
    fn has_room_for_another(&self) -> bool {
        let own = self.all.values().filter(|it| it.record.is_own());
        let others: usize = own.map(|it| it.state.others().bytes).sum();
        self.has_room() && others < limits::MAX_CIRCLES_BYTES / 4
    }

    /// What has to go so that there is room for comrades' circles, one at a time: the oldest of the largest of them.
    fn make_room(&mut self) -> Option<(CircleId, OperationId)> {
        if self.bytes(false) <= limits::MAX_CIRCLES_BYTES / 2 {
            return None;
        }
        let theirs = self.all.iter_mut().filter(|(_, it)| !it.record.is_own());
        let (id, circle) = theirs.max_by_key(|(_, it)| it.state.bytes())?;
        let gone = circle.state.forget_oldest()?;
        circle.record.version = circle.record.version.saturating_add(1);
        Some((*id, gone))
    }
}

impl CircleRecord {
    pub(crate) fn new(
        nonce: [u8; 16],
        owner: Option<ComradeId>,
        name: String,
        now: Millis,
    ) -> Self {
        Self {
            nonce: nonce.into(),
            owner,
            name,
            active_at: now,
            version: 1,
            seen: 0,
            ended: None,
            left: None,
            is_forgotten: false,
            is_for_everybody: false,
            sequence: 0,
            previous: None,
            readers: Vec::new(),
            refused: VecDeque::new(),
            added_at: 0,
            since: 0,
            up_to: 0,
            beyond: Vec::new(),
            newest: 0,
            asked_at: None,
            waiting: Vec::new(),
        }
    }

    /// The circle of all comrades of whoever has this device.
    fn everybody(device: &[u8; 32], now: Millis) -> Self {
        let is_for_everybody = true;
        Self {
            is_for_everybody,
            ..Self::new(everybody(device), None, String::new(), now)
        }
    }

    fn is_own(&self) -> bool {
        self.owner.is_none()
    }

    fn over(&self) -> Option<CircleOver> {
        let ended = self.ended.map(CircleOver::Ended);
        self.left.map(CircleOver::Left).or(ended)
    }

    fn numbers(&self) -> Numbers {
        Numbers::from_parts(self.up_to, self.beyond.iter().copied())
    }

    fn set_numbers(&mut self, numbers: &Numbers) {
        let (up_to, beyond) = numbers.parts();
        (self.up_to, self.beyond) = (up_to, beyond.collect());
    }

    /// The lowest numbers that are missing.
    fn missing(&self, most: usize) -> Vec<u64> {
        match self.over() {
            None if !self.is_own() => self.numbers().missing(self.newest, most),
            _ => Vec::new(),
        }
    }

    fn touch(&mut self, now: Millis) {
        self.active_at = now;
        self.version = self.version.saturating_add(1);
    }
}

/// What stands for a draw in the circle of all comrades: each device has exactly one, and a person who begins anew on another device
/// another one, since its numbers begin anew, too.
fn everybody(device: &[u8; 32]) -> [u8; 16] {
    half(device)
}

fn half(bytes: &[u8; 32]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *bytes;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// Whether a key of the table of spaces is one of a circle.
pub(crate) fn is_key(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(RECORD | OPERATION)))
}

fn record_key(id: CircleId) -> Vec<u8> {
    [&[RECORD], &id.0[..]].concat()
}

fn operation_key(id: CircleId, operation: &OperationId) -> Vec<u8> {
    [&[OPERATION], &id.0[..], &operation.0].concat()
}

/// How a circle is called in this vault.
fn local(id: &circle::CircleId) -> CircleId {
    CircleId(half(&id.0))
}

impl Open {
    /// Puts an empty circle in its place: the owner's person and device say what may be written in it.
    fn circle_place(&mut self, record: CircleRecord) -> Option<CircleId> {
        let (person, device) = match record.owner {
            None => (self.device.person(), *self.device.certificate().device()),
            Some(owner) => {
                let who = self.comrades.get(&owner)?.record.who?;
                (who.person, who.device)
            }
        };
        let state = circle::Circle::new(
            circle::CircleId::of(&person, &record.nonce),
            [DeviceId(device)],
        );
        let id = local(&state.id());
        let circle = Circle {
            record,
            state,
            is_loud: false,
            is_tidy: false,
            summary: None,
        };
        self.circles.all.insert(id, circle);
        Some(id)
    }

    /// Takes a record of a circle into memory.
    pub(crate) fn load_circle(&mut self, record: &Record) -> Result<(), Damaged> {
        let value = self.unseal(Table::Spaces, record)?;
        let placed = match record.key.split_first() {
            Some((&RECORD, _)) => self.circle_place(records::decode(&value)?).is_some(),
            Some((_, rest)) => {
                let (id, _) = rest.split_first_chunk().ok_or(Damaged)?;
                let operation = Operation::decode_stored(&value).map_err(|_| Damaged)?;
                let circle = self.circles.all.get_mut(&CircleId(*id));
                circle.is_some_and(|it| it.state.insert(operation).is_ok())
            }
            None => return Err(Damaged),
        };
        if !placed {
            self.circles.orphans.push(record.key.clone());
        }
        Ok(())
    }

    /// What a step touched of circles.
    pub(crate) fn write_circles(&mut self, step: &mut Step) {
        for id in std::mem::take(&mut step.touched.circles) {
            let circle = self.circles.all.get(&id);
            let value = circle.map(|circle| records::encode(&circle.record));
            step.writes.insert((Table::Spaces, record_key(id)), value);
        }
    }

    /// Keeps an operation; says whether it is new and of use.
    fn circle_keep(&mut self, step: &mut Step, id: CircleId, operation: Operation) -> bool {
        let Some(circle) = self.circles.all.get_mut(&id) else {
            return false;
        };
        let operation_id = operation.id();
        let on = match operation.body() {
            Body::Comment { comment } => Some(comment.on()),
            _ => None,
        };
        let mut about = on.iter().chain([&operation_id]);
        if about.any(|it| circle.state.is_removed(it)) {
            return false;
        }
        let bytes = operation.as_bytes().to_vec();
        let takes_back = matches!(operation.body(), Body::Remove { .. });
        let Ok(Inserted::New(gone)) = circle.state.insert(operation) else {
            return false;
        };
        let is_kept = !gone.contains(&operation_id);
        if is_kept {
            let value = zeroize::Zeroizing::new(bytes);
            step.write(Table::Spaces, operation_key(id, &operation_id), value);
        }
        for one in gone {
            step.delete(Table::Spaces, operation_key(id, &one));
        }
        if takes_back {
            // It is shown no more, and deleted as there is room.
            circle.is_tidy = false;
            step.again = true;
        }
        circle.record.touch(step.now);
        step.touched.circles.insert(id);
        while step.has_room()
            && let Some((from, one)) = self.circles.make_room()
        {
            step.delete(Table::Spaces, operation_key(from, &one));
            step.touched.circles.insert(from);
        }
        step.show.circles = true;
        is_kept
    }

    /// The comrade said something about a circle of theirs, or of one's own.
    pub(crate) fn circle_heard(&mut self, step: &mut Step, comrade: ComradeId, content: &[u8]) {
        let Some(record) = self.comrades.get(&comrade).map(|it| &it.record) else {
            return;
        };
        // Whoever was asked may have said yes in what comes after this.
        let (Some(who), true) = (record.who, record.is_wanted()) else {
            return;
        };
        let Ok(Some((nonce, word))) = Word::decode(content) else {
            return;
        };
        let of = |person: &PersonId| local(&circle::CircleId::of(person, &nonce));
        let theirs = of(&who.person);
        let own = of(&self.device.person());
        match word {
            Word::Load(load) => self.circle_loaded(step, comrade, (theirs, nonce), load),
            Word::End => self.circle_ended(step, theirs),
            Word::Comment { since, comment } => {
                self.circle_commented(step, comrade, own, since, &comment);
            }
            Word::Farewell { since } => self.circle_left(step, comrade, own, since),
            Word::Gap { since, from } => self.circle_rewind(step, comrade, own, since, from),
        }
    }

    /// The comrade is removed: they read nothing any more, and what they wrote goes.
    pub(crate) fn circles_without(&mut self, step: &mut Step, comrade: ComradeId) {
        for (id, circle) in &mut self.circles.all {
            if circle.record.owner == Some(comrade) {
                circle.record.is_forgotten = true;
                step.touched.circles.insert(*id);
                step.again = true;
            } else if circle.stop_telling(comrade) {
                step.touched.circles.insert(*id);
            }
        }
        step.show.circles = true;
    }

    /// What time brings to circles.
    pub(crate) fn circles_upkeep(&mut self, step: &mut Step) {
        self.circles_unfold(step, reading::UNFOLDED);
        self.circles_tidy(step);
        self.circles_go_on_forgetting(step);
        let loud = self.circles.all.iter().filter(|(_, it)| it.is_loud);
        let loud: Vec<CircleId> = loud.map(|(id, _)| *id).collect();
        for id in loud {
            self.circle_tell(step, id);
        }
        if !self.clock.is_doubted() {
            self.circles_expire(step);
        }
        if self.circles.due_at.is_some_and(|at| at <= step.now) {
            self.circles.due_at = None;
            // What has not come yet must not look as if it were missing.
            if self.own.node().is_none() || self.is_caught_up(step.now) {
                self.circle_duties(step);
            }
        }
        if self.circles.due_at.is_none() && self.circles_pending() {
            self.circles.due_at = Some(self.draw_duty_time(step));
        }
    }

    /// The clock was ahead: nothing waits for a day that is far off.
    pub(crate) fn bring_down_circles(&mut self, now: Millis) {
        let latest = now.saturating_add(limits::LONGEST_QUIET);
        self.circles.due_at = self.circles.due_at.map(|at| at.min(latest));
        for circle in self.circles.all.values_mut() {
            let record = &mut circle.record;
            record.asked_at = record.asked_at.map(|at| at.min(now));
            for reader in &mut record.readers {
                reader.bring_down(now);
            }
            for (at, _) in &mut record.waiting {
                *at = now.min(*at);
            }
        }
    }

    /// Another pace was chosen: a wait is drawn anew.
    pub(crate) fn draw_circles(&mut self, step: &mut Step) {
        if self.circles.due_at.is_some_and(|at| at > step.now) {
            self.circles.due_at = Some(self.draw_duty_time(step));
        }
    }

    /// When [`Open::circles_upkeep`] has something to do.
    pub(crate) fn next_circle(&self, now: Millis) -> Option<Millis> {
        let undrawn = || self.circles_pending().then_some(now);
        self.circles.due_at.or_else(undrawn)
    }

    fn circles_pending(&self) -> bool {
        let pending = |it: &Circle| match it.record.is_own() {
            true => it.is_pending(),
            false => !it.record.is_forgotten && !it.record.missing(1).is_empty(),
        };
        self.circles.all.values().any(pending)
    }

    /// Says in each circle what there is to say, the one first at which the step before came to its end.
    fn circle_duties(&mut self, step: &mut Step) {
        let from = self.circles.next.take();
        let ids = self.circles.all.keys().copied();
        let (before, after): (Vec<CircleId>, Vec<CircleId>) =
            ids.partition(|id| from.is_some_and(|from| *id < from));
        for id in after.into_iter().chain(before) {
            match self.circles.all.get(&id).map(|it| it.record.is_own()) {
                Some(true) => self.circle_tell(step, id),
                Some(false) => self.circle_ask(step, id),
                None => {}
            }
            if !step.has_room() {
                // The next step comes at once.
                self.circles.next = Some(id);
                self.circles.due_at = Some(step.now);
                return;
            }
        }
    }

    /// Once a day: what has expired goes.
    fn circles_expire(&mut self, step: &mut Step) {
        let today = day_of(step.now);
        if self.circles.expired == today {
            return;
        }
        let ids: Vec<CircleId> = self.circles.all.keys().copied().collect();
        for id in ids {
            if !self.circle_expire(step, id, today) {
                // The rest goes in the next step, which comes at once.
                return;
            }
        }
        self.circles.expired = today;
    }

    /// Says whether nothing is left that has expired.
    fn circle_expire(&mut self, step: &mut Step, id: CircleId, today: u32) -> bool {
        let Some(circle) = self.circles.all.get_mut(&id) else {
            return true;
        };
        let is_late = |at: Millis| at.saturating_add(limits::MESSAGE_LIFE) <= step.now;
        let before = circle.record.waiting.len();
        circle.record.waiting.retain(|(at, _)| !is_late(*at));
        let mut changed = circle.record.waiting.len() < before;
        let mut is_done = false;
        while !is_done && step.has_room() {
            let over = circle.state.expire(today, AT_ONCE);
            is_done = over.is_empty();
            changed |= !is_done;
            for one in over {
                step.delete(Table::Spaces, operation_key(id, &one));
            }
        }
        if changed {
            circle.record.version = circle.record.version.saturating_add(1);
            step.touched.circles.insert(id);
            step.show.circles = true;
        }
        is_done
    }

    /// Deletes what was taken back, with what was said to it.
    fn circles_tidy(&mut self, step: &mut Step) {
        for (id, circle) in &mut self.circles.all {
            while !circle.is_tidy && step.has_room() {
                let some = circle.state.taken_back(AT_ONCE);
                circle.is_tidy = some.is_empty();
                circle.state.forget(&some);
                for one in some {
                    step.delete(Table::Spaces, operation_key(*id, &one));
                }
            }
        }
    }

    fn circles_go_on_forgetting(&mut self, step: &mut Step) {
        while let Some(key) = self.circles.orphans.pop() {
            step.delete(Table::Spaces, key);
            if !step.has_room() {
                return;
            }
        }
        let is_over = |it: &Circle| it.record.is_forgotten || it.record.left.is_some();
        let over = self.circles.all.iter().filter(|(_, it)| is_over(it));
        let ids: Vec<CircleId> = over.map(|(id, _)| *id).collect();
        for id in ids {
            if !self.circle_forget(step, id) {
                return;
            }
            // Readers have still to be told; and what was left is remembered, or it would come again.
            let circle = self.circles.all.get(&id);
            if circle.is_some_and(|it| it.record.is_forgotten && it.record.readers.is_empty()) {
                self.circles.all.remove(&id);
                step.touched.circles.insert(id);
                step.show.circles = true;
            }
        }
    }

    /// Deletes what was said; says whether all of it is gone.
    fn circle_forget(&mut self, step: &mut Step, id: CircleId) -> bool {
        while step.has_room() {
            let Some(circle) = self.circles.all.get_mut(&id) else {
                return true;
            };
            let some = circle.state.operations().map(Operation::id).take(AT_ONCE);
            let some: Vec<OperationId> = some.collect();
            if some.is_empty() {
                return true;
            }
            circle.state.forget(&some);
            for one in some {
                step.delete(Table::Spaces, operation_key(id, &one));
            }
        }
        false
    }
}
