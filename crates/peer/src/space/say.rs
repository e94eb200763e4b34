//! What this device says in a collective: operations, signed, kept, sealed, sent.

use komrade_crypto::{day_of, group::Commit};
use komrade_social::{
    DeviceId, Head, MAX_HEADS,
    collective::{Body, Fields, Operation, Subject},
};
use komrade_store::Table;
use komrade_view::{CollectiveId, Millis, Refusal};
use rand_core::CryptoRng;

use super::{
    Draft, OperationRecord, Space,
    frame::{Bundle, Load},
    outbox::What,
    places,
    society::refusal,
};
use crate::{limits, open::Open, records, step::Step};

impl Space {
    /// The fields of this device's next operation.
    fn fields(&self, body: Body, now: Millis) -> Fields {
        let rules = self.society.constitution();
        let expiry_day = match &body {
            Body::Text { .. } => {
                let days = rules.map_or(limits::EXPIRY_DAYS, |rules| rules.expiry_days);
                day_of(now).saturating_add(days)
            }
            Body::Seed { .. } => {
                day_of(now).saturating_add(komrade_crypto::group::rules::LASTING_DAYS)
            }
            // What says who belongs, and where, is wanted as long as there are members.
            _ => u32::MAX,
        };
        Fields {
            space: Some(self.id()),
            person: self.own.person,
            device: DeviceId(self.own.device),
            sequence: self.record.sequence.saturating_add(1),
            previous: self
                .record
                .previous
                .map(|id| komrade_social::OperationId(*id)),
            seen: self.seen_heads(&body),
            context: self.society.heads(),
            // A clock that was set back must not make this device contradict itself.
            time: now.max(self.record.spoke_at),
            expiry_day,
            body,
        }
    }

    /// The newest operations of the other members' devices: of those heard last. Whoever puts a removal into force names
    /// those of who goes; what came later of somebody who went is void, and nobody need have it.
    /// Not beside every slice of a seed: with a slice for one device it would not fit into the smallest envelope.
    fn seen_heads(&self, body: &Body) -> Vec<Head> {
        if let Body::Seed { .. } = body {
            return Vec::new();
        }
        let goes = match body {
            Body::Enact { proposal } => self.society.subject(proposal).map(Subject::persons),
            _ => None,
        };
        let going = self.society.devices_of(goes.unwrap_or_default());
        let members = self.member_devices();
        let mut heads: Vec<(bool, Millis, Head)> = self
            .devices
            .iter()
            .filter(|(device, _)| **device != self.own.device && members.contains(*device))
            .filter_map(|(device, state)| {
                let (sequence, id) = state.head?;
                let head = Head {
                    device: DeviceId(*device),
                    sequence,
                    id,
                };
                Some((going.contains(device), state.heard_at, head))
            })
            .collect();
        heads.sort_by_key(|(goes, at, head)| std::cmp::Reverse((*goes, *at, head.device)));
        heads.truncate(MAX_HEADS);
        heads.into_iter().map(|(_, _, head)| head).collect()
    }

    /// Seals a draft under the seed in use. Control may go under an older one as long as nobody went who has
    /// that: membership never waits for keys. A departure waits for nothing: whoever goes draws no seed any more.
    pub(super) fn seal(
        &mut self,
        draft: &Draft,
        now: Millis,
        rng: &mut dyn CryptoRng,
    ) -> Option<(Commit, Load)> {
        let today = day_of(now);
        let chosen = self.root().and_then(|root| self.keys.choose(&root, today));
        let commit = match chosen {
            Some(chosen) => chosen,
            None if draft.content.is_some() => return None,
            None if is_departure(draft) => self.newest_at_all()?,
            None => self.newest_within()?,
        };
        let mut load = Load::default();
        if let Some(content) = &draft.content {
            let device = self.own.device;
            load.content = Some(self.keys.seal_content(&commit, &device, content, rng)?);
        }
        if let Some(control) = &draft.control {
            let lasting = self.keys.get(&commit)?.lasting();
            load.control = Some(lasting.seal_control(control, rng).ok()?);
        }
        Some((commit, load))
    }
}

