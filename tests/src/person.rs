//! A person at a browser: what they do, in the words of the screens.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{Browser, I2P, LOCAL, until};

/// How many recovery words there are.
const WORDS: usize = 24;

/// A person who has cut keys.
pub struct Person {
    /// Their browser.
    pub browser: Browser,
    /// The name they gave.
    pub name: String,
    /// The passphrase they took.
    pub passphrase: String,
    /// The 24 words they wrote down.
    pub words: String,
}

/// What key-cutting showed.
pub struct Keys {
    /// The 24 recovery words.
    pub words: String,
    /// The six words that were offered and taken.
    pub passphrase: String,
}

impl Person {
    /// Opens `link` in a new browser and cuts keys, writing down and repeating the words as asked.
    ///
    /// # Errors
    /// If a screen does not come.
    pub async fn arrive(link: &str, name: &str) -> Result<Self> {
        let browser = Browser::start().await?;
        browser.open(link).await?;
        browser.click("welcome-start").await?;
        let Keys { words, passphrase } = cut_keys(&browser, name).await?;
        browser.see("screen-people", LOCAL).await?;
        Ok(Self {
            browser,
            name: name.to_owned(),
            passphrase,
            words,
        })
    }

    /// Waits until the relay's node keeps envelopes for this person: from then on nobody has to be
    /// there at the same time.
    ///
    /// # Errors
    /// If the link to the node does not come up.
    pub async fn reachable(&self) -> Result<()> {
        self.browser.click("nav-route").await?;
        self.browser
            .see_with("route-node", "data-mood", "done", LOCAL)
            .await?;
        Ok(())
    }

