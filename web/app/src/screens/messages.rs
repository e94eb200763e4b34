//! What was said in a conversation, with a comrade or in a collective.
//!
//! The thread scrolls inside a box whose main axis runs upwards (`column-reverse`), so the browser
//! itself keeps the newest message in sight and the place when older ones are put on top.

use komrade_view::{CollectiveCommand, Command};
use leptos::{html, prelude::*};

use super::message::Message;
use crate::{
    catalogue, clock,
    parts::{Icon, Sign},
    thread::{Item, Talk, Thread},
    ui::{Ui, ui},
};

/// So many pixels from the newest message still count as being there.
const NEAR: i32 = 80;
/// So many pixels from the oldest loaded message the next page is read.
const AHEAD: i32 = 400;

/// What was said.
#[component]
pub fn Messages(
    /// Where.
    talk: Talk,
    /// The comrade's name, or the collective's.
    name: Memo<String>,
    /// The newest ordinal that the person has seen.
    read: Memo<u64>,
    /// Both sides have confirmed.
    met: Memo<bool>,
    /// The two devices may be linked directly.
    live: Memo<bool>,
    /// What stands where nothing was said.
    empty: Signal<Option<String>>,
    /// What there is to know, below what was said: items of a list.
    notices: AnyView,
) -> impl IntoView {
    let ui = ui();
    let of_thread = move || {
        ui.thread.with(|thread| {
            thread
                .as_ref()
                .filter(|thread| thread.talk == talk)
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
                    .is_some_and(|thread| thread.talk == talk && read(thread))
            })
        })
    };
    let older = flag(|thread| thread.older);
    let loaded = flag(|thread| thread.loaded);
    let newest_kept = Memo::new(move |_| {
        ui.thread
            .with(|thread| thread.as_ref().and_then(Thread::newest_kept))
    });
    let scroller = Scroller::new(ui, talk);
    Effect::new(move |_| {
        let newest = layout.with(|items| match items.last() {
            Some(Item::Line { line, .. }) => line.ordinal(),
            _ => 0,
        });
        scroller.arrived(newest);
    });
    mark_read(ui, talk, read);
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
        Item::Line { line, close } => view! { <Message talk name met live line close newest_kept/> }.into_any(),
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
                {move || empty.get().filter(|_| loaded.get() && layout.with(Vec::is_empty)).map(|text| view! {
                    <li class="day" data-testid="conversation-empty">{text}</li>
                })}
                {notices}
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
    talk: Talk,
    node: NodeRef<html::Div>,
    near: RwSignal<bool>,
    loading: RwSignal<bool>,
    /// The newest message and the height of everything when last looked at.
    seen: StoredValue<(u64, i32)>,
}

impl Scroller {
    fn new(ui: Ui, talk: Talk) -> Self {
        Self {
            ui,
            talk,
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
                .filter(|thread| thread.talk == self.talk && thread.older)?;
            thread.lines.first_key_value().map(|(ordinal, _)| *ordinal)
        });
        if oldest.is_none() || self.loading.get_untracked() {
            return;
        }
        self.loading.set(true);
        leptos::task::spawn_local(async move {
            let _ = self.ui.load_page(self.talk, oldest).await;
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
fn mark_read(ui: Ui, talk: Talk, read: Memo<u64>) {
    let newest = Memo::new(move |_| {
        ui.thread.with(|thread| {
            thread
                .as_ref()
                .filter(|thread| thread.talk == talk)
                .and_then(Thread::newest_theirs)
        })
    });
    Effect::new(move |told: Option<u64>| {
        let told = told.unwrap_or_default();
        let Some(up_to) = newest.get() else {
            return told;
        };
        if !ui.in_sight.get() || up_to <= read.get().max(told) {
            return told;
        }
        ui.tell(match talk {
            Talk::Comrade(comrade) => Command::MarkRead { comrade, up_to },
            Talk::Collective(collective) => {
                Command::Collective(CollectiveCommand::MarkRead { collective, up_to })
            }
        });
        up_to
    });
}
