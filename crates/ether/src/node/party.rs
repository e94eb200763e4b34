//! What each party holds: sums, and never which envelopes.

use super::{
    about::Counters,
    keys::{self, Fields, kind},
};
use crate::{Account, Damaged, Day, Party, Shelf, ShelfRead, ShelfTable};

/// The sums of a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    /// Bytes of envelopes put and not expired.
    pub held: u64,
    /// Bytes returned after a wipe.
    pub returned: u64,
    /// Entries of the forward queue.
    pub forwards: u32,
    /// Returned notices not heard yet.
    pub notices: u32,
    /// Placed envelopes.
    pub placed: u32,
}

impl Sums {
    pub fn read<S: ShelfRead>(shelf: &S, party: Party) -> Result<Self, S::Error> {
        let Some(bytes) = shelf.get(ShelfTable::Parties, &encode(party))? else {
            return Ok(Self::default());
        };
        let mut fields = Fields(&bytes);
        Ok(Self {
            held: fields.long()?,
            returned: fields.long()?,
            forwards: fields.short()?,
            notices: fields.short()?,
            placed: fields.short()?,
        })
    }

    pub fn write<S: Shelf>(&self, shelf: &mut S, party: Party) -> Result<(), S::Error> {
        if *self == Self::default() {
            return shelf.delete(ShelfTable::Parties, &encode(party));
        }
        let mut bytes = Vec::new();
        bytes.extend(self.held.to_be_bytes());
        bytes.extend(self.returned.to_be_bytes());
        bytes.extend(self.forwards.to_be_bytes());
        bytes.extend(self.notices.to_be_bytes());
        bytes.extend(self.placed.to_be_bytes());
        shelf.put(ShelfTable::Parties, &encode(party), &bytes)
    }

    /// Changes the sums of an account.
    pub fn change<S: Shelf>(
        shelf: &mut S,
        account: Account,
        change: impl FnOnce(&mut Self),
    ) -> Result<(), S::Error> {
        let party = Party::Member(account);
        let mut sums = Self::read(shelf, party)?;
        change(&mut sums);
        sums.write(shelf, party)
    }
}

/// More held by a party until that day.
pub(super) fn hold<S: Shelf>(
    shelf: &mut S,
    counters: &mut Counters,
    party: Party,
    expiry: Day,
    bytes: u64,
) -> Result<(), S::Error> {
    let mut sums = Sums::read(shelf, party)?;
    if sums.held == 0 && party.account().is_some() {
        counters.holders += 1;
    }
    sums.held += bytes;
    sums.write(shelf, party)?;
    let held = held_until(shelf, party, expiry)? + bytes;
    shelf.put(ShelfTable::Days, &share(party, expiry), &held.to_be_bytes())
}

/// A party holds less, because a day has come or an envelope was dropped.
pub(super) fn let_go<S: Shelf>(
    shelf: &mut S,
    counters: &mut Counters,
    party: Party,
    expiry: Day,
    bytes: u64,
) -> Result<(), S::Error> {
    let mut sums = Sums::read(shelf, party)?;
    sums.held = sums.held.saturating_sub(bytes);
    if sums.held == 0 && party.account().is_some() {
        counters.holders = counters.holders.saturating_sub(1);
    }
    sums.write(shelf, party)?;
    match held_until(shelf, party, expiry)?.saturating_sub(bytes) {
        0 => shelf.delete(ShelfTable::Days, &share(party, expiry)),
        held => shelf.put(ShelfTable::Days, &share(party, expiry), &held.to_be_bytes()),
    }
}

fn held_until<S: ShelfRead>(shelf: &S, party: Party, expiry: Day) -> Result<u64, S::Error> {
    Ok(match shelf.get(ShelfTable::Days, &share(party, expiry))? {
        Some(bytes) => Fields(&bytes).long()?,
        None => 0,
    })
}

fn share(party: Party, expiry: Day) -> Vec<u8> {
    keys::day(expiry, kind::SHARE, &[&encode(party)])
}

fn encode(party: Party) -> Vec<u8> {
    match party {
        Party::Stranger => vec![0],
        Party::Member(account) => [&[1], account.0.as_slice()].concat(),
    }
}

/// The party of the end of a key.
pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Party, Damaged> {
    Ok(match fields.byte()? {
        0 => Party::Stranger,
        _ => Party::Member(Account(fields.array()?)),
    })
}
