//! What one Olm message carries: an operation and what the two devices have to say about the way.
//!
//! | field | what |
//! |---|---|
//! | 1 | version |
//! | 2 | the exact bytes of an operation |
//! | 3 | acknowledgement of the recipient's operations |
//! | 4 | number of the newest outer key of the recipient that is held here |
//! | 5 | number of the recipient's newest bundle that is held here |
//! | 6, 7 | number of the sender's bundle, and the bundle |
//! | 8, 9, 10 | number of the sender's next outer key, the prekey it is sealed to, its encapsulation |
//! | 11 | proof that the first contact and the session belong together |
//! | 12 | when the acknowledgement was made, in milliseconds since 1970, by the sender's clock |
//! | 13 | number of the sender's lowest operation that can still be supplied, of those that the recipient is not known to have |
//! | 14 | the chain of the key of field 4: the first 8 bytes of the first contact's rank; without it field 4 says nothing |
//! | 15 | 1: larger envelopes wait until the sender of the acknowledgement has data to spare; what it lacks of those is not missing |
//!
//! Every part may be missing. A part of a newer version is skipped.

use komrade_crypto::first_contact::ContactSecret;
use komrade_social::{Acknowledgement, MAX_ACKNOWLEDGEMENT_BYTES, MAX_OPERATION_BYTES};
use zeroize::Zeroizing;

use crate::{
    fields::{Reader, Unreadable, Writer},
    pair::Chain,
};

/// The version made here.
pub(crate) const VERSION: u64 = 1;
/// The largest bundle, in bytes.
pub(crate) const MAX_BUNDLE_BYTES: usize = 4 * 1024;
/// The largest packet, in bytes: what fits in the largest envelope.
pub(crate) const MAX_PACKET_BYTES: usize = 60 * 1024;

/// What is said of the recipient's direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) acknowledgement: Acknowledgement,
    /// The newest outer key received, and the chain it belongs to.
    pub(crate) outer: Option<(Chain, u64)>,
    /// The newest bundle received.
    pub(crate) bundle: u64,
    /// When it was made: a later one replaces an earlier one, whatever it says.
    pub(crate) made_at: u64,
    /// Larger envelopes were left out to save data.
    pub(crate) partial: bool,
}

/// A bundle under its number: a higher one replaces a lower one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BundleUpdate {
    pub(crate) number: u64,
    pub(crate) bytes: Vec<u8>,
}

/// The next outer key of the sender's direction.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OuterOffer {
    pub(crate) number: u64,
    /// The week of the prekey it is sealed to.
    pub(crate) week: u32,
    pub(crate) encapsulation: Vec<u8>,
}

/// The content of one Olm message.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) operation: Option<Zeroizing<Vec<u8>>>,
    pub(crate) report: Option<Report>,
    pub(crate) bundle: Option<BundleUpdate>,
    pub(crate) outer: Option<OuterOffer>,
    pub(crate) binding: Option<[u8; 32]>,
    /// Nothing below this number can be supplied any more.
    pub(crate) lowest: Option<u64>,
}

impl Packet {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::default()
            .uint(1, VERSION)
            .optional(2, self.operation.as_deref().map(Vec::as_slice));
        if let Some(report) = &self.report {
            writer = writer
                .bytes(3, &report.acknowledgement.encode())
                .uint(4, report.outer.map_or(0, |(_, number)| number))
                .uint(5, report.bundle);
        }
        if let Some(bundle) = &self.bundle {
            writer = writer.uint(6, bundle.number).bytes(7, &bundle.bytes);
        }
        if let Some(offer) = &self.outer {
            writer = writer
                .uint(8, offer.number)
                .uint(9, offer.week.into())
                .bytes(10, &offer.encapsulation);
        }
        let outer = self.report.as_ref().and_then(|report| report.outer);
        let chain = outer.map(|(chain, _)| chain);
        let partial = self.report.as_ref().filter(|report| report.partial);
        writer
            .optional(11, self.binding.as_ref().map(|it| &it[..]))
            .optional_uint(12, self.report.as_ref().map(|report| report.made_at))
            .optional_uint(13, self.lowest)
            .optional(14, chain.as_ref().map(|it| &it[..]))
            .optional_uint(15, partial.map(|_| 1))
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.len() > MAX_PACKET_BYTES {
            return Err(Unreadable);
        }
        let mut reader = Reader::parse(bytes)?;
        if reader.uint(1)? == 0 {
            return Err(Unreadable);
        }
        let operation =
            bounded(reader.optional_bytes(2)?, MAX_OPERATION_BYTES)?.map(Zeroizing::new);
        let report = match bounded(reader.optional_bytes(3)?, MAX_ACKNOWLEDGEMENT_BYTES)? {
            None => None,
            Some(bytes) => Some(Report {
                acknowledgement: Acknowledgement::decode(&bytes).map_err(|_| Unreadable)?,
                outer: {
                    let number = reader.uint(4)?;
                    let chain = reader.optional_bytes(14)?.map(|chain| chain.try_into());
                    chain
                        .transpose()
                        .map_err(|_| Unreadable)?
                        .map(|chain| (chain, number))
                },
                bundle: reader.uint(5)?,
                made_at: reader.uint(12)?,
                partial: reader.optional_uint(15)? == Some(1),
            }),
        };
        let bundle = match reader.optional_uint(6)? {
            None => None,
            Some(number) => Some(BundleUpdate {
                number,
                bytes: bounded(reader.optional_bytes(7)?, MAX_BUNDLE_BYTES)?.ok_or(Unreadable)?,
            }),
        };
        let outer = match reader.optional_uint(8)? {
            None => None,
            Some(number) => Some(OuterOffer {
                number,
                week: reader.uint(9)?.try_into().map_err(|_| Unreadable)?,
                encapsulation: bounded(reader.optional_bytes(10)?, MAX_BUNDLE_BYTES)?
                    .ok_or(Unreadable)?,
            }),
        };
        let binding = match reader.optional_bytes(11)? {
            None => None,
            Some(bytes) => Some(bytes.try_into().map_err(|_| Unreadable)?),
        };
        Ok(Self {
            operation,
            report,
            bundle,
            outer,
            binding,
            lowest: reader.optional_uint(13)?,
        })
    }
}

