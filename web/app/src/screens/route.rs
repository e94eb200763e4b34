//! The route: every stage from this device to the others, what one can do meanwhile, what is kept
//! here for others, and who learns what.

use komrade_view::{
    CollectiveQueueView, Command, DialStage, HostStage, LinkState, Millis, NodeStage, QueueReason,
    QueueView, RelayStanding, RelayView, RouterStage, Secret,
};
use leptos::{ev::SubmitEvent, html, prelude::*};

use super::shell::route_words;
use crate::{
    catalogue::{self, Narrator},
    clock,
    parts::{Field, Icon, Line, Narration, Notice, Sign, Title},
    place,
    ui::{Ui, ui},
    waiting::{For, Route},
};

/// How many millions of bytes of others' envelopes may be kept; 200 is what is kept when nothing
/// was chosen.
const REPLICA_MILLIONS: [u64; 4] = [0, 50, 200, 1_000];
/// How many millions of bytes a day may have; 0: any number.
const DATA_MILLIONS: [u64; 4] = [0, 5, 20, 100];
/// Bytes.
const MILLION: u64 = 1_000_000;

/// How a stage stands; told by sign and words, never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Done,
    Waits,
    Act,
    Off,
}

impl Mood {
    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waits => "waits",
            Self::Act => "act",
            Self::Off => "off",
        }
    }

    fn sign(self) -> Sign {
        match self {
            Self::Done => Sign::Check,
            Self::Waits => Sign::Clock,
            Self::Off => Sign::Off,
            Self::Act => Sign::Alert,
        }
    }
}

/// A stage as it stands now.
struct Stage {
    mood: Mood,
    text: String,
    since: Option<Millis>,
}

fn link_stage(route: &Route, now: Millis) -> Stage {
    let (mood, since, until) = match route.view.link {
        LinkState::NoRelay | LinkState::Refused(_) => (Mood::Act, None, 0),
        LinkState::Connecting(since) => (Mood::Waits, Some(since), 0),
        LinkState::Up { .. } => (Mood::Done, None, 0),
        LinkState::Waiting { retry_at, .. } => {
            (Mood::Waits, None, clock::seconds_between(now, retry_at))
        }
    };
    Stage {
        mood,
        text: catalogue::link(route.view.link, until),
        since,
    }
}

fn node_stage(route: &Route, _now: Millis) -> Stage {
    // A line to the node begins only where the connection ends: before, nothing is being opened.
    let node = match route.view.link {
        LinkState::Up { .. } => route.view.node,
        _ => NodeStage::Unknown,
    };
    let (mood, since) = match node {
        NodeStage::Unknown => (Mood::Off, None),
        NodeStage::Opening => (Mood::Waits, Some(route.node_since)),
        NodeStage::CatchingUp(since) => (Mood::Waits, Some(since)),
        NodeStage::Ready(_) => (Mood::Done, None),
    };
    Stage {
        mood,
        text: catalogue::node(node).to_owned(),
        since,
    }
}

fn router_stage(route: &Route, now: Millis) -> Stage {
    let passed = clock::seconds_between(route.told_at, now);
    // What counts down to the next attempt does not count up as well.
    let (mood, since, until) = match route.view.router {
        RouterStage::Unknown => (Mood::Off, None, 0),
        RouterStage::Ready { .. } => (Mood::Done, None, 0),
        RouterStage::NoRouters { retry_in } | RouterStage::Failed { retry_in } => {
            let until = u64::from(retry_in).saturating_sub(passed);
            (Mood::Waits, None, until)
        }
        _ => (Mood::Waits, Some(route.router_since), 0),
    };
    Stage {
        mood,
        text: catalogue::router(route.view.router, until),
        since,
    }
}

fn hosting_stage(route: &Route, now: Millis) -> Stage {
    let (mood, since, until) = match route.view.hosting {
        HostStage::Off => (Mood::Off, None, 0),
        HostStage::Waiting => (Mood::Waits, Some(route.hosting_since), 0),
        HostStage::Building { since, .. } => (Mood::Waits, Some(since), 0),
        HostStage::Up { .. } => (Mood::Done, None, 0),
        HostStage::Refused(_) => (Mood::Act, None, 0),
        HostStage::Failed { retry_at } => {
            (Mood::Waits, None, clock::seconds_between(now, retry_at))
        }
    };
    Stage {
        mood,
        text: catalogue::hosting(route.view.hosting, until),
        since,
    }
}

