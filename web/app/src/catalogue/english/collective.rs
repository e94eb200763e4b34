//! Collectives: the list, founding, the conversation, who belongs.

use komrade_view::{Alarm, PostTick, Standing};

use super::members_count;
use crate::place::Room;

/// The list.
pub const COLLECTIVES: &str = "Collectives";
/// The other list, beside the one of collectives.
pub const COMRADES: &str = "Comrades";
/// None yet.
pub const COLLECTIVES_EMPTY: &str = "A collective is a group that nobody owns. Members admit by \
    vouching, decide by vote and can change their own rules; no relay can read what they write.";
/// Founds one.
pub const FOUND: &str = "Found a collective";
/// The same, where there are some.
pub const FOUND_SHORT: &str = "Found one";

/// How many things wait there, for a screen reader.
pub fn asked(count: u32) -> String {
    match count {
        1 => "1 proposal waits for you".to_owned(),
        _ => format!("{count} proposals wait for you"),
    }
}

/// Unread posts of a row.
pub fn unread_posts(count: u32, mentions: u32) -> String {
    let posts = match count {
        1 => "1 unread post".to_owned(),
        _ => format!("{count} unread posts"),
    };
    match mentions {
        0 => posts,
        1 => format!("{posts}, 1 mentions you"),
        _ => format!("{posts}, {mentions} mention you"),
    }
}

/// Somebody mentions the person, in a row.
pub const MENTIONED: &str = "mentions you";
/// Nothing written.
pub const NO_POST_YET: &str = "Nothing is written yet";

/// Who said what, in a row.
pub fn said(name: &str) -> String {
    format!("{}:", member(name))
}

/// Where a person stands, in a row and below the name; nothing for members.
pub fn stands(standing: Standing) -> &'static str {
    match standing {
        Standing::Linked { .. } => "You opened a link to it",
        Standing::Asked { .. } => "You asked to be proposed",
        Standing::Invited { .. } => "You are asked to join",
        Standing::Candidate { .. } => "The members decide on you",
        Standing::Member => "",
        Standing::Resting => "You are resting",
        Standing::Left(_) => "You left",
        Standing::Removed(_) => "No longer a member",
        Standing::NotAdmitted(_) => "You were not admitted",
        Standing::Dissolved(_) => "Dissolved",
    }
}

/// Where a person stands and how many members there are.
pub fn about_collective(standing_now: Standing, members: u32) -> String {
    let members = members_count(members);
    match stands(standing_now) {
        "" => members,
        standing => format!("{members} · {}", lower(standing)),
    }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_lowercase());
    first.into_iter().flatten().chain(letters).collect()
}

/// The name of a member.
pub fn member(name: &str) -> String {
    match name.trim().is_empty() {
        true => "A member".to_owned(),
        false => name.to_owned(),
    }
}

/// Names in a row: `Rosa`, `Rosa and Emil`, `Rosa, Emil and Bo`.
pub fn names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// A part of a collective.
pub fn room(room: Room) -> &'static str {
    match room {
        Room::Talk => "Posts",
        Room::Decisions | Room::Proposal | Room::Propose => "Decisions",
        Room::Members => "Members",
        Room::Rules => "Rules",
    }
}

/// The parts, for a screen reader.
pub const ROOMS: &str = "Parts of this collective";
/// It is not here.
pub const NO_SUCH_COLLECTIVE: &str = "There is no such collective in this vault.";
/// It is being read.
pub const COLLECTIVE_READING: &str = "Reading what is kept here.";

// --- founding ------------------------------------------------------------------------------------

/// Which step.
pub fn step(step: usize, of: usize) -> String {
    format!("Step {step} of {of}")
}

/// First step.
pub const FOUND_NAME_TITLE: &str = "What is it called?";
/// Its field.
pub const FOUND_NAME: &str = "Name of the collective";
/// What helps.
pub const FOUND_NAME_HINT: &str = "1 to 64 characters. Members and those who are asked to join see it; no relay does. It cannot be \
     changed later.";
