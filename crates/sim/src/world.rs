//! Everything that there is, and what happens next.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use komrade_peer::{Address, LinkHint, RelayId};
use komrade_view::Millis;

use crate::{
    collective::Account,
    dice::Dice,
    ledger::Ledger,
    log::Log,
    peer::Peer,
    people::{Act, Person},
    relay::{CAPACITY, Relay},
    settings::{DAY, HOUR, MINUTE, Sabotage, Settings},
    stream::{End, Stream, Thing},
    trouble::Trouble,
};

/// When every world begins.
pub(crate) const START: Millis = 1_800_000_000_000;

/// What happens at a moment.
#[derive(Debug)]
pub(crate) enum Event {
    Tick {
        at: usize,
        life: u64,
        due: Millis,
    },
    Reconnect {
        at: usize,
        life: u64,
        way: RelayId,
    },
    Kill {
        at: usize,
        life: u64,
    },
    Arrive {
        stream: u64,
        to: usize,
        thing: Thing,
    },
    Learn {
        stream: u64,
        end: End,
        up: bool,
    },
    Commit {
        relay: usize,
        life: u64,
    },
    Push {
        relay: usize,
        life: u64,
    },
    Due {
        relay: usize,
        life: u64,
    },
    House {
        relay: usize,
    },
    Person {
        person: usize,
        act: Act,
    },
    Trouble(Trouble),
    Look,
}

/// The world.
pub(crate) struct World {
    pub settings: Settings,
    pub now: Millis,
    pub dice: Dice,
    queue: BTreeMap<(Millis, u64), Event>,
    next_event: u64,
    pub peers: Vec<Peer>,
    pub relays: Vec<Relay>,
    pub people: Vec<Person>,
    /// Who invited whom, and at which node.
    pub invited: BTreeMap<(usize, usize), Option<Address>>,
    pub streams: BTreeMap<u64, Stream>,
    pub next_stream: u64,
    pub hints: BTreeMap<u64, LinkHint>,
    /// Relays that do not reach each other, the lower number first.
    pub parted: BTreeSet<(usize, usize)>,
    /// Trouble is over.
    pub quiet: bool,
    /// Whose step is under way.
    pub busy: Option<usize>,
    /// What a node of this world may hold.
    pub capacity: u64,
    pub ledger: Ledger,
    pub account: Account,
    pub log: Log,
    pub failures: Vec<String>,
    pub steps: u64,
    /// See [`crate::Report::weighed`].
    pub weighed: (u64, usize),
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            now: START,
            dice: Dice::new(settings.seed, 0),
            queue: BTreeMap::new(),
            next_event: 0,
            peers: Vec::new(),
            relays: Vec::new(),
            people: Vec::new(),
            invited: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_stream: 1,
            hints: BTreeMap::new(),
            parted: BTreeSet::new(),
            quiet: false,
            busy: None,
            capacity: match settings.sabotage {
                // So little that it is soon too much.
                Some(Sabotage::LargeNodes) => 100_000,
                _ => CAPACITY,
            },
            ledger: Ledger::default(),
            account: Account::default(),
            log: Log::new(settings.lines),
            failures: Vec::new(),
            steps: 0,
            weighed: (0, 0),
        }
    }

    pub(crate) fn note(&mut self, what: fmt::Arguments<'_>) {
        self.log.note(self.now, what);
    }

    /// Something is wrong.
    pub(crate) fn fail(&mut self, what: fmt::Arguments<'_>) {
        self.note(format_args!("WRONG: {what}"));
        if self.failures.len() < 20 {
            self.failures.push(what.to_string());
        }
    }

    pub(crate) fn at(&mut self, time: Millis, event: Event) {
        self.queue
            .insert((time.max(self.now), self.next_event), event);
        self.next_event += 1;
    }

    pub(crate) fn is_parted(&self, a: usize, b: usize) -> bool {
        self.parted.contains(&(a.min(b), a.max(b)))
    }

    /// Lives through it all: trouble, then quiet, then the last look.
    pub(crate) fn live(&mut self) {
        self.begin();
        self.at(START + HOUR, Event::Look);
        let end = START + self.settings.days * DAY;
        self.until(end);
        self.calm();
        self.until(end + self.settings.quiet());
        self.check();
    }

    fn until(&mut self, end: Millis) {
        while self.failures.is_empty() {
            let Some(entry) = self.queue.first_entry() else {
                break;
            };
            if entry.key().0 > end {
                break;
            }
            let ((time, _), event) = entry.remove_entry();
            self.now = time;
            self.steps += 1;
            if self.settings.sabotage == Some(Sabotage::ForeignChance) {
                self.foreign_chance();
            }
            self.happen(event);
        }
        self.now = end;
    }

    fn foreign_chance(&mut self) {
        // What a hash map with keys of its own would do to an order.
        use std::hash::{BuildHasher, RandomState};
        if RandomState::new()
            .hash_one(self.steps)
            .is_multiple_of(1_000)
        {
            self.dice.any();
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tick { at, life, due } if self.peers[at].life == life => self.tick(at, due),
            Event::Reconnect { at, life, way } if self.peers[at].life == life => {
                self.try_relay(at, way);
            }
            Event::Kill { at, life } if self.peers[at].life == life => {
                self.stop_peer(at);
                self.person_died(at);
            }
            Event::Arrive { stream, to, thing } => self.arrive(stream, to, thing),
            Event::Learn { stream, end, up } => self.learn(stream, end, up),
            Event::Commit { relay, life } if self.relays[relay].life == life => {
                self.commit_relay(relay);
            }
            Event::Push { relay, life } if self.relays[relay].life == life => self.push(relay),
            Event::Due { relay, life } if self.relays[relay].life == life => self.call_due(relay),
            Event::House { relay } => self.keep_house(relay),
            Event::Person { person, act } => self.person_acts(person, act),
            Event::Trouble(trouble) => self.trouble(trouble),
            Event::Look => {
                self.look();
                self.at(self.now + 6 * HOUR + MINUTE, Event::Look);
            }
            _ => {}
        }
    }
}
