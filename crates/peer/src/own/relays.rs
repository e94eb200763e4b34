//! The relays of one's own: those in use, in the person's order, and those of before.
//!
//! Each has an account, a destination and a home of its own, so that two relays have no key in common
//! by which they could tell that the same person uses both.
//!
//! The first one in use carries what is put, and the others stand by; comrades are told of the homes at
//! all of them. One that is being left is read on, and nobody is told of it; one that has not been reached
//! for long *rests*: comrades are told of it after the others.

use komrade_crypto::invite::JoinSecret;
use komrade_ether::Locator;
use komrade_i2p::DestinationKeys;
use komrade_view::Millis;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Own, SecretBytes, draw_bucket};
use crate::{
    Address, NodeInfo, RelayId, RelayOrder,
    home::{Home, NodeHome},
    limits,
    relay_link::RelayLink,
};

/// A relay, with what is used at it and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Relay {
    pub(crate) origin: String,
    join_secret: JoinSecret,
    account: SecretBytes,
    destination: SecretBytes,
    /// The home at its node, once it has told of one.
    #[serde(default)]
    pub(crate) home: Option<NodeHome>,
    /// A link to that node was up: the relay says nothing that is not so of it.
    #[serde(default)]
    is_met: bool,
    /// Homes at nodes that were met there before, the latest last, see [`Own::follow`].
    #[serde(default)]
    former: Vec<NodeHome>,
    /// It has told of its node, or that it has none.
    #[serde(default)]
    told: bool,
    /// Since when it is in use; 0: since a version that did not count.
    #[serde(default)]
    pub(crate) since: Millis,
    /// It is being left, and read until then at the latest.
    #[serde(default)]
    pub(crate) leaving: Option<Millis>,
    /// It was not reached for long, and comrades are told of it last.
    #[serde(default)]
    pub(crate) rests: bool,
    /// It hosted the lifeboat that all comrades know, and no other relay is to have it.
    #[serde(default)]
    pub(crate) has_lifeboat: bool,
    #[serde(skip)]
    pub(crate) id: RelayId,
}

impl Relay {
    fn new(origin: String, join_secret: JoinSecret, rng: &mut dyn CryptoRng) -> Self {
        let mut account = vec![0; 32];
        rng.fill_bytes(&mut account);
        Self {
            origin,
            join_secret,
            account: SecretBytes(account),
            destination: draw_destination(rng),
            home: None,
            is_met: false,
            former: Vec::new(),
            told: false,
            since: 0,
            leaving: None,
            rests: false,
            has_lifeboat: false,
            id: RelayId(0),
        }
    }

    pub(crate) fn destination_address(&self) -> Option<Address> {
        address_of(&self.destination)
    }

    /// The keys of the destination, to be hosted.
    pub(crate) fn destination(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.destination.0.clone())
    }

    pub(crate) fn order(&self) -> Option<RelayOrder> {
        Some(RelayOrder {
            origin: self.origin.clone(),
            join_secret: Zeroizing::new(*self.join_secret.expose()),
            account: Zeroizing::new(self.account.0.as_slice().try_into().ok()?),
        })
    }
}

/// Asked for with every step: what stands in the vault was made here, and is not checked again.
pub(super) fn address_of(destination: &SecretBytes) -> Option<Address> {
    let address = DestinationKeys::address_of(&destination.0)?;
    Some(*address.as_bytes())
}

pub(super) fn draw_destination(rng: &mut dyn CryptoRng) -> SecretBytes {
    SecretBytes(DestinationKeys::generate(rng).as_bytes().to_vec())
}

impl Own {
    /// The records were read: numbers the relays.
    pub(crate) fn number_relays(&mut self) {
        self.in_use = self.in_use.min(self.relays.len());
        for at in 0..self.relays.len() {
            let id = self.next_relay();
            if let Some(relay) = self.relays.get_mut(at) {
                relay.id = id;
            }
        }
    }

