//! Reading an answer that comes as events: unfinished images are told at once, the rest is kept for the adapter.

use futures_util::StreamExt;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use super::{
    Attempt, Driver, Observer,
    send::{SendError, from_reqwest, too_large, unreadable},
};
use crate::{
    adapter::{Events, Heard, Listening, ReplyBody},
    splitter::{SplitError, SplitLimits},
    sse::{SseData, SseEvent, SseParser},
};

/// How reading came to its end.
#[derive(Debug)]
enum End {
    /// The connection broke, the time was over, or a bound of ours was passed.
    Broken(SendError),
    /// An event is not what the protocol says.
    Unreadable(SplitError),
}

struct Ear<'a> {
    listening: Listening,
    observer: &'a dyn Observer,
    parser: SseParser,
    events: Events,
}

impl Driver {
    /// Reads the events until the reply is whole. Images that are finished are paid for: they are kept however it ends.
    pub(super) async fn listen(
        &self,
        attempt: &Attempt<'_>,
        listening: Listening,
        response: Response,
        limit: Instant,
    ) -> Result<ReplyBody, SendError> {
        let limits = SplitLimits::of_answer(self.config.answer_bytes);
        let mut ear = Ear {
            listening,
            observer: attempt.observer,
            parser: SseParser::new(attempt.scope.clone(), limits),
            events: Events::default(),
        };
        let read = timeout_at(limit, ear.read(response, self.config.answer_bytes)).await;
        match read.unwrap_or(Err(End::Broken(SendError::TimedOut))) {
            Err(End::Broken(error)) if ear.events.images.is_empty() => Err(error),
            Err(End::Unreadable(error)) if ear.events.images.is_empty() => unreadable(&error),
            _ => Ok(ReplyBody::Events(ear.events)),
        }
    }
}

impl Ear<'_> {
    async fn read(&mut self, response: Response, most_bytes: u64) -> Result<(), End> {
        if response.content_length().is_some_and(|length| length > most_bytes) {
            return Err(End::Broken(too_large(most_bytes)));
        }
        let mut size_bytes = 0;
        let mut stream = response.bytes_stream();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| End::Broken(from_reqwest(&error)))?;
            size_bytes += piece.len() as u64;
            if size_bytes > most_bytes {
                return Err(End::Broken(too_large(most_bytes)));
            }
            let mut rest = piece.as_ref();
            while let Some(event) = self.parser.push(&mut rest).map_err(End::Unreadable)? {
                if self.hear(event) {
                    return Ok(());
                }
            }
        }
        // An event that is not whole is no event: the adapter sees that its last word is missing.
        if let Ok(Some(event)) = self.parser.end() {
            self.hear(event);
        }
        Ok(())
    }

    /// Takes an event; whether the reply is whole.
    fn hear(&mut self, event: SseEvent) -> bool {
        let SseData::Json(document) = event.data else {
            return true;
        };
        match (self.listening.hear)(event.name.as_deref(), &document) {
            Heard::Partial(index, image) => {
                self.events.partials = self.events.partials.saturating_add(1);
                self.observer.partial_image(index, image);
            }
            Heard::Image => self.events.images.push(document),
            Heard::Last => self.events.last = Some(document),
            Heard::Nothing => {}
        }
        self.events.last.is_some() || self.events.images.len() >= self.listening.images
    }
}
