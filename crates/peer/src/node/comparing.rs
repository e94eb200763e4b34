//! Comparing replicas with whoever lost what it held, or was lost with it: the index is read page by
//! page, then both sides find out by reconciliation what the other lacks; what is missing here is asked
//! for, what is missing there is sent, a few at a time.
//!
//! With a node of one's own this side leads, and both get what they lack. With a comrade's device
//! ([`super::seeking`]) whoever dialled leads, about what one node held, and each gets what it asked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use komrade_ether::{
    Bucket, Day, Envelope, EnvelopeId, Frame, MAX_WANT_IDS, Outcome, RETURN_MILLIS, Reconciler,
    Responder,
};
use komrade_store::{Query, Record, Table};
use komrade_view::{ComradeId, Millis};

use super::{replicas::IndexRecord, send};
use crate::{
    LinkId, RelayId,
    home::NodeHome,
    inbox::Source,
    keys, limits,
    links::Party,
    open::{Open, Purpose},
    step::Step,
};

/// Envelopes that are to be asked for: what the default limit can hold, in 3 MB of memory.
const MAX_WANTED: usize = 100_000;
/// Replicas sent and not answered yet.
const RETURNING: usize = 8;

/// With whom, and what of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    /// The node of this relay of one's own: what came from there, and from nodes in use no more.
    Node(RelayId),
    /// A comrade's device.
    Device(Shared),
}

/// What is compared with a comrade's device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) comrade: ComradeId,
    /// What came from this node, see [`NodeHome::tag`] …
    pub(super) tag: u64,
    /// … of this bucket.
    pub(super) bucket: Bucket,
    /// It was lost for this device, which takes what it lacks.
    pub(super) takes: bool,
    /// It was lost for theirs, which is given what it lacks.
    pub(super) gives: bool,
}

impl With {
    fn takes(&self) -> bool {
        !matches!(self, Self::Device(shared) if !shared.takes)
    }

    fn gives(&self) -> bool {
        !matches!(self, Self::Device(shared) if !shared.gives)
    }

    fn is_node(&self) -> bool {
        matches!(self, Self::Node(_))
    }
}

/// Which side this is; nothing is said before the index was read.
pub(super) enum Side {
    Leads(Option<Reconciler>),
    /// With the message that is to be answered first.
    Answers(Option<Responder>, Vec<u8>),
}

/// What is known of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Here, and compared.
    Here(Day),
    /// Here, and said to be lacking there.
    Offered,
    /// Here, from elsewhere or since this began.
    Beside,
}

/// A comparison under way.
pub(crate) struct Comparing {
    pub(super) link: LinkId,
    pub(super) with: With,
    side: Side,
    /// What is compared, while the index is read.
    items: Vec<(Day, EnvelopeId)>,
    held: BTreeMap<EnvelopeId, Held>,
    /// All ranges are settled.
    said_all: bool,
    /// Lacking here, not asked for yet.
    wanted: VecDeque<EnvelopeId>,
    /// Asked for and not come yet; some may have expired meanwhile and never will.
    asked: BTreeSet<EnvelopeId>,
    /// Lacking there, not sent yet.
    lacking: VecDeque<(Day, EnvelopeId)>,
    /// Read or sent, and not answered.
    returning: Vec<EnvelopeId>,
    /// The other side takes no more, though it lacks something.
    is_refused: bool,
    /// There is more to offer by now: to be done again.
    is_again: bool,
    pub(super) begun_at: Millis,
    /// When something came last.
    pub(super) moved_at: Millis,
}

impl Comparing {
    pub(super) fn new(link: LinkId, with: With, side: Side, now: Millis) -> Self {
        Self {
            link,
            with,
            side,
            items: Vec::new(),
            held: BTreeMap::new(),
            said_all: false,
            wanted: VecDeque::new(),
            asked: BTreeSet::new(),
            lacking: VecDeque::new(),
            returning: Vec::new(),
            is_refused: false,
            is_again: false,
            begun_at: now,
            moved_at: now,
        }
    }

    pub(super) fn leads(&self) -> bool {
        matches!(self.side, Side::Leads(_))
    }

