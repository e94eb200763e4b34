//! A person without a browser: the same engine on tokio, asked what a screen would ask.

use std::{fmt::Debug, time::Duration};

use anyhow::{Context, Result, bail};
use komrade_crypto::vault::Params;
use komrade_headless::{Config, Peer, Shown};
use komrade_store::memory::MemoryStore;
use komrade_view::{
    AckPace, Answer, Choice, CollectiveCommand, CollectiveDetail, CollectiveId, CollectiveView,
    Command, ComradeId, ComradeState, ConstitutionView, Matter, NodeStage, PostsView, ProposalView,
    RouterStage, Secret, Standing, VaultState,
};

use crate::{I2P, LOCAL};

const PASSPHRASE: &str = "twelve characters at least";

/// A person with a headless peer, in one collective at most.
pub struct Unseen {
    /// The name they gave.
    pub name: String,
    peer: Peer,
}

impl Unseen {
    /// Cuts keys, seals a vault and joins a relay.
    ///
    /// # Errors
    /// If a step is refused.
    pub async fn arrive(join_link: &str, name: &str) -> Result<Self> {
        // Argon2id is no subject of these tests: as little as the vault takes.
        let config = Config {
            stretch: Params::FLOOR,
            ..Config::default()
        };
        let person = Self {
            name: name.to_owned(),
            peer: Peer::start(MemoryStore::default(), config)?,
        };
        person.vault_is(VaultState::Absent).await?;
        person.does(Command::CutKeys { name: name.into() }).await?;
        let passphrase = Secret::new(PASSPHRASE);
        person.does(Command::SealVault { passphrase }).await?;
        person.vault_is(VaultState::Open).await?;
        person.does(Command::SetAckPace(AckPace::Quick)).await?;
        let link = Secret::new(join_link);
        person.does(Command::UseRelay { link }).await?;
        Ok(person)
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If it is refused; the error says what was asked.
    pub async fn does(&self, command: Command) -> Result<Answer> {
        let shown = format!("{command:?}");
        let answer = self.peer.command(command).await;
        answer.with_context(|| format!("{}: {shown}", self.name))
    }

    /// Asks for something about collectives.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn orders(&self, command: CollectiveCommand) -> Result<Answer> {
        self.does(Command::Collective(command)).await
    }

    async fn sees<T>(
        &self,
        what: &str,
        bound: Duration,
        found: impl FnMut(&Shown) -> Option<T>,
    ) -> Result<T> {
        let seen = self.peer.wait(bound, found).await;
        seen.with_context(|| {
            let Shown {
                route, collectives, ..
            } = self.peer.shown();
            format!(
                "{} waited for {what}; {route:?} {:?}",
                self.name,
                collectives
                    .iter()
                    .map(|it| (it.standing, it.members, it.gap, it.alarm))
                    .collect::<Vec<_>>()
            )
        })
    }

    async fn vault_is(&self, state: VaultState) -> Result<()> {
        let found = |shown: &Shown| (shown.vault == Some(state)).then_some(());
        self.sees("the vault", LOCAL, found).await
    }

    /// Waits until the relay keeps mail for this person and reaches other relays.
    ///
    /// # Errors
    /// If it does not come to that.
    pub async fn reachable(&self) -> Result<()> {
        self.sees("a home", I2P, |shown| {
            let route = shown.route.as_ref()?;
            let ready = matches!(route.router, RouterStage::Ready { .. });
            (ready && matches!(route.node, NodeStage::Ready(_))).then_some(())
        })
        .await
    }

    /// Makes an invite.
    ///
    /// # Errors
    /// If none is made.
    pub async fn make_invite(&self) -> Result<String> {
        let make = Command::MakeInvite {
            with_relay: false,
            days: 7,
        };
        match self.does(make).await? {
            Answer::Invite { link, .. } => Ok(link.expose().to_owned()),
            other => unlike(&other),
        }
    }

