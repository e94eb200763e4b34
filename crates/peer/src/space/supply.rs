//! What is missing: asking for it, and answering others.
//!
//! A device that lacks seeds or operations says so under the newest seed it holds, and signs that. One member answers, to the
//! homes of that device: they stand in the order of a hash, and each of the next three waits longer. What was content goes again under the
//! seed that it came under, so that nobody reads by asking what was said before they came in; what concerns
//! who belongs goes under the seed in use, so that nobody who went reads it.
//!
//! Asking and answering are done at drawn times (`duties`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use komrade_crypto::{
    day_of,
    group::{
        Commit, LeafRecord, MAX_MISSING_HEADS, MAX_MISSING_SEEDS, Missing, Seed,
        rules::{self, Phase},
    },
    identity::PersonId,
};
use komrade_social::{
    OperationId,
    collective::{Body, Operation},
};
use komrade_view::{CollectiveId, Millis};
use rand_core::CryptoRng;

use super::{
    Draft, Known, Place, Space, ToldSeed,
    frame::{Asked, Bundle, Load},
    outbox::What,
};
use crate::{limits, open::Open, step::Step};

/// What somebody lacks.
#[derive(Clone)]
pub(crate) struct Question {
    /// The same for all who hear it.
    pub(crate) id: [u8; 32],
    pub(crate) missing: Missing,
    /// The device that asks.
    pub(crate) device: [u8; 32],
    /// When it asked, by its own clock.
    time: Millis,
    /// Under which seed it asked.
    pub(crate) commit: Commit,
    /// When it was heard that this device lacks something.
    pub(crate) since: Millis,
    /// What showed it, if it did not ask: by that the device knows of what lies before.
    shown_by: Option<OperationId>,
    /// The device does not know of the leaf key that all others seal to.
    has_old_leaf: bool,
}

/// A question whose turn came.
pub(crate) struct Answered {
    id: [u8; 32],
    device: [u8; 32],
    at: Millis,
    /// There was something to give: by what nobody has no device uses up its ration.
    is_given: bool,
}

impl Question {
    /// Takes out what somebody else supplied: a seed, operations. Says whether nothing is left to be answered.
    pub(super) fn take_supplied(
        &mut self,
        seed: Option<Commit>,
        operations: &[OperationId],
    ) -> bool {
        let (seeds, heads) = (self.missing.seeds(), self.missing.heads());
        if seeds.is_empty() && heads.is_empty() {
            // They lack what all have by now.
            return seed.is_some();
        }
        let is_supplied = |head: &[u8; 32]| operations.contains(&OperationId(*head));
        let seeds = seeds.iter().filter(|it| Some(**it) != seed).copied();
        let heads = heads.iter().filter(|it| !is_supplied(it)).copied();
        self.missing = Missing::new(seeds, heads);
        self.missing.seeds().is_empty() && self.missing.heads().is_empty()
    }
}

/// Whether what is asked, or shows that something is missing, is of these days by its own date: not of long ago, nor of a day to come.
fn is_timely(time: Millis, now: Millis) -> bool {
    time <= now.saturating_add(limits::DAY) && time > now.saturating_sub(limits::QUESTION_AGE)
}

/// The first of these operations, as many as take no more than so many bytes.
pub(super) fn first_within(
    mut room: usize,
    operations: impl Iterator<Item = Vec<u8>>,
) -> Vec<Vec<u8>> {
    let fits = |bytes: &Vec<u8>| {
        let left = room.checked_sub(bytes.len());
        room = left.unwrap_or(0);
        left.is_some()
    };
    operations.take_while(fits).collect()
}

/// Takes some of each group in turn: the oldest, or any, by lot. Nobody's take the place of all others', and what nobody can give
/// does not stand in the way of what somebody can.
fn in_turn<T>(groups: Vec<Vec<T>>, most: usize, rng: &mut dyn CryptoRng) -> Vec<T> {
    let mut groups: Vec<VecDeque<T>> = groups.into_iter().map(VecDeque::from).collect();
    let mut draw = |below: usize| {
        let drawn = rng.next_u64() % u64::try_from(below.max(1)).unwrap_or(1);
        usize::try_from(drawn).unwrap_or(0)
    };
    let mut taken = Vec::new();
    while taken.len() < most && !groups.is_empty() {
        let mut left = Vec::new();
        while !groups.is_empty() {
            let mut group = groups.swap_remove(draw(groups.len()));
            let at = match draw(2) {
                0 => 0,
                _ => draw(group.len()),
            };
            taken.extend(group.remove(at));
            if !group.is_empty() {
                left.push(group);
            }
        }
        groups = left;
    }
    taken.truncate(most);
    taken
}

