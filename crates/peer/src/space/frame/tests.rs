#![allow(clippy::unwrap_used)]

use komrade_crypto::group::Commit;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who asks in [`asked`].
const ASKED_BY: &str = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
/// Their signature, as another library gives it.
const ASKED_SIGNATURE: &str = concat!(
    "af7614f4a48f57af61aea276b1707fbbdad6495a14208579c864eda87eb0f688",
    "3f54877afdacf188d435f00326097f39660e4e079639a6b0c49ff29d3477b800",
);

fn load() -> Load {
    Load {
        content: Some(vec![1]),
        control: Some(vec![2, 3]),
        pack: Some(vec![4]),
        is_answer: true,
        archive: None,
    }
}

fn archived() -> Load {
    Load {
        archive: Some(vec![5]),
        ..load()
    }
}

/// A question as a device signs it.
fn asked() -> Asked {
    let missing = Missing::new([Commit([5; 32])], [[6; 32]]);
    Asked::sign(&[1; 32], missing, 9, &DeviceKey::from_bytes(&[7; 32]))
}

fn bundle() -> Bundle {
    Bundle {
        operations: vec![vec![1], vec![2, 3]],
        leaves: vec![vec![4]],
        asked: Some(asked()),
    }
}

fn words() -> Vec<Word> {
    vec![
        Word::Offer {
            name: "Tenants".into(),
            rules: vec![1, 2],
            members: 3,
        },
        Word::Answer(true),
        Word::Answer(false),
        Word::Welcome {
            made_at: 9,
            number: 1,
            of: 2,
            part: vec![7],
        },
        Word::Enter {
            operations: vec![vec![1], vec![2]],
            leaf: vec![3],
        },
        Word::Keys(load()),
        Word::NotAdmitted,
        Word::Ask("hello".into()),
        Word::Progress(Progress {
            vouches: Some((3, 5)),
            ballots: None,
            until: 300,
        }),
        Word::Withdraw,
    ]
}

fn welcome() -> Welcome {
    Welcome {
        operations: vec![vec![1], vec![2]],
        leaves: vec![vec![3]],
        floors: vec![([4; 32], 5)],
        pinned: None,
    }
}

fn pinned() -> Welcome {
    Welcome {
        pinned: Some([6; 32]),
        ..welcome()
    }
}

#[test]
fn all_of_it_comes_back() {
    for load in [Load::default(), load(), archived()] {
        assert!(Load::decode(&load.encode()).unwrap() == load);
    }
    for bundle in [Bundle::default(), bundle()] {
        assert!(Bundle::decode(&bundle.encode()).unwrap() == bundle);
    }
    for word in words() {
        let (space, again) = Word::decode(&word.encode(&[8; 32])).unwrap().unwrap();
        assert!(space == [8; 32] && again == word);
    }
    for welcome in [Welcome::default(), welcome(), pinned()] {
        assert!(Welcome::decode(&welcome.encode()).unwrap() == welcome);
    }
}

#[test]
fn the_bytes_are_frozen() {
    assert_eq!(
        hex(&load().encode()),
        "a501010241010342020304 41040501".replace(' ', "")
    );
    assert_eq!(
        hex(&archived().encode()),
        "a6010102410103420203044104050106 4105".replace(' ', "")
    );
    let missing = format!("010101{}01{}", "05".repeat(32), "06".repeat(32));
    assert_eq!(
        hex(&bundle().encode()),
        format!(
            "a7010102824101420203038141040458 44{missing}055820{ASKED_BY}0609075840{ASKED_SIGNATURE}"
        )
        .replace(' ', "")
    );
    assert!(asked().is_signed(&[1; 32]));
    let space = "08".repeat(32);
    let expected = [
        format!("a601010201035820{space}044754656e616e747305420102 0603"),
        format!("a401010202035820{space}0401"),
        format!("a401010202035820{space}0400"),
        format!("a701010203035820{space}0409050106020 74107"),
        format!("a501010204035820{space}0482410141020 54103"),
        format!("a401010205035820{space}044fa501010241010342020304 41040501"),
        format!("a301010206035820{space}"),
        format!("a401010207035820{space}0445 68656c6c6f"),
        format!("a601010208035820{space}0419012c 0503 0605"),
        format!("a301010209035820{space}"),
    ];
    for (word, expected) in words().iter().zip(expected) {
        assert_eq!(hex(&word.encode(&[8; 32])), expected.replace(' ', ""));
    }
    assert_eq!(
        hex(&welcome().encode()),
        format!(
            "a40101028241014102038141 03048158 28{}0000000000000005",
            "04".repeat(32)
        )
        .replace(' ', "")
    );
    assert_eq!(
        hex(&pinned().encode()),
        format!(
            "a50101028241014102038141 03048158 28{}0000000000000005055820{}",
            "04".repeat(32),
            "06".repeat(32)
        )
        .replace(' ', "")
    );
}

