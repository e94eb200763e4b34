//! `komrade-relay`: see the library for what it does, `--help` for how to use it.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use komrade_relay::Running;
use komrade_relay::join::JoinFile;
use tokio::signal;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

mod command_line;

use command_line::{Arguments, Command, JoinAction, Log};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match act(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If even standard error is gone, the exit code still tells.
            let _ = writeln!(io::stderr(), "komrade-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn act(arguments: &Arguments) -> Outcome {
    match arguments.command {
        Some(Command::ExampleConfig) => {
            say(include_str!("../komrade-relay.example.toml").trim_end())
        }
        Some(Command::JoinSecret { action }) => join_secret(arguments, action),
        None => run(arguments).await,
    }
}

fn join_secret(arguments: &Arguments, action: JoinAction) -> Outcome {
    let (_, folder) = arguments.config()?;
    let file = JoinFile::in_folder(&folder);
    let problem = |error| format!("the join secret in {}: {error}", file.path().display());
    let secret = match action {
        JoinAction::Show => file.read().map_err(problem)?,
        JoinAction::Rotate if !file.path().exists() => {
            return Err(format!(
                "no relay keeps its data in {}.\nName the folder of the relay with --data FOLDER.",
                folder.display()
            )
            .into());
        }
        JoinAction::Rotate => file.rotate().map_err(problem)?,
    };
    say(&secret.to_text())
}

async fn run(arguments: &Arguments) -> Outcome {
    log(arguments.log);
    let (config, folder) = arguments.config()?;
    let relay = komrade_relay::start(config).await?;
    if arguments.print_json {
        announce_json(&relay)?;
    } else {
        announce(&relay, &folder)?;
    }
    told_to_stop().await?;
    relay.stop().await;
    Ok(())
}

fn announce_json(relay: &Running) -> Outcome {
    let line = serde_json::json!({
        "origin": relay.origin(),
        "join": relay.join_secret()?.as_str(),
    });
    say(&line.to_string())
}

fn announce(relay: &Running, folder: &std::path::Path) -> Outcome {
    let origin = relay.origin();
    let secret = relay.join_secret()?;
    say(&format!(
        "This relay is at {origin} and keeps its data in {}.",
        folder.display()
    ))?;
    let who = if relay.is_first_start() {
        "Whoever has this link"
    } else {
        "As before, whoever has this link"
    };
    say(&format!(
        "{who} may use it:\n\n    {origin}/#j/{}\n",
        secret.as_str()
    ))
}

fn say(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Only this project's own lines: what the router's libraries log may hold addresses.
fn log(level: Log) {
    let level = match level {
        Log::Off => LevelFilter::OFF,
        Log::Warn => LevelFilter::WARN,
        Log::Info => LevelFilter::INFO,
        Log::Debug => LevelFilter::DEBUG,
    };
    let ours = Targets::new()
        .with_targets(komrade_relay::LOG_TARGETS.map(|target| (target, level)))
        // Its stages are told in words already.
        .with_target(
            "komrade_i2p",
            if level == LevelFilter::INFO {
                LevelFilter::WARN
            } else {
                level
            },
        );
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .init();
}

#[cfg(unix)]
async fn told_to_stop() -> io::Result<()> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn told_to_stop() -> io::Result<()> {
    signal::ctrl_c().await
}
