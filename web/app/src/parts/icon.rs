//! Drawings: the mark and a handful of signs, all of one stroke.

use leptos::prelude::*;

/// The mark: a star drawn as five nodes and the links between them.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path d="M16 3l9 25L2.5 12.5h27L7 28z"></path>
            <circle cx="16" cy="3.5" r="2.6"></circle>
            <circle cx="25" cy="28" r="2.6"></circle>
            <circle cx="2.8" cy="12.5" r="2.6"></circle>
            <circle cx="29.2" cy="12.5" r="2.6"></circle>
            <circle cx="7" cy="28" r="2.6"></circle>
        </svg>
    }
}

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// People.
    People,
    /// Two who meet.
    Meet,
    /// The route.
    Route,
    /// Settings.
    Settings,
    /// Back; points to where lines begin.
    Back,
    /// Send.
    Send,
    /// Down.
    Down,
    /// Verified.
    Check,
    /// Waits.
    Clock,
    /// Needs the person.
    Alert,
    /// Not asked for.
    Off,
}

impl Sign {
    fn path(self) -> &'static str {
        match self {
            Self::People => {
                "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.4a3.5 3.5 0 0 1 0 6.2M18 14.4c2.2.8 3.5 2.8 3.5 5.6"
            }
            Self::Meet => "M12 5v14M5 12h14",
            Self::Route => {
                "M5 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4M19 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4M7 17h6a4 4 0 0 0 4-4V9"
            }
            Self::Settings => {
                "M4 7h9M19 7h1M16 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M4 17h1M11 17h9M8 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5"
            }
            Self::Back => "M15 5l-7 7 7 7",
            Self::Send => "M12 19V5M6 11l6-6 6 6",
            Self::Down => "M12 5v14M6 13l6 6 6-6",
            Self::Check => "M5 13l4.5 4.5L19 7",
            Self::Clock => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3 2",
            Self::Off => "M7 12h10",
            Self::Alert => "M12 4l9 16H3zM12 10v4M12 17v.01",
        }
    }
}

/// A sign, beside words that say the same: hidden from screen readers.
#[component]
pub fn Icon(
    /// Which.
    sign: Sign,
) -> impl IntoView {
    let class = if sign == Sign::Back {
        "icon turns"
    } else {
        "icon"
    };
    view! {
        <svg class=class viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=sign.path()></path>
        </svg>
    }
}
