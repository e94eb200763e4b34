//! Circles as the screens show them: what their owners write to them, and what was said to it.
//!
//! Rows come by event; what is in a circle is read when its screen is open, and again whenever the row's `version` changed.

use serde::{Deserialize, Serialize};

use crate::{ComradeId, Millis, PostId};

/// The longest post of a circle, in bytes of UTF-8.
pub const MAX_CIRCLE_POST_BYTES: usize = 8_000;
/// The longest comment, in bytes of UTF-8.
pub const MAX_COMMENT_BYTES: usize = 2_000;

/// A circle in this vault: the first bytes of its id, which those who read it know, too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CircleId(pub [u8; 16]);

/// A circle as a row in a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleView {
    /// Which.
    pub id: CircleId,
    /// Whose; `None`: one's own.
    pub owner: Option<ComradeId>,
    /// One's own: what it is called here, 1 to 64 characters, and nowhere else; empty: *my comrades*.
    pub name: String,
    /// One's own: it is for all comrades, and cannot be renamed or ended.
    pub everybody: bool,
    /// One's own: how many read it.
    pub readers: u32,
    /// The owner ended it, or this person stopped reading.
    pub over: Option<CircleOver>,
    /// The newest post, shortened to 120 characters.
    pub last: Option<String>,
    /// Posts and comments that the person has not seen.
    pub unread: u32,
    /// Operations known to exist and not here.
    pub missing: u32,
    /// The owner's device was copied, or restored from an old copy.
    pub is_copied: bool,
    /// When the newest thing happened.
    pub active_at: Millis,
    /// Changes whenever anything that [`CircleDetail`] shows has changed.
    pub version: u64,
}

/// Why nothing more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CircleOver {
    /// Its owner ended it.
    Ended(Millis),
    /// This person stopped reading it.
    Left(Millis),
}

/// What is in a circle.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleDetail {
    /// Which.
    pub id: CircleId,
    /// The newest first, at most as many as were asked for.
    pub posts: Vec<CirclePost>,
    /// There are older ones.
    pub older: bool,
    /// One's own: who reads it, or stopped reading.
    pub readers: Vec<CircleReader>,
}

/// A post.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CirclePost {
    /// Which.
    pub id: PostId,
    /// What it says.
    pub text: String,
    /// When, by its owner's clock.
    pub written_at: Millis,
    /// One's own: how many readers' devices have it …
    pub had: u32,
    /// … of so many who get it.
    pub of: u32,
    /// What was said to it, the oldest first.
    pub comments: Vec<CircleComment>,
}

/// A comment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleComment {
    /// What its owner may take back.
    pub id: PostId,
    /// Who signed it.
    pub by: Commenter,
    /// What they call themselves.
    pub name: String,
    /// Their short code, groups of four.
    pub code: String,
    /// What it says.
    pub text: String,
    /// When, by its author's clock.
    pub written_at: Millis,
    /// One's own, and not published by the owner's device yet.
    pub waiting: bool,
}

/// Who signed a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Commenter {
    /// This person.
    Me,
    /// A comrade.
    Comrade(ComradeId),
    /// Somebody who is no comrade.
    Stranger,
}

/// Somebody who reads one's own circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleReader {
    /// Who.
    pub comrade: ComradeId,
    /// They stopped reading.
    pub left: bool,
}

/// What a person can ask for about circles.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum CircleCommand {
    /// Make one. Answer: [`Answer::Circle`](crate::Answer::Circle).
    Make {
        /// 1 to 64 characters; it never leaves this device.
        name: String,
        /// Who reads it.
        comrades: Vec<ComradeId>,
    },
    /// Call it otherwise. Answer: [`Answer::Done`](crate::Answer::Done).
    Rename {
        /// One's own.
        circle: CircleId,
        /// 1 to 64 characters.
        name: String,
    },
    /// Let somebody read it. Answer: [`Answer::Done`](crate::Answer::Done).
    Add {
        /// One's own.
        circle: CircleId,
        /// Who.
        comrade: ComradeId,
        /// Also what was said before, with the comments.
        older: bool,
    },
    /// Let somebody read nothing that follows; they are not told. Answer: [`Answer::Done`](crate::Answer::Done).
    Remove {
        /// One's own.
        circle: CircleId,
        /// Who.
        comrade: ComradeId,
    },
    /// End it: its readers are told, and what was said is deleted here. Answer: [`Answer::Done`](crate::Answer::Done).
    End(CircleId),
    /// Say something to it. Answer: [`Answer::Done`](crate::Answer::Done).
    Post {
        /// One's own.
        circle: CircleId,
        /// 1 to [`MAX_CIRCLE_POST_BYTES`].
        text: String,
    },
    /// Say something to a post. Answer: [`Answer::Done`](crate::Answer::Done).
    Comment {
        /// Any.
        circle: CircleId,
        /// To which post.
        on: PostId,
        /// 1 to [`MAX_COMMENT_BYTES`].
        text: String,
    },
    /// Take a post or a comment back, everywhere. Answer: [`Answer::Done`](crate::Answer::Done).
    TakeBack {
        /// One's own.
        circle: CircleId,
        /// The post, or the comment.
        of: PostId,
    },
    /// What is in it. Answer: [`Answer::CircleDetail`](crate::Answer::CircleDetail).
    Read {
        /// Any.
        circle: CircleId,
        /// How many posts at most, 1 to 200.
        limit: u16,
    },
    /// Everything in it has been seen by the person. Answer: [`Answer::Done`](crate::Answer::Done).
    MarkRead(CircleId),
    /// Stop reading somebody else's circle: their device is told, and what was said is deleted here. Of one that is over, only that.
    /// Answer: [`Answer::Done`](crate::Answer::Done).
    Leave(CircleId),
}
