//! The decoders of group keys.

use super::{Counting, device, kem};
use crate::group::{
    Commit, LastingKeys, LeafRecord, LeafRing, MAX_MISSING_HEADS, MAX_MISSING_SEEDS,
    MAX_RECEIVING_BYTES, MAX_SLICES, MemberRoot, Missing, Pack, Receiving, Seed, Sending, SliceKey,
    Space, archive, source,
};

const SPACE: Space = Space {
    kind: crate::group::Kind::Collective,
    id: [14; 32],
};
const SENDER: [u8; 32] = [15; 32];

pub(super) fn seeds(name: &str) -> Vec<Vec<u8>> {
    let (seed, public) = (seed(), kem().public());
    let mut rng = Counting(0);
    match name {
        "crypto-group-leaf" => {
            vec![LeafRecord::sign(&SPACE, 1, 20_000, &public, &device()).encode()]
        }
        "crypto-group-ring" => {
            let mut ring = LeafRing::new();
            let mut renewed = || {
                ring.renew(20_000, 0, &mut rng).ok()?;
                Some(ring.to_bytes().to_vec())
            };
            (0..2).filter_map(|_| renewed()).collect()
        }
        "crypto-group-pack" => (1..=2)
            .filter_map(|count| {
                let slice = |_| seed.slice(&public, &mut rng).ok();
                let slices: Vec<_> = (0..count).filter_map(slice).collect();
                seed.pack(&slices).ok()
            })
            .collect(),
        "crypto-group-content" => messages(),
        "crypto-group-control" => seed
            .lasting()
            .seal_control(b"hello", &mut rng)
            .into_iter()
            .collect(),
        "crypto-group-state" => states(),
        "crypto-group-missing" => vec![
            Missing::default().encode(),
            Missing::new([Commit([1; 32])], [[2; 32], [3; 32]]).encode(),
        ],
        "crypto-group-archive" => {
            let past = [archive::Past {
                seed,
                since: 20_000,
            }];
            let sealed = archive::seal(&SPACE, &past, &public, &mut rng).ok();
            let inside = [&[1][..], &[16; 68]].concat();
            sealed.into_iter().chain([inside]).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn leaf(bytes: &[u8]) {
    if let Ok(record) = LeafRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
        assert!(!record.supersedes(&record));
    }
}

pub(super) fn ring(bytes: &[u8]) {
    if let Ok(ring) = LeafRing::from_bytes(bytes) {
        assert_eq!(ring.to_bytes().as_slice(), bytes);
    }
}

pub(super) fn pack(bytes: &[u8]) {
    if let Ok(pack) = Pack::decode(bytes) {
        assert!(bytes.len() <= crate::group::MAX_PACK_BYTES && MAX_SLICES == 55);
        if let Ok(seed) = pack.open(&SPACE, [&SliceKey::new(kem())]) {
            assert_eq!(seed.commit(), pack.commit());
        }
    }
}

pub(super) fn content(bytes: &[u8]) {
    let seed = seed();
    let opened = seed
        .receiving(&SENDER)
        .and_then(|receiving| receiving.open(bytes));
    if let Ok(opened) = opened {
        let source = source(bytes).expect("it opened");
        assert_eq!((source.commit, source.device), (seed.commit(), SENDER));
        assert!(opened.next.to_bytes().len() <= MAX_RECEIVING_BYTES);
        assert_eq!(seed.reopen(bytes), Ok(opened.plaintext));
    } else {
        let _ = seed.reopen(bytes);
    }
}

pub(super) fn control(bytes: &[u8]) {
    let _ = seed().lasting().open_control(bytes);
}

/// What the vault's seal keeps others from writing holds together all the same.
pub(super) fn state(bytes: &[u8]) {
    if let Ok(seed) = Seed::from_bytes(bytes) {
        assert_eq!(seed.to_bytes().as_slice(), bytes);
    }
    if let Ok(lasting) = LastingKeys::from_bytes(bytes) {
        assert_eq!(lasting.to_bytes().as_slice(), bytes);
    }
    if let Ok(mut sending) = Sending::from_bytes(bytes) {
        assert_eq!(sending.to_bytes().as_slice(), bytes);
        let _ = sending.seal(b"hello", &mut Counting(0));
    }
    if let Ok(receiving) = Receiving::from_bytes(bytes) {
        assert_eq!(receiving.to_bytes().as_slice(), bytes);
        for message in messages() {
            let _ = receiving.open(&message);
        }
    }
}

pub(super) fn missing(bytes: &[u8]) {
    if let Ok(missing) = Missing::decode(bytes) {
        assert_eq!(missing.encode(), bytes);
        assert!(missing.seeds().len() <= MAX_MISSING_SEEDS);
        assert!(missing.heads().len() <= MAX_MISSING_HEADS);
    }
}

pub(super) fn archives(bytes: &[u8]) {
    let _ = archive::open(&SPACE, &SliceKey::new(kem()), bytes);
    if let Ok(past) = archive::read(&SPACE, bytes) {
        assert!(past.len() <= archive::MAX_SEEDS);
    }
}

fn seed() -> Seed {
    Seed::draw(SPACE, MemberRoot([17; 32]), &mut Counting(0))
}

/// Three in a row.
fn messages() -> Vec<Vec<u8>> {
    let Ok(mut sending) = seed().sending(&SENDER) else {
        return Vec::new();
    };
    (0..3)
        .filter_map(|_| sending.seal(b"hello", &mut Counting(0)).ok())
        .collect()
}

fn states() -> Vec<Vec<u8>> {
    let seed = seed();
    let mut states = vec![seed.to_bytes().to_vec(), seed.lasting().to_bytes().to_vec()];
    if let (Ok(sending), Ok(receiving)) = (seed.sending(&SENDER), seed.receiving(&SENDER)) {
        states.push(sending.to_bytes().to_vec());
        states.push(receiving.to_bytes().to_vec());
        let later = messages().pop().map(|last| receiving.open(&last));
        if let Some(Ok(opened)) = later {
            states.push(opened.next.to_bytes().to_vec());
        }
    }
    states
}
