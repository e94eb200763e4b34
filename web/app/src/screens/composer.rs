//! The field to write in. What was typed stays until it is kept by the engine, across failures and
//! navigation.

use komrade_view::{Answer, CollectiveCommand, Command, MAX_TEXT_BYTES};
use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};

use crate::{
    browser, catalogue,
    length::{Longest, Room, room},
    parts::{Icon, Sign, area::told},
    thread::{Line, Talk, mention_begun, mentioned, rest_of_draft},
    ui::{Ui, ui},
};

/// The longest message, and the longest post.
const LONGEST: Longest = Longest::Bytes(MAX_TEXT_BYTES);
/// The field grows to this many lines, then scrolls.
const MOST_LINES: usize = 8;
/// So many members are offered for a name that is begun.
const OFFERED: usize = 4;

/// The field to write in.
#[component]
pub fn Composer(
    /// Where.
    talk: Talk,
    /// The comrade's name, or the collective's.
    name: Memo<String>,
) -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Textarea>::new();
    let text = RwSignal::new(ui.draft(talk));
    let error = RwSignal::new("");
    let sending = RwSignal::new(false);
    let keyboard = browser::has_keyboard();
    Effect::new(move |_| {
        // Whoever answers a post goes on writing here.
        let answers = ui.reply.with(Option::is_some);
        if let Some(field) = node.get()
            && (keyboard || answers)
        {
            let _ = field.focus();
        }
    });
    let typed = move |now: String| {
        ui.set_draft(talk, now.clone());
        let _ = text.try_set(now);
    };
    let left = Memo::new(move |_| text.with(|text| room(text, LONGEST)));
    let over = move || matches!(left.get(), Room::Over(_));
    let send = move || {
        let sent = text.get_untracked();
        if sending.get_untracked() || sent.trim().is_empty() || untrack(over) {
            return;
        }
        sending.set(true);
        error.set("");
        let command = command(ui, talk, sent.clone());
        leptos::task::spawn_local(async move {
            match ui.ask(command).await {
                Ok(answer) => {
                    // The person may have typed on, or gone to another conversation.
                    typed(rest_of_draft(&ui.draft(talk), &sent));
                    let line = match answer {
                        Answer::Sent(message) => Some(Line::Message(message)),
                        Answer::Posted(post) => Some(Line::Post(post)),
                        _ => None,
                    };
                    if let Some(line) = line {
                        ui.in_thread(talk, |thread| {
                            thread.read_at_open = line.ordinal();
                            thread.line(line);
                        });
                        if !text.is_disposed() {
                            ui.reply.set(None);
                        }
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
    let nothing = move || text.with(|text| text.trim().is_empty());
    view! {
        <form class="composer" on:submit=submit novalidate>
            <p class="error" role="alert" id="composer-error" data-testid="composer-error">{error}</p>
            {told(move || left.get(), "composer-room".to_owned(), "composer-room".to_owned())}
            {matches!(talk, Talk::Collective(_)).then(|| beside(ui, text, typed, node))}
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

/// What says it.
fn command(ui: Ui, talk: Talk, text: String) -> Command {
    let collective = match talk {
        Talk::Comrade(comrade) => return Command::SendMessage { comrade, text },
        Talk::Collective(collective) => collective,
    };
    let reply = ui.reply.get_untracked();
    let mentions = ui.detail.with_untracked(|detail| {
        let members = detail.as_ref().map(|detail| detail.members.as_slice());
        mentioned(&text, members.unwrap_or_default())
    });
    Command::Collective(CollectiveCommand::Post {
        collective,
        text,
        reply_to: reply.map(|reply| reply.post),
        mentions,
    })
}

/// In a collective: what is being answered, and who could be meant by a name that is begun.
fn beside(
    ui: Ui,
    text: RwSignal<String>,
    typed: impl Fn(String) + Copy + Send + 'static,
    node: NodeRef<html::Textarea>,
) -> AnyView {
    let begun = Memo::new(move |_| text.with(|text| mention_begun(text).map(str::to_owned)));
    let offered = Memo::new(move |_| {
        let begun = begun.get()?.to_lowercase();
        ui.detail.with(|detail| {
            let members = detail.as_ref()?.members.iter();
            let fits = members.filter(|member| {
                let name = member.name.to_lowercase();
                !member.is_self && name.starts_with(&begun) && name != begun
            });
            let names = fits.map(|member| member.name.clone());
            Some(names.take(OFFERED).collect::<Vec<_>>())
        })
    });
    let take = move |name: &str| {
        let begun = begun.get_untracked().unwrap_or_default();
        let mut now = text.get_untracked();
        now.truncate(now.len().saturating_sub(begun.len()));
        now.push_str(name);
        now.push(' ');
        typed(now);
        if let Some(field) = node.get_untracked() {
            let _ = field.focus();
        }
    };
    view! {
        {move || ui.reply.get().map(|reply| view! {
            <div class="quote" data-testid="replying">
                <div class="grow">
                    <p class="small">{catalogue::answering(&reply.name)}</p>
                    <p class="small soft cut" dir="auto">{reply.text}</p>
                </div>
                <button
                    type="button"
                    class="btn plain"
                    data-testid="reply-not"
                    on:click=move |_| ui.reply.set(None)
                >
                    {catalogue::CANCEL}
                </button>
            </div>
        })}
        {move || offered.get().filter(|names| !names.is_empty()).map(|names| view! {
            <div class="actions" role="group" aria-label=catalogue::MENTION data-testid="mentions">
                {names.into_iter().map(|name| {
                    let taken = name.clone();
                    view! {
                        <button
                            type="button"
                            class="btn quiet"
                            data-testid="mention"
                            on:click=move |_| take(&taken)
                        >
                            "@"{name}
                        </button>
                    }
                }).collect_view()}
            </div>
        })}
    }
    .into_any()
}
