//! Project Wycheproof's vectors against the libraries underneath, natively and in the browser.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use ed25519_dalek::{Signature, VerifyingKey};
use hkdf::Hkdf;
use ml_kem::{B32, FromSeed, KeyExport, MlKem768, TryKeyInit, kem::Decapsulate, ml_kem_768};
use sha2::Sha256;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::TestResult;
use x25519_dalek::{PublicKey, StaticSecret};

#[test]
fn aes_256_gcm() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let mut count = 0;
    for group in set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let key: [u8; 32] = test.key[..].try_into().unwrap();
            let nonce: [u8; 12] = test.nonce[..].try_into().unwrap();
            let tag: [u8; 16] = test.tag[..].try_into().unwrap();
            let cipher = Aes256Gcm::new(&key.into());
            let mut text = test.ct.to_vec();
            let opened = cipher.decrypt_inout_detached(
                &nonce.into(),
                &test.aad,
                InOutBuf::from(text.as_mut_slice()),
                &tag.into(),
            );
            assert_eq!(
                opened.is_ok(),
                test.result == TestResult::Valid,
                "{}",
                test.tc_id
            );
            if opened.is_ok() {
                assert_eq!(text, test.pt[..]);
                let made = cipher
                    .encrypt_inout_detached(
                        &nonce.into(),
                        &test.aad,
                        InOutBuf::from(text.as_mut_slice()),
                    )
                    .unwrap();
                assert_eq!((text.as_slice(), made.as_slice()), (&test.ct[..], &tag[..]));
            }
            count += 1;
        }
    }
    assert!(count > 60, "only {count} vectors");
}

#[test]
fn x25519_and_its_points_of_small_order() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).unwrap();
    let (mut count, mut zero) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let private: [u8; 32] = test.private_key[..].try_into().unwrap();
        let public: [u8; 32] = test.public_key[..].try_into().unwrap();
        let shared = StaticSecret::from(private).diffie_hellman(&PublicKey::from(public));
        assert_eq!(shared.as_bytes(), &test.shared_secret[..], "{}", test.tc_id);
        assert_eq!(shared.was_contributory(), test.shared_secret[..] != [0; 32]);
        zero += usize::from(!shared.was_contributory());
        count += 1;
    }
    assert!(
        count > 500 && zero > 20,
        "only {count} vectors, {zero} of small order"
    );
}

#[test]
fn ed25519_verified_strictly() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut count = 0;
    for group in set.test_groups {
        let key = VerifyingKey::from_bytes(group.key.pk[..].try_into().unwrap()).unwrap();
        for test in group.tests {
            let good = Signature::from_slice(&test.sig)
                .is_ok_and(|signature| key.verify_strict(&test.msg, &signature).is_ok());
            assert_eq!(good, test.result == TestResult::Valid, "{}", test.tc_id);
            count += 1;
        }
    }
    assert!(count > 100, "only {count} vectors");
}

#[test]
fn hkdf_sha256() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut count = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let mut out = vec![0; test.size];
        let made = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut out);
        assert_eq!(
            made.is_ok(),
            test.result == TestResult::Valid,
            "{}",
            test.tc_id
        );
        if made.is_ok() {
            assert_eq!(out, test.okm[..], "{}", test.tc_id);
        }
        count += 1;
    }
    assert!(count > 80, "only {count} vectors");
}

#[test]
fn ml_kem_768_from_a_seed() {
    use wycheproof::mlkem::{TestName, TestSet};
    let mut count = 0;
    for name in [TestName::MlKem768, TestName::MlKem768KeyGenSeed] {
        let set = TestSet::load(name).unwrap();
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            count += 1;
            let seed: Result<[u8; 64], _> = test.seed.expect("a seed")[..].try_into();
            let ciphertext = test
                .ct
                .as_ref()
                .map(|ct| ml_kem_768::Ciphertext::try_from(&ct[..]));
            let (Ok(seed), None | Some(Ok(_))) = (seed, &ciphertext) else {
                assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                continue;
            };
            let (secret, public) = MlKem768::from_seed(&seed.into());
            if let Some(expected) = test.encaps_key {
                assert_eq!(public.to_bytes()[..], expected[..], "{}", test.tc_id);
            }
            if let Some(Ok(ciphertext)) = ciphertext {
                let shared = secret.decapsulate(&ciphertext);
                let same = test
                    .shared_secret
                    .is_some_and(|expected| shared[..] == expected[..]);
                assert_eq!(same, test.result == TestResult::Valid, "{}", test.tc_id);
            }
        }
    }
    assert!(count > 100, "only {count} vectors");
}

#[test]
fn ml_kem_768_encapsulation() {
    use wycheproof::mlkem::{TestName, TestSet};
    let set = TestSet::load(TestName::MlKem768Encaps).unwrap();
    let (mut count, mut refused) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        count += 1;
        let key = test.encaps_key.expect("a key");
        let Some(public) = ml_kem_768::EncapsulationKey::new_from_slice(&key).ok() else {
            assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
            refused += 1;
            continue;
        };
        let randomness: B32 = test.msg.expect("randomness")[..].try_into().unwrap();
        let (ciphertext, shared) = public.encapsulate_deterministic(&randomness);
        let same = test
            .ct
            .is_some_and(|expected| ciphertext[..] == expected[..])
            && test
                .shared_secret
                .is_some_and(|expected| shared[..] == expected[..]);
        assert_eq!(same, test.result == TestResult::Valid, "{}", test.tc_id);
    }
    assert!(
        count > 10 && refused > 0,
        "only {count} vectors, {refused} refused"
    );
}
