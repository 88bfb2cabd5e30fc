//! A reply that comes as events: what an adapter says of each, and what is left for it in the end.

use crate::{splitter::Document, spool::Blob};

/// How a stream of events is read.
#[derive(Debug, Clone, Copy)]
pub struct Listening {
    /// How many finished images make the reply whole. Nothing is read after them: some servers keep the connection.
    pub images: usize,
    /// Judges an event by its `event:` name and its data.
    pub hear: fn(Option<&str>, &Document) -> Heard,
}

/// What one event of a stream is.
#[derive(Debug)]
pub enum Heard {
    /// An unfinished image, with its place among those of its image, counted from 0. It goes to the observer at once.
    Partial(u32, Blob),
    /// A finished image, kept for the adapter.
    Image,
    /// The provider's last word, such as an error, kept for the adapter; nothing is read after it.
    Last,
    /// Nothing of interest.
    Nothing,
}

/// What a stream of events left.
#[derive(Debug, Default)]
pub struct Events {
    /// The data of the events that were [`Heard::Image`], in order.
    pub images: Vec<Document>,
    /// The data of the event that was [`Heard::Last`].
    pub last: Option<Document>,
    /// Unfinished images that came: the provider has worked.
    pub partials: u32,
}
