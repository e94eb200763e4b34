//! Two members of one relay on a machine without internet: the relay's node is all they need.

use std::net::TcpListener;

use anyhow::{Result, ensure};
use komrade_tests::{LOCAL, Person, Relay, RelaySettings};
use thirtyfour::By;

#[tokio::test]
async fn two_members_of_one_relay_meet_and_talk_without_i2p() -> Result<()> {
    // A bridge that takes connections and never says a word: its router is never ready.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let mut relay = Relay::start(RelaySettings::Sam(silent.local_addr()?.to_string()))?;
    let ana = Person::arrive(relay.join_link(), "Ana").await?;
    let bo = Person::arrive(relay.join_link(), "Bo").await?;
    ana.reachable().await?;
    bo.reachable().await?;
    ensure!(
        !ana.browser.has("route-hosting").await?,
        "no address is hosted for anybody"
    );

    // The invite is accepted while nobody is there who made it.
    let invite = ana.make_invite().await?;
    ana.leave().await?;
    bo.accept(&invite).await?;
    bo.write("Did somebody call a meeting?").await?;
    bo.relay_has_all().await?;
    bo.leave().await?;
    ana.return_to(relay.origin()).await?;
    ana.browser.click("nav-meet").await?;
    ana.browser.see("request", LOCAL).await?;
    ana.browser.click("request-look").await?;
    ana.read("Did somebody call a meeting?", LOCAL).await?;
    ana.confirm().await?;

    // What is written while the other is away is read when they return.
    ana.write("Tonight at eight, in the cellar.").await?;
    ana.relay_has_all().await?;
    bo.return_to(relay.origin()).await?;
    bo.open_conversation("Ana").await?;
    bo.read("Tonight at eight, in the cellar.", LOCAL).await?;
    bo.write("I bring the banner.").await?;
    ana.read("I bring the banner.", LOCAL).await?;
    ana.browser
        .see_with("message", "data-tick", "delivered", LOCAL)
        .await?;

    let all = [
        "Did somebody call a meeting?",
        "Tonight at eight, in the cellar.",
        "I bring the banner.",
    ];
    ensure!(ana.messages().await? == all, "Ana has all, once");
    ensure!(bo.messages().await? == all, "Bo has all, once");

    // Without its relay a message is kept, and its tick, touched, says what it waits for.
    relay.kill()?;
    let kept = "Who has the keys?";
    ana.write(kept).await?;
    let message = ana
        .browser
        .see_text_with("message", kept, ("data-tick", "kept"), LOCAL)
        .await?;
    message.find(By::Testid("tick")).await?.click().await?;
    ana.browser
        .see_text(
            "tick-explained",
            "It waits for your relay to answer.",
            LOCAL,
        )
        .await?;
    relay.restart()?;
    bo.read(kept, LOCAL).await?;

    ana.browser.click("nav-route").await?;
    ana.browser
        .see_with("route-router", "data-mood", "waits", LOCAL)
        .await?;
    ana.browser.close().await?;
    bo.browser.close().await
}
