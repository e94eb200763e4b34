//! One connection to a relay, from the hello to its end.

use std::rc::Rc;

use futures::{
    AsyncReadExt, FutureExt, StreamExt,
    channel::oneshot,
    future::{AbortHandle, Abortable, select},
    io::{ReadHalf, WriteHalf},
    pin_mut, select_biased,
};
use komrade_peer::{Input, NodeInfo, RelayOrder};
use komrade_view::{HostStage, LinkState, Millis, RefusalCode, RouterStage};
use komrade_wire::{
    control::{FromMember, FromRelay, Hosting, Limits, MAX_CONTROL_BYTES, Refusal, Stage, VERSION},
    frame::{self, FrameReader},
    mux::{Config, Incoming, MAX_STREAMS, Mux, MuxStream, Side, mux},
};

use crate::{
    Host,
    count::Counted,
    env::Env,
    limits, link,
    relay::{Door, End, RelayVoice, Wishes},
};

/// Uses a connection until it ends.
pub(crate) async fn run<H: Host + 'static>(
    env: &Rc<Env<H>>,
    socket: H::Socket,
    order: &RelayOrder,
    door: &Door,
    voice: &mut RelayVoice,
    wishes: &mut Wishes,
) -> End {
    let socket = Counted::new(socket, Rc::clone(&env.bytes));
    // The relay says how many streams it takes; until then, and against its errors, there is our own bound.
    let config = Config {
        streams: MAX_STREAMS,
        ..Config::default()
    };
    let (mux, incoming, driver) = mux(socket, Side::Member, config);
    let (using, used) = oneshot::channel::<()>();
    let (driving, driven) = oneshot::channel::<()>();
    let clock = Rc::clone(env);
    let started = env.start(async move {
        let cut = async {
            let _ = used.await;
            clock.host.sleep(limits::LEAVE).await;
        };
        pin_mut!(cut);
        select(driver, cut).await;
        drop(driving);
    });
    if !started {
        return End::Lost;
    }
    let mut session = Session {
        env,
        order,
        door,
        voice,
        mux: mux.clone(),
        incoming,
    };
    let end = session.talk(wishes).await.unwrap_or(End::Lost);
    door.shut();
    drop(using);
    env.within(limits::LEAVE, mux.close()).await;
    // The socket is closed, or cut, when the driver has ended.
    let _ = driven.await;
    end
}

struct Session<'s, H> {
    env: &'s Rc<Env<H>>,
    order: &'s RelayOrder,
    door: &'s Door,
    voice: &'s mut RelayVoice,
    mux: Mux,
    incoming: Incoming,
}

/// The control stream.
struct Control {
    reader: FrameReader<ReadHalf<MuxStream>>,
    writer: WriteHalf<MuxStream>,
}

impl<H: Host + 'static> Session<'_, H> {
    /// `None` when the connection broke.
    async fn talk(&mut self, wishes: &mut Wishes) -> Option<End> {
        let mut control = {
            let opening = self.env.within(limits::WELCOME, self.mux.open()).fuse();
            pin_mut!(opening);
            let stream = select_biased! {
                _ = &mut wishes.leave => return Some(End::Left),
                stream = opening => stream?.ok()?,
            };
            let (reading, writer) = stream.split();
            Control {
                reader: FrameReader::new(reading, MAX_CONTROL_BYTES),
                writer,
            }
        };
        let hello = FromMember::Hello {
            version: VERSION,
            join_secret: self.order.join_secret.clone(),
            account: self.order.account.clone(),
        };
        self.send(&mut control, &hello).await?;
        let welcome = {
            let welcome = self.env.within(limits::WELCOME, next(&mut control)).fuse();
            pin_mut!(welcome);
            select_biased! {
                _ = &mut wishes.leave => return Some(End::Left),
                message = welcome => message??,
            }
        };
        let allowed = match welcome {
            FromRelay::Welcome {
                version: VERSION,
                limits,
                ..
            } => limits,
            FromRelay::Welcome { .. } => return Some(End::Refused(Refusal::Version)),
            FromRelay::Refused(refusal) => return Some(End::Refused(refusal)),
            _ => return Some(End::Refused(Refusal::Protocol)),
        };
        let since = self.env.host.now();
        let round_trip = None;
        self.voice.tell(LinkState::Up { since, round_trip }).await;
        self.door
            .open(self.mux.clone(), usize::from(allowed.streams));
        if wishes.hosted.borrow().is_some() {
            self.host(&mut control, wishes).await?;
        }
        self.stay(&mut control, since, allowed, wishes).await
    }

