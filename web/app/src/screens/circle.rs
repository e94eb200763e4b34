//! A circle: what its owner wrote, what was said to it, and where to say more.

use std::sync::Arc;

use komrade_view::{
    CircleCommand, CircleComment, CircleDetail, CircleId, CircleOver, CirclePost, CircleView,
    Command, Commenter, ComradeId, PostId,
};
use leptos::{html, prelude::*};

use super::{
    circles::{circle_name, comrade_name},
    decisions::area,
    forget::Once,
};
use crate::{
    catalogue, clock,
    parts::{
        Avatar, Icon, Notice, Sign, Title,
        plain::{
            alert, boxed, button, card, form, link, live, live_para, maybe, nothing, para, submit,
            words,
        },
    },
    place::{self, Place},
    ui::{Ui, ui},
};

/// Posts read at once.
const PAGE: u16 = 30;
/// The most posts that are read.
const MOST: u16 = 200;
/// The longest post and comment in characters; what takes more bytes is refused, and kept.
const POST_CHARS: usize = 4_000;
const COMMENT_CHARS: usize = 1_000;

type Detail = Memo<Option<Arc<CircleDetail>>>;

/// Reads a circle while its screen is open, and again whenever it changed.
pub fn reading(ui: Ui, id: CircleId, limit: RwSignal<u16>) -> Detail {
    let view = ui.circle(id);
    let version = Memo::new(move |_| view.with(|view| view.as_ref().map(|view| view.version)));
    Effect::new(move |_| {
        if version.get().is_some() {
            ui.read_circle(id, limit.get());
        }
    });
    Memo::new(move |_| ui.circle_detail.get().filter(|detail| detail.id == id))
}

/// A circle.
#[component]
pub fn Circle(
    /// Which.
    id: CircleId,
) -> impl IntoView {
    let ui = ui();
    let view = ui.circle(id);
    let limit = RwSignal::new(PAGE);
    let detail = reading(ui, id, limit);
    let unread = Memo::new(move |_| view.with(|view| view.as_ref().map_or(0, |it| it.unread)));
    Effect::new(move |_| {
        if unread.get() > 0 && ui.in_sight.get() && detail.with(Option::is_some) {
            ui.tell(Command::Circle(CircleCommand::MarkRead(id)));
        }
    });
    // Whose it is, and whether it goes on.
    let kind = Memo::new(move |_| {
        let of = |view: &CircleView| (view.owner, view.over, view.everybody);
        view.with(|view| view.as_ref().map(of))
    });
    let content = live(move || match kind.get() {
        None if ui.circles.with(Option::is_some) => para("soft", "", catalogue::NO_SUCH_CIRCLE),
        None => nothing(),
        Some((owner, over, _)) => vec![
            maybe(owner.is_none().then(|| writing(ui, id))),
            notices(ui, owner, over, view),
            posts(ui, id, owner, over.is_some(), detail),
            more(detail, limit),
            maybe(owner.map(|owner| leaving(ui, id, owner, over.is_some()))),
        ]
        .into_any(),
    });
    view! {
        <div class="conversation" data-testid="screen-circle" data-circle=place::digits(&id.0)>
            {head(ui, id, view)}
            {boxed("asking", "", vec![boxed("page", "", vec![content])])}
        </div>
    }
}

fn head(ui: Ui, id: CircleId, view: Memo<Option<CircleView>>) -> AnyView {
    let name = Memo::new(move |_| {
        view.with(|view| {
            view.as_ref()
                .map_or_else(String::new, |it| circle_name(ui, it))
        })
    });
    let owner = Memo::new(move |_| view.with(|view| view.as_ref().map(|it| it.owner)));
    let about = move || {
        view.with(|view| match view {
            Some(view) if view.owner.is_none() => catalogue::circle_readers(view.readers),
            Some(_) => catalogue::CIRCLE_THEIRS.to_owned(),
            None => String::new(),
        })
    };
    let who = move || {
        (owner.get() == Some(None)).then(|| {
            let to = Place::CircleReaders(id).hash();
            link(
                "circle-who",
                "btn quiet",
                to,
                vec![words(catalogue::CIRCLE_WHO)],
            )
        })
    };
    let tint = owner.get_untracked().flatten().unwrap_or(ComradeId(id.0));
    view! {
        <header class="top">
            <a
                class="btn plain back phone"
                href=Place::People.hash()
                data-testid="back"
                aria-label=catalogue::TO_PEOPLE
            >
                <Icon sign=Sign::Back/>
            </a>
            <Avatar id=tint name/>
            <div class="grow">
                <div class="name"><Title text=name/></div>
                <p class="small soft" data-testid="circle-about">{about}</p>
            </div>
            {who}
        </header>
    }
    .into_any()
}

