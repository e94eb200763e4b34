//! People: they meet by invites, write, go away for hours to days, come back, move to another relay.

use std::collections::BTreeSet;

use komrade_peer::Address;
use komrade_view::{
    AckPace, Answer, Command, ComradeState, Millis, NodeStage, Refusal, RelayStanding, RelayView,
    Secret,
};

use crate::{
    peer::{Copy, join_link, number_of},
    settings::{DAY, HOUR, MINUTE, SECOND},
    trouble::Trouble,
    world::{Event, START, World},
};

/// The longest that anybody is away.
const LONGEST_AWAY: Millis = 4 * DAY;
/// The same in a world that lives for weeks, and how long they are away who are away long.
pub(crate) const WEEKS_AWAY: (Millis, Millis) = (5 * DAY, 14 * DAY);

/// What a person does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Looks at the device, and again after a while.
    Wake,
    /// Comes back to it.
    Open,
    /// Says a last word in the collective.
    LastWord,
}

pub(crate) struct Person {
    /// The device; copies of it come and go.
    pub peer: usize,
    /// The relays that the person wants to use, the first one first.
    relays: Vec<usize>,
    /// Whom they want to invite.
    invites: Vec<usize>,
    /// Links they were given.
    pocket: Vec<Secret>,
    pub away_until: Millis,
    told_pace: bool,
    pub copies: Vec<(Millis, Copy)>,
}

impl World {
    /// Relays, people, whom they will meet, and when trouble begins.
    pub(crate) fn begin(&mut self) {
        for _ in 0..self.settings.relays {
            self.add_relay();
        }
        for person in 0..self.settings.peers {
            let peer = self.add_peer(person);
            self.set_clock(peer);
            let mut relays = vec![self.dice.index(self.settings.relays)];
            if self.settings.several && self.dice.chance(500) {
                relays.push(self.dice.index(self.settings.relays));
                relays.dedup();
            }
            self.people.push(Person {
                peer,
                relays,
                invites: Vec::new(),
                pocket: Vec::new(),
                away_until: 0,
                told_pace: false,
                copies: Vec::new(),
            });
            let wait = self.dice.below(HOUR);
            self.act(START + wait, person, Act::Open);
        }
        for person in 1..self.settings.peers {
            let mut known = BTreeSet::new();
            for _ in 0..self.dice.between(1, 3) {
                known.insert(self.dice.index(person));
            }
            for other in known {
                let (who, whom) = match self.dice.chance(500) {
                    true => (person, other),
                    false => (other, person),
                };
                self.people[who].invites.push(whom);
            }
        }
        let begins = START + self.settings.trouble_after();
        self.at(begins, Event::Trouble(Trouble::Next));
    }

    /// A clock: mostly right, else up to a day wrong.
    pub(crate) fn draw_skew(&mut self) -> i64 {
        let most = match self.dice.below(10) {
            0..6 => 2 * SECOND,
            6..8 => HOUR,
            _ => DAY,
        };
        self.dice.between(0, 2 * most) as i64 - most as i64
    }

    pub(crate) fn act(&mut self, time: Millis, person: usize, act: Act) {
        self.at(time, Event::Person { person, act });
    }

    /// The device died in somebody's hands: they start it again.
    pub(crate) fn person_died(&mut self, at: usize) {
        if self.peers[at].is_clone {
            return;
        }
        let wait = match self.dice.chance(800) {
            true => self.dice.between(SECOND, 5 * MINUTE),
            false => self.dice.around(3 * HOUR),
        };
        self.act(self.now + wait, self.peers[at].person, Act::Open);
    }

    /// Trouble is over: everybody is there, and nobody writes any more.
    pub(crate) fn calm(&mut self) {
        self.note(format_args!("quiet from here"));
        self.quiet = true;
        self.parted.clear();
        for relay in 0..self.relays.len() {
            self.start_relay(relay);
        }
        for at in 0..self.peers.len() {
            self.peers[at].fuse = None;
            self.peers[at].cut_until = 0;
            if self.peers[at].is_clone {
                self.stop_peer(at);
            }
        }
        for person in 0..self.people.len() {
            let wait = self.dice.below(2 * HOUR);
            self.people[person].away_until = self.now;
            self.act(self.now + wait, person, Act::Open);
            if self.settings.collective {
                self.act(self.now + 2 * DAY + wait, person, Act::LastWord);
            }
        }
    }

