//! A new proposal in a collective.

use std::sync::Arc;

use komrade_view::{
    Answer, CollectiveCommand, CollectiveDetail, CollectiveId, Command, ComradeId, ComradeState,
    MAX_OPTIONS, MAX_REASON_CHARS, Matter, MemberView, PersonKey,
};
use leptos::prelude::*;

use super::{
    collective::detail,
    editor::{changes, editor},
};
use crate::{
    catalogue,
    length::Longest,
    parts::{
        area::Area,
        plain::{self, alert, boxed, card, choices, live, maybe, nothing, para, radio, words},
    },
    place::{Place, Room},
    ui::{Sending, Ui, ui},
};

/// What can be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comrade,
    Decide,
    Amend,
    Delegate,
    Rest,
    Remove,
    Split,
    Dissolve,
}

const KINDS: [(Kind, &str, &str); 8] = [
    (Kind::Comrade, "comrade", catalogue::PROPOSE_COMRADE),
    (Kind::Decide, "decide", catalogue::PROPOSE_DECIDE),
    (Kind::Amend, "amend", catalogue::PROPOSE_AMEND),
    (Kind::Delegate, "delegate", catalogue::PROPOSE_DELEGATE),
    (Kind::Rest, "rest", catalogue::PROPOSE_REST),
    (Kind::Remove, "remove", catalogue::PROPOSE_REMOVE),
    (Kind::Split, "split", catalogue::PROPOSE_SPLIT),
    (Kind::Dissolve, "dissolve", catalogue::PROPOSE_DISSOLVE),
];

/// The longest reason and the longest question.
const LONGEST: Longest = Longest::Chars(MAX_REASON_CHARS);
/// So many lines hold all options.
const ALL_OPTIONS: Longest = Longest::Chars(MAX_OPTIONS * (MAX_REASON_CHARS + 1));

/// What a form needs.
#[derive(Clone, Copy)]
struct Form {
    ui: Ui,
    id: CollectiveId,
    sending: Sending,
}

/// A new proposal.
pub fn propose(id: CollectiveId) -> AnyView {
    let ui = ui();
    let detail = detail(ui, id);
    let may = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(|it| it.may_propose)));
    let content = live(move || match (may.get(), detail.get_untracked()) {
        (Some(true), Some(begun)) => forms(ui, id, begun),
        (Some(false), _) => para("soft", "", catalogue::PROPOSE_NOT),
        _ => para("soft", "", catalogue::COLLECTIVE_READING),
    });
    boxed("stack", "screen-propose", vec![content])
}

/// What is to be proposed, and its form. What is chosen and typed stays when others' words arrive.
fn forms(ui: Ui, id: CollectiveId, begun: Arc<CollectiveDetail>) -> AnyView {
    let kind = RwSignal::new(Kind::Comrade);
    let form = Form {
        ui,
        id,
        sending: Sending::new(),
    };
    let delegates = begun.constitution.delegates;
    let offered = KINDS.into_iter();
    let offered = offered.filter(move |(kind, ..)| *kind != Kind::Delegate || delegates);
    let choice = |(which, name, text): (Kind, &'static str, &'static str)| {
        let checked = which == Kind::Comrade;
        let id = format!("propose-{name}");
        radio("propose", id, "choice", checked, words(text), move || {
            form.sending.error.set("");
            kind.set(which);
        })
    };
    let chosen = live(move || match kind.get() {
        Kind::Comrade => comrade(form, &begun),
        Kind::Decide => decide(form),
        Kind::Amend => amend(form, &begun),
        Kind::Split => split(form, &begun),
        kind => about(form, kind, &begun),
    });
    let content = vec![chosen, alert("propose-error", form.sending)];
    vec![
        choices(catalogue::PROPOSE_WHAT, offered.map(choice).collect()),
        card("propose-form", "", content),
    ]
    .into_any()
}

impl Form {
    /// Proposes, and shows what was proposed.
    fn send(self, matter: Matter, reason: Area) {
        let Some(reason) = reason.read() else {
            return;
        };
        let command = CollectiveCommand::Propose {
            collective: self.id,
            matter,
            reason,
        };
        let Self { ui, id, sending } = self;
        ui.attempt(Command::Collective(command), sending, move |answer| {
            if let Answer::Proposed(proposal) = answer {
                ui.proposal.set(Some(proposal));
                ui.go(Place::Collective(id, Room::Proposal));
            }
        });
    }
}

/// The reason and the button.
fn end(reason: Area) -> AnyView {
    let field = reason.draw(
        "propose-reason",
        catalogue::PROPOSE_REASON,
        catalogue::REASON_HINT,
        "",
    );
    let sure = plain::submit("propose-sure", catalogue::PROPOSE_SURE);
    vec![field, para("small soft", "", catalogue::PROPOSE_VOTE), sure].into_any()
}

