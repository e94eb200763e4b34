//! How far the router is, for screens.

/// How far the router is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouterStage {
    /// It is being started, or nothing is known yet.
    Starting,
    /// A first list of routers is fetched from the reseed hosts.
    Reseeding {
        /// From 1.
        attempt: u32,
    },
    /// No routers are known and none could be had.
    NoRouters {
        /// Seconds until the next attempt.
        retry_in: u32,
    },
    /// Its first tunnels are being built.
    Building {
        /// Routers known at its start; 0 if not known.
        routers: u32,
    },
    /// Tunnels stand: sessions can be created.
    Ready {
        /// Routers known at its start; 0 if not known.
        routers: u32,
    },
    /// It died or does not answer.
    Failed {
        /// Seconds until it is started, or asked, again.
        retry_in: u32,
    },
}
