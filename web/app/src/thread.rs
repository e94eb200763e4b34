//! A conversation as far as it is loaded, and how it is laid out on the screen.
//!
//! Messages come as pages (older and older) and as single changes, posts of a collective as pages
//! alone; all may overlap and repeat. The engine decides what a message is and where it stands; this
//! only keeps the newest word on each, in order, and puts day separators and the unread divider
//! between them.

use std::collections::BTreeMap;

use komrade_view::{
    CollectiveId, ComradeId, MemberView, MessageView, PersonKey, PostTick, PostView, Tick,
};

use crate::clock::Wall;

/// How many messages one page asks for.
pub const PAGE: u16 = 50;
/// How many loaded messages are kept when newer ones arrive and the person is not reading further
/// up: older ones are let go and can be loaded again. 400 of the largest are 8 MB.
pub const KEEP: usize = 400;
/// Messages of one author less than this many minutes apart stand close together.
const CLOSE_MINUTES: u64 = 5;
/// The most members that one post mentions.
const MAX_MENTIONS: usize = 20;

/// Where something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// In the conversation with a comrade.
    Comrade(ComradeId),
    /// In a collective.
    Collective(CollectiveId),
}

/// Something that was said.
#[derive(Clone, PartialEq, Eq)]
pub enum Line {
    /// To or by a comrade.
    Message(MessageView),
    /// In a collective.
    Post(PostView),
}

impl Line {
    /// Where it stands.
    pub fn ordinal(&self) -> u64 {
        match self {
            Self::Message(message) => message.ordinal,
            Self::Post(post) => post.ordinal,
        }
    }

    /// The person themself said it.
    pub fn mine(&self) -> bool {
        match self {
            Self::Message(message) => message.mine,
            Self::Post(post) => post.mine,
        }
    }

    /// When it came to be kept here.
    pub fn kept_at(&self) -> u64 {
        match self {
            Self::Message(message) => message.kept_at,
            Self::Post(post) => post.kept_at,
        }
    }

    /// It is one's own and still waits on this device.
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Message(message) => message.tick == Tick::Kept,
            Self::Post(post) => post.tick == PostTick::Kept,
        }
    }

    /// It is a post of one's own that is handed on for some of the relays that the members use, and waits for others.
    pub fn is_partly_kept(&self) -> bool {
        match self {
            Self::Message(_) => false,
            Self::Post(post) => {
                matches!(post.tick, PostTick::Accepted { homes, of } if homes < of)
            }
        }
    }

    fn author(&self) -> Option<PersonKey> {
        match self {
            Self::Message(_) => None,
            Self::Post(post) => Some(post.by),
        }
    }

    /// What must be drawn anew when it changes.
    fn state(&self) -> (u8, u64) {
        match self {
            Self::Message(message) => match message.tick {
                Tick::Theirs => (0, 0),
                Tick::Kept => (1, 0),
                Tick::Accepted(at) => (2, at),
                Tick::Delivered(at) => (3, at),
                Tick::Expired => (4, 0),
            },
            Self::Post(post) => match post.tick {
                PostTick::Theirs => (0, 0),
                PostTick::Kept => (1, 0),
                PostTick::Accepted { homes, of } => (2, u64::from(homes) << 32 | u64::from(of)),
                PostTick::Seen(members) => (3, members.into()),
            },
        }
    }
}

