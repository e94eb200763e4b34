//! The decoders, for a fuzzer: each takes any bytes, must not panic, and must give back what it understood.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::{
    control::{FromMember, FromRelay, Hosting, Limits, Refusal, Stage, VERSION},
    frame,
    greeting::{self, Status},
    header::{Header, Opened},
    link::{HANDSHAKE_BYTES, Initiator, Preamble, Responder, Transport},
};

/// Takes any bytes; panics only if the decoder is wrong.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const FUZZ: &[(&str, Target)] = &[
    ("wire-control-member", control_member),
    ("wire-control-relay", control_relay),
    ("wire-frame", frames),
    ("wire-greeting", greetings),
    ("wire-header", header),
    ("wire-link-handshake", handshake),
    ("wire-link-transport", transport),
    ("wire-opened", opened),
    ("wire-preamble", preamble),
];

/// Valid input for a target; empty for a name that is none.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    match name {
        "wire-control-member" => members()
            .iter()
            .map(|message| message.encode().to_vec())
            .collect(),
        "wire-control-relay" => relays().iter().map(FromRelay::encode).collect(),
        "wire-frame" => [0, 1, 300]
            .iter()
            .flat_map(|length| frame::encode(&vec![7; *length], FRAME))
            .map(|bytes| bytes.to_vec())
            .collect(),
        "wire-greeting" => vec![
            greeting::greeting().to_vec(),
            greeting::answer(Status::Connected).to_vec(),
            greeting::answer(Status::Away).to_vec(),
        ],
        "wire-header" => [
            Header::Dial { address: [9; 32] },
            Header::Incoming,
            Header::Node,
        ]
        .iter()
        .map(Header::encode)
        .collect(),
        "wire-link-handshake" => started()
            .into_iter()
            .map(|(_, message)| message.to_vec())
            .collect(),
        "wire-link-transport" => sealed(),
        "wire-opened" => [Opened::Connected, Opened::Unsupported]
            .iter()
            .map(Opened::encode)
            .collect(),
        "wire-preamble" => [Preamble::Comrade([5; 20]), Preamble::Node]
            .iter()
            .map(Preamble::encode)
            .collect(),
        _ => Vec::new(),
    }
}

/// The largest frame that the target for frames takes.
const FRAME: usize = 1024;

fn members() -> Vec<FromMember> {
    vec![
        FromMember::Hello {
            version: VERSION,
            join_secret: Zeroizing::new([1; 16]),
            account: Zeroizing::new([2; 32]),
        },
        FromMember::Host {
            blob: Zeroizing::new(vec![3; 679]),
        },
        FromMember::Unhost,
        FromMember::Ping(u64::MAX),
    ]
}

fn relays() -> Vec<FromRelay> {
    let limits = Limits {
        streams: 32,
        websocket_message: 65_536,
        in_flight: 1 << 24,
        handshake_seconds: 20,
        idle_seconds: 90,
        stream_idle_seconds: 600,
    };
    vec![
        FromRelay::Welcome {
            version: VERSION,
            limits,
            resumed: true,
        },
        FromRelay::Refused(Refusal::JoinSecret),
        FromRelay::Router(Stage::Building { routers: 70_000 }),
        FromRelay::Hosting(Hosting::Failed { retry_in: 30 }),
        FromRelay::Pong(7),
        FromRelay::Node {
            address: [4; 32],
            key: [5; 32],
            token: [6; 16],
            bits: 15,
            incarnation: u64::MAX,
        },
    ]
}

fn control_member(bytes: &[u8]) {
    if let Ok(Some(message)) = FromMember::decode(bytes) {
        assert_eq!(FromMember::decode(&message.encode()), Ok(Some(message)));
    }
}

fn control_relay(bytes: &[u8]) {
    if let Ok(Some(message)) = FromRelay::decode(bytes) {
        assert_eq!(FromRelay::decode(&message.encode()), Ok(Some(message)));
    }
}

