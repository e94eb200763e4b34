//! A collective: its name, its parts, and what stands before them for who does not belong to it.

use std::sync::Arc;

use komrade_view::{
    Alarm, CollectiveCommand, CollectiveDetail, CollectiveId, CollectiveView, Command, ComradeId,
    Matter, Millis, Outcome, PersonKey, Posters, Standing,
};
use leptos::prelude::*;

use super::{
    composer::Composer,
    decisions::{decisions, proposal},
    editor::sentences,
    forget::Once,
    members::members,
    messages::Messages,
    propose::propose,
};
use crate::{
    catalogue, clock,
    parts::{
        Avatar, Icon, Notice, Sign, Title,
        plain::{alert, boxed, button, card, link, live, live_para, nothing, para, words},
    },
    place::{self, Place, Room},
    thread::Talk,
    ui::{Ui, ui},
};

const DAY_MILLIS: u64 = 86_400_000;
/// The parts, in the order in which they are offered.
const ROOMS: [Room; 4] = [Room::Talk, Room::Decisions, Room::Members, Room::Rules];

/// A collective.
#[component]
pub fn Collective(
    /// Which.
    id: CollectiveId,
    /// Which part of it.
    room: Room,
) -> impl IntoView {
    let ui = ui();
    let view = ui.collective(id);
    let version = Memo::new(move |_| view.with(|view| view.as_ref().map(|view| view.version)));
    if room == Room::Talk {
        let talk = Talk::Collective(id);
        ui.open_thread(talk, None);
        on_cleanup(move || ui.close_thread(talk));
    }
    let is_other =
        |detail: &Option<Arc<CollectiveDetail>>| detail.as_ref().is_some_and(|it| it.id != id);
    if ui.detail.with_untracked(is_other) {
        ui.detail.set(None);
    }
    Effect::new(move |_| {
        if version.get().is_some() {
            ui.read_collective(id);
        }
    });
    let standing = Memo::new(move |_| view.with(|view| view.as_ref().map(|view| view.standing)));
    let name = Memo::new(move |_| {
        view.with(|view| {
            view.as_ref()
                .map_or_else(String::new, |view| view.name.clone())
        })
    });
    let content = live(move || match (standing.get(), room) {
        (None, _) if ui.collectives.with(Option::is_some) => {
            scrolls(para("soft", "", catalogue::NO_SUCH_COLLECTIVE))
        }
        (None, _) => nothing(),
        (Some(Standing::Invited { by }), _) => scrolls(offered(id, by, view)),
        (Some(Standing::Linked { by }), _) => scrolls(super::link::offer(id, by, view)),
        (Some(Standing::Asked { by, since }), _) => {
            scrolls(super::link::waits(id, by, since, view, true))
        }
        (Some(Standing::Candidate { by, since }), _) => {
            scrolls(super::link::waits(id, by, since, view, false))
        }
        (Some(standing @ Standing::NotAdmitted(_)), _) => scrolls(over(id, standing)),
        (Some(standing), room) => {
            let tabs = tabs(id, room, view);
            let content = match room {
                Room::Talk => talk(id, standing, view, name),
                Room::Decisions => scrolls(decisions(id)),
                Room::Proposal => scrolls(proposal(id)),
                Room::Propose => scrolls(propose(id)),
                Room::Members => scrolls(members(id, standing)),
                Room::Rules => scrolls(rules(id)),
            };
            vec![tabs, content].into_any()
        }
    });
    view! {
        <div
            class="conversation"
            data-testid="screen-collective"
            data-collective=place::digits(&id.0)
            data-standing=move || standing.get().map(standing_name)
        >
            {head(id, view, name)}
            {content}
        </div>
    }
}

/// The standing without its time, for tests.
pub fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Linked { .. } => "linked",
        Standing::Asked { .. } => "asked",
        Standing::Invited { .. } => "invited",
        Standing::Candidate { .. } => "candidate",
        Standing::Member => "member",
        Standing::Resting => "resting",
        Standing::Left(_) => "left",
        Standing::Removed(_) => "removed",
        Standing::NotAdmitted(_) => "not-admitted",
        Standing::Dissolved(_) => "dissolved",
    }
}

/// The detail of this collective, once it is here.
pub fn detail(ui: Ui, id: CollectiveId) -> Memo<Option<Arc<CollectiveDetail>>> {
    Memo::new(move |_| ui.detail.get().filter(|detail| detail.id == id))
}

/// The name of somebody who is or was a member.
pub fn name_of(detail: &CollectiveDetail, person: PersonKey) -> String {
    let all = detail.members.iter().chain(&detail.former);
    let found = all.into_iter().find(|member| member.person == person);
    catalogue::member(found.map_or("", |member| member.name.as_str()))
}

/// The tint of a person, from their key.
pub fn tint(PersonKey([a, b, ..]): PersonKey) -> ComradeId {
    let mut id = [0; 16];
    let [first, second, ..] = &mut id;
    (*first, *second) = (a, b);
    ComradeId(id)
}

/// `on Friday, 13 November`, `today`.
pub fn on_day(ui: Ui, at: Millis) -> String {
    catalogue::on_day(clock::wall(at).day, ui.today().get())
}

