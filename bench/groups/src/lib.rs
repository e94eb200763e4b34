//! What it costs to change the keys of a group after a member is removed, to follow, and to write and read under them:
//! flat seeds ([`ours`]) beside the trees of MLS (RFC 9420) as `openmls` has them ([`mls`]).
//!
//! Both do the same work, one after the other in each round, so that a busy machine slows both:
//!
//! | measured | Komrade | MLS |
//! |---|---|---|
//! | rekey | draw a seed, seal it to each device, sign the operation that tells of it, pack, pad, seal the envelopes | commit the removal with a path, sign, seal |
//! | receive | open all envelopes, find and open the own slice, check the signed operation and its members | check and merge the commit |
//! | encrypt | sign an operation with 1 KB of text, seal it, pad, seal the envelope | sign 1 KB, seal |
//! | decrypt | open the envelope, open the content, check the signature | open, check the signature |
//! | state | what one member keeps after that | what one member keeps after that |
//!
//! Ours is X-Wing and AES-256-GCM. Of openmls by RustCrypto: X25519 with AES-128-GCM, and X-Wing with the same; by libcrux: X-Wing with
//! ChaCha20-Poly1305.
//!
//! On both sides each includes turning what is sent into bytes and back, and turning the state that changed into bytes.
//!
//! What favours MLS: its tree is as full as can be (each member made a path when it joined, nobody committed badly since), which is
//! where a commit is shortest; openmls spreads sealing over the cores where it can, ours uses one. Its messages are not
//! padded, ours are. What favours Komrade: of all it keeps, only what this one seed needs is counted, not the operations of the
//! collective nor earlier seeds. Not measured at all: that MLS needs one order of all commits, which flat seeds do not.

pub mod mls;
pub mod ours;
mod storage;

use std::rc::Rc;

use anyhow::{Result, anyhow, ensure};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::types::Ciphersuite;

/// Members that remain, the author included.
const SIZES: [usize; 3] = [10, 100, 500];
/// Times that keys are changed, of which the first is not counted.
const REKEYS: usize = 1 + 11;
/// Times that a batch of messages is written and read, of which the first is not counted.
const BATCHES: usize = 1 + 31;
/// Messages timed together: the clock of a browser tells no less than 0.1 ms.
const BATCH: usize = 10;
/// The text of a message, in bytes.
const TEXT_BYTES: usize = 1_024;

/// A group of which one member changes the keys, and another one follows.
pub trait Group {
    /// What it is called in the output, without spaces.
    fn name(&self) -> &'static str;
    /// Back to before the change.
    fn reset(&mut self) -> Result<()>;
    /// The author removes a member and changes the keys.
    fn rekey(&mut self) -> Result<()>;
    /// The other one follows.
    fn receive(&mut self) -> Result<()>;
    /// The author writes.
    fn encrypt(&mut self, text: &str) -> Result<Vec<u8>>;
    /// The other one reads.
    fn decrypt(&mut self, sealed: &[u8]) -> Result<Vec<u8>>;
    /// What the other one keeps, in bytes.
    fn state_bytes(&self) -> Result<usize>;
    /// Lengths of what the change sends, by name.
    fn sent_bytes(&self) -> Result<Vec<(&'static str, usize)>>;
}

/// Measures all and says one line for each figure. `clock` tells milliseconds.
pub fn compare(clock: &dyn Fn() -> f64, say: &dyn Fn(String)) -> Result<()> {
    let mut sizes: Vec<Vec<Box<dyn Group>>> = Vec::new();
    for size in SIZES {
        sizes.push(vec![Box::new(ours::Ours::new(size)?)]);
    }
    let suites = [
        (
            "mls-x25519",
            Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
        ),
        (
            "mls-xwing",
            Ciphersuite::MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519,
        ),
    ];
    for (name, suite) in suites {
        let crypto = Rc::new(RustCrypto::default());
        add(&mut sizes, mls::grow(name, suite, &crypto, &SIZES)?);
    }
    let suite = Ciphersuite::MLS_256_XWING_CHACHA20POLY1305_SHA256_Ed25519;
    let crypto = openmls_libcrux_crypto::CryptoProvider::new();
    let crypto = Rc::new(crypto.map_err(|error| anyhow!("{error:?}"))?);
    let name = "mls-xwing-libcrux";
    add(&mut sizes, mls::grow(name, suite, &crypto, &SIZES)?);
    for (size, groups) in SIZES.into_iter().zip(&mut sizes) {
        measure(size, groups, clock, say)?;
    }
    Ok(())
}

fn add<G: Group + 'static>(sizes: &mut [Vec<Box<dyn Group>>], groups: Vec<G>) {
    for (all, group) in sizes.iter_mut().zip(groups) {
        all.push(Box::new(group));
    }
}

/// What was measured of one group, in milliseconds.
#[derive(Default)]
struct Times {
    rekey: Vec<f64>,
    receive: Vec<f64>,
    encrypt: Vec<f64>,
    decrypt: Vec<f64>,
}

fn measure(
    size: usize,
    groups: &mut [Box<dyn Group>],
    clock: &dyn Fn() -> f64,
    say: &dyn Fn(String),
) -> Result<()> {
    let text: String = "solidarity ".chars().cycle().take(TEXT_BYTES).collect();
    let mut times: Vec<Times> = groups.iter().map(|_| Times::default()).collect();
    for round in 0..REKEYS {
        for (group, times) in groups.iter_mut().zip(&mut times) {
            group.reset()?;
            let began = clock();
            group.rekey()?;
            let sent = clock();
            group.receive()?;
            let received = clock();
            if round > 0 {
                times.rekey.push(sent - began);
                times.receive.push(received - sent);
            }
        }
    }
    for round in 0..BATCHES {
        for (group, times) in groups.iter_mut().zip(&mut times) {
            let mut sealed = Vec::with_capacity(BATCH);
            let began = clock();
            for _ in 0..BATCH {
                sealed.push(group.encrypt(&text)?);
            }
            let written = clock();
            for message in &sealed {
                ensure!(group.decrypt(message)? == text.as_bytes(), "another text");
            }
            let read = clock();
            if round > 0 {
                times.encrypt.push((written - began) / BATCH as f64);
                times.decrypt.push((read - written) / BATCH as f64);
            }
        }
    }
    for (group, times) in groups.iter_mut().zip(times) {
        let name = group.name();
        let tell = |what: &str, [median, least, most]: [f64; 3]| {
            say(format!(
                "groups: {size} {name} {what} {median:.4} {least:.4} {most:.4}"
            ));
        };
        tell("rekey", spread(times.rekey));
        tell("receive", spread(times.receive));
        tell("encrypt", spread(times.encrypt));
        tell("decrypt", spread(times.decrypt));
        tell("state", [group.state_bytes()? as f64; 3]);
        tell("message", [group.encrypt(&text)?.len() as f64; 3]);
        for (what, bytes) in group.sent_bytes()? {
            tell(what, [bytes as f64; 3]);
        }
    }
    Ok(())
}

/// Median, least and most.
fn spread(mut times: Vec<f64>) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    [
        at(times.len() / 2),
        at(0),
        at(times.len().saturating_sub(1)),
    ]
}
