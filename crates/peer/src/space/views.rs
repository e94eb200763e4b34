//! What the screens are shown of collectives.

use std::collections::BTreeSet;

use komrade_crypto::{
    day_of,
    identity::{PersonId, pair_code},
};
use komrade_social::{
    OperationId,
    collective::{Body, COMMITTEE, Operation, Subject, rules_of},
};
use komrade_store::Table;
use komrade_view::{
    Alarm, Answer, CollectiveDetail, CollectiveId, CollectiveView, Event, Gap, MemberView, Millis,
    PersonKey, PostId, PostTick, PostView, Refusal, Standing,
};

use super::{Place, PostRecord, Space, outbox::What, places, rules};
use crate::{comrade::MAX_UNREAD, limits, open::Open, records, step::Step};

/// Collectives that are shown.
const MAX_SHOWN: usize = 100;

impl Open {
    /// All collectives, the most recently active first.
    pub(crate) fn collectives_event(&self, now: Millis) -> Event {
        if !super::ON {
            return Event::Collectives(Vec::new());
        }
        let shown = self.spaces.iter().filter(|(_, it)| !it.record.is_forgotten);
        let mut views: Vec<CollectiveView> =
            shown.map(|(id, space)| space.view(*id, now)).collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.active_at), view.id));
        views.truncate(MAX_SHOWN);
        Event::Collectives(views)
    }

    /// Everything of one but its posts.
    pub(super) fn space_detail(&self, step: &Step, id: CollectiveId) -> Result<Answer, Refusal> {
        let space = self.spaces.get(&id).filter(|it| !it.record.is_forgotten);
        let space = space.ok_or(Refusal::Unknown)?;
        let Some(collective) = space.society.get() else {
            return self.space_invited(id, space);
        };
        let own = space.own.person;
        let comrade = |person: &PersonId| {
            let is = |who: crate::comrade::Who| who.person == *person;
            let mut comrades = self.comrades.iter();
            let found =
                comrades.find(|(_, it)| it.record.who.is_some_and(is) && !it.record.removed);
            found.map(|(id, it)| (*id, it.record.name.clone()))
        };
        let view = |person: &PersonId| {
            let known = comrade(person);
            let named = space.name_of(person);
            let name = match (&known, named.is_empty()) {
                (Some((_, name)), true) => name.clone(),
                _ if *person == own => self.own.name.clone(),
                _ => named,
            };
            let member = collective.member(*person);
            let keys = member
                .as_ref()
                .map(|it| it.devices.clone())
                .unwrap_or_default();
            let leaves = keys
                .iter()
                .filter_map(|device| space.devices.get(&device.0));
            let leaves = leaves.filter_map(|state| state.leaf.as_ref());
            let rekeyed = leaves
                .filter(|leaf| leaf.number() > 1)
                .map(|leaf| leaf.day())
                .max();
            MemberView {
                person: PersonKey(person.0),
                name,
                code: pair_code(&own, person),
                is_self: *person == own,
                comrade: known.map(|(id, _)| id),
                vouched_by: member
                    .as_ref()
                    .map(|it| it.vouched_by.iter().map(|by| PersonKey(by.0)).collect())
                    .unwrap_or_default(),
                since: member.as_ref().map_or(0, |it| it.since),
                resting: member.as_ref().is_some_and(|it| it.resting),
                delegate: member
                    .as_ref()
                    .is_some_and(|it| it.roles.contains(&COMMITTEE)),
                rekeyed_at: rekeyed.map(|day| u64::from(day).saturating_mul(limits::DAY)),
                heard_at: space.people.get(person).and_then(|it| it.heard_at),
            }
        };
        let mut members: Vec<MemberView> = collective
            .members()
            .iter()
            .map(|member| view(&member.person))
            .collect();
        members.sort_by(|a, b| (&a.name, a.person).cmp(&(&b.name, b.person)));
        let former = space
            .people
            .keys()
            .filter(|it| collective.member(**it).is_none());
        let former = former.map(view).take(MAX_SHOWN).collect();
        let text = Body::Text {
            text: String::new(),
            reply_to: None,
            mentions: Vec::new(),
        };
        let is_in = space.is_in();
        let may = |body: &Body| is_in && space.society.may(&space.own, body, step.now).is_ok();
        let root = space.root();
        let since = root.and_then(|root| space.keys.since(&root, day_of(step.now)));
        let counts = collective.member(own).is_some_and(|it| !it.resting);
        let knows = |person: &PersonId| comrade(person).is_some();
        Ok(Answer::CollectiveDetail(Box::new(CollectiveDetail {
            id,
            version: space.record.version,
            constitution: rules::view(collective.constitution()),
            constitution_since: space.constitution_since().unwrap_or(space.record.since),
            members,
            former,
            requests: self.request_views(space),
            proposals: space.proposal_views(step.now, &knows),
            keys_since: since.map(|day| u64::from(day).saturating_mul(limits::DAY)),
            final_at: space.final_at(),
            sides: space.sides(),
            may_post: may(&text),
            may_propose: is_in && counts && !collective.is_dissolved(),
        })))
    }

    /// What somebody sees who was only invited.
    fn space_invited(&self, id: CollectiveId, space: &Space) -> Result<Answer, Refusal> {
        let offered = space.record.offered.as_ref().ok_or(Refusal::Unknown)?;
        let operation = Operation::decode_stored(&offered.0).map_err(|_| Refusal::VaultDamaged)?;
        let constitution = rules_of(operation.body()).ok_or(Refusal::VaultDamaged)?;
        Ok(Answer::CollectiveDetail(Box::new(CollectiveDetail {
            id,
            version: space.record.version,
            constitution: rules::view(constitution),
            constitution_since: operation.fields().time,
            members: Vec::new(),
            former: Vec::new(),
            requests: Vec::new(),
            proposals: Vec::new(),
            keys_since: None,
            final_at: None,
            sides: None,
            may_post: false,
            may_propose: false,
        })))
    }

    /// Gives what was said its place, in the order in which it was written, as far as there is room. Answers one of
    /// them.
    pub(crate) fn place_posts(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        wanted: Option<OperationId>,
    ) -> Option<PostView> {
        let names: Vec<(PersonId, String)> = self
            .comrades
            .values()
            .filter_map(|it| Some((it.record.who?.person, it.record.name.clone())))
            .collect();
        let own_name = self.own.name.clone();
        let space = self.spaces.get_mut(&id)?;
        let mut fresh = std::mem::take(&mut space.fresh);
        fresh.sort_by_key(|operation| (operation.fields().time, operation.id()));
        let mut found = None;
        for operation in fresh {
            if wanted != Some(operation.id()) && !step.has_room() {
                space.fresh.push(operation);
                continue;
            }
            // However often and by whatever ways it came, it has one place.
            let known = space.known.get(&operation.id());
            if known.is_some_and(|it| it.ordinal.is_some()) {
                continue;
            }
            let fields = operation.fields();
            let Body::Text {
                text,
                reply_to,
                mentions,
            } = operation.body()
            else {
                continue;
            };
            let is_mine = fields.device.0 == space.own.device;
            let named = space.name_of(&fields.person);
            let known = names.iter().find(|(person, _)| *person == fields.person);
            let name = match known {
                _ if is_mine => own_name.clone(),
                Some((_, name)) if named.is_empty() => name.clone(),
                _ => named,
            };
            let beginning = reply_to.map(|id| {
                let text = space.beginnings.get(&id).cloned().unwrap_or_default();
                (id.0.into(), text)
            });
            let post = PostRecord {
                id: operation.id().0.into(),
                by: fields.person,
                name,
                mine: is_mine.then_some(fields.sequence),
                text: text.clone(),
                reply_to: beginning,
                mentions_me: mentions.contains(&space.own.person),
                written_at: fields.time,
                kept_at: step.now,
            };
            let ordinal = space.record.next_ordinal;
            space.record.next_ordinal = ordinal.saturating_add(1);
            if !is_mine && fields.person != space.own.person {
                space.record.unread.push(ordinal);
                if post.mentions_me {
                    space.record.mentions.push(ordinal);
                }
                if space.record.unread.len() > MAX_UNREAD {
                    let gone = space.record.unread.remove(0);
                    space.record.mentions.retain(|mention| *mention != gone);
                }
            }
            space.note_changed(step.now);
            let short = post.text.chars().take(limits::LAST_CHARS).collect();
            let last = PostRecord {
                text: short,
                ..post.clone()
            };
            space.record.last = Some((ordinal, last));
            step.write(
                Table::Posts,
                places::post(id, ordinal),
                records::encode(&post),
            );
            if let Some(known) = space.known.get_mut(&operation.id()) {
                known.ordinal = Some(ordinal);
                let key = places::operation(id, known.arrival);
                step.write(Table::Operations, key, records::encode(&known.record()));
            }
            if wanted == Some(operation.id()) {
                found = Some(space.post_view(ordinal, &post));
            }
            step.touched.spaces.insert(id);
            step.show.collectives = true;
        }
        found
    }

    /// The same for all collectives, at the end of a step.
    pub(crate) fn place_all_posts(&mut self, step: &mut Step) {
        if !super::ON {
            return;
        }
        let ids: Vec<CollectiveId> = self
            .spaces
            .iter()
            .filter(|(_, space)| !space.fresh.is_empty())
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.place_posts(step, id, None);
        }
    }

    /// One's own post went further.
    pub(super) fn space_show_tick(&mut self, step: &mut Step, id: CollectiveId) {
        if let Some(space) = self.spaces.get_mut(&id) {
            space.record.version = space.record.version.saturating_add(1);
            step.touched.spaces.insert(id);
            step.show.collectives = true;
        }
    }
}

