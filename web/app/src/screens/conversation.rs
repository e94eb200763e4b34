//! A conversation: who, how they are reached, what was said, and the field to write in.
//!
//! The thread scrolls inside a box whose main axis runs upwards (`column-reverse`), so the browser
//! itself keeps the newest message in sight and the place when older ones are put on top.

use komrade_view::{Command, ComradeId, ComradeState, ComradeView};
use leptos::{html, prelude::*};

use super::{composer::Composer, comrade::Request, message::Message};
use crate::{
    catalogue, clock,
    parts::{Avatar, Icon, Notice, Sign, Title},
    place::{self, Place},
    thread::{Item, Thread},
    ui::{Ui, ui},
};

/// So many pixels from the newest message still count as being there.
const NEAR: i32 = 80;
/// So many pixels from the oldest loaded message the next page is read.
const AHEAD: i32 = 400;

/// A conversation.
#[component]
pub fn Conversation(
    /// With whom.
    id: ComradeId,
) -> impl IntoView {
    let ui = ui();
    let comrade = ui.comrade(id);
    ui.open_thread(id);
    on_cleanup(move || {
        let _ = ui.thread.try_update(|thread| {
            if thread.as_ref().is_some_and(|thread| thread.comrade == id) {
                *thread = None;
            }
        });
    });
    let state = Memo::new(move |_| comrade.with(|view| view.as_ref().map(|view| view.state)));
    let name = Memo::new(move |_| {
        catalogue::name(
            comrade
                .with(|view| {
                    view.as_ref()
                        .map_or(String::new(), |view| view.name.clone())
                })
                .as_str(),
        )
    });
    view! {
        <div class="conversation" data-testid="screen-conversation" data-comrade=place::hex(id)>
            <Head id comrade name/>
            {move || match state.get() {
                // What they wrote with their answer stands below the question.
                Some(ComradeState::Asking | ComradeState::AskingAgain) => view! {
                    <div class="asking">
                        <div class="page">{request(comrade)}</div>
                        <Messages id comrade name/>
                    </div>
                }.into_any(),
                Some(state) => view! {
                    {(state == ComradeState::Asked).then(|| request(comrade))}
                    <Messages id comrade name/>
                    <Composer id name/>
                }.into_any(),
                None if ui.comrades.with(Option::is_some) => {
                    view! { <p class="page soft">{catalogue::NO_SUCH_COMRADE}</p> }.into_any()
                }
                None => ().into_any(),
            }}
        </div>
    }
}

/// What stands in the way of knowing each other.
fn request(comrade: Memo<Option<ComradeView>>) -> impl IntoView {
    move || {
        comrade
            .get()
            .filter(|view| view.state != ComradeState::Met)
            .map(|view| {
                let ComradeView {
                    id,
                    name,
                    code,
                    state,
                    ..
                } = view;
                view! { <Request id name state code/> }
            })
    }
}

#[component]
fn Head(
    /// With whom.
    id: ComradeId,
    /// The comrade.
    comrade: Memo<Option<ComradeView>>,
    /// Their name.
    name: Memo<String>,
) -> impl IntoView {
    let ui = ui();
    let verified = move || comrade.with(|view| view.as_ref().is_some_and(|view| view.verified));
    let met = move || {
        comrade.with(|view| {
            view.as_ref()
                .is_some_and(|view| view.state == ComradeState::Met)
        })
    };
    let reached = move || {
        ui.route.with(|route| {
            let Some(route) = route else {
                return String::new();
            };
            match route.wait() {
                Some(wait) => catalogue::route_waits(wait.for_what),
                None => {
                    let dial = route.view.dials.iter().find(|dial| dial.comrade == id);
                    catalogue::reached(met(), dial.map(|dial| dial.stage)).to_owned()
                }
            }
        })
    };
    view! {
        <header class="top">
            <a
                class="btn plain back phone"
                href=Place::People.hash()
                data-testid="back"
                aria-label=catalogue::TO_PEOPLE
            >
                <Icon sign=Sign::Back/>
            </a>
            <a class="who" href=Place::Comrade(id).hash() data-testid="conversation-about"
                aria-label=move || catalogue::about(&name.get())
            >
                <Avatar id name/>
            </a>
            <div class="grow">
                <div class="name">
                    <Title text=name/>
                    <Show when=verified>
                        <span class="verified" data-testid="conversation-verified">
                            <Icon sign=Sign::Check/>
                            <span class="unseen">{catalogue::VERIFIED}</span>
                        </span>
                    </Show>
                </div>
                <p class="small soft">
                    <Show when=met>
                        {move || if verified() { catalogue::VERIFIED } else { catalogue::NOT_VERIFIED }}
                        " · "
                    </Show>
                    <span role="status" data-testid="conversation-reached">{reached}</span>
                </p>
            </div>
        </header>
    }
}

