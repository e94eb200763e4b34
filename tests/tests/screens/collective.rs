//! The way of three people through every screen of a collective.

use anyhow::Result;
use komrade_tests::{Album, I2P, LOCAL, Three};

/// How many screens there are on this way.
const SCREENS: usize = 22;
/// The first number of their pictures, behind those of [`moving`](crate::moving).
const FIRST: usize = 70;
const NAME: &str = "Weststrasse 12";

#[tokio::test]
async fn every_screen_of_a_collective_is_drawn_in_four_variants() -> Result<()> {
    let three = Three::meet("Rosa Maria").await?;
    // The rest of it stays until the end.
    let Three { ana, bo, rosa, .. } = three;
    let page = &ana.browser;
    let mut album = Album::open(page, FIRST).await?;
    page.click("nav-people").await?;
    page.see("collectives-empty", LOCAL).await?;
    album.take(page, "collectives-empty").await?;
    page.click("people-found").await?;
    page.fill("found-name", NAME).await?;
    album.take(page, "found-name").await?;
    page.click("found-next").await?;
    page.see("editor", LOCAL).await?;
    album.take(page, "found-rules").await?;
    page.select("rule-vouches", "5").await?;
    page.see("rules-fault", LOCAL).await?;
    page.select("rule-vouches", "1").await?;
    page.click("found-next").await?;
    album.take(page, "found-look").await?;
    page.click("found-sure").await?;
    page.see("conversation-empty", LOCAL).await?;
    album.take(page, "collective-new").await?;
    page.click("room-decisions").await?;
    page.see("decisions-empty", LOCAL).await?;
    album.take(page, "decisions-empty").await?;
    page.click("propose").await?;
    page.see("propose-who", LOCAL).await?;
    album.take(page, "propose-comrade").await?;

    for person in [&bo, &rosa] {
        ana.offer(&person.name).await?;
        person.open_collective(NAME, "invited").await?;
        person.browser.see("rules", LOCAL).await?;
        if person.name == "Bo" {
            album.take(&bo.browser, "offered").await?;
        }
        person.browser.click("offer-yes").await?;
        person.browser.see("candidate", LOCAL).await?;
        if person.name == "Bo" {
            album.take(&bo.browser, "candidate").await?;
        }
        ana.open_proposal(&format!("Take {} in", person.name))
            .await?;
        page.see("far-votes", LOCAL).await?;
        page.click("vote-yes").await?;
        page.see_text("voices", "for it", LOCAL).await?;
        if person.name != "Bo" {
            bo.open_collective(NAME, "member").await?;
            bo.open_proposal("Take Rosa Maria in").await?;
            bo.browser
                .see_text("far-votes", "you are enough to decide", I2P)
                .await?;
            album.take(&bo.browser, "proposal-admit").await?;
            bo.browser
                .fill("vouch-reason", "We met at the bakery strike.")
                .await?;
            bo.browser.click("vouch").await?;
            bo.browser.click("vote-yes").await?;
        }
        person.open_collective(NAME, "member").await?;
        let members = if person.name == "Bo" {
            "2 members"
        } else {
            "3 members"
        };
        page.see_text("collective-about", members, I2P).await?;
    }
    page.see("outcome", I2P).await?;
    album.take(page, "proposal-carried").await?;

    ana.open_collective(NAME, "member").await?;
    ana.write("The lift has been broken for 41 days. I collected the dates and photos; please add yours before Friday.")
        .await?;
    ana.write("@Bo, can you print the list?").await?;
    bo.open_collective(NAME, "member").await?;
    bo.read("can you print the list?", I2P).await?;
    bo.browser.click("reply").await?;
    bo.write("Mine are in the cellar, I add them tonight 🌹")
        .await?;
    rosa.open_collective(NAME, "member").await?;
    rosa.read("I add them tonight", I2P).await?;
    rosa.write("نلتقي عند السادسة").await?;
    bo.read("نلتقي عند السادسة", I2P).await?;
    bo.browser.click("reply").await?;
    bo.browser.fill("composer", "And we tell @R").await?;
    bo.browser.see("mention", LOCAL).await?;
    album.take(&bo.browser, "collective").await?;

    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-decide").await?;
    page.fill("propose-question", "Withhold the December rent?")
        .await?;
    page.fill(
        "propose-reason",
        "41 days without a lift, and no answer to three letters.",
    )
    .await?;
    album.take(page, "propose-decide").await?;
    page.click("propose-sure").await?;
    page.click("vote-0").await?;
    page.click("vote").await?;
    page.see_with("option", "data-votes", "1", LOCAL).await?;
    bo.open_collective(NAME, "member").await?;
    bo.open_proposal("Withhold").await?;
    bo.browser.click("vote-0").await?;
    album.take(&bo.browser, "proposal-decide").await?;

    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-amend").await?;
    page.select("rule-vouches", "2").await?;
    page.select("rule-rest", "never").await?;
    page.see("change", LOCAL).await?;
    let scroll = "document.querySelector('[data-testid=changes]').scrollIntoView()";
    page.web().execute(scroll, vec![]).await?;
    album.take(page, "propose-amend").await?;
    page.click("propose-sure").await?;
    bo.open_proposal("Change the rules").await?;
    album.take(&bo.browser, "proposal-amend").await?;
    bo.browser.click("room-decisions").await?;
    bo.browser
        .see_with("proposal", "data-asks", "true", LOCAL)
        .await?;
    album.take(&bo.browser, "decisions").await?;
    bo.browser.click("nav-people").await?;
    bo.browser.see("collective", LOCAL).await?;
    album.take(&bo.browser, "collectives").await?;

    page.click("room-members").await?;
    page.count("member", 3, I2P).await?;
    album.take(page, "members").await?;
    page.click("leave").await?;
    page.see("leave-sure", LOCAL).await?;
    album.take(page, "members-leave").await?;
    page.click("leave-not").await?;
    page.click("room-rules").await?;
    page.see("rules", LOCAL).await?;
    album.take(page, "rules").await?;

    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-remove").await?;
    page.select("propose-who", "Rosa Maria").await?;
    page.click("propose-sure").await?;
    page.click("vote-yes").await?;
    bo.open_collective(NAME, "member").await?;
    bo.open_proposal("Remove Rosa").await?;
    bo.browser.click("vote-yes").await?;
    rosa.open_collective(NAME, "removed").await?;
    rosa.browser
        .see_text("may-not-post", "by a decision of 2 to 0 today", I2P)
        .await?;
    album.take(&rosa.browser, "removed").await?;
    album.close(SCREENS)?;
    for person in [ana, bo, rosa] {
        person.browser.close().await?;
    }
    Ok(())
}
