//! The test of the whole: two people, two relays, two browsers, a private I2P network.

use anyhow::{Result, ensure};
use komrade_tests::{I2P, LOCAL, Network, Person, Relay, RelaySettings};

/// Five messages from one side: plain, emoji, right to left, several lines, and 10 KB.
fn five(name: &str) -> Vec<String> {
    let long: String = format!("{name} reads the minutes of the meeting. ").repeat(400);
    vec![
        format!("{name}: the hall is ours until ten."),
        format!("{name}: leaflets 🌹✊🏽👩‍👩‍👧‍👦, 400 of them"),
        format!("{name}: نلتقي عند السادسة مساءً"),
        format!("{name}: first line\nsecond line\n    third line"),
        long.chars().take(10 * 1024).collect(),
    ]
}

#[tokio::test]
async fn two_browsers_on_two_relays_meet_and_talk_over_i2p() -> Result<()> {
    let network = Network::start()?;
    let private = || RelaySettings::Private(network.folder().to_owned());
    let first = Relay::start(private())?;
    let mut second = Relay::start(private())?;

    let ana = Person::arrive(first.join_link(), "Ana").await?;
    let bo = Person::arrive(second.join_link(), "Bo").await?;
    ana.reachable().await?;
    bo.reachable().await?;

    let invite = ana.make_invite().await?;
    ensure!(invite.len() <= 200, "the invite has {} bytes", invite.len());
    ensure!(
        invite.split('#').count() == 2,
        "everything secret stands after #"
    );
    bo.accept(&invite).await?;
    let code = ana.confirm().await?;
    bo.open_conversation("Ana").await?;
    bo.browser.see("composer", I2P).await?;
    bo.browser.click("conversation-about").await?;
    ensure!(
        bo.browser.text("code").await? == code,
        "both see the same code"
    );
    bo.open_conversation("Ana").await?;

    let (from_ana, from_bo) = (five("Ana"), five("Bo"));
    for (mine, theirs) in from_ana.iter().zip(&from_bo) {
        ana.write(mine).await?;
        bo.read(mine, I2P).await?;
        bo.write(theirs).await?;
        ana.read(theirs, I2P).await?;
    }
    let all = ana.messages().await?;
    ensure!(all.len() == 10, "ten messages, none twice: {}", all.len());
    for text in from_ana.iter().chain(&from_bo) {
        ensure!(
            all.contains(text),
            "not shown as it was written: {text:.40}"
        );
    }
    ana.browser
        .see_with("message", "data-tick", "delivered", I2P)
        .await?;

    for person in [&ana, &bo] {
        person.browser.reload().await?;
        person
            .unlock_with("not the right passphrase at all")
            .await?;
        person
            .browser
            .see_text("unlock-passphrase-error", "passphrase", LOCAL)
            .await?;
        person.unlock_with(&person.passphrase).await?;
        person.browser.see("screen-conversation", LOCAL).await?;
        person.browser.count("message", 10, LOCAL).await?;
    }
    ensure!(
        ana.messages().await? == all,
        "the history is the same after a reload"
    );

    second.kill()?;
    let queued = "Written while Bo's relay was down";
    ana.write(queued).await?;
    second.restart()?;
    // Ana's relay waits a little longer after each try that failed.
    bo.read(queued, 2 * I2P).await?;
    ana.browser
        .see_with("message", "data-tick", "delivered", I2P)
        .await?;
    ensure!(bo.messages().await?.len() == 11, "nothing is doubled");

    for person in [ana, bo] {
        let severe: Vec<_> = person
            .browser
            .console()
            .await?
            .into_iter()
            // A relay that was killed is reported by the browser itself.
            .filter(|entry| entry.level == "SEVERE" && !entry.message.contains("WebSocket"))
            .map(|entry| entry.message)
            .collect();
        ensure!(severe.is_empty(), "{}: {severe:?}", person.name);
        person.browser.close().await?;
    }
    Ok(())
}
