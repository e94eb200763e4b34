//! The decoders of what comes from others, for a fuzzer: each takes any bytes, must not panic, and
//! must give back what it understood.

use komrade_crypto::{
    first_contact::ContactSecret,
    group::{Commit, Missing},
};
use komrade_social::Acknowledgement;
use komrade_store::{Record, Table};
use zeroize::Zeroizing;

use crate::{
    circle::{CircleRecord, frame as circle},
    home::{Home, NodeHome, decode_homes, encode_homes},
    introducing::word as introduction,
    invites::SealedOffer,
    moving::{read_part, write_part},
    packet::{BundleUpdate, IntroBody, OuterOffer, Packet, Report},
    records::{self, Content, Entry, Message, TickRecord},
    relay_link,
    space::frame::{Asked, Bundle, Load, Progress, Welcome, Word},
};

/// Takes any bytes; panics only if the decoder is wrong.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const FUZZ: &[(&str, Target)] = &[
    ("peer-packet", packet),
    ("peer-intro", intro),
    ("peer-homes", homes),
    ("peer-sealed-offer", sealed_offer),
    ("peer-introduction", introduced),
    ("peer-relay-link", relay),
    ("peer-records", record),
    ("peer-moving", part),
    ("peer-space-load", load),
    ("peer-space-bundle", bundle),
    ("peer-space-word", word),
    ("peer-space-welcome", welcome),
    ("peer-circle-word", circle_word),
];

/// Valid input for a target; empty for a name that is none.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    match name {
        "peer-packet" => vec![
            Packet::default().encode().to_vec(),
            full().encode().to_vec(),
        ],
        "peer-intro" => {
            let contact = ContactSecret::from_bytes([1; 32]);
            let body = IntroBody {
                contact,
                bundle: vec![2; 40],
                message: vec![3; 40],
            };
            vec![body.encode().to_vec()]
        }
        "peer-homes" => {
            let node = NodeHome {
                address: [1; 32],
                key: [2; 32],
                bucket: 0x8000,
                token: [3; 16],
            };
            let all = [
                Home::Node(node),
                Home::Peer([4; 32]),
                Home::Lifeboat([5; 32]),
            ];
            vec![encode_homes(&[]), encode_homes(&all)]
        }
        "peer-introduction" => {
            let all = introduction::examples().into_iter();
            all.map(|word| word.encode(&[7; 16]).to_vec()).collect()
        }
        "peer-sealed-offer" => {
            let sealed = SealedOffer {
                bundle: vec![1; 40],
                offer: vec![2; 40],
            };
            vec![sealed.encode().to_vec()]
        }
        "peer-relay-link" => [
            "https://relay.example:8443/",
            "http://127.0.0.1:4040",
            "http://[::1]:80/#j/AAECAwQFBgcICQoLDA0ODw",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        "peer-records" => {
            let entry = Entry::new(
                Content::Operation {
                    sequence: 1,
                    ordinal: Some(2),
                    tag: Some([4; 8]),
                },
                3,
            );
            let message = Message {
                mine: true,
                text: "hello".into(),
                written_at: 1,
                kept_at: 2,
            };
            vec![
                records::encode(&entry).to_vec(),
                records::encode(&message).to_vec(),
                records::encode(&TickRecord::Delivered(3)).to_vec(),
                records::encode(&CircleRecord::new([7; 16], None, "Close ones".into(), 4)).to_vec(),
            ]
        }
        "peer-moving" => {
            let record = |key: u8, value| Record {
                key: vec![key; 16],
                value: vec![7; value],
            };
            let records = [record(1, 0), record(2, 40)];
            [&records[..0], &records]
                .into_iter()
                .filter_map(|records| write_part(Table::Messages, records))
                .collect()
        }
        "peer-circle-word" => circle_words()
            .iter()
            .map(|word| word.encode(&[7; 16]).to_vec())
            .collect(),
        "peer-space-load" => vec![
            Load::default().encode().to_vec(),
            any_load().encode().to_vec(),
        ],
        "peer-space-bundle" => {
            let missing = Missing::new([Commit([1; 32])], [[2; 32], [3; 32]]);
            let full = Bundle {
                operations: vec![vec![4; 20], vec![5; 10]],
                leaves: vec![vec![6; 20]],
                asked: Some(Asked {
                    missing,
                    device: [7; 32],
                    time: 8,
                    signature: [9; 64],
                }),
            };
            vec![Bundle::default().encode().to_vec(), full.encode().to_vec()]
        }
        "peer-space-word" => [
            Word::Offer {
                name: "Tenants".into(),
                rules: vec![1; 20],
                members: 3,
            },
            Word::Answer(true),
            Word::Welcome {
                made_at: 1,
                number: 2,
                of: 3,
                part: vec![4; 20],
            },
            Word::Enter {
                operations: vec![vec![1; 20]],
                leaf: vec![2; 20],
            },
            Word::Keys(any_load()),
            Word::NotAdmitted,
            Word::Ask("hello".into()),
            Word::Progress(Progress {
                vouches: Some((3, 5)),
                ballots: Some((1, 2)),
                until: 9,
            }),
            Word::Withdraw,
        ]
        .map(|word| word.encode(&[9; 32]))
        .to_vec(),
        "peer-space-welcome" => {
            let full = Welcome {
                operations: vec![vec![1; 20]],
                leaves: vec![vec![2; 20]],
                floors: vec![([3; 32], 4)],
                pinned: None,
            };
            let pinned = Welcome {
                pinned: Some([5; 32]),
                ..Welcome::default()
            };
            let all = [Welcome::default(), full, pinned];
            all.map(|it| it.encode().to_vec()).to_vec()
        }
        _ => Vec::new(),
    }
}

