//! The way of three people through every screen of circles.

use anyhow::Result;
use komrade_tests::{Album, I2P, LOCAL, Three};

/// How many screens there are on this way.
const SCREENS: usize = 11;
/// The first number of their pictures, behind those of [`door`](crate::door).
const FIRST: usize = 130;
/// As long as a name may be, almost: rows, heads and lists to choose from have to bear it.
const LONG: &str = "Maximiliane Wilhelmina von Unterkirchen-Oberschleißheim 🌹";

#[tokio::test]
async fn every_screen_of_a_circle_is_drawn_in_four_variants() -> Result<()> {
    let three = Three::meet(LONG).await?;
    // The rest of it stays until the end.
    let Three { ana, bo, rosa, .. } = three;
    let page = &ana.browser;
    let mut album = Album::open(page, FIRST).await?;
    ana.open_circle("My comrades").await?;
    page.see("circle-empty", LOCAL).await?;
    album.take(page, "circle-empty").await?;
    ana.post("The lift has been broken for 41 days. I collected the dates and photos; whoever has more, bring them on Friday at six.")
        .await?;
    ana.post("Soup for everybody on Sunday 🌹").await?;
    for person in [&bo, &rosa] {
        person.open_circle("Ana's circle").await?;
        person
            .browser
            .see_text("circle-post-text", "Soup", I2P)
            .await?;
    }
    rosa.comment("نلتقي عند السادسة").await?;
    page.see_text("comment-text", "نلتقي", I2P).await?;
    ana.comment("Good, until then.").await?;
    bo.browser.see_text("comment-by", "Ana", I2P).await?;
    bo.browser
        .see_text("comment-by", "not your comrade", LOCAL)
        .await?;
    bo.comment("I bring the pot.").await?;
    bo.browser.click("comment-open").await?;
    bo.browser.see("comment-means", LOCAL).await?;
    album.take(&bo.browser, "circle-theirs").await?;
    // What is too long is counted, and stays here.
    bo.browser.fill("comment-field", &"ä".repeat(1_012)).await?;
    bo.browser
        .see_text("comment-field-room", "12 characters too many", LOCAL)
        .await?;
    bo.browser.click("comment-send").await?;
    album.take(&bo.browser, "circle-too-long").await?;
    bo.browser.click("comment-not").await?;
    page.see_text("comment-text", "the pot", I2P).await?;
    album.take(page, "circle-mine").await?;
    page.click("take-back").await?;
    page.see("take-back-sure", LOCAL).await?;
    album.take(page, "circle-take-back").await?;
    page.click("take-back-not").await?;
    bo.browser.click("circle-leave").await?;
    bo.browser.see("circle-leave-sure", LOCAL).await?;
    let scroll = "document.querySelector('[data-testid=circle-leave-sure]').scrollIntoView()";
    bo.browser.web().execute(scroll, vec![]).await?;
    album.take(&bo.browser, "circle-leave").await?;

    page.click("nav-people").await?;
    page.click("people-circle").await?;
    page.fill("circle-name-field", "Close ones").await?;
    album.take(page, "circle-new").await?;
    page.click("circle-make").await?;
    page.click("circle-who").await?;
    page.see("circle-add", LOCAL).await?;
    page.select("circle-add-who", LONG).await?;
    page.click("circle-add").await?;
    page.see("circle-reader", LOCAL).await?;
    album.take(page, "circle-readers").await?;
    page.click("circle-remove").await?;
    page.see("circle-remove-sure", LOCAL).await?;
    album.take(page, "circle-remove").await?;
    ana.open_circle("Close ones").await?;
    ana.post("Only for you, Rosa.").await?;
    rosa.browser.click("nav-people").await?;
    rosa.browser
        .see_text("circle-last", "Only for you", I2P)
        .await?;
    album.take(&rosa.browser, "circles-theirs").await?;
    page.click("nav-people").await?;
    album.take(page, "circles").await?;
    album.close(SCREENS)?;
    for person in [ana, bo, rosa] {
        person.browser.close().await?;
    }
    Ok(())
}
