//! Links by which somebody asks to be proposed, and who asks.

use komrade_view::Candidacy;

use super::{came, members_count};

/// Makes a link.
pub const LINK_TITLE: &str = "Ask people in by a link";
/// What it does.
pub const LINK_TEXT: &str = "Whoever opens it can ask you to propose them. It admits nobody: you see \
    who asks, and if you propose them, the members decide by the rules. Give it to one person, or \
    put it up where many see it.";
/// Who sees what.
pub const LINK_SEEN: &str = "Whoever has it can see the name of this collective, its rules, how many \
    you are, and your name. Those who belong to it are not named.";
/// Makes it.
pub const LINK_MAKE: &str = "Make a link";
/// It is made.
pub const LINK_MADE: &str = "Your link";
/// What to do with it.
pub const LINK_MADE_TEXT: &str = "Let them scan it, or give them the link. It is shown once: when \
    you leave this page, make another.";

/// How long it is good for.
pub fn link_good_for(remaining: &str) -> String {
    format!("For several people. Ends in {remaining}, or when you revoke it under Meet.")
}

/// Of which collective a live invite is.
pub fn link_for(name: &str) -> String {
    format!("to ask for {name}")
}

/// What a live invite was made for.
pub const INVITE_FOR_INTRODUCTION: &str = "for an introduction";

// --- opening one ---------------------------------------------------------------------------------

/// The preview of the link alone.
pub const LINK_PREVIEW_TITLE: &str = "A link to a collective";
/// What looking does.
pub const LINK_PREVIEW_TEXT: &str = "By it you can ask to be proposed. Which collective it is, and \
    who made the link, shows in the next step; until you ask there, nothing is sent to them. The \
    link admits nobody: the members decide.";
/// How long it is good for.
pub fn ends_in(remaining: &str) -> String {
    format!("Ends in {remaining}.")
}

/// Goes on.
pub const LINK_LOOK: &str = "Show me which";
/// It is being fetched.
pub const LOOKING_TITLE: &str = "Fetching what the link is for";
/// What that means.
pub const LOOKING_TEXT: &str = "A relay keeps, sealed, which collective this is and who made the \
    link. It shows here as soon as that is fetched; you can close Komrade and come back. Nothing \
    was sent to anybody. If it does not come for long, the link may have been revoked.";
/// In a row of the list.
pub const LOOKING: &str = "You opened their link";

/// What the link offers.
pub fn linked_title(by: &str, name: &str) -> String {
    format!("{by} invites you to ask to join {name}")
}

/// What asking means.
pub fn linked_text(by: &str, members: u32) -> String {
    format!(
        "This link admits nobody: its members decide. It has {} now. If you ask, {by} sees your \
         name, the code below and your words, and may propose you; then the members are told your \
         name and decide by these rules. Until you ask, nobody hears of it.",
        members_count(members)
    )
}

/// The field.
pub const ASK_WORDS: &str = "Who are you, and why do you ask?";

/// Who reads that.
pub fn ask_words_hint(by: &str) -> String {
    format!("May stay empty. {by} reads it, nobody else.")
}

/// Asks.
pub const ASK: &str = "Ask to be proposed";

/// One has asked.
pub fn asked_text(by: &str, when: &str) -> String {
    format!(
        "You asked {by} {when}. {by} decides whether to propose you, when they next open Komrade; then \
         the members decide. That can take days, and you need not wait here."
    )
}

/// How far a candidacy is: `3 of 5 vouches so far, as told today.`
pub fn candidacy(it: &Candidacy, told: &str) -> String {
    let vouches = it.vouches.map(|it| came(it, false));
    let votes = it.yes.map(|it| came(it, true));
    let all: Vec<String> = [vouches, votes].into_iter().flatten().collect();
    match all.is_empty() {
        true => format!("It is being decided, as told {told}."),
        false => format!("{} so far, as told {told}.", all.join(" and ")),
    }
}

/// Until when.
pub fn candidacy_until(when: &str) -> String {
    format!("The members have until {when}. Who vouched for you is shown once you are one of them.")
}

/// Takes it back.
pub const WITHDRAW: &str = "Ask no longer";
/// What that does.
pub const WITHDRAW_TEXT: &str = "You are not proposed any more, or not welcomed if the members agree: \
    whoever you asked is told that you took it back.";
/// Does it.
pub const WITHDRAW_SURE: &str = "Take it back";

// --- who asks ------------------------------------------------------------------------------------

/// Section.
pub const ASKING_IN: &str = "Asking to be proposed";
/// What the member does.
pub const ASKING_IN_TEXT: &str = "They opened your link. Anybody who has it can ask under any name: \
    compare the code with them before you propose them.";

/// Somebody asks, in a row of the list of people.
pub const ASKS_IN: &str = "Asks to be proposed";

/// How many ask, in a row and for a screen reader.
pub fn asking_in(count: u32) -> String {
    match count {
        1 => "1 person asks to be proposed".to_owned(),
        _ => format!("{count} people ask to be proposed"),
    }
}

/// When somebody asked.
pub fn asked_when(when: &str) -> String {
    format!("Asked {when}")
}

/// Proposes and vouches.
pub const PROPOSE_THEM: &str = "Propose them and vouch";
/// Does not.
pub const PROPOSE_THEM_NOT: &str = "Do not propose them";
/// What a no means for a stranger.
pub const ASKED_NO_STRANGER: &str = "If you do not, they are forgotten here and not told.";
/// What a no means for a comrade.
pub const ASKED_NO_COMRADE: &str =
    "If you do not, they are told that they were not admitted; you stay comrades.";
