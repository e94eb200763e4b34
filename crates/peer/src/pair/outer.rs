//! The weekly change of outer keys, each direction on its own.
//!
//! The sender offers the next key under the current one and stays with that until a report says
//! that the offer arrived. The recipient keeps the key in use with the one before it, and the newest
//! that was offered.

use komrade_crypto::{
    kem::{ENCAPSULATION_BYTES, PrekeyRing},
    outer::{DetectionKey, OuterKey},
};
use komrade_view::Millis;
use rand_core::CryptoRng;

use super::{Found, KeyRecord, OfferRecord, Outer, Pair, Rank};
use crate::{limits, packet::OuterOffer};

/// The name of a chain in a report: the start of its first contact's rank.
pub(crate) type Chain = [u8; 8];

fn chain(rank: &Rank) -> Chain {
    let [a, b, c, d, e, f, g, h, ..] = *rank;
    [a, b, c, d, e, f, g, h]
}

impl Pair {
    /// Which key of theirs an envelope was sealed with, by its hint.
    pub(crate) fn find(&self, nonce: &[u8; 12], hint: &[u8; 8]) -> Option<Found> {
        let outer = self
            .receive
            .iter()
            .find(|outer| outer.detection.matches(nonce, hint))?;
        Some(Found {
            rank: outer.record.rank,
            number: outer.record.number,
        })
    }

    pub(crate) fn receive_key(&self, found: Found) -> Option<&OuterKey> {
        let is =
            |outer: &&Outer| outer.record.rank == found.rank && outer.record.number == found.number;
        self.receive.iter().find(is).map(|outer| &outer.record.key)
    }

    pub(crate) fn send_key(&self) -> Option<(&OuterKey, &DetectionKey)> {
        self.send
            .as_ref()
            .map(|outer| (&outer.record.key, &outer.detection))
    }

    /// The newest key of theirs, to be reported: of the chain in which one came last.
    pub(super) fn newest_received(&self) -> Option<(Chain, u64)> {
        let newest = self
            .receive
            .iter()
            .max_by_key(|outer| (outer.record.since, outer.record.number))?;
        Some((chain(&newest.record.rank), newest.record.number))
    }

    /// Draws the next key of one's own direction if a week has passed and the last one is not on
    /// its way. Says whether it did.
    pub(crate) fn change_outer(&mut self, now: Millis, rng: &mut dyn CryptoRng) -> bool {
        let Some(send) = &self.send else { return false };
        let from = self
            .offer
            .as_ref()
            .map_or(send.record.since, |offer| offer.next.since);
        let bundle = self.read_bundle();
        // What it is sealed to must still be there when they read it.
        let is_outdated = self.offer.as_ref().zip(bundle.as_ref());
        let is_outdated = is_outdated.is_some_and(|(offer, it)| offer.week < it.content().week);
        let patience = if self.offer.is_some() {
            limits::OFFER_LIFE
        } else {
            limits::KEY_LIFE
        };
        if now < from.saturating_add(patience) && !is_outdated {
            return false;
        }
        let Some(bundle) = bundle else {
            return false;
        };
        let last = self
            .offer
            .as_ref()
            .map_or(send.record.number, |offer| offer.next.number);
        let Ok((key, encapsulation)) = send.record.key.change(&bundle.content().kem, rng) else {
            return false;
        };
        let number = last.saturating_add(1);
        let next = KeyRecord {
            rank: send.record.rank,
            number,
            key,
            since: now,
        };
        let encapsulation = encapsulation.to_vec();
        self.offer = Some(OfferRecord {
            next,
            week: bundle.content().week,
            encapsulation,
        });
        true
    }

    /// The clock was ahead: what was noted then is of now.
    pub(crate) fn bring_down(&mut self, now: Millis) {
        let kept = [
            &mut self.asked_at,
            &mut self.renewed_at,
            &mut self.offered_at,
        ];
        for at in kept.into_iter().flatten() {
            *at = (*at).min(now);
        }
        self.acknowledged_at = self.acknowledged_at.min(now);
        self.heard_at = self.heard_at.min(now);
        self.reported_at = self.reported_at.min(now);
        self.homes_told_at = self.homes_told_at.min(now);
        let send = self.send.iter_mut().map(|outer| &mut outer.record);
        let offer = self.offer.iter_mut().map(|offer| &mut offer.next);
        let receive = self.receive.iter_mut().map(|outer| &mut outer.record);
        for record in send.chain(offer).chain(receive) {
            record.since = record.since.min(now);
        }
    }

    /// What to tell of the next key, as long as they have not said that they have it.
    pub(crate) fn outer_offer(&self) -> Option<OuterOffer> {
        self.offer.as_ref().map(|offer| OuterOffer {
            number: offer.next.number,
            week: offer.week,
            encapsulation: offer.encapsulation.clone(),
        })
    }

    /// They say which key they have, and of which chain: if it is the next one, it is used from now
    /// on.
    pub(crate) fn outer_told(&mut self, of: Chain, number: u64, now: Millis) {
        let is_next =
            |offer: &mut OfferRecord| offer.next.number == number && chain(&offer.next.rank) == of;
        if let Some(offer) = self.offer.take_if(is_next) {
            self.send = Some(
                KeyRecord {
                    since: now,
                    ..offer.next
                }
                .into(),
            );
        }
    }

    /// Their next key came, in an envelope under `found`. Says whether that is news.
    pub(crate) fn follow(
        &mut self,
        found: Found,
        offer: &OuterOffer,
        prekeys: &PrekeyRing,
        now: Millis,
    ) -> bool {
        let known =
            |outer: &Outer| outer.record.rank == found.rank && outer.record.number >= offer.number;
        let Ok(encapsulation) =
            <&[u8; ENCAPSULATION_BYTES]>::try_from(offer.encapsulation.as_slice())
        else {
            return false;
        };
        if offer.number <= found.number || self.receive.iter().any(known) {
            return false;
        }
        let Some(secret) = prekeys.secret(offer.week) else {
            return false;
        };
        let Some(Ok(key)) = self
            .receive_key(found)
            .map(|current| current.follow(secret, encapsulation))
        else {
            return false;
        };
        let record = KeyRecord {
            rank: found.rank,
            number: offer.number,
            key,
            since: now,
        };
        self.receive.push(record.into());
        self.settle_keys(found);
        true
    }

    /// An envelope was opened under `found`: of its chain the key before it stays, it, and the newest
    /// one after it. Says whether any went.
    pub(crate) fn settle_keys(&mut self, found: Found) -> bool {
        let mut numbers: Vec<u64> = self
            .receive
            .iter()
            .filter(|outer| outer.record.rank == found.rank)
            .map(|outer| outer.record.number)
            .collect();
        numbers.sort_unstable();
        let current = numbers
            .iter()
            .copied()
            .filter(|number| *number >= found.number)
            .min();
        let before = numbers
            .iter()
            .copied()
            .filter(|number| *number < found.number)
            .max();
        let newest = numbers.last().copied();
        let count = self.receive.len();
        self.receive.retain(|outer| {
            let number = Some(outer.record.number);
            outer.record.rank != found.rank || [current, before, newest].contains(&number)
        });
        self.receive.len() != count
    }
}
