//! Welcome, cutting keys, unlocking.

/// The promise.
pub const WELCOME_TITLE: &str = "Talk with the people you organise with";
/// What it is, in short.
pub const WELCOME_LEAD: &str = "This tab becomes your own Komrade: it makes its keys here, \
    encrypts everything here, and reaches others through I2P. There is no account, no phone number \
    and no company.";
/// Starts.
pub const WELCOME_START: &str = "Cut my keys";
/// Heading of the three honest points.
pub const WELCOME_HONEST: &str = "What it protects, and what it does not";
/// Protected.
pub const WELCOME_PROTECTED: &str = "Only you and those you write to can read your messages. Your \
    comrades never learn your internet address.";
/// Not protected.
pub const WELCOME_NOT_PROTECTED: &str = "Your relay sees that you connect, when you send, how much \
    and to which relays, and may guess from timing who belongs together. It cannot read or forge \
    anything.";
/// Where the data is.
pub const WELCOME_WHERE: &str = "Everything is kept in this browser, locked with a passphrase. If \
    you clear its data, your messages are gone.";
/// On iOS before installing.
pub const WELCOME_IOS: &str = "On iPhone and iPad: add Komrade to the home screen first, and cut \
    keys there. Safari erases pages that were not opened for seven days.";
/// The page came over plain http.
pub const WELCOME_INSECURE: &str = "This page came over plain http. Everything is encrypted all \
    the same, but this browser leaves out opening offline and copying with one touch.";

/// A relay's join link was opened.
pub fn welcome_relay(host: &str) -> String {
    format!("The relay at {host} takes you in. It is used as soon as your keys are cut.")
}

/// A relay's join link was opened that is not whole.
pub const JOIN_DAMAGED: &str = "A part of this join link is missing, so no relay is chosen by it. \
    Ask for the link again and open it whole; you can also paste it later, under Route.";

/// The app was opened without a join link.
pub const WELCOME_NO_RELAY: &str = "No relay is chosen yet, and your messages need one to travel. \
    Open the join link that you were given, or add it later, under Route; it has #j/ in it.";

/// Title of the cutting.
pub const CUTTING_TITLE: &str = "Cutting your keys";

/// Which step of how many.
pub fn cutting_step(step: usize, of: usize) -> String {
    format!("Step {step} of {of}")
}

/// The name.
pub const NAME_LABEL: &str = "What shall your comrades call you?";
/// What the name is for.
pub const NAME_HINT: &str = "Any name will do. Only comrades see it.";
/// Goes on.
pub const NAME_NEXT: &str = "Draw my keys";
/// The name is missing.
pub const NAME_MISSING: &str = "Your comrades need something to call you. 1 to 64 characters.";

/// Narrator: at the name.
pub const SAYS_NAME: &str = "I will cut keys for you on this device. Nobody gives them to you, and \
    nobody can take them back.";
/// Narrator: keys are drawn.
pub const SAYS_DRAWN: &str = "I drew 256 bits of chance from your device: that is your identity. \
    Here it is as 24 words, so that paper can carry it.";
/// Narrator: check.
pub const SAYS_CHECK: &str =
    "I hide the words now and ask for three of them. Paper that was never read is no paper.";
/// Narrator: passphrase.
pub const SAYS_LOCK: &str = "Now a lock for this device. Six words drawn by chance would take a \
    thief longer than either of us has.";
/// Narrator: sealing.
pub const SAYS_SEALING: &str = "I stretch your passphrase through 64 MiB of memory, three times \
    over. You wait a moment once; who guesses waits at every guess.";

/// Title of the words.
pub const WORDS_TITLE: &str = "Your 24 recovery words";
/// What they do.
pub const WORDS_DO: &str = "They bring back who you are: with them you stay the same person to \
    your comrades when this device is lost.";
/// What they do not do.
pub const WORDS_DO_NOT: &str = "They do not bring back messages or comrades, and this version \
    cannot yet take them in. Keep them for the version that can.";
/// Where to keep them.
pub const WORDS_KEEP: &str =
    "Write them on paper, in order. Who has them can be you, so no photo and no cloud.";
/// They were written down.
pub const WORDS_WRITTEN: &str = "I wrote them down";
/// A list of words, for a screen reader.
pub const WORDS_LIST: &str = "Recovery words, in order";

/// Title of the check.
pub const CHECK_TITLE: &str = "Three of them, from your paper";
/// Checks.
pub const CHECK_NEXT: &str = "Check";
/// Shows the words again.
pub const CHECK_AGAIN: &str = "Show me the words again";

/// The label of one asked word.
pub fn check_label(position: usize) -> String {
    format!("Word {position}")
}

/// A word does not match.
pub fn check_wrong(position: usize) -> String {
    format!("This is not word {position}.")
}

/// A word was not typed.
pub fn check_empty(position: usize) -> String {
    format!("Word {position} is missing.")
}

/// Title of the passphrase step.
pub const PASSPHRASE_TITLE: &str = "A passphrase for this device";
/// The offered one.
pub const PASSPHRASE_OFFERED: &str = "Your passphrase";
/// What to do with it.
pub const PASSPHRASE_OFFERED_HINT: &str =
    "Write it down or learn it. Nobody can tell it to you again: without it this vault stays shut.";
/// It was written down.
pub const PASSPHRASE_TAKE: &str = "I wrote it down";
/// An own one.
pub const PASSPHRASE_OWN: &str = "Use my own instead";
/// Back to the offered one.
pub const PASSPHRASE_OFFER: &str = "Use the six words instead";
/// A new passphrase.
pub const PASSPHRASE_NEW: &str = "New passphrase";
/// How long.
pub const PASSPHRASE_HINT: &str = "12 characters or more. Several words are best.";
/// Repeated.
pub const PASSPHRASE_AGAIN: &str = "The same once more";
/// The two differ.
pub const PASSPHRASE_DIFFERS: &str =
    "The two are not the same. Both are still there: show them and compare.";
/// Seals.
pub const PASSPHRASE_SEAL: &str = "Lock my vault with it";

/// Sealing takes its time.
pub const SEALING: &str = "Stretching your passphrase";
/// Where it happens.
pub const SEALING_SAFE: &str = "This usually takes one to ten seconds. Nothing leaves this device.";

/// Title of the unlock screen.
pub const UNLOCK_TITLE: &str = "Your vault is locked";
/// What that means.
pub const UNLOCK_LEAD: &str =
    "Your keys and messages are here, encrypted. Your passphrase opens them.";
/// The passphrase.
pub const UNLOCK_LABEL: &str = "Passphrase";
/// Unlocks.
pub const UNLOCK: &str = "Unlock";
/// Working.
pub const UNLOCKING: &str = "Stretching your passphrase, which makes guessing slow";
/// Nothing was typed.
pub const UNLOCK_EMPTY: &str = "Type the passphrase you locked this vault with.";
/// Something waits for the vault to open.
pub const UNLOCK_INVITE: &str = "You opened an invite. It is shown as soon as the vault is open.";
/// A relay waits for the vault to open.
pub const UNLOCK_RELAY: &str = "You opened a join link. It is shown as soon as the vault is open.";
