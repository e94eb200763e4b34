//! One relay, kept connected. There is a task of its own for each relay in use.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    future::Fuse,
    pin_mut, select_biased,
};
use komrade_peer::{Input, RelayId, RelayOrder};
use komrade_view::{LinkState, RefusalCode};
use komrade_wire::{control::Refusal, mux::Mux};
use zeroize::Zeroizing;

use crate::{
    Host,
    backoff::Backoff,
    env::{Env, Event, Voice},
    limits, session,
};

/// The connection that dials go through, while there is one.
#[derive(Default)]
pub(crate) struct Door {
    mux: RefCell<Option<Mux>>,
    streams: Cell<usize>,
}

impl Door {
    pub(crate) fn open(&self, mux: Mux, streams: usize) {
        *self.mux.borrow_mut() = Some(mux);
        self.streams.set(streams);
    }

    pub(crate) fn shut(&self) {
        *self.mux.borrow_mut() = None;
    }

    /// The connection, if it is up and the relay allows one more link beside so many.
    pub(crate) fn mux(&self, links: usize) -> Option<Mux> {
        // One stream is the control stream.
        let room = links + 1 < self.streams.get();
        self.mux.borrow().clone().filter(|_| room)
    }
}

/// A relay in use. Dropping it leaves the relay in good order.
pub(crate) struct Relay {
    /// Which one: grows with each relay of this run.
    pub(crate) epoch: u64,
    pub(crate) door: Rc<Door>,
    nudges: mpsc::Sender<()>,
    hosted: Hosted,
    rehosts: mpsc::Sender<()>,
    _stay: oneshot::Sender<()>,
    gone: oneshot::Receiver<()>,
}

/// The destination that the relay is to host, if any: said again with every connection.
pub(crate) type Hosted = Rc<RefCell<Option<Zeroizing<Vec<u8>>>>>;

/// What a relay's task gets from its [`Relay`].
pub(crate) struct Wishes {
    /// What is to be hosted.
    pub(crate) hosted: Hosted,
    /// That has changed.
    pub(crate) rehosts: mpsc::Receiver<()>,
    /// Ends when the relay is to be left.
    pub(crate) leave: Fuse<oneshot::Receiver<()>>,
    /// Try now.
    pub(crate) nudges: mpsc::Receiver<()>,
}

/// Speaks for one relay.
pub(crate) struct RelayVoice {
    /// Which one, as the engine calls it.
    pub(crate) id: RelayId,
    epoch: u64,
    voice: Voice,
}

impl RelayVoice {
    pub(crate) async fn say(&mut self, input: Input) {
        self.voice
            .say(Event::Relay(self.id, self.epoch, input))
            .await;
    }

    /// The connection changed.
    pub(crate) async fn tell(&mut self, state: LinkState) {
        self.say(Input::Relay(self.id, state)).await;
    }
}

impl Relay {
    /// Begins to use a relay. `None` if too many tasks wait to be started.
    pub(crate) fn start<H: Host + 'static>(
        env: &Rc<Env<H>>,
        id: RelayId,
        epoch: u64,
        order: RelayOrder,
    ) -> Option<Self> {
        let door = Rc::new(Door::default());
        let (nudges, nudged) = mpsc::channel(0);
        let (rehosts, rehosted) = mpsc::channel(0);
        let hosted = Hosted::default();
        let (stay, leave) = oneshot::channel();
        let (going, gone) = oneshot::channel();
        let voice = RelayVoice {
            id,
            epoch,
            voice: env.voice(),
        };
        let wishes = Wishes {
            hosted: Rc::clone(&hosted),
            rehosts: rehosted,
            leave: leave.fuse(),
            nudges: nudged,
        };
        let task =
            keep(Rc::clone(env), order, Rc::clone(&door), voice, wishes).map(|()| drop(going));
        env.start(task).then_some(Self {
            epoch,
            door,
            nudges,
            hosted,
            rehosts,
            _stay: stay,
            gone,
        })
    }

    /// Tries now rather than when the next attempt is due.
    pub(crate) fn nudge(&mut self) {
        // One that waits already is enough.
        let _ = self.nudges.try_send(());
    }

    /// Has this destination hosted from now on, or none.
    pub(crate) fn host(&mut self, destination: Option<Zeroizing<Vec<u8>>>) {
        *self.hosted.borrow_mut() = destination;
        // One that waits already is enough: it reads what is wanted then.
        let _ = self.rehosts.try_send(());
    }

    /// Leaves, and ends when that is done.
    pub(crate) async fn leave(self) {
        let Self {
            _stay: stay, gone, ..
        } = self;
        drop(stay);
        let _ = gone.await;
    }
}

