//! Meeting: make an invite, open one, confirm who answered, and see which invites live.

use komrade_view::{
    Answer, CollectiveCommand, CollectiveId, Command, ComradeState, ComradeView, InviteId,
    InviteView, Secret,
};
use leptos::{ev::SubmitEvent, html, prelude::*};

use super::open_invite::OpenInvite;
use crate::{
    catalogue, clock,
    parts::{Avatar, CopyText, Heading, Qr, Title, each::each},
    place::Place,
    ui::ui,
};

/// How long an invite may be good for; 21 is the most.
const DAYS: [u8; 4] = [1, 7, 14, 21];
/// What is chosen first.
const USUAL_DAYS: u8 = 7;

/// Invites and requests.
#[component]
pub fn Meet() -> impl IntoView {
    let ui = ui();
    let asking = ui.asking();
    let seen = RwSignal::new(None);
    let made = RwSignal::new(None::<Made>);
    let own = Signal::derive(move || made.with(|made| Some(made.as_ref()?.link.clone())));
    // Whoever has something to answer shall not be asked loudly to invite somebody else.
    let loud = Signal::derive(move || {
        let asked = asking.with(|asking| !asking.is_empty());
        !asked && seen.with(Option::is_none)
    });
    view! {
        <div class="page" data-testid="screen-meet">
            <Title text=catalogue::MEET_TITLE.to_owned()/>
            <p class="soft">{catalogue::MEET_LEAD}</p>
            <Requests asking/>
            <OpenInvite seen own/>
            <Make made loud collective=None/>
            <Live/>
        </div>
    }
}

/// Who answered an invite and waits to be confirmed.
#[component]
fn Requests(
    /// Those who do.
    asking: Memo<Vec<ComradeView>>,
) -> impl IntoView {
    let row = |comrade: ComradeView| {
        let name = catalogue::name(&comrade.name);
        let again = comrade.state == ComradeState::AskingAgain;
        view! {
            <li class="request" data-testid="request" data-state=format!("{:?}", comrade.state)>
                <Avatar id=comrade.id name=comrade.name/>
                <div class="grow">
                    <b dir="auto">{name}</b>
                    {again.then(|| view! { <p class="small act">{catalogue::ASKING_AGAIN_TITLE}</p> })}
                </div>
                <a class="btn" href=Place::Conversation(comrade.id).hash() data-testid="request-look">
                    {catalogue::LOOK}
                </a>
            </li>
        }
    };
    move || {
        asking.with(|asking| {
            (!asking.is_empty()).then(|| {
                view! {
                    <section class="card stack">
                        <h2>{catalogue::REQUESTS_TITLE}</h2>
                        <ul class="rows">{asking.iter().cloned().map(row).collect_view()}</ul>
                    </section>
                }
            })
        })
    }
}

/// An invite that was just made.
#[derive(Clone)]
pub struct Made {
    invite: InviteId,
    link: Secret,
}

