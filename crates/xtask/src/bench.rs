//! `cargo xtask bench`: measurements, each beside something comparable in the same run.

mod groups;

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::{
    app,
    process::{cargo, output, run},
    setup, test,
};

/// What can be measured.
#[derive(Subcommand)]
pub enum What {
    /// Brotli size by part, time to interactive, time to unlock.
    App,
    /// Throughput and added latency of a stream through the relay, beside the same stream on raw SAM.
    Relay,
    /// Coming back after a week, beside plain negentropy; puts and pushes, beside bare redb and the WebSocket; memory of the relay;
    /// finding one's own mail in wasm, beside native code.
    Ether {
        /// Also with a million envelopes held: some ten minutes and 6 GB of disk more.
        #[arg(long)]
        long: bool,
    },
    /// Changing the keys of a group, following, writing and reading, in 10, 100 and 500 members, natively and in a browser, beside MLS by
    /// openmls.
    Groups,
}

/// Builds in release and measures.
pub fn bench(root: &Path, what: What) -> Result<()> {
    setup::for_tests(root)?;
    // A workspace of its own, which needs neither.
    if !matches!(what, What::Groups) {
        app::build_app(root)?;
        test::build_programs(root, &["--release"])?;
    }
    match what {
        What::App => run(&mut program(root, "bench-app")),
        What::Relay => run(&mut program(root, "bench-relay")),
        What::Ether { long } => {
            let mut ether = program(root, "bench-ether");
            if long {
                ether.args(["--", "--long"]);
            }
            run(&mut ether)?;
            scan(root)
        }
        What::Groups => groups::compare(root),
    }
}

/// One of the programs that measure.
fn program(root: &Path, name: &str) -> Command {
    let arguments = [
        "run",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "komrade-tests",
        "--bin",
        name,
    ];
    cargo(root, &arguments)
}

/// How long a peer takes to find its own among everybody's envelopes: in a browser, beside native code.
fn scan(root: &Path) -> Result<()> {
    let hints = ["--package", "komrade-crypto", "--bench", "hints"];
    let mut native = cargo(root, &["bench", "--locked", "--quiet"]);
    let native = scanned(native.args(hints))?;
    // As the app is built: small first, and AES fast.
    let mut browser = test::in_the_browser(root, "komrade-crypto", "")?;
    browser.args(["--profile", "wasm", "--bench", "hints", "--", "--nocapture"]);
    let browser = scanned(&mut browser)?;
    println!("hints of 10,000 envelopes against the keys of 200 spaces, median of 7 scans");
    println!("  {browser:>9.1} ms  in a browser");
    println!("  {native:>9.1} ms  natively");
    println!("  {:>9.2}     times native", browser / native);
    println!(
        "  {:>9.1} µs  for each envelope in a browser (budget of a message: 10 ms)",
        browser / 10.0
    );
    Ok(())
}

/// The milliseconds that a scan says it took.
fn scanned(command: &mut Command) -> Result<f64> {
    let said = output(command)?;
    let line = said.lines().find(|line| line.contains("scan of "));
    let (_, time) = line
        .and_then(|line| line.split_once("spaces: "))
        .context("the scan says nothing")?;
    let millis = time.split(' ').next().unwrap_or_default();
    millis.parse().context("the scan says no time")
}
