//! What talks to the I2P network, for relays: routers, SAM sessions and streams.
//!
//! ```no_run
//! # async fn relay(blob: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! use komrade_i2p::{DestinationKeys, net::{Mode, Router, SessionKeys, SessionOptions}};
//!
//! // The router: embedded, private or another's; restarted by itself, its stages for everybody to see.
//! let router = Router::start(Mode::Embedded { public: None }, "data/router".as_ref())?;
//! let mut stages = router.stages();
//! let sam = router.sam(); // follows the router through restarts
//!
//! // A destination that a member's browser made.
//! let keys = DestinationKeys::parse(blob)?;
//! let session = sam.session(SessionKeys::Private(&keys), router.session_options()).await?;
//! loop {
//!     tokio::select! {
//!         () = session.closed() => break, // make another
//!         incoming = session.accept() => {
//!             let (stream, from) = incoming?;
//!             // … `stream` is AsyncRead + AsyncWrite
//!         }
//!         _ = stages.changed() => { /* tell the members */ }
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! - [`Router`]: one handle for the three [`Mode`]s; [`RouterHandle::sam`] gives the client.
//! - [`Sam`], [`Session`], [`SamStream`]: a SAM 3.1 client.
//! - [`PrivateNetwork`]: several real routers on loopback, for tests, demos and machines without internet.
//!
//! What to know of emissary 0.4 before building on it:
//! - a session that reached an address cannot reach it once it is hosted anew: [`ConnectError::Stale`], dial from a new one;
//! - shutting down one half of a stream ends both (see [`SamStream`]), and the end of a stream proves nothing;
//! - a destination whose process was killed is held for 60 seconds: [`SessionError::InUse`], try again;
//! - it listens for other routers on all interfaces, in private networks too.
//!
//! Logs (`tracing`, targets `komrade_i2p::…`) hold no address, key or size. Those of emissary do: whoever sets up a subscriber
//! adds [`QUIET`] to its filter.

mod backoff;
mod embedded;
mod private;
mod random;
mod router;
mod sam;
mod stage;
mod supervisor;

pub use private::{PrivateError, PrivateNetwork, PrivateOptions};
pub use router::{Mode, Router, RouterHandle, StartError};
pub use sam::{
    AcceptError, ConnectError, Sam, SamError, SamStream, Session, SessionError, SessionKeys,
    SessionOptions,
};
pub use stage::RouterStage;

/// The filter directive that keeps emissary's own logs, which hold addresses, out of everybody's.
pub const QUIET: &str = "emissary=off";
