//! What the app costs a person: bytes to load by part, time until it can be used, time to unlock.
//!
//! Times are read inside the page, from its own clock, so that the driver's latency is not in them; medians of several rounds. The peer in the
//! same run is the smallest thing this relay serves, opened in the same browser.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use komrade_tests::{Browser, LOCAL, Person, Relay, RelaySettings, until};
use serde_json::json;

/// Rounds of each measurement.
const ROUNDS: usize = 7;

/// Notes when each screen was first seen, by the page's own clock.
const OBSERVER: &str = "window.firstSeen = {}; new MutationObserver(() => { \
    for (const e of document.querySelectorAll('[data-testid^=screen-]')) { \
        const id = e.dataset.testid; if (!(id in window.firstSeen)) window.firstSeen[id] = performance.now(); } \
    }).observe(document, {childList: true, subtree: true, attributes: true});";

#[tokio::main]
async fn main() -> Result<()> {
    sizes()?;
    let relay = Relay::start(RelaySettings::Embedded)?;
    let person = Person::arrive(relay.join_link(), "Rosa").await?;
    let browser = &person.browser;
    let script = "const done = arguments[0]; navigator.serviceWorker.ready.then(() => done(true))";
    browser.web().execute_async(script, vec![]).await?;
    browser
        .web()
        .cdp()
        .send_raw(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": OBSERVER }),
        )
        .await?;
    let (mut interactive, mut unlock, mut peer) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        browser
            .open(&format!("{}/robots.txt", relay.origin()))
            .await?;
        peer.push(
            number(
                browser,
                "performance.timing.loadEventEnd - performance.timing.navigationStart",
            )
            .await?,
        );
        browser.open_anew(relay.origin()).await?;
        interactive.push(first_seen(browser, "screen-unlock").await?);
        browser
            .fill("unlock-passphrase", &person.passphrase)
            .await?;
        let started = number(
            browser,
            "(document.querySelector('[data-testid=unlock]').click(), performance.now())",
        )
        .await?;
        unlock.push(first_seen(browser, "screen-people").await? - started);
    }
    println!("\nmedians of {ROUNDS} rounds, warm, on this machine");
    let (interactive, unlock, peer) = (median(interactive), median(unlock), median(peer));
    println!("  {interactive:>8.0} ms  until the passphrase can be typed (budget 300 ms)");
    println!("  {peer:>8.0} ms  the smallest file of the same relay in the same browser");
    println!("  {:>8.1}     times that", interactive / peer.max(1.0));
    println!(
        "  {unlock:>8.0} ms  from the passphrase to the list of comrades, Argon2id with 64 MiB included"
    );
    person.browser.close().await
}

/// Prints the bytes of each part as it travels, brotli where that is smaller.
fn sizes() -> Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("no parent")?
        .join("dist");
    let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut looked = 0;
    for entry in fs::read_dir(&dist).context("the app is not built")? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if path.is_dir() || name.ends_with(".br") {
            continue;
        }
        looked += 1;
        let packed = fs::metadata(dist.join(format!("{name}.br")))
            .or_else(|_| fs::metadata(&path))?
            .len();
        let part = match name.rsplit('.').next() {
            Some("wasm") if name.contains("worker") => "code of the engine (wasm)",
            Some("wasm") => "code of the screens (wasm)",
            Some("js" | "html" | "css") => "HTML, CSS and JS (budget 60 KB)",
            _ => "other, loaded later",
        };
        *parts.entry(part).or_default() += packed;
    }
    ensure!(looked > 5, "only {looked} files in dist/");
    println!("bytes as they travel, brotli");
    for (part, bytes) in &parts {
        println!("  {:>8.1} KB  {part}", kilobytes(*bytes));
    }
    let start: u64 = parts
        .iter()
        .filter(|(part, _)| !part.starts_with("other"))
        .map(|(_, bytes)| bytes)
        .sum();
    println!(
        "  {:>8.1} KB  loaded at start (budget 450 KB)",
        kilobytes(start)
    );
    Ok(())
}

fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000.0
}

/// When the screen was first seen, in milliseconds since the page was asked for.
async fn first_seen(browser: &Browser, screen: &str) -> Result<f64> {
    let expression = format!("window.firstSeen && window.firstSeen['{screen}'] || -1");
    until(LOCAL, screen, async || {
        Ok(number(browser, &expression).await? >= 0.0)
    })
    .await?;
    number(browser, &expression).await
}

async fn number(browser: &Browser, expression: &str) -> Result<f64> {
    Ok(browser
        .web()
        .execute(format!("return {expression}"), vec![])
        .await?
        .convert()?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
