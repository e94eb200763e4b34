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
    ui::{Sending, Ui, ui},
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
    let may_post = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(|it| it.may_post)));
    let empty = Signal::derive(move || {
        let text = match may_post.get() {
            Some(false) => catalogue::POSTS_NONE,
            _ => catalogue::POSTS_EMPTY,
        };
        Some(text.to_owned())
    });
    let (met, at_once) = (Memo::new(|_| true), Memo::new(|_| false));
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
    let gone = detail.filter(|_| matches!(standing, Standing::Removed(_)));
    match gone.and_then(gone_by) {
        Some(Gone::Split(with)) => catalogue::went(&with, &when),
        Some(Gone::Vote(yes, no)) => catalogue::ended(standing, &when, Some((yes, no))),
        None => catalogue::ended(standing, &when, None),
    }
}

/// By what somebody is not a member any more.
pub enum Gone {
    /// They went by a split, with these.
    Split(Vec<String>),
    /// So many were for their removal and so many against it.
    Vote(usize, usize),
}

/// By what this person is not a member any more: what was decided of them last. `None`: it is not among the proposals that are shown.
pub fn gone_by(detail: &CollectiveDetail) -> Option<Gone> {
    let mut all = detail.members.iter().chain(&detail.former);
    let own = all.find(|member| member.is_self)?.person;
    // The newest ended ones come first.
    detail.proposals.iter().find_map(|proposal| {
        if !matches!(proposal.outcome, Some((Outcome::Passed, _))) {
            return None;
        }
        match &proposal.matter {
            Matter::Remove(person) if *person == own => {
                let (yes, no) = super::decisions::voices(proposal);
                Some(Gone::Vote(yes, no))
            }
            Matter::Split(who) if who.contains(&own) => {
                let others = who.iter().filter(|person| **person != own);
                Some(Gone::Split(others.map(|it| name_of(detail, *it)).collect()))
            }
            _ => None,
        }
    })
}

// --- before and after ----------------------------------------------------------------------------

pub fn comrade_name(ui: Ui, id: ComradeId) -> String {
    let comrade = ui.comrade(id);
    comrade.with(|view| catalogue::name(view.as_ref().map_or("", |view| view.name.as_str())))
}

fn offered(id: CollectiveId, by: ComradeId, view: Memo<Option<CollectiveView>>) -> AnyView {
    let ui = ui();
    let sending = Sending::once();
    let answer = move |accept| {
        let command = Command::Collective(CollectiveCommand::AnswerOffer {
            collective: id,
            accept,
        });
        ui.attempt(command, sending, move |_| {
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
        alert("offer-error", sending),
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

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use komrade_view::{
        AdmissionRule, BallotRule, Choice, ConstitutionView, MemberView, Needs, ProposalId,
        ProposalView, Share, Voice,
    };

    use super::*;

    const ME: PersonKey = PersonKey([1; 32]);
    const ROSA: PersonKey = PersonKey([2; 32]);

    fn member(person: PersonKey, name: &str) -> MemberView {
        MemberView {
            person,
            name: name.into(),
            code: String::new(),
            is_self: person == ME,
            comrade: None,
            vouched_by: Vec::new(),
            since: 0,
            resting: false,
            delegate: false,
            rekeyed_at: None,
            heard_at: None,
        }
    }

    fn passed(matter: Matter) -> ProposalView {
        let yes = |person| Voice {
            person,
            choice: Choice::Yes,
            reason: String::new(),
            at: 0,
        };
        ProposalView {
            id: ProposalId([0; 32]),
            matter,
            by: ROSA,
            reason: String::new(),
            at: 0,
            vouches: Vec::new(),
            ballots: vec![yes(ROSA), yes(ME)],
            needs: Needs {
                vouches: None,
                yes: None,
                quorum: None,
                majority: None,
                electorate: 2,
                until: None,
            },
            missing: Vec::new(),
            may_vouch: false,
            may_vote: false,
            outcome: Some((Outcome::Passed, 0)),
        }
    }

    fn detail(proposals: Vec<ProposalView>) -> CollectiveDetail {
        let all = Share::number(1);
        CollectiveDetail {
            id: CollectiveId([0; 16]),
            version: 0,
            constitution: ConstitutionView {
                admission: AdmissionRule {
                    vouches: all,
                    ballot: None,
                },
                removal: all,
                amendment: all,
                ordinary: all,
                days: 1,
                decision: BallotRule {
                    quorum: all,
                    majority: all,
                    days: 1,
                },
                posters: Posters::Members,
                history: false,
                expiry_days: 1,
                rest_after_days: None,
                delegates: false,
                delegates_admit: false,
            },
            constitution_since: 0,
            members: Vec::new(),
            former: vec![member(ME, "Ana"), member(ROSA, "Rosa")],
            requests: Vec::new(),
            proposals,
            keys_since: None,
            final_at: None,
            sides: None,
            may_post: false,
            may_propose: false,
        }
    }

    #[test]
    fn what_was_decided_last_tells_a_split_from_a_removal() {
        let split = || passed(Matter::Split(vec![ROSA, ME]));
        let removal = || passed(Matter::Remove(ME));
        match gone_by(&detail(vec![split(), removal()])) {
            Some(Gone::Split(with)) => assert_eq!(with, ["Rosa"]),
            _ => panic!("went by a split"),
        }
        match gone_by(&detail(vec![removal(), split()])) {
            Some(Gone::Vote(yes, no)) => assert_eq!((yes, no), (2, 0)),
            _ => panic!("was removed by a vote"),
        }
    }

    #[test]
    fn what_others_did_and_what_was_not_carried_tells_nothing() {
        let mut failed = passed(Matter::Remove(ME));
        failed.outcome = Some((Outcome::Failed, 0));
        let others = passed(Matter::Split(vec![ROSA]));
        let rosa = passed(Matter::Remove(ROSA));
        assert!(gone_by(&detail(vec![failed, others, rosa])).is_none());
    }
}
