//! One leaves, asks to come back and is turned down; then the last one ends it.

use anyhow::Result;
use komrade_tests::{Album, I2P, LOCAL, Three};

use crate::door::NAME;

/// How many screens there are on this part of the way.
pub const SCREENS: usize = 3;

/// Ana and Bo belong to it; in the end there is nobody left in it.
pub async fn walk(three: &Three, album: &mut Album) -> Result<()> {
    let Three { ana, bo, .. } = three;
    let page = &ana.browser;
    bo.open_collective(NAME, "member").await?;
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
    Ok(())
}
