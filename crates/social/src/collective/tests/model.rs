//! Many clients, random actions, partitions: equal sets have equal states, and never is somebody a member without a certificate.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::{
    OperationId,
    collective::{Body, Choice, Operation, POWER_POST, Role, Stage, Subject, Taken},
};

/// A device at a replica: several may sit at one, as persons who hear the same.
struct World {
    replicas: Vec<Replica>,
    /// Of each person the first device, and one that they may add.
    pens: BTreeMap<(u8, u8), Pen>,
    chance: Chance,
    posts: Vec<Operation>,
    next: u8,
}

const PERSONS: u8 = 24;

impl World {
    fn new(seed: u64) -> Self {
        let mut constitution = assembly(4);
        constitution.vouches = crate::collective::Share::count(1 + (seed % 2) as u16);
        constitution.roles = vec![Role {
            number: 1,
            name: "x".to_owned(),
            powers: POWER_POST,
        }];
        let (replica, founders) = Replica::found(constitution, 4);
        let mut pens: BTreeMap<_, _> = founders.into_iter().map(|(n, pen)| ((n, 0), pen)).collect();
        pens.extend((5..PERSONS).map(|n| ((n, 0), Pen::of(n))));
        pens.extend((1..PERSONS).map(|n| ((n, 1), Pen::device(n, 1))));
        let replicas = vec![replica.twin(), replica.twin(), replica];
        Self {
            replicas,
            pens,
            chance: Chance(seed),
            posts: Vec::new(),
            next: 0,
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.chance.below(from.len())])
    }

    fn step(&mut self) {
        let place = self.chance.below(self.replicas.len());
        match self.chance.below(12) {
            0 => {
                let other = self.chance.below(self.replicas.len());
                let log = self.replicas[other].log.clone();
                log.iter().for_each(|operation| {
                    self.replicas[place].take(operation);
                });
            }
            1 => self.replicas[place].time += DAY,
            _ => self.act(place),
        }
    }

    fn act(&mut self, place: usize) {
        let members = self.replicas[place].names();
        let mut person = self.pick(&members).unwrap_or(1);
        let proposals: Vec<OperationId> = self.replicas[place].collective.proposals().collect();
        let recent = proposals.len().saturating_sub(5);
        let proposal = self.pick(&proposals[recent..]);
        let anyone = 1 + u8::try_from(self.chance.below(usize::from(PERSONS) - 1)).unwrap();
        let other = self.pick(&members).map_or(who(1), who);
        let mut device = u8::from(self.chance.below(5) == 0);
        let body = match (self.chance.below(29), proposal) {
            (0, _) => propose(admit(anyone)),
            (1, _) => propose(Subject::Remove { person: other }),
            (2, _) => propose(Subject::Rest { person: other }),
            (3, _) => {
                let mut constitution = self.replicas[place].collective.constitution().clone();
                constitution.expiry_days = 1 + u32::from(anyone);
                propose(Subject::Amend {
                    constitution: Box::new(constitution),
                })
            }
            (4, _) => {
                self.next = self.next.wrapping_add(1);
                let options = vec!["a".to_owned(), "b".to_owned()];
                let question = self.next.to_string();
                propose(Subject::Decide { question, options })
            }
            (5..=7, Some(proposal)) => vouch(proposal),
            (8..=12, Some(proposal)) => {
                let choices = [
                    Choice::Yes,
                    Choice::Yes,
                    Choice::No,
                    Choice::Abstain,
                    Choice::Option(1),
                ];
                let choice = self.pick(&choices).unwrap();
                Body::Ballot { proposal, choice }
            }
            (13..=17, _) => {
                let collective = &self.replicas[place].collective;
                let standings = proposals
                    .iter()
                    .filter_map(|id| collective.standing(*id, 0));
                let ready: Vec<_> = standings.filter(|one| one.stage == Stage::Ready).collect();
                let Some(ready) = ready.get(self.chance.below(ready.len())) else {
                    return;
                };
                match ready.subject {
                    Subject::Admit {
                        person: candidate, ..
                    } => {
                        person = (1..PERSONS).find(|one| who(*one) == candidate).unwrap();
                        accept(ready.id, &self.pens[&(person, device)])
                    }
                    _ => Body::Enact { proposal: ready.id },
                }
            }
            (18, _) if self.chance.below(8) == 0 => Body::Leave,
            (19, _) => Body::Return,
            (20..=21, _) => match self.replicas[place]
                .collective
                .next_checkpoint(who(person), u64::MAX)
            {
                Some(checkpoint) => Body::Checkpoint(checkpoint),
                None => return,
            },
            // Anybody, whether they may or not.
            (22, Some(proposal)) => {
                person = anyone;
                accept(proposal, &self.pens[&(person, device)])
            }
            (23, _) => propose(Subject::Empower {
                role: 1,
                person: other,
            }),
            (24, _) => propose(Subject::Recall {
                role: 1,
                person: other,
            }),
            (25, _) => {
                let persons = vec![other];
                propose(Subject::Split { persons })
            }
            (26, _) => {
                device = 1;
                let certificate = self.pens[&(person, 1)].certificate.clone();
                Body::Device { certificate }
            }
            (27, _) if self.chance.below(3) == 0 => {
                let lost = &self.pens[&(person, 1 - device)];
                let revocation = root(person).revoke(&lost.key.public(), 20_000);
                Body::Revoke { revocation }
            }
            _ => {
                let replica = &mut self.replicas[place];
                let pen = self.pens.get_mut(&(person, device)).unwrap();
                let post = replica.draft(pen, text("hello"));
                self.posts.push(post);
                return;
            }
        };
        // Now and then somebody lies: a copy of the device that has forgotten what it said.
        let lies = self.chance.below(24) == 0;
        let mut copy = self.pens[&(person, device)].copy();
        let replica = &mut self.replicas[place];
        let mut operation = replica.draft(&mut copy, body.clone());
        if lies && replica.log.len() > 8 {
            let old = self.chance.below(replica.log.len() / 2);
            let heads = vec![replica.log[old].id()];
            let space = Some(replica.collective.space());
            let time = replica.log[old].fields().time + 1;
            let mut pen = self.pens[&(person, device)].copy();
            operation = pen.write(space, heads, time, body);
        }
        if replica.take(&operation).taken == Taken::New {
            replica.check_incremental();
            self.pens.insert((person, device), copy);
        }
    }

    /// Nobody is a member whom neither the Genesis nor an Accept that counts, with enough vouches that count, let in.
    fn check(&self, replica: &Replica, seed: u64) {
        let collective = &replica.collective;
        for member in collective.members() {
            let admission = collective.operation(member.admission).unwrap();
            match admission.body() {
                Body::Genesis { founders, .. } => {
                    assert!(founders.iter().any(|one| one.person() == member.person));
                }
                Body::Accept { proposal, .. } => {
                    assert_eq!(collective.stands(admission.id()), Some(true), "seed {seed}");
                    assert_eq!(collective.stands(*proposal), Some(true), "seed {seed}");
                    let standing = collective.standing(*proposal, u64::MAX).unwrap();
                    assert!(matches!(standing.stage, Stage::Done(_)), "seed {seed}");
                    let vouched: BTreeSet<_> = standing.vouches.iter().collect();
                    assert!(
                        vouched.len() >= standing.vouches_needed.unwrap(),
                        "seed {seed}"
                    );
                    assert!(vouched.iter().all(|one| standing.electorate.contains(one)));
                }
                _ => panic!("seed {seed}: admitted by something else"),
            }
        }
    }
}