    async fn stay(
        &mut self,
        control: &mut Control,
        since: Millis,
        allowed: Limits,
        wishes: &mut Wishes,
    ) -> Option<End> {
        let id = self.voice.id;
        let idle = u64::from(allowed.idle_seconds) * 1_000;
        let mut pings = Pings::new(limits::PING.min(idle / 3).max(1_000), self.env.host.now());
        let mut building = None;
        let (mut rehost, mut node_told) = (false, false);
        loop {
            if std::mem::take(&mut rehost) {
                self.host(control, wishes).await?;
            }
            let now = self.env.host.now();
            match pings.due(now) {
                Due::Send(number) => self.send(control, &FromMember::Ping(number)).await?,
                Due::Dead => return None,
                Due::Wait(_) => {}
            }
            let wait = match pings.due(now) {
                Due::Wait(wait) => wait,
                Due::Send(_) | Due::Dead => 0,
            };
            let timer = self.env.host.sleep(wait).fuse();
            let message = next(control).fuse();
            let stream = self.incoming.next().fuse();
            pin_mut!(timer, message, stream);
            select_biased! {
                _ = &mut wishes.leave => return Some(End::Left),
                message = message => match message? {
                    FromRelay::Pong(number) => {
                        if let Some(round_trip) = pings.answered(number, self.env.host.now()) {
                            let round_trip = Some(round_trip);
                            self.voice.tell(LinkState::Up { since, round_trip }).await;
                        }
                    }
                    FromRelay::Router(stage) => {
                        self.voice.say(Input::Router(id, router(stage))).await;
                    }
                    FromRelay::Hosting(stage) => {
                        // Whoever has a node says so before this.
                        if !std::mem::replace(&mut node_told, true) {
                            self.voice.say(Input::Node(id, None)).await;
                        }
                        let now = self.env.host.now();
                        let stage = hosting(stage, &mut building, now);
                        self.voice.say(Input::Hosting(id, stage)).await;
                    }
                    FromRelay::Node { address, key, token, bits, incarnation } => {
                        node_told = true;
                        let info = NodeInfo { address, key, token, bits, incarnation };
                        self.voice.say(Input::Node(id, Some(info))).await;
                    }
                    FromRelay::Refused(refusal) => return Some(End::Refused(refusal)),
                    _ => {}
                },
                stream = stream => {
                    let stream = stream?;
                    let (abort, registration) = AbortHandle::new_pair();
                    let task = link::incoming(Rc::clone(self.env), id, stream, abort);
                    // If too many wait to be started the stream is dropped, and they try again.
                    self.env.start(Abortable::new(task, registration).map(drop));
                }
                () = wishes.nudges.select_next_some() => pings.hurry(),
                () = wishes.rehosts.select_next_some() => rehost = true,
                () = timer => {}
            }
        }
    }

    /// Says what is to be hosted.
    async fn host(&self, control: &mut Control, wishes: &Wishes) -> Option<()> {
        let blob = wishes.hosted.borrow().clone();
        let message = match blob {
            Some(blob) => FromMember::Host { blob },
            None => FromMember::Unhost,
        };
        self.send(control, &message).await
    }

    async fn send(&self, control: &mut Control, message: &FromMember) -> Option<()> {
        let bytes = message.encode();
        let writing = frame::write(&mut control.writer, &bytes, MAX_CONTROL_BYTES);
        self.env.within(limits::PONG, writing).await?.ok()
    }
}

/// The next message that is known here; `None` when the stream ends or the relay speaks nonsense.
async fn next(control: &mut Control) -> Option<FromRelay> {
    loop {
        let bytes = control.reader.next().await.ok()??;
        if let Some(message) = FromRelay::decode(&bytes).ok()? {
            return Some(message);
        }
    }
}

enum Due {
    /// Send this ping now.
    Send(u64),
    /// Nothing for so many milliseconds.
    Wait(u64),
    /// The answer is overdue.
    Dead,
}

/// Pings and their answers.
struct Pings {
    every: u64,
    number: u64,
    /// When the one without an answer was sent.
    sent_at: Option<Millis>,
    next_at: Millis,
}

impl Pings {
    fn new(every: u64, now: Millis) -> Self {
        Self {
            every,
            number: 0,
            sent_at: None,
            next_at: now,
        }
    }

