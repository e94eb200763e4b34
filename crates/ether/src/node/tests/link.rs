#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, BO, World, settings};
use crate::{
    Bucket, Class, Envelope, EnvelopeId, Frame, Home, MAX_WANTED, NodeKey, NodeLink, Outcome, Part,
    Party, Pass, Settings, Shelf, ShelfRead, ShelfTable, Size,
};

fn subscribe(
    world: &mut World,
    link: &mut NodeLink,
    bucket: Bucket,
    incarnation: u64,
    after: u64,
) -> (u64, u64, u64) {
    let frame = Frame::Subscribe {
        bucket,
        incarnation,
        after,
    };
    match world.say(link, frame) {
        Some(Frame::Log {
            incarnation,
            after,
            until,
        }) => (incarnation, after, until),
        other => panic!("{other:?}"),
    }
}

fn member() -> NodeLink {
    NodeLink::new(Party::Member(ANA))
}

fn roomy() -> World {
    World::with(Settings {
        capacity: 100_000_000,
        ..settings()
    })
}

/// Numbers of what arrived, with a 0 where catching up ended.
fn numbers(frames: &[Frame]) -> Vec<u64> {
    let number = |frame: &Frame| match frame {
        Frame::Arrived { number, .. } => *number,
        Frame::CaughtUp { .. } => 0,
        other => panic!("{other:?}"),
    };
    frames.iter().map(number).collect()
}

#[test]
fn a_subscriber_catches_up_and_then_hears_what_comes() {
    let mut world = roomy();
    let envelopes: Vec<Envelope> = (0..5).map(|_| world.small()).collect();
    for envelope in &envelopes[..3] {
        world.member_puts(ANA, envelope);
    }
    let mut link = member();
    assert_eq!(world.push(&mut link), []);
    assert_eq!(
        subscribe(&mut world, &mut link, Bucket::WHOLE, 77, 1),
        (77, 1, 3)
    );
    // What comes after the answer is no part of catching up, but comes.
    world.member_puts(BO, &envelopes[3]);
    let frames = world.push(&mut link);
    assert_eq!(numbers(&frames), [2, 3, 0, 4]);
    let arrived = |number: usize| Frame::Arrived {
        number: number as u64,
        envelope: envelopes[number - 1].clone(),
    };
    assert_eq!(frames[0], arrived(2));
    assert_eq!(frames[2], Frame::CaughtUp { until: 3 });
    assert_eq!(world.push(&mut link), []);
    world.member_puts(BO, &envelopes[4]);
    assert_eq!(world.push(&mut link), [arrived(5)]);
}

#[test]
fn a_cursor_of_another_incarnation_or_of_no_number_starts_anew() {
    let mut world = roomy();
    let envelope = world.small();
    world.member_puts(ANA, &envelope);
    let mut link = member();
    for (incarnation, after, begins) in [(77, 1, 1), (76, 1, 0), (0, 0, 0), (77, 2, 0)] {
        assert_eq!(
            subscribe(&mut world, &mut link, Bucket::WHOLE, incarnation, after),
            (77, begins, 1)
        );
        let expected: &[u64] = if begins == 0 { &[1, 0] } else { &[0] };
        assert_eq!(numbers(&world.push(&mut link)), expected);
    }
}

#[test]
fn an_empty_log_is_caught_up_at_once() {
    let mut world = roomy();
    let mut link = member();
    subscribe(&mut world, &mut link, Bucket::WHOLE, 0, 0);
    assert_eq!(world.push(&mut link), [Frame::CaughtUp { until: 0 }]);
    assert_eq!(world.push(&mut link), []);
}

