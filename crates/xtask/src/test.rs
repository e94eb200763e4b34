//! `cargo xtask test`: everything that is tested, in stages, with one line of counts at the end.

use std::{path::Path, process::Command, thread};

use anyhow::{Context, Result, bail};

use crate::{
    app,
    check::BROWSER_ONLY,
    process::{Stage, cargo, find, run, run_tests},
    setup, sim,
    summary::Counts,
};

/// Crates whose tests run in a real browser too, with the features that need to be on.
///
/// Left out: `drive`, whose tests need tokio's virtual clock; every test end to end runs it in a worker.
const IN_THE_BROWSER: [(&str, &str); 7] = [
    ("komrade-app", ""),
    ("komrade-crypto", ""),
    ("komrade-ether", "fuzz"),
    ("komrade-peer", ""),
    ("komrade-social", "fuzz"),
    ("komrade-store", "testing"),
    ("komrade-wire", "fuzz"),
];

/// Runs every stage, or those whose name contains `only`. All stages run even if one fails; then the whole fails.
pub fn test(root: &Path, long: bool, only: Option<&str>) -> Result<()> {
    setup::for_tests(root)?;
    let mut counts = Counts::default();
    let (mut times, mut names) = (Vec::new(), Vec::new());
    let mut stage =
        |name: &str, estimate: &str, work: &mut dyn FnMut() -> Result<Counts>| -> Result<()> {
            names.push(name.to_owned());
            if only.is_some_and(|only| !name.contains(only)) {
                return Ok(());
            }
            let stage = Stage::begin(name, estimate);
            let result = work()?;
            times.push((stage.end(), result.passed, result.failed));
            counts += result;
            Ok(())
        };
    stage(
        "app",
        "once 5 to 10 minutes, then when its sources changed",
        &mut || {
            app::build_app(root)?;
            Ok(Counts::default())
        },
    )?;
    stage("relay", "once 5 to 10 minutes", &mut || {
        build_programs(root, &[])?;
        Ok(Counts::default())
    })?;
    stage(
        "native",
        "3 to 10 minutes where nothing is built",
        &mut || {
            let mut tests = cargo(
                root,
                &[
                    "test",
                    "--workspace",
                    "--all-features",
                    "--locked",
                    "--no-fail-fast",
                ],
            );
            for name in BROWSER_ONLY
                .iter()
                .chain(&["komrade-tests", "komrade-fuzz", "komrade-sim"])
            {
                tests.args(["--exclude", name]);
            }
            if long {
                tests.env("KOMRADE_GOVERNANCE_SEEDS", "1000");
            }
            run_tests(&mut tests)
        },
    )?;
    stage(
        "simulator",
        "3 to 6 minutes where nothing is built",
        &mut || sim::test(root, long),
    )?;
    stage("screens", "", &mut || {
        run_tests(&mut cargo(
            root,
            &["test", "--package", "komrade-app", "--lib", "--locked"],
        ))
    })?;
    stage("browser units", "1 to 5 minutes", &mut || {
        let mut all = Counts::default();
        for (package, features) in IN_THE_BROWSER {
            all += run_tests(&mut in_the_browser(root, package, features)?)?;
        }
        Ok(all)
    })?;
    stage("fuzz", "", &mut || {
        let mut tests = cargo(root, &["test", "--package", "komrade-fuzz", "--locked"]);
        if long {
            tests.env("KOMRADE_FUZZ_INPUTS", "2000000");
        }
        run_tests(&mut tests)
    })?;
    stage("end to end", "8 to 15 minutes", &mut || end_to_end(root))?;
    if let Some(only) = only.filter(|_| times.is_empty()) {
        bail!(
            "no stage has `{only}` in its name; there are: {}",
            names.join(", ")
        );
    }
    println!();
    for line in &counts.said {
        println!("{line}");
    }
    println!();
    for ((name, took), passed, failed) in times {
        println!(
            "{:>6.1} min  {passed:>5} passed  {failed:>3} failed  {name}",
            took.as_secs_f64() / 60.0
        );
    }
    if counts.passed == 0 {
        bail!("no test ran");
    }
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    if counts.failed > 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// The whole, one test after the other, and beside them the one that mostly waits: what follows from mail leaves at drawn times.
fn end_to_end(root: &Path) -> Result<Counts> {
    /// Its file, and what its name begins with.
    const WAITS: (&str, &str) = ("governs", "five_govern_themselves");
    let tests = |which: &[&str]| {
        let package = ["test", "--package", "komrade-tests", "--locked"];
        let mut tests = cargo(root, &package);
        tests.args(which);
        tests
    };
    // Built once; then neither holds up the other.
    let built = run_tests(&mut tests(&["--no-run"]))?;
    if built.failed > 0 {
        return Ok(built);
    }
    thread::scope(|scope| {
        let waits = scope.spawn(|| run_tests(&mut tests(&["--test", WAITS.0])));
        let one_by_one = ["--no-fail-fast", "--", "--test-threads", "1", "--skip"];
        let mut all = run_tests(tests(&one_by_one).arg(WAITS.1))?;
        all += waits
            .join()
            .unwrap_or_else(|_| bail!("the runner of a test ended early"))?;
        Ok(all)
    })
}

/// Builds the relay and the private network of routers with the profile in `arguments`.
pub fn build_programs(root: &Path, arguments: &[&str]) -> Result<()> {
    // In one build, so that both are made of the same parts.
    let mut build = cargo(
        root,
        &[
            "build",
            "--locked",
            "--package",
            "komrade-relay",
            "--package",
            "komrade-i2p",
            "--features",
            "komrade-i2p/net",
            "--bin",
            "komrade-relay",
            "--bin",
            "komrade-i2p-private",
        ],
    );
    run(build.args(arguments))
}

/// Feeds one decoder, or lists them.
pub fn fuzz(root: &Path, name: &str, minutes: u64) -> Result<()> {
    let minutes = minutes.to_string();
    run(&mut cargo(
        root,
        &[
            "run",
            "--locked",
            "--quiet",
            "--package",
            "komrade-fuzz",
            "--",
            name,
            "--minutes",
            &minutes,
        ],
    ))
}

/// Has the end-to-end tests walk through every screen and take pictures.
pub fn screenshots(root: &Path, into: &Path) -> Result<()> {
    setup::for_tests(root)?;
    app::build_app(root)?;
    build_programs(root, &[])?;
    let into = root.join(into);
    std::fs::create_dir_all(&into)?;
    let mut tests = cargo(
        root,
        &[
            "test",
            "--package",
            "komrade-tests",
            "--locked",
            "--test",
            "screens",
            "--",
            "--test-threads",
            "1",
        ],
    );
    run(tests.env("KOMRADE_SCREENSHOTS", &into))?;
    println!("{}", into.display());
    Ok(())
}

/// Tests, or a benchmark, of a package in a real browser.
pub fn in_the_browser(root: &Path, package: &str, features: &str) -> Result<Command> {
    let driver = find("chromedriver").context("chromedriver is missing")?;
    let mut tests = cargo(
        root,
        &[
            "test",
            "--locked",
            "--target",
            "wasm32-unknown-unknown",
            "--package",
            package,
        ],
    );
    if !features.is_empty() {
        tests.args(["--features", features]);
    }
    tests
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            "wasm-bindgen-test-runner",
        )
        .env("CHROMEDRIVER", driver)
        // Compiling a test page and running Argon2id in it takes longer than the runner's default of 20 s.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    Ok(tests)
}
