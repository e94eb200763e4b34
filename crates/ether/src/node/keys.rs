//! The layout of a node's shelf: keys and fixed-width values, big-endian, so that keys order as numbers do.

use crate::{Account, Bucket, Damaged, Day, EnvelopeId, Home};

/// Kinds of what ends on a day; they follow the day in the key.
pub(super) mod kind {
    /// Day, bucket, id: an envelope, in the order of a reconciliation. Number, bytes, flags.
    pub const ITEM: u8 = 1;
    /// Day, bucket, first byte of ids: how many such envelopes, and the sum of their ids.
    pub const COUNT: u8 = 2;
    /// Day, account: bytes that it holds until then.
    pub const SHARE: u8 = 3;
    /// Day (of arrival and [`super::LOAD_DAYS`]), bucket: bytes and intros that arrived.
    pub const LOAD: u8 = 4;
    /// Day, account: when what it returned is no longer counted.
    pub const RETURNED: u8 = 5;
    /// Day, locator.
    pub const PLACED: u8 = 6;
    /// Day, number of a forward.
    pub const FORWARD: u8 = 7;
    /// Day, account, number of a notice.
    pub const NOTICE: u8 = 8;
}

/// How long the load of a day is kept: so that yesterday's is whole when asked, whatever the clock.
pub(super) const LOAD_DAYS: u32 = 3;

/// The key of something that ends on this day.
pub(super) fn day(day: Day, kind: u8, rest: &[&[u8]]) -> Vec<u8> {
    let mut key = day.0.to_be_bytes().to_vec();
    key.push(kind);
    rest.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// Where all that ends after this day begins.
pub(super) fn after_day(day: Day) -> Vec<u8> {
    day.plus(1).0.to_be_bytes().to_vec()
}

pub(super) fn bucket(bucket: Bucket) -> [u8; 2] {
    bucket.ordered().to_be_bytes()
}

pub(super) fn item(expiry: Day, shard: Bucket, id: &EnvelopeId) -> Vec<u8> {
    day(expiry, kind::ITEM, &[&bucket(shard), &id.0])
}

pub(super) fn count(expiry: Day, shard: Bucket, id: &EnvelopeId) -> Vec<u8> {
    let [first, ..] = id.0;
    day(expiry, kind::COUNT, &[&bucket(shard), &[first]])
}

pub(super) fn log(shard: Bucket, number: u64) -> Vec<u8> {
    [bucket(shard).as_slice(), &number.to_be_bytes()].concat()
}

pub(super) fn by_home(home: &Home, number: u64) -> Vec<u8> {
    [home.encode().as_slice(), &number.to_be_bytes()].concat()
}

pub(super) fn by_account(account: Account, number: u64) -> Vec<u8> {
    [account.0.as_slice(), &number.to_be_bytes()].concat()
}

pub(super) fn account_id(account: Account, id: &EnvelopeId) -> Vec<u8> {
    [account.0, id.0].concat()
}

/// Account, home, id: so that what an account has for one home lies together.
pub(super) fn forward(account: Account, home: &Home, id: &EnvelopeId) -> Vec<u8> {
    [account.0.as_slice(), &home.encode(), &id.0].concat()
}

/// Where the homes begin that are due at a time, among those that failed or those that did not.
pub(super) fn due(has_failed: bool, at: u64) -> Vec<u8> {
    [[u8::from(has_failed)].as_slice(), &at.to_be_bytes()].concat()
}

/// What is not read yet of a key or value.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*array)
    }

    pub fn byte(&mut self) -> Result<u8, Damaged> {
        self.array().map(|[byte]| byte)
    }

    pub fn short(&mut self) -> Result<u32, Damaged> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn long(&mut self) -> Result<u64, Damaged> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn day(&mut self) -> Result<Day, Damaged> {
        self.short().map(Day)
    }

    pub fn bucket(&mut self) -> Result<Bucket, Damaged> {
        self.array().map(u16::from_be_bytes).map(Bucket::from_code)
    }

    pub fn id(&mut self) -> Result<EnvelopeId, Damaged> {
        self.array().map(EnvelopeId)
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
