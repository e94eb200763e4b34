//! What a person does in circles, in the words of the screens.

use anyhow::Result;

use crate::{I2P, LOCAL, Person};

impl Person {
    /// Opens the circle of this name.
    ///
    /// # Errors
    /// If there is none.
    pub async fn open_circle(&self, name: &str) -> Result<()> {
        self.browser.click("nav-people").await?;
        self.browser
            .see_text("circle-name", name, I2P)
            .await?
            .click()
            .await?;
        self.browser.see("screen-circle", LOCAL).await?;
        Ok(())
    }

    /// Writes to the circle of one's own that is open.
    ///
    /// # Errors
    /// If it is not kept.
    pub async fn post(&self, text: &str) -> Result<()> {
        self.browser.fill("circle-text", text).await?;
        self.browser.click("circle-post").await?;
        self.browser
            .see_text("circle-post-text", text, LOCAL)
            .await?;
        Ok(())
    }

    /// Comments on the newest post of the circle that is open.
    ///
    /// # Errors
    /// If it is not kept.
    pub async fn comment(&self, text: &str) -> Result<()> {
        self.browser.click("comment-open").await?;
        self.browser.fill("comment-field", text).await?;
        self.browser.click("comment-send").await?;
        self.browser.see_text("comment-text", text, LOCAL).await?;
        self.browser.click("comment-not").await
    }
}
