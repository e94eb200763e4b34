//! One begins to rest, and another goes by a split, for which the one who rests returns: they still count.

use anyhow::Result;
use komrade_tests::{Album, I2P, LOCAL, Three};
use serde_json::json;

use crate::door::NAME;

/// How many screens there are on this part of the way.
pub const SCREENS: usize = 8;

/// All three belong to it; in the end Ana and Bo do, and the third went.
pub async fn walk(three: &Three, album: &mut Album) -> Result<()> {
    let Three { ana, bo, rosa, .. } = three;
    let page = &ana.browser;
    ana.open_collective(NAME, "member").await?;
    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-rest").await?;
    page.select("propose-who", &bo.name).await?;
    album.take(page, "propose-rest").await?;
    page.click("propose-sure").await?;
    page.click("vote-yes").await?;
    rosa.open_collective(NAME, "member").await?;
    rosa.open_proposal(&format!("Let {} rest", bo.name)).await?;
    rosa.browser.click("vote-yes").await?;
    bo.open_collective(NAME, "resting").await?;
    album.take(&bo.browser, "resting").await?;
    bo.browser.click("room-members").await?;
    bo.browser.see("return", LOCAL).await?;
    let scroll = "document.querySelector('[data-testid=return]').scrollIntoView({block: 'center'})";
    bo.browser.web().execute(scroll, vec![]).await?;
    album.take(&bo.browser, "resting-return").await?;

    ana.open_collective(NAME, "member").await?;
    page.click("room-decisions").await?;
    page.click("propose").await?;
    page.click("propose-split").await?;
    page.see("split-who", LOCAL).await?;
    let choose = "Array.from(document.querySelectorAll('[data-testid=split-who]'))\
                  .find(box => box.parentElement.textContent.includes(arguments[0])).click()";
    page.web().execute(choose, vec![json!(rosa.name)]).await?;
    page.fill("propose-reason", "The back house goes its own way.")
        .await?;
    album.take(page, "propose-split").await?;
    page.click("propose-sure").await?;
    page.click("vote-yes").await?;
    page.see("split-each", LOCAL).await?;
    page.see_text("heard-resting", &bo.name, LOCAL).await?;
    album.take(page, "proposal-split").await?;
    rosa.open_collective(NAME, "member").await?;
    rosa.open_proposal("Split").await?;
    rosa.browser.click("vote-yes").await?;
    bo.open_proposal("Split").await?;
    bo.browser
        .see_text("far-votes", "you are enough to decide", I2P)
        .await?;
    bo.browser.see("word-resting", LOCAL).await?;
    album.take(&bo.browser, "proposal-resting").await?;
    bo.browser.click("return").await?;
    bo.browser.click("vote-yes").await?;
    rosa.open_collective(NAME, "removed").await?;
    rosa.browser
        .see_text("may-not-post", "by a split today", I2P)
        .await?;
    album.take(&rosa.browser, "split-went").await?;
    rosa.browser.click("room-members").await?;
    rosa.browser.see("split-found", LOCAL).await?;
    let scroll = "document.querySelector('[data-testid=split-found]').scrollIntoView()";
    rosa.browser.web().execute(scroll, vec![]).await?;
    album.take(&rosa.browser, "split-next").await?;
    Ok(())
}
