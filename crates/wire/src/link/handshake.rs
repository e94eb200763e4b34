//! The handshake, without I/O.

use std::cmp::Ordering;

use rand_core::CryptoRng;
use snow::{Builder, Error, HandshakeState};
use zeroize::Zeroizing;

use super::{LinkError, Transport, VERSION, resolver::Resolver};

/// Bytes of each of the two handshake messages: an ephemeral key and a tag, in both patterns.
pub const HANDSHAKE_BYTES: usize = 32 + 16;
/// Bytes of the longest preamble.
pub const MAX_PREAMBLE_BYTES: usize = 2 + 20;

const LABEL: &[u8] = b"komrade/link/v1";
const COMRADES: u8 = 1;
const NODE: u8 = 2;

/// What a dialler says in clear before the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preamble {
    /// A comrade, who means the key with this hint, which tells others nothing.
    Comrade([u8; 20]),
    /// Somebody who speaks to the node of a relay.
    Node,
}

impl Preamble {
    /// The preamble as it is sent.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Comrade(hint) => [&[VERSION, COMRADES], hint.as_slice()].concat(),
            Self::Node => vec![VERSION, NODE],
        }
    }

    /// How many bytes follow the first two.
    ///
    /// # Errors
    /// [`LinkError::Version`], [`LinkError::Pattern`].
    pub fn rest_bytes(start: [u8; 2]) -> Result<usize, LinkError> {
        match start {
            [VERSION, COMRADES] => Ok(MAX_PREAMBLE_BYTES - 2),
            [VERSION, NODE] => Ok(0),
            [VERSION, pattern] => Err(LinkError::Pattern(pattern)),
            [version, _] => Err(LinkError::Version(version)),
        }
    }

    /// Reads a whole preamble.
    ///
    /// # Errors
    /// [`LinkError::Version`], [`LinkError::Pattern`], [`LinkError::Truncated`], or [`LinkError::Malformed`] if
    /// something follows it.
    pub fn decode(bytes: &[u8]) -> Result<Self, LinkError> {
        let (start, rest) = bytes.split_first_chunk::<2>().ok_or(LinkError::Truncated)?;
        let expected = Self::rest_bytes(*start)?;
        match rest.len().cmp(&expected) {
            Ordering::Less => Err(LinkError::Truncated),
            Ordering::Greater => Err(LinkError::Malformed),
            // A node's preamble ends here; a comrade's goes on with exactly the hint.
            Ordering::Equal => Ok(rest.try_into().map_or(Self::Node, Self::Comrade)),
        }
    }

    fn pattern(&self) -> &'static str {
        match self {
            Self::Comrade(_) => "Noise_NNpsk0_25519_AESGCM_SHA256",
            Self::Node => "Noise_NK_25519_AESGCM_SHA256",
        }
    }

    fn prologue(&self) -> Vec<u8> {
        [LABEL, &self.encode()].concat()
    }
}

/// The dialler, waiting for the other side's handshake message.
pub struct Initiator(HandshakeState);

impl Initiator {
    /// Dials a comrade under a key that both hold. Gives what is to be sent at once.
    ///
    /// # Errors
    /// [`LinkError::Setup`].
    pub fn comrade<R: CryptoRng + ?Sized>(
        hint: [u8; 20],
        key: &[u8; 32],
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), LinkError> {
        Self::start(Preamble::Comrade(hint), Key::Shared(key), rng)
    }

    /// Dials the node of a relay, whose public key is known. Gives what is to be sent at once.
    ///
    /// # Errors
    /// [`LinkError::Setup`], [`LinkError::WeakKey`].
    pub fn node<R: CryptoRng + ?Sized>(
        public: &[u8; 32],
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), LinkError> {
        Self::start(Preamble::Node, Key::Public(public), rng)
    }

    fn start<R: CryptoRng + ?Sized>(
        preamble: Preamble,
        key: Key<'_>,
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), LinkError> {
        let mut state = build(preamble, key, rng, true)?;
        let mut message = [0; HANDSHAKE_BYTES];
        state.write_message(&[], &mut message).map_err(failed)?;
        let mut bytes = preamble.encode();
        bytes.extend_from_slice(&message);
        Ok((Self(state), bytes))
    }

