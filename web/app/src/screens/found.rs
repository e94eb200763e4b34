//! Founding a collective in three steps: its name, its rules, a look at both.

use komrade_view::{
    Answer, CollectiveCommand, Command, ConstitutionView, MAX_NAME_CHARS, Template,
};
use leptos::{html, prelude::*};

use super::editor::{editor, sentences};
use crate::{
    catalogue,
    parts::{
        Field, Heading, Title,
        plain::{
            self, alert, back, boxed, button, card, choices, form, live, maybe, nothing, para,
            radio, theirs,
        },
    },
    place::{Place, Room},
    ui::{Sending, Ui, ui},
};

const TEMPLATES: [(&str, Template); 3] = [
    ("template-0", Template::AffinityGroup),
    ("template-1", Template::TenantsUnion),
    ("template-2", Template::OpenAssembly),
];
const STEPS: usize = 3;

/// What was chosen so far.
#[derive(Clone, Copy)]
struct Founding {
    ui: Ui,
    step: RwSignal<usize>,
    name: RwSignal<String>,
    template: RwSignal<Template>,
    /// The rules that the template began with, once told.
    begun: RwSignal<Option<ConstitutionView>>,
    rules: RwSignal<Option<RwSignal<ConstitutionView>>>,
    sending: Sending,
}

/// Founding a collective.
#[component]
pub fn Found() -> impl IntoView {
    let ui = ui();
    let it = Founding {
        ui,
        step: RwSignal::new(1),
        name: RwSignal::default(),
        template: RwSignal::new(Template::AffinityGroup),
        begun: RwSignal::default(),
        rules: RwSignal::default(),
        sending: Sending::new(),
    };
    it.take(Template::AffinityGroup);
    view! {
        <div class="page" data-testid="screen-found" data-step=it.step>
            {back("back", Place::People, catalogue::BACK)}
            <Title text=catalogue::FOUND.to_owned()/>
            <p class="soft">{move || catalogue::step(it.step.get(), STEPS)}</p>
            {live(move || match it.step.get() {
                1 => named(it),
                2 => ruled(it),
                _ => looked_over(it),
            })}
        </div>
    }
}

impl Founding {
    /// Begins with the rules of a template.
    fn take(self, template: Template) {
        self.template.set(template);
        let command = Command::Collective(CollectiveCommand::Template(template));
        leptos::task::spawn_local(async move {
            let answer = self.ui.ask(command).await;
            // Another may have been chosen meanwhile, or the screen left.
            if self.template.try_get_untracked() != Some(template) {
                return;
            }
            match answer {
                Ok(Answer::Constitution(rules)) => {
                    self.rules.set(None);
                    self.begun.set(Some((*rules).clone()));
                    self.rules.set(Some(RwSignal::new(*rules)));
                }
                Ok(_) => {}
                Err(failure) => self.sending.error.set(catalogue::failure(failure)),
            }
        });
    }

    fn found(self) {
        let Some(rules) = self.rules.get_untracked() else {
            return;
        };
        let command = Command::Collective(CollectiveCommand::Found {
            name: self.name.get_untracked(),
            constitution: Box::new(rules.get_untracked()),
        });
        self.ui.attempt(command, self.sending, move |answer| {
            if let Answer::Collective(id) = answer {
                self.ui.go(Place::Collective(id, Room::Talk));
            }
        });
    }
}

fn named(it: Founding) -> AnyView {
    let node = NodeRef::<html::Input>::new();
    let error = RwSignal::new(String::new());
    Effect::new(move |_| {
        if let Some(input) = node.get() {
            input.set_value(&it.name.get_untracked());
        }
    });
    let submit = move || {
        let Some(input) = node.get_untracked() else {
            return;
        };
        let name = input.value().trim().to_owned();
        if name.is_empty() {
            error.set(catalogue::FOUND_NAME_MISSING.to_owned());
            let _ = input.focus();
            return;
        }
        it.name.set(name);
        it.step.set(2);
    };
    let field = view! {
        <Field
            id="found-name"
            label=catalogue::FOUND_NAME
            hint=catalogue::FOUND_NAME_HINT
            node
            error
            focus=true
            longest=MAX_NAME_CHARS as u32
        />
    }
    .into_any();
    let content = vec![field, plain::submit("found-next", catalogue::NEXT)];
    vec![
        para("", "", catalogue::COLLECTIVES_EMPTY),
        card("", catalogue::FOUND_NAME_TITLE, vec![form(content, submit)]),
    ]
    .into_any()
}

fn ruled(it: Founding) -> AnyView {
    let faults = RwSignal::new(Vec::new());
    let choice = move |(id, template): (&'static str, Template)| {
        let text = view! {
            <span>
                <b>{catalogue::template(template)}</b>
                <span class="small soft">{catalogue::template_text(template)}</span>
            </span>
        }
        .into_any();
        let is_chosen = it.template.get_untracked() == template;
        radio(
            "template",
            id.to_owned(),
            "choice tall",
            is_chosen,
            text,
            move || {
                it.take(template);
            },
        )
    };
    let edit = live(move || match (it.begun.get(), it.rules.get()) {
        (Some(before), Some(rules)) => editor(before, rules, None, faults),
        _ => nothing(),
    });
    let next = move || {
        let good = it.rules.get_untracked().is_some() && faults.with_untracked(Vec::is_empty);
        if good {
            it.step.set(3);
        }
    };
    let templates = TEMPLATES.map(choice).into_iter().collect();
    vec![
        card(
            "",
            "",
            vec![
                heading(catalogue::FOUND_RULES_TITLE),
                choices(catalogue::FOUND_TEMPLATE, templates),
                alert("", it.sending),
            ],
        ),
        card(
            "",
            "",
            vec![
                para("", "", catalogue::FOUND_EDIT),
                para("small soft", "", catalogue::RULES_ALONE),
                edit,
                para("small soft", "", catalogue::RULES_COUNT),
            ],
        ),
        steps(it, button("found-next", "btn", catalogue::NEXT, next)),
    ]
    .into_any()
}

fn heading(text: &'static str) -> AnyView {
    view! { <Heading text/> }.into_any()
}

fn looked_over(it: Founding) -> AnyView {
    let rules = it.rules.get_untracked().map(|rules| rules.get_untracked());
    vec![
        card(
            "",
            "",
            vec![
                heading(catalogue::FOUND_LOOK_TITLE),
                theirs("big breaks", "found-look-name", it.name.get_untracked()),
                maybe(rules.as_ref().map(sentences)),
                para("small soft", "", catalogue::RULES_COUNT),
            ],
        ),
        para("", "", catalogue::FOUND_ALONE),
        alert("found-error", it.sending),
        steps(
            it,
            button("found-sure", "btn", catalogue::FOUND_SURE, move || {
                it.found()
            }),
        ),
    ]
    .into_any()
}

/// On, and back.
fn steps(it: Founding, next: AnyView) -> AnyView {
    let back = move || it.step.update(|step| *step = step.saturating_sub(1));
    let back = button("found-back", "btn quiet", catalogue::BACK, back);
    boxed("actions", "", vec![next, back])
}
