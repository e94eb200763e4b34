#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod circles;
mod collective;

use std::{collections::BTreeSet, fs, path::Path};

use komrade_view::{
    DialStage, HostStage, LinkState, NodeStage, Refusal, RefusalCode, ReplicaView, RouterStage,
    Tick,
};

use super::*;
use crate::{
    clock::Wall,
    waiting::{For, Obstacle, Wait},
};

const CODES: [RefusalCode; 8] = [
    RefusalCode::JoinSecret,
    RefusalCode::Version,
    RefusalCode::Full,
    RefusalCode::HostsFull,
    RefusalCode::Replaced,
    RefusalCode::Protocol,
    RefusalCode::BadDestination,
    RefusalCode::ShuttingDown,
];

/// A whole sentence in the voice of the app.
fn speaks_well(text: &str) {
    assert!(
        text.chars()
            .next()
            .is_some_and(|first| first.is_uppercase() || first.is_numeric()),
        "{text}"
    );
    assert!(text.ends_with('.'), "no full stop: {text}");
    assert!(
        !text.contains('!') && !text.to_lowercase().contains("something went wrong"),
        "{text}"
    );
    assert!(!text.contains("  "), "two spaces: {text}");
    for word in ["server", "friend", "mailbox", "channel"] {
        assert!(!text.to_lowercase().contains(word), "not our word: {text}");
    }
}

#[test]
fn every_refusal_has_a_sentence_of_its_own() {
    let sentences: BTreeSet<_> = Refusal::ALL
        .iter()
        .map(|refused| refusal(*refused))
        .collect();
    assert_eq!(sentences.len(), Refusal::ALL.len());
    for sentence in sentences {
        speaks_well(sentence);
        assert!(
            !sentence.contains("has no words for"),
            "fell through: {sentence}"
        );
    }
}

#[test]
fn every_refusal_of_a_relay_has_a_sentence_of_its_own() {
    let sentences: BTreeSet<_> = CODES.iter().map(|code| refused(*code)).collect();
    assert_eq!(sentences.len(), CODES.len());
    for sentence in sentences {
        speaks_well(sentence);
        assert!(
            !sentence.contains("has no words for"),
            "fell through: {sentence}"
        );
    }
}

#[test]
fn every_stage_has_words_and_failures_say_what_is_safe() {
    let links = [
        LinkState::NoRelay,
        LinkState::Connecting(0),
        LinkState::Up {
            since: 0,
            round_trip: Some(40),
        },
        LinkState::Up {
            since: 0,
            round_trip: None,
        },
        LinkState::Waiting {
            retry_at: 0,
            failures: 2,
        },
        LinkState::Refused(RefusalCode::Full),
    ];
    let routers = [
        RouterStage::Unknown,
        RouterStage::Starting,
        RouterStage::Reseeding { attempt: 2 },
        RouterStage::NoRouters { retry_in: 30 },
        RouterStage::BuildingTunnels { routers: 1_234 },
        RouterStage::Ready { routers: 0 },
        RouterStage::Ready { routers: 7 },
        RouterStage::Failed { retry_in: 5 },
    ];
    let hosts = [
        HostStage::Off,
        HostStage::Waiting,
        HostStage::Building {
            since: 0,
            attempt: 1,
        },
        HostStage::Building {
            since: 0,
            attempt: 2,
        },
        HostStage::Up { since: 0 },
        HostStage::Refused(RefusalCode::HostsFull),
        HostStage::Failed { retry_at: 0 },
    ];
    let nodes = [
        NodeStage::Unknown,
        NodeStage::Opening,
        NodeStage::CatchingUp(0),
        NodeStage::Ready(0),
    ];
    let mut texts = BTreeSet::new();
    texts.extend(nodes.map(|stage| node(stage).to_owned()));
    texts.extend(links.map(|state| link(state, 9)));
    texts.extend(routers.map(|stage| router(stage, 9)));
    texts.extend(hosts.map(|stage| hosting(stage, 9)));
    assert_eq!(
        texts.len(),
        nodes.len() + links.len() + routers.len() + hosts.len(),
        "two stages say the same"
    );
    assert!(
        link(
            LinkState::Waiting {
                retry_at: 0,
                failures: 2
            },
            9
        )
        .contains("kept here")
    );
    let waiting = LinkState::Waiting {
        retry_at: 0,
        failures: 5,
    };
    assert!(link(waiting, 0).ends_with("Next attempt now."));
    assert!(router(RouterStage::BuildingTunnels { routers: 1_234 }, 0).contains("1,234"));
    for stage in [
        DialStage::WaitingForRelay,
        DialStage::Dialing,
        DialStage::Greeting,
        DialStage::Up,
        DialStage::Away,
        DialStage::Unreachable,
    ] {
        assert!(!dial(stage).is_empty());
        assert_ne!(reached(true, Some(stage)), reached(false, Some(stage)));
    }
}