impl Space {
    /// Whether something came since this person went that builds on what is not here: whoever said it goes on sealing to them.
    fn hears_of_more(&self) -> bool {
        let (Place::Removed(at) | Place::Left(at)) = self.record.place else {
            return false;
        };
        let mut wanted = self.wanted.values();
        wanted.any(|wanted| wanted.since >= at && !wanted.may_be_before)
    }

    /// What this device lacks: of too much a part, some of what each person named, and of what came under each seed.
    pub(super) fn missing(&self, rng: &mut dyn CryptoRng) -> Missing {
        let unknown = |commit: &Commit| {
            let state = self.keys.get(commit);
            state.is_none_or(|it| !it.is_accepted())
        };
        let mut seeds: BTreeMap<Option<Commit>, BTreeSet<Commit>> = BTreeMap::new();
        for waiting in self.waiting.values() {
            if let Some(commit) = waiting.commit.filter(unknown) {
                seeds.entry(waiting.under).or_default().insert(commit);
            }
        }
        let seeds = seeds.into_values().map(|group| group.into_iter().collect());
        let mut named: BTreeMap<PersonId, Vec<(Millis, OperationId)>> = BTreeMap::new();
        for (id, wanted) in &self.wanted {
            let group = named.entry(wanted.by).or_default();
            group.push((wanted.since, *id));
        }
        let mut named: Vec<_> = named.into_values().collect();
        // What is decided is never given up.
        let missing = self.society.missing().into_iter();
        let missing = missing.filter(|id| !self.wanted.contains_key(id));
        let missing: Vec<_> = missing.map(|id| (0, id)).collect();
        named.extend(Some(missing).filter(|it| !it.is_empty()));
        named.iter_mut().for_each(|group| group.sort_unstable());
        let heads = in_turn(named, MAX_MISSING_HEADS, rng);
        Missing::new(
            in_turn(seeds.collect(), MAX_MISSING_SEEDS, rng),
            heads.into_iter().map(|(_, id)| id.0),
        )
    }

    /// Whether something that was missing by `until` already was not asked for the last time. What may have been said to others before this
    /// person came in does not count: most of it never comes.
    fn lacks_more(&self, missing: &Missing, until: Millis) -> bool {
        let counts = |id: &[u8; 32]| {
            let wanted = self.wanted.get(&OperationId(*id));
            wanted.is_some_and(|wanted| !wanted.may_be_before && wanted.since <= until)
        };
        let mut heads = missing.heads().iter().filter(|id| counts(id));
        let mut seeds = missing.seeds().iter().map(|it| &it.0);
        let is_new = |id: &[u8; 32]| !self.asked_for.contains(id);
        // Since the vault was opened nothing was asked for: that goes on as before.
        let may_be_asked =
            !self.asked_for.is_empty() && self.record.asked < limits::MOST_ASKED_AT_ONCE;
        may_be_asked && (heads.any(is_new) || seeds.any(is_new))
    }

    /// Somebody lacks something: answered in its turn. Only who may be asking is heard, and not too often; a question that comes
    /// again was heard before.
    pub(super) fn hear(&mut self, asked: Asked, commit: Commit, now: Millis) {
        let space = *self.record.space;
        if asked.device == self.own.device
            || !is_timely(asked.time, now)
            || !(self.is_theirs(&asked.device) || self.was_theirs(&asked.device))
        {
            return;
        }
        let id = asked.id(&space);
        // The signature last: it is dear.
        if !self.may_answer(&id, &asked.device, now) || !asked.is_signed(&space) {
            return;
        }
        if self.chosen(now) == Some(commit) {
            self.record.silence_put_off(now);
        }
        self.queue(Question {
            id,
            missing: asked.missing,
            device: asked.device,
            time: asked.time,
            commit,
            since: now,
            shown_by: None,
            has_old_leaf: false,
        });
    }

