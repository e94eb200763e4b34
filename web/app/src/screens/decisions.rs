//! What is being decided in a collective: all proposals, and one of them with everybody's word.

use std::sync::Arc;

use komrade_view::{
    Choice, CollectiveCommand, CollectiveDetail, CollectiveId, Command, MAX_REASON_CHARS, Matter,
    PersonKey, ProposalId, ProposalView, Voice,
};
use leptos::prelude::*;

use super::{
    collective::{detail, name_of, on_day, tint},
    editor::{changes, sentences},
    members::returning,
};
use crate::{
    catalogue, clock,
    length::Longest,
    parts::{
        Avatar,
        area::Area,
        each::each,
        plain::{
            self, alert, back, boxed, button, card, choices, form, link, live, maybe, nothing,
            para, radio, theirs, words,
        },
    },
    place::{Place, Room},
    ui::{Sending, Ui, ui},
};

/// What is left is told by the minute.
const MINUTE_MILLIS: u64 = 60_000;

type Detail = Memo<Option<Arc<CollectiveDetail>>>;

/// All proposals.
pub fn decisions(id: CollectiveId) -> AnyView {
    let ui = ui();
    let detail = detail(ui, id);
    let may = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(|it| it.may_propose)));
    let of = move |ended: bool| {
        Memo::new(move |_| {
            detail.with(|detail| {
                let all = detail.iter().flat_map(|detail| detail.proposals.iter());
                let of = all.filter(|proposal| proposal.outcome.is_some() == ended);
                of.cloned().collect::<Vec<_>>()
            })
        })
    };
    let (open, ended) = (of(false), of(true));
    let list = move |title: &'static str, all: Memo<Vec<ProposalView>>| {
        let some = Memo::new(move |_| all.with(|all| !all.is_empty()));
        live(move || {
            if !some.get() {
                return nothing();
            }
            let rows = each(
                move || all.get(),
                |proposal| proposal.id.0.into(),
                move |proposal| row(ui, id, &proposal, detail),
            );
            view! {
                <section class="stack">
                    <h2>{title}</h2>
                    <ul class="rows card flush">{rows}</ul>
                </section>
            }
            .into_any()
        })
    };
    let empty = live(move || {
        let empty =
            detail.with(Option::is_some) && open.with(Vec::is_empty) && ended.with(Vec::is_empty);
        match empty {
            true => para("soft", "decisions-empty", catalogue::DECISIONS_EMPTY),
            false => nothing(),
        }
    });
    let propose = live(move || {
        if may.get() != Some(true) {
            return nothing();
        }
        let class = match open.with(Vec::is_empty) {
            true => "btn",
            false => "btn quiet",
        };
        let to = Place::Collective(id, Room::Propose).hash();
        link("propose", class, to, vec![words(catalogue::PROPOSE)])
    });
    let open = list(catalogue::OPEN, open);
    let ended = list(catalogue::DECIDED, ended);
    vec![empty, open, propose, ended].into_any()
}

fn row(ui: Ui, id: CollectiveId, proposal: &ProposalView, detail: Detail) -> AnyView {
    let Some(detail) = detail.get_untracked() else {
        return nothing();
    };
    let which = proposal.id;
    let asks = asks(proposal) || asks_to_return(proposal, &detail);
    let name = about(&detail, &proposal.matter);
    let needs = proposal.needs;
    let ended = proposal
        .outcome
        .map(|(outcome, _)| catalogue::outcome_short(outcome, &option(proposal)));
    let minutes = Memo::new(move |_| ui.now.get() / MINUTE_MILLIS);
    let today = ui.today();
    let text = move || match &ended {
        Some(ended) => ended.clone(),
        None => {
            let left = needs.until.map(|until| {
                let seconds = clock::seconds_between(minutes.get() * MINUTE_MILLIS, until);
                catalogue::left(&catalogue::remaining(seconds))
            });
            let all: Vec<String> = [catalogue::so_far(&needs)]
                .into_iter()
                .chain(left)
                .collect();
            all.join(" · ")
        }
    };
    let at = proposal.outcome.map_or(proposal.at, |(_, at)| at);
    let when = move || catalogue::moment(clock::wall(at), today.get());
    view! {
        <li>
            <a
                class="row"
                href=Place::Collective(id, Room::Proposal).hash()
                data-testid="proposal"
                data-open=proposal.outcome.is_none().to_string()
                data-asks=asks.to_string()
                on:click=move |_| ui.proposal.set(Some(which))
            >
                <span class="lines">
                    <span class="line">
                        <span class="name" dir="auto">{catalogue::matter(&proposal.matter, &name)}</span>
                        <span class="when">{when}</span>
                    </span>
                    <span class="line">
                        <span class="last" dir="auto">{text}</span>
                        {asks.then(|| view! { <span class="chip">{catalogue::WAITS_FOR_YOU}</span> })}
                    </span>
                </span>
            </a>
        </li>
    }
    .into_any()
}

