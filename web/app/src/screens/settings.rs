//! Settings: oneself, acknowledgements, passphrase, lock, appearance, narrators, software.

use komrade_view::{AckPace, Command};
use leptos::{ev::SubmitEvent, html, prelude::*};

use super::{
    moving::Leave,
    passphrase::{NewPassphrase, typed},
    rename::Rename,
};
use crate::{
    bridge::{Failure, release::Software},
    catalogue,
    look::{self, Look},
    parts::{Code, Field, Progress, Reveal, Title},
    ui::ui,
};

/// Settings.
#[component]
pub fn Settings() -> impl IntoView {
    let ui = ui();
    view! {
        <div class="page" data-testid="screen-settings">
            <Title text=catalogue::SETTINGS.to_owned()/>
            <Me/>
            <Rename/>
            <section class="card stack">
                <h2>{catalogue::LOCK_TITLE}</h2>
                <p>{catalogue::LOCK_LEAD}</p>
                <button type="button" class="btn" data-testid="lock" on:click=move |_| ui.lock()>
                    {catalogue::LOCK_NOW}
                </button>
            </section>
            <Acknowledgements/>
            <ChangePassphrase/>
            <Appearance/>
            <section class="card stack">
                <h2>{catalogue::NARRATORS_TITLE}</h2>
                <div class="check">
                    <input
                        type="checkbox"
                        id="narrators"
                        data-testid="narrators"
                        prop:checked=ui.narrators
                        on:change=move |event| ui.set_narrators(event_target_checked(&event))
                    />
                    <label for="narrators">{catalogue::NARRATORS_ON}</label>
                </div>
            </section>
            <section class="card stack">
                <h2>{catalogue::STORED_TITLE}</h2>
                <p>{catalogue::STORED_TEXT}</p>
            </section>
            <Leave/>
            <section class="card stack">
                <h2>{catalogue::SOFTWARE_TITLE}</h2>
                <p data-testid="software">{move || ui.software.with(software)}</p>
            </section>
        </div>
    }
}

fn software(software: &Software) -> String {
    match software {
        Software::NotKept => catalogue::SOFTWARE_NOT_KEPT.to_owned(),
        Software::Keeping => catalogue::SOFTWARE_KEEPING.to_owned(),
        Software::Kept { release } => catalogue::software_kept(release),
        Software::Offered { kept, offered } => catalogue::update_text(kept, offered),
        Software::Damaged => catalogue::UPDATE_DAMAGED.to_owned(),
        Software::LoaderChanged => catalogue::LOADER_TEXT.to_owned(),
    }
}

#[component]
fn Me() -> impl IntoView {
    let ui = ui();
    move || {
        ui.profile.get().map(|profile| view! {
            <section class="card stack" data-testid="me">
                <h2>{catalogue::ME}</h2>
                <p class="big" dir="auto" data-testid="my-name">{profile.name}</p>
                <p class="small soft">{catalogue::MY_CODE}</p>
                <Code id="my-code" code=profile.code/>
                <p class="small soft">{catalogue::PERSON_ID}</p>
                <p class="mono small breaks" dir="ltr" data-testid="my-person-id">{profile.person}</p>
            </section>
        })
    }
}

#[component]
fn Acknowledgements() -> impl IntoView {
    let ui = ui();
    let error = RwSignal::new("");
    let choose = move |pace| {
        error.set("");
        leptos::task::spawn_local(async move {
            if let Err(failure) = ui.ask(Command::SetAckPace(pace)).await {
                error.try_set(catalogue::failure(failure));
            }
        });
    };
    let choice = move |(id, pace): (&'static str, AckPace)| {
        let chosen = move || {
            ui.profile.with(|profile| {
                profile
                    .as_ref()
                    .is_some_and(|profile| profile.ack_pace == pace)
            })
        };
        view! {
            <div class="check">
                <input
                    type="radio"
                    name="ack-pace"
                    id=id
                    data-testid=id
                    prop:checked=chosen
                    aria-describedby=format!("{id}-cost")
                    on:change=move |_| choose(pace)
                />
                <div>
                    <label for=id>{catalogue::ack_pace(pace)}</label>
                    <p class="hint" id=format!("{id}-cost")>{catalogue::ack_pace_cost(pace)}</p>
                </div>
            </div>
        }
    };
    view! {
        <section class="card stack">
            <h2 id="ack-title">{catalogue::ACK_TITLE}</h2>
            <p>{catalogue::ACK_LEAD}</p>
            <div role="radiogroup" aria-labelledby="ack-title" class="stack">
                {[("ack-calm", AckPace::Calm), ("ack-quick", AckPace::Quick), ("ack-never", AckPace::Never)]
                    .map(choice)
                    .into_iter()
                    .collect_view()}
            </div>
            <p class="error" role="alert">{error}</p>
        </section>
    }
}

