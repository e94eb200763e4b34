//! The route: relay, node, router, destination, replicas, dials, and what each party can learn.

use komrade_view::{
    CollectiveQueueView, DialStage, HostStage, LinkState, NodeStage, PutRefusal, PutRefusalCode,
    QueueReason, QueueView, RefusalCode, RefusedBy, RelayStanding, RelayView, ReplicaView,
    RouterStage, Traffic, TrafficView,
};

use super::{bytes, number, soon, span};
use crate::waiting::{For, Obstacle, Wait};

/// Title.
pub const ROUTE_TITLE: &str = "Your route";
/// Section.
pub const ROUTE_RELAY: &str = "Your relay";
/// Section.
pub const ROUTE_LINK: &str = "Connection";
/// Section.
pub const ROUTE_NODE: &str = "Its node";
/// Section.
pub const ROUTE_ROUTER: &str = "Its I2P router";
/// Section.
pub const ROUTE_HOSTING: &str = "Your own I2P address";
/// Section.
pub const ROUTE_DIALS: &str = "Dialled through I2P";
/// Section.
pub const ROUTE_QUEUE: &str = "Waiting to leave";
/// Stages, for a screen reader.
pub const ROUTE_STAGES: &str = "Stages of the route";
/// Nobody is dialled.
pub const DIALS_NONE: &str = "Nobody is being dialled. Your relay passes messages on by itself; \
    this device dials only for a new invite, for direct links, and to find comrades again.";
/// No relay is chosen.
pub const RELAY_NONE: &str = "None yet";
/// Tries at once.
pub const RECONNECT: &str = "Try again now";
/// Section.
pub const RELAYS_TITLE: &str = "Your relays";
/// What several are for.
pub const RELAYS_TEXT: &str = "What you write leaves through the first that is reached. Your \
    comrades know all of them, so that one may burn. Each sees when you connect, and brings the \
    sealed envelopes of its members.";
/// Makes it the first.
pub const RELAY_FIRST: &str = "Make it the first";
/// Leaves it.
pub const RELAY_LEAVE: &str = "Leave it";
/// Uses the one that was tried.
pub const RELAY_ADD_TRIED: &str = "Add it";
/// Lets the one that was tried go.
pub const RELAY_LET_GO: &str = "Let it go";

/// What a relay is to the person. `until` it is read at most, in seconds.
pub fn standing(relay: &RelayView, is_first: bool, until: u64) -> String {
    match relay.standing {
        RelayStanding::Tried => "Tried: nothing of yours is put there yet".to_owned(),
        RelayStanding::Leaving(_) => format!(
            "Being left: read until all comrades know, {} at most",
            span(until)
        ),
        RelayStanding::InUse if relay.rests => {
            "No answer for long: your comrades take the others first".to_owned()
        }
        RelayStanding::InUse if is_first => "The first: what you write leaves here".to_owned(),
        RelayStanding::InUse => "Stands by for the first".to_owned(),
    }
}

/// How the way through a relay stands. `until` the next attempt, in seconds.
pub fn relay_state(relay: &RelayView, until: u64) -> String {
    match relay.link {
        LinkState::NoRelay => "Not connected".to_owned(),
        LinkState::Connecting(_) => "Connecting".to_owned(),
        LinkState::Waiting { .. } => format!("Does not answer; next attempt {}", soon(until)),
        LinkState::Refused(code) => refused(code).to_owned(),
        LinkState::Up { .. } => {
            let keeps = match (relay.has_node, relay.node) {
                (false, _) => "Admits you; it has not told of its node",
                (true, NodeStage::CatchingUp(_)) => "Fetching what came while you were away",
                (true, _) => "Admits you and keeps envelopes",
            };
            let way = match relay.router {
                RouterStage::Ready { .. } => "its way to other relays is open",
                RouterStage::Unknown => "of its way to other relays it has not told",
                _ => "its way to other relays is waking up",
            };
            format!("{keeps}; {way}")
        }
    }
}

/// Section.
pub const RELAY_ADD: &str = "Add a relay";
/// Section.
pub const RELAY_CHANGE: &str = "Another relay";
/// What happens.
pub const RELAY_CHANGE_TEXT: &str = "Add one beside the first, so that one may burn, or change to \
    it: you stay the same person, your comrades are told where you are found, and what was on its \
    way is sent again.";
