//! komrade-headless
