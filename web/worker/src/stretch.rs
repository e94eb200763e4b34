//! Stretching a passphrase in a worker of its own.
//!
//! Argon2id takes 64 MiB, and WebAssembly's memory never shrinks: so this worker starts its own script once
//! more (see `web/public/worker.js`), hands it the compiled code and the job, waits for 32 bytes and ends it.
//! A browser without workers inside workers stretches right here: it keeps the memory, and commands wait.

use futures::{
    StreamExt,
    channel::mpsc,
    future::{self, Either},
};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, ArrayBuffer, JsString, Object, Reflect, Uint8Array};
use komrade_crypto::vault::StretchJob;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, Worker};
use zeroize::Zeroizing;

use crate::page;

/// How long to wait. The default takes half a second on a desktop and about ten on a slow phone; the most
/// that a header may ask for takes some twenty times that.
const WITHIN_MILLIS: u32 = 240_000;

/// The stretched passphrase.
type Key = Zeroizing<[u8; 32]>;

/// What became of the worker.
enum Outcome {
    Done(Key),
    /// It ran out of memory or time.
    Failed,
    /// It never began.
    NotStarted,
}

/// Stretches a passphrase; `None` if the device has not enough memory.
pub async fn stretch(job: &StretchJob) -> Option<Key> {
    match elsewhere(job).await {
        Outcome::Done(key) => Some(key),
        Outcome::Failed => None,
        Outcome::NotStarted => job.run(nfkd).ok(),
    }
}

/// The part of the worker that is thrown away: runs the job and hands the key over.
pub fn serve(job: &ArrayBuffer) {
    page::say("began");
    let bytes = Zeroizing::new(Uint8Array::new(job).to_vec());
    match StretchJob::from_bytes(&bytes)
        .ok()
        .and_then(|job| job.run(nfkd).ok())
    {
        Some(mut key) => page::hand_over(key.as_mut_slice()),
        None => page::say("failed"),
    }
}

/// The browser's own tables.
fn nfkd(text: &str) -> Zeroizing<String> {
    Zeroizing::new(String::from(JsString::from(text).normalize("NFKD")))
}

async fn elsewhere(job: &StretchJob) -> Outcome {
    let Some(worker) = start() else {
        return Outcome::NotStarted;
    };
    let (heard, mut hears) = mpsc::unbounded();
    let failed = heard.clone();
    let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let _ = heard.unbounded_send(event.data());
    });
    let error = Closure::<dyn FnMut()>::new(move || {
        let _ = failed.unbounded_send(JsValue::from_str("failed"));
    });
    worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(error.as_ref().unchecked_ref()));
    let outcome = if send(&worker, job).is_some() {
        let answer = std::pin::pin!(answer(&mut hears));
        match future::select(answer, TimeoutFuture::new(WITHIN_MILLIS)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Outcome::Failed,
        }
    } else {
        Outcome::NotStarted
    };
    worker.set_onmessage(None);
    worker.set_onerror(None);
    worker.terminate();
    outcome
}

/// A worker of the same script, if workers may start workers here.
fn start() -> Option<Worker> {
    if !Reflect::has(&js_sys::global(), &JsValue::from_str("Worker")).unwrap_or(false) {
        return None;
    }
    Worker::new(&format!("{}#stretch", page::scope().location().pathname())).ok()
}

fn send(worker: &Worker, job: &StretchJob) -> Option<()> {
    let buffer = Uint8Array::from(job.to_bytes().as_slice()).buffer();
    let order = Object::new();
    Reflect::set(
        &order,
        &JsValue::from_str("module"),
        &wasm_bindgen::module(),
    )
    .ok()?;
    Reflect::set(&order, &JsValue::from_str("job"), &buffer).ok()?;
    worker
        .post_message_with_transfer(&order, &Array::of1(&buffer))
        .ok()
}

async fn answer(hears: &mut mpsc::UnboundedReceiver<JsValue>) -> Outcome {
    let mut began = false;
    while let Some(data) = hears.next().await {
        if let Some(word) = data.as_string() {
            if word == "began" {
                began = true;
                continue;
            }
            return if began {
                Outcome::Failed
            } else {
                Outcome::NotStarted
            };
        }
        let bytes = Uint8Array::new(&data);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.length() != 32 {
            return Outcome::Failed;
        }
        bytes.copy_to(key.as_mut_slice());
        bytes.fill(0, 0, 32);
        return Outcome::Done(key);
    }
    Outcome::NotStarted
}
