#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, BO, KEY, World, settings, token};
use crate::{
    Account, Bucket, Class, Envelope, EnvelopeId, Frame, HOME_TURN_MILLIS, Home, NodeKey, NodeLink,
    Outcome, Party, Pass, Settings, ShelfTable, Size, Token,
};

const HOME: Home = Home {
    address: [3; 32],
    node: NodeKey([4; 32]),
};
const OTHER: Home = Home {
    address: [5; 32],
    node: NodeKey([6; 32]),
};
const PASS: Pass = Pass {
    token: Some(Token([8; 16])),
    work: None,
};

fn forward(world: &mut World, account: Account, home: Home, envelope: &Envelope) -> Outcome {
    let (shelf, now) = (&mut world.shelf, world.now);
    world
        .node
        .forward(shelf, now, account, home, &PASS, envelope)
        .unwrap()
}

fn due(world: &mut World) -> Option<Home> {
    world.node.due_home(&mut world.shelf, world.now).unwrap()
}

fn waiting(world: &World, home: &Home, after: u64) -> Vec<(u64, Envelope)> {
    let (shelf, now) = (&world.shelf, world.now);
    let waiting = world.node.waiting_for(shelf, now, home, after, 5_000);
    let entries = waiting.unwrap().into_iter();
    entries
        .map(|entry| {
            assert_eq!(entry.pass, PASS);
            (entry.number, entry.envelope)
        })
        .collect()
}

fn forwarded(world: &mut World, number: u64, outcome: Outcome) {
    let (shelf, now) = (&mut world.shelf, world.now);
    world.node.forwarded(shelf, now, number, outcome).unwrap();
}

fn done(world: &mut World, home: &Home, is_served: bool) {
    let (shelf, now) = (&mut world.shelf, world.now);
    world
        .node
        .home_done(shelf, now, home, is_served, 12_345)
        .unwrap();
}

/// What a member hears on a new link.
fn notices(world: &World, account: Account) -> Vec<(EnvelopeId, Outcome)> {
    let mut link = NodeLink::new(Party::Member(account));
    let heard = world.push(&mut link).into_iter().map(|frame| match frame {
        Frame::Returned { id, outcome } => (id, outcome),
        other => panic!("{other:?}"),
    });
    heard.collect()
}

#[test]
fn a_forward_waits_until_its_home_holds_it() {
    let mut world = World::new();
    let [first, second, third] = [world.small(), world.small(), world.small()];
    assert_eq!(due(&mut world), None);
    assert_eq!(world.node.next_due(&world.shelf).unwrap(), None);
    for envelope in [&first, &second, &third] {
        assert_eq!(forward(&mut world, ANA, HOME, envelope), Outcome::Accepted);
    }
    assert_eq!(forward(&mut world, ANA, HOME, &first), Outcome::AlreadyHave);
    assert_eq!(world.node.next_due(&world.shelf).unwrap(), Some(world.now));
    assert_eq!(due(&mut world), Some(HOME));
    assert_eq!(due(&mut world), None, "one turn at a time");
    assert_eq!(
        waiting(&world, &HOME, 0),
        [(1, first.clone()), (2, second.clone())]
    );
    assert_eq!(waiting(&world, &HOME, 2), [(3, third.clone())]);
    forwarded(&mut world, 1, Outcome::Accepted);
    forwarded(&mut world, 2, Outcome::AlreadyHave);
    forwarded(&mut world, 2, Outcome::AlreadyHave);
    assert_eq!(waiting(&world, &HOME, 0), [(3, third)]);
    forwarded(&mut world, 3, Outcome::Accepted);
    done(&mut world, &HOME, true);
    assert_eq!(world.node.next_due(&world.shelf).unwrap(), None);
    assert_eq!(notices(&world, ANA), []);
    assert_eq!(world.shelf.len(ShelfTable::Parties), 0);
    assert_eq!(world.node.usage(&world.shelf).unwrap().forward_bytes, 0);
}

