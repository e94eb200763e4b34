//! The records that hold no keys: outbox entries, messages and their ticks.
//!
//! Stored as CBOR maps with named fields, so that a later version can add some with a default. The
//! version of what is sealed is [`VERSION`], part of the seal of every record; which tables there are is
//! the store's own business (`komrade_store::SCHEMA`).

use std::fmt;

use komrade_ether::{Day, EnvelopeId, Header, MAX_DAYS_AHEAD, Part};
use komrade_social::Tag;
use komrade_view::{MessageView, Millis, Tick};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    home::{self, Home},
    limits,
};

/// The version of all sealed records.
pub(crate) const VERSION: u32 = 1;

/// The record is not what this version writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

pub(crate) fn encode(record: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // Never an error: no record has what cannot be written.
    komrade_cbor::to_bytes(record).unwrap_or_default()
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Damaged> {
    komrade_cbor::from_bytes(bytes).map_err(|_| Damaged)
}

/// How long after its envelope expired an entry may still be told that it came to nothing.
const RETURN_DAYS: u32 = 2;

/// What an entry of the outbox is for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// An operation of one's own, by its number in the conversation; the message it shows, if it
    /// shows one.
    Operation {
        sequence: u64,
        ordinal: Option<u64>,
        /// By which acknowledgements name it; `None`: a version that did not note it.
        #[serde(default)]
        tag: Option<[u8; 8]>,
    },
    /// What the devices have to say about the way, as it stands when it is sealed.
    Control,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation {
                sequence, ordinal, ..
            } => f
                .debug_struct("Operation")
                .field("sequence", sequence)
                .field("ordinal", ordinal)
                .finish_non_exhaustive(),
            Self::Control => f.write_str("Control"),
        }
    }
}

/// An envelope made for an entry.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    #[serde(with = "serde_bytes")]
    id: [u8; 32],
    expiry: u32,
    /// It is of a size that whoever saves data may leave out for a while.
    #[serde(default)]
    larger: bool,
    /// The code of the bucket that its header names; `None`: a version that did not note it.
    #[serde(default)]
    bucket: Option<u16>,
}

komrade_crypto::redacted!(Sealed);

impl Sealed {
    pub(crate) fn new(id: EnvelopeId, header: &Header) -> Self {
        Self {
            id: id.0,
            expiry: header.expiry.0,
            larger: Part::Larger.holds(header.class.size),
            bucket: Some(header.bucket),
        }
    }

    pub(crate) fn id(&self) -> EnvelopeId {
        EnvelopeId(self.id)
    }

    pub(crate) fn is_larger(&self) -> bool {
        self.larger
    }

    pub(crate) fn is_expired(&self, now: Millis) -> bool {
        Day(self.expiry) <= Day::of(now)
    }

    /// Whether it can be put to a home with this bucket. One of a version that did not note it is sealed anew.
    pub(crate) fn is_for(&self, bucket: u16) -> bool {
        self.bucket == Some(bucket)
    }

    /// Whether a home may take it: it has not expired, and was not sealed under a clock far ahead.
    pub(crate) fn is_timely(&self, now: Millis) -> bool {
        !self.is_expired(now) && Day(self.expiry) <= Day::of(now).plus(MAX_DAYS_AHEAD)
    }
}

/// An entry of the outbox, without its operation and its envelope, which stay in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) expires_at: Millis,
    /// How often it was sealed.
    pub(crate) seals: u8,
    /// The envelope to be sent; `None`: it is to be sealed (again).
    pub(crate) sealed: Option<Sealed>,
    /// Somebody has it durably who passes it on: a home, one's own relay on the way there, or the
    /// comrade's device.
    pub(crate) accepted_at: Option<Millis>,
    /// It was the comrade's device: no node can lose it any more.
    #[serde(default)]
    pub(crate) by_device: bool,
    /// Else which node took it, and for which home, see `home::NodeHome::tag`.
    #[serde(default)]
    pub(crate) via: Option<u64>,
    #[serde(default)]
    pub(crate) home: Option<u64>,
    /// Homes that did not take it, or were not reached for it, since it was enqueued or taken back: others are tried first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failed: Vec<u64>,
}

impl Entry {
    pub(crate) fn new(content: Content, now: Millis) -> Self {
        let life = match content {
            Content::Operation { .. } => limits::MESSAGE_LIFE,
            Content::Control => limits::CONTROL_LIFE,
        };
        Self {
            content,
            expires_at: now.saturating_add(life),
            seals: 0,
            sealed: None,
            accepted_at: None,
            by_device: false,
            via: None,
            home: None,
            failed: Vec::new(),
        }
    }

