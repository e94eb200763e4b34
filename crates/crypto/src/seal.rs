//! AES-256-GCM with 12-byte nonces: the one place where this crate seals with a bare key.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes that a seal adds: the tag.
pub(crate) const TAG_BYTES: usize = 16;
/// The length of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;

/// What was to be sealed cannot be: too long, or for a key that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// Longer than the cipher or the format allows.
    #[error("too long to seal")]
    TooLong,
    /// The recipient's key is not one.
    #[error("bad recipient key")]
    BadKey,
}

/// It does not open: wrong key, other header, or changed on the way. Nothing more can be told
/// apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("does not open")]
pub struct OpenError;

/// Ciphertext ‖ tag.
pub(crate) fn seal(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    header: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    #[cfg(feature = "audit")]
    crate::audit::record(key, nonce);
    let mut out = Vec::with_capacity(plaintext.len() + TAG_BYTES);
    out.extend_from_slice(plaintext);
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached(nonce.into(), header, InOutBuf::from(out.as_mut_slice()))
        .map_err(|_| SealError::TooLong)?;
    out.extend_from_slice(&tag);
    Ok(out)
}

/// What [`seal`] sealed.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    header: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (body, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(OpenError)?;
    let mut out = Zeroizing::new(body.to_vec());
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(
            nonce.into(),
            header,
            InOutBuf::from(out.as_mut_slice()),
            tag.into(),
        )
        .map_err(|_| OpenError)?;
    Ok(out)
}
