//! The record of a pair.

use komrade_crypto::pairwise::Session;
use komrade_social::{Acknowledgement, OperationId, Received};
use komrade_view::Millis;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Contact, KeyRecord, OfferRecord, Outer, Pair, Reported, SessionRecord, SessionState};
use crate::{
    own::SecretBytes,
    records::{self, Damaged},
};

impl Pair {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let sessions = self.sessions.iter().map(|state| SessionRecord {
            session: SecretBytes(state.session.to_bytes().to_vec()),
            rank: state.rank,
            moves: state.moves,
            order: state.order,
            unanswered: state.unanswered,
        });
        records::encode(&PairRecord {
            sequence: self.sequence,
            previous: self.previous.map(|id| id.0),
            received: serde_bytes::ByteBuf::from(self.received.encode()),
            acknowledged: serde_bytes::ByteBuf::from(self.acknowledged.encode()),
            acknowledged_at: self.acknowledged_at,
            heard_at: self.heard_at,
            copied_up_to: self.copied_up_to,
            report_due: self.report_due,
            reported_at: self.reported_at,
            reported_partial: self.reported_partial,
            reported_in: self.reported_in,
            asked_at: self.asked_at,
            bundle: self.bundle.clone().map(serde_bytes::ByteBuf::from),
            bundle_number: self.bundle_number,
            bundle_told: self.bundle_told,
            homes_told: self.homes_told,
            homes_operation: self.homes_operation,
            homes_told_at: self.homes_told_at,
            homes_repeated: self.homes_repeated,
            renewed_at: self.renewed_at,
            is_stuck: self.is_stuck,
            offered_at: self.offered_at,
            profile_sequence: self.profile_sequence,
            homes_sequence: self.homes_sequence,
            homes_time: self.homes_time,
            contacts: self.contacts.clone(),
            sessions: sessions.collect(),
            clock: self.clock,
            send: self.send.as_ref().map(|outer| outer.record.clone()),
            offer: self.offer.clone(),
            receive: self
                .receive
                .iter()
                .map(|outer| outer.record.clone())
                .collect(),
            base_keys: self
                .base_keys
                .iter()
                .map(|key| serde_bytes::ByteArray::new(*key))
                .collect(),
            seen: self
                .seen
                .iter()
                .map(|start| serde_bytes::ByteArray::new(*start))
                .collect(),
            former: self
                .former
                .iter()
                .map(|id| serde_bytes::ByteArray::new(id.0))
                .collect(),
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let record: PairRecord = records::decode(bytes)?;
        let session = |record: SessionRecord| {
            let session = Session::from_bytes(&record.session.0).map_err(|_| Damaged)?;
            let SessionRecord {
                rank,
                moves,
                order,
                unanswered,
                ..
            } = record;
            Ok(SessionState {
                session,
                rank,
                moves,
                order,
                unanswered,
            })
        };
        Ok(Self {
            sequence: record.sequence,
            previous: record.previous.map(OperationId),
            received: Received::decode(&record.received).map_err(|_| Damaged)?,
            acknowledged: Acknowledgement::decode(&record.acknowledged).map_err(|_| Damaged)?,
            acknowledged_at: record.acknowledged_at,
            heard_at: record.heard_at,
            copied_up_to: record.copied_up_to,
            report_due: record.report_due,
            reported_at: record.reported_at,
            reported_partial: record.reported_partial,
            reported_in: record.reported_in,
            asked_at: record.asked_at,
            bundle: record.bundle.map(serde_bytes::ByteBuf::into_vec),
            bundle_number: record.bundle_number,
            bundle_told: record.bundle_told,
            homes_told: record.homes_told,
            homes_operation: record.homes_operation,
            homes_told_at: record.homes_told_at,
            homes_repeated: record.homes_repeated,
            renewed_at: record.renewed_at,
            is_stuck: record.is_stuck,
            offered_at: record.offered_at,
            profile_sequence: record.profile_sequence,
            homes_sequence: record.homes_sequence,
            homes_time: record.homes_time,
            links: record
                .contacts
                .iter()
                .map(|contact| contact.reunion.link())
                .collect(),
            contacts: record.contacts,
            sessions: record
                .sessions
                .into_iter()
                .map(session)
                .collect::<Result<_, _>>()?,
            clock: record.clock,
            send: record.send.map(Outer::from),
            offer: record.offer,
            receive: record.receive.into_iter().map(Outer::from).collect(),
            base_keys: record.base_keys.into_iter().map(|key| *key).collect(),
            seen: record.seen.into_iter().map(|start| *start).collect(),
            former: record
                .former
                .into_iter()
                .map(|id| OperationId(*id))
                .collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct PairRecord {
    sequence: u64,
    previous: Option<[u8; 32]>,
    received: serde_bytes::ByteBuf,
    acknowledged: serde_bytes::ByteBuf,
    acknowledged_at: Millis,
    #[serde(default)]
    heard_at: Millis,
    #[serde(default)]
    copied_up_to: u64,
    report_due: bool,
    #[serde(default)]
    reported_at: Millis,
    #[serde(default)]
    reported_partial: bool,
    #[serde(default)]
    reported_in: Option<Reported>,
    asked_at: Option<Millis>,
    bundle: Option<serde_bytes::ByteBuf>,
    bundle_number: u64,
    bundle_told: u64,
    homes_told: Option<[u8; 32]>,
    #[serde(default)]
    homes_operation: Option<u64>,
    #[serde(default)]
    homes_told_at: Millis,
    #[serde(default)]
    homes_repeated: u8,
    renewed_at: Option<Millis>,
    #[serde(default)]
    is_stuck: bool,
    offered_at: Option<Millis>,
    profile_sequence: u64,
    homes_sequence: u64,
    #[serde(default)]
    homes_time: Millis,
    contacts: Vec<Contact>,
    sessions: Vec<SessionRecord>,
    clock: u64,
    send: Option<KeyRecord>,
    offer: Option<OfferRecord>,
    receive: Vec<KeyRecord>,
    base_keys: Vec<serde_bytes::ByteArray<32>>,
    seen: Vec<serde_bytes::ByteArray<16>>,
    #[serde(default)]
    former: Vec<serde_bytes::ByteArray<32>>,
}
