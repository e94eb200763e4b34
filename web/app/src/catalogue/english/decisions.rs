//! Proposals, vouches, votes, and what came of them.

use komrade_view::{Choice, Matter, Needs, Outcome};

use super::{member, members_count, names};

/// What waits for the person.
pub const WAITS_FOR_YOU: &str = "your turn";
/// Nothing proposed yet.
pub const DECISIONS_EMPTY: &str = "Nothing was proposed yet. Propose a comrade, a decision or other rules; everybody is asked, and \
     nobody has the last word alone.";
/// Open proposals.
pub const OPEN: &str = "Being decided";
/// Ended proposals.
pub const DECIDED: &str = "Decided";
/// Makes one.
pub const PROPOSE: &str = "Propose something";
/// Ballots have names.
pub const NAMED: &str =
    "Vouches and votes have names: every member sees how you voted. Your first vote counts.";
/// The proposal is gone.
pub const NO_SUCH_PROPOSAL: &str =
    "This proposal is not looked at any more. Choose it from the list.";
/// To the list.
pub const TO_DECISIONS: &str = "All decisions";

/// What is proposed; `name`: of whom it is about.
pub fn matter(matter: &Matter, name: &str) -> String {
    match matter {
        Matter::Admit { .. } => format!("Take {name} in"),
        Matter::Remove(_) => format!("Remove {name}"),
        Matter::Rest(_) => format!("Let {name} rest"),
        Matter::Amend(_) => "Change the rules".to_owned(),
        Matter::Delegate { elect: true, .. } => format!("Make {name} a delegate"),
        Matter::Delegate { elect: false, .. } => format!("Recall {name} as a delegate"),
        Matter::Decide { question, .. } => question.clone(),
        Matter::Split(who) if who.len() == 1 => format!("Split: {name} goes and begins anew"),
        Matter::Split(_) => format!("Split: {name} go and begin anew together"),
        Matter::Dissolve => "Dissolve the collective".to_owned(),
    }
}

/// Who proposed, and when.
pub fn proposed_by(name: Option<&str>, when: &str) -> String {
    match name {
        Some(name) => format!("Proposed by {} {when}", member(name)),
        None => format!("Proposed by you {when}"),
    }
}

fn of_needed(needed: u32, votes: bool) -> &'static str {
    match (votes, needed) {
        (false, 1) => "vouch",
        (false, _) => "vouches",
        (true, 1) => "vote for it",
        (true, _) => "votes for it",
    }
}

/// What came of what was needed, once it is over.
pub fn came((came, needed): (u32, u32), votes: bool) -> String {
    format!("{came} of {needed} {}", of_needed(needed, votes))
}

/// How far a proposal is, in a row.
pub fn so_far(needs: &Needs) -> String {
    let vouches = needs.vouches.map(|it| came(it, false));
    let yes = needs.yes.map(|it| came(it, true));
    let quorum = needs
        .quorum
        .map(|(came, needed)| format!("{came} of {needed} took part"));
    let all: Vec<String> = [vouches, yes, quorum].into_iter().flatten().collect();
    all.join(", ")
}

/// How many are against it.
pub fn against(count: usize) -> String {
    match count {
        1 => "1 is against it.".to_owned(),
        _ => format!("{count} are against it."),
    }
}

/// How much is missing, and who could give it: `3 of 5 vouches; Rosa and Emil are enough to decide`.
/// `missing`: those who were not heard, first ones first.
pub fn missing((count, needed): (u32, u32), votes: bool, missing: &[String]) -> String {
    let so_far = came((count, needed), votes);
    let more = needed.saturating_sub(count) as usize;
    match (more, missing.get(..more)) {
        (0, _) => so_far,
        (_, None) => {
            format!("{so_far}; those who were not heard are too few to make up for it")
        }
        (1, Some([name])) if name == super::YOURSELF => {
            format!("{so_far}; you are enough to decide")
        }
        (1, Some([name])) => format!("{so_far}; {name} is enough to decide"),
        (2 | 3, Some(who)) => format!("{so_far}; {} are enough to decide", names(who)),
        _ => format!("{so_far}; {more} more are enough to decide"),
    }
}

/// How far a free decision is.
pub fn turnout((came, needed): (u32, u32)) -> String {
    let took = match came {
        1 => "1 member took part".to_owned(),
        _ => format!("{came} members took part"),
    };
    match needed > came {
        true => format!("{took}; {needed} must"),
        false => format!("{took}; {needed} had to, so it counts"),
    }
}

