//! What devices of a collective say to each other: what an envelope holds, what a control message
//! holds, and what two comrades say about a collective in their conversation.
//!
//! An envelope holds a [`Load`]:
//!
//! | field | what |
//! |---|---|
//! | 1 | version |
//! | 2 | content: an operation, sealed in the ratchet of its device |
//! | 3 | control: a [`Bundle`], sealed under the control key of a seed |
//! | 4 | slices of a seed, which the control message tells of |
//! | 5 | 1: this answers somebody who lacked it, and is of no use to whoever cannot open it |
//! | 6 | seeds of before, for a newcomer to whom the rules give history; the control message tells of them |
//!
//! A control message holds a [`Bundle`]:
//!
//! | field | what |
//! |---|---|
//! | 1 | version |
//! | 2 | exact bytes of operations, in an order in which each finds those before it |
//! | 3 | leaf records |
//! | 4 | what is missing, |
//! | 5 | the device that lacks it, |
//! | 6 | when it says so, in milliseconds since the epoch, and |
//! | 7 | its signature over the collective, 6 and 4 |
//!
//! Every part may be missing; parts of a newer version are skipped. Nothing here is believed for who
//! sent it: operations, leaf records and questions are signed themselves.

use komrade_crypto::{
    group::{LEAF_RECORD_BYTES, MAX_PACK_BYTES, Missing, archive::MAX_ARCHIVE_BYTES},
    identity::{DeviceKey, verify_question},
};
use komrade_ether::EnvelopeId;
use komrade_view::{MAX_REASON_CHARS, Millis};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    fields::{Reader, Unreadable, Writer},
    limits,
};

/// The version made here.
const VERSION: u64 = 1;
/// The most leaf records in one control message: they fit with all else in an envelope of 64 KiB.
pub(crate) const MAX_LEAVES: usize = 32;
/// What a newcomer enters with in one word: the acceptance, a name, homes, and room. Whoever comes back may need more words.
pub(crate) const MAX_ENTRY_OPERATIONS: usize = 8;

/// What an envelope holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) control: Option<Vec<u8>>,
    pub(crate) pack: Option<Vec<u8>>,
    pub(crate) is_answer: bool,
    pub(crate) archive: Option<Vec<u8>>,
}

komrade_crypto::redacted!(Load);

impl Load {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Writer::default()
            .uint(1, VERSION)
            .optional(2, self.content.as_deref())
            .optional(3, self.control.as_deref())
            .optional(4, self.pack.as_deref())
            .optional_uint(5, self.is_answer.then_some(1))
            .optional(6, self.archive.as_deref())
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        version(&mut reader)?;
        let load = Self {
            content: reader.optional_bytes(2)?,
            control: reader.optional_bytes(3)?,
            pack: reader.optional_bytes(4)?,
            is_answer: reader.optional_uint(5)? == Some(1),
            archive: reader.optional_bytes(6)?,
        };
        let is_long =
            |part: &Option<Vec<u8>>, most| part.as_ref().is_some_and(|it| it.len() > most);
        if is_long(&load.pack, MAX_PACK_BYTES) || is_long(&load.archive, MAX_ARCHIVE_BYTES) {
            return Err(Unreadable);
        }
        Ok(load)
    }
}

/// What a device says that it lacks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) missing: Missing,
    pub(crate) device: [u8; 32],
    /// When it asked, by its own clock.
    pub(crate) time: Millis,
    pub(crate) signature: [u8; 64],
}

impl Asked {
    /// Asks, with the device's key.
    pub(crate) fn sign(space: &[u8; 32], missing: Missing, time: Millis, key: &DeviceKey) -> Self {
        Self {
            signature: key.sign_question(&signed(space, &missing, time)),
            device: key.public(),
            missing,
            time,
        }
    }

    /// Whether the device that it names asks this, in this collective.
    pub(crate) fn is_signed(&self, space: &[u8; 32]) -> bool {
        let bytes = signed(space, &self.missing, self.time);
        verify_question(&self.device, &bytes, &self.signature).is_ok()
    }

    /// The same for all who hear it.
    pub(crate) fn id(&self, space: &[u8; 32]) -> [u8; 32] {
        let bytes = [&signed(space, &self.missing, self.time)[..], &self.device];
        EnvelopeId::of(&bytes.concat()).0
    }
}

fn signed(space: &[u8; 32], missing: &Missing, time: Millis) -> Vec<u8> {
    [&space[..], &time.to_be_bytes(), &missing.encode()].concat()
}

