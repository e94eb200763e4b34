//! The thread behind the desk.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use komrade_ether::{About, Draw, EnvelopeId, Frame, Node, NodeLink, Outcome, Token};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use super::ask::Job;
use super::{Answer, LinkNumber, Order, Plan, Request};
use crate::backoff::Backoff;
use crate::node::shelf::{Cabinet, ShelfError};
use crate::{clock, random};

/// Requests in one transaction: at 64 KiB each what a disk takes in a tenth of a second.
const MOST_IN_GROUP: usize = 256;
/// Bytes that are read for one link at once: some thousand small envelopes a second over a fast line, and little enough to hold for
/// every link.
const PUSH_BYTES: usize = 128 * 1024;
/// First and longest wait before a file that failed is opened again. What fails each time must not keep the disk busy.
const REOPEN_FIRST: Duration = Duration::from_secs(1);
const REOPEN_LONGEST: Duration = Duration::from_secs(60);
/// After the disk was full, so long nothing more is taken: every attempt undoes what others asked at the same time.
const FULL_PAUSE: Duration = Duration::from_secs(60);

/// A link as the thread sees it.
struct Link {
    link: NodeLink,
    /// Somebody serves it.
    alive: Weak<()>,
    /// The link has sent what it had.
    ready: Option<oneshot::Sender<Vec<Frame>>>,
    /// Places of frames after which no further ones should come until something is sent.
    held: Vec<OwnedSemaphorePermit>,
}

/// A frame of a group, and what becomes of it.
struct Entry {
    link: LinkNumber,
    /// `None` once it was given to the node.
    frame: Option<Frame>,
    place: Option<OwnedSemaphorePermit>,
    answers: mpsc::Sender<Answer>,
    /// Who waits for an answer waits for one that names this.
    owed: Option<EnvelopeId>,
    is_forward: bool,
    answer: Option<Frame>,
}

impl Entry {
    fn new(link: LinkNumber, request: Request) -> Self {
        let Request {
            frame,
            place,
            answers,
        } = request;
        let owed = match &frame {
            Frame::Put { envelope }
            | Frame::Deposit { envelope, .. }
            | Frame::Replica { envelope }
            | Frame::Place { envelope, .. }
            | Frame::Forward { envelope, .. } => Some(envelope.id()),
            _ => None,
        };
        Self {
            link,
            is_forward: matches!(frame, Frame::Forward { .. }),
            frame: Some(frame),
            place: Some(place),
            answers,
            owed,
            answer: None,
        }
    }

    /// Nothing of it was done.
    fn fail(&mut self, outcome: Outcome) {
        self.answer = self.owed.map(|id| Frame::Ack { id, outcome });
    }

    /// Lets the answer out.
    fn release(self) {
        if let (Some(frame), Some(place)) = (self.answer, self.place) {
            // There is a place in the channel for each in the window; whoever has left needs no answer.
            let _ = self.answers.try_send(Answer::new(frame, place));
        }
    }
}

/// What a group has to write.
#[derive(Default)]
struct Group {
    entries: Vec<Entry>,
    jobs: Vec<Box<dyn Job>>,
    /// Links with something new to look for.
    touched: HashSet<LinkNumber>,
    /// It is the last one.
    closing: Option<oneshot::Sender<()>>,
}

/// The thread.
pub(super) struct Clerk {
    plan: Plan,
    node: Node,
    /// `None` after it failed.
    cabinet: Option<Cabinet>,
    /// When it may be opened again.
    again: Instant,
    backoff: Backoff,
    /// Until then the disk counts as full.
    full: Option<Instant>,
    links: HashMap<LinkNumber, Link>,
    /// Links for which a look gave nothing yet, with more to look through: each has its turn again after all others.
    unfinished: HashSet<LinkNumber>,
    about: watch::Sender<About>,
    forwards: watch::Sender<u64>,
    works: Arc<AtomicBool>,
}

impl Clerk {
    /// Opens the shelf, or begins one. Gives what members are told, too.
    pub(super) fn new(
        plan: Plan,
        forwards: watch::Sender<u64>,
        works: Arc<AtomicBool>,
    ) -> Result<(Self, watch::Receiver<About>), ShelfError> {
        let (cabinet, node, about) = open(&plan)?;
        let (tell, told) = watch::channel(about);
        let clerk = Self {
            plan,
            node,
            cabinet: Some(cabinet),
            again: Instant::now(),
            backoff: Backoff::new(REOPEN_FIRST, REOPEN_LONGEST),
            full: None,
            links: HashMap::new(),
            unfinished: HashSet::new(),
            about: tell,
            forwards,
            works,
        };
        Ok((clerk, told))
    }

