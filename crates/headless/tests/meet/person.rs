//! A person with a headless peer.

use komrade_crypto::vault::Params;
use komrade_headless::{Config, Peer, Shown};
use komrade_store::memory::MemoryStore;
use komrade_view::{
    AckPace, Answer, Command, ComradeId, ComradeState, MessageView, NodeStage, PageView,
    RouterStage, Secret, Tick, VaultState,
};

use crate::{PATIENCE, world::Relay};

const PASSPHRASE: &str = "twelve characters at least";

pub struct Person {
    name: &'static str,
    store: MemoryStore,
    peer: Option<Peer>,
    comrade: Option<ComradeId>,
    /// Everything written, in order.
    written: Vec<String>,
}

impl Person {
    /// Cuts keys, seals a vault and joins a relay.
    pub async fn begins(name: &'static str, relay: &Relay) -> Self {
        let store = MemoryStore::default();
        let person = Self {
            name,
            peer: Some(start(&store)),
            store,
            comrade: None,
            written: vec![],
        };
        person.vault_is(VaultState::Absent).await;
        person.does(Command::CutKeys { name: name.into() }).await;
        let passphrase = Secret::new(PASSPHRASE);
        person.does(Command::SealVault { passphrase }).await;
        person.vault_is(VaultState::Open).await;
        person.does(Command::SetAckPace(AckPace::Quick)).await;
        person
            .does(Command::UseRelay {
                link: Secret::new(relay.join_link()),
            })
            .await;
        person
    }

    fn peer(&self) -> &Peer {
        self.peer.as_ref().expect("alive")
    }

    pub async fn does(&self, command: Command) -> Answer {
        let shown = format!("{command:?}");
        match self.peer().command(command).await {
            Ok(answer) => answer,
            Err(error) => panic!("{}: {shown}: {error}", self.name),
        }
    }

    async fn sees<T>(&self, what: &str, found: impl FnMut(&Shown) -> Option<T>) -> T {
        match self.peer().wait(PATIENCE, found).await {
            Ok(found) => found,
            Err(error) => {
                let Shown {
                    vault,
                    route,
                    comrades,
                    ..
                } = self.peer().shown();
                panic!(
                    "{} waited for {what}: {error}; {vault:?} {route:?} {comrades:?}",
                    self.name
                )
            }
        }
    }

    async fn vault_is(&self, state: VaultState) {
        self.sees("the vault", |shown| {
            (shown.vault == Some(state)).then_some(())
        })
        .await;
    }

    /// Waits until the relay keeps mail for this person and reaches other relays.
    pub async fn has_a_home(&self) {
        self.sees("a home", |shown| {
            let route = shown.route.as_ref()?;
            let ready = matches!(route.router, RouterStage::Ready { .. });
            (ready && matches!(route.node, NodeStage::Ready(_))).then_some(())
        })
        .await;
    }

    /// Makes an invite, which the other one accepts; and confirms them.
    pub async fn meets(&mut self, other: &mut Self) {
        let answer = self
            .does(Command::MakeInvite {
                with_relay: false,
                days: 7,
            })
            .await;
        let Answer::Invite { link, .. } = answer else {
            panic!("{answer:?}")
        };
        let answer = other.does(Command::AcceptInvite { link }).await;
        let Answer::Comrade(here) = answer else {
            panic!("{answer:?}")
        };
        other.comrade = Some(here);
        let asking = self.sees("somebody who asks", |shown| {
            let mut asking = shown.comrades.iter();
            asking
                .find(|one| one.state == ComradeState::Asking)
                .map(|one| (one.id, one.name.clone()))
        });
        let (there, name) = asking.await;
        assert_eq!(name, other.name);
        self.comrade = Some(there);
        self.does(Command::Confirm { comrade: there }).await;
        for person in [&*self, &*other] {
            let id = person.id();
            person
                .sees("the other", |shown| {
                    let mut met = shown
                        .comrades
                        .iter()
                        .filter(|one| one.state == ComradeState::Met);
                    met.find(|one| one.id == id).map(|_| ())
                })
                .await;
        }
    }

