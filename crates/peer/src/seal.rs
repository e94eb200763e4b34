//! From a packet to an envelope and back.
//!
//! Out: packet → Olm → padding → outer key of this direction; or, until the first answer, the whole
//! intro form: bundle and Olm message, sealed to the prekey in the comrade's bundle. In: the
//! reverse, one layer at a time.

use komrade_crypto::{first_contact, pairwise::Session};
use komrade_ether::{Class, Envelope, Header, IntroHint, expiry, pad};
use komrade_view::{ComradeId, Millis};
use zeroize::Zeroizing;

use crate::{
    home,
    open::Open,
    packet::{BundleUpdate, IntroBody, Packet},
    step::Step,
};

impl Open {
    /// Makes an envelope for a bucket with an operation, or with what the devices have to say about the way.
    pub(crate) fn seal(
        &mut self,
        step: &mut Step,
        id: ComradeId,
        operation: Option<Zeroizing<Vec<u8>>>,
        is_control: bool,
        life: Millis,
        bucket: Option<u16>,
    ) -> Option<Envelope> {
        let lacks_larger = self.lacks_larger();
        let comrade = self.comrades.get_mut(&id)?;
        let theirs = comrade.record.who?.party();
        let lowest = comrade.lowest();
        let pair = &mut comrade.pair;
        if !pair.can_seal() {
            return None;
        }
        if pair.is_session_worn(self.own.moves) {
            let bundle = pair.read_bundle()?;
            let content = bundle.content();
            let session = self
                .device
                .account()
                .start(&content.olm_identity, &content.olm_prekey);
            let rank = pair.sending()?.rank;
            pair.add_session(session.ok()?, rank, self.own.moves);
        }
        let (is_met, is_wanted) = (comrade.record.is_met(), comrade.record.is_wanted());
        let mut packet = Packet {
            operation,
            lowest: Some(lowest),
            ..Packet::default()
        };
        packet.report = is_wanted.then(|| pair.report(step.now, lacks_larger));
        if is_control && is_met {
            let number = self.device.bundle_number;
            let bundle = || self.device.bundle().as_bytes().to_vec();
            packet.bundle = (pair.bundle_told < number).then(|| BundleUpdate {
                number,
                bytes: bundle(),
            });
            packet.outer = pair.outer_offer();
            pair.offered_at = Some(step.now);
        }
        let intro = pair.sending().and_then(|contact| contact.secret.clone());
        let own = self.device.party();
        packet.binding = intro.as_ref().map(|secret| secret.binding(&own, &theirs));
        let message = Zeroizing::new(pair.encrypt(&packet.encode())?);
        step.touched.pairs.insert(id);
        if is_wanted {
            pair.note_reported(step.now, lacks_larger);
            step.show.comrades = true;
        }
        let mut header = Header {
            class: Class::smallest_for(0, intro.is_some())?,
            bucket: bucket.unwrap_or_else(|| {
                home::node_of(&comrade.record.homes).map_or(0, |home| home.bucket)
            }),
            expiry: expiry(step.now, life),
            nonce: step.draw(),
            hint: [0; 8],
        };
        let Some(contact) = intro else {
            let (key, detection) = pair.send_key()?;
            header.class = Class::smallest_for(message.len(), false)?;
            header.hint = detection.hint(&header.nonce);
            let content = Zeroizing::new(pad(&message, header.class.padded_bytes()).ok()?);
            let sealed = key.seal(&header.nonce, &header.encode(), &content).ok()?;
            return Envelope::new(header, &sealed).ok();
        };
        let bundle = pair.read_bundle()?;
        let key = comrade.record.accepted()?.secret.intro();
        let body = IntroBody {
            contact,
            bundle: self.device.bundle().as_bytes().to_vec(),
            message: message.to_vec(),
        };
        let body = body.encode();
        header.class = Class::smallest_for(body.len(), true)?;
        let week = bundle.content().week;
        header.hint = IntroHint {
            week,
            random: key.mark(&header.nonce),
        }
        .encode();
        let body = Zeroizing::new(pad(&body, header.class.padded_bytes()).ok()?);
        let to = &bundle.content().kem;
        let sealed = first_contact::seal(to, Some(&key), &header.encode(), &body, step.rng);
        Envelope::new(header, &sealed.ok()?).ok()
    }

    /// Opens a session towards whoever signed this bundle.
    pub(crate) fn start_session(&self, bundle: &komrade_crypto::bundle::Bundle) -> Option<Session> {
        let content = bundle.content();
        self.device
            .account()
            .start(&content.olm_identity, &content.olm_prekey)
            .ok()
    }
}
