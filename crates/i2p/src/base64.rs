//! I2P's Base64: the usual one with `-` for `+` and `~` for `/`, always padded.

use data_encoding::BASE64;
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest text read, in characters: a private blob of the largest kind and slack.
pub(crate) const MAX_TEXT: usize = 2_048;

/// Why a text is not I2P's Base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Base64Error {
    /// Longer than anything read here.
    #[error("{got} characters, at most {MAX_TEXT} are read")]
    TooLong {
        /// How long it is.
        got: usize,
    },
    /// A character outside the alphabet, missing padding, or bits set after the end.
    #[error("not I2P's Base64")]
    Malformed,
}

pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let usual = Zeroizing::new(BASE64.encode(bytes));
    // Reserved at full length first: a growing string would leave copies of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(usual.len()));
    text.extend(usual.chars().map(|c| match c {
        '+' => '-',
        '/' => '~',
        other => other,
    }));
    text
}

pub(crate) fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, Base64Error> {
    if text.len() > MAX_TEXT {
        return Err(Base64Error::TooLong { got: text.len() });
    }
    let mut usual = Zeroizing::new(Vec::with_capacity(text.len()));
    for byte in text.bytes() {
        usual.push(match byte {
            b'-' => b'+',
            b'~' => b'/',
            b'+' | b'/' => return Err(Base64Error::Malformed),
            other => other,
        });
    }
    BASE64
        .decode(&usual)
        .map(Zeroizing::new)
        .map_err(|_| Base64Error::Malformed)
}