/// Second step.
pub const FOUND_RULES_TITLE: &str = "How does it decide?";
/// The templates.
pub const FOUND_TEMPLATE: &str = "Begin with";
/// What follows.
pub const FOUND_EDIT: &str =
    "Change any rule you like. Members can change all of them later, by vote.";
/// Third step.
pub const FOUND_LOOK_TITLE: &str = "Look it over";
/// What happens next.
pub const FOUND_ALONE: &str = "You are its first member, with no more rights than those who come \
    after you. Then propose comrades, under Decisions.";
/// Goes on.
pub const NEXT: &str = "Next";
/// Does it.
pub const FOUND_SURE: &str = "Found it";
/// No name.
pub const FOUND_NAME_MISSING: &str = "Give it a name first.";

// --- conversation --------------------------------------------------------------------------------

/// Nothing said yet.
pub const POSTS_EMPTY: &str = "Nothing is written yet. What you write here, every member can read.";
/// No post, and none is to be written.
pub const POSTS_NONE: &str = "Nothing was written.";
/// Answers a post.
pub const ANSWER: &str = "Answer";

/// The same, for a screen reader.
pub fn answer_to(name: &str) -> String {
    format!("Answer {name}")
}

/// Who is being answered; nobody: oneself.
pub fn answering(name: &str) -> String {
    match name.is_empty() {
        true => "You add to what you wrote:".to_owned(),
        false => format!("You answer {name}:"),
    }
}

/// For a screen reader.
pub const IN_ANSWER_TO: &str = "In answer to:";
/// What is answered is not known here.
pub const ANSWERS_UNKNOWN: &str = "something that is not here";
/// The person is mentioned.
pub const MENTIONS_YOU: &str = "mentions you";
/// Members whose name is begun.
pub const MENTION: &str = "Whom do you mention?";

/// Somebody posted, for a screen reader.
pub fn posted(name: &str, collective: &str) -> String {
    format!("{} writes in {collective}", member(name))
}

/// How far one's own post has come.
pub fn post_tick(tick: PostTick) -> String {
    match tick {
        PostTick::Theirs => String::new(),
        PostTick::Kept => "kept here".to_owned(),
        PostTick::Accepted { homes, of } if homes >= of => "on its way".to_owned(),
        PostTick::Accepted { homes, of } => format!("handed on for {homes} of {of} relays"),
        PostTick::Seen(1) => "seen by 1 member".to_owned(),
        PostTick::Seen(members) => format!("seen by {members} members"),
    }
}

/// What that means; `waits` are sentences on what it waits for while it is not handed on for every relay.
pub fn post_tick_explained(tick: PostTick, waits: &str) -> String {
    match tick {
        PostTick::Theirs => {
            "Came sealed to the members and was opened here. No relay can read it.".to_owned()
        }
        PostTick::Kept => super::kept_explained(waits),
        PostTick::Accepted { homes, of } => {
            let waits = match homes < of {
                true => format!("{waits} "),
                false => String::new(),
            };
            format!(
                "Sealed, it was handed on for {homes} of the {of} relays that the members use. \
                 {waits}Whether it was opened shows when members write something after it."
            )
        }
        PostTick::Seen(members) => format!(
            "{} had opened it when they last wrote something. Others may have, without having \
             written since.",
            capital(&members_count(members))
        ),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase());
    first.into_iter().flatten().chain(letters).collect()
}

/// Posts or votes are missing.
pub fn gap_of_collective(count: u32) -> String {
    match count {
        1 => "1 post or vote is missing. Other members are asked for it; it will appear by itself."
            .to_owned(),
        _ => format!(
            "{count} posts or votes are missing. Other members are asked for them; they will appear \
             by themselves."
        ),
    }
}