/// A list to choose one from.
fn select(names: Vec<String>, chosen: RwSignal<usize>) -> AnyView {
    let options = names
        .into_iter()
        .enumerate()
        .map(|(at, name)| view! { <option value=at>{name}</option> })
        .collect_view();
    let choose = move |event| {
        if let Ok(at) = event_target_value(&event).parse() {
            chosen.set(at);
        }
    };
    view! {
        <div class="field">
            <label for="propose-who">{catalogue::PROPOSE_WHO}</label>
            <select id="propose-who" data-testid="propose-who" on:change=choose>{options}</select>
        </div>
    }
    .into_any()
}

fn comrade(form: Form, detail: &CollectiveDetail) -> AnyView {
    let is_in = |id: ComradeId| {
        detail
            .members
            .iter()
            .any(|member| member.comrade == Some(id))
    };
    let all: Vec<(ComradeId, String)> = form.ui.comrades.with_untracked(|all| {
        let met = all
            .iter()
            .flatten()
            .filter(|it| it.state == ComradeState::Met);
        let others = met.filter(|comrade| !is_in(comrade.id));
        others
            .map(|comrade| (comrade.id, catalogue::name(&comrade.name)))
            .collect()
    });
    if all.is_empty() {
        return para("", "", catalogue::PROPOSE_NOBODY);
    }
    let chosen = RwSignal::new(0);
    let done = RwSignal::new(String::new());
    let names = all.iter().map(|(_, name)| name.clone()).collect();
    let submit = move || {
        done.set(String::new());
        let Some((comrade, name)) = all.get(chosen.get_untracked()).cloned() else {
            return;
        };
        let command = CollectiveCommand::Offer {
            collective: form.id,
            comrade,
        };
        form.ui
            .attempt(Command::Collective(command), form.sending, move |_| {
                done.set(catalogue::asked_them(&name));
            });
    };
    let asked = view! { <p role="status" data-testid="propose-asked">{done}</p> };
    let content = vec![
        para("", "", catalogue::PROPOSE_COMRADE_TEXT),
        select(names, chosen),
        plain::submit("propose-ask", catalogue::PROPOSE_ASK),
        asked.into_any(),
    ];
    plain::form(content, submit)
}

/// The options that were written, one on each line.
fn options(text: &str) -> Option<Vec<String>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    let short = lines
        .iter()
        .all(|line| line.chars().count() <= MAX_REASON_CHARS);
    (short && (2..=MAX_OPTIONS).contains(&lines.len())).then_some(lines)
}

fn decide(form: Form) -> AnyView {
    let (question, reason) = (Area::new(LONGEST), Area::new(LONGEST));
    let written = Area::new(ALL_OPTIONS);
    let submit = move || {
        let (Some(asked), Some(written)) = (question.read(), written.read()) else {
            return;
        };
        if asked.is_empty() {
            form.sending.error.set(catalogue::PROPOSE_QUESTION_MISSING);
            question.focus();
            return;
        }
        match options(&written) {
            Some(options) => form.send(
                Matter::Decide {
                    question: asked,
                    options,
                },
                reason,
            ),
            None => form.sending.error.set(catalogue::PROPOSE_OPTIONS_WRONG),
        }
    };
    let content = vec![
        question.draw("propose-question", catalogue::PROPOSE_QUESTION, "", ""),
        written.draw(
            "propose-options",
            catalogue::PROPOSE_OPTIONS,
            catalogue::PROPOSE_OPTIONS_HINT,
            catalogue::PROPOSE_OPTIONS_FIRST,
        ),
        end(reason),
    ];
    plain::form(content, submit)
}

fn amend(form: Form, detail: &CollectiveDetail) -> AnyView {
    let rules = RwSignal::new(detail.constitution.clone());
    let faults = RwSignal::new(Vec::new());
    let reason = Area::new(LONGEST);
    let before = StoredValue::new(detail.constitution.clone());
    let same = Memo::new(move |_| before.with_value(|before| rules.with(|rules| rules == before)));
    let submit = move || {
        if faults.with_untracked(|faults| !faults.is_empty()) {
            return;
        }
        if same.get_untracked() {
            form.sending.error.set(catalogue::RULES_SAME);
            return;
        }
        form.send(Matter::Amend(Box::new(rules.get_untracked())), reason);
    };
    let changes =
        live(move || before.with_value(|before| rules.with(|rules| changes(before, rules))));
    let changes = view! {
        <h2>{catalogue::CHANGES}</h2>
        <div role="status" data-testid="changes">{changes}</div>
    };
    let content = vec![
        editor(detail.constitution.clone(), rules, Some(form.id), faults),
        changes.into_any(),
        live(move || match same.get() {
            true => nothing(),
            false => end(reason),
        }),
    ];
    plain::form(content, submit)
}

