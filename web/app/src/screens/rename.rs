//! Taking another name.

use komrade_view::{Command, MAX_NAME_CHARS};
use leptos::{ev::SubmitEvent, html, prelude::*};

use crate::{catalogue, parts::Field, ui::ui};

/// The field and its button.
#[component]
pub fn Rename() -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Input>::new();
    let error = RwSignal::new(String::new());
    let done = RwSignal::new("");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = node.get_untracked() else {
            return;
        };
        error.set(String::new());
        done.set("");
        let name = input.value().trim().to_owned();
        if name.is_empty() {
            error.set(catalogue::NAME_MISSING.to_owned());
            let _ = input.focus();
            return;
        }
        leptos::task::spawn_local(async move {
            match ui.ask(Command::SetName { name }).await {
                Ok(_) => {
                    input.set_value("");
                    let _ = done.try_set(catalogue::RENAMED);
                }
                Err(failure) => {
                    let _ = error.try_set(catalogue::failure(failure).to_owned());
                    let _ = input.focus();
                }
            }
        });
    };
    view! {
        <section class="card stack">
            <form class="stack" on:submit=submit novalidate>
                <h2>{catalogue::RENAME_TITLE}</h2>
                <Field
                    id="new-name"
                    label=catalogue::NEW_NAME
                    hint=catalogue::NEW_NAME_HINT
                    node
                    error
                    longest=MAX_NAME_CHARS as u32
                />
                <button class="btn quiet" data-testid="rename">{catalogue::RENAME}</button>
                <p role="status" data-testid="renamed">{done}</p>
            </form>
        </section>
    }
}
