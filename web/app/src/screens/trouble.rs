//! Something is in the way: what happened, what is safe, and the one thing to do.

use komrade_view::Command;
use leptos::prelude::*;

use crate::{
    bridge::WorkerState,
    browser, catalogue,
    parts::{Progress, Screen, Title},
    ui::ui,
};

/// Another tab leads.
#[component]
pub fn Elsewhere() -> impl IntoView {
    let ui = ui();
    let began = RwSignal::new(None);
    let error = RwSignal::new("");
    let take = move |_| {
        if began.get_untracked().is_some() {
            return;
        }
        began.set(Some(ui.now.get_untracked()));
        error.set("");
        leptos::task::spawn_local(async move {
            if let Err(failure) = ui.ask(Command::TakeLead).await {
                let _ = error.try_set(catalogue::failure(failure));
                let _ = began.try_set(None);
            }
        });
    };
    view! {
        <Screen id="screen-elsewhere">
            <Title text=catalogue::ELSEWHERE_TITLE.to_owned()/>
            <p class="lead">{catalogue::ELSEWHERE_TEXT}</p>
            <p class="error" role="alert">{error}</p>
            <button type="button" class="btn" data-testid="take-lead" on:click=take>{catalogue::TAKE_LEAD}</button>
            {move || began.get().map(|since| view! {
                <Progress id="taking-lead" stage=catalogue::TAKING_LEAD.to_owned() since/>
            })}
        </Screen>
    }
}

/// The store refused a write.
#[component]
pub fn StoreFailed() -> impl IntoView {
    let ui = ui();
    view! {
        <Trouble
            id="screen-store-failed"
            title=catalogue::STORE_FAILED_TITLE
            text=catalogue::STORE_FAILED_TEXT
            action=catalogue::STORE_FAILED_ACTION
            act=move |()| ui.read_store_failure()
        />
    }
}

/// The vault is from a newer version.
#[component]
pub fn Newer() -> impl IntoView {
    view! {
        <Trouble
            id="screen-vault-newer"
            title=catalogue::NEWER_TITLE
            text=catalogue::NEWER_TEXT
            action=catalogue::RELOAD
            act=|()| browser::reload()
        />
    }
}

/// The vault cannot be read.
#[component]
pub fn Damaged() -> impl IntoView {
    view! {
        <Trouble
            id="screen-vault-damaged"
            title=catalogue::DAMAGED_TITLE
            text=catalogue::DAMAGED_TEXT
            action=catalogue::RELOAD
            act=|()| browser::reload()
        />
    }
}

/// The worker was ended.
#[component]
pub fn Worker() -> impl IntoView {
    let ui = ui();
    let (title, text, at) = match ui.worker().get_untracked() {
        WorkerState::Panicked { at } => (
            catalogue::PANICKED_TITLE,
            catalogue::PANICKED_TEXT,
            catalogue::panicked_at(&at),
        ),
        WorkerState::Refused => (
            catalogue::REFUSED_TITLE,
            catalogue::REFUSED_TEXT,
            String::new(),
        ),
        _ => (
            catalogue::SILENT_TITLE,
            catalogue::SILENT_TEXT,
            String::new(),
        ),
    };
    view! {
        <Trouble
            id="screen-worker"
            title
            text
            more=at
            action=catalogue::RESTART
            act=move |()| ui.restart()
        />
    }
}

/// The loader was replaced: nothing can be done here that would be safe.
#[component]
pub fn Loader() -> impl IntoView {
    view! { <Trouble id="screen-loader" title=catalogue::LOADER_TITLE text=catalogue::LOADER_TEXT/> }
}

/// What all of them look like.
#[component]
fn Trouble(
    /// For tests; the button is `trouble-action`.
    id: &'static str,
    /// What happened.
    title: &'static str,
    /// What is safe and what to do.
    text: &'static str,
    /// Something for a report.
    #[prop(optional)]
    more: String,
    /// What the button says.
    #[prop(optional)]
    action: &'static str,
    /// What it does.
    #[prop(optional, into)]
    act: Option<Callback<()>>,
) -> impl IntoView {
    view! {
        <Screen id>
            <Title text=title.to_owned()/>
            <p class="lead" role="alert">{text}</p>
            {(!more.is_empty()).then(|| view! { <p class="small soft mono">{more}</p> })}
            {act.map(|act| view! {
                <button type="button" class="btn" data-testid="trouble-action" on:click=move |_| act.run(())>
                    {action}
                </button>
            })}
        </Screen>
    }
}
