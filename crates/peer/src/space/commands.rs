//! What the person asks of collectives.

use std::collections::BTreeMap;

use komrade_crypto::{bundle, identity::PersonId};
use komrade_social::{
    DeviceId, OperationId,
    collective::{Body, COMMITTEE, Choice as Ballot, Fields, MAX_MENTIONS, Operation, Subject},
};
use komrade_store::{Query, Table};
use komrade_view::{
    Answer, Choice, CollectiveCommand, CollectiveId, ConstitutionView, MAX_REASON_CHARS, Matter,
    PersonKey, PostId, PostsView, ProposalId, Refusal,
};

use super::{Place, Space, SpaceRecord, places, rules};
use crate::{
    limits,
    open::{Open, Purpose},
    step::Step,
};

/// Posts on a page.
const MAX_PAGE: u16 = 100;
/// Whom one post mentions at most.
const MENTIONED: usize = if MAX_MENTIONS < 20 { MAX_MENTIONS } else { 20 };

type Answered = Result<Answer, Refusal>;

impl Open {
    /// Does what the person asked for. `None`: the answer comes later.
    pub(crate) fn collective_command(
        &mut self,
        step: &mut Step,
        command: u32,
        asked: CollectiveCommand,
    ) -> Option<Answered> {
        if !super::ON {
            return Some(Err(Refusal::Unknown));
        }
        use CollectiveCommand as Asked;
        Some(match asked {
            Asked::Found { name, constitution } => self.space_found(step, name, &constitution),
            Asked::Template(template) => {
                Ok(Answer::Constitution(Box::new(rules::template(template))))
            }
            Asked::Check {
                constitution,
                collective,
            } => self.space_check(&constitution, collective),
            Asked::Read(id) => self.space_detail(step, id),
            Asked::Posts {
                collective,
                before,
                limit,
            } => {
                let asked = self.space_posts(step, command, collective, before, limit);
                return asked.err().map(Err);
            }
            Asked::Post {
                collective,
                text,
                reply_to,
                mentions,
            } => self.space_post(step, collective, text, reply_to, &mentions),
            Asked::MarkRead { collective, up_to } => {
                let space = self.spaces.get_mut(&collective);
                space
                    .map(|space| space.record.mark_read(up_to))
                    .ok_or(Refusal::Unknown)
                    .map(|()| {
                        step.touched.spaces.insert(collective);
                        step.show.collectives = true;
                        Answer::Done
                    })
            }
            Asked::Offer {
                collective,
                comrade,
            } => self.space_offer(step, collective, comrade),
            Asked::AnswerOffer { collective, accept } => {
                self.space_answer_offer(step, collective, accept)
            }
            Asked::Link {
                collective,
                with_relay,
                days,
            } => self.space_link(step, collective, with_relay, days),
            Asked::Ask { collective, words } => self.space_apply(step, collective, words),
            Asked::AnswerRequest {
                collective,
                comrade,
                accept,
                reason,
            } => self.space_answer_request(step, collective, comrade, accept, reason),
            Asked::Withdraw(id) => self.space_withdraw(step, id),
            Asked::Propose {
                collective,
                matter,
                reason,
            } => self.space_propose(step, collective, matter, reason),
            Asked::Vouch {
                collective,
                proposal,
                reason,
            } => {
                let proposal = OperationId(proposal.0);
                match reason.chars().count() > MAX_REASON_CHARS {
                    true => Err(Refusal::OutOfBounds),
                    false => self.space_word(step, collective, Body::Vouch { proposal, reason }),
                }
            }
            Asked::Vote {
                collective,
                proposal,
                choice,
            } => {
                let proposal = OperationId(proposal.0);
                let choice = match choice {
                    Choice::Yes => Ballot::Yes,
                    Choice::No => Ballot::No,
                    Choice::Abstain => Ballot::Abstain,
                    Choice::Option(place) => Ballot::Option(place),
                };
                self.space_word(step, collective, Body::Ballot { proposal, choice })
            }
            Asked::Return(id) => self.space_word(step, id, Body::Return),
            Asked::Leave(id) => self.space_leave(step, id),
            Asked::Rekey(id) => self.space_rekey(step, id),
            Asked::Forget(id) => {
                let space = self.spaces.get(&id);
                match space.map(|space| space.record.place.is_over()) {
                    None => Err(Refusal::Unknown),
                    Some(false) => Err(Refusal::OutOfBounds),
                    Some(true) => {
                        self.space_forget(step, id);
                        Ok(Answer::Done)
                    }
                }
            }
        })
    }

    /// The person says something that others count: it leaves now, and with it what follows from it.
    fn space_word(&mut self, step: &mut Step, id: CollectiveId, body: Body) -> Answered {
        self.space_keys_for_word(step, id);
        self.space_say(step, id, body)?;
        self.space_follow_word(step, id);
        Ok(Answer::Done)
    }

