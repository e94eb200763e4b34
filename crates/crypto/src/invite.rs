//! What a link or QR code carries, and the keys that grow from it.
//!
//! An invite is a 16-byte secret, the hash of the bundle it leads to, one [`Home`] where that bundle
//! is fetched, a last day, and, if wanted, the join secret of the relay that the link's origin
//! names. The bundle is an envelope sealed under [`InviteSecret::bundle_key`], found by
//! [`InviteSecret::locator`]; the answer is an intro that proves the secret
//! ([`InviteSecret::intro`](crate::first_contact)).
//!
//! Layout: version, flags, secret (16), bundle hash (32, or 16), address (32), node key (32, or
//! nothing), last day (2, since the epoch), join secret (16, if flag 1), check (2). Flag 2 says that it is for a
//! collective; which one stands only where the bundle does, and the hash is of both. Version 1 leads
//! to the inviter's own destination: 86 or 102 bytes. Version 2 leads to a relay's node: 102 or 118
//! bytes, for the key takes the place of half the hash, which still leaves a second preimage at 128
//! bits. In base64url that is at most 158 characters: with an origin of up to 38 a link has 200
//! bytes at most, with the longest one 222. The check bytes tell a mistyped link at once, rather
//! than after a minute of dialling.
//!
//! Everything secret stands after `#`, which browsers keep to themselves.

use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    DecodeError,
    codec::Reader,
    derive::{derive, hash},
    labels,
    outer::OuterKey,
    secret::secret_bytes,
};

/// The longest link, in bytes, so that it fits a QR code that a poor camera reads.
pub const MAX_LINK_BYTES: usize = 222;
/// The longest origin in a link, in bytes.
pub const MAX_ORIGIN_BYTES: usize = 60;
/// The most days an invite lives.
pub const MAX_DAYS: u32 = 21;

/// The version that leads to the inviter's own destination.
const VERSION_PEER: u8 = 1;
/// The version that leads to a relay's node.
const VERSION_NODE: u8 = 2;
const FLAG_JOIN: u8 = 1;
const FLAG_COLLECTIVE: u8 = 2;
/// The bytes of a bundle's hash that version 2 holds.
const SHORT_HASH: usize = 16;
const MAX_BYTES: usize = 1 + 1 + 16 + SHORT_HASH + 32 + 32 + 2 + 16 + 2;
const CHECK_BYTES: usize = 2;
const INVITE_MARK: &str = "#i/";
const JOIN_MARK: &str = "#j/";
/// The longest text that is looked at: a link and whatever a messenger wrapped around it.
const MAX_TEXT_BYTES: usize = 1_000;

secret_bytes! {
    /// What proves that somebody was invited.
    InviteSecret, 16
}

secret_bytes! {
    /// What a relay asks of those who join it.
    JoinSecret, 16
}

impl InviteSecret {
    /// Seals the envelope that holds the bundle.
    pub fn bundle_key(&self) -> OuterKey {
        OuterKey::from_bytes(*derive(&self.0, labels::INVITE_BUNDLE, &[]))
    }

    /// Where that envelope is found.
    pub fn locator(&self) -> [u8; 16] {
        *derive(&self.0, labels::INVITE_LOCATOR, &[])
    }
}

/// Why a text is not an invite that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InviteError {
    /// It is something else.
    #[error("not an invite")]
    NotAnInvite,
    /// A newer Komrade made it.
    #[error("made by a newer version")]
    NewerVersion,
    /// Its end is missing.
    #[error("the end is missing")]
    Truncated,
    /// A character is wrong.
    #[error("damaged")]
    Damaged,
    /// The origin is too long for a link.
    #[error("origin longer than 60 bytes")]
    OriginTooLong,
}

/// Where the bundle of an invite is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// At the inviter's own I2P destination.
    Peer([u8; 32]),
    /// At the node of a relay.
    Node {
        /// The node's I2P address.
        address: [u8; 32],
        /// The node's X25519 key, for links.
        key: [u8; 32],
    },
}

