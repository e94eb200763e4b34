//! A circle: what its owner wrote, what was said to it, and where to say more.

use std::sync::Arc;

use komrade_view::{
    CircleCommand, CircleComment, CircleDetail, CircleId, CircleOver, CirclePost, CircleView,
    Command, Commenter, ComradeId, MAX_CIRCLE_POST_BYTES, MAX_COMMENT_BYTES, PostId,
};
use leptos::prelude::*;

use super::{
    circles::{circle_name, comrade_name},
    forget::Once,
};
use crate::{
    catalogue, clock,
    length::Longest,
    parts::{
        Avatar, Icon, Notice, Sign, Title,
        area::Area,
        each::each,
        plain::{
            alert, boxed, button, card, form, link, live, live_para, maybe, nothing, para, submit,
            theirs, words,
        },
    },
    place::{self, Place},
    ui::{Sending, Ui, ui},
};

/// Posts read at once.
const PAGE: u16 = 30;
/// The most posts that are read.
const MOST: u16 = 200;

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
    let area = Area::new(Longest::Bytes(MAX_CIRCLE_POST_BYTES));
    let sending = Sending::new();
    let send = move || {
        say(ui, area, sending, move |text| CircleCommand::Post {
            circle: id,
            text,
        });
    };
    let content = vec![
        area.draw("circle-text", catalogue::CIRCLE_WRITE, "", ""),
        alert("circle-error", sending),
        submit("circle-post", catalogue::CIRCLE_POST),
    ];
    card("", "", vec![form(content, send)])
}

/// Says what was typed, and empties the field once it is kept.
fn say(ui: Ui, area: Area, sending: Sending, command: impl FnOnce(String) -> CircleCommand) {
    let Some(text) = area.read() else {
        return;
    };
    if text.is_empty() {
        sending.error.set(catalogue::CIRCLE_POST_EMPTY);
        area.focus();
        return;
    }
    let command = Command::Circle(command(text.clone()));
    ui.attempt(command, sending, move |_| area.clear(&text));
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
    // By its id alone: what is typed below a post must stay when its counts change.
    let post = move |post: PostId| {
        let shown = show(ui, id, owner, one(detail, post));
        let back = maybe(owner.is_none().then(|| taking_back(ui, id, post)));
        let more = live(move || match (over, open.get() == Some(post)) {
            (true, _) => nothing(),
            (false, true) => commenting(ui, id, owner, post, open),
            (false, false) => button("comment-open", "btn quiet", catalogue::COMMENT, move || {
                open.set(Some(post));
            }),
        });
        let content = vec![shown, boxed("acts", "", vec![more, back])];
        view! { <li class="card stack" data-testid="circle-post-shown">{content}</li> }.into_any()
    };
    let rows = each(move || ids.get(), |id| id.0.into(), post);
    vec![empty, view! { <ul class="stack">{rows}</ul> }.into_any()].into_any()
}

fn one(detail: Detail, which: PostId) -> Memo<Option<CirclePost>> {
    Memo::new(move |_| {
        detail.with(|detail| {
            let mut all = detail.as_ref()?.posts.iter();
            all.find(|it| it.id == which).cloned()
        })
    })
}

fn when(ui: Ui, at: u64) -> String {
    catalogue::day_and_time(clock::wall(at), ui.today().get_untracked())
}

/// What a post says, who has it, and what was said to it.
fn show(ui: Ui, id: CircleId, owner: Option<ComradeId>, post: Memo<Option<CirclePost>>) -> AnyView {
    let text =
        move || post.with(|post| post.as_ref().map_or_else(String::new, |it| it.text.clone()));
    let about = move || {
        post.with(|post| {
            let Some(post) = post else {
                return String::new();
            };
            let when = when(ui, post.written_at);
            match owner {
                None => [when, catalogue::circle_had(post.had, post.of)].join(" · "),
                Some(_) => when,
            }
        })
    };
    let comments = Memo::new(move |_| {
        post.with(|post| {
            post.as_ref()
                .map_or_else(Vec::new, |it| it.comments.clone())
        })
    });
    let rows = each(
        move || comments.get(),
        |comment| comment.id.0.into(),
        move |it| comment(ui, id, owner, &it),
    );
    let comments = view! {
        <ul
            class="comments"
            aria-label=catalogue::COMMENTS
            hidden=move || comments.with(Vec::is_empty)
        >
            {rows}
        </ul>
    };
    vec![
        view! { <p class="said" dir="auto" data-testid="circle-post-text">{text}</p> }.into_any(),
        live_para("small soft", "circle-post-about", about),
        comments.into_any(),
    ]
    .into_any()
}

fn comment(ui: Ui, id: CircleId, owner: Option<ComradeId>, comment: &CircleComment) -> AnyView {
    // Names may come later than what was said under them.
    let (who, called, code) = (comment.by, comment.name.clone(), comment.code.clone());
    let by = move || match who {
        Commenter::Me => catalogue::COMMENT_MINE.to_owned(),
        Commenter::Comrade(comrade) => catalogue::name(&comrade_name(ui, comrade)),
        Commenter::Stranger => catalogue::comment_stranger(&called, &code),
    };
    let (waits, at) = (owner.filter(|_| comment.waiting), comment.written_at);
    let about = move || {
        let waits = waits.map(|owner| catalogue::comment_waits(&comrade_name(ui, owner)));
        let all: Vec<String> = [when(ui, at)].into_iter().chain(waits).collect();
        all.join(" · ")
    };
    let class = match waits {
        Some(_) => "small waits",
        None => "small soft",
    };
    let content = vec![
        live_para("author small", "comment-by", by),
        theirs("said", "comment-text", comment.text.clone()),
        live_para(class, "comment-about", about),
        maybe(owner.is_none().then(|| taking_back(ui, id, comment.id))),
    ];
    view! { <li data-testid="comment" data-waiting=comment.waiting.to_string()>{content}</li> }
        .into_any()
}

/// Takes something back, once that was explained.
fn taking_back(ui: Ui, circle: CircleId, of: PostId) -> AnyView {
    let asked = RwSignal::new(false);
    let sending = Sending::once();
    let sure = move || {
        let command = Command::Circle(CircleCommand::TakeBack { circle, of });
        ui.attempt(command, sending, |_| {});
    };
    live(move || match asked.get() {
        false => button(
            "take-back",
            "btn plain edge",
            catalogue::TAKE_BACK,
            move || {
                asked.set(true);
            },
        ),
        true => {
            let buttons = vec![
                button("take-back-sure", "btn", catalogue::TAKE_BACK_SURE, sure),
                button("take-back-not", "btn quiet", catalogue::CANCEL, move || {
                    asked.set(false);
                }),
            ];
            let content = vec![
                para("small", "", catalogue::TAKE_BACK_TEXT),
                alert("", sending),
                boxed("actions", "", buttons),
            ];
            boxed("stack tight", "", content)
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
    let area = Area::new(Longest::Bytes(MAX_COMMENT_BYTES));
    let sending = Sending::new();
    area.focus_at_once();
    let send = move || {
        say(ui, area, sending, move |text| CircleCommand::Comment {
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
        area.draw("comment-field", catalogue::COMMENT_FIELD, "", ""),
        means,
        alert("comment-error", sending),
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
