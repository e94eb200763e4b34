//! komrade-i2p
