//! What every task shares.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
};

use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::mpsc,
    future::{AbortHandle, LocalBoxFuture},
    pin_mut, select, select_biased,
    stream::FuturesUnordered,
};
use komrade_peer::{Input, LinkHint, LinkId, RelayId};

use crate::{Host, count::Bytes, limits, link::Orders};

/// What comes from a task to the pilot.
pub(crate) enum Event {
    /// For the engine, whatever is connected.
    Input(Input),
    /// For the engine, from this use of a relay; nothing any more once there is another.
    Relay(RelayId, u64, Input),
    /// Somebody announced themself.
    Incoming(Incoming),
    /// From this link; nothing any more once the engine has closed it.
    Link(LinkId, Input),
}

/// A link from somebody who announced a key.
pub(crate) struct Incoming {
    pub(crate) link: LinkId,
    pub(crate) relay: RelayId,
    pub(crate) hint: LinkHint,
    pub(crate) orders: Orders,
    pub(crate) abort: AbortHandle,
}

pub(crate) type Task = LocalBoxFuture<'static, ()>;

/// What every task shares.
pub(crate) struct Env<H> {
    pub(crate) host: H,
    /// Bytes over all connections since the start.
    pub(crate) bytes: Rc<Bytes>,
    events: mpsc::Sender<Event>,
    starting: RefCell<mpsc::Sender<Task>>,
    next_incoming: Cell<u64>,
}

impl<H: Host> Env<H> {
    /// The environment, what its tasks say, and the tasks, to be given to [`run_tasks`].
    pub(crate) fn new(host: H) -> (Rc<Self>, mpsc::Receiver<Event>, mpsc::Receiver<Task>) {
        let (events, arrivals) = mpsc::channel(limits::ARRIVALS);
        let (starting, tasks) = mpsc::channel(limits::STARTING);
        let env = Self {
            host,
            bytes: Rc::default(),
            events,
            starting: RefCell::new(starting),
            // Incoming links have odd numbers, dialled ones even ones.
            next_incoming: Cell::new(1),
        };
        (Rc::new(env), arrivals, tasks)
    }

    /// A mouth to speak to the pilot with; one per task, since each has one guaranteed place.
    pub(crate) fn voice(&self) -> Voice {
        Voice(self.events.clone())
    }

    /// Starts a task. Says no if too many wait to be started.
    pub(crate) fn start(&self, task: impl Future<Output = ()> + 'static) -> bool {
        self.starting
            .borrow_mut()
            .try_send(task.boxed_local())
            .is_ok()
    }

    pub(crate) fn next_incoming(&self) -> LinkId {
        let number = self.next_incoming.get();
        self.next_incoming.set(number + 2);
        LinkId(number)
    }

    /// What `work` gives, unless it takes longer than so many milliseconds.
    pub(crate) async fn within<T>(&self, millis: u64, work: impl Future<Output = T>) -> Option<T> {
        let (work, late) = (work.fuse(), self.host.sleep(millis).fuse());
        pin_mut!(work, late);
        select_biased! {
            done = work => Some(done),
            () = late => None,
        }
    }
}

/// Speaks to the pilot.
pub(crate) struct Voice(mpsc::Sender<Event>);

impl Voice {
    /// Says something, waiting for room. When the pilot is gone, so will be whoever speaks.
    pub(crate) async fn say(&mut self, event: Event) {
        let _ = self.0.send(event).await;
    }
}

/// Runs all tasks, for as long as the receiver is open.
pub(crate) async fn run_tasks(mut starting: mpsc::Receiver<Task>) {
    let mut running = FuturesUnordered::new();
    loop {
        select! {
            task = starting.next() => match task {
                Some(task) => running.push(task),
                None => return,
            },
            () = running.select_next_some() => {}
        }
    }
}