impl Space {
    fn view(&self, id: CollectiveId, now: Millis) -> CollectiveView {
        let record = &self.record;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let collective = self.society.get();
        let members = match (collective, &record.offered) {
            (Some(collective), _) => count(collective.count()),
            (None, Some((_, members))) => u32::try_from(*members).unwrap_or(u32::MAX),
            (None, None) => 0,
        };
        let missing = self.wanted.len() + self.waiting.len();
        let waiting = self
            .outbox
            .values()
            .filter(|entry| matches!(entry.what, What::Operation { .. }) && entry.is_waiting());
        let last = record.last.as_ref();
        CollectiveView {
            id,
            name: record.name.clone(),
            standing: self.standing(),
            members,
            last: last.map(|(ordinal, post)| self.post_view(*ordinal, post)),
            unread: count(record.unread.len()),
            mentions: count(record.mentions.len()),
            asked: count(self.asked(now)),
            requests: match self.is_in() {
                true => count(record.requests.len()),
                false => 0,
            },
            candidacy: self.candidacy(),
            waiting: count(waiting.count()),
            gap: (missing > 0).then(|| Gap {
                count: count(missing),
                asked_at: record.asked_at,
            }),
            alarm: self.alarm(now),
            active_at: record.active_at,
            version: record.version,
        }
    }

