//! Who somebody is: 24 words, a root key, a person id, certified devices.
//!
//! 1. [`RecoveryWords`] hold 32 random bytes, written as 24 English words (BIP-39).
//! 2. HKDF makes the Ed25519 [`RootKey`] from them. BIP-39's own PBKDF2 seed is not used: the
//!    entropy is uniform already, and there is no extra passphrase to mix in.
//! 3. The root certifies a [`DeviceKey`] ([`DeviceCertificate`]) or withdraws it ([`Revocation`]),
//!    and is dropped: only the words bring it back.
//! 4. [`PersonId`] is the hash of the root's public key; two persons compare their [`pair_code`].
//!
//! Signatures are over label ‖ 0 ‖ body and checked with `verify_strict` only, so that no key of
//! small order and no second form of a signature passes.

use core::fmt;

use bech32::{Bech32m, Hrp};
use data_encoding::BASE32_NOPAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    DecodeError, SUITE,
    codec::Reader,
    derive::{derive, hash},
    labels,
    secret::secret_bytes,
    wordlist::{self, SentenceError},
};

/// How many recovery words there are.
pub const WORD_COUNT: usize = 24;
/// The readable part of a person id.
pub const PERSON_PREFIX: &str = "komrade";
/// The length of an encoded [`DeviceCertificate`], in bytes.
pub const CERTIFICATE_BYTES: usize = SIGNED_BYTES + SIGNATURE_BYTES;
/// The length of an encoded [`Revocation`], in bytes.
pub const REVOCATION_BYTES: usize = SIGNED_BYTES + SIGNATURE_BYTES;

const VERSION: u8 = 1;
/// version, suite, root key, device key, day.
const SIGNED_BYTES: usize = 1 + 1 + 32 + 32 + 4;
pub(crate) const SIGNATURE_BYTES: usize = 64;

secret_bytes! {
    /// The 32 bytes that the recovery words write down. Everything a person is grows from them;
    /// they are shown once and not kept.
    RecoveryWords, 32
}

/// Why a text is not 24 recovery words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WordsError {
    /// Another number of words.
    #[error("{0} words, expected 24")]
    Count(usize),
    /// A word that is not on the list, counted from 1.
    #[error("word {0} is not on the list")]
    Unknown(usize),
    /// All words are on the list, but they do not belong together.
    #[error("the words do not belong together")]
    Checksum,
}

impl RecoveryWords {
    /// Reads 24 words; case and spacing do not matter.
    pub fn from_text(text: &str) -> Result<Self, WordsError> {
        // All words are plain ASCII: nothing else needs to be lowered or normalised.
        let text = Zeroizing::new(text.to_ascii_lowercase());
        let count = text.split_whitespace().count();
        if count != WORD_COUNT {
            return Err(WordsError::Count(count));
        }
        let secret = wordlist::from_words(text.split_whitespace());
        let secret = secret.map_err(|error| match error {
            SentenceError::Unknown(place) => WordsError::Unknown(place + 1),
            SentenceError::Checksum => WordsError::Checksum,
        })?;
        Ok(Self(*secret))
    }

    /// The 24 words, separated by single spaces.
    pub fn to_text(&self) -> Zeroizing<String> {
        wordlist::to_words(&self.0)
    }

    /// The root key. Drop it as soon as the device is certified or revoked.
    pub fn root(&self) -> RootKey {
        RootKey(SigningKey::from_bytes(&derive(
            &self.0,
            labels::ROOT_KEY,
            &[],
        )))
    }
}

/// The key of an identity: certifies and revokes devices, and is not kept.
pub struct RootKey(SigningKey);

impl RootKey {
    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Whose root this is.
    pub fn person(&self) -> PersonId {
        PersonId::of_root(&self.public())
    }

    /// Certifies a device.
    pub fn certify(&self, device: &[u8; 32], created_day: u32) -> DeviceCertificate {
        let (body, signature) = self.sign(labels::DEVICE_CERTIFICATE, device, created_day);
        DeviceCertificate {
            root: self.public(),
            device: *device,
            created_day,
            body,
            signature,
        }
    }