    /// Leaf keys that came beside what their devices lack: of a profile that was restored it may be an older one than what is sealed to.
    pub(super) fn note_old_leaves(&mut self, leaves: &[LeafRecord]) {
        for leaf in leaves {
            let known = self.devices.get(leaf.device());
            let known = known.and_then(|it| it.leaf.as_ref());
            let is_old = known.is_some_and(|known| known.supersedes(leaf));
            let mut questions = self.questions.iter_mut();
            let question = questions.find(|it| it.device == *leaf.device());
            if let Some(question) = question.filter(|_| is_old) {
                question.has_old_leaf = true;
            }
        }
    }

    /// Whether a device is a member's.
    fn is_theirs(&self, device: &[u8; 32]) -> bool {
        let mut members = self.society.devices().into_iter();
        members.any(|member| member.device == *device)
    }

    /// Whether it was one's when its person went, and may not know of that.
    pub(super) fn was_theirs(&mut self, device: &[u8; 32]) -> bool {
        self.devices.contains_key(device) && !self.society.ended_by(device).is_empty()
    }

    /// The seed to send under.
    fn chosen(&self, now: Millis) -> Option<Commit> {
        let root = self.root()?;
        self.keys.choose(&root, day_of(now))
    }

    /// Something came under a seed. If it shows that its author lacks the one in use, that is as good as a question, once a day: all that
    /// comes under it looks to them like strangers' mail, and they cannot know.
    pub(super) fn note_under(&mut self, operation: &Operation, under: &Commit, now: Millis) {
        let device = operation.fields().device.0;
        if device == self.own.device {
            return;
        }
        let is_member = self.is_theirs(&device);
        let chosen = self.chosen(now);
        if is_member && chosen == Some(*under) {
            // What devices say by themselves begins no other silence; what follows from a decision does, as often as something is decided.
            match operation.body() {
                Body::Profile { .. } | Body::Homes { .. } | Body::Seed { .. } => {
                    self.record.silence_put_off(now);
                }
                _ => self.record.silence_heard(now),
            }
        }
        let is_behind = match chosen {
            Some(chosen) if is_member => self.is_behind_with(operation, under, &chosen, now),
            _ if is_member => false,
            _ => self.is_gone_unawares(operation, now),
        };
        if !is_behind {
            return;
        }
        // The same for all who hear it that day.
        let fields = operation.fields();
        let mut id = chosen.map_or([0; 32], |chosen| chosen.0);
        for (byte, other) in id.iter_mut().zip(device) {
            *byte ^= other;
        }
        for (byte, other) in id.iter_mut().zip(day_of(fields.time).to_be_bytes()) {
            *byte ^= other;
        }
        if !self.may_answer(&id, &device, now) {
            return;
        }
        self.queue(Question {
            id,
            missing: Missing::new([], []),
            device,
            time: fields.time,
            commit: *under,
            since: now,
            shown_by: Some(operation.id()),
            has_old_leaf: false,
        });
    }

    /// Whether a member said something under a seed of before, an hour after the one in use was drawn, or under one for other members
    /// than those whom both know of; and nothing yet under the one in use.
    fn is_behind_with(
        &self,
        operation: &Operation,
        under: &Commit,
        chosen: &Commit,
        now: Millis,
    ) -> bool {
        let fields = operation.fields();
        if !is_timely(fields.time, now) {
            return false;
        }
        let height = |commit: &Commit| self.keys.get(commit).map_or(0, |it| it.height);
        let root = self.keys.get(under).and_then(|it| it.root());
        let is_for_others = root != self.root() && !self.lacks_context(operation);
        let has_it = |known: &Known| {
            known.device == fields.device.0 && known.commit.as_ref() == Some(chosen)
        };
        under != chosen
            && (height(under) < height(chosen) || is_for_others)
            && fields.time > height(chosen).saturating_add(limits::MISSED_AFTER)
            && !self.known.values().any(has_it)
    }

    /// Whether somebody who is no member any more said something an hour after they went, not knowing of it.
    fn is_gone_unawares(&mut self, operation: &Operation, now: Millis) -> bool {
        let fields = operation.fields();
        if !is_timely(fields.time, now) || !self.was_theirs(&fields.device.0) {
            return false;
        }
        let ended = self.society.ended_by(&fields.device.0);
        let is_after = |it: &&Operation| {
            let since = it.fields().time.saturating_add(limits::MISSED_AFTER);
            ended.contains(&it.id()) && it.fields().person != fields.person && fields.time > since
        };
        let mut unseen = self.society.between(&fields.context, &ended);
        unseen.find(is_after).is_some()
    }