/// The field for a new post.
fn writing(ui: Ui, id: CircleId) -> AnyView {
    let node = NodeRef::<html::Textarea>::new();
    let error = RwSignal::new("");
    let send = move || {
        say(ui, node, error, move |text| CircleCommand::Post {
            circle: id,
            text,
        });
    };
    let field = area(
        "circle-text",
        catalogue::CIRCLE_WRITE,
        "",
        "",
        POST_CHARS,
        node,
    );
    let content = vec![
        field,
        alert("circle-error", error),
        submit("circle-post", catalogue::CIRCLE_POST),
    ];
    card("", "", vec![form(content, send)])
}

/// Says what was typed, and empties the field once it is kept.
fn say(
    ui: Ui,
    node: NodeRef<html::Textarea>,
    error: RwSignal<&'static str>,
    command: impl FnOnce(String) -> CircleCommand,
) {
    let Some(field) = node.get_untracked() else {
        return;
    };
    let text = field.value();
    if text.trim().is_empty() {
        error.set(catalogue::CIRCLE_POST_EMPTY);
        let _ = field.focus();
        return;
    }
    let command = Command::Circle(command(text.clone()));
    ui.attempt(command, error, move |_| {
        // The person may have typed on.
        if field.value() == text {
            field.set_value("");
        }
    });
}

fn notices(
    ui: Ui,
    owner: Option<ComradeId>,
    over: Option<CircleOver>,
    view: Memo<Option<CircleView>>,
) -> AnyView {
    let name = move || owner.map_or_else(String::new, |owner| comrade_name(ui, owner));
    let missing = Memo::new(move |_| view.with(|view| view.as_ref().map_or(0, |it| it.missing)));
    let copied = Memo::new(move |_| view.with(|view| view.as_ref().is_some_and(|it| it.is_copied)));
    let notice = |id: &'static str, act: bool, text: String| {
        view! { <Notice id act><p class="small">{text}</p></Notice> }.into_any()
    };
    live(move || {
        let ended = over.is_some().then(|| catalogue::circle_ended(&name()));
        let gap = (missing.get() > 0).then(|| catalogue::circle_missing(missing.get()));
        let copied = (copied.get() && owner.is_some()).then(|| catalogue::copied(&name()));
        vec![
            maybe(ended.map(|text| notice("circle-over", false, text))),
            maybe(gap.map(|text| notice("circle-missing", false, text))),
            maybe(copied.map(|text| notice("circle-copied", true, text))),
        ]
        .into_any()
    })
}

fn posts(ui: Ui, id: CircleId, owner: Option<ComradeId>, over: bool, detail: Detail) -> AnyView {
    let ids = Memo::new(move |_| {
        detail.with(|detail| {
            let posts = detail.iter().flat_map(|detail| &detail.posts);
            posts.map(|post| post.id).collect::<Vec<_>>()
        })
    });
    // The post that is being commented on.
    let open = RwSignal::new(None);
    let empty = live(move || {
        let is_empty = detail.with(|it| it.as_ref().is_some_and(|it| it.posts.is_empty()));
        let text = match owner {
            None => catalogue::CIRCLE_EMPTY,
            Some(_) => catalogue::CIRCLE_EMPTY_THEIRS,
        };
        maybe(is_empty.then(|| para("soft", "circle-empty", text)))
    });
    let post = move |post: PostId| {
        let memo = Memo::new(move |_| {
            detail.with(|detail| {
                let mut all = detail.as_ref()?.posts.iter();
                all.find(|it| it.id == post).cloned()
            })
        });
        let shown = move || {
            memo.get()
                .map(|post| untrack(|| show(ui, id, owner, &post)))
        };
        let shown = live(move || maybe(shown()));
        let back = maybe(owner.is_none().then(|| taking_back(ui, id, post)));
        let more = live(move || match (over, open.get() == Some(post)) {
            (true, _) => nothing(),
            (false, true) => commenting(ui, id, owner, post, open),
            (false, false) => button("comment-open", "btn quiet", catalogue::COMMENT, move || {
                open.set(Some(post));
            }),
        });
        view! { <li class="card stack" data-testid="circle-post-shown">{shown}{more}{back}</li> }
    };
    view! {
        {empty}
        <ul class="stack">
            <For each=move || ids.get() key=|id| *id let:id>{post(id)}</For>
        </ul>
    }
    .into_any()
}

fn when(ui: Ui, at: u64) -> String {
    catalogue::day_and_time(clock::wall(at), ui.today().get_untracked())
}

fn show(ui: Ui, id: CircleId, owner: Option<ComradeId>, post: &CirclePost) -> AnyView {
    let mut about = when(ui, post.written_at);
    if owner.is_none() {
        about = [about, catalogue::circle_had(post.had, post.of)].join(" · ");
    }
    let said = post.comments.iter();
    let said: Vec<AnyView> = said.map(|it| comment(ui, id, owner, it)).collect();
    let comments = (!said.is_empty()).then(|| {
        view! { <ul class="comments" aria-label=catalogue::COMMENTS>{said}</ul> }.into_any()
    });
    vec![
        para("said", "circle-post-text", post.text.clone()),
        para("small soft", "circle-post-about", about),
        maybe(comments),
    ]
    .into_any()
}

