//! A link by which somebody asks to be proposed: it shows what it is for before anything is sent, it admits nobody, and what it
//! leads to survives whoever is away.

use std::collections::BTreeSet;

use komrade_crypto::audit;
use komrade_store::memory::Cut;
use komrade_view::*;

use crate::{
    collective::{Collectives, collective, people, rules, want_two_vouches},
    world::{DAY, HOUR, MINUTE, PASSPHRASE, World, plan_cut},
};

/// So many people at relays of their own; the first has founded a collective, and nobody has met anybody.
fn strangers(seed: u64, names: &[&str]) -> World {
    let mut world = World::new(seed, names.len());
    for (at, name) in names.iter().enumerate() {
        world.add_relay(at);
        world.settle_at(at, name, at);
    }
    world.found(0, rules(1));
    world
}

fn link(world: &mut World, at: usize) -> Secret {
    let link = CollectiveCommand::Link {
        collective: world.collective(at).id,
        with_relay: false,
        days: 7,
    };
    match world.order(at, link) {
        Answer::Invite { link, .. } => link,
        other => panic!("no link: {other:?}"),
    }
}

/// Opens a link and waits until it shows what it is for.
fn open(world: &mut World, at: usize, link: &Secret) -> ComradeId {
    let by = world.accept(at, link);
    world.until(|world| is_linked(world, at));
    by
}

fn is_linked(world: &World, at: usize) -> bool {
    let mut all = world.peers[at].collectives.iter();
    all.any(|it| matches!(it.standing, Standing::Linked { .. }))
}

fn ask(world: &mut World, at: usize, words: &str) {
    let ask = CollectiveCommand::Ask {
        collective: world.collective(at).id,
        words: words.into(),
    };
    assert_eq!(world.order(at, ask), Answer::Done);
}

/// Waits until so many ask, and gives who.
fn requests(world: &mut World, at: usize, count: u32) -> Vec<RequestView> {
    world.until(|world| world.collective(at).requests == count);
    world.detail(at).requests
}

fn answer(world: &mut World, at: usize, comrade: ComradeId, accept: bool) {
    let answer = CollectiveCommand::AnswerRequest {
        collective: world.collective(at).id,
        comrade,
        accept,
        reason: "I know them".into(),
    };
    assert_eq!(world.order(at, answer), Answer::Done);
}

fn is_member(world: &World, at: usize) -> bool {
    let mut all = world.peers[at].collectives.iter();
    all.any(|it| it.standing == Standing::Member)
}

#[test]
fn a_link_shows_what_it_is_for_before_anything_is_sent() {
    let mut world = strangers(940, &["Ana", "Bo"]);
    let link = link(&mut world, 0);
    assert!(link.expose().len() <= 200);
    let tenants = world.collective(0).id;
    assert_eq!(world.peers[0].invites[0].collective, Some(tenants));
    let Ok(Answer::Preview(preview)) = world.ask(1, Command::ReadInvite { link: link.clone() })
    else {
        panic!("no preview");
    };
    assert!(preview.for_collective);
    let ana = open(&mut world, 1, &link);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Looking);
    assert_eq!(world.comrade(1, ana).name, "Ana");
    let shown = world.collective(1);
    assert_eq!((shown.name.as_str(), shown.members), ("Tenants", 1));
    assert_eq!(shown.standing, Standing::Linked { by: ana });
    assert_eq!(world.detail(1).constitution, rules(1));
    // Nobody is told of it, nor of a new name, and nothing can be written.
    let name = "Bob".into();
    assert!(world.ask(1, Command::SetName { name }).is_ok());
    let (comrade, text) = (ana, "hello".into());
    let written = world.ask(1, Command::SendMessage { comrade, text });
    assert_eq!(written, Err(Refusal::NotConfirmed));
    world.restart(1);
    world.pass(DAY);
    assert!(world.peers[0].comrades.is_empty());
    let no = CollectiveCommand::AnswerOffer {
        collective: world.collective(1).id,
        accept: false,
    };
    world.order(1, no);
    world.pass(DAY);
    assert!(world.peers[1].comrades.is_empty());
    assert!(world.peers[1].collectives.is_empty());
    assert!(world.peers[0].comrades.is_empty());
    assert!(!world.peers[0].invites[0].answered);
}

