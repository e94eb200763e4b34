//! The prekey bundle: what a device publishes so that others can write to it.
//!
//! Signed by the device, which is certified by its root inside; rotated weekly. Layout: version,
//! suite, certificate (134), Olm identity key (32), Olm prekey (32), X-Wing key (1216), week (4),
//! last day (4), name (length 2, UTF-8), homes (count 1, each length 2 and bytes), signature (64)
//! over everything before it.
//!
//! What a home looks like is not this crate's business: opaque bytes, bound by the signature.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{
    DecodeError, SUITE,
    codec::{Reader, put_prefixed},
    identity::{self, CERTIFICATE_BYTES, DeviceCertificate, DeviceKey, PersonId, SIGNATURE_BYTES},
    kem::{self, KemPublic},
    labels,
};

/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 64;
/// The most bytes of a name: four for each character.
pub const MAX_NAME_BYTES: usize = 4 * MAX_NAME_CHARS;
/// The most homes.
pub const MAX_HOMES: usize = 8;
/// The most bytes of all homes together.
pub const MAX_HOME_BYTES: usize = 1024;
/// The longest bundle, in bytes: it fits, with an encapsulation and a first message, in a 8 KiB
/// envelope.
pub const MAX_BUNDLE_BYTES: usize = 2
    + CERTIFICATE_BYTES
    + 64
    + kem::PUBLIC_BYTES
    + 8
    + 2
    + MAX_NAME_BYTES
    + 1
    + 2 * MAX_HOMES
    + MAX_HOME_BYTES
    + SIGNATURE_BYTES;

const VERSION: u8 = 1;

/// What a bundle says.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// Which device, of which person.
    pub certificate: DeviceCertificate,
    /// The device's Olm identity key (X25519).
    pub olm_identity: [u8; 32],
    /// The Olm prekey to start a session with (X25519).
    pub olm_prekey: [u8; 32],
    /// The X-Wing prekey.
    pub kem: KemPublic,
    /// The week of the X-Wing prekey, see [`crate::week_of`].
    pub week: u32,
    /// The last day (since the epoch) on which the bundle may be used.
    pub valid_until: u32,
    /// The name the person gave themselves: see [`is_name`].
    pub name: String,
    /// Where envelopes for the device are put: at most [`MAX_HOMES`] and [`MAX_HOME_BYTES`] in all.
    pub homes: Vec<Vec<u8>>,
}

/// A signed bundle. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    content: Arc<Content>,
    bytes: Arc<[u8]>,
}

crate::redacted!(Content, Bundle);

impl Bundle {
    /// Signs a bundle. The device key must be the one in the certificate, and every field within
    /// bounds.
    pub fn sign(content: Content, device: &DeviceKey) -> Result<Self, DecodeError> {
        if device.public() != *content.certificate.device() {
            return Err(DecodeError::BadKey);
        }
        let mut bytes = encode(&content).ok_or(DecodeError::OutOfBounds)?;
        check(&content)?;
        let signature = device.sign(labels::BUNDLE, &bytes);
        bytes.extend_from_slice(&signature);
        Ok(Self {
            content: content.into(),
            bytes: bytes.into(),
        })
    }

    /// Reads a bundle and checks every bound and both signatures. Whether it is still valid today
    /// is for the caller to ask: [`is_valid_on`](Self::is_valid_on).
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(DecodeError::TrailingBytes);
        }
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let certificate = reader.bytes(CERTIFICATE_BYTES)?;
        let olm_identity = reader.array()?;
        let olm_prekey = reader.array()?;
        let kem = reader.array()?;
        let week = reader.u32()?;
        let valid_until = reader.u32()?;
        let name = reader.prefixed(MAX_NAME_BYTES)?;
        let count = usize::from(reader.u8()?);
        if count > MAX_HOMES {
            return Err(DecodeError::OutOfBounds);
        }
        let homes = (0..count)
            .map(|_| reader.prefixed(MAX_HOME_BYTES).map(<[u8]>::to_vec))
            .collect::<Result<Vec<_>, _>>()?;
        let signature = reader.array()?;
        reader.finish()?;

        let certificate = DeviceCertificate::decode(certificate)?;
        let (body, _) = bytes
            .split_last_chunk::<SIGNATURE_BYTES>()
            .ok_or(DecodeError::Truncated)?;
        identity::verify(certificate.device(), labels::BUNDLE, body, &signature)?;
        let content = Content {
            certificate,
            olm_identity,
            olm_prekey,
            kem: KemPublic::from_bytes(&kem)?,
            week,
            valid_until,
            name: core::str::from_utf8(name)
                .map_err(|_| DecodeError::OutOfBounds)?
                .to_owned(),
            homes,
        };
        check(&content)?;
        Ok(Self {
            content: content.into(),
            bytes: bytes.into(),
        })
    }

    /// The bytes, exactly as they were signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// What an invite holds of it.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.bytes)
    }

    /// Whose it is.
    pub fn person(&self) -> PersonId {
        self.content.certificate.person()
    }

    /// The device's public key.
    pub fn device(&self) -> &[u8; 32] {
        self.content.certificate.device()
    }

    /// Whether it may be used on a day.
    pub fn is_valid_on(&self, day: u32) -> bool {
        day <= self.content.valid_until
    }
}

/// The hash of a bundle's bytes, before they are trusted.
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(labels::BUNDLE_HASH)
        .chain_update([0])
        .chain_update(bytes)
        .finalize()
        .into()
}

/// Whether a text may be a name: 1 to 64 characters, not all of them blank, none that controls the
/// terminal, the line or the direction of writing (so that a name cannot rearrange what stands
/// beside it).
pub fn is_name(text: &str) -> bool {
    let steers = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            )
            || matches!(c, '\u{2066}'..='\u{2069}')
    };
    let count = text.chars().take(MAX_NAME_CHARS + 1).count();
    (1..=MAX_NAME_CHARS).contains(&count) && !text.trim().is_empty() && !text.chars().any(steers)
}

/// What a signature does not vouch for.
fn check(content: &Content) -> Result<(), DecodeError> {
    if !kem::contributory(&content.olm_identity) || !kem::contributory(&content.olm_prekey) {
        return Err(DecodeError::BadKey);
    }
    let homes = content.homes.iter().map(Vec::len).sum::<usize>();
    if !is_name(&content.name) || content.homes.len() > MAX_HOMES || homes > MAX_HOME_BYTES {
        return Err(DecodeError::OutOfBounds);
    }
    Ok(())
}

/// Everything but the signature; `None` if a field does not fit.
fn encode(content: &Content) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(MAX_BUNDLE_BYTES);
    out.extend_from_slice(&[VERSION, SUITE]);
    out.extend_from_slice(&content.certificate.encode());
    out.extend_from_slice(&content.olm_identity);
    out.extend_from_slice(&content.olm_prekey);
    out.extend_from_slice(content.kem.as_bytes());
    out.extend_from_slice(&content.week.to_be_bytes());
    out.extend_from_slice(&content.valid_until.to_be_bytes());
    put_prefixed(&mut out, content.name.as_bytes(), MAX_NAME_BYTES)?;
    out.push(u8::try_from(content.homes.len()).ok()?);
    for home in &content.homes {
        put_prefixed(&mut out, home, MAX_HOME_BYTES)?;
    }
    Some(out)
}
