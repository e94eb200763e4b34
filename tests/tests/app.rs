//! The app in one browser, with one relay and no network: policy, integrity, offline, two tabs.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use komrade_tests::{Browser, LOCAL, Person, Relay, RelaySettings, cut_keys, until};

/// What the console says at level SEVERE.
async fn severe(browser: &Browser) -> Result<Vec<String>> {
    let entries = browser.console().await?;
    Ok(entries
        .into_iter()
        .filter(|entry| entry.level == "SEVERE")
        .map(|entry| entry.message)
        .collect())
}

/// Collects every violation of the policy that happens on the page from now on.
async fn watch_violations(browser: &Browser) -> Result<()> {
    browser
        .web()
        .execute(
            "window.violations = []; document.addEventListener('securitypolicyviolation', \
             event => window.violations.push(event.effectiveDirective))",
            vec![],
        )
        .await?;
    Ok(())
}

async fn violations(browser: &Browser) -> Result<Vec<String>> {
    Ok(browser
        .web()
        .execute("return window.violations", vec![])
        .await?
        .convert()?)
}

/// Every address the page has loaded something from.
async fn loaded(browser: &Browser) -> Result<Vec<String>> {
    let script = "return performance.getEntriesByType('resource').map(entry => entry.name)";
    Ok(browser.web().execute(script, vec![]).await?.convert()?)
}

#[tokio::test]
async fn the_app_opens_under_the_strict_policy_and_asks_nobody_else() -> Result<()> {
    let relay = Relay::start(RelaySettings::Embedded)?;
    let browser = Browser::start().await?;
    browser.open(relay.origin()).await?;
    browser.see("screen-welcome", LOCAL).await?;
    ensure!(severe(&browser).await?.is_empty(), "the console is quiet");

    watch_violations(&browser).await?;
    // Canaries: each of these must be stopped and seen, or the silence above means nothing.
    browser
        .web()
        .execute(
            "const script = document.createElement('script'); \
             try { script.textContent = 'window.broken = true'; document.head.append(script); } catch (_) {} \
             fetch('https://komrade-canary.invalid/').catch(() => {}); \
             const image = new Image(); image.src = 'https://komrade-canary.invalid/x.png'; document.body.append(image);",
            vec![],
        )
        .await?;
    for wanted in ["img-src", "require-trusted-types-for"] {
        let stopped = async || {
            Ok(violations(&browser)
                .await?
                .iter()
                .any(|name| name == wanted))
        };
        until(LOCAL, &format!("a violation of {wanted}"), stopped).await?;
    }
    let broken = browser
        .web()
        .execute("return window.broken === true", vec![])
        .await?;
    ensure!(!broken.convert::<bool>()?, "the inline script ran");

    let all = loaded(&browser).await?;
    ensure!(
        all.len() >= 4,
        "only {} requests were looked at: {all:?}",
        all.len()
    );
    let foreign: Vec<_> = all
        .iter()
        .filter(|name| !name.starts_with(relay.origin()) && !name.contains("canary"))
        .collect();
    ensure!(foreign.is_empty(), "foreign requests: {foreign:?}");
    browser.close().await
}

#[tokio::test]
async fn keys_survive_a_reload_and_the_app_opens_without_its_relay() -> Result<()> {
    let mut relay = Relay::start(RelaySettings::Embedded)?;
    let person = Person::arrive(relay.join_link(), "Rosa").await?;
    let address = person.browser.web().current_url().await?.to_string();
    ensure!(
        !address.contains("#j/"),
        "the join secret left the address bar"
    );
    person
        .browser
        .web()
        .execute_async(
            "const done = arguments[0]; navigator.serviceWorker.ready.then(() => done(true))",
            vec![],
        )
        .await?;
    relay.kill()?;
    person.reload().await?;
    person.browser.click("nav-settings").await?;
    ensure!(person.browser.text("my-name").await? == "Rosa");
    person.browser.close().await
}

