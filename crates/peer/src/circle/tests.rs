#![allow(clippy::unwrap_used)]

use komrade_crypto::{
    identity::{DeviceCertificate, DeviceKey, RecoveryWords},
    vault::Params,
};
use komrade_social::circle::{Comment, Fields};
use komrade_view::{AckPace, Answer, CircleCommand, ComradeState, Refusal};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{frame::Load, *};
use crate::{
    comrade::{Comrade, ComradeRecord, Who},
    step::Numbers,
    vault::{Cut, recipe},
};

/// What was stored of circles: one of one's own, one of a comrade's.
const KNOWN: &str = include_str!("known.txt");

const NOW: Millis = 1_800_000_000_000;
const BO: ComradeId = ComradeId([1; 16]);
const CLEO: ComradeId = ComradeId([2; 16]);

/// Somebody with keys.
struct Somebody {
    certificate: DeviceCertificate,
    key: DeviceKey,
}

impl Somebody {
    fn new(number: u8) -> Self {
        Self::on_device(number, number + 1)
    }

    fn on_device(number: u8, device: u8) -> Self {
        let root = RecoveryWords::from_bytes([number; 32]).root();
        let key = DeviceKey::from_bytes(&[device; 32]);
        Self {
            certificate: root.certify(&key.public(), 20_000),
            key,
        }
    }

    fn comrade(&self) -> Comrade {
        let mut record = ComradeRecord::new(ComradeState::Met, NOW);
        record.who = Some(Who {
            person: self.certificate.person(),
            device: self.key.public(),
        });
        Comrade::new(record)
    }

    fn comments(&self, circle: circle::CircleId, on: OperationId, text: &str) -> Comment {
        let place = (circle, on);
        Comment::sign(place, NOW, "Bo", text, &self.certificate, &self.key).unwrap()
    }

    fn says(&self, circle: circle::CircleId, on: OperationId, text: &str) -> Vec<u8> {
        self.comments(circle, on, text).as_bytes().to_vec()
    }

    /// An operation of a circle of theirs that expires on that day.
    fn writes(&self, nonce: [u8; 16], sequence: u64, last: u32, body: Body) -> Operation {
        let fields = Fields {
            sequence,
            previous: (sequence > 1).then_some(OperationId([1; 32])),
            time: NOW,
            expiry_day: last,
            nonce,
            person: self.certificate.person(),
            device: DeviceId(self.key.public()),
            body,
        };
        Operation::sign(fields, &self.key).unwrap()
    }
}

/// Somebody who has met Bo and Cleo.
fn open(rng: &mut ChaCha20Rng) -> Open {
    let (cut, _) = Cut::draw("Ana".into(), rng).unwrap();
    let recipe = recipe(Params::FLOOR, rng).unwrap();
    let (mut open, ..) = cut.seal(recipe, &[7; 32], NOW, rng).unwrap();
    open.comrades.insert(BO, Somebody::new(10).comrade());
    open.comrades.insert(CLEO, Somebody::new(20).comrade());
    open
}

/// Runs a step, and says how many records it would write.
fn step<T>(rng: &mut ChaCha20Rng, now: Millis, run: impl FnOnce(&mut Step) -> T) -> (T, usize) {
    let mut numbers = Numbers::default();
    let mut step = Step::new(now, rng, &mut numbers);
    let result = run(&mut step);
    (result, step.writes.len())
}

/// Does what there is to do, step by step; the most records of one of them.
fn settle(open: &mut Open, rng: &mut ChaCha20Rng, now: Millis) -> usize {
    let all = (0..100).map(|_| step(rng, now, |step| open.circles_upkeep(step)).1);
    all.max().unwrap()
}

fn post(text: &str) -> Body {
    let text = text.to_owned();
    Body::Post { text }
}

/// A circle of one's own that Bo reads, with so many posts: its place here, and what it says.
fn own_circle(open: &mut Open, rng: &mut ChaCha20Rng, posts: usize) -> CircleId {
    let name = "Close ones".to_owned();
    let comrades = vec![BO];
    let make = CircleCommand::Make { name, comrades };
    step(rng, NOW, |step| open.circle_command(step, make))
        .0
        .unwrap();
    let circle = *open.circles.all.keys().next().unwrap();
    for number in 0..posts {
        let text = number.to_string();
        let post = CircleCommand::Post { circle, text };
        step(rng, NOW, |step| open.circle_command(step, post))
            .0
            .unwrap();
    }
    circle
}

/// Bo says something to a post.
fn bo_comments(open: &mut Open, rng: &mut ChaCha20Rng, id: CircleId, comment: &Comment) {
    let circle = open.circles.all.get(&id).unwrap();
    let since = circle.reader(BO).unwrap().since;
    let nonce = *circle.record.nonce;
    let comment = comment.as_bytes().to_vec();
    let word = Word::Comment { since, comment }.encode(&nonce);
    step(rng, NOW + limits::HOUR, |step| {
        open.circle_heard(step, BO, &word)
    });
}

