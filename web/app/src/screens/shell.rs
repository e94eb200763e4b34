//! The open app: parts at the edge (bottom bar on phones, rail on desktops), the list, the content.

use komrade_view::{CollectiveView, Command, Introduction, NodeStage, Standing};
use leptos::{ev, prelude::*};

use super::{
    circle::Circle,
    circle_readers::{CircleReaders, NewCircle},
    collective::Collective,
    comrade::ComradePage,
    conversation::Conversation,
    found::Found,
    meet::Meet,
    people::People,
    route::RoutePanel,
    settings::Settings,
};
use crate::{
    browser, catalogue,
    parts::{Icon, Mark, Sheet, Sign},
    place::{self, Place},
    ui::{Ui, ui},
    waiting::Route,
};

/// The open app.
#[component]
pub fn Shell() -> impl IntoView {
    let ui = ui();
    let unread = Memo::new(move |_| {
        let messages = ui
            .comrades
            .with(|all| all.iter().flatten().map(|it| it.unread).sum::<u32>());
        let posts = ui
            .collectives
            .with(|all| all.iter().flatten().map(|it| it.unread).sum::<u32>());
        let circles = ui
            .circles
            .with(|all| all.iter().flatten().map(|it| it.unread).sum::<u32>());
        messages.saturating_add(posts).saturating_add(circles)
    });
    Effect::new(move |_| document().set_title(&catalogue::title(unread.get())));
    on_cleanup(|| document().set_title(catalogue::KOMRADE));
    let content = move || match ui.place.get() {
        Place::People => view! { <NothingOpen/> }.into_any(),
        Place::Meet => view! { <Meet/> }.into_any(),
        Place::Route => view! { <RoutePanel/> }.into_any(),
        Place::Settings => view! { <Settings/> }.into_any(),
        Place::Conversation(id) => view! { <Conversation id/> }.into_any(),
        Place::Comrade(id) => view! { <ComradePage id/> }.into_any(),
        Place::NewCircle => view! { <NewCircle/> }.into_any(),
        Place::Circle(id) => view! { <Circle id/> }.into_any(),
        Place::CircleReaders(id) => view! { <CircleReaders id/> }.into_any(),
        Place::Found => view! { <Found/> }.into_any(),
        Place::Collective(id, room) => view! { <Collective id room/> }.into_any(),
    };
    let pane = move || match ui.place.get() {
        Place::People => "list",
        Place::Conversation(_) | Place::Circle(_) | Place::Collective(..) => "thread",
        _ => "content",
    };
    view! {
        <div class="shell" data-pane=pane on:click=move |_| ui.note_move()>
            <button type="button" class="skip" on:click=move |_| browser::focus("content")>
                {catalogue::SKIP_TO_CONTENT}
            </button>
            <Navigation unread/>
            <main>
                <People/>
                <div class="content" id="content" tabindex="-1">{content}</div>
            </main>
            <JoinSheet/>
            <JoinDamaged/>
        </div>
    }
}

/// The parts of the app.
#[component]
fn Navigation(
    /// Messages not seen yet.
    unread: Memo<u32>,
) -> impl IntoView {
    let ui = ui();
    // What collectives ask counts as well: their members wait for it.
    let people = Signal::derive(move || {
        let asked = ui.collectives.with(|all| {
            let asked = |it: &CollectiveView| match it.standing {
                Standing::Invited { .. } | Standing::Linked { .. } => 1,
                _ => it.asked.saturating_add(it.requests),
            };
            all.iter().flatten().map(asked).sum::<u32>()
        });
        let introduced = ui.introductions.with(|all| {
            let asked = all
                .iter()
                .filter(|it| matches!(it.what, Introduction::Asked { .. }));
            asked.count()
        });
        introduced.saturating_add(unread.get().saturating_add(asked) as usize)
    });
    let asking = ui.asking();
    let meet = Signal::derive(move || asking.with(Vec::len));
    let none = Signal::derive(|| 0);
    view! {
        <nav aria-label=catalogue::NAVIGATION>
            <div class="logo"><Mark/>{catalogue::KOMRADE}</div>
            <Tab id="nav-people" place=Place::People sign=Sign::People text=catalogue::PEOPLE count=people/>
            <Tab id="nav-meet" place=Place::Meet sign=Sign::Meet text=catalogue::MEET count=meet/>
            <Tab id="nav-route" place=Place::Route sign=Sign::Route text=catalogue::ROUTE count=none/>
            <Tab id="nav-settings" place=Place::Settings sign=Sign::Settings text=catalogue::SETTINGS count=none/>
            <a class="state" href=Place::Route.hash() data-testid="nav-route-state">
                <span class="host">{move || ui.route.with(|route| relay_host(route.as_ref()))}</span>
                <span>{move || route_words(ui)}</span>
            </a>
        </nav>
    }
}

