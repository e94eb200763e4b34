//! Constitutions to begin with, and what an amendment changes. Codes and numbers only: the sentences stand in the app's
//! catalogue.

use super::constitution::{Constitution, Posting, Role, Rule, Share};

/// A constitution to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// A handful of people who know each other: nearly all must agree, and newcomers are known to two.
    AffinityGroup,
    /// Many who trust a few: delegates admit and post notices, members decide by vote.
    TenantsUnion,
    /// Open to whoever two members bring: simple majorities, history for all.
    OpenAssembly,
}

/// The number of the role in [`Template::TenantsUnion`].
pub const COMMITTEE: u8 = 1;

impl Template {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::AffinityGroup, Self::TenantsUnion, Self::OpenAssembly];

    /// Its rules for a collective that begins with so many founders: what fewer than two of them can never reach asks for
    /// one. `role` is what the committee of the tenants' union is called in the founder's language.
    pub fn constitution(self, founders: usize, role: &str) -> Constitution {
        let two = u16::from(founders > 1) + 1;
        let base = Constitution {
            vouches: Share::count(two),
            admission: None,
            removal: Share::at_least(2, 3, 2),
            amendment: Share::at_least(2, 3, two),
            ordinary: Share::more_than(1, 2, 1),
            quorum: Share::at_least(1, 2, 1),
            majority: Share::more_than(1, 2, 1),
            period_days: 14,
            decision_days: 7,
            posting: Posting::Everyone,
            history: false,
            expiry_days: 90,
            resting_days: 60,
            roles: Vec::new(),
            newer: Vec::new(),
        };
        match self {
            Self::AffinityGroup => Constitution {
                admission: Some(Share::at_least(3, 4, 1)),
                removal: Share::at_least(3, 4, 2),
                amendment: Share::at_least(3, 4, two),
                quorum: Share::at_least(3, 4, 1),
                majority: Share::at_least(3, 4, 1),
                ..base
            },
            Self::TenantsUnion => Constitution {
                roles: vec![Role {
                    number: COMMITTEE,
                    name: role.to_owned(),
                    powers: super::constitution::POWER_ADMIT,
                }],
                quorum: Share::at_least(1, 4, 1),
                expiry_days: 365,
                history: true,
                ..base
            },
            Self::OpenAssembly => Constitution {
                removal: Share::more_than(1, 2, 2),
                amendment: Share::more_than(1, 2, two),
                quorum: Share::at_least(1, 5, 1),
                history: true,
                ..base
            },
        }
    }
}

/// What a rule is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// The rule is not there.
    Absent,
    /// A share of persons.
    Share(Share),
    /// Days.
    Days(u32),
    /// Yes or no.
    Flag(bool),
    /// Who may post.
    Posting(Posting),
    /// A role.
    Role(Role),
}

/// One rule that an amendment changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub rule: Rule,
    /// What it was.
    pub from: Setting,
    /// What it will be.
    pub to: Setting,
}

/// What differs between two constitutions, in the order of the rules; roles by rising number.
pub fn difference(old: &Constitution, new: &Constitution) -> Vec<Change> {
    let mut changes: Vec<_> = settings(old)
        .into_iter()
        .zip(settings(new))
        .filter(|(from, to)| from != to)
        .map(|((rule, from), (_, to))| Change { rule, from, to })
        .collect();
    let numbers = old.roles.iter().chain(&new.roles).map(|role| role.number);
    let numbers: std::collections::BTreeSet<u8> = numbers.collect();
    for number in numbers {
        let of = |constitution: &Constitution| {
            let role = constitution.role(number).cloned();
            role.map_or(Setting::Absent, Setting::Role)
        };
        let (from, to) = (of(old), of(new));
        if from != to {
            let rule = Rule::Roles;
            changes.push(Change { rule, from, to });
        }
    }
    changes
}

fn settings(of: &Constitution) -> [(Rule, Setting); 13] {
    let share = |share: Share| Setting::Share(share);
    [
        (Rule::Vouches, share(of.vouches)),
        (
            Rule::Admission,
            of.admission.map_or(Setting::Absent, Setting::Share),
        ),
        (Rule::Removal, share(of.removal)),
        (Rule::Amendment, share(of.amendment)),
        (Rule::Ordinary, share(of.ordinary)),
        (Rule::Quorum, share(of.quorum)),
        (Rule::Majority, share(of.majority)),
        (Rule::Period, Setting::Days(of.period_days)),
        (Rule::DecisionPeriod, Setting::Days(of.decision_days)),
        (Rule::Posting, Setting::Posting(of.posting)),
        (Rule::History, Setting::Flag(of.history)),
        (Rule::Expiry, Setting::Days(of.expiry_days)),
        (Rule::Resting, Setting::Days(of.resting_days)),
    ]
}
