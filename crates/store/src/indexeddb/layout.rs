//! The layout of the database, and how an older one becomes the present one.
//!
//! Versions are those of [`SCHEMA`]. A migration runs inside the browser's own version-change transaction: whole
//! or not at all, with no other connection open. Each step leads from one version to the next and is never
//! changed once released.

use idb::{
    Database, DatabaseEvent as _, Event as _, Factory, ObjectStoreParams, Request as _,
    event::VersionChangeEvent,
};

use super::{LEASE_STORE, failed};
use crate::{SCHEMA, StoreError};

/// One step.
type Migration = fn(&Database) -> Result<(), StoreError>;

/// The step at position `n` leads from version `n` to `n + 1`.
const MIGRATIONS: [Migration; SCHEMA as usize] = [create, add_spaces];

/// From nothing to version 1.
fn create(database: &Database) -> Result<(), StoreError> {
    // Written out, not taken from `Table`: this step must stay as it is when tables are added.
    for name in [
        "header",
        "own",
        "comrades",
        "sessions",
        "messages",
        "outbox",
        "waiting",
        "invites",
        LEASE_STORE,
    ] {
        database
            .create_object_store(name, ObjectStoreParams::new())
            .map_err(failed)?;
    }
    Ok(())
}

/// From version 1 to 2: spaces of many.
fn add_spaces(database: &Database) -> Result<(), StoreError> {
    for name in ["spaces", "operations", "posts"] {
        database
            .create_object_store(name, ObjectStoreParams::new())
            .map_err(failed)?;
    }
    Ok(())
}

/// Runs what steps are due. If one fails, nothing is changed and the database does not open.
pub(super) fn migrate(event: &VersionChangeEvent) -> Result<(), StoreError> {
    let migrated = run(event);
    if migrated.is_err()
        && let Some(transaction) = event
            .target()
            .ok()
            .and_then(|request| request.transaction())
    {
        transaction.abort().map_err(failed)?;
    }
    migrated
}

fn run(event: &VersionChangeEvent) -> Result<(), StoreError> {
    let from = usize::try_from(event.old_version().map_err(failed)?).unwrap_or(usize::MAX);
    let database = event.database().map_err(failed)?;
    MIGRATIONS
        .iter()
        .skip(from)
        .try_for_each(|step| step(&database))
}

/// The version of a database that is newer than this build.
pub(super) async fn found(factory: &Factory, name: &str) -> Result<u32, StoreError> {
    let database = factory
        .open(name, None)
        .map_err(failed)?
        .await
        .map_err(failed)?;
    let version = database.version().map_err(failed);
    database.close();
    version
}
