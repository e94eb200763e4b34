//! `cargo xtask sim`: the simulator, in a build of its own.
//!
//! vodozemac draws its own randomness. `--cfg getrandom_backend="custom"` lets the simulator answer it from its seed; the
//! flag changes what everything is built from, so that nothing of this build is shared with any other: it has a profile
//! and, by naming the target, a folder of its own.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{
    process::{cargo, command, output, run, run_tests},
    summary::Counts,
};

const CUSTOM: &str = "--cfg getrandom_backend=\"custom\"";
/// Seeds that a long test lives through, and members of a large collective.
const LONG: [(&str, &str); 3] = [
    ("KOMRADE_SIM_SEEDS", "1000"),
    ("KOMRADE_SIM_COLLECTIVES", "1000"),
    ("KOMRADE_SIM_MEMBERS", "494"),
];

/// Runs a row of seeds; `arguments` are those of the simulator.
pub fn sim(root: &Path, arguments: &[String]) -> Result<()> {
    run(seeded(root, "run")?.arg("--").args(arguments))
}

/// The simulator's own tests, and its row of seeds.
pub fn test(root: &Path, long: bool) -> Result<Counts> {
    let mut tests = seeded(root, "test")?;
    if long {
        tests.envs(LONG);
    }
    run_tests(&mut tests)
}

fn seeded(root: &Path, task: &str) -> Result<Command> {
    let about = output(&mut command(root, "rustc", &["-vV"]))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    // Named, so that the flag is not for build scripts and macros.
    let host = host.context("rustc does not say for which machine it builds")?;
    let mut cargo = cargo(
        root,
        &[
            task,
            "--locked",
            "--quiet",
            "--profile",
            "sim",
            "--package",
            "komrade-sim",
            "--target",
            host,
        ],
    );
    cargo
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", CUSTOM);
    Ok(cargo)
}
