//! Group keys beside MLS: runs the workspace `bench/`, natively and in a browser, and lays the figures side by side.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    process::{Stage, cargo, output},
    test,
};

/// Members that remain, as the programs measure.
const SIZES: [u32; 3] = [10, 100, 500];
const OURS: &str = "komrade";
/// Whose figures there are, by what they are called in the lines; the first is what the others are compared with.
const SCHEMES: [(&str, &str); 4] = [
    (OURS, "Komrade (X-Wing)"),
    ("mls-x25519", "openmls, X25519"),
    ("mls-xwing", "openmls, X-Wing"),
    ("mls-xwing-libcrux", "openmls, X-Wing by libcrux"),
];
const TIMES: [(&str, &str); 4] = [
    (
        "rekey",
        "rekey: one removes a member and changes the keys, ms",
    ),
    ("receive", "receive: another one follows, ms"),
    ("encrypt", "encrypt 1 KB, ms"),
    ("decrypt", "decrypt 1 KB, ms"),
];
/// Bytes: a heading, and of whom which figure.
type Bytes = (
    &'static str,
    &'static [(&'static str, &'static str, &'static str)],
);
const BYTES: [Bytes; 4] = [
    (
        "bytes sent for a rekey, once, to all members together",
        &[
            (OURS, "sent", "Komrade, all at one home, padded"),
            (
                OURS,
                "sent-homes-of-ten",
                "Komrade, ten at each home, padded",
            ),
            (
                OURS,
                "sent-homes-of-one",
                "Komrade, each at an own home, padded",
            ),
            (
                OURS,
                "sent-homes-of-one-headless",
                "the same, were heads left out of the Seed",
            ),
            (
                OURS,
                "sent-unpadded",
                "Komrade, all at one home, before padding",
            ),
            ("mls-x25519", "sent", "openmls, X25519, not padded"),
            ("mls-xwing", "sent", "openmls, X-Wing, not padded"),
        ],
    ),
    (
        "bytes fetched for it by all members together",
        &[
            (
                OURS,
                "fetched",
                "Komrade, all at one home: each fetches all",
            ),
            (
                OURS,
                "fetched-homes-of-a-pack",
                "Komrade, as many at a home as a pack is for",
            ),
            (OURS, "fetched-homes-of-one", "Komrade, each at an own home"),
            (
                "mls-x25519",
                "fetched",
                "openmls, X25519: each fetches the commit",
            ),
            (
                "mls-xwing",
                "fetched",
                "openmls, X-Wing: each fetches the commit",
            ),
        ],
    ),
    (
        "bytes of a message of 1 KB",
        &[
            (OURS, "message", "Komrade, padded"),
            ("mls-x25519", "message", "openmls, X25519, not padded"),
            ("mls-xwing", "message", "openmls, X-Wing, not padded"),
        ],
    ),
    (
        "bytes that one member keeps",
        &[
            (OURS, "state", "Komrade, of this seed, and all leaf keys"),
            ("mls-x25519", "state", "openmls, X25519"),
            ("mls-xwing", "state", "openmls, X-Wing"),
        ],
    ),
];
/// The budget of a rekey where 500 members remain: ms in a browser, and bytes of padded envelopes.
const BUDGET: (u32, f64, f64) = (500, 500.0, 1_100_000.0);

/// What the figures do not say themselves.
const FAIRNESS: &str = "\
\"ours N times\": how many times as long Komrade takes. Both sides turn what they send and keep into bytes and back.
The tree of MLS is as full as can be, where commits are shortest. openmls seals on all cores natively; Komrade on one.
Komrade hides lengths by padding, MLS here does not. Its messages of 1 KB carry up to 16 acknowledgements besides.
Of what Komrade keeps, earlier seeds and the operations that say who belongs are not counted.
MLS needs one order of all commits, which somebody must keep; that is not measured.";

/// Median, least and most, by size, scheme and what.
type Figures = BTreeMap<(u32, String, String), [f64; 3]>;