/// How a connection ended.
pub(crate) enum End {
    /// It is no longer wanted.
    Left,
    /// The relay said why.
    Refused(Refusal),
    /// It broke.
    Lost,
}

async fn keep<H: Host + 'static>(
    env: Rc<Env<H>>,
    order: RelayOrder,
    door: Rc<Door>,
    mut voice: RelayVoice,
    mut wishes: Wishes,
) {
    let mut backoff = Backoff::default();
    loop {
        let started = env.host.now();
        voice.tell(LinkState::Connecting(started)).await;
        let end = attempt(&env, &order, &door, &mut voice, &mut wishes).await;
        door.shut();
        if env.host.now().saturating_sub(started) >= limits::STEADY + limits::CONNECT {
            backoff.reset();
        }
        let refused = match end {
            End::Left => return,
            End::Refused(refusal) => code(refusal),
            End::Lost => None,
        };
        if refused == Some(RefusalCode::Full) {
            backoff.slowest();
        }
        let pause = backoff.failed(&mut env.host.rng());
        let state = match refused {
            Some(code) => LinkState::Refused(code),
            None => LinkState::Waiting {
                retry_at: env.host.now().saturating_add(pause),
                failures: backoff.failures(),
            },
        };
        voice.tell(state).await;
        // Where asking again would bring the same answer, only the person's wish ends the pause.
        let ends = refused.is_none_or(|code| code == RefusalCode::Full);
        if !rest(&env, ends.then_some(pause), &mut backoff, &mut wishes).await {
            return;
        }
    }
}

/// Waits until the next attempt is due; says no if there is to be none.
async fn rest<H: Host>(
    env: &Env<H>,
    pause: Option<u64>,
    backoff: &mut Backoff,
    wishes: &mut Wishes,
) -> bool {
    let pause = async {
        match pause {
            Some(pause) => env.host.sleep(pause).await,
            None => std::future::pending().await,
        }
    };
    let pause = pause.fuse();
    pin_mut!(pause);
    select_biased! {
        _ = &mut wishes.leave => false,
        () = wishes.nudges.select_next_some() => {
            backoff.reset();
            true
        }
        () = pause => true,
    }
}

async fn attempt<H: Host + 'static>(
    env: &Rc<Env<H>>,
    order: &RelayOrder,
    door: &Door,
    voice: &mut RelayVoice,
    wishes: &mut Wishes,
) -> End {
    let url = url(&order.origin);
    let socket = {
        let connecting = env.within(limits::CONNECT, env.host.connect(&url)).fuse();
        pin_mut!(connecting);
        select_biased! {
            _ = &mut wishes.leave => return End::Left,
            socket = connecting => socket,
        }
    };
    match socket {
        Some(Ok(socket)) => session::run(env, socket, order, door, voice, wishes).await,
        _ => End::Lost,
    }
}

/// Where the WebSocket of an origin is.
fn url(origin: &str) -> String {
    match origin.strip_prefix("http://") {
        Some(host) => format!("ws://{host}/ws"),
        None => format!(
            "wss://{}/ws",
            origin.strip_prefix("https://").unwrap_or(origin)
        ),
    }
}

/// What the screens are told of a refusal; `None` if it is no more than a lost connection.
fn code(refusal: Refusal) -> Option<RefusalCode> {
    match refusal {
        Refusal::JoinSecret => Some(RefusalCode::JoinSecret),
        Refusal::Version => Some(RefusalCode::Version),
        Refusal::Full => Some(RefusalCode::Full),
        Refusal::Replaced => Some(RefusalCode::Replaced),
        Refusal::Protocol => Some(RefusalCode::Protocol),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_websocket_is_as_safe_as_the_origin() {
        assert_eq!(url("https://relay.example"), "wss://relay.example/ws");
        assert_eq!(url("http://127.0.0.1:4040"), "ws://127.0.0.1:4040/ws");
    }
}
