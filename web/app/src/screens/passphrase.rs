//! Choosing a passphrase: typed twice, readable on demand, each error at its field.

use komrade_view::{MIN_PASSPHRASE_CHARS, Secret};
use leptos::{html, prelude::*, web_sys::HtmlInputElement};

use crate::{
    catalogue,
    parts::{Field, Reveal},
};

/// The two fields of a new passphrase.
#[derive(Clone, Copy)]
pub struct NewPassphrase {
    first: NodeRef<html::Input>,
    second: NodeRef<html::Input>,
    first_error: RwSignal<String>,
    second_error: RwSignal<String>,
    readable: RwSignal<bool>,
}

impl NewPassphrase {
    /// Empty fields. Call inside the component that shows them.
    pub fn new() -> Self {
        Self {
            first: NodeRef::new(),
            second: NodeRef::new(),
            first_error: RwSignal::default(),
            second_error: RwSignal::default(),
            readable: RwSignal::new(false),
        }
    }

    /// What was typed, if it will do; otherwise the field in question says why and takes the focus.
    pub fn read(self) -> Option<Secret> {
        let (first, second) = (self.first.get_untracked()?, self.second.get_untracked()?);
        self.first_error.set(String::new());
        self.second_error.set(String::new());
        let (typed, again) = (Secret::new(first.value()), Secret::new(second.value()));
        if length(typed.expose()) < MIN_PASSPHRASE_CHARS {
            self.refuse(catalogue::refusal(
                komrade_view::Refusal::PassphraseTooShort,
            ));
            return None;
        }
        if !same(typed.expose(), again.expose()) {
            self.second_error
                .set(catalogue::PASSPHRASE_DIFFERS.to_owned());
            let _ = second.focus();
            return None;
        }
        Some(typed)
    }

    /// Says why what was typed will not do.
    pub fn refuse(self, why: &str) {
        self.first_error.set(why.to_owned());
        if let Some(input) = self.first.get_untracked() {
            let _ = input.focus();
        }
    }

    /// Empties both fields.
    pub fn clear(self) {
        for node in [self.first, self.second] {
            if let Some(input) = node.get_untracked() {
                input.set_value("");
            }
        }
    }

    /// The two fields; `passphrase-own` and `passphrase-again` for tests.
    pub fn fields(self, focus: bool) -> impl IntoView {
        view! {
            <Field
                id="passphrase-own"
                label=catalogue::PASSPHRASE_NEW
                hint=catalogue::PASSPHRASE_HINT
                node=self.first
                error=self.first_error
                readable=self.readable
                focus
                end=view! { <Reveal readable=self.readable id="passphrase-show"/> }.into_any()
            />
            <Field
                id="passphrase-again"
                label=catalogue::PASSPHRASE_AGAIN
                node=self.second
                error=self.second_error
                readable=self.readable
            />
        }
    }
}

/// The passphrase that is there already, as typed; if nothing was, the field says so and takes the focus.
pub fn typed(input: &HtmlInputElement, error: RwSignal<String>) -> Option<Secret> {
    let passphrase = Secret::new(input.value());
    if passphrase.expose().trim().is_empty() {
        error.set(catalogue::UNLOCK_EMPTY.to_owned());
        let _ = input.focus();
        return None;
    }
    error.set(String::new());
    Some(passphrase)
}

/// How many characters count: those of the words, and one space between each two.
fn length(passphrase: &str) -> usize {
    let words = passphrase.split_whitespace();
    words.fold(0, |sum, word| {
        sum + usize::from(sum > 0) + word.chars().count()
    })
}

/// Whether both are the same to the vault, to which it does not matter how widely words are spaced.
fn same(first: &str, second: &str) -> bool {
    first.split_whitespace().eq(second.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_and_between_words_does_not_matter() {
        assert_eq!(length("  five   chars "), "five chars".len());
        assert_eq!(length(" \n"), 0);
        assert!(same(" one  two\n", "one two"));
        assert!(!same("one two", "onetwo"));
    }
}
