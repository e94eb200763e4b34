//! Where in the app a person is, and what an address brings along.
//!
//! The place stands after `#`, so that the browser's own back button works. Links that other people
//! give stand there too (`#i/…` an invite, `#j/…` admission to a relay): they hold secrets, are
//! read once and taken out of the address bar at once.

use komrade_view::{CircleId, CollectiveId, ComradeId};

use crate::thread::Talk;

/// A place in the open app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// The list of comrades.
    #[default]
    People,
    /// Invites and requests.
    Meet,
    /// The way to the network.
    Route,
    /// Settings.
    Settings,
    /// A conversation.
    Conversation(ComradeId),
    /// A comrade's page.
    Comrade(ComradeId),
    /// Making a circle.
    NewCircle,
    /// A circle.
    Circle(CircleId),
    /// Who reads one's own circle.
    CircleReaders(CircleId),
    /// Founding a collective.
    Found,
    /// A collective.
    Collective(CollectiveId, Room),
}

/// A part of a collective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Room {
    /// What is said.
    #[default]
    Talk,
    /// What is being decided.
    Decisions,
    /// One proposal. Which one stands in memory alone: its hash is the same with all members, and an
    /// address is kept in the browser's history.
    Proposal,
    /// A new proposal.
    Propose,
    /// Who belongs to it.
    Members,
    /// Its rules.
    Rules,
}

/// What stood after `#`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fragment {
    /// A place.
    Place(Place),
    /// An invite: the part after `#` is secret.
    Invite,
    /// Admission to a relay: the part after `#` is secret.
    Join,
    /// Nothing this version knows.
    Other,
}

impl Fragment {
    /// Reads what stands in the address, with or without `#`.
    pub fn read(hash: &str) -> Self {
        let hash = hash.strip_prefix('#').unwrap_or(hash);
        match hash {
            "" | "people" => return Self::Place(Place::People),
            "meet" => return Self::Place(Place::Meet),
            "route" => return Self::Place(Place::Route),
            "settings" => return Self::Place(Place::Settings),
            "circle" => return Self::Place(Place::NewCircle),
            "found" => return Self::Place(Place::Found),
            _ => {}
        }
        if hash.starts_with("i/") {
            return Self::Invite;
        }
        if hash.starts_with("j/") {
            return Self::Join;
        }
        if let Some(rest) = hash.strip_prefix("g/") {
            return Self::collective(rest).unwrap_or(Self::Other);
        }
        if let Some(rest) = hash.strip_prefix("o/") {
            let (id, readers) = match rest.strip_suffix("/readers") {
                Some(id) => (id, true),
                None => (rest, false),
            };
            return match from_digits(id).map(CircleId) {
                Some(id) if readers => Self::Place(Place::CircleReaders(id)),
                Some(id) => Self::Place(Place::Circle(id)),
                None => Self::Other,
            };
        }
        let Some(rest) = hash.strip_prefix("c/") else {
            return Self::Other;
        };
        let (id, about) = match rest.strip_suffix("/about") {
            Some(id) => (id, true),
            None => (rest, false),
        };
        match from_digits(id).map(ComradeId) {
            Some(id) if about => Self::Place(Place::Comrade(id)),
            Some(id) => Self::Place(Place::Conversation(id)),
            None => Self::Other,
        }
    }

    fn collective(rest: &str) -> Option<Self> {
        let (id, room) = rest.split_once('/').unwrap_or((rest, ""));
        let room = match room {
            "" => Room::Talk,
            "decisions" => Room::Decisions,
            "propose" => Room::Propose,
            "members" => Room::Members,
            "rules" => Room::Rules,
            "proposal" => Room::Proposal,
            _ => return None,
        };
        let id = CollectiveId(from_digits(id)?);
        Some(Self::Place(Place::Collective(id, room)))
    }
}

impl Place {
    /// What stands after `#` for this place, `#` included.
    pub fn hash(self) -> String {
        match self {
            Self::People => "#people".to_owned(),
            Self::Meet => "#meet".to_owned(),
            Self::Route => "#route".to_owned(),
            Self::Settings => "#settings".to_owned(),
            Self::Conversation(id) => format!("#c/{}", hex(id)),
            Self::Comrade(id) => format!("#c/{}/about", hex(id)),
            Self::NewCircle => "#circle".to_owned(),
            Self::Circle(CircleId(id)) => format!("#o/{}", digits(&id)),
            Self::CircleReaders(CircleId(id)) => format!("#o/{}/readers", digits(&id)),
            Self::Found => "#found".to_owned(),
            Self::Collective(CollectiveId(id), room) => {
                let id = digits(&id);
                match room {
                    Room::Talk => format!("#g/{id}"),
                    Room::Decisions => format!("#g/{id}/decisions"),
                    Room::Propose => format!("#g/{id}/propose"),
                    Room::Members => format!("#g/{id}/members"),
                    Room::Rules => format!("#g/{id}/rules"),
                    Room::Proposal => format!("#g/{id}/proposal"),
                }
            }
        }
    }