#[test]
fn a_question_is_its_devices() {
    let key = DeviceKey::from_bytes(&[3; 32]);
    let asked = Asked::sign(&[1; 32], Missing::new([], [[6; 32]]), 9, &key);
    assert!(asked.is_signed(&[1; 32]));
    // Neither in another collective, nor by another, at another time or about something else.
    let other = |change: fn(&mut Asked)| {
        let mut other = asked.clone();
        change(&mut other);
        (other.is_signed(&[1; 32]), other.id(&[1; 32]))
    };
    let all = [
        other(|it| it.device = DeviceKey::from_bytes(&[4; 32]).public()),
        other(|it| it.time = 10),
        other(|it| it.missing = Missing::new([], [[7; 32]])),
    ];
    for (is_signed, id) in all {
        assert!(!is_signed && id != asked.id(&[1; 32]));
    }
    assert!(!asked.is_signed(&[2; 32]));
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let begin = |kind| {
        Writer::default()
            .uint(1, VERSION)
            .uint(2, kind)
            .bytes(3, &[0; 32])
    };
    for bytes in [
        Writer::default().uint(1, 0).finish(),
        begin(1).bytes(4, b"a\nb").bytes(5, b"").uint(6, 1).finish(),
        begin(3)
            .uint(4, 1)
            .uint(5, 2)
            .uint(6, 2)
            .bytes(7, b"")
            .finish(),
        begin(3)
            .uint(4, 1)
            .uint(5, 0)
            .uint(6, limits::MAX_WELCOME_PARTS + 1)
            .bytes(7, b"")
            .finish(),
        begin(4).list(4, vec![Vec::new(); 9]).bytes(5, b"").finish(),
        begin(5).bytes(4, b"no").finish(),
        begin(7)
            .bytes(4, "é".repeat(MAX_REASON_CHARS + 1).as_bytes())
            .finish(),
        begin(8).uint(4, 1).uint(5, 1).finish(),
        begin(8).uint(4, 1).uint(5, 1).uint(6, u64::MAX).finish(),
    ] {
        assert!(Word::decode(&bytes).is_err());
    }
    assert!(Word::decode(&begin(99).finish()).unwrap().is_none());
    let many = Writer::default()
        .uint(1, 1)
        .list(2, vec![Vec::new(); 65])
        .finish();
    assert!(Bundle::decode(&many).is_err());
    let long = Writer::default()
        .uint(1, 1)
        .bytes(4, &vec![0; MAX_PACK_BYTES + 1])
        .finish();
    assert!(Load::decode(&long).is_err());
    let long = Writer::default()
        .uint(1, 1)
        .bytes(6, &vec![0; MAX_ARCHIVE_BYTES + 1])
        .finish();
    assert!(Load::decode(&long).is_err());
    let floor = Writer::default().uint(1, 1).list(4, [vec![0; 39]]).finish();
    assert!(Welcome::decode(&floor).is_err());
    let short = Writer::default().uint(1, 1).bytes(5, &[0; 31]).finish();
    assert!(Welcome::decode(&short).is_err());
}
