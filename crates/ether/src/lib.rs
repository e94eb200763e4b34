//! komrade-ether
