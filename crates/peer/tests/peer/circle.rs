//! Circles: their owner writes, comrades read and answer, and do not learn of one another.

use std::collections::BTreeSet;

use komrade_crypto::{
    identity::PersonId,
    vault::{Header, Place, Ring},
};
use komrade_social::circle::{Body, Comment, Operation};
use komrade_store::Table;
use komrade_view::*;
use zeroize::Zeroizing;

use crate::world::{DAY, HOUR, MINUTE, PASSPHRASE, World};

/// What tests ask of a world about circles.
pub trait Circles {
    fn circle(&mut self, at: usize, command: CircleCommand) -> Answer;
    /// The only circle of a comrade's that a peer reads.
    fn theirs(&self, at: usize) -> &CircleView;
    /// The circle of all comrades.
    fn everybody(&self, at: usize) -> CircleId;
    fn read(&mut self, at: usize, circle: CircleId) -> CircleDetail;
    /// Texts, the oldest first.
    fn read_texts(&mut self, at: usize, circle: CircleId) -> Vec<String>;
    fn make(&mut self, at: usize, comrades: &[ComradeId]) -> CircleId;
    fn tell(&mut self, at: usize, circle: CircleId, text: &str);
    /// Says something to the newest post.
    fn comment(&mut self, at: usize, circle: CircleId, text: &str);
    fn comments(&mut self, at: usize, circle: CircleId) -> Vec<CircleComment>;
}

impl Circles for World {
    fn circle(&mut self, at: usize, command: CircleCommand) -> Answer {
        self.ask(at, Command::Circle(command)).expect("done")
    }

    fn theirs(&self, at: usize) -> &CircleView {
        let circles = self.peers[at].circles.iter();
        let theirs: Vec<&CircleView> = circles.filter(|it| it.owner.is_some()).collect();
        assert_eq!(theirs.len(), 1, "peer {at}");
        theirs[0]
    }

    fn everybody(&self, at: usize) -> CircleId {
        let first = &self.peers[at].circles[0];
        assert!(first.everybody);
        first.id
    }

    fn read(&mut self, at: usize, circle: CircleId) -> CircleDetail {
        match self.circle(at, CircleCommand::Read { circle, limit: 100 }) {
            Answer::CircleDetail(detail) => *detail,
            other => panic!("no detail: {other:?}"),
        }
    }

    fn read_texts(&mut self, at: usize, circle: CircleId) -> Vec<String> {
        let posts = self.read(at, circle).posts.into_iter().rev();
        posts.map(|post| post.text).collect()
    }

    fn make(&mut self, at: usize, comrades: &[ComradeId]) -> CircleId {
        let make = CircleCommand::Make {
            name: "Close ones".into(),
            comrades: comrades.to_vec(),
        };
        match self.circle(at, make) {
            Answer::Circle(id) => id,
            other => panic!("not made: {other:?}"),
        }
    }

    fn tell(&mut self, at: usize, circle: CircleId, text: &str) {
        let text = text.into();
        self.circle(at, CircleCommand::Post { circle, text });
    }

    fn comment(&mut self, at: usize, circle: CircleId, text: &str) {
        let on = self.read(at, circle).posts[0].id;
        let text = text.into();
        self.circle(at, CircleCommand::Comment { circle, on, text });
    }

    fn comments(&mut self, at: usize, circle: CircleId) -> Vec<CircleComment> {
        let posts = self.read(at, circle).posts;
        posts.into_iter().flat_map(|post| post.comments).collect()
    }
}

const NAMES: [&str; 4] = [
    "Ana the owner",
    "Bo who reads",
    "Cleo who reads",
    "Dara who reads",
];

/// People at these relays, who all have met the first.
pub fn people(seed: u64, relays: &[usize]) -> (World, Vec<ComradeId>) {
    let mut world = World::new(seed, relays.len());
    for (at, relay) in relays.iter().enumerate() {
        if !world.relays.contains_key(relay) {
            world.add_relay(*relay);
        }
        world.settle_at(at, NAMES[at], *relay);
    }
    let met = (1..relays.len()).map(|at| world.meet(0, at).0).collect();
    world.pass(HOUR);
    (world, met)
}

