//! The frame of a screen: the page before the app opens, headings, banners, announcements.

use leptos::{html, prelude::*};

use super::{Mark, Notice};
use crate::{bridge::release::Software, catalogue, ui::ui};

/// A screen of its own, before the app is open or when something is in the way.
#[component]
pub fn Screen(
    /// For tests: `screen-…`.
    id: &'static str,
    /// What it shows.
    children: Children,
) -> impl IntoView {
    view! {
        <main class="gate" data-testid=id>
            <div class="logo"><Mark/>{catalogue::KOMRADE}</div>
            {children()}
        </main>
    }
}

/// The heading of a place. It takes the focus when the person moved here, so that a screen reader
/// says so.
#[component]
pub fn Title(
    /// What the place is called.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::H1>::new();
    Effect::new(move |_| {
        if let Some(heading) = node.get()
            && ui.has_moved()
        {
            let _ = heading.focus();
        }
    });
    view! { <h1 tabindex="-1" node_ref=node dir="auto">{text}</h1> }
}

/// The heading of a part that takes the place of another. It takes the focus, which the other took
/// along.
#[component]
pub fn Heading(
    /// What the part is called.
    text: &'static str,
) -> impl IntoView {
    let node = NodeRef::<html::H2>::new();
    Effect::new(move |_| {
        if let Some(heading) = node.get() {
            let _ = heading.focus();
        }
    });
    view! { <h2 tabindex="-1" node_ref=node>{text}</h2> }
}

/// Says that another release is ready, until the person chose.
#[component]
pub fn UpdateBanner() -> impl IntoView {
    let ui = ui();
    let later = RwSignal::new(false);
    move || match ui.software.get() {
        Software::Offered { kept, offered } if !later.get() => view! {
            <Notice id="update">
                <p><b>{catalogue::UPDATE_TITLE}</b></p>
                <p class="small">{catalogue::update_text(&kept, &offered)}</p>
                <div class="actions">
                    <button
                        type="button"
                        class="btn"
                        data-testid="update-now"
                        on:click=move |_| ui.agree()
                    >
                        {catalogue::UPDATE_NOW}
                    </button>
                    <button
                        type="button"
                        class="btn quiet"
                        data-testid="update-later"
                        on:click=move |_| later.set(true)
                    >
                        {catalogue::UPDATE_LATER}
                    </button>
                </div>
            </Notice>
        }
        .into_any(),
        Software::Damaged if !later.get() => view! {
            <Notice id="update-damaged" act=true>
                <p>{catalogue::UPDATE_DAMAGED}</p>
                <button type="button" class="btn quiet" on:click=move |_| later.set(true)>
                    {catalogue::CLOSE}
                </button>
            </Notice>
        }
        .into_any(),
        _ => ().into_any(),
    }
}

/// Tells screen readers what arrived, politely.
#[component]
pub fn Announcer() -> impl IntoView {
    let ui = ui();
    view! {
        <div class="unseen" role="status" aria-live="polite" data-testid="announcer">
            {ui.announced}
        </div>
    }
}
