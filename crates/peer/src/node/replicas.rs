//! Replicas: the unexpired envelopes of one's bucket, others' mail among them, kept so that a relay
//! may burn.
//!
//! They stand in the store, an index apart from the bodies, both by expiry and id; memory holds how
//! many there are. When there are more bytes than the person allows, those that expire first go.
//!
//! Comparing, when the node has lost what it held: the index is read page by page, then both sides
//! find out by reconciliation what the other lacks; what is missing here is asked for, what is
//! missing there is returned, a few at a time.

use std::collections::{BTreeMap, VecDeque};

use komrade_ether::{Day, Envelope, EnvelopeId, Frame, MAX_WANT_IDS, Outcome, Reconciler};
use komrade_store::{Query, Record, Table};
use komrade_view::{Answer, MAX_REPLICA_BYTES, Millis, Refusal, ReplicaView};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ReplicaCount, send};
use crate::{
    LinkId, RelayId,
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
/// Envelopes that are to be asked for: what the default limit can hold, in 3 MB of memory.
const MAX_WANTED: usize = 100_000;
/// Replicas returned to the node and not answered yet.
const RETURNING: usize = 8;

/// What the index says of a replica, beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct IndexRecord {
    bytes: u32,
    /// From which node it came, see [`NodeHome::tag`]; 0: a version that had one at a time.
    #[serde(default)]
    from: u64,
}