    /// Withdraws a device for ever.
    pub fn revoke(&self, device: &[u8; 32], day: u32) -> Revocation {
        let (body, signature) = self.sign(labels::DEVICE_REVOCATION, device, day);
        Revocation {
            root: self.public(),
            device: *device,
            day,
            body,
            signature,
        }
    }

    fn sign(&self, label: &str, device: &[u8; 32], day: u32) -> ([u8; SIGNED_BYTES], [u8; 64]) {
        let mut body = [0; SIGNED_BYTES];
        let parts = [VERSION, SUITE]
            .into_iter()
            .chain(self.public())
            .chain(*device)
            .chain(day.to_be_bytes());
        body.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        (body, self.0.sign(&signed_message(label, &body)).to_bytes())
    }
}

impl ZeroizeOnDrop for RootKey {}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The signing key of one device.
#[derive(Clone)]
pub struct DeviceKey(SigningKey);

impl DeviceKey {
    /// Draws a fresh key.
    pub fn draw(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        Self::from_bytes(&seed)
    }

    /// Takes what [`to_bytes`](Self::to_bytes) gave.
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The secret half, to be sealed in the vault.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs an operation of a collective: its exact bytes.
    pub fn sign_operation(&self, bytes: &[u8]) -> [u8; 64] {
        self.sign(labels::COLLECTIVE_OPERATION, bytes)
    }

    /// Signs what this device lacks in a collective: what is asked, of whom and when is in these bytes.
    pub fn sign_question(&self, bytes: &[u8]) -> [u8; 64] {
        self.sign(labels::GROUP_QUESTION, bytes)
    }

    /// Signs an operation of its person's circle: its exact bytes.
    pub fn sign_circle_operation(&self, bytes: &[u8]) -> [u8; 64] {
        self.sign(labels::CIRCLE_OPERATION, bytes)
    }

    /// Signs a comment in somebody's circle: its exact bytes.
    pub fn sign_comment(&self, bytes: &[u8]) -> [u8; 64] {
        self.sign(labels::CIRCLE_COMMENT, bytes)
    }

    pub(crate) fn sign(&self, label: &str, body: &[u8]) -> [u8; 64] {
        self.0.sign(&signed_message(label, body)).to_bytes()
    }
}

/// Checks that the device signed exactly these bytes as what it lacks.
///
/// # Errors
/// As [`verify_operation`].
pub fn verify_question(
    device: &[u8; 32],
    bytes: &[u8],
    signature: &[u8; 64],
) -> Result<(), DecodeError> {
    verify(device, labels::GROUP_QUESTION, bytes, signature)
}

/// Checks that the device signed exactly these bytes as an operation of a collective.
///
/// # Errors
/// [`DecodeError::BadKey`] if the device's key is none, [`DecodeError::BadSignature`] otherwise.
pub fn verify_operation(
    device: &[u8; 32],
    bytes: &[u8],
    signature: &[u8; 64],
) -> Result<(), DecodeError> {
    verify(device, labels::COLLECTIVE_OPERATION, bytes, signature)
}

/// Checks that the device signed exactly these bytes as an operation of its person's circle.
///
/// # Errors
/// As [`verify_operation`].
pub fn verify_circle_operation(
    device: &[u8; 32],
    bytes: &[u8],
    signature: &[u8; 64],
) -> Result<(), DecodeError> {
    verify(device, labels::CIRCLE_OPERATION, bytes, signature)
}

/// Checks that the device signed exactly these bytes as a comment.
///
/// # Errors
/// As [`verify_operation`].
pub fn verify_comment(
    device: &[u8; 32],
    bytes: &[u8],
    signature: &[u8; 64],
) -> Result<(), DecodeError> {
    verify(device, labels::CIRCLE_COMMENT, bytes, signature)
}

