//! Floods: of operations, of what builds on nothing, of claims and of leaf keys.

use super::*;

#[test]
fn what_was_decided_stays_however_long_ago() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    expel(&mut bench, &mut pens);
    let members = bench.space().society.devices().len();
    // As a device of another make might have kept it.
    for known in bench.space_mut().known.values_mut() {
        known.expiry_day = known.expiry_day.min(20_010);
    }
    bench.pass(400 * DAY);
    bench.restart();
    assert_eq!(bench.space().society.devices().len(), members);
    assert!(bench.space().is_in());
}

#[test]
fn what_is_left_of_a_collective_that_is_gone_is_deleted() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let posts: Vec<_> = (0..800)
        .map(|n| pens[1].says(&bench, text(&format!("{n}"))))
        .collect();
    bench.hear(&under, &posts);
    let key = (Table::Spaces, places::record(bench.id));
    bench.store.remove(&key);
    bench.restart();
    assert_eq!(bench.count(Table::Spaces), 0);
    assert_eq!(bench.count(Table::Operations), 0);
}

#[test]
fn what_can_never_count_does_not_stay_in_the_store() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    // Nobody rests, and a stranger says nothing here. What was decided stays all the same: it was taken once, and others may build on
    // it.
    let refused = pens[1].says(&bench, Body::Return);
    let strange = Pen::of(60).says(&bench, text("hello"));
    let id = bench.id;
    let before = bench.count(Table::Operations);
    for operation in [&refused, &strange] {
        let arrival = bench.space_mut().record.take_arrival();
        bench.step(|_, step| {
            let record = super::super::OperationRecord {
                bytes: operation.as_bytes().to_vec(),
                commit: None,
                ordinal: None,
                day: 20_000,
            };
            let value = crate::records::encode(&record);
            step.write(Table::Operations, places::operation(id, arrival), value);
            step.touched.spaces.insert(id);
        });
    }
    assert_eq!(bench.count(Table::Operations), before + 2);
    bench.restart();
    assert_eq!(bench.count(Table::Operations), before + 1);
    assert!(!bench.space().known[&refused.id()].is_placed && !bench.knows(&strange));
    assert!(bench.space().society.operation(refused.id()).is_none());
}

#[test]
fn a_flood_of_posts_fits_in_its_steps() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let mut bundles = Vec::new();
    for n in 0..14 {
        let posts: Vec<_> = (0..64)
            .map(|k| pens[0].says(&bench, text(&format!("{n} {k}"))))
            .collect();
        bundles.push(bundle(&posts));
    }
    bench.arrive(&under, &bundles);
    // The power goes before all of them are shown.
    assert!(bench.again && bench.count(Table::Posts) < 14 * 64);
    bench.restart();
    assert_eq!(bench.count(Table::Posts), 14 * 64);
    assert!(bench.space().waiting.is_empty());
    let shown = bench.space().known.values();
    assert!(shown.filter(|it| it.is_said).all(|it| it.ordinal.is_some()));
}

#[test]
fn what_is_forgotten_at_once_is_deleted_step_by_step() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    bench.space_mut().gone = (10_000..12_000).collect();
    bench.hear(&under, &[pens[1].says(&bench, decide("?".into()))]);
    assert!(bench.space().gone.is_empty());
}

#[test]
fn what_is_dated_ahead_waits_for_its_day() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let ahead = pens[0].says_at(&bench, bench.now + 31 * DAY, decide("ahead".into()));
    let honest = pens[1].says_at(&bench, bench.now + HOUR, decide("honest".into()));
    bench.arrive(&under, &[bundle(&[ahead.clone(), honest.clone()])]);
    assert!(!bench.knows(&ahead) && bench.knows(&honest));
    bench.pass(29 * DAY);
    assert!(!bench.knows(&ahead));
    bench.pass(DAY + HOUR);
    assert!(bench.knows(&ahead));
    assert!(bench.space().waiting.is_empty());
}

#[test]
fn a_decision_is_seen_behind_many_younger_proposals() {
    let mut pens: Vec<Pen> = (1..=15).map(Pen::of).collect();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let person = pens[14].person;
    let rest = pens[0].says(&bench, propose(Subject::Rest { person }));
    bench.arrive(&under, &[bundle(std::slice::from_ref(&rest))]);
    for pen in &mut pens[..9] {
        let vote = pen.says(&bench, ballot(rest.id()));
        bench.arrive(&under, &[bundle(&[vote])]);
    }
    let mut count = 0;
    for round in 0..3 {
        for pen in &mut pens {
            for n in 0..5 {
                let proposed = pen.says(&bench, decide(format!("{round} {n}")));
                bench.arrive(&under, &[bundle(&[proposed])]);
                count += 1;
            }
        }
        bench.now += 8 * DAY;
    }
    assert!(count > 200);
    let ready = bench.space().society.ready(bench.now);
    assert_eq!(ready[0].id, rest.id());
}