/// Why one may not write.
pub fn silent(standing: Standing, only_delegates: bool) -> &'static str {
    match standing {
        Standing::Member | Standing::Resting if only_delegates => {
            "By the rules of this collective only delegates write here."
        }
        Standing::Member => "You cannot write here just now: your admission is still under way.",
        _ => "You can read what you have; you cannot write here.",
    }
}

/// What a person must know before going on; `name`: of whom it is about.
pub fn alarm(alarm: Alarm, name: &str, days: u64) -> String {
    match alarm {
        Alarm::DoubleSigned(_) => format!(
            "{name}'s device signed two states of this collective that exclude each other. Two \
             halves of you may be told different things: compare with others face to face before \
             you decide anything."
        ),
        Alarm::MutualRemoval => "Members removed each other, so who belongs is in dispute. Talk, \
                                 outside of Komrade too, before you decide anything else. If you \
                                 cannot go on together, you can split: whoever is still a member here \
                                 proposes it under Decisions, and whoever is not founds another."
            .to_owned(),
        Alarm::NotFinal(_) => format!(
            "For {days} days no two thirds of the members have confirmed the same state. Nothing is \
             lost; ask those who are silent to open Komrade."
        ),
        Alarm::Contradicts => "Two thirds of the members have confirmed one state of this collective, \
                               and two thirds another that excludes it. Nothing that was decided is \
                               carried out here any more; what you wrote and read is safe. Find out \
                               face to face which of the two is yours, and who confirmed both."
            .to_owned(),
        Alarm::OtherPast => "As many members as it takes have confirmed another past of this \
                             collective, which excludes the one that you know. Nothing of it \
                             counts on your device, and what you wrote and read is safe. Others may \
                             see that past instead: compare face to face who belongs."
            .to_owned(),
        Alarm::TooLong => "So much was decided here that nobody new could be told all of it, so \
                           nobody can be asked in. All else goes on, and what you wrote and read is \
                           safe. To grow further, found a new collective together."
            .to_owned(),
        Alarm::NoKeys => "There are no fresh keys for the members as they are now, so nothing is \
                          sent. What you write is kept here; new keys come by themselves, or draw \
                          them under Members."
            .to_owned(),
    }
}

// --- offers, ends --------------------------------------------------------------------------------

/// An offer.
pub fn offer_title(by: &str, name: &str) -> String {
    format!("{by} would propose you for {name}")
}

/// What a yes means.
pub fn offer_text(members: u32) -> String {
    format!(
        "It has {} now. If you say yes, they are told your name, and decide by the rules below; \
         that can take days, and you need not be there. Until then you read nothing of theirs.",
        members_count(members)
    )
}

/// Says yes.
pub const OFFER_YES: &str = "Yes, propose me";
/// Says no.
pub const OFFER_NO: &str = "No, thank you";
/// Its rules.
pub const OFFER_RULES: &str = "Its rules";

/// A candidate waits.
pub fn candidate_text(by: &str, when: &str) -> String {
    format!(
        "You said yes {when}, and {by} proposes you. The members vouch and vote when they next open \
         Komrade; that can take days. You need not wait here: once you are admitted it shows by \
         itself, even if you were away for weeks."
    )
}

/// How it ended; `voices`: for and against, where a vote removed the person.
pub fn ended(standing: Standing, when: &str, voices: Option<(usize, usize)>) -> String {
    match (standing, voices) {
        (Standing::Removed(_), Some((yes, no))) => format!(
            "You were removed by a decision of {yes} to {no} {when}; you keep what you already read."
        ),
        (Standing::Removed(_), None) => format!(
            "You are not a member any more, by a decision of the members {when}: a removal, or a \
             split that you agreed to. You keep what you already read."
        ),
        (Standing::Left(_), _) => format!(
            "You left {when}. The others were told; you keep what you already read, and what they \
             write now you cannot read."
        ),
        (Standing::NotAdmitted(_), _) => format!(
            "You were not admitted: it was decided, or the time for it was over, {when}. To come \
             in, you have to be proposed again."
        ),
        (Standing::Dissolved(_), _) => format!(
            "The members dissolved this collective by vote {when}. You keep what you already read; \
             nobody writes here any more."
        ),
        _ => String::new(),
    }
}

