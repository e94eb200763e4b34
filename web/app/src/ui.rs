//! What the screens know: the engine's last word on each part, and where the person is.
//!
//! Flow: [`Ui::apply`] takes the engine's events, [`Ui::ask`] sends commands, [`Ui::go`] moves.
//! Nothing here decides anything about messages, keys or people; that is the engine's. Drafts live
//! in memory only, and are forgotten when the person locks the vault.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use futures::future::LocalBoxFuture;
use komrade_view::{
    Answer, CircleCommand, CircleDetail, CircleId, CircleView, CollectiveCommand, CollectiveDetail,
    CollectiveId, CollectiveView, Command, ComradeId, ComradeState, ComradeView, Event,
    IntroductionView, InviteView, Millis, PostId, ProfileView, ProposalId, Secret, VaultState,
};
use leptos::prelude::*;

use crate::{
    bridge::{Failure, WorkerState, release::Software},
    browser, catalogue, clock,
    gate::{Facts, Gate},
    place::{self, Fragment, Place},
    screens::circle_name,
    thread::{Line, PAGE, Talk, Thread},
    waiting::Route,
};

/// The preference that silences the narrators.
const NARRATORS: &str = "komrade.narrators";

/// Sends a command to the engine.
pub type Send = dyn Fn(Command) -> LocalBoxFuture<'static, Result<Answer, Failure>>;

/// Where commands go: the worker and the loader.
#[derive(Clone)]
pub struct Ports {
    /// To the engine.
    pub send: Rc<Send>,
    /// Ends the worker and starts a new one.
    pub restart: Rc<dyn Fn()>,
    /// Agrees to the offered release.
    pub agree: Rc<dyn Fn()>,
    /// How the worker is.
    pub worker: ReadSignal<WorkerState>,
    /// What is known of the software.
    pub software: ReadSignal<Software>,
}

/// A post that is being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Which.
    pub post: PostId,
    /// Who wrote it.
    pub name: String,
    /// What it says, or its beginning.
    pub text: String,
}

/// What a button or a form sends, one at a time: pressed again before the answer is here, it sends nothing. Copies are the same.
#[derive(Clone, Copy)]
pub struct Sending {
    /// Why the engine refused; empty: it did not.
    pub error: RwSignal<&'static str>,
    waits: StoredValue<bool>,
    once: bool,
}

impl Default for Sending {
    fn default() -> Self {
        Self::new()
    }
}

impl Sending {
    /// What can be sent again once it was answered.
    pub fn new() -> Self {
        Self {
            error: RwSignal::new(""),
            waits: StoredValue::new(false),
            once: false,
        }
    }

    /// What is said once: a vote, a yes. Only after a refusal it can be sent again; the screen goes on to something else when
    /// the engine has taken it.
    pub fn once() -> Self {
        Self {
            once: true,
            ..Self::new()
        }
    }
}