fn one(detail: Detail, which: ProposalId) -> Memo<Option<ProposalView>> {
    Memo::new(move |_| {
        detail.with(|detail| {
            let mut all = detail.as_ref()?.proposals.iter();
            all.find(|proposal| proposal.id == which).cloned()
        })
    })
}

/// It waits for this person's word.
fn asks(proposal: &ProposalView) -> bool {
    proposal.outcome.is_none() && (proposal.may_vouch || proposal.may_vote)
}

/// It waits for this person's return: they rest, and are counted all the same.
fn asks_to_return(proposal: &ProposalView, detail: &CollectiveDetail) -> bool {
    let mut all = detail.members.iter();
    let own = all.find(|member| member.is_self && member.resting);
    proposal.outcome.is_none() && own.is_some_and(|own| proposal.missing.contains(&own.person))
}

/// Of whom it is about.
fn about(detail: &CollectiveDetail, matter: &Matter) -> String {
    match matter {
        Matter::Admit { name, .. } => catalogue::member(name),
        Matter::Remove(person) | Matter::Rest(person) | Matter::Delegate { person, .. } => {
            name_of(detail, *person)
        }
        Matter::Split(who) => catalogue::names(&names(detail, who)),
        Matter::Amend(_) | Matter::Decide { .. } | Matter::Dissolve => String::new(),
    }
}

