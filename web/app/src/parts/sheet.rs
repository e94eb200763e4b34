//! A sheet: at the bottom on phones, in the middle on desktops. The browser's own dialog keeps the
//! focus inside and closes on Escape.

use leptos::{html, prelude::*};

/// A sheet that is open as long as it exists.
#[component]
pub fn Sheet(
    /// For tests.
    id: &'static str,
    /// Its heading.
    #[prop(into)]
    title: String,
    /// The person closed it.
    #[prop(into)]
    on_close: Callback<()>,
    /// What is inside.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            let _ = dialog.show_modal();
        }
    });
    let heading = format!("{id}-title");
    view! {
        <dialog
            class="sheet"
            data-testid=id
            node_ref=node
            aria-labelledby=heading.clone()
            on:close=move |_| on_close.run(())
        >
            <h2 id=heading.clone()>{title}</h2>
            {children()}
        </dialog>
    }
}
