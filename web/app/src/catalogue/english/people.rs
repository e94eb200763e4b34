//! People, conversations, a comrade's page.

use komrade_view::{ComradeState, DialStage, Tick};

use super::{network::waiting_for, number, span};
use crate::{length::Room, waiting::Wait};

/// Nobody yet.
pub const PEOPLE_EMPTY: &str =
    "You have met nobody yet. Make an invite, or open one that you were given.";
/// The one action.
pub const PEOPLE_EMPTY_ACTION: &str = "Meet someone";
/// The list, for a screen reader.
pub const PEOPLE_LIST: &str = "Comrades, most recently active first";
/// Nothing chosen on a wide screen.
pub const NOTHING_OPEN: &str = "Choose a collective or a comrade to read and write.";
/// The comrade of this address is gone.
pub const NO_SUCH_COMRADE: &str = "There is no such comrade in this vault.";
/// To the list.
pub const TO_PEOPLE: &str = "All people";
/// Codes were compared.
pub const VERIFIED: &str = "verified";
/// Codes were not compared.
pub const NOT_VERIFIED: &str = "not verified yet";
/// No message yet.
pub const NO_MESSAGE_YET: &str = "No messages yet";
/// Prefix of one's own last message.
pub const YOU: &str = "You:";

/// Unread messages of a row.
pub fn unread(count: u32) -> String {
    if count == 1 {
        "1 unread message".to_owned()
    } else {
        format!("{count} unread messages")
    }
}

/// Where a comrade stands, for the row of a list; nothing once met.
pub fn state(state: ComradeState) -> &'static str {
    match state {
        ComradeState::Looking => super::LOOKING,
        ComradeState::Asked => "Waiting for their answer",
        ComradeState::Asking => "Wants to meet you",
        ComradeState::AskingAgain => "Wants to meet you: look closely",
        ComradeState::Met => "",
    }
}

/// How a comrade is reached: `met`, through one's relay, or directly beside it; before that, their
/// relay is asked for their keys.
pub fn reached(met: bool, stage: Option<DialStage>) -> &'static str {
    match (met, stage) {
        (_, None) => "through your relay",
        (true, Some(DialStage::Up)) => "linked directly",
        (true, Some(DialStage::Greeting)) => "direct link: proving who is who",
        (true, Some(DialStage::Dialing)) => "direct link: looking for a tunnel",
        (true, Some(DialStage::WaitingForRelay)) => "direct link: waiting for the router",
        (true, Some(DialStage::Away | DialStage::Unreachable)) => {
            "through your relay; no direct link just now"
        }
        (false, Some(DialStage::Up | DialStage::Greeting)) => "their relay is reached",
        (false, Some(DialStage::Dialing)) => "looking for a tunnel to their relay",
        (false, Some(DialStage::WaitingForRelay)) => "waiting for your relay's router",
        (false, Some(DialStage::Away)) => "their app is closed",
        (false, Some(DialStage::Unreachable)) => "their relay is not reached just now",
    }
}

/// Messages of a conversation, for a screen reader.
pub fn messages_with(name: &str) -> String {
    format!("Messages with {name}")
}

/// The field to write in.
pub fn write_to(name: &str) -> String {
    format!("Write to {name}")
}

/// Sends.
pub const SEND: &str = "Send";
/// Opens a comrade's page.
pub fn about(name: &str) -> String {
    format!("About {name}")
}
/// The divider.
pub const UNREAD_DIVIDER: &str = "New since you were here";
/// Loads older messages.
pub const OLDER: &str = "Show older messages";
/// They are being loaded.
pub const OLDER_LOADING: &str = "Reading older messages";
/// Jumps down.
pub const TO_NEWEST: &str = "To the newest message";
/// Nothing written yet.
pub fn conversation_empty(name: &str) -> String {
    format!("You and {name} have met. Nothing is written yet.")
}

/// Somebody wrote.
pub fn arrived(name: &str, text: &str) -> String {
    format!("{name} writes: {text}")
}