impl ZeroizeOnDrop for DeviceKey {}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Who somebody is, to everybody: SHA-256 of a label and the root key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PersonId(pub [u8; 32]);

impl PersonId {
    /// The person whose root key this is.
    pub fn of_root(root: &[u8; 32]) -> Self {
        Self(
            Sha256::new_with_prefix(labels::PERSON_ID)
                .chain_update(root)
                .finalize()
                .into(),
        )
    }

    /// Reads `komrade1…` (bech32m, either case).
    pub fn from_text(text: &str) -> Result<Self, PersonIdError> {
        let checked = bech32::primitives::decode::CheckedHrpstring::new::<Bech32m>(text.trim())
            .map_err(|_| PersonIdError)?;
        let mut id = [0; 32];
        let mut bytes = checked.byte_iter();
        if checked.hrp() != PREFIX || bytes.len() != id.len() {
            return Err(PersonIdError);
        }
        id.iter_mut()
            .zip(&mut bytes)
            .for_each(|(to, from)| *to = from);
        Ok(Self(id))
    }

    /// 80 bits of the id as 16 letters and digits in groups of four, to be read aloud. Compare
    /// [`pair_code`]s to verify a comrade: they cover both sides.
    pub fn short_code(&self) -> String {
        grouped(&self.0)
    }
}

const PREFIX: Hrp = Hrp::parse_unchecked(PERSON_PREFIX);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_to_fmt::<Bech32m, _>(f, PREFIX, &self.0).map_err(|_| fmt::Error)
    }
}

/// The text is no person id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a person id")]
pub struct PersonIdError;

/// What two persons compare: 16 letters and digits in groups of four, the same on both devices
/// whoever asks. 80 bits, so that nobody finds two roots that give the same code with a third
/// person.
pub fn pair_code(one: &PersonId, other: &PersonId) -> String {
    let (low, high) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    grouped(&hash(labels::PAIR_CODE, &[&low.0, &high.0]))
}

/// The first 10 bytes in RFC 4648 base32, in groups of four.
fn grouped(bytes: &[u8; 32]) -> String {
    let (head, _) = bytes.split_first_chunk::<10>().unwrap_or((&[0; 10], &[]));
    let mut out = String::with_capacity(19);
    for (place, letter) in BASE32_NOPAD.encode(head).chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            out.push(' ');
        }
        out.push(letter);
    }
    out
}

/// A root's word that a device is its own. Layout: version, suite, root key (32), device key (32),
/// day (4), signature (64).
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    root: [u8; 32],
    device: [u8; 32],
    created_day: u32,
    body: [u8; SIGNED_BYTES],
    signature: [u8; SIGNATURE_BYTES],
}

impl DeviceCertificate {
    /// Reads a certificate and checks its signature.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let certificate = Self::decode_stored(bytes)?;
        certificate.verify()?;
        Ok(certificate)
    }

    /// Checks its signature, and that its device's key is one.
    ///
    /// # Errors
    /// [`DecodeError::BadKey`] if a key is none, [`DecodeError::BadSignature`] otherwise.
    pub fn verify(&self) -> Result<(), DecodeError> {
        let label = labels::DEVICE_CERTIFICATE;
        verify_statement(&self.root, &self.device, label, &self.body, &self.signature)
    }

    /// Reads a certificate that was checked when it came, or is checked later by [`verify`](Self::verify).
    ///
    /// # Errors
    /// If it is of another length, version or suite.
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Statement {
            root,
            device,
            day,
            body,
            signature,
        } = Statement::read(bytes)?;
        Ok(Self {
            root,
            device,
            created_day: day,
            body,
            signature,
        })
    }

    /// The bytes, exactly as they were signed.
    pub fn encode(&self) -> [u8; CERTIFICATE_BYTES] {
        joined(&self.body, &self.signature)
    }

    /// Whose device it is.
    pub fn person(&self) -> PersonId {
        PersonId::of_root(&self.root)
    }

    /// The root's public key.
    pub fn root(&self) -> &[u8; 32] {
        &self.root
    }

    /// The device's public key.
    pub fn device(&self) -> &[u8; 32] {
        &self.device
    }

    /// When it was certified, in days since the epoch.
    pub fn created_day(&self) -> u32 {
        self.created_day
    }
}

