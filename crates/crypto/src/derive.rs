//! HKDF-SHA256 (RFC 5869) and SHA-256, each with a label.

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// HKDF-SHA256 without salt; info = label ‖ 0 ‖ context parts. The parts must have fixed lengths,
/// or only the last one may vary.
#[expect(
    clippy::expect_used,
    reason = "HKDF fails only above 255 · 32 bytes, refused at compile time"
)]
pub(crate) fn derive<const N: usize>(
    key: &[u8],
    label: &str,
    context: &[&[u8]],
) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32) };
    let mut info = Vec::with_capacity(label.len() + 2 + context.len());
    info.extend_from_slice(&[label.as_bytes(), &[0]]);
    info.extend_from_slice(context);
    let mut out = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(None, key)
        .expand_multi_info(&info, out.as_mut_slice())
        .expect("length checked at compile time");
    out
}

/// SHA-256 of label ‖ 0 ‖ parts.
pub(crate) fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(label.as_bytes());
    hash.update([0]);
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
