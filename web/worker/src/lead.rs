//! Which tab leads, learned faster than the lease alone would tell.
//!
//! The lease in the store decides, with a fence that every write checks: two tabs never write, whatever is
//! said here. But a lease outlives its tab by some seconds, and after each reload a person would read that
//! "another tab leads". So a refused lease is asked about:
//! - where there are Web Locks, the leading tab holds one, which the browser frees when the tab goes;
//! - elsewhere (plain http) it answers on a broadcast channel while it lives.
//!
//! If nobody holds or answers, the lease is a dead tab's and is taken.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
};

use futures::{
    channel::{mpsc, oneshot},
    future::{self, Either},
};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Object, Promise, Reflect};
use komrade_store::{Batch, Lease, LeaseOutcome, Query, Record, Store, StoreError};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{BroadcastChannel, MessageEvent};

/// The name of the lock and of the channel.
const NAME: &str = "komrade-lead";
/// How long a leading tab has to answer. Messages between tabs take a millisecond; a leader that is busy
/// longer keeps its data all the same and can take the lead back.
const ANSWER_WITHIN_MILLIS: u32 = 700;

#[wasm_bindgen]
extern "C" {
    /// `navigator.locks`, which web-sys counts as unstable.
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        granted: &Function,
    ) -> Result<Promise, JsValue>;
}

/// A store whose lease is given up by tabs that are gone.
pub struct LedStore<S> {
    store: S,
    signal: Signal,
    leading: Cell<bool>,
}

enum Signal {
    Lock(Rc<Lock>),
    Channel(Channel),
    /// Neither: the lease alone decides.
    None,
}

impl<S: Store> LedStore<S> {
    /// Nothing is taken yet.
    pub fn new(store: S) -> Self {
        let signal = match locks() {
            Some(manager) => Signal::Lock(Rc::new(Lock::new(manager))),
            None => Channel::open().map_or(Signal::None, Signal::Channel),
        };
        Self {
            store,
            signal,
            leading: Cell::new(false),
        }
    }
}

impl<S: Store> Store for LedStore<S> {
    async fn lease(
        &self,
        owner: [u8; 16],
        now: u64,
        force: bool,
    ) -> Result<LeaseOutcome, StoreError> {
        let mut outcome = self.store.lease(owner, now, force).await?;
        // Who led until now lost the lead to somebody who took it: that is no dead tab's lease.
        let refused = matches!(outcome, LeaseOutcome::HeldElsewhere { .. });
        if refused && !self.leading.get() && self.signal.is_free().await {
            outcome = self.store.lease(owner, now, true).await?;
        }
        let leads = matches!(outcome, LeaseOutcome::Held(_));
        if leads && !self.leading.get() {
            self.signal.lead(force).await;
        } else if !leads {
            self.signal.follow();
        }
        self.leading.set(leads);
        Ok(outcome)
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.signal.follow();
        self.leading.set(false);
        self.store.release(lease).await
    }

    fn commit(&self, lease: Lease, batch: &Batch) -> impl Future<Output = Result<(), StoreError>> {
        self.store.commit(lease, batch)
    }

    fn read(&self, query: &Query) -> impl Future<Output = Result<Vec<Record>, StoreError>> {
        self.store.read(query)
    }
}

impl Signal {
    /// Whether no living tab says that it leads.
    async fn is_free(&self) -> bool {
        match self {
            Self::Lock(lock) => Rc::clone(lock).take(false).await,
            Self::Channel(channel) => channel.nobody_answers().await,
            Self::None => false,
        }
    }

    /// This tab leads: say so.
    async fn lead(&self, steal: bool) {
        match self {
            Self::Lock(lock) => {
                Rc::clone(lock).take(steal).await;
            }
            Self::Channel(channel) => channel.leads.set(true),
            Self::None => {}
        }
    }

    /// This tab does not lead.
    fn follow(&self) {
        match self {
            Self::Lock(lock) => lock.release(),
            Self::Channel(channel) => channel.leads.set(false),
            Self::None => {}
        }
    }
}

/// A lock that the browser keeps for as long as this worker lives, or until it is released or stolen.
struct Lock {
    manager: LockManager,
    /// Resolves the promise that holds the lock.
    release: RefCell<Option<Function>>,
}

impl Lock {
    fn new(manager: LockManager) -> Self {
        Self {
            manager,
            release: RefCell::default(),
        }
    }

    /// Whether it is held now.
    async fn take(self: Rc<Self>, steal: bool) -> bool {
        if self.release.borrow().is_some() {
            return true;
        }
        let options = Object::new();
        let how = if steal { "steal" } else { "ifAvailable" };
        let _ = Reflect::set(&options, &JsValue::from_str(how), &JsValue::TRUE);
        let (said, granted) = oneshot::channel();
        let lock = Rc::clone(&self);
        let mut said = Some(said);
        let callback = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |given: JsValue| {
            let held = !given.is_null();
            if let Some(said) = said.take() {
                let _ = said.send(held);
            }
            if !held {
                return JsValue::UNDEFINED;
            }
            let lock = &lock;
            Promise::new(&mut |resolve, _| {
                lock.release.replace(Some(resolve));
            })
            .into()
        });
        let Ok(request) = self
            .manager
            .request(NAME, &options, callback.as_ref().unchecked_ref())
        else {
            return false;
        };
        spawn_local(async move {
            // Ends when the lock is refused, released or stolen: then it is not held any more.
            let _ = JsFuture::from(request).await;
            self.release.take();
            drop(callback);
        });
        granted.await.unwrap_or(false)
    }

    fn release(&self) {
        if let Some(resolve) = self.release.take() {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }
}

/// `navigator.locks`, which is missing where the page is no secure context.
fn locks() -> Option<LockManager> {
    let navigator = crate::page::scope().navigator();
    let manager = Reflect::get(&navigator, &JsValue::from_str("locks")).ok()?;
    (!manager.is_undefined()).then(|| manager.unchecked_into())
}

/// Asking aloud who leads.
struct Channel {
    channel: BroadcastChannel,
    leads: Rc<Cell<bool>>,
    answers: Rc<RefCell<Option<mpsc::UnboundedSender<()>>>>,
}

impl Channel {
    fn open() -> Option<Self> {
        let channel = BroadcastChannel::new(NAME).ok()?;
        let leads = Rc::new(Cell::new(false));
        let answers = Rc::new(RefCell::new(None::<mpsc::UnboundedSender<()>>));
        let heard = {
            let (channel, leads, answers) = (channel.clone(), leads.clone(), answers.clone());
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                match event.data().as_string().as_deref() {
                    Some("who leads") if leads.get() => {
                        let _ = channel.post_message(&JsValue::from_str("I lead"));
                    }
                    Some("I lead") => {
                        if let Some(answers) = &*answers.borrow() {
                            let _ = answers.unbounded_send(());
                        }
                    }
                    _ => {}
                }
            })
        };
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        heard.forget(); // As long-lived as the worker.
        Some(Self {
            channel,
            leads,
            answers,
        })
    }

    async fn nobody_answers(&self) -> bool {
        let (answered, mut answer) = mpsc::unbounded();
        self.answers.replace(Some(answered));
        if self
            .channel
            .post_message(&JsValue::from_str("who leads"))
            .is_err()
        {
            return false;
        }
        let waited = TimeoutFuture::new(ANSWER_WITHIN_MILLIS);
        let nobody = matches!(
            future::select(futures::StreamExt::next(&mut answer), waited).await,
            Either::Right(_)
        );
        self.answers.take();
        nobody
    }
}
