//! Cutting keys, told by the Keymaker: a name, 24 words shown and checked, a passphrase, the lock.
//!
//! The words come before the lock, because nothing is stored until the vault is sealed: who closes
//! the page in between has lost nothing and may begin again.

use komrade_view::{Answer, Command, MAX_NAME_CHARS, Secret, VaultState};
use leptos::{ev::SubmitEvent, html, prelude::*};

use super::passphrase::NewPassphrase;
use crate::{
    bridge::Failure,
    browser,
    catalogue::{self, Narrator},
    parts::{Field, Heading, Line, Narration, Notice, Progress, Screen, Title},
    ui::{Ui, ui},
};

/// How many words are asked back.
const ASKED: usize = 3;
/// How many steps a person counts.
const STEPS: usize = 4;

/// How far the cutting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Name,
    Words,
    Check,
    Passphrase,
    Sealing,
}

impl Step {
    fn number(self) -> usize {
        match self {
            Self::Name => 1,
            Self::Words => 2,
            Self::Check => 3,
            Self::Passphrase | Self::Sealing => 4,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Words => "words",
            Self::Check => "check",
            Self::Passphrase => "passphrase",
            Self::Sealing => "sealing",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::Name => catalogue::SAYS_NAME,
            Self::Words => catalogue::SAYS_DRAWN,
            Self::Check => catalogue::SAYS_CHECK,
            Self::Passphrase => catalogue::SAYS_LOCK,
            Self::Sealing => catalogue::SAYS_SEALING,
        }
    }

    /// What the Keymaker has said so far.
    fn said(self) -> Vec<Line> {
        [
            Self::Name,
            Self::Words,
            Self::Check,
            Self::Passphrase,
            Self::Sealing,
        ]
        .into_iter()
        .take_while(|step| *step as u8 <= self as u8)
        .map(|step| (Narrator::Keymaker, step.says()))
        .collect()
    }
}

/// What the steps hand on.
#[derive(Clone, Copy)]
struct State {
    ui: Ui,
    step: RwSignal<Step>,
    words: RwSignal<Option<Secret>>,
    offered: RwSignal<Option<Secret>>,
    error: RwSignal<String>,
}

/// Cutting keys.
#[component]
pub fn Cutting() -> impl IntoView {
    let state = State {
        ui: ui(),
        step: RwSignal::new(Step::Name),
        words: RwSignal::new(None),
        offered: RwSignal::new(None),
        error: RwSignal::default(),
    };
    let step = state.step;
    view! {
        <Screen id="screen-cutting">
            <Title text=catalogue::CUTTING_TITLE.to_owned()/>
            <div class="steps" data-testid="cutting-step" data-step=move || step.get().name()>
                <progress
                    max=STEPS
                    value=move || step.get().number()
                    aria-label=move || catalogue::cutting_step(step.get().number(), STEPS)
                ></progress>
                <span class="small soft">{move || catalogue::cutting_step(step.get().number(), STEPS)}</span>
            </div>
            <Narration lines=Signal::derive(move || step.get().said()) last=2/>
            {move || match step.get() {
                Step::Name => view! { <Name state/> }.into_any(),
                Step::Words => view! { <Words state/> }.into_any(),
                Step::Check => view! { <Check state/> }.into_any(),
                Step::Passphrase => view! { <Passphrase state/> }.into_any(),
                Step::Sealing => view! { <Sealing state/> }.into_any(),
            }}
        </Screen>
    }
}

#[component]
fn Name(
    /// What the steps hand on.
    state: State,
) -> impl IntoView {
    let State {
        ui,
        step,
        words,
        offered,
        error,
    } = state;
    let node = NodeRef::<html::Input>::new();
    let draw = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = node.get_untracked() else {
            return;
        };
        let name = input.value().trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            error.set(catalogue::NAME_MISSING.to_owned());
            let _ = input.focus();
            return;
        }
        error.set(String::new());
        leptos::task::spawn_local(async move {
            match ui.ask(Command::CutKeys { name }).await {
                Ok(Answer::Keys {
                    words: drawn,
                    passphrase,
                }) => {
                    words.try_set(Some(drawn));
                    offered.try_set(Some(passphrase));
                    step.try_set(Step::Words);
                }
                Ok(_) => {}
                Err(failure) => {
                    error.try_set(catalogue::failure(failure).to_owned());
                }
            }
        });
    };
    view! {
        <form class="stack" on:submit=draw novalidate>
            <Field
                id="name"
                label=catalogue::NAME_LABEL
                hint=catalogue::NAME_HINT
                node
                error
                focus=true
                longest=MAX_NAME_CHARS as u32
            />
            <div class="actions">
                <button class="btn" data-testid="name-next">{catalogue::NAME_NEXT}</button>
                <button
                    type="button"
                    class="btn quiet"
                    data-testid="cutting-cancel"
                    on:click=move |_| ui.cutting.set(false)
                >
                    {catalogue::CANCEL}
                </button>
            </div>
        </form>
    }
}

