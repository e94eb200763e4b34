#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::world::{ANA, BITS, BO, TOKEN, World, settings, token};
use crate::{
    Account, Bucket, Class, Day, Node, Outcome, Party, Pass, Settings, ShelfTable, Size, Token,
    Work, work::MAX_WORK_BITS,
};

#[test]
fn a_member_needs_neither_token_nor_work() {
    let mut world = World::new();
    let envelope = world.small();
    assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    assert_eq!(world.member_puts(BO, &envelope), Outcome::AlreadyHave);
    assert_eq!(world.bytes(), 2_048);
    assert_eq!(world.shelf.len(ShelfTable::Log), 1);
}

#[test]
fn a_stranger_needs_a_token_or_work() {
    let mut world = World::new();
    let envelope = world.small();
    let put = |world: &mut World, pass| world.put(Party::Stranger, &pass, &envelope);
    assert_eq!(put(&mut world, Pass::default()), Outcome::NeedsWork(BITS));
    assert_eq!(put(&mut world, token(Token([9; 16]))), Outcome::WrongToken);
    let mut wrong = world.work(&envelope);
    wrong.work = wrong.work.map(|work| Work {
        day: Day(1),
        ..work
    });
    assert_eq!(put(&mut world, wrong), Outcome::WrongWork);
    let work = world.work(&envelope);
    assert_eq!(put(&mut world, work), Outcome::Accepted);
    let other = world.small();
    assert_eq!(world.stranger_puts(&other), Outcome::Accepted);
}

#[test]
fn work_excuses_from_a_token_that_is_none_any_more() {
    let mut world = World::new();
    let envelope = world.small();
    let pass = Pass {
        token: Some(Token([9; 16])),
        ..world.work(&envelope)
    };
    assert_eq!(
        world.put(Party::Stranger, &pass, &envelope),
        Outcome::Accepted
    );
}

#[test]
fn a_stranger_learns_what_is_kept_only_with_a_pass() {
    let mut world = World::new();
    let envelope = world.small();
    assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    let put = |world: &mut World, pass| world.put(Party::Stranger, &pass, &envelope);
    assert_eq!(put(&mut world, Pass::default()), Outcome::NeedsWork(BITS));
    assert_eq!(put(&mut world, token(Token([9; 16]))), Outcome::WrongToken);
    assert_eq!(put(&mut world, token(TOKEN)), Outcome::AlreadyHave);
    let work = world.work(&envelope);
    assert_eq!(put(&mut world, work), Outcome::AlreadyHave);
    // A member may ask for it anyway.
    let intro = world.intro();
    let work = world.work(&intro);
    let outcome = world.put(Party::Member(ANA), &work, &intro);
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(world.member_puts(BO, &intro), Outcome::AlreadyHave);
}

#[test]
fn an_intro_needs_work_from_everybody() {
    let mut world = World::new();
    let intro = world.intro();
    assert_eq!(world.member_puts(ANA, &intro), Outcome::NeedsWork(BITS));
    assert_eq!(world.stranger_puts(&intro), Outcome::NeedsWork(BITS));
    let pass = world.work(&intro);
    assert_eq!(
        world.put(Party::Member(ANA), &pass, &intro),
        Outcome::Accepted
    );
}

#[test]
fn a_larger_envelope_costs_a_stranger_without_a_token_more() {
    let mut world = World::with(Settings {
        capacity: 100_000_000,
        ..settings()
    });
    for (size, bits) in [
        (Size::K2, BITS),
        (Size::K4, BITS + 1),
        (Size::K8, BITS + 2),
        (Size::K16, BITS + 3),
        (Size::K64, BITS + 5),
    ] {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(size), 8);
        let due = Outcome::NeedsWork(bits);
        let outcome = world.put(Party::Stranger, &Pass::default(), &envelope);
        assert_eq!(outcome, due);
        let too_little = world.work_between(&envelope, 0, bits);
        assert_eq!(world.put(Party::Stranger, &too_little, &envelope), due);
        let enough = world.work_between(&envelope, bits, u8::MAX);
        let outcome = world.put(Party::Stranger, &enough, &envelope);
        assert_eq!(outcome, Outcome::Accepted);
        // Neither a token nor membership has a size.
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(size), 8);
        assert_eq!(world.stranger_puts(&envelope), Outcome::Accepted);
        let intro = world.envelope(Bucket::WHOLE, Class::intro(size), 8);
        let outcome = world.put(Party::Stranger, &token(TOKEN), &intro);
        assert_eq!(outcome, Outcome::NeedsWork(BITS));
    }
}

