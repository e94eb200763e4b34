//! Who reads one's own circle: a new one, and who comes and goes.

use std::collections::BTreeSet;

use komrade_view::{
    Answer, CircleCommand, CircleId, CircleReader, CircleView, Command, ComradeId, ComradeState,
    MAX_NAME_CHARS,
};
use leptos::{html, prelude::*};

use super::{
    circle::reading,
    circles::{circle_name, comrade_name},
    forget::Once,
};
use crate::{
    catalogue,
    parts::{
        Avatar, Field, Title,
        each::each,
        plain::{alert, back, boxed, button, card, form, live, maybe, nothing, para, submit},
    },
    place::{self, Place},
    ui::{Sending, Ui, ui},
};

/// Comrades who could read, by name.
fn comrades(ui: Ui) -> Vec<(ComradeId, String)> {
    let mut all: Vec<(ComradeId, String)> = ui.comrades.with(|all| {
        let met = all.iter().flatten();
        let met = met.filter(|it| it.state == ComradeState::Met);
        met.map(|it| (it.id, catalogue::name(&it.name))).collect()
    });
    all.sort_by(|one, other| one.1.cmp(&other.1));
    all
}

/// A name, with its field.
#[derive(Clone, Copy)]
struct Named {
    node: NodeRef<html::Input>,
    error: RwSignal<String>,
}

impl Named {
    fn new() -> Self {
        Self {
            node: NodeRef::new(),
            error: RwSignal::new(String::new()),
        }
    }

    fn field(self) -> AnyView {
        let Self { node, error } = self;
        view! {
            <Field
                id="circle-name-field"
                label=catalogue::CIRCLE_NAME
                hint=catalogue::CIRCLE_NAME_HINT
                node
                error
                longest=MAX_NAME_CHARS as u32
            />
        }
        .into_any()
    }

    /// What was typed, if it is a name.
    fn read(self) -> Option<String> {
        let input = self.node.get_untracked()?;
        let name = input.value().trim().to_owned();
        let text = match name.is_empty() {
            true => catalogue::CIRCLE_NAME_MISSING,
            false => "",
        };
        self.error.set(text.to_owned());
        if name.is_empty() {
            let _ = input.focus();
            return None;
        }
        Some(name)
    }
}