/// The rule by which it is decided.
pub fn decides(needs: &Needs) -> String {
    let of = members_count(needs.electorate);
    let ballots = |count: u32| match count {
        1 => "1 vote".to_owned(),
        _ => format!("{count} votes"),
    };
    let vouches = |count: u32| match count {
        1 => "1 vouch".to_owned(),
        _ => format!("{count} vouches"),
    };
    match (needs.vouches, needs.yes, needs.quorum) {
        (Some((_, v)), Some((_, y)), _) => format!(
            "By the rules it takes {} and {} for it, of {of}.",
            vouches(v),
            ballots(y)
        ),
        (Some((_, v)), None, _) => format!("By the rules it takes {} of {of}.", vouches(v)),
        (None, Some((_, y)), _) => format!("By the rules it takes {} for it, of {of}.", ballots(y)),
        (None, None, Some((_, q))) => {
            let majority = needs.majority.map_or_else(String::new, |share| {
                let part = super::setting(
                    crate::rules::Rule::Majority,
                    crate::rules::Setting::Share(share),
                );
                format!(", and the winner needs {part} of the votes for an option")
            });
            format!("By the rules {q} of {of} must take part{majority}.")
        }
        (None, None, None) => format!("By the rules {of} are asked."),
    }
}

/// Until when.
pub fn until(when: &str) -> String {
    format!("Until {when}")
}

/// How it ended; `option`: what won, `matter`: what it was about, `(yes, no)`: the voices.
pub fn outcome(outcome: Outcome, option: &str, voices: (usize, usize), when: &str) -> String {
    let (yes, no) = voices;
    match outcome {
        Outcome::Passed if yes + no == 0 => format!("It is so, {when}."),
        Outcome::Passed => format!("It is so: {yes} to {no}, {when}."),
        Outcome::Failed => format!("It was not carried, {when}: not enough agreed or took part."),
        Outcome::Won(_) => format!("“{option}” won, {when}."),
        Outcome::Tie => {
            format!("Two or more options have equally many votes, {when}: nothing is decided.")
        }
        Outcome::Void => format!(
            "It is void, {when}: the rules, the members or the matter changed before it was decided."
        ),
        Outcome::Crossed => format!(
            "It did not count, {when}: two thirds had confirmed something else before it arrived. \
             Nobody turned it down; it can be proposed anew."
        ),
    }
}

/// The same in a word.
pub fn outcome_short(outcome: Outcome, option: &str) -> String {
    match outcome {
        Outcome::Passed => "carried".to_owned(),
        Outcome::Failed => "not carried".to_owned(),
        Outcome::Won(_) => option.to_owned(),
        Outcome::Tie => "a tie".to_owned(),
        Outcome::Void => "void".to_owned(),
        Outcome::Crossed => "came too late".to_owned(),
    }
}

/// Time that is left.
pub fn left(time: &str) -> String {
    format!("{time} left")
}

/// What somebody said to it.
pub fn choice(choice: Choice, option: &str) -> String {
    match choice {
        Choice::Yes => "for it".to_owned(),
        Choice::No => "against it".to_owned(),
        Choice::Abstain => "abstains".to_owned(),
        Choice::Option(_) => option.to_owned(),
    }
}

/// Somebody vouched.
pub const VOUCHES: &str = "vouches";
/// Who was heard.
pub const HEARD: &str = "Heard so far";
/// Nobody was heard yet.
pub const HEARD_NOBODY: &str = "Nobody was heard yet.";

/// Who was not.
pub fn not_heard(who: &[String]) -> String {
    format!("Not heard yet: {}.", names(who))
}

/// Who of those rests.
pub fn rest_and_count(who: &[String]) -> String {
    let count = match who {
        [_] => "counts",
        _ => "count",
    };
    format!(
        "{} began to rest only lately and still {count} here: by returning, they can vote.",
        names(who)
    )
}

/// Section.
pub const YOUR_WORD: &str = "Your word";
/// Whoever rests is asked for it.
pub const YOUR_WORD_RESTING: &str = "You began to rest only lately, so you still count here. To vote, return first; nobody has to \
    agree to that.";
/// What vouching means.
pub const VOUCH_TEXT: &str = "Vouch for somebody you know, and whom you would trust with what is \
    written here. Your name stays beside theirs.";
/// Its reason.
pub const VOUCH_REASON: &str = "How do you know them?";
/// Reasons are read by members.
pub const REASON_HINT: &str = "May stay empty. Every member reads it.";
/// Vouches.
pub const VOUCH: &str = "Vouch for them";
/// Votes.
pub const VOTE_YES: &str = "For it";
/// Votes.
pub const VOTE_NO: &str = "Against it";
/// Votes.
pub const VOTE_ABSTAIN: &str = "Abstain";
/// Votes on a decision.
pub const VOTE: &str = "Vote";
/// The options.
pub const VOTE_OPTIONS: &str = "Your vote";
/// None chosen.
pub const VOTE_MISSING: &str = "Choose one first.";
/// What was said counts.
pub const VOTED: &str = "You have said your word; it cannot be changed.";

/// Votes of an option.
pub fn votes(count: usize) -> String {
    match count {
        1 => "1 vote".to_owned(),
        _ => format!("{count} votes"),
    }
}

/// What changes.
pub const CHANGES: &str = "What changes";
/// What the rules were to be, once it is over.
pub const CHANGES_TO: &str = "The rules that were proposed";

