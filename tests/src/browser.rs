//! A real Chromium, driven through its own driver.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{
    BrowserLogEntry, By, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel,
    WebDriver, WebElement,
};

use crate::{LOCAL, LOOK, Running};

/// The size and colours of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// 390 × 844 with touch, or 1280 × 800.
    pub phone: bool,
    /// Dark or light.
    pub dark: bool,
}

impl Shape {
    /// All four, each with the ending of its picture's name.
    pub const ALL: [(Self, &'static str); 4] = [
        (
            Self {
                phone: false,
                dark: false,
            },
            "desktop-light",
        ),
        (
            Self {
                phone: false,
                dark: true,
            },
            "desktop-dark",
        ),
        (
            Self {
                phone: true,
                dark: false,
            },
            "phone-light",
        ),
        (
            Self {
                phone: true,
                dark: true,
            },
            "phone-dark",
        ),
    ];
}

/// How often the driver is started: it chooses a free port itself, and now and then another program takes that very
/// port before it does; then it ends at once.
const DRIVER_ATTEMPTS: u32 = 5;

/// Chromium's own driver, and the port it listens on.
fn driver() -> Result<(Running, u16)> {
    let mut attempt = 1;
    loop {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0");
        let started = Running::start(command, LOCAL, |line| {
            let (_, rest) = line.split_once("started successfully on port ")?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        match started {
            Err(_) if attempt < DRIVER_ATTEMPTS => attempt += 1,
            result => return result.context("chromedriver; `cargo xtask test` installs it"),
        }
    }
}

/// A browser with a profile of its own.
pub struct Browser {
    web: WebDriver,
    _driver: Running,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with an empty profile.
    ///
    /// # Errors
    /// If Chromium or its driver is missing or does not start.
    pub async fn start() -> Result<Self> {
        let profile = TempDir::new()?;
        let (driver, port) = driver()?;
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            // Through pipes, so that a browser ends with its driver even when a test fails half-way.
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--force-prefers-reduced-motion",
            "--lang=en",
        ] {
            wanted.add_arg(argument)?;
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
        let web = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await?;
        let browser = Self {
            web,
            _driver: driver,
            _profile: profile,
        };
        browser
            .shape(Shape {
                phone: false,
                dark: false,
            })
            .await?;
        Ok(browser)
    }

    /// The driver, for what the methods here do not say.
    pub fn web(&self) -> &WebDriver {
        &self.web
    }

    /// Opens an address.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.web.goto(url).await?)
    }

    /// Opens an address that differs from the present one only after `#`, as a fresh page.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn open_anew(&self, url: &str) -> Result<()> {
        self.web.goto("about:blank").await?;
        self.open(url).await
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn reload(&self) -> Result<()> {
        Ok(self.web.refresh().await?)
    }

    /// Gives the window a size and colours.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn shape(&self, shape: Shape) -> Result<()> {
        let (width, height, scale) = if shape.phone {
            (390, 844, 2)
        } else {
            (1280, 800, 1)
        };
        let cdp = self.web.cdp();
        cdp.send_raw(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": shape.phone}),
        )
        .await?;
        let colours = if shape.dark { "dark" } else { "light" };
        cdp.send_raw(
            "Emulation.setEmulatedMedia",
            json!({"features": [
                {"name": "prefers-color-scheme", "value": colours},
                {"name": "prefers-reduced-motion", "value": "reduce"}
            ]}),
        )
        .await?;
        Ok(())
    }

    /// Cuts the browser off from every network, or connects it again.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn offline(&self, offline: bool) -> Result<()> {
        let cdp = self.web.cdp();
        cdp.send_raw("Network.enable", json!({})).await?;
        cdp.send_raw(
            "Network.emulateNetworkConditions",
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}),
        )
        .await?;
        Ok(())
    }

    /// Waits until an element with this `data-testid` is displayed.
    ///
    /// # Errors
    /// If that does not happen within `bound`; the error shows what the page says instead.
    pub async fn see(&self, id: &str, bound: Duration) -> Result<WebElement> {
        let started = Instant::now();
        loop {
            for element in self.web.find_all(By::Testid(id)).await? {
                if element.is_displayed().await.unwrap_or(false) {
                    return Ok(element);
                }
            }
            self.still_waiting(started, bound, &format!("`{id}`"))
                .await?;
        }
    }

    /// Waits until some element with this `data-testid` contains `text`.
    ///
    /// # Errors
    /// If that does not happen within `bound`.
    pub async fn see_text(&self, id: &str, text: &str, bound: Duration) -> Result<WebElement> {
        let started = Instant::now();
        loop {
            for element in self.web.find_all(By::Testid(id)).await? {
                if element.text().await.unwrap_or_default().contains(text) {
                    return Ok(element);
                }
            }
            let shown: String = text.chars().take(60).collect();
            self.still_waiting(started, bound, &format!("`{id}` with “{shown}”"))
                .await?;
        }
    }

    /// Waits until some element with this `data-testid` has `value` in `attribute`.
    ///
    /// # Errors
    /// If that does not happen within `bound`.
    pub async fn see_with(
        &self,
        id: &str,
        attribute: &str,
        value: &str,
        bound: Duration,
    ) -> Result<WebElement> {
        let started = Instant::now();
        loop {
            for element in self.web.find_all(By::Testid(id)).await? {
                if element.attr(attribute).await.ok().flatten().as_deref() == Some(value) {
                    return Ok(element);
                }
            }
            let wanted = format!("`{id}` with {attribute}={value}");
            self.still_waiting(started, bound, &wanted).await?;
        }
    }

    /// Waits until some element with this `data-testid` that contains `text` has `value` in `attribute`.
    ///
    /// # Errors
    /// If that does not happen within `bound`.
    pub async fn see_text_with(
        &self,
        id: &str,
        text: &str,
        (attribute, value): (&str, &str),
        bound: Duration,
    ) -> Result<WebElement> {
        let started = Instant::now();
        loop {
            for element in self.web.find_all(By::Testid(id)).await? {
                if element.attr(attribute).await.ok().flatten().as_deref() == Some(value)
                    && element.text().await.unwrap_or_default().contains(text)
                {
                    return Ok(element);
                }
            }
            let wanted = format!("`{id}` with “{text}” and {attribute}={value}");
            self.still_waiting(started, bound, &wanted).await?;
        }
    }

    /// Waits until exactly `count` elements with this `data-testid` exist.
    ///
    /// # Errors
    /// If that does not happen within `bound`.
    pub async fn count(&self, id: &str, count: usize, bound: Duration) -> Result<Vec<WebElement>> {
        let started = Instant::now();
        loop {
            let found = self.web.find_all(By::Testid(id)).await?;
            if found.len() == count {
                return Ok(found);
            }
            self.still_waiting(
                started,
                bound,
                &format!("{count} times `{id}`, have {}", found.len()),
            )
            .await?;
        }
    }

    /// Whether an element with this `data-testid` exists now.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn has(&self, id: &str) -> Result<bool> {
        Ok(!self.web.find_all(By::Testid(id)).await?.is_empty())
    }

    /// Waits for the element to be displayed and enabled, and clicks it.
    ///
    /// # Errors
    /// If it cannot be clicked within the bound of local work.
    pub async fn click(&self, id: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            let element = self.see(id, LOCAL).await?;
            if element.is_enabled().await.unwrap_or(false) && element.click().await.is_ok() {
                return Ok(());
            }
            self.still_waiting(started, LOCAL, &format!("clicking `{id}`"))
                .await?;
        }
    }

    /// Replaces what stands in a field.
    ///
    /// Sets the value as pasting would (the driver cannot type what lies beyond the basic plane, such as emoji).
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn fill(&self, id: &str, text: &str) -> Result<()> {
        let field = self.see(id, LOCAL).await?;
        self.web
            .execute(
                "const [field, text] = arguments; field.focus(); field.value = text; \
                 field.dispatchEvent(new Event('input', {bubbles: true})); \
                 field.dispatchEvent(new Event('change', {bubbles: true}));",
                vec![field.to_json()?, json!(text)],
            )
            .await?;
        Ok(())
    }

    /// Chooses what is called `text` in a list to choose from.
    ///
    /// # Errors
    /// If there is no such list or nothing in it of that name.
    pub async fn select(&self, id: &str, text: &str) -> Result<()> {
        let list = self.see(id, LOCAL).await?;
        let script = "const [list, text] = arguments; \
             const at = Array.from(list.options).findIndex(option => option.textContent === text); \
             if (at < 0) { return false; } \
             list.focus(); list.selectedIndex = at; \
             list.dispatchEvent(new Event('change', {bubbles: true})); \
             return true;";
        let chosen = self
            .web
            .execute(script, vec![list.to_json()?, json!(text)])
            .await?;
        if !chosen.convert::<bool>()? {
            bail!("`{id}` does not offer {text}");
        }
        Ok(())
    }

    /// Chooses a file in a field for files.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn choose(&self, id: &str, file: &Path) -> Result<()> {
        let field = self.see(id, LOCAL).await?;
        Ok(field.send_keys(file.to_string_lossy()).await?)
    }

    /// From now on what is saved goes into this folder, without a question.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn save_to(&self, folder: &Path) -> Result<()> {
        let behaviour = json!({"behavior": "allow", "downloadPath": folder});
        let cdp = self.web.cdp();
        cdp.send_raw("Browser.setDownloadBehavior", behaviour)
            .await?;
        Ok(())
    }

    /// The text of the first element with this `data-testid`.
    ///
    /// # Errors
    /// If there is none.
    pub async fn text(&self, id: &str) -> Result<String> {
        Ok(self.see(id, LOCAL).await?.text().await?)
    }

    /// The value of a field or an attribute `value`.
    ///
    /// # Errors
    /// If there is none.
    pub async fn value(&self, id: &str) -> Result<String> {
        let element = self.see(id, LOCAL).await?;
        element
            .prop("value")
            .await?
            .with_context(|| format!("`{id}` has no value"))
    }

    /// What the console said since the last call.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn console(&self) -> Result<Vec<BrowserLogEntry>> {
        Ok(self.web.browser_log().await?)
    }

    /// Writes a picture of the page.
    ///
    /// # Errors
    /// If it cannot be taken or written.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        fs::write(file, self.web.screenshot_as_png().await?)?;
        Ok(())
    }

    /// Closes the browser in good order.
    ///
    /// # Errors
    /// If it does not close.
    pub async fn close(self) -> Result<()> {
        Ok(self.web.quit().await?)
    }

    /// Lets a little time pass, or fails with what the page shows.
    async fn still_waiting(&self, started: Instant, bound: Duration, wanted: &str) -> Result<()> {
        if started.elapsed() < bound {
            tokio::time::sleep(LOOK).await;
            return Ok(());
        }
        let body = self
            .web
            .find(By::Tag("body"))
            .await?
            .text()
            .await
            .unwrap_or_default();
        let console: Vec<_> = self
            .console()
            .await
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.message)
            .collect();
        bail!(
            "waited {bound:?} for {wanted}; the page shows:\n{body}\nthe console says: {console:?}"
        )
    }
}
