//! The pages of Pictor: pure functions from what they show to HTML, charts as SVG, and the assets that go with them.
//!
//! Nothing here reads a clock, a file or the network. In the order of a page: [`frame`] is around every one, [`pages`] make
//! what is inside of [`card`]s, [`facts`] and a model's view, [`charts`] draw, [`html`] and [`words`] say it, [`machine`]
//! tells the same to programs.

pub mod arena;
pub mod assets;
pub mod card;
pub mod charts;
mod escape;
pub mod facts;
pub mod filter;
pub mod frame;
pub mod guides;
pub mod here;
pub mod highlight;
pub mod html;
mod icons;
pub mod machine;
pub mod markdown;
pub mod openapi;
pub mod pages;
pub mod performance;
pub mod picture;
pub mod plates;
pub mod samples;
pub mod story;
pub mod told;
pub mod words;