#[test]
fn a_home_that_is_not_reached_is_tried_again_ever_later() {
    let mut world = World::new();
    let envelope = world.envelope(
        crate::Bucket::WHOLE,
        crate::Class::ordinary(crate::Size::K2),
        30,
    );
    forward(&mut world, ANA, HOME, &envelope);
    let mut last = 0;
    for attempt in 0..12 {
        assert_eq!(due(&mut world), Some(HOME));
        done(&mut world, &HOME, false);
        let wait = world.node.next_due(&world.shelf).unwrap().unwrap() - world.now;
        assert!((30_000..=3_600_000).contains(&wait));
        assert!(wait > last || attempt > 6);
        last = wait;
        world.now += wait - 1;
        assert_eq!(due(&mut world), None);
        world.now += 1;
    }
}

/// A turn of a home, at its time, that comes to nothing.
fn fail(world: &mut World, home: &Home) {
    let next = world.node.next_due(&world.shelf).unwrap().unwrap();
    world.now = world.now.max(next);
    assert_eq!(due(world), Some(*home));
    done(world, home, false);
}

#[test]
fn whoever_has_something_waiting_is_told_when_a_home_was_not_reached_for_half_an_hour() {
    let mut world = World::new();
    let envelopes: Vec<Envelope> = (0..3).map(|_| world.small()).collect();
    let mut ana = NodeLink::new(Party::Member(ANA));
    let say = |world: &mut World, link: &mut NodeLink, home, envelope: &Envelope| {
        let (pass, envelope) = (PASS, envelope.clone());
        let forward = Frame::Forward {
            home,
            pass,
            envelope,
        };
        world.say(link, forward);
        world.push(link)
    };
    assert_eq!(say(&mut world, &mut ana, HOME, &envelopes[0]), []);
    let began = world.now;
    for _ in 0..6 {
        fail(&mut world, &HOME);
        world.now += 60_000;
        assert_eq!(world.push(&mut ana), []);
    }
    fail(&mut world, &HOME);
    assert!((30..60).contains(&((world.now - began) / 60_000)));
    world.now += 60_000;
    let unreached = [Frame::Unreached { home: HOME }];
    assert_eq!(world.push(&mut ana), unreached);
    // Once, but again on another link, and when more is left for that home. It is tried on.
    world.now += 60_000;
    assert_eq!(world.push(&mut ana), []);
    assert_eq!(
        world.push(&mut NodeLink::new(Party::Member(ANA))),
        unreached
    );
    assert_eq!(say(&mut world, &mut ana, HOME, &envelopes[1]), unreached);
    assert_eq!(waiting(&world, &HOME, 0).len(), 2);
    // Of another home there is nothing to say, and nobody else hears of this one.
    assert_eq!(say(&mut world, &mut ana, OTHER, &envelopes[2]), []);
    for party in [Party::Member(BO), Party::Stranger] {
        assert_eq!(world.push(&mut NodeLink::new(party)), []);
    }
    forwarded(&mut world, 3, Outcome::Accepted);
    done(&mut world, &OTHER, true);
    // It is back, and lost again.
    done(&mut world, &HOME, true);
    world.now += 60_000;
    assert_eq!(world.push(&mut ana), []);
    for _ in 0..7 {
        fail(&mut world, &HOME);
    }
    world.now += 60_000;
    assert_eq!(world.push(&mut ana), unreached);
}

#[test]
fn a_turn_that_nobody_ends_is_over_after_a_while() {
    let mut world = World::new();
    let envelope = world.small();
    forward(&mut world, ANA, HOME, &envelope);
    assert_eq!(due(&mut world), Some(HOME));
    world.now += HOME_TURN_MILLIS - 1;
    assert_eq!(due(&mut world), None);
    world.now += 1;
    assert_eq!(due(&mut world), Some(HOME));
}

