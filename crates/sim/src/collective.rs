//! One collective of a world: founded by one, into which the others come by vouching. Everything goes through the commands that
//! screens have.
//!
//! Whoever belongs posts, vouches, votes, offers comrades to propose them, proposes removals, amendments, rests, delegates and free
//! decisions, leaves, changes keys. What came of it is looked at in `check`.

mod check;

use std::collections::{BTreeMap, BTreeSet};

use komrade_view::{
    Answer, Choice, CollectiveCommand, CollectiveDetail, CollectiveId, Command, ComradeState,
    ConstitutionView, Matter, MemberView, Millis, PersonKey, ProposalView, Refusal, Standing,
};

use crate::{
    ledger::Written,
    people::{Act, ok},
    settings::{DAY, Sabotage},
    world::World,
};

/// Who founds it.
const FOUNDER: usize = 0;
/// Whoever did not answer is asked again after so long.
const OFFERED_AGAIN: Millis = 3 * DAY;
/// Proposals of people, beside those of candidates: as many as the screens show together with these.
const MAX_PROPOSED: usize = 50;

/// What the world has seen of its collective.
#[derive(Default)]
pub(crate) struct Account {
    is_founded: bool,
    posts: Vec<Posted>,
    /// Who wanted to vouch or vote for whom, or offered to propose them.
    vouched: BTreeSet<(usize, usize)>,
    /// Who is who.
    keys: BTreeMap<PersonKey, usize>,
    offered: BTreeMap<(usize, usize), Millis>,
    proposed: usize,
    pub tally: Tally,
}

/// A post, and whom its author saw among the members, with the time of their admission.
struct Posted {
    written: Written,
    saw: BTreeMap<PersonKey, Millis>,
    /// There were keys for these members: it was sealed for them and nobody else.
    has_keys: bool,
}

/// What came of a collective.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Members in the end.
    pub members: usize,
    /// Admissions that passed.
    pub admitted: usize,
    /// Removals that passed.
    pub removed: usize,
    /// Amendments that passed.
    pub amended: usize,
    /// Everything else that was decided.
    pub decided: usize,
    /// Persons who had left in the end.
    pub left: usize,
    /// Seeds that the member who has most of them keeps: all that were drawn since they came.
    pub seeds: usize,
    /// Posts that devices said they keep.
    pub posts: usize,
    /// How often one of somebody else was shown.
    pub shown: usize,
    /// Of those, by persons who were no members any more in the end.
    pub shown_gone: usize,
}

/// The number of the person of this name.
fn named(name: &str) -> Option<usize> {
    name.strip_prefix("person ")?.parse().ok()
}

/// Which post a text is.
fn number(text: &str) -> Option<usize> {
    text.strip_prefix('p')?.split(' ').next()?.parse().ok()
}

/// Rules with so many vouches, which count for so many days.
fn rules(vouches: u16, days: u8) -> ConstitutionView {
    ConstitutionView {
        days,
        ..ConstitutionView::by_vouches(vouches)
    }
}

impl World {
    /// What a person does about the collective.
    pub(crate) fn gather(&mut self, person: usize, at: usize, act: Act) {
        let Some(view) = self.peers[at].collectives.first() else {
            if person == FOUNDER && !self.account.is_founded && !self.quiet {
                self.found(at);
            }
            return;
        };
        let (collective, standing) = (view.id, view.standing);
        self.account.is_founded = true;
        match standing {
            Standing::Member | Standing::Resting => {
                self.take_part(person, at, collective, act, standing);
            }
            _ if self.quiet => {}
            Standing::Invited { .. } => {
                let accept = self.dice.chance(900);
                self.note(format_args!("person {person} answers an offer: {accept}"));
                self.order(at, CollectiveCommand::AnswerOffer { collective, accept });
            }
            Standing::Candidate { .. } => {}
            _ => {
                if self.dice.chance(30) {
                    self.note(format_args!("person {person} forgets the collective"));
                    self.order(at, CollectiveCommand::Forget(collective));
                }
            }
        }
    }

    fn order(&mut self, at: usize, order: CollectiveCommand) -> Option<Result<Answer, Refusal>> {
        self.ask(at, Command::Collective(order))
    }

    fn found(&mut self, at: usize) {
        let found = CollectiveCommand::Found {
            name: "Tenants".into(),
            constitution: Box::new(rules(1, 14)),
        };
        let answer = self.order(at, found);
        self.note(format_args!("the collective is founded: {}", ok(&answer)));
    }