    /// Whether the index was read.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.side, Side::Leads(Some(_)) | Side::Answers(Some(_), _))
    }

    /// Of the envelopes with these ids, those are to be sent that were compared: each once.
    pub(super) fn offer(&mut self, ids: impl IntoIterator<Item = EnvelopeId>) {
        for id in ids {
            if let Some(held) = self.held.get_mut(&id)
                && let Held::Here(day) = *held
            {
                *held = Held::Offered;
                self.lacking.push_back((day, id));
            }
        }
    }

    /// An envelope came. Says whether it is new.
    pub(super) fn note_came(&mut self, id: EnvelopeId, now: Millis) -> bool {
        self.moved_at = now;
        self.asked.remove(&id);
        let is_new = !self.held.contains_key(&id);
        self.held.entry(id).or_insert(Held::Beside);
        is_new
    }

    /// When what a node was asked for is waited for no longer.
    pub(super) fn goes_on_at(&self) -> Option<Millis> {
        let quiet = self.moved_at.saturating_add(limits::MINUTE);
        (!self.asked.is_empty()).then_some(quiet)
    }

    /// The other side lacks it, and will not have it.
    fn note_refused(&mut self) {
        self.lacking.clear();
        self.is_refused = true;
    }
}

impl Open {
    /// The node is a new one, or has lost what it held: look what there is here.
    pub(super) fn begin_comparing(&mut self, step: &mut Step, link: LinkId, relay: RelayId) {
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        if way.comparing.is_some() {
            return;
        }
        let side = Side::Leads(None);
        way.comparing = Some(Comparing::new(link, With::Node(relay), side, step.now));
        self.read_index(step, link, None);
    }

    /// A node is in use no more: the copies of what it held are offered to the first of those that are, unless that one takes none any more.
    pub(crate) fn offer_elsewhere(&mut self, step: &mut Step) {
        let first = self.own.standing().find(|it| it.home.is_some());
        let Some(relay) = first.map(|it| it.id) else {
            return;
        };
        if self.node.replicas.envelopes == 0 {
            return;
        }
        let mut log = self.log(relay);
        let takes = |met: Millis| step.now < met.saturating_add(RETURN_MILLIS);
        if !log.met_at.is_some_and(takes) {
            // One that is compared at all learns what there is here.
            return;
        }
        log.compare = true;
        self.set_log(step, relay, log);
        let Some(way) = self.ways.get_mut(&relay) else {
            return;
        };
        if let Some(comparing) = &mut way.comparing {
            comparing.is_again = true;
        }
        let is_ready = way.caught_up && !self.node.saver.is_held();
        let link = self.links.of(Party::Node(relay)).next();
        if let Some(link) = link.map(|(link, _)| link).filter(|_| is_ready) {
            self.begin_comparing(step, link, relay);
        }
    }

    /// Reads the next page of the index.
    pub(super) fn read_index(&mut self, step: &mut Step, link: LinkId, above: Option<Vec<u8>>) {
        let purpose = Purpose::Compare { link };
        self.read_replicas(step, above, limits::LOAD_PAGE, purpose);
    }

    pub(super) fn comparing(&mut self, link: LinkId) -> Option<&mut Comparing> {
        let comparing = match self.node_of_link(link) {
            Some(relay) => self.ways.get_mut(&relay)?.comparing.as_mut(),
            None => self.node.seeking.comparing.as_mut(),
        };
        comparing.filter(|comparing| comparing.link == link)
    }

    /// Whether a replica is compared: of its own and of nodes in use no more with a node, for another one
    /// in use would see by what comes back that the same person uses both; of the node in question with
    /// a comrade's device.
    fn is_for(&self, with: &With, index: &IndexRecord) -> bool {
        let relay = match with {
            With::Device(shared) => {
                return index.from == shared.tag && index.bucket().overlaps(shared.bucket);
            }
            With::Node(relay) => *relay,
        };
        if index.is_copied {
            // A comrade who made it up could know again who returns it.
            return false;
        }
        let mut others = self.own.nodes().filter(|(other, _)| *other != relay);
        if others.next().is_none() {
            return true;
        }
        if index.from == 0 {
            // Of a version with one relay at a time: for that one only.
            return self.own.relay(relay).is_some_and(|it| it.since == 0);
        }
        let mut nodes = self.own.nodes();
        nodes.all(|(other, home)| other == relay || home.tag() != index.from)
    }

    /// A page of the index.
    pub(crate) fn index_read(&mut self, step: &mut Step, link: LinkId, records: &[Record]) {
        let Some(with) = self.comparing(link).map(|comparing| comparing.with) else {
            return;
        };
        let today = Day::of(step.now);
        let found = records.iter().filter_map(|record| self.replica_of(record));
        let found: Vec<(Day, EnvelopeId, bool)> = found
            .map(|(day, id, index)| (day, EnvelopeId(id), self.is_for(&with, &index)))
            .collect();
        let Some(comparing) = self.comparing(link) else {
            return;
        };
        for (day, id, is_compared) in found {
            if is_compared && day > today {
                comparing.items.push((day, id));
                comparing.held.insert(id, Held::Here(day));
            } else if !with.is_node() {
                comparing.held.insert(id, Held::Beside);
            }
        }
        if records.len() >= limits::LOAD_PAGE {
            let last = records.last().map(|record| record.key.clone());
            return self.read_index(step, link, last);
        }
        self.all_read(step, link);
    }