#[test]
fn a_home_is_due_that_waits_longer_than_any_does() {
    let mut world = World::new();
    let envelope = world.small();
    forward(&mut world, ANA, HOME, &envelope);
    let right = world.now;
    // The clock was ahead when it failed, and is right again.
    world.now += 2 * crate::DAY_MILLIS;
    assert_eq!(due(&mut world), Some(HOME));
    done(&mut world, &HOME, false);
    world.now = right;
    assert_eq!(due(&mut world), Some(HOME));
    assert_eq!(due(&mut world), None);
    // The same for a turn.
    world.now += 2 * crate::DAY_MILLIS;
    assert_eq!(due(&mut world), Some(HOME));
    world.now = right;
    assert_eq!(due(&mut world), Some(HOME));
}

#[test]
fn what_came_during_a_turn_is_due_at_once() {
    let mut world = World::new();
    let [first, second] = [world.small(), world.small()];
    forward(&mut world, ANA, HOME, &first);
    assert_eq!(due(&mut world), Some(HOME));
    forward(&mut world, ANA, HOME, &second);
    assert_eq!(due(&mut world), None);
    forwarded(&mut world, 1, Outcome::Accepted);
    done(&mut world, &HOME, true);
    assert_eq!(due(&mut world), Some(HOME));
}

#[test]
fn homes_take_turns_by_when_they_are_due() {
    let mut world = World::new();
    let envelope = world.small();
    forward(&mut world, ANA, OTHER, &envelope);
    world.now += 1;
    forward(&mut world, ANA, HOME, &envelope);
    assert_eq!(due(&mut world), Some(OTHER));
    assert_eq!(due(&mut world), Some(HOME));
    assert_eq!(due(&mut world), None);
}

#[test]
fn a_refusal_that_passes_leaves_it_waiting_and_another_is_told() {
    let mut world = World::new();
    let [full, costly, stale] = [world.small(), world.small(), world.small()];
    for envelope in [&full, &costly, &stale] {
        forward(&mut world, ANA, HOME, envelope);
    }
    forwarded(&mut world, 1, Outcome::Full);
    forwarded(&mut world, 2, Outcome::NeedsWork(16));
    forwarded(&mut world, 3, Outcome::WrongToken);
    assert_eq!(waiting(&world, &HOME, 0), [(1, full)]);
    let told = [
        (costly.id(), Outcome::NeedsWork(16)),
        (stale.id(), Outcome::WrongToken),
    ];
    assert_eq!(notices(&world, ANA), told);
    assert_eq!(notices(&world, ANA), told, "again on every link");
    assert_eq!(notices(&world, BO), []);
    let mut link = NodeLink::new(Party::Member(ANA));
    assert_eq!(world.push(&mut link).len(), 2);
    world.say(&mut link, Frame::Noted { id: costly.id() });
    assert_eq!(notices(&world, ANA), told[1..]);
    // With another pass it may be sent again, and come back again.
    assert_eq!(forward(&mut world, ANA, HOME, &stale), Outcome::Accepted);
    forwarded(&mut world, 4, Outcome::WrongWork);
    let told = (stale.id(), Outcome::WrongWork);
    assert_eq!(notices(&world, ANA), [told]);
    let pushed = world.push(&mut link);
    assert_eq!(
        pushed,
        [Frame::Returned {
            id: told.0,
            outcome: told.1
        }]
    );
}

#[test]
fn a_home_whose_clock_is_wrong_does_not_end_what_is_good_by_this_one() {
    let mut world = World::new();
    let [early, late] = [world.small(), world.small()];
    for envelope in [&early, &late] {
        forward(&mut world, ANA, HOME, envelope);
    }
    assert_eq!(due(&mut world), Some(HOME));
    forwarded(&mut world, 1, Outcome::TooFar);
    forwarded(&mut world, 2, Outcome::Expired);
    done(&mut world, &HOME, false);
    assert_eq!(waiting(&world, &HOME, 0), [(1, early), (2, late.clone())]);
    assert_eq!(notices(&world, ANA), []);
    world.pass_days(8);
    forwarded(&mut world, 2, Outcome::Expired);
    assert_eq!(notices(&world, ANA), [(late.id(), Outcome::Expired)]);
}

