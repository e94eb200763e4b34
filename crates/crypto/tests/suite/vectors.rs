//! Published vectors: RFC 9106, RFC 9180 and its X-Wing extension, the X-Wing draft, BIP-39.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use hpke::{
    Deserializable, Kem, OpModeR, PskBundle, Serializable,
    aead::{Aead, AesGcm256, ChaCha20Poly1305},
    kdf::HkdfSha256,
    kem::{X25519HkdfSha256, XWing},
    setup_receiver,
};
use komrade_crypto::{
    identity::{RecoveryWords, WordsError},
    kem::{KemPublic, KemSecret},
};
use rand_core::{Infallible, TryCryptoRng, TryRng};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::known;

#[test]
fn argon2id_as_in_rfc_9106() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let argon = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params);
    let mut tag = [0; 32];
    argon
        .unwrap()
        .hash_password_into(&[1; 32], &[2; 16], &mut tag)
        .unwrap();
    let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
    assert_eq!(known::hex(&tag), expected);
}

#[test]
fn recovery_words_as_in_bip_39() {
    let vectors = [
        ("00".repeat(32), "abandon ".repeat(23) + "art"),
        (
            "7f".repeat(32),
            "legal winner thank year wave sausage worth useful ".repeat(2)
                + "legal winner thank year wave sausage worth title",
        ),
        (
            "80".repeat(32),
            "letter advice cage absurd amount doctor acoustic avoid ".repeat(2)
                + "letter advice cage absurd amount doctor acoustic bless",
        ),
        ("ff".repeat(32), "zoo ".repeat(23) + "vote"),
        (
            "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c".to_owned(),
            "hamster diagram private dutch cause delay private meat slide toddler razor book \
             happy fancy gospel tennis maple dilemma loan word shrug inflict delay length"
                .to_owned(),
        ),
        (
            "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863".to_owned(),
            "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich \
             alcohol speed nation flash devote level hobby quick inner drive ghost inside"
                .to_owned(),
        ),
    ];
    for (entropy, words) in vectors {
        let from_words = RecoveryWords::from_text(&words).unwrap();
        assert_eq!(known::hex(from_words.expose()), entropy);
        assert_eq!(from_words.to_text().as_str(), words);
        let shouted = words.to_uppercase().replace(' ', "\n  ");
        assert_eq!(RecoveryWords::from_text(&shouted).unwrap(), from_words);
    }
    let wrong_sum = "abandon ".repeat(24);
    assert_eq!(
        RecoveryWords::from_text(&wrong_sum),
        Err(WordsError::Checksum)
    );
    let unknown = "abandon ".repeat(4) + "comrade " + &"abandon ".repeat(19);
    assert_eq!(
        RecoveryWords::from_text(&unknown),
        Err(WordsError::Unknown(5))
    );
    assert_eq!(
        RecoveryWords::from_text("zoo zoo"),
        Err(WordsError::Count(2))
    );
}

/// Gives out what it was given, once.
struct Script(Vec<u8>);

impl TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(bytes.len());
        bytes.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Script {}

#[test]
fn x_wing_as_in_its_draft() {
    let vectors = known::pairs(include_str!("../vectors/xwing.txt"));
    assert_eq!(vectors.len() % 5, 0);
    for vector in vectors.chunks(5) {
        let [sk, eseed, pk, ct, ss] = [0, 1, 2, 3, 4].map(|i| vector[i].1.clone());
        let secret = KemSecret::from_bytes(sk.try_into().unwrap());
        assert_eq!(secret.public().as_bytes()[..], pk);
        assert!(KemPublic::from_bytes(&pk.clone().try_into().unwrap()).is_ok());

        let public = <XWing as Kem>::PublicKey::from_bytes(&pk).unwrap();
        let (shared, encapped) = XWing::encap_with_rng(&public, None, &mut Script(eseed)).unwrap();
        assert_eq!(
            (&encapped.to_bytes()[..], &shared.0[..]),
            (&ct[..], &ss[..])
        );

        let secret = <XWing as Kem>::PrivateKey::from_bytes(secret.expose()).unwrap();
        assert_eq!(XWing::decap(&secret, None, &encapped).unwrap().0[..], ss);
    }
}

#[test]
fn hpke_as_in_rfc_9180_and_its_x_wing_extension() {
    let vectors = known::pairs(include_str!("../vectors/hpke.txt"));
    let mut seen = Vec::new();
    for vector in vectors
        .split(|(name, _)| name == "end")
        .filter(|vector| !vector.is_empty())
    {
        let kem = &find(vector, "kem_id")[..];
        match kem {
            [0x00, 0x20] => receive::<AesGcm256, X25519HkdfSha256>(vector),
            [0x64, 0x7a] => receive::<ChaCha20Poly1305, XWing>(vector),
            other => panic!("kem {other:?}"),
        }
        seen.push((kem.to_vec(), find(vector, "mode")[1]));
    }
    assert_eq!(
        seen,
        [
            (vec![0, 0x20], 0),
            (vec![0, 0x20], 1),
            (vec![0x64, 0x7a], 0)
        ]
    );
}

fn find<'a>(vector: &'a [(String, Vec<u8>)], wanted: &str) -> &'a Vec<u8> {
    &vector.iter().find(|(name, _)| name == wanted).unwrap().1
}

fn receive<A: Aead, K: Kem>(vector: &[(String, Vec<u8>)]) {
    let mode = match find(vector, "mode")[1] {
        0 => OpModeR::<K>::Base,
        _ => OpModeR::Psk(PskBundle::new(find(vector, "psk"), find(vector, "psk_id")).unwrap()),
    };
    let secret = K::PrivateKey::from_bytes(find(vector, "skRm")).unwrap();
    let encapped = K::EncappedKey::from_bytes(find(vector, "enc")).unwrap();
    let mut context =
        setup_receiver::<A, HkdfSha256, K>(&mode, &secret, &encapped, find(vector, "info"))
            .unwrap();
    for message in vector.windows(3) {
        match [0, 1, 2].map(|i| message[i].0.as_str()) {
            ["aad", "pt", "ct"] => {
                assert_eq!(
                    context.open(&message[2].1, &message[0].1).unwrap(),
                    message[1].1
                );
            }
            ["exporter_context", "length", "exported_value"] => {
                let mut out = vec![0; message[2].1.len()];
                context.export(&message[0].1, &mut out).unwrap();
                assert_eq!(out, message[2].1);
            }
            _ => {}
        }
    }
}
