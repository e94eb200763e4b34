//! A node under random use, beside a model of what it owes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{BITS, TOKEN, World, settings, token};
use crate::{
    Account, Bucket, Class, DAY_MILLIS, Day, Envelope, EnvelopeId, Frame, Home, Node, NodeKey,
    NodeLink, Outcome, Party, Pass, Settings, ShelfRead, ShelfTable, Size,
    node::{about::Counters, items::Count, keys::kind},
    shelf::Entry,
};

#[derive(Debug, Clone)]
enum Step {
    Put {
        by: u8,
        bucket: u8,
        size: Size,
        intro: bool,
        days: u32,
    },
    Again(usize),
    Return {
        by: u8,
        days: u32,
    },
    Place(u8, u8),
    Unplace(u8, u8),
    Forward(u8, u8),
    Answer(u8),
    Halve,
    Wait(u64),
    Sweep(usize),
    Commit,
    Crash,
    Read(usize),
}

fn steps() -> impl Strategy<Value = Step> {
    let days = || prop_oneof![Just(0), Just(2), Just(8), Just(33), 1..5_u32];
    let size = prop_oneof![4 => Just(Size::K2), 1 => Just(Size::K8)];
    prop_oneof![
        20 => (0..12_u8, 0..4_u8, size, prop::bool::weighted(0.1), days())
            .prop_map(|(by, bucket, size, intro, days)| Step::Put { by, bucket, size, intro, days }),
        2 => any::<prop::sample::Index>().prop_map(|index| Step::Again(index.index(1_000))),
        4 => (1..12_u8, days()).prop_map(|(by, days)| Step::Return { by, days }),
        1 => (1..4_u8, 0..6_u8).prop_map(|(by, name)| Step::Place(by, name)),
        1 => (1..4_u8, 0..6_u8).prop_map(|(by, name)| Step::Unplace(by, name)),
        2 => (1..4_u8, 0..3_u8).prop_map(|(by, home)| Step::Forward(by, home)),
        2 => (0..4_u8).prop_map(Step::Answer),
        1 => Just(Step::Halve),
        2 => prop_oneof![0..DAY_MILLIS, Just(3 * DAY_MILLIS)].prop_map(Step::Wait),
        2 => (1..20_usize).prop_map(Step::Sweep),
        6 => Just(Step::Commit),
        2 => Just(Step::Crash),
        6 => (0..3_usize).prop_map(Step::Read),
    ]
}

/// Somebody who comes back now and then.
#[derive(Debug, Clone)]
struct Reader {
    bucket: Bucket,
    cursor: u64,
    got: BTreeSet<EnvelopeId>,
}

struct Model {
    world: World,
    /// What was acknowledged and committed.
    owed: BTreeMap<EnvelopeId, Envelope>,
    /// The same, not committed yet.
    promised: Vec<Envelope>,
    made: Vec<Envelope>,
    readers: Vec<Reader>,
}

fn capacity() -> u64 {
    60 * 2_048
}

impl Model {
    fn new() -> Self {
        let readers = [Bucket::WHOLE, bucket(1), bucket(3)].map(|bucket| Reader {
            bucket,
            cursor: 0,
            got: BTreeSet::new(),
        });
        Self {
            world: World::with(Settings {
                capacity: capacity(),
                ..settings()
            }),
            owed: BTreeMap::new(),
            promised: Vec::new(),
            made: Vec::new(),
            readers: readers.into(),
        }
    }