#[component]
fn ChangePassphrase() -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Input>::new();
    let readable = RwSignal::new(false);
    let error = RwSignal::new(String::new());
    let choice = NewPassphrase::new();
    let began = RwSignal::new(None);
    let done = RwSignal::new("");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = node.get_untracked() else {
            return;
        };
        if began.get_untracked().is_some() {
            return;
        }
        done.set("");
        let Some(old) = typed(&input, error) else {
            return;
        };
        let Some(new) = choice.read() else { return };
        began.set(Some(ui.now.get_untracked()));
        leptos::task::spawn_local(async move {
            match ui.ask(Command::ChangePassphrase { old, new }).await {
                Ok(_) => {
                    done.try_set(catalogue::CHANGED);
                    input.set_value("");
                    choice.clear();
                }
                Err(failure @ Failure::Refused(komrade_view::Refusal::PassphraseTooShort)) => {
                    choice.refuse(catalogue::failure(failure));
                }
                Err(failure) => {
                    error.try_set(catalogue::failure(failure).to_owned());
                    let _ = input.focus();
                }
            }
            began.try_set(None);
        });
    };
    view! {
        <section class="card stack">
            <form class="stack" on:submit=submit novalidate>
                <h2>{catalogue::CHANGE_TITLE}</h2>
                <Field
                    id="passphrase-old"
                    label=catalogue::CHANGE_OLD
                    node
                    error
                    readable
                    end=view! { <Reveal readable id="passphrase-old-show"/> }.into_any()
                />
                {choice.fields(false)}
                <button
                    class="btn quiet"
                    data-testid="passphrase-change"
                    aria-disabled=move || began.get().is_some().then_some("true")
                >
                    {catalogue::CHANGE}
                </button>
                {move || began.get().map(|since| view! {
                    <Progress id="changing" stage=catalogue::CHANGING.to_owned() since/>
                })}
                <p role="status" data-testid="passphrase-changed">{done}</p>
            </form>
        </section>
    }
}

#[component]
fn Appearance() -> impl IntoView {
    let choice = |look: Look| {
        let id = format!("look-{}", look.name());
        let text = match look {
            Look::System => catalogue::LOOK_SYSTEM,
            Look::Light => catalogue::LOOK_LIGHT,
            Look::Dark => catalogue::LOOK_DARK,
        };
        view! {
            <label class="choice" for=id.clone()>
                <input
                    type="radio"
                    name="look"
                    id=id.clone()
                    data-testid=id.clone()
                    checked=look == Look::chosen()
                    on:change=move |_| look.choose()
                />
                {text}
            </label>
        }
    };
    view! {
        <section class="card stack">
            <h2>{catalogue::LOOK_TITLE}</h2>
            <fieldset class="segments">
                <legend class="unseen">{catalogue::LOOK_TITLE}</legend>
                {Look::ALL.map(choice).into_iter().collect_view()}
            </fieldset>
            <div class="check">
                <input
                    type="checkbox"
                    id="high-contrast"
                    data-testid="high-contrast"
                    checked=look::high_contrast()
                    on:change=|event| look::choose_high_contrast(event_target_checked(&event))
                />
                <label for="high-contrast">{catalogue::LOOK_CONTRAST}</label>
            </div>
        </section>
    }
}