/// Somebody wrote, elsewhere.
pub fn arrived_from(name: &str) -> String {
    format!("A new message from {name}")
}

/// How much room is left for a text, once that is little.
pub fn room_left(room: Room) -> String {
    match room {
        Room::Enough => String::new(),
        Room::Left(1) => "Room for about 1 more character".to_owned(),
        Room::Left(left) => format!("Room for about {} more characters", number(left as u64)),
        Room::Over(1) => {
            "1 character too many: make it shorter to send it. What you typed stays.".to_owned()
        }
        Room::Over(over) => format!(
            "{} characters too many: make it shorter to send it. What you typed stays.",
            number(over as u64)
        ),
    }
}

/// Messages are missing.
pub fn gap(count: u32) -> String {
    let missing = if count == 1 {
        "1 message is".to_owned()
    } else {
        format!("{count} messages are")
    };
    format!("{missing} missing. They were asked for again and will appear by themselves.")
}

/// Messages that will not come.
pub fn lost(count: u32, name: &str) -> String {
    let lost = if count == 1 {
        "1 message is".to_owned()
    } else {
        format!("{} messages are", number(count.into()))
    };
    format!(
        "{lost} lost: {name}'s device kept trying as long as it may and gave up before you were \
         reached. Ask {name} what you missed."
    )
}

/// Their messages take too much room.
pub fn full(name: &str) -> String {
    format!(
        "What {name} sent takes so much room that no more is taken. To make room, delete this \
         conversation on the page about {name}."
    )
}

/// Two of their messages bear one number.
pub fn copied(name: &str) -> String {
    format!(
        "{name}'s device was copied, or restored from an old copy. If {name} did not do that, \
         somebody else may have its keys: ask by another way, best face to face."
    )
}

/// Section.
pub const FORGET_TITLE: &str = "Forget";
/// Deletes the conversation.
pub const DELETE_CONVERSATION: &str = "Delete the conversation";
/// Does it.
pub const DELETE_CONVERSATION_SURE: &str = "Delete every message";
/// What that does.
pub fn delete_conversation_text(name: &str) -> String {
    format!(
        "Deletes every message of this conversation on this device. {name} stays your comrade and \
         keeps their copy; what waits to be sent is still sent."
    )
}

/// Removes a comrade.
pub const REMOVE: &str = "Remove this comrade";
/// Does it.
pub const REMOVE_SURE: &str = "Remove for good";
/// What that does.
pub fn remove_text(name: &str) -> String {
    format!(
        "Forgets {name} and every message between you on this device. They are not told, and what \
         they send from now on is not taken. To meet again you need a new invite."
    )
}

/// Asked once more.
pub const FOR_GOOD: &str = "This cannot be undone.";

/// Who wrote a message, for a screen reader.
pub fn written_by(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{name}:"),
        None => "You wrote:".to_owned(),
    }
}

/// It was written long before it came.
pub fn written(when: &str) -> String {
    format!("written {when}")
}

/// The tick in a few words; nothing for others' messages. `live`: the two devices may be linked
/// directly.
pub fn tick(tick: Tick, live: bool) -> &'static str {
    match tick {
        Tick::Theirs => "",
        Tick::Kept => "kept here",
        Tick::Accepted(_) if live => "handed on",
        Tick::Accepted(_) => "your relay has it",
        Tick::Delivered(_) => "delivered",
        Tick::Expired => "not delivered",
    }
}

/// The tick of the message that is next to leave: what it waits for and how long.
pub fn tick_waiting(wait: Wait, seconds: Option<u64>) -> String {
    let mut text = format!("kept here, waiting for {}", waiting_for(wait.for_what));
    if let Some(seconds) = seconds.filter(|seconds| *seconds >= super::TELL_AFTER_SECONDS) {
        text.push_str(&format!(" ({})", span(seconds)));
    }
    text
}