    /// What the screens show of it.
    fn detail(&mut self, at: usize, id: CollectiveId) -> Option<CollectiveDetail> {
        match self.order(at, CollectiveCommand::Read(id)) {
            Some(Ok(Answer::CollectiveDetail(detail))) => Some(*detail),
            _ => None,
        }
    }

    fn take_part(
        &mut self,
        person: usize,
        at: usize,
        id: CollectiveId,
        act: Act,
        standing: Standing,
    ) {
        let Some(detail) = self.detail(at, id) else {
            return;
        };
        if let Some(own) = detail.members.iter().find(|it| it.is_self) {
            self.account.keys.insert(own.person, person);
        }
        self.check_certificates(person, &detail);
        if matches!(act, Act::LastWord) {
            return self.say(person, at, &detail);
        }
        if self.quiet {
            return;
        }
        if standing == Standing::Resting && self.dice.chance(300) {
            self.note(format_args!("person {person} returns"));
            self.order(at, CollectiveCommand::Return(id));
        }
        for proposal in &detail.proposals {
            self.answer_proposal(person, at, id, proposal);
        }
        self.offer(person, at, &detail);
        self.propose(person, at, &detail);
        if self.dice.chance(600) {
            for _ in 0..self.dice.between(1, 2) {
                // As the author sees it now.
                let Some(detail) = self.detail(at, id) else {
                    return;
                };
                self.say(person, at, &detail);
            }
        }
        match self.dice.below(1_000) {
            0..4 if self.may_shrink(&detail) => {
                self.note(format_args!("person {person} leaves the collective"));
                self.order(at, CollectiveCommand::Leave(id));
            }
            4..14 => {
                self.note(format_args!("person {person} changes the keys"));
                self.order(at, CollectiveCommand::Rekey(id));
            }
            _ => {}
        }
    }

    /// There are enough members that one may go.
    fn may_shrink(&self, detail: &CollectiveDetail) -> bool {
        detail.members.len() > 4.max(self.settings.peers / 2)
    }

    /// Says something.
    fn say(&mut self, person: usize, at: usize, detail: &CollectiveDetail) {
        if !detail.members.iter().any(|it| it.is_self) {
            return;
        }
        let number = self.account.posts.len();
        let saw = match self.settings.sabotage {
            Some(Sabotage::SecretMembers) => BTreeMap::new(),
            _ => {
                let members = detail.members.iter();
                members.map(|it| (it.person, it.since)).collect()
            }
        };
        self.account.posts.push(Posted {
            written: Written {
                from: person,
                at: self.now,
                ..Written::default()
            },
            saw,
            has_keys: detail.keys_since.is_some(),
        });
        let filler = match self.dice.below(20) {
            0 => self.dice.between(2_000, 15_000),
            _ => self.dice.below(200),
        };
        let post = CollectiveCommand::Post {
            collective: detail.id,
            text: format!("p{number} {}", "x".repeat(filler as usize)),
            reply_to: None,
            mentions: Vec::new(),
        };
        let answer = self.order(at, post);
        self.note(format_args!(
            "person {person} posts p{number}: {}",
            ok(&answer)
        ));
        self.account.posts[number].written.kept = matches!(answer, Some(Ok(_)));
    }

    /// Vouches and votes.
    fn answer_proposal(
        &mut self,
        person: usize,
        at: usize,
        collective: CollectiveId,
        it: &ProposalView,
    ) {
        let proposal = it.id;
        let whom = match &it.matter {
            Matter::Admit { name, .. } => named(name),
            _ => None,
        };
        if it.may_vouch && self.dice.chance(500) {
            self.note_vouch(person, whom);
            let reason = "I know them".into();
            let vouch = CollectiveCommand::Vouch {
                collective,
                proposal,
                reason,
            };
            let answer = self.order(at, vouch);
            self.note(format_args!("person {person} vouches: {}", ok(&answer)));
        }
        if it.may_vote && self.dice.chance(500) {
            let choice = match (&it.matter, self.dice.below(20)) {
                (_, 0) => Choice::Abstain,
                (Matter::Decide { options, .. }, other) => {
                    Choice::Option((other % options.len().max(1) as u64) as u8)
                }
                (_, 1..5) => Choice::No,
                _ => Choice::Yes,
            };
            if choice == Choice::Yes {
                self.note_vouch(person, whom);
            }
            let vote = CollectiveCommand::Vote {
                collective,
                proposal,
                choice,
            };
            let answer = self.order(at, vote);
            self.note(format_args!(
                "person {person} votes {choice:?}: {}",
                ok(&answer)
            ));
        }
    }

