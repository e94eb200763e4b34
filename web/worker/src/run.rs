//! The two things this code is started for: [`run`] the engine, or [`stretch`] one passphrase.

use futures::{SinkExt, Stream, StreamExt, future::join3};
use js_sys::{ArrayBuffer, Reflect};
use komrade_crypto::vault::Params;
use komrade_drive::{Helm, Screens};
use komrade_peer::{Config, limits::SAVER_BYTES};
use komrade_store::{StoreError, indexeddb::IndexedDbStore};
use komrade_view::{Event, FromEngine, Refusal, ToEngine, VaultState};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use crate::{host::Browser, lead::LedStore, page};

/// The database of the vault, one per origin.
const DATABASE: &str = "komrade";
/// Below this a page is ended by the system rather than given 64 MiB at once.
const LITTLE_MEMORY_GIBIBYTES: f64 = 1.0;

/// Runs the engine for the page that started this worker.
#[wasm_bindgen]
pub fn run() {
    let commands = page::listen();
    page::say(&format!("ready {}", page::BUILD));
    spawn_local(async move {
        match IndexedDbStore::open(DATABASE).await {
            Ok(store) => drive(store, commands).await,
            Err(error) => refuse(&error, commands).await,
        }
    });
}

/// Stretches one passphrase for the worker that started this one.
#[wasm_bindgen]
pub fn stretch(job: &ArrayBuffer) {
    crate::stretch::serve(job);
}

async fn drive(store: IndexedDbStore, commands: impl Stream<Item = ToEngine> + Unpin) {
    let (screens, helm): (Screens, Helm) = komrade_drive::channel();
    let Screens {
        commands: mut asks,
        mut events,
    } = screens;
    let ask = async {
        let mut commands = commands;
        while let Some(command) = commands.next().await {
            if asks.send(command).await.is_err() {
                break;
            }
        }
    };
    let tell = async {
        while let Some(message) = events.next().await {
            page::tell(&message);
        }
    };
    let config = Config {
        stretch: stretching(),
        data_limit: if saves_data() { SAVER_BYTES } else { 0 },
    };
    join3(
        komrade_drive::run(LedStore::new(store), Browser, helm, config),
        ask,
        tell,
    )
    .await;
    page::scope().close();
}

/// How much work a new vault asks of this device: less where the browser says that there is little memory, which
/// only some tell.
fn stretching() -> Params {
    let navigator = page::scope().navigator();
    let gibibytes = Reflect::get(&navigator, &JsValue::from_str("deviceMemory"));
    match gibibytes.ok().and_then(|value| value.as_f64()) {
        Some(gibibytes) if gibibytes < LITTLE_MEMORY_GIBIBYTES => Params::FLOOR,
        _ => Params::DEFAULT,
    }
}

/// Whether the person told the browser to save data, where it tells a page.
fn saves_data() -> bool {
    let navigator = page::scope().navigator();
    let connection = Reflect::get(&navigator, &JsValue::from_str("connection"));
    let saves = connection.and_then(|it| Reflect::get(&it, &JsValue::from_str("saveData")));
    saves.is_ok_and(|saves| saves.is_truthy())
}

/// Without a store there is nothing but to say so, whatever is asked.
async fn refuse(error: &StoreError, mut commands: impl Stream<Item = ToEngine> + Unpin) {
    let (state, refusal) = match error {
        StoreError::NewerSchema { .. } => (VaultState::Newer, Refusal::NewerVault),
        _ => (VaultState::StoreFailed, Refusal::StorageFailed),
    };
    page::tell(&FromEngine::Event(Event::Vault(state)));
    while let Some(ToEngine { id, .. }) = commands.next().await {
        page::tell(&FromEngine::Done {
            id,
            result: Err(refusal),
        });
    }
}