/// What a tick means. `at` is when it came that far, `name` whose side; `live`: the two devices may
/// be linked directly; `waits` is a sentence on what it waits for while it is kept here.
pub fn tick_explained(tick: Tick, name: &str, at: &str, live: bool, waits: &str) -> String {
    match tick {
        Tick::Theirs => {
            format!("Came sealed and was opened here. Only you and {name} can read it.")
        }
        Tick::Kept => kept_explained(waits),
        Tick::Accepted(_) => {
            let stored = if live {
                format!(
                    "Your relay or, over the direct link, {name}'s device has stored it, still \
                     encrypted ({at})."
                )
            } else {
                format!(
                    "Your relay has stored it, still encrypted ({at}), and passes it on even while \
                     this tab is closed."
                )
            };
            format!(
                "{stored} It now waits for {name}'s device to open it and say so; such answers \
                 travel at their own times, so that nobody can tell who answers whom."
            )
        }
        Tick::Delivered(_) => {
            format!(
                "{name}'s device has opened it ({at}). Whether it was read, Komrade does not tell."
            )
        }
        Tick::Expired => format!(
            "It waited as long as it may, and {name} was never reached. The text is still here: \
             copy it and send it again."
        ),
    }
}

/// What a tick of something that is kept here means.
pub fn kept_explained(waits: &str) -> String {
    format!(
        "Stored on this device and nowhere else yet. {waits} It goes out by itself; you may close \
         the tab and come back."
    )
}

/// Opens the explanation of a tick.
pub const TICK_WHAT: &str = "What does this mean?";

/// The comrade's answer is awaited.
pub fn asked_title(name: &str) -> String {
    if name.trim().is_empty() {
        "Waiting for their answer".to_owned()
    } else {
        format!("Waiting for {name}")
    }
}

/// What happens while waiting.
pub const ASKED_TEXT: &str = "Your answer to the invite goes to their relay by itself, and they \
    confirm you when they next open Komrade; you need not be there at the same time. You can write \
    already: they read it together with your answer.";
/// Somebody answered an invite of one's own.
pub fn asking_title(name: &str) -> String {
    format!("{name} answered your invite")
}

/// What to do.
pub const ASKING_TEXT: &str = "Before you confirm, compare this code by another way, best face to \
    face. If both devices show the same, nobody stands between you.";
/// Somebody else had answered before.
pub const ASKING_AGAIN_TITLE: &str = "Somebody else had answered this invite before";
/// What that means.
pub const ASKING_AGAIN_TEXT: &str = "One invite is for one person. Perhaps they opened it on two \
    devices; perhaps somebody else got hold of the link. Confirm only if the codes match when you \
    compare them face to face.";
/// Confirms after a comparison.
pub const CONFIRM_COMPARED: &str = "The codes match: confirm";
/// Confirms without comparison.
pub const CONFIRM_LATER: &str = "Confirm, compare later";
/// Declines.
pub const DECLINE: &str = "Decline";
/// What declining does.
pub const DECLINE_HINT: &str = "If you decline, they are not told.";

/// The code of the pair.
pub const CODE: &str = "Verification code";
/// How to compare.
pub const CODE_HOW: &str =
    "Read it to each other, or lay the two screens side by side. Both devices must show the same.";
/// What it tells.
pub const CODE_WHY: &str =
    "If it matches, nobody stands between you: not a relay, not whoever carried the invite.";
/// Marks as compared.
pub const VERIFY: &str = "We compared: they match";
/// Takes the mark back.
pub const UNVERIFY: &str = "Take the mark back";
/// They do not match.
pub const CODE_DIFFERS: &str =
    "If they differ, write nothing that matters, and make a new invite in person.";
/// Section.
pub const DIRECT_TITLE: &str = "Direct link";
/// The switch.
pub const DIRECT: &str = "Link our devices directly while both are there";
/// What it gains and what it shows.
pub const DIRECT_HINT: &str = "Messages then arrive faster, but both your relays see that the two \
    devices are linked. It takes effect once both of you switch it on, and is not used between \
    members of one relay.";
/// The person id.
pub const PERSON_ID: &str = "Person id";
/// Not known yet.
pub const NOT_KNOWN_YET: &str = "Not known until they answer";