fn ids(circle: &Circle) -> Vec<OperationId> {
    circle.state.operations().map(Operation::id).collect()
}

/// How a load of Bo's circle is made.
struct Theirs {
    owner: Somebody,
    comrade: ComradeId,
    nonce: [u8; 16],
}

impl Theirs {
    fn id(&self) -> CircleId {
        let person = self.owner.certificate.person();
        local(&circle::CircleId::of(&person, &self.nonce))
    }

    fn load(&self, after: u64, all: &[Operation]) -> Vec<u8> {
        let load = Load {
            since: NOW,
            floor: 0,
            after,
            to: after + all.len() as u64,
            operations: all.iter().map(|it| it.as_bytes().to_vec()).collect(),
        };
        Word::Load(load).encode(&self.nonce).to_vec()
    }

    /// Tells of it on its own, and has it unfolded.
    fn tells(&self, open: &mut Open, rng: &mut ChaCha20Rng, after: u64, all: &[Operation]) {
        let word = self.load(after, all);
        step(rng, NOW, |step| {
            open.circle_heard(step, self.comrade, &word)
        });
        settle(open, rng, NOW);
    }
}

fn bos() -> Theirs {
    Theirs {
        owner: Somebody::new(10),
        comrade: BO,
        nonce: [5; 16],
    }
}

const TODAY: u32 = (NOW / limits::DAY) as u32;

#[test]
fn what_expires_on_one_day_never_fills_a_batch() {
    let rng = &mut ChaCha20Rng::seed_from_u64(2);
    let mut open = open(rng);
    let circle = own_circle(&mut open, rng, 1_100);
    let most = settle(&mut open, rng, NOW + 100 * limits::DAY);
    assert!(most <= limits::STEP_CHANGES + 200, "{most} at once");
    assert!(ids(open.circles.all.get(&circle).unwrap()).is_empty());
}

#[test]
fn hostile_loads_never_fill_a_batch_and_none_is_lost() {
    let rng = &mut ChaCha20Rng::seed_from_u64(3);
    let mut open = open(rng);
    let bo = bos();
    let all: Vec<Operation> = (1..=1_280)
        .map(|number| bo.owner.writes(bo.nonce, number, TODAY + 90, post("x")))
        .collect();
    let loads: Vec<Vec<u8>> = all
        .chunks(64)
        .enumerate()
        .map(|(at, some)| bo.load(64 * at as u64, some))
        .collect();
    let (_, most) = step(rng, NOW, |step| {
        for load in &loads {
            open.circle_heard(step, BO, load);
        }
    });
    assert!(most <= limits::STEP_CHANGES + 200, "{most} at once");
    assert_eq!(open.circles.all.get(&bo.id()).unwrap().record.newest, 1_280);
    let most = settle(&mut open, rng, NOW);
    assert!(most <= limits::STEP_CHANGES + 200, "{most} at once");
    let circle = open.circles.all.get(&bo.id()).unwrap();
    assert_eq!(ids(circle).len(), 1_280);
    assert!(circle.record.missing(1).is_empty());
    // One word takes all of it back.
    let removes: Vec<Operation> = all
        .iter()
        .rev()
        .take(64)
        .enumerate()
        .map(|(at, it)| {
            let of = it.id();
            let number = 1_281 + at as u64;
            bo.owner
                .writes(bo.nonce, number, TODAY + 90, Body::Remove { of })
        })
        .collect();
    bo.tells(&mut open, rng, 1_280, &removes);
    assert_eq!(ids(open.circles.all.get(&bo.id()).unwrap()).len(), 1_280);
}

#[test]
fn posts_with_many_comments_are_taken_back_in_pages() {
    let rng = &mut ChaCha20Rng::seed_from_u64(4);
    let mut open = open(rng);
    let bo = bos();
    let in_circle = circle::CircleId::of(&bo.owner.certificate.person(), &bo.nonce);
    let mut number = 0;
    let mut write = |body: Body| {
        number += 1;
        bo.owner.writes(bo.nonce, number, TODAY + 90, body)
    };
    let posts: Vec<Operation> = (0..40).map(|_| write(post("x"))).collect();
    let mut all = posts.clone();
    for post in &posts {
        for word in 0..30 {
            let comment = bo.owner.comments(in_circle, post.id(), &word.to_string());
            let comment = Box::new(comment);
            all.push(write(Body::Comment { comment }));
        }
    }
    for (at, some) in all.chunks(30).enumerate() {
        bo.tells(&mut open, rng, 30 * at as u64, some);
    }
    assert_eq!(ids(open.circles.all.get(&bo.id()).unwrap()).len(), 1_240);
    let removes: Vec<Operation> = posts
        .iter()
        .map(|it| write(Body::Remove { of: it.id() }))
        .collect();
    let word = bo.load(1_240, &removes);
    let (_, most) = step(rng, NOW, |step| open.circle_heard(step, BO, &word));
    let most = settle(&mut open, rng, NOW).max(most);
    assert!(most <= limits::STEP_CHANGES + 200, "{most} at once");
    assert_eq!(ids(open.circles.all.get(&bo.id()).unwrap()).len(), 40);
}

