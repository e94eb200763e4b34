//! A seeded world of many peers and relays, of links that break and devices that die: it drives the shipped engine
//! (`komrade-peer`) and the shipped node (`komrade-ether`), never a model of them.
//!
//! What is made up here is what lies around them: stores and shelves in memory, clocks, streams with a latency, relays
//! that carry them, people who meet by invites, write, go away, come back and move. Everything is drawn from one seed.
//!
//! Half of the people use two relays, and change them one by one.
//!
//! What befalls a world: streams that break with what was in them; peers cut off from their relay; relays that do not
//! reach each other, crash (what was not committed is taken back), are wiped (with or without their keys), burn; devices
//! that die before any effect or right after a commit; clocks up to a day wrong, and set anew; old copies of a profile
//! put back; copies that run beside their original. Streams keep their order and lose nothing while they last; frames
//! are doubled and overtake each other by being sent again in another stream.
//!
//! # What is held to
//!
//! In the end come [days of quiet](Settings::days): everybody is there and nobody writes. Then
//!
//! - every message is shown to whom it was written to, exactly once, in all worlds and whatever happened, and each that
//!   a device said it keeps is kept; nothing is said to be delivered that was not shown; no gap stays;
//! - no key is used twice with one nonce, and no message key of Olm by two messages that are read;
//! - a node has everything that it acknowledged to a member until it expires, unless it was wiped;
//! - each member of a node has a replica of all that it keeps (but for members whose clock was behind: see below);
//! - nodes and stores hold no more than their stated bounds, nor do engines in memory, where [somebody weighs them](weigh_with).
//!
//! **Invites** work only as long as who made them uses the node at which they were made: who has answered one and not
//! been confirmed is promised nothing once its maker has left that node, or was set back to before they made it.
//!
//! **Copies of a profile** are promised less. Whatever somebody's device keeps in the end of what they wrote is shown once, as in any
//! world; but what they wrote after the copy was made is gone from their device when it is put back, and what a copy beside it wrote was
//! never there: of that no more is promised than that nobody is shown it twice. Of what is written *to* them nothing is promised until
//! the copy that was put back runs (or the one beside has ended), unless it was shown before the copy was made: the half that took and
//! acknowledged it is gone. Whoever was set back to before they met somebody does not know them any more, and nothing can tell them: of
//! what that person writes to them nothing is promised until both meet anew. Olm's message keys are not looked at once a profile has been
//! copied. In a collective, where nothing is acknowledged, nothing is promised to and by whoever was copied until three days after that.
//!
//! In the row a third of the worlds has copies; in another third relays [burn](Settings::burns) every few hours, and in half of
//! those with copies, too.
//!
//! # Worlds with a collective
//!
//! Another row of seeds ([`Settings::collective`]) is for collectives: six people at one relay or two, and in every fiftieth world 50
//! people at three, of whom one founds a collective; all others may come in. For a week its members post, offer comrades to propose
//! them, vouch, vote, remove each other, change the rules, rest, leave and change the keys, with the troubles above. Trouble begins a
//! day later: what befalls first contact is shown by the other row. After two days of quiet everybody who belongs says a last word, and
//! six days later
//!
//! - whoever belongs sees the same members, rules and proposals, and is one of these members; nobody else is;
//! - nobody is a member, at any time, for whom only persons vouched who never did;
//! - every post is shown once to each member whom its author saw when writing it, if both stayed members; and to nobody whom the
//!   author did not see;
//! - nothing waits to leave, and nobody is told of an alarm that has no cause;
//! - stores hold no more than their stated bounds.
//!
//! Who forgets a collective right after leaving it may not be missed by the others: their device keeps nothing of it that it could say once
//! more.
//!
//! **Not held to yet**, and made by `cargo xtask sim --collective` with `--relays N`, `--burns`, `--copies`, or `--apart` (absences and
//! partitions of up to two weeks): with two relays members may end with other states (`--relays 2 --peers 6 --days 7`, seeds 3, 6 and
//! 11 did so before devices spoke up by themselves). Who comes in is told for up to four days of operations that are missing and never
//! come: the last that each device said before it knew of their admission, to others.
//!
//! # Large collectives
//!
//! How many seeds a collective of 500 draws while leaf keys change weekly, and what its changes cost, is asked of a model of
//! devices apart from all this: [`members`].
//!
//! # Large networks
//!
//! What a network of 10,000 costs each of its peers is asked of a light model of traffic, apart from all this: [`scale`].
//!
//! # One seed, one transcript
//!
//! In the build of `cargo xtask sim` what vodozemac draws comes from the seed, too ([`IS_SEEDED`]), and a transcript
//! holds every byte that was committed or sent. In any other build it holds how many they were, and two runs of one seed
//! may part where the order of envelope ids decides.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's tool: what cannot be is to stop it, loudly and with its seed"
)]

use std::sync::OnceLock;

mod chance;
mod check;
mod collective;
mod dice;
mod ledger;
mod log;
pub mod members;
mod peer;
mod people;
mod relay;
pub mod scale;
mod settings;
mod stream;
mod trouble;
mod world;

pub use chance::IS_SEEDED;
pub use collective::Tally;
pub use settings::{Sabotage, Settings};

/// What came of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it was made of.
    pub settings: Settings,
    /// What is wrong; empty if nothing is.
    pub failures: Vec<String>,
    /// The last things that happened.
    pub last: Vec<String>,
    /// A sum over everything that happened.
    pub transcript: [u8; 32],
    /// How many things happened.
    pub steps: u64,
    /// How many messages were written, seals made, and message keys of Olm used.
    pub counts: (usize, usize, usize),
    /// What came of the collective.
    pub tally: Tally,
    /// How many engines were weighed, and what the heaviest took in memory, in bytes.
    pub weighed: (u64, usize),
}

/// How many bytes are allocated.
static SCALE: OnceLock<fn() -> usize> = OnceLock::new();

/// From now on engines are weighed when they end; `scale` says how many bytes are allocated in the whole process, so that one world
/// may live at a time. No more than once.
pub fn weigh_with(scale: fn() -> usize) {
    let _ = SCALE.set(scale);
}

/// Lives through a world, on a thread of its own.
pub fn run(settings: Settings) -> Report {
    let thread = std::thread::Builder::new()
        .name(format!("seed {}", settings.seed))
        .stack_size(8 * 1024 * 1024)
        .spawn(move || live(settings))
        .expect("a thread");
    thread.join().unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic");
        Report {
            settings,
            failures: vec![format!("panicked: {text}")],
            last: Vec::new(),
            transcript: [0; 32],
            steps: 0,
            counts: (0, 0, 0),
            tally: Tally::default(),
            weighed: (0, 0),
        }
    })
}

fn live(settings: Settings) -> Report {
    chance::begin(settings.seed);
    let mut world = world::World::new(settings);
    world.live();
    if SCALE.get().is_some() {
        (0..world.peers.len()).for_each(|at| world.stop_peer(at));
    }
    Report {
        settings,
        failures: std::mem::take(&mut world.failures),
        last: world.log.last(),
        transcript: world.log.sum(),
        steps: world.steps,
        counts: world.ledger.counts(),
        tally: world.account.tally,
        weighed: world.weighed,
    }
}
