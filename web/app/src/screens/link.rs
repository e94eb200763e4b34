//! Asking to be proposed by a link: the link itself, what it offers, the wait, and who asks.

use std::sync::Arc;

use komrade_view::{
    CollectiveCommand, CollectiveDetail, CollectiveId, CollectiveView, Command, ComradeId,
    ComradeState, ComradeView, MAX_REASON_CHARS, Millis, RequestView, Standing,
};
use leptos::prelude::*;

use super::{
    collective::{comrade_name, on_day, ruled},
    forget::Once,
    meet::Make,
};
use crate::{
    catalogue, clock,
    length::Longest,
    parts::{
        Avatar, Code, Notice,
        area::Area,
        each::each,
        plain::{alert, boxed, button, card, live, live_para, maybe, nothing, para, theirs},
    },
    place::{self, Place},
    ui::{Sending, Ui, ui},
};

/// What is said beside a request, and why one vouches.
const LONGEST: Longest = Longest::Chars(MAX_REASON_CHARS);

type Detail = Memo<Option<Arc<CollectiveDetail>>>;

// --- whoever opens one ---------------------------------------------------------------------------

/// What a link is for is being fetched.
pub fn looking() -> AnyView {
    card(
        "looking",
        catalogue::LOOKING_TITLE,
        vec![para("", "", catalogue::LOOKING_TEXT)],
    )
}

/// The collective that a link of this comrade is for; of anybody, if it is not said of whom.
pub fn linked(ui: Ui, of: Option<ComradeId>) -> Option<CollectiveId> {
    ui.collectives.with(|all| {
        let mut all = all.iter().flatten();
        let linked = all.find(|it| match it.standing {
            Standing::Linked { by } => of.is_none_or(|of| of == by),
            _ => false,
        });
        linked.map(|it| it.id)
    })
}

/// What a link offers: nothing was sent yet.
pub fn offer(id: CollectiveId, by: ComradeId, view: Memo<Option<CollectiveView>>) -> AnyView {
    let ui = ui();
    let sending = Sending::once();
    let words = Area::new(LONGEST);
    let ask = move || {
        let Some(words) = words.read() else {
            return;
        };
        let command = CollectiveCommand::Ask {
            collective: id,
            words,
        };
        ui.attempt(Command::Collective(command), sending, |_| {});
    };
    let refuse = move || {
        let command = CollectiveCommand::AnswerOffer {
            collective: id,
            accept: false,
        };
        ui.attempt(Command::Collective(command), sending, move |_| {
            ui.go(Place::People);
        });
    };
    let (name, members) = view.with_untracked(|view| {
        view.as_ref()
            .map_or_else(Default::default, |view| (view.name.clone(), view.members))
    });
    let who = comrade_name(ui, by);
    let hint = catalogue::ask_words_hint(&who);
    let buttons = vec![
        button("link-ask", "btn", catalogue::ASK, ask),
        button("link-no", "btn quiet", catalogue::OFFER_NO, refuse),
    ];
    let content = vec![
        para("", "", catalogue::linked_text(&who, members)),
        code(ui, by),
        words.draw("link-words", catalogue::ASK_WORDS, "", ""),
        para("hint", "", hint),
        alert("link-error", sending),
        boxed("actions", "", buttons),
    ];
    vec![
        card("linked", catalogue::linked_title(&who, &name), content),
        ruled(ui, id, catalogue::OFFER_RULES),
    ]
    .into_any()
}

/// The code of the pair.
fn code(ui: Ui, id: ComradeId) -> AnyView {
    let code = ui.comrade(id).with_untracked(|comrade| {
        comrade
            .as_ref()
            .map_or_else(String::new, |it| it.code.clone())
    });
    if code.is_empty() {
        return nothing();
    }
    view! {
        <p class="small soft">{catalogue::CODE}</p>
        <Code id="code" code/>
    }
    .into_any()
}

/// One has asked, or is being decided on: how far it is, and taking it back.
pub fn waits(
    id: CollectiveId,
    by: ComradeId,
    since: Millis,
    view: Memo<Option<CollectiveView>>,
    asked: bool,
) -> AnyView {
    let ui = ui();
    let text = move || {
        let (who, when) = (comrade_name(ui, by), on_day(ui, since));
        match asked {
            true => catalogue::asked_text(&who, &when),
            false => catalogue::candidate_text(&who, &when),
        }
    };
    let far = Memo::new(move |_| view.with(|view| view.as_ref()?.candidacy));
    let far = live(move || {
        let Some(it) = far.get() else {
            return nothing();
        };
        let until = catalogue::day_and_time(clock::wall(it.until), ui.today().get());
        vec![
            para(
                "big",
                "candidacy",
                catalogue::candidacy(&it, &on_day(ui, it.told_at)),
            ),
            para("small soft", "", catalogue::candidacy_until(&until)),
        ]
        .into_any()
    });
    let withdraw = view! {
        <Once
            id="withdraw"
            text=Signal::stored(catalogue::WITHDRAW_TEXT.to_owned())
            action=catalogue::WITHDRAW
            sure=catalogue::WITHDRAW_SURE
            command=Command::Collective(CollectiveCommand::Withdraw(id))
            then=Place::People
        />
    };
    let name = if asked { "link-asked" } else { "candidate" };
    let notice = view! { <Notice id=name><p>{text}</p></Notice> };
    vec![
        notice.into_any(),
        far,
        ruled(ui, id, catalogue::OFFER_RULES),
        card("", "", vec![withdraw.into_any()]),
    ]
    .into_any()
}

