//! The rules of a collective one by one: what each is set to, what it can be set to, and which differ.
//!
//! Pure. Whether rules could work together is asked of the engine; the sentences are the catalogue's.

use komrade_view::{ConstitutionView, Posters, Share};

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// How many vouch for a newcomer.
    Vouches,
    /// How many vote for a newcomer besides.
    Ballot,
    /// How many remove a member.
    Removal,
    /// How many change the rules.
    Amendment,
    /// How many set a member resting, or make a delegate.
    Ordinary,
    /// How long vouches and votes on members and rules count.
    Days,
    /// How many take part in a decision.
    Quorum,
    /// How many of the votes the winning option needs.
    Majority,
    /// How long one may vote on a decision.
    DecisionDays,
    /// Whether there are delegates.
    Delegates,
    /// Whether one delegate admits.
    DelegatesAdmit,
    /// Who may post.
    Posters,
    /// When posts expire.
    Expiry,
    /// When resting is suggested.
    Rest,
    /// Whether newcomers are given what was said before.
    History,
}

/// What a rule is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// So many.
    Share(Share),
    /// Not asked for; never.
    None,
    /// Days.
    Days(u16),
    /// Yes or no.
    Flag(bool),
}

use Setting::{Days, Flag, None as Not, Share as Of};

const fn part(parts: u16, of: u16, more: bool) -> Setting {
    Of(Share {
        parts,
        of,
        more,
        least: 1,
    })
}

const fn number(least: u16) -> Setting {
    Of(Share::number(least))
}

const HALF: Setting = part(1, 2, true);
const TWO_THIRDS: Setting = part(2, 3, false);
const THREE_QUARTERS: Setting = part(3, 4, false);
const ALL: Setting = part(1, 1, false);

const VOUCHES: [Setting; 5] = [number(1), number(2), number(3), number(5), HALF];
const BALLOT: [Setting; 5] = [Not, HALF, TWO_THIRDS, THREE_QUARTERS, ALL];
const SHARES: [Setting; 4] = [HALF, TWO_THIRDS, THREE_QUARTERS, ALL];
const ORDINARY: [Setting; 5] = [part(1, 3, false), HALF, TWO_THIRDS, THREE_QUARTERS, ALL];
const QUORUM: [Setting; 5] = [
    part(1, 5, false),
    part(1, 4, false),
    part(1, 2, false),
    THREE_QUARTERS,
    ALL,
];
const MAJORITY: [Setting; 3] = [HALF, TWO_THIRDS, THREE_QUARTERS];
const PERIOD: [Setting; 5] = [Days(3), Days(7), Days(14), Days(30), Days(60)];
const DECISION: [Setting; 5] = [Days(1), Days(3), Days(7), Days(14), Days(30)];
const EXPIRY: [Setting; 5] = [Days(7), Days(30), Days(90), Days(180), Days(365)];
const REST: [Setting; 5] = [Not, Days(30), Days(60), Days(90), Days(180)];
const FLAG: [Setting; 2] = [Flag(false), Flag(true)];

impl Rule {
    /// All, in the order in which they are read.
    pub const ALL: [Self; 15] = [
        Self::Vouches,
        Self::Ballot,
        Self::Removal,
        Self::Amendment,
        Self::Ordinary,
        Self::Days,
        Self::Quorum,
        Self::Majority,
        Self::DecisionDays,
        Self::Delegates,
        Self::DelegatesAdmit,
        Self::Posters,
        Self::Expiry,
        Self::Rest,
        Self::History,
    ];

