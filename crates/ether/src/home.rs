//! Who is who: nodes that keep, and parties that put.

use std::fmt;

/// The static public key of a node (X25519); work is bound to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey(pub [u8; 32]);

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey([redacted])")
    }
}

/// Where envelopes for somebody are put.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Home {
    /// The I2P address of the relay's node: SHA-256 of its destination.
    pub address: [u8; 32],
    /// The key of that node.
    pub node: NodeKey,
}

/// The length of a home in frames and keys, in bytes.
pub(crate) const HOME_BYTES: usize = 64;

impl Home {
    /// Address and key, as in frames.
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.address, self.node.0].concat()
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Home([redacted])")
    }
}

/// A member's account at their relay: the hash of a random key that is tied to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account(pub [u8; 32]);

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account([redacted])")
    }
}

/// Who is at the other end of a node's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// A member of the relay.
    Member(Account),
    /// Anybody else, or a member who does not say so.
    Stranger,
}

impl Party {
    /// The account, if it is a member.
    pub fn account(self) -> Option<Account> {
        match self {
            Self::Member(account) => Some(account),
            Self::Stranger => None,
        }
    }
}