#[component]
fn Words(
    /// What the steps hand on.
    state: State,
) -> impl IntoView {
    let rows = move || {
        state.words.with(|words| {
            let words = words.as_ref().map_or("", Secret::expose);
            words
                .split(' ')
                .map(|word| view! { <li><span data-testid="word">{word.to_owned()}</span></li> })
                .collect_view()
        })
    };
    view! {
        <section class="stack">
            <Heading text=catalogue::WORDS_TITLE/>
            <p>{catalogue::WORDS_DO}" "{catalogue::WORDS_KEEP}</p>
            <ol class="words" data-testid="words" aria-label=catalogue::WORDS_LIST lang="en" dir="ltr">{rows}</ol>
            <Notice id="words-not"><p>{catalogue::WORDS_DO_NOT}</p></Notice>
            <button
                type="button"
                class="btn"
                data-testid="words-written"
                on:click=move |_| state.step.set(Step::Check)
            >
                {catalogue::WORDS_WRITTEN}
            </button>
        </section>
    }
}

/// `ASKED` different positions of `0..of`, in order, chosen by `choose(below)`.
fn positions(of: usize, choose: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..of).collect();
    let mut asked: Vec<usize> = (0..ASKED.min(of))
        .map(|_| left.swap_remove(choose(left.len())))
        .collect();
    asked.sort_unstable();
    asked
}

#[component]
fn Check(
    /// What the steps hand on.
    state: State,
) -> impl IntoView {
    let words = state
        .words
        .get_untracked()
        .unwrap_or_else(|| Secret::new(""));
    let asked: Vec<_> = positions(words.expose().split(' ').count(), browser::choose)
        .into_iter()
        .map(|at| {
            (
                at,
                NodeRef::<html::Input>::new(),
                RwSignal::new(String::new()),
            )
        })
        .collect();
    let fields = asked
        .iter()
        .enumerate()
        .map(|(index, (at, node, error))| {
            view! {
                <div data-testid="check-word" data-position=at + 1>
                    <Field
                        id=format!("check-{}", index + 1)
                        label=catalogue::check_label(at + 1)
                        node=*node
                        error=*error
                        focus=index == 0
                    />
                </div>
            }
        })
        .collect_view();
    let check = move |event: SubmitEvent| {
        event.prevent_default();
        let mut wrong = None;
        for (at, node, error) in &asked {
            let Some(input) = node.get_untracked() else {
                return;
            };
            let typed = input.value().trim().to_lowercase();
            let right = words.expose().split(' ').nth(*at) == Some(typed.as_str());
            error.set(match (right, typed.is_empty()) {
                (true, _) => String::new(),
                (false, true) => catalogue::check_empty(at + 1),
                (false, false) => catalogue::check_wrong(at + 1),
            });
            if !right && wrong.is_none() {
                wrong = Some(input);
            }
        }
        match wrong {
            Some(input) => {
                let _ = input.focus();
            }
            None => {
                state.words.set(None);
                state.step.set(Step::Passphrase);
            }
        }
    };
    view! {
        <form class="stack" on:submit=check novalidate>
            <h2>{catalogue::CHECK_TITLE}</h2>
            <div class="three">{fields}</div>
            <div class="actions">
                <button class="btn" data-testid="check-next">{catalogue::CHECK_NEXT}</button>
                <button
                    type="button"
                    class="btn quiet"
                    data-testid="check-again"
                    on:click=move |_| state.step.set(Step::Words)
                >
                    {catalogue::CHECK_AGAIN}
                </button>
            </div>
        </form>
    }
}

