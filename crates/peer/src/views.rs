//! What the screens are shown: whole states of their parts, pages of messages, answers to commands.

use std::collections::{BTreeMap, BTreeSet};

use komrade_crypto::day_of;
use komrade_store::{MAX_READ_RECORDS, Query, Record, Table};
use komrade_view::{
    Answer, Command, ComradeId, ComradeView, Event, HostStage, LinkState, MessageView, NodeStage,
    PageView, Refusal, RouteView, RouterStage,
};

use crate::{
    Effect, RelayId,
    invites::{self, Wanted},
    keys,
    open::{Open, Purpose},
    records::{self, Message, TickRecord},
    relay_link,
    route::Route,
    step::Step,
    way::Way,
};

/// Messages on a page.
const MAX_PAGE: u16 = 100;

impl Open {
    /// Does what the person asked for. `None`: the answer comes later.
    pub(crate) fn command(
        &mut self,
        step: &mut Step,
        id: u32,
        command: Command,
    ) -> Option<Result<Answer, Refusal>> {
        if self.is_removed(&command) {
            return Some(Err(Refusal::Unknown));
        }
        Some(match command {
            Command::UseRelay { link } => match relay_link::parse(link.expose()) {
                Some(link) => self.use_relay(step, link),
                None => Err(Refusal::BadRelayLink),
            },
            Command::TryRelay { link } => match relay_link::parse(link.expose()) {
                Some(link) => self.try_relay(step, link),
                None => Err(Refusal::BadRelayLink),
            },
            Command::AddRelay { relay } => self.add_relay(step, RelayId(relay)),
            Command::MakeFirst { relay } => self.make_first(step, RelayId(relay)),
            Command::LeaveRelay { relay } => self.leave_relay(step, RelayId(relay)),
            Command::Reconnect => {
                self.reset_dialers();
                step.effect(Effect::Reconnect);
                Ok(Answer::Done)
            }
            Command::Introduce { pair, words } => self.introduce(step, pair, words),
            Command::AnswerIntroduction {
                by,
                introduction,
                accept,
            } => self.answer_introduction(step, by, introduction, accept),
            Command::EndIntroduction { by, introduction } => {
                self.end_introduction(step, by, introduction)
            }
            Command::MakeInvite { with_relay, days } => {
                let wanted = Wanted {
                    with_relay,
                    days,
                    offer: None,
                };
                self.make_invite(step, &wanted)
            }
            Command::RevokeInvite { invite } => self.end_invite(step, invite),
            Command::ReadInvite { link } => {
                invites::preview(link.expose(), step.now).map(Answer::Preview)
            }
            Command::AcceptInvite { link } => self.accept_invite(step, link.expose()),
            Command::Confirm { comrade } => self.confirm(step, comrade),
            Command::Decline { comrade } => self.decline(step, comrade),
            Command::MarkVerified { comrade, verified } => {
                self.change_comrade(step, comrade, |record| record.verified = verified)
            }
            Command::MarkRead { comrade, up_to } => {
                self.change_comrade(step, comrade, |record| record.mark_read(up_to))
            }
            Command::OpenPage {
                comrade,
                before,
                limit,
            } => {
                return self
                    .open_page(step, id, comrade, before, limit)
                    .err()
                    .map(Err);
            }
            Command::SendMessage { comrade, text } => self.send_message(step, comrade, text),
            Command::SetName { name } => self.set_name(step, name),
            Command::RemoveComrade { comrade } => self.dismiss(step, comrade),
            Command::DeleteConversation { comrade } => self.delete_conversation(step, comrade),
            Command::SetLive { comrade, live } => self.set_live(step, comrade, live),
            Command::SetReplicaLimit(bytes) => self.set_replica_limit(step, bytes),
            Command::SetDataLimit(bytes) => self.set_data_limit(step, bytes),
            Command::Collective(asked) => return self.collective_command(step, id, asked),
            Command::Circle(asked) => self.circle_command(step, asked),
            Command::SetAckPace(pace) => Ok(self.set_ack_pace(step, pace)),
            // Answered by the vault, which knows what is open.
            _ => Err(Refusal::VaultExists),
        })
    }

    /// Whether it is about somebody who was removed.
    fn is_removed(&self, command: &Command) -> bool {
        let (Command::Confirm { comrade }
        | Command::Decline { comrade }
        | Command::RemoveComrade { comrade }
        | Command::DeleteConversation { comrade }
        | Command::MarkVerified { comrade, .. }
        | Command::MarkRead { comrade, .. }
        | Command::OpenPage { comrade, .. }
        | Command::SetLive { comrade, .. }
        | Command::SendMessage { comrade, .. }) = command
        else {
            return false;
        };
        let comrade = self.comrades.get(comrade);
        comrade.is_some_and(|comrade| comrade.record.removed)
    }

