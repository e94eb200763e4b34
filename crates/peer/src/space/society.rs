//! Who belongs to a collective, as the engine asks it: its governance, or nothing before the history is
//! here.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeSet,
};

use komrade_crypto::{
    first_contact::Party,
    group::{self, MemberRoot},
    identity::PersonId,
};
use komrade_social::{
    DeviceId, OperationId,
    collective::{
        Body, Checkpoint, CheckpointId, Collective, Constitution, MemberDevice, Operation, Outcome,
        Pin, Refusal as Refused, Rift, Stage, Standing, Subject, Taken, Verdict,
    },
};
use komrade_view::{Millis, Refusal};

/// See the module.
#[derive(Default)]
pub(crate) struct Society {
    collective: Option<Collective>,
    /// The final checkpoint that is known otherwise, until there is something that it could be pinned in.
    pin: Option<Pin>,
    /// All devices of all members, until the next operation.
    devices: OnceCell<Vec<group::Member>>,
    /// The hash of them, for as long.
    root: OnceCell<Option<MemberRoot>>,
    /// What this device may have to say again, until the next operation: most of the time nothing.
    crossed: OnceCell<Vec<Body>>,
    /// Since when something is not final, for as long.
    unfixed: OnceCell<Option<Millis>>,
    /// What the person is to be told of, for as long: who said two things at once, and removals that deny each other.
    double_signed: OnceCell<Option<PersonId>>,
    rifts: OnceCell<Vec<Rift>>,
    /// All proposals, until the next operation or until one of them lapses.
    standings: RefCell<Option<Standings>>,
}

/// How all proposals stood at a time, in the order in which they arrived, and until when that holds.
struct Standings {
    from: Millis,
    until: Millis,
    all: Vec<Standing>,
}

/// Proposals that are looked at: the newest ones.
const MAX_STANDINGS: usize = 200;

impl Society {
    /// What was computed of the operations holds no more.
    fn forget_computed(&mut self) {
        self.devices = OnceCell::new();
        self.root = OnceCell::new();
        self.crossed = OnceCell::new();
        self.unfixed = OnceCell::new();
        self.double_signed = OnceCell::new();
        self.rifts = OnceCell::new();
        self.standings = RefCell::new(None);
    }

    pub(crate) fn get(&self) -> Option<&Collective> {
        self.collective.as_ref()
    }

    /// Takes in a control operation; the first of all founds it. `None`: there is nothing yet that it could
    /// belong to.
    pub(crate) fn insert(&mut self, operation: Operation) -> Option<Outcome> {
        self.forget_computed();
        match &mut self.collective {
            Some(collective) => Some(collective.insert(operation)),
            None if matches!(operation.body(), Body::Genesis { .. }) => {
                let id = operation.id();
                let founded = Collective::found_with(operation, self.pin.clone());
                let taken = match &founded {
                    Ok(_) => Taken::New,
                    Err(refusal) => Taken::Refused(*refusal),
                };
                self.collective = founded.ok();
                Some(Outcome {
                    new: Vec::from_iter((taken == Taken::New).then_some(id)),
                    taken,
                    gone: Vec::new(),
                })
            }
            None => None,
        }
    }

    /// Will be judged by this: of one that there is nothing of yet.
    pub(crate) fn expect(&mut self, pin: Option<Pin>) {
        self.pin = pin;
    }

    /// What is pinned.
    pub(crate) fn pinned(&self) -> Option<CheckpointId> {
        match &self.collective {
            Some(collective) => collective.pinned(),
            None => self.pin.as_ref().map(Pin::id),
        }
    }

    /// Whether that is final here.
    pub(crate) fn holds_pin(&self) -> bool {
        self.collective.as_ref().is_some_and(Collective::holds_pin)
    }

    /// Pins the newest final checkpoint, and says what is pinned now.
    pub(crate) fn pin(&mut self) -> Option<CheckpointId> {
        self.collective.as_mut()?.pin()
    }

    /// Whether two states are final that exclude each other: nothing is carried out any more.
    pub(crate) fn contradicts(&self) -> bool {
        let collective = self.collective.as_ref();
        collective.is_some_and(Collective::contradicts)
    }

    /// Puts in what was held until somebody builds on it, after a [`verdict`](Self::verdict) of something that does.
    pub(crate) fn place_wanted(&mut self) -> Outcome {
        let collective = self.collective.as_mut();
        let outcome = collective.map(Collective::place_wanted).unwrap_or_default();
        if !outcome.new.is_empty() {
            self.forget_computed();
        }
        outcome
    }

