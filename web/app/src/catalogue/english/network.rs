//! The route: relay, router, destination, dials, and what each party can learn.

use komrade_view::{DialStage, HostStage, LinkState, RefusalCode, RouterStage};

use super::{number, span};
use crate::waiting::For;

/// Title.
pub const ROUTE_TITLE: &str = "Your route";
/// Section.
pub const ROUTE_RELAY: &str = "Your relay";
/// Section.
pub const ROUTE_LINK: &str = "Connection";
/// Section.
pub const ROUTE_ROUTER: &str = "Its I2P router";
/// Section.
pub const ROUTE_HOSTING: &str = "Your own address";
/// Section.
pub const ROUTE_DIALS: &str = "Comrades being reached";
/// Section.
pub const ROUTE_QUEUE: &str = "Kept here";
/// Section.
pub const ROUTE_BYTES: &str = "Sent and received";
/// Stages, for a screen reader.
pub const ROUTE_STAGES: &str = "Stages of the route";
/// Nobody is dialled.
pub const DIALS_NONE: &str =
    "Nobody is being reached right now. It happens by itself when there is something to send.";
/// No relay is chosen.
pub const RELAY_NONE: &str = "None yet";
/// Tries at once.
pub const RECONNECT: &str = "Try again now";
/// Section.
pub const RELAY_ADD: &str = "Add a relay";
/// Section.
pub const RELAY_CHANGE: &str = "Change the relay";
/// What happens.
pub const RELAY_CHANGE_TEXT: &str =
    "You stay the same person. Comrades reach you again once the new relay hosts your address.";
/// The field.
pub const RELAY_LINK: &str = "Join link of the relay";
/// What it looks like.
pub const RELAY_LINK_HINT: &str = "It has #j/ in it and comes from whoever runs the relay.";
/// Uses it.
pub const RELAY_USE: &str = "Use this relay";
/// Nothing was pasted.
pub const RELAY_EMPTY: &str = "Paste the join link first.";
/// It is used from now on.
pub const RELAY_USED: &str = "This relay is used from now on. The stages above show how far it is.";

/// A join link was opened while the vault is open.
pub const RELAY_OFFER_TITLE: &str = "Use this relay?";

/// Whose.
pub fn relay_offer(host: &str) -> String {
    format!("You opened a join link of {host}. Shall it carry your messages from now on?")
}

/// Section.
pub const MEANWHILE_TITLE: &str = "Meanwhile";
/// What one can do.
pub const MEANWHILE: &str = "Write as usual: everything is kept here and goes out by itself. \
    Waking tunnels takes 10 to 90 seconds; keep this tab open so that they stay awake.";
/// Everything works.
pub const ROUTE_READY: &str = "Open: others can reach you, and you them";
/// Only a part works.
pub const ROUTE_PART: &str = "You can send; your own address is still waking up";

/// What is waited for, as part of a sentence.
pub fn waiting_for(what: For) -> &'static str {
    match what {
        For::Relay => "a relay",
        For::Connection => "the connection to your relay",
        For::RelayToAnswer => "your relay to answer",
        For::Refused(_) => "a relay that takes you in",
        For::Router => "the relay's router to start",
        For::Reseed => "a first list of routers",
        For::Routers => "other routers",
        For::Tunnels => "first tunnels",
        For::RouterToAnswer => "the relay's router to answer",
        For::OwnTunnels => "tunnels of your own",
        For::OwnTunnelsAgain => "tunnels of your own, tried again",
        For::Tunnel => "a tunnel",
        For::Greeting => "both sides to prove who they are",
        For::Acceptance => "their side to store it",
        For::TheirApp => "their app to open",
        For::NextTry => "the next try",
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
        LinkState::Waiting { failures, .. } => format!(
            "Your relay does not answer. Your messages are kept here and will go out by \
             themselves. You can also add another relay. Attempt {} in {}.",
            u64::from(failures) + 1,
            span(until)
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
            "The relay hosts as many addresses as it can, so others cannot reach you through it. \
             You can send; to receive, try later or add another relay."
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
            "The relay did not accept your address here. Your messages are kept here; add the \
             relay again to make a new address."
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
             the lists' hosts do not answer. It tries again in {}.",
            span(until)
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
            "It does not answer and is being restarted. Your messages are kept here. Next attempt \
             in {}.",
            span(until)
        ),
    }
}

/// This device's destination. `until` the next attempt, in seconds.
pub fn hosting(stage: HostStage, until: u64) -> String {
    match stage {
        HostStage::Off => "Not asked for yet".to_owned(),
        HostStage::Waiting => "Waiting for the router".to_owned(),
        HostStage::Building { attempt: 1, .. } => {
            "Building tunnels, 10 to 90 seconds are usual".to_owned()
        }
        HostStage::Building { attempt, .. } => format!("Building tunnels, attempt {attempt}"),
        HostStage::Up { .. } => "Others can reach you".to_owned(),
        HostStage::Refused(code) => refused(code).to_owned(),
        HostStage::Failed { .. } => {
            format!(
                "The tunnels did not come up. You can still send; tried again in {}.",
                span(until)
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
        1 => "1 message waits and goes out by itself".to_owned(),
        _ => format!(
            "{} messages wait and go out by themselves",
            number(u64::from(waiting))
        ),
    }
}

/// Bytes since the app was opened.
pub fn traffic(sent: &str, received: &str) -> String {
    format!("{sent} sent, {received} received since the app was opened")
}

/// Narrator: the way is open.
pub const SAYS_OPEN: &str =
    "The line is open. What you write leaves at once, if their app is open too.";
/// Narrator: tunnels.
pub const SAYS_TUNNELS: &str = "I2P lays tunnels through other people's machines, so that no one \
    of them knows both ends. That takes a while; write meanwhile.";
/// Narrator: no relay.
pub const SAYS_NO_RELAY: &str = "You need somebody with a machine that stays on: a relay. It \
    carries sealed envelopes and cannot open them.";
/// Narrator: trouble.
pub const SAYS_TROUBLE: &str = "The line is down, and I keep everything you write. I try again by \
    myself, a little less often each time.";

/// Section.
pub const LEARN_TITLE: &str = "What each party can learn now";
/// Column.
pub const LEARN_CAN: &str = "can";
/// Column.
pub const LEARN_CANNOT: &str = "cannot";

/// Who, what they can learn, and what not.
pub const LEARN: [(&str, &str, &str); 5] = [
    (
        "Your relay",
        "See your internet address, when you connect and how much travels. In this version it also \
         sees which I2P addresses you reach, so it can guess who belongs together.",
        "Read or forge anything, or learn anybody's name.",
    ),
    (
        "Your internet provider",
        "See that you use this relay's host, when and how much.",
        "Read anything, or see whom you write to.",
    ),
    (
        "A comrade's relay",
        "See that a destination of some relay connects to your comrade.",
        "Learn that it is you, or read anything.",
    ),
    (
        "I2P routers on the way",
        "See the neighbours in a tunnel, and how much passes.",
        "See both ends, or who or what is inside.",
    ),
    (
        "A comrade",
        "Keep or pass on what you sent; test whether your address is up.",
        "Learn your internet address, or write as you.",
    ),
];
