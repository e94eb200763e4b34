//! Relays, dials and links.

use komrade_i2p::DestinationKeys;
use komrade_peer::{Address, DialProgress, Input, LinkHint, LinkId, RelayId};
use komrade_view::*;
use zeroize::Zeroizing;

use super::{End, Peer, SECOND, Way, World};

impl World {
    pub(super) fn use_relay(
        &mut self,
        at: usize,
        way: RelayId,
        order: Option<komrade_peer::RelayOrder>,
    ) {
        self.drop_way(at, way);
        let peer = &mut self.peers[at];
        peer.ways.remove(&way);
        let Some(order) = order else {
            return self.push(at, Input::Relay(way, LinkState::NoRelay));
        };
        let number = order.origin.strip_prefix("https://relay-");
        let relay = number.and_then(|rest| rest.split('.').next()?.parse().ok());
        let (account, join_secret) = (*order.account, *order.join_secret);
        let address = None;
        peer.ways.insert(
            way,
            Way {
                relay,
                account,
                join_secret,
                address,
                connected: false,
            },
        );
        peer.orders.push(order.origin);
        self.connect_way(at, way);
    }

    pub(super) fn host(&mut self, at: usize, way: RelayId, keys: Option<Zeroizing<Vec<u8>>>) {
        let address = |keys: &Zeroizing<Vec<u8>>| {
            let keys = DestinationKeys::parse(keys).expect("keys of a destination");
            *keys.address().as_bytes()
        };
        if let Some(way) = self.peers[at].ways.get_mut(&way) {
            way.address = keys.as_ref().map(address);
        }
    }

    /// Whether this relay is to host something for a peer.
    pub fn is_hosting(&self, at: usize, relay: usize) -> bool {
        let mut ways = self.peers[at].ways.values();
        ways.any(|way| way.relay == Some(relay) && way.address.is_some())
    }

    /// Under which accounts it is known.
    pub fn accounts(&self, at: usize) -> Vec<[u8; 32]> {
        let ways = self.peers[at].ways.values();
        ways.map(|way| way.account).collect()
    }

    /// With which secret it joins a relay.
    pub fn secret_of(&self, at: usize, way: RelayId) -> [u8; 16] {
        self.peers[at].ways[&way].join_secret
    }

    pub fn ways(&self, at: usize) -> Vec<RelayId> {
        self.peers[at].ways.keys().copied().collect()
    }

    /// The peer reaches its relays, as far as they are there.
    pub fn connect(&mut self, at: usize) {
        self.peers[at].online = true;
        for way in self.ways(at) {
            self.connect_way(at, way);
        }
        self.drain();
    }

    /// The relay is there and its router works.
    pub fn connect_way(&mut self, at: usize, way: RelayId) {
        let relay = self.peers[at].ways[&way].relay;
        let alive = relay.is_none_or(|it| self.relays.get(&it).is_none_or(|it| it.alive));
        if !self.peers[at].online || !alive {
            return;
        }
        if let Some(way) = self.peers[at].ways.get_mut(&way) {
            way.connected = true;
        }
        let (since, round_trip) = (self.now, None);
        self.push(at, Input::Relay(way, LinkState::Up { since, round_trip }));
        let node = self.node_info(at, way);
        self.push(at, Input::Node(way, node));
        self.push(at, Input::Router(way, RouterStage::Ready { routers: 8 }));
        self.push(at, Input::Hosting(way, HostStage::Up { since }));
    }

    /// The peer reaches no relay, and all links are gone.
    pub fn disconnect(&mut self, at: usize) {
        self.peers[at].online = false;
        for way in self.ways(at) {
            self.disconnect_way(at, way);
        }
        self.drain();
    }

    /// One relay is gone, and all links that it carried.
    pub(super) fn disconnect_way(&mut self, at: usize, way: RelayId) {
        self.drop_way(at, way);
        if let Some(way) = self.peers[at].ways.get_mut(&way) {
            way.connected = false;
        }
        let retry_at = self.now + 5 * SECOND;
        let failures = 1;
        self.push(
            at,
            Input::Relay(way, LinkState::Waiting { retry_at, failures }),
        );
    }

