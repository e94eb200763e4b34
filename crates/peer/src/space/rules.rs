//! The rules of a collective, as the screens and as governance have them.

use komrade_social::collective::{
    COMMITTEE, Constitution, Fault, POWER_ADMIT, POWER_POST, Posting, Role, Rule, Share as Part,
    Template as Ready,
};
use komrade_view::{
    AdmissionRule, BallotRule, ConstitutionFault, ConstitutionView, Posters, Share, Template,
};

/// What that role is called where a name is needed.
const DELEGATES: &str = "delegate";

fn part(share: Share) -> Part {
    Part {
        parts: share.parts,
        of: share.of,
        more: share.more,
        least: share.least,
    }
}

pub(super) fn share(part: Part) -> Share {
    Share {
        parts: part.parts,
        of: part.of,
        more: part.more,
        least: part.least,
    }
}

fn days(days: u32) -> u8 {
    u8::try_from(days).unwrap_or(u8::MAX)
}

/// What governance computes with. What the screens do not know of stays as in the rules before.
pub(super) fn constitution(view: &ConstitutionView, before: Option<&Constitution>) -> Constitution {
    let mut roles = before.map(|rules| rules.roles.clone()).unwrap_or_default();
    roles.retain(|role| role.number != COMMITTEE);
    if view.delegates {
        let admits = if view.delegates_admit { POWER_ADMIT } else { 0 };
        roles.push(Role {
            number: COMMITTEE,
            name: DELEGATES.to_owned(),
            powers: POWER_POST | admits,
        });
        roles.sort_by_key(|role| role.number);
    }
    Constitution {
        vouches: part(view.admission.vouches),
        admission: view.admission.ballot.map(part),
        removal: part(view.removal),
        amendment: part(view.amendment),
        ordinary: part(view.ordinary),
        quorum: part(view.decision.quorum),
        majority: part(view.decision.majority),
        period_days: view.days.into(),
        decision_days: view.decision.days.into(),
        posting: match view.posters {
            Posters::Members => Posting::Everyone,
            Posters::Delegates => Posting::Delegates,
        },
        history: view.history,
        expiry_days: view.expiry_days.into(),
        resting_days: view.rest_after_days.map_or(0, Into::into),
        roles,
        newer: before.map(|rules| rules.newer.clone()).unwrap_or_default(),
    }
}

/// What the screens show.
pub(super) fn view(rules: &Constitution) -> ConstitutionView {
    let short = |days: u32| u16::try_from(days).unwrap_or(u16::MAX);
    let role = rules.role(COMMITTEE);
    ConstitutionView {
        admission: AdmissionRule {
            vouches: share(rules.vouches),
            ballot: rules.admission.map(share),
        },
        removal: share(rules.removal),
        amendment: share(rules.amendment),
        ordinary: share(rules.ordinary),
        days: days(rules.period_days),
        decision: BallotRule {
            quorum: share(rules.quorum),
            majority: share(rules.majority),
            days: days(rules.decision_days),
        },
        posters: match rules.posting {
            Posting::Everyone => Posters::Members,
            Posting::Delegates => Posters::Delegates,
        },
        history: rules.history,
        expiry_days: short(rules.expiry_days),
        rest_after_days: Some(short(rules.resting_days)).filter(|days| *days > 0),
        delegates: role.is_some(),
        delegates_admit: role.is_some_and(|role| role.powers & POWER_ADMIT != 0),
    }
}

/// Ready rules for somebody who founds alone.
pub(super) fn template(template: Template) -> ConstitutionView {
    let ready = match template {
        Template::AffinityGroup => Ready::AffinityGroup,
        Template::TenantsUnion => Ready::TenantsUnion,
        Template::OpenAssembly => Ready::OpenAssembly,
    };
    view(&ready.constitution(1, DELEGATES))
}

/// What is wrong with rules in a collective of so many who count.
pub(super) fn faults(rules: &Constitution, members: usize) -> Vec<ConstitutionFault> {
    let mut faults = Vec::new();
    for (rule, fault) in rules.faults(members) {
        let fault = match (rule, fault) {
            (_, Fault::NeverReached) => ConstitutionFault::NeverReached,
            (_, Fault::Days) => ConstitutionFault::BadDays,
            (_, Fault::NobodyPosts) => ConstitutionFault::NobodyPosts,
            (Rule::Majority, _) => ConstitutionFault::BadMajority,
            _ => ConstitutionFault::BadShare,
        };
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}
