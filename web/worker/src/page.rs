//! The page's end: words of control and messages of the engine.
//!
//! Words are short strings. To the page: `ready BUILD`, `alive`, `panicked FILE:LINE`, and from the start
//! script `refused`. From the page: `beat`, answered by `alive`. Everything else is one postcard message in
//! a transferred buffer. The other half is `web/app/src/bridge/link.rs`.

use std::panic::PanicHookInfo;

use futures::channel::mpsc;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use komrade_view::{FromEngine, ToEngine};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};
use zeroize::Zeroize;

/// The build that page and worker must share: the hash of the sources, given by `cargo xtask`.
pub const BUILD: &str = match option_env!("KOMRADE_BUILD") {
    Some(build) => build,
    None => "unstamped",
};

/// The worker itself.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Says a word to whoever started this worker.
pub fn say(word: &str) {
    // It fails only for values that cannot be copied, which a string is not.
    let _ = scope().post_message(&JsValue::from_str(word));
}

/// Hands `bytes` to whoever started this worker, and keeps no copy.
pub fn hand_over(bytes: &mut [u8]) {
    let buffer = Uint8Array::from(&*bytes).buffer();
    bytes.zeroize();
    let _ = scope().post_message_with_transfer(&buffer, &Array::of1(&buffer));
}

/// Tells the page what the engine says.
pub fn tell(message: &FromEngine) {
    match komrade_view::encode(message) {
        Ok(mut bytes) => hand_over(&mut bytes),
        // Only a page of messages comes near the bound, and the engine cuts pages far below it.
        Err(_) => {
            if let FromEngine::Done { id, .. } = message {
                let refused = FromEngine::Done {
                    id: *id,
                    result: Err(komrade_view::Refusal::OutOfBounds),
                };
                if let Ok(mut bytes) = komrade_view::encode(&refused) {
                    hand_over(&mut bytes);
                }
            }
        }
    }
}

/// What the page sends, from now on. Heartbeats are answered here.
pub fn listen() -> mpsc::UnboundedReceiver<ToEngine> {
    // The page bounds how many commands wait at once.
    let (commands, heard) = mpsc::unbounded();
    let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let data = event.data();
        if data.as_string().as_deref() == Some("beat") {
            say("alive");
        } else if let Ok(buffer) = data.dyn_into::<ArrayBuffer>() {
            let mut bytes = Uint8Array::new(&buffer).to_vec();
            if let Ok(command) = komrade_view::decode(&bytes) {
                let _ = commands.unbounded_send(command);
            }
            bytes.zeroize();
        }
    });
    scope().set_onmessage(Some(listener.as_ref().unchecked_ref()));
    listener.forget(); // As long-lived as the worker.
    heard
}

/// From now on a panic tells the page where it was, and nothing of what, and ends the worker.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let at = info
            .location()
            .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        say(&format!("panicked {at}"));
        scope().close();
    }));
}
