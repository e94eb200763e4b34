//! Meeting: invites made, opened, answered.

/// Title.
pub const MEET_TITLE: &str = "Meet someone";
/// How it works.
pub const MEET_LEAD: &str = "One of you makes an invite, the other opens it, now or days later. An \
    invite is for one person; give it by a way you trust.";
/// Section.
pub const MAKE_TITLE: &str = "Make an invite";
/// Section.
pub const OPEN_TITLE: &str = "Open an invite";
/// Section.
pub const LIVE_TITLE: &str = "Your live invites";
/// Section.
pub const REQUESTS_TITLE: &str = "They want to meet you";
/// Lets the other use one's relay.
pub const WITH_RELAY: &str = "Let them use my relay";
/// What that means.
pub const WITH_RELAY_HINT: &str =
    "For someone who has no relay yet. The relay's join secret is then part of the invite.";
/// How long.
pub const DAYS: &str = "Good for";

/// One choice of days.
pub fn days(days: u8) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

/// Makes it.
pub const MAKE: &str = "Make an invite";
/// Being made.
pub const MAKING: &str = "Making it";
/// It is made.
pub const MADE_TITLE: &str = "Your invite";
/// What to do with it.
pub const MADE_TEXT: &str = "Let them scan it, or give them the link. It is shown once: when you \
    leave this page, make another.";
/// The link.
pub const LINK: &str = "Link";
/// The picture, for a screen reader.
pub const QR: &str = "QR code of the invite";
/// The picture cannot be drawn.
pub const QR_TOO_LONG: &str = "The link is too long for a QR code. Give the link itself.";
/// Done with it.
pub const MADE_DONE: &str = "Done";

/// How long it is good for.
pub fn good_for(remaining: &str) -> String {
    format!("For one person, once. Ends in {remaining}.")
}

/// Where to paste.
pub const PASTE: &str = "The link you were given";
/// What it looks like.
pub const PASTE_HINT: &str = "It has #i/ in it. Looking at it does not use it.";
/// Looks at it.
pub const READ: &str = "Look at it";
/// Nothing pasted.
pub const PASTE_EMPTY: &str = "Paste the link first.";
/// A relay's join link was pasted.
pub const PASTE_JOIN: &str = "This is the join link of a relay, not an invite. To use that relay, \
    paste it under Route.";
/// The preview.
pub const PREVIEW_TITLE: &str = "Somebody invites you";
/// What accepting does.
pub const PREVIEW_TEXT: &str = "Who it is shows after you accept: an invite names nobody. Accept \
    it if you know who gave it to you.";

/// The invite brings a relay.
pub fn preview_relay(host: &str) -> String {
    format!(
        "It also lets you use the relay at {host}. That relay will see that you connect, not what \
         you write."
    )
}

/// The invite brings none, and there is none.
pub const PREVIEW_NEEDS_RELAY: &str = "It brings no relay, and you have none yet. You can accept \
    it all the same: your answer is kept here and goes out once you add a relay under Route.";
/// Accepts.
pub const ACCEPT: &str = "Accept";
/// No.
pub const NOT_NOW: &str = "Not now";
/// Nothing made.
pub const LIVE_EMPTY: &str = "You have no live invites.";

/// A live invite in the list.
pub fn live(made: &str, remaining: &str) -> String {
    format!("Made {made}, ends in {remaining}")
}

/// Somebody answered it.
pub const ANSWERED: &str = "answered";
/// Nobody has.
pub const UNANSWERED: &str = "not answered yet";
/// It brings the relay.
pub const BRINGS_RELAY: &str = "with your relay";

/// Whether an invite works while this device is away. `placed`: a relay has what it needs;
/// `elsewhere`: another one than the one in use.
pub fn invite_works(placed: bool, elsewhere: bool) -> &'static str {
    match (placed, elsewhere) {
        (true, false) => "Works while you are away.",
        (false, false) => {
            "Your relay does not have it yet: stay connected until it says here that it works."
        }
        (true, true) => "Made at another relay: it works as long as that one does.",
        (false, true) => {
            "Made at another relay, which does not have it: revoke it and make a new one."
        }
    }
}

/// Revokes it.
pub const REVOKE: &str = "Revoke";

/// Revokes this one, for a screen reader.
pub fn revoke_made(made: &str) -> String {
    format!("Revoke the invite made {made}")
}

/// Looks at a request.
pub const LOOK: &str = "Look";

/// An invite was opened where there is no vault.
pub const INVITED_TITLE: &str = "You are invited";
/// The question.
pub const INVITED_LEAD: &str = "Somebody wants to meet you on Komrade, where people who organise \
    talk without anybody in between.";
/// There is a Komrade elsewhere.
pub const INVITED_KNOWN: &str = "I already use Komrade";
/// What comes of it.
pub const INVITED_KNOWN_HINT: &str =
    "In another tab, browser or device. You get a text to paste there; nothing is made here.";
/// There is none.
pub const INVITED_NEW: &str = "I am new";
/// Text for one's own app.
pub const INVITED_KNOWN_TEXT: &str = "Open your own Komrade, choose Meet, and paste this under \
    “Open an invite”. Then close this page.";
/// The invite brings a relay.
pub fn invited_new_relay(host: &str) -> String {
    format!("You cut your keys here, and the relay at {host} takes you in.")
}
/// It does not.
pub const INVITED_NEW_ALONE: &str = "You cut your keys here. The invite brings no relay, so you \
    will need the join link of one too.";
/// The text to copy.
pub const INVITED_TEXT: &str = "Your invite, to paste";
/// Back to the choice.
pub const INVITED_BACK: &str = "Back to the choice";