/// The option that won, if one did.
fn option(proposal: &ProposalView) -> String {
    match (&proposal.matter, proposal.outcome) {
        (Matter::Decide { options, .. }, Some((komrade_view::Outcome::Won(place), _))) => {
            options.get(usize::from(place)).cloned().unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// How many were for it and against it.
pub fn voices(proposal: &ProposalView) -> (usize, usize) {
    let of = |choice| {
        let ballots = proposal.ballots.iter();
        ballots.filter(|voice| voice.choice == choice).count()
    };
    (of(Choice::Yes), of(Choice::No))
}

/// One proposal.
pub fn proposal(id: CollectiveId) -> AnyView {
    let ui = ui();
    let detail = detail(ui, id);
    let to = Place::Collective(id, Room::Decisions);
    let back = back("decisions-back", to, catalogue::TO_DECISIONS);
    let Some(which) = ui.proposal.get_untracked() else {
        return vec![back, para("soft", "", catalogue::NO_SUCH_PROPOSAL)].into_any();
    };
    let one = one(detail, which);
    let with = move |draw: fn(Ui, &ProposalView, &CollectiveDetail) -> AnyView| {
        live(move || match (one.get(), detail.get_untracked()) {
            (Some(proposal), Some(detail)) => draw(ui, &proposal, &detail),
            _ => nothing(),
        })
    };
    // What is typed must stay when others' words arrive.
    let acts = Memo::new(move |_| {
        one.with(|proposal| {
            let proposal = proposal.as_ref().filter(|proposal| asks(proposal))?;
            let options = match &proposal.matter {
                Matter::Decide { options, .. } => options.clone(),
                _ => Vec::new(),
            };
            Some((proposal.may_vouch, proposal.may_vote, options))
        })
    });
    let returns = Memo::new(move |_| {
        let both = one.get().zip(detail.get());
        both.is_some_and(|(proposal, detail)| asks_to_return(&proposal, &detail))
    });
    let act = live(move || match acts.get() {
        Some((vouch, vote, options)) => word(id, which, vouch, vote, options),
        None if returns.get() => {
            let content = vec![
                para("", "word-resting", catalogue::YOUR_WORD_RESTING),
                returning(ui, id),
            ];
            card("your-word", catalogue::YOUR_WORD, content)
        }
        None => nothing(),
    });
    let content = vec![with(standing), act, with(heard)];
    vec![back, boxed("stack", "screen-proposal", content)].into_any()
}

/// What is proposed, how far it is, and what came of it.
fn standing(ui: Ui, proposal: &ProposalView, detail: &CollectiveDetail) -> AnyView {
    let name = about(detail, &proposal.matter);
    let own = detail.members.iter().find(|member| member.is_self);
    let mine = own.is_some_and(|own| own.person == proposal.by);
    let by = (!mine).then(|| name_of(detail, proposal.by));
    let proposed = catalogue::proposed_by(by.as_deref(), &on_day(ui, proposal.at));
    let until = proposal
        .needs
        .until
        .filter(|_| proposal.outcome.is_none())
        .map(|until| {
            let today = ui.today().get_untracked();
            catalogue::until(&catalogue::day_and_time(clock::wall(until), today))
        });
    let ended = proposal.outcome.map(|(outcome, at)| {
        let counted = voices(proposal);
        let text = catalogue::outcome(outcome, &option(proposal), counted, &on_day(ui, at));
        para("big", "outcome", text)
    });
    let what = match &proposal.matter {
        Matter::Amend(rules) if proposal.outcome.is_none() => {
            let changes = vec![changes(&detail.constitution, rules)];
            Some(card("", catalogue::CHANGES, changes))
        }
        Matter::Amend(rules) => Some(card("", catalogue::CHANGES_TO, vec![sentences(rules)])),
        Matter::Split(who) if proposal.outcome.is_none() => {
            Some(card("split-each", "", each_says(proposal, detail, who)))
        }
        _ => None,
    };
    let reason = Some(&proposal.reason).filter(|reason| !reason.is_empty());
    let times = [Some(proposed), until].into_iter().flatten();
    let title = catalogue::matter(&proposal.matter, &name);
    let title = view! { <h2 class="title" dir="auto" data-testid="proposal-matter">{title}</h2> };
    let head = vec![
        title.into_any(),
        para("small soft", "", times.collect::<Vec<_>>().join(" · ")),
        maybe(reason.map(|reason| theirs("quote", "", reason.clone()))),
    ];
    let far = vec![
        boxed("stack", "", far(proposal, detail)),
        para(
            "small soft",
            "proposal-rule",
            catalogue::decides(&proposal.needs),
        ),
        para("small soft", "proposal-named", catalogue::NAMED),
    ];
    vec![
        boxed("stack tight", "", head),
        maybe(ended),
        maybe(what),
        card("", "", far),
    ]
    .into_any()
}

/// Who goes by a split, and whether they said so.
fn each_says(
    proposal: &ProposalView,
    detail: &CollectiveDetail,
    who: &[PersonKey],
) -> Vec<AnyView> {
    let line = |person: &PersonKey| {
        let mut ballots = proposal.ballots.iter();
        let yes = ballots.any(|it| it.person == *person && it.choice == Choice::Yes);
        let name = catalogue::names(&names(detail, std::slice::from_ref(person)));
        let said = match yes {
            true => catalogue::SPLIT_YES,
            false => catalogue::SPLIT_NOT_YET,
        };
        view! { <li class="request"><span class="grow"><b dir="auto">{name}</b></span><span class="soft">{said}</span></li> }
            .into_any()
    };
    let rows: Vec<AnyView> = who.iter().map(line).collect();
    vec![
        para("", "", catalogue::SPLIT_EACH),
        view! { <ul class="rows">{rows}</ul> }.into_any(),
    ]
}

/// How far it is, as sentences with bars.
fn far(proposal: &ProposalView, detail: &CollectiveDetail) -> Vec<AnyView> {
    let is_open = proposal.outcome.is_none();
    let missing = match is_open {
        true => names(detail, &proposal.missing),
        false => Vec::new(),
    };
    let needed = |it: (u32, u32), votes| match is_open {
        true => catalogue::missing(it, votes, &missing),
        false => catalogue::came(it, votes),
    };
    let needs = &proposal.needs;
    let mut all = Vec::new();
    if let Some(it) = needs.vouches {
        all.push(bar("far-vouches", needed(it, false), String::new(), it));
    }
    if let Some(it) = needs.yes {
        all.push(bar("far-votes", needed(it, true), String::new(), it));
        let (_, no) = voices(proposal);
        if no > 0 {
            all.push(para("small soft", "far-against", catalogue::against(no)));
        }
    }
    if let Matter::Decide { options, .. } = &proposal.matter {
        for (place, option) in (0_u8..).zip(options) {
            let ballots = proposal.ballots.iter();
            let count = ballots
                .filter(|it| it.choice == Choice::Option(place))
                .count();
            let of = (u32::try_from(count).unwrap_or(u32::MAX), needs.electorate);
            all.push(bar("option", option.clone(), catalogue::votes(count), of));
        }
    }
    if let Some(it) = needs.quorum {
        all.push(bar("far-quorum", catalogue::turnout(it), String::new(), it));
    }
    all
}

/// A sentence, or a name and a count, over a bar.
fn bar(id: &'static str, text: String, count: String, (done, of): (u32, u32)) -> AnyView {
    view! {
        <div class="far" data-testid=id data-votes=done>
            <p class="split"><span dir="auto">{text.clone()}</span><b>{count}</b></p>
            <progress aria-label=text value=done.min(of) max=of.max(1)></progress>
        </div>
    }
    .into_any()
}

fn names(detail: &CollectiveDetail, persons: &[PersonKey]) -> Vec<String> {
    let own = detail.members.iter().find(|member| member.is_self);
    let name = |person: &PersonKey| match own {
        Some(own) if own.person == *person => catalogue::YOURSELF.to_owned(),
        _ => name_of(detail, *person),
    };
    persons.iter().map(name).collect()
}

/// The person's own word.
fn word(
    id: CollectiveId,
    which: ProposalId,
    vouch: bool,
    vote: bool,
    options: Vec<String>,
) -> AnyView {
    let ui = ui();
    let sending = Sending::once();
    let cast = move |choice| {
        let command = CollectiveCommand::Vote {
            collective: id,
            proposal: which,
            choice,
        };
        ui.attempt(Command::Collective(command), sending, |_| {});
    };
    let act = move |id, text, choice, class| button(id, class, text, move || cast(choice));
    let votes = vote.then(|| match options.is_empty() {
        true => {
            let first = if vouch { "btn quiet" } else { "btn" };
            let all = vec![
                act("vote-yes", catalogue::VOTE_YES, Choice::Yes, first),
                act("vote-no", catalogue::VOTE_NO, Choice::No, "btn quiet"),
                act(
                    "vote-abstain",
                    catalogue::VOTE_ABSTAIN,
                    Choice::Abstain,
                    "btn quiet",
                ),
            ];
            boxed("actions", "", all)
        }
        false => ballot(options, sending, cast),
    });
    let vouches = vouch.then(|| vouching(ui, id, which));
    let content = vec![maybe(vouches), maybe(votes), alert("word-error", sending)];
    card("your-word", catalogue::YOUR_WORD, content)
}

fn vouching(ui: Ui, collective: CollectiveId, proposal: ProposalId) -> AnyView {
    // Of its own: whoever vouches may vote before that is answered.
    let sending = Sending::once();
    let area = Area::new(Longest::Chars(MAX_REASON_CHARS));
    let submit = move || {
        let Some(reason) = area.read() else {
            return;
        };
        let command = CollectiveCommand::Vouch {
            collective,
            proposal,
            reason,
        };
        ui.attempt(Command::Collective(command), sending, |_| {});
    };
    let content = vec![
        para("", "", catalogue::VOUCH_TEXT),
        area.draw(
            "vouch-reason",
            catalogue::VOUCH_REASON,
            catalogue::REASON_HINT,
            "",
        ),
        alert("vouch-error", sending),
        plain::submit("vouch", catalogue::VOUCH),
    ];
    form(content, submit)
}

/// A vote on one of several options.
fn ballot(
    options: Vec<String>,
    sending: Sending,
    cast: impl Fn(Choice) + Copy + Send + Sync + 'static,
) -> AnyView {
    let chosen = RwSignal::new(None);
    let abstains = catalogue::VOTE_ABSTAIN.to_owned();
    let all = (0_u8..).map(Choice::Option).zip(options);
    let all = all.chain([(Choice::Abstain, abstains)]).enumerate();
    let choice = move |(at, (choice, text)): (usize, (Choice, String))| {
        let id = format!("vote-{at}");
        radio("vote", id, "choice", false, words(text), move || {
            chosen.set(Some(choice));
        })
    };
    let submit = move || match chosen.get_untracked() {
        Some(choice) => cast(choice),
        None => sending.error.set(catalogue::VOTE_MISSING),
    };
    let content = vec![
        choices(catalogue::VOTE_OPTIONS, all.map(choice).collect()),
        plain::submit("vote", catalogue::VOTE),
    ];
    form(content, submit)
}

/// Who said what, and who was not heard.
fn heard(ui: Ui, proposal: &ProposalView, detail: &CollectiveDetail) -> AnyView {
    let options = match &proposal.matter {
        Matter::Decide { options, .. } => options.as_slice(),
        _ => &[],
    };
    let own = detail.members.iter().find(|member| member.is_self);
    let is_own = |person: PersonKey| own.is_some_and(|own| own.person == person);
    let row = |(vouches, voice): (bool, &Voice)| {
        let option = match voice.choice {
            Choice::Option(place) => options.get(usize::from(place)).cloned().unwrap_or_default(),
            _ => String::new(),
        };
        let said = match vouches {
            true => catalogue::VOUCHES.to_owned(),
            false => catalogue::choice(voice.choice, &option),
        };
        let name = name_of(detail, voice.person);
        let shown = match is_own(voice.person) {
            true => format!("{name} ({})", catalogue::YOURSELF),
            false => name.clone(),
        };
        let reason = Some(&voice.reason).filter(|reason| !reason.is_empty());
        let reason = maybe(reason.map(|reason| theirs("small", "", reason.clone())));
        let when = catalogue::moment(clock::wall(voice.at), ui.today().get_untracked());
        view! {
            <li class="request" data-testid="voice">
                <Avatar id=tint(voice.person) name=name/>
                <div class="grow">
                    <p><b dir="auto">{shown}</b>" "<span dir="auto">{said}</span></p>
                    {reason}
                    {para("small soft", "", when)}
                </div>
            </li>
        }
        .into_any()
    };
    let vouches = proposal.vouches.iter().map(|voice| (true, voice));
    let ballots = proposal.ballots.iter().map(|voice| (false, voice));
    let rows: Vec<AnyView> = vouches.chain(ballots).map(row).collect();
    let is_open = proposal.outcome.is_none();
    let missing = (is_open && !proposal.missing.is_empty()).then(|| {
        let missing = names(detail, &proposal.missing);
        para("small soft", "", catalogue::not_heard(&missing))
    });
    let resting = detail.members.iter();
    let resting: Vec<PersonKey> = resting
        .filter(|it| it.resting && !it.is_self)
        .map(|it| it.person)
        .filter(|it| is_open && proposal.missing.contains(it))
        .collect();
    let resting = (!resting.is_empty()).then(|| {
        let who = names(detail, &resting);
        para(
            "small soft",
            "heard-resting",
            catalogue::rest_and_count(&who),
        )
    });
    let mut all = proposal.vouches.iter().chain(&proposal.ballots);
    let mine = all.any(|it| is_own(it.person));
    let said =
        (mine && is_open && !asks(proposal)).then(|| para("small", "voted", catalogue::VOTED));
    let rows = match rows.is_empty() {
        true => para("soft", "", catalogue::HEARD_NOBODY),
        false => view! { <ul class="rows" data-testid="voices">{rows}</ul> }.into_any(),
    };
    card(
        "",
        catalogue::HEARD,
        vec![rows, maybe(said), maybe(missing), maybe(resting)],
    )
}