    /// Does what is ordered, to the last order.
    pub(super) fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let mut group = self.group();
            if group.touched.is_empty() {
                let Some(first) = orders.blocking_recv() else {
                    return;
                };
                self.take(&mut group, first);
            }
            for _ in 1..MOST_IN_GROUP {
                let Ok(order) = orders.try_recv() else { break };
                self.take(&mut group, order);
            }
            let closing = group.closing.take();
            self.serve(group);
            if closing.is_some() {
                // The file is closed before whoever waits for that hears of it.
                self.cabinet = None;
                return;
            }
        }
    }

    /// A group with what the last one left to do.
    fn group(&mut self) -> Group {
        Group {
            touched: std::mem::take(&mut self.unfinished),
            ..Group::default()
        }
    }

    fn take(&mut self, group: &mut Group, order: Order) {
        match order {
            Order::Open(number, party, alive) => {
                let link = Link {
                    link: NodeLink::new(party),
                    alive,
                    ready: None,
                    held: Vec::new(),
                };
                self.links.insert(number, link);
            }
            Order::Frame(number, request) => {
                group.touched.insert(number);
                group.entries.push(Entry::new(number, request));
            }
            Order::Push(number, to) => {
                // Unless it was let go: then it hears that by this being dropped.
                if let Some(link) = self.links.get_mut(&number) {
                    link.ready = Some(to);
                    group.touched.insert(number);
                }
            }
            Order::Job(job) => group.jobs.push(job),
            Order::Close(closing) => group.closing = Some(closing),
        }
    }

    /// Does what a group asks. A mistake in the code costs the group and the links, not the node.
    fn serve(&mut self, group: Group) {
        let served = catch_unwind(AssertUnwindSafe(|| self.serve_group(group)));
        if served.is_err() {
            self.fail(ShelfError::Interrupted);
            // Any of them may know of things that never were.
            self.links.clear();
        }
    }

    fn serve_group(&mut self, mut group: Group) {
        let has_changed = match self.write(&mut group) {
            Ok(has_changed) => {
                self.release(&mut group);
                has_changed
            }
            Err(error) => {
                self.fail(error);
                let is_full = error.is_full();
                self.let_go(
                    &mut group,
                    if is_full {
                        Outcome::Full
                    } else {
                        Outcome::Busy
                    },
                );
                false
            }
        };
        self.links.retain(|_, link| link.alive.strong_count() > 0);
        if let Err(error) = self.push(&group.touched, has_changed) {
            self.fail(error);
            // Any of them may have lost what it was to send.
            self.links.clear();
        }
    }

    /// Does everything of a group in one transaction. Whether anything changed.
    fn write(&mut self, group: &mut Group) -> Result<bool, ShelfError> {
        self.refuse_if_full(group);
        if group.entries.is_empty() && group.jobs.is_empty() {
            return Ok(false);
        }
        self.reopen()?;
        let (node, links) = (&self.node, &mut self.links);
        let cabinet = self.cabinet.as_ref().ok_or(ShelfError::Closed)?;
        let writing = cabinet.write()?;
        let mut shelf = writing.shelf()?;
        let now = clock::now();
        for entry in &mut group.entries {
            // Without its link, it has ended or was let go while this waited.
            if let (Some(link), Some(frame)) = (links.get_mut(&entry.link), entry.frame.take()) {
                let over = over(&frame);
                let answer = link.link.handle(node, &mut shelf, now, frame);
                entry.answer = match answer {
                    // It only reads: nobody else has to suffer from what it met.
                    Err(ShelfError::Damaged) if over.is_some() => over,
                    answer => answer?,
                };
            }
        }
        for job in &mut group.jobs {
            job.run(node, &mut shelf, now)?;
        }
        let about = (!group.jobs.is_empty())
            .then(|| node.about(&shelf))
            .transpose()?;
        let has_changed = shelf.has_changed();
        drop(shelf);
        if has_changed {
            writing.commit()?;
        }
        if let Some(about) = about {
            self.about
                .send_if_modified(|told| std::mem::replace(told, about) != about);
        }
        self.backoff.reset();
        Ok(has_changed)
    }

    /// While the disk is full, answers whoever wants something kept, without trying. It promises nothing, so it waits for nothing.
    fn refuse_if_full(&mut self, group: &mut Group) {
        self.full.take_if(|full| *full <= Instant::now());
        if self.full.is_some() {
            let keeping = |entry: &mut Entry| entry.owed.is_some();
            for mut entry in group.entries.extract_if(.., keeping) {
                entry.fail(Outcome::Full);
                entry.release();
            }
        }
    }

    /// What was promised is durable: the answers go out.
    fn release(&mut self, group: &mut Group) {
        let mut forwards = 0;
        for mut entry in group.entries.drain(..) {
            let is_accepted =
                matches!(&entry.answer, Some(Frame::Ack { outcome, .. }) if outcome.is_held());
            forwards += u64::from(entry.is_forward && is_accepted);
            if let Some(link) = self.links.get_mut(&entry.link)
                && link.link.is_full()
            {
                link.held
                    .extend(entry.place.take_if(|_| entry.answer.is_none()));
            }
            entry.release();
        }
        for job in group.jobs.drain(..) {
            job.release();
        }
        if forwards > 0 {
            self.forwards
                .send_modify(|count| *count = count.wrapping_add(forwards));
        }
    }

    /// Nothing was done: whoever waits is told so, and the links are let go, because they may know of things that never were.
    fn let_go(&mut self, group: &mut Group, outcome: Outcome) {
        for mut entry in group.entries.drain(..) {
            entry.fail(outcome);
            let link = entry.link;
            entry.release();
            // After the answer, since the link ends with this.
            self.links.remove(&link);
        }
        group.jobs.clear();
    }

    /// Gives links that have sent what they had what there is to send.
    fn push(&mut self, touched: &HashSet<LinkNumber>, has_changed: bool) -> Result<(), ShelfError> {
        let is_due = |(number, link): &(&LinkNumber, &mut Link)| {
            link.ready.is_some() && (has_changed || touched.contains(number))
        };
        let mut due = self.links.iter_mut().filter(is_due).peekable();
        if due.peek().is_none() {
            return Ok(());
        }
        let cabinet = self.cabinet.as_ref().ok_or(ShelfError::Closed)?;
        let (reading, now) = (cabinet.read()?, clock::now());
        for (number, link) in due {
            let push = link.link.poll_push(&reading, now, PUSH_BYTES)?;
            if !link.link.is_full() {
                link.held.clear();
            }
            if push.frames.is_empty() {
                if !push.is_done {
                    self.unfinished.insert(*number);
                }
            } else if let Some(ready) = link.ready.take() {
                // Whoever is gone needs nothing.
                let _ = ready.send(push.frames);
            }
        }
        Ok(())
    }

    fn fail(&mut self, error: ShelfError) {
        if let Some(cabinet) = self.cabinet.take() {
            self.again = Instant::now() + self.backoff.wait();
            // What a mistake interrupted may also fail to close.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(cabinet)));
        }
        if error.is_full() {
            self.full = Some(Instant::now() + FULL_PAUSE);
        }
        if self.works.swap(false, Ordering::AcqRel) {
            warn!(%error, "the cache failed: nothing can be left or fetched until it works again");
        }
    }

    /// Opens the shelf if it failed before, but not all the time.
    fn reopen(&mut self) -> Result<(), ShelfError> {
        if self.cabinet.is_some() {
            return Ok(());
        }
        if Instant::now() < self.again {
            return Err(ShelfError::Closed);
        }
        self.again = Instant::now() + self.backoff.wait();
        let (cabinet, node, about) = open(&self.plan)?;
        (self.cabinet, self.node) = (Some(cabinet), node);
        self.about
            .send_if_modified(|told| std::mem::replace(told, about) != about);
        self.works.store(true, Ordering::Release);
        info!("the cache works again");
        Ok(())
    }
}

