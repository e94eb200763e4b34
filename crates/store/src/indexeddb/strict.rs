//! Transactions that say how durable they are, and end with the browser's own reason.

use std::{cell::Cell, rc::Rc};

use futures::channel::oneshot;
use idb::ObjectStore;
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{DomException, IdbDatabase, IdbTransaction};

use super::failed;
use crate::StoreError;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase` with the third argument of its `transaction`, which the bindings do not know.
    type Connection;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction(
        this: &Connection,
        tables: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}

/// What a transaction is for, and when it counts as complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading.
    Read,
    /// Writing, complete once the operating system has it.
    Write,
    /// Writing, complete once the operating system has it on disk.
    WriteStrictly,
}

impl Access {
    /// Mode and durability in the browser's words.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Read => ("readonly", "relaxed"),
            Self::Write => ("readwrite", "relaxed"),
            Self::WriteStrictly => ("readwrite", "strict"),
        }
    }
}

/// A transaction under way.
pub(super) struct Transaction {
    inner: idb::Transaction,
    /// The same, to ask for the reason of its end.
    raw: IdbTransaction,
}

impl Transaction {
    /// Opens one over these object stores.
    pub(super) fn open(
        connection: &IdbDatabase,
        tables: &[&str],
        access: Access,
    ) -> Result<Self, StoreError> {
        let tables: Array = tables.iter().copied().map(JsValue::from_str).collect();
        let (mode, durability) = access.words();
        let options = Object::new();
        let thrown = |value: JsValue| refusal(&name_of(&value));
        Reflect::set(&options, &"durability".into(), &durability.into()).map_err(thrown)?;
        let connection: &Connection = connection.unchecked_ref();
        let raw = connection
            .transaction(&tables, mode, &options)
            .map_err(thrown)?;
        Ok(Self {
            inner: raw.clone().into(),
            raw,
        })
    }

    /// One of its object stores.
    pub(super) fn store(&self, name: &str) -> Result<ObjectStore, StoreError> {
        self.inner.object_store(name).map_err(failed)
    }

    /// Waits until it is committed. To be called right after the last request was made, so that it cannot end unheard.
    pub(super) async fn done(mut self) -> Result<(), StoreError> {
        if self.listen().await == Ok(true) {
            return Ok(());
        }
        let reason = self.raw.error().map(|error| error.name());
        Err(refusal(reason.as_deref().unwrap_or("AbortError")))
    }

    /// Undoes all of it.
    pub(super) async fn abort(mut self) {
        let ended = self.listen();
        // It fails only if the transaction has ended already.
        if self.raw.abort().is_ok() {
            let _ = ended.await;
        }
    }

    /// Whether it was committed, once it has ended.
    fn listen(&mut self) -> oneshot::Receiver<bool> {
        let (committed, ended) = oneshot::channel();
        let committed = Rc::new(Cell::new(Some(committed)));
        let aborted = Rc::clone(&committed);
        self.inner.on_complete(move |_| tell(&committed, true));
        self.inner.on_abort(move |_| tell(&aborted, false));
        ended
    }
}

/// Tells how a transaction ended.
fn tell(listener: &Cell<Option<oneshot::Sender<bool>>>, committed: bool) {
    if let Some(listener) = listener.take() {
        // Nobody may be listening any more: then nobody needs to know.
        let _ = listener.send(committed);
    }
}

/// What the name of a browser's error means.
pub(super) fn refusal(name: &str) -> StoreError {
    match name {
        "QuotaExceededError" => StoreError::Full,
        name => StoreError::Failed(name.to_owned()),
    }
}

fn name_of(thrown: &JsValue) -> String {
    thrown
        .dyn_ref::<DomException>()
        .map_or_else(|| "unknown error".to_owned(), DomException::name)
}

#[cfg(test)]
mod tests;
