//! Proposals as the screens show them.

use std::collections::BTreeMap;

use komrade_crypto::identity::PersonId;
use komrade_social::{
    OperationId,
    collective::{Body, Choice as Ballot, Stage, Standing, Subject},
};
use komrade_view::{
    Choice, Matter, Millis, Needs, Outcome, PersonKey, ProposalId, ProposalView, Voice,
};

use super::{Space, rules};

/// Proposals that are shown.
const MAX_SHOWN: usize = 100;
/// Who is named as missing.
const MAX_MISSING: usize = 20;

/// What somebody said to a proposal, and when.
type Said = BTreeMap<(OperationId, PersonId), (Choice, String, Millis)>;

fn key(person: &PersonId) -> PersonKey {
    PersonKey(person.0)
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Space {
    /// Open ones first, the newest first.
    pub(super) fn proposal_views(
        &self,
        now: Millis,
        knows: &dyn Fn(&PersonId) -> bool,
    ) -> Vec<ProposalView> {
        let (vouches, ballots) = self.said();
        let mut standings = self.society.standings(now);
        standings.sort_by_key(|it| !it.stage.is_open());
        standings.truncate(MAX_SHOWN);
        standings
            .into_iter()
            .map(|standing| self.proposal_view(standing, now, knows, &vouches, &ballots))
            .collect()
    }

    /// How many proposals wait for this person's vouch or vote.
    pub(super) fn asked(&self, now: Millis) -> usize {
        if !self.is_in() {
            return 0;
        }
        self.society.asked(&self.own.person, now)
    }

    /// Everything that was said to proposals: vouches and ballots.
    fn said(&self) -> (Said, Said) {
        let (mut vouches, mut ballots) = (Said::new(), Said::new());
        let history = self.society.get().into_iter().flat_map(|it| it.history());
        for operation in history {
            let fields = operation.fields();
            let (said, proposal, choice, reason) = match operation.body() {
                Body::Vouch { proposal, reason } => {
                    (&mut vouches, proposal, Choice::Yes, reason.clone())
                }
                Body::Ballot { proposal, choice } => {
                    (&mut ballots, proposal, choice_of(*choice), String::new())
                }
                _ => continue,
            };
            said.entry((*proposal, fields.person))
                .or_insert((choice, reason, fields.time));
        }
        (vouches, ballots)
    }

    fn proposal_view(
        &self,
        standing: Standing,
        now: Millis,
        knows: &dyn Fn(&PersonId) -> bool,
        vouches: &Said,
        ballots: &Said,
    ) -> ProposalView {
        let voice = |said: &Said, person: &PersonId, choice: Choice| {
            let said = said.get(&(standing.id, *person)).cloned();
            let (_, reason, at) = said.unwrap_or((choice, String::new(), 0));
            Voice {
                person: key(person),
                choice,
                reason,
                at,
            }
        };
        let vouched = standing.vouches.iter();
        let mut vouched: Vec<Voice> = vouched
            .map(|person| voice(vouches, person, Choice::Yes))
            .collect();
        let mut voted = Vec::new();
        let sides = [
            (&standing.yes, Choice::Yes),
            (&standing.no, Choice::No),
            (&standing.abstained, Choice::Abstain),
        ];
        for (persons, choice) in sides {
            voted.extend(persons.iter().map(|person| voice(ballots, person, choice)));
        }
        for (place, persons) in (0..).zip(&standing.options) {
            let choice = Choice::Option(place);
            voted.extend(persons.iter().map(|person| voice(ballots, person, choice)));
        }
        vouched.sort_by_key(|voice| voice.at);
        voted.sort_by_key(|voice| voice.at);
        let mut missing = standing.silent.clone();
        missing.sort_by_key(|person| (*person != self.own.person, !knows(person)));
        missing.truncate(MAX_MISSING);
        let proposal = standing.id;
        // What cannot be shown cannot be voted on either.
        let is_known = !matches!(standing.subject, Subject::Unknown { .. });
        let is_open = is_known && self.is_in() && standing.stage.is_open();
        let may = |body: &Body| is_open && self.society.may(&self.own, body, now).is_ok();
        let choice = match standing.subject {
            Subject::Decide { .. } => Ballot::Abstain,
            _ => Ballot::Yes,
        };
        let reason = String::new();
        ProposalView {
            id: ProposalId(proposal.0),
            matter: self.matter(&standing),
            by: key(&standing.author),
            reason: standing.reason.clone(),
            at: standing.time,
            needs: self.needs(&standing),
            missing: missing.iter().map(key).collect(),
            may_vouch: may(&Body::Vouch { proposal, reason }),
            may_vote: may(&Body::Ballot { proposal, choice }),
            outcome: self.outcome(&standing, &voted),
            vouches: vouched,
            ballots: voted,
        }
    }

    fn matter(&self, standing: &Standing) -> Matter {
        match &standing.subject {
            Subject::Admit { person, name } => Matter::Admit {
                person: key(person),
                name: name.clone(),
            },
            Subject::Remove { person } => Matter::Remove(key(person)),
            Subject::Rest { person } => Matter::Rest(key(person)),
            Subject::Amend { constitution } => Matter::Amend(Box::new(rules::view(constitution))),
            Subject::Empower { person, .. } => Matter::Delegate {
                person: key(person),
                elect: true,
            },
            Subject::Recall { person, .. } => Matter::Delegate {
                person: key(person),
                elect: false,
            },
            Subject::Decide { question, options } => Matter::Decide {
                question: question.clone(),
                options: options.clone(),
            },
            Subject::Split { persons } => Matter::Split(persons.iter().map(key).collect()),
            Subject::Dissolve => Matter::Dissolve,
            // What this version cannot make: its reason is all that can be shown.
            _ => Matter::Decide {
                question: standing.reason.clone(),
                options: Vec::new(),
            },
        }
    }

    pub(super) fn needs(&self, standing: &Standing) -> Needs {
        let decides = matches!(standing.subject, Subject::Decide { .. });
        let cast: usize = standing.options.iter().map(Vec::len).sum();
        let cast = cast + standing.abstained.len();
        // The members at a final checkpoint may have to carry it as well, and then more are needed than the rule says.
        let of = |came: usize, missing: usize, needed: Option<usize>| {
            needed.map(|needed| (count(came), count(needed.max(came + missing))))
        };
        let vouched = standing.vouches.len();
        let voted = if decides { cast } else { standing.yes.len() };
        let ballots = of(voted, standing.ballots_missing, standing.ballots_needed);
        Needs {
            vouches: of(vouched, standing.vouches_missing, standing.vouches_needed),
            yes: ballots.filter(|_| !decides),
            quorum: ballots.filter(|_| decides),
            majority: standing.majority.map(rules::share),
            electorate: count(standing.electorate.len()),
            until: Some(standing.closes),
        }
    }

    fn outcome(&self, standing: &Standing, voted: &[Voice]) -> Option<(Outcome, Millis)> {
        let newest = voted.last().map_or(standing.time, |voice| voice.at);
        Some(match standing.stage {
            Stage::Done(by) => {
                let operation = self.society.operation(by);
                let at = operation.map_or(standing.closes, |it| it.fields().time);
                (Outcome::Passed, at)
            }
            Stage::Decided(place) => (Outcome::Won(place), newest),
            Stage::Undecided => {
                let mut counts: Vec<usize> = standing.options.iter().map(Vec::len).collect();
                counts.sort_unstable_by(|a, b| b.cmp(a));
                let is_tie = matches!(counts.as_slice(), [a, b, ..] if a == b && *a > 0);
                let outcome = if is_tie {
                    Outcome::Tie
                } else {
                    Outcome::Failed
                };
                (outcome, standing.closes)
            }
            Stage::Lapsed => (Outcome::Failed, standing.closes),
            Stage::Undone | Stage::Overtaken | Stage::Void => (Outcome::Void, newest),
            Stage::Crossed => (Outcome::Crossed, newest),
            _ => return None,
        })
    }

    /// When the rules in force came into force.
    pub(super) fn constitution_since(&self) -> Option<Millis> {
        let collective = self.society.get()?;
        let rules = collective.rules_operation()?;
        let made = rules.fields().time;
        let standing = self.society.standing(rules.id(), made);
        let enacted = match standing.map(|it| it.stage) {
            Some(Stage::Done(by)) => self.society.operation(by),
            _ => None,
        };
        Some(enacted.map_or(made, |operation| operation.fields().time))
    }

    /// When a checkpoint was signed last by which something became final.
    pub(super) fn final_at(&self) -> Option<Millis> {
        let collective = self.society.get()?;
        let newest = collective.finality().newest?;
        let signed = collective.history().filter(
            |operation| matches!(operation.body(), Body::Checkpoint(it) if it.id() == newest),
        );
        signed.map(|operation| operation.fields().time).max()
    }
}

fn choice_of(ballot: Ballot) -> Choice {
    match ballot {
        Ballot::Yes => Choice::Yes,
        Ballot::No => Choice::No,
        Ballot::Option(place) => Choice::Option(place),
        _ => Choice::Abstain,
    }
}
