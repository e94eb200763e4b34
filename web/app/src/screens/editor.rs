//! The editor of a collective's rules: each with what it can be set to and one sentence that says what
//! that means. Also the same sentences to read, and what differs between two sets of rules.

use komrade_view::{
    Answer, CollectiveCommand, CollectiveId, Command, ConstitutionFault, ConstitutionView,
};
use leptos::prelude::*;

use crate::{
    catalogue,
    parts::plain::{boxed, live, nothing, para},
    rules::{Rule, Setting, difference},
    ui::ui,
};

/// The editor. `before`: the rules as they were; what can be chosen begins with them. `faults` holds what
/// the engine finds wrong with `rules` for this collective, or for one that is about to be founded.
pub fn editor(
    before: ConstitutionView,
    rules: RwSignal<ConstitutionView>,
    collective: Option<CollectiveId>,
    faults: RwSignal<Vec<ConstitutionFault>>,
) -> AnyView {
    let ui = ui();
    Effect::new(move |_| {
        let constitution = Box::new(rules.get());
        let command = Command::Collective(CollectiveCommand::Check {
            constitution,
            collective,
        });
        leptos::task::spawn_local(async move {
            if let Ok(Answer::Faults(found)) = ui.ask(command).await {
                faults.try_set(found);
            }
        });
    });
    let delegates = Memo::new(move |_| rules.with(|rules| rules.delegates));
    let before = StoredValue::new(before);
    let row = move |rule: Rule| {
        // Not of the rules as they are being changed: the control that is used must stay.
        let choices = Memo::new(move |_| {
            let mut rules = before.get_value();
            rules.delegates = delegates.get();
            rule.choices(&rules)
        });
        live(move || match choices.get() {
            choices if choices.is_empty() => nothing(),
            choices => one(rule, choices, rules),
        })
    };
    let wrong = live(move || {
        let sentence =
            |fault: &ConstitutionFault| para("error", "rules-fault", catalogue::fault(*fault));
        faults.with(|faults| faults.iter().map(sentence).collect_view().into_any())
    });
    let mut content: Vec<AnyView> = Rule::ALL.into_iter().map(row).collect();
    content.push(view! { <div role="alert">{wrong}</div> }.into_any());
    boxed("stack rules", "editor", content)
}

/// One rule with its choices.
fn one(rule: Rule, choices: Vec<Setting>, rules: RwSignal<ConstitutionView>) -> AnyView {
    let id = format!("rule-{}", rule.name());
    let hint = format!("{id}-hint");
    let now = rules.with_untracked(|rules| rule.of(rules));
    let options = choices
        .iter()
        .map(|choice| {
            let text = catalogue::setting(rule, *choice);
            view! { <option selected=*choice == now>{text}</option> }
        })
        .collect_view();
    let chosen = move |event| {
        let chosen = event_target_value(&event);
        let is = |choice: &&Setting| catalogue::setting(rule, **choice) == chosen;
        if let Some(choice) = choices.iter().find(is) {
            rules.update(|rules| rule.set(rules, *choice));
        }
    };
    let text = Signal::derive(move || rules.with(|rules| catalogue::rule_text(rule, rules)));
    view! {
        <div class="field rule">
            <div class="line">
                <label class="grow" for=id.clone()>{catalogue::rule(rule)}</label>
                <select id=id.clone() data-testid=id aria-describedby=hint.clone() on:change=chosen>
                    {options}
                </select>
            </div>
            <p class="hint" id=hint>{text}</p>
        </div>
    }
    .into_any()
}

/// The rules to read.
pub fn sentences(rules: &ConstitutionView) -> AnyView {
    let applies = Rule::ALL.into_iter().filter(|rule| rule.applies(rules));
    let row = |rule: Rule| {
        let text = catalogue::rule_text(rule, rules);
        told(
            rule,
            "rule",
            view! { <dd class="whole">{text}</dd> }.into_any(),
        )
    };
    let rows: Vec<AnyView> = applies.map(row).collect();
    view! { <dl data-testid="rules">{rows}</dl> }.into_any()
}

fn told(rule: Rule, id: &'static str, content: AnyView) -> AnyView {
    view! {
        <div class="learn" data-testid=id><dt>{catalogue::rule(rule)}</dt>{content}</div>
    }
    .into_any()
}

/// What differs between two sets of rules, in sentences.
pub fn changes(old: &ConstitutionView, new: &ConstitutionView) -> AnyView {
    let side = |name: &'static str, class: &'static str, text: String| {
        view! { <dd><b>{name}</b><span class=class>{text}</span></dd> }.into_any()
    };
    let row = |rule: Rule| {
        let sides = vec![
            side(
                catalogue::RULE_BEFORE,
                "soft",
                catalogue::rule_text(rule, old),
            ),
            side(catalogue::RULE_AFTER, "", catalogue::rule_text(rule, new)),
        ];
        told(rule, "change", sides.into_any())
    };
    let changes: Vec<AnyView> = difference(old, new).into_iter().map(row).collect();
    match changes.is_empty() {
        true => para("soft", "", catalogue::RULES_SAME),
        false => view! { <dl>{changes}</dl> }.into_any(),
    }
}
