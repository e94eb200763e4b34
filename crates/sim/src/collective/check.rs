//! What is held to of a collective, after days of quiet in which everybody who belongs said a last word.

use std::collections::BTreeMap;

use komrade_store::Table;
use komrade_view::{
    Alarm, Answer, CollectiveCommand, CollectiveDetail, CollectiveId, CollectiveView, Matter,
    Millis, Outcome, PersonKey, PostView, ProposalView, Standing,
};

use super::{Posted, Tally, matter_name, number};
use crate::{
    check::SEED,
    settings::{DAY, Sabotage},
    world::World,
};

/// Posts on a page.
const PAGE: u16 = 100;

/// The collective as one person sees it.
struct Seen {
    person: usize,
    view: CollectiveView,
    detail: CollectiveDetail,
    posts: Vec<PostView>,
}

impl Seen {
    fn is_in(&self) -> bool {
        matches!(self.view.standing, Standing::Member | Standing::Resting)
    }

    /// Since when somebody is a member.
    fn since(&self, key: PersonKey) -> Option<u64> {
        let mut members = self.detail.members.iter();
        members.find(|it| it.person == key).map(|it| it.since)
    }
}

/// The parts of a state that must be the same everywhere at `now`, each in words.
fn parts(detail: &CollectiveDetail, now: Millis) -> BTreeMap<String, String> {
    let rules = format!("{:?} {}", detail.constitution, detail.constitution_since);
    let rules = ("the rules".to_owned(), rules);
    let members = detail.members.iter().map(|it| {
        let part = (
            it.since,
            it.resting,
            it.delegate,
            it.vouched_by.iter().map(short).collect::<Vec<_>>(),
        );
        (
            format!("the member {}", short(&it.person)),
            format!("{part:?}"),
        )
    });
    let proposals = detail.proposals.iter().map(|it| {
        (
            format!(
                "the proposal {:02x?} of {}",
                &it.id.0[..4],
                matter_name(&it.matter)
            ),
            proposal(it, now),
        )
    });
    [rules]
        .into_iter()
        .chain(members)
        .chain(proposals)
        .collect()
}

fn short(key: &PersonKey) -> String {
    format!("{:02x?}", &key.0[..4])
}

fn proposal(it: &ProposalView, now: Millis) -> String {
    let matter = match &it.matter {
        Matter::Admit { person, .. } | Matter::Remove(person) | Matter::Rest(person) => {
            short(person)
        }
        Matter::Delegate { person, elect } => format!("{} {elect}", short(person)),
        Matter::Amend(rules) => format!("{rules:?}"),
        Matter::Decide { question, options } => format!("{question} {options:?}"),
        Matter::Split(who) => format!("{:?}", who.iter().map(short).collect::<Vec<_>>()),
        Matter::Dissolve => String::new(),
    };
    let voices = |voices: &[komrade_view::Voice]| {
        let voices = voices.iter();
        let mut voices: Vec<String> = voices
            .map(|it| format!("{} {:?}", short(&it.person), it.choice))
            .collect();
        voices.sort();
        voices
    };
    // Clocks are up to a day wrong: whether the time to vote is over is not the same for everybody until then.
    let ends_now = it.needs.until.is_some_and(|end| end.abs_diff(now) <= DAY);
    let outcome = it.outcome.map(|(outcome, _)| outcome);
    let outcome = outcome.filter(|it| !(ends_now && matches!(it, Outcome::Failed)));
    let by = short(&it.by);
    let (vouches, ballots) = (voices(&it.vouches), voices(&it.ballots));
    let (needs, at) = (&it.needs, it.at);
    format!("{matter} {by} {at} {vouches:?} {ballots:?} {needs:?} {outcome:?}")
}

