//! The list of conversations: collectives, circles, then comrades.

use komrade_view::{
    CollectiveView, ComradeId, ComradeState, ComradeView, Introduction, LinkState, Standing,
};
use leptos::prelude::*;

use super::{circles::circles, collective::standing_name, shell::route_words};
use crate::{
    catalogue, clock,
    parts::{Avatar, Icon, Notice, Sign, Title},
    place::{self, Place, Room},
    thread::Talk,
    ui::{Ui, ui},
};

/// All collectives and comrades, most recently active first.
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
            {collectives(ui)}
            {circles(ui)}
            <Show when=move || ids.with(|ids| !ids.is_empty())>
                <h2 class="over-rows">{catalogue::COMRADES}</h2>
            </Show>
            <ul class="rows">
                <For each=move || ids.get() key=|id| *id let:id>
                    {
                        let comrade = ui.comrade(id);
                        move || {
                            let introduced = introduced_by(ui, id);
                            comrade.get().map(|comrade| view! { <Row comrade introduced/> })
                        }
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
    /// They would introduce somebody, in words.
    introduced: Option<String>,
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
    let asks =
        introduced.is_some() || matches!(state, ComradeState::Asking | ComradeState::AskingAgain);
    let mine = mine && introduced.is_none();
    let last = match (state, comrade.last) {
        (ComradeState::Met, _) if introduced.is_some() => introduced.unwrap_or_default(),
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
                aria-current=move || (ui.place.get().talk() == Some(Talk::Comrade(id))).then_some("page")
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
    let ids = Memo::new(move |_| {
        ui.collectives
            .with(|all| all.iter().flatten().map(|it| it.id).collect::<Vec<_>>())
    });
    // Who has met nobody yet needs a comrade first.
    let alone = move || {
        ui.comrades
            .with(|all| all.iter().flatten().next().is_none())
    };
    let some = Memo::new(move |_| ids.with(|ids| !ids.is_empty()));
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
        <ul class="rows">
            <For each=move || ids.get() key=|id| *id let:id>
                {
                    let collective = ui.collective(id);
                    move || collective.get().map(|collective| row(ui, collective))
                }
            </For>
        </ul>
        <Show when=move || !some.get() && !alone()>
            <div class="empty" data-testid="collectives-empty">
                <p class="small soft">{catalogue::COLLECTIVES_EMPTY}</p>
                {found(catalogue::FOUND)}
            </div>
        </Show>
    }
    .into_any()
}

fn row(ui: Ui, collective: CollectiveView) -> AnyView {
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
    let today = ui.today();
    let asks = matches!(standing, Standing::Invited { .. } | Standing::Linked { .. })
        || asked > 0
        || requests > 0;
    let (said, text) = match (catalogue::stands(standing), last) {
        (_, _) if asked > 0 && unread == 0 => (None, catalogue::asked(asked)),
        (_, _) if requests > 0 && unread == 0 => (None, catalogue::asking_in(requests)),
        ("", Some(post)) => {
            let by = match post.mine {
                true => catalogue::YOU.to_owned(),
                false => catalogue::said(&post.name),
            };
            (Some(by), post.text)
        }
        ("", None) => (None, catalogue::NO_POST_YET.to_owned()),
        (standing, _) => (None, standing.to_owned()),
    };
    let here = move || ui.place.get().talk() == Some(Talk::Collective(id));
    view! {
        <li>
            <a
                class="row"
                href=Place::Collective(id, Room::Talk).hash()
                data-testid="collective"
                data-collective=place::digits(&id.0)
                data-standing=standing_name(standing)
                data-asked=asked
                data-requests=requests
                aria-current=move || here().then_some("page")
            >
                <Avatar id=ComradeId(id.0) name=name.clone() square=true/>
                <span class="lines">
                    <span class="line">
                        <span class="name" dir="auto" data-testid="collective-name">{name}</span>
                        <span class="when">
                            {move || catalogue::moment(clock::wall(active_at), today.get())}
                        </span>
                    </span>
                    <span class="line">
                        {said.map(|said| view! { <span class="you" dir="auto">{said}</span> })}
                        <span
                            class="last"
                            class:asks=asks && unread == 0
                            class:new=(unread > 0)
                            dir="auto"
                            data-testid="collective-last"
                        >
                            {text}
                        </span>
                        {(mentions > 0).then(|| view! {
                            <span class="chip" aria-hidden="true" data-testid="collective-mentions">
                                {catalogue::MENTIONED}
                            </span>
                        })}
                        {(unread > 0).then(|| view! {
                            <span class="count" data-testid="collective-unread" data-count=unread>
                                <span aria-hidden="true">{unread}</span>
                                <span class="unseen">{catalogue::unread_posts(unread, mentions)}</span>
                            </span>
                        })}
                    </span>
                </span>
            </a>
        </li>
    }
    .into_any()
}