    /// All of the index was read: says the first word, or answers it.
    fn all_read(&mut self, step: &mut Step, link: LinkId) {
        let Some(with) = self.comparing(link).map(|comparing| comparing.with) else {
            return;
        };
        let bucket = match with {
            With::Node(relay) => self.own.node_at(relay).map(NodeHome::bucket),
            With::Device(shared) => Some(shared.bucket),
        };
        let (Some(bucket), Some(comparing)) = (bucket, self.comparing(link)) else {
            return self.end_comparing(step, link, true);
        };
        comparing.moved_at = step.now;
        let items = std::mem::take(&mut comparing.items);
        match &mut comparing.side {
            Side::Leads(reconciler) => match Reconciler::begin(bucket, items) {
                Ok((begun, frame)) => {
                    *reconciler = Some(begun);
                    if let With::Device(shared) = with {
                        self.say_seek(step, link, shared.tag, bucket, shared.takes);
                    }
                    step.effect(send(link, &frame));
                }
                Err(_) => self.end_comparing(step, link, true),
            },
            Side::Answers(responder, first) => match Responder::begin(items) {
                Ok(begun) => {
                    *responder = Some(begun);
                    let first = std::mem::take(first);
                    self.compared(step, link, &first);
                }
                Err(_) => self.end_comparing(step, link, false),
            },
        }
    }

    /// The other side's turn of the comparison.
    pub(super) fn compared(&mut self, step: &mut Step, link: LinkId, message: &[u8]) {
        let Some(comparing) = self.comparing(link) else {
            return;
        };
        let with = comparing.with;
        comparing.moved_at = step.now;
        let learnt = match &mut comparing.side {
            Side::Leads(Some(reconciler)) => reconciler.handle(message),
            Side::Answers(Some(responder), _) => {
                let With::Device(Shared { bucket, .. }) = with else {
                    return;
                };
                return match responder.handle(message) {
                    Ok(message) => step.effect(send(link, &Frame::Reconcile { bucket, message })),
                    Err(_) => self.end_comparing(step, link, false),
                };
            }
            // Nothing was said yet that could be answered.
            Side::Leads(None) | Side::Answers(None, _) => return,
        };
        let Ok(learnt) = learnt else {
            // A node is not asked again.
            return self.end_comparing(step, link, with.is_node());
        };
        if with.takes() {
            // Whoever says that it has more than can be kept here is not believed.
            let room = MAX_WANTED.saturating_sub(comparing.wanted.len());
            let lacked = learnt.lacked_here.into_iter();
            comparing.wanted.extend(lacked.take(room));
        }
        if with.gives() {
            comparing.offer(learnt.lacked_there);
        }
        comparing.said_all |= learnt.is_done;
        // A device is told that all is said when all has come.
        if with.is_node() || !learnt.is_done {
            step.effect(send(link, &learnt.answer));
        }
        self.go_on_comparing(step, link);
    }

    /// Asks for what is lacking here, sends what is lacking there, and ends when both are done.
    pub(super) fn go_on_comparing(&mut self, step: &mut Step, link: LinkId) {
        let Some(comparing) = self.comparing(link) else {
            return;
        };
        let quiet_since = comparing.moved_at.saturating_add(limits::MINUTE);
        let has_come = comparing.asked.is_empty();
        if (has_come || quiet_since <= step.now) && !comparing.wanted.is_empty() {
            let count = comparing.wanted.len().min(MAX_WANT_IDS);
            let ids: Vec<EnvelopeId> = comparing.wanted.drain(..count).collect();
            comparing.asked = ids.iter().copied().collect();
            step.effect(send(link, &Frame::Want { ids }));
        }
        let mut reading = Vec::new();
        while comparing.returning.len() < RETURNING {
            let Some((day, id)) = comparing.lacking.pop_front() else {
                break;
            };
            comparing.returning.push(id);
            reading.push((day, id));
        }
        // Some of what a node was asked for may have expired meanwhile, and it does not say so.
        let has_come = comparing.asked.is_empty()
            || comparing.with.is_node()
                && comparing.moved_at.saturating_add(limits::MINUTE) <= step.now;
        let is_over = comparing.said_all
            && comparing.leads()
            && comparing.wanted.is_empty()
            && comparing.returning.is_empty()
            && has_come;
        let is_well = !comparing.is_refused;
        for (day, id) in reading {
            let query = Query {
                table: Table::Waiting,
                prefix: keys::replica(day, &id.0),
                above: None,
                below: None,
                descending: false,
                limit: 1,
            };
            let read = step.read(query);
            self.reads.insert(read, Purpose::Return { link, id });
        }
        if !is_over {
            return;
        }
        if let Some(relay) = self.node_of_link(link)
            && self
                .ways
                .get(&relay)
                .is_some_and(|way| way.mail.has_found())
        {
            // It ends when that was opened.
            self.sort_mail(relay);
            step.again = true;
            return;
        }
        self.end_comparing(step, link, is_well);
    }

