//! Parts that are built from values alone: whatever screen uses them, they are compiled once. A screen
//! that is put together from these adds few bytes to the app.

use leptos::{
    ev::{MouseEvent, SubmitEvent},
    prelude::*,
};

use super::{Icon, Sign};
use crate::{place::Place, ui::Sending};

/// What changes: drawn anew whenever something that `draw` reads does.
pub fn live(draw: impl Fn() -> AnyView + Send + Sync + 'static) -> AnyView {
    live_boxed(Box::new(draw))
}

fn live_boxed(draw: Box<dyn Fn() -> AnyView + Send + Sync>) -> AnyView {
    (move || draw()).into_any()
}

/// Nothing.
pub fn nothing() -> AnyView {
    ().into_any()
}

/// What is there, or nothing.
pub fn maybe(view: Option<AnyView>) -> AnyView {
    view.unwrap_or_else(nothing)
}

/// What somebody wrote, or the name they gave: it runs the way of its own first letters.
pub fn theirs(class: &'static str, id: &'static str, text: String) -> AnyView {
    view! { <p class=class dir="auto" data-testid=named(id)>{text}</p> }.into_any()
}

/// A paragraph of ours, which runs our way even if it begins with a name that does not. `id` is for tests; empty: none.
pub fn para(class: &'static str, id: &'static str, text: impl Into<String>) -> AnyView {
    para_of(class, id, text.into())
}

fn para_of(class: &'static str, id: &'static str, text: String) -> AnyView {
    view! { <p class=class data-testid=named(id)>{text}</p> }.into_any()
}

/// A paragraph that changes.
pub fn live_para(
    class: &'static str,
    id: &'static str,
    text: impl Fn() -> String + Send + Sync + 'static,
) -> AnyView {
    let text = Signal::derive(text);
    view! { <p class=class data-testid=named(id)>{text}</p> }.into_any()
}

/// Why something was not done.
pub fn alert(id: &'static str, sending: Sending) -> AnyView {
    let error = sending.error;
    view! { <p class="error" role="alert" data-testid=named(id)>{error}</p> }.into_any()
}

/// Several things below each other, in a box of this class.
pub fn boxed(class: &'static str, id: &'static str, content: Vec<AnyView>) -> AnyView {
    view! { <div class=class data-testid=named(id)>{content}</div> }.into_any()
}

/// A card with its heading; empty: none.
pub fn card(id: &'static str, title: impl Into<String>, content: Vec<AnyView>) -> AnyView {
    card_of(id, title.into(), content)
}

fn card_of(id: &'static str, title: String, content: Vec<AnyView>) -> AnyView {
    let heading = (!title.is_empty()).then(|| view! { <h2>{title}</h2> });
    view! { <section class="card stack" data-testid=named(id)>{heading}{content}</section> }
        .into_any()
}

/// A form: what is in it, and what it does.
pub fn form(content: Vec<AnyView>, submit: impl Fn() + 'static) -> AnyView {
    form_boxed(content, Box::new(submit))
}

fn form_boxed(content: Vec<AnyView>, submit: Box<dyn Fn()>) -> AnyView {
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        submit();
    };
    view! { <form class="stack" on:submit=submit novalidate>{content}</form> }.into_any()
}

/// A button.
pub fn button(
    id: &'static str,
    class: &'static str,
    text: impl Into<String>,
    press: impl Fn() + 'static,
) -> AnyView {
    button_boxed(id, class, text.into(), Box::new(press))
}

fn button_boxed(
    id: &'static str,
    class: &'static str,
    text: String,
    press: Box<dyn Fn()>,
) -> AnyView {
    let press = move |_: MouseEvent| press();
    view! {
        <button type="button" class=class data-testid=id on:click=press>{text}</button>
    }
    .into_any()
}

/// The button of a form.
pub fn submit(id: &'static str, text: &'static str) -> AnyView {
    view! { <button class="btn" data-testid=id>{text}</button> }.into_any()
}

/// A link that looks like a button, or goes back.
pub fn link(id: &'static str, class: &'static str, to: String, content: Vec<AnyView>) -> AnyView {
    view! { <a class=class href=to data-testid=id>{content}</a> }.into_any()
}

/// A way back.
pub fn back(id: &'static str, to: Place, text: &'static str) -> AnyView {
    let content = vec![view! { <Icon sign=Sign::Back/> }.into_any(), words(text)];
    link(id, "btn plain back", to.hash(), content)
}

/// Words.
pub fn words(text: impl Into<String>) -> AnyView {
    text.into().into_any()
}

/// One of several to choose from.
pub fn radio(
    group: &'static str,
    id: String,
    class: &'static str,
    checked: bool,
    content: AnyView,
    choose: impl Fn() + 'static,
) -> AnyView {
    radio_boxed(group, id, class, checked, content, Box::new(choose))
}

fn radio_boxed(
    group: &'static str,
    id: String,
    class: &'static str,
    checked: bool,
    content: AnyView,
    choose: Box<dyn Fn()>,
) -> AnyView {
    view! {
        <label class=class for=id.clone()>
            <input
                type="radio"
                name=group
                id=id.clone()
                data-testid=id.clone()
                checked=checked
                on:change=move |_| choose()
            />
            {content}
        </label>
    }
    .into_any()
}

/// What is chosen from, with its name.
pub fn choices(legend: &'static str, content: Vec<AnyView>) -> AnyView {
    view! { <fieldset class="segments"><legend>{legend}</legend>{content}</fieldset> }.into_any()
}

fn named(id: &'static str) -> Option<&'static str> {
    (!id.is_empty()).then_some(id)
}
