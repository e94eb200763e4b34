//! Introductions: two comrades are brought together, or the person themself with somebody.

use komrade_view::{
    Command, ComradeId, ComradeState, Introduction, IntroductionView, MAX_REASON_CHARS,
};
use leptos::prelude::*;

use super::collective::{comrade_name, on_day};
use crate::{
    catalogue,
    length::Longest,
    parts::{
        area::Area,
        plain::{
            self, alert, boxed, button, card, link, live, live_para, nothing, para, theirs, words,
        },
    },
    place::Place,
    ui::{Sending, Ui, ui},
};

/// On a comrade's page: introduces them to another, and shows what came of it.
pub fn introduce(id: ComradeId) -> AnyView {
    let ui = ui();
    // Read once they change, so that what is typed stays.
    let others = Memo::new(move |_| {
        ui.comrades.with(|all| {
            let met = all.iter().flatten();
            let met = met.filter(|it| it.state == ComradeState::Met);
            met.map(|it| it.id).collect::<Vec<_>>()
        })
    });
    live(move || match others.get() {
        all if !all.contains(&id) => nothing(),
        all => {
            let others: Vec<ComradeId> = all.into_iter().filter(|it| *it != id).collect();
            let content = match others.is_empty() {
                true => vec![para("soft", "", catalogue::INTRODUCE_NOBODY)],
                false => vec![form(ui, id, others), own(ui, id)],
            };
            card("introduce", catalogue::INTRODUCE_TITLE, content)
        }
    })
}

fn form(ui: Ui, id: ComradeId, others: Vec<ComradeId>) -> AnyView {
    let (chosen, sending) = (RwSignal::new(0_usize), Sending::new());
    let done = RwSignal::new(String::new());
    let said = Area::new(Longest::Chars(MAX_REASON_CHARS));
    let options = others
        .iter()
        .enumerate()
        .map(|(at, other)| view! { <option value=at>{comrade_name(ui, *other)}</option> })
        .collect_view();
    let choose = move |event| {
        if let Ok(at) = event_target_value(&event).parse() {
            chosen.set(at);
        }
    };
    let submit = move || {
        let Some(other) = others.get(chosen.get_untracked()).copied() else {
            return;
        };
        let Some(words) = said.read() else {
            return;
        };
        let (pair, sent) = ([id, other], words.clone());
        done.set(String::new());
        ui.attempt(Command::Introduce { pair, words }, sending, move |_| {
            let [one, other] = pair.map(|it| comrade_name(ui, it));
            done.set(catalogue::introduced(&one, &other));
            said.clear(&sent);
        });
    };
    let select = view! {
        <div class="field">
            <label for="introduce-to">{catalogue::INTRODUCE_TO}</label>
            <select id="introduce-to" data-testid="introduce-to" on:change=choose>{options}</select>
        </div>
    };
    let done = view! { <p role="status" data-testid="introduced">{done}</p> };
    let content = vec![
        live_para("", "", move || {
            catalogue::introduce_text(&comrade_name(ui, id))
        }),
        select.into_any(),
        said.draw(
            "introduce-words",
            catalogue::INTRODUCE_WORDS,
            catalogue::INTRODUCE_WORDS_HINT,
            "",
        ),
        alert("introduce-error", sending),
        button_of_form(),
        done.into_any(),
    ];
    plain::form(content, submit)
}

/// It is one of several things to do on the page.
fn button_of_form() -> AnyView {
    view! { <button class="btn quiet" data-testid="introduce-ask">{catalogue::INTRODUCE}</button> }
        .into_any()
}

/// How far those are that the person made with this comrade.
fn own(ui: Ui, id: ComradeId) -> AnyView {
    live(move || {
        let rows = ui.introductions.with(|all| {
            let mut rows = Vec::new();
            for it in all {
                if let Introduction::Own { pair, passed_on } = &it.what
                    && pair.iter().any(|(comrade, _)| *comrade == id)
                {
                    let [one, other] =
                        pair.map(|(comrade, said)| (comrade_name(ui, comrade), said));
                    let text = catalogue::introduction_own(
                        (&one.0, one.1),
                        (&other.0, other.1),
                        *passed_on,
                    );
                    rows.push(row(ui, None, it, text));
                }
            }
            rows
        });
        match rows.is_empty() {
            true => nothing(),
            false => view! { <ul class="rows">{rows}</ul> }.into_any(),
        }
    })
}

