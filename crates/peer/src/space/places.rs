//! Under which key each record of a collective stands.
//!
//! | table | key | record |
//! |---|---|---|
//! | Spaces | 0, collective (16) | what is known of it |
//! | Spaces | 1, collective, commitment (32) | a seed |
//! | Spaces | 2, collective, device (32) | its leaf record |
//! | Spaces | 3, collective, number (8) | an entry of the outbox |
//! | Spaces | 4, collective, number (8) | its body |
//! | Spaces | 5, collective, envelope id (32) | a load that does not open yet |
//! | Spaces | 6, collective, number (8) | a part of a welcome |
//! | Spaces | 7, 8 | of circles, see `circle` |
//! | Operations | collective, arrival (8) | an operation |
//! | Posts | collective, ordinal (8) | a post |
//!
//! All but posts is read when the vault opens.

use komrade_store::Table;
use komrade_view::CollectiveId;

pub(crate) const RECORD: u8 = 0;
pub(crate) const SEED: u8 = 1;
pub(crate) const LEAF: u8 = 2;
pub(crate) const ENTRY: u8 = 3;
pub(crate) const BODY: u8 = 4;
pub(crate) const WAITING: u8 = 5;
pub(crate) const PART: u8 = 6;

/// The tables of collectives that are read when the vault opens.
pub(crate) const TABLES: [Table; 2] = [Table::Spaces, Table::Operations];

fn key(sort: u8, id: CollectiveId, rest: &[u8]) -> Vec<u8> {
    [&[sort], &id.0[..], rest].concat()
}

pub(crate) fn record(id: CollectiveId) -> Vec<u8> {
    key(RECORD, id, &[])
}

pub(crate) fn seed(id: CollectiveId, commit: &[u8; 32]) -> Vec<u8> {
    key(SEED, id, commit)
}

pub(crate) fn leaf(id: CollectiveId, device: &[u8; 32]) -> Vec<u8> {
    key(LEAF, id, device)
}

pub(crate) fn entry(id: CollectiveId, number: u64) -> Vec<u8> {
    key(ENTRY, id, &number.to_be_bytes())
}

pub(crate) fn body(id: CollectiveId, number: u64) -> Vec<u8> {
    key(BODY, id, &number.to_be_bytes())
}

pub(crate) fn waiting(id: CollectiveId, envelope: &[u8; 32]) -> Vec<u8> {
    key(WAITING, id, envelope)
}

pub(crate) fn part(id: CollectiveId, number: u64) -> Vec<u8> {
    key(PART, id, &number.to_be_bytes())
}

pub(crate) fn operation(id: CollectiveId, arrival: u64) -> Vec<u8> {
    [&id.0[..], &arrival.to_be_bytes()].concat()
}

/// A post; also the key below which everything is older.
pub(crate) fn post(id: CollectiveId, ordinal: u64) -> Vec<u8> {
    operation(id, ordinal)
}

/// Sort, collective and rest of a key of the table of spaces.
pub(crate) fn parse(key: &[u8]) -> Option<(u8, CollectiveId, &[u8])> {
    let (sort, rest) = key.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    Some((*sort, CollectiveId(*id), rest))
}

/// Collective and number of an operation or a post.
pub(crate) fn parse_numbered(key: &[u8]) -> Option<(CollectiveId, u64)> {
    let (id, number) = key.split_first_chunk()?;
    Some((
        CollectiveId(*id),
        u64::from_be_bytes(number.try_into().ok()?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        let id = CollectiveId([7; 16]);
        assert_eq!(parse(&record(id)), Some((RECORD, id, &[][..])));
        assert_eq!(parse(&seed(id, &[9; 32])), Some((SEED, id, &[9; 32][..])));
        assert_eq!(
            parse(&entry(id, 258)),
            Some((ENTRY, id, &258_u64.to_be_bytes()[..]))
        );
        assert_eq!(parse_numbered(&post(id, 258)), Some((id, 258)));
        assert_eq!(parse(&[0; 16]), None);
        assert_eq!(parse_numbered(&[0; 23]), None);
    }
}
