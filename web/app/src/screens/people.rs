//! The list of comrades.

use komrade_view::{ComradeState, ComradeView, LinkState};
use leptos::prelude::*;

use super::shell::route_words;
use crate::{
    catalogue, clock,
    parts::{Avatar, Icon, Notice, Sign, Title},
    place::{self, Place},
    ui::ui,
};

/// All comrades, most recently active first.
#[component]
pub fn People() -> impl IntoView {
    let ui = ui();
    let ids = Memo::new(move |_| {
        ui.comrades.with(|all| {
            all.iter()
                .flatten()
                .map(|comrade| comrade.id)
                .collect::<Vec<_>>()
        })
    });
    let empty = move || {
        ui.comrades
            .with(|all| all.as_ref().is_some_and(Vec::is_empty))
    };
    let no_relay = move || {
        ui.route.with(|route| {
            let link = route.as_ref().map(|route| route.view.link);
            link == Some(LinkState::NoRelay)
        })
    };
    view! {
        <section class="list" aria-label=catalogue::PEOPLE_LIST data-testid="screen-people">
            <header class="top"><Title text=catalogue::PEOPLE.to_owned()/></header>
            <Show when=no_relay>
                <Notice id="people-no-relay" phone=true>
                    <a href=Place::Route.hash()>{move || route_words(ui)}</a>
                </Notice>
            </Show>
            <Show when=empty>
                <div class="empty" data-testid="people-empty">
                    <p>{catalogue::PEOPLE_EMPTY}</p>
                    <a
                        class="btn"
                        class:quiet=move || ui.place.get() != Place::People
                        href=Place::Meet.hash()
                        data-testid="people-meet"
                    >
                        {catalogue::PEOPLE_EMPTY_ACTION}
                    </a>
                </div>
            </Show>
            <ul class="rows">
                <For each=move || ids.get() key=|id| *id let:id>
                    {
                        let comrade = ui.comrade(id);
                        move || comrade.get().map(|comrade| view! { <Row comrade/> })
                    }
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Row(
    /// The comrade.
    comrade: ComradeView,
) -> impl IntoView {
    let ui = ui();
    let ComradeView {
        id,
        verified,
        state,
        unread,
        active_at,
        ..
    } = comrade;
    let name = catalogue::name(&comrade.name);
    let mine = comrade.last.as_ref().is_some_and(|last| last.mine);
    let asks = matches!(state, ComradeState::Asking | ComradeState::AskingAgain);
    let last = match (state, comrade.last) {
        (ComradeState::Met, Some(last)) => last.text,
        (ComradeState::Met, None) => catalogue::NO_MESSAGE_YET.to_owned(),
        (state, _) => catalogue::state(state).to_owned(),
    };
    let today = ui.today();
    view! {
        <li>
            <a
                class="row"
                href=Place::Conversation(id).hash()
                data-testid="person"
                data-comrade=place::hex(id)
                data-state=format!("{state:?}")
                aria-current=move || (ui.place.get().comrade() == Some(id)).then_some("page")
            >
                <Avatar id name=comrade.name/>
                <span class="lines">
                    <span class="line">
                        <span class="name" dir="auto" data-testid="person-name">{name}</span>
                        {verified.then(|| view! {
                            <span class="verified">
                                <Icon sign=Sign::Check/>
                                <span class="unseen">{catalogue::VERIFIED}</span>
                            </span>
                        })}
                        <span class="when">
                            {move || catalogue::moment(clock::wall(active_at), today.get())}
                        </span>
                    </span>
                    <span class="line">
                        {mine.then(|| view! { <span class="you">{catalogue::YOU}</span> })}
                        <span
                            class="last"
                            class:asks=asks
                            class:new=(unread > 0)
                            dir="auto"
                            data-testid="person-last"
                        >
                            {last}
                        </span>
                        {(unread > 0).then(|| view! {
                            <span class="count" data-testid="person-unread" data-count=unread>
                                <span aria-hidden="true">{unread}</span>
                                <span class="unseen">{catalogue::unread(unread)}</span>
                            </span>
                        })}
                    </span>
                </span>
            </a>
        </li>
    }
}
