#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use komrade_ether::shelf::{Shelf, ShelfRead, ShelfTable};
use komrade_ether::{
    Bucket, Class, Day, Envelope, Header, NodeKey, Part, Party, Pass, Settings, Size,
};
use tokio::sync::Semaphore;

use super::*;
use crate::node::shelf::WritingShelf;

/// A record without which nothing can be put.
const COUNTERS: &[u8] = b"counters";

struct Test {
    clerk: Clerk,
    next: LinkNumber,
    _folder: tempfile::TempDir,
}

/// A link to the thread, without a network.
struct Near {
    number: LinkNumber,
    answers: mpsc::Sender<Answer>,
    answered: mpsc::Receiver<Answer>,
    pushed: oneshot::Receiver<Vec<Frame>>,
    _alive: Arc<()>,
}

impl Test {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            folder: folder.path().to_owned(),
            key: NodeKey([1; 32]),
            settings: Settings::default(),
            memory: 4_000_000,
        };
        let works = Arc::new(AtomicBool::new(true));
        let (clerk, _) = Clerk::new(plan, watch::Sender::new(0), works).unwrap();
        Self {
            clerk,
            next: 0,
            _folder: folder,
        }
    }

    fn order(&mut self, orders: Vec<Order>) {
        let mut group = self.clerk.group();
        for order in orders {
            self.clerk.take(&mut group, order);
        }
        self.clerk.serve(group);
    }

    fn link(&mut self) -> Near {
        let (number, alive) = (self.next, Arc::new(()));
        self.next += 1;
        let (answers, answered) = mpsc::channel(8);
        let (ready, pushed) = oneshot::channel();
        let party = Party::Member(komrade_ether::Account([7; 32]));
        self.order(vec![
            Order::Open(number, party, Arc::downgrade(&alive)),
            Order::Push(number, ready),
        ]);
        Near {
            number,
            answers,
            answered,
            pushed,
            _alive: alive,
        }
    }

    /// Writes something as the node would not.
    fn write(&mut self, value: &[u8]) {
        let cabinet = self.clerk.cabinet.as_ref().unwrap();
        let writing = cabinet.write().unwrap();
        let mut shelf = writing.shelf().unwrap();
        shelf.put(ShelfTable::About, COUNTERS, value).unwrap();
        drop(shelf);
        writing.commit().unwrap();
    }

    /// Writes nonsense into the sums that reconciliations read, each of the envelopes of a day whose ids begin alike.
    fn damage_sums(&mut self) {
        let table = ShelfTable::Days;
        let cabinet = self.clerk.cabinet.as_ref().unwrap();
        let writing = cabinet.write().unwrap();
        let mut shelf = writing.shelf().unwrap();
        let mut entries = shelf.range(table, &[], None, 1000).unwrap();
        entries.retain(|(_, value)| value.len() == 36);
        assert!(!entries.is_empty());
        for (key, _) in entries {
            shelf.put(table, &key, b"damaged").unwrap();
        }
        drop(shelf);
        writing.commit().unwrap();
    }

    fn pause_is_over(&mut self) {
        self.clerk.again = Instant::now();
        self.clerk.reopen().unwrap();
    }
}

impl Near {
    fn says(&self, frame: Frame) -> Order {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let answers = self.answers.clone();
        let request = Request {
            frame,
            place,
            answers,
        };
        Order::Frame(self.number, request)
    }

    fn puts(&self, envelope: &Envelope) -> Order {
        let envelope = envelope.clone();
        let pass = Pass::default();
        self.says(Frame::Deposit { pass, envelope })
    }