    fn due(&mut self, now: Millis) -> Due {
        // The clock may be set back; nothing is ever further away than a whole span.
        self.next_at = self.next_at.min(now.saturating_add(self.every));
        self.sent_at = self.sent_at.map(|sent_at| sent_at.min(now));
        match self.sent_at {
            Some(sent_at) => match (sent_at + limits::PONG).checked_sub(now) {
                None | Some(0) => Due::Dead,
                Some(left) => Due::Wait(left),
            },
            None if self.next_at <= now => {
                self.number += 1;
                self.sent_at = Some(now);
                Due::Send(self.number)
            }
            None => Due::Wait(self.next_at - now),
        }
    }

    /// The round trip in milliseconds, if this answers the last ping.
    fn answered(&mut self, number: u64, now: Millis) -> Option<u32> {
        let sent_at = self.sent_at.filter(|_| number == self.number)?;
        self.sent_at = None;
        self.next_at = now.saturating_add(self.every);
        u32::try_from(now.saturating_sub(sent_at)).ok()
    }

    /// The next one is due now.
    fn hurry(&mut self) {
        self.next_at = 0;
    }
}

fn router(stage: Stage) -> RouterStage {
    match stage {
        Stage::Starting => RouterStage::Starting,
        Stage::Reseeding { attempt } => RouterStage::Reseeding { attempt },
        Stage::NoRouters { retry_in } => RouterStage::NoRouters { retry_in },
        Stage::Building { routers } => RouterStage::BuildingTunnels { routers },
        Stage::Ready { routers } => RouterStage::Ready { routers },
        Stage::Failed { retry_in } => RouterStage::Failed { retry_in },
        _ => RouterStage::Unknown,
    }
}

/// `building` remembers when the building began that attempts are counted in.
fn hosting(stage: Hosting, building: &mut Option<Millis>, now: Millis) -> HostStage {
    if !matches!(stage, Hosting::Building { .. }) {
        *building = None;
    }
    match stage {
        Hosting::Off => HostStage::Off,
        Hosting::Waiting => HostStage::Waiting,
        Hosting::Building { attempt } => HostStage::Building {
            since: *building.get_or_insert(now),
            attempt,
        },
        Hosting::Up => HostStage::Up { since: now },
        Hosting::Full => HostStage::Refused(RefusalCode::HostsFull),
        Hosting::BadDestination => HostStage::Refused(RefusalCode::BadDestination),
        Hosting::Failed { retry_in } => HostStage::Failed {
            retry_at: now.saturating_add(u64::from(retry_in) * 1_000),
        },
        _ => HostStage::Waiting,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    fn send(pings: &mut Pings, now: Millis) -> u64 {
        match pings.due(now) {
            Due::Send(number) => number,
            _ => panic!("no ping at {now}"),
        }
    }

    #[test]
    fn a_ping_is_answered_and_the_next_one_waits() {
        let mut pings = Pings::new(30_000, 1_000);
        let number = send(&mut pings, 1_000);
        assert!(matches!(pings.due(1_001), Due::Wait(19_999)));
        assert_eq!(pings.answered(number + 1, 1_020), None, "no answer to ours");
        assert_eq!(pings.answered(number, 1_020), Some(20));
        assert!(matches!(pings.due(1_020), Due::Wait(30_000)));
        pings.hurry();
        send(&mut pings, 1_030);
        assert!(matches!(pings.due(1_030 + limits::PONG), Due::Dead));
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let mut pings = Pings::new(30_000, 10_000_000);
        let number = send(&mut pings, 10_000_000);
        assert!(matches!(pings.due(0), Due::Wait(limits::PONG)));
        assert_eq!(pings.answered(number, 5), Some(5));
        pings.next_at = 10_000_000;
        assert!(matches!(pings.due(10), Due::Wait(30_000)));
    }

    #[test]
    fn building_is_counted_from_its_beginning() {
        let mut building = None;
        let first = hosting(Hosting::Building { attempt: 1 }, &mut building, 5);
        let second = hosting(Hosting::Building { attempt: 2 }, &mut building, 9);
        assert_eq!(
            first,
            HostStage::Building {
                since: 5,
                attempt: 1
            }
        );
        assert_eq!(
            second,
            HostStage::Building {
                since: 5,
                attempt: 2
            }
        );
        assert_eq!(
            hosting(Hosting::Up, &mut building, 10),
            HostStage::Up { since: 10 }
        );
        let third = hosting(Hosting::Building { attempt: 1 }, &mut building, 11);
        assert_eq!(
            third,
            HostStage::Building {
                since: 11,
                attempt: 1
            }
        );
    }
}
