//! A device among members of whom some mean ill: whatever they sign, it goes on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used
)]

mod answers;
mod entering;
mod history;
mod homes;
mod hostile;
mod pinned;
mod questions;
mod silence;
mod turns;
mod welcome;

use std::collections::BTreeMap;

use komrade_crypto::{
    group::{Commit, Missing, Seed},
    identity::{DeviceCertificate, DeviceKey, PersonId, RecoveryWords},
    vault::{MasterKey, Ring},
};
use komrade_ether::{Class, Envelope, Header, expiry, pad};
use komrade_social::{
    DeviceId, Head, OperationId,
    collective::{Body, Choice, Fields, Operation, Subject, Template},
};
use komrade_store::{Batch, Change, Record, Table};
use komrade_view::{CollectiveId, Millis};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{
    Place, Space, SpaceRecord,
    frame::{Bundle, Load},
    places,
};
use crate::{
    home::{self, Home, NodeHome},
    limits::{self, DAY, HOUR},
    open::Open,
    own::{Device, Own},
    step::{Numbers, Step},
};

const START: Millis = 20_000 * DAY;

/// Somebody who signs whatever they like.
struct Pen {
    person: PersonId,
    key: DeviceKey,
    certificate: DeviceCertificate,
    sequence: u64,
    previous: Option<OperationId>,
}

impl Pen {
    fn of(number: u8) -> Self {
        let root = RecoveryWords::from_bytes([number; 32]).root();
        let key = DeviceKey::from_bytes(&[number; 32]);
        Self {
            person: root.person(),
            certificate: root.certify(&key.public(), 20_000),
            key,
            sequence: 0,
            previous: None,
        }
    }

    fn id(&self) -> [u8; 32] {
        self.key.public()
    }

    /// The same device on another machine.
    fn copy(&self) -> Self {
        Self {
            person: self.person,
            key: DeviceKey::from_bytes(&self.key.to_bytes()),
            certificate: self.certificate.clone(),
            ..*self
        }
    }

    fn fields(&mut self, bench: &Bench, context: Vec<OperationId>, body: Body) -> Fields {
        self.sequence += 1;
        let said = bench.now / DAY + 30;
        let expiry_day = match body.is_control() {
            true => u32::MAX,
            false => u32::try_from(said).unwrap(),
        };
        Fields {
            space: Some(bench.space().id()),
            person: self.person,
            device: DeviceId(self.id()),
            sequence: self.sequence,
            previous: self.previous,
            seen: Vec::new(),
            context,
            time: bench.now,
            expiry_day,
            body,
        }
    }

    fn sign(&mut self, fields: Fields) -> Operation {
        let operation = Operation::sign(fields, &self.key).unwrap();
        self.previous = Some(operation.id());
        operation
    }

    /// With all that is known here before it.
    fn says(&mut self, bench: &Bench, body: Body) -> Operation {
        let fields = self.fields(bench, bench.space().society.heads(), body);
        self.sign(fields)
    }

    /// The same, at another time.
    fn says_at(&mut self, bench: &Bench, time: Millis, body: Body) -> Operation {
        let mut fields = self.fields(bench, bench.space().society.heads(), body);
        fields.time = time;
        self.sign(fields)
    }

    /// Building on something that may not be there.
    fn builds_on(&mut self, bench: &Bench, context: Vec<OperationId>, body: Body) -> Operation {
        let fields = self.fields(bench, context, body);
        self.sign(fields)
    }
}

/// An open vault with one collective, and its store.
struct Bench {
    open: Open,
    rng: ChaCha20Rng,
    numbers: Numbers,
    now: Millis,
    id: CollectiveId,
    store: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    sealed_ring: Vec<u8>,
    device: Vec<u8>,
    /// There is more to do at once.
    again: bool,
}

fn master() -> MasterKey {
    MasterKey::draw(&mut ChaCha20Rng::seed_from_u64(7))
}