/// What the Telephone or the Operator says about the route.
fn says(ui: Ui) -> Vec<Line> {
    let wait = ui.route.with(|route| {
        // The notice about lost comrades asks for something else: it speaks alone.
        let route = route.as_ref().filter(|route| route.view.rescuing == 0)?;
        Some(route.any_wait().map(|wait| wait.for_what))
    });
    let line = match wait {
        None => return Vec::new(),
        Some(None) => (Narrator::Telephone, catalogue::SAYS_OPEN),
        Some(Some(For::Relay)) => (Narrator::Operator, catalogue::SAYS_NO_RELAY),
        Some(Some(For::RouterToAnswer | For::Routers)) => {
            (Narrator::Operator, catalogue::SAYS_ALONE)
        }
        Some(Some(For::Connection | For::RelayToAnswer | For::Refused(_) | For::Node)) => {
            (Narrator::Telephone, catalogue::SAYS_TROUBLE)
        }
        Some(Some(_)) => (Narrator::Telephone, catalogue::SAYS_TUNNELS),
    };
    vec![line]
}

/// The route.
#[component]
pub fn RoutePanel() -> impl IntoView {
    let ui = ui();
    let relay = move || {
        ui.route.with(|route| {
            let relay = route.as_ref().and_then(|route| route.view.relay.as_deref());
            relay.map_or(catalogue::RELAY_NONE.to_owned(), |relay| {
                place::host(relay).to_owned()
            })
        })
    };
    let may_retry = move || {
        ui.route.with(|route| {
            let link = route.as_ref().map(|route| route.view.link);
            matches!(
                link,
                Some(LinkState::Waiting { .. } | LinkState::Refused(_))
            )
        })
    };
    let waits = move || {
        ui.route.with(|route| {
            route
                .as_ref()
                .is_some_and(|route| route.any_wait().is_some())
        })
    };
    let hosted = move || ui.route.with(|route| is_hosted(route.as_ref()));
    let rescuing = Memo::new(move |_| {
        ui.route
            .with(|route| route.as_ref().map_or(0, |route| route.view.rescuing))
    });
    view! {
        <div class="page" data-testid="screen-route">
            <Title text=catalogue::ROUTE_TITLE.to_owned()/>
            <p class="lead" role="status" data-testid="route-summary">{move || route_words(ui)}</p>
            <Narration lines=Signal::derive(move || says(ui))/>
            <Show when=move || { rescuing.get() > 0 }>
                <Notice id="route-rescuing">
                    <p>{move || catalogue::rescuing(rescuing.get())}</p>
                </Notice>
            </Show>
            <section class="card stages" aria-label=catalogue::ROUTE_STAGES>
                <dl>
                    <div class="stage">
                        <dt>{catalogue::ROUTE_RELAY}</dt>
                        <dd class="breaks" data-testid="route-relay">{relay}</dd>
                    </div>
                    <StageRow id="route-link" title=catalogue::ROUTE_LINK read=link_stage/>
                    <StageRow id="route-node" title=catalogue::ROUTE_NODE read=node_stage/>
                    <StageRow id="route-router" title=catalogue::ROUTE_ROUTER read=router_stage/>
                    <Show when=hosted>
                        <StageRow id="route-hosting" title=catalogue::ROUTE_HOSTING read=hosting_stage/>
                    </Show>
                    <div class="stage">
                        <dt>{catalogue::ROUTE_QUEUE}</dt>
                        <dd data-testid="route-waiting">
                            {move || catalogue::queue(ui.route.with(|route| route.as_ref().map_or(0, |r| r.view.waiting)))}
                        </dd>
                    </div>
                </dl>
                <Show when=may_retry>
                    <button
                        type="button"
                        class="btn"
                        data-testid="reconnect"
                        on:click=move |_| ui.tell(Command::Reconnect)
                    >
                        {catalogue::RECONNECT}
                    </button>
                </Show>
            </section>
            <Relays/>
            <Show when=waits>
                <section class="stack" data-testid="meanwhile">
                    <h2>{catalogue::MEANWHILE_TITLE}</h2>
                    <p>{catalogue::MEANWHILE}</p>
                </section>
            </Show>
            <Queues/>
            <Dials/>
            <Saver/>
            <Replicas/>
            <UseRelay/>
            <Learn/>
        </div>
    }
}