    fn change_comrade(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        change: impl FnOnce(&mut crate::comrade::ComradeRecord),
    ) -> Result<Answer, Refusal> {
        let comrade = self.comrades.get_mut(&id).ok_or(Refusal::Unknown)?;
        change(&mut comrade.record);
        step.touched.comrades.insert(id);
        step.show.comrades = true;
        Ok(Answer::Done)
    }

    // --- pages ---------------------------------------------------------------------------------

    fn open_page(
        &mut self,
        step: &mut Step,
        command: u32,
        comrade: ComradeId,
        before: Option<u64>,
        limit: u16,
    ) -> Result<(), Refusal> {
        let record = &self.comrades.get(&comrade).ok_or(Refusal::Unknown)?.record;
        let deleted = record.deleted_up_to;
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Refusal::OutOfBounds);
        }
        let limit = usize::from(limit);
        // A message and its tick each, and one more message to know whether there is something
        // older.
        let query = Query {
            table: Table::Messages,
            prefix: comrade.0.to_vec(),
            above: Some(keys::tick(comrade, deleted)),
            below: before.map(|ordinal| keys::message(comrade, ordinal)),
            descending: true,
            limit: 2 * (limit + 1),
        };
        let read = step.read(query);
        self.reads.insert(
            read,
            Purpose::Page {
                command,
                comrade,
                limit,
            },
        );
        Ok(())
    }

    fn page(
        &self,
        comrade: ComradeId,
        limit: usize,
        records: &[Record],
    ) -> Result<Answer, Refusal> {
        let mut messages = self.messages(records).ok_or(Refusal::VaultDamaged)?;
        let older = messages.len() > limit;
        while messages.len() > limit {
            messages.pop_first();
        }
        let messages = messages.into_values().collect();
        Ok(Answer::Page(PageView {
            comrade,
            messages,
            older,
        }))
    }

    /// Messages with their ticks.
    fn messages(&self, records: &[Record]) -> Option<BTreeMap<u64, MessageView>> {
        let mut ticks: BTreeMap<u64, TickRecord> = BTreeMap::new();
        let mut found: BTreeMap<u64, Message> = BTreeMap::new();
        for record in records {
            let (ordinal, is_tick) = keys::parse_message(&record.key)?;
            let value = self.unseal(Table::Messages, record).ok()?;
            if is_tick {
                ticks.insert(ordinal, records::decode(&value).ok()?);
            } else {
                found.insert(ordinal, records::decode(&value).ok()?);
            }
        }
        let view = |(ordinal, message): (u64, Message)| {
            (ordinal, message.view(ordinal, ticks.get(&ordinal).copied()))
        };
        Some(found.into_iter().map(view).collect())
    }

    /// Reads messages whose tick changed in this step, to show them: after the commit they are as
    /// they now stand.
    pub(crate) fn read_ticks(&mut self, step: &mut Step) {
        for (comrade, ordinals) in std::mem::take(&mut step.show.ticks) {
            let (Some(first), Some(last)) = (ordinals.first(), ordinals.last()) else {
                continue;
            };
            let query = Query {
                table: Table::Messages,
                prefix: comrade.0.to_vec(),
                above: Some(keys::tick(comrade, first.saturating_sub(1))),
                below: Some(keys::message(comrade, last.saturating_add(1))),
                descending: false,
                limit: MAX_READ_RECORDS,
            };
            let read = step.read(query);
            self.reads
                .insert(read, Purpose::Ticks { comrade, ordinals });
        }
    }

    fn show_ticks(
        &self,
        step: &mut Step,
        comrade: ComradeId,
        mut ordinals: BTreeSet<u64>,
        records: &[Record],
    ) {
        let deleted = self.comrades.get(&comrade);
        let deleted = deleted.map_or(u64::MAX, |comrade| comrade.record.deleted_up_to);
        ordinals.retain(|ordinal| *ordinal > deleted);
        let messages = self.messages(records).unwrap_or_default();
        let end = messages.last_key_value().map(|(ordinal, _)| *ordinal);
        for (ordinal, message) in messages {
            if ordinals.remove(&ordinal) {
                step.show_message(comrade, message);
            }
        }
        // The page was full: the rest is for the next one.
        if records.len() == MAX_READ_RECORDS {
            for ordinal in ordinals.into_iter().filter(|ordinal| Some(*ordinal) > end) {
                step.show_tick(comrade, ordinal);
            }
        }
    }

    /// The store gave what was asked for.
    pub(crate) fn records(&mut self, step: &mut Step, read: u64, records: Vec<Record>) {
        match self.reads.remove(&read) {
            Some(Purpose::Pump { comrade, wanted }) => {
                self.pumped(step, comrade, &wanted, records);
            }
            Some(Purpose::Retry { comrade, opened }) => {
                self.retried(step, comrade, opened, records);
            }
            Some(Purpose::Ticks { comrade, ordinals }) => {
                self.show_ticks(step, comrade, ordinals, &records);
            }
            Some(Purpose::Page {
                command,
                comrade,
                limit,
            }) => {
                step.done(command, self.page(comrade, limit, &records));
            }
            Some(Purpose::Posts {
                command,
                collective,
                limit,
            }) => {
                let page = self.posts_page(collective, limit, &records);
                step.done(command, page);
            }
            Some(Purpose::Merge { from, into }) => self.merged(step, from, into, records),
            Some(Purpose::Sweep(cursor)) => self.swept(step, cursor, records),
            Some(Purpose::Shed) => self.shed(step, &records),
            Some(Purpose::Walk(count)) => self.walked(step, count, &records),
            Some(Purpose::Compare { link }) => self.index_read(step, link, &records),
            Some(Purpose::Return { link, id }) => self.return_read(step, link, id, &records),
            None => {}
        }
    }

    // --- whole states --------------------------------------------------------------------------

    /// All comrades, the most recently active first.
    fn comrade_views(&self) -> Vec<ComradeView> {
        let own = self.device.person();
        let mut views: Vec<ComradeView> = self
            .comrades
            .iter()
            .filter(|(_, comrade)| !comrade.record.removed)
            .map(|(id, comrade)| {
                let mut view = comrade.view(*id, &own);
                // What waits for another day is not missing.
                view.gap = view.gap.filter(|_| !self.lacks_larger());
                view
            })
            .collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.active_at), view.id));
        views
    }

    pub(crate) fn route_view(&self, step: &Step, route: &Route) -> RouteView {
        let waiting = self
            .comrades
            .values()
            .map(|comrade| comrade.waiting_messages())
            .chain([self.waiting_posts()])
            .sum::<usize>();
        let acting = self.acting(step.now);
        let way = acting.and_then(|relay| self.ways.get(&relay.id));
        RouteView {
            relay: acting.map(|relay| relay.origin.clone()),
            link: way.map_or(LinkState::NoRelay, |way| way.link),
            router: way.map_or(RouterStage::Unknown, |way| way.router),
            hosting: way.map_or(HostStage::Off, |way| way.hosting),
            node: way.map_or(NodeStage::Unknown, Way::stage),
            relays: self.relay_views(),
            replicas: self.replica_view(),
            rescuing: u32::try_from(self.rescued().count()).unwrap_or(u32::MAX),
            dials: self.dial_views(step.now),
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            queues: self.queue_views(step),
            collective_queues: self.space_queue_views(step),
            saver: self.saver_view(),
            traffic: self.traffic.view(day_of(step.now), route.traffic.fresh()),
        }
    }

    /// Tells the screens what this step changed, but for the route.
    pub(crate) fn show(&mut self, step: &mut Step) {
        self.read_ticks(step);
        if std::mem::take(&mut step.show.profile) {
            step.event(self.profile_event());
        }
        // Who is a comrade, and what arrived at them, shows in circles, too.
        if std::mem::take(&mut step.show.circles) || step.show.comrades {
            self.show_circles(step);
        }
        if std::mem::take(&mut step.show.comrades) {
            step.event(Event::Comrades(self.comrade_views()));
        }
        if std::mem::take(&mut step.show.collectives) {
            step.event(self.collectives_event(step.now));
        }
        if std::mem::take(&mut step.show.introductions) {
            step.event(self.introductions_event());
        }
        if std::mem::take(&mut step.show.invites) {
            step.event(Event::Invites(self.invite_views()));
        }
    }

    /// Commands that wait for a read: nobody will answer them once the keys are gone.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = u32> {
        self.reads.values().filter_map(|purpose| match purpose {
            Purpose::Page { command, .. } | Purpose::Posts { command, .. } => Some(*command),
            _ => None,
        })
    }
}