/// All that the screens know. Copies are the same.
#[derive(Clone, Copy)]
pub struct Ui {
    ports: StoredValue<Option<Ports>, LocalStorage>,
    drafts: StoredValue<BTreeMap<Talk, String>>,
    worker: RwSignal<WorkerState>,
    store_failure_read: RwSignal<bool>,
    moved: StoredValue<bool>,
    /// What stands before the person.
    pub gate: Memo<Gate>,
    /// What is known of the software.
    pub software: RwSignal<Software>,
    /// The vault, once told.
    pub vault: RwSignal<Option<VaultState>>,
    /// The person themself, once told.
    pub profile: RwSignal<Option<ProfileView>>,
    /// All comrades, most recently active first; `None` until told.
    pub comrades: RwSignal<Option<Vec<ComradeView>>>,
    /// All collectives, most recently active first; `None` until told.
    pub collectives: RwSignal<Option<Vec<CollectiveView>>>,
    /// Who asks by a link to be proposed, and to which collective: they are answered there.
    pub asking_in: RwSignal<BTreeMap<ComradeId, CollectiveId>>,
    /// Everything of the collective that is open but its posts.
    pub detail: RwSignal<Option<Arc<CollectiveDetail>>>,
    /// The proposal that is looked at.
    pub proposal: RwSignal<Option<ProposalId>>,
    /// The post that is being answered in the conversation that is open: which, by whom, its beginning.
    pub reply: RwSignal<Option<Reply>>,
    /// All circles, one's own first; `None` until told.
    pub circles: RwSignal<Option<Vec<CircleView>>>,
    /// What is in the circle that is open.
    pub circle_detail: RwSignal<Option<Arc<CircleDetail>>>,
    /// Live invites.
    pub invites: RwSignal<Vec<InviteView>>,
    /// Introductions, made and offered, the newest first.
    pub introductions: RwSignal<Vec<IntroductionView>>,
    /// The way to the network, once told.
    pub route: RwSignal<Option<Route>>,
    /// The conversation that is open.
    pub thread: RwSignal<Option<Thread>>,
    /// Where the person is.
    pub place: RwSignal<Place>,
    /// The person is cutting keys.
    pub cutting: RwSignal<bool>,
    /// The person brings a vault from elsewhere.
    pub bringing: RwSignal<bool>,
    /// What a vault that moved away left behind was erased.
    pub erased: RwSignal<bool>,
    /// An invite that was opened by its address and not dealt with.
    pub invite: RwSignal<Option<Secret>>,
    /// A relay's join link that was opened by its address and not dealt with.
    pub join: RwSignal<Option<Secret>>,
    /// A join link was opened that is not whole, so that no relay can be joined by it.
    pub join_damaged: RwSignal<bool>,
    /// The narrators speak.
    pub narrators: RwSignal<bool>,
    /// The time, once a second.
    pub now: RwSignal<Millis>,
    /// The page is in sight.
    pub in_sight: RwSignal<bool>,
    /// What a screen reader is told next.
    pub announced: RwSignal<String>,
}

impl Ui {
    /// Nothing is known yet. Call under the root owner.
    pub fn new() -> Self {
        let worker = RwSignal::new(WorkerState::Starting);
        let software = RwSignal::new(Software::NotKept);
        let vault = RwSignal::new(None);
        let cutting = RwSignal::new(false);
        let bringing = RwSignal::new(false);
        let invite = RwSignal::new(None);
        let store_failure_read = RwSignal::new(false);
        let gate = Memo::new(move |before: Option<&Gate>| {
            worker.with(|worker| {
                let facts = Facts {
                    vault: vault.get(),
                    worker,
                    loader_changed: software.with(|software| *software == Software::LoaderChanged),
                    cutting: cutting.get(),
                    bringing: bringing.get(),
                    invited: invite.with(Option::is_some),
                    store_failure_read: store_failure_read.get(),
                };
                Gate::after(before.copied(), facts)
            })
        });
        Self {
            ports: StoredValue::new_local(None),
            drafts: StoredValue::default(),
            worker,
            store_failure_read,
            moved: StoredValue::new(false),
            gate,
            software,
            vault,
            profile: RwSignal::default(),
            comrades: RwSignal::default(),
            collectives: RwSignal::default(),
            asking_in: RwSignal::default(),
            detail: RwSignal::default(),
            proposal: RwSignal::default(),
            reply: RwSignal::default(),
            circles: RwSignal::default(),
            circle_detail: RwSignal::default(),
            invites: RwSignal::default(),
            introductions: RwSignal::default(),
            route: RwSignal::default(),
            thread: RwSignal::default(),
            place: RwSignal::default(),
            cutting,
            bringing,
            erased: RwSignal::new(false),
            invite,
            join: RwSignal::default(),
            join_damaged: RwSignal::new(false),
            narrators: RwSignal::new(browser::preference(NARRATORS).is_none()),
            now: RwSignal::new(clock::now()),
            in_sight: RwSignal::new(browser::in_sight()),
            announced: RwSignal::default(),
        }
    }

    /// Connects to the worker and the loader, and follows them.
    pub fn connect(self, ports: Ports) {
        let (worker, software) = (ports.worker, ports.software);
        self.ports.set_value(Some(ports));
        Effect::new(move |_| {
            if worker.with(WorkerState::ended) {
                self.forget();
            }
            self.worker.set(worker.get());
        });
        Effect::new(move |_| {
            let now = software.get();
            if now == Software::LoaderChanged {
                self.tell(Command::Lock);
            }
            self.software.set(now);
        });
    }

