//! One link of a node: what is said on it, and what is sent without being asked.

use std::collections::{BTreeSet, VecDeque};

use crate::{
    Account, Bucket, Day, EnvelopeId, Frame, Home, MAX_WANT_IDS, Node, Outcome, Part, Party, Pass,
    Shelf, ShelfRead, reconcile,
};

/// The most wanted ids that wait on one link: four frames of them, 128 KB.
pub const MAX_WANTED: usize = 4 * MAX_WANT_IDS;
/// How many notices are read at once.
const NOTICES_AT_ONCE: usize = 64;
/// How often it is looked which homes are not reached, in milliseconds, if nothing is left for any meanwhile: a read or two
/// for each home of the member, 64 at most, beside failures that come half an hour apart.
const LOOK_MILLIS: u64 = 60 * 1_000;

/// What a link has to send.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Push {
    /// In order.
    pub frames: Vec<Frame>,
    /// Nothing more waits: ask again after the next commit or frame. Else as soon as these are sent.
    pub is_done: bool,
}

/// A node's side of one link.
///
/// The caller gives every frame to [`NodeLink::handle`] inside a transaction and sends the answer after its commit; and it
/// calls [`NodeLink::poll_push`] **on what is committed**, after each commit and whenever the link has sent what it had.
/// If a transaction is undone, the links that handled a frame in it are closed.
#[derive(Debug)]
pub struct NodeLink {
    party: Party,
    subscription: Option<Subscription>,
    wanted: VecDeque<EnvelopeId>,
    /// Notices up to this number were sent on this link.
    notices_to: u64,
    /// Which homes the member was told on this link not to be reached: no more than one account may have waiting.
    unreached: BTreeSet<Home>,
    /// When it is looked which those are.
    look_at: u64,
    /// Whose turn it is when both envelopes wanted and arrived wait.
    wanted_first: bool,
}

#[derive(Debug)]
struct Subscription {
    bucket: Bucket,
    cursor: u64,
    /// Where catching up ends, until that was said.
    until: Option<u64>,
    /// Only of these sizes.
    part: Option<Part>,
}

impl NodeLink {
    /// The link of a party.
    pub fn new(party: Party) -> Self {
        Self {
            party,
            subscription: None,
            wanted: VecDeque::new(),
            notices_to: 0,
            unreached: BTreeSet::new(),
            look_at: 0,
            wanted_first: false,
        }
    }

    /// Who is at the other end.
    pub fn party(&self) -> Party {
        self.party
    }

    /// Whether so much is wanted that the caller should read no further frames until some of it is sent.
    pub fn is_full(&self) -> bool {
        self.wanted.len() > MAX_WANTED - MAX_WANT_IDS
    }

    /// Does what a frame asks, and gives the answer. What only members may do is refused to strangers, or skipped where
    /// there is no answer to give.
    ///
    /// # Errors
    /// If the shelf fails or is damaged: the transaction must be undone and this link closed.
    pub fn handle<S: Shelf>(
        &mut self,
        node: &Node,
        shelf: &mut S,
        now: u64,
        frame: Frame,
    ) -> Result<Option<Frame>, S::Error> {
        match frame {
            Frame::Put { envelope } => {
                let pass = Pass::default();
                let outcome = node.put(shelf, now, self.party, &pass, &envelope)?;
                Ok(acknowledge(envelope.id(), outcome))
            }
            Frame::Deposit { pass, envelope } => {
                let outcome = node.put(shelf, now, self.party, &pass, &envelope)?;
                Ok(acknowledge(envelope.id(), outcome))
            }
            Frame::Fetch { locator } => {
                let envelope = node.fetch(shelf, now, &locator)?;
                Ok(Some(Frame::Fetched { locator, envelope }))
            }
            frame => match self.party {
                Party::Member(account) => self.handle_member(node, shelf, now, account, frame),
                Party::Stranger => Ok(refuse(&frame)),
            },
        }
    }

