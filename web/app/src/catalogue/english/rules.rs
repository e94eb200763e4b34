//! The rules of a collective, each in one plain sentence.

use komrade_view::{ConstitutionFault, ConstitutionView, Posters, Share, Template};

use super::number;
use crate::rules::{Rule, Setting};

/// A ready constitution.
pub fn template(template: Template) -> &'static str {
    match template {
        Template::AffinityGroup => "Affinity group",
        Template::TenantsUnion => "Tenants' union",
        Template::OpenAssembly => "Open assembly",
    }
}

/// For whom it is.
pub fn template_text(template: Template) -> &'static str {
    match template {
        Template::AffinityGroup => {
            "A handful who know each other. Newcomers are vouched for and voted on; nearly all must \
             agree to anything."
        }
        Template::TenantsUnion => {
            "Many who trust a few. Delegates, chosen and recalled by vote, can admit; members decide \
             everything else."
        }
        Template::OpenAssembly => {
            "Open to whoever members bring. No vote on newcomers, simple majorities for the rest."
        }
    }
}

/// What a rule is about.
pub fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Vouches => "Vouches for a newcomer",
        Rule::Ballot => "Vote on a newcomer",
        Rule::Removal => "Removing a member",
        Rule::Amendment => "Changing these rules",
        Rule::Ordinary => "Resting and delegates",
        Rule::Days => "Time for these votes",
        Rule::Quorum => "Taking part in a decision",
        Rule::Majority => "Winning a decision",
        Rule::DecisionDays => "Time for a decision",
        Rule::Delegates => "Delegates",
        Rule::DelegatesAdmit => "Delegates and newcomers",
        Rule::Posters => "Who may write",
        Rule::Expiry => "How long posts stay",
        Rule::Rest => "Silent members",
        Rule::History => "What newcomers read",
    }
}

fn fraction(share: Share) -> String {
    let percent = |share: Share| u32::from(share.parts) * 100 / u32::from(share.of.max(1));
    let named = match (share.parts, share.of) {
        (1, 1) | (100, 100) => return "all".to_owned(),
        (1, 2) | (50, 100) => "half",
        (1, 3) => "a third",
        (2, 3) => "two thirds",
        (1, 4) | (25, 100) => "a quarter",
        (3, 4) | (75, 100) => "three quarters",
        (1, 5) | (20, 100) => "a fifth",
        (1, 10) | (10, 100) => "a tenth",
        _ if share.of == 100 => &format!("{}\u{a0}%", percent(share)),
        (parts, of) => &format!("{parts} of {of} parts"),
    };
    match share.more {
        true => format!("more than {named}"),
        false => named.to_owned(),
    }
}

/// What a rule can be set to, in a list.
pub fn setting(rule: Rule, setting: Setting) -> String {
    match (rule, setting) {
        (Rule::Quorum | Rule::Majority, Setting::Share(share)) => fraction(share),
        (_, Setting::Share(share)) if share.parts == 0 => share.least.to_string(),
        (_, Setting::Share(share)) => match fraction(share).as_str() {
            "all" => "all members".to_owned(),
            part => format!("{part} of the members"),
        },
        (_, Setting::Days(days)) => days_long(days),
        (Rule::Ballot, Setting::None) => "no vote".to_owned(),
        (_, Setting::None) => "never".to_owned(),
        (Rule::Posters, Setting::Flag(false)) => "every member".to_owned(),
        (Rule::Posters, Setting::Flag(true)) => "delegates only".to_owned(),
        (Rule::History, Setting::Flag(false)) => "what follows".to_owned(),
        (Rule::History, Setting::Flag(true)) => "some of what was before, too".to_owned(),
        (_, Setting::Flag(true)) => "yes".to_owned(),
        (_, Setting::Flag(false)) => "no".to_owned(),
    }
}

/// `1 day`, `14 days`.
pub fn days_long(days: u16) -> String {
    match days {
        1 => "1 day".to_owned(),
        _ => format!("{} days", number(days.into())),
    }
}

/// `1 member`, `5 members`.
pub fn members_count(count: u32) -> String {
    match count {
        1 => "1 member".to_owned(),
        _ => format!("{} members", number(count.into())),
    }
}

/// Who it takes, as the subject of a sentence, and whether it is one alone.
fn who(share: Share) -> (String, bool) {
    if share.parts == 0 {
        return (members_count(share.least.into()), share.least == 1);
    }
    let part = match fraction(share).as_str() {
        "all" => "all members".to_owned(),
        part => format!("{part} of all members"),
    };
    match share.least {
        0 | 1 => (part, false),
        least => (format!("{part}, and no fewer than {least},"), false),
    }
}