/// A root's word that a device is no longer its own. The same layout as a certificate, another
/// label.
#[derive(Clone, PartialEq, Eq)]
pub struct Revocation {
    root: [u8; 32],
    device: [u8; 32],
    day: u32,
    body: [u8; SIGNED_BYTES],
    signature: [u8; SIGNATURE_BYTES],
}

impl Revocation {
    /// Reads a revocation and checks its signature.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Statement {
            root,
            device,
            day,
            body,
            signature,
        } = Statement::decode(labels::DEVICE_REVOCATION, bytes)?;
        Ok(Self {
            root,
            device,
            day,
            body,
            signature,
        })
    }

    /// The bytes, exactly as they were signed.
    pub fn encode(&self) -> [u8; REVOCATION_BYTES] {
        joined(&self.body, &self.signature)
    }

    /// Whose device it was.
    pub fn person(&self) -> PersonId {
        PersonId::of_root(&self.root)
    }

    /// The device's public key.
    pub fn device(&self) -> &[u8; 32] {
        &self.device
    }

    /// When it was revoked, in days since the epoch. For show: a revocation holds for all time.
    pub fn day(&self) -> u32 {
        self.day
    }

    /// Whether it withdraws this certificate.
    pub fn covers(&self, certificate: &DeviceCertificate) -> bool {
        self.root == certificate.root && self.device == certificate.device
    }
}

crate::redacted!(PersonId, DeviceCertificate, Revocation);

/// What certificate and revocation have in common.
struct Statement {
    root: [u8; 32],
    device: [u8; 32],
    day: u32,
    body: [u8; SIGNED_BYTES],
    signature: [u8; SIGNATURE_BYTES],
}

impl Statement {
    fn decode(label: &str, bytes: &[u8]) -> Result<Self, DecodeError> {
        let it = Self::read(bytes)?;
        verify_statement(&it.root, &it.device, label, &it.body, &it.signature)?;
        Ok(it)
    }

    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let root = reader.array()?;
        let device = reader.array()?;
        let day = reader.u32()?;
        let signature = reader.array()?;
        reader.finish()?;
        let (body, _) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
        Ok(Self {
            root,
            device,
            day,
            body: *body,
            signature,
        })
    }
}

fn verify_statement(
    root: &[u8; 32],
    device: &[u8; 32],
    label: &str,
    body: &[u8; SIGNED_BYTES],
    signature: &[u8; SIGNATURE_BYTES],
) -> Result<(), DecodeError> {
    verify(root, label, body, signature)?;
    // A device key that could never sign anything is refused here rather than at its first use.
    public_key(device).map(drop)
}

pub(crate) fn verify(
    key: &[u8; 32],
    label: &str,
    body: &[u8],
    signature: &[u8; 64],
) -> Result<(), DecodeError> {
    public_key(key)?
        .verify_strict(
            &signed_message(label, body),
            &Signature::from_bytes(signature),
        )
        .map_err(|_| DecodeError::BadSignature)
}

fn public_key(bytes: &[u8; 32]) -> Result<VerifyingKey, DecodeError> {
    VerifyingKey::from_bytes(bytes)
        .ok()
        .filter(|key| !key.is_weak())
        .ok_or(DecodeError::BadKey)
}

fn signed_message(label: &str, body: &[u8]) -> Vec<u8> {
    [label.as_bytes(), &[0], body].concat()
}

fn joined(body: &[u8; SIGNED_BYTES], signature: &[u8; 64]) -> [u8; CERTIFICATE_BYTES] {
    let mut out = [0; CERTIFICATE_BYTES];
    out.iter_mut()
        .zip(body.iter().chain(signature))
        .for_each(|(to, from)| *to = *from);
    out
}
