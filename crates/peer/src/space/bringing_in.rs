//! How the members bring somebody in, see `candidacy`: proposals of those who said yes, welcomes, keys.

use komrade_crypto::{
    day_of,
    group::{Commit, LeafRecord},
    identity::PersonId,
};
use komrade_social::{
    OperationId,
    collective::{Body, Operation, Stage, Subject},
};
use komrade_view::{CollectiveId, ComradeId, Millis};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use super::{
    Person, Space,
    candidacy::{admits, in_words},
    frame::{Bundle, Load, Progress, Welcome, Word},
};
use crate::{limits, open::Open, step::Step};

/// A comrade who was offered to be proposed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) comrade: ComradeId,
    pub(crate) at: Millis,
    /// They said yes then.
    pub(crate) yes_at: Option<Millis>,
    /// By this they were proposed.
    pub(crate) proposal: Option<ByteArray<32>>,
    /// Why this person vouches for them.
    #[serde(default)]
    pub(crate) reason: String,
    /// How far they were told it is.
    #[serde(default)]
    pub(crate) told: Option<Progress>,
}

/// A newcomer whom this device brings in: from the welcome on until they are heard.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Escort {
    pub(crate) comrade: ComradeId,
    pub(crate) person: PersonId,
    pub(crate) welcomed_at: Millis,
    /// What they entered with does not hold: they are to be welcomed anew.
    pub(crate) has_failed: bool,
    /// The entries of their outbox that hold the welcome, from the first to the last; of a version that did not note it, none.
    #[serde(default)]
    pub(crate) words: Option<(u64, u64)>,
    /// Operations up to this arrival were told.
    pub(crate) told_up_to: u64,
    /// Their acceptance and the rest came and is to be passed on.
    pub(crate) accepted: Option<Accepted>,
    /// The device that they entered with, and the number of the last operation that came with that: beyond it they
    /// were heard.
    pub(crate) entered: Option<(ByteArray<32>, u64)>,
    /// The seed that was given to them last.
    pub(crate) seed: Option<Commit>,
    /// They were given what was said before.
    #[serde(default)]
    pub(crate) has_history: bool,
}

/// A welcome that is being said, as many of its parts in a step as there is room for. It stands in memory alone: the newcomer is noted
/// with the last part, so that whoever loses power before begins anew.
pub(crate) struct Welcoming {
    comrade: ComradeId,
    pub(super) person: PersonId,
    made_at: Millis,
    welcome: Vec<u8>,
    /// Parts that were said.
    said: u64,
    /// The entry of the comrade's outbox that holds the first of them.
    first: u64,
}

/// What a newcomer enters with.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) operations: Vec<serde_bytes::ByteBuf>,
    pub(crate) leaf: serde_bytes::ByteBuf,
    pub(crate) is_passed_on: bool,
}

impl Open {
    /// Proposes those who said yes, welcomes those who are admitted, brings in those who come.
    pub(super) fn space_admissions(&mut self, step: &mut Step, id: CollectiveId) {
        self.space_propose_offered(step, id);
        self.space_welcome_admitted(step, id);
        self.space_pass_on(step, id);
        self.space_give_keys(step, id);
        self.space_give_history(step, id);
        self.space_tell_progress(step, id);
    }

    fn space_propose_offered(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get(&id).filter(|space| space.is_in()) else {
            return;
        };
        let said_yes = space.record.offers.iter().filter(|offer| offer.is_due());
        let said_yes = said_yes.map(|offer| (offer.comrade, offer.reason.clone()));
        let said_yes: Vec<(ComradeId, String)> = said_yes.collect();
        for (comrade, reason) in said_yes {
            let Some(known) = self.comrades.get(&comrade) else {
                continue;
            };
            let Some(who) = known.record.who else {
                continue;
            };
            let person = who.person;
            // The proposer says who it is: the others may not know them.
            let name = known.record.name.clone();
            let Some(space) = self.spaces.get(&id) else {
                return;
            };
            let mut standings = space.society.standings(step.now).into_iter();
            let open = standings.find(|it| it.stage.is_open() && admits(&it.subject, &person));
            let proposal = match open {
                Some(standing) => Some(standing.id),
                None => {
                    let subject = Subject::Admit { person, name };
                    let body = Body::Propose {
                        subject,
                        reason: String::new(),
                    };
                    self.space_say(step, id, body).ok().map(|it| it.id())
                }
            };
            let Some(proposal) = proposal else {
                self.space_give_up(step, id, comrade, &person);
                continue;
            };
            let _ = self.space_say(step, id, Body::Vouch { proposal, reason });
            if let Some(space) = self.spaces.get_mut(&id) {
                for offer in &mut space.record.offers {
                    if offer.comrade == comrade {
                        offer.proposal = Some(proposal.0.into());
                    }
                }
                step.touched.spaces.insert(id);
            }
        }
        self.space_end_offers(step, id);
    }

