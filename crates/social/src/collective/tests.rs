#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod arrivals;
mod attacks;
mod finality;
mod floods;
mod forgeries;
mod frozen;
mod majorities;
mod memberships;
mod model;
mod rules;
mod support;
mod work;