    /// Accepts an invite.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn accept(&self, invite: &str) -> Result<()> {
        let link = Secret::new(invite);
        self.does(Command::AcceptInvite { link }).await?;
        Ok(())
    }

    /// Confirms the one comrade who has answered an invite.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn confirm(&self) -> Result<()> {
        let asking = self.sees("somebody who asks", I2P, |shown| {
            let mut all = shown.comrades.iter();
            all.find(|one| one.state == ComradeState::Asking)
                .map(|one| one.id)
        });
        let comrade = asking.await?;
        self.does(Command::Confirm { comrade }).await?;
        Ok(())
    }

    async fn comrade(&self, name: &str) -> Result<ComradeId> {
        self.sees(&format!("{name} to be met"), I2P, |shown| {
            let mut met = shown.comrades.iter();
            met.find(|one| one.state == ComradeState::Met && one.name == name)
                .map(|one| one.id)
        })
        .await
    }

    /// Founds a collective with these rules.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn found(&self, name: &str, rules: &ConstitutionView) -> Result<()> {
        let name = name.to_owned();
        let constitution = Box::new(rules.clone());
        self.orders(CollectiveCommand::Found { name, constitution })
            .await?;
        Ok(())
    }

    /// Asks a comrade whether they want to be proposed.
    ///
    /// # Errors
    /// If they are not met, or it is refused.
    pub async fn offer(&self, name: &str) -> Result<()> {
        let comrade = self.comrade(name).await?;
        let collective = self.collective().await?;
        let offer = CollectiveCommand::Offer {
            collective,
            comrade,
        };
        self.orders(offer).await?;
        Ok(())
    }

    /// Waits for such an offer, and says yes.
    ///
    /// # Errors
    /// If none comes.
    pub async fn take_offer(&self) -> Result<()> {
        self.stands("an offer", |it| {
            matches!(it.standing, Standing::Invited { .. })
        })
        .await?;
        let collective = self.collective().await?;
        let yes = CollectiveCommand::AnswerOffer {
            collective,
            accept: true,
        };
        self.orders(yes).await?;
        Ok(())
    }

    async fn collective(&self) -> Result<CollectiveId> {
        let first = |shown: &Shown| shown.collectives.first().map(|it| it.id);
        self.sees("a collective", LOCAL, first).await
    }

    /// Waits until the row of the collective is as it should be.
    ///
    /// # Errors
    /// If it does not come to that.
    pub async fn stands(&self, what: &str, is: impl Fn(&CollectiveView) -> bool) -> Result<()> {
        self.sees(what, I2P, |shown| {
            shown.collectives.first().filter(|it| is(it)).map(|_| ())
        })
        .await
    }

    /// Waits until this person is one of so many members.
    ///
    /// # Errors
    /// If it does not come to that.
    pub async fn one_of(&self, members: u32) -> Result<()> {
        self.stands(&format!("{members} members"), |it| {
            it.standing == Standing::Member && it.members == members
        })
        .await
    }

    /// Everything of the collective but its posts.
    ///
    /// # Errors
    /// If there is none.
    pub async fn detail(&self) -> Result<CollectiveDetail> {
        let id = self.collective().await?;
        match self.orders(CollectiveCommand::Read(id)).await? {
            Answer::CollectiveDetail(detail) => Ok(*detail),
            other => unlike(&other),
        }
    }

    /// Waits until something is found in the collective, its posts aside.
    ///
    /// # Errors
    /// If it does not come to that.
    pub async fn finds<T>(
        &self,
        what: &str,
        mut found: impl FnMut(&CollectiveDetail) -> Option<T>,
    ) -> Result<T> {
        loop {
            let detail = self.detail().await?;
            if let Some(found) = found(&detail) {
                return Ok(found);
            }
            let version = detail.version;
            self.stands(what, |it| it.version != version).await?;
        }
    }

    /// Proposes something.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn propose(&self, matter: Matter, reason: &str) -> Result<()> {
        let collective = self.collective().await?;
        let reason = reason.to_owned();
        self.orders(CollectiveCommand::Propose {
            collective,
            matter,
            reason,
        })
        .await?;
        Ok(())
    }

    async fn open_proposal(
        &self,
        what: &str,
        is: impl Fn(&ProposalView) -> bool,
    ) -> Result<ProposalView> {
        self.finds(what, |detail| {
            let mut open = detail.proposals.iter();
            open.find(|it| it.outcome.is_none() && is(it)).cloned()
        })
        .await
    }

    /// Waits for an open proposal that asks for a vouch, and gives it.
    ///
    /// # Errors
    /// If none comes.
    pub async fn vouch(&self, reason: &str) -> Result<()> {
        let wanted = self.open_proposal("a candidate to vouch for", |it| it.may_vouch);
        let proposal = wanted.await?.id;
        let collective = self.collective().await?;
        let reason = reason.to_owned();
        self.orders(CollectiveCommand::Vouch {
            collective,
            proposal,
            reason,
        })
        .await?;
        Ok(())
    }

    /// Waits for an open proposal about such a matter that one may vote on, and is for it.
    ///
    /// # Errors
    /// If none comes.
    pub async fn votes_for(&self, what: &str, is: impl Fn(&Matter) -> bool) -> Result<()> {
        let wanted = self.open_proposal(what, |it| it.may_vote && is(&it.matter));
        let proposal = wanted.await?.id;
        let collective = self.collective().await?;
        self.orders(CollectiveCommand::Vote {
            collective,
            proposal,
            choice: Choice::Yes,
        })
        .await?;
        Ok(())
    }

    /// Says something in the collective.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn post(&self, text: &str) -> Result<()> {
        let collective = self.collective().await?;
        let text = text.to_owned();
        self.orders(CollectiveCommand::Post {
            collective,
            text,
            reply_to: None,
            mentions: Vec::new(),
        })
        .await?;
        Ok(())
    }

    /// Everything said in the collective, oldest first; at most the last hundred.
    ///
    /// # Errors
    /// If there is none.
    pub async fn said(&self) -> Result<Vec<String>> {
        let collective = self.collective().await?;
        let all = CollectiveCommand::Posts {
            collective,
            before: None,
            limit: 100,
        };
        match self.orders(all).await? {
            Answer::Posts(PostsView { posts, .. }) => {
                Ok(posts.into_iter().map(|post| post.text).collect())
            }
            other => unlike(&other),
        }
    }

    /// Waits until this was said in the collective.
    ///
    /// # Errors
    /// If it does not come.
    pub async fn hears(&self, text: &str) -> Result<()> {
        let starts = |it: &CollectiveView| it.last.as_ref().map(|post| post.id);
        loop {
            let last = self.peer.shown().collectives.first().and_then(starts);
            if self.said().await?.iter().any(|said| said == text) {
                return Ok(());
            }
            self.stands(text, |it| starts(it) != last).await?;
        }
    }

    /// Leaves in good order.
    pub async fn stops(self) {
        self.peer.stop().await;
    }
}

fn unlike<T>(answer: &impl Debug) -> Result<T> {
    bail!("another answer: {answer:?}")
}