    /// Whoever entered with what does not hold is not proposed anew while whoever brought them in rests: they are told, and may ask
    /// another.
    fn space_give_up(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        comrade: ComradeId,
        person: &PersonId,
    ) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let hash = *space.record.space;
        let mut escorts = space.record.escorts.iter();
        let came_in_vain = escorts.any(|it| it.person == *person && it.has_failed);
        if came_in_vain && space.society.is_resting(&space.own.person) {
            space.record.offers.retain(|offer| offer.comrade != comrade);
            step.touched.spaces.insert(id);
            self.space_tell(step, comrade, &hash, &Word::NotAdmitted);
        }
    }

    /// Tells those whose proposals came to nothing, and forgets what is over.
    fn space_end_offers(&mut self, step: &mut Step, id: CollectiveId) {
        let now = step.now;
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let hash = *space.record.space;
        let mut over = Vec::new();
        let society = &space.society;
        let before = space.record.offers.len();
        let mut is_anew = false;
        space.record.offers.retain_mut(|offer| {
            let stage = offer
                .proposal
                .and_then(|proposal| society.standing(OperationId(*proposal), now))
                .map(|standing| standing.stage);
            let failed = stage.is_some_and(Stage::has_failed);
            if failed {
                over.push(offer.comrade);
            }
            // Nobody turned it down: it is proposed anew, by those who know what is final.
            if stage == Some(Stage::Crossed) {
                (offer.proposal, offer.at) = (None, now);
                is_anew = true;
            }
            let is_old =
                offer.proposal.is_none() && now >= offer.at.saturating_add(limits::OFFER_DAYS);
            !failed && !is_old && !matches!(stage, Some(Stage::Done(_)))
        });
        if is_anew || space.record.offers.len() != before {
            step.touched.spaces.insert(id);
        }
        for comrade in over {
            self.space_tell(step, comrade, &hash, &Word::NotAdmitted);
        }
    }

    /// Sends the welcome to candidates whose certificate is complete.
    fn space_welcome_admitted(&mut self, step: &mut Step, id: CollectiveId) {
        let now = step.now;
        let may = |space: &&mut Space| space.is_in() && !space.society.contradicts();
        let Some(space) = self.spaces.get_mut(&id).filter(may) else {
            return;
        };
        let own = space.own.person;
        let comrades = &self.comrades;
        // What they were told last lies at their home, or here: it says all that is needed once they come for it.
        let waits = |it: &Escort| {
            let comrade = comrades.get(&it.comrade);
            let words = it.words.map(|(first, last)| first..=last);
            let mut words = comrade.zip(words).into_iter();
            words.any(|(comrade, words)| comrade.outbox.range(words).next().is_some())
        };
        let mut due = Vec::new();
        for standing in space.society.ready(now) {
            let Subject::Admit { person, .. } = standing.subject else {
                continue;
            };
            let since = *space.decided.entry(standing.id).or_insert(now);
            let is_mine = standing.author == own;
            let is_voucher = standing.vouches.contains(&own);
            let patience = now >= since.saturating_add(limits::DAY);
            let welcomed = space.record.escorts.iter().find(|it| it.person == person);
            let again = |it: &Escort| {
                let pause = match it.has_failed {
                    true => limits::WELCOME_ANEW,
                    false => limits::WELCOME_AGAIN,
                };
                it.accepted.is_none() && now >= it.welcomed_at.saturating_add(pause) && !waits(it)
            };
            let is_due = welcomed.is_none_or(again) && !space.record.withdrawn.contains(&person);
            if is_due && (is_mine || (is_voucher && patience)) {
                due.push(person);
            }
        }
        for person in due {
            // One after the other: what does not fit here is for the next duties.
            if self.spaces.get(&id).is_none_or(|it| it.welcoming.is_some()) {
                return;
            }
            let comrade = self.comrades.iter().find(|(_, comrade)| {
                let is_them = comrade.record.who.is_some_and(|who| who.person == person);
                is_them && comrade.record.is_met()
            });
            let Some(comrade) = comrade.map(|(id, _)| *id) else {
                continue;
            };
            self.space_send_welcome(step, id, comrade, person);
        }
    }

    fn space_send_welcome(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        comrade: ComradeId,
        person: PersonId,
    ) {
        let Some(known) = self.comrades.get(&comrade) else {
            return;
        };
        let (first, who) = (known.record.next_entry, known.record.who);
        if let Some(space) = self.spaces.get_mut(&id) {
            let welcome = space.welcome(who.map(|who| who.device));
            let welcome = welcome.encode().to_vec();
            space.begin_welcome((comrade, first), person, step.now, welcome);
        }
        self.space_go_on_welcoming(step, id);
    }

    /// Says as much of a welcome as there is room for.
    pub(super) fn space_go_on_welcoming(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let Some(mut welcoming) = space.welcoming.take() else {
            return;
        };
        let hash = *space.record.space;
        let made_at = welcoming.made_at;
        let mut parts = welcoming.welcome.chunks(limits::WELCOME_PART_BYTES);
        let of = parts.len() as u64;
        let begin = usize::try_from(welcoming.said).unwrap_or(usize::MAX);
        if of > limits::MAX_WELCOME_PARTS || !space.is_in() {
            return;
        }
        if begin > 0 {
            parts.nth(begin - 1);
        }
        for part in parts {
            if !step.has_room() {
                break;
            }
            let word = Word::Welcome {
                made_at,
                number: welcoming.said,
                of,
                part: part.to_vec(),
            };
            welcoming.said = welcoming.said.saturating_add(1);
            self.space_tell(step, welcoming.comrade, &hash, &word);
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        if welcoming.said < of {
            space.welcoming = Some(welcoming);
        } else {
            space.escort(welcoming.comrade, welcoming.person, false, step.now);
            let comrade = self.comrades.get(&welcoming.comrade);
            let last = comrade.map(|it| it.record.next_entry.saturating_sub(1));
            if let Some(escort) = space.record.escorts.last_mut() {
                escort.words = last.map(|last| (welcoming.first, last));
            }
            step.touched.spaces.insert(id);
        }
    }

    /// A newcomer comes in: noted, and passed on at the next drawn time. Whoever they gave it to need not have welcomed them:
    /// who offered may have been away.
    pub(super) fn space_entering(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        id: CollectiveId,
        operations: Vec<Vec<u8>>,
        leaf: Vec<u8>,
    ) {
        let who = self.comrades.get(&comrade).and_then(|it| it.record.who);
        let Some(person) = who.map(|who| who.person) else {
            return;
        };
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        let is_new = |bytes: &Vec<u8>| {
            let operation = Operation::decode_stored(bytes);
            operation.is_ok_and(|it| !space.known.contains_key(&it.id()))
        };
        let brings_news = operations.iter().any(is_new);
        let is_escorted = space.record.escorts.iter().any(|it| it.person == person);
        if !is_escorted {
            let is_member = space.society.is_member(&person);
            let mut standings = space.society.standings(step.now).into_iter();
            let is_asked_in =
                is_member || standings.any(|it| it.stage.is_open() && admits(&it.subject, &person));
            if !is_asked_in || !brings_news {
                return;
            }
            // Whoever is in already was brought in by another, who gives them what was said before.
            space.escort(comrade, person, is_member, step.now);
        }
        let mut escorts = space.record.escorts.iter_mut();
        let Some(escort) = escorts.find(|it| it.person == person) else {
            return;
        };
        let before = escort.accepted.take();
        if before.is_some() && !brings_news {
            escort.accepted = before;
            return;
        }
        // It may come in several words.
        let mut all = match before {
            Some(before) if !before.is_passed_on => before.operations,
            _ => Vec::new(),
        };
        all.extend(operations.into_iter().map(serde_bytes::ByteBuf::from));
        let mut room = MAX_ENTERED_BYTES;
        let fits = |bytes: &serde_bytes::ByteBuf| {
            let left = room.checked_sub(bytes.len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let all = all.into_iter().take_while(fits).collect();
        escort.comrade = comrade;
        (escort.seed, escort.has_failed) = (None, false);
        escort.accepted = Some(Accepted {
            operations: all,
            leaf: leaf.into(),
            is_passed_on: false,
        });
        step.touched.spaces.insert(id);
    }

    /// Passes on what newcomers entered with, and draws a seed for them.
    fn space_pass_on(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        let mut came = Vec::new();
        for escort in &mut space.record.escorts {
            if let Some(accepted) = &mut escort.accepted
                && !std::mem::replace(&mut accepted.is_passed_on, true)
            {
                came.push((escort.person, accepted.clone()));
            }
        }
        for (person, accepted) in came {
            step.touched.spaces.insert(id);
            let mut taken = Vec::new();
            for bytes in &accepted.operations {
                let operation = Operation::decode(bytes);
                let theirs = operation.ok().filter(|it| it.fields().person == person);
                if let Some(operation) = theirs
                    && self.space_take(step, id, operation.clone(), None)
                {
                    taken.push(operation);
                }
            }
            let leaf = LeafRecord::decode(&accepted.leaf).ok();
            if let Some(leaf) = &leaf {
                self.space_take_leaf(step, id, leaf.clone());
            }
            let mut leaves: Vec<Vec<u8>> = leaf.iter().map(LeafRecord::encode).collect();
            let bytes = taken.iter().map(|it| it.as_bytes().to_vec()).collect();
            for operations in in_words(bytes, limits::MAX_BUNDLED) {
                let bundle = Bundle {
                    operations,
                    leaves: std::mem::take(&mut leaves),
                    ..Bundle::default()
                };
                self.space_enqueue_control(step, id, &bundle);
            }
            let today = day_of(step.now);
            let Some(space) = self.spaces.get_mut(&id) else {
                return;
            };
            let root = space.root();
            let has_seed = root.is_some_and(|root| space.keys.choose(&root, today).is_some());
            if space.society.is_member(&person) && !has_seed {
                self.space_reseed(step, id);
            }
        }
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        for at in 0..space.record.escorts.len() {
            if space.note_entered(at) {
                step.touched.spaces.insert(id);
            }
        }
        self.space_note_failed(step, id);
    }

    /// Whoever entered with what does not hold has no keys and takes a welcome: it tells them why, and they enter anew.
    fn space_note_failed(&mut self, step: &mut Step, id: CollectiveId) {
        let Some(space) = self.spaces.get_mut(&id) else {
            return;
        };
        let (society, known) = (&space.society, &space.known);
        for escort in &mut space.record.escorts {
            let Some(accepted) = escort.accepted.as_ref().filter(|it| it.is_passed_on) else {
                continue;
            };
            // What waits for what is not here may hold yet.
            let waits = accepted.operations.iter().any(|bytes| {
                let operation = Operation::decode_stored(bytes).map(|it| it.id());
                let known = operation.ok().and_then(|id| known.get(&id));
                known.is_some_and(|it| it.is_control && !it.is_placed)
            });
            if !waits && !society.is_member(&escort.person) {
                (escort.accepted, escort.entered) = (None, None);
                escort.has_failed = true;
                step.touched.spaces.insert(id);
            }
        }
    }

    /// Gives newcomers the seed in use, and what was decided since they were welcomed.
    fn space_give_keys(&mut self, step: &mut Step, id: CollectiveId) {
        let today = day_of(step.now);
        let Some(space) = self.spaces.get_mut(&id).filter(|space| space.is_in()) else {
            return;
        };
        let before = space.record.escorts.len();
        let old = step.now.saturating_sub(limits::ESCORT_LIFE);
        let shares = space.shares_history();
        let (society, devices) = (&space.society, &space.devices);
        space.record.escorts.retain(|escort| {
            let spoke = escort.entered.is_some_and(|(device, last)| {
                let head = devices.get(&*device).and_then(|it| it.head);
                head.is_some_and(|(sequence, _)| sequence > last)
            });
            let has_all = escort.has_history || !shares;
            escort.welcomed_at > old && !(spoke && has_all && society.is_member(&escort.person))
        });
        if space.record.escorts.len() != before {
            step.touched.spaces.insert(id);
        }
        let Some(commit) = space
            .root()
            .and_then(|root| space.keys.choose(&root, today))
        else {
            return;
        };
        let told_up_to = space.record.next_arrival.saturating_sub(1);
        let hash = *space.record.space;
        let mut words = Vec::new();
        for at in 0..space.record.escorts.len() {
            let Some(escort) = space.record.escorts.get(at) else {
                continue;
            };
            let is_in = space.society.is_member(&escort.person);
            let Some((device, _)) = escort.entered.filter(|_| is_in) else {
                continue;
            };
            if escort.seed == Some(commit) {
                continue;
            }
            let (comrade, told) = (escort.comrade, escort.told_up_to);
            let pack = space.pack_for(&commit, &device, step.rng);
            let Some(pack) = pack else { continue };
            let mut operations = space.control_since(told);
            operations.extend(space.seed_operations(&commit));
            let Some(state) = space.keys.get(&commit) else {
                return;
            };
            // All of it: whoever lacks some cannot accept the seed, and has none by which to ask.
            let mut bundles = in_words(operations, limits::MAX_BUNDLED / 2);
            if bundles.is_empty() {
                bundles.push(Vec::new());
            }
            let mut pack = Some(pack);
            for operations in bundles {
                let bundle = Bundle {
                    operations,
                    ..Bundle::default()
                };
                let control = state.lasting().seal_control(&bundle.encode(), step.rng);
                let load = Load {
                    control: control.ok(),
                    pack: pack.take(),
                    ..Load::default()
                };
                words.push((comrade, Word::Keys(load)));
            }
            if let Some(escort) = space.record.escorts.get_mut(at) {
                escort.seed = Some(commit);
                escort.told_up_to = told_up_to;
            }
            step.touched.spaces.insert(id);
        }
        for (comrade, word) in words {
            let is_told = self.space_tell(step, comrade, &hash, &word);
            let space = self.spaces.get_mut(&id).filter(|_| !is_told);
            let escorts = space.into_iter().flat_map(|it| &mut it.record.escorts);
            for escort in escorts.filter(|escort| escort.comrade == comrade) {
                escort.seed = None;
            }
        }
    }
}

/// What one part of a list takes beside its bytes, at most.
const FIELD_BYTES: usize = 5;
/// What a floor takes: a device and a number.
const FLOOR_BYTES: usize = 40;

/// Bytes of the operations with which somebody enters, in all words together.
const MAX_ENTERED_BYTES: usize = 64 * 1024;

impl Offer {
    fn is_due(&self) -> bool {
        self.yes_at.is_some() && self.proposal.is_none()
    }
}

impl Space {
    /// Brings somebody in from now on.
    fn escort(&mut self, comrade: ComradeId, person: PersonId, has_history: bool, now: Millis) {
        let told_up_to = self.record.next_arrival.saturating_sub(1);
        let escorts = &mut self.record.escorts;
        escorts.retain(|it| it.person != person);
        if escorts.len() >= limits::MAX_OFFERS {
            escorts.remove(0);
        }
        escorts.push(Escort {
            comrade,
            person,
            welcomed_at: now,
            has_failed: false,
            words: None,
            told_up_to,
            accepted: None,
            entered: None,
            seed: None,
            has_history,
        });
    }

    /// What somebody entered with was passed on, and has its place: what they know is what their acceptance had seen, whoever welcomed
    /// them. One that waits for what is not here shows nothing yet. Says whether that is news.
    fn note_entered(&mut self, at: usize) -> bool {
        let Some(escort) = self.record.escorts.get(at) else {
            return false;
        };
        let (person, known) = (escort.person, &self.known);
        let accepted = escort.accepted.as_ref().filter(|it| it.is_passed_on);
        let operations = accepted.into_iter().flat_map(|it| &it.operations);
        let operations = operations.filter_map(|it| Operation::decode_stored(it).ok());
        let is_here = |it: &Operation| {
            it.fields().person == person && known.get(&it.id()).is_some_and(|it| it.is_placed)
        };
        let taken: Vec<Operation> = operations.filter(is_here).collect();
        let accepts = |it: &&Operation| matches!(it.body(), Body::Accept { .. });
        let Some(accept) = taken.iter().rev().find(accepts) else {
            return false;
        };
        let device = accept.fields().device;
        let own = taken.iter().filter(|it| it.fields().device == device);
        let last = own.map(|it| it.fields().sequence).max().unwrap_or(0);
        let entered = Some((device.0.into(), last));
        if escort.entered == entered {
            return false;
        }
        let unseen = self.society.get().into_iter();
        let unseen = unseen.flat_map(|it| it.unseen_by(accept.id()));
        let arrivals = unseen.filter_map(|it| Some(self.known.get(&it.id())?.arrival));
        let first = arrivals.min().map(|first| first.saturating_sub(1));
        if let Some(escort) = self.record.escorts.get_mut(at) {
            escort.entered = entered;
            escort.told_up_to = first.unwrap_or(escort.told_up_to);
        }
        true
    }

    pub(super) fn begin_welcome(
        &mut self,
        (comrade, first): (ComradeId, u64),
        person: PersonId,
        made_at: Millis,
        welcome: Vec<u8>,
    ) {
        self.welcoming = Some(Welcoming {
            comrade,
            person,
            made_at,
            welcome,
            said: 0,
            first,
        });
    }

    /// What a candidate gets: all that was decided, and of the rest as much as they can read, of members first. With it their own leaf
    /// key of before, if they are back: who forgot it would draw another under a number that was used.
    pub(super) fn welcome(&self, candidate: Option<[u8; 32]>) -> Welcome {
        let history = self.society.get().into_iter().flat_map(|it| it.history());
        let mut operations: Vec<Vec<u8>> = history.map(|it| it.as_bytes().to_vec()).collect();
        let control = operations.iter().map(|it| it.len() + FIELD_BYTES);
        let mut room = limits::MAX_WELCOME_BYTES.saturating_sub(control.sum());
        let mut fits = |bytes: usize| {
            let left = room.checked_sub(bytes + FIELD_BYTES);
            room = left.unwrap_or(room);
            left.is_some()
        };
        let members = self.member_devices();
        let (theirs, others): (Vec<_>, Vec<_>) = self
            .devices
            .iter()
            .partition(|(device, _)| members.contains(*device));
        let devices = theirs.into_iter().chain(others);
        let devices = devices.take(limits::MAX_DEVICES_KNOWN);
        let mut welcome = Welcome {
            pinned: self.record.pinned.map(|it| *it),
            ..Welcome::default()
        };
        for (device, state) in devices.clone() {
            if let Some((floor, _)) = state.head.filter(|_| fits(FLOOR_BYTES)) {
                welcome.floors.push((*device, floor));
            }
        }
        let told = devices.clone().filter_map(|(_, state)| state.latest());
        for id in told.chain(self.people.values().filter_map(Person::latest)) {
            let known = self.known.get(&id).map(|known| &known.bytes);
            operations.extend(known.filter(|bytes| fits(bytes.len())).cloned());
        }
        let theirs = candidate.and_then(|device| self.devices.get(&device));
        let leaves = devices.filter(|(device, _)| members.contains(*device));
        let leaves = leaves.map(|(_, state)| state);
        let leaves = theirs.into_iter().chain(leaves);
        let leaves = leaves.filter_map(|state| state.leaf.as_ref());
        let leaves = leaves.map(LeafRecord::encode);
        welcome.leaves = leaves.filter(|leaf| fits(leaf.len())).collect();
        welcome.operations = operations;
        welcome
    }

    /// So much was decided that who is admitted could not be told all of it.
    pub(super) fn is_too_long(&self) -> bool {
        let history = self.society.get().into_iter().flat_map(|it| it.history());
        let bytes: usize = history.map(|it| it.as_bytes().len() + FIELD_BYTES).sum();
        bytes > limits::MAX_CONTROL_BYTES
    }

    /// Control operations that came later.
    fn control_since(&self, arrival: u64) -> Vec<Vec<u8>> {
        let known = self.known.values();
        let later = known.filter(|it| it.arrival > arrival && it.is_placed && it.is_control);
        let mut later: Vec<_> = later.collect();
        later.sort_by_key(|known| known.arrival);
        later.into_iter().map(|known| known.bytes.clone()).collect()
    }
}
