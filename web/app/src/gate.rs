//! Which screen stands before a person: the vault decides, unless something more urgent does.

use komrade_view::VaultState;

use crate::bridge::WorkerState;

/// What stands before a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gate {
    /// The vault is being looked at.
    #[default]
    Opening,
    /// There is no vault.
    Welcome,
    /// There is no vault, and an invite was opened.
    Invited,
    /// Keys are being cut.
    Cutting,
    /// A vault is brought from elsewhere.
    Bring,
    /// The vault has left for another address.
    Moved,
    /// The vault is locked or being unlocked.
    Unlock,
    /// The app itself.
    Open,
    /// Another tab leads.
    Elsewhere,
    /// The store refused a write.
    StoreFailed,
    /// The vault is from a newer version.
    Newer,
    /// The vault cannot be read.
    Damaged,
    /// The worker was ended.
    Worker,
    /// The software's loader was replaced.
    Loader,
}

/// All that decides.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The vault, once told.
    pub vault: Option<VaultState>,
    /// The worker.
    pub worker: &'a WorkerState,
    /// The loader was replaced.
    pub loader_changed: bool,
    /// The person began to cut keys.
    pub cutting: bool,
    /// The person brings a vault from elsewhere.
    pub bringing: bool,
    /// An invite was opened and not dealt with.
    pub invited: bool,
    /// The person has read that the store failed, and wants to unlock again.
    pub store_failure_read: bool,
}

impl Gate {
    /// What stands before a person after `before`.
    pub fn after(before: Option<Self>, facts: Facts<'_>) -> Self {
        if facts.loader_changed {
            return Self::Loader;
        }
        if facts.worker.ended() {
            return Self::Worker;
        }
        match facts.vault {
            // What was brought is read before it opens.
            Some(VaultState::Opening) if before == Some(Self::Bring) => Self::Bring,
            None | Some(VaultState::Opening) => Self::Opening,
            Some(VaultState::Absent) if facts.cutting => Self::Cutting,
            Some(VaultState::Absent) if facts.bringing => Self::Bring,
            Some(VaultState::Absent) if facts.invited => Self::Invited,
            Some(VaultState::Absent) => Self::Welcome,
            Some(VaultState::Locked) => Self::Unlock,
            // Argon2id also works while keys are cut and while a passphrase is changed.
            Some(VaultState::Stretching(_)) => match before {
                Some(here @ (Self::Cutting | Self::Bring | Self::Moved | Self::Open)) => here,
                _ => Self::Unlock,
            },
            Some(VaultState::Open) => Self::Open,
            Some(VaultState::Moved { .. }) => Self::Moved,
            Some(VaultState::LedElsewhere(_)) => Self::Elsewhere,
            Some(VaultState::StoreFailed) if facts.store_failure_read => Self::Unlock,
            Some(VaultState::StoreFailed) => Self::StoreFailed,
            Some(VaultState::Newer) => Self::Newer,
            Some(VaultState::Damaged) => Self::Damaged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(vault: VaultState) -> Facts<'static> {
        Facts {
            vault: Some(vault),
            worker: &WorkerState::Ready,
            loader_changed: false,
            cutting: false,
            bringing: false,
            invited: false,
            store_failure_read: false,
        }
    }

    #[test]
    fn stretching_stays_where_the_person_is() {
        let stretching = facts(VaultState::Stretching(1));
        for before in [
            Gate::Cutting,
            Gate::Bring,
            Gate::Moved,
            Gate::Open,
            Gate::Unlock,
        ] {
            assert_eq!(Gate::after(Some(before), stretching), before);
        }
        assert_eq!(Gate::after(None, stretching), Gate::Unlock);
    }

    #[test]
    fn without_a_vault_an_invite_asks_first_and_cutting_goes_on() {
        let absent = facts(VaultState::Absent);
        assert_eq!(Gate::after(None, absent), Gate::Welcome);
        assert_eq!(
            Gate::after(
                None,
                Facts {
                    invited: true,
                    ..absent
                }
            ),
            Gate::Invited
        );
        let cutting = Facts {
            invited: true,
            cutting: true,
            ..absent
        };
        assert_eq!(Gate::after(None, cutting), Gate::Cutting);
    }

    #[test]
    fn a_vault_that_is_brought_stays_on_its_screen_until_it_opens() {
        let bringing = |vault| Facts {
            bringing: true,
            ..facts(vault)
        };
        let screen = Some(Gate::Bring);
        for vault in [
            VaultState::Absent,
            VaultState::Stretching(1),
            VaultState::Opening,
        ] {
            assert_eq!(Gate::after(screen, bringing(vault)), Gate::Bring);
        }
        assert_eq!(Gate::after(screen, bringing(VaultState::Open)), Gate::Open);
        let moved = facts(VaultState::Moved {
            is_ready: false,
            can_erase: false,
        });
        assert_eq!(Gate::after(Some(Gate::Open), moved), Gate::Moved);
    }

    #[test]
    fn an_ended_worker_and_a_replaced_loader_come_first() {
        let open = facts(VaultState::Open);
        let silent = Facts {
            worker: &WorkerState::Silent,
            ..open
        };
        assert_eq!(Gate::after(Some(Gate::Open), silent), Gate::Worker);
        assert_eq!(
            Gate::after(
                None,
                Facts {
                    loader_changed: true,
                    ..silent
                }
            ),
            Gate::Loader
        );
    }

    #[test]
    fn a_store_that_failed_is_explained_before_unlocking() {
        let failed = facts(VaultState::StoreFailed);
        assert_eq!(Gate::after(Some(Gate::Open), failed), Gate::StoreFailed);
        let read = Facts {
            store_failure_read: true,
            ..failed
        };
        assert_eq!(Gate::after(Some(Gate::StoreFailed), read), Gate::Unlock);
    }
}