    /// Reads the address, now and whenever it changes. Secrets in it are taken out at once.
    pub fn read_address(self) {
        match Fragment::read(&browser::hash()) {
            Fragment::Place(place) => {
                if self.place.get_untracked() != place {
                    self.place.set(place);
                }
            }
            Fragment::Invite => {
                self.invite.set(Some(Secret::new(browser::href())));
                browser::clear_hash();
                self.place.set(Place::Meet);
            }
            Fragment::Join => {
                let link = browser::href();
                let whole = place::is_whole_join(&link);
                self.join_damaged.set(!whole);
                self.join.set(whole.then(|| Secret::new(link)));
                browser::clear_hash();
            }
            Fragment::Other => browser::clear_hash(),
        }
    }

    /// Moves to another place.
    pub fn go(self, place: Place) {
        browser::set_hash(&place.hash());
        self.read_address();
    }

    /// Whether the person has moved since the app was opened; from then on a new place takes the
    /// focus.
    pub fn has_moved(self) -> bool {
        self.moved.get_value()
    }

    /// The person moves on their own.
    pub fn note_move(self) {
        self.moved.set_value(true);
    }

    /// How the worker is.
    pub fn worker(self) -> RwSignal<WorkerState> {
        self.worker
    }

    /// Asks the engine for something.
    pub async fn ask(self, command: Command) -> Result<Answer, Failure> {
        let Some(ports) = self.ports.get_value() else {
            return Err(Failure::WorkerEnded);
        };
        (ports.send)(command).await
    }

    /// Asks the engine for something whose answer shows by itself.
    pub fn tell(self, command: Command) {
        leptos::task::spawn_local(async move {
            let _ = self.ask(command).await;
        });
    }

    /// Asks the engine for something, unless what was sent before waits for its answer. What is answered goes to `then`, why it
    /// was refused stands in `sending`; neither if the screen is gone by then.
    pub fn attempt(self, command: Command, sending: Sending, then: impl FnOnce(Answer) + 'static) {
        let then: Box<dyn FnOnce(Answer)> = Box::new(then);
        self.attempt_boxed(command, sending, false, then);
    }

    /// The same where `then` leads on: it follows also if the screen is gone by then.
    pub fn attempt_and_go(self, command: Command, sending: Sending, then: impl FnOnce() + 'static) {
        self.attempt_boxed(command, sending, true, Box::new(move |_| then()));
    }

    fn attempt_boxed(
        self,
        command: Command,
        sending: Sending,
        always: bool,
        then: Box<dyn FnOnce(Answer)>,
    ) {
        let Sending { error, waits, once } = sending;
        if waits.get_value() {
            return;
        }
        waits.set_value(true);
        error.set("");
        leptos::task::spawn_local(async move {
            let answer = self.ask(command).await;
            let is_here = waits.try_set_value(once && answer.is_ok()).is_none();
            match answer {
                Ok(answer) if is_here || always => then(answer),
                Ok(_) => {}
                Err(failure) => {
                    error.try_set(catalogue::failure(failure));
                }
            }
        });
    }

    /// Starts the worker again.
    pub fn restart(self) {
        self.vault.set(None);
        if let Some(ports) = self.ports.get_value() {
            (ports.restart)();
        }
    }

    /// Agrees to the offered release.
    pub fn agree(self) {
        if let Some(ports) = self.ports.get_value() {
            (ports.agree)();
        }
    }

    /// The person has read that the store failed.
    pub fn read_store_failure(self) {
        self.store_failure_read.set(true);
    }

    /// Locks the vault and forgets drafts.
    pub fn lock(self) {
        self.drafts.update_value(BTreeMap::clear);
        self.tell(Command::Lock);
    }

    /// What was typed in a conversation and not sent.
    pub fn draft(self, talk: Talk) -> String {
        self.drafts
            .with_value(|drafts| drafts.get(&talk).cloned())
            .unwrap_or_default()
    }

    /// Keeps what was typed.
    pub fn set_draft(self, talk: Talk, text: String) {
        self.drafts.update_value(|drafts| {
            if text.is_empty() {
                drafts.remove(&talk);
            } else {
                drafts.insert(talk, text);
            }
        });
    }

    /// Switches the narrators, for good.
    pub fn set_narrators(self, on: bool) {
        browser::set_preference(NARRATORS, (!on).then_some("off"));
        self.narrators.set(on);
    }

