//! `cargo xtask run`: the app and a relay, built and started.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    app,
    process::{Stage, cargo, command, output},
    setup, test,
};

/// Builds everything in release, starts it and waits until it is stopped with Ctrl-C.
pub fn run(root: &Path, private: bool, listen: SocketAddr, data: Option<PathBuf>) -> Result<()> {
    setup::for_relay(root)?;
    app::build_app(root)?;
    let stage = Stage::begin(
        "building the relay and its I2P router",
        "once 8 to 15 minutes on two cores",
    );
    test::build_programs(root, &["--release"])?;
    stage.end();
    let target = target(root)?;
    let data = data.unwrap_or_else(|| target.join("data"));
    let mut running = Vec::new();
    if private {
        let network = data.join("private-network");
        let mut routers = command(
            root,
            &program(&target, "komrade-i2p-private")?,
            &["--routers", "6", "--dir"],
        );
        let mut routers = routers
            .arg(&network)
            .stdout(Stdio::piped())
            .spawn()
            .context("the private network")?;
        let line = first_line(&mut routers)?;
        running.push(routers);
        if line.is_empty() {
            bail!("the private network of I2P routers did not start");
        }
        println!(
            "\nA private I2P network of six routers runs in this process's child; nothing leaves this machine."
        );
        for (number, name) in ["Ana", "Bo"].iter().enumerate() {
            let mut listen = listen;
            listen.set_port(listen.port() + u16::try_from(number)?);
            let folder = data.join(format!("relay-{}", number + 1));
            running.push(relay(
                root,
                &target,
                listen,
                &folder,
                Some(&network),
                &format!("For {name}"),
            )?);
        }
        println!("\nOpen each link in a window of its own (the second best in a private window).");
    } else {
        running.push(relay(
            root,
            &target,
            listen,
            &data.join("relay"),
            None,
            "Open",
        )?);
    }
    println!(
        "Stop with Ctrl-C; everything is kept in {}.",
        data.display()
    );
    for mut child in running {
        child.wait()?;
    }
    Ok(())
}

/// Starts a relay and prints the link to open; its further lines go on to the terminal.
fn relay(
    root: &Path,
    target: &Path,
    listen: SocketAddr,
    data: &Path,
    network: Option<&Path>,
    title: &str,
) -> Result<Child> {
    let mut relay = command(
        root,
        &program(target, "komrade-relay")?,
        &["--print-json", "--listen"],
    );
    relay.arg(listen.to_string()).arg("--data").arg(data);
    if let Some(network) = network {
        relay
            .args(["--router", "private", "--private-net"])
            .arg(network);
    }
    let mut relay = relay.stdout(Stdio::piped()).spawn().context("the relay")?;
    let line = first_line(&mut relay)?;
    let ready: serde_json::Value = serde_json::from_str(&line).with_context(|| {
        format!("the relay at {listen} did not start; its last words stand above")
    })?;
    let text = |name: &str| {
        ready
            .get(name)
            .and_then(|text| text.as_str())
            .context("the relay printed no link")
    };
    println!("\n{title}:  {}/#j/{}", text("origin")?, text("join")?);
    Ok(relay)
}

/// Reads one line and lets the rest flow to our own output.
fn first_line(child: &mut Child) -> Result<String> {
    let mut reader = BufReader::new(child.stdout.take().context("no output")?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::stdout()));
    Ok(line)
}

fn program(target: &Path, name: &str) -> Result<String> {
    let file = target.join("release").join(name);
    file.to_str()
        .map(str::to_owned)
        .context("the path of the target folder is not UTF-8")
}

/// Cargo's target folder.
pub fn target(root: &Path) -> Result<PathBuf> {
    let text = output(&mut cargo(
        root,
        &["metadata", "--format-version", "1", "--no-deps"],
    ))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let folder = metadata
        .get("target_directory")
        .and_then(|folder| folder.as_str());
    folder
        .map(PathBuf::from)
        .context("Cargo names no target folder")
}