/// Who goes by a split. If members removed each other, those on one's own side are chosen first.
fn split(form: Form, detail: &CollectiveDetail) -> AnyView {
    let own = detail.members.iter().find(|member| member.is_self);
    let own = own.map(|member| member.person);
    let mut sides = detail.sides.iter().flatten();
    let side = sides.find(|side| own.is_some_and(|own| side.contains(&own)));
    let side = side.cloned().unwrap_or_default();
    // Whoever rests cannot say that they go.
    let mut all = detail.members.iter().filter(|member| !member.resting);
    let begun: Vec<PersonKey> = all
        .clone()
        .map(|member| member.person)
        .filter(|person| side.contains(person))
        .collect();
    let (chosen, members) = (RwSignal::new(begun), detail.members.len());
    let row = |member: &MemberView| {
        let (person, checked) = (member.person, side.contains(&member.person));
        let name = catalogue::member(&member.name);
        let choose = move |event| {
            chosen.update(|chosen| {
                chosen.retain(|it| *it != person);
                if event_target_checked(&event) {
                    chosen.push(person);
                }
            });
        };
        view! {
            <label class="choice">
                <input type="checkbox" data-testid="split-who" checked=checked on:change=choose/>
                <span dir="auto">{name}</span>
            </label>
        }
        .into_any()
    };
    let rows = all.by_ref().map(row).collect();
    let reason = Area::new(LONGEST);
    let submit = move || {
        let who = chosen.get_untracked();
        match (1..members).contains(&who.len()) {
            true => form.send(Matter::Split(who), reason),
            false => form.sending.error.set(catalogue::PROPOSE_SPLIT_WRONG),
        }
    };
    let content = vec![
        para("", "", catalogue::PROPOSE_SPLIT_TEXT),
        maybe((!side.is_empty()).then(|| para("", "split-sides", catalogue::PROPOSE_SPLIT_SIDES))),
        choices(catalogue::PROPOSE_SPLIT_WHO, rows),
        end(reason),
    ];
    plain::form(content, submit)
}

/// A member, or the collective itself.
fn about(form: Form, kind: Kind, detail: &Arc<CollectiveDetail>) -> AnyView {
    let text = match kind {
        Kind::Rest => catalogue::propose_rest(detail.constitution.days),
        Kind::Remove => catalogue::PROPOSE_REMOVE_TEXT.to_owned(),
        Kind::Dissolve => catalogue::PROPOSE_DISSOLVE_TEXT.to_owned(),
        _ => String::new(),
    };
    let fits = |member: &&MemberView| match kind {
        Kind::Rest => !member.resting && !member.is_self,
        Kind::Remove => !member.is_self,
        Kind::Delegate => true,
        _ => false,
    };
    let all: Vec<(PersonKey, String, bool)> = detail
        .members
        .iter()
        .filter(fits)
        .map(|member| {
            (
                member.person,
                catalogue::member(&member.name),
                !member.delegate,
            )
        })
        .collect();
    if all.is_empty() && kind != Kind::Dissolve {
        return para("", "", catalogue::PROPOSE_NOBODY);
    }
    let names: Vec<String> = match kind {
        Kind::Delegate => {
            let named = all.iter();
            named
                .map(|(_, name, elect)| catalogue::delegate_choice(name, *elect))
                .collect()
        }
        _ => all.iter().map(|(_, name, _)| name.clone()).collect(),
    };
    let (chosen, reason) = (RwSignal::new(0), Area::new(LONGEST));
    let submit = move || {
        let who = all
            .get(chosen.get_untracked())
            .map(|(person, _, elect)| (*person, *elect));
        let matter = match (kind, who) {
            (Kind::Dissolve, _) => Matter::Dissolve,
            (Kind::Rest, Some((person, _))) => Matter::Rest(person),
            (Kind::Remove, Some((person, _))) => Matter::Remove(person),
            (Kind::Delegate, Some((person, elect))) => Matter::Delegate { person, elect },
            _ => return,
        };
        form.send(matter, reason);
    };
    let content = vec![
        maybe((!text.is_empty()).then(|| para("", "", text))),
        maybe((kind != Kind::Dissolve).then(|| select(names, chosen))),
        end(reason),
    ];
    plain::form(content, submit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_one_on_each_line_and_have_bounds() {
        let lines = |text: &str| options(text).map(|options| options.len());
        assert_eq!(
            options("Yes\n\n  No \n"),
            Some(vec!["Yes".into(), "No".into()])
        );
        assert_eq!(lines("only one"), None);
        assert_eq!(lines(&"x\n".repeat(MAX_OPTIONS)), Some(MAX_OPTIONS));
        assert_eq!(lines(&"x\n".repeat(MAX_OPTIONS + 1)), None);
        assert_eq!(
            lines(&format!("x\n{}", "y".repeat(MAX_REASON_CHARS + 1))),
            None
        );
    }
}
