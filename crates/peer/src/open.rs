//! The open vault: all that is in memory while the keys are, and how a step of it becomes one
//! batch.

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::{
    SealError, day_of,
    vault::{MasterKey, Place, Ring},
};
use komrade_ether::EnvelopeId;
use komrade_store::{Change, Record, Table};
use komrade_view::{CollectiveId, ComradeId, InviteId, Millis};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    LinkId, RelayId,
    circle::Circles,
    clock::Clock,
    comrade::Comrade,
    introducing::Introductions,
    invites::Invitation,
    keys, limits,
    links::Links,
    node::{NodeState, ReplicaCount},
    own::{Device, Own},
    records::{self, Damaged},
    space::Spaces,
    step::Step,
    traffic::Traffic,
    upkeep::{Cursor, Sweep},
    way::Way,
};

/// What a read was for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// To send what waits for a comrade.
    Pump {
        comrade: ComradeId,
        wanted: Vec<u64>,
    },
    /// To try envelopes again that did not open.
    Retry { comrade: ComradeId, opened: bool },
    /// To show messages that changed their tick.
    Ticks {
        comrade: ComradeId,
        ordinals: BTreeSet<u64>,
    },
    /// To answer a command with a page.
    Page {
        command: u32,
        comrade: ComradeId,
        limit: usize,
    },
    /// To answer a command with a page of posts.
    Posts {
        command: u32,
        collective: CollectiveId,
        limit: usize,
    },
    /// To move what was written to somebody who turned out to be a comrade already.
    Merge { from: ComradeId, into: ComradeId },
    /// To seal records anew: the page of the walk that begins there.
    Sweep(Cursor),
    /// To remove replicas that have no room.
    Shed,
    /// To walk over all replicas; what was counted so far.
    Walk(ReplicaCount),
    /// To compare the replicas with the node at the other end of this link.
    Compare { link: LinkId },
    /// To return a replica to that node.
    Return { link: LinkId, id: EnvelopeId },
}

/// See the module.
pub(crate) struct Open {
    pub(crate) master: MasterKey,
    pub(crate) ring: Ring,
    pub(crate) own: Own,
    pub(crate) device: Device,
    pub(crate) comrades: BTreeMap<ComradeId, Comrade>,
    pub(crate) invites: BTreeMap<InviteId, Invitation>,
    /// Envelopes that do not open yet, with the day on which they expire.
    pub(crate) waiting: BTreeMap<(ComradeId, [u8; 32]), u32>,
    pub(crate) links: Links,
    pub(crate) node: NodeState,
    /// The ways through the relays in use, and through one that is tried.
    pub(crate) ways: BTreeMap<RelayId, Way>,
    pub(crate) reads: BTreeMap<u64, Purpose>,
    /// When acknowledgements leave next.
    pub(crate) ack_at: Option<Millis>,
    /// First contacts opened in the current minute.
    pub(crate) intros: (Millis, u32),
    pub(crate) sweep: Sweep,
    pub(crate) clock: Clock,
    pub(crate) traffic: Traffic,
    /// When the store had no room.
    pub(crate) full_at: Option<Millis>,
    /// Whose conversation is being deleted, page by page.
    pub(crate) deleting: BTreeSet<ComradeId>,
    /// Comrades who have not been told of the name in use.
    pub(crate) renamed: BTreeSet<ComradeId>,
    /// Comrades who have not been told of the homes in use.
    pub(crate) moved: BTreeSet<ComradeId>,
    /// Comrades to whom what was lost is to be sent again.
    pub(crate) resupplying: BTreeSet<ComradeId>,
    /// Who is being removed, page by page.
    pub(crate) removing: BTreeSet<ComradeId>,
    pub(crate) spaces: Spaces,
    pub(crate) introductions: Introductions,
    pub(crate) circles: Circles,
}

/// Where a record stands, for its seal.
pub(crate) fn place(table: Table, key: &[u8]) -> Place<'_> {
    Place {
        table: table as u8,
        schema: records::VERSION,
        key,
    }
}

impl Open {
    pub(crate) fn new(master: MasterKey, ring: Ring, own: Own, device: Device) -> Self {
        Self {
            master,
            ring,
            own,
            device,
            comrades: BTreeMap::new(),
            invites: BTreeMap::new(),
            waiting: BTreeMap::new(),
            links: Links::default(),
            node: NodeState::default(),
            ways: BTreeMap::new(),
            reads: BTreeMap::new(),
            ack_at: None,
            intros: (0, 0),
            sweep: Sweep::default(),
            clock: Clock::default(),
            traffic: Traffic::default(),
            full_at: None,
            deleting: BTreeSet::new(),
            renamed: BTreeSet::new(),
            moved: BTreeSet::new(),
            resupplying: BTreeSet::new(),
            removing: BTreeSet::new(),
            spaces: Spaces::default(),
            introductions: Introductions::default(),
            circles: Circles::default(),
        }
    }

