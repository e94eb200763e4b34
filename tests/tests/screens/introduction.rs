//! Ana introduces two of her comrades, and both say yes.

use anyhow::Result;
use komrade_tests::{Album, I2P, LOCAL, Three};

/// How many screens there are on this part of the way.
pub const SCREENS: usize = 5;

/// Ana has met the other two, who have not met each other; in the end they have.
pub async fn walk(three: &Three, album: &mut Album) -> Result<()> {
    let Three { ana, bo, rosa, .. } = three;
    let page = &ana.browser;
    ana.open_conversation(&bo.name).await?;
    page.click("conversation-about").await?;
    page.select("introduce-to", &rosa.name).await?;
    page.fill("introduce-words", "You both know how to print.")
        .await?;
    page.click("introduce-ask").await?;
    page.see_text("introduced", "are asked", LOCAL).await?;
    page.see("introduction-own", LOCAL).await?;
    let scroll = "document.querySelector('[data-testid=introduce]').scrollIntoView()";
    page.web().execute(scroll, vec![]).await?;
    album.take(page, "introduce").await?;
    bo.browser.click("nav-people").await?;
    bo.browser
        .see_text("person-last", "introduce you", I2P)
        .await?;
    album.take(&bo.browser, "introduction-row").await?;
    for person in [bo, rosa] {
        let is_first = person.name == bo.name;
        person.open_conversation(&ana.name).await?;
        person.browser.see("introduction-asked", I2P).await?;
        if is_first {
            album.take(&bo.browser, "introduction-asked").await?;
        }
        person.browser.click("introduction-yes").await?;
        person.browser.see("introduction-agreed", LOCAL).await?;
        if is_first {
            album.take(&bo.browser, "introduction-agreed").await?;
        }
    }
    bo.browser.see("introduction-met", I2P).await?;
    album.take(&bo.browser, "introduction-met").await?;
    bo.browser.click("introduction-open").await?;
    bo.write("Do you have the key to the cellar?").await?;
    rosa.open_conversation(&bo.name).await?;
    rosa.read("the key to the cellar", I2P).await?;
    Ok(())
}
