//! The header: which passphrases open the vault.

use rand_core::CryptoRng;

use super::{Recipe, VERSION, stretch::RECIPE_BYTES};
use crate::{
    DecodeError, OpenError, SUITE, SealError,
    codec::Reader,
    derive::derive,
    labels,
    seal::{self, NONCE_BYTES, TAG_BYTES},
    secret::secret_bytes,
};

/// The length of an encoded [`Header`], in bytes.
pub const HEADER_BYTES: usize = 1 + 1 + RECIPE_BYTES + 2 * SLOT_BYTES;

const SLOT_BYTES: usize = NONCE_BYTES + 32 + TAG_BYTES;

// -----------------------------------------------------------------------------------------------

secret_bytes! {
    /// What the passphrase unwraps; seals the ring of record keys and nothing else.
    MasterKey, 32
}

/// Which of the two slots a passphrase opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Slot {
    fn number(self) -> u8 {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// The one record of a vault that is not sealed. Layout: version, suite, salt (16), memory, passes,
/// lanes (4 each), two slots of nonce (12), sealed master key (32), tag (16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    recipe: Recipe,
    slots: [[u8; SLOT_BYTES]; 2],
}

impl Header {
    /// Wraps a master key under a stretched passphrase, in a slot drawn by lot; the other one is
    /// random.
    pub fn new(
        recipe: Recipe,
        stretched: &[u8; 32],
        master: &MasterKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, SealError> {
        let mut header = Self {
            recipe,
            slots: [[0; SLOT_BYTES]; 2],
        };
        header
            .slots
            .iter_mut()
            .for_each(|slot| rng.fill_bytes(slot));
        let slot = if rng.next_u32() & 1 == 0 {
            Slot::First
        } else {
            Slot::Second
        };
        header.wrap(slot, stretched, master, rng)?;
        Ok(header)
    }

    /// How to stretch a passphrase for this vault.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The master key and the slot that held it, if this is the right passphrase, stretched.
    pub fn unwrap(&self, stretched: &[u8; 32]) -> Result<(Slot, MasterKey), OpenError> {
        let [first, second] = &self.slots;
        // Both are tried, whatever the first gives: the time does not tell which one is used.
        let first = self.try_slot(Slot::First, first, stretched);
        let second = self.try_slot(Slot::Second, second, stretched);
        first.or(second)
    }

    /// Wraps the master key under another stretched passphrase, in the slot that held it.
    pub fn wrap(
        &mut self,
        slot: Slot,
        stretched: &[u8; 32],
        master: &MasterKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), SealError> {
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let key = derive(stretched, labels::VAULT_SLOT, &[&[slot.number()]]);
        let sealed = seal::seal(&key, &nonce, &self.associated(slot), master.expose())?;
        let [first, second] = &mut self.slots;
        let place = match slot {
            Slot::First => first,
            Slot::Second => second,
        };
        place
            .iter_mut()
            .zip(nonce.into_iter().chain(sealed))
            .for_each(|(to, from)| *to = from);
        Ok(())
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&[VERSION, SUITE]);
        self.recipe.write(&mut out);
        self.slots
            .iter()
            .for_each(|slot| out.extend_from_slice(slot));
        out
    }

    /// Reads the bytes. Params that are too weak or absurd are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let recipe = Recipe::read(&mut reader)?;
        let slots = [reader.array()?, reader.array()?];
        reader.finish()?;
        Ok(Self { recipe, slots })
    }

    fn try_slot(
        &self,
        slot: Slot,
        wrapped: &[u8; SLOT_BYTES],
        stretched: &[u8; 32],
    ) -> Result<(Slot, MasterKey), OpenError> {
        let (nonce, sealed) = wrapped.split_first_chunk().ok_or(OpenError)?;
        let key = derive(stretched, labels::VAULT_SLOT, &[&[slot.number()]]);
        let master = seal::open(&key, nonce, &self.associated(slot), sealed)?;
        let master = master.as_slice().try_into().map_err(|_| OpenError)?;
        Ok((slot, MasterKey::from_bytes(master)))
    }

    fn associated(&self, slot: Slot) -> Vec<u8> {
        let mut out = vec![VERSION, SUITE, slot.number()];
        self.recipe.write(&mut out);
        out
    }
}
