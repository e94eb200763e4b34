//! Installs what is missing, or says in one line what to type.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::process::{Stage, command, find, output, run, tools};

/// The bindings' generator must be of exactly the version of the library it reads.
const WASM_BINDGEN: &str = "0.2.129";
const TRUNK: &str = "0.21.14";
const CARGO_DENY: &str = "0.20.2";

/// What a system package gives us, and what it is called where.
struct Package {
    /// Any of these programs on the search path (or file, if it starts with `/`) means that it is there.
    gives: &'static [&'static str],
    debian: &'static [&'static str],
    brew: &'static str,
}

const COMPILER: Package = Package {
    gives: &["cc"],
    debian: &["build-essential"],
    brew: "llvm",
};
/// The router's reseeding links the system's OpenSSL.
const OPENSSL: Package = Package {
    gives: &[
        "/usr/include/openssl/ssl.h",
        "/opt/homebrew/opt/openssl@3/include/openssl/ssl.h",
        "/usr/local/opt/openssl@3/include/openssl/ssl.h",
    ],
    debian: &["libssl-dev"],
    brew: "openssl@3",
};
const PKG_CONFIG: Package = Package {
    gives: &["pkg-config"],
    debian: &["pkg-config"],
    brew: "pkg-config",
};
const BROWSER: Package = Package {
    gives: &[
        "chromium",
        "google-chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ],
    debian: &["chromium"],
    brew: "--cask chromium",
};
const DRIVER: Package = Package {
    gives: &["chromedriver"],
    debian: &["chromium-driver"],
    brew: "--cask chromedriver",
};
const FONTS: Package = Package {
    gives: &[
        "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
        "/System/Library/Fonts/Apple Color Emoji.ttc",
    ],
    debian: &["fonts-noto-core", "fonts-noto-color-emoji"],
    brew: "--cask font-noto-emoji",
};

/// What building the app takes.
pub fn for_app(root: &Path) -> Result<()> {
    with_packages(root, &[COMPILER])
}

/// What building the app and the relay takes.
pub fn for_relay(root: &Path) -> Result<()> {
    with_packages(root, &[COMPILER, OPENSSL, PKG_CONFIG])
}

/// What the tests take.
pub fn for_tests(root: &Path) -> Result<()> {
    with_packages(
        root,
        &[COMPILER, OPENSSL, PKG_CONFIG, BROWSER, DRIVER, FONTS],
    )
}

/// What only an administrator may install comes first: nobody is to wait for the rest and then be sent to them.
fn with_packages(root: &Path, packages: &[Package]) -> Result<()> {
    wasm_target(root)?;
    system(root, packages)?;
    cargo_tool(root, "trunk", TRUNK, "trunk")?;
    cargo_tool(root, "wasm-bindgen", WASM_BINDGEN, "wasm-bindgen-cli")
}

/// What `cargo xtask check` takes.
pub fn for_check(root: &Path) -> Result<()> {
    wasm_target(root)?;
    system(root, &[COMPILER, OPENSSL, PKG_CONFIG])?;
    cargo_tool(root, "cargo-deny", CARGO_DENY, "cargo-deny")
}

fn wasm_target(root: &Path) -> Result<()> {
    let sysroot = output(&mut command(root, "rustc", &["--print", "sysroot"]))?;
    if Path::new(&sysroot)
        .join("lib/rustlib/wasm32-unknown-unknown")
        .exists()
    {
        return Ok(());
    }
    println!("Adding the Rust target for browsers …");
    run(&mut command(
        root,
        "rustup",
        &["target", "add", "wasm32-unknown-unknown"],
    ))
    .context(
        "the Rust target for browsers is missing; type: rustup target add wasm32-unknown-unknown",
    )
}

/// Installs `package` in exactly `version`, unless `program` is there in that version already.
fn cargo_tool(root: &Path, program: &str, version: &str, package: &str) -> Result<()> {
    if find(program).is_some() {
        let found = output(&mut command(root, program, &["--version"])).unwrap_or_default();
        if found.split_whitespace().any(|word| word == version) {
            return Ok(());
        }
    }
    let stage = Stage::begin(
        &format!("installing {package} {version}"),
        "once, 4 to 12 minutes on two cores",
    );
    let folder = tools();
    let mut install = command(
        root,
        "cargo",
        &[
            "install",
            package,
            "--version",
            version,
            "--locked",
            "--root",
        ],
    );
    install.arg(&folder).env_remove("CARGO_TARGET_DIR");
    run(&mut install).with_context(|| {
        format!("could not install {package}; type: cargo install {package} --version {version} --locked")
    })?;
    stage.end();
    Ok(())
}

/// Installs the packages that are missing through apt where it may, else says what to type.
fn system(root: &Path, packages: &[Package]) -> Result<()> {
    let missing: Vec<_> = packages
        .iter()
        .filter(|package| !present(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let debian: Vec<_> = missing
        .iter()
        .flat_map(|package| package.debian.iter().copied())
        .collect();
    if find("apt-get").is_none() {
        let lines: Vec<_> = missing
            .iter()
            .map(|package| format!("brew install {}", package.brew))
            .collect();
        bail!(
            "some programs are missing; with Homebrew, type: {}",
            lines.join(" && ")
        );
    }
    let line = format!(
        "sudo apt-get update && sudo apt-get install --yes {}",
        debian.join(" ")
    );
    let Some(prefix) = may_install(root) else {
        bail!(
            "some programs are missing, and installing them needs an administrator; type: {line}"
        );
    };
    let stage = Stage::begin(
        &format!("installing {}", debian.join(", ")),
        "once, a minute or two",
    );
    let apt = |arguments: &[&str]| -> Command {
        let mut words: Vec<&str> = prefix.to_vec();
        words.push("apt-get");
        words.extend_from_slice(arguments);
        let (program, rest) = words.split_first().unwrap_or((&"apt-get", &[]));
        let mut command = command(root, program, rest);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(&mut apt(&["update", "-qq"])).with_context(|| format!("type: {line}"))?;
    let mut install = vec!["install", "--yes", "-qq", "--no-install-recommends"];
    install.extend(&debian);
    run(&mut apt(&install)).with_context(|| format!("type: {line}"))?;
    stage.end();
    if let Some(package) = packages.iter().find(|package| !present(package)) {
        bail!(
            "{} is still missing after: {line}",
            package.gives.join(" or ")
        );
    }
    Ok(())
}

fn present(package: &Package) -> bool {
    package.gives.iter().any(|name| {
        if name.starts_with('/') {
            Path::new(name).exists()
        } else {
            find(name).is_some()
        }
    })
}

/// What to put before `apt-get`: nothing for root, `sudo -n` where that works without a question.
fn may_install(root: &Path) -> Option<&'static [&'static str]> {
    if output(&mut command(root, "id", &["-u"])).is_ok_and(|user| user == "0") {
        return Some(&[]);
    }
    let sudo = output(&mut command(root, "sudo", &["-n", "true"]));
    sudo.is_ok().then_some(&["sudo", "-n"])
}
