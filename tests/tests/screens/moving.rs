//! A person moves to another web origin: leaves one in a file, arrives at the other with it, and a conversation goes on.

use std::{fs, net::TcpListener};

use anyhow::{Context, Result, ensure};
use komrade_tests::{Album, LOCAL, Person, Relay, RelaySettings, until};
use tempfile::TempDir;

/// How many screens there are on this way.
const SCREENS: usize = 5;

#[tokio::test]
async fn a_komrade_moves_to_another_origin_in_one_file() -> Result<()> {
    // A bridge that takes connections and never says a word: all goes through one relay's node.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let sam = || -> Result<_> { Ok(RelaySettings::Sam(silent.local_addr()?.to_string())) };
    let (old, new) = (Relay::start(sam()?)?, Relay::start(sam()?)?);
    let ana = Person::arrive(old.join_link(), "Ana").await?;
    let bo = Person::arrive(old.join_link(), "Bo").await?;
    ana.reachable().await?;
    bo.reachable().await?;
    let invite = ana.make_invite().await?;
    bo.accept(&invite).await?;
    ana.confirm().await?;
    ana.write("I shall move to another address.").await?;
    bo.read("I shall move to another address.", LOCAL).await?;

    let page = &ana.browser;
    let downloads = TempDir::new()?;
    page.save_to(downloads.path()).await?;
    page.click("nav-settings").await?;
    page.click("move").await?;
    page.see("move-warning", LOCAL).await?;
    let mut album = Album::open(page, 60).await?;
    album.take(page, "move").await?;
    page.fill("move-passphrase", "not the passphrase").await?;
    page.click("move-sure").await?;
    page.see_text("move-passphrase-error", "does not open", LOCAL)
        .await?;
    page.fill("move-passphrase", &ana.passphrase).await?;
    page.click("move-sure").await?;
    page.see("moved-save", LOCAL).await?;
    album.take(page, "moved").await?;

    // It does not open here again, and the file is made again.
    page.reload().await?;
    page.see("moved-make", LOCAL).await?;
    page.fill("move-passphrase", &ana.passphrase).await?;
    page.click("moved-make").await?;
    page.click("moved-save").await?;
    let saved = downloads.path().join("my-komrade.komrade");
    until(LOCAL, "the file to be saved", async || Ok(saved.exists())).await?;
    page.click("moved-erase").await?;
    page.click("moved-erase-sure").await?;
    page.see("welcome-erased", LOCAL).await?;
    page.reload().await?;
    page.see("welcome-start", LOCAL).await?;

    bo.write("Are you still there?").await?;
    bo.relay_has_all().await?;
    // Meanwhile Bo sees for whom the relay keeps something, and sets a limit for a day.
    bo.browser.click("nav-route").await?;
    bo.browser
        .see_with("queue", "data-reason", "kept", LOCAL)
        .await?;
    bo.browser.see_text("route-bytes", "Today", LOCAL).await?;
    bo.browser.click("saver-20").await?;
    bo.browser.click("nav-settings").await?;
    bo.browser.click("nav-route").await?;
    let chosen = "return document.querySelector('[data-testid=saver-20]')?.checked === true";
    until(LOCAL, "the limit to be kept", async || {
        let chosen = bo.browser.web().execute(chosen, vec![]).await?;
        Ok(chosen.convert()?)
    })
    .await?;
    bo.browser
        .see_text("learn-now", "sees that you have been connected", LOCAL)
        .await?;
    let scroll = "document.querySelector('[data-testid=queue]').scrollIntoView()";
    bo.browser.web().execute(scroll, vec![]).await?;
    album.take(&bo.browser, "route-queues").await?;
    bo.open_conversation("Ana").await?;

    page.open(new.origin()).await?;
    page.click("welcome-bring").await?;
    page.see("bring-file", LOCAL).await?;
    album.take(page, "bring").await?;
    let whole = fs::read(&saved)?;
    let short = downloads.path().join("short.komrade");
    fs::write(&short, whole.get(..whole.len() / 2).context("no file")?)?;
    for (file, passphrase, error, words) in [
        (
            &short,
            &ana.passphrase,
            "bring-file-error",
            "ends too early",
        ),
        (&saved, &ana.name, "bring-passphrase-error", "does not open"),
    ] {
        page.choose("bring-file", file).await?;
        page.fill("bring-passphrase", passphrase).await?;
        page.click("bring").await?;
        page.see_text(error, words, LOCAL).await?;
    }
    album.take(page, "bring-refused").await?;
    page.choose("bring-file", &saved).await?;
    page.fill("bring-passphrase", &ana.passphrase).await?;
    page.click("bring").await?;
    page.see("nav-people", LOCAL).await?;
    ana.open_conversation("Bo").await?;
    ana.read("Are you still there?", LOCAL).await?;
    ana.write("Yes, at another address.").await?;
    bo.read("Yes, at another address.", LOCAL).await?;
    let all = [
        "I shall move to another address.",
        "Are you still there?",
        "Yes, at another address.",
    ];
    ensure!(ana.messages().await? == all, "Ana has all, once");
    ensure!(bo.messages().await? == all, "Bo has all, once");
    album.close(SCREENS)?;
    let console = page.console().await?;
    let refused = console
        .iter()
        .find(|entry| entry.message.contains("Content Security Policy"));
    ensure!(refused.is_none(), "the policy was broken: {refused:?}");
    ana.browser.close().await?;
    bo.browser.close().await
}
