//! The list of conversations: collectives, circles, then comrades.

use komrade_view::{
    CollectiveView, ComradeId, ComradeState, ComradeView, Introduction, LinkState, Standing,
};
use leptos::prelude::*;

use super::{circles::circles, collective::standing_name, shell::route_words};
use crate::{
    catalogue,
    parts::{Notice, Title, each::each, row::Row},
    place::{Place, Room},
    thread::Talk,
    ui::{Ui, ui},
};

/// All collectives and comrades, most recently active first.
#[component]
pub fn People() -> impl IntoView {
    let ui = ui();
    let empty = move || {
        ui.comrades
            .with(|all| all.as_ref().is_some_and(Vec::is_empty))
    };
    let some = Memo::new(move |_| {
        ui.comrades
            .with(|all| all.iter().flatten().next().is_some())
    });
    let rows = each(
        move || ui.comrades.get().unwrap_or_default(),
        |comrade| comrade.id.0.into(),
        move |it| comrade(ui, it),
    );
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
            {collectives(ui)}
            {circles(ui)}
            <Show when=move || some.get()>
                <h2 class="over-rows">{catalogue::COMRADES}</h2>
            </Show>
            <ul class="rows">{rows}</ul>
        </section>
    }
}

fn comrade(ui: Ui, comrade: ComradeView) -> AnyView {
    let ComradeView {
        id,
        name,
        verified,
        state,
        last,
        unread,
        active_at,
        ..
    } = comrade;
    let introduced = introduced_by(ui, id);
    let asks =
        introduced.is_some() || matches!(state, ComradeState::Asking | ComradeState::AskingAgain);
    let mine = introduced.is_none() && last.as_ref().is_some_and(|last| last.mine);
    // Who asks by a link is looked at and answered where they want to come in.
    let asks_in = ui.asking_in.with(|all| all.get(&id).copied());
    let to = match asks_in {
        Some(collective) => Place::Collective(collective, Room::Members),
        None => Place::Conversation(id),
    };
    let last = match (state, introduced, last) {
        (ComradeState::Asking | ComradeState::AskingAgain, ..) if asks_in.is_some() => {
            catalogue::ASKS_IN.to_owned()
        }
        (ComradeState::Met, Some(introduced), _) => introduced,
        (ComradeState::Met, None, Some(last)) => last.text,
        (ComradeState::Met, None, None) => catalogue::NO_MESSAGE_YET.to_owned(),
        (state, ..) => catalogue::state(state).to_owned(),
    };
    let said = match mine {
        true => catalogue::YOU.to_owned(),
        false => String::new(),
    };
    let here = move || ui.place.get().talk() == Some(Talk::Comrade(id));
    let row = Row {
        id: "person",
        standing: format!("{state:?}"),
        requests: 0,
        to,
        here: Signal::derive(here),
        tint: id,
        square: false,
        name,
        verified,
        active_at,
        said,
        last,
        asks,
        mentions: false,
        unread,
        unread_text: catalogue::unread(unread),
    };
    row.draw()
}

/// Whom this comrade would introduce, if the person has not answered.
fn introduced_by(ui: Ui, id: ComradeId) -> Option<String> {
    ui.introductions.with(|all| {
        all.iter().find_map(|it| match &it.what {
            Introduction::Asked { by, name } if *by == id => Some(catalogue::introduces(name)),
            _ => None,
        })
    })
}

/// The collectives, or what one is.
fn collectives(ui: Ui) -> AnyView {
    let rows = each(
        move || ui.collectives.get().unwrap_or_default(),
        |collective| collective.id.0.into(),
        move |it| collective(ui, it),
    );
    let some = Memo::new(move |_| {
        ui.collectives
            .with(|all| all.iter().flatten().next().is_some())
    });
    let found = move |text: &'static str| {
        view! {
            <a
                class="btn quiet"
                href=Place::Found.hash()
                data-testid="people-found"
                aria-current=move || (ui.place.get() == Place::Found).then_some("page")
            >
                {text}
            </a>
        }
    };
    view! {
        <Show when=move || some.get()>
            <div class="line over-rows">
                <h2 class="grow">{catalogue::COLLECTIVES}</h2>
                {found(catalogue::FOUND_SHORT)}
            </div>
        </Show>
        <ul class="rows">{rows}</ul>
        <Show when=move || !some.get()>
            <div class="empty" data-testid="collectives-empty">
                <p class="small soft">{catalogue::COLLECTIVES_EMPTY}</p>
                {found(catalogue::FOUND)}
            </div>
        </Show>
    }
    .into_any()
}

fn collective(ui: Ui, collective: CollectiveView) -> AnyView {
    let CollectiveView {
        id,
        name,
        standing,
        last,
        unread,
        mentions,
        asked,
        requests,
        active_at,
        ..
    } = collective;
    let asks = matches!(standing, Standing::Invited { .. } | Standing::Linked { .. })
        || asked > 0
        || requests > 0;
    let (said, last) = match (catalogue::stands(standing), last) {
        (_, _) if asked > 0 && unread == 0 => (String::new(), catalogue::asked(asked)),
        (_, _) if requests > 0 && unread == 0 => (String::new(), catalogue::asking_in(requests)),
        ("", Some(post)) => {
            let by = match post.mine {
                true => catalogue::YOU.to_owned(),
                false => catalogue::said(&post.name),
            };
            (by, post.text)
        }
        ("", None) => (String::new(), catalogue::NO_POST_YET.to_owned()),
        (standing, _) => (String::new(), standing.to_owned()),
    };
    let here = move || ui.place.get().talk() == Some(Talk::Collective(id));
    let row = Row {
        id: "collective",
        standing: standing_name(standing).to_owned(),
        requests,
        to: Place::Collective(id, Room::Talk),
        here: Signal::derive(here),
        tint: ComradeId(id.0),
        square: true,
        name,
        verified: false,
        active_at,
        said,
        last,
        asks: asks && unread == 0,
        mentions: mentions > 0,
        unread,
        unread_text: catalogue::unread_posts(unread, mentions),
    };
    row.draw()
}
