//! The forward queue: what members want put to foreign homes, while their tabs are closed.
//!
//! 1. [`Node::forward`] queues an envelope durably;
//! 2. [`Node::due_home`] names a home whose turn it is, and no other caller gets it for [`HOME_TURN_MILLIS`];
//! 3. [`Node::waiting_for`] gives what waits for it, in order, in pieces;
//! 4. [`Node::forwarded`] says what came of each: held, or worth trying later, or else a notice for the member;
//! 5. [`Node::home_done`] ends the turn; what is left is tried again after a wait that doubles, with jitter;
//! 6. [`Node::unreached`] says which homes failed for so long that members are told ([`crate::Frame::Unreached`]): they may
//!    know another one for what waits. It is tried on all the same.

use super::{
    Node,
    about::Counters,
    keys::{self, Fields, kind},
    notice,
    party::Sums,
};
use crate::{
    Account, Damaged, Day, Envelope, EnvelopeId, Home, NodeKey, Outcome, Party, Pass, Shelf,
    ShelfRead, ShelfTable, home::HOME_BYTES,
};

/// The shortest wait before a home is tried again, in milliseconds: a connection over I2P may fail by chance.
const FIRST_WAIT_MILLIS: u64 = 30_000;
/// The longest such wait, in milliseconds: a relay that is back is found within the hour.
const LONGEST_WAIT_MILLIS: u64 = 60 * 60 * 1_000;
/// How long a home's turn lasts if nobody ends it, in milliseconds: longer than a connection over I2P and one batch take.
pub const HOME_TURN_MILLIS: u64 = 10 * 60 * 1_000;
/// The most homes for which something of one account waits: more than a group of fifty has, and few enough that an account
/// that names homes which are none holds up nobody for long.
const MAX_HOMES: u32 = 64;
/// After so many failures in a row members are told that a home is not reached: it was tried for half an hour at least, an
/// hour at most, and by then a relay was started anew, or a bad hour of I2P is over.
const UNREACHED_AFTER: u32 = 7;
/// The most entries [`Node::waiting_for`] gives at once: a window in flight.
const MAX_BATCH: usize = 64;
/// The most homes without anything waiting that one call of [`Node::due_home`] clears away.
const MAX_IDLE_HOMES: usize = 32;

/// An envelope that waits for a foreign home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number in the queue.
    pub number: u64,
    /// Token and work for the home.
    pub pass: Pass,
    /// The envelope.
    pub envelope: Envelope,
}

/// An entry of the queue.
struct Entry {
    by: Account,
    home: Home,
    id: EnvelopeId,
    pass: Pass,
    envelope: Envelope,
}

impl Entry {
    fn find<S: ShelfRead>(shelf: &S, number: u64) -> Result<Option<Self>, S::Error> {
        let found = shelf.get(ShelfTable::Forwards, &number.to_be_bytes())?;
        Ok(found.map(|bytes| Self::decode(&bytes)).transpose()?)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut fields = Fields(bytes);
        let by = Account(fields.array()?);
        let home = home(&mut fields)?;
        let id = fields.id()?;
        let (pass, envelope) = Pass::decode(fields.rest()).map_err(|_| Damaged)?;
        Ok(Self {
            by,
            home,
            id,
            pass,
            envelope: Envelope::decode(envelope.to_vec()).map_err(|_| Damaged)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        [
            self.by.0.as_slice(),
            &self.home.encode(),
            &self.id.0,
            &self.pass.encode(),
            self.envelope.as_bytes(),
        ]
        .concat()
    }

    fn bytes(&self) -> u64 {
        self.envelope.as_bytes().len() as u64
    }

    /// One account, one home, one envelope: one entry.
    fn once(&self) -> Vec<u8> {
        keys::forward(self.by, &self.home, &self.id)
    }

    /// Whether nothing of this account waits for this home.
    fn is_first<S: ShelfRead>(&self, shelf: &S) -> Result<bool, S::Error> {
        let end = |byte| keys::forward(self.by, &self.home, &EnvelopeId([byte; 32]));
        // Nothing hashes to all ones.
        let others = shelf.range(ShelfTable::ForwardIds, &end(0), Some(&end(0xff)), 1)?;
        Ok(others.is_empty())
    }

    fn ends(&self, number: u64) -> Vec<u8> {
        keys::day(
            self.envelope.header().expiry,
            kind::FORWARD,
            &[&number.to_be_bytes()],
        )
    }

    fn remove<S: Shelf>(&self, shelf: &mut S, number: u64) -> Result<(), S::Error> {
        shelf.delete(ShelfTable::Forwards, &number.to_be_bytes())?;
        shelf.delete(ShelfTable::ForwardHomes, &keys::by_home(&self.home, number))?;
        shelf.delete(ShelfTable::ForwardIds, &self.once())?;
        shelf.delete(ShelfTable::Days, &self.ends(number))?;
        let was_last = self.is_first(shelf)?;
        Sums::change(shelf, self.by, |sums| {
            sums.forwards = sums.forwards.saturating_sub(1);
            sums.forward_bytes = sums.forward_bytes.saturating_sub(self.bytes());
            sums.homes = sums.homes.saturating_sub(u32::from(was_last));
        })?;
        let mut counters = Counters::read(shelf)?;
        counters.forwards = counters.forwards.saturating_sub(self.bytes());
        counters.write(shelf)
    }
}

/// When a home is tried next.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    attempts: u32,
    next: u64,
}

impl Schedule {
    fn find<S: ShelfRead>(shelf: &S, home: &Home) -> Result<Option<Self>, S::Error> {
        let Some(bytes) = shelf.get(ShelfTable::Homes, &home.encode())? else {
            return Ok(None);
        };
        let mut fields = Fields(&bytes);
        Ok(Some(Self {
            attempts: fields.short()?,
            next: fields.long()?,
        }))
    }