/// A comparison under way.
pub(crate) struct Comparing {
    link: LinkId,
    /// What is here, while the index is read.
    items: Vec<(Day, EnvelopeId)>,
    reconciler: Option<Reconciler>,
    /// All ranges are settled.
    said_all: bool,
    /// Lacking here, not asked for yet.
    wanted: VecDeque<EnvelopeId>,
    /// Asked for and not come yet; some may have expired meanwhile and never will.
    asked: usize,
    /// Lacking there, not returned yet.
    lacking: VecDeque<(Day, EnvelopeId)>,
    /// Read or sent, and not answered.
    returning: Vec<EnvelopeId>,
    /// What is here and was not said to be lacking there.
    days: BTreeMap<EnvelopeId, Day>,
    /// When something came last.
    moved_at: Millis,
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
            let (day, id) = (envelope.header().expiry, envelope.id());
            let bytes = u32::try_from(envelope.as_bytes().len()).unwrap_or(u32::MAX);
            let index = records::encode(&IndexRecord { bytes, from });
            step.write(Table::Waiting, keys::replica_index(day, &id.0), index);
            let body = Zeroizing::new(envelope.into_bytes());
            step.write(Table::Waiting, keys::replica(day, &id.0), body);
            let count = &mut self.node.replicas;
            count.envelopes = count.envelopes.saturating_add(1);
            count.bytes = count.bytes.saturating_add(bytes.into());
            step.replicas_changed = true;
            step.show.route = true;
        }
        // What waits to be opened comes again after a crash.
        let unopened = way.mail.first();
        let up_to = unopened.map_or(way.seen_up_to, |(number, _)| number.saturating_sub(1));
        if way.subscribed.advance(&mut log, up_to) {
            self.set_log(step, relay, log);
        }
        self.shed_replicas(step);
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

    fn read_replicas(
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
    fn replica_of(&self, record: &Record) -> Option<(Day, [u8; 32], u64)> {
        let (day, id) = keys::parse_replica(&record.key)?;
        let index = self.unseal(Table::Waiting, record).ok();
        let index = index.and_then(|value| records::decode::<IndexRecord>(&value).ok());
        Some((day, id, index.map_or(0, |index| index.bytes.into())))
    }

    fn remove_replica(&mut self, step: &mut Step, day: Day, id: &[u8; 32], bytes: u64) {
        step.delete(Table::Waiting, keys::replica_index(day, id));
        step.delete(Table::Waiting, keys::replica(day, id));
        let count = &mut self.node.replicas;
        count.envelopes = count.envelopes.saturating_sub(1);
        count.bytes = count.bytes.saturating_sub(bytes);
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
            if let Some((day, id, bytes)) = self.replica_of(record) {
                self.remove_replica(step, day, &id, bytes);
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
            let Some((day, id, bytes)) = self.replica_of(record) else {
                continue;
            };
            if day <= today {
                if !step.has_room() {
                    // The rest of the page is read again.
                    return self.read_replicas(step, last, limits::LOAD_PAGE, Purpose::Walk(count));
                }
                self.remove_replica(step, day, &id, bytes);
            } else {
                count.envelopes = count.envelopes.saturating_add(1);
                count.bytes = count.bytes.saturating_add(bytes);
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

    // --- comparing -----------------------------------------------------------------------------

    /// The node is a new one, or has lost what it held: look what there is here.
    pub(super) fn begin_comparing(&mut self, step: &mut Step, link: LinkId, relay: RelayId) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        if way.comparing.is_some() {
            return;
        }
        way.comparing = Some(Comparing {
            link,
            items: Vec::new(),
            reconciler: None,
            said_all: false,
            wanted: VecDeque::new(),
            asked: 0,
            lacking: VecDeque::new(),
            returning: Vec::new(),
            days: BTreeMap::new(),
            moved_at: step.now,
        });
        self.read_replicas(step, None, limits::LOAD_PAGE, Purpose::Compare { link });
    }

    fn comparing(&mut self, link: LinkId, relay: RelayId) -> Option<&mut Comparing> {
        let comparing = self.ways.get_mut(&relay)?.comparing.as_mut();
        comparing.filter(|comparing| comparing.link == link)
    }

    /// Whether a node may be offered what came from that one: from itself, or from one that is in use
    /// no more. Another relay in use shall not see by what comes back that the same person uses both.
    fn is_for(&self, relay: RelayId, record: &Record) -> bool {
        let mut others = self.own.nodes().filter(|(other, _)| *other != relay);
        if others.next().is_none() {
            return true;
        }
        let index = self.unseal(Table::Waiting, record).ok();
        let index = index.and_then(|value| records::decode::<IndexRecord>(&value).ok());
        let from = index.map_or(0, |index| index.from);
        if from == 0 {
            // Of a version with one relay at a time: for that one only.
            return self.own.relay(relay).is_some_and(|it| it.since == 0);
        }
        let mut nodes = self.own.nodes();
        nodes.all(|(other, home)| other == relay || home.tag() != from)
    }

    /// A page of the index.
    pub(crate) fn index_read(&mut self, step: &mut Step, link: LinkId, records: &[Record]) {
        let Some(relay) = self.node_of_link(link) else {
            return;
        };
        let today = Day::of(step.now);
        let here = records.iter().filter(|record| self.is_for(relay, record));
        let items: Vec<(Day, EnvelopeId)> = here
            .filter_map(|record| keys::parse_replica(&record.key))
            .filter(|(day, _)| *day > today)
            .map(|(day, id)| (day, EnvelopeId(id)))
            .collect();
        let Some(comparing) = self.comparing(link, relay) else {
            return;
        };
        comparing.items.extend(items);
        if records.len() >= limits::LOAD_PAGE {
            let last = records.last().map(|record| record.key.clone());
            let purpose = Purpose::Compare { link };
            return self.read_replicas(step, last, limits::LOAD_PAGE, purpose);
        }
        let items = std::mem::take(&mut comparing.items);
        comparing.days = items.iter().map(|(day, id)| (*id, *day)).collect();
        let bucket = self.own.node_at(relay).map(NodeHome::bucket);
        match bucket.map(|bucket| Reconciler::begin(bucket, items)) {
            Some(Ok((reconciler, frame))) => {
                if let Some(comparing) = self.comparing(link, relay) {
                    comparing.reconciler = Some(reconciler);
                }
                step.effect(send(link, &frame));
            }
            _ => self.end_comparing(step, relay),
        }
    }

    /// The node's turn of the comparison.
    pub(super) fn compared(
        &mut self,
        step: &mut Step,
        link: LinkId,
        relay: RelayId,
        message: &[u8],
    ) {
        let Some(comparing) = self.comparing(link, relay) else {
            return;
        };
        let Some(reconciler) = comparing.reconciler.as_mut() else {
            return;
        };
        let Ok(learnt) = reconciler.handle(message) else {
            return self.end_comparing(step, relay);
        };
        // Whoever says that it has more than can be kept here is not believed.
        let room = MAX_WANTED.saturating_sub(comparing.wanted.len());
        comparing
            .wanted
            .extend(learnt.lacked_here.into_iter().take(room));
        // Each once, whatever is said again.
        for id in learnt.lacked_there {
            if let Some(day) = comparing.days.remove(&id) {
                comparing.lacking.push_back((day, id));
            }
        }
        comparing.moved_at = step.now;
        comparing.said_all |= learnt.is_done;
        step.effect(send(link, &learnt.answer));
        self.go_on_comparing(step, link, relay);
    }

    /// Asks for what is lacking here, returns what is lacking there, and ends when both are done.
    fn go_on_comparing(&mut self, step: &mut Step, link: LinkId, relay: RelayId) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        let Some(comparing) = way.comparing.as_mut().filter(|it| it.link == link) else {
            return;
        };
        let quiet_since = comparing.moved_at.saturating_add(limits::MINUTE);
        if (comparing.asked == 0 || quiet_since <= step.now) && !comparing.wanted.is_empty() {
            let count = comparing.wanted.len().min(MAX_WANT_IDS);
            let ids: Vec<EnvelopeId> = comparing.wanted.drain(..count).collect();
            comparing.asked = count;
            step.effect(send(link, &Frame::Want { ids }));
        }
        while comparing.returning.len() < RETURNING {
            let Some((day, id)) = comparing.lacking.pop_front() else {
                break;
            };
            let query = Query {
                table: Table::Waiting,
                prefix: keys::replica(day, &id.0),
                above: None,
                below: None,
                descending: false,
                limit: 1,
            };
            comparing.returning.push(id);
            let read = step.read(query);
            self.reads.insert(read, Purpose::Return { link, id });
        }
        // What was asked for last comes without being waited for; some of it may have expired.
        let idle = comparing.wanted.is_empty() && comparing.returning.is_empty();
        if comparing.said_all && idle {
            self.end_comparing(step, relay);
        }
    }

    /// A replica to be returned.
    pub(crate) fn return_read(
        &mut self,
        step: &mut Step,
        link: LinkId,
        id: EnvelopeId,
        records: &[Record],
    ) {
        let Some(relay) = self.node_of_link(link) else {
            return;
        };
        let body = records
            .first()
            .and_then(|record| self.unseal(Table::Waiting, record).ok());
        let envelope = body.and_then(|bytes| Envelope::decode(bytes.to_vec()).ok());
        match envelope {
            Some(envelope) => step.effect(send(link, &Frame::Replica { envelope })),
            None => {
                self.returned_replica(step, link, relay, &id, Outcome::AlreadyHave);
            }
        }
    }

    /// The node answered to a returned replica. Says whether it was one.
    pub(super) fn returned_replica(
        &mut self,
        step: &mut Step,
        link: LinkId,
        relay: RelayId,
        id: &EnvelopeId,
        outcome: Outcome,
    ) -> bool {
        let Some(comparing) = self.comparing(link, relay) else {
            return false;
        };
        let Some(at) = comparing.returning.iter().position(|it| it == id) else {
            return false;
        };
        comparing.returning.swap_remove(at);
        if matches!(
            outcome,
            Outcome::NotAllowed | Outcome::OverShare | Outcome::Full
        ) {
            // It takes no more, not today.
            comparing.lacking.clear();
        }
        self.go_on_comparing(step, link, relay);
        true
    }

    /// An envelope that this device lacked.
    pub(super) fn replica_came(
        &mut self,
        step: &mut Step,
        link: LinkId,
        relay: RelayId,
        envelope: Envelope,
    ) {
        if let Some(comparing) = self.comparing(link, relay) {
            comparing.asked = comparing.asked.saturating_sub(1);
            comparing.moved_at = step.now;
        }
        let _ = self.put_here(step, link, &envelope);
        self.keep_replica(step, relay, envelope);
        self.go_on_comparing(step, link, relay);
    }

    fn end_comparing(&mut self, step: &mut Step, relay: RelayId) {
        if let Some(way) = self.ways.get_mut(&relay) {
            way.comparing = None;
            way.is_recovering = false;
        }
        let mut log = self.log(relay);
        log.compare = false;
        self.set_log(step, relay, log);
        step.show.route = true;
    }

    /// What was asked for may never come: goes on without it.
    pub(super) fn hurry_comparing(&mut self, step: &mut Step, relay: RelayId) {
        let way = self.ways.get(&relay);
        let link = way.and_then(|way| Some(way.comparing.as_ref()?.link));
        if let Some(link) = link {
            self.go_on_comparing(step, link, relay);
        }
    }
}