/// Whether this device has an I2P address of its own now.
fn is_hosted(route: Option<&Route>) -> bool {
    route.is_some_and(|route| route.view.hosting != HostStage::Off)
}

fn traffic(ui: Ui) -> String {
    ui.route.with(|route| {
        let traffic = route.as_ref().map(|route| route.view.traffic);
        catalogue::traffic(traffic.unwrap_or_default())
    })
}

#[component]
fn StageRow(
    /// For tests; the elapsed time is beside it as `…-elapsed`.
    id: &'static str,
    /// Which part of the way.
    title: &'static str,
    /// Reads the stage off the route at a time.
    read: fn(&Route, Millis) -> Stage,
) -> impl IntoView {
    let ui = ui();
    let stage = move || {
        let now = ui.now.get();
        ui.route
            .with(|route| route.as_ref().map(|route| read(route, now)))
    };
    let mood = Memo::new(move |_| stage().map_or(Mood::Off, |stage| stage.mood));
    let elapsed = move || {
        let since = stage().and_then(|stage| stage.since);
        since.map(|since| catalogue::waited(clock::seconds_between(since, ui.now.get())))
    };
    view! {
        <div class="stage">
            <dt>{title}</dt>
            <dd data-testid=id data-mood=move || mood.get().name()>
                {move || view! { <Icon sign=mood.get().sign()/> }}
                <span>
                    {move || stage().map(|stage| stage.text)}
                    <span class="soft" data-testid=format!("{id}-elapsed")>{elapsed}</span>
                </span>
            </dd>
        </div>
    }
}

/// How many bytes a day may have.
#[component]
fn Saver() -> impl IntoView {
    let ui = ui();
    let saver = Memo::new(move |_| {
        ui.route
            .with(|route| route.as_ref().map(|route| route.view.saver))
    });
    let error = RwSignal::new("");
    let choose = move |bytes| {
        error.set("");
        leptos::task::spawn_local(async move {
            if let Err(failure) = ui.ask(Command::SetDataLimit(bytes)).await {
                error.try_set(catalogue::failure(failure));
            }
        });
    };
    let choice = move |millions: u64| {
        let id = format!("saver-{millions}");
        let bytes = millions * MILLION;
        view! {
            <label class="choice" for=id.clone()>
                <input
                    type="radio"
                    name="data-limit"
                    id=id.clone()
                    data-testid=id.clone()
                    prop:checked=move || saver.get().is_some_and(|saver| saver.limit == bytes)
                    on:change=move |_| choose(bytes)
                />
                {catalogue::data_limit(millions)}
            </label>
        }
    };
    view! {
        <section class="card stack">
            <h2>{catalogue::SAVER_TITLE}</h2>
            <p data-testid="route-bytes">{move || traffic(ui)}</p>
            {move || saver.get().is_some_and(|saver| saver.is_held).then(|| view! {
                <Notice id="saver-held"><p>{catalogue::SAVER_HELD}</p></Notice>
            })}
            <p class="small soft">{catalogue::SAVER_WHY}</p>
            <fieldset class="segments">
                <legend>{catalogue::SAVER_LIMIT}</legend>
                {DATA_MILLIONS.map(choice).into_iter().collect_view()}
            </fieldset>
            <p class="error" role="alert">{error}</p>
        </section>
    }
}

/// What is kept of others, and how much may be.
#[component]
fn Replicas() -> impl IntoView {
    let ui = ui();
    let kept = move || {
        ui.route.with(|route| {
            route
                .as_ref()
                .map(|route| catalogue::replicas(route.view.replicas))
        })
    };
    let limit = Memo::new(move |_| {
        ui.route
            .with(|route| route.as_ref().map(|route| route.view.replicas.limit))
    });
    let error = RwSignal::new("");
    let choose = move |bytes| {
        error.set("");
        leptos::task::spawn_local(async move {
            if let Err(failure) = ui.ask(Command::SetReplicaLimit(bytes)).await {
                error.try_set(catalogue::failure(failure));
            }
        });
    };
    let choice = move |millions: u64| {
        let id = format!("replicas-{millions}");
        let bytes = millions * MILLION;
        view! {
            <label class="choice" for=id.clone()>
                <input
                    type="radio"
                    name="replicas-limit"
                    id=id.clone()
                    data-testid=id.clone()
                    prop:checked=move || limit.get() == Some(bytes)
                    on:change=move |_| choose(bytes)
                />
                {catalogue::replica_limit(millions)}
            </label>
        }
    };
    view! {
        <section class="card stack">
            <h2>{catalogue::REPLICAS_TITLE}</h2>
            <p data-testid="replicas">{kept}</p>
            <p class="small soft">{catalogue::REPLICAS_WHY}</p>
            <fieldset class="segments">
                <legend>{catalogue::REPLICAS_LIMIT}</legend>
                {REPLICA_MILLIONS.map(choice).into_iter().collect_view()}
            </fieldset>
            <p class="error" role="alert">{error}</p>
        </section>
    }
}

