//! The desk: one thread to which everything comes that is to be kept.
//!
//! 1. it takes what waits, as a group;
//! 2. does all of it in one transaction, and commits that;
//! 3. only then lets the answers out;
//! 4. on what is committed now, it looks for each link that has sent what it had whether something new is to be sent.
//!
//! So the disk is waited for once for many requests, no answer promises what a crash could take back, and a link that reads slowly
//! has only itself to wait for: nothing is written to links here, and whatever is made for one is bounded by its window (answers)
//! or asked for by it (pushes).
//!
//! When the shelf fails, the whole group is undone, everybody in it hears *busy* and is let go, and the file is opened anew. When the
//! disk is full they hear *full*, and for a minute so does whoever wants something kept, before anything is tried. A mistake in the
//! code ends every link, and the thread goes on.

mod ask;
mod clerk;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use komrade_ether::{About, Frame, Node, NodeKey, Party, Settings};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use self::ask::{Ask, Job};
use self::clerk::Clerk;
use super::shelf::{ShelfError, WritingShelf};

/// Requests that wait for the thread, of all links together; what they hold is counted in the links' windows.
const MOST_WAITING: usize = 1024;

/// What the desk needs to begin.
pub(super) struct Plan {
    /// The data folder.
    pub(super) folder: PathBuf,
    /// The node's public key.
    pub(super) key: NodeKey,
    /// Its bounds.
    pub(super) settings: Settings,
    /// Bytes of the file kept in memory.
    pub(super) memory: usize,
}

/// Names a link. The desk keeps the link for as long as this lives.
pub(super) struct LinkName {
    number: LinkNumber,
    _alive: Arc<()>,
}

type LinkNumber = u64;

/// The desk is gone, or could not do what was asked: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node cannot do that now")]
pub(super) struct NotNow;

/// What a link gets for a frame, and the place in its window that the frame takes until that is sent.
pub(super) struct Answer {
    pub(super) frame: Frame,
    _place: OwnedSemaphorePermit,
}

impl Answer {
    /// An answer that takes this place.
    pub(super) fn new(frame: Frame, place: OwnedSemaphorePermit) -> Self {
        Self {
            frame,
            _place: place,
        }
    }
}

/// A frame that came over a link.
pub(super) struct Request {
    pub(super) frame: Frame,
    /// What the frame takes of the link's window.
    pub(super) place: OwnedSemaphorePermit,
    /// Has room for as many answers as there can be places.
    pub(super) answers: mpsc::Sender<Answer>,
}

enum Order {
    Open(LinkNumber, Party, Weak<()>),
    Frame(LinkNumber, Request),
    /// Answered once there is something to send; dropped when the link is let go.
    Push(LinkNumber, oneshot::Sender<Vec<Frame>>),
    Job(Box<dyn Job>),
    /// The last one. Dropped when the file is closed.
    Close(oneshot::Sender<()>),
}

/// The desk, from outside.
pub(super) struct Desk {
    orders: mpsc::Sender<Order>,
    next_link: AtomicU64,
    about: watch::Receiver<About>,
    forwards: watch::Receiver<u64>,
    works: Arc<AtomicBool>,
}

impl Desk {
    /// Opens the shelf and starts the thread.
    pub(super) fn open(plan: Plan) -> Result<Self, ShelfError> {
        let (orders, waiting) = mpsc::channel(MOST_WAITING);
        let (tell_forwards, forwards) = watch::channel(0);
        let works = Arc::new(AtomicBool::new(true));
        let (clerk, about) = Clerk::new(plan, tell_forwards, Arc::clone(&works))?;
        // It ends with the last order.
        std::thread::Builder::new()
            .name("node".into())
            .spawn(move || clerk.run(waiting))
            .map_err(|error| ShelfError::Io(error.kind()))?;
        Ok(Self {
            orders,
            next_link: AtomicU64::new(0),
            about,
            forwards,
            works,
        })
    }

    /// What members are told, now and whenever it changes.
    pub(super) fn about(&self) -> watch::Receiver<About> {
        self.about.clone()
    }

    /// Changes whenever something was left for another relay.
    pub(super) fn forwards(&self) -> watch::Receiver<u64> {
        self.forwards.clone()
    }

    /// The shelf is open.
    pub(super) fn works(&self) -> bool {
        self.works.load(Ordering::Acquire)
    }

    /// A link of this party begins.
    pub(super) async fn open_link(&self, party: Party) -> Result<LinkName, NotNow> {
        let number = self.next_link.fetch_add(1, Ordering::Relaxed);
        let alive = Arc::new(());
        let order = Order::Open(number, party, Arc::downgrade(&alive));
        self.order(order).await?;
        Ok(LinkName {
            number,
            _alive: alive,
        })
    }

    /// Gives a frame to the node.
    pub(super) async fn request(&self, link: &LinkName, request: Request) -> Result<(), NotNow> {
        self.order(Order::Frame(link.number, request)).await
    }

    /// Asks for what is to be sent over a link without being asked, and waits until there is something.
    pub(super) async fn push(&self, link: &LinkName) -> oneshot::Receiver<Vec<Frame>> {
        let (to, pushed) = oneshot::channel();
        // If nobody takes it, whoever waits hears that.
        let _ = self.order(Order::Push(link.number, to)).await;
        pushed
    }

    /// Does something within a transaction, and gives what came of it once that is durable.
    pub(super) async fn ask<T, F>(&self, act: F) -> Result<T, NotNow>
    where
        T: Send + 'static,
        F: FnMut(&Node, &mut WritingShelf<'_>, u64) -> Result<T, ShelfError> + Send + 'static,
    {
        let (ask, answer) = Ask::new(act);
        self.order(Order::Job(Box::new(ask))).await?;
        answer.await.map_err(|_| NotNow)
    }

    /// Ends the thread once everything that was asked before is done, and returns when the file is closed.
    pub(super) async fn close(&self) {
        let (closing, closed) = oneshot::channel();
        // An error is what is waited for: the thread has let go of everything.
        if self.order(Order::Close(closing)).await.is_ok() {
            let _ = closed.await;
        }
    }

    async fn order(&self, order: Order) -> Result<(), NotNow> {
        self.orders.send(order).await.map_err(|_| NotNow)
    }
}
