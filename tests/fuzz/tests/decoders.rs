//! Every decoder, from its committed corpus, a bounded number of inputs.

use std::collections::BTreeSet;

use komrade_fuzz::targets;

/// Enough to find a careless slice within seconds; `cargo xtask test --long` sets more.
const INPUTS: u64 = 3_000;

#[test]
fn no_decoder_panics() {
    let inputs = std::env::var("KOMRADE_FUZZ_INPUTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(INPUTS);
    for target in targets() {
        let corpus = target.corpus().unwrap();
        target.feed(&corpus, 1, inputs).unwrap();
    }
}

#[test]
fn every_decoder_has_a_name_of_its_own() {
    let all = targets();
    let names: BTreeSet<_> = all.iter().map(|target| target.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.len() >= 12, "only {} decoders are listed", all.len());
}