/// An invite.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// Proves that its holder was invited.
    pub secret: InviteSecret,
    /// The hash of the bundle; of an invite to a node only the first 16 bytes travel, the others
    /// are 0. Compare with [`Invite::is_bundle`].
    pub bundle_hash: [u8; 32],
    /// Where the bundle is fetched.
    pub home: Home,
    /// The last day (since the epoch) on which it works.
    pub last_day: u16,
    /// Admits to the relay that the link's origin names.
    pub join: Option<JoinSecret>,
    /// Whoever opens it may ask to be proposed to a collective, of which the sealed bundle tells.
    pub for_collective: bool,
}

impl core::fmt::Debug for Invite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Invite {
    /// The bytes.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        let mut flags = 0;
        if self.join.is_some() {
            flags |= FLAG_JOIN;
        }
        if self.for_collective {
            flags |= FLAG_COLLECTIVE;
        }
        match &self.home {
            Home::Peer(address) => {
                out.extend_from_slice(&[VERSION_PEER, flags]);
                out.extend_from_slice(self.secret.expose());
                out.extend_from_slice(&self.bundle_hash);
                out.extend_from_slice(address);
            }
            Home::Node { address, key } => {
                out.extend_from_slice(&[VERSION_NODE, flags]);
                out.extend_from_slice(self.secret.expose());
                out.extend(self.bundle_hash.iter().take(SHORT_HASH));
                out.extend_from_slice(address);
                out.extend_from_slice(key);
            }
        }
        out.extend_from_slice(&self.last_day.to_be_bytes());
        if let Some(join) = &self.join {
            out.extend_from_slice(join.expose());
        }
        let check = check(&out);
        out.extend_from_slice(&check);
        out
    }

    /// Reads the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, InviteError> {
        match bytes {
            [] => return Err(InviteError::Truncated),
            [0, ..] => return Err(InviteError::NotAnInvite),
            [VERSION_PEER | VERSION_NODE] => return Err(InviteError::Truncated),
            // A flag that this build does not know changes the meaning: the sender is newer.
            [VERSION_PEER | VERSION_NODE, flags, ..]
                if flags & !(FLAG_JOIN | FLAG_COLLECTIVE) == 0 => {}
            _ => return Err(InviteError::NewerVersion),
        }
        Self::read(bytes).map_err(|error| match error {
            DecodeError::Truncated => InviteError::Truncated,
            DecodeError::TrailingBytes => InviteError::NotAnInvite,
            _ => InviteError::Damaged,
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        let flags = reader.u8()?;
        let secret = InviteSecret::from_bytes(reader.array()?);
        let (bundle_hash, home) = if version == VERSION_PEER {
            (reader.array()?, Home::Peer(reader.array()?))
        } else {
            let mut hash = [0; 32];
            for (byte, read) in hash.iter_mut().zip(reader.array::<SHORT_HASH>()?) {
                *byte = read;
            }
            let address = reader.array()?;
            let key = reader.array()?;
            (hash, Home::Node { address, key })
        };
        let last_day = reader.u16()?;
        let join = match flags & FLAG_JOIN {
            0 => None,
            _ => Some(JoinSecret::from_bytes(reader.array()?)),
        };
        let found: [u8; CHECK_BYTES] = reader.array()?;
        reader.finish()?;
        let (body, _) = bytes
            .split_last_chunk::<CHECK_BYTES>()
            .ok_or(DecodeError::Truncated)?;
        if found != check(body) {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(Self {
            secret,
            bundle_hash,
            home,
            last_day,
            join,
            for_collective: flags & FLAG_COLLECTIVE != 0,
        })
    }

    /// Whether it leads to the bundle with this hash.
    pub fn is_bundle(&self, hash: &[u8; 32]) -> bool {
        let length = match self.home {
            Home::Peer(_) => hash.len(),
            Home::Node { .. } => SHORT_HASH,
        };
        self.bundle_hash
            .iter()
            .zip(hash)
            .take(length)
            .all(|(ours, theirs)| ours == theirs)
    }

    /// `origin/#i/…`: the origin is `https://host[:port]` without a path.
    pub fn to_link(&self, origin: &str) -> Result<Zeroizing<String>, InviteError> {
        to_link(origin, INVITE_MARK, &self.encode())
    }

    /// Reads a link, or what stands behind its `#i/`; spaces and line breaks do not matter. Gives
    /// the origin too, if there is one.
    pub fn from_text(text: &str) -> Result<(Option<String>, Self), InviteError> {
        let (origin, bytes) = from_text(text, INVITE_MARK)?;
        Ok((origin, Self::decode(&bytes)?))
    }
}

/// `origin/#j/…`: lets somebody join the relay at that origin.
pub fn join_link(origin: &str, secret: &JoinSecret) -> Result<Zeroizing<String>, InviteError> {
    to_link(origin, JOIN_MARK, secret.expose())
}

/// Reads a join link: the origin and the secret.
pub fn parse_join_link(text: &str) -> Result<(String, JoinSecret), InviteError> {
    let (origin, bytes) = from_text(text, JOIN_MARK)?;
    let origin = origin.ok_or(InviteError::NotAnInvite)?;
    match bytes.as_slice().try_into() {
        Ok(secret) => Ok((origin, JoinSecret::from_bytes(secret))),
        Err(_) if bytes.len() < JoinSecret::BYTES => Err(InviteError::Truncated),
        Err(_) => Err(InviteError::NotAnInvite),
    }
}

fn check(body: &[u8]) -> [u8; CHECK_BYTES] {
    let [one, two, ..] = hash(labels::INVITE_CHECK, &[body]);
    [one, two]
}

fn to_link(origin: &str, mark: &str, bytes: &[u8]) -> Result<Zeroizing<String>, InviteError> {
    let origin = origin.trim_end_matches('/');
    if origin.len() > MAX_ORIGIN_BYTES {
        return Err(InviteError::OriginTooLong);
    }
    let mut link = Zeroizing::new(String::with_capacity(MAX_LINK_BYTES));
    link.push_str(origin);
    link.push('/');
    link.push_str(mark);
    BASE64URL_NOPAD.encode_append(bytes, &mut link);
    Ok(link)
}

/// The origin before the mark, if there is one, and the bytes behind it.
fn from_text(text: &str, mark: &str) -> Result<(Option<String>, Zeroizing<Vec<u8>>), InviteError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(InviteError::NotAnInvite);
    }
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.chars().filter(|c| !c.is_whitespace()));
    let (origin, code) = match compact.split_once(mark) {
        Some((before, code)) => (origin(before)?, code),
        None => (None, compact.as_str()),
    };
    Ok((origin, from_base64(code)?))
}

