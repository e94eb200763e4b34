//! What Trunk calls when it has built the app: makes the folder fit to be published.
//!
//! Flow, over the files in `TRUNK_STAGING_DIR`:
//! 1. delete what nothing refers to (leftovers of other builds, files that tools write beside theirs);
//! 2. rename scripts, styles and code to `name-<16 hex digits of their SHA-256>.ext` and rewrite every
//!    reference, in the order of who refers to whom, so that a name tells the bytes of all it loads;
//! 3. put `sha384-…` wherever `integrity:/name` stands, and an `integrity` on every script and style;
//! 4. refuse a page with anything inline or from elsewhere;
//! 5. write `assets.json`: the SHA-256 of every file, and how the service worker serves them;
//! 6. compress (`.br` beside each file that gets smaller), print the sizes, and refuse more than [`MAX_AT_START`].
//!
//! The result depends on nothing but the files: no time, no path, no order of a directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;
use sha2::{Digest, Sha256, Sha384};

/// The page, which the relay and the service worker give for every navigation.
const START: &str = "index.html";
/// The manifest of hashes.
pub const MANIFEST: &str = "assets.json";
/// Asked for by browsers and robots by these very names: never deleted, never renamed.
const FIXED: [&str; 3] = [START, "sw.js", "robots.txt"];
/// What the service worker leaves to the relay.
const NETWORK: [&str; 2] = ["/ws", "/health"];
/// Whose names carry their hash. Pictures keep theirs: the app's code may name them.
const HASHED: [&str; 3] = ["css", "js", "wasm"];
/// Where references are looked for and rewritten.
const TEXT: [&str; 4] = ["css", "html", "js", "webmanifest"];
/// Brotli's best, and a window as large as the largest file.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;

/// The most bytes, as they travel, that are loaded before the app is ready.
///
/// The budget is 450,000; as long as the app is above it, this stands a little above what it last was, so
/// that no change adds to it unnoticed. Lower it whenever the app gets smaller. Raise it only for a feature that is worth its
/// bytes, in the commit that brings it, with both numbers.
const MAX_AT_START: usize = 1_040_000;

/// Files by their path below the folder, with `/` between its parts and none in front.
type Files = BTreeMap<String, Vec<u8>>;

/// Makes the folder named by Trunk fit to be published.
pub fn run(_root: &Path) -> Result<()> {
    let folder =
        env::var_os("TRUNK_STAGING_DIR").context("this is called by Trunk, not by hand")?;
    let folder = PathBuf::from(folder);
    let files = publish(read(&folder)?)?;
    write(&folder, &files)
}

/// Steps 1 to 5.
fn publish(files: Files) -> Result<Files> {
    let files = without_leftovers(files)?;
    let mut files = renamed(files)?;
    let page = take_text(&mut files, START)?;
    let page = with_integrity(&page, &files)?;
    check_page(&page)?;
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".css")) {
        check_style(name, &String::from_utf8_lossy(bytes))?;
    }
    files.insert(START.to_owned(), page.into_bytes());
    let manifest = Manifest::of(&files);
    files.insert(MANIFEST.to_owned(), serde_json::to_vec_pretty(&manifest)?);
    Ok(files)
}