    /// For tests, and for the id of its control.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vouches => "vouches",
            Self::Ballot => "ballot",
            Self::Removal => "removal",
            Self::Amendment => "amendment",
            Self::Ordinary => "ordinary",
            Self::Days => "days",
            Self::Quorum => "quorum",
            Self::Majority => "majority",
            Self::DecisionDays => "decision-days",
            Self::Delegates => "delegates",
            Self::DelegatesAdmit => "delegates-admit",
            Self::Posters => "posters",
            Self::Expiry => "expiry",
            Self::Rest => "rest",
            Self::History => "history",
        }
    }

    /// What it is set to.
    pub fn of(self, rules: &ConstitutionView) -> Setting {
        match self {
            Self::Vouches => Of(rules.admission.vouches),
            Self::Ballot => rules.admission.ballot.map_or(Not, Of),
            Self::Removal => Of(rules.removal),
            Self::Amendment => Of(rules.amendment),
            Self::Ordinary => Of(rules.ordinary),
            Self::Days => Days(rules.days.into()),
            Self::Quorum => Of(rules.decision.quorum),
            Self::Majority => Of(rules.decision.majority),
            Self::DecisionDays => Days(rules.decision.days.into()),
            Self::Delegates => Flag(rules.delegates),
            Self::DelegatesAdmit => Flag(rules.delegates_admit),
            Self::Posters => Flag(rules.posters == Posters::Delegates),
            Self::Expiry => Days(rules.expiry_days),
            Self::Rest => rules.rest_after_days.map_or(Not, Days),
            Self::History => Flag(rules.history),
        }
    }

    /// Sets it. A setting of another sort changes nothing; without delegates nothing is left to them.
    pub fn set(self, rules: &mut ConstitutionView, to: Setting) {
        let short = |days: u16| u8::try_from(days).unwrap_or(u8::MAX);
        match (self, to) {
            (Self::Vouches, Of(share)) => rules.admission.vouches = share,
            (Self::Ballot, Of(share)) => rules.admission.ballot = Some(share),
            (Self::Ballot, Not) => rules.admission.ballot = None,
            (Self::Removal, Of(share)) => rules.removal = share,
            (Self::Amendment, Of(share)) => rules.amendment = share,
            (Self::Ordinary, Of(share)) => rules.ordinary = share,
            (Self::Days, Days(days)) => rules.days = short(days),
            (Self::Quorum, Of(share)) => rules.decision.quorum = share,
            (Self::Majority, Of(share)) => rules.decision.majority = share,
            (Self::DecisionDays, Days(days)) => rules.decision.days = short(days),
            (Self::Delegates, Flag(are)) => {
                rules.delegates = are;
                rules.delegates_admit &= are;
                if !are {
                    rules.posters = Posters::Members;
                }
            }
            (Self::DelegatesAdmit, Flag(admit)) => rules.delegates_admit = admit,
            (Self::Posters, Flag(only)) => {
                rules.posters = match only {
                    true => Posters::Delegates,
                    false => Posters::Members,
                };
            }
            (Self::Expiry, Days(days)) => rules.expiry_days = days,
            (Self::Rest, Days(days)) => rules.rest_after_days = Some(days),
            (Self::Rest, Not) => rules.rest_after_days = None,
            (Self::History, Flag(history)) => rules.history = history,
            _ => {}
        }
    }

    /// What it can be set to in these rules: what it is set to among them, and nothing at all if it does
    /// not apply.
    pub fn choices(self, rules: &ConstitutionView) -> Vec<Setting> {
        let choices: &[Setting] = match self {
            Self::Vouches => &VOUCHES,
            Self::Ballot => &BALLOT,
            Self::Removal | Self::Amendment => &SHARES,
            Self::Ordinary => &ORDINARY,
            Self::Days => &PERIOD,
            Self::Quorum => &QUORUM,
            Self::Majority => &MAJORITY,
            Self::DecisionDays => &DECISION,
            Self::Delegates | Self::History => &FLAG,
            Self::DelegatesAdmit | Self::Posters if rules.delegates => &FLAG,
            Self::Expiry => &EXPIRY,
            Self::Rest => &REST,
            Self::DelegatesAdmit | Self::Posters => return Vec::new(),
        };
        let now = self.of(rules);
        let mut choices = choices.to_vec();
        // The least number beside a part is told by what is set, and comes with no other choice.
        match choices.iter().position(|choice| is_alike(*choice, now)) {
            Some(place) => {
                if let Some(choice) = choices.get_mut(place) {
                    *choice = now;
                }
            }
            None => choices.push(now),
        }
        choices
    }

    /// Whether it says something in these rules.
    pub fn applies(self, rules: &ConstitutionView) -> bool {
        match self {
            Self::DelegatesAdmit => rules.delegates,
            _ => true,
        }
    }
}