/// What is queued for whom, and why.
#[component]
fn Queues() -> impl IntoView {
    let ui = ui();
    let rows = move || {
        let now = ui.now.get();
        ui.route.with(|route| {
            let route = route.as_ref()?;
            let (wait, router) = (route.wait(), route.router_wait());
            let until = |reason: QueueReason| {
                let until = reason.until();
                until.map_or(0, |until| clock::seconds_between(now, until))
            };
            let row = |id: &'static str, reason: QueueReason, name: String, text: String| {
                view! {
                    <li class="stage" data-testid=id data-reason=reason_name(reason)>
                        <b dir="auto">{name}</b>
                        <span>{text}</span>
                    </li>
                }
            };
            let comrade = |queue: &QueueView| {
                let name = ui.comrade(queue.comrade).with(|view| {
                    catalogue::name(view.as_ref().map_or("", |view| view.name.as_str()))
                });
                let text = catalogue::queued(*queue, wait, router, until(queue.reason));
                row("queue", queue.reason, name, text)
            };
            let collective = |queue: &CollectiveQueueView| {
                let name = ui.collective(queue.collective).with(|view| {
                    view.as_ref()
                        .map_or(String::new(), |view| view.name.clone())
                });
                let text = catalogue::queued_posts(*queue, wait, until(queue.reason));
                row("queue-collective", queue.reason, name, text)
            };
            let comrades = route.view.queues.iter().map(comrade);
            let collectives = route.view.collective_queues.iter().map(collective);
            let rows = comrades.chain(collectives).collect::<Vec<_>>();
            (!rows.is_empty()).then_some(rows)
        })
    };
    move || {
        rows().map(|rows| {
            view! {
                <section class="card stack">
                    <h2>{catalogue::QUEUES_TITLE}</h2>
                    <ul class="rows">{rows}</ul>
                </section>
            }
        })
    }
}

/// The reason without its time, for tests.
fn reason_name(reason: QueueReason) -> &'static str {
    match reason {
        QueueReason::Keys => "keys",
        QueueReason::Patience(_) => "patience",
        QueueReason::Quiet(_) => "quiet",
        QueueReason::OwnRelay => "own-relay",
        QueueReason::TheirDevice => "their-device",
        QueueReason::Work => "work",
        QueueReason::Turn => "turn",
        QueueReason::KeptByRelay => "kept",
        QueueReason::HandedOn => "handed-on",
        QueueReason::Unreached => "unreached",
    }
}

/// Comrades being reached.
#[component]
fn Dials() -> impl IntoView {
    let ui = ui();
    let rows = move || {
        let now = ui.now.get();
        ui.route.with(|route| {
            let dials = route.as_ref().map(|route| route.view.dials.clone()).unwrap_or_default();
            dials
                .into_iter()
                .map(|dial| {
                    let name = ui.comrade(dial.comrade).with(|view| {
                        catalogue::name(view.as_ref().map_or("", |view| view.name.as_str()))
                    });
                    let waited = match dial.stage {
                        DialStage::Up => String::new(),
                        _ => catalogue::waited(clock::seconds_between(dial.since, now)),
                    };
                    view! {
                        <li class="stage" data-testid="dial" data-stage=format!("{:?}", dial.stage)>
                            <b dir="auto">{name}</b>
                            <span>{catalogue::dial(dial.stage)}<span class="soft">{waited}</span></span>
                        </li>
                    }
                })
                .collect::<Vec<_>>()
        })
    };
    view! {
        <section class="card stack">
            <h2>{catalogue::ROUTE_DIALS}</h2>
            {move || {
                let rows = rows();
                if rows.is_empty() {
                    view! { <p class="soft">{catalogue::DIALS_NONE}</p> }.into_any()
                } else {
                    view! { <ul class="rows">{rows}</ul> }.into_any()
                }
            }}
        </section>
    }
}

