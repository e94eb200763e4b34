//! The narrators: two sentences at most, in monospace, silenced for good by one touch.

use leptos::prelude::*;

use crate::{
    catalogue::{self, Narrator},
    ui::ui,
};

/// What a narrator says.
pub type Line = (Narrator, &'static str);

/// The last lines that were said; the newest stands out.
#[component]
pub fn Narration(
    /// In the order they were said.
    #[prop(into)]
    lines: Signal<Vec<Line>>,
    /// How many of the last are shown.
    #[prop(default = 1)]
    last: usize,
) -> impl IntoView {
    let ui = ui();
    let shown = move || {
        lines.with(|lines| {
            let skip = lines.len().saturating_sub(last);
            let newest = lines.len().saturating_sub(1);
            lines
                .iter()
                .enumerate()
                .skip(skip)
                .map(|(index, (who, says))| {
                    view! {
                        <p class:now=index == newest>
                            <b>{who.name()}":"</b>
                            " "
                            {*says}
                        </p>
                    }
                })
                .collect_view()
        })
    };
    view! {
        <Show when=move || ui.narrators.get()>
            <div class="narrator" data-testid="narrator">
                <div class="said" role="status">{shown}</div>
                <button
                    type="button"
                    class="btn link small"
                    data-testid="narrators-skip"
                    on:click=move |_| ui.set_narrators(false)
                >
                    {catalogue::NARRATORS_SKIP}
                </button>
            </div>
        </Show>
    }
}
