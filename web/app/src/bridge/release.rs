//! The software itself: which release is kept for offline use, and alarms about it.
//!
//! The service worker (`web/public/sw.js`) is a loader that stays the same from release to release. It
//! keeps one release, of which every file was checked against one manifest, and serves only that. When the
//! relay offers another, the person is asked; until they agree the kept one runs on. Should the loader
//! itself ever be replaced, somebody put other software in charge: that is an alarm, and
//! [`Software::LoaderChanged`] stays until the tab is closed.
//!
//! Left out: the release signature, which needs a published key.

use std::rc::Rc;

use js_sys::{Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageEvent, ServiceWorkerContainer, ServiceWorkerRegistration};

/// The loader's address, known to the page's Trusted Types policy too.
const LOADER: &str = "/sw.js";

/// What is known of the software.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Software {
    /// This browser, or this address (plain http, not loopback), keeps no software: the app opens only
    /// while the relay answers.
    NotKept,
    /// Being fetched and checked.
    Keeping,
    /// Kept: the app opens without the relay.
    Kept {
        /// The first 16 hex digits of the SHA-256 of the release's manifest.
        release: String,
    },
    /// The relay offers another release, fetched and checked, which starts once the person agrees.
    Offered {
        /// The first 16 hex digits of the SHA-256 of the kept release's manifest.
        kept: String,
        /// The same of the offered one.
        offered: String,
    },
    /// A file of the offered release did not match its hash; the kept one runs on.
    Damaged,
    /// The loader was replaced. Lock, and say so.
    LoaderChanged,
}

/// Watches over the software.
#[derive(Clone, Copy)]
pub struct Release {
    software: RwSignal<Software>,
    registration: StoredValue<Option<ServiceWorkerRegistration>, LocalStorage>,
}

impl Release {
    /// Registers the loader and listens to it. Call once, under the root owner.
    pub fn watch() -> Self {
        let software = RwSignal::new(Software::NotKept);
        let release = Self {
            software,
            registration: StoredValue::new_local(None),
        };
        if window().is_secure_context()
            && let Some(container) = container()
        {
            software.set(Software::Keeping);
            release.listen(&container);
            spawn_local(async move {
                if release.register(&container).await.is_none() {
                    release.show(Software::NotKept);
                }
            });
        }
        release
    }

    /// What is known of the software.
    pub fn software(self) -> ReadSignal<Software> {
        self.software.read_only()
    }

    /// The person agreed to the offered release: the page reloads into it.
    pub fn agree(self) {
        if let Software::Offered { offered, .. } = self.software.get_untracked() {
            self.tell("agree", &offered);
        }
    }

    /// An alarm is never taken back.
    fn show(self, software: Software) {
        let _ = self.software.try_update(|now| {
            if *now != Software::LoaderChanged {
                *now = software;
            }
        });
    }

    fn listen(self, container: &ServiceWorkerContainer) {
        let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            self.heard(&event.data());
        });
        container.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        heard.forget(); // As long-lived as the page.
    }

    fn heard(self, data: &JsValue) {
        let text = |key: &str| {
            Reflect::get(data, &JsValue::from_str(key))
                .ok()
                .and_then(|value| value.as_string())
                .unwrap_or_default()
        };
        match text("say").as_str() {
            "kept" => self.show(Software::Kept {
                release: text("kept"),
            }),
            "offered" => {
                self.show(Software::Offered {
                    kept: text("kept"),
                    offered: text("offered"),
                });
            }
            "damaged" => self.show(Software::Damaged),
            "agreed" => {
                let _ = window().location().reload();
            }
            _ => {}
        }
    }

    async fn register(self, container: &ServiceWorkerContainer) -> Option<()> {
        let registered = JsFuture::from(container.register(LOADER)).await.ok()?;
        let registration = registered.dyn_into::<ServiceWorkerRegistration>().ok()?;
        let watched = Rc::new(registration.clone());
        let found = Closure::<dyn FnMut()>::new(move || {
            // The very first loader is found too, with none before it.
            if watched.active().is_some() {
                self.show(Software::LoaderChanged);
            }
        });
        registration.set_onupdatefound(Some(found.as_ref().unchecked_ref()));
        found.forget(); // As long-lived as the page.
        if registration.active().is_some()
            && (registration.waiting().is_some() || registration.installing().is_some())
        {
            self.show(Software::LoaderChanged);
        }
        self.registration.set_value(Some(registration));
        JsFuture::from(container.ready().ok()?).await.ok()?;
        self.tell("check", "");
        Some(())
    }

    fn tell(self, say: &str, release: &str) {
        let message = Object::new();
        for (key, value) in [("say", say), ("release", release)] {
            let _ = Reflect::set(&message, &JsValue::from_str(key), &JsValue::from_str(value));
        }
        self.registration.with_value(|registration| {
            if let Some(loader) = registration.as_ref().and_then(|found| found.active()) {
                let _ = loader.post_message(&message);
            }
        });
    }
}

/// `navigator.serviceWorker`, which browsers leave out in private windows or by a setting.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = window().navigator();
    let found = Reflect::get(&navigator, &JsValue::from_str("serviceWorker")).ok()?;
    found.dyn_into().ok()
}