/// Everything that a device keeps, opened.
pub fn vault(world: &World, at: usize) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let records = world.peers[at].store.records();
    let find = |table: Table, key: &[u8]| {
        let mut all = records.iter();
        let found = all.find(|(of, record)| *of == table && record.key == key);
        found.expect("a record").1.value.clone()
    };
    let header = Header::decode(&find(Table::Header, b"vault")).unwrap();
    let job = header.recipe().job(PASSPHRASE).unwrap();
    let key = job.run(|typed| Zeroizing::new(typed.to_owned())).unwrap();
    let (_, master) = header.unwrap(&key).unwrap();
    let ring = Ring::open(&master, &find(Table::Own, b"ring")).unwrap();
    let open = |(table, record): (Table, komrade_store::Record)| {
        let place = Place {
            table: table as u8,
            schema: 1,
            key: &record.key,
        };
        let value = ring.open_record(&place, &record.value).ok()?;
        Some((table, record.key.clone(), value.to_vec()))
    };
    let opened: Vec<_> = records.iter().cloned().filter_map(open).collect();
    // Header and ring are sealed otherwise.
    assert_eq!(opened.len() + 2, records.len());
    opened
}

/// Whether these bytes stand anywhere in it, as they are or as a list of numbers.
fn holds(vault: &[(Table, Vec<u8>, Vec<u8>)], bytes: &[u8]) -> bool {
    let number = |byte: &u8| match byte {
        0..24 => vec![*byte],
        _ => vec![0x18, *byte],
    };
    let numbers: Vec<u8> = bytes.iter().flat_map(number).collect();
    let within = |value: &[u8], it: &[u8]| value.windows(it.len()).any(|some| some == it);
    let has = |value: &[u8]| within(value, bytes) || within(value, &numbers);
    vault.iter().any(|(_, key, value)| has(key) || has(value))
}

/// The operations of circles.
pub fn operations(vault: &[(Table, Vec<u8>, Vec<u8>)]) -> Vec<Operation> {
    let all = vault.iter();
    let all = all.filter(|(table, key, _)| *table == Table::Spaces && key[0] == 8);
    all.map(|(.., value)| Operation::decode(value).unwrap())
        .collect()
}

fn person(world: &World, at: usize) -> PersonId {
    let profile = world.peers[at].profile.as_ref().unwrap();
    PersonId::from_text(&profile.person).unwrap()
}

#[test]
fn three_comrades_read_what_is_said_to_all_of_them() {
    let (mut world, _) = people(1000, &[0, 1, 2, 0]);
    let mine = world.everybody(0);
    assert_eq!(world.peers[0].circles[0].readers, 3);
    world.tell(0, mine, "first");
    world.pass(MINUTE);
    for at in 1..4 {
        let theirs = world.theirs(at).clone();
        assert_eq!((theirs.unread, theirs.last.as_deref()), (1, Some("first")));
        assert_eq!(world.read_texts(at, theirs.id), ["first"], "peer {at}");
        assert_eq!(world.read(at, theirs.id).readers, []);
        world.circle(at, CircleCommand::MarkRead(theirs.id));
        assert_eq!(world.theirs(at).unread, 0);
    }
    world.pass(HOUR);
    let post = world.read(0, mine).posts.remove(0);
    assert_eq!((post.had, post.of), (3, 3));
    // Locked and opened again, and weeks later, under other keys.
    for at in 0..4 {
        world.restart(at);
    }
    world.pass(9 * DAY);
    world.tell(0, mine, "second");
    world.pass(MINUTE);
    for at in 1..4 {
        let theirs = world.theirs(at).clone();
        assert_eq!(world.read_texts(at, theirs.id), ["first", "second"]);
        assert_eq!((theirs.missing, theirs.unread), (0, 1));
    }
    // Whoever only reads writes nothing.
    let refused = world.ask(
        1,
        Command::Circle(CircleCommand::Post {
            circle: world.theirs(1).id,
            text: "mine".into(),
        }),
    );
    assert_eq!(refused, Err(Refusal::NotEntitled));
    // In the end all of it goes.
    for at in 0..4 {
        let never = Command::SetAckPace(AckPace::Never);
        world.ask(at, never).unwrap();
    }
    world.pass(91 * DAY);
    for at in 0..4 {
        assert!(operations(&vault(&world, at)).is_empty(), "peer {at}");
    }
}