#[test]
fn no_reader_writes_the_owners_posts_out_of_the_circle() {
    let rng = &mut ChaCha20Rng::seed_from_u64(5);
    let mut open = open(rng);
    let id = own_circle(&mut open, rng, 20);
    let (bo, in_circle) = (
        Somebody::new(10),
        open.circles.all.get(&id).unwrap().state.id(),
    );
    let posts = ids(open.circles.all.get(&id).unwrap());
    for on in &posts {
        for word in 0..50 {
            let text = format!("{word} {}", "x".repeat(1_900));
            let comment = bo.comments(in_circle, *on, &text);
            bo_comments(&mut open, rng, id, &comment);
        }
    }
    let circle = open.circles.all.get(&id).unwrap();
    assert_eq!(circle.state.posts().len(), 20, "all are there");
    let bytes = circle
        .state
        .operations()
        .map(|it| it.as_bytes().len())
        .sum::<usize>();
    assert!(bytes < 200_000, "{bytes} bytes");
    // And in short words.
    let mut open = self::open(rng);
    let id = own_circle(&mut open, rng, 20);
    let in_circle = open.circles.all.get(&id).unwrap().state.id();
    for on in ids(open.circles.all.get(&id).unwrap()) {
        for word in 0..50 {
            let comment = bo.comments(in_circle, on, &word.to_string());
            bo_comments(&mut open, rng, id, &comment);
        }
    }
    let all = ids(open.circles.all.get(&id).unwrap()).len();
    assert_eq!(all, 20 + 200);
}

#[test]
fn readers_added_at_once_are_told_the_same_time() {
    let rng = &mut ChaCha20Rng::seed_from_u64(6);
    let mut open = open(rng);
    let name = "Close ones".to_owned();
    let comrades = vec![BO, CLEO];
    let make = CircleCommand::Make { name, comrades };
    step(rng, NOW, |step| open.circle_command(step, make))
        .0
        .unwrap();
    let circle = open.everybody();
    let text = "to all".to_owned();
    let post = CircleCommand::Post { circle, text };
    step(rng, NOW, |step| open.circle_command(step, post))
        .0
        .unwrap();
    for circle in open.circles.all.values() {
        let since: Vec<Millis> = circle.record.readers.iter().map(|it| it.since).collect();
        assert_eq!(since, [NOW, NOW]);
    }
    // Who stops and is added again has another one.
    let circle = open.circles.all.get_mut(&circle).unwrap();
    assert_eq!(circle.next_since(NOW), NOW + 1);
}

#[test]
fn comments_on_what_is_not_for_a_reader_do_not_come_to_them_once_it_is_gone() {
    let rng = &mut ChaCha20Rng::seed_from_u64(7);
    let mut open = open(rng);
    let id = own_circle(&mut open, rng, 1);
    let (bo, in_circle) = (
        Somebody::new(10),
        open.circles.all.get(&id).unwrap().state.id(),
    );
    let post = ids(open.circles.all.get(&id).unwrap()).remove(0);
    let (circle, comrade, older) = (id, CLEO, false);
    let add = CircleCommand::Add {
        circle,
        comrade,
        older,
    };
    step(rng, NOW, |step| open.circle_command(step, add))
        .0
        .unwrap();
    bo_comments(
        &mut open,
        rng,
        id,
        &bo.comments(in_circle, post, "not for Cleo"),
    );
    let circle = open.circles.all.get_mut(&id).unwrap();
    assert_eq!(ids(circle).len(), 2);
    circle.state.forget(&[post]);
    let cleo = circle.reader(CLEO).unwrap();
    let (bundle, to) = circle.next_for(cleo);
    assert_eq!((bundle, to), (Vec::new(), 2));
}

#[test]
fn whoever_comes_back_on_a_new_device_is_heard() {
    let rng = &mut ChaCha20Rng::seed_from_u64(15);
    let mut open = open(rng);
    let again = ComradeId([3; 16]);
    open.comrades
        .insert(again, Somebody::on_device(10, 99).comrade());
    for (comrade, who) in [
        (BO, Somebody::new(10)),
        (again, Somebody::on_device(10, 99)),
    ] {
        let nonce = everybody(&who.key.public());
        let theirs = Theirs {
            owner: who,
            comrade,
            nonce,
        };
        let said = theirs.owner.writes(nonce, 1, TODAY + 90, post("to all"));
        theirs.tells(&mut open, rng, 0, &[said]);
        let circle = open.circles.all.get(&theirs.id()).unwrap();
        assert_eq!((circle.record.owner, ids(circle).len()), (Some(comrade), 1));
    }
    // And one's own is drawn in the same way.
    let circle = open.everybody();
    let text = "mine".to_owned();
    let post = CircleCommand::Post { circle, text };
    step(rng, NOW, |step| open.circle_command(step, post))
        .0
        .unwrap();
    let nonce = everybody(open.device.certificate().device());
    let record = &open.circles.all.get(&circle).unwrap().record;
    assert_eq!(*record.nonce, nonce);
    assert!(record.is_for_everybody);
}