fn bounded(bytes: Option<Vec<u8>>, most: usize) -> Result<Option<Vec<u8>>, Unreadable> {
    match bytes {
        Some(bytes) if bytes.len() > most => Err(Unreadable),
        bytes => Ok(bytes),
    }
}

/// What an intro holds: 1 the version; 2 the contact secret; 3 the sender's bundle; 4 an Olm
/// message.
pub(crate) struct IntroBody {
    pub(crate) contact: ContactSecret,
    pub(crate) bundle: Vec<u8>,
    pub(crate) message: Vec<u8>,
}

impl IntroBody {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Writer::default()
            .uint(1, VERSION)
            .bytes(2, self.contact.expose())
            .bytes(3, &self.bundle)
            .bytes(4, &self.message)
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        if reader.uint(1)? == 0 {
            return Err(Unreadable);
        }
        let contact = Zeroizing::new(reader.array(2)?);
        Ok(Self {
            contact: ContactSecret::from_bytes(*contact),
            bundle: reader.bytes(3)?,
            message: reader.bytes(4)?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(crate) fn full() -> Packet {
        Packet {
            operation: Some(Zeroizing::new(vec![0xa0])),
            report: Some(Report {
                outer: Some(([9; 8], 3)),
                bundle: 4,
                made_at: 9,
                ..Report::default()
            }),
            bundle: Some(BundleUpdate {
                number: 5,
                bytes: vec![1, 2],
            }),
            outer: Some(OuterOffer {
                number: 6,
                week: 7,
                encapsulation: vec![8],
            }),
            binding: Some([9; 32]),
            lowest: Some(10),
        }
    }

    #[test]
    fn packets_come_back() {
        let mut partial = full();
        if let Some(report) = &mut partial.report {
            report.partial = true;
        }
        for packet in [Packet::default(), full(), partial] {
            assert!(Packet::decode(&packet.encode()).unwrap() == packet);
        }
    }

    #[test]
    fn the_bytes_are_frozen() {
        let packet = Packet {
            operation: Some(Zeroizing::new(vec![0xa0])),
            report: Some(Report {
                outer: Some(([9; 8], 3)),
                bundle: 4,
                made_at: 9,
                ..Report::default()
            }),
            ..Packet::default()
        };
        let expected = [
            0xa7, 1, 1, 2, 0x41, 0xa0, 3, 0x47, 0xa3, 1, 0, 2, 0x80, 3, 0x80, 4, 3, 5, 4, 12, 9,
            14, 0x48, 9, 9, 9, 9, 9, 9, 9, 9,
        ];
        assert_eq!(**packet.encode(), expected);
        let packet = Packet {
            lowest: Some(300),
            ..Packet::default()
        };
        assert_eq!(**packet.encode(), [0xa2, 1, 1, 13, 0x19, 1, 0x2c]);
        let packet = Packet {
            report: Some(Report {
                partial: true,
                ..Report::default()
            }),
            ..Packet::default()
        };
        let expected = [
            0xa6, 1, 1, 3, 0x47, 0xa3, 1, 0, 2, 0x80, 3, 0x80, 4, 0, 5, 0, 12, 0, 15, 1,
        ];
        assert_eq!(**packet.encode(), expected);
    }

    #[test]
    fn intros_come_back() {
        let contact = ContactSecret::from_bytes([7; 32]);
        let body = IntroBody {
            contact: contact.clone(),
            bundle: vec![1],
            message: vec![2],
        };
        let again = IntroBody::decode(&body.encode()).unwrap();
        assert_eq!(
            (again.contact, again.bundle, again.message),
            (contact, vec![1], vec![2])
        );
        assert!(IntroBody::decode(&Writer::default().uint(1, 1).bytes(2, b"").finish()).is_err());
    }

    #[test]
    fn damaged_parts_are_refused() {
        for bytes in [
            Writer::default().finish(),
            Writer::default().uint(1, 0).finish(),
            Writer::default().uint(1, 1).bytes(3, b"no").finish(),
            Writer::default().uint(1, 1).uint(6, 1).finish(),
            Writer::default()
                .uint(1, 1)
                .uint(8, 1)
                .uint(9, u64::MAX)
                .bytes(10, b"")
                .finish(),
            Writer::default().uint(1, 1).bytes(11, &[0; 31]).finish(),
        ] {
            assert!(Packet::decode(&bytes).is_err());
        }
    }
}
