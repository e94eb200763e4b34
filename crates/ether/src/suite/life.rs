//! The life of a node on a shelf, beside the same life in memory.

use super::{End, Fixture, contents, ok};
use crate::{
    Account, Bucket, Class, DAY_MILLIS, Day, Draw, Envelope, Frame, Header, Home, MemoryShelf,
    Node, NodeKey, NodeLink, Outcome, Party, Pass, Settings, Shelf, Size, Token, Work, work,
};

const KEY: NodeKey = NodeKey([0xee; 32]);
const TOKEN: Token = Token([1; 16]);
const STEPS: u64 = 300;

/// Some chance, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What happens to a node in one step.
#[derive(Debug, Clone)]
enum Event {
    Said(Party, Frame),
    Swept,
    Rotated(Token),
    Bits(u8),
    Forwarded(u64),
}

fn settings() -> Settings {
    Settings {
        capacity: 400_000,
        work_bits: 2,
        intros_per_day: 5,
        placed_per_account: 4,
        placed_bytes: 9_600_000,
        forwards_per_account: 10,
        forward_bytes: 800_000,
        halving_bytes: 50_000,
        ..Settings::default()
    }
}

fn open<S: Shelf>(shelf: &mut S, now: u64) -> Node {
    let draw = Draw {
        incarnation: 7,
        token: TOKEN,
    };
    ok(Node::open(shelf, KEY, settings(), now, draw))
}

fn live<S: Shelf>(node: &Node, shelf: &mut S, now: u64, event: Event) -> Option<Frame> {
    match event {
        Event::Said(party, frame) => {
            return ok(NodeLink::new(party).handle(node, shelf, now, frame));
        }
        Event::Swept => while ok(node.sweep(shelf, now, 50)) {},
        Event::Rotated(token) => {
            ok(node.rotate_token(shelf, now, token));
        }
        Event::Bits(bits) => ok(node.set_bits(shelf, now, bits)),
        Event::Forwarded(random) => {
            if let Some(home) = ok(node.due_home(shelf, now)) {
                let outcomes = [Outcome::Accepted, Outcome::Busy, Outcome::WrongToken];
                let waiting = ok(node.waiting_for(shelf, now, &home, 0, 5_000));
                for (waiting, outcome) in waiting.iter().zip(outcomes.iter().cycle()) {
                    ok(node.forwarded(shelf, now, waiting.number, *outcome));
                }
                ok(node.home_done(shelf, now, &home, random.is_multiple_of(2), random));
            }
        }
    }
    None
}

/// Everything a new subscriber of a bucket is sent.
fn heard<S: Shelf>(node: &Node, shelf: &mut S, now: u64, bucket: Bucket) -> Vec<Frame> {
    let mut link = NodeLink::new(Party::Member(account(1)));
    let subscribe = Frame::Subscribe {
        bucket,
        incarnation: 0,
        after: 0,
    };
    let mut heard: Vec<_> = ok(link.handle(node, shelf, now, subscribe))
        .into_iter()
        .collect();
    loop {
        let push = ok(link.poll_push(shelf, now, 10_000));
        heard.extend(push.frames);
        if push.is_done {
            return heard;
        }
    }
}

pub fn a_node_lives_on_it_as_in_memory<F: Fixture>(fixture: &mut F) {
    let mut chance = Chance(5);
    let mut memory = MemoryShelf::new();
    let mut now = 20_750 * DAY_MILLIS;
    let node = open(&mut memory, now);
    memory.commit();
    fixture.transaction(End::Commit, |shelf| {
        open(shelf, now);
    });
    for step in 0..STEPS {
        let end = if chance.below(6) == 0 {
            End::Abort
        } else {
            End::Commit
        };
        let events: Vec<Event> = (0..=chance.below(4))
            .map(|part| event(&mut chance, now, step * 8 + part))
            .collect();
        let expected: Vec<_> = events
            .iter()
            .map(|event| live(&node, &mut memory, now, event.clone()))
            .collect();
        let answers: Vec<_> = fixture.transaction(end, |shelf| {
            let answers = events.into_iter();
            answers
                .map(|event| live(&node, shelf, now, event))
                .collect()
        });
        assert_eq!(answers, expected, "step {step}");
        match end {
            End::Commit => memory.commit(),
            End::Abort => memory.rollback(),
        }
        if chance.below(20) == 0 {
            fixture.reopen();
        }
        now += chance.below(DAY_MILLIS / 4);
    }
    let expected = contents(&memory);
    fixture.transaction(End::Abort, |shelf| {
        assert!(contents(shelf) == expected);
        for bucket in (0..3).map(bucket) {
            let here = heard(&node, shelf, now, bucket);
            assert!(here == heard(&node, &mut memory, now, bucket));
            assert!(here.len() > 5, "too little happened");
        }
    });
}

fn account(number: u64) -> Account {
    Account([number as u8; 32])
}

fn bucket(number: u64) -> Bucket {
    [
        Bucket::WHOLE,
        Bucket::from_code(0x4000),
        Bucket::from_code(0xc000),
    ][number as usize]
}

fn event(chance: &mut Chance, now: u64, name: u64) -> Event {
    let party = match chance.below(5) {
        0 => Party::Stranger,
        number => Party::Member(account(number)),
    };
    let envelope = envelope(chance, now, name);
    let locator = [chance.below(8) as u8; 16];
    let home = Home {
        address: [1; 32],
        node: NodeKey([chance.below(3) as u8; 32]),
    };
    let pass = pass(chance, now, &envelope);
    let frame = match chance.below(20) {
        0 => return Event::Swept,
        1 => return Event::Rotated(Token([name as u8; 16])),
        2 => return Event::Bits(chance.below(2) as u8),
        3 | 4 => return Event::Forwarded(chance.below(100)),
        5 | 6 => Frame::Place { locator, envelope },
        7 => Frame::Unplace { locator },
        8 => Frame::Fetch { locator },
        9 | 10 => Frame::Replica { envelope },
        11..=13 => Frame::Forward {
            home,
            pass,
            envelope,
        },
        _ => Frame::Deposit { pass, envelope },
    };
    Event::Said(party, frame)
}

fn pass(chance: &mut Chance, now: u64, envelope: &Envelope) -> Pass {
    let day = Day::of(now);
    let nonce = work::search(&envelope.id(), &KEY, day, 2, 0, 1_000);
    Pass {
        token: (chance.below(2) == 0).then_some(TOKEN),
        work: nonce
            .filter(|_| chance.below(2) == 0)
            .map(|nonce| Work { day, nonce }),
    }
}

fn envelope(chance: &mut Chance, now: u64, name: u64) -> Envelope {
    let class = Class {
        size: [Size::K2, Size::K2, Size::K4, Size::K64][chance.below(4) as usize],
        intro: chance.below(5) == 0,
    };
    let mut nonce = [0; 12];
    // Now and then the same again.
    nonce[4..].copy_from_slice(&(name - chance.below(20).min(name) / 18).to_be_bytes());
    let header = Header {
        class,
        bucket: bucket(chance.below(3)).code(),
        expiry: Day::of(now).plus(chance.below(9) as u32),
        nonce,
        hint: [0; 8],
    };
    Envelope::new(header, &vec![0x5e; class.ciphertext_bytes()])
        .expect("the ciphertext has its length")
}