#[test]
fn a_link_of_somebody_who_is_away_leads_to_a_candidacy_and_admits_nobody_by_itself() {
    let mut world = strangers(941, &["Ana", "Bo"]);
    let link = link(&mut world, 0);
    world.pass(MINUTE);
    world.stop(0);
    let ana = open(&mut world, 1, &link);
    ask(&mut world, 1, "I live upstairs");
    let asked = world.collective(1).standing;
    assert!(matches!(asked, Standing::Asked { by, .. } if by == ana));
    world.pass(2 * DAY);
    world.restart(1);
    assert_eq!(world.collective(1).standing, asked);
    world.restart(0);
    let requests = requests(&mut world, 0, 1);
    let bo = requests[0].comrade;
    assert_eq!(requests[0].words, "I live upstairs");
    let shown = world.comrade(0, bo);
    assert_eq!(
        (shown.name.as_str(), shown.state),
        ("Bo", ComradeState::Asking)
    );
    assert!(!shown.code.is_empty());
    // Until she says so nothing happens.
    world.pass(2 * DAY);
    world.restart(0);
    assert_eq!(world.detail(0).requests.len(), 1);
    assert!(world.detail(0).proposals.is_empty());
    assert_eq!(world.members(0), ["Ana"]);
    answer(&mut world, 0, bo, true);
    assert_eq!(world.comrade(0, bo).state, ComradeState::Met);
    assert_eq!(
        world.detail(0).proposals[0].vouches[0].reason,
        "I know them"
    );
    world.until(|world| is_member(world, 1) && world.collective(0).members == 2);
    world.pass(2 * HOUR);
    world.agree(&[0, 1], &["Ana", "Bo"]);
    world.post(1, "thank you");
    world.pass(HOUR);
    assert_eq!(world.said(0), ["thank you"]);
    assert_eq!(world.comrade(1, ana).state, ComradeState::Met);
    assert_eq!(world.collective(0).requests, 0);
}

#[test]
fn a_candidate_sees_how_far_it_is_also_after_a_restart() {
    let (mut world, _) = collective(942, 3);
    want_two_vouches(&mut world, &[0, 1, 2]);
    let at = world.add_peer();
    world.add_relay(at);
    world.settle_at(at, "Dara", at);
    let link = link(&mut world, 1);
    open(&mut world, at, &link);
    ask(&mut world, at, "");
    let request = requests(&mut world, 1, 1).remove(0);
    assert_eq!(world.collective(at).candidacy, None);
    answer(&mut world, 1, request.comrade, true);
    world.until(|world| world.collective(at).candidacy.is_some());
    let told = world.collective(at).candidacy.unwrap();
    assert_eq!((told.vouches, told.yes), (Some((1, 2)), None));
    assert!(matches!(
        world.collective(at).standing,
        Standing::Candidate { .. }
    ));
    world.restart(at);
    assert_eq!(world.collective(at).candidacy, Some(told));
    assert!(!is_member(&world, at));
    world.pass(HOUR);
    world.vouch(2);
    world.until(|world| is_member(world, at));
    assert_eq!(world.collective(at).candidacy, None);
    world.pass(DAY);
    world.agree(&[0, 1, 2, at], &["Ana", "Bo", "Cleo", "Dara"]);
}

#[test]
fn two_with_one_link_both_ask_and_each_is_decided_on_alone() {
    let mut world = strangers(943, &["Ana", "Bo", "Cleo"]);
    let link = link(&mut world, 0);
    for (at, words) in [(1, "Bo's words"), (2, "Cleo's words")] {
        open(&mut world, at, &link);
        ask(&mut world, at, words);
    }
    let requests = requests(&mut world, 0, 2);
    let states = world.peers[0].comrades.iter().map(|it| it.state);
    assert!(states.into_iter().all(|it| it == ComradeState::Asking));
    let of = |words: &str| {
        requests
            .iter()
            .find(|it| it.words == words)
            .unwrap()
            .comrade
    };
    answer(&mut world, 0, of("Cleo's words"), false);
    answer(&mut world, 0, of("Bo's words"), true);
    world.until(|world| is_member(world, 1));
    world.pass(2 * DAY);
    assert_eq!(world.members(0), ["Ana", "Bo"]);
    // Whoever is declined is not told.
    assert!(matches!(
        world.collective(2).standing,
        Standing::Asked { .. }
    ));
    assert_eq!(world.peers[0].comrades.len(), 1);
}

