//! When links are made, admitted and closed.
//!
//! A link is wanted when something waits for a comrade. One that is there is used until it was
//! silent for [`limits::LINK_IDLE`]. Both sides may dial at once: then there are two, and each
//! sends on the one that came up last.

use komrade_crypto::{day_of, link::LinkKey};
use komrade_view::{ComradeId, DialStage, DialView, Millis};

use crate::{
    Address, DialProgress, Effect, LinkHint, LinkId,
    comrade::Comrade,
    limits,
    links::{Link, Party},
    open::Open,
    step::Step,
};

impl Open {
    /// Dials whoever is due, as far as the way is up and there is room.
    pub(crate) fn dial_due(&mut self, step: &mut Step) {
        let today = day_of(step.now);
        let wanting: Vec<ComradeId> = self
            .comrades
            .iter()
            .filter(|(_, comrade)| comrade.hold_until <= step.now && comrade.needs_link(today))
            .map(|(id, _)| *id)
            .filter(|id| self.links.of(Party::Comrade(*id)).next().is_none())
            .collect();
        for id in wanting {
            let under_way = self
                .links
                .iter()
                .filter(|(_, link)| link.dialled && !link.up)
                .count();
            let Some(comrade) = self.comrades.get_mut(&id) else {
                continue;
            };
            if !step.ready {
                if comrade.dialer.show(DialStage::WaitingForRelay, step.now) {
                    step.show.route = true;
                }
                continue;
            }
            let room = under_way < limits::MAX_DIALS && self.links.len() < limits::MAX_LINKS;
            if comrade.dialer.not_before() > step.now || !room {
                continue;
            }
            let Some((address, key)) = target(comrade) else {
                continue;
            };
            comrade.dialer.show(DialStage::Dialing, step.now);
            step.show.route = true;
            let link = step.numbers.link();
            self.links
                .insert(link, Link::new(Party::Comrade(id), true, step.now));
            let hint = key.hint(&address, step.rng);
            step.effect(Effect::Dial {
                link,
                address,
                hint,
                psk: key.psk(&address),
            });
        }
    }

    /// The soonest moment at which [`Open::dial_due`] would do something.
    pub(crate) fn next_dial(&self, now: Millis) -> Option<Millis> {
        let today = day_of(now);
        let wanting = self.comrades.iter().filter(|(id, comrade)| {
            comrade.needs_link(today) && self.links.of(Party::Comrade(**id)).next().is_none()
        });
        wanting
            .map(|(_, comrade)| comrade.dialer.not_before().max(comrade.hold_until))
            .min()
    }

    /// A dial went on or ended.
    pub(crate) fn dialed(&mut self, step: &mut Step, link: LinkId, progress: DialProgress) {
        let Some(Party::Comrade(id)) = self.links.get(link).map(|link| link.party) else {
            return;
        };
        step.show.route = true;
        let failed = match progress {
            DialProgress::Greeting => {
                if let Some(comrade) = self.comrades.get_mut(&id) {
                    comrade.dialer.show(DialStage::Greeting, step.now);
                }
                return;
            }
            DialProgress::Up => return self.link_up(step, link),
            DialProgress::Away => DialStage::Away,
            DialProgress::Unreachable | DialProgress::Refused => DialStage::Unreachable,
        };
        self.links.remove(link);
        if let Some(comrade) = self.comrades.get_mut(&id) {
            comrade.dialer.failed(failed, step.now, step.rng);
        }
    }

    /// Somebody dialled: go on if the hint means a key of ours, called here.
    pub(crate) fn incoming(&mut self, step: &mut Step, link: LinkId, hint: &LinkHint) {
        let Some(home) = self.own.home() else {
            step.effect(Effect::Close(link));
            return;
        };
        let comrade = self.comrades.iter().find_map(|(id, comrade)| {
            let mut keys = comrade.pair.link_keys().iter();
            Some((
                Party::Comrade(*id),
                keys.find(|key| key.matches(&home, hint))?.psk(&home),
            ))
        });
        let invite = || {
            let mut invites = self.invites.iter();
            let (id, invite) = invites.find(|(_, invite)| invite.link.matches(&home, hint))?;
            Some((Party::Invite(*id), invite.link.psk(&home)))
        };
        let Some((party, psk)) = comrade.or_else(invite) else {
            step.effect(Effect::Close(link));
            return;
        };
        // Until its handshake is done a link proves nothing: a hint can be repeated by whoever saw it.
        // So those that are not up make room for one another only.
        let pending = |(_, link): &(LinkId, &Link)| !link.up && !link.dialled;
        let mut others = self.links.of(party).filter(pending).map(|(link, _)| link);
        let oldest = others.next();
        if others.count() + 1 >= most(party)
            && let Some(oldest) = oldest
        {
            self.close(step, oldest);
        }
        if self.links.len() >= limits::MAX_LINKS {
            step.effect(Effect::Close(link));
            return;
        }
        self.links.insert(link, Link::new(party, false, step.now));
        step.effect(Effect::Admit { link, psk });
    }

