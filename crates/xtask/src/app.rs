//! Builds the app into `dist/`.
//!
//! The result is the same wherever and whenever it is built from the same sources with the same tools:
//! paths of this machine are cut from the code, and the build is named by a hash of its sources, which page
//! and worker compare with each other.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    hook,
    process::{Stage, command, output, run},
};

/// Where the result lies, below the workspace.
pub const DIST: &str = "dist";
/// What the app is made from: files, and folders with all below them.
const SOURCES: [&str; 19] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "crates/cbor",
    "crates/crypto",
    "crates/drive",
    "crates/ether",
    "crates/i2p",
    "crates/peer",
    "crates/social",
    "crates/store",
    "crates/view",
    "crates/wire",
    "crates/xtask/src/app.rs",
    "crates/xtask/src/hook.rs",
    "index.html",
    "rust-toolchain.toml",
    "web",
];
/// Programs whose version may change the result.
const TOOLS: [&str; 3] = ["rustc", "trunk", "wasm-bindgen"];

/// Builds the app, unless `dist/` holds this very build already.
pub fn build_app(root: &Path) -> Result<()> {
    let build = build_name(root)?;
    let stamp = crate::run::target(root)?.join("komrade-app.stamp");
    if is_built(root, &stamp, &build) {
        println!("The app is built already.");
        return Ok(());
    }
    let stage = Stage::begin(
        "building the app",
        "once 5 to 10 minutes on two cores, then about two",
    );
    let mut trunk = command(root, "trunk", &["build", "--config", "Trunk.toml"]);
    trunk
        .env("KOMRADE_BUILD", &build)
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            without_paths(),
        )
        // These would replace the flags above and those in `.cargo/config.toml`.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // Trunk reads `NO_COLOR=1` as a value of its own flag, and refuses it.
        .env_remove("NO_COLOR");
    run(&mut trunk)?;
    fs::write(&stamp, stamp_text(root, &build)?).context("could not note the build")?;
    stage.end();
    Ok(())
}

/// The first 16 hex digits of a hash over all sources and the versions of the tools.
fn build_name(root: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for tool in TOOLS {
        hash.update(output(&mut command(root, tool, &["--version"]))?);
        hash.update([0]);
    }
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), source, &mut files)?;
    }
    files.sort();
    for (name, path) in files {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    let hex = HEXLOWER.encode(&hash.finalize());
    Ok(hex.chars().take(16).collect())
}

/// The files at and below `path`, by names that are the same on every machine.
fn collect(path: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    if !path.is_dir() {
        files.push((name.to_owned(), path.to_path_buf()));
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        let entry = entry?;
        let part = entry
            .file_name()
            .into_string()
            .ok()
            .context("a file name that is not UTF-8")?;
        // Editors leave such beside the sources.
        if !part.starts_with('.') && !part.ends_with('~') {
            collect(&entry.path(), &format!("{name}/{part}"), files)?;
        }
    }
    Ok(())
}

fn is_built(root: &Path, stamp: &Path, build: &str) -> bool {
    let noted = fs::read_to_string(stamp).ok();
    noted.is_some() && noted == stamp_text(root, build).ok()
}

/// Names the build and what lies in `dist/`, so that a change of either is noticed.
fn stamp_text(root: &Path, build: &str) -> Result<String> {
    let manifest =
        fs::read(root.join(DIST).join(hook::MANIFEST)).context("no manifest in dist/")?;
    Ok(format!(
        "{build} {}\n",
        HEXLOWER.encode(&Sha256::digest(manifest))
    ))
}

/// Compiler flags that cut this machine's paths from what the app would say where it panicked.
///
/// Our own crates are compiled with paths relative to the workspace: the flags do not name it, so that another
/// checkout on the same machine finds all dependencies built.
fn without_paths() -> String {
    let mut flags = Vec::new();
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    // Dependencies lie in one folder per registry, whose name differs from machine to machine.
    let registries = home
        .map(|home| home.join("registry/src"))
        .and_then(|src| fs::read_dir(src).ok());
    for registry in registries.into_iter().flatten().flatten() {
        flags.push(remap(&registry.path(), "crates"));
    }
    flags.join(" ")
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}
