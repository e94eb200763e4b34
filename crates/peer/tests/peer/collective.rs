//! Collectives: founded by one, grown by vouching, governed by vote, on several relays, while some are away.

use komrade_store::Table;
use komrade_view::*;

use crate::world::{DAY, HOUR, MINUTE, World};

/// What tests ask of a world about its one collective.
pub trait Collectives {
    /// Everybody of these has the same members.
    fn agree(&mut self, peers: &[usize], members: &[&str]);
    fn propose(&mut self, at: usize, matter: Matter) -> ProposalId;
    fn person(&mut self, at: usize, name: &str) -> PersonKey;
    /// The only collective of a peer.
    fn collective(&self, at: usize) -> &CollectiveView;
    fn detail(&mut self, at: usize) -> CollectiveDetail;
    fn posts(&mut self, at: usize) -> Vec<PostView>;
    fn said(&mut self, at: usize) -> Vec<String>;
    fn found(&mut self, at: usize, rules: ConstitutionView) -> CollectiveId;
    fn post(&mut self, at: usize, text: &str) -> PostView;
    fn order(&mut self, at: usize, command: CollectiveCommand) -> Answer;
    /// Offers, and the comrade says yes.
    fn candidate(&mut self, at: usize, comrade: ComradeId, to: usize);
    fn vouch(&mut self, at: usize);
    fn vote(&mut self, at: usize, choice: Choice);
    fn open_proposal(&mut self, at: usize) -> ProposalView;
    fn members(&mut self, at: usize) -> Vec<String>;
}

/// Rules with so many vouches, everything else by more than half.
pub fn rules(vouches: u16) -> ConstitutionView {
    ConstitutionView::by_vouches(vouches)
}

impl Collectives for World {
    fn agree(&mut self, peers: &[usize], members: &[&str]) {
        for at in peers {
            assert_eq!(self.members(*at), members, "{at}");
        }
        let first = self.detail(peers[0]).constitution;
        for at in peers {
            assert_eq!(self.detail(*at).constitution, first, "{at}");
        }
    }

    fn propose(&mut self, at: usize, matter: Matter) -> ProposalId {
        let propose = CollectiveCommand::Propose {
            collective: self.collective(at).id,
            matter,
            reason: "for a reason".into(),
        };
        match self.order(at, propose) {
            Answer::Proposed(id) => id,
            other => panic!("not proposed: {other:?}"),
        }
    }

    fn person(&mut self, at: usize, name: &str) -> PersonKey {
        let detail = self.detail(at);
        let mut all = detail.members.iter().chain(&detail.former);
        all.find(|it| it.name == name).expect("a member").person
    }

    fn collective(&self, at: usize) -> &CollectiveView {
        let [collective] = self.peers[at].collectives.as_slice() else {
            panic!("{} collectives", self.peers[at].collectives.len());
        };
        collective
    }

    fn detail(&mut self, at: usize) -> CollectiveDetail {
        let id = self.collective(at).id;
        match self.order(at, CollectiveCommand::Read(id)) {
            Answer::CollectiveDetail(detail) => *detail,
            other => panic!("no detail: {other:?}"),
        }
    }

    fn posts(&mut self, at: usize) -> Vec<PostView> {
        let collective = self.collective(at).id;
        let posts = CollectiveCommand::Posts {
            collective,
            before: None,
            limit: 100,
        };
        match self.order(at, posts) {
            Answer::Posts(page) => page.posts,
            other => panic!("no posts: {other:?}"),
        }
    }

    fn said(&mut self, at: usize) -> Vec<String> {
        self.posts(at).into_iter().map(|post| post.text).collect()
    }

    fn found(&mut self, at: usize, rules: ConstitutionView) -> CollectiveId {
        let found = CollectiveCommand::Found {
            name: "Tenants".into(),
            constitution: Box::new(rules),
        };
        match self.order(at, found) {
            Answer::Collective(id) => id,
            other => panic!("not founded: {other:?}"),
        }
    }