/// The field.
pub const RELAY_LINK: &str = "Join link of the relay";
/// What it looks like.
pub const RELAY_LINK_HINT: &str = "It has #j/ in it and comes from whoever runs the relay.";
/// Uses it.
pub const RELAY_USE: &str = "Use this relay";
/// Uses it in the place of the first.
pub const RELAY_SWAP: &str = "Use it instead";
/// Tries it.
pub const RELAY_TRY: &str = "Try it first";
/// It is being tried.
pub const RELAY_TRIED: &str = "The relay is being tried, or used again if you were leaving it. What it says \
    is shown above.";
/// Nothing was pasted.
pub const RELAY_EMPTY: &str = "Paste the join link first.";
/// It is used from now on.
pub const RELAY_USED: &str = "This relay is used from now on. The stages above show how far it is.";

/// A join link was opened while the vault is open.
pub const RELAY_OFFER_TITLE: &str = "Use this relay?";
/// A join link was opened that is not whole.
pub const JOIN_DAMAGED_TITLE: &str = "This join link is not whole";

/// Whose.
pub fn relay_offer(host: &str) -> String {
    format!("You opened a join link of {host}. Shall it keep and carry your messages from now on?")
}

/// Section.
pub const MEANWHILE_TITLE: &str = "Meanwhile";
/// What one can do.
pub const MEANWHILE: &str = "Write as usual: everything is kept here and goes to your relay by \
    itself. Once your relay has it you may close this tab; it passes on what is for other relays \
    as soon as its I2P router is awake, which takes a few minutes after a start.";
/// Everything works.
pub const ROUTE_READY: &str = "Open: your relay takes, keeps and passes on";
/// The relay works, and reaches no other yet.
pub const ROUTE_PART: &str = "Your relay keeps messages; its way to other relays is waking up";
/// What came is being fetched.
pub const ROUTE_CATCHING_UP: &str = "Fetching what came while you were away";

/// The relay used before is gone.
pub fn rescuing(comrades: u32) -> String {
    let looked_for = if comrades == 1 {
        "1 comrade is".to_owned()
    } else {
        format!("{} comrades are", number(comrades.into()))
    };
    format!(
        "Your earlier relay is gone. {looked_for} being looked for, to tell them where you are \
         found now. Keep Komrade open while this is shown; what you write is kept meanwhile."
    )
}

/// Section.
pub const SAVER_TITLE: &str = "Bytes, and saving them";
/// What a limit does.
pub const SAVER_WHY: &str = "For lines where each byte is paid for. Within the limit everything comes, \
    what is small first; beyond it only envelopes up to 8 KB do. What you write always leaves.";
/// The setting.
pub const SAVER_LIMIT: &str = "A day at most";
/// What waits.
pub const SAVER_HELD: &str = "Today’s limit is reached. Short messages come all the same; long ones, \
    and copies that are kept here for others, wait until midnight in UTC or for a higher limit.";

/// A choice of how much a day may have, in millions of bytes.
pub fn data_limit(millions: u64) -> String {
    match millions {
        0 => "No limit".to_owned(),
        _ => format!("{millions} MB"),
    }
}

/// Section.
pub const REPLICAS_TITLE: &str = "Kept here for others";
/// Why.
pub const REPLICAS_WHY: &str = "So that a relay may burn: its members keep copies of what it \
    holds, which they cannot open, and give them back to the next one.";
/// The setting.
pub const REPLICAS_LIMIT: &str = "At most";

/// What is kept of others.
pub fn replicas(view: ReplicaView) -> String {
    match view.envelopes {
        0 => "No envelopes of others are kept here now.".to_owned(),
        1 => format!("1 sealed envelope, {}.", bytes(view.bytes)),
        count => format!("{} sealed envelopes, {}.", number(count), bytes(view.bytes)),
    }
}

/// A choice of how much is kept, in millions of bytes.
pub fn replica_limit(millions: u64) -> String {
    match millions {
        0 => "Nothing".to_owned(),
        1..1_000 => format!("{millions} MB"),
        _ => format!("{} GB", millions / 1_000),
    }
}