#[test]
fn a_forward_that_is_repeated_has_the_newer_pass_and_no_old_notice() {
    let mut world = World::new();
    let [envelope, refused] = [world.small(), world.small()];
    let again = |world: &mut World, envelope: &Envelope, pass| {
        let (shelf, now) = (&mut world.shelf, world.now);
        let node = &world.node;
        node.forward(shelf, now, ANA, HOME, &pass, envelope)
            .unwrap()
    };
    let newer = token(Token([9; 16]));
    assert_eq!(forward(&mut world, ANA, HOME, &envelope), Outcome::Accepted);
    assert_eq!(again(&mut world, &envelope, newer), Outcome::AlreadyHave);
    let found = world
        .node
        .waiting_for(&world.shelf, world.now, &HOME, 0, 5_000);
    let passes: Vec<Pass> = found.unwrap().into_iter().map(|entry| entry.pass).collect();
    assert_eq!(passes, [newer]);
    assert_eq!(forward(&mut world, ANA, HOME, &refused), Outcome::Accepted);
    forwarded(&mut world, 2, Outcome::WrongToken);
    assert_eq!(notices(&world, ANA).len(), 1);
    assert_eq!(again(&mut world, &refused, newer), Outcome::Accepted);
    assert_eq!(notices(&world, ANA), []);
    // The notice took a place that the forward may have.
    let [one, two] = [world.small(), world.small()];
    for envelope in [&one, &two] {
        assert_eq!(forward(&mut world, ANA, HOME, envelope), Outcome::Accepted);
    }
    forwarded(&mut world, 3, Outcome::WrongToken);
    assert_eq!(again(&mut world, &refused, newer), Outcome::Accepted);
    assert_eq!(notices(&world, ANA), []);
    let other = world.small();
    assert_eq!(forward(&mut world, ANA, HOME, &other), Outcome::QueueFull);
    // Waiting already, and a notice from another home.
    forward(&mut world, BO, HOME, &envelope);
    forward(&mut world, BO, OTHER, &envelope);
    forwarded(&mut world, 8, Outcome::Malformed);
    assert_eq!(notices(&world, BO).len(), 1);
    assert_eq!(
        forward(&mut world, BO, HOME, &envelope),
        Outcome::AlreadyHave
    );
    assert_eq!(notices(&world, BO), []);
}

#[test]
fn what_expires_while_it_waits_comes_back_as_unreachable() {
    let mut world = World::new();
    let envelope = world.small();
    forward(&mut world, ANA, HOME, &envelope);
    world.pass_days(8);
    assert_eq!(waiting(&world, &HOME, 0), []);
    world.sweep();
    assert_eq!(
        notices(&world, ANA),
        [(envelope.id(), Outcome::Unreachable)]
    );
    assert_eq!(due(&mut world), None);
    assert_eq!(world.shelf.len(ShelfTable::Homes), 0);
    world.pass_days(29);
    world.sweep();
    assert_eq!(notices(&world, ANA).len(), 1);
    world.pass_days(1);
    world.sweep();
    assert_eq!(notices(&world, ANA), []);
    assert_eq!(world.shelf.len(ShelfTable::Parties), 0);
}

#[test]
fn the_queue_is_bounded_for_each_account_and_in_bytes() {
    let mut world = World::new();
    let fill = |world: &mut World, account: u8, count: usize| {
        for _ in 0..count {
            let envelope = world.small();
            let outcome = forward(world, Account([account; 32]), HOME, &envelope);
            assert_eq!(outcome, Outcome::Accepted);
        }
    };
    fill(&mut world, 1, 4);
    let envelope = world.small();
    let more = |world: &mut World, account| forward(world, Account([account; 32]), HOME, &envelope);
    assert_eq!(more(&mut world, 1), Outcome::QueueFull);
    // A notice that is not heard takes the place of the forward.
    forwarded(&mut world, 1, Outcome::Malformed);
    assert_eq!(more(&mut world, 1), Outcome::QueueFull);
    // One place is left by what came back, and room for one more.
    for account in 2..9 {
        fill(&mut world, account, 4);
    }
    fill(&mut world, 9, 3);
    assert_eq!(more(&mut world, 9), Outcome::QueueFull);
}

