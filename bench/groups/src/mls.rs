//! MLS (RFC 9420), as openmls has it.
//!
//! The group grows member by member, each joining by a commit of its own, so that every node of the tree has a key and none has leaves
//! that were only hung below it: the tree in which later commits are shortest. The founder stays the one that follows; the newest member
//! is the author, in the other half of the tree; somebody in the middle is removed.

use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, DeserializeBytes, GroupId,
    LeafNodeIndex, LeafNodeParameters, MIXED_CIPHERTEXT_WIRE_FORMAT_POLICY, MlsGroup,
    MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn, MlsMessageOut, OpenMlsCrypto,
    OpenMlsProvider, OpenMlsRand, ProcessedMessageContent,
};
use openmls_basic_credential::SignatureKeyPair;

use crate::{Group, storage::Storage};

/// Arithmetic and chance.
pub trait Arithmetic: OpenMlsCrypto + OpenMlsRand + 'static {}

impl<C: OpenMlsCrypto + OpenMlsRand + 'static> Arithmetic for C {}

/// What openmls asks of its host.
struct Provider<C> {
    crypto: Rc<C>,
    storage: Storage,
}

impl<C: Arithmetic> OpenMlsProvider for Provider<C> {
    type CryptoProvider = C;
    type RandProvider = C;
    type StorageProvider = Storage;

    fn storage(&self) -> &Storage {
        &self.storage
    }

    fn crypto(&self) -> &C {
        &self.crypto
    }

    fn rand(&self) -> &C {
        &self.crypto
    }
}

/// A member, and what it keeps.
struct Member<C> {
    provider: Provider<C>,
    signer: Rc<SignatureKeyPair>,
    group: MlsGroup,
}

/// A member that can be woken again and again.
struct Asleep {
    storage: Storage,
    signer: Rc<SignatureKeyPair>,
    group: GroupId,
}

/// A group of which somebody is removed.
pub struct Mls<C> {
    name: &'static str,
    crypto: Rc<C>,
    before: [Asleep; 2],
    removed: LeafNodeIndex,
    remaining: usize,
    author: Option<Member<C>>,
    other: Option<Member<C>>,
    commit: Vec<u8>,
}

impl<C: Arithmetic> Member<C> {
    fn sleep(&self) -> Asleep {
        Asleep {
            storage: self.provider.storage.clone(),
            signer: Rc::clone(&self.signer),
            group: self.group.group_id().clone(),
        }
    }

    fn wake(crypto: &Rc<C>, asleep: &Asleep) -> Result<Self> {
        let group = MlsGroup::load(&asleep.storage, &asleep.group)?;
        Ok(Self {
            group: group.context("no group in the storage")?,
            provider: Provider {
                crypto: Rc::clone(crypto),
                storage: asleep.storage.clone(),
            },
            signer: Rc::clone(&asleep.signer),
        })
    }

    /// Takes what somebody else sent: merges a commit, returns the text of a message.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let message = read(bytes)?.try_into_protocol_message()?;
        let processed = self.group.process_message(&self.provider, message)?;
        match processed.into_content() {
            ProcessedMessageContent::ApplicationMessage(message) => Ok(message.into_bytes()),
            ProcessedMessageContent::StagedCommitMessage(commit) => {
                self.group.merge_staged_commit(&self.provider, *commit)?;
                Ok(Vec::new())
            }
            _ => bail!("neither a message nor a commit"),
        }
    }
}