// --- members -------------------------------------------------------------------------------------

/// Makes a link, for whoever may propose.
pub fn make(id: CollectiveId, detail: Detail) -> AnyView {
    let may = Memo::new(move |_| detail.with(|it| it.as_ref().is_some_and(|it| it.may_propose)));
    let made = RwSignal::new(None);
    let loud = Signal::stored(false);
    live(move || match may.get() {
        true => view! { <Make made loud collective=Some(id)/> }.into_any(),
        false => nothing(),
    })
}

/// Who asks to be proposed.
pub fn requests(id: CollectiveId, detail: Detail) -> AnyView {
    let ui = ui();
    let who = Memo::new(move |_| {
        detail.with(|detail| {
            let all = detail.iter().flat_map(|detail| detail.requests.iter());
            all.map(|request| request.comrade).collect::<Vec<_>>()
        })
    });
    let some = Memo::new(move |_| who.with(|who| !who.is_empty()));
    live(move || match some.get() {
        false => nothing(),
        true => {
            // By who asks alone: what is typed in a row must stay.
            let rows = each(
                move || who.get(),
                |comrade| comrade.0.into(),
                move |comrade| untrack(|| asks(ui, id, comrade, detail)),
            );
            let rows = view! { <ul class="rows">{rows}</ul> };
            let text = para("", "", catalogue::ASKING_IN_TEXT);
            card(
                "requests",
                catalogue::ASKING_IN,
                vec![text, rows.into_any()],
            )
        }
    })
}

fn asks(ui: Ui, collective: CollectiveId, comrade: ComradeId, detail: Detail) -> AnyView {
    let request = detail.with_untracked(|detail| {
        let mut all = detail.as_ref()?.requests.iter();
        all.find(|request| request.comrade == comrade).cloned()
    });
    let view = ui.comrade(comrade).get_untracked();
    let (Some(request), Some(view)) = (request, view) else {
        return nothing();
    };
    let RequestView { words, at, .. } = request;
    let ComradeView {
        name, code, state, ..
    } = view;
    let met = state == ComradeState::Met;
    let (sending, reason) = (Sending::once(), Area::new(LONGEST));
    let answer = move |accept| {
        // Why one would vouch is said with a yes alone.
        let reason = match accept {
            true => reason.read(),
            false => Some(String::new()),
        };
        let Some(reason) = reason else {
            return;
        };
        let command = CollectiveCommand::AnswerRequest {
            collective,
            comrade,
            accept,
            reason,
        };
        ui.attempt(Command::Collective(command), sending, |_| {});
    };
    let no = match met {
        true => catalogue::ASKED_NO_COMRADE,
        false => catalogue::ASKED_NO_STRANGER,
    };
    let again = (state == ComradeState::AskingAgain).then(|| {
        view! {
            <Notice id="asking-again" act=true>
                <p><b>{catalogue::ASKING_AGAIN_TITLE}</b></p>
                <p>{catalogue::ASKING_AGAIN_TEXT}</p>
            </Notice>
        }
        .into_any()
    });
    let buttons = vec![
        button(
            "request-propose",
            "btn",
            catalogue::PROPOSE_THEM,
            move || answer(true),
        ),
        button(
            "request-no",
            "btn quiet",
            catalogue::PROPOSE_THEM_NOT,
            move || answer(false),
        ),
    ];
    let shown = catalogue::name(&name);
    let head = view! { <p data-testid="request-name"><b dir="auto">{shown}</b></p> };
    let content = vec![
        head.into_any(),
        live_para("small soft", "", move || {
            catalogue::asked_when(&on_day(ui, at))
        }),
        maybe((!words.is_empty()).then(|| theirs("quote", "request-words", words))),
        view! { <p class="small soft">{catalogue::CODE}</p><Code id="code" code/> }.into_any(),
        maybe(again),
        reason.draw_one(
            "request-reason",
            format!("request-reason-{}", place::hex(comrade)),
            catalogue::VOUCH_REASON,
            catalogue::REASON_HINT,
            "",
        ),
        alert("request-error", sending),
        boxed("actions", "", buttons),
        para("small soft", "", no),
    ];
    let avatar = view! { <Avatar id=comrade name=name/> };
    let parts = vec![avatar.into_any(), boxed("grow stack", "", content)];
    view! { <li class="request" data-testid="member-request">{parts}</li> }.into_any()
}
