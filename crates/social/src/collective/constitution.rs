//! The constitution: the rules of a collective, as signed data.
//!
//! A CBOR map:
//!
//! | field | what | type |
//! |---|---|---|
//! | 1 | vouches that admit | share |
//! | 2 | ballots that admission needs besides; absent: none | share |
//! | 3 | ballots for a removal | share |
//! | 4 | ballots for an amendment, a split, a dissolution | share |
//! | 5 | ballots for resting and delegates | share |
//! | 6 | turnout of a free decision | share |
//! | 7 | part of the ballots cast that a free decision needs | share |
//! | 8 | how long ballots and vouches count, in days | unsigned |
//! | 9 | how long a free decision lasts, in days | unsigned |
//! | 10 | who may post: 0 everyone, 1 delegates with [`POWER_POST`] | unsigned |
//! | 11 | whether newcomers get history: 0 or 1 | unsigned |
//! | 12 | after how many days a post expires | unsigned |
//! | 13 | after how many silent days resting is suggested; 0: never | unsigned |
//! | 14 | roles | array of \[number, name, powers\] |
//!
//! A share is an array: parts, of how many, 1 if there must be more than that, the least number whatever the share. Every
//! share but that of field 7 is of the *electorate*, so that what carries can never be undone by a ballot that arrives later.
//! Fields of newer versions are kept.

use std::fmt;

use komrade_cbor::Value;
use komrade_crypto::bundle::is_name;

use crate::{
    OperationError,
    cbor::{Map, Writer, number},
};

/// The most members, and the most ballots that a rule can ask for.
pub const MAX_MEMBERS: usize = 500;
/// The most roles.
pub const MAX_ROLES: usize = 8;
/// The longest period or expiry, in days: ten years.
pub const MAX_DAYS: u32 = 3_650;
/// A delegate may post where only delegates may.
pub const POWER_POST: u64 = 1;
/// One vouch of such a delegate admits.
pub const POWER_ADMIT: u64 = 2;

/// The most fields of newer versions that are kept.
const MAX_NEWER: usize = 32;

/// How many of a number of persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The numerator; 0: only `least` counts.
    pub parts: u16,
    /// The denominator, at least 1.
    pub of: u16,
    /// Whether it must be more than the fraction, not just as many.
    pub more: bool,
    /// The least number, however few there are.
    pub least: u16,
}

impl Share {
    /// A fixed number.
    pub const fn count(least: u16) -> Self {
        Self::at_least(0, 1, least)
    }

    /// A fraction, and no fewer than so many.
    pub const fn at_least(parts: u16, of: u16, least: u16) -> Self {
        Self {
            parts,
            of,
            more: false,
            least,
        }
    }

    /// More than a fraction, and no fewer than so many.
    pub const fn more_than(parts: u16, of: u16, least: u16) -> Self {
        Self {
            parts,
            of,
            more: true,
            least,
        }
    }

    /// How many of `total` it takes; never 0, and more than `total` if that many can never do.
    pub fn needed(self, total: usize) -> usize {
        let whole = total.saturating_mul(self.parts.into());
        let of = usize::from(self.of.max(1));
        let share = if self.more {
            whole / of + 1
        } else {
            whole.div_ceil(of)
        };
        share.max(self.least.into()).max(1)
    }

    fn fault(self) -> Option<Fault> {
        let whole = self.parts == self.of && self.more;
        if self.of == 0 || self.parts > self.of || whole {
            Some(Fault::MoreThanAll)
        } else if self.parts == 0 && self.least == 0 {
            Some(Fault::Nobody)
        } else if usize::from(self.least) > MAX_MEMBERS {
            Some(Fault::MoreThanMembers)
        } else {
            None
        }
    }

    fn write(self, writer: &mut Writer) {
        writer.array(4);
        for part in [self.parts, self.of, self.more.into(), self.least] {
            writer.number(part.into());
        }
    }

    /// A share may grow: what follows its parts belongs to newer versions.
    fn read(value: &Value) -> Option<Self> {
        let [parts, of, more, least, ..] = value.as_array()? else {
            return None;
        };
        let part = |value| number(value)?.try_into().ok();
        Some(Self {
            parts: part(parts)?,
            of: part(of)?,
            more: number(more)? != 0,
            least: part(least)?,
        })
    }
}

/// Who may post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posting {
    /// Every member.
    Everyone,
    /// Delegates with [`POWER_POST`].
    Delegates,
}