/// Two settings that differ in nothing but the least number beside a part.
fn is_alike(one: Setting, other: Setting) -> bool {
    match (one, other) {
        (Of(one), Of(other)) if one.parts > 0 => {
            Share { least: 0, ..one } == Share { least: 0, ..other }
        }
        _ => one == other,
    }
}

/// The rules that differ.
pub fn difference(old: &ConstitutionView, new: &ConstitutionView) -> Vec<Rule> {
    let differs = |rule: &Rule| rule.of(old) != rule.of(new);
    Rule::ALL.into_iter().filter(differs).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use komrade_view::{AdmissionRule, BallotRule};

    use super::*;

    /// Rules of a tenants' union.
    pub(crate) fn union() -> ConstitutionView {
        let half = Share {
            parts: 1,
            of: 2,
            more: true,
            least: 1,
        };
        let two_thirds = Share {
            parts: 2,
            of: 3,
            more: false,
            least: 2,
        };
        ConstitutionView {
            admission: AdmissionRule {
                vouches: Share::number(2),
                ballot: None,
            },
            removal: two_thirds,
            amendment: two_thirds,
            ordinary: half,
            days: 14,
            decision: BallotRule {
                quorum: Share {
                    parts: 1,
                    of: 4,
                    more: false,
                    least: 1,
                },
                majority: half,
                days: 7,
            },
            posters: Posters::Members,
            history: false,
            expiry_days: 365,
            rest_after_days: Some(60),
            delegates: true,
            delegates_admit: true,
        }
    }

    #[test]
    fn every_choice_of_every_rule_comes_back_as_set() {
        let rules = union();
        for rule in Rule::ALL {
            let choices = rule.choices(&rules);
            assert!(
                choices.contains(&rule.of(&rules)),
                "{rule:?} does not offer what is set"
            );
            for choice in choices {
                let mut changed = rules.clone();
                rule.set(&mut changed, choice);
                assert_eq!(rule.of(&changed), choice, "{rule:?}");
                let others = difference(&rules, &changed);
                let others = others.into_iter().filter(|other| *other != rule).count();
                assert!(
                    others == 0 || rule == Rule::Delegates,
                    "{rule:?} changes others"
                );
            }
        }
    }

    #[test]
    fn what_is_set_is_offered_once_with_its_least_number() {
        let rules = union();
        let choices = Rule::Removal.choices(&rules);
        assert_eq!(choices.len(), SHARES.len());
        assert!(choices.contains(&Of(rules.removal)));
        let mut odd = rules;
        odd.admission.vouches = Share::number(7);
        assert_eq!(Rule::Vouches.choices(&odd).len(), VOUCHES.len() + 1);
    }

    #[test]
    fn without_delegates_nothing_is_left_to_them() {
        let mut rules = union();
        Rule::Posters.set(&mut rules, Flag(true));
        Rule::Delegates.set(&mut rules, Flag(false));
        assert_eq!(
            (rules.posters, rules.delegates_admit),
            (Posters::Members, false)
        );
        assert!(Rule::Posters.choices(&rules).is_empty());
        assert!(!Rule::DelegatesAdmit.applies(&rules));
    }

    #[test]
    fn the_difference_is_what_was_changed() {
        let old = union();
        let mut new = old.clone();
        assert!(difference(&old, &new).is_empty());
        new.admission.vouches = Share::number(3);
        new.rest_after_days = None;
        assert_eq!(difference(&old, &new), [Rule::Vouches, Rule::Rest]);
    }
}