    fn post(&mut self, at: usize, text: &str) -> PostView {
        let post = CollectiveCommand::Post {
            collective: self.collective(at).id,
            text: text.into(),
            reply_to: None,
            mentions: Vec::new(),
        };
        match self.order(at, post) {
            Answer::Posted(post) => post,
            other => panic!("not posted: {other:?}"),
        }
    }

    fn order(&mut self, at: usize, command: CollectiveCommand) -> Answer {
        self.ask(at, Command::Collective(command)).expect("done")
    }

    fn candidate(&mut self, at: usize, comrade: ComradeId, to: usize) {
        let collective = self.collective(at).id;
        self.order(
            at,
            CollectiveCommand::Offer {
                collective,
                comrade,
            },
        );
        self.until(|world| {
            let mut all = world.peers[to].collectives.iter();
            all.any(|it| matches!(it.standing, Standing::Invited { .. }))
        });
        let collective = self.collective(to).id;
        self.order(
            to,
            CollectiveCommand::AnswerOffer {
                collective,
                accept: true,
            },
        );
    }

    fn open_proposal(&mut self, at: usize) -> ProposalView {
        let mut open = self.detail(at).proposals.into_iter();
        open.find(|it| it.outcome.is_none())
            .expect("an open proposal")
    }

    fn vouch(&mut self, at: usize) {
        let vouch = CollectiveCommand::Vouch {
            collective: self.collective(at).id,
            proposal: self.open_proposal(at).id,
            reason: "I know them".into(),
        };
        self.order(at, vouch);
    }

    fn vote(&mut self, at: usize, choice: Choice) {
        let vote = CollectiveCommand::Vote {
            collective: self.collective(at).id,
            proposal: self.open_proposal(at).id,
            choice,
        };
        self.order(at, vote);
    }

    fn members(&mut self, at: usize) -> Vec<String> {
        let members = self.detail(at).members.into_iter();
        members.map(|member| member.name).collect()
    }
}

pub const NAMES: [&str; 6] = ["Ana", "Bo", "Cleo", "Dara", "Emil", "Fay"];

/// So many people at as many relays, who all have met Ana.
pub fn people(seed: u64, count: usize) -> (World, Vec<ComradeId>) {
    let relays: Vec<usize> = (0..count).collect();
    people_at(seed, &relays)
}