    /// Who stood against whom, if members removed each other and this person must know of that: they are out by it, or of both sides some are
    /// still there, and somebody is out by it.
    fn sides(&self) -> Option<[Vec<PersonKey>; 2]> {
        let collective = self.society.get()?;
        let is_there = |person: &PersonId| collective.is_member(person);
        let mut rifts = self.society.rifts();
        rifts.retain(|rift| {
            let subjects = rift.proposals.iter();
            let subjects = subjects.filter_map(|proposal| self.society.subject(proposal));
            let mut removed = subjects.flat_map(Subject::persons);
            if let Place::Removed(_) = self.record.place {
                return removed.any(|person| *person == self.own.person);
            }
            let [one, other] = &rift.sides;
            let has_some = |side: &[PersonId], against: &[PersonId]| {
                let mut alone = side.iter().filter(|person| !against.contains(person));
                alone.any(is_there)
            };
            has_some(one, other) && has_some(other, one) && !removed.all(is_there)
        });
        // Of several removals those who were for one may be more than those who were for another.
        let (mut first, mut second) = (BTreeSet::new(), BTreeSet::new());
        for rift in &rifts {
            let [one, other] = &rift.sides;
            let among =
                |side: &BTreeSet<PersonId>| one.iter().filter(|it| side.contains(it)).count();
            let (one, other) = match among(&second) > among(&first) {
                true => (other, one),
                false => (one, other),
            };
            first.extend(one);
            second.extend(other);
        }
        let keys = |side: BTreeSet<PersonId>| side.iter().map(|it| PersonKey(it.0)).collect();
        (!rifts.is_empty()).then(|| [first, second].map(keys))
    }

