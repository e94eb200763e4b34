//! The running worker: its start, its heartbeat, its end, and who waits for which answer.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use futures::channel::oneshot;
use gloo_timers::callback::Interval;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use komrade_view::{Answer, Command, Event, FromEngine, Refusal, ToEngine};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageEvent, RequestInit, Response, Worker};
use zeroize::Zeroize;

use super::{BUILD, Failure, WorkerState};

/// How often the worker is asked whether it lives.
const BEAT_SECONDS: u32 = 5;
/// How long a worker may be silent. A slow phone that must stretch a passphrase inside the worker takes
/// about ten seconds; beats are counted, not measured, so that a suspended tab accuses nobody.
pub const SILENT_AFTER_SECONDS: u32 = 45;
/// How long a worker may take to load: half a megabyte over a very slow line.
const READY_WITHIN_SECONDS: u32 = 180;
/// The most commands that wait for an answer at once, a few hundred bytes each; no screen has ten.
pub const MAX_PENDING: usize = 256;

type Reply = oneshot::Sender<Result<Answer, Failure>>;

/// The page's end of the worker.
pub struct Link {
    running: RefCell<Option<Running>>,
    /// Counts starts, so that a late callback of an ended worker is recognised.
    run: Cell<u64>,
    missed: Cell<u32>,
    next: Cell<u32>,
    pending: RefCell<BTreeMap<u32, Reply>>,
    /// Encoded commands that wait for the worker to be ready.
    early: RefCell<Vec<Uint8Array>>,
    on_event: Box<dyn Fn(Event)>,
    state: RwSignal<WorkerState>,
}

/// What lives as long as one worker.
struct Running {
    worker: Option<Worker>,
    _beat: Interval,
    _closures: Vec<Closure<dyn FnMut(JsValue)>>,
}

impl Link {
    /// Nothing runs yet.
    pub fn new(on_event: Box<dyn Fn(Event)>, state: RwSignal<WorkerState>) -> Rc<Self> {
        Rc::new(Self {
            running: RefCell::default(),
            run: Cell::default(),
            missed: Cell::default(),
            next: Cell::default(),
            pending: RefCell::default(),
            early: RefCell::default(),
            on_event,
            state,
        })
    }

    /// Starts a worker; none must run.
    pub fn start(self: &Rc<Self>) {
        let run = self.run.get() + 1;
        self.run.set(run);
        self.missed.set(0);
        let weak = Rc::downgrade(self);
        let beat = Interval::new(BEAT_SECONDS * 1_000, move || {
            if let Some(link) = weak.upgrade() {
                link.beat();
            }
        });
        *self.running.borrow_mut() = Some(Running {
            worker: None,
            _beat: beat,
            _closures: Vec::new(),
        });
        let weak = Rc::downgrade(self);
        spawn_local(async move {
            let script = checked_script().await;
            let Some(link) = weak.upgrade().filter(|link| link.run.get() == run) else {
                return;
            };
            if script.and_then(|url| link.load(&url)).is_none() {
                link.stop(WorkerState::Refused);
            }
        });
    }

