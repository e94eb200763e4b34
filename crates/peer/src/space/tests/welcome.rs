//! Welcomes, however long.

use komrade_view::{ComradeId, ComradeState};

use super::*;
use crate::{
    comrade::{Comrade, ComradeRecord, Who},
    space::frame::Welcome,
};

/// A comrade who is asked in.
pub(super) fn comrade(bench: &mut Bench, number: u8, pen: &Pen) -> ComradeId {
    let mut record = ComradeRecord::new(ComradeState::Met, START);
    record.name = "Fay".into();
    record.who = Some(Who {
        person: pen.person,
        device: pen.id(),
    });
    let id = ComradeId([number; 16]);
    bench.open.comrades.insert(id, Comrade::new(record));
    id
}

/// What only one person says of the founding.
pub(super) fn founds(pen: &mut Pen, founders: Vec<DeviceCertificate>) -> Operation {
    pen.sequence = 1;
    let fields = Fields {
        space: None,
        person: pen.person,
        device: DeviceId(pen.id()),
        sequence: 1,
        previous: None,
        seen: Vec::new(),
        context: Vec::new(),
        time: START,
        expiry_day: u32::MAX,
        body: Body::Genesis {
            name: "Tenants".into(),
            constitution: Box::new(Template::OpenAssembly.constitution(founders.len(), "")),
            founders,
        },
    };
    pen.sign(fields)
}

/// The owner of the vault is asked in by the first comrade, and gets this from one.
pub(super) fn welcomed(from: u8, welcome: &Welcome) -> Bench {
    let bench = Bench::empty();
    let mut bench = welcomed_by(bench, limits::WELCOME_PART_BYTES, from, welcome);
    bench.rest();
    bench
}

/// The same in parts of so many bytes, the last part first; what does not fit in the step of the first part is left.
pub(super) fn welcomed_by(mut bench: Bench, bytes: usize, from: u8, welcome: &Welcome) -> Bench {
    let party = Device::decode(&bench.device).unwrap().party();
    let by = ComradeId([1; 16]);
    let place = Place::Candidate { by, since: START };
    let genesis = Operation::decode(&welcome.operations[0]).unwrap();
    let mut record = SpaceRecord::new(genesis.id().0, "Tenants".into(), place, START);
    record.offered_by = Some(by);
    let id = bench.id;
    bench.open.spaces.insert(id, Space::new(record, party));
    bench.step(|_, step| step.touched.spaces.insert(id));
    let welcome = welcome.encode();
    let parts = welcome.chunks(bytes);
    let of = u64::try_from(parts.len()).unwrap();
    for (number, part) in (0..of).zip(parts).collect::<Vec<_>>().into_iter().rev() {
        bench.step(|open, step| {
            let comrade = ComradeId([from; 16]);
            open.space_welcome_part(step, comrade, id, (START, of), (number, part.to_vec()));
        });
    }
    bench
}

/// What Ana founds alone, and so much that she said there.
fn talk(count: usize) -> Vec<Vec<u8>> {
    let mut ana = Pen::of(2);
    let founders = vec![ana.certificate.clone()];
    let genesis = founds(&mut ana, founders);
    let told = Welcome {
        operations: vec![genesis.as_bytes().to_vec()],
        ..Welcome::default()
    };
    let bench = welcomed(1, &told);
    let said = (0..count).map(|n| {
        let said = ana.builds_on(&bench, vec![genesis.id()], text(&n.to_string()));
        said.as_bytes().to_vec()
    });
    told.operations.iter().cloned().chain(said).collect()
}

