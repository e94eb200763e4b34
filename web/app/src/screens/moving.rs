//! A Komrade that moves: leaving this address in one file, and arriving in one.

use komrade_view::{Answer, Command, VaultState};
use leptos::{ev::SubmitEvent, html, prelude::*};

use super::passphrase::typed;
use crate::{
    browser::{self, Bytes, Chosen, Incomplete},
    catalogue,
    parts::{Field, Notice, Progress, Reveal, Screen, Title},
    ui::{Ui, ui},
};

/// In the settings: away from here.
#[component]
pub fn Leave() -> impl IntoView {
    let asked = RwSignal::new(false);
    view! {
        <section class="card stack">
            <h2>{catalogue::MOVE_TITLE}</h2>
            <p>{catalogue::MOVE_LEAD}</p>
            {move || if asked.get() {
                view! {
                    <Notice id="move-warning" act=true><p>{catalogue::MOVE_WARNING}</p></Notice>
                    <MakeFile id="move-sure" action=catalogue::MOVE_SURE/>
                    <button
                        type="button"
                        class="btn quiet"
                        data-testid="move-not"
                        on:click=move |_| asked.set(false)
                    >
                        {catalogue::CANCEL}
                    </button>
                }.into_any()
            } else {
                view! {
                    <button type="button" class="btn quiet" data-testid="move" on:click=move |_| asked.set(true)>
                        {catalogue::MOVE}
                    </button>
                }.into_any()
            }}
        </section>
    }
}

/// Asks for the passphrase, without which nobody could open the file.
#[component]
fn MakeFile(
    /// Of the button, for tests.
    id: &'static str,
    /// What the button says.
    action: &'static str,
) -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Input>::new();
    let readable = RwSignal::new(false);
    let error = RwSignal::new(String::new());
    let began = RwSignal::new(None);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = node.get_untracked() else {
            return;
        };
        if began.get_untracked().is_some() {
            return;
        }
        let Some(passphrase) = typed(&input, error) else {
            return;
        };
        began.set(Some(ui.now.get_untracked()));
        leptos::task::spawn_local(async move {
            if let Err(failure) = ui.ask(Command::Move { passphrase }).await {
                error.try_set(catalogue::failure(failure).to_owned());
                let _ = input.focus();
            }
            began.try_set(None);
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate>
            <Field
                id="move-passphrase"
                label=catalogue::MOVE_PASSPHRASE
                node
                error
                readable
                focus=true
                end=view! { <Reveal readable id="move-show"/> }.into_any()
            />
            <button class="btn" data-testid=id aria-disabled=move || began.get().is_some().then_some("true")>
                {action}
            </button>
            {move || began.get().map(|since| view! {
                <Progress id="moving" stage=catalogue::UNLOCKING.to_owned() since/>
            })}
        </form>
    }
}

/// Puts the file together. Gives where it can be saved, and its size; or what to do if there is none.
async fn make(ui: Ui, so_far: RwSignal<u64>) -> Result<(String, u64), &'static str> {
    let mut file: Bytes = Bytes::default();
    let url = loop {
        match ui.ask(Command::NextPart).await {
            Ok(Answer::Part { bytes, is_last }) => {
                let added = file.add(&bytes);
                so_far.try_set(file.size());
                if added.is_err() || is_last {
                    break added.and_then(|()| file.to_url());
                }
            }
            Ok(_) => break Err(Incomplete),
            Err(failure) => return Err(catalogue::failure(failure)),
        }
    };
    url.map(|url| (url, file.size()))
        .map_err(|Incomplete| catalogue::MOVED_INCOMPLETE)
}

