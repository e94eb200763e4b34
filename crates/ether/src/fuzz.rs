//! The decoders, for a fuzzer: each takes any bytes, must not panic, and must give back what it understood.

use std::ops::Range;

use crate::{
    Account, Bucket, Class, Day, Draw, Envelope, EnvelopeId, Frame, Header, Home,
    MAX_RECONCILE_BYTES, MemoryError, MemoryShelf, Node, NodeKey, Outcome, Part, Party, Pass,
    Reconciler, Responder, Settings, Size, Token, Work, pad, reconcile::answer, unpad,
};

const TODAY: Day = Day(20_750);

thread_local! {
    /// A shelf on which a node keeps what [`held`] names.
    static NODE: MemoryShelf = shelf().unwrap_or_default();
}

/// Takes any bytes; panics only if the decoder is wrong.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const FUZZ: &[(&str, Target)] = &[
    ("ether-envelope", envelope),
    ("ether-frame", frame),
    ("ether-padding", padding),
    ("ether-reconcile", reconcile),
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
            frames.extend(node_frames());
            frames.iter().map(Frame::encode).collect()
        }
        "ether-padding" => [0, 1, 100]
            .iter()
            .flat_map(|n| pad(&vec![5; *n], 128))
            .collect(),
        "ether-reconcile" => messages(),
        _ => Vec::new(),
    }
}

/// Every message of a reconciliation, from both sides.
fn messages() -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let Ok((mut reconciler, mut frame)) = Reconciler::begin(Bucket::WHOLE, held(0..60)) else {
        return messages;
    };
    while let Frame::Reconcile { message, .. } = frame {
        messages.push(message.clone());
        let answer = NODE.with(|shelf| answer(shelf, Bucket::WHOLE, TODAY, &message));
        let Ok(Some(answer)) = answer else {
            break;
        };
        messages.push(answer.clone());
        match reconciler.handle(&answer) {
            Ok(learnt) if !learnt.is_done => frame = learnt.answer,
            _ => break,
        }
    }
    messages
}

/// One frame of each kind that a node adds, and each shape of a pass.
fn node_frames() -> Vec<Frame> {
    let (id, locator, bucket) = (EnvelopeId([3; 32]), [4; 16], Bucket::WHOLE);
    let token = Some(Token([5; 16]));
    let work = Some(Work {
        day: Day(20_750),
        nonce: 6,
    });
    let home = Home {
        address: [7; 32],
        node: NodeKey([8; 32]),
    };
    let outcome = Outcome::NeedsWork(16);
    let (incarnation, after, until, number) = (9, 10, 11, 12);
    let mut frames = vec![
        Frame::Subscribe {
            bucket,
            incarnation,
            after,
        },
        Frame::Log {
            incarnation,
            after,
            until,
        },
        Frame::CaughtUp { until },
        Frame::Reconcile {
            bucket,
            message: vec![0x61, 0, 0, 2, 0],
        },
        Frame::Want { ids: vec![id; 2] },
        Frame::Unplace { locator },
        Frame::Ack { id, outcome },
        Frame::Returned { id, outcome },
        Frame::Noted { id },
    ];
    for envelope in envelopes().take(1) {
        for (token, work) in [(None, None), (token, None), (None, work), (token, work)] {
            let (pass, envelope) = (Pass { token, work }, envelope.clone());
            frames.push(Frame::Deposit { pass, envelope });
        }
        let (pass, replica, placed) = (Pass { token, work }, envelope.clone(), envelope.clone());
        frames.push(Frame::Replica { envelope: replica });
        frames.push(Frame::Place {
            locator,
            envelope: placed,
        });
        frames.push(Frame::Arrived {
            number,
            envelope: envelope.clone(),
        });
        frames.push(Frame::Forward {
            home,
            pass,
            envelope,
        });
    }
    frames.push(Frame::SubscribePart {
        bucket,
        incarnation,
        after,
        part: Part::Larger,
    });
    frames.push(Frame::Seek {
        tag: 13,
        bucket,
        is_lost: true,
    });
    frames.push(Frame::Unreached { home });
    frames
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

/// Days and ids of so many envelopes.
fn held(numbers: Range<u8>) -> Vec<(Day, EnvelopeId)> {
    let envelopes = numbers.filter_map(numbered);
    envelopes
        .map(|envelope| (envelope.header().expiry, envelope.id()))
        .collect()
}

fn numbered(number: u8) -> Option<Envelope> {
    let class = Class::ordinary(Size::K2);
    let header = Header {
        class,
        bucket: 0,
        expiry: TODAY.plus(1 + u32::from(number % 3)),
        nonce: [number; 12],
        hint: [2; 8],
    };
    Envelope::new(header, &vec![0; class.ciphertext_bytes()]).ok()
}

fn shelf() -> Result<MemoryShelf, MemoryError> {
    let (mut shelf, now) = (MemoryShelf::new(), TODAY.start());
    let draw = Draw {
        incarnation: 1,
        token: Token([5; 16]),
    };
    let node = Node::open(&mut shelf, NodeKey([8; 32]), Settings::default(), now, draw)?;
    let (party, pass) = (Party::Member(Account([6; 32])), Pass::default());
    for envelope in (20..90).filter_map(numbered) {
        node.put(&mut shelf, now, party, &pass, &envelope)?;
    }
    Ok(shelf)
}

fn reconcile(bytes: &[u8]) {
    let answered = NODE.with(|shelf| answer(shelf, Bucket::WHOLE, TODAY, bytes));
    assert!(answered.is_ok(), "a message damaged the shelf");
    if let Ok((mut reconciler, _)) = Reconciler::begin(Bucket::WHOLE, held(0..60)) {
        let _ = reconciler.handle(bytes);
    }
    if let Ok(mut responder) = Responder::begin(held(20..90)) {
        let answered = responder.handle(bytes);
        assert!(answered.unwrap_or_default().len() <= MAX_RECONCILE_BYTES);
    }
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
        Ok(frame) => {
            let again = frame.encode();
            assert_eq!(again.len(), bytes.len());
            // The whole node has two codes, of which one is written.
            assert!(again == bytes || has_bucket(&frame));
            assert_eq!(Frame::decode(&again), Ok(frame));
        }
    }
}

fn has_bucket(frame: &Frame) -> bool {
    matches!(
        frame,
        Frame::Subscribe { .. }
            | Frame::SubscribePart { .. }
            | Frame::Reconcile { .. }
            | Frame::Seek { .. }
    )
}

fn padding(bytes: &[u8]) {
    if let Ok(content) = unpad(bytes) {
        assert_eq!(pad(content, bytes.len()).as_deref(), Ok(bytes));
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

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
