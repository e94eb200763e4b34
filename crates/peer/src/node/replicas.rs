//! Replicas: the unexpired envelopes of one's bucket, others' mail among them, kept so that a relay
//! may burn.
//!
//! They stand in the store, an index apart from the bodies, both by expiry and id; memory holds how
//! many there are. When there are more bytes than the person allows, those that expire first go.
//! What comrades' devices brought ([`super::seeking`]) has a share of that, so that no comrade can push
//! out what came from nodes.

use komrade_ether::{Bucket, Day, Envelope};
use komrade_store::{Query, Record, Table};
use komrade_view::{Answer, MAX_REPLICA_BYTES, Millis, Refusal, ReplicaView};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{NodeState, ReplicaCount};
use crate::{
    RelayId,
    home::NodeHome,
    keys, limits,
    open::{Open, Purpose},
    records,
    step::Step,
};

/// Arrived envelopes that are written together, and their bytes: one commit for each envelope would
/// hold up a catch-up, and what is not written comes again after a crash.
const FRESH: usize = 64;
const FRESH_BYTES: usize = 1024 * 1024;
/// Replicas removed in one step.
const REMOVED: usize = 100;
/// What comrades' devices brought has at most one part of so many of the room.
const COPIED_SHARE: u64 = 4;

/// What the index says of a replica, beside its key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexRecord {
    bytes: u32,
    /// From which node it came, see [`NodeHome::tag`]; 0: a version that had one at a time.
    #[serde(default)]
    pub(super) from: u64,
    /// Into which bucket it was put, by its code.
    #[serde(default)]
    bucket: u16,
    /// A comrade's device brought it, who said that it was of that node.
    #[serde(default)]
    pub(super) is_copied: bool,
}

impl IndexRecord {
    pub(super) fn bucket(&self) -> Bucket {
        Bucket::from_code(self.bucket)
    }
}

impl ReplicaCount {
    fn add(&mut self, index: &IndexRecord) {
        let bytes = index.bytes.into();
        self.envelopes = self.envelopes.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        if index.is_copied {
            self.copied = self.copied.saturating_add(bytes);
        }
    }

    fn remove(&mut self, index: &IndexRecord) {
        let bytes = index.bytes.into();
        self.envelopes = self.envelopes.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        if index.is_copied {
            self.copied = self.copied.saturating_sub(bytes);
        }
    }
}

impl NodeState {
    fn write_replica(&mut self, step: &mut Step, from: u64, is_copied: bool, envelope: Envelope) {
        let (day, id) = (envelope.header().expiry, envelope.id());
        let index = IndexRecord {
            bytes: u32::try_from(envelope.as_bytes().len()).unwrap_or(u32::MAX),
            from,
            bucket: envelope.header().bucket,
            is_copied,
        };
        let key = keys::replica_index(day, &id.0);
        step.write(Table::Waiting, key, records::encode(&index));
        let body = Zeroizing::new(envelope.into_bytes());
        step.write(Table::Waiting, keys::replica(day, &id.0), body);
        self.replicas.add(&index);
        step.replicas_changed = true;
        step.show.route = true;
    }
}