fn comment(ui: Ui, id: CircleId, owner: Option<ComradeId>, comment: &CircleComment) -> AnyView {
    let by = match comment.by {
        Commenter::Me => catalogue::COMMENT_MINE.to_owned(),
        Commenter::Comrade(comrade) => catalogue::name(&comrade_name(ui, comrade)),
        Commenter::Stranger => catalogue::comment_stranger(&comment.name, &comment.code),
    };
    let waits = owner.filter(|_| comment.waiting);
    let state = match waits {
        Some(owner) => catalogue::comment_waits(&comrade_name(ui, owner)),
        None => catalogue::COMMENT_SIGNED.to_owned(),
    };
    let about = [when(ui, comment.written_at), state].join(" · ");
    let content = vec![
        para("author small", "comment-by", by),
        para("said", "comment-text", comment.text.clone()),
        para(
            if comment.waiting {
                "small waits"
            } else {
                "small soft"
            },
            "comment-about",
            about,
        ),
        maybe(owner.is_none().then(|| taking_back(ui, id, comment.id))),
    ];
    view! { <li data-testid="comment" data-waiting=comment.waiting.to_string()>{content}</li> }
        .into_any()
}

/// Takes something back, once that was explained.
fn taking_back(ui: Ui, circle: CircleId, of: PostId) -> AnyView {
    let asked = RwSignal::new(false);
    let error = RwSignal::new("");
    let sure = move || {
        let command = Command::Circle(CircleCommand::TakeBack { circle, of });
        ui.attempt(command, error, |_| {});
    };
    live(move || match asked.get() {
        false => button("take-back", "btn plain", catalogue::TAKE_BACK, move || {
            asked.set(true);
        }),
        true => {
            let buttons = vec![
                button("take-back-sure", "btn", catalogue::TAKE_BACK_SURE, sure),
                button("take-back-not", "btn quiet", catalogue::CANCEL, move || {
                    asked.set(false);
                }),
            ];
            vec![
                para("small", "", catalogue::TAKE_BACK_TEXT),
                alert("", error),
                boxed("actions", "", buttons),
            ]
            .into_any()
        }
    })
}

/// The field for a comment.
fn commenting(
    ui: Ui,
    circle: CircleId,
    owner: Option<ComradeId>,
    on: PostId,
    open: RwSignal<Option<PostId>>,
) -> AnyView {
    let node = NodeRef::<html::Textarea>::new();
    let error = RwSignal::new("");
    Effect::new(move |_| {
        if let Some(field) = node.get() {
            let _ = field.focus();
        }
    });
    let send = move || {
        say(ui, node, error, move |text| CircleCommand::Comment {
            circle,
            on,
            text,
        });
    };
    let means = live_para("small soft", "comment-means", move || match owner {
        Some(owner) => catalogue::comment_text(&comrade_name(ui, owner)),
        None => catalogue::COMMENT_OWN_TEXT.to_owned(),
    });
    let buttons = vec![
        submit("comment-send", catalogue::COMMENT_SEND),
        button("comment-not", "btn quiet", catalogue::CANCEL, move || {
            open.set(None);
        }),
    ];
    let content = vec![
        area(
            "comment",
            catalogue::COMMENT_FIELD,
            "",
            "",
            COMMENT_CHARS,
            node,
        ),
        means,
        alert("comment-error", error),
        boxed("actions", "", buttons),
    ];
    form(content, send)
}

/// Older posts.
fn more(detail: Detail, limit: RwSignal<u16>) -> AnyView {
    let older = Memo::new(move |_| detail.with(|it| it.as_ref().is_some_and(|it| it.older)));
    live(move || match older.get() && limit.get() < MOST {
        false => nothing(),
        true => button(
            "circle-older",
            "btn quiet",
            catalogue::CIRCLE_OLDER,
            move || {
                limit.update(|limit| *limit = limit.saturating_add(PAGE).min(MOST));
            },
        ),
    })
}

/// A reader stops reading, or forgets what is over.
fn leaving(ui: Ui, id: CircleId, owner: ComradeId, over: bool) -> AnyView {
    let (text, action, sure) = match over {
        true => (
            Signal::stored(catalogue::CIRCLE_FORGET_TEXT.to_owned()),
            catalogue::CIRCLE_FORGET,
            catalogue::CIRCLE_FORGET_SURE,
        ),
        false => (
            Signal::derive(move || catalogue::circle_leave_text(&comrade_name(ui, owner))),
            catalogue::CIRCLE_LEAVE,
            catalogue::CIRCLE_LEAVE_SURE,
        ),
    };
    let once = view! {
        <Once
            id="circle-leave"
            text
            action
            sure
            command=Command::Circle(CircleCommand::Leave(id))
            then=Place::People
        />
    };
    card("", catalogue::CIRCLE_LEAVE_TITLE, vec![once.into_any()])
}
