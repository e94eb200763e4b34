//! Screens in four variants: looked at for what a machine can see, and kept as pictures for people.
//!
//! `cargo xtask screenshots` names the folder by `KOMRADE_SCREENSHOTS`; otherwise it is a temporary one.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::{Browser, Inspection, Shape, axe};

/// A picture of nothing but one colour is far smaller than this.
const LEAST_BYTES: u64 = 8_000;
/// axe-core 4.14 has 105 rules, of which some fifteen are experimental, given up or beyond WCAG's AA; it must not have run
/// only some of the others.
const LEAST_RULES: usize = 85;
/// On any screen at least: language, title, landmarks, headings, names, contrast, sizes.
const LEAST_ELEMENTS: usize = 12;

/// Where the pictures go, and what was seen so far.
pub struct Album {
    folder: PathBuf,
    _temporary: Option<TempDir>,
    first: usize,
    screens: usize,
    variants: usize,
    rules: BTreeSet<String>,
    held: BTreeSet<String>,
    elements: usize,
    unsure: BTreeSet<String>,
    faults: Vec<String>,
}

impl Album {
    /// An empty one, whose first picture has the number `first`. What `browser` shows serves to see that faults are found.
    ///
    /// # Errors
    /// If a planted fault is not found, or there is no place for pictures.
    pub async fn open(browser: &Browser, first: usize) -> Result<Self> {
        axe::canary(browser).await?;
        let (folder, temporary) = match env::var_os("KOMRADE_SCREENSHOTS") {
            Some(folder) => (folder.into(), None),
            None => {
                let temporary = TempDir::new()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        Ok(Self {
            folder,
            _temporary: temporary,
            first,
            screens: 0,
            variants: 0,
            rules: BTreeSet::new(),
            held: BTreeSet::new(),
            elements: 0,
            unsure: BTreeSet::new(),
            faults: Vec::new(),
        })
    }

    /// Takes four pictures of what `browser` shows and inspects each. Faults are gathered for [`close`](Self::close).
    ///
    /// # Errors
    /// If the browser does not do it.
    pub async fn take(&mut self, browser: &Browser, name: &str) -> Result<()> {
        let number = self.first + self.screens;
        for (shape, ending) in Shape::ALL {
            browser.shape(shape).await?;
            // Within the app's frame panes scroll, and the page itself does not.
            let script = "const page = document.documentElement; \
                const framed = document.querySelector('.shell') !== null; \
                return [page.scrollWidth - page.clientWidth, framed ? page.scrollHeight - page.clientHeight : 0]";
            let (wide, high): (i64, i64) =
                browser.web().execute(script, vec![]).await?.convert()?;
            let mut faults = Vec::new();
            if wide > 0 {
                faults.push(format!("{wide} pixels too wide"));
            }
            if high > 0 {
                faults.push(format!("{high} pixels too high"));
            }
            let file = self.folder.join(format!("{number:02}-{name}-{ending}.png"));
            browser.picture(&file).await?;
            if fs::metadata(&file)?.len() <= LEAST_BYTES {
                faults.push("blank".to_owned());
            }
            faults.extend(self.count(axe::inspect(browser).await?));
            let told = faults
                .into_iter()
                .map(|fault| format!("{name}-{ending}: {fault}"));
            self.faults.extend(told);
            self.variants += 1;
        }
        browser
            .shape(Shape {
                phone: false,
                dark: false,
            })
            .await?;
        self.screens += 1;
        Ok(())
    }

    fn count(&mut self, found: Inspection) -> Vec<String> {
        let mut faults = found.faults;
        if found.elements < LEAST_ELEMENTS {
            faults.push(format!("only {} elements inspected", found.elements));
        }
        self.elements += found.elements;
        self.rules.extend(found.rules);
        self.held.extend(found.held);
        self.unsure.extend(found.unsure);
        faults
    }

    /// Says what was looked at.
    ///
    /// # Errors
    /// If there were other than `screens` screens, or there was a fault on any.
    pub fn close(self, screens: usize) -> Result<()> {
        println!(
            "{} screens in {} variants; axe-core ran {} rules, {} of them applied and held {} times; {} to be judged by a person",
            self.screens,
            self.variants,
            self.rules.len(),
            self.held.len(),
            self.elements,
            self.unsure.len()
        );
        for unsure in &self.unsure {
            println!("to be judged: {unsure}");
        }
        ensure!(
            self.faults.is_empty(),
            "{} faults:\n{}",
            self.faults.len(),
            self.faults.join("\n")
        );
        ensure!(
            self.screens == screens,
            "{} screens were seen, not {screens}",
            self.screens
        );
        ensure!(
            self.rules.len() >= LEAST_RULES,
            "only {} rules were run",
            self.rules.len()
        );
        Ok(())
    }
}
