//! A node on a shelf in memory, and whoever talks to it.

use crate::{
    Account, Bucket, Class, DAY_MILLIS, Day, Draw, Envelope, Frame, Header, MemoryShelf, Node,
    NodeKey, NodeLink, Outcome, Party, Pass, Settings, Size, Token, Work, work,
};

pub const KEY: NodeKey = NodeKey([0xee; 32]);
pub const START: Day = Day(20_750);
pub const TOKEN: Token = Token([1; 16]);
pub const BITS: u8 = 4;

pub const ANA: Account = Account([0xa; 32]);
pub const BO: Account = Account([0xb; 32]);

pub struct World {
    pub node: Node,
    pub shelf: MemoryShelf,
    pub now: u64,
    made: u64,
}

/// Small bounds: ten envelopes of 2 KiB for strangers, eleven for each of eight members, four to be forwarded.
pub fn settings() -> Settings {
    Settings {
        capacity: 100 * 2_048,
        work_bits: BITS,
        intros_per_day: 3,
        placed_per_account: 3,
        placed_bytes: 64 * 3 * 2_048,
        forwards_per_account: 4,
        forward_bytes: 34 * 2_048,
        halving_bytes: 5 * 2_048,
        ..Settings::default()
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: Settings) -> Self {
        let mut shelf = MemoryShelf::new();
        let now = START.start() + DAY_MILLIS / 2;
        let draw = Draw {
            incarnation: 77,
            token: TOKEN,
        };
        let node = Node::open(&mut shelf, KEY, settings, now, draw).unwrap();
        shelf.commit();
        Self {
            node,
            shelf,
            now,
            made: 0,
        }
    }

    /// An envelope like no other.
    pub fn envelope(&mut self, bucket: Bucket, class: Class, days: u32) -> Envelope {
        self.made += 1;
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.made.to_be_bytes());
        let header = Header {
            class,
            bucket: bucket.code(),
            expiry: Day::of(self.now).plus(days),
            nonce,
            hint: [0; 8],
        };
        Envelope::new(header, &vec![0x5e; class.ciphertext_bytes()]).unwrap()
    }

    /// A small one for the whole node that lives for a week.
    pub fn small(&mut self) -> Envelope {
        self.envelope(Bucket::WHOLE, Class::ordinary(Size::K2), 8)
    }

    pub fn intro(&mut self) -> Envelope {
        self.envelope(Bucket::WHOLE, Class::intro(Size::K2), 8)
    }

    pub fn put(&mut self, party: Party, pass: &Pass, envelope: &Envelope) -> Outcome {
        self.node
            .put(&mut self.shelf, self.now, party, pass, envelope)
            .unwrap()
    }

    pub fn member_puts(&mut self, account: Account, envelope: &Envelope) -> Outcome {
        self.put(Party::Member(account), &Pass::default(), envelope)
    }

    pub fn stranger_puts(&mut self, envelope: &Envelope) -> Outcome {
        self.put(Party::Stranger, &token(TOKEN), envelope)
    }

    pub fn work(&self, envelope: &Envelope) -> Pass {
        let (id, day) = (envelope.id(), Day::of(self.now));
        let nonce = work::search(&id, &KEY, day, BITS, 0, u32::MAX).unwrap();
        Pass {
            token: None,
            work: Some(Work { day, nonce }),
        }
    }

    /// Work of so many bits or more, and fewer than `below`.
    pub fn work_between(&self, envelope: &Envelope, bits: u8, below: u8) -> Pass {
        let (id, day) = (envelope.id(), Day::of(self.now));
        let all = (0..u64::MAX).map(|nonce| Work { day, nonce });
        let fits = |work: &Work| {
            let is_enough = |bits| work.is_enough(&id, &KEY, bits, day);
            is_enough(bits) && !is_enough(below)
        };
        Pass {
            token: None,
            work: all.into_iter().find(fits),
        }
    }

    pub fn say(&mut self, link: &mut NodeLink, frame: Frame) -> Option<Frame> {
        link.handle(&self.node, &mut self.shelf, self.now, frame)
            .unwrap()
    }

    /// Everything the link has to send, in pieces.
    pub fn push(&self, link: &mut NodeLink) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let push = link.poll_push(&self.shelf, self.now, 5_000).unwrap();
            frames.extend(push.frames);
            if push.is_done {
                return frames;
            }
        }
    }

    pub fn sweep(&mut self) {
        while self.node.sweep(&mut self.shelf, self.now, 3).unwrap() {}
    }

    pub fn pass_days(&mut self, days: u64) {
        for _ in 0..days {
            self.now += DAY_MILLIS;
            // It takes nothing away, but the day is seen.
            self.node.sweep(&mut self.shelf, self.now, 0).unwrap();
        }
    }

    pub fn bytes(&self) -> u64 {
        self.node.usage(&self.shelf).unwrap().bytes
    }
}

pub fn token(token: Token) -> Pass {
    Pass {
        token: Some(token),
        work: None,
    }
}
