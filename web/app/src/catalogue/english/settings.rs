//! Settings.

use komrade_view::AckPace;

/// Section.
pub const ME: &str = "You";
/// One's own code.
pub const MY_CODE: &str = "Your own code";
/// Section.
pub const RENAME_TITLE: &str = "Take another name";
/// The field.
pub const NEW_NAME: &str = "Your new name";
/// Who learns of it.
pub const NEW_NAME_HINT: &str = "Every comrade is told. They still know it is you: the code stays \
    the same.";
/// Takes it.
pub const RENAME: &str = "Take this name";
/// Done.
pub const RENAMED: &str = "This is your name now. Your comrades are told by and by.";
/// Section.
pub const ACK_TITLE: &str = "When you tell others that a message arrived";
/// What that means.
pub const ACK_LEAD: &str =
    "Such an answer always rides on your next message. On its own it leaves:";

/// A pace.
pub fn ack_pace(pace: AckPace) -> &'static str {
    match pace {
        AckPace::Calm => "Calm: about every five minutes, at random times",
        AckPace::Quick => "Quick: within seconds",
        AckPace::Never => "Never on its own",
    }
}

/// What a pace costs.
pub fn ack_pace_cost(pace: AckPace) -> &'static str {
    match pace {
        AckPace::Calm => "Who watches the lines cannot match answers to messages.",
        AckPace::Quick => "Who watches both lines may see who answers whom.",
        AckPace::Never => "Others see “delivered” only after you write back.",
    }
}

/// Section.
pub const CHANGE_TITLE: &str = "Change the passphrase";
/// The old one.
pub const CHANGE_OLD: &str = "Passphrase now";
/// Changes it.
pub const CHANGE: &str = "Change it";
/// Working.
pub const CHANGING: &str = "Stretching both passphrases";
/// Changed.
pub const CHANGED: &str = "Changed. From now on only the new passphrase opens this vault.";
/// Section.
pub const LOCK_TITLE: &str = "Lock";
/// What it does.
pub const LOCK_LEAD: &str = "Forgets all keys and everything on the screen, unsent drafts too, \
    until you give the passphrase. While locked, nothing is sent or received; your relay keeps what \
    comes.";
/// Locks.
pub const LOCK_NOW: &str = "Lock now";
/// Section.
pub const LOOK_TITLE: &str = "Appearance";
/// As the device.
pub const LOOK_SYSTEM: &str = "As this device";
/// Light.
pub const LOOK_LIGHT: &str = "Light";
/// Dark.
pub const LOOK_DARK: &str = "Dark";
/// High contrast.
pub const LOOK_CONTRAST: &str = "High contrast";
/// Section.
pub const NARRATORS_TITLE: &str = "Narrators";
/// The switch.
pub const NARRATORS_ON: &str = "Keymaker, Telephone and Operator explain what happens";
/// Section.
pub const SOFTWARE_TITLE: &str = "This software";
/// Section.
pub const STORED_TITLE: &str = "Where everything is";
/// The plain truth.
pub const STORED_TEXT: &str = "Your keys and all that was written are kept in this browser, \
    encrypted, and nowhere else; relays and their members hold only sealed envelopes on their way, \
    a month at most. \
    Clearing this site's data erases it for good, and the browser itself may do so when space runs \
    out.";
