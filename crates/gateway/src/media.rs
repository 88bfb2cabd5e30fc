//! Images that are kept: in an object store, under signed links that expire.

pub mod links;
pub mod process;
pub mod room;
pub mod shelf;
pub mod store;
pub mod strays;
pub mod sweep;
mod turns;