    fn standing(&self) -> Standing {
        let own = self.own.person;
        match self.record.place {
            Place::Invited { by } => Standing::Invited { by },
            Place::Candidate { by, since } => Standing::Candidate { by, since },
            Place::Linked { by } => Standing::Linked { by },
            Place::Asked { by, since } => Standing::Asked { by, since },
            Place::Member => {
                let member = self.society.get().and_then(|it| it.member(own));
                match member.is_some_and(|it| it.resting) {
                    true => Standing::Resting,
                    false => Standing::Member,
                }
            }
            Place::Left(at) => Standing::Left(at),
            Place::Removed(at) => Standing::Removed(at),
            Place::NotAdmitted(at) => Standing::NotAdmitted(at),
            Place::Dissolved(at) => Standing::Dissolved(at),
        }
    }

    /// What a person must know before going on.
    fn alarm(&self, now: Millis) -> Option<Alarm> {
        let collective = self.society.get()?;
        if collective.contradicts() && !self.record.place.is_over() {
            return Some(Alarm::Contradicts);
        }
        if !self.is_in() {
            let is_removed = matches!(self.record.place, Place::Removed(_));
            let sides = is_removed.then(|| self.sides()).flatten();
            return sides.map(|_| Alarm::MutualRemoval);
        }
        if let Some(double) = self.society.double_signed() {
            return Some(Alarm::DoubleSigned(PersonKey(double.0)));
        }
        if collective.has_other_past() {
            return Some(Alarm::OtherPast);
        }
        if self.sides().is_some() {
            return Some(Alarm::MutualRemoval);
        }
        let root = self.root()?;
        let today = day_of(now);
        let waits = self.outbox.values().filter(|entry| entry.commit.is_none());
        let oldest = waits.map(|entry| entry.made_at).min();
        let stuck = oldest.is_some_and(|at| now >= at.saturating_add(limits::HOUR));
        if stuck && self.keys.choose(&root, today).is_none() {
            return Some(Alarm::NoKeys);
        }
        let unfixed = self.society.oldest_unfixed();
        let unfixed = unfixed.filter(|at| now >= at.saturating_add(limits::FINAL_WITHIN));
        let long = self.is_too_long().then_some(Alarm::TooLong);
        unfixed.map(Alarm::NotFinal).or(long)
    }

    /// How a post is shown.
    pub(super) fn post_view(&self, ordinal: u64, post: &PostRecord) -> PostView {
        PostView {
            id: PostId(*post.id),
            ordinal,
            by: PersonKey(post.by.0),
            name: post.name.clone(),
            mine: post.by == self.own.person,
            text: post.text.clone(),
            reply_to: post
                .reply_to
                .as_ref()
                .map(|(id, text)| (PostId(**id), text.clone())),
            mentions_me: post.mentions_me,
            written_at: post.written_at,
            kept_at: post.kept_at,
            tick: post
                .mine
                .map_or(PostTick::Theirs, |sequence| self.tick(sequence)),
        }
    }

    /// How far one's own operation has come.
    fn tick(&self, sequence: u64) -> PostTick {
        let seen = self
            .record
            .seen
            .iter()
            .filter(|(_, up_to)| *up_to >= sequence);
        let seen = u32::try_from(seen.count()).unwrap_or(u32::MAX);
        if seen > 0 {
            return PostTick::Seen(seen);
        }
        let is = |entry: &&super::Entry| matches!(entry.what, What::Operation { sequence: other, .. } if other == sequence);
        let Some(entry) = self.outbox.values().find(is) else {
            // Every home took it, and that is long ago.
            let homes = u32::try_from(self.homes().len()).unwrap_or(u32::MAX);
            let homes = homes.max(1);
            return PostTick::Accepted { homes, of: homes };
        };
        let (homes, of) = entry.taken();
        match homes {
            0 => PostTick::Kept,
            _ => PostTick::Accepted { homes, of },
        }
    }
}
