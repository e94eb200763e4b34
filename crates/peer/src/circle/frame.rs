//! What an owner's device and a reader's say to each other about a circle, each word in an operation of their conversation.
//!
//! | field | what |
//! |---|---|
//! | 1 | version |
//! | 2 | which word: 1 a load, 2 a comment, 3 a farewell, 4 the end, 5 a gap |
//! | 3 | what the owner drew for the circle, 16 bytes |
//! | 4 | since when the reader reads it, in milliseconds since the epoch, as the owner says; not of the end |
//! | 5 | load: nothing up to this number is for the reader |
//! | 6, 7 | load: with it all is there after the first number and up to the second |
//! | 8 | load: the slice of the seed, until the reader is known to have it |
//! | 9 | load: operations, sealed in the ratchet of the owner's device: a list in field 1 of a map |
//! | 10 | comment: its exact bytes |
//! | 11 | gap: the lowest number that is missing |
//!
//! The pair's session says whose word it is, so none of this is signed; operations and comments are.

use komrade_crypto::group::MAX_PACK_BYTES;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) since: Millis,
    pub(crate) floor: u64,
    pub(crate) after: u64,
    pub(crate) to: u64,
    pub(crate) pack: Option<Vec<u8>>,
    pub(crate) sealed: Vec<u8>,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
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
                .optional(8, load.pack.as_deref())
                .bytes(9, &load.sealed),
            Self::Comment { comment, .. } => writer.bytes(10, comment),
            Self::Gap { from, .. } => writer.uint(11, *from),
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
                    pack: reader.optional_bytes(8)?,
                    sealed: reader.bytes(9)?,
                };
                let is_long = |pack: &Vec<u8>| pack.len() > MAX_PACK_BYTES;
                if load.pack.as_ref().is_some_and(is_long) || load.after > load.to {
                    return Err(Unreadable);
                }
                Self::Load(load)
            }
            COMMENT => {
                let comment = reader.bytes(10)?;
                if comment.len() > MAX_COMMENT_BYTES {
                    return Err(Unreadable);
                }
                Self::Comment { since, comment }
            }
            FAREWELL => Self::Farewell { since },
            END => Self::End,
            GAP => Self::Gap {
                since,
                from: reader.uint(11)?,
            },
            _ => return Ok(None),
        };
        Ok(Some((nonce, word)))
    }
}

/// Operations, as they are sealed.
pub(crate) fn encode_bundle(operations: &[Vec<u8>]) -> Zeroizing<Vec<u8>> {
    Writer::default()
        .list(1, operations.iter().cloned())
        .finish()
}

/// The exact bytes of operations.
pub(crate) fn decode_bundle(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Unreadable> {
    let operations = Reader::parse(bytes)?.list(1, limits::MAX_CIRCLE_BUNDLED)?;
    let is_long = |it: &Vec<u8>| it.len() > MAX_CIRCLE_OPERATION_BYTES;
    match operations.iter().any(is_long) {
        true => Err(Unreadable),
        false => Ok(operations),
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
            pack: Some(vec![1, 2]),
            sealed: vec![3],
        };
        let bare = Load {
            pack: None,
            ..load.clone()
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
                format!("a9{}05040605070608420102094103", begins(1, since)),
            ),
            (
                Word::Load(bare),
                format!("a8{}050406050706094103", begins(1, since)),
            ),
            (comment, format!("a5{}0a4108", begins(2, since))),
            (
                Word::Farewell { since: 300 },
                format!("a4{}", begins(3, since)),
            ),
            (Word::End, format!("a4{}", begins(4, "00"))),
            (gap, format!("a5{}0b09", begins(5, since))),
        ];
        for (word, expected) in words {
            let bytes = word.encode(&[7; 16]);
            assert_eq!(hex(&bytes), expected);
            assert_eq!(Word::decode(&bytes), Ok(Some(([7; 16], word))));
        }
        let bundle = encode_bundle(&[vec![1], vec![2, 3]]);
        assert_eq!(hex(&bundle), "a101824101420203");
        assert_eq!(decode_bundle(&bundle), Ok(vec![vec![1], vec![2, 3]]));
    }

    #[test]
    fn what_is_newer_is_skipped_and_what_is_too_long_refused() {
        let newer = Writer::default().uint(1, 2).uint(2, 9).bytes(3, &[7; 16]);
        assert_eq!(Word::decode(&newer.finish()), Ok(None));
        let comment = vec![0; MAX_COMMENT_BYTES + 1];
        let long = Word::Comment { since: 1, comment }.encode(&[7; 16]);
        assert_eq!(Word::decode(&long), Err(Unreadable));
        let long = encode_bundle(&[vec![0; MAX_CIRCLE_OPERATION_BYTES + 1]]);
        assert_eq!(decode_bundle(&long), Err(Unreadable));
        let many = vec![Vec::new(); limits::MAX_CIRCLE_BUNDLED + 1];
        assert_eq!(decode_bundle(&encode_bundle(&many)), Err(Unreadable));
    }
}