impl Open {
    /// Keeps an envelope of the bucket.
    pub(super) fn keep_replica(&mut self, step: &mut Step, relay: RelayId, envelope: Envelope) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        way.fresh_bytes = way.fresh_bytes.saturating_add(envelope.as_bytes().len());
        way.fresh.push(envelope);
        let due = step.now.saturating_add(limits::REPLICA_PACE);
        way.flush_at.get_or_insert(due);
        if way.fresh.len() >= FRESH || way.fresh_bytes >= FRESH_BYTES {
            self.flush(step, relay);
        }
    }

    /// Writes what arrived, and how far the log was read.
    pub(super) fn flush(&mut self, step: &mut Step, relay: RelayId) {
        let from = self.own.node_at(relay).map_or(0, NodeHome::tag);
        let mut log = self.log(relay);
        let keeps = self.own.replica_limit() > 0 && !self.is_store_full(step.now);
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        way.flush_at = None;
        way.fresh_bytes = 0;
        let today = Day::of(step.now);
        let days = today.plus(1)..=today.plus(limits::REPLICA_DAYS_AHEAD);
        let fresh = std::mem::take(&mut way.fresh);
        let fresh = fresh
            .into_iter()
            .filter(|envelope| keeps && days.contains(&envelope.header().expiry));
        for envelope in fresh {
            self.node.write_replica(step, from, false, envelope);
        }
        // What waits to be opened comes again after a crash.
        let unopened = way.mail.first();
        let up_to = unopened.map_or(way.seen_up_to, |number| number.saturating_sub(1));
        if way.subscribed.advance(&mut log, up_to) {
            way.opened = way.opened.split_off(&up_to.saturating_add(1));
            self.set_log(step, relay, log);
        }
        self.shed_replicas(step);
    }

    /// Keeps what a comrade's device brought of what this node held, as far as there is room for such.
    pub(super) fn keep_copy(&mut self, step: &mut Step, from: u64, envelope: Envelope) {
        let bytes = u64::try_from(envelope.as_bytes().len()).unwrap_or(u64::MAX);
        let most = self.replica_room(step.now) / COPIED_SHARE;
        if self.node.replicas.copied.saturating_add(bytes) <= most {
            self.node.write_replica(step, from, true, envelope);
            self.shed_replicas(step);
        }
    }

    /// Removes replicas that there is no room for, and once a day those that have expired.
    pub(crate) fn shed_replicas(&mut self, step: &mut Step) {
        let mut reads = self.reads.values();
        if reads.any(|purpose| matches!(purpose, Purpose::Shed | Purpose::Walk(_))) {
            return;
        }
        if self.node.walked_on != Some(Day::of(step.now)) && !self.clock.is_doubted() {
            let purpose = Purpose::Walk(ReplicaCount::default());
            return self.read_replicas(step, None, limits::LOAD_PAGE, purpose);
        }
        let full = self.node.replicas.bytes > self.replica_room(step.now);
        if full && step.has_room() {
            self.read_replicas(step, None, REMOVED, Purpose::Shed);
        }
    }

    /// The bytes that replicas may have now: when the store was full, half of what they had.
    fn replica_room(&self, now: Millis) -> u64 {
        let limit = self.own.replica_limit();
        match self.node.full_bytes.filter(|_| self.is_store_full(now)) {
            Some(bytes) => limit.min(bytes / 2),
            None => limit,
        }
    }

    pub(super) fn read_replicas(
        &mut self,
        step: &mut Step,
        above: Option<Vec<u8>>,
        limit: usize,
        purpose: Purpose,
    ) {
        let query = Query {
            table: Table::Waiting,
            prefix: vec![keys::REPLICA_INDEX],
            above,
            below: None,
            descending: false,
            limit,
        };
        let read = step.read(query);
        self.reads.insert(read, purpose);
    }

    /// What the index says of a replica.
    pub(super) fn replica_of(&self, record: &Record) -> Option<(Day, [u8; 32], IndexRecord)> {
        let (day, id) = keys::parse_replica(&record.key)?;
        let index = self.unseal(Table::Waiting, record).ok();
        let index = index.and_then(|value| records::decode(&value).ok());
        Some((day, id, index.unwrap_or_default()))
    }

    fn remove_replica(&mut self, step: &mut Step, day: Day, id: &[u8; 32], index: &IndexRecord) {
        step.delete(Table::Waiting, keys::replica_index(day, id));
        step.delete(Table::Waiting, keys::replica(day, id));
        self.node.replicas.remove(index);
        step.replicas_changed = true;
        step.show.route = true;
    }

    /// The replicas that expire first: as many go as there is no room for.
    pub(crate) fn shed(&mut self, step: &mut Step, records: &[Record]) {
        let room = self.replica_room(step.now);
        for record in records {
            if self.node.replicas.bytes <= room {
                break;
            }
            if let Some((day, id, index)) = self.replica_of(record) {
                self.remove_replica(step, day, &id, &index);
            }
        }
        if records.is_empty() {
            self.node.replicas = ReplicaCount::default();
            step.replicas_changed = true;
        }
        step.again |= self.node.replicas.bytes > room;
    }

    /// A page of the daily walk: what has expired goes, the rest is counted, for some may have come
    /// twice.
    pub(crate) fn walked(&mut self, step: &mut Step, mut count: ReplicaCount, records: &[Record]) {
        let today = Day::of(step.now);
        let mut last = None;
        for record in records {
            let Some((day, id, index)) = self.replica_of(record) else {
                continue;
            };
            if day <= today {
                if !step.has_room() {
                    // The rest of the page is read again.
                    return self.read_replicas(step, last, limits::LOAD_PAGE, Purpose::Walk(count));
                }
                self.remove_replica(step, day, &id, &index);
            } else {
                count.add(&index);
            }
            last = Some(record.key.clone());
        }
        if records.len() >= limits::LOAD_PAGE {
            return self.read_replicas(step, last, limits::LOAD_PAGE, Purpose::Walk(count));
        }
        self.node.walked_on = Some(today);
        self.node.replicas = count;
        step.replicas_changed = true;
        step.show.route = true;
        self.shed_replicas(step);
    }

    /// What is kept of others.
    pub(crate) fn replica_view(&self) -> ReplicaView {
        let count = self.node.replicas;
        ReplicaView {
            envelopes: count.envelopes,
            bytes: count.bytes,
            limit: self.own.replica_limit(),
        }
    }

    /// The person says how much may be kept of others.
    pub(crate) fn set_replica_limit(
        &mut self,
        step: &mut Step,
        bytes: u64,
    ) -> Result<Answer, Refusal> {
        if bytes > MAX_REPLICA_BYTES {
            return Err(Refusal::OutOfBounds);
        }
        self.own.replica_limit = Some(bytes);
        step.touched.own = true;
        step.show.route = true;
        self.shed_replicas(step);
        Ok(Answer::Done)
    }
}