/// What `assets.json` says.
#[derive(Serialize)]
struct Manifest {
    /// Of this file's own form.
    version: u8,
    /// What is given for every navigation.
    start: String,
    /// Paths that the service worker leaves to the relay, with all below them.
    network: [&'static str; 2],
    /// Every file, by path.
    assets: BTreeMap<String, Asset>,
}

#[derive(Serialize)]
struct Asset {
    /// Lowercase hex, as `sha256sum` prints it.
    sha256: String,
    bytes: usize,
}

impl Manifest {
    fn of(files: &Files) -> Self {
        let assets = files.iter().map(|(name, bytes)| {
            let asset = Asset {
                sha256: sha256(bytes),
                bytes: bytes.len(),
            };
            (format!("/{name}"), asset)
        });
        Self {
            version: 1,
            start: format!("/{START}"),
            network: NETWORK,
            assets: assets.collect(),
        }
    }
}

/// Keeps what the fixed files refer to, and what that refers to.
fn without_leftovers(mut files: Files) -> Result<Files> {
    for name in FIXED {
        ensure!(files.contains_key(name), "{name} is missing");
    }
    let mut reached: BTreeSet<String> = FIXED.map(str::to_owned).into();
    let mut next: Vec<String> = FIXED.map(str::to_owned).into();
    while let Some(name) = next.pop() {
        for found in references(&files, &name) {
            if reached.insert(found.clone()) {
                next.push(found);
            }
        }
    }
    // The app's code may show any icon.
    files.retain(|name, _| reached.contains(name) || name.starts_with("icons/"));
    Ok(files)
}

/// The files that `name` refers to.
fn references(files: &Files, name: &str) -> Vec<String> {
    let Some(text) = text(files, name) else {
        return Vec::new();
    };
    let others = files.keys().filter(|other| *other != name);
    others
        .filter(|other| !places(&text, other).is_empty())
        .cloned()
        .collect()
}

/// Where `text` holds `name` as a whole reference: after a quote or slash (or both), before a quote.
fn places(text: &str, name: &str) -> Vec<usize> {
    let ends = |byte: Option<u8>| matches!(byte, Some(b'"' | b'\'' | b'`' | b')'));
    let starts = |byte: Option<u8>| ends(byte) || matches!(byte, Some(b'/' | b'('));
    let bytes = text.as_bytes();
    text.match_indices(name)
        .map(|(at, _)| at)
        .filter(|at| starts(at.checked_sub(1).and_then(|at| bytes.get(at)).copied()))
        .filter(|at| ends(bytes.get(at + name.len()).copied()))
        .collect()
}

fn text(files: &Files, name: &str) -> Option<String> {
    let bytes = files
        .get(name)
        .filter(|_| TEXT.contains(&extension(name)))?;
    String::from_utf8(bytes.clone()).ok()
}

fn take_text(files: &mut Files, name: &str) -> Result<String> {
    let bytes = files
        .remove(name)
        .with_context(|| format!("{name} is missing"))?;
    String::from_utf8(bytes).with_context(|| format!("{name} is not UTF-8"))
}

/// Gives every file its final name and references, those that refer to nothing first.
fn renamed(mut files: Files) -> Result<Files> {
    let mut waiting: BTreeMap<String, Vec<String>> = files
        .keys()
        .map(|name| (name.clone(), references(&files, name)))
        .collect();
    let mut done = Files::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    while !waiting.is_empty() {
        let free = waiting
            .iter()
            .find(|(_, needs)| needs.iter().all(|name| names.contains_key(name)));
        let Some((name, needs)) = free.map(|(name, needs)| (name.clone(), needs.clone())) else {
            let names: Vec<_> = waiting.into_keys().collect();
            bail!(
                "these files refer to one another in a circle: {}",
                names.join(", ")
            );
        };
        waiting.remove(&name);
        let mut bytes = files
            .remove(&name)
            .with_context(|| format!("{name} is missing"))?;
        if !needs.is_empty() {
            let mut text = String::from_utf8(bytes)?;
            for old in needs {
                let new = names.get(&old).context("a reference without a name")?;
                let content = done.get(new).context("a name without a file")?;
                text = text.replace(&format!("integrity:/{old}"), &integrity(content));
                text = replaced(&text, &old, new);
            }
            bytes = text.into_bytes();
        }
        let new = if HASHED.contains(&extension(&name)) && !FIXED.contains(&name.as_str()) {
            hashed_name(&name, &bytes)
        } else {
            name.clone()
        };
        names.insert(name, new.clone());
        done.insert(new, bytes);
    }
    Ok(done)
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = 0;
    for at in places(text, old) {
        result.push_str(text.get(rest..at).unwrap_or_default());
        result.push_str(new);
        rest = at + old.len();
    }
    result.push_str(text.get(rest..).unwrap_or_default());
    result
}

fn hashed_name(name: &str, bytes: &[u8]) -> String {
    let extension = extension(name);
    let stem = name
        .strip_suffix(extension)
        .unwrap_or(name)
        .trim_end_matches('.');
    let hash = sha256(bytes);
    format!("{stem}-{}.{extension}", hash.get(..16).unwrap_or(&hash))
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", BASE64.encode(&Sha384::digest(bytes)))
}

/// Adds `integrity` to every script and style of the page that has none.
fn with_integrity(page: &str, files: &Files) -> Result<String> {
    let mut result = String::with_capacity(page.len() + 512);
    let mut rest = 0;
    for tag in tags(page) {
        let loads = match tag.name {
            "script" => tag.attribute("src"),
            "link" if matches!(tag.attribute("rel"), Some("stylesheet" | "modulepreload")) => {
                tag.attribute("href")
            }
            _ => None,
        };
        let Some(path) = loads.filter(|_| tag.attribute("integrity").is_none()) else {
            continue;
        };
        let name = path.strip_prefix('/').unwrap_or(path);
        let bytes = files
            .get(name)
            .with_context(|| format!("the page loads {path}, which is missing"))?;
        let at = tag.start + 1 + tag.name.len();
        result.push_str(page.get(rest..at).unwrap_or_default());
        result.push_str(&format!(" integrity=\"{}\"", integrity(bytes)));
        rest = at;
    }
    result.push_str(page.get(rest..).unwrap_or_default());
    Ok(result)
}

/// Refuses what the Content Security Policy would, and what would be loaded unchecked.
fn check_page(page: &str) -> Result<()> {
    ensure!(
        !page.contains("integrity:/"),
        "the page names the hash of a file that does not exist"
    );
    for tag in tags(page) {
        let shown = tag.text;
        ensure!(tag.name != "style", "the page holds an inline style");
        for (key, value) in &tag.attributes {
            ensure!(*key != "style", "inline style: {shown}");
            ensure!(!key.starts_with("on"), "inline handler: {shown}");
            if matches!(*key, "src" | "href") {
                let own = value.starts_with('/') && !value.starts_with("//");
                ensure!(own, "loaded from elsewhere: {shown}");
            }
        }
        let checked = tag
            .attribute("integrity")
            .is_some_and(|hash| hash.starts_with("sha384-"));
        if tag.name == "script" {
            let end = page.get(tag.start + tag.text.len()..).unwrap_or_default();
            ensure!(end.starts_with("</script>"), "inline script after {shown}");
            ensure!(
                tag.attribute("src").is_some() && checked,
                "unchecked script: {shown}"
            );
        }
        if matches!(tag.attribute("rel"), Some("stylesheet" | "modulepreload")) {
            ensure!(checked, "unchecked: {shown}");
        }
    }
    Ok(())
}

/// Refuses styles that load from elsewhere.
fn check_style(name: &str, style: &str) -> Result<()> {
    for word in [
        "@import", "http:", "https:", "url(//", "url(\"//", "url('//",
    ] {
        ensure!(!style.contains(word), "{name} holds {word}");
    }
    Ok(())
}

/// An opening tag of our own page: plain HTML, attribute values in double quotes or without any.
struct Tag<'a> {
    start: usize,
    /// From `<` to `>`.
    text: &'a str,
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }
}