    /// What follows from a word of the person leaves with it.
    pub(super) fn space_follow_word(&mut self, step: &mut Step, id: CollectiveId) {
        if !self.clock.is_doubted() {
            self.space_admissions(step, id);
            self.space_enact(step, id, true);
        }
        self.space_pump(step, id);
    }

    // --- founding and leaving --------------------------------------------------------------------

    fn space_found(
        &mut self,
        step: &mut Step,
        name: String,
        constitution: &ConstitutionView,
    ) -> Answered {
        if !bundle::is_name(&name) {
            return Err(Refusal::BadName);
        }
        if self.spaces.len() >= limits::MAX_SPACES {
            return Err(Refusal::OutOfBounds);
        }
        let rules = rules::constitution(constitution, None);
        if !rules::faults(&rules, 1).is_empty() {
            return Err(Refusal::BadConstitution);
        }
        let own = self.device.party();
        let fields = Fields {
            space: None,
            person: own.person,
            device: DeviceId(own.device),
            sequence: 1,
            previous: None,
            seen: Vec::new(),
            context: Vec::new(),
            time: step.now,
            expiry_day: u32::MAX,
            body: Body::Genesis {
                name: name.clone(),
                constitution: Box::new(rules),
                founders: vec![self.device.certificate().clone()],
            },
        };
        let genesis = Operation::sign(fields, self.device.key());
        let genesis = genesis.map_err(|_| Refusal::BadConstitution)?;
        let hash = genesis.id().0;
        let id = CollectiveId(step.draw());
        let mut record = SpaceRecord::new(hash, name, Place::Member, step.now);
        record.sequence = 1;
        record.previous = Some(hash.into());
        record.spoke_at = step.now;
        self.spaces.insert(id, Space::new(record, own));
        step.touched.spaces.insert(id);
        if !self.space_take(step, id, genesis, None) {
            self.spaces.remove(&id);
            step.touched.spaces.remove(&id);
            return Err(Refusal::BadConstitution);
        }
        self.space_reseed(step, id);
        self.space_renew_leaf(step, id, false);
        self.space_tell_self(step, id);
        step.show.collectives = true;
        Ok(Answer::Collective(id))
    }

    fn space_leave(&mut self, step: &mut Step, id: CollectiveId) -> Answered {
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        if space.record.place.coming_by().is_some() {
            return Err(Refusal::OutOfBounds);
        }
        self.space_say(step, id, Body::Leave)?;
        if let Some(space) = self.spaces.get_mut(&id) {
            space.record.place = Place::Left(step.now);
            space.record.reseed_at = None;
            space.record.asked = 0;
            space.note_changed(step.now);
        }
        self.space_end_links(step, id);
        self.space_pump(step, id);
        step.show.collectives = true;
        Ok(Answer::Done)
    }

    /// Forgets a collective: what is shown goes at once, the rest record by record.
    pub(super) fn space_forget(&mut self, step: &mut Step, id: CollectiveId) {
        self.space_end_links(step, id);
        if let Some(space) = self.spaces.get_mut(&id) {
            space.record.is_forgotten = true;
            step.touched.spaces.insert(id);
            step.show.collectives = true;
            step.show.route = true;
            step.again = true;
        }
    }

    /// Deletes what is left of collectives that were forgotten. Nothing leaves memory before its record does: whatever a crash
    /// leaves behind belongs to a collective that is still there.
    pub(super) fn space_go_on_forgetting(&mut self, step: &mut Step) {
        // What an earlier version left behind belongs to nothing.
        while !self.spaces.orphans.is_empty() && step.has_room() {
            if let Some((table, key)) = self.spaces.orphans.pop() {
                step.delete(table, key);
            }
        }
        let mut forgotten = self.spaces.iter_mut();
        let Some((id, space)) = forgotten.find(|(_, it)| it.record.is_forgotten) else {
            return;
        };
        let id = *id;
        let mut is_all = false;
        for _ in 0..limits::STEP_CHANGES / 3 {
            let records = space.pop_records(id);
            is_all = records.is_empty();
            if is_all {
                break;
            }
            for (table, key) in records {
                step.delete(table, key);
            }
        }
        if is_all {
            self.spaces.remove(&id);
        }
        step.touched.spaces.insert(id);
        step.again = true;
    }

    // --- rules and proposals ---------------------------------------------------------------------

    fn space_check(&self, view: &ConstitutionView, of: Option<CollectiveId>) -> Answered {
        let collective = match of {
            Some(id) => self.spaces.get(&id).ok_or(Refusal::Unknown)?.society.get(),
            None => None,
        };
        let rules = rules::constitution(view, collective.map(|it| it.constitution()));
        let members = collective.map_or(1, |it| it.active());
        Ok(Answer::Faults(rules::faults(&rules, members)))
    }