    pub(crate) fn unseal(
        &self,
        table: Table,
        record: &Record,
    ) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        self.ring
            .open_record(&place(table, &record.key), &record.value)
            .map_err(|_| Damaged)
    }

    /// Takes a record into memory. Said of all that the vault reads when it opens.
    pub(crate) fn load(&mut self, table: Table, record: &Record) -> Result<(), Damaged> {
        if table == Table::Spaces && crate::circle::is_key(&record.key) {
            return self.load_circle(record);
        }
        if crate::space::places::TABLES.contains(&table) {
            return self.load_space(table, record);
        }
        let value = self.unseal(table, record)?;
        let id = || record.key.as_slice().try_into().map_err(|_| Damaged);
        match table {
            Table::Comrades => {
                let decoded = crate::comrade::ComradeRecord::decode(&value)?;
                self.comrades
                    .insert(ComradeId(id()?), Comrade::new(decoded));
            }
            Table::Sessions => {
                let comrade = self.comrades.get_mut(&ComradeId(id()?)).ok_or(Damaged)?;
                comrade.pair = crate::pair::Pair::decode(&value)?;
            }
            Table::Outbox => {
                let (comrade, number) = keys::parse_entry(&record.key).ok_or(Damaged)?;
                let comrade = self.comrades.get_mut(&comrade).ok_or(Damaged)?;
                comrade.outbox.insert(number, records::decode(&value)?);
            }
            Table::Waiting => {
                let key = keys::parse_waiting(&record.key).ok_or(Damaged)?;
                self.waiting.insert(key, records::decode(&value)?);
            }
            Table::Invites => {
                self.invites
                    .insert(InviteId(id()?), Invitation::decode(&value)?);
            }
            Table::Header | Table::Own | Table::Messages => return Err(Damaged),
            // A table of a newer version: not asked for.
            _ => return Err(Damaged),
        }
        Ok(())
    }

    /// Everything a step touched, sealed: the batch of that step.
    pub(crate) fn changes(&mut self, step: &mut Step) -> Result<Vec<Change>, SealError> {
        self.write_spaces(step);
        self.write_circles(step);
        let touched = std::mem::take(&mut step.touched);
        if touched.own {
            step.write(Table::Own, keys::OWN.to_vec(), self.own.encode());
            step.write(Table::Own, keys::DEVICE.to_vec(), self.device.encode());
        }
        for id in &touched.comrades {
            let value = self.comrades.get(id).map(|comrade| comrade.record.encode());
            step.writes.insert((Table::Comrades, id.0.to_vec()), value);
        }
        for id in &touched.pairs {
            let value = self.comrades.get(id).map(|comrade| comrade.pair.encode());
            step.writes.insert((Table::Sessions, id.0.to_vec()), value);
        }
        for (id, number) in &touched.entries {
            let entry = self
                .comrades
                .get(id)
                .and_then(|comrade| comrade.outbox.get(number));
            let key = (Table::Outbox, keys::entry(*id, *number));
            step.writes.insert(key, entry.map(records::encode));
        }
        for id in &touched.invites {
            let value = self.invites.get(id).map(Invitation::encode);
            step.writes.insert((Table::Invites, id.0.to_vec()), value);
        }
        if touched.introductions {
            let value = self.introductions.encode();
            step.write(Table::Own, keys::INTRODUCTIONS.to_vec(), value);
        }
        if step.replicas_changed {
            let count = records::encode(&self.node.replicas);
            step.write(Table::Own, keys::REPLICAS.to_vec(), count);
        }
        let mut changes = Vec::with_capacity(step.writes.len() + 1);
        if touched.ring {
            let value = self.ring.seal(&self.master, &mut *step.rng)?;
            let record = Record {
                key: keys::RING.to_vec(),
                value,
            };
            changes.push(Change::Put(Table::Own, record));
        }
        for ((table, key), value) in std::mem::take(&mut step.writes) {
            self.sweep.note_written(table, &key);
            changes.push(change(&self.ring, table, key, value, step.rng)?);
        }
        Ok(changes)
    }

    /// Notes what the connection to the relay carried.
    pub(crate) fn note_traffic(&mut self, step: &mut Step, carried: komrade_view::Traffic) {
        self.traffic.add(day_of(step.now), carried);
        let record = records::encode(&self.traffic);
        step.write(Table::Own, keys::TRAFFIC.to_vec(), record);
        step.show.route = true;
    }

    pub(crate) fn outbox_total(&self) -> usize {
        self.comrades
            .values()
            .map(|comrade| comrade.outbox.len())
            .sum()
    }

    /// Whether another comrade may appear.
    pub(crate) fn has_room(&self) -> bool {
        self.comrades.len() < limits::MAX_COMRADES
    }
}

/// One change, its record sealed.
pub(crate) fn change(
    ring: &Ring,
    table: Table,
    key: Vec<u8>,
    value: Option<Zeroizing<Vec<u8>>>,
    rng: &mut dyn CryptoRng,
) -> Result<Change, SealError> {
    let Some(value) = value else {
        return Ok(Change::Delete(table, key));
    };
    let value = ring.seal_record(&place(table, &key), &value, rng)?;
    Ok(Change::Put(table, Record { key, value }))
}
