//! Nothing readable passes: proxies at both relays' WebSockets and at the SAM bridge keep every byte of two people's talk. Nor is
//! anything readable kept: what both relays have on their disks afterwards is looked through, too.

mod folder;
mod vault;

use anyhow::{Context, Result, ensure};
use folder::Folder;
use komrade_crypto::identity::RecoveryWords;
use komrade_tests::{I2P, LOCAL, Network, Person, Recorder, Relay, RelaySettings, until};
use serde_json::json;
use tokio::io::AsyncWriteExt;

/// Long enough that chance never makes them.
const NAMES: [&str; 2] = ["Ana Quetzalcoatlus", "Bo Archaeopteryx"];
/// What each says.
const TEXTS: [&str; 2] = [
    "The rent strike begins on the ninth",
    "Four hundred leaflets in the cellar",
];

/// What must not be readable of a person: name, words, passphrase, person id in text and bytes, root key, keys of the device.
async fn secrets(person: &Person) -> Result<Vec<(&'static str, Vec<u8>)>> {
    person.browser.click("nav-settings").await?;
    let id = person.browser.text("my-person-id").await?;
    let words = RecoveryWords::from_text(&person.words)
        .ok()
        .context("no recovery words")?;
    let root = words.root();
    let mut all = vec![
        ("name", person.name.clone().into_bytes()),
        ("words", person.words.clone().into_bytes()),
        ("passphrase", person.passphrase.clone().into_bytes()),
        ("person id in text", id.into_bytes()),
        ("person id in bytes", root.person().0.to_vec()),
        ("root key", root.public().to_vec()),
    ];
    all.extend(vault::device_keys(person, root.person()).await?);
    Ok(all)
}

#[tokio::test]
async fn nothing_readable_passes_a_relay_or_a_router() -> Result<()> {
    let network = Network::start()?;
    let sam = Recorder::start(network.sam().parse()?).await?;
    let settings = || RelaySettings::Sam(sam.listen().to_string());
    let mut relays = [Relay::start(settings())?, Relay::start(settings())?];
    let sockets = [
        Recorder::start(relays[0].listen()).await?,
        Recorder::start(relays[1].listen()).await?,
    ];

    let ana = Person::arrive(&relays[0].join_link_at(sockets[0].listen()), NAMES[0]).await?;
    let bo = Person::arrive(&relays[1].join_link_at(sockets[1].listen()), NAMES[1]).await?;
    let mut needles = secrets(&ana).await?;
    needles.extend(secrets(&bo).await?);
    needles.extend(TEXTS.map(|text| ("message", text.as_bytes().to_vec())));

    // Canaries: what is planted readable must be found, masked by a browser or not.
    let planted = "a canary that anybody could read";
    let script = "const [text, done] = arguments; const socket = new WebSocket(location.origin.replace('http', 'ws') + '/ws'); \
                  socket.onopen = () => { socket.send(new TextEncoder().encode(text)); done(true); }; socket.onerror = () => done(false)";
    for (person, socket) in [(&ana, &sockets[0]), (&bo, &sockets[1])] {
        ensure!(
            !socket.saw(planted.as_bytes()),
            "the canary was there before it was planted"
        );
        person
            .browser
            .web()
            .execute_async(script, vec![json!(planted)])
            .await?;
        until(LOCAL, "the canary on the WebSocket", async || {
            Ok(socket.saw(planted.as_bytes()))
        })
        .await?;
    }
    let mut plant = tokio::net::TcpStream::connect(sam.listen()).await?;
    plant.write_all(format!("{planted}\n").as_bytes()).await?;
    until(LOCAL, "the canary at the bridge", async || {
        Ok(sam.saw(planted.as_bytes()))
    })
    .await?;

    let before: usize = sockets.iter().map(Recorder::bytes).sum();
    ana.reachable().await?;
    bo.reachable().await?;
    let invite = ana.make_invite().await?;
    bo.accept(&invite).await?;
    ana.confirm().await?;
    bo.open_conversation(NAMES[0]).await?;
    ana.write(TEXTS[0]).await?;
    bo.read(TEXTS[0], I2P).await?;
    bo.write(TEXTS[1]).await?;
    ana.read(TEXTS[1], I2P).await?;

    let talked = sockets.iter().map(Recorder::bytes).sum::<usize>() - before;
    // At least: an invite's bundle, an intro and two messages, each on two WebSockets.
    ensure!(
        talked > 30_000,
        "only {talked} bytes passed while they talked"
    );
    ensure!(
        sam.bytes() > 15_000,
        "only {} bytes passed the bridge",
        sam.bytes()
    );
    println!(
        "looked for {} secrets in {} bytes at two WebSockets and {} at the bridge",
        needles.len(),
        before + talked,
        sam.bytes()
    );
    for (what, needle) in &needles {
        ensure!(needle.len() >= 16, "{what} is too short to mean anything");
        for recorder in sockets.iter().chain([&sam]) {
            ensure!(!recorder.saw(needle), "readable on the way: {what}");
        }
    }
    ana.browser.close().await?;
    bo.browser.close().await?;

    // What is left on the disks of both.
    let mut envelopes = std::collections::BTreeMap::new();
    let (mut kept, mut looked) = (0, 0);
    for relay in &mut relays {
        relay.kill()?;
        let before = Folder::read(relay.data())?;
        ensure!(
            !before.has(planted.as_bytes()),
            "the canary was there before it was planted"
        );
        folder::plant(relay.data(), planted.as_bytes())?;
        let folder = Folder::read(relay.data())?;
        ensure!(folder.has(planted.as_bytes()), "the canary is not found");
        for (what, needle) in &needles {
            ensure!(!folder.has(needle), "readable on the disk: {what}");
        }
        // At least: what each was told, and the answer.
        ensure!(folder.envelopes.len() >= 2, "a relay kept nothing");
        kept += folder.envelopes.len();
        looked += folder.bytes();
        envelopes.extend(folder.envelopes);
    }
    let common = folder::common_run(&envelopes);
    ensure!(
        common.is_none(),
        "two envelopes have this in common: {common:?}"
    );
    println!("looked for them in {looked} bytes of two disks; compared {kept} envelopes");
    Ok(())
}
