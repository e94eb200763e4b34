//! Each invariant is broken on purpose, and the simulator must say so.

use komrade_sim::{IS_SEEDED, Sabotage, Settings, run};

/// The first of some seeds whose world shows it; what was said of it.
fn found(sabotage: Sabotage, says: &str) {
    let mut heard = Vec::new();
    for seed in 0..40 {
        let mut settings = Settings::small(seed);
        settings.days = 4;
        settings.copies = sabotage == Sabotage::SecretRestores;
        settings.sabotage = Some(sabotage);
        let failures = run(settings).failures;
        if failures.iter().any(|failure| failure.contains(says)) {
            return;
        }
        heard.extend(failures);
    }
    assert!(
        heard.is_empty() && says.is_empty(),
        "{sabotage:?} was not found; heard: {heard:#?}"
    );
}

#[test]
fn a_message_that_a_device_said_it_keeps_and_lost_is_found() {
    found(Sabotage::LostCommits, "has lost it");
}

#[test]
fn a_message_key_of_olm_used_twice_is_found() {
    found(Sabotage::SecretRestores, "an Olm message key");
}

#[test]
fn a_nonce_used_twice_under_one_key_is_found() {
    found(Sabotage::SameNonces, "a key and nonce of a seal");
}

#[test]
fn a_message_that_is_not_shown_is_found() {
    found(Sabotage::DeafDevices, "is shown it 0 times");
}

#[test]
fn a_message_shown_twice_is_found() {
    found(Sabotage::Doubled, "is shown it 2 times");
}

#[test]
fn a_node_that_forgets_what_it_acknowledged_is_found() {
    found(Sabotage::ForgetfulNodes, "that it had acknowledged");
}

#[test]
fn a_replica_that_is_lacking_is_found() {
    found(Sabotage::LostReplicas, "replicas of relay");
}

#[test]
fn a_node_that_keeps_more_than_is_stated_is_found() {
    found(Sabotage::LargeNodes, "holds more than is stated");
}

#[test]
fn one_seed_gives_one_transcript_and_chance_from_elsewhere_is_found() {
    if !IS_SEEDED {
        println!("not in this build: `cargo xtask test` has one");
        return;
    }
    for seed in 0..4 {
        let settings = Settings::small(seed);
        let [one, other] = [run(settings), run(settings)];
        assert_eq!(one, other);
        assert!(one.steps > 1_000);
        let next = run(Settings::small(seed + 6));
        assert_ne!(one.transcript, next.transcript);
    }
    let mut settings = Settings::small(0);
    settings.sabotage = Some(Sabotage::ForeignChance);
    assert_ne!(run(settings).transcript, run(settings).transcript);
}
