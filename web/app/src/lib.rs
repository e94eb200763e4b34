//! The screens of Komrade: presentation only. Keys, rules and storage are the engine's, in its own
//! worker.
//!
//! Flow: [`start`] mounts [`screens::App`] and starts the worker through [`bridge`]; events of the
//! engine land in [`ui::Ui`], from which the screens read; commands go the other way. What a person
//! reads is in [`catalogue`], what it looks like in `style.css`, by tokens.
//!
//! Pure and natively tested: [`clock`], [`place`], [`thread`], [`rules`], [`vouches`], [`waiting`],
//! [`gate`], [`length`], [`qr`], [`catalogue`].
//!
//! # Names for tests
//!
//! Every control and state that a browser test needs carries a `data-testid`. They are part of this
//! crate's contract; change them together with `tests/`.
//!
//! | where | names |
//! |---|---|
//! | screens | `screen-opening` `screen-welcome` `screen-invited` `screen-cutting` `screen-bring` `screen-moved` `screen-unlock` `screen-people` (always there once open; on phones hidden behind the content) `screen-meet` `screen-conversation` (`data-comrade`) `screen-comrade` `screen-found` (`data-step`) `screen-collective` (`data-collective`, `data-standing`) `screen-route` `screen-settings` `screen-elsewhere` `screen-worker` `screen-store-failed` `screen-vault-newer` `screen-vault-damaged` `screen-loader` |
//! | everywhere | `nav-people` `nav-meet` `nav-route` `nav-settings` `nav-route-state` `back` `narrator` `narrators-skip` `announcer` `update` `update-now` `update-later` `update-damaged`; a field's error is `<field>-error` |
//! | welcome | `welcome-start` `welcome-bring` `welcome-erased` `welcome-relay` `welcome-no-relay` `welcome-join-damaged` `welcome-ios` `welcome-insecure` |
//! | invite without a vault | `invited-known` `invited-new` `invited-text` `invited-copy` `invited-back` `invited-error` |
//! | cutting | `cutting-step` (`data-step`: name, words, check, passphrase, sealing) `name` `name-next` `cutting-cancel` · `words` `word` (24, in order) `words-not` `words-written` · `check-word` (3, `data-position` 1–24) with fields `check-1` `check-2` `check-3`, `check-next` `check-again` · `passphrase-offered` `passphrase-take` `passphrase-own-instead` `passphrase-own` `passphrase-again` `passphrase-show` `passphrase-seal` `passphrase-offer` `seal-error` · `sealing` `sealing-elapsed` |
//! | unlock | `unlock-passphrase` `unlock-passphrase-error` `unlock-show` `unlock` `unlocking` `unlocking-elapsed` `unlock-invite` `unlock-join` |
//! | people | `person` (`data-standing`: Looking, Asked, Asking, AskingAgain, Met) `person-name` `person-last` `person-unread` (`data-count`) `people-empty` `people-meet` `people-no-relay` · `collective` (`data-standing`: linked, asked, invited, candidate, member, resting, left, removed, not-admitted, dissolved; `data-requests`) `collective-name` `collective-last` `collective-mentions` `collective-unread` (`data-count`) `collectives-empty` `people-found` |
//! | meet | `invite-days-1` `-7` `-14` `-21` `invite-with-relay` `invite-make` `invite-error` `invite-text` (the link) `invite-copy` `invite-share` `invite-qr` `invite-done` · `invite-paste` `invite-paste-error` `invite-read` `invite-preview` `invite-preview-relay` `invite-needs-relay` `invite-accept` `invite-accept-error` `invite-not-now` · `invite-row` (`data-answered`) `invite-works` (`data-placed`, `data-elsewhere`) `invite-revoke` `invites-empty` · `request` (`data-state`) `request-look` |
//! | request | `asked` `asking` (`data-again`) `asking-again` `code` `confirm` `confirm-compared` `decline` `asking-error` |
//! | comrade | `code` `verify` `unverify` `comrade-verified` (`data-verified`) `direct` `direct-error` `person-id` `forget` `delete-conversation` `remove` (each with `…-sure` and `…-not`) |
//! | conversation | `conversation-about` `conversation-verified` `conversation-reached` `messages` (`data-loaded`) `message` (`data-ordinal`, `data-mine`, `data-tick`: theirs, kept, accepted, delivered, expired) `message-text` `tick` `tick-explained` `day` `unread-divider` `older` `to-newest` `gap` `lost` `full` `copied` `conversation-empty` `composer` `send` `composer-error` `composer-room` |
//! | founding | `found-name` `found-next` `found-back` `template-0` `template-1` `template-2` `editor` `rule-…` (`vouches`, `ballot`, `removal`, `amendment`, `ordinary`, `days`, `quorum`, `majority`, `decision-days`, `delegates`, `delegates-admit`, `posters`, `expiry`, `rest`) `rules-fault` `rules` `found-look-name` `found-sure` `found-error` |
//! | collective | as a conversation, with `data-tick`: theirs, kept, accepted, seen; `collective-about` `room-talk` `room-decisions` `room-members` `room-rules` `post-author` `post-answers` `reply` `replying` `reply-not` `mentions` `mention` `alarm` `may-not-post` · `offered` `offer-yes` `offer-no` `offer-error` `candidate` `ended` `collective-forget` (with `…-sure` and `…-not`) |
//! | circles | `circle` (`data-standing`: mine, theirs) `circle-name` `circle-last` `circle-unread` `people-circle` · `screen-new-circle` `circle-name-field` `reader-…` `circle-make` · `screen-circle` (`data-circle`) `circle-about` `circle-who` `circle-empty` `circle-text` `circle-text-room` `circle-post` `circle-error` `circle-over` `circle-missing` `circle-copied` `circle-post-shown` `circle-post-text` `circle-post-about` `circle-older` `comment` (`data-waiting`) `comment-by` `comment-text` `comment-about` `comment-open` `comment-field` `comment-field-room` `comment-means` `comment-send` `comment-not` `comment-error` `take-back` `circle-leave` (each with `…-sure` and `…-not`) · `screen-circle-readers` `circle-count` `circle-reader` `circle-remove` `circle-end` (each with `…-sure` and `…-not`) `circle-add-who` `circle-older-too` `circle-add` `circle-add-error` `circle-rename` |
//! | links to a collective | `looking` `linked` `link-words` `link-words-room` `link-ask` `link-no` `link-error` `link-asked` `candidate` `candidacy` `withdraw` (with `…-sure` and `…-not`) · `requests` `member-request` `request-name` `request-words` `request-reason` `request-propose` `request-no` `request-error` |
//! | introductions | `introduce` `introduce-to` `introduce-words` `introduce-ask` `introduce-error` `introduced` `introduction-own` `introduction-end` · `introduction-asked` `introduction-yes` `introduction-no` `introduction-error` `introduction-agreed` `introduction-back` `introduction-met` `introduction-open` `introduction-seen` |
//! | decisions | `decisions-empty` `propose` `proposal` (`data-open`, `data-asks`) · `screen-proposal` `decisions-back` `proposal-matter` `change` `far-vouches` `far-votes` `far-against` `far-quorum` `option` (`data-votes`) `proposal-rule` `proposal-named` `your-word` `vouch-reason` `vouch` `vouch-error` `vote-yes` `vote-no` `vote-abstain` `vote-0` … `vote` `word-error` `word-resting` `voted` `heard-resting` `voices` `voice` `outcome` · `screen-propose` `propose-comrade` `-decide` `-amend` `-delegate` `-rest` `-remove` `-split` `-dissolve` `split-who` `split-sides` `split-each` `propose-form` `propose-who` `propose-ask` `propose-asked` `propose-question` `propose-options` `changes` `propose-reason` `propose-sure` `propose-error` |
//! | members | `vouched` `vouched-smaller` `vouched-larger` `member` `member-name` `member-since` `keys-since` `rekey` `rekeyed` `return` `leave` (with `…-sure` and `…-not`) `rules-change` |
//! | route | `route-summary` `route-rescuing` `route-relay` `route-link` `route-node` `route-router` `route-hosting` (each `data-mood`: done, waits, act, off, and `…-elapsed`) `route-waiting` `route-bytes` `queue` (`data-reason`: keys, patience, own-relay, their-device, work, quiet, turn, kept, handed-on, unreached) `queue-collective` (the same) `reconnect` `meanwhile` `dial` (`data-stage`) `saver-0` `-5` `-20` `-100` `saver-held` `replicas` `replicas-0` `-50` `-200` `-1000` `relays` `relay` (`data-standing`: in-use, leaving, tried; `data-up`: yes, no) `relay-first` `relay-add` `relay-leave` `relay-link` `relay-link-error` `relay-try` `relay-use` `relay-used` `learn` `learn-now` · `join` `join-use` `join-later` `join-error` `join-damaged` |
//! | moving | `move` `move-warning` `move-passphrase` `move-passphrase-error` `move-show` `move-sure` `move-not` `moving` (in the settings) · `moved-error` `moved-making` `moved-save` `moved-make` `moved-erase` `moved-erase-sure` `moved-erase-not` · `bring-file` `bring-file-error` `bring-passphrase` `bring-passphrase-error` `bring-show` `bring` `bringing` `bring-back` |
//! | settings | `me` `my-name` `my-code` `my-person-id` `new-name` `rename` `renamed` `lock` `ack-calm` `ack-quick` `ack-never` `passphrase-old` `passphrase-old-show` `passphrase-own` `passphrase-again` `passphrase-change` `changing` `passphrase-changed` `look-system` `look-light` `look-dark` `high-contrast` `narrators` `software` |
//! | trouble | `take-lead` `taking-lead` `trouble-action` |

