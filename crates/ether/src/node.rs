//! A node: it keeps envelopes for those who are away, without being able to read them.
//!
//! The node decides and the [`Shelf`] remembers: a [`Node`] holds its key and its [`Settings`] and nothing else, so a
//! transaction that is undone leaves nothing wrong behind, and memory does not grow with what is kept. Every call is
//! part of a transaction by the rule in [`shelf`](crate::shelf); it validates before it writes.
//!
//! - **Putting** ([`Node::put`], [`Node::give_back`]): admission, shares, one ascending number for each envelope;
//! - **names** ([`Node::place`], [`Node::fetch`]): bundles of invites;
//! - **forwarding** ([`Node::forward`], [`Node::due_home`] and what follows): a queue for foreign homes;
//! - **keeping house** ([`Node::sweep`], [`Node::rotate_token`], [`Node::bits_wanted`]): by the day, in bounded steps.
//!
//! What is sent to whoever is linked is the business of [`NodeLink`](crate::NodeLink).
//!
//! | what grows | bound | reclaimed by |
//! |---|---|---|
//! | envelopes | [`Settings::capacity`]; of it strangers a tenth, members the rest in shares, after a wipe half by return | their expiry, nothing else |
//! | log, order, counts | a few records for each envelope | with it |
//! | intros | [`Settings::intros_per_day`] for each bucket | the next day |
//! | bytes counted for each bucket and day | one record each | three days |
//! | what an account holds | one record, and one for each day of expiry | the sweep |
//! | placed envelopes | [`Settings::placed_per_account`], [`Settings::placed_bytes`] and a 64th of it for each account | unplacing, expiry |
//! | forwards | [`Settings::forwards_per_account`], [`Settings::forward_bytes`] and an eighth of it for each account, 64 homes for each | an answer, expiry |
//! | homes with something waiting | one record for each | when nothing waits |
//! | returned notices | within [`Settings::forwards_per_account`] | [`Frame::Noted`](crate::Frame::Noted), 30 days |
//!
//! No record ties an envelope to an account, but for what waits to be forwarded and what is placed: what an account
//! holds is a sum for each day.
//!
//! A node tells buckets apart down to its own bits and no finer: what was put into a finer bucket lies in the one of
//! the node's bits that holds it, and goes to everybody subscribed there. On a small relay everybody holds everything,
//! also of those who come from a large one.

mod about;
mod clock;
mod forward;
mod house;
mod items;
mod keys;
mod log;
mod notice;
mod party;
mod place;
mod put;
#[cfg(test)]
mod tests;

use self::about::Counters;
pub(crate) use self::items::{Item, Items, Sum};
pub use self::{
    about::{About, Usage},
    forward::{HOME_TURN_MILLIS, Waiting},
};
use crate::{NodeKey, Settings, Shelf, Token};

/// How long members may return envelopes to a new incarnation, in milliseconds.
pub const RETURN_MILLIS: u64 = 7 * crate::DAY_MILLIS;

/// What a new node needs of chance.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// Tells this incarnation from those before a wipe.
    pub incarnation: u64,
    /// The first put token.
    pub token: Token,
}

/// A node on a shelf. See the [module](self).
#[derive(Debug, Clone)]
pub struct Node {
    key: NodeKey,
    settings: Settings,
}

impl Node {
    /// Opens the node that lies on this shelf, or begins one, for which `draw` is used.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn open<S: Shelf>(
        shelf: &mut S,
        key: NodeKey,
        settings: Settings,
        now: u64,
        draw: Draw,
    ) -> Result<Self, S::Error> {
        if about::find(shelf)?.is_none() {
            about::begin(shelf, settings.first_bits(), now, draw)?;
            Counters::default().write(shelf)?;
        }
        Ok(Self { key, settings })
    }

    /// Its key, to which work is bound.
    pub fn key(&self) -> NodeKey {
        self.key
    }

    /// Its bounds.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
