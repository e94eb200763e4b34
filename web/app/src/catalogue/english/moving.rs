//! Leaving for another address, and arriving from one.

use super::bytes;

/// Section.
pub const MOVE_TITLE: &str = "Move to another address";
/// What it is.
pub const MOVE_LEAD: &str = "Komrade lives at the web address it was opened from, in this browser. \
    To live at another address or in another browser it goes there whole, in one sealed file: keys, \
    comrades, messages.";
/// Begins.
pub const MOVE: &str = "Move from here";
/// What cannot be taken back.
pub const MOVE_WARNING: &str = "From the moment the file is made nothing opens this Komrade here any \
    more: two copies with the same keys would break every conversation. The file opens with your \
    passphrase, and with nothing else.";
/// The field.
pub const MOVE_PASSPHRASE: &str = "Your passphrase";
/// Does it.
pub const MOVE_SURE: &str = "Close here and make the file";
/// Title of what stays behind.
pub const MOVED_TITLE: &str = "Your Komrade leaves this address";
/// What has happened.
pub const MOVED_LEAD: &str = "It does not open here any more. All of it goes to the other address in \
    one sealed file.";
/// The file is not at hand.
pub const MOVED_AGAIN: &str = "If you do not have the file yet, your passphrase makes it once more. \
    Do this only if no file of this Komrade was opened anywhere yet: two that are open break every \
    conversation.";
/// Makes it.
pub const MOVED_MAKE: &str = "Make the file again";
/// The name of the file.
pub const MOVED_FILE: &str = "my-komrade.komrade";
/// Heading of the steps.
pub const MOVED_STEPS_TITLE: &str = "What to do";
/// One after the other.
pub const MOVED_STEPS: [&str; 4] = [
    "Save the file, and look that it is among this browser’s downloads.",
    "Open Komrade at the other address, choose “I bring a Komrade from elsewhere” and give it the \
     file.",
    "Then delete the file everywhere: it is your whole Komrade, and may be opened only once.",
    "Last, come back here and erase what is left.",
];
/// Section.
pub const MOVED_ERASE_TITLE: &str = "Erase what is left here";
/// What that means.
pub const MOVED_ERASE_TEXT: &str = "Once you have the file, nothing here is needed any more. No \
    browser erases for certain: what may remain on its disk is sealed under your passphrase.";
/// Begins.
pub const MOVED_ERASE: &str = "I have the file: erase the rest";
/// Does it.
pub const MOVED_ERASE_SURE: &str = "Erase it for good";
/// It was erased.
pub const MOVED_ERASED: &str = "It is erased here. If you have not opened the file yet, it is your only \
    copy.";

/// The file is being made.
pub fn moved_making(made: u64) -> String {
    format!("Sealing the file, {} so far", bytes(made))
}

/// The browser did not keep all of it.
pub const MOVED_INCOMPLETE: &str = "The browser did not keep the whole file, so there is none to save \
    yet, and nothing was erased. Make room on this device, then make the file again.";

/// Saves the file.
pub fn moved_save(size: u64) -> String {
    format!("Save the file, {}", bytes(size))
}

/// Begins.
pub const BRING: &str = "I bring a Komrade from elsewhere";
/// Title.
pub const BRING_TITLE: &str = "Bring your Komrade here";
/// What is needed.
pub const BRING_LEAD: &str =
    "Choose the file in which it left the other address, and give the passphrase you used there.";
/// The field.
pub const BRING_FILE: &str = "The file";
/// None was chosen.
pub const BRING_NO_FILE: &str = "Choose the file first. Its name ends in .komrade.";
/// The browser did not let the app read it.
pub const BRING_UNREADABLE: &str = "The browser could not read this file. Nothing was changed; choose \
    it again.";
/// Does it.
pub const BRING_OPEN: &str = "Open it here";

/// How far it is.
pub fn bringing(taken: u64, size: u64) -> String {
    format!("Taking it in, {} of {}", bytes(taken), bytes(size))
}
