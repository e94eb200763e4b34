//! What cannot be undone: deleting a conversation, removing a comrade. Each is explained first and asked once more.

use komrade_view::{Command, ComradeId, ComradeState, ComradeView};
use leptos::{html, prelude::*};

use crate::{
    catalogue,
    parts::{Notice, plain::alert},
    place::Place,
    ui::{Sending, ui},
};

/// Both of them.
#[component]
pub fn Forget(
    /// Whom it is about.
    id: ComradeId,
    /// The comrade.
    comrade: Memo<Option<ComradeView>>,
) -> impl IntoView {
    let known = Memo::new(move |_| comrade.with(Option::is_some));
    let met = Memo::new(move |_| {
        comrade.with(|view| {
            view.as_ref()
                .is_some_and(|view| view.state == ComradeState::Met)
        })
    });
    let name = Memo::new(move |_| {
        comrade.with(|view| catalogue::name(view.as_ref().map_or("", |view| view.name.as_str())))
    });
    view! {
        <Show when=move || known.get()>
            <section class="card stack" data-testid="forget">
                <h2>{catalogue::FORGET_TITLE}</h2>
                <Show when=move || met.get()>
                    <Once
                        id="delete-conversation"
                        text=Signal::derive(move || catalogue::delete_conversation_text(&name.get()))
                        action=catalogue::DELETE_CONVERSATION
                        sure=catalogue::DELETE_CONVERSATION_SURE
                        command=Command::DeleteConversation { comrade: id }
                        then=Place::Conversation(id)
                    />
                </Show>
                <Once
                    id="remove"
                    text=Signal::derive(move || catalogue::remove_text(&name.get()))
                    action=catalogue::REMOVE
                    sure=catalogue::REMOVE_SURE
                    command=Command::RemoveComrade { comrade: id }
                    then=Place::People
                />
            </section>
        </Show>
    }
}

/// One thing that is asked once more.
#[component]
pub fn Once(
    /// For tests: the button, `…-sure`, `…-not`.
    id: &'static str,
    /// What it does.
    #[prop(into)]
    text: Signal<String>,
    /// What the button says.
    action: &'static str,
    /// What the button says that does it.
    sure: &'static str,
    /// What does it.
    command: Command,
    /// Where the person is afterwards.
    then: Place,
) -> impl IntoView {
    let ui = ui();
    let asked = RwSignal::new(false);
    let sending = Sending::new();
    let command = StoredValue::new(command);
    // The button that had the focus goes: it moves to the one that does no harm.
    let keep = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        if let Some(button) = keep.get() {
            let _ = button.focus();
        }
    });
    let act = move |_| ui.attempt_and_go(command.get_value(), sending, move || ui.go(then));
    view! {
        <div class="stack">
            <p>{text}</p>
            {alert("", sending)}
            {move || if asked.get() {
                view! {
                    <Notice id="for-good" act=true><p>{catalogue::FOR_GOOD}</p></Notice>
                    <div class="actions">
                        <button type="button" class="btn" data-testid=format!("{id}-sure") on:click=act>
                            {sure}
                        </button>
                        <button
                            type="button"
                            class="btn quiet"
                            data-testid=format!("{id}-not")
                            node_ref=keep
                            on:click=move |_| asked.set(false)
                        >
                            {catalogue::CANCEL}
                        </button>
                    </div>
                }.into_any()
            } else {
                view! {
                    <button type="button" class="btn quiet" data-testid=id on:click=move |_| asked.set(true)>
                        {action}
                    </button>
                }.into_any()
            }}
        </div>
    }
}