// --- proposing -----------------------------------------------------------------------------------

/// The question.
pub const PROPOSE_WHAT: &str = "What do you propose?";
/// One may not.
pub const PROPOSE_NOT: &str =
    "You cannot propose anything here just now: that is for members who are not resting.";
/// A comrade.
pub const PROPOSE_COMRADE: &str = "Take a comrade in";
/// What happens.
pub const PROPOSE_COMRADE_TEXT: &str = "They are asked first, and see the name, the rules and how \
    many you are. If they say yes, your device proposes them and vouches for them; then the others \
    are asked.";
/// Who.
pub const PROPOSE_WHO: &str = "Who?";
/// Nobody to choose.
pub const PROPOSE_NOBODY: &str =
    "There is nobody to choose. Whom you want to propose, you must have met in Komrade first.";
/// Asks them.
pub const PROPOSE_ASK: &str = "Ask them";

/// They were asked.
pub fn asked_them(name: &str) -> String {
    format!("{name} is asked. You hear of it here once they say yes.")
}

/// A free decision.
pub const PROPOSE_DECIDE: &str = "Decide something";
/// Its question.
pub const PROPOSE_QUESTION: &str = "What is to be decided?";
/// Its options.
pub const PROPOSE_OPTIONS: &str = "Options, one on each line";
/// What stands there at first.
pub const PROPOSE_OPTIONS_FIRST: &str = "Yes\nNo";
/// Bounds.
pub const PROPOSE_OPTIONS_HINT: &str = "2 to 12. Members choose one of them, or abstain.";
/// Not so many.
pub const PROPOSE_OPTIONS_WRONG: &str =
    "Give 2 to 12 options, each on a line of its own and no longer than 500 characters.";
/// No question.
pub const PROPOSE_QUESTION_MISSING: &str = "Write what is to be decided, in 1 to 500 characters.";
/// Other rules.
pub const PROPOSE_AMEND: &str = "Change the rules";
/// A delegate.
pub const PROPOSE_DELEGATE: &str = "Make or recall a delegate";

/// A member in that list.
pub fn delegate_choice(name: &str, elect: bool) -> String {
    match elect {
        true => format!("Make {name} a delegate"),
        false => format!("Recall {name}"),
    }
}

/// Rest.
pub const PROPOSE_REST: &str = "Let a member rest";

/// What that means; `days`: for how many they are still counted.
pub fn propose_rest(days: u8) -> String {
    format!(
        "Who rests reads and writes as before. What is proposed in the next {} still counts them, so that they can return and vote on \
         it; what is proposed later is decided without them. They return whenever they like, without a vote.",
        super::days_long(days.into())
    )
}

/// Remove.
pub const PROPOSE_REMOVE: &str = "Remove a member";
/// What that means.
pub const PROPOSE_REMOVE_TEXT: &str = "Who is removed keeps what they already read and reads nothing \
    that follows. They see that they were removed, and how many voted for it.";
/// Split.
pub const PROPOSE_SPLIT: &str = "Split";
/// What that means.
pub const PROPOSE_SPLIT_TEXT: &str = "Those you choose go, and found a collective of their own. It \
    takes as many votes as a change of the rules, and the yes of each who goes: nobody is sent away by it. \
    All keep what they already read; the others stay, with new keys.";
/// Members removed each other.
pub const PROPOSE_SPLIT_SIDES: &str =
    "Members removed each other. Those on your side are chosen to begin with; choose as you like.";
/// Who goes.
pub const PROPOSE_SPLIT_WHO: &str = "Who goes?";
/// Nobody was chosen, or everybody.
pub const PROPOSE_SPLIT_WRONG: &str = "Choose who goes: one at least, and not everybody.";
/// Who must say yes.
pub const SPLIT_EACH: &str = "Each who goes must vote for it:";
/// Said yes.
pub const SPLIT_YES: &str = "says yes";
/// Did not yet.
pub const SPLIT_NOT_YET: &str = "not yet";

/// One went by a split; `with`: who else did.
pub fn went(with: &[String], when: &str) -> String {
    let with = match with.is_empty() {
        true => String::new(),
        false => format!(" with {}", names(with)),
    };
    format!(
        "You went{with} by a split {when}, as you agreed. You keep what you already read. To go on \
         together, one of you founds a collective and proposes the others."
    )
}

/// End.
pub const PROPOSE_DISSOLVE: &str = "Dissolve the collective";
/// What that means.
pub const PROPOSE_DISSOLVE_TEXT: &str = "If it is carried, nobody writes here any more. Everybody keeps what they already read. It cannot be undone.";
/// The reason.
pub const PROPOSE_REASON: &str = "Why?";
/// Does it.
pub const PROPOSE_SURE: &str = "Propose it";
/// A proposal is not a vote.
pub const PROPOSE_VOTE: &str =
    "Proposing is not voting: vote on it afterwards, like everybody else.";
