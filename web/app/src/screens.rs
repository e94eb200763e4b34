//! The screens, one module each. [`App`] shows whichever the [`Gate`] says.

mod circle;
mod circle_readers;
mod circles;
mod collective;
mod composer;
mod comrade;
mod conversation;
mod cutting;
mod decisions;
mod editor;
mod forget;
mod found;
mod introduce;
mod link;
mod meet;
mod members;
mod message;
mod messages;
mod moving;
mod open_invite;
mod passphrase;
mod people;
mod propose;
mod rename;
mod route;
mod settings;
mod shell;
mod trouble;
mod unlock;
mod welcome;

pub use circles::circle_name;
use leptos::prelude::*;

use crate::{
    catalogue,
    gate::Gate,
    parts::{Announcer, Screen, UpdateBanner},
    ui::ui,
};

/// Everything a person sees.
#[component]
pub fn App() -> impl IntoView {
    let ui = ui();
    let screen = move || match ui.gate.get() {
        Gate::Opening => view! { <Opening/> }.into_any(),
        Gate::Welcome => view! { <welcome::Welcome/> }.into_any(),
        Gate::Invited => view! { <welcome::Invited/> }.into_any(),
        Gate::Cutting => view! { <cutting::Cutting/> }.into_any(),
        Gate::Bring => view! { <moving::Bring/> }.into_any(),
        Gate::Moved => view! { <moving::Moved/> }.into_any(),
        Gate::Unlock => view! { <unlock::Unlock/> }.into_any(),
        Gate::Open => view! { <shell::Shell/> }.into_any(),
        Gate::Elsewhere => view! { <trouble::Elsewhere/> }.into_any(),
        Gate::StoreFailed => view! { <trouble::StoreFailed/> }.into_any(),
        Gate::Newer => view! { <trouble::Newer/> }.into_any(),
        Gate::Damaged => view! { <trouble::Damaged/> }.into_any(),
        Gate::Worker => view! { <trouble::Worker/> }.into_any(),
        Gate::Loader => view! { <trouble::Loader/> }.into_any(),
    };
    view! {
        <div class="app">
            <aside class="banners" aria-label=catalogue::ABOUT_SOFTWARE><UpdateBanner/></aside>
            {screen}
            <Announcer/>
        </div>
    }
}

/// The vault is being looked at.
#[component]
fn Opening() -> impl IntoView {
    let since = ui().now.get_untracked();
    view! {
        <Screen id="screen-opening">
            <h1 class="unseen">{catalogue::KOMRADE}</h1>
            <crate::parts::Progress id="opening" stage=catalogue::OPENING.to_owned() since=since/>
        </Screen>
    }
}