#[test]
fn whoever_was_removed_cannot_read_the_next_post() {
    // All at one relay: everybody gets everybody's envelopes.
    let (mut world, met) = people(1001, &[0, 0, 0, 0]);
    let circle = world.make(0, &met);
    world.tell(0, circle, "while Dara reads");
    world.pass(HOUR);
    let before = vault(&world, 3);
    assert!(holds(&before, b"while Dara reads"), "she could read");
    world.circle(
        0,
        CircleCommand::Remove {
            circle,
            comrade: met[2],
        },
    );
    world.tell(0, circle, "without Dara");
    world.pass(2 * DAY);
    for at in 1..3 {
        let theirs = world.theirs(at).id;
        let texts = world.read_texts(at, theirs);
        assert_eq!(texts, ["while Dara reads", "without Dara"], "peer {at}");
    }
    let theirs = world.theirs(3).id;
    assert_eq!(world.read_texts(3, theirs), ["while Dara reads"]);
    assert_eq!(world.theirs(3).missing, 0, "she is not told");
    let (bo, dara) = (vault(&world, 1), vault(&world, 3));
    assert!(holds(&bo, b"without Dara") && !holds(&dara, b"without Dara"));
    // What she says is not heard any more.
    world.comment(3, theirs, "am I still here?");
    world.pass(DAY);
    assert_eq!(world.comments(0, circle), []);
    assert_eq!(world.read(0, circle).readers.len(), 2);
}

#[test]
fn whoever_is_added_reads_nothing_older_unless_it_is_chosen() {
    let (mut world, met) = people(1002, &[0, 1, 2, 3]);
    let circle = world.make(0, &met[..1]);
    world.tell(0, circle, "old");
    world.pass(MINUTE);
    let bo = world.theirs(1).id;
    world.comment(1, bo, "said to the old one");
    world.pass(HOUR);
    for (comrade, older) in [(met[1], false), (met[2], true)] {
        world.circle(
            0,
            CircleCommand::Add {
                circle,
                comrade,
                older,
            },
        );
    }
    world.pass(HOUR);
    let dara = world.theirs(3).id;
    assert_eq!(
        world.read_texts(3, dara),
        ["old"],
        "as soon as she was added"
    );
    assert_eq!(world.comments(3, dara).len(), 1);
    world.tell(0, circle, "new");
    world.pass(MINUTE);
    // A comment on what Cleo does not have does not come to her.
    let on = world.read(1, bo).posts[1].id;
    let text = "again to the old one".to_owned();
    world.circle(
        1,
        CircleCommand::Comment {
            circle: bo,
            on,
            text,
        },
    );
    world.pass(DAY);
    let cleo = world.theirs(2).id;
    assert_eq!(world.read_texts(2, cleo), ["new"]);
    let kept = vault(&world, 2);
    assert!(holds(&kept, b"new") && !holds(&kept, b"the old one"));
    assert_eq!(operations(&kept).len(), 1);
    assert_eq!(world.read_texts(3, dara), ["old", "new"]);
    assert_eq!(world.comments(3, dara).len(), 2);
    for at in 1..4 {
        assert_eq!(world.theirs(at).missing, 0, "peer {at}");
    }
    let posts = world.read(0, circle).posts;
    assert_eq!((posts[0].had, posts[0].of), (3, 3));
    assert_eq!((posts[1].had, posts[1].of), (2, 2));
}

#[test]
fn readers_do_not_learn_of_one_another_until_one_speaks() {
    let (mut world, met) = people(1003, &[0, 1, 2, 3]);
    let circle = world.make(0, &met);
    for text in ["one", "two"] {
        world.tell(0, circle, text);
        world.pass(DAY);
    }
    let quiet = vault(&world, 1);
    let bo = world.theirs(1).id;
    let cleo = world.theirs(2).id;
    world.comment(2, cleo, "here I am");
    world.pass(DAY);
    let after = vault(&world, 1);
    let said = operations(&after);
    let said = said.iter().find_map(|it| match it.body() {
        Body::Comment { comment } => Some(comment.clone()),
        _ => None,
    });
    let said = said.expect("a comment");
    assert_eq!(said.person(), person(&world, 2));
    // That these are found where they stand; and of a comrade the person, too.
    for trace in [&said.device().0[..], NAMES[2].as_bytes()] {
        assert!(holds(&after, trace));
    }
    let comrades: Vec<_> = after
        .iter()
        .filter(|(table, ..)| *table == Table::Comrades)
        .cloned()
        .collect();
    assert!(holds(&comrades, &person(&world, 0).0));
    assert!(holds(&quiet, &person(&world, 0).0) && holds(&quiet, NAMES[0].as_bytes()));
    // Before Cleo spoke there was nothing of her, and there never is of Dara.
    for trace in [
        &said.device().0[..],
        NAMES[2].as_bytes(),
        &person(&world, 2).0,
    ] {
        assert!(!holds(&quiet, trace));
    }
    for trace in [NAMES[3].as_bytes(), &person(&world, 3).0] {
        assert!(!holds(&after, trace));
    }
    assert_eq!(world.read(1, bo).readers, []);
    assert_eq!(world.theirs(1).readers, 0);
}

