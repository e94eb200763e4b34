//! What somebody who reads a circle says to a post.
//!
//! 64 bytes of signature, then a CBOR map, which is what is signed and hashed:
//!
//! | field | what | type |
//! |---|---|---|
//! | 1 | the circle | 32 bytes |
//! | 2 | the post | 32 bytes |
//! | 3 | when it was made, in milliseconds since 1970 | unsigned |
//! | 4 | what its author wants to be called | text |
//! | 5 | what it says | text |
//! | 6 | the certificate of the device that signs | bytes |
//! | 12 | the suite | unsigned |

use std::fmt;

use komrade_crypto::{
    SUITE,
    identity::{DeviceCertificate, DeviceKey, PersonId, verify_comment},
    labels,
};

use super::{CircleId, operation::split};
use crate::{
    DeviceId, OperationError, OperationId,
    body::name_is_good,
    cbor::{Map, Writer, exactly},
    collective::operation::hash,
};

/// The longest comment, in bytes.
pub const MAX_COMMENT_TEXT_BYTES: usize = 2_000;
/// The same with its name, certificate and signature, with room for newer fields.
pub const MAX_COMMENT_BYTES: usize = 3 * 1_024;

const CIRCLE: u64 = 1;
const ON: u64 = 2;
const TIME: u64 = 3;
const NAME: u64 = 4;
const TEXT: u64 = 5;
const CERTIFICATE: u64 = 6;
const SUITE_ID: u64 = 12;

/// A signed comment: its exact bytes and what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct Comment {
    id: OperationId,
    circle: CircleId,
    on: OperationId,
    time: u64,
    name: String,
    text: String,
    certificate: DeviceCertificate,
    bytes: Vec<u8>,
}

impl Comment {
    /// Makes and signs one. The key is that of the device in the certificate.
    ///
    /// # Errors
    /// If name or text are out of bounds.
    pub fn sign(
        (circle, on): (CircleId, OperationId),
        time: u64,
        name: &str,
        text: &str,
        certificate: &DeviceCertificate,
        key: &DeviceKey,
    ) -> Result<Self, OperationError> {
        let mut writer = Writer::default();
        writer.map(7);
        writer.number(CIRCLE);
        writer.bytes(&circle.0);
        writer.number(ON);
        writer.bytes(&on.0);
        writer.number(TIME);
        writer.number(time);
        writer.number(NAME);
        writer.text(name);
        writer.number(TEXT);
        writer.text(text);
        writer.number(CERTIFICATE);
        writer.bytes(&certificate.encode());
        writer.number(SUITE_ID);
        writer.number(SUITE.into());
        let signed = writer.into_vec();
        Self::decode_stored(&[&key.sign_comment(&signed)[..], &signed].concat())
    }

    /// Reads one that came from elsewhere, and checks its signature and certificate.
    ///
    /// # Errors
    /// If it is none, or not signed by the device that it names.
    pub fn decode(bytes: &[u8]) -> Result<Self, OperationError> {
        let comment = Self::decode_stored(bytes)?;
        comment.verify()?;
        Ok(comment)
    }

    /// Checks its signature, and that of its device's certificate.
    ///
    /// # Errors
    /// If one of them is not right.
    pub fn verify(&self) -> Result<(), OperationError> {
        self.certificate
            .verify()
            .map_err(|_| OperationError::BadCertificate)?;
        let (signature, signed) = split(&self.bytes)?;
        verify_comment(self.certificate.device(), signed, signature)
            .map_err(|_| OperationError::BadSignature)
    }

    /// Reads one whose signatures were checked when it came, or are checked later by [`verify`](Self::verify). It checks none:
    /// when a vault is opened, thousands are read.
    ///
    /// # Errors
    /// If it is none.
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, OperationError> {
        if bytes.len() > MAX_COMMENT_BYTES {
            return Err(OperationError::TooLong(bytes.len()));
        }
        let (_, signed) = split(bytes)?;
        let mut map = Map::read(signed).ok_or(OperationError::Malformed)?;
        if map.number(SUITE_ID)? != u64::from(SUITE) {
            return Err(OperationError::BadField(SUITE_ID));
        }
        let certificate = map.bytes(CERTIFICATE)?;
        let comment = Self {
            id: OperationId(hash(labels::CIRCLE_COMMENT_ID, &[signed])),
            circle: CircleId(map.required(CIRCLE, |value| exactly(&value))?),
            on: OperationId(map.required(ON, |value| exactly(&value))?),
            time: map.number(TIME)?,
            name: map.text(NAME)?,
            text: map.text(TEXT)?,
            certificate: DeviceCertificate::decode_stored(&certificate)
                .map_err(|_| OperationError::BadCertificate)?,
            bytes: bytes.to_vec(),
        };
        let length = comment.text.len();
        if length == 0 || length > MAX_COMMENT_TEXT_BYTES {
            return Err(OperationError::TextTooLong(length));
        }
        if !name_is_good(&comment.name) {
            return Err(OperationError::BadName);
        }
        Ok(comment)
    }

    /// Its id.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// In which circle it is said.
    pub fn circle(&self) -> CircleId {
        self.circle
    }

    /// To which post.
    pub fn on(&self) -> OperationId {
        self.on
    }

    /// When, by its author's clock, in milliseconds since the epoch.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// What its author wants to be called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose it is.
    pub fn person(&self) -> PersonId {
        self.certificate.person()
    }

    /// Which device signed it.
    pub fn device(&self) -> DeviceId {
        DeviceId(*self.certificate.device())
    }

    /// Its exact bytes, with the signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Comment").finish_non_exhaustive()
    }
}