    /// Whether a question was not answered yet, and its device has not had all answers of a day.
    fn may_answer(&self, id: &[u8; 32], device: &[u8; 32], now: Millis) -> bool {
        let day = now.saturating_sub(limits::DAY);
        let mut answered = self.answered.iter();
        let theirs = answered
            .clone()
            .filter(|it| it.device == *device && it.is_given && it.at > day);
        theirs.count() < limits::MAX_ANSWERS_EACH && !answered.any(|it| it.id == *id)
    }

    fn queue(&mut self, mut question: Question) {
        // The next question of a device stands for the one before; its turn is as near as that one's was.
        let before = self
            .questions
            .iter()
            .position(|it| it.device == question.device);
        if let Some(before) = before.and_then(|at| self.questions.get_mut(at)) {
            if before.time < question.time {
                question.since = before.since;
                *before = question;
            }
        } else if self.questions.len() < limits::MAX_QUESTIONS {
            self.questions.push(question);
        }
    }

    /// It was answered, or its turn is over.
    fn note_answered(&mut self, question: &Question, is_given: bool, now: Millis) {
        let over = now.saturating_sub(limits::QUESTION_AGE + limits::DAY);
        self.answered.retain(|it| it.at > over);
        self.answered.push_back(Answered {
            id: question.id,
            device: question.device,
            at: now,
            is_given,
        });
        if self.answered.len() > limits::MAX_ANSWERED {
            self.answered.pop_front();
        }
    }

    /// The newest seed that is here is too old to send under: this device was away for long.
    fn is_behind(&self, today: u32) -> bool {
        let newest = self.keys.newest().and_then(|commit| self.keys.get(&commit));
        newest.is_some_and(|state| rules::phase(state.since, today) >= Phase::Reading)
    }

    /// An operation and those of its device before it, as far as they are here.
    pub(super) fn chain(&self, id: OperationId, most: usize) -> Vec<(OperationId, &Known)> {
        let mut chain = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next.filter(|_| chain.len() < most) {
            let Some(known) = self.known.get(&id).filter(|it| it.is_placed) else {
                break;
            };
            let operation = Operation::decode_stored(&known.bytes).ok();
            next = operation.and_then(|it| it.fields().previous);
            chain.push((id, known));
        }
        chain
    }
}

impl Open {
    /// A control message of this device.
    pub(super) fn space_enqueue_control(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        bundle: &Bundle,
    ) {
        let draft = Draft {
            control: Some(bundle.encode().to_vec()),
            ..Draft::default()
        };
        self.space_enqueue(step, id, What::Word, &draft);
    }

    /// Whoever went asks too, if others go on sealing to them: what removed them, or their farewell, may not hold any more.
    pub(super) fn space_ask_outside(&mut self, step: &mut Step, id: CollectiveId) {
        let space = self.spaces.get(&id);
        let asks = |it: &Space| it.hears_of_more() && it.record.asked < limits::MOST_ASKED_OUTSIDE;
        if space.is_some_and(asks) {
            self.space_ask(step, id);
        }
    }

    /// Asks for what is missing, at growing distances.
    pub(super) fn space_ask(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let key = self.device.key().clone();
        let ask_after = self.patience(limits::ASK_AFTER);
        let ask_pace = self.patience(limits::ASK_PACE);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let missing = space.missing(step.rng);
        let is_behind = space.is_behind(today);
        if missing.seeds().is_empty() && missing.heads().is_empty() && !is_behind {
            if space.record.asked != 0 {
                space.record.asked = 0;
                step.touched.spaces.insert(id);
            }
            return;
        }
        // What was noticed just now may be on its way.
        let oldest = space.wanted.values().map(|wanted| wanted.since).min();
        let is_fresh = oldest.is_some_and(|at| step.now < at.saturating_add(ask_after));
        let longest = limits::ASK_PACE << limits::MOST_ASKED;
        let pause = match space.lacks_more(&missing, step.now.saturating_sub(ask_after)) {
            true => ask_pace,
            false => ask_pace << space.record.asked.min(limits::MOST_ASKED_QUICKLY),
        };
        let pause = pause.min(longest);
        let lately = space.record.asked_at;
        let lately = lately.is_some_and(|at| step.now < at.saturating_add(pause));
        if is_fresh && missing.seeds().is_empty() || lately {
            return;
        }
        let Some(newest) = space.newest_at_all() else {
            return;
        };
        let Some(state) = space.keys.get(&newest) else {
            return;
        };
        let heads = missing.heads().iter().copied();
        let asked_for = heads.chain(missing.seeds().iter().map(|it| it.0)).collect();
        let asked = Asked::sign(&space.record.space, missing, step.now, &key);
        // Whoever answers seals to it.
        let own = space.devices.get(&space.own.device);
        let leaf = own.and_then(|it| it.leaf.as_ref()).map(LeafRecord::encode);
        let bundle = Bundle {
            asked: Some(asked),
            leaves: leaf.into_iter().collect(),
            ..Bundle::default()
        };
        let Ok(control) = state.lasting().seal_control(&bundle.encode(), step.rng) else {
            return;
        };
        let load = Load {
            control: Some(control),
            ..Load::default()
        };
        space.asked_for = asked_for;
        space.record.asked_at = Some(step.now);
        space.record.asked = space.record.asked.saturating_add(1);
        let homes = space.homes();
        step.show.collectives = true;
        self.space_enqueue_load(step, id, newest, &load, homes);
    }

