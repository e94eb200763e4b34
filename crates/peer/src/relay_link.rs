//! What a person may give as a relay: its address, its join link, or an invite that admits to it.

use komrade_crypto::invite::{self, Invite, JoinSecret, MAX_ORIGIN_BYTES};

/// A relay as a person names it.
pub(crate) struct RelayLink {
    /// `https://host[:port]`, or `http://…` where that is no risk.
    pub(crate) origin: String,
    /// Its join secret, if the link has one.
    pub(crate) join_secret: Option<JoinSecret>,
}

/// Reads an address or a link; `None` if it is neither.
pub(crate) fn parse(text: &str) -> Option<RelayLink> {
    let text = text.trim();
    if let Ok((origin, secret)) = invite::parse_join_link(text) {
        return Some(RelayLink {
            origin: checked(&origin)?,
            join_secret: Some(secret),
        });
    }
    if let Ok((Some(origin), invite)) = Invite::from_text(text) {
        return Some(RelayLink {
            origin: checked(&origin)?,
            join_secret: Some(invite.join?),
        });
    }
    if text.contains('#') {
        return None;
    }
    Some(RelayLink {
        origin: checked(text)?,
        join_secret: None,
    })
}

/// The origin of an address; anything behind the host is dropped.
///
/// Without encryption only this machine and addresses of I2P itself are taken: elsewhere the join
/// secret would travel in clear.
pub(crate) fn checked(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?']).next()?.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(allowed) {
        return None;
    }
    let (name, port) = split_port(&host)?;
    if name.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return None;
    }
    let origin = match scheme.to_ascii_lowercase().as_str() {
        "https" => format!("https://{host}"),
        "http" if is_local(name) => format!("http://{host}"),
        _ => return None,
    };
    // A longer one would fit no link, and so no invite either.
    (origin.len() <= MAX_ORIGIN_BYTES).then_some(origin)
}

fn split_port(host: &str) -> Option<(&str, Option<&str>)> {
    if let Some(end) = host.find(']') {
        let (name, rest) = host.split_at(end + 1);
        return match rest.strip_prefix(':') {
            None if rest.is_empty() => Some((name, None)),
            None => None,
            port => Some((name, port)),
        };
    }
    match host.split_once(':') {
        Some((name, port)) => Some((name, Some(port))),
        None => Some((host, None)),
    }
}

fn is_local(name: &str) -> bool {
    let loopback = name.strip_prefix("127.").is_some_and(|rest| {
        rest.split('.').count() == 3 && rest.split('.').all(|part| part.parse::<u8>().is_ok())
    });
    loopback || matches!(name, "localhost" | "[::1]") || name.ends_with(".i2p")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_are_reduced_to_their_origin() {
        for (text, expected) in [
            ("https://Relay.Example/", "https://relay.example"),
            (
                "https://relay.example:8443/app?x=1",
                "https://relay.example:8443",
            ),
            ("  http://127.0.0.1:4040 ", "http://127.0.0.1:4040"),
            ("http://[::1]:4040/", "http://[::1]:4040"),
            ("http://localhost:80", "http://localhost:80"),
            ("http://abc.b32.i2p/", "http://abc.b32.i2p"),
        ] {
            let link = parse(text).unwrap();
            assert_eq!(link.origin, expected);
            assert!(link.join_secret.is_none());
        }
    }

    #[test]
    fn what_is_no_relay_is_refused() {
        for text in [
            "",
            "relay.example",
            "ftp://relay.example",
            "https://",
            "https://:80",
            "https://relay example",
            "https://relay.example:99999",
            "https://user@relay.example",
            "http://relay.example",
            "http://127.evil.example.org",
            "https://relay.example/#join",
            "https://relay.example/#j/short",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        let longest = format!("https://{}.example", "a".repeat(44));
        assert_eq!(longest.len(), MAX_ORIGIN_BYTES);
        assert_eq!(checked(&longest), Some(longest.clone()));
        assert_eq!(checked(&longest.replace("//", "//a")), None);
    }

    #[test]
    fn a_join_link_carries_the_secret() {
        let secret = JoinSecret::from_bytes([7; 16]);
        let link = invite::join_link("https://r.example", &secret).unwrap();
        let parsed = parse(&link).unwrap();
        assert_eq!(
            (parsed.origin.as_str(), parsed.join_secret),
            ("https://r.example", Some(secret))
        );
        let link = invite::join_link("http://r.example", &JoinSecret::from_bytes([7; 16])).unwrap();
        assert!(parse(&link).is_none());
    }
}