    pub(crate) fn person_acts(&mut self, person: usize, act: Act) {
        if matches!(act, Act::Wake) {
            let pace = match self.settings.collective {
                true => 4 * HOUR,
                false => 50 * MINUTE,
            };
            let wait = self.dice.around(pace);
            self.act(self.now + wait + SECOND, person, Act::Wake);
        }
        let at = self.people[person].peer;
        if !self.is_running(at) {
            if !matches!(act, Act::Open) || self.people[person].away_until > self.now {
                return;
            }
            self.start_peer(at);
            if self.peers[at].life <= 1 {
                self.act(self.now, person, Act::Wake);
            }
        }
        if !self.open_vault(at) {
            return;
        }
        self.ledger.runs(person, self.now);
        if !self.has_relay(person, at) {
            return;
        }
        self.settle(person, at);
        self.meet(person, at);
        if self.settings.collective {
            self.gather(person, at, act);
        }
        // Where it lasts for weeks, nothing befalls those who have not met yet.
        let meets = self.settings.collective && self.now < START + self.settings.trouble_after();
        if !self.quiet && !meets {
            self.write(person, at);
            self.wander(person, at);
        }
    }

    /// Relays that have not burnt.
    fn relays_there(&self) -> Vec<usize> {
        let there = (0..self.relays.len()).filter(|relay| !self.relays[*relay].burnt);
        there.collect()
    }

    /// Uses relays that are there.
    fn has_relay(&mut self, person: usize, at: usize) -> bool {
        for place in 0..self.people[person].relays.len() {
            let relay = self.people[person].relays[place];
            if self.relays[relay].burnt {
                if !self.quiet && !self.dice.chance(300) {
                    continue;
                }
                let there = self.relays_there();
                self.people[person].relays[place] = there[self.dice.index(there.len())];
            }
        }
        let mut wanted = Vec::new();
        for relay in std::mem::take(&mut self.people[person].relays) {
            if !wanted.contains(&relay) {
                wanted.push(relay);
            }
        }
        self.people[person].relays.clone_from(&wanted);
        let Some(first) = wanted.first().copied() else {
            return false;
        };
        let number = |it: &RelayView| number_of(&it.origin);
        let used = |world: &Self, relay: usize| {
            let is =
                |it: &&RelayView| it.standing == RelayStanding::InUse && number(it) == Some(relay);
            world.peers[at].relays.iter().find(is).map(|it| it.id)
        };
        let now_first = self.peers[at].relays.first().and_then(number);
        if now_first != Some(first) {
            let link = join_link(first);
            self.note(format_args!("person {person} uses relay {first}"));
            match used(self, first) {
                Some(relay) => self.ask(at, Command::MakeFirst { relay }),
                None => self.ask(at, Command::UseRelay { link }),
            };
        }
        for relay in wanted.iter().skip(1).copied() {
            if used(self, relay).is_none() && self.is_open(at) {
                self.note(format_args!("person {person} adds relay {relay}"));
                let link = join_link(relay);
                self.ask(at, Command::TryRelay { link });
                let tried = self.peers[at].relays.last().map(|it| it.id);
                if let Some(relay) = tried {
                    self.ask(at, Command::AddRelay { relay });
                }
            }
        }
        let left = self.peers[at].relays.iter().filter(|it| {
            let is_wanted = number(it).is_some_and(|it| wanted.contains(&it));
            it.standing == RelayStanding::InUse && !is_wanted
        });
        let left: Vec<u32> = left.map(|it| it.id).collect();
        for relay in left {
            self.note(format_args!("person {person} leaves a relay"));
            self.ask(at, Command::LeaveRelay { relay });
        }
        self.is_open(at)
    }

    fn settle(&mut self, person: usize, at: usize) {
        if self.people[person].told_pace {
            return;
        }
        self.people[person].told_pace = true;
        let pace = match self.dice.below(4) {
            0 => AckPace::Quick,
            _ => AckPace::Calm,
        };
        self.ask(at, Command::SetAckPace(pace));
    }

