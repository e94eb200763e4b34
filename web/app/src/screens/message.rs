//! One message or post, and how far it has come.

use komrade_view::{MessageView, PostTick, PostView, Tick};
use leptos::prelude::*;

use crate::{
    catalogue, clock,
    thread::{Line, Talk},
    ui::{Reply, ui},
    waiting::{For, Wait},
};

/// Written so much earlier than it came, a message tells both times.
const LATE_MILLIS: u64 = 10 * 60_000;

/// The tick as tests see it.
fn tick_name(line: &Line) -> &'static str {
    match line {
        Line::Message(message) => match message.tick {
            Tick::Theirs => "theirs",
            Tick::Kept => "kept",
            Tick::Accepted(_) => "accepted",
            Tick::Delivered(_) => "delivered",
            Tick::Expired => "expired",
        },
        Line::Post(post) => match post.tick {
            PostTick::Theirs => "theirs",
            PostTick::Kept => "kept",
            PostTick::Accepted { .. } => "accepted",
            PostTick::Seen(_) => "seen",
        },
    }
}

/// A message, or a post.
#[component]
pub fn Message(
    /// Where it was said.
    talk: Talk,
    /// The comrade's name, or the collective's.
    name: Memo<String>,
    /// Both sides have confirmed.
    met: Memo<bool>,
    /// The two devices may be linked directly.
    live: Memo<bool>,
    /// What was said.
    line: Line,
    /// It stands close to the one above.
    close: bool,
    /// The newest of one's own that waits: only that one tells what for.
    newest_kept: Memo<Option<u64>>,
) -> impl IntoView {
    let ui = ui();
    let today = ui.today();
    let explained = RwSignal::new(false);
    let (ordinal, mine, kept_at) = (line.ordinal(), line.mine(), line.kept_at());
    let (tick_name, is_kept) = (tick_name(&line), line.is_kept());
    // Some relays that the members use have yet to get it.
    let is_partly_kept = line.is_partly_kept();
    let said = match &line {
        Line::Message(message) => How::Message(message.tick),
        Line::Post(post) => How::Post(post.tick),
    };
    let (text, written_at, post) = match line {
        Line::Message(MessageView {
            text, written_at, ..
        }) => (text, written_at, None),
        Line::Post(post) => (post.text.clone(), post.written_at, Some(post)),
    };
    let mentions = post.as_ref().is_some_and(|post| post.mentions_me);
    let came = catalogue::time(clock::wall(kept_at));
    let late = (!mine && kept_at.saturating_sub(written_at) > LATE_MILLIS)
        .then(|| clock::wall(written_at));
    let in_words = move || match said {
        How::Message(tick) => catalogue::tick(tick, live.get()).to_owned(),
        How::Post(tick) => catalogue::post_tick(tick),
    };
    let how_far = move || {
        if !is_kept || newest_kept.get() != Some(ordinal) {
            return in_words();
        }
        ui.route.with(|route| match route {
            Some(route) => {
                let wait = route.wait_for(talk, met.get());
                // Nobody waits longer for this message than it exists.
                let since = wait.since.map(|since| since.max(kept_at));
                catalogue::tick_waiting(
                    wait,
                    since.map(|since| clock::seconds_between(since, ui.now.get())),
                )
            }
            None => in_words(),
        })
    };
    let meta = move || {
        let late = late.map(|late| catalogue::written(&catalogue::day_and_time(late, today.get())));
        [
            mentions.then(|| catalogue::MENTIONS_YOU.to_owned()),
            Some(came.clone()),
            late,
            Some(how_far()).filter(|text| !text.is_empty()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
    };
    let waits = move || {
        if !is_kept && !is_partly_kept {
            return String::new();
        }
        ui.route.with(|route| {
            let turn = Wait {
                for_what: For::Turn,
                since: None,
            };
            let before = route.as_ref().and_then(|route| route.obstacle(talk));
            let wait = route
                .as_ref()
                .map_or(turn, |route| route.wait_for(talk, met.get()));
            let until = before.and_then(|before| before.reason.until());
            let until = until.map_or(0, |until| clock::seconds_between(ui.now.get(), until));
            catalogue::it_waits(before, wait, until)
        })
    };
    let explanation = move || match said {
        How::Message(tick) => {
            let at = match tick {
                Tick::Accepted(at) | Tick::Delivered(at) => at,
                _ => kept_at,
            };
            catalogue::tick_explained(
                tick,
                &name.get(),
                &catalogue::day_and_time(clock::wall(at), today.get()),
                live.get(),
                &waits(),
            )
        }
        How::Post(tick) => catalogue::post_tick_explained(tick, &waits()),
    };
    let explanation_id = format!("tick-{ordinal}");
    let author = {
        let named = post.as_ref().map(|post| post.name.clone());
        move || {
            let name = named
                .as_ref()
                .map_or_else(|| name.get(), |name| catalogue::member(name));
            catalogue::written_by((!mine).then_some(name).as_deref())
        }
    };
    view! {
        <li
            class="msg"
            class:me=mine
            class:close=close
            class:mentions=mentions
            class:failed=tick_name == "expired"
            data-testid="message"
            data-ordinal=ordinal
            data-mine=mine.to_string()
            data-tick=tick_name
        >
            <span class="unseen">{author}</span>
            {post.as_ref().map(|post| above(post, close))}
            <p class="text" dir="auto" data-testid="message-text">{text}</p>
            <div class="foot">
            <button
                type="button"
                class="meta"
                class:waits=is_kept
                data-testid="tick"
                aria-expanded=move || explained.get().to_string()
                aria-controls=explanation_id.clone()
                on:click=move |_| explained.update(|shown| *shown = !*shown)
            >
                {meta}
                <span class="unseen">" "{catalogue::TICK_WHAT}</span>
            </button>
            {post.map(|post| view! {
                <button
                    type="button"
                    class="meta reply"
                    data-testid="reply"
                    aria-label=catalogue::answer_to(&catalogue::member(&post.name))
                    on:click=move |_| ui.reply.set(Some(Reply {
                        post: post.id,
                        name: if mine { String::new() } else { catalogue::member(&post.name) },
                        text: post.text.clone(),
                    }))
                >
                    {catalogue::ANSWER}
                </button>
            })}
            </div>
            <p class="explained small" id=explanation_id data-testid="tick-explained" hidden=move || !explained.get()>
                {explanation}
            </p>
        </li>
    }
}

/// How far it has come.
#[derive(Clone, Copy)]
enum How {
    Message(Tick),
    Post(PostTick),
}

/// What stands above a post: who wrote it, and what it answers.
fn above(post: &PostView, close: bool) -> AnyView {
    let name = (!post.mine && !close).then(|| catalogue::member(&post.name));
    let answered = post
        .reply_to
        .as_ref()
        .map(|(_, beginning)| match beginning.is_empty() {
            true => catalogue::ANSWERS_UNKNOWN.to_owned(),
            false => beginning.clone(),
        });
    view! {
        {name.map(|name| view! {
            <p class="author small" dir="auto" aria-hidden="true" data-testid="post-author">{name}</p>
        })}
        {answered.map(|text| view! {
            <p class="quote small soft" data-testid="post-answers">
                <span class="unseen">{catalogue::IN_ANSWER_TO}" "</span>
                <span class="cut" dir="auto">{text}</span>
            </p>
        })}
    }
    .into_any()
}