    fn handle_member<S: Shelf>(
        &mut self,
        node: &Node,
        shelf: &mut S,
        now: u64,
        account: Account,
        frame: Frame,
    ) -> Result<Option<Frame>, S::Error> {
        match frame {
            Frame::Replica { envelope } => {
                let outcome = node.give_back(shelf, now, account, &envelope)?;
                Ok(acknowledge(envelope.id(), outcome))
            }
            Frame::Place { locator, envelope } => {
                let outcome = node.place(shelf, now, account, &locator, &envelope)?;
                Ok(acknowledge(envelope.id(), outcome))
            }
            Frame::Unplace { locator } => {
                node.unplace(shelf, account, &locator)?;
                Ok(None)
            }
            Frame::Forward {
                home,
                pass,
                envelope,
            } => {
                let outcome = node.forward(shelf, now, account, home, &pass, &envelope)?;
                // Of what is left now the member has not been told.
                self.unreached.remove(&home);
                self.look_at = 0;
                Ok(acknowledge(envelope.id(), outcome))
            }
            Frame::Noted { id } => {
                node.noted(shelf, account, &id)?;
                Ok(None)
            }
            Frame::Subscribe {
                bucket,
                incarnation,
                after,
            } => self.subscribe(node, shelf, bucket, (incarnation, after), None),
            Frame::SubscribePart {
                bucket,
                incarnation,
                after,
                part,
            } => self.subscribe(node, shelf, bucket, (incarnation, after), Some(part)),
            Frame::Reconcile { bucket, message } if !message.is_empty() => {
                // Whoever says what the protocol does not know is told that it is over.
                let answer = reconcile::answer(shelf, bucket, Day::of(now), &message)?;
                Ok(Some(Frame::Reconcile {
                    bucket,
                    message: answer.unwrap_or_default(),
                }))
            }
            Frame::Want { ids } => {
                let room = MAX_WANTED.saturating_sub(self.wanted.len());
                self.wanted.extend(ids.into_iter().take(room));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn subscribe<S: ShelfRead>(
        &mut self,
        node: &Node,
        shelf: &S,
        bucket: Bucket,
        (incarnation, after): (u64, u64),
        part: Option<Part>,
    ) -> Result<Option<Frame>, S::Error> {
        let (about, until) = (node.about(shelf)?, Node::newest(shelf)?.arrival);
        // A number that was never given is of another node, whatever it says.
        let is_known = incarnation == about.incarnation && after <= until;
        let after = if is_known { after } else { 0 };
        self.subscription = Some(Subscription {
            bucket,
            cursor: after,
            until: Some(until),
            part,
        });
        Ok(Some(Frame::Log {
            incarnation: about.incarnation,
            after,
            until,
        }))
    }

    /// What is to be sent without being asked, about `budget` bytes of it, on a shelf where everything is committed: notices,
    /// homes that are not reached, envelopes that were wanted, arrivals. It only reads, and if nothing new has come it reads one
    /// record, and once a minute one or two for each home for which the member has something waiting.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn poll_push<S: ShelfRead>(
        &mut self,
        shelf: &S,
        now: u64,
        budget: usize,
    ) -> Result<Push, S::Error> {
        let today = Day::of(now);
        let mut push = Push {
            frames: Vec::new(),
            is_done: true,
        };
        let newest = Node::newest(shelf)?;
        self.push_notices(shelf, newest.notice, &mut push)?;
        self.push_unreached(shelf, now, &mut push)?;
        // In turns, so that neither a long catch-up nor a long want keeps the other waiting.
        self.wanted_first = !self.wanted_first;
        let mut left = budget;
        for wanted in [self.wanted_first, !self.wanted_first] {
            let before = push.frames.len();
            if wanted {
                self.push_wanted(shelf, today, left, &mut push)?;
            } else {
                self.push_arrivals(shelf, newest.arrival, today, left, &mut push)?;
            }
            let sent = push.frames.iter().skip(before).map(envelope_bytes);
            left = left.saturating_sub(sent.sum());
        }
        Ok(push)
    }

    fn push_notices<S: ShelfRead>(
        &mut self,
        shelf: &S,
        newest: u64,
        push: &mut Push,
    ) -> Result<(), S::Error> {
        let Party::Member(account) = self.party else {
            return Ok(());
        };
        if newest <= self.notices_to {
            return Ok(());
        }
        let notices = Node::notices(shelf, account, self.notices_to, NOTICES_AT_ONCE)?;
        if notices.len() == NOTICES_AT_ONCE {
            push.is_done = false;
        } else {
            self.notices_to = newest;
        }
        for notice in notices {
            self.notices_to = self.notices_to.max(notice.number);
            push.frames.push(Frame::Returned {
                id: notice.id,
                outcome: notice.outcome,
            });
        }
        Ok(())
    }

    fn push_unreached<S: ShelfRead>(
        &mut self,
        shelf: &S,
        now: u64,
        push: &mut Push,
    ) -> Result<(), S::Error> {
        let Party::Member(account) = self.party else {
            return Ok(());
        };
        let next = now.saturating_add(LOOK_MILLIS);
        // A clock that was set back makes nobody wait longer.
        if now < self.look_at && self.look_at <= next {
            return Ok(());
        }
        self.look_at = next;
        let homes: BTreeSet<Home> = Node::unreached(shelf, account)?.into_iter().collect();
        let new = homes.difference(&self.unreached);
        push.frames
            .extend(new.map(|home| Frame::Unreached { home: *home }));
        self.unreached = homes;
        Ok(())
    }

    fn push_wanted<S: ShelfRead>(
        &mut self,
        shelf: &S,
        today: Day,
        budget: usize,
        push: &mut Push,
    ) -> Result<(), S::Error> {
        let mut left = budget;
        while left > 0 {
            let Some(id) = self.wanted.pop_front() else {
                return Ok(());
            };
            if let Some(envelope) = Node::kept(shelf, &id, today)? {
                left = left.saturating_sub(envelope.as_bytes().len());
                push.frames.push(Frame::Replica { envelope });
            }
        }
        push.is_done &= self.wanted.is_empty();
        Ok(())
    }

    fn push_arrivals<S: ShelfRead>(
        &mut self,
        shelf: &S,
        newest: u64,
        today: Day,
        budget: usize,
        push: &mut Push,
    ) -> Result<(), S::Error> {
        let Some(subscription) = &mut self.subscription else {
            return Ok(());
        };
        if subscription.cursor >= newest && subscription.until.is_none() {
            return Ok(());
        }
        let Subscription { bucket, part, .. } = *subscription;
        let after = subscription.cursor;
        let arrivals = Node::arrivals(shelf, bucket, part, after, today, budget)?;
        subscription.cursor = arrivals.cursor;
        push.is_done &= arrivals.is_done;
        match subscription.until {
            Some(until) if arrivals.cursor >= until => {
                subscription.until = None;
                let mut frames = arrivals.frames;
                let is_newer = |frame: &Frame| matches!(frame, Frame::Arrived { number, .. } if *number > until);
                let place = frames.iter().position(is_newer).unwrap_or(frames.len());
                frames.insert(place, Frame::CaughtUp { until });
                push.frames.extend(frames);
            }
            _ => push.frames.extend(arrivals.frames),
        }
        Ok(())
    }
}

fn acknowledge(id: EnvelopeId, outcome: Outcome) -> Option<Frame> {
    Some(Frame::Ack { id, outcome })
}

/// What a stranger hears who asks for what only members may.
fn refuse(frame: &Frame) -> Option<Frame> {
    match frame {
        Frame::Replica { envelope }
        | Frame::Place { envelope, .. }
        | Frame::Forward { envelope, .. } => acknowledge(envelope.id(), Outcome::NotAllowed),
        _ => None,
    }
}

fn envelope_bytes(frame: &Frame) -> usize {
    match frame {
        Frame::Replica { envelope } | Frame::Arrived { envelope, .. } => envelope.as_bytes().len(),
        _ => 0,
    }
}