/// A role that a vote gives to members and takes from them.
#[derive(Clone, PartialEq, Eq)]
pub struct Role {
    /// Its number, unique in the constitution.
    pub number: u8,
    /// What it is called, as a name of a person.
    pub name: String,
    /// The powers, added: [`POWER_POST`], [`POWER_ADMIT`], newer ones.
    pub powers: u64,
}

/// The rules of a collective.
#[derive(Clone, PartialEq, Eq)]
pub struct Constitution {
    /// The vouches that admit a candidate, of the electorate.
    pub vouches: Share,
    /// Ballots that admission needs besides, of the electorate.
    pub admission: Option<Share>,
    /// Ballots for a removal, of the electorate without whom it is about.
    pub removal: Share,
    /// Ballots for an amendment, a split, a dissolution.
    pub amendment: Share,
    /// Ballots for resting members and delegates.
    pub ordinary: Share,
    /// How many of the electorate must take part in a free decision.
    pub quorum: Share,
    /// How many of the ballots cast for an option the winning one needs.
    pub majority: Share,
    /// How long after a proposal ballots and vouches count, in days.
    pub period_days: u32,
    /// The same for a free decision.
    pub decision_days: u32,
    /// Who may post.
    pub posting: Posting,
    /// Whether newcomers get what was said before.
    pub history: bool,
    /// After how many days a post expires unless it says otherwise.
    pub expiry_days: u32,
    /// After how many silent days the app suggests to let a member rest; 0: never.
    pub resting_days: u32,
    /// The roles, at most [`MAX_ROLES`].
    pub roles: Vec<Role>,
    /// What newer versions added: field and value, kept when amended here.
    pub newer: Vec<(u64, Value)>,
}

/// One rule of a constitution: what a fault or a difference is about. The number is that of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// [`Constitution::vouches`]
    Vouches = 1,
    /// [`Constitution::admission`]
    Admission = 2,
    /// [`Constitution::removal`]
    Removal = 3,
    /// [`Constitution::amendment`]
    Amendment = 4,
    /// [`Constitution::ordinary`]
    Ordinary = 5,
    /// [`Constitution::quorum`]
    Quorum = 6,
    /// [`Constitution::majority`]
    Majority = 7,
    /// [`Constitution::period_days`]
    Period = 8,
    /// [`Constitution::decision_days`]
    DecisionPeriod = 9,
    /// [`Constitution::posting`]
    Posting = 10,
    /// [`Constitution::history`]
    History = 11,
    /// [`Constitution::expiry_days`]
    Expiry = 12,
    /// [`Constitution::resting_days`]
    Resting = 13,
    /// [`Constitution::roles`]
    Roles = 14,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It asks for more than all there are.
    MoreThanAll,
    /// Nobody at all would be enough.
    Nobody,
    /// It asks for more than [`MAX_MEMBERS`].
    MoreThanMembers,
    /// So few members as there are could never reach it, and nothing could change that.
    NeverReached,
    /// No day at all, or more than [`MAX_DAYS`].
    Days,
    /// Too many roles, two of one number, or a name that cannot be one.
    Roles,
    /// Only delegates may post, and no role may.
    NobodyPosts,
    /// Less than half of the ballots would win, so that two options could.
    TwoWinners,
}

impl Constitution {
    /// What is wrong with it in a collective of so many members that count. Empty: it can be taken.
    ///
    /// Admission and amendment must be within reach at once: otherwise nothing could ever mend the rules. A removal may
    /// need more members than there are yet.
    pub fn faults(&self, members: usize) -> Vec<(Rule, Fault)> {
        let mut faults = Vec::new();
        let shares = [
            (Rule::Vouches, Some(self.vouches), members),
            (Rule::Admission, self.admission, members),
            (Rule::Removal, Some(self.removal), MAX_MEMBERS - 1),
            (Rule::Amendment, Some(self.amendment), members),
            (Rule::Ordinary, Some(self.ordinary), MAX_MEMBERS - 1),
            (Rule::Quorum, Some(self.quorum), MAX_MEMBERS),
            (Rule::Majority, Some(self.majority), MAX_MEMBERS),
        ];
        for (rule, share, of) in shares {
            let Some(share) = share else { continue };
            let unreached = (share.needed(of) > of).then_some(Fault::NeverReached);
            faults.extend(share.fault().or(unreached).map(|fault| (rule, fault)));
        }
        let (twice, whole) = (u32::from(self.majority.parts) * 2, self.majority.of.into());
        if twice < whole || (twice == whole && !self.majority.more) {
            faults.push((Rule::Majority, Fault::TwoWinners));
        }
        let days = [
            (Rule::Period, self.period_days, 1),
            (Rule::DecisionPeriod, self.decision_days, 1),
            (Rule::Expiry, self.expiry_days, 1),
            (Rule::Resting, self.resting_days, 0),
        ];
        for (rule, days, least) in days {
            if days < least || days > MAX_DAYS {
                faults.push((rule, Fault::Days));
            }
        }
        if !self.roles_are_good() {
            faults.push((Rule::Roles, Fault::Roles));
        }
        if self.posting == Posting::Delegates
            && !self.roles.iter().any(|role| role.powers & POWER_POST != 0)
        {
            faults.push((Rule::Posting, Fault::NobodyPosts));
        }
        faults
    }