#[test]
fn what_the_relay_keeps_is_told_plainly() {
    let works = [(true, false), (false, false), (true, true), (false, true)];
    let works = works.map(|(placed, elsewhere)| invite_works(placed, elsewhere));
    assert_eq!(BTreeSet::from(works).len(), works.len());
    let kept = [0, 1, 1_234].map(|envelopes| {
        replicas(ReplicaView {
            envelopes,
            bytes: 2_048 * envelopes,
            limit: 200_000_000,
        })
    });
    assert!(kept[2].contains("1,234") && kept[2].contains("2.4 MB"));
    let others = [
        REPLICAS_WHY,
        ASKED_TEXT,
        DIRECT_HINT,
        RELAY_CHANGE_TEXT,
        MEANWHILE,
        DIALS_NONE,
        WELCOME_NO_RELAY,
        JOIN_DAMAGED,
        PASTE_JOIN,
    ]
    .into_iter()
    .chain(MOVED_STEPS)
    .chain([
        SAVER_WHY,
        SAVER_HELD,
        MOVE_LEAD,
        MOVE_WARNING,
        MOVED_LEAD,
        MOVED_AGAIN,
        MOVED_ERASE_TEXT,
        MOVED_ERASED,
        BRING_LEAD,
        BRING_NO_FILE,
        BRING_UNREADABLE,
    ]);
    assert!(MOVED_STEPS[1].contains(BRING));
    // Erasing comes last, when the file was opened.
    assert!(
        MOVED_STEPS
            .last()
            .is_some_and(|step| step.contains("erase"))
    );
    assert!(MOVED_ERASED.contains("only copy"));
    let rescued = [1, 7].map(rescuing);
    assert!(rescued[1].contains("7 comrades"));
    for text in works.into_iter().chain(others) {
        speaks_well(text);
    }
    for text in kept.iter().chain(&rescued) {
        speaks_well(text);
    }
    assert_eq!(
        [0, 50, 200, 1_000].map(replica_limit),
        ["Nothing", "50 MB", "200 MB", "1 GB"]
    );
    assert_eq!([0, 5].map(data_limit), ["No limit", "5 MB"]);
}

