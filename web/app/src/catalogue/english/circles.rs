//! Circles: what one person writes to comrades of their choice.

use super::{name, number};

/// Section of the list.
pub const CIRCLES: &str = "Circles";
/// The circle of all comrades.
pub const MY_COMRADES: &str = "My comrades";
/// Makes another one.
pub const CIRCLE_NEW: &str = "New circle";
/// Nothing was written in it.
pub const CIRCLE_QUIET: &str = "Nothing written yet";
/// The circle of this address is gone.
pub const NO_SUCH_CIRCLE: &str = "There is no such circle in this vault.";
/// Its owner ended it.
pub const CIRCLE_OVER: &str = "Ended";

/// Whose circle it is.
pub fn circle_of(owner: &str) -> String {
    format!("{}'s circle", name(owner))
}

/// Posts and comments of a row that are new.
pub fn unread_in_circle(count: u32) -> String {
    match count {
        1 => "1 new post or comment".to_owned(),
        _ => format!("{} new posts and comments", number(count.into())),
    }
}

/// A new post, for a screen reader.
pub fn written_in(circle: &str) -> String {
    format!("Something new in {circle}")
}

/// How many read one's own circle.
pub fn circle_readers(count: u32) -> String {
    match count {
        0 => "Nobody reads it yet".to_owned(),
        1 => "1 comrade reads it".to_owned(),
        _ => format!("{} comrades read it", number(count.into())),
    }
}

/// What a reader is told about a circle.
pub const CIRCLE_THEIRS: &str = "You do not see who else reads";
/// What there is not to see yet, for its owner.
pub const CIRCLE_EMPTY: &str = "What you write here goes to everybody who reads this circle, sealed for each of them alone. They see that it is your circle, not who else is in it.";
/// What there is not to see yet, for a reader.
pub const CIRCLE_EMPTY_THEIRS: &str = "There is nothing to read here: posts are kept for 90 days, and whoever wrote them can take them back.";
/// The field to write in.
pub const CIRCLE_WRITE: &str = "Write to this circle";
/// Writes to it.
pub const CIRCLE_POST: &str = "Post";
/// Nothing was written in the field.
pub const CIRCLE_POST_EMPTY: &str = "Write something first.";
/// Loads older posts.
pub const CIRCLE_OLDER: &str = "Show older posts";

/// How many readers' devices have a post.
pub fn circle_had(had: u32, of: u32) -> String {
    match of {
        0 => "nobody reads it".to_owned(),
        _ => format!("{} of {} have it", number(had.into()), number(of.into())),
    }
}

/// Opens the field for a comment.
pub const COMMENT: &str = "Comment";
/// The field for a comment.
pub const COMMENT_FIELD: &str = "Your comment";
/// What a comment means, to a reader.
pub fn comment_text(owner: &str) -> String {
    format!(
        "Your comment goes to {0}, whose device shows it to everybody in the circle, with your name and \
         signature. So they learn that you read it, and any of them could prove that you wrote this.",
        name(owner)
    )
}
/// The same for the owner.
pub const COMMENT_OWN_TEXT: &str =
    "Everybody in the circle sees your comment, with your name and signature.";
/// Sends it.
pub const COMMENT_SEND: &str = "Send the comment";
/// A comment of one's own that is not published.
pub fn comment_waits(owner: &str) -> String {
    format!(
        "on its way to {}'s device, which shows it to the circle",
        name(owner)
    )
}
/// Comments on a post, for a screen reader.
pub const COMMENTS: &str = "Comments";
/// Who commented, if nobody known here.
pub fn comment_stranger(called: &str, code: &str) -> String {
    format!("{called}, not your comrade · {code}")
}
/// Oneself.
pub const COMMENT_MINE: &str = "You";

/// Takes a post or a comment back.
pub const TAKE_BACK: &str = "Take back";
/// What that does.
pub const TAKE_BACK_TEXT: &str = "It disappears here and, as soon as they hear of it, from the devices of everybody who reads. What is under way may still stand, sealed, on devices and relays for up to 30 days. Whoever copied it keeps the copy.";
/// Does it.
pub const TAKE_BACK_SURE: &str = "Take back for everybody";

