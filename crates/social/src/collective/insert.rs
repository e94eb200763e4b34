//! Taking operations in, one by one, in any order.

use std::sync::Arc;

use super::{
    Collective, Work,
    bits::Bits,
    body::Body,
    graph::{Graph, Node},
    judge::{Act, Judged, Refusal, judge_genesis},
    operation::{MAX_CONTEXT, Operation},
    proposal::Frame,
    view::View,
    waiting::Waiting,
};
use crate::OperationId;

/// The most control operations: with what lies before each of them, at most 16 MB.
pub const MAX_CONTROL: usize = 16_384;
/// The most missing operations that are asked for at once.
pub const MAX_MISSING: usize = 128;

/// The most that is heard of one device beside each other: enough to show that it lies. More of it waits until somebody else
/// builds on it.
pub const MAX_PARALLEL: usize = 8;

/// How many older states are at hand: those that operations name which arrive late.
const MAX_CACHED: usize = 16;

/// What came of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Taken {
    /// It is in: keep it.
    New,
    /// Something that it builds on is missing, or its device says too much at once: keep it, and ask for
    /// [`Collective::missing`].
    Waiting,
    /// It was here.
    #[default]
    Duplicate,
    /// It can never count: forget it.
    Refused(Refusal),
    /// There are [`MAX_CONTROL`] operations: forget it.
    Full,
}

/// What came of an operation, and of those that had waited for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Of the operation itself.
    pub taken: Taken,
    /// All that are in now, it first if it is, causes before what follows.
    pub new: Vec<OperationId>,
    /// Those that had waited and are to be forgotten, and those that had to make room.
    pub gone: Vec<OperationId>,
}

impl Collective {
    /// Begins with the operation that founds the collective.
    pub fn found(genesis: Operation) -> Result<Self, Refusal> {
        judge_genesis(&genesis)?;
        let mut graph = Graph::default();
        graph.push(Node {
            latest: genesis.fields().time,
            operation: genesis,
            past: Bits::default(),
            admission: 0,
            about: None,
            proposal: None,
            certificate: Vec::new(),
            group: None,
            finals: Arc::default(),
            base: None,
            parallel: false,
        });
        let (view, effects) = graph.resolve(&graph.all, None);
        Ok(Self {
            graph,
            waiting: Waiting::default(),
            current: Arc::new(view),
            cache: Vec::new(),
            work: Work {
                resolved: 1,
                effects: effects as u64,
            },
        })
    }

    /// Takes in a control operation, at any time and in any order. What is said (content) is only judged:
    /// [`verdict`](Self::verdict).
    ///
    /// Times are what their authors say. The caller keeps back what is dated more than a day ahead of its own clock, since the
    /// rations are counted by those times.
    pub fn insert(&mut self, operation: Operation) -> Outcome {
        let first = operation.id();
        let mut outcome = Outcome::default();
        self.place_all(vec![(operation, false)], Some(first), &mut outcome);
        if matches!(outcome.taken, Taken::New | Taken::Waiting) {
            let wanted = self.waiting.take_wanted().into_iter();
            let wanted = wanted.map(|held| (held, true)).collect();
            self.place_all(wanted, None, &mut outcome);
        }
        outcome
    }

    /// Puts in what was held until somebody else builds on it, after something that was said has done so
    /// ([`verdict`](Self::verdict), [`devices_at`](Self::devices_at)). The next [`insert`](Self::insert) does it, too.
    /// [`Taken::Duplicate`]: there is none.
    pub fn place_wanted(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let wanted = self.waiting.take_wanted().into_iter();
        let wanted = wanted.map(|held| (held, true)).collect();
        self.place_all(wanted, None, &mut outcome);
        if !outcome.new.is_empty() {
            outcome.taken = Taken::New;
        }
        outcome
    }

    /// Puts in what arrived, the last one first, and what it releases; `first` is what the outcome is about.
    fn place_all(
        &mut self,
        mut arrived: Vec<(Operation, bool)>,
        first: Option<OperationId>,
        outcome: &mut Outcome,
    ) {
        while let Some((operation, wanted)) = arrived.pop() {
            let id = operation.id();
            let taken = self.place(operation, wanted, &mut outcome.gone, &mut arrived);
            match taken {
                Taken::New => {
                    outcome.new.push(id);
                    let released = self.waiting.release(id).into_iter();
                    arrived.extend(released.map(|operation| (operation, false)));
                }
                Taken::Refused(_) | Taken::Full if Some(id) != first => outcome.gone.push(id),
                _ => {}
            }
            if Some(id) == first {
                outcome.taken = taken;
            }
        }
    }

    /// What operations name that is not here: to be asked for. At most [`MAX_MISSING`].
    pub fn missing(&self) -> Vec<OperationId> {
        self.waiting.missing().take(MAX_MISSING).collect()
    }

    /// How many operations wait for those.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What the next operation names as its context: the newest control operations, rising.
    pub fn heads(&self) -> Vec<OperationId> {
        let tips = self.graph.tips.iter().rev().take(MAX_CONTEXT);
        let tips = tips.filter_map(|tip| self.graph.node(*tip));
        let mut heads: Vec<_> = tips.map(|node| node.id()).collect();
        heads.sort_unstable();
        heads
    }