fn live(seed: u64, steps: usize) -> [usize; 4] {
    let mut world = World::new(seed);
    for _ in 0..steps {
        world.step();
    }
    let logs: Vec<_> = world
        .replicas
        .iter()
        .map(|replica| replica.log.clone())
        .collect();
    for log in &logs {
        for replica in &mut world.replicas {
            log.iter().for_each(|operation| {
                replica.take(operation);
            });
        }
    }
    let posts = world.posts.clone();
    let mut pictures = world
        .replicas
        .iter_mut()
        .map(|replica| replica.picture(&posts));
    let first = pictures.next().unwrap();
    assert!(pictures.all(|other| other.is(&first)), "seed {seed}");
    let replica = &world.replicas[0];
    world.check(replica, seed);
    // In any order, from the beginning, without what was remembered on the way.
    let again = agree(&replica.log, &posts, seed);
    assert!(again.is(&first), "seed {seed}");
    let body =
        |wanted: fn(&Body) -> bool| replica.log.iter().filter(|one| wanted(one.body())).count();
    [
        body(|body| matches!(body, Body::Accept { .. })),
        body(|body| matches!(body, Body::Enact { .. })),
        usize::from(replica.collective.finality().newest.is_some()),
        replica.collective.forked().len(),
    ]
}

/// `KOMRADE_GOVERNANCE_SEEDS` sets more of them.
#[test]
fn equal_sets_have_equal_states_and_nobody_is_a_member_without_a_certificate() {
    let seeds = std::env::var("KOMRADE_GOVERNANCE_SEEDS").ok();
    let seeds = seeds.and_then(|text| text.parse().ok()).unwrap_or(80);
    let mut seen = [0; 4];
    for seed in 0..seeds {
        let happened = live(seed, 260);
        seen.iter_mut()
            .zip(happened)
            .for_each(|(sum, more)| *sum += more);
    }
    // Otherwise the worlds would show nothing.
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}