#[test]
fn what_is_queued_is_told_with_its_reason_in_whole_sentences() {
    use komrade_view::{ComradeId, QueueReason, QueueView, Traffic, TrafficView};

    let queue = |waiting, handed, reason| QueueView {
        comrade: ComradeId([1; 16]),
        waiting,
        handed,
        reason,
        home: None,
        refused: None,
    };
    let wait = |for_what| {
        Some(Wait {
            for_what,
            since: None,
        })
    };
    let tell = |queue| queued(queue, wait(For::RelayToAnswer), wait(For::Tunnels), 65);
    let waiting = [
        QueueReason::Keys,
        QueueReason::Patience(7),
        QueueReason::Quiet(7),
        QueueReason::OwnRelay,
        QueueReason::TheirDevice,
        QueueReason::Work,
        QueueReason::Turn,
    ];
    let mut texts: Vec<String> = waiting.map(|reason| tell(queue(1_234, 0, reason))).to_vec();
    assert!(texts[3].ends_with("1,234 messages wait for your relay to answer."));
    texts.push(tell(queue(1, 2, QueueReason::OwnRelay)));
    for handed in [1, 2] {
        texts.push(tell(queue(0, handed, QueueReason::KeptByRelay)));
        texts.push(tell(queue(0, handed, QueueReason::HandedOn)));
        texts.push(tell(queue(0, handed, QueueReason::Unreached)));
        texts.push(queued(
            queue(0, handed, QueueReason::HandedOn),
            None,
            None,
            0,
        ));
    }
    let second = |waiting, handed, reason| {
        let home = Some((2, 3));
        let queue = queue(waiting, handed, reason);
        tell(QueueView { home, ..queue })
    };
    texts.push(second(2, 0, QueueReason::Turn));
    texts.push(second(0, 2, QueueReason::KeptByRelay));
    texts.push(second(0, 2, QueueReason::HandedOn));
    let which = "relay 2 of the 3 that they use.";
    assert_eq!(texts.iter().filter(|text| text.ends_with(which)).count(), 3);
    let all: BTreeSet<_> = texts.iter().collect();
    assert_eq!(all.len(), texts.len(), "two queues say the same");
    // What a comrade's own device took is not with one's relay.
    assert!(texts.iter().all(|text| !text.contains("Your relay has")));
    for text in &texts {
        speaks_well(text);
    }
    let carried = |sent, received| Traffic { sent, received };
    let traffic = traffic(TrafficView {
        today: carried(2_048, 3_145_728),
        month: carried(4_096, 6_291_456),
    });
    speaks_well(&traffic);
    assert!(traffic.starts_with("Today 2.0 KB sent, 3.0 MB received; in the last 30 days 4.0 KB"));
}

#[test]
fn every_refusal_of_what_waits_has_a_sentence_that_says_what_comes_next() {
    use komrade_view::{ComradeId, PutRefusal, PutRefusalCode, QueueReason, QueueView, RefusedBy};

    let by = [
        RefusedBy::OwnRelay,
        RefusedBy::TheirRelay,
        RefusedBy::TheirDevice,
    ];
    let all = by.iter().flat_map(|by| {
        let why = PutRefusalCode::ALL.into_iter();
        why.map(|why| PutRefusal { by: *by, why })
    });
    let mut sentences = BTreeSet::new();
    for refused in all {
        let text = put_refused(refused, false);
        speaks_well(&text);
        assert!(text.ends_with("Komrade tries again by itself."), "{text}");
        let queue = QueueView {
            comrade: ComradeId([1; 16]),
            waiting: 1,
            handed: 0,
            reason: QueueReason::Patience(7),
            home: None,
            refused: Some(refused),
        };
        let told = queued(queue, None, None, 42);
        let wait = Wait {
            for_what: For::Patience,
            since: None,
        };
        let ticked = tick_explained(
            Tick::Kept,
            "Bo",
            "08:06",
            false,
            &it_waits(Some(Obstacle::from(&queue)), wait, 42),
        );
        for told in [told, ticked] {
            speaks_well(&told);
            assert!(told.contains(&text), "{told}");
            assert!(told.contains("42\u{a0}s for the next try"), "{told}");
        }
        sentences.insert(text);
    }
    assert_eq!(sentences.len(), by.len() * PutRefusalCode::ALL.len());
}

#[test]
fn who_learns_what_is_told_in_whole_sentences() {
    speaks_well(LEARN_NOBODY);
    speaks_well(&learn_now("relay.example", 65, 2_048));
    speaks_well(&learn_now_all("relay.example, other.example", 2_048));
    for (who, can, cannot) in LEARN.iter().chain([&LEARN_DIRECT, &LEARN_RELAYS]) {
        assert!(!who.ends_with('.'), "{who}");
        speaks_well(can);
        speaks_well(cannot);
    }
}

