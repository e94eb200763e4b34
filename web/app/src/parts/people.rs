//! How people look: an initial on a tint of their own, and a code to compare.

use komrade_view::ComradeId;
use leptos::prelude::*;

use crate::catalogue;

/// How many tints there are in the style sheet.
const TINTS: u8 = 6;

/// The first letter of a name on a tint that stays the same for a comrade.
#[component]
pub fn Avatar(
    /// Whose.
    id: ComradeId,
    /// Their name.
    #[prop(into)]
    name: Signal<String>,
    /// It is a collective, not a person.
    #[prop(optional)]
    square: bool,
) -> impl IntoView {
    let ComradeId([first, ..]) = id;
    let initial = move || {
        let name = catalogue::name(&name.get());
        name.trim()
            .chars()
            .next()
            .map(|letter| letter.to_uppercase().collect::<String>())
    };
    view! {
        <span
            class=format!("avatar tint{}", first % TINTS)
            class:square=square
            aria-hidden="true"
            dir="auto"
        >
            {initial}
        </span>
    }
}

/// A verification code in its groups, easy to read out.
#[component]
pub fn Code(
    /// The code, groups separated by spaces.
    #[prop(into)]
    code: Signal<String>,
    /// For tests.
    id: &'static str,
) -> impl IntoView {
    let groups = move || {
        code.with(|code| {
            code.split_whitespace()
                .map(|group| view! { <span>{group.to_owned()}" "</span> })
                .collect_view()
        })
    };
    view! { <p class="code" dir="ltr" data-testid=id>{groups}</p> }
}