/// Makes an invite and shows it once.
#[component]
pub fn Make(
    /// The one that was made and is shown.
    made: RwSignal<Option<Made>>,
    /// Making one is what to do here.
    loud: Signal<bool>,
    /// To which collective it leads whoever opens it to ask.
    collective: Option<CollectiveId>,
) -> impl IntoView {
    let asks = collective.is_some();
    view! {
        <section class="card stack">
            {move || match made.get() {
                None => view! { <MakeForm made loud collective/> }.into_any(),
                Some(Made { invite, link }) => view! { <MadeInvite made invite link asks/> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn MakeForm(
    /// Where the invite is put.
    made: RwSignal<Option<Made>>,
    /// Making one is what to do here.
    loud: Signal<bool>,
    /// See [`Make`].
    collective: Option<CollectiveId>,
) -> impl IntoView {
    let ui = ui();
    let with_relay = NodeRef::<html::Input>::new();
    let days = RwSignal::new(USUAL_DAYS);
    let error = RwSignal::new("");
    let busy = RwSignal::new(false);
    let make = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set("");
        let with_relay = with_relay
            .get_untracked()
            .is_some_and(|input| input.checked());
        let days = days.get_untracked();
        leptos::task::spawn_local(async move {
            let command = match collective {
                None => Command::MakeInvite { with_relay, days },
                Some(collective) => Command::Collective(CollectiveCommand::Link {
                    collective,
                    with_relay,
                    days,
                }),
            };
            match ui.ask(command).await {
                Ok(Answer::Invite { invite, link }) => {
                    made.try_set(Some(Made { invite, link }));
                }
                Ok(_) => {}
                Err(failure) => {
                    error.try_set(catalogue::failure(failure));
                }
            }
            busy.try_set(false);
        });
    };
    let title = match collective {
        Some(_) => catalogue::LINK_TITLE,
        None => catalogue::MAKE_TITLE,
    };
    let choice = move |count: u8| {
        let id = format!("invite-days-{count}");
        view! {
            <label class="choice" for=id.clone()>
                <input
                    type="radio"
                    name="invite-days"
                    id=id.clone()
                    data-testid=id.clone()
                    checked=count == USUAL_DAYS
                    on:change=move |_| days.set(count)
                />
                {catalogue::days(count)}
            </label>
        }
    };
    view! {
        <form class="stack" on:submit=make>
            <h2>{title}</h2>
            {collective.map(|_| view! {
                <p>{catalogue::LINK_TEXT}</p>
                <p class="small soft">{catalogue::LINK_SEEN}</p>
            })}
            <fieldset class="segments">
                <legend>{catalogue::DAYS}</legend>
                {DAYS.map(choice).into_iter().collect_view()}
            </fieldset>
            <div class="check">
                <input
                    type="checkbox"
                    id="invite-with-relay"
                    data-testid="invite-with-relay"
                    node_ref=with_relay
                    aria-describedby="invite-with-relay-hint"
                />
                <div>
                    <label for="invite-with-relay">{catalogue::WITH_RELAY}</label>
                    <p class="hint" id="invite-with-relay-hint">{catalogue::WITH_RELAY_HINT}</p>
                </div>
            </div>
            <p class="error" role="alert" data-testid="invite-error">{error}</p>
            <button
                class="btn"
                class:quiet=move || !loud.get()
                data-testid="invite-make"
                aria-disabled=move || busy.get().then_some("true")
            >
                {move || match (busy.get(), collective) {
                    (true, _) => catalogue::MAKING,
                    (false, None) => catalogue::MAKE,
                    (false, Some(_)) => catalogue::LINK_MAKE,
                }}
            </button>
        </form>
    }
}

#[component]
fn MadeInvite(
    /// Emptied when the person is done.
    made: RwSignal<Option<Made>>,
    /// Which one.
    invite: InviteId,
    /// Its link.
    link: Secret,
    /// It is for a collective.
    asks: bool,
) -> impl IntoView {
    let ui = ui();
    let remaining = move || {
        ui.invites.with(|all| {
            let view = all.iter().find(|view| view.id == invite)?;
            let left = clock::seconds_between(ui.now.get(), view.expires_at);
            let left = catalogue::remaining(left);
            Some(match asks {
                true => catalogue::link_good_for(&left),
                false => catalogue::good_for(&left),
            })
        })
    };
    let works = Memo::new(move |_| {
        ui.invites.with(|all| {
            let view = all.iter().find(|view| view.id == invite)?;
            Some((view.placed, view.elsewhere))
        })
    });
    let (title, text) = match asks {
        true => (catalogue::LINK_MADE, catalogue::LINK_MADE_TEXT),
        false => (catalogue::MADE_TITLE, catalogue::MADE_TEXT),
    };
    // Picture, link and button are seen together, also on a phone.
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(shown) = node.get() {
            shown.scroll_into_view();
        }
    });
    view! {
        <div class="stack made" node_ref=node>
            <Heading text=title/>
            <p>{text}</p>
            <Qr id="invite-qr" label=catalogue::QR text=link.clone()/>
            <CopyText id="invite" label=catalogue::LINK text=link/>
            <p class="small soft">{remaining}</p>
            <p class="small" role="status">{move || works.get().map(invite_works)}</p>
            <button type="button" class="btn quiet" data-testid="invite-done" on:click=move |_| made.set(None)>
                {catalogue::MADE_DONE}
            </button>
        </div>
    }
}

/// Whether an invite works while this device is away, for the sign and in words.
fn invite_works((placed, elsewhere): (bool, bool)) -> impl IntoView {
    view! {
        <span data-testid="invite-works" data-placed=placed.to_string() data-elsewhere=elsewhere.to_string()>
            {catalogue::invite_works(placed, elsewhere)}
        </span>
    }
}

/// Invites that somebody may still use.
#[component]
fn Live() -> impl IntoView {
    let ui = ui();
    let today = ui.today();
    let error = RwSignal::new("");
    let revoke = move |invite| {
        leptos::task::spawn_local(async move {
            if let Err(failure) = ui.ask(Command::RevokeInvite { invite }).await {
                error.try_set(catalogue::failure(failure));
            }
        });
    };
    let row = move |invite: InviteView| {
        let made = move || catalogue::day_and_time(clock::wall(invite.made_at), today.get());
        let purpose = match invite.collective {
            _ if invite.for_introduction => Some(catalogue::INVITE_FOR_INTRODUCTION.to_owned()),
            None => None,
            Some(id) => ui.collective(id).with_untracked(|it| {
                let name = it.as_ref().map(|it| it.name.as_str());
                name.map(catalogue::link_for)
            }),
        };
        let left =
            move || catalogue::remaining(clock::seconds_between(ui.now.get(), invite.expires_at));
        view! {
            <li class="request" data-testid="invite-row" data-answered=invite.answered.to_string()>
                <div class="grow">
                    <p>{move || catalogue::live(&made(), &left())}</p>
                    <p class="small soft">
                        {if invite.answered { catalogue::ANSWERED } else { catalogue::UNANSWERED }}
                        {invite.with_relay.then(|| view! { " · "{catalogue::BRINGS_RELAY} })}
                        {purpose.map(|purpose| view! { " · "{purpose} })}
                    </p>
                    <p class="small">{invite_works((invite.placed, invite.elsewhere))}</p>
                </div>
                <button
                    type="button"
                    class="btn quiet"
                    data-testid="invite-revoke"
                    aria-label=move || catalogue::revoke_made(&made())
                    on:click=move |_| revoke(invite.id)
                >
                    {catalogue::REVOKE}
                </button>
            </li>
        }
        .into_any()
    };
    view! {
        <section class="card stack">
            <h2>{catalogue::LIVE_TITLE}</h2>
            <p class="error" role="alert">{error}</p>
            <Show when=move || ui.invites.with(Vec::is_empty)>
                <p class="soft" data-testid="invites-empty">{catalogue::LIVE_EMPTY}</p>
            </Show>
            <ul class="rows">
                {each(move || ui.invites.get(), |invite| invite.id.0.into(), row)}
            </ul>
        </section>
    }
}
