//! `/health`: whether the relay works, for whoever watches over it. Counts and stages, nobody's name.

use axum::Json;
use serde::Serialize;

/// What `/health` says.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    /// The version of this binary.
    pub(crate) version: &'static str,
}

/// Answers `/health`.
pub(crate) async fn answer() -> Json<Health> {
    Json(Health { version: env!("CARGO_PKG_VERSION") })
}
