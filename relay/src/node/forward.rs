//! What members leave for other relays: it waits on disk and is put there over a link from the node's own destination, whether or
//! not the member is connected.
//!
//! 1. the node names a home whose turn it is; several have theirs at once;
//! 2. its relay is called; if that does not answer, the node tries again later, each time after a longer wait;
//! 3. what waits is deposited in order, a window at a time; what came of each is durable before the next window;
//! 4. the link stays for a while, for what is left in the meantime, and then the turn ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::io::{ReadHalf, WriteHalf};
use komrade_ether::{EnvelopeId, Frame, HOME_TURN_MILLIS, Home, Outcome, Waiting};
use komrade_i2p::net::SamStream;
use komrade_wire::link::{LinkReader, LinkWriter};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::compat::Compat;
use tracing::debug;

use super::desk::NotNow;
use super::reach::{Reached, reach};
use crate::pool::Pooled;
use crate::relay::Relay;
use crate::{clock, random};

/// Bytes of envelopes on their way to one relay: what I2P carries in one round trip.
const WINDOW: usize = 256 * 1024;
/// For an answer: a round trip of some seconds, or some of twenty when packets are lost, and the other relay's disk.
const ANSWER_DEADLINE: Duration = Duration::from_secs(120);
/// The longest turn: the node gives the home to another one after ten minutes.
const TURN: Duration = Duration::from_secs(7 * 60);
/// The longest wait for something that is due: so that a clock that is set does no harm.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Until the desk is asked again that could not do something.
const AGAIN: Duration = Duration::from_secs(5);
/// Homes whose turns are ended in one transaction.
const TURNS_AT_ONCE: usize = 256;

enum Due {
    Now(Home),
    /// Milliseconds since the epoch.
    At(Option<u64>),
}

/// Puts what is left for other relays, for ever.
pub(crate) async fn keep(relay: Arc<Relay>) {
    while end_turns(&relay).await.is_err() {
        sleep(AGAIN).await;
    }
    let places = Arc::new(Semaphore::new(relay.cache.forward_links.into()));
    let ended = Arc::new(Notify::new());
    let mut left = relay.node.desk.forwards();
    loop {
        // Nothing can be put before.
        drop(relay.node.door.open().await);
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        left.borrow_and_update();
        let due = relay.node.desk.ask(|node, shelf, now| {
            Ok(match node.due_home(shelf, now)? {
                Some(home) => Due::Now(home),
                None => Due::At(node.next_due(shelf)?),
            })
        });
        match due.await {
            Ok(Due::Now(home)) => {
                relay.spawn(serve(Arc::clone(&relay), home, place, Arc::clone(&ended)));
            }
            Ok(Due::At(at)) => {
                drop(place);
                let wait = at.map_or(LONGEST_WAIT, |at| {
                    Duration::from_millis(at.saturating_sub(clock::now()))
                });
                tokio::select! {
                    _ = left.changed() => {}
                    () = ended.notified() => {}
                    () = sleep(wait.min(LONGEST_WAIT)) => {}
                }
            }
            Err(NotNow) => sleep(AGAIN).await,
        }
    }
}

/// Ends the turns that were going on when the relay ended: nobody else has them. Homes with a longer wait keep it.
async fn end_turns(relay: &Relay) -> Result<(), NotNow> {
    let desk = &relay.node.desk;
    // No more than there are homes: with the smallest envelopes the queue holds those of some hundred thousand.
    let mut homes = Vec::new();
    loop {
        let named = desk.ask(|node, shelf, now| {
            let later = now.saturating_add(HOME_TURN_MILLIS);
            let mut named = Vec::new();
            while let Some(home) = node.due_home(shelf, later)? {
                named.push(home);
                if named.len() == TURNS_AT_ONCE {
                    break;
                }
            }
            Ok(named)
        });
        let named = named.await?;
        if named.is_empty() {
            break;
        }
        homes.extend(named);
    }
    while !homes.is_empty() {
        let some = homes.split_off(homes.len().saturating_sub(TURNS_AT_ONCE));
        desk.ask(move |node, shelf, now| {
            some.iter()
                .try_for_each(|home| node.home_done(shelf, now, home, true, 0))
        })
        .await?;
    }
    Ok(())
}

/// A home's turn.
async fn serve(relay: Arc<Relay>, home: Home, place: OwnedSemaphorePermit, ended: Arc<Notify>) {
    let is_served = match reach(&relay, &home).await {
        Some(reached) => Delivery::new(&relay, home, reached).run().await,
        None => false,
    };
    debug!(is_served, "the turn of another relay ended");
    let random = random::below(usize::MAX) as u64;
    // If the desk cannot do it, the turn ends by itself.
    let _ = relay
        .node
        .desk
        .ask(move |node, shelf, now| node.home_done(shelf, now, &home, is_served, random))
        .await;
    drop(place);
    ended.notify_one();
}

