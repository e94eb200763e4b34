//! Saving data: what is taken of the bucket when each byte is paid for.
//!
//! Whoever sets a limit for a day takes the smaller envelopes first, up to 8 KiB, and the larger ones
//! while the day's bytes are below the limit. All of a size or none: whoever fetched single ones would
//! tell the relay which are for them.
//!
//! While some are left out, what is acknowledged says so, or whoever wrote them would send them again
//! and again.
//!
//! Flow: smaller ones from the cursor → once caught up, and within the limit, the larger ones that were
//! left out → then everything as it comes. Beyond the limit: the smaller ones only, until the next
//! day.

use std::collections::VecDeque;

use komrade_ether::{Frame, Part};
use komrade_view::{Answer, MAX_DATA_LIMIT, Refusal, SaverView};

use super::{LogRecord, send};
use crate::{LinkId, RelayId, open::Open, step::Step};

/// The limit of a day.
#[derive(Debug, Default)]
pub(crate) struct Saver {
    /// What counts if the person has not said anything; 0: no limit.
    usual: u64,
    /// Today's bytes are at the limit.
    is_held: bool,
}

/// What is subscribed at one node.
#[derive(Debug, Default)]
pub(crate) struct Subscribed {
    /// What is being sent; `None`: all sizes.
    part: Option<Part>,
    /// Subscriptions that were not answered.
    asked: VecDeque<Option<Part>>,
}

impl Saver {
    /// The vault has just opened.
    pub(crate) fn new(usual: u64) -> Self {
        let is_held = false;
        Self { usual, is_held }
    }

    /// Whether larger envelopes wait for another day.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }
}

impl Subscribed {
    /// Whether a subscription was not answered.
    pub(super) fn is_awaiting(&self) -> bool {
        !self.asked.is_empty()
    }

    /// A subscription begins above this number.
    pub(super) fn begins(&mut self, log: &mut LogRecord, after: u64) {
        self.part = self.asked.pop_front().flatten();
        match self.part {
            None => log.larger_after = None,
            Some(Part::Smaller) => {
                log.larger_after.get_or_insert(log.after);
            }
            Some(Part::Larger) => log.larger_after = Some(after),
        }
    }

    /// All of the subscription up to this number is here. Says whether that is news.
    pub(super) fn advance(&self, log: &mut LogRecord, up_to: u64) -> bool {
        let before = *log;
        match self.part {
            Some(Part::Larger) => log.larger_after = Some(up_to),
            _ => log.after = up_to,
        }
        *log != before
    }
}

impl Open {
    /// The limit of a day in bytes; 0: none.
    fn data_limit(&self) -> u64 {
        self.own.data_limit.unwrap_or(self.node.saver.usual)
    }

    /// Whether larger envelopes were left out that a node may have for this device.
    pub(crate) fn lacks_larger(&self) -> bool {
        let mut nodes = self.own.nodes();
        nodes.any(|(relay, _)| self.log(relay).larger_after.is_some())
    }

    /// So many bytes were carried today: may larger envelopes come?
    pub(crate) fn mind_limit(&mut self, step: &mut Step, carried: u64) {
        let limit = self.data_limit();
        let is_held = limit > 0 && carried >= limit;
        if is_held == self.node.saver.is_held {
            return;
        }
        self.node.saver.is_held = is_held;
        step.show.route = true;
        let relays: Vec<RelayId> = self.ways.keys().copied().collect();
        for relay in relays {
            let Some(link) = self.links.node(relay) else {
                continue;
            };
            if is_held {
                self.subscribe_to(step, link, relay, Some(Part::Smaller));
            } else {
                self.subscribe_further(step, link, relay);
            }
        }
    }

    /// The link has just come up.
    pub(super) fn subscribe(&mut self, step: &mut Step, link: LinkId, relay: RelayId) {
        let saves = self.data_limit() > 0 || self.log(relay).larger_after.is_some();
        self.subscribe_to(step, link, relay, saves.then_some(Part::Smaller));
    }

    /// What was asked for is here: goes on with what was left out.
    pub(super) fn subscribe_further(&mut self, step: &mut Step, link: LinkId, relay: RelayId) {
        let Some(way) = self.ways.get(&relay) else {
            return;
        };
        let Subscribed { part, asked } = &way.subscribed;
        let log = self.log(relay);
        let may = !self.node.saver.is_held && asked.is_empty();
        let Some(larger_after) = log.larger_after.filter(|_| may) else {
            return;
        };
        // Between the two some may have come: those come twice, and are known again.
        let lacks = larger_after < log.after && *part == Some(Part::Smaller);
        self.subscribe_to(step, link, relay, lacks.then_some(Part::Larger));
    }

    fn subscribe_to(&mut self, step: &mut Step, link: LinkId, relay: RelayId, part: Option<Part>) {
        let home = self.own.node_at(relay);
        let (Some(bucket), Some(way)) = (home.map(|it| it.bucket()), self.ways.get_mut(&relay))
        else {
            return;
        };
        way.subscribed.asked.push_back(part);
        let log = self.log(relay);
        let (incarnation, after) = (log.incarnation, log.after);
        let frame = match part {
            None => Frame::Subscribe {
                bucket,
                incarnation,
                after,
            },
            Some(part) => Frame::SubscribePart {
                bucket,
                incarnation,
                after: match part {
                    Part::Smaller => after,
                    Part::Larger => log.larger_after.unwrap_or(after),
                },
                part,
            },
        };
        step.effect(send(link, &frame));
    }

    /// The person says how many bytes a day may have.
    pub(crate) fn set_data_limit(
        &mut self,
        step: &mut Step,
        bytes: u64,
    ) -> Result<Answer, Refusal> {
        if bytes > MAX_DATA_LIMIT {
            return Err(Refusal::OutOfBounds);
        }
        self.own.data_limit = Some(bytes);
        step.touched.own = true;
        step.show.route = true;
        Ok(Answer::Done)
    }

    /// What is saved, for the screens.
    pub(crate) fn saver_view(&self) -> SaverView {
        SaverView {
            limit: self.data_limit(),
            is_held: self.node.saver.is_held,
        }
    }
}