    /// The clock was ahead: it has no longer life than it can have.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        let fresh = Self::new(self.content, now);
        self.expires_at = self.expires_at.min(fresh.expires_at);
        self.accepted_at = self.accepted_at.map(|at| at.min(now));
    }

    /// Nobody is known to have it any more: it waits again, for whichever home, and is sealed anew.
    pub(crate) fn take_back(&mut self) {
        self.failed.clear();
        self.move_on();
    }

    /// It waits again, for a home that did not fail, and is sealed anew.
    pub(crate) fn move_on(&mut self) {
        self.accepted_at = None;
        self.by_device = false;
        self.sealed = None;
    }

    /// This home did not take it. No more are remembered than somebody can have.
    pub(crate) fn note_failed(&mut self, home: u64) {
        if !self.has_failed_at(home) {
            self.failed.push(home);
            let surplus = self.failed.len().saturating_sub(home::MAX_HOMES);
            self.failed.drain(..surplus);
        }
    }

    pub(crate) fn has_failed_at(&self, home: u64) -> bool {
        self.failed.contains(&home)
    }

    /// Some of these homes has not failed.
    pub(crate) fn has_left(&self, homes: &[Home]) -> bool {
        home::nodes_of(homes).any(|home| !self.has_failed_at(home.tag()))
    }

    /// All of these homes have failed, and nobody else took it.
    pub(crate) fn is_out_of_reach(&self, homes: &[Home]) -> bool {
        !self.failed.is_empty() && !self.by_device && !self.has_left(homes)
    }

    /// A node took it up to that moment, and it may be sealed again.
    pub(crate) fn is_handed_on(&self, up_to: Millis) -> bool {
        let is_with_nodes = !self.by_device && self.accepted_at.is_some_and(|at| at <= up_to);
        is_with_nodes && self.may_seal_again()
    }

    /// Whether one of these nodes took it, or nobody knows which one did.
    pub(crate) fn was_taken_by(&self, via: u64) -> bool {
        self.via.is_none_or(|it| it == via)
    }

    /// What the person wrote and was not sent before: it leaves because of them, whatever arrives.
    pub(crate) fn is_news(&self) -> bool {
        self.ordinal().is_some() && (self.seals == 0 || self.sealed.is_some())
    }

    pub(crate) fn may_seal_again(&self) -> bool {
        self.seals < limits::MAX_SEALS
    }

    /// When nothing is heard of it any more: what was handed on may come back until its envelope has
    /// expired.
    pub(crate) fn ends_at(&self) -> Millis {
        let returns = self.sealed.filter(|_| !self.is_waiting());
        let returns = returns.map(|sealed| Day(sealed.expiry).plus(RETURN_DAYS).start());
        self.expires_at.max(returns.unwrap_or(0))
    }

    /// It has not been accepted.
    pub(crate) fn is_waiting(&self) -> bool {
        self.accepted_at.is_none()
    }

    pub(crate) fn sequence(&self) -> Option<u64> {
        match self.content {
            Content::Operation { sequence, .. } => Some(sequence),
            Content::Control => None,
        }
    }

    pub(crate) fn tag(&self) -> Option<Tag> {
        match self.content {
            Content::Operation { tag, .. } => tag.map(Tag),
            Content::Control => None,
        }
    }

    pub(crate) fn ordinal(&self) -> Option<u64> {
        match self.content {
            Content::Operation { ordinal, .. } => ordinal,
            Content::Control => None,
        }
    }
}

/// A message as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) mine: bool,
    pub(crate) text: String,
    pub(crate) written_at: Millis,
    pub(crate) kept_at: Millis,
}

impl Message {
    pub(crate) fn view(&self, ordinal: u64, tick: Option<TickRecord>) -> MessageView {
        let tick = match tick {
            _ if !self.mine => Tick::Theirs,
            None => Tick::Kept,
            Some(TickRecord::Accepted(at)) => Tick::Accepted(at),
            Some(TickRecord::Delivered(at)) => Tick::Delivered(at),
            Some(TickRecord::Expired) => Tick::Expired,
        };
        MessageView {
            ordinal,
            mine: self.mine,
            text: self.text.clone(),
            written_at: self.written_at,
            kept_at: self.kept_at,
            tick,
        }
    }
}

/// How far a message of one's own has come, once that is more than being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TickRecord {
    Accepted(Millis),
    Delivered(Millis),
    Expired,
}

/// The newest message, shortened, beside its comrade.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) ordinal: u64,
    pub(crate) message: Message,
    pub(crate) tick: Option<TickRecord>,
}

impl Last {
    pub(crate) fn new(ordinal: u64, message: &Message) -> Self {
        let text = message.text.chars().take(limits::LAST_CHARS).collect();
        Self {
            ordinal,
            message: Message {
                text,
                ..message.clone()
            },
            tick: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use komrade_ether::{Class, Size};

    use super::*;

    #[test]
    fn records_come_back_and_damage_is_noticed() {
        let mut entry = Entry::new(
            Content::Operation {
                sequence: 3,
                ordinal: Some(9),
                tag: Some([4; 8]),
            },
            1_000,
        );
        let header = Header {
            class: Class::ordinary(Size::K16),
            bucket: 0,
            expiry: Day(20_000),
            nonce: [1; 12],
            hint: [2; 8],
        };
        entry.sealed = Some(Sealed::new(EnvelopeId([7; 32]), &header));
        let bytes = encode(&entry);
        assert_eq!(decode::<Entry>(&bytes), Ok(entry));
        assert_eq!(decode::<Entry>(&bytes[..bytes.len() - 1]), Err(Damaged));
        let tick = TickRecord::Delivered(5);
        assert_eq!(decode(&encode(&tick)), Ok(tick));
    }

    #[test]
    fn what_is_taken_back_waits_and_was_taken_by_nobody() {
        let mut entry = Entry::new(Content::Control, 1_000);
        entry.seals = 1;
        let waiting = entry.clone();
        entry.accepted_at = Some(2_000);
        entry.by_device = true;
        assert!(!entry.is_handed_on(3_000), "no node can have lost it");
        entry.note_failed(7);
        entry.take_back();
        assert_eq!(entry, waiting);
        entry.accepted_at = Some(2_000);
        assert!(entry.is_handed_on(3_000));
    }

    #[test]
    fn the_newest_message_is_shortened_by_characters() {
        let text = "ж".repeat(300);
        let message = Message {
            mine: true,
            text,
            written_at: 1,
            kept_at: 2,
        };
        assert_eq!(Last::new(4, &message).message.text.chars().count(), 120);
        assert_eq!(message.view(4, None).tick, Tick::Kept);
        assert_eq!(
            Message {
                mine: false,
                ..message
            }
            .view(4, None)
            .tick,
            Tick::Theirs
        );
    }
}