    /// Takes the other side's handshake message. Gives the link and what is to be sent at once.
    ///
    /// # Errors
    /// [`LinkError::WrongKey`], [`LinkError::WeakKey`].
    pub fn finish(
        mut self,
        message: &[u8; HANDSHAKE_BYTES],
    ) -> Result<(Transport, Vec<u8>), LinkError> {
        self.0.read_message(message, &mut []).map_err(failed)?;
        let mut transport = Transport::new(self.0)?;
        let confirmation = transport.sealer.confirmation()?;
        Ok((transport, confirmation))
    }
}

/// Whoever was dialled, waiting for the dialler's confirmation.
pub struct Responder(HandshakeState);

impl Responder {
    /// Answers a comrade under the key that the hint in their preamble means.
    ///
    /// # Errors
    /// [`LinkError::WrongKey`], [`LinkError::WeakKey`], [`LinkError::Setup`].
    pub fn comrade<R: CryptoRng + ?Sized>(
        hint: [u8; 20],
        key: &[u8; 32],
        message: &[u8; HANDSHAKE_BYTES],
        rng: &mut R,
    ) -> Result<(Self, [u8; HANDSHAKE_BYTES]), LinkError> {
        Self::answer(Preamble::Comrade(hint), Key::Shared(key), message, rng)
    }

    /// Answers as the node of a relay, with its private key.
    ///
    /// # Errors
    /// [`LinkError::WrongKey`], [`LinkError::WeakKey`], [`LinkError::Setup`].
    pub fn node<R: CryptoRng + ?Sized>(
        private: &[u8; 32],
        message: &[u8; HANDSHAKE_BYTES],
        rng: &mut R,
    ) -> Result<(Self, [u8; HANDSHAKE_BYTES]), LinkError> {
        Self::answer(Preamble::Node, Key::Private(private), message, rng)
    }

    fn answer<R: CryptoRng + ?Sized>(
        preamble: Preamble,
        key: Key<'_>,
        message: &[u8; HANDSHAKE_BYTES],
        rng: &mut R,
    ) -> Result<(Self, [u8; HANDSHAKE_BYTES]), LinkError> {
        let mut state = build(preamble, key, rng, false)?;
        state.read_message(message, &mut []).map_err(failed)?;
        let mut reply = [0; HANDSHAKE_BYTES];
        state.write_message(&[], &mut reply).map_err(failed)?;
        Ok((Self(state), reply))
    }

    /// How many bytes the dialler's confirmation has.
    pub const CONFIRMATION_BYTES: usize = super::transport::CONFIRMATION_BYTES;

    /// Takes the dialler's confirmation and gives the link.
    ///
    /// # Errors
    /// [`LinkError::Unconfirmed`].
    pub fn confirm(
        self,
        confirmation: &[u8; Self::CONFIRMATION_BYTES],
    ) -> Result<Transport, LinkError> {
        let mut transport = Transport::new(self.0)?;
        transport.opener.confirmed(confirmation)?;
        Ok(transport)
    }
}

enum Key<'k> {
    Shared(&'k [u8; 32]),
    Public(&'k [u8; 32]),
    Private(&'k [u8; 32]),
}

fn build<R: CryptoRng + ?Sized>(
    preamble: Preamble,
    key: Key<'_>,
    rng: &mut R,
    initiator: bool,
) -> Result<HandshakeState, LinkError> {
    let mut ephemeral = Zeroizing::new([0; 32]);
    rng.fill_bytes(ephemeral.as_mut_slice());
    let pattern = preamble.pattern().parse().map_err(failed)?;
    let prologue = preamble.prologue();
    let builder = Builder::with_resolver(pattern, Box::new(Resolver { ephemeral }));
    let builder = builder.prologue(&prologue).map_err(failed)?;
    let builder = match key {
        Key::Shared(key) => builder.psk(0, key),
        Key::Public(key) => builder.remote_public_key(key),
        Key::Private(key) => builder.local_private_key(key),
    }
    .map_err(failed)?;
    if initiator {
        builder.build_initiator()
    } else {
        builder.build_responder()
    }
    .map_err(failed)
}

pub(super) fn failed(error: Error) -> LinkError {
    match error {
        Error::Decrypt => LinkError::WrongKey,
        Error::Dh => LinkError::WeakKey,
        _ => LinkError::Setup,
    }
}
