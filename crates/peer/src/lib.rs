//! The engine of a peer: it never touches the world. Inputs go in, effects come out; time and randomness are arguments.
mod comrade;
mod contact;
mod dialing;
mod engine;
mod fields;
mod inbox;
mod invites;
mod io;
mod keys;
pub mod limits;
mod links;
mod open;
mod outbox;
mod own;
mod packet;
mod pair;
mod records;
mod relay_link;
mod route;
mod seal;
mod step;
mod upkeep;
mod vault;
mod views;
mod writing;

pub use engine::{Config, Engine};
pub use io::*;
