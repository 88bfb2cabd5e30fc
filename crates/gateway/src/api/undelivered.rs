//! A finished generation on its way to its caller: if it does not arrive, its images are kept.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{Response, header};
use bytes::Buf as _;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tracing::{Instrument as _, Span};

use crate::boundary::outside;
use crate::generation::{Generated, Order};
use crate::http::around::{Around, Polled, wrap};
use crate::http::state::AppState;
use crate::outcome::GenerationError;

/// From the last byte that a connection is given until the system has it, unless its reader is slow.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// How a generation ended.
pub(super) type Outcome = (Order, Result<Generated, GenerationError>);

/// An outcome that has not reached its caller. Wherever it is dropped, what is paid for is kept.
pub(super) struct Undelivered {
    state: AppState,
    outcome: Option<Outcome>,
    /// That of its request: a body's last byte is seen outside of it.
    span: Span,
}

impl Undelivered {
    pub(super) fn new(state: AppState, outcome: Outcome) -> Self {
        Self {
            state,
            outcome: Some(outcome),
            span: Span::current(),
        }
    }

    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Ends the watch: its order is answered by another one.
    pub(super) fn given_back(mut self) -> Option<Order> {
        self.outcome.take().map(|(order, _)| order)
    }

    /// Ends the watch: the caller has it.
    pub(super) fn delivered(mut self) -> Option<Outcome> {
        let _entered = self.span.clone().entered();
        let outcome = self.outcome.take();
        if let Some((order, result)) = &outcome {
            // Nobody comes back for what cannot be recognized.
            let is_recognized = order.request_hash.is_some();
            if is_recognized {
                note(&self.state, Noted::Delivery, order.id.clone());
            }
            match result {
                Ok(generated) if is_recognized && !order.caller.keeps_no_images() => {
                    keep(&self.state, order, generated);
                }
                Ok(generated) => forget(&self.state, generated),
                Err(_) => {}
            }
        }
        outcome
    }

    /// The same answer, watched until its last byte is on its way.
    pub(super) fn watch(self, response: Response<Body>) -> Response<Body> {
        when_sent(response, move || drop(self.delivered()))
    }
}

/// The same answer, and what is done when its last byte is on its way. If that never comes, it is dropped undone.
pub(super) fn when_sent(response: Response<Body>, then: impl FnOnce() + Send + 'static) -> Response<Body> {
    // A body of a known length is not asked for its end.
    let length = response.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    response.map(|body| {
        let at_end = AtEnd {
            left: length.or(body.size_hint().exact()),
            then: Some(Box::new(then)),
        };
        wrap(body, at_end)
    })
}

/// What became of an answer on its way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Noted {
    /// Its last byte went out.
    Delivery,
    /// Its connection broke.
    Break,
}

/// Puts on record what became of a generation's answer on its way, for an SDK that comes back for it.
pub(super) fn note(state: &AppState, noted: Noted, id: String) {
    if let Ok(runtime) = Handle::try_current() {
        let generator = state.generator.clone();
        let noted = async move {
            let (database, now) = (&generator.database, generator.clock.now());
            let result = match noted {
                Noted::Delivery => database.note_delivery(&id, now).await,
                Noted::Break => database.note_break(&id, now).await,
            };
            if let Err(error) = result {
                tracing::warn!(error = %error, "what became of an answer could not be noted");
            }
        };
        state.tasks.spawn_on(noted.in_current_span(), &runtime);
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        let Some((order, result)) = &self.outcome else { return };
        let _entered = self.span.enter();
        if order.request_hash.is_some() {
            note(&self.state, Noted::Break, order.id.clone());
        }
        if let Ok(generated) = result {
            keep(&self.state, order, generated);
        }
    }
}

/// Keeps the images of an answer that did not arrive, or that may not have: an SDK that counts its tries comes back for it.
fn keep(state: &AppState, order: &Order, generated: &Generated) {
    // Outside of a runtime the process ends.
    if generated.kept {
        return;
    }
    if let Ok(runtime) = Handle::try_current() {
        let (generator, order, mut generated) = (state.generator.clone(), order.clone(), generated.clone());
        let keep = async move { generator.keep(&order, &mut generated).await };
        state.tasks.spawn_on(keep.in_current_span(), &runtime);
    }
}

/// Forgets what was kept of an answer while it was sent, a moment after the last byte was handed to the connection: until then
/// that may be in this process still. What nobody can forget now is found by the next start, as if it had not arrived.
fn forget(state: &AppState, generated: &Generated) {
    let files = generated.sending();
    if let (Ok(runtime), false) = (Handle::try_current(), files.is_empty()) {
        let forget = async move {
            sleep(ON_ITS_WAY).await;
            files.iter().for_each(|file| file.remove());
        };
        state.tasks.spawn_on(forget, &runtime);
    }
}

/// Something to do at the last byte of a body.
struct AtEnd {
    /// Bytes to come, where that is known.
    left: Option<u64>,
    then: Option<Box<dyn FnOnce() + Send>>,
}

impl Around for AtEnd {
    fn next(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Polled {
        if let Err(error) = outside("socket") {
            return Poll::Ready(Some(Err(axum::Error::new(error))));
        }
        let polled = body.poll_frame(context);
        let is_end = match &polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, |data| data.remaining() as u64);
                self.left = self.left.map(|left| left.saturating_sub(bytes));
                self.left == Some(0)
            }
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if is_end && let Some(then) = self.then.take() {
            then();
        }
        polled
    }
}
