//! A collective in three browsers of one relay, without I2P: founded, grown by vouch and vote, talking, deciding, shrinking.

use anyhow::{Result, ensure};
use komrade_tests::{I2P, LOCAL, Three};

/// What it is called.
const NAME: &str = "Weststrasse 12";

#[tokio::test]
async fn three_people_found_a_collective_take_each_other_in_talk_and_decide() -> Result<()> {
    let three = Three::meet("Rosa").await?;
    // The rest of it stays until the end.
    let Three { ana, bo, rosa, .. } = three;

    // An affinity group: vouches, and a vote of three quarters.
    ana.found(NAME, 0).await?;
    ana.write("We meet on Thursday.").await?;
    for person in [&bo, &rosa] {
        ana.offer(&person.name).await?;
        person.open_collective(NAME, "invited").await?;
        person.browser.click("offer-yes").await?;
        person.browser.see("candidate", LOCAL).await?;
        ana.open_proposal(&format!("Take {} in", person.name))
            .await?;
        ana.browser.see("far-vouches", LOCAL).await?;
        ana.browser.click("vote-yes").await?;
        if person.name == "Rosa" {
            bo.open_collective(NAME, "member").await?;
            bo.open_proposal("Take Rosa in").await?;
            bo.browser
                .see_text("far-votes", "you are enough to decide", I2P)
                .await?;
            bo.browser
                .fill("vouch-reason", "We met at the bakery strike.")
                .await?;
            bo.browser.click("vouch").await?;
            bo.browser.click("vote-yes").await?;
        }
        person.open_collective(NAME, "member").await?;
        ana.browser.see("outcome", I2P).await?;
        // Who is proposed before Ana has seen this one come in is not decided on by them.
        let members = if person.name == "Bo" {
            "2 members"
        } else {
            "3 members"
        };
        ana.browser
            .see_text("collective-about", members, I2P)
            .await?;
    }
    ana.browser.see_text("voices", "bakery strike", I2P).await?;

    // What is written now reaches all; what was written before they came does not.
    ana.open_collective(NAME, "member").await?;
    // Whoever is there when it comes has read it.
    rosa.browser.click("nav-people").await?;
    ana.write("@Rosa, can you bring the leaflets?").await?;
    bo.open_collective(NAME, "member").await?;
    bo.read("can you bring the leaflets?", I2P).await?;
    bo.write("I bring the banner.").await?;
    rosa.browser.see("collective-mentions", I2P).await?;
    rosa.open_collective(NAME, "member").await?;
    rosa.read("can you bring the leaflets?", I2P).await?;
    rosa.read("I bring the banner.", I2P).await?;
    rosa.browser.click("reply").await?;
    rosa.browser.see_text("replying", "Ana", LOCAL).await?;
    rosa.write("All 400 of them.").await?;
    ana.read("All 400 of them.", I2P).await?;
    ana.browser
        .see_text("post-answers", "bring the leaflets", LOCAL)
        .await?;
    let newcomer = rosa.messages().await?;
    ensure!(
        !newcomer.iter().any(|text| text.contains("Thursday")),
        "a newcomer read what was written before: {newcomer:?}"
    );

    // A decision, decided once everybody has voted; it survives a reload.
    ana.browser.click("room-decisions").await?;
    ana.browser.click("propose").await?;
    ana.browser.click("propose-decide").await?;
    ana.browser
        .fill("propose-question", "Rent strike in March?")
        .await?;
    ana.browser.fill("propose-options", "March\nApril").await?;
    ana.browser.click("propose-sure").await?;
    ana.browser.see("screen-proposal", LOCAL).await?;
    for person in [&ana, &bo, &rosa] {
        if person.name != "Ana" {
            person.open_collective(NAME, "member").await?;
            person.open_proposal("Rent strike").await?;
        }
        person.browser.click("vote-0").await?;
        person.browser.click("vote").await?;
    }
    for person in [&ana, &bo, &rosa] {
        person
            .browser
            .see_text("outcome", "“March” won", I2P)
            .await?;
    }
    bo.reload().await?;
    bo.open_collective(NAME, "member").await?;
    bo.read("All 400 of them.", LOCAL).await?;

    // Who is removed is told how, and keeps what they read.
    bo.browser.click("room-decisions").await?;
    bo.browser.click("propose").await?;
    bo.browser.click("propose-remove").await?;
    bo.browser.select("propose-who", "Rosa").await?;
    bo.browser.click("propose-sure").await?;
    bo.browser.click("vote-yes").await?;
    ana.open_collective(NAME, "member").await?;
    ana.open_proposal("Remove Rosa").await?;
    ana.browser.click("vote-yes").await?;
    rosa.open_collective(NAME, "removed").await?;
    rosa.browser
        .see_text("may-not-post", "by a decision of 2 to 0 today", I2P)
        .await?;
    rosa.read("All 400 of them.", LOCAL).await?;
    ana.open_collective(NAME, "member").await?;
    ana.browser
        .see_text("collective-about", "2 members", I2P)
        .await?;
    ana.write("From here on without Rosa.").await?;
    bo.open_collective(NAME, "member").await?;
    bo.read("From here on without Rosa.", I2P).await?;
    ensure!(
        !rosa
            .messages()
            .await?
            .iter()
            .any(|text| text.contains("without")),
        "who was removed reads on"
    );

    for person in [ana, bo, rosa] {
        let console = person.browser.console().await?;
        let refused = console
            .iter()
            .find(|entry| entry.message.contains("Content Security Policy"));
        ensure!(refused.is_none(), "the policy was broken: {refused:?}");
        person.browser.close().await?;
    }
    Ok(())
}
