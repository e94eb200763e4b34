//! What the screens would show.

use std::collections::BTreeMap;

use komrade_view::{
    CircleView, CollectiveView, ComradeId, ComradeView, Event, IntroductionView, InviteView,
    MessageView, ProfileView, RouteView, VaultState,
};

/// The newest messages kept per comrade. Older ones are in the vault (`Command::OpenPage`).
pub const MESSAGES_SHOWN: usize = 1_000;

/// What the screens would show, from every event so far.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The vault, once looked at.
    pub vault: Option<VaultState>,
    /// The person themself, once the vault is open.
    pub profile: Option<ProfileView>,
    /// All comrades.
    pub comrades: Vec<ComradeView>,
    /// Live invites.
    pub invites: Vec<InviteView>,
    /// Introductions, made and offered.
    pub introductions: Vec<IntroductionView>,
    /// All collectives.
    pub collectives: Vec<CollectiveView>,
    /// All circles.
    pub circles: Vec<CircleView>,
    /// The way to the network.
    pub route: Option<RouteView>,
    /// Messages that came or changed since the start, by comrade and ordinal; at most [`MESSAGES_SHOWN`] each.
    pub messages: BTreeMap<ComradeId, BTreeMap<u64, MessageView>>,
}

impl Shown {
    /// The messages exchanged with a comrade, in their order.
    pub fn messages_of(&self, comrade: ComradeId) -> impl Iterator<Item = &MessageView> {
        self.messages
            .get(&comrade)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::Vault(vault) => self.vault = Some(vault),
            Event::Profile(profile) => self.profile = Some(profile),
            Event::Comrades(comrades) => self.comrades = comrades,
            Event::Invites(invites) => self.invites = invites,
            Event::Introductions(all) => self.introductions = all,
            Event::Collectives(all) => self.collectives = all,
            Event::Circles(all) => self.circles = all,
            Event::Route(route) => self.route = Some(route),
            Event::Message { comrade, message } => {
                let messages = self.messages.entry(comrade).or_default();
                messages.insert(message.ordinal, message);
                if messages.len() > MESSAGES_SHOWN {
                    messages.pop_first();
                }
            }
        }
    }
}
