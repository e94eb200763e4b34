//! The first screen: what this is, what it protects and what not; or, with an invite, which Komrade
//! to use.

use komrade_view::{Answer, Command, InvitePreview};
use leptos::prelude::*;
use web_sys::MouseEvent;

use crate::{
    browser, catalogue,
    parts::{CopyText, Notice, Screen, Title},
    place,
    ui::ui,
};

/// There is no vault here.
#[component]
pub fn Welcome() -> impl IntoView {
    let ui = ui();
    let host = move || {
        ui.join.with(|join| {
            join.as_ref()
                .map(|join| place::host(join.expose()).to_owned())
        })
    };
    view! {
        <Screen id="screen-welcome">
            <Title text=catalogue::WELCOME_TITLE.to_owned()/>
            <p class="lead">{catalogue::WELCOME_LEAD}</p>
            {move || ui.erased.get().then(|| view! {
                <p class="card" role="status" data-testid="welcome-erased">{catalogue::MOVED_ERASED}</p>
            })}
            <Cautions/>
            {move || match host() {
                Some(host) => view! {
                    <p class="card" data-testid="welcome-relay">{catalogue::welcome_relay(&host)}</p>
                }.into_any(),
                None if ui.join_damaged.get() => view! {
                    <Notice id="welcome-join-damaged" act=true><p>{catalogue::JOIN_DAMAGED}</p></Notice>
                }.into_any(),
                None => view! {
                    <Notice id="welcome-no-relay"><p>{catalogue::WELCOME_NO_RELAY}</p></Notice>
                }.into_any(),
            }}
            <button type="button" class="btn" data-testid="welcome-start" on:click=move |_| ui.cutting.set(true)>
                {catalogue::WELCOME_START}
            </button>
            <button
                type="button"
                class="btn quiet"
                data-testid="welcome-bring"
                on:click=move |_| {
                    ui.note_move();
                    ui.bringing.set(true);
                }
            >
                {catalogue::BRING}
            </button>
            <Honest/>
        </Screen>
    }
}

/// What must be known before keys are cut in this browser.
#[component]
fn Cautions() -> impl IntoView {
    let insecure = !window().is_secure_context();
    view! {
        {browser::is_ios_page().then(|| view! {
            <Notice id="welcome-ios" act=true><p>{catalogue::WELCOME_IOS}</p></Notice>
        })}
        {insecure.then(|| view! {
            <Notice id="welcome-insecure"><p>{catalogue::WELCOME_INSECURE}</p></Notice>
        })}
    }
}

/// What is protected and what is not, as plainly.
#[component]
fn Honest() -> impl IntoView {
    view! {
        <section class="stack small">
            <h2 class="over">{catalogue::WELCOME_HONEST}</h2>
            <p>{catalogue::WELCOME_PROTECTED}</p>
            <p>{catalogue::WELCOME_NOT_PROTECTED}</p>
            <p>{catalogue::WELCOME_WHERE}</p>
        </section>
    }
}

/// An invite was opened where there is no vault: is there a Komrade elsewhere?
#[component]
pub fn Invited() -> impl IntoView {
    let ui = ui();
    let known = RwSignal::new(false);
    let preview = RwSignal::new(None::<InvitePreview>);
    let error = RwSignal::new("");
    let link = ui.invite.get_untracked();
    if let Some(link) = link.clone() {
        leptos::task::spawn_local(async move {
            match ui.ask(Command::ReadInvite { link }).await {
                Ok(Answer::Preview(found)) => {
                    let _ = preview.try_set(Some(found));
                }
                Ok(_) => {}
                Err(failure) => {
                    let _ = error.try_set(catalogue::failure(failure));
                }
            }
        });
    }
    let new_text = move || {
        preview.with(|preview| {
            match preview
                .as_ref()
                .and_then(|preview| preview.relay.as_deref())
            {
                Some(relay) => catalogue::invited_new_relay(place::host(relay)),
                None => catalogue::INVITED_NEW_ALONE.to_owned(),
            }
        })
    };
    let choice = move |id, title, text: Signal<String>, act: Callback<MouseEvent>, quiet| {
        view! {
            <div class="card choice">
                <button type="button" class="btn" class:quiet=quiet data-testid=id on:click=move |ev| act.run(ev)>
                    {title}
                </button>
                <p class="small soft">{text}</p>
            </div>
        }
    };
    view! {
        <Screen id="screen-invited">
            <Title text=catalogue::INVITED_TITLE.to_owned()/>
            <p class="lead">{catalogue::INVITED_LEAD}</p>
            {move || (!error.get().is_empty()).then(|| view! {
                <Notice id="invited-error" act=true><p>{error}</p></Notice>
            })}
            {move || if known.get() {
                view! {
                    <p>{catalogue::INVITED_KNOWN_TEXT}</p>
                    {link.clone().map(|text| view! {
                        <CopyText id="invited" label=catalogue::INVITED_TEXT text/>
                    })}
                    <button type="button" class="btn quiet" data-testid="invited-back" on:click=move |_| known.set(false)>
                        {catalogue::INVITED_BACK}
                    </button>
                }.into_any()
            } else {
                view! {
                    <Cautions/>
                    {choice(
                        "invited-known",
                        catalogue::INVITED_KNOWN,
                        Signal::derive(|| catalogue::INVITED_KNOWN_HINT.to_owned()),
                        Callback::new(move |_| known.set(true)),
                        true,
                    )}
                    {choice(
                        "invited-new",
                        catalogue::INVITED_NEW,
                        Signal::derive(new_text),
                        Callback::new(move |_| ui.cutting.set(true)),
                        false,
                    )}
                    <Honest/>
                }.into_any()
            }}
        </Screen>
    }
}