#[test]
fn a_long_welcome_is_said_in_as_many_steps_as_it_takes() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let newcomer = Pen::of(50);
    let to = comrade(&mut bench, 1, &newcomer);
    let id = bench.id;
    let most = usize::try_from(limits::MAX_WELCOME_PARTS).unwrap();
    for (bytes, said) in [(most * limits::WELCOME_PART_BYTES, most), (1, 1)] {
        let before = bench.count(Table::Outbox);
        bench.step(|open, step| {
            let space = open.spaces.get_mut(&id).unwrap();
            space.begin_welcome((to, 0), newcomer.person, step.now, vec![7; bytes]);
            open.space_go_on_welcoming(step, id);
        });
        if said > 1 {
            assert!(bench.again && bench.space().record.escorts.is_empty());
        }
        bench.rest();
        assert_eq!(bench.space().record.escorts.len(), 1);
        assert!(bench.space().welcoming.is_none());
        let entries = bench.open.comrades[&to].outbox.len();
        assert_eq!(bench.count(Table::Outbox) - before, 2 * said);
        assert!(entries >= said);
    }
    // Longer than anybody takes: nothing is said, and nothing stands in the way of the next.
    let before = bench.count(Table::Outbox);
    bench.step(|open, step| {
        let space = open.spaces.get_mut(&id).unwrap();
        let long = vec![7; most * limits::WELCOME_PART_BYTES + 1];
        space.begin_welcome((to, 0), newcomer.person, step.now, long);
        open.space_go_on_welcoming(step, id);
    });
    assert_eq!(bench.count(Table::Outbox), before);
    assert!(bench.space().welcoming.is_none());
}

#[test]
fn a_long_welcome_comes_together_from_its_parts() {
    let mut ana = Pen::of(2);
    let founders = vec![ana.certificate.clone()];
    let genesis = founds(&mut ana, founders);
    let long = Welcome {
        operations: vec![genesis.as_bytes().to_vec()],
        leaves: vec![vec![0; 1_300]; 4_000],
        ..Welcome::default()
    };
    assert!(long.encode().len() > 250 * limits::WELCOME_PART_BYTES);
    for from in [1, 7] {
        let bench = welcomed(from, &long);
        assert!(bench.knows(&genesis) && bench.space().parts.is_empty());
        assert_eq!(bench.count(Table::Spaces), 1);
    }
}

#[test]
fn nobody_is_a_member_because_somebody_else_founds_with_them() {
    let (mut ana, rosa) = (Pen::of(2), Pen::of(4));
    let founders = vec![ana.certificate.clone(), rosa.certificate.clone()];
    let genesis = founds(&mut ana, founders);
    let told = Welcome {
        operations: vec![genesis.as_bytes().to_vec()],
        ..Welcome::default()
    };
    let bench = welcomed(1, &told);
    assert!(!bench.knows(&genesis) && bench.space().society.get().is_none());
    // Nor is anybody asked into such a one.
    let mut bench = Bench::empty();
    let by = comrade(&mut bench, 1, &ana);
    let hash = genesis.id().0;
    let word = crate::space::frame::Word::Offer {
        name: "Tenants".into(),
        rules: genesis.as_bytes().to_vec(),
        members: 2,
    };
    bench.step(|open, step| open.space_heard(step, by, &word.encode(&hash)));
    assert!(bench.open.spaces.is_empty());
    let alone = Pen::of(2).certificate;
    let genesis = founds(&mut Pen::of(2), vec![alone]);
    let word = crate::space::frame::Word::Offer {
        name: "Tenants".into(),
        rules: genesis.as_bytes().to_vec(),
        members: 1,
    };
    bench.step(|open, step| open.space_heard(step, by, &word.encode(&genesis.id().0)));
    assert_eq!(bench.open.spaces.len(), 1);
}

#[test]
fn whoever_has_withdrawn_is_welcomed_only_after_another_yes() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let newcomer = Pen::of(50);
    let to = comrade(&mut bench, 1, &newcomer);
    let (id, hash) = (bench.id, bench.space().id().0);
    let said = |bench: &mut Bench, yes| {
        let word = crate::space::frame::Word::Answer(yes).encode(&hash);
        bench.step(|open, step| open.space_heard(step, to, &word));
    };
    let offer = |bench: &mut Bench| {
        bench.now += DAY;
        bench
            .step(|open, step| open.space_offer(step, id, to))
            .unwrap();
        said(bench, true);
        bench.step(|open, step| open.space_admissions(step, id));
    };
    offer(&mut bench);
    let offers = &bench.space().record.offers;
    let proposal = OperationId(*offers[0].proposal.unwrap());
    let withdraw = crate::space::frame::Word::Withdraw.encode(&hash);
    bench.step(|open, step| open.space_heard(step, to, &withdraw));
    let vouch = Body::Vouch {
        proposal,
        reason: String::new(),
    };
    for pen in &mut pens {
        let vouched = pen.says(&bench, vouch.clone());
        bench.hear(&under, &[vouched]);
    }
    assert!(!bench.space().society.ready(bench.now).is_empty());
    let before = bench.count(Table::Outbox);
    for _ in 0..4 {
        bench.now += 2 * DAY;
        bench.step(|open, step| open.space_admissions(step, id));
    }
    assert_eq!(bench.count(Table::Outbox), before);
    // The same proposal is still good.
    offer(&mut bench);
    assert!(!bench.space().record.escorts.is_empty());
    assert!(bench.count(Table::Outbox) > before + 2);
}

