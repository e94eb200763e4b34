//! The device's clock, as far as it can be believed.
//!
//! A clock may be wrong for a while: a battery ran dry, somebody set it, a machine woke up. A jump
//! *ahead* is doubted until it has held for [`limits::CLOCK_HOLD`]; meanwhile nothing expires and no
//! key is changed, for neither can be taken back. When it is set *back*, what was noted under the
//! wrong time is brought down to the present, so that nothing waits for a day that is far off.

use komrade_view::Millis;

use crate::{limits, open::Open, step::Step};

/// See the module.
#[derive(Default)]
pub(crate) struct Clock {
    /// The time of the step before; 0: there was none.
    last: Millis,
    /// Since when a jump ahead is doubted.
    doubted: Option<Millis>,
}

impl Clock {
    /// A clock that was believed at `known` or up to `slack` later, before the app was closed.
    pub(crate) fn known(known: Millis, slack: Millis) -> Self {
        let last = if known == 0 {
            0
        } else {
            known.saturating_add(slack)
        };
        Self {
            last,
            doubted: None,
        }
    }

    /// Notes the time of a step. Says whether the clock was set back.
    pub(crate) fn note(&mut self, now: Millis) -> bool {
        let last = std::mem::replace(&mut self.last, now);
        if last != 0 && now > last.saturating_add(limits::CLOCK_JUMP) {
            self.doubted = Some(now);
        }
        let held = |since: &Millis| *since > now || now >= since.saturating_add(limits::CLOCK_HOLD);
        self.doubted.take_if(|since| held(since));
        now.saturating_add(limits::MINUTE) < last
    }

    /// Whether what cannot be taken back has to wait.
    pub(crate) fn is_doubted(&self) -> bool {
        self.doubted.is_some()
    }

    /// When the doubt ends.
    pub(crate) fn settles_at(&self) -> Option<Millis> {
        self.doubted
            .map(|since| since.saturating_add(limits::CLOCK_HOLD))
    }
}

impl Open {
    /// Notes the time of a step.
    pub(crate) fn note_time(&mut self, step: &mut Step) {
        if self.clock.note(step.now) {
            self.bring_down_times(step);
        }
    }

    /// Brings down what was noted under a clock that was ahead. Only in memory: what is stored is
    /// brought down again when the vault opens.
    pub(crate) fn bring_down_times(&mut self, step: &mut Step) {
        let now = step.now;
        for comrade in self.comrades.values_mut() {
            let hold = now.saturating_add(limits::NOT_THEIRS_HOLD);
            comrade.hold_until = comrade.hold_until.min(hold);
            let quiet = now.saturating_add(limits::LONGEST_QUIET);
            comrade.quiet_until = comrade.quiet_until.min(quiet);
            comrade.dialer.bring_down(now);
            comrade.pair.bring_down(now);
            for entry in comrade.outbox.values_mut() {
                entry.bring_down(now);
            }
        }
        self.bring_down_spaces(now);
        self.bring_down_circles(now);
        self.links.bring_down(now);
        self.sweep.bring_down(now);
        self.bring_ways_down(now);
        self.bring_seeking_down(now);
        let rescue = now.saturating_add(limits::RESCUE_LIFE);
        self.own.rescue_until = self.own.rescue_until.map(|until| until.min(rescue));
        let patience = now.saturating_add(limits::MOVE_PATIENCE);
        self.own.rescue_from = self.own.rescue_from.map(|from| from.min(patience));
        let latest = now.saturating_add(limits::LOSS_PACE);
        self.own.mail_lost_at = self.own.mail_lost_at.min(latest);
        self.node.resupplied_at = self.node.resupplied_at.map(|at| at.min(now));
        self.own.bring_down(now);
        let latest = now.saturating_add(limits::CALM_PACE);
        if self.ack_at.is_some_and(|at| at > latest) {
            self.draw_ack_time(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DAY, HOUR, MINUTE};

    const NOW: Millis = 1_800_000_000_000;

    #[test]
    fn a_jump_ahead_is_believed_once_it_has_held_for_an_hour() {
        let mut clock = Clock::default();
        assert!(!clock.note(NOW) && !clock.is_doubted());
        assert!(!clock.note(NOW + 2 * DAY) && !clock.is_doubted());
        assert!(!clock.note(NOW + 5 * DAY) && clock.is_doubted());
        assert!(!clock.note(NOW + 5 * DAY + HOUR - 1) && clock.is_doubted());
        assert_eq!(clock.settles_at(), Some(NOW + 5 * DAY + HOUR));
        assert!(!clock.note(NOW + 5 * DAY + HOUR) && !clock.is_doubted());
        // Another jump begins the hour anew, and going back ends the doubt.
        clock.note(NOW + 50 * DAY);
        clock.note(NOW + 99 * DAY);
        assert!(!clock.note(NOW + 99 * DAY + MINUTE) && clock.is_doubted());
        assert!(clock.note(NOW + 6 * DAY) && !clock.is_doubted());
        assert!(!clock.note(NOW + 6 * DAY - MINUTE), "a minute is nothing");
    }

    #[test]
    fn what_was_known_before_the_app_was_closed_counts() {
        assert!(!Clock::known(0, DAY).is_doubted());
        let mut clock = Clock::known(NOW, 7 * DAY);
        clock.note(NOW + 9 * DAY);
        assert!(!clock.is_doubted());
        let mut clock = Clock::known(NOW, 7 * DAY);
        clock.note(NOW + 10 * DAY);
        assert!(clock.is_doubted());
    }
}
