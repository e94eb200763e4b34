//! One step: what an input changes, gathered until it can leave as one commit and what follows from
//! it.
//!
//! Parts of the engine change memory and mark here what they changed. At the end of the step
//! whatever is marked is written as it then stands: one record is written once per step, and never
//! a half of it.

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::{group::Commit, vault::StretchJob};
use komrade_store::{Query, Table};
use komrade_view::{
    Answer, CircleId, CollectiveId, ComradeId, Event, FromEngine, InviteId, MessageView, Millis,
    Refusal,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{Effect, LinkId, limits, records::Message};

/// Numbers that are never used twice while the engine lives, not even across a lock.
#[derive(Default)]
pub(crate) struct Numbers {
    links: u64,
    reads: u64,
    stretches: u64,
    works: u64,
}

impl Numbers {
    /// Even, so that the driver can number incoming links with odd ones.
    pub(crate) fn link(&mut self) -> LinkId {
        self.links += 2;
        LinkId(self.links)
    }

    pub(crate) fn read(&mut self) -> u64 {
        self.reads += 1;
        self.reads
    }

    pub(crate) fn stretch(&mut self) -> u64 {
        self.stretches += 1;
        self.stretches
    }

    pub(crate) fn work(&mut self) -> u64 {
        self.works += 1;
        self.works
    }
}

/// What is to be written from memory.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) ring: bool,
    pub(crate) own: bool,
    pub(crate) comrades: BTreeSet<ComradeId>,
    pub(crate) pairs: BTreeSet<ComradeId>,
    pub(crate) entries: BTreeSet<(ComradeId, u64)>,
    pub(crate) invites: BTreeSet<InviteId>,
    pub(crate) introductions: bool,
    pub(crate) spaces: BTreeSet<CollectiveId>,
    pub(crate) seeds: BTreeSet<(CollectiveId, Commit)>,
    pub(crate) space_entries: BTreeSet<(CollectiveId, u64)>,
    pub(crate) circles: BTreeSet<CircleId>,
}

/// What is to be shown from memory.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) profile: bool,
    pub(crate) comrades: bool,
    pub(crate) invites: bool,
    pub(crate) collectives: bool,
    pub(crate) introductions: bool,
    pub(crate) circles: bool,
    pub(crate) route: bool,
    /// Messages that stay in the store and changed their tick.
    pub(crate) ticks: BTreeMap<ComradeId, BTreeSet<u64>>,
}

/// Records by place: written or, with `None`, deleted.
pub(crate) type Writes = BTreeMap<(Table, Vec<u8>), Option<Zeroizing<Vec<u8>>>>;

/// One step under way.
pub(crate) struct Step<'a> {
    pub(crate) now: Millis,
    pub(crate) rng: &'a mut dyn CryptoRng,
    pub(crate) numbers: &'a mut Numbers,
    pub(crate) touched: Touched,
    pub(crate) show: Shown,
    /// Records that are not in memory: written or, with `None`, deleted.
    pub(crate) writes: Writes,
    /// There is more to do at once, in a step of its own.
    pub(crate) again: bool,
    /// Texts that arrived, each with its comrade and its number.
    pub(crate) texts: Vec<(ComradeId, u64, Message)>,
    /// There are more replicas, or fewer.
    pub(crate) replicas_changed: bool,
    effects: Vec<Effect>,
    events: Vec<Event>,
    done: Vec<(u32, Result<Answer, Refusal>)>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(now: Millis, rng: &'a mut dyn CryptoRng, numbers: &'a mut Numbers) -> Self {
        Self {
            now,
            rng,
            numbers,
            touched: Touched::default(),
            show: Shown::default(),
            writes: BTreeMap::new(),
            again: false,
            texts: Vec::new(),
            replicas_changed: false,
            effects: Vec::new(),
            events: Vec::new(),
            done: Vec::new(),
        }
    }

    /// A link, a read, a dial …: done after the commit.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Asks for records; answers the number of the read.
    pub(crate) fn read(&mut self, query: Query) -> u64 {
        let read = self.numbers.read();
        self.effects.push(Effect::Read { read, query });
        read
    }

    /// Has a passphrase stretched; answers the number of the job.
    pub(crate) fn stretch(&mut self, job: StretchJob) -> u64 {
        let stretch = self.numbers.stretch();
        self.effects.push(Effect::Stretch { stretch, job });
        stretch
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// A message with its text at hand.
    pub(crate) fn show_message(&mut self, comrade: ComradeId, message: MessageView) {
        self.events.push(Event::Message { comrade, message });
    }

    /// A message whose text is in the store.
    pub(crate) fn show_tick(&mut self, comrade: ComradeId, ordinal: u64) {
        self.show.ticks.entry(comrade).or_default().insert(ordinal);
    }

    /// A command ended.
    pub(crate) fn done(&mut self, id: u32, result: Result<Answer, Refusal>) {
        self.done.push((id, result));
    }

    pub(crate) fn write(&mut self, table: Table, key: Vec<u8>, value: Zeroizing<Vec<u8>>) {
        self.writes.insert((table, key), Some(value));
    }

    pub(crate) fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.writes.insert((table, key), None);
    }

    /// Whether there is room in this step for more that is not urgent. If not, the rest is for the
    /// next step, which comes at once. Texts are placed at its end, one record each.
    pub(crate) fn has_room(&mut self) -> bool {
        let touched = &self.touched;
        let marked = touched.comrades.len()
            + touched.pairs.len()
            + touched.entries.len()
            + touched.invites.len()
            + touched.spaces.len()
            + touched.seeds.len()
            + touched.space_entries.len()
            + touched.circles.len();
        let gathered = self.writes.len() + self.texts.len() + marked;
        let has_room = gathered < limits::STEP_CHANGES;
        self.again |= !has_room;
        has_room
    }

    /// Random bytes.
    pub(crate) fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// What follows the commit, in order: effects, then events, then the answers that a screen
    /// waits for.
    pub(crate) fn into_effects(self) -> impl Iterator<Item = Effect> {
        let events = self.events.into_iter().map(FromEngine::Event);
        let done = self
            .done
            .into_iter()
            .map(|(id, result)| FromEngine::Done { id, result });
        self.effects
            .into_iter()
            .chain(events.chain(done).map(Effect::Tell))
    }
}