fn tags(page: &str) -> Vec<Tag<'_>> {
    let starts = page.match_indices('<').map(|(at, _)| at);
    starts
        .filter_map(|start| {
            let text = page.get(start..)?;
            let text = text.get(..=text.find('>')?)?;
            let inside = text
                .trim_start_matches('<')
                .trim_end_matches('>')
                .trim_end_matches('/');
            let name = inside.split_whitespace().next()?;
            if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
                return None;
            }
            Some(Tag {
                start,
                text,
                name,
                attributes: attributes(inside.get(name.len()..)?),
            })
        })
        .collect()
}

fn attributes(mut text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        let end = text.find(|letter: char| letter == '=' || letter.is_whitespace());
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        if name.is_empty() {
            return found;
        }
        let (value, rest) = match rest.strip_prefix('=') {
            None => ("", rest),
            Some(rest) => match rest.strip_prefix('"') {
                Some(rest) => rest.split_once('"').unwrap_or((rest, "")),
                None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
            },
        };
        found.push((name, value));
        text = rest;
    }
}

fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry
                .file_name()
                .into_string()
                .ok()
                .context("a file name that is not UTF-8")?;
            let name = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else {
                files.insert(name, fs::read(entry.path())?);
            }
        }
    }
    Ok(files)
}

/// Replaces everything in `folder` by `files` and their compressed forms; prints the sizes.
fn write(folder: &Path, files: &Files) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    let mut at_start = 0;
    println!("{:>10} {:>10}  file", "bytes", "brotli");
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("a file without a folder")?)?;
        fs::write(&path, bytes)?;
        let small = compressed(bytes)?;
        if small.len() < bytes.len() {
            fs::write(folder.join(format!("{name}.br")), &small)?;
        }
        let sent = small.len().min(bytes.len());
        println!("{:>10} {sent:>10}  {name}", bytes.len());
        if is_loaded_at_start(name) {
            at_start += sent;
        }
    }
    println!("{:>10} {at_start:>10}  loaded at start", "");
    check_size(at_start)
}

/// Whether the app is not ready before this file is loaded.
fn is_loaded_at_start(name: &str) -> bool {
    matches!(extension(name), "css" | "html" | "js" | "wasm") && name != "sw.js"
}

