//! Rebuilds the release binary when the app in `dist/` changes, because it is embedded.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // A debug build reads `dist/` when it is asked for a file, so nothing has to be built again.
    if release && Path::new("../dist").exists() {
        println!("cargo:rerun-if-changed=../dist");
    }
}
