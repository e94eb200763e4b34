//! The private network as a program.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use komrade_i2p::net::{Mode, Router};

use crate::common::{is_ready, program, stage};

#[tokio::test]
async fn the_program_says_where_it_is_builds_tunnels_through_four_routers_and_ends_with_its_input()
{
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(program())
        .args([
            "--routers",
            "4",
            "--until-stdin-closes",
            "--net-id",
            "77",
            "--dir",
        ])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["routers"], 4);
    assert_eq!(line["dir"], folder.path().to_str().unwrap());

    let host_port = line["sam"].as_str().unwrap().to_owned();
    let router = Router::start(Mode::Sam { host_port }, folder.path()).unwrap();
    stage(&router, is_ready).await;

    drop(child.stdin.take());
    let ended = tokio::task::spawn_blocking(move || child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(ended.success());
}