/// Grows one group, and keeps what it was at each of these sizes and one more, who is to be removed.
pub fn grow<C: Arithmetic>(
    name: &'static str,
    suite: Ciphersuite,
    crypto: &Rc<C>,
    sizes: &[usize],
) -> Result<Vec<Mls<C>>> {
    let most = sizes.iter().max().context("no sizes")?;
    let capabilities = Capabilities::new(None, Some(&[suite]), None, None, None);
    let signer = || -> Result<_> {
        let pair = SignatureKeyPair::new(suite.signature_algorithm());
        Ok(Rc::new(pair.map_err(|error| anyhow!("{error:?}"))?))
    };
    let credential = |number: usize, signer: &SignatureKeyPair| CredentialWithKey {
        // As long as the id of a person.
        credential: BasicCredential::new(format!("{number:032}").into_bytes()).into(),
        signature_key: signer.to_public_vec().into(),
    };
    let provider = || Provider {
        crypto: Rc::clone(crypto),
        storage: Storage::default(),
    };
    let (own, own_signer) = (provider(), signer()?);
    let group = MlsGroup::builder()
        .ciphersuite(suite)
        .with_wire_format_policy(MIXED_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .with_capabilities(capabilities.clone())
        .build(&own, own_signer.as_ref(), credential(0, &own_signer))?;
    let mut founder = Member {
        provider: own,
        signer: own_signer,
        group,
    };
    let config = MlsGroupJoinConfig::builder()
        .wire_format_policy(MIXED_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .build();
    let mut newest: Option<Member<C>> = None;
    let mut groups = Vec::new();
    for number in 1..=*most {
        let host = newest.as_ref().unwrap_or(&founder);
        let info = host
            .group
            .export_group_info(crypto.as_ref(), host.signer.as_ref(), false)?;
        let MlsMessageBodyIn::GroupInfo(info) = read(&written(&info)?)?.extract() else {
            bail!("no group info");
        };
        let tree = host.group.export_ratchet_tree();
        let (own, own_signer) = (provider(), signer()?);
        let leaf = LeafNodeParameters::builder().with_capabilities(capabilities.clone());
        let (group, commit) = MlsGroup::external_commit_builder()
            .with_ratchet_tree(tree.into())
            .with_config(config.clone())
            .build_group(&own, info, credential(number, &own_signer))?
            .leaf_node_parameters(leaf.build())
            .load_psks(own.storage())?
            .build(own.rand(), own.crypto(), own_signer.as_ref(), |_| true)?
            .finalize(&own)?;
        founder.take(&written(commit.commit())?)?;
        let joined = Member {
            provider: own,
            signer: own_signer,
            group,
        };
        if sizes.contains(&number) {
            groups.push(Mls {
                name,
                crypto: Rc::clone(crypto),
                before: [joined.sleep(), founder.sleep()],
                removed: LeafNodeIndex::new(u32::try_from(number / 3)?),
                remaining: number,
                author: None,
                other: None,
                commit: Vec::new(),
            });
        }
        newest = Some(joined);
    }
    Ok(groups)
}

impl<C: Arithmetic> Group for Mls<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn reset(&mut self) -> Result<()> {
        let [author, other] = &self.before;
        self.author = Some(Member::wake(&self.crypto, author)?);
        self.other = Some(Member::wake(&self.crypto, other)?);
        Ok(())
    }

    fn rekey(&mut self) -> Result<()> {
        let author = self.author.as_mut().context("nobody woke")?;
        let (group, provider) = (&mut author.group, &author.provider);
        let (commit, _, _) =
            group.remove_members(provider, author.signer.as_ref(), &[self.removed])?;
        self.commit = written(&commit)?;
        group.merge_pending_commit(provider)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let other = self.other.as_mut().context("nobody woke")?;
        other.take(&self.commit)?;
        Ok(())
    }

    fn encrypt(&mut self, text: &str) -> Result<Vec<u8>> {
        let author = self.author.as_mut().context("nobody woke")?;
        let (group, provider) = (&mut author.group, &author.provider);
        let message = group.create_message(provider, author.signer.as_ref(), text.as_bytes())?;
        written(&message)
    }

    fn decrypt(&mut self, sealed: &[u8]) -> Result<Vec<u8>> {
        let other = self.other.as_mut().context("nobody woke")?;
        other.take(sealed)
    }

    fn state_bytes(&self) -> Result<usize> {
        let other = self.other.as_ref().context("nobody woke")?;
        Ok(other.provider.storage.bytes())
    }

    fn sent_bytes(&self) -> Result<Vec<(&'static str, usize)>> {
        let sent = self.commit.len();
        Ok(vec![
            ("sent", sent),
            ("fetched", sent * self.remaining.saturating_sub(1)),
        ])
    }
}

fn written(message: &MlsMessageOut) -> Result<Vec<u8>> {
    Ok(message.to_bytes()?)
}

fn read(bytes: &[u8]) -> Result<MlsMessageIn> {
    Ok(MlsMessageIn::tls_deserialize_exact_bytes(bytes)?)
}
