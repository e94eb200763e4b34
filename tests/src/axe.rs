//! Accessibility as far as a machine can see it: axe-core, run inside the page under its own policy.
//!
//! The script is handed over by the driver, so that neither the Content Security Policy nor the app has to make room for
//! it, and what it then does is bound by both, Trusted Types included.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use crate::Browser;

/// axe-core itself; see `vendor/axe-core/README.md`.
const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");

/// Runs every rule, those for WCAG 2.2 that are off by default included, and tells in short what came of it.
const RUN: &str = "const done = arguments[0]; \
    const ids = results => results.map(result => result.id); \
    const told = results => results.flatMap(result => result.nodes.map(node => \
        `${result.id}: ${result.help}: ${node.target.join(' ')}: ${node.failureSummary}`)); \
    axe.run(document, {rules: {'target-size': {enabled: true}}}).then(found => done({ \
        held: ids(found.passes), \
        broken: ids(found.violations), \
        rules: ids([...found.passes, ...found.violations, ...found.incomplete, ...found.inapplicable]), \
        elements: found.passes.reduce((sum, result) => sum + result.nodes.length, 0), \
        faults: told(found.violations), \
        unsure: told(found.incomplete), \
    }), error => done({error: String(error)}));";

/// Puts a button without a name and a text that nobody can read at the end of the page.
const PLANT: &str = "const button = document.createElement('button'); \
    const text = document.createElement('p'); text.textContent = 'A canary that nobody can read'; \
    text.style.color = 'rgb(120, 120, 120)'; text.style.backgroundColor = 'rgb(128, 128, 128)'; \
    window.canaries = [button, text]; (document.querySelector('main') || document.body).append(button, text);";
const REMOVE: &str = "window.canaries.forEach(canary => canary.remove()); delete window.canaries;";

/// What axe-core found on one screen.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// Every rule that was run, whether or not anything on this screen falls under it.
    pub rules: BTreeSet<String>,
    /// The rules that something fell under, and which held.
    pub held: BTreeSet<String>,
    /// How often an element was found to keep a rule.
    pub elements: usize,
    /// What breaks a rule: rule, element, reason.
    pub faults: Vec<String>,
    /// What a person has to judge: rule, element, reason.
    pub unsure: Vec<String>,
    broken: BTreeSet<String>,
}

/// As the page tells it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Failed {
        error: String,
    },
    Found {
        held: BTreeSet<String>,
        broken: BTreeSet<String>,
        rules: BTreeSet<String>,
        elements: usize,
        faults: Vec<String>,
        unsure: Vec<String>,
    },
}

/// Inspects what `browser` shows now.
///
/// # Errors
/// If axe-core cannot be run there.
pub async fn inspect(browser: &Browser) -> Result<Inspection> {
    let web = browser.web();
    let there = web
        .execute("return typeof axe === 'object'", vec![])
        .await?;
    if !there.convert::<bool>()? {
        web.execute(AXE, vec![]).await?;
    }
    match web.execute_async(RUN, vec![]).await?.convert()? {
        Told::Failed { error } => bail!("axe-core could not run: {error}"),
        Told::Found {
            held,
            broken,
            rules,
            elements,
            faults,
            unsure,
        } => Ok(Inspection {
            rules,
            held,
            elements,
            faults,
            unsure,
            broken,
        }),
    }
}

/// Plants what must be found, sees that it is, and takes it away again: without this, finding nothing would mean nothing.
///
/// # Errors
/// If it is not found, or is found after it is gone.
pub async fn canary(browser: &Browser) -> Result<()> {
    browser.web().execute(PLANT, vec![]).await?;
    let planted = inspect(browser).await?;
    browser.web().execute(REMOVE, vec![]).await?;
    for rule in ["button-name", "color-contrast"] {
        ensure!(
            planted.broken.contains(rule),
            "what was planted against {rule} was not found"
        );
    }
    ensure!(
        inspect(browser).await?.faults.len() < planted.faults.len(),
        "what was planted is still found"
    );
    Ok(())
}