/// All relays, once there is more than one, and what can be done with each.
#[component]
fn Relays() -> impl IntoView {
    let ui = ui();
    let error = RwSignal::new("");
    let relays = Memo::new(move |_| {
        ui.route.with(|route| {
            let relays = route.as_ref().map(|route| route.view.relays.clone());
            relays.unwrap_or_default()
        })
    });
    let button = move |id: &'static str, text: &'static str, command: Command| {
        let tell = move |_| {
            let command = command.clone();
            error.set("");
            leptos::task::spawn_local(async move {
                if let Err(failure) = ui.ask(command).await {
                    error.try_set(catalogue::failure(failure));
                }
            });
        };
        view! { <button type="button" class="btn quiet" data-testid=id on:click=tell>{text}</button> }
    };
    let row = move |(at, view): (usize, RelayView)| {
        let (relay, standing) = (view.id, view.standing);
        let first = match standing {
            RelayStanding::InUse if at > 0 => {
                let command = Command::MakeFirst { relay };
                Some(button("relay-first", catalogue::RELAY_FIRST, command))
            }
            RelayStanding::Tried => {
                let command = Command::AddRelay { relay };
                Some(button("relay-add", catalogue::RELAY_ADD_TRIED, command))
            }
            _ => None,
        };
        let leave = match standing {
            RelayStanding::InUse => catalogue::RELAY_LEAVE,
            _ => catalogue::RELAY_LET_GO,
        };
        let others = move |it: &RelayView| it.id != relay && it.standing == RelayStanding::InUse;
        let may_leave =
            standing != RelayStanding::InUse || relays.with(|all| all.iter().any(others));
        let leave = may_leave.then(|| button("relay-leave", leave, Command::LeaveRelay { relay }));
        let (mood, is_up) = match view.link {
            LinkState::NoRelay | LinkState::Refused(_) => (Mood::Act, "no"),
            LinkState::Up { .. } => (Mood::Done, "yes"),
            _ => (Mood::Waits, "no"),
        };
        let host = place::host(&view.origin).to_owned();
        let words = Memo::new(move |_| {
            let now = ui.now.get();
            let until = |at: Millis| clock::seconds_between(now, at);
            let left = match view.standing {
                RelayStanding::Leaving(at) => until(at),
                _ => 0,
            };
            let next = match view.link {
                LinkState::Waiting { retry_at, .. } => until(retry_at),
                _ => 0,
            };
            let standing = catalogue::standing(&view, at == 0, left);
            (standing, catalogue::relay_state(&view, next))
        });
        view! {
            <li class="stage relay" data-testid="relay" data-standing=standing_name(standing) data-up=is_up>
                <b class="breaks" dir="ltr">{host}</b>
                <span class="soft">{move || words.get().0}</span>
                <span class="line" data-mood=mood.name()><Icon sign=mood.sign()/>{move || words.get().1}</span>
                <div class="actions">{first}{leave}</div>
            </li>
        }
    };
    move || {
        let relays = relays.get();
        (relays.len() > 1).then(|| {
            view! {
                <section class="card stack" data-testid="relays">
                    <h2>{catalogue::RELAYS_TITLE}</h2>
                    <p class="small soft">{catalogue::RELAYS_TEXT}</p>
                    <ul class="rows">{relays.into_iter().enumerate().map(row).collect_view()}</ul>
                    <p class="error" role="alert">{error}</p>
                </section>
            }
        })
    }
}

/// For tests.
fn standing_name(standing: RelayStanding) -> &'static str {
    match standing {
        RelayStanding::InUse => "in-use",
        RelayStanding::Leaving(_) => "leaving",
        RelayStanding::Tried => "tried",
    }
}

