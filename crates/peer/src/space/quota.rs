//! How much of what persons say a collective keeps.
//!
//! Each may fill a share of it ([`limits::PERSON_SHARE`]). What devices say so that a collective works at all (names, homes, seeds)
//! is not counted: of each device the newest ones are kept, however full it is.

use std::collections::BTreeMap;

use komrade_crypto::identity::PersonId;

use super::Known;
use crate::limits;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    operations: usize,
    bytes: usize,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Quota {
    all: Amount,
    each: BTreeMap<PersonId, Amount>,
}

impl Amount {
    fn add(&mut self, bytes: usize) {
        self.operations = self.operations.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn take(&mut self, bytes: usize) {
        self.operations = self.operations.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn is_below(self, share: usize) -> bool {
        self.operations < limits::MAX_OPERATIONS / share
            && self.bytes < limits::MAX_OPERATION_BYTES / share
    }
}

impl Quota {
    /// Something is kept.
    pub(crate) fn add(&mut self, known: &Known) {
        if known.is_said {
            self.all.add(known.bytes.len());
            self.each
                .entry(known.person)
                .or_default()
                .add(known.bytes.len());
        }
    }

    /// It is not kept any more.
    pub(crate) fn take(&mut self, known: &Known) {
        if known.is_said {
            self.all.take(known.bytes.len());
            if let Some(amount) = self.each.get_mut(&known.person) {
                amount.take(known.bytes.len());
                if *amount == Amount::default() {
                    self.each.remove(&known.person);
                }
            }
        }
    }

    /// Whether this person may say more.
    pub(crate) fn has_room(&self, person: &PersonId) -> bool {
        let own = self.each.get(person).copied().unwrap_or_default();
        self.all.is_below(1) && own.is_below(limits::PERSON_SHARE)
    }
}
