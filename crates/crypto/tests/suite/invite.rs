//! Invites and join links.

use komrade_crypto::invite::{
    Home, Invite, InviteError, InviteSecret, JoinSecret, MAX_LINK_BYTES, MAX_ORIGIN_BYTES,
    join_link, parse_join_link,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ORIGIN: &str = "https://relay.example:8443";

fn invite(join: bool) -> Invite {
    Invite {
        secret: InviteSecret::from_bytes([1; 16]),
        bundle_hash: [2; 32],
        home: Home::Peer([3; 32]),
        last_day: 20_700,
        join: join.then(|| JoinSecret::from_bytes([4; 16])),
        for_collective: false,
    }
}

/// The same, but its bundle is fetched at a relay's node.
fn to_node(join: bool) -> Invite {
    let mut invite = invite(join);
    invite.bundle_hash[16..].fill(0);
    invite.home = Home::Node {
        address: [3; 32],
        key: [5; 32],
    };
    invite
}

fn all() -> [Invite; 6] {
    let for_collective = |join| Invite {
        for_collective: true,
        ..to_node(join)
    };
    [
        invite(false),
        invite(true),
        to_node(false),
        to_node(true),
        for_collective(false),
        for_collective(true),
    ]
}

#[test]
fn an_invite_survives_its_link_with_and_without_origin_and_line_breaks() {
    for invite in all() {
        let link = invite.to_link(ORIGIN).unwrap();
        let (origin, read) = Invite::from_text(&link).unwrap();
        assert_eq!((origin.as_deref(), &read), (Some(ORIGIN), &invite));
        let bare = link.split_once("#i/").unwrap().1;
        assert_eq!(Invite::from_text(bare), Ok((None, invite.clone())));
        assert_eq!(
            Invite::from_text(&format!("#i/{bare}")),
            Ok((None, invite.clone()))
        );
        let wrapped = format!("  {}\n {}\n", &link[..70], &link[70..]);
        assert_eq!(
            Invite::from_text(&wrapped),
            Ok((Some(ORIGIN.to_owned()), invite.clone()))
        );
        let with_path = link.replace("/#i/", "/index.html#i/");
        assert_eq!(
            Invite::from_text(&with_path),
            Ok((Some(ORIGIN.to_owned()), invite))
        );
    }
}

#[test]
fn the_longest_link_fits_a_qr_code() {
    let origin = format!("https://{}", "a".repeat(MAX_ORIGIN_BYTES - 8));
    assert_eq!(
        to_node(true).to_link(&origin).unwrap().len(),
        MAX_LINK_BYTES
    );
    assert_eq!(to_node(true).to_link(&origin[..38]).unwrap().len(), 200);
    let longer = format!("{origin}a");
    assert_eq!(
        invite(true).to_link(&longer),
        Err(InviteError::OriginTooLong)
    );
}

#[test]
fn whatever_is_cut_off_the_end_is_called_truncated() {
    for invite in all() {
        let link = invite.to_link(ORIGIN).unwrap();
        let start = link.find("#i/").unwrap() + 3;
        for end in start + 4..link.len() {
            let cut = Invite::from_text(&link[..end]);
            assert_eq!(cut, Err(InviteError::Truncated), "{end} of {}", link.len());
        }
    }
}

#[test]
fn a_bundle_is_known_by_as_much_of_its_hash_as_travels() {
    let whole = [2; 32];
    for invite in all() {
        assert!(invite.is_bundle(&whole));
        for position in 0..16 {
            let mut other = whole;
            other[position] ^= 1;
            assert!(!invite.is_bundle(&other));
        }
    }
    let mut other = whole;
    other[31] ^= 1;
    assert!(!invite(true).is_bundle(&other));
    assert!(to_node(true).is_bundle(&other));
}

#[test]
fn a_newer_invite_says_so() {
    let mut version = invite(true).encode();
    version[0] = 3;
    assert_eq!(Invite::decode(&version), Err(InviteError::NewerVersion));
    let mut flags = invite(true).encode();
    flags[1] = 5;
    assert_eq!(Invite::decode(&flags), Err(InviteError::NewerVersion));
}

#[test]
fn a_wrong_character_is_noticed() {
    let link = invite(true).to_link(ORIGIN).unwrap();
    let start = link.find("#i/").unwrap() + 3;
    // Behind version and flags, which have errors of their own.
    for place in start + 3..link.len() {
        let mut wrong = link.to_string();
        let other = if &wrong[place..=place] == "A" {
            "B"
        } else {
            "A"
        };
        wrong.replace_range(place..=place, other);
        assert!(Invite::from_text(&wrong).is_err(), "{place}");
    }
}

#[test]
fn other_texts_are_no_invites() {
    let join = join_link(ORIGIN, &JoinSecret::from_bytes([4; 16])).unwrap();
    for text in [
        "",
        "#i/",
        "hello",
        "hello there, comrade!",
        "https://relay.example/",
        "ftp://relay.example/#i/AQ",
        "javascript:alert(1)//#i/AQ",
        "https:///#i/AQAB",
        &join,
        &"A".repeat(5_000),
    ] {
        assert!(Invite::from_text(text).is_err(), "{text}");
    }
    assert_eq!(Invite::from_text(&join), Err(InviteError::NotAnInvite));
    let extra = [invite(true).encode().as_slice(), &[0]].concat();
    assert_eq!(Invite::decode(&extra), Err(InviteError::NotAnInvite));
}

#[test]
fn a_join_link_survives_its_text() {
    let secret = JoinSecret::from_bytes([4; 16]);
    let link = join_link(ORIGIN, &secret).unwrap();
    assert_eq!(parse_join_link(&link), Ok((ORIGIN.to_owned(), secret)));
    assert_eq!(
        parse_join_link(&link[..link.len() - 2]),
        Err(InviteError::Truncated)
    );
    assert_eq!(parse_join_link(ORIGIN), Err(InviteError::NotAnInvite));
    let bare = link.split_once("#j/").unwrap().1;
    assert_eq!(parse_join_link(bare), Err(InviteError::NotAnInvite));
}

#[test]
fn every_key_of_an_invite_is_another() {
    let (one, other) = (
        InviteSecret::from_bytes([1; 16]),
        InviteSecret::from_bytes([2; 16]),
    );
    assert_ne!(one.bundle_key(), other.bundle_key());
    assert_ne!(one.locator(), other.locator());
    let psk = |secret: &InviteSecret| secret.link().psk(&[3; 32]);
    assert_ne!(psk(&one), psk(&other));
    assert_ne!(psk(&one).as_slice(), one.bundle_key().expose());
    assert_ne!(one.locator(), one.bundle_key().expose()[..16]);
}
