//! Unlocking: one field, and honest waiting while Argon2id works.

use komrade_view::{Command, VaultState};
use leptos::{ev::SubmitEvent, html, prelude::*};

use super::passphrase::typed;
use crate::{
    bridge::Failure,
    catalogue,
    parts::{Field, Progress, Reveal, Screen, Title},
    ui::ui,
};

/// The vault is locked.
#[component]
pub fn Unlock() -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Input>::new();
    let readable = RwSignal::new(false);
    let error = RwSignal::new(String::new());
    let began = RwSignal::new(None);
    let refused = move |failure: Failure| {
        if error
            .try_set(catalogue::failure(failure).to_owned())
            .is_some()
        {
            return; // The screen is gone.
        }
        began.set(None);
        if let Some(input) = node.get_untracked() {
            let _ = input.focus();
            input.select();
        }
    };
    let unlock = move |event: SubmitEvent| {
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
            if let Err(failure) = ui.ask(Command::Unlock { passphrase }).await {
                refused(failure);
            }
        });
    };
    let since = Signal::derive(move || match ui.vault.get() {
        Some(VaultState::Stretching(since)) => since,
        _ => began.get().unwrap_or_else(|| ui.now.get_untracked()),
    });
    let busy = move || began.get().is_some();
    view! {
        <Screen id="screen-unlock">
            <Title text=catalogue::UNLOCK_TITLE.to_owned()/>
            <p class="lead">{catalogue::UNLOCK_LEAD}</p>
            <form class="stack" on:submit=unlock novalidate>
                <Field
                    id="unlock-passphrase"
                    label=catalogue::UNLOCK_LABEL
                    node
                    error
                    readable
                    focus=true
                    end=view! { <Reveal readable id="unlock-show"/> }.into_any()
                />
                <button class="btn" data-testid="unlock" aria-disabled=move || busy().then_some("true")>
                    {catalogue::UNLOCK}
                </button>
            </form>
            <Show when=busy>
                <Progress id="unlocking" stage=catalogue::UNLOCKING.to_owned() since/>
            </Show>
            {move || ui.invite.with(Option::is_some).then(|| view! {
                <p class="small soft" data-testid="unlock-invite">{catalogue::UNLOCK_INVITE}</p>
            })}
            {move || ui.join.with(Option::is_some).then(|| view! {
                <p class="small soft" data-testid="unlock-join">{catalogue::UNLOCK_RELAY}</p>
            })}
        </Screen>
    }
}
