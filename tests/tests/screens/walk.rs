//! The way of two people through every screen that comes when nothing goes wrong.

use anyhow::Result;
use komrade_tests::{Album, Browser, I2P, LOCAL, Network, Person, Relay, RelaySettings};

/// How many screens there are on this way; a walk that misses some would prove nothing.
const SCREENS: usize = 22;

#[tokio::test]
async fn every_screen_is_drawn_in_four_variants() -> Result<()> {
    let network = Network::start()?;
    let private = || RelaySettings::Private(network.folder().to_owned());
    let (first, second) = (Relay::start(private())?, Relay::start(private())?);
    let browser = Browser::start().await?;
    browser.open(first.join_link()).await?;
    browser.see("welcome-start", LOCAL).await?;
    let mut album = Album::open(&browser, 1).await?;
    album.take(&browser, "welcome").await?;
    browser.click("welcome-start").await?;
    browser.fill("name", "Ana").await?;
    album.take(&browser, "cutting-name").await?;
    browser.click("name-next").await?;
    let mut words = Vec::new();
    for word in browser.count("word", 24, LOCAL).await? {
        words.push(word.text().await?);
    }
    album.take(&browser, "cutting-words").await?;
    browser.click("words-written").await?;
    let asked = browser.count("check-word", 3, LOCAL).await?;
    browser.click("check-next").await?;
    album.take(&browser, "cutting-check").await?;
    for (number, field) in asked.iter().enumerate() {
        let position: usize = field
            .attr("data-position")
            .await?
            .unwrap_or_default()
            .parse()?;
        let word = words.get(position - 1).map_or("", String::as_str);
        browser.fill(&format!("check-{}", number + 1), word).await?;
    }
    browser.click("check-next").await?;
    let passphrase = browser.text("passphrase-offered").await?;
    album.take(&browser, "cutting-passphrase").await?;
    browser.click("passphrase-own-instead").await?;
    album.take(&browser, "cutting-passphrase-own").await?;
    browser.click("passphrase-offer").await?;
    browser.click("passphrase-take").await?;
    browser.see("people-empty", LOCAL).await?;
    album.take(&browser, "people-empty").await?;
    browser.click("nav-meet").await?;
    album.take(&browser, "meet").await?;
    browser.click("nav-route").await?;
    album.take(&browser, "route-waking").await?;
    let ana = Person {
        browser,
        name: "Ana".to_owned(),
        passphrase,
        words: words.join(" "),
    };

    let bo = Person::arrive(second.join_link(), "Bo").await?;
    ana.reachable().await?;
    bo.reachable().await?;
    album.take(&ana.browser, "route").await?;
    ana.browser.click("nav-meet").await?;
    ana.browser.click("invite-make").await?;
    let invite = ana.browser.value("invite-text").await?;
    album.take(&ana.browser, "invite").await?;
    ana.browser.click("invite-done").await?;

    let stranger = Browser::start().await?;
    stranger.open(&invite).await?;
    stranger.see("invited-known", LOCAL).await?;
    album.take(&stranger, "invited").await?;
    stranger.close().await?;

    bo.accept(&invite).await?;
    album.take(&bo.browser, "asked").await?;
    ana.browser.see("request", I2P).await?;
    ana.browser.click("request-look").await?;
    ana.browser.see("confirm", LOCAL).await?;
    album.take(&ana.browser, "request").await?;
    ana.confirm().await?;
    bo.open_conversation("Ana").await?;
    for (mine, theirs) in [
        (
            "The hall is ours until ten. Can you bring the banner?",
            "Yes. Also the leaflets, 400 of them 🌹",
        ),
        (
            "Rosa is vouching for Emil. One more and he is in.",
            "I met him at the bakery strike.",
        ),
        ("نلتقي عند السادسة", "And the meeting point stays the same?"),
    ] {
        ana.write(mine).await?;
        bo.read(mine, I2P).await?;
        bo.write(theirs).await?;
        ana.read(theirs, I2P).await?;
    }
    album.take(&bo.browser, "conversation").await?;
    bo.browser.click("conversation-about").await?;
    album.take(&bo.browser, "comrade").await?;
    ana.browser.click("nav-settings").await?;
    album.take(&ana.browser, "settings").await?;
    ana.browser.fill("new-name", "Ana Maria").await?;
    ana.browser.click("rename").await?;
    ana.browser.see_text("my-name", "Ana Maria", LOCAL).await?;
    ana.browser.reload().await?;
    ana.browser.see("screen-unlock", LOCAL).await?;
    album.take(&ana.browser, "unlock").await?;

    ana.unlock_with(&ana.passphrase).await?;
    ana.try_relay(second.join_link()).await?;
    let scroll = "document.querySelector('[data-testid=relays]').scrollIntoView()";
    ana.browser.web().execute(scroll, vec![]).await?;
    album.take(&ana.browser, "route-tried").await?;
    ana.add_relay_tried().await?;
    ana.browser.web().execute(scroll, vec![]).await?;
    album.take(&ana.browser, "route-relays").await?;
    bo.open_conversation("Ana Maria").await?;
    bo.browser.click("conversation-about").await?;
    bo.browser.click("remove").await?;
    bo.browser.see("remove-sure", LOCAL).await?;
    album.take(&bo.browser, "comrade-remove").await?;
    bo.browser.click("remove-sure").await?;
    bo.browser.see("people-empty", LOCAL).await?;

    let web = bo.browser.web();
    let tab = web.new_tab().await?;
    web.switch_to_window(tab).await?;
    bo.browser.open(second.origin()).await?;
    bo.browser.see("take-lead", LOCAL).await?;
    album.take(&bo.browser, "second-tab").await?;
    album.close(SCREENS)?;
    ana.browser.close().await?;
    bo.browser.close().await
}