#[test]
fn work_rises_as_strangers_without_a_token_fill_half_of_the_strangers_part() {
    // Sixteen envelopes of 2 KiB for strangers, eight of them for those who have no token.
    let capacity = 160 * 2_048;
    let mut world = World::with(Settings {
        capacity,
        ..settings()
    });
    for more in [0, 0, 0, 0, 0, 1, 2, 3, 4] {
        let envelope = world.small();
        let outcome = world.put(Party::Stranger, &Pass::default(), &envelope);
        assert_eq!(outcome, Outcome::NeedsWork(BITS + more));
        let pass = world.work_between(&envelope, BITS + more, u8::MAX);
        let outcome = world.put(Party::Stranger, &pass, &envelope);
        let is_last = more == 4;
        assert_eq!(outcome == Outcome::OverShare, is_last);
        assert_eq!(outcome == Outcome::Accepted, !is_last);
    }
    for _ in 0..8 {
        let envelope = world.small();
        assert_eq!(world.stranger_puts(&envelope), Outcome::Accepted);
    }
    let envelope = world.small();
    assert_eq!(world.stranger_puts(&envelope), Outcome::OverShare);
    world.pass_days(8);
    world.sweep();
    let envelope = world.small();
    let pass = world.work(&envelope);
    let outcome = world.put(Party::Stranger, &pass, &envelope);
    assert_eq!(outcome, Outcome::Accepted);
}

#[test]
fn work_of_intros_doubles_with_their_number_on_a_day() {
    let mut world = World::with(Settings {
        capacity: 1_000_000_000,
        intros_per_day: 2_000,
        ..settings()
    });
    for number in 0..2_000 {
        let more = match number {
            ..500 => 0,
            500..1_000 => 1,
            _ => 2,
        };
        let intro = world.intro();
        let due = Outcome::NeedsWork(BITS + more);
        assert_eq!(world.member_puts(ANA, &intro), due, "{number}");
        let pass = world.work_between(&intro, BITS + more, u8::MAX);
        let outcome = world.put(Party::Member(ANA), &pass, &intro);
        assert_eq!(outcome, Outcome::Accepted);
    }
    world.pass_days(1);
    let intro = world.intro();
    assert_eq!(world.member_puts(ANA, &intro), Outcome::NeedsWork(BITS));
}

#[test]
fn no_more_work_is_asked_than_a_sender_spends() {
    let mut world = World::with(Settings {
        work_bits: MAX_WORK_BITS,
        ..settings()
    });
    let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K8), 8);
    let outcome = world.put(Party::Stranger, &Pass::default(), &envelope);
    assert_eq!(outcome, Outcome::NeedsWork(MAX_WORK_BITS));
}

#[test]
fn intros_are_counted_for_each_day_and_bucket() {
    let mut world = World::new();
    let [low, high] = Bucket::WHOLE.halves().unwrap();
    world.node.set_bits(&mut world.shelf, world.now, 1).unwrap();
    let put = |world: &mut World, bucket| {
        let intro = world.envelope(bucket, Class::intro(Size::K2), 8);
        let pass = world.work(&intro);
        world.put(Party::Member(ANA), &pass, &intro)
    };
    for _ in 0..3 {
        assert_eq!(put(&mut world, low), Outcome::Accepted);
    }
    assert_eq!(put(&mut world, low), Outcome::Busy);
    assert_eq!(put(&mut world, high), Outcome::Accepted);
    world.pass_days(1);
    assert_eq!(put(&mut world, low), Outcome::Accepted);
}

#[test]
fn a_token_is_good_for_30_days_after_the_next() {
    let mut world = World::new();
    let fresh = Token([2; 16]);
    let rotate = |world: &mut World, token| {
        let (shelf, now) = (&mut world.shelf, world.now);
        world.node.rotate_token(shelf, now, token).unwrap()
    };
    assert!(!rotate(&mut world, fresh));
    world.pass_days(29);
    assert!(!rotate(&mut world, fresh));
    world.pass_days(1);
    assert!(rotate(&mut world, fresh));
    assert!(!rotate(&mut world, Token([3; 16])));
    assert_eq!(world.node.about(&world.shelf).unwrap().token, fresh);
    world.pass_days(29);
    let envelope = world.small();
    assert_eq!(world.stranger_puts(&envelope), Outcome::Accepted);
    world.pass_days(1);
    let envelope = world.small();
    assert_eq!(world.stranger_puts(&envelope), Outcome::WrongToken);
    assert_eq!(
        world.put(Party::Stranger, &token(fresh), &envelope),
        Outcome::Accepted
    );
}

#[test]
fn what_expired_or_lives_too_long_is_refused() {
    let mut world = World::new();
    for (days, outcome) in [
        (0, Outcome::Expired),
        (1, Outcome::Accepted),
        (32, Outcome::Accepted),
        (33, Outcome::TooFar),
    ] {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K2), days);
        assert_eq!(world.member_puts(ANA, &envelope), outcome);
    }
}