#[test]
fn a_welcome_of_the_most_parts_ends_in_steps_that_fit() {
    let told = Welcome {
        operations: talk(550),
        ..Welcome::default()
    };
    let most = usize::try_from(limits::MAX_WELCOME_PARTS).unwrap();
    let bytes = told.encode().len().div_ceil(most);
    assert!(told.encode().len() > bytes * (most - 10));
    for is_cut in [false, true] {
        let mut bench = welcomed_by(Bench::empty(), bytes, 1, &told);
        assert!(bench.again, "some parts are left");
        let left = bench.count(Table::Spaces);
        assert!(left > 1, "{left}");
        match is_cut {
            true => bench.restart(),
            false => bench.rest(),
        }
        assert_eq!(bench.count(Table::Operations), 551);
        assert_eq!(bench.count(Table::Spaces), 1);
        assert!(bench.space().parts.is_empty() && bench.space().whole_welcome().is_none());
        // One that follows has the place to itself.
        let parts = vec![vec![1; 10]; 2];
        let id = bench.id;
        for (number, part) in (0..).zip(parts) {
            bench.step(|open, step| {
                let by = ComradeId([1; 16]);
                open.space_welcome_part(step, by, id, (START + 1, 2), (number, part));
            });
        }
        bench.rest();
        assert_eq!(bench.count(Table::Spaces), 1);
    }
}

#[test]
fn nobody_leaves_a_pin_behind_that_there_is_not() {
    let told = Welcome {
        operations: talk(700),
        pinned: Some([7; 32]),
        ..Welcome::default()
    };
    let mut bench = welcomed_by(Bench::empty(), limits::WELCOME_PART_BYTES, 1, &told);
    assert!(bench.again);
    // The members turn them down in the middle of it.
    bench.space_mut().record.place = Place::NotAdmitted(START);
    bench.rest();
    assert_eq!(bench.space().record.pinned, None);
    assert_eq!(bench.space().society.pinned(), None);
}

#[test]
fn what_was_not_taken_yet_is_not_said_again() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let newcomer = Pen::of(50);
    let to = comrade(&mut bench, 1, &newcomer);
    let (id, hash) = (bench.id, bench.space().id().0);
    bench
        .step(|open, step| open.space_offer(step, id, to))
        .unwrap();
    let yes = crate::space::frame::Word::Answer(true).encode(&hash);
    bench.step(|open, step| open.space_heard(step, to, &yes));
    bench.step(|open, step| open.space_admissions(step, id));
    let proposal = bench.space().record.offers[0].proposal.unwrap();
    for pen in &mut pens {
        let vouch = Body::Vouch {
            proposal: OperationId(*proposal),
            reason: String::new(),
        };
        let vouched = pen.says(&bench, vouch);
        bench.hear(&under, &[vouched]);
    }
    bench.step(|open, step| open.space_admissions(step, id));
    let said = bench.open.comrades[&to].outbox.len();
    assert!(said > 1);
    let later = |bench: &mut Bench| {
        bench.now += limits::WELCOME_AGAIN;
        bench.step(|open, step| open.space_admissions(step, id));
        bench.open.comrades[&to].outbox.len()
    };
    assert_eq!(later(&mut bench), said, "it waits for them");
    let comrade = bench.open.comrades.get_mut(&to).unwrap();
    comrade.outbox.clear();
    assert!(later(&mut bench) > 0, "they have it and do not come");
}

#[test]
fn a_welcome_that_nobody_could_read_is_not_made() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let genesis = bench.space().id();
    for number in 0..limits::MAX_DEVICES_KNOWN + 10 {
        let mut device = [9; 32];
        device[..8].copy_from_slice(&number.to_be_bytes());
        let state = bench.space_mut().devices.entry(device).or_default();
        state.head = Some((1, genesis));
    }
    let told = bench.space().welcome(None).encode();
    let read = Welcome::decode(&told);
    assert!(read.is_ok_and(|it| !it.operations.is_empty()));
}
