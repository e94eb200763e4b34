//! Opening an invite: paste it, look at it without using it, accept it.

use komrade_view::{Answer, Command, InvitePreview, LinkState, Refusal, Secret};
use leptos::{ev::SubmitEvent, html, prelude::*};

use crate::{
    catalogue, clock,
    parts::{Field, Heading, Notice},
    place::{self, Place},
    ui::ui,
};

/// Opens an invite; one that came with the address is looked at by itself.
#[component]
pub fn OpenInvite(
    /// The invite that is looked at, with what it says of itself.
    seen: RwSignal<Option<(Secret, InvitePreview)>>,
    /// The link of an own invite that stands on the same page.
    #[prop(into)]
    own: Signal<Option<Secret>>,
) -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Input>::new();
    let error = RwSignal::new(String::new());
    let look = move |link: Secret| {
        error.set(String::new());
        leptos::task::spawn_local(async move {
            match ui.ask(Command::ReadInvite { link: link.clone() }).await {
                Ok(Answer::Preview(preview)) => {
                    seen.try_set(Some((link, preview)));
                }
                Ok(_) => {}
                Err(failure) => {
                    ui.invite.set(None);
                    error.try_set(catalogue::failure(failure).to_owned());
                }
            }
        });
    };
    Effect::new(move |_| {
        if let Some(link) = ui.invite.get() {
            look(link);
        }
    });
    let pasted = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = node.get_untracked() else {
            return;
        };
        let link = Secret::new(input.value().trim());
        if link.expose().is_empty() {
            error.set(catalogue::PASTE_EMPTY.to_owned());
            let _ = input.focus();
        } else if link.expose().contains("#j/") {
            error.set(catalogue::PASTE_JOIN.to_owned());
            let _ = input.focus();
        } else if own.with_untracked(|own| own.as_ref() == Some(&link)) {
            error.set(catalogue::refusal(Refusal::OwnInvite).to_owned());
            let _ = input.focus();
        } else {
            look(link);
        }
    };
    view! {
        <section class="card stack">
            {move || match seen.get() {
                Some((link, preview)) => view! { <Preview seen link preview/> }.into_any(),
                None => view! {
                    <form class="stack" on:submit=pasted novalidate>
                        <h2>{catalogue::OPEN_TITLE}</h2>
                        <Field
                            id="invite-paste"
                            label=catalogue::PASTE
                            hint=catalogue::PASTE_HINT
                            node
                            error
                        />
                        <button class="btn quiet" data-testid="invite-read">{catalogue::READ}</button>
                    </form>
                }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Preview(
    /// Emptied when the person decided.
    seen: RwSignal<Option<(Secret, InvitePreview)>>,
    /// The invite.
    link: Secret,
    /// What it says of itself.
    preview: InvitePreview,
) -> impl IntoView {
    let ui = ui();
    let link = StoredValue::new(link);
    let error = RwSignal::new("");
    let busy = RwSignal::new(false);
    let (expires_at, asks) = (preview.expires_at, preview.for_collective);
    let (title, text, act) = match asks {
        true => (
            catalogue::LINK_PREVIEW_TITLE,
            catalogue::LINK_PREVIEW_TEXT,
            catalogue::LINK_LOOK,
        ),
        false => (
            catalogue::PREVIEW_TITLE,
            catalogue::PREVIEW_TEXT,
            catalogue::ACCEPT,
        ),
    };
    let brings = preview.relay.is_some();
    let relay = preview
        .relay
        .map(|relay| catalogue::preview_relay(place::host(&relay)));
    let alone = move || {
        !brings
            && ui.route.with(|route| {
                route
                    .as_ref()
                    .is_some_and(|route| route.view.link == LinkState::NoRelay)
            })
    };
    let forget = move || {
        ui.invite.set(None);
        seen.try_set(None);
    };
    let accept = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set("");
        let link = link.get_value();
        leptos::task::spawn_local(async move {
            match ui.ask(Command::AcceptInvite { link }).await {
                Ok(answer) => {
                    forget();
                    ui.note_move();
                    ui.go(match answer {
                        Answer::Comrade(id) => Place::Conversation(id),
                        _ => Place::People,
                    });
                }
                Err(failure) => {
                    error.try_set(catalogue::failure(failure));
                    busy.try_set(false);
                }
            }
        });
    };
    let left = move || {
        let left = catalogue::remaining(clock::seconds_between(ui.now.get(), expires_at));
        match asks {
            true => catalogue::ends_in(&left),
            false => catalogue::good_for(&left),
        }
    };
    view! {
        <div class="stack" data-testid="invite-preview">
            <Heading text=title/>
            <p>{text}</p>
            {relay.map(|relay| view! { <p data-testid="invite-preview-relay">{relay}</p> })}
            <Show when=alone>
                <Notice id="invite-needs-relay" act=true>
                    <p>{catalogue::PREVIEW_NEEDS_RELAY}</p>
                    <a class="btn quiet" href=Place::Route.hash()>{catalogue::ROUTE}</a>
                </Notice>
            </Show>
            <p class="small soft">{left}</p>
            <p class="error" role="alert" data-testid="invite-accept-error">{error}</p>
            <div class="actions">
                <button
                    type="button"
                    class="btn"
                    data-testid="invite-accept"
                    aria-disabled=move || busy.get().then_some("true")
                    on:click=accept
                >
                    {act}
                </button>
                <button type="button" class="btn quiet" data-testid="invite-not-now" on:click=move |_| forget()>
                    {catalogue::NOT_NOW}
                </button>
            </div>
        </div>
    }
}
