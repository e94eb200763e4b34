//! Burn the relays: both are killed and all that they held is deleted, and nothing is lost.

use std::net::TcpStream;

use anyhow::{Result, ensure};
use komrade_tests::{I2P, Network, Person, Relay, RelaySettings};

#[tokio::test]
async fn both_relays_burn_and_nothing_is_lost() -> Result<()> {
    let network = Network::start()?;
    let private = || RelaySettings::Private(network.folder().to_owned());
    let (first, second) = (Relay::start(private())?, Relay::start(private())?);
    let old = [first.listen(), second.listen()];
    let origins = [first.origin().to_owned(), second.origin().to_owned()];
    let ana = Person::arrive(first.join_link(), "Ana").await?;
    let bo = Person::arrive(second.join_link(), "Bo").await?;
    for person in [&ana, &bo] {
        person.reachable().await?;
        person.app_is_kept().await?;
    }

    let invite = ana.make_invite().await?;
    bo.accept(&invite).await?;
    ana.confirm().await?;
    bo.open_conversation("Ana").await?;
    let mut all = Vec::new();
    for n in 1..=3 {
        let (mine, theirs) = (format!("Ana before, {n}"), format!("Bo before, {n}"));
        ana.write(&mine).await?;
        bo.read(&mine, I2P).await?;
        bo.write(&theirs).await?;
        ana.read(&theirs, I2P).await?;
        all.extend([mine, theirs]);
    }

    bo.leave().await?;
    let five: Vec<String> = (1..=5).map(|n| format!("While Bo is away, {n}")).collect();
    for text in &five {
        ana.write(text).await?;
    }
    ana.relay_has_all().await?;
    ana.leave().await?;
    all.extend(five.iter().cloned());

    first.burn()?;
    second.burn()?;
    let (third, fourth) = (Relay::start(private())?, Relay::start(private())?);
    for (person, origin, relay) in [(&ana, &origins[0], &third), (&bo, &origins[1], &fourth)] {
        ensure!(origin != relay.origin(), "the new relay is elsewhere");
        person.return_to(origin).await?;
        person.use_relay(relay.join_link()).await?;
        person.reachable().await?;
    }

    bo.open_conversation("Ana").await?;
    for text in &five {
        bo.read(text, I2P).await?;
    }
    ana.open_conversation("Bo").await?;
    let last = "All of it is here";
    bo.write(last).await?;
    ana.read(last, I2P).await?;
    all.push(last.to_owned());
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
    for address in old {
        ensure!(
            TcpStream::connect(address).is_err(),
            "the old relays stayed dead"
        );
    }
    ana.browser.close().await?;
    bo.browser.close().await
}