/// What is on its way over one link.
struct Delivery<'r> {
    relay: &'r Relay,
    home: Home,
    reader: LinkReader<ReadHalf<Compat<SamStream>>>,
    writer: LinkWriter<WriteHalf<Compat<SamStream>>>,
    /// The stream ends with it.
    _from: Arc<Pooled>,
    left: watch::Receiver<u64>,
    ends: Instant,
    /// Number in the queue of what was sent last.
    after: u64,
    /// Sent and not answered: envelope, number in the queue, bytes.
    sent: VecDeque<(EnvelopeId, u64, usize)>,
    /// Something has to be tried later.
    is_postponed: bool,
}

/// Something failed, so that what was not answered has to be tried later.
struct Failed;

impl From<NotNow> for Failed {
    fn from(_: NotNow) -> Self {
        Self
    }
}

impl<'r> Delivery<'r> {
    fn new(relay: &'r Relay, home: Home, (halves, from): Reached) -> Self {
        let (reader, writer) = halves;
        Self {
            relay,
            home,
            reader,
            writer,
            _from: from,
            left: relay.node.desk.forwards(),
            ends: Instant::now() + TURN,
            after: 0,
            sent: VecDeque::new(),
            is_postponed: false,
        }
    }

    /// Whether nothing has to be tried later.
    async fn run(mut self) -> bool {
        let done = self.deposit().await;
        // However it ends, it ends.
        let _ = timeout(AGAIN, self.writer.close()).await;
        done.is_ok() && self.sent.is_empty() && !self.is_postponed
    }

    async fn deposit(&mut self) -> Result<(), Failed> {
        loop {
            self.left.borrow_and_update();
            while self.send_some().await? {}
            if !self.sent.is_empty() {
                self.hear_some().await?;
            } else if Instant::now() >= self.ends || !self.wait_for_more().await? {
                return Ok(());
            }
        }
    }

    /// Sends what waits as far as the window has room. Whether there may be more to send.
    async fn send_some(&mut self) -> Result<bool, Failed> {
        let on_the_way: usize = self.sent.iter().map(|(_, _, bytes)| bytes).sum();
        // In halves, so that the other side always has something to do.
        if on_the_way > WINDOW / 2 || Instant::now() >= self.ends {
            return Ok(false);
        }
        let (home, after) = (self.home, self.after);
        let room = (WINDOW - on_the_way) as u64;
        let waiting = self
            .relay
            .node
            .desk
            .ask(move |node, shelf, now| node.waiting_for(shelf, now, &home, after, room));
        let waiting = waiting.await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        for Waiting {
            number, envelope, ..
        } in &waiting
        {
            self.after = *number;
            self.sent
                .push_back((envelope.id(), *number, envelope.as_bytes().len()));
        }
        let frames = waiting.into_iter().map(|waiting| {
            let Waiting { pass, envelope, .. } = waiting;
            Frame::Deposit { pass, envelope }.encode()
        });
        match timeout(ANSWER_DEADLINE, self.writer.send_all(frames)).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(_)) | Err(_) => Err(Failed),
        }
    }

    /// Waits for an answer, and notes it with all others that have come.
    async fn hear_some(&mut self) -> Result<(), Failed> {
        let mut came = Vec::new();
        let first = timeout(ANSWER_DEADLINE, self.reader.next()).await;
        let mut next = first.map_err(|_| Failed)?;
        loop {
            let Ok(Some(bytes)) = next else {
                self.note(came).await?;
                return Err(Failed);
            };
            // What this version does not know is none of what it waits for.
            if let Ok(Frame::Ack { id, outcome }) = Frame::decode(&bytes)
                && let Some(place) = self.sent.iter().position(|(sent, _, _)| *sent == id)
                && let Some((_, number, _)) = self.sent.remove(place)
            {
                self.is_postponed |= outcome.is_passing();
                came.push((number, outcome));
            }
            match self.reader.next().now_or_never() {
                Some(more) => next = more,
                None => return self.note(came).await,
            }
        }
    }

    async fn note(&self, came: Vec<(u64, Outcome)>) -> Result<(), Failed> {
        let noted = self.relay.node.desk.ask(move |node, shelf, now| {
            came.iter()
                .try_for_each(|(number, outcome)| node.forwarded(shelf, now, *number, *outcome))
        });
        Ok(noted.await?)
    }

    /// Waits whether something more is left for this home. `false` if not for a while.
    async fn wait_for_more(&mut self) -> Result<bool, Failed> {
        let idle = self.relay.cache.forward_idle();
        tokio::select! {
            // Perhaps for another home: then there is nothing to send, and it waits anew.
            left = self.left.changed() => left.map(|()| true).map_err(|_| Failed),
            () = sleep(idle) => Ok(false),
            // Nothing was asked, so only the end of the link is news.
            frame = self.reader.next() => match frame {
                Ok(Some(_)) => Ok(true),
                Ok(None) | Err(_) => Ok(false),
            },
        }
    }
}