    /// Who answered an invite and waits to be met; not who asks for a collective.
    pub fn asking(self) -> Memo<Vec<ComradeView>> {
        Memo::new(move |_| {
            let elsewhere = self.asking_in.get();
            self.comrades.with(|all| {
                let asks = |it: &&ComradeView| {
                    matches!(it.state, ComradeState::Asking | ComradeState::AskingAgain)
                        && !elsewhere.contains_key(&it.id)
                };
                all.iter().flatten().filter(asks).cloned().collect()
            })
        })
    }

    /// A comrade as it stands now.
    pub fn comrade(self, id: ComradeId) -> Memo<Option<ComradeView>> {
        Memo::new(move |_| {
            self.comrades.with(|all| {
                all.as_ref()?
                    .iter()
                    .find(|comrade| comrade.id == id)
                    .cloned()
            })
        })
    }

    /// A collective as it stands now.
    pub fn collective(self, id: CollectiveId) -> Memo<Option<CollectiveView>> {
        Memo::new(move |_| {
            self.collectives
                .with(|all| all.as_ref()?.iter().find(|it| it.id == id).cloned())
        })
    }

    /// Reads everything of a collective, and what was said last in it.
    pub fn read_collective(self, id: CollectiveId) {
        leptos::task::spawn_local(async move {
            let read = Command::Collective(CollectiveCommand::Read(id));
            if let Ok(Answer::CollectiveDetail(detail)) = self.ask(read).await {
                let is_here = matches!(
                    self.place.get_untracked(),
                    Place::Collective(here, _) if here == id
                );
                if is_here {
                    self.detail.set(Some(Arc::new(*detail)));
                }
            }
            let talk = Talk::Collective(id);
            if self.is_open(talk) {
                let _ = self.load_page(talk, None).await;
            }
        });
    }

    /// A circle as it stands now.
    pub fn circle(self, id: CircleId) -> Memo<Option<CircleView>> {
        Memo::new(move |_| {
            self.circles
                .with(|all| all.as_ref()?.iter().find(|it| it.id == id).cloned())
        })
    }

    /// Reads what is in a circle, its newest posts.
    pub fn read_circle(self, circle: CircleId, limit: u16) {
        leptos::task::spawn_local(async move {
            let read = Command::Circle(CircleCommand::Read { circle, limit });
            if let Ok(Answer::CircleDetail(detail)) = self.ask(read).await {
                let is_here = matches!(
                    self.place.get_untracked(),
                    Place::Circle(here) | Place::CircleReaders(here) if here == circle
                );
                if is_here {
                    self.circle_detail.set(Some(Arc::new(*detail)));
                }
            }
        });
    }

    /// Today, in days since 1970 by the wall clock.
    pub fn today(self) -> Memo<i64> {
        Memo::new(move |_| clock::wall(self.now.get()).day)
    }

    /// Opens a conversation, of which so much was read, and reads its newest page.
    pub fn open_thread(self, talk: Talk, read_up_to: Option<u64>) {
        let read = read_up_to.unwrap_or(u64::MAX);
        self.reply.set(None);
        self.thread.set(Some(Thread::new(talk, read)));
        // What was said in a collective is read together with everything else of it.
        if let Talk::Comrade(_) = talk {
            leptos::task::spawn_local(async move {
                let _ = self.load_page(talk, None).await;
            });
        }
    }

    /// The conversation is left.
    pub fn close_thread(self, talk: Talk) {
        let _ = self.thread.try_update(|thread| {
            if thread.as_ref().is_some_and(|thread| thread.talk == talk) {
                *thread = None;
            }
        });
    }

