//! What each account holds: sums, and never which envelopes.

use super::{
    about::Counters,
    keys::{self, Fields, kind},
};
use crate::{Account, Day, Shelf, ShelfRead, ShelfTable};

/// Whoever holds less takes nothing from the shares of others: else many accounts with next to nothing would.
const SHARER_BYTES: u64 = 1024 * 1024;

/// The sums of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    /// Bytes of envelopes put and not expired.
    pub held: u64,
    /// Bytes returned after a wipe.
    pub returned: u64,
    /// Entries of the forward queue.
    pub forwards: u32,
    /// Bytes of them.
    pub forward_bytes: u64,
    /// Homes for which they wait.
    pub homes: u32,
    /// Returned notices not heard yet.
    pub notices: u32,
    /// Placed envelopes.
    pub placed: u32,
    /// Bytes of them.
    pub placed_bytes: u64,
}

impl Sums {
    pub fn read<S: ShelfRead>(shelf: &S, account: Account) -> Result<Self, S::Error> {
        let Some(bytes) = shelf.get(ShelfTable::Parties, &account.0)? else {
            return Ok(Self::default());
        };
        let mut fields = Fields(&bytes);
        Ok(Self {
            held: fields.long()?,
            returned: fields.long()?,
            forwards: fields.short()?,
            forward_bytes: fields.long()?,
            homes: fields.short()?,
            notices: fields.short()?,
            placed: fields.short()?,
            placed_bytes: fields.long()?,
        })
    }

    pub fn write<S: Shelf>(&self, shelf: &mut S, account: Account) -> Result<(), S::Error> {
        if *self == Self::default() {
            return shelf.delete(ShelfTable::Parties, &account.0);
        }
        let mut bytes = Vec::new();
        bytes.extend(self.held.to_be_bytes());
        bytes.extend(self.returned.to_be_bytes());
        bytes.extend(self.forwards.to_be_bytes());
        bytes.extend(self.forward_bytes.to_be_bytes());
        bytes.extend(self.homes.to_be_bytes());
        bytes.extend(self.notices.to_be_bytes());
        bytes.extend(self.placed.to_be_bytes());
        bytes.extend(self.placed_bytes.to_be_bytes());
        shelf.put(ShelfTable::Parties, &account.0, &bytes)
    }

    /// Changes the sums of an account.
    pub fn change<S: Shelf>(
        shelf: &mut S,
        account: Account,
        change: impl FnOnce(&mut Self),
    ) -> Result<(), S::Error> {
        let mut sums = Self::read(shelf, account)?;
        change(&mut sums);
        sums.write(shelf, account)
    }
}

/// Whether an account that holds so much counts for the shares with so many bytes more, and not without them.
pub(super) fn becomes_sharer(held: u64, bytes: u64) -> bool {
    held < SHARER_BYTES && held + bytes >= SHARER_BYTES
}

/// More held by an account until that day.
pub(super) fn hold<S: Shelf>(
    shelf: &mut S,
    counters: &mut Counters,
    account: Account,
    expiry: Day,
    bytes: u64,
) -> Result<(), S::Error> {
    let mut sums = Sums::read(shelf, account)?;
    counters.holders += u64::from(sums.held == 0);
    counters.sharers += u64::from(becomes_sharer(sums.held, bytes));
    sums.held += bytes;
    sums.write(shelf, account)?;
    let held = held_until(shelf, account, expiry)? + bytes;
    shelf.put(
        ShelfTable::Days,
        &share(account, expiry),
        &held.to_be_bytes(),
    )
}

/// An account holds less, because that day has come.
pub(super) fn let_go<S: Shelf>(
    shelf: &mut S,
    counters: &mut Counters,
    account: Account,
    expiry: Day,
    bytes: u64,
) -> Result<(), S::Error> {
    let mut sums = Sums::read(shelf, account)?;
    sums.held = sums.held.saturating_sub(bytes);
    let ends = |has_ended| u64::from(has_ended);
    counters.holders = counters.holders.saturating_sub(ends(sums.held == 0));
    let was_sharer = becomes_sharer(sums.held, bytes);
    counters.sharers = counters.sharers.saturating_sub(ends(was_sharer));
    sums.write(shelf, account)?;
    shelf.delete(ShelfTable::Days, &share(account, expiry))
}

fn held_until<S: ShelfRead>(shelf: &S, account: Account, expiry: Day) -> Result<u64, S::Error> {
    Ok(
        match shelf.get(ShelfTable::Days, &share(account, expiry))? {
            Some(bytes) => Fields(&bytes).long()?,
            None => 0,
        },
    )
}

fn share(account: Account, expiry: Day) -> Vec<u8> {
    keys::day(expiry, kind::SHARE, &[&account.0])
}