    fn write<S: Shelf>(self, shelf: &mut S, home: &Home) -> Result<(), S::Error> {
        Self::remove(shelf, home)?;
        let mut bytes = self.attempts.to_be_bytes().to_vec();
        bytes.extend(self.next.to_be_bytes());
        shelf.put(ShelfTable::Homes, &home.encode(), &bytes)?;
        shelf.put(ShelfTable::Due, &self.due(home), &[])
    }

    /// Homes that failed come after all others that are due: a backlog of them holds up nobody else.
    fn due(self, home: &Home) -> Vec<u8> {
        [keys::due(self.attempts > 0, self.next), home.encode()].concat()
    }

    fn remove<S: Shelf>(shelf: &mut S, home: &Home) -> Result<(), S::Error> {
        if let Some(former) = Self::find(shelf, home)? {
            shelf.delete(ShelfTable::Due, &former.due(home))?;
            shelf.delete(ShelfTable::Homes, &home.encode())?;
        }
        Ok(())
    }
}

impl Node {
    /// A member wants an envelope put to a foreign home. If the home is this very node, it is put at once. What waits already
    /// takes this pass, and no notice of an earlier try is left.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn forward<S: Shelf>(
        &self,
        shelf: &mut S,
        now: u64,
        account: Account,
        home: Home,
        pass: &Pass,
        envelope: &Envelope,
    ) -> Result<Outcome, S::Error> {
        if home.node == self.key {
            return self.put(shelf, now, Party::Member(account), pass, envelope);
        }
        if let Err(error) = envelope.header().check_expiry(Day::of(now)) {
            return Ok(error.into());
        }
        let entry = Entry {
            by: account,
            home,
            id: envelope.id(),
            pass: *pass,
            envelope: envelope.clone(),
        };
        if let Some(number) = shelf.get(ShelfTable::ForwardIds, &entry.once())? {
            let number = Fields(&number).long()?;
            shelf.put(ShelfTable::Forwards, &number.to_be_bytes(), &entry.encode())?;
            self.noted(shelf, account, &entry.id)?;
            return Ok(Outcome::AlreadyHave);
        }
        let sums = Sums::read(shelf, account)?;
        let mut counters = Counters::read(shelf)?;
        let is_first = entry.is_first(shelf)?;
        // A notice about an earlier try ends with this one.
        let notice = notice::find(shelf, account, &entry.id)?;
        let notices = sums.notices.saturating_sub(u32::from(notice.is_some()));
        // Each forward may end as a notice, so both share one bound.
        if sums.forwards.saturating_add(notices) >= self.settings.forwards_per_account
            || sums.forward_bytes + entry.bytes() > self.settings.forward_share()
            || is_first && sums.homes >= MAX_HOMES
            || counters.forwards + entry.bytes() > self.settings.forward_bytes
        {
            return Ok(Outcome::QueueFull);
        }
        if let Some(number) = notice {
            notice::expire(shelf, account, number)?;
        }
        counters.newest_forward += 1;
        counters.forwards += entry.bytes();
        counters.write(shelf)?;
        Sums::change(shelf, account, |sums| {
            sums.forwards += 1;
            sums.forward_bytes += entry.bytes();
            sums.homes += u32::from(is_first);
        })?;
        let number = counters.newest_forward;
        let key = number.to_be_bytes();
        shelf.put(ShelfTable::Forwards, &key, &entry.encode())?;
        shelf.put(ShelfTable::ForwardHomes, &keys::by_home(&home, number), &[])?;
        shelf.put(ShelfTable::ForwardIds, &entry.once(), &key)?;
        shelf.put(ShelfTable::Days, &entry.ends(number), &[])?;
        if Schedule::find(shelf, &home)?.is_none() {
            let (attempts, next) = (0, now);
            Schedule { attempts, next }.write(shelf, &home)?;
        }
        Ok(Outcome::Accepted)
    }

