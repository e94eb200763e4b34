//! What a browser keeps, read and changed past the app: as a disk does that loses bytes, or a newer version.

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use serde_json::json;

use crate::Browser;

/// The database of the vault, one per origin.
const DATABASE: &str = "komrade";

/// Opens the database `name` in `version` (`null`: as it is) and calls `work(database, done)`; whatever fails is told.
const OPEN: &str = "const done = arguments[arguments.length - 1]; \
    const hex = value => Array.from(new Uint8Array(value), byte => byte.toString(16).padStart(2, '0')).join(''); \
    const bytes = text => new Uint8Array((text.match(/../g) || []).map(pair => parseInt(pair, 16))); \
    const open = (name, version, work) => { \
        const request = version ? indexedDB.open(name, version) : indexedDB.open(name); \
        request.onerror = () => done({error: String(request.error)}); \
        request.onsuccess = () => { \
            const database = request.result; \
            const end = answer => { database.close(); done(answer); }; \
            try { work(database, end); } catch (error) { end({error: String(error)}); } \
        }; \
    };";

impl Browser {
    /// The records of a table by key, as they are stored. A page of the same origin must be open.
    ///
    /// # Errors
    /// If there is no such table.
    pub async fn records(&self, table: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let work = "const [name, table] = arguments; \
            open(name, null, (database, end) => { \
                const store = database.transaction(table).objectStore(table); \
                const keys = store.getAllKeys(), values = store.getAll(); \
                values.onsuccess = () => end({records: keys.result.map((key, at) => [hex(key), hex(values.result[at])])}); \
            });";
        let answer = self
            .stored(work, vec![json!(DATABASE), json!(table)])
            .await?;
        let records = answer
            .get("records")
            .and_then(|records| records.as_array())
            .context("no records")?;
        let bytes = |pair: &serde_json::Value, at: usize| {
            let text = pair.get(at).and_then(|text| text.as_str());
            HEXLOWER.decode(text.unwrap_or("not hex").as_bytes())
        };
        records
            .iter()
            .map(|pair| Ok((bytes(pair, 0)?, bytes(pair, 1)?)))
            .collect()
    }

    /// Puts a record where the app did not put it.
    ///
    /// # Errors
    /// If there is no such table.
    pub async fn put_record(&self, table: &str, key: &[u8], value: &[u8]) -> Result<()> {
        let work = "const [name, table, key, value] = arguments; \
            open(name, null, (database, end) => { \
                const transaction = database.transaction(table, 'readwrite'); \
                transaction.objectStore(table).put(bytes(value), bytes(key)); \
                transaction.oncomplete = () => end({}); \
                transaction.onabort = () => end({error: String(transaction.error)}); \
            });";
        let arguments = vec![
            json!(DATABASE),
            json!(table),
            json!(HEXLOWER.encode(key)),
            json!(HEXLOWER.encode(value)),
        ];
        self.stored(work, arguments).await.map(drop)
    }

    /// Gives the database the version of a later layout.
    ///
    /// # Errors
    /// If the app holds it open and does not make way.
    pub async fn raise_schema(&self, version: u32) -> Result<()> {
        let work = "const [name, version] = arguments; open(name, version, (_, end) => end({}));";
        let arguments = vec![json!(DATABASE), json!(version)];
        self.stored(work, arguments).await.map(drop)
    }

    /// Leaves `bytes` of room to this origin, or as much as there is.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn room(&self, origin: &str, bytes: Option<u64>) -> Result<()> {
        let mut order = json!({ "origin": origin });
        if let (Some(bytes), Some(order)) = (bytes, order.as_object_mut()) {
            order.insert("quotaSize".to_owned(), json!(bytes));
        }
        self.web()
            .cdp()
            .send_raw("Storage.overrideQuotaForOrigin", order)
            .await?;
        Ok(())
    }

    async fn stored(
        &self,
        work: &str,
        arguments: Vec<serde_json::Value>,
    ) -> Result<serde_json::Value> {
        let answer: serde_json::Value = self
            .web()
            .execute_async(format!("{OPEN} {work}"), arguments)
            .await?
            .convert()?;
        if let Some(error) = answer.get("error") {
            bail!("IndexedDB: {error}");
        }
        Ok(answer)
    }
}