// --- members -------------------------------------------------------------------------------------

/// The picture.
pub const VOUCHED: &str = "Who vouched for whom";
/// Says the same in words.
pub const VOUCHED_HOW: &str = "An arrow leads from who vouched to whom they brought in. The list below says the same in words.";
/// Zooms.
pub const LARGER: &str = "Larger";
/// Zooms.
pub const SMALLER: &str = "Smaller";

/// Since when somebody belongs, and by whom. `when`: a day as behind *since*, for a founder as by itself.
pub fn member_since(vouchers: &[String], when: &str) -> String {
    match vouchers {
        [] => format!("Founded it {when}."),
        vouchers => format!("{} vouched; a member since {when}.", names(vouchers)),
    }
}

/// When a member's key was drawn anew.
pub fn rekeyed(when: Option<&str>) -> String {
    match when {
        Some(when) => format!("Their own key was drawn anew {when}."),
        None => "Their own key is that of their admission.".to_owned(),
    }
}

/// It is oneself.
pub const YOURSELF: &str = "you";
/// A member rests.
pub const RESTING: &str = "resting";
/// A member is a delegate.
pub const DELEGATE: &str = "delegate";

/// A member is silent for long.
pub fn silent_for(days: u64) -> String {
    format!("Silent for {days} days: by the rules they may be proposed to rest.")
}

/// Former members.
pub const FORMER: &str = "Former members";
/// Section.
pub const KEYS_TITLE: &str = "Keys";

/// Since when the keys are in use.
pub fn keys_since(when: Option<&str>) -> String {
    match when {
        Some(when) => format!("All of you use the same keys since {when}."),
        None => "There are no keys for the members as they are now; new ones come by themselves."
            .to_owned(),
    }
}

/// When two thirds confirmed something last.
pub fn final_at(when: Option<&str>) -> String {
    match when {
        Some(when) => {
            format!(
                "More than two thirds confirmed who belongs {when}; what was before that stays."
            )
        }
        None => "No two thirds have confirmed yet who belongs; that comes with time.".to_owned(),
    }
}

/// What locking does.
pub const REKEY_TEXT: &str = "They change within a week by themselves, and whenever somebody goes. \
    If a device of one of you was lost, draw new ones now: what was taken from it reads nothing that \
    is written afterwards, once that member is removed or has a new key.";
/// Does it.
pub const REKEY: &str = "Draw new keys now";
/// It was done.
pub const REKEYED: &str = "New keys are drawn and go to every member.";
/// Section.
pub const PLACE_TITLE: &str = "Your place here";
/// Returns from resting.
pub const RETURN: &str = "Return from resting";

/// What that does; `days`: for how many one is still counted.
pub fn return_text(days: u8) -> String {
    format!(
        "You are resting: you read and write as before. What is proposed in the first {} of your rest still counts you, and you can \
         return and vote on it; what is proposed later is decided without you. Nobody has to agree to your return.",
        super::days_long(days.into())
    )
}

/// Leaves.
pub const LEAVE: &str = "Leave";
/// Does it.
pub const LEAVE_SURE: &str = "Leave for good";
/// What that does.
pub const LEAVE_TEXT: &str = "The others are told, and draw new keys without you. You keep what you \
    already read. To come back you need to be vouched for again.";
/// Forgets it.
pub const FORGET_COLLECTIVE: &str = "Forget it here";
/// Does it.
pub const FORGET_COLLECTIVE_SURE: &str = "Forget all of it";
/// What that does.
pub const FORGET_COLLECTIVE_TEXT: &str =
    "Deletes every post, proposal and key of this collective on this device.";
/// Since when the rules are in force; `when` already holds its word.
pub fn rules_since(when: &str) -> String {
    format!("In force since {when}.")
}
/// Proposes to change them.
pub const RULES_CHANGE: &str = "Propose to change them";