#[test]
fn halves_hear_their_own_and_what_is_put_to_the_old_number() {
    let mut world = roomy();
    let [low, high] = Bucket::WHOLE.halves().unwrap();
    world.node.set_bits(&mut world.shelf, world.now, 1).unwrap();
    for bucket in [Bucket::WHOLE, low, high, low, Bucket::WHOLE] {
        let envelope = world.envelope(bucket, Class::ordinary(Size::K2), 8);
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    }
    for (bucket, expected) in [
        (low, vec![1, 2, 4, 5, 0]),
        (high, vec![1, 3, 5, 0]),
        (Bucket::WHOLE, vec![1, 2, 3, 4, 5, 0]),
    ] {
        let mut link = member();
        subscribe(&mut world, &mut link, bucket, 0, 0);
        assert_eq!(numbers(&world.push(&mut link)), expected);
    }
}

#[test]
fn a_part_of_the_sizes_is_sent_to_whoever_asks_for_it() {
    for (part, expected, later) in [
        (Part::Smaller, vec![1, 2, 3, 0], 7),
        (Part::Larger, vec![4, 5, 0], 6),
    ] {
        let mut world = roomy();
        let put = |world: &mut World, size| {
            let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(size), 8);
            assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
        };
        Size::ALL.into_iter().for_each(|size| put(&mut world, size));
        let mut link = member();
        let frame = Frame::SubscribePart {
            bucket: Bucket::WHOLE,
            incarnation: 0,
            after: 0,
            part,
        };
        let log = Frame::Log {
            incarnation: 77,
            after: 0,
            until: 5,
        };
        assert_eq!(world.say(&mut link, frame), Some(log));
        assert_eq!(numbers(&world.push(&mut link)), expected);
        put(&mut world, Size::K64);
        put(&mut world, Size::K2);
        assert_eq!(numbers(&world.push(&mut link)), [later]);
    }
}

#[test]
fn sizes_that_nobody_wants_are_passed_over_unread_and_cost_some_of_the_budget() {
    let mut world = roomy();
    for _ in 0..100 {
        let envelope = world.small();
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    }
    let larger = Frame::SubscribePart {
        bucket: Bucket::WHOLE,
        incarnation: 0,
        after: 0,
        part: Part::Larger,
    };
    let mut link = member();
    world.say(&mut link, larger.clone());
    let before = world.shelf.operations();
    assert_eq!(numbers(&world.push(&mut link)), [0]);
    let operations = world.shelf.operations() - before;
    assert!(operations < 30, "{operations}");
    // No poll is long, whatever it finds.
    world.say(&mut link, larger.clone());
    let first = link.poll_push(&world.shelf, world.now, 640).unwrap();
    assert_eq!((first.frames, first.is_done), (vec![], false));
    assert_eq!(numbers(&world.push(&mut link)), [0]);
    // What an older version wrote tells no size, and is looked at.
    let entries = world.shelf.range(ShelfTable::Log, &[], None, 200).unwrap();
    assert_eq!(entries.len(), 100);
    for (key, value) in entries {
        let id = &value[..32];
        world.shelf.put(ShelfTable::Log, &key, id).unwrap();
    }
    for (part, expected) in [(Part::Larger, 1), (Part::Smaller, 101)] {
        let frame = Frame::SubscribePart {
            bucket: Bucket::WHOLE,
            incarnation: 0,
            after: 0,
            part,
        };
        world.say(&mut link, frame);
        assert_eq!(world.push(&mut link).len(), expected);
    }
}

#[test]
fn a_node_of_no_bits_gives_everything_to_everybody() {
    let mut world = roomy();
    let bucket = Bucket::new(5, 3).unwrap();
    let envelope = world.envelope(bucket, Class::ordinary(Size::K2), 8);
    world.member_puts(ANA, &envelope);
    let mut link = member();
    subscribe(&mut world, &mut link, Bucket::new(2, 3).unwrap(), 0, 0);
    assert_eq!(numbers(&world.push(&mut link)), [1, 0]);
}

