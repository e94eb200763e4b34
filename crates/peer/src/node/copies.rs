//! Copies that comrades' devices bring ([`super::seeking`]): kept, and opened if they are for this device.
//!
//! What is for this device is opened when all has come, in the order in which it was written, and kept in
//! the same step: after a crash before that it is brought again.

use komrade_crypto::pairwise::Message as OlmMessage;
use komrade_ether::{Day, Envelope, Outcome, unpad};
use komrade_view::ComradeId;

use super::comparing::{Shared, With};
use crate::{LinkId, inbox::Source, limits, open::Open, step::Step};

/// Mail that is opened in one step: as when it comes from a node.
const MAIL: usize = 100;

/// Mail of a comrade's device.
pub(super) struct Mail {
    link: LinkId,
    /// Of which node it is said to be.
    tag: u64,
    envelope: Envelope,
}

impl Open {
    /// A copy came: what is answered tells nothing of whom it is for.
    pub(super) fn take_copy(
        &mut self,
        step: &mut Step,
        link: LinkId,
        comrade: ComradeId,
        envelope: Envelope,
    ) -> Outcome {
        let (now, is_full) = (step.now, self.is_store_full(step.now));
        let is_held = self.node.saver.is_held();
        let Some(comparing) = self.comparing(link).filter(|it| it.is_ready()) else {
            return Outcome::NotAllowed;
        };
        let With::Device(Shared {
            tag, takes: true, ..
        }) = comparing.with
        else {
            return Outcome::NotAllowed;
        };
        if is_held {
            return Outcome::NotAllowed;
        }
        if is_full {
            return Outcome::Full;
        }
        if let Err(error) = envelope.header().check_expiry(Day::of(now)) {
            return error.into();
        }
        if !comparing.note_came(envelope.id(), now) {
            return Outcome::Accepted;
        }
        let bytes = envelope.as_bytes().len();
        if !self.may_exchange(comrade, bytes, now) {
            return Outcome::OverShare;
        }
        if !self.is_recognised(Source::Copy, &envelope) {
            self.note_stranger(&envelope);
            self.keep_copy(step, tag, envelope);
            return Outcome::Accepted;
        }
        let seeking = &mut self.node.seeking;
        let sum = seeking.mail_bytes.saturating_add(bytes);
        if sum > 2 * limits::COPIED_MAIL_BYTES {
            // It can be brought again.
            seeking.is_cut = true;
            return Outcome::Accepted;
        }
        seeking.mail_bytes = sum;
        seeking.mail.push(Mail {
            link,
            tag,
            envelope,
        });
        if sum >= limits::COPIED_MAIL_BYTES && seeking.opening.is_empty() {
            self.sort_copies();
        }
        Outcome::Accepted
    }

    /// What is here is to be opened: in the order in which it was written, or a ratchet would have to
    /// remember more keys of skipped messages than it does.
    pub(super) fn sort_copies(&mut self) {
        let mut mail = std::mem::take(&mut self.node.seeking.mail);
        mail.sort_by_cached_key(|mail| self.place_of(&mail.envelope));
        self.node.seeking.opening.extend(mail);
    }

    /// Where an envelope stands in the talk of two devices; what is of no such talk comes first.
    pub(super) fn place_of(&self, envelope: &Envelope) -> Option<(ComradeId, [u8; 32], u64)> {
        let header = envelope.header();
        let (id, found) = self.find_sender(Source::Copy, envelope)?;
        let key = self.comrades.get(&id)?.pair.receive_key(found)?;
        let opened = key.open(&header.nonce, &header.encode(), envelope.ciphertext());
        let message = OlmMessage::decode(unpad(&opened.ok()?).ok()?).ok()?;
        let (chain, number) = message.place();
        Some((id, chain, number))
    }

    /// Opens mail that came, as much as fits in a step.
    pub(super) fn open_copies(&mut self, step: &mut Step) {
        if self.node.seeking.hold_until > step.now {
            return;
        }
        for _ in 0..MAIL {
            let Some(mail) = self.node.seeking.opening.pop_front() else {
                return self.note_compared(step);
            };
            let Mail {
                link,
                tag,
                envelope,
            } = &mail;
            let outcome = self.take_envelope(step, *link, Source::Copy, envelope);
            let is_full = self.is_store_full(step.now);
            let seeking = &mut self.node.seeking;
            if is_full {
                // All of it can be brought again.
                seeking.opening.clear();
                seeking.ended.clear();
                seeking.mail_bytes = 0;
                continue;
            }
            if outcome == Outcome::Busy && envelope.header().class.intro {
                seeking.opening.push_front(mail);
                let minute = step.now / limits::MINUTE;
                seeking.hold_until = minute.saturating_add(1).saturating_mul(limits::MINUTE);
                return;
            }
            let bytes = envelope.as_bytes().len();
            seeking.mail_bytes = seeking.mail_bytes.saturating_sub(bytes);
            let tag = *tag;
            self.keep_copy(step, tag, mail.envelope);
        }
        step.again = true;
    }

    /// All that came is kept: what was compared need not be compared again soon.
    fn note_compared(&mut self, step: &mut Step) {
        for (id, tag) in std::mem::take(&mut self.node.seeking.ended) {
            let record = self.comrades.get_mut(&id).map(|it| &mut it.record);
            let mut common = record.into_iter().flat_map(|it| &mut it.common);
            if let Some(common) = common.find(|common| common.tag == tag) {
                common.compared_at = Some(step.now);
                step.touched.comrades.insert(id);
            }
        }
    }
}