/// What is waited for, as part of a sentence.
pub fn waiting_for(what: For) -> &'static str {
    match what {
        For::Relay => "a relay",
        For::Connection => "the connection to your relay",
        For::RelayToAnswer => "your relay to answer",
        For::Refused(_) => "a relay that takes you in",
        For::Node => "your relay's node",
        For::Router => "the relay's router to start",
        For::Reseed => "a first list of routers",
        For::Routers => "other routers",
        For::Tunnels => "first tunnels",
        For::RouterToAnswer => "the relay's router to answer",
        For::OwnTunnels => "tunnels of your own",
        For::OwnTunnelsAgain => "tunnels of your own, tried again",
        For::Storing => "your relay to store it",
        For::Tunnel => "a tunnel to their relay",
        For::Greeting => "their relay to prove which it is",
        For::Keys => "their keys",
        For::FreshKeys => "fresh keys for the members as they are now",
        For::TheirApp => "their app to open",
        For::NextTry => "the next try",
        For::Patience => "the next try, for it was refused",
        For::Work => "work that a relay asks for",
        For::Quiet => "a quiet moment",
        For::Turn => "its turn",
    }
}

/// The route in a few words, for the rail and the heading.
pub fn route_waits(what: For) -> String {
    match what {
        For::Relay => "No relay yet".to_owned(),
        For::Refused(_) => "Your relay refused".to_owned(),
        For::RelayToAnswer => "Your relay does not answer".to_owned(),
        For::RouterToAnswer => "The relay's router does not answer".to_owned(),
        other => format!("Waiting for {}", waiting_for(other)),
    }
}

/// The connection to the relay. `until` the next attempt, in seconds.
pub fn link(link: LinkState, until: u64) -> String {
    match link {
        LinkState::NoRelay => {
            "A browser cannot speak to I2P by itself: a relay does. Ask your collective for its \
             join link."
                .to_owned()
        }
        LinkState::Connecting(_) => "Connecting".to_owned(),
        LinkState::Up {
            round_trip: Some(millis),
            ..
        } => {
            format!("Connected, {} ms there and back", number(u64::from(millis)))
        }
        LinkState::Up {
            round_trip: None, ..
        } => "Connected".to_owned(),
        LinkState::Waiting { .. } => format!(
            "Your relay does not answer. Your messages are kept here and will go out by \
             themselves. You can also add another relay. Next attempt {}.",
            soon(until)
        ),
        LinkState::Refused(code) => refused(code).to_owned(),
    }
}

/// Why a relay refused.
pub fn refused(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::JoinSecret => {
            "The relay does not know this join link: it was changed or mistyped. Your messages are \
             kept here; ask for the new link and add it below."
        }
        RefusalCode::Version => {
            "The relay speaks another version of Komrade. Your messages are kept here; reload the \
             page, and tell whoever runs the relay."
        }
        RefusalCode::Full => {
            "The relay has as many connections as it takes. Your messages are kept here; try again \
             later or add another relay."
        }
        RefusalCode::HostsFull => {
            "The relay hosts as many I2P addresses as it can, so nobody can link with you directly \
             now. Messages go by way of the relays all the same."
        }
        RefusalCode::Replaced => {
            "This vault connected to the relay from elsewhere, and that connection took over. \
             Close the other one, then try again here."
        }
        RefusalCode::Protocol => {
            "The relay did not understand this app. Your messages are kept here; reload the page, \
             and tell whoever runs the relay."
        }
        RefusalCode::BadDestination => {
            "The relay did not accept your I2P address, so nobody can link with you directly now. \
             Messages go by way of the relays all the same."
        }
        RefusalCode::ShuttingDown => {
            "The relay is being shut down. Your messages are kept here; try again when it is back."
        }
        _ => {
            "The relay refused for a reason this version has no words for. Your messages are kept \
             here; try again or add another relay."
        }
    }
}

