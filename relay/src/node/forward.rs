//! What members leave for other relays: it waits on disk and is put there over a link from the node's own destination, whether or
//! not the member is connected.
//!
//! 1. the node names a home whose turn it is; several have theirs at once;
//! 2. its relay is called; if that does not answer, the node tries again later, each time after a longer wait;
//! 3. what waits is deposited in order, a window at a time; what came of each is durable before the next window;
//! 4. the link stays for a while, for what is left in the meantime, and then the turn ends.
//!
//! However the other relay behaves, a turn ends before the node gives the home away again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::io::{ReadHalf, WriteHalf};
use futures::{AsyncRead, FutureExt};
use komrade_ether::{EnvelopeId, Frame, HOME_TURN_MILLIS, Home, Outcome, Waiting};
use komrade_i2p::net::SamStream;
use komrade_wire::link::{LinkReader, LinkWriter};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
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
/// Of a turn's beginning, so long nothing more is sent: what is on its way then still has time to be answered.
const TURN: Duration = Duration::from_secs(7 * 60);
/// The longest turn, a minute less than after which the node gives the home away again.
const LONGEST_TURN: Duration = Duration::from_millis(HOME_TURN_MILLIS - 60_000);
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
    let began = Instant::now();
    let turn = async {
        match reach(&relay, &home).await {
            Some(reached) => Delivery::new(&relay, home, reached, began).run().await,
            None => false,
        }
    };
    let is_served = timeout_at(began + LONGEST_TURN, turn)
        .await
        .unwrap_or(false);
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

/// What is left for one home, on its way over one link.
struct Delivery<'r> {
    relay: &'r Relay,
    home: Home,
    line: Line<ReadHalf<Compat<SamStream>>>,
    writer: LinkWriter<WriteHalf<Compat<SamStream>>>,
    /// The stream ends with it.
    _from: Arc<Pooled>,
    left: watch::Receiver<u64>,
    ends: Instant,
    /// Number in the queue of what was sent last.
    after: u64,
    /// Something has to be tried later.
    is_postponed: bool,
}

/// What was sent over a link, and what is heard of it.
struct Line<R> {
    reader: LinkReader<R>,
    /// Sent and not answered: envelope, number in the queue, bytes.
    sent: VecDeque<(EnvelopeId, u64, usize)>,
    /// When the link began, something was sent after silence, or something sent was answered. Whatever else the other relay says is no reason to
    /// wait longer for it.
    moved: Instant,
}

/// Something failed, so that what was not answered has to be tried later.
#[derive(Debug, PartialEq, Eq)]
struct Failed;

impl From<NotNow> for Failed {
    fn from(_: NotNow) -> Self {
        Self
    }
}

impl<'r> Delivery<'r> {
    fn new(relay: &'r Relay, home: Home, (halves, from): Reached, began: Instant) -> Self {
        let (reader, writer) = halves;
        Self {
            relay,
            home,
            line: Line::new(reader),
            writer,
            _from: from,
            left: relay.node.desk.forwards(),
            ends: began + TURN,
            after: 0,
            is_postponed: false,
        }
    }

    /// Whether nothing has to be tried later.
    async fn run(mut self) -> bool {
        let done = self.deposit().await;
        // However it ends, it ends.
        let _ = timeout(AGAIN, self.writer.close()).await;
        done.is_ok() && self.line.sent.is_empty() && !self.is_postponed
    }

    async fn deposit(&mut self) -> Result<(), Failed> {
        loop {
            self.left.borrow_and_update();
            while self.send_some().await? {}
            if !self.line.sent.is_empty() {
                self.hear_some().await?;
            } else if Instant::now() >= self.ends || !self.wait_for_more().await? {
                return Ok(());
            }
        }
    }

    /// Sends what waits as far as the window has room. Whether there may be more to send.
    async fn send_some(&mut self) -> Result<bool, Failed> {
        let on_the_way = self.line.on_the_way();
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
        let was_silent = self.line.sent.is_empty();
        for Waiting {
            number, envelope, ..
        } in &waiting
        {
            self.after = *number;
            self.line
                .sent
                .push_back((envelope.id(), *number, envelope.as_bytes().len()));
        }
        let frames = waiting.into_iter().map(|waiting| {
            let Waiting { pass, envelope, .. } = waiting;
            Frame::Deposit { pass, envelope }.encode()
        });
        match timeout(ANSWER_DEADLINE, self.writer.send_all(frames)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(Failed),
        }
        if was_silent {
            self.line.moved = Instant::now();
        }
        Ok(true)
    }

    /// Waits for an answer, and notes it with all others that have come.
    async fn hear_some(&mut self) -> Result<(), Failed> {
        let (came, ended) = self.line.answers().await?;
        let stays = self.relay.node.desk.ask(move |node, shelf, now| {
            came.iter().try_fold(false, |stays, (number, outcome)| {
                Ok(node.forwarded(shelf, now, *number, *outcome)? || stays)
            })
        });
        self.is_postponed |= stays.await?;
        ended
    }

    /// Waits whether something more is left for this home. `false` if not for a while.
    async fn wait_for_more(&mut self) -> Result<bool, Failed> {
        let idle = self.relay.cache.forward_idle();
        self.line.wait_for_more(&mut self.left, idle).await
    }
}

impl<R: AsyncRead + Unpin> Line<R> {
    fn new(reader: LinkReader<R>) -> Self {
        Self {
            reader,
            sent: VecDeque::new(),
            moved: Instant::now(),
        }
    }

    /// Bytes sent and not answered.
    fn on_the_way(&self) -> usize {
        self.sent.iter().map(|(_, _, bytes)| bytes).sum()
    }

    /// Waits for the answer to something that was sent. Gives it with all others that have come, and whether the link goes on.
    async fn answers(&mut self) -> Result<(Vec<(u64, Outcome)>, Result<(), Failed>), Failed> {
        let mut came = Vec::new();
        let due = self.moved + ANSWER_DEADLINE;
        loop {
            let next = if came.is_empty() {
                let next = timeout_at(due, self.reader.next()).await;
                next.map_err(|_| Failed)?
            } else if let Some(next) = self.reader.next().now_or_never() {
                next
            } else {
                return Ok((came, Ok(())));
            };
            let Ok(Some(bytes)) = next else {
                return Ok((came, Err(Failed)));
            };
            // What this version does not know is none of what it waits for.
            if let Ok(Frame::Ack { id, outcome }) = Frame::decode(&bytes)
                && let Some(place) = self.sent.iter().position(|(sent, _, _)| *sent == id)
                && let Some((_, number, _)) = self.sent.remove(place)
            {
                self.moved = Instant::now();
                came.push((number, outcome));
            }
        }
    }

    /// Waits whether something more is left, perhaps for another home: then there is nothing to send, and it waits anew, as long
    /// as is left of its time. `false` when nothing was sent or answered for `idle`.
    async fn wait_for_more(
        &mut self,
        left: &mut watch::Receiver<u64>,
        idle: Duration,
    ) -> Result<bool, Failed> {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.moved + idle) => return Ok(false),
                left = left.changed() => return left.map(|()| true).map_err(|_| Failed),
                // Nothing was asked, so only the end of the link is news.
                frame = self.reader.next() => match frame {
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return Ok(false),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests;