/// The vault has left: the file is made, saved, and the rest erased.
#[component]
pub fn Moved() -> impl IntoView {
    let ui = ui();
    let ready = Memo::new(move |_| {
        matches!(
            ui.vault.get(),
            Some(VaultState::Moved { is_ready: true, .. })
        )
    });
    let can_erase = Memo::new(move |_| {
        matches!(
            ui.vault.get(),
            Some(VaultState::Moved {
                can_erase: true,
                ..
            })
        )
    });
    let made = RwSignal::new(None::<(String, u64)>);
    let so_far = RwSignal::new(0);
    let error = RwSignal::new("");
    let since = RwSignal::new(ui.now.get_untracked());
    Effect::new(move |_| {
        if ready.get() {
            since.set(ui.now.get_untracked());
            so_far.set(0);
            error.set("");
            leptos::task::spawn_local(async move {
                match make(ui, so_far).await {
                    Ok(file) => {
                        made.try_set(Some(file));
                    }
                    Err(why) => {
                        error.try_set(why);
                        // The passphrase makes it anew.
                        let _ = ui.ask(Command::Lock).await;
                    }
                }
            });
        }
    });
    on_cleanup(move || {
        if let Some((url, _)) = made.try_get_untracked().flatten() {
            browser::forget_url(&url);
        }
    });
    let made_or_not_ready = move || made.with(Option::is_some) || !ready.get();
    let file = move || {
        match made.get() {
        Some((url, size)) => view! {
            <a class="btn" data-testid="moved-save" href=url download=catalogue::MOVED_FILE>
                {catalogue::moved_save(size)}
            </a>
        }
        .into_any(),
        None if ready.get() && !error.get().is_empty() => ().into_any(),
        None if ready.get() => view! {
            <Progress id="moved-making" stage=Signal::derive(move || catalogue::moved_making(so_far.get())) since/>
        }
        .into_any(),
        None => view! {
            <p>{catalogue::MOVED_AGAIN}</p>
            <MakeFile id="moved-make" action=catalogue::MOVED_MAKE/>
        }
        .into_any(),
    }
    };
    view! {
        <Screen id="screen-moved">
            <Title text=catalogue::MOVED_TITLE.to_owned()/>
            <p class="lead">{catalogue::MOVED_LEAD}</p>
            <p class="error" data-testid="moved-error" role="alert">{error}</p>
            {file}
            <section class="stack">
                <h2>{catalogue::MOVED_STEPS_TITLE}</h2>
                <ol class="numbered stack">
                    {catalogue::MOVED_STEPS.map(|step| view! { <li>{step}</li> }).into_iter().collect_view()}
                </ol>
            </section>
            {move || (can_erase.get() && error.get().is_empty() && made_or_not_ready()).then(|| view! { <Erase/> })}
        </Screen>
    }
}

/// The person has the file.
#[component]
fn Erase() -> impl IntoView {
    let ui = ui();
    let asked = RwSignal::new(false);
    let error = RwSignal::new("");
    let keep = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        if let Some(button) = keep.get() {
            let _ = button.focus();
        }
    });
    let erase = move |_| {
        error.set("");
        leptos::task::spawn_local(async move {
            ui.erased.set(true);
            if let Err(failure) = ui.ask(Command::EraseMoved).await {
                ui.erased.set(false);
                error.try_set(catalogue::failure(failure));
            }
        });
    };
    view! {
        <section class="stack">
            <h2>{catalogue::MOVED_ERASE_TITLE}</h2>
            <p>{catalogue::MOVED_ERASE_TEXT}</p>
            <p class="error" role="alert">{error}</p>
            {move || if asked.get() {
                view! {
                    <Notice id="for-good" act=true><p>{catalogue::FOR_GOOD}</p></Notice>
                    <div class="actions">
                        <button type="button" class="btn" data-testid="moved-erase-sure" on:click=erase>
                            {catalogue::MOVED_ERASE_SURE}
                        </button>
                        <button
                            type="button"
                            class="btn quiet"
                            data-testid="moved-erase-not"
                            node_ref=keep
                            on:click=move |_| asked.set(false)
                        >
                            {catalogue::CANCEL}
                        </button>
                    </div>
                }.into_any()
            } else {
                view! {
                    <button
                        type="button"
                        class="btn quiet"
                        data-testid="moved-erase"
                        on:click=move |_| asked.set(true)
                    >
                        {catalogue::MOVED_ERASE}
                    </button>
                }.into_any()
            }}
        </section>
    }
}

