//! Envelopes under names: the bundles of invites, which must be there before anybody knows for whom.

use super::{
    Node,
    about::Counters,
    keys::{self, Fields, kind},
    party::Sums,
};
use crate::{Account, Damaged, Day, Envelope, Locator, Outcome, Shelf, ShelfRead, ShelfTable};

/// What is placed under a name.
struct Placed {
    by: Account,
    envelope: Envelope,
}

impl Placed {
    fn find<S: ShelfRead>(shelf: &S, locator: &Locator) -> Result<Option<Self>, S::Error> {
        let Some(bytes) = shelf.get(ShelfTable::Placed, locator)? else {
            return Ok(None);
        };
        let mut fields = Fields(&bytes);
        Ok(Some(Self {
            by: Account(fields.array()?),
            envelope: Envelope::decode(fields.rest().to_vec()).map_err(|_| Damaged)?,
        }))
    }

    fn bytes(&self) -> u64 {
        self.envelope.as_bytes().len() as u64
    }

    fn remove<S: Shelf>(self, shelf: &mut S, locator: &Locator) -> Result<(), S::Error> {
        shelf.delete(ShelfTable::Placed, locator)?;
        let ends = ends(self.envelope.header().expiry, locator);
        shelf.delete(ShelfTable::Days, &ends)?;
        Sums::change(shelf, self.by, |sums| {
            sums.placed = sums.placed.saturating_sub(1);
            sums.placed_bytes = sums.placed_bytes.saturating_sub(self.bytes());
        })?;
        let mut counters = Counters::read(shelf)?;
        counters.placed = counters.placed.saturating_sub(self.bytes());
        counters.write(shelf)
    }
}

fn ends(expiry: Day, locator: &Locator) -> Vec<u8> {
    keys::day(expiry, kind::PLACED, &[locator])
}

impl Node {
    /// A member places an envelope under a name; it may replace their own there.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn place<S: Shelf>(
        &self,
        shelf: &mut S,
        now: u64,
        account: Account,
        locator: &Locator,
        envelope: &Envelope,
    ) -> Result<Outcome, S::Error> {
        if let Err(error) = envelope.header().check_expiry(Day::of(now)) {
            return Ok(error.into());
        }
        let former = Placed::find(shelf, locator)?;
        if let Some(former) = &former {
            if former.by != account {
                return Ok(Outcome::NotAllowed);
            }
            if former.envelope == *envelope {
                return Ok(Outcome::AlreadyHave);
            }
        }
        let sums = Sums::read(shelf, account)?;
        if former.is_none() && sums.placed >= self.settings.placed_per_account {
            return Ok(Outcome::OverShare);
        }
        let bytes = envelope.as_bytes().len() as u64;
        let freed = former.as_ref().map_or(0, Placed::bytes);
        if sums.placed_bytes.saturating_sub(freed) + bytes > self.settings.placed_share() {
            return Ok(Outcome::OverShare);
        }
        let placed = Counters::read(shelf)?.placed.saturating_sub(freed) + bytes;
        if placed > self.settings.placed_bytes {
            return Ok(Outcome::Full);
        }
        if let Some(former) = former {
            former.remove(shelf, locator)?;
        }
        let value = [account.0.as_slice(), envelope.as_bytes()].concat();
        shelf.put(ShelfTable::Placed, locator, &value)?;
        let ends = ends(envelope.header().expiry, locator);
        shelf.put(ShelfTable::Days, &ends, &[])?;
        Sums::change(shelf, account, |sums| {
            sums.placed += 1;
            sums.placed_bytes += bytes;
        })?;
        let mut counters = Counters::read(shelf)?;
        counters.placed = placed;
        counters.write(shelf)?;
        Ok(Outcome::Accepted)
    }

    /// Drops what this member placed under a name.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn unplace<S: Shelf>(
        &self,
        shelf: &mut S,
        account: Account,
        locator: &Locator,
    ) -> Result<(), S::Error> {
        match Placed::find(shelf, locator)? {
            Some(placed) if placed.by == account => placed.remove(shelf, locator),
            _ => Ok(()),
        }
    }

    /// What is placed under a name and has not expired: for anybody who knows the name.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn fetch<S: ShelfRead>(
        &self,
        shelf: &S,
        now: u64,
        locator: &Locator,
    ) -> Result<Option<Envelope>, S::Error> {
        let today = Day::of(now);
        Ok(Placed::find(shelf, locator)?
            .map(|placed| placed.envelope)
            .filter(|envelope| envelope.header().expiry > today))
    }
}

/// Its day has come.
pub(super) fn expire<S: Shelf>(shelf: &mut S, locator: &Locator) -> Result<(), S::Error> {
    match Placed::find(shelf, locator)? {
        Some(placed) => placed.remove(shelf, locator),
        None => Ok(()),
    }
}