/// Refuses an app that has grown.
fn check_size(at_start: usize) -> Result<()> {
    ensure!(
        at_start <= MAX_AT_START,
        "the app has grown: {at_start} bytes are loaded at start, and MAX_AT_START in {} allows {MAX_AT_START}",
        file!()
    );
    Ok(())
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut small = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut small, 4096, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(
        "<!doctype html><html><head><link rel=\"modulepreload\" href=\"/app.js\">",
        "<link rel=\"stylesheet\" href=\"/look.css\"/></head><body>",
        "<script id=\"boot\" src=\"/boot.js\" data-wasm=\"/app_bg.wasm\" ",
        "data-wasm-integrity=\"integrity:/app_bg.wasm\"></script></body></html>",
    );

    fn files() -> Files {
        let all: [(&str, &[u8]); 8] = [
            ("index.html", PAGE.as_bytes()),
            ("sw.js", b"// loader"),
            ("robots.txt", b"User-agent: *"),
            ("boot.js", b"start()"),
            ("app.js", b"new URL('app_bg.wasm', import.meta.url)"),
            ("app_bg.wasm", b"\0asm"),
            ("look.css", b"body{margin:0}"),
            ("left-over.js", b"old"),
        ];
        all.into_iter()
            .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
            .collect()
    }

    fn with(name: &str, text: &str) -> Files {
        let mut files = files();
        files.insert(name.to_owned(), text.as_bytes().to_vec());
        files
    }

    #[test]
    fn names_carry_the_hash_of_everything_they_load() -> Result<()> {
        let first = publish(files())?;
        let names: Vec<_> = first
            .keys()
            .map(|name| name.split('-').next().unwrap_or(""))
            .collect();
        assert_eq!(
            names,
            [
                "app",
                "app_bg",
                "assets.json",
                "boot",
                "index.html",
                "look",
                "robots.txt",
                "sw.js"
            ]
        );
        let second = publish(with("app_bg.wasm", "\0asm changed"))?;
        let glue = |files: &Files| files.keys().find(|name| name.starts_with("app-")).cloned();
        assert_ne!(
            glue(&first),
            glue(&second),
            "the glue names the code, so its name changes too"
        );
        Ok(())
    }

    #[test]
    fn page_holds_the_hash_of_all_it_loads() -> Result<()> {
        let files = publish(files())?;
        let page = String::from_utf8(files["index.html"].clone())?;
        assert_eq!(page.matches("integrity=\"sha384-").count(), 4, "{page}");
        assert!(!page.contains("integrity:"), "{page}");
        for (name, bytes) in &files {
            if HASHED.contains(&extension(name)) && name != "sw.js" {
                assert!(
                    page.contains(name) && page.contains(&integrity(bytes)),
                    "{name} in {page}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn manifest_lists_every_other_file() -> Result<()> {
        let files = publish(files())?;
        let manifest: serde_json::Value = serde_json::from_slice(&files[MANIFEST])?;
        let assets = manifest["assets"].as_object().context("no assets")?;
        assert_eq!(assets.len(), files.len() - 1);
        for (path, asset) in assets {
            let bytes = &files[path.trim_start_matches('/')];
            assert_eq!(asset["sha256"], sha256(bytes));
        }
        Ok(())
    }

    #[test]
    fn same_files_give_the_same_release() -> Result<()> {
        assert_eq!(publish(files())?, publish(files())?);
        Ok(())
    }

    #[test]
    fn anything_inline_or_from_elsewhere_is_refused() {
        let bad = [
            "<script>go()</script>",
            "<style>p{}</style>",
            "<p style=\"color:red\">",
            "<p onclick=\"go()\">",
            "<img src=\"https://elsewhere.example/x.png\">",
            "<img src=\"//elsewhere.example/x.png\">",
            "<script src=\"/boot.js\">go()</script>",
        ];
        for inline in bad {
            let page = PAGE.replace("<body>", &format!("<body>{inline}"));
            assert!(publish(with("index.html", &page)).is_err(), "{inline}");
        }
        assert!(publish(with("look.css", "@import \"/x.css\";")).is_err());
    }

    #[test]
    fn app_that_has_grown_is_refused() {
        assert!(check_size(MAX_AT_START).is_ok());
        let error = check_size(MAX_AT_START + 1)
            .err()
            .map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("MAX_AT_START")));
        let at_start = ["index.html", "boot.js", "app_bg.wasm", "look.css"];
        assert!(at_start.into_iter().all(is_loaded_at_start));
        let later = [
            "sw.js",
            "assets.json",
            "icons/star.svg",
            "komrade.webmanifest",
        ];
        assert!(!later.into_iter().any(is_loaded_at_start));
    }

    #[test]
    fn circle_of_references_is_refused() {
        let mut files = with("boot.js", "import('/app.js')");
        files.insert("app.js".to_owned(), b"import('/boot.js')".to_vec());
        assert!(publish(files).is_err());
    }
}