#[test]
fn nobody_fills_what_all_may_say() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let long = "x".repeat(19_000);
    let mut taken = 0;
    for n in 0..140 {
        let mut fields = pens[0].fields(
            &bench,
            bench.space().society.heads(),
            text(&format!("{n}{long}")),
        );
        // For ever.
        fields.expiry_day = u32::MAX;
        let post = pens[0].sign(fields);
        bench.arrive(&under, &[bundle(std::slice::from_ref(&post))]);
        taken += usize::from(bench.knows(&post));
    }
    let share = limits::MAX_OPERATION_BYTES / limits::PERSON_SHARE;
    assert!((100..140).contains(&taken), "{taken}");
    let known = bench.space().known.values().filter(|it| it.is_said);
    let bytes: usize = known.map(|it| it.bytes.len()).sum();
    assert!(bytes < share + 20_000, "{bytes}");
    // Others are heard, and everybody's names, homes and seeds.
    let root = bench.space().root().unwrap().0;
    let seed = Body::Seed {
        commit: [1; 32],
        member_root: root,
    };
    let said = [
        pens[1].says(&bench, text("hello")),
        pens[0].says(&bench, Body::Profile { name: "M".into() }),
        pens[0].says(&bench, houses(1)),
        pens[0].says(&bench, seed),
    ];
    bench.hear(&under, &said);
    assert!(said.iter().all(|it| bench.knows(it)));
    // What was to stay for ever goes when its time is over by the rules.
    bench.pass(93 * DAY);
    assert!(!bench.space().known.values().any(|it| it.is_said));
    assert_eq!(bench.count(Table::Posts), 0);
}

#[test]
fn of_what_a_device_says_of_itself_the_newest_is_kept() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let before = bench.count(Table::Operations);
    for n in 0..100 {
        bench.now += 1;
        let name = format!("Mallory {n}");
        let profile = pens[0].says(&bench, Body::Profile { name });
        bench.hear(&under, &[profile]);
    }
    assert_eq!(bench.space().name_of(&pens[0].person), "Mallory 99");
    let kept = bench.count(Table::Operations) - before;
    assert_eq!(kept, limits::MAX_STANDING);
    // One that comes late changes nothing.
    bench.now -= 1_000;
    let late = pens[0].says(
        &bench,
        Body::Profile {
            name: "late".into(),
        },
    );
    bench.now += 1_000;
    bench.hear(&under, &[late]);
    bench.restart();
    assert_eq!(bench.space().name_of(&pens[0].person), "Mallory 99");
    assert_eq!(
        bench.count(Table::Operations) - before,
        limits::MAX_STANDING
    );
}

#[test]
fn a_removed_member_makes_nothing_wait() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let old = bench.newest();
    expel(&mut bench, &mut pens);
    bench.reseed();
    let mut junk = Vec::new();
    for n in 0..4_u16 {
        let context = (512 * n..512 * (n + 1)).map(invented).collect();
        junk.push(pens[0].builds_on(&bench, context, Body::Return));
        // By whoever is nobody.
        let mut nobody = Pen::of(100 + u8::try_from(n).unwrap());
        junk.push(nobody.builds_on(&bench, vec![invented(n)], text("junk")));
    }
    let honest = pens[1].builds_on(&bench, vec![invented(9_999)], text("honest"));
    for one in &junk {
        bench.hear(&old, std::slice::from_ref(one));
    }
    assert!(bench.space().wanted.is_empty());
    assert!(!junk.iter().any(|it| bench.knows(it)));
    bench.hear(&old, std::slice::from_ref(&honest));
    assert!(bench.knows(&honest));
    assert!(bench.space().wanted.contains_key(&invented(9_999)));
}