/// The relay's router. `until` the next attempt, in seconds.
pub fn router(stage: RouterStage, until: u64) -> String {
    match stage {
        RouterStage::Unknown => "Not known while the relay is not reached".to_owned(),
        RouterStage::Starting => "Starting".to_owned(),
        RouterStage::Reseeding { attempt } => {
            format!("Fetching a first list of other routers, attempt {attempt}")
        }
        RouterStage::NoRouters { .. } => format!(
            "It knows no other routers, and could not fetch a list: the relay has no internet, or \
             the lists' hosts do not answer. Its own members reach each other all the same; it \
             tries again {}.",
            soon(until)
        ),
        RouterStage::BuildingTunnels { routers } => {
            format!(
                "Building first tunnels; it knows {} others",
                number(u64::from(routers))
            )
        }
        RouterStage::Ready { routers: 0 } => "Working".to_owned(),
        RouterStage::Ready { routers } => {
            format!("Working; it knows {} others", number(u64::from(routers)))
        }
        RouterStage::Failed { .. } => format!(
            "It does not answer and is being restarted. Your relay keeps what is for other relays. \
             Next attempt {}.",
            soon(until)
        ),
    }
}

/// The relay's node.
pub fn node(stage: NodeStage) -> &'static str {
    match stage {
        NodeStage::Unknown => "Not known until your relay tells of it",
        NodeStage::Opening => "Opening an encrypted line to it",
        NodeStage::CatchingUp(_) => "Fetching what came while you were away",
        NodeStage::Ready(_) => {
            "Keeps sealed envelopes for you while you are away. All that it has is here"
        }
    }
}

/// This device's destination. `until` the next attempt, in seconds.
pub fn hosting(stage: HostStage, until: u64) -> String {
    match stage {
        HostStage::Off => "Not hosted: nobody needs to reach this device itself".to_owned(),
        HostStage::Waiting => "Waiting for the router".to_owned(),
        HostStage::Building { attempt: 1, .. } => {
            "Building tunnels, 10 to 90 seconds are usual".to_owned()
        }
        HostStage::Building { attempt, .. } => format!("Building tunnels, attempt {attempt}"),
        HostStage::Up { .. } => "Comrades who know it can reach this device itself".to_owned(),
        HostStage::Refused(code) => refused(code).to_owned(),
        HostStage::Failed { .. } => {
            format!(
                "The tunnels did not come up. Messages go by way of the relays all the same; tried \
                 again {}.",
                soon(until)
            )
        }
    }
}

/// A dial.
pub fn dial(stage: DialStage) -> &'static str {
    match stage {
        DialStage::WaitingForRelay => "Waits for your relay or its router",
        DialStage::Dialing => "Looking for a tunnel; up to a minute is usual",
        DialStage::Greeting => "Reached; both sides prove who they are",
        DialStage::Up => "Connected",
        DialStage::Away => "Their relay answers, but their app is closed. Tried again by itself",
        DialStage::Unreachable => "Not reached. Tried again by itself",
    }
}

/// The queue.
pub fn queue(waiting: u32) -> String {
    match waiting {
        0 => "Nothing waits".to_owned(),
        1 => "1 message or post waits and goes out by itself".to_owned(),
        _ => format!(
            "{} messages and posts wait and go out by themselves",
            number(u64::from(waiting))
        ),
    }
}

/// Section.
pub const QUEUES_TITLE: &str = "Queued for comrades and collectives";

/// What is queued for a comrade and why. What one's own relay and its router wait for, if they do;
/// `until` the next try, in seconds.
pub fn queued(queue: QueueView, wait: Option<Wait>, router: Option<Wait>, until: u64) -> String {
    use QueueReason as R;
    let handed = match queue.handed {
        0 => String::new(),
        1 => "1 message was handed on, and they have not answered to it.".to_owned(),
        more => format!(
            "{} messages were handed on, and they have not answered to them.",
            number(more.into())
        ),
    };
    match queue.reason {
        R::KeptByRelay => {
            return format!(
                "{handed} Your relay keeps what it has until their app fetches it.{}",
                which(queue)
            );
        }
        R::HandedOn => {
            let way = router.map_or_else(
                || "Your relay passes on what it has until theirs takes it".to_owned(),
                |wait| {
                    format!(
                        "The way of your relay to others waits for {}",
                        waiting_for(wait.for_what)
                    )
                },
            );
            return format!(
                "{handed} {way}; you may close this tab meanwhile.{}",
                which(queue)
            );
        }
        R::Unreached => {
            return format!(
                "{handed} Their relay was not reached for some time. Yours tries on, and you may close this tab; while it \
                 is open, this device looks for theirs, too.{}",
                which(queue)
            );
        }
        _ => {}
    }
    let waiting = match queue.waiting {
        1 => "1 message waits".to_owned(),
        more => format!("{} messages wait", number(more.into())),
    };
    let text = format!(
        "{waiting} {} {handed}",
        obstacle(Obstacle::from(&queue), wait, until)
    );
    format!("{}{}", text.trim_end(), which(queue))
}

