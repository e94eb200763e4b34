//! Two come in by a link of the first: it is made, looked at, asked by, and who asks is proposed.

use anyhow::Result;
use komrade_tests::{Album, I2P, LOCAL, Three};

use crate::door::NAME;

/// How many screens there are on this part of the way.
pub const SCREENS: usize = 7;

/// Ana has founded it and looks at it; in the end the other two belong to it.
pub async fn walk(three: &Three, album: &mut Album) -> Result<()> {
    let Three { ana, bo, rosa, .. } = three;
    let page = &ana.browser;
    page.click("room-members").await?;
    page.see("invite-make", LOCAL).await?;
    album.take(page, "link-make").await?;
    let link = ana.make_link().await?;
    album.take(page, "link-made").await?;
    page.click("invite-done").await?;
    for person in [bo, rosa] {
        let other = &person.browser;
        let is_first = person.name == bo.name;
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
        if !is_first {
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
            bo.open_proposal(&format!("Take {} in", person.name))
                .await?;
            bo.browser
                .see_text("far-votes", "you are enough to decide", I2P)
                .await?;
            bo.browser.click("vote-yes").await?;
        }
        person.open_collective(NAME, "member").await?;
        let members = if is_first { "2 members" } else { "3 members" };
        page.see_text("collective-about", members, I2P).await?;
    }
    Ok(())
}