/// The loaded part of one conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Thread {
    /// Which.
    pub talk: Talk,
    /// By ordinal.
    pub lines: BTreeMap<u64, Line>,
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
    pub fn new(talk: Talk, read_at_open: u64) -> Self {
        Self {
            talk,
            lines: BTreeMap::new(),
            older: false,
            loaded: false,
            read_at_open,
            following: true,
        }
    }

    /// Takes a page in, with whether there is something `older`. A page that is older than what is
    /// loaded says whether there is more. A page of posts that does not adjoin what is loaded takes its
    /// place: they come by no other way, so what lies between may be missing.
    pub fn page(&mut self, lines: Vec<Line>, older: bool) {
        let first = lines.first().map(Line::ordinal);
        let newest = self.lines.last_key_value().map(|(ordinal, _)| *ordinal);
        if let (Talk::Collective(_), Some(first), Some(newest)) = (self.talk, first, newest)
            && first > newest.saturating_add(1)
        {
            self.lines.clear();
        }
        let extends = match (first, self.lines.first_key_value()) {
            (Some(first), Some((known, _))) => first <= *known,
            _ => true,
        };
        if extends {
            self.older = older;
        }
        self.loaded = true;
        let lines = lines.into_iter().map(|line| (line.ordinal(), line));
        self.lines.extend(lines);
    }

    /// Takes one in, new or changed. What is older than everything loaded stays out, because there
    /// may be a gap in between.
    pub fn line(&mut self, line: Line) {
        let oldest = self.lines.first_key_value().map(|(ordinal, _)| *ordinal);
        if self.older && oldest.is_some_and(|oldest| line.ordinal() < oldest) {
            return;
        }
        self.lines.insert(line.ordinal(), line);
        while self.following && self.lines.len() > KEEP {
            self.lines.pop_first();
            self.older = true;
        }
    }

    /// The newest that somebody else said.
    pub fn newest_theirs(&self) -> Option<u64> {
        self.newest(|line| !line.mine())
    }

    /// The newest of one's own that still waits on this device.
    pub fn newest_kept(&self) -> Option<u64> {
        self.newest(|line| line.mine() && line.is_kept())
    }

    fn newest(&self, is: fn(&Line) -> bool) -> Option<u64> {
        let mut lines = self.lines.iter().rev();
        lines
            .find(|(_, line)| is(line))
            .map(|(ordinal, _)| *ordinal)
    }

    /// What stands on the screen, from top to bottom.
    pub fn layout(&self, wall: impl Fn(u64) -> Wall) -> Vec<Item> {
        let mut items = Vec::with_capacity(self.lines.len() + 8);
        let mut day = None;
        let mut before: Option<&Line> = None;
        let mut divided = false;
        for line in self.lines.values() {
            let today = wall(line.kept_at()).day;
            let new_day = day != Some(today);
            if new_day {
                items.push(Item::Day(today));
                day = Some(today);
            }
            let divide = !divided && !line.mine() && line.ordinal() > self.read_at_open;
            if divide {
                items.push(Item::Unread);
                divided = true;
            }
            let close = !new_day
                && !divide
                && before.is_some_and(|before| {
                    before.mine() == line.mine()
                        && before.author() == line.author()
                        && line.kept_at().saturating_sub(before.kept_at()) < CLOSE_MINUTES * 60_000
                });
            items.push(Item::Line {
                line: line.clone(),
                close,
            });
            before = Some(line);
        }
        items
    }
}

/// One thing in the conversation.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    /// A new day begins; days since 1970 in local time.
    Day(i64),
    /// From here on nothing had been seen when the conversation was opened.
    Unread,
    /// Something that was said.
    Line {
        /// As it stands.
        line: Line,
        /// By the same author as the one above, shortly after it.
        close: bool,
    },
}

impl Item {
    /// Names the item; changes when it must be drawn anew.
    pub fn key(&self) -> (u8, i64, u64) {
        match self {
            Self::Day(day) => (0, *day, 0),
            Self::Unread => (1, 0, 0),
            Self::Line { line, close } => {
                let (tick, at) = line.state();
                let close = u8::from(*close) << 4;
                let at = i64::try_from(at).unwrap_or(i64::MAX);
                (2 + tick + close, at, line.ordinal())
            }
        }
    }
}

/// The beginning of a name that is being typed at the end of `text`, behind an `@`; may be empty.
pub fn mention_begun(text: &str) -> Option<&str> {
    let (before, begun) = text.rsplit_once('@')?;
    let at_word = before.chars().next_back().is_none_or(char::is_whitespace);
    (at_word && !begun.contains('\n') && begun.chars().count() <= 64).then_some(begun)
}