fn frames(bytes: &[u8]) {
    let mut decoder = frame::Decoder::new(FRAME);
    let mut rest = bytes;
    let mut again = Vec::new();
    while !rest.is_empty() {
        let Ok((taken, frame)) = decoder.push(rest) else {
            return;
        };
        assert!(taken > 0 && decoder.wanted() > 0);
        if let Some(frame) = frame {
            again.extend_from_slice(&frame::encode(&frame, FRAME).unwrap_or_default());
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    assert!(bytes.starts_with(&again));
}

fn greetings(bytes: &[u8]) {
    if let Some(Ok(())) = bytes
        .first_chunk()
        .map(|bytes| greeting::check_greeting(*bytes))
    {
        assert!(bytes.starts_with(&greeting::greeting()));
    }
    if let Some(Ok(status)) = bytes
        .first_chunk()
        .map(|bytes| greeting::check_answer(*bytes))
    {
        assert!(bytes.starts_with(&greeting::answer(status)));
    }
}

fn header(bytes: &[u8]) {
    if let Ok(header) = Header::decode(bytes) {
        assert_eq!(Header::decode(&header.encode()), Ok(header));
    }
}

fn opened(bytes: &[u8]) {
    if let Ok(opened) = Opened::decode(bytes) {
        assert_eq!(Opened::decode(&opened.encode()), Ok(opened));
    }
}

fn preamble(bytes: &[u8]) {
    if let Ok(preamble) = Preamble::decode(bytes) {
        assert_eq!(preamble.encode(), bytes);
    }
}

fn handshake(bytes: &[u8]) {
    if let Some(message) = bytes.first_chunk::<HANDSHAKE_BYTES>() {
        let answer = Responder::comrade([5; 20], &[6; 32], message, &mut Counting(100));
        // Who does not hold the key cannot make this, so what opens is the seed.
        assert!(answer.is_err() || started().iter().any(|(_, seed)| seed == message));
        if let Some((initiator, _)) = started().into_iter().next() {
            assert!(initiator.finish(message).is_err());
        }
    }
}

fn transport(bytes: &[u8]) {
    let Some((_, mut there)) = link() else { return };
    let mut rest = bytes;
    while !rest.is_empty() {
        let Ok((taken, _)) = there.opener.push(rest) else {
            return;
        };
        assert!(taken > 0 && there.opener.wanted() > 0);
        rest = rest.get(taken..).unwrap_or_default();
    }
}

fn started() -> Option<(Initiator, [u8; HANDSHAKE_BYTES])> {
    let (initiator, bytes) = Initiator::comrade([5; 20], &[6; 32], &mut Counting(1)).ok()?;
    Some((initiator, *bytes.last_chunk()?))
}

fn link() -> Option<(Transport, Transport)> {
    let (initiator, message) = started()?;
    let (responder, reply) =
        Responder::comrade([5; 20], &[6; 32], &message, &mut Counting(100)).ok()?;
    let (here, confirmation) = initiator.finish(&reply).ok()?;
    let there = responder.confirm(confirmation.first_chunk()?).ok()?;
    Some((here, there))
}

fn sealed() -> Vec<Vec<u8>> {
    let lengths = [1, 2_000, 70_000];
    let frames = link().into_iter().flat_map(|(mut here, _)| {
        lengths
            .iter()
            .flat_map(move |length| here.sealer.seal(&vec![8; *length]))
            .collect::<Vec<_>>()
    });
    // As one stream, since each opens only after those before it.
    vec![frames.flatten().collect()]
}

/// No randomness at all: the targets are the same in every run.
struct Counting(u8);

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(7)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(7)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

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

    #[test]
    fn the_targets_survive_the_seeds_with_any_byte_changed_or_the_rest_cut_off() {
        for (name, target) in FUZZ {
            for seed in seeds(name) {
                for place in (0..seed.len()).step_by(seed.len().div_ceil(100)) {
                    target(seed.get(..place).unwrap_or_default());
                    let mut changed = seed.clone();
                    changed
                        .iter_mut()
                        .skip(place)
                        .take(1)
                        .for_each(|byte| *byte ^= 0x41);
                    target(&changed);
                }
            }
        }
    }
}