impl World {
    /// See the module.
    pub(crate) fn check_collective(&mut self) {
        let mut all = Vec::new();
        for person in 0..self.people.len() {
            let at = self.people[person].peer;
            let Some(view) = self.peers[at].collectives.first().cloned() else {
                continue;
            };
            let Some(detail) = self.detail(at, view.id) else {
                self.fail(format_args!("person {person} does not read the collective"));
                continue;
            };
            if let Some(own) = detail.members.iter().find(|it| it.is_self) {
                self.account.keys.insert(own.person, person);
            }
            let posts = self.post_pages(at, view.id);
            self.note(format_args!(
                "person {person}: {:?}, {} members, {} proposals, {} posts, {} seeds, keys since {:?}, final at {:?}",
                view.standing,
                detail.members.len(),
                detail.proposals.len(),
                posts.len(),
                self.seeds(person),
                detail.keys_since,
                detail.final_at,
            ));
            all.push(Seen {
                person,
                view,
                detail,
                posts,
            });
        }
        let mut wrong = Vec::new();
        for seen in all.iter().filter(|it| it.is_in()) {
            self.check_certificates(seen.person, &seen.detail);
        }
        self.check_states(&all, &mut wrong);
        self.check_posts(&all, &mut wrong);
        self.account.tally = self.tally(&all);
        for what in wrong {
            self.fail(format_args!("{what}"));
        }
    }

