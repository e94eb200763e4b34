//! The relay cannot read, because it does not link the code that could.

use std::process::Command;

#[test]
fn the_relay_links_nothing_that_could_read() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--package",
            "komrade-relay",
            "--edges",
            "normal,build",
        ])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let linked = |name: &str| {
        tree.lines()
            .any(|line| line.split(' ').next() == Some(name))
    };
    assert!(
        linked("komrade-wire") && linked("komrade-i2p"),
        "the test reads the tree wrongly"
    );
    for forbidden in [
        "komrade-crypto",
        "komrade-social",
        "komrade-peer",
        "vodozemac",
        "hpke",
    ] {
        assert!(!linked(forbidden), "the relay links {forbidden}");
    }
}
