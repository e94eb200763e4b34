//! The main loop: one input at a time into the engine, its effects in order.

use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::mpsc,
    future::{AbortHandle, Abortable, Either, join_all, select},
    pin_mut, select_biased,
};
use komrade_peer::{DialProgress, Effect, Input, LinkId, RelayId, WorkJob};
use komrade_store::{Store, StoreError};
use komrade_view::{FromEngine, Millis, ToEngine};
use komrade_wire::header::Header;
use rand_core::{CryptoRng, Rng};

use crate::{
    Ended, Helm, Host,
    env::{Env, Event, Incoming, run_tasks},
    lead::{Lead, Looked},
    limits,
    link::{self, Dial, Key, Order, Orders},
    relay::Relay,
};

/// What the pilot needs of an engine. There is one, and the tests' script of one.
pub(crate) trait Core {
    /// Takes an input.
    fn handle(&mut self, now: Millis, rng: &mut dyn CryptoRng, input: Input);
    /// The next thing to do, taken only when the one before is done.
    fn poll_effect(&mut self) -> Option<Effect>;
    /// When [`Input::Tick`] is due.
    fn poll_timeout(&self) -> Option<Millis>;
}

impl Core for komrade_peer::Engine {
    fn handle(&mut self, now: Millis, rng: &mut dyn CryptoRng, input: Input) {
        Self::handle(self, now, rng, input);
    }

    fn poll_effect(&mut self) -> Option<Effect> {
        Self::poll_effect(self)
    }

    fn poll_timeout(&self) -> Option<Millis> {
        Self::poll_timeout(self)
    }
}

/// See [`crate::run`].
pub(crate) async fn run<S, H, C>(store: S, host: H, helm: Helm, core: C) -> Ended
where
    S: Store,
    H: Host + 'static,
    C: Core,
{
    let (env, arrivals, starting) = Env::new(host);
    let mut owner = [0; 16];
    env.host.rng().fill_bytes(&mut owner);
    let Helm { commands, tell } = helm;
    let pilot = Pilot {
        env,
        store,
        core,
        tell,
        lead: Lead::new(owner),
        links: BTreeMap::new(),
        relays: BTreeMap::new(),
        epoch: 0,
        answers: VecDeque::new(),
        told_bytes: (0, 0),
    };
    let (flight, tasks) = (pilot.fly(commands, arrivals), run_tasks(starting));
    pin_mut!(flight, tasks);
    match select(flight, tasks).await {
        Either::Left((ended, _)) => ended,
        // Not reached: the pilot holds the other end.
        Either::Right(((), flight)) => flight.await,
    }
}

struct Pilot<S, H, C> {
    env: Rc<Env<H>>,
    store: S,
    core: C,
    tell: mpsc::Sender<FromEngine>,
    lead: Lead,
    links: BTreeMap<LinkId, Link>,
    relays: BTreeMap<RelayId, Relay>,
    epoch: u64,
    /// Answers to effects, for the engine before anything else: no more than there are effects in one step.
    answers: VecDeque<Input>,
    told_bytes: (u64, u64),
}

/// A link that the engine has not closed.
struct Link {
    orders: Orders,
    abort: AbortHandle,
    /// Through which relay.
    relay: RelayId,
    up: bool,
}

/// What happens next.
enum Next {
    Timer,
    Command(Option<ToEngine>),
    Event(Event),
}

