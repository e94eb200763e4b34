//! What an owner's device and a reader's say to each other about a circle, each word in an operation of their conversation.
//!
//! | field | what |
//! |---|---|
//! | 1 | version |
//! | 2 | which word: 1 a load, 2 a comment, 3 a farewell, 4 the end, 5 a gap |
//! | 3 | what the owner drew for the circle, 16 bytes |
//! | 4 | since when the reader reads it, in milliseconds since the epoch, as the owner says; of the end 0 |
//! | 5 | load: nothing up to this number is for the reader |
//! | 6, 7 | load: with it all is there after the first number and up to the second |
//! | 8 | load: the exact bytes of operations, a list |
//! | 9 | comment: its exact bytes |
//! | 10 | gap: the lowest number that is missing |
//!
//! The pair's session says whose word it is and for whom, so none of this is signed or sealed once more; operations and comments are
//! signed.

use komrade_social::circle::{MAX_CIRCLE_OPERATION_BYTES, MAX_COMMENT_BYTES};
use komrade_view::Millis;
use zeroize::Zeroizing;

use crate::{
    fields::{Reader, Unreadable, Writer},
    limits,
};

const VERSION: u64 = 1;

const LOAD: u64 = 1;
const COMMENT: u64 = 2;
const FAREWELL: u64 = 3;
const END: u64 = 4;
const GAP: u64 = 5;

/// Operations for one reader.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) since: Millis,
    pub(crate) floor: u64,
    pub(crate) after: u64,
    pub(crate) to: u64,
    pub(crate) operations: Vec<Vec<u8>>,
}

/// One word.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// From the owner: operations.
    Load(Load),
    /// To the owner: publish this.
    Comment { since: Millis, comment: Vec<u8> },
    /// To the owner: nothing more, please.
    Farewell { since: Millis },
    /// From the owner: nothing more comes.
    End,
    /// To the owner: what begins here did not come.
    Gap { since: Millis, from: u64 },
}

komrade_crypto::redacted!(Load, Word);

impl Word {
    pub(crate) fn encode(&self, nonce: &[u8; 16]) -> Zeroizing<Vec<u8>> {
        let (kind, since) = match self {
            Self::Load(load) => (LOAD, load.since),
            Self::Comment { since, .. } => (COMMENT, *since),
            Self::Farewell { since } => (FAREWELL, *since),
            Self::End => (END, 0),
            Self::Gap { since, .. } => (GAP, *since),
        };
        let writer = Writer::default()
            .uint(1, VERSION)
            .uint(2, kind)
            .bytes(3, nonce)
            .uint(4, since);
        match self {
            Self::Load(load) => writer
                .uint(5, load.floor)
                .uint(6, load.after)
                .uint(7, load.to)
                .list(8, load.operations.iter().cloned()),
            Self::Comment { comment, .. } => writer.bytes(9, comment),
            Self::Gap { from, .. } => writer.uint(10, *from),
            Self::Farewell { .. } | Self::End => writer,
        }
        .finish()
    }

    /// The word and what the owner drew; `None`: a word of a newer version.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<([u8; 16], Self)>, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        if reader.uint(1)? == 0 {
            return Err(Unreadable);
        }
        let kind = reader.uint(2)?;
        let nonce = reader.array(3)?;
        let since = reader.optional_uint(4)?.unwrap_or(0);
        let word = match kind {
            LOAD => {
                let load = Load {
                    since,
                    floor: reader.uint(5)?,
                    after: reader.uint(6)?,
                    to: reader.uint(7)?,
                    operations: reader.list(8, limits::MAX_CIRCLE_BUNDLED)?,
                };
                let is_long = |it: &Vec<u8>| it.len() > MAX_CIRCLE_OPERATION_BYTES;
                if load.operations.iter().any(is_long) || load.after > load.to {
                    return Err(Unreadable);
                }
                Self::Load(load)
            }
            COMMENT => {
                let comment = reader.bytes(9)?;
                if comment.len() > MAX_COMMENT_BYTES {
                    return Err(Unreadable);
                }
                Self::Comment { since, comment }
            }
            FAREWELL => Self::Farewell { since },
            END => Self::End,
            GAP => Self::Gap {
                since,
                from: reader.uint(10)?,
            },
            _ => return Ok(None),
        };
        Ok(Some((nonce, word)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_bytes_of_each_word_are_frozen() {
        let load = Load {
            since: 300,
            floor: 4,
            after: 5,
            to: 6,
            operations: vec![vec![1], vec![2, 3]],
        };
        let begins = |kind: u8, since: &str| {
            let nonce = "07".repeat(16);
            format!("010102{kind:02x}0350{nonce}04{since}")
        };
        let since = "19012c";
        let comment = Word::Comment {
            since: 300,
            comment: vec![8],
        };
        let gap = Word::Gap {
            since: 300,
            from: 9,
        };
        let words = [
            (
                Word::Load(load),
                format!("a8{}05040605070608824101420203", begins(1, since)),
            ),
            (comment, format!("a5{}094108", begins(2, since))),
            (
                Word::Farewell { since: 300 },
                format!("a4{}", begins(3, since)),
            ),
            (Word::End, format!("a4{}", begins(4, "00"))),
            (gap, format!("a5{}0a09", begins(5, since))),
        ];
        for (word, expected) in words {
            let bytes = word.encode(&[7; 16]);
            assert_eq!(hex(&bytes), expected);
            assert_eq!(Word::decode(&bytes), Ok(Some(([7; 16], word))));
        }
    }

    #[test]
    fn what_is_newer_is_skipped_and_what_is_too_long_refused() {
        let newer = Writer::default().uint(1, 2).uint(2, 9).bytes(3, &[7; 16]);
        assert_eq!(Word::decode(&newer.finish()), Ok(None));
        let comment = vec![0; MAX_COMMENT_BYTES + 1];
        let long = Word::Comment { since: 1, comment }.encode(&[7; 16]);
        assert_eq!(Word::decode(&long), Err(Unreadable));
        let load = |operations| {
            Word::Load(Load {
                since: 1,
                floor: 0,
                after: 0,
                to: 1,
                operations,
            })
        };
        let long = load(vec![vec![0; MAX_CIRCLE_OPERATION_BYTES + 1]]);
        assert_eq!(Word::decode(&long.encode(&[7; 16])), Err(Unreadable));
        let many = load(vec![Vec::new(); limits::MAX_CIRCLE_BUNDLED + 1]);
        assert_eq!(Word::decode(&many.encode(&[7; 16])), Err(Unreadable));
    }
}
