//! The way of three people in and out of a collective: by a link, with an introduction, by a split, at rest, left, turned down, and to
//! its end.

use anyhow::Result;
use komrade_tests::{Album, I2P, LOCAL, Three};

/// How many screens there are on this way.
const SCREENS: usize = 19;
/// The first number of their pictures, behind those of [`collective`](crate::collective).
const FIRST: usize = 100;
const NAME: &str = "Weststrasse 12";

#[tokio::test]
async fn every_screen_of_coming_in_and_going_is_drawn_in_four_variants() -> Result<()> {
    let three = Three::come("Rosa Maria").await?;
    // The rest of it stays until the end.
    let Three { ana, bo, rosa, .. } = three;
    let page = &ana.browser;
    let mut album = Album::open(page, FIRST).await?;
    // An affinity group: vouches, and a vote of three quarters.
    ana.found(NAME, 0).await?;

    page.click("room-members").await?;
    page.see("invite-make", LOCAL).await?;
    album.take(page, "link-make").await?;
    let link = ana.make_link().await?;
    album.take(page, "link-made").await?;
    page.click("invite-done").await?;
    for person in [&bo, &rosa] {
        let other = &person.browser;
        let is_first = person.name == "Bo";
        other.click("nav-meet").await?;
        other.fill("invite-paste", &link).await?;
        other.click("invite-read").await?;
        other.see("invite-preview", LOCAL).await?;
        if is_first {
            album.take(other, "link-preview").await?;
        }
        other.click("invite-accept").await?;
        other.see_text("linked", "admits nobody", I2P).await?;
        other.see("rules", LOCAL).await?;
        if is_first {
            album.take(other, "link-opened").await?;
        }
        other
            .fill("link-words", "I live on the third floor, above the bakery.")
            .await?;
        other.click("link-ask").await?;
        other.see("link-asked", LOCAL).await?;
        if is_first {
            album.take(other, "link-asked").await?;
        }
        ana.see_request(NAME).await?;
        page.see_text("request-words", "third floor", LOCAL).await?;
        if is_first {
            album.take(page, "link-request").await?;
        }
        page.fill("request-reason", "We carried the sofa together.")
            .await?;
        page.click("request-propose").await?;
        other.see("candidate", I2P).await?;
        other.see_text("candidacy", "1 of 1 vouch", I2P).await?;
        if is_first {
            album.take(other, "candidate-far").await?;
        }
        ana.open_proposal(&format!("Take {} in", person.name))
            .await?;
        page.click("vote-yes").await?;
        if !is_first {
            bo.open_collective(NAME, "member").await?;
            bo.open_proposal("Take Rosa Maria in").await?;
            bo.browser
                .see_text("far-votes", "you are enough to decide", I2P)
                .await?;
            bo.browser.click("vote-yes").await?;
        }
        person.open_collective(NAME, "member").await?;
        let members = if is_first { "2 members" } else { "3 members" };
        page.see_text("collective-about", members, I2P).await?;
    }

    ana.open_conversation("Bo").await?;
    page.click("conversation-about").await?;
    page.select("introduce-to", "Rosa Maria").await?;
    page.fill("introduce-words", "You both know how to print.")
        .await?;
    page.click("introduce-ask").await?;
    page.see_text("introduced", "are asked", LOCAL).await?;
    page.see("introduction-own", LOCAL).await?;
    let scroll = "document.querySelector('[data-testid=introduce]').scrollIntoView()";
    page.web().execute(scroll, vec![]).await?;
    album.take(page, "introduce").await?;
    for person in [&bo, &rosa] {
        person.open_conversation("Ana").await?;
        person.browser.see("introduction-asked", I2P).await?;
        if person.name == "Bo" {
            album.take(&bo.browser, "introduction-asked").await?;
        }
        person.browser.click("introduction-yes").await?;
        person.browser.see("introduction-agreed", LOCAL).await?;
        if person.name == "Bo" {
            album.take(&bo.browser, "introduction-agreed").await?;
        }
    }
    bo.browser.see("introduction-met", I2P).await?;
    album.take(&bo.browser, "introduction-met").await?;
    bo.browser.click("introduction-open").await?;
    bo.write("Do you have the key to the cellar?").await?;
    rosa.open_conversation("Bo").await?;
    rosa.read("the key to the cellar", I2P).await?;

    ana.open_collective(NAME, "member").await?;
    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-rest").await?;
    page.select("propose-who", "Bo").await?;
    page.click("propose-sure").await?;
    page.click("vote-yes").await?;
    rosa.open_collective(NAME, "member").await?;
    rosa.open_proposal("Let Bo rest").await?;
    rosa.browser.click("vote-yes").await?;
    bo.open_collective(NAME, "resting").await?;
    bo.browser.see("may-not-post", LOCAL).await?;
    album.take(&bo.browser, "resting").await?;
    bo.browser.click("room-members").await?;
    bo.browser.see("return", LOCAL).await?;
    album.take(&bo.browser, "resting-return").await?;

    ana.open_collective(NAME, "member").await?;
    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-split").await?;
    let choose = "Array.from(document.querySelectorAll('[data-testid=split-who]'))\
                  .find(e => e.parentElement.textContent.includes('Rosa')).click()";
    page.web().execute(choose, vec![]).await?;
    page.fill("propose-reason", "The back house goes its own way.")
        .await?;
    album.take(page, "propose-split").await?;
    page.click("propose-sure").await?;
    page.click("vote-yes").await?;
    page.see("split-each", LOCAL).await?;
    album.take(page, "proposal-split").await?;
    rosa.open_collective(NAME, "member").await?;
    rosa.open_proposal("Split").await?;
    rosa.browser.click("vote-yes").await?;
    rosa.open_collective(NAME, "removed").await?;
    rosa.browser
        .see_text("may-not-post", "by a split today", I2P)
        .await?;
    rosa.browser.click("room-members").await?;
    rosa.browser.see("split-found", LOCAL).await?;
    album.take(&rosa.browser, "split-went").await?;

    bo.open_collective(NAME, "resting").await?;
    bo.browser.click("room-members").await?;
    bo.browser.click("leave").await?;
    bo.browser.click("leave-sure").await?;
    bo.open_collective(NAME, "left").await?;
    bo.browser.see("may-not-post", LOCAL).await?;
    album.take(&bo.browser, "left").await?;

    ana.open_collective(NAME, "member").await?;
    page.see_text("collective-about", "1 member", I2P).await?;
    let link = ana.make_link().await?;
    page.click("invite-done").await?;
    bo.open_link(&link).await?;
    bo.browser.click("link-ask").await?;
    ana.see_request(NAME).await?;
    page.click("request-no").await?;
    bo.open_collective(NAME, "not-admitted").await?;
    bo.browser.see("ended", LOCAL).await?;
    album.take(&bo.browser, "not-admitted").await?;

    ana.open_collective(NAME, "member").await?;
    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-dissolve").await?;
    page.click("propose-sure").await?;
    page.click("vote-yes").await?;
    ana.open_collective(NAME, "dissolved").await?;
    page.see("may-not-post", LOCAL).await?;
    album.take(page, "dissolved").await?;
    album.close(SCREENS)?;
    for person in [ana, bo, rosa] {
        person.browser.close().await?;
    }
    Ok(())
}
