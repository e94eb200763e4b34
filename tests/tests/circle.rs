//! A circle in two browsers of one relay, without I2P: its owner writes, the other reads and comments, and the owner sees it.

use std::net::TcpListener;

use anyhow::{Result, ensure};
use komrade_tests::{I2P, LOCAL, Person, Relay, RelaySettings};

#[tokio::test]
async fn what_is_said_to_all_comrades_is_read_and_answered() -> Result<()> {
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