#[component]
fn Messages(
    /// With whom.
    id: ComradeId,
    /// The comrade.
    comrade: Memo<Option<ComradeView>>,
    /// Their name.
    name: Memo<String>,
) -> impl IntoView {
    let ui = ui();
    let of_thread = move || {
        ui.thread.with(|thread| {
            thread
                .as_ref()
                .filter(|thread| thread.comrade == id)
                .cloned()
        })
    };
    let layout = Memo::new(move |_| {
        of_thread()
            .map(|thread| thread.layout(clock::wall))
            .unwrap_or_default()
    });
    let flag = move |read: fn(&Thread) -> bool| {
        Memo::new(move |_| {
            ui.thread.with(|thread| {
                thread
                    .as_ref()
                    .is_some_and(|thread| thread.comrade == id && read(thread))
            })
        })
    };
    let older = flag(|thread| thread.older);
    let loaded = flag(|thread| thread.loaded);
    let newest_kept = Memo::new(move |_| {
        ui.thread
            .with(|thread| thread.as_ref().and_then(Thread::newest_kept))
    });
    let gap = move || comrade.with(|view| view.as_ref().and_then(|view| view.gap));
    let lost = Memo::new(move |_| comrade.with(|view| view.as_ref().map_or(0, |view| view.lost)));
    let holds = move |read: fn(&ComradeView) -> bool| {
        Memo::new(move |_| comrade.with(|view| view.as_ref().is_some_and(read)))
    };
    let (full, copied) = (holds(|view| view.is_full), holds(|view| view.is_copied));
    let met = Memo::new(move |_| {
        comrade.with(|view| {
            view.as_ref()
                .is_some_and(|view| view.state == ComradeState::Met)
        })
    });
    let live = Memo::new(move |_| comrade.with(|view| view.as_ref().is_some_and(|it| it.live)));
    let scroller = Scroller::new(ui, id);
    Effect::new(move |_| {
        let newest = layout.with(|items| match items.last() {
            Some(Item::Message { message, .. }) => message.ordinal,
            _ => 0,
        });
        scroller.arrived(newest);
    });
    mark_read(ui, id, comrade);
    let today = ui.today();
    let draw = move |item: Item| {
        match item {
        Item::Day(day) => view! {
            <li class="day" data-testid="day">{move || catalogue::day(day, today.get())}</li>
        }
        .into_any(),
        Item::Unread => view! {
            <li class="divider" data-testid="unread-divider"><span>{catalogue::UNREAD_DIVIDER}</span></li>
        }
        .into_any(),
        Item::Message { message, close } => view! { <Message id name met live message close newest_kept/> }.into_any(),
    }
    };
    view! {
        <div
            class="thread"
            role="log"
            aria-live="off"
            aria-label=move || catalogue::messages_with(&name.get())
            tabindex="0"
            data-testid="messages"
            data-loaded=move || loaded.get().to_string()
            node_ref=scroller.node
            on:scroll=move |_| scroller.moved()
        >
            <ol>
                <Show when=move || older.get()>
                    <li class="older">
                        <button
                            type="button"
                            class="btn quiet"
                            data-testid="older"
                            on:click=move |_| scroller.load_older()
                        >
                            {move || if scroller.loading.get() { catalogue::OLDER_LOADING } else { catalogue::OLDER }}
                        </button>
                    </li>
                </Show>
                <For each=move || layout.get() key=Item::key children=draw/>
                <Show when=move || met.get() && loaded.get() && layout.with(Vec::is_empty)>
                    <li class="day" data-testid="conversation-empty">
                        {move || catalogue::conversation_empty(&name.get())}
                    </li>
                </Show>
                {move || gap().map(|gap| view! {
                    <li><Notice id="gap"><p class="small">{catalogue::gap(gap.count)}</p></Notice></li>
                })}
                <Show when=move || { lost.get() > 0 }>
                    <li>
                        <Notice id="lost">
                            <p class="small">{move || catalogue::lost(lost.get(), &name.get())}</p>
                        </Notice>
                    </li>
                </Show>
                <Show when=move || full.get()>
                    <li>
                        <Notice id="full" act=true>
                            <p class="small">{move || catalogue::full(&name.get())}</p>
                        </Notice>
                    </li>
                </Show>
                <Show when=move || copied.get()>
                    <li>
                        <Notice id="copied" act=true>
                            <p class="small">{move || catalogue::copied(&name.get())}</p>
                        </Notice>
                    </li>
                </Show>
            </ol>
        </div>
        <Show when=move || !scroller.near.get()>
            <div class="jump">
                <button
                    type="button"
                    class="btn round quiet"
                    data-testid="to-newest"
                    aria-label=catalogue::TO_NEWEST
                    on:click=move |_| scroller.to_newest()
                >
                    <Icon sign=Sign::Down/>
                </button>
            </div>
        </Show>
    }
}