#[test]
fn ticks_say_what_is_known_and_no_more() {
    for mark in [
        Tick::Theirs,
        Tick::Kept,
        Tick::Accepted(0),
        Tick::Delivered(0),
        Tick::Expired,
    ] {
        for live in [false, true] {
            let wait = Wait {
                for_what: For::RelayToAnswer,
                since: None,
            };
            let told = tick_explained(mark, "Bo", "08:06", live, &it_waits(None, wait, 0));
            speaks_well(&told);
            let names_it = told.contains("It waits for your relay to answer.");
            assert_eq!(names_it, mark == Tick::Kept, "{told}");
        }
    }
    let accepted = Tick::Accepted(0);
    assert_eq!(tick(accepted, false), "your relay has it");
    // Over a direct link it may be the other device that has stored it.
    assert!(!tick(accepted, true).contains("relay"));
    let wait = Wait {
        for_what: For::Node,
        since: Some(0),
    };
    assert_eq!(
        tick_waiting(wait, Some(22)),
        "kept here, waiting for your relay's node (22\u{a0}s)"
    );
    assert_eq!(
        tick_waiting(wait, Some(2)),
        "kept here, waiting for your relay's node"
    );
}

#[test]
fn narrators_speak_two_sentences_at_most() {
    for says in [
        SAYS_NAME,
        SAYS_DRAWN,
        SAYS_CHECK,
        SAYS_LOCK,
        SAYS_SEALING,
        SAYS_OPEN,
        SAYS_TUNNELS,
        SAYS_ALONE,
        SAYS_NO_RELAY,
        SAYS_TROUBLE,
    ] {
        speaks_well(says);
        assert!(
            says.matches(". ").count() <= 1,
            "more than two sentences: {says}"
        );
    }
}

#[test]
fn spans_numbers_and_bytes_are_written_plainly() {
    let spans = [
        (9, "9 s"),
        (65, "1 min 05 s"),
        (7_260, "2 h 1 min"),
        (200_000, "2 days"),
    ];
    for (seconds, text) in spans {
        assert_eq!(span(seconds).replace('\u{a0}', " "), text);
    }
    assert_eq!(
        (waited(2), waited(3)),
        (String::new(), " (3\u{a0}s)".to_owned())
    );
    assert_eq!(
        [7, 1_234, 20_000, 1_234_567].map(number),
        ["7", "1,234", "20,000", "1,234,567"]
    );
    assert_eq!(
        [bytes(10), bytes(1_536), bytes(3_145_728)],
        ["10 bytes", "1.5 KB", "3.0 MB"]
    );
}

#[test]
fn days_are_named_as_people_do() {
    let monday = 20_780;
    assert_eq!(day(monday, monday), "Today");
    assert_eq!(day(monday - 1, monday), "Yesterday");
    assert_eq!(day(monday - 3, monday), "Friday");
    assert_eq!(day(monday - 10, monday), "Friday, 13 November");
    assert_eq!(day(monday - 400, monday), "19 October 2025");
    assert_eq!(
        moment(
            Wall {
                day: monday,
                hour: 8,
                minute: 6
            },
            monday
        ),
        "08:06"
    );
}

/// Screens and parts name their texts; they hold none. A literal that begins with a capital letter
/// is a text, unless it stands in a comment or names a key of the keyboard.
#[test]
fn no_screen_holds_a_text_of_its_own() {
    let source = Path::new("src");
    let mut files = 0;
    for folder in ["screens", "parts"] {
        for entry in fs::read_dir(source.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            files += 1;
            for line in text
                .lines()
                .take_while(|line| !line.contains("#[cfg(test)]"))
            {
                if line.trim_start().starts_with("//") || line.contains(".key() == ") {
                    continue;
                }
                let mut parts = line.split('"').skip(1).step_by(2);
                let found = parts.find(|literal| {
                    let mut letters = literal.chars();
                    let word = letters.next().is_some_and(char::is_uppercase)
                        && letters.next().is_some_and(char::is_alphabetic);
                    word || literal.contains(". ")
                });
                assert_eq!(found, None, "{}: {line}", path.display());
            }
        }
    }
    assert!(files > 15, "the sources were not found");
}

