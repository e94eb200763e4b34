//! komrade-social
