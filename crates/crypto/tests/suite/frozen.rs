//! Every structure and every derived key, frozen; see `known.rs` for how.

use komrade_crypto::{
    bundle::{self, Bundle, Content},
    first_contact::{self, ContactSecret},
    identity::{DeviceCertificate, DeviceKey, RecoveryWords, Revocation, pair_code},
    invite::{Home, Invite, InviteSecret, JoinSecret, join_link},
    kem::KemSecret,
    outer::OuterKey,
    pairwise::{Account, Message, Session},
    vault::{Header, MasterKey, Moved, Params, Place, Prelude, Recipe, Ring, StretchJob},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{Person, known::Known, nfkd, rng};

fn counted<const N: usize>(from: u8) -> [u8; N] {
    core::array::from_fn(|place| from.wrapping_add(u8::try_from(place).unwrap_or(0)))
}

#[test]
fn identity() {
    let mut known = Known::new("identity", include_str!("../known/identity.txt"));
    let words = RecoveryWords::from_bytes(counted(0));
    let (root, device) = (words.root(), DeviceKey::from_bytes(&counted(100)));
    known.is("words", words.to_text().as_bytes());
    known.is("root public key", root.public());
    known.is("person id", root.person().0);
    known.is("person id as text", root.person().to_string());
    known.is("short code", root.person().short_code());
    let other = RecoveryWords::from_bytes([7; 32]).root().person();
    known.is("pair code", pair_code(&root.person(), &other));
    known.is("device public key", device.public());
    let certificate = root.certify(&device.public(), 20_000);
    known.is("certificate", certificate.encode());
    let revocation = root.revoke(&device.public(), 20_001);
    known.is("revocation", revocation.encode());
    assert_eq!(
        DeviceCertificate::decode(&certificate.encode()),
        Ok(certificate)
    );
    assert_eq!(Revocation::decode(&revocation.encode()), Ok(revocation));
}

#[test]
fn bundle() {
    let mut known = Known::new("bundle", include_str!("../known/bundle.txt"));
    let device = DeviceKey::from_bytes(&counted(100));
    let kem = KemSecret::from_bytes(counted(50));
    known.is("kem public key", kem.public().as_bytes());
    let content = Content {
        certificate: RecoveryWords::from_bytes(counted(0))
            .root()
            .certify(&device.public(), 20_000),
        olm_identity: [9; 32],
        olm_prekey: [10; 32],
        kem: kem.public(),
        week: 2_857,
        valid_until: 20_021,
        name: "Ana 🏴".to_owned(),
        homes: vec![
            counted::<40>(0).to_vec(),
            vec![],
            counted::<3>(200).to_vec(),
        ],
    };
    let bundle = Bundle::sign(content, &device).unwrap();
    known.is("bundle", bundle.as_bytes());
    known.is("hash", bundle.hash());
    assert_eq!(bundle::hash(bundle.as_bytes()), bundle.hash());
    assert_eq!(Bundle::decode(bundle.as_bytes()), Ok(bundle));
}

#[test]
fn invite() {
    let mut known = Known::new("invite", include_str!("../known/invite.txt"));
    let secret = InviteSecret::from_bytes(counted(0));
    known.is("bundle key", secret.bundle_key().expose());
    known.is("locator", secret.locator());
    known.is("link psk", secret.link().psk(&counted(200)));
    known.is("link hint", secret.link().hint(&counted(200), &mut rng(1)));
    known.is("intro mark", secret.intro().mark(&counted(0)));
    let join = JoinSecret::from_bytes(counted(150));
    let peer = Home::Peer(counted(70));
    let node = Home::Node {
        address: counted(70),
        key: counted(110),
    };
    let mut short = counted(30);
    short[16..].fill(0);
    for (name, home, bundle_hash, join, for_collective) in [
        ("invite", peer, counted(30), None, false),
        (
            "invite with join secret",
            peer,
            counted(30),
            Some(join.clone()),
            false,
        ),
        ("invite to a node", node, short, None, false),
        (
            "invite to a node with join secret",
            node,
            short,
            Some(join.clone()),
            false,
        ),
        ("invite for a collective", node, short, None, true),
        (
            "invite for a collective with join secret",
            node,
            short,
            Some(join.clone()),
            true,
        ),
    ] {
        let invite = Invite {
            secret: secret.clone(),
            bundle_hash,
            home,
            last_day: 20_700,
            join,
            for_collective,
        };
        known.is(name, invite.encode().as_slice());
        let link = invite.to_link("https://relay.example").unwrap();
        known.is(&format!("{name}, link"), link.as_bytes());
        let read = Invite::from_text(&link);
        assert_eq!(read, Ok((Some("https://relay.example".to_owned()), invite)));
    }
    known.is(
        "join link",
        join_link("https://relay.example", &join)
            .unwrap()
            .as_bytes(),
    );
}

#[test]
fn first_contact() {
    let mut known = Known::new("first_contact", include_str!("../known/first_contact.txt"));
    let (ana, bo) = (Person::new(1).party(), Person::new(2).party());
    let contact = ContactSecret::from_bytes(counted(0));
    let reunion = contact.reunion(&ana.person, &bo.person);
    known.is("reunion key", reunion.expose());
    known.is("reunion link psk", reunion.link().psk(&counted(200)));
    known.is(
        "reunion link hint",
        reunion.link().hint(&counted(200), &mut rng(1)),
    );
    known.is("reunion intro mark", reunion.intro().mark(&counted(0)));
    known.is("outer key there", contact.outer(&ana, &bo).expose());
    known.is("outer key back", contact.outer(&bo, &ana).expose());
    known.is("binding", contact.binding(&ana, &bo));
    known.is("rank", contact.rank());

    let kem = KemSecret::from_bytes(counted(50));
    let invite = InviteSecret::from_bytes(counted(0)).intro();
    let reunion = reunion.intro();
    let keys = [
        ("base", None),
        ("invite", Some(&invite)),
        ("reunion", Some(&reunion)),
    ];
    for (name, key) in keys {
        let made = first_contact::seal(&kem.public(), key, b"header", b"hello", &mut rng(2));
        let made = made.unwrap();
        known.is(&format!("intro, {name}"), &made);
        let opened = first_contact::open(&kem, key, b"header", &made).unwrap();
        assert_eq!(opened.as_slice(), b"hello");
    }
}

#[test]
fn outer() {
    let mut known = Known::new("outer", include_str!("../known/outer.txt"));
    let key = OuterKey::from_bytes(counted(0));
    known.is("hint", key.detection().hint(&counted(0)));
    let sealed = key.seal(&counted(0), b"header", b"hello").unwrap();
    known.is("sealed", &sealed);
    assert_eq!(
        key.open(&counted(0), b"header", &sealed)
            .unwrap()
            .as_slice(),
        b"hello"
    );
    let kem = KemSecret::from_bytes(counted(50));
    let (next, encapsulation) = key.change(&kem.public(), &mut rng(1)).unwrap();
    known.is("change", *encapsulation);
    known.is("next key", next.expose());
    assert_eq!(key.follow(&kem, &encapsulation), Ok(next));
}

/// Olm draws its own randomness: what was recorded once must still open.
#[test]
fn pairwise() {
    let mut known = Known::new("pairwise", include_str!("../known/pairwise.txt"));
    let (ana, mut bo) = (Account::new(), Account::new());
    let once = bo.one_time_key(20_021).unwrap();
    let fallback = bo.fallback_key(2_857).unwrap();
    let ana_bytes = known.recorded("initiator", || ana.to_bytes().to_vec());
    let bo_bytes = known.recorded("responder", || bo.to_bytes().to_vec());
    let (ana, mut bo) = (
        Account::from_bytes(&ana_bytes).unwrap(),
        Account::from_bytes(&bo_bytes).unwrap(),
    );
    known.is("initiator's identity key", ana.identity());
    known.is("responder's identity key", bo.identity());

    for (name, prekey) in [("one-time key", once), ("fallback key", fallback)] {
        let start = |prekey: &[u8; 32]| ana.start(&bo.identity(), prekey).unwrap();
        let sessions = known.recorded(name, || {
            let mut session = start(&prekey);
            let first = session.encrypt(b"first").unwrap().encode();
            [session.to_bytes().to_vec(), first]
                .map(|part| prefixed(&part))
                .concat()
        });
        let [session, first] = two(&sessions);
        let mut to_bo = Session::from_bytes(&session).unwrap();
        let first = Message::decode(&first).unwrap();
        let said = first.prekey().unwrap();
        known.is(&format!("{name}, prekey"), said.prekey);
        known.is(&format!("{name}, session"), said.session.0);
        assert_eq!((said.session, said.base), (to_bo.id(), to_bo.base_key()));
        assert_eq!(said.identity, ana.identity());
        let mut received = bo.receive(&ana.identity(), &first).unwrap();
        assert_eq!(received.plaintext.as_slice(), b"first");
        let answer = received.session.encrypt(b"answer").unwrap();
        assert_eq!(to_bo.decrypt(&answer).unwrap().as_slice(), b"answer");
    }
}

fn prefixed(part: &[u8]) -> Vec<u8> {
    [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat()
}

fn two(bytes: &[u8]) -> [Vec<u8>; 2] {
    let length = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let one = length(0);
    [
        bytes[4..4 + one].to_vec(),
        bytes[8 + one..8 + one + length(4 + one)].to_vec(),
    ]
}

#[test]
fn vault() {
    let mut known = Known::new("vault", include_str!("../known/vault.txt"));
    let recipe = Recipe::draw(Params::FLOOR, &mut rng(1)).unwrap();
    let job = recipe.job("correct horse battery café").unwrap();
    known.is("job", job.to_bytes().as_slice());
    assert_eq!(StretchJob::from_bytes(&job.to_bytes()), Ok(job.clone()));
    let stretched = job.run(nfkd).unwrap();
    known.is("stretched", *stretched);
    let strong = Recipe::draw(Params::DEFAULT, &mut rng(1)).unwrap();
    let strong = strong.job("correct horse battery café").unwrap();
    known.is("stretched by default", *strong.run(nfkd).unwrap());

    let master = MasterKey::from_bytes(counted(0));
    let header = Header::new(recipe, &stretched, &master, &mut rng(2)).unwrap();
    known.is("header", header.encode());
    let read = Header::decode(&header.encode()).unwrap();
    assert_eq!(read.unwrap(&stretched).unwrap().1, master);

    let mut ring = Ring::new(20_000, &mut rng(3));
    ring.begin(20_007, &mut rng(4)).unwrap();
    let sealed = ring.seal(&master, &mut rng(5)).unwrap();
    known.is("ring", &sealed);
    let ring = Ring::open(&master, &sealed).unwrap();
    let place = Place {
        table: 4,
        schema: 1,
        key: b"key",
    };
    let record = ring.seal_record(&place, b"hello", &mut rng(6)).unwrap();
    known.is("record", &record);
    assert_eq!(
        ring.open_record(&place, &record).unwrap().as_slice(),
        b"hello"
    );

    let mut moved = Moved {
        header,
        has_file: false,
    };
    known.is("moved", moved.encode());
    moved.has_file = true;
    let marked = moved.encode();
    assert_eq!(Moved::decode(&marked), Some(Ok(moved.clone())));
    known.is("moved in a file", marked);
    let prelude = Prelude::new(moved.header, &mut rng(7));
    known.is("prelude", prelude.encode());
    let key = prelude.key(&master);
    known.is("part", key.seal(0, false, b"hello").unwrap());
    known.is("last part", key.seal(1, true, b"comrade").unwrap());
}

#[test]
fn words_drawn() {
    let mut known = Known::new("words", include_str!("../known/words.txt"));
    known.is(
        "passphrase",
        komrade_crypto::vault::draw_passphrase(&mut rng(1)).as_bytes(),
    );
    known.is(
        "recovery words",
        RecoveryWords::draw(&mut rng(1)).to_text().as_bytes(),
    );
}