/// `http(s)://host[:port]`, with whatever path followed it cut off; `None` if nothing stood there.
fn origin(text: &str) -> Result<Option<String>, InviteError> {
    if text.is_empty() {
        return Ok(None);
    }
    let (scheme, rest) = text.split_once("://").ok_or(InviteError::NotAnInvite)?;
    let host = rest.split('/').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if !matches!(scheme, "https" | "http") || host.is_empty() || !host.chars().all(plain) {
        return Err(InviteError::NotAnInvite);
    }
    Ok(Some(format!("{scheme}://{host}")))
}

/// Base64url without padding. A text whose last character is lost still decodes as far as it goes,
/// so that it is called truncated rather than foreign.
fn from_base64(code: &str) -> Result<Zeroizing<Vec<u8>>, InviteError> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if code.is_empty() || !code.bytes().all(known) {
        return Err(InviteError::NotAnInvite);
    }
    let whole = match code.len() % 4 {
        1 => code.get(..code.len() - 1).unwrap_or_default(),
        _ => code,
    };
    match BASE64URL_NOPAD.decode(whole.as_bytes()) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        // Bits behind the last whole byte: a longer text was cut, or its last character is wrong.
        Err(_) => {
            let head = whole.get(..whole.len() / 4 * 4).unwrap_or_default();
            BASE64URL_NOPAD
                .decode(head.as_bytes())
                .map(Zeroizing::new)
                .map_err(|_| InviteError::NotAnInvite)
        }
    }
}