#[test]
fn links_that_were_revoked_or_have_expired_lead_nowhere() {
    let mut world = strangers(944, &["Ana", "Bo"]);
    let revoked = link(&mut world, 0);
    world.pass(MINUTE);
    let invite = world.peers[0].invites[0].id;
    assert!(world.ask(0, Command::RevokeInvite { invite }).is_ok());
    world.pass(MINUTE);
    world.accept(1, &revoked);
    world.pass(DAY);
    assert!(world.peers[1].collectives.is_empty());
    // What was looked at in time and asked too late.
    let late = link(&mut world, 0);
    world.pass(MINUTE);
    open(&mut world, 1, &late);
    let expires_at = world.peers[0].invites[0].expires_at;
    let time = expires_at - world.now;
    world.pass(time);
    let ask = CollectiveCommand::Ask {
        collective: world.collective(1).id,
        words: String::new(),
    };
    let asked = world.ask(1, Command::Collective(ask));
    assert_eq!(asked, Err(Refusal::InviteExpired));
    let link = late;
    let again = world.ask(1, Command::AcceptInvite { link });
    assert_eq!(again, Err(Refusal::InviteExpired));
    world.pass(DAY);
    assert!(world.peers[0].comrades.is_empty());
}

#[test]
fn a_link_ends_when_its_maker_leaves_and_whoever_asked_is_told() {
    let (mut world, _) = collective(945, 2);
    for name in ["Cleo", "Dara"] {
        let at = world.add_peer();
        world.add_relay(at);
        world.settle_at(at, name, at);
    }
    let link = link(&mut world, 1);
    world.pass(MINUTE);
    open(&mut world, 2, &link);
    ask(&mut world, 2, "let me in");
    let cleo = requests(&mut world, 1, 1)[0].comrade;
    world.confirm(1, cleo);
    let collective = world.collective(1).id;
    world.order(1, CollectiveCommand::Leave(collective));
    assert!(world.peers[1].invites.is_empty());
    let propose = CollectiveCommand::AnswerRequest {
        collective,
        comrade: cleo,
        accept: true,
        reason: String::new(),
    };
    let proposed = world.ask(1, Command::Collective(propose));
    assert_eq!(proposed, Err(Refusal::NotEntitled));
    world.until(|world| matches!(world.collective(2).standing, Standing::NotAdmitted(_)));
    assert!(world.detail(1).requests.is_empty());
    // Nobody finds anything by it any more, and whoever left makes no other.
    world.accept(3, &link);
    world.pass(DAY);
    assert!(world.peers[3].collectives.is_empty());
    let link = CollectiveCommand::Link {
        collective,
        with_relay: false,
        days: 7,
    };
    let made = world.ask(1, Command::Collective(link));
    assert_eq!(made, Err(Refusal::NotEntitled));
}

#[test]
fn whoever_asked_may_take_it_back_at_any_time() {
    // Before the member looked, and after.
    for proposes in [false, true] {
        let (mut world, _) = collective(946, 2);
        want_two_vouches(&mut world, &[0, 1]);
        let link = link(&mut world, 0);
        let at = world.add_peer();
        world.add_relay(at);
        world.settle_at(at, "Cleo", at);
        open(&mut world, at, &link);
        ask(&mut world, at, "let me in");
        let cleo = requests(&mut world, 0, 1)[0].comrade;
        if proposes {
            answer(&mut world, 0, cleo, true);
            world.until(|world| world.collective(at).candidacy.is_some());
        }
        let collective = world.collective(at).id;
        world.order(at, CollectiveCommand::Withdraw(collective));
        assert!(world.peers[at].collectives.is_empty());
        world.pass(DAY);
        assert!(world.detail(0).requests.is_empty(), "{proposes}");
        let again = world.ask(
            at,
            Command::Collective(CollectiveCommand::Withdraw(collective)),
        );
        assert!(again.is_err());
        world.restart(at);
        assert!(world.peers[at].collectives.is_empty());
    }
}

