//! Pairwise sessions: Olm (vodozemac), version 2 only, whose MAC is not truncated.
//!
//! A thin wrapper that adds what the library leaves to its user:
//!
//! - **Prekeys by date.** vodozemac remembers two fallback keys; ours live until 30 days after
//!   their week. So every prekey sits in an account of its own, all with the same identity key, and
//!   a first message names the one it used. A fallback key serves any number of first messages, a
//!   one-time key the first only.
//! - **Bytes.** A message is one byte for its kind, then the library's bytes. State is the
//!   library's pickle in CBOR with a version, in memory that is erased; the engine seals it.
//! - **Limits and refusals.** Version 1 is refused everywhere; lengths are bounded.
//!
//! Deduplication is the engine's: [`Message::prekey`] gives identity, base key and session id of a
//! first message. A fallback key and a replayed first message would make the session anew, so a
//! base key that was seen must not reach [`Account::receive`] again. vodozemac draws its own
//! randomness.

use core::fmt;

use data_encoding::BASE64_NOPAD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;
use vodozemac::{
    Curve25519PublicKey,
    olm::{
        self, AccountPickle, DecryptionError, OlmMessage, SessionConfig, SessionCreationError,
        SessionPickle,
    },
};
use zeroize::Zeroizing;

use crate::{DecodeError, kem};

/// The longest message, in bytes: the largest envelope.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The longest serialised session, in bytes: five chains of 40 skipped keys each.
pub const MAX_SESSION_BYTES: usize = 64 * 1024;
/// The longest serialised account, in bytes.
pub const MAX_ACCOUNT_BYTES: usize = 128 * 1024;
/// The most prekeys that an account holds: the weeks kept, and one for each of 50 invites.
pub const MAX_KEYS: usize = 64;

const STATE_VERSION: u8 = 1;
/// The version byte of an Olm message with an untruncated MAC.
const OLM_V2: u8 = 4;

/// Why a pairwise step failed. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PairwiseError {
    /// No Olm message, or too long.
    #[error("not a pairwise message")]
    Malformed,
    /// An Olm message with the truncated MAC of version 1.
    #[error("olm version 1")]
    OldVersion,
    /// The prekey it names is not here: used up, expired, or another's.
    #[error("unknown prekey")]
    UnknownPrekey,
    /// It is a first message of somebody else than expected.
    #[error("another identity key")]
    WrongIdentity,
    /// A first message is needed here, and this is none.
    #[error("no session yet")]
    NotAFirstMessage,
    /// A key gives no secret.
    #[error("bad key")]
    BadKey,
    /// The key for this message is gone: it was opened before, or came far too late.
    #[error("opened before or too late")]
    KeyGone,
    /// More than 2,000 messages are missing before it.
    #[error("too far ahead")]
    TooFarAhead,
    /// It does not open in this session.
    #[error("does not open")]
    DoesNotOpen,
    /// As many prekeys as there may be.
    #[error("too many prekeys")]
    TooManyKeys,
    /// The plaintext is too long.
    #[error("too long")]
    TooLong,
}

/// What a first message says before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prekey {
    /// The sender's Olm identity key, to be compared with the sender's bundle.
    pub identity: [u8; 32],
    /// Drawn by the sender for this session: dedupe by it.
    pub base: [u8; 32],
    /// The prekey of the recipient that it used.
    pub prekey: [u8; 32],
    /// The session it belongs to.
    pub session: SessionId,
}

/// The name of a session, the same on both sides: SHA-256 of the three keys above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionId(pub [u8; 32]);

/// An encrypted message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(OlmMessage);

impl Message {
    /// Reads a message: one byte (0 first, 1 later), then the library's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, PairwiseError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(PairwiseError::Malformed);
        }
        let (kind, body) = bytes.split_first().ok_or(PairwiseError::Malformed)?;
        let message = OlmMessage::from_parts(usize::from(*kind), body)
            .map_err(|_| PairwiseError::Malformed)?;
        let version = match &message {
            OlmMessage::Normal(message) => message.version(),
            OlmMessage::PreKey(message) => message.message().version(),
        };
        if version != OLM_V2 {
            return Err(PairwiseError::OldVersion);
        }
        #[cfg(feature = "audit")]
        {
            let (key, number) = Self(message.clone()).place();
            crate::audit::hear(key, number, body);
        }
        Ok(Self(message))
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = self.0.to_parts();
        let mut out = Vec::with_capacity(1 + body.len());
        out.push(u8::from(kind != 0));
        out.extend_from_slice(&body);
        out
    }

    /// The ratchet key of the chain that it stands in, and its number there: read in this order, no message costs
    /// the key of another.
    pub fn place(&self) -> ([u8; 32], u64) {
        let inner = match &self.0 {
            OlmMessage::Normal(message) => message,
            OlmMessage::PreKey(message) => message.message(),
        };
        (inner.ratchet_key().to_bytes(), inner.chain_index())
    }

    /// What a first message says of itself; `None` for later ones.
    pub fn prekey(&self) -> Option<Prekey> {
        match &self.0 {
            OlmMessage::Normal(_) => None,
            OlmMessage::PreKey(message) => Some(Prekey {
                identity: message.identity_key().to_bytes(),
                base: message.base_key().to_bytes(),
                prekey: message.one_time_key().to_bytes(),
                session: session_id(&message.session_id()),
            }),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}

/// The pairwise keys of a device.
pub struct Account {
    /// The identity key, and no prekeys: where every other account is copied from.
    identity: olm::Account,
    /// Newest first.
    held: Vec<Held>,
}

/// An account with one prekey.
struct Held {
    public: [u8; 32],
    life: Life,
    account: olm::Account,
}

/// How long a prekey lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Life {
    /// The fallback key of a week.
    Week(u32),
    /// Until used, or until the end of a day.
    Once(u32),
}