#[test]
fn an_account_takes_no_more_than_a_share_of_the_queue() {
    let mut world = World::with(Settings {
        forwards_per_account: 100,
        ..settings()
    });
    let mut put = |account, size| {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(size), 8);
        forward(&mut world, account, HOME, &envelope)
    };
    // An eighth of 34 envelopes of 2 KiB.
    assert_eq!(put(ANA, Size::K4), Outcome::Accepted);
    assert_eq!(put(ANA, Size::K2), Outcome::Accepted);
    assert_eq!(put(ANA, Size::K4), Outcome::QueueFull);
    assert_eq!(put(ANA, Size::K2), Outcome::Accepted);
    assert_eq!(put(BO, Size::K8), Outcome::Accepted);
    forwarded(&mut world, 1, Outcome::Accepted);
    let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K4), 8);
    assert_eq!(forward(&mut world, ANA, HOME, &envelope), Outcome::Accepted);
}

#[test]
fn an_account_waits_for_so_many_homes_at_once() {
    let mut world = World::with(Settings {
        forwards_per_account: 100,
        forward_bytes: 10_000_000,
        ..settings()
    });
    let home = |number: u8| Home {
        address: [number; 32],
        node: NodeKey([number; 32]),
    };
    let put = |world: &mut World, account, number| {
        let envelope = world.small();
        forward(world, account, home(number), &envelope)
    };
    for number in 0..64 {
        assert_eq!(put(&mut world, ANA, number), Outcome::Accepted);
    }
    assert_eq!(put(&mut world, ANA, 64), Outcome::QueueFull);
    assert_eq!(put(&mut world, ANA, 63), Outcome::Accepted);
    assert_eq!(put(&mut world, BO, 64), Outcome::Accepted);
    // A home with nothing of this account any more makes place for another.
    forwarded(&mut world, 64, Outcome::Accepted);
    assert_eq!(put(&mut world, ANA, 64), Outcome::QueueFull);
    forwarded(&mut world, 65, Outcome::Accepted);
    assert_eq!(put(&mut world, ANA, 64), Outcome::Accepted);
    assert_eq!(put(&mut world, ANA, 65), Outcome::QueueFull);
}

#[test]
fn homes_that_were_never_tried_come_before_those_that_failed() {
    let mut world = World::new();
    let envelope = world.small();
    forward(&mut world, ANA, HOME, &envelope);
    assert_eq!(due(&mut world), Some(HOME));
    done(&mut world, &HOME, false);
    // It has been due for a while when another comes.
    world.now += 3_600_000;
    forward(&mut world, BO, OTHER, &envelope);
    assert_eq!(
        world
            .node
            .next_due(&world.shelf)
            .unwrap()
            .map(|at| at <= world.now),
        Some(true)
    );
    assert_eq!(due(&mut world), Some(OTHER));
    assert_eq!(due(&mut world), Some(HOME));
    assert_eq!(due(&mut world), None);
    // A failed home is due before one whose turn lasts.
    done(&mut world, &OTHER, true);
    done(&mut world, &HOME, false);
    assert_eq!(due(&mut world), Some(OTHER));
    let next = world.node.next_due(&world.shelf).unwrap().unwrap();
    assert!(next < world.now + HOME_TURN_MILLIS);
}

#[test]
fn a_forward_to_this_very_node_is_a_put() {
    let mut world = World::new();
    let envelope = world.small();
    let here = Home {
        address: [9; 32],
        node: KEY,
    };
    assert_eq!(forward(&mut world, ANA, here, &envelope), Outcome::Accepted);
    assert_eq!(due(&mut world), None);
    assert_eq!(world.bytes(), 2_048);
}
