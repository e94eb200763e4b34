//! A field to type in, with its label, its hint and its error tied to it.

use leptos::{html, prelude::*};

use crate::catalogue;

/// One line to type in.
#[component]
pub fn Field(
    /// Its id in the page, unique; tests find it by the same name.
    #[prop(into)]
    id: String,
    /// What is asked.
    #[prop(into)]
    label: String,
    /// What helps to answer.
    #[prop(into, optional)]
    hint: String,
    /// Gives access to what was typed.
    node: NodeRef<html::Input>,
    /// Why it was not accepted; empty if nothing is wrong.
    error: RwSignal<String>,
    /// Given for a secret: whether it is readable now. Its switch is [`Reveal`].
    #[prop(optional)]
    readable: Option<RwSignal<bool>>,
    /// Stands at the end of the line, for instance [`Reveal`].
    #[prop(optional, into)]
    end: Option<AnyView>,
    /// It takes the focus when it appears.
    #[prop(optional)]
    focus: bool,
    /// The longest text, in characters; 0 for no limit.
    #[prop(optional)]
    longest: u32,
) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let described = {
        let (hint_id, error_id, hinted) = (hint_id.clone(), error_id.clone(), !hint.is_empty());
        move || match (hinted, error.with(String::is_empty)) {
            (true, true) => Some(hint_id.clone()),
            (true, false) => Some(format!("{error_id} {hint_id}")),
            (false, true) => None,
            (false, false) => Some(error_id.clone()),
        }
    };
    if focus {
        Effect::new(move |_| {
            if let Some(input) = node.get() {
                let _ = input.focus();
            }
        });
    }
    let kind = move || match readable {
        Some(readable) if !readable.get() => "password",
        _ => "text",
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <div class="line">
                <input
                    id=id.clone()
                    data-testid=id
                    node_ref=node
                    type=kind
                    class:mono=readable.is_some()
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    dir="auto"
                    maxlength=(longest > 0).then_some(longest)
                    aria-describedby=described
                    aria-invalid=move || (!error.with(String::is_empty)).then_some("true")
                />
                {end}
            </div>
            <p class="error" id=error_id.clone() data-testid=error_id role="alert">{error}</p>
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// The switch that makes a secret readable.
#[component]
pub fn Reveal(
    /// Whether it is readable.
    readable: RwSignal<bool>,
    /// For tests.
    id: &'static str,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="btn plain"
            data-testid=id
            aria-pressed=move || readable.get().to_string()
            on:click=move |_| readable.update(|readable| *readable = !*readable)
        >
            {move || if readable.get() { catalogue::HIDE } else { catalogue::SHOW }}
        </button>
    }
}
