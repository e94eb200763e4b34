//! Notices, progress, texts to copy, QR codes.

use komrade_view::{Millis, Secret};
use leptos::{html, prelude::*};

use super::{Icon, Sign};
use crate::{browser, catalogue, clock, qr, ui::ui};

/// A wait with its stage, and the time it has taken once that is worth telling.
#[component]
pub fn Progress(
    /// What is being done.
    #[prop(into)]
    stage: Signal<String>,
    /// Since when.
    #[prop(into)]
    since: Signal<Millis>,
    /// For tests; the elapsed time is beside it as `…-elapsed`.
    id: &'static str,
) -> impl IntoView {
    let ui = ui();
    let waited = move || catalogue::waited(clock::seconds_between(since.get(), ui.now.get()));
    view! {
        <div class="progress" data-testid=id>
            <progress aria-label=stage></progress>
            <p class="small">
                <span role="status">{stage}</span>
                <span data-testid=format!("{id}-elapsed")>{waited}</span>
            </p>
        </div>
    }
}

/// Something to know before going on.
#[component]
pub fn Notice(
    /// For tests.
    id: &'static str,
    /// Waits (amber), or needs the person (red); neither is told by colour alone.
    #[prop(optional)]
    act: bool,
    /// Stands on phones only, where the rail does not say it.
    #[prop(optional)]
    phone: bool,
    /// What it says.
    children: Children,
) -> impl IntoView {
    let sign = if act { Sign::Alert } else { Sign::Clock };
    view! {
        <div class="notice" class:act=act class:phone=phone data-testid=id>
            <Icon sign/>
            <div>{children()}</div>
        </div>
    }
}

/// A secret text to hand over: shown, copied, shared.
#[component]
pub fn CopyText(
    /// The prefix for tests: `…-text`, `…-copy`, `…-share`.
    id: &'static str,
    /// What it is.
    label: &'static str,
    /// The text.
    text: Secret,
) -> impl IntoView {
    let node = NodeRef::<html::Textarea>::new();
    let copied = RwSignal::new(String::new());
    let text = StoredValue::new(text);
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            let shown = node.get_untracked();
            let done = browser::copy(text.get_value().expose(), shown).await;
            copied.set(
                if done {
                    catalogue::COPIED
                } else {
                    catalogue::COPY_BY_HAND
                }
                .to_owned(),
            );
        });
    };
    let share = move |_| {
        leptos::task::spawn_local(async move { browser::share(text.get_value().expose()).await });
    };
    let field = format!("{id}-text");
    view! {
        <div class="field">
            <label for=field.clone()>{label}</label>
            <textarea
                id=field.clone()
                data-testid=field
                class="mono"
                rows="3"
                readonly
                node_ref=node
                spellcheck="false"
                dir="ltr"
                prop:value=move || text.with_value(|text| text.expose().to_owned())
                on:focus=move |_| if let Some(node) = node.get_untracked() { node.select() }
            ></textarea>
            <div class="actions">
                <button type="button" class="btn" data-testid=format!("{id}-copy") on:click=copy>
                    {catalogue::COPY}
                </button>
                {browser::can_share().then(|| view! {
                    <button type="button" class="btn quiet" data-testid=format!("{id}-share") on:click=share>
                        {catalogue::SHARE}
                    </button>
                })}
                <span class="small soft" role="status" data-testid=format!("{id}-copied")>{copied}</span>
            </div>
        </div>
    }
}

/// A QR code, dark on light in every theme, because many readers take nothing else.
#[component]
pub fn Qr(
    /// What it holds.
    text: Secret,
    /// Its name.
    label: &'static str,
    /// For tests.
    id: &'static str,
) -> impl IntoView {
    match qr::draw(text.expose()) {
        Some(drawing) => view! {
            <svg
                class="qr"
                role="img"
                aria-label=label
                data-testid=id
                viewBox=format!("0 0 {0} {0}", drawing.size)
            >
                <rect class="ground" width="100%" height="100%"></rect>
                <path class="modules" d=drawing.path></path>
            </svg>
        }
        .into_any(),
        None => view! { <p class="hint" data-testid=id>{catalogue::QR_TOO_LONG}</p> }.into_any(),
    }
}
