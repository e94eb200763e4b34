//! A circle in two browsers of one relay, without I2P: its owner writes, the other reads and comments, the owner sees it.

use std::net::TcpListener;

use anyhow::{Result, ensure};
use komrade_tests::{I2P, LOCAL, Person, Relay, RelaySettings};

#[tokio::test]
async fn what_is_said_to_all_comrades_is_read_and_answered_through_its_owner() -> Result<()> {
    // A bridge that takes connections and never says a word: all goes through the relay's node.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let relay = Relay::start(RelaySettings::Sam(silent.local_addr()?.to_string()))?;
    let ana = Person::arrive(relay.join_link(), "Ana").await?;
    let bo = Person::arrive(relay.join_link(), "Bo").await?;
    for person in [&ana, &bo] {
        person.reachable().await?;
        person.hurry().await?;
    }
    let invite = ana.make_invite().await?;
    bo.accept(&invite).await?;
    ana.confirm().await?;

    ana.open_circle("My comrades").await?;
    ana.browser
        .see_text("circle-about", "1 comrade reads it", LOCAL)
        .await?;
    ana.post("The boiler is fixed. Come in, it is warm.")
        .await?;
    bo.open_circle("Ana's circle").await?;
    bo.browser
        .see_text("circle-post-text", "it is warm", I2P)
        .await?;
    bo.browser
        .see_text("circle-about", "You do not see who else reads", LOCAL)
        .await?;
    bo.comment("I bring the bread.").await?;
    bo.browser
        .see_with("comment", "data-waiting", "true", LOCAL)
        .await?;
    ana.browser
        .see_text("comment-text", "I bring the bread.", I2P)
        .await?;
    ana.browser.see_text("comment-by", "Bo", LOCAL).await?;
    // The owner's device has published it.
    bo.browser
        .see_with("comment", "data-waiting", "false", I2P)
        .await?;
    ana.browser
        .see_text("circle-post-about", "1 of 1 have it", I2P)
        .await?;

    // It is there after a reload, and gone once it is taken back.
    bo.reload().await?;
    bo.open_circle("Ana's circle").await?;
    bo.browser
        .see_text("comment-text", "I bring the bread.", LOCAL)
        .await?;
    ana.browser.click("take-back").await?;
    ana.browser.click("take-back-sure").await?;
    ana.browser.see("circle-empty", LOCAL).await?;
    bo.browser.see("circle-empty", I2P).await?;

    // A circle for nobody yet, and who is added reads what follows.
    ana.browser.click("nav-people").await?;
    ana.browser.click("people-circle").await?;
    ana.browser.fill("circle-name-field", "Close ones").await?;
    ana.browser.click("circle-make").await?;
    ana.post("Alone so far.").await?;
    ana.browser.click("circle-who").await?;
    ana.browser.select("circle-add-who", "Bo").await?;
    ana.browser.click("circle-add").await?;
    ana.browser.see("circle-reader", LOCAL).await?;
    ana.open_circle("Close ones").await?;
    ana.post("Now with you.").await?;
    bo.browser.click("nav-people").await?;
    bo.browser
        .see_text("circle-last", "Now with you.", I2P)
        .await?
        .click()
        .await?;
    bo.browser
        .see_text("circle-post-text", "Now with you.", LOCAL)
        .await?;
    let posts = bo.browser.count("circle-post-text", 1, LOCAL).await?;
    ensure!(posts.len() == 1, "who was added read something older");
    for person in [ana, bo] {
        let console = person.browser.console().await?;
        let refused = console
            .iter()
            .find(|entry| entry.message.contains("Content Security Policy"));
        ensure!(refused.is_none(), "the policy was broken: {refused:?}");
        person.browser.close().await?;
    }
    Ok(())
}
