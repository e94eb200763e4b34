//! What a world is made of, and what befalls it.

use komrade_view::Millis;

pub(crate) const SECOND: Millis = 1_000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const HOUR: Millis = 60 * MINUTE;
pub(crate) const DAY: Millis = 24 * HOUR;

/// How large a world is and how long it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Everything that happens is drawn from this.
    pub seed: u64,
    /// People, each with a device.
    pub peers: usize,
    /// Relays at the beginning.
    pub relays: usize,
    /// Days of trouble; then come quiet ones.
    pub days: u64,
    /// Relays lose their keys with all that they held, or burn.
    pub burns: bool,
    /// People move to other relays.
    pub moves: bool,
    /// Half of the people use two relays.
    pub several: bool,
    /// Profiles are copied: put back later, or run beside their original.
    pub copies: bool,
    /// Everybody may come into one collective.
    pub collective: bool,
    /// There, people are away and relays apart for up to two weeks.
    pub apart: bool,
    /// What is broken on purpose, to see that it is found.
    pub sabotage: Option<Sabotage>,
    /// How many of the last lines of the transcript are kept to be read.
    pub lines: usize,
}

/// Of so many seeds, one is a world of full size.
const FULL_EVERY: u64 = 50;
/// Before this nothing goes wrong in a world with a collective: people meet. What befalls first contact is shown by the others.
pub(crate) const PRELUDE: Millis = DAY;

impl Settings {
    /// The size that the issue names: 50 peers at 5 relays.
    pub fn full(seed: u64) -> Self {
        Self {
            seed,
            peers: 50,
            relays: 5,
            days: 3,
            burns: false,
            moves: true,
            several: true,
            copies: false,
            collective: false,
            apart: false,
            sabotage: None,
            lines: 60,
        }
    }

    /// A small one: most of what goes wrong needs no more than a few peers, and many small worlds meet more of it in
    /// the same time than few large ones.
    pub fn small(seed: u64) -> Self {
        Self {
            peers: 3 + (seed % 5) as usize,
            relays: 1 + (seed % 4) as usize,
            days: 5,
            ..Self::full(seed)
        }
    }

    /// What a row of seeds is run with: small worlds, and one of 50 in full size. In one third relays burn, in another
    /// profiles are copied, and in half of those both.
    pub fn of_seed(seed: u64) -> Self {
        let size = match seed % FULL_EVERY == FULL_EVERY - 1 {
            true => Self::full(seed),
            false => Self::small(seed),
        };
        Self {
            burns: seed % 3 == 1 || seed % 6 == 5,
            copies: seed % 3 == 2,
            ..size
        }
    }

    /// What a row of seeds with a collective is run with: six people at one relay or two, and one world of 50 at three.
    pub fn collective(seed: u64) -> Self {
        let (peers, relays) = match seed % FULL_EVERY == FULL_EVERY - 1 {
            true => (50, 3),
            false => (6, 1 + (seed % 2) as usize),
        };
        Self {
            peers,
            relays,
            days: 7,
            collective: true,
            ..Self::full(seed)
        }
    }

    /// When trouble begins.
    pub(crate) fn trouble_after(&self) -> Millis {
        match self.collective {
            true => PRELUDE,
            false => 3 * HOUR,
        }
    }

    /// How long everything is well before the last look: longer than the longest wait of all, and enough for a gap to be told, asked
    /// for and closed. A welcome that went astray is said again after three days; and whoever was set
    /// back is told after four days at most where somebody went before that.
    pub(crate) fn quiet(&self) -> Millis {
        match self.collective {
            true => 8 * DAY,
            false if self.copies => 6 * DAY,
            false => 4 * DAY,
        }
    }
}

/// Something broken on purpose: each invariant must be seen to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Devices now and then say that a batch is durable, and lose it.
    LostCommits,
    /// Devices draw the same random numbers after each restart.
    SameNonces,
    /// An old copy of a profile is put back and nobody is told.
    SecretRestores,
    /// After a day, some devices hear nothing any more of what arrives at their node.
    DeafDevices,
    /// Nodes now and then acknowledge and forget.
    ForgetfulNodes,
    /// Devices lose a replica.
    LostReplicas,
    /// Nodes keep more than is stated.
    LargeNodes,
    /// Something is drawn from outside the seed.
    ForeignChance,
    /// What is taken from others is shown a second time.
    Doubled,
    /// Nobody is told who vouched for whom.
    SecretVouches,
    /// Nobody is told whom the author of a post saw among the members.
    SecretMembers,
    /// One member of a collective sees another state than the others.
    OtherState,
}