#[test]
fn whoever_asks_by_a_link_and_is_not_answered_makes_room_after_a_month() {
    let mut world = strangers(949, &["Ana", "Bo"]);
    let link = link(&mut world, 0);
    world.pass(MINUTE);
    open(&mut world, 1, &link);
    ask(&mut world, 1, "let me in");
    requests(&mut world, 0, 1);
    world.pass(29 * DAY);
    assert_eq!(world.detail(0).requests.len(), 1);
    assert_eq!(world.peers[0].comrades.len(), 1);
    world.pass(2 * DAY);
    assert!(world.detail(0).requests.is_empty());
    assert!(world.peers[0].comrades.is_empty(), "they were not met");
    let standing = world.collective(1).standing;
    let asked = matches!(standing, Standing::Asked { .. });
    assert!(asked, "they are told nothing: {standing:?}");
    world.restart(0);
    assert!(world.detail(0).requests.is_empty() && world.peers[0].comrades.is_empty());
}

#[test]
fn whoever_answered_a_link_and_asks_nothing_makes_room_after_a_month() {
    let mut world = strangers(951, &["Ana", "Bo", "Cleo"]);
    let link = link(&mut world, 0);
    world.pass(MINUTE);
    open(&mut world, 1, &link);
    ask(&mut world, 1, "let me in");
    requests(&mut world, 0, 1);
    // Whoever gives up the collective has not answered Bo by that.
    let collective = world.collective(0).id;
    world.order(0, CollectiveCommand::Leave(collective));
    world.order(0, CollectiveCommand::Forget(collective));
    world.pass(29 * DAY);
    assert_eq!(world.peers[0].comrades.len(), 1);
    world.restart(0);
    world.pass(2 * DAY);
    assert!(world.peers[0].comrades.is_empty());
    // Who answers an invite of one's own is waited for.
    let invite = world.make_invite(0);
    world.accept(2, &invite);
    world.until(|world| world.peers[0].comrades.len() == 1);
    world.pass(40 * DAY);
    assert_eq!(world.only(0).state, ComradeState::Asking);
}

#[test]
fn whoever_answered_a_link_and_then_an_invite_of_their_own_is_waited_for() {
    for forgets in [true, false] {
        let mut world = strangers(952, &["Ana", "Bo"]);
        let link = link(&mut world, 0);
        world.pass(MINUTE);
        open(&mut world, 1, &link);
        ask(&mut world, 1, "let me in");
        requests(&mut world, 0, 1);
        if forgets {
            let collective = world.collective(0).id;
            world.order(0, CollectiveCommand::Leave(collective));
            world.order(0, CollectiveCommand::Forget(collective));
        }
        world.pass(20 * DAY);
        let invite = world.make_invite(0);
        world.stop(0);
        world.accept(1, &invite);
        world.until(|world| world.peers[1].comrades.len() == 1);
        let ana = world.only(1).id;
        world.send(1, ana, "it is me");
        world.pass(MINUTE);
        // The relay loses it once: it is said again, as if it were said for the first time.
        world.wipe_relay(0);
        world.restart(0);
        world.pass(20 * DAY);
        let bo = world.only(0).id;
        assert_eq!(world.only(0).state, ComradeState::Asking);
        world.confirm(0, bo);
        // What else he said was lost with it, and is asked for.
        world.pass(2 * HOUR);
        world.send(0, bo, "welcome");
        world.pass(HOUR);
        assert_eq!(world.only(1).state, ComradeState::Met);
        assert_eq!(world.texts(0, bo), ["it is me", "welcome"]);
        assert_eq!(world.texts(1, ana), ["it is me", "welcome"]);
        let mine = world.page(1, ana);
        assert!(matches!(mine[0].tick, Tick::Delivered(_)));
    }
}

#[test]
fn whoever_looked_at_a_link_and_then_answers_an_invite_asks_by_that() {
    let mut world = strangers(953, &["Ana", "Bo"]);
    let link = link(&mut world, 0);
    world.pass(MINUTE);
    open(&mut world, 1, &link);
    let invite = world.make_invite(0);
    world.accept(1, &invite);
    world.until(|world| world.peers[0].comrades.len() == 1);
    let bo = world.only(0).id;
    world.confirm(0, bo);
    world.pass(HOUR);
    assert_eq!(world.only(1).state, ComradeState::Met);
    // Whoever lets the link be is a comrade all the same.
    let collective = world.collective(1).id;
    world.order(1, CollectiveCommand::Forget(collective));
    world.pass(40 * DAY);
    assert_eq!(world.only(1).state, ComradeState::Met);
}

