//! Introductions.

/// Section of a comrade's page.
pub const INTRODUCE_TITLE: &str = "Introduce";

/// What happens.
pub fn introduce_text(name: &str) -> String {
    format!(
        "{name} and whom you choose are each asked whether they want to meet; they see the other's name \
         and your words. They meet only if both say yes. If one says no, the other is not told; you see \
         who answered what."
    )
}

/// Whom to.
pub const INTRODUCE_TO: &str = "To whom?";
/// Nobody to choose.
pub const INTRODUCE_NOBODY: &str = "There is nobody else whom you have met.";
/// The field.
pub const INTRODUCE_WORDS: &str = "What do you say to both?";
/// Who reads it.
pub const INTRODUCE_WORDS_HINT: &str = "May stay empty. Both read the same.";
/// Asks both.
pub const INTRODUCE: &str = "Ask both";

/// Both are asked.
pub fn introduced(one: &str, other: &str) -> String {
    format!("{one} and {other} are asked.")
}

/// In the conversation with whoever introduces.
pub fn introduction_title(by: &str, name: &str) -> String {
    format!("{by} would introduce you to {name}")
}

/// What a yes and a no mean.
pub fn introduction_text(by: &str, name: &str) -> String {
    format!(
        "If you say yes and {name} does, too, you become comrades. {by} sees what you answer. If you \
         say no, {name} is not told, and cannot tell it from no answer."
    )
}

/// Yes.
pub const INTRODUCTION_YES: &str = "Yes, introduce us";
/// No.
pub const INTRODUCTION_NO: &str = "No, thank you";

/// Waits for the other.
pub fn introduction_agreed(name: &str, when: &str) -> String {
    format!(
        "You said yes {when}. If {name} says yes, too, they appear among your comrades by themselves; \
         if not, you hear nothing."
    )
}

/// Takes the yes back.
pub const INTRODUCTION_BACK: &str = "Take my yes back";

/// Both said yes.
pub fn introduction_met(by: &str, name: &str) -> String {
    format!(
        "{by} introduced you to {name}. Compare the code: {by} could have answered in their place."
    )
}

/// Opens the conversation.
pub fn introduction_open(name: &str) -> String {
    format!("Write to {name}")
}

/// It is seen.
pub const INTRODUCTION_SEEN: &str = "Hide this";

/// How far one's own is; each with what they said.
pub fn introduction_own(
    one: (&str, Option<bool>),
    other: (&str, Option<bool>),
    passed_on: bool,
) -> String {
    if passed_on {
        let (one, other) = (one.0, other.0);
        return format!("You introduced {one} and {other}: both said yes, and they can meet.");
    }
    let said = |(name, said): (&str, Option<bool>)| match said {
        None => format!("{name} has not answered"),
        Some(true) => format!("{name} said yes"),
        Some(false) => format!("{name} said no, and nothing comes of it"),
    };
    format!(
        "You would introduce {} and {}: {}; {}.",
        one.0,
        other.0,
        said(one),
        said(other)
    )
}

/// Somebody introduces, in a row.
pub fn introduces(name: &str) -> String {
    format!("Would introduce you to {name}")
}