    /// Answers those who lack something, when it is this device's turn.
    pub(super) fn space_answer(&mut self, step: &mut Step, id: CollectiveId) {
        let now = step.now;
        let answer_pace = self.patience(limits::ANSWER_PACE);
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        space
            .questions
            .retain(|it| now < it.since.saturating_add(limits::QUESTION_LIFE));
        let words = space.outbox.values();
        let words = words.filter(|entry| entry.what == What::Word && entry.is_waiting());
        if words.count() > limits::MAX_WORDS {
            return;
        }
        let members = space.member_devices();
        let mut due = Vec::new();
        for question in std::mem::take(&mut space.questions) {
            let others = members.iter();
            let others = others.filter(|it| **it != space.own.device && **it != question.device);
            let turn = rules::turn(&question.id, &space.own.device, others) as u64;
            let is_own = space.is_asked_for_own(&question);
            let wait = answer_pace.saturating_mul(turn);
            let is_due = is_own || now >= question.since.saturating_add(wait);
            let is_turn = is_own || (turn < limits::ANSWERING && !space.has_left());
            let is_heard = members.contains(&question.device) || space.was_theirs(&question.device);
            match (is_turn && is_heard, is_due) {
                (true, true) => due.push(question),
                (true, false) => space.questions.push(question),
                (false, _) => {}
            }
        }
        for question in due {
            let Some(space) = self.spaces.get_mut(&id) else {
                return;
            };
            if !step.has_room() {
                space.questions.push(question);
                continue;
            }
            let (device, commit) = (question.device, question.commit);
            let homes = space.homes_of([device].into_iter());
            let loads = match homes.is_empty() {
                true => Vec::new(),
                false => space.answers(&question, step),
            };
            space.note_answered(&question, !loads.is_empty(), now);
            for load in loads {
                self.space_enqueue_load(step, id, commit, &load, homes.clone());
            }
            self.space_pump(step, id);
        }
    }
}

impl Space {
    fn has_left(&self) -> bool {
        matches!(self.record.place, Place::Left(_))
    }

    fn is_own(&self, id: &[u8; 32]) -> bool {
        let known = self.known.get(&OperationId(*id));
        known.is_some_and(|it| it.device == self.own.device)
    }

    /// Whether somebody lacks what this device said: nobody else may have it.
    fn is_asked_for_own(&self, question: &Question) -> bool {
        question.missing.heads().iter().any(|id| self.is_own(id))
    }

    /// What a device gets that lacks something.
    pub(super) fn answers(&mut self, question: &Question, step: &mut Step) -> Vec<Load> {
        let device = &question.device;
        if !self.is_theirs(device) {
            return self.farewell(question, step).into_iter().collect();
        }
        if self.has_left() {
            // Whoever left gives what they said themself, and nothing else.
            let heads = question.missing.heads().iter().copied();
            let own = Missing::new([], heads.filter(|id| self.is_own(id)));
            return self.supplies(&own, device, question.commit, Vec::new(), step);
        }
        let unseen = match question.shown_by {
            Some(_) => self.unseen_by(question, &self.society.heads()),
            None => Vec::new(),
        };
        let mut loads = self.supplies(&question.missing, device, question.commit, unseen, step);
        // By which it draws another key.
        loads.extend(self.leaf_in_use(question, step));
        loads
    }