#[test]
fn a_member_has_no_more_than_a_share_of_what_waits() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let [mallory, ana, _] = &mut pens;
    let mut junk = Vec::new();
    for n in 0..200_u16 {
        let context = (20 * n..20 * (n + 1)).map(invented).collect();
        junk.push(mallory.builds_on(&bench, context, decide(format!("{n}"))));
        junk.push(mallory.builds_on(&bench, vec![invented(n)], text("junk")));
        let mut nobody = Pen::of(100 + u8::try_from(n % 100).unwrap());
        junk.push(nobody.builds_on(&bench, vec![invented(n)], text("junk")));
    }
    bench.hear(&under, &junk);
    let space = bench.space();
    assert_eq!(space.unplaced.len(), limits::MAX_UNPLACED_EACH);
    let most = limits::MAX_PENDING_EACH + limits::MAX_UNKNOWN;
    assert!(space.pending.len() <= most, "{}", space.pending.len());
    let named = |bench: &Bench, person| {
        let wanted = bench.space().wanted.values();
        wanted.filter(|it| it.by == person).count()
    };
    assert_eq!(named(&bench, mallory.person), limits::MAX_WANTED_EACH);
    // What somebody else lacks is asked for, too: the highest of all ids.
    let high = OperationId([0xff; 32]);
    let honest = ana.builds_on(&bench, vec![high], text("honest"));
    bench.hear(&under, &[honest]);
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let missing: Missing = bench.space().missing(&mut rng);
    assert!(missing.heads().contains(&high.0));
    // And after thirty days what nobody has is given up, however often the vault is opened.
    for _ in 0..4 {
        bench.pass(10 * DAY);
        bench.restart();
    }
    assert_eq!(named(&bench, mallory.person), 0);
}

#[test]
fn loads_under_an_old_seed_crowd_out_none_under_the_new_one() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let old = bench.newest();
    let new = bench.reseed();
    let arrive = |bench: &mut Bench, under: &Commit, lacks: [u8; 32], days| {
        // Version, suite, commitment, and nothing that could be opened.
        let control = [&[1, 1][..], &lacks, &[0; 40]].concat();
        let load = Load {
            control: Some(control),
            ..Load::default()
        };
        let envelope = bench.envelope(under, &load, days);
        let id = bench.id;
        bench.step(|open, step| open.space_put_here(step, id, under, &envelope));
        envelope.id().0
    };
    let honest = arrive(&mut bench, &new, [0xff; 32], 2);
    for n in 0..400 {
        arrive(&mut bench, &old, invented(n).0, 30);
    }
    assert_eq!(bench.space().waiting.len(), limits::MAX_WAITING_LOADS);
    assert!(bench.space().waiting.contains_key(&honest));
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let missing: Missing = bench.space().missing(&mut rng);
    assert!(missing.seeds().contains(&Commit([0xff; 32])));
}

#[test]
fn leaf_keys_are_kept_of_members_alone() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let group = bench.space().group();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut leaf = |key: &DeviceKey| {
        let mut ring = komrade_crypto::group::LeafRing::new();
        ring.renew(20_000, 0, &mut rng).unwrap();
        ring.record(&group, key).unwrap().encode()
    };
    let invented: Vec<_> = (0..20)
        .map(|n| leaf(&DeviceKey::from_bytes(&[50 + n; 32])))
        .collect();
    let before = bench.space().devices.len();
    let leaves = |leaves| Bundle {
        leaves,
        ..Bundle::default()
    };
    let members = vec![leaf(&pens[0].key), leaf(&pens[1].key)];
    bench.arrive(&under, &[leaves(invented), leaves(members)]);
    assert!(bench.space().devices.len() <= before + 2);
    let has_leaf = |bench: &Bench, pen: &Pen| {
        let device = bench.space().devices.get(&pen.id());
        device.is_some_and(|it| it.leaf.is_some())
    };
    assert!(has_leaf(&bench, &pens[0]) && has_leaf(&bench, &pens[1]));
    // That of whoever went is kept for as long as they may have to be told.
    expel(&mut bench, &mut pens);
    bench.pass(DAY);
    assert!(has_leaf(&bench, &pens[0]));
    bench.pass(u64::from(komrade_crypto::group::rules::LASTING_DAYS) * DAY);
    assert!(!has_leaf(&bench, &pens[0]) && has_leaf(&bench, &pens[1]));
    let key = places::leaf(bench.id, &pens[0].id());
    assert!(!bench.store.contains_key(&(Table::Spaces, key)));
}

#[test]
fn a_leaf_key_of_a_day_to_come_locks_no_device_out() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let under = bench.newest();
    let group = bench.space().group();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let today = u32::try_from(bench.now / DAY).unwrap();
    let device = pens[0].id();
    for (day, is_taken) in [(today + 1, true), (today + 2, false), (today + 400, false)] {
        let mut ring = komrade_crypto::group::LeafRing::new();
        ring.renew(day, day - today, &mut rng).unwrap();
        let leaf = ring.record(&group, &pens[0].key).unwrap();
        let arrives = Bundle {
            leaves: vec![leaf.encode()],
            ..Bundle::default()
        };
        bench.arrive(&under, &[arrives]);
        let known = &bench.space().devices[&device].leaf;
        assert_eq!(known.as_ref() == Some(&leaf), is_taken, "{day}");
    }
}