/// A line that can be put away.
fn row(ui: Ui, by: Option<ComradeId>, it: &IntroductionView, text: String) -> AnyView {
    let introduction = it.id;
    let end = move || ui.tell(Command::EndIntroduction { by, introduction });
    let content = vec![
        para("grow small", "introduction-own", text),
        button(
            "introduction-end",
            "btn quiet",
            catalogue::INTRODUCTION_SEEN,
            end,
        ),
    ];
    view! { <li class="request">{content}</li> }.into_any()
}

/// In the conversation with whoever introduces: the question, the wait, what came of it.
pub fn cards(by: ComradeId) -> AnyView {
    let ui = ui();
    let here = Memo::new(move |_| {
        ui.introductions.with(|all| {
            let of = |it: &&IntroductionView| match &it.what {
                Introduction::Own { .. } => false,
                Introduction::Asked { by: who, .. }
                | Introduction::Agreed { by: who, .. }
                | Introduction::Met { by: who, .. } => *who == by,
            };
            all.iter().filter(of).cloned().collect::<Vec<_>>()
        })
    });
    live(move || {
        let cards: Vec<AnyView> = here.with(|all| all.iter().map(|it| one(ui, it)).collect());
        cards.into_any()
    })
}

fn one(ui: Ui, it: &IntroductionView) -> AnyView {
    let introduction = it.id;
    let sending = Sending::once();
    let content = match it.what.clone() {
        Introduction::Own { .. } => return nothing(),
        Introduction::Asked { by, name } => {
            let who = comrade_name(ui, by);
            let answer = move |accept| {
                let command = Command::AnswerIntroduction {
                    by,
                    introduction,
                    accept,
                };
                ui.attempt(command, sending, |_| {});
            };
            let buttons = vec![
                button(
                    "introduction-yes",
                    "btn",
                    catalogue::INTRODUCTION_YES,
                    move || answer(true),
                ),
                button(
                    "introduction-no",
                    "btn quiet",
                    catalogue::INTRODUCTION_NO,
                    move || answer(false),
                ),
            ];
            let mut content = Vec::new();
            if !it.words.is_empty() {
                content.push(theirs("quote", "", it.words.clone()));
            }
            content.extend([
                para("", "", catalogue::introduction_text(&who, &name)),
                alert("introduction-error", sending),
                boxed("actions", "", buttons),
            ]);
            let title = catalogue::introduction_title(&who, &name);
            card("introduction-asked", title, content)
        }
        Introduction::Agreed { by, name, since } => {
            let by = Some(by);
            let end = move || ui.tell(Command::EndIntroduction { by, introduction });
            let text = catalogue::introduction_agreed(&name, &on_day(ui, since));
            let content = vec![
                para("", "", text),
                button(
                    "introduction-back",
                    "btn quiet",
                    catalogue::INTRODUCTION_BACK,
                    end,
                ),
            ];
            card("introduction-agreed", "", content)
        }
        Introduction::Met { by, name, comrade } => {
            let text = catalogue::introduction_met(&comrade_name(ui, by), &name);
            let by = Some(by);
            let end = move || ui.tell(Command::EndIntroduction { by, introduction });
            let to = Place::Conversation(comrade).hash();
            let open = vec![words(catalogue::introduction_open(&name))];
            let buttons = vec![
                link("introduction-open", "btn", to, open),
                button(
                    "introduction-seen",
                    "btn quiet",
                    catalogue::INTRODUCTION_SEEN,
                    end,
                ),
            ];
            let content = vec![para("", "", text), boxed("actions", "", buttons)];
            card("introduction-met", "", content)
        }
    };
    view! { <li>{content}</li> }.into_any()
}