    fn note_vouch(&mut self, by: usize, whom: Option<usize>) {
        if self.settings.sabotage != Some(Sabotage::SecretVouches) {
            self.account.vouched.extend(whom.map(|whom| (by, whom)));
        }
    }

    /// Offers a comrade to propose them.
    fn offer(&mut self, person: usize, at: usize, detail: &CollectiveDetail) {
        let is_in = |name: &str| detail.members.iter().any(|it| it.name == name);
        let offered = &self.account.offered;
        let again = self.now.saturating_sub(OFFERED_AGAIN);
        let comrades = self.peers[at].comrades.iter();
        let met = comrades.filter(|it| it.state == ComradeState::Met && !is_in(&it.name));
        let known = met.filter_map(|it| Some((it.id, named(&it.name)?)));
        let due = known.filter(|(_, whom)| {
            let lately = offered.get(&(person, *whom));
            lately.is_none_or(|lately| *lately < again)
        });
        let due: Vec<_> = due.collect();
        if due.is_empty() || !self.dice.chance(700) {
            return;
        }
        let (comrade, whom) = due[self.dice.index(due.len())];
        self.account.offered.insert((person, whom), self.now);
        self.note_vouch(person, Some(whom));
        let collective = detail.id;
        let answer = self.order(
            at,
            CollectiveCommand::Offer {
                collective,
                comrade,
            },
        );
        self.note(format_args!(
            "person {person} offers to propose {whom}: {}",
            ok(&answer)
        ));
    }

    /// Proposes something.
    fn propose(&mut self, person: usize, at: usize, detail: &CollectiveDetail) {
        let often = 600 / self.settings.peers as u64;
        let is_enough = self.account.proposed >= MAX_PROPOSED;
        if is_enough || !detail.may_propose || !self.dice.chance(often) {
            return;
        }
        let other = detail.members[self.dice.index(detail.members.len())].person;
        let matter = match self.dice.below(10) {
            0..2 if self.may_shrink(detail) => Matter::Remove(other),
            0..3 => Matter::Rest(other),
            3..5 => {
                let vouches = if detail.members.len() > 3 { 2 } else { 1 };
                let vouches = self.dice.between(1, vouches) as u16;
                let mut rules = rules(vouches, self.dice.between(5, 14) as u8);
                rules.delegates = self.dice.chance(500);
                rules.delegates_admit = rules.delegates && self.dice.chance(500);
                Matter::Amend(Box::new(rules))
            }
            5 if detail.constitution.delegates => Matter::Delegate {
                person: other,
                elect: self.dice.chance(700),
            },
            _ => Matter::Decide {
                question: "Strike on Friday?".into(),
                options: vec!["Yes".into(), "Next week".into(), "No".into()],
            },
        };
        let what = matter_name(&matter);
        let propose = CollectiveCommand::Propose {
            collective: detail.id,
            matter,
            reason: "for a reason".into(),
        };
        let answer = self.order(at, propose);
        self.note(format_args!(
            "person {person} proposes {what}: {}",
            ok(&answer)
        ));
        self.account.proposed += usize::from(matches!(answer, Some(Ok(_))));
    }

    /// Whoever is a member was vouched for by persons who did so, but for who founded it.
    fn check_certificates(&mut self, person: usize, detail: &CollectiveDetail) {
        let mut wrong = Vec::new();
        for member in &detail.members {
            let Some(whom) = self.person_of(member) else {
                continue;
            };
            if member.vouched_by.is_empty() && whom != FOUNDER {
                wrong.push(format!(
                    "person {person} sees person {whom} as a member for whom nobody vouched"
                ));
            }
            let keys = &self.account.keys;
            let vouched = member.vouched_by.iter().filter_map(|by| keys.get(by));
            for by in vouched {
                if !self.account.vouched.contains(&(*by, whom)) {
                    wrong.push(format!(
                        "person {person} sees person {whom} as a member by person {by}, who never vouched for them"
                    ));
                }
            }
        }
        for what in wrong {
            self.fail(format_args!("{what}"));
        }
    }

    fn person_of(&self, member: &MemberView) -> Option<usize> {
        let known = self.account.keys.get(&member.person).copied();
        known.or_else(|| named(&member.name))
    }
}

fn matter_name(matter: &Matter) -> &'static str {
    match matter {
        Matter::Admit { .. } => "an admission",
        Matter::Remove(_) => "a removal",
        Matter::Rest(_) => "a rest",
        Matter::Amend(_) => "an amendment",
        Matter::Delegate { .. } => "a delegate",
        Matter::Decide { .. } => "a decision",
        Matter::Split(_) => "a split",
        Matter::Dissolve => "an end",
    }
}
