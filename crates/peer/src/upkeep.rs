//! What time alone brings: keys that change each week, things that expire, records sealed anew.
//!
//! Record keys: a new generation begins each week; then all tables are walked, a small page per
//! step, and what an older generation sealed is sealed anew. When the walk is through, the old keys
//! are forgotten.

use std::collections::BTreeSet;

use komrade_crypto::{day_of, vault};
use komrade_store::{Query, Record, Table};
use komrade_view::{ComradeId, Millis};

use crate::{
    clock::Clock,
    keys, limits,
    open::{Open, Purpose},
    step::Step,
};

/// The walk over all tables.
#[derive(Default)]
pub(crate) struct Sweep {
    at: Option<Cursor>,
    /// A page is being read.
    reading: bool,
    /// What was written since: the page may hold an older version of it.
    written: BTreeSet<(Table, Vec<u8>)>,
    next_at: Millis,
}

/// Where a page of the walk begins.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    table: usize,
    above: Option<Vec<u8>>,
}

komrade_crypto::redacted!(Cursor);

/// Everything that record keys seal, and the ring of those keys.
pub(crate) const SEALED: [Table; 10] = [
    Table::Own,
    Table::Comrades,
    Table::Sessions,
    Table::Messages,
    Table::Outbox,
    Table::Waiting,
    Table::Invites,
    Table::Spaces,
    Table::Operations,
    Table::Posts,
];

impl Sweep {
    fn begin(&mut self, now: Millis) {
        self.at = Some(Cursor {
            table: 0,
            above: None,
        });
        self.next_at = now;
    }

    /// Every record that a step writes passes by here.
    pub(crate) fn note_written(&mut self, table: Table, key: &[u8]) {
        if self.reading {
            self.written.insert((table, key.to_vec()));
        }
    }

    /// The clock was ahead.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        self.next_at = self.next_at.min(now.saturating_add(limits::SWEEP_PACE));
    }

    fn due(&self) -> Option<Millis> {
        (self.at.is_some() && !self.reading).then_some(self.next_at)
    }
}

impl Open {
    /// The vault has just opened.
    pub(crate) fn opened(&mut self, step: &mut Step) {
        self.clock = Clock::known(self.own.clock, limits::CLOCK_KEPT);
        self.clock.note(step.now);
        self.bring_down_times(step);
        if self.ring.generations().count() > 1 {
            self.sweep.begin(step.now);
        }
        self.moved = self.untold();
        self.gather_renamed();
        self.resume_removing();
        self.spaces_opened(step);
        self.draw_introductions(step);
        step.show.circles = true;
        self.draw_ack_time(step);
        self.open_ways(step);
        self.upkeep(step);
    }

    /// Does what is due, as far as [`Step::has_room`] says.
    pub(crate) fn upkeep(&mut self, step: &mut Step) {
        self.go_on_removing(step);
        if !self.clock.is_doubted() {
            self.end_by_time(step);
        }
        self.close_silent(step);
        self.acknowledge(step);
        self.settle_all(step);
        self.tell_homes(step);
        self.mind_ways(step);
        self.move_on(step);
        self.keep_nodes(step);
        self.gather_resupply(step.now);
        self.resupply_all(step);
        self.begin_late_rescue(step);
        if self.ack_at.is_none() {
            self.end_rescue(step);
            self.end_leaving(step);
        }
        self.tell_name(step);
        self.mind_introductions(step);
        self.space_upkeep(step);
        self.circles_upkeep(step);
    }

    /// What time ends, and what cannot be taken back.
    fn end_by_time(&mut self, step: &mut Step) {
        let kept_until = self.own.clock.saturating_add(limits::CLOCK_KEPT);
        step.touched.own |= step.now > kept_until || self.own.clock > step.now;
        self.own.clock = step.now;
        if self.device.is_stale(step.now) {
            step.touched.own |= self.device.renew(&self.own, step.now, step.rng);
        }
        self.expire_invites(step);
        self.expire_asking(step);
        self.end_introductions(step);
        self.expire_entries(step);
        self.expire_waiting(step);
        self.say_again(step);
        self.shed_replicas(step);
        self.turn_ring(step);
    }

    /// Goes on with acknowledged entries that did not fit in one step, and with what was held back.
    fn settle_all(&mut self, step: &mut Step) {
        let ids: Vec<ComradeId> = self.comrades.keys().copied().collect();
        for id in ids {
            if step.has_room() {
                self.settle(step, id);
            }
            self.pump(step, id);
        }
    }