impl Bench {
    /// A vault without collectives.
    fn empty() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let own = Own::new("Vera".into());
        let root = RecoveryWords::from_bytes([200; 32]).root();
        let device = Device::draw(&root, &own, START, &mut rng).unwrap();
        let ring = Ring::new(20_000, &mut rng);
        Self {
            sealed_ring: ring.seal(&master(), &mut rng).unwrap(),
            device: device.encode().to_vec(),
            open: Open::new(master(), ring, own, device),
            rng,
            numbers: Numbers::default(),
            now: START + HOUR,
            id: CollectiveId([9; 16]),
            store: BTreeMap::new(),
            again: false,
        }
    }

    /// These persons found a collective together with the owner of the vault, which has drawn a seed.
    fn found(pens: &mut [Pen]) -> Self {
        Self::found_sharing(pens, Template::OpenAssembly.constitution(4, "").history)
    }

    /// The same; whether newcomers read what was said before.
    fn found_sharing(pens: &mut [Pen], history: bool) -> Self {
        let mut bench = Self::empty();
        let device = Device::decode(&bench.device).unwrap();
        let party = device.party();
        let mut certificates: Vec<_> = pens.iter().map(|pen| pen.certificate.clone()).collect();
        certificates.push(device.certificate().clone());
        let mut constitution = Template::OpenAssembly.constitution(certificates.len(), "");
        constitution.history = history;
        let founder = &mut pens[0];
        founder.sequence = 1;
        let fields = Fields {
            space: None,
            person: founder.person,
            device: DeviceId(founder.id()),
            sequence: 1,
            previous: None,
            seen: Vec::new(),
            context: Vec::new(),
            time: START,
            expiry_day: u32::MAX,
            body: Body::Genesis {
                name: "Tenants".into(),
                constitution: Box::new(constitution),
                founders: certificates,
            },
        };
        let genesis = founder.sign(fields);
        let id = bench.id;
        bench.step(|open, step| {
            let hash = genesis.id().0;
            let record = SpaceRecord::new(hash, "Tenants".into(), Place::Member, START);
            open.spaces.insert(id, Space::new(record, party));
            assert!(open.space_take(step, id, genesis, None));
            open.space_reseed(step, id);
        });
        bench
    }

    fn space(&self) -> &Space {
        &self.open.spaces[&self.id]
    }

    fn space_mut(&mut self) -> &mut Space {
        self.open.spaces.get_mut(&self.id).unwrap()
    }

    /// One step, whose batch the store takes.
    fn step<T>(&mut self, what: impl FnOnce(&mut Open, &mut Step) -> T) -> T {
        let mut step = Step::new(self.now, &mut self.rng, &mut self.numbers);
        let result = what(&mut self.open, &mut step);
        self.open.place_all_posts(&mut step);
        let changes = self.open.changes(&mut step).unwrap();
        self.again = step.again;
        let batch = Batch { changes };
        assert_eq!(batch.check(), Ok(()), "{} changes", batch.changes.len());
        for change in batch.changes {
            match change {
                Change::Put(table, record) => {
                    self.store.insert((table, record.key), record.value);
                }
                Change::Delete(table, key) => {
                    self.store.remove(&(table, key));
                }
                Change::Clear => self.store.clear(),
            }
        }
        result
    }

    /// What is left is done, in steps of its own.
    fn rest(&mut self) {
        for _ in 0..100 {
            self.step(|open, step| open.space_upkeep(step));
            if !self.again {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// So much later.
    fn pass(&mut self, time: Millis) {
        self.now += time;
        self.rest();
    }

    /// The vault is opened again, of what the store holds.
    fn restart(&mut self) {
        let ring = Ring::open(&master(), &self.sealed_ring).unwrap();
        let device = Device::decode(&self.device).unwrap();
        self.open = Open::new(master(), ring, Own::new("Vera".into()), device);
        for ((table, key), value) in &self.store {
            if places::TABLES.contains(table) {
                let (key, value) = (key.clone(), value.clone());
                self.open.load(*table, &Record { key, value }).unwrap();
            }
        }
        self.step(|open, step| open.spaces_opened(step));
        self.rest();
    }

    fn count(&self, table: Table) -> usize {
        self.store.keys().filter(|(of, _)| *of == table).count()
    }

    fn knows(&self, operation: &Operation) -> bool {
        self.space().known.contains_key(&operation.id())
    }

    fn newest(&self) -> Commit {
        self.space().keys.newest().unwrap()
    }

    /// A control message under a seed.
    fn control(&mut self, under: &Commit, bundle: &Bundle) -> Load {
        let space = &self.open.spaces[&self.id];
        let lasting = space.keys.get(under).unwrap().lasting();
        let control = lasting.seal_control(&bundle.encode(), &mut self.rng);
        Load {
            control: Some(control.unwrap()),
            ..Load::default()
        }
    }

    fn envelope(&mut self, under: &Commit, load: &Load, days: u64) -> Envelope {
        let body = load.encode();
        self.numbers.read();
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.numbers.read().to_be_bytes());
        let space = &self.open.spaces[&self.id];
        let lasting = space.keys.get(under).unwrap().lasting();
        let header = Header {
            class: Class::smallest_for(body.len(), false).unwrap(),
            bucket: 0x8000,
            expiry: expiry(self.now, days * DAY),
            nonce,
            hint: lasting.detection().hint(&nonce),
        };
        let content = pad(&body, header.class.padded_bytes()).unwrap();
        let sealed = lasting.outer().seal(&nonce, &header.encode(), &content);
        Envelope::new(header, &sealed.unwrap()).unwrap()
    }

    /// These arrive in one step, each bundle in an envelope of its own.
    fn arrive(&mut self, under: &Commit, bundles: &[Bundle]) {
        let mut envelopes = Vec::new();
        for bundle in bundles {
            let load = self.control(under, bundle);
            envelopes.push(self.envelope(under, &load, 30));
        }
        let id = self.id;
        self.step(|open, step| {
            for envelope in &envelopes {
                open.space_put_here(step, id, under, envelope);
            }
        });
    }

    /// Operations arrive, as many in an envelope as fit, and all that follows at once is done.
    fn hear(&mut self, under: &Commit, operations: &[Operation]) {
        for some in operations.chunks(limits::MAX_BUNDLED.min(16)) {
            self.arrive(under, &[bundle(some)]);
            self.rest();
        }
    }

    /// Another seed, drawn by this device for the members of now.
    fn reseed(&mut self) -> Commit {
        let id = self.id;
        // Later than the one before.
        self.now += HOUR;
        self.step(|open, step| open.space_reseed(step, id));
        self.newest()
    }
}

/// The others decide to remove the first of these; nobody has put it into force.
fn decide_to_remove(bench: &mut Bench, pens: &mut [Pen]) -> OperationId {
    let (person, under) = (pens[0].person, bench.newest());
    let proposed = pens[1].says(bench, propose(Subject::Remove { person }));
    let removal = proposed.id();
    bench.hear(&under, &[proposed]);
    for pen in &mut pens[1..] {
        let vote = pen.says(bench, ballot(removal));
        bench.hear(&under, &[vote]);
    }
    removal
}

fn bundle(operations: &[Operation]) -> Bundle {
    Bundle {
        operations: operations.iter().map(|it| it.as_bytes().to_vec()).collect(),
        ..Bundle::default()
    }
}

fn text(text: &str) -> Body {
    Body::Text {
        text: text.into(),
        reply_to: None,
        mentions: Vec::new(),
    }
}

fn propose(subject: Subject) -> Body {
    Body::Propose {
        subject,
        reason: String::new(),
    }
}

fn decide(question: String) -> Body {
    propose(Subject::Decide {
        question,
        options: vec!["yes".into(), "no".into()],
    })
}

fn ballot(proposal: OperationId) -> Body {
    Body::Ballot {
        proposal,
        choice: Choice::Yes,
    }
}

/// An id that nobody has; a low one.
fn invented(number: u16) -> OperationId {
    let mut id = [0; 32];
    id[..2].copy_from_slice(&number.to_be_bytes());
    OperationId(id)
}

/// Mallory, Ana and Bo.
fn three() -> [Pen; 3] {
    [Pen::of(1), Pen::of(2), Pen::of(3)]
}

/// The others expel the first.
fn expel(bench: &mut Bench, pens: &mut [Pen; 3]) {
    let under = bench.newest();
    let [mallory, ana, bo] = pens;
    let person = mallory.person;
    let proposed = ana.says(bench, propose(Subject::Remove { person }));
    bench.hear(&under, std::slice::from_ref(&proposed));
    for pen in [&mut *ana, &mut *bo] {
        let vote = pen.says(bench, ballot(proposed.id()));
        bench.hear(&under, &[vote]);
    }
    let mut enact = ana.fields(
        bench,
        bench.space().society.heads(),
        Body::Enact {
            proposal: proposed.id(),
        },
    );
    enact.seen.push(Head {
        device: DeviceId(mallory.id()),
        sequence: mallory.sequence,
        id: mallory.previous.unwrap_or(invented(0)),
    });
    let enact = ana.sign(enact);
    bench.hear(&under, &[enact]);
    assert!(!bench.space().society.is_member(&person));
}

fn homes_of(numbers: &[u8]) -> Vec<Home> {
    let node = |number: &u8| {
        Home::Node(NodeHome {
            address: [*number; 32],
            key: [*number; 32],
            bucket: 0x8000,
            token: [*number; 16],
        })
    };
    numbers.iter().map(node).collect()
}

fn houses(number: u8) -> Body {
    houses_at(&[number])
}

fn houses_at(numbers: &[u8]) -> Body {
    Body::Homes {
        homes: home::encode_homes(&homes_of(numbers)),
    }
}
