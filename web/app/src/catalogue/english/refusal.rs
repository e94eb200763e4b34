//! Why something was not done: what happened, what is safe, what to do.

use komrade_view::Refusal;

use crate::bridge::Failure;

/// The sentence for a refusal.
pub fn refusal(refusal: Refusal) -> &'static str {
    use Refusal as R;
    match refusal {
        R::WrongPassphrase => {
            "This passphrase does not open the vault. Nothing was changed; what you typed is still \
             there."
        }
        R::PassphraseTooShort => {
            "This is shorter than 12 characters. A few words with spaces between them are easy to \
             keep and hard to guess."
        }
        R::VaultExists => {
            "There is a vault in this browser already, and it was not touched. Reload the page to \
             unlock it."
        }
        R::NoVault => "There is no vault in this browser. Cut your keys first.",
        R::Locked => "The vault is locked, so this was not done. Unlock it and try again.",
        R::NoKeysCut => {
            "The keys that were cut are gone, because the page or its worker was restarted. \
             Nothing was stored; please begin again."
        }
        R::NotLeading => {
            "Komrade leads in another tab, and only one may write. Go on there, or take over here."
        }
        R::BadName => "A name has 1 to 64 characters.",
        R::BadRelayLink => {
            "This is no address and no join link of a relay, or a part of it is missing. Ask \
             whoever runs the relay for the link again and paste it whole; it has #j/ in it."
        }
        R::NoRelay => {
            "This needs a relay, and you have none yet or it is still waking up. Route shows how \
             far it is, and adds one."
        }
        R::BadInvite => {
            "This is no Komrade invite, or a part of it is missing. Ask for the whole link; it has \
             #i/ in it."
        }
        R::NewerInvite => {
            "A newer Komrade made this invite. Reload the page to get the newer one, then open it \
             again."
        }
        R::InviteExpired => "This invite has expired. Ask for a new one.",
        R::OwnInvite => "This is your own invite. Give it to the person you want to meet.",
        R::InviteUsed => "You have used this invite already. Its comrade is among your people.",
        R::TooManyInvites => "You have 50 live invites, and no more are kept. Revoke one first.",
        R::TooManyComrades => "You have 5,000 comrades, and this version keeps no more.",
        R::Unknown => "This is not here any more. Nothing was changed.",
        R::NotConfirmed => {
            "You two have not both confirmed yet, so nothing can be sent. What you typed is kept."
        }
        R::EmptyMessage => "There is nothing to send yet.",
        R::MessageTooLong => {
            "This is longer than 20,000 bytes, so it was not sent. What you typed is kept; send it \
             in parts."
        }
        R::OutboxFull => {
            "1,000 messages wait for this comrade already, and no more are taken. They go out by \
             themselves; what you typed is kept."
        }
        R::StorageFull => {
            "The browser has no more room, so this was not done. Nothing was lost; free some space \
             on this device and try again."
        }
        R::StorageFailed => {
            "The browser could not store this, so it was not done. Nothing was lost; try again, \
             and reload the page if it stays."
        }
        R::NewerVault => {
            "A newer Komrade wrote this vault, so this one did not touch it. Reload the page to \
             get the newer one."
        }
        R::VaultDamaged => {
            "What is stored in this browser cannot be read. Nothing was overwritten."
        }
        R::OutOfBounds => "A number was outside of what is possible here. Nothing was changed.",
        R::NoMemory => {
            "This device has not enough free memory to stretch the passphrase. Nothing was \
             changed; close other tabs and apps, then try again."
        }
        R::Moved => {
            "This Komrade has left for another address, so this was not done. If its file was \
             not opened anywhere yet, your passphrase makes it again."
        }
        R::ForeignFile => {
            "No Komrade left in this file, and nothing was changed. The name of the right one ends \
             in .komrade."
        }
        R::NewerFile => {
            "A newer Komrade made this file, so this one did not touch it. Reload the page to get \
             the newer one."
        }
        R::FileCutShort => {
            "This file ends too early: it was not saved or copied whole. Nothing was changed here; \
             save it again at the old address."
        }
        R::FileDamaged => {
            "This file is not as it was sealed, so nothing of it was taken. Copy it again; or, if it \
             was not opened anywhere yet, make it again at the old address."
        }
        R::TooManyRelays => "Three relays are in use, and more are not. Leave one of them first.",
        R::RelayInUse => "This relay is in use already.",
        R::NoFileYet => {
            "There is no whole file of this Komrade yet, so nothing was erased. Make the file and \
             save it first."
        }
        R::NotEntitled => {
            "This is not yours to do here: it takes a member who is not resting, or another one than \
             you. Nothing was changed."
        }
        R::Over => "This was decided or done before, or its time is over. Nothing was changed.",
        R::TooManyIntroductions => {
            "24 introductions of yours wait for answers already. Wait for some, or end one on a \
             comrade's page."
        }
        R::TooManyProposals => {
            "You have several proposals open, or made very many lately. Nothing was proposed; wait \
             until some are decided."
        }
        R::BadConstitution => {
            "Rules like these could not work, so nothing was changed. Look at what is marked, then \
             try again."
        }
        R::TooManyCircles => {
            "There is room for 32 circles, with 500 comrades in each, and this would be more. Nothing \
             was changed."
        }
        R::PostTooLong => {
            "This is longer than a circle takes: 8,000 bytes for a post, 2,000 for a comment. It was \
             not sent; what you typed is kept."
        }
        R::CirclesFull => {
            "Your circles hold as much as there is room for, so this was not sent; what you typed is \
             kept. Take something back or end a circle, then try again."
        }
        R::Busy => "This is still being done. Wait until it has ended, then try again.",
        _ => "This was refused for a reason this version has no words for. Nothing was changed.",
    }
}

/// The sentence for whatever kept a command from being carried out.
pub fn failure(failure: Failure) -> &'static str {
    match failure {
        Failure::Refused(why) => refusal(why),
        Failure::WorkerEnded => {
            "The part of Komrade that holds your keys stopped, so this may not have been done. \
             What was stored is safe; restart it and look."
        }
    }
}