/// To the page about who reads.
pub const CIRCLE_WHO: &str = "Who reads";
/// Posts are missing.
pub fn circle_missing(count: u32) -> String {
    let missing = match count {
        1 => "1 post or comment is".to_owned(),
        _ => format!("{} posts or comments are", number(count.into())),
    };
    format!("{missing} missing. They are asked for and will appear by themselves.")
}
/// It is over.
pub fn circle_ended(owner: &str) -> String {
    format!(
        "{} ended this circle. What you have read stays here until it is 90 days old.",
        name(owner)
    )
}
/// Section of a reader.
pub const CIRCLE_LEAVE_TITLE: &str = "Stop reading";
/// What that does.
pub fn circle_leave_text(owner: &str) -> String {
    format!(
        "Deletes what is here, and takes nothing more of this circle. {0} stays your comrade; their \
         device is told, and shows that you stopped reading.",
        name(owner)
    )
}
/// Stops reading.
pub const CIRCLE_LEAVE: &str = "Stop reading this circle";
/// Does it.
pub const CIRCLE_LEAVE_SURE: &str = "Stop reading";
/// Forgets one that is over.
pub const CIRCLE_FORGET_TEXT: &str = "Deletes what is left of it on this device.";
/// Forgets it.
pub const CIRCLE_FORGET: &str = "Forget this circle";
/// Does it.
pub const CIRCLE_FORGET_SURE: &str = "Forget for good";

/// What a circle is.
pub const CIRCLE_WHAT: &str = "A circle is a list of comrades that only you write to. They see that it is your circle, and neither its name nor who else is in it. What they comment goes through your device to everybody, with their name.";
/// The field for its name.
pub const CIRCLE_NAME: &str = "Name of the circle";
/// Who sees the name.
pub const CIRCLE_NAME_HINT: &str = "Only you see it. It never leaves this device.";
/// No name was given.
pub const CIRCLE_NAME_MISSING: &str = "Give the circle a name, so that you know it again.";
/// Who is to read.
pub const CIRCLE_CHOOSE: &str = "Who shall read it";
/// Nobody to choose from.
pub const CIRCLE_NOBODY: &str = "You have met nobody yet who could read it.";
/// Makes it.
pub const CIRCLE_MAKE: &str = "Make the circle";

/// Back to the circle.
pub const CIRCLE_BACK: &str = "Back to the circle";
/// Everybody reads.
pub const CIRCLE_EVERYBODY: &str = "Every comrade reads this circle, up to 500 of them, and whoever you meet reads what you write from then on. To write to fewer, make another circle.";
/// Somebody stopped.
pub const CIRCLE_LEFT: &str = "stopped reading";
/// Lets somebody read no more.
pub const CIRCLE_REMOVE: &str = "Remove";
/// The same for a screen reader.
pub fn circle_remove(who: &str) -> String {
    format!("Remove {who} from this circle")
}
/// What that does.
pub fn circle_remove_text(who: &str) -> String {
    format!(
        "{who} reads nothing that you post from now on: the next post is sealed with new keys. They are \
         not told, and keep what they have read."
    )
}
/// Does it.
pub const CIRCLE_REMOVE_SURE: &str = "Remove from the circle";
/// Section.
pub const CIRCLE_ADD_TITLE: &str = "Let somebody read";
/// The field.
pub const CIRCLE_ADD_WHO: &str = "Comrade";
/// Older posts, too.
pub const CIRCLE_OLDER_TOO: &str = "Share what was written before, too";
/// What that means.
pub const CIRCLE_OLDER_HINT: &str = "Otherwise they read nothing older. With it they also get the comments, whose authors did not know that they would read them.";
/// Adds them.
pub const CIRCLE_ADD: &str = "Add to the circle";
/// Section.
pub const CIRCLE_RENAME: &str = "Rename";
/// Section.
pub const CIRCLE_END_TITLE: &str = "End this circle";
/// What that does.
pub const CIRCLE_END_TEXT: &str = "Deletes it here with everything in it, and tells its readers that it ended. They keep what they have read for up to 90 days.";
/// Ends it.
pub const CIRCLE_END: &str = "End the circle";
/// Does it.
pub const CIRCLE_END_SURE: &str = "End it for everybody";
