//! `cargo xtask run`: the app and a relay, built and started.

use std::{
    io::{BufRead, BufReader, ErrorKind},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    app,
    process::{Stage, cargo, command, output},
    setup, test,
};

/// What was started. It ends with this: a relay that nobody waits for would keep its port.
#[derive(Default)]
struct Running(Vec<Child>);

impl Running {
    /// Starts a program; gives the line that it says when it is ready, empty if it ended before.
    fn start(&mut self, program: &mut Command) -> Result<String> {
        let name = program.get_program().to_owned();
        let mut child = program
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start {}", name.display()))?;
        let output = child.stdout.take();
        self.0.push(child);
        first_line(output.context("no output")?)
    }

    /// Until all have ended, as they do with Ctrl-C.
    fn wait(mut self) -> Result<()> {
        for child in &mut self.0 {
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended already cannot be ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Builds everything in release, starts it and waits until it is stopped with Ctrl-C.
pub fn run(root: &Path, private: bool, listen: SocketAddr, data: Option<PathBuf>) -> Result<()> {
    let addresses = addresses(listen, if private { 2 } else { 1 })?;
    setup::for_relay(root)?;
    app::build_app(root)?;
    let stage = Stage::begin(
        "building the relay and its I2P router",
        "8 to 15 minutes on two cores the first time, then seconds",
    );
    test::build_programs(root, &["--release"])?;
    stage.end();
    let target = target(root)?;
    let data = data.unwrap_or_else(|| target.join("data"));
    let mut running = Running::default();
    let mut links = Vec::new();
    if private {
        let network = data.join("private-network");
        let mut routers = command(
            root,
            &program(&target, "komrade-i2p-private")?,
            &["--routers", "6", "--dir"],
        );
        if running.start(routers.arg(&network))?.is_empty() {
            bail!("the private network of I2P routers did not start; what it said stands above");
        }
        println!("A private I2P network of six routers runs; nothing leaves this machine.");
        for (number, address) in addresses.iter().enumerate() {
            let folder = data.join(format!("relay-{}", number + 1));
            let mut relay = relay(root, &target, *address, &folder)?;
            relay
                .args(["--router", "private", "--private-net"])
                .arg(&network);
            links.push(link(&running.start(&mut relay)?, *address)?);
        }
    } else {
        let mut relay = relay(root, &target, listen, &data.join("relay"))?;
        links.push(link(&running.start(&mut relay)?, listen)?);
    }
    println!();
    match links.as_slice() {
        [ana, bo] => {
            println!("For Ana:  {ana}\nFor Bo:   {bo}\n");
            println!(
                "Open each link in a window of its own (the second best in a private window) and cut keys in both. Make an invite in \
                 one under Meet, paste it in the other, then look at Meet in the first and confirm who asks."
            );
        }
        links => println!("Open:  {}\n", links.join(" ")),
    }
    println!(
        "Stop with Ctrl-C; everything is kept in {}.",
        data.display()
    );
    running.wait()
}

/// Where so many relays listen: the address and the ports after it. Looks before anything is built whether they are free.
fn addresses(first: SocketAddr, count: u16) -> Result<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    for number in 0..count {
        let mut address = first;
        let port = first.port().checked_add(number);
        address.set_port(port.context("choose a smaller port with --listen ADDRESS:PORT")?);
        TcpListener::bind(address).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow!(
                "{address} is in use, perhaps by another relay.\n\
                 Stop that one, or choose another port with --listen ADDRESS:PORT."
            ),
            _ => anyhow!(
                "cannot listen at {address}: {error}.\nChoose an address of this machine with --listen ADDRESS:PORT."
            ),
        })?;
        addresses.push(address);
    }
    Ok(addresses)
}

/// A relay, to be started.
fn relay(root: &Path, target: &Path, listen: SocketAddr, data: &Path) -> Result<Command> {
    let mut relay = command(
        root,
        &program(target, "komrade-relay")?,
        &["--print-json", "--listen"],
    );
    relay.arg(listen.to_string()).arg("--data").arg(data);
    Ok(relay)
}

/// The link to open, by what a relay says when it is ready.
fn link(line: &str, listen: SocketAddr) -> Result<String> {
    let Ok(ready) = serde_json::from_str::<serde_json::Value>(line) else {
        bail!("the relay at {listen} did not start; what it said stands above");
    };
    let text = |name: &str| {
        ready
            .get(name)
            .and_then(|text| text.as_str())
            .context("the relay printed no link")
    };
    Ok(format!("{}/#j/{}", text("origin")?, text("join")?))
}

/// Reads one line and lets the rest flow to our own output.
fn first_line(output: ChildStdout) -> Result<String> {
    let mut reader = BufReader::new(output);
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
