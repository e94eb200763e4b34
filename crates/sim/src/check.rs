//! The invariants: what is looked at now and then, and in the end.

use std::collections::{BTreeMap, BTreeSet};

use komrade_ether::{Day, ShelfRead, ShelfTable};
use komrade_peer::limits;
use komrade_store::Table;
use komrade_view::{
    Answer, Command, ComradeId, ComradeState, MessageView, NodeStage, RelayStanding, RelayView,
    Tick,
};

use crate::{
    ledger::number,
    peer::{name, number_of},
    settings::Sabotage,
    world::World,
};

/// Bytes of keys and indexes that a node may need for each envelope, and for itself.
const NODE_OVERHEAD: u64 = 1_024;
const NODE_BASE: u64 = 256 * 1024;
/// A page of a conversation.
const PAGE: u16 = 100;
/// First bytes of the keys in the table of what waits: envelopes that do not open, and replicas.
const WAITING_INDEX: u8 = 0;
const REPLICA_INDEX: u8 = 2;
const REPLICA: u8 = 3;
/// First bytes of the keys in the table of collectives.
const SPACE: u8 = 0;
pub(crate) const SEED: u8 = 1;
const LEAF: u8 = 2;
const ENTRY: u8 = 3;
const BODY: u8 = 4;
const LOAD: u8 = 5;
const PART: u8 = 6;

/// A conversation as one device keeps it.
struct Conversation {
    with: Option<usize>,
    state: ComradeState,
    gap: u32,
    lost: u32,
    messages: Vec<MessageView>,
}

impl World {
    /// Now and then: bounds, and what must never have happened.
    pub(crate) fn look(&mut self) {
        for what in std::mem::take(&mut self.ledger.repeated) {
            self.fail(format_args!("{what} was used twice"));
        }
        for at in 0..self.relays.len() {
            self.look_at_node(at);
        }
        for at in 0..self.peers.len() {
            self.look_at_store(at);
        }
    }

    fn look_at_node(&mut self, at: usize) {
        let today = Day::of(self.now);
        let relay = &self.relays[at];
        if relay.burnt {
            return;
        }
        let usage = relay.node.usage(&relay.shelf).unwrap();
        let settings = relay.node.settings();
        let entries = [
            ShelfTable::Envelopes,
            ShelfTable::Placed,
            ShelfTable::Forwards,
            ShelfTable::NoticeIds,
        ]
        .map(|table| relay.shelf.len(table) as u64);
        let held = usage.bytes + usage.placed_bytes + usage.forward_bytes;
        let most = held + NODE_OVERHEAD * entries.iter().sum::<u64>() + NODE_BASE;
        let is_bounded = usage.bytes <= self.capacity
            && usage.placed_bytes <= settings.placed_bytes
            && usage.forward_bytes <= settings.forward_bytes
            && relay.shelf.bytes() as u64 <= most;
        let missing = relay.promised.iter().filter(|(id, expiry)| {
            **expiry > today.plus(1)
                && matches!(relay.shelf.get(ShelfTable::Envelopes, &id.0), Ok(None))
        });
        let missing = missing.count();
        if !is_bounded {
            let bytes = self.relays[at].shelf.bytes();
            self.fail(format_args!(
                "relay {at} holds more than is stated: {usage:?}, {bytes} bytes in all"
            ));
        }
        if missing > 0 {
            self.fail(format_args!(
                "relay {at} has lost {missing} envelopes that it had acknowledged"
            ));
        }
        self.relays[at]
            .promised
            .retain(|_, expiry| *expiry > today.plus(1));
    }

    fn look_at_store(&mut self, at: usize) {
        let mut counts = BTreeMap::<(Table, u8), (u64, u64)>::new();
        self.peers[at].store.visit(|table, key, value| {
            let first = match table {
                Table::Waiting | Table::Outbox | Table::Spaces => {
                    key.first().copied().unwrap_or_default()
                }
                _ => 0,
            };
            let (count, bytes) = counts.entry((table, first)).or_default();
            *count += 1;
            *bytes += value.len() as u64;
        });
        let of = |table, first| counts.get(&(table, first)).copied().unwrap_or_default();
        let comrades = of(Table::Comrades, 0).0;
        let (replicas, replica_bytes) = of(Table::Waiting, REPLICA);
        // What is said of bytes is of envelopes; a record adds its seal. A batch may come on top before others go.
        let most_replicas = limits::REPLICA_BYTES + 64 * replicas + 2 * 1024 * 1024;
        let entries_each = (limits::MAX_OUTBOX + limits::MAX_KEPT + 1) as u64;
        let is_bounded = replica_bytes <= most_replicas
            && of(Table::Waiting, WAITING_INDEX).0 <= limits::MAX_WAITING as u64
            && of(Table::Outbox, 0).0 <= comrades * entries_each
            && of(Table::Sessions, 0).0 <= comrades
            && of(Table::Invites, 0).0 <= limits::MAX_INVITES as u64
            && Self::are_spaces_bounded(&of);
        if !is_bounded {
            self.fail(format_args!(
                "peer {at} keeps more than is stated: {counts:?}"
            ));
        }
    }

