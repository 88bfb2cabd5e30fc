//! The pages, each a function from what it shows to a [`Page`](crate::frame::Page).

pub mod arena;
pub mod compare;
pub mod desk;
pub mod docs;
pub mod gallery;
pub mod home;
pub mod leaderboard;
pub mod licenses;
pub mod model;
pub mod models;
pub mod playground;
pub mod problem;
pub mod reference;
pub mod search;
pub mod sign_in;