#[test]
fn whoever_asks_for_everything_again_and_again_waits_longer_each_time() {
    let rng = &mut ChaCha20Rng::seed_from_u64(13);
    let mut open = open(rng);
    let id = own_circle(&mut open, rng, 1);
    let mut told = 0;
    for hour in (0..240).step_by(6) {
        let now = NOW + hour * limits::HOUR;
        let circle = open.circles.all.get(&id).unwrap();
        let since = circle.reader(BO).unwrap().since;
        let word = Word::Gap { since, from: 1 }.encode(&circle.record.nonce);
        step(rng, now, |step| open.circle_heard(step, BO, &word));
        told += usize::from(open.circles.all.get(&id).unwrap().is_pending());
        step(rng, now, |step| open.circle_tell(step, id));
    }
    assert!((2..=6).contains(&told), "{told} times in ten days");
}

#[test]
fn a_circle_leaves_the_outbox_of_who_is_away_to_messages() {
    let rng = &mut ChaCha20Rng::seed_from_u64(14);
    let mut open = open(rng);
    own_circle(&mut open, rng, 200);
    let outbox = open.comrades.get(&BO).unwrap().outbox.len();
    assert!((2..=40).contains(&outbox), "{outbox} wait");
}

#[test]
fn what_is_published_does_not_tell_when_it_arrived() {
    let rng = &mut ChaCha20Rng::seed_from_u64(8);
    let mut open = open(rng);
    let id = own_circle(&mut open, rng, 1);
    let (bo, in_circle) = (
        Somebody::new(10),
        open.circles.all.get(&id).unwrap().state.id(),
    );
    let post = ids(open.circles.all.get(&id).unwrap()).remove(0);
    bo_comments(&mut open, rng, id, &bo.comments(in_circle, post, "hello"));
    let circle = open.circles.all.get(&id).unwrap();
    let last = circle.state.operations().next_back().unwrap();
    assert!(matches!(last.body(), Body::Comment { .. }));
    assert_eq!(last.fields().time, NOW, "not an hour later");
}

#[test]
fn a_clock_that_was_ahead_stops_nothing() {
    let rng = &mut ChaCha20Rng::seed_from_u64(12);
    let mut open = open(rng);
    let id = own_circle(&mut open, rng, 1);
    let rewinds = |open: &mut Open, rng: &mut ChaCha20Rng, now: Millis| {
        let circle = open.circles.all.get(&id).unwrap();
        let since = circle.reader(BO).unwrap().since;
        let word = Word::Gap { since, from: 1 }.encode(&circle.record.nonce);
        step(rng, now, |step| open.circle_heard(step, BO, &word));
        let circle = open.circles.all.get(&id).unwrap();
        let told_again = circle.is_pending();
        step(rng, now, |step| open.circle_tell(step, id));
        told_again
    };
    assert!(rewinds(&mut open, rng, NOW + 30 * limits::DAY));
    assert!(!rewinds(&mut open, rng, NOW));
    open.circles.due_at = Some(NOW + 30 * limits::DAY);
    step(rng, NOW, |step| open.bring_down_times(step));
    assert!(open.circles.due_at.unwrap() <= NOW + limits::LONGEST_QUIET);
    assert!(rewinds(&mut open, rng, NOW + 13 * limits::HOUR));
}

#[test]
fn a_wrong_clock_loses_nothing() {
    let rng = &mut ChaCha20Rng::seed_from_u64(11);
    let mut open = open(rng);
    let bo = bos();
    // The owner's is ahead, or this one behind.
    let late = bo.owner.writes(bo.nonce, 1, TODAY + 200, post("late"));
    bo.tells(&mut open, rng, 0, &[late]);
    let count = |open: &Open| ids(open.circles.all.get(&bo.id()).unwrap()).len();
    assert_eq!(count(&open), 1);
    // This one is ahead, and doubted.
    open.clock.note(NOW);
    open.clock.note(NOW + 100 * limits::DAY);
    assert!(open.clock.is_doubted());
    let said = bo.owner.writes(bo.nonce, 2, TODAY + 90, post("in time"));
    let word = bo.load(1, &[said]);
    let later = NOW + 100 * limits::DAY;
    step(rng, later, |step| open.circle_heard(step, BO, &word));
    assert_eq!(count(&open), 2);
    // What is over comes too late.
    open.clock = crate::clock::Clock::default();
    let over = bo.owner.writes(bo.nonce, 3, TODAY - 1, post("over"));
    bo.tells(&mut open, rng, 2, &[over]);
    assert_eq!(count(&open), 2);
}