/// Whom `text` mentions: members whose whole name stands behind an `@`. Where one name begins with
/// another, the longer one is meant; where two members have the same name, both are.
pub fn mentioned(text: &str, members: &[MemberView]) -> Vec<PersonKey> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let rest = text.get(at + 1..).unwrap_or_default();
        let named = |member: &&MemberView| {
            let after = rest.strip_prefix(member.name.as_str());
            let ends = |after: &str| !after.starts_with(char::is_alphanumeric);
            !member.name.is_empty() && !member.is_self && after.is_some_and(ends)
        };
        let named = members.iter().filter(named);
        let longest = named.clone().map(|member| member.name.len()).max();
        for member in named.filter(|member| Some(member.name.len()) == longest) {
            if !found.contains(&member.person) && found.len() < MAX_MENTIONS {
                found.push(member.person);
            }
        }
    }
    found
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

    const BO: Talk = Talk::Comrade(ComradeId([1; 16]));
    const UNION: Talk = Talk::Collective(CollectiveId([2; 16]));
    const DAY: u64 = 86_400_000;

    fn ticked(ordinal: u64, mine: bool, kept_at: u64, tick: Tick) -> Line {
        Line::Message(MessageView {
            ordinal,
            mine,
            text: ordinal.to_string(),
            written_at: kept_at,
            kept_at,
            tick,
        })
    }

    fn message(ordinal: u64, mine: bool, kept_at: u64) -> Line {
        let tick = if mine { Tick::Kept } else { Tick::Theirs };
        ticked(ordinal, mine, kept_at, tick)
    }

    fn page(range: std::ops::Range<u64>) -> Vec<Line> {
        range.map(|n| message(n, false, n)).collect()
    }

    fn post(ordinal: u64, by: u8, kept_at: u64) -> Line {
        Line::Post(PostView {
            id: komrade_view::PostId([7; 32]),
            ordinal,
            by: PersonKey([by; 32]),
            name: String::new(),
            mine: by == 0,
            text: String::new(),
            reply_to: None,
            mentions_me: false,
            written_at: kept_at,
            kept_at,
            tick: if by == 0 {
                PostTick::Kept
            } else {
                PostTick::Theirs
            },
        })
    }

    fn member(number: u8, name: &str) -> MemberView {
        MemberView {
            person: PersonKey([number; 32]),
            name: name.to_owned(),
            code: String::new(),
            is_self: number == 0,
            comrade: None,
            vouched_by: Vec::new(),
            since: 0,
            resting: false,
            delegate: false,
            rekeyed_at: None,
            heard_at: None,
        }
    }

    fn shape(items: &[Item]) -> String {
        items
            .iter()
            .map(|item| match item {
                Item::Day(day) => format!("day{day} "),
                Item::Unread => "unread ".to_owned(),
                Item::Line { line, close } => {
                    format!("{}{} ", line.ordinal(), if *close { "+" } else { "" })
                }
            })
            .collect()
    }

    #[test]
    fn pages_and_changes_overlap_without_doubling() {
        let mut thread = Thread::new(BO, 0);
        thread.page(page(50..100), true);
        thread.page(page(40..60), false);
        thread.line(message(100, true, 100));
        let delivered = ticked(100, true, 100, Tick::Delivered(101));
        thread.line(delivered.clone());
        assert_eq!(thread.lines.len(), 61);
        assert!(thread.lines[&100] == delivered);
        assert!(!thread.older);
    }

    #[test]
    fn the_newest_page_read_again_does_not_hide_what_is_older() {
        let mut thread = Thread::new(BO, 0);
        thread.page(page(0..50), false);
        thread.page(page(40..90), true);
        assert!(!thread.older);
        assert_eq!(thread.lines.len(), 90);
    }

    #[test]
    fn a_change_before_everything_loaded_leaves_no_hole() {
        let mut thread = Thread::new(BO, 0);
        thread.page(page(50..100), true);
        thread.line(message(3, true, 3));
        assert_eq!(thread.lines.first_key_value().unwrap().0, &50);
    }

    #[test]
    fn a_page_of_posts_that_does_not_adjoin_leaves_no_hole() {
        let posts = |range: std::ops::Range<u64>| range.map(|n| post(n, 1, n)).collect();
        let mut thread = Thread::new(UNION, 0);
        thread.page(posts(1..51), false);
        thread.page(posts(51..60), true);
        assert_eq!(thread.lines.len(), 59);
        assert!(!thread.older);
        thread.page(posts(90..140), true);
        assert_eq!(thread.lines.len(), 50);
        assert!(thread.older);
    }

    #[test]
    fn posts_of_one_author_stand_close_and_those_of_two_do_not() {
        let mut thread = Thread::new(UNION, 9);
        for post in [post(1, 1, 1), post(2, 1, 2), post(3, 2, 3), post(4, 0, 4)] {
            thread.line(post);
        }
        let items = thread.layout(|at| Wall::new(at, 0));
        assert_eq!(shape(&items), "day0 1 2+ 3 4 ");
        assert_eq!(thread.newest_kept(), Some(4));
    }

    #[test]
    fn whole_names_behind_an_at_are_mentioned() {
        let members = [
            member(0, "Ana"),
            member(1, "Bo"),
            member(2, "Bo Maria"),
            member(3, "Rosa"),
            member(4, "Rosa"),
        ];
        let found = |text| -> Vec<u8> {
            mentioned(text, &members)
                .iter()
                .map(|key| key.0[0])
                .collect()
        };
        assert_eq!(found("@Bo, can you?"), [1]);
        assert_eq!(found("@Bo Maria and @Bo and @Bo again"), [2, 1]);
        assert_eq!(found("@Rosa"), [3, 4]);
        assert_eq!(found("@Bob, bo@Rosalie, @Ana, Bo"), Vec::<u8>::new());
        assert_eq!(mention_begun("hello @Bo Ma"), Some("Bo Ma"));
        assert_eq!(mention_begun("@"), Some(""));
        assert_eq!(mention_begun("mail@host"), None);
    }

    #[test]
    fn what_is_loaded_stays_bounded_and_can_be_loaded_again() {
        let mut thread = Thread::new(BO, 0);
        for ordinal in 0..KEEP as u64 + 10 {
            thread.line(message(ordinal, false, ordinal));
        }
        assert_eq!(thread.lines.len(), KEEP);
        assert!(thread.older);
        thread.following = false;
        thread.line(message(1_000, false, 1_000));
        assert_eq!(
            thread.lines.len(),
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
            thread.line(message);
        }
        let items = thread.layout(|at| Wall::new(at, 0));
        assert_eq!(shape(&items), "day1 1 2+ unread 3 4 5 day2 6 7+ ");
    }

    #[test]
    fn own_messages_are_never_unread() {
        let mut thread = Thread::new(BO, 0);
        thread.line(message(1, true, 0));
        assert_eq!(shape(&thread.layout(|at| Wall::new(at, 0))), "day0 1 ");
    }

    #[test]
    fn a_new_tick_draws_the_message_anew() {
        let item = |line| Item::Line { line, close: false };
        let kept = item(message(1, true, 0));
        let accepted = item(ticked(1, true, 0, Tick::Accepted(1)));
        assert_ne!(kept.key(), accepted.key());
    }

    #[test]
    fn the_message_that_waits_is_the_newest_kept_one() {
        let mut thread = Thread::new(BO, 0);
        thread.line(message(1, true, 0));
        thread.line(message(2, true, 0));
        thread.line(message(3, false, 0));
        assert_eq!(
            (thread.newest_kept(), thread.newest_theirs()),
            (Some(2), Some(3))
        );
    }

    #[test]
    fn a_post_waits_until_it_is_handed_on_for_every_relay() {
        let ticked = |tick| match post(1, 0, 0) {
            Line::Post(post) => Line::Post(PostView { tick, ..post }),
            line => line,
        };
        let accepted = |homes| ticked(PostTick::Accepted { homes, of: 2 });
        assert!(accepted(1).is_partly_kept() && !accepted(2).is_partly_kept());
        assert!(!ticked(PostTick::Kept).is_partly_kept() && ticked(PostTick::Kept).is_kept());
    }

    #[test]
    fn what_was_typed_while_sending_stays() {
        assert_eq!(rest_of_draft("hello and more", "hello"), " and more");
        assert_eq!(rest_of_draft("hello", "hello"), "");
        assert_eq!(rest_of_draft("something else", "hello"), "something else");
    }
}