#[test]
fn comments_reach_everybody_through_the_owner_and_say_whose_they_are() {
    let (mut world, met) = people(1004, &[0, 1, 2]);
    // Bo and Cleo know each other; Bo is nobody to Dara.
    let (cleo_of_bo, _) = world.meet(1, 2);
    let circle = world.make(0, &met);
    world.tell(0, circle, "who comes on Friday?");
    world.pass(MINUTE);
    let (bo, cleo) = (world.theirs(1).id, world.theirs(2).id);
    world.comment(2, cleo, "I do");
    let waiting = world.comments(2, cleo).remove(0);
    assert!(waiting.waiting && waiting.by == Commenter::Me);
    world.until(|world| world.peers[0].circles.iter().any(|it| it.unread == 1));
    world.circle(0, CircleCommand::MarkRead(circle));
    world.comment(0, circle, "good");
    world.pass(HOUR);
    let said = |world: &mut World, at, id| {
        let all = world.comments(at, id).into_iter();
        all.map(|it| (it.by, it.text)).collect::<Vec<_>>()
    };
    let ana = |world: &World, at: usize| world.theirs(at).owner.unwrap();
    let expected = [
        (Commenter::Comrade(cleo_of_bo), "I do".to_owned()),
        (Commenter::Comrade(ana(&world, 1)), "good".to_owned()),
    ];
    assert_eq!(said(&mut world, 1, bo), expected);
    let expected = [
        (Commenter::Me, "I do".to_owned()),
        (Commenter::Comrade(ana(&world, 2)), "good".to_owned()),
    ];
    assert_eq!(said(&mut world, 2, cleo), expected);
    assert!(world.comments(2, cleo).iter().all(|it| !it.waiting));
    let expected = [
        (Commenter::Comrade(met[1]), "I do".to_owned()),
        (Commenter::Me, "good".to_owned()),
    ];
    assert_eq!(said(&mut world, 0, circle), expected);
    // Once they are no comrades any more, it is somebody by a code.
    world
        .ask(
            1,
            Command::RemoveComrade {
                comrade: cleo_of_bo,
            },
        )
        .unwrap();
    let stranger = world.comments(1, bo).remove(0);
    assert_eq!(stranger.by, Commenter::Stranger);
    assert_eq!(stranger.code, person(&world, 2).short_code());
    // The owner takes one back, everywhere.
    let of = world.comments(0, circle)[0].id;
    world.circle(0, CircleCommand::TakeBack { circle, of });
    world.pass(HOUR);
    for (at, id) in [(0, circle), (1, bo), (2, cleo)] {
        assert_eq!(world.comments(at, id).len(), 1, "peer {at}");
        assert!(!holds(&vault(&world, at), b"I do"), "peer {at}");
    }
    let of = world.read(0, circle).posts[0].id;
    world.circle(0, CircleCommand::TakeBack { circle, of });
    world.pass(HOUR);
    for (at, id) in [(0, circle), (1, bo), (2, cleo)] {
        assert_eq!(world.read(at, id).posts, [], "peer {at}");
    }
}

#[test]
fn nobody_comments_twice_by_asking_twice_and_not_without_end() {
    let (mut world, met) = people(1005, &[0, 1]);
    let circle = world.make(0, &met);
    world.tell(0, circle, "talk to me");
    world.pass(MINUTE);
    let bo = world.theirs(1).id;
    for number in 0..32 {
        world.comment(1, bo, &format!("word {number}"));
    }
    let on = world.read(1, bo).posts[0].id;
    let one_more = CircleCommand::Comment {
        circle: bo,
        on,
        text: "one more".into(),
    };
    let refused = world.ask(1, Command::Circle(one_more));
    assert_eq!(refused, Err(Refusal::OutboxFull));
    // His relay loses everything on the way: all of it is sent again.
    world.wipe_relay(0);
    world.pass(DAY);
    for number in 32..60 {
        world.comment(1, bo, &format!("word {number}"));
        world.pass(MINUTE);
    }
    world.pass(DAY);
    let all: BTreeSet<String> = world
        .comments(0, circle)
        .into_iter()
        .map(|it| it.text)
        .collect();
    assert_eq!(all.len(), world.comments(0, circle).len(), "each once");
    assert_eq!(all.len(), 50, "and no more than that of one person");
}

