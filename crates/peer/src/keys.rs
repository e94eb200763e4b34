//! Under which key each record stands.
//!
//! | table | key | record |
//! |---|---|---|
//! | Header | `vault` | passphrase slots |
//! | Own | `ring` | keys of the records |
//! | Own | `own` | profile, relays |
//! | Own | `device` | keys of the device |
//! | Own | `log`, address of a node (32) | how far its log was read |
//! | Own | `replicas` | how many there are |
//! | Own | `traffic` | bytes carried, by day |
//! | Own | `introductions` | those under way |
//! | Comrades, Sessions | comrade (16) | one each |
//! | Messages | comrade, ordinal (8) | message |
//! | Messages | comrade, ordinal (8), 1 | its tick, once it is more than *kept* |
//! | Outbox | 0, comrade, number (8) | entry |
//! | Outbox | 1, comrade, number (8), 0 | its operation |
//! | Outbox | 1, comrade, number (8), 1 | its envelope |
//! | Waiting | 0, comrade, envelope id (32) | its expiry |
//! | Waiting | 1, comrade, envelope id (32) | the envelope |
//! | Waiting | 2, expiry day (4), envelope id (32) | size of a replica |
//! | Waiting | 3, expiry day (4), envelope id (32) | the replica |
//! | Invites | invite (16) | invite |
//!
//! Those of collectives stand in `space/places`, those of circles in `circle`.
//!
//! What is needed in memory stands apart from what is not, so that opening the vault reads no
//! contents.

use komrade_ether::Day;
use komrade_view::ComradeId;

use crate::Address;

/// The one header.
pub(crate) const HEADER: &[u8] = b"vault";
/// The keys of the records.
pub(crate) const RING: &[u8] = b"ring";
/// Profile and relays.
pub(crate) const OWN: &[u8] = b"own";
/// The keys of the device.
pub(crate) const DEVICE: &[u8] = b"device";

/// Bytes carried, by day.
pub(crate) const TRAFFIC: &[u8] = b"traffic";
/// Introductions under way.
pub(crate) const INTRODUCTIONS: &[u8] = b"introductions";
/// How many replicas there are.
pub(crate) const REPLICAS: &[u8] = b"replicas";
const LOG: &[u8] = b"log";

/// How far the log of a node was read.
pub(crate) fn log(address: &Address) -> Vec<u8> {
    [LOG, address].concat()
}

/// The node of such a record.
pub(crate) fn parse_log(key: &[u8]) -> Option<Address> {
    key.strip_prefix(LOG)?.try_into().ok()
}

/// The prefix of what is read when the vault opens, in the tables that have both.
pub(crate) const INDEX: u8 = 0;
const BODY: u8 = 1;

/// A message; also the key below which everything is older.
pub(crate) fn message(comrade: ComradeId, ordinal: u64) -> Vec<u8> {
    [&comrade.0[..], &ordinal.to_be_bytes()].concat()
}

/// The tick of a message: stands right behind it.
pub(crate) fn tick(comrade: ComradeId, ordinal: u64) -> Vec<u8> {
    [&comrade.0[..], &ordinal.to_be_bytes(), &[1]].concat()
}

/// The ordinal of a message or a tick, and whether it is a tick.
pub(crate) fn parse_message(key: &[u8]) -> Option<(u64, bool)> {
    let (_, rest) = key.split_first_chunk::<16>()?;
    let (ordinal, rest) = rest.split_first_chunk()?;
    match rest {
        [] => Some((u64::from_be_bytes(*ordinal), false)),
        [1] => Some((u64::from_be_bytes(*ordinal), true)),
        _ => None,
    }
}

/// An entry of the outbox.
pub(crate) fn entry(comrade: ComradeId, number: u64) -> Vec<u8> {
    [&[INDEX], &comrade.0[..], &number.to_be_bytes()].concat()
}

/// The comrade and number of an entry.
pub(crate) fn parse_entry(key: &[u8]) -> Option<(ComradeId, u64)> {
    let (comrade, rest) = key.strip_prefix(&[INDEX])?.split_first_chunk()?;
    Some((
        ComradeId(*comrade),
        u64::from_be_bytes(rest.try_into().ok()?),
    ))
}