    /// The clock was ahead.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        for lost in &mut self.lost_nodes {
            lost.at = lost.at.min(now);
        }
        let latest = now.saturating_add(limits::LEAVE_GRACE);
        for relay in &mut self.relays {
            relay.since = relay.since.min(now);
            relay.leaving = relay.leaving.map(|until| until.min(latest));
        }
        if let Some((_, until)) = &mut self.former_lifeboat {
            *until = now.saturating_add(limits::RESCUE_LIFE).min(*until);
        }
    }

    fn next_relay(&mut self) -> RelayId {
        self.numbered = self.numbered.saturating_add(1);
        RelayId(self.numbered)
    }

    /// The relays in use, the first one first, and those that are being left last.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = &Relay> {
        let used = || self.relays.iter().rev().take(self.in_use);
        let standing = used().filter(|relay| relay.leaving.is_none());
        standing.chain(used().filter(|relay| relay.leaving.is_some()))
    }

    /// Those that comrades are told of, in the person's order.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Relay> {
        self.in_use().filter(|relay| relay.leaving.is_none())
    }

    /// The same in the order in which comrades are told: those that rest come last.
    fn told_order(&self) -> impl Iterator<Item = &Relay> {
        let told = || self.standing().filter(|relay| relay.told);
        let awake = told().filter(|relay| !relay.rests);
        awake.chain(told().filter(|relay| relay.rests))
    }

    /// The one that is tried.
    pub(crate) fn trial(&self) -> Option<&Relay> {
        self.trial.as_ref()
    }

    /// One in use, or one that is being tried.
    pub(crate) fn relay(&self, id: RelayId) -> Option<&Relay> {
        let tried = self.trial.iter();
        self.in_use().chain(tried).find(|relay| relay.id == id)
    }

    pub(crate) fn relay_mut(&mut self, id: RelayId) -> Option<&mut Relay> {
        let relays = self.relays.iter_mut().rev().take(self.in_use);
        let mut relays = relays.chain(&mut self.trial);
        relays.find(|relay| relay.id == id)
    }

    /// The one at this address, if it is in use.
    pub(crate) fn used_at(&self, origin: &str) -> Option<RelayId> {
        let relay = self.in_use().find(|relay| relay.origin == origin)?;
        Some(relay.id)
    }

    /// The join secret of a relay in use was rotated. Says whether this is another one.
    pub(crate) fn renew_secret(&mut self, id: RelayId, secret: JoinSecret) -> bool {
        let Some(relay) = self.relay_mut(id) else {
            return false;
        };
        let is_other = relay.join_secret.expose() != secret.expose();
        relay.join_secret = secret;
        is_other
    }

    /// Takes up a relay: a known one, or one whose secret is given. `None` if it is neither.
    fn take_up(&mut self, link: RelayLink, rng: &mut dyn CryptoRng) -> Option<Relay> {
        let RelayLink {
            origin,
            join_secret: secret,
        } = link;
        let trial = self.trial.take_if(|relay| relay.origin == origin);
        let at = self.relays.iter().position(|it| it.origin == origin);
        let kept = at.map(|at| {
            // Those in use are the last ones.
            let is_used = at + self.in_use >= self.relays.len();
            self.in_use -= usize::from(is_used);
            self.relays.remove(at)
        });
        let known = trial.or(kept);
        let mut relay = match (known, secret) {
            (None, None) => return None,
            (Some(mut relay), secret) => {
                relay.join_secret = secret.unwrap_or(relay.join_secret);
                relay
            }
            (None, Some(secret)) => {
                let mut relay = Relay::new(origin, secret, rng);
                relay.id = self.next_relay();
                relay
            }
        };
        (relay.leaving, relay.rests) = (None, false);
        Some(relay)
    }

    /// Uses this relay from now on, as the first or as the last of all. Without a secret it must be a
    /// known one. `None`: it is not.
    pub(crate) fn use_relay(
        &mut self,
        link: RelayLink,
        is_first: bool,
        now: Millis,
        rng: &mut dyn CryptoRng,
    ) -> Option<RelayId> {
        let was_used = self.used_at(&link.origin).is_some();
        let mut relay = self.take_up(link, rng)?;
        if !was_used {
            relay.since = now;
        }
        let id = relay.id;
        let at = match is_first {
            true => self.relays.len(),
            false => self.relays.len() - self.in_use,
        };
        self.relays.insert(at, relay);
        self.in_use += 1;
        if self.relays.len() > limits::MAX_RELAYS && self.in_use < self.relays.len() {
            self.relays.remove(0);
        }
        Some(id)
    }

    /// Tries a relay before it is used; of one tried before nothing is kept.
    pub(crate) fn try_relay(
        &mut self,
        link: RelayLink,
        rng: &mut dyn CryptoRng,
    ) -> Option<RelayId> {
        self.trial = None;
        let known = self.relays.iter().find(|it| it.origin == link.origin);
        let relay = match (known.cloned(), link.join_secret) {
            (Some(mut relay), secret) => {
                relay.join_secret = secret.unwrap_or(relay.join_secret);
                relay
            }
            (None, secret) => Relay::new(link.origin, secret?, rng),
        };
        let id = self.next_relay();
        self.trial = Some(Relay { id, ..relay });
        Some(id)
    }

    /// Makes one in use the first. Says whether it was another.
    pub(crate) fn make_first(&mut self, id: RelayId) -> bool {
        let is_first = self.standing().next().is_some_and(|it| it.id == id);
        let standing = self.standing().any(|relay| relay.id == id);
        let at = self.relays.iter().position(|relay| relay.id == id);
        let Some(at) = at.filter(|_| standing && !is_first) else {
            return false;
        };
        let relay = self.relays.remove(at);
        self.relays.push(relay);
        true
    }

    /// No longer uses a relay; it stays known.
    pub(crate) fn retire(&mut self, id: RelayId) {
        self.trial.take_if(|relay| relay.id == id);
        let first = self.relays.len() - self.in_use;
        let at = self.relays.iter().position(|relay| relay.id == id);
        if let Some(at) = at.filter(|at| *at >= first) {
            let mut relay = self.relays.remove(at);
            (relay.leaving, relay.rests) = (None, false);
            self.relays.insert(first, relay);
            self.in_use -= 1;
        }
    }

    pub(crate) fn origin(&self) -> Option<&str> {
        self.standing().next().map(|relay| relay.origin.as_str())
    }

    /// The secret of the relay that invites name.
    pub(crate) fn join_secret(&self) -> Option<JoinSecret> {
        Some(self.host()?.join_secret.clone())
    }

    /// The home that comrades are told of first; `None` if no relay has told of a node.
    pub(crate) fn node(&self) -> Option<&NodeHome> {
        self.told_order().find_map(|relay| relay.home.as_ref())
    }

    /// The home at the node of a relay in use.
    pub(crate) fn node_at(&self, id: RelayId) -> Option<&NodeHome> {
        self.relay(id)?.home.as_ref()
    }

    /// The nodes of all relays in use.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (RelayId, &NodeHome)> {
        self.in_use()
            .filter_map(|it| Some((it.id, it.home.as_ref()?)))
    }

    /// A relay in use told whether it has a node. Says whether it was the first time.
    pub(crate) fn note_told(&mut self, id: RelayId) -> bool {
        let relay = self.relay_mut(id);
        relay.is_some_and(|relay| !std::mem::replace(&mut relay.told, true))
    }

    /// A relay in use told of its node. Says whether the home there is another one than before.
    pub(crate) fn note_node(
        &mut self,
        id: RelayId,
        info: &NodeInfo,
        rng: &mut dyn CryptoRng,
    ) -> bool {
        let Some(relay) = self.relay_mut(id) else {
            return false;
        };
        let before = relay.home;
        // At another node, too: whoever uses the same relay need not be told of that.
        let bucket = before
            .map(|home| home.bucket())
            .filter(|bucket| bucket.bits() == info.bits)
            .unwrap_or_else(|| draw_bucket(before.map(|home| home.bucket()), info.bits, rng));
        let home = NodeHome {
            address: info.address,
            key: info.key,
            bucket: bucket.code(),
            token: info.token,
        };
        relay.home = Some(home);
        if let Some(before) = before.filter(|before| before.place() != home.place()) {
            let is_past = |it: &NodeHome| ![before.place(), home.place()].contains(&it.place());
            relay.former.retain(is_past);
            // Else a relay could name the node of another one, and then its own, to get what is for homes there.
            if std::mem::take(&mut relay.is_met) {
                relay.former.push(before);
            }
            if relay.former.len() > limits::MAX_FORMER_NODES {
                relay.former.remove(0);
            }
        }
        let is_other = relay.home != before;
        if self.lifeboat.is_none() {
            self.lifeboat = Some(draw_destination(rng));
        }
        is_other
    }

    /// A link to the node of a relay in use is up. Says whether it was the first time.
    pub(crate) fn note_met(&mut self, id: RelayId) -> bool {
        let relay = self.relay_mut(id);
        relay.is_some_and(|relay| !std::mem::replace(&mut relay.is_met, true))
    }

    /// Whoever had a home where this device had one before, at a relay that came back with other keys, is at its present node: all
    /// who use it have moved there, with the numbers of their buckets. So they reach each other without being told. Says whether
    /// one of these homes was there.
    pub(crate) fn follow(&self, homes: &mut [Home]) -> bool {
        let mut is_other = false;
        for home in homes {
            if let Home::Node(node) = home
                && let Some(now) = self.present(node)
            {
                *home = Home::Node(now);
                is_other = true;
            }
        }
        is_other
    }

    /// Whether any relay in use had another node before.
    pub(crate) fn has_former_nodes(&self) -> bool {
        self.in_use().any(|relay| !relay.former.is_empty())
    }

    /// The home at the present node of a relay in use, for one at a node that it had before.
    pub(crate) fn present(&self, home: &NodeHome) -> Option<NodeHome> {
        let is_there = |it: &NodeHome| it.place() == home.place();
        if self.nodes().any(|(_, own)| is_there(own)) {
            // It has moved to another relay of one's own.
            return None;
        }
        let mut relays = self.in_use();
        let relay = relays.find(|relay| relay.former.iter().any(is_there))?;
        let own = relay.home?;
        let bucket = home.bucket().within(own.bucket().bits());
        Some(NodeHome {
            bucket: bucket.code(),
            ..own
        })
    }

    /// Where others put envelopes for this device: what those are told with whom there is a live
    /// link, and what the others are told.
    pub(crate) fn homes(&self, live: bool) -> Vec<Home> {
        let Some(host) = self.told_order().next() else {
            return Vec::new();
        };
        let nodes = self.told_order().filter_map(|relay| relay.home);
        let mut homes: Vec<Home> = nodes.map(Home::Node).collect();
        // Without a node there is no other way.
        let has_node = !homes.is_empty();
        if live || !has_node {
            homes.extend(host.destination_address().map(Home::Peer));
        }
        if has_node {
            homes.extend(self.lifeboat_address().map(Home::Lifeboat));
        }
        homes
    }

    /// The relay at which the destination for live links is hosted.
    pub(crate) fn host(&self) -> Option<&Relay> {
        self.told_order().next().or_else(|| self.standing().next())
    }

    /// The bundle of an ended invite is to be forgotten by a node that is not reached now.
    pub(crate) fn note_unplaced(&mut self, node: &Address, locator: &Locator) {
        let mut both = [0; 48];
        let (address, name) = both.split_at_mut(node.len());
        address.copy_from_slice(node);
        name.copy_from_slice(locator);
        self.unplaced_at.push(both.into());
        // What is left out ends with its expiry.
        if self.unplaced_at.len() > limits::MAX_INVITES {
            self.unplaced_at.remove(0);
        }
    }

    /// What the node of this relay is to forget.
    pub(crate) fn take_unplaced(&mut self, id: RelayId) -> Vec<Locator> {
        let Some(node) = self.node_at(id).map(|home| home.address) else {
            return Vec::new();
        };
        let here = self.unplaced_at.iter();
        let here = here.filter_map(|both| both.strip_prefix(&node)?.try_into().ok());
        let here = here.collect();
        self.unplaced_at.retain(|both| !both.starts_with(&node));
        here
    }

    /// Whether this is, or was, a destination of one's own.
    pub(crate) fn is_own_destination(&self, address: &Address) -> bool {
        let destinations = self.relays.iter().map(|relay| &relay.destination);
        destinations
            .chain(&self.lifeboat)
            .chain(self.known_lifeboat())
            .any(|destination| address_of(destination).as_ref() == Some(address))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    /// A node with this number and so many bits.
    fn node(number: u8, bits: u8) -> NodeInfo {
        NodeInfo {
            address: [number; 32],
            key: [number; 32],
            token: [number; 16],
            bits,
            incarnation: 1,
        }
    }

    #[test]
    fn whoever_was_at_a_former_node_is_at_the_present_one_in_the_same_bucket() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let [mut ana, mut bo] = ["Ana", "Bo"].map(|name| {
            let mut own = Own::new(name.into());
            let link = RelayLink {
                origin: "https://relay.example".into(),
                join_secret: Some(JoinSecret::from_bytes([1; 16])),
            };
            let id = own.use_relay(link, true, 0, &mut rng).unwrap();
            (own, id)
        });
        let mut before = Vec::new();
        // With fewer bits each is found in what their bucket lies in; the last node is one that was there before.
        for (number, bits) in [(1, 8), (2, 8), (3, 3), (4, 3), (5, 2), (6, 2), (2, 2)] {
            for (own, id) in [&mut ana, &mut bo] {
                own.note_node(*id, &node(number, bits), &mut rng);
                own.note_met(*id);
            }
            let now = *bo.0.node_at(bo.1).unwrap();
            assert_eq!(now.bucket().bits(), bits);
            let mut homes = before.clone();
            assert_eq!(ana.0.follow(&mut homes), number > 1);
            let lately = homes.iter().rev().take(limits::MAX_FORMER_NODES);
            assert!(lately.into_iter().all(|home| *home == Home::Node(now)));
            before.push(Home::Node(now));
        }
        // What is there now stays, and so does what was there too long ago.
        let mut homes = vec![before[6], before[0], Home::Lifeboat([1; 32])];
        assert!(!ana.0.follow(&mut homes));
        assert!(homes == [before[6], before[0], Home::Lifeboat([1; 32])]);
        assert!(ana.0.relays[0].former.len() == limits::MAX_FORMER_NODES);
    }
    #[test]
    fn no_relay_gets_what_is_for_homes_at_another_by_naming_its_node() {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let mut own = Own::new("Ana".into());
        let mut relay = |own: &mut Own, origin: &str| {
            let link = RelayLink {
                origin: origin.into(),
                join_secret: Some(JoinSecret::from_bytes([1; 16])),
            };
            own.use_relay(link, true, 0, &mut rng).unwrap()
        };
        let [first, second] =
            ["https://one.example", "https://two.example"].map(|it| relay(&mut own, it));
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        // It names a node to which no link comes up, and then its own.
        for number in [1, 2, 3] {
            own.note_node(first, &node(number, 0), &mut rng);
        }
        let home = |number: u8| NodeHome {
            address: [number; 32],
            key: [number; 32],
            bucket: 0,
            token: [0; 16],
        };
        assert!([1, 2, 3].iter().all(|it| own.present(&home(*it)).is_none()));
        assert!(own.note_met(first) && !own.note_met(first));
        own.note_node(first, &node(4, 0), &mut rng);
        assert!(
            own.present(&home(3))
                .is_some_and(|it| it.place() == home(4).place())
        );
        // A node that moved to another relay of one's own is there.
        own.note_node(second, &node(3, 0), &mut rng);
        assert!(own.present(&home(3)).is_none());
    }
}