    /// The leaf key that is sealed to, for a device that does not know of it.
    fn leaf_in_use(&self, question: &Question, step: &mut Step) -> Option<Load> {
        let device = self.devices.get(&question.device)?;
        let leaf = device.leaf.as_ref().filter(|_| question.has_old_leaf)?;
        let bundle = Bundle {
            leaves: vec![leaf.encode()],
            ..Bundle::default()
        };
        let seed = self.keys.get(&question.commit)?;
        let control = seed.lasting().seal_control(&bundle.encode(), step.rng);
        Some(Load {
            control: control.ok(),
            is_answer: true,
            ..Load::default()
        })
    }

    /// Control operations up to some that whoever asks does not know of, as far as is known: as many as one answer holds, the first ones.
    fn unseen_by(&self, question: &Question, until: &[OperationId]) -> Vec<Vec<u8>> {
        let head = self.devices.get(&question.device).and_then(|it| it.head);
        let shown_by = question.shown_by.or(head.map(|(_, id)| id));
        let shown = shown_by.and_then(|id| self.known.get(&id));
        let shown = shown.and_then(|it| Operation::decode_stored(&it.bytes).ok());
        let known = shown.map_or(Vec::new(), |it| {
            [&it.fields().context[..], &[it.id()]].concat()
        });
        let unseen = self.society.between(&known, until);
        let unseen = unseen.map(|it| it.as_bytes().to_vec());
        let unseen = unseen.take(limits::MAX_BUNDLED / 2);
        first_within(limits::SUPPLY_BYTES, unseen)
    }

    /// What somebody is told who is no member any more and may not know it: by what they went, and what lies before that. Under keys that
    /// nobody else has: the others do not hear who of them went, nor do those who went before.
    fn farewell(&mut self, question: &Question, step: &mut Step) -> Option<Load> {
        let ended = self.society.ended_by(&question.device);
        let mut operations = self.unseen_by(question, &ended);
        let asked = question.missing.heads();
        let asked_for = self.society.between(&[], &ended);
        let asked_for = asked_for.filter(|it| asked.contains(&it.id().0));
        let asked_for = asked_for.map(|it| it.as_bytes().to_vec());
        let asked_for = asked_for.filter(|it| !operations.contains(it));
        let asked_for = asked_for.take(limits::MAX_BUNDLED.saturating_sub(operations.len()));
        let bytes = operations.iter().map(Vec::len).sum();
        let room = limits::SUPPLY_BYTES.saturating_sub(bytes);
        let asked_for = first_within(room, asked_for);
        operations.extend(asked_for);
        let root = self.root().filter(|_| !operations.is_empty())?;
        let seed = Seed::draw(self.group(), root, step.rng);
        let leaf = self.devices.get(&question.device)?.leaf.as_ref()?;
        let slice = seed.slice(leaf.key(), step.rng).ok()?;
        let bundle = Bundle {
            operations,
            ..Bundle::default()
        };
        let control = seed.lasting().seal_control(&bundle.encode(), step.rng);
        Some(Load {
            control: control.ok(),
            pack: seed.pack(&[slice]).ok(),
            is_answer: true,
            ..Load::default()
        })
    }

