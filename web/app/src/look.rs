//! How the app looks on this device: as the system says, or as the person chose.

use crate::browser;

const LOOK: &str = "komrade.look";
const CONTRAST: &str = "komrade.contrast";

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// As the device.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Look {
    /// All, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// As stored and as the style sheet knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What was chosen on this device.
    pub fn chosen() -> Self {
        let stored = browser::preference(LOOK);
        Self::ALL
            .into_iter()
            .find(|look| stored.as_deref() == Some(look.name()))
            .unwrap_or_default()
    }

    /// Chooses and shows.
    pub fn choose(self) {
        browser::set_preference(LOOK, (self != Self::System).then_some(self.name()));
        self.show();
    }

    fn show(self) {
        browser::set_root("data-look", (self != Self::System).then_some(self.name()));
    }
}

/// Whether high contrast was chosen.
pub fn high_contrast() -> bool {
    browser::preference(CONTRAST).is_some()
}

/// Chooses high contrast, or takes it back.
pub fn choose_high_contrast(on: bool) {
    browser::set_preference(CONTRAST, on.then_some("more"));
    browser::set_root("data-contrast", on.then_some("more"));
}

/// Shows what was chosen earlier. Call once at the start.
pub fn restore() {
    Look::chosen().show();
    browser::set_root("data-contrast", high_contrast().then_some("more"));
}
