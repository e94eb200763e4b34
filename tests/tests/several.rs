//! One of a person's two relays burns, and nobody does anything about it.

use anyhow::{Result, ensure};
use komrade_tests::{I2P, LOCAL, Network, Person, Relay, RelaySettings};

#[tokio::test]
async fn one_of_two_relays_burns_and_messages_go_on_both_ways() -> Result<()> {
    let network = Network::start()?;
    let private = || RelaySettings::Private(network.folder().to_owned());
    let (first, second) = (Relay::start(private())?, Relay::start(private())?);
    let ana = Person::arrive(first.join_link(), "Ana").await?;
    let bo = Person::arrive(second.join_link(), "Bo").await?;
    for person in [&ana, &bo] {
        person.reachable().await?;
    }
    // What is tried can be let go, and nothing is left of it.
    ana.try_relay(second.join_link()).await?;
    let rows = ana.browser.count("relay", 2, LOCAL).await?;
    ensure!(rows.len() == 2, "one in use and one tried");
    ana.browser.click("relay-leave").await?;
    ana.browser.count("relay", 0, LOCAL).await?;
    ana.add_relay(second.join_link()).await?;
    ana.browser
        .see_text("learn-now", "these see that you are connected", LOCAL)
        .await?;

    let invite = ana.make_invite().await?;
    bo.accept(&invite).await?;
    ana.confirm().await?;
    bo.open_conversation("Ana").await?;
    ana.write("Before, from Ana").await?;
    bo.read("Before, from Ana", I2P).await?;
    bo.write("Before, from Bo").await?;
    ana.read("Before, from Bo", I2P).await?;

    first.burn()?;
    // Bo's home is at a relay of Ana's own, and the other way round: nothing has to be waited for.
    ana.write("After, from Ana").await?;
    bo.read("After, from Ana", LOCAL).await?;
    bo.write("After, from Bo").await?;
    ana.read("After, from Bo", LOCAL).await?;
    let all = [
        "Before, from Ana",
        "Before, from Bo",
        "After, from Ana",
        "After, from Bo",
    ];
    ensure!(
        bo.messages().await? == all,
        "Bo: {:?}",
        bo.messages().await?
    );
    ensure!(
        ana.messages().await? == all,
        "Ana: {:?}",
        ana.messages().await?
    );
    ana.browser.close().await?;
    bo.browser.close().await
}