#[test]
fn a_comrades_link_needs_no_second_meeting() {
    let (mut world, met) = people(947, 2);
    world.found(0, rules(1));
    let link = link(&mut world, 0);
    open(&mut world, 1, &link);
    assert_eq!(world.peers[1].comrades.len(), 1);
    ask(&mut world, 1, "it is me");
    assert_eq!(requests(&mut world, 0, 1)[0].comrade, met[0]);
    answer(&mut world, 0, met[0], true);
    world.until(|world| is_member(world, 1));
    assert_eq!(world.peers[0].comrades.len(), 1);
}

// --- the power goes --------------------------------------------------------------------------------

fn alive(world: &mut World, at: usize) {
    while !world.is_running(at) || world.peers[at].vault != Some(VaultState::Open) {
        if !world.is_running(at) {
            world.start(at);
        }
        let passphrase = Secret::new(PASSPHRASE);
        world.try_ask(at, Command::Unlock { passphrase });
    }
}

/// Tries it until it is so.
fn make_it_so(
    world: &mut World,
    at: usize,
    is_so: impl Fn(&World) -> bool,
    mut command: impl FnMut(&World) -> Option<Command>,
) {
    for _ in 0..20_000 {
        (0..2).for_each(|at| alive(world, at));
        if is_so(world) {
            return;
        }
        if let Some(command) = command(world) {
            world.try_ask(at, command);
        }
        (0..2).for_each(|at| alive(world, at));
        world.step_within(7 * DAY);
    }
    panic!("it did not come about");
}

/// From the link to the first post. Gives how many commits each made.
fn play(cut: Option<(usize, u64, Cut)>) -> [u64; 2] {
    audit::take();
    let mut world = strangers(948, &["Ana", "Bo"]);
    let link = link(&mut world, 0);
    world.pass(MINUTE);
    let before = [0, 1].map(|at| world.peers[at].store.commits());
    if let Some((at, commits, side)) = cut {
        plan_cut(&world, at, commits, side);
    }
    let of = |world: &World, at: usize| world.peers[at].collectives.first().map(|it| it.id);
    let opened = link.clone();
    make_it_so(
        &mut world,
        1,
        |world| of(world, 1).is_some(),
        |world| {
            let link = opened.clone();
            let is_new = world.peers[1].comrades.is_empty();
            is_new.then_some(Command::AcceptInvite { link })
        },
    );
    make_it_so(
        &mut world,
        1,
        |world| !is_linked(world, 1),
        |world| {
            let collective = of(world, 1)?;
            let words = "let me in".into();
            Some(Command::Collective(CollectiveCommand::Ask {
                collective,
                words,
            }))
        },
    );
    let asks = |world: &World| world.collective(0).requests == 1;
    make_it_so(&mut world, 0, asks, |_| None);
    make_it_so(
        &mut world,
        0,
        |world| world.collective(0).requests == 0,
        |world| {
            Some(Command::Collective(CollectiveCommand::AnswerRequest {
                collective: of(world, 0)?,
                comrade: world.peers[0].comrades[0].id,
                accept: true,
                reason: String::new(),
            }))
        },
    );
    make_it_so(
        &mut world,
        1,
        |world| is_member(world, 1) && world.collective(0).members == 2,
        |_| None,
    );
    for at in 0..2 {
        assert_eq!(world.peers[at].comrades.len(), 1, "{cut:?}");
        assert_eq!(world.peers[at].comrades[0].state, ComradeState::Met);
    }
    let seals = audit::take();
    let distinct: BTreeSet<_> = seals.iter().collect();
    assert_eq!(
        distinct.len(),
        seals.len(),
        "a key and nonce twice: {cut:?}"
    );
    [0, 1].map(|at| world.peers[at].store.commits() - before[at])
}

#[test]
fn a_link_survives_the_power_going_at_any_commit() {
    let counts = play(None);
    for (at, count) in counts.into_iter().enumerate() {
        assert!(count > 3, "{count}");
        for commits in 0..count {
            for side in [Cut::Before, Cut::After] {
                play(Some((at, commits, side)));
            }
        }
    }
}