    /// The homes for which something of an account waits, and that failed every time for half an hour or longer.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub(crate) fn unreached<S: ShelfRead>(
        shelf: &S,
        account: Account,
    ) -> Result<Vec<Home>, S::Error> {
        let mut unreached = Vec::new();
        let mut from = account.0.to_vec();
        let to = [account.0.as_slice(), &[0xff; HOME_BYTES], &[0xff; 32]].concat();
        // No more homes than one account may have.
        for _ in 0..MAX_HOMES {
            let first = shelf.range(ShelfTable::ForwardIds, &from, Some(&to), 1)?;
            let Some((key, _)) = first.first() else {
                break;
            };
            let mut fields = Fields(key);
            let (_, home) = (fields.array::<32>()?, home(&mut fields)?);
            let schedule = Schedule::find(shelf, &home)?;
            if schedule.is_some_and(|schedule| schedule.attempts >= UNREACHED_AFTER) {
                unreached.push(home);
            }
            // Nothing hashes to all ones.
            from = keys::forward(account, &home, &EnvelopeId([0xff; 32]));
        }
        Ok(unreached)
    }

    /// When the next home is due, in milliseconds since the epoch; `None` if nothing waits.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn next_due<S: ShelfRead>(&self, shelf: &S) -> Result<Option<u64>, S::Error> {
        let mut next = None;
        for has_failed in [false, true] {
            let (from, to) = (keys::due(has_failed, 0), keys::due(has_failed, u64::MAX));
            let first = shelf.range(ShelfTable::Due, &from, Some(&to), 1)?;
            if let Some((key, _)) = first.first() {
                let mut fields = Fields(key);
                let (_, at) = (fields.byte()?, fields.long()?);
                next = Some(next.map_or(at, |next: u64| next.min(at)));
            }
        }
        Ok(next)
    }

    /// A home whose turn it is; those that failed last time come after the others. The turn lasts until
    /// [`Node::home_done`], at most [`HOME_TURN_MILLIS`].
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn due_home<S: Shelf>(&self, shelf: &mut S, now: u64) -> Result<Option<Home>, S::Error> {
        for has_failed in [false, true] {
            let at = |time: u64| keys::due(has_failed, time);
            let (from, to) = (at(0), at(now.saturating_add(1)));
            let mut due = shelf.range(ShelfTable::Due, &from, Some(&to), MAX_IDLE_HOMES)?;
            // Nothing waits for so long, so the clock was ahead when that was written.
            let longest = LONGEST_WAIT_MILLIS + HOME_TURN_MILLIS;
            let (from, to) = (at(now.saturating_add(longest + 1)), at(u64::MAX));
            due.extend(shelf.range(ShelfTable::Due, &from, Some(&to), MAX_IDLE_HOMES)?);
            for (key, _) in due {
                let mut fields = Fields(&key);
                let (_, _, home) = (fields.byte()?, fields.long()?, home(&mut fields)?);
                if first_waiting(shelf, &home)?.is_none() {
                    Schedule::remove(shelf, &home)?;
                    continue;
                }
                let mut schedule = Schedule::find(shelf, &home)?.ok_or(Damaged)?;
                schedule.next = now.saturating_add(HOME_TURN_MILLIS);
                schedule.write(shelf, &home)?;
                return Ok(Some(home));
            }
        }
        Ok(None)
    }

    /// What waits for a home above a number, oldest first, without what has expired: at most `bytes` of envelopes, but at
    /// least one if there is any.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn waiting_for<S: ShelfRead>(
        &self,
        shelf: &S,
        now: u64,
        home: &Home,
        after: u64,
        bytes: u64,
    ) -> Result<Vec<Waiting>, S::Error> {
        let from = keys::by_home(home, after.saturating_add(1));
        let to = keys::by_home(home, u64::MAX);
        let mut left = bytes;
        let mut waiting = Vec::new();
        for (key, _) in shelf.range(ShelfTable::ForwardHomes, &from, Some(&to), MAX_BATCH)? {
            let (_, number) = key.split_at_checked(HOME_BYTES).ok_or(Damaged)?;
            let number = Fields(number).long()?;
            let entry = Entry::find(shelf, number)?.ok_or(Damaged)?;
            if entry.envelope.header().expiry <= Day::of(now) {
                continue;
            }
            if !waiting.is_empty() && entry.bytes() > left {
                break;
            }
            left = left.saturating_sub(entry.bytes());
            waiting.push(Waiting {
                number,
                pass: entry.pass,
                envelope: entry.envelope,
            });
        }
        Ok(waiting)
    }

    /// What a home said to an entry of the queue. Held: it goes. Worth trying later: it stays. Else the member is told.
    /// Whether it stays; so does what is good by this clock and not by the home's, which somebody may set.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn forwarded<S: Shelf>(
        &self,
        shelf: &mut S,
        now: u64,
        number: u64,
        outcome: Outcome,
    ) -> Result<bool, S::Error> {
        if outcome.is_passing() {
            return Ok(true);
        }
        let Some(entry) = Entry::find(shelf, number)? else {
            return Ok(false);
        };
        let today = Day::of(now);
        if matches!(outcome, Outcome::TooFar | Outcome::Expired)
            && entry.envelope.header().check_expiry(today).is_ok()
        {
            return Ok(true);
        }
        entry.remove(shelf, number)?;
        if !outcome.is_held() {
            notice::leave(shelf, today, entry.by, entry.id, outcome)?;
        }
        Ok(false)
    }

    /// The turn of a home ends. `is_served`: it was reached and nothing has to be tried later, so that whatever waits now
    /// is new and due at once. Else it is tried again after 30 s to 1 h, the longer the more often it failed; `random` is
    /// any number, so that relays do not call in step.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn home_done<S: Shelf>(
        &self,
        shelf: &mut S,
        now: u64,
        home: &Home,
        is_served: bool,
        random: u64,
    ) -> Result<(), S::Error> {
        if first_waiting(shelf, home)?.is_none() {
            return Schedule::remove(shelf, home);
        }
        let attempts = Schedule::find(shelf, home)?.map_or(0, |schedule| schedule.attempts);
        let schedule = if is_served {
            Schedule {
                attempts: 0,
                next: now,
            }
        } else {
            Schedule {
                attempts: attempts.saturating_add(1),
                next: now.saturating_add(wait(attempts, random)),
            }
        };
        schedule.write(shelf, home)
    }
}