#[test]
fn a_comment_that_was_taken_back_is_not_published_again() {
    let rng = &mut ChaCha20Rng::seed_from_u64(9);
    let mut open = open(rng);
    let id = own_circle(&mut open, rng, 1);
    let (bo, in_circle) = (
        Somebody::new(10),
        open.circles.all.get(&id).unwrap().state.id(),
    );
    let post = ids(open.circles.all.get(&id).unwrap()).remove(0);
    let comment = bo.comments(in_circle, post, "again and again");
    bo_comments(&mut open, rng, id, &comment);
    let said = *ids(open.circles.all.get(&id).unwrap()).last().unwrap();
    let (circle, of) = (id, komrade_view::PostId(said.0));
    let back = CircleCommand::TakeBack { circle, of };
    step(rng, NOW, |step| open.circle_command(step, back))
        .0
        .unwrap();
    settle(&mut open, rng, NOW);
    let before = ids(open.circles.all.get(&id).unwrap());
    assert!(!before.contains(&said), "it is gone");
    bo_comments(&mut open, rng, id, &comment);
    assert_eq!(ids(open.circles.all.get(&id).unwrap()), before);
}

#[test]
fn a_comment_that_comes_after_its_post_was_taken_back_is_not_kept() {
    let rng = &mut ChaCha20Rng::seed_from_u64(10);
    let mut open = open(rng);
    let bo = bos();
    let in_circle = circle::CircleId::of(&bo.owner.certificate.person(), &bo.nonce);
    let first = bo.owner.writes(bo.nonce, 1, TODAY + 90, post("first"));
    let of = first.id();
    let comment = Box::new(bo.owner.comments(in_circle, of, "late"));
    let said = bo
        .owner
        .writes(bo.nonce, 2, TODAY + 90, Body::Comment { comment });
    let back = bo
        .owner
        .writes(bo.nonce, 3, TODAY + 90, Body::Remove { of });
    for (after, one) in [(2, &back), (1, &said), (0, &first)] {
        bo.tells(&mut open, rng, after, std::slice::from_ref(one));
    }
    let circle = open.circles.all.get(&bo.id()).unwrap();
    assert_eq!(ids(circle), [back.id()]);
    assert!(circle.record.missing(1).is_empty());
}

#[test]
fn what_was_left_does_not_come_again() {
    let rng = &mut ChaCha20Rng::seed_from_u64(16);
    let mut open = open(rng);
    for number in 0..20 {
        let theirs = Theirs {
            nonce: [number; 16],
            ..bos()
        };
        let said = theirs.owner.writes(theirs.nonce, 1, TODAY + 90, post("x"));
        theirs.tells(&mut open, rng, 0, &[said]);
        let circle = theirs.id();
        let leave = CircleCommand::Leave(circle);
        step(rng, NOW, |step| open.circle_command(step, leave))
            .0
            .unwrap();
    }
    for number in 0..20 {
        let theirs = Theirs {
            nonce: [number; 16],
            ..bos()
        };
        let said = theirs.owner.writes(theirs.nonce, 2, TODAY + 90, post("x"));
        theirs.tells(&mut open, rng, 1, &[said]);
        let circle = open.circles.all.get(&theirs.id()).unwrap();
        assert!(circle.record.left.is_some() && ids(circle).is_empty());
    }
}

#[test]
fn the_circle_that_was_left_first_makes_room() {
    let rng = &mut ChaCha20Rng::seed_from_u64(21);
    let mut open = open(rng);
    let theirs = |number: usize| {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        Theirs { nonce, ..bos() }
    };
    let tells = |open: &mut Open, rng: &mut ChaCha20Rng, number: usize| {
        let it = theirs(number);
        let said = it.owner.writes(it.nonce, 1, TODAY + 90, post("x"));
        it.tells(open, rng, 0, &[said]);
        it.id()
    };
    for number in 0..limits::MAX_CIRCLES_KNOWN_OF {
        let circle = tells(&mut open, rng, number);
        let leave = CircleCommand::Leave(circle);
        let now = NOW + number as u64;
        let left = step(rng, now, |step| open.circle_command(step, leave));
        left.0.unwrap();
    }
    let most = limits::MAX_CIRCLES_KNOWN_OF;
    let next = tells(&mut open, rng, most);
    settle(&mut open, rng, NOW);
    let known = |open: &Open, id: CircleId| open.circles.all.contains_key(&id);
    assert!(known(&open, next) && !known(&open, theirs(0).id()));
    assert!((1..most).all(|number| known(&open, theirs(number).id())));
    // As many of all comrades together: one of another is forgotten for it. What is read makes no room.
    let bo = Somebody::new(10);
    for number in most + 1..=limits::MAX_CIRCLES_READ {
        let (nonce, owner) = (theirs(number).nonce, ComradeId([100; 16]));
        open.comrades.insert(owner, bo.comrade());
        let record = CircleRecord::new(nonce, Some(owner), String::new(), NOW);
        open.circle_place(record);
    }
    let cleo = Theirs {
        owner: Somebody::new(20),
        comrade: CLEO,
        nonce: [7; 16],
    };
    let said = cleo.owner.writes(cleo.nonce, 1, TODAY + 90, post("x"));
    cleo.tells(&mut open, rng, 0, &[said]);
    assert!(known(&open, cleo.id()) && !known(&open, theirs(1).id()));
    for circle in open.circles.all.values_mut() {
        circle.record.left = None;
    }
    let more = Theirs {
        nonce: [8; 16],
        ..cleo
    };
    let said = more.owner.writes(more.nonce, 1, TODAY + 90, post("x"));
    more.tells(&mut open, rng, 0, &[said]);
    assert!(!known(&open, more.id()));
    let read = open.circles.all.values().filter(|it| !it.record.is_own());
    assert_eq!(read.count(), limits::MAX_CIRCLES_READ);
}