    /// What is kept of the one collective of this world. What goes by time goes one step later.
    fn are_spaces_bounded(of: &dyn Fn(Table, u8) -> (u64, u64)) -> bool {
        const SOME: u64 = 64;
        let sorts = [
            (SPACE, 1),
            (SEED, limits::MAX_SEEDS),
            (LEAF, limits::MAX_DEVICES_KNOWN),
            (ENTRY, limits::MAX_SPACE_OUTBOX),
            (BODY, limits::MAX_SPACE_OUTBOX),
            (LOAD, limits::MAX_WAITING_LOADS),
            (PART, 2 * limits::MAX_WELCOME_PARTS as usize),
        ];
        let operations = of(Table::Operations, 0);
        let most = (limits::MAX_OPERATIONS + komrade_social::collective::MAX_CONTROL) as u64;
        let mut sorts = sorts.into_iter();
        sorts.all(|(sort, most)| of(Table::Spaces, sort).0 <= most as u64 + SOME)
            && operations.0 <= most
            && operations.1 <= 2 * limits::MAX_OPERATION_BYTES as u64
            && of(Table::Posts, 0).0 <= limits::MAX_OPERATIONS as u64
    }

    /// The last look, after days of quiet.
    pub(crate) fn check(&mut self) {
        if !self.failures.is_empty() {
            return;
        }
        self.look();
        self.check_replicas();
        let mut all = Vec::new();
        for person in 0..self.people.len() {
            let at = self.people[person].peer;
            if !self.is_open(at) {
                self.person_acts(person, crate::people::Act::Open);
            }
            if !self.is_open(at) {
                let state = self.peers[at].vault;
                self.fail(format_args!("the vault of person {person} is {state:?}"));
                return;
            }
            all.push(self.conversations(at));
        }
        self.check_messages(&all);
        if self.settings.collective {
            self.check_collective();
        }
    }

    fn conversations(&mut self, at: usize) -> Vec<Conversation> {
        let people: BTreeMap<String, usize> = self
            .people
            .iter()
            .enumerate()
            .filter_map(|(person, it)| Some((self.peers[it.peer].person_id.clone()?, person)))
            .collect();
        let comrades = self.peers[at].comrades.clone();
        comrades
            .into_iter()
            .map(|comrade| Conversation {
                with: people.get(&comrade.person).copied(),
                state: comrade.state,
                gap: comrade.gap.map_or(0, |gap| gap.count),
                lost: comrade.lost,
                messages: self.pages(at, comrade.id),
            })
            .collect()
    }