/// An envelope expired while it waited.
pub(super) fn expire<S: Shelf>(shelf: &mut S, today: Day, number: u64) -> Result<(), S::Error> {
    let Some(entry) = Entry::find(shelf, number)? else {
        return Ok(());
    };
    entry.remove(shelf, number)?;
    notice::leave(shelf, today, entry.by, entry.id, Outcome::Unreachable)
}

/// Between the first wait doubled so many times and twice that, at most [`LONGEST_WAIT_MILLIS`].
fn wait(failures: u32, random: u64) -> u64 {
    let shortest = FIRST_WAIT_MILLIS
        .checked_shl(failures.min(16))
        .unwrap_or(LONGEST_WAIT_MILLIS)
        .min(LONGEST_WAIT_MILLIS / 2);
    shortest + random % (shortest + 1)
}

fn first_waiting<S: ShelfRead>(shelf: &S, home: &Home) -> Result<Option<Vec<u8>>, S::Error> {
    let (from, to) = (keys::by_home(home, 0), keys::by_home(home, u64::MAX));
    let first = shelf.range(ShelfTable::ForwardHomes, &from, Some(&to), 1)?;
    Ok(first.into_iter().next().map(|(key, _)| key))
}

fn home(fields: &mut Fields<'_>) -> Result<Home, Damaged> {
    Ok(Home {
        address: fields.array()?,
        node: NodeKey(fields.array()?),
    })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn waits_grow_from_half_a_minute_to_an_hour_with_jitter() {
        let waits = |failures| [wait(failures, 0), wait(failures, FIRST_WAIT_MILLIS)];
        assert_eq!(waits(0), [30_000, 60_000]);
        assert_eq!(waits(1), [60_000, 90_000]);
        for failures in 0..100 {
            for random in [0, 1, 12_345_678, u64::MAX] {
                assert!(
                    (FIRST_WAIT_MILLIS..=LONGEST_WAIT_MILLIS).contains(&wait(failures, random))
                );
            }
        }
        assert_eq!(wait(100, 1_800_000), LONGEST_WAIT_MILLIS);
    }
}