impl<S: Store, H: Host + 'static, C: Core> Pilot<S, H, C> {
    async fn fly(
        mut self,
        mut commands: mpsc::Receiver<ToEngine>,
        mut arrivals: mpsc::Receiver<Event>,
    ) -> Ended {
        let mut renew_at = 0;
        let ended = loop {
            if let Some(effect) = self.core.poll_effect() {
                match self.perform(effect).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => self.failed(error).await,
                    Err(ended) => break ended,
                }
                continue;
            }
            if let Some(input) = self.answers.pop_front() {
                self.handle(input);
                continue;
            }
            let now = self.env.host.now();
            // The clock may be set back; nothing is ever further away than a whole span.
            renew_at = renew_at.min(now.saturating_add(limits::LEASE_RENEWED));
            if renew_at <= now {
                renew_at = now.saturating_add(limits::LEASE_RENEWED);
                self.renew(now).await;
                continue;
            }
            let due = self
                .core
                .poll_timeout()
                .unwrap_or(Millis::MAX)
                .min(renew_at);
            // At least a moment, so that an engine in a hurry leaves room for all else.
            let next = {
                let timer = self.env.host.sleep(due.saturating_sub(now).max(1)).fuse();
                pin_mut!(timer);
                select_biased! {
                    () = timer => Next::Timer,
                    command = commands.next() => Next::Command(command),
                    event = arrivals.select_next_some() => Next::Event(event),
                }
            };
            let input = match next {
                Next::Timer => self.tick(),
                Next::Command(Some(command)) => Some(Input::Command(command)),
                Next::Command(None) => break Ended::Closed,
                Next::Event(event) => self.arrived(event),
            };
            self.answers.extend(input);
        };
        // Nobody waits for room here any more.
        drop(arrivals);
        join_all(self.relays.into_values().map(Relay::leave)).await;
        self.lead.release(&self.store).await;
        ended
    }

    fn tick(&mut self) -> Option<Input> {
        let bytes = self.env.bytes.total();
        if self.told_bytes != bytes {
            self.told_bytes = bytes;
            self.answers.push_back(Input::Bytes(bytes.0, bytes.1));
        }
        let due = self
            .core
            .poll_timeout()
            .is_some_and(|due| due <= self.env.host.now());
        due.then_some(Input::Tick)
    }

    async fn renew(&mut self, now: Millis) {
        let looked = self.lead.look(&self.store, now, false).await;
        self.answers.extend(match looked {
            Looked::Same => None,
            Looked::Leading => Some(Input::Leading),
            Looked::Elsewhere(at) => Some(Input::LedElsewhere(at)),
            Looked::Failed(error) => Some(Input::StoreFailed(error)),
        });
    }

    /// What an event means to the engine, if anything.
    fn arrived(&mut self, event: Event) -> Option<Input> {
        match event {
            Event::Input(input) => Some(input),
            Event::Relay(id, epoch, input) => {
                let relay = self.relays.get(&id);
                let current = relay.is_some_and(|relay| relay.epoch == epoch);
                current.then_some(input)
            }
            Event::Incoming(incoming) => {
                let Incoming {
                    link,
                    relay,
                    hint,
                    orders,
                    abort,
                } = incoming;
                let up = false;
                self.links.insert(
                    link,
                    Link {
                        orders,
                        abort,
                        relay,
                        up,
                    },
                );
                Some(Input::Incoming { link, relay, hint })
            }
            Event::Link(id, input) => {
                let link = self.links.get_mut(&id)?;
                match &input {
                    Input::LinkUp(_)
                    | Input::Dialed {
                        progress: DialProgress::Up,
                        ..
                    } => {
                        link.up = true;
                    }
                    Input::LinkDown(_)
                    | Input::Dialed {
                        progress:
                            DialProgress::Away | DialProgress::Unreachable | DialProgress::Refused,
                        ..
                    } => {
                        self.links.remove(&id);
                    }
                    _ => {}
                }
                Some(input)
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.env.host.now();
        self.core.handle(now, &mut self.env.host.rng(), input);
    }

    /// The store failed: at once, so that nothing behind the effect is done.
    async fn failed(&mut self, error: StoreError) {
        let lost = error == StoreError::LeaseLost;
        self.handle(Input::StoreFailed(error));
        if lost {
            let now = self.env.host.now();
            match self.lead.look(&self.store, now, false).await {
                Looked::Elsewhere(at) => self.answers.push_back(Input::LedElsewhere(at)),
                // Whoever led has gone again, but what is in memory here is no longer what is stored.
                Looked::Leading => self.answers.push_back(Input::Leading),
                Looked::Same | Looked::Failed(_) => {
                    self.answers.push_back(Input::LedElsewhere(now))
                }
            }
        }
    }

    async fn perform(&mut self, effect: Effect) -> Result<Result<(), StoreError>, Ended> {
        match effect {
            Effect::Commit(batch) => return Ok(self.lead.commit(&self.store, &batch).await),
            Effect::Read { read, query } => match self.store.read(&query).await {
                Ok(records) => self.answers.push_back(Input::Records { read, records }),
                Err(error) => return Ok(Err(error)),
            },
            Effect::Stretch { stretch, job } => {
                let env = Rc::clone(&self.env);
                let started = self.env.start(async move {
                    let key = env.host.stretch(job).await;
                    env.voice()
                        .say(Event::Input(Input::Stretched { stretch, key }))
                        .await;
                });
                if !started {
                    self.answers
                        .push_back(Input::Stretched { stretch, key: None });
                }
            }
            Effect::TakeLead => self.take_lead().await,
            Effect::UseRelay { relay, order } => {
                self.epoch += 1;
                // The one used before is left in good order by its own task.
                self.relays.remove(&relay);
                let started =
                    order.and_then(|order| Relay::start(&self.env, relay, self.epoch, order));
                match started {
                    Some(started) => drop(self.relays.insert(relay, started)),
                    None => {
                        let none = komrade_view::LinkState::NoRelay;
                        self.answers.push_back(Input::Relay(relay, none));
                    }
                }
            }
            Effect::Reconnect => self.relays.values_mut().for_each(Relay::nudge),
            Effect::Dial {
                relay,
                link,
                address,
                hint,
                psk,
            } => {
                self.dial(Dial {
                    link,
                    relay,
                    header: Header::Dial { address },
                    key: Key::Comrade(hint, psk),
                });
            }
            Effect::OpenNode {
                relay,
                link,
                address,
                key,
            } => {
                let header = match address {
                    Some(address) => Header::Dial { address },
                    None => Header::Node,
                };
                self.dial(Dial {
                    link,
                    relay,
                    header,
                    key: Key::Node(key),
                });
            }
            Effect::Host { relay, destination } => {
                if let Some(relay) = self.relays.get_mut(&relay) {
                    relay.host(destination);
                }
            }
            Effect::Work { work, job } => self.work(work, job),
            Effect::Admit { link, psk } => self.order(link, Order::Admit(psk)),
            Effect::Send { link, frame } => self.order(link, Order::Send(frame)),
            Effect::Close(link) => self.close(link),
            Effect::Tell(message) => {
                let told = self
                    .env
                    .within(limits::SCREENS_READ, self.tell.send(message))
                    .await;
                match told {
                    Some(Ok(())) => {}
                    // Nobody listens any more: the commands end, too.
                    Some(Err(_)) => return Err(Ended::Closed),
                    None => return Err(Ended::NotRead),
                }
            }
            // An engine newer than its driver is not built.
            _ => {}
        }
        Ok(Ok(()))
    }

    /// Searches in slices, so that everything else goes on.
    fn work(&mut self, work: u64, job: WorkJob) {
        let env = Rc::clone(&self.env);
        let started = self.env.start(async move {
            let mut from = 0;
            let nonce = loop {
                if let Some(nonce) = job.search(from, limits::WORK_SLICE) {
                    break nonce;
                }
                from += u64::from(limits::WORK_SLICE);
                env.host.sleep(0).await;
            };
            let found = Event::Input(Input::Worked { work, nonce });
            env.voice().say(found).await;
        });
        if !started {
            // Too much else is being started: at once, then, at the cost of a moment.
            let nonce = (0..)
                .step_by(1 << 16)
                .find_map(|from| job.search(from, 1 << 16));
            if let Some(nonce) = nonce {
                self.answers.push_back(Input::Worked { work, nonce });
            }
        }
    }

    async fn take_lead(&mut self) {
        let now = self.env.host.now();
        let answer = match self.lead.look(&self.store, now, true).await {
            Looked::Same | Looked::Leading => Input::Leading,
            Looked::Elsewhere(at) => Input::LedElsewhere(at),
            Looked::Failed(error) => Input::StoreFailed(error),
        };
        self.answers.push_back(answer);
    }

    fn dial(&mut self, dial: Dial) {
        let (link, relay) = (dial.link, dial.relay);
        let beside = self.links.values().filter(|link| link.relay == relay);
        let beside = beside.count();
        let door = self.relays.get(&relay).map(|relay| &relay.door);
        let mux = door.and_then(|door| door.mux(beside));
        let started = mux.is_some_and(|mux| {
            let (orders, ordered) = mpsc::channel(limits::LINK_ORDERS);
            let (abort, registration) = AbortHandle::new_pair();
            let task = link::dial(Rc::clone(&self.env), mux, dial, ordered);
            self.links.insert(
                link,
                Link {
                    orders,
                    abort,
                    relay,
                    up: false,
                },
            );
            self.env.start(Abortable::new(task, registration).map(drop))
        });
        if !started {
            self.links.remove(&link);
            let progress = DialProgress::Unreachable;
            self.answers.push_back(Input::Dialed { link, progress });
        }
    }

    /// Passes an order on; a link that takes no more is stuck and is cut.
    fn order(&mut self, id: LinkId, order: Order) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        if link.orders.try_send(order).is_err() {
            link.abort.abort();
            self.links.remove(&id);
            self.answers.push_back(Input::LinkDown(id));
        }
    }

    fn close(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(&id) else {
            return;
        };
        if !link.up {
            link.abort.abort();
        }
        // Dropping the orders closes a link that is up, once those that wait are done.
    }
}
