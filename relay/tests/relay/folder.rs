//! What somebody finds who takes the data folder: ciphertext, and nobody.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use komrade_ether::{Class, Frame, Home, NodeKey, Outcome, Pass, Size};

use crate::client::TestRelay;
use crate::member::{envelope, forward, small};

/// Members' accounts: repeated so often, such a byte comes from nowhere else.
const ACCOUNTS: [u8; 2] = [0xa7, 0xb9];
/// The longest text that chance makes of some megabytes of ciphertext: a printable byte comes every third time.
const CHANCE: usize = 32;

/// How redb calls tables and types of its own; they stand one after another.
const REDB_NAMES: [&str; 6] = [
    "redb::TransactionIdWithPagination",
    "allocator_state",
    "data_pages_allocated",
    "data_pages_unreachable",
    "system_pages_unreachable",
    "next_savepoint_id",
];
/// What nobody must be able to read.
const SENTENCE: &[u8] = b"We meet at seven, at the old print shop.";

/// What must not be found, in every form in which somebody might have written it.
fn forbidden() -> Vec<Vec<u8>> {
    let mut forbidden = vec![b"127.0.0.1".to_vec(), b"localhost".to_vec()];
    for account in ACCOUNTS.map(|account| [account; 32]) {
        forbidden.push(account.to_vec());
        forbidden.push(HEXLOWER.encode(&account).into_bytes());
        forbidden.push(BASE64.encode(&account).into_bytes());
        forbidden.push(BASE64URL_NOPAD.encode(&account).into_bytes());
    }
    forbidden
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    bytes: usize,
    forbidden: usize,
    /// Files with a text in them that chance does not make.
    readable: BTreeSet<String>,
}

fn search(folder: &Path, found: &mut Found) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, found);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        found.bytes += bytes.len();
        let hits = |needle: &Vec<u8>| bytes.windows(needle.len()).any(|part| part == needle);
        found.forbidden += forbidden().iter().filter(|needle| hits(needle)).count();
        let runs = bytes.split(|byte| !(b' '..=b'~').contains(byte));
        if runs.into_iter().any(is_text) {
            let name = path.file_name().unwrap().to_string_lossy();
            found.readable.insert(name.into_owned());
        }
    }
}

/// Longer than chance makes it, not one byte over and over, as a map of free pages may be, and none of redb's own names.
fn is_text(run: &[u8]) -> bool {
    let text = String::from_utf8_lossy(run).into_owned();
    let rest = REDB_NAMES
        .iter()
        .fold(text, |text, name| text.replace(name, ""));
    let different: BTreeSet<_> = rest.bytes().collect();
    rest.len() >= CHANCE && different.len() > 8
}

fn look_into(folder: &Path) -> Found {
    let mut found = Found::default();
    search(folder, &mut found);
    found
}

#[tokio::test]
async fn the_data_folder_names_nobody_and_holds_nothing_readable() {
    let relay = TestRelay::start(|_| {}).await;
    let (mut ana, bo) = (relay.join(ACCOUNTS[0]).await, relay.join(ACCOUNTS[1]).await);
    let node = ana.introduced().await;
    let (mut from_ana, mut from_bo) = (ana.link(&node).await, bo.link(&node).await);
    from_bo.subscribe(0, 0).await;
    for link in [&mut from_ana, &mut from_bo] {
        for size in Size::ALL {
            let put = envelope(Class::ordinary(size));
            assert_eq!(link.deposit(Pass::default(), &put).await, Outcome::Accepted);
        }
        let (left, placed) = (small(), small());
        let elsewhere = Home {
            address: [3; 32],
            node: NodeKey([4; 32]),
        };
        let frame = forward(elsewhere, Pass::default(), &left);
        assert_eq!(link.ask(frame, left.id()).await, Outcome::Accepted);
        let (locator, id) = (placed.id().0[..16].try_into().unwrap(), placed.id());
        let envelope = placed;
        let place = Frame::Place { locator, envelope };
        assert_eq!(link.ask(place, id).await, Outcome::Accepted);
    }
    drop((from_ana, from_bo, ana, bo));
    relay.running.stop().await;
    let folder = relay.folder.path();

    // What is planted is found: every form of it, and that it is readable.
    let canary = folder.join("canary");
    fs::write(&canary, [forbidden().concat(), SENTENCE.to_vec()].concat()).unwrap();
    let found = look_into(folder);
    assert_eq!(found.forbidden, forbidden().len());
    assert!(found.readable.contains("canary"), "{found:?}");
    fs::remove_file(canary).unwrap();

    let found = look_into(folder);
    let held: usize = Size::ALL.iter().map(|size| 2 * size.bytes()).sum();
    assert!(found.bytes > held, "{found:?}");
    assert_eq!(found.forbidden, 0);
    // Keys that are written as text; their owner alone reads them.
    let keys = ["node-destination", "node-key"].map(str::to_owned);
    assert_eq!(found.readable, keys.into());
}