fn relay_host(route: Option<&Route>) -> String {
    let relay = route.and_then(|route| route.view.relay.as_deref());
    relay
        .map(|relay| place::host(relay).to_owned())
        .unwrap_or_default()
}

/// The route in a few words.
pub fn route_words(ui: Ui) -> String {
    ui.route.with(|route| {
        let Some(route) = route else {
            return String::new();
        };
        match (route.wait(), route.view.node, route.router_wait()) {
            (Some(wait), ..) => catalogue::route_waits(wait.for_what),
            (None, NodeStage::CatchingUp(_), _) => catalogue::ROUTE_CATCHING_UP.to_owned(),
            (None, _, Some(_)) => catalogue::ROUTE_PART.to_owned(),
            (None, _, None) => catalogue::ROUTE_READY.to_owned(),
        }
    })
}

/// A part of the app.
#[component]
fn Tab(
    /// For tests.
    id: &'static str,
    /// Where it leads.
    place: Place,
    /// Its sign.
    sign: Sign,
    /// Its name.
    text: &'static str,
    /// How many things wait there.
    count: Signal<usize>,
) -> impl IntoView {
    let ui = ui();
    let here = move || match ui.place.get() {
        Place::Conversation(_)
        | Place::Comrade(_)
        | Place::Found
        | Place::NewCircle
        | Place::Circle(_)
        | Place::CircleReaders(_)
        | Place::Collective(..) => place == Place::People,
        now => now == place,
    };
    view! {
        <a
            class="tab"
            href=place.hash()
            data-testid=id
            aria-current=move || here().then_some("page")
        >
            <Icon sign/>
            <span>{text}</span>
            {move || (count.get() > 0).then(|| view! {
                <span class="count" aria-hidden="true">{count}</span>
                <span class="unseen">", "{catalogue::waits_for_you(count.get())}</span>
            })}
        </a>
    }
}

/// Nothing is chosen on a wide screen.
#[component]
fn NothingOpen() -> impl IntoView {
    let ui = ui();
    let some = move || {
        ui.comrades
            .with(|all| all.as_ref().is_some_and(|all| !all.is_empty()))
    };
    view! {
        <div class="nothing soft">
            <Mark/>
            {move || some().then_some(catalogue::NOTHING_OPEN)}
        </div>
    }
}

/// A join link was opened that is not whole.
#[component]
fn JoinDamaged() -> impl IntoView {
    let ui = ui();
    let close = move || ui.join_damaged.set(false);
    view! {
        <Show when=move || ui.join_damaged.get()>
            <Sheet id="join-damaged" title=catalogue::JOIN_DAMAGED_TITLE on_close=move |()| close()>
                <p>{catalogue::JOIN_DAMAGED}</p>
                <button type="button" class="btn" on:click=move |_| close()>{catalogue::CLOSE}</button>
            </Sheet>
        </Show>
    }
}

/// A join link was opened: shall it be used?
#[component]
fn JoinSheet() -> impl IntoView {
    let ui = ui();
    let error = RwSignal::new("");
    let answer = move |link| {
        leptos::task::spawn_local(async move {
            match ui.ask(Command::UseRelay { link }).await {
                Ok(_) => {
                    ui.join.set(None);
                    ui.go(Place::Route);
                }
                Err(failure) => {
                    error.try_set(catalogue::failure(failure));
                }
            }
        });
    };
    move || {
        ui.join.get().map(|link| {
            let host = place::host(link.expose()).to_owned();
            let link = StoredValue::new(link);
            view! {
                <Sheet id="join" title=catalogue::RELAY_OFFER_TITLE on_close=move |()| ui.join.set(None)>
                    <p>{catalogue::relay_offer(&host)}</p>
                    <p class="error" role="alert" data-testid="join-error">{error}</p>
                    <div class="actions">
                        <button
                            type="button"
                            class="btn"
                            data-testid="join-use"
                            on:click=move |_: ev::MouseEvent| answer(link.get_value())
                        >
                            {catalogue::RELAY_USE}
                        </button>
                        <button
                            type="button"
                            class="btn quiet"
                            data-testid="join-later"
                            on:click=move |_| ui.join.set(None)
                        >
                            {catalogue::NOT_NOW}
                        </button>
                    </div>
                </Sheet>
            }
        })
    }
}
