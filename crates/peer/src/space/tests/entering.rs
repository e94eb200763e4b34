//! Who comes in, or comes back: what others say of them, and what they are given.

use komrade_view::{ComradeId, ComradeState, Refusal};

use super::{
    welcome::{comrade, founds, welcomed, welcomed_by},
    *,
};
use crate::space::frame::Welcome;

/// The owner of the vault, who was in it before, is welcomed by somebody who says this of the numbers of their device, and in
/// operations that may be signed by whoever.
fn comes_back(floor: u64, lies: impl Fn(&Bench, &mut Pen, &Pen) -> Vec<Vec<u8>>) -> (Bench, u64) {
    let mut ana = Pen::of(2);
    let founders = vec![ana.certificate.clone()];
    let genesis = founds(&mut ana, founders);
    let mut told = Welcome {
        operations: vec![genesis.as_bytes().to_vec()],
        ..Welcome::default()
    };
    let bench = welcomed(1, &told);
    let mut own = Pen {
        person: bench.open.device.person(),
        key: bench.open.device.key().clone(),
        certificate: bench.open.device.certificate().clone(),
        sequence: 0,
        previous: None,
    };
    let (person, name) = (own.person, "Vera".into());
    let admit = propose(Subject::Admit { person, name });
    let proposed = ana.builds_on(&bench, vec![genesis.id()], admit);
    let (proposal, reason) = (proposed.id(), String::new());
    let vouch = Body::Vouch { proposal, reason };
    let vouched = ana.builds_on(&bench, vec![proposal], vouch);
    let accept = Body::Accept {
        proposal,
        certificate: own.certificate.clone(),
    };
    let accepted = own.builds_on(&bench, vec![vouched.id()], accept);
    let left = own.builds_on(&bench, vec![accepted.id()], Body::Leave);
    let all = [proposed, vouched, accepted, left];
    let operations = all.iter().map(|it| it.as_bytes().to_vec());
    told.operations.extend(operations);
    told.operations.extend(lies(&bench, &mut ana, &own));
    told.floors = vec![(own.id(), floor)];
    let mut bench = Bench::empty();
    comrade(&mut bench, 1, &ana);
    let mut bench = welcomed_by(bench, limits::WELCOME_PART_BYTES, 1, &told);
    bench.rest();
    (bench, own.sequence)
}

#[test]
fn nobody_pushes_the_numbers_of_whoever_comes_back() {
    let no_lies = |_: &Bench, _: &mut Pen, _: &Pen| Vec::new();
    // They said more than what is shown.
    let (bench, last) = comes_back(40, no_lies);
    assert_eq!((bench.space().record.sequence, last), (40, 2));
    let claims = |bench: &Bench, ana: &mut Pen, own: &Pen| {
        let mut seen = ana.fields(bench, vec![bench.space().id()], decide("?".into()));
        seen.seen.push(Head {
            device: DeviceId(own.id()),
            sequence: u64::MAX,
            id: invented(0),
        });
        vec![ana.sign(seen).as_bytes().to_vec()]
    };
    let (bench, last) = comes_back(u64::MAX, claims);
    assert!(bench.space().record.sequence <= last + limits::FLOOR_AHEAD);
    let forges = |bench: &Bench, ana: &mut Pen, own: &Pen| {
        let name = "Vera".into();
        let mut forged = ana.fields(bench, vec![bench.space().id()], Body::Profile { name });
        (forged.device, forged.person) = (DeviceId(own.id()), own.person);
        forged.sequence = u64::MAX;
        let forged = Operation::sign(forged, &own.key).unwrap();
        let mut bytes = forged.as_bytes().to_vec();
        bytes[5] ^= 1;
        vec![bytes]
    };
    let (bench, last) = comes_back(u64::MAX, forges);
    assert!(bench.space().record.sequence <= last + limits::FLOOR_AHEAD);
}

#[test]
fn whoever_is_in_already_gets_no_history_by_entering_once_more() {
    let mut pens = three();
    let mut bench = Bench::found_sharing(&mut pens, true);
    let id = bench.id;
    let before = bench.newest();
    let post = pens[1].says(&bench, text("among us"));
    bench.hear(&before, &[post]);
    bench.reseed();
    let by = comrade(&mut bench, 1, &pens[0]);
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut ring = komrade_crypto::group::LeafRing::new();
    ring.renew(20_000, 0, &mut rng).unwrap();
    let leaf = ring.record(&bench.space().group(), &pens[0].key).unwrap();
    for n in 0..3 {
        // It builds on what nobody has.
        let accept = Body::Accept {
            proposal: invented(n),
            certificate: pens[0].certificate.clone(),
        };
        let accept = pens[0].builds_on(&bench, vec![invented(n)], accept);
        let (operations, leaf) = (vec![accept.as_bytes().to_vec()], leaf.encode());
        bench.step(|open, step| {
            open.space_entering(step, by, id, operations, leaf);
            open.space_admissions(step, id);
        });
        bench.rest();
        assert!(bench.knows(&accept));
    }
    assert!(bench.open.comrades[&by].outbox.is_empty());
    // Nor if it had its place: another brought them in.
    let (device, chosen) = (pens[0].id(), bench.newest());
    let escort = &mut bench.space_mut().record.escorts[0];
    (escort.entered, escort.seed) = (Some((device.into(), 1)), Some(chosen));
    bench.step(|open, step| open.space_give_history(step, id));
    bench.rest();
    assert!(bench.open.comrades[&by].outbox.is_empty());
}

#[test]
fn asking_by_a_link_confirms_nobody_who_carries_a_warning() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let (id, somebody) = (bench.id, Pen::of(50));
    let by: ComradeId = comrade(&mut bench, 1, &somebody);
    let is_linked = |bench: &Bench| {
        let state = bench.open.comrades[&by].record.state;
        (state, bench.space().record.place == Place::Linked { by })
    };
    let again = ComradeState::AskingAgain;
    for (state, after) in [
        (again, Err(Refusal::NotConfirmed)),
        (ComradeState::Asking, Ok(())),
    ] {
        bench.open.comrades.get_mut(&by).unwrap().record.state = state;
        bench.space_mut().record.place = Place::Linked { by };
        let done = bench.step(|open, step| open.space_apply(step, id, String::new()));
        assert_eq!(done.map(|_| ()), after);
        match after {
            Ok(()) => assert_eq!(is_linked(&bench), (ComradeState::Met, false)),
            Err(_) => assert_eq!(is_linked(&bench), (again, true)),
        }
    }
}

#[test]
fn whoever_is_told_to_be_turned_down_and_has_keys_is_in() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let (id, now) = (bench.id, bench.now);
    for has_keys in [true, false] {
        if !has_keys {
            for commit in bench.space().keys.newest_first() {
                bench.space_mut().keys.remove(&commit);
            }
        }
        bench.space_mut().record.place = Place::NotAdmitted(now);
        bench.step(|open, step| open.space_membership(step, id));
        let is_in = bench.space().record.place == Place::Member;
        assert_eq!(is_in, has_keys);
    }
}
