//! Returned notices: what a member must be told about forwards, whenever they are next seen.

use super::{
    Node,
    about::Counters,
    keys::{self, Fields, kind},
    party::Sums,
};
use crate::{Account, Damaged, Day, EnvelopeId, Outcome, Shelf, ShelfRead, ShelfTable};

/// A notice nobody heard is dropped after so many days: the envelope has long expired by then.
const NOTICE_DAYS: u32 = 30;

/// A forward that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notice {
    pub number: u64,
    pub id: EnvelopeId,
    pub outcome: Outcome,
    ends: Day,
}

impl Notice {
    fn decode(key: &[u8], value: &[u8]) -> Result<Self, Damaged> {
        let mut fields = Fields(key);
        let (_, number) = (fields.array::<32>()?, fields.long()?);
        let mut fields = Fields(value);
        Ok(Self {
            number,
            ends: fields.day()?,
            id: fields.id()?,
            outcome: Outcome::decode(fields.rest()).ok_or(Damaged)?,
        })
    }

    fn write<S: Shelf>(&self, shelf: &mut S, account: Account) -> Result<(), S::Error> {
        let key = keys::by_account(account, self.number);
        let mut value = self.ends.0.to_be_bytes().to_vec();
        value.extend(self.id.0);
        value.extend(self.outcome.encode());
        shelf.put(ShelfTable::Notices, &key, &value)?;
        shelf.put(
            ShelfTable::NoticeIds,
            &keys::account_id(account, &self.id),
            &self.number.to_be_bytes(),
        )?;
        let ends = keys::day(self.ends, kind::NOTICE, &[&key]);
        shelf.put(ShelfTable::Days, &ends, &[])
    }

    fn remove<S: Shelf>(&self, shelf: &mut S, account: Account) -> Result<(), S::Error> {
        let key = keys::by_account(account, self.number);
        shelf.delete(ShelfTable::Notices, &key)?;
        shelf.delete(ShelfTable::NoticeIds, &keys::account_id(account, &self.id))?;
        let ends = keys::day(self.ends, kind::NOTICE, &[&key]);
        shelf.delete(ShelfTable::Days, &ends)?;
        Sums::change(shelf, account, |sums| {
            sums.notices = sums.notices.saturating_sub(1);
        })
    }
}

impl Node {
    /// The member has heard that this forward came to nothing.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn noted<S: Shelf>(
        &self,
        shelf: &mut S,
        account: Account,
        id: &EnvelopeId,
    ) -> Result<(), S::Error> {
        match find(shelf, account, id)? {
            Some(number) => expire(shelf, account, number),
            None => Ok(()),
        }
    }

    /// The first notices for this member above a number.
    pub(crate) fn notices<S: ShelfRead>(
        shelf: &S,
        account: Account,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Notice>, S::Error> {
        let from = keys::by_account(account, after.saturating_add(1));
        let to = keys::by_account(account, u64::MAX);
        let found = shelf.range(ShelfTable::Notices, &from, Some(&to), limit)?;
        let notices: Result<_, Damaged> = found
            .iter()
            .map(|(key, value)| Notice::decode(key, value))
            .collect();
        Ok(notices?)
    }
}

/// The number of the notice about an envelope.
pub(super) fn find<S: ShelfRead>(
    shelf: &S,
    account: Account,
    id: &EnvelopeId,
) -> Result<Option<u64>, S::Error> {
    let found = shelf.get(ShelfTable::NoticeIds, &keys::account_id(account, id))?;
    Ok(found.map(|number| Fields(&number).long()).transpose()?)
}

/// Leaves a notice; an older one about the same envelope goes.
pub(super) fn leave<S: Shelf>(
    shelf: &mut S,
    today: Day,
    account: Account,
    id: EnvelopeId,
    outcome: Outcome,
) -> Result<(), S::Error> {
    if let Some(older) = find(shelf, account, &id)? {
        expire(shelf, account, older)?;
    }
    let mut counters = Counters::read(shelf)?;
    counters.newest_notice += 1;
    counters.write(shelf)?;
    Sums::change(shelf, account, |sums| sums.notices += 1)?;
    let notice = Notice {
        number: counters.newest_notice,
        id,
        outcome,
        ends: today.plus(NOTICE_DAYS),
    };
    notice.write(shelf, account)
}

/// Drops a notice.
pub(super) fn expire<S: Shelf>(
    shelf: &mut S,
    account: Account,
    number: u64,
) -> Result<(), S::Error> {
    let key = keys::by_account(account, number);
    match shelf.get(ShelfTable::Notices, &key)? {
        Some(value) => Notice::decode(&key, &value)?.remove(shelf, account),
        None => Ok(()),
    }
}
