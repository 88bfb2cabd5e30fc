//! What Pictor decides, without doing anything: requests, sizes, prices, the catalogue, plans and what follows a failure.
//!
//! Nothing here reads a clock, a file or the network. Time, health and the catalogue's texts are arguments.
//! In the order of a request: [`request`], [`catalog`], [`resolve`], [`plan`], [`price`], [`failure`].
//! [`schema`] and [`explain`] tell callers of the first four.

pub mod argument;
pub mod catalog;
pub mod explain;
pub mod failure;
pub mod fault;
pub mod format;
pub mod handling;
pub mod mode;
pub mod money;
pub mod native;
pub mod plan;
pub mod price;
pub mod request;
pub mod resolve;
pub mod schema;
pub mod size;
pub mod usage;