    pub(crate) fn verdict(&mut self, operation: &Operation) -> Verdict {
        match &mut self.collective {
            Some(collective) => collective.verdict(operation),
            None => Verdict::Waiting(operation.fields().context.clone()),
        }
    }

    pub(crate) fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.collective.as_ref()?.operation(id)
    }

    pub(crate) fn constitution(&self) -> Option<&Constitution> {
        self.collective.as_ref().map(Collective::constitution)
    }

    pub(crate) fn is_dissolved(&self) -> bool {
        self.collective
            .as_ref()
            .is_some_and(Collective::is_dissolved)
    }

    pub(crate) fn heads(&self) -> Vec<OperationId> {
        self.collective
            .as_ref()
            .map(Collective::heads)
            .unwrap_or_default()
    }

    pub(crate) fn missing(&self) -> Vec<OperationId> {
        self.collective
            .as_ref()
            .map(Collective::missing)
            .unwrap_or_default()
    }

    pub(crate) fn is_member(&self, person: &PersonId) -> bool {
        let collective = self.collective.as_ref();
        collective.is_some_and(|it| it.is_member(person))
    }

    /// Whether somebody belongs and takes part in nothing.
    pub(crate) fn is_resting(&self, person: &PersonId) -> bool {
        let member = self.collective.as_ref().and_then(|it| it.member(*person));
        member.is_some_and(|member| member.resting)
    }

    /// All devices of all members now.
    pub(crate) fn devices(&self) -> Vec<group::Member> {
        let compute = || {
            let devices = self.collective.iter().flat_map(Collective::devices);
            devices.map(group_member).collect()
        };
        self.devices.get_or_init(compute).clone()
    }

    /// The hash of them in the keys of this collective, always the same ones; `None` if there are none. Every few seconds somebody asks
    /// for it.
    pub(crate) fn root(&self, group: &group::Space) -> Option<MemberRoot> {
        let compute = || MemberRoot::of(group, self.devices()).ok();
        *self.root.get_or_init(compute)
    }

    /// Those at some heads; `None` while these are not all here.
    pub(crate) fn devices_at(&mut self, heads: &[OperationId]) -> Option<Vec<group::Member>> {
        let devices = self.collective.as_mut()?.devices_at(heads).ok()?;
        Some(devices.into_iter().map(group_member).collect())
    }

    /// By what the person of a device ceased to be a member: nothing if the device was no member's then, or is one's now.
    pub(crate) fn ended_by(&mut self, device: &[u8; 32]) -> Vec<OperationId> {
        let collective = self.collective.as_mut();
        let ended = collective.map(|it| it.ended_by(DeviceId(*device)));
        ended.unwrap_or_default()
    }

    /// What lies between what somebody knows and some control operations, they with it, in order.
    pub(crate) fn between(
        &self,
        known: &[OperationId],
        until: &[OperationId],
    ) -> impl Iterator<Item = &Operation> {
        let collective = self.collective.iter();
        collective.flat_map(move |it| it.between(known, until))
    }

    /// Whether the rules at some heads gave newcomers what was said before.
    pub(crate) fn shared_history_at(&mut self, heads: &[OperationId]) -> bool {
        let shared = self.collective.as_mut();
        shared.and_then(|it| it.shared_history_at(heads)) == Some(true)
    }

    /// The devices of some persons.
    pub(crate) fn devices_of(&self, persons: &[PersonId]) -> BTreeSet<[u8; 32]> {
        let members = persons
            .iter()
            .filter_map(|it| self.collective.as_ref()?.member(*it));
        members
            .flat_map(|member| member.devices.into_iter().map(|device| device.0))
            .collect()
    }

    pub(crate) fn may(&self, own: &Party, body: &Body, time: Millis) -> Result<(), Refused> {
        match &self.collective {
            Some(collective) => collective.may(own.person, DeviceId(own.device), body, time),
            None => Err(Refused::NotMember),
        }
    }

    /// What this device said that did not know of what is final by now, and may say anew. Looked for with all duties, and found seldom.
    pub(crate) fn to_repeat(&self, own: &Party, now: Millis) -> Vec<Body> {
        let compute = || {
            let all = self.collective.iter();
            all.flat_map(|it| it.crossed(own.person, DeviceId(own.device)))
                .collect()
        };
        let crossed = self.crossed.get_or_init(compute).iter();
        let again = crossed.filter(|body| self.may(own, body, now).is_ok());
        again.cloned().collect()
    }

    /// The time of the oldest change of membership that is not final.
    pub(crate) fn oldest_unfixed(&self) -> Option<Millis> {
        let collective = self.collective.as_ref()?;
        let compute = || collective.finality().oldest_unfixed;
        *self.unfixed.get_or_init(compute)
    }

    /// Somebody who signed two checkpoints that contradict each other.
    pub(crate) fn double_signed(&self) -> Option<PersonId> {
        let collective = self.collective.as_ref()?;
        let compute = || collective.double_signed().first().map(|it| it.person);
        *self.double_signed.get_or_init(compute)
    }

    /// Removals that deny each other.
    pub(crate) fn rifts(&self) -> Vec<Rift> {
        let compute = || self.collective.iter().flat_map(Collective::rifts).collect();
        self.rifts.get_or_init(compute).clone()
    }

    /// The checkpoint that this person should sign, so that what happened before a time becomes final.
    pub(crate) fn next_checkpoint(&self, own: &Party, before: Millis) -> Option<Checkpoint> {
        let collective = self.collective.as_ref()?;
        let oldest = self.oldest_unfixed()?;
        let is_due = oldest <= before || collective.is_dissolved();
        is_due.then(|| collective.next_checkpoint(own.person, before))?
    }

    /// Whether what this device accepted does not hold, and may be accepted again as it was.
    pub(crate) fn may_accept_again(&self, own: &Party, now: Millis) -> bool {
        let again = self.to_repeat(own, now);
        again.iter().any(|body| matches!(body, Body::Accept { .. }))
    }

    /// What a proposal is about.
    pub(crate) fn subject(&self, proposal: &OperationId) -> Option<&Subject> {
        match self.operation(*proposal)?.body() {
            Body::Propose { subject, .. } => Some(subject),
            _ => None,
        }
    }

    pub(crate) fn standing(&self, id: OperationId, now: Millis) -> Option<Standing> {
        self.collective.as_ref()?.standing(id, now)
    }

    /// Proposals, the newest first.
    pub(crate) fn standings(&self, now: Millis) -> Vec<Standing> {
        let newest = |all: &[Standing]| all.iter().rev().take(MAX_STANDINGS).cloned().collect();
        self.look(now, newest)
    }

    /// What is decided and not done yet.
    pub(crate) fn ready(&self, now: Millis) -> Vec<Standing> {
        // However many there are: nobody hides one behind many that are younger.
        let ready = |it: &&Standing| it.stage == Stage::Ready;
        self.look(now, |all| all.iter().rev().filter(ready).cloned().collect())
    }

    /// How many proposals wait for a word of this person.
    pub(crate) fn asked(&self, person: &PersonId, now: Millis) -> usize {
        let asks = |it: &&Standing| it.stage.is_open() && it.silent.binary_search(person).is_ok();
        self.look(now, |all| {
            all.iter().rev().take(MAX_STANDINGS).filter(asks).count()
        })
    }

    /// Looks at all proposals. Devices do so every few minutes, and where each stands is worked out from all that was said to it.
    fn look<T>(&self, now: Millis, look: impl FnOnce(&[Standing]) -> T) -> T {
        let mut kept = self.standings.borrow_mut();
        let kept = match &mut *kept {
            Some(kept) if (kept.from..=kept.until).contains(&now) => kept,
            other => other.insert(self.standings_at(now)),
        };
        look(&kept.all)
    }

    fn standings_at(&self, now: Millis) -> Standings {
        let all = self.collective.iter();
        let all = all.flat_map(|it| it.proposals().filter_map(move |id| it.standing(id, now)));
        let all: Vec<Standing> = all.collect();
        let closes = all
            .iter()
            .map(|it| it.closes)
            .filter(|closes| *closes >= now);
        Standings {
            from: now,
            until: closes.min().unwrap_or(Millis::MAX),
            all,
        }
    }
}

/// A member's device, as its keys name it.
fn group_member(device: MemberDevice) -> group::Member {
    group::Member {
        person: device.person,
        admission: device.admission.0,
        device: device.device.0,
    }
}

/// Why something cannot be done, for the screens.
pub(crate) fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::NotMember | Refused::NotTheirDevice | Refused::Resting | Refused::NotEntitled => {
            Refusal::NotEntitled
        }
        Refused::Dissolved
        | Refused::TooLate
        | Refused::Done
        | Refused::Overtaken
        | Refused::Senseless => Refusal::Over,
        Refused::TooMany => Refusal::TooManyProposals,
        Refused::NoSuchProposal => Refusal::Unknown,
        Refused::BadConstitution(..) => Refusal::BadConstitution,
        _ => Refusal::OutOfBounds,
    }
}
