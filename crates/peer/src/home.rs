//! Homes: where envelopes for a device are put.
//!
//! One home is a CBOR map: 1 its kind; 2 an I2P address; of a node also 3 its key, 4 the bucket, 5
//! the put token. Kinds: 1 the device's own destination, for live links; 2 the node of a relay; 3
//! the lifeboat, a destination that is hosted only after every other home was lost. Kinds of a newer
//! version are skipped.

use std::fmt;

use komrade_ether::{Bucket, EnvelopeId, NodeKey, Token};
use serde::{Deserialize, Serialize};

use crate::{
    Address, NodeInfo,
    fields::{Reader, Unreadable, Writer},
    packet::VERSION,
};

/// Homes of one person.
pub(crate) const MAX_HOMES: usize = 8;

const PEER: u64 = 1;
const NODE: u64 = 2;
const LIFEBOAT: u64 = 3;

/// One home.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Home {
    /// The device's own destination.
    Peer(#[serde(with = "serde_bytes")] Address),
    /// The node of a relay.
    Node(NodeHome),
    /// The destination that only comrades know.
    Lifeboat(#[serde(with = "serde_bytes")] Address),
}

/// A home at the node of a relay.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeHome {
    #[serde(with = "serde_bytes")]
    pub(crate) address: Address,
    #[serde(with = "serde_bytes")]
    pub(crate) key: [u8; 32],
    pub(crate) bucket: u16,
    #[serde(with = "serde_bytes")]
    pub(crate) token: [u8; 16],
}

impl NodeHome {
    /// Where it is, as frames say it.
    pub(crate) fn place(&self) -> komrade_ether::Home {
        komrade_ether::Home {
            address: self.address,
            node: NodeKey(self.key),
        }
    }

    /// By this it is told from others where there is no need for more.
    pub(crate) fn tag(&self) -> u64 {
        tag_of(&self.address)
    }

    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::from_code(self.bucket)
    }

    /// The relay tells of something else now.
    pub(crate) fn is_other(&self, info: &NodeInfo) -> bool {
        let is_same_node = self.address == info.address && self.key == info.key;
        !is_same_node || self.token != info.token || self.bucket().bits() != info.bits
    }

    pub(crate) fn token(&self) -> Token {
        Token(self.token)
    }
}

impl Home {
    /// It is at the node of a relay.
    pub(crate) fn is_node(&self) -> bool {
        matches!(self, Self::Node(_))
    }

    /// As it stands in bundles and lists.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let writer = Writer::default();
        let writer = match self {
            Self::Peer(address) => writer.uint(1, PEER).bytes(2, address),
            Self::Lifeboat(address) => writer.uint(1, LIFEBOAT).bytes(2, address),
            Self::Node(home) => writer
                .uint(1, NODE)
                .bytes(2, &home.address)
                .bytes(3, &home.key)
                .uint(4, home.bucket.into())
                .bytes(5, &home.token),
        };
        writer.finish().to_vec()
    }

    /// Reads one; `None` for a kind of a newer version.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>, Unreadable> {
        let mut reader = Reader::parse(bytes)?;
        Ok(Some(match reader.uint(1)? {
            PEER => Self::Peer(reader.array(2)?),
            LIFEBOAT => Self::Lifeboat(reader.array(2)?),
            NODE => Self::Node(NodeHome {
                address: reader.array(2)?,
                key: reader.array(3)?,
                bucket: reader.uint(4)?.try_into().map_err(|_| Unreadable)?,
                token: reader.array(5)?,
            }),
            _ => return Ok(None),
        }))
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Home([redacted])")
    }
}

/// A list of homes, as the operation holds it: 1 the version; 2 the homes.
pub(crate) fn encode_homes(homes: &[Home]) -> Vec<u8> {
    let homes = homes.iter().take(MAX_HOMES).map(Home::encode);
    Writer::default()
        .uint(1, VERSION)
        .list(2, homes)
        .finish()
        .to_vec()
}

