//! Every bound and every deadline of the driver, each with its reason. Times are in milliseconds.

/// Commands that wait for the engine: a person is slower than this; whoever sends more waits.
pub const COMMANDS: usize = 16;
/// Events that wait for the screens: more than one step of the engine makes.
pub const EVENTS: usize = 256;
/// What waits for the engine from relay and links, beside one from each task: two windows of envelopes, so 2 MiB.
pub const ARRIVALS: usize = 32;
/// Orders that wait for one link: the engine's window of 16 envelopes, and an answer to each of the other side's,
/// twice. At the largest size 4.2 MiB; a link that needs more is stuck and is cut.
pub const LINK_ORDERS: usize = 64;
/// Tasks that wait to be started, beside one from each place that starts them.
pub const STARTING: usize = 64;

/// Screens that read nothing for so long are taken for dead.
pub const SCREENS_READ: u64 = 30_000;
/// Nonces tried at once when a node asks for work: some milliseconds in a browser.
pub const WORK_SLICE: u32 = 4_096;
/// The lease is renewed so often; the store lets it run out after four of these.
pub const LEASE_RENEWED: u64 = 2_000;

/// The first pause after a lost connection to the relay.
pub const FIRST_PAUSE: u64 = 1_000;
/// The longest pause: a relay that comes back is found within this.
pub const LONGEST_PAUSE: u64 = 120_000;
/// A connection that lasted so long counts as success, and the next pause is the first one again. Less, and a relay
/// that admits and drops at once would be called every second.
pub const STEADY: u64 = 10_000;

/// A WebSocket must be up after this: TCP, TLS and one answer, on a bad mobile network.
pub const CONNECT: u64 = 20_000;
/// The relay must have answered the hello after this: one round trip and nothing to compute.
pub const WELCOME: u64 = 15_000;
/// Round trips are measured so often, and sooner if the relay closes silent connections sooner.
pub const PING: u64 = 30_000;
/// An answer to a ping, and any write on the control stream, must come within this, or the connection is dead. A
/// full window of other streams may lie before it.
pub const PONG: u64 = 20_000;
/// Leaving in good order may take so long; then the connection is cut.
pub const LEAVE: u64 = 2_000;

/// The relay's answer to a dial. It looks for a lease set and a tunnel for up to a minute, greets the other
/// relay for as long again, and may wait for a place in its pool.
pub const OPENED: u64 = 180_000;
/// What opens an incoming stream (header, preamble, first message) must be complete after this: one way through
/// I2P with one lost burst (initial retransmission 9 s, doubled).
pub const ANNOUNCED: u64 = 60_000;
/// A handshake, from where it begins to its end: two ways through I2P, each with a lost burst.
pub const HANDSHAKE: u64 = 90_000;
/// The engine must say what is to become of an incoming link. It may be reading its store.
pub const ADMITTED: u64 = 20_000;
/// One frame must leave within this: 68 KiB at 2 KiB/s, a tenth of what I2P gives, and a minute of stall.
pub const SENT: u64 = 120_000;
/// How long a link that was closed here waits for the other side to close too, so that no stream stays half open.
pub const LINGER: u64 = 10_000;
