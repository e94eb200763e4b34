//! A conversation with a comrade: who, how they are reached, what was said, and the field to write in.

use komrade_view::{ComradeId, ComradeState, ComradeView};
use leptos::prelude::*;

use super::{composer::Composer, comrade::Request, messages::Messages};
use crate::{
    catalogue,
    parts::{Avatar, Icon, Notice, Sign, Title, plain::boxed},
    place::{self, Place, Room},
    thread::Talk,
    ui::ui,
};

/// A conversation.
#[component]
pub fn Conversation(
    /// With whom.
    id: ComradeId,
) -> impl IntoView {
    let ui = ui();
    let comrade = ui.comrade(id);
    let talk = Talk::Comrade(id);
    let read = comrade.with_untracked(|view| view.as_ref().map(|view| view.read_up_to));
    ui.open_thread(talk, read);
    on_cleanup(move || ui.close_thread(talk));
    let state = Memo::new(move |_| comrade.with(|view| view.as_ref().map(|view| view.state)));
    let name = Memo::new(move |_| {
        catalogue::name(
            comrade
                .with(|view| {
                    view.as_ref()
                        .map_or(String::new(), |view| view.name.clone())
                })
                .as_str(),
        )
    });
    // A link to a collective was opened here: what it is for shows there.
    Effect::new(move |_| {
        let here = match state.get() {
            Some(ComradeState::Looking) => Some(id),
            None if ui.comrades.with(Option::is_some) => None,
            _ => return,
        };
        if let Some(linked) = super::link::linked(ui, here) {
            ui.go(Place::Collective(linked, Room::Talk));
        }
    });
    view! {
        <div class="conversation" data-testid="screen-conversation" data-comrade=place::hex(id)>
            <Head id comrade name/>
            {move || match state.get() {
                // What they wrote with their answer stands below the question.
                Some(ComradeState::Asking | ComradeState::AskingAgain) => view! {
                    <div class="asking">
                        <div class="page">{request(comrade)}</div>
                        {said(id, comrade, name)}
                    </div>
                }.into_any(),
                Some(ComradeState::Looking) => {
                    boxed("asking", "", vec![boxed("page", "", vec![super::link::looking()])])
                }
                Some(state) => view! {
                    {(state == ComradeState::Asked).then(|| request(comrade))}
                    {said(id, comrade, name)}
                    <Composer talk name/>
                }.into_any(),
                None if ui.comrades.with(Option::is_some) => {
                    view! { <p class="page soft">{catalogue::NO_SUCH_COMRADE}</p> }.into_any()
                }
                None => ().into_any(),
            }}
        </div>
    }
}

/// What stands in the way of knowing each other.
fn request(comrade: Memo<Option<ComradeView>>) -> impl IntoView {
    move || {
        comrade
            .get()
            .filter(|view| view.state != ComradeState::Met)
            .map(|view| {
                let ComradeView {
                    id,
                    name,
                    code,
                    state,
                    ..
                } = view;
                view! { <Request id name state code/> }
            })
    }
}

#[component]
fn Head(
    /// With whom.
    id: ComradeId,
    /// The comrade.
    comrade: Memo<Option<ComradeView>>,
    /// Their name.
    name: Memo<String>,
) -> impl IntoView {
    let ui = ui();
    let verified = move || comrade.with(|view| view.as_ref().is_some_and(|view| view.verified));
    let met = move || {
        comrade.with(|view| {
            view.as_ref()
                .is_some_and(|view| view.state == ComradeState::Met)
        })
    };
    let reached = move || {
        ui.route.with(|route| {
            let Some(route) = route else {
                return String::new();
            };
            match route.wait() {
                Some(wait) => catalogue::route_waits(wait.for_what),
                None => {
                    let dial = route.view.dials.iter().find(|dial| dial.comrade == id);
                    catalogue::reached(met(), dial.map(|dial| dial.stage)).to_owned()
                }
            }
        })
    };
    view! {
        <header class="top">
            <a
                class="btn plain back phone"
                href=Place::People.hash()
                data-testid="back"
                aria-label=catalogue::TO_PEOPLE
            >
                <Icon sign=Sign::Back/>
            </a>
            <a class="who" href=Place::Comrade(id).hash() data-testid="conversation-about"
                aria-label=move || catalogue::about(&name.get())
            >
                <Avatar id name/>
            </a>
            <div class="grow">
                <div class="name">
                    <Title text=name/>
                    <Show when=verified>
                        <span class="verified" data-testid="conversation-verified">
                            <Icon sign=Sign::Check/>
                            <span class="unseen">{catalogue::VERIFIED}</span>
                        </span>
                    </Show>
                </div>
                <p class="small soft">
                    <Show when=met>
                        {move || if verified() { catalogue::VERIFIED } else { catalogue::NOT_VERIFIED }}
                        " · "
                    </Show>
                    <span role="status" data-testid="conversation-reached">{reached}</span>
                </p>
            </div>
        </header>
    }
}

/// What was said, and what there is to know about it.
fn said(id: ComradeId, comrade: Memo<Option<ComradeView>>, name: Memo<String>) -> AnyView {
    let gap = move || comrade.with(|view| view.as_ref().and_then(|view| view.gap));
    let lost = Memo::new(move |_| comrade.with(|view| view.as_ref().map_or(0, |view| view.lost)));
    let holds = move |read: fn(&ComradeView) -> bool| {
        Memo::new(move |_| comrade.with(|view| view.as_ref().is_some_and(read)))
    };
    let (full, copied) = (holds(|view| view.is_full), holds(|view| view.is_copied));
    let met = holds(|view| view.state == ComradeState::Met);
    let live = holds(|view| view.live);
    let read = Memo::new(move |_| {
        comrade.with(|view| view.as_ref().map_or(u64::MAX, |view| view.read_up_to))
    });
    let empty = Signal::derive(move || {
        met.get()
            .then(|| catalogue::conversation_empty(&name.get()))
    });
    let notices = view! {
        {super::introduce::cards(id)}
        {move || gap().map(|gap| view! {
            <li><Notice id="gap"><p class="small">{catalogue::gap(gap.count)}</p></Notice></li>
        })}
        <Show when=move || { lost.get() > 0 }>
            <li>
                <Notice id="lost">
                    <p class="small">{move || catalogue::lost(lost.get(), &name.get())}</p>
                </Notice>
            </li>
        </Show>
        <Show when=move || full.get()>
            <li>
                <Notice id="full" act=true>
                    <p class="small">{move || catalogue::full(&name.get())}</p>
                </Notice>
            </li>
        </Show>
        <Show when=move || copied.get()>
            <li>
                <Notice id="copied" act=true>
                    <p class="small">{move || catalogue::copied(&name.get())}</p>
                </Notice>
            </li>
        </Show>
    }
    .into_any();
    let talk = Talk::Comrade(id);
    view! { <Messages talk name read met live empty notices/> }.into_any()
}
