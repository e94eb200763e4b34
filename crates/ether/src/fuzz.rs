//! The decoders, for a fuzzer: each takes any bytes, must not panic, and must give back what it understood.

use crate::{Class, Day, Envelope, EnvelopeId, Frame, Header, Outcome, Size, pad, unpad};

/// Takes any bytes; panics only if the decoder is wrong.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const FUZZ: &[(&str, Target)] = &[
    ("ether-envelope", envelope),
    ("ether-frame", frame),
    ("ether-padding", padding),
];

/// Valid input for a target; empty for a name that is none.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    match name {
        "ether-envelope" => envelopes().map(Envelope::into_bytes).collect(),
        "ether-frame" => {
            let mut frames: Vec<_> = envelopes()
                .map(|envelope| Frame::Put { envelope })
                .collect();
            frames.extend([
                Frame::Ack {
                    id: EnvelopeId([3; 32]),
                    outcome: Outcome::Accepted,
                },
                Frame::Fetch { locator: [4; 16] },
                Frame::Fetched {
                    locator: [4; 16],
                    envelope: None,
                },
                Frame::Fetched {
                    locator: [4; 16],
                    envelope: envelopes().next(),
                },
                Frame::Unknown(200),
            ]);
            frames.iter().map(Frame::encode).collect()
        }
        "ether-padding" => [0, 1, 100]
            .iter()
            .flat_map(|n| pad(&vec![5; *n], 128))
            .collect(),
        _ => Vec::new(),
    }
}

fn envelopes() -> impl Iterator<Item = Envelope> {
    [Class::ordinary(Size::K2), Class::intro(Size::K4)]
        .into_iter()
        .flat_map(|class| {
            let header = Header {
                class,
                bucket: 0,
                expiry: Day(20_780),
                nonce: [1; 12],
                hint: [2; 8],
            };
            Envelope::new(header, &vec![0; class.ciphertext_bytes()])
        })
}

fn envelope(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::decode(bytes.to_vec()) {
        assert_eq!(envelope.as_bytes(), bytes);
        assert_eq!(
            Header::decode(&envelope.header().encode()),
            Ok(*envelope.header())
        );
    }
}

fn frame(bytes: &[u8]) {
    match Frame::decode(bytes) {
        Ok(Frame::Unknown(_)) | Err(_) => {}
        Ok(frame) => assert_eq!(frame.encode(), bytes),
    }
}

fn padding(bytes: &[u8]) {
    if let Ok(content) = unpad(bytes) {
        assert_eq!(pad(content, bytes.len()).as_deref(), Ok(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_takes_its_own_seeds() {
        for (name, target) in FUZZ {
            let seeds = seeds(name);
            assert!(!seeds.is_empty(), "no seeds for {name}");
            seeds.iter().for_each(|seed| target(seed));
        }
        assert!(seeds("nothing").is_empty());
    }
}