pub mod bridge;
pub mod browser;
pub mod catalogue;
pub mod clock;
pub mod gate;
pub mod length;
pub mod look;
pub mod parts;
pub mod place;
pub mod qr;
pub mod rules;
pub mod screens;
pub mod thread;
pub mod ui;
pub mod vouches;
pub mod waiting;

use std::{rc::Rc, time::Duration};

use futures::FutureExt;
use leptos::{ev, mount::mount_to_body, prelude::*};

use crate::{
    bridge::{Bridge, release::Release},
    screens::App,
    ui::{Ports, Ui},
};

/// Starts the app in this page.
pub fn start() {
    mount(|ui| {
        let bridge = Bridge::start(move |event| ui.apply(event));
        let release = Release::watch();
        Ports {
            send: Rc::new(move |command| bridge.send(command).boxed_local()),
            restart: Rc::new(move || bridge.restart()),
            agree: Rc::new(move || release.agree()),
            worker: bridge.state(),
            software: release.software(),
        }
    });
}

/// Mounts the screens over whatever `connect` connects them to.
pub fn mount(connect: impl FnOnce(Ui) -> Ports + 'static) {
    look::restore();
    mount_to_body(move || {
        let ui = Ui::new();
        provide_context(ui);
        ui.read_address();
        ui.connect(connect(ui));
        set_interval(move || ui.now.set(clock::now()), Duration::from_secs(1));
        let _ = window_event_listener(ev::hashchange, move |_| ui.read_address());
        let _ = window_event_listener(ev::focus, move |_| ui.in_sight.set(browser::in_sight()));
        let _ = window_event_listener(ev::blur, move |_| ui.in_sight.set(browser::in_sight()));
        view! { <App/> }
    });
}