#[test]
fn the_bytes_of_a_record_are_frozen() {
    let mut own = CircleRecord::new([7; 16], None, "Close ones".into(), NOW);
    own.sequence = 9;
    own.previous = Some([8; 32].into());
    own.added_at = NOW;
    let mut reader = Reader::new(BO, NOW, 3);
    reader.note_sent(2, 9, |_| false);
    own.readers.push(reader);
    own.refused.push_back([6; 16].into());
    let mut theirs = CircleRecord::new([7; 16], Some(BO), String::new(), NOW);
    theirs.since = NOW;
    (theirs.up_to, theirs.beyond, theirs.newest) = (4, vec![6], 7);
    (theirs.asked_at, theirs.ended) = (Some(NOW), Some(NOW));
    theirs.waiting.push((NOW, vec![1, 2].into()));
    for (record, known) in [own, theirs].iter().zip(KNOWN.lines()) {
        let bytes = records::encode(record);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, known);
        let again: CircleRecord = records::decode(&bytes).unwrap();
        assert_eq!(*records::encode(&again), *bytes);
    }
}

#[test]
fn nobody_is_taken_to_have_what_was_not_acknowledged() {
    let mut reader = Reader::new(BO, NOW, 0);
    for number in 1..=9 {
        reader.note_sent(number, 10 * number, |_| false);
    }
    assert_eq!(reader.had(|it| it.last < 5), 40);
    assert_eq!(reader.had(|it| !it.contains(7)), 50);
    assert_eq!(reader.had(|_| true), 90);
    // What was acknowledged makes room.
    reader.note_sent(10, 100, |it| it.last < 5);
    assert_eq!(reader.had(|_| false), 40);
    assert_eq!(reader.had(|_| true), 100);
}

#[test]
fn a_circle_is_forgotten_when_all_who_read_it_had_left() {
    let rng = &mut ChaCha20Rng::seed_from_u64(17);
    let mut open = open(rng);
    let id = own_circle(&mut open, rng, 1);
    let record = &mut open.circles.all.get_mut(&id).unwrap().record;
    record.is_forgotten = true;
    record.readers.first_mut().unwrap().left = true;
    settle(&mut open, rng, NOW);
    settle(&mut open, rng, NOW + limits::HOUR);
    assert!(open.circles.all.is_empty());
}

#[test]
fn a_comment_is_published_for_whoever_signed_it_and_reads_and_for_nobody_else() {
    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let mut open = open(rng);
    let mut numbers = Numbers::default();
    let step = &mut Step::new(NOW, rng, &mut numbers);
    let (bo, cleo) = (Somebody::new(10), Somebody::new(20));
    let name = "Close ones".to_owned();
    let comrades = vec![BO];
    let make = CircleCommand::Make { name, comrades };
    open.circle_command(step, make).unwrap();
    let (id, state) = open.circles.all.iter().next().unwrap();
    let (circle, in_circle) = (*id, state.state.id());
    let nonce = *state.record.nonce;
    let since = state.record.readers.first().unwrap().since;
    let text = "what do you think?".to_owned();
    let post = CircleCommand::Post { circle, text };
    open.circle_command(step, post).unwrap();
    let on = |open: &Open| {
        let state = &open.circles.all.get(&circle).unwrap().state;
        let first = state.operations().next().unwrap().id();
        let comments = state.posts().first().unwrap().comments.len();
        (first, comments)
    };
    let (post, _) = on(&open);
    let mut hears = |open: &mut Open, from, since, comment: Vec<u8>| {
        let word = Word::Comment { since, comment };
        open.circle_heard(step, from, &word.encode(&nonce));
        on(open).1
    };
    let good = bo.says(in_circle, post, "yes");
    // Somebody else's words, whoever brings them.
    let foreign = cleo.says(in_circle, post, "no");
    assert_eq!(hears(&mut open, BO, since, foreign.clone()), 0);
    // From somebody who does not read it.
    assert_eq!(hears(&mut open, CLEO, since, foreign), 0);
    // Other words under the same signature.
    let mut forged = good.clone();
    let at = forged.windows(3).position(|it| it == b"yes").unwrap();
    forged.splice(at..at + 3, *b"noo");
    assert_eq!(hears(&mut open, BO, since, forged), 0);
    // To what is not there, in another circle, of a time when he read it before.
    let lost = bo.says(in_circle, OperationId([9; 32]), "yes");
    assert_eq!(hears(&mut open, BO, since, lost), 0);
    let elsewhere = bo.says(circle::CircleId([9; 32]), post, "yes");
    assert_eq!(hears(&mut open, BO, since, elsewhere), 0);
    assert_eq!(hears(&mut open, BO, since - 1, good.clone()), 0);
    // And his own, once.
    assert_eq!(hears(&mut open, BO, since, good.clone()), 1);
    assert_eq!(hears(&mut open, BO, since, good), 1);
}