    fn today(&self) -> Day {
        Day::of(self.world.now)
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Put {
                by,
                bucket: number,
                size,
                intro,
                days,
            } => {
                let class = Class { size, intro };
                let envelope = self.world.envelope(bucket(number), class, days);
                self.put(by, &envelope);
            }
            Step::Again(index) => {
                if let Some(envelope) = self.made.get(index % self.made.len().max(1)).cloned() {
                    self.put(1, &envelope);
                }
            }
            Step::Return { by, days } => {
                let class = Class::ordinary(Size::K2);
                let envelope = self.world.envelope(Bucket::WHOLE, class, days);
                let world = &mut self.world;
                let outcome = world
                    .node
                    .give_back(&mut world.shelf, world.now, account(by), &envelope)
                    .unwrap();
                self.heard(outcome, &envelope);
            }
            Step::Place(by, name) => {
                let envelope = self.world.small();
                let world = &mut self.world;
                let place = world.node.place(
                    &mut world.shelf,
                    world.now,
                    account(by),
                    &[name; 16],
                    &envelope,
                );
                place.unwrap();
            }
            Step::Unplace(by, name) => {
                let world = &mut self.world;
                let unplace = world
                    .node
                    .unplace(&mut world.shelf, account(by), &[name; 16]);
                unplace.unwrap();
            }
            Step::Forward(by, home) => {
                let envelope = self.world.small();
                let world = &mut self.world;
                let home = Home {
                    address: [home; 32],
                    node: NodeKey([home; 32]),
                };
                let pass = Pass::default();
                let shelf = &mut world.shelf;
                let forward =
                    world
                        .node
                        .forward(shelf, world.now, account(by), home, &pass, &envelope);
                forward.unwrap();
            }
            Step::Answer(answer) => self.answer(answer),
            Step::Halve => {
                let world = &mut self.world;
                world.node.set_bits(&mut world.shelf, world.now, 1).unwrap();
            }
            Step::Wait(millis) => self.world.now += millis,
            Step::Sweep(limit) => {
                let world = &mut self.world;
                world
                    .node
                    .sweep(&mut world.shelf, world.now, limit)
                    .unwrap();
            }
            Step::Commit => self.commit(),
            Step::Crash => {
                self.world.shelf.rollback();
                self.promised.clear();
            }
            Step::Read(reader) => {
                self.commit();
                self.read(reader);
            }
        }
    }

    fn put(&mut self, by: u8, envelope: &Envelope) {
        self.made.push(envelope.clone());
        let (party, pass) = match by {
            0 => (Party::Stranger, token(TOKEN)),
            by => (Party::Member(account(by)), Pass::default()),
        };
        let pass = match envelope.header().class.intro {
            true => self.world.work(envelope),
            false => pass,
        };
        let outcome = self.world.put(party, &pass, envelope);
        assert_ne!(outcome, Outcome::NeedsWork(BITS));
        self.heard(outcome, envelope);
    }

    fn heard(&mut self, outcome: Outcome, envelope: &Envelope) {
        if outcome == Outcome::Accepted {
            self.promised.push(envelope.clone());
        }
    }

    fn answer(&mut self, answer: u8) {
        let world = &mut self.world;
        let (node, shelf, now) = (&world.node, &mut world.shelf, world.now);
        let Some(home) = node.due_home(shelf, now).unwrap() else {
            return;
        };
        for waiting in node.waiting_for(shelf, now, &home, 0, 10_000).unwrap() {
            let outcomes = [Outcome::Accepted, Outcome::Full, Outcome::WrongToken];
            if let Some(outcome) = outcomes.get(usize::from(answer)) {
                node.forwarded(shelf, now, waiting.number, *outcome)
                    .unwrap();
            }
        }
        node.home_done(shelf, now, &home, answer != 3, 7).unwrap();
    }

    fn commit(&mut self) {
        self.world.shelf.commit();
        for envelope in self.promised.drain(..) {
            self.owed.insert(envelope.id(), envelope);
        }
    }

    /// Catches up on a new link: in order, everything, nothing twice.
    fn read(&mut self, reader: usize) {
        let today = self.today();
        let reader = &mut self.readers[reader];
        let mut link = NodeLink::new(Party::Member(account(1)));
        let subscribe = Frame::Subscribe {
            bucket: reader.bucket,
            incarnation: 77,
            after: reader.cursor,
        };
        let log = self.world.say(&mut link, subscribe).unwrap();
        let Frame::Log { after, until, .. } = log else {
            panic!("{log:?}");
        };
        assert_eq!(after, reader.cursor);
        let mut is_caught_up = false;
        for frame in self.world.push(&mut link) {
            match frame {
                Frame::Arrived { number, envelope } => {
                    assert!(number > reader.cursor, "numbers ascend");
                    assert!(envelope.header().expiry > today);
                    assert!(reader.got.insert(envelope.id()), "came twice");
                    reader.cursor = number;
                }
                Frame::CaughtUp { until: at } => {
                    assert!(at == until && !is_caught_up);
                    is_caught_up = true;
                    reader.cursor = reader.cursor.max(at);
                }
                Frame::Returned { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(is_caught_up);
        for (id, envelope) in &self.owed {
            let overlaps = reader.bucket.overlaps(envelope.header().in_bucket());
            if envelope.header().expiry > today && overlaps {
                assert!(reader.got.contains(id), "one is missing");
            }
        }
    }

    /// What must hold after every step.
    fn check(&self) {
        let (shelf, today) = (&self.world.shelf, self.today());
        let usage = self.world.node.usage(shelf).unwrap();
        let envelopes = entries(self, ShelfTable::Envelopes);
        let bytes: usize = envelopes.iter().map(|(_, envelope)| envelope.len()).sum();
        assert_eq!(usage.bytes, bytes as u64);
        assert!(usage.bytes <= capacity());
        assert!(usage.placed_bytes <= settings().placed_bytes);
        assert!(usage.forward_bytes <= settings().forward_bytes);
        assert_eq!(shelf.len(ShelfTable::Log), envelopes.len());
        self.check_counts();
        let counters = Counters::read(shelf).unwrap();
        assert!(counters.room.strangers() <= capacity() / 10);
        assert!(counters.room.members <= capacity() - capacity() / 10);
        for (id, envelope) in &self.owed {
            if envelope.header().expiry > today {
                let kept = Node::kept(shelf, id, today).unwrap();
                assert!(kept.as_ref() == Some(envelope), "an envelope was lost");
            }
        }
    }

    /// The counts of a reconciliation are those of the items, wherever a sweep stopped.
    fn check_counts(&self) {
        let mut counts = BTreeMap::new();
        for (key, value) in entries(self, ShelfTable::Days) {
            let day = u32::from_be_bytes(*key.first_chunk().unwrap());
            // Day, kind, bucket, then an id or its first byte.
            let cell = (day, key[5..].iter().take(3).copied().collect::<Vec<u8>>());
            let change = match key[4] {
                kind::ITEM => 1,
                kind::COUNT => -i64::from(Count::decode(&value).unwrap().items),
                _ => continue,
            };
            if Day(day) > self.today() {
                *counts.entry(cell).or_insert(0) += change;
            }
        }
        assert!(counts.values().all(|count| *count == 0), "{counts:?}");
    }

    /// When everything has ended, nothing is left.
    fn end(mut self) {
        self.commit();
        for _ in 0..2 {
            self.world.pass_days(80);
            self.world.sweep();
        }
        self.world
            .node
            .due_home(&mut self.world.shelf, self.world.now)
            .unwrap();
        for table in ShelfTable::ALL {
            let records = if table == ShelfTable::About { 3 } else { 0 };
            assert_eq!(self.world.shelf.len(table), records, "{table:?}");
        }
        let counters = Counters::read(&self.world.shelf).unwrap();
        let ever = Counters {
            newest: counters.newest,
            newest_forward: counters.newest_forward,
            newest_notice: counters.newest_notice,
            ..Counters::default()
        };
        assert_eq!(counters, ever);
    }
}

fn entries(model: &Model, table: ShelfTable) -> Vec<Entry> {
    let shelf = &model.world.shelf;
    shelf.range(table, &[], None, usize::MAX).unwrap()
}

fn account(number: u8) -> Account {
    Account([number; 32])
}

fn bucket(number: u8) -> Bucket {
    let codes = [0, 0x4000, 0xc000, 0xa000];
    Bucket::from_code(codes[usize::from(number)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_acknowledged_is_lost_and_every_bound_is_held(
        steps in prop::collection::vec(steps(), 1..150),
    ) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step);
            model.check();
        }
        model.end();
    }
}
