//! What a router says over SAM: one line each, parsed without believing anything.
//!
//! Follows <https://geti2p.net/en/docs/api/samv3>, version 3.1: a topic of two words, then `KEY=VALUE` fields, values in
//! double quotes if they hold spaces. What is not needed is read over. Some routers end a line by closing the connection.

use thiserror::Error;

use crate::{Address, AddressError};

/// The longest line read, in bytes: a session's reply repeats the private blob (908 characters), everything else is shorter.
pub const MAX_LINE_BYTES: usize = 4_096;

/// One line of each kind, as routers write them.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) const EXAMPLES: &[&str] = &[
    "HELLO REPLY RESULT=OK VERSION=3.1",
    "HELLO REPLY RESULT=NOVERSION",
    "SESSION STATUS RESULT=OK DESTINATION=AAAA",
    "SESSION STATUS RESULT=I2P_ERROR MESSAGE=\"no \\\"tunnels\\\" yet\"",
    "SESSION STATUS RESULT=DUPLICATE_DEST",
    "STREAM STATUS RESULT=CANT_REACH_PEER MESSAGE=\"lease set\"",
    "NAMING REPLY RESULT=OK NAME=ME VALUE=AAAA",
];

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// `HELLO REPLY`.
    Hello,
    /// `SESSION STATUS`.
    Session,
    /// `STREAM STATUS`.
    Stream,
    /// `NAMING REPLY`.
    Naming,
}

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Done.
    Ok,
    /// No version in common.
    NoVersion,
    /// The session's name is taken.
    DuplicateId,
    /// The destination is hosted already.
    DuplicateDestination,
    /// The session is unknown.
    InvalidId,
    /// The destination or address is malformed.
    InvalidKey,
    /// No such name, or no lease set for it.
    NotFound,
    /// The other side does not answer.
    CantReachPeer,
    /// It took the router too long.
    TimedOut,
    /// An older router takes one ACCEPT at a time.
    AlreadyAccepting,
    /// Anything else went wrong.
    Failed,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<'a> {
    /// What it is about.
    pub topic: Topic,
    /// What came of it.
    pub outcome: Outcome,
    /// The field `VALUE`: a destination in Base64.
    pub value: Option<&'a str>,
}

/// Why a line is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// It begins with none of the known topics.
    #[error("no known topic")]
    Topic,
    /// It has no result.
    #[error("no result")]
    Result,
    /// A quote is not closed.
    #[error("an open quote")]
    Quote,
}

impl<'a> Reply<'a> {
    /// Reads a line without its line feed.
    ///
    /// # Errors
    /// If it is no reply that a client of version 3.1 gets.
    pub fn parse(line: &'a str) -> Result<Self, ReplyError> {
        let topics = [
            ("HELLO REPLY", Topic::Hello),
            ("SESSION STATUS", Topic::Session),
            ("STREAM STATUS", Topic::Stream),
            ("NAMING REPLY", Topic::Naming),
        ];
        let (topic, mut rest) = topics
            .into_iter()
            .find_map(|(words, topic)| Some((topic, line.strip_prefix(words)?)))
            .ok_or(ReplyError::Topic)?;

        let (mut outcome, mut value) = (None, None);
        while let Some((key, field, after)) = next_field(rest)? {
            match key {
                "RESULT" => outcome = Some(Outcome::parse(field)),
                "VALUE" => value = Some(field),
                _ => {}
            }
            rest = after;
        }
        Ok(Self {
            topic,
            outcome: outcome.ok_or(ReplyError::Result)?,
            value,
        })
    }
}

impl Outcome {
    fn parse(word: &str) -> Self {
        match word {
            "OK" => Self::Ok,
            "NOVERSION" => Self::NoVersion,
            "DUPLICATE_ID" => Self::DuplicateId,
            "DUPLICATE_DEST" => Self::DuplicateDestination,
            "INVALID_ID" => Self::InvalidId,
            "INVALID_KEY" => Self::InvalidKey,
            "KEY_NOT_FOUND" | "PEER_NOT_FOUND" | "LEASESET_NOT_FOUND" => Self::NotFound,
            "CANT_REACH_PEER" => Self::CantReachPeer,
            "TIMEOUT" => Self::TimedOut,
            "ALREADY_ACCEPTING" => Self::AlreadyAccepting,
            _ => Self::Failed,
        }
    }
}

