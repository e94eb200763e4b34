//! A comrade's page: the code to compare, the mark, and the answer to a request.

use komrade_view::{Command, ComradeId, ComradeState, ComradeView};
use leptos::prelude::*;

use super::forget::Forget;
use crate::{
    catalogue,
    parts::{Avatar, Code, Icon, Notice, Sign, Title, plain::alert},
    place::Place,
    ui::{Sending, ui},
};

/// A comrade's page.
#[component]
pub fn ComradePage(
    /// Whose.
    id: ComradeId,
) -> impl IntoView {
    let ui = ui();
    let comrade = ui.comrade(id);
    view! {
        <div class="page" data-testid="screen-comrade">
            <a class="btn plain back" href=Place::Conversation(id).hash() data-testid="back">
                <Icon sign=Sign::Back/>
                {catalogue::BACK}
            </a>
            {move || match comrade.get() {
                Some(comrade) => view! { <About comrade/> }.into_any(),
                None => view! { <p class="soft">{catalogue::NO_SUCH_COMRADE}</p> }.into_any(),
            }}
            <Direct id comrade/>
            {super::introduce::introduce(id)}
            <Forget id comrade/>
        </div>
    }
}

/// The choice of a direct link, once met.
#[component]
fn Direct(
    /// With whom.
    id: ComradeId,
    /// The comrade.
    comrade: Memo<Option<ComradeView>>,
) -> impl IntoView {
    let ui = ui();
    let error = RwSignal::new("");
    let met = move || {
        comrade.with(|view| {
            view.as_ref()
                .is_some_and(|view| view.state == ComradeState::Met)
        })
    };
    let live = Memo::new(move |_| comrade.with(|view| view.as_ref().is_some_and(|it| it.live)));
    let choose = move |live| {
        error.set("");
        leptos::task::spawn_local(async move {
            let command = Command::SetLive { comrade: id, live };
            if let Err(failure) = ui.ask(command).await {
                error.try_set(catalogue::failure(failure));
            }
        });
    };
    view! {
        <Show when=met>
            <section class="card stack">
                <h2>{catalogue::DIRECT_TITLE}</h2>
                <div class="check">
                    <input
                        type="checkbox"
                        id="direct"
                        data-testid="direct"
                        prop:checked=live
                        aria-describedby="direct-hint"
                        on:change=move |event| choose(event_target_checked(&event))
                    />
                    <div>
                        <label for="direct">{catalogue::DIRECT}</label>
                        <p class="hint" id="direct-hint">{catalogue::DIRECT_HINT}</p>
                    </div>
                </div>
                <p class="error" role="alert" data-testid="direct-error">{error}</p>
            </section>
        </Show>
    }
}

#[component]
fn About(
    /// The comrade.
    comrade: ComradeView,
) -> impl IntoView {
    let ui = ui();
    let ComradeView {
        id,
        name,
        person,
        code,
        verified,
        state,
        ..
    } = comrade;
    let sending = Sending::new();
    let mark = move |verified| {
        let command = Command::MarkVerified {
            comrade: id,
            verified,
        };
        ui.attempt(command, sending, |_| {});
    };
    let person = if person.is_empty() {
        catalogue::NOT_KNOWN_YET.to_owned()
    } else {
        person
    };
    view! {
        <header class="person">
            <Avatar id name=name.clone()/>
            <div>
                <Title text=catalogue::name(&name)/>
                <p class="small soft" data-testid="comrade-verified" data-verified=verified.to_string()>
                    {verified.then(|| view! { <span class="verified"><Icon sign=Sign::Check/></span> })}
                    {if verified { catalogue::VERIFIED } else { catalogue::NOT_VERIFIED }}
                </p>
            </div>
        </header>
        {match state {
            ComradeState::Met => view! {
                <section class="card stack">
                    <h2>{catalogue::CODE}</h2>
                    <Code id="code" code/>
                    <p>{catalogue::CODE_HOW}</p>
                    <p class="small soft">{catalogue::CODE_WHY}" "{catalogue::CODE_DIFFERS}</p>
                    {alert("", sending)}
                    {if verified {
                        view! {
                            <button type="button" class="btn quiet" data-testid="unverify" on:click=move |_| mark(false)>
                                {catalogue::UNVERIFY}
                            </button>
                        }.into_any()
                    } else {
                        view! {
                            <button type="button" class="btn" data-testid="verify" on:click=move |_| mark(true)>
                                {catalogue::VERIFY}
                            </button>
                        }.into_any()
                    }}
                </section>
            }.into_any(),
            _ => view! { <Request id name state code/> }.into_any(),
        }}
        <section class="card stack">
            <h2>{catalogue::PERSON_ID}</h2>
            <p class="mono small breaks" dir="ltr" data-testid="person-id">{person}</p>
        </section>
    }
}

/// What stands in the way of writing: an answer that is awaited, or one to give.
#[component]
pub fn Request(
    /// Who.
    id: ComradeId,
    /// Their name.
    name: String,
    /// Where they stand; not met.
    state: ComradeState,
    /// The code of the pair.
    code: String,
) -> impl IntoView {
    let ui = ui();
    if state == ComradeState::Looking {
        return super::link::looking();
    }
    if state == ComradeState::Asked {
        return view! {
            <section class="card stack" data-testid="asked">
                <h2 dir="auto">{catalogue::asked_title(&name)}</h2>
                <p>{catalogue::ASKED_TEXT}</p>
                {(!code.is_empty()).then(|| view! {
                    <p class="small soft">{catalogue::CODE}</p>
                    <Code id="code" code=code/>
                })}
            </section>
        }
        .into_any();
    }
    let name = catalogue::name(&name);
    let again = state == ComradeState::AskingAgain;
    let sending = Sending::once();
    let answer = move |command: Command, verified: bool| {
        let declines = matches!(command, Command::Decline { .. });
        ui.attempt_and_go(command, sending, move || match (declines, verified) {
            (true, _) => ui.go(Place::People),
            (false, true) => ui.tell(Command::MarkVerified {
                comrade: id,
                verified,
            }),
            (false, false) => {}
        });
    };
    view! {
        <section class="card stack" data-testid="asking" data-again=again.to_string()>
            <h2 dir="auto">{catalogue::asking_title(&name)}</h2>
            {again.then(|| view! {
                <Notice id="asking-again" act=true>
                    <p><b>{catalogue::ASKING_AGAIN_TITLE}</b></p>
                    <p>{catalogue::ASKING_AGAIN_TEXT}</p>
                </Notice>
            })}
            <p>{catalogue::ASKING_TEXT}</p>
            <Code id="code" code/>
            {alert("asking-error", sending)}
            <div class="actions">
                <button
                    type="button"
                    class="btn"
                    data-testid="confirm-compared"
                    on:click=move |_| answer(Command::Confirm { comrade: id }, true)
                >
                    {catalogue::CONFIRM_COMPARED}
                </button>
                {(!again).then(|| view! {
                    <button
                        type="button"
                        class="btn quiet"
                        data-testid="confirm"
                        on:click=move |_| answer(Command::Confirm { comrade: id }, false)
                    >
                        {catalogue::CONFIRM_LATER}
                    </button>
                })}
                <button
                    type="button"
                    class="btn quiet"
                    data-testid="decline"
                    on:click=move |_| answer(Command::Decline { comrade: id }, false)
                >
                    {catalogue::DECLINE}
                </button>
            </div>
            <p class="small soft">{catalogue::DECLINE_HINT}</p>
        </section>
    }
    .into_any()
}
