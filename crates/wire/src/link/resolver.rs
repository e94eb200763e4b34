//! The primitives that snow is given: the same x25519-dalek, aes-gcm and sha2 as everything else here uses.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use sha2::{Digest, Sha256};
use snow::{
    Error,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::CryptoResolver,
    types::{Cipher, Dh, Hash, Random},
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

const KEY: usize = 32;
const TAG: usize = 16;

/// Gives out the primitives, and as randomness only the bytes of one ephemeral key, drawn beforehand.
pub(super) struct Resolver {
    pub(super) ephemeral: Zeroizing<[u8; KEY]>,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneKey(Some(self.ephemeral.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(X25519::default()) as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::new(Sha(Sha256::new())) as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::AESGCM).then(|| Box::new(AesGcm(None)) as Box<dyn Cipher>)
    }
}

struct OneKey(Option<Zeroizing<[u8; KEY]>>);

impl Random for OneKey {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let key = self.0.take().ok_or(Error::Rng)?;
        if bytes.len() != key.len() {
            return Err(Error::Rng);
        }
        bytes.copy_from_slice(key.as_slice());
        Ok(())
    }
}

#[derive(Default)]
struct X25519 {
    private: Zeroizing<[u8; KEY]>,
    public: [u8; KEY],
}

impl X25519 {
    fn replace(&mut self, private: [u8; KEY]) {
        self.private = Zeroizing::new(private);
        self.public = PublicKey::from(&StaticSecret::from(private)).to_bytes();
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        KEY
    }

    fn priv_len(&self) -> usize {
        KEY
    }

    fn set(&mut self, private: &[u8]) {
        // snow checks no length; a key of another length becomes one that nobody shares.
        self.replace(private.try_into().unwrap_or_default());
    }

    fn generate(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        let mut private = Zeroizing::new([0; KEY]);
        random.try_fill_bytes(private.as_mut_slice())?;
        self.replace(*private);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        self.private.as_slice()
    }

    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let public: [u8; KEY] = public
            .get(..KEY)
            .and_then(|key| key.try_into().ok())
            .ok_or(Error::Dh)?;
        let secret = StaticSecret::from(*self.private);
        let shared = secret.diffie_hellman(&PublicKey::from(public));
        if !shared.was_contributory() {
            return Err(Error::Dh);
        }
        out.get_mut(..KEY)
            .ok_or(Error::Dh)?
            .copy_from_slice(shared.as_bytes());
        Ok(())
    }
}

struct Sha(Sha256);

impl Hash for Sha {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        for (to, from) in out.iter_mut().zip(self.0.finalize_reset()) {
            *to = from;
        }
    }
}

struct AesGcm(Option<Aes256Gcm>);

impl AesGcm {
    /// Noise's nonce for AES-GCM: four zero bytes, then the counter, big-endian.
    fn nonce(counter: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        for (to, from) in nonce.iter_mut().skip(4).zip(counter.to_be_bytes()) {
            *to = from;
        }
        nonce
    }

    fn seal(&self, nonce: u64, data: &[u8], plaintext: &[u8], out: &mut [u8]) -> Option<()> {
        let (body, rest) = out.split_at_mut_checked(plaintext.len())?;
        let buffer = InOutBuf::new(plaintext, body).ok()?;
        let nonce = Self::nonce(nonce).into();
        let tag = self
            .0
            .as_ref()?
            .encrypt_inout_detached(&nonce, data, buffer)
            .ok()?;
        rest.get_mut(..TAG)?.copy_from_slice(&tag);
        Some(())
    }

    fn open(&self, nonce: u64, data: &[u8], sealed: &[u8], out: &mut [u8]) -> Option<usize> {
        let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let tag: [u8; TAG] = tag.try_into().ok()?;
        let buffer = InOutBuf::new(body, out.get_mut(..body.len())?).ok()?;
        let nonce = Self::nonce(nonce).into();
        self.0
            .as_ref()?
            .decrypt_inout_detached(&nonce, data, buffer, &tag.into())
            .ok()?;
        Some(body.len())
    }
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; KEY]) {
        self.0 = Some(Aes256Gcm::new(key.into()));
    }

    fn encrypt(&self, nonce: u64, data: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        if self.seal(nonce, data, plaintext, out).is_none() {
            // snow has checked all lengths, so this is not reached; were it, nothing readable may leave.
            out.fill(0);
        }
        plaintext.len() + TAG
    }

    fn decrypt(
        &self,
        nonce: u64,
        data: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        self.open(nonce, data, sealed, out).ok_or(Error::Decrypt)
    }
}