    fn outcome(&mut self) -> Outcome {
        match self.answered.try_recv().unwrap().frame {
            Frame::Ack { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    fn is_let_go(&mut self) -> bool {
        self.pushed.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }
}

fn envelope(number: u16) -> Envelope {
    let [high, low] = number.to_be_bytes();
    let class = Class::ordinary(Size::K2);
    let header = Header {
        class,
        bucket: 0,
        expiry: Day::of(clock::now()).plus(8),
        nonce: [high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        hint: [0; 8],
    };
    Envelope::new(header, &vec![0; class.ciphertext_bytes()]).unwrap()
}

#[test]
fn a_shelf_that_fails_undoes_the_group_and_is_opened_anew() {
    let mut test = Test::new();
    let mut first = test.link();
    let order = first.puts(&envelope(1));
    test.order(vec![order]);
    assert_eq!(first.outcome(), Outcome::Accepted);

    // What was done before the failure in the same group is undone, and both links hear it.
    let cabinet = test.clerk.cabinet.as_ref().unwrap();
    let counters = cabinet.read().unwrap().get(ShelfTable::About, COUNTERS);
    let counters = counters.unwrap().unwrap();
    let mut second = test.link();
    let mut other = test.link();
    test.write(b"damaged");
    let locator = [3; 16];
    let fetch = second.says(Frame::Fetch { locator });
    let orders = vec![fetch, first.puts(&envelope(2)), second.puts(&envelope(3))];
    test.order(orders);
    assert_eq!(first.outcome(), Outcome::Busy);
    assert_eq!(second.outcome(), Outcome::Busy);
    assert!(
        second.answered.try_recv().is_err(),
        "something was answered that was undone"
    );
    assert!(first.is_let_go() && second.is_let_go());
    assert!(!other.is_let_go(), "a link that took no part is let go");
    assert!(!test.clerk.works.load(Ordering::Acquire));

    // Not all the time, but after a pause it is opened, and goes on where it was.
    test.clerk.again = Instant::now() + REOPEN_LONGEST;
    let mut link = test.link();
    let order = link.puts(&envelope(3));
    test.order(vec![order]);
    assert_eq!(link.outcome(), Outcome::Busy);
    assert!(test.clerk.cabinet.is_none());
    test.pause_is_over();
    test.write(&counters);
    assert!(test.clerk.works.load(Ordering::Acquire));
    let mut link = test.link();
    let orders = [1, 2].map(|number| link.puts(&envelope(number)));
    test.order(orders.into());
    assert_eq!(link.outcome(), Outcome::AlreadyHave);
    assert_eq!(link.outcome(), Outcome::Accepted);
}

#[test]
fn a_link_is_let_go_that_may_have_lost_what_it_was_to_send() {
    let mut test = Test::new();
    let mut reader = test.link();
    let subscribe = reader.says(Frame::Subscribe {
        bucket: Bucket::WHOLE,
        incarnation: 0,
        after: 0,
    });
    test.order(vec![subscribe]);
    let caught_up = reader.pushed.try_recv().unwrap();
    assert_eq!(caught_up, [Frame::CaughtUp { until: 0 }]);
    let (ready, pushed) = oneshot::channel();
    reader.pushed = pushed;
    test.order(vec![Order::Push(reader.number, ready)]);

    // What arrives can be written, but the log cannot be read.
    let cabinet = test.clerk.cabinet.as_ref().unwrap();
    let writing = cabinet.write().unwrap();
    let mut shelf = writing.shelf().unwrap();
    let key = [[0x80, 0].as_slice(), &9_u64.to_be_bytes()].concat();
    shelf.put(ShelfTable::Log, &key, b"damaged").unwrap();
    drop(shelf);
    writing.commit().unwrap();
    let mut writer = test.link();
    let order = writer.puts(&envelope(1));
    test.order(vec![order]);
    assert_eq!(writer.outcome(), Outcome::Accepted);
    assert!(
        reader.is_let_go(),
        "it was polled, and what it was to send is lost"
    );
}

#[test]
fn a_full_disk_is_not_tried_again_and_again() {
    let mut test = Test::new();
    test.clerk
        .fail(ShelfError::Io(std::io::ErrorKind::StorageFull));
    let mut putting = test.link();
    let order = putting.puts(&envelope(1));
    test.order(vec![order]);
    // Even before the file is open again.
    assert_eq!(putting.outcome(), Outcome::Full);

    test.pause_is_over();
    let mut putting = test.link();
    let locator = [3; 16];
    let orders = vec![
        putting.puts(&envelope(1)),
        putting.says(Frame::Fetch { locator }),
    ];
    test.order(orders);
    assert_eq!(putting.outcome(), Outcome::Full);
    let nothing = None;
    let fetched = Frame::Fetched {
        locator,
        envelope: nothing,
    };
    assert_eq!(putting.answered.try_recv().unwrap().frame, fetched);
    assert!(!putting.is_let_go());

    test.clerk.full = Some(Instant::now());
    let order = putting.puts(&envelope(1));
    test.order(vec![order]);
    assert_eq!(putting.outcome(), Outcome::Accepted);
}

#[test]
fn a_reconciliation_that_meets_a_damaged_record_ends_alone() {
    let mut test = Test::new();
    let (mut near, mut other) = (test.link(), test.link());
    let order = near.puts(&envelope(1));
    test.order(vec![order]);
    assert_eq!(near.outcome(), Outcome::Accepted);
    test.damage_sums();
    let reconcile = near.says(Frame::Reconcile {
        bucket: Bucket::WHOLE,
        // The version, and a fingerprint of everything that fits nothing.
        message: [&[0x61, 0, 0, 1][..], &[7; 16]].concat(),
    });
    let order = other.puts(&envelope(2));
    test.order(vec![order, reconcile]);
    let over = Frame::Reconcile {
        bucket: Bucket::WHOLE,
        message: vec![],
    };
    assert_eq!(near.answered.try_recv().unwrap().frame, over);
    assert_eq!(other.outcome(), Outcome::Accepted);
    assert!(!near.is_let_go() && !other.is_let_go());
}

#[test]
fn a_mistake_in_the_code_ends_the_links_and_not_the_node() {
    let mut test = Test::new();
    let mut near = test.link();
    let order = near.puts(&envelope(1));
    test.order(vec![order]);
    assert_eq!(near.outcome(), Outcome::Accepted);
    let (ask, mut answer) = super::super::ask::Ask::new(
        |_: &Node, shelf: &mut WritingShelf<'_>, _| -> Result<(), ShelfError> {
            shelf.put(ShelfTable::About, COUNTERS, b"damaged")?;
            panic!("a mistake")
        },
    );
    test.order(vec![Order::Job(Box::new(ask))]);
    assert!(answer.try_recv().is_err());
    assert!(near.is_let_go());
    assert!(!test.clerk.works.load(Ordering::Acquire));

    test.pause_is_over();
    let mut near = test.link();
    let orders = [1, 2].map(|number| near.puts(&envelope(number)));
    test.order(orders.into());
    assert_eq!(near.outcome(), Outcome::AlreadyHave);
    assert_eq!(near.outcome(), Outcome::Accepted);
    assert!(test.clerk.works.load(Ordering::Acquire));
}

#[test]
fn a_long_look_for_one_link_keeps_nobody_waiting() {
    let mut test = Test::new();
    let mut near = test.link();
    for group in 0..10 {
        let orders = (0..250).map(|number| near.puts(&envelope(group * 250 + number)));
        test.order(orders.collect());
        while let Ok(answer) = near.answered.try_recv() {
            assert!(matches!(answer.frame, Frame::Ack { outcome, .. } if outcome.is_held()));
        }
    }
    let mut reader = test.link();
    let subscribe = reader.says(Frame::SubscribePart {
        bucket: Bucket::WHOLE,
        incarnation: 0,
        after: 0,
        part: Part::Larger,
    });
    test.order(vec![subscribe]);
    assert!(reader.pushed.try_recv().is_err());
    // Others are served before it has its turn again.
    let mut other = test.link();
    let order = other.puts(&envelope(2500));
    test.order(vec![order]);
    assert_eq!(other.outcome(), Outcome::Accepted);
    test.order(vec![]);
    let caught_up = reader.pushed.try_recv().unwrap();
    assert_eq!(caught_up, [Frame::CaughtUp { until: 2500 }]);
    assert!(test.clerk.unfinished.is_empty());
}

#[test]
fn links_that_have_ended_are_forgotten() {
    let mut test = Test::new();
    let near = test.link();
    let order = near.puts(&envelope(1));
    drop(near);
    test.order(vec![order]);
    assert!(test.clerk.links.is_empty());
}

#[test]
fn what_was_asked_for_is_pushed_in_pieces_and_answers_go_before() {
    let mut test = Test::new();
    let mut near = test.link();
    let orders = (0..100)
        .map(|number| near.puts(&envelope(number)))
        .collect();
    near.answers = mpsc::channel(1).0;
    test.order(orders);
    let (answers, answered) = mpsc::channel(8);
    (near.answers, near.answered) = (answers, answered);
    let subscribe = near.says(Frame::Subscribe {
        bucket: Bucket::WHOLE,
        incarnation: 0,
        after: 0,
    });
    test.order(vec![subscribe]);
    assert!(matches!(
        near.answered.try_recv().unwrap().frame,
        Frame::Log { until: 100, .. }
    ));
    let mut arrived = 0;
    loop {
        let frames = near.pushed.try_recv().unwrap();
        let bytes: usize = frames.iter().map(|frame| frame.encode().len()).sum();
        assert!(bytes <= PUSH_BYTES + 64 * 1024, "{bytes} at once");
        arrived += frames
            .iter()
            .filter(|frame| matches!(frame, Frame::Arrived { .. }))
            .count();
        if matches!(frames.last(), Some(Frame::CaughtUp { until: 100 })) {
            break;
        }
        let (ready, pushed) = oneshot::channel();
        near.pushed = pushed;
        test.order(vec![Order::Push(near.number, ready)]);
    }
    assert_eq!(arrived, 100);
}
