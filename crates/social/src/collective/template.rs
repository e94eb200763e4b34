//! Constitutions to begin with. Codes and numbers only: the sentences stand in the app's catalogue.

use super::constitution::{Constitution, Posting, Role, Share};

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
