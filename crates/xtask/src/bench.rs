//! `cargo xtask bench`: measurements, each beside something comparable in the same run.

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

use crate::{
    app,
    process::{cargo, run},
    setup, test,
};

/// What can be measured.
#[derive(Subcommand)]
pub enum What {
    /// Brotli size by part, time to interactive, time to unlock.
    App,
    /// Throughput and added latency of a stream through the relay, beside the same stream on raw SAM.
    Relay,
}

/// Builds in release and measures.
pub fn bench(root: &Path, what: What) -> Result<()> {
    setup::for_tests(root)?;
    app::build_app(root)?;
    test::build_programs(root, &["--release"])?;
    let name = match what {
        What::App => "bench-app",
        What::Relay => "bench-relay",
    };
    run(&mut cargo(
        root,
        &[
            "run",
            "--release",
            "--locked",
            "--quiet",
            "--package",
            "komrade-tests",
            "--bin",
            name,
        ],
    ))
}