#[test]
fn only_the_owners_device_speaks_in_a_circle() {
    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let mut open = open(rng);
    let mut numbers = Numbers::default();
    let step = &mut Step::new(NOW, rng, &mut numbers);
    let (bo, cleo) = (Somebody::new(10), Somebody::new(20));
    let nonce = [5; 16];
    let id = circle::CircleId::of(&bo.certificate.person(), &nonce);
    let says = |who: &Somebody, sequence: u64| {
        let fields = Fields {
            sequence,
            previous: (sequence > 1).then_some(OperationId([1; 32])),
            time: NOW,
            expiry_day: day_of(NOW) + 90,
            nonce,
            person: bo.certificate.person(),
            device: DeviceId(who.key.public()),
            body: Body::Post { text: "x".into() },
        };
        let operation = Operation::sign(fields, &who.key).unwrap();
        operation.as_bytes().to_vec()
    };
    let mut number = 0;
    let mut told = |open: &mut Open, from, operations: &[Vec<u8>]| {
        number += 1;
        let load = Load {
            since: NOW,
            floor: 0,
            after: number - 1,
            to: number,
            operations: operations.to_vec(),
        };
        open.circle_heard(step, from, &Word::Load(load).encode(&nonce));
        let circle = open.circles.all.get(&local(&id));
        circle.map_or(0, |it| it.state.operations().count())
    };
    // Signed by another device; told by somebody else.
    assert_eq!(told(&mut open, BO, &[says(&cleo, 1)]), 0);
    assert_eq!(told(&mut open, CLEO, &[says(&bo, 1)]), 0);
    assert_eq!(told(&mut open, BO, &[says(&bo, 1), vec![7; 90]]), 1);
    assert_eq!(told(&mut open, BO, &[says(&bo, 2), says(&bo, 1)]), 2);
    let mut unsigned = says(&bo, 3);
    if let Some(byte) = unsigned.first_mut() {
        *byte ^= 1;
    }
    assert_eq!(told(&mut open, BO, &[unsigned]), 2);
    // Nobody makes this device read without end.
    for other in 0..20 {
        let load = Load {
            since: NOW,
            floor: 0,
            after: 0,
            to: u64::MAX,
            operations: vec![vec![0; 200]],
        };
        open.circle_heard(step, BO, &Word::Load(load).encode(&[other; 16]));
    }
    let of_bo = open.circles.all.values();
    let of_bo = of_bo.filter(|it| it.record.owner == Some(BO));
    assert_eq!(of_bo.count(), limits::MAX_CIRCLES_OF);
}

/// Fills a circle of this person with what is written, as far as it keeps it.
fn fill(circle: &mut Circle, mut write: impl FnMut(u64) -> Operation) {
    let mut number = 1_000;
    while circle.state.bytes() + MAX_CIRCLE_OPERATION_BYTES <= circle::MAX_BYTES {
        number += 1;
        circle.state.insert(write(number)).unwrap();
    }
}

/// Makes circles of one's own and fills them with one word or another, until there is no room for it.
fn fill_own(
    open: &mut Open,
    rng: &mut ChaCha20Rng,
    body: impl Fn(circle::CircleId) -> Body,
    has_room: impl Fn(&Circles) -> bool,
) -> Vec<CircleId> {
    let mut filled = Vec::new();
    while has_room(&open.circles) {
        let name = "Another".to_owned();
        let comrades = Vec::new();
        let make = CircleCommand::Make { name, comrades };
        let made = step(rng, NOW, |step| open.circle_command(step, make)).0;
        let Ok(Answer::Circle(id)) = made else {
            break;
        };
        let circle = open.circles.all.get_mut(&id).unwrap();
        let (nonce, body) = (*circle.record.nonce, body(circle.state.id()));
        fill(circle, |sequence| {
            let fields = Fields {
                sequence,
                previous: Some(OperationId([1; 32])),
                time: NOW,
                expiry_day: TODAY + 90,
                nonce,
                person: open.device.person(),
                device: DeviceId(open.device.key().public()),
                body: body.clone(),
            };
            Operation::sign(fields, open.device.key()).unwrap()
        });
        filled.push(id);
    }
    filled
}

