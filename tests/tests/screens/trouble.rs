//! What stands before a person when something is in the way: each brought about for real, each with its way out.

use anyhow::{Context, Result, ensure};
use komrade_tests::{Album, Browser, LOCAL, Person, Relay, RelaySettings};
use serde_json::json;

/// How many there are.
const SCREENS: usize = 6;
/// The first number of their pictures, behind those of [`walk`](crate::walk).
const FIRST: usize = 41;
/// A page of the relay's that runs nothing, at the same origin as the app.
const QUIET: &str = "/robots.txt";

#[tokio::test]
async fn every_trouble_says_what_is_safe_and_what_to_do() -> Result<()> {
    let relay = Relay::start(RelaySettings::Embedded)?;
    let quiet = format!("{}{QUIET}", relay.origin());

    // A worker that hangs: it takes the page most of a minute to be sure, so it begins first.
    let silent = Person::arrive(relay.join_link(), "Rosa").await?;
    let hang = [
        ("Debugger.enable", json!({})),
        ("Debugger.pause", json!({})),
    ];
    silent.browser.order_worker(&hang).await?;

    // A worker whose script does not load.
    let browser = Browser::start().await?;
    browser.block(&["*/worker-*"]).await?;
    browser.open(relay.origin()).await?;
    says(&browser, "screen-worker", "did not start").await?;
    let mut album = Album::open(&browser, FIRST).await?;
    album.take(&browser, "worker-refused").await?;
    browser.block(&[]).await?;
    browser.click("trouble-action").await?;
    browser.see("screen-welcome", LOCAL).await?;

    // A vault of a later version: nothing of it is touched.
    browser.open(&quiet).await?;
    browser.raise_schema(99).await?;
    browser.open(relay.origin()).await?;
    says(&browser, "screen-vault-newer", "newer").await?;
    album.take(&browser, "vault-newer").await?;
    browser.close().await?;

    // A disk that loses the end of a record, and is mended.
    let damaged = Person::arrive(relay.join_link(), "Emil").await?;
    damaged.browser.open(&quiet).await?;
    let header = damaged.browser.records("header").await?;
    let (key, value) = header.first().context("no header")?;
    let (half, _) = value.split_at(value.len() / 2);
    damaged.browser.put_record("header", key, half).await?;
    damaged.browser.open(relay.origin()).await?;
    says(&damaged.browser, "screen-vault-damaged", "cannot be read").await?;
    album.take(&damaged.browser, "vault-damaged").await?;
    ensure!(
        damaged.browser.records("header").await? == [(key.clone(), half.to_vec())],
        "a damaged vault was written to"
    );
    damaged.browser.put_record("header", key, value).await?;
    damaged.browser.click("trouble-action").await?;
    damaged.unlock_with(&damaged.passphrase).await?;
    damaged.browser.see("screen-people", LOCAL).await?;

    // A disk without room, and then with some again.
    let full = damaged;
    full.browser.room(relay.origin(), Some(1)).await?;
    says(&full.browser, "screen-store-failed", "did not store").await?;
    album.take(&full.browser, "store-failed").await?;
    full.browser.room(relay.origin(), None).await?;
    full.browser.click("trouble-action").await?;
    full.unlock_with(&full.passphrase).await?;
    full.browser.see("screen-people", LOCAL).await?;

    // A worker that meets what it must not go on from.
    let throw = "setTimeout(() => { throw new Error('planted'); })";
    let command = ("Runtime.evaluate", json!({ "expression": throw }));
    full.browser.order_worker(&[command]).await?;
    says(&full.browser, "screen-worker", "stopped itself").await?;
    album.take(&full.browser, "worker-stopped").await?;
    again(&full).await?;
    full.browser.close().await?;

    says(&silent.browser, "screen-worker", "does not answer").await?;
    album.take(&silent.browser, "worker-silent").await?;
    again(&silent).await?;
    silent.browser.close().await?;
    album.close(SCREENS)
}

/// Waits for a screen and its words.
async fn says(browser: &Browser, screen: &str, words: &str) -> Result<()> {
    browser.see_text(screen, words, LOCAL).await.map(drop)
}

/// Starts the worker again; the vault opens as before.
async fn again(person: &Person) -> Result<()> {
    person.browser.click("trouble-action").await?;
    person.unlock_with(&person.passphrase).await?;
    person.browser.see("screen-people", LOCAL).await.map(drop)
}
