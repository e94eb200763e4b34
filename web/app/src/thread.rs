//! A conversation as far as it is loaded, and how it is laid out on the screen.
//!
//! Messages come as pages (older and older) and as single changes; both may overlap and repeat. The
//! engine decides what a message is and where it stands; this only keeps the newest word on each,
//! in order, and puts day separators and the unread divider between them.

use std::collections::BTreeMap;

use komrade_view::{ComradeId, MessageView, PageView, Tick};

use crate::clock::Wall;

/// How many messages one page asks for.
pub const PAGE: u16 = 50;
/// How many loaded messages are kept when newer ones arrive and the person is not reading further
/// up: older ones are let go and can be loaded again. 400 of the largest are 8 MB.
pub const KEEP: usize = 400;
/// Messages of one author less than this many minutes apart stand close together.
const CLOSE_MINUTES: u64 = 5;

/// The loaded part of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Whose.
    pub comrade: ComradeId,
    /// By ordinal.
    pub messages: BTreeMap<u64, MessageView>,
    /// There is something older that is not loaded.
    pub older: bool,
    /// The first page is here.
    pub loaded: bool,
    /// What the person had seen when the conversation was opened; the divider stands behind it.
    pub read_at_open: u64,
    /// The newest message is in sight, so what is far above may be let go.
    pub following: bool,
}

impl Thread {
    /// Nothing is loaded yet.
    pub fn new(comrade: ComradeId, read_at_open: u64) -> Self {
        Self {
            comrade,
            messages: BTreeMap::new(),
            older: false,
            loaded: false,
            read_at_open,
            following: true,
        }
    }

    /// Takes a page in. A page that is older than what is loaded says whether there is more.
    pub fn page(&mut self, page: PageView) {
        if page.comrade != self.comrade {
            return;
        }
        let first = page.messages.first().map(|message| message.ordinal);
        let extends = match (first, self.messages.first_key_value()) {
            (Some(first), Some((known, _))) => first <= *known,
            _ => true,
        };
        if extends {
            self.older = page.older;
        }
        self.loaded = true;
        self.messages.extend(
            page.messages
                .into_iter()
                .map(|message| (message.ordinal, message)),
        );
    }

    /// Takes one message in, new or changed. What is older than everything loaded stays out,
    /// because there may be a gap in between.
    pub fn message(&mut self, message: MessageView) {
        let oldest = self.messages.first_key_value().map(|(ordinal, _)| *ordinal);
        if self.older && oldest.is_some_and(|oldest| message.ordinal < oldest) {
            return;
        }
        self.messages.insert(message.ordinal, message);
        while self.following && self.messages.len() > KEEP {
            self.messages.pop_first();
            self.older = true;
        }
    }

    /// The newest message that somebody else wrote.
    pub fn newest_theirs(&self) -> Option<u64> {
        self.messages
            .iter()
            .rev()
            .find(|(_, message)| !message.mine)
            .map(|(ordinal, _)| *ordinal)
    }

    /// The newest of one's own messages that still waits on this device.
    pub fn newest_kept(&self) -> Option<u64> {
        self.messages
            .iter()
            .rev()
            .find(|(_, message)| message.mine && message.tick == Tick::Kept)
            .map(|(ordinal, _)| *ordinal)
    }

    /// What stands on the screen, from top to bottom.
    pub fn layout(&self, wall: impl Fn(u64) -> Wall) -> Vec<Item> {
        let mut items = Vec::with_capacity(self.messages.len() + 8);
        let mut day = None;
        let mut before: Option<&MessageView> = None;
        let mut divided = false;
        for message in self.messages.values() {
            let today = wall(message.kept_at).day;
            let new_day = day != Some(today);
            if new_day {
                items.push(Item::Day(today));
                day = Some(today);
            }
            let divide = !divided && !message.mine && message.ordinal > self.read_at_open;
            if divide {
                items.push(Item::Unread);
                divided = true;
            }
            let close = !new_day
                && !divide
                && before.is_some_and(|before| {
                    before.mine == message.mine
                        && message.kept_at.saturating_sub(before.kept_at) < CLOSE_MINUTES * 60_000
                });
            items.push(Item::Message {
                message: message.clone(),
                close,
            });
            before = Some(message);
        }
        items
    }
}

/// One thing in the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A new day begins; days since 1970 in local time.
    Day(i64),
    /// From here on nothing had been seen when the conversation was opened.
    Unread,
    /// A message.
    Message {
        /// As it stands.
        message: MessageView,
        /// By the same author as the one above, shortly after it.
        close: bool,
    },
}

impl Item {
    /// Names the item; changes when it must be drawn anew.
    pub fn key(&self) -> (u8, i64, u64, u8) {
        match self {
            Self::Day(day) => (0, *day, 0, 0),
            Self::Unread => (1, 0, 0, 0),
            Self::Message { message, close } => {
                let (tick, at) = match message.tick {
                    Tick::Theirs => (0, 0),
                    Tick::Kept => (1, 0),
                    Tick::Accepted(at) => (2, at),
                    Tick::Delivered(at) => (3, at),
                    Tick::Expired => (4, 0),
                };
                let close = u8::from(*close) << 4;
                (
                    2 + tick + close,
                    i64::try_from(at).unwrap_or(i64::MAX),
                    message.ordinal,
                    0,
                )
            }
        }
    }
}