/// Whether it says that this person goes.
fn is_departure(draft: &Draft) -> bool {
    let bundle = draft
        .control
        .as_ref()
        .and_then(|it| Bundle::decode(it).ok());
    bundle.is_some_and(|bundle| {
        let mut operations = bundle.operations.iter();
        operations.any(|bytes| {
            let operation = Operation::decode_stored(bytes);
            operation.is_ok_and(|it| matches!(it.body(), Body::Leave))
        })
    })
}

impl Open {
    /// Signs an operation, keeps it, and has it sent as soon as there are keys.
    pub(crate) fn space_say(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        body: Body,
    ) -> Result<Operation, Refusal> {
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        if !space.is_in() {
            return Err(Refusal::NotEntitled);
        }
        self.space_speak(step, id, body)
    }

    /// The same for whoever has left, as far as the operations do not say so.
    pub(super) fn space_speak(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        body: Body,
    ) -> Result<Operation, Refusal> {
        let space = self.spaces.get(&id).ok_or(Refusal::Unknown)?;
        let time = step.now.max(space.record.spoke_at);
        space
            .society
            .may(&space.own, &body, time)
            .map_err(refusal)?;
        let operation = self.space_sign(step, id, body)?;
        let is_control = operation.body().is_control();
        let bytes = operation.as_bytes().to_vec();
        let what = What::Operation {
            sequence: operation.fields().sequence,
            id: operation.id().0.into(),
        };
        if is_control {
            // Sealed before it counts: those who go by it are told, and those who come get it otherwise.
            let bundle = Bundle {
                operations: vec![bytes],
                ..Bundle::default()
            };
            let draft = Draft {
                control: Some(bundle.encode().to_vec()),
                ..Draft::default()
            };
            self.space_enqueue(step, id, what, &draft);
            self.space_take(step, id, operation.clone(), None);
        } else {
            self.space_take(step, id, operation.clone(), None);
            let draft = Draft {
                content: Some(bytes),
                ..Draft::default()
            };
            self.space_enqueue(step, id, what, &draft);
        }
        Ok(operation)
    }

    /// Signs this device's next operation and moves its chain on.
    pub(super) fn space_sign(
        &mut self,
        step: &mut Step,
        id: CollectiveId,
        body: Body,
    ) -> Result<Operation, Refusal> {
        let space = self.spaces.get_mut(&id).ok_or(Refusal::Unknown)?;
        let fields = space.fields(body, step.now);
        let (sequence, time) = (fields.sequence, fields.time);
        let is_seed = matches!(fields.body, Body::Seed { .. });
        let signed = Operation::sign(fields, self.device.key());
        let operation = signed.map_err(|_| Refusal::OutOfBounds)?;
        space.record.sequence = sequence;
        space.record.previous = Some(operation.id().0.into());
        space.record.spoke_at = time;
        // Nobody answers to a seed; whoever does not get it draws one, too, or shows that by what they say.
        if !is_seed {
            space.record.silence_begins(step.now);
        }
        step.touched.spaces.insert(id);
        Ok(operation)
    }

    /// An operation of one's own was sealed as content: whoever lacks it gets it under that seed.
    pub(super) fn space_note_commit(
        &self,
        step: &mut Step,
        id: CollectiveId,
        what: What,
        draft: &Draft,
        commit: Commit,
    ) -> Option<(komrade_social::OperationId, Commit)> {
        let (What::Operation { id: operation, .. }, Some(bytes)) = (what, &draft.content) else {
            return None;
        };
        let operation = komrade_social::OperationId(*operation);
        let known = self.spaces.get(&id)?.known.get(&operation)?;
        let record = OperationRecord {
            bytes: bytes.clone(),
            commit: Some(commit),
            ..known.record()
        };
        let key = places::operation(id, known.arrival);
        step.write(Table::Operations, key, records::encode(&record));
        Some((operation, commit))
    }
}