    /// What a device lacks and this one has, by the seed that it is sealed under; `unseen`: of what concerns who belongs.
    pub(super) fn supplies(
        &mut self,
        missing: &Missing,
        device: &[u8; 32],
        asked_under: Commit,
        unseen: Vec<Vec<u8>>,
        step: &mut Step,
    ) -> Vec<Load> {
        // Whoever left has no key of those who are there now.
        let left = self.has_left().then_some(asked_under);
        let Some(chosen) = left.or_else(|| self.chosen(step.now)) else {
            return Vec::new();
        };
        let mut seeds: BTreeSet<Commit> = missing.seeds().iter().copied().collect();
        if chosen != asked_under {
            seeds.insert(chosen);
        }
        let mut bundles: BTreeMap<Commit, Vec<Vec<u8>>> = BTreeMap::new();
        let mut supplied = BTreeSet::new();
        let mut bytes = unseen.iter().map(Vec::len).sum::<usize>();
        if !unseen.is_empty() {
            bundles.insert(chosen, unseen.into_iter().rev().collect());
        }
        for head in missing.heads() {
            // It can never reach them; what lies before it may, and they do not know its name: that is said once.
            if self.is_kept_from(device, head, asked_under) && !self.note_kept_from(device, head) {
                continue;
            }
            for (id, known) in self.chain(OperationId(*head), limits::SUPPLY_CHAIN) {
                let size = known.bytes.len();
                if supplied.len() >= limits::MAX_BUNDLED
                    || bytes + size > limits::SUPPLY_BYTES
                    || !supplied.insert(id)
                {
                    continue;
                }
                bytes += size;
                let under = known.commit.unwrap_or(chosen);
                bundles.entry(under).or_default().push(known.bytes.clone());
            }
        }
        // Whoever lacks what was said under a seed may lack the seed, and would not know.
        seeds.extend(bundles.keys().copied());
        let mut loads = Vec::new();
        for commit in &seeds {
            if *commit != asked_under && !self.may_have(commit, device) {
                continue;
            }
            let pack = self.pack_for(commit, device, step.rng);
            // Without it they cannot open the rest.
            if pack.is_none() && missing.seeds().contains(commit) {
                continue;
            }
            let mut operations = self.seed_operations(commit);
            // Earlier ones first.
            operations.extend(bundles.remove(commit).into_iter().flatten().rev());
            let bundle = Bundle {
                operations,
                ..Bundle::default()
            };
            let Some(state) = self.keys.get(commit) else {
                continue;
            };
            let control = state.lasting().seal_control(&bundle.encode(), step.rng);
            loads.push(Load {
                control: control.ok(),
                pack,
                is_answer: true,
                ..Load::default()
            });
        }
        loads
    }

    /// A seed, sealed once more to one device, if it is one that the seed is for.
    pub(super) fn pack_for(
        &mut self,
        commit: &Commit,
        device: &[u8; 32],
        rng: &mut dyn rand_core::CryptoRng,
    ) -> Option<Vec<u8>> {
        let context = self.told_of(commit)?.context.clone();
        let members = self.society.devices_at(&context)?;
        let seed = self.keys.get(commit)?.seed.as_ref()?;
        let is_for = members.iter().any(|member| member.device == *device);
        let leaf = self.devices.get(device)?.leaf.as_ref().filter(|_| is_for)?;
        let slice = seed.slice(leaf.key(), rng).ok()?;
        seed.pack(&[slice]).ok()
    }

    /// Whether it was said under keys that a device may not have.
    fn is_kept_from(
        &mut self,
        device: &[u8; 32],
        operation: &[u8; 32],
        asked_under: Commit,
    ) -> bool {
        let known = self.known.get(&OperationId(*operation));
        let under = known
            .and_then(|it| it.commit)
            .filter(|it| *it != asked_under);
        under.is_some_and(|commit| !self.may_have(&commit, device))
    }

    /// Notes that something is kept from a device, and what lies before it is said now. Says whether that is news. It stands in memory
    /// alone: after a start it is said once more.
    fn note_kept_from(&mut self, device: &[u8; 32], operation: &[u8; 32]) -> bool {
        let is_new = self.kept_from.insert((*device, *operation));
        if self.kept_from.len() > limits::MAX_KEPT_FROM {
            self.kept_from.pop_first();
        }
        is_new
    }

    /// Whether a device may have a seed, or get it: one of those that it is for, as far as is known, or anybody while the rules of now give
    /// newcomers what was said before. To all others an answer under it is noise, and they would ask again.
    fn may_have(&mut self, commit: &Commit, device: &[u8; 32]) -> bool {
        if self.society.constitution().is_some_and(|it| it.history) {
            return true;
        }
        let Some(told) = self.told_of(commit) else {
            return true;
        };
        let context = told.context.clone();
        let members = self.society.devices_at(&context);
        members.is_none_or(|all| all.iter().any(|it| it.device == *device))
    }

    /// What the operation says by which a seed was settled: others may claim what they like of it.
    pub(super) fn told_of(&self, commit: &Commit) -> Option<&ToldSeed> {
        let id = self.keys.told(commit)?;
        self.told_seeds.get(&(commit.0, id))
    }

    /// The operation that tells of a seed.
    pub(super) fn seed_operations(&self, commit: &Commit) -> Vec<Vec<u8>> {
        let known = self.keys.told(commit).and_then(|id| self.known.get(&id));
        known.map(|known| known.bytes.clone()).into_iter().collect()
    }
}