/// `Friday, 13 November`, `today`.
pub fn since_day(ui: Ui, at: Millis) -> String {
    catalogue::since_day(clock::wall(at).day, ui.today().get())
}

fn scrolls(content: AnyView) -> AnyView {
    boxed("asking", "", vec![boxed("page", "", vec![content])])
}

fn head(id: CollectiveId, view: Memo<Option<CollectiveView>>, name: Memo<String>) -> AnyView {
    let about = move || {
        view.with(|view| {
            view.as_ref()
                .map(|view| catalogue::about_collective(view.standing, view.members))
        })
    };
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
            <Avatar id=ComradeId(id.0) name square=true/>
            <div class="grow">
                <div class="name"><Title text=name/></div>
                <p class="small soft" data-testid="collective-about">{about}</p>
            </div>
        </header>
    }
    .into_any()
}

fn tabs(id: CollectiveId, room: Room, view: Memo<Option<CollectiveView>>) -> AnyView {
    let asked = Memo::new(move |_| view.with(|view| view.as_ref().map_or(0, |view| view.asked)));
    let requests =
        Memo::new(move |_| view.with(|view| view.as_ref().map_or(0, |view| view.requests)));
    let here = match room {
        Room::Proposal | Room::Propose => Room::Decisions,
        room => room,
    };
    let tab = move |to: Room| {
        let name = match to {
            Room::Talk => "room-talk",
            Room::Members => "room-members",
            Room::Rules => "room-rules",
            _ => "room-decisions",
        };
        view! {
            <a
                href=Place::Collective(id, to).hash()
                data-testid=name
                aria-current=(to == here).then_some("page")
            >
                {catalogue::room(to)}
                {(to == Room::Decisions).then_some(move || (asked.get() > 0).then(|| view! {
                    <span class="count" aria-hidden="true">{asked}</span>
                    <span class="unseen">", "{catalogue::asked(asked.get())}</span>
                }))}
                {(to == Room::Members).then_some(move || (requests.get() > 0).then(|| view! {
                    <span class="count" aria-hidden="true">{requests}</span>
                    <span class="unseen">", "{catalogue::asking_in(requests.get())}</span>
                }))}
            </a>
        }
    };
    view! { <nav class="rooms" aria-label=catalogue::ROOMS>{ROOMS.map(tab).into_iter().collect_view()}</nav> }
        .into_any()
}

// --- what is said --------------------------------------------------------------------------------

fn talk(
    id: CollectiveId,
    standing: Standing,
    view: Memo<Option<CollectiveView>>,
    name: Memo<String>,
) -> AnyView {
    let ui = ui();
    let detail = detail(ui, id);
    let talk = Talk::Collective(id);
    // How far it was read stands in the pages; what is unread is told with every event.
    let read = Memo::new(
        move |_| match view.with(|view| view.as_ref().map(|it| it.unread)) {
            Some(0) => u64::MAX,
            _ => 0,
        },
    );
    let gap = Memo::new(move |_| view.with(|view| view.as_ref()?.gap.map(|gap| gap.count)));
    let alarm = Memo::new(move |_| view.with(|view| view.as_ref()?.alarm));
    let notice = |id: &'static str, act: bool, text: String| {
        view! { <li><Notice id act><p class="small">{text}</p></Notice></li> }.into_any()
    };
    let notices = vec![
        live(move || match gap.get() {
            Some(count) => notice("gap", false, catalogue::gap_of_collective(count)),
            None => nothing(),
        }),
        live(move || match alarm.get() {
            Some(alarm) => notice("alarm", true, alarm_text(ui, detail, alarm)),
            None => nothing(),
        }),
    ]
    .into_any();
    let empty = Signal::derive(|| Some(catalogue::POSTS_EMPTY.to_owned()));
    let (met, at_once) = (Memo::new(|_| true), Memo::new(|_| false));
    let may_post = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(|it| it.may_post)));
    let below = live(move || match may_post.get() {
        None => nothing(),
        Some(true) => view! { <Composer talk name/> }.into_any(),
        Some(false) => {
            let text = detail.with(|detail| match standing {
                Standing::Left(at) | Standing::Removed(at) | Standing::Dissolved(at) => {
                    ended(ui, detail.as_deref(), standing, at)
                }
                _ => {
                    let posters = detail.as_ref().map(|detail| detail.constitution.posters);
                    let only = posters == Some(Posters::Delegates);
                    catalogue::silent(standing, only).to_owned()
                }
            });
            boxed("composer", "", vec![para("", "may-not-post", text)])
        }
    });
    let messages = view! { <Messages talk name read met live=at_once empty notices/> };
    vec![messages.into_any(), below].into_any()
}

fn alarm_text(ui: Ui, detail: Memo<Option<Arc<CollectiveDetail>>>, alarm: Alarm) -> String {
    let (person, since) = match alarm {
        Alarm::DoubleSigned(person) => (Some(person), 0),
        Alarm::NotFinal(since) => (None, since),
        _ => (None, 0),
    };
    let name = detail.with(|detail| Some(name_of(detail.as_ref()?, person?)));
    let days = ui.now.get_untracked().saturating_sub(since) / DAY_MILLIS;
    catalogue::alarm(alarm, &name.unwrap_or_default(), days)
}