/// The box the thread scrolls in.
#[derive(Clone, Copy)]
struct Scroller {
    ui: Ui,
    id: ComradeId,
    node: NodeRef<html::Div>,
    near: RwSignal<bool>,
    loading: RwSignal<bool>,
    /// The newest message and the height of everything when last looked at.
    seen: StoredValue<(u64, i32)>,
}

impl Scroller {
    fn new(ui: Ui, id: ComradeId) -> Self {
        Self {
            ui,
            id,
            node: NodeRef::new(),
            near: RwSignal::new(true),
            loading: RwSignal::new(false),
            seen: StoredValue::new((0, 0)),
        }
    }

    /// What arrives below must not move what a person reads further up: the place is counted from
    /// the newest message, so it has to be moved by what was added.
    fn arrived(self, newest: u64) {
        let Some(node) = self.node.get_untracked() else {
            return;
        };
        let height = node.scroll_height();
        let (before, old_height) = self.seen.get_value();
        if newest > before && before > 0 && !self.near.get_untracked() {
            node.set_scroll_top(node.scroll_top() - (height - old_height));
        }
        self.seen.set_value((newest, height));
    }

    /// The person scrolled: `scrollTop` is 0 at the newest message and falls below towards the
    /// oldest.
    fn moved(self) {
        let Some(node) = self.node.get_untracked() else {
            return;
        };
        let from_newest = node.scroll_top().abs();
        let near = from_newest < NEAR;
        if near != self.near.get_untracked() {
            self.near.set(near);
            self.ui.thread.update_untracked(|thread| {
                if let Some(thread) = thread {
                    thread.following = near;
                }
            });
        }
        if node.scroll_height() - node.client_height() - from_newest < AHEAD {
            self.load_older();
        }
    }

    fn load_older(self) {
        let oldest = self.ui.thread.with_untracked(|thread| {
            let thread = thread
                .as_ref()
                .filter(|thread| thread.comrade == self.id && thread.older)?;
            thread
                .messages
                .first_key_value()
                .map(|(ordinal, _)| *ordinal)
        });
        if oldest.is_none() || self.loading.get_untracked() {
            return;
        }
        self.loading.set(true);
        leptos::task::spawn_local(async move {
            let _ = self.ui.load_page(self.id, oldest).await;
            self.loading.try_set(false);
        });
    }

    fn to_newest(self) {
        if let Some(node) = self.node.get_untracked() {
            node.set_scroll_top(0);
            let _ = node.focus();
        }
    }
}

/// What stands in sight counts as read.
fn mark_read(ui: Ui, id: ComradeId, comrade: Memo<Option<ComradeView>>) {
    let newest = Memo::new(move |_| {
        ui.thread.with(|thread| {
            thread
                .as_ref()
                .filter(|thread| thread.comrade == id)
                .and_then(Thread::newest_theirs)
        })
    });
    let read = Memo::new(move |_| {
        comrade.with(|view| view.as_ref().map_or(u64::MAX, |view| view.read_up_to))
    });
    Effect::new(move |told: Option<u64>| {
        let told = told.unwrap_or_default();
        let Some(newest) = newest.get() else {
            return told;
        };
        if !ui.in_sight.get() || newest <= read.get().max(told) {
            return told;
        }
        ui.tell(Command::MarkRead {
            comrade: id,
            up_to: newest,
        });
        newest
    });
}