#[test]
fn a_member_holds_at_most_an_equal_share() {
    let mut world = World::new();
    // Nine tenths of a hundred, in eight shares.
    for _ in 0..11 {
        let envelope = world.small();
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    }
    let envelope = world.small();
    assert_eq!(world.member_puts(ANA, &envelope), Outcome::OverShare);
    assert_eq!(world.member_puts(BO, &envelope), Outcome::Accepted);
    world.pass_days(8);
    world.sweep();
    let envelope = world.small();
    assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
}

#[test]
fn shares_shrink_when_more_members_hold_a_mebibyte() {
    const MEBIBYTE: u64 = 1024 * 1024;
    // Nine tenths: 18 MiB.
    let mut world = World::with(Settings {
        capacity: 20 * MEBIBYTE,
        ..settings()
    });
    let put = |world: &mut World, account, size, days| {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(size), days);
        world.member_puts(Account([account; 32]), &envelope)
    };
    // Those who hold little take nothing from the others' shares.
    for account in 100..150 {
        assert_eq!(put(&mut world, account, Size::K2, 8), Outcome::Accepted);
    }
    for _ in 0..36 {
        assert_eq!(put(&mut world, 0, Size::K64, 2), Outcome::Accepted);
    }
    assert_eq!(put(&mut world, 0, Size::K64, 2), Outcome::OverShare);
    // Twelve with a mebibyte each: a share is one and a half.
    for account in (1..12).flat_map(|account| [account; 16]) {
        assert_eq!(put(&mut world, account, Size::K64, 8), Outcome::Accepted);
    }
    for _ in 0..8 {
        assert_eq!(put(&mut world, 1, Size::K64, 8), Outcome::Accepted);
    }
    assert_eq!(put(&mut world, 1, Size::K64, 8), Outcome::OverShare);
    world.pass_days(2);
    world.sweep();
    assert_eq!(put(&mut world, 1, Size::K64, 8), Outcome::Accepted);
    world.pass_days(6);
    world.sweep();
    for _ in 0..36 {
        assert_eq!(put(&mut world, 0, Size::K64, 8), Outcome::Accepted);
    }
}

#[test]
fn strangers_together_hold_at_most_a_tenth() {
    let mut world = World::new();
    for _ in 0..10 {
        let envelope = world.small();
        assert_eq!(world.stranger_puts(&envelope), Outcome::Accepted);
    }
    let envelope = world.small();
    assert_eq!(world.stranger_puts(&envelope), Outcome::OverShare);
    assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
}

#[test]
fn members_fill_their_own_part_and_nothing_of_strangers_goes() {
    let mut world = World::with(Settings {
        capacity: 20 * 2_048,
        ..settings()
    });
    let strangers = [world.small(), world.small()];
    for envelope in &strangers {
        assert_eq!(world.stranger_puts(envelope), Outcome::Accepted);
    }
    // One was returned; two for each of eight members, and one more, fill the members' nine tenths.
    let returned = world.small();
    let (shelf, now) = (&mut world.shelf, world.now);
    let outcome = world.node.give_back(shelf, now, ANA, &returned).unwrap();
    assert_eq!(outcome, Outcome::Accepted);
    let mut put = |member| {
        let envelope = world.small();
        world.member_puts(Account([member; 32]), &envelope)
    };
    for member in (0..8).flat_map(|member| [member; 2]).chain([8]) {
        assert_eq!(put(member), Outcome::Accepted);
    }
    assert_eq!(put(8), Outcome::Full);
    assert_eq!(put(9), Outcome::Full);
    let more = world.small();
    let (shelf, now) = (&mut world.shelf, world.now);
    let outcome = world.node.give_back(shelf, now, BO, &more).unwrap();
    assert_eq!(outcome, Outcome::Full);
    for envelope in &strangers {
        let found = Node::kept(&world.shelf, &envelope.id(), Day::of(world.now));
        assert!(found.unwrap().is_some());
    }
    assert_eq!(world.bytes(), 20 * 2_048);
}

#[test]
fn a_sweep_that_stopped_lends_members_no_room_of_strangers() {
    let mut world = World::with(Settings {
        capacity: 20 * 2_048,
        ..settings()
    });
    for _ in 0..2 {
        let envelope = world.envelope(Bucket::WHOLE, Class::ordinary(Size::K2), 1);
        assert_eq!(world.stranger_puts(&envelope), Outcome::Accepted);
    }
    let put = |world: &mut World, member| {
        let envelope = world.small();
        world.member_puts(Account([member; 32]), &envelope)
    };
    for member in (0..9).flat_map(|member| [member; 2]) {
        assert_eq!(put(&mut world, member), Outcome::Accepted);
    }
    world.pass_days(1);
    // The envelopes are gone, and what follows them in the order of days is not.
    assert!(world.node.sweep(&mut world.shelf, world.now, 2).unwrap());
    assert_eq!(world.bytes(), 18 * 2_048);
    assert_eq!(put(&mut world, 9), Outcome::Full);
}

