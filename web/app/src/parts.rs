//! The dozen kinds of parts that screens are made of. Presentation only: no part knows the engine's
//! rules.

mod controls;
mod field;
mod frame;
mod icon;
mod narration;
mod people;
pub mod plain;
mod sheet;

pub use controls::{CopyText, Notice, Progress, Qr};
pub use field::{Field, Reveal};
pub use frame::{Announcer, Heading, Screen, Title, UpdateBanner};
pub use icon::{Icon, Mark, Sign};
pub use narration::{Line, Narration};
pub use people::{Avatar, Code};
pub use sheet::Sheet;