    fn pages(&mut self, at: usize, comrade: ComradeId) -> Vec<MessageView> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let page = Command::OpenPage {
                comrade,
                before,
                limit: PAGE,
            };
            let Some(Ok(Answer::Page(page))) = self.ask(at, page) else {
                self.fail(format_args!("peer {at} does not open a page"));
                return all;
            };
            before = page.messages.first().map(|message| message.ordinal);
            all.extend(page.messages);
            if !page.older || before.is_none() {
                return all;
            }
        }
    }

    /// Whatever a node keeps, each of its members has a replica of.
    fn check_replicas(&mut self) {
        let today = Day::of(self.now);
        for relay in 0..self.relays.len() {
            if !self.relays[relay].alive {
                continue;
            }
            let shelf = &self.relays[relay].shelf;
            let kept = shelf
                .range(ShelfTable::Envelopes, &[], None, usize::MAX)
                .unwrap();
            // Clocks disagree about the day on which the rest expires.
            let kept: BTreeSet<Vec<u8>> = kept
                .into_iter()
                .filter(|(_, bytes)| {
                    let envelope = komrade_ether::Envelope::decode(bytes.clone()).unwrap();
                    let expiry = envelope.header().expiry;
                    expiry > today.plus(2) && expiry <= today.plus(30)
                })
                .map(|(id, _)| id)
                .collect();
            for at in 0..self.peers.len() {
                let peer = &self.peers[at];
                if peer.is_clone || !self.is_open(at) {
                    continue;
                }
                let is_used = |it: &&RelayView| {
                    it.standing == RelayStanding::InUse && number_of(&it.origin) == Some(relay)
                };
                let Some(used) = peer.relays.iter().find(is_used) else {
                    continue;
                };
                if !matches!(used.node, NodeStage::Ready(_)) {
                    let stage = used.node;
                    self.fail(format_args!(
                        "peer {at} has not caught up with relay {relay}: {stage:?}"
                    ));
                    continue;
                }
                let mut have = BTreeSet::new();
                peer.store.visit(|table, key, _| {
                    if table == Table::Waiting && key.first() == Some(&REPLICA_INDEX) {
                        have.insert(key[5..].to_vec());
                    }
                });
                let missing = kept.difference(&have).count();
                if missing > 0 {
                    let all = kept.len();
                    self.fail(format_args!(
                        "peer {at} lacks {missing} of {all} replicas of relay {relay}"
                    ));
                }
            }
        }
    }

    fn check_messages(&mut self, all: &[Vec<Conversation>]) {
        let mut wrong = Vec::new();
        for (author, conversations) in all.iter().enumerate() {
            self.check_kept(author, conversations, &mut wrong);
            for conversation in conversations {
                let Some(reader) = conversation.with else {
                    // The bundle of the invite was not read yet: whoever made it has left its node.
                    if conversation.state != ComradeState::Asked || !self.has_anybody_left(author) {
                        wrong.push(format!("person {author} has met nobody knows whom"));
                    }
                    continue;
                };
                let weak = self.ledger.is_ever_weak(author) || self.ledger.is_ever_weak(reader);
                if conversation.state != ComradeState::Met && self.has_left(author, reader) {
                    continue;
                }
                // Nor is anything of who made the invite, however surely they said yes.
                let mut theirs = all[reader].iter().filter(|it| it.with == Some(author));
                if theirs.all(|it| it.state != ComradeState::Met) && self.has_left(reader, author) {
                    continue;
                }
                if conversation.gap > 0 || (!weak && conversation.lost > 0) {
                    let (gap, lost) = (conversation.gap, conversation.lost);
                    wrong.push(format!(
                        "person {author} misses {gap} messages of {reader}, {lost} are lost"
                    ));
                }
                if !weak && conversation.state != ComradeState::Met {
                    let state = conversation.state;
                    wrong.push(format!("person {author} and {reader}: {state:?}"));
                }
                let who = self.peers[self.people[author].peer].person_id.as_deref();
                if who.is_some_and(|who| self.ledger.has_forgotten(reader, who)) {
                    continue;
                }
                self.check_arrived(author, reader, conversation, &all[reader], &mut wrong);
            }
        }
        for what in wrong {
            self.fail(format_args!("{what}"));
        }
    }

    /// An invite works only as long as who made it uses the node at which it was made, and was not set back to before that.
    fn has_left(&self, invited: usize, inviter: usize) -> bool {
        let made = self.invited.get(&(inviter, invited));
        let now = self.places_of(self.people[inviter].peer);
        made.is_some_and(|made| !made.is_some_and(|made| now.contains(&made)))
            || self.ledger.has_unmade(inviter, invited)
    }

    fn has_anybody_left(&self, invited: usize) -> bool {
        (0..self.people.len()).any(|inviter| self.has_left(invited, inviter))
    }

    /// What a device said it keeps is there.
    fn check_kept(&self, author: usize, all: &[Conversation], wrong: &mut Vec<String>) {
        let messages = all.iter().flat_map(|it| &it.messages);
        let mine = messages.filter(|message| message.mine);
        let mine: BTreeSet<usize> = mine.filter_map(|it| number(&it.text)).collect();
        let written = self.ledger.written.iter().enumerate();
        for (number, _) in written.filter(|(_, it)| it.from == author && it.kept) {
            if !mine.contains(&number) && !self.ledger.is_ever_weak(author) {
                wrong.push(format!("person {author} wrote m{number} and has lost it"));
            }
        }
    }

    /// What was written arrived, once.
    fn check_arrived(
        &self,
        author: usize,
        reader: usize,
        conversation: &Conversation,
        theirs: &[Conversation],
        wrong: &mut Vec<String>,
    ) {
        let mut shown = BTreeMap::<&str, usize>::new();
        for other in theirs.iter().filter(|it| it.with == Some(author)) {
            for message in other.messages.iter().filter(|message| !message.mine) {
                *shown.entry(&message.text).or_default() += 1;
            }
        }
        let doubled = self.settings.sabotage == Some(Sabotage::Doubled);
        for message in conversation.messages.iter().filter(|it| it.mine) {
            let what = name(&message.text);
            let Some(written) = number(&message.text).and_then(|it| self.ledger.written.get(it))
            else {
                wrong.push(format!("nobody wrote {what}"));
                continue;
            };
            let count = shown.remove(message.text.as_str()).unwrap_or_default();
            let count = if doubled { 2 * count } else { count };
            let weak = self.ledger.may_be_lost(written, reader);
            if count > 1 || (count == 0 && !weak) {
                let tick = message.tick;
                wrong.push(format!(
                    "person {author} wrote {what}, person {reader} is shown it {count} times ({tick:?})"
                ));
            }
            let delivered = matches!(message.tick, Tick::Delivered(_));
            if delivered && !weak && !written.shown.contains_key(&reader) && count == 0 {
                wrong.push(format!("{what} is said to be delivered, and was not shown"));
            }
        }
        for (text, _) in shown {
            let written = number(text).and_then(|it| self.ledger.written.get(it));
            let known = written.is_some_and(|it| it.from == author);
            if !known || !self.ledger.is_ever_weak(author) {
                let what = name(text);
                wrong.push(format!(
                    "person {reader} is shown {what}, which {author} did not write or has lost"
                ));
            }
        }
    }
}