    /// A replica to be sent.
    pub(crate) fn return_read(
        &mut self,
        step: &mut Step,
        link: LinkId,
        id: EnvelopeId,
        records: &[Record],
    ) {
        let Some(comparing) = self.comparing(link) else {
            return;
        };
        if !comparing.returning.contains(&id) {
            return;
        }
        let with = comparing.with;
        let body = records
            .first()
            .and_then(|record| self.unseal(Table::Waiting, record).ok());
        let envelope = body.and_then(|bytes| Envelope::decode(bytes.to_vec()).ok());
        // One's own is on its way there already, and one answer would be taken for the other.
        let is_flying = |link: &crate::links::Link| link.flights.iter().any(|it| it.envelope == id);
        let envelope = envelope.filter(|_| !self.links.get(link).is_some_and(is_flying));
        let Some(envelope) = envelope else {
            self.returned_replica(step, link, &id, Outcome::AlreadyHave);
            return;
        };
        if let With::Device(shared) = with
            && !self.may_exchange(shared.comrade, envelope.as_bytes().len(), step.now)
        {
            self.returned_replica(step, link, &id, Outcome::OverShare);
            return;
        }
        step.effect(send(link, &Frame::Replica { envelope }));
    }

    /// The other side answered to a replica. Says whether it was one.
    pub(crate) fn returned_replica(
        &mut self,
        step: &mut Step,
        link: LinkId,
        id: &EnvelopeId,
        outcome: Outcome,
    ) -> bool {
        let Some(comparing) = self.comparing(link) else {
            return false;
        };
        let Some(at) = comparing.returning.iter().position(|it| it == id) else {
            return false;
        };
        comparing.returning.swap_remove(at);
        if !comparing.with.is_node() {
            comparing.moved_at = step.now;
        }
        if matches!(
            outcome,
            Outcome::NotAllowed | Outcome::OverShare | Outcome::Full
        ) {
            // It takes no more, not today.
            comparing.note_refused();
        }
        self.go_on_comparing(step, link);
        true
    }

    /// An envelope that this device lacked, from a node.
    pub(super) fn replica_came(
        &mut self,
        step: &mut Step,
        link: LinkId,
        relay: RelayId,
        envelope: Envelope,
    ) {
        let comparing = self.comparing(link);
        let is_awaited = comparing.is_some_and(|it| it.note_came(envelope.id(), step.now));
        if is_awaited && self.is_recognised(Source::Node(relay), &envelope) {
            self.note_found(relay, envelope);
        } else {
            let _ = self.put_here(step, link, &envelope);
            self.keep_replica(step, relay, envelope);
        }
        self.go_on_comparing(step, link);
    }

    /// Ends a comparison; `is_well`: there is nothing that the other side could still have brought.
    pub(super) fn end_comparing(&mut self, step: &mut Step, link: LinkId, is_well: bool) {
        match self.node_of_link(link) {
            Some(relay) => {
                let mut is_again = false;
                if let Some(way) = self.ways.get_mut(&relay) {
                    is_again = way.comparing.take().is_some_and(|it| it.is_again);
                    way.is_recovering = false;
                }
                let mut log = self.log(relay);
                log.compare = is_again;
                self.set_log(step, relay, log);
                step.show.route = true;
                if is_again {
                    self.begin_comparing(step, link, relay);
                }
            }
            None => self.end_seeking(step, link, is_well),
        }
    }

    /// What was asked for may never come: goes on without it.
    pub(super) fn hurry_comparing(&mut self, step: &mut Step, relay: RelayId) {
        let way = self.ways.get(&relay);
        let link = way.and_then(|way| Some(way.comparing.as_ref()?.link));
        if let Some(link) = link {
            self.go_on_comparing(step, link);
        }
    }
}
