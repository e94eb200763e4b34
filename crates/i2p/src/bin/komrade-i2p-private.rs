//! A private I2P network in a process of its own.
//!
//! Prints one line of JSON when its routers have started, `{"sam": "127.0.0.1:PORT", "dir": "…", "routers": N}`, and runs until
//! it is told to end (SIGINT, SIGTERM, or the end of its input with `--until-stdin-closes`). Its first tunnels take some 10
//! seconds more.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use komrade_i2p::net::{PrivateNetwork, PrivateOptions};
use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

/// Runs a private I2P network on loopback.
#[derive(Parser)]
struct Arguments {
    /// Folder for the router infos, from which others join.
    #[arg(long)]
    dir: PathBuf,
    /// How many routers, 4 to 32.
    #[arg(long, default_value_t = 6)]
    routers: usize,
    /// The network's id, anything but I2P's own 2.
    #[arg(long, default_value_t = PrivateOptions::NET_ID)]
    net_id: u8,
    /// End when the input ends, as it does when whoever started this ends.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match act().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If even standard error is gone, the exit code still tells.
            let _ = writeln!(io::stderr(), "komrade-i2p-private: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn act() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments {
        dir,
        routers,
        net_id,
        until_stdin_closes,
    } = Arguments::parse();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    let network = PrivateNetwork::start(PrivateOptions {
        folder: dir.clone(),
        routers,
        net_id,
    })
    .await
    .map_err(|error| format!("{error} ({})", dir.display()))?;
    let sam = network
        .sam_addresses()
        .first()
        .ok_or("no router has a bridge")?;
    let line = serde_json::json!({ "sam": sam.to_string(), "dir": dir, "routers": routers });
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()?;

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = end_of_input(), if until_stdin_closes => {}
    }
    drop(network);
    // The thread that reads the input cannot be cancelled, so the runtime would wait for it.
    std::process::exit(0)
}

async fn end_of_input() {
    let (mut input, mut ignored) = (tokio::io::stdin(), [0; 256]);
    while input.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}
