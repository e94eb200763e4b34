//! komrade-drive
