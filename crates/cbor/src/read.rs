//! Heads and strings: what reading values and reading records share.

use crate::Error;

pub(crate) const UNSIGNED: u8 = 0;
pub(crate) const NEGATIVE: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
pub(crate) const SIMPLE: u8 = 7;

pub(crate) const FALSE: u64 = 20;
pub(crate) const TRUE: u64 = 21;
pub(crate) const NULL: u64 = 22;
pub(crate) const UNDEFINED: u64 = 23;
/// The byte that ends what has no length.
const BREAK: u8 = 0xff;

/// The first bytes of an item.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    /// What it is: one of the constants above.
    pub(crate) major: u8,
    /// How the argument was written: in this head (below 24), in 1 to 8 bytes (24 to 27).
    pub(crate) info: u8,
    /// Its number or length; `None`: until [`Reader::ended`].
    pub(crate) argument: Option<u64>,
}

/// Bytes yet to be read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// What the next item is.
    pub(crate) fn peek(&self) -> Result<u8, Error> {
        self.0.first().copied().ok_or(Error)
    }

    pub(crate) fn head(&mut self) -> Result<Head, Error> {
        let (first, rest) = self.0.split_first().ok_or(Error)?;
        self.0 = rest;
        let (major, info) = (first >> 5, first & 31);
        let argument = match info {
            0..24 => Some(u64::from(info)),
            24..28 => {
                let bytes = self.take(1 << (info - 24))?;
                Some(
                    bytes
                        .iter()
                        .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                )
            }
            31 if matches!(major, BYTES..=MAP) => None,
            _ => return Err(Error),
        };
        Ok(Head {
            major,
            info,
            argument,
        })
    }

    /// Whether another item of an array or a map follows, of which `left` were announced.
    pub(crate) fn more(&mut self, left: &mut Option<u64>) -> Result<bool, Error> {
        match left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.peek()? == BREAK => {
                self.take(1)?;
                *left = Some(0);
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let length = usize::try_from(length).map_err(|_| Error)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Error)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// As text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error)
}