/// What ends a reconciliation that cannot be answered.
fn over(frame: &Frame) -> Option<Frame> {
    match frame {
        Frame::Reconcile { bucket, .. } => Some(Frame::Reconcile {
            bucket: *bucket,
            message: Vec::new(),
        }),
        _ => None,
    }
}

/// Opens the file and the node in it, or begins both.
fn open(plan: &Plan) -> Result<(Cabinet, Node, About), ShelfError> {
    let mut incarnation = [0; 8];
    let mut token = Token([0; 16]);
    random::fill(&mut incarnation)
        .and_then(|()| random::fill(&mut token.0))
        .map_err(|error| ShelfError::Io(error.kind()))?;
    let draw = Draw {
        incarnation: u64::from_be_bytes(incarnation),
        token,
    };
    let cabinet = Cabinet::open(&plan.folder, plan.memory)?;
    let writing = cabinet.write()?;
    let mut shelf = writing.shelf()?;
    let settings = plan.settings.clone();
    let node = Node::open(&mut shelf, plan.key, settings, clock::now(), draw)?;
    let about = node.about(&shelf)?;
    let is_new = shelf.has_changed();
    drop(shelf);
    // On a full disk, what is held can still be read.
    if is_new {
        writing.commit()?;
    }
    Ok((cabinet, node, about))
}

#[cfg(test)]
mod tests;