    fn space_propose(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        matter: Matter,
        reason: String,
    ) -> Answered {
        if reason.chars().count() > MAX_REASON_CHARS {
            return Err(Refusal::OutOfBounds);
        }
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        let person = |key: PersonKey| PersonId(key.0);
        let subject = match matter {
            Matter::Admit { .. } => return Err(Refusal::OutOfBounds),
            Matter::Remove(who) => Subject::Remove {
                person: person(who),
            },
            Matter::Rest(who) => Subject::Rest {
                person: person(who),
            },
            Matter::Amend(view) => Subject::Amend {
                constitution: Box::new(rules::constitution(&view, space.society.constitution())),
            },
            Matter::Delegate { person: who, elect } => {
                let (role, person) = (COMMITTEE, person(who));
                match elect {
                    true => Subject::Empower { role, person },
                    false => Subject::Recall { role, person },
                }
            }
            Matter::Decide { question, options } => Subject::Decide { question, options },
            Matter::Split(who) => {
                let mut persons: Vec<PersonId> = who.into_iter().map(person).collect();
                persons.sort_unstable();
                persons.dedup();
                Subject::Split { persons }
            }
            Matter::Dissolve => Subject::Dissolve,
        };
        self.space_keys_for_word(step, id);
        let operation = self.space_say(step, id, Body::Propose { subject, reason })?;
        self.space_pump(step, id);
        Ok(Answer::Proposed(ProposalId(operation.id().0)))
    }

    // --- posts -----------------------------------------------------------------------------------

    fn space_post(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        text: String,
        reply_to: Option<PostId>,
        mentions: &[PersonKey],
    ) -> Answered {
        if text.trim().is_empty() {
            return Err(Refusal::EmptyMessage);
        }
        if text.len() > limits::MAX_TEXT_BYTES {
            return Err(Refusal::MessageTooLong);
        }
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        if mentions.len() > MENTIONED {
            return Err(Refusal::OutOfBounds);
        }
        let waiting = space.outbox.values().filter(|entry| entry.is_waiting());
        if waiting.count() >= limits::MAX_SPACE_OUTBOX {
            return Err(Refusal::OutboxFull);
        }
        if !space.quota.has_room(&space.own.person) {
            return Err(Refusal::StorageFull);
        }
        self.space_keys_for_word(step, id);
        let body = Body::Text {
            text,
            reply_to: reply_to.map(|id| OperationId(id.0)),
            mentions: mentions.iter().map(|key| PersonId(key.0)).collect(),
        };
        let operation = self.space_say(step, id, body)?;
        let post = self.place_posts(step, id, Some(operation.id()));
        self.space_pump(step, id);
        post.map(Answer::Posted).ok_or(Refusal::OutOfBounds)
    }

    fn space_posts(
        &mut self,
        step: &mut Step,
        command: u32,
        collective: CollectiveId,
        before: Option<u64>,
        limit: u16,
    ) -> Result<(), Refusal> {
        if limit == 0 || limit > MAX_PAGE {
            return Err(Refusal::OutOfBounds);
        }
        let space = self
            .spaces
            .get(&collective)
            .filter(|it| !it.record.is_forgotten);
        space.ok_or(Refusal::Unknown)?;
        let query = Query {
            table: Table::Posts,
            prefix: collective.0.to_vec(),
            above: None,
            below: before.map(|ordinal| places::post(collective, ordinal)),
            descending: true,
            // One more tells whether there is something older.
            limit: usize::from(limit) + 1,
        };
        let read = step.read(query);
        let purpose = Purpose::Posts {
            command,
            collective,
            limit: limit.into(),
        };
        self.reads.insert(read, purpose);
        Ok(())
    }

    /// A page of posts was read.
    pub(crate) fn posts_page(
        &self,
        collective: CollectiveId,
        limit: usize,
        records: &[komrade_store::Record],
    ) -> Answered {
        if !super::ON {
            return Err(Refusal::Unknown);
        }
        let space = self.spaces.get(&collective).ok_or(Refusal::Unknown)?;
        let mut posts = BTreeMap::new();
        for record in records.iter().take(limit) {
            let (_, ordinal) = places::parse_numbered(&record.key).ok_or(Refusal::VaultDamaged)?;
            let value = self.unseal(Table::Posts, record);
            let value = value.map_err(|_| Refusal::VaultDamaged)?;
            let post = crate::records::decode(&value).map_err(|_| Refusal::VaultDamaged)?;
            posts.insert(ordinal, space.post_view(ordinal, &post));
        }
        Ok(Answer::Posts(PostsView {
            collective,
            posts: posts.into_values().collect(),
            older: records.len() > limit,
            read_up_to: space.record.read_up_to,
        }))
    }
}
