//! A collective of five on three relays, joined by I2P: it takes in, removes and changes its rules while one is away, relays
//! are cut off from one another, and one of them burns. Three are at real browsers, the others run the same engine without one.

use std::time::Instant;

use anyhow::{Result, ensure};
use komrade_tests::{I2P, LOCAL, Network, Person, Relay, RelaySettings, Unseen, Wire};
use komrade_view::{ConstitutionView, Matter, Standing};

/// What it is called.
const NAME: &str = "Weststrasse 12";

fn vouches(wanted: u16) -> impl Fn(&Matter) -> bool {
    move |matter| matches!(matter, Matter::Amend(to) if **to == ConstitutionView::by_vouches(wanted))
}

/// Says how far the test is, and after how long.
#[allow(clippy::print_stderr)]
fn step(started: Instant, what: &str) {
    eprintln!("{:>6.1} s  {what}", started.elapsed().as_secs_f64());
}

/// Says yes at a browser to the open proposal whose row says this.
async fn agrees(person: &Person, words: &str) -> Result<()> {
    person.open_collective(NAME, "member").await?;
    person.open_proposal(words).await?;
    person.browser.see("vote-yes", I2P).await?;
    person.browser.click("vote-yes").await
}

/// Waits at a browser until there are so many members.
async fn counts(person: &Person, members: u32) -> Result<()> {
    person.open_collective(NAME, "member").await?;
    let members = format!("{members} members");
    person
        .browser
        .see_text("collective-about", &members, I2P)
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_govern_themselves_while_one_is_away_two_are_cut_off_and_a_relay_burns() -> Result<()>
{
    let started = Instant::now();
    let network = Network::start()?;
    let private = || RelaySettings::Private(network.folder().to_owned());
    let (first, second) = (Relay::start(private())?, Relay::start(private())?);
    // What is cut later is the third relay's only way to the others.
    let wire = Wire::to(network.sam().parse()?).await?;
    let third = Relay::start(RelaySettings::Sam(wire.address().to_string()))?;

    let ana = Person::arrive(first.join_link(), "Ana").await?;
    let bo = Person::arrive(second.join_link(), "Bo").await?;
    let cleo = Person::arrive(first.join_link(), "Cleo").await?;
    let dara = Unseen::arrive(third.join_link(), "Dara").await?;
    let emil = Unseen::arrive(third.join_link(), "Emil").await?;
    let fay = Unseen::arrive(first.join_link(), "Fay").await?;
    let gus = Unseen::arrive(third.join_link(), "Gus").await?;
    step(started, "seven vaults, three relays");
    let browsers = [&ana, &bo, &cleo];
    for person in browsers {
        person.reachable().await?;
        person.hurry().await?;
    }
    for person in [&dara, &emil, &fay, &gus] {
        person.reachable().await?;
    }

    step(started, "all can be reached");
    // Dara has met everybody but Fay, whom Ana has met.
    for person in browsers {
        person.accept(&dara.make_invite().await?).await?;
        dara.confirm().await?;
    }
    for person in [&emil, &gus] {
        person.accept(&dara.make_invite().await?).await?;
        dara.confirm().await?;
    }
    fay.accept(&ana.make_invite().await?).await?;
    ana.confirm().await?;

    step(started, "met");
    // Five found it; then it takes two to let somebody in.
    dara.found(NAME, &ConstitutionView::by_vouches(1)).await?;
    for (number, person) in (2..).zip(browsers) {
        dara.offer(&person.name).await?;
        person.open_collective(NAME, "invited").await?;
        person.browser.click("offer-yes").await?;
        person.open_collective(NAME, "member").await?;
        dara.one_of(number).await?;
    }
    dara.offer("Emil").await?;
    emil.take_offer().await?;
    for person in [&dara, &emil] {
        person.one_of(5).await?;
    }
    for person in browsers {
        counts(person, 5).await?;
    }
    step(started, "five founded it");
    let amend = |to| Matter::Amend(Box::new(ConstitutionView::by_vouches(to)));
    dara.propose(amend(2), "Now that we are five").await?;
    for person in [&dara, &emil] {
        person.votes_for("two vouches", vouches(2)).await?;
    }
    agrees(&ana, "Change the rules").await?;
    for person in [&dara, &emil] {
        person
            .finds("rules of two vouches", |it| {
                (it.constitution == ConstitutionView::by_vouches(2)).then_some(())
            })
            .await?;
    }
    bo.open_collective(NAME, "member").await?;
    bo.browser.click("room-rules").await?;
    bo.browser
        .see_text("screen-collective", "unless 2 members vouch", I2P)
        .await?;

    step(started, "it takes two vouches");
    // A sixth comes in while Cleo is away.
    cleo.app_is_kept().await?;
    cleo.leave().await?;
    ana.open_collective(NAME, "member").await?;
    ana.offer("Fay").await?;
    fay.take_offer().await?;
    bo.open_collective(NAME, "member").await?;
    bo.open_proposal("Take Fay in").await?;
    bo.browser
        .see_text("far-vouches", "1 of 2 vouches", I2P)
        .await?;
    bo.browser.click("vouch").await?;
    fay.one_of(6).await?;
    for person in [&dara, &emil] {
        person.one_of(6).await?;
    }
    cleo.return_to(first.origin()).await?;
    for person in browsers {
        counts(person, 6).await?;
    }
    fay.post("Fay is here, and Cleo reads it.").await?;
    for person in browsers {
        person.open_collective(NAME, "member").await?;
        person.read("Fay is here, and Cleo reads it.", I2P).await?;
    }

    step(started, "six, and Cleo is back");
    // Cut off from the others, Dara and Emil take in Gus; the others remove Cleo.
    wire.cut();
    dara.offer("Gus").await?;
    gus.take_offer().await?;
    emil.vouch("He repaired my heating").await?;
    for person in [&dara, &emil, &gus] {
        person.one_of(7).await?;
    }
    step(started, "seven on the one side");
    ana.open_collective(NAME, "member").await?;
    ana.browser.click("room-decisions").await?;
    ana.browser.click("propose").await?;
    ana.browser.click("propose-remove").await?;
    ana.browser.select("propose-who", "Cleo").await?;
    ana.browser.click("propose-sure").await?;
    ana.browser.click("vote-yes").await?;
    agrees(&bo, "Remove Cleo").await?;
    fay.votes_for("Cleo's removal", |matter| {
        matches!(matter, Matter::Remove(_))
    })
    .await?;
    cleo.open_collective(NAME, "removed").await?;
    cleo.browser
        .see_text("may-not-post", "by a decision of 3 to 0 today", I2P)
        .await?;
    for person in [&ana, &bo] {
        counts(person, 5).await?;
    }
    fay.one_of(5).await?;
    ana.open_collective(NAME, "member").await?;
    ana.write("From here on without Cleo.").await?;
    fay.hears("From here on without Cleo.").await?;
    step(started, "Cleo removed on the other");

    // Both halves hear of each other.
    wire.mend();
    for person in [&dara, &emil, &fay, &gus] {
        person.one_of(6).await?;
    }
    for person in [&ana, &bo] {
        counts(person, 6).await?;
    }
    gus.post("Gus is here.").await?;
    for person in [&ana, &bo] {
        person.open_collective(NAME, "member").await?;
        person.read("Gus is here.", I2P).await?;
    }
    step(started, "one again");

    // Bo's relay burns: where to find Bo now comes with the first word.
    second.burn()?;
    let fourth = Relay::start(private())?;
    bo.use_relay(fourth.join_link()).await?;
    bo.reachable().await?;
    bo.open_collective(NAME, "member").await?;
    bo.write("Bo writes from another relay.").await?;
    for person in [&dara, &emil, &fay, &gus] {
        person.hears("Bo writes from another relay.").await?;
    }

    step(started, "a relay burnt, Bo is elsewhere");
    // From now on it takes three.
    fay.propose(amend(3), "We are six").await?;
    agrees(&bo, "Change the rules").await?;
    agrees(&ana, "Change the rules").await?;
    for person in [&fay, &gus] {
        person.votes_for("three vouches", vouches(3)).await?;
    }
    let everybody = ["Ana", "Bo", "Dara", "Emil", "Fay", "Gus"];
    for person in [&dara, &emil, &fay, &gus] {
        let name = &person.name;
        let members = person
            .finds("rules of three vouches", |it| {
                let names = || it.members.iter().map(|one| one.name.clone()).collect();
                (it.constitution == ConstitutionView::by_vouches(3)).then(names)
            })
            .await?;
        let members: Vec<String> = members;
        ensure!(members == everybody, "{name} knows {members:?}");
        let said = person.said().await?;
        for (index, text) in said.iter().enumerate() {
            ensure!(
                !said.iter().skip(index + 1).any(|other| other == text),
                "{name} has “{text}” twice"
            );
        }
    }
    for person in [&ana, &bo] {
        person.open_collective(NAME, "member").await?;
        person.browser.click("room-rules").await?;
        person
            .browser
            .see_text("screen-collective", "unless 3 members vouch", I2P)
            .await?;
    }

    step(started, "it takes three vouches");
    // Who was removed kept what they had read, and reads nothing more. By now all of it has passed Cleo's bucket.
    cleo.open_collective(NAME, "removed").await?;
    cleo.read("Fay is here, and Cleo reads it.", LOCAL).await?;
    let read = cleo.messages().await?;
    for text in ["From here on", "Gus is here", "another relay"] {
        ensure!(
            !read.iter().any(|message| message.contains(text)),
            "who was removed read “{text}”"
        );
    }
    gus.stands("to be a member", |it| {
        it.standing == Standing::Member && it.alarm.is_none()
    })
    .await?;

    for person in [ana, bo, cleo] {
        person.browser.close().await?;
    }
    for person in [dara, emil, fay, gus] {
        person.stops().await;
    }
    Ok(())
}
