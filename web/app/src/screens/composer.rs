//! The field to write in. What was typed stays until it is kept by the engine, across failures and
//! navigation.

use komrade_view::{Answer, Command, ComradeId, MAX_TEXT_BYTES};
use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};

use crate::{
    browser, catalogue,
    parts::{Icon, Sign},
    thread::rest_of_draft,
    ui::ui,
};

/// The room left is told from here on.
const TELL_BELOW: usize = 2_000;
/// The field grows to this many lines, then scrolls.
const MOST_LINES: usize = 8;

/// The field to write in.
#[component]
pub fn Composer(
    /// To whom.
    id: ComradeId,
    /// Their name.
    name: Memo<String>,
) -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Textarea>::new();
    let text = RwSignal::new(ui.draft(id));
    let error = RwSignal::new("");
    let sending = RwSignal::new(false);
    let keyboard = browser::has_keyboard();
    Effect::new(move |_| {
        if let Some(field) = node.get()
            && keyboard
        {
            let _ = field.focus();
        }
    });
    let typed = move |now: String| {
        ui.set_draft(id, now.clone());
        let _ = text.try_set(now);
    };
    let send = move || {
        let sent = text.get_untracked();
        if sending.get_untracked() || sent.trim().is_empty() {
            return;
        }
        sending.set(true);
        error.set("");
        leptos::task::spawn_local(async move {
            match ui
                .ask(Command::SendMessage {
                    comrade: id,
                    text: sent.clone(),
                })
                .await
            {
                Ok(answer) => {
                    // The person may have typed on, or gone to another conversation.
                    typed(rest_of_draft(&ui.draft(id), &sent));
                    if let Answer::Sent(message) = answer {
                        let seen = message.ordinal;
                        ui.in_thread(id, |thread| {
                            thread.read_at_open = seen;
                            thread.message(message);
                        });
                    }
                }
                Err(failure) => {
                    error.try_set(catalogue::failure(failure));
                }
            }
            sending.try_set(false);
        });
    };
    let key = move |event: KeyboardEvent| {
        if keyboard && event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send();
        if let Some(field) = node.get_untracked() {
            let _ = field.focus();
        }
    };
    let length = Memo::new(move |_| text.with(String::len));
    let room = move || {
        let length = length.get();
        match MAX_TEXT_BYTES.checked_sub(length) {
            None => catalogue::bytes_over(length - MAX_TEXT_BYTES),
            Some(left) if left < TELL_BELOW => catalogue::bytes_left(left),
            Some(_) => String::new(),
        }
    };
    let over = move || length.get() > MAX_TEXT_BYTES;
    let nothing = move || text.with(|text| text.trim().is_empty());
    view! {
        <form class="composer" on:submit=submit novalidate>
            <p class="error" role="alert" id="composer-error" data-testid="composer-error">{error}</p>
            <p class="small soft" class:act=over role="status" id="composer-room" data-testid="composer-room">{room}</p>
            <div class="line">
                <textarea
                    node_ref=node
                    data-testid="composer"
                    rows=move || text.with(|text| text.split('\n').count().min(MOST_LINES))
                    dir="auto"
                    placeholder=move || catalogue::write_to(&name.get())
                    aria-label=move || catalogue::write_to(&name.get())
                    aria-describedby="composer-error composer-room"
                    aria-invalid=move || over().then_some("true")
                    prop:value=text
                    on:input=move |event| typed(event_target_value(&event))
                    on:keydown=key
                ></textarea>
                <button
                    class="btn round"
                    data-testid="send"
                    aria-label=catalogue::SEND
                    aria-disabled=move || (nothing() || over()).then_some("true")
                >
                    <Icon sign=Sign::Send/>
                </button>
            </div>
        </form>
    }
}
