//! A peer without a browser: the engine on tokio, for tests and bots.
//!
//! [`Peer::start`] runs the driver on a thread of its own (its futures stay on one thread, like a browser's) over
//! any store. Then:
//! - [`Peer::command`] asks for what a person can ask for, and waits for the answer;
//! - [`Peer::wait`] waits until what the screens would show ([`Shown`]) is as it should be;
//! - [`Peer::stop`] leaves in good order, [`Peer::kill`] does not, like a tab that is closed; either way another
//!   peer can be started on the same store.

mod host;
mod peer;
mod shown;
mod socket;

pub use komrade_peer::Config;
pub use peer::{CommandError, Peer, Waited};
pub use shown::{MESSAGES_SHOWN, Shown};