fn votes(share: Share, what: &str) -> String {
    match who(share) {
        (who, true) => format!("{who} votes for {what}"),
        (who, false) => format!("{who} vote for {what}"),
    }
}

/// A rule in one sentence.
pub fn rule_text(rule: Rule, rules: &ConstitutionView) -> String {
    match rule {
        Rule::Vouches => match who(rules.admission.vouches) {
            (who, true) => format!("Nobody comes in unless {who} vouches for them."),
            (who, false) => format!("Nobody comes in unless {who} vouch for them."),
        },
        Rule::Ballot => match rules.admission.ballot {
            None => "There is no vote on newcomers: the vouches are enough.".to_owned(),
            Some(share) => format!(
                "Besides the vouches, a newcomer comes in only if {}.",
                votes(share, "it")
            ),
        },
        Rule::Removal => format!(
            "A member is removed if {}; the one concerned has no vote.",
            votes(rules.removal, "it")
        ),
        Rule::Amendment => format!(
            "These rules are changed, or the collective split or ended, if {}.",
            votes(rules.amendment, "it")
        ),
        Rule::Ordinary => format!(
            "A member is set resting, or made or recalled as a delegate, if {}.",
            votes(rules.ordinary, "it")
        ),
        Rule::Days => format!(
            "Vouches and these votes count for {}; what has not enough by then is over.",
            days_long(rules.days.into())
        ),
        Rule::Quorum => match who(rules.decision.quorum) {
            (who, true) => format!("A decision counts only if {who} takes part."),
            (who, false) => format!("A decision counts only if {who} take part."),
        },
        Rule::Majority => format!(
            "An option wins with {} of the votes that were cast for an option.",
            fraction(rules.decision.majority)
        ),
        Rule::DecisionDays => format!(
            "One may vote on a decision for {}.",
            days_long(rules.decision.days.into())
        ),
        Rule::Delegates => match rules.delegates {
            true => "There are delegates, whom the members choose and recall by vote.".to_owned(),
            false => "There are no delegates: nobody may do more than anybody else.".to_owned(),
        },
        Rule::DelegatesAdmit => match rules.delegates_admit {
            true => "The vouch of one delegate is enough to admit a newcomer.".to_owned(),
            false => "The vouch of a delegate counts as one, like any other.".to_owned(),
        },
        Rule::Posters => match rules.posters {
            Posters::Members => "Every member may write.".to_owned(),
            Posters::Delegates => "Only delegates may write; all members read.".to_owned(),
        },
        Rule::Expiry => format!(
            "What is written is deleted from every member's device after {}.",
            days_long(rules.expiry_days)
        ),
        Rule::Rest => match rules.rest_after_days {
            Some(days) => format!(
                "Of members who are silent for {}, their page suggests to let them rest: they read \
                 on, and are not counted until they return.",
                days_long(days)
            ),
            None => "Nobody is suggested to rest for being silent.".to_owned(),
        },
        Rule::History => match rules.history {
            true => {
                "Newcomers are given what was written in the weeks before they came, since this \
                 rule applies and as far as whoever brings them in still has it."
                    .to_owned()
            }
            false => "Newcomers read what is written from their admission on.".to_owned(),
        },
    }
}

/// Before a rule that is to be changed.
pub const RULE_BEFORE: &str = "Now:";
/// Before what it is to be.
pub const RULE_AFTER: &str = "Then:";
/// Nothing differs.
pub const RULES_SAME: &str = "Nothing is changed yet. Change at least one rule.";

/// Why rules cannot be.
pub fn fault(fault: ConstitutionFault) -> &'static str {
    match fault {
        ConstitutionFault::NeverReached => {
            "Admission or changing the rules asks for more members than there are: nobody could \
             ever come in, or mend the rules."
        }
        ConstitutionFault::BadShare => "A rule asks for nobody, or for more than all.",
        ConstitutionFault::BadMajority => {
            "A decision needs more than half of the votes, or two options could win."
        }
        ConstitutionFault::BadDays => "A number of days is out of its bounds.",
        ConstitutionFault::NobodyPosts => "Only delegates may write, and there are none.",
    }
}

/// A template begins with what one person alone can reach.
pub const RULES_ALONE: &str = "You begin alone, so one vouch is enough to begin with. Once there are \
    more of you, propose to ask for more.";
/// Of how the sentences are meant.
pub const RULES_COUNT: &str = "“All members” are those who are not resting; whoever has just begun to rest still counts in what is proposed \
     for as long as a vote lasts. What was decided is never undone by a vote that arrives late.";