/// How it ended.
pub fn ended(ui: Ui, detail: Option<&CollectiveDetail>, standing: Standing, at: Millis) -> String {
    let when = on_day(ui, at);
    let went = detail.filter(|_| matches!(standing, Standing::Removed(_)));
    if let Some(with) = went.and_then(went_with) {
        return catalogue::went(&with, &when);
    }
    catalogue::ended(standing, &when, detail.and_then(removed_by))
}

/// Who else went, if this person went by a split.
pub fn went_with(detail: &CollectiveDetail) -> Option<Vec<String>> {
    let mut all = detail.members.iter().chain(&detail.former);
    let own = all.find(|member| member.is_self)?.person;
    detail.proposals.iter().find_map(|proposal| {
        let Matter::Split(who) = &proposal.matter else {
            return None;
        };
        let passed = matches!(proposal.outcome, Some((Outcome::Passed, _)));
        let others = who.iter().filter(|person| **person != own);
        let names = others.map(|person| name_of(detail, *person));
        (passed && who.contains(&own)).then(|| names.collect())
    })
}

/// How many were for and against the removal of this person, if a vote removed them.
fn removed_by(detail: &CollectiveDetail) -> Option<(usize, usize)> {
    let mut all = detail.members.iter().chain(&detail.former);
    let own = all.find(|member| member.is_self)?.person;
    let removal = detail.proposals.iter().find(|proposal| {
        matches!(proposal.matter, Matter::Remove(person) if person == own)
            && matches!(proposal.outcome, Some((Outcome::Passed, _)))
    })?;
    Some(super::decisions::voices(removal))
}

// --- before and after ----------------------------------------------------------------------------

pub fn comrade_name(ui: Ui, id: ComradeId) -> String {
    let comrade = ui.comrade(id);
    comrade.with(|view| catalogue::name(view.as_ref().map_or("", |view| view.name.as_str())))
}

fn offered(id: CollectiveId, by: ComradeId, view: Memo<Option<CollectiveView>>) -> AnyView {
    let ui = ui();
    let error = RwSignal::new("");
    let answer = move |accept| {
        let command = Command::Collective(CollectiveCommand::AnswerOffer {
            collective: id,
            accept,
        });
        ui.attempt(command, error, move |_| {
            if !accept {
                ui.go(Place::People);
            }
        });
    };
    let (name, members) = view.with_untracked(|view| {
        view.as_ref()
            .map_or_else(Default::default, |view| (view.name.clone(), view.members))
    });
    let title = catalogue::offer_title(&comrade_name(ui, by), &name);
    let buttons = vec![
        button("offer-yes", "btn", catalogue::OFFER_YES, move || {
            answer(true)
        }),
        button("offer-no", "btn quiet", catalogue::OFFER_NO, move || {
            answer(false)
        }),
    ];
    let content = vec![
        para("", "", catalogue::offer_text(members)),
        alert("offer-error", error),
        boxed("actions", "", buttons),
    ];
    vec![
        card("offered", title, content),
        ruled(ui, id, catalogue::OFFER_RULES),
    ]
    .into_any()
}

fn over(id: CollectiveId, standing: Standing) -> AnyView {
    let ui = ui();
    let at = match standing {
        Standing::NotAdmitted(at) => at,
        _ => 0,
    };
    let text = live_para("", "ended", move || {
        catalogue::ended(standing, &on_day(ui, at), None)
    });
    vec![text, card("", "", vec![forget(id)])].into_any()
}

/// Forgets what one does not belong to any more.
pub fn forget(id: CollectiveId) -> AnyView {
    view! {
        <Once
            id="collective-forget"
            text=Signal::stored(catalogue::FORGET_COLLECTIVE_TEXT.to_owned())
            action=catalogue::FORGET_COLLECTIVE
            sure=catalogue::FORGET_COLLECTIVE_SURE
            command=Command::Collective(CollectiveCommand::Forget(id))
            then=Place::People
        />
    }
    .into_any()
}

// --- rules ---------------------------------------------------------------------------------------

fn rules(id: CollectiveId) -> AnyView {
    let ui = ui();
    let to = Place::Collective(id, Room::Propose).hash();
    let change = vec![words(catalogue::RULES_CHANGE)];
    vec![
        ruled(ui, id, catalogue::room(Room::Rules)),
        link("rules-change", "btn quiet", to, change),
    ]
    .into_any()
}

pub fn ruled(ui: Ui, id: CollectiveId, title: &'static str) -> AnyView {
    let detail = detail(ui, id);
    let content = live(move || match detail.get() {
        None => nothing(),
        Some(detail) => {
            let since = catalogue::rules_since(&since_day(ui, detail.constitution_since));
            vec![
                para(
                    "small soft",
                    "",
                    format!("{since} {}", catalogue::RULES_COUNT),
                ),
                sentences(&detail.constitution),
            ]
            .into_any()
        }
    });
    card("", title, vec![content])
}
