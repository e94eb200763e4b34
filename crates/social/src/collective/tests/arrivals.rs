//! What arrives late, and what keys see.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::support::*;
use crate::{
    DeviceId,
    collective::{Body, MAX_MISSING, MAX_WAITING, Taken},
};

#[test]
fn the_keys_see_the_same_devices_at_the_same_heads() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    let before = group.collective.heads();
    group.admit(&mut pens, 9, &[1, 2]);
    let mut second = Pen::device(9, 3);
    let certificate = second.certificate.clone();
    group.does(&mut second, Body::Device { certificate });
    let now = group.collective.heads();
    let devices = group.collective.devices_at(&now).unwrap();
    assert_eq!(devices.len(), 5);
    assert!(devices.is_sorted());
    let own: Vec<DeviceId> = devices
        .iter()
        .filter(|one| one.person == who(9))
        .map(|one| one.device)
        .collect();
    assert_eq!(own.len(), 2);
    assert_eq!(group.collective.devices_at(&before).unwrap().len(), 3);
    let unknown = [crate::OperationId([9; 32])];
    assert_eq!(group.collective.devices_at(&unknown), Err(unknown.to_vec()));
}

#[test]
fn what_is_missing_is_asked_for_and_what_waits_is_bounded() {
    let (mut group, mut pens) = Replica::found(assembly(3), 3);
    for n in 0..4 {
        group.admit(&mut pens, 50 + n, &[1, 2]);
    }
    let mut late = Replica::of(&group.log[..1]);
    for operation in group.log[2..].iter().rev() {
        assert_eq!(late.take(operation).taken, Taken::Waiting);
        assert_eq!(late.take(operation).taken, Taken::Duplicate);
    }
    assert_eq!(late.collective.missing(), [group.log[1].id()]);
    let outcome = late.take(&group.log[1]);
    assert_eq!(outcome.new.len(), group.log.len() - 1);
    assert_eq!((late.collective.waiting(), outcome.gone.len()), (0, 0));
    assert_eq!(late.picture(&[]), group.picture(&[]));
    // Junk of a hundred devices that builds on nothing.
    let space = Some(group.collective.space());
    for n in 0..1_200_u16 {
        let mut pen = Pen::device(200, u8::try_from(n % 100).unwrap());
        let mut head = [0; 32];
        head[..2].copy_from_slice(&n.to_be_bytes());
        let junk = pen.write(space, vec![crate::OperationId(head)], START, Body::Return);
        assert_eq!(group.take(&junk).taken, Taken::Waiting);
    }
    assert_eq!(group.collective.waiting(), MAX_WAITING);
    assert!(group.collective.missing().len() <= MAX_MISSING);
}