/// What waits of one's own posts in a collective and why, as for a comrade.
pub fn queued_posts(queue: CollectiveQueueView, wait: Option<Wait>, until: u64) -> String {
    let waiting = match queue.waiting {
        1 => "1 post waits".to_owned(),
        more => format!("{} posts wait", number(more.into())),
    };
    let rest = match queue.homes {
        (lacking, of) if of > 1 => {
            format!(" Not handed on yet for {lacking} of the {of} relays that the members use.")
        }
        _ => String::new(),
    };
    let obstacle = obstacle(Obstacle::from(&queue), wait, until);
    format!("{waiting} {obstacle}{rest}")
}

/// What one message or post waits for, and the last answer if that was a refusal. `wait`: if nothing is known to stand in its
/// way, or if it waits for one's own relay.
pub fn it_waits(before: Option<Obstacle>, wait: Wait, until: u64) -> String {
    match before {
        Some(before) => format!("It waits {}", obstacle(before, Some(wait), until)),
        None => format!("It waits for {}.", waiting_for(wait.for_what)),
    }
}

/// The end of a sentence, and another one of what was refused.
fn obstacle(before: Obstacle, wait: Option<Wait>, until: u64) -> String {
    use QueueReason as R;
    let what = match before.reason {
        R::Keys if before.is_post => {
            format!(
                "for {}, which come by themselves",
                waiting_for(For::FreshKeys)
            )
        }
        R::Keys => "for their keys, which come once they answer".to_owned(),
        R::Patience(_) => format!("{} for the next try", span(until)),
        R::Quiet(_) => format!(
            "up to {}, so that your relay cannot tell by its moment whose message has just come",
            span(until)
        ),
        R::TheirDevice => "for their device, since no relay keeps envelopes for them".to_owned(),
        R::Work => format!("for {}; this device is doing it", waiting_for(For::Work)),
        R::Turn => "for your relay to store what is on its way".to_owned(),
        _ => {
            let what = wait.map_or(For::Node, |wait| wait.for_what);
            format!("for {}", waiting_for(what))
        }
    };
    let refused = before.refused;
    match refused.map(|refused| put_refused(refused, before.is_post)) {
        Some(refused) => format!("{what}. {refused}"),
        None => format!("{what}."),
    }
}

/// Who refused what waits and why, and what comes of it. `is_post`: it is for members of a collective.
pub fn put_refused(refused: PutRefusal, is_post: bool) -> String {
    use PutRefusalCode as Code;
    let who = match refused.by {
        RefusedBy::OwnRelay => "Your relay",
        RefusedBy::TheirRelay if is_post => "A member's relay",
        RefusedBy::TheirRelay => "Their relay",
        RefusedBy::TheirDevice => "Their device",
    };
    let what = match refused.why {
        Code::Full => "was full: there is room again when older things expire",
        Code::Expired => "takes it for expired: check the clock of this device",
        Code::TooFar => "takes it for dated too far ahead: check the clock of this device",
        Code::Malformed => "could not read it: it is sealed anew",
        Code::TooLarge => "takes nothing that large: write shorter messages",
        Code::Foreign => "speaks another version of Komrade: reload this page",
        Code::NotForMe => "knows nobody whom it is for: ask them whether they moved",
        Code::Busy => "was too busy",
        Code::NeedsWork => "asks for work first",
        Code::WrongWork => "found the work too little or too old",
        Code::WrongToken => "no longer takes the token that they gave",
        Code::OverShare => {
            "holds as much from here as it may: there is room again when older things expire"
        }
        Code::NotAllowed => {
            "does not let you put anything there: ask whoever runs it, or use another relay"
        }
        Code::QueueFull => "has too much waiting for other relays: you can also add another relay",
        Code::Unreachable => "did not answer until it expired: it is sealed anew",
        Code::Unknown => "refused for a reason that is newer than this page: reload it",
    };
    format!("{who} {what}. Komrade tries again by itself.")
}

