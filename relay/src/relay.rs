//! What all parts of a running relay share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Cache, Limits};
use crate::join::{JoinFile, WrongJoins};
use crate::members::Members;
use crate::network::Network;
use crate::node::Node;

/// What all parts of a running relay share.
pub(crate) struct Relay {
    pub(crate) limits: Limits,
    pub(crate) cache: Cache,
    pub(crate) join: JoinFile,
    pub(crate) wrong_joins: WrongJoins,
    pub(crate) members: Members,
    pub(crate) network: Network,
    pub(crate) node: Arc<Node>,
    /// WebSockets that have not shown the join secret yet.
    pub(crate) newcomers: Arc<Semaphore>,
    /// Members' WebSockets.
    pub(crate) sockets: Arc<Semaphore>,
    /// Destinations hosted for members.
    pub(crate) hosted: Arc<Semaphore>,
    /// Everything ends.
    pub(crate) stop: CancellationToken,
    /// All that runs, so that stopping can wait for it.
    pub(crate) tasks: TaskTracker,
}

impl Relay {
    pub(crate) fn new(
        (limits, cache): (Limits, Cache),
        join: JoinFile,
        network: Network,
        node: Node,
    ) -> Self {
        Self {
            join,
            wrong_joins: WrongJoins::new(limits.wrong_joins, Instant::now()),
            members: Members::default(),
            network,
            node: Arc::new(node),
            newcomers: Arc::new(Semaphore::new(limits.newcomers.into())),
            sockets: Arc::new(Semaphore::new(limits.sockets.into())),
            hosted: Arc::new(Semaphore::new(limits.hosted.into())),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            limits,
            cache,
        }
    }

    /// Runs a task until it ends or the relay does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks
            .spawn(self.stop.clone().run_until_cancelled_owned(task));
    }
}
