//! Who may put what, and what putting writes.

use super::{
    Node, RETURN_MILLIS,
    about::Counters,
    items::{Count, Sum},
    keys::{self, Fields, kind},
    log,
    party::{self, Sums},
};
use crate::{
    Account, Bucket, Class, Damaged, Day, Envelope, EnvelopeId, Outcome, Party, Pass, Shelf,
    ShelfRead, ShelfTable, Work,
    work::{self, MAX_WORK_BITS},
};

/// Intros taken in a day before they cost more: an eighth of the default bound, more than a large group meets.
const CHEAP_INTROS: u32 = 250;
/// Into how many steps the filling of a part is divided; work rises from the middle on.
const FILL_STEPS: u64 = 8;

/// Whose part of the room an envelope takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Members, who put or returned it.
    Members = 0,
    /// Strangers, with a token.
    Tokens = 1,
    /// Strangers, who showed nothing but work.
    Work = 2,
}

impl Part {
    fn decode(byte: u8) -> Result<Self, Damaged> {
        match byte {
            0 => Ok(Self::Members),
            1 => Ok(Self::Tokens),
            2 => Ok(Self::Work),
            _ => Err(Damaged),
        }
    }
}

/// What stands with an envelope in the order of days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub expiry: Day,
    pub shard: Bucket,
    pub id: EnvelopeId,
    pub number: u64,
    pub bytes: u64,
    pub part: Part,
}

impl Item {
    pub fn key(&self) -> Vec<u8> {
        keys::item(self.expiry, self.shard, &self.id)
    }

    fn value(&self) -> Vec<u8> {
        let mut value = self.number.to_be_bytes().to_vec();
        value.extend(self.bytes.to_be_bytes());
        value.push(self.part as u8);
        value
    }

    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, Damaged> {
        let mut fields = Fields(key);
        let expiry = fields.day()?;
        let (_, shard, id) = (fields.byte()?, fields.bucket()?, fields.id()?);
        let mut fields = Fields(value);
        Ok(Self {
            expiry,
            shard,
            id,
            number: fields.long()?,
            bytes: fields.long()?,
            part: Part::decode(fields.byte()?)?,
        })
    }

    /// Takes the envelope away, but for the counts of its day.
    pub fn remove<S: Shelf>(&self, shelf: &mut S, counters: &mut Counters) -> Result<(), S::Error> {
        shelf.delete(ShelfTable::Days, &self.key())?;
        shelf.delete(ShelfTable::Envelopes, &self.id.0)?;
        shelf.delete(ShelfTable::Log, &keys::log(self.shard, self.number))?;
        counters.room.take(self.part, self.bytes);
        Ok(())
    }
}

/// What arrived in a bucket on a day, without the bytes that work alone brought.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Load {
    pub bytes: u64,
    pub intros: u32,
}

impl Load {
    pub fn key(arrived: Day, rest: &[u8]) -> Vec<u8> {
        keys::day(arrived.plus(keys::LOAD_DAYS), kind::LOAD, &[rest])
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut fields = Fields(bytes);
        Ok(Self {
            bytes: fields.long()?,
            intros: fields.short()?,
        })
    }

    fn read<S: ShelfRead>(shelf: &S, arrived: Day, shard: Bucket) -> Result<Self, S::Error> {
        let key = Self::key(arrived, &keys::bucket(shard));
        let found = shelf.get(ShelfTable::Days, &key)?;
        Ok(found
            .map(|bytes| Self::decode(&bytes))
            .transpose()?
            .unwrap_or_default())
    }

    fn write<S: Shelf>(self, shelf: &mut S, arrived: Day, shard: Bucket) -> Result<(), S::Error> {
        let mut bytes = self.bytes.to_be_bytes().to_vec();
        bytes.extend(self.intros.to_be_bytes());
        let key = Self::key(arrived, &keys::bucket(shard));
        shelf.put(ShelfTable::Days, &key, &bytes)
    }
}