#[test]
fn ones_own_circles_have_a_bound_and_what_is_taken_back_makes_room() {
    let rng = &mut ChaCha20Rng::seed_from_u64(11);
    let mut open = open(rng);
    let circle = own_circle(&mut open, rng, 2);
    let long = |_| post(&"x".repeat(8_000));
    let filled = fill_own(&mut open, rng, long, Circles::has_room);
    let say = CircleCommand::Post {
        circle,
        text: "one more".to_owned(),
    };
    let says = |open: &mut Open, rng: &mut ChaCha20Rng, what: &CircleCommand| {
        step(rng, NOW, |step| open.circle_command(step, what.clone())).0
    };
    assert_eq!(says(&mut open, rng, &say), Err(Refusal::CirclesFull));
    let all = ids(open.circles.all.get(&circle).unwrap());
    let of = komrade_view::PostId(all.first().unwrap().0);
    let take_back = CircleCommand::TakeBack { circle, of };
    assert_eq!(says(&mut open, rng, &take_back), Ok(Answer::Done));
    for circle in filled.into_iter().take(2) {
        let end = CircleCommand::End(circle);
        assert_eq!(says(&mut open, rng, &end), Ok(Answer::Done));
    }
    settle(&mut open, rng, NOW);
    assert_eq!(says(&mut open, rng, &say), Ok(Answer::Done));
}

#[test]
fn readers_leave_room_for_the_owner_in_all_circles_together() {
    let rng = &mut ChaCha20Rng::seed_from_u64(12);
    let mut open = open(rng);
    let circle = own_circle(&mut open, rng, 1);
    let (bo, cleo) = (Somebody::new(10), Somebody::new(20));
    let on = *ids(open.circles.all.get(&circle).unwrap()).first().unwrap();
    let in_circle = open.circles.all.get(&circle).unwrap().state.id();
    let comments = |open: &Open| {
        let circle = open.circles.all.get(&circle).unwrap();
        circle.state.posts().first().unwrap().comments.len()
    };
    bo_comments(&mut open, rng, circle, &bo.comments(in_circle, on, "first"));
    assert_eq!(comments(&open), 1);
    let words = "x".repeat(2_000);
    let said = |circle| {
        let comment = Box::new(cleo.comments(circle, on, &words));
        Body::Comment { comment }
    };
    fill_own(&mut open, rng, said, Circles::has_room_for_another);
    assert!(open.circles.has_room(), "the owner has theirs");
    bo_comments(
        &mut open,
        rng,
        circle,
        &bo.comments(in_circle, on, "second"),
    );
    assert_eq!(comments(&open), 1, "readers have had theirs");
}

#[test]
fn the_largest_circles_of_comrades_make_room_for_the_others() {
    let rng = &mut ChaCha20Rng::seed_from_u64(13);
    let mut open = open(rng);
    let (bo, cleo) = (Somebody::new(10), Somebody::new(20));
    let long = "x".repeat(8_000);
    for number in 0..9 {
        let nonce = [number; 16];
        let record = CircleRecord::new(nonce, Some(BO), String::new(), NOW);
        let id = open.circle_place(record).unwrap();
        let circle = open.circles.all.get_mut(&id).unwrap();
        let write = |number| bo.writes(nonce, number, TODAY + 90, post(&long));
        fill(circle, write);
    }
    let cleos = Theirs {
        owner: cleo,
        comrade: CLEO,
        nonce: [5; 16],
    };
    let mut most = 0;
    for number in 1..=20 {
        let word = cleos
            .owner
            .writes(cleos.nonce, number, TODAY + 90, post("x"));
        let word = cleos.load(number - 1, &[word]);
        let (_, writes) = step(rng, NOW, |step| open.circle_heard(step, CLEO, &word));
        most = most.max(writes);
    }
    assert!(open.circles.bytes(false) <= limits::MAX_CIRCLES_BYTES / 2);
    assert!(most <= limits::STEP_CHANGES + 200, "{most} at once");
    let circle = open.circles.all.get(&cleos.id()).unwrap();
    assert_eq!(ids(circle).len(), 20, "all of it is there");
}

#[test]
fn a_wait_is_drawn_anew_when_the_pace_changes() {
    let rng = &mut ChaCha20Rng::seed_from_u64(14);
    let mut open = open(rng);
    let far = NOW + 3 * limits::HOUR;
    (open.circles.due_at, open.ack_at) = (Some(far), Some(far));
    open.comrades.get_mut(&BO).unwrap().quiet_until = far;
    let mut choose = |open: &mut Open, pace| {
        step(rng, NOW, |step| open.set_ack_pace(step, pace));
        open.circles.due_at.unwrap()
    };
    let quick = NOW + 10 * limits::QUICK_PACE + 1;
    assert!(choose(&mut open, AckPace::Quick) <= quick);
    assert!(open.ack_at.unwrap() <= quick);
    let quiet = |open: &Open, id| open.comrades.get(&id).unwrap().quiet_until;
    assert_eq!(Some(quiet(&open, BO)), open.ack_at);
    assert_eq!(quiet(&open, CLEO), 0, "nothing of theirs has come");
    // And back.
    let calm = (0..20).map(|_| choose(&mut open, AckPace::Calm)).max();
    assert!(calm > Some(quick) && calm < Some(far));
    assert_eq!(Some(quiet(&open, BO)), open.ack_at);
}