#[test]
fn a_long_log_comes_in_pieces_and_in_order() {
    let mut world = roomy();
    let [low, high] = Bucket::WHOLE.halves().unwrap();
    world.node.set_bits(&mut world.shelf, world.now, 1).unwrap();
    // Runs longer than what is read of a bucket at once.
    for number in 0..200 {
        let bucket = [low, high, Bucket::WHOLE][number / 70];
        let envelope = world.envelope(bucket, Class::ordinary(Size::K2), 8);
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    }
    let mut link = member();
    subscribe(&mut world, &mut link, Bucket::WHOLE, 0, 0);
    let first = link.poll_push(&world.shelf, world.now, 5_000).unwrap();
    assert!(!first.is_done);
    assert_eq!(numbers(&first.frames), [1, 2]);
    let mut expected: Vec<u64> = (3..=200).collect();
    expected.push(0);
    assert_eq!(numbers(&world.push(&mut link)), expected);
    // All at once, across what is read of each bucket at once.
    subscribe(&mut world, &mut link, Bucket::WHOLE, 77, 2);
    let all = link.poll_push(&world.shelf, world.now, 10_000_000).unwrap();
    assert!(all.is_done);
    assert_eq!(numbers(&all.frames), expected);
}

#[test]
fn what_expired_is_not_sent_even_before_the_sweep() {
    let mut world = roomy();
    for days in [1, 8, 1] {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K2), days);
        world.member_puts(ANA, &envelope);
    }
    world.pass_days(1);
    let mut link = member();
    subscribe(&mut world, &mut link, Bucket::WHOLE, 0, 0);
    assert_eq!(numbers(&world.push(&mut link)), [2, 0]);
    world.sweep();
    subscribe(&mut world, &mut link, Bucket::WHOLE, 0, 0);
    assert_eq!(numbers(&world.push(&mut link)), [2, 0]);
}

#[test]
fn a_quiet_link_costs_one_read() {
    let mut world = roomy();
    let mut link = member();
    subscribe(&mut world, &mut link, Bucket::WHOLE, 0, 0);
    world.push(&mut link);
    let before = world.shelf.operations();
    assert_eq!(world.push(&mut link), []);
    assert_eq!(world.shelf.operations() - before, 1);
}

#[test]
fn wanted_envelopes_come_and_unknown_ones_are_skipped() {
    let mut world = roomy();
    let envelopes: Vec<Envelope> = (0..6).map(|_| world.small()).collect();
    let mut ids: Vec<EnvelopeId> = envelopes.iter().map(Envelope::id).collect();
    for envelope in &envelopes {
        world.member_puts(ANA, envelope);
    }
    ids.insert(2, EnvelopeId([0; 32]));
    let mut link = member();
    assert_eq!(world.say(&mut link, Frame::Want { ids }), None);
    let expected: Vec<Frame> = envelopes
        .into_iter()
        .map(|envelope| Frame::Replica { envelope })
        .collect();
    assert_eq!(world.push(&mut link), expected);
    assert_eq!(world.push(&mut link), []);
}

#[test]
fn neither_a_long_want_nor_a_long_catch_up_keeps_the_other_waiting() {
    let mut world = roomy();
    let envelopes: Vec<Envelope> = (0..20).map(|_| world.small()).collect();
    for envelope in &envelopes {
        world.member_puts(ANA, envelope);
    }
    let mut link = member();
    let ids = envelopes.iter().map(Envelope::id).collect();
    world.say(&mut link, Frame::Want { ids });
    subscribe(&mut world, &mut link, Bucket::WHOLE, 0, 0);
    let pushes: Vec<Frame> = (0..2)
        .flat_map(|_| {
            link.poll_push(&world.shelf, world.now, 4_096)
                .unwrap()
                .frames
        })
        .collect();
    let is = |kind: fn(&Frame) -> bool| pushes.iter().any(kind);
    assert!(is(|frame| matches!(frame, Frame::Replica { .. })));
    assert!(is(|frame| matches!(frame, Frame::Arrived { .. })));
}

#[test]
fn wants_are_bounded() {
    let mut world = roomy();
    let mut link = member();
    for step in 0..10 {
        assert_eq!(link.is_full(), step >= 4);
        let ids = vec![EnvelopeId([1; 32]); 1_000];
        world.say(&mut link, Frame::Want { ids });
    }
    assert_eq!(MAX_WANTED, 4_000);
    assert_eq!(world.push(&mut link), []);
    assert!(!link.is_full());
}