#[test]
fn claims_of_others_do_not_stand_in_the_way_of_a_seed() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let commit = bench.newest();
    let told = bench.space().keys.told(&commit).unwrap();
    let root = bench.space().root().unwrap().0;
    for (n, member_root) in [(0, [7; 32]), (1, root), (2, [8; 32]), (3, root)] {
        // One with a low id, and one of a time long ago.
        let seed = |member_root| Body::Seed {
            commit: commit.0,
            member_root,
        };
        let time = if n > 1 { 1 } else { bench.now };
        let mut pen = Pen::of(1);
        pen.sequence = 10 + n;
        pen.previous = Some(invented(n.try_into().unwrap()));
        let claim = pen.says_at(&bench, time, seed(member_root));
        bench.hear(&commit, &[claim]);
    }
    assert!(bench.space().told_seeds.len() > 2);
    let operations = bench.space().seed_operations(&commit);
    let [operation] = operations.as_slice() else {
        panic!("{} operations", operations.len());
    };
    assert_eq!(Operation::decode(operation).unwrap().id(), told);
    bench.restart();
    assert_eq!(bench.space().keys.told(&commit), Some(told));
    // It is sealed again to whoever it is for.
    let group = bench.space().group();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut ring = komrade_crypto::group::LeafRing::new();
    ring.renew(20_000, 0, &mut rng).unwrap();
    let leaf = ring.record(&group, &pens[1].key).unwrap();
    let (id, device) = (bench.id, pens[1].id());
    bench.step(|open, step| open.space_take_leaf(step, id, leaf));
    let pack = bench.space_mut().pack_for(&commit, &device, &mut rng);
    assert!(pack.is_some());
}

#[test]
fn a_seed_that_comes_late_opens_a_whole_row_of_others() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let group = bench.space().group();
    let root = bench.space().root().unwrap();
    let id = bench.id;
    bench.step(|open, step| open.space_renew_leaf(step, id, false));
    let own = bench.space().own.device;
    let first = bench.newest();
    // Each seed comes under the one before, with the operation that tells of it; all but the first before the one before.
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let mut before = None;
    let mut envelopes = Vec::new();
    for n in 0..40_u64 {
        let seed = Seed::draw(group, root, &mut rng);
        let leaf = bench.space().devices[&own].leaf.as_ref().unwrap();
        let slice = seed.slice(leaf.key(), &mut rng).unwrap();
        let body = Body::Seed {
            commit: seed.commit().0,
            member_root: root.0,
        };
        let told = pens[1].says_at(&bench, bench.now + n, body);
        let control = seed
            .lasting()
            .seal_control(&bundle(&[told]).encode(), &mut rng);
        let load = Load {
            control: Some(control.unwrap()),
            pack: Some(seed.pack(&[slice]).unwrap()),
            ..Load::default()
        };
        let body = load.encode();
        let mut nonce = [1; 12];
        nonce[..8].copy_from_slice(&n.to_be_bytes());
        let own_keys;
        let lasting = match &before {
            None => bench.space().keys.get(&first).unwrap().lasting(),
            Some(before) => {
                own_keys = Seed::lasting(before);
                &own_keys
            }
        };
        let header = Header {
            class: Class::smallest_for(body.len(), false).unwrap(),
            bucket: 0x8000,
            expiry: expiry(bench.now, 30 * DAY),
            nonce,
            hint: lasting.detection().hint(&nonce),
        };
        let content = pad(&body, header.class.padded_bytes()).unwrap();
        let sealed = lasting.outer().seal(&nonce, &header.encode(), &content);
        envelopes.push(Envelope::new(header, &sealed.unwrap()).unwrap());
        before = Some(seed);
    }
    bench.step(|open, step| {
        for envelope in envelopes[1..].iter().rev() {
            assert!(open.find_space(envelope.header()).is_none());
            open.note_stranger(envelope);
        }
        open.space_put_here(step, id, &first, &envelopes[0]);
    });
    bench.rest();
    let last = before.unwrap().commit();
    assert!(bench.space().keys.get(&last).unwrap().is_accepted());
    assert!(!bench.open.spaces.is_following && bench.open.spaces.renewed.is_empty());
}