#[tokio::test]
async fn a_second_tab_says_that_the_first_one_leads_and_can_take_over() -> Result<()> {
    let relay = Relay::start(RelaySettings::Embedded)?;
    let person = Person::arrive(relay.join_link(), "Rosa").await?;
    let web = person.browser.web();
    let first = web.window().await?;
    let second = web.new_tab().await?;
    web.switch_to_window(second.clone()).await?;
    person.browser.open(relay.origin()).await?;
    person.browser.click("take-lead").await?;
    person.unlock_with(&person.passphrase).await?;
    person.browser.see("screen-people", LOCAL).await?;
    web.switch_to_window(first).await?;
    person.browser.see("take-lead", LOCAL).await?;
    person.browser.close().await
}

#[tokio::test]
async fn a_changed_app_is_refused_in_plain_words() -> Result<()> {
    // A relay of one's own that serves a copy of the app in which one byte of code is another.
    let dist = tempfile::TempDir::new()?;
    let copied = Command::new("cp")
        .args(["-r", "../dist/."])
        .arg(dist.path())
        .status()?;
    ensure!(
        copied.success(),
        "the app is not built; run `cargo xtask test`"
    );
    let mut changed = 0;
    for entry in fs::read_dir(dist.path())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with("komrade-app") && name.ends_with(".wasm") {
            let mut bytes = fs::read(&path)?;
            let last = bytes.last_mut().context("empty")?;
            *last ^= 1;
            fs::write(&path, bytes)?;
            fs::remove_file(path.with_extension("wasm.br")).ok();
            changed += 1;
        }
    }
    ensure!(changed == 1, "{changed} files were changed");
    let files =
        axum::Router::new().fallback_service(tower_http::services::ServeDir::new(dist.path()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, files).await });
    let browser = Browser::start().await?;
    browser.open(&format!("http://{address}/")).await?;
    let note = browser.web().find(thirtyfour::By::Id("starting")).await?;
    let said = async || Ok(note.text().await?.contains("damaged or was changed"));
    until(LOCAL, "the words about a damaged copy", said).await?;
    ensure!(!browser.has("screen-welcome").await?, "nothing was started");
    browser.close().await
}

#[tokio::test]
async fn a_join_link_that_lost_a_part_is_called_so_and_no_relay_is_promised() -> Result<()> {
    let relay = Relay::start(RelaySettings::Embedded)?;
    let browser = Browser::start().await?;
    let link = relay.join_link();
    let cut = link.get(..link.len() - 5).context("a short link")?;
    browser.open(cut).await?;
    browser.see("welcome-join-damaged", LOCAL).await?;
    ensure!(
        !browser.has("welcome-relay").await?,
        "a relay was promised that cannot be joined"
    );
    // An address that differs only behind `#` is not loaded again.
    browser.open("about:blank").await?;
    browser.open(relay.origin()).await?;
    browser.see("welcome-no-relay", LOCAL).await?;
    browser.open("about:blank").await?;
    browser.open(link).await?;
    browser.see("welcome-relay", LOCAL).await?;
    browser.close().await
}

#[tokio::test]
async fn an_invite_opened_where_no_vault_is_offers_both_ways() -> Result<()> {
    let relay = Relay::start(RelaySettings::Embedded)?;
    let inviter = Person::arrive(relay.join_link(), "Ana").await?;
    inviter.browser.click("nav-meet").await?;
    inviter.browser.click("invite-with-relay").await?;
    inviter.browser.click("invite-make").await?;
    let link = inviter.browser.value("invite-text").await?;

    let browser = Browser::start().await?;
    browser.open(&link).await?;
    browser.see("screen-invited", LOCAL).await?;
    let address = browser.web().current_url().await?.to_string();
    ensure!(!address.contains("#i/"), "the secret left the address bar");
    browser.click("invited-known").await?;
    ensure!(
        browser.value("invited-text").await? == link,
        "the text to paste is the link"
    );
    browser.click("invited-back").await?;
    browser.click("invited-new").await?;
    cut_keys(&browser, "Bo").await?;
    browser.see("invite-accept", LOCAL).await?;
    browser.click("invite-accept").await?;
    browser.see("screen-conversation", LOCAL).await?;
    inviter.browser.close().await?;
    browser.close().await
}