/// What a control message holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Bundle {
    pub(crate) operations: Vec<Vec<u8>>,
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) asked: Option<Asked>,
}

impl Bundle {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::default()
            .uint(1, VERSION)
            .list(2, self.operations.iter().cloned())
            .list(3, self.leaves.iter().cloned());
        if let Some(asked) = &self.asked {
            writer = writer
                .bytes(4, &asked.missing.encode())
                .bytes(5, &asked.device)
                .uint(6, asked.time)
                .bytes(7, &asked.signature);
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        version(&mut reader)?;
        let operations = reader.list(2, limits::MAX_BUNDLED)?;
        let leaves = reader.list(3, MAX_LEAVES)?;
        if leaves.iter().any(|leaf| leaf.len() > LEAF_RECORD_BYTES) {
            return Err(Unreadable);
        }
        let asked = match reader.optional_bytes(4)? {
            None => None,
            Some(missing) => Some(Asked {
                missing: Missing::decode(&missing).map_err(|_| Unreadable)?,
                device: reader.array(5)?,
                time: reader.uint(6)?,
                signature: reader.array(7)?,
            }),
        };
        Ok(Self {
            operations,
            leaves,
            asked,
        })
    }
}

/// How far a candidacy has come: what came, and how much of it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) vouches: Option<(u32, u32)>,
    pub(crate) ballots: Option<(u32, u32)>,
    /// Until when the members decide.
    pub(crate) until: Millis,
}

/// What one comrade says to the other about a collective.
///
/// | field | what |
/// |---|---|
/// | 1 | version |
/// | 2 | kind |
/// | 3 | the collective: the id of its first operation |
/// | 4.. | as each kind says |
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// 1: I would propose you. 4 its name, 5 the operation with its rules, 6 how many members.
    Offer {
        name: String,
        rules: Vec<u8>,
        members: u64,
    },
    /// 2: Yes (4: 1) or no.
    Answer(bool),
    /// 3: A part of a [`Welcome`]. 4 when it was made, 5 number of the part, 6 how many there are, 7 the part.
    Welcome {
        made_at: Millis,
        number: u64,
        of: u64,
        part: Vec<u8>,
    },
    /// 4: I come in. 4 exact bytes of operations, 5 the first leaf record.
    Enter {
        operations: Vec<Vec<u8>>,
        leaf: Vec<u8>,
    },
    /// 5: A load for a newcomer, who has no key yet that others would hint it by. 4 the load.
    Keys(Load),
    /// 6: The members have turned you down, or their time was over.
    NotAdmitted,
    /// 7: I would be proposed. 4 what to say with it.
    Ask(String),
    /// 8: So far is your candidacy. 4 until when it is decided, 5 vouches that came, 6 how many are needed, 7 and 8 the same of
    /// ballots.
    Progress(Progress),
    /// 9: I take back what I asked, or said yes to.
    Withdraw,
}

impl Word {
    pub(crate) fn encode(&self, space: &[u8; 32]) -> Vec<u8> {
        let begin = |kind| {
            Writer::default()
                .uint(1, VERSION)
                .uint(2, kind)
                .bytes(3, space)
        };
        let writer = match self {
            Self::Offer {
                name,
                rules,
                members,
            } => begin(1)
                .bytes(4, name.as_bytes())
                .bytes(5, rules)
                .uint(6, *members),
            Self::Answer(yes) => begin(2).uint(4, u64::from(*yes)),
            Self::Welcome {
                made_at,
                number,
                of,
                part,
            } => begin(3)
                .uint(4, *made_at)
                .uint(5, *number)
                .uint(6, *of)
                .bytes(7, part),
            Self::Enter { operations, leaf } => {
                begin(4).list(4, operations.iter().cloned()).bytes(5, leaf)
            }
            Self::Keys(load) => begin(5).bytes(4, &load.encode()),
            Self::NotAdmitted => begin(6),
            Self::Ask(words) => begin(7).bytes(4, words.as_bytes()),
            Self::Progress(it) => {
                let (vouches, ballots) = (it.vouches, it.ballots);
                let came = |of: Option<(u32, u32)>| of.map(|(came, _)| came.into());
                let needed = |of: Option<(u32, u32)>| of.map(|(_, needed)| needed.into());
                begin(8)
                    .uint(4, it.until)
                    .optional_uint(5, came(vouches))
                    .optional_uint(6, needed(vouches))
                    .optional_uint(7, came(ballots))
                    .optional_uint(8, needed(ballots))
            }
            Self::Withdraw => begin(9),
        };
        writer.finish().to_vec()
    }

