//! The vault's door: is there one, is it locked, what opens it, what closes it.
//!
//! Absent → cut keys → seal → stretch → *one* commit of header, ring and own records → open. Locked
//! → unlock → stretch → header gives the master key → own records → all other tables, page by page
//! → open. Open → lock, another tab, a store that fails → everything is dropped.

use komrade_crypto::{
    bundle, day_of,
    identity::RecoveryWords,
    vault::{self, Header, MasterKey, Params, PassphraseError, Recipe, Ring},
};
use komrade_store::{Change, Query, Record, Table};
use komrade_view::{Answer, Millis, Refusal, Secret};
use rand_core::CryptoRng;

use crate::{
    introducing::Introductions,
    keys, limits,
    open::{Open, change, place},
    own::{Device, Own},
    records::{self, Damaged},
};

/// Keys that were cut and are not kept yet.
pub(crate) struct Cut {
    words: RecoveryWords,
    name: String,
}

impl Cut {
    /// Draws an identity, and a passphrase to suggest.
    pub(crate) fn draw(name: String, rng: &mut dyn CryptoRng) -> Result<(Self, Answer), Refusal> {
        if !bundle::is_name(&name) {
            return Err(Refusal::BadName);
        }
        let words = RecoveryWords::draw(rng);
        let answer = Answer::Keys {
            words: Secret::new(words.to_text().as_str()),
            passphrase: Secret::new(vault::draw_passphrase(rng).as_str()),
        };
        Ok((Self { words, name }, answer))
    }

    /// A new vault around these keys: itself open, its header, and the one batch that makes it.
    pub(crate) fn seal(
        &self,
        recipe: Recipe,
        stretched: &[u8; 32],
        now: Millis,
        rng: &mut dyn CryptoRng,
    ) -> Option<(Open, Header, Vec<Change>)> {
        let own = Own::new(self.name.clone());
        let device = Device::draw(&self.words.root(), &own, now, rng).ok()?;
        let master = MasterKey::draw(rng);
        let ring = Ring::new(day_of(now), rng);
        let header = Header::new(recipe, stretched, &master, rng).ok()?;
        let sealed_ring = ring.seal(&master, rng).ok()?;
        let put = |table, key: &[u8], value| {
            Change::Put(
                table,
                Record {
                    key: key.to_vec(),
                    value,
                },
            )
        };
        let mut record = |key: &[u8], value| {
            change(&ring, Table::Own, key.to_vec(), Some(value), &mut *rng).ok()
        };
        let changes = vec![
            Change::Clear,
            put(Table::Header, keys::HEADER, header.encode()),
            put(Table::Own, keys::RING, sealed_ring),
            record(keys::OWN, own.encode())?,
            record(keys::DEVICE, device.encode())?,
        ];
        Some((Open::new(master, ring, own, device), header, changes))
    }
}

/// A recipe for a new vault; parameters that are out of bounds give the standard ones.
pub(crate) fn recipe(params: Params, rng: &mut dyn CryptoRng) -> Option<Recipe> {
    Recipe::draw(params, rng).or_else(|| Recipe::draw(Params::DEFAULT, rng))
}

/// Checks a new passphrase.
pub(crate) fn check_new(passphrase: &Secret) -> Result<(), Refusal> {
    vault::check_passphrase(passphrase.expose()).map_err(|error| match error {
        PassphraseError::TooShort => Refusal::PassphraseTooShort,
        _ => Refusal::OutOfBounds,
    })
}

/// The vault on its way from its master key to being open.
pub(crate) struct Loading {
    master: MasterKey,
    open: Option<Box<Open>>,
    /// Index into [`TABLES`]; the own records come first and by themselves.
    table: usize,
    pub(crate) read: u64,
}

/// What is read into memory, in an order in which each finds what it belongs to. The prefix leaves
/// out what is only read when needed.
const TABLES: [(Table, &[u8]); 7] = [
    (Table::Comrades, &[]),
    (Table::Sessions, &[]),
    (Table::Outbox, &[keys::INDEX]),
    (Table::Waiting, &[keys::INDEX]),
    (Table::Invites, &[]),
    (Table::Spaces, &[]),
    (Table::Operations, &[]),
];

/// How loading goes on.
pub(crate) enum Loaded {
    /// Read this.
    More(Loading, Query),
    /// All of it is there.
    Done(Box<Open>),
}

impl Loading {
    /// Begins with the own records.
    pub(crate) fn begin(master: MasterKey) -> (Self, Query) {
        let loading = Self {
            master,
            open: None,
            table: 0,
            read: 0,
        };
        (loading, page(Table::Own, &[], None))
    }

    /// Takes a page in.
    pub(crate) fn go_on(mut self, records: Vec<Record>) -> Result<Loaded, Damaged> {
        let Some(open) = &mut self.open else {
            self.open = Some(Box::new(open_own(&self.master, &records)?));
            return self.next(None);
        };
        let (table, _) = TABLES.get(self.table).ok_or(Damaged)?;
        for record in &records {
            open.load(*table, record)?;
        }
        let full = records.len() >= limits::LOAD_PAGE;
        let last = records.into_iter().next_back().filter(|_| full);
        if last.is_none() {
            self.table += 1;
        }
        self.next(last.map(|record| record.key))
    }

    fn next(mut self, above: Option<Vec<u8>>) -> Result<Loaded, Damaged> {
        match TABLES.get(self.table) {
            Some((table, prefix)) => {
                let query = page(*table, prefix, above);
                Ok(Loaded::More(self, query))
            }
            None => self.open.take().map(Loaded::Done).ok_or(Damaged),
        }
    }
}

/// The header, wherever the vault stands.
pub(crate) fn header_query() -> Query {
    page(Table::Header, keys::HEADER, None)
}

fn page(table: Table, prefix: &[u8], above: Option<Vec<u8>>) -> Query {
    let limit = limits::LOAD_PAGE;
    Query {
        table,
        prefix: prefix.to_vec(),
        above,
        below: None,
        descending: false,
        limit,
    }
}

fn open_own(master: &MasterKey, records: &[Record]) -> Result<Open, Damaged> {
    let find = |key: &[u8]| {
        records
            .iter()
            .find(|record| record.key == key)
            .ok_or(Damaged)
    };
    let ring = Ring::open(master, &find(keys::RING)?.value).map_err(|_| Damaged)?;
    let read = |key: &[u8]| {
        ring.open_record(&place(Table::Own, key), &find(key)?.value)
            .map_err(|_| Damaged)
    };
    let mut own: Own = records::decode(&read(keys::OWN)?)?;
    own.number_relays();
    let device = Device::decode(&read(keys::DEVICE)?)?;
    let mut open = Open::new(master.clone(), ring, own, device);
    for record in records {
        let value = || open.unseal(Table::Own, record);
        if record.key == keys::REPLICAS {
            open.node.replicas = records::decode(&value()?)?;
        } else if record.key == keys::TRAFFIC {
            open.traffic = records::decode(&value()?)?;
        } else if record.key == keys::INTRODUCTIONS {
            open.introductions = Introductions::decode(&value()?)?;
        } else if let Some(address) = keys::parse_log(&record.key) {
            let log = records::decode(&value()?)?;
            open.node.logs.insert(address, log);
        }
    }
    Ok(open)
}