/// People at these relays, who all have met Ana.
pub fn people_at(seed: u64, relays: &[usize]) -> (World, Vec<ComradeId>) {
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

/// Ana founds a collective and the others come in one after the other.
pub fn collective(seed: u64, count: usize) -> (World, Vec<ComradeId>) {
    let relays: Vec<usize> = (0..count).collect();
    collective_at(seed, &relays)
}

/// The same with people at these relays.
pub fn collective_at(seed: u64, relays: &[usize]) -> (World, Vec<ComradeId>) {
    let (mut world, met) = people_at(seed, relays);
    gather(&mut world, &met, rules(1));
    (world, met)
}

/// Ana founds a collective by these rules, and those whom she met come in one after the other.
pub fn gather(world: &mut World, met: &[ComradeId], rules: ConstitutionView) {
    world.found(0, rules);
    for (at, comrade) in (1..).zip(met) {
        world.candidate(0, *comrade, at);
        world.until(|world| {
            (0..=at).all(|one| {
                let mut all = world.peers[one].collectives.iter();
                all.any(|it| it.standing == Standing::Member && it.members as usize == at + 1)
            })
        });
        world.pass(2 * HOUR);
    }
}

#[test]
fn somebody_founds_a_collective_alone_and_writes_to_themself() {
    let mut world = World::new(900, 1);
    world.add_relay(0);
    world.settle_at(0, "Ana", 0);
    let id = world.found(0, rules(1));
    assert_eq!(world.collective(0).id, id);
    assert_eq!(world.collective(0).standing, Standing::Member);
    world.post(0, "alone");
    assert_eq!(world.said(0), ["alone"]);
    world.restart(0);
    assert_eq!(world.said(0), ["alone"]);
    assert_eq!(world.members(0), ["Ana"]);
    assert_eq!(world.detail(0).constitution, rules(1));
    assert_eq!(world.collective(0).name, "Tenants");
    world.post(0, "still here");
    assert_eq!(world.said(0), ["alone", "still here"]);
}

#[test]
fn three_people_at_three_relays_write_to_each_other() {
    let (mut world, _) = collective(901, 3);
    for at in 0..3 {
        assert_eq!(world.members(at), ["Ana", "Bo", "Cleo"], "{at}");
    }
    for at in 0..3 {
        assert_eq!(world.post(at, &format!("from {at}")).tick, PostTick::Kept);
        world.pass(MINUTE);
        let last = world.posts(at).pop().unwrap();
        assert_eq!(last.tick, PostTick::Accepted { homes: 2, of: 2 }, "{at}");
    }
    for at in 0..3 {
        assert_eq!(world.said(at), ["from 0", "from 1", "from 2"], "{at}");
    }
    world.pass(DAY);
    for at in 0..3 {
        let posts = world.posts(at);
        let mine = posts.iter().find(|post| post.mine).unwrap();
        assert_eq!(mine.tick, PostTick::Seen(2), "{at}");
    }
    for at in 0..3 {
        assert_eq!(world.collective(at).gap, None);
        assert_eq!(world.collective(at).alarm, None);
    }
}

/// The first of these proposes something, and all of them who may are for it.
pub fn carry(world: &mut World, voters: &[usize], matter: Matter) {
    world.propose(voters[0], matter);
    world.pass(MINUTE);
    for at in voters {
        if world.detail(*at).proposals.iter().any(|it| it.may_vote) {
            world.vote(*at, Choice::Yes);
        }
        world.pass(MINUTE);
    }
    world.pass(2 * HOUR);
}

/// Changes the rules; all of these vote for it.
pub fn amend(world: &mut World, voters: &[usize], rules: &ConstitutionView) {
    carry(world, voters, Matter::Amend(Box::new(rules.clone())));
    for at in voters {
        assert_eq!(world.detail(*at).constitution, *rules);
    }
}

/// Changes the rules so that admission takes two vouches; all of these vote for it.
pub fn want_two_vouches(world: &mut World, voters: &[usize]) {
    amend(world, voters, &rules(2));
}

#[test]
fn members_who_are_no_comrades_meet_again_at_a_relay_that_comes_back_with_other_keys() {
    let (mut world, _) = collective_at(990, &[0, 1, 1]);
    world.pass(DAY);
    // Ana could tell both of where the other is.
    world.stop(0);
    world.stop(2);
    world.post(1, "before");
    world.rebuild_relay(1);
    world.post(1, "after");
    world.pass(HOUR);
    world.restart(1);
    world.restart(2);
    world.pass(2 * HOUR);
    world.post(2, "here");
    world.pass(2 * HOUR);
    for at in [1, 2] {
        assert_eq!(world.said(at), ["before", "after", "here"], "{at}");
    }
}

#[test]
fn a_fourth_comes_in_by_two_vouches_while_one_member_is_away() {
    let (mut world, met) = people(902, 4);
    world.found(0, rules(1));
    for at in 1..3 {
        world.candidate(0, met[at - 1], at);
        world.until(|world| world.peers[at].collectives[0].members as usize == at + 1);
        world.pass(2 * HOUR);
    }
    want_two_vouches(&mut world, &[0, 1, 2]);
    world.stop(2);
    world.post(0, "before Dara came");
    world.pass(HOUR);
    // Cleo has to ask for it when she is back: the others answer while Dara listens.
    world.wipe_relay(2);
    world.candidate(0, met[2], 3);
    world.pass(DAY);
    // Ana's own vouch is not enough.
    assert!(matches!(
        world.collective(3).standing,
        Standing::Candidate { .. }
    ));
    let proposal = world.open_proposal(1);
    assert_eq!(proposal.needs.vouches, Some((1, 2)));
    assert!(proposal.may_vouch && !proposal.may_vote);
    assert!(matches!(&proposal.matter, Matter::Admit { name, .. } if name == "Dara"));
    assert_eq!(world.collective(1).asked, 1);
    world.vouch(1);
    world.until(|world| world.collective(3).standing == Standing::Member);
    world.pass(3 * HOUR);
    world.agree(&[0, 1, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    world.post(0, "welcome");
    world.post(3, "thank you");
    world.pass(HOUR);
    world.stop(0);
    world.restart(2);
    world.pass(3 * HOUR);
    world.agree(&[1, 2, 3], &["Ana", "Bo", "Cleo", "Dara"]);
    world.post(2, "I was away");
    world.pass(HOUR);
    world.restart(0);
    world.pass(HOUR);
    for at in 0..3 {
        let said = world.said(at);
        assert_eq!(said.len(), 4, "{at}: {said:?}");
        assert!(said.contains(&"I was away".to_owned()) && said.contains(&"thank you".to_owned()));
    }
    // Whoever came in reads nothing of what was said before, not even by asking.
    world.pass(3 * DAY);
    assert_eq!(world.said(3), ["welcome", "thank you", "I was away"]);
    let dara = world.person(0, "Dara");
    let detail = world.detail(2);
    let member = detail.members.iter().find(|it| it.person == dara).unwrap();
    assert_eq!(member.vouched_by.len(), 2);
    for at in 0..4 {
        assert_eq!(world.collective(at).gap, None, "{at}");
        assert_eq!(world.collective(at).alarm, None, "{at}");
    }
}

#[test]
fn whoever_was_removed_reads_nothing_that_follows() {
    // Dara is at Cleo's relay, and gets everything that is put there.
    let (mut world, _) = collective_at(903, &[0, 1, 2, 2]);
    world.post(3, "still in");
    world.pass(HOUR);
    let dara = world.person(0, "Dara");
    world.propose(0, Matter::Remove(dara));
    world.pass(MINUTE);
    assert!(!world.open_proposal(3).may_vote);
    for at in 0..2 {
        world.vote(at, Choice::Yes);
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
    assert!(matches!(world.collective(3).standing, Standing::Removed(_)));
    for at in 0..3 {
        world.post(at, &format!("without Dara {at}"));
        world.pass(MINUTE);
    }
    world.propose(1, Matter::Dissolve);
    world.pass(3 * DAY);
    for at in 0..3 {
        assert_eq!(world.said(at).len(), 4, "{at}");
    }
    assert_eq!(world.said(3), ["still in"]);
    assert_eq!(
        world.detail(0).proposals.len(),
        world.detail(3).proposals.len() + 1
    );
    let refused = CollectiveCommand::Post {
        collective: world.collective(3).id,
        text: "let me in".into(),
        reply_to: None,
        mentions: Vec::new(),
    };
    let refused = world.ask(3, Command::Collective(refused));
    assert_eq!(refused, Err(Refusal::NotEntitled));
    // And nothing that leaves the others is recognised: it is as any stranger's mail.
    let forget = CollectiveCommand::Forget(world.collective(3).id);
    world.order(3, forget);
    world.pass(HOUR);
    assert!(world.peers[3].collectives.is_empty());
    world.restart(3);
    assert!(world.peers[3].collectives.is_empty());
}

#[test]
fn a_collective_with_much_unsent_is_forgotten_to_the_last_record() {
    let (mut world, _) = collective(912, 2);
    world.disconnect(1);
    // Each waits in two records, so that they do not go in one step.
    for n in 0..200 {
        world.post(1, &format!("post {n}"));
    }
    let id = world.collective(1).id;
    let kept = |world: &World| {
        let records = world.peers[1].store.records().into_iter();
        let tables = [Table::Spaces, Table::Operations, Table::Posts];
        records.filter(|(table, _)| tables.contains(table)).count()
    };
    assert!(kept(&world) > 800);
    world.order(1, CollectiveCommand::Leave(id));
    world.order(1, CollectiveCommand::Forget(id));
    assert!(world.peers[1].collectives.is_empty());
    world.pass(MINUTE);
    assert_eq!(kept(&world), 0);
    world.restart(1);
    assert!(world.peers[1].collectives.is_empty());
}

#[test]
fn two_halves_that_act_apart_agree_when_they_meet_again() {
    let (mut world, met) = people(904, 6);
    world.found(0, rules(1));
    for at in 1..4 {
        world.candidate(0, met[at - 1], at);
        world.until(|world| world.peers[at].collectives[0].members as usize == at + 1);
        world.pass(2 * HOUR);
    }
    let emil_at_bo = world.meet(1, 4).0;
    world.pass(HOUR);
    // Ana and Cleo are away; Bo and Dara take Emil in. Then the other way round with a post.
    world.stop(0);
    world.stop(2);
    world.candidate(1, emil_at_bo, 4);
    world.until(|world| world.collective(4).standing == Standing::Member);
    world.pass(2 * HOUR);
    world.post(1, "Emil is in");
    world.post(4, "hello");
    world.pass(HOUR);
    world.stop(1);
    world.stop(3);
    world.stop(4);
    world.peers[0].online = false;
    world.peers[2].online = false;
    world.restart(0);
    world.restart(2);
    world.post(0, "where is everybody?");
    world.post(2, "no idea");
    world.pass(HOUR);
    world.peers[0].online = true;
    world.peers[2].online = true;
    for at in [0, 2] {
        world.restart(at);
    }
    for at in [1, 3, 4] {
        world.restart(at);
    }
    world.pass(2 * DAY);
    world.agree(&[0, 1, 2, 3, 4], &["Ana", "Bo", "Cleo", "Dara", "Emil"]);
    for at in 0..4 {
        let mut said = world.said(at);
        said.sort();
        assert_eq!(
            said,
            ["Emil is in", "hello", "no idea", "where is everybody?"],
            "{at}"
        );
        assert_eq!(world.collective(at).gap, None, "{at}");
    }
    for at in 0..5 {
        world.post(at, "together");
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    for at in 0..5 {
        let said = world.said(at);
        assert_eq!(
            said.iter().filter(|it| *it == "together").count(),
            5,
            "{at}"
        );
    }
}

#[test]
fn a_decision_has_one_result_everywhere() {
    let (mut world, _) = collective(905, 3);
    let question = "Strike on Friday?".to_owned();
    let options = vec!["Yes".to_owned(), "Next week".to_owned()];
    world.propose(1, Matter::Decide { question, options });
    world.pass(HOUR);
    for at in 0..3 {
        assert_eq!(world.collective(at).asked, 1);
    }
    world.vote(0, Choice::Option(1));
    world.vote(2, Choice::Option(1));
    let again = CollectiveCommand::Vote {
        collective: world.collective(2).id,
        proposal: world.detail(2).proposals[0].id,
        choice: Choice::Option(0),
    };
    assert_eq!(world.ask(2, Command::Collective(again)), Err(Refusal::Over));
    world.pass(HOUR);
    for at in 0..3 {
        let detail = world.detail(at);
        let [proposal] = &detail.proposals[..1] else {
            panic!("a proposal");
        };
        assert!(
            matches!(proposal.outcome, Some((Outcome::Won(1), _))),
            "{at}"
        );
        assert_eq!(proposal.ballots.len(), 2);
        assert_eq!(proposal.needs.quorum, Some((2, 2)));
    }
}

#[test]
fn a_relay_that_loses_everything_on_the_way_costs_nothing() {
    let (mut world, _) = collective(906, 3);
    world.stop(1);
    world.stop(2);
    for n in 0..5 {
        world.post(0, &format!("post {n}"));
    }
    world.pass(MINUTE);
    // What was handed to Ana's own relay and to the others' homes is gone.
    for at in 0..3 {
        world.wipe_relay(at);
    }
    world.pass(HOUR);
    world.restart(1);
    world.restart(2);
    world.pass(2 * DAY);
    for at in 0..3 {
        assert_eq!(world.said(at).len(), 5, "{at}");
    }
}

#[test]
fn weeks_without_a_word_and_keys_that_age() {
    let (mut world, _) = collective(907, 3);
    world.post(0, "in summer");
    world.pass(DAY);
    world.stop(2);
    world.pass(20 * DAY);
    world.post(0, "three weeks later");
    world.pass(HOUR);
    assert_eq!(world.said(1), ["in summer", "three weeks later"]);
    world.restart(2);
    world.pass(DAY);
    assert_eq!(world.said(2), ["in summer", "three weeks later"]);
    world.post(2, "back again");
    world.pass(DAY);
    assert_eq!(world.said(0).len(), 3);
    for at in 0..3 {
        assert_eq!(world.collective(at).alarm, None);
        assert_eq!(world.collective(at).gap, None);
    }
}

#[test]
fn a_profile_that_runs_twice_uses_no_key_twice_and_is_shown() {
    let (mut world, _) = collective(908, 3);
    komrade_crypto::audit::take();
    world.post(0, "one");
    world.pass(HOUR);
    let old = world.peers[0].store.records();
    world.post(0, "two");
    world.pass(HOUR);
    world.set_back(0, old);
    world.pass(HOUR);
    world.post(0, "three");
    world.pass(DAY);
    let seals = komrade_crypto::audit::take();
    let distinct: std::collections::BTreeSet<_> = seals.iter().collect();
    assert_eq!(
        distinct.len(),
        seals.len(),
        "a key was used twice with one nonce"
    );
    // Both are read by everybody.
    for at in 1..3 {
        let said = world.said(at);
        assert!(
            said.contains(&"two".to_owned()) && said.contains(&"three".to_owned()),
            "{said:?}"
        );
    }
}

#[test]
fn who_leaves_is_gone_and_the_rest_go_on() {
    let (mut world, _) = collective(909, 3);
    let leave = CollectiveCommand::Leave(world.collective(1).id);
    world.order(1, leave);
    world.pass(HOUR);
    assert!(matches!(world.collective(1).standing, Standing::Left(_)));
    world.agree(&[0, 2], &["Ana", "Cleo"]);
    world.post(0, "among ourselves");
    world.post(2, "yes");
    world.pass(DAY);
    assert_eq!(world.said(0).len(), 2);
    assert_eq!(world.said(2).len(), 2);
    assert!(world.said(1).is_empty());
}

#[test]
fn a_member_who_changes_to_another_relay_is_found_there() {
    let (mut world, _) = collective(910, 3);
    world.add_relay(3);
    world.stop(1);
    world.post(0, "to the old home");
    world.pass(MINUTE);
    world.burn_relay(1);
    world.peers[1].online = false;
    world.restart(1);
    world.peers[1].online = true;
    world.join(1, 3);
    world.pass(DAY);
    world.post(0, "to the new one");
    world.post(2, "and from Cleo");
    world.pass(DAY);
    assert_eq!(
        world.said(1),
        ["to the old home", "to the new one", "and from Cleo"]
    );
    world.post(1, "here I am");
    world.pass(HOUR);
    for at in 0..3 {
        assert_eq!(world.said(at).len(), 4, "{at}");
        assert_eq!(world.collective(at).gap, None, "{at}");
    }
}

#[test]
fn who_rests_reads_and_returns_by_themself() {
    let (mut world, _) = collective(911, 3);
    let cleo = world.person(0, "Cleo");
    world.propose(0, Matter::Rest(cleo));
    world.pass(MINUTE);
    world.vote(0, Choice::Yes);
    world.pass(MINUTE);
    world.vote(1, Choice::Yes);
    world.pass(2 * HOUR);
    assert_eq!(world.collective(2).standing, Standing::Resting);
    assert!(!world.detail(2).may_propose);
    world.post(0, "quiet here");
    world.pass(MINUTE);
    assert_eq!(world.said(2), ["quiet here"]);
    let back = CollectiveCommand::Return(world.collective(2).id);
    world.order(2, back);
    world.pass(HOUR);
    for at in 0..3 {
        assert!(
            world
                .detail(at)
                .members
                .iter()
                .all(|member| !member.resting),
            "{at}"
        );
    }
    assert_eq!(world.collective(2).standing, Standing::Member);
}

#[test]
fn a_collective_that_is_dissolved_has_ended_for_all() {
    let (mut world, _) = collective(912, 2);
    world.propose(0, Matter::Dissolve);
    world.pass(MINUTE);
    world.vote(0, Choice::Yes);
    world.pass(MINUTE);
    world.vote(1, Choice::Yes);
    world.pass(HOUR);
    for at in 0..2 {
        assert!(
            matches!(world.collective(at).standing, Standing::Dissolved(_)),
            "{at}"
        );
    }
}

#[test]
fn an_offer_that_is_declined_leaves_nothing_behind() {
    let (mut world, met) = people(913, 2);
    let collective = world.found(0, rules(1));
    let comrade = met[0];
    let offer = CollectiveCommand::Offer {
        collective,
        comrade,
    };
    world.order(0, offer);
    world.pass(MINUTE);
    let invited = world.collective(1).clone();
    assert!(matches!(invited.standing, Standing::Invited { .. }));
    assert_eq!((invited.name.as_str(), invited.members), ("Tenants", 1));
    assert_eq!(world.detail(1).constitution, rules(1));
    let no = CollectiveCommand::AnswerOffer {
        collective: invited.id,
        accept: false,
    };
    world.order(1, no);
    world.pass(DAY);
    assert!(world.peers[1].collectives.is_empty());
    assert!(world.detail(0).proposals.is_empty());
    world.restart(1);
    assert!(world.peers[1].collectives.is_empty());
    let left = world.peers[1].store.records();
    let tables = [
        komrade_store::Table::Spaces,
        komrade_store::Table::Operations,
    ];
    assert!(!left.iter().any(|(table, _)| tables.contains(table)));
}

#[test]
fn whoever_withdraws_a_candidacy_does_not_come_in_and_may_later() {
    let (mut world, met) = people(917, 3);
    world.found(0, rules(1));
    world.candidate(0, met[0], 1);
    world.until(|world| world.collective(0).members == 2);
    world.pass(2 * HOUR);
    want_two_vouches(&mut world, &[0, 1]);
    world.candidate(0, met[1], 2);
    world.pass(DAY);
    let id = world.collective(2).id;
    world.order(2, CollectiveCommand::Withdraw(id));
    let again = Command::Collective(CollectiveCommand::Withdraw(id));
    assert_eq!(world.ask(2, again), Err(Refusal::Unknown));
    world.pass(HOUR);
    assert!(world.peers[2].collectives.is_empty());
    world.vouch(1);
    world.pass(4 * DAY);
    world.agree(&[0, 1], &["Ana", "Bo"]);
    assert!(world.peers[2].collectives.is_empty());
    world.candidate(0, met[1], 2);
    world.until(|world| world.collective(2).standing == Standing::Member);
    world.pass(2 * HOUR);
    world.agree(&[0, 1, 2], &["Ana", "Bo", "Cleo"]);
}

#[test]
fn a_newcomer_reads_what_was_said_before_only_if_the_rules_share_it() {
    for history in [false, true] {
        let (mut world, met) = people(918, 4);
        let rules = ConstitutionView {
            history,
            ..rules(1)
        };
        world.found(0, rules);
        world.candidate(0, met[0], 1);
        world.until(|world| world.collective(0).members == 2);
        world.pass(2 * HOUR);
        world.post(0, "by Ana");
        world.pass(MINUTE);
        world.post(1, "by Bo");
        world.pass(HOUR);
        world.order(1, CollectiveCommand::Rekey(world.collective(1).id));
        world.pass(HOUR);
        world.post(1, "under another seed");
        world.pass(HOUR);
        world.candidate(0, met[1], 2);
        world.until(|world| world.collective(2).standing == Standing::Member);
        world.pass(3 * HOUR);
        world.post(0, "welcome");
        world.pass(HOUR);
        let all = ["by Ana", "by Bo", "under another seed", "welcome"];
        let expected = if history { &all[..] } else { &all[3..] };
        assert_eq!(world.said(2), expected);
        world.restart(2);
        world.pass(3 * DAY);
        assert_eq!(world.said(2), expected);
        for at in 0..3 {
            assert_eq!(world.collective(at).gap, None, "{at}");
        }
    }
}
