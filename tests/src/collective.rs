//! What a person does in collectives, in the words of the screens.

use std::net::TcpListener;

use anyhow::Result;

use crate::{I2P, LOCAL, Person, Relay, RelaySettings, until};

/// Three people at one relay without I2P. As [`Three::meet`] gives them, Ana has met the other two.
pub struct Three {
    /// The one who has met both.
    pub ana: Person,
    /// Met.
    pub bo: Person,
    /// Met.
    pub rosa: Person,
    _relay: Relay,
    /// A bridge that takes connections and never says a word: all goes through the relay's node.
    _bridge: TcpListener,
}

impl Three {
    /// Lets them come and meet; the third is called so.
    ///
    /// # Errors
    /// If the relay does not start, or they do not meet.
    pub async fn meet(third: &str) -> Result<Self> {
        let three = Self::come(third).await?;
        for person in [&three.bo, &three.rosa] {
            let invite = three.ana.make_invite().await?;
            person.accept(&invite).await?;
            three.ana.confirm().await?;
        }
        Ok(three)
    }

    /// Lets them come; nobody has met anybody.
    ///
    /// # Errors
    /// If the relay does not start.
    pub async fn come(third: &str) -> Result<Self> {
        let bridge = TcpListener::bind("127.0.0.1:0")?;
        let relay = Relay::start(RelaySettings::Sam(bridge.local_addr()?.to_string()))?;
        let three = Self {
            ana: Person::arrive(relay.join_link(), "Ana").await?,
            bo: Person::arrive(relay.join_link(), "Bo").await?,
            rosa: Person::arrive(relay.join_link(), third).await?,
            _relay: relay,
            _bridge: bridge,
        };
        for person in [&three.ana, &three.bo, &three.rosa] {
            person.reachable().await?;
            person.hurry().await?;
        }
        Ok(three)
    }
}

impl Person {
    /// Lets what follows from mail leave within seconds rather than minutes.
    ///
    /// # Errors
    /// If the settings do not come.
    pub async fn hurry(&self) -> Result<()> {
        self.browser.click("nav-settings").await?;
        self.browser.click("ack-quick").await?;
        // Drawn anew, the button shows what is kept rather than what was clicked.
        self.browser.click("nav-meet").await?;
        self.browser.see("screen-meet", LOCAL).await?;
        self.browser.click("nav-settings").await?;
        let kept = "return document.querySelector('[data-testid=ack-quick]')?.checked === true";
        until(LOCAL, "the quick pace to be kept", async || {
            Ok(self.browser.web().execute(kept, vec![]).await?.convert()?)
        })
        .await
    }

    /// Founds a collective by the template of this number, as it is.
    ///
    /// # Errors
    /// If a step does not come.
    pub async fn found(&self, name: &str, template: usize) -> Result<()> {
        self.browser.click("nav-people").await?;
        self.browser.click("people-found").await?;
        self.browser.fill("found-name", name).await?;
        self.browser.click("found-next").await?;
        self.browser.click(&format!("template-{template}")).await?;
        self.browser.see("editor", LOCAL).await?;
        self.browser.click("found-next").await?;
        self.browser
            .see_text("found-look-name", name, LOCAL)
            .await?;
        self.browser.click("found-sure").await?;
        self.browser.see("composer", LOCAL).await?;
        Ok(())
    }

    /// Opens the collective of this name, once the person stands there as said.
    ///
    /// # Errors
    /// If there is none.
    pub async fn open_collective(&self, name: &str, standing: &str) -> Result<()> {
        // Where a conversation fills the phone, the list is behind it.
        self.browser.click("nav-people").await?;
        self.browser
            .see_with("collective", "data-standing", standing, I2P)
            .await?;
        self.browser
            .see_text("collective-name", name, LOCAL)
            .await?
            .click()
            .await?;
        self.browser
            .see_with("screen-collective", "data-standing", standing, LOCAL)
            .await?;
        Ok(())
    }

    /// Makes a link by which one asks to be proposed to the collective that is open, and copies it.
    ///
    /// # Errors
    /// If none is made.
    pub async fn make_link(&self) -> Result<String> {
        self.browser.click("room-members").await?;
        self.browser.click("invite-make").await?;
        let link = self.browser.value("invite-text").await?;
        self.browser.see("invite-qr", LOCAL).await?;
        Ok(link)
    }

    /// Looks at such a link until it shows which collective it is for.
    ///
    /// # Errors
    /// If it does not.
    pub async fn open_link(&self, link: &str) -> Result<()> {
        self.browser.click("nav-meet").await?;
        self.browser.fill("invite-paste", link).await?;
        self.browser.click("invite-read").await?;
        self.browser.click("invite-accept").await?;
        self.browser.see("linked", I2P).await?;
        Ok(())
    }

    /// Waits until somebody asks to be proposed to the collective of this name, and looks at who.
    ///
    /// # Errors
    /// If nobody does.
    pub async fn see_request(&self, name: &str) -> Result<()> {
        self.browser.click("nav-people").await?;
        self.browser
            .see_with("collective", "data-requests", "1", I2P)
            .await?;
        self.open_collective(name, "member").await?;
        self.browser.click("room-members").await?;
        self.browser.see("member-request", LOCAL).await?;
        Ok(())
    }

    /// Asks a comrade whether they want to be proposed for the collective that is open.
    ///
    /// # Errors
    /// If they cannot be chosen.
    pub async fn offer(&self, comrade: &str) -> Result<()> {
        self.browser.click("room-decisions").await?;
        self.browser.click("propose").await?;
        self.browser.select("propose-who", comrade).await?;
        self.browser.click("propose-ask").await?;
        self.browser
            .see_text("propose-asked", comrade, LOCAL)
            .await?;
        Ok(())
    }

    /// Opens the open proposal of the collective that is open whose row says this.
    ///
    /// # Errors
    /// If it does not come.
    pub async fn open_proposal(&self, words: &str) -> Result<()> {
        self.browser.click("room-decisions").await?;
        self.browser
            .see_text_with("proposal", words, ("data-open", "true"), I2P)
            .await?
            .click()
            .await?;
        self.browser.see("proposal-matter", LOCAL).await?;
        Ok(())
    }
}
