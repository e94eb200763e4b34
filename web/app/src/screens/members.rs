//! Who belongs to a collective, who vouched for them, its keys, and leaving it.

use std::sync::Arc;

use komrade_view::{
    CollectiveCommand, CollectiveDetail, CollectiveId, Command, MemberView, Standing,
};
use leptos::prelude::*;

use super::{
    collective::{Gone, detail, ended, forget, gone_by, name_of, on_day, since_day, tint},
    forget::Once,
};
use crate::{
    catalogue,
    parts::{
        Avatar,
        each::each,
        plain::{alert, boxed, button, card, link, live, live_para, maybe, nothing, para, words},
    },
    place::{Place, Room},
    ui::{Sending, Ui, ui},
    vouches::{Link, Node, RADIUS, layout},
};

const DAY_MILLIS: u64 = 86_400_000;
/// How much larger or smaller the picture gets by one touch, in percent.
const ZOOM: [u32; 5] = [50, 75, 100, 150, 225];
/// The zoom at first.
const USUAL_ZOOM: usize = 2;
/// So much of a name stands in the picture.
const NAME_CHARS: usize = 9;

type Detail = Memo<Option<Arc<CollectiveDetail>>>;

/// Everybody, and what concerns all of them.
pub fn members(id: CollectiveId, standing: Standing) -> AnyView {
    let ui = ui();
    let detail = detail(ui, id);
    let list = move |title: &'static str, former: bool| {
        let all = move || {
            detail.with(|detail| {
                let all = detail.iter().flat_map(|detail| of(detail, former));
                all.cloned().collect::<Vec<_>>()
            })
        };
        let some = Memo::new(move |_| {
            detail.with(|it| it.as_ref().is_some_and(|it| !of(it, former).is_empty()))
        });
        live(move || match some.get() {
            false => nothing(),
            true => {
                let rows = each(
                    all,
                    |member| member.person.0.into(),
                    move |member| row(ui, &member, former, detail),
                );
                let rows = view! { <ul class="rows">{rows}</ul> };
                card("", title, vec![rows.into_any()])
            }
        })
    };
    let belongs = matches!(standing, Standing::Member | Standing::Resting);
    vec![
        super::link::requests(id, detail),
        picture(detail),
        list(catalogue::room(Room::Members), false),
        list(catalogue::FORMER, true),
        super::link::make(id, detail),
        maybe(belongs.then(|| keys(ui, id, detail))),
        card("", catalogue::PLACE_TITLE, own(ui, id, standing, detail)),
    ]
    .into_any()
}

fn of(detail: &CollectiveDetail, former: bool) -> &[MemberView] {
    match former {
        true => &detail.former,
        false => &detail.members,
    }
}

fn row(ui: Ui, member: &MemberView, former: bool, detail: Detail) -> AnyView {
    let detail = detail.get_untracked();
    let content = maybe(detail.map(|detail| about(ui, member, former, &detail)));
    view! { <li class="request" data-testid="member">{content}</li> }.into_any()
}

fn about(ui: Ui, member: &MemberView, former: bool, detail: &CollectiveDetail) -> AnyView {
    let name = catalogue::member(&member.name);
    let chips = [
        (member.is_self, catalogue::YOURSELF),
        (member.delegate, catalogue::DELEGATE),
        (member.resting, catalogue::RESTING),
    ];
    let chips = chips.into_iter().filter(|(is, _)| *is);
    let chips = chips.map(|(_, text)| view! { " "<span class="chip">{text}</span> }.into_any());
    let chips: Vec<AnyView> = chips.collect();
    let vouchers: Vec<String> = member
        .vouched_by
        .iter()
        .map(|by| name_of(detail, *by))
        .collect();
    let since = match vouchers.is_empty() {
        true => on_day(ui, member.since),
        false => since_day(ui, member.since),
    };
    let keyed = member.rekeyed_at.map(|at| on_day(ui, at));
    let now = ui.now.get_untracked();
    let silent = member
        .heard_at
        .map(|at| now.saturating_sub(at) / DAY_MILLIS);
    let silent = silent.filter(|days| {
        let bound = detail.constitution.rest_after_days.map(u64::from);
        !member.is_self && !member.resting && bound.is_some_and(|bound| *days >= bound)
    });
    let named = view! { <b dir="auto">{name}</b> }.into_any();
    let named = match member.comrade {
        Some(id) => link("member-comrade", "", Place::Comrade(id).hash(), vec![named]),
        None => named,
    };
    let mut lines = vec![view! { <p data-testid="member-name">{named}{chips}</p> }.into_any()];
    if !former {
        lines.push(para(
            "small",
            "member-since",
            catalogue::member_since(&vouchers, &since),
        ));
        lines.push(para("small soft", "", catalogue::rekeyed(keyed.as_deref())));
        lines.extend(silent.map(|days| para("small act", "", catalogue::silent_for(days))));
    }
    if !member.is_self {
        let code = view! {
            <p class="small soft">
                {catalogue::CODE}" "<span class="mono" dir="ltr">{member.code.clone()}</span>
            </p>
        };
        lines.push(code.into_any());
    }
    let avatar = view! { <Avatar id=tint(member.person) name=member.name.clone()/> };
    vec![avatar.into_any(), boxed("grow", "", lines)].into_any()
}