    /// Whose page or conversation this is.
    pub fn talk(self) -> Option<Talk> {
        match self {
            Self::Conversation(id) | Self::Comrade(id) => Some(Talk::Comrade(id)),
            Self::Collective(id, _) => Some(Talk::Collective(id)),
            _ => None,
        }
    }
}

/// The id as 32 hex digits: local and random, so harmless in the address bar.
pub fn hex(ComradeId(bytes): ComradeId) -> String {
    digits(&bytes)
}

/// Two hex digits for each byte.
pub fn digits(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
            text
        })
}

fn from_digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: Option<&u8>| char::from(*at?).to_digit(16);
        let value = digit(pair.first())? * 16 + digit(pair.get(1))?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(bytes)
}

/// Whether a relay's join link is whole: 16 bytes stand behind its mark, as 22 characters of which the
/// last holds two bits. Whether they are the right ones, only the relay knows.
pub fn is_whole_join(link: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    link.split_once("#j/").is_some_and(|(_, code)| {
        code.len() == 22 && code.bytes().all(known) && code.ends_with(['A', 'Q', 'g', 'w'])
    })
}

/// The host of a link, for showing: never what stands after `#`, `?` or the path.
pub fn host(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let end = rest.find(['/', '#', '?']).unwrap_or(rest.len());
    let host = rest.get(..end).unwrap_or(rest);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ComradeId = ComradeId([0xa5; 16]);
    const UNION: CollectiveId = CollectiveId([0x5a; 16]);

    #[test]
    fn every_place_comes_back_from_its_hash() {
        for place in [
            Place::People,
            Place::Meet,
            Place::Route,
            Place::Settings,
            Place::Conversation(ID),
            Place::Comrade(ID),
            Place::NewCircle,
            Place::Circle(CircleId([0x3c; 16])),
            Place::CircleReaders(CircleId([0x3c; 16])),
            Place::Found,
            Place::Collective(UNION, Room::Talk),
            Place::Collective(UNION, Room::Decisions),
            Place::Collective(UNION, Room::Proposal),
            Place::Collective(UNION, Room::Propose),
            Place::Collective(UNION, Room::Members),
            Place::Collective(UNION, Room::Rules),
        ] {
            assert_eq!(Fragment::read(&place.hash()), Fragment::Place(place));
        }
    }

    #[test]
    fn an_empty_hash_is_the_list_of_people() {
        assert_eq!(Fragment::read(""), Fragment::Place(Place::People));
        assert_eq!(Fragment::read("#"), Fragment::Place(Place::People));
    }

    #[test]
    fn secrets_are_recognised_and_not_kept() {
        assert_eq!(Fragment::read("#i/AbC"), Fragment::Invite);
        assert_eq!(Fragment::read("#j/AbC"), Fragment::Join);
    }

    #[test]
    fn a_damaged_id_is_no_place() {
        for hash in [
            "#c/",
            "#c/a5",
            "#c/zz",
            "#nowhere",
            &format!("#c/{}ä", "a".repeat(30)),
            "#g/a5",
            "#o/a5/readers",
            &format!("#g/{}/nowhere", "a".repeat(32)),
        ] {
            assert_eq!(Fragment::read(hash), Fragment::Other, "{hash}");
        }
    }

    #[test]
    fn a_join_link_that_lost_a_part_is_not_whole() {
        let whole = "https://relay.example/#j/AAECAwQFBgcICQoLDA0ODw";
        assert!(is_whole_join(whole));
        for length in whole.find("#j/").unwrap_or(0)..whole.len() {
            let cut = whole.get(..length).unwrap_or_default();
            assert!(!is_whole_join(cut), "{cut}");
        }
        for damaged in [
            "https://relay.example/#j/abcdef",
            "https://relay.example/#j/AAECAwQFBgcICQoLDA0ODz",
            "https://relay.example/#j/AAECAwQFBgcICQoLDA0OD%",
            "https://relay.example/#j/AAECAwQFBgcICQoLDA0ODwAAAAAA",
        ] {
            assert!(!is_whole_join(damaged), "{damaged}");
        }
    }

    #[test]
    fn a_host_is_shown_without_its_secrets() {
        assert_eq!(
            host("https://relay.example:8443/#j/secret"),
            "relay.example:8443"
        );
        assert_eq!(host("http://127.0.0.1:7070#i/secret"), "127.0.0.1:7070");
        assert_eq!(host("relay.example/x?y"), "relay.example");
        assert_eq!(host("https://user:word@relay.example/"), "relay.example");
    }
}