    fn drop_way(&mut self, at: usize, way: RelayId) {
        self.lose_nodes(at, Some(way));
        let ends = self.peers[at].ends.iter();
        let ends = ends.filter(|(_, end)| end.way == way);
        let links: Vec<LinkId> = ends.map(|(link, _)| *link).collect();
        for link in links {
            self.hang_up(at, link);
        }
    }

    pub(super) fn dial(
        &mut self,
        at: usize,
        (way, link): (RelayId, LinkId),
        address: Address,
        hint: LinkHint,
        psk: Zeroizing<[u8; 32]>,
    ) {
        self.hints.push(hint);
        let hosted = |peer: &Peer| {
            let mut ways = peer.ways.iter().filter(|_| peer.online);
            let found = ways.find(|(_, way)| way.address == Some(address) && way.connected);
            found.map(|(way, _)| *way)
        };
        let found = match self.peers[at].reflected {
            true => Some((at, way)),
            false => {
                let mut peers = self.peers.iter().enumerate();
                peers.find_map(|(to, peer)| Some((to, hosted(peer)?)))
            }
        };
        let Some((to, relay)) = found else {
            let progress = DialProgress::Unreachable;
            return self.push(at, Input::Dialed { link, progress });
        };
        self.push(
            at,
            Input::Dialed {
                link,
                progress: DialProgress::Greeting,
            },
        );
        let incoming = LinkId(self.peers[to].next_incoming);
        self.peers[to].next_incoming += 2;
        let dialled = End {
            way,
            peer: to,
            link: incoming,
            up: false,
            psk: Some(psk),
        };
        self.peers[at].ends.insert(link, dialled);
        self.peers[to].ends.insert(
            incoming,
            End {
                way: relay,
                peer: at,
                link,
                up: false,
                psk: None,
            },
        );
        self.push(
            to,
            Input::Incoming {
                link: incoming,
                relay,
                hint,
            },
        );
    }

    pub(super) fn admit(&mut self, at: usize, link: LinkId, psk: &[u8; 32]) {
        let Some(end) = self.peers[at].ends.get_mut(&link) else {
            return;
        };
        end.up = true;
        let (to, other) = (end.peer, end.link);
        let dialled = self.peers[to]
            .ends
            .get_mut(&other)
            .expect("the dialler's end");
        if dialled.psk.as_deref() != Some(psk) {
            return self.hang_up(at, link);
        }
        dialled.up = true;
        self.push(
            to,
            Input::Dialed {
                link: other,
                progress: DialProgress::Up,
            },
        );
        self.push(at, Input::LinkUp(link));
    }

    pub(super) fn other_end(&self, at: usize, link: LinkId) -> Option<(usize, LinkId)> {
        let end = self.peers[at].ends.get(&link)?;
        Some((end.peer, end.link))
    }

    /// Ends a link: this side knows, the other learns.
    pub fn hang_up(&mut self, at: usize, link: LinkId) {
        let Some(end) = self.peers[at].ends.remove(&link) else {
            return;
        };
        if let Some(other) = self.peers[end.peer].ends.remove(&end.link) {
            let input = match other.up || other.psk.is_none() {
                true => Input::LinkDown(end.link),
                false => Input::Dialed {
                    link: end.link,
                    progress: DialProgress::Refused,
                },
            };
            self.push(end.peer, input);
        }
    }

    /// The links of a peer are gone, and only that peer knows.
    pub fn lose_links_silently(&mut self, at: usize) {
        for link in self.link_ids(at) {
            self.push(at, Input::LinkDown(link));
            self.peers[at].ends.remove(&link);
        }
        self.drain();
    }

    /// Breaks every link of a peer: both sides learn.
    pub fn break_links(&mut self, at: usize) {
        let links: Vec<LinkId> = self.peers[at].ends.keys().copied().collect();
        for link in links {
            self.push(at, Input::LinkDown(link));
            self.hang_up(at, link);
        }
        self.drain();
    }

    pub fn link_ids(&self, at: usize) -> Vec<LinkId> {
        self.peers[at]
            .ends
            .iter()
            .filter(|(_, end)| end.up)
            .map(|(link, _)| *link)
            .collect()
    }

    pub fn links(&self, at: usize) -> usize {
        self.peers[at].ends.values().filter(|end| end.up).count()
    }
}
