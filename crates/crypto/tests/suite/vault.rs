//! Passphrases, header, ring, records.

use komrade_crypto::{
    DecodeError, OpenError,
    vault::{
        GENERATION_DAYS, HEADER_BYTES, Header, MAX_GENERATIONS, MasterKey, Params, PassphraseError,
        Place, RECORD_OVERHEAD_BYTES, Recipe, Ring, RingFull, Slot, StretchJob, VaultError,
        check_passphrase, draw_passphrase, generation_of,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use zeroize::Zeroizing;

use crate::{nfkd, rng};

const TODAY: u32 = 20_700;

fn recipe() -> Recipe {
    Recipe::draw(Params::FLOOR, &mut rng(1)).unwrap()
}

fn master() -> MasterKey {
    MasterKey::draw(&mut rng(2))
}

fn header() -> Header {
    Header::new(recipe(), &[1; 32], &master(), &mut rng(3)).unwrap()
}

#[test]
fn a_generated_passphrase_has_six_words_and_will_do() {
    let one = draw_passphrase(&mut rng(1));
    assert_eq!(one.split(' ').count(), 6);
    assert_eq!(check_passphrase(&one), Ok(()));
    assert_ne!(one, draw_passphrase(&mut rng(2)));
}

#[test]
fn short_and_endless_passphrases_are_refused() {
    assert_eq!(
        check_passphrase("elevenchars"),
        Err(PassphraseError::TooShort)
    );
    assert_eq!(check_passphrase("twelve chars"), Ok(()));
    assert_eq!(check_passphrase("двенадцать б"), Ok(()));
    assert_eq!(
        check_passphrase(&"x".repeat(1_025)),
        Err(PassphraseError::TooLong)
    );
}

#[test]
fn a_passphrase_is_the_same_from_every_keyboard() {
    let (composed, decomposed) = (
        "caf\u{e9} caf\u{e9} caf\u{e9}",
        "cafe\u{301} cafe\u{301} cafe\u{301}",
    );
    assert_eq!(stretched(composed), stretched(decomposed));
    assert_ne!(stretched(composed), stretched("cafe cafe cafe"));
}

#[test]
fn how_widely_a_passphrase_is_spaced_does_not_matter() {
    let key = stretched("correct horse battery");
    for typed in [
        " correct horse battery",
        "correct horse battery\n",
        "correct  horse\t battery ",
        "\u{a0}correct\u{3000}horse\r\nbattery",
    ] {
        assert_eq!(stretched(typed), key, "{typed:?}");
    }
    assert_ne!(stretched("correcthorse battery"), key);
    assert_ne!(stretched("Correct horse battery"), key);
    assert_eq!(
        check_passphrase("  eleven    chars  "),
        Ok(()),
        "twelve with its one space"
    );
    assert_eq!(
        check_passphrase("  seven     chars "),
        Err(PassphraseError::TooShort)
    );
}

fn stretched(passphrase: &str) -> Zeroizing<[u8; 32]> {
    recipe().job(passphrase).unwrap().run(nfkd).unwrap()
}

#[test]
fn a_browser_decomposes_as_every_other_host_does() {
    for (typed, decomposed) in [
        ("only ASCII, 0-9", "only ASCII, 0-9"),
        ("\u{e9}\u{fb01}\u{ff21}\u{2460}", "e\u{301}fiA1"),
        ("\u{ac00}\u{1e9b}\u{323}", "\u{1100}\u{1161}s\u{323}\u{307}"),
        (
            "\u{fdfa}",
            "\u{635}\u{644}\u{649} \u{627}\u{644}\u{644}\u{647} \u{639}\u{644}\u{64a}\u{647} \u{648}\u{633}\u{644}\u{645}",
        ),
        ("\u{1f9a9}\u{1d7d8}\u{2f800}", "\u{1f9a9}0\u{4e3d}"),
    ] {
        assert_eq!(*nfkd(typed), decomposed);
    }
}

#[test]
fn a_job_gives_the_same_key_in_the_worker() {
    let job = recipe().job("correct horse battery").unwrap();
    let in_the_worker = StretchJob::from_bytes(&job.to_bytes()).unwrap();
    assert_eq!(in_the_worker, job);
    let key = in_the_worker.run(nfkd).unwrap();
    assert_eq!(key, job.run(nfkd).unwrap());
    assert_ne!(key, stretched("correct horse batterz"));
    let other_salt = Recipe::draw(Params::FLOOR, &mut rng(9)).unwrap();
    assert_ne!(
        key,
        other_salt
            .job("correct horse battery")
            .unwrap()
            .run(nfkd)
            .unwrap()
    );
}

#[test]
fn the_default_is_sixty_four_mebibytes_and_three_passes() {
    assert_eq!(
        Params::DEFAULT,
        Params {
            memory: 65_536,
            passes: 3,
            lanes: 1
        }
    );
    assert_eq!(
        Params::FLOOR,
        Params {
            memory: 19_456,
            passes: 2,
            lanes: 1
        }
    );
}

#[test]
fn weak_and_absurd_params_are_refused_wherever_they_come_from() {
    for params in [
        Params {
            memory: 19_455,
            ..Params::FLOOR
        },
        Params {
            passes: 1,
            ..Params::FLOOR
        },
        Params {
            lanes: 0,
            ..Params::FLOOR
        },
        Params {
            memory: u32::MAX,
            ..Params::FLOOR
        },
        Params {
            passes: u32::MAX,
            ..Params::FLOOR
        },
        Params {
            lanes: 5,
            ..Params::FLOOR
        },
    ] {
        assert_eq!(Recipe::draw(params, &mut rng(1)), None);
        let mut bytes = header().encode();
        bytes[18..22].copy_from_slice(&params.memory.to_be_bytes());
        bytes[22..26].copy_from_slice(&params.passes.to_be_bytes());
        bytes[26..30].copy_from_slice(&params.lanes.to_be_bytes());
        assert_eq!(Header::decode(&bytes), Err(DecodeError::OutOfBounds));
    }
}

#[test]
fn a_header_opens_with_its_passphrase_only() {
    let header = Header::decode(&header().encode()).unwrap();
    assert_eq!(header.encode().len(), HEADER_BYTES);
    assert_eq!(header.unwrap(&[1; 32]).unwrap().1, master());
    assert_eq!(header.unwrap(&[2; 32]), Err(OpenError));
}

#[test]
fn a_passphrase_is_changed_in_its_slot_and_the_other_stays() {
    let mut header = header();
    let before = header.encode();
    let (slot, master) = header.unwrap(&[1; 32]).unwrap();
    header.wrap(slot, &[2; 32], &master, &mut rng(4)).unwrap();
    assert_eq!(header.unwrap(&[2; 32]), Ok((slot, master)));
    assert_eq!(header.unwrap(&[1; 32]), Err(OpenError));
    let after = header.encode();
    let (used, other) = match slot {
        Slot::First => (30..90, 90..150),
        Slot::Second => (90..150, 30..90),
    };
    assert_ne!(before[used.clone()], after[used]);
    assert_eq!(before[other.clone()], after[other]);
}

#[test]
fn either_slot_may_be_the_one_in_use_and_both_can_be() {
    let slots: Vec<_> = (0..40)
        .map(|seed| {
            let header = Header::new(recipe(), &[1; 32], &master(), &mut rng(seed)).unwrap();
            header.unwrap(&[1; 32]).unwrap().0
        })
        .collect();
    assert!(slots.contains(&Slot::First) && slots.contains(&Slot::Second));

    let mut header = header();
    let free = match header.unwrap(&[1; 32]).unwrap().0 {
        Slot::First => Slot::Second,
        Slot::Second => Slot::First,
    };
    let other = MasterKey::draw(&mut rng(8));
    header.wrap(free, &[2; 32], &other, &mut rng(9)).unwrap();
    assert_eq!(header.unwrap(&[1; 32]).unwrap().1, master());
    assert_eq!(header.unwrap(&[2; 32]), Ok((free, other)));
}

#[test]
fn no_byte_that_matters_of_a_header_can_be_changed() {
    let header = header();
    let (slot, _) = header.unwrap(&[1; 32]).unwrap();
    let bytes = header.encode();
    let unused = match slot {
        Slot::First => 90..150,
        Slot::Second => 30..90,
    };
    for place in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[place] ^= 1;
        let opened = Header::decode(&wrong).is_ok_and(|header| header.unwrap(&[1; 32]).is_ok());
        assert_eq!(opened, unused.contains(&place), "byte {place}");
        assert!(Header::decode(&bytes[..place]).is_err());
    }
}

#[test]
fn a_ring_opens_under_its_master_key_only() {
    let mut ring = Ring::new(TODAY, &mut rng(1));
    ring.begin(TODAY + 7, &mut rng(2)).unwrap();
    let sealed = ring.seal(&master(), &mut rng(3)).unwrap();
    assert!(Ring::open(&master(), &sealed).unwrap() == ring);
    let wrong = Ring::open(&MasterKey::draw(&mut rng(9)), &sealed);
    assert_eq!(wrong.unwrap_err(), VaultError::Open(OpenError));
    for place in 0..sealed.len() {
        let mut wrong = sealed.clone();
        wrong[place] ^= 1;
        assert!(Ring::open(&master(), &wrong).is_err(), "byte {place}");
        assert!(Ring::open(&master(), &sealed[..place]).is_err());
    }
}

#[test]
fn a_record_opens_in_its_own_place_only() {
    let ring = Ring::new(TODAY, &mut rng(1));
    let place = Place {
        table: 4,
        schema: 1,
        key: b"key",
    };
    let sealed = ring.seal_record(&place, b"text", &mut rng(2)).unwrap();
    assert_eq!(sealed.len(), 4 + RECORD_OVERHEAD_BYTES);
    assert_eq!(
        ring.open_record(&place, &sealed).unwrap().as_slice(),
        b"text"
    );
    for other in [
        Place { table: 5, ..place },
        Place { schema: 2, ..place },
        Place {
            key: b"kex",
            ..place
        },
        Place {
            key: b"key2",
            ..place
        },
        Place { key: b"", ..place },
    ] {
        assert_eq!(
            ring.open_record(&other, &sealed),
            Err(VaultError::Open(OpenError))
        );
    }
    for byte in 0..sealed.len() {
        let mut wrong = sealed.clone();
        wrong[byte] ^= 1;
        assert!(ring.open_record(&place, &wrong).is_err(), "byte {byte}");
        assert!(ring.open_record(&place, &sealed[..byte]).is_err());
    }
}

#[test]
fn generations_come_weekly_and_go_when_nothing_lives_in_them() {
    let rng = &mut rng(1);
    let place = Place {
        table: 4,
        schema: 1,
        key: b"key",
    };
    let mut ring = Ring::new(TODAY, rng);
    assert!(!ring.is_due(TODAY + GENERATION_DAYS - 1));
    assert!(
        !ring.is_due(TODAY - 100),
        "a clock set back makes nothing due"
    );
    assert!(ring.is_due(TODAY + GENERATION_DAYS));

    let old = ring.seal_record(&place, b"old", rng).unwrap();
    assert_eq!(ring.begin(TODAY + GENERATION_DAYS, rng), Ok(2));
    assert!(!ring.is_due(TODAY + GENERATION_DAYS));
    let new = ring.seal_record(&place, b"new", rng).unwrap();
    assert_eq!((generation_of(&old), generation_of(&new)), (Ok(1), Ok(2)));
    assert_eq!(ring.open_record(&place, &old).unwrap().as_slice(), b"old");

    assert!(!ring.retire(2), "the newest stays");
    assert!(ring.retire(1) && !ring.retire(1));
    assert_eq!(
        ring.open_record(&place, &old),
        Err(VaultError::UnknownGeneration)
    );
    assert_eq!(ring.open_record(&place, &new).unwrap().as_slice(), b"new");
    assert_eq!(ring.generations().collect::<Vec<_>>(), [2]);
}

#[test]
fn generations_are_bounded() {
    let rng = &mut rng(1);
    let mut ring = Ring::new(TODAY, rng);
    for _ in 1..MAX_GENERATIONS {
        ring.begin(TODAY, rng).unwrap();
    }
    assert_eq!(ring.begin(TODAY, rng), Err(RingFull));
    let sealed = ring.seal(&master(), rng).unwrap();
    assert!(Ring::open(&master(), &sealed).unwrap() == ring);
}
