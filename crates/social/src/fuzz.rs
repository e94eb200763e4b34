//! The decoders, for a fuzzer: each takes any bytes, must not panic, and must give back what it understood.

use crate::{
    Acknowledgement, Body, DeviceId, Fields, Head, Operation, OperationId, Range, Received,
};

/// Takes any bytes; panics only if the decoder is wrong.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const FUZZ: &[(&str, Target)] = &[
    ("social-operation", operation),
    ("social-acknowledgement", acknowledgement),
    ("social-received", received),
];

/// Valid input for a target; empty for a name that is none.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    match name {
        "social-operation" => operations()
            .into_iter()
            .map(Operation::into_bytes)
            .collect(),
        "social-acknowledgement" => {
            let beyond = vec![
                Range { first: 5, last: 9 },
                Range {
                    first: 11,
                    last: 11,
                },
            ];
            let full = Acknowledgement {
                up_to: 3,
                wanted: beyond.clone(),
                beyond,
            };
            vec![Acknowledgement::default().encode(), full.encode()]
        }
        "social-received" => {
            let mut all = Received::default();
            let mut seeds = vec![all.encode()];
            for operation in operations().iter().rev() {
                all.insert(operation);
                seeds.push(all.encode());
            }
            seeds
        }
        _ => Vec::new(),
    }
}

/// A chain of one operation of every kind.
fn operations() -> Vec<Operation> {
    let bodies = [
        Body::Text {
            text: "hello".to_owned(),
        },
        Body::Profile {
            name: "Bo".to_owned(),
        },
        Body::Homes {
            homes: vec![1, 2, 3],
        },
        Body::Confirmed,
    ];
    let seen = vec![Head {
        device: DeviceId([1; 32]),
        sequence: 2,
        id: OperationId([3; 32]),
    }];
    let mut chain: Vec<Operation> = Vec::new();
    for (sequence, body) in (1..).zip(bodies) {
        let previous = chain.last().map(Operation::id);
        let (seen, time) = (seen.clone(), 1_795_392_000_000);
        let fields = Fields {
            sequence,
            previous,
            seen,
            time,
            expiry_day: 20_870,
            body,
        };
        chain.extend(Operation::new(fields));
    }
    chain
}

fn operation(bytes: &[u8]) {
    if let Ok(operation) = Operation::decode(bytes) {
        assert_eq!(operation.as_bytes(), bytes);
    }
}

fn acknowledgement(bytes: &[u8]) {
    if let Ok(acknowledgement) = Acknowledgement::decode(bytes) {
        assert_eq!(
            Acknowledgement::decode(&acknowledgement.encode()),
            Ok(acknowledgement)
        );
    }
}

fn received(bytes: &[u8]) {
    if let Ok(mut received) = Received::decode(bytes) {
        assert_eq!(Received::decode(&received.encode()).as_ref(), Ok(&received));
        for operation in operations() {
            received.insert(&operation);
        }
        assert_eq!(Received::decode(&received.encode()).as_ref(), Ok(&received));
        assert!(Acknowledgement::decode(&received.acknowledgement().encode()).is_ok());
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
            assert!(seeds.len() > 1, "no seeds for {name}");
            seeds.iter().for_each(|seed| target(seed));
        }
        assert!(seeds("nothing").is_empty());
    }
}
