//! What Pictor decides, without doing anything: requests, sizes, prices, the catalogue, plans and what follows a failure.
//!
//! Nothing here reads a clock, a file or the network. Time, health, random numbers and the catalogue's texts are arguments.
//! In the order of a request: [`request`] and its [`route`], [`catalog`], [`resolve`], [`plan`] by a [`strategy`], [`price`],
//! [`rotation`] of credentials, [`failure`], [`health`]. [`view`], [`schema`] and [`explain`] tell callers of what was decided before the first call.

pub mod argument;
pub mod catalog;
pub mod explain;
pub mod failure;
pub mod fault;
pub mod fit;
pub mod format;
pub mod handling;
pub mod health;
pub mod mode;
pub mod money;
pub mod native;
pub mod plan;
pub mod price;
pub mod region;
pub mod request;
pub mod resolve;
pub mod rotation;
pub mod route;
pub mod rules;
pub mod schema;
pub mod secret;
pub mod size;
pub mod strategy;
pub mod suggest;
pub mod usage;
pub mod view;