/// Adds a relay or changes it.
#[component]
fn UseRelay() -> impl IntoView {
    let ui = ui();
    let node = NodeRef::<html::Input>::new();
    let error = RwSignal::new(String::new());
    let done = RwSignal::new("");
    let some = move || {
        ui.route.with(|route| {
            route
                .as_ref()
                .is_some_and(|route| route.view.relay.is_some())
        })
    };
    let give = move |tries: bool| {
        let Some(input) = node.get_untracked() else {
            return;
        };
        let link = Secret::new(input.value().trim());
        error.set(String::new());
        done.set("");
        if link.expose().is_empty() {
            error.set(catalogue::RELAY_EMPTY.to_owned());
            let _ = input.focus();
            return;
        }
        let (command, text) = match tries {
            true => (Command::TryRelay { link }, catalogue::RELAY_TRIED),
            false => (Command::UseRelay { link }, catalogue::RELAY_USED),
        };
        leptos::task::spawn_local(async move {
            match ui.ask(command).await {
                Ok(_) => {
                    done.try_set(text);
                    input.set_value("");
                }
                Err(failure) => {
                    error.try_set(catalogue::failure(failure).to_owned());
                    let _ = input.focus();
                }
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        give(some());
    };
    let swap = move |_| give(false);
    view! {
        <section class="card stack">
            <form class="stack" on:submit=submit novalidate>
                <h2>{move || if some() { catalogue::RELAY_CHANGE } else { catalogue::RELAY_ADD }}</h2>
                <Show when=some><p class="small soft">{catalogue::RELAY_CHANGE_TEXT}</p></Show>
                <Field
                    id="relay-link"
                    label=catalogue::RELAY_LINK
                    hint=catalogue::RELAY_LINK_HINT
                    node
                    error
                />
                <div class="actions">
                    <Show when=some>
                        <button class="btn quiet" data-testid="relay-try">{catalogue::RELAY_TRY}</button>
                    </Show>
                    <button type="button" class="btn quiet" data-testid="relay-use" on:click=swap>
                        {move || if some() { catalogue::RELAY_SWAP } else { catalogue::RELAY_USE }}
                    </button>
                </div>
                <p class="small" role="status" data-testid="relay-used">{done}</p>
            </form>
        </section>
    }
}

/// What the relays that are connected see at this moment.
fn learn_now(ui: Ui) -> String {
    let now = ui.now.get();
    ui.route.with(|route| {
        let Some(view) = route.as_ref().map(|route| &route.view) else {
            return catalogue::LEARN_NOBODY.to_owned();
        };
        let today = view.traffic.today;
        let bytes = today.sent.saturating_add(today.received);
        let up = |relay: &RelayView| match relay.link {
            LinkState::Up { since, .. } => Some((place::host(&relay.origin).to_owned(), since)),
            _ => None,
        };
        let up: Vec<(String, Millis)> = view.relays.iter().filter_map(up).collect();
        match up.as_slice() {
            [] => catalogue::LEARN_NOBODY.to_owned(),
            [(host, since)] => {
                catalogue::learn_now(host, clock::seconds_between(*since, now), bytes)
            }
            more => {
                let hosts: Vec<&str> = more.iter().map(|(host, _)| host.as_str()).collect();
                catalogue::learn_now_all(&hosts.join(", "), bytes)
            }
        }
    })
}

/// Who can learn what now.
#[component]
fn Learn() -> impl IntoView {
    let ui = ui();
    let row = |(who, can, cannot)| {
        view! {
            <div class="learn">
                <dt>{who}</dt>
                <dd><b>{catalogue::LEARN_CAN}</b>{can}</dd>
                <dd><b>{catalogue::LEARN_CANNOT}</b>{cannot}</dd>
            </div>
        }
    };
    let hosted = Memo::new(move |_| ui.route.with(|route| is_hosted(route.as_ref())));
    let several = Memo::new(move |_| {
        let count = |route: &Route| route.view.relays.len();
        ui.route.with(|route| route.as_ref().map_or(0, count) > 1)
    });
    view! {
        <section class="stack" data-testid="learn">
            <h2>{catalogue::LEARN_TITLE}</h2>
            <p data-testid="learn-now">{move || learn_now(ui)}</p>
            <dl class="card">
                {catalogue::LEARN.map(row).into_iter().collect_view()}
                {move || several.get().then(|| row(catalogue::LEARN_RELAYS))}
                {move || hosted.get().then(|| row(catalogue::LEARN_DIRECT))}
            </dl>
        </section>
    }
}
