//! Whatever goes in comes out, and whatever comes in breaks nothing. Native only: the generator
//! reads the clock.

use arbtest::{arbitrary::Unstructured, arbtest};
use komrade_crypto::{
    bundle::{Bundle, Content},
    first_contact,
    identity::{DeviceCertificate, PersonId, RecoveryWords, Revocation},
    invite::{Home, Invite, InviteSecret, JoinSecret},
    kem::KemSecret,
    outer::OuterKey,
    pairwise::{Account, Message, Session},
    vault::{Header, MasterKey, Params, Place, Recipe, Ring, StretchJob, generation_of},
};

use crate::{Person, rng};

type Outcome = arbtest::arbitrary::Result<()>;

#[test]
fn words_and_ids_survive_their_texts() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let words = RecoveryWords::from_bytes(u.arbitrary()?);
        assert_eq!(RecoveryWords::from_text(&words.to_text()), Ok(words));
        let id = PersonId(u.arbitrary()?);
        assert_eq!(PersonId::from_text(&id.to_string()), Ok(id));
        Ok(())
    });
}

#[test]
fn bundles_survive_their_bytes() {
    let ana = Person::new(1);
    let content = ana.content(ana.account.identity());
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let content = Content {
            week: u.arbitrary()?,
            valid_until: u.arbitrary()?,
            name: u.arbitrary()?,
            homes: u.arbitrary()?,
            ..content.clone()
        };
        if let Ok(bundle) = Bundle::sign(content, &ana.device) {
            assert_eq!(Bundle::decode(bundle.as_bytes()), Ok(bundle));
        }
        Ok(())
    });
}

#[test]
fn invites_survive_their_links() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let join: Option<[u8; 16]> = u.arbitrary()?;
        let mut bundle_hash: [u8; 32] = u.arbitrary()?;
        let home = if u.arbitrary()? {
            bundle_hash[16..].fill(0);
            Home::Node {
                address: u.arbitrary()?,
                key: u.arbitrary()?,
            }
        } else {
            Home::Peer(u.arbitrary()?)
        };
        let invite = Invite {
            secret: InviteSecret::from_bytes(u.arbitrary()?),
            bundle_hash,
            home,
            last_day: u.arbitrary()?,
            join: join.map(JoinSecret::from_bytes),
            for_collective: u.arbitrary()?,
        };
        assert_eq!(Invite::decode(&invite.encode()).as_ref(), Ok(&invite));
        let link = invite.to_link("http://127.0.0.1:8080").unwrap();
        assert_eq!(
            Invite::from_text(&link),
            Ok((Some("http://127.0.0.1:8080".into()), invite))
        );
        Ok(())
    });
}

#[test]
fn what_is_sealed_opens() {
    let kem = KemSecret::from_bytes([1; 32]);
    let public = kem.public();
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let (seed, header): (u64, Vec<u8>) = u.arbitrary()?;
        let (text, nonce): (Vec<u8>, [u8; 12]) = u.arbitrary()?;
        let rng = &mut rng(seed);
        let key = OuterKey::draw(rng);
        let sealed = key.seal(&nonce, &header, &text).unwrap();
        assert_eq!(*key.open(&nonce, &header, &sealed).unwrap(), text);
        assert!(
            key.detection()
                .matches(&nonce, &key.detection().hint(&nonce))
        );
        let intro = InviteSecret::draw(rng).intro();
        let sealed = first_contact::seal(&public, Some(&intro), &header, &text, rng).unwrap();
        assert_eq!(
            *first_contact::open(&kem, Some(&intro), &header, &sealed).unwrap(),
            text
        );
        Ok(())
    });
}

#[test]
fn records_open_in_their_places() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let (seed, text): (u64, Vec<u8>) = u.arbitrary()?;
        let (table, schema, key): (u8, u32, Vec<u8>) = u.arbitrary()?;
        let rng = &mut rng(seed);
        let mut ring = Ring::new(u.arbitrary()?, rng);
        for _ in 0..u.int_in_range(0..=5)? {
            ring.begin(u.arbitrary()?, rng).unwrap();
        }
        let place = Place {
            table,
            schema,
            key: &key,
        };
        let sealed = ring.seal_record(&place, &text, rng).unwrap();
        assert_eq!(generation_of(&sealed), Ok(ring.newest()));
        let master = MasterKey::draw(rng);
        let ring = Ring::open(&master, &ring.seal(&master, rng).unwrap()).unwrap();
        assert_eq!(*ring.open_record(&place, &sealed).unwrap(), text);
        Ok(())
    });
}