    fn post_pages(&mut self, at: usize, collective: CollectiveId) -> Vec<PostView> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let page = CollectiveCommand::Posts {
                collective,
                before,
                limit: PAGE,
            };
            let Some(Ok(Answer::Posts(page))) = self.order(at, page) else {
                self.fail(format_args!("peer {at} does not open a page of posts"));
                return all;
            };
            before = page.posts.first().map(|post| post.ordinal);
            all.extend(page.posts);
            if !page.older || before.is_none() {
                return all;
            }
        }
    }

    /// Everybody who belongs sees the same state, in which they belong and nobody else does.
    fn check_states(&self, all: &[Seen], wrong: &mut Vec<String>) {
        let present: Vec<&Seen> = all.iter().filter(|it| it.is_in()).collect();
        let Some(first) = present.first() else {
            wrong.push("nobody is left in the collective".to_owned());
            return;
        };
        let mut reference = parts(&first.detail, self.now);
        if self.settings.sabotage == Some(Sabotage::OtherState) {
            reference.insert("the rules".to_owned(), "none".to_owned());
        }
        for seen in &present {
            let (one, other) = (first.person, seen.person);
            let theirs = parts(&seen.detail, self.now);
            let names = reference.keys().chain(theirs.keys());
            let mut differing = names.filter(|name| reference.get(*name) != theirs.get(*name));
            if let Some(name) = differing.next() {
                let (ours, theirs) = (reference.get(name), theirs.get(name));
                wrong.push(format!(
                    "persons {one} and {other} see {name} differently: {ours:?} and {theirs:?}"
                ));
            }
            let (waiting, alarm) = (seen.view.waiting, seen.view.alarm);
            if waiting > 0 {
                wrong.push(format!(
                    "{waiting} operations of person {other} wait to leave for the collective"
                ));
            }
            match alarm {
                None | Some(Alarm::MutualRemoval) => {}
                // A copy says things beside what its original says.
                Some(Alarm::DoubleSigned(_)) if self.settings.copies => {}
                Some(alarm) => wrong.push(format!("person {other} is told {alarm:?}")),
            }
        }
        for member in &first.detail.members {
            let person = self.person_of(member);
            if !present.iter().any(|it| Some(it.person) == person) {
                let them = all.iter().find(|it| Some(it.person) == person);
                let standing = them.map(|it| it.view.standing);
                wrong.push(format!(
                    "person {person:?} is a member and does not know it: {standing:?}"
                ));
            }
        }
        for seen in &present {
            let members = first.detail.members.iter();
            let mut persons = members.filter_map(|it| self.person_of(it));
            if !persons.any(|person| person == seen.person) {
                let person = seen.person;
                wrong.push(format!(
                    "person {person} thinks that they are a member and is none"
                ));
            }
        }
    }

    /// What a member said is shown once to every member who was one when it was said, and to nobody who was not.
    fn check_posts(&self, all: &[Seen], wrong: &mut Vec<String>) {
        let keys: BTreeMap<usize, PersonKey> = {
            let keys = self.account.keys.iter();
            keys.map(|(key, person)| (*person, *key)).collect()
        };
        let first = all.iter().find(|it| it.is_in());
        let since = |person: usize| first?.since(*keys.get(&person)?);
        let stayed = |post: &Posted, person: usize| {
            let then = keys.get(&person).and_then(|key| post.saw.get(key));
            then.is_some() && then.copied() == since(person)
        };
        for seen in all {
            let mut shown = BTreeMap::<usize, usize>::new();
            for post in &seen.posts {
                match number(&post.text).filter(|it| *it < self.account.posts.len()) {
                    Some(number) => *shown.entry(number).or_default() += 1,
                    None => wrong.push("nobody wrote a post that is shown".to_owned()),
                }
            }
            let reader = seen.person;
            let doubled = self.settings.sabotage == Some(Sabotage::Doubled);
            for (number, post) in self.account.posts.iter().enumerate() {
                let count = shown.get(&number).copied().unwrap_or_default();
                let count = if doubled { 2 * count } else { count };
                let author = post.written.from;
                let is_due = post.written.kept
                    && seen.is_in()
                    && stayed(post, author)
                    && stayed(post, reader)
                    && !self.ledger.is_weak(&post.written, reader);
                if count > 1 || (count == 0 && is_due) {
                    wrong.push(format!(
                        "person {author} posted p{number}, person {reader} is shown it {count} times"
                    ));
                }
                let key = keys.get(&reader);
                let was_in = key.is_some_and(|key| post.saw.contains_key(key));
                if count > 0 && post.has_keys && !was_in {
                    wrong.push(format!(
                        "person {reader} reads p{number}, which person {author} sent without them"
                    ));
                }
            }
        }
    }

    /// Seeds that a person's device keeps: none has gone, for a world does not live so long.
    fn seeds(&self, person: usize) -> usize {
        let at = self.people[person].peer;
        let mut count = 0;
        self.peers[at].store.visit(|table, key, _| {
            count += usize::from(table == Table::Spaces && key.first() == Some(&SEED));
        });
        count
    }

    fn tally(&self, all: &[Seen]) -> Tally {
        let Some(first) = all.iter().find(|it| it.is_in()) else {
            return Tally::default();
        };
        let passed = first.detail.proposals.iter();
        let passed = passed.filter(|it| {
            let outcome = it.outcome.map(|(outcome, _)| outcome);
            matches!(outcome, Some(Outcome::Passed | Outcome::Won(_)))
        });
        let of = |is: &dyn Fn(&Matter) -> bool| passed.clone().filter(|it| is(&it.matter)).count();
        let admitted = of(&|it| matches!(it, Matter::Admit { .. }));
        let removed = of(&|it| matches!(it, Matter::Remove(_)));
        let amended = of(&|it| matches!(it, Matter::Amend(_)));
        let others = |seen: &Seen| seen.posts.iter().filter(|it| !it.mine).count();
        let kept = self.account.posts.iter().filter(|it| it.written.kept);
        let left = all.iter();
        let left = left.filter(|it| matches!(it.view.standing, Standing::Left(_)));
        Tally {
            members: first.detail.members.len(),
            admitted,
            removed,
            amended,
            decided: passed.clone().count() - admitted - removed - amended,
            left: left.count(),
            seeds: all
                .iter()
                .map(|it| self.seeds(it.person))
                .max()
                .unwrap_or(0),
            posts: kept.count(),
            shown: all.iter().map(others).sum(),
            shown_gone: all.iter().filter(|it| !it.is_in()).map(others).sum(),
        }
    }
}