    /// Creates the worker and listens to it.
    fn load(self: &Rc<Self>, url: &str) -> Option<()> {
        let worker = Worker::new(url).ok()?;
        let weak = Rc::downgrade(self);
        let message = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
            heard(&weak, event.unchecked_into::<MessageEvent>().data());
        });
        worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
        let weak = Rc::downgrade(self);
        let error = Closure::<dyn FnMut(JsValue)>::new(move |_: JsValue| {
            if let Some(link) = weak.upgrade() {
                link.failed();
            }
        });
        worker.set_onerror(Some(error.as_ref().unchecked_ref()));
        let mut running = self.running.borrow_mut();
        let running = running.as_mut()?;
        running.worker = Some(worker);
        running._closures = vec![message, error];
        Some(())
    }

    /// Ends the worker, tells all who wait, and shows `state`.
    pub fn stop(&self, state: WorkerState) {
        if let Some(worker) = self.running.take().and_then(|running| running.worker) {
            worker.set_onmessage(None);
            worker.set_onerror(None);
            worker.terminate();
        }
        self.run.set(self.run.get() + 1);
        self.early.borrow_mut().clear();
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        for reply in pending.into_values() {
            let _ = reply.send(Err(Failure::WorkerEnded));
        }
        self.state.set(state);
    }

    /// Sends a command and waits for its answer.
    pub async fn send(&self, command: Command) -> Result<Answer, Failure> {
        if self.state.with_untracked(WorkerState::ended) {
            return Err(Failure::WorkerEnded);
        }
        if self.pending.borrow().len() >= MAX_PENDING {
            return Err(Refusal::Busy.into());
        }
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        let seals = matches!(command, Command::SealVault { .. });
        let mut bytes = komrade_view::encode(&ToEngine { id, command })
            .map_err(|_| Failure::Refused(Refusal::MessageTooLong))?;
        let array = Uint8Array::from(bytes.as_slice());
        // It may hold a passphrase. The browser's copy is moved to the worker, not shared.
        bytes.zeroize();
        let (reply, answer) = oneshot::channel();
        self.pending.borrow_mut().insert(id, reply);
        if self
            .state
            .with_untracked(|state| *state == WorkerState::Ready)
        {
            self.post(&array);
        } else {
            self.early.borrow_mut().push(array);
        }
        let answer = answer.await.unwrap_or(Err(Failure::WorkerEnded));
        if seals && answer.is_ok() {
            keep_storage();
        }
        answer
    }

    fn post(&self, bytes: &Uint8Array) {
        let buffer = bytes.buffer();
        let posted = self.with_worker(|worker| {
            worker
                .post_message_with_transfer(&buffer, &Array::of1(&buffer))
                .is_ok()
        });
        if posted != Some(true) {
            self.stop(WorkerState::Refused);
        }
    }

    fn with_worker<T>(&self, act: impl FnOnce(&Worker) -> T) -> Option<T> {
        self.running
            .borrow()
            .as_ref()
            .and_then(|running| running.worker.as_ref())
            .map(act)
    }

    /// Something else than a panic of ours ended the script: it was refused, or threw.
    fn failed(&self) {
        let state = self.state.with_untracked(|state| match state {
            WorkerState::Ready => WorkerState::Panicked {
                at: "script".to_owned(),
            },
            _ => WorkerState::Refused,
        });
        self.stop(state);
    }

    fn beat(&self) {
        let missed = self.missed.get() + 1;
        self.missed.set(missed);
        let starting = self
            .state
            .with_untracked(|state| *state == WorkerState::Starting);
        let bound = if starting {
            READY_WITHIN_SECONDS
        } else {
            SILENT_AFTER_SECONDS
        };
        if missed > bound / BEAT_SECONDS {
            self.stop(WorkerState::Silent);
        } else if !starting {
            self.with_worker(|worker| worker.post_message(&JsValue::from_str("beat")));
        }
    }

    /// A control word. See `web/worker/src/page.rs`.
    fn word(&self, word: &str) {
        self.missed.set(0);
        match word.split_once(' ').unwrap_or((word, "")) {
            ("alive", _) => {}
            ("ready", BUILD) => {
                self.state.set(WorkerState::Ready);
                for bytes in self.early.take() {
                    self.post(&bytes);
                }
            }
            ("panicked", at) => self.stop(WorkerState::Panicked { at: at.to_owned() }),
            // Refused by its own start script, of another build, or unknown: not ours to talk to.
            _ => self.stop(WorkerState::Refused),
        }
    }

    fn message(&self, message: FromEngine) {
        self.missed.set(0);
        match message {
            FromEngine::Done { id, result } => {
                if let Some(reply) = self.pending.borrow_mut().remove(&id) {
                    let _ = reply.send(result.map_err(Failure::Refused));
                }
            }
            FromEngine::Event(event) => (self.on_event)(event),
        }
    }
}

/// Something arrived from the worker: a word or a message of the engine.
fn heard(link: &Weak<Link>, data: JsValue) {
    let Some(link) = link.upgrade() else { return };
    if let Some(word) = data.as_string() {
        link.word(&word);
        return;
    }
    let mut bytes = data
        .dyn_into::<ArrayBuffer>()
        .map_or_else(|_| Vec::new(), |buffer| Uint8Array::new(&buffer).to_vec());
    let message = komrade_view::decode(&bytes);
    bytes.zeroize();
    match message {
        Ok(message) => link.message(message),
        Err(_) => link.failed(),
    }
}

/// The worker's script, once it was seen to have the hash that the page knows. A worker has no
/// `integrity`, so it is fetched with one first; its name is its hash, so that the browser's copy stays.
async fn checked_script() -> Option<String> {
    let boot = document().get_element_by_id("boot")?;
    let url = boot.get_attribute("data-worker")?;
    let options = RequestInit::new();
    options.set_integrity(&boot.get_attribute("data-worker-integrity")?);
    let fetched = JsFuture::from(window().fetch_with_str_and_init(&url, &options))
        .await
        .ok()?;
    fetched.dyn_into::<Response>().ok()?.ok().then_some(url)
}

/// Asks the browser not to evict the vault. It may refuse or ask; either way the vault works.
fn keep_storage() {
    let window = window();
    if !window.is_secure_context() {
        return; // There is no storage manager over plain http.
    }
    if let Ok(promise) = window.navigator().storage().persist() {
        spawn_local(async move {
            let _ = JsFuture::from(promise).await;
        });
    }
}