fn any_load() -> Load {
    Load {
        content: Some(vec![1; 20]),
        control: Some(vec![2; 20]),
        pack: Some(vec![3; 20]),
        is_answer: true,
        archive: Some(vec![4; 20]),
    }
}

fn load(bytes: &[u8]) {
    if let Ok(load) = Load::decode(bytes) {
        assert_eq!(Load::decode(&load.encode()), Ok(load));
    }
}

fn bundle(bytes: &[u8]) {
    if let Ok(bundle) = Bundle::decode(bytes) {
        assert!(Bundle::decode(&bundle.encode()).is_ok_and(|again| again == bundle));
    }
}

fn word(bytes: &[u8]) {
    if let Ok(Some((space, word))) = Word::decode(bytes) {
        let again = Word::decode(&word.encode(&space));
        assert!(again.is_ok_and(|again| again.is_some_and(|again| again == (space, word))));
    }
}

fn welcome(bytes: &[u8]) {
    if let Ok(welcome) = Welcome::decode(bytes) {
        assert!(Welcome::decode(&welcome.encode()).is_ok_and(|again| again == welcome));
    }
}

fn full() -> Packet {
    Packet {
        operation: Some(Zeroizing::new(vec![1; 20])),
        report: Some(Report {
            acknowledgement: Acknowledgement::default(),
            outer: Some(([9; 8], 1)),
            bundle: 2,
            made_at: 3,
            partial: true,
        }),
        bundle: Some(BundleUpdate {
            number: 3,
            bytes: vec![4; 20],
        }),
        outer: Some(OuterOffer {
            number: 5,
            week: 6,
            encapsulation: vec![7; 20],
        }),
        binding: Some([8; 32]),
        lowest: Some(9),
    }
}

fn packet(bytes: &[u8]) {
    if let Ok(packet) = Packet::decode(bytes) {
        assert!(Packet::decode(&packet.encode()).is_ok_and(|again| again == packet));
    }
}

fn intro(bytes: &[u8]) {
    if let Ok(body) = IntroBody::decode(bytes) {
        assert!(IntroBody::decode(&body.encode()).is_ok_and(|again| again.message == body.message));
    }
}

fn homes(bytes: &[u8]) {
    if let Ok(homes) = decode_homes(bytes) {
        assert_eq!(decode_homes(&encode_homes(&homes)), Ok(homes));
    }
}

fn introduced(bytes: &[u8]) {
    if let Ok(Some((id, word))) = introduction::Word::decode(bytes) {
        let again = introduction::Word::decode(&word.encode(&id));
        assert!(again.is_ok_and(|again| again.is_some_and(|again| again == (id, word))));
    }
}

fn sealed_offer(bytes: &[u8]) {
    if let Ok(sealed) = SealedOffer::decode(bytes) {
        assert_eq!(SealedOffer::decode(&sealed.encode()), Ok(sealed));
    }
}

fn relay(bytes: &[u8]) {
    if let Some(link) = core::str::from_utf8(bytes).ok().and_then(relay_link::parse) {
        let again = relay_link::parse(&link.origin);
        assert!(again.is_some_and(|again| again.origin == link.origin));
    }
}

fn part(bytes: &[u8]) {
    if let Ok((table, records)) = read_part(bytes) {
        assert_eq!(write_part(table, &records).as_deref(), Some(bytes));
    }
}

fn record(bytes: &[u8]) {
    let _ = records::decode::<Entry>(bytes);
    let _ = records::decode::<Message>(bytes);
    let _ = records::decode::<TickRecord>(bytes);
    let _ = records::decode::<CircleRecord>(bytes);
}

fn circle_words() -> [circle::Word; 5] {
    let since = 1_795_392_000_000;
    let load = circle::Load {
        since,
        floor: 1,
        after: 2,
        to: 4,
        operations: vec![vec![5; 90], vec![6]],
    };
    let comment = vec![7; 80];
    [
        circle::Word::Load(load),
        circle::Word::Comment { since, comment },
        circle::Word::Farewell { since },
        circle::Word::End,
        circle::Word::Gap { since, from: 3 },
    ]
}

fn circle_word(bytes: &[u8]) {
    if let Ok(Some((nonce, word))) = circle::Word::decode(bytes) {
        let again = circle::Word::decode(&word.encode(&nonce));
        assert_eq!(again, Ok(Some((nonce, word))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_seeds_and_survives_their_damage() {
        for (name, target) in FUZZ {
            let seeds = seeds(name);
            assert!(!seeds.is_empty(), "{name}");
            for seed in seeds {
                target(&seed);
                for at in 0..seed.len() {
                    target(seed.get(..at).unwrap_or_default());
                    for flip in [1, 0x20, 0x80, 0xff] {
                        let mut damaged = seed.clone();
                        if let Some(byte) = damaged.get_mut(at) {
                            *byte ^= flip;
                        }
                        target(&damaged);
                    }
                }
            }
        }
    }
}
