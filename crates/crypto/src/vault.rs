//! The vault: what a device keeps, sealed.
//!
//! passphrase → Argon2id ([`StretchJob`], in a worker that is thrown away) → opens a slot of the
//! [`Header`] → random [`MasterKey`] → opens the [`Ring`] of record keys → HKDF subkey per table
//! → AES-256-GCM records.
//!
//! - The header always has two slots; the one that is not used holds random bytes, and which one
//!   that is was drawn by lot. Both are opened by the same stretched passphrase, so that one run of
//!   Argon2id decides.
//! - A record's table, key, schema and generation are associated data: no record can be put in
//!   another's place.
//! - A new generation of record keys begins each week ([`Ring::is_due`]). Once every live record is
//!   sealed anew, the old generation is [retired](Ring::retire): what was deleted before can then
//!   be read by nobody who finds it on the disk. (A browser cannot erase for certain: an old copy
//!   of the ring may remain, too.)
//! - A vault moves to another place in one sealed file ([`Prelude`]); a [`Moved`] mark stays behind.

mod header;
mod moving;
mod ring;
mod stretch;

pub use self::{
    header::{HEADER_BYTES, Header, MasterKey, Slot},
    moving::{FileKey, Moved, PART_OVERHEAD_BYTES, PRELUDE_BYTES, Prelude, PreludeError},
    ring::{
        GENERATION_DAYS, MAX_GENERATIONS, Place, RECORD_OVERHEAD_BYTES, RecordKey, Ring, RingFull,
        VaultError, generation_of,
    },
    stretch::{
        MAX_PASSPHRASE_BYTES, MIN_PASSPHRASE_CHARS, Nfkd, PASSPHRASE_WORDS, Params,
        PassphraseError, Recipe, StretchError, StretchJob, check_passphrase, draw_passphrase,
    },
};

/// The version of every structure in the vault.
const VERSION: u8 = 1;
