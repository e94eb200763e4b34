//! Holds the workspace to the arrows drawn in ARCHITECTURE.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output};

/// What the relay must never link, because it could read with it.
const NOT_IN_THE_RELAY: [&str; 3] = ["komrade-social", "komrade-peer", "komrade-crypto"];

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Compares the block ```` ```arrows ```` of ARCHITECTURE.md with what the manifests say, and looks into the relay's whole tree.
pub fn check(root: &Path) -> Result<()> {
    let drawn =
        drawn(&fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?)?;
    let built = built(root)?;
    let mut wrong = Vec::new();
    for name in drawn.keys().chain(built.keys()).collect::<BTreeSet<_>>() {
        let empty = BTreeSet::new();
        let (picture, truth) = (
            drawn.get(name).unwrap_or(&empty),
            built.get(name).unwrap_or(&empty),
        );
        for missing in truth.difference(picture) {
            wrong.push(format!(
                "{name} uses {missing}, which ARCHITECTURE.md does not draw"
            ));
        }
        for idle in picture.difference(truth) {
            wrong.push(format!(
                "ARCHITECTURE.md draws {name} -> {idle}, which nothing uses"
            ));
        }
    }
    if !wrong.is_empty() {
        bail!("the arrows are off:\n  {}", wrong.join("\n  "));
    }
    let tree = output(&mut cargo(
        root,
        &[
            "tree",
            "--package",
            "komrade-relay",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--all-features",
        ],
    ))?;
    if !tree.contains("komrade-wire") {
        bail!("the relay's tree does not even hold komrade-wire: this check looked at nothing");
    }
    for name in NOT_IN_THE_RELAY {
        if tree
            .lines()
            .any(|line| line.split(' ').next() == Some(name))
        {
            bail!("the relay links {name}: it could read what it carries");
        }
    }
    println!(
        "{} crates, arrows as drawn; the relay's tree of {} lines holds no key",
        built.len(),
        tree.lines().count()
    );
    Ok(())
}

/// Lines `crate: used used …` between ```` ```arrows ```` and ```` ``` ````.
fn drawn(text: &str) -> Result<Arrows> {
    let (_, rest) = text
        .split_once("```arrows\n")
        .context("ARCHITECTURE.md has no block ```arrows")?;
    let (block, _) = rest
        .split_once("```")
        .context("the block ```arrows does not end")?;
    block
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let (name, uses) = line
                .split_once(':')
                .with_context(|| format!("no arrow: {line}"))?;
            Ok((
                name.trim().to_owned(),
                uses.split_whitespace().map(str::to_owned).collect(),
            ))
        })
        .collect()
}

/// Normal dependencies between members of the workspace.
fn built(root: &Path) -> Result<Arrows> {
    let text = output(&mut cargo(
        root,
        &["metadata", "--format-version", "1", "--no-deps"],
    ))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let packages = metadata
        .get("packages")
        .and_then(|list| list.as_array())
        .context("no packages")?;
    let mut arrows = Arrows::new();
    for package in packages {
        let name = package
            .get("name")
            .and_then(|name| name.as_str())
            .context("no name")?;
        let uses = package
            .get("dependencies")
            .and_then(|list| list.as_array())
            .context("no dependencies")?
            .iter()
            .filter(|dependency| {
                dependency
                    .get("kind")
                    .is_none_or(serde_json::Value::is_null)
            })
            .filter(|dependency| {
                dependency
                    .get("path")
                    .is_some_and(serde_json::Value::is_string)
            })
            .filter_map(|dependency| dependency.get("name").and_then(|name| name.as_str()))
            .map(str::to_owned)
            .collect();
        arrows.insert(name.to_owned(), uses);
    }
    Ok(arrows)
}

#[cfg(test)]
mod tests {
    use super::drawn;

    #[test]
    fn reads_the_arrows_block() {
        let arrows = drawn("text\n```arrows\na: b c\nb:\n```\nmore").unwrap();
        assert_eq!(arrows["a"].iter().collect::<Vec<_>>(), ["b", "c"]);
        assert!(arrows["b"].is_empty());
        assert!(drawn("nothing").is_err());
    }
}
