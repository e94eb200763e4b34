//! Keeping house: what a day's turn takes away, and when a bucket is too large.

use super::{
    Node,
    about::Counters,
    clock, forward,
    keys::{self, Fields, kind},
    notice,
    party::{self, Sums},
    place,
    put::{Item, Load},
};
use crate::{Account, Day, MAX_BITS, Shelf, ShelfRead, ShelfTable, shelf::Entry};

/// How many days of load are looked at: today, and yesterday as a whole.
const LOAD_DAYS_SEEN: u32 = 2;
/// Between two halvings: after one, homes move for as long as the longest envelope lives, and only then it shows.
const HALVING_DAYS: u32 = 30;
/// Accounts for each bucket at least, of those that hold something: so many hide each other.
const HOLDERS: u64 = 8;
/// How many buckets of one day are looked at, at a time.
const LOADS_AT_ONCE: usize = 512;

impl Node {
    /// Takes away at most `limit` records of what ended. Whether there is more: then again, in another transaction, so that
    /// nobody waits for long. Worth calling at each start and each new day (UTC); what has expired is never sent meanwhile.
    /// A clock that jumped ahead by more than two days is not believed until it has stood for six hours.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn sweep<S: Shelf>(&self, shelf: &mut S, now: u64, limit: usize) -> Result<bool, S::Error> {
        if !clock::is_believed(shelf, now)? {
            return Ok(false);
        }
        let today = Day::of(now);
        let to = keys::after_day(today);
        let ended = shelf.range(ShelfTable::Days, &[], Some(&to), limit)?;
        let more = ended.len() == limit;
        for entry in ended {
            end(shelf, today, &entry)?;
        }
        Ok(more)
    }

    /// How many bits this node's buckets should have: one more than now, if one of them carried more than
    /// [`halving_bytes`](crate::Settings::halving_bytes) today or yesterday, the last
    /// halving is 30 days ago, and enough accounts are left for each. What strangers without a token put is not counted, since
    /// everybody would see how few are left in a bucket. Whoever asks decides with [`Node::set_bits`], tells the members, and they draw
    /// a half; what is put to the old number meanwhile goes to those of both halves.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn bits_wanted<S: ShelfRead>(&self, shelf: &S, now: u64) -> Result<u8, S::Error> {
        let (about, today) = (self.about(shelf)?, Day::of(now));
        let bits = about.bits;
        let holders = Counters::read(shelf)?.holders >> (bits + 1);
        if bits >= MAX_BITS || holders < HOLDERS || today < about.bits_day.plus(HALVING_DAYS) {
            return Ok(bits);
        }
        for ago in 0..LOAD_DAYS_SEEN {
            let day = Day(today.0.saturating_sub(ago));
            let mut from = Load::key(day, &[]);
            let to = Load::key(day, &[0xff; 3]);
            loop {
                let loads = shelf.range(ShelfTable::Days, &from, Some(&to), LOADS_AT_ONCE)?;
                for (key, value) in &loads {
                    let mut fields = Fields(key);
                    let (_, _, shard) = (fields.day()?, fields.byte()?, fields.bucket()?);
                    // Shorter numbers are what is left of before a halving.
                    let is_large = Load::decode(value)?.bytes > self.settings.halving_bytes;
                    if is_large && shard.bits() == bits {
                        return Ok(bits + 1);
                    }
                }
                match loads.last() {
                    Some((last, _)) if loads.len() == LOADS_AT_ONCE => {
                        from = [last.as_slice(), &[0]].concat();
                    }
                    _ => break,
                }
            }
        }
        Ok(bits)
    }
}

/// Ends what stands under a key of [`ShelfTable::Days`].
fn end<S: Shelf>(shelf: &mut S, today: Day, (key, value): &Entry) -> Result<(), S::Error> {
    let mut fields = Fields(key);
    let (day, kind) = (fields.day()?, fields.byte()?);
    match kind {
        kind::ITEM => {
            let mut counters = Counters::read(shelf)?;
            Item::decode(key, value)?.remove(shelf, &mut counters)?;
            counters.write(shelf)
        }
        kind::SHARE => {
            let (account, bytes) = (Account(fields.array()?), Fields(value).long()?);
            let mut counters = Counters::read(shelf)?;
            party::let_go(shelf, &mut counters, account, day, bytes)?;
            counters.write(shelf)
        }
        kind::RETURNED => {
            let mut counters = Counters::read(shelf)?;
            Sums::change(shelf, Account(fields.array()?), |sums| {
                counters.returned = counters.returned.saturating_sub(sums.returned);
                counters.returners = counters.returners.saturating_sub(1);
                sums.returned = 0;
            })?;
            counters.write(shelf)?;
            shelf.delete(ShelfTable::Days, key)
        }
        kind::PLACED => place::expire(shelf, &fields.array()?),
        kind::FORWARD => forward::expire(shelf, today, fields.long()?),
        kind::NOTICE => {
            let account = Account(fields.array()?);
            notice::expire(shelf, account, fields.long()?)
        }
        _ => shelf.delete(ShelfTable::Days, key),
    }
}
