//! Trouble: what breaks, dies, burns, is cut off, set wrong, put back or copied.

use komrade_view::Millis;

use crate::{
    people::{Act, WEEKS_AWAY},
    settings::{DAY, HOUR, MINUTE, Sabotage},
    world::{Event, World},
};

/// Something that goes wrong, or right again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// The next trouble.
    Next,
    StartRelay(usize),
    Rejoin(usize, usize),
    PutBack(usize),
    CloneActs(usize),
    CloneEnds(usize),
}

/// Between two troubles, in a world of one peer; a larger one has more of them.
const PACE: Millis = 16 * HOUR;

impl World {
    pub(crate) fn trouble(&mut self, trouble: Trouble) {
        if self.quiet {
            return;
        }
        match trouble {
            Trouble::Next => {
                // A world that lives for weeks has it four times as slow.
                let slow = if self.settings.collective { 4 } else { 1 };
                let pace = slow * PACE / self.settings.peers as Millis;
                let wait = self.dice.around(pace) + MINUTE;
                self.at(self.now + wait, Event::Trouble(Trouble::Next));
                self.next_trouble();
            }
            Trouble::StartRelay(relay) => self.start_relay(relay),
            Trouble::Rejoin(a, b) => {
                self.note(format_args!("relays {a} and {b} reach each other again"));
                self.parted.remove(&(a, b));
            }
            Trouble::PutBack(person) => self.put_back_profile(person),
            Trouble::CloneActs(at) => {
                if !self.is_running(at) {
                    self.start_peer(at);
                }
                if self.open_vault(at) {
                    self.write(self.peers[at].person, at);
                    if self.settings.collective {
                        self.gather(self.peers[at].person, at, Act::Wake);
                    }
                }
            }
            Trouble::CloneEnds(at) => self.stop_peer(at),
        }
    }

    fn next_trouble(&mut self) {
        let person = self.dice.index(self.people.len());
        let at = self.people[person].peer;
        let relay = self.dice.index(self.relays.len());
        match self.dice.below(100) {
            0..15 => self.break_all(at),
            15..25 => {
                self.note(format_args!("peer {at} is cut off"));
                self.peers[at].cut_until = self.now + self.dice.around(3 * HOUR);
                for way in self.ways_of(at) {
                    self.lose_relay(at, way);
                }
            }
            25..50 => {
                self.peers[at].fuse = Some(self.dice.below(40) as u32);
            }
            50..60 => self.part(relay),
            60..72 => {
                self.crash_relay(relay);
                let wait = self.dice.around(HOUR);
                self.restart(relay, wait);
            }
            72..78 => {
                let keys = self.dice.chance(400) && self.settings.burns;
                if !self.relays[relay].burnt {
                    self.wipe_relay(relay, keys);
                    self.restart(relay, 5 * MINUTE);
                }
            }
            78..81 => {
                if self.settings.burns && !self.relays[relay].burnt {
                    self.crash_relay(relay);
                    self.note(format_args!("relay {relay} burns"));
                    self.relays[relay].burnt = true;
                    self.add_relay();
                }
            }
            81..90 => {
                self.set_clock(at);
                self.note(format_args!("peer {at} has another clock"));
            }
            // Less is promised once a profile was copied: not every world has copies.
            _ if !self.settings.copies => self.break_all(at),
            90..96 => self.copy_profile(person),
            _ => self.clone_profile(person),
        }
    }

    fn restart(&mut self, relay: usize, wait: Millis) {
        self.at(self.now + wait, Event::Trouble(Trouble::StartRelay(relay)));
    }

    fn break_all(&mut self, at: usize) {
        self.note(format_args!("the links of peer {at} break"));
        let streams: Vec<u64> = self.peers[at].links.values().copied().collect();
        for stream in streams {
            self.break_stream(stream);
        }
    }

    fn part(&mut self, a: usize) {
        let b = self.dice.index(self.relays.len());
        if a == b {
            return;
        }
        let pair = (a.min(b), a.max(b));
        self.note(format_args!("relays {a} and {b} do not reach each other"));
        self.parted.insert(pair);
        let wait = match self.settings.apart && self.dice.chance(200) {
            // Up to two weeks.
            true => self.dice.between(WEEKS_AWAY.0, WEEKS_AWAY.1),
            false => self.dice.around(6 * HOUR),
        };
        self.at(
            self.now + wait,
            Event::Trouble(Trouble::Rejoin(pair.0, pair.1)),
        );
    }

    /// Somebody keeps a copy of all that the device keeps, and puts it back later.
    fn copy_profile(&mut self, person: usize) {
        let at = self.people[person].peer;
        self.note(format_args!("the profile of person {person} is copied"));
        let copy = self.peers[at].store.records();
        if copy.is_empty() {
            return;
        }
        self.people[person].copies.push((self.now, copy));
        let wait = self.dice.around(DAY);
        self.at(self.now + wait, Event::Trouble(Trouble::PutBack(person)));
    }

    fn put_back_profile(&mut self, person: usize) {
        let Some((copied, copy)) = self.people[person].copies.pop() else {
            return;
        };
        let at = self.people[person].peer;
        self.note(format_args!("an old copy of person {person} is put back"));
        self.put_back(at, &copy);
        if self.settings.sabotage != Some(Sabotage::SecretRestores) {
            self.ledger.set_back(person, copied, self.now);
        }
        self.person_died(at);
    }

    /// A copy runs beside the device for some hours.
    fn clone_profile(&mut self, person: usize) {
        let at = self.people[person].peer;
        let copy = self.peers[at].store.records();
        if copy.is_empty() {
            return;
        }
        let ends = self.now + self.dice.around(3 * HOUR);
        self.note(format_args!("person {person} is cloned"));
        let other = self.add_peer(person);
        self.peers[other].is_clone = true;
        self.peers[other].skew = self.peers[at].skew;
        self.put_back(other, &copy);
        self.ledger.weaken(person, self.now, ends);
        for n in 0..4 {
            let acts = self.now + n * (ends - self.now) / 4;
            self.at(acts, Event::Trouble(Trouble::CloneActs(other)));
        }
        self.at(ends, Event::Trouble(Trouble::CloneEnds(other)));
    }
}