/// What remains of a draft when `sent` of it was sent while the person typed on.
pub fn rest_of_draft(now: &str, sent: &str) -> String {
    now.strip_prefix(sent)
        .unwrap_or(now)
        .trim_start_matches('\n')
        .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    use super::*;

    const BO: ComradeId = ComradeId([1; 16]);
    const DAY: u64 = 86_400_000;

    fn message(ordinal: u64, mine: bool, kept_at: u64) -> MessageView {
        let tick = if mine { Tick::Kept } else { Tick::Theirs };
        MessageView {
            ordinal,
            mine,
            text: ordinal.to_string(),
            written_at: kept_at,
            kept_at,
            tick,
        }
    }

    fn page(range: std::ops::Range<u64>, older: bool) -> PageView {
        let messages = range.map(|n| message(n, false, n)).collect();
        PageView {
            comrade: BO,
            messages,
            older,
        }
    }

    fn shape(items: &[Item]) -> String {
        items
            .iter()
            .map(|item| match item {
                Item::Day(day) => format!("day{day} "),
                Item::Unread => "unread ".to_owned(),
                Item::Message { message, close } => {
                    format!("{}{} ", message.ordinal, if *close { "+" } else { "" })
                }
            })
            .collect()
    }

    #[test]
    fn pages_and_changes_overlap_without_doubling() {
        let mut thread = Thread::new(BO, 0);
        thread.page(page(50..100, true));
        thread.page(page(40..60, false));
        thread.message(message(100, true, 100));
        let mut delivered = message(100, true, 100);
        delivered.tick = Tick::Delivered(101);
        thread.message(delivered);
        assert_eq!(thread.messages.len(), 61);
        assert_eq!(thread.messages[&100].tick, Tick::Delivered(101));
        assert!(!thread.older);
    }

    #[test]
    fn the_newest_page_read_again_does_not_hide_what_is_older() {
        let mut thread = Thread::new(BO, 0);
        thread.page(page(0..50, false));
        thread.page(page(40..90, true));
        assert!(!thread.older);
        assert_eq!(thread.messages.len(), 90);
    }

    #[test]
    fn a_change_before_everything_loaded_leaves_no_hole() {
        let mut thread = Thread::new(BO, 0);
        thread.page(page(50..100, true));
        thread.message(message(3, true, 3));
        assert_eq!(thread.messages.first_key_value().unwrap().0, &50);
    }

    #[test]
    fn a_page_of_another_conversation_is_ignored() {
        let mut thread = Thread::new(ComradeId([2; 16]), 0);
        thread.page(page(0..5, true));
        assert!(thread.messages.is_empty() && !thread.loaded);
    }

    #[test]
    fn what_is_loaded_stays_bounded_and_can_be_loaded_again() {
        let mut thread = Thread::new(BO, 0);
        for ordinal in 0..KEEP as u64 + 10 {
            thread.message(message(ordinal, false, ordinal));
        }
        assert_eq!(thread.messages.len(), KEEP);
        assert!(thread.older);
        thread.following = false;
        thread.message(message(1_000, false, 1_000));
        assert_eq!(
            thread.messages.len(),
            KEEP + 1,
            "nothing is taken from under a reader"
        );
    }

    #[test]
    fn days_unread_and_closeness_are_laid_out() {
        let mut thread = Thread::new(BO, 2);
        let minute = 60_000;
        for message in [
            message(1, false, DAY),
            message(2, false, DAY + minute),
            message(3, false, DAY + 2 * minute),
            message(4, true, DAY + 3 * minute),
            message(5, true, DAY + 9 * minute),
            message(6, true, 2 * DAY + 1),
            message(7, true, 2 * DAY + 2),
        ] {
            thread.message(message);
        }
        let items = thread.layout(|at| Wall::new(at, 0));
        assert_eq!(shape(&items), "day1 1 2+ unread 3 4 5 day2 6 7+ ");
    }

    #[test]
    fn own_messages_are_never_unread() {
        let mut thread = Thread::new(BO, 0);
        thread.message(message(1, true, 0));
        assert_eq!(shape(&thread.layout(|at| Wall::new(at, 0))), "day0 1 ");
    }

    #[test]
    fn a_new_tick_draws_the_message_anew() {
        let kept = Item::Message {
            message: message(1, true, 0),
            close: false,
        };
        let mut accepted = message(1, true, 0);
        accepted.tick = Tick::Accepted(1);
        assert_ne!(
            kept.key(),
            Item::Message {
                message: accepted,
                close: false
            }
            .key()
        );
    }

    #[test]
    fn the_message_that_waits_is_the_newest_kept_one() {
        let mut thread = Thread::new(BO, 0);
        thread.message(message(1, true, 0));
        thread.message(message(2, true, 0));
        thread.message(message(3, false, 0));
        assert_eq!(
            (thread.newest_kept(), thread.newest_theirs()),
            (Some(2), Some(3))
        );
    }

    #[test]
    fn what_was_typed_while_sending_stays() {
        assert_eq!(rest_of_draft("hello and more", "hello"), " and more");
        assert_eq!(rest_of_draft("hello", "hello"), "");
        assert_eq!(rest_of_draft("something else", "hello"), "something else");
    }
}