    /// Reads a page of the open conversation.
    pub async fn load_page(self, talk: Talk, before: Option<u64>) -> Result<(), Failure> {
        let limit = PAGE;
        let command = match talk {
            Talk::Comrade(comrade) => Command::OpenPage {
                comrade,
                before,
                limit,
            },
            Talk::Collective(collective) => Command::Collective(CollectiveCommand::Posts {
                collective,
                before,
                limit,
            }),
        };
        match self.ask(command).await? {
            Answer::Page(page) => {
                let lines = page.messages.into_iter().map(Line::Message).collect();
                self.in_thread(talk, |thread| thread.page(lines, page.older));
            }
            Answer::Posts(page) => {
                let lines = page.posts.into_iter().map(Line::Post).collect();
                self.in_thread(talk, |thread| {
                    if !thread.loaded {
                        thread.read_at_open = page.read_up_to;
                    }
                    thread.page(lines, page.older);
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn is_open(self, talk: Talk) -> bool {
        let is = |thread: &Option<Thread>| thread.as_ref().is_some_and(|it| it.talk == talk);
        self.thread.with_untracked(is)
    }

    /// Changes the open conversation, if it is this one.
    pub fn in_thread(self, talk: Talk, change: impl FnOnce(&mut Thread)) {
        if self.is_open(talk) {
            self.thread.update(|thread| {
                if let Some(thread) = thread {
                    change(thread);
                }
            });
        }
    }

    /// Takes the engine's word.
    pub fn apply(self, event: Event) {
        match event {
            Event::Vault(state) => self.vault_is(state),
            Event::Profile(profile) => self.profile.set(Some(profile)),
            Event::Comrades(comrades) => self.comrades.set(Some(comrades)),
            Event::Invites(invites) => self.invites.set(invites),
            Event::Introductions(all) => self.introductions.set(all),
            Event::Circles(circles) => self.circles_are(circles),
            Event::Collectives(collectives) => self.collectives_are(collectives),
            Event::Route(view) => self.route.update(|route| {
                *route = Some(Route::told(route.as_ref(), view, clock::now()));
            }),
            Event::Message { comrade, message } => {
                let talk = Talk::Comrade(comrade);
                let known = self.thread.with_untracked(|thread| {
                    thread
                        .as_ref()
                        .filter(|thread| thread.talk == talk)
                        .map(|thread| thread.lines.contains_key(&message.ordinal))
                });
                if !message.mine && known != Some(true) {
                    self.announce_arrival(
                        comrade,
                        known.is_some().then_some(message.text.as_str()),
                    );
                }
                self.in_thread(talk, |thread| thread.line(Line::Message(message)));
            }
        }
    }

    fn collectives_are(self, collectives: Vec<CollectiveView>) {
        let told = self.collectives.with_untracked(|before| {
            let before = before.as_ref()?;
            let newest = |view: &CollectiveView| view.last.as_ref().map_or(0, |post| post.ordinal);
            collectives.iter().find_map(|view| {
                let post = view.last.as_ref().filter(|post| !post.mine)?;
                let known = before.iter().find(|it| it.id == view.id).map_or(0, newest);
                (post.ordinal > known).then(|| catalogue::posted(&post.name, &view.name))
            })
        });
        if let Some(told) = told {
            self.announced.set(told);
        }
        let asked = |all: &[CollectiveView]| -> BTreeMap<CollectiveId, u32> {
            let asked = all.iter().filter(|it| it.requests > 0);
            asked.map(|it| (it.id, it.requests)).collect()
        };
        let before = self
            .collectives
            .with_untracked(|before| asked(before.as_deref().unwrap_or_default()));
        let now = asked(&collectives);
        self.collectives.set(Some(collectives));
        if now != before {
            self.read_requests(now.into_keys().collect());
        }
    }

    /// Reads who asks to be proposed in these.
    fn read_requests(self, asked: Vec<CollectiveId>) {
        leptos::task::spawn_local(async move {
            let mut asking = BTreeMap::new();
            for id in asked {
                let read = Command::Collective(CollectiveCommand::Read(id));
                if let Ok(Answer::CollectiveDetail(detail)) = self.ask(read).await {
                    asking.extend(detail.requests.iter().map(|it| (it.comrade, id)));
                }
            }
            self.asking_in.set(asking);
        });
    }

    fn circles_are(self, circles: Vec<CircleView>) {
        let told = self.circles.with_untracked(|before| {
            let before = before.as_ref()?;
            let more = circles.iter().find(|view| {
                let known = before.iter().find(|it| it.id == view.id);
                view.unread > known.map_or(0, |it| it.unread)
            })?;
            Some(catalogue::written_in(&untrack(|| circle_name(self, more))))
        });
        if let Some(told) = told {
            self.announced.set(told);
        }
        self.circles.set(Some(circles));
    }

    fn vault_is(self, state: VaultState) {
        self.store_failure_read.set(false);
        match state {
            VaultState::Open | VaultState::Opening | VaultState::Stretching(_) => {}
            _ => self.forget(),
        }
        if state == VaultState::Open {
            self.cutting.set(false);
            self.bringing.set(false);
            self.erased.set(false);
        }
        self.vault.set(Some(state));
    }

    /// Forgets what a locked vault must not show. Drafts stay: nobody chose to lock.
    fn forget(self) {
        self.profile.set(None);
        self.comrades.set(None);
        self.collectives.set(None);
        self.asking_in.set(BTreeMap::new());
        self.detail.set(None);
        self.proposal.set(None);
        self.reply.set(None);
        self.circles.set(None);
        self.circle_detail.set(None);
        self.invites.set(Vec::new());
        self.introductions.set(Vec::new());
        self.route.set(None);
        self.thread.set(None);
        self.announced.set(String::new());
    }

    fn announce_arrival(self, comrade: ComradeId, text: Option<&str>) {
        let name = self.comrade(comrade).with_untracked(|view| {
            catalogue::name(view.as_ref().map_or("", |view| view.name.as_str()))
        });
        self.announced.set(match text {
            Some(text) => catalogue::arrived(&name, text),
            None => catalogue::arrived_from(&name),
        });
    }
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

/// All that the screens know, from the context.
pub fn ui() -> Ui {
    use_context().unwrap_or_default()
}

#[cfg(all(test, target_arch = "wasm32"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{cell::RefCell, collections::VecDeque};

    use futures::{FutureExt, channel::oneshot};
    use komrade_view::Refusal;
    use leptos::{mount::mount_to, task::tick};
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

    type Answers = Rc<RefCell<VecDeque<oneshot::Sender<Result<Answer, Failure>>>>>;

    /// What the screens know, and what waits for an answer of an engine that gives none by itself.
    fn with_engine() -> (Owner, Ui, Answers) {
        // What is mounted first sets up what runs futures.
        mount_to(document().body().unwrap(), || ()).forget();
        let owner = Owner::new();
        let asked = Answers::default();
        let waiting = Rc::clone(&asked);
        let ui = owner.with(|| {
            let ui = Ui::new();
            let (worker, software) = (
                RwSignal::new(WorkerState::Starting),
                RwSignal::new(Software::NotKept),
            );
            ui.ports.set_value(Some(Ports {
                send: Rc::new(move |_| {
                    let (to, answer) = oneshot::channel();
                    waiting.borrow_mut().push_back(to);
                    async move { answer.await.unwrap() }.boxed_local()
                }),
                restart: Rc::new(|| {}),
                agree: Rc::new(|| {}),
                worker: worker.read_only(),
                software: software.read_only(),
            }));
            ui
        });
        (owner, ui, asked)
    }

    #[wasm_bindgen_test]
    async fn a_second_press_sends_nothing_until_the_answer_has_come() {
        let (owner, ui, asked) = with_engine();
        let sending = owner.with(Sending::new);
        let came = Rc::new(RefCell::new(0));
        let press = || {
            let came = Rc::clone(&came);
            ui.attempt(Command::Lock, sending, move |_| *came.borrow_mut() += 1);
        };
        let waiting = || asked.borrow().len();
        press();
        press();
        tick().await;
        press();
        tick().await;
        assert_eq!(waiting(), 1);
        let answer = asked.borrow_mut().pop_front().unwrap();
        let _ = answer.send(Ok(Answer::Done));
        tick().await;
        assert_eq!(*came.borrow(), 1);
        press();
        tick().await;
        assert_eq!(waiting(), 1);
    }

    #[wasm_bindgen_test]
    async fn what_is_said_once_is_sent_again_only_after_a_refusal() {
        let (owner, ui, asked) = with_engine();
        let sending = owner.with(Sending::once);
        let press = || ui.attempt(Command::Lock, sending, |_| {});
        let answered = |with| {
            let answer = asked.borrow_mut().pop_front().unwrap();
            let _ = answer.send(with);
        };
        press();
        tick().await;
        answered(Err(Failure::Refused(Refusal::NoVault)));
        tick().await;
        assert!(!sending.error.get_untracked().is_empty());
        press();
        tick().await;
        assert!(sending.error.get_untracked().is_empty());
        answered(Ok(Answer::Done));
        tick().await;
        press();
        tick().await;
        assert!(asked.borrow().is_empty());
    }
}
