//! I2P destinations and addresses on every target; with feature `net`, routers and SAM sessions.
//!
//! This part does no I/O and draws no randomness of its own: a browser makes its destination with the
//! source it is given, and its relay hosts it. Formats: <https://geti2p.net/spec/common-structures>.
//!
//! - [`DestinationKeys`]: a destination with its private keys, made here or parsed from a *private blob*
//!   (679 bytes as made here, 455 as some routers make it). Only this type reaches a router, so that
//!   nothing malformed ever does.
//! - [`Destination`]: its public part, 391 bytes.
//! - [`Address`]: what others dial, the SHA-256 of the destination; as text, `….b32.i2p`.
//! - [`reply`]: what a router says over SAM, parsed.
//!
//! | feature | default | what it gives | cost |
//! |---|---|---|---|
//! | `net` | off | `net`: SAM sessions, the embedded router, private networks | emissary and OpenSSL: 12 MB, native only |
//! | `fuzz` | off | `FUZZ` and `seeds`: every decoder with valid examples | nothing |
//!
//! Left out on purpose: names other than `….b32.i2p` (no address book), signatures older than Ed25519, blinded and
//! offline-signed destinations.

mod address;
mod base64;
mod destination;
#[cfg(feature = "fuzz")]
mod fuzz;
mod keys;
#[cfg(feature = "net")]
pub mod net;
pub mod reply;

pub use address::{Address, AddressError};
pub use base64::Base64Error;
pub use destination::{DESTINATION_BYTES, Destination, DestinationError};
#[cfg(feature = "fuzz")]
pub use fuzz::{Decoder, FUZZ, seeds};
pub use keys::{DestinationKeys, KeysError, PRIVATE_BLOB_BYTES, SHORT_PRIVATE_BLOB_BYTES};
