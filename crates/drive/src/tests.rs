//! The driver with a script in place of the engine, and pipes in memory in place of the network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod links;
mod order;
mod reconnect;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt::Debug,
    io,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures::{SinkExt, StreamExt, channel::mpsc};
use komrade_crypto::vault::StretchJob;
use komrade_peer::{Effect, Input, RelayId, RelayOrder};
use komrade_store::memory::MemoryStore;
use komrade_view::{Command, FromEngine, LinkState, Millis, ToEngine};
use komrade_wire::{
    control::{FromMember, FromRelay, Limits, MAX_CONTROL_BYTES, VERSION},
    frame,
    mux::{Config, Incoming, Mux, MuxStream, Side, mux},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::CryptoRng;
use tokio::{
    io::DuplexStream,
    sync::Notify,
    task::{JoinHandle, LocalSet, spawn_local},
    time::{Instant, timeout},
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use zeroize::Zeroizing;

use crate::{Ended, Host, pilot};

/// Far longer than anything here takes; the clock is paused and jumps when nobody has anything to do.
const LONG: Duration = Duration::from_secs(3_600);

pub(crate) type Pipe = Compat<DuplexStream>;

/// A world in which every connection is a pipe, whose far end the test gets.
struct Piped {
    start: Instant,
    /// The seed of the next source of randomness.
    drawn: Cell<u64>,
    calls: mpsc::Sender<Pipe>,
    /// Answers connections with an error while true.
    down: Rc<RefCell<bool>>,
}

impl Host for Piped {
    type Socket = Pipe;
    type Rng = ChaCha20Rng;

    async fn connect(&self, url: &str) -> io::Result<Pipe> {
        assert_eq!(url, "ws://127.0.0.1:1/ws");
        if *self.down.borrow() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (near, far) = tokio::io::duplex(16_384);
        let sent = self.calls.clone().send(far.compat()).await;
        sent.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(near.compat())
    }

    async fn sleep(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    fn now(&self) -> Millis {
        1_000_000 + self.start.elapsed().as_millis() as u64
    }

    fn rng(&self) -> ChaCha20Rng {
        self.drawn.set(self.drawn.get() + 1);
        ChaCha20Rng::seed_from_u64(self.drawn.get())
    }

    async fn stretch(&self, _: StretchJob) -> Option<Zeroizing<[u8; 32]>> {
        None
    }
}

/// In the engine's place: keeps what goes in, gives out what the test wants.
#[derive(Default)]
struct Script {
    inputs: RefCell<VecDeque<Input>>,
    effects: RefCell<VecDeque<Effect>>,
    arrived: Notify,
}

impl pilot::Core for Rc<Script> {
    fn handle(&mut self, _: Millis, _: &mut dyn CryptoRng, input: Input) {
        if matches!(input, Input::StoreFailed(_)) {
            // As the engine does.
            self.effects.borrow_mut().clear();
        }
        self.inputs.borrow_mut().push_back(input);
        self.arrived.notify_one();
    }

    fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.borrow_mut().pop_front()
    }

    fn poll_timeout(&self) -> Option<Millis> {
        None
    }
}

/// A driver under test.
struct Rig {
    store: MemoryStore,
    script: Rc<Script>,
    commands: mpsc::Sender<ToEngine>,
    told: mpsc::Receiver<FromEngine>,
    calls: mpsc::Receiver<Pipe>,
    down: Rc<RefCell<bool>>,
    running: JoinHandle<Ended>,
}

impl Rig {
    fn new(store: &MemoryStore) -> Self {
        let script = Rc::new(Script::default());
        let (screens, helm) = crate::channel();
        let (calling, calls) = mpsc::channel(0);
        let down = Rc::new(RefCell::new(false));
        static RIGS: AtomicU64 = AtomicU64::new(0);
        let drawn = Cell::new(RIGS.fetch_add(1_000_000, Ordering::Relaxed));
        let start = Instant::now();
        let host = Piped {
            start,
            drawn,
            calls: calling,
            down: Rc::clone(&down),
        };
        let running = spawn_local(pilot::run(store.clone(), host, helm, Rc::clone(&script)));
        let (commands, told) = (screens.commands, screens.events);
        Self {
            store: store.clone(),
            script,
            commands,
            told,
            calls,
            down,
            running,
        }
    }

    /// Has the driver do this.
    async fn has_done(&mut self, effects: impl IntoIterator<Item = Effect>) {
        self.script.effects.borrow_mut().extend(effects);
        let command = ToEngine {
            id: 0,
            command: Command::Reconnect,
        };
        self.commands.send(command).await.unwrap();
        self.until(|input| matches!(input, Input::Command(_)).then_some(()))
            .await;
    }

    /// Takes inputs until `found` finds one.
    async fn until<T>(&mut self, mut found: impl FnMut(&Input) -> Option<T>) -> T {
        let waiting = async {
            loop {
                while let Some(input) = self.script.inputs.borrow_mut().pop_front() {
                    if let Some(result) = found(&input) {
                        return result;
                    }
                }
                self.script.arrived.notified().await;
            }
        };
        timeout(LONG, waiting).await.expect("in time")
    }

    async fn leads(&mut self) {
        self.until(|input| matches!(input, Input::Leading).then_some(()))
            .await;
    }

    /// Takes the next connection, as a relay would, up to its welcome.
    async fn called(&mut self) -> Far {
        let pipe = timeout(LONG, self.calls.next()).await.unwrap().unwrap();
        let (mux, mut incoming, driver) = mux(pipe, Side::Relay, Config::default());
        let driver = spawn_local(driver);
        let mut control = timeout(LONG, incoming.next()).await.unwrap().unwrap();
        let hello = hear(&mut control).await;
        assert!(matches!(
            hello,
            FromMember::Hello {
                version: VERSION,
                ..
            }
        ));
        Far {
            mux,
            incoming,
            control,
            driver: driver.abort_handle(),
        }
    }

    /// Uses a relay and welcomes the driver there.
    async fn connected(store: &MemoryStore) -> (Self, Far) {
        let mut rig = Self::new(store);
        rig.leads().await;
        rig.has_done([uses(ONE)]).await;
        let mut far = rig.called().await;
        far.welcomes().await;
        rig.is_up().await;
        (rig, far)
    }

    async fn is_up(&mut self) {
        self.until(|input| matches!(input, Input::Relay(ONE, LinkState::Up { .. })).then_some(()))
            .await;
    }
}

/// The other end of a connection.
struct Far {
    mux: Mux,
    incoming: Incoming,
    control: MuxStream,
    driver: tokio::task::AbortHandle,
}

impl Far {
    async fn says(&mut self, message: FromRelay) {
        frame::write(&mut self.control, &message.encode(), MAX_CONTROL_BYTES)
            .await
            .unwrap();
    }

    async fn welcomes(&mut self) {
        let limits = Limits {
            streams: 32,
            websocket_message: 65_536,
            in_flight: 1 << 20,
            handshake_seconds: 20,
            idle_seconds: 90,
            stream_idle_seconds: 600,
        };
        self.says(FromRelay::Welcome {
            version: VERSION,
            limits,
            resumed: false,
        })
        .await;
    }

    /// The next message but pings, which are answered.
    async fn hears(&mut self) -> FromMember {
        loop {
            match hear(&mut self.control).await {
                FromMember::Ping(number) => self.says(FromRelay::Pong(number)).await,
                message => return message,
            }
        }
    }

    /// Answers pings, and gives them back.
    async fn pongs(&mut self) -> u64 {
        let FromMember::Ping(number) = hear(&mut self.control).await else {
            panic!("no ping")
        };
        self.says(FromRelay::Pong(number)).await;
        number
    }
}

async fn hear(control: &mut MuxStream) -> FromMember {
    let frame = timeout(LONG, frame::read(control, MAX_CONTROL_BYTES))
        .await
        .unwrap();
    FromMember::decode(&frame.unwrap().unwrap())
        .unwrap()
        .unwrap()
}

/// The relay of most tests.
const ONE: RelayId = RelayId(1);

/// Uses a relay under this number.
fn uses(relay: RelayId) -> Effect {
    let order = Some(order());
    Effect::UseRelay { relay, order }
}

fn order() -> RelayOrder {
    RelayOrder {
        origin: "http://127.0.0.1:1".into(),
        join_secret: Zeroizing::new([1; 16]),
        account: Zeroizing::new([2; 32]),
    }
}

/// Runs a test whose tasks stay on this thread.
async fn here<T: Debug>(test: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(test).await
}