// --- who vouched for whom ------------------------------------------------------------------------

/// The picture, for a collective of at least two.
fn picture(detail: Detail) -> AnyView {
    let zoom = RwSignal::new(USUAL_ZOOM);
    let members = Memo::new(move |_| {
        detail.with(|detail| {
            detail
                .as_ref()
                .map_or_else(Vec::new, |it| it.members.clone())
        })
    });
    let some = Memo::new(move |_| members.with(|members| members.len() > 1));
    let scale = move || ZOOM.get(zoom.get()).copied().unwrap_or(100);
    let steps = move |up: bool| {
        zoom.update(|zoom| {
            *zoom = match up {
                true => (*zoom + 1).min(ZOOM.len() - 1),
                false => zoom.saturating_sub(1),
            };
        });
    };
    let drawing = live(move || {
        members.with(|members| {
            let picture = layout(members);
            let (width, height) = (picture.width, picture.height);
            let links: Vec<AnyView> = picture.links.iter().map(arrow).collect();
            let discs: Vec<AnyView> = picture
                .nodes
                .iter()
                .map(|node| disc(node, members))
                .collect();
            view! {
                <svg
                    class="vouches"
                    role="img"
                    aria-label=catalogue::VOUCHED
                    viewBox=format!("0 0 {width} {height}")
                    width=move || width * scale() / 100
                    height=move || height * scale() / 100
                >
                    {links}
                    {discs}
                </svg>
            }
            .into_any()
        })
    });
    // Drawn once: what is inside changes by itself.
    let shown = view! {
        <div class="scrolls" tabindex="0" role="group" aria-label=catalogue::VOUCHED>{drawing}</div>
    };
    let buttons = vec![
        button(
            "vouched-smaller",
            "btn quiet",
            catalogue::SMALLER,
            move || steps(false),
        ),
        button(
            "vouched-larger",
            "btn quiet",
            catalogue::LARGER,
            move || steps(true),
        ),
    ];
    let content = vec![
        shown.into_any(),
        boxed("actions", "", buttons),
        para("small soft", "", catalogue::VOUCHED_HOW),
    ];
    let picture = card("vouched", catalogue::VOUCHED, content);
    view! { <div hidden=move || !some.get()>{picture}</div> }.into_any()
}

/// A vouch: a curve that leaves downwards and arrives from above, with its head.
fn arrow(link: &Link) -> AnyView {
    let ((x, y), (to_x, to_y)) = (link.from, link.to);
    let bend = (to_y - y) / 2;
    let (bend_from, bend_to) = (y + bend, to_y - bend);
    let end = to_y - 3;
    let [by, to_by] = [x, to_x].map(|x| x.saturating_add_signed(link.aside));
    let path = format!("M{x} {y}C{by} {bend_from} {to_by} {bend_to} {to_x} {end}");
    let (left, right, top) = (to_x - 5, to_x + 5, to_y - 9);
    let head = format!("M{left} {top}L{to_x} {end}L{right} {top}");
    view! { <path class="link" d=path + &head></path> }.into_any()
}