    /// What was done so far.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Puts one in if it can be; `wanted`: somebody else builds on it. What this one makes wanted goes to `arrived`.
    fn place(
        &mut self,
        operation: Operation,
        wanted: bool,
        gone: &mut Vec<OperationId>,
        arrived: &mut Vec<(Operation, bool)>,
    ) -> Taken {
        let id = operation.id();
        if self.graph.index.contains_key(&id) || self.waiting.has(id) {
            return Taken::Duplicate;
        }
        if operation.space() != self.space() || matches!(operation.body(), Body::Genesis { .. }) {
            return Taken::Refused(Refusal::OtherSpace);
        }
        if !operation.body().is_control() {
            return Taken::Refused(Refusal::NotControl);
        }
        if self.graph.nodes.len() >= MAX_CONTROL {
            return Taken::Full;
        }
        let device = operation.fields().device;
        let wanted = wanted || self.waiting.is_wanted(id, device);
        let parents = match self.graph.find(&operation.fields().context) {
            Ok(parents) => parents,
            Err(missing) => {
                if let Some(first) = missing.first() {
                    let by = (!wanted).then_some(device);
                    let held = self.waiting.take_held(*first, by);
                    arrived.extend(held.map(|held| (held, true)));
                    gone.extend(self.waiting.keep(operation, *first));
                }
                return Taken::Waiting;
            }
        };
        let past = self.graph.closure(&parents);
        if !wanted && self.graph.branches(device, &past, MAX_PARALLEL) >= MAX_PARALLEL {
            gone.extend(self.waiting.keep(operation, id));
            return Taken::Waiting;
        }
        let (finals, base) = self.graph.finals_at(&parents, &past);
        let view = self.view_at(&past, base);
        let latest = self.graph.latest(&parents).max(operation.fields().time);
        let act = Act::of(&operation, latest, &past, &finals, &view);
        let judged = match self.graph.judge(&act) {
            Ok(judged) => judged,
            Err(refusal) => return Taken::Refused(refusal),
        };
        let Judged {
            admission,
            about,
            proposal,
            certificate,
            checkpoint,
            group,
        } = judged;
        let group = match (operation.body(), checkpoint) {
            (Body::Checkpoint(named), Some((source, closure, view))) => {
                Some(self.graph.add_group(named, source, closure, view))
            }
            _ => group,
        };
        let person = operation.fields().person;
        let before = self.graph.mask.clone();
        let (index, marked) = self.graph.push(Node {
            operation,
            past,
            admission,
            about,
            proposal,
            certificate,
            group,
            finals,
            base,
            latest,
            parallel: false,
        });
        if let Some(group) = group.and_then(|group| self.graph.groups.get_mut(group)) {
            group.signers.entry(person).or_default().push(index);
        }
        self.refresh(index, before, marked);
        Taken::New
    }

    /// The state at a set: the present one, one that was asked for lately, or computed.
    pub(super) fn view_at(&mut self, set: &Bits, base: Option<usize>) -> Arc<View> {
        let key = set.common(&self.graph.mask);
        if key == self.graph.mask && base == self.current.base {
            return self.current.clone();
        }
        let same = |entry: &(Bits, Option<usize>, Arc<View>)| entry.0 == key && entry.1 == base;
        if let Some(place) = self.cache.iter().position(same) {
            let entry = self.cache.remove(place);
            let view = entry.2.clone();
            self.cache.push(entry);
            return view;
        }
        let view = self.resolve(set, base);
        self.remember(key, base, view.clone());
        view
    }

    fn remember(&mut self, key: Bits, base: Option<usize>, view: Arc<View>) {
        if self.cache.len() >= MAX_CACHED {
            self.cache.remove(0);
        }
        self.cache.push((key, base, view));
    }

    fn resolve(&mut self, set: &Bits, base: Option<usize>) -> Arc<View> {
        let (view, effects) = self.graph.resolve(set, base);
        self.work.resolved += 1;
        self.work.effects += effects as u64;
        Arc::new(view)
    }

    /// Brings the present state up to date after a node was put in; before it, `key` decided.
    fn refresh(&mut self, last: usize, key: Bits, marked: bool) {
        let finals = self.graph.update_finals(last);
        let effect = self.graph.node(last).is_some_and(Node::is_effect);
        if marked {
            // What was remembered is known by fewer operations than decide now.
            self.cache.clear();
        } else if effect || finals {
            self.remember(key, self.current.base, self.current.clone());
        } else {
            return;
        }
        if effect && !finals && !marked && self.extend(last) {
            return;
        }
        let all = self.graph.all.clone();
        self.current = self.resolve(&all, self.graph.base);
    }

    /// What only adds leaves all else as it is: the state before, and this.
    fn extend(&mut self, last: usize) -> bool {
        let graph = &self.graph;
        let body = graph.node(last).map(|node| node.operation.body());
        if !matches!(
            body,
            Some(Body::Accept { .. } | Body::Device { .. } | Body::Return)
        ) {
            return false;
        }
        let frame = Frame::of(&graph.all, &self.current);
        self.work.effects += 1;
        if graph.is_within(last, frame.base) && graph.holds(last, frame) {
            let mut view = View::clone(&self.current);
            view.holds.set(last);
            graph.apply(&mut view, last);
            self.current = Arc::new(view);
        }
        true
    }
}