/// Seals the vault; a failure leads back to the passphrase with a sentence.
fn seal(state: State, passphrase: Secret) {
    let State {
        ui, step, error, ..
    } = state;
    error.set(String::new());
    step.set(Step::Sealing);
    // Taken out before the vault opens, so that a new person is not asked twice.
    let join = ui.join.get_untracked();
    ui.join.set(None);
    ui.join_damaged.set(false);
    leptos::task::spawn_local(async move {
        match ui.ask(Command::SealVault { passphrase }).await {
            Ok(_) => {
                if let Some(link) = join
                    && ui
                        .ask(Command::UseRelay { link: link.clone() })
                        .await
                        .is_err()
                {
                    // Offered again, where the reason is told.
                    ui.join.set(Some(link));
                }
            }
            Err(failure) => {
                ui.join.set(join);
                error.try_set(catalogue::failure(failure).to_owned());
                let again = matches!(failure, Failure::Refused(komrade_view::Refusal::NoKeysCut));
                step.try_set(if again { Step::Name } else { Step::Passphrase });
            }
        }
    });
}

#[component]
fn Passphrase(
    /// What the steps hand on.
    state: State,
) -> impl IntoView {
    let own = RwSignal::new(false);
    let choice = NewPassphrase::new();
    let seal_own = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(passphrase) = choice.read() {
            seal(state, passphrase);
        }
    };
    let take = move |_| {
        if let Some(passphrase) = state.offered.get_untracked() {
            seal(state, passphrase);
        }
    };
    let offered = move || {
        state
            .offered
            .with(|words| words.as_ref().map(|words| words.expose().to_owned()))
    };
    let error = state.error;
    view! {
        <section class="stack">
            <Heading text=catalogue::PASSPHRASE_TITLE/>
            <p class="error" role="alert" data-testid="seal-error">{error}</p>
            {move || if own.get() {
                view! {
                    <form class="stack" on:submit=seal_own novalidate>
                        {choice.fields(true)}
                        <div class="actions">
                            <button class="btn" data-testid="passphrase-seal">{catalogue::PASSPHRASE_SEAL}</button>
                            <button
                                type="button"
                                class="btn quiet"
                                data-testid="passphrase-offer"
                                on:click=move |_| own.set(false)
                            >
                                {catalogue::PASSPHRASE_OFFER}
                            </button>
                        </div>
                    </form>
                }.into_any()
            } else {
                view! {
                    <div class="card">
                        <p class="small"><b>{catalogue::PASSPHRASE_OFFERED}</b></p>
                        <p class="passphrase" data-testid="passphrase-offered" lang="en" dir="ltr">{offered}</p>
                    </div>
                    <p class="small soft">{catalogue::PASSPHRASE_OFFERED_HINT}</p>
                    <div class="actions">
                        <button type="button" class="btn" data-testid="passphrase-take" on:click=take>
                            {catalogue::PASSPHRASE_TAKE}
                        </button>
                        <button
                            type="button"
                            class="btn quiet"
                            data-testid="passphrase-own-instead"
                            on:click=move |_| own.set(true)
                        >
                            {catalogue::PASSPHRASE_OWN}
                        </button>
                    </div>
                }.into_any()
            }}
        </section>
    }
}

#[component]
fn Sealing(
    /// What the steps hand on.
    state: State,
) -> impl IntoView {
    let ui = state.ui;
    let began = ui.now.get_untracked();
    let since = Signal::derive(move || match ui.vault.get() {
        Some(VaultState::Stretching(since)) => since,
        _ => began,
    });
    view! {
        <Progress id="sealing" stage=catalogue::SEALING.to_owned() since/>
        <p class="small soft">{catalogue::SEALING_SAFE}</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_different_words_are_asked_in_order() {
        assert_eq!(positions(24, |_| 0), [0, 22, 23]);
        assert_eq!(positions(24, |below| below - 1), [21, 22, 23]);
        assert_eq!(positions(2, |_| 0), [0, 1]);
    }

    #[test]
    fn the_keymaker_has_said_what_led_here() {
        assert_eq!(Step::Name.said().len(), 1);
        assert_eq!(
            Step::Sealing.said().last().map(|line| line.1),
            Some(catalogue::SAYS_SEALING)
        );
    }
}