fn disc(node: &Node, members: &[MemberView]) -> AnyView {
    let member = members.get(node.member);
    let name = catalogue::member(member.map_or("", |member| member.name.as_str()));
    let initial = name
        .chars()
        .next()
        .map(|it| it.to_uppercase().collect::<String>());
    let short = match name.chars().count() > NAME_CHARS {
        true => name.chars().take(NAME_CHARS - 1).chain(['…']).collect(),
        false => name,
    };
    let rests = member.is_some_and(|member| member.resting);
    let is_self = member.is_some_and(|member| member.is_self);
    view! {
        <circle class="disc" class:rests=rests class:own=is_self cx=node.x cy=node.y r=RADIUS></circle>
        <text class="initial" x=node.x y=node.y + 6>{initial}</text>
        <text x=node.x y=node.y + RADIUS + 18>{short}</text>
    }
    .into_any()
}

// --- keys and leaving ----------------------------------------------------------------------------

fn keys(ui: Ui, id: CollectiveId, detail: Detail) -> AnyView {
    let sending = Sending::new();
    let done = RwSignal::new("");
    let since = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(|it| it.keys_since)));
    let last = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(|it| it.final_at)));
    let draw = move || {
        done.set("");
        let command = Command::Collective(CollectiveCommand::Rekey(id));
        ui.attempt(command, sending, move |_| done.set(catalogue::REKEYED));
    };
    let done = view! { <p role="status" data-testid="rekeyed">{done}</p> };
    let content = vec![
        live_para("", "keys-since", move || {
            let since = since.get();
            since.map_or_else(String::new, |at| {
                catalogue::keys_since(at.map(|at| since_day(ui, at)).as_deref())
            })
        }),
        live_para("small soft", "", move || {
            let last = last.get();
            last.map_or_else(String::new, |at| {
                catalogue::final_at(at.map(|at| on_day(ui, at)).as_deref())
            })
        }),
        para("", "", catalogue::REKEY_TEXT),
        alert("", sending),
        button("rekey", "btn quiet", catalogue::REKEY, draw),
        done.into_any(),
    ];
    card("", catalogue::KEYS_TITLE, content)
}

fn own(ui: Ui, id: CollectiveId, standing: Standing, detail: Detail) -> Vec<AnyView> {
    let at = match standing {
        Standing::Left(at) | Standing::Removed(at) | Standing::Dissolved(at) => Some(at),
        _ => None,
    };
    if let Some(at) = at {
        let text = live_para("", "ended", move || {
            detail.with(|detail| ended(ui, detail.as_deref(), standing, at))
        });
        let found = live(move || {
            let gone = detail.with(|it| it.as_deref().and_then(gone_by));
            match matches!(standing, Standing::Removed(_)) && matches!(gone, Some(Gone::Split(_))) {
                true => link(
                    "split-found",
                    "btn",
                    Place::Found.hash(),
                    vec![words(catalogue::FOUND)],
                ),
                false => nothing(),
            }
        });
        return vec![text, found, forget(id)];
    }
    let mut all = Vec::new();
    if standing == Standing::Resting {
        let text = move || {
            detail.with(|detail| {
                let days = detail.as_ref().map(|it| it.constitution.days);
                days.map_or_else(String::new, catalogue::return_text)
            })
        };
        all.push(live_para("", "", text));
        all.push(returning(ui, id));
    }
    let leave = view! {
        <Once
            id="leave"
            text=Signal::stored(catalogue::LEAVE_TEXT.to_owned())
            action=catalogue::LEAVE
            sure=catalogue::LEAVE_SURE
            command=Command::Collective(CollectiveCommand::Leave(id))
            then=Place::Collective(id, Room::Talk)
        />
    };
    all.push(leave.into_any());
    all
}

/// Returns from resting.
pub fn returning(ui: Ui, id: CollectiveId) -> AnyView {
    let sending = Sending::once();
    let back = move || {
        let command = Command::Collective(CollectiveCommand::Return(id));
        ui.attempt(command, sending, |_| {});
    };
    vec![
        button("return", "btn", catalogue::RETURN, back),
        alert("", sending),
    ]
    .into_any()
}