    fn meet(&mut self, person: usize, at: usize) {
        let asking = |state| matches!(state, ComradeState::Asking | ComradeState::AskingAgain);
        let comrades = self.peers[at].comrades.iter();
        let asking: Vec<_> = comrades
            .filter(|comrade| asking(comrade.state))
            .map(|comrade| comrade.id)
            .collect();
        for comrade in asking {
            self.note(format_args!("person {person} confirms"));
            self.ask(at, Command::Confirm { comrade });
        }
        for link in std::mem::take(&mut self.people[person].pocket) {
            let answer = self.ask(at, Command::AcceptInvite { link: link.clone() });
            self.note(format_args!("person {person} accepts: {}", ok(&answer)));
            if matches!(answer, None | Some(Err(Refusal::NoRelay | Refusal::Busy))) {
                self.people[person].pocket.push(link);
            }
        }
        // An invite made before the relay has told of its node names none.
        let is_ready = |it: &RelayView| matches!(it.node, NodeStage::Ready(_));
        if self.quiet || !self.peers[at].relays.iter().any(is_ready) {
            return;
        }
        let Some(whom) = self.people[person].invites.last().copied() else {
            return;
        };
        // Where somebody may be away for two weeks, an invite is good for as long as can be.
        let days = match self.settings.collective {
            true => 21,
            false => self.dice.between(7, 21) as u8,
        };
        let with_relay = false;
        let answer = self.ask(at, Command::MakeInvite { with_relay, days });
        self.note(format_args!("person {person} invites: {}", ok(&answer)));
        if let Some(Ok(Answer::Invite { link, .. })) = answer {
            self.people[person].invites.pop();
            let place = number_of(link.expose()).map(|relay| self.relays[relay].address);
            self.invited.insert((person, whom), place);
            self.ledger.invites(person, whom, self.now);
            self.people[whom].pocket.push(link);
        }
    }

    /// The nodes in use.
    pub(crate) fn places_of(&self, at: usize) -> Vec<Address> {
        let used = self.peers[at].relays.iter();
        let used = used.filter(|it| it.standing == RelayStanding::InUse);
        let numbers = used.filter_map(|it| number_of(&it.origin));
        numbers.map(|relay| self.relays[relay].address).collect()
    }

    pub(crate) fn write(&mut self, person: usize, at: usize) {
        let comrades: Vec<_> = self.peers[at]
            .comrades
            .iter()
            .map(|comrade| comrade.id)
            .collect();
        let often = if self.settings.collective { 100 } else { 700 };
        if comrades.is_empty() || !self.dice.chance(often) {
            return;
        }
        let comrade = comrades[self.dice.index(comrades.len())];
        let count = match self.dice.below(30) {
            0 => self.dice.between(15, 40),
            _ => self.dice.between(1, 4),
        };
        for _ in 0..count {
            let number = self.ledger.write(person, self.now);
            let filler = match self.dice.below(20) {
                0 => self.dice.between(2_000, 15_000),
                _ => self.dice.below(200),
            };
            let text = format!("m{number} {}", "x".repeat(filler as usize));
            let answer = self.ask(at, Command::SendMessage { comrade, text });
            self.note(format_args!(
                "person {person} writes m{number}: {}",
                ok(&answer)
            ));
            match answer {
                Some(Ok(_)) => self.ledger.kept(number),
                Some(Err(_)) => {}
                None => return,
            }
        }
    }

    /// How long somebody is away.
    fn time_away(&mut self, mean: Millis) -> Millis {
        if self.settings.apart && self.dice.chance(100) {
            let (least, most) = WEEKS_AWAY;
            return self.dice.between(least, most);
        }
        self.dice.around(mean).min(LONGEST_AWAY)
    }

    /// Goes away, moves, links directly.
    fn wander(&mut self, person: usize, at: usize) {
        match self.dice.below(100) {
            0..14 => {
                let mean = if self.dice.chance(200) {
                    2 * DAY
                } else {
                    8 * HOUR
                };
                let until = self.now + self.time_away(mean);
                self.note(format_args!("person {person} goes away"));
                self.stop_peer(at);
                self.people[person].away_until = until;
                self.act(until, person, Act::Open);
            }
            14..16 if self.settings.moves => {
                let there = self.relays_there();
                let relay = there[self.dice.index(there.len())];
                let relays = &mut self.people[person].relays;
                let place = self.dice.index(relays.len());
                relays[place] = relay;
                relays.rotate_left(place);
            }
            16..19 => {
                let comrades = &self.peers[at].comrades;
                if comrades.is_empty() {
                    return;
                }
                let comrade = &comrades[self.dice.index(comrades.len())];
                let (comrade, live) = (comrade.id, !comrade.live);
                self.note(format_args!("person {person} sets live: {live}"));
                self.ask(at, Command::SetLive { comrade, live });
            }
            19..20 => {
                self.ask(at, Command::Lock);
            }
            _ => {}
        }
    }
}

pub(crate) fn ok(answer: &Option<Result<Answer, Refusal>>) -> String {
    match answer {
        None => "no answer".to_owned(),
        Some(Ok(_)) => "done".to_owned(),
        Some(Err(refusal)) => refusal.to_string(),
    }
}
