//! What others than links want done within a transaction.

use komrade_ether::Node;
use tokio::sync::oneshot;

use crate::node::shelf::{ShelfError, WritingShelf};

/// Something to do within a transaction, whose result is let out after the commit. Dropped before, it tells that nothing was done.
pub(super) trait Job: Send {
    /// Does it.
    fn run(
        &mut self,
        node: &Node,
        shelf: &mut WritingShelf<'_>,
        now: u64,
    ) -> Result<(), ShelfError>;

    /// Lets the result out.
    fn release(self: Box<Self>);
}

/// A job and who waits for its result.
pub(super) struct Ask<T, F> {
    act: F,
    result: Option<T>,
    to: oneshot::Sender<T>,
}

impl<T, F> Ask<T, F> {
    pub(super) fn new(act: F) -> (Self, oneshot::Receiver<T>) {
        let (to, answer) = oneshot::channel();
        let ask = Self {
            act,
            result: None,
            to,
        };
        (ask, answer)
    }
}

impl<T, F> Job for Ask<T, F>
where
    T: Send,
    F: FnMut(&Node, &mut WritingShelf<'_>, u64) -> Result<T, ShelfError> + Send,
{
    fn run(
        &mut self,
        node: &Node,
        shelf: &mut WritingShelf<'_>,
        now: u64,
    ) -> Result<(), ShelfError> {
        self.result = Some((self.act)(node, shelf, now)?);
        Ok(())
    }

    fn release(self: Box<Self>) {
        if let Some(result) = self.result {
            // Nobody waits any more.
            let _ = self.to.send(result);
        }
    }
}
