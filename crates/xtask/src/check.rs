//! `cargo xtask check`: what can be said of the code without running it.

use std::{fs, path::Path};

use anyhow::{Result, bail};

use crate::{
    arrows,
    process::{Stage, cargo, command, output, run},
    setup,
};

/// Crates that are built for the browser only.
pub const BROWSER_ONLY: [&str; 2] = ["komrade-app", "komrade-worker"];

/// Crates that also run in the browser.
const IN_THE_BROWSER: [&str; 11] = [
    "komrade-app",
    "komrade-crypto",
    "komrade-drive",
    "komrade-ether",
    "komrade-i2p",
    "komrade-peer",
    "komrade-social",
    "komrade-store",
    "komrade-view",
    "komrade-wire",
    "komrade-worker",
];

/// Words that mean "not finished". Written apart here so that this file does not trip over itself.
const UNFINISHED: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ig", "nore"),
    concat!("for", " now"),
];

/// Runs every check; the first that fails ends it.
pub fn check(root: &Path) -> Result<()> {
    setup::for_check(root)?;
    let mut times = Vec::new();
    let mut stage = |name: &str, work: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        let stage = Stage::begin(name, "");
        work()?;
        times.push(stage.end());
        Ok(())
    };
    stage("formatting", &mut || {
        run(&mut cargo(root, &["fmt", "--all", "--check"]))?;
        run(&mut cargo(&root.join("bench"), &["fmt", "--check"]))
    })?;
    stage("unfinished words", &mut || unfinished(root))?;
    stage("arrows", &mut || arrows::check(root))?;
    stage("licences, bans and sources", &mut || {
        run(&mut command(
            root,
            "cargo-deny",
            &["--locked", "check", "bans", "licenses", "sources"],
        ))
    })?;
    stage("lints, native", &mut || {
        let mut clippy = cargo(
            root,
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--locked",
            ],
        );
        for name in BROWSER_ONLY {
            clippy.args(["--exclude", name]);
        }
        run(clippy.args(["--", "-D", "warnings"]))
    })?;
    stage("lints, browser", &mut || {
        let mut clippy = cargo(
            root,
            &["clippy", "--target", "wasm32-unknown-unknown", "--locked"],
        );
        for name in IN_THE_BROWSER {
            clippy.args(["--package", name]);
        }
        run(clippy.args(["--", "-D", "warnings"]))
    })?;
    stage("documentation", &mut || {
        let mut doc = cargo(root, &["doc", "--workspace", "--no-deps", "--locked"]);
        for name in BROWSER_ONLY {
            doc.args(["--exclude", name]);
        }
        run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    println!();
    for (name, took) in times {
        println!("{:>6.1} min  {name}", took.as_secs_f64() / 60.0);
    }
    Ok(())
}

/// Looks for words that mean "not finished" in everything that ships.
fn unfinished(root: &Path) -> Result<()> {
    let files = output(&mut command(
        root,
        "git",
        &[
            "ls-files",
            "bench",
            "crates",
            "relay",
            "web",
            "tests",
            "index.html",
            "Trunk.toml",
        ],
    ))?;
    let mut read = 0;
    let mut found = Vec::new();
    for name in files.lines() {
        let shipped = [".rs", ".js", ".css", ".html", ".toml"]
            .iter()
            .any(|end| name.ends_with(end));
        let others = name.starts_with("tests/vendor/");
        if !shipped || others || name == "crates/xtask/src/check.rs" {
            continue;
        }
        let Ok(text) = fs::read_to_string(root.join(name)) else {
            continue;
        };
        read += 1;
        for (number, line) in text.lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{name}:{}: {word}", number + 1));
            }
        }
    }
    if read < 20 {
        bail!("only {read} files were read: this check looked at nothing");
    }
    if !found.is_empty() {
        bail!("not finished:\n  {}", found.join("\n  "));
    }
    println!("{read} files");
    Ok(())
}