#[test]
fn what_arrives_twice_is_there_once() {
    // Without nodes, so that every frame can be doubled.
    let mut world = World::new(1012, 2);
    for (at, name) in NAMES.iter().take(2).enumerate() {
        world.settle_in(at, name);
    }
    world.meet(0, 1);
    world.meddle = Some(Box::new(|_, frame| vec![frame.clone(), frame]));
    let mine = world.everybody(0);
    for number in 0..5 {
        world.tell(0, mine, &format!("post {number}"));
        world.pass(MINUTE);
        let theirs = world.theirs(1).id;
        world.comment(1, theirs, &format!("to {number}"));
        world.pass(HOUR);
    }
    let theirs = world.theirs(1).id;
    for (at, circle) in [(0, mine), (1, theirs)] {
        assert_eq!(world.read_texts(at, circle).len(), 5, "peer {at}");
        assert_eq!(world.comments(at, circle).len(), 5, "peer {at}");
    }
}

#[test]
fn relays_that_lose_everything_change_nothing() {
    let (mut world, met) = people(1006, &[0, 1, 1]);
    let circle = world.make(0, &met);
    for number in 0..6 {
        world.tell(0, circle, &format!("post {number}"));
        if number % 2 == 0 {
            world.wipe_relay(1);
        }
        world.pass(HOUR);
        for at in 1..3 {
            let theirs = world.peers[at].circles.get(1).map(|it| it.id);
            if let Some(theirs) = theirs
                && world.theirs(at).last.is_some()
            {
                world.comment(at, theirs, &format!("{at} to {number}"));
            }
        }
        world.pass(HOUR);
    }
    world.pass(3 * DAY);
    let expected: Vec<String> = (0..6).map(|it| format!("post {it}")).collect();
    let count = world.comments(0, circle).len();
    assert!(count >= 10, "{count}");
    for at in 1..3 {
        let theirs = world.theirs(at).id;
        assert_eq!(world.read_texts(at, theirs), expected, "peer {at}");
        assert_eq!(world.comments(at, theirs).len(), count, "peer {at}");
        assert_eq!(world.theirs(at).missing, 0);
    }
}

#[test]
fn whoever_stops_reading_reads_nothing_until_added_again() {
    let (mut world, met) = people(1007, &[0, 1, 2]);
    let mine = world.everybody(0);
    world.tell(0, mine, "one");
    world.pass(HOUR);
    let bo = world.theirs(1).id;
    world.circle(1, CircleCommand::Leave(bo));
    // On its way while he leaves.
    world.tell(0, mine, "two");
    world.pass(HOUR);
    assert_eq!(world.peers[1].circles.len(), 1, "only his own");
    assert!(operations(&vault(&world, 1)).is_empty());
    let readers = world.read(0, mine).readers;
    assert!(readers.iter().any(|it| it.comrade == met[0] && it.left));
    assert_eq!(world.peers[0].circles[0].readers, 1);
    world.tell(0, mine, "three");
    world.pass(HOUR);
    assert_eq!(world.peers[1].circles.len(), 1);
    let add = CircleCommand::Add {
        circle: mine,
        comrade: met[0],
        older: false,
    };
    world.circle(0, add);
    world.tell(0, mine, "four");
    world.pass(HOUR);
    assert_eq!(world.read_texts(1, bo), ["four"]);
    let cleo = world.theirs(2).id;
    assert_eq!(world.read_texts(2, cleo), ["one", "two", "three", "four"]);
    for at in 1..3 {
        assert_eq!(world.theirs(at).missing, 0);
    }
}

#[test]
fn a_circle_that_ends_is_told_and_forgotten_to_the_last_record() {
    let (mut world, met) = people(1008, &[0, 1, 2]);
    let circle = world.make(0, &met);
    world.tell(0, circle, "soon over");
    world.pass(HOUR);
    world.circle(0, CircleCommand::End(circle));
    world.pass(HOUR);
    assert_eq!(world.peers[0].circles.len(), 1);
    let of_circle = |world: &World, at| {
        let all = vault(world, at).into_iter();
        all.filter(|(table, ..)| *table == Table::Spaces).count()
    };
    assert_eq!(of_circle(&world, 0), 0);
    for at in 1..3 {
        let theirs = world.theirs(at).clone();
        assert!(matches!(theirs.over, Some(CircleOver::Ended(_))));
        assert_eq!(world.read_texts(at, theirs.id), ["soon over"]);
        let on = world.read(at, theirs.id).posts[0].id;
        let comment = CircleCommand::Comment {
            circle: theirs.id,
            on,
            text: "why?".into(),
        };
        let refused = world.ask(at, Command::Circle(comment));
        assert_eq!(refused, Err(Refusal::Over));
        world.circle(at, CircleCommand::Leave(theirs.id));
        world.pass(MINUTE);
        assert_eq!(of_circle(&world, at), 0);
    }
    // The circle of all comrades stays.
    let everybody = world.everybody(0);
    let refused = world.ask(0, Command::Circle(CircleCommand::End(everybody)));
    assert_eq!(refused, Err(Refusal::NotEntitled));
}