/// What belongs to an entry: everything with this prefix.
pub(crate) fn bodies(comrade: ComradeId) -> Vec<u8> {
    [&[BODY], &comrade.0[..]].concat()
}

/// The operation of an entry.
pub(crate) fn operation(comrade: ComradeId, number: u64) -> Vec<u8> {
    [&[BODY], &comrade.0[..], &number.to_be_bytes(), &[0]].concat()
}

/// The envelope of an entry.
pub(crate) fn envelope(comrade: ComradeId, number: u64) -> Vec<u8> {
    [&[BODY], &comrade.0[..], &number.to_be_bytes(), &[1]].concat()
}

/// The number of an entry's body, and whether it is the envelope.
pub(crate) fn parse_body(key: &[u8]) -> Option<(u64, bool)> {
    let (_, rest) = key.strip_prefix(&[BODY])?.split_first_chunk::<16>()?;
    let (number, rest) = rest.split_first_chunk()?;
    match rest {
        [0] => Some((u64::from_be_bytes(*number), false)),
        [1] => Some((u64::from_be_bytes(*number), true)),
        _ => None,
    }
}

/// That an envelope waits to be opened.
pub(crate) fn waiting(comrade: ComradeId, id: &[u8; 32]) -> Vec<u8> {
    [&[INDEX], &comrade.0[..], id].concat()
}

/// An envelope that waits to be opened.
pub(crate) fn waiting_body(comrade: ComradeId, id: &[u8; 32]) -> Vec<u8> {
    [&[BODY], &comrade.0[..], id].concat()
}

/// All envelopes of a comrade that wait to be opened.
pub(crate) fn waiting_bodies(comrade: ComradeId) -> Vec<u8> {
    [&[BODY], &comrade.0[..]].concat()
}

/// The prefix of the index of replicas.
pub(crate) const REPLICA_INDEX: u8 = 2;
const REPLICA: u8 = 3;

/// The index entry of a replica; with no id the key below all of its day.
pub(crate) fn replica_index(expiry: Day, id: &[u8]) -> Vec<u8> {
    [&[REPLICA_INDEX][..], &expiry.0.to_be_bytes(), id].concat()
}

/// A replica.
pub(crate) fn replica(expiry: Day, id: &[u8; 32]) -> Vec<u8> {
    [&[REPLICA][..], &expiry.0.to_be_bytes(), id].concat()
}

/// Expiry and id of a replica or its index entry.
pub(crate) fn parse_replica(key: &[u8]) -> Option<(Day, [u8; 32])> {
    let (_, rest) = key.split_first()?;
    let (day, id) = rest.split_first_chunk()?;
    Some((Day(u32::from_be_bytes(*day)), id.try_into().ok()?))
}

/// The comrade and id of a waiting envelope, of its index or its body.
pub(crate) fn parse_waiting(key: &[u8]) -> Option<(ComradeId, [u8; 32])> {
    let (_, rest) = key.split_first()?;
    let (comrade, id) = rest.split_first_chunk()?;
    Some((ComradeId(*comrade), id.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: ComradeId = ComradeId([7; 16]);

    #[test]
    fn keys_are_read_back() {
        assert_eq!(parse_message(&message(ANA, 258)), Some((258, false)));
        assert_eq!(parse_message(&tick(ANA, 258)), Some((258, true)));
        assert_eq!(parse_entry(&entry(ANA, 3)), Some((ANA, 3)));
        assert_eq!(parse_body(&operation(ANA, 3)), Some((3, false)));
        assert_eq!(parse_body(&envelope(ANA, 3)), Some((3, true)));
        assert_eq!(parse_waiting(&waiting(ANA, &[9; 32])), Some((ANA, [9; 32])));
        assert_eq!(
            parse_waiting(&waiting_body(ANA, &[9; 32])),
            Some((ANA, [9; 32]))
        );
        assert_eq!(parse_entry(&operation(ANA, 3)), None);
        assert_eq!(parse_message(b"short"), None);
    }

    #[test]
    fn a_tick_stands_between_its_message_and_the_next() {
        assert!(message(ANA, 1) < tick(ANA, 1) && tick(ANA, 1) < message(ANA, 2));
        assert!(
            operation(ANA, 255) < envelope(ANA, 255) && envelope(ANA, 255) < operation(ANA, 256)
        );
    }
}