    /// When [`Open::upkeep`] has something to do.
    pub(crate) fn next_upkeep(&self, now: Millis) -> Option<Millis> {
        let tomorrow = u64::from(day_of(now))
            .saturating_add(1)
            .saturating_mul(limits::DAY);
        let held = self.comrades.values();
        let held = held.flat_map(|comrade| [comrade.hold_until, comrade.quiet_until]);
        let held = held.filter(|until| *until > now).min();
        let dial = self.ready_relay().and_then(|_| self.next_dial(now));
        let node = self.next_node().filter(|at| *at > now);
        let ends = [
            self.next_expiry(),
            self.next_invite_expiry(),
            self.next_waiting_expiry(),
            self.next_said_again(),
            self.sweep.due(),
        ];
        // These may have to wait for something else that comes first, and are looked at again with that.
        let later = [self.own.rescue_from, self.next_resupply()];
        let later = later.into_iter().flatten().filter(|at| *at > now).min();
        let ends = ends.into_iter().flatten().min();
        [
            Some(tomorrow),
            held,
            // A dial that waits for room is tried again when a link ends.
            dial.filter(|at| *at > now),
            node,
            self.next_way(now),
            self.next_seeking(),
            later,
            self.ack_at,
            self.next_space(now),
            self.next_introduction(),
            self.next_circle(now),
            self.next_silence(),
            self.clock.settles_at().or(ends),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    // --- record keys ---------------------------------------------------------------------------

    fn turn_ring(&mut self, step: &mut Step) {
        if self.ring.is_due(day_of(step.now)) && self.ring.begin(day_of(step.now), step.rng).is_ok()
        {
            step.touched.ring = true;
            self.sweep.begin(step.now);
        }
        let Some(cursor) = self.sweep.at.clone() else {
            return;
        };
        if self.sweep.due().is_none_or(|at| at > step.now) {
            return;
        }
        let Some(table) = SEALED.get(cursor.table) else {
            let newest = self.ring.newest();
            let old: Vec<u32> = self
                .ring
                .generations()
                .filter(|number| *number != newest)
                .collect();
            for number in old {
                step.touched.ring |= self.ring.retire(number);
            }
            self.sweep.at = None;
            return;
        };
        let query = Query {
            table: *table,
            prefix: Vec::new(),
            above: cursor.above.clone(),
            below: None,
            descending: false,
            limit: limits::SWEEP_RECORDS,
        };
        let read = step.read(query);
        self.reads.insert(read, Purpose::Sweep(cursor));
        self.sweep.reading = true;
        self.sweep.written.clear();
    }

    /// A page of the walk. If the walk began anew meanwhile, the page is of the one before.
    pub(crate) fn swept(&mut self, step: &mut Step, mut cursor: Cursor, records: Vec<Record>) {
        self.sweep.reading = false;
        self.sweep.next_at = step.now.saturating_add(limits::SWEEP_PACE);
        let written = std::mem::take(&mut self.sweep.written);
        if self.sweep.at.as_ref() != Some(&cursor) {
            return;
        }
        let Some(table) = SEALED.get(cursor.table).copied() else {
            return;
        };
        let (count, last) = (
            records.len(),
            records.last().map(|record| record.key.clone()),
        );
        for record in records {
            let is_ring = table == Table::Own && record.key == keys::RING;
            let old = vault::generation_of(&record.value).is_ok_and(|it| it != self.ring.newest());
            if is_ring || !old || written.contains(&(table, record.key.clone())) {
                continue;
            }
            if let Ok(value) = self.unseal(table, &record) {
                step.writes
                    .entry((table, record.key))
                    .or_insert(Some(value));
            }
        }
        if count < limits::SWEEP_RECORDS {
            cursor = Cursor {
                table: cursor.table + 1,
                above: None,
            };
        } else {
            cursor.above = last;
        }
        self.sweep.at = Some(cursor);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use komrade_crypto::vault::Params;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::{
        step::Numbers,
        vault::{Cut, recipe},
    };

    #[test]
    fn a_page_of_a_walk_that_began_anew_meanwhile_is_not_taken_for_one_of_it() {
        let now = 1_800_000_000_000;
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let (cut, _) = Cut::draw("Ana".into(), rng).unwrap();
        let recipe = recipe(Params::FLOOR, rng).unwrap();
        let (mut open, ..) = cut.seal(recipe, &[7; 32], now, rng).unwrap();
        let begun = Cursor {
            table: 3,
            above: None,
        };
        let mut numbers = Numbers::default();
        let mut step = Step::new(now, rng, &mut numbers);
        open.sweep.at = Some(begun.clone());
        open.turn_ring(&mut step);
        assert!(open.sweep.reading);
        open.sweep.begin(now);
        open.swept(&mut step, begun, Vec::new());
        assert!(!open.sweep.reading);
        let at = open.sweep.at.unwrap();
        assert_eq!((at.table, at.above), (0, None));
    }
}
