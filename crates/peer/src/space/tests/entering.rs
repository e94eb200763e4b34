//! Who comes in, or comes back: what others say of them, and what they are given.

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
