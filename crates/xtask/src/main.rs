//! `cargo xtask …`: everything a person needs to run, test and look after Komrade.
//!
//! Two commands are enough to begin: `cargo xtask run` and `cargo xtask test`. Both install what is missing first.

mod app;
mod arrows;
mod bench;
mod check;
mod hook;
mod process;
mod run;
mod setup;
mod sim;
mod summary;
mod test;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Run, test and look after Komrade"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the app and the relay, start them, and print the link to open.
    Run {
        /// Without internet: a private network of real I2P routers, and two relays on it.
        #[arg(long)]
        private_i2p: bool,
        /// Where the relay listens; with --private-i2p the second relay takes the next port.
        #[arg(long, default_value = "127.0.0.1:4747", value_parser = listen)]
        listen: SocketAddr,
        /// Where the relay keeps its data (default: `data` in Cargo's target folder).
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Everything that is tested, browsers included.
    Test {
        /// Also what takes long: more inputs for the fuzzers, double builds.
        #[arg(long)]
        long: bool,
        /// Only the stages whose name contains this; the names stand in CONTRIBUTING.md, and are told if there is none such.
        #[arg(long)]
        only: Option<String>,
    },
    /// Formatting, lints, licences, documentation and the arrows of ARCHITECTURE.md.
    Check,
    /// Feed a decoder random changes of valid input.
    Fuzz {
        /// Which one; `list` shows them all.
        name: String,
        /// For how long.
        #[arg(long, default_value_t = 1)]
        minutes: u64,
    },
    /// Let worlds of many peers and relays live through what can go wrong; prints failures with their seed.
    Sim {
        /// `--seeds N`, `--from SEED`, `--peers P`, `--relays R`, `--days D`, `--lines N` of a failure's transcript; `--burns`:
        /// relays lose their keys or burn; `--copies`: profiles are copied and put back; `--collective`: with one, and with `--apart`
        /// absences of up to two weeks. Or `--scale`: what a peer costs in networks of 100, 1,000 and 10,000, by a light traffic
        /// model. Or `--members N`: the keys of a collective of so many.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure.
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Take a picture of every screen: phone and desktop, light and dark.
    Screenshots {
        /// Where to put them.
        #[arg(long, default_value = "target/screenshots")]
        into: PathBuf,
    },
    /// Build the app into `dist/`.
    App,
    /// Called by Trunk after it has built the app.
    #[command(hide = true)]
    Hook,
}

fn main() -> ExitCode {
    match act() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Where to listen, as it is typed.
fn listen(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address and a port are needed, such as 127.0.0.1:4747")
}

fn act() -> Result<()> {
    let root = root()?;
    match Arguments::parse().task {
        Task::Run {
            private_i2p,
            listen,
            data,
        } => run::run(&root, private_i2p, listen, data),
        Task::Test { long, only } => test::test(&root, long, only.as_deref()),
        Task::Check => check::check(&root),
        Task::Fuzz { name, minutes } => test::fuzz(&root, &name, minutes),
        Task::Sim { arguments } => sim::sim(&root, &arguments),
        Task::Bench { what } => bench::bench(&root, what),
        Task::Screenshots { into } => test::screenshots(&root, &into),
        Task::App => {
            setup::for_app(&root)?;
            app::build_app(&root)
        }
        Task::Hook => hook::run(&root),
    }
}

/// The folder of the workspace.
fn root() -> Result<PathBuf> {
    // As Cargo says when it runs this, not when it built it: the checkout may have been moved, or share a target folder with
    // another one.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").context("to be run as `cargo xtask`")?;
    Path::new(&here)
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("xtask does not stand in crates/xtask")
}