/// A box to check.
fn check(id: String, text: String, hint: &'static str, change: impl Fn(bool) + 'static) -> AnyView {
    let change: Box<dyn Fn(bool)> = Box::new(change);
    let hint_id = format!("{id}-hint");
    let described = (!hint.is_empty()).then(|| hint_id.clone());
    view! {
        <div class="check">
            <input
                type="checkbox"
                id=id.clone()
                data-testid=id.clone()
                aria-describedby=described
                on:change=move |event| change(event_target_checked(&event))
            />
            <div>
                <label for=id><span dir="auto">{text}</span></label>
                {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
            </div>
        </div>
    }
    .into_any()
}

/// Making a circle.
#[component]
pub fn NewCircle() -> impl IntoView {
    let ui = ui();
    let name = Named::new();
    let sending = Sending::new();
    let chosen = RwSignal::new(BTreeSet::<[u8; 16]>::new());
    // Who is met meanwhile is added later.
    let all = untrack(|| comrades(ui));
    let nobody = all
        .is_empty()
        .then(|| para("soft", "", catalogue::CIRCLE_NOBODY));
    let box_of = move |(ComradeId(id), name): (ComradeId, String)| {
        check(
            format!("reader-{}", place::digits(&id)),
            name,
            "",
            move |is| {
                chosen.update(|chosen| {
                    let _ = if is {
                        chosen.insert(id)
                    } else {
                        chosen.remove(&id)
                    };
                });
            },
        )
    };
    let boxes: Vec<AnyView> = all.into_iter().map(box_of).collect();
    let make = move || {
        let Some(name) = name.read() else {
            return;
        };
        let comrades = chosen.with_untracked(|all| all.iter().copied().map(ComradeId).collect());
        let command = Command::Circle(CircleCommand::Make { name, comrades });
        ui.attempt(command, sending, move |answer| {
            if let Answer::Circle(id) = answer {
                ui.go(Place::Circle(id));
            }
        });
    };
    let choose = view! {
        <fieldset class="stack tight" data-testid="circle-choose">
            <legend>{catalogue::CIRCLE_CHOOSE}</legend>
            {boxes}
        </fieldset>
    };
    let content = vec![
        name.field(),
        choose.into_any(),
        maybe(nobody),
        alert("circle-error", sending),
        submit("circle-make", catalogue::CIRCLE_MAKE),
    ];
    view! {
        <div class="page" data-testid="screen-new-circle">
            {back("back", Place::People, catalogue::BACK)}
            <Title text=catalogue::CIRCLE_NEW.to_owned()/>
            {para("", "", catalogue::CIRCLE_WHAT)}
            {card("", "", vec![form(content, make)])}
        </div>
    }
}

/// Who reads a circle.
#[component]
pub fn CircleReaders(
    /// Which.
    id: CircleId,
) -> impl IntoView {
    let ui = ui();
    let view = ui.circle(id);
    let detail = reading(ui, id, RwSignal::new(1));
    let kind = Memo::new(move |_| {
        let of = |view: &CircleView| (view.everybody, view.owner.is_none());
        view.with(|view| view.as_ref().map(of))
    });
    let title = Memo::new(move |_| {
        view.with(|view| {
            view.as_ref()
                .map_or_else(String::new, |it| circle_name(ui, it))
        })
    });
    let readers = Memo::new(move |_| {
        detail.with(|detail| {
            detail
                .as_ref()
                .map(|detail| detail.readers.clone())
                .unwrap_or_default()
        })
    });
    let content = live(move || match kind.get() {
        Some((everybody, true)) => vec![
            maybe(everybody.then(|| para("", "", catalogue::CIRCLE_EVERYBODY))),
            list(ui, id, everybody, readers),
            adding(ui, id, readers),
            maybe((!everybody).then(|| renaming(ui, id))),
            maybe((!everybody).then(|| ending(id))),
        ]
        .into_any(),
        _ if ui.circles.with(Option::is_some) => para("soft", "", catalogue::NO_SUCH_CIRCLE),
        _ => nothing(),
    });
    view! {
        <div class="page" data-testid="screen-circle-readers">
            {back("back", Place::Circle(id), catalogue::CIRCLE_BACK)}
            <Title text=title/>
            {content}
        </div>
    }
}

type Readers = Memo<Vec<CircleReader>>;

fn list(ui: Ui, id: CircleId, everybody: bool, readers: Readers) -> AnyView {
    let row = move |reader: CircleReader| {
        let name = Memo::new(move |_| catalogue::name(&comrade_name(ui, reader.comrade)));
        let left = reader.left.then(|| {
            view! { " "<span class="chip">{catalogue::CIRCLE_LEFT}</span> }
        });
        let may = !everybody && !reader.left;
        let remove = may.then(|| removing(ui, id, reader.comrade, name));
        view! {
            <li class="request" data-testid="circle-reader">
                <Avatar id=reader.comrade name/>
                <div class="grow"><span dir="auto">{name}</span>{left}</div>
                {maybe(remove)}
            </li>
        }
        .into_any()
    };
    let count = move || {
        let reading = readers.with(|all| all.iter().filter(|it| !it.left).count());
        catalogue::circle_readers(u32::try_from(reading).unwrap_or(u32::MAX))
    };
    let rows = view! {
        <p class="small soft" data-testid="circle-count">{count}</p>
        <ul class="rows">
            {each(move || readers.get(), |reader| reader.comrade.0.into(), row)}
        </ul>
    };
    card("", catalogue::CIRCLE_WHO, vec![rows.into_any()])
}

/// Removes somebody, once that was explained.
fn removing(ui: Ui, circle: CircleId, comrade: ComradeId, name: Memo<String>) -> AnyView {
    let asked = RwSignal::new(false);
    let sending = Sending::once();
    let sure = move || {
        let command = Command::Circle(CircleCommand::Remove { circle, comrade });
        ui.attempt(command, sending, |_| {});
    };
    live(move || match asked.get() {
        false => view! {
            <button
                type="button"
                class="btn quiet"
                data-testid="circle-remove"
                aria-label=move || catalogue::circle_remove(&name.get())
                on:click=move |_| asked.set(true)
            >
                {catalogue::CIRCLE_REMOVE}
            </button>
        }
        .into_any(),
        true => {
            let buttons = vec![
                button(
                    "circle-remove-sure",
                    "btn",
                    catalogue::CIRCLE_REMOVE_SURE,
                    sure,
                ),
                button(
                    "circle-remove-not",
                    "btn quiet",
                    catalogue::CANCEL,
                    move || {
                        asked.set(false);
                    },
                ),
            ];
            let content = vec![
                para("small", "", catalogue::circle_remove_text(&name.get())),
                alert("", sending),
                boxed("actions", "", buttons),
            ];
            boxed("stack tight", "", content)
        }
    })
}

fn adding(ui: Ui, circle: CircleId, readers: Readers) -> AnyView {
    let others = Memo::new(move |_| {
        let reading = readers.get();
        let reads = |id: ComradeId| reading.iter().any(|it| it.comrade == id && !it.left);
        let all = comrades(ui).into_iter();
        all.filter(|(id, _)| !reads(*id)).collect::<Vec<_>>()
    });
    let sending = Sending::new();
    live(move || {
        let all = others.get();
        let Some((first, _)) = all.first().cloned() else {
            return nothing();
        };
        let (chosen, older) = (RwSignal::new(first), RwSignal::new(false));
        let options = all.iter().enumerate();
        let options = options.map(|(at, (_, name))| {
            view! { <option value=at>{name.clone()}</option> }
        });
        let options = options.collect_view();
        let choose = move |event| {
            let at: Option<usize> = event_target_value(&event).parse().ok();
            if let Some((id, _)) = at.and_then(|at| all.get(at)) {
                chosen.set(*id);
            }
        };
        let add = move || {
            let command = Command::Circle(CircleCommand::Add {
                circle,
                comrade: chosen.get_untracked(),
                older: older.get_untracked(),
            });
            ui.attempt(command, sending, |_| {});
        };
        let select = view! {
            <div class="field">
                <label for="circle-add-who">{catalogue::CIRCLE_ADD_WHO}</label>
                <select id="circle-add-who" data-testid="circle-add-who" on:change=choose>{options}</select>
            </div>
        };
        let too = check(
            "circle-older-too".to_owned(),
            catalogue::CIRCLE_OLDER_TOO.to_owned(),
            catalogue::CIRCLE_OLDER_HINT,
            move |is| older.set(is),
        );
        let content = vec![
            select.into_any(),
            too,
            alert("circle-add-error", sending),
            submit("circle-add", catalogue::CIRCLE_ADD),
        ];
        card("", catalogue::CIRCLE_ADD_TITLE, vec![form(content, add)])
    })
}

fn renaming(ui: Ui, circle: CircleId) -> AnyView {
    let named = Named::new();
    let sending = Sending::new();
    let rename = move || {
        if let Some(name) = named.read() {
            let command = Command::Circle(CircleCommand::Rename { circle, name });
            ui.attempt(command, sending, move |_| {
                if let Some(input) = named.node.get_untracked() {
                    input.set_value("");
                }
            });
        }
    };
    let content = vec![
        named.field(),
        alert("", sending),
        submit("circle-rename", catalogue::CIRCLE_RENAME),
    ];
    card("", catalogue::CIRCLE_RENAME, vec![form(content, rename)])
}

fn ending(id: CircleId) -> AnyView {
    let once = view! {
        <Once
            id="circle-end"
            text=Signal::stored(catalogue::CIRCLE_END_TEXT.to_owned())
            action=catalogue::CIRCLE_END
            sure=catalogue::CIRCLE_END_SURE
            command=Command::Circle(CircleCommand::End(id))
            then=Place::People
        />
    };
    card("", catalogue::CIRCLE_END_TITLE, vec![once.into_any()])
}
