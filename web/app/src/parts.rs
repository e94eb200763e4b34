//! The dozen kinds of parts that screens are made of. Presentation only: no part knows the engine's
//! rules.

pub mod area;
mod controls;
pub mod each;
mod field;
mod frame;
mod icon;
mod narration;
mod people;
pub mod plain;
pub mod row;
mod sheet;

pub use controls::{CopyText, Notice, Progress, Qr};
pub use field::{Field, Reveal};
pub use frame::{Announcer, Heading, Screen, Title, UpdateBanner};
pub use icon::{Icon, Mark, Sign};
pub use narration::{Line, Narration};
pub use people::{Avatar, Code};
pub use sheet::Sheet;