#[test]
fn a_comrade_who_is_removed_neither_reads_nor_is_read() {
    let (mut world, met) = people(1009, &[0, 1, 2]);
    let mine = world.everybody(0);
    let theirs = world.everybody(1);
    world.tell(0, mine, "from Ana");
    world.tell(1, theirs, "from Bo");
    world.pass(HOUR);
    let bos = world.theirs(0).id;
    assert_eq!(world.read_texts(0, bos), ["from Bo"]);
    world
        .ask(0, Command::RemoveComrade { comrade: met[0] })
        .unwrap();
    world.tell(0, mine, "without Bo");
    world.tell(1, theirs, "still from Bo");
    world.pass(DAY);
    assert_eq!(world.peers[0].circles.len(), 1);
    assert!(!holds(&vault(&world, 0), b"from Bo"));
    let anas = world.theirs(1).id;
    assert_eq!(world.read_texts(1, anas), ["from Ana"]);
    let cleo = world.theirs(2).id;
    assert_eq!(world.read_texts(2, cleo), ["from Ana", "without Bo"]);
    // Whoever is met later reads what follows.
    world.add_peer();
    world.settle_at(3, NAMES[3], 1);
    world.meet(0, 3);
    world.pass(HOUR);
    world.tell(0, mine, "with Dara");
    world.pass(HOUR);
    let dara = world.theirs(3).id;
    assert_eq!(world.read_texts(3, dara), ["with Dara"]);
}

#[test]
fn what_the_conversation_lost_for_good_is_asked_for_and_told_again() {
    let (mut world, met) = people(1010, &[0, 1]);
    let circle = world.make(0, &met);
    world.tell(0, circle, "one");
    world.pass(HOUR);
    // Bo is away for so long that what waits for him expires on its way.
    world.stop(1);
    world.tell(0, circle, "two");
    world.pass(33 * DAY);
    world.restart(1);
    world.pass(HOUR);
    let bo = world.theirs(1).id;
    assert_eq!(world.read_texts(1, bo), ["one"], "it expired");
    world.tell(0, circle, "three");
    world.pass(HOUR);
    assert_eq!(world.read_texts(1, bo), ["one", "three"]);
    assert_eq!(world.theirs(1).missing, 1);
    world.pass(2 * DAY);
    assert_eq!(world.read_texts(1, bo), ["one", "two", "three"]);
    assert_eq!(world.theirs(1).missing, 0);
}

#[test]
fn bounds_are_told() {
    let (mut world, met) = people(1011, &[0, 1]);
    let circle = world.make(0, &met);
    let ask = |world: &mut World, command| world.ask(0, Command::Circle(command)).unwrap_err();
    let post = |text: String| CircleCommand::Post { circle, text };
    assert_eq!(ask(&mut world, post("  ".into())), Refusal::EmptyMessage);
    let long = "x".repeat(MAX_CIRCLE_POST_BYTES + 1);
    assert_eq!(ask(&mut world, post(long)), Refusal::PostTooLong);
    let longest = "x".repeat(MAX_CIRCLE_POST_BYTES);
    world.tell(0, circle, &longest);
    world.pass(MINUTE);
    let bo = world.theirs(1).id;
    assert_eq!(world.read_texts(1, bo), [longest]);
    let name = String::new();
    assert_eq!(
        ask(&mut world, CircleCommand::Rename { circle, name }),
        Refusal::BadName
    );
    let again = CircleCommand::Add {
        circle,
        comrade: met[0],
        older: true,
    };
    assert_eq!(ask(&mut world, again), Refusal::Over);
    for _ in 1..32 {
        world.make(0, &[]);
    }
    let make = CircleCommand::Make {
        name: "one too many".into(),
        comrades: Vec::new(),
    };
    assert_eq!(ask(&mut world, make), Refusal::TooManyCircles);
    assert!(Comment::decode(&[]).is_err());
}