/// A text that no screen shows any more goes.
#[test]
fn every_text_is_used_somewhere() {
    fn read(folder: &Path, into: &mut Vec<(bool, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                read(&path, into);
            } else if path.is_dir() {
            } else if path.file_name().unwrap() != "tests.rs" {
                let english = path.to_str().unwrap().contains("english");
                into.push((english, fs::read_to_string(path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    read(Path::new("src"), &mut files);
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .map(str::to_owned)
            .collect()
    };
    let all: Vec<String> = files.iter().flat_map(|(_, text)| words(text)).collect();
    let mut texts = 0;
    for (_, text) in files.iter().filter(|(english, _)| *english) {
        for line in text
            .lines()
            .filter_map(|line| line.strip_prefix("pub const "))
        {
            let name = &words(line)[0];
            texts += 1;
            assert!(
                all.iter().filter(|word| *word == name).count() > 1,
                "{name} is not used"
            );
        }
    }
    assert!(texts > 100, "the catalogue was not found");
}

#[test]
fn what_is_missing_and_what_is_lost_is_counted_in_whole_sentences() {
    for count in [1, 2, 12_345] {
        speaks_well(&gap(count));
        speaks_well(&lost(count, "Bo"));
    }
    for text in [
        full("Bo"),
        copied("Bo"),
        delete_conversation_text("Bo"),
        remove_text("Bo"),
    ] {
        speaks_well(&text);
    }
    assert!(lost(1, "Bo").starts_with("1 message is lost:"));
    assert!(lost(12_345, "Bo").starts_with("12,345 messages are lost:"));
}

#[test]
fn every_relay_of_a_person_is_told_apart() {
    use komrade_view::{RelayStanding, RelayView};

    let relay = |standing, link| RelayView {
        id: 1,
        origin: "https://relay.example".into(),
        standing,
        rests: false,
        link,
        router: RouterStage::Ready { routers: 3 },
        node: NodeStage::Ready(0),
        has_node: true,
    };
    let up = LinkState::Up {
        since: 0,
        round_trip: None,
    };
    let used = relay(RelayStanding::InUse, up);
    let rests = RelayView {
        rests: true,
        ..used.clone()
    };
    let left = relay(RelayStanding::Leaving(9), up);
    let tried = relay(RelayStanding::Tried, up);
    let standings = BTreeSet::from([
        standing(&used, true, 0),
        standing(&used, false, 0),
        standing(&rests, true, 0),
        standing(&left, false, 700_000),
        standing(&tried, false, 0),
    ]);
    assert_eq!(standings.len(), 5);
    let waking = RelayView {
        router: RouterStage::Starting,
        ..used.clone()
    };
    let untold = RelayView {
        router: RouterStage::Unknown,
        has_node: false,
        ..used.clone()
    };
    let catching = RelayView {
        node: NodeStage::CatchingUp(0),
        ..used.clone()
    };
    let waiting = LinkState::Waiting {
        retry_at: 0,
        failures: 1,
    };
    let links = [
        LinkState::NoRelay,
        LinkState::Connecting(0),
        waiting,
        LinkState::Refused(RefusalCode::JoinSecret),
    ];
    let mut states: BTreeSet<String> = links
        .map(|link| relay_state(&relay(RelayStanding::Tried, link), 9))
        .into();
    states.extend([used, waking, untold, catching].map(|relay| relay_state(&relay, 0)));
    assert_eq!(states.len(), 8);
    speaks_well(RELAYS_TEXT);
    speaks_well(RELAY_TRIED);
}

#[test]
fn the_room_that_is_left_is_told_once_it_is_little() {
    use crate::length::Room;

    assert_eq!(room_left(Room::Enough), "");
    assert_eq!(
        room_left(Room::Left(1_999)),
        "Room for about 1,999 more characters"
    );
    for over in [1, 2, 12_345] {
        speaks_well(&room_left(Room::Over(over)));
    }
    assert!(room_left(Room::Over(1)).starts_with("1 character too many"));
    assert!(room_left(Room::Over(12_345)).starts_with("12,345 characters too many"));
}