    /// The role of this number.
    pub fn role(&self, number: u8) -> Option<&Role> {
        self.roles.iter().find(|role| role.number == number)
    }

    fn roles_are_good(&self) -> bool {
        let rising = self.roles.is_sorted_by(|a, b| a.number < b.number);
        rising && self.roles.len() <= MAX_ROLES && self.roles.iter().all(|role| is_name(&role.name))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let fields = 13 + usize::from(self.admission.is_some()) + self.newer.len();
        writer.map(fields);
        let shares = [
            (Rule::Vouches, Some(self.vouches)),
            (Rule::Admission, self.admission),
            (Rule::Removal, Some(self.removal)),
            (Rule::Amendment, Some(self.amendment)),
            (Rule::Ordinary, Some(self.ordinary)),
            (Rule::Quorum, Some(self.quorum)),
            (Rule::Majority, Some(self.majority)),
        ];
        for (rule, share) in shares {
            if let Some(share) = share {
                writer.number(rule as u64);
                share.write(writer);
            }
        }
        let numbers = [
            (Rule::Period, self.period_days),
            (Rule::DecisionPeriod, self.decision_days),
            (Rule::Posting, (self.posting == Posting::Delegates).into()),
            (Rule::History, self.history.into()),
            (Rule::Expiry, self.expiry_days),
            (Rule::Resting, self.resting_days),
        ];
        for (rule, number) in numbers {
            writer.number(rule as u64);
            writer.number(number.into());
        }
        writer.number(Rule::Roles as u64);
        writer.array(self.roles.len());
        for role in &self.roles {
            writer.array(3);
            writer.number(role.number.into());
            writer.text(&role.name);
            writer.number(role.powers);
        }
        for (field, value) in &self.newer {
            writer.number(*field);
            writer.value(value);
        }
    }

    /// Reads one; whether it can be taken is asked of [`faults`](Self::faults).
    pub(crate) fn read(mut map: Map) -> Result<Self, OperationError> {
        let share = |map: &mut Map, rule| map.required(rule as u64, |value| Share::read(&value));
        let days = |map: &mut Map, rule| {
            map.required(rule as u64, |value| number(&value)?.try_into().ok())
        };
        let constitution = Self {
            vouches: share(&mut map, Rule::Vouches)?,
            admission: map.optional(Rule::Admission as u64, |value| Share::read(&value))?,
            removal: share(&mut map, Rule::Removal)?,
            amendment: share(&mut map, Rule::Amendment)?,
            ordinary: share(&mut map, Rule::Ordinary)?,
            quorum: share(&mut map, Rule::Quorum)?,
            majority: share(&mut map, Rule::Majority)?,
            period_days: days(&mut map, Rule::Period)?,
            decision_days: days(&mut map, Rule::DecisionPeriod)?,
            posting: match map.number(Rule::Posting as u64)? {
                0 => Posting::Everyone,
                // Whoever else a newer version lets post: the narrower reading is the safe one.
                _ => Posting::Delegates,
            },
            history: map.number(Rule::History as u64)? != 0,
            expiry_days: days(&mut map, Rule::Expiry)?,
            resting_days: days(&mut map, Rule::Resting)?,
            roles: map.required(Rule::Roles as u64, |value| {
                value.as_array()?.iter().map(read_role).collect()
            })?,
            newer: map.rest(),
        };
        if constitution.newer.len() > MAX_NEWER {
            return Err(OperationError::Malformed);
        }
        Ok(constitution)
    }
}

fn read_role(value: &Value) -> Option<Role> {
    let [role, name, powers, ..] = value.as_array()? else {
        return None;
    };
    Some(Role {
        number: number(role)?.try_into().ok()?,
        name: name.clone().into_text().ok()?,
        powers: number(powers)?,
    })
}

impl fmt::Debug for Constitution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Constitution([redacted])")
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Role({}, [redacted])", self.number)
    }
}