#[test]
fn headers_and_jobs_survive_their_bytes() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let (seed, stretched, passphrase): (u64, [u8; 32], String) = u.arbitrary()?;
        let rng = &mut rng(seed);
        let recipe = Recipe::draw(Params::DEFAULT, rng).unwrap();
        let job = recipe.job(&passphrase).unwrap();
        assert_eq!(StretchJob::from_bytes(&job.to_bytes()), Ok(job));
        let master = MasterKey::draw(rng);
        let header = Header::new(recipe, &stretched, &master, rng).unwrap();
        let read = Header::decode(&header.encode()).unwrap();
        assert_eq!(read.unwrap(&stretched).unwrap().1, master);
        Ok(())
    });
}

#[test]
fn a_conversation_in_any_order_loses_and_doubles_nothing() {
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let (ana, mut bo) = (Account::new(), Account::new());
        let prekey = bo.fallback_key(1).unwrap();
        let mut to_bo = ana.start(&bo.identity(), &prekey).unwrap();
        let first = to_bo.encrypt(b"first").unwrap();
        let mut to_ana = bo.receive(&ana.identity(), &first).unwrap().session;
        let mut flying: Vec<(bool, u8, Message)> = Vec::new();
        for n in 0..u.int_in_range(0..=30)? {
            let from_ana: bool = u.arbitrary()?;
            let session = if from_ana { &mut to_bo } else { &mut to_ana };
            flying.push((from_ana, n, session.encrypt(&[n]).unwrap()));
            if u.arbitrary()? {
                let (from_ana, n, message) = flying.remove(u.choose_index(flying.len())?);
                let session = if from_ana { &mut to_ana } else { &mut to_bo };
                assert_eq!(session.decrypt(&message).unwrap().as_slice(), [n]);
                *session = Session::from_bytes(&session.to_bytes()).unwrap();
            }
        }
        for (from_ana, n, message) in flying {
            let session = if from_ana { &mut to_ana } else { &mut to_bo };
            assert_eq!(session.decrypt(&message).unwrap().as_slice(), [n]);
            assert!(session.decrypt(&message).is_err());
        }
        Ok(())
    });
}

#[test]
fn no_decoder_breaks_on_any_bytes() {
    let (kem, master) = (
        KemSecret::from_bytes([1; 32]),
        MasterKey::from_bytes([2; 32]),
    );
    arbtest(|u: &mut Unstructured<'_>| -> Outcome {
        let bytes: Vec<u8> = u.arbitrary()?;
        let text = String::from_utf8_lossy(&bytes);
        let _ = DeviceCertificate::decode(&bytes);
        let _ = Revocation::decode(&bytes);
        let _ = RecoveryWords::from_text(&text);
        let _ = PersonId::from_text(&text);
        let _ = Bundle::decode(&bytes);
        let _ = Invite::decode(&bytes);
        let _ = Invite::from_text(&text);
        let _ = komrade_crypto::invite::parse_join_link(&text);
        let _ = first_contact::open(&kem, None, &[], &bytes);
        let _ = Message::decode(&bytes);
        let _ = Account::from_bytes(&bytes);
        let _ = Session::from_bytes(&bytes);
        let _ = Header::decode(&bytes);
        let _ = StretchJob::from_bytes(&bytes);
        let _ = Ring::open(&master, &bytes);
        Ok(())
    });
}

#[cfg(feature = "fuzz")]
#[test]
fn every_fuzz_target_has_seeds_and_takes_them_whole_and_broken() {
    use komrade_crypto::fuzz::{FUZZ, seeds};
    assert!(seeds("no such target").is_empty());
    for (name, target) in FUZZ {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}");
        seeds.iter().for_each(|seed| target(seed));
        arbtest(|u: &mut Unstructured<'_>| -> Outcome {
            let mut bytes = u.choose(&seeds)?.clone();
            for _ in 0..u.int_in_range(1..=4)? {
                let place = u.choose_index(bytes.len().max(1))?;
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = u.arbitrary()?;
                }
            }
            bytes.truncate(u.int_in_range(0..=bytes.len())?);
            target(&bytes);
            Ok(())
        });
    }
}
