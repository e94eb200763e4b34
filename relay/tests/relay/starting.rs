//! Starting: the data folder, errors that help, and the binary's output.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use komrade_relay::start;

use crate::client::{TestRelay, config};

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let relay = TestRelay::start(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.listen = relay.address();
    let error = start(config).await.err().unwrap().to_string();
    assert!(
        error.contains("is in use") && error.contains("--listen"),
        "{error}"
    );
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("file");
    std::fs::write(&taken, "").unwrap();
    let mut config = config(&folder);
    config.data = Some(taken);
    let error = start(config).await.err().unwrap().to_string();
    assert!(
        error.contains("data folder") && error.contains("--data"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_or_cache_that_cannot_be_used_is_named_with_what_to_do() {
    for (file, says) in [
        ("node-key", "makes a new one"),
        ("node-destination", "makes a new one"),
        ("cache.redb", "members return what they hold"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::write(&path, vec![b'x'; 5000]).unwrap();
        let error = start(config(&folder)).await.err().unwrap().to_string();
        assert!(error.contains(file) && error.contains(says), "{error}");
        assert_eq!(
            std::fs::read(path).unwrap(),
            vec![b'x'; 5000],
            "overwritten"
        );
    }
}

#[tokio::test]
async fn the_health_page_names_nobody() {
    let relay = TestRelay::start(|_| {}).await;
    let _member = relay.join(1).await;
    let body = get(relay.address(), "/health").await;
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    let keys: Vec<_> = health
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "cache",
            "connected",
            "hosted",
            "router",
            "sessions",
            "version"
        ]
    );
    assert_eq!(health["cache"], "ready");
    assert_eq!(
        (&health["connected"], &health["hosted"]),
        (&1.into(), &[0, 40].into())
    );
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn the_binary_prints_one_line_for_machines_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut relay = Command::new(env!("CARGO_BIN_EXE_komrade-relay"))
        .args([
            "--print-json",
            "--listen",
            "127.0.0.1:0",
            "--router",
            "sam",
            "127.0.0.1:9",
        ])
        .args(["--data", data])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(relay.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(
        said["origin"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:"),
        "{line}"
    );

    let shown = Command::new(env!("CARGO_BIN_EXE_komrade-relay"))
        .args(["join-secret", "show", "--data", data])
        .output()
        .unwrap();
    assert_eq!(
        said["join"],
        String::from_utf8(shown.stdout).unwrap().trim()
    );

    // A folder that is mistyped is no relay's.
    let elsewhere = folder.path().join("elsewhere");
    let refused = Command::new(env!("CARGO_BIN_EXE_komrade-relay"))
        .args(["join-secret", "rotate", "--data"])
        .arg(&elsewhere)
        .output()
        .unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let refused = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.contains("--data FOLDER"), "{refused}");
    assert!(!elsewhere.exists());

    let told = Command::new("kill")
        .arg(relay.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    assert!(relay.wait().unwrap().success());
}

#[test]
fn a_mistake_in_the_config_file_ends_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nlisten_on = 3\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_komrade-relay"))
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("line 2") && error.contains("listen_on"),
        "{error}"
    );
}