/// For which of a comrade's relays something is queued, if they have several.
fn which(queue: QueueView) -> String {
    match queue.home {
        Some((at, of)) if of > 1 => format!(" It is for relay {at} of the {of} that they use."),
        _ => String::new(),
    }
}

/// Bytes of today and of 30 days.
pub fn traffic(view: TrafficView) -> String {
    let both = |traffic: Traffic| {
        let (sent, received) = (bytes(traffic.sent), bytes(traffic.received));
        format!("{sent} sent, {received} received")
    };
    format!(
        "Today {}; in the last 30 days {}. Days begin at midnight in UTC.",
        both(view.today),
        both(view.month)
    )
}

/// Narrator: the way is open.
pub const SAYS_OPEN: &str = "The line is open: your relay takes what you write and passes it on. \
    It waits there for your comrade, and you may close this tab meanwhile.";
/// Narrator: tunnels.
pub const SAYS_TUNNELS: &str = "I2P lays tunnels through other people's machines, so that no one \
    of them knows both ends. That takes a while; your relay holds what is for other relays.";
/// Narrator: the relay's router finds nobody.
pub const SAYS_ALONE: &str = "Your relay finds no way to other relays now. Its own members reach \
    each other all the same, and it holds the rest until the way is back.";
/// Narrator: no relay.
pub const SAYS_NO_RELAY: &str = "You need somebody with a machine that stays on: a relay. It \
    keeps sealed envelopes while people are away, and cannot open them.";
/// Narrator: trouble.
pub const SAYS_TROUBLE: &str = "The line is down, and I keep everything you write. I try again by \
    myself, a little less often each time.";

/// Section.
pub const LEARN_TITLE: &str = "What each party can learn now";
/// No relay is connected.
pub const LEARN_NOBODY: &str = "Right now no relay sees you.";

/// What the relays see that are connected, and how many bytes went today.
pub fn learn_now_all(hosts: &str, today: u64) -> String {
    format!(
        "Right now these see that you are connected: {hosts}. {} went to and fro today.",
        bytes(today)
    )
}

/// What the relay in use sees: since how many seconds, and how many bytes today.
pub fn learn_now(host: &str, seconds: u64, today: u64) -> String {
    format!(
        "Right now {host} sees that you have been connected for {}, and that {} went to and fro \
         today.",
        span(seconds),
        bytes(today)
    )
}

/// Column.
pub const LEARN_CAN: &str = "can";
/// Column.
pub const LEARN_CANNOT: &str = "cannot";

/// Who, what they can learn, and what not.
pub const LEARN: [(&str, &str, &str); 6] = [
    (
        "Your relay",
        "See your internet address, when you connect and how much travels; when you send, and to \
         which relays. From timing it can guess who belongs together, the better the smaller it \
         is.",
        "See for which comrade an envelope is, read or forge anything, or learn anybody's name.",
    ),
    (
        "Other members of your relay",
        "Keep copies of its sealed envelopes, count them and see when they come.",
        "Tell who put one there or for whom it is, or read it.",
    ),
    (
        "Your internet provider",
        "See that you use this relay's host, when and how much.",
        "Read anything, or see whom you write to.",
    ),
    (
        "A comrade's relay",
        "See that some relay puts sealed envelopes there, and when.",
        "Learn that they are yours or for whom they are, or read them.",
    ),
    (
        "I2P routers on the way",
        "See the neighbours in a tunnel, and how much passes.",
        "See both ends, or who or what is inside.",
    ),
    (
        "A comrade",
        "Keep or pass on what you sent; test whether an I2P address of yours that they know is up.",
        "Learn your internet address, or write as you.",
    ),
];

/// The same while several relays are in use.
pub const LEARN_RELAYS: (&str, &str, &str) = (
    "Each further relay of yours",
    "See what the first one sees of your connection. Relays that work together can tell by your \
     internet address that the same person uses both.",
    "Tell it by a key, an account or an envelope: you have others at each.",
);

/// The same while this device has an I2P address of its own.
pub const LEARN_DIRECT: (&str, &str, &str) = (
    "Both relays of a direct link",
    "See which I2P address is dialled or hosted, when the two devices are linked and how much \
     passes.",
    "Read anything, or learn anybody's name.",
);