    /// The handshake of a link is done.
    pub(crate) fn link_up(&mut self, step: &mut Step, link: LinkId) {
        let Some(state) = self.links.get_mut(link) else {
            return;
        };
        state.up = true;
        state.used_at = step.now;
        let (dialled, party) = (state.dialled, state.party);
        self.supersede(step, link, party);
        let Party::Comrade(id) = party else {
            return;
        };
        if let Some(comrade) = self.comrades.get_mut(&id) {
            // A link made from here must first carry something, or one that comes up and breaks
            // each time would be dialled for ever.
            if !dialled {
                comrade.dialer.reset();
            }
            comrade.dialer.show(DialStage::Up, step.now);
            step.show.route = true;
        }
        self.fetch(step, link, id);
        self.pump(step, id);
    }

    /// A newer link proved its key: older ones of the party have less patience from now on, and the
    /// oldest makes room.
    fn supersede(&mut self, step: &mut Step, newest: LinkId, party: Party) {
        let older = self.links.of(party).filter(|(_, link)| link.up);
        let older: Vec<LinkId> = older
            .map(|(link, _)| link)
            .filter(|link| *link != newest)
            .collect();
        for link in &older {
            if let Some(link) = self.links.get_mut(*link) {
                link.superseded = true;
            }
        }
        if older.len() >= most(party)
            && let Some(oldest) = older.first()
        {
            self.close(step, *oldest);
        }
    }

    /// A link is gone: what was on its way is sent again on the next one.
    pub(crate) fn link_down(&mut self, step: &mut Step, link: LinkId) {
        let Some(state) = self.links.remove(link) else {
            return;
        };
        let Party::Comrade(id) = state.party else {
            return;
        };
        let Some(comrade) = self.comrades.get_mut(&id) else {
            return;
        };
        step.show.route = true;
        if state.dialled && !state.up {
            comrade
                .dialer
                .failed(DialStage::Unreachable, step.now, step.rng);
        } else if !state.flights.is_empty() || state.fetching.is_some() {
            // It broke while in use: not at once again, or a link that always breaks would be
            // dialled for ever.
            comrade
                .dialer
                .failed(DialStage::Unreachable, step.now, step.rng);
        }
        self.pump(step, id);
    }

    /// Lets go of a link from here.
    pub(crate) fn close(&mut self, step: &mut Step, link: LinkId) {
        if self.links.get(link).is_some() {
            step.effect(Effect::Close(link));
            self.link_down(step, link);
        }
    }

    /// Closes links that were silent, did not come up, or owe an answer.
    pub(crate) fn close_silent(&mut self, step: &mut Step) {
        let over = |(_, link): &(LinkId, &Link)| link.deadline() <= step.now;
        let over: Vec<LinkId> = self
            .links
            .iter()
            .filter(over)
            .map(|(link, _)| link)
            .collect();
        for link in over {
            self.close(step, link);
        }
    }

    pub(crate) fn next_silence(&self) -> Option<Millis> {
        self.links.iter().map(|(_, link)| link.deadline()).min()
    }

    /// The connection to the relay is gone, and every link with it.
    pub(crate) fn lose_links(&mut self, step: &mut Step) {
        let all: Vec<LinkId> = self.links.iter().map(|(link, _)| link).collect();
        for link in all {
            if let Some(Party::Comrade(id)) = self.links.remove(link).map(|link| link.party)
                && let Some(comrade) = self.comrades.get_mut(&id)
            {
                // Not their fault: no patience is used up.
                comrade.dialer.reset();
            }
        }
        step.show.route = true;
    }

    /// The way is up again, or the person asks: try everybody at once, but those whose answer was to
    /// wait, or a relay that hangs up all the time could use up every seal.
    pub(crate) fn reset_dialers(&mut self) {
        for comrade in self.comrades.values_mut() {
            comrade.dialer.reset();
        }
    }

    /// Dials under way, links that are up, and what failed while it is still wanted.
    pub(crate) fn dial_views(&self, now: Millis) -> Vec<DialView> {
        let today = day_of(now);
        let shown = self.comrades.iter().filter(|(id, comrade)| {
            comrade.needs_link(today) || self.links.of(Party::Comrade(**id)).next().is_some()
        });
        let view = |(id, comrade): (&ComradeId, &Comrade)| {
            let (stage, since) = comrade.dialer.stage?;
            Some(DialView {
                comrade: *id,
                stage,
                since,
            })
        };
        shown
            .filter_map(view)
            .take(limits::MAX_DIALS_SHOWN)
            .collect()
    }
}

/// Links that are up with one party.
fn most(party: Party) -> usize {
    match party {
        Party::Comrade(_) => limits::MAX_LINKS_PER_COMRADE,
        Party::Invite(_) => limits::MAX_ASKING_PER_INVITE,
    }
}

/// Whom to dial, and with which key: the invite's until they have the intro.
fn target(comrade: &Comrade) -> Option<(Address, LinkKey)> {
    let homes = &comrade.record.homes;
    let turn = usize::try_from(comrade.dialer.failures()).unwrap_or(0);
    let address = homes.get(turn.checked_rem(homes.len())?)?;
    let key = match comrade.pair.dial_key() {
        Some(key) => key.clone(),
        None => comrade.record.accepted()?.secret.link(),
    };
    Some((*address, key))
}