    /// Reads one; `None` for a kind of a newer version.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<([u8; 32], Self)>, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        version(&mut reader)?;
        let kind = reader.uint(2)?;
        let space = reader.array(3)?;
        let word = match kind {
            1 => {
                let name = String::from_utf8(reader.bytes(4)?).map_err(|_| Unreadable)?;
                let name = Some(name).filter(|name| komrade_crypto::bundle::is_name(name));
                Self::Offer {
                    name: name.ok_or(Unreadable)?,
                    rules: reader.bytes(5)?,
                    members: reader.uint(6)?,
                }
            }
            2 => Self::Answer(reader.uint(4)? == 1),
            3 => {
                let (made_at, number) = (reader.uint(4)?, reader.uint(5)?);
                let (of, part) = (reader.uint(6)?, reader.bytes(7)?);
                if of == 0 || of > limits::MAX_WELCOME_PARTS || number >= of {
                    return Err(Unreadable);
                }
                Self::Welcome {
                    made_at,
                    number,
                    of,
                    part,
                }
            }
            4 => Self::Enter {
                operations: reader.list(4, MAX_ENTRY_OPERATIONS)?,
                leaf: reader.bytes(5)?,
            },
            5 => Self::Keys(Load::decode(&reader.bytes(4)?)?),
            6 => Self::NotAdmitted,
            7 => {
                let words = String::from_utf8(reader.bytes(4)?).map_err(|_| Unreadable)?;
                let is_short = words.chars().count() <= MAX_REASON_CHARS;
                Self::Ask(Some(words).filter(|_| is_short).ok_or(Unreadable)?)
            }
            8 => {
                let mut of = |came, needed| match reader.optional_uint(came)? {
                    None => Ok(None),
                    Some(came) => {
                        let count = |it: u64| it.try_into().map_err(|_| Unreadable);
                        Ok(Some((count(came)?, count(reader.uint(needed)?)?)))
                    }
                };
                let (vouches, ballots) = (of(5, 6)?, of(7, 8)?);
                Self::Progress(Progress {
                    vouches,
                    ballots,
                    until: reader.uint(4)?,
                })
            }
            9 => Self::Withdraw,
            _ => return Ok(None),
        };
        Ok(Some((space, word)))
    }
}

/// What a candidate gets to compute the members by themself.
///
/// | field | what |
/// |---|---|
/// | 1 | version |
/// | 2 | exact bytes of operations: all control, causes first, and of each member name and homes |
/// | 3 | leaf records |
/// | 4 | of each device that spoke: its key and the number of its newest operation, which the newcomer does not ask for |
/// | 5 | the newest final checkpoint that whoever welcomes has seen: what contradicts it is not final |
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) operations: Vec<Vec<u8>>,
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) floors: Vec<([u8; 32], u64)>,
    pub(crate) pinned: Option<[u8; 32]>,
}

impl Welcome {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let floors = self.floors.iter();
        let floors = floors.map(|(device, floor)| [&device[..], &floor.to_be_bytes()].concat());
        Writer::default()
            .uint(1, VERSION)
            .list(2, self.operations.iter().cloned())
            .list(3, self.leaves.iter().cloned())
            .list(4, floors)
            .optional(5, self.pinned.as_ref().map(|it| &it[..]))
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        version(&mut reader)?;
        let operations = reader.list(2, limits::MAX_OPERATIONS)?;
        let leaves = reader.list(3, limits::MAX_DEVICES_KNOWN)?;
        let floors = reader.list(4, limits::MAX_DEVICES_KNOWN)?;
        let floor = |bytes: &Vec<u8>| {
            let (device, floor) = bytes.split_first_chunk::<32>().ok_or(Unreadable)?;
            let floor = floor.try_into().map_err(|_| Unreadable)?;
            Ok((*device, u64::from_be_bytes(floor)))
        };
        Ok(Self {
            operations,
            leaves,
            floors: floors.iter().map(floor).collect::<Result<_, _>>()?,
            pinned: reader.optional_array(5)?,
        })
    }
}

fn version(reader: &mut Reader) -> Result<(), Unreadable> {
    match reader.uint(1)? {
        0 => Err(Unreadable),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
