//! A database in the browser, as the suite wants it.

use idb::Factory;
use komrade_store::{StoreError, indexeddb::IndexedDbStore, suite::Fixture};

/// A database of this name, empty at first. Each test has its own name, and its own browser profile.
pub struct Browser(pub &'static str);

impl Fixture for Browser {
    type Store = IndexedDbStore;

    async fn open(&self) -> Result<IndexedDbStore, StoreError> {
        IndexedDbStore::open(self.0).await
    }

    async fn set_schema(&self, schema: u32) {
        let request = Factory::new().unwrap().open(self.0, Some(schema)).unwrap();
        request.await.unwrap().close();
    }
}

macro_rules! test {
    ($name:ident) => {
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            let fixture = crate::fixture::Browser(stringify!($name));
            komrade_store::suite::$name(&fixture).await;
        }
    };
}

komrade_store::store_suite!(test);