    /// Gives the app the join link of another relay.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn use_relay(&self, join_link: &str) -> Result<()> {
        self.browser.click("nav-route").await?;
        self.browser.fill("relay-link", join_link).await?;
        self.browser.click("relay-use").await?;
        self.browser
            .see_text("relay-used", "from now on", LOCAL)
            .await?;
        Ok(())
    }

    /// Tries another relay, and adds it beside the ones in use once it admits this person.
    ///
    /// # Errors
    /// If it is refused, or does not answer.
    pub async fn add_relay(&self, join_link: &str) -> Result<()> {
        self.try_relay(join_link).await?;
        self.add_relay_tried().await
    }

    /// Adds the relay that is being tried.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn add_relay_tried(&self) -> Result<()> {
        self.browser.click("relay-add").await?;
        until(LOCAL, "the relay to be in use", async || {
            let used = "return Array.from(document.querySelectorAll('[data-testid=relay]'))\
                        .every(e => e.dataset.standing === 'in-use')";
            Ok(self.browser.web().execute(used, vec![]).await?.convert()?)
        })
        .await
    }

    /// Tries another relay until it admits this person.
    ///
    /// # Errors
    /// If it is refused, or does not answer.
    pub async fn try_relay(&self, join_link: &str) -> Result<()> {
        self.browser.click("nav-route").await?;
        self.browser.fill("relay-link", join_link).await?;
        self.browser.click("relay-try").await?;
        until(LOCAL, "the relay to admit", async || {
            let up = "const tried = document.querySelector(\
                      '[data-testid=relay][data-standing=tried]');\
                      return tried?.dataset.up === 'yes'\
                      && tried.textContent.includes('keeps envelopes')";
            Ok(self.browser.web().execute(up, vec![]).await?.convert()?)
        })
        .await
    }

    /// Waits until the service worker keeps the app, so that it opens without its relay.
    ///
    /// # Errors
    /// If it does not come to be kept.
    pub async fn app_is_kept(&self) -> Result<()> {
        self.browser.click("nav-settings").await?;
        self.browser
            .see_text("software", "opens without the relay", LOCAL)
            .await?;
        Ok(())
    }

    /// Closes the tab of the app; the profile stays.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn leave(&self) -> Result<()> {
        self.browser.open("about:blank").await
    }

    /// Opens the app again where it came from, and unlocks.
    ///
    /// # Errors
    /// If the app or the vault does not open.
    pub async fn return_to(&self, origin: &str) -> Result<()> {
        self.browser.open(origin).await?;
        self.unlock_with(&self.passphrase).await?;
        self.browser.see("nav-people", LOCAL).await?;
        Ok(())
    }

    /// Waits until the relay has every message that was written in the open conversation.
    ///
    /// # Errors
    /// If one stays on this device.
    pub async fn relay_has_all(&self) -> Result<()> {
        until(LOCAL, "the relay to have every message", async || {
            Ok(self.ticks().await?.iter().all(|tick| tick != "kept"))
        })
        .await
    }

    /// How far each of one's own messages of the open conversation has come.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn ticks(&self) -> Result<Vec<String>> {
        let script = "return Array.from(document.querySelectorAll(\
                      '[data-testid=message][data-mine=true]'), e => e.dataset.tick)";
        Ok(self
            .browser
            .web()
            .execute(script, vec![])
            .await?
            .convert()?)
    }

    /// Makes an invite that the relay has, and copies its link.
    ///
    /// # Errors
    /// If none is made.
    pub async fn make_invite(&self) -> Result<String> {
        self.browser.click("nav-meet").await?;
        self.browser.click("invite-make").await?;
        let link = self.browser.value("invite-text").await?;
        self.browser.see("invite-qr", LOCAL).await?;
        self.browser
            .see_with("invite-works", "data-placed", "true", LOCAL)
            .await?;
        self.browser.click("invite-done").await?;
        Ok(link)
    }

    /// Pastes an invite into one's own app and accepts it.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn accept(&self, invite: &str) -> Result<()> {
        self.browser.click("nav-meet").await?;
        self.browser.fill("invite-paste", invite).await?;
        self.browser.click("invite-read").await?;
        self.browser.click("invite-accept").await?;
        self.browser.see("screen-conversation", LOCAL).await?;
        Ok(())
    }

    /// Confirms the one comrade who has answered an invite; returns the code that was shown.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn confirm(&self) -> Result<String> {
        self.browser.click("nav-meet").await?;
        self.browser.see("request", I2P).await?;
        self.browser.click("request-look").await?;
        let code = self.browser.text("code").await?;
        self.browser.click("confirm-compared").await?;
        self.browser.see("composer", LOCAL).await?;
        Ok(code)
    }

    /// Opens the conversation with `name`.
    ///
    /// # Errors
    /// If there is no such comrade.
    pub async fn open_conversation(&self, name: &str) -> Result<()> {
        self.browser.click("nav-people").await?;
        self.browser
            .see_text("person-name", name, I2P)
            .await?
            .click()
            .await?;
        self.browser.see("screen-conversation", LOCAL).await?;
        Ok(())
    }

    /// Writes a message in the conversation that is open.
    ///
    /// # Errors
    /// If it is not kept.
    pub async fn write(&self, text: &str) -> Result<()> {
        self.browser.see("composer", I2P).await?;
        self.browser.fill("composer", text).await?;
        self.browser.click("send").await?;
        self.read(text, LOCAL).await
    }

    /// Waits until a message with this text is shown.
    ///
    /// # Errors
    /// If it does not come.
    pub async fn read(&self, text: &str, bound: Duration) -> Result<()> {
        // What a long text ends with shows that all of it is here.
        let end: String = text
            .chars()
            .rev()
            .take(200)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        self.browser.see_text("message-text", &end, bound).await?;
        Ok(())
    }

    /// Everything written in the open conversation, in the order of the screen.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn messages(&self) -> Result<Vec<String>> {
        let texts = self
            .browser
            .web()
            .execute(
                "return Array.from(document.querySelectorAll('[data-testid=message-text]'), e => e.textContent)",
                vec![],
            )
            .await?;
        Ok(texts.convert()?)
    }

    /// Gives a passphrase at the locked vault.
    ///
    /// # Errors
    /// If the screen does not come.
    pub async fn unlock_with(&self, passphrase: &str) -> Result<()> {
        self.browser.see("screen-unlock", LOCAL).await?;
        self.browser.fill("unlock-passphrase", passphrase).await?;
        self.browser.click("unlock").await
    }

    /// Loads the page again and unlocks.
    ///
    /// # Errors
    /// If the vault does not open.
    pub async fn reload(&self) -> Result<()> {
        self.browser.reload().await?;
        self.unlock_with(&self.passphrase).await?;
        self.browser.see("nav-people", LOCAL).await?;
        Ok(())
    }
}

/// From the first step of key-cutting to the sealed vault; returns what was shown.
///
/// # Errors
/// If a step does not come.
pub async fn cut_keys(browser: &Browser, name: &str) -> Result<Keys> {
    browser.fill("name", name).await?;
    browser.click("name-next").await?;
    let mut words = Vec::new();
    for word in browser.count("word", WORDS, LOCAL).await? {
        words.push(word.text().await?);
    }
    browser.click("words-written").await?;
    for (number, asked) in browser
        .count("check-word", 3, LOCAL)
        .await?
        .iter()
        .enumerate()
    {
        let position: usize = asked
            .attr("data-position")
            .await?
            .context("no position")?
            .parse()?;
        let word = words
            .get(position - 1)
            .context("a word that was not shown")?;
        browser.fill(&format!("check-{}", number + 1), word).await?;
    }
    browser.click("check-next").await?;
    let passphrase = browser.text("passphrase-offered").await?;
    ensure!(
        passphrase.split_whitespace().count() == 6,
        "six words are offered"
    );
    browser.click("passphrase-take").await?;
    Ok(Keys {
        words: words.join(" "),
        passphrase,
    })
}