#[test]
fn a_stranger_puts_and_fetches_and_nothing_else() {
    let mut world = roomy();
    let mut link = NodeLink::new(Party::Stranger);
    let envelope = world.small();
    let home = Home {
        address: [3; 32],
        node: NodeKey([4; 32]),
    };
    let (id, pass) = (envelope.id(), Pass::default());
    let refused = |frame| {
        (
            frame,
            Some(Frame::Ack {
                id,
                outcome: Outcome::NotAllowed,
            }),
        )
    };
    let (replica, placed, locator) = (envelope.clone(), envelope.clone(), [7; 16]);
    let before = world.shelf.snapshot();
    for (frame, answer) in [
        refused(Frame::Replica { envelope: replica }),
        refused(Frame::Place {
            locator,
            envelope: placed,
        }),
        refused(Frame::Forward {
            home,
            pass,
            envelope: envelope.clone(),
        }),
        (Frame::Unplace { locator }, None),
        (Frame::Noted { id }, None),
        (Frame::Want { ids: vec![id] }, None),
        (
            Frame::Subscribe {
                bucket: Bucket::WHOLE,
                incarnation: 0,
                after: 0,
            },
            None,
        ),
        (
            Frame::Reconcile {
                bucket: Bucket::WHOLE,
                message: vec![0x61],
            },
            None,
        ),
    ] {
        assert_eq!(world.say(&mut link, frame), answer);
    }
    assert!(world.shelf.holds_the_same(&before));
    assert_eq!(world.push(&mut link), []);
    let put = Frame::Put {
        envelope: envelope.clone(),
    };
    let outcome = Outcome::NeedsWork(4);
    assert_eq!(world.say(&mut link, put), Some(Frame::Ack { id, outcome }));
    let pass = world.work(&envelope);
    let outcome = Outcome::Accepted;
    let deposit = Frame::Deposit { pass, envelope };
    assert_eq!(
        world.say(&mut link, deposit),
        Some(Frame::Ack { id, outcome })
    );
    let fetched = Frame::Fetched {
        locator,
        envelope: None,
    };
    assert_eq!(
        world.say(&mut link, Frame::Fetch { locator }),
        Some(fetched)
    );
}

#[test]
fn a_member_asks_for_everything_by_frames() {
    let mut world = roomy();
    let mut link = member();
    let envelope = world.small();
    let (id, locator) = (envelope.id(), [7; 16]);
    let accepted = Some(Frame::Ack {
        id,
        outcome: Outcome::Accepted,
    });
    let place = Frame::Place {
        locator,
        envelope: envelope.clone(),
    };
    assert_eq!(world.say(&mut link, place), accepted);
    let fetched = Frame::Fetched {
        locator,
        envelope: Some(envelope.clone()),
    };
    assert_eq!(
        world.say(&mut link, Frame::Fetch { locator }),
        Some(fetched)
    );
    assert_eq!(world.say(&mut link, Frame::Unplace { locator }), None);
    let fetched = Frame::Fetched {
        locator,
        envelope: None,
    };
    assert_eq!(
        world.say(&mut link, Frame::Fetch { locator }),
        Some(fetched)
    );
    let replica = Frame::Replica {
        envelope: envelope.clone(),
    };
    assert_eq!(world.say(&mut link, replica), accepted);
    let home = Home {
        address: [3; 32],
        node: NodeKey([4; 32]),
    };
    let pass = Pass::default();
    let forward = Frame::Forward {
        home,
        pass,
        envelope: envelope.clone(),
    };
    assert_eq!(world.say(&mut link, forward), accepted);
    assert_eq!(world.node.next_due(&world.shelf).unwrap(), Some(world.now));
    for skipped in [Frame::Unknown(99), Frame::CaughtUp { until: 1 }] {
        assert_eq!(world.say(&mut link, skipped), None);
    }
}