/// Reads what [`encode_homes`] made.
pub(crate) fn decode_homes(bytes: &[u8]) -> Result<Vec<Home>, Unreadable> {
    let mut reader = Reader::parse(bytes)?;
    reader.uint(1)?;
    let homes = reader.list(2, MAX_HOMES)?;
    homes
        .iter()
        .filter_map(|home| Home::decode(home).transpose())
        .collect()
}

/// By this a list of homes is known again.
pub(crate) fn tag(homes: &[Home]) -> [u8; 32] {
    EnvelopeId::of(&encode_homes(homes)).0
}

/// See [`NodeHome::tag`].
pub(crate) fn tag_of(address: &Address) -> u64 {
    let (first, _) = address.split_at(8);
    first
        .iter()
        .fold(0, |tag, byte| tag << 8 | u64::from(*byte))
}

/// The nodes in a list.
pub(crate) fn nodes_of(homes: &[Home]) -> impl Iterator<Item = &NodeHome> {
    homes.iter().filter_map(|home| match home {
        Home::Node(home) => Some(home),
        _ => None,
    })
}

/// The first node in a list.
pub(crate) fn node_of(homes: &[Home]) -> Option<&NodeHome> {
    nodes_of(homes).next()
}

/// The destinations for live links in a list.
pub(crate) fn peers_of(homes: &[Home]) -> impl Iterator<Item = Address> {
    homes.iter().filter_map(|home| match home {
        Home::Peer(address) => Some(*address),
        _ => None,
    })
}

/// The lifeboat in a list.
pub(crate) fn lifeboat_of(homes: &[Home]) -> Option<Address> {
    homes.iter().find_map(|home| match home {
        Home::Lifeboat(address) => Some(*address),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn homes() -> Vec<Home> {
        let node = NodeHome {
            address: [1; 32],
            key: [2; 32],
            bucket: 0x8000,
            token: [3; 16],
        };
        vec![
            Home::Node(node),
            Home::Peer([4; 32]),
            Home::Lifeboat([5; 32]),
        ]
    }

    #[test]
    fn homes_survive_their_list() {
        assert!(decode_homes(&encode_homes(&homes())).unwrap() == homes());
        assert!(decode_homes(&encode_homes(&[])).unwrap().is_empty());
    }

    #[test]
    fn a_home_of_a_newer_kind_is_skipped() {
        let newer = Writer::default().uint(1, 4).bytes(2, &[0; 40]).finish();
        assert!(Home::decode(&newer).unwrap().is_none());
        let list = Writer::default()
            .uint(1, VERSION)
            .list(2, [newer.to_vec(), Home::Peer([4; 32]).encode()]);
        assert!(decode_homes(&list.finish()).unwrap() == [Home::Peer([4; 32])]);
    }

    #[test]
    fn the_bytes_are_frozen() {
        let hex =
            |bytes: Vec<u8>| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let [address, key, token] = ["01".repeat(32), "02".repeat(32), "03".repeat(16)];
        let encoded = homes()
            .iter()
            .map(|home| hex(home.encode()))
            .collect::<Vec<_>>();
        assert_eq!(encode_homes(&[]), [0xa2, 1, 1, 2, 0x80]);
        assert_eq!(
            encoded,
            [
                format!("a50102025820{address}035820{key}04198000{}{token}", "0550"),
                format!("a20101025820{}", "04".repeat(32)),
                format!("a20103025820{}", "05".repeat(32)),
            ]
        );
    }

    #[test]
    fn too_many_homes_are_refused() {
        let home = Home::Peer([0; 32]).encode();
        let many = Writer::default()
            .uint(1, VERSION)
            .list(2, vec![home; MAX_HOMES + 1])
            .finish();
        assert_eq!(decode_homes(&many), Err(Unreadable));
    }

    #[test]
    fn a_home_without_its_parts_is_unreadable() {
        let no_key = Writer::default().uint(1, NODE).bytes(2, &[1; 32]).finish();
        assert!(Home::decode(&no_key).is_err());
        assert!(Home::decode(&[]).is_err());
    }
}
