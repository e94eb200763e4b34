//! Relays, dials and links.

use komrade_i2p::DestinationKeys;
use komrade_peer::{Address, DialProgress, Input, LinkHint, LinkId};
use komrade_view::*;
use zeroize::Zeroizing;

use super::{End, Peer, SECOND, World};

impl World {
    pub(super) fn use_relay(&mut self, at: usize, order: Option<komrade_peer::RelayOrder>) {
        let peer = &mut self.peers[at];
        peer.address = None;
        peer.relay = None;
        self.lose_nodes(at);
        let peer = &mut self.peers[at];
        let Some(order) = order else {
            return self.push(at, Input::Relay(LinkState::NoRelay));
        };
        let number = order.origin.strip_prefix("https://relay-");
        let number = number.and_then(|rest| rest.split('.').next()?.parse().ok());
        peer.relay = number;
        peer.account = *order.account;
        peer.orders.push(order.origin);
        let alive = number.is_none_or(|it| self.relays.get(&it).is_none_or(|it| it.alive));
        if self.peers[at].online && alive {
            self.connect(at);
        }
    }

    pub(super) fn host(&mut self, at: usize, keys: Option<Zeroizing<Vec<u8>>>) {
        let address = |keys: &Zeroizing<Vec<u8>>| {
            let keys = DestinationKeys::parse(keys).expect("keys of a destination");
            *keys.address().as_bytes()
        };
        self.peers[at].address = keys.as_ref().map(address);
    }

    /// The relay is there and its router works.
    pub fn connect(&mut self, at: usize) {
        self.peers[at].online = true;
        let since = self.now;
        self.push(
            at,
            Input::Relay(LinkState::Up {
                since,
                round_trip: None,
            }),
        );
        let node = self.node_info(at);
        self.push(at, Input::Node(node));
        self.push(at, Input::Router(RouterStage::Ready { routers: 8 }));
        self.push(at, Input::Hosting(HostStage::Up { since }));
        self.drain();
    }

    /// The relay is gone, and all links with it.
    pub fn disconnect(&mut self, at: usize) {
        self.peers[at].online = false;
        self.lose_nodes(at);
        let links: Vec<LinkId> = self.peers[at].ends.keys().copied().collect();
        for link in links {
            self.hang_up(at, link);
        }
        let retry_at = self.now + 5 * SECOND;
        self.push(
            at,
            Input::Relay(LinkState::Waiting {
                retry_at,
                failures: 1,
            }),
        );
        self.drain();
    }

    pub(super) fn dial(
        &mut self,
        at: usize,
        link: LinkId,
        address: Address,
        hint: LinkHint,
        psk: Zeroizing<[u8; 32]>,
    ) {
        self.hints.push(hint);
        let reached = |peer: &Peer| peer.address == Some(address) && peer.online;
        let found = match self.peers[at].reflected {
            true => Some(at),
            false => self.peers.iter().position(reached),
        };
        let Some(to) = found else {
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
            peer: to,
            link: incoming,
            up: false,
            psk: Some(psk),
        };
        self.peers[at].ends.insert(link, dialled);
        self.peers[to].ends.insert(
            incoming,
            End {
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
