#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod arrivals;
mod attacks;
mod finality;
mod floods;
mod frozen;
mod model;
mod rules;
mod support;
mod work;