    fn id(&self) -> ComradeId {
        self.comrade.expect("met")
    }

    /// Writes a message; gives its place.
    pub async fn writes(&mut self, text: &str) -> u64 {
        let command = Command::SendMessage {
            comrade: self.id(),
            text: text.into(),
        };
        let answer = self.does(command).await;
        let Answer::Sent(message) = answer else {
            panic!("{answer:?}")
        };
        self.written.push(text.into());
        message.ordinal
    }

    /// Waits until the relay has a message; whether it was opened is not known then.
    pub async fn is_taken(&self, ordinal: u64) {
        let id = self.id();
        self.sees("the relay to take it", |shown| {
            let mut messages = shown.messages_of(id);
            let message = messages.find(|message| message.ordinal == ordinal)?;
            matches!(message.tick, Tick::Accepted(_)).then_some(())
        })
        .await;
    }

    /// Waits until everything that the other one wrote is here, once, in order, and nothing else.
    pub async fn has_all_of(&self, other: &Self) {
        let id = self.id();
        let newest = other.written.last().expect("written");
        self.sees("messages", |shown| {
            let mut messages = shown.messages_of(id);
            messages
                .find(|message| !message.mine && message.text == *newest)
                .map(|_| ())
        })
        .await;
        let kept = self.conversation().await;
        let theirs: Vec<_> = kept
            .iter()
            .filter(|message| !message.mine)
            .map(|message| &message.text)
            .collect();
        assert!(
            theirs.into_iter().eq(&other.written),
            "{} has not what {} wrote",
            self.name,
            other.name
        );
        let mine: Vec<_> = kept
            .iter()
            .filter(|message| message.mine)
            .map(|message| &message.text)
            .collect();
        assert!(
            mine.into_iter().eq(&self.written),
            "{} has not what they wrote",
            self.name
        );
    }

    /// Waits until the other one has said that all of it arrived.
    pub async fn has_everything_delivered(&self) {
        let id = self.id();
        self.sees("an empty outbox", |shown| {
            let comrade = shown.comrades.iter().find(|comrade| comrade.id == id)?;
            (comrade.waiting == 0).then_some(())
        })
        .await;
        loop {
            let kept = self.conversation().await;
            let mut open = kept
                .iter()
                .filter(|message| message.mine && !matches!(message.tick, Tick::Delivered(_)));
            let Some(open) = open.next().map(|message| message.ordinal) else {
                return;
            };
            self.sees("a tick", |shown| {
                let message = shown
                    .messages_of(id)
                    .find(|message| message.ordinal == open)?;
                matches!(message.tick, Tick::Delivered(_)).then_some(())
            })
            .await;
        }
    }

    /// The whole conversation as the vault has it, oldest first.
    async fn conversation(&self) -> Vec<MessageView> {
        let (mut before, mut all) = (None, Vec::new());
        loop {
            let command = Command::OpenPage {
                comrade: self.id(),
                before,
                limit: 100,
            };
            let answer = self.does(command).await;
            let Answer::Page(PageView {
                messages, older, ..
            }) = answer
            else {
                panic!("{answer:?}")
            };
            before = messages.first().map(|message| message.ordinal);
            all.splice(0..0, messages);
            if !older {
                return all;
            }
        }
    }

    pub async fn is_killed(&mut self) {
        self.peer.take().expect("alive").kill().await;
    }

    /// Starts again on the same store.
    pub async fn comes_back(&mut self) {
        self.peer = Some(start(&self.store));
        self.vault_is(VaultState::Locked).await;
        self.does(Command::Unlock {
            passphrase: Secret::new(PASSPHRASE),
        })
        .await;
        self.vault_is(VaultState::Open).await;
    }

    pub async fn stops(&mut self) {
        self.peer.take().expect("alive").stop().await;
    }
}

fn start(store: &MemoryStore) -> Peer {
    // Argon2id is no subject of these tests: as little as the vault takes.
    Peer::start(
        store.clone(),
        Config {
            stretch: Params::FLOOR,
            ..Config::default()
        },
    )
    .unwrap()
}
