//! Running other programs, with their time and their exit code told plainly.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::summary::{Counts, Sayings};

/// `program` in `root`, with `arguments`.
pub fn command(root: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(root)
        .args(arguments)
        .stdin(Stdio::null())
        .env("PATH", path());
    command
}

/// The Cargo that runs us, with `arguments`.
pub fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = command(root, &cargo, arguments);
    // `cargo run` tells its child about xtask itself; a nested Cargo must not take that for its own.
    command
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_PKG_NAME");
    command
}

/// Runs to the end, output as it comes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs to the end and returns what it printed, trimmed.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("could not start {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}: {}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a test runner to the end, output as it comes, and adds up its `test result:` lines.
/// A failed run that counted no failure counts as one, so that a build error can never look like a pass.
pub fn run_tests(command: &mut Command) -> Result<Counts> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {}", shown(command)))?;
    let stdout = child.stdout.take().context("the runner has no output")?;
    let mut counts = Counts::default();
    let mut sayings = Sayings::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        counts.add_line(&text);
        sayings.add_line(&text);
        writeln!(std::io::stdout(), "{text}")?;
    }
    counts.said = sayings.into_lines();
    let status = child.wait()?;
    if !status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    if !status.success() {
        eprintln!("{} ended with {status}", shown(command));
    }
    Ok(counts)
}

/// A stage with a name and the time it took.
pub struct Stage {
    name: String,
    started: Instant,
}

impl Stage {
    /// Prints that it begins. `estimate` says how long it takes where nothing is built yet.
    pub fn begin(name: &str, estimate: &str) -> Self {
        println!(
            "\n=== {name}{}",
            if estimate.is_empty() {
                String::new()
            } else {
                format!(" ({estimate})")
            }
        );
        Self {
            name: name.to_owned(),
            started: Instant::now(),
        }
    }

    /// Prints and returns how long it took.
    pub fn end(self) -> (String, Duration) {
        let took = self.started.elapsed();
        println!(
            "=== {}: {:.1} minutes",
            self.name,
            took.as_secs_f64() / 60.0
        );
        (self.name, took)
    }
}

/// The search path, with the tools that [`crate::setup`] installs in front.
fn path() -> OsString {
    let tools = tools().join("bin");
    let inherited = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(tools).chain(env::split_paths(&inherited));
    env::join_paths(all).unwrap_or(inherited)
}

/// Where tools are installed, outside any checkout, so that a fresh clone finds them again: `KOMRADE_CACHE`, else
/// `komrade` in the person's cache folder.
pub fn tools() -> PathBuf {
    let cache = env::var_os("KOMRADE_CACHE").map(PathBuf::from).or_else(|| {
        let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        base.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
            .map(|base| base.join("komrade"))
    });
    cache
        .unwrap_or_else(|| PathBuf::from("target/cache"))
        .join("tools")
}

/// The first place on the search path that holds `program`.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&path())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
