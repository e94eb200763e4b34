//! What is said of an introduction in a conversation.
//!
//! | field | what |
//! |---|---|
//! | 1 | version |
//! | 2 | kind |
//! | 3 | the introduction: 16 random bytes, the same for both who are introduced |
//! | 4.. | as each kind says |

use komrade_crypto::invite::Invite;
use komrade_view::MAX_REASON_CHARS;
use zeroize::Zeroizing;

use crate::fields::{Reader, Unreadable, Writer};

/// The version made here.
const VERSION: u64 = 1;

/// See the module.
#[derive(PartialEq, Eq)]
pub(crate) enum Word {
    /// 1: I would introduce you to somebody. 4 their name, 5 what there is to say.
    Offer { name: String, words: String },
    /// 2: Yes, with 4: an invite for them; or no.
    Answer(Option<Box<Invite>>),
    /// 3: They said yes, too. 4: an invite of theirs.
    Meet(Box<Invite>),
}

impl Word {
    pub(crate) fn encode(&self, id: &[u8; 16]) -> Zeroizing<Vec<u8>> {
        let begin = |kind| {
            Writer::default()
                .uint(1, VERSION)
                .uint(2, kind)
                .bytes(3, id)
        };
        let writer = match self {
            Self::Offer { name, words } => begin(1)
                .bytes(4, name.as_bytes())
                .bytes(5, words.as_bytes()),
            Self::Answer(None) => begin(2),
            Self::Answer(Some(invite)) => begin(2).bytes(4, &invite.encode()),
            Self::Meet(invite) => begin(3).bytes(4, &invite.encode()),
        };
        writer.finish()
    }

    /// Reads one; `None` for a kind of a newer version.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<([u8; 16], Self)>, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        if reader.uint(1)? == 0 {
            return Err(Unreadable);
        }
        let kind = reader.uint(2)?;
        let id = reader.array(3)?;
        let invite = |bytes: Vec<u8>| {
            let bytes = Zeroizing::new(bytes);
            // It is for one person and for nothing else.
            let invite = Invite::decode(&bytes).map_err(|_| Unreadable)?;
            let is_plain = invite.join.is_none() && !invite.for_collective;
            is_plain.then(|| Box::new(invite)).ok_or(Unreadable)
        };
        let word = match kind {
            1 => {
                let text = |bytes| String::from_utf8(bytes).map_err(|_| Unreadable);
                let (name, words) = (text(reader.bytes(4)?)?, text(reader.bytes(5)?)?);
                let is_short = words.chars().count() <= MAX_REASON_CHARS;
                if !is_short || !komrade_crypto::bundle::is_name(&name) {
                    return Err(Unreadable);
                }
                Self::Offer { name, words }
            }
            2 => {
                let bytes = reader.optional_bytes(4)?;
                Self::Answer(bytes.map(invite).transpose()?)
            }
            3 => Self::Meet(invite(reader.bytes(4)?)?),
            _ => return Ok(None),
        };
        Ok(Some((id, word)))
    }
}

/// One of each kind.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn examples() -> Vec<Word> {
    use komrade_crypto::invite::{Home, InviteSecret};
    let mut bundle_hash = [3; 32];
    bundle_hash.iter_mut().skip(16).for_each(|byte| *byte = 0);
    let invite = Box::new(Invite {
        secret: InviteSecret::from_bytes([2; 16]),
        bundle_hash,
        home: Home::Node {
            address: [4; 32],
            key: [5; 32],
        },
        last_day: 20_700,
        join: None,
        for_collective: false,
    });
    vec![
        Word::Offer {
            name: "Rosa".into(),
            words: "Both of you print".into(),
        },
        Word::Answer(Some(invite.clone())),
        Word::Answer(None),
        Word::Meet(invite),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

    use komrade_crypto::invite::JoinSecret;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn words_come_back_and_their_bytes_are_frozen() {
        let invite = "02000202020202020202020202020202020203030303030303030303030303030303\
                      0404040404040404040404040404040404040404040404040404040404040404\
                      0505050505050505050505050505050505050505050505050505050505050505\
                      50dc";
        let id = "0350".to_owned() + &"07".repeat(16);
        let begin = |fields: u8, kind: u8| format!("a{fields}010102{kind:02x}{id}");
        let frozen = [
            begin(5, 1) + "0444526f736105" + "51426f7468206f6620796f75207072696e74",
            begin(4, 2) + "045866" + invite,
            begin(3, 2),
            begin(4, 3) + "045866" + invite,
        ];
        for (word, frozen) in examples().into_iter().zip(frozen) {
            let bytes = word.encode(&[7; 16]);
            // The check bytes of the invite have a frozen answer of their own.
            let length = frozen.len();
            assert_eq!(hex(&bytes)[..length], frozen);
            let (id, again) = Word::decode(&bytes).unwrap().unwrap();
            assert!(id == [7; 16] && again == word);
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        let offer = |name: &str, words: String| {
            let name = name.to_owned();
            Word::decode(&Word::Offer { name, words }.encode(&[7; 16])).is_ok()
        };
        assert!(offer("Rosa", "w".repeat(MAX_REASON_CHARS)));
        assert!(!offer("Rosa", "w".repeat(MAX_REASON_CHARS + 1)));
        assert!(!offer("", String::new()));
        let Some(Word::Meet(mut invite)) = examples().pop() else {
            panic!("the last example is an invite")
        };
        invite.join = Some(JoinSecret::from_bytes([1; 16]));
        assert!(Word::decode(&Word::Meet(invite).encode(&[7; 16])).is_err());
        let newer = Writer::default().uint(1, 1).uint(2, 9).bytes(3, &[7; 16]);
        assert!(matches!(Word::decode(&newer.finish()), Ok(None)));
    }
}