impl Node {
    /// Somebody puts an envelope, of which `pass` says why it should be taken.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn put<S: Shelf>(
        &self,
        shelf: &mut S,
        now: u64,
        party: Party,
        pass: &Pass,
        envelope: &Envelope,
    ) -> Result<Outcome, S::Error> {
        let (header, id, today) = (envelope.header(), envelope.id(), Day::of(now));
        if let Err(error) = header.check_expiry(today) {
            return Ok(error.into());
        }
        let is_kept = shelf.get(ShelfTable::Envelopes, &id.0)?.is_some();
        if is_kept && party.account().is_some() {
            return Ok(Outcome::AlreadyHave);
        }
        let about = self.about(shelf)?;
        let mut counters = Counters::read(shelf)?;
        let shard = header.in_bucket().within(about.bits);
        let mut load = Load::read(shelf, today, shard)?;
        let has_token = pass.token.is_some_and(|token| about.knows(token, today));
        let part = match party {
            Party::Member(_) => Part::Members,
            Party::Stranger if has_token => Part::Tokens,
            Party::Stranger => Part::Work,
        };
        let due = self.bits_due(&counters, load, part, header.class);
        if let Some(refusal) = due.and_then(|bits| self.refuse_pass(pass, bits, envelope, today)) {
            return Ok(refusal);
        }
        // Only now: what is kept here is nothing that a stranger learns for free.
        if is_kept {
            return Ok(Outcome::AlreadyHave);
        }
        let is_intro = header.class.intro;
        if is_intro && load.intros >= self.settings.intros_per_day {
            return Ok(Outcome::Busy);
        }
        let bytes = header.class.size.bytes() as u64;
        if let Some(refusal) = self.refuse_room(shelf, &counters, party, part, bytes)? {
            return Ok(refusal);
        }
        if part != Part::Work {
            load.bytes += bytes;
        }
        load.intros += u32::from(is_intro);
        load.write(shelf, today, shard)?;
        if let Some(account) = party.account() {
            party::hold(shelf, &mut counters, account, header.expiry, bytes)?;
        }
        keep(shelf, &mut counters, shard, envelope, &id, part)?;
        counters.write(shelf)?;
        Ok(Outcome::Accepted)
    }

    /// A member returns an envelope that a former incarnation had taken. Possible for [`RETURN_MILLIS`], up to half the
    /// room in all, in equal shares of those who do; it is not counted as the member's own. Intros count among
    /// those of the day: they cost no work here, and every peer opens them.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn give_back<S: Shelf>(
        &self,
        shelf: &mut S,
        now: u64,
        account: Account,
        envelope: &Envelope,
    ) -> Result<Outcome, S::Error> {
        let (header, id) = (envelope.header(), envelope.id());
        let today = Day::of(now);
        if let Err(error) = header.check_expiry(today) {
            return Ok(error.into());
        }
        if shelf.get(ShelfTable::Envelopes, &id.0)?.is_some() {
            return Ok(Outcome::AlreadyHave);
        }
        let about = self.about(shelf)?;
        let until = about.since.saturating_add(RETURN_MILLIS);
        if now >= until {
            return Ok(Outcome::NotAllowed);
        }
        let shard = header.in_bucket().within(about.bits);
        let mut load = Load::read(shelf, today, shard)?;
        if header.class.intro && load.intros >= self.settings.intros_per_day {
            return Ok(Outcome::Busy);
        }
        let mut counters = Counters::read(shelf)?;
        let mut sums = Sums::read(shelf, account)?;
        let bytes = header.class.size.bytes() as u64;
        let returners = counters.returners + u64::from(sums.returned == 0);
        if sums.returned + bytes > self.settings.returned_share(returners) {
            return Ok(Outcome::OverShare);
        }
        if counters.returned + bytes > self.settings.returned()
            || counters.room.members + bytes > self.settings.members()
        {
            return Ok(Outcome::Full);
        }
        if sums.returned == 0 {
            let ends = keys::day(Day::of(until).plus(1), kind::RETURNED, &[&account.0]);
            shelf.put(ShelfTable::Days, &ends, &[])?;
        }
        counters.returners = returners;
        counters.returned += bytes;
        sums.returned += bytes;
        sums.write(shelf, account)?;
        if header.class.intro {
            load.intros += 1;
            load.write(shelf, today, shard)?;
        }
        keep(shelf, &mut counters, shard, envelope, &id, Part::Members)?;
        counters.write(shelf)?;
        Ok(Outcome::Accepted)
    }

    /// An envelope that is kept and has not expired.
    pub(crate) fn kept<S: ShelfRead>(
        shelf: &S,
        id: &EnvelopeId,
        today: Day,
    ) -> Result<Option<Envelope>, S::Error> {
        let Some(bytes) = shelf.get(ShelfTable::Envelopes, &id.0)? else {
            return Ok(None);
        };
        let envelope = Envelope::decode(bytes).map_err(|_| Damaged)?;
        Ok(Some(envelope).filter(|envelope| envelope.header().expiry > today))
    }

    /// Bits of the work that is due, if some is: more for what is large, and the fuller it gets.
    fn bits_due(&self, counters: &Counters, load: Load, part: Part, class: Class) -> Option<u8> {
        let mut bits = u32::from(self.settings.work_bits);
        if !class.intro && part != Part::Work {
            return None;
        }
        if class.intro {
            bits += (load.intros / CHEAP_INTROS).max(1).ilog2();
        }
        if part == Part::Work {
            bits += work::size_bits(class.size);
            let steps = |used: u64, room: u64| used.saturating_mul(FILL_STEPS) / room.max(1);
            let room = &counters.room;
            let filled = steps(room.work, self.settings.tokenless())
                .max(steps(room.strangers(), self.settings.strangers()));
            let further = filled.min(FILL_STEPS).saturating_sub(FILL_STEPS / 2);
            bits += u32::try_from(further).unwrap_or(0);
        }
        Some(
            u8::try_from(bits)
                .unwrap_or(MAX_WORK_BITS)
                .min(MAX_WORK_BITS),
        )
    }

    /// Why a pass is not enough where work of so many bits is due, if it is not.
    fn refuse_pass(
        &self,
        pass: &Pass,
        bits: u8,
        envelope: &Envelope,
        today: Day,
    ) -> Option<Outcome> {
        let is_enough = |work: Work, bits| work.is_enough(&envelope.id(), &self.key, bits, today);
        match pass.work {
            Some(work) if is_enough(work, bits) => None,
            // It was enough when it was done, or less is due elsewhere.
            Some(work) if is_enough(work, 0) => Some(Outcome::NeedsWork(bits)),
            Some(_) => Some(Outcome::WrongWork),
            None if pass.token.is_some() && !envelope.header().class.intro => {
                Some(Outcome::WrongToken)
            }
            None => Some(Outcome::NeedsWork(bits)),
        }
    }

    /// Why so many bytes more of this party have no room, if they have none. Strangers and members each have their
    /// own part, so that neither drives out what was acknowledged to the other.
    fn refuse_room<S: ShelfRead>(
        &self,
        shelf: &S,
        counters: &Counters,
        party: Party,
        part: Part,
        bytes: u64,
    ) -> Result<Option<Outcome>, S::Error> {
        let room = &counters.room;
        let Some(account) = party.account() else {
            let is_over = room.strangers() + bytes > self.settings.strangers()
                || part == Part::Work && room.work + bytes > self.settings.tokenless();
            return Ok(is_over.then_some(Outcome::OverShare));
        };
        let held = Sums::read(shelf, account)?.held;
        let sharers = counters.sharers + u64::from(party::becomes_sharer(held, bytes));
        if held + bytes > self.settings.share(sharers) {
            return Ok(Some(Outcome::OverShare));
        }
        let is_full = room.members + bytes > self.settings.members();
        Ok(is_full.then_some(Outcome::Full))
    }
}

/// Writes an envelope under the next number.
fn keep<S: Shelf>(
    shelf: &mut S,
    counters: &mut Counters,
    shard: Bucket,
    envelope: &Envelope,
    id: &EnvelopeId,
    part: Part,
) -> Result<(), S::Error> {
    counters.newest += 1;
    let item = Item {
        expiry: envelope.header().expiry,
        shard,
        id: *id,
        number: counters.newest,
        bytes: envelope.as_bytes().len() as u64,
        part,
    };
    counters.room.give(part, item.bytes);
    shelf.put(ShelfTable::Envelopes, &id.0, envelope.as_bytes())?;
    let value = log::value(id, envelope.header().class);
    shelf.put(ShelfTable::Log, &keys::log(shard, item.number), &value)?;
    shelf.put(ShelfTable::Days, &item.key(), &item.value())?;
    let key = keys::count(item.expiry, shard, id);
    let found = shelf.get(ShelfTable::Days, &key)?;
    let counted = found
        .map(|value| Count::decode(&value))
        .transpose()?
        .unwrap_or_default();
    let more = Count {
        items: counted.items + 1,
        sum: counted.sum.plus(Sum::of(&id.0)),
    };
    shelf.put(ShelfTable::Days, &key, &more.encode())
}
