//! English.

mod circles;
mod collective;
mod cutting;
mod decisions;
mod format;
mod introduce;
mod link;
mod meet;
mod moving;
mod network;
mod people;
mod refusal;
mod rules;
mod settings;
mod trouble;

pub use circles::*;
pub use collective::*;
pub use cutting::*;
pub use decisions::*;
pub use format::*;
pub use introduce::*;
pub use link::*;
pub use meet::*;
pub use moving::*;
pub use network::*;
pub use people::*;
pub use refusal::*;
pub use rules::*;
pub use settings::*;
pub use trouble::*;

/// The name of the app.
pub const KOMRADE: &str = "Komrade";
/// Leads past the navigation.
pub const SKIP_TO_CONTENT: &str = "Skip to the content";
/// The navigation.
pub const NAVIGATION: &str = "Parts of Komrade";
/// A part of the app.
pub const PEOPLE: &str = "People";
/// A part of the app.
pub const MEET: &str = "Meet";
/// A part of the app.
pub const ROUTE: &str = "Route";
/// A part of the app.
pub const SETTINGS: &str = "Settings";
/// What is said about the software itself.
pub const ABOUT_SOFTWARE: &str = "About this software";
/// Back to where one came from.
pub const BACK: &str = "Back";
/// Closes a sheet.
pub const CLOSE: &str = "Close";
/// Takes a step back.
pub const CANCEL: &str = "Cancel";
/// Copies a text.
pub const COPY: &str = "Copy";
/// It was copied.
pub const COPIED: &str = "Copied";
/// The browser did not let the app copy.
pub const COPY_BY_HAND: &str =
    "This browser does not let a page copy here. The text is selected: copy it by hand.";
/// Hands a text to another app.
pub const SHARE: &str = "Share";
/// Makes a passphrase readable.
pub const SHOW: &str = "Show";
/// Hides a passphrase.
pub const HIDE: &str = "Hide";
/// A name nobody has told yet.
pub const NEW_COMRADE: &str = "New comrade";
/// The vault is being looked at.
pub const OPENING: &str = "Looking for your vault in this browser";

/// The title of the page, with the number of unread messages.
pub fn title(unread: u32) -> String {
    if unread == 0 {
        KOMRADE.to_owned()
    } else {
        format!("({unread}) {KOMRADE}")
    }
}

/// How many things wait in a part of the app.
pub fn waits_for_you(count: usize) -> String {
    if count == 1 {
        "1 waits for you".to_owned()
    } else {
        format!("{count} wait for you")
    }
}

/// The name of a comrade.
pub fn name(name: &str) -> String {
    if name.trim().is_empty() {
        NEW_COMRADE.to_owned()
    } else {
        name.to_owned()
    }
}

/// One of the three who explain the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrator {
    /// Keys, passphrases, recovery.
    Keymaker,
    /// Sending, tunnels, waiting.
    Telephone,
    /// Relays, homes, what each can see.
    Operator,
}

impl Narrator {
    /// Who speaks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keymaker => "Keymaker",
            Self::Telephone => "Telephone",
            Self::Operator => "Operator",
        }
    }
}

/// Silences the narrators for good.
pub const NARRATORS_SKIP: &str = "Skip the narrators for good";