#[test]
fn members_return_for_seven_days_up_to_a_share_of_half() {
    let mut world = World::new();
    let give_back = |world: &mut World, account, envelope: &crate::Envelope| {
        let (shelf, now) = (&mut world.shelf, world.now);
        world.node.give_back(shelf, now, account, envelope).unwrap()
    };
    // Half of a hundred in eight shares.
    for _ in 0..6 {
        let envelope = world.small();
        assert_eq!(give_back(&mut world, ANA, &envelope), Outcome::Accepted);
        assert_eq!(give_back(&mut world, BO, &envelope), Outcome::AlreadyHave);
    }
    let envelope = world.small();
    assert_eq!(give_back(&mut world, ANA, &envelope), Outcome::OverShare);
    // An intro was paid for when it was put first.
    let intro = world.intro();
    assert_eq!(give_back(&mut world, BO, &intro), Outcome::Accepted);
    // What was returned is not the member's own.
    for _ in 0..11 {
        let envelope = world.small();
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
    }
    world.pass_days(6);
    let late = world.small();
    assert_eq!(give_back(&mut world, BO, &late), Outcome::Accepted);
    world.pass_days(1);
    let late = world.small();
    assert_eq!(give_back(&mut world, BO, &late), Outcome::NotAllowed);
    world.pass_days(40);
    world.sweep();
    assert_eq!(world.shelf.len(ShelfTable::Parties), 0);
}

#[test]
fn returned_intros_count_among_those_of_the_day() {
    let mut world = World::new();
    let give_back = |world: &mut World, envelope: &crate::Envelope| {
        let (shelf, now) = (&mut world.shelf, world.now);
        world.node.give_back(shelf, now, ANA, envelope).unwrap()
    };
    let intro = world.intro();
    let pass = world.work(&intro);
    assert_eq!(
        world.put(Party::Member(BO), &pass, &intro),
        Outcome::Accepted
    );
    for expected in [Outcome::Accepted, Outcome::Accepted, Outcome::Busy] {
        let intro = world.intro();
        assert_eq!(give_back(&mut world, &intro), expected);
    }
    let intro = world.intro();
    let pass = world.work(&intro);
    assert_eq!(world.put(Party::Member(BO), &pass, &intro), Outcome::Busy);
    let envelope = world.small();
    assert_eq!(give_back(&mut world, &envelope), Outcome::Accepted);
    world.pass_days(1);
    let intro = world.intro();
    assert_eq!(give_back(&mut world, &intro), Outcome::Accepted);
}

#[test]
fn what_is_returned_in_all_has_a_bound() {
    let mut world = World::new();
    let give_back = |world: &mut World, account: u8| {
        let envelope = world.small();
        let (shelf, now) = (&mut world.shelf, world.now);
        let node = &world.node;
        node.give_back(shelf, now, Account([account; 32]), &envelope)
            .unwrap()
    };
    // Eight shares of half of a hundred, and two more.
    for account in (0..8).flat_map(|account| [account; 6]).chain([8, 8]) {
        assert_eq!(give_back(&mut world, account), Outcome::Accepted);
    }
    assert_eq!(give_back(&mut world, 8), Outcome::Full);
    assert_eq!(give_back(&mut world, 9), Outcome::Full);
}

#[test]
fn a_refusal_changes_nothing() {
    let mut world = World::new();
    for _ in 0..10 {
        let envelope = world.small();
        assert_eq!(world.stranger_puts(&envelope), Outcome::Accepted);
    }
    let before = world.shelf.snapshot();
    let (envelope, intro) = (world.small(), world.intro());
    for (pass, envelope) in [(token(TOKEN), &envelope), (Pass::default(), &intro)] {
        let outcome = world.put(Party::Stranger, &pass, envelope);
        assert!(!outcome.is_held());
        assert!(world.shelf.holds_the_same(&before));
    }
}

#[test]
fn a_put_costs_the_same_however_much_is_kept() {
    let mut world = World::with(Settings::default());
    let mut costs = Vec::new();
    for _ in 0..3_000 {
        let envelope = world.small();
        let before = world.shelf.operations();
        assert_eq!(world.member_puts(ANA, &envelope), Outcome::Accepted);
        costs.push(world.shelf.operations() - before);
    }
    assert!(
        costs.iter().all(|cost| *cost <= 20),
        "{:?}",
        costs.iter().max()
    );
    assert_eq!(costs[1], costs[2_999]);
}