/// A file is brought to where there is no vault.
#[component]
pub fn Bring() -> impl IntoView {
    let ui = ui();
    let chosen = NodeRef::<html::Input>::new();
    let node = NodeRef::<html::Input>::new();
    let readable = RwSignal::new(false);
    let error = RwSignal::new(String::new());
    let file_error = RwSignal::new("");
    let began = RwSignal::new(None);
    let taken = RwSignal::new((0, 0));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(chosen), Some(input)) = (chosen.get_untracked(), node.get_untracked()) else {
            return;
        };
        if began.get_untracked().is_some() {
            return;
        }
        error.set(String::new());
        file_error.set("");
        let Some(file) = Chosen::of(&chosen) else {
            file_error.set(catalogue::BRING_NO_FILE);
            let _ = chosen.focus();
            return;
        };
        let Some(passphrase) = typed(&input, error) else {
            return;
        };
        began.set(Some(ui.now.get_untracked()));
        let size = file.size();
        taken.set((0, size));
        leptos::task::spawn_local(async move {
            let mut command = Command::Bring { passphrase, size };
            let refused = loop {
                match ui.ask(command).await {
                    Ok(Answer::Want { from, bytes }) => {
                        taken.try_set((from, size));
                        match file.read(from, bytes).await {
                            Some(bytes) => command = Command::BringBytes(bytes),
                            None => break catalogue::BRING_UNREADABLE,
                        }
                    }
                    Ok(_) => return,
                    Err(failure) => {
                        let wrong = komrade_view::Refusal::WrongPassphrase.into();
                        if failure == wrong {
                            error.try_set(catalogue::failure(failure).to_owned());
                            let _ = input.focus();
                            began.try_set(None);
                            return;
                        }
                        break catalogue::failure(failure);
                    }
                }
            };
            // Also if the file could not be read any further: nothing of it stays, nor its key.
            let _ = ui.ask(Command::Lock).await;
            file_error.try_set(refused);
            let _ = chosen.focus();
            began.try_set(None);
        });
    };
    let stage = Signal::derive(move || match taken.get() {
        (from, size) if from > 0 && !matches!(ui.vault.get(), Some(VaultState::Stretching(_))) => {
            catalogue::bringing(from, size)
        }
        _ => catalogue::UNLOCKING.to_owned(),
    });
    view! {
        <Screen id="screen-bring">
            <Title text=catalogue::BRING_TITLE.to_owned()/>
            <p class="lead">{catalogue::BRING_LEAD}</p>
            <form class="stack" on:submit=submit novalidate>
                <div class="field">
                    <label for="bring-file">{catalogue::BRING_FILE}</label>
                    <input
                        type="file"
                        id="bring-file"
                        data-testid="bring-file"
                        node_ref=chosen
                        aria-describedby="bring-file-error"
                        aria-invalid=move || (!file_error.get().is_empty()).then_some("true")
                    />
                    <p class="error" id="bring-file-error" data-testid="bring-file-error" role="alert">{file_error}</p>
                </div>
                <Field
                    id="bring-passphrase"
                    label=catalogue::MOVE_PASSPHRASE
                    node
                    error
                    readable
                    end=view! { <Reveal readable id="bring-show"/> }.into_any()
                />
                <button class="btn" data-testid="bring" aria-disabled=move || began.get().is_some().then_some("true")>
                    {catalogue::BRING_OPEN}
                </button>
            </form>
            {move || match began.get() {
                Some(since) => view! { <Progress id="bringing" stage since/> }.into_any(),
                None => view! {
                    <button
                        type="button"
                        class="btn quiet"
                        data-testid="bring-back"
                        on:click=move |_| ui.bringing.set(false)
                    >
                        {catalogue::BACK}
                    </button>
                }.into_any(),
            }}
        </Screen>
    }
}
