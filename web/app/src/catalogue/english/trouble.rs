//! When something is in the way: another tab, a stopped worker, a store that refuses, other
//! software.

/// Another tab leads.
pub const ELSEWHERE_TITLE: &str = "Komrade is open in another tab";
/// Why only one.
pub const ELSEWHERE_TEXT: &str = "Only one tab may write to the vault, so that no key is ever used \
    twice. Go on there, or take over here: the other tab then locks itself.";
/// Takes over.
pub const TAKE_LEAD: &str = "Take over here";
/// Waiting for it.
pub const TAKING_LEAD: &str = "Asking the other tab to let go";

/// The worker panicked.
pub const PANICKED_TITLE: &str = "Komrade stopped itself";
/// What that means.
pub const PANICKED_TEXT: &str = "It met a state it must not go on from. Your vault is locked and \
    what was stored is safe; text you had not sent is still on its screen.";
/// The worker does not answer.
pub const SILENT_TITLE: &str = "The engine does not answer";
/// What that means.
pub const SILENT_TEXT: &str = "The part of Komrade that holds your keys was silent for too long \
    and was ended. Your vault is locked and what was stored is safe; text you had not sent is \
    still on its screen.";
/// The worker did not start.
pub const REFUSED_TITLE: &str = "The engine did not start";
/// What that means.
pub const REFUSED_TEXT: &str = "The browser did not load it: it is missing, damaged, or of another \
    build than this page. Your vault was not touched. Try again; if this stays, reload the page.";
/// Restarts it.
pub const RESTART: &str = "Start it again";
/// Reloads the page.
pub const RELOAD: &str = "Reload the page";

/// Where in the source, for a report.
pub fn panicked_at(at: &str) -> String {
    format!("If you report this, name the place: {at}")
}

/// The store refused a write.
pub const STORE_FAILED_TITLE: &str = "The browser did not store a change";
/// What that means.
pub const STORE_FAILED_TEXT: &str = "To be safe the vault was locked; what was stored before is \
    unharmed, and text you had not sent is still on its screen. Free some space on this device, \
    then unlock it again.";
/// Unlocks again.
pub const STORE_FAILED_ACTION: &str = "Unlock again";

/// A newer version wrote it.
pub const NEWER_TITLE: &str = "This vault is from a newer Komrade";
/// What that means.
pub const NEWER_TEXT: &str = "This version does not know how to read it, so it did not touch it. \
    Reload the page to get the newer version. If this stays, your relay still serves an older one: \
    ask whoever runs it.";

/// It cannot be read.
pub const DAMAGED_TITLE: &str = "The vault cannot be read";
/// What that means.
pub const DAMAGED_TEXT: &str = "What is stored in this browser is incomplete or was changed. \
    Nothing was overwritten. If you have a copy of this browser's profile, put it back; your 24 \
    words still are who you are.";

/// The loader was replaced.
pub const LOADER_TITLE: &str = "Stop: other software was put in charge here";
/// What that means.
pub const LOADER_TEXT: &str = "The small loader that must never change was replaced by whoever \
    serves this page. Your vault was locked. Do not type your passphrase here; ask your comrades \
    by another way what they see.";

/// Another release is there.
pub const UPDATE_TITLE: &str = "Another version of Komrade is ready";

/// Which.
pub fn update_text(kept: &str, offered: &str) -> String {
    format!(
        "You run {kept}; {offered} was fetched and checked against its list of files. It starts \
         when you agree, and locks the vault once."
    )
}

/// Agrees.
pub const UPDATE_NOW: &str = "Use it now";
/// Not yet.
pub const UPDATE_LATER: &str = "Later";
/// A file of the offered version was wrong.
pub const UPDATE_DAMAGED: &str = "Another version was offered, but one of its files was not what \
    its list says. It was thrown away; the version you run goes on.";
/// Not kept.
pub const SOFTWARE_NOT_KEPT: &str =
    "Not kept in this browser: it opens only while the relay answers.";
/// Being kept.
pub const SOFTWARE_KEEPING: &str =
    "Being fetched and checked, so that it opens without the relay too.";

/// Kept.
pub fn software_kept(release: &str) -> String {
    format!(
        "Version {release} is kept here and opens without the relay. Comrades can compare this \
         number."
    )
}
