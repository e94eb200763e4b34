//! Where openmls keeps the state of its groups here: in memory, each value as `postcard`, the most compact of the common formats. (Its
//! own store in memory keeps JSON, in which a byte takes up to four, so that both sizes and times would say more of that than of MLS.)

use std::{cell::RefCell, collections::HashMap};

use openmls_traits::storage::{CURRENT_VERSION as V, StorageProvider, traits};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// A label and a key.
type Place = (&'static str, Vec<u8>);

/// What is kept of one member's groups.
#[derive(Clone, Default)]
pub(crate) struct Storage {
    values: RefCell<HashMap<Place, Vec<u8>>>,
}

/// A value is not what it should be.
#[derive(Debug, Error)]
pub(crate) enum StorageError {
    #[error("not a value: {0}")]
    Value(#[from] postcard::Error),
    #[error("not a configuration: {0}")]
    Config(#[from] serde_json::Error),
}

type Done = Result<(), StorageError>;

impl Storage {
    /// The lengths of all values together.
    pub(crate) fn bytes(&self) -> usize {
        self.values.borrow().values().map(Vec::len).sum()
    }

    fn put(
        &self,
        label: &'static str,
        key: &impl Serialize,
        value: &(impl Serialize + ?Sized),
    ) -> Done {
        let place = (label, postcard::to_allocvec(key)?);
        let value = postcard::to_allocvec(value)?;
        self.values.borrow_mut().insert(place, value);
        Ok(())
    }

    fn take<T: DeserializeOwned>(
        &self,
        label: &'static str,
        key: &impl Serialize,
    ) -> Result<Option<T>, StorageError> {
        let place = (label, postcard::to_allocvec(key)?);
        let values = self.values.borrow();
        let value = values.get(&place).map(|bytes| postcard::from_bytes(bytes));
        Ok(value.transpose()?)
    }

    fn list<T: DeserializeOwned>(
        &self,
        label: &'static str,
        key: &impl Serialize,
    ) -> Result<Vec<T>, StorageError> {
        let items: Vec<Vec<u8>> = self.take(label, key)?.unwrap_or_default();
        let items = items.iter().map(|item| Ok(postcard::from_bytes(item)?));
        items.collect()
    }

    fn change(
        &self,
        label: &'static str,
        key: &impl Serialize,
        item: &impl Serialize,
        change: impl FnOnce(&mut Vec<Vec<u8>>, Vec<u8>),
    ) -> Done {
        let mut items: Vec<Vec<u8>> = self.take(label, key)?.unwrap_or_default();
        change(&mut items, postcard::to_allocvec(item)?);
        self.put(label, key, &items)
    }

    fn erase(&self, label: &'static str, key: &impl Serialize) -> Done {
        let place = (label, postcard::to_allocvec(key)?);
        self.values.borrow_mut().remove(&place);
        Ok(())
    }
}

/// `write: key kind, value kind` with the label as which it is kept.
macro_rules! write {
    ($($label:literal: $write:ident($key:ident, $value:ident);)+) => {$(
        fn $write<K: traits::$key<V>, T: traits::$value<V>>(&self, key: &K, value: &T) -> Done {
            self.put($label, key, value)
        }
    )+};
}

macro_rules! read {
    ($($label:literal: $read:ident($key:ident) -> $value:ident;)+) => {$(
        fn $read<K: traits::$key<V>, T: traits::$value<V>>(&self, key: &K) -> Result<Option<T>, StorageError> {
            self.take($label, key)
        }
    )+};
}

macro_rules! delete {
    ($($label:literal: $delete:ident($key:ident);)+) => {$(
        fn $delete<K: traits::$key<V>>(&self, key: &K) -> Done {
            self.erase($label, key)
        }
    )+};
}

impl StorageProvider<V> for Storage {
    type Error = StorageError;

    write! {
        "tree": write_tree(GroupId, TreeSync);
        "interim": write_interim_transcript_hash(GroupId, InterimTranscriptHash);
        "context": write_context(GroupId, GroupContext);
        "confirmation": write_confirmation_tag(GroupId, ConfirmationTag);
        "secrets": write_message_secrets(GroupId, MessageSecrets);
        "resumption": write_resumption_psk_store(GroupId, ResumptionPskStore);
        "own index": write_own_leaf_index(GroupId, LeafNodeIndex);
        "epoch": write_group_epoch_secrets(GroupId, GroupEpochSecrets);
        "signature": write_signature_key_pair(SignaturePublicKey, SignatureKeyPair);
        "encryption": write_encryption_key_pair(EncryptionKey, HpkeKeyPair);
        "package": write_key_package(HashReference, KeyPackage);
        "psk": write_psk(PskId, PskBundle);
    }

    read! {
        "tree": tree(GroupId) -> TreeSync;
        "interim": interim_transcript_hash(GroupId) -> InterimTranscriptHash;
        "context": group_context(GroupId) -> GroupContext;
        "confirmation": confirmation_tag(GroupId) -> ConfirmationTag;
        "secrets": message_secrets(GroupId) -> MessageSecrets;
        "resumption": resumption_psk_store(GroupId) -> ResumptionPskStore;
        "own index": own_leaf_index(GroupId) -> LeafNodeIndex;
        "epoch": group_epoch_secrets(GroupId) -> GroupEpochSecrets;
        "signature": signature_key_pair(SignaturePublicKey) -> SignatureKeyPair;
        "package": key_package(HashReference) -> KeyPackage;
    }

    delete! {
        "own leaves": delete_own_leaf_nodes(GroupId);
        "config": delete_group_config(GroupId);
        "tree": delete_tree(GroupId);
        "interim": delete_interim_transcript_hash(GroupId);
        "context": delete_context(GroupId);
        "confirmation": delete_confirmation_tag(GroupId);
        "state": delete_group_state(GroupId);
        "secrets": delete_message_secrets(GroupId);
        "resumption": delete_all_resumption_psk_secrets(GroupId);
        "own index": delete_own_leaf_index(GroupId);
        "epoch": delete_group_epoch_secrets(GroupId);
        "signature": delete_signature_key_pair(SignaturePublicKey);
        "encryption": delete_encryption_key_pair(EncryptionKey);
        "package": delete_key_package(HashReference);
        "psk": delete_psk(PskId);
    }

    // The configuration, some hundred bytes, can be read from formats only that name their fields.

    fn write_mls_join_config<K: traits::GroupId<V>, T: traits::MlsGroupJoinConfig<V>>(
        &self,
        key: &K,
        value: &T,
    ) -> Done {
        self.put("config", key, &serde_json::to_string(value)?)
    }

    fn mls_group_join_config<K: traits::GroupId<V>, T: traits::MlsGroupJoinConfig<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, StorageError> {
        let text: Option<String> = self.take("config", key)?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    // Those whose kinds stand the other way round, and lists.

    fn write_group_state<T: traits::GroupState<V>, K: traits::GroupId<V>>(
        &self,
        key: &K,
        value: &T,
    ) -> Done {
        self.put("state", key, value)
    }

    fn group_state<T: traits::GroupState<V>, K: traits::GroupId<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, StorageError> {
        self.take("state", key)
    }

    fn encryption_key_pair<T: traits::HpkeKeyPair<V>, K: traits::EncryptionKey<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, StorageError> {
        self.take("encryption", key)
    }

    fn psk<T: traits::PskBundle<V>, K: traits::PskId<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, StorageError> {
        self.take("psk", key)
    }

    fn append_own_leaf_node<K: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        key: &K,
        value: &T,
    ) -> Done {
        self.change("own leaves", key, value, Vec::push)
    }

    fn own_leaf_nodes<K: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        key: &K,
    ) -> Result<Vec<T>, StorageError> {
        self.list("own leaves", key)
    }

    fn write_encryption_epoch_key_pairs<
        K: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        key: &K,
        epoch: &E,
        leaf: u32,
        pairs: &[T],
    ) -> Done {
        self.put("epoch keys", &(key, epoch, leaf), pairs)
    }

    fn encryption_epoch_key_pairs<
        K: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        key: &K,
        epoch: &E,
        leaf: u32,
    ) -> Result<Vec<T>, StorageError> {
        Ok(self
            .take("epoch keys", &(key, epoch, leaf))?
            .unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<K: traits::GroupId<V>, E: traits::EpochKey<V>>(
        &self,
        key: &K,
        epoch: &E,
        leaf: u32,
    ) -> Done {
        self.erase("epoch keys", &(key, epoch, leaf))
    }

    fn queue_proposal<
        K: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    >(
        &self,
        key: &K,
        reference: &R,
        proposal: &T,
    ) -> Done {
        self.put("proposal", &(key, reference), proposal)?;
        self.change("proposals", key, reference, Vec::push)
    }

    fn queued_proposal_refs<K: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        key: &K,
    ) -> Result<Vec<R>, StorageError> {
        self.list("proposals", key)
    }

    fn queued_proposals<
        K: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    >(
        &self,
        key: &K,
    ) -> Result<Vec<(R, T)>, StorageError> {
        let mut proposals = Vec::new();
        for reference in self.list::<R>("proposals", key)? {
            if let Some(proposal) = self.take("proposal", &(key, &reference))? {
                proposals.push((reference, proposal));
            }
        }
        Ok(proposals)
    }

    fn remove_proposal<K: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        key: &K,
        reference: &R,
    ) -> Done {
        self.change("proposals", key, reference, |items, gone| {
            items.retain(|item| *item != gone)
        })?;
        self.erase("proposal", &(key, reference))
    }

    fn clear_proposal_queue<K: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        key: &K,
    ) -> Done {
        for reference in self.list::<R>("proposals", key)? {
            self.erase("proposal", &(key, &reference))?;
        }
        self.erase("proposals", key)
    }
}