/// Who opened an accepted stream: the line that precedes its bytes, the caller's destination and then fields.
///
/// # Errors
/// If it begins with no destination.
pub fn caller(line: &str) -> Result<Address, AddressError> {
    Address::of_any_destination(line.split(' ').next().unwrap_or_default())
}

/// The next `KEY=VALUE` (or bare word, with an empty value) and what follows it.
fn next_field(text: &str) -> Result<Option<(&str, &str, &str)>, ReplyError> {
    let text = text.trim_start_matches([' ', '\r', '\t']);
    if text.is_empty() {
        return Ok(None);
    }
    let word = text.find([' ', '\r', '\t']).unwrap_or(text.len());
    let Some((key, rest)) = text.split_once('=').filter(|(key, _)| key.len() < word) else {
        let (key, rest) = text.split_at(word);
        return Ok(Some((key, "", rest)));
    };
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, rest) = rest.split_at(rest.find([' ', '\r', '\t']).unwrap_or(rest.len()));
        return Ok(Some((key, value, rest)));
    };
    // Escapes are only skipped: no field that is used is ever quoted.
    let mut escaped = false;
    let end = quoted
        .find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })
        .ok_or(ReplyError::Quote)?;
    let (value, rest) = quoted.split_at(end);
    Ok(Some((
        key,
        value,
        rest.strip_prefix('"').unwrap_or_default(),
    )))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    use proptest::prelude::*;

    use super::*;

    fn reply(topic: Topic, outcome: Outcome) -> Reply<'static> {
        Reply {
            topic,
            outcome,
            value: None,
        }
    }

    #[test]
    fn the_lines_of_routers_are_read() {
        let read: Vec<_> = EXAMPLES
            .iter()
            .map(|line| Reply::parse(line).unwrap())
            .collect();
        assert_eq!(
            read,
            [
                reply(Topic::Hello, Outcome::Ok),
                reply(Topic::Hello, Outcome::NoVersion),
                reply(Topic::Session, Outcome::Ok),
                reply(Topic::Session, Outcome::Failed),
                reply(Topic::Session, Outcome::DuplicateDestination),
                reply(Topic::Stream, Outcome::CantReachPeer),
                Reply {
                    value: Some("AAAA"),
                    ..reply(Topic::Naming, Outcome::Ok)
                },
            ]
        );
    }

    #[test]
    fn a_message_cannot_pass_for_a_result() {
        let line = "STREAM STATUS RESULT=TIMEOUT MESSAGE=\"RESULT=OK \\\" RESULT=OK\"";
        assert_eq!(
            Reply::parse(line),
            Ok(reply(Topic::Stream, Outcome::TimedOut))
        );
        assert_eq!(
            Reply::parse("STREAM STATUS MESSAGE=\"RESULT=OK\""),
            Err(ReplyError::Result)
        );
    }

    #[test]
    fn what_is_no_reply_is_told_apart() {
        assert_eq!(Reply::parse(""), Err(ReplyError::Topic));
        assert_eq!(Reply::parse("PING 1"), Err(ReplyError::Topic));
        assert_eq!(Reply::parse("HELLO REPLY"), Err(ReplyError::Result));
        assert_eq!(
            Reply::parse("SESSION STATUS RESULT").map(|reply| reply.outcome),
            Ok(Outcome::Failed)
        );
        assert_eq!(
            Reply::parse("SESSION STATUS RESULT=\"OK"),
            Err(ReplyError::Quote)
        );
        assert_eq!(caller("").unwrap_err(), AddressError::Destination);
    }

    proptest! {
        #[test]
        fn any_line_is_a_reply_or_an_error(fields in "[A-Z=\" \\\\é]{0,60}") {
            let line = format!("STREAM STATUS{fields}");
            if let Ok(read) = Reply::parse(&line) {
                prop_assert_eq!(read.topic, Topic::Stream);
            }
            let _ = caller(&line);
        }
    }
}
