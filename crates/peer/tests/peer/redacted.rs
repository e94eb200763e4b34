//! What holds texts, names, keys or ids of people never derives `Debug`: a look at the sources of the crates in which such
//! things are handled, so that the next one is found, too.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Fields in which such things stand.
const PRIVATE: [&str; 8] = [
    "String",
    "&str",
    "'a str",
    "Vec<u8>",
    "[u8;",
    "ByteArray",
    "ByteBuf",
    "Zeroizing",
];
/// Numbers of roles.
const HARMLESS: [&str; 1] = ["pub roles: Vec<u8>,"];

/// The types of a source that derive `Debug` and hold something private.
fn printing(source: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().collect();
    let derives = |it: &str| it.starts_with("#[derive(") && it.contains("Debug");
    let at = (0..lines.len()).filter(|at| derives(lines[*at]));
    let found = at.filter_map(|at| {
        let rest = lines[at + 1..].iter().skip_while(|it| it.starts_with("#["));
        let name = rest.clone().next()?;
        let is_whole = name.ends_with(';') || name.ends_with('}');
        let end = rest.clone().position(|it| is_whole || *it == "}")?;
        let mut fields = rest.take(end + 1).filter(|it| {
            let it = it.trim();
            !it.starts_with("//") && !HARMLESS.contains(&it)
        });
        let holds = fields.any(|it| PRIVATE.iter().any(|private| it.contains(private)));
        holds.then(|| (*name).to_owned())
    });
    found.collect()
}

fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if ["tests", "fuzz", "suite"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|it| it == "rs") {
            all.push(path);
        }
    }
}

#[test]
fn nothing_that_holds_private_things_derives_debug() {
    // What is looked for would be found.
    let canary = "#[derive(Clone, Debug)]\n#[serde(default)]\npub struct Note {\n    /// What.\n    text: String,\n}\n";
    assert_eq!(printing(canary), ["pub struct Note {"]);
    let canary = "#[derive(Debug)]\npub struct Key([u8; 32]);\n#[derive(Debug)]\nenum Kind {\n    One(Vec<u8>),\n}\n";
    assert_eq!(
        printing(canary),
        ["pub struct Key([u8; 32]);", "enum Kind {"]
    );
    let harmless = "#[derive(Clone)]\nstruct Note {\n    text: String,\n}\n#[derive(Debug)]\nstruct Count(u64);\n";
    assert!(printing(harmless).is_empty());
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = Vec::new();
    for name in ["view", "peer", "social"] {
        sources(&crates.join(name).join("src"), &mut all);
    }
    assert!(all.len() > 50, "{} files", all.len());
    for path in all {
        let found = printing(&fs::read_to_string(&path).unwrap());
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}