/// Measures both and prints.
pub fn compare(root: &Path) -> Result<()> {
    let bench = root.join("bench");
    let stage = Stage::begin(
        "group keys, natively",
        "once some 5 minutes to build, then one",
    );
    let mut native = cargo(
        &bench,
        &["bench", "--locked", "--quiet", "--bench", "groups"],
    );
    let native = figures(&output(&mut native)?)?;
    stage.end();
    let stage = Stage::begin(
        "group keys, in a browser",
        "once some 5 minutes to build, then two",
    );
    let mut browser = test::in_the_browser(&bench, "komrade-bench-groups", "")?;
    browser
        .args([
            "--profile",
            "wasm",
            "--bench",
            "groups",
            "--",
            "--nocapture",
        ])
        // Growing trees of MLS to 500 members takes the longest.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "900");
    let browser = figures(&output(&mut browser)?)?;
    stage.end();
    // Whatever else runs slows both sides, and a budget is judged on a quiet machine.
    if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
        let load: Vec<&str> = load.split(' ').take(3).collect();
        let load = load.join(", ");
        println!("\nprocesses that ran or waited to, over the last 1, 5 and 15 minutes: {load}");
    }
    for size in SIZES {
        times(size, &native, &browser)?;
    }
    println!(
        "\n{:<52}{:>14}{:>14}{:>14}",
        "members that remain", SIZES[0], SIZES[1], SIZES[2]
    );
    for (heading, lines) in BYTES {
        println!("{heading}");
        for (scheme, what, label) in lines {
            print!("  {label:<50}");
            for size in SIZES {
                print!("{:>14}", grouped(get(&native, size, scheme, what)?[0]));
            }
            println!();
        }
    }
    budget(&browser)?;
    println!("\n{FAIRNESS}");
    Ok(())
}

/// The lines `groups: size scheme what median least most` of a run.
fn figures(said: &str) -> Result<Figures> {
    let mut figures = Figures::new();
    for (_, line) in said.lines().filter_map(|line| line.split_once("groups: ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [size, scheme, what, median, least, most] = words.as_slice() else {
            bail!("not a figure: {line}");
        };
        let key = (size.parse()?, (*scheme).to_owned(), (*what).to_owned());
        figures.insert(key, [median.parse()?, least.parse()?, most.parse()?]);
    }
    if figures.is_empty() {
        bail!("the run says nothing:\n{said}");
    }
    Ok(figures)
}

fn get(figures: &Figures, size: u32, scheme: &str, what: &str) -> Result<[f64; 3]> {
    let key = (size, scheme.to_owned(), what.to_owned());
    let figure = figures.get(&key).copied();
    figure.with_context(|| format!("nothing was said of {what} of {scheme} at {size}"))
}

fn times(size: u32, native: &Figures, browser: &Figures) -> Result<()> {
    println!(
        "\n{:<34}{:<44}in a browser",
        format!("{size} members remain"),
        "natively: median (least to most)"
    );
    for (what, heading) in TIMES {
        println!("{heading}");
        for (scheme, label) in SCHEMES {
            let natively = shown(native, size, scheme, what)?;
            let in_browser = shown(browser, size, scheme, what)?;
            println!("  {label:<32}{natively:<44}{in_browser}");
        }
    }
    Ok(())
}

/// A figure, and beside a peer's how many times as long ours takes.
fn shown(figures: &Figures, size: u32, scheme: &str, what: &str) -> Result<String> {
    let [median, least, most] = get(figures, size, scheme, what)?;
    let text = format!("{median:.3} ({least:.3} to {most:.3})");
    if scheme == OURS {
        return Ok(text);
    }
    let [ours, ..] = get(figures, size, OURS, what)?;
    Ok(format!("{text}, ours {:.2} times", ours / median))
}

/// With commas between thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn budget(browser: &Figures) -> Result<()> {
    let (size, millis, bytes) = BUDGET;
    let line = |what: &str, is: f64, limit: f64, unit: &str| {
        let verdict = if is <= limit { "met" } else { "NOT met" };
        println!(
            "  {verdict:<8}{what:<52}{:>12} of {} {unit}",
            grouped(is),
            grouped(limit)
        );
    };
    println!("\nbudget of a rekey where {size} members remain");
    let [median, least, most] = get(browser, size, OURS, "rekey")?;
    line("in a browser, median", median, millis, "ms");
    line("in a browser, quickest", least, millis, "ms");
    line("in a browser, slowest", most, millis, "ms");
    let homes = [
        ("sent", "padded envelopes in all, all at one home"),
        ("sent-homes-of-ten", "the same, ten at each home"),
        ("sent-homes-of-one", "the same, each at an own home"),
        (
            "sent-homes-of-one-headless",
            "the same, were heads left out of the Seed",
        ),
    ];
    for (what, label) in homes {
        line(label, get(browser, size, OURS, what)?[0], bytes, "bytes");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{figures, get, grouped};

    #[test]
    fn reads_the_lines_of_a_run_and_refuses_a_silent_one() {
        let said = "running 1 test\n  groups: 10 komrade rekey 1.5 1.0 2.0\nok";
        let figures = figures(said).unwrap();
        assert_eq!(
            get(&figures, 10, "komrade", "rekey").unwrap(),
            [1.5, 1.0, 2.0]
        );
        assert!(get(&figures, 10, "komrade", "receive").is_err());
        assert!(super::figures("nothing").is_err());
        assert!(super::figures("groups: 10 komrade rekey").is_err());
    }

    #[test]
    fn groups_digits_by_thousands() {
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(655_360.0), "655,360");
        assert_eq!(grouped(1_000.0), "1,000");
    }
}
