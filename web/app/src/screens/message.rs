//! One message, and how far it has come.

use komrade_view::{ComradeId, MessageView, Tick};
use leptos::prelude::*;

use crate::{catalogue, clock, ui::ui};

/// Written so much earlier than it came, a message tells both times.
const LATE_MILLIS: u64 = 10 * 60_000;

/// The tick as tests see it.
fn tick_name(tick: Tick) -> &'static str {
    match tick {
        Tick::Theirs => "theirs",
        Tick::Kept => "kept",
        Tick::Accepted(_) => "accepted",
        Tick::Delivered(_) => "delivered",
        Tick::Expired => "expired",
    }
}

/// A message.
#[component]
pub fn Message(
    /// In whose conversation.
    id: ComradeId,
    /// The comrade's name.
    name: Memo<String>,
    /// Both sides have confirmed.
    met: Memo<bool>,
    /// The two devices may be linked directly.
    live: Memo<bool>,
    /// The message.
    message: MessageView,
    /// It stands close to the one above.
    close: bool,
    /// The newest of one's own messages that waits: only that one tells what for.
    newest_kept: Memo<Option<u64>>,
) -> impl IntoView {
    let ui = ui();
    let MessageView {
        ordinal,
        mine,
        text,
        written_at,
        kept_at,
        tick,
    } = message;
    let today = ui.today();
    let explained = RwSignal::new(false);
    let came = catalogue::time(clock::wall(kept_at));
    let late = (!mine && kept_at.saturating_sub(written_at) > LATE_MILLIS)
        .then(|| clock::wall(written_at));
    let how_far = move || {
        if tick != Tick::Kept || newest_kept.get() != Some(ordinal) {
            return catalogue::tick(tick, live.get()).to_owned();
        }
        ui.route.with(|route| match route {
            Some(route) => {
                let wait = route.wait_for(id, met.get());
                // Nobody waits longer for this message than it exists.
                let since = wait.since.map(|since| since.max(kept_at));
                catalogue::tick_waiting(
                    wait,
                    since.map(|since| clock::seconds_between(since, ui.now.get())),
                )
            }
            None => catalogue::tick(tick, live.get()).to_owned(),
        })
    };
    let meta = move || {
        let late = late.map(|late| catalogue::written(&catalogue::day_and_time(late, today.get())));
        [
            Some(came.clone()),
            late,
            Some(how_far()).filter(|text| !text.is_empty()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
    };
    let explanation = move || {
        let at = match tick {
            Tick::Accepted(at) | Tick::Delivered(at) => at,
            _ => kept_at,
        };
        catalogue::tick_explained(
            tick,
            &name.get(),
            &catalogue::day_and_time(clock::wall(at), today.get()),
            live.get(),
        )
    };
    let explanation_id = format!("tick-{ordinal}");
    view! {
        <li
            class="msg"
            class:me=mine
            class:close=close
            class:failed=tick == Tick::Expired
            data-testid="message"
            data-ordinal=ordinal
            data-mine=mine.to_string()
            data-tick=tick_name(tick)
        >
            <span class="unseen">
                {move || catalogue::written_by((!mine).then(|| name.get()).as_deref())}
            </span>
            <p class="text" dir="auto" data-testid="message-text">{text}</p>
            <button
                type="button"
                class="meta"
                class:waits=tick == Tick::Kept
                data-testid="tick"
                aria-expanded=move || explained.get().to_string()
                aria-controls=explanation_id.clone()
                on:click=move |_| explained.update(|shown| *shown = !*shown)
            >
                {meta}
                <span class="unseen">" "{catalogue::TICK_WHAT}</span>
            </button>
            <p class="explained small" id=explanation_id data-testid="tick-explained" hidden=move || !explained.get()>
                {explanation}
            </p>
        </li>
    }
}
