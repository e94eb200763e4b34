//! The way of three people in and out of a collective: by links, with an introduction, by a split, left and turned down, to its end.
//! One way, so that it is founded once; each part of it has its own file.

use anyhow::Result;
use komrade_tests::{Album, Three};

use crate::{introduction, leaving, link, split};

/// What the collective is called.
pub const NAME: &str = "Weststrasse 12";
/// The third, in letters that run the other way.
const THIRD: &str = "روزا 🌹";
/// How many screens there are on this way.
const SCREENS: usize = link::SCREENS + introduction::SCREENS + split::SCREENS + leaving::SCREENS;
/// The first number of their pictures, behind those of [`collective`](crate::collective).
const FIRST: usize = 100;

#[tokio::test]
async fn every_screen_of_coming_in_and_going_is_drawn_in_four_variants() -> Result<()> {
    let three = Three::come(THIRD).await?;
    let mut album = Album::open(&three.ana.browser, FIRST).await?;
    // An affinity group: vouches, and a vote of three quarters.
    three.ana.found(NAME, 0).await?;
    link::walk(&three, &mut album).await?;
    introduction::walk(&three, &mut album).await?;
    split::walk(&three, &mut album).await?;
    leaving::walk(&three, &mut album).await?;
    album.close(SCREENS)?;
    // The rest of it stays until the end.
    let Three { ana, bo, rosa, .. } = three;
    for person in [ana, bo, rosa] {
        person.browser.close().await?;
    }
    Ok(())
}
