//! Envelopes that do not open yet.

use komrade_crypto::pairwise::Message as OlmMessage;
use komrade_ether::{Day, Envelope, MAX_DAYS_AHEAD, Outcome, unpad};
use komrade_store::{Query, Record, Table};
use komrade_view::{ComradeId, Millis};
use zeroize::Zeroizing;

use crate::open::{Open, Purpose};
use crate::pair::NotOpened;
use crate::records;
use crate::step::Step;
use crate::{keys, limits};

/// Waiting envelopes tried again in one step.
const RETRIES: usize = 50;
/// Envelopes that wait for somebody who has not been confirmed.
const MAX_WAITING_UNMET: usize = 20;

/// See [`Open::prospect`].
#[derive(PartialEq, Eq)]
pub(crate) struct Prospect {
    session: Option<[u8; 32]>,
    missing: u64,
    is_met: bool,
}

impl Open {
    pub(super) fn keep_waiting(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        envelope: &Envelope,
    ) -> Outcome {
        let Some(comrade) = self.comrades.get(&id) else {
            return Outcome::NotForMe;
        };
        let most = if comrade.record.is_met() {
            limits::MAX_WAITING_EACH
        } else {
            MAX_WAITING_UNMET
        };
        let own = self.waiting.range((id, [0; 32])..=(id, [0xff; 32]));
        let oldest = own.clone().min_by_key(|(_, expiry)| **expiry);
        let oldest = oldest.map(|((_, envelope), _)| *envelope);
        let is_full = own.count() >= most;
        if is_full && let Some(oldest) = oldest {
            self.drop_waiting(step, id, &oldest);
        } else if self.waiting.len() >= limits::MAX_WAITING {
            return Outcome::Full;
        }
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return Outcome::NotForMe;
        };
        let envelope_id = envelope.id();
        let furthest = Day::of(step.now).plus(MAX_DAYS_AHEAD);
        let expiry = envelope.header().expiry.min(furthest).0;
        comrade.pair.note_seen(&envelope_id);
        step.touched.pairs.insert(id);
        self.waiting.insert((id, envelope_id.0), expiry);
        step.write(
            Table::Waiting,
            keys::waiting(id, &envelope_id.0),
            records::encode(&expiry),
        );
        let bytes = Zeroizing::new(envelope.as_bytes().to_vec());
        step.write(
            Table::Waiting,
            keys::waiting_body(id, &envelope_id.0),
            bytes,
        );
        Outcome::Accepted
    }

    pub(crate) fn drop_waiting(&mut self, step: &mut Step, id: ComradeId, envelope: &[u8; 32]) {
        self.waiting.remove(&(id, *envelope));
        step.delete(Table::Waiting, keys::waiting(id, envelope));
        step.delete(Table::Waiting, keys::waiting_body(id, envelope));
    }

    /// What decides whether envelopes of this comrade open: one that did not may do so once this has
    /// changed.
    pub(crate) fn prospect(&self, id: ComradeId) -> Option<Prospect> {
        let comrade = self.comrades.get(&id)?;
        Some(Prospect {
            session: comrade.pair.newest_base_key(),
            missing: comrade.pair.received.missing_count(),
            is_met: comrade.record.is_met(),
        })
    }

    /// Tries envelopes of this comrade again if the prospect is another one than before.
    pub(crate) fn retry_if_changed(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        before: Option<Prospect>,
    ) {
        if self.prospect(id) != before {
            self.retry(step, id, None, false);
        }
    }

    /// Page by page, from the beginning again if what opened lets others open.
    fn retry(&mut self, step: &mut Step, id: ComradeId, above: Option<Vec<u8>>, opened: bool) {
        if self
            .waiting
            .range((id, [0; 32])..=(id, [0xff; 32]))
            .next()
            .is_none()
        {
            return;
        }
        let query = Query {
            table: Table::Waiting,
            prefix: keys::waiting_bodies(id),
            above,
            below: None,
            descending: false,
            limit: RETRIES,
        };
        let read = step.read(query);
        self.reads.insert(
            read,
            Purpose::Retry {
                comrade: id,
                opened,
            },
        );
    }

    /// Tries envelopes again that did not open.
    pub(crate) fn retried(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        mut opened: bool,
        records: Vec<Record>,
    ) {
        let before = self.prospect(id);
        let last = records.last().map(|record| record.key.clone());
        let next = last.filter(|_| records.len() == RETRIES);
        for record in records {
            let Some((_, envelope_id)) = keys::parse_waiting(&record.key) else {
                continue;
            };
            if !self.waiting.contains_key(&(id, envelope_id)) {
                continue;
            }
            let Ok(bytes) = self.unseal(Table::Waiting, &record) else {
                continue;
            };
            let Ok(envelope) = Envelope::decode(bytes.to_vec()) else {
                continue;
            };
            match self.try_again(step, id, &envelope) {
                Outcome::Busy | Outcome::Full => {}
                _ => self.drop_waiting(step, id, &envelope_id),
            }
        }
        opened |= self.prospect(id) != before;
        match next {
            Some(key) => self.retry(step, id, Some(key), opened),
            None if opened => self.retry(step, id, None, false),
            None => {}
        }
    }

    /// `Full`: it still does not open.
    pub(super) fn try_again(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        envelope: &Envelope,
    ) -> Outcome {
        let header = envelope.header();
        let Some(comrade) = self.comrades.get(&id) else {
            return Outcome::NotForMe;
        };
        let Some(found) = comrade.pair.find(&header.nonce, &header.hint) else {
            return Outcome::NotForMe;
        };
        let key = comrade.pair.receive_key(found);
        let content = key.and_then(|key| {
            key.open(&header.nonce, &header.encode(), envelope.ciphertext())
                .ok()
        });
        let message = content.and_then(|content| {
            unpad(&content)
                .ok()
                .and_then(|message| OlmMessage::decode(message).ok())
        });
        let Some(message) = message else {
            return Outcome::Malformed;
        };
        match self.open_message(id, found.rank, &message) {
            Ok(arrived) => self.take_packet(step, id, Some(found), arrived),
            Err(NotOpened::Spent) => Outcome::AlreadyHave,
            Err(NotOpened::Later) => Outcome::Full,
        }
    }

    /// Forgets waiting envelopes whose day has come.
    pub(crate) fn expire_waiting(&mut self, step: &mut Step) {
        let today = Day::of(step.now).0;
        let over: Vec<(ComradeId, [u8; 32])> = self
            .waiting
            .iter()
            .filter(|(_, expiry)| **expiry <= today)
            .map(|(key, _)| *key)
            .take(limits::SWEEP_RECORDS)
            .collect();
        step.again |= over.len() == limits::SWEEP_RECORDS;
        for (id, envelope) in over {
            if !step.has_room() {
                return;
            }
            self.drop_waiting(step, id, &envelope);
        }
    }

    /// When the next one's day comes.
    pub(crate) fn next_waiting_expiry(&self) -> Option<Millis> {
        self.waiting.values().min().map(|day| Day(*day).start())
    }
}