/// What a first message opened.
pub struct Received {
    /// The new session.
    pub session: Session,
    /// What it said.
    pub plaintext: Zeroizing<Vec<u8>>,
}

impl Account {
    /// Draws an identity key. No prekeys yet.
    #[expect(
        clippy::new_without_default,
        reason = "it draws keys, which a default should not"
    )]
    pub fn new() -> Self {
        Self {
            identity: olm::Account::new(),
            held: Vec::new(),
        }
    }

    /// The identity key.
    pub fn identity(&self) -> [u8; 32] {
        self.identity.curve25519_key().to_bytes()
    }

    /// The fallback key of a week, drawn if there is none yet. Keep the account before it leaves.
    pub fn fallback_key(&mut self, week: u32) -> Result<[u8; 32], PairwiseError> {
        let found = self.held.iter().find(|held| held.life == Life::Week(week));
        match found {
            Some(held) => Ok(held.public),
            None => self.draw(Life::Week(week)),
        }
    }

    /// A new key for one first message, until the end of a day. Keep the account before it leaves.
    pub fn one_time_key(&mut self, last_day: u32) -> Result<[u8; 32], PairwiseError> {
        self.draw(Life::Once(last_day))
    }

    /// Forgets a prekey, for an invite that is withdrawn. Says whether it was there.
    pub fn forget(&mut self, public: &[u8; 32]) -> bool {
        let before = self.held.len();
        self.held.retain(|held| held.public != *public);
        self.held.len() != before
    }

    /// Forgets prekeys that are too old. Says whether there were any.
    pub fn forget_expired(&mut self, today: u32) -> bool {
        let before = self.held.len();
        self.held.retain(|held| match held.life {
            Life::Week(week) => !kem::expired(week, today),
            Life::Once(last_day) => today <= last_day,
        });
        self.held.len() != before
    }

    /// Opens a session towards a device, by the keys in its bundle.
    pub fn start(
        &self,
        olm_identity: &[u8; 32],
        olm_prekey: &[u8; 32],
    ) -> Result<Session, PairwiseError> {
        let config = SessionConfig::version_2();
        let (identity, prekey) = (key(olm_identity), key(olm_prekey));
        self.identity
            .create_outbound_session(config, identity, prekey)
            .map(Session)
            .map_err(creation_error)
    }

    /// Opens a first message of the device that has this identity key, and the session with it.
    pub fn receive(
        &mut self,
        olm_identity: &[u8; 32],
        message: &Message,
    ) -> Result<Received, PairwiseError> {
        let OlmMessage::PreKey(first) = &message.0 else {
            return Err(PairwiseError::NotAFirstMessage);
        };
        let wanted = first.one_time_key().to_bytes();
        let held = self
            .held
            .iter_mut()
            .find(|held| held.public == wanted)
            .ok_or(PairwiseError::UnknownPrekey)?;
        let received = held
            .account
            .create_inbound_session(SessionConfig::version_2(), key(olm_identity), first)
            .map_err(creation_error)?;
        if matches!(held.life, Life::Once(_)) {
            self.forget(&wanted);
        }
        Ok(Received {
            session: Session(received.session),
            plaintext: Zeroizing::new(received.plaintext),
        })
    }

    /// The whole state, to be sealed in the vault; at most [`MAX_ACCOUNT_BYTES`].
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let held = self
            .held
            .iter()
            .map(|held| (held.public, held.life, held.account.pickle()))
            .collect::<Vec<_>>();
        to_cbor(&(STATE_VERSION, self.identity.pickle(), held))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        type State = (u8, AccountPickle, Vec<([u8; 32], Life, AccountPickle)>);
        let (version, identity, held): State = from_cbor(bytes, MAX_ACCOUNT_BYTES)?;
        check_version(version)?;
        if held.len() > MAX_KEYS {
            return Err(DecodeError::OutOfBounds);
        }
        let held = held.into_iter().map(|(public, life, account)| Held {
            public,
            life,
            account: olm::Account::from_pickle(account),
        });
        Ok(Self {
            identity: olm::Account::from_pickle(identity),
            held: held.collect(),
        })
    }

    fn draw(&mut self, life: Life) -> Result<[u8; 32], PairwiseError> {
        if self.held.len() >= MAX_KEYS {
            return Err(PairwiseError::TooManyKeys);
        }
        let mut account = olm::Account::from_pickle(self.identity.pickle());
        let public = match life {
            Life::Week(_) => {
                account.generate_fallback_key();
                account.fallback_key().into_values().next()
            }
            Life::Once(_) => account.generate_one_time_keys(1).created.first().copied(),
        };
        let public = public.ok_or(PairwiseError::BadKey)?.to_bytes();
        account.mark_keys_as_published();
        self.held.insert(
            0,
            Held {
                public,
                life,
                account,
            },
        );
        Ok(public)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A session with one other device.
pub struct Session(olm::Session);

impl Session {
    /// Its name, the same on both sides.
    pub fn id(&self) -> SessionId {
        session_id(&self.0.session_id())
    }

    /// The base key that its initiator drew.
    pub fn base_key(&self) -> [u8; 32] {
        self.0.session_keys().base_key.to_bytes()
    }

    /// Whether the other side has answered in it. Until then every message is a first message.
    pub fn is_answered(&self) -> bool {
        self.0.has_received_message()
    }

    /// Encrypts. Keep the session before the message leaves.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Result<Message, PairwiseError> {
        if plaintext.len() > MAX_MESSAGE_BYTES {
            return Err(PairwiseError::TooLong);
        }
        self.0
            .encrypt(plaintext)
            .map(Message)
            .map_err(|_| PairwiseError::BadKey)
    }

    /// Decrypts. Keep the session before anything is acknowledged.
    pub fn decrypt(&mut self, message: &Message) -> Result<Zeroizing<Vec<u8>>, PairwiseError> {
        self.0
            .decrypt(&message.0)
            .map(Zeroizing::new)
            .map_err(decryption_error)
    }

    /// The whole state, to be sealed in the vault; at most [`MAX_SESSION_BYTES`].
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        to_cbor(&(STATE_VERSION, self.0.pickle()))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (version, session): (u8, SessionPickle) = from_cbor(bytes, MAX_SESSION_BYTES)?;
        check_version(version)?;
        let session = olm::Session::from_pickle(session);
        if session.session_config() != SessionConfig::version_2() {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(Self(session))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn key(bytes: &[u8; 32]) -> Curve25519PublicKey {
    Curve25519PublicKey::from_bytes(*bytes)
}

/// The library writes its 32-byte hash in base64.
fn session_id(text: &str) -> SessionId {
    let mut id = [0; 32];
    if let Ok(bytes) = BASE64_NOPAD.decode(text.as_bytes()) {
        id.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    }
    SessionId(id)
}

fn creation_error(error: SessionCreationError) -> PairwiseError {
    match error {
        SessionCreationError::MissingOneTimeKey(_) => PairwiseError::UnknownPrekey,
        SessionCreationError::MismatchedIdentityKey(..) => PairwiseError::WrongIdentity,
        SessionCreationError::MismatchedSessionConfig { .. } => PairwiseError::OldVersion,
        SessionCreationError::NonContributoryKey => PairwiseError::BadKey,
        SessionCreationError::Decryption(error) => decryption_error(error),
    }
}

fn decryption_error(error: DecryptionError) -> PairwiseError {
    match error {
        DecryptionError::NonContributoryKey => PairwiseError::BadKey,
        DecryptionError::MissingMessageKey(_) => PairwiseError::KeyGone,
        DecryptionError::TooBigMessageGap(..) => PairwiseError::TooFarAhead,
        _ => PairwiseError::DoesNotOpen,
    }
}

fn to_cbor(state: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // Writing numbers and bytes does not fail; an empty state would be refused when read.
    komrade_cbor::to_bytes(state).unwrap_or_default()
}

fn from_cbor<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TrailingBytes);
    }
    komrade_cbor::from_bytes(bytes).map_err(|_| DecodeError::OutOfBounds)
}

fn check_version(found: u8) -> Result<(), DecodeError> {
    match found {
        STATE_VERSION => Ok(()),
        0 => Err(DecodeError::OutOfBounds),
        _ => Err(DecodeError::NewerVersion {
            found,
            expected: STATE_VERSION,
        }),
    }
}
