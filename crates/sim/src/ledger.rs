//! What was written, shown, sealed and read, as far as the world has seen it.

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::audit::{Heard, Seal};
use komrade_view::Millis;

use crate::settings::DAY;

/// How long after a copy was put back (or the other copy ended) its comrades may take to notice.
pub(crate) const GRACE: Millis = 3 * DAY;

/// A copy that was put back and is not in use yet.
const NOT_YET: Millis = Millis::MAX;

/// A message.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub from: usize,
    pub at: Millis,
    /// The device said that it is kept.
    pub kept: bool,
    /// When others' devices first showed it.
    pub shown: BTreeMap<usize, Millis>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Ledger {
    pub written: Vec<Written>,
    /// When the profile of a person was copied, and when that copy was put back or ended.
    weak: BTreeMap<usize, Vec<(Millis, Millis)>>,
    /// When a copy of the profile of a person was made that was put back, and when that was.
    set_back: BTreeMap<usize, Vec<(Millis, Millis)>>,
    /// When somebody made an invite for somebody else last.
    invites: BTreeMap<(usize, usize), Millis>,
    /// When the device of a person first knew somebody, by what that person is called.
    known: BTreeMap<usize, BTreeMap<String, Millis>>,
    seals: BTreeSet<[u8; 16]>,
    keys: BTreeMap<([u8; 32], u64), [u8; 32]>,
    /// Pairs that were used twice.
    pub repeated: Vec<String>,
}

impl Ledger {
    /// Somebody is about to write. Gives the number of the message.
    pub fn write(&mut self, from: usize, at: Millis) -> usize {
        self.written.push(Written {
            from,
            at,
            ..Written::default()
        });
        self.written.len() - 1
    }

    /// The device said that it keeps it.
    pub fn kept(&mut self, number: usize) {
        if let Some(written) = self.written.get_mut(number) {
            written.kept = true;
        }
    }

    /// A text of somebody else was shown.
    pub fn shown(&mut self, now: Millis, to: usize, text: &str) {
        if let Some(written) = number(text).and_then(|number| self.written.get_mut(number)) {
            written.shown.entry(to).or_insert(now);
        }
    }

    /// A copy of this person's profile, taken then, was put back or ended now.
    pub fn weaken(&mut self, person: usize, copied: Millis, back: Millis) {
        self.weak.entry(person).or_default().push((copied, back));
    }

    /// The same, and it was put back: whom they met meanwhile they know no more. Their comrades can tell nothing to a device that
    /// does not run: see [`Ledger::runs`].
    pub fn set_back(&mut self, person: usize, copied: Millis, back: Millis) {
        self.weaken(person, copied, NOT_YET);
        self.set_back
            .entry(person)
            .or_default()
            .push((copied, back));
    }

    /// The device of this person runs: what was put back is in use from now on.
    pub fn runs(&mut self, person: usize, now: Millis) {
        let weak = self.weak.get_mut(&person).into_iter().flatten();
        for (_, back) in weak.filter(|(_, back)| *back == NOT_YET) {
            *back = now;
        }
    }

    /// Somebody made an invite for somebody else.
    pub fn invites(&mut self, from: usize, to: usize, now: Millis) {
        self.invites.insert((from, to), now);
    }

    /// Whether the device of whoever made an invite was set back to before that: it knows nothing of it.
    pub fn has_unmade(&self, from: usize, to: usize) -> bool {
        let made = self.invites.get(&(from, to));
        let mut backs = self.set_back.get(&from).into_iter().flatten();
        made.is_some_and(|made| backs.any(|(copied, back)| copied < made && made <= back))
    }

    /// The device of a person knows somebody.
    pub fn knows(&mut self, person: usize, whom: &str, now: Millis) {
        let known = self.known.entry(person).or_default();
        if !known.contains_key(whom) {
            known.insert(whom.to_owned(), now);
        }
    }

    /// Whether a device was set back to before it knew somebody: nothing can tell it of them, and they have to meet anew.
    pub fn has_forgotten(&self, person: usize, whom: &str) -> bool {
        let met = self.known.get(&person).and_then(|known| known.get(whom));
        let mut backs = self.set_back.get(&person).into_iter().flatten();
        met.is_some_and(|met| backs.any(|(copied, back)| copied < met && met <= back))
    }

    pub fn is_ever_weak(&self, person: usize) -> bool {
        self.weak.contains_key(&person)
    }

    /// Whether no more is promised of a message than that it is not shown twice.
    ///
    /// Who writes from a copy uses numbers and keys again that were used before, until comrades have told of it; and what
    /// was shown on a device after it was copied is gone from it once the copy is put back.
    pub fn is_weak(&self, written: &Written, to: usize) -> bool {
        let of = |person: usize| self.weak.get(&person).into_iter().flatten();
        let author = of(written.from).any(|(copied, back)| {
            written.at >= *copied && written.at <= back.saturating_add(GRACE)
        });
        let shown = written.shown.get(&to);
        let reader = of(to).any(|(copied, back)| {
            written.at <= back.saturating_add(GRACE) && shown.is_none_or(|shown| shown >= copied)
        });
        author || reader
    }

    /// Whether nothing is promised of a message of a conversation that its author keeps, but that it is not shown twice: what was
    /// on its way to somebody, or shown to them, after their profile was copied is gone with the half that took it.
    pub fn may_be_lost(&self, written: &Written, to: usize) -> bool {
        let mut copies = self.weak.get(&to).into_iter().flatten();
        let shown = written.shown.get(&to);
        copies
            .any(|(copied, back)| written.at <= *back && shown.is_none_or(|shown| shown >= copied))
    }

    /// Seals of one step.
    pub fn sealed(&mut self, seals: Vec<Seal>) {
        for (key, nonce) in seals {
            // Half of the key's hash and the nonce's end are as good as both.
            let mut pair = [0; 16];
            for (byte, part) in pair.iter_mut().zip(key) {
                *byte = part;
            }
            for (byte, part) in pair.iter_mut().zip(nonce) {
                *byte = byte.rotate_left(3) ^ part;
            }
            if !self.seals.insert(pair) {
                self.repeated.push("a key and nonce of a seal".to_owned());
            }
        }
    }

    /// Olm messages that were read, by the key that encrypted them.
    pub fn heard(&mut self, heard: Vec<Heard>) {
        for (key, message) in heard {
            let first = *self.keys.entry(key).or_insert(message);
            // A copy has the ratchets of the other: what one of them encrypts with, the other does, too.
            if first != message && self.weak.is_empty() {
                self.repeated.push("an Olm message key".to_owned());
            }
        }
    }

    /// How much was looked at.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.written.len(), self.seals.len(), self.keys.len())
    }
}

/// Which message a text is.
pub(crate) fn number(text: &str) -> Option<usize> {
    text.strip_prefix('m')?.split(' ').next()?.parse().ok()
}
